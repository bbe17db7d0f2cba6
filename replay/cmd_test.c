/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "suite_jobs.h"
#include "suite_merge.h"
#include "suite_select.h"
#include "suite_session.h"
#include "terminal.h"
#include "vgt_cmd.h"
#include "vgt_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOBS_MAX 1024

struct options {
	struct suite_request request;
	struct suite_update update; /* of --update */
	struct suite suite;
	struct suite_selected selected;
	const char *suite_path; /* of --suite */
	bool list, merge;
	char **texts; /* of --tag, as filters */
	size_t text_count;
};

/* False: told. `names`: ended by NULL. */
static bool open_suite(struct options *options, const char *path, char **names)
{
	struct vgt_err err;

	options->request.path = path;
	if (!suite_open(&options->suite, path, &err)) {
		fprintf(stderr, "vgt: %s\n", err.message);
		return false;
	}
	options->update.suite = &options->suite;
	if (options->request.update &&
		!suite_update_take_names(&options->update, names, &err)) {
		vgt_cmd_error(path, &err);
		return false;
	}
	if (!suite_select(&options->selected, &options->suite, &options->request.selection,
		    names, &err)) {
		fprintf(stderr, "vgt: %s: ", path);
		vgt_text_puts(stderr, err.message);
		fputc('\n', stderr);
		return false;
	}
	return true;
}

static void print_tags(const struct suite_test *test)
{
	for (size_t tag = 0; tag < test->tag_count; tag++) {
		fputs(tag ? "," : "  [", stdout);
		vgt_text_puts(stdout, test->tags[tag]);
	}
	fputs(test->tag_count ? "]" : "", stdout);
}

static void print_fetched(const struct suite *suite, const struct suite_test *test)
{
	char *path = suite_trace_path(suite, test, NULL);

	fputs(path && access(path, F_OK) == 0 ? "  (fetched)" : "  (not fetched)", stdout);
	free(path);
}

static int list_tests(const struct options *options)
{
	for (size_t i = 0; i < options->selected.count; i++) {
		const struct suite_test *test = options->selected.list[i];
		vgt_text_puts(stdout, test->name);
		if (!options->request.report.quiet) {
			print_tags(test);
			if (test->shows) {
				fputs("  ", stdout);
				vgt_text_puts(stdout, test->shows);
			}
			if (test->url) {
				print_fetched(&options->suite, test);
			}
		}
		putchar('\n');
	}
	return VGT_EXIT_OK;
}

static int test_suite(struct options *options, char **arguments)
{
	if (!open_suite(options, arguments[0], arguments + 1)) {
		return VGT_EXIT_TROUBLE;
	}
	if (options->list) {
		return list_tests(options);
	}
	options->request.report.name_absent = arguments[1] != NULL || options->request.no_skip;
	options->request.report.updates = options->request.update != NULL;
	return suite_session(&options->request, &options->suite, &options->selected);
}

static int merge(struct options *options, char **directories)
{
	static char *no_names[] = {NULL};
	const struct suite_request *request = &options->request;
	struct suite_results results = {0};
	int status = VGT_EXIT_TROUBLE;

	const bool good =
		(!options->suite_path || open_suite(options, options->suite_path, no_names)) &&
		suite_outputs_check(&request->outputs) && suite_merge(&results, directories) &&
		(!options->suite_path ||
			suite_merge_complete(&results, &options->suite, &options->selected));
	for (size_t i = 0; good && request->no_skip && i < results.count; i++) {
		suite_result_refuse_skip(&results.list[i]);
	}
	if (good) {
		suite_report_runs(&request->report, &results);
		for (size_t i = 0; i < results.count; i++) {
			suite_report_result(&request->report, &results.list[i]);
		}
		suite_report_summary(&request->report, &results);
		results.runs[0].trouble |= !suite_outputs_write(&request->outputs, &results);
		status = suite_outputs_status(&results);
	}
	suite_results_finish(&results);
	return status;
}

/* Options */

/* VGT_EXIT_TROUBLE, told, where two are given that make no sense together; -1: they do. */
static int check_together(const struct options *options)
{
	const struct suite_request *request = &options->request;
	const struct suite_selection *selection = &request->selection;
	const struct {
		bool given;
		const char *name;
		bool lists, merges; /* may be given with --list, with --merge */
	} all[] = {
		{request->report.json, "--json", false, true},
		{request->fetch, "--fetch", false, false},
		{request->outputs.junit != NULL, "--junit", false, true},
		{request->outputs.html != NULL, "--html", false, true},
		{request->outputs.out != NULL, "--out", false, false},
		{request->drop_draws, "--drop", true, false},
		{request->jobs != 0, "--jobs", true, false},
		{request->timeout_ms != 0, "--timeout", true, false},
		{request->update != NULL, "--update", false, false},
		{options->suite_path != NULL, "--suite", false, true},
		{options->merge, "--merge", false, true},
		{selection->filter_count && !options->suite_path, "--filter", true, false},
		{selection->shards > 1, "--shard", true, false},
		{options->list, "--list", true, false},
	};

	const struct {
		const char *name, *value;
	} paths[] = {{"--out", request->outputs.out}, {"--junit", request->outputs.junit},
		{"--html", request->outputs.html}};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i].value && !*paths[i].value) {
			return vgt_cmd_usage("test", "%s needs a name", paths[i].name);
		}
	}
	if (request->report.json && request->report.quiet) {
		return vgt_cmd_usage("test", "--json and --quiet exclude each other");
	}
	if (request->update && request->drop_draws) {
		return vgt_cmd_usage("test", "--update and --drop exclude each other");
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].given && ((options->list && !all[i].lists) ||
					    (options->merge && !all[i].merges))) {
			return vgt_cmd_usage("test", "%s and %s exclude each other",
				options->list && !all[i].lists ? "--list" : "--merge",
				all[i].name);
		}
	}
	return options->suite_path && !options->merge
		       ? vgt_cmd_usage("test", "--suite goes with --merge only")
		       : -1;
}

static int check_arguments(const struct options *options, int argc, char **argv)
{
	struct stat status;
	const char *path = argv[optind];

	if (argc - optind < 1) {
		return vgt_cmd_usage("test", options->merge
						     ? "--merge takes directories of --out"
						     : "test takes a directory or a manifest");
	}
	const int together = check_together(options);
	if (together >= 0 || options->merge) {
		return together;
	}
	const size_t length = strlen(path);
	if (length > 4 && strcmp(path + length - 4, ".vgt") == 0 && stat(path, &status) == 0 &&
		S_ISREG(status.st_mode)) {
		return vgt_cmd_usage("test",
			"'%s' is a trace; test takes a directory or a manifest, and then names",
			path);
	}
	return -1;
}

/* --tag TAG; false: no memory. */
static bool add_tag(struct options *options, const char *tag)
{
	struct suite_selection *selection = &options->request.selection;
	char *filter;

	if (asprintf(&filter, "tag:%s", tag) < 0) {
		return false;
	}
	options->texts[options->text_count++] = filter;
	selection->filters[selection->filter_count++] = filter;
	return true;
}

/* --update, --update=replace or --update=add. */
static bool take_mode(struct options *options, const char *mode)
{
	options->request.update = &options->update;
	options->update.mode =
		mode && strcmp(mode, "add") == 0 ? SUITE_UPDATE_ADD : SUITE_UPDATE_REPLACE;
	return !mode || strcmp(mode, "add") == 0 || strcmp(mode, "replace") == 0;
}

/* An exit code, or -1: go on, with the arguments at argv[optind]. */
static int parse_options(struct options *options, int argc, char **argv)
{
	enum {
		OPTION_FILTER = 256,
		OPTION_TAG,
		OPTION_SHARD,
		OPTION_LIST,
		OPTION_FETCH,
		OPTION_NO_SKIP,
		OPTION_TIMEOUT,
		OPTION_DROP,
		OPTION_JUNIT,
		OPTION_HTML,
		OPTION_JSON,
		OPTION_MERGE,
		OPTION_SUITE,
		OPTION_UPDATE
	};
	static const struct option table[] = {
		{"jobs", required_argument, NULL, 'j'},
		{"filter", required_argument, NULL, OPTION_FILTER},
		{"tag", required_argument, NULL, OPTION_TAG},
		{"shard", required_argument, NULL, OPTION_SHARD},
		{"list", no_argument, NULL, OPTION_LIST},
		{"fetch", no_argument, NULL, OPTION_FETCH},
		{"no-skip", no_argument, NULL, OPTION_NO_SKIP},
		{"out", required_argument, NULL, 'o'},
		{"merge", no_argument, NULL, OPTION_MERGE},
		{"suite", required_argument, NULL, OPTION_SUITE},
		{"update", optional_argument, NULL, OPTION_UPDATE},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{"drop", required_argument, NULL, OPTION_DROP},
		{"junit", required_argument, NULL, OPTION_JUNIT},
		{"html", required_argument, NULL, OPTION_HTML},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	struct suite_request *request = &options->request;
	struct suite_selection *selection = &request->selection;
	uint64_t number;

	for (int option; (option = getopt_long(argc, argv, ":j:o:qh", table, NULL)) != -1;) {
		switch (option) {
		case 'j':
			if (!vgt_cmd_number("test", "--jobs", optarg, 1, JOBS_MAX, &number)) {
				return VGT_EXIT_TROUBLE;
			}
			request->jobs = (unsigned)number;
			break;
		case OPTION_FILTER:
			selection->filters[selection->filter_count++] = optarg;
			break;
		case OPTION_TAG:
			if (!add_tag(options, optarg)) {
				fputs("vgt: no memory for the options\n", stderr);
				return VGT_EXIT_TROUBLE;
			}
			break;
		case OPTION_SHARD:
			if (!suite_selection_parse_shard(selection, optarg)) {
				return vgt_cmd_usage("test",
					"--shard takes I/N, 1/N to N/N, not '%s'", optarg);
			}
			break;
		case OPTION_LIST:
			options->list = true;
			break;
		case OPTION_FETCH:
			request->fetch = true;
			break;
		case OPTION_NO_SKIP:
			request->no_skip = true;
			break;
		case 'o':
			request->outputs.out = optarg;
			break;
		case OPTION_MERGE:
			options->merge = true;
			break;
		case OPTION_SUITE:
			options->suite_path = optarg;
			break;
		case OPTION_UPDATE:
			if (!take_mode(options, optarg)) {
				return vgt_cmd_usage(
					"test", "--update is replace or add, not '%s'", optarg);
			}
			break;
		case OPTION_TIMEOUT:
			if (!vgt_cmd_number("test", "--timeout", optarg, 1, 86400, &number)) {
				return VGT_EXIT_TROUBLE;
			}
			request->timeout_ms = number * 1000;
			break;
		case OPTION_DROP:
			if (strcmp(optarg, "draws") != 0) {
				return vgt_cmd_usage("test", "--drop knows only 'draws'");
			}
			request->drop_draws = true;
			break;
		case OPTION_JUNIT:
			request->outputs.junit = optarg;
			break;
		case OPTION_HTML:
			request->outputs.html = optarg;
			break;
		case OPTION_JSON:
			request->report.json = true;
			break;
		case 'q':
			request->report.quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_test_help);
		default:
			return vgt_cmd_bad_option("test", argv, table, option);
		}
	}
	return check_arguments(options, argc, argv);
}

static int run(struct options *options, int argc, char **argv)
{
	int result = parse_options(options, argc, argv);

	if (result >= 0) {
		return result;
	}
	if (!options->request.jobs) {
		options->request.jobs = suite_jobs_default();
	}
	if (!options->request.timeout_ms) {
		options->request.timeout_ms = 60000;
	}
	options->request.report.colours = vgt_terminal_has_colours();
	return options->merge ? merge(options, argv + optind)
			      : test_suite(options, argv + optind);
}

int cmd_test(int argc, char **argv)
{
	static struct options options;
	struct suite_selection *selection = &options.request.selection;
	int result = VGT_EXIT_TROUBLE;

	selection->shard = selection->shards = 1;
	selection->filters = calloc((size_t)argc, sizeof(*selection->filters));
	options.texts = calloc((size_t)argc, sizeof(*options.texts));
	if (selection->filters && options.texts) {
		result = run(&options, argc, argv);
	} else {
		fputs("vgt: no memory for the options\n", stderr);
	}
	suite_update_finish(&options.update);
	suite_selected_finish(&options.selected);
	suite_close(&options.suite);
	for (size_t i = 0; i < options.text_count; i++) {
		free(options.texts[i]);
	}
	free(options.texts);
	free(selection->filters);
	return result;
}
