/* SPDX-License-Identifier: MIT */
#ifndef VGT_MODEL_H
#define VGT_MODEL_H

#include "vgt_desc.h"
#include "vgt_trace.h"
#include "virgl_cmd.h"
#include "virtio_gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The model of live objects: what exists on the device after the records fed so far. It knows
 * resources and which contexts may use them, contexts with their sub-contexts, virgl objects,
 * bound shaders and framebuffers, scanouts; and, from all these, where a frame ends (FORMAT.md,
 * "Frames"). Recorder and player feed the same records to it and so agree on everything. One
 * thread at a time.
 */

/* As RESOURCE_CREATE_3D says (a 2D resource as QEMU's virgl device creates it). */
struct vgt_resource {
	uint32_t id;
	uint32_t target; /* enum pipe_texture_target */
	uint32_t format; /* enum virgl_formats; 0 for a blob without type */
	uint32_t bind;
	uint32_t width, height, depth, array_size; /* texels; bytes and 1, 1, 1 for a buffer */
	uint32_t last_level;
	uint32_t nr_samples;
	uint32_t flags;
	uint64_t frame_work; /* the model's */
	void *user;          /* the feeder's, NULL at first; see vgt_model_hooks.gone */
};

/* A virgl object of a sub-context. */
struct vgt_object {
	uint8_t type;         /* enum virgl_object_type; a multisampled surface is a SURFACE */
	uint32_t resource_id; /* of surfaces, sampler views, queries, stream output targets */
	/* shaders: enum pipe_shader_type; surfaces and sampler views: their format dword;
	   queries: type */
	uint32_t detail;
};

/* Movement of bytes between guest memory and a resource's level. */
struct vgt_transfer {
	const struct vgt_resource *resource; /* the texture or buffer on the host */
	struct vgt_resource *memory;         /* whose backing is the guest memory */
	struct virtio_gpu_box box;
	uint64_t offset; /* bytes into the guest memory */
	uint32_t level;
	uint32_t stride;       /* bytes from row to row; 0: as the level has it */
	uint32_t layer_stride; /* bytes from layer to layer; 0: as the level has it */
	bool to_host;
};

/* What the model tells its feeder while it is fed; any may be NULL. */
struct vgt_model_hooks {
	void *opaque;
	/* a virgl command of the submit being fed is next: the model shows what it will find */
	void (*virgl)(void *opaque, uint32_t ctx_id, const struct virgl_command *command,
		uint32_t number);
	/* a virgl command of the submit being fed moves bytes */
	void (*transfer)(void *opaque, const struct vgt_transfer *transfer);
	/* a frame ends with the record being fed */
	void (*frame)(void *opaque, const struct vgt_frame *frame);
	/* the resource goes; free what `user` holds */
	void (*gone)(void *opaque, struct vgt_resource *resource);
};

/* Objects beyond this number are not followed, so that hostile input cannot take all memory. */
#define VGT_MODEL_OBJECTS_MAX (1u << 20)

struct vgt_model;

/* `rule`: which frames to report; VGT_FRAME_AUTO for the rule of recordings. NULL: out of
 * memory. */
struct vgt_model *vgt_model_create(
	enum vgt_frame_rule rule, const struct vgt_model_hooks *hooks);
void vgt_model_destroy(struct vgt_model *model);

/*
 * Feeds one record whose shape vgt_record_check has found good. `command` is the number of the
 * control command, or for other records of the next one. Creations are believed until a
 * RESPONSE denies them.
 */
void vgt_model_feed(struct vgt_model *model, uint16_t type, const void *payload, size_t size,
	uint64_t command);

/* The same for a SUBMIT_3D whose virgl commands lie elsewhere (the recorder does not copy
 * them). */
void vgt_model_submit(
	struct vgt_model *model, uint32_t ctx_id, const uint32_t *dwords, size_t count);

/* NULL where no such resource lives. Valid until the next feed. */
struct vgt_resource *vgt_model_resource(struct vgt_model *model, uint32_t id);

/* The 3D resource that QEMU's virgl device makes of a 2D one (virgl_cmd_create_resource_2d). */
struct virtio_gpu_resource_create_3d vgt_model_2d_as_3d(
	const struct virtio_gpu_resource_create_2d *command);

bool vgt_model_has_context(struct vgt_model *model, uint32_t ctx_id);

/* Whether the context lives and speaks virgl, so that its submits may be walked. */
bool vgt_model_context_is_virgl(struct vgt_model *model, uint32_t ctx_id);

/* Whether both live and the context may use the resource. */
bool vgt_model_is_attached(struct vgt_model *model, uint32_t ctx_id, uint32_t resource_id);

bool vgt_model_has_sub_context(struct vgt_model *model, uint32_t ctx_id, uint32_t id);

/* The id of the selected sub-context; 0 too where the context does not live. */
uint32_t vgt_model_sub_context(struct vgt_model *model, uint32_t ctx_id);

/* The object of that handle in the selected sub-context; NULL: none. Valid until the next
 * command. */
const struct vgt_object *vgt_model_object(
	struct vgt_model *model, uint32_t ctx_id, uint32_t handle);

/* The handle of the shader bound in the selected sub-context, 0: none. Followed only where
 * there is a virgl hook, in which a draw would ask for it. */
uint32_t vgt_model_bound_shader(
	struct vgt_model *model, uint32_t ctx_id, enum pipe_shader_type stage);

/* `kind`: VGT_HANDLE_VIDEO_CODEC or VGT_HANDLE_VIDEO_BUFFER. */
bool vgt_model_has_video_object(
	struct vgt_model *model, uint32_t ctx_id, enum vgt_handle_kind kind, uint32_t handle);

/* The first scanout that shows the resource, or VGT_NO_SCANOUT. */
uint32_t vgt_model_scanout_of(const struct vgt_model *model, uint32_t resource_id);

/* Some object was not followed, so that its absence means nothing. */
bool vgt_model_overflowed(const struct vgt_model *model);

#endif
