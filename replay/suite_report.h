/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_REPORT_H
#define VGT_SUITE_REPORT_H

#include "suite_run.h"

#include <stdbool.h>
#include <stddef.h>

/* What `vgt test` says: a line and more for each test on stdout, as text or as JSON, and
 * the summary on stderr. */
struct suite_report {
	const char *suite; /* its path */
	bool json;
	bool quiet;       /* only what did not pass */
	bool name_absent; /* text names the traces that are not fetched, too */
	bool colours;
	size_t total;
	/* private: */
	size_t counts[SUITE_VERDICTS], not_fetched;
	double seconds;
};

void suite_report_result(struct suite_report *report, const struct suite_test *test,
	const struct suite_result *result);
void suite_report_summary(const struct suite_report *report, bool interrupted);

#endif
