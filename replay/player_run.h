/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_RUN_H
#define VGT_PLAYER_RUN_H

#include "player_protocol.h"
#include "vgt_err.h"
#include "vgt_model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * One play of a trace by a vgt-player of its own, watched from outside: a crash or a hang of
 * the renderer is a result with an address. Several may run at once; each belongs to one
 * thread.
 */

struct player_run_options {
	const char *player; /* the program, of companion_find("vgt-player") */
	const char *path;   /* the trace; "-": standard input */
	const char *frames; /* RANGES of vgt_ranges_parse(); NULL: all */
	enum vgt_frame_rule rule;
	const char *out;    /* existing directory for pictures; NULL: none are written */
	const char *window; /* MiB of pictures that a window keeps; NULL: there is no window */
	bool no_pictures, verify, alpha, step, drop_draws;
	bool need_capset;    /* nothing is played where this host's capset lacks something */
	uint64_t timeout_ms; /* the renderer hangs when nothing moves for so long */
	int output;          /* for what the renderer prints; -1: vgt's stderr */
	void (*event)(void *opaque, const struct player_event *event);
	void *opaque;
};

enum player_outcome {
	PLAYER_ENDED,   /* it played to its end: `end` says what it saw */
	PLAYER_GAVE_UP, /* a bad trace, or trouble: a PLAYER_FAILED event said why */
	PLAYER_CRASHED, /* by a signal, or by exit() where nobody expected it; or it wrote what
			   is no event and was killed */
	PLAYER_HUNG,    /* and was killed */
	PLAYER_NOT_FOUND, /* it could not be executed; why, stderr has */
};

struct player_result {
	enum player_outcome outcome;
	int status;               /* PLAYER_GAVE_UP: enum vgt_exit */
	struct player_event end;  /* PLAYER_ENDED: its PLAYER_END event */
	uint64_t problems, shown; /* how many PLAYER_PROBLEM; frames with or without picture */
	uint64_t lacks;           /* how many PLAYER_LACK */
	/* PLAYER_CRASHED, PLAYER_HUNG: "@1042.17: renderer crashed (Aborted) in SUBMIT_3D" */
	char place[160];
};

struct player_run {
	int events; /* readable: player_run_wait() has something to do */
	/* private: */
	const struct player_run_options *options;
	pid_t child;
	struct player_progress *progress;
	struct player_result result;
	/* over: it has closed its events; garbled: they make no sense */
	bool over, ended, gave_up, hung, garbled;
	uint64_t calls, moved_ms; /* when progress was last seen, and how far it was */
	size_t have;
	struct player_event event; /* its first `have` bytes */
};

/* The options stay the caller's and must live until player_run_finish(). */
bool player_run_start(
	struct player_run *run, const struct player_run_options *options, struct vgt_err *err);

/*
 * Waits for something to happen, at most so long, and hands on the event, if there is one;
 * ends a player that hangs. False: there is nothing to wait for any more.
 */
bool player_run_wait(struct player_run *run, int timeout_ms);

/* The control command that is being executed, or the last one that was. */
uint64_t player_run_command(const struct player_run *run);

/* Ends a player that still runs (the result is PLAYER_CRASHED then), and says what came of it.
 */
void player_run_finish(struct player_run *run, struct player_result *result);

#endif
