/* SPDX-License-Identifier: MIT */
/* PNG files in and out, hostile ones among them, and the comparison of pictures. */
#include "compare.h"
#include "png_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/vgt-test-compare-XXXXXX";

static int create_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

/* Fails when a test has left a file behind, a temporary one for instance. */
static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

/* A path in the test's directory; valid until the fourth call from here. */
static const char *in_directory(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

/* Every byte different from its neighbours. */
static struct vgt_image make_image(uint32_t width, uint32_t height)
{
	struct vgt_image image = {
		.width = width, .height = height, .rgba = malloc((size_t)width * height * 4)};

	assert_non_null(image.rgba);
	for (size_t i = 0; i < (size_t)width * height * 4; i++) {
		image.rgba[i] = (uint8_t)(i * 37 + i / 251);
	}
	return image;
}

static struct vgt_image copy_image(const struct vgt_image *image)
{
	struct vgt_image copy = make_image(image->width, image->height);

	memcpy(copy.rgba, image->rgba, (size_t)copy.width * copy.height * 4);
	return copy;
}

static uint8_t *sample(
	struct vgt_image *image, uint32_t x, uint32_t y, enum vgt_channel channel)
{
	return image->rgba + ((size_t)y * image->width + x) * 4 + channel;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static uint8_t *read_file(const char *path, size_t *size)
{
	uint8_t *bytes = malloc(65536);
	FILE *file = fopen(path, "rb");

	assert_non_null(bytes);
	assert_non_null(file);
	*size = fread(bytes, 1, 65536, file);
	assert_true(*size > 0 && *size < 65536);
	fclose(file);
	return bytes;
}

static void assert_same_image(const struct vgt_image *a, const struct vgt_image *b)
{
	assert_int_equal(a->width, b->width);
	assert_int_equal(a->height, b->height);
	assert_memory_equal(a->rgba, b->rgba, (size_t)a->width * a->height * 4);
}

/* The file must be refused with this code, and nothing may come of it. */
static struct vgt_err assert_refused(const char *path, enum vgt_err_code code)
{
	struct vgt_image image;
	struct vgt_err err = {0};

	assert_false(vgt_image_read_png(&image, path, &err));
	assert_null(image.rgba);
	assert_int_equal(image.width, 0);
	if ((int)err.code != (int)code) {
		fail_msg("error %d, not %d: %s", err.code, code, err.message);
	}
	assert_true(err.message[0] != '\0');
	return err;
}

static void round_trip_keeps_every_byte(void **state)
{
	static const uint32_t sizes[][2] = {{1, 1}, {7, 5}, {300, 2}, {1, 500}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vgt_image image = make_image(sizes[i][0], sizes[i][1]);
		struct vgt_image back;
		const char *path = in_directory("a.png");
		assert_true(vgt_image_write_png(&image, path, true, NULL));
		assert_true(vgt_image_read_png(&back, path, NULL));
		assert_same_image(&image, &back);
		unlink(path);
		vgt_image_finish(&image);
		vgt_image_finish(&back);
	}
}

static void without_alpha_all_is_opaque(void **state)
{
	struct vgt_image image = make_image(9, 4);
	struct vgt_image back;
	const char *path = in_directory("a.png");

	(void)state;
	assert_true(vgt_image_write_png(&image, path, false, NULL));
	assert_true(vgt_image_read_png(&back, path, NULL));
	for (uint32_t i = 0; i < 9 * 4; i++) {
		image.rgba[4 * i + 3] = 255;
	}
	assert_same_image(&image, &back);
	unlink(path);
	vgt_image_finish(&image);
	vgt_image_finish(&back);
}

static void writing_replaces_and_follows_links(void **state)
{
	struct vgt_image image = make_image(3, 3);
	struct vgt_image back;
	struct stat status;
	const char *path = in_directory("a.png");
	const char *link = in_directory("link.png");

	(void)state;
	write_file(path, "old", 3);
	assert_int_equal(symlink("a.png", link), 0);
	assert_true(vgt_image_write_png(&image, link, true, NULL));
	assert_int_equal(lstat(link, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_true(vgt_image_read_png(&back, path, NULL));
	assert_same_image(&image, &back);
	unlink(link);
	unlink(path);
	vgt_image_finish(&image);
	vgt_image_finish(&back);
}

static void failed_write_leaves_nothing(void **state)
{
	struct vgt_image image = make_image(200, 200);
	struct vgt_image wide = {.width = VGT_IMAGE_MAX_WIDTH + 1, .height = 1};
	struct vgt_image empty = {0};
	struct vgt_err err = {0};

	(void)state;
	assert_false(vgt_image_write_png(&image, directory, true, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	assert_false(vgt_image_write_png(&image, in_directory("no/a.png"), true, &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_false(vgt_image_write_png(&image, "/dev/full", true, &err));
	assert_string_equal(err.message, "cannot write: No space left on device");
	assert_false(vgt_image_write_png(&wide, in_directory("a.png"), true, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	assert_false(vgt_image_write_png(&empty, in_directory("a.png"), true, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	vgt_image_finish(&image);
	/* remove_directory() sees whether nothing is there */
}

/* What libspng makes of the samples given, in the PNG layout of that header. */
static void encode_with_spng(const char *path, struct spng_ihdr ihdr, struct spng_plte *palette,
	struct spng_trns *transparency, const void *samples, size_t size)
{
	FILE *file = fopen(path, "wb");
	spng_ctx *spng = spng_ctx_new(SPNG_CTX_ENCODER);

	assert_non_null(file);
	assert_non_null(spng);
	assert_int_equal(spng_set_png_file(spng, file), 0);
	assert_int_equal(spng_set_ihdr(spng, &ihdr), 0);
	assert_true(!palette || spng_set_plte(spng, palette) == 0);
	assert_true(!transparency || spng_set_trns(spng, transparency) == 0);
	assert_int_equal(
		spng_encode_image(spng, samples, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
	spng_ctx_free(spng);
	assert_int_equal(fclose(file), 0);
}

static void assert_reads_as(const char *path, const uint8_t *rgba, size_t size)
{
	struct vgt_image image;
	struct vgt_err err;

	if (!vgt_image_read_png(&image, path, &err)) {
		fail_msg("%s", err.message);
	}
	assert_int_equal((size_t)image.width * image.height * 4, size);
	assert_memory_equal(image.rgba, rgba, size);
	vgt_image_finish(&image);
	unlink(path);
}

static void other_kinds_of_png_are_read(void **state)
{
	const char *path = in_directory("a.png");
	const uint16_t deep[] = {0x1234, 0x00ff, 0xffff, 0x8000};
	const uint8_t deep_rgba[] = {0x12, 0x01, 0xff, 0x80};
	const uint8_t grey[] = {0, 77, 255};
	const uint8_t grey_rgba[] = {0, 0, 0, 255, 77, 77, 77, 255, 255, 255, 255, 255};
	const uint8_t indices[] = {0x1b, 0x40};
	struct spng_plte palette = {
		4, {{1, 2, 3, 0}, {4, 5, 6, 0}, {7, 8, 9, 0}, {9, 9, 9, 0}}};
	struct spng_trns transparency = {.n_type3_entries = 2, .type3_alpha = {0, 100}};
	const uint8_t palette_rgba[] = {
		1, 2, 3, 0, 4, 5, 6, 100, 7, 8, 9, 255, 9, 9, 9, 255, 4, 5, 6, 100};

	(void)state;
	encode_with_spng(path,
		(struct spng_ihdr){1, 1, 16, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 0, 0, 0}, NULL,
		NULL, deep, sizeof(deep));
	assert_reads_as(path, deep_rgba, sizeof(deep_rgba));
	encode_with_spng(path, (struct spng_ihdr){3, 1, 8, SPNG_COLOR_TYPE_GRAYSCALE, 0, 0, 0},
		NULL, NULL, grey, sizeof(grey));
	assert_reads_as(path, grey_rgba, sizeof(grey_rgba));
	encode_with_spng(path, (struct spng_ihdr){5, 1, 2, SPNG_COLOR_TYPE_INDEXED, 0, 0, 0},
		&palette, &transparency, indices, sizeof(indices));
	assert_reads_as(path, palette_rgba, sizeof(palette_rgba));
}

static void interlaced_png_is_read(void **state)
{
	struct vgt_image image = make_image(13, 11);
	const char *path = in_directory("a.png");

	(void)state;
	encode_with_spng(path,
		(struct spng_ihdr){
			13, 11, 8, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 0, 0, SPNG_INTERLACE_ADAM7},
		NULL, NULL, image.rgba, 13 * 11 * 4);
	assert_reads_as(path, image.rgba, 13 * 11 * 4);
	vgt_image_finish(&image);
}

/* Chunks of no data, which are allowed: in front, and behind all of the data. */
static void empty_chunks_of_data_are_read(void **state)
{
	static const uint8_t empty[] = {0, 0, 0, 0, 'I', 'D', 'A', 'T', 0x35, 0xaf, 0x06, 0x1e};
	const size_t to_front = 8 + 25; /* signature and IHDR */
	struct vgt_image image = make_image(5, 3);
	const char *path = in_directory("a.png");
	uint8_t bytes[1024];

	(void)state;
	assert_true(vgt_image_write_png(&image, path, true, NULL));
	FILE *file = fopen(path, "r+b");
	assert_non_null(file);
	const size_t size = fread(bytes, 1, sizeof(bytes), file);
	const size_t to_end = size - 12; /* IEND */
	assert_true(size > to_front + 12 && size < sizeof(bytes));
	rewind(file);
	fwrite(bytes, 1, to_front, file);
	fwrite(empty, 1, sizeof(empty), file);
	fwrite(bytes + to_front, 1, to_end - to_front, file);
	fwrite(empty, 1, sizeof(empty), file);
	fwrite(empty, 1, sizeof(empty), file);
	fwrite(bytes + to_end, 1, size - to_end, file);
	assert_int_equal(fclose(file), 0);
	assert_reads_as(path, image.rgba, 5 * 3 * 4);
	vgt_image_finish(&image);
}

static void largest_width_is_read_and_no_larger(void **state)
{
	const uint32_t too_large = VGT_IMAGE_MAX_WIDTH + 1;
	uint8_t *grey = calloc(too_large, 1);
	const char *path = in_directory("a.png");
	struct vgt_image image;

	(void)state;
	assert_non_null(grey);
	struct spng_ihdr ihdr = {VGT_IMAGE_MAX_WIDTH, 1, 8, SPNG_COLOR_TYPE_GRAYSCALE, 0, 0, 0};
	encode_with_spng(path, ihdr, NULL, NULL, grey, VGT_IMAGE_MAX_WIDTH);
	assert_true(vgt_image_read_png(&image, path, NULL));
	vgt_image_finish(&image);
	ihdr.width = too_large;
	encode_with_spng(path, ihdr, NULL, NULL, grey, too_large);
	assert_string_equal(
		assert_refused(path, VGT_ERR_LIMIT).message, "PNG is wider than 16384 pixels");
	ihdr.width = 1;
	ihdr.height = too_large;
	encode_with_spng(path, ihdr, NULL, NULL, grey, too_large);
	assert_string_equal(
		assert_refused(path, VGT_ERR_LIMIT).message, "PNG is higher than 16384 pixels");
	unlink(path);
	free(grey);
}

static void what_is_no_png_is_refused(void **state)
{
	const char *path = in_directory("a.png");

	(void)state;
	assert_refused(path, VGT_ERR_SYSTEM);
	assert_string_equal(assert_refused(directory, VGT_ERR_SYSTEM).message,
		"cannot read: Is a directory");
	write_file(path, "", 0);
	assert_string_equal(
		assert_refused(path, VGT_ERR_TRUNCATED).message, "empty file, not a PNG");
	write_file(path, "abc", 3);
	assert_string_equal(assert_refused(path, VGT_ERR_MALFORMED).message, "not a PNG file");
	write_file(path, "BM, or something else that goes on for a while", 46);
	assert_string_equal(assert_refused(path, VGT_ERR_MALFORMED).message, "not a PNG file");
	unlink(path);
}

/* A whole file of a small picture, for the tests that damage it. */
static uint8_t *make_file(const char *path, struct vgt_image *image, size_t *size)
{
	*image = make_image(5, 4);
	assert_true(vgt_image_write_png(image, path, true, NULL));
	return read_file(path, size);
}

static void every_truncation_is_noticed(void **state)
{
	const char *path = in_directory("a.png");
	struct vgt_image image;
	size_t size;
	uint8_t *bytes = make_file(path, &image, &size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		write_file(path, bytes, cut);
		const struct vgt_err err = assert_refused(path, VGT_ERR_TRUNCATED);
		assert_true(cut == 0 ? err.offset == VGT_NO_OFFSET : err.offset == cut);
	}
	unlink(path);
	vgt_image_finish(&image);
	free(bytes);
}

static void every_flipped_bit_is_noticed(void **state)
{
	const char *path = in_directory("a.png");
	struct vgt_image image;
	size_t size;
	uint8_t *bytes = make_file(path, &image, &size);

	(void)state;
	for (size_t bit = 0; bit < size * 8; bit++) {
		struct vgt_image read;
		struct vgt_err err = {0};
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_file(path, bytes, size);
		if (vgt_image_read_png(&read, path, &err)) {
			fail_msg("bit %zu of byte %zu is not noticed", bit % 8, bit / 8);
		}
		assert_null(read.rgba);
		assert_true(err.code != VGT_ERR_NONE && err.message[0]);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	unlink(path);
	vgt_image_finish(&image);
	free(bytes);
}

/* Bitwise, of PNG's annex D: the decoder must get past its checksums to the damage. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		}
	}
	return ~crc;
}

static uint32_t read_be32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* Makes the checksum of each chunk right, as far as the lengths allow to find it. */
static void repair_checksums(uint8_t *bytes, size_t size)
{
	for (size_t at = 8; at + 12 <= size;) {
		const size_t length = read_be32(bytes + at);
		if (length > size - at - 12) {
			return;
		}
		const uint32_t crc = crc32_of(bytes + at + 4, length + 4);
		for (int i = 0; i < 4; i++) {
			bytes[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
		}
		at += length + 12;
	}
}

/* Under the sanitizers this is the test; without them it checks what is promised of failures.
 */
static void damage_behind_good_checksums_is_survived(void **state)
{
	const char *path = in_directory("a.png");
	struct vgt_image image;
	size_t size;
	uint8_t *bytes = make_file(path, &image, &size);
	uint8_t *damaged = malloc(size);
	unsigned refused = 0;

	(void)state;
	assert_non_null(damaged);
	for (size_t bit = 8 * 8; bit < size * 8; bit++) {
		struct vgt_image read;
		struct vgt_err err = {0};
		memcpy(damaged, bytes, size);
		damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
		repair_checksums(damaged, size);
		write_file(path, damaged, size);
		if (!vgt_image_read_png(&read, path, &err)) {
			refused++;
			assert_null(read.rgba);
			assert_true(err.code != VGT_ERR_NONE && err.message[0]);
		}
		vgt_image_finish(&read);
	}
	assert_true(refused > 100);
	unlink(path);
	vgt_image_finish(&image);
	free(damaged);
	free(bytes);
}

static void compare(const struct vgt_image *a, const struct vgt_image *b, uint8_t threshold,
	struct vgt_comparison *result)
{
	const struct vgt_tolerance tolerance = {.threshold = threshold};

	assert_true(vgt_compare_images(a, b, &tolerance, result, NULL));
}

static void equal_images_are_identical(void **state)
{
	struct vgt_image a = make_image(31, 17);
	struct vgt_image b = copy_image(&a);
	struct vgt_comparison result;
	const struct vgt_tolerance none = {0};

	(void)state;
	compare(&a, &b, 0, &result);
	assert_true(result.identical);
	assert_false(result.size_differs);
	assert_int_equal(result.pixels, 31 * 17);
	assert_int_equal(result.pixels_beyond, 0);
	assert_true(result.largest.difference == 0);
	assert_true(result.mean == 0);
	assert_true(vgt_comparison_within(&result, &none));
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void sizes_that_differ_are_never_the_same(void **state)
{
	struct vgt_image a = make_image(4, 6);
	struct vgt_image b = make_image(6, 4);
	struct vgt_image drawing;
	struct vgt_comparison result;
	const struct vgt_tolerance all = {
		.threshold = 255, .max_pixels = UINT64_MAX, .max_millionth = 1000000};
	struct vgt_err err;

	(void)state;
	compare(&a, &b, 255, &result);
	assert_true(result.size_differs);
	assert_false(result.identical);
	assert_false(vgt_comparison_within(&result, &all));
	assert_false(vgt_compare_draw(&drawing, &a, &b, &all, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	assert_null(drawing.rgba);
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void measures_are_right(void **state)
{
	struct vgt_image a = make_image(20, 10);
	memset(a.rgba, 100, 20 * 10 * 4);
	struct vgt_image b = copy_image(&a);
	struct vgt_comparison result;

	(void)state;
	*sample(&b, 12, 3, VGT_CHANNEL_ALPHA) = 90;
	*sample(&b, 12, 3, VGT_CHANNEL_RED) = 103;
	*sample(&b, 4, 7, VGT_CHANNEL_BLUE) = 130;
	*sample(&b, 9, 7, VGT_CHANNEL_GREEN) = 70; /* as large, but later */
	*sample(&b, 0, 9, VGT_CHANNEL_GREEN) = 105;
	compare(&a, &b, 5, &result);
	assert_false(result.identical);
	assert_int_equal(result.threshold, 5);
	assert_int_equal(result.pixels, 200);
	assert_int_equal(result.pixels_beyond, 3);
	assert_int_equal(result.beyond.x, 4);
	assert_int_equal(result.beyond.y, 3);
	assert_int_equal(result.beyond.width, 9);
	assert_int_equal(result.beyond.height, 5);
	assert_true(result.largest.difference == 30);
	assert_int_equal(result.largest.x, 4);
	assert_int_equal(result.largest.y, 7);
	assert_int_equal(result.largest.channel, VGT_CHANNEL_BLUE);
	assert_true(result.mean == (10 + 3 + 30 + 30 + 5) / 800.0);
	compare(&a, &b, 4, &result);
	assert_int_equal(result.pixels_beyond, 4);
	assert_int_equal(result.beyond.x, 0);
	assert_int_equal(result.beyond.height, 7);
	compare(&a, &b, 30, &result);
	assert_int_equal(result.pixels_beyond, 0);
	assert_int_equal(result.beyond.height, 0);
	assert_false(result.identical);
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void opposite_images_differ_by_all(void **state)
{
	struct vgt_image a = make_image(300, 3);
	struct vgt_image b = make_image(300, 3);
	struct vgt_comparison result;

	(void)state;
	memset(a.rgba, 0, 300 * 3 * 4);
	memset(b.rgba, 255, 300 * 3 * 4);
	compare(&a, &b, 254, &result);
	assert_int_equal(result.pixels_beyond, 900);
	assert_true(result.largest.difference == 255);
	assert_true(result.mean == 255);
	assert_int_equal(result.beyond.width, 300);
	assert_int_equal(result.beyond.height, 3);
	compare(&a, &b, 255, &result);
	assert_int_equal(result.pixels_beyond, 0);
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void tolerance_is_exact_at_its_limits(void **state)
{
	struct vgt_comparison result = {.pixels = 10000, .pixels_beyond = 29};

	(void)state;
	assert_true(vgt_comparison_within(&result, &(struct vgt_tolerance){.max_pixels = 29}));
	assert_false(vgt_comparison_within(&result, &(struct vgt_tolerance){.max_pixels = 28}));
	assert_true(
		vgt_comparison_within(&result, &(struct vgt_tolerance){.max_millionth = 2900}));
	assert_false(
		vgt_comparison_within(&result, &(struct vgt_tolerance){.max_millionth = 2899}));
	/* The largest picture, all of it: no product may overflow. */
	result.pixels = (uint64_t)VGT_IMAGE_MAX_WIDTH * VGT_IMAGE_MAX_HEIGHT;
	result.pixels_beyond = result.pixels;
	assert_false(vgt_comparison_within(
		&result, &(struct vgt_tolerance){.max_millionth = 999999}));
	assert_true(vgt_comparison_within(
		&result, &(struct vgt_tolerance){.max_millionth = 1000000}));
}

static void drawing_shows_what_is_beyond(void **state)
{
	struct vgt_image a = make_image(4, 1);
	memset(a.rgba, 255, 4 * 4);
	struct vgt_image b = copy_image(&a);
	struct vgt_image drawing;
	const uint8_t expected[] = {
		63, 63, 63, 255,   /* within the threshold */
		0, 151, 0, 255,    /* green by 3 */
		255, 0, 0, 255,    /* red by 255 */
		255, 255, 255, 255 /* alpha by 100 */
	};

	(void)state;
	*sample(&b, 0, 0, VGT_CHANNEL_RED) = 253;
	*sample(&b, 1, 0, VGT_CHANNEL_GREEN) = 252;
	*sample(&b, 2, 0, VGT_CHANNEL_RED) = 0;
	*sample(&b, 3, 0, VGT_CHANNEL_ALPHA) = 155;
	assert_true(vgt_compare_draw(
		&drawing, &a, &b, &(struct vgt_tolerance){.threshold = 2}, NULL));
	assert_memory_equal(drawing.rgba, expected, sizeof(expected));
	vgt_image_finish(&drawing);
	vgt_image_finish(&a);
	vgt_image_finish(&b);
}

static void finishing_nothing_is_fine(void **state)
{
	struct vgt_image image = {0};

	(void)state;
	vgt_image_finish(NULL);
	vgt_image_finish(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_keeps_every_byte),
		cmocka_unit_test(without_alpha_all_is_opaque),
		cmocka_unit_test(writing_replaces_and_follows_links),
		cmocka_unit_test(failed_write_leaves_nothing),
		cmocka_unit_test(other_kinds_of_png_are_read),
		cmocka_unit_test(interlaced_png_is_read),
		cmocka_unit_test(empty_chunks_of_data_are_read),
		cmocka_unit_test(largest_width_is_read_and_no_larger),
		cmocka_unit_test(what_is_no_png_is_refused),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(damage_behind_good_checksums_is_survived),
		cmocka_unit_test(equal_images_are_identical),
		cmocka_unit_test(sizes_that_differ_are_never_the_same),
		cmocka_unit_test(measures_are_right),
		cmocka_unit_test(opposite_images_differ_by_all),
		cmocka_unit_test(tolerance_is_exact_at_its_limits),
		cmocka_unit_test(drawing_shows_what_is_beyond),
		cmocka_unit_test(finishing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, create_directory, remove_directory);
}
