/* SPDX-License-Identifier: MIT */
#ifndef VGT_DIRECTORY_H
#define VGT_DIRECTORY_H

#include "vgt_err.h"

#include <stdbool.h>

/*
 * A descriptor of the directory `name` in `at`, where no link is followed: what is written
 * there stays below `at`. With `make` it is made where it is not there. -1: *err, and errno is
 * ENOENT where it is not there.
 */
int directory_enter(int at, const char *name, bool make, struct vgt_err *err);

#endif
