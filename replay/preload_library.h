/* SPDX-License-Identifier: MIT */
#ifndef VGT_PRELOAD_LIBRARY_H
#define VGT_PRELOAD_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

/* A library of vgt's own that ld.so loads into programs first (LD_PRELOAD). */

/*
 * ld.so splits LD_PRELOAD at spaces and colons and expands $, and there is no way to quote
 * them: a library with such a path gets another, a link called `name` in `directory`. False:
 * the link cannot be made, see errno.
 */
bool vgt_preload_make_loadable(char path[PATH_MAX], const char *name, const char *directory);

/* Adds it to this process's LD_PRELOAD, before what others have put there. */
bool vgt_preload_set(const char *library);

#endif
