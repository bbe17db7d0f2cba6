/* SPDX-License-Identifier: MIT */
#ifndef VGT_RECOVER_H
#define VGT_RECOVER_H

#include "vgt_err.h"
#include "vgt_reader.h"

#include <stdbool.h>
#include <stdint.h>

/* What recovery did. */
struct vgt_recovery {
	bool was_whole; /* the trace had its tail; nothing was changed, `out` is a copy */
	bool damaged;   /* something inside is damaged; see `damage` */
	struct vgt_err damage;
	uint64_t torn;                      /* bytes of an incomplete chunk that were dropped */
	uint64_t from_ring;                 /* records that came from the ring */
	uint64_t records, commands, frames; /* that the trace has now */
};

/*
 * Makes a whole trace of one whose recording was killed: what the file has, up to the last
 * intact chunk, then what its ring has, then the tail; the ring is removed. In place where
 * `out` is NULL, which is refused (VGT_ERR_MALFORMED) where something inside is damaged,
 * because intact chunks behind the damage would be lost; else into the new file `out`, and the
 * trace at `path` stays as it is (and its ring). VGT_ERR_BUSY: the recording still runs, or
 * somebody else recovers it.
 */
bool vgt_recover(
	const char *path, const char *out, struct vgt_recovery *recovery, struct vgt_err *err);

/* For a caller who looks on, and has a file of its own for the whole trace. */
struct vgt_recover_hooks {
	void *opaque;
	/* a record has been read; may be NULL */
	void (*passed)(void *opaque, const struct vgt_reader *reader);
	/* The empty file, to write to, which stays the caller's; called when there is something
	 * to put into it. -1 with *err: there is none. NULL: in place. */
	int (*create)(void *opaque, struct vgt_err *err);
};

bool vgt_recover_with(const char *path, const struct vgt_recover_hooks *hooks,
	struct vgt_recovery *recovery, struct vgt_err *err);

#endif
