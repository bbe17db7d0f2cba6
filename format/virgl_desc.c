/* SPDX-License-Identifier: MIT */
#include "virgl_desc.h"

/* clang-format off */
/* Fields, by type. A width of 32 is not written. */
#define UINT_(label, width) \
	{.name = (label), .type = VGT_FIELD_UINT, .bits = (width)}
#define UINT(label) UINT_(label, 32)
#define BELOW(label, limit) \
	{.name = (label), .type = VGT_FIELD_UINT, .bits = 32, .below = (limit)}
#define SLOT(limit) \
	{.name = "start_slot", .type = VGT_FIELD_SLOT, .bits = 32, .below = (limit)}
#define INT(label) \
	{.name = (label), .type = VGT_FIELD_INT, .bits = 32}
#define HEX_(label, width) \
	{.name = (label), .type = VGT_FIELD_HEX, .bits = (width)}
#define HEX(label) HEX_(label, 32)
#define BOOL_(label, width) \
	{.name = (label), .type = VGT_FIELD_BOOL, .bits = (width)}
#define BOOL(label)  BOOL_(label, 32)
#define BIT(label)   BOOL_(label, 1)
#define FLOAT(label) FLOATS(label, 1)
#define FLOATS(label, n) \
	{.name = (label), .type = VGT_FIELD_FLOAT, .bits = 32, .count = (n)}
#define DOUBLE(label) \
	{.name = (label), .type = VGT_FIELD_DOUBLE, .bits = 64}
#define WORDS(label, n) \
	{.name = (label), .type = VGT_FIELD_WORD, .bits = 32, .count = (n)}
#define FORMAT_(label, width) \
	{.name = (label), .type = VGT_FIELD_FORMAT, .bits = (width)}
#define FORMAT FORMAT_("format", 32)
#define ENUM_(label, width, list) \
	{.name = (label), .type = VGT_FIELD_ENUM, .bits = (width), .names = (list)}
#define ENUM(label, list) ENUM_(label, 32, list)
#define CHOICE_(label, width, list) \
	{.name = (label), .type = VGT_FIELD_ENUM, .bits = (width), .names = (list), .strict = true}
#define CHOICE(label, list) CHOICE_(label, 32, list)
#define FLAGS_(label, width, list) \
	{.name = (label), .type = VGT_FIELD_FLAGS, .bits = (width), .names = (list)}
#define FLAGS(label, list) FLAGS_(label, 32, list)
#define PAD(width)         VGT_PADDING(width)
#define BYTES(label) \
	{.name = (label), .type = VGT_FIELD_BYTES}
#define DATA_WORDS(label) \
	{.name = (label), .type = VGT_FIELD_WORDS}
#define STRING(label) \
	{.name = (label), .type = VGT_FIELD_STRING}

/* Handles: kind and use. */
#define HANDLE(label, what, how) \
	{.name = (label), .type = VGT_FIELD_HANDLE, .bits = 32, \
		.handle = VGT_HANDLE_##what, .use = (how)}
#define DEFINE(what)              HANDLE("handle", what, VGT_USE_DEFINE)
#define READ(label, what)         HANDLE(label, what, VGT_USE_READ)
#define READ_OR_NONE(label, what) HANDLE(label, what, VGT_USE_READ | VGT_USE_OR_NONE)
#define WRITE(label, what)        HANDLE(label, what, VGT_USE_WRITE)
#define ACCESS(label, what)       HANDLE(label, what, VGT_USE_READ | VGT_USE_WRITE)
#define ACCESS_OR_NONE(label, what) \
	HANDLE(label, what, VGT_USE_READ | VGT_USE_WRITE | VGT_USE_OR_NONE)
#define DESTROY(what) HANDLE("handle", what, VGT_USE_DESTROY)
/* clang-format on */

#define NAMES static const struct vgt_name

/* p_defines.h, without its prefixes */

NAMES blend_factors[] = {{"ONE", 1}, {"SRC_COLOR", 2}, {"SRC_ALPHA", 3}, {"DST_ALPHA", 4},
	{"DST_COLOR", 5}, {"SRC_ALPHA_SATURATE", 6}, {"CONST_COLOR", 7}, {"CONST_ALPHA", 8},
	{"SRC1_COLOR", 9}, {"SRC1_ALPHA", 10}, {"ZERO", 0x11}, {"INV_SRC_COLOR", 0x12},
	{"INV_SRC_ALPHA", 0x13}, {"INV_DST_ALPHA", 0x14}, {"INV_DST_COLOR", 0x15},
	{"INV_CONST_COLOR", 0x17}, {"INV_CONST_ALPHA", 0x18}, {"INV_SRC1_COLOR", 0x19},
	{"INV_SRC1_ALPHA", 0x1a}, {NULL, 0}};
NAMES blend_functions[] = {{"ADD", 0}, {"SUBTRACT", 1}, {"REVERSE_SUBTRACT", 2}, {"MIN", 3},
	{"MAX", 4}, {NULL, 0}};
NAMES logic_operations[] = {{"CLEAR", 0}, {"NOR", 1}, {"AND_INVERTED", 2}, {"COPY_INVERTED", 3},
	{"AND_REVERSE", 4}, {"INVERT", 5}, {"XOR", 6}, {"NAND", 7}, {"AND", 8}, {"EQUIV", 9},
	{"NOOP", 10}, {"OR_INVERTED", 11}, {"COPY", 12}, {"OR_REVERSE", 13}, {"OR", 14},
	{"SET", 15}, {NULL, 0}};
NAMES color_mask[] = {{"R", 1}, {"G", 2}, {"B", 4}, {"A", 8}, {NULL, 0}};
NAMES blit_mask[] = {
	{"R", 1}, {"G", 2}, {"B", 4}, {"A", 8}, {"Z", 0x10}, {"S", 0x20}, {NULL, 0}};
NAMES compare_functions[] = {{"NEVER", 0}, {"LESS", 1}, {"EQUAL", 2}, {"LEQUAL", 3},
	{"GREATER", 4}, {"NOTEQUAL", 5}, {"GEQUAL", 6}, {"ALWAYS", 7}, {NULL, 0}};
NAMES stencil_operations[] = {{"KEEP", 0}, {"ZERO", 1}, {"REPLACE", 2}, {"INCR", 3},
	{"DECR", 4}, {"INCR_WRAP", 5}, {"DECR_WRAP", 6}, {"INVERT", 7}, {NULL, 0}};
NAMES polygon_modes[] = {
	{"FILL", 0}, {"LINE", 1}, {"POINT", 2}, {"FILL_RECTANGLE", 3}, {NULL, 0}};
NAMES faces[] = {{"NONE", 0}, {"FRONT", 1}, {"BACK", 2}, {"FRONT_AND_BACK", 3}, {NULL, 0}};
NAMES sprite_coord_modes[] = {{"UPPER_LEFT", 0}, {"LOWER_LEFT", 1}, {NULL, 0}};
NAMES texture_wraps[] = {{"REPEAT", 0}, {"CLAMP", 1}, {"CLAMP_TO_EDGE", 2},
	{"CLAMP_TO_BORDER", 3}, {"MIRROR_REPEAT", 4}, {"MIRROR_CLAMP", 5},
	{"MIRROR_CLAMP_TO_EDGE", 6}, {"MIRROR_CLAMP_TO_BORDER", 7}, {NULL, 0}};
NAMES image_filters[] = {{"NEAREST", 0}, {"LINEAR", 1}, {NULL, 0}};
NAMES mip_filters[] = {{"NEAREST", 0}, {"LINEAR", 1}, {"NONE", 2}, {NULL, 0}};
NAMES compare_modes[] = {{"NONE", 0}, {"R_TO_TEXTURE", 1}, {NULL, 0}};
NAMES swizzles[] = {{"X", 0}, {"Y", 1}, {"Z", 2}, {"W", 3}, {"0", 4}, {"1", 5}, {NULL, 0}};
NAMES primitives[] = {{"POINTS", 0}, {"LINES", 1}, {"LINE_LOOP", 2}, {"LINE_STRIP", 3},
	{"TRIANGLES", 4}, {"TRIANGLE_STRIP", 5}, {"TRIANGLE_FAN", 6}, {"QUADS", 7},
	{"QUAD_STRIP", 8}, {"POLYGON", 9}, {"LINES_ADJACENCY", 10},
	{"LINE_STRIP_ADJACENCY", 11}, {"TRIANGLES_ADJACENCY", 12},
	{"TRIANGLE_STRIP_ADJACENCY", 13}, {"PATCHES", 14}, {NULL, 0}};
NAMES query_types[] = {{"OCCLUSION_COUNTER", 0}, {"OCCLUSION_PREDICATE", 1}, {"TIMESTAMP", 2},
	{"TIMESTAMP_DISJOINT", 3}, {"TIME_ELAPSED", 4}, {"PRIMITIVES_GENERATED", 5},
	{"PRIMITIVES_EMITTED", 6}, {"SO_STATISTICS", 7}, {"SO_OVERFLOW_PREDICATE", 8},
	{"GPU_FINISHED", 9}, {"PIPELINE_STATISTICS", 10},
	{"OCCLUSION_PREDICATE_CONSERVATIVE", 11}, {"SO_OVERFLOW_ANY_PREDICATE", 12}, {NULL, 0}};
NAMES render_condition_modes[] = {{"WAIT", 0}, {"NO_WAIT", 1}, {"BY_REGION_WAIT", 2},
	{"BY_REGION_NO_WAIT", 3}, {NULL, 0}};
NAMES clear_buffers[] = {{"DEPTH", 1 << 0}, {"STENCIL", 1 << 1}, {"COLOR0", 1 << 2},
	{"COLOR1", 1 << 3}, {"COLOR2", 1 << 4}, {"COLOR3", 1 << 5}, {"COLOR4", 1 << 6},
	{"COLOR5", 1 << 7}, {"COLOR6", 1 << 8}, {"COLOR7", 1 << 9}, {NULL, 0}};
NAMES clear_surface_buffers[] = {
	{"DEPTH", 1 << 0}, {"STENCIL", 1 << 1}, {"COLOR0", 1 << 2}, {NULL, 0}};
NAMES memory_barriers[] = {{"MAPPED_BUFFER", 1 << 0}, {"SHADER_BUFFER", 1 << 1},
	{"QUERY_BUFFER", 1 << 2}, {"VERTEX_BUFFER", 1 << 3}, {"INDEX_BUFFER", 1 << 4},
	{"CONSTANT_BUFFER", 1 << 5}, {"INDIRECT_BUFFER", 1 << 6}, {"TEXTURE", 1 << 7},
	{"IMAGE", 1 << 8}, {"FRAMEBUFFER", 1 << 9}, {"STREAMOUT_BUFFER", 1 << 10},
	{"GLOBAL_BUFFER", 1 << 11}, {"UPDATE_BUFFER", 1 << 12}, {"UPDATE_TEXTURE", 1 << 13},
	{NULL, 0}};
NAMES texture_barriers[] = {{"SAMPLER", 1 << 0}, {"FRAMEBUFFER", 1 << 1}, {NULL, 0}};
NAMES image_access[] = {{"READ", 1 << 0}, {"WRITE", 1 << 1}, {NULL, 0}};
NAMES chroma_formats[] = {{"400", 0}, {"420", 1}, {"422", 2}, {"444", 3}, {NULL, 0}};
NAMES video_entrypoints[] = {{"UNKNOWN", 0}, {"BITSTREAM", 1}, {"IDCT", 2}, {"MC", 3},
	{"ENCODE", 4}, {"PROCESSING", 5}, {NULL, 0}};
const struct vgt_name virgl_texture_targets[] = {{"BUFFER", PIPE_BUFFER},
	{"1D", PIPE_TEXTURE_1D}, {"2D", PIPE_TEXTURE_2D}, {"3D", PIPE_TEXTURE_3D},
	{"CUBE", PIPE_TEXTURE_CUBE}, {"RECT", PIPE_TEXTURE_RECT},
	{"1D_ARRAY", PIPE_TEXTURE_1D_ARRAY}, {"2D_ARRAY", PIPE_TEXTURE_2D_ARRAY},
	{"CUBE_ARRAY", PIPE_TEXTURE_CUBE_ARRAY}, {NULL, 0}};
const struct vgt_name virgl_shader_stages[] = {{"VERTEX", PIPE_SHADER_VERTEX},
	{"FRAGMENT", PIPE_SHADER_FRAGMENT}, {"GEOMETRY", PIPE_SHADER_GEOMETRY},
	{"TESS_CTRL", PIPE_SHADER_TESS_CTRL}, {"TESS_EVAL", PIPE_SHADER_TESS_EVAL},
	{"COMPUTE", PIPE_SHADER_COMPUTE}, {NULL, 0}};

/* virgl_hw.h and virgl_protocol.h */

const struct vgt_name virgl_bind_flags[] = {{"DEPTH_STENCIL", VIRGL_BIND_DEPTH_STENCIL},
	{"RENDER_TARGET", VIRGL_BIND_RENDER_TARGET}, {"SAMPLER_VIEW", VIRGL_BIND_SAMPLER_VIEW},
	{"VERTEX_BUFFER", VIRGL_BIND_VERTEX_BUFFER}, {"INDEX_BUFFER", VIRGL_BIND_INDEX_BUFFER},
	{"CONSTANT_BUFFER", VIRGL_BIND_CONSTANT_BUFFER},
	{"DISPLAY_TARGET", VIRGL_BIND_DISPLAY_TARGET},
	{"COMMAND_ARGS", VIRGL_BIND_COMMAND_ARGS}, {"STREAM_OUTPUT", VIRGL_BIND_STREAM_OUTPUT},
	{"SHADER_BUFFER", VIRGL_BIND_SHADER_BUFFER}, {"QUERY_BUFFER", VIRGL_BIND_QUERY_BUFFER},
	{"CURSOR", VIRGL_BIND_CURSOR}, {"CUSTOM", VIRGL_BIND_CUSTOM},
	{"SCANOUT", VIRGL_BIND_SCANOUT}, {"STAGING", VIRGL_BIND_STAGING},
	{"SHARED", VIRGL_BIND_SHARED}, {"PREFER_EMULATED_BGRA", 1 << 21},
	{"LINEAR", VIRGL_BIND_LINEAR}, {"MINIGBM_CAMERA_WRITE", 1 << 24},
	{"MINIGBM_CAMERA_READ", 1 << 25}, {"MINIGBM_HW_VIDEO_DECODER", 1 << 26},
	{"MINIGBM_HW_VIDEO_ENCODER", 1 << 27}, {"MINIGBM_SW_READ_OFTEN", 1 << 28},
	{"MINIGBM_SW_READ_RARELY", 1 << 29}, {"MINIGBM_SW_WRITE_OFTEN", 1 << 30},
	{"MINIGBM_SW_WRITE_RARELY", 1u << 31}, {NULL, 0}};
const struct vgt_name virgl_resource_flags[] = {
	{"Y_0_TOP", 1 << 0}, {"MAP_PERSISTENT", 1 << 1}, {"MAP_COHERENT", 1 << 2}, {NULL, 0}};
NAMES transfer_directions[] = {{"TO_HOST", VIRGL_TRANSFER_TO_HOST},
	{"FROM_HOST", VIRGL_TRANSFER_FROM_HOST}, {NULL, 0}};
NAMES copy_transfer_flags[] = {{"SYNCHRONIZED", 1 << 0},
	{"READ_FROM_HOST", VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST}, {NULL, 0}};
NAMES tweaks[] = {{"gles_brga_emulate", 0}, {"gles_brga_apply_dest_swizzle", 1},
	{"gles_tf3_samples_passes_multiplier", 2}, {NULL, 0}};
NAMES query_result_types[] = {
	{"I32", 0}, {"U32", 1}, {"I64", 2}, {"U64", 3}, {NULL, 0}}; /* pipe_query_value_type */

/* Rows of fields that several commands share */

#define BOX(prefix) \
	INT(prefix "x"), INT(prefix "y"), INT(prefix "z"), INT(prefix "w"), INT(prefix "h"), \
		INT(prefix "d")
/* RESOURCE_INLINE_WRITE, TRANSFER3D and COPY_TRANSFER3D begin alike. The renderer does not read
 * `usage`: PIPE_MAP_* or, before Mesa 20.3, PIPE_TRANSFER_*, which are other bits. */
#define TRANSFER(resource) \
	resource, UINT("level"), HEX("usage"), UINT("stride"), UINT("layer_stride"), BOX("")
#define SURFACE_FIELDS \
	DEFINE(SURFACE), READ("res_handle", RESOURCE), FORMAT, UINT("level_or_first_element"), \
		HEX("layers_or_last_element")
#define STENCIL_FACE \
	BIT("enabled"), ENUM_("func", 3, compare_functions), \
		ENUM_("fail_op", 3, stencil_operations), \
		ENUM_("zpass_op", 3, stencil_operations), \
		ENUM_("zfail_op", 3, stencil_operations), HEX_("valuemask", 8), \
		HEX_("writemask", 8), PAD(3)
#define SHADER_FIELDS \
	DEFINE(SHADER), CHOICE("type", virgl_shader_stages), UINT_("offset", 31), \
		BIT("continued"), UINT("num_tokens")
#define STAGE CHOICE("shader_type", virgl_shader_stages)
#define TEXT  VGT_DATA(0, STRING("text"))

#define COMMAND(label, ...) \
	{ \
		.name = (label), .parts = VGT_PARTS(__VA_ARGS__), .first = 1 \
	}

static const struct vgt_desc create[] = {
	[VIRGL_OBJECT_BLEND] = COMMAND("CREATE_OBJECT BLEND",
		VGT_ONCE(DEFINE(BLEND), BIT("independent_blend_enable"), BIT("logicop_enable"),
			BIT("dither"), BIT("alpha_to_coverage"), BIT("alpha_to_one"), PAD(27),
			ENUM_("logicop_func", 4, logic_operations), PAD(28)),
		VGT_TIMES(8, "rt", BIT("blend_enable"), ENUM_("rgb_func", 3, blend_functions),
			ENUM_("rgb_src_factor", 5, blend_factors),
			ENUM_("rgb_dst_factor", 5, blend_factors),
			ENUM_("alpha_func", 3, blend_functions),
			ENUM_("alpha_src_factor", 5, blend_factors),
			ENUM_("alpha_dst_factor", 5, blend_factors),
			FLAGS_("colormask", 4, color_mask), PAD(1))),
	[VIRGL_OBJECT_RASTERIZER] = COMMAND("CREATE_OBJECT RASTERIZER",
		VGT_ONCE(DEFINE(RASTERIZER), BIT("flatshade"), BIT("depth_clip"),
			BIT("clip_halfz"), BIT("rasterizer_discard"), BIT("flatshade_first"),
			BIT("light_twoside"), ENUM_("sprite_coord_mode", 1, sprite_coord_modes),
			BIT("point_quad_rasterization"), ENUM_("cull_face", 2, faces),
			ENUM_("fill_front", 2, polygon_modes),
			ENUM_("fill_back", 2, polygon_modes), BIT("scissor"), BIT("front_ccw"),
			BIT("clamp_vertex_color"), BIT("clamp_fragment_color"),
			BIT("offset_line"), BIT("offset_point"), BIT("offset_tri"),
			BIT("poly_smooth"), BIT("poly_stipple_enable"), BIT("point_smooth"),
			BIT("point_size_per_vertex"), BIT("multisample"), BIT("line_smooth"),
			BIT("line_stipple_enable"), BIT("line_last_pixel"),
			BIT("half_pixel_center"), BIT("bottom_edge_rule"),
			BIT("force_persample_interp"), FLOAT("point_size"),
			HEX("sprite_coord_enable"), HEX_("line_stipple_pattern", 16),
			UINT_("line_stipple_factor", 8), HEX_("clip_plane_enable", 8),
			FLOAT("line_width"), FLOAT("offset_units"), FLOAT("offset_scale"),
			FLOAT("offset_clamp"))),
	[VIRGL_OBJECT_DSA] = COMMAND("CREATE_OBJECT DSA",
		VGT_ONCE(DEFINE(DSA), BIT("depth_enabled"), BIT("depth_writemask"),
			ENUM_("depth_func", 3, compare_functions), PAD(3), BIT("alpha_enabled"),
			ENUM_("alpha_func", 3, compare_functions), PAD(20)),
		VGT_TIMES(2, "stencil", STENCIL_FACE), VGT_ONCE(FLOAT("alpha_ref"))),
	[VIRGL_OBJECT_SHADER] =
		COMMAND("CREATE_OBJECT SHADER", VGT_ONCE(SHADER_FIELDS, UINT("so_num_outputs")),
			VGT_IF(5, {.name = "so_stride", .bits = 32, .count = 4}),
			VGT_COUNTED(5, 64, "so_output", UINT_("register_index", 8),
				UINT_("start_component", 2), UINT_("num_components", 3),
				UINT_("output_buffer", 3), UINT_("dst_offset", 16),
				UINT_("stream", 2), PAD(30)),
			TEXT),
	[VIRGL_OBJECT_VERTEX_ELEMENTS] =
		COMMAND("CREATE_OBJECT VERTEX_ELEMENTS", VGT_ONCE(DEFINE(VERTEX_ELEMENTS)),
			VGT_REST(0, 32, "element", UINT("src_offset"), UINT("instance_divisor"),
				BELOW("vertex_buffer_index", 32), FORMAT_("src_format", 32))),
	/* the target counts since VIRGL_CAP_TEXTURE_VIEW, and was 0 before */
	[VIRGL_OBJECT_SAMPLER_VIEW] = COMMAND("CREATE_OBJECT SAMPLER_VIEW",
		VGT_ONCE(DEFINE(SAMPLER_VIEW), READ("res_handle", RESOURCE),
			FORMAT_("format", 24), ENUM_("target", 8, virgl_texture_targets),
			HEX("layers_or_first_element"), HEX("levels_or_last_element"),
			ENUM_("swizzle_r", 3, swizzles), ENUM_("swizzle_g", 3, swizzles),
			ENUM_("swizzle_b", 3, swizzles), ENUM_("swizzle_a", 3, swizzles),
			PAD(20))),
	[VIRGL_OBJECT_SAMPLER_STATE] = COMMAND("CREATE_OBJECT SAMPLER_STATE",
		VGT_ONCE(DEFINE(SAMPLER_STATE), ENUM_("wrap_s", 3, texture_wraps),
			ENUM_("wrap_t", 3, texture_wraps), ENUM_("wrap_r", 3, texture_wraps),
			ENUM_("min_img_filter", 2, image_filters),
			CHOICE_("min_mip_filter", 2, mip_filters),
			ENUM_("mag_img_filter", 2, image_filters),
			ENUM_("compare_mode", 1, compare_modes),
			ENUM_("compare_func", 3, compare_functions), BIT("seamless_cube_map"),
			UINT_("max_anisotropy", 6), PAD(6), FLOAT("lod_bias"), FLOAT("min_lod"),
			FLOAT("max_lod"), WORDS("border_color", 4))),
	[VIRGL_OBJECT_SURFACE] = COMMAND("CREATE_OBJECT SURFACE", VGT_ONCE(SURFACE_FIELDS)),
	[VIRGL_OBJECT_QUERY] = COMMAND("CREATE_OBJECT QUERY",
		VGT_ONCE(DEFINE(QUERY), ENUM_("type", 16, query_types), UINT_("index", 16),
			UINT("offset"), WRITE("res_handle", RESOURCE))),
	[VIRGL_OBJECT_STREAMOUT_TARGET] = COMMAND("CREATE_OBJECT STREAMOUT_TARGET",
		VGT_ONCE(DEFINE(STREAMOUT_TARGET), WRITE("res_handle", RESOURCE),
			UINT("buffer_offset"), UINT("buffer_size"))),
	[VIRGL_OBJECT_MSAA_SURFACE] = COMMAND(
		"CREATE_OBJECT MSAA_SURFACE", VGT_ONCE(SURFACE_FIELDS, UINT("sample_count"))),
};

static const struct vgt_desc create_compute_shader =
	COMMAND("CREATE_OBJECT SHADER", VGT_ONCE(SHADER_FIELDS, UINT("req_local_mem")), TEXT);

#define BIND(what) \
	[VIRGL_OBJECT_##what] = \
		COMMAND("BIND_OBJECT " #what, VGT_ONCE(READ_OR_NONE("handle", what)))
static const struct vgt_desc bind[] = {
	BIND(BLEND),
	BIND(RASTERIZER),
	BIND(DSA),
	BIND(VERTEX_ELEMENTS),
};

#define CCMD(label, ...) [VIRGL_CCMD_##label] = COMMAND(#label, __VA_ARGS__)
static const struct vgt_desc commands[] = {
	CCMD(NOP, VGT_IGNORED),
	CCMD(DESTROY_OBJECT, VGT_ONCE(DESTROY(OBJECT))),
	CCMD(SET_VIEWPORT_STATE, VGT_ONCE(SLOT(17)),
		VGT_REST(0, 16, "viewport", FLOATS("scale", 3), FLOATS("translate", 3))),
	CCMD(SET_FRAMEBUFFER_STATE, VGT_ONCE(UINT("nr_cbufs"), READ_OR_NONE("zsurf", SURFACE)),
		VGT_COUNTED(1, 8, "cbuf", READ_OR_NONE("cbuf", SURFACE))),
	CCMD(SET_VERTEX_BUFFERS, VGT_REST(0, 32, "vertex_buffer", UINT("stride"),
					 UINT("offset"), READ_OR_NONE("res_handle", RESOURCE))),
	CCMD(CLEAR, VGT_ONCE(FLAGS("buffers", clear_buffers), WORDS("color", 4),
			    DOUBLE("depth"), UINT("stencil"))),
	CCMD(DRAW_VBO,
		VGT_ONCE(UINT("start"), UINT("count"), CHOICE("mode", primitives),
			BOOL("indexed"), UINT("instance_count"), INT("index_bias"),
			UINT("start_instance"), BOOL("primitive_restart"), HEX("restart_index"),
			UINT("min_index"), HEX("max_index"), UINT("count_from_so")),
		VGT_OPTIONAL(UINT("vertices_per_patch"), UINT("drawid")),
		VGT_OPTIONAL(READ_OR_NONE("indirect", RESOURCE), UINT("indirect_offset"),
			UINT("indirect_stride"), UINT("indirect_draw_count"),
			UINT("indirect_draw_count_offset"),
			READ_OR_NONE("indirect_draw_count_handle", RESOURCE))),
	CCMD(RESOURCE_INLINE_WRITE, VGT_ONCE(TRANSFER(WRITE("res_handle", RESOURCE))),
		VGT_DATA(1, BYTES("data"))),
	CCMD(SET_SAMPLER_VIEWS, VGT_ONCE(STAGE, SLOT(129)),
		VGT_REST(0, 128, "view", READ_OR_NONE("view", SAMPLER_VIEW))),
	CCMD(SET_INDEX_BUFFER, VGT_ONCE(READ_OR_NONE("res_handle", RESOURCE)),
		VGT_OPTIONAL(UINT("index_size"), UINT("offset"))),
	CCMD(SET_CONSTANT_BUFFER, VGT_ONCE(STAGE, UINT("index")),
		VGT_DATA(0, DATA_WORDS("data"))),
	CCMD(SET_STENCIL_REF, VGT_ONCE(UINT_("front", 8), UINT_("back", 8), PAD(16))),
	CCMD(SET_BLEND_COLOR, VGT_ONCE(FLOATS("color", 4))),
	CCMD(SET_SCISSOR_STATE, VGT_ONCE(SLOT(16)),
		VGT_REST(0, 16, "scissor", UINT_("minx", 16), UINT_("miny", 16),
			UINT_("maxx", 16), UINT_("maxy", 16))),
	CCMD(BLIT, VGT_ONCE(FLAGS_("mask", 8, blit_mask), ENUM_("filter", 2, image_filters),
			   BIT("scissor_enable"), BIT("render_condition_enable"),
			   BIT("alpha_blend"), PAD(19), UINT_("scissor_minx", 16),
			   UINT_("scissor_miny", 16), UINT_("scissor_maxx", 16),
			   UINT_("scissor_maxy", 16), WRITE("dst_res_handle", RESOURCE),
			   UINT("dst_level"), FORMAT_("dst_format", 32), BOX("dst_"),
			   READ("src_res_handle", RESOURCE), UINT("src_level"),
			   FORMAT_("src_format", 32), BOX("src_"))),
	CCMD(RESOURCE_COPY_REGION,
		VGT_ONCE(WRITE("dst_res_handle", RESOURCE), UINT("dst_level"), UINT("dst_x"),
			UINT("dst_y"), UINT("dst_z"), READ("src_res_handle", RESOURCE),
			UINT("src_level"), BOX("src_"))),
	CCMD(BIND_SAMPLER_STATES, VGT_ONCE(STAGE, SLOT(33)),
		VGT_REST(0, 32, "state", READ_OR_NONE("state", SAMPLER_STATE))),
	CCMD(BEGIN_QUERY, VGT_ONCE(READ("handle", QUERY))),
	CCMD(END_QUERY, VGT_ONCE(READ("handle", QUERY))),
	CCMD(GET_QUERY_RESULT, VGT_ONCE(READ("handle", QUERY), BOOL("wait"))),
	CCMD(SET_POLYGON_STIPPLE, VGT_TIMES(32, "row", HEX("pattern"))),
	CCMD(SET_CLIP_STATE, VGT_TIMES(8, "plane", FLOATS("ucp", 4))),
	CCMD(SET_SAMPLE_MASK, VGT_ONCE(HEX("mask"))),
	CCMD(SET_STREAMOUT_TARGETS, VGT_ONCE(HEX("append_bitmask")),
		VGT_REST(0, 16, "target", READ_OR_NONE("target", STREAMOUT_TARGET))),
	CCMD(SET_RENDER_CONDITION, VGT_ONCE(READ_OR_NONE("handle", QUERY), BOOL("condition"),
					   ENUM("mode", render_condition_modes))),
	CCMD(SET_UNIFORM_BUFFER, VGT_ONCE(STAGE, BELOW("index", 32), UINT("offset"),
					 UINT("length"), READ_OR_NONE("res_handle", RESOURCE))),
	CCMD(SET_SUB_CTX, VGT_ONCE(READ("sub_ctx", SUB_CONTEXT))),
	CCMD(CREATE_SUB_CTX, VGT_ONCE(HANDLE("sub_ctx", SUB_CONTEXT, VGT_USE_DEFINE))),
	CCMD(DESTROY_SUB_CTX, VGT_ONCE(HANDLE("sub_ctx", SUB_CONTEXT, VGT_USE_DESTROY))),
	CCMD(BIND_SHADER,
		VGT_ONCE(READ_OR_NONE("handle", SHADER), CHOICE("type", virgl_shader_stages))),
	CCMD(SET_TESS_STATE, VGT_ONCE(FLOATS("outer_level", 4), FLOATS("inner_level", 2))),
	CCMD(SET_MIN_SAMPLES, VGT_ONCE(UINT("min_samples"))),
	/* these and SET_ATOMIC_BUFFERS: the renderer divides, and looks at the slot only where
	   that is not 0 */
	CCMD(SET_SHADER_BUFFERS, VGT_ONCE(STAGE, SLOT(0)),
		VGT_REST(0, 32, "buffer", UINT("offset"), UINT("length"),
			ACCESS_OR_NONE("res_handle", RESOURCE)),
		VGT_IGNORED),
	CCMD(SET_SHADER_IMAGES, VGT_ONCE(STAGE, SLOT(0)),
		VGT_REST(0, 32, "image", FORMAT, FLAGS("access", image_access),
			HEX("layers_or_offset"), UINT("level_or_size"),
			ACCESS_OR_NONE("res_handle", RESOURCE)),
		VGT_IGNORED),
	CCMD(MEMORY_BARRIER, VGT_ONCE(FLAGS("flags", memory_barriers))),
	CCMD(LAUNCH_GRID, VGT_ONCE({.name = "block", .bits = 32, .count = 3},
				  {.name = "grid", .bits = 32, .count = 3},
				  READ_OR_NONE("indirect", RESOURCE), UINT("indirect_offset"))),
	CCMD(SET_FRAMEBUFFER_STATE_NO_ATTACH,
		VGT_ONCE(UINT_("width", 16), UINT_("height", 16), UINT_("layers", 16),
			UINT_("samples", 8), PAD(8))),
	CCMD(TEXTURE_BARRIER, VGT_ONCE(FLAGS("flags", texture_barriers))),
	/* refused where the slot is all there is */
	[VIRGL_CCMD_SET_ATOMIC_BUFFERS] = {.name = "SET_ATOMIC_BUFFERS",
		.parts = VGT_PARTS(VGT_ONCE(SLOT(0)),
			VGT_REST(0, 32, "buffer", UINT("offset"), UINT("length"),
				ACCESS_OR_NONE("res_handle", RESOURCE)),
			VGT_IGNORED),
		.first = 1,
		.least = 2},
	CCMD(SET_DEBUG_FLAGS, VGT_DATA(2, STRING("flags"))),
	CCMD(GET_QUERY_RESULT_QBO,
		VGT_ONCE(READ("handle", QUERY), WRITE("qbo_handle", RESOURCE), BOOL("wait"),
			ENUM("result_type", query_result_types), UINT("offset"), INT("index"))),
	CCMD(TRANSFER3D,
		VGT_ONCE(TRANSFER(ACCESS("res_handle", RESOURCE)), UINT("data_offset"),
			CHOICE("direction", transfer_directions)),
		VGT_IGNORED),
	CCMD(END_TRANSFERS, VGT_IGNORED),
	CCMD(COPY_TRANSFER3D,
		VGT_ONCE(TRANSFER(ACCESS("res_handle", RESOURCE)),
			ACCESS("src_res_handle", RESOURCE), UINT("src_res_offset"),
			FLAGS("flags", copy_transfer_flags))),
	CCMD(SET_TWEAKS, VGT_ONCE(ENUM("id", tweaks), UINT("value")), VGT_IGNORED),
	CCMD(CLEAR_TEXTURE,
		VGT_ONCE(WRITE("handle", RESOURCE), UINT("level"), BOX(""), WORDS("data", 4))),
	CCMD(PIPE_RESOURCE_CREATE,
		VGT_ONCE(CHOICE("target", virgl_texture_targets), FORMAT,
			FLAGS("bind", virgl_bind_flags), UINT("width"), UINT("height"),
			UINT("depth"), UINT("array_size"), UINT("last_level"),
			UINT("nr_samples"), FLAGS("flags", virgl_resource_flags),
			HANDLE("blob_id", BLOB, VGT_USE_DEFINE))),
	CCMD(PIPE_RESOURCE_SET_TYPE,
		VGT_ONCE(WRITE("res_handle", RESOURCE), FORMAT, FLAGS("bind", virgl_bind_flags),
			UINT("width"), UINT("height"), HEX("usage"), HEX_("modifier", 64)),
		VGT_REST(1, 4, "plane", UINT("stride"), UINT("offset"))),
	CCMD(GET_MEMORY_INFO, VGT_ONCE(WRITE("res_handle", RESOURCE))),
	CCMD(SEND_STRING_MARKER, VGT_ONCE(UINT("length")),
		VGT_DATA_COUNTED(1, 1, STRING("text")), VGT_IGNORED),
	CCMD(LINK_SHADER,
		VGT_ONCE(READ_OR_NONE("vertex", SHADER), READ_OR_NONE("fragment", SHADER),
			READ_OR_NONE("geometry", SHADER), READ_OR_NONE("tess_ctrl", SHADER),
			READ_OR_NONE("tess_eval", SHADER), READ_OR_NONE("compute", SHADER))),
	CCMD(CREATE_VIDEO_CODEC,
		VGT_ONCE(DEFINE(VIDEO_CODEC), UINT("profile"),
			ENUM("entrypoint", video_entrypoints),
			ENUM("chroma_format", chroma_formats), UINT("level"), UINT("width"),
			UINT("height")),
		VGT_OPTIONAL(UINT("max_references")), VGT_IGNORED),
	CCMD(DESTROY_VIDEO_CODEC, VGT_ONCE(DESTROY(VIDEO_CODEC)), VGT_IGNORED),
	CCMD(CREATE_VIDEO_BUFFER,
		VGT_ONCE(DEFINE(VIDEO_BUFFER), FORMAT, UINT("width"), UINT("height")),
		VGT_REST(1, 0, "plane", ACCESS_OR_NONE("res_handle", RESOURCE))),
	CCMD(DESTROY_VIDEO_BUFFER, VGT_ONCE(DESTROY(VIDEO_BUFFER)), VGT_IGNORED),
	CCMD(BEGIN_FRAME, VGT_ONCE(READ("codec", VIDEO_CODEC), WRITE("target", VIDEO_BUFFER)),
		VGT_IGNORED),
	CCMD(DECODE_MACROBLOCK, VGT_IGNORED),
	CCMD(DECODE_BITSTREAM,
		VGT_ONCE(READ("codec", VIDEO_CODEC), WRITE("target", VIDEO_BUFFER),
			READ("descriptor", RESOURCE), READ("buffer", RESOURCE),
			UINT("buffer_size")),
		VGT_IGNORED),
	CCMD(ENCODE_BITSTREAM,
		VGT_ONCE(READ("codec", VIDEO_CODEC), READ("source", VIDEO_BUFFER),
			WRITE("destination", RESOURCE), READ("descriptor", RESOURCE),
			WRITE("feedback", RESOURCE)),
		VGT_IGNORED),
	CCMD(END_FRAME, VGT_ONCE(READ("codec", VIDEO_CODEC), WRITE("target", VIDEO_BUFFER)),
		VGT_IGNORED),
	CCMD(CLEAR_SURFACE, VGT_ONCE(BIT("render_condition_enabled"),
				    FLAGS_("buffers", 3, clear_surface_buffers), PAD(28),
				    WRITE("surface", SURFACE), WORDS("color", 4), UINT("dst_x"),
				    UINT("dst_y"), UINT("width"), UINT("height"))),
	CCMD(GET_PIPE_RESOURCE_LAYOUT,
		VGT_ONCE(WRITE("out", RESOURCE), READ("target", RESOURCE))),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct vgt_desc *row(const struct vgt_desc *table, size_t count, size_t n)
{
	return n < count && table[n].name ? &table[n] : NULL;
}

const struct vgt_desc *virgl_desc_of(const struct virgl_command *command)
{
	switch (command->op) {
	case VIRGL_CCMD_CREATE_OBJECT:
		if (command->object == VIRGL_OBJECT_SHADER && command->length >= 2 &&
			command->dwords[2] == PIPE_SHADER_COMPUTE) {
			return &create_compute_shader;
		}
		return row(create, COUNT(create), command->object);
	case VIRGL_CCMD_BIND_OBJECT:
		return row(bind, COUNT(bind), command->object);
	default:
		return row(commands, COUNT(commands), command->op);
	}
}

bool virgl_desc_measure(
	const struct virgl_command *command, struct vgt_layout *layout, struct vgt_err *err)
{
	const struct vgt_desc *desc = virgl_desc_of(command);
	if (!desc) {
		layout->desc = NULL;
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "unknown operation");
	}
	return vgt_desc_measure(
		desc, command->dwords, (command->length + 1) * sizeof(uint32_t), layout, err);
}

const char *virgl_ccmd_name(uint8_t op)
{
	switch (op) {
	case VIRGL_CCMD_CREATE_OBJECT:
		return "CREATE_OBJECT";
	case VIRGL_CCMD_BIND_OBJECT:
		return "BIND_OBJECT";
	default: {
		const struct vgt_desc *desc = row(commands, COUNT(commands), op);
		return desc ? desc->name : NULL;
	}
	}
}

const char *virgl_object_name(uint32_t type)
{
	const struct vgt_desc *desc = row(create, COUNT(create), type);
	return desc ? desc->name + sizeof("CREATE_OBJECT ") - 1 : NULL;
}

const struct vgt_desc *virgl_desc_at(size_t n)
{
	static const struct {
		const struct vgt_desc *table;
		size_t count;
	} tables[] = {{commands, COUNT(commands)}, {create, COUNT(create)}, {bind, COUNT(bind)},
		{&create_compute_shader, 1}};
	for (size_t t = 0; t < COUNT(tables); t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			if (tables[t].table[i].name && n-- == 0) {
				return &tables[t].table[i];
			}
		}
	}
	return NULL;
}
