/* SPDX-License-Identifier: MIT */
/*
 * The described protocols (virgl commands, capsets, the trace's records): the tables are sound,
 * whatever bytes come the walker stays inside them, and a few commands are what their
 * specification says, written by hand. That soundness is looked for is tested with broken
 * tables.
 */
#include "vgt_desc.h"
#include "vgt_record_desc.h"
#include "virgl_caps.h"
#include "virgl_cmd.h"
#include "virgl_desc.h"
#include "virtio_gpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every description that there is; NULL behind the last. */
static const struct vgt_desc *desc_at(size_t n)
{
	size_t commands = 0;
	uint16_t type;
	while (virgl_desc_at(commands)) {
		commands++;
	}
	if (n < commands) {
		return virgl_desc_at(n);
	}
	n -= commands;
	return n < 2 ? virgl_caps_desc(
			       n == 0 ? VIRTIO_GPU_CAPSET_VIRGL : VIRTIO_GPU_CAPSET_VIRGL2)
		     : vgt_record_desc_at(n - 2, &type);
}

static const struct vgt_desc *desc_named(const char *name)
{
	const struct vgt_desc *desc;
	for (size_t n = 0; (desc = desc_at(n)); n++) {
		if (strcmp(desc->name, name) == 0) {
			return desc;
		}
	}
	fail_msg("no description of %s", name);
	return NULL;
}

static uint32_t repeats(const struct vgt_field *field)
{
	return field->count ? field->count : 1;
}

static bool is_data(const struct vgt_part *part)
{
	return part->kind == VGT_PART_DATA || part->kind == VGT_PART_DATA_COUNTED;
}

static bool has_size(const struct vgt_field *field)
{
	return field->type == VGT_FIELD_STRING || field->type == VGT_FIELD_WORDS ||
	       field->type == VGT_FIELD_BYTES || field->type == VGT_FIELD_FORMAT_MASK;
}

static bool is_silent(const struct vgt_field *field)
{
	return field->type == VGT_FIELD_PAD || field->type == VGT_FIELD_ZERO;
}

/* Soundness: what is wrong with a table, or NULL. */

static const char *wrong_label(const char *name)
{
	if (!*name) {
		return "a name is empty";
	}
	bool lower = *name >= 'a' && *name <= 'z';
	return lower && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")]
		       ? NULL
		       : "a name is not lower snake_case";
}

static const char *wrong_names(const struct vgt_field *field)
{
	bool named = field->type == VGT_FIELD_ENUM || field->type == VGT_FIELD_FLAGS;
	if (named != (field->names != NULL)) {
		return named ? "an enumeration has no names" : "a number has names";
	}
	for (const struct vgt_name *name = field->names; name && name->name; name++) {
		if (!*name->name) {
			return "a value's name is empty";
		}
		if (field->bits < 32 && name->value >> field->bits) {
			return "a value is wider than its field";
		}
		if (field->type == VGT_FIELD_FLAGS &&
			(!name->value || (name->value & (name->value - 1)))) {
			return "a flag is not one bit";
		}
		for (const struct vgt_name *other = field->names; other < name; other++) {
			if (other->value == name->value) {
				return "two names have one value";
			}
			if (strcmp(other->name, name->name) == 0) {
				return "two values have one name";
			}
		}
	}
	return NULL;
}

static const char *wrong_handle(const struct vgt_field *field)
{
	if (field->type != VGT_FIELD_HANDLE) {
		return field->handle || field->use ? "a number is used as a handle" : NULL;
	}
	if (!field->handle) {
		return "a handle names nothing";
	}
	return field->use & ~VGT_USE_OR_NONE ? NULL : "a handle has no use";
}

static const char *wrong_width(const struct vgt_field *field, uint32_t bit)
{
	switch ((enum vgt_field_type)field->type) {
	case VGT_FIELD_STRING:
	case VGT_FIELD_WORDS:
	case VGT_FIELD_BYTES:
	case VGT_FIELD_FORMAT_MASK:
		return field->bits == 0 || field->bits % 32 ? "bytes are not whole dwords"
		       : bit                                ? "bytes begin within a dword"
							    : NULL;
	case VGT_FIELD_FLOAT:
	case VGT_FIELD_WORD:
		return field->bits != 32 ? "a float has not 32 bits" : NULL;
	case VGT_FIELD_DOUBLE:
		if (field->bits != 64) {
			return "a double has not 64 bits";
		}
		break;
	default:
		break;
	}
	if (field->bits == 0) {
		return "a field has no width";
	}
	if (field->bits == 64) {
		return bit ? "64 bits begin within a dword" : NULL;
	}
	return bit + field->bits > 32 ? "a field straddles a dword" : NULL;
}

static const char *wrong_field(const struct vgt_field *field)
{
	const char *wrong = wrong_label(field->name);
	wrong = wrong ? wrong : wrong_names(field);
	wrong = wrong ? wrong : wrong_handle(field);
	if (!wrong && field->below && field->type != VGT_FIELD_UINT &&
		field->type != VGT_FIELD_SLOT) {
		return "a bound is on no number";
	}
	return !wrong && field->better > VGT_BETTER_LESS ? "a limit is neither" : wrong;
}

static const char *wrong_fields(const struct vgt_part *part)
{
	uint32_t bit = 0;
	for (const struct vgt_field *field = part->fields; field->name; field++) {
		const char *wrong = wrong_field(field);
		for (uint32_t i = 0; !wrong && i < repeats(field); i++) {
			wrong = wrong_width(field, bit % 32);
			bit += field->bits;
		}
		for (const struct vgt_field *other = part->fields; !wrong && other < field;
			other++) {
			if (!is_silent(field) && strcmp(other->name, field->name) == 0) {
				wrong = "two fields have one name";
			}
		}
		if (wrong) {
			return wrong;
		}
	}
	if (bit == 0) {
		return "a part is empty";
	}
	return bit % 32 ? "a part is not whole dwords" : NULL;
}

static const char *wrong_data(const struct vgt_part *part)
{
	const struct vgt_field *field = part->fields;
	if (!field->name || field[1].name || field->count > 1) {
		return "data is not one field";
	}
	if (field->bits) {
		return "data has a width";
	}
	if (field->type != VGT_FIELD_PAD &&
		(!has_size(field) || field->type == VGT_FIELD_FORMAT_MASK)) {
		return "data is no bytes";
	}
	return wrong_field(field);
}

/* A count is a number of 32 bits that every command has, in a part before. */
static const char *wrong_count(const struct vgt_desc *desc, const struct vgt_part *counted)
{
	uint32_t at = desc->first;
	for (const struct vgt_part *part = desc->parts; part < counted; part++) {
		if (part->kind != VGT_PART_TIMES) {
			break;
		}
		uint32_t bit = 0;
		for (const struct vgt_field *field = part->fields; field->name; field++) {
			for (uint32_t i = 0; i < repeats(field); i++, bit += field->bits) {
				if (bit % 32 == 0 && at + bit / 32 == counted->count_at &&
					field->bits == 32 && field->type == VGT_FIELD_UINT) {
					return NULL;
				}
			}
		}
		at += part->max * vgt_part_dwords(part);
	}
	return "a count is none";
}

static const char *wrong_order(const struct vgt_desc *desc, const struct vgt_part *part)
{
	bool ignored = part[1].kind == VGT_PART_DATA && part[1].fields->type == VGT_FIELD_PAD;
	if ((part->kind == VGT_PART_DATA && part[1].kind) ||
		(part->kind == VGT_PART_REST && part[1].kind && !ignored)) {
		return "something follows what goes on to the end";
	}
	if (part->kind == VGT_PART_OPTIONAL && part[1].kind &&
		part[1].kind != VGT_PART_OPTIONAL && !ignored) {
		return "something follows an optional part";
	}
	if (desc->growable && part->kind != VGT_PART_TIMES) {
		return "what may end anywhere counts";
	}
	return NULL;
}

/* A slot is the first of those that the part behind it sets. */
static const char *wrong_slot(const struct vgt_part *part)
{
	for (const struct vgt_field *field = part->fields; field->name; field++) {
		if (field->type == VGT_FIELD_SLOT &&
			(part[1].kind != VGT_PART_REST || !part[1].max)) {
			return "a slot is of nothing";
		}
	}
	return NULL;
}

static const char *wrong_part(const struct vgt_desc *desc, const struct vgt_part *part)
{
	bool counts = part->kind == VGT_PART_IF || part->kind == VGT_PART_COUNTED ||
		      part->kind == VGT_PART_DATA_COUNTED;
	bool repeated = part->kind == VGT_PART_COUNTED || part->kind == VGT_PART_REST ||
			(part->kind == VGT_PART_TIMES && part->max > 1);
	if (part->kind > VGT_PART_DATA_COUNTED) {
		return "a part is of no kind";
	}
	if (repeated && (!part->name || !*part->name)) {
		return "what is repeated has no name";
	}
	if (part->name && wrong_label(part->name)) {
		return wrong_label(part->name);
	}
	if (!is_data(part) && part->max && part->min > part->max) {
		return "the least is more than the most";
	}
	if (part->kind == VGT_PART_TIMES && !part->max) {
		return "a part is there no times";
	}
	if (!counts && part->count_at) {
		return "a part counts what it does not";
	}
	const char *wrong = is_data(part) ? wrong_data(part) : wrong_fields(part);
	wrong = wrong ? wrong : wrong_order(desc, part);
	wrong = wrong ? wrong : wrong_slot(part);
	return !wrong && counts ? wrong_count(desc, part) : wrong;
}

static const char *wrong_desc(const struct vgt_desc *desc)
{
	const struct vgt_part *part = desc->parts;
	if (!desc->name || !*desc->name) {
		return "a description has no name";
	}
	for (; part->kind; part++) {
		const char *wrong = wrong_part(desc, part);
		if (wrong) {
			return wrong;
		}
	}
	if (part == desc->parts) {
		return "a description is empty";
	}
	if (desc->least && desc->parts->kind == VGT_PART_TIMES &&
		desc->least <= vgt_part_dwords(desc->parts)) {
		return "the least length says nothing";
	}
	return part - desc->parts > VGT_PARTS_MAX ? "too many parts" : NULL;
}

static void test_tables_are_sound(void **state)
{
	(void)state;
	const struct vgt_desc *desc;
	size_t n = 0;
	for (; (desc = desc_at(n)); n++) {
		const char *wrong = wrong_desc(desc);
		if (wrong) {
			fail_msg("%s: %s", desc->name, wrong);
		}
	}
	/* 63 operations, 12 objects, 4 of them bound, 2 capsets, and the records */
	assert_true(n > 63 + 12 + 4 + 2);
}

#define NUMBER(label, width) \
	{ \
		.name = (label), .type = VGT_FIELD_UINT, .bits = (width) \
	}
#define NAMED(how, width, ...) \
	{ \
		.name = "named", .type = VGT_FIELD_##how, .bits = (width), \
		.names = (const struct vgt_name[]) \
		{ \
			__VA_ARGS__, \
			{ \
				NULL, 0 \
			} \
		} \
	}
#define TYPED(how, width) \
	{ \
		.name = "typed", .type = VGT_FIELD_##how, .bits = (width) \
	}
#define A NUMBER("a", 32)
#define BROKEN(wrong, ...) \
	{ \
		.message = (wrong), .desc = { \
			.name = "BROKEN", \
			.parts = VGT_PARTS(__VA_ARGS__), \
			.first = 1 \
		} \
	}

/* Each fault once. */
static const struct {
	const char *message;
	struct vgt_desc desc;
} broken[] = {
	BROKEN(NULL, VGT_ONCE(A), VGT_COUNTED(1, 4, "thing", A), VGT_IGNORED),
	BROKEN("a part is not whole dwords", VGT_ONCE(NUMBER("a", 31))),
	BROKEN("a field straddles a dword",
		VGT_ONCE(NUMBER("a", 20), NUMBER("b", 20), NUMBER("c", 24))),
	BROKEN("64 bits begin within a dword",
		VGT_ONCE(NUMBER("a", 8), NUMBER("b", 64), NUMBER("c", 24))),
	BROKEN("a double has not 64 bits", VGT_ONCE(TYPED(DOUBLE, 32))),
	BROKEN("a float has not 32 bits", VGT_ONCE(TYPED(FLOAT, 16), NUMBER("b", 16))),
	BROKEN("a field has no width", VGT_ONCE(NUMBER("a", 0), NUMBER("b", 32))),
	BROKEN("bytes are not whole dwords", VGT_ONCE(TYPED(BYTES, 24), NUMBER("b", 8))),
	BROKEN("bytes are not whole dwords", VGT_ONCE(TYPED(STRING, 0), A)),
	BROKEN("bytes begin within a dword",
		VGT_ONCE(NUMBER("a", 8), TYPED(FORMAT_MASK, 512), NUMBER("b", 24))),
	BROKEN("two fields have one name", VGT_ONCE(A, A)),
	BROKEN("a name is empty", VGT_ONCE(NUMBER("", 32))),
	BROKEN("a name is not lower snake_case", VGT_ONCE(NUMBER("aB", 32))),
	BROKEN("two names have one value", VGT_ONCE(NAMED(ENUM, 32, {"A", 1}, {"B", 1}))),
	BROKEN("two values have one name", VGT_ONCE(NAMED(ENUM, 32, {"A", 1}, {"A", 2}))),
	BROKEN("a value is wider than its field",
		VGT_ONCE(NAMED(ENUM, 2, {"A", 3}, {"B", 4}), VGT_PADDING(30))),
	BROKEN("a flag is not one bit", VGT_ONCE(NAMED(FLAGS, 32, {"A", 3}))),
	BROKEN("an enumeration has no names", VGT_ONCE(TYPED(ENUM, 32))),
	BROKEN("a number has names", VGT_ONCE(NAMED(UINT, 32, {"A", 1}))),
	BROKEN("a handle names nothing", VGT_ONCE({.name = "a",
						 .type = VGT_FIELD_HANDLE,
						 .bits = 32,
						 .use = VGT_USE_READ})),
	BROKEN("a handle has no use", VGT_ONCE({.name = "a",
					      .type = VGT_FIELD_HANDLE,
					      .bits = 32,
					      .handle = VGT_HANDLE_BLEND,
					      .use = VGT_USE_OR_NONE})),
	BROKEN("a number is used as a handle",
		VGT_ONCE({.name = "a", .bits = 32, .use = VGT_USE_READ})),
	BROKEN("a part is empty", VGT_REST(0, 0, "thing", {.name = NULL})),
	BROKEN("what is repeated has no name", VGT_REST(0, 0, NULL, A)),
	BROKEN("a name is not lower snake_case", VGT_REST(0, 0, "the thing", A)),
	BROKEN("the least is more than the most", VGT_REST(3, 2, "thing", A)),
	BROKEN("a part is there no times", VGT_TIMES(0, "thing", A)),
	BROKEN("a count is none", VGT_ONCE(A), VGT_COUNTED(2, 4, "thing", A)),
	BROKEN("a count is none", VGT_ONCE(NUMBER("a", 16), NUMBER("b", 16)),
		VGT_COUNTED(1, 4, "thing", A)),
	BROKEN("a count is none", VGT_ONCE(A), VGT_IF(1, NUMBER("n", 32)),
		VGT_COUNTED(2, 4, "thing", A)),
	BROKEN("something follows what goes on to the end", VGT_REST(0, 0, "thing", A),
		VGT_ONCE(A)),
	BROKEN("something follows what goes on to the end", VGT_IGNORED, VGT_ONCE(A)),
	BROKEN("something follows what goes on to the end", VGT_REST(0, 0, "thing", A),
		VGT_DATA(0, TYPED(BYTES, 0))),
	BROKEN(NULL, VGT_REST(0, 0, "thing", A), VGT_IGNORED),
	BROKEN("a bound is on no number",
		VGT_ONCE({.name = "a", .type = VGT_FIELD_FLOAT, .bits = 32, .below = 2})),
	BROKEN("a slot is of nothing", VGT_ONCE(TYPED(SLOT, 32))),
	BROKEN("a slot is of nothing", VGT_ONCE(TYPED(SLOT, 32)), VGT_REST(0, 0, "thing", A)),
	BROKEN(NULL, VGT_ONCE(TYPED(SLOT, 32)), VGT_REST(0, 4, "thing", A)),
	BROKEN("something follows an optional part", VGT_OPTIONAL(A), VGT_ONCE(A)),
	BROKEN("data has a width", VGT_DATA(0, VGT_PADDING(32))),
	BROKEN("data is no bytes", VGT_DATA(0, NUMBER("a", 0))),
	BROKEN("too many parts", VGT_ONCE(A), VGT_ONCE(A), VGT_ONCE(A), VGT_ONCE(A),
		VGT_ONCE(A), VGT_ONCE(A)),
	BROKEN("a description is empty", {0}),
};

/* That it is this one which is found. */
static void test_broken_tables_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		const char *wrong = wrong_desc(&broken[i].desc);
		if (!broken[i].message) {
			assert_null(wrong);
		} else if (!wrong || strcmp(wrong, broken[i].message) != 0) {
			fail_msg("not found: %s (%s)", broken[i].message, wrong ? wrong : "-");
		}
	}
	assert_string_equal(wrong_desc(&(struct vgt_desc){.name = "BROKEN",
				    .parts = VGT_PARTS(VGT_ONCE(A), VGT_IGNORED),
				    .growable = true}),
		"what may end anywhere counts");
	assert_string_equal(
		wrong_desc(&(struct vgt_desc){
			.name = "BROKEN", .parts = VGT_PARTS(VGT_ONCE(A)), .least = 1}),
		"the least length says nothing");
}

/* Measuring and walking */

static uint32_t random_state = 1;

static uint32_t random_word(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8 | random_state << 24;
}

static size_t fixed_dwords(const struct vgt_desc *desc)
{
	size_t dwords = desc->first;
	for (const struct vgt_part *part = desc->parts; part->kind; part++) {
		dwords +=
			is_data(part) ? 1 : vgt_part_dwords(part) * (part->max ? part->max : 8);
	}
	return dwords;
}

/* Walks a measured layout: every byte comes once, in order, and lies inside. */
static void assert_covers(const struct vgt_layout *layout, size_t size)
{
	const struct vgt_desc *desc = layout->desc;
	const uint8_t *bytes = (const uint8_t *)layout->dwords;
	uint64_t bit = desc->first * UINT64_C(32);
	struct vgt_walk walk;
	struct vgt_value value;
	volatile uint8_t sum = 0;

	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		assert_int_equal(value.dword, bit / 32);
		assert_true(value.index < repeats(value.field));
		if (value.bytes) {
			assert_ptr_equal(value.bytes, bytes + value.dword * 4);
			assert_true(value.dword * UINT64_C(4) + value.size <= size);
			for (uint32_t i = 0; i < value.size; i++) {
				sum = (uint8_t)(sum + ((const uint8_t *)value.bytes)[i]);
			}
		}
		bit += is_data(value.part) ? (value.size + 3) / 4 * UINT64_C(32)
					   : value.field->bits;
	}
	/* the end stays the end */
	assert_false(vgt_walk_next(&walk, &value));
	uint64_t end = (bit + 31) / 32 * 4;
	if (!desc->growable) {
		assert_true(end >= size && end < size + 4);
		assert_true(size % 4 || bit == size * UINT64_C(8));
	} else {
		/* a capset may be longer than we know, or end within a mask */
		assert_true(end <= size);
		assert_true(size - end < 64 || bit == fixed_dwords(desc) * UINT64_C(32));
	}
}

/* True where the bytes are legal. The block is not a byte longer than they are. */
static bool try_bytes(const struct vgt_desc *desc, const uint32_t *dwords, size_t size)
{
	struct vgt_layout layout;
	struct vgt_err err;
	uint32_t *block = malloc(size ? size : 1);
	assert_non_null(block);
	memcpy(block, dwords, size);
	bool legal = vgt_desc_measure(desc, block, size, &layout, &err);
	if (legal) {
		assert_covers(&layout, size);
	} else {
		assert_int_equal(err.code, VGT_ERR_MALFORMED);
		assert_true(strncmp(err.message, desc->name, strlen(desc->name)) == 0);
		assert_null(strstr(err.message, "(null)"));
	}
	free(block);
	return legal;
}

static void test_any_bytes(void **state)
{
	enum { MOST = 2400, ROUNDS = 6 };
	static uint32_t dwords[MOST];
	const struct vgt_desc *desc;

	(void)state;
	for (size_t n = 0; (desc = desc_at(n)); n++) {
		size_t most = fixed_dwords(desc) + 40, legal = 0;
		most = most < MOST - 1 ? most : MOST - 1;
		for (size_t length = 0; length <= most; length++) {
			for (size_t round = 0; round < ROUNDS; round++) {
				for (size_t i = 0; i < length + 1; i++) {
					/* counts are small, or absurd */
					uint32_t word = random_word();
					dwords[i] = word % 2 ? random_word() : word / 2 % 8;
				}
				/* the records of a trace are counted in bytes */
				size_t odd = round == 0 ? random_word() % 4 : 0;
				legal += try_bytes(desc, dwords, length * 4 + odd);
			}
		}
		if (legal == 0) {
			fail_msg("%s is never legal", desc->name);
		}
	}
}

/* Lengths of zeros up to 100 dwords that are legal, as "1 3": nothing is counted but by length.
 */
static const char *legal_lengths(const struct vgt_desc *desc)
{
	static char text[1000];
	static const uint32_t zeros[128];
	size_t at = 0;
	text[0] = '\0';
	for (size_t length = 0; length <= 24; length++) {
		if (try_bytes(desc, zeros, (desc->first + length) * 4)) {
			at += (size_t)snprintf(
				text + at, sizeof(text) - at, "%s%zu", at ? " " : "", length);
		}
	}
	return text;
}

static void test_lengths(void **state)
{
	static const struct {
		const char *name, *text, *legal;
	} lengths[] = {
		{"DRAW_VBO", "12, 14 or 20", "12 14 20"},
		{"SET_INDEX_BUFFER", "1 or 3", "1 3"},
		{"BLIT", "21", "21"},
		{"CREATE_OBJECT BLEND", "11", "11"},
		{"CREATE_OBJECT SHADER", "5 or more",
			"5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"},
		{"CREATE_OBJECT VERTEX_ELEMENTS", "1 + 4 for each element", "1 5 9 13 17 21"},
		{"SET_VIEWPORT_STATE", "1 + 6 for each viewport", "1 7 13 19"},
		{"SET_VERTEX_BUFFERS", "0 + 3 for each vertex_buffer",
			"0 3 6 9 12 15 18 21 24"},
		{"CREATE_VIDEO_CODEC", "7, 8 or more",
			"7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"},
		{"SET_DEBUG_FLAGS", "2 or more",
			"2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"},
		{"PIPE_RESOURCE_SET_TYPE", "8 + 2 for each plane", "10 12 14 16"},
		{"SET_FRAMEBUFFER_STATE", "2 + 1 for each cbuf", "2"},
		/* what is left over is ignored */
		{"SET_SHADER_BUFFERS", "2 or more",
			"2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"},
		{"SET_SHADER_IMAGES", "2 or more",
			"2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"},
		{"SET_ATOMIC_BUFFERS", "2 or more",
			"2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		const struct vgt_desc *desc = desc_named(lengths[i].name);
		char text[64];
		vgt_desc_lengths(desc, text, sizeof(text));
		assert_string_equal(text, lengths[i].text);
		assert_string_equal(legal_lengths(desc), lengths[i].legal);
	}
}

/* Walks written by hand: "part[element].name[index]@dword=value", nothing where it is obvious.
 */

static size_t show_value(const struct vgt_value *value, char *text, size_t size)
{
	const struct vgt_part *part = value->part;
	size_t at = 0;
	if (part->name) {
		at += (size_t)snprintf(text, size, "%s[%u].", part->name, value->element);
	}
	at += (size_t)snprintf(text + at, size - at, "%s", value->field->name);
	if (value->field->count > 1) {
		at += (size_t)snprintf(text + at, size - at, "[%u]", value->index);
	}
	at += (size_t)snprintf(text + at, size - at, "@%u=", value->dword);
	if (value->field->type == VGT_FIELD_STRING) {
		at += (size_t)snprintf(text + at, size - at, "'%.*s'", (int)value->size,
			(const char *)value->bytes);
	} else if (value->bytes) {
		at += (size_t)snprintf(text + at, size - at, "%u bytes", value->size);
	} else {
		at += (size_t)snprintf(
			text + at, size - at, "%llu", (unsigned long long)value->number);
	}
	return at;
}

/* The walk of a command as text, or what was wrong with it. `length` is the header's. */
static const char *show(uint8_t op, uint8_t object, uint32_t length, const uint32_t *arguments)
{
	static char text[4000];
	struct vgt_err err;
	struct vgt_layout layout;
	struct vgt_walk walk;
	struct vgt_value value;
	size_t at = 0;
	uint32_t *dwords = malloc((length + 1) * sizeof(uint32_t));
	assert_non_null(dwords);
	dwords[0] = VIRGL_CMD0(op, object, length);
	memcpy(dwords + 1, arguments, length * sizeof(uint32_t));
	const struct virgl_command command = {
		.dwords = dwords, .length = length, .op = op, .object = object};
	const struct vgt_desc *desc = virgl_desc_of(&command);
	assert_non_null(desc);
	text[0] = '\0';
	if (!vgt_desc_measure(desc, dwords, (length + 1) * sizeof(uint32_t), &layout, &err)) {
		snprintf(text, sizeof(text), "%s", err.message);
	} else {
		vgt_walk_begin(&walk, &layout);
		while (vgt_walk_next(&walk, &value)) {
			at += at ? (size_t)snprintf(text + at, sizeof(text) - at, " ") : 0;
			at += show_value(&value, text + at, sizeof(text) - at);
		}
	}
	free(dwords);
	return text;
}

#define SHOW(op, ...) SHOW_OBJECT(op, 0, __VA_ARGS__)
#define SHOW_OBJECT(op, object, ...) \
	show(op, object, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
		(const uint32_t[]){__VA_ARGS__})

#define DRAW_12 \
	"start@1=0 count@2=36 mode@3=4 indexed@4=1 instance_count@5=2 " \
	"index_bias@6=4294967295 " \
	"start_instance@7=0 primitive_restart@8=1 restart_index@9=65535 min_index@10=0 " \
	"max_index@11=23 count_from_so@12=0"
#define DRAW_14 DRAW_12 " vertices_per_patch@13=3 drawid@14=0"

static void test_draw_vbo(void **state)
{
	(void)state;
	assert_string_equal(
		SHOW(VIRGL_CCMD_DRAW_VBO, 0, 36, 4, 1, 2, UINT32_MAX, 0, 1, 65535, 0, 23, 0),
		DRAW_12);
	assert_string_equal(SHOW(VIRGL_CCMD_DRAW_VBO, 0, 36, 4, 1, 2, UINT32_MAX, 0, 1, 65535,
				    0, 23, 0, 3, 0),
		DRAW_14);
	assert_string_equal(SHOW(VIRGL_CCMD_DRAW_VBO, 0, 36, 4, 1, 2, UINT32_MAX, 0, 1, 65535,
				    0, 23, 0, 3, 0, 7, 16, 20, 5, 4, 8),
		DRAW_14 " indirect@15=7 indirect_offset@16=16 indirect_stride@17=20 "
			"indirect_draw_count@18=5 indirect_draw_count_offset@19=4 "
			"indirect_draw_count_handle@20=8");
	assert_string_equal(
		SHOW(VIRGL_CCMD_DRAW_VBO, 0, 36, 4, 1, 2, UINT32_MAX, 0, 1, 65535, 0, 23, 0, 3),
		"DRAW_VBO is 13 dwords long, 12, 14 or 20 expected");
}

static void test_shaders(void **state)
{
	/* VERT in ASCII is 0x54524556 */
	(void)state;
	assert_string_equal(SHOW_OBJECT(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 9, 0, 4,
				    300, 0, 0x54524556),
		"handle@1=9 type@2=0 offset@3=4 continued@3=0 num_tokens@4=300 "
		"so_num_outputs@5=0 text@6='VERT'");
	/* the rest of a long one, two outputs of a stream before the text */
	assert_string_equal(
		SHOW_OBJECT(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 9, 0, 0x80000010,
			300, 2, 4, 8, 0, 0, 0x0001d001, 2, 0x00041002, 0, 0x54524556),
		"handle@1=9 type@2=0 offset@3=16 continued@3=1 num_tokens@4=300 "
		"so_num_outputs@5=2 "
		"so_stride[0]@6=4 so_stride[1]@7=8 so_stride[2]@8=0 so_stride[3]@9=0 "
		"so_output[0].register_index@10=1 so_output[0].start_component@10=0 "
		"so_output[0].num_components@10=4 so_output[0].output_buffer@10=6 "
		"so_output[0].dst_offset@10=1 so_output[0].stream@11=2 "
		"so_output[0].padding@11=0 "
		"so_output[1].register_index@12=2 so_output[1].start_component@12=0 "
		"so_output[1].num_components@12=4 so_output[1].output_buffer@12=0 "
		"so_output[1].dst_offset@12=4 so_output[1].stream@13=0 "
		"so_output[1].padding@13=0 text@14='VERT'");
	/* of a compute shader dword 5 is memory, not a count */
	assert_string_equal(SHOW_OBJECT(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 9, 5, 4,
				    300, 4096, 0x504d4f43),
		"handle@1=9 type@2=5 offset@3=4 continued@3=0 num_tokens@4=300 "
		"req_local_mem@5=4096 text@6='COMP'");
	assert_string_equal(SHOW_OBJECT(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 9, 0, 4,
				    300, 2, 4, 8, 0, 0, 1),
		"CREATE_OBJECT SHADER is 10 dwords long, 5 or more expected");
	assert_string_equal(SHOW_OBJECT(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 9, 0, 4,
				    300, 0x20000000, 4, 8, 0, 0, 1),
		"CREATE_OBJECT SHADER has 536870912 times so_output, at most 64 are legal");
}

static void test_state(void **state)
{
	(void)state;
	assert_string_equal(SHOW(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 3, 11, 12, 0, 14),
		"nr_cbufs@1=3 zsurf@2=11 cbuf[0].cbuf@3=12 "
		"cbuf[1].cbuf@4=0 cbuf[2].cbuf@5=14");
	assert_string_equal(SHOW(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 2, 11, 12),
		"SET_FRAMEBUFFER_STATE is 3 dwords long, 2 + 1 for each cbuf "
		"expected");
	assert_string_equal(
		SHOW(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 9, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		"SET_FRAMEBUFFER_STATE has 9 times cbuf, at most 8 are legal");
	assert_string_equal(SHOW(VIRGL_CCMD_SET_INDEX_BUFFER, 0), "res_handle@1=0");
	assert_string_equal(SHOW(VIRGL_CCMD_SET_INDEX_BUFFER, 4, 2, 128),
		"res_handle@1=4 index_size@2=2 offset@3=128");
	assert_string_equal(SHOW(VIRGL_CCMD_SET_INDEX_BUFFER, 4, 2),
		"SET_INDEX_BUFFER is 2 dwords long, 1 or 3 expected");
	assert_string_equal(SHOW(VIRGL_CCMD_CLEAR, 5, 1, 2, 3, 4, 0, 0x3ff00000, 255),
		"buffers@1=5 color[0]@2=1 color[1]@3=2 color[2]@4=3 color[3]@5=4 "
		"depth@6=4607182418800017408 stencil@8=255");
	assert_string_equal(SHOW(VIRGL_CCMD_SET_SCISSOR_STATE, 0, 0x00020001, 0x00040003),
		"start_slot@1=0 scissor[0].minx@2=1 scissor[0].miny@2=2 "
		"scissor[0].maxx@3=3 scissor[0].maxy@3=4");
}

static void test_string_marker(void **state)
{
	(void)state;
	assert_string_equal(SHOW(VIRGL_CCMD_SEND_STRING_MARKER, 5, 0x6d617266, 0x65),
		"length@1=5 text@2='frame'");
	/* behind the text more may come, which nobody reads */
	assert_string_equal(SHOW(VIRGL_CCMD_SEND_STRING_MARKER, 3, 0x6d617266, 7, 7),
		"length@1=3 text@2='fra' padding@3=8 bytes");
	assert_string_equal(SHOW(VIRGL_CCMD_SEND_STRING_MARKER, 9, 0x6d617266, 0x65),
		"SEND_STRING_MARKER counts 9 bytes of text, 8 are there");
	assert_string_equal(SHOW(VIRGL_CCMD_SEND_STRING_MARKER, UINT32_MAX, 0x6d617266),
		"SEND_STRING_MARKER counts 4294967295 bytes of text, 4 are there");
}

/* What virgl_cmd.h writes down is where the tables say. */
static void test_written_positions(void **state)
{
	static const struct {
		const char *desc, *field;
		uint32_t dword;
	} written[] = {
		{"CREATE_OBJECT BLEND", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT RASTERIZER", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT DSA", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT SHADER", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT SHADER", "type", VIRGL_OBJ_SHADER_TYPE},
		{"CREATE_OBJECT SHADER", "offset", VIRGL_OBJ_SHADER_OFFSET},
		{"CREATE_OBJECT SHADER", "so_num_outputs", VIRGL_OBJ_SHADER_SO_NUM_OUTPUTS},
		{"BIND_SHADER", "handle", VIRGL_BIND_SHADER_HANDLE},
		{"BIND_SHADER", "type", VIRGL_BIND_SHADER_TYPE},
		{"CREATE_OBJECT VERTEX_ELEMENTS", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT SAMPLER_VIEW", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT SAMPLER_STATE", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT SURFACE", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT QUERY", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT STREAMOUT_TARGET", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"CREATE_OBJECT MSAA_SURFACE", "handle", VIRGL_OBJ_CREATE_HANDLE},
		{"DESTROY_OBJECT", "handle", VIRGL_OBJ_DESTROY_HANDLE},
		{"CREATE_OBJECT SURFACE", "res_handle", VIRGL_OBJ_SURFACE_RES_HANDLE},
		{"CREATE_OBJECT MSAA_SURFACE", "res_handle", VIRGL_OBJ_SURFACE_RES_HANDLE},
		{"SET_FRAMEBUFFER_STATE", "nr_cbufs", VIRGL_SET_FRAMEBUFFER_STATE_NR_CBUFS},
		{"SET_FRAMEBUFFER_STATE", "cbuf", VIRGL_SET_FRAMEBUFFER_STATE_CBUF_HANDLE},
		{"SET_SUB_CTX", "sub_ctx", VIRGL_SUB_CTX_ID},
		{"CREATE_SUB_CTX", "sub_ctx", VIRGL_SUB_CTX_ID},
		{"DESTROY_SUB_CTX", "sub_ctx", VIRGL_SUB_CTX_ID},
		{"RESOURCE_INLINE_WRITE", "res_handle", VIRGL_RESOURCE_IW_RES_HANDLE},
		{"RESOURCE_INLINE_WRITE", "level", VIRGL_RESOURCE_IW_LEVEL},
		{"RESOURCE_INLINE_WRITE", "stride", VIRGL_RESOURCE_IW_STRIDE},
		{"RESOURCE_INLINE_WRITE", "layer_stride", VIRGL_RESOURCE_IW_LAYER_STRIDE},
		{"RESOURCE_INLINE_WRITE", "x", VIRGL_RESOURCE_IW_X},
		{"TRANSFER3D", "x", VIRGL_RESOURCE_IW_X},
		{"COPY_TRANSFER3D", "x", VIRGL_RESOURCE_IW_X},
		{"TRANSFER3D", "data_offset", VIRGL_TRANSFER3D_DATA_OFFSET},
		{"TRANSFER3D", "direction", VIRGL_TRANSFER3D_DIRECTION},
		{"COPY_TRANSFER3D", "src_res_handle", VIRGL_COPY_TRANSFER3D_SRC_RES_HANDLE},
		{"COPY_TRANSFER3D", "src_res_offset", VIRGL_COPY_TRANSFER3D_SRC_RES_OFFSET},
		{"COPY_TRANSFER3D", "flags", VIRGL_COPY_TRANSFER3D_FLAGS},
		{"PIPE_RESOURCE_SET_TYPE", "res_handle", VIRGL_PIPE_RES_SET_TYPE_RES_HANDLE},
		{"PIPE_RESOURCE_SET_TYPE", "format", VIRGL_PIPE_RES_SET_TYPE_FORMAT},
		{"PIPE_RESOURCE_SET_TYPE", "bind", VIRGL_PIPE_RES_SET_TYPE_BIND},
		{"PIPE_RESOURCE_SET_TYPE", "width", VIRGL_PIPE_RES_SET_TYPE_WIDTH},
		{"PIPE_RESOURCE_SET_TYPE", "height", VIRGL_PIPE_RES_SET_TYPE_HEIGHT},
		{"SEND_STRING_MARKER", "length", VIRGL_SEND_STRING_MARKER_STRING_SIZE},
		{"SEND_STRING_MARKER", "text", VIRGL_SEND_STRING_MARKER_OFFSET},
		{"CREATE_VIDEO_CODEC", "handle", VIRGL_VIDEO_OBJECT_HANDLE},
		{"DESTROY_VIDEO_CODEC", "handle", VIRGL_VIDEO_OBJECT_HANDLE},
		{"CREATE_VIDEO_BUFFER", "handle", VIRGL_VIDEO_OBJECT_HANDLE},
		{"DESTROY_VIDEO_BUFFER", "handle", VIRGL_VIDEO_OBJECT_HANDLE},
		{"DECODE_BITSTREAM", "descriptor", VIRGL_DECODE_BS_DSC_HANDLE},
		{"DECODE_BITSTREAM", "buffer", VIRGL_DECODE_BS_BUF_HANDLE},
		{"ENCODE_BITSTREAM", "descriptor", VIRGL_ENCODE_BS_DESC_HANDLE},
	};
	/* a count of one in dword 1 is right for those that have one */
	static const uint32_t dwords[40] = {0, 1};

	(void)state;
	for (size_t i = 0; i < COUNT(written); i++) {
		const struct vgt_desc *desc = desc_named(written[i].desc);
		struct vgt_layout layout;
		struct vgt_walk walk;
		struct vgt_value value;
		size_t length = 2;
		while (!vgt_desc_measure(desc, dwords, length * 4, &layout, NULL)) {
			assert_true(++length < COUNT(dwords));
		}
		vgt_walk_begin(&walk, &layout);
		do {
			if (!vgt_walk_next(&walk, &value)) {
				fail_msg("%s has no %s", desc->name, written[i].field);
			}
		} while (strcmp(value.field->name, written[i].field) != 0);
		if (value.dword != written[i].dword) {
			fail_msg("%s: %s at %u, %u expected", desc->name, written[i].field,
				value.dword, written[i].dword);
		}
	}
}

static void test_written_sizes(void **state)
{
	static const uint32_t zeros[40];
	const struct vgt_desc *desc = desc_named("BLIT");
	const size_t size = (VIRGL_CMD_BLIT_SIZE + 1) * 4;

	(void)state;
	assert_true(try_bytes(desc, zeros, size));
	assert_false(try_bytes(desc, zeros, size - 4));
	assert_false(try_bytes(desc, zeros, size + 4));
}

/* Where there is one legal length, no other is. */
static void test_only_lengths(void **state)
{
	static const uint32_t zeros[512];
	const struct vgt_desc *desc;
	size_t found = 0;

	(void)state;
	for (size_t n = 0; (desc = desc_at(n)); n++) {
		const size_t only = vgt_desc_only_length(desc);
		if (only) {
			const size_t size = (desc->first + only) * 4;
			found++;
			assert_true(size < sizeof(zeros));
			assert_true(try_bytes(desc, zeros, size));
			assert_false(try_bytes(desc, zeros, size - 4));
			assert_false(try_bytes(desc, zeros, size + 4));
		}
	}
	assert_true(found > 30);
	assert_int_equal(vgt_desc_only_length(desc_named("BLIT")), VIRGL_CMD_BLIT_SIZE);
	assert_int_equal(vgt_desc_only_length(desc_named("BIND_SHADER")), 2);
	assert_int_equal(vgt_desc_only_length(desc_named("DRAW_VBO")), 0);
	assert_int_equal(vgt_desc_only_length(desc_named("TRANSFER3D")), 0);
	assert_int_equal(vgt_desc_only_length(desc_named("SET_FRAMEBUFFER_STATE")), 0);
	assert_int_equal(vgt_desc_only_length(virgl_caps_desc(2)), 0);
}

/* What describes a command is there where it is malformed, and nothing where it is unknown. */
static void test_measure_command(void **state)
{
	static const uint32_t dwords[] = {VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 2), 1, 0,
		VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 1), 1,
		VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_SHADER, 1), 1};
	struct virgl_command command;
	struct vgt_layout layout;
	struct vgt_err err;
	size_t at = 0;

	(void)state;
	assert_true(virgl_command_next(dwords, COUNT(dwords), &at, &command));
	assert_true(virgl_desc_measure(&command, &layout, &err));
	assert_ptr_equal(layout.desc, desc_named("BIND_SHADER"));
	assert_ptr_equal(layout.dwords, dwords);
	assert_int_equal(layout.size, 12);
	assert_true(virgl_command_next(dwords, COUNT(dwords), &at, &command));
	assert_false(virgl_desc_measure(&command, &layout, &err));
	assert_ptr_equal(layout.desc, desc_named("BIND_SHADER"));
	assert_string_equal(err.message, "BIND_SHADER is 1 dword long, 2 expected");
	assert_true(virgl_command_next(dwords, COUNT(dwords), &at, &command));
	assert_false(virgl_desc_measure(&command, &layout, &err));
	assert_null(layout.desc);
	assert_string_equal(err.message, "unknown operation");
	assert_false(virgl_desc_measure(&command, &layout, NULL));
}

/* Names and numbers go both ways. */
static void test_operations(void **state)
{
	(void)state;
	assert_string_equal(virgl_ccmd_name(VIRGL_CCMD_CREATE_OBJECT), "CREATE_OBJECT");
	assert_string_equal(virgl_ccmd_name(VIRGL_CCMD_BIND_OBJECT), "BIND_OBJECT");
	assert_string_equal(virgl_ccmd_name(VIRGL_CCMD_GET_PIPE_RESOURCE_LAYOUT),
		"GET_PIPE_RESOURCE_LAYOUT");
	for (uint32_t op = 0; op < 256; op++) {
		const struct virgl_command command = {
			.dwords = &op, .op = (uint8_t)op, .object = VIRGL_OBJECT_BLEND};
		bool known = op <= VIRGL_CCMD_GET_PIPE_RESOURCE_LAYOUT;
		assert_int_equal(virgl_ccmd_name((uint8_t)op) != NULL, known);
		assert_int_equal(virgl_desc_of(&command) != NULL, known);
	}
	assert_null(virgl_object_name(VIRGL_OBJECT_NULL));
	assert_string_equal(virgl_object_name(VIRGL_OBJECT_MSAA_SURFACE), "MSAA_SURFACE");
	assert_null(virgl_object_name(VIRGL_OBJECT_MSAA_SURFACE + 1));
}

/* Capsets */

/* Dwords of struct virgl_caps_v1 and of struct virgl_caps_v2 as of virglrenderer 1.1. */
#define CAPS_V1 77
#define CAPS_V2 352

static void test_capset_sizes(void **state)
{
	static const uint32_t zeros[CAPS_V2 + 1];
	const struct vgt_desc *v1 = virgl_caps_desc(VIRTIO_GPU_CAPSET_VIRGL);
	const struct vgt_desc *v2 = virgl_caps_desc(VIRTIO_GPU_CAPSET_VIRGL2);

	(void)state;
	assert_null(virgl_caps_desc(0));
	assert_null(virgl_caps_desc(3));
	assert_true(try_bytes(v1, zeros, CAPS_V1 * 4));
	assert_false(try_bytes(v1, zeros, CAPS_V1 * 4 - 4));
	assert_false(try_bytes(v1, zeros, CAPS_V1 * 4 + 4));
	for (size_t dwords = 0; dwords <= CAPS_V2 + 1; dwords++) {
		assert_true(try_bytes(v2, zeros, dwords * 4));
	}
	assert_int_equal(fixed_dwords(v2), CAPS_V2);
}

/* What virgl_caps_compare found, as text. */
struct found {
	char text[1000];
	size_t at;
};

static void note(const struct virgl_caps_difference *difference, void *context)
{
	static const char *const verdicts[] = {"other", "better", "worse"};
	struct found *found = context;
	const struct vgt_value *value =
		difference->first ? difference->first : difference->second;
	size_t size = sizeof(found->text);
	found->at += (size_t)snprintf(found->text + found->at, size - found->at, "%s%s %s",
		found->at ? ", " : "", value->field->name, verdicts[difference->verdict]);
	for (uint32_t bit = 0; bit < 600; bit++) {
		if (virgl_caps_lacks(difference, bit)) {
			found->at += (size_t)snprintf(
				found->text + found->at, size - found->at, " -%u", bit);
		}
	}
	assert_true(found->at < size);
}

/* Two capsets of which each was set by itself: `size` in bytes. */
static const char *compare(const uint32_t *first, size_t first_size, const uint32_t *second,
	size_t second_size, uint32_t id)
{
	static struct found found;
	struct vgt_layout a, b;
	found.at = 0;
	found.text[0] = '\0';
	assert_true(vgt_desc_measure(virgl_caps_desc(id), first, first_size, &a, NULL));
	assert_true(vgt_desc_measure(virgl_caps_desc(id), second, second_size, &b, NULL));
	virgl_caps_compare(&a, &b, note, &found);
	return found.text;
}

/* Dword at which a field begins, and its lowest bit. */
static uint32_t caps_at(const char *name, uint32_t *bit)
{
	static const uint32_t zeros[CAPS_V2];
	struct vgt_layout layout;
	struct vgt_walk walk;
	struct vgt_value value;
	uint32_t bits = 0;
	assert_true(vgt_desc_measure(virgl_caps_desc(VIRTIO_GPU_CAPSET_VIRGL2), zeros,
		sizeof(zeros), &layout, NULL));
	vgt_walk_begin(&walk, &layout);
	while (vgt_walk_next(&walk, &value)) {
		if (strcmp(value.field->name, name) == 0) {
			*bit = bits % 32;
			return value.dword;
		}
		bits += value.field->bits;
	}
	fail_msg("capsets have no %s", name);
	return 0;
}

static uint32_t float_bits(float number)
{
	uint32_t bits;
	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static void test_compare_limits(void **state)
{
	static const struct {
		const char *field;
		uint32_t first, second;
		const char *found;
	} limits[] = {
		{"max_samples", 8, 4, "max_samples worse"},
		{"max_samples", 4, 8, "max_samples better"},
		{"max_samples", 0x80000000, 1, "max_samples worse"},
		{"glsl_level", 430, 330, "glsl_level worse"},
		{"uniform_buffer_offset_alignment", 16, 256,
			"uniform_buffer_offset_alignment worse"},
		{"uniform_buffer_offset_alignment", 256, 16,
			"uniform_buffer_offset_alignment better"},
		{"min_texel_offset", (uint32_t)-8, (uint32_t)-7, "min_texel_offset worse"},
		{"min_texel_offset", (uint32_t)-8, (uint32_t)-16, "min_texel_offset better"},
		{"min_texel_offset", (uint32_t)-8, 1, "min_texel_offset worse"},
		{"max_texel_offset", 7, (uint32_t)-1, "max_texel_offset worse"},
		{"max_version", 2, 1, "max_version worse"},
		{"host_feature_check_version", 19, 10, "host_feature_check_version worse"},
		{"max_video_memory", 100, 50, "max_video_memory other"},
		{"renderer", 'A', 'B', "renderer other"},
		{"num_video_caps", 4, 0, "num_video_caps worse"},
		{"profile", 4, 5, "profile other"},
		{"prim_mask", 0xff, 0x7f, "prim_mask worse -7"},
		{"prim_mask", 0x7f, 0xff, "prim_mask better"},
		{"prim_mask", 0x7f, 0xfe, "prim_mask worse -0"},
		{"capability_bits", 1u << 31 | 1u << 7, 1u << 7, "capability_bits worse -31"},
		/* a GLES host, another GPU: no features */
		{"capability_bits", 1u << 19, 0, "capability_bits other"},
		{"capability_bits", 0, 1u << 29, "capability_bits other"},
		{"capability_bits", 1u << 19 | 2, 0, "capability_bits worse -1"},
		{"capability_bits_v2", 1u << 8 | 1u << 5, 0, "capability_bits_v2 other"},
		/* a bit that nobody has named yet */
		{"capability_bits_v2", 1u << 30, 0, "capability_bits_v2 worse -30"},
		{"sampler", 6, 3, "sampler worse -2"},
		{"has_fp64", 1, 0, "has_fp64 worse -0"},
		{"has_fp64", 0, 1, "has_fp64 better"},
		{"max_shader_storage_blocks", 16, 8, "max_shader_storage_blocks worse"},
	};
	static const struct {
		const char *field;
		float first, second;
		const char *found;
	} floats[] = {
		{"max_aliased_line_width", 8.0F, 7.5F, "max_aliased_line_width worse"},
		{"max_aliased_line_width", 7.5F, 255.0F, "max_aliased_line_width better"},
		{"min_smooth_point_size", 1.0F, 0.125F, "min_smooth_point_size better"},
		{"min_smooth_point_size", 0.125F, 1.0F, "min_smooth_point_size worse"},
		{"max_anisotropy", 16.0F, 0.0F, "max_anisotropy worse"},
	};
	uint32_t a[CAPS_V2] = {0}, b[CAPS_V2] = {0}, bit = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		uint32_t at = caps_at(limits[i].field, &bit);
		a[at] = limits[i].first << bit;
		b[at] = limits[i].second << bit;
		assert_string_equal(
			compare(a, sizeof(a), b, sizeof(b), VIRTIO_GPU_CAPSET_VIRGL2),
			limits[i].found);
		a[at] = b[at] = 0;
	}
	for (size_t i = 0; i < COUNT(floats); i++) {
		uint32_t at = caps_at(floats[i].field, &bit);
		a[at] = float_bits(floats[i].first);
		b[at] = float_bits(floats[i].second);
		assert_string_equal(
			compare(a, sizeof(a), b, sizeof(b), VIRTIO_GPU_CAPSET_VIRGL2),
			floats[i].found);
		a[at] = b[at] = 0;
	}
	/* not a number is neither more nor less */
	a[caps_at("max_anisotropy", &bit)] = 0x7fc00000;
	assert_string_equal(compare(a, sizeof(a), b, sizeof(b), VIRTIO_GPU_CAPSET_VIRGL2),
		"max_anisotropy other");
}

static void test_compare_capsets(void **state)
{
	uint32_t a[CAPS_V2] = {0}, b[CAPS_V2] = {0}, bit = 0;

	(void)state;
	/* the same is the same, whatever is behind the end of a string or nobody's */
	a[caps_at("renderer", &bit)] = b[caps_at("renderer", &bit)] = 'x';
	b[caps_at("renderer", &bit) + 1] = 'y';
	b[caps_at("max_temporal_layers", &bit)] = 0xfffff000;
	assert_string_equal(compare(a, sizeof(a), b, sizeof(b), VIRTIO_GPU_CAPSET_VIRGL2), "");

	/* several, in their order; a format of a high number */
	a[caps_at("render", &bit) + 10] = 1; /* format 320 */
	a[caps_at("ubo", &bit)] = 1u << 18;
	b[caps_at("max_viewports", &bit)] = 16;
	const char *v1 = "render worse -320, ubo worse -0, max_viewports better";
	assert_string_equal(compare(a, sizeof(a), b, sizeof(b), VIRTIO_GPU_CAPSET_VIRGL2), v1);
	assert_string_equal(
		compare(a, CAPS_V1 * 4, b, CAPS_V1 * 4, VIRTIO_GPU_CAPSET_VIRGL), v1);

	/* a host so old that its capset ends earlier: what it leaves out it cannot */
	memcpy(a, b, sizeof(a));
	a[caps_at("scanout", &bit)] = 4;
	a[caps_at("max_anisotropy", &bit)] = float_bits(16.0F);
	a[caps_at("capability_bits_v2", &bit)] = 1;
	uint32_t before = caps_at("supported_readback_formats", &bit) * 4;
	assert_string_equal(compare(a, sizeof(a), b, before, VIRTIO_GPU_CAPSET_VIRGL2),
		"scanout worse -2, capability_bits_v2 worse -0, renderer other, "
		"max_anisotropy worse");
	/* the other way round it is news */
	assert_string_equal(compare(b, before, a, sizeof(a), VIRTIO_GPU_CAPSET_VIRGL2),
		"scanout better, capability_bits_v2 better, renderer other, "
		"max_anisotropy better");
	/* a minimum that is not there is not the best */
	a[caps_at("uniform_buffer_offset_alignment", &bit)] = 16;
	assert_string_equal(compare(a, sizeof(a), a, CAPS_V1 * 4, VIRTIO_GPU_CAPSET_VIRGL2),
		"uniform_buffer_offset_alignment other, scanout worse -2, "
		"capability_bits_v2 worse -0, renderer other, max_anisotropy worse");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_broken_tables_are_found),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_draw_vbo),
		cmocka_unit_test(test_shaders),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_string_marker),
		cmocka_unit_test(test_written_positions),
		cmocka_unit_test(test_written_sizes),
		cmocka_unit_test(test_only_lengths),
		cmocka_unit_test(test_measure_command),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_capset_sizes),
		cmocka_unit_test(test_compare_limits),
		cmocka_unit_test(test_compare_capsets),
	};

	return cmocka_run_group_tests_name("desc", tests, NULL, NULL);
}
