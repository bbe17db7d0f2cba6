/* SPDX-License-Identifier: MIT */
#include "virgl_caps.h"

#include "virgl_cmd.h"
#include "virtio_gpu.h"

#include <assert.h>
#include <string.h>

/* A fact, a limit (the more the better), and its contrary. */
#define FACT_(label, kind, width, n) \
	{ \
		.name = (label), .type = VGT_FIELD_##kind, .bits = (width), .count = (n) \
	}
#define FACT(label) FACT_(label, UINT, 32, 1)
#define MORE_(label, kind, width, n) \
	{ \
		.name = (label), .type = VGT_FIELD_##kind, .bits = (width), .count = (n), \
		.better = VGT_BETTER_MORE \
	}
#define MORE(label)       MORE_(label, UINT, 32, 1)
#define MORE_EACH(label)  MORE_(label, UINT, 32, PIPE_SHADER_TYPES)
#define MORE_INT(label)   MORE_(label, INT, 32, 1)
#define MORE_FLOAT(label) MORE_(label, FLOAT, 32, 1)
#define BIT(label)        MORE_(label, BOOL, 1, 1)
#define FORMATS(label)    MORE_(label, FORMAT_MASK, 512, 1)
#define FLAGS(label, list) \
	{ \
		.name = (label), .type = VGT_FIELD_FLAGS, .bits = 32, .names = (list), \
		.better = VGT_BETTER_MORE \
	}
#define LESS_(label, kind) \
	{ \
		.name = (label), .type = VGT_FIELD_##kind, .bits = 32, \
		.better = VGT_BETTER_LESS \
	}
#define LESS(label)       LESS_(label, UINT)
#define LESS_INT(label)   LESS_(label, INT)
#define LESS_FLOAT(label) LESS_(label, FLOAT)

#define NAMES static const struct vgt_name

/* one bit for each of enum pipe_prim_type */
NAMES primitives[] = {{"POINTS", 1 << 0}, {"LINES", 1 << 1}, {"LINE_LOOP", 1 << 2},
	{"LINE_STRIP", 1 << 3}, {"TRIANGLES", 1 << 4}, {"TRIANGLE_STRIP", 1 << 5},
	{"TRIANGLE_FAN", 1 << 6}, {"QUADS", 1 << 7}, {"QUAD_STRIP", 1 << 8},
	{"POLYGON", 1 << 9}, {"LINES_ADJACENCY", 1 << 10}, {"LINE_STRIP_ADJACENCY", 1 << 11},
	{"TRIANGLES_ADJACENCY", 1 << 12}, {"TRIANGLE_STRIP_ADJACENCY", 1 << 13},
	{"PATCHES", 1 << 14}, {NULL, 0}};

/* VIRGL_CAP_* */
#define HOST_IS_GLES          (1u << 19)
#define BGRA_SRGB_IS_EMULATED (1u << 29)
NAMES capability_bits[] = {{"TGSI_INVARIANT", 1 << 0}, {"TEXTURE_VIEW", 1 << 1},
	{"SET_MIN_SAMPLES", 1 << 2}, {"COPY_IMAGE", 1 << 3}, {"TGSI_PRECISE", 1 << 4},
	{"TXQS", 1 << 5}, {"MEMORY_BARRIER", 1 << 6}, {"COMPUTE_SHADER", 1 << 7},
	{"FB_NO_ATTACH", 1 << 8}, {"ROBUST_BUFFER_ACCESS", 1 << 9}, {"TGSI_FBFETCH", 1 << 10},
	{"SHADER_CLOCK", 1 << 11}, {"TEXTURE_BARRIER", 1 << 12}, {"TGSI_COMPONENTS", 1 << 13},
	{"GUEST_MAY_INIT_LOG", 1 << 14}, {"SRGB_WRITE_CONTROL", 1 << 15}, {"QBO", 1 << 16},
	{"TRANSFER", 1 << 17}, {"FBO_MIXED_COLOR_FORMATS", 1 << 18},
	{"HOST_IS_GLES", HOST_IS_GLES}, {"BIND_COMMAND_ARGS", 1 << 20},
	{"MULTI_DRAW_INDIRECT", 1 << 21}, {"INDIRECT_PARAMS", 1 << 22},
	{"TRANSFORM_FEEDBACK3", 1 << 23}, {"3D_ASTC", 1 << 24},
	{"INDIRECT_INPUT_ADDR", 1 << 25}, {"COPY_TRANSFER", 1 << 26}, {"CLIP_HALFZ", 1 << 27},
	{"APP_TWEAK_SUPPORT", 1 << 28}, {"BGRA_SRGB_IS_EMULATED", BGRA_SRGB_IS_EMULATED},
	{"CLEAR_TEXTURE", 1 << 30}, {"ARB_BUFFER_STORAGE", 1u << 31}, {NULL, 0}};

/* VIRGL_CAP_V2_* */
#define VIDEO_MEMORY     (1u << 2) /* max_video_memory is known, as only with GLX */
#define DIFFERENT_GPU    (1u << 5)
#define SCANOUT_USES_GBM (1u << 8)
NAMES capability_bits_v2[] = {{"BLEND_EQUATION", 1 << 0}, {"UNTYPED_RESOURCE", 1 << 1},
	{"VIDEO_MEMORY", VIDEO_MEMORY}, {"MEMINFO", 1 << 3}, {"STRING_MARKER", 1 << 4},
	{"DIFFERENT_GPU", DIFFERENT_GPU}, {"IMPLICIT_MSAA", 1 << 6},
	{"COPY_TRANSFER_BOTH_DIRECTIONS", 1 << 7}, {"SCANOUT_USES_GBM", SCANOUT_USES_GBM},
	{"SSO", 1 << 9}, {"TEXTURE_SHADOW_LOD", 1 << 10}, {"VS_VERTEX_LAYER", 1 << 11},
	{"VS_VIEWPORT_INDEX", 1 << 12}, {"PIPELINE_STATISTICS_QUERY", 1 << 13},
	{"DRAW_PARAMETERS", 1 << 14}, {"GROUP_VOTE", 1 << 15},
	{"MIRROR_CLAMP_TO_EDGE", 1 << 16}, {"MIRROR_CLAMP", 1 << 17}, {NULL, 0}};

/* Bits that say how the host is made, not what it can. */
static uint32_t facts_in(const struct vgt_field *field)
{
	return field->names == capability_bits ? HOST_IS_GLES | BGRA_SRGB_IS_EMULATED
	       : field->names == capability_bits_v2
		       ? VIDEO_MEMORY | DIFFERENT_GPU | SCANOUT_USES_GBM
		       : 0;
}

#define V1 \
	VGT_ONCE(MORE("max_version"), FORMATS("sampler"), FORMATS("render"), \
		FORMATS("depthstencil"), FORMATS("vertexbuffer"), BIT("indep_blend_enable"), \
		BIT("indep_blend_func"), BIT("cube_map_array"), BIT("shader_stencil_export"), \
		BIT("conditional_render"), BIT("start_instance"), BIT("primitive_restart"), \
		BIT("blend_eq_sep"), BIT("instanceid"), \
		BIT("vertex_element_instance_divisor"), BIT("seamless_cube_map"), \
		BIT("occlusion_query"), BIT("timer_query"), BIT("streamout_pause_resume"), \
		BIT("texture_multisample"), BIT("fragment_coord_conventions"), \
		BIT("depth_clip_disable"), BIT("seamless_cube_map_per_texture"), BIT("ubo"), \
		BIT("color_clamping"), BIT("poly_stipple"), BIT("mirror_clamp"), \
		BIT("texture_query_lod"), BIT("has_fp64"), BIT("has_tessellation_shaders"), \
		BIT("has_indirect_draw"), BIT("has_sample_shading"), BIT("has_cull"), \
		BIT("conditional_render_inverted"), BIT("derivative_control"), \
		BIT("polygon_offset_clamp"), BIT("transform_feedback_overflow_query"), \
		MORE("glsl_level"), MORE("max_texture_array_layers"), \
		MORE("max_streamout_buffers"), MORE("max_dual_source_render_targets"), \
		MORE("max_render_targets"), MORE("max_samples"), \
		FLAGS("prim_mask", primitives), MORE("max_tbo_size"), \
		MORE("max_uniform_blocks"), MORE("max_viewports"), \
		MORE("max_texture_gather_components"))

static const struct vgt_desc virgl = {.name = "VIRGL", .parts = VGT_PARTS(V1)};

/* Profile, entry point and format are numbers of Gallium's p_video_enums.h and p_format.h. */
#define VIDEO_CAPS \
	VGT_TIMES(32, "video_caps", FACT_("profile", UINT, 8, 1), \
		FACT_("entrypoint", UINT, 8, 1), FACT_("max_level", UINT, 8, 1), \
		FACT_("stacked_frames", UINT, 8, 1), FACT_("max_width", UINT, 16, 1), \
		FACT_("max_height", UINT, 16, 1), FACT_("prefered_format", UINT, 16, 1), \
		FACT_("max_macroblocks", UINT, 16, 1), FACT_("npot_texture", BOOL, 1, 1), \
		FACT_("supports_progressive", BOOL, 1, 1), \
		FACT_("supports_interlaced", BOOL, 1, 1), \
		FACT_("prefers_interlaced", BOOL, 1, 1), \
		FACT_("max_temporal_layers", UINT, 8, 1), VGT_PADDING(20))

static const struct vgt_desc virgl2 = {
	.name = "VIRGL2",
	.growable = true,
	.parts = VGT_PARTS(V1,
		VGT_ONCE(LESS_FLOAT("min_aliased_point_size"),
			MORE_FLOAT("max_aliased_point_size"),
			LESS_FLOAT("min_smooth_point_size"),
			MORE_FLOAT("max_smooth_point_size"),
			LESS_FLOAT("min_aliased_line_width"),
			MORE_FLOAT("max_aliased_line_width"),
			LESS_FLOAT("min_smooth_line_width"),
			MORE_FLOAT("max_smooth_line_width"), MORE_FLOAT("max_texture_lod_bias"),
			MORE("max_geom_output_vertices"),
			MORE("max_geom_total_output_components"), MORE("max_vertex_outputs"),
			MORE("max_vertex_attribs"), MORE("max_shader_patch_varyings"),
			LESS_INT("min_texel_offset"), MORE_INT("max_texel_offset"),
			LESS_INT("min_texture_gather_offset"),
			MORE_INT("max_texture_gather_offset"),
			LESS("texture_buffer_offset_alignment"),
			LESS("uniform_buffer_offset_alignment"),
			LESS("shader_buffer_offset_alignment"),
			FLAGS("capability_bits", capability_bits),
			FACT_("sample_locations", HEX, 32, 8), MORE("max_vertex_attrib_stride"),
			MORE("max_shader_buffer_frag_compute"),
			MORE("max_shader_buffer_other_stages"),
			MORE("max_shader_image_frag_compute"),
			MORE("max_shader_image_other_stages"), MORE("max_image_samples"),
			MORE("max_compute_work_group_invocations"),
			MORE("max_compute_shared_memory_size"),
			MORE_("max_compute_grid_size", UINT, 32, 3),
			MORE_("max_compute_block_size", UINT, 32, 3),
			MORE("max_texture_2d_size"), MORE("max_texture_3d_size"),
			MORE("max_texture_cube_size"), MORE("max_combined_shader_buffers"),
			MORE_EACH("max_atomic_counters"),
			MORE_EACH("max_atomic_counter_buffers"),
			MORE("max_combined_atomic_counters"),
			MORE("max_combined_atomic_counter_buffers"),
			MORE("host_feature_check_version"),
			FORMATS("supported_readback_formats"), FORMATS("scanout"),
			FLAGS("capability_bits_v2", capability_bits_v2),
			FACT("max_video_memory"), FACT_("renderer", STRING, 512, 1),
			MORE_FLOAT("max_anisotropy"), MORE("max_texture_samplers"),
			FORMATS("supported_multisample_formats"),
			MORE_EACH("max_const_buffer_size"), MORE("num_video_caps")),
		VIDEO_CAPS,
		VGT_ONCE(MORE("max_uniform_block_size"), MORE("max_tcs_outputs"),
			MORE("max_tes_outputs"), MORE_EACH("max_shader_storage_blocks"))),
};

const struct vgt_desc *virgl_caps_desc(uint32_t capset_id)
{
	switch (capset_id) {
	case VIRTIO_GPU_CAPSET_VIRGL:
		return &virgl;
	case VIRTIO_GPU_CAPSET_VIRGL2:
		return &virgl2;
	default:
		return NULL;
	}
}

/* Comparing */

static bool has_bit(const struct vgt_value *value, uint32_t bit)
{
	if (!value) {
		return false;
	}
	const uint8_t *bytes = value->bytes;
	return bytes ? bytes[bit / 8] >> bit % 8 & 1 : value->number >> bit & 1;
}

static const struct vgt_field *field_of(const struct virgl_caps_difference *difference)
{
	return difference->first ? difference->first->field : difference->second->field;
}

static bool is_mask(const struct vgt_field *field)
{
	return field->type == VGT_FIELD_FORMAT_MASK || field->type == VGT_FIELD_FLAGS ||
	       field->type == VGT_FIELD_BOOL;
}

bool virgl_caps_lacks(const struct virgl_caps_difference *difference, uint32_t bit)
{
	const struct vgt_field *field = field_of(difference);
	return is_mask(field) && field->better && bit < field->bits &&
	       !(bit < 32 && facts_in(field) >> bit & 1) && has_bit(difference->first, bit) &&
	       !has_bit(difference->second, bit);
}

static bool equal(const struct vgt_value *a, const struct vgt_value *b)
{
	static const uint8_t zeros[64];
	const struct vgt_value *either = a ? a : b;
	if (!either->bytes) {
		return (a ? a->number : 0) == (b ? b->number : 0);
	}
	const void *bytes_a = a ? a->bytes : zeros;
	const void *bytes_b = b ? b->bytes : zeros;
	assert(either->size <= sizeof(zeros));
	return either->field->type == VGT_FIELD_STRING
		       ? strncmp(bytes_a, bytes_b, either->size) == 0
		       : memcmp(bytes_a, bytes_b, either->size) == 0;
}

static double to_double(const struct vgt_value *value)
{
	uint32_t bits = value ? (uint32_t)value->number : 0;
	float number;
	switch (value ? value->field->type : VGT_FIELD_UINT) {
	case VGT_FIELD_FLOAT:
		memcpy(&number, &bits, sizeof(number));
		return (double)number;
	case VGT_FIELD_INT:
		return (int32_t)bits;
	default:
		return bits;
	}
}

static enum virgl_caps_verdict judge_mask(const struct virgl_caps_difference *difference)
{
	const struct virgl_caps_difference back = {
		.first = difference->second, .second = difference->first};
	enum virgl_caps_verdict verdict = VIRGL_CAPS_OTHER;
	for (uint32_t bit = 0; bit < field_of(difference)->bits; bit++) {
		if (virgl_caps_lacks(difference, bit)) {
			return VIRGL_CAPS_WORSE;
		}
		if (virgl_caps_lacks(&back, bit)) {
			verdict = VIRGL_CAPS_BETTER;
		}
	}
	return verdict;
}

static enum virgl_caps_verdict judge(const struct virgl_caps_difference *difference)
{
	const struct vgt_field *field = field_of(difference);
	bool both = difference->first && difference->second;
	if (is_mask(field)) {
		return judge_mask(difference);
	}
	/* a missing minimum is not the best one */
	if (!field->better || (field->better == VGT_BETTER_LESS && !both)) {
		return VIRGL_CAPS_OTHER;
	}
	double gain = to_double(difference->second) - to_double(difference->first);
	if (field->better == VGT_BETTER_LESS) {
		gain = -gain;
	}
	return gain > 0 ? VIRGL_CAPS_BETTER : gain < 0 ? VIRGL_CAPS_WORSE : VIRGL_CAPS_OTHER;
}

void virgl_caps_compare(const struct vgt_layout *first, const struct vgt_layout *second,
	void (*found)(const struct virgl_caps_difference *difference, void *context),
	void *context)
{
	struct vgt_walk walk_first, walk_second;
	struct vgt_value a, b;
	assert(first->desc == second->desc);
	vgt_walk_begin(&walk_first, first);
	vgt_walk_begin(&walk_second, second);
	bool more_first = true, more_second = true;
	for (;;) {
		more_first = more_first && vgt_walk_next(&walk_first, &a);
		more_second = more_second && vgt_walk_next(&walk_second, &b);
		if (!more_first && !more_second) {
			return;
		}
		struct virgl_caps_difference difference = {
			.first = more_first ? &a : NULL,
			.second = more_second ? &b : NULL,
		};
		if (field_of(&difference)->type != VGT_FIELD_PAD &&
			!equal(difference.first, difference.second)) {
			difference.verdict = judge(&difference);
			found(&difference, context);
		}
	}
}

/* Masking */

static void mask_bytes(uint32_t *dwords, const struct vgt_value *value, const void *weaker)
{
	uint8_t *bytes = (uint8_t *)(dwords + value->dword);
	const uint8_t *other = weaker;
	for (uint32_t i = 0; i < value->size; i++) {
		bytes[i] &= other[i];
	}
}

static void mask_value(uint32_t *dwords, const struct virgl_caps_difference *difference)
{
	const struct vgt_field *field = difference->first->field;
	if (!field->better || judge(difference) != VIRGL_CAPS_WORSE) {
		return;
	}
	if (difference->first->bytes) {
		mask_bytes(dwords, difference->first, difference->second->bytes);
		return;
	}
	uint64_t number = difference->second->number;
	if (is_mask(field)) {
		number = difference->first->number & (number | facts_in(field));
	}
	vgt_value_store(difference->first, dwords, number);
}

size_t virgl_caps_mask(
	uint32_t id, void *caps, size_t size, const void *weaker, size_t weaker_size)
{
	struct vgt_layout first, second;
	struct vgt_walk walk_first, walk_second;
	struct vgt_value a, b;
	size_t end = 0;
	const struct vgt_desc *desc = virgl_caps_desc(id);
	if (desc && vgt_desc_measure(desc, caps, size, &first, NULL) &&
		vgt_desc_measure(desc, weaker, weaker_size, &second, NULL)) {
		vgt_walk_begin(&walk_first, &first);
		vgt_walk_begin(&walk_second, &second);
		while (vgt_walk_next(&walk_first, &a) && vgt_walk_next(&walk_second, &b)) {
			mask_value(caps,
				&(struct virgl_caps_difference){.first = &a, .second = &b});
			end = (a.dword + (a.bit + a.field->bits + 31) / 32) * sizeof(uint32_t);
		}
	}
	memset((uint8_t *)caps + end, 0, size - end);
	return end;
}
