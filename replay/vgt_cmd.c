/* SPDX-License-Identifier: MIT */
#include "vgt_cmd.h"

#include "progress.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct vgt_cmd *vgt_cmd_find(const struct vgt_cmd *table, const char *name)
{
	for (; table->name; table++) {
		if (strcmp(table->name, name) == 0) {
			return table;
		}
	}
	return NULL;
}

/* Longer words are no slip of the finger. */
#define GUESS_MAX 15

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters to insert, drop, replace or swap with the next; both at most GUESS_MAX long. */
static unsigned edit_distance(const char *a, const char *b)
{
	const size_t a_length = strlen(a);
	const size_t b_length = strlen(b);
	unsigned cost[GUESS_MAX + 1][GUESS_MAX + 1];

	for (size_t i = 0; i <= a_length; i++) {
		for (size_t j = 0; j <= b_length; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = (unsigned)(i + j);
				continue;
			}
			cost[i][j] = least(cost[i - 1][j], cost[i][j - 1]) + 1;
			cost[i][j] =
				least(cost[i][j], cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
			}
		}
	}
	return cost[a_length][b_length];
}

/* How far what was typed is from a word, NO_GUESS where nobody would have meant that. */
#define NO_GUESS 3 /* three slips are another word */

static unsigned guess_distance(const char *typed, const char *word)
{
	if (strlen(typed) > GUESS_MAX || strlen(word) > GUESS_MAX) {
		return NO_GUESS;
	}
	/* Half of a short word guessed is no guess. */
	const unsigned distance = edit_distance(typed, word);
	return 2 * distance < strlen(word) ? distance : NO_GUESS;
}

const struct vgt_cmd *vgt_cmd_guess(const struct vgt_cmd *table, const char *name)
{
	const struct vgt_cmd *guess = NULL;
	unsigned best = NO_GUESS;

	for (; table->name; table++) {
		const unsigned distance = guess_distance(name, table->name);
		if (distance < best) {
			best = distance;
			guess = table;
		}
	}
	return guess;
}

int vgt_cmd_unknown(const struct vgt_cmd *table, const char *name)
{
	const struct vgt_cmd *guess = vgt_cmd_guess(table, name);

	if (!guess) {
		return vgt_cmd_usage(NULL, "no such command '%s'", name);
	}
	fprintf(stderr, "vgt: no such command '%s', did you mean '%s'?\n", name, guess->name);
	return VGT_EXIT_TROUBLE;
}

int vgt_cmd_usage(const char *name, const char *format, ...)
{
	va_list args;

	fputs("vgt: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\ntry 'vgt help%s%s'\n", name ? " " : "", name ? name : "");
	return VGT_EXIT_TROUBLE;
}

int vgt_cmd_print_help(const char *help)
{
	fputs(help, stdout);
	return VGT_EXIT_OK;
}

/* The entry whose short form is `letter`, or NULL. */
static const struct option *find_option(const struct option *options, int letter)
{
	for (; options->name; options++) {
		if (options->val == letter) {
			return options;
		}
	}
	return NULL;
}

/* What begins with several options' names, or with none's; "--name" or "--name=value". */
static int bad_long_option(const char *name, const char *typed, const struct option *options)
{
	char word[GUESS_MAX + 2], several[256] = "";
	const size_t length = strcspn(typed + 2, "=");
	const char *guess = NULL;
	unsigned count = 0, best = NO_GUESS;

	snprintf(word, sizeof(word), "%.*s", (int)length, typed + 2);
	for (; options->name; options++) {
		const unsigned distance = guess_distance(word, options->name);
		if (strncmp(options->name, typed + 2, length) == 0) {
			const size_t used = strlen(several);
			snprintf(several + used, sizeof(several) - used, "%s--%s",
				count++ ? ", " : "", options->name);
		}
		if (distance < best) {
			best = distance;
			guess = options->name;
		}
	}
	if (count > 1) {
		return vgt_cmd_usage(name, "option '%s' is ambiguous: %s", typed, several);
	}
	if (guess) {
		return vgt_cmd_usage(
			name, "unknown option '%s', did you mean '--%s'?", typed, guess);
	}
	return vgt_cmd_usage(name, "unknown option '%s'", typed);
}

int vgt_cmd_bad_option(
	const char *name, char *const *argv, const struct option *options, int result)
{
	const struct option *known = optopt ? find_option(options, optopt) : NULL;

	if (known) {
		return vgt_cmd_usage(name, "option '--%s' %s", known->name,
			result == ':' ? "needs a value" : "takes no value");
	}
	if (optopt == 0) {
		return bad_long_option(name, argv[optind - 1], options);
	}
	return vgt_cmd_usage(name, "%s '-%c'",
		result == ':' ? "no value for option" : "unknown option", optopt);
}

bool vgt_cmd_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
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

bool vgt_cmd_number(const char *name, const char *option, const char *text, uint64_t min,
	uint64_t max, uint64_t *value)
{
	if (vgt_cmd_parse_number(text, min, max, value)) {
		return true;
	}
	if (max == UINT64_MAX) {
		vgt_cmd_usage(name, "%s must be a number from %" PRIu64 " on, not '%s'", option,
			min, text);
	} else {
		vgt_cmd_usage(name,
			"%s must be a number from %" PRIu64 " to %" PRIu64 ", not '%s'", option,
			min, max, text);
	}
	return false;
}

void vgt_cmd_error(const char *path, const struct vgt_err *err)
{
	progress_clear();
	fflush(stdout); /* keep the order where both streams end in one place */
	fprintf(stderr, "vgt: %s: %s", *path ? path : "''", err->message);
	if (err->offset != VGT_NO_OFFSET) {
		fprintf(stderr, " (byte %" PRIu64 ")", err->offset);
	}
	fputc('\n', stderr);
}

int vgt_cmd_bad_trace(const char *path, const struct vgt_err *err)
{
	vgt_cmd_error(path, err);
	switch (err->code) {
	case VGT_ERR_MALFORMED:
	case VGT_ERR_TRUNCATED:
	case VGT_ERR_VERSION:
	case VGT_ERR_LIMIT:
		return VGT_EXIT_DIFFERENT;
	default:
		return VGT_EXIT_TROUBLE;
	}
}

int vgt_cmd_trace_end(const char *path, const struct vgt_reader *reader, bool quiet)
{
	const enum vgt_reader_end end = vgt_reader_end(reader);
	if (end == VGT_END_TAIL || end == VGT_END_RECORDING) {
		return VGT_EXIT_OK;
	}
	if (!quiet) {
		progress_clear();
		fflush(stdout);
		fprintf(stderr,
			"vgt: %s: the end of the trace is missing (see `vgt help recover`)\n",
			path);
	}
	return VGT_EXIT_TRUNCATED;
}

bool vgt_cmd_make_directory(const char *path)
{
	struct stat status;
	if (mkdir(path, 0777) && errno != EEXIST) {
		fprintf(stderr, "vgt: %s: cannot make the directory: %s\n", path,
			strerror(errno));
	} else if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
		fprintf(stderr, "vgt: %s: is not a directory\n", path);
	} else if (access(path, W_OK | X_OK)) {
		fprintf(stderr, "vgt: %s: cannot write there: %s\n", path, strerror(errno));
	} else {
		return true;
	}
	return false;
}

/* Whether `path` names the file that `status` is of. Only a file can lose what it holds. */
static bool is_same_file(const char *path, const struct stat *status)
{
	struct stat other;
	return S_ISREG(status->st_mode) && stat(path, &other) == 0 &&
	       other.st_dev == status->st_dev && other.st_ino == status->st_ino;
}

bool vgt_cmd_may_write(const char *name, const char *path, const char *out)
{
	struct stat status;
	if (!*out) {
		vgt_cmd_usage(name, "OUT is empty");
	} else if (strcmp(out, "-") == 0) {
		vgt_cmd_usage(name, "a trace cannot be written to standard output");
	} else if ((strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &status)
					   : stat(path, &status)) == 0 &&
		   is_same_file(out, &status)) {
		vgt_cmd_usage(name, "OUT is FILE: '%s' would replace its own source", out);
	} else {
		return true;
	}
	return false;
}

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

char *vgt_cmd_utf8(const char *text)
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

size_t vgt_cmd_print_text(FILE *to, const char *text, size_t length)
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

size_t vgt_cmd_cut_text(const char *text, size_t length, size_t most)
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

const char *vgt_cmd_size(char text[VGT_CMD_SIZE], uint64_t bytes)
{
	if (bytes < 1000) {
		snprintf(text, VGT_CMD_SIZE, "%" PRIu64 " bytes", bytes);
	} else if (bytes < 1000000) {
		snprintf(text, VGT_CMD_SIZE, "%.1f KB", (double)bytes / 1e3);
	} else if (bytes < 1000000000) {
		snprintf(text, VGT_CMD_SIZE, "%.1f MB", (double)bytes / 1e6);
	} else {
		snprintf(text, VGT_CMD_SIZE, "%.1f GB", (double)bytes / 1e9);
	}
	return text;
}

const char *vgt_cmd_end_name(enum vgt_reader_end end)
{
	switch (end) {
	case VGT_END_TAIL:
		return "tail";
	case VGT_END_RING:
		return "ring";
	case VGT_END_RECORDING:
		return "recording";
	default:
		return "cut";
	}
}
