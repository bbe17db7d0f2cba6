/* SPDX-License-Identifier: MIT */
#ifndef VGT_RECORD_CHECK_H
#define VGT_RECORD_CHECK_H

#include "vgt_err.h"
#include "virtio_gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a payload has the shape that FORMAT.md gives its type: long enough for its structure
 * and for what that counts, reserved fields zero, a command's own type equal to the record's.
 * Whoever got a record from vgt_reader_next may therefore read the structure without asking for
 * its size again. Types that this version does not know pass. On false, err (code MALFORMED)
 * says what is wrong.
 */
bool vgt_record_check(uint16_t type, const void *payload, size_t size, struct vgt_err *err);

/*
 * Whether what a command's structure counts (memory entries, bytes of virgl commands) lies in
 * the `room` bytes behind it and within the limits. The structure itself must be there.
 */
bool vgt_command_data_fits(const struct virtio_gpu_ctrl_hdr *hdr, uint64_t room);

/*
 * Bytes of the structure with which a record of this type begins, 0 where the type is unknown;
 * an unknown command has the header.
 */
size_t vgt_record_structure_size(uint16_t type);

/*
 * Bytes that a command's structure, which must be there, and its counts define. A command of a
 * type unknown here ends with its header, as far as anyone can tell.
 */
uint64_t vgt_command_size(const struct virtio_gpu_ctrl_hdr *hdr);

#endif
