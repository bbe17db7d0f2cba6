/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPARE_FILES_H
#define VGT_COMPARE_FILES_H

#include "compare.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>

/* Two PNG files against each other; each is read by a thread of its own. */

struct compare_files {
	const char *path_a, *path_b;
	/* Of the files; all that is known where the sizes differ. */
	uint32_t width_a, height_a, width_b, height_b;
	struct vgt_comparison comparison;
	bool wrong_in_b; /* what the error of a failure is about */
};

/*
 * Whether one row of each at a time is enough for the metric, or for these two files, which
 * have the same bytes: then compare_files_by_rows() keeps a few rows in memory, and not the
 * pictures.
 */
bool compare_files_can_by_rows(
	const struct compare_files *files, const struct vgt_tolerance *tolerance);

/*
 * Does with the two files what vgt_compare_images() does with pictures. Where the sizes differ
 * nothing behind the headers is read; else both must be good to their ends. Files with the same
 * bytes are decoded once. Errors: of png_rows_open() and png_rows_read(), of file a first; of
 * vgt_compare_images().
 */
bool compare_files_by_rows(struct compare_files *files, const struct vgt_tolerance *tolerance,
	struct vgt_err *err);

/* Reads both as wholes. On false both are empty. */
bool compare_files_read(struct compare_files *files, struct vgt_image *a, struct vgt_image *b,
	struct vgt_err *err);

#endif
