/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 4

const char *vgt_channel_name(enum vgt_channel channel)
{
	static const char *const names[CHANNELS] = {"red", "green", "blue", "alpha"};

	return (unsigned)channel < CHANNELS ? names[channel] : "unknown";
}

static uint8_t difference(uint8_t a, uint8_t b)
{
	return (uint8_t)(a > b ? a - b : b - a);
}

static uint8_t pixel_difference(const uint8_t *a, const uint8_t *b)
{
	uint8_t largest = 0;

	for (int channel = 0; channel < CHANNELS; channel++) {
		const uint8_t here = difference(a[channel], b[channel]);
		largest = here > largest ? here : largest;
	}
	return largest;
}

/* The loops below are kept free of branches, so that the compiler can vectorise them. */

static uint64_t row_sum(const uint8_t *a, const uint8_t *b, size_t samples)
{
	uint32_t sum = 0; /* 65536 samples of a row by 255 fit */

	for (size_t i = 0; i < samples; i++) {
		sum += difference(a[i], b[i]);
	}
	return sum;
}

static uint8_t row_largest(const uint8_t *a, const uint8_t *b, size_t samples)
{
	uint8_t largest = 0;

	for (size_t i = 0; i < samples; i++) {
		const uint8_t here = difference(a[i], b[i]);
		largest = here > largest ? here : largest;
	}
	return largest;
}

static uint32_t row_beyond(
	const uint8_t *a, const uint8_t *b, uint32_t width, uint8_t threshold)
{
	uint32_t count = 0;

	for (size_t x = 0; x < width; x++) {
		count += pixel_difference(a + CHANNELS * x, b + CHANNELS * x) > threshold;
	}
	return count;
}

/* Notes the first sample of row y that differs by as much as `wanted`, which it contains. */
static void note_largest(struct vgt_sample_difference *largest, const uint8_t *a,
	const uint8_t *b, uint32_t y, uint8_t wanted)
{
	size_t i = 0;

	while (difference(a[i], b[i]) != wanted) {
		i++;
	}
	*largest = (struct vgt_sample_difference){
		.difference = wanted,
		.x = (uint32_t)(i / CHANNELS),
		.y = y,
		.channel = (enum vgt_channel)(i % CHANNELS),
	};
}

/* Widens the area to row y, where at least one pixel is beyond the threshold. */
static void include_row(struct vgt_area *area, const uint8_t *a, const uint8_t *b,
	uint32_t width, uint32_t y, uint8_t threshold)
{
	uint32_t first = 0;
	uint32_t end = width;

	while (pixel_difference(a + (size_t)first * CHANNELS, b + (size_t)first * CHANNELS) <=
		threshold) {
		first++;
	}
	while (pixel_difference(a + (size_t)(end - 1) * CHANNELS,
		       b + (size_t)(end - 1) * CHANNELS) <= threshold) {
		end--;
	}
	if (area->height == 0) {
		*area = (struct vgt_area){first, y, end - first, 1};
		return;
	}
	const uint32_t old_end = area->x + area->width;
	area->x = first < area->x ? first : area->x;
	area->width = (end > old_end ? end : old_end) - area->x;
	area->height = y - area->y + 1;
}

/* Adds row y to the result; the sum of its differences. */
static uint64_t compare_row(struct vgt_comparison *result, const uint8_t *a, const uint8_t *b,
	uint32_t width, uint32_t y)
{
	const size_t samples = (size_t)width * CHANNELS;

	if (memcmp(a, b, samples) == 0) {
		return 0;
	}
	const uint8_t largest = row_largest(a, b, samples);
	if (largest > result->largest.difference) {
		note_largest(&result->largest, a, b, y, largest);
	}
	if (largest > result->threshold) {
		result->pixels_beyond += row_beyond(a, b, width, result->threshold);
		include_row(&result->beyond, a, b, width, y, result->threshold);
	}
	return row_sum(a, b, samples);
}

void vgt_compare_images(const struct vgt_image *a, const struct vgt_image *b, uint8_t threshold,
	struct vgt_comparison *result)
{
	*result = (struct vgt_comparison){.threshold = threshold};
	if (a->width != b->width || a->height != b->height) {
		result->size_differs = true;
		return;
	}
	const size_t pitch = (size_t)a->width * CHANNELS;
	result->pixels = (uint64_t)a->width * a->height;
	if (result->pixels == 0 || memcmp(a->rgba, b->rgba, pitch * a->height) == 0) {
		result->identical = true;
		return;
	}
	uint64_t sum = 0;
	for (uint32_t y = 0; y < a->height; y++) {
		sum += compare_row(
			result, a->rgba + y * pitch, b->rgba + y * pitch, a->width, y);
	}
	result->mean = (double)sum / (double)(result->pixels * CHANNELS);
}

bool vgt_comparison_within(
	const struct vgt_comparison *result, const struct vgt_tolerance *tolerance)
{
	if (result->size_differs) {
		return false;
	}
	return result->pixels_beyond <= tolerance->max_pixels ||
	       result->pixels_beyond * 1000000 <= result->pixels * tolerance->max_millionth;
}

static uint8_t lit(unsigned differs)
{
	const unsigned value = 127 + 8 * differs;

	return (uint8_t)(value > 255 ? 255 : value);
}

static void draw_pixel(uint8_t *out, const uint8_t *a, const uint8_t *b, uint8_t threshold)
{
	out[VGT_CHANNEL_ALPHA] = 255;
	if (pixel_difference(a, b) <= threshold) {
		/* Luma of ITU-R BT.601, a quarter of it. */
		const unsigned grey = (77u * a[0] + 150u * a[1] + 29u * a[2]) >> 10;
		out[0] = out[1] = out[2] = (uint8_t)grey;
		return;
	}
	const uint8_t alpha = difference(a[VGT_CHANNEL_ALPHA], b[VGT_CHANNEL_ALPHA]);
	for (int channel = 0; channel < VGT_CHANNEL_ALPHA; channel++) {
		const uint8_t colour = difference(a[channel], b[channel]);
		const uint8_t strongest = colour > alpha ? colour : alpha;
		out[channel] = strongest ? lit(strongest) : 0;
	}
}

bool vgt_compare_draw(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, uint8_t threshold, struct vgt_err *err)
{
	*image = (struct vgt_image){0};
	if (a->width != b->width || a->height != b->height || a->width == 0 || a->height == 0) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"no picture of the difference between %ux%u and %ux%u pixels", a->width,
			a->height, b->width, b->height);
	}
	const size_t samples = (size_t)a->width * a->height * CHANNELS;
	image->rgba = malloc(samples);
	if (!image->rgba) {
		return vgt_err_system(err, errno, "cannot draw the difference");
	}
	image->width = a->width;
	image->height = a->height;
	for (size_t i = 0; i < samples; i += CHANNELS) {
		draw_pixel(image->rgba + i, a->rgba + i, b->rgba + i, threshold);
	}
	return true;
}
