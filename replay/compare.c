/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include "compare_metrics.h"
#include "compare_rows.h"

#include <errno.h>
#include <stdlib.h>

#define CHANNELS 4

/* Row y as samples of 16 bits; into `room`, where the picture has 8. */
static const uint16_t *deep_row(const struct vgt_image *image, uint32_t y, uint16_t *room)
{
	const size_t samples = (size_t)image->width * CHANNELS;

	if (image->rgba16) {
		return image->rgba16 + y * samples;
	}
	for (size_t i = 0; i < samples; i++) {
		room[i] = (uint16_t)(image->rgba[y * samples + i] * 257);
	}
	return room;
}

static bool compare_deep(const struct vgt_image *a, const struct vgt_image *b,
	struct compare_rows *rows, struct vgt_err *err)
{
	/* one room: at least one of the pictures needs none */
	uint16_t *room = malloc((size_t)a->width * CHANNELS * sizeof(*room));

	if (!room) {
		return vgt_err_system(err, errno, "cannot compare");
	}
	for (uint32_t y = 0; y < a->height; y++) {
		compare_rows_add(rows, deep_row(a, y, room), deep_row(b, y, room), y);
	}
	free(room);
	return true;
}

static bool compare_all_rows(const struct vgt_image *a, const struct vgt_image *b,
	struct compare_rows *rows, struct vgt_err *err)
{
	const size_t pitch = (size_t)a->width * CHANNELS;

	if (a->rgba16 || b->rgba16) {
		return compare_deep(a, b, rows, err);
	}
	for (uint32_t y = 0; y < a->height; y++) {
		compare_rows_add(rows, a->rgba + y * pitch, b->rgba + y * pitch, y);
	}
	return true;
}

/* The metrics that need more than a row. */
static bool measure_whole(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result,
	struct vgt_err *err)
{
	switch (tolerance->metric) {
	case VGT_METRIC_YIQ:
		compare_yiq(a, b, tolerance, result, NULL);
		return true;
	case VGT_METRIC_SSIM:
		return compare_ssim(a, b, tolerance, result, err);
	case VGT_METRIC_FLIP:
		return compare_flip(a, b, tolerance, result, NULL, err);
	default:
		return true;
	}
}

static bool compare_pixels(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result,
	struct vgt_err *err)
{
	const bool deep = a->rgba16 || b->rgba16;
	struct compare_rows rows;

	compare_rows_begin(&rows, tolerance, a->width, deep ? 16 : 8, result);
	if (!compare_all_rows(a, b, &rows, err) ||
		!compare_rows_compared(&rows, a->height, err)) {
		return false;
	}
	compare_rows_end(&rows);
	return measure_whole(a, b, tolerance, result, err);
}

bool vgt_compare_images(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result,
	struct vgt_err *err)
{
	const struct vgt_comparison nothing = {
		.metric = tolerance->metric, .size_differs = true};

	*result = nothing;
	if (a->width != b->width || a->height != b->height) {
		return true;
	}
	const bool good = compare_pixels(a, b, tolerance, result, err);
	if (!good) {
		*result = nothing;
	}
	return good;
}

bool vgt_comparison_within(
	const struct vgt_comparison *result, const struct vgt_tolerance *tolerance)
{
	if (result->size_differs) {
		return false;
	}
	switch (tolerance->metric) {
	case VGT_METRIC_EXACT:
		return result->identical;
	case VGT_METRIC_MEAN:
	case VGT_METRIC_FLIP:
		return result->value <= tolerance->limit;
	case VGT_METRIC_PSNR:
	case VGT_METRIC_SSIM:
		return result->value >= tolerance->limit;
	case VGT_METRIC_DIFFERENCE:
	case VGT_METRIC_YIQ:
		break;
	}
	return result->pixels_beyond <= tolerance->max_pixels ||
	       result->pixels_beyond * 1000000 <= result->pixels * tolerance->max_millionth;
}
