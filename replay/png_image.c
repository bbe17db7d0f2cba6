/* SPDX-License-Identifier: MIT */
#include "png_image.h"

#include "new_file.h"

#include <errno.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>

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
