/* SPDX-License-Identifier: MIT */
#include "suite_jobs.h"

#include "clock.h"
#include "interrupt.h"
#include "progress.h"
#include "suite_result_json.h"
#include "suite_trial.h"
#include "vgt_json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 200
#define LONG_S  5
#define END_MS  5000 /* from SIGTERM to SIGKILL: more than a player gets */

/* A process that runs one test. Its number is also that of its process group, in which its
 * player is, so that nothing of it is left. */
struct worker {
	pid_t pid;   /* 0: none */
	int results; /* to read the result from, as JSON */
	size_t index;
	uint64_t since_ms;
	char *text;
	size_t size, room;
	char *scratch;
};

struct pool {
	const struct suite_jobs *jobs;
	const struct suite_selected *selected;
	struct worker *workers;
	struct pollfd *waits;
	size_t next, running, done, bad;
};

unsigned suite_jobs_default(void)
{
	cpu_set_t processors;

	CPU_ZERO(&processors);
	return sched_getaffinity(0, sizeof(processors), &processors) == 0
		       ? (unsigned)CPU_COUNT(&processors)
		       : 1;
}

/* The process of a test */

static bool write_result(int to, const struct suite_result *result, const char *out)
{
	struct json_object *object = suite_result_to_json(result, out);
	FILE *stream = fdopen(to, "w");

	if (!stream || !object) {
		return false;
	}
	vgt_json_print(stream, object);
	return fclose(stream) == 0;
}

__attribute__((noreturn)) static void work(
	const struct pool *pool, const struct worker *worker, pid_t parent, int to)
{
	struct suite_runner runner = *pool->jobs->runner;
	struct suite_result result;

	/* both do this, so that it is done before either goes on */
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, (long)SIGTERM) != 0 || getppid() != parent) {
		_exit(1);
	}
	progress_begin(false);
	runner.scratch = worker->scratch;
	const bool good = suite_trial(&runner, pool->selected->list[worker->index], &result) &&
			  write_result(to, &result, runner.kept.path);
	if (interrupt_noted()) {
		interrupt_die(interrupt_noted());
	}
	/* no exit(): what it would write is its parent's to write */
	_exit(good ? 0 : 1);
}

/* Its parent */

/* Waits for the process; where it has not ended by itself, ends all of its group. */
static int reap(const struct worker *worker, bool ended)
{
	int status = 0;

	if (!ended) {
		kill(-worker->pid, SIGKILL);
	}
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
	}
	/* its player is this process's now (PR_SET_CHILD_SUBREAPER) */
	while (!ended && (waitpid(-worker->pid, NULL, 0) > 0 || errno == EINTR)) {
	}
	return status;
}

static void release(struct pool *pool, struct worker *worker)
{
	close(worker->results);
	suite_scratch_empty(worker->scratch);
	free(worker->text);
	*worker = (struct worker){.results = -1, .scratch = worker->scratch};
	pool->running--;
}

/* Why there is no result; NULL: no memory. */
static char *death_of(int status, const struct vgt_err *err)
{
	char *reason;
	int length;

	if (WIFSIGNALED(status)) {
		length = asprintf(&reason, "the process that ran it was ended (%s)",
			strsignal(WTERMSIG(status)));
	} else {
		length =
			asprintf(&reason, "the process that ran it has no result (exit %d): %s",
				WEXITSTATUS(status), err->message);
	}
	return length < 0 ? NULL : reason;
}

static void report(struct pool *pool, size_t index, struct suite_result *result)
{
	pool->done++;
	pool->bad += suite_verdict_is_bad(result->verdict) || result->verdict == SUITE_ERROR;
	pool->jobs->finished(pool->jobs->opaque, index, result);
}

static void report_error(struct pool *pool, size_t index, char *reason)
{
	struct suite_result result;

	suite_result_init(&result, pool->jobs->runner->suite, pool->selected->list[index]);
	result.verdict = SUITE_ERROR;
	suite_result_add_reason(&result, reason, true);
	report(pool, index, &result);
}

/* The process has closed its end: it has said all. */
static void finish_worker(struct pool *pool, struct worker *worker)
{
	const struct suite_runner *runner = pool->jobs->runner;
	const struct suite_test *test = pool->selected->list[worker->index];
	const size_t index = worker->index;
	struct suite_result result;
	struct vgt_err err;
	struct json_object *object =
		suite_result_json_parse(worker->text ? worker->text : "", worker->size, &err);
	const bool good = object && suite_result_from_json(&result, object, runner->kept.path,
					    test->name, &err);

	json_object_put(object);
	const int status = reap(worker, good);
	release(pool, worker);
	if (good) {
		report(pool, index, &result);
	} else if (!interrupt_noted()) {
		report_error(pool, index, death_of(status, &err));
	}
}

/* False: that was all, or it is more than a result. */
static bool read_some(struct worker *worker)
{
	if (worker->size == worker->room) {
		const size_t room = worker->room ? 2 * worker->room : 1 << 16;
		char *text =
			room <= 2 * SUITE_RESULT_JSON_MAX ? realloc(worker->text, room) : NULL;
		if (!text) {
			return false;
		}
		worker->text = text;
		worker->room = room;
	}
	const ssize_t got =
		read(worker->results, worker->text + worker->size, worker->room - worker->size);
	worker->size += got > 0 ? (size_t)got : 0;
	return got > 0 || (got < 0 && errno == EINTR);
}

static bool start_worker(struct pool *pool, struct worker *worker)
{
	const pid_t parent = getpid();
	int results[2];

	if (pipe2(results, O_CLOEXEC) != 0) {
		return false;
	}
	worker->index = pool->next;
	worker->since_ms = clock_ms();
	progress_clear();
	fflush(NULL); /* what is buffered shall not be printed by both */
	const pid_t pid = fork();
	if (pid == 0) {
		work(pool, worker, parent, results[1]);
	}
	const int error = errno;
	close(results[1]);
	if (pid < 0) {
		close(results[0]);
		errno = error;
		return false;
	}
	setpgid(pid, pid);
	worker->pid = pid;
	worker->results = results[0];
	pool->running++;
	pool->next++;
	return true;
}

/* One that cannot be started is tried again when another has ended. */
static void start_workers(struct pool *pool)
{
	for (unsigned i = 0; i < pool->jobs->count && pool->next < pool->selected->count; i++) {
		struct worker *worker = &pool->workers[i];
		if (worker->pid || start_worker(pool, worker)) {
			continue;
		}
		if (!pool->running) {
			char *reason;
			if (asprintf(&reason, "cannot start a process: %s", strerror(errno)) <
				0) {
				reason = NULL;
			}
			report_error(pool, pool->next++, reason);
		}
		return;
	}
}

/* "[3/20] 1 bad: gears, teapot (12 s)": what takes long may hang */
static void show_progress(const struct pool *pool)
{
	const char *between = ": ";
	char text[400];
	FILE *to;

	if (!progress_due() || !(to = fmemopen(text, sizeof(text), "w"))) {
		return;
	}
	fprintf(to, "[%zu/%zu]", pool->done, pool->selected->count);
	if (pool->bad) {
		fprintf(to, " %zu bad", pool->bad);
	}
	for (unsigned i = 0; i < pool->jobs->count; i++) {
		const struct worker *worker = &pool->workers[i];
		if (!worker->pid) {
			continue;
		}
		const uint64_t seconds = (clock_ms() - worker->since_ms) / 1000;
		fprintf(to, "%s%s", between, pool->selected->list[worker->index]->name);
		if (seconds >= LONG_S) {
			fprintf(to, " (%" PRIu64 " s)", seconds);
		}
		between = ", ";
	}
	fclose(to);
	text[sizeof(text) - 1] = '\0';
	progress_show("%s", text);
}

static void wait_for_workers(struct pool *pool)
{
	for (unsigned i = 0; i < pool->jobs->count; i++) {
		/* poll() leaves out what is negative */
		pool->waits[i] = (struct pollfd){pool->workers[i].results, POLLIN, 0};
	}
	if (poll(pool->waits, pool->jobs->count, WAIT_MS) <= 0) {
		return;
	}
	for (unsigned i = 0; i < pool->jobs->count; i++) {
		if (pool->waits[i].revents && !read_some(&pool->workers[i])) {
			finish_worker(pool, &pool->workers[i]);
		}
	}
}

/* They end their players themselves, so that these can remove what they have half written. */
static void end_workers(struct pool *pool)
{
	const uint64_t until = clock_ms() + END_MS;

	for (unsigned i = 0; i < pool->jobs->count; i++) {
		if (pool->workers[i].pid) {
			kill(pool->workers[i].pid, SIGTERM);
		}
	}
	while (pool->running && clock_ms() < until) {
		wait_for_workers(pool);
	}
	for (unsigned i = 0; i < pool->jobs->count; i++) {
		if (pool->workers[i].pid) {
			reap(&pool->workers[i], false);
			release(pool, &pool->workers[i]);
		}
	}
}

static bool make_workers(struct pool *pool, struct vgt_err *err)
{
	const unsigned count = pool->jobs->count;

	pool->workers = calloc(count, sizeof(*pool->workers));
	pool->waits = calloc(count, sizeof(*pool->waits));
	for (unsigned i = 0; pool->workers && pool->waits && i < count; i++) {
		struct worker *worker = &pool->workers[i];
		worker->results = -1;
		if (asprintf(&worker->scratch, "%s/%u", pool->jobs->runner->scratch, i) < 0) {
			worker->scratch = NULL;
			return vgt_err_system(err, ENOMEM, "cannot run tests");
		}
		if (mkdir(worker->scratch, 0700) != 0) {
			return vgt_err_system(err, errno, "cannot make a temporary directory");
		}
	}
	return (pool->workers && pool->waits) ||
	       vgt_err_system(err, ENOMEM, "cannot run tests");
}

static void finish_workers(struct pool *pool)
{
	for (unsigned i = 0; pool->workers && i < pool->jobs->count; i++) {
		if (pool->workers[i].scratch) {
			rmdir(pool->workers[i].scratch);
		}
		free(pool->workers[i].scratch);
	}
	free(pool->workers);
	free(pool->waits);
}

bool suite_jobs_run(const struct suite_jobs *jobs, const struct suite_selected *selected,
	struct vgt_err *err)
{
	struct pool pool = {.jobs = jobs, .selected = selected};

	prctl(PR_SET_CHILD_SUBREAPER, 1L);
	const bool good = make_workers(&pool, err);
	while (good && pool.done < selected->count && !interrupt_noted()) {
		start_workers(&pool);
		wait_for_workers(&pool);
		show_progress(&pool);
	}
	if (good) {
		end_workers(&pool);
	}
	finish_workers(&pool);
	prctl(PR_SET_CHILD_SUBREAPER, 0L);
	return good;
}
