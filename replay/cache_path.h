/* SPDX-License-Identifier: MIT */
#ifndef VGT_CACHE_PATH_H
#define VGT_CACHE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where `name` lies, or would lie, among what vgt keeps for its user and can get again:
 * ${XDG_CACHE_HOME:-~/.cache}/vgt/NAME (XDG Base Directory Specification 0.8). False where the
 * user has no such place, or its path is longer than `size`.
 */
bool vgt_cache_path(char *path, size_t size, const char *name);

#endif
