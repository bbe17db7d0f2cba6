/* SPDX-License-Identifier: MIT */
#include "suite_update.h"

#include "suite_expect.h"
#include "suite_goldens.h"
#include "vgt_address.h"
#include "vgt_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *suite_change_name(enum suite_change_kind kind)
{
	static const char *const names[] = {[SUITE_CHANGE_NEW] = "new",
		[SUITE_CHANGE_REPLACE] = "replace",
		[SUITE_CHANGE_ADD] = "add",
		[SUITE_CHANGE_REMOVE] = "remove"};
	return names[kind];
}

/* Names */

static const struct suite_test *find_test(
	const struct suite_manifest *manifest, const char *name, size_t length)
{
	for (size_t i = 0; i < manifest->count; i++) {
		const struct suite_test *test = &manifest->tests[i];
		if (strlen(test->name) == length && memcmp(test->name, name, length) == 0) {
			return test;
		}
	}
	return NULL;
}

/* A frame that the manifest does not list can have no golden. */
static bool check_frames(const struct suite_test *test, const char *frames, struct vgt_err *err)
{
	struct vgt_ranges named, listed;

	if (!vgt_ranges_parse(&named, frames, NULL)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"%s:%s: frames are such as 0,10-20, at most %d ranges",
			vgt_text_quote(test->name).text, vgt_text_quote(frames).text,
			VGT_ADDRESSES_MAX);
	}
	if (!test->frames || !vgt_ranges_parse(&listed, test->frames, NULL)) {
		return true;
	}
	for (size_t i = 0; i < named.frames.count; i++) {
		const struct vgt_address_range *range = &named.frames.range[i];
		if (range->first == range->last && !vgt_ranges_contain(&listed, range->first)) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"%s: frame %" PRIu64
				" is not among the manifest's frames %s: add it there first",
				vgt_text_quote(test->name).text, range->first,
				vgt_text_quote(test->frames).text);
		}
	}
	return true;
}

static bool take_name(struct suite_update *update, char **argument, struct vgt_err *err)
{
	const struct suite_manifest *manifest = &update->suite->manifest;
	const char *colon = strrchr(*argument, ':');
	struct suite_update_name *name = &update->names[update->name_count];

	*name = (struct suite_update_name){
		.test = find_test(manifest, *argument, strlen(*argument))};
	if (!name->test && colon) {
		name->test = find_test(manifest, *argument, (size_t)(colon - *argument));
		name->frames = colon + 1;
	}
	if (!name->test) {
		return true; /* the caller says so */
	}
	if (name->frames && !check_frames(name->test, name->frames, err)) {
		return false;
	}
	for (size_t i = 0; i < update->name_count; i++) {
		if (update->names[i].test == name->test &&
			(name->frames || update->names[i].frames)) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"%s is named twice: all its frames belong in one list",
				vgt_text_quote(name->test->name).text);
		}
	}
	char *text = strdup(name->test->name);
	if (!text) {
		return vgt_err_system(err, ENOMEM, "cannot hold the names");
	}
	update->texts[update->name_count++] = text;
	*argument = text;
	return true;
}

bool suite_update_take_names(struct suite_update *update, char **names, struct vgt_err *err)
{
	size_t count = 0;

	while (names[count]) {
		count++;
	}
	update->names = calloc(count + 1, sizeof(*update->names));
	update->texts = calloc(count + 1, sizeof(*update->texts));
	if (!update->names || !update->texts) {
		return vgt_err_system(err, ENOMEM, "cannot hold the names");
	}
	for (; *names; names++) {
		if (!take_name(update, names, err)) {
			return false;
		}
	}
	return true;
}

const char *suite_update_frames(
	const struct suite_update *update, const struct suite_test *test)
{
	for (size_t i = 0; i < update->name_count; i++) {
		if (update->names[i].test == test && update->names[i].frames) {
			return update->names[i].frames;
		}
	}
	return NULL;
}

/* Whether all of a test is named, or this frame. */
static bool is_named(
	const struct suite_update *update, const struct suite_test *test, uint64_t number)
{
	struct vgt_ranges ranges;

	for (size_t i = 0; i < update->name_count; i++) {
		const struct suite_update_name *name = &update->names[i];
		if (name->test == test &&
			(!name->frames || (vgt_ranges_parse(&ranges, name->frames, NULL) &&
						  vgt_ranges_contain(&ranges, number)))) {
			return true;
		}
	}
	return false;
}

/* The plan */

/* A test while it is planned. */
struct plan {
	struct suite_update *update;
	const struct suite_test *test;
	const struct suite_result *result;
	char *directory; /* of its goldens */
	struct suite_goldens goldens;
	bool no_memory;
};

__attribute__((format(printf, 2, 3))) static void block(
	struct plan *plan, const char *format, ...)
{
	struct suite_update *update = plan->update;
	char **list = realloc(update->blocked, (update->blocked_count + 1) * sizeof(*list));
	char *text;
	va_list args;

	if (list) {
		update->blocked = list;
	}
	va_start(args, format);
	const int length = vasprintf(&text, format, args);
	va_end(args);
	if (list && length >= 0) {
		list[update->blocked_count++] = text;
		return;
	}
	if (length >= 0) {
		free(text);
	}
	plan->no_memory = true;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void finish_change(struct suite_change *change)
{
	free(change->file);
	free(change->picture);
	free(change->difference);
	free(change->why);
	free(change->note);
}

/* Takes its texts over. */
static void add_change(struct plan *plan, struct suite_change change)
{
	struct suite_update *update = plan->update;
	struct suite_change *changes =
		realloc(update->changes, (update->count + 1) * sizeof(*changes));

	if (!changes) {
		finish_change(&change);
		plan->no_memory = true;
		return;
	}
	update->changes = changes;
	change.test = plan->test;
	change.named = is_named(update, plan->test, change.number);
	changes[update->count++] = change;
}

/* The path of a picture in a level; NULL: no memory, which is noted. */
static char *path_of(struct plan *plan, size_t level, uint64_t number, unsigned variant)
{
	const struct suite_picture picture = {number, level, variant};
	char *path = suite_picture_path(&plan->goldens, &picture);

	plan->no_memory |= !path;
	return path;
}

/* Whether renderers of `other` take the goldens of this level for the frame when it has some.
 */
static bool concerns(struct plan *plan, const struct suite_key *other, uint64_t number)
{
	struct suite_goldens goldens;
	size_t level = 0;

	for (const struct suite_key *at = other; at != plan->update->key; at = at->inherits) {
		if (!at) {
			return false;
		}
		level++;
	}
	if (!suite_goldens_open(&goldens, plan->directory, other, SUITE_FRAMES_MAX, NULL)) {
		return false;
	}
	const struct suite_golden *golden = suite_goldens_for(&goldens, number);
	const bool inherits = !golden || golden->pictures->level >= level;
	suite_goldens_finish(&goldens);
	return inherits;
}

/* What else is to be known of it: what is inherited no more, who inherits it, what the manifest
 * expects, and whether the host may be the cause. */
static char *note_of(struct plan *plan, const struct suite_golden *golden, uint64_t number)
{
	const struct suite_manifest *manifest = &plan->update->suite->manifest;
	const char *separator = "";
	size_t size;
	char *text;
	FILE *to = open_memstream(&text, &size);

	if (!to) {
		plan->no_memory = true;
		return NULL;
	}
	if (golden && golden->pictures->level > 0) {
		char *path = suite_picture_path(&plan->goldens, golden->pictures);
		fprintf(to, "instead of the inherited %s", path ? path : "one");
		free(path);
		separator = "; ";
	}
	if (manifest->key_count && !plan->update->key) {
		fprintf(to, "%sfor all renderers", separator);
		separator = "; ";
	}
	for (size_t i = 0, shown = 0; i < manifest->key_count; i++) {
		const struct suite_key *other = &manifest->keys[i];
		if (other != plan->update->key && concerns(plan, other, number)) {
			fprintf(to, "%s%s%s", shown ? ", " : separator,
				shown ? "" : "also for ", other->name);
			shown++;
			separator = "; ";
		}
	}
	if (plan->result->expected) {
		fprintf(to, "%s%s", separator, plan->result->expected);
		separator = "; ";
	}
	if (plan->result->lacks) {
		fprintf(to, "%sthis host lacks what the recording's had", separator);
	}
	if (fclose(to) != 0) {
		plan->no_memory = true;
		return NULL;
	}
	if (!size) {
		free(text);
		text = NULL;
	}
	return text;
}

/* The lowest that no picture of the frame has; 0: all are taken. */
static unsigned free_variant(const struct suite_golden *golden)
{
	unsigned variant = 1;

	for (size_t i = 0; i < golden->count && golden->pictures[i].variant == variant; i++) {
		variant++;
	}
	return variant <= SUITE_VARIANT_MAX ? variant : 0;
}

static void plan_removal(
	struct plan *plan, const struct suite_picture *picture, const char *why)
{
	const struct suite_key *level = plan->update->key;

	for (size_t i = 0; i < picture->level && level; i++) {
		level = level->inherits;
	}
	add_change(plan, (struct suite_change){.kind = SUITE_CHANGE_REMOVE,
				 .level = level,
				 .number = picture->number,
				 .variant = picture->variant,
				 .file = path_of(plan, picture->level, picture->number,
					 picture->variant),
				 .why = copy(why)});
}

static char *why_of(const struct suite_frame *frame)
{
	const struct vgt_comparison *seen = &frame->comparison;
	char *text;

	if (!frame->compared) {
		return strdup(frame->golden ? "its golden is damaged" : "has no golden");
	}
	if (seen->size_differs) {
		return strdup("another size");
	}
	if (frame->measured) {
		return strdup(frame->measured);
	}
	return asprintf(&text, "%" PRIu64 " of %" PRIu64 " pixels beyond %u",
		       seen->pixels_beyond, seen->pixels, seen->threshold) < 0
		       ? NULL
		       : text;
}

/* A frame that differs, or that has no golden. */
static void plan_frame(struct plan *plan, const struct suite_frame *frame)
{
	const struct suite_golden *golden = suite_goldens_for(&plan->goldens, frame->number);
	const bool own = golden && golden->pictures->level == 0;
	/* beside what is damaged nothing is of use */
	const bool damaged = frame->golden && !frame->compared;
	const bool add = own && !damaged && plan->update->mode == SUITE_UPDATE_ADD;
	const unsigned variant = add   ? free_variant(golden)
				 : own ? golden->pictures->variant
				       : 1;

	if (!variant) {
		block(plan, "%s: frame %" PRIu64 ": there are %d approved pictures already",
			plan->test->name, frame->number, SUITE_VARIANT_MAX);
		return;
	}
	add_change(plan, (struct suite_change){.kind = add   ? SUITE_CHANGE_ADD
						       : own ? SUITE_CHANGE_REPLACE
							     : SUITE_CHANGE_NEW,
				 .level = plan->update->key,
				 .number = frame->number,
				 .variant = variant,
				 .file = path_of(plan, 0, frame->number, variant),
				 .picture = copy(frame->actual),
				 .difference = copy(frame->difference),
				 .why = why_of(frame),
				 .note = note_of(plan, golden, frame->number)});
	for (size_t i = 1; own && !add && i < golden->count; i++) {
		plan_removal(plan, &golden->pictures[i], "another picture is approved instead");
	}
}

/* Goldens of frames that are not in the trace, or that the manifest does not list. */
static void plan_gone(struct plan *plan)
{
	const struct suite_test *test = plan->test;
	const uint64_t frames = plan->result->played;
	struct vgt_ranges listed;
	char why[120];

	if (!frames || (test->frames && !vgt_ranges_parse(&listed, test->frames, NULL))) {
		return;
	}
	for (size_t i = 0; i < plan->goldens.picture_count; i++) {
		const struct suite_picture *picture = &plan->goldens.pictures[i];
		const bool unlisted =
			test->frames && !vgt_ranges_contain(&listed, picture->number);
		if (unlisted) {
			snprintf(why, sizeof(why), "the manifest's frames are %s",
				vgt_text_quote(test->frames).text);
		} else {
			snprintf(why, sizeof(why), "the trace has %" PRIu64 " frames", frames);
		}
		if (unlisted || picture->number >= frames) {
			plan_removal(plan, picture, why);
		}
	}
}

/* What must not be approved whatever was shown; NULL: nothing. */
static const char *why_not(const struct plan *plan)
{
	const struct suite_update *update = plan->update;
	const struct suite_expectation *expectation =
		plan->result->verdict == SUITE_KNOWN && plan->result->expected
			? suite_expectation_for(
				  &update->suite->manifest, update->renderer, plan->test)
			: NULL;

	switch (plan->result->verdict) {
	case SUITE_CRASH:
		return "it crashed";
	case SUITE_HANG:
		return "it hung";
	case SUITE_ERROR:
		return "it could not be run to its end";
	default:
		break;
	}
	if (update->suite->manifest.key_count && !update->key && !*update->renderer->renderer) {
		return "the renderer does not say what it is, and goldens are by renderer";
	}
	return expectation && expectation->expected != SUITE_EXPECT_FAIL
		       ? "it crashed or hung, as expected"
		       : NULL;
}

static void plan_test(struct plan *plan)
{
	const struct suite_result *result = plan->result;
	const char *refusal = why_not(plan);
	struct vgt_err err;

	if (!refusal && !suite_goldens_open(&plan->goldens, plan->directory, plan->update->key,
				SUITE_FRAMES_MAX, &err)) {
		refusal = err.message;
	}
	plan->update->unsettled |=
		suite_verdict_is_bad(result->verdict) &&
		(refusal || result->verdict != SUITE_FAIL || result->other_failures);
	if (refusal) {
		block(plan, "%s: nothing is approved: %s", plan->test->name, refusal);
		return;
	}
	for (size_t i = 0; i < result->frame_count; i++) {
		const struct suite_frame *frame = &result->frames[i];
		if (!frame->same && frame->actual) {
			plan_frame(plan, frame);
		} else if (!frame->same) {
			block(plan, "%s: frame %" PRIu64 ": not approved: %s", plan->test->name,
				frame->number,
				frame->compared || result->out_failed
					? "its picture could not be kept"
					: "its golden is unreadable; remove it first");
		}
	}
	plan_gone(plan);
	if (result->verdict == SUITE_FAIL && result->other_failures && !result->out_failed) {
		block(plan, "%s: fails for what no golden changes, too", plan->test->name);
	}
	suite_goldens_finish(&plan->goldens);
}

bool suite_update_plan(struct suite_update *update, const struct suite_results *results)
{
	bool good = true;

	for (size_t i = 0; good && i < results->count; i++) {
		const struct suite_result *result = &results->list[i];
		struct plan plan = {.update = update,
			.test = &update->suite->manifest.tests[result->position],
			.result = result};
		if (result->verdict == SUITE_PASS || result->not_fetched) {
			continue;
		}
		plan.directory = suite_goldens_path(update->suite, plan.test);
		if (plan.directory) {
			plan_test(&plan);
		}
		good = plan.directory && !plan.no_memory;
		free(plan.directory);
	}
	return good;
}

void suite_update_finish(struct suite_update *update)
{
	for (size_t i = 0; i < update->count; i++) {
		finish_change(&update->changes[i]);
	}
	for (size_t i = 0; i < update->blocked_count; i++) {
		free(update->blocked[i]);
	}
	for (size_t i = 0; i < update->name_count; i++) {
		free(update->texts[i]);
	}
	free(update->changes);
	free(update->blocked);
	free(update->texts);
	free(update->names);
	*update = (struct suite_update){0};
}
