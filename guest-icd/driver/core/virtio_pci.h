/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRTIO_PCI_H
#define VGT_VIRTIO_PCI_H

#include "platform.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A virtio device on PCI, modern interface only: virtio 1.2, section 4.1. Capabilities are
 * believed only as far as they lie within the configuration space and their BARs; the device
 * is not trusted to ever answer, so that every loop ends.
 */

#define VIRTIO_PCI_VENDOR     0x1af4u
#define VIRTIO_PCI_DEVICE_GPU 0x1050u /* 0x1040 + 16, section 5.7.1 */

#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER      2u
#define VIRTIO_STATUS_DRIVER_OK   4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED      128u

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

/* Where a structure of section 4.1.4 lies. */
struct vgt_virtio_region {
	uint32_t bar;
	uint64_t offset;
	uint64_t length; /* bytes; 0: there is none */
};

#define VGT_VIRTIO_PCI_QUEUES 2u /* of a GPU: control and cursor */

/* All fields are private. */
struct vgt_virtio_pci {
	const struct vgt_platform *platform;
	struct vgt_virtio_region common, notify, device;
	uint32_t notify_multiplier;
	uint64_t notify_offset[VGT_VIRTIO_PCI_QUEUES]; /* in the BAR; of those enabled */
	uint64_t features;
};

/* Finds the structures, of each kind the first one that is sound. False where it is no modern
 * virtio-gpu or there is none of a kind. */
bool vgt_virtio_pci_find(struct vgt_virtio_pci *pci, const struct vgt_platform *platform);

/* Resets the device and waits up to timeout_ns until it says that it is done (sections 2.4.1
 * and 4.1.4.3.2). False where it does not: then it may still write to memory that it was given.
 * With the lock held. */
bool vgt_virtio_pci_reset(struct vgt_virtio_pci *pci, uint64_t timeout_ns);

/*
 * Sections 3.1.1, 1 to 6, after a reset: agrees on those of `wanted` that the device offers.
 * False where it lacks VIRTIO_F_VERSION_1 or a feature of `needed`, or refuses the choice; the
 * device then has the status FAILED.
 */
bool vgt_virtio_pci_negotiate(struct vgt_virtio_pci *pci, uint64_t wanted, uint64_t needed);
uint64_t vgt_virtio_pci_features(const struct vgt_virtio_pci *pci);

/* How long a queue can be at most, a power of two; 0: there is none. */
uint16_t vgt_virtio_pci_queue_size(const struct vgt_virtio_pci *pci, uint16_t queue);
/* Enables a queue whose parts are at these addresses. False where its place of notification
 * would lie outside of the device. */
bool vgt_virtio_pci_queue_enable(struct vgt_virtio_pci *pci, uint16_t queue, uint16_t size,
	uint64_t desc, uint64_t avail, uint64_t used);
void vgt_virtio_pci_queue_notify(const struct vgt_virtio_pci *pci, uint16_t queue);

/* Section 3.1.1, 8. */
void vgt_virtio_pci_ready(struct vgt_virtio_pci *pci);
void vgt_virtio_pci_fail(struct vgt_virtio_pci *pci);
/* The device asks for a reset, or is gone (all bits set). */
bool vgt_virtio_pci_is_lost(const struct vgt_virtio_pci *pci);

/* A dword of the device's configuration (struct virtio_gpu_config), read again until its
 * generation holds still or 100 times. 0 where it lies outside. */
uint32_t vgt_virtio_pci_config(const struct vgt_virtio_pci *pci, uint32_t offset);

#endif
