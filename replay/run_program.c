/* SPDX-License-Identifier: MIT */
#include "run_program.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 20
/* From SIGKILL to the end: one that is stuck in the kernel is given up. */
#define KILL_MS 2000

struct output {
	struct vgt_run_result *result;
	int fd;
	size_t length;
};

/* Takes what is there; beyond the room it is thrown away, so that its writer never waits. */
static void drain(struct output *output)
{
	char rest[4096];

	for (int reads = 0; reads < 64; reads++) {
		const size_t room = sizeof(output->result->output) - 1 - output->length;
		char *to = room ? output->result->output + output->length : rest;
		const ssize_t got = read(output->fd, to, room ? room : sizeof(rest));
		if (got <= 0) {
			return;
		}
		output->length += room ? (size_t)got : 0;
	}
}

/* Text is what it is used as. */
static void finish_text(struct output *output)
{
	char *text = output->result->output;

	text[output->length] = '\0';
	for (char *at = text; (at = memchr(at, '\0', (size_t)(text + output->length - at)));) {
		*at = ' ';
	}
}

static bool is_stopped(const struct vgt_children *children)
{
	return children->interrupts + children->terminations > 0;
}

void vgt_run_end_orphans(struct vgt_children *children)
{
	const uint64_t until = clock_ms() + KILL_MS;

	while (vgt_children_orphans(children, SIGKILL) > 0 && clock_ms() < until) {
		vgt_children_wait(children, LOOK_MS);
	}
}

/* With all that it has started, also what has left its process group. */
static void kill_all(struct vgt_children *children, const struct vgt_child *child)
{
	const uint64_t until = clock_ms() + KILL_MS;

	if (child->running) {
		kill(-child->pid, SIGKILL);
	}
	while (child->running && clock_ms() < until) {
		vgt_children_wait(children, LOOK_MS);
	}
	vgt_run_end_orphans(children);
}

static void watch(struct vgt_run_result *result, struct vgt_children *children,
	struct vgt_child *child, int fd, unsigned timeout_ms)
{
	struct output output = {.result = result, .fd = fd};
	const uint64_t until = clock_ms() + timeout_ms;

	while (child->running && !is_stopped(children) && clock_ms() < until) {
		vgt_children_wait(children, LOOK_MS);
		drain(&output);
	}
	result->stopped = is_stopped(children);
	result->timed_out = child->running && !result->stopped;
	result->status = child->status;
	kill_all(children, child);
	drain(&output);
	finish_text(&output);
}

void vgt_run_program(struct vgt_run_result *result, struct vgt_children *children,
	char *const *argv, bool (*prepare)(void *opaque), void *opaque, unsigned timeout_ms)
{
	struct vgt_child child = {0};
	int ends[2];

	memset(result, 0, sizeof(*result));
	if (pipe2(ends, O_CLOEXEC) != 0) {
		result->error = errno;
		return;
	}
	const struct vgt_child_spec spec = {
		.argv = argv,
		.prepare = prepare,
		.opaque = opaque,
		.output = ends[1],
		.pass = -1,
		.own_group = true,
		.dies_with_vgt = true,
	};
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	result->error = vgt_child_start(children, &child, &spec);
	close(ends[1]);
	if (result->error == 0) {
		watch(result, children, &child, ends[0], timeout_ms);
		vgt_children_forget(children, &child);
	}
	close(ends[0]);
}

bool vgt_run_succeeded(const struct vgt_run_result *result)
{
	return !result->error && !result->timed_out && !result->stopped &&
	       WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0;
}

const char *vgt_run_describe(
	const struct vgt_run_result *result, unsigned timeout_ms, char *text, size_t size)
{
	if (result->error) {
		snprintf(text, size, "cannot be started: %s", strerror(result->error));
	} else if (result->stopped) {
		snprintf(text, size, "was interrupted");
	} else if (result->timed_out) {
		snprintf(text, size, "took longer than %.3g s", timeout_ms / 1e3);
	} else if (WIFSIGNALED(result->status)) {
		snprintf(text, size, "ended by signal %d (%s)", WTERMSIG(result->status),
			strsignal(WTERMSIG(result->status)));
	} else {
		snprintf(text, size, "exited with status %d", WEXITSTATUS(result->status));
	}
	return text;
}
