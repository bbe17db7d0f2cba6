/* SPDX-License-Identifier: MIT */
#ifndef VGT_TRACE_STORE_H
#define VGT_TRACE_STORE_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * The traces that a suite names by their hash and does not hold itself:
 * ${XDG_CACHE_HOME:-~/.cache}/vgt/traces/SHA256.vgt. What lies there has been checked when it
 * came, and is checked again by whoever uses it.
 */

/* Where the trace belongs; the caller frees it. NULL: the environment names no such place. */
char *trace_store_path(const char *sha256, struct vgt_err *err);

/* A descriptor to read a regular file by, with its status, or -1: nothing else is waited for.
 */
int trace_store_open(const char *path, struct stat *status, struct vgt_err *err);

/*
 * Whether the file is what a manifest says: its size (0: not said) and its SHA-256.
 * VGT_ERR_MALFORMED: it is another; VGT_ERR_STOPPED: a signal was noted (interrupt.h).
 */
bool trace_store_check(
	const char *path, const char *sha256, uint64_t bytes, struct vgt_err *err);

/*
 * Brings it from `url` (https:, http: by curl; file:; else a path, relative to `directory`) to
 * `path`. It gets there only when it is the right one, and no more than `bytes` are written. A
 * signal that is noted (interrupt.h) ends it with VGT_ERR_STOPPED; nothing stays behind then,
 * as after any failure.
 */
bool trace_store_fetch(const char *url, const char *directory, const char *path,
	const char *sha256, uint64_t bytes, struct vgt_err *err);

#endif
