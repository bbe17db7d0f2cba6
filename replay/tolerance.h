/* SPDX-License-Identifier: MIT */
#ifndef VGT_TOLERANCE_H
#define VGT_TOLERANCE_H

#include "compare.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The words of a tolerance, the same for the options of vgt compare and for a suite's
 * manifest, and the words for what was measured.
 */

/* "difference", "exact", "mean", "psnr", "yiq", "ssim" or "flip". */
const char *vgt_metric_name(enum vgt_metric metric);

/* The first of them; the last is flip. */
#define TOLERANCE_METRICS "difference, exact, mean, psnr, yiq, ssim"

/* "red", "green", "blue" or "alpha". */
const char *vgt_channel_name(enum vgt_channel channel);

/* The tolerance of a metric that allows nothing, with the usual threshold and viewer. */
struct vgt_tolerance vgt_tolerance_of(enum vgt_metric metric);

/* What was given of a tolerance, as text; NULL: not given. The texts stay the caller's. */
struct tolerance_words {
	const char *metric;
	const char *threshold;   /* difference: 0 to 255; yiq: 0 to 1 */
	const char *max_pixels;  /* difference, yiq: "12" pixels, or "0.5%" of them */
	const char *max;         /* mean: 0 to 255; flip: 0 to 1 */
	const char *min;         /* psnr: dB; ssim: -1 to 1 */
	const char *ppd;         /* flip: pixels per degree */
	const char *antialiased; /* yiq: "count" or "ignore" */
	const char *ignore[VGT_IGNORED_MAX]; /* "X,Y,WxH" */
	size_t ignore_count;
};

/* What is wrong: `key` is the member's name above ("max_pixels"), `message` goes on behind it
 * ("must be ..., not '...'"). */
struct tolerance_fault {
	const char *key;
	char message[160];
};

/*
 * Changes a tolerance by what was given. Where that names another metric than the tolerance
 * has, all but what is ignored begins anew (vgt_tolerance_of()); what is given of `ignore`
 * takes the place of what was. A word that the metric does not know is a fault. On false the
 * tolerance is untouched. The locale does not matter.
 */
bool tolerance_take(struct vgt_tolerance *tolerance, const struct tolerance_words *words,
	struct tolerance_fault *fault);

/* "X,Y,WxH" in pixels; false for other text and for an empty area. */
bool tolerance_parse_area(struct vgt_area *area, const char *text);

/* The options of vgt compare that say the same, as in "--threshold 8 --max-pixels 0.5%"; the
 * caller frees them, NULL: no memory. */
char *tolerance_options(const struct vgt_tolerance *tolerance);

/* For both below. */
#define TOLERANCE_TEXT 224

/* What is allowed, as in "at most 17 pixels beyond 8", "at least 40 dB"; returns text. */
const char *tolerance_describe(
	char text[TOLERANCE_TEXT], const struct vgt_tolerance *tolerance);

/*
 * What was measured, as in "1201 of 90000 pixels beyond 8, in 40x30 pixels at 12,200; largest
 * difference 37 (blue at 12,200), mean 0.123"; returns text. Not where the sizes differ.
 */
const char *comparison_describe(
	char text[TOLERANCE_TEXT], const struct vgt_comparison *comparison);

#endif
