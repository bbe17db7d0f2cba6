/* SPDX-License-Identifier: MIT */
#ifndef VGT_DISPATCH_2017_H
#define VGT_DISPATCH_2017_H

#include "client.h"

/*
 * The private data of D3DKMTEscape as the first Windows ICD for virtio-gpu (2017) sent it:
 * uint32_t command, then for TRANSFER 1 {a raw control command}, ALLOCATE 2 {uint32_t size;
 * uint64_t handle}, UPDATE 3 {uint64_t handle; uint32_t size; void *data}, FREE 4 {uint64_t
 * handle}, in the layout of the caller's compiler. ESCAPE.md says what is answered and why the
 * rest cannot be.
 */
enum vgt_escape_status vgt_dispatch_2017(
	struct vgt_client *client, uint64_t address, uint32_t size, uint32_t command);

#endif
