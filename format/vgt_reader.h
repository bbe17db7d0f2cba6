/* SPDX-License-Identifier: MIT */
#ifndef VGT_READER_H
#define VGT_READER_H

#include "vgt_err.h"
#include "vgt_index.h"
#include "vgt_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a trace record by record, from a file or a pipe, without ever writing to it. A
 * recording that still runs or was killed is read to its last record: what its file lacks comes
 * from its ring. One thread per reader. Memory: the largest chunk (at most VGT_CHUNK_MAX, as
 * much again inside zstd) and what the ring holds.
 */

struct vgt_reader;

/* One record. `payload` is valid until the next call and aligned to 8 bytes. */
struct vgt_record {
	uint16_t type;
	uint16_t flags;
	uint32_t size; /* of the payload */
	uint64_t time_ns;
	const void *payload;
	uint64_t number;  /* of the record, CHUNK records not counted */
	uint64_t command; /* number of the control command that this is, or else of the next one
			   */
	uint64_t frame;   /* number of the frame that this is, or else of the next one */
};

/* How a trace ended, known once vgt_reader_next has returned VGT_READ_END. */
enum vgt_reader_end {
	VGT_END_TAIL = 0, /* with its tail: whole */
	VGT_END_RING, /* without tail; the rest was taken from the ring of a dead recording */
	VGT_END_RECORDING, /* the recording still runs; this is all it had put so far */
	VGT_END_CUT,       /* without tail and without ring: the end is missing */
};

enum vgt_read {
	VGT_READ_RECORD,
	VGT_READ_END,
	VGT_READ_ERROR,
};

/* `path`: a file, or "-" for standard input. */
struct vgt_reader *vgt_reader_open(const char *path, struct vgt_err *err);
/* Takes the descriptor over, also on failure. */
struct vgt_reader *vgt_reader_open_fd(int fd, struct vgt_err *err);
void vgt_reader_close(struct vgt_reader *reader);

/*
 * The next record. CHUNK records are consumed. The structures of FORMAT.md are checked: a
 * record of a known type is large enough for its structure and what that counts, and reserved
 * fields are zero; commands carry their own type. Unknown types are handed out raw. After
 * VGT_READ_ERROR the reader stays there; err->offset is the position in the file of the chunk.
 */
enum vgt_read vgt_reader_next(
	struct vgt_reader *reader, struct vgt_record *record, struct vgt_err *err);

enum vgt_reader_end vgt_reader_end(const struct vgt_reader *reader);

/* Identity and version, known from the first record on. */
uint64_t vgt_reader_trace_id(const struct vgt_reader *reader);
uint16_t vgt_reader_minor(const struct vgt_reader *reader);
/* The ring that the trace names, "" where it names none. */
const char *vgt_reader_ring_path(const struct vgt_reader *reader);

/* A place between records; file_pos is that of the input, only of use behind a whole chunk. */
struct vgt_reader_position {
	uint64_t file_pos;
	uint64_t sequence; /* of the next chunk */
	uint64_t stream_pos;
	uint64_t records, commands, frames;
};
/* Behind the last record that was handed out, be it from the file or from the ring. */
struct vgt_reader_position vgt_reader_passed(const struct vgt_reader *reader);
/* Behind the last whole chunk of the file. */
struct vgt_reader_position vgt_reader_whole(const struct vgt_reader *reader);

/* One entry per chunk passed; the reader's. */
const struct vgt_index *vgt_reader_chunks(const struct vgt_reader *reader);

/* The records that were taken from the ring so far, *size bytes; the reader's. NULL where none
 * were. */
const void *vgt_reader_ring_records(const struct vgt_reader *reader, uint64_t *size);

/* Bytes of the file that lie behind the last whole chunk and are neither chunk nor tail. */
uint64_t vgt_reader_torn(const struct vgt_reader *reader);

#endif
