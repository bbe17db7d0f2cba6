/* SPDX-License-Identifier: MIT */
#ifndef VGT_PRIVATE_DISPLAY_H
#define VGT_PRIVATE_DISPLAY_H

#include "child.h"
#include "vgt_err.h"

#include <stdbool.h>

/* An X server without screen (Xvfb) for one program, in a process group of its own. */
struct vgt_private_display {
	struct vgt_child server;
	char name[16]; /* for DISPLAY: ":N" */
	/* private: */
	int number_fd; /* where the server says its number, until it has */
};

/* Starts it; its output goes to the descriptor `log`. */
bool vgt_private_display_start(struct vgt_private_display *display,
	struct vgt_children *children, int log, struct vgt_err *err);

/* Waits until it takes connections. VGT_ERR_STOPPED: a signal came in meanwhile. */
bool vgt_private_display_wait(struct vgt_private_display *display,
	struct vgt_children *children, struct vgt_err *err);

/* Ends it, if it was started, and what it leaves in /tmp. */
void vgt_private_display_end(
	struct vgt_private_display *display, struct vgt_children *children);

#endif
