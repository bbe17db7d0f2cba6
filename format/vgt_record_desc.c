/* SPDX-License-Identifier: MIT */
#include "vgt_record_desc.h"

#include "vgt_trace.h"
#include "virgl_desc.h"
#include "virtio_gpu.h"

#define NUMBER(label, how, width) \
	{ \
		.name = (label), .type = VGT_FIELD_##how, .bits = (width) \
	}
#define U32(label)   NUMBER(label, UINT, 32)
#define U64(label)   NUMBER(label, UINT, 64)
#define I32(label)   NUMBER(label, INT, 32)
#define HEX32(label) NUMBER(label, HEX, 32)
#define HEX64(label) NUMBER(label, HEX, 64)
#define FORMAT       NUMBER("format", FORMAT, 32)
#define RESERVED     NUMBER("reserved", ZERO, 32)
#define PADDING      VGT_PADDING(32)
#define NAMED(label, how, width, list) \
	{ \
		.name = (label), .type = VGT_FIELD_##how, .bits = (width), .names = (list) \
	}
#define CHOICE_(label, how, width, list) \
	{ \
		.name = (label), .type = VGT_FIELD_##how, .bits = (width), .names = (list), \
		.strict = true \
	}
#define CHOICE(label, how, list) CHOICE_(label, how, 32, list)
#define HANDLE(label, what, how) \
	{ \
		.name = (label), .type = VGT_FIELD_HANDLE, .bits = 32, \
		.handle = VGT_HANDLE_##what, .use = (how) \
	}
#define RESOURCE(how)    HANDLE("resource_id", RESOURCE, VGT_USE_##how)
#define RESOURCE_OR_NONE HANDLE("resource_id", RESOURCE, VGT_USE_READ | VGT_USE_OR_NONE)
#define SCANOUT(label)   HANDLE(label, SCANOUT, VGT_USE_READ)
#define BYTES(label) \
	{ \
		.name = (label), .type = VGT_FIELD_BYTES \
	}
#define STRING(label) \
	{ \
		.name = (label), .type = VGT_FIELD_STRING \
	}

static const struct vgt_name header_flags[] = {{"FENCE", VIRTIO_GPU_FLAG_FENCE},
	{"INFO_RING_IDX", VIRTIO_GPU_FLAG_INFO_RING_IDX}, {NULL, 0}};
static const struct vgt_name blob_memory[] = {{"GUEST", VIRTIO_GPU_BLOB_MEM_GUEST},
	{"HOST3D", VIRTIO_GPU_BLOB_MEM_HOST3D},
	{"HOST3D_GUEST", VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST}, {NULL, 0}};
static const struct vgt_name blob_flags[] = {{"USE_MAPPABLE", 1 << 0},
	{"USE_SHAREABLE", 1 << 1}, {"USE_CROSS_DEVICE", 1 << 2}, {NULL, 0}};
static const struct vgt_name memory_flags[] = {{"OWN_IOV", VGT_MEM_OWN_IOV}, {NULL, 0}};
static const struct vgt_name response_classes[] = {{"exact", VGT_RESPONSE_EXACT},
	{"renderer", VGT_RESPONSE_RENDERER}, {"time", VGT_RESPONSE_TIME},
	{"refused", VGT_RESPONSE_REFUSED}, {NULL, 0}};
static const struct vgt_name fence_events[] = {{"created", VGT_FENCE_CREATED},
	{"retired", VGT_FENCE_RETIRED}, {"failed", VGT_FENCE_FAILED}, {NULL, 0}};
static const struct vgt_name fence_scopes[] = {
	{"global", VGT_FENCE_GLOBAL}, {"context", VGT_FENCE_CONTEXT}, {NULL, 0}};
static const struct vgt_name frame_rules[] = {{"submit", VGT_FRAME_SUBMIT},
	{"readback", VGT_FRAME_READBACK}, {"flush", VGT_FRAME_FLUSH},
	{"marker", VGT_FRAME_MARKER}, {NULL, 0}};
static const struct vgt_name reset_kinds[] = {
	{"reset", VGT_RESET_DEVICE}, {"cleanup", VGT_RESET_CLEANUP}, {NULL, 0}};

/* struct virtio_gpu_ctrl_hdr, with what the command does with its context */
#define HDR(context) \
	VGT_TIMES(1, "hdr", HEX32("type"), NAMED("flags", FLAGS, 32, header_flags), \
		U64("fence_id"), context, NUMBER("ring_idx", UINT, 8), VGT_PADDING(24))
#define NO_CONTEXT    U32("ctx_id")
#define CONTEXT(uses) HANDLE("ctx_id", CONTEXT, uses)

#define RECT         U32("x"), U32("y"), U32("width"), U32("height")
#define BOX          U32("x"), U32("y"), U32("z"), U32("w"), U32("h"), U32("d")
#define ENTRIES      VGT_COUNTED(7, 0, "entry", HEX64("addr"), U32("length"), PADDING)
#define BLOB_ENTRIES VGT_COUNTED(9, 0, "entry", HEX64("addr"), U32("length"), PADDING)
#define TRANSFER(how) \
	HDR(CONTEXT(VGT_USE_READ | VGT_USE_OR_NONE)), \
		VGT_ONCE(BOX, U64("offset"), RESOURCE(how), U32("level"), U32("stride"), \
			U32("layer_stride")), \
		VGT_IGNORED
#define CURSOR \
	HDR(NO_CONTEXT), \
		VGT_ONCE(SCANOUT("scanout_id"), U32("x"), U32("y"), PADDING, RESOURCE_OR_NONE, \
			U32("hot_x"), U32("hot_y"), VGT_PADDING(32)), \
		VGT_IGNORED
#define CONTEXT_RESOURCE \
	HDR(CONTEXT(VGT_USE_READ)), VGT_ONCE(RESOURCE(READ), PADDING), VGT_IGNORED

#define DESC(label, ...) \
	{ \
		.name = (label), .parts = VGT_PARTS(__VA_ARGS__) \
	}
#define COMMAND(label, base, ...) [VIRTIO_GPU_CMD_##label - (base)] = DESC(#label, __VA_ARGS__)
#define RECORD(label, ...)        [VGT_RECORD_##label - VGT_RECORD_CHUNK] = DESC(#label, __VA_ARGS__)

#define BASE_2D     VIRTIO_GPU_CMD_GET_DISPLAY_INFO
#define BASE_3D     VIRTIO_GPU_CMD_CTX_CREATE
#define BASE_CURSOR VIRTIO_GPU_CMD_UPDATE_CURSOR

static const struct vgt_desc commands_2d[] = {
	COMMAND(GET_DISPLAY_INFO, BASE_2D, HDR(NO_CONTEXT), VGT_IGNORED),
	COMMAND(RESOURCE_CREATE_2D, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(DEFINE), FORMAT, U32("width"), U32("height")), VGT_IGNORED),
	COMMAND(RESOURCE_UNREF, BASE_2D, HDR(NO_CONTEXT), VGT_ONCE(RESOURCE(DESTROY), PADDING),
		VGT_IGNORED),
	COMMAND(SET_SCANOUT, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RECT, SCANOUT("scanout_id"), RESOURCE_OR_NONE), VGT_IGNORED),
	COMMAND(RESOURCE_FLUSH, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RECT, RESOURCE(READ), PADDING), VGT_IGNORED),
	COMMAND(TRANSFER_TO_HOST_2D, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RECT, U64("offset"), RESOURCE(WRITE), PADDING), VGT_IGNORED),
	COMMAND(RESOURCE_ATTACH_BACKING, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(WRITE), U32("nr_entries")), ENTRIES, VGT_IGNORED),
	COMMAND(RESOURCE_DETACH_BACKING, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(WRITE), PADDING), VGT_IGNORED),
	COMMAND(GET_CAPSET_INFO, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(U32("capset_index"), PADDING), VGT_IGNORED),
	COMMAND(GET_CAPSET, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(U32("capset_id"), U32("capset_version")), VGT_IGNORED),
	COMMAND(GET_EDID, BASE_2D, HDR(NO_CONTEXT), VGT_ONCE(SCANOUT("scanout"), PADDING),
		VGT_IGNORED),
	COMMAND(RESOURCE_ASSIGN_UUID, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(READ), PADDING), VGT_IGNORED),
	COMMAND(RESOURCE_CREATE_BLOB, BASE_2D, HDR(CONTEXT(VGT_USE_READ | VGT_USE_OR_NONE)),
		VGT_ONCE(RESOURCE(DEFINE), CHOICE("blob_mem", ENUM, blob_memory),
			NAMED("blob_flags", FLAGS, 32, blob_flags), U32("nr_entries"),
			U64("blob_id"), U64("size")),
		BLOB_ENTRIES, VGT_IGNORED),
	COMMAND(SET_SCANOUT_BLOB, BASE_2D, HDR(NO_CONTEXT),
		VGT_ONCE(RECT, SCANOUT("scanout_id"), RESOURCE_OR_NONE,
			U32("framebuffer_width"), U32("framebuffer_height"), FORMAT, PADDING,
			{.name = "strides", .bits = 32, .count = 4},
			{.name = "offsets", .bits = 32, .count = 4}),
		VGT_IGNORED),
};

static const struct vgt_desc commands_3d[] = {
	COMMAND(CTX_CREATE, BASE_3D, HDR(CONTEXT(VGT_USE_DEFINE)),
		VGT_ONCE(U32("nlen"), NUMBER("capset_id", UINT, 8),
			NUMBER("context_init", HEX, 24),
			{.name = "debug_name", .type = VGT_FIELD_STRING, .bits = 512}),
		VGT_IGNORED),
	COMMAND(CTX_DESTROY, BASE_3D, HDR(CONTEXT(VGT_USE_DESTROY)), VGT_IGNORED),
	COMMAND(CTX_ATTACH_RESOURCE, BASE_3D, CONTEXT_RESOURCE),
	COMMAND(CTX_DETACH_RESOURCE, BASE_3D, CONTEXT_RESOURCE),
	COMMAND(RESOURCE_CREATE_3D, BASE_3D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(DEFINE), CHOICE("target", ENUM, virgl_texture_targets),
			FORMAT, NAMED("bind", FLAGS, 32, virgl_bind_flags), U32("width"),
			U32("height"), U32("depth"), U32("array_size"), U32("last_level"),
			U32("nr_samples"), CHOICE("flags", FLAGS, virgl_resource_flags),
			PADDING),
		VGT_IGNORED),
	COMMAND(TRANSFER_TO_HOST_3D, BASE_3D, TRANSFER(WRITE)),
	COMMAND(TRANSFER_FROM_HOST_3D, BASE_3D, TRANSFER(READ)),
	COMMAND(SUBMIT_3D, BASE_3D, HDR(CONTEXT(VGT_USE_READ)),
		VGT_ONCE(U32("size"), U32("num_in_fences")),
		VGT_COUNTED(7, 0, "in_fence", HEX64("fence_id")),
		VGT_DATA_COUNTED(6, 0, BYTES("commands")), VGT_IGNORED),
	COMMAND(RESOURCE_MAP_BLOB, BASE_3D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(READ), PADDING, U64("offset")), VGT_IGNORED),
	COMMAND(RESOURCE_UNMAP_BLOB, BASE_3D, HDR(NO_CONTEXT),
		VGT_ONCE(RESOURCE(READ), PADDING), VGT_IGNORED),
};

static const struct vgt_desc cursor_commands[] = {
	COMMAND(UPDATE_CURSOR, BASE_CURSOR, CURSOR),
	COMMAND(MOVE_CURSOR, BASE_CURSOR, CURSOR),
};

static const struct vgt_desc records[] = {
	RECORD(CHUNK,
		VGT_ONCE({.name = "magic", .type = VGT_FIELD_STRING, .bits = 64},
			NUMBER("major", UINT, 16), NUMBER("minor", UINT, 16), RESERVED,
			HEX64("trace_id"), U64("sequence"), U64("stream_pos"),
			U64("first_record"), U64("first_command"), U64("first_frame")),
		VGT_IGNORED),
	RECORD(META, VGT_DATA(0, BYTES("strings"))),
	RECORD(CAPSET, VGT_ONCE(U32("id"), U32("version")), VGT_DATA(0, BYTES("capset"))),
	RECORD(MEM,
		VGT_ONCE(HANDLE("resource_id", RESOURCE, VGT_USE_READ | VGT_USE_OR_NONE),
			NAMED("flags", FLAGS, 32, memory_flags), U64("offset")),
		VGT_DATA(0, BYTES("memory"))),
	RECORD(RESPONSE,
		VGT_ONCE(U64("command"), I32("result"), CHOICE("class", ENUM, response_classes),
			HEX64("digest"), U64("size")),
		VGT_IGNORED),
	RECORD(FENCE,
		VGT_ONCE(CHOICE_("event", ENUM, 16, fence_events),
			CHOICE_("scope", ENUM, 16, fence_scopes), U32("ctx_id"),
			U32("ring_idx"), HEX32("flags"), U64("fence_id"), I32("result"),
			RESERVED),
		VGT_IGNORED),
	RECORD(FRAME,
		VGT_ONCE(CHOICE("rule", ENUM, frame_rules), I32("scanout_id"), RESOURCE_OR_NONE,
			I32("virgl_command"), RECT),
		VGT_IGNORED),
	RECORD(MARK, VGT_DATA(0, STRING("text"))),
	RECORD(POLL, VGT_ONCE(U32("ctx_id"), RESERVED), VGT_IGNORED),
	RECORD(SNAPSHOT, VGT_DATA(0, BYTES("state"))),
	RECORD(RESET, VGT_ONCE(CHOICE("kind", ENUM, reset_kinds), RESERVED), VGT_IGNORED),
	RECORD(IOV, VGT_ONCE(U32("count"), RESERVED),
		VGT_COUNTED(0, 0, "segment", U32("length")), VGT_IGNORED),
	RECORD(BAD_COMMAND, VGT_ONCE(U64("size")), VGT_DATA(0, BYTES("bytes"))),
};

static const struct {
	const struct vgt_desc *table;
	uint16_t count;
	uint16_t base; /* type of the first */
} tables[] = {
	{commands_2d, sizeof(commands_2d) / sizeof(commands_2d[0]), BASE_2D},
	{commands_3d, sizeof(commands_3d) / sizeof(commands_3d[0]), BASE_3D},
	{cursor_commands, sizeof(cursor_commands) / sizeof(cursor_commands[0]), BASE_CURSOR},
	{records, sizeof(records) / sizeof(records[0]), VGT_RECORD_CHUNK},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

const struct vgt_desc *vgt_record_desc(uint16_t type)
{
	for (size_t t = 0; t < TABLES; t++) {
		if (type >= tables[t].base && type - tables[t].base < tables[t].count) {
			return &tables[t].table[type - tables[t].base];
		}
	}
	return NULL;
}

const struct vgt_desc *vgt_record_desc_at(size_t n, uint16_t *type)
{
	for (size_t t = 0; t < TABLES; t++) {
		if (n < tables[t].count) {
			*type = (uint16_t)(tables[t].base + n);
			return &tables[t].table[n];
		}
		n -= tables[t].count;
	}
	return NULL;
}

const char *vgt_record_name(uint16_t type)
{
	const struct vgt_desc *desc = vgt_record_desc(type);
	return desc ? desc->name : "unknown";
}
