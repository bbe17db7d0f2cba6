/* SPDX-License-Identifier: MIT */
#include "vgt_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 character at text (RFC 3629, section 4), 0 where there is none. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
	const unsigned char lead = text[0];
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t length;

	if (lead < 0x80) {
		return 1;
	}
	if (lead >= 0xc2 && lead <= 0xdf) {
		length = 2;
	} else if (lead >= 0xe0 && lead <= 0xef) {
		length = 3;
		low = lead == 0xe0 ? 0xa0 : low;   /* overlong */
		high = lead == 0xed ? 0x9f : high; /* surrogates */
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		length = 4;
		low = lead == 0xf0 ? 0x90 : low;
		high = lead == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (size < length || text[1] < low || text[1] > high) {
		return 0;
	}
	for (size_t i = 2; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return length;
}

char *vgt_text_utf8(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const unsigned char *from = (const unsigned char *)text;
	const unsigned char *const end = from + strlen(text);
	char *const copy = malloc(3 * strlen(text) + 1);
	char *to = copy;

	if (!copy) {
		return NULL;
	}
	while (from < end) {
		const size_t length = utf8_length(from, (size_t)(end - from));
		if (length) {
			memcpy(to, from, length);
			from += length;
			to += length;
		} else {
			memcpy(to, replacement, 3);
			from++;
			to += 3;
		}
	}
	*to = '\0';
	return copy;
}

/*
 * Whether the UTF-8 character steers what shows it: controls C0, DEL and C1, of which terminals
 * make commands, U+2028 and U+2029, which end a line, and what turns the direction of writing.
 */
static bool is_control(const unsigned char *text, size_t length)
{
	if (length == 1) {
		return text[0] < 0x20 || text[0] == 0x7f;
	}
	if (length == 2) {
		return (text[0] == 0xc2 && text[1] < 0xa0) ||
		       (text[0] == 0xd8 && text[1] == 0x9c); /* U+061C */
	}
	if (length == 3 && text[0] == 0xe2 && text[1] == 0x80) {
		return text[2] == 0x8e || text[2] == 0x8f || /* U+200E, U+200F */
		       (text[2] >= 0xa8 && text[2] <= 0xae); /* U+2028 to U+202E */
	}
	return length == 3 && text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 &&
	       text[2] <= 0xa9; /* U+2066 to U+2069 */
}

size_t vgt_text_print(FILE *to, const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t characters = 0;

	for (size_t left = length; left; characters++) {
		const size_t span = utf8_length(at, left);
		const size_t step = span ? span : 1;
		if (span && !is_control(at, span)) {
			fwrite(at, 1, span, to);
		} else {
			fputc('?', to);
		}
		at += step;
		left -= step;
	}
	return characters;
}

void vgt_text_puts(FILE *to, const char *text)
{
	vgt_text_print(to, text, strlen(text));
}

void vgt_text_put_word(FILE *to, const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_@%+=:,./-";

	if (*text && strspn(text, safe) == strlen(text)) {
		fputs(text, to);
		return;
	}
	fputc('\'', to);
	for (const char *at = text; *at;) {
		const size_t length = strcspn(at, "'");
		vgt_text_print(to, at, length);
		at += length;
		if (*at) {
			fputs("'\\''", to);
			at++;
		}
	}
	fputc('\'', to);
}

struct vgt_text_quoted vgt_text_quote(const char *name)
{
	struct vgt_text_quoted quoted;
	const size_t room = sizeof(quoted.text) - 1, length = strnlen(name, room + 1);
	size_t size = length > room ? room - 3 : length;

	for (size_t i = 0; i < size; i++) {
		const char c = name[i];
		quoted.text[i] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
	}
	if (length > room) {
		memcpy(quoted.text + size, "...", 3);
		size += 3;
	}
	quoted.text[size] = '\0';
	return quoted;
}

size_t vgt_text_line(const char *text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++) {
		line += text[i] == '\n';
	}
	return line;
}

size_t vgt_text_skip_space(const char *text, size_t size, size_t at)
{
	while (at < size && text[at] && strchr(" \t\r\n", text[at])) {
		at++;
	}
	return at;
}

size_t vgt_text_cut(const char *text, size_t length, size_t most)
{
	if (length <= most) {
		return length;
	}
	/* no character is longer than 4 bytes */
	for (size_t back = 0; back < 4 && back < most; back++) {
		if (((unsigned char)text[most - back] & 0xc0) != 0x80) {
			return most - back;
		}
	}
	return most;
}

const char *vgt_text_size(char text[VGT_TEXT_SIZE], uint64_t bytes)
{
	if (bytes < 1000) {
		snprintf(text, VGT_TEXT_SIZE, "%" PRIu64 " bytes", bytes);
	} else if (bytes < 1000000) {
		snprintf(text, VGT_TEXT_SIZE, "%.1f KB", (double)bytes / 1e3);
	} else if (bytes < 1000000000) {
		snprintf(text, VGT_TEXT_SIZE, "%.1f MB", (double)bytes / 1e6);
	} else {
		snprintf(text, VGT_TEXT_SIZE, "%.1f GB", (double)bytes / 1e9);
	}
	return text;
}

bool vgt_text_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number = 0;

	if (!*text) {
		return false;
	}
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text)) {
			return false;
		}
		const uint64_t digit = (uint64_t)(*text - '0');
		if (number > (UINT64_MAX - digit) / 10) {
			return false;
		}
		number = number * 10 + digit;
	}
	if (number < min || number > max) {
		return false;
	}
	*value = number;
	return true;
}
