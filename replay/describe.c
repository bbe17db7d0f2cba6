/* SPDX-License-Identifier: MIT */
#include "describe.h"

#include "describe_value.h"
#include "vgt_text.h"
#include "virgl_desc.h"
#include "virgl_format.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct describe_palette describe_plain = {"", "", "", "", ""};
const struct describe_palette describe_coloured = {
	"\033[33m", "\033[1m", "\033[36m", "\033[31m", "\033[0m"};

/* Bytes of data and dwords of raw commands that are shown where not all are. */
#define DATA_SHOWN  16u
#define RAW_SHOWN   8u
#define WORDS_SHOWN 16u

/* Numbers */

void describe_float(char *text, size_t size, double value, bool is_single)
{
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, size, "%.*g", digits, value);
		double back = strtod(text, NULL);
		if (back == value || (is_single && (float)back == (float)value)) {
			return;
		}
	}
}

/* Whether 32 bits are more likely a float than an integer: 0, or of a size that people use. */
static bool looks_like_float(uint32_t bits)
{
	unsigned exponent = bits >> 23 & 0xff;
	return bits == 0 || (exponent > 127 - 40 && exponent < 127 + 40);
}

/* Handles */

static void append(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
}

static void describe_resource(const struct describe *how, const struct vgt_resource *resource,
	char *text, size_t size)
{
	if (resource->target == PIPE_BUFFER) {
		append(text, size, "buffer of %" PRIu32 " bytes", resource->width);
		return;
	}
	append(text, size, "%s %" PRIu32, vgt_format_name(resource->format), resource->width);
	if (resource->target != PIPE_TEXTURE_1D && resource->target != PIPE_TEXTURE_1D_ARRAY) {
		append(text, size, "x%" PRIu32, resource->height);
	}
	if (resource->target == PIPE_TEXTURE_3D) {
		append(text, size, "x%" PRIu32, resource->depth);
	}
	if (resource->target != PIPE_TEXTURE_2D && resource->target != PIPE_TEXTURE_3D) {
		const char *target = vgt_name_of(virgl_texture_targets, resource->target);
		append(text, size, " %s", target ? target : "of unknown target");
	}
	if (resource->array_size > 1 && resource->target != PIPE_TEXTURE_CUBE) {
		append(text, size, " of %" PRIu32, resource->array_size);
	}
	if (resource->nr_samples > 1) {
		append(text, size, " %" PRIu32 " samples", resource->nr_samples);
	}
	uint32_t scanout = vgt_model_scanout_of(how->model, resource->id);
	if (scanout != VGT_NO_SCANOUT) {
		append(text, size, " scanout %" PRIu32, scanout);
	} else if (resource->bind & VIRGL_BIND_SCANOUT) {
		append(text, size, " scanout");
	} else if (resource->bind & VIRGL_BIND_DISPLAY_TARGET) {
		append(text, size, " display target");
	}
}

static void describe_object(const struct describe *how, const struct vgt_object *object,
	enum vgt_handle_kind kind, char *text, size_t size)
{
	if (kind == VGT_HANDLE_OBJECT) {
		append(text, size, "%s ", virgl_object_name(object->type));
	}
	if (object->type == VIRGL_OBJECT_SHADER) {
		const char *stage = vgt_name_of(virgl_shader_stages, object->detail);
		append(text, size, "%s", stage ? stage : "unknown stage");
	} else if (object->resource_id) {
		const struct vgt_resource *resource =
			vgt_model_resource(how->model, object->resource_id);
		append(text, size, "of res %" PRIu32, object->resource_id);
		if (resource) {
			append(text, size, " ");
			describe_resource(how, resource, text, size);
		}
	}
	size_t length = strlen(text);
	if (length && text[length - 1] == ' ') {
		text[length - 1] = '\0';
	}
}

void describe_handle(const struct describe *how, enum vgt_handle_kind kind, uint32_t handle,
	char *text, size_t size)
{
	text[0] = '\0';
	if (!how->model || !handle) {
		return;
	}
	bool known = false;
	if (kind == VGT_HANDLE_RESOURCE) {
		const struct vgt_resource *resource = vgt_model_resource(how->model, handle);
		known = resource != NULL;
		if (known) {
			describe_resource(how, resource, text, size);
		}
	} else if (kind <= VGT_HANDLE_OBJECT) {
		const struct vgt_object *object =
			vgt_model_object(how->model, how->ctx_id, handle);
		known = object != NULL;
		if (known) {
			describe_object(how, object, kind, text, size);
		}
	} else {
		return;
	}
	if (!known && how->complete) {
		append(text, size, "does not exist");
	}
}

/* Text */

static void print_handle(const struct describe *how, const struct vgt_value *value)
{
	char note[256] = "";
	uint32_t handle = (uint32_t)value->number;
	if (!(value->field->use & VGT_USE_DEFINE)) {
		describe_handle(how, value->field->handle, handle, note, sizeof(note));
	}
	fprintf(how->out, "%" PRIu32, handle);
	if (note[0]) {
		fprintf(how->out, " %s[%s]%s", how->palette->note, note, how->palette->end);
	}
}

static void print_flags(FILE *out, const struct vgt_value *value)
{
	uint64_t left = value->number;
	const char *between = "";
	for (const struct vgt_name *name = value->field->names; name->name; name++) {
		if (left & name->value) {
			fprintf(out, "%s%s", between, name->name);
			between = "|";
			left &= ~(uint64_t)name->value;
		}
	}
	if (left || !value->number) {
		fprintf(out, left ? "%s0x%" PRIx64 : "%s%" PRIu64, between, left);
	}
}

static void print_quoted(FILE *out, const char *text, size_t length)
{
	fputc('"', out);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (c == '\n') {
			fputs("\\n", out);
		} else if (isprint(c)) {
			fputc(c, out);
		} else {
			fprintf(out, "\\x%02x", c);
		}
	}
	fputc('"', out);
}

static void print_lines(FILE *out, const char *text, size_t length)
{
	while (length) {
		const char *end = memchr(text, '\n', length);
		size_t line = end ? (size_t)(end - text) : length;
		fputs("\n\t", out);
		vgt_text_print(out, text, line);
		text += line + (end != NULL);
		length -= line + (end != NULL);
	}
}

static void print_string(const struct describe *how, const struct vgt_value *value)
{
	const char *text = value->bytes;
	size_t length = strnlen(text, value->size);
	const char *first = memchr(text, '\n', length);
	if (!first && length <= 80) {
		print_quoted(how->out, text, length);
		return;
	}
	unsigned lines = 0;
	for (size_t i = 0; i < length; i++) {
		lines += text[i] == '\n' || (i + 1 == length);
	}
	fprintf(how->out, "<%zu bytes, %u line%s>", length, lines, lines == 1 ? "" : "s");
	if (how->full) {
		print_lines(how->out, text, length);
	}
}

static void print_bytes(const struct describe *how, const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	fprintf(how->out, "<%" PRIu32 " bytes", size);
	if (how->sizes_only) {
		fputc('>', how->out);
		return;
	}
	if (!how->full) {
		for (uint32_t i = 0; i < size && i < DATA_SHOWN; i++) {
			fprintf(how->out, "%s%02x", i == 0 ? ": " : i % 4 ? "" : " ", bytes[i]);
		}
		fputs(size > DATA_SHOWN ? " ...>" : ">", how->out);
		return;
	}
	fputs(">", how->out);
	for (uint32_t i = 0; i < size; i++) {
		if (i % 32 == 0) {
			fprintf(how->out, "\n\t%06" PRIx32 ":", i);
		}
		fprintf(how->out, "%s%02x", i % 4 ? "" : " ", bytes[i]);
	}
}

static void print_word(FILE *out, uint32_t bits)
{
	float number;
	char text[64];
	if (!looks_like_float(bits)) {
		fprintf(out, "0x%08" PRIx32, bits);
		return;
	}
	memcpy(&number, &bits, sizeof(number));
	describe_float(text, sizeof(text), (double)number, true);
	fputs(text, out);
}

static void print_words(const struct describe *how, const struct vgt_value *value)
{
	const uint32_t *words = value->bytes;
	uint32_t count = value->size / sizeof(uint32_t);
	uint32_t shown = how->full || count < WORDS_SHOWN ? count : WORDS_SHOWN;
	fputc('(', how->out);
	for (uint32_t i = 0; i < shown; i++) {
		fputs(i ? ", " : "", how->out);
		print_word(how->out, words[i]);
	}
	if (shown < count) {
		fprintf(how->out, ", ... %" PRIu32 " in all", count);
	}
	fputc(')', how->out);
}

static void print_format_mask(const struct describe *how, const struct vgt_value *value)
{
	const uint32_t *mask = value->bytes;
	const char *between = "";
	for (uint32_t format = 0; format < value->size * 8; format++) {
		if (mask[format / 32] >> (format % 32) & 1) {
			fprintf(how->out, "%s", between);
			if (vgt_format_get(format)) {
				fputs(vgt_format_name(format), how->out);
			} else {
				fprintf(how->out, "%" PRIu32, format);
			}
			between = " ";
		}
	}
	fputs(*between ? "" : "none", how->out);
}

static void print_value(const struct describe *how, const struct vgt_value *value)
{
	char number[64];
	const char *name = NULL;
	switch ((enum vgt_field_type)value->field->type) {
	case VGT_FIELD_INT:
		fprintf(how->out, "%" PRId64, describe_number_as_int(value));
		return;
	case VGT_FIELD_HEX:
		fprintf(how->out, "0x%" PRIx64, value->number);
		return;
	case VGT_FIELD_WORD:
		print_word(how->out, (uint32_t)value->number);
		return;
	case VGT_FIELD_FLOAT:
	case VGT_FIELD_DOUBLE:
		describe_float(number, sizeof(number), describe_number_as_float(value),
			value->field->bits == 32);
		fputs(number, how->out);
		return;
	case VGT_FIELD_FLAGS:
		print_flags(how->out, value);
		return;
	case VGT_FIELD_HANDLE:
		print_handle(how, value);
		return;
	case VGT_FIELD_STRING:
		print_string(how, value);
		return;
	case VGT_FIELD_WORDS:
		print_words(how, value);
		return;
	case VGT_FIELD_BYTES:
		print_bytes(how, value->bytes, value->size);
		return;
	case VGT_FIELD_FORMAT_MASK:
		print_format_mask(how, value);
		return;
	case VGT_FIELD_ENUM:
		name = vgt_name_of(value->field->names, (uint32_t)value->number);
		break;
	case VGT_FIELD_FORMAT:
		name = vgt_format_get((uint32_t)value->number)
			       ? vgt_format_name((uint32_t)value->number)
			       : NULL;
		break;
	default:
		break;
	}
	if (name) {
		fputs(name, how->out);
	} else {
		fprintf(how->out, "%" PRIu64, value->number);
	}
}

static bool is_skipped(const struct describe *how, const struct vgt_value *value)
{
	uint8_t type = value->field->type;
	return type == VGT_FIELD_PAD || type == VGT_FIELD_ZERO ||
	       (type == VGT_FIELD_BOOL && !value->number && !how->multiline) ||
	       (describe_is_header(value->part) &&
		       (value->number == 0 || strcmp(value->field->name, "type") == 0));
}

static bool is_zero_element(const struct vgt_layout *layout, const struct vgt_value *value)
{
	uint32_t dwords = vgt_part_dwords(value->part);
	for (uint32_t i = 0; i < dwords; i++) {
		if ((value->dword + i + 1) * sizeof(uint32_t) > layout->size ||
			layout->dwords[value->dword + i]) {
			return false;
		}
	}
	return true;
}

/* Whether the name says all: what is set, where what is not is left out. */
static bool is_bare(const struct describe *how, const struct vgt_field *field)
{
	return field->type == VGT_FIELD_BOOL && !how->multiline;
}

/* What stands before a value: its name, or a comma within a row. */
static void print_label(const struct describe *how, const struct vgt_value *value)
{
	const struct vgt_field *field = value->field;
	if (value->index || (describe_is_row(value->part) && value->element)) {
		fputs(", ", how->out);
		return;
	}
	fputs(how->multiline ? "\n  " : " ", how->out);
	if (how->multiline && describe_is_repeated(value->part) &&
		!describe_is_row(value->part)) {
		fprintf(how->out, "%s[%" PRIu32 "].", value->part->name, value->element);
	}
	fputs(field->name, how->out);
	if (!is_bare(how, field)) {
		fputc('=', how->out);
	}
}

static bool ends_row(const struct vgt_value *value, uint32_t elements)
{
	return describe_is_row(value->part)
		       ? value->element + 1 == elements
		       : value->field->count > 1 && value->index + 1 == value->field->count;
}

static void print_field(const struct describe *how, const struct vgt_layout *layout,
	const struct vgt_value *value)
{
	size_t part = (size_t)(value->part - layout->desc->parts);
	print_label(how, value);
	fputs(describe_begins_row(value) ? "(" : "", how->out);
	if (!is_bare(how, value->field)) {
		print_value(how, value);
	}
	fputs(ends_row(value, layout->part[part].count) ? ")" : "", how->out);
}

void describe_fields(const struct describe *how, const struct vgt_layout *layout)
{
	struct vgt_walk walk;
	struct vgt_value value;
	bool zero = false; /* the element says nothing */
	bool open = false; /* it has a brace */
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		if (!how->full && value.element >= DESCRIBE_ELEMENTS) {
			/* a later part may have something to say again */
			if (value.element == DESCRIBE_ELEMENTS &&
				describe_begins_element(&value)) {
				fputs(open ? " } ..." : " ...", how->out);
				open = false;
			}
			continue;
		}
		if (describe_begins_element(&value)) {
			const struct vgt_part *part = value.part;
			fputs(open ? " }" : "", how->out);
			bool braces = describe_is_repeated(part) && !describe_is_row(part);
			zero = braces && is_zero_element(layout, &value);
			open = !zero && braces && !how->multiline;
			if (open) {
				fprintf(how->out, " %s[%" PRIu32 "]={", part->name,
					value.element);
			}
		}
		if (!zero && !is_skipped(how, &value)) {
			print_field(how, layout, &value);
		}
	}
	fputs(open ? " }" : "", how->out);
}

void describe_raw(const struct describe *how, const uint32_t *dwords, size_t count)
{
	size_t shown = how->full || count < RAW_SHOWN ? count : RAW_SHOWN;
	for (size_t i = 0; i < shown; i++) {
		fprintf(how->out, " %08" PRIx32, dwords[i]);
	}
	fputs(shown < count ? " ..." : "", how->out);
}
