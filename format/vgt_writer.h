/* SPDX-License-Identifier: MIT */
#ifndef VGT_WRITER_H
#define VGT_WRITER_H

#include "vgt_err.h"
#include "vgt_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Writes a trace. Any thread may put records; a thread of the writer's own compresses them and
 * does all file I/O. Memory is bounded by the ring: a producer that finds it full waits.
 *
 * After fork() the writer of the child is inert: it takes no records and leaves file and ring
 * alone.
 */

struct vgt_writer;

struct vgt_writer_options {
	const char *path; /* file to create; it must not exist (VGT_ERR_USAGE where it does) */
	int fd;           /* where path is NULL: an empty file, open for writing; taken over */
	uint64_t ring_size; /* bytes; 0: VGT_WRITER_RING_SIZE */
	/* NULL: /dev/shm, else the trace's directory; see vgt_ring_create */
	const char *ring_directory;
	uint64_t max_size; /* bytes of the file at which recording stops; 0: none */
	int level;         /* of zstd; 0: 1 */
	/*
	 * Called once, on the writer's thread, when recording stops early (limit, disk full,
	 * I/O error). The trace is valid up to there; later records are dropped. Where it could
	 * not be written, the message names the ring, which keeps the records that the file
	 * lacks, for vgt_recover(). May be NULL.
	 */
	void (*stopped)(void *opaque, const struct vgt_err *err);
	void *opaque;
};

#define VGT_WRITER_RING_SIZE (16u << 20)

/*
 * Creates the file with its first chunk: a META record with the name of the ring, so that the
 * trace can be recovered from its first moment on.
 */
struct vgt_writer *vgt_writer_create(
	const struct vgt_writer_options *options, struct vgt_err *err);

/* Numbers that the next record of the kind gets. */
struct vgt_writer_counts {
	uint64_t records, commands, frames;
};

/*
 * Puts one record, its payload gathered from `count` parts, which are copied before the call
 * returns. The record is then safe from the death of this process. False: nothing was recorded,
 * because recording has stopped, or the record is larger than VGT_RECORD_MAX (which stops it).
 */
bool vgt_writer_put(struct vgt_writer *writer, uint16_t type, uint16_t flags,
	const struct iovec *parts, size_t count);

/*
 * Ends the trace here, for a caller's limit: what was put is written, then the tail; later
 * records are dropped. Does not wait. The reason is kept in the trace.
 */
void vgt_writer_stop(struct vgt_writer *writer, const char *reason);

/* False once recording has stopped or after fork() in the child. */
bool vgt_writer_is_recording(const struct vgt_writer *writer);

/* Only the thread that puts records may rely on what it reads here. */
struct vgt_writer_counts vgt_writer_counts(const struct vgt_writer *writer);

/* How far a recording has come; from any thread. All 0 in a forked child. */
struct vgt_writer_progress {
	uint64_t records, commands, frames;
	uint64_t stream_size; /* bytes of records */
	uint64_t written;     /* bytes of the file */
	uint64_t stalls;      /* how often a thread waited because the ring was full */
	uint64_t stall_ns;    /* how long in all */
};
struct vgt_writer_progress vgt_writer_progress(const struct vgt_writer *writer);

/* Waits until the file holds everything that was put. */
void vgt_writer_flush(struct vgt_writer *writer);

/*
 * Writes what is left, a last META record with the recording's statistics, and the tail;
 * removes the ring, unless it keeps what could not be written. The writer stays, inert, for
 * threads that still put records. False where the trace is not whole, with the reason; NULL is
 * nothing to do. In a forked child it does nothing.
 */
bool vgt_writer_end(struct vgt_writer *writer, struct vgt_err *err);

/* Ends the trace, if that is not done yet, and frees the writer; returns as vgt_writer_end. */
bool vgt_writer_finish(struct vgt_writer *writer, struct vgt_err *err);

#endif
