/* SPDX-License-Identifier: MIT */
/* The rows of PNG files as no encoder writes them: all filters, data in pieces, and files that
 * are wrong behind good checksums. libspng, whose buffer has all of a file, says what is right.
 */
#include "png_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_MAX (256u << 10)

/* A file that is being made. */
struct bytes {
	uint8_t data[FILE_MAX];
	size_t size;
};

static void put(struct bytes *to, const void *from, size_t size)
{
	assert_true(size <= FILE_MAX - to->size);
	if (size > 0) { /* where not, `from` may be NULL */
		memcpy(to->data + to->size, from, size);
	}
	to->size += size;
}

static void put_32(struct bytes *to, uint32_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
		(uint8_t)(value >> 8), (uint8_t)value};

	put(to, bytes, 4);
}

/* Bitwise, of PNG's annex D. */
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

static void put_chunk(struct bytes *to, const char *type, const void *data, size_t size)
{
	put_32(to, (uint32_t)size);
	const size_t begin = to->size;
	put(to, type, 4);
	put(to, data, size);
	put_32(to, crc32_of(to->data + begin, size + 4));
}

/* The format of zlib (RFC 1950) around blocks that are stored (RFC 1951). */
static void put_stored(struct bytes *to, const uint8_t *data, size_t size)
{
	uint32_t low = 1, high = 0;

	put(to, "\x78\x01", 2);
	for (size_t at = 0; at < size || at == 0;) {
		const size_t length = size - at < 65535 ? size - at : 65535;
		const uint8_t header[] = {at + length == size, (uint8_t)length,
			(uint8_t)(length >> 8), (uint8_t)~length, (uint8_t)(~length >> 8)};
		put(to, header, sizeof(header));
		put(to, data + at, length);
		at += length > 0 ? length : 1;
	}
	for (size_t i = 0; i < size; i++) {
		low = (low + data[i]) % 65521;
		high = (high + low) % 65521;
	}
	put_32(to, high << 16 | low);
}

static void put_header(struct bytes *to, uint32_t width, uint32_t height, uint8_t type)
{
	uint8_t header[13] = {0, 0, (uint8_t)(width >> 8), (uint8_t)width, 0, 0,
		(uint8_t)(height >> 8), (uint8_t)height, 8, type, 0, 0, 0};

	to->size = 0;
	put(to, "\x89PNG\r\n\x1a\n", 8);
	put_chunk(to, "IHDR", header, sizeof(header));
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Reads all rows; false: refused, with the message in *err. */
static bool read_all(const struct bytes *file, uint8_t *rgba, size_t size, struct vgt_err *err)
{
	const int fd = memfd_create("png", MFD_CLOEXEC);
	bool good;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->data, file->size), file->size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*err = (struct vgt_err){0};
	struct png_rows *rows = png_rows_open(fdopen(fd, "rb"), err);
	good = rows != NULL;
	if (good) {
		const size_t pitch = png_rows_pitch(rows);
		assert_int_equal(pitch * png_rows_height(rows), size);
		for (uint32_t y = 0; y < png_rows_height(rows) && good; y++) {
			good = png_rows_read(rows, rgba + y * pitch, err);
		}
	}
	png_rows_close(rows);
	assert_int_equal(good, err->code == VGT_ERR_NONE);
	return good;
}

static void assert_as_spng(const struct bytes *file, size_t size)
{
	uint8_t *rgba = malloc(size), *wanted = malloc(size);
	spng_ctx *spng = spng_ctx_new(0);
	struct vgt_err err;

	assert_true(rgba && wanted && spng);
	assert_int_equal(spng_set_png_buffer(spng, file->data, file->size), 0);
	assert_int_equal(
		spng_decode_image(spng, wanted, size, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS), 0);
	if (!read_all(file, rgba, size, &err)) {
		fail_msg("%s", err.message);
	}
	assert_memory_equal(rgba, wanted, size);
	spng_ctx_free(spng);
	free(rgba);
	free(wanted);
}

/* Rows with a random filter and random bytes behind it. */
static size_t make_rows(
	uint8_t *rows, uint32_t width, uint32_t height, size_t pixel_size, uint32_t *seed)
{
	uint8_t *at = rows;

	for (uint32_t y = 0; y < height; y++) {
		*at++ = (uint8_t)(next_random(seed) % 5);
		for (size_t i = 0; i < width * pixel_size; i++) {
			*at++ = (uint8_t)(next_random(seed) % (i % 3 ? 256 : 4));
		}
	}
	return (size_t)(at - rows);
}

static void all_filters_and_pieces_are_read(void **state)
{
	static struct bytes file, data;
	static uint8_t rows[FILE_MAX];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		const uint32_t width = 1 + next_random(&seed) % (round % 10 ? 40 : 400);
		const uint32_t height = 1 + next_random(&seed) % 40;
		const size_t pixel_size = round % 2 ? 4 : 3;
		const size_t size = make_rows(rows, width, height, pixel_size, &seed);
		put_header(&file, width, height, pixel_size == 3 ? 2 : 6);
		put_chunk(&file, "teXt", "not needed", 10);
		if (round % 4 ==
			0) { /* RGB: a colour that is transparent, of its first pixel */
			const uint8_t colour[] = {0, rows[1], 0, rows[2], 0, rows[3]};
			put_chunk(&file, "PLTE", "abcdef", 6);
			put_chunk(&file, "tRNS", colour, sizeof(colour));
		}
		data.size = 0;
		put_stored(&data, rows, size);
		for (size_t at = 0; at < data.size;) {
			size_t part = next_random(&seed) % (round % 3 ? 30000 : 30);
			part = part < data.size - at ? part : data.size - at;
			put_chunk(&file, "IDAT", data.data + at, part); /* some empty */
			at += part;
		}
		put_chunk(&file, "tIME", "1234567", 7);
		put_chunk(&file, "IEND", NULL, 0);
		assert_as_spng(&file, (size_t)width * height * 4);
	}
}

/* What is between the header and IEND of a file of 2x1 pixels; `data` NULL: good image data. */
struct part {
	const char *type;
	const char *data;
	size_t size;
};

static void make_file(struct bytes *file, const struct part *parts)
{
	static const uint8_t row[7] = {0, 1, 2, 3, 4, 5, 6};
	static struct bytes data;

	put_header(file, 2, 1, 2);
	for (; parts->type; parts++) {
		data.size = 0;
		if (!parts->data && strcmp(parts->type, "IDAT") == 0) {
			put_stored(&data, row, parts->size ? parts->size : 7);
		} else {
			put(&data, parts->data, parts->size);
		}
		put_chunk(file, parts->type, data.data, data.size);
	}
}

static void what_is_wrong_is_refused(void **state)
{
#define GOOD \
	{ \
		"IDAT", NULL, 0 \
	}
#define END \
	{ \
		"IEND", "", 0 \
	}
	static const struct {
		struct part parts[6];
		const char *message; /* NULL: it is good */
	} cases[] = {
		{{GOOD, END}, NULL},
		{{{"prVt", "x", 1}, GOOD, {"prVt", "x", 1}, END}, NULL},
		{{GOOD, {"IDAT", "", 0}, END}, NULL},
		{{END}, "invalid chunk position"},
		{{{"IDAT", "", 0}, END}, "IDAT stream too short"},
		{{{"IDAT", NULL, 5}, END}, "IDAT stream too short"},
		{{GOOD, {"prVt", "x", 1}, {"IDAT", "", 0}, END}, "invalid chunk position"},
		{{{"PLTE", "12", 2}, GOOD, END}, "invalid chunk length"},
		{{{"PRVT", "x", 1}, GOOD, END}, "unknown critical chunk"},
		{{{"IHDR", "1234567890123", 13}, GOOD, END}, "invalid chunk position"},
		{{GOOD, {"IEND", "x", 1}}, "invalid chunk length"},
		{{{"IDAT", "\x78\x01\x07", 3}, END}, "IDAT stream error"},
		{{{"IDAT", "\x11\x11\x11", 3}, END}, "IDAT stream error"},
		/* stored: the filter 9; and 7 good bytes with a wrong checksum */
		{{{"IDAT", "\x78\x01\1\7\0\xf8\xff\11\0\0\0\0\0\0\0\x46\0\12", 18}, END},
			"invalid scanline filter"},
		{{{"IDAT", "\x78\x01\1\7\0\xf8\xff\0\0\0\0\0\0\0\0\7\0\2", 18}, END},
			"IDAT stream error"},
		{{{"IDAT", "\x78\x01\1\7\0\xf8\xff\0\0\0\0\0\0\0\0\7\0\1", 18}, END}, NULL},
	};
	static struct bytes file;
	uint8_t rgba[8];
	struct vgt_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_file(&file, cases[i].parts);
		const bool good = read_all(&file, rgba, sizeof(rgba), &err);
		if (good != !cases[i].message) {
			fail_msg("case %zu: %s", i, good ? "is taken" : err.message);
		}
		if (!good && strncmp(err.message, "damaged PNG: ", 13) == 0) {
			assert_string_equal(err.message + 13, cases[i].message);
		} else if (!good) {
			fail_msg("case %zu: %s", i, err.message);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_filters_and_pieces_are_read),
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
