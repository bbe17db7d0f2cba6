/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPANION_H
#define VGT_COMPANION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where a file that belongs to vgt lies (vgt-player, libvgt-preload.so, libvgt-vtest.so):
 * beside the running binary, as in build/, else in VGT_LIBDIR, as installed. False where
 * neither has it; `path` then holds the first place that was looked at.
 */
bool companion_find(const char *name, char *path, size_t size);

#endif
