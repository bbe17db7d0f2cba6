/* SPDX-License-Identifier: MIT */
#ifndef VGT_JUNIT_H
#define VGT_JUNIT_H

#include "suite_run.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * The results of a suite as the XML that CI systems read, which goes back to Ant's JUnit task:
 * testsuites, testsuite, testcase, and therein failure, error or skipped, and system-out. There
 * is no specification of it; this keeps to what Jenkins, GitLab and GitHub's actions agree on.
 */
struct junit;

/* NULL: no memory. */
struct junit *junit_create(const char *suite);
void junit_destroy(struct junit *junit);

bool junit_add(
	struct junit *junit, const struct suite_test *test, const struct suite_result *result);

/* Whether it looks as if junit_write() could; nothing is left there. */
bool junit_can_write(const char *path, struct vgt_err *err);

/* The file appears complete or not at all; to a stream (new_file.h) it is appended. */
bool junit_write(struct junit *junit, const char *path, struct vgt_err *err);

#endif
