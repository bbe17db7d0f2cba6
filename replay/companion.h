/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPANION_H
#define VGT_COMPANION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where a file that belongs to vgt lies (vgt-player, libvgt-preload.so, libvgt-vtest.so,
 * qemu/): beside the running binary, as in build/; in ../lib/vgt from there, as installed,
 * wherever the installation was moved to; or in VGT_LIBDIR. False where none has it, after
 * saying so on stderr.
 */
bool companion_find(const char *name, char *path, size_t size);

/* The same for what may be missing: says nothing. */
bool companion_look(const char *name, char *path, size_t size);

#endif
