/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "companion.h"
#include "interrupt.h"
#include "junit.h"
#include "progress.h"
#include "suite.h"
#include "suite_information.h"
#include "suite_report.h"
#include "suite_run.h"
#include "terminal.h"
#include "trace_store.h"
#include "vgt_cmd.h"
#include "vgt_text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RENDERER_MS 10000 /* to find it */

/* clang-format off */
const char cmd_test_help[] =
	"usage: vgt test [OPTION...] DIR|MANIFEST [NAME...]\n"
	"\n"
	"Replays the traces of a suite, each in a process of its own, and says which do\n"
	"not do what they did. A trace passes where its file is whole, its commands keep\n"
	"the rules of the protocol (vgt verify), the renderer gives the recorded answers\n"
	"(vgt replay --verify), and its frames are their goldens (vgt compare). With NAMEs\n"
	"only these traces.\n"
	"\n"
	"  --tag TAG       only traces with this tag; given again, with that one, too\n"
	"  --list          print names, tags and what the traces show, run nothing\n"
	"  --fetch         first bring the traces that the manifest names by URL to\n"
	"                  ${XDG_CACHE_HOME:-~/.cache}/vgt/traces, with curl\n"
	"  --no-skip       what is skipped counts as failed: a trace that is not fetched,\n"
	"                  or one that differs where this host's capset lacks what the\n"
	"                  guest was offered\n"
	"  -o, --out DIR   where to keep frames that differ (frame-NNNN.actual.png and\n"
	"                  .difference.png) and what the renderer printed (" SUITE_KEPT_LOG "),\n"
	"                  in a directory for each test, until the test is run again\n"
	"                  (" SUITE_KEPT_DEFAULT "/SUITE, SUITE the name of the suite's directory;\n"
	"                  not made where all pass)\n"
	"  --timeout S     the renderer hangs when one call takes longer (60)\n"
	"  --drop=draws    leave out all DRAW_VBO: each trace that draws must fail\n"
	"  --junit FILE    also write the results as JUnit's XML\n"
	"  --json          print JSON lines, see below\n"
	"  -q, --quiet     print only what does not pass, and the summary\n"
	"  -h, --help      print this\n"
	"\n"
	"A DIR without manifest.json is a suite, too: each NAME.vgt, with its goldens in\n"
	"NAME/frame-NNNN.png; of the frames 8 of 255 may differ, and 0.5 % of the pixels\n"
	"by more. A trace without goldens is played and checked only. To start one, look\n"
	"at the frames and keep those that are good:\n"
	"  vgt replay --frames 0,10 --out suite/gears suite/gears.vgt\n"
	"\n"
	"DIR/manifest.json says more. All but version, traces and name may be left out,\n"
	"other keys are refused:\n"
	"  {\"version\": 1,\n"
	"   \"tolerance\": {\"threshold\": 8, \"max_pixels\": \"0.5%\"},\n"
	"   \"environment\": {\"LP_NATIVE_VECTOR_WIDTH\": \"128\"},\n"
	"   \"traces\": [{\"name\": \"gears\", ...}, ...]}\n"
	"tolerance is what vgt compare calls --threshold and --max-pixels. environment is\n"
	"set for the renderer where you have not set it: GALLIUM_DRIVER,\n"
	"LIBGL_ALWAYS_SOFTWARE, LP_NATIVE_VECTOR_WIDTH, LP_NUM_THREADS,\n"
	"MESA_EXTENSION_OVERRIDE, MESA_GL_VERSION_OVERRIDE, and its likes for GLES and\n"
	"GLSL. Of a trace:\n"
	"  name       its goldens are DIR/NAME/frame-NNNN.png\n"
	"  file       the trace, in DIR (NAME.vgt)\n"
	"  url        https:, http:, file:, or a path from DIR, where the trace is fetched\n"
	"             from instead; needs sha256 and bytes\n"
	"  sha256, bytes\n"
	"             hash and size of the trace: another one fails\n"
	"  frames     which frames have goldens, such as \"0,10-12\" (those there are)\n"
	"  rule       what a frame is, see vgt help replay (\"auto\")\n"
	"  tolerance  of this trace; what it leaves out is as above\n"
	"  tags       an array of words\n"
	"  program, recorded, shows, license\n"
	"             text for people\n"
	"\n"
	"--json: for each test {\"event\": \"test\", \"name\", \"verdict\" (\"pass\", \"skip\",\n"
	"\"error\", \"fail\", \"crash\" or \"hang\"), \"reasons\" [text], \"more_reasons\",\n"
	"\"frames\" [{\"number\", \"command\" (where it was shown), \"same\", \"pixels\",\n"
	"\"pixels_beyond\", \"largest\", \"area\" {x, y, width, height} of those beyond or null,\n"
	"\"golden\", \"actual\", \"difference\"}], \"played\" (frames), \"answers\" (compared),\n"
	"\"renderer\", \"log\", \"seconds\"}, what is not known left out; last {\"event\": \"summary\",\n"
	"\"tests\", a number for each verdict, \"interrupted\", \"seconds\"}.\n"
	"\n"
	"exit status: 0 all passed, or was skipped; 1 something failed, crashed or hung;\n"
	"2 trouble: wrong usage, a bad manifest, a test that could not be run, something\n"
	"that could not be fetched or written, or nothing was run. An interrupt says what\n"
	"was done so far and ends vgt by that signal (130 for Ctrl-C).\n"
	"\n"
	"example: vgt test --junit results.xml traces\n";
/* clang-format on */

struct request {
	struct suite suite;
	const char *path; /* of it, as the user has it */
	struct suite_runner runner;
	struct suite_renderer renderer;
	struct suite_report report;
	char player[PATH_MAX];
	const char *out; /* of --out */
	const char *junit_path;
	struct suite_results results;
	const char **tags; /* of --tag */
	size_t tag_count;
	bool list, fetch, no_skip;
	bool trouble; /* something went wrong besides the tests */
	bool out_is_ours;
	const struct suite_test **selected; /* of the manifest */
	size_t count;
};

/* Which tests */

/* The test that was meant, or NULL; also by the file of its trace. */
static const char *guess_name(const struct suite_manifest *manifest, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *stem = strdup(slash ? slash + 1 : name);
	struct vgt_cmd *table = calloc(manifest->count + 1, sizeof(*table));
	const struct vgt_cmd *guess = NULL;

	if (stem && table) {
		const size_t length = strlen(stem);
		if (length > 4 && strcmp(stem + length - 4, ".vgt") == 0) {
			stem[length - 4] = '\0';
		}
		for (size_t i = 0; i < manifest->count; i++) {
			table[i].name = manifest->tests[i].name;
		}
		guess = vgt_cmd_find(table, stem);
		guess = guess ? guess : vgt_cmd_guess(table, stem);
	}
	const char *found = guess ? guess->name : NULL;
	free(table);
	free(stem);
	return found;
}

static int unknown_name(const struct request *request, const char *name)
{
	const char *guess = guess_name(&request->suite.manifest, name);

	fprintf(stderr, "vgt: %s: no such trace '%s'", request->path, name);
	if (guess) {
		fputs(", did you mean '", stderr);
		vgt_text_puts(stderr, guess);
		fputs("'?\n", stderr);
	} else {
		fputs("; --list names them\n", stderr);
	}
	return VGT_EXIT_TROUBLE;
}

static bool has_name(const struct suite_test *test, char **names)
{
	for (; *names; names++) {
		if (strcmp(test->name, *names) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_tag(const struct request *request, const struct suite_test *test)
{
	for (size_t i = 0; i < request->tag_count; i++) {
		if (suite_test_has_tag(test, request->tags[i])) {
			return true;
		}
	}
	return false;
}

static bool is_test(const struct suite_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->count; i++) {
		if (strcmp(manifest->tests[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* `names`: ended by NULL, none for all. */
static int select_tests(struct request *request, char **names)
{
	const struct suite_manifest *manifest = &request->suite.manifest;
	size_t count = 0;

	for (char **name = names; *name; name++) {
		if (!is_test(manifest, *name)) {
			return unknown_name(request, *name);
		}
	}
	request->selected = calloc(manifest->count + 1, sizeof(*request->selected));
	if (!request->selected) {
		fputs("vgt: no memory for the suite\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	for (size_t i = 0; i < manifest->count; i++) {
		const struct suite_test *test = &manifest->tests[i];
		if ((!*names || has_name(test, names)) &&
			(!request->tag_count || has_tag(request, test))) {
			request->selected[count++] = test;
		}
	}
	if (!count) {
		fprintf(stderr, "vgt: %s: %s\n", request->path,
			request->tag_count ? "no trace has the tag" : "has no traces");
		return VGT_EXIT_TROUBLE;
	}
	request->count = count;
	return VGT_EXIT_OK;
}

static int list_tests(const struct request *request)
{
	for (size_t i = 0; i < request->count; i++) {
		const struct suite_test *test = request->selected[i];
		struct vgt_err err;
		vgt_text_puts(stdout, test->name);
		for (size_t tag = 0; tag < test->tag_count; tag++) {
			fputs(tag ? "," : "  [", stdout);
			vgt_text_puts(stdout, test->tags[tag]);
		}
		fputs(test->tag_count ? "]" : "", stdout);
		if (test->shows) {
			fputs("  ", stdout);
			vgt_text_puts(stdout, test->shows);
		}
		if (test->url) {
			char *path = suite_trace_path(&request->suite, test, &err);
			fputs(path && access(path, F_OK) == 0 ? "  (fetched)"
							      : "  (not fetched)",
				stdout);
			free(path);
		}
		putchar('\n');
	}
	return VGT_EXIT_OK;
}

/* Fetching */

/* "vgt: NAME: " */
static void begin_message(const struct suite_test *test)
{
	fputs("vgt: ", stderr);
	vgt_text_puts(stderr, test->name);
	fputs(": ", stderr);
}

/* False where that was not possible, which is told. */
static bool fetch_trace(struct request *request, const struct suite_test *test)
{
	struct vgt_err err;
	char *path = suite_trace_path(&request->suite, test, &err);
	bool good = path != NULL;

	if (good && !trace_store_check(path, test->sha256, test->bytes, NULL) &&
		!interrupt_noted()) {
		begin_message(test);
		fprintf(stderr, "fetching %" PRIu64 " bytes from ", test->bytes);
		vgt_text_puts(stderr, test->url);
		fputc('\n', stderr);
		good = trace_store_fetch(test->url, request->suite.directory, path,
			test->sha256, test->bytes, &err);
	}
	if (!good && !interrupt_noted()) {
		begin_message(test);
		fputs("cannot be fetched: ", stderr);
		vgt_text_puts(stderr, err.message);
		fputc('\n', stderr);
	}
	free(path);
	return good;
}

static void fetch_traces(struct request *request)
{
	for (size_t i = 0; i < request->count && !interrupt_noted(); i++) {
		const struct suite_test *test = request->selected[i];
		if (test->url && !fetch_trace(request, test)) {
			request->trouble = true;
		}
	}
}

/* Running */

static void run_tests(struct request *request)
{
	suite_report_run(&request->report, &request->results.runs[0]);
	progress_begin(!request->report.json && !request->report.quiet);
	for (size_t i = 0; i < request->count && !interrupt_noted(); i++) {
		const struct suite_test *test = request->selected[i];
		struct suite_result result;
		char shown[160];
		snprintf(shown, sizeof(shown), "[%zu/%zu] %s", i + 1, request->count,
			test->name);
		request->runner.shown = shown;
		if (suite_run(&request->runner, test, &result)) {
			suite_report_result(&request->report, &result);
			if (!suite_results_add(&request->results, &result)) {
				fputs("vgt: no memory for the results\n", stderr);
				request->trouble = true;
			}
		}
		suite_result_finish(&result);
	}
	progress_end();
}

static int exit_code(const struct request *request)
{
	const struct suite_tally tally = suite_results_tally(&request->results);
	const size_t *counts = tally.verdicts;
	const size_t skipped = counts[SUITE_SKIP];

	if (request->trouble || tally.out_failed || counts[SUITE_ERROR]) {
		return VGT_EXIT_TROUBLE;
	}
	for (int verdict = 0; verdict < SUITE_VERDICTS; verdict++) {
		if (counts[verdict] && suite_verdict_is_bad((enum suite_verdict)verdict)) {
			return VGT_EXIT_DIFFERENT;
		}
	}
	if (skipped && request->no_skip) {
		return VGT_EXIT_DIFFERENT;
	}
	if (tally.not_fetched == request->count) {
		fprintf(stderr, "vgt: %s: nothing was run\n", request->path);
		return VGT_EXIT_TROUBLE;
	}
	return VGT_EXIT_OK;
}

static void write_junit(struct request *request)
{
	struct vgt_err err;

	if (request->junit_path && !junit_write(&request->results, request->junit_path, &err)) {
		vgt_cmd_error(request->junit_path, &err);
		request->trouble = true;
	}
}

/* With a directory for what is not to be kept. */
static int run_suite(struct request *request)
{
	const char *tmpdir = getenv("TMPDIR");
	struct suite_information *run = &request->results.runs[0];
	const uint64_t begin = clock_ms();
	char *scratch;

	tmpdir = tmpdir && *tmpdir ? tmpdir : "/tmp";
	if (asprintf(&scratch, "%s/vgt-test-XXXXXX", tmpdir) < 0) {
		fputs("vgt: no memory for a path\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	/* what is left to do then is done behind the loops */
	interrupt_note();
	if (!mkdtemp(scratch)) {
		fprintf(stderr, "vgt: %s: cannot make a temporary directory: %s\n", tmpdir,
			strerror(errno));
		free(scratch);
		return VGT_EXIT_TROUBLE;
	}
	request->runner.scratch = scratch;
	if (request->fetch) {
		fetch_traces(request);
	}
	suite_renderer_find(&request->renderer, request->player, RENDERER_MS);
	request->runner.renderer = &request->renderer;
	run_tests(request);
	rmdir(scratch);
	free(scratch);
	if (request->out_is_ours) {
		rmdir(request->out); /* where nothing is in it */
	}
	run->seconds = (double)(clock_ms() - begin) / 1000;
	run->interrupted = interrupt_noted() != 0;
	suite_report_summary(&request->report, &request->results, request->count);
	write_junit(request);
	if (interrupt_noted()) {
		interrupt_die(interrupt_noted());
	}
	return exit_code(request);
}

/* What would be found out too late otherwise. */
static bool can_write_results(struct request *request)
{
	struct stat status;
	struct vgt_err err;

	request->out_is_ours = request->out && stat(request->out, &status) != 0;
	if (request->out && !vgt_cmd_make_directory(request->out)) {
		return false;
	}
	if (!suite_kept_init(
		    &request->runner.kept, request->out, request->suite.directory, &err)) {
		vgt_cmd_error(request->path, &err);
		return false;
	}
	if (!request->junit_path) {
		return true;
	}
	if (!junit_can_write(request->junit_path, &err)) {
		vgt_cmd_error(request->junit_path, &err);
		return false;
	}
	return true;
}

static int test_suite(struct request *request, char **arguments)
{
	struct vgt_err err;
	const struct suite_manifest *manifest = &request->suite.manifest;

	request->path = arguments[0];
	if (!suite_open(&request->suite, arguments[0], &err)) {
		fprintf(stderr, "vgt: %s\n", err.message);
		return VGT_EXIT_TROUBLE;
	}
	int result = select_tests(request, arguments + 1);
	if (result != VGT_EXIT_OK || request->list) {
		return result == VGT_EXIT_OK ? list_tests(request) : result;
	}
	if (!companion_find("vgt-player", request->player, sizeof(request->player)) ||
		!can_write_results(request)) {
		return VGT_EXIT_TROUBLE;
	}
	for (size_t i = 0; i < manifest->variable_count; i++) {
		setenv(manifest->environment[i].name, manifest->environment[i].value, 0);
	}
	struct suite_information *run = suite_results_add_run(&request->results);
	if (!run || !suite_information_gather(run, &request->suite, request->path, &err)) {
		fputs("vgt: no memory for the results\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	run->selected = request->count;
	request->runner.suite = &request->suite;
	request->runner.player = request->player;
	request->report.name_absent = arguments[1] != NULL || request->no_skip;
	request->report.colours = vgt_terminal_has_colours();
	return run_suite(request);
}

static int check_arguments(const struct request *request, int argc, char **argv)
{
	struct stat status;
	const char *path = argv[optind];

	if (argc - optind < 1) {
		return vgt_cmd_usage("test", "test takes a directory or a manifest");
	}
	if (request->report.json && (request->report.quiet || request->list)) {
		return vgt_cmd_usage("test", "--json and %s exclude each other",
			request->list ? "--list" : "--quiet");
	}
	const struct {
		bool given;
		const char *name;
	} runs[] = {{request->fetch, "--fetch"}, {request->junit_path != NULL, "--junit"},
		{request->out != NULL, "--out"}};
	for (size_t i = 0; request->list && i < sizeof(runs) / sizeof(runs[0]); i++) {
		if (runs[i].given) {
			return vgt_cmd_usage(
				"test", "--list and %s exclude each other", runs[i].name);
		}
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

/* An exit code, or -1: go on, with the suite at argv[optind]. */
static int parse_options(struct request *request, int argc, char **argv)
{
	enum {
		OPTION_TAG = 256,
		OPTION_LIST,
		OPTION_FETCH,
		OPTION_NO_SKIP,
		OPTION_TIMEOUT,
		OPTION_DROP,
		OPTION_JUNIT,
		OPTION_JSON
	};
	static const struct option options[] = {
		{"tag", required_argument, NULL, OPTION_TAG},
		{"list", no_argument, NULL, OPTION_LIST},
		{"fetch", no_argument, NULL, OPTION_FETCH},
		{"no-skip", no_argument, NULL, OPTION_NO_SKIP},
		{"out", required_argument, NULL, 'o'},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{"drop", required_argument, NULL, OPTION_DROP},
		{"junit", required_argument, NULL, OPTION_JUNIT},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	uint64_t timeout_s;
	for (int option; (option = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1;) {
		switch (option) {
		case OPTION_TAG:
			request->tags[request->tag_count++] = optarg;
			break;
		case OPTION_LIST:
			request->list = true;
			break;
		case OPTION_FETCH:
			request->fetch = true;
			break;
		case OPTION_NO_SKIP:
			request->no_skip = true;
			break;
		case 'o':
			request->out = optarg;
			break;
		case OPTION_TIMEOUT:
			if (!vgt_cmd_number(
				    "test", "--timeout", optarg, 1, 86400, &timeout_s)) {
				return VGT_EXIT_TROUBLE;
			}
			request->runner.timeout_ms = timeout_s * 1000;
			break;
		case OPTION_DROP:
			if (strcmp(optarg, "draws") != 0) {
				return vgt_cmd_usage("test", "--drop knows only 'draws'");
			}
			request->runner.drop_draws = true;
			break;
		case OPTION_JUNIT:
			request->junit_path = optarg;
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
			return vgt_cmd_bad_option("test", argv, options, option);
		}
	}
	return check_arguments(request, argc, argv);
}

int cmd_test(int argc, char **argv)
{
	static struct request request;

	request.runner.timeout_ms = 60000;
	request.tags = calloc((size_t)argc, sizeof(*request.tags));
	if (!request.tags) {
		fputs("vgt: no memory for the options\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	int result = parse_options(&request, argc, argv);
	if (result < 0) {
		result = test_suite(&request, argv + optind);
	}
	suite_results_finish(&request.results);
	suite_kept_finish(&request.runner.kept);
	suite_close(&request.suite);
	free(request.selected);
	free(request.tags);
	return result;
}
