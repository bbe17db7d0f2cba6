/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRGL_FORMAT_H
#define VGT_VIRGL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The pixel formats of the virgl protocol: enum virgl_formats of virglrenderer's virgl_hw.h,
 * what util_format_description() says about each, and the way from a texel to RGBA8.
 *
 * Everything here is constant data and pure functions: any number of threads may use it.
 */

/*
 * Numbers from here on are unknown; below it there are gaps. virglrenderer 1.0.1 ends at 322,
 * Mesa 25.0 at 454; the masks of the capsets have room for 512.
 */
#define VGT_FORMAT_END 455u

enum vgt_format_kind {
	/* NONE, shared exponent, bitmaps, packed YUV: sizes are known, no channels */
	VGT_FORMAT_OTHER = 0,
	VGT_FORMAT_PLAIN,         /* a colour whose channels stand side by side in the block */
	VGT_FORMAT_DEPTH_STENCIL, /* likewise, depth or stencil or both */
	VGT_FORMAT_COMPRESSED,    /* S3TC, RGTC, LATC, BPTC, ETC, ASTC, ATC, FXT1 */
	VGT_FORMAT_SUBSAMPLED,    /* two texels share a block, YUV and RGB */
	VGT_FORMAT_PLANAR, /* several planes, and AYUV, XYUV: the block size means nothing */
};

enum vgt_format_channel_type {
	VGT_FORMAT_CHANNEL_VOID = 0, /* bits that nobody reads, or no channel where bits is 0 */
	VGT_FORMAT_CHANNEL_UNORM,    /* 0 to 2^bits - 1 stands for 0 to 1 */
	VGT_FORMAT_CHANNEL_SNORM,    /* two's complement, 2^(bits - 1) - 1 stands for 1 */
	VGT_FORMAT_CHANNEL_UINT,     /* stays an integer in the shader */
	VGT_FORMAT_CHANNEL_SINT,
	VGT_FORMAT_CHANNEL_USCALED, /* an integer that becomes a float of the same value */
	VGT_FORMAT_CHANNEL_SSCALED,
	VGT_FORMAT_CHANNEL_FLOAT, /* IEEE 754 of 16, 32 or 64 bits; 10 and 11 bits have no sign
				   */
	VGT_FORMAT_CHANNEL_FIXED, /* 16.16, two's complement */
};

/* Where a component comes from. The first four are indices into vgt_format.channel. */
enum vgt_format_swizzle {
	VGT_FORMAT_SWIZZLE_X = 0,
	VGT_FORMAT_SWIZZLE_Y,
	VGT_FORMAT_SWIZZLE_Z,
	VGT_FORMAT_SWIZZLE_W,
	VGT_FORMAT_SWIZZLE_0, /* constant 0 */
	VGT_FORMAT_SWIZZLE_1, /* constant 1 */
};

struct vgt_format_channel {
	enum vgt_format_channel_type type;
	uint8_t bits;  /* 0 where there is no such channel */
	uint8_t shift; /* of its lowest bit, from bit 0 of the block read as little-endian */
};

struct vgt_format {
	const char *name; /* without VIRGL_FORMAT_: "B8G8R8A8_UNORM" */
	enum vgt_format_kind kind;
	/*
	 * Texels. A block of ASTC_3x3x3 to 6x6x6 has a depth too, which counts nowhere: neither
	 * the renderer nor Mesa's virgl has it in the size of a transfer.
	 */
	uint8_t block_width;
	uint8_t block_height;
	uint8_t block_bytes; /* of one block, as util_format_get_blocksize() counts them */
	bool srgb;           /* R, G and B are sRGB-encoded */
	/* Only of PLAIN and DEPTH_STENCIL formats. */
	struct vgt_format_channel channel[4];
	/*
	 * Of R, G, B and A, in this order. Of DEPTH_STENCIL formats the first names the depth
	 * and the second the stencil, VGT_FORMAT_SWIZZLE_0 where there is none. Of the kinds
	 * without channels it selects from what decoding yields.
	 */
	enum vgt_format_swizzle swizzle[4];
};

/* The row of `format`, constant and for ever; NULL where the number is unknown. */
const struct vgt_format *vgt_format_get(uint32_t format);

/* The name, constant and for ever; "unknown" where the number is. */
const char *vgt_format_name(uint32_t format);

/* Blocks that `texels` in a row (or rows) need, rounded up. `block` is not 0. */
uint32_t vgt_format_blocks(uint32_t texels, uint32_t block);

/* True where a picture can be made of it: every PLAIN format. False for NULL. */
bool vgt_format_is_picture(const struct vgt_format *format);

/* True where the format stores an alpha; only PLAIN and COMPRESSED ones do. False for NULL. */
bool vgt_format_has_alpha(const struct vgt_format *format);

/*
 * Converts a row of `width` texels at `src` (tightly packed, any alignment, width * block_bytes
 * bytes) to R, G, B, A of one byte each at `dst` (width * 4 bytes; the two must not overlap).
 * vgt_format_is_picture() must hold.
 *
 * Normalised, float and fixed channels are clamped to 0 to 1 and scaled to 0 to 255, rounded to
 * nearest; NaN becomes 0. Integers and scaled integers have no range to scale from: their value
 * is clamped to 0 to 255, so that small numbers stay apart. sRGB-encoded values stay encoded.
 * Missing colours become 0, a missing alpha 255; luminance and intensity spread.
 */
void vgt_format_row_to_rgba8(
	const struct vgt_format *format, const void *src, uint8_t *dst, uint32_t width);

#endif
