/* SPDX-License-Identifier: MIT */
#include "progress.h"
#include "trace_summary.h"
#include "trace_summary_json.h"
#include "trace_summary_text.h"
#include "vgt_cmd.h"
#include "vgt_json.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
const char cmd_info_help[] =
	"usage: vgt info [--all] [--json] [--quiet] FILE...\n"
	"\n"
	"Says what a trace is, as a bug report needs it: what recorded it, when and on what,\n"
	"what the guest was offered, how much the trace holds, what went wrong, and whether\n"
	"it is whole. FILE may be - for standard input. A recording that still runs is read\n"
	"up to where it is. What stands behind damage is counted too.\n"
	"\n"
	"  -a, --all   also all that was noted about the recording, uncut, and the number of\n"
	"              records of each type and of virgl commands of each operation\n"
	"  --json      one JSON object for each FILE, on a line of its own where there are\n"
	"              several:\n"
	"    path, version, trace_id\n"
	"    end            \"tail\": whole, \"ring\": killed, the rest is in its ring,\n"
	"                   \"recording\": it still runs, \"cut\": the end is missing, \"damage\"\n"
	"    file_bytes     null from a pipe; stream_bytes, chunks, records, commands, frames:\n"
	"                   numbers, of a damaged trace with what is lost, as far as that is\n"
	"                   known; the other numbers are of what can be read\n"
	"    seconds        from the start to the last record\n"
	"    capsets        [{id, name, version, bytes, and where it says so glsl_level,\n"
	"                   max_samples, max_render_targets, max_texture_2d_size,\n"
	"                   tessellation, geometry, compute, host_is_gles, renderer}]\n"
	"    frame_size     {width, height, format} of most frames, or null;\n"
	"                   format is null where it is not known\n"
	"    frame_sizes    [{width, height, format, count}], most first\n"
	"    frame_rules    {submit, readback, flush, marker: number; other: by a rule that\n"
	"                   this version does not know}\n"
	"    frame_rate     per second, first frame to last, or null\n"
	"    scanouts       [{id, width, height, count}] that frames were shown on\n"
	"    contexts       {created, sub_contexts, kinds [{capset_id, name, created}]}\n"
	"    resources      {created, imported, most (at once), attached_bytes_most (of guest\n"
	"                   memory), recorded_bytes (of it, in the trace)}\n"
	"    submit_bytes, shaders {stage: number}, draws, clears, launches\n"
	"    transfers      {to_host, from_host: {count, bytes (at most)}}\n"
	"    failed, refused, bad_commands, failed_fences   {count, first}: commands that the\n"
	"                   renderer failed or the device refused, what was no command; first:\n"
	"                   number of the (next) command, or null\n"
	"    resets         number; marks: [{command, text}], the first 16\n"
	"    damage         {message, byte} of the first, or null\n"
	"    gaps           [{begin, end (bytes), command, commands_lost, frames_lost}]\n"
	"    counts         {record name: number}; virgl: {command name: number}\n"
	"    meta           {key: text}\n"
	"  -q, --quiet\n"
	"              no progress\n"
	"  -h, --help  print this\n"
	"\n"
	"exit status: 0 a whole trace, or one still being recorded; 1 a bad trace;\n"
	"2 trouble; 5 the end is missing (see `vgt help recover`). Of several files the worst:\n"
	"2, then 1, then 5.\n"
	"\n"
	"example: vgt info traces/gears.vgt\n";
/* clang-format on */

struct options {
	bool all, json, quiet, several;
	bool printed; /* something before */
};

/* Bytes of the file; -1: it is none. */
static int64_t file_size(const char *path)
{
	struct stat status;
	const int failed =
		strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &status) : stat(path, &status);
	return failed || !S_ISREG(status.st_mode) ? -1 : status.st_size;
}

static void warn(const char *path, const struct trace_summary *summary)
{
	if (summary->left_out || summary->overflowed) {
		fflush(stdout);
	}
	if (summary->left_out) {
		fprintf(stderr, "vgt: %s: holds more kinds of something than are listed\n",
			path);
	}
	if (summary->overflowed) {
		fprintf(stderr,
			"vgt: %s: has more objects than are followed: not all is counted\n",
			path);
	}
}

static void print(
	const struct trace_summary *summary, const char *path, struct options *options)
{
	const int64_t file_bytes = file_size(path);
	if (options->json) {
		struct json_object *object = trace_summary_json(summary, path, file_bytes);
		vgt_json_write(stdout, object,
			options->several ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY);
		json_object_put(object);
	} else {
		fputs(options->printed ? "\n" : "", stdout);
		options->printed = true;
		trace_summary_print(summary, path, file_bytes, options->all);
	}
}

static int show(const char *path, struct options *options, struct trace_summary *summary)
{
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	if (!reader) {
		vgt_cmd_error(path, &err);
		return VGT_EXIT_TROUBLE;
	}
	int result;
	progress_begin(!options->json && !options->quiet);
	const bool good = trace_summary_read(summary, reader, path, &err);
	progress_end();
	if (good) {
		print(summary, path, options);
		warn(path, summary);
		/* the report itself says how the trace ends */
		result = summary->damaged ? vgt_cmd_bad_trace(path, &summary->damage)
					  : vgt_cmd_trace_end(path, reader, true);
	} else {
		result = vgt_cmd_bad_trace(path, &err);
	}
	vgt_reader_close(reader);
	return result;
}

/* Which of two exit codes says more: trouble, a bad trace, a missing end. */
static int worse(int a, int b)
{
	static const int order[] = {VGT_EXIT_TROUBLE, VGT_EXIT_DIFFERENT, VGT_EXIT_TRUNCATED};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (a == order[i] || b == order[i]) {
			return order[i];
		}
	}
	return VGT_EXIT_OK;
}

/* An exit code, or -1: go on, with argv[optind] and what follows the traces. */
static int parse_options(int argc, char **argv, struct options *chosen)
{
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":aqh", options, NULL)) != -1;) {
		switch (option) {
		case 'a':
			chosen->all = true;
			break;
		case 'j':
			chosen->json = true;
			break;
		case 'q':
			chosen->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_info_help);
		default:
			return vgt_cmd_bad_option("info", argv, options, option);
		}
	}
	chosen->several = argc - optind > 1;
	return argc > optind ? -1 : vgt_cmd_usage("info", "info takes a trace");
}

int cmd_info(int argc, char **argv)
{
	struct options options = {.all = false};
	int result = parse_options(argc, argv, &options);
	if (result >= 0) {
		return result;
	}
	result = VGT_EXIT_OK;
	for (int i = optind; i < argc; i++) {
		struct trace_summary *summary = trace_summary_create();
		if (!summary) {
			fputs("vgt: no memory for the trace\n", stderr);
			return VGT_EXIT_TROUBLE;
		}
		result = worse(result, show(argv[i], &options, summary));
		trace_summary_destroy(summary);
	}
	return result;
}
