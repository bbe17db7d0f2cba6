/* SPDX-License-Identifier: MIT */
#include "suite_result_json.h"

#include "frame_rule.h"
#include "json_area.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAGS_MAX        1000
#define ENVIRONMENT_MAX 100
#define TESTS_MAX       1000000
#define SECONDS_MAX     1e9

/* There */

static void put_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

static void put_set(struct json_object *object, const char *key, bool value)
{
	if (value) {
		put_bool(object, key, true);
	}
}

/* With the digits that mean something. */
static void put_decimal(struct json_object *object, const char *key, double value, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	json_object_object_add(object, key, json_object_new_double_s(value, text));
}

static void put_list(
	struct json_object *object, const char *key, char *const *list, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		char *utf8 = vgt_text_utf8(list[i]);
		json_object_array_add(array, utf8 ? json_object_new_string(utf8) : NULL);
		free(utf8);
	}
	json_object_object_add(object, key, array);
}

/* A path of what was kept. */
static void put_kept(
	struct json_object *object, const char *key, const char *path, const char *out)
{
	const size_t length = out ? strlen(out) : 0;

	if (path && out && strncmp(path, out, length) == 0 && path[length] == '/') {
		path += length + 1;
	}
	vgt_json_put_optional(object, key, path);
}

static void put_comparison(struct json_object *object, const struct vgt_comparison *seen)
{
	if (seen->size_differs) {
		put_bool(object, "size_differs", true);
		return;
	}
	vgt_json_put_number(object, "pixels", seen->pixels);
	vgt_json_put_number(object, "pixels_beyond", seen->pixels_beyond);
	vgt_json_put_measure(object, "largest", seen->largest.difference);
	json_object_object_add(object, "area", vgt_json_area(&seen->beyond));
	put_decimal(object, "mean", seen->mean, 6);
}

static struct json_object *frame_to_json(const struct suite_frame *frame, const char *out)
{
	struct json_object *object = json_object_new_object();

	vgt_json_put_number(object, "number", frame->number);
	vgt_json_put_number(object, "command", frame->command);
	put_bool(object, "same", frame->same);
	if (frame->compared) {
		put_comparison(object, &frame->comparison);
	}
	vgt_json_put_optional(object, "measured", frame->measured);
	vgt_json_put_optional(object, "allowed", frame->allowed);
	vgt_json_put_optional(object, "note", frame->note);
	vgt_json_put_optional(object, "golden", frame->golden);
	put_kept(object, "golden_copy", frame->golden_copy, out);
	put_kept(object, "actual", frame->actual, out);
	put_kept(object, "difference", frame->difference, out);
	return object;
}

static void put_frames(
	struct json_object *object, const struct suite_result *result, const char *out)
{
	struct json_object *frames = json_object_new_array();

	for (size_t i = 0; i < result->frame_count; i++) {
		json_object_array_add(frames, frame_to_json(&result->frames[i], out));
	}
	json_object_object_add(object, "frames", frames);
}

struct json_object *suite_result_to_json(const struct suite_result *result, const char *out)
{
	struct json_object *object = json_object_new_object();

	vgt_json_put_text(object, "event", "test");
	vgt_json_put_text(object, "name", result->name);
	vgt_json_put_text(object, "verdict", suite_verdict_name(result->verdict));
	put_list(object, "reasons", result->reasons, result->reason_count);
	vgt_json_put_number(object, "more_reasons", result->more_reasons);
	vgt_json_put_number(object, "other_failures", result->other_failures);
	vgt_json_put_optional(object, "expected", result->expected);
	vgt_json_put_number(object, "attempts", result->attempts);
	put_frames(object, result, out);
	put_set(object, "has_goldens", result->has_goldens);
	if (result->has_bad_frame) {
		vgt_json_put_number(object, "bad_frame", result->bad_frame);
	}
	vgt_json_put_optional(object, "commands", result->commands);
	vgt_json_put_number(object, "played", result->played);
	vgt_json_put_number(object, "answers", result->answers);
	vgt_json_put_optional(object, "trace", result->trace);
	vgt_json_put_optional(object, "tolerance", result->tolerance);
	vgt_json_put_text(object, "rule", frame_rule_name(result->rule));
	vgt_json_put_number(object, "position", result->position);
	put_list(object, "tags", result->tags, result->tag_count);
	vgt_json_put_optional(object, "shows", result->shows);
	put_set(object, "not_fetched", result->not_fetched);
	put_set(object, "out_failed", result->out_failed);
	vgt_json_put_optional(object, "lacks", result->lacks);
	vgt_json_put_optional(object, "renderer", result->renderer);
	put_kept(object, "log", result->log, out);
	vgt_json_put_optional(object, "log_end", result->log_end);
	put_decimal(object, "seconds", result->seconds, 3);
	return object;
}

struct json_object *suite_information_to_json(const struct suite_information *run)
{
	struct json_object *object = json_object_new_object();
	struct json_object *environment = json_object_new_object();

	vgt_json_put_text(object, "event", "run");
	vgt_json_put_optional(object, "vgt", run->vgt);
	vgt_json_put_optional(object, "suite", run->suite);
	vgt_json_put_optional(object, "digest", run->digest);
	vgt_json_put_optional(object, "renderer", run->renderer);
	vgt_json_put_optional(object, "gl_version", run->gl_version);
	vgt_json_put_optional(object, "virglrenderer", run->virglrenderer);
	for (size_t i = 0; i < run->environment_count; i++) {
		vgt_json_put_text(
			environment, run->environment[i].name, run->environment[i].value);
	}
	json_object_object_add(object, "environment", environment);
	vgt_json_put_optional(object, "drop", run->drop);
	vgt_json_put_optional(object, "cpu", run->cpu);
	vgt_json_put_optional(object, "kernel", run->kernel);
	vgt_json_put_optional(object, "date", run->date);
	vgt_json_put_number(object, "jobs", run->jobs);
	vgt_json_put_number(object, "shard", run->shard);
	vgt_json_put_number(object, "shards", run->shards);
	vgt_json_put_number(object, "tests", run->tests);
	return object;
}

struct json_object *suite_summary_to_json(const struct suite_results *results)
{
	struct json_object *object = json_object_new_object();
	const struct suite_tally tally = suite_results_tally(results);

	vgt_json_put_text(object, "event", "summary");
	vgt_json_put_number(object, "tests", tally.total);
	for (int verdict = 0; verdict < SUITE_VERDICTS; verdict++) {
		vgt_json_put_number(object, suite_verdict_name((enum suite_verdict)verdict),
			tally.verdicts[verdict]);
	}
	vgt_json_put_number(object, "without_goldens", tally.without_goldens);
	put_bool(object, "interrupted", tally.interrupted);
	put_set(object, "trouble", tally.trouble);
	put_decimal(object, "seconds", tally.seconds, 3);
	return object;
}

/* And back */

/* The members of one object; the first that is wrong is told. */
struct reading {
	struct json_object *object;
	struct vgt_err *err;
	bool good;
};

static void refuse(struct reading *reading, const char *key, const char *why)
{
	if (reading->good) {
		vgt_err_set(reading->err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "%s %s", key, why);
	}
	reading->good = false;
}

/* The member where it is there, of this type; null counts as missing. */
static struct json_object *member(
	struct reading *reading, const char *key, enum json_type type, bool needed)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(reading->object, key, &value);
	if (!value) {
		if (needed) {
			refuse(reading, key, "is missing");
		}
		return NULL;
	}
	const bool number =
		type == json_type_double && json_object_is_type(value, json_type_int);
	if (!number && !json_object_is_type(value, type)) {
		refuse(reading, key, "is of another type");
		return NULL;
	}
	return value;
}

static char *copy(struct reading *reading, const char *key, struct json_object *text)
{
	const char *string = json_object_get_string(text);

	if (strlen(string) != (size_t)json_object_get_string_len(text)) {
		refuse(reading, key, "holds a NUL");
		return NULL;
	}
	char *made = strdup(string);
	if (!made) {
		refuse(reading, key, "is more than there is memory for");
	}
	return made;
}

static void take_text(struct reading *reading, const char *key, char **text, bool needed)
{
	struct json_object *value = member(reading, key, json_type_string, needed);

	if (value) {
		*text = copy(reading, key, value);
	}
}

static uint64_t take_number(struct reading *reading, const char *key, uint64_t max)
{
	struct json_object *value = member(reading, key, json_type_int, false);

	if (!value) {
		return 0;
	}
	/* json-c has what is negative as 0 and says so here only */
	if (json_object_get_int64(value) < 0 || json_object_get_uint64(value) > max) {
		refuse(reading, key, "is out of range");
		return 0;
	}
	return json_object_get_uint64(value);
}

static double take_decimal(struct reading *reading, const char *key, double max)
{
	struct json_object *value = member(reading, key, json_type_double, false);
	const double number = value ? json_object_get_double(value) : 0;

	if (!isfinite(number) || number < 0 || number > max) {
		refuse(reading, key, "is out of range");
		return 0;
	}
	return number;
}

static bool take_bool(struct reading *reading, const char *key)
{
	struct json_object *value = member(reading, key, json_type_boolean, false);
	return value && json_object_get_boolean(value);
}

/* An array of no more than `max`, or NULL. */
static struct json_object *take_array(struct reading *reading, const char *key, size_t max)
{
	struct json_object *array = member(reading, key, json_type_array, false);

	if (array && json_object_array_length(array) > max) {
		refuse(reading, key, "has too many elements");
		return NULL;
	}
	return array;
}

static void take_texts(
	struct reading *reading, const char *key, char **list, size_t *count, size_t max)
{
	struct json_object *array = take_array(reading, key, max);
	const size_t length = array ? json_object_array_length(array) : 0;

	for (size_t i = 0; i < length && reading->good; i++) {
		struct json_object *text = json_object_array_get_idx(array, i);
		if (!json_object_is_type(text, json_type_string)) {
			refuse(reading, key, "is of something else than text");
			return;
		}
		list[*count] = copy(reading, key, text);
		*count += list[*count] != NULL;
	}
}

static bool is_component(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

/* Only the last part of a path is believed: what is kept is in the test's directory. */
static void take_kept(struct reading *reading, const char *key, char **path,
	const struct suite_result *result, const char *out)
{
	char *text = NULL;

	take_text(reading, key, &text, false);
	if (!text) {
		return;
	}
	const char *slash = strrchr(text, '/');
	const char *name = slash ? slash + 1 : text;
	if (!is_component(name)) {
		refuse(reading, key, "names no file");
	} else if (asprintf(path, "%s/%s/%s", out, result->name, name) < 0) {
		*path = NULL;
		refuse(reading, key, "is more than there is memory for");
	}
	free(text);
}

static uint32_t take_side(struct reading *reading, const char *key)
{
	return (uint32_t)take_number(reading, key, UINT32_MAX);
}

static void take_area(struct reading *reading, struct vgt_area *area)
{
	struct json_object *object = member(reading, "area", json_type_object, false);
	struct reading inner = {object, reading->err, reading->good};

	if (object) {
		*area = (struct vgt_area){take_side(&inner, "x"), take_side(&inner, "y"),
			take_side(&inner, "width"), take_side(&inner, "height")};
		reading->good = inner.good;
	}
}

static void take_comparison(struct reading *reading, struct suite_frame *frame)
{
	struct vgt_comparison *seen = &frame->comparison;

	seen->size_differs = take_bool(reading, "size_differs");
	frame->compared = seen->size_differs ||
			  json_object_object_get_ex(reading->object, "pixels", NULL);
	seen->pixels = take_number(reading, "pixels", UINT64_MAX);
	seen->pixels_beyond = take_number(reading, "pixels_beyond", UINT64_MAX);
	seen->largest.difference = take_decimal(reading, "largest", UINT8_MAX);
	seen->mean = take_decimal(reading, "mean", UINT8_MAX);
	seen->identical = frame->compared && !seen->size_differs && !seen->largest.difference;
	take_area(reading, &seen->beyond);
}

static void take_frame(struct reading *reading, struct suite_frame *frame,
	const struct suite_result *result, const char *out)
{
	frame->number = take_number(reading, "number", UINT64_MAX);
	frame->command = take_number(reading, "command", UINT64_MAX);
	frame->same = take_bool(reading, "same");
	take_comparison(reading, frame);
	take_text(reading, "measured", &frame->measured, false);
	take_text(reading, "allowed", &frame->allowed, false);
	take_text(reading, "note", &frame->note, false);
	take_text(reading, "golden", &frame->golden, false);
	take_kept(reading, "golden_copy", &frame->golden_copy, result, out);
	take_kept(reading, "actual", &frame->actual, result, out);
	take_kept(reading, "difference", &frame->difference, result, out);
}

static void take_frames(struct reading *reading, struct suite_result *result, const char *out)
{
	struct json_object *array =
		take_array(reading, "frames", SUITE_FRAMES_MAX + SUITE_REASONS_MAX);
	const size_t count = array ? json_object_array_length(array) : 0;

	result->frames = calloc(count + 1, sizeof(*result->frames));
	if (!result->frames) {
		refuse(reading, "frames", "is more than there is memory for");
	}
	for (size_t i = 0; i < count && reading->good; i++) {
		struct reading frame = {
			json_object_array_get_idx(array, i), reading->err, true};
		if (!json_object_is_type(frame.object, json_type_object)) {
			refuse(reading, "frames", "is of something else than objects");
			return;
		}
		take_frame(&frame, &result->frames[result->frame_count++], result, out);
		reading->good = frame.good;
	}
}

static void take_name(struct reading *reading, struct suite_result *result, const char *name)
{
	if (name) {
		result->name = strdup(name);
		if (!result->name) {
			refuse(reading, "name", "is more than there is memory for");
		}
		return;
	}
	take_text(reading, "name", &result->name, true);
	if (result->name && !is_component(result->name)) {
		refuse(reading, "name", "is none");
	}
}

static void take_verdict(struct reading *reading, struct suite_result *result)
{
	struct json_object *text = member(reading, "verdict", json_type_string, true);

	if (text && !suite_verdict_parse(json_object_get_string(text), &result->verdict)) {
		refuse(reading, "verdict", "is none that this vgt knows");
	}
}

static void take_rule(struct reading *reading, struct suite_result *result)
{
	struct json_object *text = member(reading, "rule", json_type_string, false);

	if (text && !frame_rule_parse(json_object_get_string(text), &result->rule)) {
		refuse(reading, "rule", "is none that this vgt knows");
	}
}

static void take_tags(struct reading *reading, struct suite_result *result)
{
	const struct json_object *array = take_array(reading, "tags", TAGS_MAX);

	result->tags =
		calloc(array ? json_object_array_length(array) + 1 : 1, sizeof(*result->tags));
	if (!result->tags) {
		refuse(reading, "tags", "is more than there is memory for");
		return;
	}
	take_texts(reading, "tags", result->tags, &result->tag_count, TAGS_MAX);
}

static void take_result(struct reading *reading, struct suite_result *result, const char *out)
{
	take_verdict(reading, result);
	take_rule(reading, result);
	take_tags(reading, result);
	take_texts(
		reading, "reasons", result->reasons, &result->reason_count, SUITE_REASONS_MAX);
	result->more_reasons = take_number(reading, "more_reasons", UINT64_MAX);
	result->other_failures = take_number(reading, "other_failures", UINT64_MAX);
	take_text(reading, "expected", &result->expected, false);
	result->attempts = (unsigned)take_number(reading, "attempts", UINT_MAX);
	take_frames(reading, result, out);
	result->has_goldens = take_bool(reading, "has_goldens");
	result->has_bad_frame = json_object_object_get_ex(reading->object, "bad_frame", NULL);
	result->bad_frame = take_number(reading, "bad_frame", UINT64_MAX);
	take_text(reading, "commands", &result->commands, false);
	result->played = take_number(reading, "played", UINT64_MAX);
	result->answers = take_number(reading, "answers", UINT64_MAX);
	take_text(reading, "trace", &result->trace, false);
	result->position = (size_t)take_number(reading, "position", TESTS_MAX);
	take_text(reading, "shows", &result->shows, false);
	take_text(reading, "tolerance", &result->tolerance, false);
	result->not_fetched = take_bool(reading, "not_fetched");
	result->out_failed = take_bool(reading, "out_failed");
	take_text(reading, "lacks", &result->lacks, false);
	take_text(reading, "renderer", &result->renderer, false);
	take_kept(reading, "log", &result->log, result, out);
	take_text(reading, "log_end", &result->log_end, false);
	result->seconds = take_decimal(reading, "seconds", SECONDS_MAX);
}

bool suite_result_from_json(struct suite_result *result, struct json_object *object,
	const char *out, const char *name, struct vgt_err *err)
{
	struct reading reading = {object, err, true};

	*result = (struct suite_result){0};
	take_name(&reading, result, name);
	if (reading.good) {
		take_result(&reading, result, out);
	}
	if (!reading.good) {
		suite_result_finish(result);
	}
	return reading.good;
}

static void take_environment(struct reading *reading, struct suite_information *run)
{
	struct json_object *object = member(reading, "environment", json_type_object, false);
	const int count = object ? json_object_object_length(object) : 0;

	if (count > ENVIRONMENT_MAX) {
		refuse(reading, "environment", "has too many members");
		return;
	}
	run->environment = calloc((size_t)count + 1, sizeof(*run->environment));
	if (!run->environment) {
		refuse(reading, "environment", "is more than there is memory for");
	}
	if (!count || !reading->good) {
		return;
	}
	struct reading inner = {object, reading->err, true};
	json_object_object_foreach(object, name, text)
	{
		(void)text;
		struct suite_environment *variable =
			&run->environment[run->environment_count++];
		variable->name = strdup(name);
		take_text(&inner, name, &variable->value, true);
		if (!variable->name) {
			refuse(&inner, name, "is more than there is memory for");
		}
	}
	reading->good = inner.good;
}

bool suite_information_from_json(
	struct suite_information *run, struct json_object *object, struct vgt_err *err)
{
	struct reading reading = {object, err, true};

	take_text(&reading, "vgt", &run->vgt, true);
	take_text(&reading, "suite", &run->suite, true);
	take_text(&reading, "digest", &run->digest, true);
	take_text(&reading, "renderer", &run->renderer, false);
	take_text(&reading, "gl_version", &run->gl_version, false);
	take_text(&reading, "virglrenderer", &run->virglrenderer, false);
	take_environment(&reading, run);
	take_text(&reading, "drop", &run->drop, false);
	take_text(&reading, "cpu", &run->cpu, false);
	take_text(&reading, "kernel", &run->kernel, false);
	take_text(&reading, "date", &run->date, false);
	run->jobs = (unsigned)take_number(&reading, "jobs", UINT_MAX);
	run->shard = (unsigned)take_number(&reading, "shard", TESTS_MAX);
	run->shards = (unsigned)take_number(&reading, "shards", TESTS_MAX);
	run->tests = (size_t)take_number(&reading, "tests", TESTS_MAX);
	if (reading.good && (run->shard < 1 || run->shard > run->shards)) {
		refuse(&reading, "shard", "is out of range");
	}
	return reading.good;
}

bool suite_summary_from_json(
	struct suite_information *run, struct json_object *object, struct vgt_err *err)
{
	struct reading reading = {object, err, true};

	run->interrupted = take_bool(&reading, "interrupted");
	run->trouble = take_bool(&reading, "trouble");
	run->seconds = take_decimal(&reading, "seconds", SECONDS_MAX);
	return reading.good;
}

struct json_object *suite_result_json_parse(const char *text, size_t size, struct vgt_err *err)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object = NULL;

	if (!tokener || size > SUITE_RESULT_JSON_MAX) {
		vgt_err_set(err, tokener ? VGT_ERR_LIMIT : VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			tokener ? "is too long" : "no memory");
		json_tokener_free(tokener);
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)size);
	if (!object || json_tokener_get_error(tokener) != json_tokener_success ||
		!json_object_is_type(object, json_type_object)) {
		vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "is no object of JSON");
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

const char *suite_result_json_event(struct json_object *object)
{
	struct json_object *event = NULL;

	json_object_object_get_ex(object, "event", &event);
	return event && json_object_is_type(event, json_type_string)
		       ? json_object_get_string(event)
		       : "";
}
