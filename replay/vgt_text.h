/* SPDX-License-Identifier: MIT */
#ifndef VGT_TEXT_H
#define VGT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text for people and for JSON, of which some comes from outside. */

/*
 * A copy of text that is valid UTF-8, as JSON demands of names from outside: each byte that
 * belongs to no valid character becomes U+FFFD. Controls stay, vgt_json_write() escapes them.
 * The caller frees it; NULL without memory.
 */
char *vgt_text_utf8(const char *text);

/*
 * Prints text from outside so that it cannot steer a terminal, nor end the line: valid UTF-8
 * passes; a byte that belongs to none, and a control character, be it of C0, of C1 or of the
 * direction of writing, becomes a '?'. Returns the number of characters printed.
 */
size_t vgt_text_print(FILE *to, const char *text, size_t length);

/* The same of all of a text. */
void vgt_text_puts(FILE *to, const char *text);

/* The same as a word of a command line, which a shell takes apart to this very text: in quotes
 * where it needs them. What becomes a '?' is lost. */
void vgt_text_put_word(FILE *to, const char *text);

/* A name from outside as a message can have it: printable ASCII, a '?' for each other byte, and
 * "..." where it is cut. */
struct vgt_text_quoted {
	char text[48];
};
struct vgt_text_quoted vgt_text_quote(const char *name);

/* The line, from 1 on, in which text[at] stands. */
size_t vgt_text_line(const char *text, size_t at);

/* From `at` on, the first place without white space as JSON has it; `size` where all is. */
size_t vgt_text_skip_space(const char *text, size_t size, size_t at);

/* How much of a text that may be longer than `most` bytes is shown: not less than whole
 * characters of UTF-8. */
size_t vgt_text_cut(const char *text, size_t length, size_t most);

/* "512 bytes", "1.5 KB", "2.0 MB": a size for people; returns text. */
#define VGT_TEXT_SIZE 32
const char *vgt_text_size(char text[VGT_TEXT_SIZE], uint64_t bytes);

/*
 * A decimal number from min to max, without sign, space or suffix. False where text is
 * something else, *value is untouched then.
 */
bool vgt_text_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif
