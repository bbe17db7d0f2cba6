/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_INFORMATION_H
#define VGT_SUITE_INFORMATION_H

#include "suite.h"
#include "suite_results.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * What a run's results say of the suite, at `path` for people, and of this machine: processor,
 * kernel, date, and the variables of the environment that change how Mesa draws. The name of
 * the host and of the user are left out, for results are shown to others. The renderer is the
 * caller's to add.
 */
bool suite_information_gather(struct suite_information *run, const struct suite *suite,
	const char *path, struct vgt_err *err);

/*
 * Which suite it is, wherever it lies: SHA-256 over the names of its tests, their traces'
 * hashes and frames; what else a manifest says does not matter. The caller frees it; NULL: no
 * memory.
 */
char *suite_digest(const struct suite *suite);

#endif
