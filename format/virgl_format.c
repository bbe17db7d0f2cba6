/* SPDX-License-Identifier: MIT */
#include "virgl_format.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/*
 * Building blocks of the rows. The channels of a block are listed from bit 0 upwards, as the
 * letters of the name are; ONE to FOUR are channels of equal width, PACKEDn of unequal width.
 */
#define CHANNEL(t, n, at) \
	{ \
		.type = VGT_FORMAT_CHANNEL_##t, .bits = (n), .shift = (at) \
	}

#define BITS(n) .block_bytes = (n) / 8

#define PACKED2(t, a, b)         BITS((a) + (b)), .channel = {CHANNEL(t, a, 0), CHANNEL(t, b, a)}
#define PACKED3(t, a, b, c)      MIXED4(t, a, t, b, t, c, VOID, 0)
#define PACKED4(t, a, b, c, d)   MIXED4(t, a, t, b, t, c, t, d)
#define PACKED3_X(t, a, b, c, x) MIXED4(t, a, t, b, t, c, VOID, x)

#define MIXED2(t, a, u, b)       BITS((a) + (b)), .channel = {CHANNEL(t, a, 0), CHANNEL(u, b, a)}
#define MIXED3(t, a, u, b, v, c) MIXED4(t, a, u, b, v, c, VOID, 0)
#define MIXED4(t, a, u, b, v, c, w, d) \
	BITS((a) + (b) + (c) + (d)), \
		.channel = {CHANNEL(t, a, 0), CHANNEL(u, b, a), CHANNEL(v, c, (a) + (b)), \
			CHANNEL(w, d, (d) > 0 ? (a) + (b) + (c) : 0)}

#define ONE(t, n)     BITS(n), .channel = {CHANNEL(t, n, 0)}
#define TWO(t, n)     PACKED2(t, n, n)
#define THREE(t, n)   PACKED3(t, n, n, n)
#define FOUR(t, n)    PACKED4(t, n, n, n, n)
#define THREE_X(t, n) PACKED3_X(t, n, n, n, n)
#define X_THREE(t, n) MIXED4(VOID, n, t, n, t, n, t, n)

#define SWIZZLE(r, g, b, a) \
	.swizzle = {VGT_FORMAT_SWIZZLE_##r, VGT_FORMAT_SWIZZLE_##g, VGT_FORMAT_SWIZZLE_##b, \
		VGT_FORMAT_SWIZZLE_##a}
#define SRGB .srgb = true

#define SIZED(label, k, w, h, ...) \
	{ \
		.name = (label), .kind = VGT_FORMAT_##k, .block_width = (w), \
		.block_height = (h), __VA_ARGS__ \
	}

#define PLAIN(label, ...)    SIZED(label, PLAIN, 1, 1, __VA_ARGS__)
#define DEPTH(label, ...)    SIZED(label, DEPTH_STENCIL, 1, 1, __VA_ARGS__)
#define OTHER(label, n, ...) SIZED(label, OTHER, 1, 1, BITS(n), __VA_ARGS__)
#define PAIR(label, n, ...)  SIZED(label, SUBSAMPLED, 2, 1, BITS(n), __VA_ARGS__)
#define PLANAR(label, n)     SIZED(label, PLANAR, 1, 1, BITS(n), SWIZZLE(X, Y, Z, 1))

#define BC(label, n, ...) SIZED(label, COMPRESSED, 4, 4, BITS(n), __VA_ARGS__)
#define FXT1(label, a)    SIZED(label, COMPRESSED, 8, 4, BITS(128), SWIZZLE(X, Y, Z, a))
#define ASTC(w, h)        SIZED("ASTC_" #w "x" #h, COMPRESSED, w, h, BITS(128), SWIZZLE(X, Y, Z, W))
#define ASTC_SRGB(w, h) \
	SIZED("ASTC_" #w "x" #h "_SRGB", COMPRESSED, w, h, BITS(128), SWIZZLE(X, Y, Z, W), SRGB)
/* Blocks of `d` slices, but sizes are computed as if every slice had blocks of its own. */
#define ASTC_3D(w, h, d) \
	SIZED("ASTC_" #w "x" #h "x" #d, COMPRESSED, w, h, BITS(128), SWIZZLE(X, Y, Z, W))
#define ASTC_3D_SRGB(w, h, d) \
	SIZED("ASTC_" #w "x" #h "x" #d "_SRGB", COMPRESSED, w, h, BITS(128), \
		SWIZZLE(X, Y, Z, W), SRGB)

/* Families, each with the components that its name says, in this order. */
#define R(label, t, n)    PLAIN(label, ONE(t, n), SWIZZLE(X, 0, 0, 1))
#define RG(label, t, n)   PLAIN(label, TWO(t, n), SWIZZLE(X, Y, 0, 1))
#define RGB(label, t, n)  PLAIN(label, THREE(t, n), SWIZZLE(X, Y, Z, 1))
#define RGBA(label, t, n) PLAIN(label, FOUR(t, n), SWIZZLE(X, Y, Z, W))
#define RGBX(label, t, n) PLAIN(label, THREE_X(t, n), SWIZZLE(X, Y, Z, 1))
#define RA(label, t, n)   PLAIN(label, TWO(t, n), SWIZZLE(X, 0, 0, Y))
#define GR(label, t, n)   PLAIN(label, TWO(t, n), SWIZZLE(Y, X, 0, 1))
#define A(label, t, n)    PLAIN(label, ONE(t, n), SWIZZLE(0, 0, 0, X))
#define L(label, t, n)    PLAIN(label, ONE(t, n), SWIZZLE(X, X, X, 1))
#define I(label, t, n)    PLAIN(label, ONE(t, n), SWIZZLE(X, X, X, X))
#define LA(label, t, n)   PLAIN(label, TWO(t, n), SWIZZLE(X, X, X, Y))
#define AL(label, t, n)   PLAIN(label, TWO(t, n), SWIZZLE(Y, Y, Y, X))

#define BGR(label, t, n)  PLAIN(label, THREE(t, n), SWIZZLE(Z, Y, X, 1))
#define BGRA(label, t, n) PLAIN(label, FOUR(t, n), SWIZZLE(Z, Y, X, W))
#define BGRX(label, t, n) PLAIN(label, THREE_X(t, n), SWIZZLE(Z, Y, X, 1))
#define ARGB(label, t, n) PLAIN(label, FOUR(t, n), SWIZZLE(Y, Z, W, X))
#define XRGB(label, t, n) PLAIN(label, X_THREE(t, n), SWIZZLE(Y, Z, W, 1))
#define ABGR(label, t, n) PLAIN(label, FOUR(t, n), SWIZZLE(W, Z, Y, X))
#define XBGR(label, t, n) PLAIN(label, X_THREE(t, n), SWIZZLE(W, Z, Y, 1))

#define RGB10A2(label, t) PLAIN(label, PACKED4(t, 10, 10, 10, 2), SWIZZLE(X, Y, Z, W))
#define BGR10A2(label, t) PLAIN(label, PACKED4(t, 10, 10, 10, 2), SWIZZLE(Z, Y, X, W))
#define RGB10X2(label, t) PLAIN(label, PACKED3_X(t, 10, 10, 10, 2), SWIZZLE(X, Y, Z, 1))
#define BGR10X2(label, t) PLAIN(label, PACKED3_X(t, 10, 10, 10, 2), SWIZZLE(Z, Y, X, 1))
#define A2RGB10(label, t) PLAIN(label, PACKED4(t, 2, 10, 10, 10), SWIZZLE(Y, Z, W, X))
#define A2BGR10(label, t) PLAIN(label, PACKED4(t, 2, 10, 10, 10), SWIZZLE(W, Z, Y, X))

#define RGB5A1(label, t) PLAIN(label, PACKED4(t, 5, 5, 5, 1), SWIZZLE(X, Y, Z, W))
#define BGR5A1(label, t) PLAIN(label, PACKED4(t, 5, 5, 5, 1), SWIZZLE(Z, Y, X, W))
#define A1RGB5(label, t) PLAIN(label, PACKED4(t, 1, 5, 5, 5), SWIZZLE(Y, Z, W, X))
#define A1BGR5(label, t) PLAIN(label, PACKED4(t, 1, 5, 5, 5), SWIZZLE(W, Z, Y, X))

/*
 * The number is the index. What virglrenderer's own u_format table does not describe follows
 * Mesa's. The size of a planar format is what virglrenderer computes: 4 where its table has the
 * format, else 1.
 */
static const struct vgt_format formats[VGT_FORMAT_END] = {
	[0] = OTHER("NONE", 8, SWIZZLE(X, 0, 0, 1)),
	[1] = BGRA("B8G8R8A8_UNORM", UNORM, 8),
	[2] = BGRX("B8G8R8X8_UNORM", UNORM, 8),
	[3] = ARGB("A8R8G8B8_UNORM", UNORM, 8),
	[4] = XRGB("X8R8G8B8_UNORM", UNORM, 8),
	[5] = BGR5A1("B5G5R5A1_UNORM", UNORM),
	[6] = BGRA("B4G4R4A4_UNORM", UNORM, 4),
	[7] = PLAIN("B5G6R5_UNORM", PACKED3(UNORM, 5, 6, 5), SWIZZLE(Z, Y, X, 1)),
	[8] = RGB10A2("R10G10B10A2_UNORM", UNORM),
	[9] = L("L8_UNORM", UNORM, 8),
	[10] = A("A8_UNORM", UNORM, 8),
	[11] = I("I8_UNORM", UNORM, 8),
	[12] = LA("L8A8_UNORM", UNORM, 8),
	[13] = L("L16_UNORM", UNORM, 16),
	[14] = PAIR("UYVY", 32, SWIZZLE(X, Y, Z, 1)),
	[15] = PAIR("YUYV", 32, SWIZZLE(X, Y, Z, 1)),
	[16] = DEPTH("Z16_UNORM", ONE(UNORM, 16), SWIZZLE(X, 0, 0, 1)),
	[17] = DEPTH("Z32_UNORM", ONE(UNORM, 32), SWIZZLE(X, 0, 0, 1)),
	[18] = DEPTH("Z32_FLOAT", ONE(FLOAT, 32), SWIZZLE(X, 0, 0, 1)),
	[19] = DEPTH("Z24_UNORM_S8_UINT", MIXED2(UNORM, 24, UINT, 8), SWIZZLE(X, Y, 0, 1)),
	[20] = DEPTH("S8_UINT_Z24_UNORM", MIXED2(UINT, 8, UNORM, 24), SWIZZLE(Y, X, 0, 1)),
	[21] = DEPTH("Z24X8_UNORM", MIXED2(UNORM, 24, VOID, 8), SWIZZLE(X, 0, 0, 1)),
	[22] = DEPTH("X8Z24_UNORM", MIXED2(VOID, 8, UNORM, 24), SWIZZLE(Y, 0, 0, 1)),
	[23] = DEPTH("S8_UINT", ONE(UINT, 8), SWIZZLE(0, X, 0, 1)),
	[24] = R("R64_FLOAT", FLOAT, 64),
	[25] = RG("R64G64_FLOAT", FLOAT, 64),
	[26] = RGB("R64G64B64_FLOAT", FLOAT, 64),
	[27] = RGBA("R64G64B64A64_FLOAT", FLOAT, 64),
	[28] = R("R32_FLOAT", FLOAT, 32),
	[29] = RG("R32G32_FLOAT", FLOAT, 32),
	[30] = RGB("R32G32B32_FLOAT", FLOAT, 32),
	[31] = RGBA("R32G32B32A32_FLOAT", FLOAT, 32),
	[32] = R("R32_UNORM", UNORM, 32),
	[33] = RG("R32G32_UNORM", UNORM, 32),
	[34] = RGB("R32G32B32_UNORM", UNORM, 32),
	[35] = RGBA("R32G32B32A32_UNORM", UNORM, 32),
	[36] = R("R32_USCALED", USCALED, 32),
	[37] = RG("R32G32_USCALED", USCALED, 32),
	[38] = RGB("R32G32B32_USCALED", USCALED, 32),
	[39] = RGBA("R32G32B32A32_USCALED", USCALED, 32),
	[40] = R("R32_SNORM", SNORM, 32),
	[41] = RG("R32G32_SNORM", SNORM, 32),
	[42] = RGB("R32G32B32_SNORM", SNORM, 32),
	[43] = RGBA("R32G32B32A32_SNORM", SNORM, 32),
	[44] = R("R32_SSCALED", SSCALED, 32),
	[45] = RG("R32G32_SSCALED", SSCALED, 32),
	[46] = RGB("R32G32B32_SSCALED", SSCALED, 32),
	[47] = RGBA("R32G32B32A32_SSCALED", SSCALED, 32),
	[48] = R("R16_UNORM", UNORM, 16),
	[49] = RG("R16G16_UNORM", UNORM, 16),
	[50] = RGB("R16G16B16_UNORM", UNORM, 16),
	[51] = RGBA("R16G16B16A16_UNORM", UNORM, 16),
	[52] = R("R16_USCALED", USCALED, 16),
	[53] = RG("R16G16_USCALED", USCALED, 16),
	[54] = RGB("R16G16B16_USCALED", USCALED, 16),
	[55] = RGBA("R16G16B16A16_USCALED", USCALED, 16),
	[56] = R("R16_SNORM", SNORM, 16),
	[57] = RG("R16G16_SNORM", SNORM, 16),
	[58] = RGB("R16G16B16_SNORM", SNORM, 16),
	[59] = RGBA("R16G16B16A16_SNORM", SNORM, 16),
	[60] = R("R16_SSCALED", SSCALED, 16),
	[61] = RG("R16G16_SSCALED", SSCALED, 16),
	[62] = RGB("R16G16B16_SSCALED", SSCALED, 16),
	[63] = RGBA("R16G16B16A16_SSCALED", SSCALED, 16),
	[64] = R("R8_UNORM", UNORM, 8),
	[65] = RG("R8G8_UNORM", UNORM, 8),
	[66] = RGB("R8G8B8_UNORM", UNORM, 8),
	[67] = RGBA("R8G8B8A8_UNORM", UNORM, 8),
	[68] = XBGR("X8B8G8R8_UNORM", UNORM, 8),
	[69] = R("R8_USCALED", USCALED, 8),
	[70] = RG("R8G8_USCALED", USCALED, 8),
	[71] = RGB("R8G8B8_USCALED", USCALED, 8),
	[72] = RGBA("R8G8B8A8_USCALED", USCALED, 8),
	[74] = R("R8_SNORM", SNORM, 8),
	[75] = RG("R8G8_SNORM", SNORM, 8),
	[76] = RGB("R8G8B8_SNORM", SNORM, 8),
	[77] = RGBA("R8G8B8A8_SNORM", SNORM, 8),
	[82] = R("R8_SSCALED", SSCALED, 8),
	[83] = RG("R8G8_SSCALED", SSCALED, 8),
	[84] = RGB("R8G8B8_SSCALED", SSCALED, 8),
	[85] = RGBA("R8G8B8A8_SSCALED", SSCALED, 8),
	[87] = R("R32_FIXED", FIXED, 32),
	[88] = RG("R32G32_FIXED", FIXED, 32),
	[89] = RGB("R32G32B32_FIXED", FIXED, 32),
	[90] = RGBA("R32G32B32A32_FIXED", FIXED, 32),
	[91] = R("R16_FLOAT", FLOAT, 16),
	[92] = RG("R16G16_FLOAT", FLOAT, 16),
	[93] = RGB("R16G16B16_FLOAT", FLOAT, 16),
	[94] = RGBA("R16G16B16A16_FLOAT", FLOAT, 16),
	[95] = PLAIN("L8_SRGB", ONE(UNORM, 8), SWIZZLE(X, X, X, 1), SRGB),
	[96] = PLAIN("L8A8_SRGB", TWO(UNORM, 8), SWIZZLE(X, X, X, Y), SRGB),
	[97] = PLAIN("R8G8B8_SRGB", THREE(UNORM, 8), SWIZZLE(X, Y, Z, 1), SRGB),
	[98] = PLAIN("A8B8G8R8_SRGB", FOUR(UNORM, 8), SWIZZLE(W, Z, Y, X), SRGB),
	[99] = PLAIN("X8B8G8R8_SRGB", X_THREE(UNORM, 8), SWIZZLE(W, Z, Y, 1), SRGB),
	[100] = PLAIN("B8G8R8A8_SRGB", FOUR(UNORM, 8), SWIZZLE(Z, Y, X, W), SRGB),
	[101] = PLAIN("B8G8R8X8_SRGB", THREE_X(UNORM, 8), SWIZZLE(Z, Y, X, 1), SRGB),
	[102] = PLAIN("A8R8G8B8_SRGB", FOUR(UNORM, 8), SWIZZLE(Y, Z, W, X), SRGB),
	[103] = PLAIN("X8R8G8B8_SRGB", X_THREE(UNORM, 8), SWIZZLE(Y, Z, W, 1), SRGB),
	[104] = PLAIN("R8G8B8A8_SRGB", FOUR(UNORM, 8), SWIZZLE(X, Y, Z, W), SRGB),
	[105] = BC("DXT1_RGB", 64, SWIZZLE(X, Y, Z, 1)),
	[106] = BC("DXT1_RGBA", 64, SWIZZLE(X, Y, Z, W)),
	[107] = BC("DXT3_RGBA", 128, SWIZZLE(X, Y, Z, W)),
	[108] = BC("DXT5_RGBA", 128, SWIZZLE(X, Y, Z, W)),
	[109] = BC("DXT1_SRGB", 64, SWIZZLE(X, Y, Z, 1), SRGB),
	[110] = BC("DXT1_SRGBA", 64, SWIZZLE(X, Y, Z, W), SRGB),
	[111] = BC("DXT3_SRGBA", 128, SWIZZLE(X, Y, Z, W), SRGB),
	[112] = BC("DXT5_SRGBA", 128, SWIZZLE(X, Y, Z, W), SRGB),
	[113] = BC("RGTC1_UNORM", 64, SWIZZLE(X, 0, 0, 1)),
	[114] = BC("RGTC1_SNORM", 64, SWIZZLE(X, 0, 0, 1)),
	[115] = BC("RGTC2_UNORM", 128, SWIZZLE(X, Y, 0, 1)),
	[116] = BC("RGTC2_SNORM", 128, SWIZZLE(X, Y, 0, 1)),
	[117] = PAIR("R8G8_B8G8_UNORM", 32, SWIZZLE(X, Y, Z, 1)),
	[118] = PAIR("G8R8_G8B8_UNORM", 32, SWIZZLE(X, Y, Z, 1)),
	[119] = PLAIN("R8SG8SB8UX8U_NORM", MIXED4(SNORM, 8, SNORM, 8, UNORM, 8, VOID, 8),
		SWIZZLE(X, Y, Z, 1)),
	[120] = PLAIN(
		"R5SG5SB6U_NORM", MIXED3(SNORM, 5, SNORM, 5, UNORM, 6), SWIZZLE(X, Y, Z, 1)),
	[121] = ABGR("A8B8G8R8_UNORM", UNORM, 8),
	[122] = PLAIN("B5G5R5X1_UNORM", PACKED3_X(UNORM, 5, 5, 5, 1), SWIZZLE(Z, Y, X, 1)),
	[123] = RGB10A2("R10G10B10A2_USCALED", USCALED),
	/* Upstream calls it irregular; its channels are plain once FLOAT can have 10 and 11
	   bits. */
	[124] = PLAIN("R11G11B10_FLOAT", PACKED3(FLOAT, 11, 11, 10), SWIZZLE(X, Y, Z, 1)),
	[125] = OTHER("R9G9B9E5_FLOAT", 32, SWIZZLE(X, Y, Z, 1)),
	[126] = DEPTH("Z32_FLOAT_S8X24_UINT", MIXED3(FLOAT, 32, UINT, 8, VOID, 24),
		SWIZZLE(X, Y, 0, 1)),
	[127] = SIZED("R1_UNORM", OTHER, 8, 1, BITS(8), SWIZZLE(X, 0, 0, 1)),
	[128] = RGB10X2("R10G10B10X2_USCALED", USCALED),
	[129] = RGB10X2("R10G10B10X2_SNORM", SNORM),
	[130] = LA("L4A4_UNORM", UNORM, 4),
	[131] = BGR10A2("B10G10R10A2_UNORM", UNORM),
	[132] = PLAIN("R10SG10SB10SA2U_NORM", MIXED4(SNORM, 10, SNORM, 10, SNORM, 10, UNORM, 2),
		SWIZZLE(X, Y, Z, W)),
	/* Its blue is not stored but computed: the rest of a unit vector. */
	[133] = OTHER("R8G8Bx_SNORM", 16, SWIZZLE(X, Y, Z, 1)),
	[134] = RGBX("R8G8B8X8_UNORM", UNORM, 8),
	[135] = BGRX("B4G4R4X4_UNORM", UNORM, 4),
	[136] = DEPTH("X24S8_UINT", MIXED2(VOID, 24, UINT, 8), SWIZZLE(0, Y, 0, 1)),
	[137] = DEPTH("S8X24_UINT", MIXED2(UINT, 8, VOID, 24), SWIZZLE(0, X, 0, 1)),
	[138] = DEPTH(
		"X32_S8X24_UINT", MIXED3(VOID, 32, UINT, 8, VOID, 24), SWIZZLE(0, Y, 0, 1)),
	[139] = PLAIN("B2G3R3_UNORM", PACKED3(UNORM, 2, 3, 3), SWIZZLE(Z, Y, X, 1)),
	[140] = LA("L16A16_UNORM", UNORM, 16),
	[141] = A("A16_UNORM", UNORM, 16),
	[142] = I("I16_UNORM", UNORM, 16),
	[143] = BC("LATC1_UNORM", 64, SWIZZLE(X, X, X, 1)),
	[144] = BC("LATC1_SNORM", 64, SWIZZLE(X, X, X, 1)),
	[145] = BC("LATC2_UNORM", 128, SWIZZLE(X, X, X, Y)),
	[146] = BC("LATC2_SNORM", 128, SWIZZLE(X, X, X, Y)),
	[147] = A("A8_SNORM", SNORM, 8),
	[148] = L("L8_SNORM", SNORM, 8),
	[149] = LA("L8A8_SNORM", SNORM, 8),
	[150] = I("I8_SNORM", SNORM, 8),
	[151] = A("A16_SNORM", SNORM, 16),
	[152] = L("L16_SNORM", SNORM, 16),
	[153] = LA("L16A16_SNORM", SNORM, 16),
	[154] = I("I16_SNORM", SNORM, 16),
	[155] = A("A16_FLOAT", FLOAT, 16),
	[156] = L("L16_FLOAT", FLOAT, 16),
	[157] = LA("L16A16_FLOAT", FLOAT, 16),
	[158] = I("I16_FLOAT", FLOAT, 16),
	[159] = A("A32_FLOAT", FLOAT, 32),
	[160] = L("L32_FLOAT", FLOAT, 32),
	[161] = LA("L32A32_FLOAT", FLOAT, 32),
	[162] = I("I32_FLOAT", FLOAT, 32),
	[163] = PLANAR("YV12", 32),
	[164] = PLANAR("YV16", 32),
	[165] = PLANAR("IYUV", 32),
	[166] = PLANAR("NV12", 32),
	[167] = PLANAR("NV21", 32),
	[168] = PLAIN("A4R4_UNORM", TWO(UNORM, 4), SWIZZLE(Y, 0, 0, X)),
	[169] = RA("R4A4_UNORM", UNORM, 4),
	[170] = RA("R8A8_UNORM", UNORM, 8),
	[171] = PLAIN("A8R8_UNORM", TWO(UNORM, 8), SWIZZLE(Y, 0, 0, X)),
	[172] = RGB10A2("R10G10B10A2_SSCALED", SSCALED),
	[173] = RGB10A2("R10G10B10A2_SNORM", SNORM),
	[174] = BGR10A2("B10G10R10A2_USCALED", USCALED),
	[175] = BGR10A2("B10G10R10A2_SSCALED", SSCALED),
	[176] = BGR10A2("B10G10R10A2_SNORM", SNORM),
	[177] = R("R8_UINT", UINT, 8),
	[178] = RG("R8G8_UINT", UINT, 8),
	[179] = RGB("R8G8B8_UINT", UINT, 8),
	[180] = RGBA("R8G8B8A8_UINT", UINT, 8),
	[181] = R("R8_SINT", SINT, 8),
	[182] = RG("R8G8_SINT", SINT, 8),
	[183] = RGB("R8G8B8_SINT", SINT, 8),
	[184] = RGBA("R8G8B8A8_SINT", SINT, 8),
	[185] = R("R16_UINT", UINT, 16),
	[186] = RG("R16G16_UINT", UINT, 16),
	[187] = RGB("R16G16B16_UINT", UINT, 16),
	[188] = RGBA("R16G16B16A16_UINT", UINT, 16),
	[189] = R("R16_SINT", SINT, 16),
	[190] = RG("R16G16_SINT", SINT, 16),
	[191] = RGB("R16G16B16_SINT", SINT, 16),
	[192] = RGBA("R16G16B16A16_SINT", SINT, 16),
	[193] = R("R32_UINT", UINT, 32),
	[194] = RG("R32G32_UINT", UINT, 32),
	[195] = RGB("R32G32B32_UINT", UINT, 32),
	[196] = RGBA("R32G32B32A32_UINT", UINT, 32),
	[197] = R("R32_SINT", SINT, 32),
	[198] = RG("R32G32_SINT", SINT, 32),
	[199] = RGB("R32G32B32_SINT", SINT, 32),
	[200] = RGBA("R32G32B32A32_SINT", SINT, 32),
	[201] = A("A8_UINT", UINT, 8),
	[202] = I("I8_UINT", UINT, 8),
	[203] = L("L8_UINT", UINT, 8),
	[204] = LA("L8A8_UINT", UINT, 8),
	[205] = A("A8_SINT", SINT, 8),
	[206] = I("I8_SINT", SINT, 8),
	[207] = L("L8_SINT", SINT, 8),
	[208] = LA("L8A8_SINT", SINT, 8),
	[209] = A("A16_UINT", UINT, 16),
	[210] = I("I16_UINT", UINT, 16),
	[211] = L("L16_UINT", UINT, 16),
	[212] = LA("L16A16_UINT", UINT, 16),
	[213] = A("A16_SINT", SINT, 16),
	[214] = I("I16_SINT", SINT, 16),
	[215] = L("L16_SINT", SINT, 16),
	[216] = LA("L16A16_SINT", SINT, 16),
	[217] = A("A32_UINT", UINT, 32),
	[218] = I("I32_UINT", UINT, 32),
	[219] = L("L32_UINT", UINT, 32),
	[220] = LA("L32A32_UINT", UINT, 32),
	[221] = A("A32_SINT", SINT, 32),
	[222] = I("I32_SINT", SINT, 32),
	[223] = L("L32_SINT", SINT, 32),
	[224] = LA("L32A32_SINT", SINT, 32),
	[225] = BGR10A2("B10G10R10A2_UINT", UINT),
	[226] = BC("ETC1_RGB8", 64, SWIZZLE(X, Y, Z, 1)),
	[227] = PAIR("R8G8_R8B8_UNORM", 32, SWIZZLE(Y, X, Z, 1)),
	[228] = PAIR("G8R8_B8R8_UNORM", 32, SWIZZLE(Y, X, Z, 1)),
	[229] = RGBX("R8G8B8X8_SNORM", SNORM, 8),
	[230] = PLAIN("R8G8B8X8_SRGB", THREE_X(UNORM, 8), SWIZZLE(X, Y, Z, 1), SRGB),
	[231] = RGBX("R8G8B8X8_UINT", UINT, 8),
	[232] = RGBX("R8G8B8X8_SINT", SINT, 8),
	[233] = BGR10X2("B10G10R10X2_UNORM", UNORM),
	[234] = RGBX("R16G16B16X16_UNORM", UNORM, 16),
	[235] = RGBX("R16G16B16X16_SNORM", SNORM, 16),
	[236] = RGBX("R16G16B16X16_FLOAT", FLOAT, 16),
	[237] = RGBX("R16G16B16X16_UINT", UINT, 16),
	[238] = RGBX("R16G16B16X16_SINT", SINT, 16),
	[239] = RGBX("R32G32B32X32_FLOAT", FLOAT, 32),
	[240] = RGBX("R32G32B32X32_UINT", UINT, 32),
	[241] = RGBX("R32G32B32X32_SINT", SINT, 32),
	[242] = RA("R8A8_SNORM", SNORM, 8),
	[243] = RA("R16A16_UNORM", UNORM, 16),
	[244] = RA("R16A16_SNORM", SNORM, 16),
	[245] = RA("R16A16_FLOAT", FLOAT, 16),
	[246] = RA("R32A32_FLOAT", FLOAT, 32),
	[247] = RA("R8A8_UINT", UINT, 8),
	[248] = RA("R8A8_SINT", SINT, 8),
	[249] = RA("R16A16_UINT", UINT, 16),
	[250] = RA("R16A16_SINT", SINT, 16),
	[251] = RA("R32A32_UINT", UINT, 32),
	[252] = RA("R32A32_SINT", SINT, 32),
	[253] = RGB10A2("R10G10B10A2_UINT", UINT),
	[254] = PLAIN("B5G6R5_SRGB", PACKED3(UNORM, 5, 6, 5), SWIZZLE(Z, Y, X, 1), SRGB),
	[255] = BC("BPTC_RGBA_UNORM", 128, SWIZZLE(X, Y, Z, W)),
	[256] = BC("BPTC_SRGBA", 128, SWIZZLE(X, Y, Z, W), SRGB),
	[257] = BC("BPTC_RGB_FLOAT", 128, SWIZZLE(X, Y, Z, 1)),
	[258] = BC("BPTC_RGB_UFLOAT", 128, SWIZZLE(X, Y, Z, 1)),
	[259] = AL("A8L8_UNORM", UNORM, 8),
	[260] = AL("A8L8_SNORM", SNORM, 8),
	[261] = PLAIN("A8L8_SRGB", TWO(UNORM, 8), SWIZZLE(Y, Y, Y, X), SRGB),
	/*
	 * The header of virglrenderer 0.10 and 1.0 gives 262 to 266 a second name each:
	 * A1B5G5R5, A1R5G5B5, A2B10G10R10, A2R10G10B10 and A4R4G4B4 (all _UNORM). The first
	 * names are the ones meant: virglrenderer's u_format table describes only them, and
	 * Mesa, the other end of the wire, sends 263 to 266 for them (262 is of an older Mesa)
	 * and has since moved the second names to numbers above 322.
	 */
	[262] = AL("A16L16_UNORM", UNORM, 16),
	[263] = GR("G8R8_UNORM", UNORM, 8),
	[264] = GR("G8R8_SNORM", SNORM, 8),
	[265] = GR("G16R16_UNORM", UNORM, 16),
	[266] = GR("G16R16_SNORM", SNORM, 16),
	[267] = ABGR("A8B8G8R8_SNORM", SNORM, 8),
	[268] = XBGR("X8B8G8R8_SNORM", SNORM, 8),
	[269] = BC("ETC2_RGB8", 64, SWIZZLE(X, Y, Z, 1)),
	[270] = BC("ETC2_SRGB8", 64, SWIZZLE(X, Y, Z, 1), SRGB),
	[271] = BC("ETC2_RGB8A1", 64, SWIZZLE(X, Y, Z, W)),
	[272] = BC("ETC2_SRGB8A1", 64, SWIZZLE(X, Y, Z, W), SRGB),
	[273] = BC("ETC2_RGBA8", 128, SWIZZLE(X, Y, Z, W)),
	[274] = BC("ETC2_SRGBA8", 128, SWIZZLE(X, Y, Z, W), SRGB),
	[275] = BC("ETC2_R11_UNORM", 64, SWIZZLE(X, 0, 0, 1)),
	[276] = BC("ETC2_R11_SNORM", 64, SWIZZLE(X, 0, 0, 1)),
	[277] = BC("ETC2_RG11_UNORM", 128, SWIZZLE(X, Y, 0, 1)),
	[278] = BC("ETC2_RG11_SNORM", 128, SWIZZLE(X, Y, 0, 1)),
	[279] = ASTC(4, 4),
	[280] = ASTC(5, 4),
	[281] = ASTC(5, 5),
	[282] = ASTC(6, 5),
	[283] = ASTC(6, 6),
	[284] = ASTC(8, 5),
	[285] = ASTC(8, 6),
	[286] = ASTC(8, 8),
	[287] = ASTC(10, 5),
	[288] = ASTC(10, 6),
	[289] = ASTC(10, 8),
	[290] = ASTC(10, 10),
	[291] = ASTC(12, 10),
	[292] = ASTC(12, 12),
	[293] = ASTC_SRGB(4, 4),
	[294] = ASTC_SRGB(5, 4),
	[295] = ASTC_SRGB(5, 5),
	[296] = ASTC_SRGB(6, 5),
	[297] = ASTC_SRGB(6, 6),
	[298] = ASTC_SRGB(8, 5),
	[299] = ASTC_SRGB(8, 6),
	[300] = ASTC_SRGB(8, 8),
	[301] = ASTC_SRGB(10, 5),
	[302] = ASTC_SRGB(10, 6),
	[303] = ASTC_SRGB(10, 8),
	[304] = ASTC_SRGB(10, 10),
	[305] = ASTC_SRGB(12, 10),
	[306] = ASTC_SRGB(12, 12),
	[308] = RGB10X2("R10G10B10X2_UNORM", UNORM),
	[311] = ABGR("A4B4G4R4_UNORM", UNORM, 4),
	[312] = PLAIN("R8_SRGB", ONE(UNORM, 8), SWIZZLE(X, 0, 0, 1), SRGB),
	[313] = PLAIN("R8G8_SRGB", TWO(UNORM, 8), SWIZZLE(X, Y, 0, 1), SRGB),
	[314] = PLANAR("P010", 8),
	[315] = PLANAR("P012", 8),
	[316] = PLANAR("P016", 8),
	[317] = BGR("B8G8R8_UNORM", UNORM, 8),
	[318] = PLAIN("R3G3B2_UNORM", PACKED3(UNORM, 3, 3, 2), SWIZZLE(X, Y, Z, 1)),
	[319] = RGBA("R4G4B4A4_UNORM", UNORM, 4),
	[320] = RGB5A1("R5G5B5A1_UNORM", UNORM),
	[321] = PLAIN("R5G6B5_UNORM", PACKED3(UNORM, 5, 6, 5), SWIZZLE(X, Y, Z, 1)),
	/* New in virglrenderer 1.0: a luma plane alone. */
	[322] = OTHER("Y8_400_UNORM", 8, SWIZZLE(X, 0, 0, 1)),
	/* From here on as in Mesa 25.0; virglrenderer 1.0.1 makes no resources of these. */
	[323] = PLANAR("Y8_U8_V8_444_UNORM", 8),
	[324] = PLANAR("Y8_U8_V8_422_UNORM", 8),
	[325] = PLANAR("NV16", 8),
	[326] = OTHER("Y8_UNORM", 8, SWIZZLE(X, 0, 0, 1)),
	[327] = PAIR("YVYU", 32, SWIZZLE(X, Y, Z, 1)),
	[328] = DEPTH("Z16_UNORM_S8_UINT", MIXED2(UNORM, 16, UINT, 8), SWIZZLE(X, Y, 0, 1)),
	/* The bytes of a depth and a stencil, for copying them as a colour. */
	[329] = RGBA("Z24_UNORM_S8_UINT_AS_R8G8B8A8", UNORM, 8),
	[330] = A1BGR5("A1B5G5R5_UINT", UINT),
	[331] = A1BGR5("A1B5G5R5_UNORM", UNORM),
	[332] = A1RGB5("A1R5G5B5_UINT", UINT),
	[333] = A1RGB5("A1R5G5B5_UNORM", UNORM),
	[334] = A2BGR10("A2B10G10R10_UINT", UINT),
	[335] = A2BGR10("A2B10G10R10_UNORM", UNORM),
	[336] = A2RGB10("A2R10G10B10_UINT", UINT),
	[337] = A2RGB10("A2R10G10B10_UNORM", UNORM),
	[338] = ABGR("A4B4G4R4_UINT", UINT, 4),
	[339] = ARGB("A4R4G4B4_UINT", UINT, 4),
	[340] = ARGB("A4R4G4B4_UNORM", UNORM, 4),
	[341] = ABGR("A8B8G8R8_SINT", SINT, 8),
	[342] = ABGR("A8B8G8R8_SSCALED", SSCALED, 8),
	[343] = ABGR("A8B8G8R8_UINT", UINT, 8),
	[344] = ABGR("A8B8G8R8_USCALED", USCALED, 8),
	[345] = ARGB("A8R8G8B8_SINT", SINT, 8),
	[346] = ARGB("A8R8G8B8_SNORM", SNORM, 8),
	[347] = ARGB("A8R8G8B8_UINT", UINT, 8),
	[348] = ASTC_3D(3, 3, 3),
	[349] = ASTC_3D_SRGB(3, 3, 3),
	[350] = ASTC_3D(4, 3, 3),
	[351] = ASTC_3D_SRGB(4, 3, 3),
	[352] = ASTC_3D(4, 4, 3),
	[353] = ASTC_3D_SRGB(4, 4, 3),
	[354] = ASTC_3D(4, 4, 4),
	[355] = ASTC_3D_SRGB(4, 4, 4),
	[356] = ASTC_3D(5, 4, 4),
	[357] = ASTC_3D_SRGB(5, 4, 4),
	[358] = ASTC_3D(5, 5, 4),
	[359] = ASTC_3D_SRGB(5, 5, 4),
	[360] = ASTC_3D(5, 5, 5),
	[361] = ASTC_3D_SRGB(5, 5, 5),
	[362] = ASTC_3D(6, 5, 5),
	[363] = ASTC_3D_SRGB(6, 5, 5),
	[364] = ASTC_3D(6, 6, 5),
	[365] = ASTC_3D_SRGB(6, 6, 5),
	[366] = ASTC_3D(6, 6, 6),
	[367] = ASTC_3D_SRGB(6, 6, 6),
	[368] = BC("ATC_RGB", 64, SWIZZLE(X, Y, Z, 1)),
	[369] = BC("ATC_RGBA_EXPLICIT", 128, SWIZZLE(X, Y, Z, W)),
	[370] = BC("ATC_RGBA_INTERPOLATED", 128, SWIZZLE(X, Y, Z, W)),
	/*
	 * AYUV and XYUV are not planar, but no size of theirs can be relied on either: Mesa
	 * describes 4x4 texels in one byte, a texel has four.
	 */
	[371] = SIZED("AYUV", PLANAR, 1, 1, BITS(8), SWIZZLE(X, Y, Z, W)),
	[372] = BGR10A2("B10G10R10A2_SINT", SINT),
	[373] = BGR10X2("B10G10R10X2_SINT", SINT),
	[374] = BGR10X2("B10G10R10X2_SNORM", SNORM),
	[375] = PLAIN("B2G3R3_UINT", PACKED3(UINT, 2, 3, 3), SWIZZLE(Z, Y, X, 1)),
	[376] = BGRA("B4G4R4A4_UINT", UINT, 4),
	[377] = BGR5A1("B5G5R5A1_UINT", UINT),
	[378] = PLAIN("B5G6R5_UINT", PACKED3(UINT, 5, 6, 5), SWIZZLE(Z, Y, X, 1)),
	[379] = BGRA("B8G8R8A8_SINT", SINT, 8),
	[380] = BGRA("B8G8R8A8_SNORM", SNORM, 8),
	[381] = BGRA("B8G8R8A8_SSCALED", SSCALED, 8),
	[382] = BGRA("B8G8R8A8_UINT", UINT, 8),
	[383] = BGRA("B8G8R8A8_USCALED", USCALED, 8),
	[384] = PAIR("B8G8_R8G8_UNORM", 32, SWIZZLE(X, Y, Z, 1)),
	[385] = BGR("B8G8R8_SINT", SINT, 8),
	[386] = BGR("B8G8R8_SNORM", SNORM, 8),
	[387] = PLAIN("B8G8R8_SRGB", THREE(UNORM, 8), SWIZZLE(Z, Y, X, 1), SRGB),
	[388] = BGR("B8G8R8_SSCALED", SSCALED, 8),
	[389] = BGR("B8G8R8_UINT", UINT, 8),
	[390] = BGR("B8G8R8_USCALED", USCALED, 8),
	[391] = BGRX("B8G8R8X8_SINT", SINT, 8),
	[392] = BGRX("B8G8R8X8_SNORM", SNORM, 8),
	[393] = BGRX("B8G8R8X8_UINT", UINT, 8),
	[394] = PAIR("B8R8_G8R8_UNORM", 32, SWIZZLE(Y, X, Z, 1)),
	[395] = FXT1("FXT1_RGB", 1),
	[396] = FXT1("FXT1_RGBA", W),
	[397] = GR("G16R16_SINT", SINT, 16),
	[398] = PAIR("G8B8_G8R8_UNORM", 32, SWIZZLE(X, Y, Z, 1)),
	[399] = PLANAR("G8_B8_R8_420_UNORM", 8),
	[400] = PLANAR("G8_B8R8_420_UNORM", 8),
	[401] = GR("G8R8_SINT", SINT, 8),
	[402] = PLANAR("P030", 8),
	[403] = RGB10A2("R10G10B10A2_SINT", SINT),
	[404] = RGB10X2("R10G10B10X2_SINT", SINT),
	[405] = PLAIN("R3G3B2_UINT", PACKED3(UINT, 3, 3, 2), SWIZZLE(X, Y, Z, 1)),
	[406] = RGBA("R4G4B4A4_UINT", UINT, 4),
	[407] = RGBX("R4G4B4X4_UNORM", UNORM, 4),
	[408] = RGB5A1("R5G5B5A1_UINT", UINT),
	[409] = PLAIN("R5G5B5X1_UNORM", PACKED3_X(UNORM, 5, 5, 5, 1), SWIZZLE(X, Y, Z, 1)),
	[410] = PLAIN("R5G6B5_SRGB", PACKED3(UNORM, 5, 6, 5), SWIZZLE(X, Y, Z, 1), SRGB),
	[411] = PLAIN("R5G6B5_UINT", PACKED3(UINT, 5, 6, 5), SWIZZLE(X, Y, Z, 1)),
	[412] = RGBA("R64G64B64A64_SINT", SINT, 64),
	[413] = RGBA("R64G64B64A64_UINT", UINT, 64),
	[414] = RGB("R64G64B64_SINT", SINT, 64),
	[415] = RGB("R64G64B64_UINT", UINT, 64),
	[416] = RG("R64G64_SINT", SINT, 64),
	[417] = RG("R64G64_UINT", UINT, 64),
	[418] = R("R64_SINT", SINT, 64),
	[419] = R("R64_UINT", UINT, 64),
	[420] = PLANAR("R8_B8_G8_420_UNORM", 8),
	[421] = PLANAR("R8_B8G8_420_UNORM", 8),
	[422] = PAIR("R8B8_R8G8_UNORM", 32, SWIZZLE(Y, X, Z, 1)),
	[423] = PLANAR("R8_G8_B8_420_UNORM", 8),
	[424] = PLANAR("R8_G8B8_420_UNORM", 8),
	[425] = PLANAR("R8_G8_B8_UNORM", 8),
	[426] = PAIR("VYUY", 32, SWIZZLE(X, Y, Z, 1)),
	[427] = PLAIN("X1B5G5R5_UNORM", MIXED4(VOID, 1, UNORM, 5, UNORM, 5, UNORM, 5),
		SWIZZLE(W, Z, Y, 1)),
	[428] = PLAIN("X1R5G5B5_UNORM", MIXED4(VOID, 1, UNORM, 5, UNORM, 5, UNORM, 5),
		SWIZZLE(Y, Z, W, 1)),
	[429] = PLANAR("XYUV", 8), /* see AYUV */
	[430] = XBGR("X8B8G8R8_SINT", SINT, 8),
	[431] = XRGB("X8R8G8B8_SINT", SINT, 8),
	[432] = XRGB("X8R8G8B8_SNORM", SNORM, 8),
	[433] = PLANAR("Y16_U16_V16_420_UNORM", 8),
	[434] = PLANAR("Y16_U16_V16_422_UNORM", 8),
	[435] = PLANAR("Y16_U16V16_422_UNORM", 8),
	[436] = PLANAR("Y16_U16_V16_444_UNORM", 8),
	[437] = PAIR("Y210", 64, SWIZZLE(X, Y, Z, 1)),
	[438] = PAIR("Y212", 64, SWIZZLE(X, Y, Z, 1)),
	[439] = PAIR("Y216", 64, SWIZZLE(X, Y, Z, 1)),
	[440] = OTHER("Y410", 32, SWIZZLE(Y, Z, X, W)),
	[441] = OTHER("Y412", 64, SWIZZLE(Y, Z, X, W)),
	[442] = OTHER("Y416", 64, SWIZZLE(Y, Z, X, W)),
	[443] = PLANAR("NV15", 8),
	[444] = PLANAR("NV20", 8),
	[445] = PLANAR("Y8_U8_V8_440_UNORM", 8),
	[446] = PLANAR("R10_G10B10_420_UNORM", 8),
	[447] = PLANAR("R10_G10B10_422_UNORM", 8),
	[448] = PLANAR("X6G10_X6B10X6R10_420_UNORM", 8),
	[449] = PLANAR("X4G12_X4B12X4R12_420_UNORM", 8),
	/* The planes of P010 and P012. */
	[450] = PLAIN("X6R10_UNORM", MIXED2(VOID, 6, UNORM, 10), SWIZZLE(Y, 0, 0, 1)),
	[451] = PLAIN("X6R10X6G10_UNORM", MIXED4(VOID, 6, UNORM, 10, VOID, 6, UNORM, 10),
		SWIZZLE(Y, W, 0, 1)),
	[452] = PLAIN("X4R12_UNORM", MIXED2(VOID, 4, UNORM, 12), SWIZZLE(Y, 0, 0, 1)),
	[453] = PLAIN("X4R12X4G12_UNORM", MIXED4(VOID, 4, UNORM, 12, VOID, 4, UNORM, 12),
		SWIZZLE(Y, W, 0, 1)),
	[454] = PLANAR("R8_G8B8_422_UNORM", 8),
};

const struct vgt_format *vgt_format_get(uint32_t format)
{
	if (format >= VGT_FORMAT_END || !formats[format].name) {
		return NULL;
	}
	return &formats[format];
}

const char *vgt_format_name(uint32_t format)
{
	const struct vgt_format *const row = vgt_format_get(format);

	return row ? row->name : "unknown";
}

uint32_t vgt_format_blocks(uint32_t texels, uint32_t block)
{
	assert(block > 0);
	return texels / block + (texels % block != 0);
}

bool vgt_format_is_picture(const struct vgt_format *format)
{
	return format && format->kind == VGT_FORMAT_PLAIN;
}

bool vgt_format_has_alpha(const struct vgt_format *format)
{
	if (!format) {
		return false;
	}
	if (format->kind != VGT_FORMAT_PLAIN && format->kind != VGT_FORMAT_COMPRESSED) {
		return false;
	}
	return format->swizzle[3] <= VGT_FORMAT_SWIZZLE_W;
}

/*
 * The four byte orders that nearly every frame buffer has, as arithmetic on words, which
 * compilers turn into vector instructions. `opaque` is or'ed in: 0, or the bits that make alpha
 * 255.
 */

static uint32_t load_le32(const uint8_t *src)
{
	return src[0] | (uint32_t)src[1] << 8 | (uint32_t)src[2] << 16 | (uint32_t)src[3] << 24;
}

static void store_le32(uint8_t *dst, uint32_t value)
{
	dst[0] = (uint8_t)value;
	dst[1] = (uint8_t)(value >> 8);
	dst[2] = (uint8_t)(value >> 16);
	dst[3] = (uint8_t)(value >> 24);
}

static void row_rgba(
	const uint8_t *restrict src, uint8_t *restrict dst, uint32_t width, uint32_t opaque)
{
	for (size_t i = 0; i < width; i++) {
		store_le32(dst + 4 * i, load_le32(src + 4 * i) | opaque);
	}
}

static void row_bgra(
	const uint8_t *restrict src, uint8_t *restrict dst, uint32_t width, uint32_t opaque)
{
	for (size_t i = 0; i < width; i++) {
		const uint32_t v = load_le32(src + 4 * i);
		const uint32_t swapped = (v >> 16 & 0xff) | (v & 0xff) << 16 | (v & 0xff00ff00);

		store_le32(dst + 4 * i, swapped | opaque);
	}
}

static void row_argb(
	const uint8_t *restrict src, uint8_t *restrict dst, uint32_t width, uint32_t opaque)
{
	for (size_t i = 0; i < width; i++) {
		const uint32_t v = load_le32(src + 4 * i);

		store_le32(dst + 4 * i, v >> 8 | v << 24 | opaque);
	}
}

static void row_abgr(
	const uint8_t *restrict src, uint8_t *restrict dst, uint32_t width, uint32_t opaque)
{
	for (size_t i = 0; i < width; i++) {
		const uint32_t v = load_le32(src + 4 * i);
		const uint32_t swapped =
			v >> 24 | (v >> 8 & 0xff00) | (v & 0xff00) << 8 | v << 24;

		store_le32(dst + 4 * i, swapped | opaque);
	}
}

struct byte_order {
	enum vgt_format_swizzle rgba[4];
	void (*convert)(const uint8_t *restrict, uint8_t *restrict, uint32_t, uint32_t);
};

static const struct byte_order byte_orders[] = {
	{{VGT_FORMAT_SWIZZLE_X, VGT_FORMAT_SWIZZLE_Y, VGT_FORMAT_SWIZZLE_Z,
		 VGT_FORMAT_SWIZZLE_W},
		row_rgba},
	{{VGT_FORMAT_SWIZZLE_Z, VGT_FORMAT_SWIZZLE_Y, VGT_FORMAT_SWIZZLE_X,
		 VGT_FORMAT_SWIZZLE_W},
		row_bgra},
	{{VGT_FORMAT_SWIZZLE_Y, VGT_FORMAT_SWIZZLE_Z, VGT_FORMAT_SWIZZLE_W,
		 VGT_FORMAT_SWIZZLE_X},
		row_argb},
	{{VGT_FORMAT_SWIZZLE_W, VGT_FORMAT_SWIZZLE_Z, VGT_FORMAT_SWIZZLE_Y,
		 VGT_FORMAT_SWIZZLE_X},
		row_abgr},
};

static bool is_four_unorm_bytes(const struct vgt_format *format)
{
	for (int i = 0; i < 4; i++) {
		const struct vgt_format_channel *const c = &format->channel[i];

		if (c->bits != 8 || (c->type != VGT_FORMAT_CHANNEL_UNORM &&
					    c->type != VGT_FORMAT_CHANNEL_VOID)) {
			return false;
		}
	}
	return true;
}

/* NULL where no fast loop fits. An X format matches the order that has its X as the alpha. */
static const struct byte_order *find_byte_order(const struct vgt_format *format)
{
	if (!is_four_unorm_bytes(format)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof byte_orders / sizeof byte_orders[0]; i++) {
		const struct byte_order *const order = &byte_orders[i];
		const bool same_rgb =
			memcmp(order->rgba, format->swizzle, 3 * sizeof order->rgba[0]) == 0;

		if (same_rgb && (format->swizzle[3] == order->rgba[3] ||
					format->swizzle[3] == VGT_FORMAT_SWIZZLE_1)) {
			return order;
		}
	}
	return NULL;
}

/* Everything else: one channel of one texel at a time. */

static uint64_t channel_bits(const struct vgt_format_channel *channel, const uint8_t *block)
{
	const unsigned first = channel->shift / 8u;
	const unsigned end = (channel->shift + channel->bits + 7u) / 8u;
	uint64_t value = 0;

	/* No channel touches more than eight bytes: wide ones start on a byte. */
	for (unsigned i = end; i > first; i--) {
		value = value << 8 | block[i - 1];
	}
	value >>= channel->shift % 8u;
	return channel->bits < 64 ? value & ((UINT64_C(1) << channel->bits) - 1) : value;
}

/* value / max * 255 to nearest; max is odd, so nothing lies exactly between two results. */
static uint8_t scale_to_byte(uint64_t value, uint64_t max)
{
	return (uint8_t)((value * 255 + max / 2) / max);
}

static uint8_t clamp_to_byte(uint64_t value)
{
	return value > 255 ? 255 : (uint8_t)value;
}

static uint8_t unit_to_byte(double value)
{
	if (!(value > 0.0)) { /* NaN too */
		return 0;
	}
	return (uint8_t)(value < 1.0 ? value * 255.0 + 0.5 : 255.0);
}

static float float_from_bits(uint32_t bits)
{
	float value;

	static_assert(sizeof value == sizeof bits, "float is IEEE 754 binary32");
	memcpy(&value, &bits, sizeof value);
	return value;
}

static double double_from_bits(uint64_t bits)
{
	double value;

	static_assert(sizeof value == sizeof bits, "double is IEEE 754 binary64");
	memcpy(&value, &bits, sizeof value);
	return value;
}

static float half_to_float(uint32_t half)
{
	const uint32_t sign = (half & 0x8000) << 16;
	const uint32_t exponent = half >> 10 & 0x1f;
	const uint32_t mantissa = half & 0x3ff;

	if (exponent == 0) { /* zero and subnormal: units of 2^-24 */
		const float magnitude = (float)mantissa * 0x1p-24f;

		return sign ? -magnitude : magnitude;
	}
	if (exponent == 31) { /* infinity and NaN */
		return float_from_bits(sign | 0x7f800000 | mantissa << 13);
	}
	return float_from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

static double float_channel(uint64_t value, unsigned bits)
{
	switch (bits) {
	case 64:
		return double_from_bits(value);
	case 32:
		return float_from_bits((uint32_t)value);
	default:
		/* 16 bits, or a half without the sign and the lowest bits of the mantissa */
		return half_to_float((uint32_t)value << (bits < 16 ? 15 - bits : 0));
	}
}

static uint8_t channel_to_byte(const struct vgt_format_channel *channel, uint64_t value)
{
	const uint64_t sign = UINT64_C(1) << (channel->bits - 1);

	switch (channel->type) {
	case VGT_FORMAT_CHANNEL_UNORM:
		return scale_to_byte(value, sign + (sign - 1));
	case VGT_FORMAT_CHANNEL_SNORM:
		return value & sign ? 0 : scale_to_byte(value, sign - 1);
	case VGT_FORMAT_CHANNEL_UINT:
	case VGT_FORMAT_CHANNEL_USCALED:
		return clamp_to_byte(value);
	case VGT_FORMAT_CHANNEL_SINT:
	case VGT_FORMAT_CHANNEL_SSCALED:
		return value & sign ? 0 : clamp_to_byte(value);
	case VGT_FORMAT_CHANNEL_FLOAT:
		return unit_to_byte(float_channel(value, channel->bits));
	case VGT_FORMAT_CHANNEL_FIXED:
		return value & sign ? 0 : unit_to_byte((double)value / 65536.0);
	case VGT_FORMAT_CHANNEL_VOID:
		break;
	}
	return 0;
}

/* Component `i` of every texel. */
static void convert_component(const struct vgt_format *format, int i, const uint8_t *src,
	uint8_t *dst, uint32_t width)
{
	const enum vgt_format_swizzle from = format->swizzle[i];

	if (from > VGT_FORMAT_SWIZZLE_W) {
		for (size_t x = 0; x < width; x++) {
			dst[4 * x + (size_t)i] = from == VGT_FORMAT_SWIZZLE_1 ? 255 : 0;
		}
		return;
	}

	const struct vgt_format_channel channel = format->channel[from];

	for (size_t x = 0; x < width; x++) {
		const uint64_t value = channel_bits(&channel, src + x * format->block_bytes);

		dst[4 * x + (size_t)i] = channel_to_byte(&channel, value);
	}
}

void vgt_format_row_to_rgba8(
	const struct vgt_format *format, const void *src, uint8_t *dst, uint32_t width)
{
	assert(vgt_format_is_picture(format));

	const struct byte_order *const order = find_byte_order(format);

	if (order) {
		order->convert(src, dst, width,
			format->swizzle[3] == VGT_FORMAT_SWIZZLE_1 ? UINT32_C(0xff000000) : 0);
		return;
	}
	for (int i = 0; i < 4; i++) {
		convert_component(format, i, src, dst, width);
	}
}
