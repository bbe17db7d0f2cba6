/* SPDX-License-Identifier: MIT */
#ifndef VGT_DESCRIBE_H
#define VGT_DESCRIBE_H

#include "vgt_desc.h"
#include "vgt_model.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Puts what a description has measured into words: for people, or as JSON. */

/* Escape sequences around kinds of text; all "" without colours. */
struct describe_palette {
	const char *address, *name, *note, *wrong, *end;
};
extern const struct describe_palette describe_plain, describe_coloured;

struct describe {
	FILE *out;
	const struct describe_palette *palette;
	bool full;               /* all of texts and data, not only how much */
	bool sizes_only;         /* of data, not even its first bytes */
	bool multiline;          /* a line for each field */
	struct vgt_model *model; /* that knows what handles name; NULL: none */
	bool complete;           /* what the model does not know does not exist */
	uint32_t ctx_id;         /* whose virgl commands these are */
};

/*
 * All fields as ` name=value`, without a newline unless data is shown in full. What says
 * nothing is left out: padding, flags that are not set, elements that are all zero, the fields
 * of `hdr` that are 0.
 */
void describe_fields(const struct describe *how, const struct vgt_layout *layout);

/* The fields as a JSON object; `handles` (NULL: none) gets an object for each handle used. */
struct json_object *describe_json(const struct describe *how, const struct vgt_layout *layout,
	struct json_object *handles);

/* What a handle names: "B8G8R8A8_UNORM 1024x768 scanout 0", "" where nothing is known. */
void describe_handle(const struct describe *how, enum vgt_handle_kind kind, uint32_t handle,
	char *text, size_t size);

/* Dwords of unknown meaning, in hexadecimal; all of them only where `how` is full. */
void describe_raw(const struct describe *how, const uint32_t *dwords, size_t count);

#endif
