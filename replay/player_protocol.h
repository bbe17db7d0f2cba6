/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_PROTOCOL_H
#define VGT_PLAYER_PROTOCOL_H

#include "vgt_trace.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Between `vgt replay` or `vgt test` and a child vgt-player, which are always of the same
 * build: the child writes events to a pipe, whole structures, and keeps its place in a page of
 * shared memory, so that its parent can name the address where it crashed or hung. The
 * renderer, which a trace may have broken, shares the child's process: its parent believes
 * neither.
 */

/* The descriptors that the child inherits. */
#define PLAYER_EVENTS_FD   3
#define PLAYER_PROGRESS_FD 4

struct player_progress {
	_Atomic uint32_t started;       /* not 0: main() was reached */
	_Atomic uint32_t in_display;    /* not 0: in the window, not in the renderer */
	_Atomic uint64_t calls;         /* counts what was asked of the renderer */
	_Atomic uint64_t command;       /* the control command being executed */
	_Atomic uint32_t virgl_command; /* of a submit that is executed in pieces, or
					   PLAYER_NO_VIRGL_COMMAND */
	_Atomic uint32_t type;          /* of the record being executed, 0 before the first */
};

enum player_event_kind {
	PLAYER_RENDERER = 1, /* text: the GL renderer string of this host */
	PLAYER_FRAME,        /* a picture was taken; text: its file, "" without --out */
	PLAYER_UNSHOWN,      /* a frame without picture; text: why */
	PLAYER_PROBLEM, /* the trace is wrong or the renderer answers otherwise; text: what */
	PLAYER_LOG,     /* text: what virglrenderer logged */
	PLAYER_NOTE,    /* text: something worth knowing */
	PLAYER_LACK,    /* text: what this host's capset lacks of the recording's */
	PLAYER_FAILED,  /* the player gives up; text: why; no END follows */
	PLAYER_END,
};

#define PLAYER_NO_VIRGL_COMMAND VGT_NO_VIRGL_COMMAND
#define PLAYER_NO_COMMAND       UINT64_MAX

struct player_event {
	uint32_t kind;          /* enum player_event_kind */
	uint32_t virgl_command; /* or PLAYER_NO_VIRGL_COMMAND */
	uint64_t command; /* address: the control command, or the number of all where none */
	union {
		struct {
			uint64_t number;
			uint64_t digest; /* XXH64 of width, height (uint32_t) and RGB or RGBA
					    bytes */
			uint32_t rule;   /* enum vgt_frame_rule */
			uint32_t scanout_id;
			uint32_t resource_id;
			uint32_t format;
			uint32_t width, height;
		} frame;
		struct {
			uint64_t commands, frames, pictures;
			uint64_t compared, differing; /* responses */
			uint64_t not_compared_renderer, not_compared_time, not_compared_other;
			uint64_t wall_ns;     /* from the first record to the last */
			uint64_t renderer_ns; /* thereof inside virgl_renderer_* functions */
			uint64_t picture_ns;  /* thereof (of wall_ns) taking pictures */
			uint32_t end;         /* enum vgt_reader_end */
			uint32_t closed;      /* not 0: the user closed the window */
		} summary;
	};
	char text[232];
};

_Static_assert(sizeof(struct player_event) <= 512, "an event is written to a pipe at once");

#endif
