/* SPDX-License-Identifier: MIT */
#ifndef VGT_DISPATCH_H
#define VGT_DISPATCH_H

#include "client.h"

/*
 * Carries out one request that lies at `address` in the client's address space, `size` bytes of
 * buffer: vgt_escape.h, ESCAPE.md. Each byte of it is read at most once, and the answer is
 * written once, so that a caller that changes it meanwhile gains nothing. Any number of
 * threads.
 *
 * The status is that of the header, or what prevented writing it there: BAD_ADDRESS, and
 * BAD_REQUEST or UNSUPPORTED for a buffer that is shorter than a header or of the 2017 protocol
 * (dispatch_2017.h), which has no place for it. The transport hands it on.
 */
enum vgt_escape_status vgt_dispatch(struct vgt_client *client, uint64_t address, uint32_t size);

#endif
