/* SPDX-License-Identifier: MIT */
/*
 * What comparing costs without reading the files: `bench_compare A.png B.png ROUNDS` decodes
 * them once and prints a line for each metric, its name and the median of its times in ms. The
 * first is memcmp() of A with a copy of it: how fast this machine reads memory.
 */
#include "compare.h"
#include "png_image.h"
#include "tolerance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 1000

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_median(const char *name, double *times, size_t count)
{
	qsort(times, count, sizeof(*times), by_size);
	printf("%s %.3f\n", name, times[count / 2]);
}

/* Not to be optimised away. */
static volatile int seen;

static bool time_memcmp(const struct vgt_image *a, size_t rounds)
{
	const size_t size = (size_t)a->width * a->height * 4;
	uint8_t *copy = malloc(size);
	double times[ROUNDS_MAX];

	if (!copy) {
		return false;
	}
	memcpy(copy, a->rgba, size);
	for (size_t i = 0; i < rounds; i++) {
		const double begin = now_ms();
		seen = memcmp(a->rgba, copy, size);
		times[i] = now_ms() - begin;
	}
	free(copy);
	print_median("memcmp", times, rounds);
	return true;
}

static bool time_metric(const struct vgt_image *a, const struct vgt_image *b,
	enum vgt_metric metric, size_t rounds)
{
	const struct vgt_tolerance tolerance = vgt_tolerance_of(metric);
	struct vgt_comparison result;
	struct vgt_err err;
	double times[ROUNDS_MAX];

	for (size_t i = 0; i < rounds; i++) {
		const double begin = now_ms();
		if (!vgt_compare_images(a, b, &tolerance, &result, &err)) {
			fprintf(stderr, "bench_compare: %s\n", err.message);
			return false;
		}
		times[i] = now_ms() - begin;
	}
	print_median(vgt_metric_name(metric), times, rounds);
	return true;
}

static bool read_image(struct vgt_image *image, const char *path)
{
	struct vgt_err err;

	if (!vgt_image_read_png(image, path, &err)) {
		fprintf(stderr, "bench_compare: %s: %s\n", path, err.message);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct vgt_image a = {0};
	struct vgt_image b = {0};
	const long rounds = argc == 4 ? strtol(argv[3], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fputs("usage: bench_compare A.png B.png ROUNDS\n", stderr);
		return 2;
	}
	bool good = read_image(&a, argv[1]) && read_image(&b, argv[2]) &&
		    time_memcmp(&a, (size_t)rounds);
	for (int metric = 0; good && metric < VGT_METRIC_COUNT; metric++) {
		good = time_metric(&a, &b, (enum vgt_metric)metric, (size_t)rounds);
	}
	vgt_image_finish(&a);
	vgt_image_finish(&b);
	return good ? 0 : 1;
}
