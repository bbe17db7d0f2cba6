/* SPDX-License-Identifier: MIT */
#ifndef RECORD_CAPSET_H
#define RECORD_CAPSET_H

#include "vgt_capsets.h"
#include "vgt_err.h"

#include <stdbool.h>

/* What `vgt record --capset FILE` names: the capsets of a weaker host. */

/*
 * Reads them from FILE: a trace, or what `vgt dump --capset --json` prints (capset_json.h).
 * False: the message does not name the file; nothing is to be freed.
 */
bool record_capset_read(struct vgt_capsets *capsets, const char *path, struct vgt_err *err);

/* Writes them for VGT_CAPTURE_CAPSET: a new trace at `path` that holds nothing else.
 * `directory`: for its ring, as long as it is being written. */
bool record_capset_write(const struct vgt_capsets *capsets, const char *path,
	const char *directory, struct vgt_err *err);

#endif
