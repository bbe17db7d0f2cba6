/* SPDX-License-Identifier: MIT */
#include "player_capset.h"

#include "virgl_caps.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bits or formats that are named; of the others only how many. */
#define NAMED 8u

struct saying {
	void (*say)(void *opaque, const char *text);
	void *opaque;
};

__attribute__((format(printf, 3, 4))) static void append(
	char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
}

static void name_bit(char *text, size_t size, const struct vgt_field *field, uint32_t bit)
{
	const char *name = NULL;
	if (field->type == VGT_FIELD_FORMAT_MASK) {
		name = vgt_format_get(bit) ? vgt_format_name(bit) : NULL;
	} else {
		name = vgt_name_of(field->names, UINT32_C(1) << bit);
	}
	if (name) {
		append(text, size, " %s", name);
	} else {
		append(text, size, " %" PRIu32, bit);
	}
}

/* "sampler lacks ASTC_4x4 ASTC_5x4 and 26 more" */
static void list_missing(
	char *text, size_t size, const struct virgl_caps_difference *difference, uint32_t bits)
{
	const struct vgt_field *field = difference->first->field;
	uint32_t missing = 0;
	append(text, size, "%s lacks", field->name);
	for (uint32_t bit = 0; bit < bits; bit++) {
		if (virgl_caps_lacks(difference, bit) && missing++ < NAMED) {
			name_bit(text, size, field, bit);
		}
	}
	if (missing > NAMED) {
		append(text, size, " and %" PRIu32 " more", missing - NAMED);
	}
}

static double as_number(const struct vgt_value *value)
{
	uint32_t bits = value ? (uint32_t)value->number : 0;
	float number;
	if (!value || value->field->type != VGT_FIELD_FLOAT) {
		return value && value->field->type == VGT_FIELD_INT ? (double)(int32_t)bits
								    : (double)bits;
	}
	memcpy(&number, &bits, sizeof(number));
	return (double)number;
}

static void on_difference(const struct virgl_caps_difference *difference, void *context)
{
	const struct saying *saying = context;
	char text[224] = "";
	if (difference->verdict != VIRGL_CAPS_WORSE || !difference->first) {
		return;
	}
	const struct vgt_field *field = difference->first->field;
	switch ((enum vgt_field_type)field->type) {
	case VGT_FIELD_FORMAT_MASK:
	case VGT_FIELD_FLAGS:
		list_missing(text, sizeof(text), difference, field->bits);
		break;
	case VGT_FIELD_BOOL:
		append(text, sizeof(text), "lacks %s", field->name);
		break;
	default:
		append(text, sizeof(text), "%s", field->name);
		if (field->count > 1) {
			append(text, sizeof(text), "[%" PRIu32 "]", difference->first->index);
		}
		append(text, sizeof(text), " is %g, the recording's was %g",
			as_number(difference->second), as_number(difference->first));
		break;
	}
	saying->say(saying->opaque, text);
}

void player_capset_lacks(uint32_t id, const void *recorded, size_t recorded_size,
	const void *host, size_t host_size, void (*say)(void *opaque, const char *text),
	void *opaque)
{
	struct saying saying = {say, opaque};
	struct vgt_layout first, second;
	const struct vgt_desc *desc = virgl_caps_desc(id);
	if (desc && vgt_desc_measure(desc, recorded, recorded_size, &first, NULL) &&
		vgt_desc_measure(desc, host, host_size, &second, NULL)) {
		virgl_caps_compare(&first, &second, on_difference, &saying);
	}
}
