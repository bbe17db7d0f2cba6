/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_OUTPUTS_H
#define VGT_SUITE_OUTPUTS_H

#include "suite_results.h"

#include <stdbool.h>
#include <stddef.h>

/* The files that `vgt test` writes of its results. What goes wrong is told on stderr. */
struct suite_outputs {
	const char *out;   /* directory, which gets SUITE_RESULTS_FILE */
	const char *junit; /* file */
	const char *html;  /* file; each may be NULL */
};

#define SUITE_RESULTS_FILE "results.jsonl"

/*
 * Before the tests are run: makes the directory and all above, and tries what would fail too
 * late otherwise. The results of an earlier run in the directory are removed.
 */
bool suite_outputs_check(const struct suite_outputs *outputs);

/* All that can be written; false: not all of it. */
bool suite_outputs_write(
	const struct suite_outputs *outputs, const struct suite_results *results);

/* The exit status of `vgt test`, an enum vgt_exit; says so where nothing was run. */
int suite_outputs_status(const struct suite_results *results);

#endif
