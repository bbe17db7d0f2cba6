/* SPDX-License-Identifier: MIT */
#ifndef VGT_GUEST_REPLAY_RUN_H
#define VGT_GUEST_REPLAY_RUN_H

#include "gpu.h"

/*
 * Issues the commands of a trace to a device through the driver: what the escape ABI can say
 * through vgt_dispatch(), what only a display driver may ask through display.h. The trace's
 * contexts and resources become handles of one client. A command is fenced where the trace's
 * was; what had retired in the trace before the next command has retired here, too. What a
 * guest wrote to its memory is written to the mapped backing, when the device is done with it.
 */

/* Exit statuses; the worst of several traces counts, in this order. */
enum guest_replay_status {
	GUEST_REPLAY_SAME = 0, /* each command went as it did in the trace */
	/* the trace has what this driver cannot say */
	GUEST_REPLAY_INEXPRESSIBLE = 77,
	GUEST_REPLAY_DIFFERENT = 1, /* commands went otherwise, or the trace is bad */
	GUEST_REPLAY_TROUBLE = 2,   /* no such file, no memory, the device is lost */
};

/* What a test does wrong on purpose, once in each trace. */
enum guest_replay_spoil {
	GUEST_REPLAY_SPOIL_NOTHING = 0,
	GUEST_REPLAY_SPOIL_DRAW, /* leaves out the first draw */
	GUEST_REPLAY_SPOIL_BYTE, /* inverts the first byte of guest memory */
};

struct guest_replay_options {
	enum guest_replay_spoil spoil;
	/* A MARK request with this text for each context, behind its creation; NULL: none. */
	const char *mark;
};

/*
 * Prints what goes wrong as lines `guest-replay: PATH: @COMMAND: what` on standard error, and
 * how much was done on standard output. What the trace leaves behind is destroyed at the end.
 */
enum guest_replay_status guest_replay_run(
	struct vgt_gpu *gpu, const char *path, const struct guest_replay_options *options);

#endif
