/* SPDX-License-Identifier: MIT */
#include "player_run.h"

#include "clock.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_record_desc.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS     2000 /* from SIGTERM to SIGKILL */
#define CANNOT_RUN 127  /* the exit status where exec() fails, or ld.so does */

/* The child */

__attribute__((noreturn)) static void exec_player(
	const struct player_run_options *options, int events, int progress)
{
	char rule[8];
	const char *argv[20];
	int argc = 0;
	snprintf(rule, sizeof(rule), "%d", (int)options->rule);
	argv[argc++] = "vgt-player";
	const struct {
		const char *option, *value;
	} values[] = {{"--frames", options->frames}, {"--rule", rule}, {"--out", options->out},
		{"--window", options->window}};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].value) {
			argv[argc++] = values[i].option;
			argv[argc++] = values[i].value;
		}
	}
	const struct {
		const char *option;
		bool set;
	} flags[] = {{"--no-pictures", options->no_pictures}, {"--verify", options->verify},
		{"--alpha", options->alpha}, {"--step", options->step},
		{"--drop-draws", options->drop_draws}, {"--need-capset", options->need_capset}};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].set) {
			argv[argc++] = flags[i].option;
		}
	}
	argv[argc++] = "--";
	argv[argc++] = options->path;
	argv[argc] = NULL;
	/* dup2 to itself would keep FD_CLOEXEC: go through high numbers */
	const int high_events = fcntl(events, F_DUPFD_CLOEXEC, 10);
	const int high_progress = fcntl(progress, F_DUPFD_CLOEXEC, 10);
	const int high_output = options->output < 0
					? STDERR_FILENO
					: fcntl(options->output, F_DUPFD_CLOEXEC, 10);
	signal(SIGTERM, SIG_DFL); /* how it ends, where vgt is killed, too */
	/* the renderer prints to stdout, too, which is for data */
	if (prctl(PR_SET_PDEATHSIG, (long)SIGTERM) == 0 && high_events >= 0 &&
		high_progress >= 0 && high_output >= 0 &&
		dup2(high_output, STDOUT_FILENO) >= 0 &&
		dup2(high_output, STDERR_FILENO) >= 0 &&
		dup2(high_events, PLAYER_EVENTS_FD) >= 0 &&
		dup2(high_progress, PLAYER_PROGRESS_FD) >= 0) {
		execv(options->player, (char *const *)argv);
	}
	fprintf(stderr, "vgt: %s: %s\n", options->player, strerror(errno));
	_exit(CANNOT_RUN);
}

/* A page that the child shares. */
static struct player_progress *share_progress(int *fd)
{
	void *page = MAP_FAILED;
	*fd = memfd_create("vgt-progress", MFD_CLOEXEC);
	if (*fd >= 0 && ftruncate(*fd, sizeof(struct player_progress)) == 0) {
		page = mmap(NULL, sizeof(struct player_progress), PROT_READ | PROT_WRITE,
			MAP_SHARED, *fd, 0);
	}
	return page == MAP_FAILED ? NULL : page;
}

bool player_run_start(
	struct player_run *run, const struct player_run_options *options, struct vgt_err *err)
{
	int events[2] = {-1, -1}, progress = -1;
	*run = (struct player_run){.events = -1, .options = options, .child = -1};
	run->progress = share_progress(&progress);
	if (run->progress && pipe2(events, O_CLOEXEC) == 0) {
		fflush(NULL); /* what is buffered shall not be printed by both */
		run->child = fork();
		if (run->child == 0) {
			exec_player(options, events[1], progress);
		}
	}
	const int error = errno;
	if (events[1] >= 0) {
		close(events[1]);
	}
	if (progress >= 0) {
		close(progress);
	}
	run->events = events[0];
	run->moved_ms = clock_ms();
	if (run->child > 0) {
		return true;
	}
	if (events[0] >= 0) {
		close(events[0]);
	}
	if (run->progress) {
		munmap(run->progress, sizeof(*run->progress));
	}
	return vgt_err_system(err, error, "cannot start the player");
}

/* As far as who gets it relies on it. */
static bool is_event(const struct player_event *event)
{
	const bool frame = event->kind == PLAYER_FRAME || event->kind == PLAYER_UNSHOWN;
	return event->kind >= PLAYER_RENDERER && event->kind <= PLAYER_END &&
	       (!frame || event->frame.rule <= VGT_FRAME_MARKER);
}

/* False: it is none. */
static bool take_event(struct player_run *run)
{
	struct player_event *event = &run->event;
	if (!is_event(event)) {
		run->garbled = true;
		return false;
	}
	event->text[sizeof(event->text) - 1] = '\0';
	if (event->kind == PLAYER_END) {
		run->ended = true;
		run->result.end = *event;
	}
	run->gave_up |= event->kind == PLAYER_FAILED;
	run->result.problems += event->kind == PLAYER_PROBLEM;
	run->result.lacks += event->kind == PLAYER_LACK;
	run->result.shown += event->kind == PLAYER_FRAME || event->kind == PLAYER_UNSHOWN;
	run->options->event(run->options->opaque, event);
	return true;
}

/* False at the end of the stream, or where it makes no sense. */
static bool read_event(struct player_run *run)
{
	const ssize_t got = read(
		run->events, (char *)&run->event + run->have, sizeof(run->event) - run->have);
	if (got <= 0) {
		return got < 0 && errno == EINTR;
	}
	run->have += (size_t)got;
	if (run->have == sizeof(run->event)) {
		run->have = 0;
		return take_event(run);
	}
	return true;
}

bool player_run_wait(struct player_run *run, int timeout_ms)
{
	struct pollfd wait = {run->events, POLLIN, 0};
	const bool ready = poll(&wait, 1, timeout_ms) > 0;
	if (ready && !read_event(run)) {
		run->over = !run->garbled;
		return false;
	}
	const uint64_t now = clock_ms(), calls = run->progress->calls;
	if (calls != run->calls || ready) {
		run->calls = calls;
		run->moved_ms = now;
	} else if (now - run->moved_ms > run->options->timeout_ms) {
		run->hung = true;
		return false;
	}
	return true;
}

/* Where the child was when it died. */
static void say_place(struct player_run *run, const char *what)
{
	const struct player_progress *progress = run->progress;
	char *place = run->result.place;
	const size_t size = sizeof(run->result.place);
	const uint32_t type = progress->type;
	char address[VGT_ADDRESS_TEXT_SIZE];
	if (!type) {
		snprintf(place, size, "renderer %s outside of any command", what);
		return;
	}
	snprintf(place, size, "%s: renderer %s in %s%s",
		vgt_address_text(address, progress->command, progress->virgl_command), what,
		vgt_record_name((uint16_t)type),
		!run->options->step && type == VIRTIO_GPU_CMD_SUBMIT_3D
			? " (--step tells the virgl command)"
			: "");
}

/* In place of a player that cannot say it any more. */
static void give_up(struct player_run *run, const char *why)
{
	struct player_event event = {.kind = PLAYER_FAILED,
		.command = PLAYER_NO_COMMAND,
		.virgl_command = PLAYER_NO_VIRGL_COMMAND};
	snprintf(event.text, sizeof(event.text), "%s", why);
	run->options->event(run->options->opaque, &event);
	run->result.outcome = PLAYER_GAVE_UP;
	run->result.status = VGT_EXIT_TROUBLE;
}

static void judge(struct player_run *run, int status)
{
	struct player_result *result = &run->result;
	char what[64];
	if (run->hung && run->progress->in_display) {
		give_up(run, "the display of the window does not answer");
	} else if (run->hung) {
		result->outcome = PLAYER_HUNG;
		snprintf(what, sizeof(what), "hung for %" PRIu64 " s",
			run->options->timeout_ms / 1000);
		say_place(run, what);
	} else if (run->garbled) {
		result->outcome = PLAYER_CRASHED;
		say_place(run, "broke the player (it wrote something that is no event)");
	} else if (WIFSIGNALED(status)) {
		result->outcome = PLAYER_CRASHED;
		snprintf(what, sizeof(what), "crashed (%s)", strsignal(WTERMSIG(status)));
		say_place(run, what);
	} else if (WEXITSTATUS(status) == CANNOT_RUN && !run->progress->started) {
		result->outcome = PLAYER_NOT_FOUND;
	} else if (run->gave_up) {
		result->outcome = PLAYER_GAVE_UP;
		result->status = WEXITSTATUS(status);
	} else if (!run->ended) {
		result->outcome = PLAYER_CRASHED;
		snprintf(what, sizeof(what), "ended the player (exit %d)", WEXITSTATUS(status));
		say_place(run, what);
	} else {
		result->outcome = PLAYER_ENDED;
	}
}

uint64_t player_run_command(const struct player_run *run)
{
	return run->progress->command;
}

/* By SIGTERM, at which it removes the picture that it is writing; where that does not help, by
 * SIGKILL. */
static int end_player(pid_t child)
{
	const uint64_t until = clock_ms() + END_MS;
	int status = 0;
	pid_t ended;
	kill(child, SIGTERM);
	while ((ended = waitpid(child, &status, WNOHANG)) == 0 && clock_ms() < until) {
		poll(NULL, 0, 5);
	}
	if (ended == 0) {
		kill(child, SIGKILL);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
		}
	}
	return status;
}

void player_run_finish(struct player_run *run, struct player_result *result)
{
	int status = 0;
	/* one that has come to its end is not interrupted at its last steps */
	if (run->hung || run->garbled || !(run->over || run->ended)) {
		status = end_player(run->child);
	} else {
		while (waitpid(run->child, &status, 0) < 0 && errno == EINTR) {
		}
	}
	close(run->events);
	judge(run, status);
	munmap(run->progress, sizeof(*run->progress));
	*result = run->result;
}
