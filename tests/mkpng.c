/* SPDX-License-Identifier: MIT */
/* Makes PNG files for the tests of the command line: one colour, with rectangles of others. */
#include "png_image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct vgt_image *image, uint32_t left, uint32_t top, uint32_t width,
	uint32_t height, uint32_t colour)
{
	for (uint32_t y = top; y < top + height; y++) {
		for (uint32_t x = left; x < left + width; x++) {
			uint8_t *pixel = image->rgba + ((size_t)y * image->width + x) * 4;
			for (int channel = 0; channel < 4; channel++) {
				pixel[channel] = (uint8_t)(colour >> (24 - 8 * channel));
			}
		}
	}
}

static bool parse_colour(const char *text, uint32_t *colour)
{
	char end;

	return strlen(text) == 8 && sscanf(text, "%8" SCNx32 "%c", colour, &end) == 1;
}

/* "X,Y,WxH" inside the image. */
static bool parse_area(const char *text, const struct vgt_image *image, uint32_t area[4])
{
	char end;

	return sscanf(text, "%5" SCNu32 ",%5" SCNu32 ",%5" SCNu32 "x%5" SCNu32 "%c", &area[0],
		       &area[1], &area[2], &area[3], &end) == 4 &&
	       area[0] + area[2] <= image->width && area[1] + area[3] <= image->height;
}

static bool draw(struct vgt_image *image, int argc, char **argv)
{
	uint32_t area[4];
	uint32_t colour;

	if (!parse_colour(argv[0], &colour)) {
		return false;
	}
	fill(image, 0, 0, image->width, image->height, colour);
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!parse_area(argv[i], image, area) || !parse_colour(argv[i + 1], &colour)) {
			return false;
		}
		fill(image, area[0], area[1], area[2], area[3], colour);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct vgt_image image = {0};
	struct vgt_err err;
	char end;
	bool good;

	good = argc >= 4 && argc % 2 == 0 &&
	       sscanf(argv[2], "%5" SCNu32 "x%5" SCNu32 "%c", &image.width, &image.height,
		       &end) == 2 &&
	       image.width <= VGT_IMAGE_MAX_WIDTH && image.height <= VGT_IMAGE_MAX_HEIGHT;
	if (good) {
		image.rgba = malloc((size_t)image.width * image.height * 4 + 1);
		good = image.rgba && draw(&image, argc - 3, argv + 3);
	}
	if (!good) {
		fputs("usage: mkpng OUT.png WxH RRGGBBAA [X,Y,WxH RRGGBBAA]...\n", stderr);
	} else if (!vgt_image_write_png(&image, argv[1], true, &err)) {
		fprintf(stderr, "mkpng: %s: %s\n", argv[1], err.message);
		good = false;
	}
	vgt_image_finish(&image);
	return good ? 0 : 2;
}
