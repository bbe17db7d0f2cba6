/* SPDX-License-Identifier: MIT */
#ifndef VGT_CHILD_LOG_H
#define VGT_CHILD_LOG_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What servers in the background print: noise, unless something went wrong. A file, so that
 * they never wait for a reader; bounded, so that they do not fill the disk.
 */
struct vgt_child_log {
	int fd; /* for their output */
	/* private: */
	uint64_t seen;
};

/* `path`: the file to create. */
bool vgt_child_log_open(struct vgt_child_log *log, const char *path, struct vgt_err *err);
void vgt_child_log_close(struct vgt_child_log *log);

/* Passes on the lines that vgt's own libraries have written ("vgt: ...") since the last call.
 */
void vgt_child_log_relay(
	struct vgt_child_log *log, void (*show)(void *opaque, const char *line), void *opaque);

/* Passes on the last of the other lines, ten at most. */
void vgt_child_log_show_end(const struct vgt_child_log *log,
	void (*show)(void *opaque, const char *line), void *opaque);

#endif
