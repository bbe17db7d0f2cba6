/* SPDX-License-Identifier: MIT */
#ifndef VGT_RING_H
#define VGT_RING_H

#include "vgt_err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The ring is a shared file through which records pass from the threads of the recorded program
 * to the writer's thread. It outlives the program: what was published and is not yet in the
 * trace file is found in it after SIGKILL. FORMAT.md, "The ring".
 *
 * Positions count bytes of the record stream from the start of the trace (as
 * vgt_chunk.stream_pos does); byte p lies at data[p % size].
 */

#define VGT_RING_MAGIC    "VGTRING1"
#define VGT_RING_HEADER   4096u
#define VGT_RING_MIN      (64u << 10)
#define VGT_RING_MAX      (1u << 30)
#define VGT_RING_PATH_MAX 256u

enum vgt_ring_state {
	VGT_RING_RECORDING = 0,
	VGT_RING_FINISHED = 1, /* the trace has its tail */
	VGT_RING_STOPPED = 2,  /* recording ended early: limit or error */
};

/* The first page of the file. The atomics below `tail` are for onlookers, not for recovery. */
struct vgt_ring_header {
	char magic[8];
	uint64_t trace_id;
	uint64_t size;         /* bytes of data, a power of two and a multiple of 4096 */
	_Atomic uint64_t head; /* end of the published records */
	_Atomic uint64_t tail; /* everything before it is in the trace file */
	_Atomic uint64_t records, commands, frames;
	_Atomic uint64_t written;  /* bytes of the trace file */
	_Atomic uint64_t stalls;   /* how often a producer found the ring full and waited */
	_Atomic uint64_t stall_ns; /* how long in all */
	_Atomic uint32_t state;    /* enum vgt_ring_state */
	uint32_t pid;              /* of the recorded program */
};

struct vgt_ring {
	struct vgt_ring_header *header;
	uint8_t *data; /* mapped twice in a row: data[i] and data[i + size] are the same byte */
	uint64_t size;
	int fd; /* holds the exclusive flock while recording */
	char path[VGT_RING_PATH_MAX];
};

/*
 * Creates and locks a ring file `vgt-<trace id>.ring` of `size` bytes of data (rounded up to a
 * legal size) in `directory`. NULL means /dev/shm, or `fallback` where that has no room, or,
 * where this process may not create files there, memory without a name: path is "" then, and
 * the ring does not outlive the process. Its space is allocated before it is mapped, so that a
 * full disk cannot become a SIGBUS later.
 */
bool vgt_ring_create(struct vgt_ring *ring, uint64_t trace_id, uint64_t size,
	const char *directory, const char *fallback, struct vgt_err *err);

/* Unmaps and closes; removes the file where asked. */
void vgt_ring_finish(struct vgt_ring *ring, bool remove_file);

/* What a ring file holds beyond a trace file, at one moment. */
struct vgt_ring_snapshot {
	uint8_t *records; /* heap; whole records, `size` bytes, starting at stream position
			     `start` */
	uint64_t start;
	uint64_t size;
	bool in_use; /* the recorded program still runs */
};

/*
 * Reads, without writing to it, the records of the ring at `path` from position `from` on,
 * which is where the trace file ends. VGT_ERR_BUSY: a running recording has overtaken `from`;
 * read the trace file further and try again. VGT_ERR_MALFORMED: not a ring, or not that of this
 * trace.
 */
bool vgt_ring_snapshot_read(struct vgt_ring_snapshot *snapshot, const char *path,
	uint64_t trace_id, uint64_t from, struct vgt_err *err);
void vgt_ring_snapshot_finish(struct vgt_ring_snapshot *snapshot);

/*
 * Whether somebody holds the lock of the ring at `path`: the recorded program, or who recovers.
 * Does not wait. False where there is no such ring.
 */
bool vgt_ring_in_use(const char *path, uint64_t trace_id);

/*
 * Opens the ring at `path` and takes its lock, so that nobody else recovers it at the same
 * time; returns a descriptor, or -1: VGT_ERR_BUSY while the recorded program runs. Waits a
 * moment for readers that test the lock.
 */
int vgt_ring_claim(const char *path, uint64_t trace_id, struct vgt_err *err);

/* Maps the header of a ring for watching a recording; NULL where it is no ring. */
const struct vgt_ring_header *vgt_ring_watch(const char *path);
void vgt_ring_unwatch(const struct vgt_ring_header *header);

#endif
