/* SPDX-License-Identifier: MIT */
#ifndef TRACE_SUMMARY_JSON_H
#define TRACE_SUMMARY_JSON_H

#include "trace_summary.h"

#include <json-c/json.h>
#include <stdint.h>

/*
 * The summary as JSON, as `vgt help info` describes it. `file_bytes` is the size of the file,
 * -1 where it is none. The caller's; members that there was no memory for are null.
 */
struct json_object *trace_summary_json(
	const struct trace_summary *summary, const char *path, int64_t file_bytes);

#endif
