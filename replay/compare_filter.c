/* SPDX-License-Identifier: MIT */
#include "compare_filter.h"

#include "compare_rows.h"
#include "processor.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNELS    4
#define THREADS_MAX 4
#define BAND_PIXELS (1u << 18) /* less is done before a thread has begun */
#define NEGLIGIBLE  1e-8

struct filter filter_of(const double *weights, size_t radius)
{
	struct filter filter = {0};
	double largest = 0;
	size_t reach = radius;

	for (size_t i = 0; i < 2 * radius + 1; i++) {
		largest = fmax(largest, fabs(weights[i]));
	}
	while (reach > 0 && fabs(weights[radius - reach]) < largest * NEGLIGIBLE &&
		fabs(weights[radius + reach]) < largest * NEGLIGIBLE) {
		reach--;
	}
	filter.radius = reach;
	for (size_t i = 0; i < 2 * reach + 1; i++) {
		filter.weights[i] = (float)weights[radius - reach + i];
	}
	return filter;
}

typedef float vector __attribute__((vector_size(32), aligned(4), may_alias));
#define LANES (sizeof(vector) / sizeof(float))

static inline __attribute__((always_inline)) void sum_rows(float *restrict out,
	const float *const *rows, const float *weights, size_t count, size_t width)
{
	for (size_t x = 0; x < width; x += FILTER_STEP) {
		vector sums[FILTER_STEP / LANES] = {{0}};
		for (size_t i = 0; i < count; i++) {
			const vector *from = (const vector *)(rows[i] + x);
			sums[0] += from[0] * weights[i];
			sums[1] += from[1] * weights[i];
			sums[2] += from[2] * weights[i];
			sums[3] += from[3] * weights[i];
		}
		vector *const to = (vector *)(out + x);
		to[0] = sums[0];
		to[1] = sums[1];
		to[2] = sums[2];
		to[3] = sums[3];
	}
}

static void sum_rows_portable(
	float *out, const float *const *rows, const float *weights, size_t count, size_t width)
{
	sum_rows(out, rows, weights, count, width);
}

PROCESSOR_AVX2 static void sum_rows_avx2(
	float *out, const float *const *rows, const float *weights, size_t count, size_t width)
{
	sum_rows(out, rows, weights, count, width);
}

void filter_sum(
	float *out, const float *const *rows, const float *weights, size_t count, size_t width)
{
	(processor_has_avx2() ? sum_rows_avx2 : sum_rows_portable)(
		out, rows, weights, count, width);
}

bool filter_window_init(
	struct filter_window *window, uint32_t width, size_t radius, size_t lanes)
{
	const size_t rows = 2 * radius + 1;

	*window = (struct filter_window){
		.radius = radius,
		.pitch = (width + FILTER_STEP - 1) / FILTER_STEP * FILTER_STEP,
	};
	window->floats = calloc(rows * lanes, window->pitch * sizeof(float));
	window->line = calloc(window->pitch + 2 * radius, sizeof(float));
	window->row = malloc(rows * sizeof(*window->row));
	if (!window->floats || !window->line || !window->row) {
		return false;
	}
	for (size_t i = 0; i < rows; i++) {
		window->row[i] = -1 - (int64_t)radius;
	}
	return true;
}

void filter_window_finish(struct filter_window *window)
{
	free(window->floats);
	free(window->line);
	free(window->row);
	*window = (struct filter_window){0};
}

static size_t place_of(const struct filter_window *window, int64_t y)
{
	const size_t rows = 2 * window->radius + 1;

	return (size_t)(y + (int64_t)rows) % rows; /* y is at least -radius */
}

float *filter_window_row(const struct filter_window *window, size_t lane, int64_t y)
{
	const size_t rows = 2 * window->radius + 1;

	return window->floats + (lane * rows + place_of(window, y)) * window->pitch;
}

bool filter_window_lacks(struct filter_window *window, int64_t y)
{
	int64_t *const row = &window->row[place_of(window, y)];
	const bool lacks = *row != y;

	*row = y;
	return lacks;
}

void filter_window_along(struct filter_window *window, const struct filter *filter, size_t lane,
	int64_t y, uint32_t width)
{
	const float *shifted[2 * FILTER_RADIUS_MAX + 1];
	const size_t count = 2 * filter->radius + 1;

	for (size_t i = 0; i < count; i++) {
		shifted[i] = window->line + window->radius - filter->radius + i;
	}
	filter_sum(filter_window_row(window, lane, y), shifted, filter->weights, count, width);
}

void filter_window_across(const struct filter_window *window, const struct filter *filter,
	size_t lane, int64_t y, float *out, uint32_t width)
{
	const float *rows[2 * FILTER_RADIUS_MAX + 1];
	const size_t count = 2 * filter->radius + 1;

	for (size_t i = 0; i < count; i++) {
		rows[i] = filter_window_row(
			window, lane, y - (int64_t)filter->radius + (int64_t)i);
	}
	filter_sum(out, rows, filter->weights, count, width);
}

/* Bands */

struct band {
	bool (*work)(void *context, uint32_t first, uint32_t end);
	void *context;
	uint32_t first, end;
	bool good;
};

static void *run_band(void *argument)
{
	struct band *band = argument;

	band->good = band->work(band->context, band->first, band->end);
	return NULL;
}

static size_t count_bands(uint32_t width, uint32_t height)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = (size_t)((uint64_t)width * height / BAND_PIXELS);

	count = processors > 0 && (size_t)processors < count ? (size_t)processors : count;
	count = count > THREADS_MAX ? THREADS_MAX : count;
	return count > 0 ? count : 1;
}

bool filter_in_bands(uint32_t width, uint32_t height,
	bool (*work)(void *context, uint32_t first, uint32_t end), void *context)
{
	struct band bands[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	bool running[THREADS_MAX] = {false};
	const size_t count = count_bands(width, height);
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		bands[i] = (struct band){
			.work = work,
			.context = context,
			.first = (uint32_t)((uint64_t)height * i / count),
			.end = (uint32_t)((uint64_t)height * (i + 1) / count),
		};
		/* the last is done here, and so is one for which there is no thread */
		running[i] = i + 1 < count &&
			     pthread_create(&threads[i], NULL, run_band, &bands[i]) == 0;
	}
	for (size_t i = count; i-- > 0;) {
		if (running[i]) {
			pthread_join(threads[i], NULL);
		} else {
			run_band(&bands[i]);
		}
		good = bands[i].good && good;
	}
	return good;
}

/* Sources */

static void put_rgb(const uint8_t *rgba, uint32_t begin, uint32_t end, uint8_t *rgb)
{
	for (size_t x = begin; x < end; x++) {
		const unsigned alpha = rgba[CHANNELS * x + VGT_CHANNEL_ALPHA];
		for (size_t i = 0; i < 3; i++) {
			const unsigned sample = rgba[CHANNELS * x + i];
			rgb[3 * x + i] =
				(uint8_t)((sample * alpha + 255 * (255 - alpha) + 127) / 255);
		}
	}
}

void filter_source_row(const struct vgt_image *image, const struct vgt_image *shown,
	const struct vgt_tolerance *tolerance, uint32_t y, uint8_t *rgb)
{
	const size_t row = (size_t)y * image->width * CHANNELS;
	struct compare_span spans[VGT_IGNORED_MAX + 1];
	const size_t count = compare_spans(tolerance, image->width, y, spans);

	if (tolerance->ignored_count > 0) {
		put_rgb(shown->rgba + row, 0, image->width, rgb);
	}
	for (size_t i = 0; i < count; i++) {
		put_rgb(image->rgba + row, spans[i].begin, spans[i].end, rgb);
	}
}

bool filter_same_row(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, uint32_t y)
{
	const size_t row = (size_t)y * a->width;
	struct compare_span spans[VGT_IGNORED_MAX + 1];
	const size_t count = compare_spans(tolerance, a->width, y, spans);

	for (size_t i = 0; i < count; i++) {
		const size_t at = (row + spans[i].begin) * CHANNELS;
		if (memcmp(a->rgba + at, b->rgba + at,
			    (size_t)(spans[i].end - spans[i].begin) * CHANNELS) != 0) {
			return false;
		}
	}
	return true;
}

double filter_sum_row(
	const struct vgt_tolerance *tolerance, uint32_t width, uint32_t y, const float *values)
{
	struct compare_span spans[VGT_IGNORED_MAX + 1];
	const size_t count = compare_spans(tolerance, width, y, spans);
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t x = spans[i].begin; x < spans[i].end; x++) {
			sum += values[x];
		}
	}
	return sum;
}
