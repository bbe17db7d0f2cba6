/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_RUN_H
#define VGT_SUITE_RUN_H

#include "compare.h"
#include "suite.h"
#include "suite_kept.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Runs one test of a suite: the trace is the one of the manifest, whole, and keeps the rules of
 * the protocol; its play, in a process of its own, gets the recorded answers and shows the
 * goldens. What fails is kept in a directory for people to look at.
 */

/* The gravest stands: what could be found although something could not be read, is found. */
enum suite_verdict {
	SUITE_PASS,
	SUITE_SKIP,  /* not fetched; or it differs, on a host that lacks what it may need */
	SUITE_ERROR, /* it could not be run, or not all of it */
	SUITE_FAIL,  /* the trace is wrong, answers or frames differ */
	SUITE_CRASH, /* the renderer crashed or hung; the first reason says where */
	SUITE_HANG,
	SUITE_VERDICTS,
};

/* "pass", "fail", "crash", "hang", "skip" or "error". */
const char *suite_verdict_name(enum suite_verdict verdict);

/* A frame that was shown and has a golden. */
struct suite_frame {
	uint64_t number, command; /* and the address where it was shown */
	bool compared; /* else a reason says what is wrong with one of the pictures */
	bool same;     /* within the tolerance */
	struct vgt_comparison comparison;
	char *golden;              /* path */
	char *actual, *difference; /* paths of what was kept, or NULL */
};

#define SUITE_REASONS_MAX 20   /* kept for each test */
#define SUITE_FRAMES_MAX  4096 /* goldens of one test */

struct suite_result {
	enum suite_verdict verdict;
	bool not_fetched; /* why it is skipped */
	char *reasons[SUITE_REASONS_MAX];
	size_t reason_count;
	uint64_t more_reasons; /* that were not kept */
	struct suite_frame *frames;
	size_t frame_count;
	bool has_goldens;         /* else it was played and checked only */
	uint64_t played, answers; /* frames that were played, answers compared */
	double seconds;
	char *trace; /* its path, NULL where there is none */
	bool has_bad_frame;
	uint64_t bad_frame; /* the first that differs */
	char *renderer;     /* GL renderer of this host, NULL where it is not known */
	char *log;     /* path of what was kept, NULL where nothing was printed, or it passed */
	char *log_end; /* the last lines of that, NULL where there are none */
};

struct suite_runner {
	const struct suite *suite;
	const char *player;     /* the program, of companion_find("vgt-player") */
	const char *scratch;    /* a directory of the runner's own */
	struct suite_kept kept; /* what failed */
	uint64_t timeout_ms;
	bool drop_draws;
	const char *shown; /* what is run, for the line of progress.h */
	bool out_failed;   /* something could not be kept; a reason of the result says so */
};

/* False: a signal was noted before its end (interrupt.h); the result is to be finished in any
 * case. */
bool suite_run(struct suite_runner *runner, const struct suite_test *test,
	struct suite_result *result);

void suite_result_finish(struct suite_result *result);

#endif
