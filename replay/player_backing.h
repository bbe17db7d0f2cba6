/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_BACKING_H
#define VGT_PLAYER_BACKING_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Guest memory rebuilt: one run of bytes, cut into the segments that the recording had, so that
 * the renderer takes the same code paths. Pages cost memory only once they are written.
 */

/* Of all backings together; more is refused, so that a hostile trace cannot take all memory. */
#define PLAYER_MEMORY_MAX (UINT64_C(2) << 30)

struct player_backing {
	uint8_t *bytes;
	uint64_t size;
	size_t count;
	struct iovec iov[];
};

/* `count` lengths, each `stride` bytes behind the one before. VGT_ERR_LIMIT, VGT_ERR_SYSTEM. */
struct player_backing *player_backing_create(
	const void *lengths, size_t stride, size_t count, struct vgt_err *err);
void player_backing_destroy(struct player_backing *backing);

/* False where the bytes lie outside. */
bool player_backing_write(
	struct player_backing *backing, uint64_t offset, const void *bytes, size_t size);

#endif
