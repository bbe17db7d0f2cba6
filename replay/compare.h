/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPARE_H
#define VGT_COMPARE_H

#include "png_image.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How two pictures differ, measured byte by byte. Pure: nothing is printed, kept or changed
 * between calls. Alpha counts like a colour; a PNG without alpha reads as opaque.
 */

enum vgt_channel {
	VGT_CHANNEL_RED,
	VGT_CHANNEL_GREEN,
	VGT_CHANNEL_BLUE,
	VGT_CHANNEL_ALPHA,
};

/* "red", "green", "blue" or "alpha". */
const char *vgt_channel_name(enum vgt_channel channel);

/* One sample of one pixel. */
struct vgt_sample_difference {
	uint8_t difference; /* 0 where the pictures are identical; the rest means nothing then
			     */
	uint32_t x, y;      /* from the top left, in pixels */
	enum vgt_channel channel;
};

/* Pixels x to x + width - 1, y to y + height - 1; all zero when empty. */
struct vgt_area {
	uint32_t x, y, width, height;
};

/* What vgt_compare_images() found. Where the sizes differ, nothing else was measured. */
struct vgt_comparison {
	bool identical; /* same size, same bytes */
	bool size_differs;
	uint8_t threshold;                    /* as it was asked for */
	uint64_t pixels;                      /* in each picture */
	uint64_t pixels_beyond;               /* with any channel beyond the threshold */
	struct vgt_area beyond;               /* the smallest that holds all of those */
	struct vgt_sample_difference largest; /* the first such, by rows from the top left */
	double mean; /* difference of a channel of a pixel over all of them, 0 to 255 */
};

/*
 * Measures how b differs from a. A pixel is beyond when one of its channels differs by more
 * than threshold. The result is filled in any case and holds no memory.
 */
void vgt_compare_images(const struct vgt_image *a, const struct vgt_image *b, uint8_t threshold,
	struct vgt_comparison *result);

/*
 * How much two pictures may differ and still be called the same: all zero, not at all. With
 * both limits set the one that allows more counts.
 */
struct vgt_tolerance {
	uint8_t threshold;      /* for vgt_compare_images() */
	uint64_t max_pixels;    /* pixels beyond the threshold */
	uint32_t max_millionth; /* the same in millionths of the picture's pixels */
};

/* Whether to call the pictures the same; never when their sizes differ. */
bool vgt_comparison_within(
	const struct vgt_comparison *result, const struct vgt_tolerance *tolerance);

/*
 * Draws where b differs from a: picture a, grey and dark (no sample above 63), and on it each
 * pixel beyond the threshold with the channels that differ, from 135 for a difference of 1 to
 * 255 for 16 and more; alpha lights all three. The new image is opaque and the caller's.
 * Errors: VGT_ERR_USAGE when the sizes differ or are empty, VGT_ERR_SYSTEM.
 */
bool vgt_compare_draw(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, uint8_t threshold, struct vgt_err *err);

#endif
