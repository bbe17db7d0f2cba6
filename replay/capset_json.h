/* SPDX-License-Identifier: MIT */
#ifndef VGT_CAPSET_JSON_H
#define VGT_CAPSET_JSON_H

#include "vgt_capsets.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads what `vgt dump --capset --json` prints, be it edited by hand: JSON objects, one for
 * each capset, {id, version, bytes, fields}. All fields of the capset's description that begin
 * and end within `bytes` must be there and no others. The capset is that again, byte for byte,
 * but for what no field describes, a NaN's payload and the sign of a zero, which become 0.
 *
 * False, VGT_ERR_MALFORMED: the message begins with the line at which the object (or, where it
 * is no JSON, the fault) stands, and names the field. Nothing is to be freed then.
 */
bool capset_json_read(
	struct vgt_capsets *capsets, const char *text, size_t size, struct vgt_err *err);

#endif
