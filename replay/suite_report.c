/* SPDX-License-Identifier: MIT */
#include "suite_report.h"

#include "json_area.h"
#include "progress.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text */

static void print_verdict(const struct suite_report *report, enum suite_verdict verdict)
{
	static const char *const words[SUITE_VERDICTS] = {[SUITE_PASS] = "pass",
		[SUITE_SKIP] = "skip",
		[SUITE_ERROR] = "ERROR",
		[SUITE_FAIL] = "FAIL",
		[SUITE_CRASH] = "CRASH",
		[SUITE_HANG] = "HANG"};
	const int colour = verdict == SUITE_PASS ? 32 : verdict == SUITE_SKIP ? 33 : 31;

	if (report->colours) {
		printf("\033[%dm%-5s\033[0m ", colour, words[verdict]);
	} else {
		printf("%-5s ", words[verdict]);
	}
}

/* What stands on the line of a test that passed. */
static void print_passed(const struct suite_result *result)
{
	if (result->has_goldens) {
		printf("%zu frame%s", result->frame_count, result->frame_count == 1 ? "" : "s");
	} else {
		printf("no goldens, only played: %" PRIu64 " frames", result->played);
	}
	printf(", %" PRIu64 " answers, %.1f s\n", result->answers, result->seconds);
}

static void print_kept(const struct suite_result *result)
{
	for (size_t i = 0; i < result->frame_count; i++) {
		const struct suite_frame *frame = &result->frames[i];
		if (frame->actual) {
			fputs("      look at ", stdout);
			vgt_text_puts(stdout, frame->actual);
			fputs(", golden ", stdout);
			vgt_text_puts(stdout, frame->golden);
			if (frame->difference) {
				fputs(", difference ", stdout);
				vgt_text_puts(stdout, frame->difference);
			}
			putchar('\n');
		}
	}
}

/* What draws the first frame that differs; `vgt dump` counts frames by the rule "auto". */
static void print_lead(const struct suite_test *test, const struct suite_result *result)
{
	if (result->has_bad_frame && result->trace && test->rule == VGT_FRAME_AUTO) {
		fputs("      look at it: vgt dump ", stdout);
		vgt_text_puts(stdout, result->trace);
		printf(" %" PRIu64 " draw\n", result->bad_frame);
	}
}

static void print_log(const struct suite_result *result)
{
	if (!result->log_end || !*result->log_end) {
		return;
	}
	fputs("      the renderer printed", stdout);
	if (result->log) {
		fputs(" (kept in ", stdout);
		vgt_text_puts(stdout, result->log);
		putchar(')');
	}
	fputs(":\n", stdout);
	for (const char *line = result->log_end; *line;) {
		const size_t length = strcspn(line, "\n");
		fputs("      | ", stdout);
		vgt_text_print(stdout, line, length);
		putchar('\n');
		line += length + (line[length] == '\n');
	}
}

static void print_result(const struct suite_report *report, const struct suite_test *test,
	const struct suite_result *result)
{
	print_verdict(report, result->verdict);
	vgt_text_puts(stdout, test->name);
	fputs(": ", stdout);
	if (result->verdict == SUITE_PASS) {
		print_passed(result);
		return;
	}
	for (size_t i = 0; i < result->reason_count; i++) {
		fputs(i ? "      " : "", stdout);
		vgt_text_puts(stdout, result->reasons[i]);
		putchar('\n');
	}
	if (result->more_reasons) {
		printf("      and %" PRIu64 " more\n", result->more_reasons);
	}
	print_kept(result);
	print_lead(test, result);
	print_log(result);
}

/* JSON */

static void put_optional(struct json_object *object, const char *key, const char *text)
{
	if (text) {
		vgt_json_put_text(object, key, text);
	}
}

/* With the digits that mean something. */
static struct json_object *json_seconds(double seconds)
{
	char text[32];
	snprintf(text, sizeof(text), "%.3f", seconds);
	return json_object_new_double_s(seconds, text);
}

static struct json_object *json_frame(const struct suite_frame *frame)
{
	struct json_object *object = json_object_new_object();
	const struct vgt_comparison *seen = &frame->comparison;

	vgt_json_put_number(object, "number", frame->number);
	vgt_json_put_number(object, "command", frame->command);
	json_object_object_add(object, "same", json_object_new_boolean(frame->same));
	if (frame->compared && !seen->size_differs) {
		vgt_json_put_number(object, "pixels", seen->pixels);
		vgt_json_put_number(object, "pixels_beyond", seen->pixels_beyond);
		vgt_json_put_number(object, "largest", seen->largest.difference);
		json_object_object_add(object, "area", vgt_json_area(&seen->beyond));
	}
	put_optional(object, "golden", frame->golden);
	put_optional(object, "actual", frame->actual);
	put_optional(object, "difference", frame->difference);
	return object;
}

static void print_json(const struct suite_test *test, const struct suite_result *result)
{
	struct json_object *object = json_object_new_object();
	struct json_object *reasons = json_object_new_array();
	struct json_object *frames = json_object_new_array();

	vgt_json_put_text(object, "event", "test");
	vgt_json_put_text(object, "name", test->name);
	vgt_json_put_text(object, "verdict", suite_verdict_name(result->verdict));
	for (size_t i = 0; i < result->reason_count; i++) {
		char *utf8 = vgt_text_utf8(result->reasons[i]);
		json_object_array_add(reasons, utf8 ? json_object_new_string(utf8) : NULL);
		free(utf8);
	}
	json_object_object_add(object, "reasons", reasons);
	vgt_json_put_number(object, "more_reasons", result->more_reasons);
	for (size_t i = 0; i < result->frame_count; i++) {
		json_object_array_add(frames, json_frame(&result->frames[i]));
	}
	json_object_object_add(object, "frames", frames);
	vgt_json_put_number(object, "played", result->played);
	vgt_json_put_number(object, "answers", result->answers);
	put_optional(object, "renderer", result->renderer);
	put_optional(object, "log", result->log);
	json_object_object_add(object, "seconds", json_seconds(result->seconds));
	vgt_json_print(stdout, object);
}

void suite_report_result(struct suite_report *report, const struct suite_test *test,
	const struct suite_result *result)
{
	const bool quiet = result->verdict == SUITE_PASS
				   ? report->quiet
				   : result->not_fetched && !report->name_absent;

	report->counts[result->verdict]++;
	report->not_fetched += result->not_fetched;
	report->seconds += result->seconds;
	progress_clear();
	if (report->json) {
		print_json(test, result);
	} else if (!quiet) {
		print_result(report, test, result);
	}
	fflush(stdout);
}

static void print_summary_json(const struct suite_report *report, bool interrupted)
{
	struct json_object *object = json_object_new_object();

	vgt_json_put_text(object, "event", "summary");
	vgt_json_put_number(object, "tests", report->total);
	for (int verdict = 0; verdict < SUITE_VERDICTS; verdict++) {
		vgt_json_put_number(
			object, suite_verdict_name(verdict), report->counts[verdict]);
	}
	json_object_object_add(object, "interrupted", json_object_new_boolean(interrupted));
	json_object_object_add(object, "seconds", json_seconds(report->seconds));
	vgt_json_print(stdout, object);
}

void suite_report_summary(const struct suite_report *report, bool interrupted)
{
	static const char *const words[SUITE_VERDICTS] = {[SUITE_PASS] = "passed",
		[SUITE_SKIP] = "skipped",
		[SUITE_ERROR] = "could not be run",
		[SUITE_FAIL] = "failed",
		[SUITE_CRASH] = "crashed",
		[SUITE_HANG] = "hung"};

	if (report->json) {
		print_summary_json(report, interrupted);
		return;
	}
	fprintf(stderr, "vgt: %s: %zu of %zu passed", report->suite, report->counts[SUITE_PASS],
		report->total);
	for (int verdict = SUITE_PASS + 1; verdict < SUITE_VERDICTS; verdict++) {
		if (report->counts[verdict]) {
			fprintf(stderr, ", %zu %s", report->counts[verdict], words[verdict]);
		}
	}
	if (report->not_fetched) {
		fprintf(stderr, " (%zu not fetched: --fetch)", report->not_fetched);
	}
	fprintf(stderr, " in %.1f s%s\n", report->seconds, interrupted ? ", interrupted" : "");
}
