/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_HTML_H
#define VGT_SUITE_HTML_H

#include "suite_results.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * The results of a suite as one HTML file that needs nothing else: its page, style and script
 * are the files in report/, what it shows is JSON in it (suite_result_json.h), and pictures are
 * base64. It asks no network for anything and forbids itself to. Text of traces, manifests and
 * logs is hostile: it is JSON that cannot end its element, and the script makes text of it
 * only.
 *
 * Pictures are read from where the results say, failures first, up to 64 MiB; the page says of
 * those that are left out where they are. The file appears complete or not at all; to a stream
 * (new_file.h) it is appended.
 */
bool suite_html_write(
	const struct suite_results *results, const char *path, struct vgt_err *err);

#endif
