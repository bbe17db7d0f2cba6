/* SPDX-License-Identifier: MIT */
#ifndef VGT_DEVICE_H
#define VGT_DEVICE_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * The recording of a VMM's virtio-gpu device: vgt_capture.h for a VMM that has the guest's
 * commands as they lie in descriptor chains, and whose user starts and stops recordings while
 * the guest runs. Declares none of virtio's structures, so that it can stand beside the VMM's
 * own.
 *
 * For each command of the control queue, in the order in which they execute:
 *
 *   vgt_device_command                      before it executes
 *   vgt_device_backing, vgt_device_answer   where they apply
 *   vgt_device_done                         behind it, before its fence is created
 *
 * All calls must be serialised with each other, as those of virglrenderer must. NULL is a legal
 * device that records nothing. No call fails the VMM.
 */

struct vgt_device;

struct vgt_device_options {
	const char *vmm; /* name and version, for the trace */
	/* virgl_renderer_get_cap_set and virgl_renderer_fill_caps */
	void (*get_cap_set)(uint32_t set, uint32_t *max_ver, uint32_t *max_size);
	void (*fill_caps)(uint32_t set, uint32_t version, void *caps);
	/* The device offers VIRTIO_GPU_F_CONTEXT_INIT: context_init of CTX_CREATE is no
	 * padding. */
	bool context_init;
	/* Told, as printf is, why a recording stopped before it was asked to; from any thread.
	 */
	void (*warn)(const char *format, ...) __attribute__((format(printf, 1, 2)));
};

/* NULL: no memory. A device that records when the process exits ends its trace then. */
struct vgt_device *vgt_device_create(const struct vgt_device_options *options);
void vgt_device_destroy(struct vgt_device *device);

/*
 * What the VMM's user steers, as properties of the device with texts for values:
 *
 *   capture        the trace: a file that does not exist yet, or `fd:N`, an empty file that is
 *                  open for writing as descriptor N. Set before vgt_device_ready it starts
 *                  there, later at once, and a recording that runs ends. "": ends it. Reads as
 *                  the trace that is being recorded, or "".
 *   capture-mark   set: a note of a person at this point of the trace
 *   capture-stats  read: what the recording holds, "frames=12 commands=345 ...", or ""
 *
 * False, VGT_ERR_USAGE: the file exists, or that of `fd:N` is not empty; there is no such
 * property; nothing is recorded that could be marked; or the guest has made contexts or
 * resources since the device was reset last, so that a trace which starts here could not be
 * replayed. A recording that runs goes on then.
 */
bool vgt_device_set(struct vgt_device *device, const char *property, const char *value,
	struct vgt_err *err);

/* Cut where `size`, which is not 0, is too small; "" where there is nothing to read. */
void vgt_device_get(
	const struct vgt_device *device, const char *property, char *value, size_t size);

/*
 * The device is complete: starts the recording that `capture` asks for, or where it was not set
 * the environment (VGT_CAPTURE_FILE, see capture_start.h). False: it asks and that fails, or
 * VGT_CAPTURE_CAPSET cannot be read.
 */
bool vgt_device_ready(struct vgt_device *device, struct vgt_err *err);

/*
 * virgl_renderer_init has returned 0, with these flags and this version of the callbacks; its
 * GL context is current. Only the first call counts: a process has one renderer.
 */
void vgt_device_initialised(struct vgt_device *device, int flags, int callbacks_version);

/* A command is about to execute: what the guest sent, header first. */
void vgt_device_command(struct vgt_device *device, const struct iovec *iov, size_t count);

/*
 * What the guest is told of a capset: version and size of virgl_renderer_get_cap_set, and in
 * the answer to GET_CAPSET the bytes (else NULL), aligned to 4. All are lowered where
 * VGT_CAPTURE_CAPSET (capture_start.h) wants the guest to be offered less than the host has.
 */
void vgt_device_offer(struct vgt_device *device, uint32_t capset_id, uint32_t *version,
	uint32_t *size, void *bytes);

/* A capset that answers it, as the guest gets it. */
void vgt_device_answer(struct vgt_device *device, const void *bytes, size_t size);

/*
 * The guest memory behind a resource, now that attaching it has succeeded. The array is copied,
 * the memory must stay until this is called with count 0, which must come before it is
 * unmapped: the VMM reads a command again when it executes it, and the guest may have changed
 * it meanwhile. (The trace then has what the command was at first.)
 */
void vgt_device_backing(
	struct vgt_device *device, uint32_t resource_id, const struct iovec *iov, size_t count);

/*
 * It has executed: `result` is what the virglrenderer function returned, 0 where that returns
 * nothing. Or it was refused without asking the renderer: `result` is 0 and `error`, else 0,
 * the type of the response, VIRTIO_GPU_RESP_ERR_*.
 */
void vgt_device_done(struct vgt_device *device, int result, uint32_t error);

/*
 * A command of the cursor queue is about to execute; may come between the two calls for one of
 * the control queue. What is not UPDATE_CURSOR or MOVE_CURSOR is no command there.
 */
void vgt_device_cursor(struct vgt_device *device, const struct iovec *iov, size_t count);

/* A fence is about to be created: by virgl_renderer_create_fence, or for a context. */
void vgt_device_fence_created(struct vgt_device *device, uint32_t ctx_id, uint64_t fence_id);
void vgt_device_context_fence_created(struct vgt_device *device, uint32_t ctx_id,
	uint32_t flags, uint32_t ring_idx, uint64_t fence_id);

/* virgl_renderer_poll is about to be called. */
void vgt_device_poll(struct vgt_device *device);

/* The callbacks write_fence and write_context_fence. */
void vgt_device_fence_retired(struct vgt_device *device, uint64_t fence_id);
void vgt_device_context_fence_retired(
	struct vgt_device *device, uint32_t ctx_id, uint32_t ring_idx, uint64_t fence_id);

/* The guest has reset the device: contexts and resources go before the next command. */
void vgt_device_reset(struct vgt_device *device);

#endif
