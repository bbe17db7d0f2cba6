/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_COMMANDS_H
#define VGT_SUITE_COMMANDS_H

/*
 * The commands that have to do with a failure, decoded, for a report that is read where the
 * trace is not at hand.
 */

#define SUITE_COMMANDS_LINES 40

/*
 * What `vgt dump TRACE ADDRESS FILTER` prints ("@1042.17"; "10" and "draw"), its first
 * SUITE_COMMANDS_LINES lines and, where there are more, one that says so. `filter` may be NULL.
 * The text is of what a hostile trace holds. It takes a few seconds at most, and less where a
 * signal was noted (interrupt.h). The caller frees it; NULL: there is nothing to show, be it
 * that nothing was found in time.
 */
char *suite_commands(const char *trace, const char *address, const char *filter);

#endif
