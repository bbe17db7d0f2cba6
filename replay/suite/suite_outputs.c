/* SPDX-License-Identifier: MIT */
#include "suite_outputs.h"

#include "directory.h"
#include "junit.h"
#include "new_file.h"
#include "suite_html.h"
#include "suite_result_json.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The caller frees it; NULL: told. */
static char *results_path(const char *out)
{
	char *path;

	if (asprintf(&path, "%s/%s", out, SUITE_RESULTS_FILE) < 0) {
		fputs("vgt: no memory for a path\n", stderr);
		return NULL;
	}
	return path;
}

static bool prepare_out(const char *out)
{
	if (!vgt_cmd_make_directory(out)) {
		return false;
	}
	char *path = results_path(out);
	bool good = path != NULL;
	if (good && unlink(path) != 0 && errno != ENOENT) {
		struct vgt_err err;
		vgt_err_system(&err, errno, "cannot be replaced");
		vgt_cmd_error(path, &err);
		good = false;
	}
	free(path);
	return good;
}

bool suite_outputs_check(const struct suite_outputs *outputs)
{
	const char *const files[] = {outputs->junit, outputs->html};
	const char *const all[] = {outputs->out, outputs->junit, outputs->html};
	struct vgt_err err;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] && !directory_make_above(all[i], &err)) {
			vgt_cmd_error(all[i], &err);
			return false;
		}
	}
	if (outputs->out && !prepare_out(outputs->out)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] && !new_file_can_write(files[i], &err)) {
			vgt_cmd_error(files[i], &err);
			return false;
		}
	}
	return true;
}

static void print_results(FILE *to, const struct suite_results *results, const char *out)
{
	vgt_json_print(to, suite_information_to_json(&results->runs[0]));
	for (size_t i = 0; i < results->count; i++) {
		vgt_json_print(to, suite_result_to_json(&results->list[i], out));
	}
	vgt_json_print(to, suite_summary_to_json(results));
}

/* What --merge reads. It appears when the run has ended, whole. */
static bool write_results(
	const char *path, const struct suite_results *results, const char *out)
{
	struct new_file file;
	struct vgt_err err;
	bool good = new_file_create(&file, path, true, 0666, &err);
	FILE *to = good ? new_file_stream(&file, &err) : NULL;

	if (to) {
		print_results(to, results, out);
		const bool written = !ferror(to);
		if (fclose(to) != 0 || !written) {
			vgt_err_system(&err, errno, "cannot write");
			good = false;
		}
	}
	good = good && to && new_file_commit(&file, &err);
	new_file_finish(&file);
	if (!good) {
		vgt_cmd_error(path, &err);
	}
	return good;
}

bool suite_outputs_write(
	const struct suite_outputs *outputs, const struct suite_results *results)
{
	struct vgt_err err;
	bool good = true;

	if (outputs->out) {
		char *path = results_path(outputs->out);
		good = path && write_results(path, results, outputs->out);
		free(path);
	}
	if (outputs->junit && !junit_write(results, outputs->junit, &err)) {
		vgt_cmd_error(outputs->junit, &err);
		good = false;
	}
	if (outputs->html && !suite_html_write(results, outputs->html, &err)) {
		vgt_cmd_error(outputs->html, &err);
		good = false;
	}
	return good;
}

int suite_outputs_status(const struct suite_results *results)
{
	const struct suite_tally tally = suite_results_tally(results);
	bool bad = false;

	if (tally.trouble || tally.interrupted || tally.out_failed ||
		tally.verdicts[SUITE_ERROR]) {
		return VGT_EXIT_TROUBLE;
	}
	for (int verdict = 0; verdict < SUITE_VERDICTS; verdict++) {
		bad |= suite_verdict_is_bad((enum suite_verdict)verdict) &&
		       tally.verdicts[verdict];
	}
	if (bad) {
		return VGT_EXIT_DIFFERENT;
	}
	if (tally.total && tally.not_fetched == tally.total) {
		fputs("vgt: ", stderr);
		vgt_text_puts(stderr, results->runs[0].suite);
		fputs(": nothing was run\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	return VGT_EXIT_OK;
}
