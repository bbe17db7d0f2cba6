/* SPDX-License-Identifier: MIT */
#include "private_display.h"

#include "clock.h"
#include "debian_packages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_MS 30000
#define END_MS   5000

static bool start_server(struct vgt_private_display *display, struct vgt_children *children,
	int log, int number_fd, struct vgt_err *err)
{
	char number[16];
	char *argv[] = {"Xvfb", "-displayfd", number, "-screen", "0", "1280x1024x24",
		"-nolisten", "tcp", NULL};
	const struct vgt_child_spec spec = {
		.argv = argv,
		.output = log,
		.pass = number_fd,
		.own_group = true,
		.dies_with_vgt = true,
	};

	snprintf(number, sizeof(number), "%d", number_fd);
	const int error = vgt_child_start(children, &display->server, &spec);
	if (error == ENOENT) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			"Xvfb not found: apt install " DEBIAN_XVFB " (or set DISPLAY)");
	}
	return error == 0 || vgt_err_system(err, error, "cannot run Xvfb");
}

bool vgt_private_display_start(struct vgt_private_display *display,
	struct vgt_children *children, int log, struct vgt_err *err)
{
	int ends[2];

	*display = (struct vgt_private_display){.number_fd = -1};
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		return vgt_err_system(err, errno, "cannot make a pipe");
	}
	const bool good = start_server(display, children, log, ends[1], err);
	close(ends[1]);
	if (good) {
		display->number_fd = ends[0];
	} else {
		close(ends[0]);
	}
	return good;
}

bool vgt_private_display_wait(
	struct vgt_private_display *display, struct vgt_children *children, struct vgt_err *err)
{
	const uint64_t until = clock_ms() + START_MS;
	char number[sizeof(display->name) - 1] = "";
	size_t used = 0;

	while (!strchr(number, '\n')) {
		if (children->interrupts + children->terminations > 0) {
			return vgt_err_set(err, VGT_ERR_STOPPED, VGT_NO_OFFSET, "interrupted");
		}
		if (!display->server.running || clock_ms() > until ||
			used == sizeof(number) - 1) {
			return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "Xvfb %s",
				display->server.running ? "does not get ready"
							: "cannot start");
		}
		const ssize_t got =
			read(display->number_fd, number + used, sizeof(number) - 1 - used);
		if (got > 0) {
			used += (size_t)got;
		} else {
			vgt_children_wait(children, 20);
		}
	}
	snprintf(display->name, sizeof(display->name), ":%s", number);
	display->name[strcspn(display->name, "\n")] = '\0';
	return true;
}

/* An X server that was killed leaves its lock and its socket. */
static void remove_leftovers(const struct vgt_private_display *display)
{
	char path[64];
	char text[16] = "";

	snprintf(path, sizeof(path), "/tmp/.X%s-lock", display->name + 1);
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return;
	}
	const ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	/* The number may be another server's by now. */
	if (size > 0 && atoi(text) == (int)display->server.pid) {
		unlink(path);
		snprintf(path, sizeof(path), "/tmp/.X11-unix/X%s", display->name + 1);
		unlink(path);
	}
}

void vgt_private_display_end(struct vgt_private_display *display, struct vgt_children *children)
{
	if (display->server.pid == 0) {
		return;
	}
	vgt_child_end(children, &display->server, END_MS);
	if (display->name[0]) {
		remove_leftovers(display);
	}
	if (display->number_fd >= 0) {
		close(display->number_fd);
	}
	display->server.pid = 0;
}
