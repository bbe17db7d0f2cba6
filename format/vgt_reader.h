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
 * much again inside zstd), what the ring holds, and 40 bytes for each chunk (of at most
 * VGT_CHUNKS_MAX; three times that for a moment where a seek reads the tail).
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
	VGT_END_RECORDING, /* the recording still runs; this is all it had put so far or, where
			      this process cannot see its ring, written */
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
 * VGT_READ_ERROR the reader stays there until it is told to seek or resync; err->offset is the
 * position in the file of the chunk.
 */
enum vgt_read vgt_reader_next(
	struct vgt_reader *reader, struct vgt_record *record, struct vgt_err *err);

enum vgt_reader_end vgt_reader_end(const struct vgt_reader *reader);

/* Identity and version, known from the first record on. */
uint64_t vgt_reader_trace_id(const struct vgt_reader *reader);
uint16_t vgt_reader_minor(const struct vgt_reader *reader);
/* The ring that the trace names, "" where it names none. */
const char *vgt_reader_ring_path(const struct vgt_reader *reader);

/* Behind the last record that was handed out, be it from the file or from the ring; file_pos is
 * that of the input, only of use behind a whole chunk. */
struct vgt_position vgt_reader_passed(const struct vgt_reader *reader);
/* Bytes of the file, 0 from a pipe. */
uint64_t vgt_reader_file_size(const struct vgt_reader *reader);
/* How many commands and frames the tail says that the trace has; false: there is no tail. */
bool vgt_reader_totals(struct vgt_reader *reader, uint64_t *commands, uint64_t *frames);
/* Behind the last whole chunk of the file that was passed. */
struct vgt_position vgt_reader_whole(const struct vgt_reader *reader);

/* One entry per chunk, from the first on: those passed at least, all where a seek has found
 * them. The reader's. */
const struct vgt_index *vgt_reader_chunks(const struct vgt_reader *reader);

/* No frame or no command is asked for; the same as VGT_ADDRESS_OPEN. */
#define VGT_SEEK_NONE UINT64_MAX

/*
 * Goes, forwards or backwards, to the first record that belongs to this frame (it stands behind
 * the FRAME before) or to this control command (it stands behind the command before), whichever
 * comes first; one of the two may be VGT_SEEK_NONE. That record comes next. The frame that
 * begins behind the last FRAME can be gone to, though it never ends, and so can what follows
 * the last command: a trace of N frames has 0 to N. Chunks on the way there are not
 * decompressed: the tail says where they lie, or without one the chunks' own headers do. Each
 * chunk that is gone to is checked against that.
 *
 * From a pipe it only goes forwards, and reads all that lies between.
 *
 * False, VGT_ERR_USAGE: there is no such frame or command, the message says how many there are.
 * Other codes: the trace is damaged (VGT_ERR_MALFORMED), or cannot be read. A reader that
 * cannot tell where the chunks lie, because the tail is damaged, or the first chunk and there
 * is no tail, has not moved: reading goes on as before. Else it stands where it came to;
 * another seek is possible in any case.
 */
bool vgt_reader_seek(
	struct vgt_reader *reader, uint64_t frame, uint64_t command, struct vgt_err *err);

/* What vgt_reader_resync() left out. */
struct vgt_gap {
	uint64_t begin, end; /* bytes of the file */
	struct vgt_position before,
		after; /* of the records; sequence is that of the next chunk */
};

/*
 * After VGT_READ_ERROR from damage, or an end (VGT_END_CUT) with torn bytes: goes on at the
 * next chunk behind it that is whole, has a good checksum, is of this trace (where its first
 * chunk is the damaged one: of the trace that its tail or else the chunk found names) and has
 * later numbers. Its first record comes next. What lies between is lost, records and commands:
 * a model behind the reader must start afresh.
 *
 * False: nothing follows, or it cannot be looked for (a pipe, records of the ring, an I/O
 * error, a file made to be searched for ever); the reader stays where it was.
 */
bool vgt_reader_resync(struct vgt_reader *reader, struct vgt_gap *gap, struct vgt_err *err);

/* The records that were taken from the ring so far, *size bytes; the reader's. NULL where none
 * were. */
const void *vgt_reader_ring_records(const struct vgt_reader *reader, uint64_t *size);

/* Bytes of the file that lie behind the last whole chunk and are neither chunk nor tail. */
uint64_t vgt_reader_torn(const struct vgt_reader *reader);

#endif
