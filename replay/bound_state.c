/* SPDX-License-Identifier: MIT */
#include "bound_state.h"

#include "vgt_tree.h"
#include "virgl_desc.h"

#include <stdlib.h>
#include <string.h>

/* One command kept. */
struct kept {
	uint64_t key; /* of created objects: the handle; else op, stage or object, slot */
	struct bound_command command;
	size_t bytes;
	uint32_t data[]; /* dwords, then resources */
};

struct scope {
	uint64_t key;       /* context in the upper half, sub-context */
	struct kept **sets; /* sorted by key */
	size_t set_count, set_capacity;
	void *created; /* by handle */
};

struct bound_state {
	void *scopes;
	size_t bytes;
};

static void forget_kept(struct bound_state *state, struct kept *kept)
{
	if (kept) {
		state->bytes -= kept->bytes;
		free(kept);
	}
}

static void clear_scope(struct bound_state *state, struct scope *scope)
{
	struct kept *kept;
	for (size_t i = 0; i < scope->set_count; i++) {
		forget_kept(state, scope->sets[i]);
	}
	scope->set_count = 0;
	while ((kept = vgt_tree_any(scope->created))) {
		tdelete(kept, &scope->created, vgt_tree_compare);
		forget_kept(state, kept);
	}
}

static void drop_scope(struct bound_state *state, struct scope *scope)
{
	clear_scope(state, scope);
	tdelete(scope, &state->scopes, vgt_tree_compare);
	state->bytes -= sizeof(*scope);
	free(scope->sets);
	free(scope);
}

static struct scope *get_scope(struct bound_state *state, uint64_t key)
{
	struct scope *scope = vgt_tree_find(&state->scopes, key);
	if (scope || state->bytes > BOUND_STATE_MAX) {
		return scope;
	}
	scope = calloc(1, sizeof(*scope));
	if (scope) {
		scope->key = key;
		if (!tsearch(scope, &state->scopes, vgt_tree_compare)) {
			free(scope);
			return NULL;
		}
		state->bytes += sizeof(*scope);
	}
	return scope;
}

static uint64_t scope_key(struct vgt_model *model, uint32_t ctx_id)
{
	return (uint64_t)ctx_id << 32 | vgt_model_sub_context(model, ctx_id);
}

/* The dword with the shader stage that a command sets state of, 0: of none or all. */
static uint32_t stage_at(uint8_t op)
{
	switch (op) {
	case VIRGL_CCMD_BIND_SHADER:
		return VIRGL_BIND_SHADER_TYPE;
	case VIRGL_CCMD_SET_SAMPLER_VIEWS:
	case VIRGL_CCMD_BIND_SAMPLER_STATES:
	case VIRGL_CCMD_SET_CONSTANT_BUFFER:
	case VIRGL_CCMD_SET_UNIFORM_BUFFER:
	case VIRGL_CCMD_SET_SHADER_BUFFERS:
	case VIRGL_CCMD_SET_SHADER_IMAGES:
		return 1; /* and in the next the first slot, or the index */
	default:
		return 0;
	}
}

/* What a command is filed under: a later one with the same key takes its place. */
static uint64_t make_key(uint8_t op, uint32_t first, uint32_t second)
{
	return (uint64_t)op << 56 | (uint64_t)(first & 0xffffff) << 32 | second;
}

/* 0: sets no state. The command has been measured. */
static uint64_t state_key(const struct virgl_command *command)
{
	const uint32_t *dwords = command->dwords;
	const uint32_t stage = stage_at(command->op);
	if (stage) {
		return make_key(command->op, dwords[stage], stage == 1 ? dwords[2] : 0);
	}
	switch (command->op) {
	case VIRGL_CCMD_BIND_OBJECT:
		return make_key(command->op, command->object, 0);
	case VIRGL_CCMD_SET_VIEWPORT_STATE:
	case VIRGL_CCMD_SET_SCISSOR_STATE:
	case VIRGL_CCMD_SET_ATOMIC_BUFFERS:
		return make_key(command->op, 0, dwords[1]);
	case VIRGL_CCMD_SET_FRAMEBUFFER_STATE:
	case VIRGL_CCMD_SET_FRAMEBUFFER_STATE_NO_ATTACH:
	case VIRGL_CCMD_SET_VERTEX_BUFFERS:
	case VIRGL_CCMD_SET_INDEX_BUFFER:
	case VIRGL_CCMD_SET_STENCIL_REF:
	case VIRGL_CCMD_SET_BLEND_COLOR:
	case VIRGL_CCMD_SET_POLYGON_STIPPLE:
	case VIRGL_CCMD_SET_CLIP_STATE:
	case VIRGL_CCMD_SET_SAMPLE_MASK:
	case VIRGL_CCMD_SET_MIN_SAMPLES:
	case VIRGL_CCMD_SET_STREAMOUT_TARGETS:
	case VIRGL_CCMD_SET_RENDER_CONDITION:
	case VIRGL_CCMD_SET_TESS_STATE:
		return make_key(command->op, 0, 0);
	default:
		return 0;
	}
}

uint32_t bound_state_resource_of(
	struct vgt_model *model, uint32_t ctx_id, const struct vgt_value *value)
{
	if (value->field->type != VGT_FIELD_HANDLE) {
		return 0;
	}
	uint32_t handle = (uint32_t)value->number;
	if (value->field->handle == VGT_HANDLE_RESOURCE) {
		return handle;
	}
	const struct vgt_object *object = value->field->handle <= VGT_HANDLE_OBJECT
						  ? vgt_model_object(model, ctx_id, handle)
						  : NULL;
	return object ? object->resource_id : 0;
}

static size_t count_handles(const struct vgt_layout *layout)
{
	struct vgt_walk walk;
	struct vgt_value value;
	size_t count = 0;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		count += value.field->type == VGT_FIELD_HANDLE && value.number;
	}
	return count;
}

static struct kept *keep(struct bound_state *state, struct vgt_model *model, uint32_t ctx_id,
	const struct virgl_command *virgl, const struct vgt_layout *layout)
{
	size_t dwords = virgl->length + (size_t)1;
	size_t data = (dwords + count_handles(layout)) * sizeof(uint32_t);
	size_t bytes = sizeof(struct kept) + data;
	struct kept *kept = state->bytes + bytes <= BOUND_STATE_MAX ? malloc(bytes) : NULL;
	if (!kept) {
		return NULL;
	}
	*kept = (struct kept){.bytes = bytes, .command.virgl = *virgl};
	memcpy(kept->data, virgl->dwords, dwords * sizeof(uint32_t));
	kept->command.virgl.dwords = kept->data;
	kept->command.resources = kept->data + dwords;
	state->bytes += bytes;
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		uint32_t resource = bound_state_resource_of(model, ctx_id, &value);
		if (resource) {
			kept->data[dwords + kept->command.resource_count++] = resource;
		}
	}
	return kept;
}

/* Where the key stands or would stand among what is set. */
static size_t set_position(const struct scope *scope, uint64_t key)
{
	size_t low = 0, high = scope->set_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (scope->sets[middle]->key < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool put_set(struct bound_state *state, struct scope *scope, struct kept *kept)
{
	size_t at = set_position(scope, kept->key);
	if (at < scope->set_count && scope->sets[at]->key == kept->key) {
		forget_kept(state, scope->sets[at]);
		scope->sets[at] = kept;
		return true;
	}
	if (scope->set_count == scope->set_capacity) {
		size_t capacity = scope->set_capacity ? scope->set_capacity * 2 : 32;
		struct kept **sets = realloc(scope->sets, capacity * sizeof(struct kept *));
		if (!sets) {
			return false;
		}
		scope->sets = sets;
		scope->set_capacity = capacity;
	}
	memmove(scope->sets + at + 1, scope->sets + at,
		(scope->set_count - at) * sizeof(struct kept *));
	scope->sets[at] = kept;
	scope->set_count++;
	return true;
}

static bool put_created(struct bound_state *state, struct scope *scope, struct kept *kept)
{
	struct kept *old = vgt_tree_find(&scope->created, kept->key);
	if (old) {
		tdelete(old, &scope->created, vgt_tree_compare);
		forget_kept(state, old);
	}
	return tsearch(kept, &scope->created, vgt_tree_compare) != NULL;
}

/* Objects of which a draw uses what they were made with; shaders say too much of themselves. */
static bool is_state_object(const struct virgl_command *virgl)
{
	return virgl->op == VIRGL_CCMD_CREATE_OBJECT &&
	       (virgl->object == VIRGL_OBJECT_BLEND ||
		       virgl->object == VIRGL_OBJECT_RASTERIZER ||
		       virgl->object == VIRGL_OBJECT_DSA ||
		       virgl->object == VIRGL_OBJECT_VERTEX_ELEMENTS);
}

void bound_state_feed(struct bound_state *state, struct vgt_model *model, uint32_t ctx_id,
	const struct virgl_command *virgl, uint64_t command, uint32_t number)
{
	struct vgt_layout layout;
	if (!virgl_desc_measure(virgl, &layout, NULL)) {
		return;
	}
	if (virgl->op == VIRGL_CCMD_DESTROY_SUB_CTX) {
		struct scope *gone = vgt_tree_find(&state->scopes,
			(uint64_t)ctx_id << 32 | virgl->dwords[VIRGL_SUB_CTX_ID]);
		if (gone) {
			drop_scope(state, gone);
		}
		return;
	}
	bool created = is_state_object(virgl);
	uint64_t key = created ? virgl->dwords[VIRGL_OBJ_CREATE_HANDLE] : state_key(virgl);
	struct scope *scope = key ? get_scope(state, scope_key(model, ctx_id)) : NULL;
	struct kept *kept = scope ? keep(state, model, ctx_id, virgl, &layout) : NULL;
	if (!kept) {
		return;
	}
	kept->key = key;
	kept->command.command = command;
	kept->command.number = number;
	if (!(created ? put_created : put_set)(state, scope, kept)) {
		forget_kept(state, kept);
	}
}

/* All sub-contexts of a context are equal: finds any. */
static int compare_contexts(const void *a, const void *b)
{
	uint64_t key_a = *(const uint64_t *)a >> 32;
	uint64_t key_b = *(const uint64_t *)b >> 32;
	return (key_a > key_b) - (key_a < key_b);
}

void bound_state_forget(struct bound_state *state, uint32_t ctx_id)
{
	const uint64_t key = (uint64_t)ctx_id << 32;
	void *const *node;
	while ((node = tfind(&key, &state->scopes, compare_contexts))) {
		drop_scope(state, *node);
	}
}

void bound_state_forget_all(struct bound_state *state)
{
	struct scope *scope;
	while ((scope = vgt_tree_any(state->scopes))) {
		drop_scope(state, scope);
	}
}

/* Asking */

/* Whether the command has to do with the kind of work; what is kept has been measured. */
static bool concerns(const struct virgl_command *kept, uint8_t op)
{
	const uint32_t stage = stage_at(kept->op);
	if (stage) {
		return (kept->dwords[stage] == PIPE_SHADER_COMPUTE) ==
			       (op == VIRGL_CCMD_LAUNCH_GRID) &&
		       op != VIRGL_CCMD_CLEAR;
	}
	switch (kept->op) {
	case VIRGL_CCMD_SET_ATOMIC_BUFFERS:
		return op != VIRGL_CCMD_CLEAR;
	case VIRGL_CCMD_SET_FRAMEBUFFER_STATE:
	case VIRGL_CCMD_SET_SCISSOR_STATE:
	case VIRGL_CCMD_SET_RENDER_CONDITION:
		return op != VIRGL_CCMD_LAUNCH_GRID;
	default:
		return op == VIRGL_CCMD_DRAW_VBO;
	}
}

/* The command that made a bound object, or the one that bound it where that is not known. */
static const struct bound_command *made_by(const struct scope *scope, const struct kept *kept)
{
	const struct virgl_command *virgl = &kept->command.virgl;
	const struct kept *created = NULL;
	if (virgl->op == VIRGL_CCMD_BIND_OBJECT) {
		created =
			vgt_tree_find(&scope->created, virgl->dwords[VIRGL_OBJ_CREATE_HANDLE]);
	}
	return created && created->command.virgl.object == virgl->object ? &created->command
									 : &kept->command;
}

bool bound_state_each(struct bound_state *state, struct vgt_model *model, uint32_t ctx_id,
	uint8_t op, bool (*call)(void *opaque, const struct bound_command *command),
	void *opaque)
{
	if (op != VIRGL_CCMD_DRAW_VBO && op != VIRGL_CCMD_LAUNCH_GRID &&
		op != VIRGL_CCMD_CLEAR) {
		return false;
	}
	const struct scope *scope = vgt_tree_find(&state->scopes, scope_key(model, ctx_id));
	for (size_t i = 0; scope && i < scope->set_count; i++) {
		const struct kept *kept = scope->sets[i];
		if (concerns(&kept->command.virgl, op) && call(opaque, made_by(scope, kept))) {
			return true;
		}
	}
	return false;
}

struct bound_state *bound_state_create(void)
{
	return calloc(1, sizeof(struct bound_state));
}

void bound_state_destroy(struct bound_state *state)
{
	if (state) {
		bound_state_forget_all(state);
		free(state);
	}
}
