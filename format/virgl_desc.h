/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRGL_DESC_H
#define VGT_VIRGL_DESC_H

#include "vgt_desc.h"
#include "virgl_cmd.h"

#include <stdbool.h>

/*
 * The virgl commands described: every VIRGL_CCMD and every object type up to virglrenderer 1.1.
 * Names, positions and legal lengths are those of virgl_protocol.h and vrend_decode.c, meanings
 * of Gallium's p_defines.h and p_state.h.
 */

/*
 * What describes the command, by operation, object type and, for shaders, stage. NULL where
 * virglrenderer 1.1 knows no such command; it is then to be kept and shown raw.
 */
const struct vgt_desc *virgl_desc_of(const struct virgl_command *command);

/*
 * Measures the command against what describes it (vgt_desc_measure). layout->desc is set in any
 * case: NULL where nothing does; the result is then false, the message "unknown operation".
 */
bool virgl_desc_measure(
	const struct virgl_command *command, struct vgt_layout *layout, struct vgt_err *err);

/* "DRAW_VBO"; NULL where the operation is unknown. */
const char *virgl_ccmd_name(uint8_t op);

/* "BLEND"; NULL where there is no such object type. */
const char *virgl_object_name(uint32_t type);

/* The n-th description of all, for whoever wants to see every one; NULL behind the last. */
const struct vgt_desc *virgl_desc_at(size_t n);

/* Enumerations that others print too. */
extern const struct vgt_name virgl_texture_targets[]; /* enum pipe_texture_target */
extern const struct vgt_name virgl_bind_flags[];      /* VIRGL_BIND_* */
extern const struct vgt_name virgl_resource_flags[];  /* VIRGL_RESOURCE_* */
extern const struct vgt_name virgl_shader_stages[];   /* enum pipe_shader_type */

#endif
