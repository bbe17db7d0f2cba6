/* SPDX-License-Identifier: MIT */
#include "child.h"

#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* The parent of a process, 0 where there is no such process; and whether it is a zombie. */
static pid_t parent_of(const char *pid, bool *zombie)
{
	char path[64];
	char text[512];
	char state;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return 0;
	}
	const ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size > 0 ? size : 0] = '\0';
	/* The name in parentheses may hold anything, other parentheses too. */
	const char *rest = strrchr(text, ')');
	if (!rest || sscanf(rest, ") %c %d", &state, &parent) != 2) {
		return 0;
	}
	*zombie = state == 'Z';
	return parent;
}

/* Calls visit() for each process whose parent is `parent`. */
static void for_each_child(
	pid_t parent, void (*visit)(void *opaque, pid_t pid, bool zombie), void *opaque)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	bool zombie = false;

	if (!directory) {
		return;
	}
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			parent_of(entry->d_name, &zombie) == parent) {
			visit(opaque, (pid_t)atoi(entry->d_name), zombie);
		}
	}
	closedir(directory);
}

static void note_inherited(void *opaque, pid_t pid, bool zombie)
{
	struct vgt_children *children = opaque;
	(void)zombie;
	pid_t *inherited = realloc(
		children->inherited, (children->inherited_count + 1) * sizeof(*inherited));

	if (inherited) {
		children->inherited = inherited;
		inherited[children->inherited_count++] = pid;
	}
}

/* What was ignored when vgt started, as nohup has it, stays so. */
static void add_unless_ignored(sigset_t *mask, int number)
{
	struct sigaction action;

	if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
		sigaddset(mask, number);
	}
}

static void restore_actions(const struct vgt_children *children)
{
	sigaction(SIGCHLD, &children->old_child, NULL);
	sigaction(SIGPIPE, &children->old_pipe, NULL);
}

bool vgt_children_init(struct vgt_children *children, struct vgt_err *err)
{
	static const struct sigaction standard = {.sa_handler = SIG_DFL},
				      ignored = {.sa_handler = SIG_IGN};
	sigset_t mask;

	*children = (struct vgt_children){.signal_fd = -1};
	/* an inherited SIG_IGN would leave nothing to wait for */
	sigaction(SIGCHLD, &standard, &children->old_child);
	/* whoever reads stderr may go before the work is done */
	sigaction(SIGPIPE, &ignored, &children->old_pipe);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	add_unless_ignored(&mask, SIGINT);
	add_unless_ignored(&mask, SIGQUIT);
	add_unless_ignored(&mask, SIGTERM);
	add_unless_ignored(&mask, SIGHUP);
	children->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (children->signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1L) != 0) {
		vgt_err_system(err, errno, "cannot watch over processes");
		if (children->signal_fd >= 0) {
			close(children->signal_fd);
		}
		restore_actions(children);
		return false;
	}
	sigprocmask(SIG_BLOCK, &mask, &children->old_mask);
	for_each_child(getpid(), note_inherited, children);
	return true;
}

static void count_signals(struct vgt_children *children)
{
	struct signalfd_siginfo info;

	while (read(children->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGINT:
		case SIGQUIT:
			children->interrupts++;
			break;
		case SIGTERM:
		case SIGHUP:
			children->terminations++;
			break;
		default:
			break;
		}
	}
}

void vgt_children_finish(struct vgt_children *children)
{
	count_signals(children);
	close(children->signal_fd);
	sigprocmask(SIG_SETMASK, &children->old_mask, NULL);
	restore_actions(children);
	prctl(PR_SET_CHILD_SUBREAPER, 0L);
	free(children->inherited);
	children->inherited = NULL;
}

static bool redirect(const struct vgt_child_spec *spec)
{
	if (spec->output >= 0) {
		const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
			dup2(spec->output, STDOUT_FILENO) < 0 ||
			dup2(spec->output, STDERR_FILENO) < 0) {
			return false;
		}
	}
	return spec->pass < 0 || fcntl(spec->pass, F_SETFD, 0) == 0;
}

/* In the child: becomes the program, or returns why not. */
static int become(
	const struct vgt_children *children, const struct vgt_child_spec *spec, pid_t parent)
{
	if (spec->own_group && setpgid(0, 0) != 0) {
		return errno;
	}
	if (spec->dies_with_vgt && prctl(PR_SET_PDEATHSIG, (long)SIGTERM) != 0) {
		return errno;
	}
	if (getppid() != parent) {
		return ESRCH; /* vgt was killed before that had an effect */
	}
	signal(SIGPIPE, SIG_DFL);
	if (!redirect(spec) || (spec->prepare && !spec->prepare(spec->opaque))) {
		return errno;
	}
	sigprocmask(SIG_SETMASK, &children->old_mask, NULL);
	execvp(spec->argv[0], spec->argv);
	return errno;
}

int vgt_child_start(struct vgt_children *children, struct vgt_child *child,
	const struct vgt_child_spec *spec)
{
	const pid_t parent = getpid();
	int trouble[2]; /* closed by a successful exec, so that its end is the good news */
	int error = 0;

	*child = (struct vgt_child){0};
	if (children->count == VGT_CHILDREN_MAX) {
		return ENOMEM;
	}
	if (pipe2(trouble, O_CLOEXEC) != 0) {
		return errno;
	}
	fflush(NULL);
	const pid_t pid = fork();
	if (pid == 0) {
		error = become(children, spec, parent);
		while (write(trouble[1], &error, sizeof(error)) < 0 && errno == EINTR) {
		}
		_exit(127);
	}
	if (pid < 0) {
		error = errno;
	}
	close(trouble[1]);
	while (pid > 0 && read(trouble[0], &error, sizeof(error)) < 0 && errno == EINTR) {
	}
	close(trouble[0]);
	if (error) {
		if (pid > 0) {
			waitpid(pid, NULL, 0);
		}
		return error;
	}
	*child = (struct vgt_child){.pid = pid, .running = true};
	children->known[children->count++] = child;
	return 0;
}

static void reap(struct vgt_children *children)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < children->count; i++) {
			struct vgt_child *child = children->known[i];
			if (child->running && child->pid == pid) {
				child->running = false;
				child->status = status;
			}
		}
	}
}

void vgt_children_wait(struct vgt_children *children, unsigned timeout_ms)
{
	struct pollfd wanted = {.fd = children->signal_fd, .events = POLLIN};

	poll(&wanted, 1, (int)timeout_ms);
	count_signals(children);
	reap(children);
}

void vgt_child_signal(const struct vgt_child *child, int number)
{
	/* What was not waited for keeps its number, so this hits nobody else. */
	if (child->running) {
		kill(child->pid, number);
	}
}

void vgt_child_end(struct vgt_children *children, struct vgt_child *child, unsigned grace_ms)
{
	const uint64_t until = clock_ms() + grace_ms;

	vgt_child_signal(child, SIGTERM);
	while (child->running && clock_ms() < until) {
		vgt_children_wait(children, 50);
	}
	vgt_child_signal(child, SIGKILL);
	while (child->running) {
		vgt_children_wait(children, 50);
	}
}

void vgt_children_forget(struct vgt_children *children, const struct vgt_child *child)
{
	for (size_t i = 0; i < children->count; i++) {
		if (children->known[i] == child) {
			children->known[i] = children->known[--children->count];
			return;
		}
	}
}

struct orphan_visit {
	const struct vgt_children *children;
	int number;
	size_t count;
};

/* A zombie counts: vgt_children_wait() will reap it, or it has threads that still run. */
static void visit_orphan(void *opaque, pid_t pid, bool zombie)
{
	struct orphan_visit *visit = opaque;
	const struct vgt_children *children = visit->children;
	(void)zombie;

	for (size_t i = 0; i < children->count; i++) {
		if (children->known[i]->running && children->known[i]->pid == pid) {
			return;
		}
	}
	for (size_t i = 0; i < children->inherited_count; i++) {
		if (children->inherited[i] == pid) {
			return;
		}
	}
	visit->count++;
	if (visit->number) {
		kill(pid, visit->number);
	}
}

size_t vgt_children_orphans(const struct vgt_children *children, int number)
{
	struct orphan_visit visit = {.children = children, .number = number};

	for_each_child(getpid(), visit_orphan, &visit);
	return visit.count;
}

static void count_child(void *opaque, pid_t pid, bool zombie)
{
	(void)pid;
	*(size_t *)opaque += !zombie;
}

size_t vgt_child_offspring(const struct vgt_child *child)
{
	size_t count = 0;

	if (child->running) {
		for_each_child(child->pid, count_child, &count);
	}
	return count;
}
