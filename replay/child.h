/* SPDX-License-Identifier: MIT */
#ifndef VGT_CHILD_H
#define VGT_CHILD_H

#include "vgt_err.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The processes below one vgt: those it starts itself, and what these leave behind, for vgt
 * makes itself their reaper (PR_SET_CHILD_SUBREAPER), so that nothing outlives it unseen.
 * Signals meant for vgt (SIGINT, SIGQUIT, SIGTERM, SIGHUP) are collected instead of killing it.
 * For a program with one thread; one struct vgt_children at a time.
 */

struct vgt_child {
	pid_t pid; /* 0: never started */
	bool running;
	int status; /* of waitpid(), once it runs no more */
};

#define VGT_CHILDREN_MAX 4 /* that one vgt starts itself, and has not forgotten */

struct vgt_children {
	unsigned interrupts;   /* SIGINT and SIGQUIT, which the terminal sends to COMMAND too */
	unsigned terminations; /* SIGTERM and SIGHUP, which were sent to vgt alone */
	/* private: */
	int signal_fd;
	sigset_t old_mask;
	struct sigaction old_child, old_pipe; /* of SIGCHLD and SIGPIPE */
	struct vgt_child *known[VGT_CHILDREN_MAX];
	size_t count;
	pid_t *inherited; /* started by whoever exec'ed vgt: none of its business */
	size_t inherited_count;
};

bool vgt_children_init(struct vgt_children *children, struct vgt_err *err);
/* Signals do again what they did before, SIGCHLD and SIGPIPE included; those that came in
 * meanwhile are forgotten. */
void vgt_children_finish(struct vgt_children *children);

struct vgt_child_spec {
	char *const *argv;             /* argv[0] is searched for in PATH */
	bool (*prepare)(void *opaque); /* runs in the child, to set what exec() keeps; may be
					  NULL. False, with errno set: it cannot */
	void *opaque;
	int output;         /* stdout and stderr, with stdin empty; -1: all three as vgt's */
	int pass;           /* a descriptor that stays open in it; -1: none */
	bool own_group;     /* out of reach of the terminal's Ctrl-C */
	bool dies_with_vgt; /* SIGTERM where vgt is killed */
};

/*
 * Starts a process; 0, or an error number, that of execvp() included. `child` must stay where
 * it is until vgt_children_forget() or vgt_children_finish().
 */
int vgt_child_start(struct vgt_children *children, struct vgt_child *child,
	const struct vgt_child_spec *spec);

/* Sleeps until a signal arrives or a process ends, at most so long; then counts and reaps. */
void vgt_children_wait(struct vgt_children *children, unsigned timeout_ms);

/* Sends a signal (0: none) to a process that runs. */
void vgt_child_signal(const struct vgt_child *child, int number);

/* SIGTERM, and SIGKILL where that has not helped after grace_ms; returns when it is gone. */
void vgt_child_end(struct vgt_children *children, struct vgt_child *child, unsigned grace_ms);

/* Makes its place free, for `child` is about to go; one that still runs is not waited for. */
void vgt_children_forget(struct vgt_children *children, const struct vgt_child *child);

/* Sends a signal (0: none) to what others left behind, and says how many these are. */
size_t vgt_children_orphans(const struct vgt_children *children, int number);

/* How many children the process has. */
size_t vgt_child_offspring(const struct vgt_child *child);

#endif
