/* SPDX-License-Identifier: MIT */
#ifndef VGT_BOUND_STATE_H
#define VGT_BOUND_STATE_H

#include "vgt_model.h"
#include "virgl_cmd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a draw finds: the virgl commands that set the state in force, of each sub-context the
 * last of each kind (and stage, and slot), with the resources that they made it use. What a
 * slot holds is not merged where commands set overlapping slots from different first slots on.
 */

struct bound_state;

/* Commands are kept up to so many bytes in all; further ones are not. */
#define BOUND_STATE_MAX (64u << 20)

struct bound_command {
	uint64_t command; /* where it stands */
	uint32_t number;
	struct virgl_command virgl; /* a copy */
	const uint32_t *resources;  /* that it made the sub-context use when it was given */
	size_t resource_count;
};

/* NULL: out of memory. */
struct bound_state *bound_state_create(void);
void bound_state_destroy(struct bound_state *state);

/* The command at @command.number is next, of the sub-context that the model has selected. */
void bound_state_feed(struct bound_state *state, struct vgt_model *model, uint32_t ctx_id,
	const struct virgl_command *virgl, uint64_t command, uint32_t number);

/* The context is gone; or all are. */
void bound_state_forget(struct bound_state *state, uint32_t ctx_id);
void bound_state_forget_all(struct bound_state *state);

/* The resource that a value names or that the object it names is made of; 0: none. */
uint32_t bound_state_resource_of(
	struct vgt_model *model, uint32_t ctx_id, const struct vgt_value *value);

/*
 * Calls back with what is in force for a draw, launch or clear, in the order of the operations;
 * nothing is for others.
 * Of bound blend, rasterizer, DSA and vertex elements objects that is the command that made
 * them. Stops, and returns true, when the callback does.
 */
bool bound_state_each(struct bound_state *state, struct vgt_model *model, uint32_t ctx_id,
	uint8_t op, bool (*call)(void *opaque, const struct bound_command *command),
	void *opaque);

#endif
