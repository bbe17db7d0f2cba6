/* SPDX-License-Identifier: MIT */
#ifndef VGT_DISPATCH_2017_H
#define VGT_DISPATCH_2017_H

#include "client.h"

/*
 * The private data of D3DKMTEscape as the first Windows ICD for virtio-gpu (2017) sent it, in
 * the layout of the caller's compiler; ESCAPE.md says what is answered and why the rest cannot
 * be.
 *
 *             TRANSFER 1          ALLOCATE 2          UPDATE 3            FREE 4
 *   offset 0  uint32_t command    uint32_t command    uint32_t command    uint32_t command
 *          4  a control command   uint32_t size       -                   -
 *          8                      uint64_t handle     uint64_t handle     uint64_t handle
 *         16                                          uint32_t size
 *         24                                          void *data (of 32 bits: at 20)
 *      bytes  4 and more          16                  32 (24)             16
 */

/* Whether this is how such a request begins. */
bool vgt_is_request_2017(uint32_t command);

/* Carries one out whose command has been read already. */
enum vgt_escape_status vgt_dispatch_2017(
	struct vgt_client *client, uint64_t address, uint32_t size, uint32_t command);

#endif
