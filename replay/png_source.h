/* SPDX-License-Identifier: MIT */
#ifndef VGT_PNG_SOURCE_H
#define VGT_PNG_SOURCE_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The bytes of a PNG file, from the front, as they come: it may be a pipe. For png_rows.c and
 * its parts. */

#define PNG_SIGNATURE_SIZE 8

struct png_source {
	FILE *file;
	uint8_t *bytes; /* what is read ahead */
	size_t begin, end;
	uint64_t offset;  /* in the file, of bytes[end] */
	bool ended;       /* the file is, or cannot be read on */
	int error_number; /* why, or 0 */
};

/* False without memory; png_source_finish() in any case. It closes the file. */
bool png_source_init(struct png_source *source, FILE *file);
void png_source_finish(struct png_source *source);

/* At least `wanted` bytes at *bytes, fewer only at the end of the file: how many. They stay
 * there until the next call, and are not taken. `wanted` is at most PNG_SOURCE_AHEAD. */
#define PNG_SOURCE_AHEAD 4096
size_t png_source_peek(struct png_source *source, size_t wanted, const uint8_t **bytes);

/* Takes bytes that png_source_peek() showed. */
void png_source_take(struct png_source *source, size_t count);

/* Says that the file ends too early, or cannot be read; false. */
bool png_source_ended(const struct png_source *source, struct vgt_err *err);

/* "damaged PNG: WHAT", with the byte up to which was read; false. */
bool png_source_damaged(const struct png_source *source, struct vgt_err *err, const char *what);

#endif
