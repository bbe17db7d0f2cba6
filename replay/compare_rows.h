/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPARE_ROWS_H
#define VGT_COMPARE_ROWS_H

#include "compare.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The stages of a comparison that need one row of each picture at a time, whether a whole
 * picture is in memory or a file is being decoded: all that struct vgt_comparison has but for
 * yiq, ssim and flip. Alpha counts like a colour.
 */

/* A part of a row, from pixel `begin` up to `end`. */
struct compare_span {
	uint32_t begin, end;
};

/*
 * The parts of row y that are not ignored, from left to right, none empty: the number of them.
 * `width` is that of the picture.
 */
size_t compare_spans(const struct vgt_tolerance *tolerance, uint32_t width, uint32_t y,
	struct compare_span spans[VGT_IGNORED_MAX + 1]);

/* Whether this pixel is. */
bool compare_is_ignored(const struct vgt_tolerance *tolerance, int64_t x, int64_t y);

/* What was found so far; private. */
struct compare_rows {
	const struct vgt_tolerance *tolerance;
	struct vgt_comparison *result;
	uint32_t width;
	unsigned threshold;
	uint64_t sum, colour_squares, alpha_squares;
	double unit; /* of the sums: 1, or 257 for samples of 16 bits */
};

/*
 * Begins with the result, in which it sets all. `sample_bits`: 8, or 16 in the processor's
 * order, of all rows. Both pointers must live until the end.
 */
void compare_rows_begin(struct compare_rows *rows, const struct vgt_tolerance *tolerance,
	uint32_t width, unsigned sample_bits, struct vgt_comparison *result);

/* Adds row y of both, RGBA; rows come from the top. */
void compare_rows_add(struct compare_rows *rows, const void *a, const void *b, uint32_t y);

/* Whether anything was compared of that many rows; false: all is ignored, VGT_ERR_USAGE. */
bool compare_rows_compared(
	const struct compare_rows *rows, uint32_t height, struct vgt_err *err);

/* Completes the result, but for the value of a metric that needs whole pictures. */
void compare_rows_end(struct compare_rows *rows);

/* Widens the area by the pixels from `begin` up to `end` of row y, which is not above it. */
void compare_include(struct vgt_area *area, uint32_t begin, uint32_t end, uint32_t y);

#endif
