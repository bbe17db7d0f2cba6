/* SPDX-License-Identifier: MIT */
#include "png_rows.h"

#include "png_image.h"
#include "vgt_lfs.h"

#include <errno.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>

/* Room for a colour profile of a real-world screenshot, not for a bomb. */
#define CHUNK_LIMIT (8u << 20)
#define CACHE_LIMIT (32u << 20)

#define SIGNATURE_SIZE 8
static const uint8_t png_signature[SIGNATURE_SIZE] = {137, 'P', 'N', 'G', 13, 10, 26, 10};

/* What is read from: libspng's own file reader keeps neither errno nor the position. */
struct png_source {
	FILE *file;
	uint64_t offset;
	int status; /* of the first read that failed, an spng error */
	int error_number;
	bool foreign; /* the first bytes are not those of a PNG */
	uint8_t begin[VGT_LFS_SIZE];
};

struct png_rows {
	struct png_source source;
	spng_ctx *spng;
	uint32_t width, height;
	uint32_t next; /* row */
	unsigned sample_bits;
	uint8_t *whole; /* of an interlaced file */
	uint8_t *rgb;   /* a row before it is widened, with a byte behind it; or NULL */
};

static void note_begin(struct png_source *source, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count && source->offset + i < VGT_LFS_SIZE; i++) {
		source->begin[source->offset + i] = bytes[i];
	}
}

static void check_signature(struct png_source *source, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count && source->offset + i < SIGNATURE_SIZE; i++) {
		if (bytes[i] != png_signature[source->offset + i]) {
			source->foreign = true;
		}
	}
}

static int read_source(spng_ctx *spng, void *user, void *bytes, size_t size)
{
	struct png_source *source = user;

	(void)spng;
	const size_t got = fread(bytes, 1, size, source->file);
	check_signature(source, bytes, got);
	note_begin(source, bytes, got);
	source->offset += got;
	if (got == size) {
		return 0;
	}
	if (ferror(source->file)) {
		source->error_number = errno;
	}
	source->status = ferror(source->file) ? SPNG_IO_ERROR : SPNG_IO_EOF;
	return source->status;
}

/* What decoding has not read of its beginning is read here: nothing else is done with it. */
static bool is_lfs_pointer(struct png_source *source)
{
	const size_t there =
		source->offset < VGT_LFS_SIZE ? (size_t)source->offset : VGT_LFS_SIZE;
	const size_t more = fread(source->begin + there, 1, VGT_LFS_SIZE - there, source->file);

	return vgt_lfs_is_pointer(source->begin, there + more);
}

static bool decode_failed(struct png_source *source, int status, struct vgt_err *err)
{
	if (source->foreign) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			is_lfs_pointer(source) ? VGT_LFS_MESSAGE : "not a PNG file");
	}
	switch (status) {
	case SPNG_IO_ERROR:
	case SPNG_EIO:
		return vgt_err_system(err, source->error_number, "cannot read");
	case SPNG_IO_EOF:
	case SPNG_EOF:
		if (source->offset == 0) {
			return vgt_err_set(
				err, VGT_ERR_TRUNCATED, VGT_NO_OFFSET, "empty file, not a PNG");
		}
		return vgt_err_set(err, VGT_ERR_TRUNCATED, source->offset,
			"truncated PNG, the file ends too early");
	case SPNG_EMEM:
		return vgt_err_system(err, ENOMEM, "cannot decode");
	case SPNG_EUSER_WIDTH:
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"PNG is wider than %d pixels", VGT_IMAGE_MAX_WIDTH);
	case SPNG_EUSER_HEIGHT:
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"PNG is higher than %d pixels", VGT_IMAGE_MAX_HEIGHT);
	case SPNG_ECHUNK_LIMITS:
		return vgt_err_set(err, VGT_ERR_LIMIT, source->offset,
			"PNG has more metadata than is accepted");
	default:
		return vgt_err_set(err, VGT_ERR_MALFORMED, source->offset, "damaged PNG: %s",
			spng_strerror(status));
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
		status = spng_set_png_stream(spng, read_source, &rows->source);
	}
	return status;
}

/* What most frames are: 8 bits, opaque. libspng takes longer to widen such a row than to undo
 * its filter, so that is done here. 0 or an spng error. */
static int ask_plain_rgb(spng_ctx *spng, const struct spng_ihdr *ihdr, bool *answer)
{
	struct spng_trns trns;
	const int status = spng_get_trns(spng, &trns);

	*answer = status == SPNG_ECHUNKAVAIL && ihdr->bit_depth == 8 &&
		  ihdr->color_type == SPNG_COLOR_TYPE_TRUECOLOR &&
		  ihdr->interlace_method == SPNG_INTERLACE_NONE;
	return status == SPNG_ECHUNKAVAIL ? 0 : status;
}

/* A byte behind the pixels is read, too. */
static void widen(uint8_t *rgba, const uint8_t *rgb, uint32_t width)
{
	for (size_t x = 0; x < width; x++) {
		memcpy(rgba + 4 * x, rgb + 3 * x, 4);
		rgba[4 * x + 3] = 255;
	}
}

static int read_header(struct png_rows *rows)
{
	struct spng_ihdr ihdr;
	size_t size = 0;
	bool plain_rgb = false;
	int status = set_up_decoder(rows);

	if (!status) {
		status = spng_get_ihdr(rows->spng, &ihdr);
	}
	if (!status) {
		status = ask_plain_rgb(rows->spng, &ihdr, &plain_rgb);
	}
	if (status) {
		return status;
	}
	rows->width = ihdr.width;
	rows->height = ihdr.height;
	rows->sample_bits = ihdr.bit_depth == 16 ? 16 : 8;
	if (plain_rgb) {
		rows->rgb = malloc((size_t)rows->width * 3 + 1);
		return rows->rgb ? spng_decode_image(rows->spng, NULL, 0, SPNG_FMT_PNG,
					   SPNG_DECODE_PROGRESSIVE)
				 : SPNG_EMEM;
	}
	const int format = ihdr.bit_depth == 16 ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8;
	status = spng_decoded_image_size(rows->spng, format, &size);
	if (status) {
		return status;
	}
	if (size != (uint64_t)rows->height * png_rows_pitch(rows)) {
		return SPNG_EINTERNAL;
	}
	if (ihdr.interlace_method == SPNG_INTERLACE_NONE) {
		return spng_decode_image(rows->spng, NULL, 0, format,
			SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
	}
	rows->whole = malloc(size);
	return rows->whole ? spng_decode_image(
				     rows->spng, rows->whole, size, format, SPNG_DECODE_TRNS)
			   : SPNG_EMEM;
}

struct png_rows *png_rows_open(FILE *file, struct vgt_err *err)
{
	const int error = errno;

	if (!file) {
		vgt_err_system(err, error, "cannot open");
		return NULL;
	}
	struct png_rows *rows = calloc(1, sizeof(*rows));
	if (!rows) {
		fclose(file);
		vgt_err_system(err, ENOMEM, "cannot decode");
		return NULL;
	}
	rows->source.file = file;
	rows->spng = spng_ctx_new(0);
	const int status = rows->spng ? read_header(rows) : SPNG_EMEM;
	if (status) {
		decode_failed(&rows->source, status, err);
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

/* 0 or an spng error. */
static int decode_row(struct png_rows *rows, void *row)
{
	const size_t pitch = png_rows_pitch(rows);
	const bool last = ++rows->next == rows->height;
	int status = 0;

	if (rows->whole) {
		memcpy(row, rows->whole + (rows->next - 1) * pitch, pitch);
	} else {
		status = rows->rgb ? spng_decode_row(
					     rows->spng, rows->rgb, (size_t)rows->width * 3)
				   : spng_decode_row(rows->spng, row, pitch);
		status = status == SPNG_EOI && last ? 0 : status;
	}
	if (!status && rows->rgb) {
		widen(row, rows->rgb, rows->width);
	}
	if (!status && last) {
		/* Up to IEND: without this a file cut behind its pixels would pass as whole. */
		status = spng_decode_chunks(rows->spng);
	}
	/* libspng 0.7.3 takes the end of the file for a checksum to ignore in IEND: both are
	 * -1. */
	return status ? status : rows->source.status;
}

bool png_rows_read(struct png_rows *rows, void *row, struct vgt_err *err)
{
	const int status = decode_row(rows, row);
	return !status || decode_failed(&rows->source, status, err);
}

void png_rows_close(struct png_rows *rows)
{
	if (rows) {
		spng_ctx_free(rows->spng);
		fclose(rows->source.file);
		free(rows->whole);
		free(rows->rgb);
		free(rows);
	}
}
