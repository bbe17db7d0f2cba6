/* SPDX-License-Identifier: MIT */
#include "suite_run.h"

#include "clock.h"
#include "interrupt.h"
#include "player_run.h"
#include "suite_attempt.h"
#include "suite_expect.h"
#include "tolerance.h"
#include "trace_store.h"
#include "vgt_cmd.h"
#include "vgt_validate.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VIOLATIONS_MAX 5 /* that are told of one trace */
#define PROBLEMS_MAX   5 /* the same of one play */

bool suite_result_init(
	struct suite_result *result, const struct suite *suite, const struct suite_test *test)
{
	*result = (struct suite_result){
		.position = (size_t)(test - suite->manifest.tests),
		.rule = test->rule,
		.attempts = 1,
	};
	result->name = strdup(test->name);
	result->shows = test->shows ? strdup(test->shows) : NULL;
	result->tags = calloc(test->tag_count + 1, sizeof(*result->tags));
	result->tolerance = tolerance_options(&test->tolerance);
	bool good = result->name && result->tags && result->tolerance &&
		    (!test->shows || result->shows);
	while (good && result->tag_count < test->tag_count) {
		result->tags[result->tag_count] = strdup(test->tags[result->tag_count]);
		good = result->tags[result->tag_count] != NULL;
		result->tag_count += good;
	}
	return good;
}

/* The trace */

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	struct suite_attempt *attempt = opaque;
	char part[16] = "";

	if (attempt->violations++ >= VIOLATIONS_MAX) {
		return;
	}
	if (violation->virgl_command != VGT_NO_VIRGL_COMMAND) {
		snprintf(part, sizeof(part), ".%" PRIu32, violation->virgl_command);
	}
	suite_attempt_find(attempt, SUITE_FAIL, "@%" PRIu64 "%s: %s", violation->command, part,
		violation->message);
}

/* As `vgt verify` does it; false: there is no use in playing it. */
static bool verify_records(struct suite_attempt *attempt, struct vgt_validator *validator)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next = VGT_READ_END;

	while (!interrupt_noted() &&
		(next = vgt_reader_next(attempt->reader, &record, &err)) == VGT_READ_RECORD) {
		vgt_validator_feed(validator, &record);
	}
	if (interrupt_noted()) {
		return false;
	}
	const enum vgt_reader_end end = vgt_reader_end(attempt->reader);
	if (next == VGT_READ_END && end == VGT_END_TAIL) {
		vgt_validator_end(validator);
	}
	if (attempt->violations > VIOLATIONS_MAX) {
		suite_attempt_find(attempt, SUITE_FAIL,
			"%" PRIu64 " more violations: vgt verify %s",
			attempt->violations - VIOLATIONS_MAX, attempt->trace);
	}
	if (next == VGT_READ_ERROR) {
		suite_attempt_find(attempt, suite_attempt_verdict(&err), "%s", err.message);
		return false;
	}
	if (end != VGT_END_TAIL) {
		suite_attempt_find(attempt, SUITE_FAIL,
			end == VGT_END_RECORDING
				? "is still being recorded"
				: "the end of the trace is missing (see `vgt help recover`)");
		return false;
	}
	return true;
}

static bool verify_trace(struct suite_attempt *attempt)
{
	struct vgt_err err;
	bool good = false;

	attempt->reader = vgt_reader_open(attempt->trace, &err);
	if (!attempt->reader) {
		suite_attempt_find(attempt, suite_attempt_verdict(&err), "%s: %s",
			attempt->trace, err.message);
		return false;
	}
	struct vgt_validator *validator = vgt_validator_create(on_violation, attempt);
	if (validator) {
		good = verify_records(attempt, validator);
	} else {
		attempt->no_memory = true;
	}
	vgt_validator_destroy(validator);
	vgt_reader_close(attempt->reader);
	return good;
}

/* Whether it is there, and the one that the manifest means. */
static bool find_trace(struct suite_attempt *attempt)
{
	const struct suite_test *test = attempt->test;
	struct vgt_err err;

	if (test->refused) {
		suite_attempt_find(attempt, SUITE_ERROR, "%s", test->refused);
		return false;
	}
	attempt->trace = suite_trace_path(attempt->runner->suite, test, &err);
	if (!attempt->trace) {
		suite_attempt_find(attempt, SUITE_ERROR, "%s", err.message);
		return false;
	}
	if (test->url && access(attempt->trace, F_OK) != 0) {
		attempt->result->not_fetched = true;
		suite_attempt_find(attempt, SUITE_SKIP, "not fetched: --fetch brings it");
		return false;
	}
	if (trace_store_check(attempt->trace, test->sha256, test->bytes, &err)) {
		return true;
	}
	if (err.code != VGT_ERR_STOPPED) {
		suite_attempt_find(attempt, suite_attempt_verdict(&err), "%s%s: %s",
			attempt->trace, err.code == VGT_ERR_MALFORMED ? " has changed" : "",
			err.message);
	}
	return false;
}

/* The play */

/* What this host's capset lacks, and where the guest asked for it. */
static void note_lack(struct suite_attempt *attempt, const struct player_event *event)
{
	struct suite_result *result = attempt->result;
	char at[48] = "";
	char *lacks;

	if (event->command != PLAYER_NO_COMMAND) {
		snprintf(at, sizeof(at), "@%" PRIu64 ": ", event->command);
	}
	if (asprintf(&lacks, "%s%s%s\n", result->lacks ? result->lacks : "", at, event->text) <
		0) {
		attempt->no_memory = true;
		return;
	}
	if (!result->lacks) {
		snprintf(attempt->lack, sizeof(attempt->lack), "%s%s", at, event->text);
	}
	free(result->lacks);
	result->lacks = lacks;
	dprintf(attempt->log.fd, "this host's capset: %s\n", event->text);
}

static void on_event(void *opaque, const struct player_event *event)
{
	struct suite_attempt *attempt = opaque;
	char at[48] = "";

	if (event->kind >= PLAYER_PROBLEM && event->command != PLAYER_NO_COMMAND) {
		const int length = snprintf(at, sizeof(at), "@%" PRIu64, event->command);
		if (event->virgl_command != PLAYER_NO_VIRGL_COMMAND) {
			snprintf(at + length, sizeof(at) - (size_t)length, ".%" PRIu32,
				event->virgl_command);
		}
		strcat(at, ": ");
	}
	switch (event->kind) {
	case PLAYER_RENDERER:
		free(attempt->result->renderer);
		attempt->result->renderer = *event->text ? strdup(event->text) : NULL;
		break;
	case PLAYER_FRAME:
		suite_frames_shown(attempt, event);
		break;
	case PLAYER_UNSHOWN:
		suite_frames_unshown(attempt, event);
		break;
	case PLAYER_PROBLEM:
		if (attempt->problems++ < PROBLEMS_MAX) {
			attempt->differences++;
			suite_attempt_find(attempt, SUITE_FAIL, "%s%s", at, event->text);
		}
		break;
	case PLAYER_FAILED:
		snprintf(attempt->failed, sizeof(attempt->failed), "%s%s", at, event->text);
		break;
	case PLAYER_LACK:
		note_lack(attempt, event);
		break;
	case PLAYER_LOG:
	case PLAYER_NOTE:
		/* beside what the renderer itself prints there, so in one write */
		dprintf(attempt->log.fd, "%s%s\n", at, event->text);
		break;
	default:
		break;
	}
}

/* Whether the manifest says what this test does here: then it is to do that. */
static bool has_word(const struct suite_attempt *attempt)
{
	const struct suite_runner *runner = attempt->runner;
	const struct suite_expectation *expectation = suite_expectation_for(
		&runner->suite->manifest, runner->renderer, attempt->test);

	return expectation && expectation->expected != SUITE_EXPECT_FLAKY;
}

/*
 * What differs on a host that lacks what the recording's had need not be a fault, so it is not
 * held against the trace. All else is: a broken rule, a golden that is missing, a difference
 * from a golden of this very renderer, draws that were left out on purpose.
 */
static void excuse(struct suite_attempt *attempt, const struct player_result *play)
{
	struct suite_result *result = attempt->result;
	char *reason;

	if (!play->lacks || result->verdict != SUITE_FAIL ||
		attempt->failures != attempt->differences || attempt->runner->drop_draws ||
		has_word(attempt)) {
		return;
	}
	if (asprintf(&reason, "differs, but this host has less than the recording's: %s",
		    attempt->lack) < 0) {
		attempt->no_memory = true;
		return;
	}
	result->verdict = SUITE_SKIP;
	suite_result_add_reason(result, reason, true);
}

static void judge_play(struct suite_attempt *attempt, const struct player_result *play)
{
	switch (play->outcome) {
	case PLAYER_CRASHED:
		suite_attempt_find(attempt, SUITE_CRASH, "%s", play->place);
		return;
	case PLAYER_HUNG:
		suite_attempt_find(attempt, SUITE_HANG, "%s", play->place);
		return;
	case PLAYER_NOT_FOUND:
		suite_attempt_find(attempt, SUITE_ERROR, "vgt-player cannot start%s%s",
			attempt->last_of_ours[0] ? ": " : "", attempt->last_of_ours);
		return;
	case PLAYER_GAVE_UP:
		suite_attempt_find(attempt,
			play->status == VGT_EXIT_DIFFERENT ? SUITE_FAIL : SUITE_ERROR, "%s",
			attempt->failed);
		return;
	case PLAYER_ENDED:
		break;
	}
	if (attempt->problems > PROBLEMS_MAX) {
		attempt->differences++;
		suite_attempt_find(attempt, SUITE_FAIL,
			"%" PRIu64 " more such: vgt replay --verify %s",
			attempt->problems - PROBLEMS_MAX, attempt->trace);
	}
	attempt->result->played = play->end.summary.frames;
	attempt->result->answers = play->end.summary.compared;
	suite_frames_end(attempt, play->end.summary.frames);
	excuse(attempt, play);
}

static void note_ours(void *opaque, const char *line)
{
	struct suite_attempt *attempt = opaque;
	snprintf(attempt->last_of_ours, sizeof(attempt->last_of_ours), "%s",
		line + strlen("vgt: "));
}

static void play(struct suite_attempt *attempt)
{
	const struct suite_runner *runner = attempt->runner;
	const bool pictures = attempt->frames != NULL;
	const struct player_run_options options = {
		.player = runner->player,
		.path = attempt->trace,
		.frames = attempt->frames,
		.rule = attempt->test->rule,
		.out = pictures ? runner->scratch : NULL,
		.no_pictures = !pictures,
		.verify = true,
		.drop_draws = runner->drop_draws,
		.timeout_ms = runner->timeout_ms,
		.output = attempt->log.fd,
		.event = on_event,
		.opaque = attempt,
	};
	struct player_run run;
	struct player_result result;
	struct vgt_err err;

	if (!player_run_start(&run, &options, &err)) {
		suite_attempt_find(attempt, SUITE_ERROR, "%s", err.message);
		return;
	}
	while (!interrupt_noted() && player_run_wait(&run, 200)) {
		vgt_child_log_relay(&attempt->log, note_ours, attempt);
	}
	player_run_finish(&run, &result);
	vgt_child_log_relay(&attempt->log, note_ours, attempt);
	if (!interrupt_noted()) {
		judge_play(attempt, &result);
	}
}

static bool open_log(struct suite_attempt *attempt)
{
	struct vgt_err err;

	if (asprintf(&attempt->log_path, "%s/log.txt", attempt->runner->scratch) < 0) {
		attempt->log_path = NULL;
		attempt->no_memory = true;
		return false;
	}
	if (!vgt_child_log_open(&attempt->log, attempt->log_path, &err)) {
		suite_attempt_find(attempt, SUITE_ERROR, "%s", err.message);
		return false;
	}
	return true;
}

void suite_scratch_empty(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir))) {
		unlinkat(dirfd(dir), entry->d_name, 0); /* not . and .. */
	}
	if (dir) {
		closedir(dir);
	}
}

bool suite_run(
	struct suite_runner *runner, const struct suite_test *test, struct suite_result *result)
{
	struct suite_attempt attempt = {
		.runner = runner, .test = test, .result = result, .log = {.fd = -1}};
	const uint64_t begin = clock_ms();

	attempt.no_memory = !suite_result_init(result, runner->suite, test);
	if (!attempt.no_memory && find_trace(&attempt) && suite_frames_prepare(&attempt) &&
		open_log(&attempt)) {
		suite_attempt_clear_kept(&attempt);
		if (verify_trace(&attempt)) {
			play(&attempt);
		}
		if (result->verdict != SUITE_PASS && !interrupt_noted()) {
			suite_attempt_keep_log(&attempt);
		}
	}
	result->seconds = (double)(clock_ms() - begin) / 1000;
	result->other_failures = attempt.errors + attempt.failures - attempt.bad_goldens;
	result->only_frames_fail =
		attempt.failures > 0 && attempt.failures == attempt.bad_pictures;
	vgt_child_log_close(&attempt.log);
	suite_scratch_empty(runner->scratch);
	suite_goldens_finish(&attempt.goldens);
	free(attempt.log_path);
	free(attempt.frames);
	free(attempt.goldens_path);
	result->trace = attempt.trace;
	if (attempt.no_memory && !interrupt_noted()) {
		suite_attempt_find(&attempt, SUITE_ERROR, "no memory");
	}
	return !interrupt_noted();
}

void suite_skip(struct suite_runner *runner, const struct suite_test *test, const char *reason,
	struct suite_result *result)
{
	struct suite_attempt attempt = {.runner = runner, .test = test, .result = result};

	attempt.no_memory = !suite_result_init(result, runner->suite, test);
	if (!test->refused) {
		suite_attempt_clear_kept(&attempt);
	}
	suite_attempt_find(&attempt, SUITE_SKIP, "%s", reason);
	if (attempt.no_memory) {
		suite_attempt_find(&attempt, SUITE_ERROR, "no memory");
	}
}
