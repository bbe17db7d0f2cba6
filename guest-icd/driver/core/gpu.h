/* SPDX-License-Identifier: MIT */
#ifndef VGT_GPU_H
#define VGT_GPU_H

#include "platform.h"
#include "vgt_escape.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A virtio-gpu device with its control and cursor queue: virtio 1.2, section 5.7. This is what
 * the glue that found the device holds; clients (client.h) are what programs hold.
 *
 * A device that breaks the protocol, does not answer an unfenced command in time or asks for a
 * reset is lost: every client gets VGT_ESCAPE_DEVICE_LOST from then on. The next
 * vgt_client_open() resets it first, as vgt_gpu_reset() does. Clients from before a reset stay
 * lost, and what they held is gone.
 *
 * In time is within device_timeout_ns of when the command was sent, or of the device's last
 * answer to anybody on the control queue: what waits behind slow work of others is not late.
 * But never later than four times device_timeout_ns after it was sent.
 */

struct vgt_gpu;

struct vgt_gpu_limits {
	/* On the control queue at a time. A client that has more fenced commands there than
	   are free waits before the next one, and so with those without a fence: one client
	   alone does not fill the queue. */
	uint32_t requests;
	uint32_t clients;
	uint64_t device_timeout_ns; /* for the answer to a command without fence: above */
	uint64_t queue_timeout_ns;  /* for room in the queue; then VGT_ESCAPE_BUSY */
	/* of one client, as struct vgt_escape_get_version tells them */
	uint32_t contexts_max;
	uint32_t resources_max;
	uint32_t fences_max; /* at most VGT_ESCAPE_FENCES_KEPT */
	uint32_t submit_max; /* bytes */
	uint32_t submit_resources_max;
	uint64_t backing_max; /* bytes */
};

/* 128 requests, 64 clients, 30 s, 5 s; 64 contexts, 16384 resources, 64 fences, 4 MiB,
 * 4096 resources in a list, 1 GiB. */
extern const struct vgt_gpu_limits vgt_gpu_default_limits;

/*
 * Brings the device up. `platform` and what it points to live until vgt_gpu_close(); limits
 * NULL means the default ones. NULL where that fails: *status is UNSUPPORTED (no modern
 * virtio-gpu with VIRTIO_GPU_F_VIRGL), NO_MEMORY or DEVICE_LOST.
 */
struct vgt_gpu *vgt_gpu_open(const struct vgt_platform *platform,
	const struct vgt_gpu_limits *limits, enum vgt_escape_status *status);

/* Resets the device and frees everything, clients that are still open included; nobody may be
 * in a call. Memory that a device was given that does not even answer a reset is never freed.
 * NULL is nothing. */
void vgt_gpu_close(struct vgt_gpu *gpu);

/* OK, or DEVICE_LOST where the device does not come up again. Whoever waits is woken with
 * DEVICE_LOST. */
enum vgt_escape_status vgt_gpu_reset(struct vgt_gpu *gpu);

/* Takes what the device has answered: for a thread that the interrupt's handler has run
 * (platform.h), as nobody may be in a call. Clients that were closed, and their memory, go when
 * their last command has been answered. */
void vgt_gpu_poll(struct vgt_gpu *gpu);

/* VGT_ESCAPE_FEATURE_* that were agreed on. */
uint64_t vgt_gpu_features(const struct vgt_gpu *gpu);

#endif
