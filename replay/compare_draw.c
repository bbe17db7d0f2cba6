/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include "compare_magma.h"
#include "compare_metrics.h"
#include "compare_rows.h"

#include <errno.h>
#include <stdlib.h>

#define CHANNELS 4

static unsigned lit(unsigned differs)
{
	const unsigned value = 127 + 8 * differs;

	return value > 255 ? 255 : value;
}

static uint8_t difference(uint8_t a, uint8_t b)
{
	return (uint8_t)(a > b ? a - b : b - a);
}

/* Luma of ITU-R BT.601, a quarter of it. */
static uint8_t dark_grey(const uint8_t *pixel)
{
	return (uint8_t)((77u * pixel[0] + 150u * pixel[1] + 29u * pixel[2]) >> 10);
}

static void draw_beyond(uint8_t *out, const uint8_t *a, const uint8_t *b)
{
	const uint8_t alpha = difference(a[VGT_CHANNEL_ALPHA], b[VGT_CHANNEL_ALPHA]);

	for (int channel = 0; channel < VGT_CHANNEL_ALPHA; channel++) {
		const uint8_t colour = difference(a[channel], b[channel]);
		const uint8_t strongest = colour > alpha ? colour : alpha;
		out[channel] = (uint8_t)(strongest ? lit(strongest) : 0);
	}
}

static void draw_pixel(uint8_t *out, const uint8_t *a, const uint8_t *b, enum compare_mark mark)
{
	out[VGT_CHANNEL_ALPHA] = 255;
	switch (mark) {
	case COMPARE_MARK_BEYOND:
		draw_beyond(out, a, b);
		break;
	case COMPARE_MARK_ANTIALIASED:
		out[0] = out[1] = 96;
		out[2] = 0;
		break;
	case COMPARE_MARK_NONE:
		out[0] = out[1] = out[2] = dark_grey(a);
		break;
	}
}

static void draw_ignored(uint8_t *out, const uint8_t *a)
{
	out[0] = out[1] = dark_grey(a);
	out[2] = 96;
	out[VGT_CHANNEL_ALPHA] = 255;
}

/* A sample of 16 bits may differ where the rounded ones do not: it is lit as if by 1. */
static bool is_beyond(
	const struct vgt_image *a, const struct vgt_image *b, size_t pixel, unsigned threshold)
{
	for (size_t i = pixel * CHANNELS; i < (pixel + 1) * CHANNELS; i++) {
		const int sample_a = a->rgba16 ? a->rgba16[i] : a->rgba[i] * 257;
		const int sample_b = b->rgba16 ? b->rgba16[i] : b->rgba[i] * 257;
		if (abs(sample_a - sample_b) > (int)threshold * 257) {
			return true;
		}
	}
	return false;
}

static void mark_differences(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, uint8_t *marks)
{
	const unsigned threshold =
		tolerance->metric == VGT_METRIC_DIFFERENCE ? tolerance->threshold : 0;
	const size_t pixels = (size_t)a->width * a->height;

	for (size_t pixel = 0; pixel < pixels; pixel++) {
		marks[pixel] = is_beyond(a, b, pixel, threshold) ? COMPARE_MARK_BEYOND
								 : COMPARE_MARK_NONE;
	}
}

/* What is not ignored by its mark, and the rest as ignored. */
static void draw_row(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, const struct vgt_tolerance *tolerance, uint32_t y,
	const uint8_t *marks)
{
	struct compare_span spans[VGT_IGNORED_MAX + 1];
	const size_t count = compare_spans(tolerance, a->width, y, spans);
	const size_t row = (size_t)y * a->width;

	if (tolerance->ignored_count > 0) {
		for (size_t pixel = row; pixel < row + a->width; pixel++) {
			draw_ignored(
				image->rgba + pixel * CHANNELS, a->rgba + pixel * CHANNELS);
		}
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t pixel = row + spans[i].begin; pixel < row + spans[i].end; pixel++) {
			draw_pixel(image->rgba + pixel * CHANNELS, a->rgba + pixel * CHANNELS,
				b->rgba + pixel * CHANNELS, (enum compare_mark)marks[pixel]);
		}
	}
}

static bool draw_marked(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, const struct vgt_tolerance *tolerance, struct vgt_err *err)
{
	uint8_t *marks = calloc(a->height, a->width);

	if (!marks) {
		return vgt_err_system(err, errno, "cannot draw the difference");
	}
	if (tolerance->metric == VGT_METRIC_YIQ) {
		struct vgt_comparison ignored = {0};
		compare_yiq(a, b, tolerance, &ignored, marks);
	} else {
		mark_differences(a, b, tolerance, marks);
	}
	for (uint32_t y = 0; y < a->height; y++) {
		draw_row(image, a, b, tolerance, y, marks);
	}
	free(marks);
	return true;
}

static void draw_error(uint8_t *out, float error)
{
	const uint32_t colour = compare_magma[(unsigned)(error * 255 + 0.5f)];

	out[0] = (uint8_t)(colour >> 16);
	out[1] = (uint8_t)(colour >> 8);
	out[2] = (uint8_t)colour;
	out[VGT_CHANNEL_ALPHA] = 255;
}

static bool draw_errors(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, const struct vgt_tolerance *tolerance, struct vgt_err *err)
{
	const size_t pixels = (size_t)a->width * a->height;
	struct vgt_comparison ignored = {0};
	float *map = malloc(pixels * sizeof(*map));

	if (!map) {
		return vgt_err_system(err, errno, "cannot draw the difference");
	}
	const bool good = compare_flip(a, b, tolerance, &ignored, map, err);
	for (size_t i = 0; i < pixels && good; i++) {
		draw_error(image->rgba + i * CHANNELS, map[i]);
	}
	free(map);
	return good;
}

static bool draw(struct vgt_image *image, const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_err *err)
{
	if (tolerance->metric == VGT_METRIC_FLIP) {
		return draw_errors(image, a, b, tolerance, err);
	}
	return draw_marked(image, a, b, tolerance, err);
}

bool vgt_compare_draw(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, const struct vgt_tolerance *tolerance, struct vgt_err *err)
{
	*image = (struct vgt_image){0};
	if (a->width != b->width || a->height != b->height || a->width == 0 || a->height == 0) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"no picture of the difference between %ux%u and %ux%u pixels", a->width,
			a->height, b->width, b->height);
	}
	image->rgba = malloc((size_t)a->width * a->height * CHANNELS);
	if (!image->rgba) {
		return vgt_err_system(err, errno, "cannot draw the difference");
	}
	image->width = a->width;
	image->height = a->height;
	if (!draw(image, a, b, tolerance, err)) {
		vgt_image_finish(image);
		return false;
	}
	return true;
}
