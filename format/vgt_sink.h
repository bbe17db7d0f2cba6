/* SPDX-License-Identifier: MIT */
#ifndef VGT_SINK_H
#define VGT_SINK_H

#include "vgt_err.h"
#include "vgt_index.h"
#include "vgt_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The file end of writing: cuts a record stream into chunks (each one zstd frame) and appends
 * them and the tail to a file. Whoever has records uses it: the writer's thread, recovery. One
 * thread at a time.
 */

struct vgt_sink {
	int fd; /* borrowed */
	uint64_t trace_id;
	uint16_t minor;         /* version of the chunks, all alike */
	struct vgt_position at; /* where the next chunk goes; all zero for a new trace */
	struct vgt_index index;
	uint64_t max_size; /* of the file with its tail; 0: none */
	/* private: */
	struct ZSTD_CCtx_s *cctx;
	uint8_t *out;
	size_t out_capacity, out_used;
	struct vgt_position chunk; /* where the open chunk began */
	uint64_t chunk_left;       /* bytes of records that it still expects */
	bool closing;              /* the chunk may be the last of VGT_CHUNKS_MAX */
};

/* `sink->at`, `index` and `minor` are the caller's to set where a trace is continued. */
bool vgt_sink_init(
	struct vgt_sink *sink, int fd, uint64_t trace_id, int level, struct vgt_err *err);
void vgt_sink_finish(struct vgt_sink *sink);

/*
 * How much of `size` bytes of whole records makes one chunk: as many records as it takes to
 * reach VGT_CHUNK_TARGET. `records` must be well formed as far as their headers go.
 */
uint64_t vgt_sink_cut(const void *records, uint64_t size);

/*
 * A chunk in pieces: begin with the number of bytes of records that it will hold, then feed
 * exactly those (a piece may end inside a record). On failure (I/O, limit) the file is cut back
 * to the last whole chunk and the sink stands there again. VGT_ERR_LIMIT beyond
 * VGT_CHUNKS_MAX - 1 chunks: the last one is vgt_sink_close's.
 */
bool vgt_sink_begin(struct vgt_sink *sink, uint64_t size, struct vgt_err *err);
bool vgt_sink_feed(
	struct vgt_sink *sink, const void *bytes, uint64_t size, struct vgt_err *err);

/* Drops an open chunk that will never be complete. */
void vgt_sink_abandon(struct vgt_sink *sink);

/* Whole records, as many chunks as it takes. */
bool vgt_sink_write(
	struct vgt_sink *sink, const void *records, uint64_t size, struct vgt_err *err);

/* The tail; nothing may follow. */
bool vgt_sink_tail(struct vgt_sink *sink, struct vgt_err *err);

/*
 * Ends the trace: whole records of at most VGT_CHUNK_TARGET bytes as its last chunk, and the
 * tail; both or, on failure, neither.
 */
bool vgt_sink_close(
	struct vgt_sink *sink, const void *records, uint64_t size, struct vgt_err *err);

#endif
