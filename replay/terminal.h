/* SPDX-License-Identifier: MIT */
#ifndef VGT_TERMINAL_H
#define VGT_TERMINAL_H

#include <stdbool.h>

/* What people get who read on a terminal: colours, and a pager for what is long. */

/* Whether stdout is a terminal that shows colours and nobody has said NO_COLOR. */
bool vgt_terminal_has_colours(void);

/*
 * Puts a pager ($PAGER, else less) behind stdout where that is a terminal. Without a pager, or
 * where it is empty or "cat", nothing happens.
 */
void vgt_pager_start(void);

/* Ends the output and waits until its reader is done; nothing where there is no pager. */
void vgt_pager_finish(void);

#endif
