/* SPDX-License-Identifier: MIT */
#include "png_rows.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define PIXELS_MAX (1u << 20) /* what is larger takes too long */

static void must(bool good)
{
	if (!good) {
		abort();
	}
}

static uint32_t read_32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* Bitwise, of PNG's annex D. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		}
	}
	return ~crc;
}

/* Makes the checksums of chunks right, as far as the lengths allow to find them: no input that
 * is made at random gets past these. */
static void repair(uint8_t *bytes, size_t size)
{
	for (size_t at = 8; at + 12 <= size;) {
		const size_t length = read_32(bytes + at);
		if (length > size - at - 12) {
			return;
		}
		const uint32_t crc = crc32_of(bytes + at + 4, length + 4);
		for (size_t i = 0; i < 4; i++) {
			bytes[at + 8 + length + i] = (uint8_t)(crc >> (24 - 8 * i));
		}
		at += length + 12;
	}
}

/* All rows; NULL, and a message that fits on a line, where the file is refused. */
static uint8_t *read_rows(FILE *file, size_t *size, unsigned *bits)
{
	struct vgt_err err = {0};
	struct png_rows *rows = png_rows_open(file, &err);
	uint8_t *pixels = NULL;
	bool good = rows != NULL;

	*size = 0;
	if (rows && (uint64_t)png_rows_width(rows) * png_rows_height(rows) > PIXELS_MAX) {
		png_rows_close(rows);
		return NULL;
	}
	if (rows) {
		*bits = png_rows_sample_bits(rows);
		*size = png_rows_pitch(rows) * png_rows_height(rows);
		must(*size > 0 && (*bits == 8 || *bits == 16));
		pixels = malloc(*size);
		must(pixels != NULL);
		for (uint32_t y = 0; y < png_rows_height(rows) && good; y++) {
			good = png_rows_read(rows, pixels + y * png_rows_pitch(rows), &err);
		}
	}
	png_rows_close(rows);
	if (good) {
		return pixels;
	}
	must(err.code != VGT_ERR_NONE && err.message[0]);
	free(pixels);
	return NULL;
}

/* Where libspng takes the file as well, it has the same pixels. */
static void compare_with_spng(const uint8_t *bytes, size_t size, const uint8_t *pixels,
	size_t pixel_bytes, unsigned bits)
{
	const int format = bits == 16 ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8;
	uint8_t *other = malloc(pixel_bytes);
	spng_ctx *spng = spng_ctx_new(0);

	must(spng && other);
	if (spng_set_png_buffer(spng, bytes, size) == 0 &&
		spng_decode_image(spng, other, pixel_bytes, format, SPNG_DECODE_TRNS) == 0) {
		must(memcmp(pixels, other, pixel_bytes) == 0);
	}
	spng_ctx_free(spng);
	free(other);
}

/* Any bytes as a PNG file: refused, or read row by row as libspng reads the whole. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const int fd = memfd_create("png", MFD_CLOEXEC);
	uint8_t *copy = malloc(size + 1);
	unsigned bits = 0;
	size_t pixel_bytes;

	must(fd >= 0 && copy);
	memcpy(copy, bytes, size);
	repair(copy, size);
	must(write(fd, copy, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	uint8_t *pixels = read_rows(fdopen(fd, "rb"), &pixel_bytes, &bits);
	if (pixels) {
		compare_with_spng(copy, size, pixels, pixel_bytes, bits);
	}
	free(pixels);
	free(copy);
	return 0;
}
