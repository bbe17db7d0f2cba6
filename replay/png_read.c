/* SPDX-License-Identifier: MIT */
#include "png_image.h"
#include "png_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool read_row(
	struct png_rows *rows, struct vgt_image *image, uint32_t y, struct vgt_err *err)
{
	const size_t samples = (size_t)image->width * 4;

	if (!image->rgba16) {
		return png_rows_read(rows, image->rgba + y * samples, err);
	}
	if (!png_rows_read(rows, image->rgba16 + y * samples, err)) {
		return false;
	}
	for (size_t i = y * samples; i < (y + 1) * samples; i++) {
		image->rgba[i] = vgt_image_rounded(image->rgba16[i]);
	}
	return true;
}

static bool allocate(struct vgt_image *image, const struct png_rows *rows, struct vgt_err *err)
{
	const size_t samples = (size_t)image->width * image->height * 4;
	const bool deep = png_rows_sample_bits(rows) == 16;

	image->rgba = malloc(samples);
	image->rgba16 = deep ? malloc(samples * sizeof(*image->rgba16)) : NULL;
	return (image->rgba && (!deep || image->rgba16)) ||
	       vgt_err_system(err, ENOMEM, "cannot decode");
}

static bool read_rows(struct png_rows *rows, struct vgt_image *image,
	const struct vgt_image *like, struct vgt_err *err)
{
	image->width = png_rows_width(rows);
	image->height = png_rows_height(rows);
	if (like && (like->width != image->width || like->height != image->height)) {
		return true;
	}
	bool good = allocate(image, rows, err);
	for (uint32_t y = 0; y < image->height && good; y++) {
		good = read_row(rows, image, y, err);
	}
	return good;
}

/* Takes the file over; NULL: it could not be opened, and errno says why. */
static bool read_file(
	struct vgt_image *image, FILE *file, const struct vgt_image *like, struct vgt_err *err)
{
	struct png_rows *rows = png_rows_open(file, err);
	*image = (struct vgt_image){0};

	const bool good = rows && read_rows(rows, image, like, err);
	png_rows_close(rows);
	if (!good) {
		vgt_image_finish(image);
	}
	return good;
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
