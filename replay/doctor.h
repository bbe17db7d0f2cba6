/* SPDX-License-Identifier: MIT */
#ifndef VGT_DOCTOR_H
#define VGT_DOCTOR_H

#include "child.h"
#include "run_program.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* What `vgt doctor` finds on this machine, by what a user wants to do there. */

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_NOTE,    /* worth knowing, neither good nor bad */
	DOCTOR_LIMITED, /* the task works less well for it */
	DOCTOR_MISSING, /* the task does not work for it */
	DOCTOR_UNKNOWN, /* a verdict only: a signal came before all was looked at */
};

struct doctor_finding {
	enum doctor_status status;
	const char *name;
	char *text; /* NULL without memory */
	/* What helps; NULL: nothing known. */
	const char *package; /* of Debian, one of debian_packages.h */
	const char *remedy;  /* a command or an advice */
};

#define DOCTOR_FINDINGS_MAX 48

struct doctor_task {
	const char *name; /* on the command line and in JSON */
	const char *title;
	const char *remark; /* behind "works"; NULL: none */
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t count;
	bool interrupted; /* no more is found */
};

struct doctor {
	struct vgt_children children;
	struct doctor_task *task;     /* that is looked at */
	unsigned timeout_ms;          /* for each program that is run */
	struct vgt_run_result result; /* of the last one */
};

/*
 * The new finding, which the caller may tell what helps. Names and remedies are not copied. Of
 * a task that was interrupted it is forgotten: what a program that was ended did not say is no
 * sign.
 */
__attribute__((format(printf, 4, 5))) struct doctor_finding *doctor_add(
	struct doctor_task *task, enum doctor_status status, const char *name,
	const char *format, ...);

void doctor_task_finish(struct doctor_task *task);

/* The worst of its findings, but DOCTOR_NOTE; DOCTOR_UNKNOWN where there may be a worse one. */
enum doctor_status doctor_verdict(const struct doctor_task *task);

/* To stdout. `machine` may be NULL; quiet: only what does not work, or not well. */
void doctor_print(const struct doctor_task *tasks, size_t count,
	const struct doctor_task *machine, bool quiet);
void doctor_print_json(
	const struct doctor_task *tasks, size_t count, const struct doctor_task *machine);

/* Runs a program into doctor->result; true where it succeeded. */
bool doctor_run(
	struct doctor *doctor, char *const *argv, bool (*prepare)(void *opaque), void *opaque);
bool doctor_is_stopped(const struct doctor *doctor);

/* The last line of a program's output that says something and is no fact of vgt-player's. */
void doctor_last_line(const char *output, char *line, size_t size);

/* The same with vgt-player and this argument (player_probe.h). */
bool doctor_run_player(struct doctor *doctor, const char *argument,
	bool (*prepare)(void *opaque), void *opaque);
/* What it has said about `key`, the last time; false: nothing, `value` is "" then. */
bool doctor_fact(
	const struct vgt_run_result *result, const char *key, char *value, size_t size);

/* EGL as vgt-player found it: what it is, or what it lacks and which package has that. */
void doctor_add_egl(struct doctor_task *task, const struct vgt_run_result *result);
/* The render nodes; how many. */
size_t doctor_add_gpus(struct doctor_task *task);

/* The tasks; they fill in their findings. */
void doctor_replay(struct doctor *doctor, struct doctor_task *task);
void doctor_record_gl(struct doctor *doctor, struct doctor_task *task);
void doctor_record_vm(struct doctor *doctor, struct doctor_task *task);

/* The machine and the environment, for a bug report. */
void doctor_machine(struct doctor_task *task);
/* What both ways to record need: the recorder and room. */
void doctor_recorder(struct doctor_task *task);
/* A file that belongs to vgt, by companion_look(); false: not found, `path` is "". */
bool doctor_companion(struct doctor_task *task, const char *name, char path[PATH_MAX]);
/* A device file; false: it is not there, nothing is added. */
bool doctor_device(struct doctor_task *task, const char *name, const char *path);

#endif
