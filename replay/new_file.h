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
	int fd; /* to write to, and to read */
	/* private: */
	char *path, *temporary;
	bool replace;
};

/*
 * Begins a file that is to be at `path`; a symbolic link there stays one. VGT_ERR_USAGE: it
 * exists and `replace` is not set, or is no regular file. `mode` is subject to the umask. On
 * failure, too, it is to be finished.
 */
bool new_file_create(struct new_file *file, const char *path, bool replace, mode_t mode,
	struct vgt_err *err);

/* The same to write to by stdio, for the caller to close; NULL with *err. */
FILE *new_file_stream(const struct new_file *file, struct vgt_err *err);

/* Puts it in its place; it is still to be finished. */
bool new_file_commit(struct new_file *file, struct vgt_err *err);

/* Closes; removes what has not been committed. For {.fd = -1} it does nothing. */
void new_file_finish(struct new_file *file);

#endif
