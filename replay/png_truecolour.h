/* SPDX-License-Identifier: MIT */
#ifndef VGT_PNG_TRUECOLOUR_H
#define VGT_PNG_TRUECOLOUR_H

#include "png_source.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The rows of a PNG of 8 bits, RGB or RGBA, that is not interlaced: the way of png_rows.c for
 * most files. Of chunks that a picture does not need only the checksums count.
 */
struct png_truecolour;

/* Where the source begins with such a PNG: its size. Nothing is taken from the source. */
bool png_truecolour_is(struct png_source *source, uint32_t *width, uint32_t *height);

/* The source stays the caller's, and must live on. NULL without memory. */
struct png_truecolour *png_truecolour_open(
	struct png_source *source, uint32_t width, uint32_t height);

/* As png_rows_read(). */
bool png_truecolour_read(struct png_truecolour *png, uint8_t *rgba, struct vgt_err *err);

void png_truecolour_close(struct png_truecolour *png);

#endif
