/* SPDX-License-Identifier: MIT */
#ifndef VGT_SYSFS_PLATFORM_H
#define VGT_SYSFS_PLATFORM_H

#include "platform.h"

/*
 * The platform under the driver core in a Linux guest, from userspace and for tests: a
 * virtio-gpu PCI device that no kernel driver has bound, through /sys/bus/pci/devices; memory
 * whose physical addresses /proc/self/pagemap tells. It needs root. The clients' callers are
 * this process: what they are given as `caller` is not looked at, and DMA memory is mapped
 * where it is.
 *
 * Memory for runs of more than a page and, as long as there are some, single pages come from a
 * pool of huge pages. Other memory is locked pages that lie scattered on purpose. The kernel
 * could still move locked pages when it compacts memory: it is told not to, and what it moved
 * all the same is counted. Nobody translates addresses, so there must be no IOMMU between the
 * device and the memory.
 */

struct vgt_sysfs;

struct vgt_sysfs_error {
	char text[256];
};

/*
 * `address`: "0000:00:02.0", NULL for the first that no driver has. `pool`: bytes of huge
 * pages, rounded up to whole ones. NULL: error->text says why, lower case, without full stop.
 */
struct vgt_sysfs *vgt_sysfs_open(
	const char *address, uint64_t pool, struct vgt_sysfs_error *error);
/* The device can reach no memory any more. After vgt_gpu_close(); NULL is nothing. */
void vgt_sysfs_close(struct vgt_sysfs *sysfs);

/* Valid until vgt_sysfs_close(). */
const struct vgt_platform *vgt_sysfs_platform(const struct vgt_sysfs *sysfs);
/* "0000:00:02.0" */
const char *vgt_sysfs_address(const struct vgt_sysfs *sysfs);
/* How many pages the kernel had moved while the device had them, as seen when they were freed:
 * not 0 means that the device may have written to memory of others. */
uint64_t vgt_sysfs_moved_pages(const struct vgt_sysfs *sysfs);

#endif
