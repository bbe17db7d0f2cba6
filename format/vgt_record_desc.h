/* SPDX-License-Identifier: MIT */
#ifndef VGT_RECORD_DESC_H
#define VGT_RECORD_DESC_H

#include "vgt_desc.h"

#include <stdint.h>

/*
 * The records of a trace described: virtio-gpu control commands (virtio 1.2, section 5.7.6.8)
 * and what FORMAT.md adds. vgt_desc_measure takes a description with a record's payload. Bytes
 * behind what a structure defines are ignored, as FORMAT.md says.
 */

/* NULL where the type is unknown to this version. */
const struct vgt_desc *vgt_record_desc(uint16_t type);

/* The n-th of all, NULL behind the last; *type is its record type. */
const struct vgt_desc *vgt_record_desc_at(size_t n, uint16_t *type);

/* "SUBMIT_3D", "MEM"; "unknown" where the type is. */
const char *vgt_record_name(uint16_t type);

#endif
