/* SPDX-License-Identifier: MIT */
#include "virgl_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Picked by hand from virgl_hw.h and u_format.csv, from 323 on from Mesa 25's u_format.yaml:
 * never generated from the table under test.
 */
static void test_rows(void **state)
{
	static const struct {
		uint32_t format;
		const char *name;
		uint8_t width;
		uint8_t height;
		uint8_t bytes;
		enum vgt_format_kind kind;
		bool srgb;
	} rows[] = {
		{0, "NONE", 1, 1, 1, VGT_FORMAT_OTHER, false},
		{1, "B8G8R8A8_UNORM", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{7, "B5G6R5_UNORM", 1, 1, 2, VGT_FORMAT_PLAIN, false},
		{14, "UYVY", 2, 1, 4, VGT_FORMAT_SUBSAMPLED, false},
		{16, "Z16_UNORM", 1, 1, 2, VGT_FORMAT_DEPTH_STENCIL, false},
		{19, "Z24_UNORM_S8_UINT", 1, 1, 4, VGT_FORMAT_DEPTH_STENCIL, false},
		{23, "S8_UINT", 1, 1, 1, VGT_FORMAT_DEPTH_STENCIL, false},
		{27, "R64G64B64A64_FLOAT", 1, 1, 32, VGT_FORMAT_PLAIN, false},
		{30, "R32G32B32_FLOAT", 1, 1, 12, VGT_FORMAT_PLAIN, false},
		{31, "R32G32B32A32_FLOAT", 1, 1, 16, VGT_FORMAT_PLAIN, false},
		{50, "R16G16B16_UNORM", 1, 1, 6, VGT_FORMAT_PLAIN, false},
		{66, "R8G8B8_UNORM", 1, 1, 3, VGT_FORMAT_PLAIN, false},
		{67, "R8G8B8A8_UNORM", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{72, "R8G8B8A8_USCALED", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{74, "R8_SNORM", 1, 1, 1, VGT_FORMAT_PLAIN, false},
		{85, "R8G8B8A8_SSCALED", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{87, "R32_FIXED", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{94, "R16G16B16A16_FLOAT", 1, 1, 8, VGT_FORMAT_PLAIN, false},
		{100, "B8G8R8A8_SRGB", 1, 1, 4, VGT_FORMAT_PLAIN, true},
		{105, "DXT1_RGB", 4, 4, 8, VGT_FORMAT_COMPRESSED, false},
		{112, "DXT5_SRGBA", 4, 4, 16, VGT_FORMAT_COMPRESSED, true},
		{113, "RGTC1_UNORM", 4, 4, 8, VGT_FORMAT_COMPRESSED, false},
		{117, "R8G8_B8G8_UNORM", 2, 1, 4, VGT_FORMAT_SUBSAMPLED, false},
		{124, "R11G11B10_FLOAT", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{125, "R9G9B9E5_FLOAT", 1, 1, 4, VGT_FORMAT_OTHER, false},
		{126, "Z32_FLOAT_S8X24_UINT", 1, 1, 8, VGT_FORMAT_DEPTH_STENCIL, false},
		{127, "R1_UNORM", 8, 1, 1, VGT_FORMAT_OTHER, false},
		{133, "R8G8Bx_SNORM", 1, 1, 2, VGT_FORMAT_OTHER, false},
		{139, "B2G3R3_UNORM", 1, 1, 1, VGT_FORMAT_PLAIN, false},
		{145, "LATC2_UNORM", 4, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{161, "L32A32_FLOAT", 1, 1, 8, VGT_FORMAT_PLAIN, false},
		{166, "NV12", 1, 1, 4, VGT_FORMAT_PLANAR, false},
		{168, "A4R4_UNORM", 1, 1, 1, VGT_FORMAT_PLAIN, false},
		{177, "R8_UINT", 1, 1, 1, VGT_FORMAT_PLAIN, false},
		{200, "R32G32B32A32_SINT", 1, 1, 16, VGT_FORMAT_PLAIN, false},
		{225, "B10G10R10A2_UINT", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{226, "ETC1_RGB8", 4, 4, 8, VGT_FORMAT_COMPRESSED, false},
		{241, "R32G32B32X32_SINT", 1, 1, 16, VGT_FORMAT_PLAIN, false},
		{255, "BPTC_RGBA_UNORM", 4, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{273, "ETC2_RGBA8", 4, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{279, "ASTC_4x4", 4, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{289, "ASTC_10x8", 10, 8, 16, VGT_FORMAT_COMPRESSED, false},
		{306, "ASTC_12x12_SRGB", 12, 12, 16, VGT_FORMAT_COMPRESSED, true},
		{308, "R10G10B10X2_UNORM", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{311, "A4B4G4R4_UNORM", 1, 1, 2, VGT_FORMAT_PLAIN, false},
		{314, "P010", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{317, "B8G8R8_UNORM", 1, 1, 3, VGT_FORMAT_PLAIN, false},
		{321, "R5G6B5_UNORM", 1, 1, 2, VGT_FORMAT_PLAIN, false},
		{322, "Y8_400_UNORM", 1, 1, 1, VGT_FORMAT_OTHER, false},
		{323, "Y8_U8_V8_444_UNORM", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{325, "NV16", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{326, "Y8_UNORM", 1, 1, 1, VGT_FORMAT_OTHER, false},
		{327, "YVYU", 2, 1, 4, VGT_FORMAT_SUBSAMPLED, false},
		{328, "Z16_UNORM_S8_UINT", 1, 1, 3, VGT_FORMAT_DEPTH_STENCIL, false},
		{329, "Z24_UNORM_S8_UINT_AS_R8G8B8A8", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{330, "A1B5G5R5_UINT", 1, 1, 2, VGT_FORMAT_PLAIN, false},
		{335, "A2B10G10R10_UNORM", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{340, "A4R4G4B4_UNORM", 1, 1, 2, VGT_FORMAT_PLAIN, false},
		{347, "A8R8G8B8_UINT", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{348, "ASTC_3x3x3", 3, 3, 16, VGT_FORMAT_COMPRESSED, false},
		{351, "ASTC_4x3x3_SRGB", 4, 3, 16, VGT_FORMAT_COMPRESSED, true},
		{356, "ASTC_5x4x4", 5, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{362, "ASTC_6x5x5", 6, 5, 16, VGT_FORMAT_COMPRESSED, false},
		{367, "ASTC_6x6x6_SRGB", 6, 6, 16, VGT_FORMAT_COMPRESSED, true},
		{368, "ATC_RGB", 4, 4, 8, VGT_FORMAT_COMPRESSED, false},
		{370, "ATC_RGBA_INTERPOLATED", 4, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{371, "AYUV", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{375, "B2G3R3_UINT", 1, 1, 1, VGT_FORMAT_PLAIN, false},
		{384, "B8G8_R8G8_UNORM", 2, 1, 4, VGT_FORMAT_SUBSAMPLED, false},
		{387, "B8G8R8_SRGB", 1, 1, 3, VGT_FORMAT_PLAIN, true},
		{393, "B8G8R8X8_UINT", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{394, "B8R8_G8R8_UNORM", 2, 1, 4, VGT_FORMAT_SUBSAMPLED, false},
		{395, "FXT1_RGB", 8, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{396, "FXT1_RGBA", 8, 4, 16, VGT_FORMAT_COMPRESSED, false},
		{397, "G16R16_SINT", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{399, "G8_B8_R8_420_UNORM", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{402, "P030", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{410, "R5G6B5_SRGB", 1, 1, 2, VGT_FORMAT_PLAIN, true},
		{412, "R64G64B64A64_SINT", 1, 1, 32, VGT_FORMAT_PLAIN, false},
		{415, "R64G64B64_UINT", 1, 1, 24, VGT_FORMAT_PLAIN, false},
		{419, "R64_UINT", 1, 1, 8, VGT_FORMAT_PLAIN, false},
		{425, "R8_G8_B8_UNORM", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{426, "VYUY", 2, 1, 4, VGT_FORMAT_SUBSAMPLED, false},
		{432, "X8R8G8B8_SNORM", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{436, "Y16_U16_V16_444_UNORM", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{437, "Y210", 2, 1, 8, VGT_FORMAT_SUBSAMPLED, false},
		{439, "Y216", 2, 1, 8, VGT_FORMAT_SUBSAMPLED, false},
		{440, "Y410", 1, 1, 4, VGT_FORMAT_OTHER, false},
		{442, "Y416", 1, 1, 8, VGT_FORMAT_OTHER, false},
		{443, "NV15", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{446, "R10_G10B10_420_UNORM", 1, 1, 1, VGT_FORMAT_PLANAR, false},
		{450, "X6R10_UNORM", 1, 1, 2, VGT_FORMAT_PLAIN, false},
		{453, "X4R12X4G12_UNORM", 1, 1, 4, VGT_FORMAT_PLAIN, false},
		{454, "R8_G8B8_422_UNORM", 1, 1, 1, VGT_FORMAT_PLANAR, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct vgt_format *const row = vgt_format_get(rows[i].format);

		assert_non_null(row);
		assert_string_equal(row->name, rows[i].name);
		assert_string_equal(vgt_format_name(rows[i].format), rows[i].name);
		assert_int_equal(row->block_width, rows[i].width);
		assert_int_equal(row->block_height, rows[i].height);
		assert_int_equal(row->block_bytes, rows[i].bytes);
		assert_int_equal(row->kind, rows[i].kind);
		assert_int_equal(row->srgb, rows[i].srgb);
	}
}

static void test_numbers_with_two_names(void **state)
{
	(void)state;
	assert_string_equal(vgt_format_name(262), "A16L16_UNORM");
	assert_string_equal(vgt_format_name(263), "G8R8_UNORM");
	assert_string_equal(vgt_format_name(264), "G8R8_SNORM");
	assert_string_equal(vgt_format_name(265), "G16R16_UNORM");
	assert_string_equal(vgt_format_name(266), "G16R16_SNORM");
	/* the second names of 262 to 266, where Mesa has moved them */
	assert_string_equal(vgt_format_name(331), "A1B5G5R5_UNORM");
	assert_string_equal(vgt_format_name(333), "A1R5G5B5_UNORM");
	assert_string_equal(vgt_format_name(335), "A2B10G10R10_UNORM");
	assert_string_equal(vgt_format_name(337), "A2R10G10B10_UNORM");
	assert_string_equal(vgt_format_name(340), "A4R4G4B4_UNORM");
}

static void test_unknown(void **state)
{
	static const uint32_t unknown[] = {
		73, 78, 79, 80, 81, 86, 307, 309, 310, 455, 511, 512, 0x80000000, UINT32_MAX};
	unsigned known = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(unknown); i++) {
		assert_null(vgt_format_get(unknown[i]));
		assert_string_equal(vgt_format_name(unknown[i]), "unknown");
	}
	for (uint32_t i = 0; i < 1000; i++) {
		known += vgt_format_get(i) != NULL;
	}
	assert_int_equal(known, 446); /* of 0 to 454 all but the nine in the list above */
}

/* Only of these no size is known; whatever else has one must not be taken for planar. */
static void test_planar(void **state)
{
	static const uint32_t planar[] = {163, 164, 165, 166, 167, 314, 315, 316, 323, 324, 325,
		371, 399, 400, 402, 420, 421, 423, 424, 425, 429, 433, 434, 435, 436, 443, 444,
		445, 446, 447, 448, 449, 454};
	size_t seen = 0;

	(void)state;
	for (uint32_t n = 0; n < VGT_FORMAT_END; n++) {
		const struct vgt_format *const row = vgt_format_get(n);
		const bool listed = seen < COUNT(planar) && planar[seen] == n;

		seen += listed;
		if (row) {
			assert_int_equal(row->kind == VGT_FORMAT_PLANAR, listed);
			assert_int_not_equal(row->block_width, 0);
			assert_int_not_equal(row->block_height, 0);
			assert_int_not_equal(row->block_bytes, 0);
		}
	}
	assert_int_equal(seen, COUNT(planar));
}

/* What conversion relies on to stay inside the block and to be defined. */
static void test_channels_fit(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < VGT_FORMAT_END; n++) {
		const struct vgt_format *const row = vgt_format_get(n);
		unsigned bits = 0;

		if (!row || (row->kind != VGT_FORMAT_PLAIN &&
				    row->kind != VGT_FORMAT_DEPTH_STENCIL)) {
			continue;
		}
		for (int i = 0; i < 4 && row->channel[i].bits > 0; i++) {
			assert_int_equal(row->channel[i].shift, bits);
			assert_true(row->channel[i].shift % 8 + row->channel[i].bits <= 64);
			bits += row->channel[i].bits;
		}
		assert_int_equal(bits, row->block_bytes * 8);
		for (int i = 0; i < 4; i++) {
			if (row->swizzle[i] <= VGT_FORMAT_SWIZZLE_W) {
				assert_int_not_equal(row->channel[row->swizzle[i]].bits, 0);
				assert_int_not_equal(row->channel[row->swizzle[i]].type,
					VGT_FORMAT_CHANNEL_VOID);
			}
		}
	}
}

static void test_depth_stencil(void **state)
{
	const struct vgt_format *const row = vgt_format_get(20); /* S8_UINT_Z24_UNORM */

	(void)state;
	assert_int_equal(row->swizzle[0], VGT_FORMAT_SWIZZLE_Y);
	assert_int_equal(row->swizzle[1], VGT_FORMAT_SWIZZLE_X);
	assert_int_equal(row->channel[0].type, VGT_FORMAT_CHANNEL_UINT);
	assert_int_equal(row->channel[0].bits, 8);
	assert_int_equal(row->channel[1].type, VGT_FORMAT_CHANNEL_UNORM);
	assert_int_equal(row->channel[1].bits, 24);
	assert_int_equal(row->channel[1].shift, 8);

	const struct vgt_format *const small = vgt_format_get(328); /* Z16_UNORM_S8_UINT */

	assert_int_equal(small->swizzle[0], VGT_FORMAT_SWIZZLE_X);
	assert_int_equal(small->swizzle[1], VGT_FORMAT_SWIZZLE_Y);
	assert_int_equal(small->channel[0].type, VGT_FORMAT_CHANNEL_UNORM);
	assert_int_equal(small->channel[0].bits, 16);
	assert_int_equal(small->channel[1].type, VGT_FORMAT_CHANNEL_UINT);
	assert_int_equal(small->channel[1].bits, 8);
}

static void test_blocks(void **state)
{
	(void)state;
	assert_int_equal(vgt_format_blocks(0, 4), 0);
	assert_int_equal(vgt_format_blocks(1, 4), 1);
	assert_int_equal(vgt_format_blocks(4, 4), 1);
	assert_int_equal(vgt_format_blocks(5, 4), 2);
	assert_int_equal(vgt_format_blocks(640, 12), 54);
	assert_int_equal(vgt_format_blocks(640, 1), 640);
	assert_int_equal(vgt_format_blocks(UINT32_MAX, 1), UINT32_MAX);
	assert_int_equal(vgt_format_blocks(UINT32_MAX, 4), 0x40000000);
}

static void test_is_picture(void **state)
{
	static const uint32_t yes[] = {1, 2, 3, 4, 7, 8, 10, 28, 64, 67, 68, 94, 100, 121, 124,
		134, 180, 262, 329, 331, 387, 419, 451};
	static const uint32_t no[] = {0, 14, 16, 18, 19, 23, 105, 117, 125, 126, 127, 133, 136,
		163, 255, 279, 314, 322, 323, 326, 327, 328, 348, 368, 371, 395, 429, 437, 440,
		454};

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		assert_true(vgt_format_is_picture(vgt_format_get(yes[i])));
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		assert_false(vgt_format_is_picture(vgt_format_get(no[i])));
	}
	assert_false(vgt_format_is_picture(NULL));
}

static void test_has_alpha(void **state)
{
	static const uint32_t yes[] = {1, 3, 5, 6, 8, 10, 11, 12, 31, 67, 94, 98, 100, 106, 108,
		121, 168, 170, 225, 252, 255, 259, 262, 267, 271, 279, 319, 320, 329, 330, 333,
		334, 337, 339, 344, 345, 348, 367, 369, 370, 372, 376, 377, 379, 396, 403, 406,
		408, 412};
	static const uint32_t no[] = {0, 2, 4, 7, 9, 14, 16, 19, 20, 28, 66, 68, 99, 101, 105,
		113, 119, 122, 124, 126, 128, 134, 163, 166, 226, 229, 234, 241, 257, 263, 268,
		269, 308, 314, 317, 321, 322, 323, 328, 368, 371, 373, 378, 388, 392, 395, 399,
		401, 404, 407, 409, 414, 427, 428, 431, 437, 440, 450, 453};

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		assert_true(vgt_format_has_alpha(vgt_format_get(yes[i])));
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		assert_false(vgt_format_has_alpha(vgt_format_get(no[i])));
	}
	assert_false(vgt_format_has_alpha(NULL));
}

/* Converts copies at exact size in the heap, so that a sanitizer sees a byte too many. */
static void assert_converts(uint32_t format, const uint8_t *texels, size_t size,
	const uint8_t *expected, uint32_t width)
{
	const struct vgt_format *const row = vgt_format_get(format);
	uint8_t *const src = malloc(size);
	uint8_t *const dst = malloc((size_t)width * 4);

	assert_non_null(row);
	assert_non_null(src);
	assert_non_null(dst);
	assert_int_equal(size, (size_t)width * row->block_bytes);
	assert_true(vgt_format_is_picture(row));
	memcpy(src, texels, size);
	memset(dst, 0x5a, (size_t)width * 4);
	vgt_format_row_to_rgba8(row, src, dst, width);
	assert_memory_equal(dst, expected, (size_t)width * 4);
	free(src);
	free(dst);
}

/*
 * No two bytes are alike, so a swapped channel, a lost X or a slip of a byte shows. Three
 * texels: an odd number, for loops that do several at a time.
 */
static void test_byte_orders(void **state)
{
	static const uint8_t texels[12] = {
		0x11, 0x32, 0x53, 0x74, 0x95, 0xb6, 0xd7, 0xf8, 0x19, 0x3a, 0x5b, 0x7c};
	static const struct {
		uint32_t format[2]; /* plain and sRGB-encoded, which must not be decoded */
		uint8_t rgba[12];
	} orders[] = {
		{{1, 100}, /* B8G8R8A8 */
			{0x53, 0x32, 0x11, 0x74, 0xd7, 0xb6, 0x95, 0xf8, 0x5b, 0x3a, 0x19,
				0x7c}},
		{{2, 101}, /* B8G8R8X8 */
			{0x53, 0x32, 0x11, 255, 0xd7, 0xb6, 0x95, 255, 0x5b, 0x3a, 0x19, 255}},
		{{67, 104}, /* R8G8B8A8 */
			{0x11, 0x32, 0x53, 0x74, 0x95, 0xb6, 0xd7, 0xf8, 0x19, 0x3a, 0x5b,
				0x7c}},
		{{134, 230}, /* R8G8B8X8 */
			{0x11, 0x32, 0x53, 255, 0x95, 0xb6, 0xd7, 255, 0x19, 0x3a, 0x5b, 255}},
		{{3, 102}, /* A8R8G8B8 */
			{0x32, 0x53, 0x74, 0x11, 0xb6, 0xd7, 0xf8, 0x95, 0x3a, 0x5b, 0x7c,
				0x19}},
		{{4, 103}, /* X8R8G8B8 */
			{0x32, 0x53, 0x74, 255, 0xb6, 0xd7, 0xf8, 255, 0x3a, 0x5b, 0x7c, 255}},
		{{121, 98}, /* A8B8G8R8 */
			{0x74, 0x53, 0x32, 0x11, 0xf8, 0xd7, 0xb6, 0x95, 0x7c, 0x5b, 0x3a,
				0x19}},
		{{68, 99}, /* X8B8G8R8 */
			{0x74, 0x53, 0x32, 255, 0xf8, 0xd7, 0xb6, 255, 0x7c, 0x5b, 0x3a, 255}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(orders); i++) {
		for (int s = 0; s < 2; s++) {
			assert_converts(orders[i].format[s], texels, 12, orders[i].rgba, 3);
		}
	}
}

/* Long enough for vector code, from an odd address, into an odd address, and not a byte more.
 */
static void test_long_unaligned_row(void **state)
{
	enum { WIDTH = 1021 };
	uint8_t *const src = malloc(WIDTH * 4 + 1);
	uint8_t *const dst = malloc(WIDTH * 4 + 2);

	(void)state;
	assert_non_null(src);
	assert_non_null(dst);
	for (size_t i = 0; i < WIDTH * 4 + 1; i++) {
		src[i] = (uint8_t)(i * 167 + i / 256);
	}
	memset(dst, 0xa5, WIDTH * 4 + 2);
	vgt_format_row_to_rgba8(vgt_format_get(3), src + 1, dst + 1, WIDTH); /* A8R8G8B8 */
	for (size_t i = 0; i < WIDTH; i++) {
		assert_int_equal(dst[1 + 4 * i + 0], src[1 + 4 * i + 1]);
		assert_int_equal(dst[1 + 4 * i + 1], src[1 + 4 * i + 2]);
		assert_int_equal(dst[1 + 4 * i + 2], src[1 + 4 * i + 3]);
		assert_int_equal(dst[1 + 4 * i + 3], src[1 + 4 * i + 0]);
	}
	assert_int_equal(dst[0], 0xa5);
	assert_int_equal(dst[WIDTH * 4 + 1], 0xa5);
	free(src);
	free(dst);
}

static void test_no_texels(void **state)
{
	uint8_t dst[4] = {1, 2, 3, 4};
	const uint8_t src[4] = {0};

	(void)state;
	vgt_format_row_to_rgba8(vgt_format_get(1), src, dst, 0);
	vgt_format_row_to_rgba8(vgt_format_get(7), src, dst, 0);
	assert_memory_equal(dst, ((uint8_t[]){1, 2, 3, 4}), 4);
}

static void test_packed(void **state)
{
	static const struct {
		uint32_t format;
		uint8_t size;
		uint8_t texel[4];
		uint8_t rgba[4];
	} texels[] = {
		/* B5G6R5: blue 3 of 31, green 40 of 63, red 29 of 31 */
		{7, 2, {0x03, 0xed}, {239, 162, 25, 255}},
		{254, 2, {0x03, 0xed}, {239, 162, 25, 255}},
		{321, 2, {0x03, 0xed}, {25, 162, 239, 255}},
		/* B5G5R5A1: blue 1, green 2, red 28, alpha 0 and 1, X */
		{5, 2, {0x41, 0x70}, {230, 16, 8, 0}},
		{5, 2, {0x41, 0xf0}, {230, 16, 8, 255}},
		{122, 2, {0x41, 0x70}, {230, 16, 8, 255}},
		{320, 2, {0x41, 0x70}, {8, 16, 230, 0}},
		/* nibbles 1, 2, 3, 4 from the lowest */
		{6, 2, {0x21, 0x43}, {51, 34, 17, 68}},
		{135, 2, {0x21, 0x43}, {51, 34, 17, 255}},
		{311, 2, {0x21, 0x43}, {68, 51, 34, 17}},
		{319, 2, {0x21, 0x43}, {17, 34, 51, 68}},
		/* R10G10B10A2: red 1023, green 4, blue 514, alpha 2; word 0xa02013ff */
		{8, 4, {0xff, 0x13, 0x20, 0xa0}, {255, 1, 128, 170}},
		{308, 4, {0xff, 0x13, 0x20, 0xa0}, {255, 1, 128, 255}},
		{131, 4, {0xff, 0x13, 0x20, 0xa0}, {128, 1, 255, 170}},
		{233, 4, {0xff, 0x13, 0x20, 0xa0}, {128, 1, 255, 255}},
		{253, 4, {0xff, 0x13, 0x20, 0xa0}, {255, 4, 255, 2}},
		/* B2G3R3: blue 1 of 3, green 2 of 7, red 6 of 7; R3G3B2 of the same byte */
		{139, 1, {0xc9}, {219, 73, 85, 255}},
		{318, 1, {0xc9}, {36, 36, 255, 255}},
		/* R11G11B10: 1.0, 0.5, 0.25; then a subnormal, infinity, NaN */
		{124, 4, {0xc0, 0x03, 0x1c, 0x68}, {255, 128, 64, 255}},
		{124, 4, {0x01, 0x00, 0x7e, 0xf8}, {0, 255, 0, 255}},
		/* R5SG5SB6U: red 15 of 15, green -1, blue 21 of 63 */
		{120, 2, {0xef, 0x57}, {255, 0, 85, 255}},
		/* R8SG8SB8UX8U */
		{119, 4, {0x40, 0x80, 0x80, 0x11}, {129, 0, 128, 255}},
		/* R10SG10SB10SA2U: red 511, green -512, blue 256, alpha 1 */
		{132, 4, {0xff, 0x01, 0x08, 0x50}, {255, 0, 128, 85}},
		/* from the lowest bit: 0 or 1, 2 of 31, 1 of 31, 28 of 31 */
		{331, 2, {0x44, 0xe0}, {230, 8, 16, 0}},
		{331, 2, {0x45, 0xe0}, {230, 8, 16, 255}},
		{333, 2, {0x45, 0xe0}, {16, 8, 230, 255}},
		{330, 2, {0x45, 0xe0}, {28, 1, 2, 1}},
		{332, 2, {0x45, 0xe0}, {2, 1, 28, 1}},
		{427, 2, {0x44, 0xe0}, {230, 8, 16, 255}},
		{428, 2, {0x44, 0xe0}, {16, 8, 230, 255}},
		/* from the highest: 640, 513, 255 of 1023, 3 of 3; word 0xa02013ff as above */
		{335, 4, {0xff, 0x13, 0x20, 0xa0}, {160, 128, 64, 255}},
		{337, 4, {0xff, 0x13, 0x20, 0xa0}, {64, 128, 160, 255}},
		/* 7, 500, 3, 2; word 0x01df400e */
		{334, 4, {0x0e, 0x40, 0xdf, 0x01}, {7, 255, 3, 2}},
		{336, 4, {0x0e, 0x40, 0xdf, 0x01}, {3, 255, 7, 2}},
		/* the nibbles again */
		{338, 2, {0x21, 0x43}, {4, 3, 2, 1}},
		{339, 2, {0x21, 0x43}, {2, 3, 4, 1}},
		{340, 2, {0x21, 0x43}, {34, 51, 68, 17}},
		{376, 2, {0x21, 0x43}, {3, 2, 1, 4}},
		{406, 2, {0x21, 0x43}, {1, 2, 3, 4}},
		{407, 2, {0x21, 0x43}, {17, 34, 51, 255}},
		/* the texels of B2G3R3, R3G3B2, B5G5R5A1 and B5G6R5 above, as integers */
		{375, 1, {0xc9}, {6, 2, 1, 255}},
		{405, 1, {0xc9}, {1, 1, 3, 255}},
		{377, 2, {0x41, 0xf0}, {28, 2, 1, 1}},
		{408, 2, {0x41, 0xf0}, {1, 2, 28, 1}},
		{409, 2, {0x41, 0x70}, {8, 16, 230, 255}},
		{378, 2, {0x03, 0xed}, {29, 40, 3, 255}},
		{411, 2, {0x03, 0xed}, {3, 40, 29, 255}},
		{410, 2, {0x03, 0xed}, {25, 162, 239, 255}},
		/* B10G10R10X2: blue 511, green -512, red 256 */
		{374, 4, {0xff, 0x01, 0x08, 0x50}, {128, 0, 255, 255}},
		/* 5, -1, 200, 1; word 0x4c8ffc05 */
		{372, 4, {0x05, 0xfc, 0x8f, 0x4c}, {200, 0, 5, 1}},
		{373, 4, {0x05, 0xfc, 0x8f, 0x4c}, {200, 0, 5, 255}},
		{403, 4, {0x05, 0xfc, 0x8f, 0x4c}, {5, 0, 200, 1}},
		{404, 4, {0x05, 0xfc, 0x8f, 0x4c}, {5, 0, 200, 255}},
		/* six bits to ignore, 512 of 1023, six more, 4 of 1023 */
		{450, 2, {0x3f, 0x80}, {128, 0, 0, 255}},
		{451, 4, {0x3f, 0x80, 0x3f, 0x01}, {128, 1, 0, 255}},
		/* four bits to ignore, 2048 of 4095, four more, 16 of 4095 */
		{452, 2, {0x0f, 0x80}, {128, 0, 0, 255}},
		{453, 4, {0x0f, 0x80, 0x0f, 0x01}, {128, 1, 0, 255}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texels); i++) {
		assert_converts(
			texels[i].format, texels[i].texel, texels[i].size, texels[i].rgba, 1);
	}
}

static void test_few_components(void **state)
{
	static const uint8_t texel[4] = {0x33, 0x99, 0xc4, 0x07};
	static const struct {
		uint32_t format;
		uint8_t size;
		uint8_t rgba[4];
	} texels[] = {
		{9, 1, {0x33, 0x33, 0x33, 255}},    /* L8 */
		{95, 1, {0x33, 0x33, 0x33, 255}},   /* L8_SRGB */
		{10, 1, {0, 0, 0, 0x33}},           /* A8 */
		{11, 1, {0x33, 0x33, 0x33, 0x33}},  /* I8 */
		{12, 2, {0x33, 0x33, 0x33, 0x99}},  /* L8A8 */
		{259, 2, {0x99, 0x99, 0x99, 0x33}}, /* A8L8 */
		{130, 1, {51, 51, 51, 51}},         /* L4A4, 3 and 3 */
		{64, 1, {0x33, 0, 0, 255}},         /* R8 */
		{65, 2, {0x33, 0x99, 0, 255}},      /* R8G8 */
		{263, 2, {0x99, 0x33, 0, 255}},     /* G8R8 */
		{66, 3, {0x33, 0x99, 0xc4, 255}},   /* R8G8B8 */
		{317, 3, {0xc4, 0x99, 0x33, 255}},  /* B8G8R8 */
		{170, 2, {0x33, 0, 0, 0x99}},       /* R8A8 */
		{171, 2, {0x99, 0, 0, 0x33}},       /* A8R8 */
		{13, 2, {0x99, 0x99, 0x99, 255}},   /* L16, 0x9933 */
		{140, 4, {0x99, 0x99, 0x99, 8}},    /* L16A16, 0x07c4 is 7.73 of 255 */
		{262, 4, {8, 8, 8, 0x99}},          /* A16L16 */
		{265, 4, {8, 0x99, 0, 255}},        /* G16R16 */
		{329, 4, {0x33, 0x99, 0xc4, 0x07}}, /* Z24_UNORM_S8_UINT_AS_R8G8B8A8 */
		{385, 3, {0, 0, 0x33, 255}},        /* B8G8R8_SINT */
		{386, 3, {0, 0, 102, 255}},         /* B8G8R8_SNORM, 51 of 127 */
		{387, 3, {0xc4, 0x99, 0x33, 255}},  /* B8G8R8_SRGB */
		{388, 3, {0, 0, 0x33, 255}},        /* B8G8R8_SSCALED */
		{389, 3, {0xc4, 0x99, 0x33, 255}},  /* B8G8R8_UINT */
		{390, 3, {0xc4, 0x99, 0x33, 255}},  /* B8G8R8_USCALED */
		{397, 4, {255, 0, 0, 255}},         /* G16R16_SINT: 0x9933, 0x07c4 */
		{401, 2, {0, 0x33, 0, 255}},        /* G8R8_SINT */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texels); i++) {
		assert_converts(texels[i].format, texel, texels[i].size, texels[i].rgba, 1);
	}
	/* Nibbles that differ: the first letter is the low one. */
	assert_converts(130, (uint8_t[]){0x2f}, 1, (uint8_t[]){255, 255, 255, 34}, 1);
	assert_converts(168, (uint8_t[]){0x2f}, 1, (uint8_t[]){34, 0, 0, 255}, 1);
	assert_converts(169, (uint8_t[]){0x2f}, 1, (uint8_t[]){255, 0, 0, 34}, 1);
}

static void test_signed_normalised(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0x40, 0x7f, 0x80, 0x81, 0xff, 0x20};
	static const uint8_t expected[] = {0, 2, 129, 255, 0, 0, 0, 64};

	(void)state;
	assert_converts(77, bytes, 8, expected, 2);
	assert_converts(267, (uint8_t[]){1, 2, 3, 0x7f}, 4, (uint8_t[]){255, 6, 4, 2}, 1);
	/* A8R8G8B8, B8G8R8A8, B8G8R8X8, X8R8G8B8 */
	assert_converts(346, (uint8_t[]){1, 2, 3, 0x7f}, 4, (uint8_t[]){4, 6, 255, 2}, 1);
	assert_converts(380, (uint8_t[]){1, 2, 3, 0x7f}, 4, (uint8_t[]){6, 4, 2, 255}, 1);
	assert_converts(392, (uint8_t[]){1, 2, 3, 4}, 4, (uint8_t[]){6, 4, 2, 255}, 1);
	assert_converts(432, (uint8_t[]){1, 2, 3, 0x7f}, 4, (uint8_t[]){4, 6, 255, 255}, 1);
	/* R16G16: 0x3fff of 0x7fff, 0x8000 */
	assert_converts(
		57, (uint8_t[]){0xff, 0x3f, 0x00, 0x80}, 4, (uint8_t[]){127, 0, 0, 255}, 1);
	/* R32: all but the sign; the sign */
	assert_converts(40, (uint8_t[]){0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x80}, 8,
		(uint8_t[]){255, 0, 0, 255, 0, 0, 0, 255}, 2);
}

static void test_wide_normalised(void **state)
{
	(void)state;
	/* R16G16B16A16: 0x0080 is 0.498, 0x0081 is 0.502, 0x8000 is 127.502, 0xffff */
	assert_converts(51, (uint8_t[]){0x80, 0x00, 0x81, 0x00, 0x00, 0x80, 0xff, 0xff}, 8,
		(uint8_t[]){0, 1, 128, 255}, 1);
	/* R32G32: 0x7fffffff is just below 127.5, 0x80000000 just above */
	assert_converts(33, (uint8_t[]){0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x80}, 8,
		(uint8_t[]){127, 128, 0, 255}, 1);
	assert_converts(
		32, (uint8_t[]){0xff, 0xff, 0xff, 0xff}, 4, (uint8_t[]){255, 0, 0, 255}, 1);
}

static void test_integers(void **state)
{
	(void)state;
	assert_converts(
		180, (uint8_t[]){1, 127, 128, 255}, 4, (uint8_t[]){1, 127, 128, 255}, 1);
	assert_converts(231, (uint8_t[]){1, 2, 3, 4}, 4, (uint8_t[]){1, 2, 3, 255}, 1);
	assert_converts(184, (uint8_t[]){1, 127, 128, 255}, 4, (uint8_t[]){1, 127, 0, 0}, 1);
	/* R16G16_UINT: 254, 256; R16G16_SINT: 254, -1 */
	assert_converts(186, (uint8_t[]){254, 0, 0, 1}, 4, (uint8_t[]){254, 255, 0, 255}, 1);
	assert_converts(
		190, (uint8_t[]){254, 0, 0xff, 0xff}, 4, (uint8_t[]){254, 0, 0, 255}, 1);
	/* R32_UINT: 7, 2^31; R32_SINT: 2^31 - 1, -2^31 */
	assert_converts(193, (uint8_t[]){7, 0, 0, 0, 0, 0, 0, 0x80}, 8,
		(uint8_t[]){7, 0, 0, 255, 255, 0, 0, 255}, 2);
	assert_converts(197, (uint8_t[]){0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x80}, 8,
		(uint8_t[]){255, 0, 0, 255, 0, 0, 0, 255}, 2);
	/* R8_USCALED, R8_SSCALED */
	assert_converts(69, (uint8_t[]){200}, 1, (uint8_t[]){200, 0, 0, 255}, 1);
	assert_converts(82, (uint8_t[]){200}, 1, (uint8_t[]){0, 0, 0, 255}, 1);
	/* R32G32_FIXED: 0.5, -1; then 1 and 3 */
	assert_converts(88, (uint8_t[]){0, 0x80, 0, 0, 0, 0, 0xff, 0xff}, 8,
		(uint8_t[]){128, 0, 0, 255}, 1);
	assert_converts(
		88, (uint8_t[]){0, 0, 1, 0, 0, 0, 3, 0}, 8, (uint8_t[]){255, 255, 0, 255}, 1);
}

/* Four bytes as integers in all orders: 1, 127, then 128 or -128, 255 or -1. */
static void test_integer_orders(void **state)
{
	static const struct {
		uint32_t format[2]; /* pure and scaled, or twice the same */
		uint8_t rgba[4];
	} orders[] = {
		{{343, 344}, {255, 128, 127, 1}},                               /* A8B8G8R8 */
		{{341, 342}, {0, 0, 127, 1}}, {{347, 347}, {127, 128, 255, 1}}, /* A8R8G8B8 */
		{{345, 345}, {127, 0, 0, 1}}, {{382, 383}, {128, 127, 1, 255}}, /* B8G8R8A8 */
		{{379, 381}, {0, 127, 1, 0}}, {{393, 393}, {128, 127, 1, 255}}, /* B8G8R8X8 */
		{{391, 391}, {0, 127, 1, 255}}, {{430, 430}, {0, 0, 127, 255}}, /* X8B8G8R8 */
		{{431, 431}, {127, 0, 0, 255}},                                 /* X8R8G8B8 */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(orders); i++) {
		for (int s = 0; s < 2; s++) {
			assert_converts(orders[i].format[s], (uint8_t[]){1, 127, 128, 255}, 4,
				orders[i].rgba, 1);
		}
	}
}

/* What only the first and the last byte of eight tell. */
static void test_64_bit_integers(void **state)
{
	static const uint8_t texel[32] = {
		[0] = 7, [8] = 2, [15] = 1, [16] = 3, [23] = 0x80, [24] = 200};

	(void)state;
	assert_converts(419, texel, 8, (uint8_t[]){7, 0, 0, 255}, 1);
	assert_converts(418, texel, 8, (uint8_t[]){7, 0, 0, 255}, 1);
	assert_converts(417, texel, 16, (uint8_t[]){7, 255, 0, 255}, 1);
	assert_converts(416, texel, 16, (uint8_t[]){7, 255, 0, 255}, 1);
	assert_converts(415, texel, 24, (uint8_t[]){7, 255, 255, 255}, 1);
	assert_converts(414, texel, 24, (uint8_t[]){7, 255, 0, 255}, 1);
	assert_converts(413, texel, 32, (uint8_t[]){7, 255, 255, 200}, 1);
	assert_converts(412, texel, 32, (uint8_t[]){7, 255, 0, 200}, 1);
}

static void test_half_float(void **state)
{
	static const struct {
		uint16_t half;
		uint8_t byte;
	} values[] = {
		{0x0000, 0},   /* 0 */
		{0x8000, 0},   /* -0 */
		{0x0001, 0},   /* the smallest subnormal */
		{0x03ff, 0},   /* the largest: 0.000061 */
		{0x17ff, 0},   /* 0.001952, just below 0.5 of 255 */
		{0x1805, 1},   /* 0.001963, just above */
		{0x3400, 64},  /* 0.25 */
		{0x3555, 85},  /* a third */
		{0x3800, 128}, /* 0.5 */
		{0x3bff, 255}, /* the last before 1 */
		{0x3c00, 255}, /* 1 */
		{0x4000, 255}, /* 2 */
		{0x7bff, 255}, /* 65504 */
		{0x7c00, 255}, /* infinity */
		{0xfc00, 0},   /* -infinity */
		{0xbc00, 0},   /* -1 */
		{0x7c01, 0},   /* NaN, signalling */
		{0x7e00, 0},   /* NaN, quiet */
		{0xfe00, 0},   /* NaN with a sign */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		const uint8_t texel[2] = {
			(uint8_t)values[i].half, (uint8_t)(values[i].half >> 8)};

		assert_converts(91, texel, 2, (uint8_t[]){values[i].byte, 0, 0, 255}, 1);
	}
	/* R16G16B16A16: 0.25, 0.5, 1, a third */
	assert_converts(94, (uint8_t[]){0, 0x34, 0, 0x38, 0, 0x3c, 0x55, 0x35}, 8,
		(uint8_t[]){64, 128, 255, 85}, 1);
	assert_converts(236, (uint8_t[]){0, 0x34, 0, 0x38, 0, 0x3c, 0x55, 0x35}, 8,
		(uint8_t[]){64, 128, 255, 255}, 1);
}

static void test_float(void **state)
{
	(void)state;
	/* 0.25, 0.5, 2, -1 */
	assert_converts(31,
		(uint8_t[]){0, 0, 0x80, 0x3e, 0, 0, 0, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x80, 0xbf},
		16, (uint8_t[]){64, 128, 255, 0}, 1);
	/* NaN, infinity, the smallest subnormal */
	assert_converts(30, (uint8_t[]){0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f, 1, 0, 0, 0}, 12,
		(uint8_t[]){0, 255, 0, 255}, 1);
	/* R64G64: 0.25, NaN */
	assert_converts(25,
		(uint8_t[]){0, 0, 0, 0, 0, 0, 0xd0, 0x3f, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, 16,
		(uint8_t[]){64, 0, 0, 255}, 1);
}

static uint8_t rounded(double unit)
{
	return (uint8_t)(unit * 255.0 + 0.5);
}

/* Every value of a 16-bit texel, against arithmetic in double. */
static void test_every_565_and_16_bit(void **state)
{
	(void)state;
	for (uint32_t v = 0; v < 65536; v++) {
		const uint8_t texel[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
		uint8_t rgba[4];

		vgt_format_row_to_rgba8(vgt_format_get(7), texel, rgba, 1);
		assert_int_equal(rgba[0], rounded(v / 2048 / 31.0));
		assert_int_equal(rgba[1], rounded(v / 32 % 64 / 63.0));
		assert_int_equal(rgba[2], rounded(v % 32 / 31.0));
		vgt_format_row_to_rgba8(vgt_format_get(48), texel, rgba, 1);
		assert_int_equal(rgba[0], rounded(v / 65535.0));
	}
}

/* Every finite half in 0 to 1, built up from its definition: the mantissa doubled or halved. */
static void test_every_half(void **state)
{
	(void)state;
	for (uint32_t v = 0; v <= 0x3c00; v++) {
		const uint8_t texel[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
		const uint32_t exponent = v / 1024;
		double value = exponent == 0 ? v % 1024 : v % 1024 + 1024;
		uint8_t rgba[4];

		for (uint32_t i = exponent == 0 ? 1 : exponent; i < 25; i++) {
			value /= 2;
		}
		vgt_format_row_to_rgba8(vgt_format_get(91), texel, rgba, 1);
		assert_int_equal(rgba[0], rounded(value));
	}
}

/* Whatever the bytes, every picture format converts without a sanitizer's complaint. */
static void test_all_pictures_with_any_bytes(void **state)
{
	enum { WIDTH = 67 };
	uint32_t random = 1;

	(void)state;
	for (uint32_t n = 0; n < VGT_FORMAT_END; n++) {
		const struct vgt_format *const row = vgt_format_get(n);

		if (!vgt_format_is_picture(row)) {
			continue;
		}

		const size_t size = (size_t)WIDTH * row->block_bytes;
		uint8_t *const src = malloc(size);
		uint8_t *const dst = malloc(WIDTH * 4);

		assert_non_null(src);
		assert_non_null(dst);
		for (size_t i = 0; i < size; i++) {
			random = random * 1664525 + 1013904223;
			src[i] = (uint8_t)(random >> 24);
		}
		memset(src, 0xff, row->block_bytes); /* the largest of everything, once */
		vgt_format_row_to_rgba8(row, src, dst, WIDTH);
		for (size_t x = 0; x < WIDTH && !vgt_format_has_alpha(row); x++) {
			assert_int_equal(dst[4 * x + 3], 255);
		}
		free(src);
		free(dst);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_numbers_with_two_names),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_planar),
		cmocka_unit_test(test_channels_fit),
		cmocka_unit_test(test_depth_stencil),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_is_picture),
		cmocka_unit_test(test_has_alpha),
		cmocka_unit_test(test_byte_orders),
		cmocka_unit_test(test_long_unaligned_row),
		cmocka_unit_test(test_no_texels),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_few_components),
		cmocka_unit_test(test_signed_normalised),
		cmocka_unit_test(test_wide_normalised),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_integer_orders),
		cmocka_unit_test(test_64_bit_integers),
		cmocka_unit_test(test_half_float),
		cmocka_unit_test(test_float),
		cmocka_unit_test(test_every_565_and_16_bit),
		cmocka_unit_test(test_every_half),
		cmocka_unit_test(test_all_pictures_with_any_bytes),
	};

	return cmocka_run_group_tests_name("virgl_format", tests, NULL, NULL);
}
