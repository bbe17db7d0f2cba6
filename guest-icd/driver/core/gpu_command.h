/* SPDX-License-Identifier: MIT */
#ifndef VGT_GPU_COMMAND_H
#define VGT_GPU_COMMAND_H

#include "gpu.h"

/*
 * Control commands on their way to the device and back; for the core itself. Everything here is
 * called with the platform's lock held.
 */

#define VGT_GPU_HEAD_MAX     256u
#define VGT_GPU_RESPONSE_MAX 4096u

struct vgt_gpu_command {
	/* The command, opening with struct virtio_gpu_ctrl_hdr; copied. fence_id and, for
	   `fenced`, the flag are filled in on the way. */
	const void *head;
	uint32_t head_size; /* bytes, at most VGT_GPU_HEAD_MAX */
	bool fenced;        /* with VIRTIO_GPU_FLAG_FENCE */
	bool cursor;        /* on the cursor queue, where the device does not answer */
	/* What the device reads behind the head; none where its address is NULL. It becomes the
	   device's, whatever happens, and is freed when that is done with it. */
	struct vgt_dma payload;
	uint64_t payload_size; /* bytes of it */
	/* Where the device's answer goes, struct virtio_gpu_ctrl_hdr first, 0 behind what it
	   wrote; NULL: only its type matters. vgt_gpu_call() only. */
	void *response;
	uint32_t response_size; /* bytes, at most VGT_GPU_RESPONSE_MAX */
	uint32_t success;       /* the type of a success; 0: any of success */
	uint32_t success_size;  /* bytes that it has at least */

	/* out */
	uint32_t response_type;    /* VIRTIO_GPU_RESP_*, 0 where the device did not answer */
	uint32_t response_written; /* bytes that the device wrote */
	uint32_t queue_waits;      /* times that there was no room; added to */
};

/*
 * Sends a command and waits for the answer. OK: the device answered a type of success (0x1100
 * to 0x11ff); HOST_ERROR: another; HOST_INVALID: less than struct virtio_gpu_ctrl_hdr, no type
 * of a response at all, another success than it was asked for, or another fence_id; BUSY,
 * NO_MEMORY: not sent; DEVICE_LOST. Gives the lock up while it waits.
 */
enum vgt_escape_status vgt_gpu_call(struct vgt_gpu *gpu, struct vgt_gpu_command *command);

/*
 * What is to happen when the device has answered, or the command was lost to a reset: status as
 * of vgt_gpu_call(). Called once, with the lock held; must not send or wait. DEVICE_LOST comes
 * after the device has said that the reset is done: whatever the command named is the driver's
 * again. From a device that does not say so it never comes.
 */
struct vgt_gpu_done {
	void (*function)(void *context, enum vgt_escape_status status, uint32_t response_type);
	void *context;
};

/* Sends a command and returns: OK, BUSY, NO_MEMORY or DEVICE_LOST; `done` (NULL: nobody wants
 * to know) is called after OK only. Gives the lock up where it waits for room in the queue. */
enum vgt_escape_status vgt_gpu_post(
	struct vgt_gpu *gpu, struct vgt_gpu_command *command, const struct vgt_gpu_done *done);

/* Memory for the payload of a command, in so few pieces that they fit into one chain. The only
 * function here that needs no lock. */
bool vgt_gpu_payload_alloc(struct vgt_gpu *gpu, uint64_t size, struct vgt_dma *payload);

/* Takes the answers that are there. */
void vgt_gpu_progress(struct vgt_gpu *gpu);
/* Takes the answers; where there were none gives up the lock until there may be or the clock
 * passes `deadline`. */
void vgt_gpu_wait(struct vgt_gpu *gpu, uint64_t deadline);
/* DEVICE_LOST where it is, or where it has been reset since `epoch`; else OK. */
enum vgt_escape_status vgt_gpu_check(struct vgt_gpu *gpu, uint32_t epoch);
uint32_t vgt_gpu_epoch(const struct vgt_gpu *gpu); /* counts resets */
/* From now on everybody gets DEVICE_LOST, until it is reset. */
void vgt_gpu_lose(struct vgt_gpu *gpu);
/* Resets; vgt_gpu_reset() without the lock. */
enum vgt_escape_status vgt_gpu_reset_locked(struct vgt_gpu *gpu);
bool vgt_gpu_is_lost(const struct vgt_gpu *gpu);
/* How many commands more the control queue takes now. */
uint32_t vgt_gpu_room(const struct vgt_gpu *gpu);

const struct vgt_platform *vgt_gpu_platform(const struct vgt_gpu *gpu);
const struct vgt_gpu_limits *vgt_gpu_limits(const struct vgt_gpu *gpu);
uint32_t vgt_gpu_num_capsets(const struct vgt_gpu *gpu);
uint32_t vgt_gpu_num_scanouts(const struct vgt_gpu *gpu);

struct vgt_gpu_counters {
	uint64_t resets, timeouts, invalid;
};
struct vgt_gpu_counters vgt_gpu_counters(const struct vgt_gpu *gpu);

/* Numbers of contexts and resources on the device, from 1; 0: none left. Each stays taken until
 * the device has said that it is gone. */
struct vgt_id_pool;
struct vgt_id_pool *vgt_gpu_context_ids(struct vgt_gpu *gpu);
struct vgt_id_pool *vgt_gpu_resource_ids(struct vgt_gpu *gpu);

/* The clients that are open or whose last command is under way. Client.c keeps it. */
struct vgt_client;
struct vgt_client **vgt_gpu_clients(struct vgt_gpu *gpu);

/* Three functions of client.c, called with the lock held. */

/* Sends what a full queue has kept from being destroyed when its client was closed. `wait`:
 * gives up the lock and waits for room; else only as far as there is room. */
void vgt_clients_drain(struct vgt_gpu *gpu, bool wait);
/*
 * The other two are for when all that was in flight is done. vgt_gpu_call() may have left the
 * device with memory: what it said DEVICE_LOST to may still be carried out, and until the next
 * of these the backing of a resource stays.
 */
/* The device has been reset, the epoch is the new one, all numbers are free: clients keep
 * nothing of what they had, and those that were closed go. */
void vgt_clients_reset(struct vgt_gpu *gpu);
/* vgt_gpu_close(): all clients go; their DMA memory only where the device is quiet, as it may
 * still use it otherwise. */
void vgt_clients_free(struct vgt_gpu *gpu, bool quiet);

#endif
