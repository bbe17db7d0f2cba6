/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_GOLDENS_H
#define VGT_SUITE_GOLDENS_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The goldens of one test: which frames have one. */

struct suite_golden {
	uint64_t number;
	bool seen; /* for the user of the list */
};

struct suite_goldens {
	struct suite_golden *list; /* by number */
	size_t count;
};

/*
 * Lists the frame-NNNN.png in a directory; one that is not there has none. False: it cannot be
 * read, or holds more than `max`, or a name that is meant to be one and is not: "frame-7.png"
 * for "frame-0007.png". Nothing is held then.
 */
bool suite_goldens_list(
	struct suite_goldens *goldens, const char *directory, size_t max, struct vgt_err *err);
void suite_goldens_finish(struct suite_goldens *goldens);

/* NULL where the frame has none. */
struct suite_golden *suite_goldens_find(const struct suite_goldens *goldens, uint64_t number);

/* RANGES of vgt_ranges_parse() with all of them, and with others only where these would be too
 * many ranges. The caller frees it; NULL: no memory. There must be one at least. */
char *suite_goldens_ranges(const struct suite_goldens *goldens);

#endif
