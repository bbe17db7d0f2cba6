/* SPDX-License-Identifier: MIT */
#ifndef VGT_PNG_ROWS_H
#define VGT_PNG_ROWS_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A PNG file row by row, from the top: RGBA, of 8 bits, or of 16 in the processor's order where
 * the file has these. Any kind of PNG; an interlaced one is held in memory as a whole, of
 * others a few rows are. Files are hostile input: sizes are limited as png_image.h says, a
 * wrong checksum anywhere is an error, and so is image data that ends too early (but not what
 * goes on behind the last row, of which libspng does not tell). One thread at a time.
 */
struct png_rows;

/* Takes the file over, read up to its header. NULL: VGT_ERR_SYSTEM, VGT_ERR_MALFORMED,
 * VGT_ERR_TRUNCATED, VGT_ERR_LIMIT; messages do not repeat the path. `file` NULL: it could not
 * be opened, and errno says why. */
struct png_rows *png_rows_open(FILE *file, struct vgt_err *err);

/* In pixels, and the bits of a sample: 8 or 16. */
uint32_t png_rows_width(const struct png_rows *rows);
uint32_t png_rows_height(const struct png_rows *rows);
unsigned png_rows_sample_bits(const struct png_rows *rows);

/* Of a row, in bytes. */
size_t png_rows_pitch(const struct png_rows *rows);

/*
 * Reads the next row; with the last one also the rest of the file, so that true then means that
 * all of it is good. Not to be called for more rows than there are, nor after false.
 */
bool png_rows_read(struct png_rows *rows, void *row, struct vgt_err *err);

/* NULL is fine. */
void png_rows_close(struct png_rows *rows);

#endif
