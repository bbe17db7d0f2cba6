/* SPDX-License-Identifier: MIT */
/*
 * Writes traces that no well-behaved program records: mktrace CASE FILE. For tests of the
 * player:
 *
 * - dead-fence: a context is destroyed while its fence is in flight
 * - denied-create: a living resource's id is used again for a creation that the host refuses
 * - refused: commands that the recording's device did not pass on to its renderer: a creation
 * of a living resource's id, a submit, a scanout that is flushed and, last of all, the end of
 * the context
 * - not-refused: the same commands, passed on
 *
 * For tests of `vgt verify`, each with one fault:
 *
 * - no-surface: a framebuffer of a surface that does not exist, @3.1
 * - no-shader: a draw without fragment shader, @1.3
 * - no-resource: a sampler view of a resource that was destroyed, @4.1
 * - cut-short: a draw that runs past the end of its submit, @1.2
 * - past-backing: a transfer that goes on behind the resource's backing, @2
 * - all-faults: a submit with nothing but faults, @1.0 to @1.3999
 *
 * For tests of long work:
 *
 * - long: 2000 frames, each a submit of 16 KB that nobody can compress, in a file of 32 MB
 *
 * For tests of the comparison of traces:
 *
 * - session: all that same_trace compares
 * - session-WHAT: the same, changed in one thing; session() says which there are
 */
#include "vgt_capture.h"

#include "virgl_cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vgt_capture *capture;

static void put(const void *command, size_t size, int32_t result)
{
	vgt_capture_response(
		capture, vgt_capture_command(capture, command, size, NULL, 0, 0), result);
}

static void create_context(uint32_t id)
{
	const struct virtio_gpu_ctx_create command = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}};
	put(&command, sizeof(command), 0);
}

static void create_resource(uint32_t id, uint32_t format, int32_t result)
{
	const struct virtio_gpu_resource_create_3d command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = id,
		.target = PIPE_TEXTURE_2D,
		.format = format,
		.bind = VIRGL_BIND_SAMPLER_VIEW,
		.width = 4,
		.height = 4,
		.depth = 1,
		.array_size = 1};
	put(&command, sizeof(command), result);
}

static void attach(uint32_t id, uint32_t count, uint32_t length)
{
	static uint8_t memory[4096];
	struct virtio_gpu_mem_entry *entries = calloc(count, sizeof(*entries));
	struct iovec *iov = calloc(count, sizeof(*iov));
	for (uint32_t i = 0; entries && iov && i < count; i++) {
		entries[i].length = length;
		iov[i] = (struct iovec){memory, length};
	}
	const struct virtio_gpu_resource_attach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = id,
		.nr_entries = count};
	uint64_t number = vgt_capture_command(
		capture, &command, sizeof(command), entries, count * sizeof(*entries), 0);
	vgt_capture_response(capture, number, 0);
	vgt_capture_backing(capture, id, iov, count);
	free(entries);
	free(iov);
}

static void dead_fence(void)
{
	create_context(1);
	const struct vgt_fence fence = {.event = VGT_FENCE_CREATED,
		.scope = VGT_FENCE_CONTEXT,
		.ctx_id = 1,
		.fence_id = 7};
	vgt_capture_fence(capture, &fence);
	const struct virtio_gpu_ctx_destroy destroy = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = 1}};
	vgt_capture_command(capture, &destroy, sizeof(destroy), NULL, 0, 0);
}

static void denied_create(void)
{
	create_context(1);
	create_resource(1, 1, 0);
	attach(1, 1, 64);
	create_resource(1, 9999, 22);
	const struct virtio_gpu_transfer_host_3d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.box = {.w = 4, .h = 4, .d = 1},
		.resource_id = 1};
	put(&transfer, sizeof(transfer), 0);
}

static uint64_t give_submit(const uint32_t *dwords, size_t count)
{
	const struct virtio_gpu_cmd_submit command = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1},
		.size = (uint32_t)(count * sizeof(*dwords))};
	return vgt_capture_command(
		capture, &command, sizeof(command), dwords, count * sizeof(*dwords), 0);
}

static void submit(const uint32_t *dwords, size_t count)
{
	vgt_capture_response(capture, give_submit(dwords, count), 0);
}

/* VIRTIO_GPU_RESP_ERR_UNSPEC */
#define REFUSAL 0x1200

static void with_refusals(bool refused)
{
	const struct virtio_gpu_resource_create_3d create = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = 1,
		.target = PIPE_TEXTURE_2D,
		.format = 1,
		.bind = VIRGL_BIND_SAMPLER_VIEW,
		.width = 2,
		.height = 2,
		.depth = 1,
		.array_size = 1};
	const struct virtio_gpu_transfer_host_3d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.box = {.w = 4, .h = 4, .d = 1},
		.resource_id = 1};
	const struct virtio_gpu_set_scanout scanout = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, 4, 4}, 0, 1};
	const struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 4, 4}, 1, 0};
	const struct virtio_gpu_ctx_destroy destroy = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = 1}};
	const uint32_t nop = VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 0);
	uint64_t number;
	create_context(1);
	create_resource(1, 1, 0);
	attach(1, 1, 64);
	number = vgt_capture_command(capture, &create, sizeof(create), NULL, 0, 0);
	vgt_capture_refused(capture, refused ? number : VGT_NO_COMMAND, REFUSAL);
	put(&transfer, sizeof(transfer), 0);
	number = give_submit(&nop, 1);
	vgt_capture_refused(capture, refused ? number : VGT_NO_COMMAND, REFUSAL);
	vgt_capture_bad_command(capture, "bad", 3);
	number = vgt_capture_command(capture, &scanout, sizeof(scanout), NULL, 0, 0);
	vgt_capture_refused(capture, refused ? number : VGT_NO_COMMAND, REFUSAL);
	vgt_capture_command(capture, &flush, sizeof(flush), NULL, 0, 0);
	number = vgt_capture_command(capture, &destroy, sizeof(destroy), NULL, 0, 0);
	vgt_capture_refused(capture, refused ? number : VGT_NO_COMMAND, REFUSAL);
}

static void refused(void)
{
	with_refusals(true);
}

static void not_refused(void)
{
	with_refusals(false);
}

#define SUBMIT(...) \
	submit((const uint32_t[]){__VA_ARGS__}, \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define CREATE(type, length) VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_##type, length)
#define DRAW(length)         VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, length)

static void attach_to_context(uint32_t id)
{
	const struct virtio_gpu_ctx_resource command = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, .ctx_id = 1},
		.resource_id = id};
	put(&command, sizeof(command), 0);
}

static void no_surface(void)
{
	create_context(1);
	create_resource(1, 1, 0);
	attach_to_context(1);
	SUBMIT(CREATE(SURFACE, 5), 1, 1, 1, 0, 0,
		VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3), 1, 0, 7);
}

static void no_shader(void)
{
	create_context(1);
	SUBMIT(CREATE(SHADER, 6), 1, PIPE_SHADER_VERTEX, 4, 1, 0, 0,
		VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 2), 1, PIPE_SHADER_VERTEX,
		VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 0), DRAW(12), 0, 3, 4, 0, 1, 0, 0, 0, 0, 0, 2, 0);
}

static void no_resource(void)
{
	create_context(1);
	create_resource(1, 1, 0);
	attach_to_context(1);
	const struct virtio_gpu_resource_unref unref = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF, .resource_id = 1};
	put(&unref, sizeof(unref), 0);
	SUBMIT(VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 0), CREATE(SAMPLER_VIEW, 6), 1, 1, 1, 0, 0, 0);
}

static void cut_short(void)
{
	create_context(1);
	SUBMIT(VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 0), VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 1), 0, DRAW(12),
		0, 3, 4);
}

static void past_backing(void)
{
	create_resource(1, 1, 0);
	attach(1, 1, 63);
	const struct virtio_gpu_transfer_host_3d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.box = {.w = 4, .h = 4, .d = 1},
		.resource_id = 1};
	put(&transfer, sizeof(transfer), 0);
}

static void all_faults(void)
{
	uint32_t dwords[4000];
	for (size_t i = 0; i < sizeof(dwords) / sizeof(dwords[0]); i++) {
		dwords[i] = VIRGL_CMD0(200, 0, 0);
	}
	create_context(1);
	submit(dwords, sizeof(dwords) / sizeof(dwords[0]));
}

static void long_one(void)
{
	static const char frame[] = "vgt:frame...";
	uint32_t dwords[4096] = {0};
	uint32_t random = 1;
	create_context(1);
	dwords[0] = VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4091);
	dwords[1] = 4090 * sizeof(*dwords);
	dwords[4092] = VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 3);
	for (int number = 0; number < 2000; number++) {
		for (size_t i = 2; i < 4092; i++) {
			random ^= random << 13;
			random ^= random >> 17;
			random ^= random << 5;
			dwords[i] = random;
		}
		submit(dwords, sizeof(dwords) / sizeof(dwords[0]));
		uint32_t marker[5] = {
			VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), sizeof(frame) - 1};
		memcpy(marker + 2, frame, sizeof(frame) - 1);
		submit(marker, sizeof(marker) / sizeof(marker[0]));
	}
}

/* What to change in the session. */
static const char *change = "";
static bool changed;

static bool changes(const char *what)
{
	const bool is = strcmp(change, what) == 0;
	changed |= is;
	return is;
}

static uint32_t context_id = 1, texture_id = 1, buffer_id = 2;
static uint64_t fence_base;
static uint8_t texture_memory[128], buffer_memory[64];

static void session_start(void)
{
	const struct vgt_capture_fact fact = {
		"gl.renderer", changes("renderer") ? "another" : "softpipe"};
	vgt_capture_meta(capture, &fact, 1);
	vgt_capture_capset(capture, 1, 1, "capset", 6);
	const struct virtio_gpu_get_capset query = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET, .capset_id = 1, .capset_version = 1};
	for (int i = changes("query") ? -1 : 0; i < 1; i++) {
		const uint64_t number =
			vgt_capture_command(capture, &query, sizeof(query), NULL, 0, 0);
		vgt_capture_answer(capture, number, fact.value, strlen(fact.value));
	}
	struct virtio_gpu_ctx_create context = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = context_id},
		.nlen = 7,
		.debug_name = "session"};
	if (changes("name")) {
		context.debug_name[6] = '!';
	}
	if (changes("renamed")) {
		context.context_init = VIRTIO_GPU_CAPSET_VIRGL2;
		context.nlen = 8; /* with NUL */
	}
	put(&context, sizeof(context), 0);
}

/* A resource that the context may use, with backing. */
static void session_resource(
	uint32_t id, uint32_t target, uint32_t width, uint8_t *memory, uint32_t size)
{
	const bool parts = changes("renamed");
	const struct virtio_gpu_resource_create_3d create = {
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, .ctx_id = parts ? 5 : 0},
		.resource_id = id,
		.target = target,
		.format = target == PIPE_BUFFER ? 64 : 1,
		.bind = VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SHARED,
		.width = width,
		.height = target == PIPE_BUFFER ? 1 : 4,
		.depth = 1,
		.array_size = 1};
	put(&create, sizeof(create), 0);
	const struct virtio_gpu_ctx_resource use = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, .ctx_id = context_id},
		.resource_id = id};
	vgt_capture_command(capture, &use, sizeof(use), NULL, 0, 0);
	const struct virtio_gpu_mem_entry entries[] = {
		{.addr = parts ? 4096 : 0, .length = parts ? size - 32 : size},
		{.addr = 1 << 20, .length = 32}};
	const struct iovec iov[] = {
		{memory, entries[0].length}, {memory + entries[0].length, 32}};
	const struct virtio_gpu_resource_attach_backing attach_it = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = id,
		.nr_entries = parts ? 2 : 1};
	const uint64_t number = vgt_capture_command(capture, &attach_it, sizeof(attach_it),
		entries, attach_it.nr_entries * sizeof(entries[0]), 0);
	vgt_capture_response(capture, number, 0);
	vgt_capture_backing(capture, id, iov, attach_it.nr_entries);
}

static void session_submit(const uint32_t *dwords, size_t count)
{
	const struct virtio_gpu_cmd_submit command = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = context_id},
		.size = (uint32_t)(count * sizeof(*dwords))};
	const uint64_t number = vgt_capture_command(
		capture, &command, sizeof(command), dwords, count * sizeof(*dwords), 0);
	vgt_capture_response(capture, number, 0);
}

static void session_fence(enum vgt_fence_event event, uint64_t number)
{
	const struct vgt_fence fence = {
		.event = (uint16_t)event, .fence_id = fence_base + number};
	vgt_capture_fence(capture, &fence);
}

static void session_transfer(enum virtio_gpu_ctrl_type type)
{
	const struct virtio_gpu_transfer_host_3d transfer = {
		.hdr = {.type = type, .ctx_id = context_id},
		.box = {.w = 4, .h = 4, .d = 1},
		.resource_id = texture_id,
		.offset = changes("offset") ? 16 : 0};
	const uint64_t number =
		vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	if (type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D && changes("refused")) {
		vgt_capture_refused(capture, number, REFUSAL);
		return;
	}
	vgt_capture_response(capture, number, changes("response") ? 22 : 0);
	if (type == VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D) {
		texture_memory[1] ^= changes("digest") || changes("renderer");
		vgt_capture_readback(capture, number, &transfer, NULL, 0);
	}
}

static void session_work(void)
{
	const bool swap = changes("swapped");
	const uint32_t transfer[] = {VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), texture_id, 0, 0,
		0, 0, 0, 0, 0, 4, 4, 1, 0, VIRGL_TRANSFER_TO_HOST};
	const uint32_t copy[] = {VIRGL_CMD0(VIRGL_CCMD_RESOURCE_COPY_REGION, 0, 13),
		swap ? texture_id : buffer_id, 0, 0, 0, 0, swap ? buffer_id : texture_id, 0, 0,
		0, 0, 4, 1, 1};
	const uint32_t marker[] = {VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 2), 4,
		changes("dword") ? 0x61616162 : 0x61616161};
	session_submit(transfer, sizeof(transfer) / sizeof(transfer[0]));
	session_fence(VGT_FENCE_CREATED, 1);
	if (changes("fences")) {
		session_fence(VGT_FENCE_CREATED, 2);
	}
	session_submit(copy, sizeof(copy) / sizeof(copy[0]));
	if (!changes("fences")) {
		session_fence(VGT_FENCE_CREATED, 2);
	}
	if (!changes("dropped")) {
		session_submit(marker, sizeof(marker) / sizeof(marker[0]));
	}
	session_transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	session_transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
	if (!changes("unretired")) {
		session_fence(VGT_FENCE_RETIRED, changes("retired") ? 2 : 1);
		session_fence(VGT_FENCE_RETIRED, changes("retired") ? 1 : 2);
	}
}

static void session_cursor(void)
{
	const struct virtio_gpu_update_cursor cursor = {{.type = VIRTIO_GPU_CMD_UPDATE_CURSOR},
		{.x = changes("cursor-moved")}, texture_id, 0, 0, 0};
	vgt_capture_command(capture, &cursor, sizeof(cursor), NULL, 0, 0);
}

static void session_show(void)
{
	const struct virtio_gpu_set_scanout scanout = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, 4, 4}, 0, texture_id};
	const struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 4, 4}, texture_id, 0};
	const uint64_t number =
		vgt_capture_command(capture, &scanout, sizeof(scanout), NULL, 0, 0);
	vgt_capture_refused(capture, changes("hidden") ? number : VGT_NO_COMMAND, REFUSAL);
	if (changes("cursor-early")) {
		session_cursor();
	}
	vgt_capture_command(capture, &flush, sizeof(flush), NULL, 0, 0);
	if (changes("cursor") || changes("cursor-moved")) {
		session_cursor();
	}
}

static void session_end(void)
{
	if (changes("bad")) {
		vgt_capture_bad_command(capture, "bad", 3);
	}
	if (changes("left")) {
		return;
	}
	const struct virtio_gpu_resource_unref unref = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF, .resource_id = texture_id};
	vgt_capture_command(capture, &unref, sizeof(unref), NULL, 0, 0);
	if (changes("again")) {
		session_fence(VGT_FENCE_CREATED, 3);
		session_transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	}
	const struct virtio_gpu_ctx_destroy destroy = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = context_id}};
	vgt_capture_command(capture, &destroy, sizeof(destroy), NULL, 0, 0);
	vgt_capture_reset(capture, VGT_RESET_CLEANUP);
}

static void session(void)
{
	if (changes("renamed")) {
		context_id = 7;
		texture_id = 102;
		buffer_id = 101;
		fence_base = 50;
	}
	for (size_t i = 0; i < sizeof(texture_memory); i++) {
		texture_memory[i] = (uint8_t)i;
	}
	texture_memory[20] ^= changes("memory");
	session_start();
	session_resource(
		texture_id, PIPE_TEXTURE_2D, 4, texture_memory, changes("backing") ? 128 : 96);
	session_resource(buffer_id, PIPE_BUFFER, 64, buffer_memory, 64);
	session_work();
	session_show();
	session_end();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(void);
	} cases[] = {{"dead-fence", dead_fence}, {"denied-create", denied_create},
		{"refused", refused}, {"not-refused", not_refused}, {"no-surface", no_surface},
		{"no-shader", no_shader}, {"no-resource", no_resource},
		{"cut-short", cut_short}, {"past-backing", past_backing},
		{"all-faults", all_faults}, {"long", long_one}, {"session", session}};
	static const char session_dash[] = "session-";
	bool known = false;
	struct vgt_err err;
	const struct vgt_capture_options options = {.path = argc == 3 ? argv[2] : ""};
	capture = argc == 3 ? vgt_capture_create(&options, &err) : NULL;
	if (!capture) {
		fprintf(stderr, "mktrace: %s\n", argc == 3 ? err.message : "usage: CASE FILE");
		return 2;
	}
	if (strncmp(argv[1], session_dash, sizeof(session_dash) - 1) == 0) {
		change = argv[1] + sizeof(session_dash) - 1;
		session();
		known = changed;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].write();
			known = true;
		}
	}
	if (!known) {
		fprintf(stderr, "mktrace: no case '%s'\n", argv[1]);
	}
	return vgt_capture_destroy(capture, NULL) && known ? 0 : 2;
}
