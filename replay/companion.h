/* SPDX-License-Identifier: MIT */
#ifndef VGT_COMPANION_H
#define VGT_COMPANION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where a file that belongs to vgt lies (vgt-player, libvgt-preload.so, libvgt-vtest.so,
 * qemu/): beside the running binary, as in build/; or in VGT_LIBDIR, as installed, which the
 * Makefile says: as a path from the installation's prefix (lib/vgt, lib/x86_64-linux-gnu/vgt),
 * which is where the binary's bin/ lies, wherever that was moved to, or an absolute one, where
 * libraries are not below the prefix. False where none has it, after saying so on stderr.
 */
bool companion_find(const char *name, char *path, size_t size);

/* The same for what may be missing: says nothing. */
bool companion_look(const char *name, char *path, size_t size);

#endif
