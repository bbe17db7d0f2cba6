/* SPDX-License-Identifier: MIT */
#ifndef VGT_PRIVATE_VTEST_H
#define VGT_PRIVATE_VTEST_H

#include "child.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

/*
 * A virgl_test_server for one program, in a process group of its own. It starts a process for
 * each client, which ends when the client's connection does.
 */
struct vgt_private_vtest {
	struct vgt_child server;
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* A companion file, which leads Mesa's client to the server: its versions before 23 know only
 * one place. */
#define VGT_VTEST_LIBRARY "libvgt-vtest.so"

/*
 * The environments of a server and of a program that draws with it, for prepare() in their new
 * processes; `library`: the path of VGT_VTEST_LIBRARY. False: see errno.
 */
bool vgt_private_vtest_set_server(void);
bool vgt_private_vtest_set_client(const struct vgt_private_vtest *vtest, const char *library);

/*
 * Starts it, with its socket in `directory` and its output going to the descriptor `log`;
 * prepare() sets its environment, in the new process.
 */
bool vgt_private_vtest_start(struct vgt_private_vtest *vtest, struct vgt_children *children,
	const char *directory, int log, bool (*prepare)(void *opaque), void *opaque,
	struct vgt_err *err);

/* Whether it takes connections, `since` being clock_ms() at its start. */
bool vgt_private_vtest_is_ready(const struct vgt_private_vtest *vtest, uint64_t since);

/* Waits until it takes connections. VGT_ERR_STOPPED: a signal came in meanwhile. */
bool vgt_private_vtest_wait(
	struct vgt_private_vtest *vtest, struct vgt_children *children, struct vgt_err *err);

/* Ends the server, if it was started, not its clients' processes. */
void vgt_private_vtest_end(struct vgt_private_vtest *vtest, struct vgt_children *children);

#endif
