/* SPDX-License-Identifier: MIT */
#include "suite_trial.h"

#include "suite_commands.h"
#include "suite_expect.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first reason from now on: what was made by asprintf(), or NULL for lack of memory. */
static void put_first(struct suite_result *result, char *reason)
{
	suite_result_add_reason(result, reason ? reason : strdup("no memory"), true);
}

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
	char *made;
	va_list args;

	va_start(args, format);
	const int length = vasprintf(&made, format, args);
	va_end(args);
	return length < 0 ? NULL : made;
}

static bool is_wrong(const struct suite_result *result)
{
	return result->verdict == SUITE_FAIL || result->verdict == SUITE_CRASH ||
	       result->verdict == SUITE_HANG;
}

/* Whether what is wrong is no more than what the expectation is about. */
static bool is_within(
	const struct suite_expectation *expectation, const struct suite_result *result)
{
	if (!expectation->frames || result->verdict == SUITE_CRASH ||
		result->verdict == SUITE_HANG) {
		return true;
	}
	for (size_t i = 0; i < result->frame_count; i++) {
		const struct suite_frame *frame = &result->frames[i];
		if (!frame->same && !suite_expectation_has_frame(expectation, frame->number)) {
			return false;
		}
	}
	return result->only_frames_fail;
}

/* What a test that is expected not to pass came to. */
static void hold_against(const struct suite_manifest *manifest,
	const struct suite_expectation *expectation, struct suite_result *result)
{
	static const enum suite_verdict verdicts[SUITE_EXPECTED] = {
		[SUITE_EXPECT_FAIL] = SUITE_FAIL,
		[SUITE_EXPECT_CRASH] = SUITE_CRASH,
		[SUITE_EXPECT_HANG] = SUITE_HANG};

	if (result->verdict == SUITE_PASS) {
		result->verdict = SUITE_FIXED;
		put_first(result,
			text("passes, but is %s (by the manifest's expect[%td])",
				result->expected, expectation - manifest->expectations));
	} else if (result->verdict == verdicts[expectation->expected] &&
		   is_within(expectation, result)) {
		result->verdict = SUITE_KNOWN;
		put_first(result, strdup(result->expected));
	} else if (is_wrong(result)) {
		suite_result_add_reason(
			result, text("it is %s, but not to do this", result->expected), false);
	}
}

/* Runs it again until it passes. `before`: what it said each time until then. */
static bool run_again(struct suite_runner *runner, const struct suite_test *test,
	const struct suite_expectation *expectation, const char *expected,
	struct suite_result *result)
{
	char *before = NULL;
	size_t size;
	FILE *to = open_memstream(&before, &size);
	double seconds = 0;
	unsigned attempts = 1;
	bool whole = true;

	while (to && whole && attempts <= expectation->retries && is_wrong(result) &&
		is_within(expectation, result)) {
		fprintf(to, "%s%s", attempts > 1 ? "; " : "",
			result->reason_count ? result->reasons[0] : "no memory");
		seconds += result->seconds;
		suite_result_finish(result);
		whole = suite_run(runner, test, result);
		attempts++;
	}
	if (to) {
		fclose(to);
	}
	result->seconds += seconds;
	result->attempts = attempts;
	if (attempts > 1 && result->verdict == SUITE_PASS) {
		result->verdict = SUITE_FLAKY;
		put_first(result, text("passed at attempt %u; before that: %s", attempts,
					  before ? before : "no memory"));
	} else if (attempts > 1) {
		suite_result_add_reason(result,
			text("no better in %u attempts; %s", attempts, expected), false);
	}
	free(before);
	return whole;
}

/* Decodes the command that a reason names, "@1042.17: ...", or the draws of the bad frame. */
static void add_commands(struct suite_result *result)
{
	char address[64];

	if (!result->trace || result->verdict == SUITE_PASS || result->verdict == SUITE_FLAKY) {
		return;
	}
	for (size_t i = 0; i < result->reason_count && !result->commands; i++) {
		const char *reason = result->reasons[i];
		const size_t length = strspn(reason + (*reason == '@'), "0123456789.") + 1;
		if (*reason == '@' && length < sizeof(address)) {
			snprintf(address, sizeof(address), "%.*s", (int)length, reason);
			result->commands = suite_commands(result->trace, address, NULL);
		}
	}
	if (!result->commands && result->has_bad_frame && result->rule == VGT_FRAME_AUTO) {
		snprintf(address, sizeof(address), "%" PRIu64, result->bad_frame);
		result->commands = suite_commands(result->trace, address, "draw");
	}
}

bool suite_trial(
	struct suite_runner *runner, const struct suite_test *test, struct suite_result *result)
{
	const struct suite_expectation *expectation =
		suite_expectation_for(&runner->suite->manifest, runner->renderer, test);
	char *expected = NULL;
	bool whole = true;

	if (expectation) {
		expected = text("expected to %s%s: %s",
			expectation->expected == SUITE_EXPECT_FLAKY ? "be " : "",
			suite_expected_name(expectation->expected), expectation->reason);
	}
	if (!expected) {
		expectation = NULL; /* without memory it is what it is */
	}
	if (expectation && expectation->expected == SUITE_EXPECT_SKIP) {
		suite_skip(runner, test, expectation->reason, result);
	} else {
		whole = suite_run(runner, test, result);
	}
	if (whole && expectation && expectation->expected == SUITE_EXPECT_FLAKY) {
		whole = run_again(runner, test, expectation, expected, result);
	}
	result->expected = expected;
	if (whole && expectation && expectation->expected < SUITE_EXPECT_SKIP) {
		hold_against(&runner->suite->manifest, expectation, result);
	}
	if (whole) {
		add_commands(result);
	}
	return whole;
}
