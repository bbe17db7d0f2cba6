/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPARE_H
#define VGT_COMPARE_H

#include "png_image.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How two pictures differ, by a choice of metrics from exact to perceptual. Pure: nothing is
 * printed, kept or changed between calls, and the same pictures give the same numbers on every
 * processor. tolerance.h has the words for all this.
 */

enum vgt_metric {
	/* Pixels of which a channel differs by more than a threshold. Alpha is a channel. */
	VGT_METRIC_DIFFERENCE,
	/* Pixels that differ at all. */
	VGT_METRIC_EXACT,
	/* Mean difference of a channel, 0 to 255. Alpha is a channel. */
	VGT_METRIC_MEAN,
	/* Peak signal-to-noise ratio in dB, infinite for identical pictures. Of the colours,
	 * and of alpha where that differs at all. */
	VGT_METRIC_PSNR,
	/* Pixels beyond a distance of colours in YIQ (Kotsarenko and Ramos 2010), without those
	 * that look like anti-aliasing (Vysniauskas 2009): what pixelmatch 7 counts, also in
	 * that translucent pixels are taken over a pattern that depends on their place. */
	VGT_METRIC_YIQ,
	/* Mean structural similarity (Wang et al. 2004) of the lumas of BT.601, over white: 1
	 * for identical pictures, at the least -1. */
	VGT_METRIC_SSIM,
	/* Mean of the LDR-FLIP error map (Andersson et al. 2020), over white: 0 to 1. */
	VGT_METRIC_FLIP,
};
#define VGT_METRIC_COUNT 7

enum vgt_channel {
	VGT_CHANNEL_RED,
	VGT_CHANNEL_GREEN,
	VGT_CHANNEL_BLUE,
	VGT_CHANNEL_ALPHA,
};

/* One sample of one pixel. */
struct vgt_sample_difference {
	/* 0 to 255, whole for pictures of 8 bits; 0: the rest means nothing */
	double difference;
	uint32_t x, y; /* from the top left, in pixels */
	enum vgt_channel channel;
};

/* Pixels x to x + width - 1, y to y + height - 1; all zero when empty. */
struct vgt_area {
	uint32_t x, y, width, height;
};

/* 0.7 m away from a monitor 0.7 m wide, of 3840 pixels: those of the paper on FLIP. */
#define VGT_PIXELS_PER_DEGREE 67.0206
#define VGT_PPD_MIN           1
#define VGT_PPD_MAX           1000

#define VGT_IGNORED_MAX 32

/*
 * How much two pictures may differ, and by which metric, and still be called the same: all
 * zero, not at all. With both limits on pixels set the one that allows more counts.
 */
struct vgt_tolerance {
	enum vgt_metric metric;
	uint8_t threshold;        /* difference: what a channel may differ by */
	double yiq_threshold;     /* yiq: 0 to 1, of the largest distance of two colours */
	bool count_antialiased;   /* yiq: these pixels count like others */
	uint64_t max_pixels;      /* difference, yiq: pixels beyond */
	uint32_t max_millionth;   /* the same in millionths of the pixels compared */
	double limit;             /* mean, flip: the largest value; psnr, ssim: the least */
	double pixels_per_degree; /* flip: how finely the viewer sees the pixels */
	/* What is not compared, by any metric; may overlap each other and the border. */
	struct vgt_area ignored[VGT_IGNORED_MAX];
	size_t ignored_count;
};

/* What vgt_compare_images() found. Where the sizes differ, nothing else was measured. */
struct vgt_comparison {
	enum vgt_metric metric; /* as it was asked for */
	uint8_t threshold;      /* the same; 0 for other metrics than difference */
	double yiq_threshold;   /* as it was asked for; yiq */
	bool identical;         /* same size, same samples, but for what is ignored */
	bool size_differs;
	uint64_t pixels;             /* compared: what is ignored is not counted */
	uint64_t pixels_beyond;      /* of difference and yiq; for others, that differ at all */
	uint64_t pixels_antialiased; /* yiq: beyond, but not counted there */
	struct vgt_area beyond;      /* the smallest that holds all that are beyond */
	struct vgt_sample_difference largest; /* the first such, by rows from the top left */
	double mean;  /* difference of a channel of a pixel over all of them, 0 to 255 */
	double psnr;  /* in dB; INFINITY where identical */
	double value; /* of the metric; for difference, exact and yiq, pixels_beyond */
};

/*
 * Measures how b differs from a. Where one of them has samples of 16 bits, difference, exact,
 * mean and psnr compare 16 bits; the other metrics take each sample rounded to 8. The result
 * holds no memory. False, with the result as if the sizes differed: VGT_ERR_SYSTEM, no memory;
 * VGT_ERR_USAGE, all pixels are ignored, which would call anything the same.
 *
 * Memory: for difference, exact, mean, psnr and yiq none, or that of a row where samples have
 * 16 bits; for ssim and flip that of some rows as 32-bit floats for each thread, at most four.
 */
bool vgt_compare_images(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result,
	struct vgt_err *err);

/* Whether to call the pictures the same; never when their sizes differ. */
bool vgt_comparison_within(
	const struct vgt_comparison *result, const struct vgt_tolerance *tolerance);

/*
 * Draws where b differs from a: picture a, grey and dark (no sample above 63), and on it each
 * pixel beyond (for other metrics than difference and yiq: each that differs) with the channels
 * that differ, from 135 for a difference of 1 to 255 for 16 and more; alpha lights all three.
 * Anti-aliasing that yiq does not count is dark yellow, what is ignored dark blue. For flip,
 * its error map, from black for 0 by purple and orange to light yellow for 1 (matplotlib's
 * magma, as in the paper). The new image is opaque and the caller's. Errors: VGT_ERR_USAGE when
 * the sizes differ or are empty, VGT_ERR_SYSTEM.
 */
bool vgt_compare_draw(struct vgt_image *image, const struct vgt_image *a,
	const struct vgt_image *b, const struct vgt_tolerance *tolerance, struct vgt_err *err);

#endif
