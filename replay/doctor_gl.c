/* SPDX-License-Identifier: MIT */
/* Whether `vgt record --gl` can record a program here. */
#include "child_log.h"
#include "clock.h"
#include "companion.h"
#include "debian_packages.h"
#include "doctor.h"
#include "find_program.h"
#include "preload_library.h"
#include "private_vtest.h"
#include "ring_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The server, and Mesa's driver that draws through it */

struct trial {
	struct doctor *doctor;
	struct doctor_task *task;
	char directory[PATH_MAX], library[PATH_MAX];
	struct vgt_child_log log;
	struct vgt_private_vtest vtest;
	char last[256]; /* line of the log */
};

static bool set_server(void *opaque)
{
	(void)opaque;
	return vgt_private_vtest_set_server();
}

static bool set_client(void *opaque)
{
	const struct trial *trial = opaque;

	return vgt_private_vtest_set_client(&trial->vtest, trial->library);
}

static void keep_line(void *opaque, const char *line)
{
	struct trial *trial = opaque;

	snprintf(trial->last, sizeof(trial->last), ": %s", line);
}

/* "" or ": LINE" of what the server printed last. */
static const char *server_says(struct trial *trial)
{
	vgt_child_log_show_end(&trial->log, keep_line, trial);
	return trial->last;
}

static bool wait_for_server(struct trial *trial)
{
	struct doctor *doctor = trial->doctor;
	const uint64_t since = clock_ms();

	while (!vgt_private_vtest_is_ready(&trial->vtest, since)) {
		if (doctor_is_stopped(doctor)) {
			trial->task->interrupted = true;
			return false;
		}
		if (!trial->vtest.server.running) {
			doctor_add(trial->task, DOCTOR_MISSING, "virgl_test_server",
				"cannot start%s", server_says(trial));
			return false;
		}
		if (clock_ms() > since + doctor->timeout_ms) {
			doctor_add(trial->task, DOCTOR_MISSING, "virgl_test_server",
				"takes no connections for %.3g s%s", doctor->timeout_ms / 1e3,
				server_says(trial));
			return false;
		}
		vgt_children_wait(&doctor->children, 10);
	}
	return true;
}

/* vgt-player's OpenGL, drawn through the server. */
static void try_client(struct trial *trial)
{
	struct doctor *doctor = trial->doctor;
	char renderer[512], last[256], how[256];
	const bool good = doctor_run_player(doctor, "--probe=gl", set_client, trial);

	doctor_fact(&doctor->result, "gl.renderer", renderer, sizeof(renderer));
	if (good && strncmp(renderer, "virgl", 5) == 0) {
		doctor_add(trial->task, DOCTOR_OK, "Mesa's driver", "%s", renderer);
	} else if (good) {
		doctor_add(trial->task, DOCTOR_MISSING, "Mesa's driver",
			"Mesa has no virpipe: programs would draw with %s", renderer)
			->package = DEBIAN_MESA_DRIVERS;
	} else {
		doctor_last_line(doctor->result.output, last, sizeof(last));
		doctor_add(trial->task, DOCTOR_MISSING, "Mesa's driver",
			"a program that draws through virgl_test_server %s%s%s%s",
			vgt_run_describe(&doctor->result, doctor->timeout_ms, how, sizeof(how)),
			last[0] ? ": " : "", last, server_says(trial));
		doctor_add_egl(trial->task, &doctor->result);
	}
}

static void run_trial(struct trial *trial)
{
	struct doctor *doctor = trial->doctor;
	char path[PATH_MAX + 16];
	struct vgt_err err;

	snprintf(path, sizeof(path), "%s/log", trial->directory);
	if (!vgt_child_log_open(&trial->log, path, &err) ||
		!vgt_private_vtest_start(&trial->vtest, &doctor->children, trial->directory,
			trial->log.fd, set_server, NULL, &err)) {
		doctor_add(trial->task, DOCTOR_MISSING, "virgl_test_server", "%s", err.message);
	} else if (wait_for_server(trial)) {
		try_client(trial);
	}
	vgt_private_vtest_end(&trial->vtest, &doctor->children);
	vgt_run_end_orphans(&doctor->children);
	vgt_children_forget(&doctor->children, &trial->vtest.server);
	vgt_child_log_close(&trial->log);
}

static void remove_directory(const char *directory)
{
	static const char *const names[] = {"log", VGT_VTEST_LIBRARY};
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

/* `library`: the path of VGT_VTEST_LIBRARY, "" where that is missing. */
static void try_server(struct doctor *doctor, struct doctor_task *task, const char *library)
{
	struct trial trial = {.doctor = doctor, .task = task, .log.fd = -1};
	char path[PATH_MAX];

	if (!vgt_find_program("virgl_test_server", path)) {
		doctor_add(task, DOCTOR_MISSING, "virgl_test_server", "not found in PATH")
			->package = DEBIAN_VIRGL_TEST_SERVER;
		return;
	}
	doctor_add(task, DOCTOR_OK, "virgl_test_server", "%s", path);
	if (!library[0] || !companion_look("vgt-player", path, sizeof(path))) {
		doctor_add(task, DOCTOR_NOTE, "Mesa's driver",
			"not tried: that takes vgt-player and " VGT_VTEST_LIBRARY);
		return;
	}
	if (!vgt_ring_directory_make(trial.directory, NULL)) {
		return; /* doctor_recorder() says so */
	}
	snprintf(trial.library, sizeof(trial.library), "%s", library);
	if (vgt_preload_make_loadable(trial.library, VGT_VTEST_LIBRARY, trial.directory)) {
		run_trial(&trial);
	}
	remove_directory(trial.directory);
}

/* The display */

/* Whether an X server takes connections at a socket, by its file or in the abstract space. */
static bool connects(const char *path, bool abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return false;
	}
	snprintf(address.sun_path + abstract, sizeof(address.sun_path) - abstract, "%s", path);
	const size_t size = offsetof(struct sockaddr_un, sun_path) + abstract + strlen(path);
	const bool good =
		connect(fd, (const struct sockaddr *)&address, (socklen_t)size) == 0 ||
		errno == EAGAIN; /* it is there, and busy */
	close(fd);
	return good;
}

static bool is_local_display(const char *display, unsigned *number)
{
	const char *rest = strncmp(display, "unix:", 5) == 0 ? display + 4 : display;

	return *rest == ':' && sscanf(rest, ":%5u", number) == 1;
}

static void add_xvfb(struct doctor_task *task, const char *why)
{
	char path[PATH_MAX];

	if (vgt_find_program("Xvfb", path)) {
		doctor_add(task, DOCTOR_OK, "display", "%s; vgt record starts %s", why, path);
	} else {
		doctor_add(task, DOCTOR_MISSING, "display", "%s, and Xvfb is not found in PATH",
			why)
			->package = DEBIAN_XVFB;
	}
}

static void add_display(struct doctor_task *task)
{
	const char *display = getenv("DISPLAY");
	char path[64];
	unsigned number;

	if (!display || !*display) {
		add_xvfb(task, "DISPLAY is not set");
		return;
	}
	if (!is_local_display(display, &number)) {
		doctor_add(task, DOCTOR_NOTE, "display",
			"DISPLAY=%s, not on this machine: not tried", display);
		return;
	}
	snprintf(path, sizeof(path), "/tmp/.X11-unix/X%u", number);
	if (connects(path, false) || connects(path, true)) {
		doctor_add(task, DOCTOR_OK, "display", "DISPLAY=%s, an X server is there",
			display);
	} else {
		doctor_add(task, DOCTOR_MISSING, "display",
			"DISPLAY=%s, but no X server takes connections there", display)
			->remedy = "unset DISPLAY, then vgt record starts Xvfb";
	}
}

void doctor_record_gl(struct doctor *doctor, struct doctor_task *task)
{
	char library[PATH_MAX];

	doctor_recorder(task);
	doctor_companion(task, VGT_VTEST_LIBRARY, library);
	try_server(doctor, task, library);
	add_display(task);
}
