/* SPDX-License-Identifier: MIT */
#ifndef VGT_CAPTURE_H
#define VGT_CAPTURE_H

#include "vgt_err.h"
#include "vgt_trace.h"
#include "virtio_gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * What a VMM (or an interposer in its place) calls to record its virtio-gpu commands:
 * libvgt-capture.
 *
 * Order. A command is recorded before it executes, what came of it after: command, execute,
 * response. Guest memory that a command reads is recorded by these functions, which therefore
 * must be called while that memory has the content that the renderer will see.
 *
 * Threads. Calls about commands must be serialised with each other, as the calls of
 * virglrenderer must; vgt_capture_fence (of retired fences), vgt_capture_mark and the questions
 * may come from any thread at any time.
 *
 * Failure. No call ever fails the VMM: when recording stops (disk full, limit), options.message
 * says why, once, the file stays a valid trace, and further calls do nothing. NULL is a legal
 * capture that records nothing. After fork() the child's capture is inert.
 */

struct vgt_capture;

struct vgt_capture_options {
	const char *path;   /* of the trace to create; must not exist */
	int fd;             /* where path is NULL: an empty file open for writing; taken over */
	uint64_t ring_size; /* bytes; 0: 16 MiB */
	/* NULL: /dev/shm, else the trace's directory, else, where no file may be created there,
	   memory that dies with the process and cannot be recovered from */
	const char *ring_directory;
	uint64_t max_size;   /* bytes of the file; 0: no limit */
	uint64_t max_frames; /* recording ends when so many are complete; 0: no limit */
	/* Told once why recording stopped before max_frames were complete; from any thread.
	 */
	void (*message)(void *opaque, const char *text);
	void *opaque;
};

/* NULL with the reason in err. */
struct vgt_capture *vgt_capture_create(
	const struct vgt_capture_options *options, struct vgt_err *err);

/* Ends the recording early and tells the reason, which is kept in the trace. */
void vgt_capture_stop(struct vgt_capture *capture, const char *reason);

/*
 * Ends the trace; the capture stays and records nothing more, for threads that may be inside
 * a call. False: the trace is not whole.
 */
bool vgt_capture_end(struct vgt_capture *capture, struct vgt_err *err);

/* Ends the trace, if that is not done yet, and frees; returns as vgt_capture_end. */
bool vgt_capture_destroy(struct vgt_capture *capture, struct vgt_err *err);

bool vgt_capture_is_recording(const struct vgt_capture *capture);

/* How far it has come; all 0 for NULL. */
struct vgt_capture_progress {
	uint64_t commands, frames;
	uint64_t stream_size; /* bytes of records */
	uint64_t written;     /* bytes of the file so far */
	uint64_t stalls;      /* how often the VMM waited because the ring was full */
	uint64_t stall_ns;    /* how long in all */
};
struct vgt_capture_progress vgt_capture_progress(const struct vgt_capture *capture);

/* Facts about the recording, `count` pairs of key and value; FORMAT.md lists the known keys. */
struct vgt_capture_fact {
	const char *key;
	const char *value;
};
void vgt_capture_meta(
	struct vgt_capture *capture, const struct vgt_capture_fact *facts, size_t count);

/* A capset as the renderer fills it. */
void vgt_capture_capset(struct vgt_capture *capture, uint32_t id, uint32_t version,
	const void *bytes, size_t size);

/*
 * A control command: its structure (virtio_gpu.h, hdr.type set) and what follows it, which may
 * be NULL; `data` of SUBMIT_3D is its virgl commands, 4-byte aligned, of ATTACH_BACKING and
 * CREATE_BLOB the memory entries (vgt_capture_backing follows when the command has succeeded).
 * Guest memory that transfers inside a submit, a transfer from the guest, or the detaching of a
 * CUSTOM resource read is recorded first. `flags`: VGT_RECORD_*. Returns the command's number,
 * for its response, or VGT_NO_COMMAND, for which a response does nothing: recording has
 * stopped, or the command counts more than `data` holds.
 */
#define VGT_NO_COMMAND UINT64_MAX
uint64_t vgt_capture_command(struct vgt_capture *capture, const void *command, size_t size,
	const void *data, size_t data_size, uint16_t flags);

/* TRANSFER_TO_HOST_3D or FROM_HOST_3D with an iovec of its own instead of the resource's
 * backing. */
uint64_t vgt_capture_transfer_iov(struct vgt_capture *capture,
	const struct virtio_gpu_transfer_host_3d *command, const struct iovec *iov,
	size_t count, uint16_t flags);

/*
 * The guest memory behind a resource, now that attaching it has succeeded, in place of any that
 * it had; count 0: it has none. The array is copied, the memory must stay until the resource is
 * detached, destroyed or reset, or this says otherwise.
 */
void vgt_capture_backing(struct vgt_capture *capture, uint32_t resource_id,
	const struct iovec *iov, size_t count);

/* What the renderer returned for a command; call it where that is known. */
void vgt_capture_response(struct vgt_capture *capture, uint64_t command, int32_t result);

/* The device answered with this error, VIRTIO_GPU_RESP_ERR_*, without asking the renderer. */
void vgt_capture_refused(struct vgt_capture *capture, uint64_t command, uint32_t error);

/*
 * What a guest sent in place of a command: shorter than its structure, counting what it does
 * not hold, of a type that is none. It has no number; `size` bytes in all, of which the first
 * min(size, VGT_BAD_MAX) are at `bytes`.
 */
void vgt_capture_bad_command(struct vgt_capture *capture, const void *bytes, uint64_t size);

/* The bytes that answered a command (a capset), as a digest that depends on the renderer. */
void vgt_capture_answer(
	struct vgt_capture *capture, uint64_t command, const void *bytes, size_t size);

/*
 * After a TRANSFER_FROM_HOST_3D has succeeded: a digest of what it wrote, from `iov` or, where
 * that is NULL, from the resource's backing.
 */
void vgt_capture_readback(struct vgt_capture *capture, uint64_t command,
	const struct virtio_gpu_transfer_host_3d *transfer, const struct iovec *iov,
	size_t count);

void vgt_capture_fence(struct vgt_capture *capture, const struct vgt_fence *fence);

/* Polling for fences of a context, 0: of all. Polls with nothing between them are recorded
 * once. */
void vgt_capture_poll(struct vgt_capture *capture, uint32_t ctx_id);

/* All contexts and resources go. */
void vgt_capture_reset(struct vgt_capture *capture, enum vgt_reset_kind kind);

/* A note of a person at this point of the trace. */
void vgt_capture_mark(struct vgt_capture *capture, const char *text);

#endif
