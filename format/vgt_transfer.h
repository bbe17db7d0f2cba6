/* SPDX-License-Identifier: MIT */
#ifndef VGT_TRANSFER_H
#define VGT_TRANSFER_H

#include "vgt_err.h"
#include "vgt_model.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which bytes of guest memory a transfer touches. Follows check_iov_bounds, read_transfer_data
 * and write_transfer_data of virglrenderer's vrend_renderer.c.
 */

/* What a TRANSFER_TO_HOST_3D or FROM_HOST_3D moves; `resource` is NULL where it does not live.
 */
struct vgt_transfer vgt_transfer_of(
	struct vgt_model *model, const struct virtio_gpu_transfer_host_3d *command);

/* The TRANSFER_TO_HOST_3D that does what a 2D one does. */
struct virtio_gpu_transfer_host_3d vgt_transfer_2d_as_3d(
	const struct virtio_gpu_transfer_to_host_2d *command);

/*
 * Bytes from transfer->offset on that a transfer to the host may read: the span of all rows and
 * layers at the strides in force, and at least the tightly packed size, which some paths read
 * at once. 0 where the renderer refuses the transfer by its box; UINT64_MAX (to the end of the
 * memory) where the format is unknown.
 */
uint64_t vgt_transfer_extent(const struct vgt_transfer *transfer);

/*
 * Whether the renderer takes the transfer where the guest memory has `memory_size` bytes
 * (check_transfer_bounds, check_iov_bounds): box inside the resource, strides no less than what
 * they separate, memory large enough. On false, err (MALFORMED) says which, without an address.
 * True where the format's block size is unknown.
 */
bool vgt_transfer_check(
	const struct vgt_transfer *transfer, uint64_t memory_size, struct vgt_err *err);

/* The rows of guest memory that a transfer from the host is certain to write. */
struct vgt_transfer_rows {
	uint64_t offset; /* of the first row */
	uint64_t stride; /* from row to row, bytes */
	uint64_t bytes;  /* of a row */
	uint32_t count;
};

/*
 * Only the first layer: of further ones some paths write bytes that nobody has set (readback
 * ignores layer_stride). False where nothing can be said: unknown format, box out of the
 * resource.
 */
bool vgt_transfer_rows(const struct vgt_transfer *transfer, struct vgt_transfer_rows *rows);

#endif
