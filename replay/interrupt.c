/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int deadly[] = {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};

/* For the handler, which may run at any point of the program. */
static char unfinished[PATH_MAX]; /* the last byte stays 0 */
static atomic_bool has_unfinished;
static const char *volatile message;
static volatile sig_atomic_t line_stands, only_note, noted;

static void write_text(const char *text)
{
	const ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
	(void)ignored;
}

static void on_signal(int number)
{
	if (only_note) {
		noted = noted ? noted : number;
		return;
	}
	if (line_stands) {
		write_text("\r\033[K");
	}
	if (has_unfinished) {
		unlink(unfinished);
	}
	if (message) {
		write_text(message);
	}
	signal(number, SIG_DFL);
	raise(number);
}

/* From the first time on that there is something to do. */
static void catch_signals(void)
{
	static bool caught;
	for (size_t i = 0; !caught && i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		struct sigaction action;
		if (sigaction(deadly[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
			action = (struct sigaction){.sa_handler = on_signal};
			sigaction(deadly[i], &action, NULL);
		}
	}
	caught = true;
}

void interrupt_file(const char *path)
{
	has_unfinished = false;
	/* a longer one cannot be opened either */
	if (path && strlen(path) < sizeof(unfinished)) {
		memcpy(unfinished, path, strlen(path) + 1);
		has_unfinished = true;
	}
	catch_signals();
}

void interrupt_message(const char *text)
{
	message = text;
	catch_signals();
}

void interrupt_line(bool stands)
{
	line_stands = stands;
	catch_signals();
}

void interrupt_note(void)
{
	only_note = 1;
	catch_signals();
}

int interrupt_noted(void)
{
	return noted;
}

void interrupt_die(int number)
{
	fflush(NULL);
	signal(number, SIG_DFL);
	raise(number);
}
