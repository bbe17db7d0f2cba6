/* SPDX-License-Identifier: MIT */
#include "png_truecolour.h"

#include "png_image.h"
#include "png_unfilter.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

/* Section 5.3 of the specification of PNG: length, type, data, checksum of type and data. */
#define CHUNK_HEADER 8
#define CHECKSUM     4
#define CHUNK_MAX    0x7fffffffu
#define HEADER_DATA  13
#define COLOUR_RGB   2
#define COLOUR_RGBA  6
#define AT_A_TIME    (64u << 10) /* bytes of rows, inflated */
#define TYPE(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define ANCILLARY (0x20u << 24) /* of a type */

struct png_truecolour {
	struct png_source *source;
	uint32_t width, height;
	uint32_t rows_left;
	size_t pixel_size, row_size;

	/* The chunk that is being read. */
	uint32_t type, chunk_left, checksum;
	bool in_chunk;
	uint32_t chunks; /* begun so far */
	bool has_palette, has_transparent;
	uint8_t transparent[3]; /* the colour of tRNS */

	struct inflate_state inflate;
	uint8_t *inflated; /* whole rows, each behind its filter */
	size_t inflated_begin, inflated_end;
	uint8_t *rows[2]; /* the last and the one before */
};

static uint32_t read_32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

bool png_truecolour_is(struct png_source *source, uint32_t *width, uint32_t *height)
{
	static const uint8_t start[] = {
		137, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, HEADER_DATA, 'I', 'H', 'D', 'R'};
	const uint8_t *bytes;

	if (png_source_peek(source, sizeof(start) + HEADER_DATA, &bytes) <
			sizeof(start) + HEADER_DATA ||
		memcmp(bytes, start, sizeof(start)) != 0) {
		return false;
	}
	bytes += sizeof(start);
	*width = read_32(bytes);
	*height = read_32(bytes + 4);
	return *width > 0 && *width <= VGT_IMAGE_MAX_WIDTH && *height > 0 &&
	       *height <= VGT_IMAGE_MAX_HEIGHT && bytes[8] == 8 &&
	       (bytes[9] == COLOUR_RGB || bytes[9] == COLOUR_RGBA) && bytes[10] == 0 &&
	       bytes[11] == 0 && bytes[12] == 0;
}

struct png_truecolour *png_truecolour_open(
	struct png_source *source, uint32_t width, uint32_t height)
{
	struct png_truecolour *png = calloc(1, sizeof(*png));
	const uint8_t *bytes;

	if (!png) {
		return NULL;
	}
	png_source_peek(source, PNG_SIGNATURE_SIZE + CHUNK_HEADER + HEADER_DATA, &bytes);
	png->source = source;
	png->width = width;
	png->height = png->rows_left = height;
	png->pixel_size = bytes[PNG_SIGNATURE_SIZE + CHUNK_HEADER + 9] == COLOUR_RGB ? 3 : 4;
	png->row_size = width * png->pixel_size;
	const size_t stride = png->row_size + 1;
	const size_t at_a_time = AT_A_TIME / stride > 0 ? AT_A_TIME / stride : 1;
	png->inflated = malloc(at_a_time * stride + PNG_UNFILTER_ROOM);
	png->rows[0] = calloc(1, png->row_size + PNG_UNFILTER_ROOM);
	png->rows[1] = calloc(1, png->row_size + PNG_UNFILTER_ROOM);
	if (!png->inflated || !png->rows[0] || !png->rows[1]) {
		png_truecolour_close(png);
		return NULL;
	}
	isal_inflate_init(&png->inflate);
	png->inflate.crc_flag = ISAL_ZLIB;
	png_source_take(source, PNG_SIGNATURE_SIZE);
	return png;
}

void png_truecolour_close(struct png_truecolour *png)
{
	if (png) {
		free(png->inflated);
		free(png->rows[0]);
		free(png->rows[1]);
		free(png);
	}
}

/* Chunks */

/* Takes the checksum at the end of the chunk. */
static bool end_chunk(struct png_truecolour *png, struct vgt_err *err)
{
	const uint8_t *bytes;

	if (png_source_peek(png->source, CHECKSUM, &bytes) < CHECKSUM) {
		return png_source_ended(png->source, err);
	}
	const bool good = read_32(bytes) == png->checksum;
	png_source_take(png->source, CHECKSUM);
	png->in_chunk = false;
	return good || png_source_damaged(png->source, err, "invalid chunk checksum");
}

static bool is_letter(uint32_t byte)
{
	byte |= 0x20;
	return byte >= 'a' && byte <= 'z';
}

static bool begin_chunk(struct png_truecolour *png, struct vgt_err *err)
{
	const uint8_t *bytes;

	if (png_source_peek(png->source, CHUNK_HEADER, &bytes) < CHUNK_HEADER) {
		return png_source_ended(png->source, err);
	}
	png->chunk_left = read_32(bytes);
	png->type = read_32(bytes + 4);
	png->checksum = crc32_gzip_refl(0, bytes + 4, 4);
	png->in_chunk = true;
	png_source_take(png->source, CHUNK_HEADER);
	if (png->chunk_left > CHUNK_MAX) {
		return png_source_damaged(png->source, err, "invalid chunk length");
	}
	for (int shift = 0; shift < 32; shift += 8) {
		if (!is_letter(png->type >> shift & 255)) {
			return png_source_damaged(png->source, err, "invalid chunk type");
		}
	}
	return png->chunks++ > 0 || png->type == TYPE('I', 'H', 'D', 'R') ||
	       png_source_damaged(png->source, err, "first chunk is no IHDR");
}

/* What is there of the chunk's data, at least a byte; it is taken, and NULL where there is
 * none: the file ends. */
static const uint8_t *take_data(struct png_truecolour *png, size_t *size)
{
	const uint8_t *bytes;

	*size = png_source_peek(png->source, 1, &bytes);
	*size = *size < png->chunk_left ? *size : png->chunk_left;
	png->checksum = crc32_gzip_refl(png->checksum, bytes, *size);
	png->chunk_left -= (uint32_t)*size;
	png_source_take(png->source, *size);
	return *size > 0 ? bytes : NULL;
}

static bool skip_chunk(struct png_truecolour *png, struct vgt_err *err)
{
	size_t size;

	while (png->chunk_left > 0) {
		if (!take_data(png, &size)) {
			return png_source_ended(png->source, err);
		}
	}
	return end_chunk(png, err);
}

/* The colour that is transparent, by samples of 16 bits of which the lower 8 count. */
static bool take_transparent(struct png_truecolour *png, struct vgt_err *err)
{
	const uint8_t *bytes;

	if (png->pixel_size != 3 || png->chunk_left != 6 || png->has_transparent) {
		return png_source_damaged(png->source, err, "invalid tRNS chunk");
	}
	if (png_source_peek(png->source, 6, &bytes) >= 6) {
		png->has_transparent = true;
		for (int i = 0; i < 3; i++) {
			png->transparent[i] = bytes[2 * i + 1];
		}
	}
	return skip_chunk(png, err);
}

/* A chunk that has begun and is none of the image's data. */
static bool pass_chunk(struct png_truecolour *png, struct vgt_err *err)
{
	switch (png->type) {
	case TYPE('t', 'R', 'N', 'S'):
		return take_transparent(png, err);
	case TYPE('I', 'H', 'D', 'R'):
		return (png->chunks == 1 && png->chunk_left == HEADER_DATA) ||
				       png_source_damaged(png->source, err, "second IHDR chunk")
			       ? skip_chunk(png, err)
			       : false;
	case TYPE('P', 'L', 'T', 'E'):
		if (png->has_palette || png->chunk_left == 0 || png->chunk_left % 3 != 0 ||
			png->chunk_left > 256 * 3) {
			return png_source_damaged(png->source, err, "invalid PLTE chunk");
		}
		png->has_palette = true;
		return skip_chunk(png, err);
	default:
		return png->type & ANCILLARY
			       ? skip_chunk(png, err)
			       : png_source_damaged(png->source, err, "unknown critical chunk");
	}
}

/* Begins the first or the next chunk of the image's data. */
static bool begin_data(struct png_truecolour *png, struct vgt_err *err)
{
	const bool first = png->type != TYPE('I', 'D', 'A', 'T');

	while (begin_chunk(png, err)) {
		if (png->type == TYPE('I', 'D', 'A', 'T')) {
			return true;
		}
		if (!first || png->type == TYPE('I', 'E', 'N', 'D')) {
			return png_source_damaged(
				png->source, err, "image data ends too early");
		}
		if (!pass_chunk(png, err)) {
			return false;
		}
	}
	return false;
}

/* Gives inflate the next bytes, when it has none. */
static bool feed(struct png_truecolour *png, struct vgt_err *err)
{
	size_t size;

	while (png->chunk_left == 0) {
		if ((png->in_chunk && !end_chunk(png, err)) || !begin_data(png, err)) {
			return false;
		}
	}
	const uint8_t *bytes = take_data(png, &size);
	if (!bytes) {
		return png_source_ended(png->source, err);
	}
	png->inflate.next_in = (uint8_t *)bytes; /* which it only reads */
	png->inflate.avail_in = (uint32_t)size;
	return true;
}

static const char *inflate_fault(int status)
{
	switch (status) {
	case ISAL_INCORRECT_CHECKSUM:
		return "invalid checksum of the image data";
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD:
	case ISAL_NEED_DICT:
		return "invalid header of the image data";
	default:
		return "invalid image data";
	}
}

static bool is_inflated(const struct png_truecolour *png)
{
	return png->inflate.block_state == ISAL_BLOCK_FINISH;
}

/* Inflates up to `size` bytes to `to`; *got is less only where the data ends. */
static bool inflate_to(
	struct png_truecolour *png, uint8_t *to, size_t size, size_t *got, struct vgt_err *err)
{
	struct inflate_state *inflate = &png->inflate;

	inflate->next_out = to;
	inflate->avail_out = (uint32_t)size;
	while (inflate->avail_out > 0 && !is_inflated(png)) {
		/* Without input, too: it has bits left of what it has taken. */
		const int status = isal_inflate(inflate);
		if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT &&
			status != ISAL_OUT_OVERFLOW) {
			return png_source_damaged(png->source, err, inflate_fault(status));
		}
		if (inflate->avail_out > 0 && !is_inflated(png) && inflate->avail_in == 0 &&
			!feed(png, err)) {
			return false;
		}
	}
	*got = size - inflate->avail_out;
	return true;
}

static bool inflate_rows(struct png_truecolour *png, struct vgt_err *err)
{
	const size_t stride = png->row_size + 1;
	size_t rows = AT_A_TIME / stride > 0 ? AT_A_TIME / stride : 1;
	size_t got;

	rows = rows < png->rows_left ? rows : png->rows_left;
	if (!inflate_to(png, png->inflated, rows * stride, &got, err)) {
		return false;
	}
	memset(png->inflated + got, 0, PNG_UNFILTER_ROOM);
	png->inflated_begin = 0;
	png->inflated_end = got;
	return got == rows * stride ||
	       png_source_damaged(png->source, err, "image data ends too early");
}

/* All behind the last row: the data's checksum, and the other chunks up to IEND. */
static bool read_rest(struct png_truecolour *png, struct vgt_err *err)
{
	uint8_t more;
	size_t got;

	if (!inflate_to(png, &more, 1, &got, err)) {
		return false;
	}
	if (got > 0 || png->inflate.avail_in > 0 || png->chunk_left > 0) {
		return png_source_damaged(
			png->source, err, "more image data than its size needs");
	}
	if (!end_chunk(png, err)) {
		return false;
	}
	while (begin_chunk(png, err)) {
		if (png->type == TYPE('I', 'E', 'N', 'D')) {
			return png->chunk_left == 0 ? end_chunk(png, err)
						    : png_source_damaged(png->source, err,
							      "invalid IEND chunk");
		}
		if (png->type == TYPE('I', 'D', 'A', 'T') ||
			png->type == TYPE('P', 'L', 'T', 'E') ||
			png->type == TYPE('t', 'R', 'N', 'S')) {
			return png_source_damaged(png->source, err, "chunk in the wrong place");
		}
		if (!pass_chunk(png, err)) {
			return false;
		}
	}
	return false;
}

static bool next_row(struct png_truecolour *png, struct vgt_err *err)
{
	if (png->inflated_begin == png->inflated_end && !inflate_rows(png, err)) {
		return false;
	}
	const uint8_t *filtered = png->inflated + png->inflated_begin;
	uint8_t *const row = png->rows[1];
	png->inflated_begin += png->row_size + 1;
	if (!png_unfilter(filtered[0], filtered + 1, png->rows[0], row, png->row_size,
		    png->pixel_size)) {
		return png_source_damaged(png->source, err, "no such filter");
	}
	png->rows[1] = png->rows[0];
	png->rows[0] = row;
	return true;
}

bool png_truecolour_read(struct png_truecolour *png, uint8_t *rgba, struct vgt_err *err)
{
	if (!next_row(png, err)) {
		return false;
	}
	if (png->pixel_size == 3) {
		png_widen(png->rows[0], rgba, png->width,
			png->has_transparent ? png->transparent : NULL);
	} else {
		memcpy(rgba, png->rows[0], png->row_size);
	}
	png->rows_left--;
	return png->rows_left > 0 || read_rest(png, err);
}
