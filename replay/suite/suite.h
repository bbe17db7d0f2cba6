/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_H
#define VGT_SUITE_H

#include "suite_manifest.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * A directory of traces with the frames that they are to show: by its manifest.json, or where
 * there is none each NAME.vgt, with its goldens in NAME/frame-NNNN.png.
 */
struct suite {
	char *directory;
	char *manifest_path; /* NULL: there is none */
	struct suite_manifest manifest;
};

/*
 * `path`: a directory or a manifest. The error names the file that is wrong:
 * "traces/manifest.json: trace gears: ...". On failure the suite is left empty.
 */
bool suite_open(struct suite *suite, const char *path, struct vgt_err *err);
void suite_close(struct suite *suite);

/* Where the test's trace is, or would be when it had been fetched; the caller frees it. */
char *suite_trace_path(
	const struct suite *suite, const struct suite_test *test, struct vgt_err *err);

/* The directory of its goldens, be it there or not; the caller frees it. NULL: no memory. */
char *suite_goldens_path(const struct suite *suite, const struct suite_test *test);

#endif
