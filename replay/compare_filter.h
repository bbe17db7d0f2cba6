/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPARE_FILTER_H
#define VGT_COMPARE_FILTER_H

#include "compare.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Separable filters over a picture of which only the rows around the current one are in memory,
 * as 32-bit floats: each row is filtered along itself once, when it comes near, and then its
 * neighbours are summed for each row that they are around.
 */

#define FILTER_RADIUS_MAX 160 /* of flip at VGT_PPD_MAX pixels per degree: 136 */

/* Weights of the pixels -radius to radius, the centre at weights[radius]. */
struct filter {
	size_t radius;
	float weights[2 * FILTER_RADIUS_MAX + 1];
};

/* The weights from -radius to radius, without the outer ones that are nothing beside the
 * largest: these are left out. `radius` is at most FILTER_RADIUS_MAX. */
struct filter filter_of(const double *weights, size_t radius);

/* out[x] = the sum of weights[i] * rows[i][x], for x < width rounded up to FILTER_STEP. */
#define FILTER_STEP 32
void filter_sum(
	float *out, const float *const *rows, const float *weights, size_t count, size_t width);

/* Of the rows of `lanes` quantities those around the current one. */
struct filter_window {
	size_t radius;
	size_t pitch;  /* floats from one row to the next: the width up to FILTER_STEP */
	float *floats; /* one allocation for all */
	int64_t *row;  /* which one is in each place; -1 - radius: none yet */
	float *line;   /* a row with `radius` more at both ends, for its filling */
};

/* False without memory; filter_window_finish() in any case. */
bool filter_window_init(
	struct filter_window *window, uint32_t width, size_t radius, size_t lanes);
void filter_window_finish(struct filter_window *window);

/* Where a lane's part of row y is kept; may be before the first and behind the last row. */
float *filter_window_row(const struct filter_window *window, size_t lane, int64_t y);

/* Whether that place holds another row yet; from then on it is taken for this row. */
bool filter_window_lacks(struct filter_window *window, int64_t y);

/* Filters `line` along itself into the row of a lane. */
void filter_window_along(struct filter_window *window, const struct filter *filter, size_t lane,
	int64_t y, uint32_t width);

/* Filters the rows of a lane around y into `out`, across them. */
void filter_window_across(const struct filter_window *window, const struct filter *filter,
	size_t lane, int64_t y, float *out, uint32_t width);

/*
 * Calls work(context, first, end) for parts of the rows 0 to height - 1, in threads where the
 * picture is large enough to pay. False where one of them was; the others are waited for.
 */
bool filter_in_bands(uint32_t width, uint32_t height,
	bool (*work)(void *context, uint32_t first, uint32_t end), void *context);

/* Row y as opaque RGB over white, three bytes each; what is ignored is taken from `shown`,
 * which may be the picture itself. */
void filter_source_row(const struct vgt_image *image, const struct vgt_image *shown,
	const struct vgt_tolerance *tolerance, uint32_t y, uint8_t *rgb);

/* Whether row y of both is the same but for what is ignored. */
bool filter_same_row(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, uint32_t y);

/* The sum of a row's values over the pixels that are compared. */
double filter_sum_row(
	const struct vgt_tolerance *tolerance, uint32_t width, uint32_t y, const float *values);

#endif
