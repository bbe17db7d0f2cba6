/* SPDX-License-Identifier: MIT */
#ifndef VGT_GPU_PRIVATE_H
#define VGT_GPU_PRIVATE_H

#include "gpu_command.h"
#include "id_pool.h"
#include "virtio_pci.h"
#include "virtqueue.h"

/* What gpu.c and gpu_command.c share; nobody else includes it but their test. */

/*
 * The memory of a request slot, as the device has it, is two pages, each of them contiguous:
 * the head of the command and the table of indirect descriptors in the first, the response in
 * the second.
 */
#define VGT_GPU_SLOT_BYTES   (2 * VGT_DMA_PAGE)
#define VGT_GPU_TABLE_LENGTH ((VGT_DMA_PAGE - VGT_GPU_HEAD_MAX) / sizeof(struct virtq_desc))

#define VGT_GPU_QUEUE_SIZE_MAX  256u
#define VGT_GPU_CURSOR_REQUESTS 8u

/*
 * Fences beyond 32 bits never retire on hosts that hand them through virglrenderer's first
 * interface, where a fence is a uint32_t (virgl_renderer_callbacks.write_fence), and 0 means
 * none there: after this one comes 1, as soon as no fence is in flight.
 */
#define VGT_GPU_FENCE_MAX UINT32_MAX

/* So many device_timeout_ns after a command was sent its answer is waited for no longer, even
 * where the device answers others. */
#define VGT_GPU_TIMEOUTS_MAX 4u

/* How often a device that says nothing is asked whether it is well. */
#define VGT_GPU_LOOK_NS UINT64_C(10000000)

/* Who waits for an answer in vgt_gpu_call(); on that thread's stack. */
struct vgt_gpu_waiter {
	struct vgt_gpu_command *command;
	enum vgt_escape_status status;
	bool over;
};

struct vgt_gpu_slot {
	struct vgt_gpu_slot *next; /* free one */
	struct vgt_gpu_queue *queue;
	char *head, *response;
	uint64_t head_address, response_address;
	/* of the command under way */
	struct vgt_dma payload;
	uint64_t fence_id;             /* 0: not fenced */
	struct vgt_gpu_waiter *waiter; /* NULL: posted, or its caller has given up */
	struct vgt_gpu_done done;      /* of a posted one */
};

struct vgt_gpu_queue {
	uint16_t number, size;   /* size 0: nothing is allocated yet */
	uint32_t requests, room; /* slots, and how many of them are free */
	struct vgt_virtqueue ring;
	struct vgt_virtqueue_slot *ring_slots;
	struct vgt_gpu_slot *slots, *free;
	struct vgt_dma rings, memory; /* memory: of the slots */
};

struct vgt_gpu {
	const struct vgt_platform *platform;
	struct vgt_gpu_limits limits;
	struct vgt_virtio_pci pci;
	struct vgt_gpu_queue control, cursor;
	uint32_t chain_max; /* descriptors of one command */
	uint64_t agreed;    /* virtio's feature bits, the same since vgt_gpu_open() */
	uint32_t num_scanouts, num_capsets; /* as of the last reset; atomic */

	bool given; /* the device may know of our memory: since the last reset it was told */
	bool lost;  /* until a reset succeeds */
	bool resetting; /* a thread is at it */
	uint32_t epoch;
	uint64_t looked;   /* when the device was last asked whether it is well */
	uint64_t answered; /* when it last answered anything on the control queue */
	uint64_t last_fence;
	uint32_t fences; /* in flight */
	struct vgt_gpu_counters counters;

	struct vgt_id_pool context_ids, resource_ids;
	struct vgt_client *clients;

	struct vgt_segment segments[VGT_GPU_TABLE_LENGTH]; /* of the chain that is being made */
};

/* The device has forgotten what was in flight: all of it ends with DEVICE_LOST. */
void vgt_gpu_end_all(struct vgt_gpu *gpu);

#endif
