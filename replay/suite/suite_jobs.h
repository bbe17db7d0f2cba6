/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_JOBS_H
#define VGT_SUITE_JOBS_H

#include "suite_run.h"
#include "suite_select.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs the tests of a suite, several at a time, each in a process of its own: what breaks vgt
 * itself is the result of one test, too. For a program with one thread.
 */
struct suite_jobs {
	struct suite_runner *runner; /* its `scratch`: where each process gets a directory */
	unsigned count;              /* processes at a time, 1 at least */
	/* Called as the tests end, in any order; the result is to be taken over or finished. */
	void (*finished)(void *opaque, size_t index, struct suite_result *result);
	void *opaque;
};

/* How many processes run at once on this machine, as far as vgt may use it. */
unsigned suite_jobs_default(void);

/*
 * To the end, or until a signal is noted (interrupt.h): then the processes are ended, and those
 * of their players, and the tests that had not ended have no result. Shows what runs on the
 * line of progress.h. False: it could not begin.
 */
bool suite_jobs_run(const struct suite_jobs *jobs, const struct suite_selected *selected,
	struct vgt_err *err);

#endif
