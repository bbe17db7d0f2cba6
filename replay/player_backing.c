/* SPDX-License-Identifier: MIT */
#include "player_backing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t memory_in_use;

struct player_backing *player_backing_create(
	const void *lengths, size_t stride, size_t count, struct vgt_err *err)
{
	uint64_t size = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t length;
		memcpy(&length, (const char *)lengths + i * stride, sizeof(length));
		size += length;
	}
	/* a million empty segments are memory, too */
	uint64_t cost = size + count * sizeof(struct iovec);
	if (cost > PLAYER_MEMORY_MAX - memory_in_use) {
		vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"backing of %" PRIu64 " bytes exceeds the limit of %" PRIu64
			" bytes for all together",
			size, PLAYER_MEMORY_MAX);
		return NULL;
	}
	struct player_backing *backing =
		malloc(sizeof(*backing) + count * sizeof(struct iovec));
	void *bytes = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!backing || bytes == MAP_FAILED) {
		vgt_err_system(
			err, ENOMEM, "no memory for a backing of %" PRIu64 " bytes", size);
		free(backing);
		if (bytes != MAP_FAILED) {
			munmap(bytes, size ? size : 1);
		}
		return NULL;
	}
	*backing = (struct player_backing){.bytes = bytes, .size = size, .count = count};
	uint64_t at = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t length;
		memcpy(&length, (const char *)lengths + i * stride, sizeof(length));
		backing->iov[i] = (struct iovec){backing->bytes + at, length};
		at += length;
	}
	memory_in_use += cost;
	return backing;
}

void player_backing_destroy(struct player_backing *backing)
{
	if (backing) {
		memory_in_use -= backing->size + backing->count * sizeof(struct iovec);
		munmap(backing->bytes, backing->size ? backing->size : 1);
		free(backing);
	}
}

bool player_backing_write(
	struct player_backing *backing, uint64_t offset, const void *bytes, size_t size)
{
	if (offset > backing->size || size > backing->size - offset) {
		return false;
	}
	if (size) {
		memcpy(backing->bytes + offset, bytes, size);
	}
	return true;
}
