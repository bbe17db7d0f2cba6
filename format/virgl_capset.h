/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRGL_CAPSET_H
#define VGT_VIRGL_CAPSET_H

/* What a guest's driver needs of struct virgl_caps_v2, virgl_hw.h; virgl_caps.c describes all
 * of it. */

#define VIRGL_CAPS_V2_CAPABILITY_BITS_V2 688u /* bytes from its start */
#define VIRGL_CAP_V2_STRING_MARKER       (1u << 4)

#endif
