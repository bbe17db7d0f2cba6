/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_ATTEMPT_H
#define VGT_SUITE_ATTEMPT_H

#include "child_log.h"
#include "player_protocol.h"
#include "png_image.h"
#include "suite_goldens.h"
#include "suite_run.h"
#include "vgt_address.h"
#include "vgt_err.h"
#include "vgt_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One run of a test, for suite_run.c and what it is made of. */

struct suite_attempt {
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
		differences,  /* reasons to fail; those that what a host lacks excuses */
		bad_pictures, /* thereof pictures that are not as their golden */
		bad_goldens;  /* reasons to fail that other goldens take away */
	char lack[sizeof(((struct player_event *)0)->text) +
		  24]; /* the first, with its address */
	bool no_memory;
};

/*
 * One more reason. The gravest verdict stands; a crash or a hang is the first reason, for what
 * else went wrong then may come of it.
 */
__attribute__((format(printf, 3, 4))) void suite_attempt_find(
	struct suite_attempt *attempt, enum suite_verdict verdict, const char *format, ...);

/* What a trace that cannot be read comes to, as vgt_cmd_bad_trace() has it. */
enum suite_verdict suite_attempt_verdict(const struct vgt_err *err);

/*
 * Keeping what failed, in the test's directory. These return the path for people, to be freed,
 * or NULL: nothing is kept, which is a reason where it is not as it should be.
 *
 * NAME/frame-0010.KIND.png with this picture. Not the name of a golden: the directory may be
 * the suite's.
 */
char *suite_attempt_keep_picture(struct suite_attempt *attempt, const struct vgt_image *image,
	uint64_t number, const char *kind);
/* The frame that was shown; no more of them than there are reasons, for a trace may have any
 * number. */
char *suite_attempt_keep_actual(
	struct suite_attempt *attempt, const struct vgt_image *image, uint64_t number);
/* The golden beside it, as it is, for who gets the directory without the suite. */
char *suite_attempt_keep_golden(struct suite_attempt *attempt, const struct suite_frame *frame);
/* What the renderer printed; its end goes into the result. */
void suite_attempt_keep_log(struct suite_attempt *attempt);
/* What an earlier run has kept. */
void suite_attempt_clear_kept(struct suite_attempt *attempt);

/* Frames and their goldens (suite_frames.c) */

/* Which frames are to be seen; false: a reason says why it cannot be known. */
bool suite_frames_prepare(struct suite_attempt *attempt);
/* The player has written a picture: it is compared, and removed, so that a long trace fills no
 * disk. */
void suite_frames_shown(struct suite_attempt *attempt, const struct player_event *event);
/* A frame without picture. */
void suite_frames_unshown(struct suite_attempt *attempt, const struct player_event *event);
/* The trace has ended after so many frames: goldens of others. */
void suite_frames_end(struct suite_attempt *attempt, uint64_t frames);

#endif
