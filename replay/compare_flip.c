/* SPDX-License-Identifier: MIT */
/*
 * LDR-FLIP: Andersson, Nilsson, Akenine-Moller, Oskarsson, Astrom and Fairchild, "FLIP: a
 * difference evaluator for alternating images" (2020), with its constants. Its filters are sums
 * of products of two in one dimension each, and so are done along the rows and then across.
 */
#include "compare_filter.h"
#include "compare_metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Section 4.1: the contrast sensitivity's Gaussians, of the achromatic channel, of red against
 * green and of blue against yellow: amplitude and breadth in square degrees. */
struct gaussian {
	double amplitude, breadth;
};
static const struct gaussian achromatic = {1, 0.0047};
static const struct gaussian red_green = {1, 0.0053};
static const struct gaussian blue_yellow[2] = {{34.1, 0.04}, {13.5, 0.025}};

/* Sections 4.1.3 and 4.3: compression of large differences, and the weight of features. */
#define COLOUR_POWER    0.7
#define KNEE            0.4 /* of the largest difference, which becomes */
#define KNEE_ERROR      0.95f
#define FEATURE_DEGREES 0.082

/* What is kept of each row. The feature lanes are of the achromatic channel. */
enum lane {
	LANE_Y,
	LANE_CX,
	LANE_CZ_BROAD,
	LANE_CZ_NARROW,
	LANE_SMOOTH, /* for features: Gaussian, */
	LANE_EDGE,   /* its first derivative, */
	LANE_POINT,  /* and its second */
	LANE_COUNT,
};

/* The same of a row of the result. */
enum feature {
	EDGE_X,
	EDGE_Y,
	POINT_X,
	POINT_Y,
	FEATURE_COUNT,
};

struct triple {
	float x, y, z;
};

struct job {
	const struct vgt_image *a, *b;
	const struct vgt_tolerance *tolerance;
	size_t radius;
	struct filter along[LANE_COUNT], across[LANE_COUNT];
	float linear[256]; /* of an sRGB sample */
	float largest;     /* difference of colours, compressed */
	float *map;        /* or NULL */
	double *sums;      /* of each row */
};

/* One picture, for one thread. */
struct side {
	const struct vgt_image *image;
	struct filter_window window;
	float *colour[3];               /* of a row, filtered */
	float *features[FEATURE_COUNT]; /* the same */
};

struct room {
	struct side a, b;
	uint8_t *rgb;
	float *opponent[3];
	float *error;
};

/* Colours */

/* Of linear sRGB; the white of D65. */
static struct triple xyz_of(float red, float green, float blue)
{
	return (struct triple){
		0.4123865632529917f * red + 0.35759149092062537f * green +
			0.18045049120356368f * blue,
		0.21263682167732384f * red + 0.7151829818412507f * green +
			0.07218019648142547f * blue,
		0.019330620152483987f * red + 0.11919716364020845f * green +
			0.9503725870054354f * blue,
	};
}

#define WHITE_X 0.9504285453771807f
#define WHITE_Z 1.0889003707981277f

static float linear_of_srgb(double sample)
{
	return (float)(sample <= 0.04045 ? sample / 12.92 : pow((sample + 0.055) / 1.055, 2.4));
}

/* Linear sRGB, within its gamut, of YyCxCz. */
static struct triple rgb_of_opponent(float luma, float cx, float cz)
{
	const float y = (luma + 16) / 116;
	const float x = WHITE_X * (y + cx / 500);
	const float z = WHITE_Z * (y - cz / 200);
	const float red = 3.241003275f * x - 1.537398934f * y - 0.498615861f * z;
	const float green = -0.969224334f * x + 1.875930071f * y + 0.041554224f * z;
	const float blue = 0.055639423f * x - 0.204011202f * y + 1.057148933f * z;

	return (struct triple){
		fminf(fmaxf(red, 0), 1), fminf(fmaxf(green, 0), 1), fminf(fmaxf(blue, 0), 1)};
}

static float lab_curve(float t)
{
	const float delta = 6.0f / 29;

	return t > delta * delta * delta ? cbrtf(t) : t / (3 * delta * delta) + 4.0f / 29;
}

/* CIELAB, with less chroma in the dark after Hunt. */
static struct triple hunt_of_rgb(struct triple rgb)
{
	const struct triple xyz = xyz_of(rgb.x, rgb.y, rgb.z);
	const float x = lab_curve(xyz.x / WHITE_X);
	const float y = lab_curve(xyz.y);
	const float z = lab_curve(xyz.z / WHITE_Z);
	const float lightness = 116 * y - 16;

	return (struct triple){lightness, 0.01f * lightness * 500 * (x - y),
		0.01f * lightness * 200 * (y - z)};
}

static float hyab(struct triple a, struct triple b)
{
	return fabsf(a.x - b.x) + sqrtf((a.y - b.y) * (a.y - b.y) + (a.z - b.z) * (a.z - b.z));
}

static float compressed(float difference)
{
	return powf(difference, (float)COLOUR_POWER);
}

/* Filters */

/* The largest radius that a filter needs. */
static size_t radius_of(double pixels_per_degree)
{
	const double sensitivity =
		ceil(3 * sqrt(blue_yellow[0].breadth / (2 * M_PI * M_PI)) * pixels_per_degree);
	const double feature = ceil(3 * 0.5 * FEATURE_DEGREES * pixels_per_degree);

	return (size_t)fmax(sensitivity, feature);
}

static double gaussian_at(struct gaussian gaussian, double degrees)
{
	return exp(-M_PI * M_PI * degrees * degrees / gaussian.breadth);
}

/* Unscaled; the sum of all. */
static double sample_gaussian(
	double *weights, size_t radius, struct gaussian gaussian, double pixels_per_degree)
{
	double sum = 0;

	for (size_t i = 0; i < 2 * radius + 1; i++) {
		const double pixels = (double)i - (double)radius;
		weights[i] = gaussian_at(gaussian, pixels / pixels_per_degree);
		sum += weights[i];
	}
	return sum;
}

static struct filter scaled(const double *weights, size_t radius, double scale)
{
	double result[2 * FILTER_RADIUS_MAX + 1];

	for (size_t i = 0; i < 2 * radius + 1; i++) {
		result[i] = weights[i] * scale;
	}
	return filter_of(result, radius);
}

static void make_sensitivity(
	struct job *job, enum lane lane, struct gaussian gaussian, double pixels_per_degree)
{
	double weights[2 * FILTER_RADIUS_MAX + 1];
	const double sum = sample_gaussian(weights, job->radius, gaussian, pixels_per_degree);

	job->along[lane] = job->across[lane] = scaled(weights, job->radius, 1 / sum);
}

/* The two together sum up to 1. */
static void make_blue_yellow(struct job *job, double pixels_per_degree)
{
	double weights[2][2 * FILTER_RADIUS_MAX + 1];
	double amplitude[2], sum = 0;

	for (int i = 0; i < 2; i++) {
		const double side = sample_gaussian(
			weights[i], job->radius, blue_yellow[i], pixels_per_degree);
		amplitude[i] = blue_yellow[i].amplitude * sqrt(M_PI / blue_yellow[i].breadth);
		sum += amplitude[i] * side * side;
	}
	for (int i = 0; i < 2; i++) {
		job->along[LANE_CZ_BROAD + i] =
			scaled(weights[i], job->radius, amplitude[i] / sum);
		job->across[LANE_CZ_BROAD + i] = scaled(weights[i], job->radius, 1);
	}
}

/* Scales what is above zero to a sum of 1, and what is below to one of -1. */
static void balance(double *weights, size_t count)
{
	double above = 0, below = 0;

	for (size_t i = 0; i < count; i++) {
		*(weights[i] > 0 ? &above : &below) += fabs(weights[i]);
	}
	for (size_t i = 0; i < count; i++) {
		weights[i] /= weights[i] > 0 ? above : below;
	}
}

static void make_features(struct job *job, double pixels_per_degree)
{
	const double deviation = 0.5 * FEATURE_DEGREES * pixels_per_degree;
	const size_t radius = (size_t)ceil(3 * deviation);
	const size_t count = 2 * radius + 1;
	double smooth[2 * FILTER_RADIUS_MAX + 1], edge[2 * FILTER_RADIUS_MAX + 1],
		point[2 * FILTER_RADIUS_MAX + 1];
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		const double x = (double)i - (double)radius;
		smooth[i] = exp(-x * x / (2 * deviation * deviation));
		edge[i] = -x * smooth[i];
		point[i] = (x * x / (deviation * deviation) - 1) * smooth[i];
		sum += smooth[i];
	}
	balance(edge, count);
	balance(point, count);
	job->along[LANE_SMOOTH] = job->across[LANE_SMOOTH] = scaled(smooth, radius, 1 / sum);
	job->along[LANE_EDGE] = job->across[LANE_EDGE] = filter_of(edge, radius);
	job->along[LANE_POINT] = job->across[LANE_POINT] = filter_of(point, radius);
}

static void make_job(struct job *job)
{
	const double pixels_per_degree = job->tolerance->pixels_per_degree;
	const struct triple green = {0, 1, 0}, blue = {0, 0, 1};

	for (int i = 0; i < 256; i++) {
		job->linear[i] = linear_of_srgb(i / 255.0);
	}
	job->largest = compressed(hyab(hunt_of_rgb(green), hunt_of_rgb(blue)));
	job->radius = radius_of(pixels_per_degree);
	make_sensitivity(job, LANE_Y, achromatic, pixels_per_degree);
	make_sensitivity(job, LANE_CX, red_green, pixels_per_degree);
	make_blue_yellow(job, pixels_per_degree);
	make_features(job, pixels_per_degree);
}

/* Rows */

static bool init_side(struct side *side, const struct vgt_image *image, size_t radius)
{
	bool good = filter_window_init(&side->window, image->width, radius, LANE_COUNT);
	const size_t pitch = side->window.pitch;

	side->image = image;
	for (int i = 0; i < 3; i++) {
		side->colour[i] = malloc(pitch * sizeof(float));
		good = good && side->colour[i];
	}
	for (int i = 0; i < FEATURE_COUNT; i++) {
		side->features[i] = malloc(pitch * sizeof(float));
		good = good && side->features[i];
	}
	return good;
}

static void finish_side(struct side *side)
{
	for (int i = 0; i < 3; i++) {
		free(side->colour[i]);
	}
	for (int i = 0; i < FEATURE_COUNT; i++) {
		free(side->features[i]);
	}
	filter_window_finish(&side->window);
}

static bool init_room(struct room *room, const struct job *job)
{
	const uint32_t width = job->a->width;

	*room = (struct room){0};
	bool good = init_side(&room->a, job->a, job->radius);
	good = init_side(&room->b, job->b, job->radius) && good;
	const size_t pitch = room->a.window.pitch;
	room->rgb = malloc((size_t)width * 3);
	room->error = malloc(pitch * sizeof(float));
	for (int i = 0; i < 3; i++) {
		room->opponent[i] = malloc(pitch * sizeof(float));
		good = good && room->opponent[i];
	}
	return good && room->rgb && room->error;
}

static void finish_room(struct room *room)
{
	finish_side(&room->a);
	finish_side(&room->b);
	for (int i = 0; i < 3; i++) {
		free(room->opponent[i]);
	}
	free(room->rgb);
	free(room->error);
}

static uint32_t clamped(int64_t at, uint32_t size)
{
	return at < 0 ? 0 : at >= size ? size - 1 : (uint32_t)at;
}

/* YyCxCz of a row. */
static void take_opponent(
	const struct job *job, const struct vgt_image *image, uint32_t y, struct room *room)
{
	filter_source_row(image, job->a, job->tolerance, y, room->rgb);
	for (size_t x = 0; x < image->width; x++) {
		const uint8_t *rgb = room->rgb + 3 * x;
		const struct triple xyz =
			xyz_of(job->linear[rgb[0]], job->linear[rgb[1]], job->linear[rgb[2]]);
		room->opponent[0][x] = 116 * xyz.y - 16;
		room->opponent[1][x] = 500 * (xyz.x / WHITE_X - xyz.y);
		room->opponent[2][x] = 200 * (xyz.y - xyz.z / WHITE_Z);
	}
}

static void set_line(struct side *side, const float *values)
{
	const size_t radius = side->window.radius;
	const size_t width = side->image->width;
	float *line = side->window.line;

	memcpy(line + radius, values, width * sizeof(float));
	for (size_t i = 0; i < radius; i++) {
		line[i] = values[0];
		line[radius + width + i] = values[width - 1];
	}
}

/* Brings row y into the window. */
static void fill_row(const struct job *job, struct room *room, struct side *side, int64_t y)
{
	/* which quantity each lane is of */
	static const int source[LANE_COUNT] = {
		[LANE_CX] = 1, [LANE_CZ_BROAD] = 2, [LANE_CZ_NARROW] = 2};
	const uint32_t width = side->image->width;
	int in_line = -1;

	if (!filter_window_lacks(&side->window, y)) {
		return;
	}
	take_opponent(job, side->image, clamped(y, side->image->height), room);
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		if (in_line != source[lane]) {
			in_line = source[lane];
			set_line(side, room->opponent[in_line]);
		}
		filter_window_along(&side->window, &job->along[lane], (size_t)lane, y, width);
	}
}

static void filter_row(const struct job *job, struct room *room, struct side *side, uint32_t y)
{
	const struct filter *across = job->across;
	const struct filter_window *window = &side->window;
	const uint32_t width = side->image->width;
	float *const narrow = room->error; /* not in use yet */

	for (int64_t near = (int64_t)y - (int64_t)job->radius;
		near <= (int64_t)y + (int64_t)job->radius; near++) {
		fill_row(job, room, side, near);
	}
	filter_window_across(window, &across[LANE_Y], LANE_Y, y, side->colour[0], width);
	filter_window_across(window, &across[LANE_CX], LANE_CX, y, side->colour[1], width);
	filter_window_across(
		window, &across[LANE_CZ_BROAD], LANE_CZ_BROAD, y, side->colour[2], width);
	filter_window_across(window, &across[LANE_CZ_NARROW], LANE_CZ_NARROW, y, narrow, width);
	for (size_t x = 0; x < width; x++) {
		side->colour[2][x] += narrow[x];
	}
	filter_window_across(
		window, &across[LANE_SMOOTH], LANE_EDGE, y, side->features[EDGE_X], width);
	filter_window_across(
		window, &across[LANE_EDGE], LANE_SMOOTH, y, side->features[EDGE_Y], width);
	filter_window_across(
		window, &across[LANE_SMOOTH], LANE_POINT, y, side->features[POINT_X], width);
	filter_window_across(
		window, &across[LANE_POINT], LANE_SMOOTH, y, side->features[POINT_Y], width);
}

/* 0 to 1 */
static float colour_error(const struct job *job, const struct room *room, size_t x)
{
	const struct side *a = &room->a, *b = &room->b;
	const struct triple colour_a =
		hunt_of_rgb(rgb_of_opponent(a->colour[0][x], a->colour[1][x], a->colour[2][x]));
	const struct triple colour_b =
		hunt_of_rgb(rgb_of_opponent(b->colour[0][x], b->colour[1][x], b->colour[2][x]));
	const float difference = compressed(hyab(colour_a, colour_b));
	const float knee = (float)KNEE * job->largest;

	if (difference < knee) {
		return difference * KNEE_ERROR / knee;
	}
	return KNEE_ERROR + (difference - knee) / (job->largest - knee) * (1 - KNEE_ERROR);
}

/* How far features of a pair of directions differ; they are of a luma from 0 to 1. */
static float feature_difference(
	const struct room *room, enum feature along, enum feature across, size_t x)
{
	const struct side *a = &room->a, *b = &room->b;
	const float length_a = hypotf(a->features[along][x], a->features[across][x]);
	const float length_b = hypotf(b->features[along][x], b->features[across][x]);

	return fabsf(length_a - length_b) / 116;
}

static float pixel_error(const struct job *job, const struct room *room, size_t x)
{
	const float feature = fmaxf(feature_difference(room, EDGE_X, EDGE_Y, x),
		feature_difference(room, POINT_X, POINT_Y, x));
	const float colour = colour_error(job, room, x);

	/* the power of features is a half */
	return powf(colour, 1 - sqrtf(feature * (float)M_SQRT1_2));
}

/* Where all rows around are the same there is no error. */
static bool is_same_around(const struct job *job, uint32_t y)
{
	for (int64_t near = (int64_t)y - (int64_t)job->radius;
		near <= (int64_t)y + (int64_t)job->radius; near++) {
		if (!filter_same_row(
			    job->a, job->b, job->tolerance, clamped(near, job->a->height))) {
			return false;
		}
	}
	return true;
}

static void measure_row(const struct job *job, struct room *room, uint32_t y)
{
	const uint32_t width = job->a->width;

	if (is_same_around(job, y)) {
		memset(room->error, 0, width * sizeof(float));
	} else {
		filter_row(job, room, &room->a, y);
		filter_row(job, room, &room->b, y);
		for (size_t x = 0; x < width; x++) {
			room->error[x] = pixel_error(job, room, x);
		}
	}
	job->sums[y] = filter_sum_row(job->tolerance, width, y, room->error);
	if (job->map) {
		memcpy(job->map + (size_t)y * width, room->error, width * sizeof(float));
	}
}

static bool measure_rows(void *context, uint32_t first, uint32_t end)
{
	const struct job *job = context;
	struct room room;
	const bool good = init_room(&room, job);

	for (uint32_t y = first; y < end && good; y++) {
		measure_row(job, &room, y);
	}
	finish_room(&room);
	return good;
}

bool compare_flip(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result, float *map,
	struct vgt_err *err)
{
	struct job job = {
		.a = a,
		.b = b,
		.tolerance = tolerance,
		.map = map,
		.sums = calloc((size_t)a->height + 1, sizeof(*job.sums)),
	};
	double sum = 0;

	make_job(&job);
	if (!job.sums || !filter_in_bands(a->width, a->height, measure_rows, &job)) {
		free(job.sums);
		return vgt_err_system(err, ENOMEM, "cannot measure FLIP");
	}
	for (uint32_t y = 0; y < a->height; y++) {
		sum += job.sums[y];
	}
	result->value = result->pixels > 0 ? sum / (double)result->pixels : 0;
	free(job.sums);
	return true;
}
