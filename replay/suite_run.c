/* SPDX-License-Identifier: MIT */
#include "suite_run.h"

#include "child.h"
#include "child_log.h"
#include "clock.h"
#include "interrupt.h"
#include "player_run.h"
#include "suite_expect.h"
#include "suite_goldens.h"
#include "tolerance.h"
#include "trace_store.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_reader.h"
#include "vgt_validate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VIOLATIONS_MAX   5          /* that are told of one trace */
#define PROBLEMS_MAX     5          /* the same of one play */
#define GOLDEN_BYTES_MAX (64 << 20) /* that are copied to what is kept */

/* A test while it runs. */
struct attempt {
	struct suite_runner *runner;
	const struct suite_test *test;
	struct suite_result *result;
	char *trace, *goldens_path;
	char *frames; /* for the player; NULL: all */
	struct suite_goldens goldens;
	const char *asked; /* frames that must have goldens; NULL: those that have some */
	struct vgt_ranges wanted; /* the same */
	struct vgt_reader *reader;
	struct vgt_child_log log;
	char *log_path;
	char last_of_ours[200]; /* line of vgt's own in the log */
	char failed[300];       /* why the player gave up */
	uint64_t violations, problems;
	size_t kept; /* frames */
	uint64_t errors, failures,
		differences,  /* reasons to fail; those that a host can be the cause of */
		bad_pictures, /* thereof pictures that are not as their golden */
		bad_goldens;  /* reasons to fail that other goldens take away */
	char lack[sizeof(((struct player_event *)0)->text) +
		  24]; /* the first, with its address */
	bool no_memory;
};

bool suite_result_init(
	struct suite_result *result, const struct suite *suite, const struct suite_test *test)
{
	*result = (struct suite_result){
		.position = (size_t)(test - suite->manifest.tests),
		.rule = test->rule,
		.attempts = 1,
	};
	result->name = strdup(test->name);
	result->shows = test->shows ? strdup(test->shows) : NULL;
	result->tags = calloc(test->tag_count + 1, sizeof(*result->tags));
	bool good = result->name && result->tags && (!test->shows || result->shows);
	while (good && result->tag_count < test->tag_count) {
		result->tags[result->tag_count] = strdup(test->tags[result->tag_count]);
		good = result->tags[result->tag_count] != NULL;
		result->tag_count += good;
	}
	return good;
}

/* What is wrong */

/*
 * One more reason. The gravest verdict stands; a crash or a hang is the first reason, for what
 * else went wrong then may come of it.
 */
__attribute__((format(printf, 3, 4))) static void find(
	struct attempt *attempt, enum suite_verdict verdict, const char *format, ...)
{
	char *reason;
	va_list args;

	va_start(args, format);
	const int length = vasprintf(&reason, format, args);
	va_end(args);
	attempt->failures += verdict == SUITE_FAIL;
	attempt->errors += verdict == SUITE_ERROR;
	if (verdict > attempt->result->verdict) {
		attempt->result->verdict = verdict;
	}
	if (length < 0) {
		attempt->no_memory = true;
		return;
	}
	suite_result_add_reason(
		attempt->result, reason, verdict == SUITE_CRASH || verdict == SUITE_HANG);
}

/* What a trace that cannot be read comes to, as vgt_cmd_bad_trace() has it. */
static enum suite_verdict verdict_of(const struct vgt_err *err)
{
	return vgt_err_is_of_trace(err->code) ? SUITE_FAIL : SUITE_ERROR;
}

/* Keeping what failed */

/* The path in the test's directory, as people are told it. */
static char *kept_path(const struct attempt *attempt, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s%s%s", attempt->runner->kept.path, attempt->test->name,
		       *name ? "/" : "", name) < 0
		       ? NULL
		       : path;
}

static void keep_failed(struct attempt *attempt, const char *name, const struct vgt_err *err)
{
	if (!attempt->result->out_failed) {
		char *path = kept_path(attempt, name);
		find(attempt, SUITE_ERROR, "%s: %s", path ? path : name, err->message);
		free(path);
	}
	attempt->result->out_failed = true;
}

/* Writes one file into the test's directory, by `write`; its path, or NULL. */
static char *keep(struct attempt *attempt, const char *name,
	bool (*write)(const void *what, int directory, const char *name, struct vgt_err *err),
	const void *what)
{
	struct vgt_err err;

	if (attempt->result->out_failed) {
		return NULL;
	}
	const int directory =
		suite_kept_open(&attempt->runner->kept, attempt->test->name, &err);
	if (directory < 0) {
		keep_failed(attempt, "", &err);
		return NULL;
	}
	const bool good = write(what, directory, name, &err);
	close(directory);
	if (!good) {
		keep_failed(attempt, name, &err);
	}
	return good ? kept_path(attempt, name) : NULL;
}

static bool write_picture(
	const void *what, int directory, const char *name, struct vgt_err *err)
{
	char path[80];
	/* by the descriptor, so that no path leads elsewhere meanwhile */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", directory, name);
	return vgt_image_write_png(what, path, false, err);
}

/* NAME/frame-0010.KIND.png with this picture: its path, or NULL. Not the name of a golden: the
 * directory may be the suite's. */
static char *keep_picture(struct attempt *attempt, const struct vgt_image *image,
	uint64_t number, const char *kind)
{
	char name[48];

	snprintf(name, sizeof(name), "frame-%04" PRIu64 ".%s.png", number, kind);
	return keep(attempt, name, write_picture, image);
}

/* The frame that was shown; no more of them than there are reasons, for a trace may have any
 * number. */
static char *keep_actual(
	struct attempt *attempt, const struct vgt_image *image, uint64_t number)
{
	return attempt->kept++ <
			       (attempt->runner->update ? SUITE_FRAMES_MAX : SUITE_REASONS_MAX)
		       ? keep_picture(attempt, image, number, "actual")
		       : NULL;
}

/* The bytes of a file that is open already, from its beginning. */
static bool write_copy(const void *what, int directory, const char *name, struct vgt_err *err)
{
	const int from = *(const int *)what;
	char block[1 << 16];
	ssize_t got = 0;
	off_t at = 0;
	const int to = openat(
		directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	bool good = to >= 0;

	while (good && (got = pread(from, block, sizeof(block), at)) > 0) {
		good = write(to, block, (size_t)got) == got;
		at += got;
	}
	if (!good || got < 0) {
		vgt_err_system(err, errno, "cannot write");
	}
	if (to >= 0) {
		close(to);
	}
	return good && got == 0;
}

/* The golden beside it, as it is, for who gets the directory without the suite. */
static char *keep_golden(struct attempt *attempt, const struct suite_frame *frame)
{
	char name[48];
	struct stat status;
	const int fd = trace_store_open(frame->golden, &status, NULL);

	if (fd < 0 || status.st_size > GOLDEN_BYTES_MAX) {
		if (fd >= 0) {
			close(fd);
		}
		return NULL;
	}
	snprintf(name, sizeof(name), "frame-%04" PRIu64 ".golden.png", frame->number);
	char *path = keep(attempt, name, write_copy, &fd);
	close(fd);
	return path;
}

static void append_line(void *opaque, const char *line)
{
	fprintf(opaque, "%s\n", line);
}

static void keep_log(struct attempt *attempt)
{
	struct suite_result *result = attempt->result;
	struct stat status;
	size_t size = 0;

	if (fstat(attempt->log.fd, &status) != 0 || status.st_size == 0) {
		return;
	}
	FILE *to = open_memstream(&result->log_end, &size);
	if (to) {
		vgt_child_log_show_end(&attempt->log, append_line, to);
		fclose(to);
	}
	result->log = keep(attempt, SUITE_KEPT_LOG, write_copy, &attempt->log.fd);
}

static void clear_kept(struct attempt *attempt)
{
	struct vgt_err err;

	if (!suite_kept_clear(&attempt->runner->kept, attempt->test->name, &err)) {
		keep_failed(attempt, "", &err);
	}
}

/* The trace */

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	struct attempt *attempt = opaque;
	char part[16] = "";

	if (attempt->violations++ >= VIOLATIONS_MAX) {
		return;
	}
	if (violation->virgl_command != VGT_NO_VIRGL_COMMAND) {
		snprintf(part, sizeof(part), ".%" PRIu32, violation->virgl_command);
	}
	find(attempt, SUITE_FAIL, "@%" PRIu64 "%s: %s", violation->command, part,
		violation->message);
}

/* As `vgt verify` does it; false: there is no use in playing it. */
static bool verify_records(struct attempt *attempt, struct vgt_validator *validator)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next = VGT_READ_END;

	while (!interrupt_noted() &&
		(next = vgt_reader_next(attempt->reader, &record, &err)) == VGT_READ_RECORD) {
		vgt_validator_feed(validator, &record);
	}
	if (interrupt_noted()) {
		return false;
	}
	const enum vgt_reader_end end = vgt_reader_end(attempt->reader);
	if (next == VGT_READ_END && end == VGT_END_TAIL) {
		vgt_validator_end(validator);
	}
	if (attempt->violations > VIOLATIONS_MAX) {
		find(attempt, SUITE_FAIL, "%" PRIu64 " more violations: vgt verify %s",
			attempt->violations - VIOLATIONS_MAX, attempt->trace);
	}
	if (next == VGT_READ_ERROR) {
		find(attempt, verdict_of(&err), "%s", err.message);
		return false;
	}
	if (end != VGT_END_TAIL) {
		find(attempt, SUITE_FAIL,
			end == VGT_END_RECORDING
				? "is still being recorded"
				: "the end of the trace is missing (see `vgt help recover`)");
		return false;
	}
	return true;
}

static bool verify_trace(struct attempt *attempt)
{
	struct vgt_err err;
	bool good = false;

	attempt->reader = vgt_reader_open(attempt->trace, &err);
	if (!attempt->reader) {
		find(attempt, verdict_of(&err), "%s: %s", attempt->trace, err.message);
		return false;
	}
	struct vgt_validator *validator = vgt_validator_create(on_violation, attempt);
	if (validator) {
		good = verify_records(attempt, validator);
	} else {
		attempt->no_memory = true;
	}
	vgt_validator_destroy(validator);
	vgt_reader_close(attempt->reader);
	return good;
}

/* Whether it is there, and the one that the manifest means. */
static bool find_trace(struct attempt *attempt)
{
	const struct suite_test *test = attempt->test;
	struct vgt_err err;

	if (test->refused) {
		find(attempt, SUITE_ERROR, "%s", test->refused);
		return false;
	}
	attempt->trace = suite_trace_path(attempt->runner->suite, test, &err);
	if (!attempt->trace) {
		find(attempt, SUITE_ERROR, "%s", err.message);
		return false;
	}
	if (test->url && access(attempt->trace, F_OK) != 0) {
		attempt->result->not_fetched = true;
		find(attempt, SUITE_SKIP, "not fetched: --fetch brings it");
		return false;
	}
	if (trace_store_check(attempt->trace, test->sha256, test->bytes, &err)) {
		return true;
	}
	if (err.code != VGT_ERR_STOPPED) {
		find(attempt, verdict_of(&err), "%s%s: %s", attempt->trace,
			err.code == VGT_ERR_MALFORMED ? " has changed" : "", err.message);
	}
	return false;
}

/* Frames */

static void tell_difference(struct attempt *attempt, struct suite_frame *frame,
	const struct vgt_image *golden, const struct vgt_image *actual)
{
	char measured[TOLERANCE_TEXT], allowed[TOLERANCE_TEXT];

	if (frame->comparison.size_differs) {
		find(attempt, SUITE_FAIL,
			"frame %" PRIu64 " (@%" PRIu64 "): %" PRIu32 "x%" PRIu32
			" pixels, its golden has %" PRIu32 "x%" PRIu32,
			frame->number, frame->command, actual->width, actual->height,
			golden->width, golden->height);
		return;
	}
	comparison_describe(measured, &frame->comparison);
	tolerance_describe(allowed, &attempt->test->tolerance);
	find(attempt, SUITE_FAIL, "frame %" PRIu64 " (@%" PRIu64 "): %s; allowed: %s",
		frame->number, frame->command, measured, allowed);
	frame->measured = strdup(measured);
	frame->allowed = strdup(allowed);
}

static void note_bad(struct attempt *attempt, uint64_t number)
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
static bool compare_with_one(struct attempt *attempt, struct suite_frame *frame, char *path,
	struct vgt_image *golden, const struct vgt_image *actual)
{
	const struct vgt_tolerance *tolerance = &attempt->test->tolerance;
	struct vgt_comparison seen;
	struct vgt_image picture;
	struct stat status;
	struct vgt_err err;

	/* nothing is waited for, and nothing large read in vain */
	const int fd = trace_store_open(path, &status, &err);
	if (fd < 0 || !vgt_image_read_png_like(&picture, fd, actual, &err)) {
		find(attempt, verdict_of(&err), "%s: %s", path, err.message);
		free(path);
		return false;
	}
	if (!vgt_compare_images(&picture, actual, tolerance, &seen, &err)) {
		find(attempt, verdict_of(&err), "%s: %s", path, err.message);
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

/* Tells and keeps what is wrong with a picture. */
static void judge_picture(struct attempt *attempt, struct suite_frame *frame,
	const struct vgt_image *golden, const struct vgt_image *actual)
{
	const struct vgt_tolerance *tolerance = &attempt->test->tolerance;
	struct vgt_image difference;

	attempt->differences++;
	attempt->bad_pictures++;
	attempt->bad_goldens++;
	note_bad(attempt, frame->number);
	tell_difference(attempt, frame, golden, actual);
	frame->actual = keep_actual(attempt, actual, frame->number);
	if (!frame->actual) {
		return;
	}
	frame->golden_copy = keep_golden(attempt, frame);
	if (vgt_compare_draw(&difference, golden, actual, tolerance, NULL)) {
		frame->difference =
			keep_picture(attempt, &difference, frame->number, "difference");
	}
	vgt_image_finish(&difference);
}

/* Which of several pictures it is held against. */
static void note_choice(struct attempt *attempt, struct suite_frame *frame, size_t count)
{
	const char *name = strrchr(frame->golden, '/') + 1;

	if (count > 1 && asprintf(&frame->note, "%s %s of %zu approved pictures",
				 frame->same ? "like" : "nearest to", name, count) < 0) {
		frame->note = NULL;
		attempt->no_memory = true;
	}
}

/* NULL: no memory, or as many as fit. */
static struct suite_frame *add_frame(struct attempt *attempt, const struct player_event *event)
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

static void compare_with_golden(struct attempt *attempt, const struct player_event *event,
	const struct suite_golden *approved, const struct vgt_image *actual)
{
	struct suite_frame *frame = add_frame(attempt, event);
	struct vgt_image golden = {0};

	for (size_t i = 0; frame && i < approved->count && !frame->same; i++) {
		char *path = suite_picture_path(&attempt->goldens, &approved->pictures[i]);
		if (!path) {
			attempt->no_memory = true;
			break;
		}
		compare_with_one(attempt, frame, path, &golden, actual);
	}
	if (frame && frame->compared) {
		note_choice(attempt, frame, approved->count);
		if (!frame->same) {
			judge_picture(attempt, frame, &golden, actual);
		}
	} else if (frame) {
		frame->golden = suite_picture_path(&attempt->goldens, approved->pictures);
	}
	vgt_image_finish(&golden);
}

/* It is among the frames of the result only with its picture, so there are not too many. */
static void tell_golden_missing(struct attempt *attempt, const struct player_event *event,
	const struct vgt_image *actual)
{
	const uint64_t number = event->frame.number;
	char *kept = keep_actual(attempt, actual, number);
	struct suite_frame *frame = kept ? add_frame(attempt, event) : NULL;

	attempt->bad_goldens++;
	find(attempt, SUITE_FAIL, "frame %" PRIu64 " (@%" PRIu64 "): has no golden%s%s", number,
		event->command, kept ? "; it shows " : "", kept ? kept : "");
	if (frame) {
		frame->actual = kept;
	} else {
		free(kept);
	}
}

static bool is_asked(const struct attempt *attempt, uint64_t number)
{
	return attempt->asked && vgt_ranges_contain(&attempt->wanted, number);
}

/* The player has written a picture. It is removed, so that a long trace fills no disk. */
static void on_frame(struct attempt *attempt, const struct player_event *event)
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
		find(attempt, SUITE_ERROR, "%s: %s", path, err.message);
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

static void on_unshown(struct attempt *attempt, const struct player_event *event)
{
	struct suite_golden *golden = suite_goldens_for(&attempt->goldens, event->frame.number);

	if (golden) {
		golden->seen = true;
	}
	if (golden || is_asked(attempt, event->frame.number)) {
		attempt->differences++;
		note_bad(attempt, event->frame.number);
		find(attempt, SUITE_FAIL,
			"frame %" PRIu64 " (@%" PRIu64 "): has no picture: %s",
			event->frame.number, event->command, event->text);
	}
}

/* The play */

/* What this host's capset lacks, and where the guest asked for it. */
static void note_lack(struct attempt *attempt, const struct player_event *event)
{
	struct suite_result *result = attempt->result;
	char at[48] = "";
	char *lacks;

	if (event->command != PLAYER_NO_COMMAND) {
		snprintf(at, sizeof(at), "@%" PRIu64 ": ", event->command);
	}
	if (asprintf(&lacks, "%s%s%s\n", result->lacks ? result->lacks : "", at, event->text) <
		0) {
		attempt->no_memory = true;
		return;
	}
	if (!result->lacks) {
		snprintf(attempt->lack, sizeof(attempt->lack), "%s%s", at, event->text);
	}
	free(result->lacks);
	result->lacks = lacks;
	dprintf(attempt->log.fd, "this host's capset: %s\n", event->text);
}

static void on_event(void *opaque, const struct player_event *event)
{
	struct attempt *attempt = opaque;
	char at[48] = "";

	if (event->kind >= PLAYER_PROBLEM && event->command != PLAYER_NO_COMMAND) {
		const int length = snprintf(at, sizeof(at), "@%" PRIu64, event->command);
		if (event->virgl_command != PLAYER_NO_VIRGL_COMMAND) {
			snprintf(at + length, sizeof(at) - (size_t)length, ".%" PRIu32,
				event->virgl_command);
		}
		strcat(at, ": ");
	}
	switch (event->kind) {
	case PLAYER_RENDERER:
		free(attempt->result->renderer);
		attempt->result->renderer = *event->text ? strdup(event->text) : NULL;
		break;
	case PLAYER_FRAME:
		on_frame(attempt, event);
		break;
	case PLAYER_UNSHOWN:
		on_unshown(attempt, event);
		break;
	case PLAYER_PROBLEM:
		if (attempt->problems++ < PROBLEMS_MAX) {
			attempt->differences++;
			find(attempt, SUITE_FAIL, "%s%s", at, event->text);
		}
		break;
	case PLAYER_FAILED:
		snprintf(attempt->failed, sizeof(attempt->failed), "%s%s", at, event->text);
		break;
	case PLAYER_LACK:
		note_lack(attempt, event);
		break;
	case PLAYER_LOG:
	case PLAYER_NOTE:
		/* beside what the renderer itself prints there, so in one write */
		dprintf(attempt->log.fd, "%s%s\n", at, event->text);
		break;
	default:
		break;
	}
}

/* Goldens of frames that did not come. */
static void check_unseen(struct attempt *attempt, uint64_t frames)
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
			find(attempt, SUITE_FAIL,
				"frame %" PRIu64
				": has a golden, but is not among the manifest's frames %s",
				golden->number, test->frames);
		} else if (!golden->seen) {
			find(attempt, SUITE_FAIL,
				"frame %" PRIu64 ": is not in the trace, which has %" PRIu64
				" frames",
				golden->number, frames);
		}
	}
	if (last != VGT_ADDRESS_OPEN && last >= frames &&
		!suite_goldens_for(&attempt->goldens, last)) {
		find(attempt, SUITE_FAIL,
			"frame %" PRIu64 ": is not in the trace, which has %" PRIu64 " frames",
			last, frames);
	}
}

/*
 * What differs on a host that lacks what the recording's had need not be a fault, so it is not
 * held against the trace. All else is: a broken rule, a golden that is missing.
 */
static void excuse(struct attempt *attempt, const struct player_result *play)
{
	struct suite_result *result = attempt->result;
	char *reason;

	if (!play->lacks || result->verdict != SUITE_FAIL ||
		attempt->failures != attempt->differences) {
		return;
	}
	if (asprintf(&reason,
		    "differs, but of what the recording's host had this one lacks: %s",
		    attempt->lack) < 0) {
		attempt->no_memory = true;
		return;
	}
	result->verdict = SUITE_SKIP;
	suite_result_add_reason(result, reason, true);
}

static void judge_play(struct attempt *attempt, const struct player_result *play)
{
	switch (play->outcome) {
	case PLAYER_CRASHED:
		find(attempt, SUITE_CRASH, "%s", play->place);
		return;
	case PLAYER_HUNG:
		find(attempt, SUITE_HANG, "%s", play->place);
		return;
	case PLAYER_NOT_FOUND:
		find(attempt, SUITE_ERROR, "vgt-player cannot start%s%s",
			attempt->last_of_ours[0] ? ": " : "", attempt->last_of_ours);
		return;
	case PLAYER_GAVE_UP:
		find(attempt, play->status == VGT_EXIT_DIFFERENT ? SUITE_FAIL : SUITE_ERROR,
			"%s", attempt->failed);
		return;
	case PLAYER_ENDED:
		break;
	}
	if (attempt->problems > PROBLEMS_MAX) {
		attempt->differences++;
		find(attempt, SUITE_FAIL, "%" PRIu64 " more such: vgt replay --verify %s",
			attempt->problems - PROBLEMS_MAX, attempt->trace);
	}
	attempt->result->played = play->end.summary.frames;
	attempt->result->answers = play->end.summary.compared;
	check_unseen(attempt, play->end.summary.frames);
	excuse(attempt, play);
}

static void note_ours(void *opaque, const char *line)
{
	struct attempt *attempt = opaque;
	snprintf(attempt->last_of_ours, sizeof(attempt->last_of_ours), "%s",
		line + strlen("vgt: "));
}

static void play(struct attempt *attempt)
{
	const struct suite_runner *runner = attempt->runner;
	const bool pictures = attempt->frames != NULL;
	const struct player_run_options options = {
		.player = runner->player,
		.path = attempt->trace,
		.frames = attempt->frames,
		.rule = attempt->test->rule,
		.out = pictures ? runner->scratch : NULL,
		.no_pictures = !pictures,
		.verify = true,
		.drop_draws = runner->drop_draws,
		.timeout_ms = runner->timeout_ms,
		.output = attempt->log.fd,
		.event = on_event,
		.opaque = attempt,
	};
	struct player_run run;
	struct player_result result;
	struct vgt_err err;

	if (!player_run_start(&run, &options, &err)) {
		find(attempt, SUITE_ERROR, "%s", err.message);
		return;
	}
	while (!interrupt_noted() && player_run_wait(&run, 200)) {
		vgt_child_log_relay(&attempt->log, note_ours, attempt);
	}
	player_run_finish(&run, &result);
	vgt_child_log_relay(&attempt->log, note_ours, attempt);
	if (!interrupt_noted()) {
		judge_play(attempt, &result);
	}
}

/* Those that are asked for, and all that have goldens. */
static bool choose_frames(struct attempt *attempt)
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
		find(attempt, SUITE_ERROR, "too many frames with gaps between: %s,...",
			attempt->asked);
	}
	free(listed);
	return !attempt->no_memory && attempt->result->verdict == SUITE_PASS;
}

/* Which frames are to be seen. */
static bool prepare_frames(struct attempt *attempt)
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
		find(attempt, SUITE_ERROR, "%s", err.message);
		return false;
	}
	attempt->result->has_goldens = attempt->goldens.count > 0;
	return choose_frames(attempt);
}

static bool open_log(struct attempt *attempt)
{
	struct vgt_err err;

	if (asprintf(&attempt->log_path, "%s/log.txt", attempt->runner->scratch) < 0) {
		attempt->log_path = NULL;
		attempt->no_memory = true;
		return false;
	}
	if (!vgt_child_log_open(&attempt->log, attempt->log_path, &err)) {
		find(attempt, SUITE_ERROR, "%s", err.message);
		return false;
	}
	return true;
}

void suite_scratch_empty(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir))) {
		unlinkat(dirfd(dir), entry->d_name, 0); /* not . and .. */
	}
	if (dir) {
		closedir(dir);
	}
}

bool suite_run(
	struct suite_runner *runner, const struct suite_test *test, struct suite_result *result)
{
	struct attempt attempt = {
		.runner = runner, .test = test, .result = result, .log = {.fd = -1}};
	const uint64_t begin = clock_ms();

	attempt.no_memory = !suite_result_init(result, runner->suite, test);
	if (!attempt.no_memory && find_trace(&attempt) && prepare_frames(&attempt) &&
		open_log(&attempt)) {
		clear_kept(&attempt);
		if (verify_trace(&attempt)) {
			play(&attempt);
		}
		if (result->verdict != SUITE_PASS && !interrupt_noted()) {
			keep_log(&attempt);
		}
	}
	result->seconds = (double)(clock_ms() - begin) / 1000;
	result->other_failures = attempt.errors + attempt.failures - attempt.bad_goldens;
	result->only_frames_fail =
		attempt.failures > 0 && attempt.failures == attempt.bad_pictures;
	vgt_child_log_close(&attempt.log);
	suite_scratch_empty(runner->scratch);
	suite_goldens_finish(&attempt.goldens);
	free(attempt.log_path);
	free(attempt.frames);
	free(attempt.goldens_path);
	result->trace = attempt.trace;
	if (attempt.no_memory && !interrupt_noted()) {
		find(&attempt, SUITE_ERROR, "no memory");
	}
	return !interrupt_noted();
}

void suite_skip(struct suite_runner *runner, const struct suite_test *test, const char *reason,
	struct suite_result *result)
{
	struct attempt attempt = {.runner = runner, .test = test, .result = result};

	attempt.no_memory = !suite_result_init(result, runner->suite, test);
	if (!test->refused) {
		clear_kept(&attempt);
	}
	find(&attempt, SUITE_SKIP, "%s", reason);
	if (attempt.no_memory) {
		find(&attempt, SUITE_ERROR, "no memory");
	}
}
