/* SPDX-License-Identifier: MIT */
#ifndef VGT_JUNIT_H
#define VGT_JUNIT_H

#include "suite_results.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * The results of a suite as the XML that CI systems read, which goes back to Ant's JUnit task:
 * testsuites, testsuite, testcase, and therein failure, error or skipped, and system-out. There
 * is no specification of it; this keeps to what Jenkins, GitLab and GitHub's actions agree on.
 */

/* The file appears complete or not at all; to a stream (new_file.h) it is appended. */
bool junit_write(const struct suite_results *results, const char *path, struct vgt_err *err);

#endif
