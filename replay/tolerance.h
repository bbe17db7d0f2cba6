/* SPDX-License-Identifier: MIT */
#ifndef VGT_TOLERANCE_H
#define VGT_TOLERANCE_H

#include "compare.h"

#include <stdbool.h>

/* The words of --max-pixels and of a suite's manifest: "12" pixels, or "0.5%" of them. */

/*
 * Sets one of the two limits on pixels, and the other to zero. From 0% to 100% with at most 4
 * decimals; the locale does not matter. False: `text` is something else, the tolerance is
 * untouched.
 */
bool tolerance_parse_max_pixels(struct vgt_tolerance *tolerance, const char *text);

#endif
