/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_SESSION_H
#define VGT_SUITE_SESSION_H

#include "suite.h"
#include "suite_outputs.h"
#include "suite_report.h"
#include "suite_select.h"
#include "suite_update.h"

#include <stdbool.h>
#include <stdint.h>

/* What `vgt test` is asked to do. */
struct suite_request {
	const char *path; /* of the suite, as the user has it */
	struct suite_selection selection;
	struct suite_outputs outputs;
	struct suite_report report;
	unsigned jobs; /* tests at a time */
	uint64_t timeout_ms;
	bool fetch, no_skip, drop_draws;
	struct suite_update *update; /* NULL: nothing is approved */
};

/* Runs the tests, reports, writes; an exit status. Where a signal has come meanwhile it does
 * not return: what was done is told, and vgt ends by that signal. */
int suite_session(const struct suite_request *request, const struct suite *suite,
	const struct suite_selected *selected);

#endif
