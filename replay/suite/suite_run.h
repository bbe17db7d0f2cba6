/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_RUN_H
#define VGT_SUITE_RUN_H

#include "suite.h"
#include "suite_kept.h"
#include "suite_renderer.h"
#include "suite_result.h"
#include "suite_update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Runs one test of a suite: the trace is the one of the manifest, whole, and keeps the rules of
 * the protocol; its play, in a process of its own, gets the recorded answers and shows the
 * goldens. What fails is kept in a directory for people to look at.
 */

struct suite_runner {
	const struct suite *suite;
	const struct suite_renderer *renderer; /* of this host */
	const char *player;     /* the program, of companion_find("vgt-player") */
	const char *scratch;    /* a directory of the runner's own, empty */
	struct suite_kept kept; /* what failed */
	uint64_t timeout_ms;
	bool drop_draws;
	const struct suite_update *update; /* whose pictures are to be approved; or NULL */
};

/* What a result has of the suite, to stand without it; false: no memory for all of it. */
bool suite_result_init(
	struct suite_result *result, const struct suite *suite, const struct suite_test *test);

/* False: a signal was noted before its end (interrupt.h); the result is to be finished in any
 * case. */
bool suite_run(struct suite_runner *runner, const struct suite_test *test,
	struct suite_result *result);

/* A player that was killed may leave a picture there. */
void suite_scratch_empty(const char *scratch);

/* The result of a test that is not run. */
void suite_skip(struct suite_runner *runner, const struct suite_test *test, const char *reason,
	struct suite_result *result);

#endif
