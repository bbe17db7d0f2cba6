/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPARE_METRICS_H
#define VGT_COMPARE_METRICS_H

#include "compare.h"

/*
 * The metrics that look at more than one pixel at a time, for vgt_compare_images() and
 * vgt_compare_draw(). Both pictures have the same size and pixels, of 8 bits; `result` is what
 * compare_rows_end() left, and they set in it what is theirs.
 */

enum compare_mark {
	COMPARE_MARK_NONE,
	COMPARE_MARK_BEYOND,
	COMPARE_MARK_ANTIALIASED,
};

/*
 * Sets pixels_beyond, pixels_antialiased, beyond and value as pixelmatch 7.2 counts them, to
 * the pixel. `marks`, unless NULL, gets an enum compare_mark for each pixel that is compared
 * and beyond; the others are left as they are. What is ignored counts as equal for its
 * neighbours.
 */
void compare_yiq(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result, uint8_t *marks);

/*
 * The same row by row, for pictures of which only the rows around the current one are in
 * memory: as many as COMPARE_YIQ_AROUND above and below, as far as there are any. Of each,
 * RGBA of 8 bits, row y is at y modulo `places`, a power of two.
 */
#define COMPARE_YIQ_AROUND 2
#define COMPARE_YIQ_PLACES 8

struct compare_yiq {
	const uint8_t *a, *b;
	uint32_t width, height;
	uint32_t places; /* or 0: all rows are there */
	const struct vgt_tolerance *tolerance;
	struct vgt_comparison *result;
	uint8_t *marks;
};

/* Adds row y to the result's counts and to `beyond`; rows come from the top. */
void compare_yiq_row(const struct compare_yiq *yiq, uint32_t y);

/*
 * Sets value: the mean over all pixels compared. Of the lumas of ITU-R BT.601 over white, with
 * a Gaussian window of 11x11 pixels and deviation 1.5, K1 = 0.01, K2 = 0.03, L = 255; at the
 * border the picture is mirrored. What is ignored counts as equal for its neighbours.
 */
bool compare_ssim(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result,
	struct vgt_err *err);

/*
 * Sets value: the mean over all pixels compared. `map`, unless NULL, gets the error of each
 * pixel, 0 to 1. What is ignored counts as equal for its neighbours.
 */
bool compare_flip(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result, float *map,
	struct vgt_err *err);

#endif
