/* SPDX-License-Identifier: MIT */
#include "png_image.h"

#include "new_file.h"

#include <errno.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
};

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

static bool decode_failed(const struct png_source *source, int status, struct vgt_err *err)
{
	if (source->foreign) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "not a PNG file");
	}
	switch (status) {
	case SPNG_IO_ERROR:
	case SPNG_EIO:
		return vgt_err_system(err, source->error_number, "cannot read");
	case SPNG_EMEM:
		return vgt_err_system(err, ENOMEM, "cannot decode");
	case SPNG_IO_EOF:
	case SPNG_EOF:
		if (source->offset == 0) {
			return vgt_err_set(
				err, VGT_ERR_TRUNCATED, VGT_NO_OFFSET, "empty file, not a PNG");
		}
		return vgt_err_set(err, VGT_ERR_TRUNCATED, source->offset,
			"truncated PNG, the file ends too early");
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
static int set_up_decoder(spng_ctx *spng, struct png_source *source)
{
	int status = spng_set_image_limits(spng, VGT_IMAGE_MAX_WIDTH, VGT_IMAGE_MAX_HEIGHT);
	if (!status) {
		status = spng_set_chunk_limits(spng, CHUNK_LIMIT, CACHE_LIMIT);
	}
	if (!status) {
		/* Also where a picture does not need the chunk: tRNS, for one, changes it. */
		status = spng_set_crc_action(spng, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
	}
	if (!status) {
		status = spng_set_png_stream(spng, read_source, source);
	}
	return status;
}

/* 16 bits to the nearest of 8: 0xffff is 255. */
static uint8_t rounded(uint16_t sample)
{
	return (uint8_t)((sample * 255u + 32767u) / 65535u);
}

/* Reads the pixels, of 16 bits, and sets both. */
static int decode_deep(spng_ctx *spng, struct vgt_image *image)
{
	const size_t samples = (size_t)image->width * image->height * 4;
	image->rgba16 = malloc(samples * sizeof(*image->rgba16));
	if (!image->rgba16) {
		return SPNG_EMEM;
	}
	const int status = spng_decode_image(spng, image->rgba16,
		samples * sizeof(*image->rgba16), SPNG_FMT_RGBA16, SPNG_DECODE_TRNS);
	for (size_t i = 0; i < samples && !status; i++) {
		image->rgba[i] = rounded(image->rgba16[i]);
	}
	return status;
}

static int decode(spng_ctx *spng, struct png_source *source, const struct vgt_image *like,
	struct vgt_image *image)
{
	struct spng_ihdr ihdr;
	size_t size = 0;
	int status = set_up_decoder(spng, source);

	if (!status) {
		status = spng_get_ihdr(spng, &ihdr);
	}
	if (!status) {
		status = spng_decoded_image_size(spng, SPNG_FMT_RGBA8, &size);
	}
	if (status) {
		return status;
	}
	if (size != (uint64_t)ihdr.width * ihdr.height * 4) {
		return SPNG_EINTERNAL;
	}
	image->width = ihdr.width;
	image->height = ihdr.height;
	if (like && (like->width != ihdr.width || like->height != ihdr.height)) {
		return 0;
	}
	image->rgba = malloc(size);
	if (!image->rgba) {
		return SPNG_EMEM;
	}
	status = ihdr.bit_depth == 16 ? decode_deep(spng, image)
				      : spng_decode_image(spng, image->rgba, size,
						SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
	if (!status) {
		/* Up to IEND: without this a file cut behind its pixels would pass as whole. */
		status = spng_decode_chunks(spng);
	}
	/* libspng 0.7.3 takes the end of the file for a checksum to ignore in IEND: both are
	 * -1. */
	return status ? status : source->status;
}

/* Takes the file over; NULL: it could not be opened, and errno says why. */
static bool read_file(
	struct vgt_image *image, FILE *file, const struct vgt_image *like, struct vgt_err *err)
{
	*image = (struct vgt_image){0};
	struct png_source source = {.file = file};
	if (!file) {
		return vgt_err_system(err, errno, "cannot open");
	}
	spng_ctx *spng = spng_ctx_new(0);
	const int status = spng ? decode(spng, &source, like, image) : SPNG_EMEM;
	spng_ctx_free(spng);
	fclose(file);
	if (status) {
		vgt_image_finish(image);
		return decode_failed(&source, status, err);
	}
	return true;
}

bool vgt_image_read_png(struct vgt_image *image, const char *path, struct vgt_err *err)
{
	return read_file(image, fopen(path, "rbe"), NULL, err);
}

bool vgt_image_read_png_like(
	struct vgt_image *image, int fd, const struct vgt_image *like, struct vgt_err *err)
{
	FILE *file = fdopen(fd, "rb");
	const int error = errno;
	if (!file) {
		close(fd);
		errno = error;
	}
	return read_file(image, file, like, err);
}

/* Where a PNG goes. */
struct png_target {
	FILE *file;
	struct new_file temporary;
	int error_number;
};

static int write_target(spng_ctx *spng, void *user, void *bytes, size_t size)
{
	struct png_target *target = user;

	(void)spng;
	if (fwrite(bytes, 1, size, target->file) != size) {
		target->error_number = errno;
		return SPNG_IO_ERROR;
	}
	return 0;
}

/* Ends the file: in its place when good, gone otherwise. */
static bool close_target(struct png_target *target, bool good, struct vgt_err *err)
{
	if (fclose(target->file) != 0 && good) {
		good = vgt_err_system(err, errno, "cannot write");
	}
	good = good && new_file_commit(&target->temporary, err);
	new_file_finish(&target->temporary);
	return good;
}

static bool open_target(struct png_target *target, const char *path, struct vgt_err *err)
{
	*target = (struct png_target){.temporary = {.fd = -1}};
	if (new_file_create_or_append(&target->temporary, path, err)) {
		target->file = new_file_stream(&target->temporary, err);
	}
	if (!target->file) {
		new_file_finish(&target->temporary);
	}
	return target->file != NULL;
}

static void drop_alpha(uint8_t *rgb, const uint8_t *rgba, uint32_t width)
{
	for (size_t x = 0; x < width; x++) {
		rgb[3 * x] = rgba[4 * x];
		rgb[3 * x + 1] = rgba[4 * x + 1];
		rgb[3 * x + 2] = rgba[4 * x + 2];
	}
}

/* All rows through the encoder; 0 or an spng error. */
static int encode_rows(spng_ctx *spng, const struct vgt_image *image, bool with_alpha)
{
	const size_t size = (size_t)image->width * (with_alpha ? 4 : 3);
	uint8_t *rgb = with_alpha ? NULL : malloc(size);
	int status = 0;

	if (!with_alpha && !rgb) {
		return SPNG_EMEM;
	}
	for (uint32_t y = 0; y < image->height && !status; y++) {
		const uint8_t *rgba = image->rgba + (size_t)y * image->width * 4;
		if (with_alpha) {
			status = spng_encode_row(spng, rgba, size);
		} else {
			drop_alpha(rgb, rgba, image->width);
			status = spng_encode_row(spng, rgb, size);
		}
	}
	free(rgb);
	return status == SPNG_EOI ? 0 : status;
}

static int encode(spng_ctx *spng, struct png_target *target, const struct vgt_image *image,
	bool with_alpha)
{
	struct spng_ihdr ihdr = {
		.width = image->width,
		.height = image->height,
		.bit_depth = 8,
		.color_type = with_alpha ? SPNG_COLOR_TYPE_TRUECOLOR_ALPHA
					 : SPNG_COLOR_TYPE_TRUECOLOR,
	};
	int status = spng_set_png_stream(spng, write_target, target);

	if (!status) {
		status = spng_set_ihdr(spng, &ihdr);
	}
	if (!status) {
		status = spng_set_option(spng, SPNG_IMG_COMPRESSION_LEVEL, 1);
	}
	if (!status) {
		status = spng_set_option(spng, SPNG_FILTER_CHOICE, SPNG_FILTER_CHOICE_UP);
	}
	if (!status) {
		status = spng_encode_image(spng, NULL, 0, SPNG_FMT_PNG,
			SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
	}
	return status ? status : encode_rows(spng, image, with_alpha);
}

static bool has_pixels(const struct vgt_image *image, struct vgt_err *err)
{
	return (image->width && image->height && image->width <= VGT_IMAGE_MAX_WIDTH &&
		       image->height <= VGT_IMAGE_MAX_HEIGHT) ||
	       vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
		       "%ux%u pixels cannot become a PNG, 1x1 to %dx%d can", image->width,
		       image->height, VGT_IMAGE_MAX_WIDTH, VGT_IMAGE_MAX_HEIGHT);
}

/* All of it into the target. */
static bool write_image(struct png_target *target, const struct vgt_image *image,
	bool with_alpha, struct vgt_err *err)
{
	spng_ctx *spng = spng_ctx_new(SPNG_CTX_ENCODER);
	const int status = spng ? encode(spng, target, image, with_alpha) : SPNG_EMEM;

	spng_ctx_free(spng);
	if (status && target->error_number) {
		vgt_err_system(err, target->error_number, "cannot write");
	} else if (status) {
		vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "cannot encode: %s",
			spng_strerror(status));
	}
	return !status;
}

bool vgt_image_write_png(
	const struct vgt_image *image, const char *path, bool with_alpha, struct vgt_err *err)
{
	struct png_target target;

	if (!has_pixels(image, err) || !open_target(&target, path, err)) {
		return false;
	}
	const bool good = write_image(&target, image, with_alpha, err);
	return close_target(&target, good, err);
}

static bool is_opaque(const struct vgt_image *image)
{
	const size_t samples = (size_t)image->width * image->height * 4;

	for (size_t i = 3; i < samples; i += 4) {
		if (image->rgba[i] != 255) {
			return false;
		}
	}
	return true;
}

bool vgt_image_encode_png(
	const struct vgt_image *image, uint8_t **png, size_t *size, struct vgt_err *err)
{
	char *bytes = NULL;

	*png = NULL;
	if (!has_pixels(image, err)) {
		return false;
	}
	struct png_target target = {.file = open_memstream(&bytes, size)};
	if (!target.file) {
		return vgt_err_system(err, errno, "cannot encode");
	}
	bool good = write_image(&target, image, !is_opaque(image), err);
	if (fclose(target.file) != 0 && good) {
		good = vgt_err_system(err, errno, "cannot encode");
	}
	if (good) {
		*png = (uint8_t *)bytes;
	} else {
		free(bytes);
	}
	return good;
}

void vgt_image_finish(struct vgt_image *image)
{
	if (image) {
		free(image->rgba);
		free(image->rgba16);
		*image = (struct vgt_image){0};
	}
}
