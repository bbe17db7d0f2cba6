/* SPDX-License-Identifier: MIT */
#ifndef VGT_ADDRESS_H
#define VGT_ADDRESS_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frame addresses as every tool prints and accepts them: `12`, `10-20`, `10-`, `10-20,30`. */

#define VGT_RANGES_MAX 64

struct vgt_ranges {
	struct {
		uint64_t first, last; /* inclusive; UINT64_MAX: to the end */
	} range[VGT_RANGES_MAX];
	size_t count;
};

/* False with VGT_ERR_USAGE: not of the grammar, backwards, or more than VGT_RANGES_MAX parts.
 */
bool vgt_ranges_parse(struct vgt_ranges *ranges, const char *text, struct vgt_err *err);

bool vgt_ranges_contain(const struct vgt_ranges *ranges, uint64_t number);

/* The largest number in any range; UINT64_MAX where one is open. */
uint64_t vgt_ranges_last(const struct vgt_ranges *ranges);

#endif
