/* SPDX-License-Identifier: MIT */
#include "tolerance.h"
#include "vgt_text.h"

#include <string.h>

/* "12.5%" in millionths of the whole; the locale must not matter, and 0.07 not be rounded. */
static bool parse_percent(const char *text, uint32_t *millionth)
{
	uint64_t whole;
	uint64_t part = 0;
	char digits[16];
	const size_t length = strcspn(text, ".%");

	if (length >= sizeof(digits)) {
		return false;
	}
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (!vgt_text_number(digits, 0, 100, &whole)) {
		return false;
	}
	text += length;
	if (*text == '.') {
		const size_t places = strspn(text + 1, "0123456789");
		if (places == 0 || places > 4) {
			return false;
		}
		memcpy(digits, "0000", 5);
		memcpy(digits, text + 1, places);
		vgt_text_number(digits, 0, 9999, &part);
		text += 1 + places;
	}
	if (strcmp(text, "%") != 0 || whole * 10000 + part > 1000000) {
		return false;
	}
	*millionth = (uint32_t)(whole * 10000 + part);
	return true;
}

bool tolerance_parse_max_pixels(struct vgt_tolerance *tolerance, const char *text)
{
	uint64_t pixels = 0;
	uint32_t millionth = 0;

	if (!(strchr(text, '%') ? parse_percent(text, &millionth)
				: vgt_text_number(text, 0, INT64_MAX, &pixels))) {
		return false;
	}
	tolerance->max_pixels = pixels;
	tolerance->max_millionth = millionth;
	return true;
}
