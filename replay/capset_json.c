/* SPDX-License-Identifier: MIT */
#include "capset_json.h"

#include "describe_value.h"
#include "vgt_text.h"
#include "virgl_caps.h"
#include "virgl_format.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPSET_SIZE_MAX 65536u
#define SEEN_MAX        160 /* names that one description has */

/* What is being read, for messages. */
struct place {
	size_t line;
	char field[112]; /* "", "fields.max_samples", "fields.video_caps[3].max_width" */
	struct vgt_err *err;
};

__attribute__((format(printf, 2, 3))) static bool wrong(
	const struct place *place, const char *format, ...)
{
	char text[160];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return vgt_err_set(place->err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "line %zu: %s%s%s",
		place->line, place->field, place->field[0] ? ": " : "", text);
}

/* Values */

static bool get_number(const struct place *place, struct json_object *json, int64_t least,
	int64_t most, int64_t *number)
{
	if (!json_object_is_type(json, json_type_int)) {
		return wrong(place, "must be an integer");
	}
	errno = 0;
	*number = json_object_get_int64(json); /* what is beyond becomes the end of the range */
	if (*number < least || *number > most) {
		return wrong(place, "must be from %" PRId64 " to %" PRId64, least, most);
	}
	return true;
}

static bool get_float(const struct place *place, struct json_object *json, uint64_t *bits)
{
	static const struct {
		const char *name;
		double number;
	} names[] = {
		{"nan", (double)NAN}, {"inf", (double)INFINITY}, {"-inf", -(double)INFINITY}};
	double number = json_object_get_double(json);
	bool good = json_object_is_type(json, json_type_double) ||
		    json_object_is_type(json, json_type_int);
	bool named = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_object_is_type(json, json_type_string) &&
			strcmp(json_object_get_string(json), names[i].name) == 0) {
			number = names[i].number;
			good = named = true;
		}
	}
	const float single = (float)number;
	uint32_t word;
	if (!good || (!named && !isfinite(single))) {
		return wrong(place, "must be a number or \"nan\", \"inf\", \"-inf\"%s",
			good ? ": it is too large" : "");
	}
	memcpy(&word, &single, sizeof(word));
	*bits = word;
	return true;
}

/* The bit of a format, or of a flag. */
static bool get_bit(const struct place *place, const struct vgt_field *field,
	struct json_object *json, int64_t *bit)
{
	const bool formats = field->type == VGT_FIELD_FORMAT_MASK;
	if (!json_object_is_type(json, json_type_string)) {
		return wrong(place, "must be a name or a number");
	}
	const char *name = json_object_get_string(json);
	for (uint32_t i = 0; formats && i < field->bits; i++) {
		if (vgt_format_get(i) && strcmp(vgt_format_name(i), name) == 0) {
			*bit = i;
			return true;
		}
	}
	for (uint32_t i = 0; !formats && i < field->bits; i++) {
		const char *flag = vgt_name_of(field->names, UINT32_C(1) << i);
		if (flag && strcmp(flag, name) == 0) {
			*bit = i;
			return true;
		}
	}
	return wrong(place, "there is no %s '%s'", formats ? "format" : "flag",
		vgt_text_quote(name).text);
}

/* Names, and numbers for what has none: of formats their own, of flags bits. */
static bool get_bits(const struct place *place, const struct vgt_field *field,
	struct json_object *json, uint32_t *words)
{
	if (!json_object_is_type(json, json_type_array)) {
		return wrong(place, "must be an array of names");
	}
	for (size_t i = 0; i < json_object_array_length(json); i++) {
		struct json_object *entry = json_object_array_get_idx(json, i);
		const bool is_number = json_object_is_type(entry, json_type_int);
		int64_t bit = 0, number = 0;
		if (is_number && field->type == VGT_FIELD_FLAGS) {
			if (!get_number(place, entry, 0, UINT32_MAX, &number)) {
				return false;
			}
			words[0] |= (uint32_t)number;
			continue;
		}
		if (is_number ? !get_number(place, entry, 0, field->bits - 1, &bit)
			      : !get_bit(place, field, entry, &bit)) {
			return false;
		}
		words[bit / 32] |= UINT32_C(1) << bit % 32;
	}
	return true;
}

static bool get_text(const struct place *place, const struct vgt_value *value,
	struct json_object *json, char *to)
{
	struct json_object *text = NULL;
	if (!json_object_is_type(json, json_type_object) ||
		json_object_object_length(json) != 1 ||
		!json_object_object_get_ex(json, "text", &text) ||
		!json_object_is_type(text, json_type_string)) {
		return wrong(place, "must be {\"text\": \"...\"}");
	}
	const int length = json_object_get_string_len(text);
	if (length < 0 || (uint32_t)length > value->size) {
		return wrong(place, "is longer than %" PRIu32 " bytes", value->size);
	}
	memcpy(to, json_object_get_string(text), (size_t)length);
	return true;
}

static bool put_value(const struct place *place, const struct vgt_value *value,
	struct json_object *json, uint32_t *dwords)
{
	const struct vgt_field *field = value->field;
	int64_t number = 0;
	uint64_t bits = 0;
	uint32_t flags = 0;
	switch ((enum vgt_field_type)field->type) {
	case VGT_FIELD_STRING:
		return get_text(place, value, json, (char *)(dwords + value->dword));
	case VGT_FIELD_FORMAT_MASK:
		return get_bits(place, field, json, dwords + value->dword);
	case VGT_FIELD_FLAGS:
		if (!get_bits(place, field, json, &flags)) {
			return false;
		}
		bits = flags;
		break;
	case VGT_FIELD_BOOL:
		if (!json_object_is_type(json, json_type_boolean)) {
			return wrong(place, "must be true or false");
		}
		bits = json_object_get_boolean(json) != 0;
		break;
	case VGT_FIELD_FLOAT:
		if (!get_float(place, json, &bits)) {
			return false;
		}
		break;
	case VGT_FIELD_INT:
		if (!get_number(place, json, -(INT64_C(1) << (field->bits - 1)),
			    (INT64_C(1) << (field->bits - 1)) - 1, &number)) {
			return false;
		}
		bits = (uint64_t)number;
		break;
	default:
		if (!get_number(place, json, 0, (INT64_C(1) << field->bits) - 1, &number)) {
			return false;
		}
		bits = (uint64_t)number;
		break;
	}
	vgt_value_store(value, dwords, bits);
	return true;
}

/* Where values stand */

/* `name` of an object; of an array, which is to be there, its entry `index`. */
static bool get_member(struct place *place, struct json_object *object, const char *name,
	bool is_array, size_t index, struct json_object **member)
{
	const size_t length = strlen(place->field);
	if (!json_object_is_type(object, json_type_object)) {
		return wrong(place, "must be an object");
	}
	snprintf(place->field + length, sizeof(place->field) - length, "%s%s",
		length ? "." : "", name);
	if (!json_object_object_get_ex(object, name, member)) {
		return wrong(place, "is missing");
	}
	if (!is_array) {
		return true;
	}
	if (!json_object_is_type(*member, json_type_array)) {
		return wrong(place, "must be an array");
	}
	if (index >= json_object_array_length(*member)) {
		return wrong(place, "has too few entries");
	}
	const size_t used = strlen(place->field);
	snprintf(place->field + used, sizeof(place->field) - used, "[%zu]", index);
	*member = json_object_array_get_idx(*member, index);
	return true;
}

/* As describe_json() puts it: in the fields themselves or, of what is repeated, in an array. */
static bool find_value(struct place *place, struct json_object *fields,
	const struct vgt_value *value, struct json_object **json)
{
	struct json_object *object = fields;
	const bool repeated = describe_is_repeated(value->part);
	snprintf(place->field, sizeof(place->field), "fields");
	return (!repeated || get_member(place, fields, value->part->name, true, value->element,
				     &object)) &&
	       get_member(place, object, value->field->name, value->field->count > 1,
		       value->index, json);
}

static const char unknown[] = "there is no such field";

/* How much of what is called so has been read: entries of an array, else one. */
struct seen {
	const char *name;
	size_t count;
	bool is_array;
};

static bool describes(const struct vgt_desc *desc, const char *name)
{
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		if (describe_is_repeated(part)) {
			if (strcmp(part->name, name) == 0) {
				return true;
			}
			continue;
		}
		for (const struct vgt_field *field = part->fields; field->name; field++) {
			if (strcmp(field->name, name) == 0) {
				return true;
			}
		}
	}
	return false;
}

/* Told first: where a name is mistyped, another is missing. */
static bool check_names(
	struct place *place, const struct vgt_desc *desc, struct json_object *fields)
{
	json_object_object_foreach(fields, name, member)
	{
		(void)member;
		if (!describes(desc, name)) {
			snprintf(place->field, sizeof(place->field), "fields.%s",
				vgt_text_quote(name).text);
			return wrong(place, "%s", unknown);
		}
	}
	return true;
}

/* Nothing is in `object` but what has been read. */
static bool check_rest(const struct place *at, struct json_object *object,
	const struct seen *seen, size_t seen_count, const char *why)
{
	struct place place = *at;
	const size_t length = strlen(place.field);
	json_object_object_foreach(object, name, member)
	{
		size_t i = 0;
		while (i < seen_count && strcmp(seen[i].name, name) != 0) {
			i++;
		}
		snprintf(place.field + length, sizeof(place.field) - length, "%s%s",
			length ? "." : "", vgt_text_quote(name).text);
		if (i == seen_count) {
			return wrong(&place, "%s", why);
		}
		if (seen[i].is_array && json_object_array_length(member) > seen[i].count) {
			return wrong(&place, "has more than %zu entries", seen[i].count);
		}
	}
	return true;
}

static void note_seen(struct seen *seen, size_t *count, const char *name, bool is_array)
{
	if (*count == 0 || strcmp(seen[*count - 1].name, name) != 0) {
		assert(*count < SEEN_MAX); /* the names are those of our tables */
		seen[(*count)++] = (struct seen){.name = name, .is_array = is_array};
	}
}

/* What is in the members of a row is checked when its last value has been read. */
static bool put_fields(struct place *place, const struct vgt_layout *layout,
	struct json_object *fields, uint32_t *dwords)
{
	struct seen seen[SEEN_MAX], inner[SEEN_MAX];
	size_t count = 0, inner_count = 0;
	struct vgt_walk walk;
	struct vgt_value value;
	struct json_object *json, *element = NULL;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		const bool repeated = describe_is_repeated(value.part);
		if (repeated && describe_begins_element(&value)) {
			note_seen(seen, &count, value.part->name, true);
			seen[count - 1].count++;
			inner_count = 0;
		}
		if (value.field->type == VGT_FIELD_PAD) {
			continue;
		}
		if (!find_value(place, fields, &value, &json) ||
			!put_value(place, &value, json, dwords)) {
			return false;
		}
		struct seen *names = repeated ? inner : seen;
		size_t *names_count = repeated ? &inner_count : &count;
		note_seen(names, names_count, value.field->name, value.field->count > 1);
		names[*names_count - 1].count++;
		if (repeated &&
			(value.field[1].name == NULL || value.field[1].type == VGT_FIELD_PAD)) {
			snprintf(place->field, sizeof(place->field), "fields");
			if (!get_member(place, fields, value.part->name, true, value.element,
				    &element) ||
				!check_rest(place, element, inner, inner_count, unknown)) {
				return false;
			}
		}
	}
	snprintf(place->field, sizeof(place->field), "fields");
	return check_rest(place, fields, seen, count, "lies behind the capset's bytes");
}

/* A member of the outermost object. */
static bool get_count(struct place *place, struct json_object *object, const char *name,
	int64_t least, int64_t most, uint32_t *number)
{
	struct json_object *member = NULL;
	int64_t found = 0;
	place->field[0] = '\0';
	if (!get_member(place, object, name, false, 0, &member) ||
		!get_number(place, member, least, most, &found)) {
		return false;
	}
	*number = (uint32_t)found;
	return true;
}

static bool take_capset(
	struct vgt_capsets *capsets, struct place *place, struct json_object *object)
{
	static const struct seen known[] = {
		{.name = "id"}, {.name = "version"}, {.name = "bytes"}, {.name = "fields"}};
	uint32_t id = 0, version = 0, size = 0;
	struct json_object *fields = NULL;
	struct vgt_layout layout;
	struct vgt_err why;
	place->field[0] = '\0';
	if (!json_object_is_type(object, json_type_object)) {
		return wrong(place, "must be an object {id, version, bytes, fields}");
	}
	if (!get_count(place, object, "id", 1, 2, &id) ||
		!get_count(place, object, "version", 0, UINT32_MAX, &version) ||
		!get_count(place, object, "bytes", 4, CAPSET_SIZE_MAX, &size)) {
		return false;
	}
	place->field[0] = '\0';
	if (vgt_capsets_find(capsets, id)) {
		return wrong(place, "capset %" PRIu32 " is there twice", id);
	}
	if (!check_rest(place, object, known, sizeof(known) / sizeof(known[0]), unknown) ||
		!get_member(place, object, "fields", false, 0, &fields)) {
		return false;
	}
	if (!json_object_is_type(fields, json_type_object)) {
		return wrong(place, "must be an object");
	}
	uint32_t *dwords = calloc(1, size + 3);
	bool good = dwords != NULL;
	if (!good) {
		vgt_err_system(place->err, ENOMEM, "cannot hold a capset");
	} else if (!vgt_desc_measure(virgl_caps_desc(id), dwords, size, &layout, &why)) {
		snprintf(place->field, sizeof(place->field), "bytes");
		good = wrong(place, "%s", why.message);
	} else {
		good = check_names(place, layout.desc, fields) &&
		       put_fields(place, &layout, fields, dwords) &&
		       vgt_capsets_put(capsets, id, version, dwords, size, place->err);
	}
	free(dwords);
	return good;
}

/* The text */

static bool read_objects(struct vgt_capsets *capsets, struct json_tokener *parser,
	const char *text, size_t size, struct vgt_err *err)
{
	size_t at = vgt_text_skip_space(text, size, 0);
	struct place place = {.line = 1, .err = err};
	if (at == size) {
		return wrong(&place, "no capset is there");
	}
	while (at < size) {
		json_tokener_reset(parser);
		struct json_object *object =
			json_tokener_parse_ex(parser, text + at, (int)(size - at));
		const enum json_tokener_error error = json_tokener_get_error(parser);
		const size_t end = at + json_tokener_get_parse_end(parser);
		if (error != json_tokener_success) {
			place.line = vgt_text_line(text, end);
			place.field[0] = '\0';
			return wrong(&place, "not JSON: %s",
				error == json_tokener_continue
					? "it ends too early"
					: json_tokener_error_desc(error));
		}
		place.line = vgt_text_line(text, at);
		const bool good = take_capset(capsets, &place, object);
		json_object_put(object);
		if (!good) {
			return false;
		}
		at = vgt_text_skip_space(text, size, end);
	}
	return true;
}

bool capset_json_read(
	struct vgt_capsets *capsets, const char *text, size_t size, struct vgt_err *err)
{
	*capsets = (struct vgt_capsets){0};
	struct json_tokener *parser = json_tokener_new();
	if (!parser) {
		return vgt_err_system(err, ENOMEM, "cannot read JSON");
	}
	json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
					       JSON_TOKENER_VALIDATE_UTF8);
	const bool good = read_objects(capsets, parser, text, size, err);
	json_tokener_free(parser);
	if (!good) {
		vgt_capsets_finish(capsets);
	}
	return good;
}
