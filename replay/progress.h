/* SPDX-License-Identifier: MIT */
#ifndef VGT_PROGRESS_H
#define VGT_PROGRESS_H

#include "vgt_reader.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How far long work is: one line on stderr, where that is a terminal, rewritten a few times a
 * second. A process has one. Quick work shows none. Whoever prints a message while work goes on
 * calls progress_clear() before, so that the line does not stand in it.
 */

/* Work begins. `wanted`: nobody has asked for quiet or for output that is for programs. */
void progress_begin(bool wanted);

/* Whether the line is to be shown now; cheap enough to be asked at each record. */
bool progress_due(void);

/* Shows the line: cut where it is wider than the terminal, `format` without the end of a line.
 */
__attribute__((format(printf, 1, 2))) void progress_show(const char *format, ...);

/*
 * Where it is due, what a reader has passed: `shown`, percent of the file where there is one,
 * frames and commands.
 */
void progress_reader(const char *shown, const struct vgt_reader *reader);

/* Takes the line away, if one stands, until it is due again. */
void progress_clear(void);

/* Work is done: takes the line away for good. */
void progress_end(void);

#endif
