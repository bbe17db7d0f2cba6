/* SPDX-License-Identifier: MIT */
#ifndef VGT_CLIENT_PRIVATE_H
#define VGT_CLIENT_PRIVATE_H

#include "client.h"
#include "fence_timeline.h"
#include "gpu_command.h"
#include "handle_table.h"

/*
 * What the parts of the client share: client*.c and display.c. All of it is called with the
 * lock held, but vgt_client_begin(), which takes it, and vgt_client_end(), which gives it back.
 *
 * Who may be freed when: every command of a client, fenced or not, is a `use` from before it is
 * sent until it is answered, and has a ticket, one more than the last. An object remembers the
 * ticket of the last use that named it. When it has left its table it is freed as soon as the
 * device has said that it is gone, and no use is under way that is as old as its ticket or
 * older. A device that is lost may still use everything that it was given, until it is reset:
 * then nothing of it is left there.
 */

struct vgt_use {
	struct vgt_use *previous, *next; /* in the order of tickets */
	struct vgt_client *client;
	uint64_t ticket;
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
	struct vgt_object *next; /* of those that leave */
	uint64_t ticket;
	uint32_t handle;
	uint32_t id; /* the device's; 0: it has none */
	enum vgt_object_kind kind;
	bool hidden; /* a call is making or destroying it, so that no handle leads to it */
	bool posted; /* the command that destroys it is under way, and nobody waits for it */
	bool gone;   /* the device does not know it, or no longer */
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
	bool changing;  /* a call is attaching, detaching or destroying */
	uint64_t fence; /* the last one that it was used by */
};

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
	uint32_t posted;  /* of them; each may come back to the client */
	uint64_t backing; /* bytes of memory, or about to be */
	uint32_t mapped;

	struct vgt_use uses; /* of its next and previous; itself none */
	uint64_t tickets;    /* given */

	struct vgt_fence_timeline fences;
	uint32_t fences_max;
	uint32_t sending; /* fenced commands that have no number yet */
	uint32_t in_flight;
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

/*
 * Sends a command: vgt_gpu_call(), or vgt_gpu_post() where it is fenced, for which it waits
 * until fewer than fences_max are under way. The payload is taken in any case. Gives the lock
 * up. answer->response or answer->fence say what came of it.
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

/* Where the lock is held, but not given up for this: what the device no longer uses is freed,
 * and the client, too, where it is closed and nothing is left. */
void vgt_client_settle(struct vgt_client *client);
/* A place for a new object of the kind, hidden and with a number where the device has one:
 * OVER_LIMIT, NO_MEMORY. */
enum vgt_escape_status vgt_object_create(
	struct vgt_use *use, enum vgt_object_kind kind, struct vgt_object **object);
/* Takes it from its table; from here on it is not the caller's. */
void vgt_object_leave(struct vgt_object *object, bool gone);
/* Sends what destroys it and waits for the answer, or does without where the device is lost. */
enum vgt_escape_status vgt_object_destroy(
	struct vgt_use *use, struct vgt_object *object, struct vgt_answer *answer);
/* The same without waiting for the answer: OK, BUSY, NO_MEMORY. */
enum vgt_escape_status vgt_object_post_destroy(struct vgt_object *object);
/* Memory that no handle leads to, counted against backing_max. Gives the lock up. */
enum vgt_escape_status vgt_memory_create(
	struct vgt_use *use, uint64_t size, struct vgt_memory **memory);
void vgt_resource_unmap(struct vgt_resource *resource);

#endif
