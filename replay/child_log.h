/* SPDX-License-Identifier: MIT */
#ifndef VGT_CHILD_LOG_H
#define VGT_CHILD_LOG_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What servers in the background print: noise, unless something went wrong. A file, so that
 * they never wait for a reader; bounded, so that they do not fill the disk: beyond 1 MiB its
 * middle goes, with a line in its place that says how much; the first half stays, and at least
 * the last lines.
 */
struct vgt_child_log {
	int fd; /* for their output */
	/* private: */
	uint64_t seen, left_out,
		line_size; /* bytes; the last is of the line that says the second */
};

/* `path`: the file to create. */
bool vgt_child_log_open(struct vgt_child_log *log, const char *path, struct vgt_err *err);
void vgt_child_log_close(struct vgt_child_log *log);

/* Passes on the lines that vgt's own libraries have written ("vgt: ...") since the last call;
 * to be called often, for here the file is kept small. */
void vgt_child_log_relay(
	struct vgt_child_log *log, void (*show)(void *opaque, const char *line), void *opaque);

/* Passes on the last of the other lines, ten at most. */
void vgt_child_log_show_end(const struct vgt_child_log *log,
	void (*show)(void *opaque, const char *line), void *opaque);

#endif
