/* SPDX-License-Identifier: MIT */
#ifndef VGT_RING_DIRECTORY_H
#define VGT_RING_DIRECTORY_H

#include "vgt_err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* The room in bytes that a recording wants for its rings: four of them. */
#define VGT_RING_ROOM (UINT64_C(64) << 20)

/* Bytes that the user may still write there; 0 where that cannot be known. */
uint64_t vgt_ring_directory_room(const char *directory);

/*
 * Makes a directory for rings, sockets and logs: in /dev/shm where that has room, else in
 * $TMPDIR or /tmp. False: it is nowhere possible, `directory` is "".
 */
bool vgt_ring_directory_make(char directory[PATH_MAX], struct vgt_err *err);

#endif
