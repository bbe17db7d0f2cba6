/* SPDX-License-Identifier: MIT */
#include "suite_result.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[SUITE_VERDICTS] = {[SUITE_PASS] = "pass",
	[SUITE_FLAKY] = "flaky",
	[SUITE_KNOWN] = "known",
	[SUITE_SKIP] = "skip",
	[SUITE_FIXED] = "fixed",
	[SUITE_ERROR] = "error",
	[SUITE_FAIL] = "fail",
	[SUITE_CRASH] = "crash",
	[SUITE_HANG] = "hang"};

const char *suite_verdict_name(enum suite_verdict verdict)
{
	return names[verdict];
}

bool suite_verdict_parse(const char *name, enum suite_verdict *verdict)
{
	for (int i = 0; i < SUITE_VERDICTS; i++) {
		if (strcmp(names[i], name) == 0) {
			*verdict = (enum suite_verdict)i;
			return true;
		}
	}
	return false;
}

bool suite_verdict_is_bad(enum suite_verdict verdict)
{
	return verdict == SUITE_FIXED || verdict == SUITE_FAIL || verdict == SUITE_CRASH ||
	       verdict == SUITE_HANG;
}

void suite_result_add_reason(struct suite_result *result, char *reason, bool first)
{
	if (!reason || result->reason_count == SUITE_REASONS_MAX) {
		result->more_reasons++;
		if (!reason || !first) {
			free(reason);
			return;
		}
		free(result->reasons[--result->reason_count]);
	}
	const size_t at = first ? 0 : result->reason_count;
	memmove(&result->reasons[at + 1], &result->reasons[at],
		(result->reason_count - at) * sizeof(char *));
	result->reasons[at] = reason;
	result->reason_count++;
}

void suite_result_refuse_skip(struct suite_result *result)
{
	if (result->verdict == SUITE_SKIP) {
		result->verdict = SUITE_FAIL;
	}
}

static void finish_frame(struct suite_frame *frame)
{
	free(frame->measured);
	free(frame->allowed);
	free(frame->note);
	free(frame->golden);
	free(frame->golden_copy);
	free(frame->actual);
	free(frame->difference);
}

void suite_result_finish(struct suite_result *result)
{
	for (size_t i = 0; i < result->reason_count; i++) {
		free(result->reasons[i]);
	}
	for (size_t i = 0; i < result->frame_count; i++) {
		finish_frame(&result->frames[i]);
	}
	for (size_t i = 0; i < result->tag_count; i++) {
		free(result->tags[i]);
	}
	free(result->frames);
	free(result->tags);
	free(result->name);
	free(result->shows);
	free(result->tolerance);
	free(result->expected);
	free(result->trace);
	free(result->commands);
	free(result->renderer);
	free(result->lacks);
	free(result->log);
	free(result->log_end);
	*result = (struct suite_result){0};
}
