/* SPDX-License-Identifier: MIT */
#ifndef VGT_MODEL_GPU_H
#define VGT_MODEL_GPU_H

#include "virtio_gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What executes virtio-gpu commands behind the rings of device_model.h, and the one that is
 * built in: it keeps contexts and resources, copies bytes between backing and a shadow of the
 * resource, and understands no virgl. Errors are those of QEMU 10.0.
 */

struct vgt_dm;

/* What an executor does that does not know whether a command is done. */
enum vgt_dm_patience {
	VGT_DM_LOOK, /* nothing: whoever asks is in a hurry */
	VGT_DM_ASK,  /* sees to it that it will know */
	VGT_DM_WAIT, /* waits until it is done */
};

struct vgt_dm_executor {
	void *context;
	/*
	 * Executes one command of `size` bytes, at least a header, aligned to 8; `queue` is 0
	 * for the control queue, 1 for the cursor queue. Returns how many bytes it has written
	 * to `response`, at most `room`. The response is zeroed; fence_id, ctx_id and the flag
	 * are filled in by the device.
	 */
	uint32_t (*execute)(void *context, struct vgt_dm *dm, uint32_t queue,
		const void *command, uint32_t size, void *response, uint32_t room);
	/*
	 * For an executor that is not done with a command when execute() returns; NULL: it is.
	 * fence() is called after each fenced command and gives it a number, is_done() asks
	 * whether the command with this number is done. The device answers it then, and
	 * vgt_dm_set_fences() means nothing.
	 */
	uint64_t (*fence)(void *context);
	bool (*is_done)(void *context, uint64_t fence, enum vgt_dm_patience patience);
	void (*reset)(void *context); /* forget everything */
	/* Whether it may still use guest memory of this range. NULL: it never keeps any. */
	bool (*uses)(void *context, uint64_t address, uint64_t size);
};

/* Guest memory, for execute() only: NULL where not all of it is the driver's DMA memory, in one
 * piece; which counts as a violation. */
void *vgt_dm_memory(struct vgt_dm *dm, uint64_t address, uint64_t size);

struct vgt_dm_gpu;

struct vgt_dm_gpu_options {
	uint32_t num_scanouts, num_capsets;
	bool no_string_marker;
};
struct vgt_dm_gpu *vgt_dm_gpu_create(const struct vgt_dm_gpu_options *options);
void vgt_dm_gpu_destroy(struct vgt_dm_gpu *gpu);
struct vgt_dm_executor vgt_dm_gpu_executor(struct vgt_dm_gpu *gpu);

/* What lives on the device. */
uint32_t vgt_dm_gpu_contexts(const struct vgt_dm_gpu *gpu);
uint32_t vgt_dm_gpu_resources(const struct vgt_dm_gpu *gpu);
uint32_t vgt_dm_gpu_backings(const struct vgt_dm_gpu *gpu); /* resources that have one */
uint32_t vgt_dm_gpu_attachments(const struct vgt_dm_gpu *gpu);

/* The id is NULL where there is none such. Until the next command. */
struct vgt_dm_context {
	uint32_t id;
	uint32_t context_init;
	uint32_t nlen;
	char debug_name[64];
};
const struct vgt_dm_context *vgt_dm_gpu_context(const struct vgt_dm_gpu *gpu, uint32_t id);

struct vgt_dm_resource {
	struct virtio_gpu_resource_create_3d created; /* as 2D ones are, too */
	bool is_2d;
	struct virtio_gpu_mem_entry *entries; /* NULL: without backing */
	uint32_t nr_entries;
	uint64_t backing_size;
	/* The host's copy: of buffers and of level 0 of one layer of formats of four bytes.
	   NULL for others. */
	uint8_t *shadow;
	uint64_t shadow_size;
};
const struct vgt_dm_resource *vgt_dm_gpu_resource(const struct vgt_dm_gpu *gpu, uint32_t id);
bool vgt_dm_gpu_is_attached(
	const struct vgt_dm_gpu *gpu, uint32_t ctx_id, uint32_t resource_id);

/* Commands that named a context or a resource that there is not, which the host passes over or
 * refuses. */
uint32_t vgt_dm_gpu_unknown_ids(const struct vgt_dm_gpu *gpu);

/* The bytes of the last SUBMIT_3D, behind its structure. NULL: there was none. */
const void *vgt_dm_gpu_last_submit(
	const struct vgt_dm_gpu *gpu, uint32_t *ctx_id, uint32_t *size);
uint64_t vgt_dm_gpu_submits(const struct vgt_dm_gpu *gpu);
uint64_t vgt_dm_gpu_submit_bytes(const struct vgt_dm_gpu *gpu);
/* Is shown each submit when it is executed; must call nothing of device_model.h. */
void vgt_dm_gpu_on_submit(struct vgt_dm_gpu *gpu,
	void (*function)(void *context, uint32_t ctx_id, const void *commands, uint32_t size),
	void *context);

/* The capset as GET_CAPSET sends it; size 0: there is no such. */
const void *vgt_dm_gpu_capset(const struct vgt_dm_gpu *gpu, uint32_t capset_id, uint32_t *size);
struct vgt_dm_scanout {
	uint32_t resource_id; /* 0: off */
	struct virtio_gpu_rect r;
	uint32_t flushes;
	struct virtio_gpu_rect flushed; /* last one */
};
struct vgt_dm_scanout vgt_dm_gpu_scanout(const struct vgt_dm_gpu *gpu, uint32_t scanout);
/* The last cursor command of either kind. */
struct virtio_gpu_update_cursor vgt_dm_gpu_cursor(const struct vgt_dm_gpu *gpu);

#endif
