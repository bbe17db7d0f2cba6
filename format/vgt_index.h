/* SPDX-License-Identifier: MIT */
#ifndef VGT_INDEX_H
#define VGT_INDEX_H

#include "vgt_err.h"
#include "vgt_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tail of a trace: where each chunk lies and what it holds first. FORMAT.md, "The tail".
 * One growing table, filled chunk by chunk by whoever writes or reads.
 */

struct vgt_index {
	struct vgt_index_header
		totals; /* magic, trace_id and chunks are set by vgt_index_encode */
	struct vgt_index_entry *entries;
	size_t count;
	size_t capacity;
};

/* False: out of memory. */
bool vgt_index_add(struct vgt_index *index, const struct vgt_index_entry *entry);
void vgt_index_finish(struct vgt_index *index);

/*
 * Encodes index and seek table as two skippable zstd frames into a heap buffer of *size bytes.
 * `file_pos` is where the tail will stand, that is the end of the last chunk. NULL: out of
 * memory.
 */
uint8_t *vgt_index_encode(
	const struct vgt_index *index, uint64_t trace_id, uint64_t file_pos, size_t *size);

#endif
