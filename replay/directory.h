/* SPDX-License-Identifier: MIT */
#ifndef VGT_DIRECTORY_H
#define VGT_DIRECTORY_H

#include "vgt_err.h"

#include <stdbool.h>
#include <sys/stat.h>

/*
 * A descriptor of the directory `name` in `at`, where no link is followed: what is written
 * there stays below `at`. With `make` it is made where it is not there. -1: *err, and errno is
 * ENOENT where it is not there.
 */
int directory_enter(int at, const char *name, bool make, struct vgt_err *err);

/*
 * A descriptor to read the regular file `name` in `at` by, with its status; `follow`: where it
 * is a link, too. -1: *err; nothing else, such as a pipe, is waited for.
 */
int directory_read(
	int at, const char *name, bool follow, struct stat *status, struct vgt_err *err);

/* Makes all directories above what `path` names, where they are not there. */
bool directory_make_above(const char *path, struct vgt_err *err);

#endif
