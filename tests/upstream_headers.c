/* SPDX-License-Identifier: MIT */
/*
 * Compares our tables with upstream's headers: `upstream_headers <LIST`, where LIST is what
 * tests/e2e/upstream_headers.sh had a compiler say about virgl_protocol.h, virgl_hw.h and
 * p_defines.h. A line is one of
 *
 *	ccmd|object|format|tweak|stage NAME NUMBER      enumerators
 *	macro NAME ARGUMENTS AT_0 AT_1 AT_2 AT_MAX      of virgl_protocol.h; no arguments: 4
 *alike hw NAME NUMBER                                  macros of virgl_hw.h struct NAME BYTES
 *	member STRUCT NAME OFFSET BYTES
 *	bit STRUCT NAME DWORD MASK                      bit-fields
 *	pipe NAME NUMBER                                of p_defines.h
 *
 * Prints what differs and what nobody has mapped, and at the end how much was compared. Exit
 * status 0 where nothing differs, 1 where something does, 2 where the list itself is odd.
 */
#include "virgl_caps.h"
#include "virgl_cmd.h"
#include "virgl_desc.h"
#include "virgl_format.h"
#include "virtio_gpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static unsigned compared, wrong;

__attribute__((format(printf, 2, 3))) static void differs(
	const char *name, const char *format, ...)
{
	va_list arguments;
	printf("%s: ", name);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	wrong++;
}

static const struct vgt_desc *desc_named(const char *name)
{
	const struct vgt_desc *desc;
	for (size_t n = 0; (desc = virgl_desc_at(n)); n++) {
		/* the first CREATE_OBJECT SHADER is not the compute shader's */
		if (strcmp(desc->name, name) == 0) {
			return desc;
		}
	}
	fprintf(stderr, "upstream_headers: our tables have no %s\n", name);
	exit(2);
}

/* Where our tables have a field: found by walking a made-up command. */

#define MOST 512

static bool is_repeated(const struct vgt_part *part)
{
	return part->kind == VGT_PART_COUNTED || part->kind == VGT_PART_REST;
}

/* A command with everything optional and, of what is repeated, three. Returns its dwords. */
static size_t build(const struct vgt_desc *desc, uint32_t *dwords)
{
	size_t size = desc->first;
	memset(dwords, 0, MOST * sizeof(*dwords));
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		uint32_t times = is_repeated(part) ? 3 : part->max;
		if (part->kind == VGT_PART_COUNTED || part->kind == VGT_PART_IF) {
			dwords[part->count_at] = 3;
		} else if (part->kind == VGT_PART_DATA_COUNTED) {
			dwords[part->count_at] = 4;
		}
		bool data = part->kind == VGT_PART_DATA || part->kind == VGT_PART_DATA_COUNTED;
		size += data ? (part->min ? part->min : 1u) : times * vgt_part_dwords(part);
	}
	return size;
}

struct place {
	uint32_t dword, bit, bits;
	const struct vgt_field *field;
};

static uint32_t mask_of(const struct place *place)
{
	return (place->bits < 32 ? (1u << place->bits) - 1 : UINT32_MAX) << place->bit;
}

/* The field of this name, of which element where it is repeated, and which of a row. */
static bool find(const struct vgt_desc *desc, const char *name, uint32_t element,
	uint32_t index, struct place *place)
{
	static uint32_t dwords[MOST];
	struct vgt_layout layout;
	struct vgt_walk walk;
	struct vgt_value value;
	struct vgt_err err;
	uint32_t bit = 0, dword = 0;
	if (!vgt_desc_measure(desc, dwords, build(desc, dwords) * 4, &layout, &err)) {
		fprintf(stderr, "upstream_headers: %s\n", err.message);
		exit(2);
	}
	vgt_walk_begin(&walk, &layout);
	while (vgt_walk_next(&walk, &value)) {
		bit = value.dword == dword ? bit : 0;
		dword = value.dword;
		if (strcmp(value.field->name, name) == 0 && value.element == element &&
			value.index == index) {
			*place = (struct place){dword, bit, value.field->bits, value.field};
			return true;
		}
		bit += value.field->bits;
	}
	return false;
}

/* True where so many dwords are legal, with some number of what a command counts. */
static bool is_legal(const struct vgt_desc *desc, uint32_t length, bool count, uint32_t times)
{
	static uint32_t dwords[MOST];
	struct vgt_layout layout;
	for (uint32_t n = count ? times : 0; n <= (count ? times : 32); n++) {
		memset(dwords, 0, sizeof(dwords));
		bool right = !count;
		for (const struct vgt_part *part = desc->parts; part->kind; part++) {
			if (part->kind == VGT_PART_COUNTED) {
				dwords[part->count_at] = n;
			}
		}
		if (!vgt_desc_measure(
			    desc, dwords, (desc->first + (size_t)length) * 4, &layout, NULL)) {
			continue;
		}
		for (size_t i = 0; desc->parts[i].kind; i++) {
			right = right ||
				(is_repeated(&desc->parts[i]) && layout.part[i].count == n);
		}
		if (right) {
			return true;
		}
	}
	return false;
}

/* Macros of virgl_protocol.h: by the beginning of their name, the longest that fits. */
static const struct {
	const char *prefix, *desc;
} families[] = {
	{"VIRGL_OBJ_BIND_", "BIND_OBJECT BLEND"},
	{"VIRGL_OBJ_BLEND_", "CREATE_OBJECT BLEND"},
	{"VIRGL_OBJ_CLEAR_", "CLEAR"},
	{"VIRGL_OBJ_CREATE_", "CREATE_OBJECT BLEND"},
	{"VIRGL_OBJ_DESTROY_", "DESTROY_OBJECT"},
	{"VIRGL_OBJ_DSA_", "CREATE_OBJECT DSA"},
	{"VIRGL_OBJ_MSAA_SURFACE_", "CREATE_OBJECT MSAA_SURFACE"},
	{"VIRGL_OBJ_QUERY_", "CREATE_OBJECT QUERY"},
	{"VIRGL_OBJ_RS_", "CREATE_OBJECT RASTERIZER"},
	{"VIRGL_OBJ_SAMPLE_STATE_", "CREATE_OBJECT SAMPLER_STATE"},
	{"VIRGL_OBJ_SAMPLER_STATE_", "CREATE_OBJECT SAMPLER_STATE"},
	{"VIRGL_OBJ_SAMPLER_VIEW_", "CREATE_OBJECT SAMPLER_VIEW"},
	{"VIRGL_OBJ_SHADER_", "CREATE_OBJECT SHADER"},
	{"VIRGL_OBJ_STREAMOUT_", "CREATE_OBJECT STREAMOUT_TARGET"},
	{"VIRGL_OBJ_SURFACE_", "CREATE_OBJECT SURFACE"},
	{"VIRGL_OBJ_VERTEX_ELEMENTS_", "CREATE_OBJECT VERTEX_ELEMENTS"},
	{"VIRGL_BEGIN_FRAME_", "BEGIN_FRAME"},
	{"VIRGL_BIND_SAMPLER_STATES_", "BIND_SAMPLER_STATES"},
	{"VIRGL_BIND_SHADER_", "BIND_SHADER"},
	{"VIRGL_CLEAR_SURFACE_", "CLEAR_SURFACE"},
	{"VIRGL_CLEAR_TEXTURE_", "CLEAR_TEXTURE"},
	{"VIRGL_CMD_BLIT_", "BLIT"},
	{"VIRGL_CMD_RCR_", "RESOURCE_COPY_REGION"},
	{"VIRGL_CMD_RESOURCE_COPY_REGION_", "RESOURCE_COPY_REGION"},
	{"VIRGL_COPY_TRANSFER3D_", "COPY_TRANSFER3D"},
	{"VIRGL_CREATE_VIDEO_BUFFER_", "CREATE_VIDEO_BUFFER"},
	{"VIRGL_CREATE_VIDEO_CODEC_", "CREATE_VIDEO_CODEC"},
	{"VIRGL_DECODE_BS_", "DECODE_BITSTREAM"},
	{"VIRGL_DESTROY_VIDEO_BUFFER_", "DESTROY_VIDEO_BUFFER"},
	{"VIRGL_DESTROY_VIDEO_CODEC_", "DESTROY_VIDEO_CODEC"},
	{"VIRGL_DRAW_VBO_", "DRAW_VBO"},
	{"VIRGL_ENCODE_BS_", "ENCODE_BITSTREAM"},
	{"VIRGL_END_FRAME_", "END_FRAME"},
	{"VIRGL_LAUNCH_", "LAUNCH_GRID"},
	{"VIRGL_LAUNCH_GRID_", "LAUNCH_GRID"},
	{"VIRGL_LINK_SHADER_", "LINK_SHADER"},
	{"VIRGL_MEMORY_BARRIER_", "MEMORY_BARRIER"},
	{"VIRGL_PIPE_RES_CREATE_", "PIPE_RESOURCE_CREATE"},
	{"VIRGL_PIPE_RES_SET_TYPE_", "PIPE_RESOURCE_SET_TYPE"},
	{"VIRGL_POLYGON_STIPPLE_", "SET_POLYGON_STIPPLE"},
	{"VIRGL_QUERY_BEGIN_", "BEGIN_QUERY"},
	{"VIRGL_QUERY_END_", "END_QUERY"},
	{"VIRGL_QUERY_RESULT_", "GET_QUERY_RESULT"},
	{"VIRGL_QUERY_RESULT_QBO_", "GET_QUERY_RESULT_QBO"},
	{"VIRGL_RENDER_CONDITION_", "SET_RENDER_CONDITION"},
	{"VIRGL_RESOURCE_IW_", "RESOURCE_INLINE_WRITE"},
	{"VIRGL_RESOURCE_LAYOUT_", "GET_PIPE_RESOURCE_LAYOUT"},
	{"VIRGL_SEND_STRING_MARKER_", "SEND_STRING_MARKER"},
	{"VIRGL_SET_ATOMIC_BUFFER_", "SET_ATOMIC_BUFFERS"},
	{"VIRGL_SET_BLEND_COLOR_", "SET_BLEND_COLOR"},
	{"VIRGL_SET_CLIP_STATE_", "SET_CLIP_STATE"},
	{"VIRGL_SET_CONSTANT_BUFFER_", "SET_CONSTANT_BUFFER"},
	{"VIRGL_SET_DEBUG_FLAGS_", "SET_DEBUG_FLAGS"},
	{"VIRGL_SET_FRAMEBUFFER_STATE_", "SET_FRAMEBUFFER_STATE"},
	{"VIRGL_SET_FRAMEBUFFER_STATE_NO_ATTACH_", "SET_FRAMEBUFFER_STATE_NO_ATTACH"},
	{"VIRGL_SET_INDEX_BUFFER_", "SET_INDEX_BUFFER"},
	{"VIRGL_SET_MIN_SAMPLES_", "SET_MIN_SAMPLES"},
	{"VIRGL_SET_SAMPLER_VIEWS_", "SET_SAMPLER_VIEWS"},
	{"VIRGL_SET_SAMPLE_MASK_", "SET_SAMPLE_MASK"},
	{"VIRGL_SET_SCISSOR_", "SET_SCISSOR_STATE"},
	{"VIRGL_SET_SHADER_BUFFER_", "SET_SHADER_BUFFERS"},
	{"VIRGL_SET_SHADER_IMAGE_", "SET_SHADER_IMAGES"},
	{"VIRGL_SET_STENCIL_REF_", "SET_STENCIL_REF"},
	{"VIRGL_SET_STREAMOUT_TARGETS_", "SET_STREAMOUT_TARGETS"},
	{"VIRGL_SET_TWEAKS_", "SET_TWEAKS"},
	{"VIRGL_SET_UNIFORM_BUFFER_", "SET_UNIFORM_BUFFER"},
	{"VIRGL_SET_VERTEX_BUFFERS_", "SET_VERTEX_BUFFERS"},
	{"VIRGL_SET_VERTEX_BUFFER_", "SET_VERTEX_BUFFERS"},
	{"VIRGL_SET_VIEWPORT_", "SET_VIEWPORT_STATE"},
	{"VIRGL_TESS_STATE_", "SET_TESS_STATE"},
	{"VIRGL_TEXTURE_", "CLEAR_TEXTURE"},
	{"VIRGL_TEXTURE_BARRIER_", "TEXTURE_BARRIER"},
	{"VIRGL_TRANSFER3D_", "TRANSFER3D"},
};

enum how {
	FIELD = 0, /* position or mask of the field */
	SIZE,      /* a length */
	ELEMENT,   /* length of what is repeated */
	NARROWER,  /* a mask, of fewer bits since; the field has those of all versions */
	DECODE,    /* takes a dword apart instead of putting it together */
	BIT,       /* a constant: the bits of the field */
	NAMED,     /* a value of the field's enumeration */
	NOTHING,   /* says nothing about a position */
};

/* Macros whose name does not say it. */
static const struct {
	const char *name, *desc, *field;
	enum how how;
	uint32_t number;
} odd_macros[] = {
	{"VIRGL_BIND_SAMPLER_STATES", "BIND_SAMPLER_STATES", NULL, SIZE, 0},
	{"VIRGL_BIND_SAMPLER_STATES_S0_HANDLE", "BIND_SAMPLER_STATES", "state", FIELD, 0},
	{"VIRGL_CLEAR_SURFACE_HANDLE", "CLEAR_SURFACE", "surface", FIELD, 0},
	{"VIRGL_CLEAR_SURFACE_S0_RENDER_CONDITION", "CLEAR_SURFACE", "render_condition_enabled",
		FIELD, 0},
	{"VIRGL_CMD0", NULL, NULL, NOTHING, 0},
	{"VIRGL_CMD0_MAX_DWORDS", NULL, NULL, NOTHING, 0},
	{"VIRGL_CMD_BLIT_SCISSOR_MAXX_MAXY", "BLIT", "scissor_maxx", FIELD, 0},
	{"VIRGL_CMD_BLIT_SCISSOR_MINX_MINY", "BLIT", "scissor_minx", FIELD, 0},
	{"VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST", "COPY_TRANSFER3D", "flags", NAMED, 0},
	{"VIRGL_COPY_TRANSFER3D_FLAGS_SYNCHRONIZED", "COPY_TRANSFER3D", "flags", NAMED, 0},
	{"VIRGL_CREATE_VIDEO_BUFFER_RES_BASE", "CREATE_VIDEO_BUFFER", "res_handle", FIELD, 0},
	{"VIRGL_CREATE_VIDEO_CODEC_CHROMA_FMT", "CREATE_VIDEO_CODEC", "chroma_format", FIELD,
		0},
	{"VIRGL_CREATE_VIDEO_CODEC_MAX_REF", "CREATE_VIDEO_CODEC", "max_references", FIELD, 0},
	{"VIRGL_DECODE_BS_BUF_HANDLE", "DECODE_BITSTREAM", "buffer", FIELD, 0},
	{"VIRGL_DECODE_BS_BUF_SIZE", "DECODE_BITSTREAM", "buffer_size", FIELD, 0},
	{"VIRGL_DECODE_BS_DSC_HANDLE", "DECODE_BITSTREAM", "descriptor", FIELD, 0},
	{"VIRGL_ENCODE_BS_DESC_HANDLE", "ENCODE_BITSTREAM", "descriptor", FIELD, 0},
	{"VIRGL_ENCODE_BS_DEST_HANDLE", "ENCODE_BITSTREAM", "destination", FIELD, 0},
	{"VIRGL_ENCODE_BS_FEED_HANDLE", "ENCODE_BITSTREAM", "feedback", FIELD, 0},
	{"VIRGL_ENCODE_BS_SRC_HANDLE", "ENCODE_BITSTREAM", "source", FIELD, 0},
	{"VIRGL_LAUNCH_BLOCK_X", "LAUNCH_GRID", "block", FIELD, 0},
	{"VIRGL_LAUNCH_BLOCK_Y", "LAUNCH_GRID", "block", FIELD, 1},
	{"VIRGL_LAUNCH_BLOCK_Z", "LAUNCH_GRID", "block", FIELD, 2},
	{"VIRGL_LAUNCH_GRID_X", "LAUNCH_GRID", "grid", FIELD, 0},
	{"VIRGL_LAUNCH_GRID_Y", "LAUNCH_GRID", "grid", FIELD, 1},
	{"VIRGL_LAUNCH_GRID_Z", "LAUNCH_GRID", "grid", FIELD, 2},
	{"VIRGL_MAX_CLIP_PLANES", NULL, NULL, NOTHING, 0},
	{"VIRGL_MAX_COLOR_BUFS", NULL, NULL, NOTHING, 0},
	{"VIRGL_OBJ_BIND_HEADER", NULL, NULL, NOTHING, 0},
	{"VIRGL_OBJ_BLEND_S2", "CREATE_OBJECT BLEND", "blend_enable", FIELD, 0},
	{"VIRGL_OBJ_CREATE_HEADER", NULL, NULL, NOTHING, 0},
	{"VIRGL_OBJ_DSA_S0_DEPTH_ENABLE", "CREATE_OBJECT DSA", "depth_enabled", FIELD, 0},
	{"VIRGL_OBJ_QUERY_TYPE_INDEX", "CREATE_OBJECT QUERY", "type", FIELD, 0},
	{"VIRGL_OBJ_RS_S0_LIGHT_TWOSIZE", "CREATE_OBJECT RASTERIZER", "light_twoside", FIELD,
		0},
	{"VIRGL_OBJ_SAMPLER_VIEW_BUFFER_FIRST_ELEMENT", "CREATE_OBJECT SAMPLER_VIEW",
		"layers_or_first_element", FIELD, 0},
	{"VIRGL_OBJ_SAMPLER_VIEW_BUFFER_LAST_ELEMENT", "CREATE_OBJECT SAMPLER_VIEW",
		"levels_or_last_element", FIELD, 0},
	{"VIRGL_OBJ_SAMPLER_VIEW_SWIZZLE", "CREATE_OBJECT SAMPLER_VIEW", "swizzle_r", FIELD, 0},
	{"VIRGL_OBJ_SAMPLER_VIEW_TEXTURE_LAYER", "CREATE_OBJECT SAMPLER_VIEW",
		"layers_or_first_element", FIELD, 0},
	{"VIRGL_OBJ_SAMPLER_VIEW_TEXTURE_LEVEL", "CREATE_OBJECT SAMPLER_VIEW",
		"levels_or_last_element", FIELD, 0},
	{"VIRGL_OBJ_SAMPLE_STATE_S0_MAG_IMG_FILTER", "CREATE_OBJECT SAMPLER_STATE",
		"mag_img_filter", NARROWER, 0},
	{"VIRGL_OBJ_SAMPLE_STATE_S0_MAX_ANISOTROPY", "CREATE_OBJECT SAMPLER_STATE",
		"max_anisotropy", NARROWER, 0},
	{"VIRGL_OBJ_SAMPLE_STATE_S0_MIN_IMG_FILTER", "CREATE_OBJECT SAMPLER_STATE",
		"min_img_filter", NARROWER, 0},
	{"VIRGL_OBJ_SHADER_HDR_SIZE", "CREATE_OBJECT SHADER", "so_output", SIZE, 0},
	{"VIRGL_OBJ_SHADER_OFFSET_CONT", "CREATE_OBJECT SHADER", "continued", BIT, 0},
	{"VIRGL_OBJ_SHADER_OFFSET_VAL", "CREATE_OBJECT SHADER", "offset", FIELD, 0},
	{"VIRGL_OBJ_SHADER_SO_OUTPUT0", "CREATE_OBJECT SHADER", "register_index", FIELD, 0},
	{"VIRGL_OBJ_SHADER_SO_OUTPUT0_SO", "CREATE_OBJECT SHADER", "stream", FIELD, 0},
	{"VIRGL_OBJ_SHADER_SO_OUTPUT_BUFFER", "CREATE_OBJECT SHADER", "output_buffer", FIELD,
		0},
	{"VIRGL_OBJ_SURFACE_BUFFER_FIRST_ELEMENT", "CREATE_OBJECT SURFACE",
		"level_or_first_element", FIELD, 0},
	{"VIRGL_OBJ_SURFACE_BUFFER_LAST_ELEMENT", "CREATE_OBJECT SURFACE",
		"layers_or_last_element", FIELD, 0},
	{"VIRGL_OBJ_SURFACE_SAMPLE_COUNT", "CREATE_OBJECT MSAA_SURFACE", "sample_count", FIELD,
		0},
	{"VIRGL_OBJ_SURFACE_TEXTURE_LAYERS", "CREATE_OBJECT SURFACE", "layers_or_last_element",
		FIELD, 0},
	{"VIRGL_OBJ_SURFACE_TEXTURE_LEVEL", "CREATE_OBJECT SURFACE", "level_or_first_element",
		FIELD, 0},
	{"VIRGL_PIPE_RES_SET_TYPE_MODIFIER_HI", "PIPE_RESOURCE_SET_TYPE", "modifier", FIELD,
		32},
	{"VIRGL_PIPE_RES_SET_TYPE_MODIFIER_LO", "PIPE_RESOURCE_SET_TYPE", "modifier", FIELD, 0},
	{"VIRGL_PIPE_RES_SET_TYPE_PLANE_OFFSET", "PIPE_RESOURCE_SET_TYPE", "offset", FIELD, 0},
	{"VIRGL_PIPE_RES_SET_TYPE_PLANE_STRIDE", "PIPE_RESOURCE_SET_TYPE", "stride", FIELD, 0},
	{"VIRGL_POLYGON_STIPPLE_P0", "SET_POLYGON_STIPPLE", "pattern", FIELD, 0},
	/* what the host writes back */
	{"VIRGL_QUERY_STATE_DONE", NULL, NULL, NOTHING, 0},
	{"VIRGL_QUERY_STATE_NEW", NULL, NULL, NOTHING, 0},
	{"VIRGL_QUERY_STATE_WAIT_HOST", NULL, NULL, NOTHING, 0},
	{"VIRGL_RESOURCE_LAYOUT_HANDLE_OUT", "GET_PIPE_RESOURCE_LAYOUT", "out", FIELD, 0},
	{"VIRGL_RESOURCE_LAYOUT_HANDLE_TARGET", "GET_PIPE_RESOURCE_LAYOUT", "target", FIELD, 0},
	/* one dword less, a text of no bytes, is what our tables also take */
	{"VIRGL_SEND_STRING_MARKER_MIN_SIZE", "SEND_STRING_MARKER", "", SIZE, 0},
	{"VIRGL_SEND_STRING_MARKER_OFFSET", "SEND_STRING_MARKER", "text", FIELD, 0},
	{"VIRGL_SEND_STRING_MARKER_STRING_SIZE", "SEND_STRING_MARKER", "length", FIELD, 0},
	{"VIRGL_SET_ATOMIC_BUFFER_ELEMENT_SIZE", "SET_ATOMIC_BUFFERS", NULL, ELEMENT, 0},
	{"VIRGL_SET_BLEND_COLOR", "SET_BLEND_COLOR", "color", FIELD, 0},
	{"VIRGL_SET_CLIP_STATE_C0", "SET_CLIP_STATE", "ucp", FIELD, 0},
	{"VIRGL_SET_DEBUG_FLAGSTRING_OFFSET", "SET_DEBUG_FLAGS", "flags", FIELD, 0},
	{"VIRGL_SET_FRAMEBUFFER_STATE_NO_ATTACH_HEIGHT", "SET_FRAMEBUFFER_STATE_NO_ATTACH",
		"height", DECODE, 0},
	{"VIRGL_SET_FRAMEBUFFER_STATE_NO_ATTACH_LAYERS_SAMPLES",
		"SET_FRAMEBUFFER_STATE_NO_ATTACH", "layers", FIELD, 0},
	{"VIRGL_SET_FRAMEBUFFER_STATE_NO_ATTACH_SAMPLES", "SET_FRAMEBUFFER_STATE_NO_ATTACH",
		"samples", DECODE, 0},
	{"VIRGL_SET_FRAMEBUFFER_STATE_NO_ATTACH_WIDTH_HEIGHT",
		"SET_FRAMEBUFFER_STATE_NO_ATTACH", "width", FIELD, 0},
	{"VIRGL_SET_FRAMEBUFFER_STATE_NR_ZSURF_HANDLE", "SET_FRAMEBUFFER_STATE", "zsurf", FIELD,
		0},
	{"VIRGL_SET_INDEX_BUFFER_SIZE", "SET_INDEX_BUFFER", "", SIZE, 0},
	{"VIRGL_SET_MIN_SAMPLES_MASK", "SET_MIN_SAMPLES", "min_samples", FIELD, 0},
	{"VIRGL_SET_SAMPLER_VIEWS_V0_HANDLE", "SET_SAMPLER_VIEWS", "view", FIELD, 0},
	{"VIRGL_SET_SCISSOR_MAXX_MAXY", "SET_SCISSOR_STATE", "maxx", FIELD, 0},
	{"VIRGL_SET_SCISSOR_MINX_MINY", "SET_SCISSOR_STATE", "minx", FIELD, 0},
	{"VIRGL_SET_SHADER_BUFFER_ELEMENT_SIZE", "SET_SHADER_BUFFERS", NULL, ELEMENT, 0},
	{"VIRGL_SET_SHADER_IMAGE_ELEMENT_SIZE", "SET_SHADER_IMAGES", NULL, ELEMENT, 0},
	{"VIRGL_SET_SHADER_IMAGE_LAYER_OFFSET", "SET_SHADER_IMAGES", "layers_or_offset", FIELD,
		0},
	{"VIRGL_SET_SHADER_IMAGE_LEVEL_SIZE", "SET_SHADER_IMAGES", "level_or_size", FIELD, 0},
	{"VIRGL_SET_STENCIL_REF", "SET_STENCIL_REF", "front", FIELD, 0},
	{"VIRGL_SET_STREAMOUT_TARGETS_H0", "SET_STREAMOUT_TARGETS", "target", FIELD, 0},
	/* two arguments */
	{"VIRGL_STENCIL_REF_VAL", NULL, NULL, NOTHING, 0},
	{"VIRGL_TEXTURE_ARRAY_A", "CLEAR_TEXTURE", "data", FIELD, 0},
	{"VIRGL_TEXTURE_ARRAY_B", "CLEAR_TEXTURE", "data", FIELD, 1},
	{"VIRGL_TEXTURE_ARRAY_C", "CLEAR_TEXTURE", "data", FIELD, 2},
	{"VIRGL_TEXTURE_ARRAY_D", "CLEAR_TEXTURE", "data", FIELD, 3},
	{"VIRGL_TRANSFER_FROM_HOST", "TRANSFER3D", "direction", NAMED, 0},
	{"VIRGL_TRANSFER_TO_HOST", "TRANSFER3D", "direction", NAMED, 0},
};

/* One line of the list: a macro and what it yields. */
struct macro {
	const char *name;
	unsigned arguments;
	unsigned long at[4]; /* of 0, 1, 2 and UINT32_MAX */
};

static void check_size(const struct macro *macro, const struct vgt_desc *desc, const char *more)
{
	if (macro->arguments == 0) {
		if (!is_legal(desc, (uint32_t)macro->at[0], false, 0)) {
			differs(macro->name, "%lu is not legal for us", macro->at[0]);
		} else if (!more && is_legal(desc, (uint32_t)macro->at[0] - 1, false, 0)) {
			differs(macro->name, "less than %lu is legal for us", macro->at[0]);
		}
		return;
	}
	const struct vgt_part *part = desc->parts;
	while (part->kind && !is_repeated(part)) {
		part++;
	}
	for (uint32_t n = part->kind ? part->min : 0; n < 3; n++) {
		/* the decoder may refuse what the header yields for none */
		bool refused = n == 0 && macro->at[n] < desc->least;
		if (is_legal(desc, (uint32_t)macro->at[n], part->kind != 0, n) == refused) {
			differs(macro->name, "%lu for %u is not legal for us", macro->at[n], n);
		}
	}
}

static void check_element(const struct macro *macro, const struct vgt_desc *desc)
{
	const struct vgt_part *part = desc->parts;
	while (part->kind && !is_repeated(part)) {
		part++;
	}
	if (!part->kind || vgt_part_dwords(part) != macro->at[0]) {
		differs(macro->name, "%lu is not the size of an element", macro->at[0]);
	}
}

/* What the macro yields is where, or the bits in which, our field lies. */
static void check_field(const struct macro *macro, const struct vgt_desc *desc,
	const char *field, uint32_t number)
{
	struct place place;
	uint32_t index = number % 32, dwords = number / 32; /* into a wide field */
	if (!find(desc, field, 0, index, &place)) {
		differs(macro->name, "our %s has no %s", desc->name, field);
		return;
	}
	if (macro->arguments && macro->at[0] == 0) {
		if (macro->at[3] != mask_of(&place)) {
			differs(macro->name, "bits %08lx, for us %08x", macro->at[3],
				mask_of(&place));
		}
		return;
	}
	if (macro->at[0] != place.dword + dwords) {
		differs(macro->name, "at %lu, for us %u", macro->at[0], place.dword + dwords);
	}
	for (uint32_t n = 1; macro->arguments && n < 3; n++) {
		/* an argument counts elements, or else a row */
		if ((!find(desc, field, n, index, &place) &&
			    !find(desc, field, 0, n, &place)) ||
			place.dword + dwords != macro->at[n]) {
			differs(macro->name, "element %u at %lu, for us elsewhere", n,
				macro->at[n]);
		}
	}
}

static void check_bits(
	const struct macro *macro, const struct vgt_desc *desc, const char *field, enum how how)
{
	struct place place;
	if (!find(desc, field, 0, 0, &place)) {
		differs(macro->name, "our %s has no %s", desc->name, field);
		return;
	}
	uint32_t mask = mask_of(&place), bits = (uint32_t)macro->at[3];
	const char *name = macro->name + strlen(macro->name);
	switch (how) {
	case NARROWER:
		if ((bits & ~mask) || (bits & -bits) != (mask & -mask)) {
			differs(macro->name, "bits %08x, for us %08x", bits, mask);
		}
		break;
	case DECODE:
		if (bits != mask >> place.bit) {
			differs(macro->name, "%08x at most, for us %08x", bits,
				mask >> place.bit);
		}
		break;
	case BIT:
		if (bits != mask) {
			differs(macro->name, "%08x, for us %08x", bits, mask);
		}
		break;
	default: { /* the end of the macro's name is our value's */
		const char *ours = vgt_name_of(place.field->names, bits);
		size_t length = ours ? strlen(ours) : 0;
		if (!ours || length > strlen(macro->name) || strcmp(name - length, ours) != 0) {
			differs(macro->name, "%u, for us %s", bits, ours ? ours : "nothing");
		}
	}
	}
}

static bool has_field(const struct vgt_desc *desc, const char *field, uint32_t number)
{
	struct place place;
	return find(desc, field, 0, number, &place);
}

/*
 * The field that the rest of a macro's name says: in small letters, without the number of the
 * dword ("S0_"), without what is said twice. Its number where the name ends with one.
 */
static bool name_field(const struct vgt_desc *desc, const char *rest, char *field, size_t size,
	uint32_t *number)
{
	static const char *const skipped[] = {"s0_", "s1_", "s2_", "s3_", "rt_", "stencil_",
		"v0_", "state_", "so_output_", "src_"};
	char lower[64] = "";
	*number = 0;
	for (size_t i = 0; rest[i] && i + 1 < sizeof(lower); i++) {
		bool upper = rest[i] >= 'A' && rest[i] <= 'Z';
		lower[i] = (char)(upper ? rest[i] - 'A' + 'a' : rest[i]);
	}
	size_t length = strlen(lower);
	if (length > 2 && lower[length - 2] == '_' && lower[length - 1] >= '0' &&
		lower[length - 1] <= '9') {
		*number = (uint32_t)(lower[length - 1] - '0');
		lower[length - 2] = '\0';
		if (!has_field(desc, lower, *number)) {
			*number *= 32; /* the second dword of one number */
		}
	}
	const char *name = lower;
	for (size_t i = 0; !has_field(desc, name, 0) && i < COUNT(skipped); i++) {
		name += strncmp(name, skipped[i], strlen(skipped[i])) == 0 ? strlen(skipped[i])
									   : 0;
	}
	snprintf(field, size, "%s", name);
	static const struct {
		const char *end, *instead;
	} ends[] = {{"_handle", ""}, {"handle", "res_handle"}, {"data_start", "data"},
		{"cdc_handle", "codec"}, {"tgt_handle", "target"}};
	for (size_t i = 0; !has_field(desc, field, 0) && i < COUNT(ends); i++) {
		size_t end = strlen(ends[i].end), all = strlen(name);
		if (all >= end && strcmp(name + all - end, ends[i].end) == 0) {
			snprintf(
				field, size, "%.*s%s", (int)(all - end), name, ends[i].instead);
		}
	}
	return has_field(desc, field, 0);
}

/* "S1": the dword of this number is there, and a field begins with it. */
static void check_dword(const struct macro *macro, const struct vgt_desc *desc)
{
	static uint32_t dwords[MOST];
	struct vgt_layout layout;
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_desc_measure(desc, dwords, build(desc, dwords) * 4, &layout, NULL);
	vgt_walk_begin(&walk, &layout);
	while (vgt_walk_next(&walk, &value)) {
		if (value.dword == macro->at[0] && value.field->bits < 32) {
			return;
		}
	}
	differs(macro->name, "at %lu we have no bits", macro->at[0]);
}

static void check_macro(const struct macro *macro)
{
	for (size_t i = 0; i < COUNT(odd_macros); i++) {
		if (strcmp(odd_macros[i].name, macro->name) != 0) {
			continue;
		}
		if (odd_macros[i].how == NOTHING) {
			compared--;
			return;
		}
		const struct vgt_desc *desc = desc_named(odd_macros[i].desc);
		if (odd_macros[i].how == SIZE) {
			check_size(macro, desc, odd_macros[i].field);
		} else if (odd_macros[i].how == ELEMENT) {
			check_element(macro, desc);
		} else if (odd_macros[i].how == FIELD) {
			check_field(macro, desc, odd_macros[i].field, odd_macros[i].number);
		} else {
			check_bits(macro, desc, odd_macros[i].field, odd_macros[i].how);
		}
		return;
	}
	size_t longest = 0, best = 0;
	for (size_t i = 0; i < COUNT(families); i++) {
		size_t length = strlen(families[i].prefix);
		if (length > longest && strncmp(families[i].prefix, macro->name, length) == 0) {
			longest = length;
			best = i;
		}
	}
	if (!longest) {
		differs(macro->name, "which of our commands is it about?");
		return;
	}
	const struct vgt_desc *desc = desc_named(families[best].desc);
	const char *rest = macro->name + longest;
	char field[64];
	uint32_t number;
	if (strcmp(rest, "MIN_SIZE") == 0 || strcmp(rest, "STATE_SIZE") == 0 ||
		strncmp(rest, "SIZE", 4) == 0) {
		check_size(macro, desc, NULL);
	} else if (rest[0] == 'S' && rest[1] >= '0' && rest[1] <= '9' && !rest[2]) {
		check_dword(macro, desc);
	} else if (name_field(desc, rest, field, sizeof(field), &number)) {
		check_field(macro, desc, field, number);
	} else {
		differs(macro->name, "which field of our %s is it?", desc->name);
	}
}

/* Enumerators */

static void check_name(const char *name, const char *prefix, const char *ours)
{
	const char *theirs = name + strlen(prefix);
	if (!ours || strcmp(ours, theirs) != 0) {
		differs(name, "we call it %s", ours ? ours : "nothing");
	}
}

static void check_ccmd(const char *name, uint32_t value)
{
	/* Mesa's name for what virglrenderer and its own macros call SEND */
	if (strcmp(name, "VIRGL_CCMD_EMIT_STRING_MARKER") == 0) {
		name = "VIRGL_CCMD_SEND_STRING_MARKER";
	}
	check_name(name, "VIRGL_CCMD_", value < 256 ? virgl_ccmd_name((uint8_t)value) : NULL);
}

static void check_format(const char *name, uint32_t value)
{
	/* numbers that had a second name, which Mesa 23 has moved up */
	static const struct {
		const char *name;
		uint32_t value;
	} twice[] = {{"A1B5G5R5_UNORM", 262}, {"A1R5G5B5_UNORM", 263},
		{"A2B10G10R10_UNORM", 264}, {"A2R10G10B10_UNORM", 265},
		{"A4R4G4B4_UNORM", 266}};
	const char *theirs = name + strlen("VIRGL_FORMAT_");
	for (size_t i = 0; i < COUNT(twice); i++) {
		if (value == twice[i].value && strcmp(theirs, twice[i].name) == 0) {
			compared--;
			return;
		}
	}
	check_name(name, "VIRGL_FORMAT_", vgt_format_name(value));
}

static const struct vgt_name *names_of(const char *desc, const char *field)
{
	struct place place;
	bool is_caps = strcmp(desc, "capset") == 0;
	return find(is_caps ? virgl_caps_desc(VIRTIO_GPU_CAPSET_VIRGL2) : desc_named(desc),
		       field, 0, 0, &place)
		       ? place.field->names
		       : NULL;
}

/* Lists of names that begin alike; ours must have them all, and no others in the newest. */
struct list {
	const char *prefix, *desc, *field, *strip;
	unsigned seen;
};

static struct list hw_lists[] = {
	{"VIRGL_CAP_", "capset", "capability_bits", "", 0},
	{"VIRGL_CAP_V2_", "capset", "capability_bits_v2", "", 0},
	{"VIRGL_BIND_", "PIPE_RESOURCE_CREATE", "bind", "", 0},
	{"VIRGL_RESOURCE_", "PIPE_RESOURCE_CREATE", "flags", "FLAG_", 0},
	{"VIRGL_ERROR_", NULL, NULL, "", 0},
};

static struct list pipe_lists[] = {
	{"PIPE_BARRIER_", "MEMORY_BARRIER", "flags", "", 0},
	{"PIPE_BLENDFACTOR_", "CREATE_OBJECT BLEND", "rgb_src_factor", "", 0},
	{"PIPE_BLEND_", "CREATE_OBJECT BLEND", "rgb_func", "", 0},
	{"PIPE_CLEAR_", "CLEAR", "buffers", "", 0},
	{"PIPE_FACE_", "CREATE_OBJECT RASTERIZER", "cull_face", "", 0},
	{"PIPE_FUNC_", "CREATE_OBJECT DSA", "depth_func", "", 0},
	{"PIPE_IMAGE_ACCESS_", "SET_SHADER_IMAGES", "access", "", 0},
	{"PIPE_LOGICOP_", "CREATE_OBJECT BLEND", "logicop_func", "", 0},
	{"PIPE_MASK_", "BLIT", "mask", "", 0},
	{"PIPE_POLYGON_MODE_", "CREATE_OBJECT RASTERIZER", "fill_front", "", 0},
	{"PIPE_PRIM_", "DRAW_VBO", "mode", "", 0},
	{"PIPE_QUERY_TYPE_", "GET_QUERY_RESULT_QBO", "result_type", "", 0},
	{"PIPE_RENDER_COND_", "SET_RENDER_CONDITION", "mode", "", 0},
	{"PIPE_SPRITE_COORD_", "CREATE_OBJECT RASTERIZER", "sprite_coord_mode", "", 0},
	{"PIPE_STENCIL_OP_", "CREATE_OBJECT DSA", "fail_op", "", 0},
	{"PIPE_SWIZZLE_", "CREATE_OBJECT SAMPLER_VIEW", "swizzle_r", "", 0},
	{"PIPE_TEXTURE_", "PIPE_RESOURCE_CREATE", "target", "", 0},
	{"PIPE_TEXTURE_BARRIER_", "TEXTURE_BARRIER", "flags", "", 0},
	{"PIPE_TEX_COMPARE_", "CREATE_OBJECT SAMPLER_STATE", "compare_mode", "", 0},
	{"PIPE_TEX_FILTER_", "CREATE_OBJECT SAMPLER_STATE", "min_img_filter", "", 0},
	{"PIPE_TEX_MIPFILTER_", "CREATE_OBJECT SAMPLER_STATE", "min_mip_filter", "", 0},
	{"PIPE_TEX_WRAP_", "CREATE_OBJECT SAMPLER_STATE", "wrap_s", "", 0},
	{"PIPE_VIDEO_ENTRYPOINT_", "CREATE_VIDEO_CODEC", "entrypoint", "", 0},
	/* virgl's own numbers, as its driver translates Gallium's */
	{"VIRGL_QUERY_", "CREATE_OBJECT QUERY", "type", "", 0},
};

/* Names that are not one of the list's: sums, ends of the enumeration, two names for one. */
static const char *const no_names[] = {
	"PIPE_BARRIER_ALL",
	"PIPE_BARRIER_UPDATE",
	"PIPE_CLEAR_COLOR",
	"PIPE_CLEAR_DEPTHSTENCIL",
	"PIPE_IMAGE_ACCESS_COHERENT",
	"PIPE_IMAGE_ACCESS_READ_WRITE",
	"PIPE_IMAGE_ACCESS_VOLATILE",
	"PIPE_IMAGE_ACCESS_TEX2D_FROM_BUFFER",
	"PIPE_IMAGE_ACCESS_DRIVER_INTERNAL",
	"PIPE_MASK_RGB",
	"PIPE_MASK_RGBA",
	"PIPE_MASK_RGBAZS",
	"PIPE_MASK_ZS",
	"PIPE_PRIM_MAX",
	"PIPE_SWIZZLE_MAX",
	"PIPE_SWIZZLE_NONE",
	"PIPE_TEXTURE_TRANSFER_BLIT",
	"PIPE_TEXTURE_TRANSFER_COMPUTE",
	"PIPE_TEXTURE_TRANSFER_DEFAULT",
	"VIRGL_BIND_MINIGBM_PROTECTED",
	"VIRGL_BIND_SHARED_SUBFLAGS",
	"VIRGL_CAP_FAKE_FP64",
	"VIRGL_CAP_NONE",
};

static bool is_no_name(const char *name)
{
	for (size_t i = 0; i < COUNT(no_names); i++) {
		if (strcmp(no_names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* Finds the list by the longest prefix. False where there is none. */
static bool check_list(struct list *lists, size_t count, const char *name, uint32_t value)
{
	struct list *list = NULL;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(lists[i].prefix);
		if (strncmp(lists[i].prefix, name, length) == 0 &&
			(!list || length > strlen(list->prefix))) {
			list = &lists[i];
		}
	}
	if (!list) {
		return false;
	}
	if (!list->desc || is_no_name(name)) {
		compared--;
		return true;
	}
	const char *theirs = name + strlen(list->prefix);
	size_t strip = strlen(list->strip);
	if (strncmp(theirs, list->strip, strip) == 0) {
		theirs += strip;
	}
	const char *ours = vgt_name_of(names_of(list->desc, list->field), value);
	list->seen++;
	if (!ours || strcmp(ours, theirs) != 0) {
		differs(name, "we call %u %s", value, ours ? ours : "nothing");
	}
	return true;
}

/* Gallium's enumerations are old: whatever is in our lists is in its headers. */
static void check_lists_seen(const struct list *lists, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned ours = 0;
		for (const struct vgt_name *name = names_of(lists[i].desc, lists[i].field);
			name && name->name; name++) {
			ours++;
		}
		/* a buffer is a texture target of another prefix */
		ours -= strcmp(lists[i].prefix, "PIPE_TEXTURE_") == 0;
		/* p_defines.h is there as a whole or not at all */
		if (lists[i].seen != ours && (lists[i].seen || lists[0].seen)) {
			differs(lists[i].prefix, "%u names, of ours %u", lists[i].seen, ours);
		}
	}
}

/* Capsets */

static const struct vgt_desc *caps_of(const char *struct_name)
{
	return virgl_caps_desc(strcmp(struct_name, "virgl_caps_v1") == 0
				       ? VIRTIO_GPU_CAPSET_VIRGL
				       : VIRTIO_GPU_CAPSET_VIRGL2);
}

static void check_member(
	const char *struct_name, const char *name, unsigned long offset, unsigned long size)
{
	const struct vgt_desc *desc = caps_of(struct_name);
	char full[260];
	struct place place;
	snprintf(full, sizeof(full), "%s.%s", struct_name, name);
	/* both names were wrong, see virgl_hw.h of Mesa 25 */
	if (strcmp(name, "max_texture_image_units") == 0 ||
		strcmp(name, "max_shader_sampler_views") == 0) {
		name = "max_texture_samplers";
	}
	if (strcmp(name, "bset") == 0) {
		name = "indep_blend_enable";
		size = 0;
	} else if (strcmp(name, "video_caps") == 0) {
		name = "profile";
		size = 0;
	} else if (strcmp(name, "v1") == 0) {
		name = "max_version";
		size = 0;
	}
	if (!find(desc, name, 0, 0, &place)) {
		differs(full, "our capset has none");
		return;
	}
	unsigned long count = place.field->count ? place.field->count : 1;
	if (place.dword * 4ul != offset || place.bit) {
		differs(full, "at byte %lu, for us %u", offset, place.dword * 4);
	} else if (size && place.bits * count / 8 != size) {
		differs(full, "%lu bytes, for us %lu", size, place.bits * count / 8);
	}
}

/* Bit-fields, from the first of their struct on, whose own place check_member compares. */
static void check_bit(const char *struct_name, const char *name, uint32_t dword, uint32_t mask)
{
	const struct vgt_desc *desc = virgl_caps_desc(VIRTIO_GPU_CAPSET_VIRGL2);
	bool video = strcmp(struct_name, "virgl_video_caps") == 0;
	char full[260];
	struct place first, place;
	snprintf(full, sizeof(full), "%s.%s", struct_name, name);
	if (strcmp(name, "reserved") == 0) {
		name = "padding";
	}
	if (!find(desc, video ? "profile" : "indep_blend_enable", 0, 0, &first) ||
		!find(desc, name, 0, 0, &place)) {
		differs(full, "our capset has none");
	} else if (place.dword != first.dword + dword || mask_of(&place) != mask) {
		differs(full, "bits %08x of dword %u, for us %08x of %u", mask,
			first.dword + dword, mask_of(&place), place.dword);
	}
}

/* A capset of just this version's size is measured whole, and its last field is there. */
static void check_struct(const char *name, unsigned long size)
{
	static uint32_t dwords[MOST];
	const struct vgt_desc *desc = caps_of(name);
	struct vgt_layout layout;
	struct vgt_err err = {0};
	if (strcmp(name, "virgl_caps_v1") != 0 && strcmp(name, "virgl_caps_v2") != 0) {
		compared--;
		return;
	}
	uint32_t ours = 0;
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		ours += part->max * vgt_part_dwords(part) * 4;
	}
	if (size > sizeof(dwords) || !vgt_desc_measure(desc, dwords, size, &layout, &err) ||
		size > ours) {
		differs(name, "%lu bytes, for us %u: %s", size, ours, err.message);
	}
}

/* Lines */

static void check_line(char *line, int number)
{
	char kind[16], name[128], more[128];
	unsigned long at[4] = {0};
	struct macro macro = {.name = name};
	compared++;
	if (sscanf(line, "macro %127s %u %lu %lu %lu %lu", name, &macro.arguments, &macro.at[0],
		    &macro.at[1], &macro.at[2], &macro.at[3]) == 6) {
		check_macro(&macro);
	} else if (sscanf(line, "member %127s %127s %lu %lu", name, more, &at[0], &at[1]) ==
		   4) {
		check_member(name, more, at[0], at[1]);
	} else if (sscanf(line, "bit %127s %127s %lu %lu", name, more, &at[0], &at[1]) == 4) {
		check_bit(name, more, (uint32_t)at[0], (uint32_t)at[1]);
	} else if (sscanf(line, "struct %127s %lu", name, &at[0]) == 2) {
		check_struct(name, at[0]);
	} else if (sscanf(line, "%15s %127s %lu", kind, name, &at[0]) != 3) {
		fprintf(stderr, "upstream_headers: line %d: %s", number, line);
		exit(2);
	} else if (strcmp(kind, "ccmd") == 0) {
		check_ccmd(name, (uint32_t)at[0]);
	} else if (strcmp(kind, "object") == 0) {
		if (at[0] != VIRGL_OBJECT_NULL) {
			check_name(name, "VIRGL_OBJECT_", virgl_object_name((uint32_t)at[0]));
		}
	} else if (strcmp(kind, "format") == 0) {
		check_format(name, (uint32_t)at[0]);
	} else if (strcmp(kind, "tweak") == 0) {
		check_name(name, "virgl_tweak_",
			vgt_name_of(names_of("SET_TWEAKS", "id"), (uint32_t)at[0]));
	} else if (strcmp(kind, "stage") == 0) {
		check_name(name, "VIRGL_SHADER_",
			vgt_name_of(virgl_shader_stages, (uint32_t)at[0]));
	} else if (strcmp(kind, "hw") == 0) {
		if (!check_list(hw_lists, COUNT(hw_lists), name, (uint32_t)at[0])) {
			differs(name, "which of our lists is it in?");
		}
	} else if (strcmp(kind, "pipe") == 0) {
		compared -= !check_list(pipe_lists, COUNT(pipe_lists), name, (uint32_t)at[0]);
	} else {
		fprintf(stderr, "upstream_headers: line %d: %s", number, line);
		exit(2);
	}
}

int main(void)
{
	char line[512];
	for (int number = 1; fgets(line, sizeof(line), stdin); number++) {
		check_line(line, number);
	}
	check_lists_seen(pipe_lists, COUNT(pipe_lists));
	printf("%u compared, %u differ\n", compared, wrong);
	return wrong != 0;
}
