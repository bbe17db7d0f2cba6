/* SPDX-License-Identifier: MIT */
#ifndef VGT_NEW_FILE_H
#define VGT_NEW_FILE_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * A file that appears complete or not at all: it is written under another name in the same
 * directory and gets its own when it is whole. Until then, and where anything fails or a signal
 * ends the program (interrupt.h), what is there stays, and nothing else is left. One at a time
 * in a process.
 */

struct new_file {
	int fd;          /* to write to, and to read */
	char *temporary; /* the name that it has for now, for another program that writes it */
	/* private: */
	char *path;
	bool replace;
};

/*
 * Begins a file that is to be at `path`; a symbolic link there stays one, and the file is made
 * where it leads to. VGT_ERR_USAGE: it exists and `replace` is not set, or is no regular file.
 * `mode` is subject to the umask. On failure, too, it is to be finished.
 */
bool new_file_create(struct new_file *file, const char *path, bool replace, mode_t mode,
	struct vgt_err *err);

/*
 * Whether a new file at `path` would take the place of what is to be written to: a device, a
 * pipe, or a file that whoever started this process has opened for it, as may be behind
 * /dev/stdout.
 */
bool new_file_is_stream(const char *path);

/* Whether it looks as if new_file_create_or_append() could; nothing is left there. */
bool new_file_can_write(const char *path, struct vgt_err *err);

/*
 * new_file_create() with `replace`, and for a stream the same in its use: what is written goes
 * there at once, behind what it has.
 */
bool new_file_create_or_append(struct new_file *file, const char *path, struct vgt_err *err);

/* To write to by stdio, for the caller to close; NULL with *err. */
FILE *new_file_stream(const struct new_file *file, struct vgt_err *err);

/* Puts it in its place; it is still to be finished. */
bool new_file_commit(struct new_file *file, struct vgt_err *err);

/* Closes; removes what has not been committed. For {.fd = -1} it does nothing. */
void new_file_finish(struct new_file *file);

#endif
