/* SPDX-License-Identifier: MIT */
#ifndef VGT_DESCRIBE_VALUE_H
#define VGT_DESCRIBE_VALUE_H

#include "vgt_desc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What words and JSON have in common: numbers, and how a value stands among its neighbours. */

/* Elements of a repeated part that are shown where not all are. */
#define DESCRIBE_ELEMENTS 256u

/* The shortest decimal that reads back as the same number. */
void describe_float(char *text, size_t size, double value, bool is_single);

static inline double describe_number_as_float(const struct vgt_value *value)
{
	if (value->field->bits == 64) {
		double number;
		memcpy(&number, &value->number, sizeof(number));
		return number;
	}
	uint32_t bits = (uint32_t)value->number;
	float number;
	memcpy(&number, &bits, sizeof(number));
	return (double)number;
}

static inline int64_t describe_number_as_int(const struct vgt_value *value)
{
	unsigned spare = 64u - value->field->bits;
	return (int64_t)(value->number << spare) >> spare;
}

static inline bool describe_is_repeated(const struct vgt_part *part)
{
	return part->name && part->max != 1;
}

/* Elements of one field are shown as a row. */
static inline bool describe_is_row(const struct vgt_part *part)
{
	return describe_is_repeated(part) && !part->fields[1].name && part->fields->count <= 1;
}

static inline bool describe_is_header(const struct vgt_part *part)
{
	return part->name && part->max == 1;
}

static inline bool describe_begins_element(const struct vgt_value *value)
{
	return value->field == value->part->fields && value->index == 0;
}

/* Whether the value is the first of a row: of one field, or of elements of one field. */
static inline bool describe_begins_row(const struct vgt_value *value)
{
	return describe_is_row(value->part) ? value->element == 0
					    : value->field->count > 1 && value->index == 0;
}

#endif
