/* SPDX-License-Identifier: MIT */
#include "vgt_cmd.h"

#include "progress.h"
#include "vgt_text.h"

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

bool vgt_cmd_number(const char *name, const char *option, const char *text, uint64_t min,
	uint64_t max, uint64_t *value)
{
	if (vgt_text_number(text, min, max, value)) {
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
	return vgt_err_is_of_trace(err->code) ? VGT_EXIT_DIFFERENT : VGT_EXIT_TROUBLE;
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
