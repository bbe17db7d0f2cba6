/* SPDX-License-Identifier: MIT */
#include "guest_replay_objects.h"

#include "vgt_tree.h"
#include "virgl_cmd.h"
#include "virgl_desc.h"

#include <stdlib.h>

struct guest_replay_object *guest_replay_add(struct guest_replay_objects *objects, uint32_t id)
{
	struct guest_replay_object *object = calloc(1, sizeof(*object));
	if (!object) {
		return NULL;
	}
	object->id = id;
	if (!tsearch(object, &objects->tree, vgt_tree_compare)) {
		free(object);
		return NULL;
	}
	return object;
}

struct guest_replay_object *guest_replay_find(
	const struct guest_replay_objects *objects, uint32_t id)
{
	return vgt_tree_find(&objects->tree, id);
}

uint32_t guest_replay_handle(const struct guest_replay_objects *objects, uint32_t id)
{
	const struct guest_replay_object *object = guest_replay_find(objects, id);
	return object ? object->handle : GUEST_REPLAY_NOTHING;
}

void guest_replay_remove(struct guest_replay_objects *objects, uint32_t id)
{
	struct guest_replay_object *object = guest_replay_find(objects, id);
	if (object) {
		tdelete(object, &objects->tree, vgt_tree_compare);
		free(object);
	}
}

void guest_replay_remove_all(struct guest_replay_objects *objects)
{
	for (struct guest_replay_object *object; (object = vgt_tree_any(objects->tree));) {
		tdelete(object, &objects->tree, vgt_tree_compare);
		free(object);
	}
}

/* `dwords` are those of the command that `layout` was measured of. */
static void rewrite_command(const struct guest_replay_objects *resources,
	const struct vgt_layout *layout, uint32_t *dwords,
	void (*named)(void *opaque, struct guest_replay_object *resource), void *opaque)
{
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		if (value.field->type != VGT_FIELD_HANDLE ||
			value.field->handle != VGT_HANDLE_RESOURCE || value.number == 0) {
			continue;
		}
		struct guest_replay_object *resource =
			guest_replay_find(resources, (uint32_t)value.number);
		vgt_value_store(
			&value, dwords, resource ? resource->device_id : GUEST_REPLAY_NOTHING);
		if (resource) {
			named(opaque, resource);
		}
	}
}

void guest_replay_rewrite(const struct guest_replay_objects *resources, uint32_t *dwords,
	size_t count, void (*named)(void *opaque, struct guest_replay_object *resource),
	void *opaque)
{
	struct virgl_command command;
	struct vgt_layout layout;
	size_t at = 0;
	while (virgl_command_next(dwords, count, &at, &command)) {
		if (virgl_desc_measure(&command, &layout, NULL)) {
			rewrite_command(resources, &layout, dwords + (at - command.length - 1),
				named, opaque);
		}
	}
}
