/* SPDX-License-Identifier: MIT */
#include "vgt_address.h"

/* A decimal number at *text, which moves behind it. */
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
	if (at == *text) {
		return false;
	}
	*text = at;
	*value = number;
	return true;
}

bool vgt_ranges_parse(struct vgt_ranges *ranges, const char *text, struct vgt_err *err)
{
	const char *at = text;
	ranges->count = 0;
	do {
		if (ranges->count == VGT_RANGES_MAX) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"more than %d ranges of frames", VGT_RANGES_MAX);
		}
		uint64_t first = 0;
		bool good = parse_number(&at, &first);
		uint64_t last = first;
		if (good && *at == '-') {
			at++;
			if (*at == ',' || *at == '\0') {
				last = UINT64_MAX;
			} else {
				good = parse_number(&at, &last);
			}
		}
		if (!good || (*at != ',' && *at != '\0')) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"'%s' is not a range of frames like 12 or 10-20,30", text);
		}
		if (last < first) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"range of frames '%s' runs backwards", text);
		}
		ranges->range[ranges->count].first = first;
		ranges->range[ranges->count].last = last;
		ranges->count++;
	} while (*at++ == ',');
	return true;
}

bool vgt_ranges_contain(const struct vgt_ranges *ranges, uint64_t number)
{
	for (size_t i = 0; i < ranges->count; i++) {
		if (number >= ranges->range[i].first && number <= ranges->range[i].last) {
			return true;
		}
	}
	return false;
}

uint64_t vgt_ranges_last(const struct vgt_ranges *ranges)
{
	uint64_t last = 0;
	for (size_t i = 0; i < ranges->count; i++) {
		last = ranges->range[i].last > last ? ranges->range[i].last : last;
	}
	return last;
}
