/* SPDX-License-Identifier: MIT */
/*
 * Plants differences of known kinds into real frames: `planted DIR WxH FRAME.png...`.
 *
 * DIR/golden.png is W x H pixels of these frames side by side, repeated where there is room,
 * and on them a fan of triangles and a line, each edge covered by 4 samples of a pixel. Each
 * other file there, one for each of `kinds` below, is that picture with one difference. The
 * same arguments make the same files.
 */
#include "png_image.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIANGLES 12
#define NONE      (-1)

struct point {
	double x, y;
};

/* Where a pixel is sampled, from its top left. */
struct pattern {
	size_t count;
	struct point samples[8];
};

/* A square that is turned, and eight of which no two share a row or a column. */
static const struct pattern four = {
	4, {{0.375, 0.125}, {0.875, 0.375}, {0.125, 0.625}, {0.625, 0.875}}};
static const struct pattern eight = {
	8, {{0.5625, 0.3125}, {0.4375, 0.6875}, {0.8125, 0.5625}, {0.3125, 0.1875},
		   {0.1875, 0.8125}, {0.0625, 0.4375}, {0.6875, 0.9375}, {0.9375, 0.0625}}};

struct drawing {
	const struct pattern *pattern;
	int missing;       /* triangle, or NONE */
	double line_moved; /* down, in pixels */
};

struct scene {
	const struct vgt_image *frames;
	size_t frame_count;
	uint32_t cell_width, cell_height; /* room for each frame */
	struct point centre;
	double radius;
	struct point outline[TRIANGLES + 1];
};

static void set_outline(struct scene *scene)
{
	const double pi = acos(-1);

	for (int i = 0; i <= TRIANGLES; i++) {
		const double radius = scene->radius * (i % 2 ? 0.65 : 1);
		const double angle = 2 * pi * (i % TRIANGLES + 0.3) / TRIANGLES;
		scene->outline[i].x = scene->centre.x + radius * cos(angle);
		scene->outline[i].y = scene->centre.y + radius * sin(angle);
	}
}

/* Twice the area of the triangle a, b, p: its sign says on which side of the line p is. */
static double side(struct point a, struct point b, struct point p)
{
	return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
}

/* The triangle that covers a point, or NONE. */
static int triangle_at(const struct scene *scene, struct point p)
{
	if (hypot(p.x - scene->centre.x, p.y - scene->centre.y) > scene->radius) {
		return NONE;
	}
	for (int i = 0; i < TRIANGLES; i++) {
		const struct point a = scene->outline[i];
		const struct point b = scene->outline[i + 1];
		if (side(scene->centre, a, p) >= 0 && side(b, scene->centre, p) > 0) {
			return side(a, b, p) >= 0 ? i : NONE;
		}
	}
	return NONE;
}

/* Two pixels wide, below the fan, falling slightly. */
static bool line_at(const struct scene *scene, const struct drawing *drawing, struct point p)
{
	const double along = (p.x - scene->centre.x) / scene->radius;
	const double y =
		scene->centre.y + (1.2 + 0.07 * along) * scene->radius + drawing->line_moved;

	return fabs(along) < 1.5 && fabs(p.y - y) < 1;
}

/* The pixel of the frame that is below a pixel of the picture. */
static const uint8_t *below(const struct scene *scene, uint32_t x, uint32_t y)
{
	const size_t cell = x / scene->cell_width + (size_t)7 * (y / scene->cell_height);
	const struct vgt_image *frame = &scene->frames[cell % scene->frame_count];

	x = x % scene->cell_width % frame->width;
	y = y % scene->cell_height % frame->height;
	return frame->rgba + ((size_t)y * frame->width + x) * 4;
}

/* The colour of one sample: of what was drawn last. */
static void sample(const struct scene *scene, const struct drawing *drawing, uint32_t x,
	uint32_t y, struct point within, double rgb[3])
{
	const uint8_t *frame = below(scene, x, y);
	const struct point p = {x + within.x, y + within.y};
	const int triangle = triangle_at(scene, p);

	for (int i = 0; i < 3; i++) {
		rgb[i] = frame[i];
	}
	if (triangle != NONE && triangle != drawing->missing) {
		rgb[0] = 60 + 15 * triangle;
		rgb[1] = 200 - 12 * triangle;
		rgb[2] = triangle % 3 * 100;
	}
	if (line_at(scene, drawing, p)) {
		rgb[0] = rgb[1] = 255;
		rgb[2] = 128;
	}
}

static void draw(
	struct vgt_image *image, const struct scene *scene, const struct drawing *drawing)
{
	for (uint32_t y = 0; y < image->height; y++) {
		const bool plain = fabs(y - scene->centre.y) > 1.4 * scene->radius + 4;
		for (uint32_t x = 0; x < image->width; x++) {
			const size_t count = plain ? 1 : drawing->pattern->count;
			double sum[3] = {0};
			for (size_t i = 0; i < count; i++) {
				double rgb[3];
				sample(scene, drawing, x, y, drawing->pattern->samples[i], rgb);
				for (int c = 0; c < 3; c++) {
					sum[c] += rgb[c];
				}
			}
			uint8_t *pixel = image->rgba + ((size_t)y * image->width + x) * 4;
			for (int c = 0; c < 3; c++) {
				pixel[c] = (uint8_t)lround(sum[c] / (double)count);
			}
			pixel[3] = 255;
		}
	}
}

/* What is planted into the finished picture. */

static uint8_t *pixel_at(struct vgt_image *image, uint32_t x, uint32_t y)
{
	return image->rgba + ((size_t)y * image->width + x) * 4;
}

static void plant_pixel(struct vgt_image *image)
{
	uint8_t *pixel = pixel_at(image, image->width / 2 + 5, image->height / 2 + 9);

	for (int c = 0; c < 3; c++) {
		pixel[c] = pixel[c] > 127 ? 0 : 255;
	}
}

/* One row of pixels, by one to the right. */
static void plant_row(struct vgt_image *image)
{
	uint8_t *row = pixel_at(image, 0, image->height / 2 + 3);

	memmove(row + 4, row, ((size_t)image->width - 1) * 4);
}

static void plant_gamma(struct vgt_image *image)
{
	uint8_t table[256];

	for (int i = 0; i < 256; i++) {
		table[i] = (uint8_t)lround(255 * pow(i / 255.0, 1 / 1.1));
	}
	for (size_t i = 0; i < (size_t)image->width * image->height * 4; i++) {
		image->rgba[i] = table[image->rgba[i]];
	}
}

static void plant_swap(struct vgt_image *image)
{
	for (size_t i = 0; i < (size_t)image->width * image->height * 4; i += 4) {
		const uint8_t red = image->rgba[i];
		image->rgba[i] = image->rgba[i + 2];
		image->rgba[i + 2] = red;
	}
}

/* Each sample of a colour one more, one less or as it was. */
static void plant_noise(struct vgt_image *image)
{
	uint32_t state = 2463534242;

	for (size_t i = 0; i < (size_t)image->width * image->height * 4; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		const int value = image->rgba[i] + (int)(state % 3) - 1;
		if (i % 4 != 3 && value >= 0 && value <= 255) {
			image->rgba[i] = (uint8_t)value;
		}
	}
}

struct kind {
	const char *name;
	struct drawing drawing;
	void (*plant)(struct vgt_image *image); /* or NULL */
};

static const struct kind kinds[] = {
	{"golden", {&four, NONE, 0}, NULL},
	{"equal", {&four, NONE, 0}, NULL},
	{"pixel", {&four, NONE, 0}, plant_pixel},
	{"row", {&four, NONE, 0}, plant_row},
	{"line", {&four, NONE, 1}, NULL},
	{"edges", {&eight, NONE, 0}, NULL},
	{"triangle", {&four, 7, 0}, NULL},
	{"gamma", {&four, NONE, 0}, plant_gamma},
	{"swapped", {&four, NONE, 0}, plant_swap},
	{"noise", {&four, NONE, 0}, plant_noise},
};

static bool make(const struct kind *kind, const struct scene *scene, struct vgt_image *image,
	const char *directory)
{
	struct vgt_err err;
	char path[4096];

	draw(image, scene, &kind->drawing);
	if (kind->plant) {
		kind->plant(image);
	}
	snprintf(path, sizeof(path), "%s/%s.png", directory, kind->name);
	if (!vgt_image_write_png(image, path, false, &err)) {
		fprintf(stderr, "planted: %s: %s\n", path, err.message);
		return false;
	}
	return true;
}

static bool make_all(
	struct scene *scene, uint32_t width, uint32_t height, const char *directory)
{
	struct vgt_image image = {
		.width = width, .height = height, .rgba = malloc((size_t)width * height * 4)};
	bool good = image.rgba != NULL;

	scene->centre = (struct point){width / 2 + 0.3, height / 2 + 0.6};
	scene->radius = (width < height ? width : height) / 3.2;
	set_outline(scene);
	for (size_t i = 0; good && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		good = make(&kinds[i], scene, &image, directory);
	}
	vgt_image_finish(&image);
	return good;
}

static bool read_frames(struct scene *scene, struct vgt_image *frames, char **paths)
{
	struct vgt_err err;

	scene->frames = frames;
	for (; *paths; paths++) {
		struct vgt_image *frame = &frames[scene->frame_count];
		if (!vgt_image_read_png(frame, *paths, &err)) {
			fprintf(stderr, "planted: %s: %s\n", *paths, err.message);
			return false;
		}
		scene->frame_count++;
		scene->cell_width =
			frame->width > scene->cell_width ? frame->width : scene->cell_width;
		scene->cell_height =
			frame->height > scene->cell_height ? frame->height : scene->cell_height;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct scene scene = {0};
	uint32_t width, height;
	char end;

	if (argc < 4 ||
		sscanf(argv[2], "%5" SCNu32 "x%5" SCNu32 "%c", &width, &height, &end) != 2 ||
		width < 64 || height < 64 || width > VGT_IMAGE_MAX_WIDTH ||
		height > VGT_IMAGE_MAX_HEIGHT) {
		fputs("usage: planted DIR WxH FRAME.png..., from 64x64 to 16384x16384\n",
			stderr);
		return 2;
	}
	struct vgt_image *frames = calloc((size_t)argc, sizeof(*frames));
	const bool good = frames && read_frames(&scene, frames, argv + 3) &&
			  make_all(&scene, width, height, argv[1]);
	for (size_t i = 0; i < scene.frame_count; i++) {
		vgt_image_finish(&frames[i]);
	}
	free(frames);
	return good ? 0 : 2;
}
