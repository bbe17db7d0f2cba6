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
 * One growing table, filled chunk by chunk by whoever writes or reads, or from the tail.
 */

/* A place between records. */
struct vgt_position {
	uint64_t file_pos; /* only of use between chunks */
	uint64_t sequence; /* of the next chunk */
	uint64_t stream_pos;
	uint64_t records, commands, frames; /* numbers that the next ones have */
};

/* Counts one record that is being passed. */
void vgt_position_count(struct vgt_position *position, uint16_t type);

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

/* Bytes of the tail behind so many chunks. */
uint64_t vgt_index_size(uint64_t chunks);

/* With so many bytes a file with a tail ends. */
#define VGT_INDEX_FOOTER 9u

/*
 * How large the tail is by what the last bytes of the file say, 0 where they are no tail's or
 * name more chunks than VGT_CHUNKS_MAX or than would fit into the file. Nothing else is known
 * to be right then.
 */
uint64_t vgt_index_find(const uint8_t footer[VGT_INDEX_FOOTER], uint64_t file_size);

/*
 * Decodes a tail that stands at `file_pos`: it must be whole, byte by byte what a writer would
 * put, and its chunks must follow one another before `file_pos`. Fills an empty index, totals
 * included: they say whose tail it is. False: it is none, or no memory (VGT_ERR_SYSTEM); the
 * index stays empty.
 */
bool vgt_index_decode(struct vgt_index *index, const uint8_t *tail, size_t size,
	uint64_t file_pos, struct vgt_err *err);

#endif
