/* SPDX-License-Identifier: MIT */
#ifndef VGT_PRIVATE_VTEST_H
#define VGT_PRIVATE_VTEST_H

#include "child.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <sys/un.h>

/*
 * A virgl_test_server for one program, in a process group of its own. It starts a process for
 * each client, which ends when the client's connection does.
 */
struct vgt_private_vtest {
	struct vgt_child server;
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/*
 * Starts it, with its socket in `directory` and its output going to the descriptor `log`;
 * prepare() sets its environment, in the new process.
 */
bool vgt_private_vtest_start(struct vgt_private_vtest *vtest, struct vgt_children *children,
	const char *directory, int log, bool (*prepare)(void *opaque), void *opaque,
	struct vgt_err *err);

/* Waits until it takes connections. VGT_ERR_STOPPED: a signal came in meanwhile. */
bool vgt_private_vtest_wait(
	struct vgt_private_vtest *vtest, struct vgt_children *children, struct vgt_err *err);

/* Ends the server, if it was started, not its clients' processes. */
void vgt_private_vtest_end(struct vgt_private_vtest *vtest, struct vgt_children *children);

#endif
