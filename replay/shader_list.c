/* SPDX-License-Identifier: MIT */
#include "shader_list.h"

#include "vgt_address.h"
#include "virgl_desc.h"

#include <inttypes.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What a sub-context knows of shaders. There is one for each that ever had any in the list. */
struct scope {
	uint64_t key; /* context id, and below it sub-context id */
	void *live;   /* struct shader by handle; those in `progress` are among them */
	struct shader *bound[PIPE_SHADER_TYPES];    /* also where it is destroyed */
	struct shader *progress[PIPE_SHADER_TYPES]; /* whose last part has not come yet */
};

struct shader_list {
	struct vgt_model *model;
	struct shader_list_hooks hooks;
	struct shader **shaders;
	size_t count, room;
	void *scopes;
	struct shader_place place; /* of what is being fed */
	uint64_t text_bytes;       /* of memory that unfinished shaders hold */
	uint64_t unlisted;
};

/* One CREATE_OBJECT SHADER, measured. */
struct part {
	uint32_t ctx_id, handle, stage;
	bool continued;
	uint32_t offset; /* where the text goes on; of a first part: bytes in all */
	uint32_t stream_outputs;
	const char *text;
	size_t size; /* bytes, whole dwords */
};

static const struct shader_place nowhere = {VGT_ADDRESS_OPEN, VGT_NO_VIRGL_COMMAND};

void shader_place_print(const struct shader_place *place, char text[SHADER_PLACE_SIZE])
{
	if (place->command == VGT_ADDRESS_OPEN) {
		snprintf(text, SHADER_PLACE_SIZE, "-");
	} else {
		vgt_address_text(text, place->command, place->virgl_command);
	}
}

/* Trees (tsearch(3)) */

static int compare_handles(const void *a, const void *b)
{
	const uint32_t handle_a = ((const struct shader *)a)->handle;
	const uint32_t handle_b = ((const struct shader *)b)->handle;
	return (handle_a > handle_b) - (handle_a < handle_b);
}

static int compare_scopes(const void *a, const void *b)
{
	const uint64_t key_a = ((const struct scope *)a)->key;
	const uint64_t key_b = ((const struct scope *)b)->key;
	return (key_a > key_b) - (key_a < key_b);
}

/* All sub-contexts of a context are equal: finds any of them. */
static int compare_contexts(const void *a, const void *b)
{
	const uint64_t key_a = ((const struct scope *)a)->key >> 32;
	const uint64_t key_b = ((const struct scope *)b)->key >> 32;
	return (key_a > key_b) - (key_a < key_b);
}

static struct shader *find_live(const struct scope *scope, uint32_t handle)
{
	const struct shader wanted = {.handle = handle};
	void *const *node = scope ? tfind(&wanted, &scope->live, compare_handles) : NULL;
	return node ? *node : NULL;
}

/* Of the selected sub-context; NULL where it never had a shader. */
static struct scope *find_scope(const struct shader_list *list, uint32_t ctx_id, uint32_t sub)
{
	const struct scope wanted = {.key = (uint64_t)ctx_id << 32 | sub};
	void *const *node = tfind(&wanted, &list->scopes, compare_scopes);
	return node ? *node : NULL;
}

static struct scope *current_scope(const struct shader_list *list, uint32_t ctx_id)
{
	return find_scope(list, ctx_id, vgt_model_sub_context(list->model, ctx_id));
}

static struct scope *add_scope(struct shader_list *list, uint32_t ctx_id, uint32_t sub)
{
	struct scope *scope = calloc(1, sizeof(*scope));
	if (scope) {
		scope->key = (uint64_t)ctx_id << 32 | sub;
		if (!tsearch(scope, &list->scopes, compare_scopes)) {
			free(scope);
			scope = NULL;
		}
	}
	return scope;
}

/* Texts */

/* Nothing more will come: `text` of `size` bytes is all. */
static void settle(struct shader_list *list, struct shader *shader, enum shader_state state,
	const char *text, size_t size)
{
	shader->state = state;
	shader->bytes = size ? strnlen(text, size) : 0;
	shader->digest = XXH64(text, shader->bytes, 0);
	for (size_t i = 0; i < shader->bytes; i++) {
		shader->lines += text[i] == '\n' || i + 1 == shader->bytes;
	}
	if (list->hooks.text) {
		list->hooks.text(list->hooks.opaque, shader, size ? text : "");
	}
	list->text_bytes -= shader->room;
	free(shader->text);
	shader->text = NULL;
	shader->room = 0;
}

__attribute__((format(printf, 5, 6))) static void refuse(struct shader_list *list,
	struct shader *shader, const char *text, size_t size, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(shader->problem, sizeof(shader->problem), format, args);
	va_end(args);
	settle(list, shader, SHADER_INCOMPLETE, text, size);
}

/* The same for one whose parts have been kept. */
static void give_up(struct shader_list *list, struct scope *scope, struct shader *shader,
	const char *problem)
{
	scope->progress[shader->stage] = NULL;
	refuse(list, shader, shader->text, shader->received,
		"%s: %" PRIu64 " of %" PRIu64 " bytes", problem, shader->received,
		shader->declared);
}

/* Keeps the text of a part behind those before it. The memory doubles, so that many small parts
 * are not moved each time. */
static bool keep(struct shader_list *list, struct shader *shader, const struct part *part)
{
	const uint64_t needed = shader->received + part->size;
	const uint64_t most = SHADER_LIST_TEXT_MAX - list->text_bytes + shader->room;
	if (needed > most) {
		return false;
	}
	if (needed > shader->room) {
		const uint64_t twice = shader->room * 2 > needed ? shader->room * 2 : needed;
		const uint64_t room = twice < most ? twice : most;
		char *text = realloc(shader->text, room);
		if (!text) {
			return false;
		}
		list->text_bytes += room - shader->room;
		shader->text = text;
		shader->room = room;
	}
	if (part->size) {
		memcpy(shader->text + shader->received, part->text, part->size);
	}
	shader->received = needed;
	return true;
}

/* vrend_create_shader looks for the NUL in the last dword only. */
static bool has_nul(const char *text, size_t size)
{
	return size >= sizeof(uint32_t) &&
	       memchr(text + size - sizeof(uint32_t), '\0', sizeof(uint32_t));
}

__attribute__((format(printf, 2, 3))) static void complain(
	const struct shader_list *list, const char *format, ...)
{
	char message[160];
	va_list args;
	if (list->hooks.problem) {
		va_start(args, format);
		vsnprintf(message, sizeof(message), format, args);
		va_end(args);
		list->hooks.problem(list->hooks.opaque, &list->place, message);
	}
}

/* Lives */

static void end_shader(struct shader_list *list, struct scope *scope, struct shader *shader)
{
	shader->destroyed = list->place;
	if (shader->state == SHADER_UNFINISHED) {
		give_up(list, scope, shader, "destroyed before its last part");
	}
	tdelete(shader, &scope->live, compare_handles);
}

/* What has the handle goes. */
static void end_handle(struct shader_list *list, struct scope *scope, uint32_t handle)
{
	struct shader *shader = find_live(scope, handle);
	if (shader) {
		end_shader(list, scope, shader);
	}
}

static void end_scope(struct shader_list *list, struct scope *scope)
{
	while (scope->live) {
		end_shader(list, scope, *(struct shader **)scope->live);
	}
	tdelete(scope, &list->scopes, compare_scopes);
	free(scope);
}

static void end_context(struct shader_list *list, uint32_t ctx_id)
{
	const struct scope wanted = {.key = (uint64_t)ctx_id << 32};
	void *const *node;
	while ((node = tfind(&wanted, &list->scopes, compare_contexts))) {
		end_scope(list, *node);
	}
}

static void end_all(struct shader_list *list)
{
	while (list->scopes) {
		end_scope(list, *(struct scope **)list->scopes);
	}
}

/* Creation */

static bool grow(struct shader_list *list)
{
	if (list->count < list->room) {
		return true;
	}
	const size_t room = list->room ? list->room * 2 : 64;
	struct shader **shaders = realloc(list->shaders, room * sizeof(struct shader *));
	if (shaders) {
		list->shaders = shaders;
		list->room = room;
	}
	return shaders != NULL;
}

/* NULL: too many, or no memory. */
static struct shader *add_shader(
	struct shader_list *list, const struct part *part, uint32_t sub)
{
	struct shader *shader =
		list->count < SHADER_LIST_MAX && grow(list) ? calloc(1, sizeof(*shader)) : NULL;
	if (!shader) {
		list->unlisted++;
		return NULL;
	}
	shader->number = (uint32_t)list->count;
	shader->ctx_id = part->ctx_id;
	shader->sub_ctx_id = sub;
	shader->handle = part->handle;
	shader->stage = (enum pipe_shader_type)part->stage;
	shader->created = list->place;
	shader->first_draw = shader->last_draw = shader->destroyed = nowhere;
	shader->stream_outputs = part->stream_outputs;
	shader->parts = 1;
	shader->declared = ((uint64_t)part->offset + 3) & ~UINT64_C(3);
	list->shaders[list->count++] = shader;
	return shader;
}

/* Takes a part into account; where it was the last, completes the shader. False where the
 * renderer refuses the shader now. */
static bool take_text(struct shader_list *list, struct scope *scope, struct shader *shader,
	const struct part *part)
{
	const uint64_t received = shader->received + part->size;
	const bool last = received == shader->declared;
	const bool alone = last && shader->received == 0;
	scope->progress[shader->stage] = last ? NULL : shader;
	if (!alone && !keep(list, shader, part)) {
		give_up(list, scope, shader, "more unfinished text than is kept");
		return true; /* by the renderer it is not */
	}
	const char *text = alone ? part->text : shader->text;
	if (last && !has_nul(text, received)) {
		refuse(list, shader, text, received, "no NUL at its end");
		return false;
	}
	if (last) {
		settle(list, shader, SHADER_COMPLETE, text, received);
	}
	return true;
}

/* The first or only part of a shader. */
static void begin_shader(struct shader_list *list, const struct part *part)
{
	const uint32_t sub = vgt_model_sub_context(list->model, part->ctx_id);
	struct scope *scope = find_scope(list, part->ctx_id, sub);
	struct shader *shader = add_shader(list, part, sub);
	scope = scope || !shader ? scope : add_scope(list, part->ctx_id, sub);
	if (!shader || !scope) {
		end_handle(list, scope, part->handle);
		if (shader) {
			refuse(list, shader, part->text, part->size, "no memory");
		}
		return;
	}
	const struct shader *other = scope->progress[part->stage];
	if (other) {
		char place[SHADER_PLACE_SIZE];
		shader_place_print(&other->created, place);
		refuse(list, shader, part->text, part->size,
			"refused while handle %" PRIu32 " (%s) is unfinished", other->handle,
			place);
	} else if (part->size > shader->declared) {
		refuse(list, shader, part->text, part->size,
			"refused: has %zu bytes, declares %" PRIu64, part->size,
			shader->declared);
	} else if (take_text(list, scope, shader, part)) {
		/* it gets its handle only now, where it was not refused */
		end_handle(list, scope, part->handle);
		if (!tsearch(shader, &scope->live, compare_handles) &&
			shader->state == SHADER_UNFINISHED) {
			give_up(list, scope, shader, "no memory");
		}
	}
}

/* Another part of a long shader. */
static void continue_shader(struct shader_list *list, const struct part *part)
{
	struct scope *scope = current_scope(list, part->ctx_id);
	struct shader *shader = find_live(scope, part->handle);
	const struct shader *other = scope ? scope->progress[part->stage] : NULL;
	if (other && other->handle != part->handle) {
		char place[SHADER_PLACE_SIZE];
		shader_place_print(&other->created, place);
		complain(list,
			"part of shader %" PRIu32 " while %" PRIu32 " (%s) is unfinished",
			part->handle, other->handle, place);
		return;
	}
	if (!shader) {
		/* one that is not listed, or that was refused, is known to the model */
		if (!vgt_model_object(list->model, part->ctx_id, part->handle)) {
			complain(list, "part of shader %" PRIu32 ", which was not begun",
				part->handle);
		}
		return;
	}
	if (shader->state == SHADER_COMPLETE) {
		complain(list, "part of shader %" PRIu32 ", which is complete", part->handle);
		return;
	}
	if (shader->state == SHADER_INCOMPLETE) {
		return; /* its text was not kept */
	}
	shader->parts++;
	char problem[64];
	if (part->offset != shader->received) {
		snprintf(problem, sizeof(problem), "part at byte %" PRIu32 " refused",
			part->offset);
		give_up(list, scope, shader, problem);
	} else if (part->size > shader->declared - shader->received) {
		snprintf(problem, sizeof(problem), "part of %zu bytes refused", part->size);
		give_up(list, scope, shader, problem);
	} else if (take_text(list, scope, shader, part)) {
		return;
	}
	end_shader(list, scope, shader);
}

static void create_shader(
	struct shader_list *list, uint32_t ctx_id, const struct virgl_command *command)
{
	struct vgt_layout layout;
	struct vgt_err err;
	if (!virgl_desc_measure(command, &layout, &err)) {
		complain(list, "%s", err.message);
		return;
	}
	size_t text = 0; /* the last part of the description, all that is left */
	while (layout.desc->parts[text + 1].kind) {
		text++;
	}
	const uint32_t *dwords = command->dwords;
	const struct part part = {
		.ctx_id = ctx_id,
		.handle = dwords[VIRGL_OBJ_CREATE_HANDLE],
		.stage = dwords[VIRGL_OBJ_SHADER_TYPE],
		.continued = dwords[VIRGL_OBJ_SHADER_OFFSET] & VIRGL_OBJ_SHADER_OFFSET_CONT,
		.offset = dwords[VIRGL_OBJ_SHADER_OFFSET] & ~VIRGL_OBJ_SHADER_OFFSET_CONT,
		.stream_outputs = dwords[VIRGL_OBJ_SHADER_TYPE] == PIPE_SHADER_COMPUTE
					  ? 0
					  : dwords[VIRGL_OBJ_SHADER_SO_NUM_OUTPUTS],
		.text = (const char *)(dwords + layout.part[text].at),
		.size = layout.part[text].count,
	};
	if (part.handle == 0) {
		complain(list, "shader with handle 0");
	} else if (part.stage >= PIPE_SHADER_TYPES) {
		complain(list, "shader of unknown stage %" PRIu32, part.stage);
	} else if (part.continued) {
		continue_shader(list, &part);
	} else {
		begin_shader(list, &part);
	}
}

/* Use */

/* vrend_bind_shader: what does not exist or is of another stage changes nothing. */
static void bind_shader(struct shader_list *list, uint32_t ctx_id, const uint32_t *dwords)
{
	struct scope *scope = current_scope(list, ctx_id);
	const uint32_t handle = dwords[VIRGL_BIND_SHADER_HANDLE];
	const uint32_t stage = dwords[VIRGL_BIND_SHADER_TYPE];
	if (!scope || stage >= PIPE_SHADER_TYPES) {
		return;
	}
	struct shader *shader = handle ? find_live(scope, handle) : NULL;
	if (shader && shader->stage == stage) {
		scope->bound[stage] = shader;
		shader->binds++;
		return;
	}
	/* nothing, or one that is not listed */
	const struct vgt_object *object =
		handle && !shader ? vgt_model_object(list->model, ctx_id, handle) : NULL;
	if (!handle ||
		(object && object->type == VIRGL_OBJECT_SHADER && object->detail == stage)) {
		scope->bound[stage] = NULL;
	}
}

static void draw(struct shader_list *list, uint32_t ctx_id, enum pipe_shader_type first,
	enum pipe_shader_type last)
{
	struct scope *scope = current_scope(list, ctx_id);
	for (unsigned stage = first; scope && stage <= last; stage++) {
		struct shader *shader = scope->bound[stage];
		if (shader) {
			shader->first_draw = shader->draws ? shader->first_draw : list->place;
			shader->last_draw = list->place;
			shader->draws++;
		}
	}
}

static void destroy_sub_context(struct shader_list *list, uint32_t ctx_id, uint32_t id)
{
	struct scope *scope = find_scope(list, ctx_id, id);
	if (scope && id != 0) {
		end_scope(list, scope);
	}
}

static void on_virgl(
	void *opaque, uint32_t ctx_id, const struct virgl_command *command, uint32_t number)
{
	struct shader_list *list = opaque;
	struct vgt_layout layout;
	list->place.virgl_command = number;
	if (command->op == VIRGL_CCMD_CREATE_OBJECT && command->object == VIRGL_OBJECT_SHADER) {
		create_shader(list, ctx_id, command);
		return;
	}
	if (!virgl_desc_measure(command, &layout, NULL)) {
		return;
	}
	switch (command->op) {
	case VIRGL_CCMD_CREATE_OBJECT: /* one namespace */
	case VIRGL_CCMD_DESTROY_OBJECT:
		end_handle(list, current_scope(list, ctx_id),
			command->dwords[VIRGL_OBJ_CREATE_HANDLE]);
		break;
	case VIRGL_CCMD_DESTROY_SUB_CTX:
		destroy_sub_context(list, ctx_id, command->dwords[VIRGL_SUB_CTX_ID]);
		break;
	case VIRGL_CCMD_BIND_SHADER:
		bind_shader(list, ctx_id, command->dwords);
		break;
	case VIRGL_CCMD_DRAW_VBO:
		draw(list, ctx_id, PIPE_SHADER_VERTEX, PIPE_SHADER_TESS_EVAL);
		break;
	case VIRGL_CCMD_LAUNCH_GRID:
		draw(list, ctx_id, PIPE_SHADER_COMPUTE, PIPE_SHADER_COMPUTE);
		break;
	default:
		break;
	}
}

/* The list */

struct shader_list *shader_list_create(const struct shader_list_hooks *hooks)
{
	struct shader_list *list = calloc(1, sizeof(*list));
	const struct vgt_model_hooks model_hooks = {.opaque = list, .virgl = on_virgl};
	if (list) {
		list->hooks = *hooks;
		list->model = vgt_model_create(VGT_FRAME_AUTO, &model_hooks);
	}
	if (list && !list->model) {
		free(list);
		list = NULL;
	}
	return list;
}

void shader_list_destroy(struct shader_list *list)
{
	if (!list) {
		return;
	}
	list->hooks = (struct shader_list_hooks){0};
	end_all(list);
	for (size_t i = 0; i < list->count; i++) {
		free(list->shaders[i]->text);
		free(list->shaders[i]);
	}
	free(list->shaders);
	vgt_model_destroy(list->model);
	free(list);
}

void shader_list_feed(struct shader_list *list, const struct vgt_record *record)
{
	const struct virtio_gpu_ctrl_hdr *hdr = record->payload;
	list->place = (struct shader_place){record->command, VGT_NO_VIRGL_COMMAND};
	if (record->type == VGT_RECORD_RESET) {
		end_all(list);
	} else if (record->type == VIRTIO_GPU_CMD_CTX_DESTROY ||
		   (record->type == VIRTIO_GPU_CMD_CTX_CREATE &&
			   !vgt_model_has_context(list->model, hdr->ctx_id))) {
		/* on creation there are shaders left only where the one before was refused */
		end_context(list, hdr->ctx_id);
	}
	vgt_model_feed(
		list->model, record->type, record->payload, record->size, record->command);
}

/* Equal texts side by side, the first of them before the others. */
static int compare_texts(const void *a, const void *b)
{
	const struct shader *shader_a = *(const struct shader *const *)a;
	const struct shader *shader_b = *(const struct shader *const *)b;
	if (shader_a->digest != shader_b->digest) {
		return shader_a->digest < shader_b->digest ? -1 : 1;
	}
	if (shader_a->bytes != shader_b->bytes) {
		return shader_a->bytes < shader_b->bytes ? -1 : 1;
	}
	return (shader_a->number > shader_b->number) - (shader_a->number < shader_b->number);
}

bool shader_list_finish(struct shader_list *list)
{
	struct shader **sorted = calloc(list->count + 1, sizeof(struct shader *));
	size_t complete = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct shader *shader = list->shaders[i];
		if (shader->state == SHADER_UNFINISHED) {
			struct scope *scope =
				find_scope(list, shader->ctx_id, shader->sub_ctx_id);
			give_up(list, scope, shader, "its last part is missing");
		} else if (sorted && shader->state == SHADER_COMPLETE) {
			sorted[complete++] = shader;
		}
	}
	if (!sorted) {
		return false;
	}
	qsort(sorted, complete, sizeof(struct shader *), compare_texts);
	const struct shader *first = NULL;
	for (size_t i = 0; i < complete; i++) {
		if (first && first->digest == sorted[i]->digest &&
			first->bytes == sorted[i]->bytes) {
			sorted[i]->same_as = first;
		} else {
			first = sorted[i];
		}
	}
	free(sorted);
	return true;
}

size_t shader_list_count(const struct shader_list *list)
{
	return list->count;
}

const struct shader *shader_list_at(const struct shader_list *list, size_t number)
{
	return list->shaders[number];
}

uint64_t shader_list_unlisted(const struct shader_list *list)
{
	return list->unlisted;
}

bool shader_list_overflowed(const struct shader_list *list)
{
	return vgt_model_overflowed(list->model);
}
