/* SPDX-License-Identifier: MIT */
#include "compare.h"
#include "compare_files.h"
#include "json_area.h"
#include "png_image.h"
#include "progress.h"
#include "terminal.h"
#include "tolerance.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

const char cmd_compare_help[] =
	"usage: vgt compare [OPTION...] A B\n"
	"\n"
	"Compares two PNG files, or the PNG files of two directories, and of those in them,\n"
	"by name; links to directories are not followed. Without options a single differing\n"
	"bit makes the frames differ.\n"
	"\n"
	"  --metric METRIC    by what they are compared (default difference):\n"
	"    difference       pixels of which a channel differs by more than the threshold\n"
	"    exact            pixels that differ at all; none may\n"
	"    mean             mean difference of a channel, 0 to 255\n"
	"    psnr             peak signal-to-noise ratio in dB\n"
	"    yiq              pixels beyond a distance of colours, without what looks like\n"
	"                     anti-aliasing: what pixelmatch 7 counts\n"
	"    ssim             structural similarity of the lumas, 1 where equal\n"
	"    flip             LDR-FLIP: how much a viewer sees who flips between the two,\n"
	"                     0 to 1\n"
	"    all              measures one pair by all of these\n"
	"  --threshold N      difference: a channel may differ by N of 255 (default 0);\n"
	"                     yiq: distance, 0 to 1 of the largest (default 0.1)\n"
	"  --max-pixels N     difference, yiq: N pixels of a frame may differ by more\n"
	"                     (default 0)\n"
	"  --max-pixels P%    or P percent of its pixels, such as 0.5%\n"
	"  --antialiased WORD  yiq: count or ignore anti-aliasing (default ignore)\n"
	"  --max N            mean, flip: the largest value allowed (default 0)\n"
	"  --min N            psnr, ssim: the least (default: that of equal frames)\n"
	"  --ppd N            flip: pixels per degree of the viewer's sight (default\n"
	"                     67.0206: 0.7 m from a monitor 0.7 m wide, of 3840 pixels)\n"
	"  --ignore X,Y,WxH   do not compare these pixels, from the top left; can be\n"
	"                     repeated, at most 32 times\n"
	"  --diff OUT.png     draw the differing pixels, bright on a dark A, what is\n"
	"                     ignored blue, anti-aliasing dark yellow; for flip its error\n"
	"                     map, from black to yellow (two files only; also written when\n"
	"                     nothing differs)\n"
	"  --json             print one JSON object instead of text\n"
	"  -q, --quiet        no progress, no summary, no lines: errors only\n"
	"  -h, --help         print this\n"
	"\n"
	"Alpha is a channel like others to difference, exact and mean, and to psnr where it\n"
	"differs at all. yiq sees translucent pixels over a pattern that depends on their\n"
	"place, as pixelmatch does; ssim and flip see them over white. Samples of 16 bits\n"
	"are compared as such by the first four, in units of 255 (0.004 is one step), and\n"
	"rounded to 8 bits by the others. Colour profiles and gamma are not applied.\n"
	"\n"
	"What is ignored counts as equal for the pixels around it. Areas may overlap, and\n"
	"reach over the border; ignoring all of a frame is an error.\n"
	"\n"
	"Of two PNG files that are not interlaced a few rows at a time are in memory, but\n"
	"for ssim, flip, all and --diff. A PNG may have 16384x16384 pixels.\n"
	"\n"
	"One line for each frame goes to stdout, for directories a summary to stderr.\n"
	"\n"
	"The JSON object:\n"
	"  a, b          the arguments\n"
	"  metric        its name, or \"all\"\n"
	"  threshold     of the metric, or null\n"
	"  max_pixels    as given, or null where percent were given\n"
	"  max_percent   as given, or null where a number of pixels was given\n"
	"  limit         of --max or --min; null where there is none\n"
	"  ignore        an array of {x, y, width, height}\n"
	"  same          true where the exit status is 0\n"
	"  frames, different, unreadable\n"
	"                how many there are, of each kind\n"
	"  pairs         an array with an object for each frame, sorted by name:\n"
	"    name        of the file, in directories the path from there; for two files the\n"
	"                name of B\n"
	"    verdict     \"identical\", \"tolerated\", \"differs\", \"size-differs\",\n"
	"                \"only-in-a\", \"only-in-b\" or \"unreadable\"\n"
	"    side, error\n"
	"                which of the files, \"a\" or \"b\", and what is wrong with it;\n"
	"                \"unreadable\" only\n"
	"    size_a, size_b\n"
	"                {width, height}, \"size-differs\" only\n"
	"    pixels, pixels_ignored, pixels_beyond, pixels_antialiased\n"
	"                how many were compared, how many not (--ignore), how many of the\n"
	"                first are beyond the threshold (for other metrics than difference\n"
	"                and yiq: differ), and how many\n"
	"                more would be, were they not anti-aliasing; this and what follows\n"
	"                only where the pixels were compared\n"
	"    value       of the metric: what --max-pixels, --max or --min is about\n"
	"    psnr        in dB; null where identical\n"
	"    largest     {difference, channel, x, y} of the largest difference, the first\n"
	"                such by rows from the top left; null where identical\n"
	"    mean        difference over all channels of all pixels, 0 to 255\n"
	"    area        {x, y, width, height} of the pixels beyond the threshold; null\n"
	"                where there are none\n"
	"    metrics     the value of each metric by its name; \"all\" only\n"
	"Later versions may add members. Where A or B cannot be opened at all, or there\n"
	"is nothing to compare, nothing is printed.\n"
	"\n"
	"exit status: 0 the same (within what the options allow); 1 different, or a frame\n"
	"is missing on one side; 2 trouble: a file cannot be read or is no PNG, or there\n"
	"is nothing to compare.\n";

enum verdict {
	VERDICT_IDENTICAL,
	VERDICT_TOLERATED,
	VERDICT_DIFFERS,
	VERDICT_SIZE_DIFFERS,
	VERDICT_ONLY_IN_A,
	VERDICT_ONLY_IN_B,
	VERDICT_UNREADABLE,
};

static const char *const verdict_names[] = {
	[VERDICT_IDENTICAL] = "identical",
	[VERDICT_TOLERATED] = "tolerated",
	[VERDICT_DIFFERS] = "differs",
	[VERDICT_SIZE_DIFFERS] = "size-differs",
	[VERDICT_ONLY_IN_A] = "only-in-a",
	[VERDICT_ONLY_IN_B] = "only-in-b",
	[VERDICT_UNREADABLE] = "unreadable",
};

/* What the command was asked for, and its count of what it found. */
struct request {
	const char *a;
	const char *b;
	struct vgt_tolerance tolerance;
	struct tolerance_words words; /* as the options have them */
	bool all_metrics;
	const char *diff_path;
	bool json;
	bool quiet;
	json_object *pairs; /* with json */
	uint64_t frames, different, unreadable;
	uint64_t one_sided; /* of those that are different */
};

/* One frame; what else is valid depends on the verdict. */
struct pair {
	const char *name;
	enum verdict verdict;
	struct compare_files files;
	struct vgt_comparison ladder[VGT_METRIC_COUNT]; /* of all metrics, where asked for */
	struct vgt_err err;
};

static bool was_compared(const struct pair *pair)
{
	return pair->verdict == VERDICT_IDENTICAL || pair->verdict == VERDICT_TOLERATED ||
	       pair->verdict == VERDICT_DIFFERS;
}

static json_object *json_size(uint32_t width, uint32_t height)
{
	json_object *object = json_object_new_object();

	vgt_json_put_number(object, "width", width);
	vgt_json_put_number(object, "height", height);
	return object;
}

static json_object *json_largest(const struct vgt_sample_difference *largest)
{
	if (largest->difference == 0) {
		return NULL;
	}
	json_object *object = json_object_new_object();
	vgt_json_put_measure(object, "difference", largest->difference);
	json_object_object_add(
		object, "channel", json_object_new_string(vgt_channel_name(largest->channel)));
	vgt_json_put_number(object, "x", largest->x);
	vgt_json_put_number(object, "y", largest->y);
	return object;
}

static json_object *json_ladder(const struct pair *pair)
{
	json_object *object = json_object_new_object();

	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		vgt_json_put_measure(object, vgt_metric_name((enum vgt_metric)metric),
			pair->ladder[metric].value);
	}
	return object;
}

/* Pixels that were not compared. */
static uint64_t ignored_pixels(const struct pair *pair)
{
	return (uint64_t)pair->files.width_a * pair->files.height_a -
	       pair->files.comparison.pixels;
}

static json_object *json_pair(const struct request *request, const struct pair *pair)
{
	const struct vgt_comparison *comparison = &pair->files.comparison;
	json_object *object = json_object_new_object();

	vgt_json_put_text(object, "name", pair->name);
	json_object_object_add(
		object, "verdict", json_object_new_string(verdict_names[pair->verdict]));
	if (pair->verdict == VERDICT_UNREADABLE) {
		json_object_object_add(object, "side",
			json_object_new_string(pair->files.wrong_in_b ? "b" : "a"));
		vgt_json_put_text(object, "error", pair->err.message);
	} else if (pair->verdict == VERDICT_SIZE_DIFFERS) {
		json_object_object_add(
			object, "size_a", json_size(pair->files.width_a, pair->files.height_a));
		json_object_object_add(
			object, "size_b", json_size(pair->files.width_b, pair->files.height_b));
	} else if (was_compared(pair)) {
		vgt_json_put_number(object, "pixels", comparison->pixels);
		vgt_json_put_number(object, "pixels_ignored", ignored_pixels(pair));
		vgt_json_put_number(object, "pixels_beyond", comparison->pixels_beyond);
		vgt_json_put_number(
			object, "pixels_antialiased", comparison->pixels_antialiased);
		vgt_json_put_measure(object, "value", comparison->value);
		vgt_json_put_measure(object, "psnr", comparison->psnr);
		json_object_object_add(object, "largest", json_largest(&comparison->largest));
		vgt_json_put_measure(object, "mean", comparison->mean);
		if (request->all_metrics) {
			json_object_object_add(object, "metrics", json_ladder(pair));
		}
		json_object_object_add(object, "area", vgt_json_area(&comparison->beyond));
	}
	return object;
}

static void print_measures(const struct vgt_comparison *comparison)
{
	char text[TOLERANCE_TEXT];

	puts(comparison_describe(text, comparison));
}

/* What the values of a ladder are of. */
static const char *const ladder_units[VGT_METRIC_COUNT] = {
	[VGT_METRIC_DIFFERENCE] = "pixels with a channel beyond 0",
	[VGT_METRIC_EXACT] = "pixels that differ",
	[VGT_METRIC_MEAN] = "of 255, mean of all channels",
	[VGT_METRIC_PSNR] = "dB",
	[VGT_METRIC_YIQ] = "pixels beyond 0.1 of the largest distance",
	[VGT_METRIC_SSIM] = "mean, 1 where equal",
	[VGT_METRIC_FLIP] = "mean, 0 where equal, at 67.02 pixels per degree",
};

/* One line for each metric. */
static void print_ladder(const struct pair *pair)
{
	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		const struct vgt_comparison *comparison = &pair->ladder[metric];
		printf("  %-10s  %12.7g  %s", vgt_metric_name((enum vgt_metric)metric),
			comparison->value, ladder_units[metric]);
		if (metric == VGT_METRIC_YIQ) {
			printf(", without %" PRIu64 " of anti-aliasing",
				comparison->pixels_antialiased);
		}
		putchar('\n');
	}
}

static void print_identical(const struct pair *pair)
{
	const uint64_t ignored = ignored_pixels(pair);

	printf("%s: identical", pair->name);
	if (ignored) {
		printf(" outside the %" PRIu64 " ignored pixel%s", ignored,
			ignored == 1 ? "" : "s");
	}
	putchar('\n');
}

static void print_pair(const struct request *request, const struct pair *pair)
{
	switch (pair->verdict) {
	case VERDICT_IDENTICAL:
		print_identical(pair);
		break;
	case VERDICT_TOLERATED:
		printf("%s: same within tolerance: ", pair->name);
		print_measures(&pair->files.comparison);
		break;
	case VERDICT_DIFFERS:
		printf("%s: differs: ", pair->name);
		print_measures(&pair->files.comparison);
		break;
	case VERDICT_SIZE_DIFFERS:
		printf("%s: differs: %" PRIu32 "x%" PRIu32 " pixels against %" PRIu32
		       "x%" PRIu32 "\n",
			pair->name, pair->files.width_a, pair->files.height_a,
			pair->files.width_b, pair->files.height_b);
		break;
	case VERDICT_ONLY_IN_A:
		printf("only in %s: %s\n", request->a, pair->name);
		break;
	case VERDICT_ONLY_IN_B:
		printf("only in %s: %s\n", request->b, pair->name);
		break;
	case VERDICT_UNREADABLE:
		break; /* is on stderr already */
	}
}

/* Counts and prints one frame. */
static void report_pair(struct request *request, const struct pair *pair)
{
	request->frames++;
	if (pair->verdict == VERDICT_UNREADABLE) {
		request->unreadable++;
	} else if (pair->verdict != VERDICT_IDENTICAL && pair->verdict != VERDICT_TOLERATED) {
		request->different++;
		request->one_sided += pair->verdict == VERDICT_ONLY_IN_A ||
				      pair->verdict == VERDICT_ONLY_IN_B;
	}
	if (request->json) {
		json_object_array_add(request->pairs, json_pair(request, pair));
	} else if (!request->quiet) {
		progress_clear();
		print_pair(request, pair);
		if (request->all_metrics && pair->verdict == VERDICT_DIFFERS) {
			print_ladder(pair);
		}
	}
}

static enum verdict verdict_of(
	const struct vgt_comparison *comparison, const struct vgt_tolerance *tolerance)
{
	if (comparison->size_differs) {
		return VERDICT_SIZE_DIFFERS;
	}
	if (comparison->identical) {
		return VERDICT_IDENTICAL;
	}
	return vgt_comparison_within(comparison, tolerance) ? VERDICT_TOLERATED
							    : VERDICT_DIFFERS;
}

/* Writes --diff, where there can be one; false, with the error printed, where that fails. */
static bool write_diff(
	const struct request *request, const struct vgt_image *a, const struct vgt_image *b)
{
	struct vgt_image drawing;
	struct vgt_err err;

	if (a->width != b->width || a->height != b->height) {
		fflush(stdout);
		fprintf(stderr, "vgt: %s: not written, the sizes differ\n", request->diff_path);
		return true;
	}
	bool good = vgt_compare_draw(&drawing, a, b, &request->tolerance, &err) &&
		    vgt_image_write_png(&drawing, request->diff_path, false, &err);

	if (!good) {
		vgt_cmd_error(request->diff_path, &err);
	}
	vgt_image_finish(&drawing);
	return good;
}

/* Where all are measured: each metric in turn, with the others' usual tolerances. */
static bool measure_all(struct request *request, struct pair *pair, const struct vgt_image *a,
	const struct vgt_image *b)
{
	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		struct vgt_tolerance tolerance = vgt_tolerance_of((enum vgt_metric)metric);
		memcpy(tolerance.ignored, request->tolerance.ignored,
			sizeof(tolerance.ignored));
		tolerance.ignored_count = request->tolerance.ignored_count;
		if (!vgt_compare_images(a, b, &tolerance, &pair->ladder[metric], &pair->err)) {
			return false;
		}
	}
	pair->files.comparison = pair->ladder[VGT_METRIC_DIFFERENCE];
	return true;
}

static bool measure(struct request *request, struct pair *pair, const struct vgt_image *a,
	const struct vgt_image *b)
{
	if (request->all_metrics) {
		return measure_all(request, pair, a, b);
	}
	return vgt_compare_images(
		a, b, &request->tolerance, &pair->files.comparison, &pair->err);
}

/* Compares two files and reports them under that name. False where --diff cannot be written. */
static bool compare_files(
	struct request *request, const char *name, const char *path_a, const char *path_b)
{
	struct pair pair = {.name = name, .files = {.path_a = path_a, .path_b = path_b}};
	struct vgt_image a = {0};
	struct vgt_image b = {0};
	bool good = true;
	bool readable;

	if (!request->diff_path && !request->all_metrics &&
		compare_files_can_by_rows(&pair.files, &request->tolerance)) {
		readable = compare_files_by_rows(&pair.files, &request->tolerance, &pair.err);
	} else {
		readable = compare_files_read(&pair.files, &a, &b, &pair.err) &&
			   measure(request, &pair, &a, &b);
	}
	if (readable) {
		pair.verdict = verdict_of(&pair.files.comparison, &request->tolerance);
	} else {
		vgt_cmd_error(pair.files.wrong_in_b ? path_b : path_a, &pair.err);
		pair.verdict = VERDICT_UNREADABLE;
	}
	report_pair(request, &pair);
	if (readable && request->diff_path) {
		good = write_diff(request, &a, &b);
	}
	vgt_image_finish(&a);
	vgt_image_finish(&b);
	return good;
}

#define DEPTH_MAX 64      /* directories in each other */
#define FILES_MAX 1000000 /* of one side */

/* The PNG files below a directory by their paths from there, sorted by these. */
struct listing {
	char **names;
	size_t count, capacity;
};

static bool is_png_name(const char *name)
{
	const size_t length = strlen(name);

	return length > 4 && strcasecmp(name + length - 4, ".png") == 0;
}

/* By bytes, whatever the locale. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct listing *listing, const char *name, struct vgt_err *err)
{
	if (listing->count == FILES_MAX) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"has more than %d PNG files", FILES_MAX);
	}
	if (listing->count == listing->capacity) {
		const size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
		char **names = realloc(listing->names, capacity * sizeof(*names));
		if (!names) {
			return vgt_err_system(err, ENOMEM, "cannot read the directory");
		}
		listing->names = names;
		listing->capacity = capacity;
	}
	listing->names[listing->count] = strdup(name);
	return listing->names[listing->count++] ||
	       vgt_err_system(err, ENOMEM, "cannot read the directory");
}

/* One entry below the directory whose path has that length; links to directories are not
 * followed. */
static bool add_entry(
	struct listing *listing, const FTSENT *entry, size_t length, struct vgt_err *err)
{
	const char *name = entry->fts_path + length;

	switch (entry->fts_info) {
	case FTS_D:
		return entry->fts_level <= DEPTH_MAX ||
		       vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			       "has more than %d directories in each other", DEPTH_MAX);
	case FTS_DNR:
	case FTS_ERR:
		return vgt_err_system(err, entry->fts_errno, "cannot read the directory");
	case FTS_DP:
		return true;
	default:
		return !is_png_name(name) || add_name(listing, name + strspn(name, "/"), err);
	}
}

static bool list_directory(struct listing *listing, const char *path)
{
	char *const roots[] = {(char *)path, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	bool good = tree != NULL;
	struct vgt_err err;

	errno = 0;
	for (FTSENT *entry; good && (entry = fts_read(tree)); errno = 0) {
		good = add_entry(listing, entry, strlen(path), &err);
		if (!good) {
			vgt_cmd_error(entry->fts_path, &err);
		}
	}
	if (!tree || (good && errno)) {
		vgt_err_system(&err, errno, "cannot read the directory");
		vgt_cmd_error(path, &err);
		good = false;
	}
	if (tree) {
		fts_close(tree);
	}
	if (listing->count) {
		qsort(listing->names, listing->count, sizeof(*listing->names), by_name);
	}
	return good;
}

static void free_listing(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->names[i]);
	}
	free(listing->names);
}

static char *join_path(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static bool compare_named(struct request *request, const char *name)
{
	char *path_a = join_path(request->a, name);
	char *path_b = join_path(request->b, name);
	const bool good = path_a && path_b;

	if (good) {
		compare_files(request, name, path_a, path_b);
	} else {
		fputs("vgt: no memory for a path\n", stderr);
	}
	free(path_a);
	free(path_b);
	return good;
}

/* Walks both sorted listings at once. */
static bool compare_listings(
	struct request *request, const struct listing *a, const struct listing *b)
{
	size_t i = 0;
	size_t j = 0;

	progress_begin(!request->quiet && !request->json && vgt_terminal_lacks_stdout());
	while (i < a->count || j < b->count) {
		int order = i == a->count ? 1 : -1;
		if (i < a->count && j < b->count) {
			order = strcmp(a->names[i], b->names[j]);
		}
		const char *name = order > 0 ? b->names[j] : a->names[i];
		if (progress_due()) {
			progress_show("%s: %zu of %zu, %" PRIu64 " differ", name, i, a->count,
				request->different);
		}
		if (order == 0) {
			if (!compare_named(request, name)) {
				return false;
			}
		} else {
			const struct pair pair = {
				.name = name,
				.verdict = order < 0 ? VERDICT_ONLY_IN_A : VERDICT_ONLY_IN_B,
			};
			report_pair(request, &pair);
		}
		i += order <= 0;
		j += order >= 0;
	}
	progress_end();
	return true;
}

static void print_summary(const struct request *request)
{
	fflush(stdout); /* keep the order where both streams end in one place */
	fprintf(stderr, "vgt: %" PRIu64 " of %" PRIu64 " frames differ",
		request->different - request->one_sided, request->frames);
	if (request->one_sided) {
		fprintf(stderr, ", %" PRIu64 " only on one side", request->one_sided);
	}
	if (request->unreadable) {
		fprintf(stderr, ", %" PRIu64 " could not be compared", request->unreadable);
	}
	fputc('\n', stderr);
}

/* False for trouble, which is printed. */
static bool compare_directories(struct request *request)
{
	struct listing a = {0};
	struct listing b = {0};
	bool good = list_directory(&a, request->a) && list_directory(&b, request->b);

	if (good && a.count == 0 && b.count == 0) {
		fprintf(stderr, "vgt: nothing to compare: no PNG file in %s nor in %s\n",
			request->a, request->b);
		good = false;
	} else if (good) {
		good = compare_listings(request, &a, &b);
		if (!request->quiet) {
			print_summary(request);
		}
	}
	free_listing(&a);
	free_listing(&b);
	return good;
}

/* The last part of a path, all of it where that is empty. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool is_directory(const char *path, bool *answer)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		struct vgt_err err;
		vgt_err_system(&err, errno, "cannot open");
		vgt_cmd_error(path, &err);
		return false;
	}
	*answer = S_ISDIR(status.st_mode);
	return true;
}

/* What does not apply is null. */
static void put_tolerance(json_object *object, const struct request *request)
{
	const struct vgt_tolerance *tolerance = &request->tolerance;
	const bool yiq = tolerance->metric == VGT_METRIC_YIQ;
	const bool pixels = yiq || tolerance->metric == VGT_METRIC_DIFFERENCE;
	const bool percent =
		request->words.max_pixels && strchr(request->words.max_pixels, '%');

	vgt_json_put_text(object, "metric",
		request->all_metrics ? "all" : vgt_metric_name(tolerance->metric));
	vgt_json_put_measure(object, "threshold",
		yiq      ? tolerance->yiq_threshold
		: pixels ? tolerance->threshold
			 : NAN);
	json_object_object_add(object, "max_pixels",
		percent || !pixels ? NULL
				   : json_object_new_int64((int64_t)tolerance->max_pixels));
	vgt_json_put_measure(
		object, "max_percent", percent ? tolerance->max_millionth / 1e4 : NAN);
	vgt_json_put_measure(object, "limit",
		pixels || tolerance->metric == VGT_METRIC_EXACT ? NAN : tolerance->limit);
	json_object *ignored = json_object_new_array();
	for (size_t i = 0; i < tolerance->ignored_count; i++) {
		json_object_array_add(ignored, vgt_json_area(&tolerance->ignored[i]));
	}
	json_object_object_add(object, "ignore", ignored);
}

static int print_json(const struct request *request, int code)
{
	json_object *object = json_object_new_object();

	vgt_json_put_text(object, "a", request->a);
	vgt_json_put_text(object, "b", request->b);
	put_tolerance(object, request);
	json_object_object_add(object, "same", json_object_new_boolean(code == VGT_EXIT_OK));
	vgt_json_put_number(object, "frames", request->frames);
	vgt_json_put_number(object, "different", request->different);
	vgt_json_put_number(object, "unreadable", request->unreadable);
	json_object_object_add(object, "pairs", json_object_get(request->pairs));
	vgt_json_write(stdout, object, JSON_C_TO_STRING_PRETTY);
	json_object_put(object);
	return code;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat status_a, status_b;

	return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
	       status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

/* The drawing must not replace what it is of. */
static bool may_write_diff(const struct request *request)
{
	const char *out = request->diff_path;

	if (!*out) {
		vgt_cmd_usage("compare", "--diff needs the name of a file");
	} else if (is_same_file(out, request->a) || is_same_file(out, request->b)) {
		vgt_cmd_usage("compare", "--diff would replace '%s', which is compared", out);
	} else {
		return true;
	}
	return false;
}

static int compare(struct request *request)
{
	bool directory_a = false;
	bool directory_b = false;
	bool good;

	/* Both, so that one run names all that is missing. */
	good = is_directory(request->a, &directory_a);
	good = is_directory(request->b, &directory_b) && good;
	if (!good) {
		return VGT_EXIT_TROUBLE;
	}
	if (directory_a != directory_b) {
		return vgt_cmd_usage("compare", "%s is a directory and %s is not",
			directory_a ? request->a : request->b,
			directory_a ? request->b : request->a);
	}
	if (directory_a && request->all_metrics) {
		return vgt_cmd_usage(
			"compare", "--metric all works on two files, not on directories");
	}
	if (directory_a && request->diff_path) {
		return vgt_cmd_usage(
			"compare", "--diff works on two files, not on directories");
	}
	if (request->diff_path && !may_write_diff(request)) {
		return VGT_EXIT_TROUBLE;
	}
	if (directory_a) {
		good = compare_directories(request);
	} else {
		good = compare_files(request, base_name(request->b), request->a, request->b);
	}
	int code = request->different ? VGT_EXIT_DIFFERENT : VGT_EXIT_OK;
	if (!good || request->unreadable) {
		code = VGT_EXIT_TROUBLE;
	}
	return request->json && request->frames ? print_json(request, code) : code;
}

/* The options of the tolerance, once all are known; false, told, where one is wrong. */
static bool take_words(struct request *request)
{
	struct tolerance_fault fault;
	char option[16];
	size_t length;

	if (request->words.metric && strcmp(request->words.metric, "all") == 0) {
		const struct tolerance_words *words = &request->words;
		if (words->threshold || words->max_pixels || words->max || words->min ||
			words->ppd || words->antialiased) {
			vgt_cmd_usage("compare", "--metric all measures only, of the options "
						 "of metrics it takes "
						 "--ignore");
			return false;
		}
		request->all_metrics = true;
		request->words.metric = NULL;
	}
	if (tolerance_take(&request->tolerance, &request->words, &fault)) {
		return true;
	}
	if (strcmp(fault.key, "metric") == 0) {
		vgt_cmd_usage("compare", "--metric must be %s, flip or all, not '%s'",
			TOLERANCE_METRICS, vgt_text_quote(request->words.metric).text);
		return false;
	}
	length = strlen(fault.key);
	for (size_t i = 0; i <= length && i < sizeof(option); i++) {
		option[i] = fault.key[i] == '_' ? '-' : fault.key[i];
	}
	vgt_cmd_usage("compare", "--%s %s", option, fault.message);
	return false;
}

static void add_ignored(struct tolerance_words *words, const char *area)
{
	if (words->ignore_count < VGT_IGNORED_MAX) {
		words->ignore[words->ignore_count] = area;
	}
	words->ignore_count++;
}

/* An exit code, or -1: go on, with A and B at argv[optind]. */
static int parse_options(struct request *request, int argc, char **argv)
{
	enum {
		OPTION_METRIC = 256,
		OPTION_THRESHOLD,
		OPTION_MAX_PIXELS,
		OPTION_MAX,
		OPTION_MIN,
		OPTION_PPD,
		OPTION_ANTIALIASED,
		OPTION_IGNORE,
		OPTION_DIFF,
		OPTION_JSON,
	};
	static const struct option options[] = {
		{"metric", required_argument, NULL, OPTION_METRIC},
		{"threshold", required_argument, NULL, OPTION_THRESHOLD},
		{"max-pixels", required_argument, NULL, OPTION_MAX_PIXELS},
		{"max", required_argument, NULL, OPTION_MAX},
		{"min", required_argument, NULL, OPTION_MIN},
		{"ppd", required_argument, NULL, OPTION_PPD},
		{"antialiased", required_argument, NULL, OPTION_ANTIALIASED},
		{"ignore", required_argument, NULL, OPTION_IGNORE},
		{"diff", required_argument, NULL, OPTION_DIFF},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	struct tolerance_words *words = &request->words;
	int option;

	while ((option = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
		switch (option) {
		case OPTION_METRIC:
			words->metric = optarg;
			break;
		case OPTION_THRESHOLD:
			words->threshold = optarg;
			break;
		case OPTION_MAX_PIXELS:
			words->max_pixels = optarg;
			break;
		case OPTION_MAX:
			words->max = optarg;
			break;
		case OPTION_MIN:
			words->min = optarg;
			break;
		case OPTION_PPD:
			words->ppd = optarg;
			break;
		case OPTION_ANTIALIASED:
			words->antialiased = optarg;
			break;
		case OPTION_IGNORE:
			add_ignored(words, optarg);
			break;
		case OPTION_DIFF:
			request->diff_path = optarg;
			break;
		case OPTION_JSON:
			request->json = true;
			break;
		case 'q':
			request->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_compare_help);
		default:
			return vgt_cmd_bad_option("compare", argv, options, option);
		}
	}
	if (!take_words(request)) {
		return VGT_EXIT_TROUBLE;
	}
	if (argc - optind != 2) {
		return vgt_cmd_usage("compare",
			"compare takes two PNG files or two directories, %d argument%s given",
			argc - optind, argc - optind == 1 ? "" : "s");
	}
	if (request->json && request->quiet) {
		return vgt_cmd_usage(
			"compare", "--json prints and --quiet does not: choose one");
	}
	return -1;
}

int cmd_compare(int argc, char **argv)
{
	struct request request = {.tolerance = vgt_tolerance_of(VGT_METRIC_DIFFERENCE)};
	int code = parse_options(&request, argc, argv);

	if (code >= 0) {
		return code;
	}
	request.a = argv[optind];
	request.b = argv[optind + 1];
	request.pairs = request.json ? json_object_new_array() : NULL;
	code = compare(&request);
	json_object_put(request.pairs);
	return code;
}
