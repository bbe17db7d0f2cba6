/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pager; /* 0: none; a process has one stdout */

/* Whether a descriptor is a terminal that understands more than text. */
static bool is_capable(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

bool vgt_terminal_has_colours(void)
{
	const char *no_color = getenv("NO_COLOR");
	return is_capable(STDOUT_FILENO) && !(no_color && *no_color);
}

bool vgt_terminal_can_rewrite(void)
{
	return is_capable(STDERR_FILENO);
}

bool vgt_terminal_lacks_stdout(void)
{
	struct stat status;
	return fstat(STDOUT_FILENO, &status) == 0 &&
	       (S_ISREG(status.st_mode) || (S_ISCHR(status.st_mode) && !isatty(STDOUT_FILENO)));
}

/*
 * Runs the pager, whose command is $1, and where it cannot be run (126, 127) shows what it
 * would have got. An interrupt is the pager's affair: this shell outlives it.
 */
static const char pager_script[] = "trap : INT\n"
				   "sh -c \"$1\"\n"
				   "case $? in 126|127) exec cat ;; esac";

/* In the child: reads from the pipe and shows it. */
static void run_pager(const char *command, const int *ends)
{
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	execl("/bin/sh", "sh", "-c", pager_script, "pager", command, (char *)NULL);
	_exit(127);
}

/* What $PAGER says; less is told to leave at once where all fits, to keep colours, and to leave
 * the text on the screen, which $LESS need not say. */
static const char *pager_command(void)
{
	const char *command = getenv("PAGER");
	return !command || strcmp(command, "less") == 0 ? "less -FRX" : command;
}

/* Its user has seen enough, which is no failure; the terminal is the pager's until it is gone.
 */
static void on_pager_closed(int number)
{
	(void)number;
	waitpid(pager, NULL, 0);
	_exit(0);
}

void vgt_pager_start(void)
{
	const char *command = pager_command();
	int ends[2];
	if (!isatty(STDOUT_FILENO) || !command[strspn(command, " \t")] ||
		strcmp(command, "cat") == 0 || pipe(ends) != 0) {
		return;
	}
	fflush(NULL);
	pager = fork();
	if (pager == 0) {
		run_pager(command, ends);
	}
	if (pager > 0) {
		dup2(ends[1], STDOUT_FILENO);
		/* Ctrl-C is for the pager; the end of its reading ends this process */
		signal(SIGINT, SIG_IGN);
		signal(SIGPIPE, on_pager_closed);
	}
	pager = pager > 0 ? pager : 0;
	close(ends[0]);
	close(ends[1]);
}

void vgt_pager_finish(void)
{
	if (!pager) {
		return;
	}
	fflush(stdout);
	/* the pager sees the end of its input; what main() closes later must be something */
	if (!freopen("/dev/null", "w", stdout)) {
		close(STDOUT_FILENO);
	}
	while (waitpid(pager, NULL, 0) < 0 && errno == EINTR) {
	}
	pager = 0;
}
