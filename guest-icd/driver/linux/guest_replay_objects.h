/* SPDX-License-Identifier: MIT */
#ifndef VGT_GUEST_REPLAY_OBJECTS_H
#define VGT_GUEST_REPLAY_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a trace has made so far, by the trace's numbers, and what it is to the driver. */

/* No driver gives this handle, no device this number: for what a trace names and is not there.
 */
#define GUEST_REPLAY_NOTHING UINT32_MAX

struct guest_replay_object {
	uint64_t id; /* the trace's; the key of vgt_tree.h */
	uint32_t handle;
	uint32_t device_id; /* of resources */
	uint8_t *memory;    /* of resources: the backing as it is mapped; NULL: none */
	uint64_t size;      /* of it, bytes */
	bool is_own;        /* a backing in the place of memory of the next transfer's own */
	uint64_t listed;    /* the last submit that has it in its list */
};

struct guest_replay_objects {
	void *tree;
};

/* NULL: no memory. There must be none of that id. */
struct guest_replay_object *guest_replay_add(struct guest_replay_objects *objects, uint32_t id);
/* NULL: there is none. */
struct guest_replay_object *guest_replay_find(
	const struct guest_replay_objects *objects, uint32_t id);
/* Its handle, GUEST_REPLAY_NOTHING where there is none. */
uint32_t guest_replay_handle(const struct guest_replay_objects *objects, uint32_t id);
/* Where there is one. */
void guest_replay_remove(struct guest_replay_objects *objects, uint32_t id);
void guest_replay_remove_all(struct guest_replay_objects *objects);

/*
 * Puts the device's numbers of resources in the place of the trace's, in the virgl commands
 * that virgl_desc.h describes. `named` is called for each use of a resource that is there.
 */
void guest_replay_rewrite(const struct guest_replay_objects *resources, uint32_t *dwords,
	size_t count, void (*named)(void *opaque, struct guest_replay_object *resource),
	void *opaque);

#endif
