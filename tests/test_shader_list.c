/* SPDX-License-Identifier: MIT */
#include "shader_list.h"
#include "vgt_address.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXTS_MAX   64
#define TEXT_SIZE   128
#define SUBMIT_SIZE (1u << 16)
#define CONTINUED   (1u << 31)

/* A list, what it said, and a submit in the making. */
struct scene {
	struct shader_list *list;
	uint64_t command;
	char texts[TEXTS_MAX][TEXT_SIZE]; /* by number, as far as they fit */
	size_t text_count;
	char problem[256]; /* the last one, with its address */
	size_t problem_count;
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t dwords[SUBMIT_SIZE + 64];
	} record;
	uint32_t count; /* dwords */
};

static void on_text(void *opaque, const struct shader *shader, const char *text)
{
	struct scene *scene = opaque;
	scene->text_count++;
	if (shader->number < TEXTS_MAX) {
		size_t size = shader->bytes < TEXT_SIZE ? shader->bytes : TEXT_SIZE - 1;
		memcpy(scene->texts[shader->number], text, size);
		scene->texts[shader->number][size] = '\0';
	}
}

static void on_problem(void *opaque, const struct shader_place *place, const char *message)
{
	struct scene *scene = opaque;
	char address[SHADER_PLACE_SIZE];
	shader_place_print(place, address);
	scene->problem_count++;
	snprintf(scene->problem, sizeof(scene->problem), "%s: %s", address, message);
}

static void feed(struct scene *scene, uint16_t type, const void *payload, size_t size)
{
	const struct vgt_record record = {.type = type,
		.size = (uint32_t)size,
		.payload = payload,
		.command = scene->command};
	shader_list_feed(scene->list, &record);
	scene->command += type < 0x8000;
}

static void create_context(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_ctx_create create = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}};
	feed(scene, VIRTIO_GPU_CMD_CTX_CREATE, &create, sizeof(create));
}

static void destroy_context(struct scene *scene, uint32_t id)
{
	const struct virtio_gpu_ctx_destroy destroy = {
		{.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = id}};
	feed(scene, VIRTIO_GPU_CMD_CTX_DESTROY, &destroy, sizeof(destroy));
}

/* Context 1 is there, and is @0. */
static struct scene *scene_create(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	assert_non_null(scene);
	const struct shader_list_hooks hooks = {scene, on_text, on_problem};
	scene->list = shader_list_create(&hooks);
	assert_non_null(scene->list);
	create_context(scene, 1);
	return scene;
}

static void scene_destroy(struct scene *scene)
{
	shader_list_destroy(scene->list);
	free(scene);
}

/* Sends what has been put together. */
static void submit(struct scene *scene, uint32_t ctx_id)
{
	scene->record.submit = (struct virtio_gpu_cmd_submit){
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = ctx_id},
		.size = scene->count * (uint32_t)sizeof(uint32_t),
	};
	feed(scene, VIRTIO_GPU_CMD_SUBMIT_3D, &scene->record,
		sizeof(scene->record.submit) + scene->record.submit.size);
	scene->count = 0;
}

static void put(struct scene *scene, uint32_t dword)
{
	assert_true(scene->count < SUBMIT_SIZE + 64);
	scene->record.dwords[scene->count++] = dword;
}

static void put_shader(struct scene *scene, uint32_t handle, uint32_t stage, uint32_t offset,
	const void *text, uint32_t size)
{
	uint32_t dwords = (size + 3) / 4;
	put(scene, VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 5 + dwords));
	put(scene, handle);
	put(scene, stage);
	put(scene, offset);
	put(scene, 300); /* tokens */
	put(scene, 0);
	assert_true(scene->count + dwords <= SUBMIT_SIZE + 64);
	memset(scene->record.dwords + scene->count, 0, dwords * sizeof(uint32_t));
	memcpy(scene->record.dwords + scene->count, text, size);
	scene->count += dwords;
}

/* All of a shader in one part. */
static void put_whole(struct scene *scene, uint32_t handle, uint32_t stage, const char *text)
{
	uint32_t size = (uint32_t)strlen(text) + 1;
	put_shader(scene, handle, stage, size, text, size);
}

static void put_one(struct scene *scene, uint32_t op, uint32_t object, uint32_t argument)
{
	put(scene, VIRGL_CMD0(op, object, 1));
	put(scene, argument);
}

static void put_bind(struct scene *scene, uint32_t handle, uint32_t stage)
{
	put(scene, VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 2));
	put(scene, handle);
	put(scene, stage);
}

static void put_zeros(struct scene *scene, uint32_t op, uint32_t length)
{
	put(scene, VIRGL_CMD0(op, 0, length));
	for (uint32_t i = 0; i < length; i++) {
		put(scene, 0);
	}
}

static void put_draw(struct scene *scene)
{
	put_zeros(scene, VIRGL_CCMD_DRAW_VBO, 12);
}

static const struct shader *at(const struct scene *scene, size_t number)
{
	assert_true(number < shader_list_count(scene->list));
	return shader_list_at(scene->list, number);
}

static void assert_place(const struct shader_place *place, const char *expected)
{
	char text[SHADER_PLACE_SIZE];
	shader_place_print(place, text);
	assert_string_equal(text, expected);
}

static void assert_incomplete(
	const struct scene *scene, size_t number, const char *problem, const char *text)
{
	const struct shader *shader = at(scene, number);
	assert_int_equal(shader->state, SHADER_INCOMPLETE);
	assert_string_equal(shader->problem, problem);
	assert_string_equal(scene->texts[number], text);
	assert_int_equal(shader->bytes, strlen(text));
}

static void test_one_part(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	put_whole(scene, 7, PIPE_SHADER_VERTEX, "VERT\n  0: END\n");
	put_whole(scene, 8, PIPE_SHADER_FRAGMENT, "FRAG\n  0: END");
	put_whole(scene, 9, PIPE_SHADER_VERTEX, "VERT\n  0: END\n");
	put_whole(scene, 9, PIPE_SHADER_COMPUTE, "COMP");
	submit(scene, 1);
	assert_true(shader_list_finish(scene->list));
	assert_int_equal(shader_list_count(scene->list), 4);
	assert_int_equal(scene->text_count, 4);
	const struct shader *shader = at(scene, 0);
	assert_int_equal(shader->state, SHADER_COMPLETE);
	assert_string_equal(scene->texts[0], "VERT\n  0: END\n");
	assert_int_equal(shader->handle, 7);
	assert_int_equal(shader->ctx_id, 1);
	assert_int_equal(shader->sub_ctx_id, 0);
	assert_int_equal(shader->bytes, 14);
	assert_int_equal(shader->lines, 2);
	assert_int_equal(shader->parts, 1);
	assert_place(&shader->created, "@1.0");
	assert_place(&shader->destroyed, "-");
	assert_null(shader->same_as);
	/* a last line without its end is one, too */
	assert_int_equal(at(scene, 1)->lines, 2);
	assert_int_equal(at(scene, 1)->bytes, 13);
	assert_ptr_equal(at(scene, 2)->same_as, shader);
	/* the same handle */
	assert_place(&at(scene, 2)->destroyed, "@1.3");
	assert_int_equal(at(scene, 3)->stage, PIPE_SHADER_COMPUTE);
	scene_destroy(scene);
}

static void test_stream_outputs(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	put(scene,
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 5 + 4 + 2 * 2 + 2));
	put(scene, 7);
	put(scene, PIPE_SHADER_VERTEX);
	put(scene, 5);
	put(scene, 300);
	put(scene, 2);
	for (unsigned i = 0; i < 4 + 2 * 2; i++) {
		put(scene, 'x');
	}
	put(scene, 'V' | 'E' << 8 | 'R' << 16 | (uint32_t)'T' << 24);
	put(scene, 0);
	submit(scene, 1);
	assert_int_equal(at(scene, 0)->stream_outputs, 2);
	assert_int_equal(at(scene, 0)->state, SHADER_COMPLETE);
	assert_string_equal(scene->texts[0], "VERT");
	/* what says 65, or says 3 and has 2, is malformed */
	for (uint32_t count = 3; count <= 65; count += 62) {
		put(scene, VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 13));
		put(scene, 7);
		put(scene, PIPE_SHADER_VERTEX);
		put(scene, 5);
		put(scene, 300);
		put(scene, count);
		for (unsigned i = 0; i < 4 + 2 * 2; i++) {
			put(scene, 0);
		}
		submit(scene, 1);
	}
	assert_int_equal(scene->problem_count, 2);
	assert_int_equal(shader_list_count(scene->list), 1);
	assert_place(&at(scene, 0)->destroyed, "-");
	scene_destroy(scene);
}

/* 4 + 4 + 3 bytes and a NUL. */
static void test_parts(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 12, "FRAG", 4);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "\nabc", 4);
	submit(scene, 1);
	assert_int_equal(at(scene, 0)->state, SHADER_UNFINISHED);
	/* other stages, contexts and sub-contexts do not mind */
	create_context(scene, 2);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 8, "FRA2", 4);
	submit(scene, 2);
	put_whole(scene, 8, PIPE_SHADER_VERTEX, "VERT");
	put_one(scene, VIRGL_CCMD_CREATE_SUB_CTX, 0, 5);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 6, "FRA3", 4);
	put_one(scene, VIRGL_CCMD_SET_SUB_CTX, 0, 0);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 8 | CONTINUED, "END", 4);
	put_one(scene, VIRGL_CCMD_SET_SUB_CTX, 0, 5);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "\n", 2);
	submit(scene, 1);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "\n", 2);
	submit(scene, 2);
	assert_true(shader_list_finish(scene->list));
	assert_int_equal(shader_list_count(scene->list), 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(at(scene, i)->state, SHADER_COMPLETE);
	}
	assert_string_equal(scene->texts[0], "FRAG\nabcEND");
	assert_int_equal(at(scene, 0)->parts, 3);
	assert_place(&at(scene, 0)->created, "@1.0");
	assert_string_equal(scene->texts[1], "FRA2\n");
	assert_string_equal(scene->texts[2], "VERT");
	assert_string_equal(scene->texts[3], "FRA3\n");
	assert_int_equal(at(scene, 3)->sub_ctx_id, 5);
	assert_int_equal(scene->problem_count, 0);
	scene_destroy(scene);
}

/* Each time the renderer destroys the object, and the next shader of the stage has a chance. */
static void test_wrong_parts(void **state)
{
	(void)state;
	static const struct {
		uint32_t offset;
		const char *text;
		uint32_t size;
		const char *problem, *there;
	} cases[] = {
		{8, "abc", 4, "part at byte 8 refused: 4 of 12 bytes", "FRAG"},
		{0, "abc", 4, "part at byte 0 refused: 4 of 12 bytes", "FRAG"},
		{3, "abc", 4, "part at byte 3 refused: 4 of 12 bytes", "FRAG"},
		{0x7fffffff, "abc", 4, "part at byte 2147483647 refused: 4 of 12 bytes",
			"FRAG"},
		{4, "abcdabcdabc", 12, "part of 12 bytes refused: 4 of 12 bytes", "FRAG"},
		{4, "abcdabcd", 8, "no NUL at its end", "FRAGabcdabcd"},
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);
	struct scene *scene = scene_create();
	for (size_t i = 0; i < count; i++) {
		put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 12, "FRAG", 4);
		put_shader(scene, 7, PIPE_SHADER_FRAGMENT, cases[i].offset | CONTINUED,
			cases[i].text, cases[i].size);
		submit(scene, 1);
		assert_incomplete(scene, i, cases[i].problem, cases[i].there);
		char place[16];
		snprintf(place, sizeof(place), "@%zu.1", i + 1);
		assert_place(&at(scene, i)->destroyed, place);
		assert_int_equal(scene->problem_count, 0);
	}
	assert_true(shader_list_finish(scene->list));
	assert_int_equal(scene->text_count, count);
	scene_destroy(scene);
}

/* What a first part may be refused for; the shader that has the handle stays. */
static void test_wrong_beginnings(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	put_whole(scene, 7, PIPE_SHADER_FRAGMENT, "FRAG");
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4, "abcd", 4);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4, "abcdabc", 8);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 0, "", 0);
	submit(scene, 1);
	assert_incomplete(scene, 1, "no NUL at its end", "abcd");
	assert_incomplete(scene, 2, "refused: has 8 bytes, declares 4", "abcdabc");
	assert_incomplete(scene, 3, "no NUL at its end", "");
	assert_place(&at(scene, 0)->destroyed, "-");
	/* one is unfinished */
	put_shader(scene, 8, PIPE_SHADER_FRAGMENT, 8, "FRAG", 4);
	put_whole(scene, 7, PIPE_SHADER_FRAGMENT, "abc");
	submit(scene, 1);
	assert_incomplete(scene, 5, "refused while handle 8 (@2.0) is unfinished", "abc");
	assert_place(&at(scene, 0)->destroyed, "-");
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "abc", 4);
	submit(scene, 1);
	assert_string_equal(
		scene->problem, "@3.0: part of shader 7 while 8 (@2.0) is unfinished");
	put_shader(scene, 8, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "abc", 4);
	submit(scene, 1);
	assert_string_equal(scene->texts[4], "FRAGabc");
	/* no shader at all */
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "abc", 4);
	submit(scene, 1);
	assert_string_equal(scene->problem, "@5.0: part of shader 7, which is complete");
	put_shader(scene, 70, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "abc", 4);
	submit(scene, 1);
	assert_string_equal(scene->problem, "@6.0: part of shader 70, which was not begun");
	put_whole(scene, 0, PIPE_SHADER_FRAGMENT, "abc");
	submit(scene, 1);
	assert_string_equal(scene->problem, "@7.0: shader with handle 0");
	put_whole(scene, 9, PIPE_SHADER_TYPES, "abc");
	submit(scene, 1);
	assert_string_equal(scene->problem, "@8.0: shader of unknown stage 6");
	put(scene, VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 3));
	put(scene, 9);
	put(scene, PIPE_SHADER_COMPUTE);
	put(scene, 4);
	submit(scene, 1);
	assert_string_equal(scene->problem,
		"@9.0: CREATE_OBJECT SHADER is 3 dwords long, 5 or more expected");
	assert_int_equal(scene->problem_count, 6);
	assert_int_equal(shader_list_count(scene->list), 6);
	scene_destroy(scene);
}

/* Shaders end with what they belong to; unfinished ones say what they have. */
static void test_ends(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	const struct vgt_reset reset = {0};
	create_context(scene, 2);
	create_context(scene, 3);
	for (uint32_t ctx_id = 1; ctx_id <= 3; ctx_id++) {
		for (uint32_t sub = 0; sub < 2; sub++) {
			if (sub) {
				put_one(scene, VIRGL_CCMD_CREATE_SUB_CTX, 0, sub);
			}
			put_whole(scene, 3, PIPE_SHADER_VERTEX, "VERT");
			put_shader(scene, 4, PIPE_SHADER_FRAGMENT, 100, "FRAG", 4);
		}
		submit(scene, ctx_id); /* @3 @4 @5 */
	}
	put_one(scene, VIRGL_CCMD_DESTROY_OBJECT, 0, 4);
	put_one(scene, VIRGL_CCMD_DESTROY_SUB_CTX, 0, 1);
	submit(scene, 1); /* @6 */
	/* another object with the handle */
	put(scene, VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5));
	put(scene, 3);
	for (unsigned i = 0; i < 4; i++) {
		put(scene, 0);
	}
	submit(scene, 1); /* @7 */
	destroy_context(scene, 2);
	feed(scene, VGT_RECORD_RESET, &reset, sizeof(reset));
	create_context(scene, 1); /* @9 */
	put_shader(scene, 4, PIPE_SHADER_FRAGMENT, 0x7fffffff, "FRAG", 4);
	submit(scene, 1);
	assert_true(shader_list_finish(scene->list));

	static const char *const destroyed[] = {"@7.0", "@9", "@6.1", "@6.0", "@8", "@8", "@8",
		"@8", "@9", "@9", "@9", "@9", "-"};
	assert_int_equal(shader_list_count(scene->list), 13);
	assert_int_equal(scene->text_count, 13);
	for (size_t i = 0; i < 13; i++) {
		assert_place(&at(scene, i)->destroyed, destroyed[i]);
		if (i % 2 && i < 12) {
			assert_incomplete(scene, i,
				"destroyed before its last part: 4 of 100 bytes", "FRAG");
		}
	}
	assert_incomplete(scene, 12, "its last part is missing: 4 of 2147483648 bytes", "FRAG");
	assert_ptr_equal(at(scene, 10)->same_as, at(scene, 0));
	assert_null(at(scene, 11)->same_as);
	scene_destroy(scene);
}

static void test_use(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	for (uint32_t stage = 0; stage < PIPE_SHADER_TYPES; stage++) {
		put_whole(scene, 10 + stage, stage, "text");
		put_bind(scene, 10 + stage, stage);
	}
	put_draw(scene); /* @1.12 */
	put_zeros(scene, VIRGL_CCMD_LAUNCH_GRID, 8);
	put_draw(scene);
	put_zeros(scene, VIRGL_CCMD_DRAW_VBO, 3); /* malformed */
	submit(scene, 1);
	for (uint32_t stage = 0; stage < PIPE_SHADER_COMPUTE; stage++) {
		assert_int_equal(at(scene, stage)->binds, 1);
		assert_int_equal(at(scene, stage)->draws, 2);
		assert_place(&at(scene, stage)->first_draw, "@1.12");
		assert_place(&at(scene, stage)->last_draw, "@1.14");
	}
	assert_int_equal(at(scene, PIPE_SHADER_COMPUTE)->draws, 1);
	assert_place(&at(scene, PIPE_SHADER_COMPUTE)->first_draw, "@1.13");

	/* what does not exist, or is of another stage, is not bound */
	put_bind(scene, 99, PIPE_SHADER_VERTEX);
	put_bind(scene, 10, PIPE_SHADER_FRAGMENT);
	put_bind(scene, 10, 6);
	/* what is destroyed stays bound, also where its handle gets another meaning */
	put_one(scene, VIRGL_CCMD_DESTROY_OBJECT, 0, 10);
	put_whole(scene, 10, PIPE_SHADER_VERTEX, "other");
	put_bind(scene, 0, PIPE_SHADER_FRAGMENT);
	put_draw(scene); /* @2.6 */
	put_bind(scene, 10, PIPE_SHADER_VERTEX);
	put_draw(scene);
	submit(scene, 1);
	assert_int_equal(at(scene, 0)->draws, 3);
	assert_place(&at(scene, 0)->last_draw, "@2.6");
	assert_place(&at(scene, 0)->destroyed, "@2.3");
	assert_int_equal(at(scene, 1)->draws, 2);
	assert_int_equal(at(scene, 1)->binds, 1);
	assert_int_equal(at(scene, 2)->draws, 4);
	assert_int_equal(at(scene, 6)->draws, 1);
	assert_place(&at(scene, 6)->first_draw, "@2.8");

	/* each sub-context has its own */
	put_one(scene, VIRGL_CCMD_CREATE_SUB_CTX, 0, 1);
	put_draw(scene);
	submit(scene, 1);
	assert_int_equal(at(scene, 6)->draws, 1);
	scene_destroy(scene);
}

/* Beyond the limits nothing is kept, and nothing is credited to the wrong shader. */
static void test_limits(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	char *text = malloc(240000);
	assert_non_null(text);
	memset(text, 'x', 240000);
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, 0x7ffffffc, text, 240000);
	submit(scene, 1);
	uint32_t offset = 0;
	while (at(scene, 0)->state == SHADER_UNFINISHED) {
		offset += 240000;
		assert_true(offset < SHADER_LIST_TEXT_MAX + 240000);
		put_shader(scene, 7, PIPE_SHADER_FRAGMENT, offset | CONTINUED, text, 240000);
		submit(scene, 1);
	}
	assert_int_equal(at(scene, 0)->bytes, offset);
	assert_true(offset > SHADER_LIST_TEXT_MAX - 240000 && offset < SHADER_LIST_TEXT_MAX);
	assert_non_null(strstr(at(scene, 0)->problem, "more unfinished text than is kept"));
	assert_place(&at(scene, 0)->destroyed, "-");
	put_shader(scene, 7, PIPE_SHADER_FRAGMENT, (offset + 240000) | CONTINUED, text, 40);
	submit(scene, 1);
	assert_int_equal(scene->problem_count, 0);
	free(text);

	/* memory is there again */
	put_shader(scene, 8, PIPE_SHADER_FRAGMENT, 8, "FRAG", 4);
	put_shader(scene, 8, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "", 1);
	put_bind(scene, 8, PIPE_SHADER_FRAGMENT);
	put_draw(scene);
	submit(scene, 1);
	assert_int_equal(at(scene, 1)->state, SHADER_COMPLETE);

	while (shader_list_count(scene->list) < SHADER_LIST_MAX) {
		put_whole(scene, 9, PIPE_SHADER_VERTEX, "VERT");
		submit(scene, 1);
	}
	assert_int_equal(shader_list_unlisted(scene->list), 0);
	put_whole(scene, 9, PIPE_SHADER_VERTEX, "more");
	put_shader(scene, 10, PIPE_SHADER_FRAGMENT, 8, "FRAG", 4);
	put_shader(scene, 10, PIPE_SHADER_FRAGMENT, 4 | CONTINUED, "", 1);
	put_bind(scene, 10, PIPE_SHADER_FRAGMENT);
	put_draw(scene);
	submit(scene, 1);
	assert_int_equal(shader_list_count(scene->list), SHADER_LIST_MAX);
	assert_int_equal(shader_list_unlisted(scene->list), 2);
	char place[SHADER_PLACE_SIZE];
	snprintf(place, sizeof(place), "@%" PRIu64 ".0", scene->command - 1);
	assert_place(&at(scene, SHADER_LIST_MAX - 1)->destroyed, place);
	assert_int_equal(at(scene, 1)->draws, 1);
	assert_int_equal(scene->problem_count, 0);
	assert_true(shader_list_finish(scene->list));
	scene_destroy(scene);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Anything in any order, for the sanitizers; each text is handed out once. */
static void test_anything(void **state)
{
	(void)state;
	struct scene *scene = scene_create();
	uint32_t seed = 1;
	const struct vgt_reset reset = {0};
	for (unsigned i = 0; i < 40000; i++) {
		uint32_t ctx_id = next_random(&seed) % 3;
		uint32_t handle = next_random(&seed) % 4;
		uint32_t stage = next_random(&seed) % 7;
		uint32_t choice = next_random(&seed) % 100;
		if (choice == 0) {
			feed(scene, VGT_RECORD_RESET, &reset, sizeof(reset));
		} else if (choice < 3) {
			destroy_context(scene, ctx_id);
		} else if (choice < 20) {
			create_context(scene, ctx_id);
		} else if (choice < 30) {
			put_one(scene, VIRGL_CCMD_SET_SUB_CTX + choice % 3, 0, handle);
		} else if (choice < 40) {
			put_bind(scene, handle, stage);
			put_draw(scene);
			put_zeros(scene, VIRGL_CCMD_LAUNCH_GRID, 8);
		} else if (choice < 45) {
			put_one(scene, VIRGL_CCMD_DESTROY_OBJECT, 0, handle);
		} else {
			uint32_t offset = next_random(&seed) % 24;
			offset |= next_random(&seed) % 2 ? CONTINUED : 0;
			put_shader(scene, handle, stage, offset, "abc\0abc\0abc",
				next_random(&seed) % 12);
			scene->record.dwords[5] = next_random(&seed) % 8 == 0;
		}
		if (scene->count) {
			submit(scene, ctx_id);
		}
	}
	assert_true(shader_list_finish(scene->list));
	size_t complete = 0;
	for (size_t i = 0; i < shader_list_count(scene->list); i++) {
		assert_int_not_equal(at(scene, i)->state, SHADER_UNFINISHED);
		complete += at(scene, i)->state == SHADER_COMPLETE && at(scene, i)->parts > 1;
	}
	assert_true(complete > 10);
	assert_int_equal(scene->text_count, shader_list_count(scene->list));
	scene_destroy(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_part),
		cmocka_unit_test(test_stream_outputs),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_wrong_parts),
		cmocka_unit_test(test_wrong_beginnings),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
