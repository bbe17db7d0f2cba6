/* SPDX-License-Identifier: MIT */
#include "suite_html.h"

#include "compare.h"
#include "new_file.h"
#include "png_image.h"
#include "suite_kept.h"
#include "suite_result_json.h"
#include "trace_store.h"
#include "vgt_json.h"

#include <errno.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define PICTURES_MAX (UINT64_C(64) << 20)  /* bytes of all pictures, as PNG */
#define PIXELS_MAX   (UINT64_C(512) << 20) /* of all that are read: they take their time */
#define FLIP_MAX     (UINT64_C(32) << 20)  /* the same of all FLIP maps: half a minute */

/* The files in report/, from page.S. */
extern const char report_html[], report_html_end[], report_css[], report_css_end[], report_js[],
	report_js_end[];

/* One picture of the page; what is the same is there once. */
struct picture {
	uint8_t *png;
	size_t size;
	uint32_t width, height;
	XXH128_hash_t digest;
};

struct html {
	const struct suite_results *results;
	struct json_object **frames; /* the "pictures" of all frames, test by test */
	struct picture *pictures;
	size_t count, capacity;
	uint64_t size; /* bytes of the pictures */
	uint64_t pixels, flipped;
	size_t left_out; /* pictures */
	bool no_memory;
};

/* Base64 (RFC 4648, section 4) */

static void write_base64(FILE *to, const uint8_t *bytes, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < size; at += 3) {
		const size_t left = size - at;
		const uint32_t group = (uint32_t)bytes[at] << 16 |
				       (left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0) |
				       (left > 2 ? bytes[at + 2] : 0);
		putc(digits[group >> 18], to);
		putc(digits[group >> 12 & 63], to);
		putc(left > 1 ? digits[group >> 6 & 63] : '=', to);
		putc(left > 2 ? digits[group & 63] : '=', to);
	}
}

/* Pictures */

/* The place of the picture, which is taken over, among the others; -1: left out. */
static int64_t add_picture(struct html *html, struct picture *picture)
{
	picture->digest = XXH3_128bits(picture->png, picture->size);
	for (size_t i = 0; i < html->count; i++) {
		if (XXH128_isEqual(html->pictures[i].digest, picture->digest)) {
			free(picture->png);
			return (int64_t)i;
		}
	}
	if (html->size + picture->size > PICTURES_MAX) {
		free(picture->png);
		html->left_out++;
		return -1;
	}
	if (html->count == html->capacity) {
		const size_t capacity = html->capacity ? 2 * html->capacity : 64;
		struct picture *more =
			realloc(html->pictures, capacity * sizeof(*html->pictures));
		if (!more) {
			free(picture->png);
			html->no_memory = true;
			return -1;
		}
		html->pictures = more;
		html->capacity = capacity;
	}
	html->size += picture->size;
	html->pictures[html->count] = *picture;
	return (int64_t)html->count++;
}

/* Why there is no such picture: the texts together. */
static void put_why(struct json_object *slots, const char *slot, const char *text,
	const char *middle, const char *end)
{
	char *why;

	if (asprintf(&why, "%s%s%s", text, middle, end) >= 0) {
		vgt_json_put_text(slots, slot, why);
		free(why);
	}
}

/* One more picture of the frame: as vgt reads it, so that the page shows what was compared,
 * whatever else the file holds. */
static void put_image(struct html *html, struct json_object *slots, const char *slot,
	const struct vgt_image *image, const char *path)
{
	struct picture picture = {.width = image->width, .height = image->height};
	struct vgt_err err;

	if (!vgt_image_encode_png(image, &picture.png, &picture.size, &err)) {
		put_why(slots, slot, path, ": ", err.message);
		return;
	}
	const int64_t place = add_picture(html, &picture);
	if (place >= 0) {
		vgt_json_put_number(slots, slot, (uint64_t)place);
	} else {
		put_why(slots, slot, "Left out, for the page would be too large: ", path, "");
	}
}

/* The same from a file that was kept, or the suite's; `image`, empty before, is to be finished,
 * and stays empty where it could not be read. */
static void put_file(struct html *html, struct json_object *slots, const char *slot,
	const char *path, bool kept, struct vgt_image *image)
{
	struct stat status;
	struct vgt_err err;

	if (html->pixels > PIXELS_MAX) {
		html->left_out++;
		put_why(slots, slot, "Left out, for it would take too long: ", path, "");
		return;
	}
	const int fd =
		kept ? suite_kept_read(path, &err) : trace_store_open(path, &status, &err);
	if (fd >= 0 && vgt_image_read_png_like(image, fd, NULL, &err)) {
		html->pixels += (uint64_t)image->width * image->height;
		put_image(html, slots, slot, image, path);
	} else {
		put_why(slots, slot, path, ": ", err.message);
	}
}

static void put_flip(struct html *html, struct json_object *slots,
	const struct vgt_image *golden, const struct vgt_image *actual)
{
	static const struct vgt_tolerance flip = {
		.metric = VGT_METRIC_FLIP, .pixels_per_degree = VGT_PIXELS_PER_DEGREE};
	struct vgt_comparison seen;
	struct vgt_image map;

	html->flipped += (uint64_t)golden->width * golden->height;
	if (html->flipped > FLIP_MAX) {
		put_why(slots, "flip", "Left out, for it would take too long.", "", "");
		return;
	}
	if (vgt_compare_images(golden, actual, &flip, &seen, NULL) &&
		vgt_compare_draw(&map, golden, actual, &flip, NULL)) {
		put_image(html, slots, "flip", &map, "the FLIP map");
		json_object_object_add(slots, "flip_mean", json_object_new_double(seen.value));
		vgt_image_finish(&map);
	}
}

/* What can be opened here of a golden: of results that come from elsewhere the copy, or what
 * suite_merge_complete() has found. */
static const char *golden_path(const struct html *html, const struct suite_result *result,
	const struct suite_frame *frame)
{
	if (frame->golden_copy) {
		return frame->golden_copy;
	}
	return html->results->runs[result->run].from && !frame->golden_is_here ? NULL
									       : frame->golden;
}

static void put_pictures(struct html *html, struct json_object *slots,
	const struct suite_result *result, const struct suite_frame *frame)
{
	const char *path = golden_path(html, result, frame);
	struct json_object *place;
	struct vgt_image golden = {0}, actual = {0}, difference = {0};

	if (path) {
		put_file(html, slots, "golden", path, frame->golden_copy, &golden);
	} else if (frame->golden) {
		put_why(slots, "golden", "It is where the test was run: ", frame->golden, "");
	} else {
		put_why(slots, "golden", "It has no golden.", "", "");
	}
	if (frame->actual) {
		put_file(html, slots, "actual", frame->actual, true, &actual);
	} else if (frame->compared && frame->comparison.identical &&
		   json_object_object_get_ex(slots, "golden", &place) &&
		   json_object_is_type(place, json_type_int)) {
		json_object_object_add(slots, "actual", json_object_get(place));
	} else {
		put_why(slots, "actual",
			frame->same ? "It was not kept, for it passed." : "It was not kept.",
			"", "");
	}
	if (frame->difference) {
		put_file(html, slots, "difference", frame->difference, true, &difference);
	} else {
		put_why(slots, "difference",
			frame->comparison.identical      ? "No sample differs."
			: frame->comparison.size_differs ? "The sizes differ."
							 : "It was not kept.",
			"", "");
	}
	if (golden.rgba && actual.rgba && golden.width == actual.width &&
		golden.height == actual.height) {
		put_flip(html, slots, &golden, &actual);
	}
	vgt_image_finish(&difference);
	vgt_image_finish(&actual);
	vgt_image_finish(&golden);
}

/* What is to be on the page rather than the rest: the first frame that differs of each test,
 * then the others that do, then the first that passed of each, then all. */
enum { RANKS = 4 };

static int rank_of(const struct suite_result *result, size_t index, bool *seen)
{
	const bool bad = !result->frames[index].same;
	const bool first = !seen[bad];

	seen[bad] = true;
	return (bad ? 0 : 2) + !first;
}

static bool take_pictures(struct html *html, int rank)
{
	struct json_object **slots = html->frames;

	for (size_t i = 0; i < html->results->count; i++) {
		const struct suite_result *result = &html->results->list[i];
		bool seen[2] = {false, false};
		for (size_t frame = 0; frame < result->frame_count; frame++, slots++) {
			if (rank_of(result, frame, seen) != rank) {
				continue;
			}
			*slots = json_object_new_object();
			html->no_memory |= !*slots;
			if (!html->no_memory) {
				put_pictures(html, *slots, result, &result->frames[frame]);
			}
		}
	}
	return !html->no_memory;
}

/* What the script reads */

static struct json_object *json_test(
	const struct suite_result *result, struct json_object **slots)
{
	struct json_object *object = suite_result_to_json(result, NULL);
	struct json_object *frames = NULL;

	json_object_object_get_ex(object, "frames", &frames);
	vgt_json_put_number(object, "run", result->run);
	for (size_t i = 0; frames && i < result->frame_count; i++) {
		json_object_object_add(json_object_array_get_idx(frames, i), "pictures",
			json_object_get(slots[i]));
	}
	return object;
}

static struct json_object *json_pictures(const struct html *html)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < html->count; i++) {
		struct json_object *picture = json_object_new_object();
		vgt_json_put_number(picture, "width", html->pictures[i].width);
		vgt_json_put_number(picture, "height", html->pictures[i].height);
		json_object_array_add(array, picture);
	}
	return array;
}

static struct json_object *json_run(const struct suite_information *information)
{
	struct json_object *run = suite_information_to_json(information);

	json_object_object_add(
		run, "interrupted", json_object_new_boolean(information->interrupted));
	json_object_object_add(run, "seconds", json_object_new_double(information->seconds));
	return run;
}

/* Takes the object over. In a script element "<" alone can do harm, and stands in strings of
 * JSON only. On one line. False: no memory. */
static bool write_json(FILE *to, struct json_object *object)
{
	char *text = NULL;
	size_t size;
	FILE *memory = object ? open_memstream(&text, &size) : NULL;

	if (memory) {
		vgt_json_write(memory, object, JSON_C_TO_STRING_PLAIN);
	}
	const bool good = memory && fclose(memory) == 0;
	for (const char *at = text; good && *at; at++) {
		if (*at == '<') {
			fputs("\\u003c", to);
		} else if (*at != '\n') {
			putc(*at, to);
		}
	}
	free(text);
	json_object_put(object);
	return good;
}

/* One object after the other, for the text of all may be large. */
static bool write_data(FILE *to, const struct html *html)
{
	const struct suite_results *results = html->results;
	struct json_object **slots = html->frames;
	bool good = true;

	fputs("{\"runs\":[", to);
	for (size_t i = 0; good && i < results->run_count; i++) {
		fputs(i ? "," : "", to);
		good = write_json(to, json_run(&results->runs[i]));
	}
	fputs("],\"tests\":[", to);
	for (size_t i = 0; good && i < results->count; i++) {
		fputs(i ? "," : "", to);
		good = write_json(to, json_test(&results->list[i], slots));
		slots += results->list[i].frame_count;
	}
	fputs("],\"pictures\":", to);
	good = good && write_json(to, json_pictures(html));
	fprintf(to, ",\"left_out\":%zu}\n", html->left_out);
	return good;
}

/* The page */

static void write_hash(FILE *to, const char *begin, const char *end)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)begin, (size_t)(end - begin));
	SHA256Final(digest, &sha);
	fputs("sha256-", to);
	write_base64(to, digest, sizeof(digest));
}

static void write_pictures(FILE *to, const struct html *html)
{
	for (size_t i = 0; i < html->count; i++) {
		fprintf(to, "<script type=\"text/plain\" id=\"p%zu\">", i);
		write_base64(to, html->pictures[i].png, html->pictures[i].size);
		fputs("</script>\n", to);
	}
}

/* What stands for "@NAME@" in page.html. False: no memory. */
static bool write_part(FILE *to, const struct html *html, const char *name, size_t length)
{
	const struct {
		const char *name, *begin, *end;
		bool hash;
	} files[] = {{"STYLE", report_css, report_css_end, false},
		{"SCRIPT", report_js, report_js_end, false},
		{"STYLE_HASH", report_css, report_css_end, true},
		{"SCRIPT_HASH", report_js, report_js_end, true}};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strlen(files[i].name) != length ||
			memcmp(files[i].name, name, length) != 0) {
			continue;
		}
		if (files[i].hash) {
			write_hash(to, files[i].begin, files[i].end);
		} else {
			fwrite(files[i].begin, 1, (size_t)(files[i].end - files[i].begin), to);
		}
		return true;
	}
	if (length == strlen("DATA") && memcmp("DATA", name, length) == 0) {
		return write_data(to, html);
	}
	write_pictures(to, html);
	return true;
}

static bool write_page(FILE *to, const struct html *html)
{
	const char *at = report_html;
	bool good = true;

	while (good && at < report_html_end) {
		const char *mark = memchr(at, '@', (size_t)(report_html_end - at));
		const char *end =
			mark ? memchr(mark + 1, '@', (size_t)(report_html_end - mark - 1))
			     : NULL;
		fwrite(at, 1, (size_t)((end ? mark : report_html_end) - at), to);
		if (!end) {
			break;
		}
		good = write_part(to, html, mark + 1, (size_t)(end - mark - 1));
		at = end + 1;
	}
	return good;
}

static bool save(const struct html *html, const struct new_file *file, struct vgt_err *err)
{
	FILE *to = new_file_stream(file, err);

	if (!to) {
		return false;
	}
	errno = 0;
	bool good = write_page(to, html) && !ferror(to);
	good = fclose(to) == 0 && good;
	return good || vgt_err_system(err, errno ? errno : ENOMEM, "cannot write");
}

static bool write_file(const struct html *html, const char *path, struct vgt_err *err)
{
	struct new_file file;
	const bool good = new_file_create_or_append(&file, path, err) &&
			  save(html, &file, err) && new_file_commit(&file, err);

	new_file_finish(&file);
	return good;
}

bool suite_html_write(
	const struct suite_results *results, const char *path, struct vgt_err *err)
{
	struct html html = {.results = results};
	size_t frames = 0;

	for (size_t i = 0; i < results->count; i++) {
		frames += results->list[i].frame_count;
	}
	html.frames = calloc(frames + 1, sizeof(struct json_object *));
	bool good = html.frames != NULL;
	for (int rank = 0; rank < RANKS && good; rank++) {
		good = take_pictures(&html, rank);
	}
	good = good ? write_file(&html, path, err)
		    : vgt_err_system(err, ENOMEM, "cannot write");
	for (size_t i = 0; html.frames && i < frames; i++) {
		json_object_put(html.frames[i]);
	}
	for (size_t i = 0; i < html.count; i++) {
		free(html.pictures[i].png);
	}
	free(html.pictures);
	free(html.frames);
	return good;
}
