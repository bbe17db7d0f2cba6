/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "clock.h"
#include "interrupt.h"
#include "terminal.h"
#include "vgt_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FIRST_MS 500 /* what takes less needs no progress */
#define NEXT_MS  200

static struct {
	bool wanted, stands;
	uint64_t due_ms;
} line;

void progress_begin(bool wanted)
{
	progress_clear();
	line.wanted = wanted && vgt_terminal_can_rewrite();
	line.due_ms = line.wanted ? clock_ms() + FIRST_MS : 0;
}

bool progress_due(void)
{
	return line.wanted && clock_ms() >= line.due_ms;
}

/* A line that wraps could not be cleared. */
static size_t terminal_width(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col
									       : 80;
}

void progress_show(const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	const size_t room = terminal_width() - 1, length = strlen(text);
	progress_clear();
	fflush(stdout); /* what it has is older, and may be for the same terminal */
	interrupt_line(true);
	line.stands = true;
	vgt_text_print(stderr, text, length < room ? length : room);
	fflush(stderr);
	line.due_ms = clock_ms() + NEXT_MS;
}

void progress_reader(const char *shown, const struct vgt_reader *reader)
{
	char percent[16] = "";
	if (!progress_due()) {
		return;
	}
	const struct vgt_position at = vgt_reader_passed(reader);
	const uint64_t passed = vgt_reader_whole(reader).file_pos;
	const uint64_t size = vgt_reader_file_size(reader);
	if (size) {
		snprintf(percent, sizeof(percent), "%.0f %%, ",
			passed < size ? 100.0 * (double)passed / (double)size : 100);
	}
	progress_show("%s: %s%" PRIu64 " frames, %" PRIu64 " commands", shown, percent,
		at.frames, at.commands);
}

void progress_clear(void)
{
	if (line.stands) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
		line.stands = false;
		interrupt_line(false);
	}
}

void progress_end(void)
{
	progress_clear();
	line.wanted = false;
}
