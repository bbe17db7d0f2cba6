/* SPDX-License-Identifier: MIT */
/*
 * Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
 * structural similarity" (2004): its window and constants. The statistics are those of the
 * population (divided by the weights' sum, 1), as in the paper.
 */
#include "compare_filter.h"
#include "compare_metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define RADIUS    5
#define DEVIATION 1.5
#define MIDDLE    128
#define C1        (0.01f * 255 * 0.01f * 255)
#define C2        (0.03f * 255 * 0.03f * 255)

/* Means of both lumas, of their squares and of their product. */
enum lane { LANE_A, LANE_B, LANE_AA, LANE_BB, LANE_AB, LANE_COUNT };

struct job {
	const struct vgt_image *a, *b;
	const struct vgt_tolerance *tolerance;
	struct filter gaussian;
	double *sums; /* of each row */
};

/* What one thread needs. */
struct room {
	struct filter_window window;
	uint8_t *rgb;
	float *luma_a, *luma_b;
	float *means[LANE_COUNT];
	float *similarity;
};

static struct filter make_gaussian(void)
{
	double weights[2 * RADIUS + 1];
	double sum = 0;

	for (int i = -RADIUS; i <= RADIUS; i++) {
		weights[i + RADIUS] = exp(-i * i / (2 * DEVIATION * DEVIATION));
		sum += weights[i + RADIUS];
	}
	for (int i = 0; i <= 2 * RADIUS; i++) {
		weights[i] /= sum;
	}
	return filter_of(weights, RADIUS);
}

static bool init_room(struct room *room, uint32_t width)
{
	*room = (struct room){0};
	bool good = filter_window_init(&room->window, width, RADIUS, LANE_COUNT);
	const size_t pitch = room->window.pitch;

	room->rgb = malloc((size_t)width * 3);
	room->luma_a = malloc(width * sizeof(float));
	room->luma_b = malloc(width * sizeof(float));
	room->similarity = malloc(width * sizeof(float));
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		room->means[lane] = malloc(pitch * sizeof(float));
		good = good && room->means[lane];
	}
	return good && room->rgb && room->luma_a && room->luma_b && room->similarity;
}

static void finish_room(struct room *room)
{
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		free(room->means[lane]);
	}
	free(room->similarity);
	free(room->luma_b);
	free(room->luma_a);
	free(room->rgb);
	filter_window_finish(&room->window);
}

/* As a mirror at the border has it, which shows the border's pixel again; as often as needed in
 * pictures smaller than the window. */
static uint32_t mirrored(int64_t at, uint32_t size)
{
	while (at < 0 || at >= size) {
		at = at < 0 ? -1 - at : 2 * (int64_t)size - 1 - at;
	}
	return (uint32_t)at;
}

/* Of ITU-R BT.601, from the middle: squares of smaller numbers keep more of their digits. */
static void take_luma(const struct job *job, const struct vgt_image *image, uint32_t y,
	struct room *room, float *luma)
{
	const uint8_t *rgb = room->rgb;

	filter_source_row(image, job->a, job->tolerance, y, room->rgb);
	for (size_t x = 0; x < image->width; x++) {
		luma[x] = 0.299f * rgb[3 * x] + 0.587f * rgb[3 * x + 1] +
			  0.114f * rgb[3 * x + 2] - MIDDLE;
	}
}

static void fill_lane(const struct job *job, struct room *room, enum lane lane, int64_t y,
	const float *left, const float *right)
{
	struct filter_window *window = &room->window;
	const uint32_t width = job->a->width;
	float *line = window->line + RADIUS;

	for (size_t x = 0; x < width; x++) {
		line[x] = right ? left[x] * right[x] : left[x];
	}
	for (int i = 1; i <= RADIUS; i++) {
		line[-i] = line[mirrored(-i, width)];
		line[width - 1 + (size_t)i] = line[mirrored((int64_t)width - 1 + i, width)];
	}
	filter_window_along(window, &job->gaussian, lane, y, width);
}

/* Brings row y into the window. */
static void fill_row(const struct job *job, struct room *room, int64_t y)
{
	const uint32_t source = mirrored(y, job->a->height);

	if (!filter_window_lacks(&room->window, y)) {
		return;
	}
	take_luma(job, job->a, source, room, room->luma_a);
	take_luma(job, job->b, source, room, room->luma_b);
	fill_lane(job, room, LANE_A, y, room->luma_a, NULL);
	fill_lane(job, room, LANE_B, y, room->luma_b, NULL);
	fill_lane(job, room, LANE_AA, y, room->luma_a, room->luma_a);
	fill_lane(job, room, LANE_BB, y, room->luma_b, room->luma_b);
	fill_lane(job, room, LANE_AB, y, room->luma_a, room->luma_b);
}

static void measure_row(const struct job *job, struct room *room, uint32_t y)
{
	float *const *means = room->means;

	for (int64_t near = (int64_t)y - RADIUS; near <= (int64_t)y + RADIUS; near++) {
		fill_row(job, room, near);
	}
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		filter_window_across(&room->window, &job->gaussian, (size_t)lane, y,
			means[lane], job->a->width);
	}
	for (size_t x = 0; x < job->a->width; x++) {
		const float a = means[LANE_A][x], b = means[LANE_B][x];
		const float variance_a = means[LANE_AA][x] - a * a;
		const float variance_b = means[LANE_BB][x] - b * b;
		const float covariance = means[LANE_AB][x] - a * b;
		const float luma_a = a + MIDDLE, luma_b = b + MIDDLE;
		room->similarity[x] = (2 * luma_a * luma_b + C1) * (2 * covariance + C2) /
				      ((luma_a * luma_a + luma_b * luma_b + C1) *
					      (variance_a + variance_b + C2));
	}
}

/* Where all rows around are the same: every pixel is as similar as can be. */
static bool is_same_around(const struct job *job, uint32_t y)
{
	for (int64_t near = (int64_t)y - RADIUS; near <= (int64_t)y + RADIUS; near++) {
		if (!filter_same_row(
			    job->a, job->b, job->tolerance, mirrored(near, job->a->height))) {
			return false;
		}
	}
	return true;
}

static bool measure_rows(void *context, uint32_t first, uint32_t end)
{
	const struct job *job = context;
	struct room room;
	const bool good = init_room(&room, job->a->width);

	for (uint32_t y = first; y < end && good; y++) {
		if (is_same_around(job, y)) {
			for (size_t x = 0; x < job->a->width; x++) {
				room.similarity[x] = 1;
			}
		} else {
			measure_row(job, &room, y);
		}
		job->sums[y] =
			filter_sum_row(job->tolerance, job->a->width, y, room.similarity);
	}
	finish_room(&room);
	return good;
}

bool compare_ssim(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result,
	struct vgt_err *err)
{
	struct job job = {
		.a = a,
		.b = b,
		.tolerance = tolerance,
		.gaussian = make_gaussian(),
		.sums = calloc((size_t)a->height + 1, sizeof(*job.sums)),
	};
	double sum = 0;

	if (!job.sums || !filter_in_bands(a->width, a->height, measure_rows, &job)) {
		free(job.sums);
		return vgt_err_system(err, ENOMEM, "cannot measure SSIM");
	}
	for (uint32_t y = 0; y < a->height; y++) {
		sum += job.sums[y];
	}
	result->value = result->pixels > 0 ? sum / (double)result->pixels : 1;
	free(job.sums);
	return true;
}
