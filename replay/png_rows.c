/* SPDX-License-Identifier: MIT */
#include "png_rows.h"

#include "png_image.h"
#include "png_source.h"
#include "png_truecolour.h"

#include <errno.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>

/* Room for a colour profile of a real-world screenshot, not for a bomb. */
#define CHUNK_LIMIT (8u << 20)
#define CACHE_LIMIT (32u << 20)

struct png_rows {
	struct png_source source;
	uint32_t width, height;
	uint32_t next; /* row */
	unsigned sample_bits;
	struct png_truecolour *truecolour; /* or by libspng: */
	spng_ctx *spng;
	int format;
	int read_status; /* of the first read that failed, an spng error */
	uint8_t *whole;  /* of an interlaced file */
};

/* For libspng */
static int read_source(spng_ctx *spng, void *user, void *to, size_t size)
{
	struct png_rows *rows = user;
	uint8_t *out = to;
	const uint8_t *bytes;

	(void)spng;
	while (size > 0) {
		size_t got = png_source_peek(&rows->source, 1, &bytes);
		if (got == 0) {
			rows->read_status =
				rows->source.error_number ? SPNG_IO_ERROR : SPNG_IO_EOF;
			return rows->read_status;
		}
		got = got < size ? got : size;
		memcpy(out, bytes, got);
		png_source_take(&rows->source, got);
		out += got;
		size -= got;
	}
	return 0;
}

static bool decode_failed(const struct png_rows *rows, int status, struct vgt_err *err)
{
	switch (status) {
	case SPNG_IO_ERROR:
	case SPNG_EIO:
	case SPNG_IO_EOF:
	case SPNG_EOF:
		return png_source_ended(&rows->source, err);
	case SPNG_EMEM:
		return vgt_err_system(err, ENOMEM, "cannot decode");
	case SPNG_EUSER_WIDTH:
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"PNG is wider than %d pixels", VGT_IMAGE_MAX_WIDTH);
	case SPNG_EUSER_HEIGHT:
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"PNG is higher than %d pixels", VGT_IMAGE_MAX_HEIGHT);
	case SPNG_ECHUNK_LIMITS:
		return vgt_err_set(err, VGT_ERR_LIMIT, rows->source.offset,
			"PNG has more metadata than is accepted");
	default:
		return png_source_damaged(&rows->source, err, spng_strerror(status));
	}
}

/* The limits and checksum rules of every file read; 0 or an spng error. */
static int set_up_decoder(struct png_rows *rows)
{
	spng_ctx *spng = rows->spng;
	int status = spng_set_image_limits(spng, VGT_IMAGE_MAX_WIDTH, VGT_IMAGE_MAX_HEIGHT);

	if (!status) {
		status = spng_set_chunk_limits(spng, CHUNK_LIMIT, CACHE_LIMIT);
	}
	if (!status) {
		/* Also where a picture does not need the chunk: tRNS, for one, changes it. */
		status = spng_set_crc_action(spng, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
	}
	if (!status) {
		status = spng_set_png_stream(spng, read_source, rows);
	}
	return status;
}

static int read_header(struct png_rows *rows)
{
	struct spng_ihdr ihdr;
	size_t size = 0;
	int status = set_up_decoder(rows);

	if (!status) {
		status = spng_get_ihdr(rows->spng, &ihdr);
	}
	if (status) {
		return status;
	}
	rows->width = ihdr.width;
	rows->height = ihdr.height;
	rows->sample_bits = ihdr.bit_depth == 16 ? 16 : 8;
	rows->format = ihdr.bit_depth == 16 ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8;
	status = spng_decoded_image_size(rows->spng, rows->format, &size);
	if (status) {
		return status;
	}
	if (size != (uint64_t)rows->height * png_rows_pitch(rows)) {
		return SPNG_EINTERNAL;
	}
	if (ihdr.interlace_method == SPNG_INTERLACE_NONE) {
		return spng_decode_image(rows->spng, NULL, 0, rows->format,
			SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
	}
	rows->whole = malloc(size);
	return rows->whole ? spng_decode_image(rows->spng, rows->whole, size, rows->format,
				     SPNG_DECODE_TRNS)
			   : SPNG_EMEM;
}

static bool is_png(struct png_source *source)
{
	static const uint8_t signature[PNG_SIGNATURE_SIZE] = {
		137, 'P', 'N', 'G', 13, 10, 26, 10};
	const uint8_t *bytes;
	const size_t got = png_source_peek(source, PNG_SIGNATURE_SIZE, &bytes);

	/* of a file cut short, as far as it goes */
	return memcmp(bytes, signature, got < PNG_SIGNATURE_SIZE ? got : PNG_SIGNATURE_SIZE) ==
	       0;
}

static bool open_decoder(struct png_rows *rows, struct vgt_err *err)
{
	if (!is_png(&rows->source)) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "not a PNG file");
	}
	if (png_truecolour_is(&rows->source, &rows->width, &rows->height)) {
		rows->sample_bits = 8;
		rows->truecolour =
			png_truecolour_open(&rows->source, rows->width, rows->height);
		return rows->truecolour || vgt_err_system(err, ENOMEM, "cannot decode");
	}
	rows->spng = spng_ctx_new(0);
	const int status = rows->spng ? read_header(rows) : SPNG_EMEM;
	return !status || decode_failed(rows, status, err);
}

struct png_rows *png_rows_open(FILE *file, struct vgt_err *err)
{
	const int error = errno;
	struct png_rows *rows;

	if (!file) {
		vgt_err_system(err, error, "cannot open");
		return NULL;
	}
	rows = calloc(1, sizeof(*rows));
	if (!rows || !png_source_init(&rows->source, file)) {
		vgt_err_system(err, ENOMEM, "cannot decode");
		if (!rows) {
			fclose(file);
		}
		png_rows_close(rows);
		return NULL;
	}
	if (!open_decoder(rows, err)) {
		png_rows_close(rows);
		return NULL;
	}
	return rows;
}

uint32_t png_rows_width(const struct png_rows *rows)
{
	return rows->width;
}

uint32_t png_rows_height(const struct png_rows *rows)
{
	return rows->height;
}

unsigned png_rows_sample_bits(const struct png_rows *rows)
{
	return rows->sample_bits;
}

size_t png_rows_pitch(const struct png_rows *rows)
{
	return (size_t)rows->width * 4 * (rows->sample_bits / 8);
}

/* The next row by libspng; 0 or an spng error. */
static int read_by_spng(struct png_rows *rows, void *row)
{
	const size_t pitch = png_rows_pitch(rows);
	const bool last = rows->next + 1 == rows->height;
	int status = 0;

	if (rows->whole) {
		memcpy(row, rows->whole + rows->next * pitch, pitch);
	} else {
		status = spng_decode_row(rows->spng, row, pitch);
		status = status == SPNG_EOI && last ? 0 : status;
	}
	if (!status && last) {
		/* Up to IEND: without this a file cut behind its pixels would pass as whole. */
		status = spng_decode_chunks(rows->spng);
	}
	/* libspng 0.7.3 takes the end of the file for a checksum to ignore in IEND: both are
	 * -1. */
	return status ? status : rows->read_status;
}

bool png_rows_read(struct png_rows *rows, void *row, struct vgt_err *err)
{
	if (rows->truecolour) {
		return png_truecolour_read(rows->truecolour, row, err);
	}
	const int status = read_by_spng(rows, row);
	rows->next++;
	return !status || decode_failed(rows, status, err);
}

void png_rows_close(struct png_rows *rows)
{
	if (rows) {
		png_truecolour_close(rows->truecolour);
		spng_ctx_free(rows->spng);
		free(rows->whole);
		png_source_finish(&rows->source);
		free(rows);
	}
}
