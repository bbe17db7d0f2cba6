/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_RESULT_JSON_H
#define VGT_SUITE_RESULT_JSON_H

#include "suite_results.h"
#include "vgt_err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Results of a suite as the objects that `vgt test --json` prints, one a line, which `vgt help
 * test` describes: {"event": "run"}, a {"event": "test"} each, {"event": "summary"}.
 *
 * The way back takes what other machines have written, so it is hostile input: an object of
 * another shape is refused, and paths of what was kept are made of their last part, behind the
 * directory that the reader says.
 */

/* Bytes of one object's text that are read. */
#define SUITE_RESULT_JSON_MAX (16u << 20)

/*
 * `out`: NULL, or the directory that holds the tests' directories: paths of what was kept are
 * written relative to it. NULL: no memory.
 */
struct json_object *suite_result_to_json(const struct suite_result *result, const char *out);
struct json_object *suite_information_to_json(const struct suite_information *run);
struct json_object *suite_summary_to_json(const struct suite_results *results);

/*
 * `out`: the directory that holds the tests' directories. `name`: of the test; NULL: what the
 * object says. On failure the result is left empty.
 */
bool suite_result_from_json(struct suite_result *result, struct json_object *object,
	const char *out, const char *name, struct vgt_err *err);

/* Fills a run's information; on failure, too, it is to be finished with its list. */
bool suite_information_from_json(
	struct suite_information *run, struct json_object *object, struct vgt_err *err);
/* What is known of a run only at its end. */
bool suite_summary_from_json(
	struct suite_information *run, struct json_object *object, struct vgt_err *err);

/* One object of a text, which must be all of it; NULL: *err. The caller's. */
struct json_object *suite_result_json_parse(const char *text, size_t size, struct vgt_err *err);

/* The "event" of it, or "". */
const char *suite_result_json_event(struct json_object *object);

#endif
