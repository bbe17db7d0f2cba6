/* SPDX-License-Identifier: MIT */
/*
 * Each metric against the numbers of others, for pictures that are made here; tests/peers/
 * same_count.mjs makes the same.
 */
#include "compare.h"
#include "compare_files.h"
#include "processor.h"
#include "tolerance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH  64
#define HEIGHT 48

static uint32_t hash(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t value = a * 0x9e3779b1u ^ b * 0x85ebca77u ^ c * 0xc2b2ae3du;

	value = (value ^ value >> 15) * 0x2c1b3c6du;
	value = (value ^ value >> 12) * 0x297a2d39u;
	return value ^ value >> 15;
}

/* Plain blocks with edges between two colours, which b has moved a little; in places b has
 * noise, or other colours. */
static uint8_t make_sample(
	uint32_t seed, uint32_t x, uint32_t y, uint32_t channel, bool changed, bool translucent)
{
	const uint32_t column = x / 9, row = y / 7;
	const uint32_t here = hash(seed + column, row, channel) & 255;
	const uint32_t left = hash(seed + column - 1, row, channel) & 255;
	const uint32_t block = hash(seed, column, row) % 8;
	uint32_t value = here;

	if (channel == 3 && !translucent) {
		return 255;
	}
	if (x % 9 == 0) {
		const uint32_t part = changed && block < 4 ? 150 : 90;
		value = (here * part + left * (256 - part)) >> 8;
	}
	if (changed && block == 5) {
		value += hash(x, y, channel) % 24;
		value = value > 255 ? 255 : value;
	}
	if (changed && block == 6) {
		value = value * 7 / 8;
	}
	return (uint8_t)value;
}

static struct vgt_image make_image(
	uint32_t width, uint32_t height, uint32_t seed, bool changed, bool translucent)
{
	struct vgt_image image = {
		.width = width, .height = height, .rgba = malloc((size_t)width * height * 4)};
	uint8_t *at = image.rgba;

	assert_non_null(at);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			for (uint32_t channel = 0; channel < 4; channel++) {
				*at++ = make_sample(seed, x, y, channel, changed, translucent);
			}
		}
	}
	return image;
}

static struct vgt_comparison measure(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance)
{
	struct vgt_comparison result;
	struct vgt_err err = {0};

	if (!vgt_compare_images(a, b, tolerance, &result, &err)) {
		fail_msg("%s", err.message);
	}
	return result;
}

static void assert_close(double value, double wanted, double margin)
{
	if (!(fabs(value - wanted) <= margin)) {
		fail_msg("%.9g, not %.9g", value, wanted);
	}
}

/* pixelmatch 7.2.0, as tests/peers/same_count.mjs prints it. */
static void yiq_counts_what_pixelmatch_counts(void **state)
{
	static const double thresholds[] = {0.02, 0.05, 0.1, 0.2};
	static const uint64_t counts[2][5] = {{522, 332, 56, 0, 102}, {363, 189, 0, 0, 2}};
	struct vgt_tolerance tolerance = vgt_tolerance_of(VGT_METRIC_YIQ);

	(void)state;
	for (int translucent = 0; translucent < 2; translucent++) {
		struct vgt_image a = make_image(WIDTH, HEIGHT, 1, false, translucent);
		struct vgt_image b = make_image(WIDTH, HEIGHT, 1, true, translucent);
		tolerance.count_antialiased = false;
		for (int i = 0; i < 4; i++) {
			tolerance.yiq_threshold = thresholds[i];
			assert_int_equal(measure(&a, &b, &tolerance).pixels_beyond,
				counts[translucent][i]);
		}
		tolerance.yiq_threshold = 0.1;
		const struct vgt_comparison without = measure(&a, &b, &tolerance);
		tolerance.count_antialiased = true;
		const struct vgt_comparison with = measure(&a, &b, &tolerance);
		assert_int_equal(with.pixels_beyond, counts[translucent][4]);
		assert_int_equal(
			with.pixels_beyond, without.pixels_beyond + without.pixels_antialiased);
		vgt_image_finish(&a);
		vgt_image_finish(&b);
	}
}

/*
 * PSNR: ImageMagick 6.9.11, `compare -metric PSNR`. SSIM: scikit-image 0.19.3,
 * structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
 * data_range=255, full=True)[1].mean() of the lumas as floats. FLIP: the mean of the map of
 * NVIDIA's FLIP.h, repository NVlabs/flip at 1eb247c, summed up in double precision, for its
 * own 67.020645 pixels per degree and for 20. Translucent pictures were first put over white,
 * rounded.
 */
static void others_measure_the_same(void **state)
{
	static const struct {
		double ssim, flip, flip_20;
	} wanted[2] = {
		{0.9691122987, 0.1277865, 0.1144857}, {0.9844148968, 0.0840002, 0.0761595}};

	(void)state;
	for (int translucent = 0; translucent < 2; translucent++) {
		struct vgt_image a = make_image(WIDTH, HEIGHT, 1, false, translucent);
		struct vgt_image b = make_image(WIDTH, HEIGHT, 1, true, translucent);
		struct vgt_tolerance tolerance = vgt_tolerance_of(VGT_METRIC_SSIM);
		assert_close(measure(&a, &b, &tolerance).value, wanted[translucent].ssim, 2e-6);
		tolerance = vgt_tolerance_of(VGT_METRIC_FLIP);
		assert_close(measure(&a, &b, &tolerance).value, wanted[translucent].flip, 2e-6);
		tolerance.pixels_per_degree = 20;
		assert_close(
			measure(&a, &b, &tolerance).value, wanted[translucent].flip_20, 2e-6);
		if (!translucent) {
			tolerance = vgt_tolerance_of(VGT_METRIC_PSNR);
			assert_close(measure(&a, &b, &tolerance).value, 28.9214, 1e-4);
		}
		vgt_image_finish(&a);
		vgt_image_finish(&b);
	}
}

static void equal_pictures_have_the_best_value(void **state)
{
	struct vgt_image a = make_image(WIDTH, HEIGHT, 3, false, true);
	struct vgt_image b = make_image(WIDTH, HEIGHT, 3, false, true);

	(void)state;
	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		const struct vgt_tolerance tolerance =
			vgt_tolerance_of((enum vgt_metric)metric);
		const struct vgt_comparison result = measure(&a, &b, &tolerance);
		const double best = metric == VGT_METRIC_PSNR   ? INFINITY
				    : metric == VGT_METRIC_SSIM ? 1
								: 0;
		assert_true(result.identical);
		assert_true(result.value == best);
		assert_true(vgt_comparison_within(&result, &tolerance));
	}
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void assert_same_result(
	const struct vgt_comparison *a, const struct vgt_comparison *b, const char *what)
{
	if (a->identical != b->identical || a->pixels != b->pixels ||
		a->pixels_beyond != b->pixels_beyond ||
		a->pixels_antialiased != b->pixels_antialiased || a->mean != b->mean ||
		a->psnr != b->psnr || a->value != b->value ||
		memcmp(&a->beyond, &b->beyond, sizeof(a->beyond)) != 0 ||
		a->largest.difference != b->largest.difference ||
		a->largest.x != b->largest.x || a->largest.y != b->largest.y ||
		a->largest.channel != b->largest.channel) {
		fail_msg("%s: %.17g, not %.17g", what, a->value, b->value);
	}
}

/* The widths are around those of vectors and pieces. */
static void all_processors_measure_the_same(void **state)
{
	static const uint32_t widths[] = {1, 2, 7, 8, 31, 33, 127, 1024, 1025, 1500};

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		const uint32_t height = 1 + (uint32_t)i * 5;
		struct vgt_image a = make_image(widths[i], height, 7, false, i % 2);
		struct vgt_image b = make_image(widths[i], height, 7, true, i % 2);
		for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
			const struct vgt_tolerance tolerance =
				vgt_tolerance_of((enum vgt_metric)metric);
			const struct vgt_comparison fast = measure(&a, &b, &tolerance);
			processor_allow_avx2(false);
			const struct vgt_comparison portable = measure(&a, &b, &tolerance);
			processor_allow_avx2(true);
			assert_same_result(
				&fast, &portable, vgt_metric_name((enum vgt_metric)metric));
		}
		vgt_image_finish(&a);
		vgt_image_finish(&b);
	}
}

/* Of a picture that is large enough for threads, and of parts of it that are not. */
static void threads_measure_the_same(void **state)
{
	struct vgt_image a = make_image(1100, 600, 5, false, false);
	struct vgt_image b = make_image(1100, 600, 5, true, false);
	const enum vgt_metric metrics[] = {VGT_METRIC_SSIM, VGT_METRIC_FLIP};

	(void)state;
	for (int i = 0; i < 2; i++) {
		/* only the rows around the middle, where the parts of two threads meet */
		struct vgt_tolerance whole = vgt_tolerance_of(metrics[i]);
		whole.ignored[0] = (struct vgt_area){0, 0, 1100, 280};
		whole.ignored[1] = (struct vgt_area){0, 320, 1100, 280};
		whole.ignored_count = 2;
		struct vgt_image part_a = a, part_b = b;
		part_a.rgba += 230 * 1100 * 4;
		part_b.rgba += 230 * 1100 * 4;
		part_a.height = part_b.height = 140;
		struct vgt_tolerance part = vgt_tolerance_of(metrics[i]);
		part.ignored[0] = (struct vgt_area){0, 0, 1100, 50};
		part.ignored[1] = (struct vgt_area){0, 90, 1100, 50};
		part.ignored_count = 2;
		const struct vgt_comparison of_whole = measure(&a, &b, &whole);
		const struct vgt_comparison of_part = measure(&part_a, &part_b, &part);
		assert_int_equal(of_whole.pixels, 1100 * 40);
		assert_true(of_whole.value == of_part.value);
	}
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void what_is_ignored_does_not_count(void **state)
{
	struct vgt_image a = make_image(WIDTH, HEIGHT, 9, false, false);
	struct vgt_image b = make_image(WIDTH, HEIGHT, 9, false, false);

	(void)state;
	for (uint32_t y = 10; y < 20; y++) {
		memset(b.rgba + ((size_t)y * WIDTH + 30) * 4, (int)y * 9, 12 * 4);
	}
	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		struct vgt_tolerance tolerance = vgt_tolerance_of((enum vgt_metric)metric);
		tolerance.yiq_threshold = 0;
		tolerance.count_antialiased = true; /* as a column may look, below */
		tolerance.ignored[0] = (struct vgt_area){30, 10, 8, 10};
		tolerance.ignored[1] = (struct vgt_area){34, 5, 8, 15}; /* overlaps */
		tolerance.ignored[2] = (struct vgt_area){60, 40, 100, 100};
		tolerance.ignored[3] = (struct vgt_area){1000, 0, 1, 1};
		tolerance.ignored_count = 4;
		struct vgt_comparison result = measure(&a, &b, &tolerance);
		assert_int_equal(
			result.pixels, WIDTH * HEIGHT - (8 * 10 + 8 * 15 - 4 * 10) - 4 * 8);
		assert_true(result.identical);
		assert_true(vgt_comparison_within(&result, &tolerance));
		/* one pixel less is ignored: the control */
		tolerance.ignored[0].width = 1;
		tolerance.ignored[1].x = 32;
		tolerance.ignored[1].width = 10;
		result = measure(&a, &b, &tolerance);
		assert_false(result.identical);
		assert_false(vgt_comparison_within(&result, &tolerance));
	}
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

/* Nor to the pixels around it, whichever picture it is in. */
static void what_is_ignored_changes_nothing_around(void **state)
{
	struct vgt_image a = make_image(WIDTH, HEIGHT, 9, false, false);
	struct vgt_image b = make_image(WIDTH, HEIGHT, 9, true, false);

	(void)state;
	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		struct vgt_tolerance tolerance = vgt_tolerance_of((enum vgt_metric)metric);
		tolerance.yiq_threshold = 0;
		/* every third column, so that all others have neighbours that are ignored */
		for (uint32_t i = 0; i < WIDTH / 3; i++) {
			tolerance.ignored[i] = (struct vgt_area){3 * i, 0, 1, HEIGHT};
		}
		tolerance.ignored_count = WIDTH / 3;
		const struct vgt_comparison wanted = measure(&a, &b, &tolerance);
		assert_true(wanted.pixels_beyond > 0);
		for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
			if (i % WIDTH % 3 == 0 && i % WIDTH / 3 < WIDTH / 3) {
				memset(b.rgba + 4 * (size_t)i, (int)hash(i, 1, 1), 3);
			}
		}
		const struct vgt_comparison result = measure(&a, &b, &tolerance);
		assert_same_result(&result, &wanted, vgt_metric_name((enum vgt_metric)metric));
		vgt_image_finish(&b);
		b = make_image(WIDTH, HEIGHT, 9, true, false);
	}
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void ignoring_all_is_an_error(void **state)
{
	struct vgt_image a = make_image(WIDTH, HEIGHT, 9, false, false);
	struct vgt_comparison result;
	struct vgt_err err = {0};

	(void)state;
	for (int metric = 0; metric < VGT_METRIC_COUNT; metric++) {
		struct vgt_tolerance tolerance = vgt_tolerance_of((enum vgt_metric)metric);
		tolerance.ignored[0] = (struct vgt_area){0, 0, UINT32_MAX, UINT32_MAX};
		tolerance.ignored_count = 1;
		assert_false(vgt_compare_images(&a, &a, &tolerance, &result, &err));
		assert_int_equal(err.code, VGT_ERR_USAGE);
		assert_false(vgt_comparison_within(&result, &tolerance));
	}
	vgt_image_finish(&a);
}

static void the_map_shows_where(void **state)
{
	const struct vgt_tolerance tolerance = vgt_tolerance_of(VGT_METRIC_FLIP);
	struct vgt_image a = make_image(200, 100, 2, false, false);
	struct vgt_image b = make_image(200, 100, 2, false, false);
	struct vgt_image map;

	(void)state;
	memset(a.rgba, 0, (size_t)200 * 100 * 4);
	memset(b.rgba, 0, (size_t)200 * 100 * 4);
	for (int y = 40; y < 60; y++) {
		memset(b.rgba + (y * 200 + 20) * 4, 255, 20 * 4);
	}
	assert_true(vgt_compare_draw(&map, &a, &b, &tolerance, NULL));
	/* over white, transparent black is white, too: nothing differs */
	assert_int_equal(map.rgba[(50 * 200 + 30) * 4], 0);
	vgt_image_finish(&map);
	for (size_t i = 3; i < (size_t)200 * 100 * 4; i += 4) {
		a.rgba[i] = b.rgba[i] = 255;
	}
	assert_true(vgt_compare_draw(&map, &a, &b, &tolerance, NULL));
	assert_true(map.rgba[(50 * 200 + 30) * 4] > 240);    /* white on black */
	assert_int_equal(map.rgba[(50 * 200 + 150) * 4], 0); /* far away */
	assert_int_equal(map.rgba[(50 * 200 + 150) * 4 + 2], 4);
	vgt_image_finish(&map);
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

/* Files */

static char directory[] = "/tmp/vgt-test-metrics-XXXXXX";

static int create_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void write_png(const char *path, uint32_t width, uint32_t height, uint8_t bits,
	uint8_t type, uint8_t interlace, const void *samples, size_t size)
{
	struct spng_ihdr ihdr = {width, height, bits, type, 0, 0, interlace};
	FILE *file = fopen(path, "wb");
	spng_ctx *spng = spng_ctx_new(SPNG_CTX_ENCODER);

	assert_non_null(file);
	assert_non_null(spng);
	assert_int_equal(spng_set_png_file(spng, file), 0);
	assert_int_equal(spng_set_ihdr(spng, &ihdr), 0);
	assert_int_equal(
		spng_encode_image(spng, samples, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
	spng_ctx_free(spng);
	assert_int_equal(fclose(file), 0);
}

/* Writes a picture as one of the kinds below. */
enum kind { KIND_8, KIND_INTERLACED, KIND_16, KIND_COUNT };

static void write_kind(const char *path, const struct vgt_image *image, enum kind kind)
{
	const size_t samples = (size_t)image->width * image->height * 4;

	if (kind == KIND_16) {
		uint16_t *deep = malloc(samples * 2);
		assert_non_null(deep);
		for (size_t i = 0; i < samples; i++) {
			deep[i] = (uint16_t)(image->rgba[i] * 257 ^ (i % 5 == 0));
		}
		write_png(path, image->width, image->height, 16,
			SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 0, deep, samples * 2);
		free(deep);
		return;
	}
	write_png(path, image->width, image->height, 8, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA,
		kind == KIND_INTERLACED, image->rgba, samples);
}

/* Row by row the same comes out as of whole pictures, for all kinds against each other. */
static void files_measure_as_pictures(void **state)
{
	static const enum vgt_metric metrics[] = {VGT_METRIC_DIFFERENCE, VGT_METRIC_EXACT,
		VGT_METRIC_MEAN, VGT_METRIC_PSNR, VGT_METRIC_YIQ};
	static const uint32_t sizes[][2] = {{1, 1}, {3, 2}, {61, 5}, {700, 130}};
	char path_a[64], path_b[64];

	(void)state;
	snprintf(path_a, sizeof(path_a), "%s/a.png", directory);
	snprintf(path_b, sizeof(path_b), "%s/b.png", directory);
	for (int i = 0; i < 4 * KIND_COUNT * KIND_COUNT; i++) {
		const uint32_t *size = sizes[i % 4];
		struct vgt_image a = make_image(size[0], size[1], 4, false, true);
		struct vgt_image b = make_image(size[0], size[1], 4, true, true);
		write_kind(path_a, &a, (enum kind)(i / 4 % KIND_COUNT));
		write_kind(path_b, &b, (enum kind)(i / 4 / KIND_COUNT));
		vgt_image_finish(&a);
		vgt_image_finish(&b);
		assert_true(vgt_image_read_png(&a, path_a, NULL));
		assert_true(vgt_image_read_png(&b, path_b, NULL));
		for (int metric = 0; metric < 5; metric++) {
			struct vgt_tolerance tolerance = vgt_tolerance_of(metrics[metric]);
			struct compare_files files = {.path_a = path_a, .path_b = path_b};
			tolerance.ignored[0] = (struct vgt_area){40, 1, 9, 3};
			tolerance.ignored_count = 1;
			assert_true(compare_files_can_by_rows(&files, &tolerance));
			assert_true(compare_files_by_rows(&files, &tolerance, NULL));
			const struct vgt_comparison wanted = measure(&a, &b, &tolerance);
			assert_same_result(
				&files.comparison, &wanted, vgt_metric_name(metrics[metric]));
		}
		vgt_image_finish(&a);
		vgt_image_finish(&b);
	}
	unlink(path_a);
	unlink(path_b);
}

static void low_bytes_are_compared(void **state)
{
	uint16_t samples[4] = {0x1234, 0x5678, 0x9abc, 0xffff};
	struct vgt_tolerance tolerance = vgt_tolerance_of(VGT_METRIC_DIFFERENCE);
	struct compare_files files;
	char path_a[64], path_b[64];

	(void)state;
	snprintf(path_a, sizeof(path_a), "%s/a.png", directory);
	snprintf(path_b, sizeof(path_b), "%s/b.png", directory);
	files = (struct compare_files){.path_a = path_a, .path_b = path_b};
	write_png(path_a, 1, 1, 16, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 0, samples, 8);
	samples[1]++;
	write_png(path_b, 1, 1, 16, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 0, samples, 8);
	assert_true(compare_files_by_rows(&files, &tolerance, NULL));
	assert_int_equal(files.comparison.pixels_beyond, 1);
	assert_close(files.comparison.largest.difference, 1 / 257.0, 1e-12);
	assert_int_equal(files.comparison.largest.channel, VGT_CHANNEL_GREEN);
	assert_false(vgt_comparison_within(&files.comparison, &tolerance));
	tolerance.threshold = 1;
	assert_true(compare_files_by_rows(&files, &tolerance, NULL));
	assert_true(vgt_comparison_within(&files.comparison, &tolerance));
	unlink(path_a);
	unlink(path_b);
}

/* A fault in either is told, a's first; also behind the last row, and where only the other one
 * is worth reading. */
static void faults_of_files_are_told(void **state)
{
	struct vgt_image image = make_image(900, 300, 6, false, true);
	const struct vgt_tolerance tolerance = vgt_tolerance_of(VGT_METRIC_EXACT);
	char path_a[64], path_b[64];
	struct vgt_err err;

	(void)state;
	snprintf(path_a, sizeof(path_a), "%s/a.png", directory);
	snprintf(path_b, sizeof(path_b), "%s/b.png", directory);
	for (int cut = 0; cut < 6; cut++) {
		const bool in_a = cut & 1, in_b = cut & 2;

		struct compare_files files = {.path_a = path_a, .path_b = path_b};
		assert_true(vgt_image_write_png(&image, path_a, true, NULL));
		assert_true(vgt_image_write_png(&image, path_b, true, NULL));
		for (int i = 0; i < 2; i++) {
			FILE *file = fopen(i ? path_b : path_a, "r+b");
			assert_non_null(file);
			fseek(file, 0, SEEK_END);
			const long size = ftell(file);
			const long off =
				cut < 4 ? 3 : size / 2; /* in IEND, and in the middle */
			if (i ? in_b || cut == 4 : in_a) {
				assert_int_equal(ftruncate(fileno(file), size - off), 0);
			}
			fclose(file);
		}
		const bool good = compare_files_by_rows(&files, &tolerance, &err);
		assert_int_equal(good, cut == 0);
		assert_int_equal(files.wrong_in_b, !good && !in_a);
		if (!good) {
			assert_int_equal(err.code, VGT_ERR_TRUNCATED);
		} else {
			assert_true(files.comparison.identical);
			assert_int_equal(files.comparison.pixels, 900 * 300);
		}
	}
	unlink(path_a);
	unlink(path_b);
	vgt_image_finish(&image);
}

/* The options that are told of a tolerance are those that make it. */
static void options_say_the_tolerance(void **state)
{
	static const struct {
		struct tolerance_words words;
		const char *options;
	} cases[] = {
		{{0}, "--metric difference --threshold 0"},
		{{.threshold = "8", .max_pixels = "0.0705%"},
			"--metric difference --threshold 8 --max-pixels 0.0705%"},
		{{.metric = "exact"}, "--metric exact"},
		{{.metric = "mean", .max = "0.5"}, "--metric mean --max 0.5"},
		{{.metric = "psnr"}, "--metric psnr"},
		{{.metric = "psnr", .min = "100"}, "--metric psnr --min 100"},
		{{.metric = "ssim", .min = "-0.25"}, "--metric ssim --min -0.25"},
		{{.metric = "flip", .max = "0.00001", .ppd = "67.0206"},
			"--metric flip --ppd 67.0206 --max 0.00001"},
		{{.metric = "yiq",
			 .threshold = "0.07",
			 .max_pixels = "12",
			 .antialiased = "count",
			 .ignore = {"0,16,640x32", "1,2,3x4"},
			 .ignore_count = 2},
			"--metric yiq --threshold 0.07 --max-pixels 12 --antialiased count "
			"--ignore 0,16,640x32 --ignore 1,2,3x4"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vgt_tolerance tolerance = vgt_tolerance_of(VGT_METRIC_DIFFERENCE);
		assert_true(tolerance_take(&tolerance, &cases[i].words, NULL));
		char *options = tolerance_options(&tolerance);
		assert_string_equal(cases[i].options, options);
		free(options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yiq_counts_what_pixelmatch_counts),
		cmocka_unit_test(others_measure_the_same),
		cmocka_unit_test(equal_pictures_have_the_best_value),
		cmocka_unit_test(all_processors_measure_the_same),
		cmocka_unit_test(threads_measure_the_same),
		cmocka_unit_test(what_is_ignored_does_not_count),
		cmocka_unit_test(what_is_ignored_changes_nothing_around),
		cmocka_unit_test(ignoring_all_is_an_error),
		cmocka_unit_test(the_map_shows_where),
		cmocka_unit_test(files_measure_as_pictures),
		cmocka_unit_test(options_say_the_tolerance),
		cmocka_unit_test(low_bytes_are_compared),
		cmocka_unit_test(faults_of_files_are_told),
	};

	return cmocka_run_group_tests(tests, create_directory, remove_directory);
}
