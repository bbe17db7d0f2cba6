/* SPDX-License-Identifier: MIT */
#ifndef VGT_PRELOAD_FACTS_H
#define VGT_PRELOAD_FACTS_H

#include "vgt_capture.h"

#include <stdbool.h>

/*
 * What a trace says about the process that it was recorded in: META records. FORMAT.md, "META".
 */

/* Before virgl_renderer_init: program, system, environment, and the arguments of init. */
void preload_facts_process(struct vgt_capture *capture, int flags, int callbacks_version,
	const void *virglrenderer_function, bool with_cmdline);

/* After it, on the same thread: the strings of the GL context that init has left current. */
void preload_facts_gl(struct vgt_capture *capture);

#endif
