/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_KEPT_H
#define VGT_SUITE_KEPT_H

#include "suite.h"
#include "vgt_err.h"

#include <stdbool.h>

/*
 * Where the failures of a suite are kept: a directory for each test, by the test's name, in one
 * that the user names, or in vgt-test-out/SUITE of the working directory. What is there already
 * may have come with a suite from anywhere, so no link is followed below what the user names.
 */

#define SUITE_KEPT_DEFAULT "vgt-test-out"
#define SUITE_KEPT_LOG     "vgt-log.txt"

struct suite_kept {
	char *path; /* the directory of the tests' directories, for people */
	/* private: */
	bool is_default;
	bool had_default, had; /* before this run: vgt-test-out, and `path` in it */
};

/*
 * `out`: the user's, which is there, or NULL: the default, for the suite in `directory`, is
 * made when something is to be kept. It is to be finished in any case.
 */
bool suite_kept_init(
	struct suite_kept *kept, const char *out, const char *directory, struct vgt_err *err);

/* Whether `out` may be that: not the suite's directory, nor one of a test's in it, where what
 * is kept would lie among goldens. False: *err. */
bool suite_kept_allows(const struct suite *suite, const char *out, struct vgt_err *err);

/* Removes the directories of the default that this run has made, be it by other processes,
 * where nothing is in them. */
void suite_kept_finish(struct suite_kept *kept);

/* A descriptor of the test's directory, which is made where it is not there; -1: *err. */
int suite_kept_open(const struct suite_kept *kept, const char *name, struct vgt_err *err);

/* A descriptor to read a file by that was kept, "OUT/TEST/NAME", here or on the machine that
 * OUT comes from; -1: *err. */
int suite_kept_read(const char *path, struct vgt_err *err);

/* Removes what an earlier run has kept of this test: it would be taken for this run's. False:
 * there is something that is no such directory. */
bool suite_kept_clear(const struct suite_kept *kept, const char *name, struct vgt_err *err);

#endif
