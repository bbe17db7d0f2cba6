/* SPDX-License-Identifier: MIT */
#ifndef VGT_CAPSETS_H
#define VGT_CAPSETS_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a host offers a guest: its virgl capsets, with their bytes on the heap. */

#define VGT_CAPSETS_MAX 2

struct vgt_capset_bytes {
	uint32_t id, version;
	uint32_t size; /* 0: there is no such capset */
	void *bytes;
};

struct vgt_capsets {
	struct vgt_capset_bytes list[VGT_CAPSETS_MAX]; /* ids 1 and 2, in this order */
};

/*
 * Those that the trace at `path` was recorded with; stops before its first command. False: it
 * cannot be read, or has none; the message does not name it. Nothing is to be freed then.
 */
bool vgt_capsets_read(struct vgt_capsets *capsets, const char *path, struct vgt_err *err);

/* NULL where there is no capset of this id. */
const struct vgt_capset_bytes *vgt_capsets_find(const struct vgt_capsets *capsets, uint32_t id);

/* Takes a copy of the bytes, in place of what was there. False: no memory, or an id of a capset
 * that is not virgl's. */
bool vgt_capsets_put(struct vgt_capsets *capsets, uint32_t id, uint32_t version,
	const void *bytes, uint32_t size, struct vgt_err *err);

/* Frees; all zero is legal. */
void vgt_capsets_finish(struct vgt_capsets *capsets);

/*
 * What of a capset a guest may be offered whose stream is to run on the host of `weaker` too:
 * lowers version, size, and where they are not NULL the bytes, of which there are `*size` on
 * entry, aligned to 4 (virgl_caps_mask). Both of virgl's capsets begin alike: the one that
 * `weaker` lacks is masked by the other. A capset that is not virgl's is not offered: version
 * and size become 0.
 */
void vgt_capsets_mask(const struct vgt_capsets *weaker, uint32_t id, uint32_t *version,
	uint32_t *size, void *bytes);

#endif
