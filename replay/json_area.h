/* SPDX-License-Identifier: MIT */
#ifndef VGT_JSON_AREA_H
#define VGT_JSON_AREA_H

#include "compare.h"
#include "vgt_json.h"

#include <json-c/json.h>

/* {x, y, width, height} of an area, as all of --json has it; NULL (null) where it is empty. */
static inline struct json_object *vgt_json_area(const struct vgt_area *area)
{
	if (area->height == 0) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	vgt_json_put_number(object, "x", area->x);
	vgt_json_put_number(object, "y", area->y);
	vgt_json_put_number(object, "width", area->width);
	vgt_json_put_number(object, "height", area->height);
	return object;
}

#endif
