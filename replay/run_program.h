/* SPDX-License-Identifier: MIT */
#ifndef VGT_RUN_PROGRAM_H
#define VGT_RUN_PROGRAM_H

#include "child.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs a program that may be missing, crash, hang or print without end, to see what it says.
 * Nothing that it starts is left behind.
 */

struct vgt_run_result {
	int error;               /* why it was not started, an error number; 0: it was */
	bool timed_out, stopped; /* it was killed: too late; by a signal to vgt */
	int status;              /* of waitpid(), where it ended by itself */
	char output[32768];      /* the beginning of what it printed, NUL-terminated */
};

/* prepare(opaque), which may be NULL, runs in the child (struct vgt_child_spec). */
void vgt_run_program(struct vgt_run_result *result, struct vgt_children *children,
	char *const *argv, bool (*prepare)(void *opaque), void *opaque, unsigned timeout_ms);

/* Kills what programs that are gone have left behind. */
void vgt_run_end_orphans(struct vgt_children *children);

/* Whether it ended by itself with exit status 0. */
bool vgt_run_succeeded(const struct vgt_run_result *result);

/*
 * How it failed: "cannot be started: WHY", "ended by signal 11 (Segmentation fault)",
 * "exited with status 2", "took longer than 10 s". Returns `text`.
 */
const char *vgt_run_describe(
	const struct vgt_run_result *result, unsigned timeout_ms, char *text, size_t size);

#endif
