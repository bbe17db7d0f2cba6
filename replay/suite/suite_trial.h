/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_TRIAL_H
#define VGT_SUITE_TRIAL_H

#include "suite_run.h"

#include <stdbool.h>

/*
 * Runs one test as often as the manifest's "expect" has it run on this renderer, and holds what
 * came of it against that: SUITE_KNOWN, SUITE_FIXED, SUITE_FLAKY, or what it is. False as
 * suite_run(): interrupted; the result is to be finished in any case.
 */
bool suite_trial(struct suite_runner *runner, const struct suite_test *test,
	struct suite_result *result);

#endif
