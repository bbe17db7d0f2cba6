/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_REPORT_H
#define VGT_SUITE_REPORT_H

#include "suite_results.h"

#include <stdbool.h>
#include <stddef.h>

/* What `vgt test` says: a line and more for each test on stdout, as text or as JSON, and
 * the summary on stderr. */
struct suite_report {
	bool json;
	bool quiet;       /* only what did not pass */
	bool name_absent; /* text names the traces that are not fetched, too */
	bool colours;
	bool updates; /* goldens that are missing are to be made, which is no failure */
};

/* JSON only: where the tests are run, or were. */
void suite_report_runs(const struct suite_report *report, const struct suite_results *results);
void suite_report_result(const struct suite_report *report, const struct suite_result *result);
void suite_report_summary(
	const struct suite_report *report, const struct suite_results *results);

#endif
