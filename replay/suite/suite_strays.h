/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_STRAYS_H
#define VGT_SUITE_STRAYS_H

#include "suite.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * Goldens that nothing is held against, for the name of their directory is wrong: without them
 * a test would pass that has none left. These are directories with goldens in the suite's
 * directory that have the name of no trace, and in a test's directory that have the name of no
 * renderer.
 */

/* False: there is one, and *err has its path; or the suite's directory cannot be read. A
 * manifest that is not DIR/manifest.json need not know all that is in DIR, so there only its
 * tests' directories count. */
bool suite_strays_check(const struct suite *suite, struct vgt_err *err);

#endif
