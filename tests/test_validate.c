/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"
#include "vgt_trace.h"
#include "vgt_validate.h"
#include "virgl_cmd.h"
#include "virtio_gpu.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define FOUND_MAX 64
#define NOWHERE   VGT_NO_VIRGL_COMMAND

enum {
	R8 = 64,
	BGRA = 1,
	OPAQUE_BYTES = 4096, /* more than any texture here needs */
};

struct found {
	uint64_t command;
	uint32_t virgl_command;
	char message[320];
};

/*
 * A trace that is made and checked record by record. Each case below makes the same trace
 * twice: once as it should be and once with a fault, and says just before the faulty command
 * what is to be told of it.
 */
struct scene {
	struct vgt_validator *validator;
	bool fault; /* this time it is there */
	uint64_t command, number, frame;
	struct found expected[FOUND_MAX], found[FOUND_MAX];
	size_t expected_count, found_count;
	/* the submit being written */
	uint32_t dwords[4096];
	size_t count;
	uint32_t virgl_command;
};

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	struct scene *scene = opaque;
	assert_true(scene->found_count < FOUND_MAX);
	struct found *found = &scene->found[scene->found_count++];
	found->command = violation->command;
	found->virgl_command = violation->virgl_command;
	snprintf(found->message, sizeof(found->message), "%s", violation->message);
}

static void feed_flags(
	struct scene *scene, uint16_t type, uint16_t flags, const void *payload, size_t size)
{
	/* as large as it is, so that a sanitizer sees who reads behind it */
	void *copy = malloc(size ? size : 1);
	assert_non_null(copy);
	memcpy(copy, payload, size);
	const struct vgt_record record = {
		.type = type,
		.flags = flags,
		.size = (uint32_t)size,
		.payload = copy,
		.number = scene->number++,
		.command = scene->command,
		.frame = scene->frame,
	};
	vgt_validator_feed(scene->validator, &record);
	scene->command += vgt_record_is_command(type);
	scene->frame += type == VGT_RECORD_FRAME;
	free(copy);
}

static void feed(struct scene *scene, uint16_t type, const void *payload, size_t size)
{
	feed_flags(scene, type, 0, payload, size);
}

#define FEED(scene, command) \
	feed(scene, (uint16_t)(command).hdr.type, &(command), sizeof(command))

static void expect_at(
	struct scene *scene, uint64_t command, uint32_t virgl_command, const char *message)
{
	if (scene->fault) {
		assert_true(scene->expected_count < FOUND_MAX);
		struct found *expected = &scene->expected[scene->expected_count++];
		expected->command = command;
		expected->virgl_command = virgl_command;
		snprintf(expected->message, sizeof(expected->message), "%s", message);
	}
}

/* Of the next record, and of the next virgl command of the submit being written. */
static void expect(struct scene *scene, const char *message)
{
	expect_at(scene, scene->command, NOWHERE, message);
}

static void expect_virgl(struct scene *scene, const char *message)
{
	expect_at(scene, scene->command, scene->virgl_command, message);
}

static uint32_t pick(const struct scene *scene, uint32_t good, uint32_t bad)
{
	return scene->fault ? bad : good;
}

/* Control commands */

static void create_context(struct scene *scene, uint32_t id, uint32_t capset)
{
	const struct virtio_gpu_ctx_create create = {
		{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}, .context_init = capset};
	FEED(scene, create);
}

static void destroy_context(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_ctx_destroy destroy = {
		{.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = id}};
	FEED(scene, destroy);
}

static struct virtio_gpu_resource_create_3d texture(uint32_t id)
{
	return (struct virtio_gpu_resource_create_3d){
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, PIPE_TEXTURE_2D, BGRA,
		VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SAMPLER_VIEW, 16, 16, 1, 1, 2, 0, 0, 0};
}

static void create_texture(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_resource_create_3d create = texture(id);
	FEED(scene, create);
}

static void create_buffer(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_resource_create_3d create = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, PIPE_BUFFER, R8, 1 << 4, 256,
		1, 1, 1, 0, 0, 0, 0};
	FEED(scene, create);
}

static void attach_resource(struct scene *scene, uint32_t ctx_id, uint32_t id)
{
	const struct virtio_gpu_ctx_resource attach = {
		{.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, .ctx_id = ctx_id}, id, 0};
	FEED(scene, attach);
}

static void detach_resource(struct scene *scene, uint32_t ctx_id, uint32_t id)
{
	const struct virtio_gpu_ctx_resource detach = {
		{.type = VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, .ctx_id = ctx_id}, id, 0};
	FEED(scene, detach);
}

static void unref(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_resource_unref command = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_UNREF}, id, 0};
	FEED(scene, command);
}

/* Two segments: what counts is their sum. */
static void attach_backing(struct scene *scene, uint32_t id, uint32_t size)
{
	const struct {
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_mem_entry entries[2];
	} command = {{{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, id, 2},
		{{0, size / 2, 0}, {0, size - size / 2, 0}}};
	feed(scene, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, &command, sizeof(command));
}

static void detach_backing(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_resource_detach_backing detach = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING}, id, 0};
	FEED(scene, detach);
}

static struct virtio_gpu_transfer_host_3d transfer(uint32_t type, uint32_t id)
{
	return (struct virtio_gpu_transfer_host_3d){
		{.type = type}, {0, 0, 0, 16, 16, 1}, 0, id, 0, 0, 0};
}

static void upload(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, id);
	FEED(scene, command);
}

static void respond(struct scene *scene, uint64_t command, int32_t result)
{
	const struct vgt_response response = {.command = command, .result = result};
	feed(scene, VGT_RECORD_RESPONSE, &response, sizeof(response));
}

/* Submits */

static void put(struct scene *scene, uint32_t header, const uint32_t *dwords, size_t count)
{
	assert_true(scene->count + 1 + count <= COUNT(scene->dwords));
	scene->dwords[scene->count++] = header;
	if (count) {
		memcpy(scene->dwords + scene->count, dwords, count * sizeof(*dwords));
	}
	scene->count += count;
	scene->virgl_command++;
}

#define WORDS(...)      ((const uint32_t[]){0, __VA_ARGS__})
#define WORD_COUNT(...) (COUNT(WORDS(__VA_ARGS__)) - 1)

/* One virgl command with the dwords behind its header. */
#define PUT_OBJECT(scene, op, object, ...) \
	put(scene, \
		VIRGL_CMD0(VIRGL_CCMD_##op, VIRGL_OBJECT_##object, WORD_COUNT(__VA_ARGS__)), \
		WORDS(__VA_ARGS__) + 1, WORD_COUNT(__VA_ARGS__))
#define PUT(scene, op, ...) PUT_OBJECT(scene, op, NULL, __VA_ARGS__)
/* The same with zeros. */
#define PUT_ZEROS(scene, op, count) \
	put(scene, VIRGL_CMD0(VIRGL_CCMD_##op, 0, count), (const uint32_t[64]){0}, count)

static void submit_bytes(struct scene *scene, uint32_t ctx_id, size_t bytes)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint64_t fence;
		uint32_t dwords[COUNT(scene->dwords)];
	} command = {{{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = ctx_id}, (uint32_t)bytes, 1},
		0, {0}};
	memcpy(command.dwords, scene->dwords, bytes);
	scene->count = 0;
	scene->virgl_command = 0;
	feed(scene, VIRTIO_GPU_CMD_SUBMIT_3D, &command,
		offsetof(__typeof__(command), dwords) + bytes);
}

static void submit(struct scene *scene, uint32_t ctx_id)
{
	submit_bytes(scene, ctx_id, scene->count * sizeof(uint32_t));
}

static void put_shader(struct scene *scene, uint32_t handle, uint32_t stage)
{
	PUT_OBJECT(scene, CREATE_OBJECT, SHADER, handle, stage, 4, 1, 0, 0x54524556);
}

static void put_surface(struct scene *scene, uint32_t handle, uint32_t resource)
{
	PUT_OBJECT(scene, CREATE_OBJECT, SURFACE, handle, resource, BGRA, 0, 0);
}

static void put_view(struct scene *scene, uint32_t handle, uint32_t resource)
{
	PUT_OBJECT(scene, CREATE_OBJECT, SAMPLER_VIEW, handle, resource, BGRA, 0, 0, 0);
}

static void put_blend(struct scene *scene, uint32_t handle)
{
	PUT_OBJECT(scene, CREATE_OBJECT, BLEND, handle, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

static void put_draw(struct scene *scene)
{
	PUT_ZEROS(scene, DRAW_VBO, 12);
}

static void bind_shaders(struct scene *scene)
{
	PUT(scene, BIND_SHADER, 1, PIPE_SHADER_VERTEX);
	PUT(scene, BIND_SHADER, 2, PIPE_SHADER_FRAGMENT);
	PUT(scene, BIND_SHADER, 3, PIPE_SHADER_COMPUTE);
}

/*
 * What is there before each case:
 * - contexts 1 and 2;
 * - resources attached to context 1: texture 1 (16x16, 4 bytes each, levels 0 to 2) with 1024
 *   bytes of backing, texture 5 without backing, buffer 2 (256 bytes) with as many;
 * - texture 3 attached to context 2, texture 4 attached to none, both with a backing;
 * - in context 1 shaders 1 (vertex), 2 (fragment), 3 (compute), surface 10 on texture 1, blend
 *   object 11.
 */
static void scene_init(struct scene *scene, bool fault)
{
	memset(scene, 0, sizeof(*scene));
	scene->fault = fault;
	scene->validator = vgt_validator_create(on_violation, scene);
	assert_non_null(scene->validator);
	create_context(scene, 1, 0);
	create_context(scene, 2, VIRTIO_GPU_CAPSET_VIRGL2);
	for (uint32_t id = 1; id <= 5; id++) {
		if (id == 2) {
			create_buffer(scene, id);
		} else {
			create_texture(scene, id);
		}
		if (id != 5) {
			attach_backing(scene, id, id == 2 ? 256 : 1024);
		}
		if (id != 4) {
			attach_resource(scene, id == 3 ? 2 : 1, id);
		}
	}
	put_shader(scene, 1, PIPE_SHADER_VERTEX);
	put_shader(scene, 2, PIPE_SHADER_FRAGMENT);
	put_shader(scene, 3, PIPE_SHADER_COMPUTE);
	put_surface(scene, 10, 1);
	put_blend(scene, 11);
	submit(scene, 1);
}

static void scene_finish(struct scene *scene)
{
	vgt_validator_destroy(scene->validator);
}

static bool same(const struct found *a, const struct found *b)
{
	return a->command == b->command && a->virgl_command == b->virgl_command &&
	       strcmp(a->message, b->message) == 0;
}

/* What was found is what was expected, in that order. */
static bool scene_holds(const struct scene *scene)
{
	for (size_t i = 0; i < scene->expected_count && i < scene->found_count; i++) {
		if (!same(&scene->expected[i], &scene->found[i])) {
			return false;
		}
	}
	return scene->expected_count == scene->found_count;
}

static void print_found(const char *what, const struct found *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		print_error("%s @%" PRIu64 ".%" PRId32 ": %s\n", what, found[i].command,
			(int32_t)found[i].virgl_command, found[i].message);
	}
}

/* Makes the trace as it should be, and with the fault. */
static void check_case(void (*run)(struct scene *scene), const char *name)
{
	static struct scene scene;
	for (unsigned fault = 0; fault < 2; fault++) {
		scene_init(&scene, fault);
		run(&scene);
		/* whatever was wrong, it goes on */
		put_blend(&scene, 1000000);
		submit(&scene, 1);
		scene_finish(&scene);
		if (!scene_holds(&scene)) {
			print_found("expected", scene.expected, scene.expected_count);
			print_found("found   ", scene.found, scene.found_count);
			fail_msg("%s, %s the fault", name, fault ? "with" : "without");
		}
	}
	/* a case that expects nothing would prove nothing */
	if (!scene.expected_count) {
		fail_msg("%s has no fault", name);
	}
}

/* Framebuffers, draws */

static void framebuffer_of_nothing(struct scene *scene)
{
	PUT(scene, NOP);
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE: cbuf is surface 99, which does not exist");
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, pick(scene, 10, 99));
	submit(scene, 1);
}

static void framebuffer_of_shader(struct scene *scene)
{
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE: cbuf is shader 2, a surface expected");
	PUT(scene, SET_FRAMEBUFFER_STATE, 2, 0, 10, pick(scene, 10, 2));
	submit(scene, 1);
}

static void framebuffer_depth(struct scene *scene)
{
	expect_virgl(
		scene, "SET_FRAMEBUFFER_STATE: zsurf is blend object 11, a surface expected");
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, pick(scene, 10, 11), 0);
	submit(scene, 1);
}

static void framebuffer_count(struct scene *scene)
{
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE is 3 dwords long, 2 + 1 for each cbuf "
			    "expected");
	PUT(scene, SET_FRAMEBUFFER_STATE, pick(scene, 1, 2), 0, 10);
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE is 3 dwords long, 2 + 1 for each cbuf "
			    "expected");
	PUT(scene, SET_FRAMEBUFFER_STATE, pick(scene, 1, 0), 0, 10);
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE has 9 times cbuf, at most 8 are legal");
	if (scene->fault) {
		PUT(scene, SET_FRAMEBUFFER_STATE, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	} else {
		PUT(scene, SET_FRAMEBUFFER_STATE, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	}
	submit(scene, 1);
}

static void draw_without_vertex_shader(struct scene *scene)
{
	bind_shaders(scene);
	PUT(scene, BIND_SHADER, pick(scene, 1, 0), PIPE_SHADER_VERTEX);
	submit(scene, 1);
	PUT(scene, NOP);
	PUT(scene, NOP);
	expect_virgl(scene, "DRAW_VBO: no VERTEX shader is bound");
	put_draw(scene);
	submit(scene, 1);
}

static void draw_without_fragment_shader(struct scene *scene)
{
	PUT(scene, BIND_SHADER, 1, PIPE_SHADER_VERTEX);
	/* a fragment shader, but bound as another: nothing changes */
	PUT(scene, BIND_SHADER, 2, pick(scene, PIPE_SHADER_FRAGMENT, PIPE_SHADER_GEOMETRY));
	expect_virgl(scene, "DRAW_VBO: no FRAGMENT shader is bound");
	put_draw(scene);
	submit(scene, 1);
}

static void draw_in_other_sub_context(struct scene *scene)
{
	bind_shaders(scene);
	PUT(scene, CREATE_SUB_CTX, 5);
	PUT(scene, SET_SUB_CTX, pick(scene, 0, 5));
	expect_virgl(scene, "DRAW_VBO: no VERTEX shader is bound");
	expect_virgl(scene, "DRAW_VBO: no FRAGMENT shader is bound");
	put_draw(scene);
	submit(scene, 1);
}

static void launch_without_compute_shader(struct scene *scene)
{
	bind_shaders(scene);
	PUT(scene, BIND_SHADER, pick(scene, 3, 0), PIPE_SHADER_COMPUTE);
	expect_virgl(scene, "LAUNCH_GRID: no COMPUTE shader is bound");
	PUT(scene, LAUNCH_GRID, 1, 1, 1, 1, 1, 1, 0, 0);
	submit(scene, 1);
}

/* A shader stays bound where its object is destroyed. */
static void draw_with_destroyed_shader(struct scene *scene)
{
	bind_shaders(scene);
	PUT_OBJECT(scene, DESTROY_OBJECT, SHADER, 1);
	put_draw(scene);
	expect_virgl(scene, "BIND_SHADER: handle is shader 1, which does not exist");
	PUT(scene, BIND_SHADER, pick(scene, 2, 1), pick(scene, PIPE_SHADER_FRAGMENT, 0));
	put_draw(scene);
	submit(scene, 1);
}

/* Resources in submits */

static void view_of_destroyed_resource(struct scene *scene)
{
	put_view(scene, 20, 1);
	submit(scene, 1);
	unref(scene, pick(scene, 5, 1));
	expect_virgl(scene,
		"CREATE_OBJECT SAMPLER_VIEW: res_handle is resource 1, which does not exist");
	put_view(scene, 21, 1);
	/* the view keeps the resource that it was made of */
	PUT(scene, SET_SAMPLER_VIEWS, PIPE_SHADER_FRAGMENT, 0, 20);
	submit(scene, 1);
}

static void view_of_unattached_resource(struct scene *scene)
{
	expect_virgl(scene,
		"CREATE_OBJECT SAMPLER_VIEW: res_handle is resource 4, which is not attached "
		"to context 1");
	put_view(scene, 20, pick(scene, 1, 4));
	submit(scene, 1);
}

static void view_of_other_contexts_resource(struct scene *scene)
{
	put_view(scene, 20, 3);
	submit(scene, 2);
	expect_virgl(scene,
		"CREATE_OBJECT SAMPLER_VIEW: res_handle is resource 3, which is not attached "
		"to context 1");
	put_view(scene, 21, 3);
	submit(scene, pick(scene, 2, 1));
}

static void detached_resource(struct scene *scene)
{
	detach_resource(scene, 1, pick(scene, 1, 2));
	PUT(scene, NOP);
	expect_virgl(scene,
		"SET_INDEX_BUFFER: res_handle is resource 2, which is not attached to context "
		"1");
	PUT(scene, SET_INDEX_BUFFER, 2, 2, 0);
	submit(scene, 1);
}

/* What has the id now is another resource, and a context made again has nothing. */
static void resource_of_the_same_id(struct scene *scene)
{
	unref(scene, 2);
	create_buffer(scene, 2);
	if (!scene->fault) {
		attach_resource(scene, 1, 2);
	}
	expect_virgl(scene,
		"SET_VERTEX_BUFFERS: res_handle is resource 2, which is not attached to "
		"context 1");
	PUT(scene, SET_VERTEX_BUFFERS, 0, 0, 0, 16, 0, 2);
	PUT(scene, SET_INDEX_BUFFER, 5, 2, 0);
	submit(scene, 1);
	destroy_context(scene, 1);
	create_context(scene, 1, 0);
	if (!scene->fault) {
		attach_resource(scene, 1, 5);
	}
	expect_virgl(scene,
		"SET_INDEX_BUFFER: res_handle is resource 5, which is not attached to context "
		"1");
	PUT(scene, SET_INDEX_BUFFER, 5, 2, 0);
	submit(scene, 1);
}

/* Shape of commands */

static void cut_short(struct scene *scene)
{
	bind_shaders(scene);
	put_draw(scene);
	expect_virgl(scene, "DRAW_VBO: is cut short: 12 dwords announced, 5 are there");
	put_draw(scene);
	scene->count -= scene->fault ? 7 : 0;
	submit(scene, 1);
}

static void cut_short_at_once(struct scene *scene)
{
	expect_virgl(scene, "virgl command: is cut short: 65535 dwords announced, 0 are there");
	put(scene, pick(scene, 0, VIRGL_CMD0(255, 0, 65535)), NULL, 0);
	submit(scene, 1);
	/* where dwords are left over, the first is taken for a header */
	PUT(scene, NOP);
	expect_virgl(scene, "CREATE_OBJECT: is cut short: 3 dwords announced, 2 are there");
	put(scene, pick(scene, VIRGL_CMD0(0, 0, 2), VIRGL_CMD0(1, 4, 3)), WORDS(1, 2) + 1, 2);
	submit(scene, 1);
}

static void half_a_dword(struct scene *scene)
{
	PUT(scene, NOP);
	PUT(scene, NOP);
	expect(scene, "SUBMIT_3D: ends within a dword: 6 bytes");
	submit_bytes(scene, 1, scene->fault ? 6 : 8);
	expect(scene, "SUBMIT_3D: ends within a dword: 3 bytes");
	submit_bytes(scene, 1, scene->fault ? 3 : 0);
}

/* Both at once. */
static void half_a_dword_and_cut_short(struct scene *scene)
{
	expect_virgl(scene, "NOP: is cut short: 3 dwords announced, 1 are there");
	PUT(scene, NOP, 1, 2, 3);
	expect(scene, "SUBMIT_3D: ends within a dword: 11 bytes");
	submit_bytes(scene, 1, scene->fault ? 11 : 16);
}

static void draw_length(struct scene *scene)
{
	static const struct {
		uint32_t good, bad;
		const char *message;
	} lengths[] = {
		{12, 9, "DRAW_VBO is 9 dwords long, 12, 14 or 20 expected"},
		{14, 13, "DRAW_VBO is 13 dwords long, 12, 14 or 20 expected"},
		{20, 21, "DRAW_VBO is 21 dwords long, 12, 14 or 20 expected"},
		{12, 0, "DRAW_VBO is 0 dwords long, 12, 14 or 20 expected"},
	};
	bind_shaders(scene);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		expect_virgl(scene, lengths[i].message);
		PUT_ZEROS(scene, DRAW_VBO, pick(scene, lengths[i].good, lengths[i].bad));
	}
	submit(scene, 1);
}

static void other_lengths(struct scene *scene)
{
	const uint32_t less = pick(scene, 0, 1);
	expect_virgl(scene, "BIND_SHADER is 1 dword long, 2 expected");
	PUT_ZEROS(scene, BIND_SHADER, 2 - less);
	expect_virgl(
		scene, "SET_VIEWPORT_STATE is 6 dwords long, 1 + 6 for each viewport expected");
	PUT_ZEROS(scene, SET_VIEWPORT_STATE, 7 - less);
	expect_virgl(scene, "SET_SCISSOR_STATE is 0 dwords long, 1 + 2 for each scissor "
			    "expected");
	PUT_ZEROS(scene, SET_SCISSOR_STATE, 1 - less);
	expect_virgl(scene, "CREATE_OBJECT SURFACE is 4 dwords long, 5 expected");
	put(scene, VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5 - less),
		WORDS(30, 1, BGRA, 0, 0) + 1, 5 - less);
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE: cbuf is surface 30, which does not exist");
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 30);
	expect_virgl(scene, "SEND_STRING_MARKER counts 9 bytes of text, 8 are there");
	PUT(scene, SEND_STRING_MARKER, pick(scene, 8, 9), 0, 0);
	submit(scene, 1);
}

static void unknown_operation(struct scene *scene)
{
	expect_virgl(scene, "virgl command: operation 200, object type 7 is unknown");
	put(scene, VIRGL_CMD0(pick(scene, VIRGL_CCMD_NOP, 200), pick(scene, 0, 7), 2),
		WORDS(0xdead, 0xbeef) + 1, 2);
	submit(scene, 1);
}

static void unknown_object_type(struct scene *scene)
{
	expect_virgl(scene, "virgl command: operation 1, object type 12 is unknown");
	put(scene,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, pick(scene, VIRGL_OBJECT_SURFACE, 12), 5),
		WORDS(30, 1, BGRA, 0, 0) + 1, 5);
	expect_virgl(scene, "virgl command: operation 1, object type 0 is unknown");
	put(scene,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, pick(scene, VIRGL_OBJECT_SURFACE, 0), 5),
		WORDS(31, 1, BGRA, 0, 0) + 1, 5);
	expect_virgl(scene, "virgl command: operation 2, object type 4 is unknown");
	put(scene,
		VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT,
			pick(scene, VIRGL_OBJECT_BLEND, VIRGL_OBJECT_SHADER), 1),
		WORDS(11) + 1, 1);
	submit(scene, 1);
}

static void unknown_values(struct scene *scene)
{
	expect_virgl(scene, "SET_CONSTANT_BUFFER: shader_type 9 is unknown");
	PUT(scene, SET_CONSTANT_BUFFER, pick(scene, 5, 9), 0, 1, 2, 3);
	expect_virgl(scene, "BIND_SHADER: type 6 is unknown");
	PUT(scene, BIND_SHADER, 1, pick(scene, 0, 6));
	expect_virgl(scene, "TRANSFER3D: direction 7 is unknown");
	PUT(scene, TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, 0, pick(scene, 1, 7));
	expect_virgl(scene, "CREATE_OBJECT SURFACE: format 9999 is unknown");
	PUT_OBJECT(scene, CREATE_OBJECT, SURFACE, 30, 1, pick(scene, BGRA, 9999), 0, 0);
	expect_virgl(scene, "CREATE_OBJECT SAMPLER_STATE: min_mip_filter 3 is unknown");
	PUT_OBJECT(scene, CREATE_OBJECT, SAMPLER_STATE, 31, pick(scene, 2, 3) << 11, 0, 0, 0, 0,
		0, 0, 0);
	bind_shaders(scene);
	expect_virgl(scene, "DRAW_VBO: mode 15 is unknown");
	PUT(scene, DRAW_VBO, 0, 0, pick(scene, 14, 15), 0, 0, 0, 0, 0, 0, 0, 0, 0);
	submit(scene, 1);
}

static void slots(struct scene *scene)
{
	const uint32_t one = pick(scene, 0, 1);
	expect_virgl(scene, "SET_VIEWPORT_STATE: start_slot 15 and 2 times viewport, there are "
			    "16");
	PUT(scene, SET_VIEWPORT_STATE, 14 + one, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	expect_virgl(scene, "SET_SAMPLER_VIEWS: start_slot 128 and 1 times view, there are "
			    "128");
	PUT(scene, SET_SAMPLER_VIEWS, 0, 127 + one, 0);
	expect_virgl(scene, "SET_SCISSOR_STATE: start_slot 4294967295 and 1 times scissor, "
			    "there are 16");
	PUT(scene, SET_SCISSOR_STATE, pick(scene, 15, UINT32_MAX), 0, 0);
	expect_virgl(scene, "BIND_SAMPLER_STATES: start_slot 32 and 1 times state, there are "
			    "32");
	PUT(scene, BIND_SAMPLER_STATES, 0, 31 + one, 0);
	expect_virgl(
		scene, "SET_SHADER_BUFFERS: start_slot 31 and 2 times buffer, there are 32");
	PUT(scene, SET_SHADER_BUFFERS, 0, 30 + one, 0, 0, 0, 0, 0, 0);
	expect_virgl(scene, "SET_VERTEX_BUFFERS has 33 times vertex_buffer, at most 32 are "
			    "legal");
	put(scene, VIRGL_CMD0(VIRGL_CCMD_SET_VERTEX_BUFFERS, 0, 96 + 3 * one),
		(const uint32_t[99]){0}, 96 + 3 * one);
	submit(scene, 1);
}

/* Where nothing is set, the renderer looks at the slot all the same, or it does not. */
static void slots_of_nothing(struct scene *scene)
{
	const uint32_t one = pick(scene, 0, 1);
	expect_virgl(scene, "SET_SCISSOR_STATE: start_slot is 16, less than 16 expected");
	PUT(scene, SET_SCISSOR_STATE, 15 + one);
	expect_virgl(scene, "SET_VIEWPORT_STATE: start_slot is 17, less than 17 expected");
	PUT(scene, SET_VIEWPORT_STATE, 16 + one);
	expect_virgl(scene, "SET_SAMPLER_VIEWS: start_slot is 129, less than 129 expected");
	PUT(scene, SET_SAMPLER_VIEWS, 0, 128 + one);
	expect_virgl(scene, "BIND_SAMPLER_STATES: start_slot is 4294967295, less than 33 "
			    "expected");
	PUT(scene, BIND_SAMPLER_STATES, 0, pick(scene, 32, UINT32_MAX));
	PUT(scene, SET_SHADER_BUFFERS, 0, UINT32_MAX);
	PUT(scene, SET_SHADER_IMAGES, 0, UINT32_MAX);
	PUT(scene, SET_ATOMIC_BUFFERS, UINT32_MAX, 0);
	submit(scene, 1);
}

/* The renderer divides: what is left over is nothing. */
static void left_over_dwords(struct scene *scene)
{
	const uint32_t stage = pick(scene, 0, 6);
	PUT(scene, SET_SHADER_BUFFERS, 0, 31, 0, 16, 2, 7, 8);
	PUT(scene, SET_SHADER_IMAGES, 0, 31, 67, 1, 0, 0, 1, 6, 7, 8, 9);
	PUT(scene, SET_ATOMIC_BUFFERS, 31, 0, 16, 2, 7, 8);
	expect_virgl(scene, "SET_ATOMIC_BUFFERS: start_slot 32 and 1 times buffer, there are "
			    "32");
	PUT(scene, SET_ATOMIC_BUFFERS, pick(scene, 31, 32), 0, 16, 2, 7);
	expect_virgl(scene, "SET_SHADER_BUFFERS: shader_type 6 is unknown");
	PUT(scene, SET_SHADER_BUFFERS, stage, 0, 7, 8);
	expect_virgl(scene, "SET_SHADER_BUFFERS is 1 dword long, 2 or more expected");
	PUT_ZEROS(scene, SET_SHADER_BUFFERS, pick(scene, 2, 1));
	expect_virgl(scene, "SET_ATOMIC_BUFFERS is 1 dword long, 2 or more expected");
	PUT_ZEROS(scene, SET_ATOMIC_BUFFERS, pick(scene, 2, 1));
	expect_virgl(scene, "SET_SHADER_IMAGES: res_handle is resource 77, which does not "
			    "exist");
	PUT(scene, SET_SHADER_IMAGES, 0, 0, 67, 1, 0, 0, pick(scene, 1, 77), 99, 99);
	submit(scene, 1);
}

/* vrend_decode_create_ve, vrend_decode_set_uniform_buffer */
static void limits(struct scene *scene)
{
	const uint32_t one = pick(scene, 0, 1);
	uint32_t elements[1 + 33 * 4] = {30};
	for (size_t i = 0; i < 33; i++) {
		elements[1 + 4 * i + 3] = 31; /* R32G32B32A32_FLOAT */
	}
	expect_virgl(scene, "CREATE_OBJECT VERTEX_ELEMENTS: vertex_buffer_index is 32, less "
			    "than 32 expected");
	PUT_OBJECT(scene, CREATE_OBJECT, VERTEX_ELEMENTS, 31, 0, 0, 31 + one, 31);
	expect_virgl(scene, "CREATE_OBJECT VERTEX_ELEMENTS has 33 times element, at most 32 "
			    "are legal");
	put(scene,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_VERTEX_ELEMENTS,
			1 + 4 * (32 + one)),
		elements, 1 + 4 * (32 + one));
	expect_virgl(scene, "BIND_OBJECT VERTEX_ELEMENTS: handle is vertex elements object 30, "
			    "which does not exist");
	PUT_OBJECT(scene, BIND_OBJECT, VERTEX_ELEMENTS, 30);
	expect_virgl(scene, "SET_UNIFORM_BUFFER: index is 4294967295, less than 32 expected");
	PUT(scene, SET_UNIFORM_BUFFER, 0, pick(scene, 31, UINT32_MAX), 0, 16, 2);
	submit(scene, 1);
}

/* Objects */

static void handle_twice(struct scene *scene)
{
	expect_virgl(
		scene, "CREATE_OBJECT BLEND: handle is blend object 11, which exists already");
	put_blend(scene, pick(scene, 12, 11));
	/* one namespace for all */
	expect_virgl(scene, "CREATE_OBJECT SURFACE: handle is shader 2, which exists already");
	put_surface(scene, pick(scene, 13, 2), 1);
	/* what has the handle now is another object */
	PUT_OBJECT(scene, DESTROY_OBJECT, SURFACE, pick(scene, 13, 2));
	put_shader(scene, pick(scene, 13, 2), PIPE_SHADER_FRAGMENT);
	submit(scene, 1);
}

static void handle_zero(struct scene *scene)
{
	expect_virgl(scene, "CREATE_OBJECT BLEND: handle is 0, a blend object expected");
	put_blend(scene, pick(scene, 12, 0));
	expect_virgl(scene, "DESTROY_OBJECT: handle is 0, an object expected");
	PUT_OBJECT(scene, DESTROY_OBJECT, BLEND, pick(scene, 12, 0));
	expect_virgl(scene, "CREATE_OBJECT SURFACE: res_handle is 0, a resource expected");
	put_surface(scene, 13, pick(scene, 1, 0));
	expect_virgl(scene, "BEGIN_QUERY: handle is 0, a query expected");
	if (scene->fault) {
		PUT(scene, BEGIN_QUERY, 0);
	} else {
		/* where 0 is legal */
		PUT_OBJECT(scene, BIND_OBJECT, BLEND, 0);
		PUT(scene, SET_INDEX_BUFFER, 0);
		PUT(scene, SET_RENDER_CONDITION, 0, 0, 0);
		PUT(scene, SET_SUB_CTX, 0);
		PUT(scene, LINK_SHADER, 0, 0, 0, 0, 0, 0);
	}
	submit(scene, 1);
}

static void destroyed_object(struct scene *scene)
{
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 11);
	PUT_OBJECT(scene, DESTROY_OBJECT, BLEND, 11);
	if (!scene->fault) {
		put_blend(scene, 11);
	}
	expect_virgl(
		scene, "BIND_OBJECT BLEND: handle is blend object 11, which does not exist");
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 11);
	expect_virgl(scene, "DESTROY_OBJECT: handle is object 11, which does not exist");
	PUT_OBJECT(scene, DESTROY_OBJECT, BLEND, 11);
	submit(scene, 1);
}

static void object_kinds(struct scene *scene)
{
	PUT_OBJECT(scene, CREATE_OBJECT, MSAA_SURFACE, 30, 1, BGRA, 0, 0, 4);
	PUT_OBJECT(scene, CREATE_OBJECT, QUERY, 31, 0, 0, 2);
	PUT_OBJECT(scene, CREATE_OBJECT, STREAMOUT_TARGET, 32, 2, 0, 256);
	PUT_OBJECT(scene, CREATE_OBJECT, VERTEX_ELEMENTS, 33, 0, 0, 0, BGRA);
	put_view(scene, 34, 1);
	/* a multisampled surface is a surface */
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 30);
	expect_virgl(scene, "BEGIN_QUERY: handle is stream output target 32, a query expected");
	PUT(scene, BEGIN_QUERY, pick(scene, 31, 32));
	expect_virgl(scene,
		"SET_STREAMOUT_TARGETS: target is query 31, a stream output target expected");
	PUT(scene, SET_STREAMOUT_TARGETS, 0, pick(scene, 32, 31));
	expect_virgl(scene, "SET_SAMPLER_VIEWS: view is surface 30, a sampler view expected");
	PUT(scene, SET_SAMPLER_VIEWS, 0, 0, pick(scene, 34, 30));
	expect_virgl(scene, "BIND_OBJECT VERTEX_ELEMENTS: handle is sampler view 34, a vertex "
			    "elements object expected");
	PUT_OBJECT(scene, BIND_OBJECT, VERTEX_ELEMENTS, pick(scene, 33, 34));
	submit(scene, 1);
}

static void object_of_other_sub_context(struct scene *scene)
{
	PUT(scene, CREATE_SUB_CTX, 5);
	PUT(scene, SET_SUB_CTX, pick(scene, 0, 5));
	expect_virgl(
		scene, "BIND_OBJECT BLEND: handle is blend object 11, which does not exist");
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 11);
	/* the same handle is another object there */
	PUT(scene, SET_SUB_CTX, 5);
	put_surface(scene, 11, 1);
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 11);
	PUT(scene, SET_SUB_CTX, 0);
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 11);
	submit(scene, 1);
}

static void object_of_other_context(struct scene *scene)
{
	expect_virgl(scene, "BIND_OBJECT BLEND: handle is blend object 11, which does not "
			    "exist");
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 11);
	submit(scene, pick(scene, 1, 2));
}

static void destroyed_sub_context(struct scene *scene)
{
	PUT(scene, CREATE_SUB_CTX, 5);
	PUT(scene, CREATE_SUB_CTX, 6);
	expect_virgl(scene, "CREATE_SUB_CTX: sub_ctx is sub-context 5, which exists already");
	PUT(scene, CREATE_SUB_CTX, pick(scene, 7, 5));
	/* nor is it selected (vrend_renderer_create_sub_ctx) */
	put_blend(scene, 77);
	PUT(scene, SET_SUB_CTX, pick(scene, 7, 6));
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 77);
	PUT(scene, SET_SUB_CTX, 5);
	put_blend(scene, 1);
	PUT(scene, DESTROY_SUB_CTX, pick(scene, 6, 5));
	expect_virgl(scene, "SET_SUB_CTX: sub_ctx is sub-context 5, which does not exist");
	PUT(scene, SET_SUB_CTX, 5);
	/* 0 is selected in the place of what was destroyed */
	expect_virgl(scene, "BIND_OBJECT BLEND: handle is shader 1, a blend object expected");
	PUT_OBJECT(scene, BIND_OBJECT, BLEND, 1);
	expect_virgl(scene, "DESTROY_SUB_CTX: sub_ctx is sub-context 5, which does not exist");
	PUT(scene, DESTROY_SUB_CTX, 5);
	PUT(scene, SET_SUB_CTX, 0);
	submit(scene, 1);
}

/* A shader whose text comes in several commands (vrend_create_shader). */
static void long_shader(struct scene *scene)
{
	const uint32_t goes_on = 1u << 31;
	PUT_OBJECT(scene, CREATE_OBJECT, SHADER, 40, PIPE_SHADER_VERTEX, 12, 3, 0, 0x41414141);
	PUT_OBJECT(scene, CREATE_OBJECT, SHADER, 40, PIPE_SHADER_VERTEX, 4 | goes_on, 3, 0,
		0x41414141);
	submit(scene, 1);
	create_texture(scene, 30); /* which is no part of the shader */
	expect_virgl(scene, "CREATE_OBJECT SHADER: handle is shader 41, which does not exist");
	PUT_OBJECT(scene, CREATE_OBJECT, SHADER, pick(scene, 40, 41), PIPE_SHADER_VERTEX,
		8 | goes_on, 3, 0, 0x41414141);
	expect_virgl(
		scene, "CREATE_OBJECT SHADER: handle is blend object 11, a shader expected");
	PUT_OBJECT(scene, CREATE_OBJECT, SHADER, pick(scene, 40, 11), PIPE_SHADER_VERTEX,
		8 | goes_on, 3, 0, 0x41414141);
	expect_virgl(scene, "CREATE_OBJECT SHADER: handle is shader 40, which exists already");
	PUT_OBJECT(scene, CREATE_OBJECT, SHADER, pick(scene, 42, 40), PIPE_SHADER_VERTEX, 4, 3,
		0, 0x41414141);
	PUT(scene, BIND_SHADER, 40, PIPE_SHADER_VERTEX);
	submit(scene, 1);
}

/* Codecs and buffers have a namespace each. */
static void video_handles(struct scene *scene)
{
	PUT(scene, CREATE_VIDEO_CODEC, 5, 0, 1, 1, 0, 16, 16);
	expect_virgl(scene, "BEGIN_FRAME: target is video buffer 5, which does not exist");
	if (!scene->fault) {
		PUT(scene, CREATE_VIDEO_BUFFER, 5, 166, 16, 16, 1);
	}
	PUT(scene, BEGIN_FRAME, 5, 5);
	submit(scene, 1);
	expect_virgl(
		scene, "CREATE_VIDEO_CODEC: handle is video codec 5, which exists already");
	PUT(scene, CREATE_VIDEO_CODEC, pick(scene, 6, 5), 0, 1, 1, 0, 16, 16, 4);
	PUT(scene, DESTROY_VIDEO_CODEC, pick(scene, 6, 5));
	expect_virgl(scene, "END_FRAME: codec is video codec 5, which does not exist");
	expect_virgl(scene, "END_FRAME: target is video buffer 5, which does not exist");
	PUT(scene, END_FRAME, 5, 5);
	expect_virgl(
		scene, "DESTROY_VIDEO_BUFFER: handle is video buffer 5, which does not exist");
	PUT(scene, DESTROY_VIDEO_BUFFER, 5);
	expect_virgl(scene, "CREATE_VIDEO_BUFFER: res_handle is resource 9, which does not "
			    "exist");
	PUT(scene, CREATE_VIDEO_BUFFER, 7, 166, 16, 16, pick(scene, 0, 9));
	submit(scene, 1);
}

static void video_memory(struct scene *scene)
{
	PUT(scene, CREATE_VIDEO_CODEC, 5, 0, 1, 1, 0, 16, 16);
	PUT(scene, CREATE_VIDEO_BUFFER, 5, 166, 16, 16, 1);
	submit(scene, 1);
	create_buffer(scene, 6);
	attach_resource(scene, 1, 6);
	attach_backing(scene, 6, pick(scene, 256, 255));
	PUT(scene, BEGIN_FRAME, 5, 5);
	expect_virgl(scene,
		"DECODE_BITSTREAM: needs guest memory from byte 0 to 256, there are 255");
	PUT(scene, DECODE_BITSTREAM, 5, 5, 2, 6, 256);
	submit(scene, 1);
}

/* Transfers */

static void transfer_to_host(struct scene *scene)
{
	struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1);
	FEED(scene, command);
	command.offset = pick(scene, 0, 1);
	expect(scene,
		"TRANSFER_TO_HOST_3D: needs guest memory from byte 1 to 1025, there are 1024");
	FEED(scene, command);
	/* the last row is the last that is needed */
	command.offset = scene->fault ? UINT64_MAX - 15 : 1024 - 16;
	command.box = (struct virtio_gpu_box){4, 4, 0, 4, 1, 1};
	expect(scene, "TRANSFER_TO_HOST_3D: needs guest memory from byte 18446744073709551600 "
		      "to 0, there are 1024");
	FEED(scene, command);
}

static void transfer_from_host(struct scene *scene)
{
	struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1);
	command.box = (struct virtio_gpu_box){0, 0, 0, 8, 8, 1};
	command.level = 1;
	command.offset = pick(scene, 768, 769);
	expect(scene, "TRANSFER_FROM_HOST_3D: needs guest memory from byte 769 to 1025, there "
		      "are 1024");
	FEED(scene, command);
}

static void transfer_2d(struct scene *scene)
{
	struct virtio_gpu_transfer_to_host_2d command = {
		{.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D}, {0, 8, 16, 8}, 512, 1, 0};
	FEED(scene, command);
	command.offset = pick(scene, 512, 516);
	expect(scene,
		"TRANSFER_TO_HOST_2D: needs guest memory from byte 516 to 1028, there are "
		"1024");
	FEED(scene, command);
	command.offset = 0;
	command.r.y = pick(scene, 8, 9);
	expect(scene, "TRANSFER_TO_HOST_2D: box 0,9,0 16x8x1 at level 0 lies outside the "
		      "resource");
	FEED(scene, command);
}

static void transfer_in_submit(struct scene *scene)
{
	PUT(scene, NOP);
	expect_virgl(
		scene, "TRANSFER3D: needs guest memory from byte 4 to 1028, there are 1024");
	PUT(scene, TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, pick(scene, 0, 4), 1);
	expect_virgl(
		scene, "TRANSFER3D: needs guest memory from byte 8 to 1032, there are 1024");
	PUT(scene, TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, pick(scene, 0, 8), 2);
	expect_virgl(scene, "TRANSFER3D: resource 5 has no backing");
	PUT(scene, TRANSFER3D, pick(scene, 1, 5), 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, 0, 1);
	submit(scene, 1);
}

static void copy_transfer(struct scene *scene)
{
	/* 256 bytes of buffer 2 are 4 rows of texture 1 */
	expect_virgl(
		scene, "COPY_TRANSFER3D: needs guest memory from byte 0 to 320, there are 256");
	PUT(scene, COPY_TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, pick(scene, 4, 5), 1, 2, 0, 1);
	expect_virgl(
		scene, "COPY_TRANSFER3D: needs guest memory from byte 1 to 257, there are 256");
	PUT(scene, COPY_TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 4, 1, 2, pick(scene, 0, 1),
		VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST);
	expect_virgl(scene, "COPY_TRANSFER3D: resource 5 has no backing");
	PUT(scene, COPY_TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 4, 1, pick(scene, 2, 5), 0, 0);
	/* the texture needs none of its own */
	PUT(scene, COPY_TRANSFER3D, 5, 0, 0, 0, 0, 0, 0, 0, 16, 4, 1, 2, 0, 0);
	expect_virgl(
		scene, "COPY_TRANSFER3D: src_res_handle is resource 77, which does not exist");
	PUT(scene, COPY_TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 4, 1, pick(scene, 2, 77), 0, 0);
	submit(scene, 1);
}

static void inline_write(struct scene *scene)
{
	/* two rows of two texels: 16 bytes, at a stride of 12 they are 20 */
	PUT(scene, RESOURCE_INLINE_WRITE, 1, 0, 0, 8, 0, 0, 0, 0, 2, 2, 1, 1, 2, 3, 4);
	expect_virgl(scene,
		"RESOURCE_INLINE_WRITE: needs guest memory from byte 0 to 20, there are 16");
	PUT(scene, RESOURCE_INLINE_WRITE, 1, 0, 0, pick(scene, 8, 12), 0, 0, 0, 0, 2, 2, 1, 1,
		2, 3, 4);
	expect_virgl(scene,
		"RESOURCE_INLINE_WRITE: box 250,0,0 8x1x1 at level 0 lies outside the "
		"resource");
	PUT(scene, RESOURCE_INLINE_WRITE, 2, 0, 0, 0, 0, pick(scene, 248, 250), 0, 0, 8, 1, 1,
		1, 2);
	expect_virgl(scene, "RESOURCE_INLINE_WRITE is 11 dwords long, 12 or more expected");
	if (scene->fault) {
		PUT(scene, RESOURCE_INLINE_WRITE, 2, 0, 0, 0, 0, 0, 0, 0, 4, 1, 1);
	} else {
		PUT(scene, RESOURCE_INLINE_WRITE, 2, 0, 0, 0, 0, 0, 0, 0, 4, 1, 1, 0);
	}
	submit(scene, 1);
}

static void feed_iov(struct scene *scene, uint32_t size)
{
	const struct {
		struct vgt_iov iov;
		uint32_t lengths[2];
	} iov = {{2, 0}, {100, size - 100}};
	feed(scene, VGT_RECORD_IOV, &iov, sizeof(iov));
}

static void feed_memory(
	struct scene *scene, uint32_t id, uint32_t flags, uint64_t offset, uint32_t size)
{
	static struct {
		struct vgt_mem mem;
		uint8_t bytes[2048];
	} memory;
	memory.mem = (struct vgt_mem){id, flags, offset};
	feed(scene, VGT_RECORD_MEM, &memory, sizeof(memory.mem) + size);
}

static void own_iov(struct scene *scene)
{
	/* texture 5 has no backing, and needs none */
	struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 5);
	for (unsigned i = 0; i < 2; i++) {
		feed_iov(scene, pick(scene, 1024, 1023));
		expect(scene, "MEM: 1024 bytes at 0 of resource 5, whose memory has 1023");
		feed_memory(scene, 5, VGT_MEM_OWN_IOV, 0, 1024);
		command.hdr.type = i ? VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D
				     : VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D;
		expect(scene, i ? "TRANSFER_FROM_HOST_3D: needs guest memory from byte 0 to "
				  "1024, there are 1023"
				: "TRANSFER_TO_HOST_3D: needs guest memory from byte 0 to "
				  "1024, there are 1023");
		feed_flags(scene, (uint16_t)command.hdr.type, VGT_RECORD_OWN_IOV, &command,
			sizeof(command));
	}
	/* it is spent */
	if (!scene->fault) {
		feed_iov(scene, 1024);
	}
	expect(scene, "TRANSFER_FROM_HOST_3D: needs guest memory from byte 0 to 1024, there "
		      "are 0");
	feed_flags(scene, (uint16_t)command.hdr.type, VGT_RECORD_OWN_IOV, &command,
		sizeof(command));
}

static void no_backing(struct scene *scene)
{
	expect(scene, "TRANSFER_TO_HOST_3D: resource 5 has no backing");
	upload(scene, pick(scene, 1, 5));
	expect(scene, "TRANSFER_TO_HOST_3D: resource_id is resource 77, which does not exist");
	upload(scene, pick(scene, 1, 77));
	attach_backing(scene, 5, 1024);
	upload(scene, 5);
}

static void backing_twice(struct scene *scene)
{
	if (!scene->fault) {
		detach_backing(scene, 1);
	}
	expect(scene, "RESOURCE_ATTACH_BACKING: resource 1 has a backing already");
	attach_backing(scene, 1, 2048);
	upload(scene, 1);
	expect(scene, "RESOURCE_ATTACH_BACKING: resource_id is resource 77, which does not "
		      "exist");
	attach_backing(scene, pick(scene, 5, 77), 16);
}

static void detached_backing(struct scene *scene)
{
	detach_backing(scene, pick(scene, 3, 1));
	expect(scene, "TRANSFER_TO_HOST_3D: resource 1 has no backing");
	upload(scene, 1);
	/* the resource that comes next under its id begins without */
	unref(scene, 4);
	create_texture(scene, 4);
	if (!scene->fault) {
		attach_backing(scene, 4, 1024);
	}
	expect(scene, "TRANSFER_TO_HOST_3D: resource 4 has no backing");
	upload(scene, 4);
}

static void refused_backing(struct scene *scene)
{
	uint64_t attach = scene->command;
	attach_backing(scene, 5, 1024);
	upload(scene, 5); /* believed until it is denied */
	expect_at(scene, attach, NOWHERE, "response: the host refused it with 22");
	respond(scene, attach, scene->fault ? 22 : 0);
	expect(scene, "TRANSFER_TO_HOST_3D: resource 5 has no backing");
	upload(scene, 5);
	if (scene->fault) {
		attach_backing(scene, 5, 1024);
	}
	upload(scene, 5);
}

/* As virgl_renderer_resource_create is recorded: the older resource keeps what it has. */
static void refused_creation_with_backing(struct scene *scene)
{
	uint64_t create = scene->command;
	expect(scene, "RESOURCE_CREATE_3D: resource_id is resource 1, which exists already");
	create_texture(scene, pick(scene, 6, 1));
	attach_backing(scene, pick(scene, 6, 1), 16);
	expect_at(scene, create, NOWHERE, "response: the host refused it with -22");
	respond(scene, create, scene->fault ? -22 : 0);
	expect_at(scene, create + 1, NOWHERE, "response: the host refused it with -22");
	respond(scene, create + 1, scene->fault ? -22 : 0);
	upload(scene, 1);
	PUT(scene, TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, 0, 1);
	submit(scene, 1);
}

static void blob(struct scene *scene)
{
	const struct {
		struct virtio_gpu_resource_create_blob create;
		struct virtio_gpu_mem_entry entries[2];
	} command = {{{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB}, 30,
			     pick(scene, VIRTIO_GPU_BLOB_MEM_GUEST, 9), 0, 2, 0, 4096},
		{{0, 1000, 0}, {0, 24, 0}}};
	expect(scene, "RESOURCE_CREATE_BLOB: blob_mem 9 is unknown");
	feed(scene, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, &command, sizeof(command));
	attach_resource(scene, 1, 30);
	/* nothing is known of its size until it has a type */
	PUT(scene, PIPE_RESOURCE_SET_TYPE, 30, BGRA, 2, 16, 16, 0, 0, 0, 64, 0);
	expect_virgl(
		scene, "TRANSFER3D: needs guest memory from byte 1 to 1025, there are 1024");
	PUT(scene, TRANSFER3D, 30, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, pick(scene, 0, 1), 1);
	submit(scene, 1);
}

/* What is refused is the first command of all, not what gave a blob or an import its memory. */
static void backing_of_another_command(struct scene *scene)
{
	const struct {
		struct virtio_gpu_resource_create_blob create;
		struct virtio_gpu_mem_entry entry;
	} blob = {{{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB}, 5, VIRTIO_GPU_BLOB_MEM_GUEST,
			  0, 1, 0, 1024},
		{0, 1024, 0}};
	const struct virtio_gpu_resource_create_3d imported = texture(4);
	attach_backing(scene, 5, 16);
	unref(scene, 5);
	feed(scene, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, &blob, sizeof(blob));
	expect_at(scene, 0, NOWHERE, "response: the host refused it with -1");
	respond(scene, 0, scene->fault ? -1 : 0);
	feed_memory(scene, 5, 0, 0, 1024);
	unref(scene, 5);
	unref(scene, 4);
	create_texture(scene, 4);
	attach_backing(scene, 4, 16);
	unref(scene, 4);
	feed_flags(scene, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VGT_RECORD_IMPORTED, &imported,
		sizeof(imported));
	expect_at(scene, 1, NOWHERE, "response: the host refused it with -1");
	respond(scene, 1, scene->fault ? -1 : 0);
	upload(scene, 4);
	/* the import itself is refused: there is no such resource */
	expect_at(scene, scene->command - 2, NOWHERE, "response: the host refused it with -1");
	respond(scene, scene->command - 2, scene->fault ? -1 : 0);
	expect(scene, "MEM: 8 bytes at 0 of resource 4, whose memory has 0");
	feed_memory(scene, 4, 0, 0, 8);
}

static void boxes(struct scene *scene)
{
	struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1);
	command.box.x = pick(scene, 0, 1);
	expect(scene, "TRANSFER_TO_HOST_3D: box 1,0,0 16x16x1 at level 0 lies outside the "
		      "resource");
	FEED(scene, command);
	command.box = (struct virtio_gpu_box){0, 0, 0, 8, pick(scene, 8, 9), 1};
	command.level = 1;
	expect(scene, "TRANSFER_TO_HOST_3D: box 0,0,0 8x9x1 at level 1 lies outside the "
		      "resource");
	FEED(scene, command);
	command.box = (struct virtio_gpu_box){0, 0, 0, 1, 1, 1};
	command.level = pick(scene, 2, 3);
	expect(scene, "TRANSFER_TO_HOST_3D: box 0,0,0 1x1x1 at level 3 lies outside the "
		      "resource");
	FEED(scene, command);
	command.level = 0;
	command.box.d = pick(scene, 1, 2);
	expect(scene, "TRANSFER_TO_HOST_3D: box 0,0,0 1x1x2 at level 0 lies outside the "
		      "resource");
	FEED(scene, command);
	expect_virgl(scene,
		"TRANSFER3D: box 4294967295,0,0 2x1x1 at level 0 lies outside the resource");
	PUT(scene, TRANSFER3D, 1, 0, 0, 0, 0, pick(scene, 0, UINT32_MAX), 0, 0, 2, 1, 1, 0, 1);
	submit(scene, 1);
}

static void strides(struct scene *scene)
{
	struct virtio_gpu_resource_create_3d create = texture(30);
	create.target = PIPE_TEXTURE_2D_ARRAY;
	create.array_size = 4;
	FEED(scene, create);
	attach_backing(scene, 30, OPAQUE_BYTES);
	struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 30);
	command.box.d = 2;
	command.stride = pick(scene, 64, 63);
	expect(scene, "TRANSFER_TO_HOST_3D: stride 63 is less than a row of 64 bytes");
	FEED(scene, command);
	command.stride = 68;
	command.layer_stride = pick(scene, 1088, 1087);
	expect(scene, "TRANSFER_TO_HOST_3D: layer_stride 1087 is less than 16 rows of 68 "
		      "bytes");
	FEED(scene, command);
	/* of one layer too (check_iov_bounds) */
	command.box.d = 1;
	expect(scene, "TRANSFER_TO_HOST_3D: layer_stride 1087 is less than 16 rows of 68 "
		      "bytes");
	FEED(scene, command);
	/* both 0: as the texture has them */
	command.stride = command.layer_stride = 0;
	command.box.d = 4;
	FEED(scene, command);
	command.offset = pick(scene, 0, 4);
	expect(scene,
		"TRANSFER_TO_HOST_3D: needs guest memory from byte 4 to 4100, there are 4096");
	FEED(scene, command);
}

/* Resources and contexts */

struct resource_fault {
	const char *message;
	uint32_t target, width, height, depth, array_size, last_level, nr_samples, flags;
	uint32_t bind; /* 0: texture()'s; NO_BIND for none */
};

#define NO_BIND UINT32_MAX

static const struct resource_fault resource_faults[] = {
	{"RESOURCE_CREATE_3D: a CUBE cannot have array_size 1", PIPE_TEXTURE_CUBE, 16, 16, 1, 1,
		0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: a CUBE cannot have array_size 12", PIPE_TEXTURE_CUBE, 16, 16, 1,
		12, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: a CUBE_ARRAY cannot have array_size 7", PIPE_TEXTURE_CUBE_ARRAY,
		16, 16, 1, 7, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: a 2D cannot have array_size 2", PIPE_TEXTURE_2D, 16, 16, 1, 2, 0,
		0, 0, 0},
	{"RESOURCE_CREATE_3D: a 3D cannot have array_size 2", PIPE_TEXTURE_3D, 16, 16, 16, 2, 0,
		0, 0, 0},
	{"RESOURCE_CREATE_3D: a 3D with 1 levels cannot have 4 samples", PIPE_TEXTURE_3D, 16,
		16, 16, 1, 0, 4, 0, 0},
	{"RESOURCE_CREATE_3D: a 2D with 3 levels cannot have 4 samples", PIPE_TEXTURE_2D, 16,
		16, 1, 1, 2, 4, 0, 0},
	{"RESOURCE_CREATE_3D: a BUFFER has one level, not 2", PIPE_BUFFER, 256, 1, 1, 1, 1, 0,
		0, 0},
	{"RESOURCE_CREATE_3D: a RECT has one level, not 3", PIPE_TEXTURE_RECT, 16, 16, 1, 1, 2,
		0, 0, 0},
	{"RESOURCE_CREATE_3D: a 2D has depth 1, not 2", PIPE_TEXTURE_2D, 16, 16, 2, 1, 0, 0, 0,
		0},
	{"RESOURCE_CREATE_3D: a RECT has depth 1, not 0", PIPE_TEXTURE_RECT, 16, 16, 0, 1, 0, 0,
		0, 0},
	{"RESOURCE_CREATE_3D: a CUBE has depth 1, not 6", PIPE_TEXTURE_CUBE, 16, 16, 6, 6, 0, 0,
		0, 0},
	{"RESOURCE_CREATE_3D: a 1D has height and depth 1, not 0 and 1", PIPE_TEXTURE_1D, 16, 0,
		1, 1, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: a 1D_ARRAY has height and depth 1, not 1 and 2",
		PIPE_TEXTURE_1D_ARRAY, 16, 1, 2, 5, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: a CUBE_ARRAY has square faces, not 16x8", PIPE_TEXTURE_CUBE_ARRAY,
		16, 8, 1, 6, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: 16x31 texels cannot have 7 levels", PIPE_TEXTURE_2D, 16, 31, 1, 1,
		6, 0, 0, 0},
	{"RESOURCE_CREATE_3D: 1x1 texels cannot have 4294967296 levels", PIPE_TEXTURE_2D, 1, 1,
		1, 1, UINT32_MAX, 0, 0, 0},
	{"RESOURCE_CREATE_3D: a 3D cannot have the flag Y_0_TOP", PIPE_TEXTURE_3D, 16, 16, 16,
		1, 0, 0, 1, 0},
	{"RESOURCE_CREATE_3D: a 2D cannot have bind 0x0, which is a buffer's", PIPE_TEXTURE_2D,
		16, 16, 1, 1, 0, 0, 0, NO_BIND},
	{"RESOURCE_CREATE_3D: a 1D cannot have bind 0x40, which is a buffer's", PIPE_TEXTURE_1D,
		16, 1, 1, 1, 0, 0, 0, VIRGL_BIND_CONSTANT_BUFFER},
	{"RESOURCE_CREATE_3D: bind 0x30 is neither a buffer's nor a texture's", PIPE_BUFFER,
		256, 1, 1, 1, 0, 0, 0, VIRGL_BIND_VERTEX_BUFFER | VIRGL_BIND_INDEX_BUFFER},
	{"RESOURCE_CREATE_3D: bind 0x80 is neither a buffer's nor a texture's", PIPE_TEXTURE_2D,
		16, 16, 1, 1, 0, 0, 0, VIRGL_BIND_DISPLAY_TARGET},
	{"RESOURCE_CREATE_3D: a BUFFER has height and depth 1, not 2 and 1", PIPE_BUFFER, 256,
		2, 1, 1, 0, 0, 0, VIRGL_BIND_STAGING},
	{"RESOURCE_CREATE_3D: a BUFFER has height and depth 1, not 1 and 0", PIPE_BUFFER, 256,
		1, 0, 1, 0, 0, 0, NO_BIND},
	{"RESOURCE_CREATE_3D: width is 0", PIPE_TEXTURE_2D, 0, 16, 1, 1, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: target 9 is unknown", 9, 16, 16, 1, 1, 0, 0, 0, 0},
	{"RESOURCE_CREATE_3D: flags has unknown bits 0x18", PIPE_TEXTURE_2D, 16, 16, 1, 1, 0, 0,
		0x19, 0},
	/* as they may be */
	{NULL, PIPE_TEXTURE_CUBE, 16, 16, 1, 6, 2, 0, 0, 0},
	{NULL, PIPE_TEXTURE_CUBE_ARRAY, 16, 16, 1, 12, 2, 0, 0, 0},
	{NULL, PIPE_TEXTURE_1D_ARRAY, 16, 1, 1, 5, 2, 0, 0, 0},
	{NULL, PIPE_TEXTURE_2D_ARRAY, 16, 16, 1, 5, 0, 4, 0, 0},
	{NULL, PIPE_TEXTURE_2D, 16, 16, 1, 1, 0, 4, 7, 0},
	{NULL, PIPE_TEXTURE_3D, 16, 16, 16, 1, 2, 1, 0, 0},
	{NULL, PIPE_TEXTURE_RECT, 16, 16, 1, 1, 0, 0, 1, 0},
	{NULL, PIPE_TEXTURE_1D, 16, 1, 1, 1, 0, 0, 0, 0},
	/* one level more than there are texels for, as the renderer counts */
	{NULL, PIPE_TEXTURE_2D, 16, 31, 1, 1, 5, 0, 0, 0},
	{NULL, PIPE_TEXTURE_3D, 16, 16, 0, 1, 0, 0, 0, 0},
	{NULL, PIPE_BUFFER, 0, 1, 1, 1, 0, 0, 0, NO_BIND},
	{NULL, PIPE_BUFFER, 256, 1, 1, 0, 0, 0, 6, VIRGL_BIND_QUERY_BUFFER},
	{NULL, PIPE_BUFFER, 256, 1, 1, 1, 0, 0, 0, VIRGL_BIND_CUSTOM},
	/* with a texture's bind a buffer's height and depth do not count */
	{NULL, PIPE_BUFFER, 256, 0, 0, 1, 0, 0, 0, VIRGL_BIND_LINEAR | VIRGL_BIND_CUSTOM},
	{NULL, PIPE_TEXTURE_2D, 16, 0, 1, 1, 0, 0, 0, VIRGL_BIND_CURSOR},
	{NULL, PIPE_TEXTURE_2D, 16, 16, 1, 1, 0, 0, 0, VIRGL_BIND_DEPTH_STENCIL},
};

static void impossible_resources(struct scene *scene)
{
	for (uint32_t i = 0; i < COUNT(resource_faults); i++) {
		const struct resource_fault *fault = &resource_faults[i];
		struct virtio_gpu_resource_create_3d create = texture(100 + i);
		create.last_level = 0;
		if (scene->fault || !fault->message) {
			create.target = fault->target;
			create.width = fault->width;
			create.height = fault->height;
			create.depth = fault->depth;
			create.array_size = fault->array_size;
			create.last_level = fault->last_level;
			create.nr_samples = fault->nr_samples;
			create.flags = fault->flags;
			create.bind = fault->bind ? fault->bind : create.bind;
			create.bind = create.bind == NO_BIND ? 0 : create.bind;
		}
		if (fault->message) {
			expect(scene, fault->message);
		}
		FEED(scene, create);
	}
}

static void resource_ids(struct scene *scene)
{
	expect(scene, "RESOURCE_CREATE_3D: resource_id is resource 5, which exists already");
	create_texture(scene, pick(scene, 6, 5));
	expect(scene, "RESOURCE_CREATE_3D: resource_id is 0, a resource expected");
	create_texture(scene, pick(scene, 7, 0));
	struct virtio_gpu_resource_create_2d flat = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 8, pick(scene, 67, 5000), 4, 4};
	expect(scene, "RESOURCE_CREATE_2D: format 5000 is unknown");
	FEED(scene, flat);
	flat.resource_id = 9;
	flat.format = 67;
	flat.width = pick(scene, 4, 0);
	expect(scene, "RESOURCE_CREATE_2D: width is 0");
	FEED(scene, flat);
	unref(scene, 8);
	expect(scene, "RESOURCE_UNREF: resource_id is resource 8, which does not exist");
	unref(scene, pick(scene, 7, 8));
	expect(scene, "CTX_ATTACH_RESOURCE: resource_id is resource 8, which does not exist");
	attach_resource(scene, 1, pick(scene, 4, 8));
}

static void destroyed_context(struct scene *scene)
{
	create_context(scene, 3, 0);
	destroy_context(scene, 3);
	if (!scene->fault) {
		create_context(scene, 3, 0);
	}
	expect(scene, "CTX_ATTACH_RESOURCE: ctx_id is context 3, which does not exist");
	attach_resource(scene, 3, 1);
	expect(scene, "SUBMIT_3D: ctx_id is context 3, which does not exist");
	PUT(scene, NOP);
	submit(scene, 3);
	expect(scene, "TRANSFER_TO_HOST_3D: ctx_id is context 3, which does not exist");
	struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1);
	command.hdr.ctx_id = 3;
	FEED(scene, command);
	expect(scene, "CTX_DESTROY: ctx_id is context 3, which does not exist");
	destroy_context(scene, 3);
}

static void context_ids(struct scene *scene)
{
	expect(scene, "CTX_CREATE: ctx_id is context 2, which exists already");
	create_context(scene, pick(scene, 3, 2), 0);
	expect(scene, "CTX_CREATE: ctx_id is 0, a context expected");
	create_context(scene, pick(scene, 4, 0), 0);
}

static void refused_context(struct scene *scene)
{
	uint64_t create = scene->command;
	create_context(scene, 3, 0);
	expect_at(scene, create, NOWHERE, "response: the host refused it with 12");
	respond(scene, create, scene->fault ? 12 : 0);
	expect(scene, "SUBMIT_3D: ctx_id is context 3, which does not exist");
	PUT(scene, NOP);
	submit(scene, 3);
}

/* Of a language that is not virgl nothing is known. */
static void other_language(struct scene *scene)
{
	create_context(scene, 3, scene->fault ? VIRTIO_GPU_CAPSET_VIRGL : 4);
	expect_virgl(scene, "virgl command: operation 239, object type 190 is unknown");
	put(scene, 0x0001beef, WORDS(77) + 1, 1);
	expect_virgl(scene, "DRAW_VBO: no VERTEX shader is bound");
	expect_virgl(scene, "DRAW_VBO: no FRAGMENT shader is bound");
	put_draw(scene);
	expect_virgl(scene, "virgl command: is cut short: 48879 dwords announced, 1 are there");
	put(scene, 0xbeef00f0, WORDS(77) + 1, 1);
	expect(scene, "SUBMIT_3D: ends within a dword: 71 bytes");
	submit_bytes(scene, 3, scene->count * 4 + 3);
}

static void scanouts(struct scene *scene)
{
	const struct virtio_gpu_set_scanout set = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, 16, 16}, pick(scene, 15, 16), 1};
	expect(scene, "SET_SCANOUT: scanout_id is scanout 16, which does not exist");
	FEED(scene, set);
	const struct virtio_gpu_set_scanout_blob as_blob = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
		.resource_id = pick(scene, 0, 77),
		.format = 1};
	expect(scene, "SET_SCANOUT_BLOB: resource_id is resource 77, which does not exist");
	FEED(scene, as_blob);
	const struct virtio_gpu_update_cursor cursor = {
		.hdr.type = VIRTIO_GPU_CMD_UPDATE_CURSOR, .pos.scanout_id = pick(scene, 0, 16)};
	expect(scene, "UPDATE_CURSOR: scanout_id is scanout 16, which does not exist");
	FEED(scene, cursor);
}

static void unknown_command(struct scene *scene)
{
	const struct virtio_gpu_ctrl_hdr hdr = {
		.type = scene->fault ? 0x0400 : VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
	expect(scene, "control command: type 0x0400 is unknown");
	feed(scene, (uint16_t)hdr.type, &hdr, sizeof(hdr));
	/* of records that a later version may have nothing is known */
	feed(scene, 0x9000, &hdr, sizeof(hdr));
}

/* Records */

static void feed_frame(struct scene *scene, const struct vgt_frame *frame)
{
	feed(scene, VGT_RECORD_FRAME, frame, sizeof(*frame));
}

static void put_marker(struct scene *scene)
{
	PUT(scene, SEND_STRING_MARKER, 9, 0x3a746776, 0x6d617266, 0x65); /* vgt:frame */
}

static const struct vgt_frame marker_frame = {
	VGT_FRAME_MARKER, VGT_NO_SCANOUT, 1, 2, 0, 0, 16, 16};

static void submit_with_marker(struct scene *scene)
{
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 10);
	PUT(scene, NOP);
	put_marker(scene);
	submit(scene, 1);
}

static void frame_not_recorded(struct scene *scene)
{
	const struct vgt_poll poll = {0};
	submit_with_marker(scene);
	if (!scene->fault) {
		feed_frame(scene, &marker_frame);
	}
	respond(scene, scene->command - 1, 0);
	feed(scene, VGT_RECORD_POLL, &poll, sizeof(poll));
	/* known when the next command comes, or the end */
	expect_at(scene, scene->command - 1, NOWHERE,
		"FRAME: 1 that ended with this command is not recorded");
	PUT(scene, NOP);
	submit(scene, 1);
}

static void frame_not_recorded_at_end(struct scene *scene)
{
	const struct vgt_poll poll = {0};
	for (unsigned more = 0; more < 2; more++) {
		submit_with_marker(scene);
		if (!scene->fault) {
			feed_frame(scene, &marker_frame);
		}
		/* with a record behind the last command, and without */
		if (more) {
			feed(scene, VGT_RECORD_POLL, &poll, sizeof(poll));
		}
		expect_at(scene, scene->command - 1, NOWHERE,
			"FRAME: 1 that ended with this command is not recorded");
		vgt_validator_end(scene->validator);
	}
}

static void frame_too_many(struct scene *scene)
{
	PUT(scene, NOP);
	submit(scene, 1);
	if (scene->fault) {
		expect(scene, "FRAME: no frame ends with the command before it");
		feed_frame(scene, &marker_frame);
	}
	submit_with_marker(scene);
	feed_frame(scene, &marker_frame);
	if (scene->fault) {
		expect(scene, "FRAME: no frame ends with the command before it");
		feed_frame(scene, &marker_frame);
	}
}

static void frame_differs(struct scene *scene)
{
	for (unsigned i = 0; i < sizeof(marker_frame) / sizeof(uint32_t); i++) {
		uint32_t frame[sizeof(marker_frame) / sizeof(uint32_t)];
		memcpy(frame, &marker_frame, sizeof(frame));
		frame[i] += pick(scene, 0, 1);
		submit_with_marker(scene);
		expect(scene, "FRAME: is not what the commands before it say");
		feed(scene, VGT_RECORD_FRAME, frame, sizeof(frame));
	}
}

/* More than are kept. */
static void frames_in_one_submit(struct scene *scene)
{
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 10);
	for (unsigned i = 0; i < 100; i++) {
		put_marker(scene);
	}
	submit(scene, 1);
	for (uint32_t i = 0; i < pick(scene, 100, 98); i++) {
		struct vgt_frame frame = marker_frame;
		frame.virgl_command = 1 + i;
		feed_frame(scene, &frame);
	}
	expect_at(scene, scene->command - 1, NOWHERE,
		"FRAME: 2 that ended with this command are not recorded");
	PUT(scene, NOP);
	submit(scene, 1);
}

static void frame_by_flush(struct scene *scene)
{
	const struct virtio_gpu_set_scanout set = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {1, 2, 3, 4}, 0, 1};
	FEED(scene, set);
	const struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 16, 16}, 1, 0};
	FEED(scene, flush);
	const struct vgt_frame frame = {
		VGT_FRAME_FLUSH, 0, 1, VGT_NO_VIRGL_COMMAND, 1, 2, 3, pick(scene, 4, 16)};
	expect(scene, "FRAME: is not what the commands before it say");
	feed_frame(scene, &frame);
	/* the same picture once more is none */
	FEED(scene, flush);
	if (scene->fault) {
		expect(scene, "FRAME: no frame ends with the command before it");
		feed_frame(scene, &frame);
	}
}

static void response_to_nothing(struct scene *scene)
{
	uint64_t next = scene->command;
	char message[96];
	snprintf(message, sizeof(message),
		"RESPONSE: answers @%" PRIu64 ", which has not been given", next);
	expect(scene, message);
	respond(scene, scene->fault ? next : next - 1, 0);
	snprintf(message, sizeof(message),
		"RESPONSE: answers @%" PRIu64 ", which has not been given", UINT64_MAX);
	expect(scene, message);
	respond(scene, scene->fault ? UINT64_MAX : 0, scene->fault ? 22 : 0);
}

static void response_twice(struct scene *scene)
{
	char message[96];
	struct vgt_response digest = {scene->command, 0, VGT_RESPONSE_RENDERER, 5, 1024};
	const struct virtio_gpu_transfer_host_3d command =
		transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1);
	FEED(scene, command);
	/* one of each class is legal */
	respond(scene, digest.command, 0);
	feed(scene, VGT_RECORD_RESPONSE, &digest, sizeof(digest));
	snprintf(message, sizeof(message),
		"RESPONSE: answers @%" PRIu64 ", which has a response of this class already",
		digest.command);
	if (scene->fault) {
		expect(scene, message);
		feed(scene, VGT_RECORD_RESPONSE, &digest, sizeof(digest));
	}
	upload(scene, 1);
	respond(scene, scene->command - 1, 0);
	/* with another command answered in between */
	if (scene->fault) {
		expect(scene, message);
		respond(scene, digest.command, 0);
	}
	/* of two that are far from each other both are answered, the older one late */
	PUT(scene, NOP);
	submit(scene, 1);
	for (unsigned i = 0; i < 1024; i++) {
		upload(scene, 1);
		respond(scene, scene->command - 1, 0);
	}
	respond(scene, scene->command - 1025, 0);
	snprintf(message, sizeof(message),
		"RESPONSE: answers @%" PRIu64 ", which has a response of this class already",
		scene->command - 1);
	if (scene->fault) {
		expect(scene, message);
		respond(scene, scene->command - 1, 0);
	}
}

static void unknown_kinds(struct scene *scene)
{
	const struct vgt_fence fence = {.event = (uint16_t)pick(scene, VGT_FENCE_FAILED, 77),
		.scope = (uint16_t)pick(scene, VGT_FENCE_CONTEXT, 9)};
	expect(scene, "FENCE: event 77 is unknown");
	expect(scene, "FENCE: scope 9 is unknown");
	feed(scene, VGT_RECORD_FENCE, &fence, sizeof(fence));
	const struct vgt_response response = {
		.command = scene->command - 1, .class = pick(scene, VGT_RESPONSE_TIME, 55)};
	expect(scene, "RESPONSE: class 55 is unknown");
	feed(scene, VGT_RECORD_RESPONSE, &response, sizeof(response));
	const struct vgt_reset reset = {pick(scene, VGT_RESET_CLEANUP, 99), 0};
	expect(scene, "RESET: kind 99 is unknown");
	feed(scene, VGT_RECORD_RESET, &reset, sizeof(reset));
	create_context(scene, 1, 0);
}

static void refused_later(struct scene *scene)
{
	uint64_t refused = scene->command;
	PUT(scene, NOP);
	submit(scene, 1);
	PUT(scene, NOP);
	submit(scene, 1);
	expect_at(scene, refused, NOWHERE, "response: the host refused it with -12");
	respond(scene, refused, scene->fault ? -12 : 0);
	respond(scene, refused + 1, 0);
}

/* By the device: as one that never was, but told; and what is no command at all. */
static void refused_by_device(struct scene *scene)
{
	struct vgt_response refused = {scene->command, 0x1203, VGT_RESPONSE_REFUSED, 0, 0};
	expect(scene, "RESOURCE_CREATE_3D: resource_id is resource 1, which exists already");
	create_texture(scene, pick(scene, 6, 1));
	if (scene->fault) {
		expect_at(scene, refused.command, NOWHERE,
			"response: the device refused it: INVALID_RESOURCE_ID");
		feed(scene, VGT_RECORD_RESPONSE, &refused, sizeof(refused));
	}
	upload(scene, 1); /* from the backing that it has */
	const struct virtio_gpu_set_scanout set = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {1, 2, 3, 4}, 0, 1};
	const struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 16, 16}, 1, 0};
	refused.command = scene->command;
	FEED(scene, set);
	if (scene->fault) {
		expect_at(scene, refused.command, NOWHERE,
			"response: the device refused it: INVALID_RESOURCE_ID");
		feed(scene, VGT_RECORD_RESPONSE, &refused, sizeof(refused));
	}
	FEED(scene, flush);
	if (!scene->fault) {
		const struct vgt_frame frame = {
			VGT_FRAME_FLUSH, 0, 1, VGT_NO_VIRGL_COMMAND, 1, 2, 3, 4};
		feed_frame(scene, &frame);
	}
	const struct {
		struct vgt_bad_command bad;
		uint32_t type, rest;
	} bad = {{8}, VIRTIO_GPU_CMD_SUBMIT_3D, 0};
	if (scene->fault) {
		expect(scene, "BAD_COMMAND: 23 bytes are no command");
		feed(scene, VGT_RECORD_BAD_COMMAND, &(struct vgt_bad_command){23},
			sizeof(struct vgt_bad_command));
		expect(scene, "BAD_COMMAND: 8 bytes of type 0x0207 (SUBMIT_3D) are no command");
		feed(scene, VGT_RECORD_BAD_COMMAND, &bad, sizeof(bad));
	}
}

static void guest_memory(struct scene *scene)
{
	feed_memory(scene, 1, 0, 0, 1024);
	expect(scene, "MEM: 1024 bytes at 1 of resource 1, whose memory has 1024");
	feed_memory(scene, 1, 0, pick(scene, 0, 1), 1024);
	expect(scene, "MEM: 16 bytes at 1025 of resource 1, whose memory has 1024");
	feed_memory(scene, 1, 0, pick(scene, 1008, 1025), 16);
	expect(scene, "MEM: 1 bytes at 18446744073709551615 of resource 1, whose memory has "
		      "1024");
	feed_memory(scene, 1, 0, scene->fault ? UINT64_MAX : 1023, 1);
	expect(scene, "MEM: 1 bytes at 0 of resource 5, whose memory has 0");
	feed_memory(scene, pick(scene, 1, 5), 0, 0, 1);
	expect(scene, "MEM: 8 bytes at 0 of resource 77, whose memory has 0");
	feed_memory(scene, pick(scene, 2, 77), 0, 0, 8);
	feed_memory(scene, 1, 0, 1024, 0);
}

static void after_reset(struct scene *scene)
{
	if (scene->fault) {
		const struct vgt_reset reset = {VGT_RESET_DEVICE, 0};
		feed(scene, VGT_RECORD_RESET, &reset, sizeof(reset));
	}
	expect(scene, "TRANSFER_TO_HOST_3D: resource_id is resource 1, which does not exist");
	upload(scene, 1);
	expect(scene, "SUBMIT_3D: ctx_id is context 1, which does not exist");
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 10);
	submit(scene, 1);
	if (scene->fault) {
		create_context(scene, 1, 0);
		create_texture(scene, 1);
	}
	expect_virgl(scene, "SET_FRAMEBUFFER_STATE: cbuf is surface 10, which does not exist");
	PUT(scene, SET_FRAMEBUFFER_STATE, 1, 0, 10);
	expect_virgl(scene,
		"TRANSFER3D: res_handle is resource 1, which is not attached to context 1");
	expect_virgl(scene, "TRANSFER3D: resource 1 has no backing");
	PUT(scene, TRANSFER3D, 1, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, 0, 1);
	submit(scene, 1);
}

#define CASES(X) \
	X(framebuffer_of_nothing) \
	X(framebuffer_of_shader) \
	X(framebuffer_depth) \
	X(framebuffer_count) \
	X(draw_without_vertex_shader) \
	X(draw_without_fragment_shader) \
	X(draw_in_other_sub_context) \
	X(launch_without_compute_shader) \
	X(draw_with_destroyed_shader) \
	X(view_of_destroyed_resource) \
	X(view_of_unattached_resource) \
	X(view_of_other_contexts_resource) \
	X(detached_resource) \
	X(resource_of_the_same_id) \
	X(cut_short) \
	X(cut_short_at_once) \
	X(half_a_dword) \
	X(half_a_dword_and_cut_short) \
	X(draw_length) \
	X(other_lengths) \
	X(unknown_operation) \
	X(unknown_object_type) \
	X(unknown_values) \
	X(slots) \
	X(slots_of_nothing) \
	X(left_over_dwords) \
	X(limits) \
	X(handle_twice) \
	X(handle_zero) \
	X(destroyed_object) \
	X(object_kinds) \
	X(object_of_other_sub_context) \
	X(object_of_other_context) \
	X(destroyed_sub_context) \
	X(long_shader) \
	X(video_handles) \
	X(video_memory) \
	X(transfer_to_host) \
	X(transfer_from_host) \
	X(transfer_2d) \
	X(transfer_in_submit) \
	X(copy_transfer) \
	X(inline_write) \
	X(own_iov) \
	X(no_backing) \
	X(backing_twice) \
	X(detached_backing) \
	X(refused_backing) \
	X(refused_creation_with_backing) \
	X(blob) \
	X(backing_of_another_command) \
	X(boxes) \
	X(strides) \
	X(impossible_resources) \
	X(resource_ids) \
	X(destroyed_context) \
	X(context_ids) \
	X(refused_context) \
	X(other_language) \
	X(scanouts) \
	X(unknown_command) \
	X(frame_not_recorded) \
	X(frame_not_recorded_at_end) \
	X(frame_too_many) \
	X(frame_differs) \
	X(frames_in_one_submit) \
	X(frame_by_flush) \
	X(response_to_nothing) \
	X(response_twice) \
	X(unknown_kinds) \
	X(refused_later) \
	X(refused_by_device) \
	X(guest_memory) \
	X(after_reset)

#define DEFINE_TEST(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_case(name, #name); \
	}
CASES(DEFINE_TEST)

/* Beyond the objects that are followed, nothing is said of what may be among the others. */
static void test_overflow(void **state)
{
	(void)state;
	static struct scene scene;
	scene_init(&scene, false);
	assert_false(vgt_validator_overflowed(scene.validator));
	uint32_t handle = 1000;
	while (!vgt_validator_overflowed(scene.validator)) {
		assert_true(handle < 2 * VGT_MODEL_OBJECTS_MAX);
		while (scene.count + 6 <= COUNT(scene.dwords)) {
			put_surface(&scene, handle++, 1);
		}
		submit(&scene, 1);
	}
	/* none of these is among the followed ones */
	create_context(&scene, 7, 0);
	create_texture(&scene, 90);
	attach_backing(&scene, 90, 1024);
	attach_resource(&scene, 1, 90);
	attach_resource(&scene, 7, 90);
	feed_memory(&scene, 90, 0, 0, 1024);
	upload(&scene, 90);
	put_shader(&scene, handle + 1, PIPE_SHADER_VERTEX);
	put_shader(&scene, handle + 2, PIPE_SHADER_FRAGMENT);
	put_shader(&scene, handle + 3, PIPE_SHADER_COMPUTE);
	PUT(&scene, BIND_SHADER, handle + 1, PIPE_SHADER_VERTEX);
	PUT(&scene, BIND_SHADER, handle + 2, PIPE_SHADER_FRAGMENT);
	PUT(&scene, BIND_SHADER, handle + 3, PIPE_SHADER_COMPUTE);
	put_surface(&scene, handle + 4, 90);
	PUT(&scene, SET_FRAMEBUFFER_STATE, 1, 0, handle + 4);
	put_draw(&scene);
	PUT(&scene, LAUNCH_GRID, 1, 1, 1, 1, 1, 1, 0, 0);
	PUT(&scene, TRANSFER3D, 90, 0, 0, 0, 0, 0, 0, 0, 16, 16, 1, 0, 1);
	PUT(&scene, CREATE_SUB_CTX, 5);
	PUT(&scene, SET_SUB_CTX, 5);
	PUT(&scene, CREATE_VIDEO_CODEC, 5, 0, 1, 1, 0, 16, 16);
	PUT(&scene, DESTROY_VIDEO_CODEC, 5);
	put_marker(&scene);
	submit(&scene, 1);
	struct vgt_frame frame = marker_frame;
	frame.resource_id = 90;
	feed_frame(&scene, &frame);
	PUT(&scene, NOP);
	submit(&scene, 7);
	assert_int_equal(scene.found_count, 0);
	/* what needs no object is still told */
	scene.fault = true;
	PUT(&scene, SET_SUB_CTX, 0);
	expect_virgl(&scene, "BIND_SHADER is 1 dword long, 2 expected");
	PUT(&scene, BIND_SHADER, 1);
	submit(&scene, 1);
	if (!scene_holds(&scene)) {
		print_found("found   ", scene.found, scene.found_count);
		fail();
	}
	scene_finish(&scene);
}

/* The control: the comparison sees a report that is missing, one too many, and each wrong part
 * of one. */
static void test_control(void **state)
{
	(void)state;
	static struct scene scene, wrong;
	scene_init(&scene, true);
	framebuffer_of_nothing(&scene);
	scene_finish(&scene);
	assert_int_equal(scene.expected_count, 1);
	assert_int_equal(scene.found_count, 1);
	assert_true(scene_holds(&scene));
	wrong = scene;
	wrong.found_count = 0;
	assert_false(scene_holds(&wrong));
	wrong = scene;
	wrong.found_count = 2;
	assert_false(scene_holds(&wrong));
	wrong = scene;
	wrong.found[0].command++;
	assert_false(scene_holds(&wrong));
	wrong = scene;
	wrong.found[0].virgl_command++;
	assert_false(scene_holds(&wrong));
	wrong = scene;
	wrong.found[0].message[0] = 's';
	assert_false(scene_holds(&wrong));
	vgt_validator_destroy(NULL);
}

#define LIST_TEST(name) cmocka_unit_test(test_##name),

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASES(LIST_TEST) cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_control),
	};
	return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
