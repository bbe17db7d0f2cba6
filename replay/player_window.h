/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_WINDOW_H
#define VGT_PLAYER_WINDOW_H

#include "player_protocol.h"
#include "png_image.h"
#include "vgt_address.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The window of `vgt replay --window`. The player hands over each frame that the window wants,
 * and gets control back when the renderer is to go on; until then keys and the clock are waited
 * for in here. Frames that were shown are kept as pictures. One that is no longer kept is made
 * again: the window orders the trace to be played from its start.
 *
 * Pixels are copied by the processor to an X window: there is no GL in it, so that the
 * renderer's contexts stay current. One window at a time, of the main thread.
 */

/* `vgt help replay` has them, too. */
#define PLAYER_WINDOW_KEYS \
	"  space           pause, go on; at the last frame: play from the first\n" \
	"  right, .        one frame forward          page down  ten frames forward\n" \
	"  left, ,         one frame back             page up    ten frames back\n" \
	"  home            the first frame            end        the last frame\n" \
	"  digits, Enter   that frame (Backspace corrects, Escape cancels)\n" \
	"  +, -            faster, slower: 1/8 to 8 times as recorded, as fast as it can\n" \
	"  s               save the picture as frame-NNNN.png, over no other file\n" \
	"  z               one pixel of the screen for each of the picture\n" \
	"  f               full screen, and back\n" \
	"  h, F1           print these keys\n" \
	"  q, Escape       close the window; Escape first ends a jump or full screen\n"

struct player_window;

#define PLAYER_WINDOW_UNKNOWN UINT64_MAX

/* All pointers are the caller's and live as long as the window. */
struct player_window_options {
	const char *path;                /* of the trace, for the title */
	const struct vgt_ranges *frames; /* only these are shown */
	uint64_t total;                  /* frames of the trace, or PLAYER_WINDOW_UNKNOWN */
	const char *out;      /* directory for saved pictures; NULL: the current one */
	uint64_t memory;      /* bytes of pictures kept; the one shown always is */
	bool alpha;           /* in saved pictures */
	bool can_start_again; /* the trace can be read twice */
	struct player_progress *progress; /* told that waiting is no hang */
	void (*note)(void *opaque, const char *text);
	/* does not return: there is no display, or it went away */
	void (*fail)(void *opaque, const char *text);
	void *opaque;
};

enum player_window_order {
	PLAYER_WINDOW_GO_ON, /* the renderer makes the next frame; at the end: there was none */
	PLAYER_WINDOW_START_AGAIN, /* from the first record; then player_window_started() */
	PLAYER_WINDOW_CLOSED,
};

/* What is known of a frame's picture from when it was first seen. */
enum player_window_seen {
	PLAYER_WINDOW_NEW,
	PLAYER_WINDOW_SAME,
	PLAYER_WINDOW_DIFFERENT,
};

/*
 * They are in a library of their own, beside vgt-player, so that a replay without a window does
 * without SDL and all that it loads. The library takes vgt_* functions from the player.
 */
#define PLAYER_WINDOW_LIBRARY "vgt-window.so"

struct player_window_functions {
	/* Finds the display; the window opens with the first frame. NULL: no memory. */
	struct player_window *(*create)(const struct player_window_options *options);
	void (*destroy)(struct player_window *window);

	/* Whether it wants the picture of this frame, which comes next. */
	bool (*wants)(const struct player_window *window, uint64_t number);

	/* The digest of frame `number`, 0: it has no picture. */
	enum player_window_seen (*seen)(
		struct player_window *window, uint64_t number, uint64_t digest);

	/*
	 * Takes a frame (PLAYER_FRAME, or PLAYER_UNSHOWN with an empty image) over, pixels
	 * included, and shows it if it is the one that was gone to. `time_ns` is that of the
	 * recording. Returns when it needs the player.
	 */
	void (*show)(struct player_window *window, const struct player_event *event,
		struct vgt_image *image, uint64_t time_ns);

	/* Between two records: looks at what the user did. `frames` is the number of the next
	 * frame. */
	enum player_window_order (*poll)(struct player_window *window, uint64_t frames);

	/*
	 * The trace, or the range, has come to its end with so many frames; `why` is NULL or
	 * says what is wrong there. Returns when the window is closed, is to go back, or has
	 * nothing to show.
	 */
	enum player_window_order (*end)(
		struct player_window *window, uint64_t frames, const char *why);

	/* The trace is being played from its first record. */
	void (*started)(struct player_window *window);
};

extern const struct player_window_functions player_window_functions;

#endif
