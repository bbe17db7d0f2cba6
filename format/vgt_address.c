/* SPDX-License-Identifier: MIT */
#include "vgt_address.h"

#include "vgt_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(VGT_ADDRESS_VIRGL_MAX < VGT_NO_VIRGL_COMMAND, "none is no virgl command");

#define SHOWN_MAX 60 /* characters of wrong text in a message */

/* A decimal number at *text, which moves behind it. UINT64_MAX is no number but the end. */
static bool parse_number(const char **text, uint64_t *value)
{
	const char *at = *text;
	uint64_t number = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
			return false;
		}
	}
	if (at == *text || number == VGT_ADDRESS_OPEN) {
		return false;
	}
	*text = at;
	*value = number;
	return true;
}

static bool at_end(const char *text)
{
	return *text == ',' || *text == '\0';
}

static bool parse_virgl_command(const char **text, uint32_t *virgl_command)
{
	uint64_t number;
	if (!parse_number(text, &number) || number > VGT_ADDRESS_VIRGL_MAX) {
		return false;
	}
	*virgl_command = (uint32_t)number;
	return true;
}

enum parsed {
	PARSED,
	PARSED_NOTHING, /* not of the grammar */
	PARSED_ACROSS,  /* virgl commands of more than one submit */
	PARSED_BACKWARDS,
};

/* The end of a range of control commands or frames, behind its '-'. */
static enum parsed parse_last(struct vgt_address_range *range, const char *text)
{
	if (at_end(text)) {
		range->last = VGT_ADDRESS_OPEN;
		return PARSED;
	}
	text += range->commands && *text == '@';
	if (!parse_number(&text, &range->last) || !at_end(text)) {
		return PARSED_NOTHING;
	}
	return range->last < range->first ? PARSED_BACKWARDS : PARSED;
}

/* The end of a range of virgl commands, behind its '-'. */
static enum parsed parse_virgl_last(struct vgt_address_range *range, const char *text)
{
	uint64_t command = range->first;
	if (at_end(text)) {
		range->virgl_last = VGT_ADDRESS_VIRGL_MAX;
		return PARSED;
	}
	if (*text == '@') {
		text++;
		if (!parse_number(&text, &command) || *text++ != '.') {
			return PARSED_NOTHING;
		}
	}
	if (!parse_virgl_command(&text, &range->virgl_last) || !at_end(text)) {
		return PARSED_NOTHING;
	}
	if (command != range->first) {
		return PARSED_ACROSS;
	}
	return range->virgl_last < range->virgl_first ? PARSED_BACKWARDS : PARSED;
}

/* One part of a list, up to a comma or the end. */
static enum parsed parse_range(struct vgt_address_range *range, const char *text)
{
	*range = (struct vgt_address_range){.commands = *text == '@',
		.virgl_first = VGT_NO_VIRGL_COMMAND,
		.virgl_last = VGT_NO_VIRGL_COMMAND};
	text += range->commands;
	if (!parse_number(&text, &range->first)) {
		return PARSED_NOTHING;
	}
	range->last = range->first;
	const bool virgl = range->commands && *text == '.';
	if (virgl) {
		text++;
		if (!parse_virgl_command(&text, &range->virgl_first)) {
			return PARSED_NOTHING;
		}
		range->virgl_last = range->virgl_first;
	}
	if (*text == '-') {
		return virgl ? parse_virgl_last(range, text + 1) : parse_last(range, text + 1);
	}
	return at_end(text) ? PARSED : PARSED_NOTHING;
}

/* What is wrong with a part that is not PARSED. */
static const char *fault(enum parsed parsed, bool frames_only)
{
	switch (parsed) {
	case PARSED_ACROSS:
		return "is a range across submits, where one like @33.9-@33.12 lies within one";
	case PARSED_BACKWARDS:
		return "is a range that runs backwards";
	default:
		return frames_only ? "is not a range of frames like 12 or 10-20,30"
				   : "is not an address like 12, 10-20, @1042, @1042.17 or "
				     "@100-@200";
	}
}

/* `part` of the list, or all of it where the part is empty. */
static bool wrong(
	struct vgt_err *err, const char *list, const char *part, const char *what_is_wrong)
{
	const char *text = at_end(part) ? list : part;
	size_t length = at_end(part) ? strlen(list) : strcspn(part, ",");
	length = length < SHOWN_MAX ? length : SHOWN_MAX;
	return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "'%.*s' %s", (int)length, text,
		what_is_wrong);
}

/* Adds to the list; only frames where `frames_only`. */
static bool add(struct vgt_addresses *addresses, const char *text, bool frames_only,
	struct vgt_err *err)
{
	const size_t before = addresses->count;
	const char *part = text;
	const char *why = NULL;
	for (;;) {
		struct vgt_address_range range;
		if (addresses->count == VGT_ADDRESSES_MAX) {
			addresses->count = before;
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"more than %d ranges", VGT_ADDRESSES_MAX);
		}
		if (frames_only && *part == '@') {
			why = "is a command where a range of frames like 12 or 10-20,30 is "
			      "wanted";
			break;
		}
		const enum parsed parsed = parse_range(&range, part);
		if (parsed != PARSED) {
			why = fault(parsed, frames_only);
			break;
		}
		addresses->range[addresses->count++] = range;
		part += strcspn(part, ",");
		if (*part++ == '\0') {
			return true;
		}
	}
	addresses->count = before;
	return wrong(err, text, part, why);
}

bool vgt_addresses_add(struct vgt_addresses *addresses, const char *text, struct vgt_err *err)
{
	return add(addresses, text, false, err);
}

static bool in_range(const struct vgt_address_range *range, uint64_t frame, uint64_t command)
{
	const uint64_t number = range->commands ? command : frame;
	return number >= range->first && number <= range->last;
}

enum vgt_asked vgt_addresses_ask(
	const struct vgt_addresses *addresses, uint64_t frame, uint64_t command)
{
	enum vgt_asked asked = VGT_ASKED_NOT;
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vgt_address_range *range = &addresses->range[i];
		if (in_range(range, frame, command)) {
			if (range->virgl_first == VGT_NO_VIRGL_COMMAND) {
				return VGT_ASKED_ALL;
			}
			asked = VGT_ASKED_PART;
		}
	}
	return asked;
}

bool vgt_addresses_contain(const struct vgt_addresses *addresses, uint64_t frame,
	uint64_t command, uint32_t virgl_command)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vgt_address_range *range = &addresses->range[i];
		if (in_range(range, frame, command) &&
			(range->virgl_first == VGT_NO_VIRGL_COMMAND ||
				(virgl_command >= range->virgl_first &&
					virgl_command <= range->virgl_last))) {
			return true;
		}
	}
	return false;
}

void vgt_addresses_first(
	const struct vgt_addresses *addresses, uint64_t *frame, uint64_t *command)
{
	*frame = *command = VGT_ADDRESS_OPEN;
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vgt_address_range *range = &addresses->range[i];
		uint64_t *first = range->commands ? command : frame;
		*first = range->first < *first ? range->first : *first;
	}
}

bool vgt_addresses_passed(
	const struct vgt_addresses *addresses, uint64_t frame, uint64_t command)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vgt_address_range *range = &addresses->range[i];
		if ((range->commands ? command : frame) <= range->last) {
			return false;
		}
	}
	return true;
}

const char *vgt_address_text(
	char text[VGT_ADDRESS_TEXT_SIZE], uint64_t command, uint32_t virgl_command)
{
	if (virgl_command == VGT_NO_VIRGL_COMMAND) {
		snprintf(text, VGT_ADDRESS_TEXT_SIZE, "@%" PRIu64, command);
	} else {
		snprintf(text, VGT_ADDRESS_TEXT_SIZE, "@%" PRIu64 ".%" PRIu32, command,
			virgl_command);
	}
	return text;
}

bool vgt_ranges_parse(struct vgt_ranges *ranges, const char *text, struct vgt_err *err)
{
	ranges->frames.count = 0;
	return add(&ranges->frames, text, true, err);
}

bool vgt_ranges_contain(const struct vgt_ranges *ranges, uint64_t number)
{
	return vgt_addresses_ask(&ranges->frames, number, 0) != VGT_ASKED_NOT;
}

uint64_t vgt_ranges_last(const struct vgt_ranges *ranges)
{
	uint64_t last = 0;
	for (size_t i = 0; i < ranges->frames.count; i++) {
		const uint64_t end = ranges->frames.range[i].last;
		last = end > last ? end : last;
	}
	return last;
}
