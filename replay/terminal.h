/* SPDX-License-Identifier: MIT */
#ifndef VGT_TERMINAL_H
#define VGT_TERMINAL_H

#include <stdbool.h>

/* What people get who read on a terminal: colours, progress, and a pager for what is long. */

/* Whether stdout is a terminal that shows colours and nobody has said NO_COLOR. */
bool vgt_terminal_has_colours(void);

/* Whether stderr is a terminal on which a line can be written again. */
bool vgt_terminal_can_rewrite(void);

/* Whether stdout goes where no terminal shows it: a file, /dev/null; who reads a pipe may. */
bool vgt_terminal_lacks_stdout(void);

/*
 * Puts a pager behind stdout where that is a terminal: $PAGER, which may be a command line;
 * `less -FRX` where that is not set or just "less". Where it is empty or "cat" nothing happens,
 * where it cannot be started its input is shown as it is.
 */
void vgt_pager_start(void);

/* Ends the output and waits until its reader is done; nothing where there is no pager. */
void vgt_pager_finish(void);

#endif
