/* SPDX-License-Identifier: MIT */
#include "private_vtest.h"

#include "clock.h"
#include "debian_packages.h"
#include "preload_library.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_MS 30000
#define END_MS   5000

#define RENDER_NODE "/dev/dri/renderD128"

/* Where the socket file exists but this list does not. */
#define UNLISTED_MS 500

bool vgt_private_vtest_set_server(void)
{
	const char *driver = getenv("GALLIUM_DRIVER");

	/* Answering a client that has gone must not kill the server before its cleanup. */
	signal(SIGPIPE, SIG_IGN);
	/* The server must not be a client of another. */
	if (driver && strcmp(driver, "virpipe") == 0 && unsetenv("GALLIUM_DRIVER") != 0) {
		return false;
	}
	return access(RENDER_NODE, F_OK) == 0 || setenv("LIBGL_ALWAYS_SOFTWARE", "1", 1) == 0;
}

bool vgt_private_vtest_set_client(const struct vgt_private_vtest *vtest, const char *library)
{
	return vgt_preload_set(library) && setenv("VGT_VTEST_SOCKET", vtest->socket, 1) == 0 &&
	       setenv("VTEST_SOCKET_NAME", vtest->socket, 1) == 0 &&
	       setenv("GALLIUM_DRIVER", "virpipe", 1) == 0 &&
	       setenv("LIBGL_ALWAYS_SOFTWARE", "1", 1) == 0;
}

bool vgt_private_vtest_start(struct vgt_private_vtest *vtest, struct vgt_children *children,
	const char *directory, int log, bool (*prepare)(void *opaque), void *opaque,
	struct vgt_err *err)
{
	char option[sizeof(vtest->socket) + 32];
	char *argv[] = {"virgl_test_server", "--use-egl-surfaceless", option, NULL};
	const struct vgt_child_spec spec = {
		.argv = argv,
		.prepare = prepare,
		.opaque = opaque,
		.output = log,
		.pass = -1,
		.own_group = true,
		.dies_with_vgt = true,
	};

	*vtest = (struct vgt_private_vtest){0};
	const int length =
		snprintf(vtest->socket, sizeof(vtest->socket), "%s/vtest", directory);
	if (length < 0 || (size_t)length >= sizeof(vtest->socket)) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"%s is too long a name for a directory with a socket", directory);
	}
	snprintf(option, sizeof(option), "--socket-path=%s", vtest->socket);
	const int error = vgt_child_start(children, &vtest->server, &spec);
	if (error == ENOENT) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			"virgl_test_server not found: apt install " DEBIAN_VIRGL_TEST_SERVER);
	}
	return error == 0 || vgt_err_system(err, error, "cannot run virgl_test_server");
}

/*
 * Whether somebody listens on a socket. Trying it out by a connection would make the server
 * start a process, and that a trace. proc(5), /proc/net/unix: the fourth field has flags, the
 * last the path.
 */
static bool is_listening(const char *path, bool *known)
{
	char line[512];
	unsigned flags;
	int at;
	bool found = false;
	FILE *sockets = fopen("/proc/net/unix", "re");

	*known = sockets != NULL;
	while (sockets && !found && fgets(line, sizeof(line), sockets)) {
		line[strcspn(line, "\n")] = '\0';
		found = sscanf(line, "%*s %*x %*x %x %*x %*x %*u %n", &flags, &at) == 1 &&
			(flags & 0x10000 /* __SO_ACCEPTCON */) && strcmp(line + at, path) == 0;
	}
	if (sockets) {
		fclose(sockets);
	}
	return found;
}

bool vgt_private_vtest_is_ready(const struct vgt_private_vtest *vtest, uint64_t since)
{
	bool known;

	if (access(vtest->socket, F_OK) != 0) {
		return false;
	}
	return is_listening(vtest->socket, &known) ||
	       (!known && clock_ms() > since + UNLISTED_MS);
}

bool vgt_private_vtest_wait(
	struct vgt_private_vtest *vtest, struct vgt_children *children, struct vgt_err *err)
{
	const uint64_t since = clock_ms();

	while (!vgt_private_vtest_is_ready(vtest, since)) {
		if (children->interrupts + children->terminations > 0) {
			return vgt_err_set(err, VGT_ERR_STOPPED, VGT_NO_OFFSET, "interrupted");
		}
		if (!vtest->server.running || clock_ms() > since + START_MS) {
			return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
				"virgl_test_server %s",
				vtest->server.running ? "does not get ready" : "cannot start");
		}
		vgt_children_wait(children, 10);
	}
	return true;
}

void vgt_private_vtest_end(struct vgt_private_vtest *vtest, struct vgt_children *children)
{
	if (vtest->server.pid == 0) {
		return;
	}
	vgt_child_end(children, &vtest->server, END_MS);
	unlink(vtest->socket);
	vtest->server.pid = 0;
}
