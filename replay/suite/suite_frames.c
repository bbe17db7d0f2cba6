/* SPDX-License-Identifier: MIT */
#include "suite_attempt.h"

#include "suite_expect.h"
#include "tolerance.h"
#include "trace_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell_difference(struct suite_attempt *attempt, struct suite_frame *frame,
	const struct vgt_image *golden, const struct vgt_image *actual)
{
	char measured[TOLERANCE_TEXT], allowed[TOLERANCE_TEXT];

	if (frame->comparison.size_differs) {
		suite_attempt_find(attempt, SUITE_FAIL,
			"frame %" PRIu64 " (@%" PRIu64 "): %" PRIu32 "x%" PRIu32
			" pixels, its golden has %" PRIu32 "x%" PRIu32,
			frame->number, frame->command, actual->width, actual->height,
			golden->width, golden->height);
		return;
	}
	comparison_describe(measured, &frame->comparison);
	tolerance_describe(allowed, &attempt->test->tolerance);
	suite_attempt_find(attempt, SUITE_FAIL,
		"frame %" PRIu64 " (@%" PRIu64 "): %s; allowed: %s", frame->number,
		frame->command, measured, allowed);
	frame->measured = strdup(measured);
	frame->allowed = strdup(allowed);
}

static void note_bad(struct suite_attempt *attempt, uint64_t number)
{
	struct suite_result *result = attempt->result;

	if (!result->has_bad_frame) {
		result->has_bad_frame = true;
		result->bad_frame = number;
	}
}

/* Whether this comparison is better than the best so far. */
static bool is_nearer(const struct vgt_comparison *seen, const struct vgt_comparison *best)
{
	if (seen->size_differs || best->size_differs) {
		return !seen->size_differs;
	}
	if (seen->value != best->value) {
		const bool least =
			seen->metric == VGT_METRIC_PSNR || seen->metric == VGT_METRIC_SSIM;
		return least ? seen->value > best->value : seen->value < best->value;
	}
	return seen->mean < best->mean;
}

/*
 * Holds what is shown against one approved picture of the frame; the nearest so far stays in
 * the frame and in *golden. True: it is like it.
 */
static bool compare_with_one(struct suite_attempt *attempt, struct suite_frame *frame,
	char *path, struct vgt_image *golden, const struct vgt_image *actual)
{
	const struct vgt_tolerance *tolerance = &attempt->test->tolerance;
	struct vgt_comparison seen;
	struct vgt_image picture;
	struct stat status;
	struct vgt_err err;

	/* nothing is waited for, and nothing large read in vain */
	const int fd = trace_store_open(path, &status, &err);
	if (fd < 0 || !vgt_image_read_png_like(&picture, fd, actual, &err)) {
		suite_attempt_find(
			attempt, suite_attempt_verdict(&err), "%s: %s", path, err.message);
		free(path);
		return false;
	}
	if (!vgt_compare_images(&picture, actual, tolerance, &seen, &err)) {
		suite_attempt_find(
			attempt, suite_attempt_verdict(&err), "%s: %s", path, err.message);
		vgt_image_finish(&picture);
		free(path);
		return false;
	}
	const bool same = seen.identical || vgt_comparison_within(&seen, tolerance);
	if (frame->compared && !same && !is_nearer(&seen, &frame->comparison)) {
		vgt_image_finish(&picture);
		free(path);
		return false;
	}
	vgt_image_finish(golden);
	*golden = picture;
	free(frame->golden);
	frame->golden = path;
	frame->comparison = seen;
	frame->compared = true;
	frame->same = same;
	return same;
}

/* Whether the goldens that decide are of this host's renderer, be they inherited: then what it
 * lacks is no excuse, they were made with it. */
static bool is_own(const struct suite_attempt *attempt, uint64_t number)
{
	const struct suite_golden *golden = suite_goldens_for(&attempt->goldens, number);
	return golden && golden->pictures->level + 1 < attempt->goldens.level_count;
}

/* Tells and keeps what is wrong with a picture. */
static void judge_picture(struct suite_attempt *attempt, struct suite_frame *frame,
	const struct vgt_image *golden, const struct vgt_image *actual)
{
	const struct vgt_tolerance *tolerance = &attempt->test->tolerance;
	struct vgt_image difference;

	attempt->differences += !is_own(attempt, frame->number);
	attempt->bad_pictures++;
	attempt->bad_goldens++;
	note_bad(attempt, frame->number);
	tell_difference(attempt, frame, golden, actual);
	frame->actual = suite_attempt_keep_actual(attempt, actual, frame->number);
	if (!frame->actual) {
		return;
	}
	frame->golden_copy = suite_attempt_keep_golden(attempt, frame);
	if (vgt_compare_draw(&difference, golden, actual, tolerance, NULL)) {
		frame->difference = suite_attempt_keep_picture(
			attempt, &difference, frame->number, "difference");
	}
	vgt_image_finish(&difference);
}

/* Which of several pictures it is held against. */
static void note_choice(struct suite_attempt *attempt, struct suite_frame *frame, size_t count)
{
	const char *name = strrchr(frame->golden, '/') + 1;

	if (count > 1 && asprintf(&frame->note, "%s %s of %zu approved pictures",
				 frame->same ? "like" : "nearest to", name, count) < 0) {
		frame->note = NULL;
		attempt->no_memory = true;
	}
}

/* NULL: no memory, or as many as fit. */
static struct suite_frame *add_frame(
	struct suite_attempt *attempt, const struct player_event *event)
{
	struct suite_result *result = attempt->result;

	if (result->frame_count == SUITE_FRAMES_MAX) {
		return NULL;
	}
	struct suite_frame *frames =
		realloc(result->frames, (result->frame_count + 1) * sizeof(*frames));
	if (!frames) {
		attempt->no_memory = true;
		return NULL;
	}
	result->frames = frames;
	frames[result->frame_count] =
		(struct suite_frame){.number = event->frame.number, .command = event->command};
	return &frames[result->frame_count++];
}

static void compare_with_golden(struct suite_attempt *attempt, const struct player_event *event,
	const struct suite_golden *approved, const struct vgt_image *actual)
{
	struct suite_frame *frame = add_frame(attempt, event);
	const uint64_t errors = attempt->errors, failures = attempt->failures;
	struct vgt_image golden = {0};

	for (size_t i = 0; frame && i < approved->count && !frame->same; i++) {
		char *path = suite_picture_path(&attempt->goldens, &approved->pictures[i]);
		if (!path) {
			attempt->no_memory = true;
			break;
		}
		compare_with_one(attempt, frame, path, &golden, actual);
	}
	/* pictures that are damaged, which another golden takes away */
	if (frame && !frame->same) {
		attempt->bad_goldens += attempt->failures - failures;
	}
	if (frame && frame->compared) {
		note_choice(attempt, frame, approved->count);
		if (!frame->same) {
			judge_picture(attempt, frame, &golden, actual);
		}
	} else if (frame) {
		frame->golden = suite_picture_path(&attempt->goldens, approved->pictures);
		if (attempt->runner->update && attempt->errors == errors) {
			frame->actual =
				suite_attempt_keep_actual(attempt, actual, frame->number);
		}
	}
	vgt_image_finish(&golden);
}

/* It is among the frames of the result only with its picture, so there are not too many. */
static void tell_golden_missing(struct suite_attempt *attempt, const struct player_event *event,
	const struct vgt_image *actual)
{
	const uint64_t number = event->frame.number;
	char *kept = suite_attempt_keep_actual(attempt, actual, number);
	struct suite_frame *frame = kept ? add_frame(attempt, event) : NULL;

	attempt->bad_goldens++;
	suite_attempt_find(attempt, SUITE_FAIL,
		"frame %" PRIu64 " (@%" PRIu64 "): has no golden%s%s", number, event->command,
		kept ? "; it shows " : "", kept ? kept : "");
	if (frame) {
		frame->actual = kept;
	} else {
		free(kept);
	}
}

static bool is_asked(const struct suite_attempt *attempt, uint64_t number)
{
	return attempt->asked && vgt_ranges_contain(&attempt->wanted, number);
}

void suite_frames_shown(struct suite_attempt *attempt, const struct player_event *event)
{
	const uint64_t number = event->frame.number;
	struct suite_golden *golden = suite_goldens_for(&attempt->goldens, number);
	struct vgt_image actual;
	struct vgt_err err;
	char *path;

	if (!event->text[0]) {
		return; /* no pictures were asked for */
	}
	if (asprintf(&path, "%s/frame-%04" PRIu64 ".png", attempt->runner->scratch, number) <
		0) {
		attempt->no_memory = true;
		return;
	}
	if (!golden && !is_asked(attempt, number)) {
		/* between those asked for, suite_goldens_ranges() */
	} else if (!vgt_image_read_png(&actual, path, &err)) {
		suite_attempt_find(attempt, SUITE_ERROR, "%s: %s", path, err.message);
	} else {
		if (!golden) {
			tell_golden_missing(attempt, event, &actual);
		} else if (!golden->seen) {
			golden->seen = true;
			compare_with_golden(attempt, event, golden, &actual);
		}
		vgt_image_finish(&actual);
	}
	unlink(path);
	free(path);
}

void suite_frames_unshown(struct suite_attempt *attempt, const struct player_event *event)
{
	struct suite_golden *golden = suite_goldens_for(&attempt->goldens, event->frame.number);

	if (golden) {
		golden->seen = true;
	}
	if (golden || is_asked(attempt, event->frame.number)) {
		attempt->differences += !is_own(attempt, event->frame.number);
		note_bad(attempt, event->frame.number);
		suite_attempt_find(attempt, SUITE_FAIL,
			"frame %" PRIu64 " (@%" PRIu64 "): has no picture: %s",
			event->frame.number, event->command, event->text);
	}
}

void suite_frames_end(struct suite_attempt *attempt, uint64_t frames)
{
	const struct suite_test *test = attempt->test;
	const uint64_t last =
		attempt->asked ? vgt_ranges_last(&attempt->wanted) : VGT_ADDRESS_OPEN;

	for (size_t i = 0; i < attempt->goldens.count; i++) {
		const struct suite_golden *golden = &attempt->goldens.list[i];
		const bool listed =
			!test->frames || vgt_ranges_contain(&attempt->wanted, golden->number);
		attempt->bad_goldens += !listed || !golden->seen;
		if (!listed) {
			suite_attempt_find(attempt, SUITE_FAIL,
				"frame %" PRIu64
				": has a golden, but is not among the manifest's frames %s",
				golden->number, test->frames);
		} else if (!golden->seen) {
			suite_attempt_find(attempt, SUITE_FAIL,
				"frame %" PRIu64 ": is not in the trace, which has %" PRIu64
				" frames",
				golden->number, frames);
		}
	}
	if (last != VGT_ADDRESS_OPEN && last >= frames &&
		!suite_goldens_for(&attempt->goldens, last)) {
		suite_attempt_find(attempt, SUITE_FAIL,
			"frame %" PRIu64 ": is not in the trace, which has %" PRIu64 " frames",
			last, frames);
	}
}

/* Those that are asked for, and all that have goldens. */
static bool choose_frames(struct suite_attempt *attempt)
{
	const struct suite_test *test = attempt->test;
	const struct suite_update *update = attempt->runner->update;
	struct vgt_ranges all;
	char *listed = NULL;

	attempt->asked = test->frames ? test->frames
			 : update     ? suite_update_frames(update, test)
				      : NULL;
	if (attempt->asked) {
		vgt_ranges_parse(&attempt->wanted, attempt->asked, NULL);
	}
	if (!test->frames && attempt->goldens.count) {
		listed = suite_goldens_ranges(&attempt->goldens);
		attempt->no_memory = !listed;
	}
	if (asprintf(&attempt->frames, "%s%s%s", attempt->asked ? attempt->asked : "",
		    attempt->asked && listed ? "," : "", listed ? listed : "") < 0) {
		attempt->frames = NULL;
		attempt->no_memory = true;
	} else if (!*attempt->frames) {
		free(attempt->frames); /* the trace is played only */
		attempt->frames = NULL;
	} else if (!vgt_ranges_parse(&all, attempt->frames, NULL)) {
		suite_attempt_find(attempt, SUITE_ERROR,
			"too many frames with gaps between: %s,...", attempt->asked);
	}
	free(listed);
	return !attempt->no_memory && attempt->result->verdict == SUITE_PASS;
}

bool suite_frames_prepare(struct suite_attempt *attempt)
{
	const struct suite_test *test = attempt->test;
	struct vgt_err err;

	attempt->goldens_path = suite_goldens_path(attempt->runner->suite, test);
	if (!attempt->goldens_path) {
		attempt->no_memory = true;
		return false;
	}
	if (!suite_goldens_open(&attempt->goldens, attempt->goldens_path,
		    suite_key_for(&attempt->runner->suite->manifest, attempt->runner->renderer),
		    SUITE_FRAMES_MAX, &err)) {
		suite_attempt_find(attempt, SUITE_ERROR, "%s", err.message);
		return false;
	}
	attempt->result->has_goldens = attempt->goldens.count > 0;
	return choose_frames(attempt);
}
