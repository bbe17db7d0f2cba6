/* SPDX-License-Identifier: MIT */
#include "vgt_desc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint32_t field_count(const struct vgt_field *field)
{
	return field->count ? field->count : 1;
}

uint32_t vgt_part_dwords(const struct vgt_part *part)
{
	uint32_t bits = 0;
	for (const struct vgt_field *field = part->fields; field->name; field++) {
		bits += field->bits * field_count(field);
	}
	return bits / 32;
}

const char *vgt_name_of(const struct vgt_name *names, uint32_t value)
{
	for (; names && names->name; names++) {
		if (names->value == value) {
			return names->name;
		}
	}
	return NULL;
}

const char *vgt_handle_kind_name(enum vgt_handle_kind kind)
{
	static const char *const names[] = {
		[VGT_HANDLE_BLEND] = "blend object",
		[VGT_HANDLE_RASTERIZER] = "rasterizer object",
		[VGT_HANDLE_DSA] = "DSA object",
		[VGT_HANDLE_SHADER] = "shader",
		[VGT_HANDLE_VERTEX_ELEMENTS] = "vertex elements object",
		[VGT_HANDLE_SAMPLER_VIEW] = "sampler view",
		[VGT_HANDLE_SAMPLER_STATE] = "sampler state",
		[VGT_HANDLE_SURFACE] = "surface",
		[VGT_HANDLE_QUERY] = "query",
		[VGT_HANDLE_STREAMOUT_TARGET] = "stream output target",
		[VGT_HANDLE_OBJECT] = "object",
		[VGT_HANDLE_RESOURCE] = "resource",
		[VGT_HANDLE_CONTEXT] = "context",
		[VGT_HANDLE_SUB_CONTEXT] = "sub-context",
		[VGT_HANDLE_SCANOUT] = "scanout",
		[VGT_HANDLE_BLOB] = "blob",
		[VGT_HANDLE_VIDEO_CODEC] = "video codec",
		[VGT_HANDLE_VIDEO_BUFFER] = "video buffer",
	};
	return names[kind];
}

/* Lengths */

uint32_t vgt_desc_only_length(const struct vgt_desc *desc)
{
	uint32_t dwords = 0;
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		if (part->kind != VGT_PART_TIMES) {
			return 0;
		}
		dwords += part->max * vgt_part_dwords(part);
	}
	return desc->growable ? 0 : dwords;
}

static void append(char *text, size_t size, const char *more)
{
	size_t length = strlen(text);
	snprintf(text + length, size - length, "%s", more);
}

/* Where a description has optional parts: the sums up to each of them. */
static void list_lengths(const struct vgt_desc *desc, uint32_t fixed, char *text, size_t size)
{
	char number[16];
	snprintf(text, size, "%" PRIu32, fixed);
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		if (part->kind == VGT_PART_OPTIONAL) {
			fixed += vgt_part_dwords(part);
			bool last = part[1].kind == 0;
			snprintf(number, sizeof(number), "%s%" PRIu32, last ? " or " : ", ",
				fixed);
			append(text, size, number);
		} else if (part->kind == VGT_PART_DATA) {
			append(text, size, " or more");
		}
	}
}

void vgt_desc_lengths(const struct vgt_desc *desc, char *text, size_t size)
{
	uint32_t fixed = 0;
	const struct vgt_part *part = desc->parts;
	for (; part->kind == VGT_PART_TIMES; part++) {
		fixed += part->max * vgt_part_dwords(part);
	}
	if (part->kind == 0 || part->kind == VGT_PART_OPTIONAL) {
		list_lengths(desc, fixed, text, size);
		return;
	}
	/* behind what goes on to the end stands only what takes its remainder */
	bool any = part->kind == VGT_PART_REST && part[1].kind;
	if (part->kind == VGT_PART_COUNTED || (part->kind == VGT_PART_REST && !any)) {
		snprintf(text, size, "%" PRIu32 " + %" PRIu32 " for each %s", fixed,
			vgt_part_dwords(part), part->name);
		return;
	}
	fixed += part->min * (any ? vgt_part_dwords(part) : 1);
	snprintf(text, size, "%" PRIu32 " or more", fixed > desc->least ? fixed : desc->least);
}

/* Measuring */

struct measure {
	struct vgt_layout *layout;
	uint64_t at;   /* bytes passed */
	uint64_t left; /* bytes behind them */
	struct vgt_err *err;
};

static bool wrong_length(const struct measure *measure)
{
	const struct vgt_desc *desc = measure->layout->desc;
	const size_t dwords = measure->layout->size / 4 - desc->first;
	char expected[64];
	if (!measure->err) {
		return false;
	}
	vgt_desc_lengths(desc, expected, sizeof(expected));
	return vgt_err_set(measure->err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
		"%s is %zu dword%s long, %s expected", desc->name, dwords,
		dwords == 1 ? "" : "s", expected);
}

static bool too_many(const struct measure *measure, const struct vgt_part *part, uint64_t count)
{
	return vgt_err_set(measure->err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
		"%s has %" PRIu64 " times %s, at %s %u are legal", measure->layout->desc->name,
		count, part->name, count < part->min ? "least" : "most",
		count < part->min ? part->min : part->max);
}

/* How often the part is there, `element` bytes each, or how many bytes it has; false: as often
 * is not legal. */
static bool count_part(const struct measure *measure, const struct vgt_part *part,
	uint32_t element, uint64_t *count)
{
	const uint32_t *dwords = measure->layout->dwords;
	switch ((enum vgt_part_kind)part->kind) {
	case VGT_PART_TIMES:
		*count = part->max;
		return true;
	case VGT_PART_IF:
		*count = dwords[part->count_at] != 0;
		return true;
	case VGT_PART_OPTIONAL:
		*count = measure->left >= 4;
		return true;
	case VGT_PART_COUNTED:
		*count = dwords[part->count_at];
		break;
	case VGT_PART_REST:
		assert(element > 0);
		*count = measure->left / element;
		break;
	case VGT_PART_DATA:
	case VGT_PART_DATA_COUNTED:
		*count = part->kind == VGT_PART_DATA ? measure->left : dwords[part->count_at];
		return measure->left >= part->min * UINT64_C(4) || wrong_length(measure);
	}
	return (*count >= part->min && (!part->max || *count <= part->max)) ||
	       too_many(measure, part, *count);
}

static bool measure_part(struct measure *measure, const struct vgt_part *part)
{
	struct vgt_layout *layout = measure->layout;
	const uint32_t element = 4 * vgt_part_dwords(part); /* 0 of data */
	uint64_t count = 0;
	if (!count_part(measure, part, element, &count)) {
		return false;
	}
	uint64_t size = element ? count * element : count;
	if (size > measure->left) {
		if (part->kind == VGT_PART_DATA_COUNTED) {
			return vgt_err_set(measure->err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
				"%s counts %" PRIu64 " bytes of %s, %" PRIu64 " are there",
				layout->desc->name, count, part->fields->name, measure->left);
		}
		if (!layout->desc->growable) {
			return wrong_length(measure);
		}
		size = measure->left;
	}
	size_t number = (size_t)(part - layout->desc->parts);
	layout->part[number].at = (uint32_t)(measure->at / 4);
	layout->part[number].count = (uint32_t)count;
	if (part->kind == VGT_PART_DATA_COUNTED) {
		/* filled up to a dword */
		uint64_t filled = (size + 3) & ~UINT64_C(3);
		size = filled < measure->left ? filled : measure->left;
	}
	measure->at += size;
	measure->left -= size;
	return true;
}

bool vgt_desc_measure(const struct vgt_desc *desc, const uint32_t *dwords, size_t size,
	struct vgt_layout *layout, struct vgt_err *err)
{
	layout->desc = desc;
	layout->dwords = dwords;
	layout->size = size;
	size_t first = desc->first * sizeof(uint32_t);
	if (size < first) {
		return vgt_err_set(
			err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "%s is cut short", desc->name);
	}
	struct measure measure = {layout, first, size - first, err};
	if (measure.left / 4 < desc->least) {
		return wrong_length(&measure);
	}
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		if (!measure_part(&measure, part)) {
			return false;
		}
	}
	return measure.left == 0 || desc->growable || wrong_length(&measure);
}

/* Walking */

void vgt_walk_begin(struct vgt_walk *walk, const struct vgt_layout *layout)
{
	*walk = (struct vgt_walk){
		.layout = layout,
		.part = layout->desc->parts,
		.field = layout->desc->parts->fields,
		.dword = layout->desc->first,
	};
}

static bool is_data(const struct vgt_part *part)
{
	return part->kind == VGT_PART_DATA || part->kind == VGT_PART_DATA_COUNTED;
}

static uint32_t part_elements(const struct vgt_walk *walk)
{
	size_t number = (size_t)(walk->part - walk->layout->desc->parts);
	uint32_t count = walk->layout->part[number].count;
	return is_data(walk->part) ? count != 0 : count;
}

/* Moves on to the next part that has an element; false where there is none. */
static bool enter_part(struct vgt_walk *walk)
{
	while (walk->part->kind && walk->element >= part_elements(walk)) {
		walk->part++;
		walk->element = 0;
	}
	if (!walk->part->kind) {
		walk->field = walk->part->fields; /* and stays there */
		return false;
	}
	if (walk->element == 0) {
		size_t number = (size_t)(walk->part - walk->layout->desc->parts);
		walk->dword = walk->layout->part[number].at;
	}
	walk->field = walk->part->fields;
	walk->index = 0;
	walk->bit = 0;
	return true;
}

static void step(struct vgt_walk *walk, uint32_t bits)
{
	walk->bit += bits;
	walk->dword += walk->bit / 32;
	walk->bit %= 32;
	if (++walk->index < field_count(walk->field)) {
		return;
	}
	walk->index = 0;
	walk->field++;
	if (!walk->field->name) {
		walk->element++;
	}
}

static bool is_sized(const struct vgt_field *field)
{
	return field->type == VGT_FIELD_STRING || field->type == VGT_FIELD_WORDS ||
	       field->type == VGT_FIELD_BYTES || field->type == VGT_FIELD_FORMAT_MASK;
}

bool vgt_walk_next(struct vgt_walk *walk, struct vgt_value *value)
{
	if ((walk->index == 0 && (walk->field == walk->part->fields || !walk->field->name)) &&
		!enter_part(walk)) {
		return false;
	}
	const struct vgt_layout *layout = walk->layout;
	const struct vgt_field *field = walk->field;
	const uint32_t *at = layout->dwords + walk->dword;
	value->part = walk->part;
	value->field = field;
	value->element = walk->element;
	value->index = walk->index;
	value->dword = walk->dword;
	value->bit = walk->bit;
	value->number = 0;
	value->bytes = NULL;
	value->size = 0;
	if (is_data(walk->part)) {
		size_t number = (size_t)(walk->part - layout->desc->parts);
		value->bytes = at;
		value->size = layout->part[number].count;
		walk->field++;
		walk->element++;
		return true;
	}
	/* whole dwords are read */
	size_t end = ((size_t)walk->dword + (walk->bit + field->bits + 31) / 32) * 4;
	if (end > layout->size) {
		return false; /* a growable one ends here */
	}
	if (is_sized(field)) {
		value->bytes = at;
		value->size = field->bits / 8;
	} else if (field->bits == 64) {
		value->number = at[0] | (uint64_t)at[1] << 32;
	} else {
		value->number = at[0] >> walk->bit;
		if (field->bits < 32) {
			value->number &= (1u << field->bits) - 1;
		}
	}
	step(walk, field->bits);
	return true;
}

void vgt_value_store(const struct vgt_value *value, uint32_t *dwords, uint64_t number)
{
	uint32_t *at = dwords + value->dword;
	const uint32_t bits = value->field->bits;
	if (value->bytes) {
		return;
	}
	if (bits == 64) {
		at[0] = (uint32_t)number;
		at[1] = (uint32_t)(number >> 32);
		return;
	}
	const uint32_t mask = (bits < 32 ? (1u << bits) - 1 : UINT32_MAX) << value->bit;
	*at = (*at & ~mask) | ((uint32_t)number << value->bit & mask);
}
