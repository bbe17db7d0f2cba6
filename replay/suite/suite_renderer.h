/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_RENDERER_H
#define VGT_SUITE_RENDERER_H

#include <stdbool.h>

/*
 * The renderer of this host, as `vgt-player --probe` finds it, once for all tests of a suite.
 * What is not known is "": it could not be started, or has crashed or hung before it said it.
 */
struct suite_renderer {
	char renderer[256];      /* GL_RENDERER: "llvmpipe (LLVM 15.0.6, 128 bits)" */
	char gl_version[256];    /* GL_VERSION: "4.5 (Compatibility Profile) Mesa 22.3.6" */
	char virglrenderer[256]; /* the file that is loaded: "libvirglrenderer.so.1.7.7" */
};

/*
 * Runs the player in this environment, at most so long. A signal that comes meanwhile is raised
 * again when it has ended: interrupt_noted() has it then.
 */
void suite_renderer_find(
	struct suite_renderer *renderer, const char *player, unsigned timeout_ms);

#endif
