/* SPDX-License-Identifier: MIT */
#ifndef VGT_DEMO_WINDOW_H
#define VGT_DEMO_WINDOW_H

#include <windows.h>

#include <stdbool.h>

/*
 * What the demonstration programs share: a window with an OpenGL context. A window belongs to
 * the thread that opened it. All complain on stderr where they fail.
 */

struct demo_window {
	const char *title;
	HWND handle;
	HDC dc;
	HGLRC context;
	int width, height; /* what a frame is drawn into; 0 while the window is minimised */
	bool is_open;
};

/* How many frames the command line `program [FRAMES]` asks for, LONG_MAX without; ends the
 * program where it is another one. */
long demo_frames(int argc, char **argv);

/*
 * Opens `window` at `x` with a drawing area of that size, and makes a context current: where
 * `version` is 0 one as of OpenGL 1.1, else of that core profile, 33 for 3.3. Objects are
 * shared with the context `share`, NULL for none, which may be current elsewhere. Prints the
 * renderer.
 */
bool demo_open(struct demo_window *window, const char *title, int x, int width, int height,
	int version, HGLRC share);

/* Before each frame: handles what happened to the window. False when it was closed, or Escape
 * pressed. */
bool demo_next(struct demo_window *window);

/* Shows the frame that was drawn. */
void demo_show(const struct demo_window *window);

void demo_close(struct demo_window *window);

/* A function that opengl32.dll lacks, with a current context; ends the program without. */
PROC demo_function(const char *name);

#endif
