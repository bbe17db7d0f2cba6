/* SPDX-License-Identifier: MIT */
#include "suite_commands.h"

#include "clock.h"
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 32768
#define TIME_MS  5000
#define WAIT_MS  100

/*
 * `vgt dump` itself, in a process of its own: so its text is the same, and whatever it meets in
 * the trace ends with it.
 */
__attribute__((noreturn)) static void exec_dump(
	const char *trace, const char *address, const char *filter, int out)
{
	const int nothing = open("/dev/null", O_RDWR);

	if (nothing >= 0 && prctl(PR_SET_PDEATHSIG, (long)SIGKILL) == 0 &&
		dup2(out, STDOUT_FILENO) >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
		dup2(nothing, STDERR_FILENO) >= 0) {
		execl("/proc/self/exe", "vgt", "dump", "--quiet", "--no-pager", "--", trace,
			address, filter, (char *)NULL);
	}
	_exit(127);
}

struct excerpt {
	char *text;
	size_t length, lines;
};

/* Takes what has come; false: that was all, or it is enough. */
static bool take(struct excerpt *excerpt, int from)
{
	char *const at = excerpt->text + excerpt->length;
	const ssize_t got = read(from, at, TEXT_MAX - excerpt->length);

	if (got <= 0) {
		return got < 0 && errno == EINTR;
	}
	excerpt->length += (size_t)got;
	for (const char *line = at; (line = memchr(line, '\n', (size_t)(at + got - line)));
		line++) {
		excerpt->lines++;
	}
	return excerpt->length < TEXT_MAX && excerpt->lines <= SUITE_COMMANDS_LINES;
}

static void read_excerpt(struct excerpt *excerpt, int from)
{
	const uint64_t until = clock_ms() + TIME_MS;
	struct pollfd ready = {.fd = from, .events = POLLIN};

	while (!interrupt_noted() && clock_ms() < until) {
		if (poll(&ready, 1, WAIT_MS) > 0 && !take(excerpt, from)) {
			return;
		}
	}
}

/* Whole lines, no more than are wanted; whether something was cut. */
static bool cut(struct excerpt *excerpt)
{
	size_t length = 0;

	for (size_t lines = 0; lines < SUITE_COMMANDS_LINES && length < excerpt->length;
		lines++) {
		const char *end =
			memchr(excerpt->text + length, '\n', excerpt->length - length);
		if (!end) {
			break;
		}
		length = (size_t)(end - excerpt->text) + 1;
	}
	const bool more = length < excerpt->length;
	excerpt->text[length] = '\0';
	excerpt->length = length;
	return more;
}

static char *finish_excerpt(
	struct excerpt *excerpt, const char *trace, const char *address, const char *filter)
{
	char *text = NULL;
	const bool more = cut(excerpt);

	if (excerpt->length &&
		asprintf(&text, "%s%s%s%s%s%s%s", excerpt->text,
			more ? "... and more: vgt dump " : "", more ? trace : "",
			more ? " " : "", more ? address : "", more && filter ? " " : "",
			more && filter ? filter : "") < 0) {
		text = NULL;
	}
	return text;
}

char *suite_commands(const char *trace, const char *address, const char *filter)
{
	struct excerpt excerpt = {.text = malloc(TEXT_MAX + 1)};
	int ends[2];
	char *text = NULL;

	if (!excerpt.text || pipe2(ends, O_CLOEXEC) != 0) {
		free(excerpt.text);
		return NULL;
	}
	const pid_t pid = fork();
	if (pid == 0) {
		exec_dump(trace, address, filter, ends[1]);
	}
	close(ends[1]);
	if (pid > 0) {
		read_excerpt(&excerpt, ends[0]);
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
		}
		text = finish_excerpt(&excerpt, trace, address, filter);
	}
	close(ends[0]);
	free(excerpt.text);
	return text;
}
