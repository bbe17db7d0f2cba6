/* SPDX-License-Identifier: MIT */
#ifndef VGT_CLIENT_PRIVATE_H
#define VGT_CLIENT_PRIVATE_H

#include "client.h"
#include "fence_timeline.h"
#include "gpu_command.h"
#include "handle_table.h"
#include "virtio_gpu.h"

/*
 * What the parts of the client share: client*.c and display.c. All of it is called with the
 * lock held, but vgt_client_begin(), which takes it, and vgt_client_end(), which gives it back.
 *
 * Who may be freed when: every command of a client, fenced or not, is a `use` from before it is
 * sent until it is answered, and has a ticket, one more than the last. An object remembers the
 * ticket of the last use that named it. When it has left its table it is freed as soon as the
 * device has said that it is gone, and no use is under way that is as old as its ticket or
 * older. A device that is lost may still use everything that it was given, until it is reset:
 * then nothing of it is left there. So a device which refuses to destroy what it has, or says
 * nonsense to that, is made lost when the client is closed, for nothing else gets the rest
 * back.
 */

struct vgt_use {
	struct vgt_use *previous, *next; /* in the order of tickets */
	struct vgt_client *client;
	uint64_t ticket;
	struct vgt_object *creates; /* the resource that its command is to make; NULL: none */
};

enum vgt_object_kind {
	VGT_OBJECT_CONTEXT = 0,
	VGT_OBJECT_RESOURCE,
	VGT_OBJECT_MEMORY,
	VGT_OBJECT_KINDS,
};

/* What a client holds; the first member of the structures below. */
struct vgt_object {
	struct vgt_client *client;
	struct vgt_object *next, **link; /* of those that leave, and what points here */
	uint64_t ticket;
	uint32_t handle;
	uint32_t id; /* the device's; 0: it has none */
	enum vgt_object_kind kind;
	bool hidden;  /* a call is making or destroying it, so that no handle leads to it */
	bool gone;    /* the device does not know it, or no longer */
	bool refused; /* a resource, created with a fence: the device said no */
};

struct vgt_memory {
	struct vgt_object object;
	struct vgt_dma dma;
};

struct vgt_resource {
	struct vgt_object object;
	struct vgt_memory *backing; /* NULL: none */
	uint64_t address;           /* in the caller, where `mapped` */
	bool mapped;
	bool changing;  /* a call is attaching or detaching */
	uint64_t fence; /* the last one that it was used by */
};

static inline struct vgt_memory *vgt_memory_of(struct vgt_object *object)
{
	return (struct vgt_memory *)object;
}

static inline struct vgt_resource *vgt_resource_of(struct vgt_object *object)
{
	return (struct vgt_resource *)object;
}

/* What memory counts against backing_max: whole pages. */
static inline uint64_t vgt_memory_charge(uint64_t size)
{
	return (size + VGT_DMA_PAGE - 1) & ~(VGT_DMA_PAGE - 1);
}

/* A fenced command under way. */
struct vgt_fenced {
	struct vgt_use use;
	struct vgt_fenced *next; /* of those that are free */
	uint64_t fence;
};

struct vgt_client {
	struct vgt_client *next; /* in vgt_gpu_clients() */
	struct vgt_gpu *gpu;
	void *caller;
	uint32_t epoch;
	bool closed;
	bool draining; /* what is left of it is being destroyed */

	struct vgt_handle_table table[VGT_OBJECT_KINDS];
	uint32_t objects[VGT_OBJECT_KINDS]; /* in the tables, or leaving */
	struct vgt_object *leaving;
	uint64_t backing; /* bytes of memory, or about to be */
	uint32_t mapped;
	uint64_t commands; /* bytes of submits in a call, in whole pages: vgt_dispatch() */

	struct vgt_use uses; /* of its next and previous; itself none */
	uint64_t tickets;    /* given */

	struct vgt_fence_timeline fences;
	uint32_t fences_max;
	uint32_t sending; /* fenced commands that have no number yet */
	uint32_t in_flight;
	uint32_t calls; /* commands without fence, for which somebody waits */
	struct vgt_fenced *free;

	enum { VGT_MARKER_UNKNOWN = 0, VGT_MARKER_NO, VGT_MARKER_YES } string_marker;

	uint64_t submits, submit_bytes, transfers, host_errors, queue_waits;

	struct vgt_fenced fenced[]; /* fences_max of them */
};

/* Takes the lock and begins a use. DEVICE_LOST where the device is, or has been reset since the
 * client was opened. To be ended in any case. */
enum vgt_escape_status vgt_client_begin(struct vgt_client *client, struct vgt_use *use);
void vgt_client_end(struct vgt_use *use);

/* The object of a handle, named by the use, so that it is there until the use has ended, even
 * where the lock is given up. NULL: BAD_HANDLE. */
struct vgt_object *vgt_use_context(struct vgt_use *use, uint32_t handle);
struct vgt_resource *vgt_use_resource(struct vgt_use *use, uint32_t handle);
struct vgt_memory *vgt_use_memory(struct vgt_use *use, uint32_t handle);

/*
 * Sends a command: vgt_gpu_call(), or vgt_gpu_post() where it is fenced, after it has waited
 * until fewer than fences_max are under way and the queue has room for others, too (BUSY).
 * DEVICE_LOST, too, where the device has been reset since the client was opened. The payload is
 * taken in any case. Gives the lock up. answer->response or answer->fence say what came of it.
 */
enum vgt_escape_status vgt_use_send(struct vgt_use *use, struct vgt_gpu_command *command,
	bool fenced, struct vgt_answer *answer);

/* The same for a command that names one resource, which is then busy until the fence retires.
 */
enum vgt_escape_status vgt_use_send_resource(struct vgt_use *use, struct vgt_resource *resource,
	struct vgt_gpu_command *command, bool fenced, struct vgt_answer *answer);

/* Makes a resource and sends the command that creates it, after its number has been written to
 * *id, which lies in command->head. Without OK there is no handle. */
enum vgt_escape_status vgt_use_create_resource(struct vgt_use *use,
	struct vgt_gpu_command *command, uint32_t *id, bool fenced, uint32_t *handle,
	struct vgt_answer *answer);

/* For client*.c. */

/* Frees the client where it is closed and nothing is left. */
void vgt_client_free_over(struct vgt_client *client);
/* Whether the device has been reset since: then it knows nothing of the client. */
bool vgt_client_is_stale(const struct vgt_client *client);

/* A new object, hidden, with a handle and the device's number; `size` bytes of the kind's
 * structure. NULL: *status is OVER_LIMIT or NO_MEMORY. */
struct vgt_object *vgt_object_create(struct vgt_client *client, enum vgt_object_kind kind,
	size_t size, enum vgt_escape_status *status);
void vgt_use_name(struct vgt_use *use, struct vgt_object *object);
/* Takes it from its table; from here on it is not the caller's. `gone`: the device does not
 * know it. */
void vgt_object_leave(struct vgt_object *object, bool gone);
/* After the command that was to create it: shows it to the client, or makes it leave. */
void vgt_object_created(struct vgt_object *object, enum vgt_escape_status status);
/* Sends what destroys it and waits for the answer, or does without where the device is lost.
 * BUSY, NO_MEMORY: nothing was sent, it stays. */
enum vgt_escape_status vgt_object_destroy(struct vgt_object *object, struct vgt_answer *answer);
/* The same without waiting for the answer: OK, BUSY, NO_MEMORY. */
enum vgt_escape_status vgt_object_post_destroy(struct vgt_object *object);
/* Of those that leave: frees it if that may be done. */
void vgt_object_free_unused(struct vgt_object *object);
/* quiet = false: the device may still use its memory, which stays for good. */
void vgt_object_free(struct vgt_object *object, bool quiet);

/* Memory that has no handle yet, zeroed, counted against backing_max until it is freed.
 * OVER_LIMIT, NO_MEMORY. Gives the lock up. */
struct vgt_memory *vgt_memory_create(
	struct vgt_client *client, uint64_t size, enum vgt_escape_status *status);
void vgt_resource_unmap(struct vgt_resource *resource);

/* What fits into an answer of the device. */
#define VGT_CAPSET_MAX (VGT_GPU_RESPONSE_MAX - (uint32_t)sizeof(struct virtio_gpu_resp_capset))

/* Writes a capset of at most `room` bytes. BUFFER_TOO_SMALL, with *size set; BAD_PARAMETER: the
 * device has none of this id and version; UNSUPPORTED: it is longer than VGT_CAPSET_MAX. */
enum vgt_escape_status vgt_use_get_capset(struct vgt_use *use, uint32_t id, uint32_t version,
	void *capset, uint32_t room, uint32_t *size, struct vgt_answer *answer);

#endif
