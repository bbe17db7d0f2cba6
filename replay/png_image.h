/* SPDX-License-Identifier: MIT */
#ifndef VGT_PNG_IMAGE_H
#define VGT_PNG_IMAGE_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A picture in memory, and its way from and to PNG files. Files are hostile input: what is read
 * is bounded by the limits below, whatever the file says of itself. Reading and comparing
 * share no state, so each thread may work on images of its own.
 */

/* The largest picture, of GL's largest texture; 1 GiB of pixels when both sides have it. */
#define VGT_IMAGE_MAX_WIDTH  16384
#define VGT_IMAGE_MAX_HEIGHT 16384

struct vgt_image {
	uint32_t width, height; /* in pixels */
	uint8_t *rgba; /* width * height * 4 bytes, R first, top row first, no gaps; heap */
	/* The same as the file has it, where that is with 16 bits, in the processor's order,
	 * and rgba is rounded; else NULL. Heap. */
	uint16_t *rgba16;
};

/* A sample of 16 bits to the nearest of 8: 0xffff is 255. */
static inline uint8_t vgt_image_rounded(uint16_t sample)
{
	return (uint8_t)((sample * 255u + 32767u) / 65535u);
}

/*
 * Reads any kind of PNG (grey, palette, interlaced, with tRNS). Samples of 16 bits are also
 * kept as they are; gAMA, iCCP and sRGB are not applied, as the stored values are what is
 * compared. A wrong checksum anywhere is an error. On success the image belongs to the caller,
 * who ends it with vgt_image_finish(); what it held before is not looked at. On failure it is
 * left empty. Errors: VGT_ERR_SYSTEM, VGT_ERR_MALFORMED, VGT_ERR_TRUNCATED, VGT_ERR_LIMIT;
 * messages do not repeat the path.
 */
bool vgt_image_read_png(struct vgt_image *image, const char *path, struct vgt_err *err);

/*
 * The same from a descriptor, which is closed, for a picture that is to be compared with
 * `like`: where the sizes differ only its size is read, and it has no pixels.
 */
bool vgt_image_read_png_like(
	struct vgt_image *image, int fd, const struct vgt_image *like, struct vgt_err *err);

/*
 * Writes 8-bit RGBA, or RGB without alpha, compressed for speed. The file appears complete or
 * not at all (new_file.h), one at a time in a process. A link is followed; a path that is no
 * ordinary file (/dev/stdout, a pipe) is written directly. Errors: VGT_ERR_SYSTEM,
 * VGT_ERR_USAGE for a directory, and VGT_ERR_LIMIT for an empty or too large image.
 */
bool vgt_image_write_png(
	const struct vgt_image *image, const char *path, bool with_alpha, struct vgt_err *err);

/*
 * The same into memory, as 8-bit RGB, or RGBA where a sample of alpha is not 255, without
 * interlace. The bytes are the caller's to free.
 */
bool vgt_image_encode_png(
	const struct vgt_image *image, uint8_t **png, size_t *size, struct vgt_err *err);

/* Frees the pixels and leaves an empty image; NULL and an empty image are fine. */
void vgt_image_finish(struct vgt_image *image);

#endif
