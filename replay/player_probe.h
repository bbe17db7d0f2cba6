/* SPDX-License-Identifier: MIT */
#ifndef PLAYER_PROBE_H
#define PLAYER_PROBE_H

#include <stdbool.h>

/*
 * `vgt-player --probe` plays nothing: it says on stdout what of EGL, OpenGL and virglrenderer
 * works in its environment; `--probe=gl` stops before virglrenderer. Each fact is a line
 * PLAYER_PROBE_PREFIX, key, space, value; other lines come from the libraries. The keys:
 *
 *   version                      of vgt
 *   step                         what is tried now: a crash or hang is in the last one
 *   egl.lacks, egl.error         "library", "surfaceless", "driver" or "context", and why
 *   egl.vendor, egl.version
 *   gl.renderer, gl.version, gl.vendor, and gles.*
 *   virglrenderer.library        the file that is loaded, without symbolic links
 *   virglrenderer.error          what virgl_renderer_init() returned, where it failed
 *   virglrenderer.capset.N       the highest version of capset N that it offers
 *   done                         nothing crashed
 */
#define PLAYER_PROBE_PREFIX "vgt-probe: "

/* The value of egl.lacks, and of egl.error. */
struct player_probe_lack {
	const char *what, *why;
};

/*
 * The surfaceless EGLDisplay, on which virglrenderer renders too, not initialised; NULL: *lack
 * says why. To be asked before libepoxy, which aborts where there is no libEGL.
 */
void *player_probe_display(struct player_probe_lack *lack);

/* Whether this is the argument that asks for it. */
bool player_probe_wanted(const char *argument);

/* An exit status: 0 where the renderer (with --probe=gl: OpenGL) works, else 1. */
int player_probe(const char *argument);

#endif
