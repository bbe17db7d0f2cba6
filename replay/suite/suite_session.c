/* SPDX-License-Identifier: MIT */
#include "suite_session.h"

#include "clock.h"
#include "companion.h"
#include "interrupt.h"
#include "progress.h"
#include "suite_expect.h"
#include "suite_fetch.h"
#include "suite_information.h"
#include "suite_jobs.h"
#include "suite_renderer.h"
#include "suite_strays.h"
#include "vgt_cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RENDERER_MS 10000 /* to find it */

struct session {
	const struct suite_request *request;
	const struct suite *suite;
	const struct suite_selected *selected;
	struct suite_runner runner;
	struct suite_renderer renderer;
	struct suite_results results;
	char player[PATH_MAX];
	/* for each test one more than the place of its result; those before `told` are reported
	 */
	size_t *places;
	size_t told;
};

/* JSON is in the order of the suite; text at once, for someone may be waiting. */
static void tell_in_order(struct session *session, bool gaps)
{
	for (; session->told < session->selected->count; session->told++) {
		const size_t place = session->places[session->told];
		if (place) {
			suite_report_result(
				&session->request->report, &session->results.list[place - 1]);
		} else if (!gaps) {
			return;
		}
	}
}

static void on_finished(void *opaque, size_t index, struct suite_result *result)
{
	struct session *session = opaque;

	if (session->request->no_skip) {
		suite_result_refuse_skip(result);
	}
	if (!session->request->report.json) {
		suite_report_result(&session->request->report, result);
	}
	if (!suite_results_add(&session->results, result)) {
		fputs("vgt: no memory for the results\n", stderr);
		session->results.runs[0].trouble = true;
		return;
	}
	session->places[index] = session->results.count;
	if (session->request->report.json) {
		tell_in_order(session, false);
	}
}

static void note_renderer(struct session *session)
{
	struct suite_information *run = &session->results.runs[0];
	const struct suite_renderer *found = &session->renderer;
	const struct {
		const char *text;
		char **copy;
	} facts[] = {{found->renderer, &run->renderer}, {found->gl_version, &run->gl_version},
		{found->virglrenderer, &run->virglrenderer}};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		*facts[i].copy = *facts[i].text ? strdup(facts[i].text) : NULL;
	}
}

/* With a directory for what is not to be kept. */
static void run_tests(struct session *session)
{
	const struct suite_request *request = session->request;
	const struct suite_jobs jobs = {
		.runner = &session->runner,
		.count = request->jobs < session->selected->count
				 ? request->jobs
				 : (unsigned)session->selected->count,
		.finished = on_finished,
		.opaque = session,
	};
	struct suite_information *run = &session->results.runs[0];
	struct vgt_err err;

	if (request->fetch && !suite_fetch(session->suite, session->selected)) {
		run->trouble = true;
	}
	suite_renderer_find(&session->renderer, session->player, RENDERER_MS);
	note_renderer(session);
	suite_report_runs(&request->report, &session->results);
	progress_begin(!request->report.json && !request->report.quiet);
	if (!session->selected->count) {
		fprintf(stderr, "vgt: shard %u/%u has no tests\n", request->selection.shard,
			request->selection.shards);
	}
	if (session->selected->count && !suite_jobs_run(&jobs, session->selected, &err)) {
		vgt_cmd_error(session->runner.scratch, &err);
		run->trouble = true;
	}
	progress_end();
	if (request->report.json) {
		tell_in_order(session, true);
	}
	suite_results_sort(&session->results);
}

/* False: told. */
static bool prepare(struct session *session)
{
	const struct suite_request *request = session->request;
	const struct suite_manifest *manifest = &session->suite->manifest;
	struct suite_information *run = suite_results_add_run(&session->results);
	struct vgt_err err;

	if (!suite_strays_check(session->suite, &err)) {
		fprintf(stderr, "vgt: %s\n", err.message);
		return false;
	}
	if (request->outputs.out &&
		!suite_kept_allows(session->suite, request->outputs.out, &err)) {
		vgt_cmd_error(request->outputs.out, &err);
		return false;
	}
	if (!companion_find("vgt-player", session->player, sizeof(session->player)) ||
		!suite_outputs_check(&request->outputs)) {
		return false;
	}
	for (size_t i = 0; i < manifest->variable_count; i++) {
		setenv(manifest->environment[i].name, manifest->environment[i].value, 0);
	}
	session->places = calloc(session->selected->count + 1, sizeof(*session->places));
	if (!session->places || !run ||
		!suite_information_gather(run, session->suite, request->path, &err)) {
		fputs("vgt: no memory for the results\n", stderr);
		return false;
	}
	run->tests = session->selected->count;
	run->drop = request->drop_draws ? strdup("draws") : NULL;
	if (request->drop_draws && !run->drop) {
		fputs("vgt: no memory for the results\n", stderr);
		return false;
	}
	run->jobs = request->jobs;
	run->shard = request->selection.shard;
	run->shards = request->selection.shards;
	session->runner = (struct suite_runner){
		.suite = session->suite,
		.renderer = &session->renderer,
		.player = session->player,
		.timeout_ms = request->timeout_ms,
		.drop_draws = request->drop_draws,
		.update = request->update,
	};
	if (!suite_kept_init(&session->runner.kept, request->outputs.out,
		    session->suite->directory, &err)) {
		vgt_cmd_error(request->path, &err);
		return false;
	}
	return true;
}

/* NULL: told. */
static char *make_scratch(void)
{
	const char *tmpdir = getenv("TMPDIR");
	char *scratch;

	tmpdir = tmpdir && *tmpdir ? tmpdir : "/tmp";
	if (asprintf(&scratch, "%s/vgt-test-XXXXXX", tmpdir) < 0) {
		fputs("vgt: no memory for a path\n", stderr);
		return NULL;
	}
	if (!mkdtemp(scratch)) {
		fprintf(stderr, "vgt: %s: cannot make a temporary directory: %s\n", tmpdir,
			strerror(errno));
		free(scratch);
		return NULL;
	}
	return scratch;
}

/* What the status of the run becomes when its pictures are approved, or not. */
static int update(struct session *session, int status)
{
	struct suite_update *update = session->request->update;

	update->suite = session->suite;
	update->renderer = &session->renderer;
	update->key = suite_key_for(&session->suite->manifest, &session->renderer);
	const int updated =
		suite_update_run(update, &session->results, session->request->report.json);
	if (interrupt_noted()) {
		interrupt_die(interrupt_noted());
	}
	return status == VGT_EXIT_TROUBLE ? status : updated;
}

static int run_session(struct session *session)
{
	const struct suite_request *request = session->request;
	const uint64_t begin = clock_ms();

	/* what is left to do then is done behind the loops */
	interrupt_note();
	char *scratch = make_scratch();
	if (!scratch) {
		return VGT_EXIT_TROUBLE;
	}
	session->runner.scratch = scratch;
	run_tests(session);
	rmdir(scratch);
	free(scratch);
	struct suite_information *run = &session->results.runs[0];
	run->seconds = (double)(clock_ms() - begin) / 1000;
	run->interrupted = interrupt_noted() != 0;
	suite_report_summary(&request->report, &session->results);
	run->trouble |= !suite_outputs_write(&request->outputs, &session->results);
	suite_kept_finish(&session->runner.kept);
	if (interrupt_noted()) {
		interrupt_die(interrupt_noted());
	}
	const int status = suite_outputs_status(&session->results);
	return request->update ? update(session, status) : status;
}

int suite_session(const struct suite_request *request, const struct suite *suite,
	const struct suite_selected *selected)
{
	static struct session session;

	session = (struct session){.request = request, .suite = suite, .selected = selected};
	const int status = prepare(&session) ? run_session(&session) : VGT_EXIT_TROUBLE;
	suite_kept_finish(&session.runner.kept);
	suite_results_finish(&session.results);
	free(session.places);
	return status;
}
