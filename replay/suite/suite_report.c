/* SPDX-License-Identifier: MIT */
#include "suite_report.h"

#include "progress.h"
#include "suite_result_json.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text */

/* Whether it has nothing against it but that frames have no goldens yet. */
static bool is_new(const struct suite_result *result)
{
	size_t missing = 0;

	for (size_t i = 0; i < result->frame_count; i++) {
		missing += !result->frames[i].compared && !result->frames[i].golden;
	}
	return result->verdict == SUITE_FAIL &&
	       missing == result->reason_count + result->more_reasons;
}

static void print_verdict(const struct suite_report *report, enum suite_verdict verdict)
{
	static const char *const words[SUITE_VERDICTS] = {[SUITE_PASS] = "pass",
		[SUITE_FLAKY] = "flaky",
		[SUITE_KNOWN] = "known",
		[SUITE_SKIP] = "skip",
		[SUITE_FIXED] = "FIXED",
		[SUITE_ERROR] = "ERROR",
		[SUITE_FAIL] = "FAIL",
		[SUITE_CRASH] = "CRASH",
		[SUITE_HANG] = "HANG"};
	const int colour = verdict == SUITE_PASS ? 32 : verdict < SUITE_FIXED ? 33 : 31;

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
		if (frame->actual && frame->golden) { /* else the reason has said so */
			fputs("      look at ", stdout);
			vgt_text_put_word(stdout, frame->actual);
			fputs(", golden ", stdout);
			vgt_text_put_word(stdout, frame->golden);
			if (frame->difference) {
				fputs(", difference ", stdout);
				vgt_text_put_word(stdout, frame->difference);
			}
			putchar('\n');
		}
	}
}

/* What draws the first frame that differs; `vgt dump` counts frames by the rule "auto". */
static void print_lead(const struct suite_result *result)
{
	if (result->has_bad_frame && result->trace && result->rule == VGT_FRAME_AUTO) {
		fputs("      look at it: vgt dump ", stdout);
		vgt_text_put_word(stdout, result->trace);
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

static void print_result(const struct suite_report *report, const struct suite_result *result)
{
	if (report->updates && is_new(result)) {
		fputs("new   ", stdout);
	} else {
		print_verdict(report, result->verdict);
	}
	vgt_text_puts(stdout, result->name);
	fputs(": ", stdout);
	if (result->verdict == SUITE_PASS) {
		print_passed(result);
		return;
	}
	for (size_t i = 0; i < result->reason_count; i++) {
		fputs(i ? "      " : "", stdout);
		vgt_text_puts(stdout, result->reasons[i]);
		putchar('\n');
		if (result->verdict == SUITE_KNOWN) {
			return; /* no news; JSON and HTML have the rest */
		}
	}
	if (result->more_reasons) {
		printf("      and %" PRIu64 " more\n", result->more_reasons);
	}
	print_kept(result);
	print_lead(result);
	print_log(result);
}

void suite_report_runs(const struct suite_report *report, const struct suite_results *results)
{
	for (size_t i = 0; report->json && i < results->run_count; i++) {
		vgt_json_print(stdout, suite_information_to_json(&results->runs[i]));
	}
}

void suite_report_result(const struct suite_report *report, const struct suite_result *result)
{
	const bool quiet = result->verdict == SUITE_PASS
				   ? report->quiet
				   : result->not_fetched && !report->name_absent;

	progress_clear();
	if (report->json) {
		vgt_json_print(stdout, suite_result_to_json(result, NULL));
	} else if (!quiet) {
		print_result(report, result);
	}
	fflush(stdout);
}

/* "vgt: flaky: gears, teapot" */
static void name_those(
	const struct suite_results *results, enum suite_verdict verdict, const char *words)
{
	const char *between = words;

	for (size_t i = 0; i < results->count; i++) {
		if (results->list[i].verdict == verdict) {
			fputs(between, stderr);
			vgt_text_puts(stderr, results->list[i].name);
			between = ", ";
		}
	}
	fputs(between == words ? "" : "\n", stderr);
}

/* Those that failed may have failed for that. */
static void tell_dropped(const struct suite_results *results)
{
	for (size_t i = 0; i < results->run_count; i++) {
		if (results->runs[i].drop) {
			fputs(", with --drop=", stderr);
			vgt_text_puts(stderr, results->runs[i].drop);
			return;
		}
	}
}

void suite_report_summary(
	const struct suite_report *report, const struct suite_results *results)
{
	static const char *const words[SUITE_VERDICTS] = {[SUITE_PASS] = "passed",
		[SUITE_FLAKY] = "flaky",
		[SUITE_KNOWN] = "known",
		[SUITE_SKIP] = "skipped",
		[SUITE_FIXED] = "fixed",
		[SUITE_ERROR] = "could not be run",
		[SUITE_FAIL] = "failed",
		[SUITE_CRASH] = "crashed",
		[SUITE_HANG] = "hung"};
	struct suite_tally tally = suite_results_tally(results);
	size_t fresh = 0;

	for (size_t i = 0; report->updates && i < results->count; i++) {
		fresh += is_new(&results->list[i]);
	}
	progress_clear();
	if (report->json) {
		vgt_json_print(stdout, suite_summary_to_json(results));
		return;
	}
	name_those(results, SUITE_FLAKY, "vgt: flaky: ");
	name_those(results, SUITE_KNOWN, "vgt: known: ");
	name_those(results, SUITE_FIXED, "vgt: fixed, to be taken out of \"expect\": ");
	fputs("vgt: ", stderr);
	vgt_text_puts(stderr, results->runs[0].suite);
	fprintf(stderr, ": %zu of %zu passed", tally.verdicts[SUITE_PASS], tally.total);
	if (tally.without_goldens) {
		fprintf(stderr, ", %zu without goldens", tally.without_goldens);
	}
	if (fresh) {
		fprintf(stderr, ", %zu new", fresh);
	}
	tally.verdicts[SUITE_FAIL] -= fresh;
	for (int verdict = SUITE_PASS + 1; verdict < SUITE_VERDICTS; verdict++) {
		if (tally.verdicts[verdict]) {
			fprintf(stderr, ", %zu %s", tally.verdicts[verdict], words[verdict]);
		}
	}
	if (tally.not_fetched) {
		fprintf(stderr, " (%zu not fetched: --fetch)", tally.not_fetched);
	}
	fprintf(stderr, " in %.1f s%s", tally.seconds,
		tally.interrupted ? ", interrupted" : "");
	tell_dropped(results);
	fputc('\n', stderr);
}
