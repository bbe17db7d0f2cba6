/* SPDX-License-Identifier: MIT */
#ifndef VGT_RECORDING_WATCH_H
#define VGT_RECORDING_WATCH_H

#include "vgt_ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The recordings that have their rings in one directory, seen from outside while they run. */

enum vgt_recording_state {
	VGT_RECORDING_LIVE,
	VGT_RECORDING_ENDED, /* the trace has its tail, or the recorder could not write one */
	VGT_RECORDING_DIED,  /* its process is gone and the trace is unfinished */
};

struct vgt_recording {
	const struct vgt_ring_header *header; /* stays readable after the ring is gone */
	char name[64];                        /* of the ring file */
	enum vgt_recording_state state;       /* when last looked at */
	uint64_t full_since_ms;               /* for the caller's use, 0 at first */
	bool told;                            /* for the caller's use, false at first */
};

struct vgt_recordings {
	struct vgt_recording *list; /* in the order in which they were seen first */
	size_t count;
	/*
	 * A ring may have come and gone since this was last set to false, without being seen:
	 * look at the traces.
	 */
	bool missed;
	/* private: */
	const char *directory;
	struct timespec changed;
};

/* `directory` is borrowed. */
void vgt_recordings_init(struct vgt_recordings *recordings, const char *directory);
void vgt_recordings_finish(struct vgt_recordings *recordings);

/* Looks for new rings and at what became of the known ones. */
void vgt_recordings_look(struct vgt_recordings *recordings);

/* How many are live. */
size_t vgt_recordings_live(const struct vgt_recordings *recordings);

/* That of a trace, or NULL. */
const struct vgt_recording *vgt_recordings_find(
	const struct vgt_recordings *recordings, uint64_t trace_id);

#endif
