/* SPDX-License-Identifier: MIT */
#include "describe.h"
#include "describe_value.h"
#include "vgt_json.h"
#include "virgl_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *json_float(const struct vgt_value *value)
{
	double number = describe_number_as_float(value);
	char text[64];
	if (!isfinite(number)) {
		return json_object_new_string(isnan(number) ? "nan"
					      : number > 0  ? "inf"
							    : "-inf");
	}
	describe_float(text, sizeof(text), number, value->field->bits == 32);
	return json_object_new_double_s(number, text);
}

static struct json_object *json_flags(const struct vgt_value *value)
{
	struct json_object *array = json_object_new_array();
	uint64_t left = value->number;
	for (const struct vgt_name *name = value->field->names; name->name; name++) {
		if (left & name->value) {
			json_object_array_add(array, json_object_new_string(name->name));
			left &= ~(uint64_t)name->value;
		}
	}
	if (left) {
		json_object_array_add(array, json_object_new_uint64(left));
	}
	return array;
}

static struct json_object *json_bytes(const struct describe *how, const struct vgt_value *value)
{
	struct json_object *object = json_object_new_object();
	const uint8_t *bytes = value->bytes;
	vgt_json_put_number(object, "bytes", value->size);
	char *hex = how->full ? malloc(2 * (size_t)value->size + 1) : NULL;
	if (hex) {
		hex[0] = '\0';
		for (uint32_t i = 0; i < value->size; i++) {
			snprintf(hex + 2 * (size_t)i, 3, "%02x", bytes[i]);
		}
		json_object_object_add(object, "hex", json_object_new_string(hex));
		free(hex);
	}
	return object;
}

static struct json_object *json_words(const struct describe *how, const struct vgt_value *value)
{
	struct json_object *array = json_object_new_array();
	const uint32_t *words = value->bytes;
	uint32_t count = value->size / (uint32_t)sizeof(uint32_t);
	for (uint32_t i = 0; i < count && (how->full || i < DESCRIBE_ELEMENTS); i++) {
		json_object_array_add(array, json_object_new_uint64(words[i]));
	}
	return array;
}

/* Short texts always; long ones, shaders, only in full. */
static struct json_object *json_string(
	const struct describe *how, const struct vgt_value *value)
{
	size_t length = strnlen(value->bytes, value->size);
	struct json_object *object = json_object_new_object();
	char *text = strndup(value->bytes, length);
	if (text && (how->full || length <= 80)) {
		vgt_json_put_text(object, "text", text);
	} else {
		vgt_json_put_number(object, "bytes", length);
	}
	free(text);
	return object;
}

static struct json_object *json_format_mask(const struct vgt_value *value)
{
	struct json_object *array = json_object_new_array();
	const uint32_t *mask = value->bytes;
	for (uint32_t format = 0; format < value->size * 8; format++) {
		if (mask[format / 32] >> (format % 32) & 1) {
			json_object_array_add(
				array, vgt_format_get(format)
					       ? json_object_new_string(vgt_format_name(format))
					       : json_object_new_uint64(format));
		}
	}
	return array;
}

/* As frames and traces are called elsewhere: beyond 2^53 numbers are not safe with every
 * reader. */
static struct json_object *json_hash(uint64_t number)
{
	char text[17];
	snprintf(text, sizeof(text), "%016" PRIx64, number);
	return json_object_new_string(text);
}

static struct json_object *json_value(const struct describe *how, const struct vgt_value *value)
{
	const char *name = NULL;
	uint32_t number = (uint32_t)value->number;
	switch ((enum vgt_field_type)value->field->type) {
	case VGT_FIELD_INT:
		return json_object_new_int64(describe_number_as_int(value));
	case VGT_FIELD_BOOL:
		return json_object_new_boolean(value->number != 0);
	case VGT_FIELD_FLOAT:
	case VGT_FIELD_DOUBLE:
		return json_float(value);
	case VGT_FIELD_FLAGS:
		return json_flags(value);
	case VGT_FIELD_STRING:
		return json_string(how, value);
	case VGT_FIELD_WORDS:
		return json_words(how, value);
	case VGT_FIELD_BYTES:
		return json_bytes(how, value);
	case VGT_FIELD_FORMAT_MASK:
		return json_format_mask(value);
	case VGT_FIELD_HEX:
		if (value->field->bits == 64) {
			return json_hash(value->number);
		}
		break;
	case VGT_FIELD_ENUM:
		name = vgt_name_of(value->field->names, number);
		break;
	case VGT_FIELD_FORMAT:
		name = vgt_format_get(number) ? vgt_format_name(number) : NULL;
		break;
	default:
		break;
	}
	return name ? json_object_new_string(name) : json_object_new_uint64(value->number);
}

static void json_handle(
	const struct describe *how, const struct vgt_value *value, struct json_object *handles)
{
	static const struct {
		unsigned use;
		const char *name;
	} uses[] = {{VGT_USE_DEFINE, "define"}, {VGT_USE_READ, "read"},
		{VGT_USE_WRITE, "write"}, {VGT_USE_DESTROY, "destroy"}};
	char note[256];
	struct json_object *object = json_object_new_object();
	struct json_object *use = json_object_new_array();
	vgt_json_put_text(object, "field", value->field->name);
	vgt_json_put_text(object, "kind", vgt_handle_kind_name(value->field->handle));
	vgt_json_put_number(object, "id", value->number);
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (value->field->use & uses[i].use) {
			json_object_array_add(use, json_object_new_string(uses[i].name));
		}
	}
	json_object_object_add(object, "use", use);
	describe_handle(how, value->field->handle, (uint32_t)value->number, note, sizeof(note));
	if (note[0] && !(value->field->use & VGT_USE_DEFINE)) {
		vgt_json_put_text(object, "is", note);
	}
	json_object_array_add(handles, object);
}

/* Where the fields of an element go: the object itself, one of its own, or one in an array. */
static struct json_object *json_element(struct json_object *fields, const struct vgt_part *part)
{
	if (!part->name || describe_is_row(part)) {
		return fields;
	}
	struct json_object *object = json_object_new_object();
	if (describe_is_header(part)) {
		json_object_object_add(fields, part->name, object);
		return object;
	}
	struct json_object *array;
	if (!json_object_object_get_ex(fields, part->name, &array)) {
		array = json_object_new_array();
		json_object_object_add(fields, part->name, array);
	}
	json_object_array_add(array, object);
	return object;
}

struct json_object *describe_json(const struct describe *how, const struct vgt_layout *layout,
	struct json_object *handles)
{
	struct json_object *fields = json_object_new_object();
	struct json_object *object = fields;
	struct json_object *row = NULL;
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		if (!how->full && value.element >= DESCRIBE_ELEMENTS) {
			continue;
		}
		if (describe_begins_element(&value)) {
			object = json_element(fields, value.part);
		}
		if (value.field->type == VGT_FIELD_PAD || value.field->type == VGT_FIELD_ZERO) {
			continue;
		}
		if (value.field->type == VGT_FIELD_HANDLE && value.number && handles) {
			json_handle(how, &value, handles);
		}
		if (value.field->count <= 1 && !describe_is_row(value.part)) {
			json_object_object_add(
				object, value.field->name, json_value(how, &value));
			continue;
		}
		if (describe_begins_row(&value)) {
			row = json_object_new_array();
			json_object_object_add(object, value.field->name, row);
		}
		json_object_array_add(row, json_value(how, &value));
	}
	return fields;
}
