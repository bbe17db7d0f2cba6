/* SPDX-License-Identifier: MIT */
#ifndef TRACE_SUMMARY_TEXT_H
#define TRACE_SUMMARY_TEXT_H

#include "trace_summary.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Prints the summary for people, on stdout; texts from the trace are made harmless.
 * `file_bytes` is the size of the file, -1 where it is none. `all`: nothing is cut short, and
 * what only a closer look needs is there too: META as it is, the number of records and virgl
 * commands of each kind.
 */
void trace_summary_print(
	const struct trace_summary *summary, const char *path, int64_t file_bytes, bool all);

#endif
