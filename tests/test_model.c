/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"
#include "vgt_transfer.h"
#include "virgl_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define PRESENTABLE (VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SCANOUT)
#define FORMAT_BGRA 1u

/* A model, what it said, and the number of the next command. */
struct scene {
	struct vgt_model *model;
	struct vgt_frame frames[64];
	size_t frame_count;
	struct vgt_transfer transfers[64];
	size_t transfer_count;
	uint32_t gone[64];
	size_t gone_count;
	uint64_t command;
	/* asked before each virgl command, NULL: nobody */
	void (*look)(struct scene *scene, uint32_t ctx_id, const struct virgl_command *command,
		uint32_t number);
	size_t looked;
};

static void on_virgl(
	void *opaque, uint32_t ctx_id, const struct virgl_command *command, uint32_t number)
{
	struct scene *scene = opaque;
	scene->looked++;
	if (scene->look) {
		scene->look(scene, ctx_id, command, number);
	}
}

static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	struct scene *scene = opaque;
	assert_true(scene->transfer_count < COUNT(scene->transfers));
	scene->transfers[scene->transfer_count++] = *transfer;
}

static void on_frame(void *opaque, const struct vgt_frame *frame)
{
	struct scene *scene = opaque;
	assert_true(scene->frame_count < COUNT(scene->frames));
	scene->frames[scene->frame_count++] = *frame;
}

static void on_gone(void *opaque, struct vgt_resource *resource)
{
	struct scene *scene = opaque;
	assert_true(scene->gone_count < COUNT(scene->gone));
	scene->gone[scene->gone_count++] = resource->id;
	free(resource->user);
}

static void scene_init(struct scene *scene, enum vgt_frame_rule rule)
{
	*scene = (struct scene){0};
	const struct vgt_model_hooks hooks = {.opaque = scene,
		.virgl = on_virgl,
		.transfer = on_transfer,
		.frame = on_frame,
		.gone = on_gone};
	scene->model = vgt_model_create(rule, &hooks);
	assert_non_null(scene->model);
}

static void scene_finish(struct scene *scene)
{
	vgt_model_destroy(scene->model);
}

static uint64_t feed(struct scene *scene, const void *command, size_t size)
{
	const struct virtio_gpu_ctrl_hdr *hdr = command;
	vgt_model_feed(scene->model, (uint16_t)hdr->type, command, size, scene->command);
	return scene->command++;
}

static uint64_t create_context(struct scene *scene, uint32_t id, uint32_t capset)
{
	const struct virtio_gpu_ctx_create create = {
		{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}, .context_init = capset};
	return feed(scene, &create, sizeof(create));
}

static void destroy_context(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_ctx_destroy destroy = {
		{.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = id}};
	feed(scene, &destroy, sizeof(destroy));
}

static uint64_t create_texture(struct scene *scene, uint32_t id, uint32_t bind, uint32_t size)
{
	const struct virtio_gpu_resource_create_3d create = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, PIPE_TEXTURE_2D, FORMAT_BGRA,
		bind, size, size, 1, 1, 2, 0, 0, 0};
	return feed(scene, &create, sizeof(create));
}

static void unref(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_resource_unref command = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_UNREF}, id, 0};
	feed(scene, &command, sizeof(command));
}

static void set_scanout(
	struct scene *scene, uint32_t scanout, uint32_t resource, struct virtio_gpu_rect rect)
{
	const struct virtio_gpu_set_scanout set = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, rect, scanout, resource};
	feed(scene, &set, sizeof(set));
}

static void flush(struct scene *scene, uint32_t resource, uint32_t y)
{
	const struct virtio_gpu_resource_flush command = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, y, 16, 1}, resource, 0};
	feed(scene, &command, sizeof(command));
}

static void move(struct scene *scene, uint32_t type, uint32_t resource, uint32_t x,
	uint32_t size, uint32_t level)
{
	const struct virtio_gpu_transfer_host_3d transfer = {
		{.type = type}, {x, 0, 0, size, size, 1}, 0, resource, level, 0, 0};
	feed(scene, &transfer, sizeof(transfer));
}

static void readback(struct scene *scene, uint32_t resource, uint32_t size)
{
	move(scene, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, resource, 0, size, 0);
}

static void respond(struct scene *scene, uint64_t command, int32_t result)
{
	const struct vgt_response response = {.command = command, .result = result};
	vgt_model_feed(
		scene->model, VGT_RECORD_RESPONSE, &response, sizeof(response), scene->command);
}

/* By the device: the renderer was not asked. */
static void refuse(struct scene *scene, uint64_t command)
{
	const struct vgt_response response = {
		.command = command, .result = 0x1200, .class = VGT_RESPONSE_REFUSED};
	vgt_model_feed(
		scene->model, VGT_RECORD_RESPONSE, &response, sizeof(response), scene->command);
}

static void submit_dwords(
	struct scene *scene, uint32_t ctx_id, const uint32_t *dwords, size_t count)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint64_t fences[2];
		uint32_t dwords[128];
	} command = {
		{{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = ctx_id}, (uint32_t)count * 4, 2},
		{0}, {0}};
	assert_true(count <= COUNT(command.dwords));
	memcpy(command.dwords, dwords, count * 4);
	feed(scene, &command, sizeof(command.submit) + 16 + count * 4);
}

#define SUBMIT(scene, ctx_id, ...) \
	submit_dwords(scene, ctx_id, (const uint32_t[]){__VA_ARGS__}, \
		COUNT(((const uint32_t[]){__VA_ARGS__})))

/* One virgl command each, for SUBMIT. */
#define SURFACE(handle, resource) \
	VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5), handle, resource, 1, 0, 0
#define UNSURFACE(handle)     VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_SURFACE, 1), handle
#define FRAMEBUFFER(handle)   VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3), 1, 0, handle
#define NO_FRAMEBUFFER        VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 2), 0, 0
#define DRAW                  VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 0)
#define NOTHING               VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 0)
#define BLIT                  VIRGL_CMD0(VIRGL_CCMD_BLIT, 0, 0)
#define SUB_CONTEXT(op, id)   VIRGL_CMD0(VIRGL_CCMD_##op##_SUB_CTX, 0, 1), id
#define MARKER_WORDS(a, b, c) VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), 9, a, b, c
#define MARKER                MARKER_WORDS(0x3a746776, 0x6d617266, 0x65) /* vgt:frame */

static void assert_frame(const struct scene *scene, size_t index, enum vgt_frame_rule rule,
	uint32_t scanout, uint32_t resource)
{
	assert_true(index < scene->frame_count);
	const struct vgt_frame *frame = &scene->frames[index];
	assert_int_equal(frame->rule, rule);
	assert_int_equal(frame->scanout_id, scanout);
	assert_int_equal(frame->resource_id, resource);
}

/* A context with framebuffer on texture 1 (16x16) and texture 2 (8x8) beside it. */
static void scene_with_context(struct scene *scene, enum vgt_frame_rule rule)
{
	scene_init(scene, rule);
	create_context(scene, 1, 0);
	create_texture(scene, 1, PRESENTABLE, 16);
	create_texture(scene, 2, PRESENTABLE, 8);
	SUBMIT(scene, 1, SURFACE(10, 1), FRAMEBUFFER(10));
}

static void test_frame_readback(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	readback(&scene, 1, 16);
	assert_int_equal(scene.frame_count, 1);
	assert_frame(&scene, 0, VGT_FRAME_READBACK, VGT_NO_SCANOUT, 1);
	assert_int_equal(scene.frames[0].width, 16);
	assert_int_equal(scene.frames[0].height, 16);
	assert_int_equal(scene.frames[0].virgl_command, VGT_NO_VIRGL_COMMAND);
	/* again without work between: the same picture */
	readback(&scene, 1, 16);
	assert_int_equal(scene.frame_count, 1);
	SUBMIT(&scene, 1, DRAW);
	readback(&scene, 1, 16);
	assert_int_equal(scene.frame_count, 2);
	move(&scene, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, 0, 4, 0);
	readback(&scene, 1, 16);
	assert_int_equal(scene.frame_count, 3);
	/* not the whole, not level 0, not there */
	SUBMIT(&scene, 1, BLIT);
	readback(&scene, 1, 8);
	readback(&scene, 99, 16);
	move(&scene, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1, 1, 16, 0);
	move(&scene, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1, 0, 16, 1);
	/* not presentable */
	create_texture(&scene, 3, VIRGL_BIND_RENDER_TARGET, 16);
	create_texture(&scene, 4, VIRGL_BIND_SCANOUT, 16);
	create_texture(&scene, 5, VIRGL_BIND_SAMPLER_VIEW, 16);
	readback(&scene, 3, 16);
	readback(&scene, 4, 16);
	readback(&scene, 5, 16);
	const struct virtio_gpu_resource_create_3d cube = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, 6, PIPE_TEXTURE_CUBE, FORMAT_BGRA,
		PRESENTABLE, 16, 16, 1, 6, 0, 0, 0, 0};
	feed(&scene, &cube, sizeof(cube));
	readback(&scene, 6, 16);
	assert_int_equal(scene.frame_count, 3);
	readback(&scene, 1, 16);
	assert_int_equal(scene.frame_count, 4);
	scene_finish(&scene);
}

static void test_frame_flush(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	flush(&scene, 1, 0); /* shown nowhere */
	assert_int_equal(scene.frame_count, 0);
	set_scanout(&scene, 0, 1, (struct virtio_gpu_rect){1, 2, 3, 4});
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 1);
	assert_frame(&scene, 0, VGT_FRAME_FLUSH, 0, 1);
	assert_int_equal(scene.frames[0].x, 1);
	assert_int_equal(scene.frames[0].y, 2);
	assert_int_equal(scene.frames[0].width, 3);
	assert_int_equal(scene.frames[0].height, 4);
	/* dirty rectangles of one picture */
	SUBMIT(&scene, 1, DRAW);
	flush(&scene, 1, 1);
	flush(&scene, 1, 2);
	flush(&scene, 1, 3);
	assert_int_equal(scene.frame_count, 2);
	flush(&scene, 2, 0);
	flush(&scene, 0, 0);
	assert_int_equal(scene.frame_count, 2);
	/* another resource on the scanout is another picture, drawn or not */
	set_scanout(&scene, 0, 2, (struct virtio_gpu_rect){0, 0, 8, 8});
	flush(&scene, 1, 0);
	flush(&scene, 2, 0);
	assert_int_equal(scene.frame_count, 3);
	assert_frame(&scene, 2, VGT_FRAME_FLUSH, 0, 2);
	/* a 2D upload is work too */
	const struct virtio_gpu_transfer_to_host_2d upload = {
		{.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D}, {0, 0, 8, 8}, 0, 2, 0};
	feed(&scene, &upload, sizeof(upload));
	flush(&scene, 2, 0);
	assert_int_equal(scene.frame_count, 4);
	/* off again; scanouts that there are not */
	set_scanout(&scene, 0, 0, (struct virtio_gpu_rect){0, 0, 0, 0});
	set_scanout(&scene, VIRTIO_GPU_MAX_SCANOUTS, 2, (struct virtio_gpu_rect){0, 0, 8, 8});
	set_scanout(&scene, UINT32_MAX, 2, (struct virtio_gpu_rect){0, 0, 8, 8});
	SUBMIT(&scene, 1, DRAW);
	flush(&scene, 2, 0);
	assert_int_equal(scene.frame_count, 4);
	scene_finish(&scene);
}

static void test_frame_two_scanouts(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	set_scanout(&scene, 0, 1, (struct virtio_gpu_rect){0, 0, 16, 16});
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), VGT_NO_SCANOUT);
	set_scanout(&scene, 3, 2, (struct virtio_gpu_rect){0, 0, 8, 8});
	assert_int_equal(vgt_model_scanout_of(scene.model, 1), 0);
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), 3);
	assert_int_equal(vgt_model_scanout_of(scene.model, 0), VGT_NO_SCANOUT);
	SUBMIT(&scene, 1, DRAW);
	flush(&scene, 1, 0);
	flush(&scene, 2, 0);
	assert_int_equal(scene.frame_count, 2);
	assert_frame(&scene, 0, VGT_FRAME_FLUSH, 0, 1);
	assert_frame(&scene, 1, VGT_FRAME_FLUSH, 3, 2);
	/* the same resource on both, cloned or side by side */
	const struct virtio_gpu_set_scanout_blob blob = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB}, {8, 0, 8, 16}, 3, 1, 16, 16, 1, 0,
		{64}, {0}};
	feed(&scene, &blob, sizeof(blob));
	assert_int_equal(vgt_model_scanout_of(scene.model, 1), 0);
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), VGT_NO_SCANOUT);
	SUBMIT(&scene, 1, DRAW);
	flush(&scene, 1, 0);
	flush(&scene, 1, 1);
	assert_int_equal(scene.frame_count, 4);
	assert_frame(&scene, 2, VGT_FRAME_FLUSH, 0, 1);
	assert_frame(&scene, 3, VGT_FRAME_FLUSH, 3, 1);
	assert_int_equal(scene.frames[3].x, 8);
	scene_finish(&scene);
}

/* A scanout that the device refused shows what it showed before. */
static void test_refused_scanout(void **state)
{
	(void)state;
	const struct virtio_gpu_rect small = {0, 0, 8, 8}, large = {0, 0, 16, 16};
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	/* nothing */
	set_scanout(&scene, 0, 1, large);
	refuse(&scene, scene.command - 1);
	assert_int_equal(vgt_model_scanout_of(scene.model, 1), VGT_NO_SCANOUT);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 0);
	/* another resource, whose next frame still needs work */
	set_scanout(&scene, 0, 1, large);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 1);
	set_scanout(&scene, 0, 2, small);
	refuse(&scene, scene.command - 1);
	flush(&scene, 1, 0);
	flush(&scene, 2, 0);
	assert_int_equal(scene.frame_count, 1);
	SUBMIT(&scene, 1, DRAW);
	flush(&scene, 2, 0);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 2);
	assert_frame(&scene, 1, VGT_FRAME_FLUSH, 0, 1);
	assert_int_equal(scene.frames[1].width, 16);
	/* of the two commands the later one, and once */
	const struct virtio_gpu_set_scanout_blob blob = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB}, small, 0, 2, 8, 8, 1, 0, {32}, {0}};
	set_scanout(&scene, 3, 2, small);
	feed(&scene, &blob, sizeof(blob));
	refuse(&scene, scene.command - 2);
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), 0);
	refuse(&scene, scene.command - 1);
	assert_int_equal(vgt_model_scanout_of(scene.model, 1), 0);
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), 3);
	set_scanout(&scene, 0, 2, small);
	refuse(&scene, scene.command - 2);
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), 0);
	/* what a renderer answers takes no scanout back; nor does a refusal behind a reset */
	respond(&scene, scene.command - 1, 22);
	assert_int_equal(vgt_model_scanout_of(scene.model, 2), 0);
	const struct vgt_reset reset = {VGT_RESET_DEVICE, 0};
	vgt_model_feed(scene.model, VGT_RECORD_RESET, &reset, sizeof(reset), scene.command);
	refuse(&scene, scene.command - 1);
	assert_int_equal(vgt_model_scanout_of(scene.model, 1), VGT_NO_SCANOUT);
	/* a scanout that there is not */
	create_texture(&scene, 1, PRESENTABLE, 16);
	set_scanout(&scene, 5, 1, large);
	set_scanout(&scene, VIRTIO_GPU_MAX_SCANOUTS, 1, large);
	refuse(&scene, scene.command - 1);
	assert_int_equal(vgt_model_scanout_of(scene.model, 1), 5);
	scene_finish(&scene);
}

static void test_frame_marker(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	/* a stronger sign ends the weaker ones */
	set_scanout(&scene, 0, 1, (struct virtio_gpu_rect){0, 0, 16, 16});
	readback(&scene, 2, 8);
	flush(&scene, 1, 0);
	SUBMIT(&scene, 1, DRAW);
	readback(&scene, 2, 8);
	assert_int_equal(scene.frame_count, 2);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 3);
	SUBMIT(&scene, 1, NOTHING, DRAW, MARKER, DRAW, MARKER);
	assert_int_equal(scene.frame_count, 5);
	assert_frame(&scene, 3, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 1);
	assert_frame(&scene, 4, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 1);
	assert_int_equal(scene.frames[3].virgl_command, 2);
	assert_int_equal(scene.frames[4].virgl_command, 4);
	assert_int_equal(scene.frames[4].width, 16);
	flush(&scene, 1, 0);
	SUBMIT(&scene, 1, DRAW);
	readback(&scene, 1, 16);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 5);

	/* not quite markers */
	SUBMIT(&scene, 1, MARKER_WORDS(0x3a746777, 0x6d617266, 0x65));
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), 8, 0x3a746776,
		0x6d617266, 0x65);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), 13, 0x3a746776,
		0x6d617266, 0x65);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), UINT32_MAX,
		0x3a746776, 0x6d617266, 0x65);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 3), 9, 0x3a746776,
		0x6d617266, NOTHING);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 1), 9);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 0));
	assert_int_equal(scene.frame_count, 5);
	/* one with more behind the name */
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), 12, 0x3a746776,
		0x6d617266, 0x20202065);
	assert_int_equal(scene.frame_count, 6);
	scene_finish(&scene);
}

/* Which resource a marker shows: what is bound, else what this submit drew to, else nothing. */
static void test_frame_marker_resource(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	SUBMIT(&scene, 1, DRAW, NO_FRAMEBUFFER, MARKER);
	assert_frame(&scene, 0, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 1);
	SUBMIT(&scene, 1, DRAW, MARKER);
	assert_frame(&scene, 1, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 0);
	assert_int_equal(scene.frames[1].width, 0);
	SUBMIT(&scene, 1, SURFACE(11, 2), FRAMEBUFFER(11), MARKER);
	assert_frame(&scene, 2, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 2);
	SUBMIT(&scene, 1, FRAMEBUFFER(12), MARKER); /* no such surface */
	assert_frame(&scene, 3, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 0);
	unref(&scene, 2);
	SUBMIT(&scene, 1, FRAMEBUFFER(11), MARKER); /* its resource has gone */
	assert_frame(&scene, 4, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 0);
	scene_finish(&scene);
}

/* As a submit of its own, so that nothing is bound or drawn there. */
static void mark(struct scene *scene, const char *text)
{
	uint32_t dwords[16] = {0};
	uint32_t size = (uint32_t)strlen(text), length = 1 + (size + 3) / 4;
	assert_true(length < sizeof(dwords) / sizeof(dwords[0]));
	dwords[0] = VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, length);
	dwords[VIRGL_SEND_STRING_MARKER_STRING_SIZE] = size;
	memcpy(dwords + VIRGL_SEND_STRING_MARKER_OFFSET, text, size);
	submit_dwords(scene, 1, dwords, length + 1);
}

/* A marker that names a resource: it is shown, whatever is bound; else what others show. */
static void test_frame_marker_named(void **state)
{
	static const struct {
		const char *text;
		uint32_t resource;
	} markers[] = {
		{"vgt:frame 2", 2},
		{"vgt:frame 1", 1},
		{"vgt:frame 00002", 2},
		{"vgt:frame 2 or so", 2},
		{"vgt:frame 3", 0}, /* there is none */
		{"vgt:frame 0", 0},
		{"vgt:frame 4294967295", 0},
		{"vgt:frame", 1},
		{"vgt:frame ", 1},
		{"vgt:frame  2", 1},
		{"vgt:frame\t2", 1},
		{"vgt:frame2", 1},
		{"vgt:frame 2,", 1},
		{"vgt:frame 0x2", 1},
		{"vgt:frame -2", 1},
		{"vgt:frame 4294967298", 1},
		{"vgt:frame 18446744073709551618", 1},
	};
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	SUBMIT(&scene, 1, DRAW);
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		mark(&scene, markers[i].text);
		assert_int_equal(scene.frame_count, i + 1);
		assert_frame(&scene, i, VGT_FRAME_MARKER, VGT_NO_SCANOUT, markers[i].resource);
	}
	assert_int_equal(scene.frames[0].width, 8);
	assert_int_equal(scene.frames[1].width, 16);
	scene_finish(&scene);
}

static size_t frames_of_rule(enum vgt_frame_rule rule)
{
	struct scene scene;
	scene_with_context(&scene, rule);
	set_scanout(&scene, 0, 1, (struct virtio_gpu_rect){0, 0, 16, 16});
	SUBMIT(&scene, 1, DRAW, MARKER);
	for (unsigned i = 0; i < 3; i++) {
		SUBMIT(&scene, 1, DRAW);
		flush(&scene, 1, 0);
	}
	for (unsigned i = 0; i < 5; i++) {
		SUBMIT(&scene, 1, BLIT);
		readback(&scene, 1, 16);
	}
	for (size_t i = 0; rule != VGT_FRAME_AUTO && i < scene.frame_count; i++) {
		assert_int_equal(scene.frames[i].rule, rule);
	}
	scene_finish(&scene);
	return scene.frame_count;
}

static void test_frame_fixed_rules(void **state)
{
	(void)state;
	assert_int_equal(frames_of_rule(VGT_FRAME_AUTO), 1);
	assert_int_equal(frames_of_rule(VGT_FRAME_MARKER), 1);
	assert_int_equal(frames_of_rule(VGT_FRAME_FLUSH), 3);
	assert_int_equal(frames_of_rule(VGT_FRAME_READBACK), 5);
	assert_int_equal(frames_of_rule(VGT_FRAME_SUBMIT), 4);
}

static void test_frame_submit(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_SUBMIT);
	SUBMIT(&scene, 1, NOTHING, BLIT);
	assert_int_equal(scene.frame_count, 0);
	SUBMIT(&scene, 1, DRAW, DRAW, NO_FRAMEBUFFER);
	assert_int_equal(scene.frame_count, 1);
	assert_frame(&scene, 0, VGT_FRAME_SUBMIT, VGT_NO_SCANOUT, 1);
	assert_int_equal(scene.frames[0].virgl_command, VGT_NO_VIRGL_COMMAND);
	SUBMIT(&scene, 1, SURFACE(11, 2), FRAMEBUFFER(10), DRAW, FRAMEBUFFER(11),
		VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 0));
	assert_frame(&scene, 1, VGT_FRAME_SUBMIT, VGT_NO_SCANOUT, 2);
	SUBMIT(&scene, 1, NO_FRAMEBUFFER, VIRGL_CMD0(VIRGL_CCMD_LAUNCH_GRID, 0, 0));
	assert_frame(&scene, 2, VGT_FRAME_SUBMIT, VGT_NO_SCANOUT, 0);
	/* a command that runs past the end is not there, and nothing behind it */
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 3), DRAW, DRAW);
	assert_int_equal(scene.frame_count, 3);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 1));
	assert_int_equal(scene.frame_count, 3);
	/* no such context */
	SUBMIT(&scene, 9, DRAW);
	assert_int_equal(scene.frame_count, 3);
	scene_finish(&scene);
}

/* Surfaces and framebuffers belong to a sub-context. */
static void test_sub_contexts(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_MARKER);
	SUBMIT(&scene, 1, MARKER, SUB_CONTEXT(CREATE, 5), MARKER, FRAMEBUFFER(10), MARKER,
		SURFACE(10, 2), FRAMEBUFFER(10), MARKER, SUB_CONTEXT(SET, 0), MARKER,
		FRAMEBUFFER(10), MARKER, SUB_CONTEXT(SET, 5), MARKER, SUB_CONTEXT(SET, 77),
		MARKER);
	static const uint32_t shown[] = {1, 0, 0, 2, 1, 1, 2, 2};
	assert_int_equal(scene.frame_count, COUNT(shown));
	for (size_t i = 0; i < COUNT(shown); i++) {
		assert_int_equal(scene.frames[i].resource_id, shown[i]);
	}
	/* which one is current outlasts the submit; the current one's end makes 0 current; 0
	 * stays
	 */
	scene.frame_count = 0;
	SUBMIT(&scene, 1, MARKER);
	SUBMIT(&scene, 1, SUB_CONTEXT(DESTROY, 5), MARKER, SUB_CONTEXT(DESTROY, 0), MARKER,
		SUB_CONTEXT(SET, 5), MARKER, SUB_CONTEXT(CREATE, 5), MARKER, FRAMEBUFFER(10),
		MARKER);
	static const uint32_t after[] = {2, 1, 1, 1, 0, 0};
	assert_int_equal(scene.frame_count, COUNT(after));
	for (size_t i = 0; i < COUNT(after); i++) {
		assert_int_equal(scene.frames[i].resource_id, after[i]);
	}
	/* another context has surfaces of its own */
	scene.frame_count = 0;
	create_context(&scene, 2, VIRTIO_GPU_CAPSET_VIRGL2);
	SUBMIT(&scene, 2, FRAMEBUFFER(10), MARKER, SURFACE(10, 2), FRAMEBUFFER(10), MARKER);
	SUBMIT(&scene, 1, SUB_CONTEXT(SET, 0), FRAMEBUFFER(10), MARKER);
	assert_int_equal(scene.frames[0].resource_id, 0);
	assert_int_equal(scene.frames[1].resource_id, 2);
	assert_int_equal(scene.frames[2].resource_id, 1);
	scene_finish(&scene);
}

static void test_surfaces(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_MARKER);
	/* made again under the same handle; ended; never made; too short to make one */
	SUBMIT(&scene, 1, SURFACE(10, 2), FRAMEBUFFER(10), MARKER, UNSURFACE(10),
		FRAMEBUFFER(10), MARKER, UNSURFACE(10), UNSURFACE(33),
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 4), 10, 1, 1, 0,
		FRAMEBUFFER(10), MARKER);
	assert_int_equal(scene.frames[0].resource_id, 2);
	assert_int_equal(scene.frames[1].resource_id, 0);
	assert_int_equal(scene.frames[2].resource_id, 0);
	/* multisampled; other objects are none */
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_MSAA_SURFACE, 6), 4,
		1, 1, 0, 0, 4, FRAMEBUFFER(4), MARKER,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_BLEND, 5), 7, 1, 1, 0, 0,
		FRAMEBUFFER(7), MARKER);
	assert_int_equal(scene.frames[3].resource_id, 1);
	assert_int_equal(scene.frames[4].resource_id, 0);
	scene_finish(&scene);
}

static void test_contexts(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_SUBMIT);
	assert_false(vgt_model_context_is_virgl(scene.model, 1));
	create_context(&scene, 1, 0);
	create_context(&scene, 2, VIRTIO_GPU_CAPSET_VIRGL);
	create_context(&scene, 3, VIRTIO_GPU_CAPSET_VIRGL2 | 0x100);
	create_context(&scene, 4, 4); /* Venus */
	assert_true(vgt_model_context_is_virgl(scene.model, 1));
	assert_true(vgt_model_context_is_virgl(scene.model, 2));
	assert_true(vgt_model_context_is_virgl(scene.model, 3));
	assert_false(vgt_model_context_is_virgl(scene.model, 4));
	SUBMIT(&scene, 4, DRAW);
	assert_int_equal(scene.frame_count, 0);
	/* once more changes nothing, and its refusal neither */
	uint64_t again = create_context(&scene, 1, 4);
	assert_true(vgt_model_context_is_virgl(scene.model, 1));
	respond(&scene, again, 22);
	assert_true(vgt_model_context_is_virgl(scene.model, 1));
	destroy_context(&scene, 1);
	assert_false(vgt_model_context_is_virgl(scene.model, 1));
	destroy_context(&scene, 1);
	SUBMIT(&scene, 1, DRAW);
	assert_int_equal(scene.frame_count, 0);
	scene_finish(&scene);
}

static void test_resources(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	assert_null(vgt_model_resource(scene.model, 1));
	create_texture(&scene, 1, PRESENTABLE, 16);
	struct vgt_resource *resource = vgt_model_resource(scene.model, 1);
	assert_non_null(resource);
	assert_int_equal(resource->id, 1);
	assert_int_equal(resource->target, PIPE_TEXTURE_2D);
	assert_int_equal(resource->width, 16);
	assert_int_equal(resource->last_level, 2);
	assert_null(resource->user);
	resource->user = malloc(1); /* freed by on_gone */

	const struct virtio_gpu_resource_create_2d flat = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 2, 67, 30, 20};
	feed(&scene, &flat, sizeof(flat));
	resource = vgt_model_resource(scene.model, 2);
	assert_int_equal(resource->target, PIPE_TEXTURE_2D);
	assert_int_equal(resource->format, 67);
	assert_int_equal(resource->bind, VIRGL_BIND_RENDER_TARGET);
	assert_int_equal(resource->width, 30);
	assert_int_equal(resource->height, 20);
	assert_int_equal(resource->depth, 1);
	assert_int_equal(resource->array_size, 1);
	assert_int_equal(resource->flags, VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP);

	struct virtio_gpu_resource_create_blob blob = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB}, 3, VIRTIO_GPU_BLOB_MEM_HOST3D, 0,
		0, 1, 1000};
	feed(&scene, &blob, sizeof(blob));
	resource = vgt_model_resource(scene.model, 3);
	assert_int_equal(resource->target, PIPE_BUFFER);
	assert_int_equal(resource->format, 0);
	assert_int_equal(resource->width, 1000);
	blob.resource_id = 4;
	blob.size = UINT64_MAX;
	feed(&scene, &blob, sizeof(blob));
	assert_int_equal(vgt_model_resource(scene.model, 4)->width, UINT32_MAX);

	/* a type for a blob without one; not for others, not where the command is too short */
	create_context(&scene, 1, 0);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE, 0, 9), 3, 1, 2, 5, 6, 0,
		0, 20, 0);
	assert_int_equal(vgt_model_resource(scene.model, 3)->format, 0);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE, 0, 10), 3, 1, 2, 5, 6,
		0, 0, 20, 0, 0);
	resource = vgt_model_resource(scene.model, 3);
	assert_int_equal(resource->target, PIPE_TEXTURE_2D);
	assert_int_equal(resource->format, 1);
	assert_int_equal(resource->bind, 2);
	assert_int_equal(resource->width, 5);
	assert_int_equal(resource->height, 6);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE, 0, 10), 1, 9, 2, 5, 6,
		0, 0, 20, 0, 0);
	assert_int_equal(vgt_model_resource(scene.model, 1)->width, 16);

	/* the same id again replaces */
	create_texture(&scene, 1, 0, 4);
	assert_int_equal(scene.gone_count, 0);
	struct vgt_response response = {.command = scene.command - 1};
	vgt_model_feed(
		scene.model, VGT_RECORD_RESPONSE, &response, sizeof(response), scene.command);
	assert_int_equal(scene.gone_count, 1);
	assert_int_equal(scene.gone[0], 1);
	resource = vgt_model_resource(scene.model, 1);
	assert_int_equal(resource->width, 4);
	assert_null(resource->user);
	/* unless the host refuses: then the older one still lives, with all it has */
	resource->user = &scene;
	create_texture(&scene, 1, 0, 5);
	assert_int_equal(vgt_model_resource(scene.model, 1)->width, 5);
	response = (struct vgt_response){.command = scene.command - 1, .result = 22};
	vgt_model_feed(
		scene.model, VGT_RECORD_RESPONSE, &response, sizeof(response), scene.command);
	assert_int_equal(scene.gone_count, 2);
	resource = vgt_model_resource(scene.model, 1);
	assert_int_equal(resource->width, 4);
	assert_ptr_equal(resource->user, &scene);
	resource->user = NULL;
	unref(&scene, 1);
	unref(&scene, 1);
	unref(&scene, 999);
	assert_null(vgt_model_resource(scene.model, 1));
	assert_int_equal(scene.gone_count, 3);
	scene_finish(&scene);
	assert_int_equal(scene.gone_count, 6);
}

static void test_denied_creation(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	respond(&scene, 0, 22); /* nothing was created */
	uint64_t texture = create_texture(&scene, 1, PRESENTABLE, 16);
	respond(&scene, texture, 0);
	assert_non_null(vgt_model_resource(scene.model, 1));
	texture = create_texture(&scene, 2, PRESENTABLE, 16);
	respond(&scene, texture - 1, 22); /* of another command */
	assert_non_null(vgt_model_resource(scene.model, 2));
	respond(&scene, texture, -22);
	assert_null(vgt_model_resource(scene.model, 2));
	assert_int_equal(scene.gone_count, 1);
	assert_int_equal(scene.gone[0], 2);
	respond(&scene, texture, -22);
	assert_non_null(vgt_model_resource(scene.model, 1));
	uint64_t context = create_context(&scene, 1, 0);
	assert_true(vgt_model_context_is_virgl(scene.model, 1));
	respond(&scene, context, 1);
	assert_false(vgt_model_context_is_virgl(scene.model, 1));
	scene_finish(&scene);
}

/* What lived under the id of a refused creation lives on, with what it shows. */
static void test_refused_creation(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	set_scanout(&scene, 0, 1, (struct virtio_gpu_rect){0, 0, 16, 16});
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 1);
	vgt_model_resource(scene.model, 1)->user = malloc(1);
	void *user = vgt_model_resource(scene.model, 1)->user;
	uint64_t again = create_texture(&scene, 1, PRESENTABLE, 8);
	assert_int_equal(vgt_model_resource(scene.model, 1)->width, 8);
	refuse(&scene, again);
	assert_int_equal(vgt_model_resource(scene.model, 1)->width, 16);
	assert_ptr_equal(vgt_model_resource(scene.model, 1)->user, user);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 1);
	SUBMIT(&scene, 1, DRAW);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 2);
	assert_frame(&scene, 1, VGT_FRAME_FLUSH, 0, 1);
	uint64_t other = create_texture(&scene, 9, PRESENTABLE, 8);
	refuse(&scene, other);
	assert_null(vgt_model_resource(scene.model, 9));
	uint64_t context = create_context(&scene, 5, 0);
	refuse(&scene, context);
	assert_false(vgt_model_context_is_virgl(scene.model, 5));
	scene_finish(&scene);
}

static void test_reset(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	set_scanout(&scene, 0, 1, (struct virtio_gpu_rect){0, 0, 16, 16});
	const struct vgt_reset reset = {VGT_RESET_DEVICE, 0};
	vgt_model_feed(scene.model, VGT_RECORD_RESET, &reset, sizeof(reset), scene.command);
	assert_int_equal(scene.gone_count, 2);
	assert_null(vgt_model_resource(scene.model, 1));
	assert_false(vgt_model_context_is_virgl(scene.model, 1));
	create_texture(&scene, 1, PRESENTABLE, 16);
	create_context(&scene, 1, 0);
	SUBMIT(&scene, 1, FRAMEBUFFER(10), DRAW);
	flush(&scene, 1, 0);
	assert_int_equal(scene.frame_count, 0); /* no scanout either */
	SUBMIT(&scene, 1, MARKER);
	assert_frame(&scene, 0, VGT_FRAME_MARKER, VGT_NO_SCANOUT, 0);
	scene_finish(&scene);
	vgt_model_destroy(NULL);
}

static void test_transfers_in_submit(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 2, 0, 40, 50, 1, 2, 3, 4,
		5, 6, 700, VIRGL_TRANSFER_TO_HOST,
		VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), 1, 0, 0, 0, 0, 0, 0, 0, 4, 4, 1,
		2, 800, 0);
	assert_int_equal(scene.transfer_count, 2);
	const struct vgt_transfer *transfer = &scene.transfers[0];
	assert_int_equal(transfer->resource->id, 1);
	assert_int_equal(transfer->memory->id, 1);
	assert_int_equal(transfer->level, 2);
	assert_int_equal(transfer->stride, 40);
	assert_int_equal(transfer->layer_stride, 50);
	assert_memory_equal(
		&transfer->box, (&(const struct virtio_gpu_box){1, 2, 3, 4, 5, 6}), 24);
	assert_int_equal(transfer->offset, 700);
	assert_true(transfer->to_host);
	assert_int_equal(scene.transfers[1].resource->id, 1);
	assert_int_equal(scene.transfers[1].memory->id, 2);
	assert_int_equal(scene.transfers[1].offset, 800);
	assert_true(scene.transfers[1].to_host);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0, 0, 0, 0, 0, 0, 4,
		4, 1, 0, VIRGL_TRANSFER_FROM_HOST,
		VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), 1, 0, 0, 0, 0, 0, 0, 0, 4, 4, 1,
		2, 0, VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST);
	assert_int_equal(scene.transfer_count, 4);
	assert_false(scene.transfers[2].to_host);
	assert_false(scene.transfers[3].to_host);
	/* too short; of resources that are not there */
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 12), 1, 0, 0, 0, 0, 0, 0, 0, 4,
		4, 1, 0, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 99, 0, 0, 0, 0, 0, 0, 0, 4,
		4, 1, 0, 1, VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), 1, 0, 0, 0, 0, 0, 0,
		0, 4, 4, 1, 99, 0, 0);
	assert_int_equal(scene.transfer_count, 4);
	scene_finish(&scene);
	/* a model whose feeder wants to know nothing */
	struct vgt_model *deaf = vgt_model_create(VGT_FRAME_AUTO, NULL);
	assert_non_null(deaf);
	scene.model = deaf;
	create_context(&scene, 1, 0);
	create_texture(&scene, 1, PRESENTABLE, 16);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0, 0, 0, 0, 0, 0, 4,
		4, 1, 0, 1, MARKER);
	unref(&scene, 1);
	vgt_model_destroy(deaf);
}

/* What the renderer refuses for its length does nothing, be it too short or too long. */
static void test_wrong_lengths(void **state)
{
	(void)state;
	static const struct {
		uint8_t op;
		uint32_t good, bad[2];
	} lengths[] = {
		{VIRGL_CCMD_DESTROY_OBJECT, 1, {0, 2}},
		{VIRGL_CCMD_BIND_SHADER, 2, {1, 3}},
		{VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 3, {2, 4}},
		{VIRGL_CCMD_CREATE_SUB_CTX, 1, {0, 2}},
		{VIRGL_CCMD_CREATE_VIDEO_CODEC, 7, {6, 1}},
		{VIRGL_CCMD_CREATE_VIDEO_BUFFER, 5, {4, 1}},
		{VIRGL_CCMD_TRANSFER3D, 13, {12, 0}},
		{VIRGL_CCMD_COPY_TRANSFER3D, 14, {13, 15}},
		{VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE, 10, {11, 8}},
		{VIRGL_CCMD_SEND_STRING_MARKER, 4, {3, 1}},
		{VIRGL_CCMD_DECODE_BITSTREAM, 5, {4, 3}},
		{VIRGL_CCMD_ENCODE_BITSTREAM, 5, {4, 3}},
	};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		for (unsigned time = 0; time < 3; time++) {
			const uint8_t op = lengths[i].op;
			const uint32_t length =
				time == 2 ? lengths[i].good : lengths[i].bad[time];
			const bool done = time == 2;
			struct scene scene;
			scene_with_context(&scene, VGT_FRAME_AUTO);
			const struct virtio_gpu_resource_create_blob blob = {
				{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB}, 7, 2, 0, 0, 1,
				64};
			feed(&scene, &blob, sizeof(blob));
			SUBMIT(&scene, 1,
				VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 6), 1,
				PIPE_SHADER_VERTEX, 4, 1, 0, 0, NO_FRAMEBUFFER);
			uint32_t dwords[16] = {VIRGL_CMD0(op, 0, length), 1, 0, 10, 2};
			if (op == VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE) {
				dwords[1] = 7;
				dwords[2] = FORMAT_BGRA;
			} else if (op == VIRGL_CCMD_SEND_STRING_MARKER) {
				memcpy(dwords + 1, (const uint32_t[]){MARKER} + 1, 16);
			} else if (op == VIRGL_CCMD_CREATE_SUB_CTX) {
				dwords[1] = 3;
			} else if (op == VIRGL_CCMD_COPY_TRANSFER3D) {
				dwords[VIRGL_COPY_TRANSFER3D_SRC_RES_HANDLE] = 1;
			} else if (op == VIRGL_CCMD_DECODE_BITSTREAM) {
				dwords[VIRGL_DECODE_BS_DSC_HANDLE] = 1;
			}
			submit_dwords(&scene, 1, dwords, length + 1);
			const bool seen[] = {
				op == VIRGL_CCMD_DESTROY_OBJECT &&
					!vgt_model_object(scene.model, 1, 1),
				vgt_model_bound_shader(scene.model, 1, PIPE_SHADER_VERTEX) != 0,
				vgt_model_has_sub_context(scene.model, 1, 3),
				vgt_model_has_video_object(
					scene.model, 1, VGT_HANDLE_VIDEO_CODEC, 1),
				vgt_model_has_video_object(
					scene.model, 1, VGT_HANDLE_VIDEO_BUFFER, 1),
				scene.transfer_count != 0,
				vgt_model_resource(scene.model, 7)->format != 0,
				scene.frame_count != 0,
			};
			bool any = false;
			for (size_t n = 0; n < COUNT(seen); n++) {
				any = any || seen[n];
			}
			if (op == VIRGL_CCMD_SET_FRAMEBUFFER_STATE) {
				SUBMIT(&scene, 1, MARKER);
				any = scene.frames[0].resource_id == 1;
			}
			if (any != done) {
				fail_msg("operation %u of %u dwords", op, length);
			}
			scene_finish(&scene);
		}
	}
}

/* Hostile input cannot make the model grow without end. */
static void test_object_limit(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	create_context(&scene, 1, 0);
	for (uint32_t i = 0; i < VGT_MODEL_OBJECTS_MAX + 10; i++) {
		const uint32_t dwords[] = {SURFACE(i, 1)};
		vgt_model_submit(scene.model, 1, dwords, COUNT(dwords));
	}
	create_texture(&scene, 1, PRESENTABLE, 16);
	assert_null(vgt_model_resource(scene.model, 1));
	assert_true(vgt_model_overflowed(scene.model));
	create_context(&scene, 2, 0);
	assert_false(vgt_model_context_is_virgl(scene.model, 2));
	SUBMIT(&scene, 1, SUB_CONTEXT(CREATE, 3), SURFACE(1, 1), FRAMEBUFFER(1), MARKER, DRAW);
	destroy_context(&scene, 1);
	create_texture(&scene, 1, PRESENTABLE, 16);
	assert_non_null(vgt_model_resource(scene.model, 1));
	scene_finish(&scene);
}

/* Objects, and what contexts may use */

static void attach(struct scene *scene, uint32_t ctx_id, uint32_t resource)
{
	const struct virtio_gpu_ctx_resource command = {
		{.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, .ctx_id = ctx_id}, resource, 0};
	feed(scene, &command, sizeof(command));
}

static void detach(struct scene *scene, uint32_t ctx_id, uint32_t resource)
{
	const struct virtio_gpu_ctx_resource command = {
		{.type = VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, .ctx_id = ctx_id}, resource, 0};
	feed(scene, &command, sizeof(command));
}

static void assert_object(
	struct scene *scene, uint32_t handle, uint8_t type, uint32_t resource, uint32_t detail)
{
	const struct vgt_object *object = vgt_model_object(scene->model, 1, handle);
	assert_non_null(object);
	assert_int_equal(object->type, type);
	assert_int_equal(object->resource_id, resource);
	assert_int_equal(object->detail, detail);
}

#define CREATE(type, length)  VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_##type, length)
#define DESTROY(handle)       VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, 0, 1), handle
#define SHADER(handle, stage) CREATE(SHADER, 6), handle, stage, 4, 1, 0, 0
#define BIND(handle, stage)   VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 2), handle, stage

static void test_objects(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	assert_null(vgt_model_object(scene.model, 1, 1));
	create_context(&scene, 1, 0);
	assert_null(vgt_model_object(scene.model, 1, 1));
	SUBMIT(&scene, 1, CREATE(BLEND, 11), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		CREATE(RASTERIZER, 9), 2, 2, 3, 4, 5, 6, 7, 8, 9, CREATE(DSA, 5), 3, 2, 3, 4, 5,
		SHADER(4, PIPE_SHADER_FRAGMENT), CREATE(VERTEX_ELEMENTS, 5), 5, 2, 3, 4, 5,
		CREATE(SAMPLER_VIEW, 6), 6, 71, 0x02000043, 4, 5, 6);
	SUBMIT(&scene, 1, CREATE(SAMPLER_STATE, 9), 7, 2, 3, 4, 5, 6, 7, 8, 9,
		CREATE(SURFACE, 5), 8, 72, 67, 4, 5, CREATE(QUERY, 4), 9, 0x50007, 3, 73,
		CREATE(STREAMOUT_TARGET, 4), 10, 74, 3, 4, CREATE(MSAA_SURFACE, 6), 11, 75, 68,
		4, 5, 6, SHADER(12, PIPE_SHADER_COMPUTE));
	assert_object(&scene, 1, VIRGL_OBJECT_BLEND, 0, 0);
	assert_object(&scene, 2, VIRGL_OBJECT_RASTERIZER, 0, 0);
	assert_object(&scene, 3, VIRGL_OBJECT_DSA, 0, 0);
	assert_object(&scene, 4, VIRGL_OBJECT_SHADER, 0, PIPE_SHADER_FRAGMENT);
	assert_object(&scene, 5, VIRGL_OBJECT_VERTEX_ELEMENTS, 0, 0);
	assert_object(&scene, 6, VIRGL_OBJECT_SAMPLER_VIEW, 71, 0x02000043);
	assert_object(&scene, 7, VIRGL_OBJECT_SAMPLER_STATE, 0, 0);
	assert_object(&scene, 8, VIRGL_OBJECT_SURFACE, 72, 67);
	assert_object(&scene, 9, VIRGL_OBJECT_QUERY, 73, 7);
	assert_int_equal(
		vgt_model_object(scene.model, 1, 10)->type, VIRGL_OBJECT_STREAMOUT_TARGET);
	assert_int_equal(vgt_model_object(scene.model, 1, 10)->resource_id, 74);
	assert_object(&scene, 11, VIRGL_OBJECT_SURFACE, 75, 68);
	assert_object(&scene, 12, VIRGL_OBJECT_SHADER, 0, PIPE_SHADER_COMPUTE);

	/* of wrong length, of unknown type, without handle: none */
	SUBMIT(&scene, 1, CREATE(BLEND, 1), 20, CREATE(SURFACE, 6), 21, 1, 2, 3, 4, 5,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, 0, 1), 22,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, 12, 1), 23, CREATE(BLEND, 0),
		CREATE(DSA, 5), 0, 2, 3, 4, 5);
	for (uint32_t handle = 20; handle < 24; handle++) {
		assert_null(vgt_model_object(scene.model, 1, handle));
	}
	assert_null(vgt_model_object(scene.model, 1, 0));

	/* the type that DESTROY_OBJECT names does not matter; others stay */
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_QUERY, 1), 1,
		DESTROY(99), VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, 0, 0));
	assert_null(vgt_model_object(scene.model, 1, 1));
	assert_object(&scene, 2, VIRGL_OBJECT_RASTERIZER, 0, 0);
	/* the same handle again: what it named is gone */
	SUBMIT(&scene, 1, SURFACE(2, 5));
	assert_object(&scene, 2, VIRGL_OBJECT_SURFACE, 5, 1);

	/* each sub-context and each context has its own */
	SUBMIT(&scene, 1, SUB_CONTEXT(CREATE, 3), SHADER(2, PIPE_SHADER_VERTEX));
	assert_object(&scene, 2, VIRGL_OBJECT_SHADER, 0, PIPE_SHADER_VERTEX);
	assert_null(vgt_model_object(scene.model, 1, 3));
	create_context(&scene, 2, 0);
	assert_null(vgt_model_object(scene.model, 2, 2));
	SUBMIT(&scene, 1, SUB_CONTEXT(SET, 0));
	assert_object(&scene, 2, VIRGL_OBJECT_SURFACE, 5, 1);
	assert_true(vgt_model_has_sub_context(scene.model, 1, 0));
	assert_true(vgt_model_has_sub_context(scene.model, 1, 3));
	assert_false(vgt_model_has_sub_context(scene.model, 2, 3));
	assert_false(vgt_model_has_sub_context(scene.model, 9, 0));
	assert_int_equal(vgt_model_sub_context(scene.model, 1), 0);
	/* one that exists is not selected by creating it again */
	SUBMIT(&scene, 1, SUB_CONTEXT(CREATE, 3));
	assert_int_equal(vgt_model_sub_context(scene.model, 1), 0);
	assert_object(&scene, 2, VIRGL_OBJECT_SURFACE, 5, 1);
	SUBMIT(&scene, 1, SUB_CONTEXT(SET, 3));
	assert_int_equal(vgt_model_sub_context(scene.model, 1), 3);
	assert_int_equal(vgt_model_sub_context(scene.model, 2), 0);
	assert_int_equal(vgt_model_sub_context(scene.model, 9), 0);
	SUBMIT(&scene, 1, SUB_CONTEXT(DESTROY, 3));
	assert_int_equal(vgt_model_sub_context(scene.model, 1), 0);
	assert_false(vgt_model_has_sub_context(scene.model, 1, 3));
	assert_object(&scene, 2, VIRGL_OBJECT_SURFACE, 5, 1);
	destroy_context(&scene, 1);
	assert_null(vgt_model_object(scene.model, 1, 2));
	assert_false(vgt_model_has_sub_context(scene.model, 1, 0));
	assert_false(vgt_model_overflowed(scene.model));
	scene_finish(&scene);
}

static void test_attachments(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	struct vgt_model *model = scene.model;
	for (uint32_t id = 1; id <= 3; id++) {
		create_context(&scene, id, 0);
		create_texture(&scene, id, PRESENTABLE, 16);
	}
	assert_false(vgt_model_is_attached(model, 1, 1));
	for (uint32_t ctx_id = 1; ctx_id <= 3; ctx_id++) {
		for (uint32_t id = 1; id <= 3; id++) {
			attach(&scene, ctx_id, id);
			attach(&scene, ctx_id, id); /* once more changes nothing */
			assert_true(vgt_model_is_attached(model, ctx_id, id));
		}
	}
	/* to what is not there */
	attach(&scene, 9, 1);
	attach(&scene, 1, 9);
	create_context(&scene, 9, 0);
	create_texture(&scene, 9, PRESENTABLE, 16);
	assert_false(vgt_model_is_attached(model, 9, 1));
	assert_false(vgt_model_is_attached(model, 1, 9));

	/* from the middle, the first and the last; the others stay */
	detach(&scene, 2, 2);
	detach(&scene, 2, 2);
	detach(&scene, 9, 1);
	detach(&scene, 1, 77);
	detach(&scene, 1, 1);
	detach(&scene, 3, 3);
	for (uint32_t ctx_id = 1; ctx_id <= 3; ctx_id++) {
		for (uint32_t id = 1; id <= 3; id++) {
			assert_int_equal(
				vgt_model_is_attached(model, ctx_id, id), ctx_id != id);
		}
	}
	/* the end of a context, and another under its id */
	destroy_context(&scene, 1);
	assert_false(vgt_model_is_attached(model, 1, 2));
	create_context(&scene, 1, 0);
	assert_false(vgt_model_is_attached(model, 1, 2));
	assert_true(vgt_model_is_attached(model, 3, 2));
	/* the end of a resource, and another under its id */
	unref(&scene, 2);
	assert_false(vgt_model_is_attached(model, 3, 2));
	create_texture(&scene, 2, PRESENTABLE, 16);
	assert_false(vgt_model_is_attached(model, 3, 2));
	assert_true(vgt_model_is_attached(model, 3, 1));

	/* what replaces a resource is attached to nothing; refused, the older one still is */
	uint64_t again = create_texture(&scene, 1, PRESENTABLE, 8);
	assert_false(vgt_model_is_attached(model, 2, 1));
	attach(&scene, 1, 1);
	respond(&scene, again, 22);
	assert_true(vgt_model_is_attached(model, 2, 1));
	assert_true(vgt_model_is_attached(model, 3, 1));
	assert_false(vgt_model_is_attached(model, 1, 1));
	/* a context that ends in between takes its attachment along */
	again = create_texture(&scene, 1, PRESENTABLE, 8);
	destroy_context(&scene, 3);
	respond(&scene, again, 22);
	assert_true(vgt_model_is_attached(model, 2, 1));
	assert_false(vgt_model_is_attached(model, 3, 1));
	again = create_texture(&scene, 1, PRESENTABLE, 8);
	attach(&scene, 2, 1);
	respond(&scene, again, 0);
	assert_true(vgt_model_is_attached(model, 2, 1));
	detach(&scene, 2, 1);
	assert_false(vgt_model_is_attached(model, 2, 1));

	/* all at once */
	attach(&scene, 1, 3);
	attach(&scene, 2, 3);
	const struct vgt_reset reset = {VGT_RESET_DEVICE, 0};
	vgt_model_feed(model, VGT_RECORD_RESET, &reset, sizeof(reset), scene.command);
	assert_false(vgt_model_is_attached(model, 1, 3));
	create_context(&scene, 1, 0);
	create_texture(&scene, 3, PRESENTABLE, 16);
	assert_false(vgt_model_is_attached(model, 1, 3));
	attach(&scene, 1, 3);
	scene_finish(&scene);
}

static void assert_bound(struct scene *scene, enum pipe_shader_type stage, uint32_t handle)
{
	assert_int_equal(vgt_model_bound_shader(scene->model, 1, stage), handle);
}

/* vrend_bind_shader */
static void test_bound_shaders(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	assert_bound(&scene, PIPE_SHADER_VERTEX, 0); /* no context */
	create_context(&scene, 1, 0);
	for (unsigned stage = 0; stage < PIPE_SHADER_TYPES; stage++) {
		assert_bound(&scene, stage, 0);
		SUBMIT(&scene, 1, SHADER(10 + stage, stage), BIND(10 + stage, stage));
	}
	for (unsigned stage = 0; stage < PIPE_SHADER_TYPES; stage++) {
		assert_bound(&scene, stage, 10 + stage);
	}
	/* not there, of another stage, of another kind, no such stage, too short: as before */
	SUBMIT(&scene, 1, SURFACE(30, 1), BIND(99, PIPE_SHADER_VERTEX),
		BIND(10 + PIPE_SHADER_FRAGMENT, PIPE_SHADER_VERTEX),
		BIND(30, PIPE_SHADER_VERTEX), BIND(10, PIPE_SHADER_TYPES), BIND(0, UINT32_MAX),
		VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 1), 0);
	for (unsigned stage = 0; stage < PIPE_SHADER_TYPES; stage++) {
		assert_bound(&scene, stage, 10 + stage);
	}
	SUBMIT(&scene, 1, BIND(0, PIPE_SHADER_GEOMETRY));
	assert_bound(&scene, PIPE_SHADER_GEOMETRY, 0);
	assert_bound(&scene, PIPE_SHADER_FRAGMENT, 11);
	/* a shader stays bound without its object */
	SUBMIT(&scene, 1, DESTROY(11));
	assert_bound(&scene, PIPE_SHADER_FRAGMENT, 11);
	/* each sub-context has its own */
	SUBMIT(&scene, 1, SUB_CONTEXT(CREATE, 3), BIND(10, PIPE_SHADER_VERTEX));
	assert_bound(&scene, PIPE_SHADER_VERTEX, 0);
	SUBMIT(&scene, 1, SHADER(77, PIPE_SHADER_VERTEX), BIND(77, PIPE_SHADER_VERTEX));
	assert_bound(&scene, PIPE_SHADER_VERTEX, 77);
	SUBMIT(&scene, 1, SUB_CONTEXT(SET, 0));
	assert_bound(&scene, PIPE_SHADER_VERTEX, 10);
	destroy_context(&scene, 1);
	create_context(&scene, 1, 0);
	assert_bound(&scene, PIPE_SHADER_VERTEX, 0);
	scene_finish(&scene);
}

static void test_video_objects(void **state)
{
	(void)state;
	struct scene scene;
	scene_init(&scene, VGT_FRAME_AUTO);
	struct vgt_model *model = scene.model;
	create_context(&scene, 1, 0);
	create_context(&scene, 2, 0);
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_CREATE_VIDEO_CODEC, 0, 7), 5, 0, 1, 1, 0, 16,
		16, VIRGL_CMD0(VIRGL_CCMD_CREATE_VIDEO_BUFFER, 0, 5), 6, 166, 16, 16, 1,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_VIDEO_BUFFER, 0, 0));
	assert_true(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_CODEC, 5));
	assert_true(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_BUFFER, 6));
	/* a namespace for each kind and context, for all sub-contexts alike */
	assert_false(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_CODEC, 6));
	assert_false(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_BUFFER, 5));
	assert_false(vgt_model_has_video_object(model, 2, VGT_HANDLE_VIDEO_CODEC, 5));
	assert_false(vgt_model_has_video_object(model, 9, VGT_HANDLE_VIDEO_CODEC, 5));
	assert_null(vgt_model_object(model, 1, 5));
	SUBMIT(&scene, 1, SUB_CONTEXT(CREATE, 3));
	assert_true(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_CODEC, 5));
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_DESTROY_VIDEO_BUFFER, 0, 1), 5,
		VIRGL_CMD0(VIRGL_CCMD_DESTROY_VIDEO_CODEC, 0, 1), 6,
		VIRGL_CMD0(VIRGL_CCMD_DESTROY_VIDEO_CODEC, 0, 0));
	assert_true(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_CODEC, 5));
	SUBMIT(&scene, 1, VIRGL_CMD0(VIRGL_CCMD_DESTROY_VIDEO_CODEC, 0, 1), 5);
	assert_false(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_CODEC, 5));
	assert_true(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_BUFFER, 6));
	destroy_context(&scene, 1);
	create_context(&scene, 1, 0);
	assert_false(vgt_model_has_video_object(model, 1, VGT_HANDLE_VIDEO_BUFFER, 6));
	scene_finish(&scene);
}

/* What the hook of the next test finds before each command: it has not happened yet. */
static void look_before(struct scene *scene, uint32_t ctx_id,
	const struct virgl_command *command, uint32_t number)
{
	static const uint8_t operations[] = {VIRGL_CCMD_CREATE_OBJECT, VIRGL_CCMD_BIND_SHADER,
		VIRGL_CCMD_CREATE_SUB_CTX, VIRGL_CCMD_SET_SUB_CTX, VIRGL_CCMD_DESTROY_OBJECT,
		VIRGL_CCMD_SEND_STRING_MARKER, VIRGL_CCMD_TRANSFER3D, 200};
	struct vgt_model *model = scene->model;
	assert_int_equal(ctx_id, 1);
	assert_int_equal(number, scene->looked - 1);
	assert_true(number < COUNT(operations));
	assert_int_equal(command->op, operations[number]);
	bool other = number == 3; /* sub-context 3 is selected */
	assert_int_equal(
		vgt_model_object(model, 1, 40) != NULL, !other && number >= 1 && number <= 4);
	assert_int_equal(vgt_model_bound_shader(model, 1, PIPE_SHADER_VERTEX),
		number >= 2 && !other ? 40 : 0);
	assert_int_equal(vgt_model_has_sub_context(model, 1, 3), number >= 3);
	assert_int_equal(scene->frame_count, number >= 6);
	assert_int_equal(scene->transfer_count, number >= 7);
}

static void test_virgl_hook(void **state)
{
	(void)state;
	struct scene scene;
	scene_with_context(&scene, VGT_FRAME_AUTO);
	scene.look = look_before;
	scene.looked = 0;
	SUBMIT(&scene, 1, SHADER(40, PIPE_SHADER_VERTEX), BIND(40, PIPE_SHADER_VERTEX),
		SUB_CONTEXT(CREATE, 3), SUB_CONTEXT(SET, 0), DESTROY(40), MARKER,
		VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0, 0, 0, 0, 0, 0, 4, 4, 1, 0, 1,
		VIRGL_CMD0(200, 7, 1), 5,
		/* not there as a whole */
		VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 1));
	assert_int_equal(scene.looked, 8);
	assert_int_equal(scene.frame_count, 1);
	assert_int_equal(scene.transfer_count, 1);
	/* of contexts that are not there or not virgl nothing is known */
	create_context(&scene, 4, 4);
	SUBMIT(&scene, 4, NOTHING);
	SUBMIT(&scene, 5, NOTHING);
	assert_int_equal(scene.looked, 8);
	scene_finish(&scene);
}

/* Transfers. The numbers are worked out by hand from the renderer's rules. */

struct transfer_case {
	uint32_t target, format;
	uint32_t width, height, depth, array_size;
	uint32_t level, stride, layer_stride;
	struct virtio_gpu_box box;
	uint64_t extent;
	/* rows; count 0: nothing can be said */
	uint64_t row_stride, row_bytes;
	uint32_t row_count;
};

enum {
	R8 = 64,
	BGRA = 1,
	RGBA32F = 31,
	DXT1 = 105,
	ASTC_10X8 = 289,
	NV12 = 166,
	Z24S8 = 19,
};

static const struct transfer_case transfer_cases[] = {
	/* 2D, 16 texels of 4 bytes in a row: 64 bytes from row to row */
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 16, 16, 1}, 1024, 64, 64, 16},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {3, 5, 0, 4, 4, 1}, 208, 64, 16, 4},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 16, 0, {0, 0, 0, 4, 4, 1}, 64, 16, 16, 4},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 20, 0, {0, 0, 0, 4, 4, 1}, 76, 20, 16, 4},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 1, 0, {0, 0, 0, 4, 4, 1}, 64, 1, 16, 4},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 7, {0, 0, 0, 4, 4, 1}, 208, 64, 16, 4},
	{PIPE_TEXTURE_2D, Z24S8, 3, 3, 1, 1, 0, 0, 0, {0, 0, 0, 3, 3, 1}, 36, 12, 12, 3},
	{PIPE_TEXTURE_RECT, BGRA, 5, 7, 1, 1, 0, 0, 0, {4, 6, 0, 1, 1, 1}, 4, 20, 4, 1},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, UINT32_MAX, 0, {0, 0, 0, 1, 3, 1},
		2 * (uint64_t)UINT32_MAX + 4, UINT32_MAX, 4, 3},
	/* mip levels: 16, 8, 4; what is rounded to nothing is one */
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 2, 0, 0, {0, 0, 0, 4, 4, 1}, 64, 16, 16, 4},
	{PIPE_TEXTURE_2D, BGRA, 16, 2, 1, 1, 2, 0, 0, {0, 0, 0, 4, 1, 1}, 16, 16, 16, 1},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 2, 0, 0, {0, 0, 0, 5, 4, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 3, 0, 0, {0, 0, 0, 1, 1, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, UINT32_MAX, 0, 0, {0, 0, 0, 1, 1, 1}, 0, 0, 0, 0},
	/* boxes that the renderer refuses */
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {13, 0, 0, 4, 1, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {0, 13, 0, 1, 4, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 1, 1, 2}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {0, 0, 1, 1, 1, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {17, 0, 0, 0, 1, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {UINT32_MAX, 0, 0, 2, 1, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {2, 0, 0, UINT32_MAX, 1, 1}, 0, 0, 0, 0},
	/* empty: a texel may be read all the same */
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 0, 0, 0}, 4, 0, 0, 0},
	{PIPE_TEXTURE_2D, BGRA, 16, 16, 1, 1, 0, 0, 0, {16, 0, 0, 0, 4, 1}, 196, 0, 0, 0},
	/* blocks of 4x4 in 8 bytes: 16 texels are 32 bytes */
	{PIPE_TEXTURE_2D, DXT1, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 16, 16, 1}, 128, 32, 32, 4},
	{PIPE_TEXTURE_2D, DXT1, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 5, 5, 1}, 48, 32, 16, 2},
	{PIPE_TEXTURE_2D, DXT1, 8, 8, 1, 1, 2, 0, 0, {0, 0, 0, 2, 2, 1}, 8, 8, 8, 1},
	{PIPE_TEXTURE_2D, DXT1, 17, 17, 1, 1, 0, 0, 0, {0, 0, 0, 17, 17, 1}, 200, 40, 40, 5},
	/* blocks of 10x8 in 16 bytes: 21 texels are 3 blocks, 9 are 2 rows */
	{PIPE_TEXTURE_2D, ASTC_10X8, 21, 9, 1, 1, 0, 0, 0, {0, 0, 0, 21, 9, 1}, 96, 48, 48, 2},
	/* 3D: levels shrink in depth too */
	{PIPE_TEXTURE_3D, R8, 8, 8, 8, 1, 0, 0, 0, {0, 0, 0, 8, 8, 2}, 128, 8, 8, 8},
	{PIPE_TEXTURE_3D, R8, 8, 8, 8, 1, 1, 0, 0, {0, 0, 2, 4, 4, 2}, 32, 4, 4, 4},
	{PIPE_TEXTURE_3D, R8, 8, 8, 8, 1, 1, 0, 0, {0, 0, 2, 4, 4, 3}, 0, 0, 0, 0},
	{PIPE_TEXTURE_3D, R8, 8, 8, 8, 1, 1, 0, 100, {0, 0, 2, 4, 4, 2}, 116, 4, 4, 4},
	{PIPE_TEXTURE_3D, R8, 8, 8, 8, 1, 0, 0, 1, {0, 0, 0, 8, 8, 4}, 256, 8, 8, 8},
	{PIPE_TEXTURE_3D, R8, 8, 8, 8, 1, 0, 16, 0, {0, 0, 0, 8, 8, 2}, 248, 16, 8, 8},
	/* arrays and cubes: layers stay */
	{PIPE_TEXTURE_2D_ARRAY, BGRA, 4, 4, 1, 4, 0, 0, 0, {0, 0, 3, 4, 4, 1}, 64, 16, 16, 4},
	{PIPE_TEXTURE_2D_ARRAY, BGRA, 4, 4, 1, 4, 0, 0, 0, {0, 0, 3, 4, 4, 2}, 0, 0, 0, 0},
	{PIPE_TEXTURE_2D_ARRAY, BGRA, 4, 4, 1, 4, 2, 0, 0, {0, 0, 0, 1, 1, 4}, 16, 4, 4, 1},
	{PIPE_TEXTURE_CUBE, BGRA, 4, 4, 1, 6, 0, 0, 0, {0, 0, 0, 4, 4, 6}, 384, 16, 16, 4},
	{PIPE_TEXTURE_CUBE, BGRA, 4, 4, 1, 6, 0, 0, 0, {0, 0, 6, 4, 4, 1}, 0, 0, 0, 0},
	{PIPE_TEXTURE_1D_ARRAY, BGRA, 4, 1, 1, 3, 0, 0, 0, {0, 0, 0, 4, 1, 3}, 48, 16, 16, 1},
	/* buffers: bytes */
	{PIPE_BUFFER, R8, 1000, 1, 1, 1, 0, 0, 0, {10, 0, 0, 50, 1, 1}, 50, 1000, 50, 1},
	{PIPE_BUFFER, R8, 1000, 1, 1, 1, 0, 0, 0, {990, 0, 0, 11, 1, 1}, 0, 0, 0, 0},
	{PIPE_BUFFER, R8, 1000, 1, 1, 1, 0, 0, 0, {0, 0, 0, 10, 2, 1}, 0, 0, 0, 0},
	/* absurd: 2^32 - 1 in every direction */
	{PIPE_TEXTURE_2D, RGBA32F, UINT32_MAX, UINT32_MAX, 1, 1, 0, 0, 0,
		{0, 0, 0, UINT32_MAX, UINT32_MAX, 1}, UINT64_MAX, 68719476720, 68719476720,
		UINT32_MAX},
	{PIPE_TEXTURE_3D, R8, UINT32_MAX, UINT32_MAX, UINT32_MAX, 1, 0, 0, 0,
		{0, 0, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX}, UINT64_MAX, UINT32_MAX,
		UINT32_MAX, UINT32_MAX},
	/* formats whose size nobody knows */
	{PIPE_TEXTURE_2D, NV12, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 4, 4, 1}, UINT64_MAX, 0, 0, 0},
	{PIPE_TEXTURE_2D, 9999, 16, 16, 1, 1, 0, 0, 0, {0, 0, 0, 4, 4, 1}, UINT64_MAX, 0, 0, 0},
};

static bool transfer_case_holds(const struct transfer_case *wanted)
{
	struct vgt_resource resource = {
		.target = wanted->target,
		.format = wanted->format,
		.width = wanted->width,
		.height = wanted->height,
		.depth = wanted->depth,
		.array_size = wanted->array_size,
		.last_level = 2,
	};
	const struct vgt_transfer transfer = {
		.resource = &resource,
		.memory = &resource,
		.box = wanted->box,
		.offset = 12345,
		.level = wanted->level,
		.stride = wanted->stride,
		.layer_stride = wanted->layer_stride,
	};
	struct vgt_transfer_rows rows = {0};
	bool known = vgt_transfer_rows(&transfer, &rows);
	return vgt_transfer_extent(&transfer) == wanted->extent &&
	       known == (wanted->row_count > 0) &&
	       (!known || (rows.offset == 12345 && rows.stride == wanted->row_stride &&
				  rows.bytes == wanted->row_bytes &&
				  rows.count == wanted->row_count));
}

static void test_transfers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(transfer_cases); i++) {
		if (!transfer_case_holds(&transfer_cases[i])) {
			fail_msg("transfer_cases[%zu]", i);
		}
	}
	/* the control: the check sees a wrong number in every column */
	struct transfer_case wrong = transfer_cases[0];
	wrong.extent++;
	assert_false(transfer_case_holds(&wrong));
	wrong = transfer_cases[0];
	wrong.row_stride++;
	assert_false(transfer_case_holds(&wrong));
	wrong = transfer_cases[0];
	wrong.row_bytes++;
	assert_false(transfer_case_holds(&wrong));
	wrong = transfer_cases[0];
	wrong.row_count++;
	assert_false(transfer_case_holds(&wrong));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_readback),
		cmocka_unit_test(test_frame_flush),
		cmocka_unit_test(test_frame_two_scanouts),
		cmocka_unit_test(test_refused_scanout),
		cmocka_unit_test(test_frame_marker),
		cmocka_unit_test(test_frame_marker_resource),
		cmocka_unit_test(test_frame_marker_named),
		cmocka_unit_test(test_frame_fixed_rules),
		cmocka_unit_test(test_frame_submit),
		cmocka_unit_test(test_sub_contexts),
		cmocka_unit_test(test_surfaces),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_denied_creation),
		cmocka_unit_test(test_refused_creation),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_transfers_in_submit),
		cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_object_limit),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_attachments),
		cmocka_unit_test(test_bound_shaders),
		cmocka_unit_test(test_video_objects),
		cmocka_unit_test(test_virgl_hook),
		cmocka_unit_test(test_transfers),
	};
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
