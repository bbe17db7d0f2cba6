/* SPDX-License-Identifier: MIT */
#include "suite_merge.h"

#include "suite_expect.h"
#include "suite_goldens.h"
#include "suite_information.h"
#include "suite_outputs.h"
#include "suite_result_json.h"
#include "suite_run.h"
#include "trace_store.h"
#include "vgt_cmd.h"
#include "vgt_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (64 << 20)
#define FRAMES_MAX     1000000 /* of one directory */

/* One directory while it is read. */
struct source {
	struct suite_results *results;
	const char *directory;
	size_t run, first; /* place of its run; of its first result */
	size_t line, frames;
	bool begun, ended;
};

/* "vgt: PATH: ..." of text that may be hostile. */
__attribute__((format(printf, 2, 3))) static void tell(
	const char *path, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	const int length = vasprintf(&text, format, args);
	va_end(args);
	fputs("vgt: ", stderr);
	vgt_text_puts(stderr, path);
	fputs(": ", stderr);
	vgt_text_puts(stderr, length < 0 ? "no memory" : text);
	fputc('\n', stderr);
	if (length >= 0) {
		free(text);
	}
}

static bool take_run(struct source *source, struct json_object *object, struct vgt_err *err)
{
	struct suite_information *run = &source->results->runs[source->run];

	if (source->begun) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "begins again");
	}
	source->begun = true;
	return suite_information_from_json(run, object, err);
}

static bool take_test(struct source *source, struct json_object *object, struct vgt_err *err)
{
	struct suite_result result;

	if (!suite_result_from_json(&result, object, source->directory, NULL, err)) {
		return false;
	}
	result.run = source->run;
	source->frames += result.frame_count;
	if (source->frames > FRAMES_MAX) {
		suite_result_finish(&result);
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"has too many frames with those before");
	}
	return suite_results_add(source->results, &result) ||
	       vgt_err_system(err, ENOMEM, "cannot join");
}

static bool take_line(
	struct source *source, const char *line, size_t length, struct vgt_err *err)
{
	struct json_object *object = suite_result_json_parse(line, length, err);
	bool good = false;

	if (!object) {
		return false;
	}
	const char *event = suite_result_json_event(object);
	if (source->ended) {
		vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "is behind the summary");
	} else if (strcmp(event, "run") == 0) {
		good = take_run(source, object, err);
	} else if (!source->begun) {
		vgt_err_set(
			err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "does not say where it was run");
	} else if (strcmp(event, "test") == 0) {
		good = take_test(source, object, err);
	} else if (strcmp(event, "summary") == 0) {
		source->ended = true;
		good = suite_summary_from_json(
			&source->results->runs[source->run], object, err);
	} else {
		good = true; /* of a later vgt */
	}
	json_object_put(object);
	return good;
}

/* Takes the file over. */
static bool read_lines(struct source *source, FILE *file, struct vgt_err *err)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	bool good = true;

	while (good && (length = getline(&line, &size, file)) > 0) {
		source->line++;
		length -= line[length - 1] == '\n';
		good = take_line(source, line, (size_t)length, err);
	}
	if (good && ferror(file)) {
		source->line = 0;
		good = vgt_err_system(err, errno, "cannot read");
	} else if (good && !source->ended) {
		source->line = 0;
		good = vgt_err_set(
			err, VGT_ERR_TRUNCATED, VGT_NO_OFFSET, "ends before the summary");
	}
	free(line);
	fclose(file);
	return good;
}

static bool read_file(struct source *source, const char *path, struct vgt_err *err)
{
	struct stat status;
	const int fd = trace_store_open(path, &status, err);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (fd < 0) {
		return false;
	}
	if (!file || status.st_size > FILE_BYTES_MAX) {
		if (file) {
			fclose(file);
		} else {
			close(fd);
		}
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET, "is too large");
	}
	return read_lines(source, file, err);
}

/* Takes the last run away, and what is of it. */
static void forget_source(struct source *source)
{
	struct suite_results *results = source->results;

	while (results->count > source->first) {
		suite_result_finish(&results->list[--results->count]);
	}
	suite_results_remove_last_run(results);
}

static bool differ(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

/* False: it cannot be joined with the first run. */
static bool fits(const struct source *source)
{
	const struct suite_information *first = &source->results->runs[0],
				       *run = &source->results->runs[source->run];

	if (differ(first->digest, run->digest)) {
		tell(source->directory, "has results of another suite (%s) than %s (%s)",
			run->suite, first->from, first->suite);
		return false;
	}
	const struct {
		const char *what, *one, *other;
	} facts[] = {{"vgt", run->vgt, first->vgt},
		{"renderer", run->renderer, first->renderer},
		{"OpenGL", run->gl_version, first->gl_version},
		{"virglrenderer", run->virglrenderer, first->virglrenderer}};
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (differ(facts[i].one, facts[i].other)) {
			tell(source->directory, "note: %s was %s, in %s %s", facts[i].what,
				facts[i].one ? facts[i].one : "not known", first->from,
				facts[i].other ? facts[i].other : "not known");
		}
	}
	return true;
}

/* False: no memory. */
static bool add_source(struct suite_results *results, const char *argument, bool *trouble)
{
	size_t length = strlen(argument);
	/* "out/", as completion has it */
	while (length > 1 && argument[length - 1] == '/') {
		length--;
	}
	char *directory = strndup(argument, length);
	struct source source = {.results = results,
		.directory = directory,
		.run = results->run_count,
		.first = results->count};
	struct suite_information *run = suite_results_add_run(results);
	struct vgt_err err;
	char *path;

	if (!run || !directory || asprintf(&path, "%s/%s", directory, SUITE_RESULTS_FILE) < 0) {
		free(directory);
		return false;
	}
	run->from = directory;
	const bool good = read_file(&source, path, &err);
	if (!good && source.line) {
		tell(path, "line %zu: %s", source.line, err.message);
	} else if (!good) {
		tell(path, "%s", err.message);
	}
	free(path);
	/* results without a run that says what they are of are nothing */
	if (!results->runs[source.run].digest || !fits(&source)) {
		forget_source(&source);
		*trouble = true;
		return true;
	}
	*trouble |= !good;
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct suite_result *left = a, *right = b;
	const int order = strcmp(left->name, right->name);
	return order ? order : left->run < right->run ? -1 : left->run > right->run;
}

/* The first of those with one name stays. */
static void drop_duplicates(struct suite_results *results, bool *trouble)
{
	size_t kept = 0;

	if (results->count) {
		qsort(results->list, results->count, sizeof(*results->list), by_name);
	}
	for (size_t i = 0; i < results->count; i++) {
		struct suite_result *result = &results->list[i];
		const struct suite_result *last = kept ? &results->list[kept - 1] : NULL;
		if (last && strcmp(last->name, result->name) == 0) {
			tell(result->name, "has results in %s and in %s; the first counts",
				results->runs[last->run].from, results->runs[result->run].from);
			*trouble = true;
			results->runs[result->run].tests -=
				results->runs[result->run].tests > 0;
			suite_result_finish(result);
		} else {
			results->list[kept++] = *result;
		}
	}
	results->count = kept;
}

static bool has_shard(const struct suite_results *results, unsigned shard, unsigned shards)
{
	for (size_t i = 0; i < results->run_count; i++) {
		if (results->runs[i].shards == shards && results->runs[i].shard == shard) {
			return true;
		}
	}
	return false;
}

/* Parts of which no run says anything: each run that is a part says how many there are. */
static void tell_missing_shards(const struct suite_results *results, bool *trouble)
{
	const unsigned shards = results->runs[0].shards;
	unsigned missing = 0;

	for (unsigned shard = 1; shard <= shards; shard++) {
		if (!has_shard(results, shard, shards) && missing++ < 10) {
			fprintf(stderr, "vgt: shard %u/%u is missing\n", shard, shards);
		}
	}
	if (missing > 10) {
		fprintf(stderr, "vgt: and %u more shards\n", missing - 10);
	}
	*trouble |= missing > 0;
}

/* Runs that did not come to their end say so; others have as many results as tests. */
static void tell_incomplete(const struct suite_results *results, bool *trouble)
{
	for (size_t i = 0; i < results->run_count; i++) {
		const struct suite_information *run = &results->runs[i];
		size_t count = 0;
		for (size_t at = 0; at < results->count; at++) {
			count += results->list[at].run == i;
		}
		if (count != run->tests) {
			tell(run->from, "has results of %zu of %zu tests%s", count, run->tests,
				run->interrupted ? ": it was interrupted" : "");
			*trouble = true;
		}
	}
}

bool suite_merge(struct suite_results *results, char **directories)
{
	bool trouble = false;

	*results = (struct suite_results){0};
	for (; *directories; directories++) {
		if (!add_source(results, *directories, &trouble)) {
			fputs("vgt: no memory for the results\n", stderr);
			return false;
		}
	}
	if (!results->run_count) {
		return false;
	}
	drop_duplicates(results, &trouble);
	tell_incomplete(results, &trouble);
	tell_missing_shards(results, &trouble);
	results->runs[0].trouble |= trouble;
	suite_results_sort(results);
	return true;
}

static struct suite_result *find_result(const struct suite_results *results, const char *name)
{
	for (size_t i = 0; i < results->count; i++) {
		if (strcmp(results->list[i].name, name) == 0) {
			return &results->list[i];
		}
	}
	return NULL;
}

/* Takes the digest over. */
static bool is_of(const struct suite_results *results, char *digest)
{
	const bool same = digest && !differ(digest, results->runs[0].digest);
	free(digest);
	return same;
}

/* The host that it was run on, as far as its results say. */
static struct suite_renderer renderer_of(const struct suite_information *run)
{
	struct suite_renderer renderer;
	const struct {
		char *to;
		const char *from;
	} facts[] = {{renderer.renderer, run->renderer}, {renderer.gl_version, run->gl_version},
		{renderer.virglrenderer, run->virglrenderer}};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		snprintf(facts[i].to, sizeof(renderer.renderer), "%s",
			facts[i].from ? facts[i].from : "");
	}
	return renderer;
}

/* The one that has the name of the other machine's, which is its path. NULL: there is none. */
static char *find_golden(const struct suite_goldens *goldens, const struct suite_frame *frame)
{
	const char *slash = strrchr(frame->golden, '/');
	const struct suite_golden *golden = suite_goldens_for(goldens, frame->number);
	char name[SUITE_GOLDEN_NAME_SIZE];

	for (size_t i = 0; golden && slash && i < golden->count; i++) {
		const struct suite_picture *picture = &golden->pictures[i];
		if (strcmp(suite_golden_name(name, picture->number, picture->variant),
			    slash + 1) == 0) {
			return suite_picture_path(goldens, picture);
		}
	}
	return NULL;
}

/* The result's goldens become those of this suite, which can be opened. */
static void find_goldens(const struct suite *suite, const struct suite_test *test,
	const struct suite_information *run, struct suite_result *result)
{
	const struct suite_renderer renderer = renderer_of(run);
	char *directory = suite_goldens_path(suite, test);
	struct suite_goldens goldens;

	if (directory &&
		suite_goldens_open(&goldens, directory,
			suite_key_for(&suite->manifest, &renderer), SUITE_FRAMES_MAX, NULL)) {
		for (size_t i = 0; i < result->frame_count; i++) {
			struct suite_frame *frame = &result->frames[i];
			char *path = frame->golden ? find_golden(&goldens, frame) : NULL;
			if (path) {
				free(frame->golden);
				frame->golden = path;
				frame->golden_is_here = true;
			}
		}
		suite_goldens_finish(&goldens);
	}
	free(directory);
}

bool suite_merge_complete(struct suite_results *results, const struct suite *suite,
	const struct suite_selected *selected)
{
	if (!is_of(results, suite_digest(suite))) {
		tell(suite->directory, "is another suite than that of the results in %s",
			results->runs[0].from);
		results->runs[0].trouble = true;
		return true;
	}
	const size_t count = results->count;
	for (size_t i = 0; i < selected->count; i++) {
		struct suite_result result;
		/* those that are added are others */
		const struct suite_results those = {.list = results->list, .count = count};
		struct suite_result *found = find_result(&those, selected->list[i]->name);
		if (found) {
			find_goldens(
				suite, selected->list[i], &results->runs[found->run], found);
			continue;
		}
		const bool good = suite_result_init(&result, suite, selected->list[i]);
		result.verdict = SUITE_ERROR;
		suite_result_add_reason(&result, strdup("has no result"), true);
		if (!suite_results_add(results, &result) || !good) {
			fputs("vgt: no memory for the results\n", stderr);
			return false;
		}
	}
	/* those of a run that was interrupted are counted there */
	const size_t told = suite_results_tally(results).total;
	results->runs[0].tests += results->count > told ? results->count - told : 0;
	suite_results_sort(results);
	return true;
}
