/* SPDX-License-Identifier: MIT */
#include "vgt_address.h"
#include "vgt_trace.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool good)
{
	if (!good) {
		abort();
	}
}

static void must_be_refused(const struct vgt_err *err)
{
	must(err->code == VGT_ERR_USAGE && err->offset == VGT_NO_OFFSET && err->message[0] &&
		memchr(err->message, '\0', sizeof(err->message)));
}

/* The end of an address within a submit, in each of the forms that it may have. */
static void print_virgl(const struct vgt_address_range *range, char *text, size_t size)
{
	const uint32_t first = range->virgl_first;
	const uint32_t last = range->virgl_last;
	if (first == last) {
		snprintf(text, size, ".%" PRIu32, first);
	} else if (last == VGT_ADDRESS_VIRGL_MAX) {
		snprintf(text, size, ".%" PRIu32 "-", first);
	} else if (first % 2) {
		snprintf(text, size, ".%" PRIu32 "-%" PRIu32, first, last);
	} else {
		snprintf(text, size, ".%" PRIu32 "-@%" PRIu64 ".%" PRIu32, first, range->first,
			last);
	}
}

/* The list as text again. */
static void print(const struct vgt_addresses *addresses, char *text, size_t size)
{
	size_t used = 0;
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vgt_address_range *range = &addresses->range[i];
		used += (size_t)snprintf(text + used, size - used, "%s%s%" PRIu64, i ? "," : "",
			range->commands ? "@" : "", range->first);
		if (range->virgl_first != VGT_NO_VIRGL_COMMAND) {
			print_virgl(range, text + used, size - used);
			used += strlen(text + used);
		} else if (range->last == VGT_ADDRESS_OPEN) {
			used += (size_t)snprintf(text + used, size - used, "-");
		} else if (range->last != range->first) {
			used += (size_t)snprintf(
				text + used, size - used, "-%" PRIu64, range->last);
		}
		must(used < size);
	}
}

static void check_round_trip(const struct vgt_addresses *addresses)
{
	static char text[VGT_ADDRESSES_MAX * 72];
	struct vgt_addresses again = {.count = 0};
	print(addresses, text, sizeof(text));
	must(vgt_addresses_add(&again, text, NULL) && again.count == addresses->count);
	for (size_t i = 0; i < again.count; i++) {
		must(again.range[i].commands == addresses->range[i].commands &&
			again.range[i].first == addresses->range[i].first &&
			again.range[i].last == addresses->range[i].last &&
			again.range[i].virgl_first == addresses->range[i].virgl_first &&
			again.range[i].virgl_last == addresses->range[i].virgl_last);
	}
}

/* Of a part that is alone in its list: those it names, and none beside them. */
static void check_virgl(const struct vgt_address_range *range)
{
	const struct vgt_addresses alone = {.range = {*range}, .count = 1};
	const uint32_t first = range->virgl_first;
	const uint32_t last = range->virgl_last;
	const uint64_t command = range->first;
	if (first == VGT_NO_VIRGL_COMMAND) {
		must(last == VGT_NO_VIRGL_COMMAND);
		return;
	}
	must(range->commands && range->last == command);
	must(first <= last && last <= VGT_ADDRESS_VIRGL_MAX);
	must(vgt_addresses_ask(&alone, 0, command) == VGT_ASKED_PART);
	must(vgt_addresses_contain(&alone, 0, command, first));
	must(vgt_addresses_contain(&alone, 0, command, first + (last - first) / 2));
	must(vgt_addresses_contain(&alone, 0, command, last));
	must(first == 0 || !vgt_addresses_contain(&alone, 0, command, first - 1));
	must(!vgt_addresses_contain(&alone, 0, command, last + 1));
}

/* Each part is contained, in its kind; nothing lies before the first or behind the last. */
static void check_questions(const struct vgt_addresses *addresses)
{
	uint64_t frame, command;
	vgt_addresses_first(addresses, &frame, &command);
	must(frame != VGT_ADDRESS_OPEN || command != VGT_ADDRESS_OPEN);
	for (size_t i = 0; i < addresses->count; i++) {
		const struct vgt_address_range *range = &addresses->range[i];
		must(range->first <= range->last &&
			range->first >= (range->commands ? command : frame));
		check_virgl(range);
		const uint64_t ends[] = {range->first, range->last};
		for (unsigned end = 0; end < 2; end++) {
			const uint64_t f = range->commands ? VGT_ADDRESS_OPEN : ends[end];
			const uint64_t c = range->commands ? ends[end] : VGT_ADDRESS_OPEN;
			must(vgt_addresses_ask(addresses, f, c) != VGT_ASKED_NOT);
			must(vgt_addresses_contain(addresses, f, c, range->virgl_first));
			must(vgt_addresses_contain(addresses, f, c, range->virgl_last));
			must(!vgt_addresses_passed(addresses, f, c));
		}
	}
	if (frame > 0 && command > 0) {
		must(vgt_addresses_ask(addresses, frame - 1, command - 1) == VGT_ASKED_NOT);
	}
}

/* Any text as a list of addresses: refused with a message, or of the documented form. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	memcpy(text, bytes, size);
	text[size] = '\0';
	struct vgt_addresses addresses = {.count = 0};
	struct vgt_ranges ranges;
	struct vgt_err err = {0};
	const bool good = vgt_addresses_add(&addresses, text, &err);
	if (!good) {
		must_be_refused(&err);
		must(addresses.count == 0);
	} else {
		must(addresses.count > 0 && addresses.count <= VGT_ADDRESSES_MAX &&
			text[strspn(text, "0123456789-,@.")] == '\0');
#ifdef FUZZ_CONTROL
		/* broken on purpose: tests/fuzz must find it */
		must(addresses.count != 3 || addresses.range[2].last != VGT_ADDRESS_OPEN);
#endif
		check_round_trip(&addresses);
		check_questions(&addresses);
	}
	/* frames alone are the same list without commands */
	if (vgt_ranges_parse(&ranges, text, &err)) {
		must(good && !strpbrk(text, "@."));
		must(ranges.frames.count == addresses.count);
		must(vgt_ranges_contain(&ranges, vgt_ranges_last(&ranges)));
	} else {
		must_be_refused(&err);
		must(!good || strchr(text, '@'));
	}
	free(text);
	return 0;
}
