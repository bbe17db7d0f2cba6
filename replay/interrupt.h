/* SPDX-License-Identifier: MIT */
#ifndef VGT_INTERRUPT_H
#define VGT_INTERRUPT_H

#include <stdbool.h>

/*
 * What must happen before SIGINT, SIGQUIT, SIGTERM, SIGHUP or SIGPIPE end the program: a file
 * that is not finished goes, the terminal gets its line back, and what is there now is told.
 * The program then dies of the signal, as if nothing had caught it (a shell sees 130 for
 * Ctrl-C). Signals that the caller ignores, as nohup does, stay ignored. For the whole process;
 * vgt record, which has children to end first, takes the signals itself (child.h).
 */

/* A file that a signal removes; one at a time. The path is copied, for the signal may come on
 * another thread. NULL: none any more. */
void interrupt_file(const char *path);

/* What a signal prints to stderr, with the end of the line; NULL: nothing. It stays the
 * caller's and must live until the next call. */
void interrupt_message(const char *text);

/* Whether a line stands on the terminal (stderr) that a signal has to clear: progress.h. */
void interrupt_line(bool stands);

/*
 * For a loop that wakes up by itself and ends what it has started: from interrupt_note() on
 * signals are only noted, and interrupt_noted() has the first of them, 0 where there was none.
 * interrupt_die() does then what the signal would have done.
 */
void interrupt_note(void);
int interrupt_noted(void);
void interrupt_die(int number);

#endif
