/* SPDX-License-Identifier: MIT */
#include "new_trace.h"
#include "progress.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_ring.h"
#include "vgt_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
const char cmd_repack_help[] =
	"usage: vgt repack [-1 ... -19] [OPTION...] FILE\n"
	"\n"
	"Compresses a trace again, as a recorder in a hurry could not, and puts it in the\n"
	"place of FILE when it is whole and has been read back. The records stay the same\n"
	"to the byte. A trace whose end is missing gets its tail; one that ends within a\n"
	"chunk needs -o OUT, for what is there of that chunk is left out. One that is\n"
	"damaged, or still being recorded, is left alone.\n"
	"\n"
	"  -1 ... -19        level of zstd (-19); reading is as fast at any level\n"
	"  -o, --output OUT  write to the new file OUT and leave FILE as it is; FILE may\n"
	"                    be - for standard input then\n"
	"      --force       replace OUT if it exists\n"
	"      --json        print one JSON object: path (of the new trace), source (FILE),\n"
	"                    source_bytes (null from a pipe), source_end (\"tail\", \"cut\"),\n"
	"                    torn_bytes (left out), file_bytes, stream_bytes, chunks, records,\n"
	"                    commands, frames\n"
	"  -q, --quiet       no progress, no summary\n"
	"  -h, --help        print this\n"
	"\n"
	"exit status: 0 done; 1 FILE is no trace, or damaged; 2 trouble, or it is still\n"
	"being recorded, its ring is to be recovered first (see `vgt help recover`), or it\n"
	"ends within a chunk and no -o is given.\n"
	"\n"
	"example: vgt repack -19 -o small.vgt traces/gears.vgt\n";
/* clang-format on */

#define LEVEL_DEFAULT 19
#define LEVEL_MAX     19

enum {
	OPTION_FORCE = 256,
	OPTION_JSON,
};

struct repack {
	const char *path, *out;
	bool force, json, quiet;
	int level;
	int lock;           /* FILE, held while it is replaced, or -1 */
	struct stat status; /* of FILE, where it is not a pipe */
};

static int refuse(const char *path, const char *why)
{
	progress_clear();
	fprintf(stderr, "vgt: %s: %s\n", path, why);
	return VGT_EXIT_TROUBLE;
}

/* What is behind the last whole chunk cannot be put into the new trace. */
static int refuse_torn(const char *path, uint64_t torn)
{
	progress_clear();
	fprintf(stderr,
		"vgt: %s: ends within a chunk: %" PRIu64
		" bytes would be lost; use -o OUT, or `vgt recover`\n",
		path, torn);
	return VGT_EXIT_TROUBLE;
}

/* Nobody records into the file that is about to be replaced, nor recovers it: both hold the
 * lock exclusively. Shared, for the reader would take an exclusive one for a recording. */
static int lock_source(struct repack *repack)
{
	struct vgt_err err;
	repack->lock = open(repack->path, O_RDONLY | O_CLOEXEC);
	if (repack->lock < 0 || fstat(repack->lock, &repack->status)) {
		vgt_err_system(&err, errno, "cannot open the trace");
		return vgt_cmd_bad_trace(repack->path, &err);
	}
	if (S_ISREG(repack->status.st_mode) && access(repack->path, W_OK)) {
		vgt_err_system(&err, errno, "cannot be replaced");
		return vgt_cmd_bad_trace(repack->path, &err);
	}
	if (!S_ISREG(repack->status.st_mode)) {
		return refuse(repack->path,
			S_ISDIR(repack->status.st_mode) ? "is a directory" : "is not a file");
	}
	if (flock(repack->lock, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK) {
		return refuse(repack->path, "is still being recorded");
	}
	return -1;
}

/* An exit code, or -1: all is read and put. */
static int copy_records(const struct repack *repack, struct vgt_reader *reader,
	const struct vgt_record *first, struct new_trace *trace)
{
	const char *shown = repack->out ? repack->out : repack->path;
	struct vgt_record record = *first;
	struct vgt_err err;
	enum vgt_read next = VGT_READ_RECORD;
	trace->sink.trace_id = vgt_reader_trace_id(reader);
	trace->sink.minor = vgt_reader_minor(reader);
	for (; next == VGT_READ_RECORD; next = vgt_reader_next(reader, &record, &err)) {
		if (!new_trace_put(trace, &record, &err)) {
			vgt_cmd_error(shown, &err);
			return VGT_EXIT_TROUBLE;
		}
		progress_reader(repack->path, reader);
	}
	if (next == VGT_READ_ERROR) {
		return vgt_cmd_bad_trace(repack->path, &err);
	}
	switch (vgt_reader_end(reader)) {
	case VGT_END_RECORDING:
		return refuse(repack->path, "is still being recorded");
	case VGT_END_RING:
		return refuse(
			repack->path, "the rest of it is in its ring; use `vgt recover` first");
	case VGT_END_CUT:
		if (!repack->out && vgt_reader_torn(reader)) {
			return refuse_torn(repack->path, vgt_reader_torn(reader));
		}
		if (!new_trace_put_meta(trace, "end.reason=recovered", &err)) {
			vgt_cmd_error(shown, &err);
			return VGT_EXIT_TROUBLE;
		}
		break;
	default:
		break;
	}
	return -1;
}

static bool has_size(const struct repack *repack)
{
	return S_ISREG(repack->status.st_mode) && repack->status.st_size > 0;
}

static void print_json(const struct repack *repack, const struct vgt_reader *reader,
	const struct new_trace *trace)
{
	struct json_object *object = json_object_new_object();
	vgt_json_put_text(object, "path", repack->out ? repack->out : repack->path);
	vgt_json_put_text(object, "source", repack->path);
	json_object_object_add(object, "source_bytes",
		has_size(repack) ? json_object_new_int64(repack->status.st_size) : NULL);
	vgt_json_put_text(object, "source_end", vgt_cmd_end_name(vgt_reader_end(reader)));
	vgt_json_put_number(object, "torn_bytes", vgt_reader_torn(reader));
	vgt_json_put_number(object, "file_bytes", new_trace_size(trace));
	vgt_json_put_position(object, &trace->sink.at);
	vgt_json_print(stdout, object);
}

static void report(
	const struct repack *repack, struct vgt_reader *reader, const struct new_trace *trace)
{
	const char *shown = repack->out ? repack->out : repack->path;
	const uint64_t new_size = new_trace_size(trace);
	if (repack->json) {
		print_json(repack, reader, trace);
		return;
	}
	if (vgt_reader_end(reader) == VGT_END_CUT) {
		const uint64_t torn = vgt_reader_torn(reader);
		fprintf(stderr, "vgt: %s: the end was missing; it has its tail now", shown);
		if (torn) {
			fprintf(stderr, " (%" PRIu64 " bytes of a torn chunk left out)", torn);
		}
		fputc('\n', stderr);
	}
	if (repack->quiet) {
		return;
	}
	fprintf(stderr, "vgt: %s: ", shown);
	if (has_size(repack)) {
		fprintf(stderr, "%" PRId64 " -> %" PRIu64 " bytes (%.1f %%)\n",
			(int64_t)repack->status.st_size, new_size,
			100.0 * (double)new_size / (double)repack->status.st_size);
	} else {
		fprintf(stderr, "%" PRIu64 " bytes\n", new_size);
	}
}

static int rewrite(struct repack *repack, struct vgt_reader *reader)
{
	const char *shown = repack->out ? repack->out : repack->path;
	struct vgt_record first;
	struct vgt_err err;
	if (vgt_reader_next(reader, &first, &err) != VGT_READ_RECORD) {
		return vgt_cmd_bad_trace(repack->path, &err);
	}
	if (vgt_ring_in_use(vgt_reader_ring_path(reader), vgt_reader_trace_id(reader))) {
		return refuse(repack->path, "is still being recorded");
	}
	struct new_trace trace = {.file = {.fd = -1}};
	int result = VGT_EXIT_TROUBLE;
	if (!new_trace_create(&trace, shown, !repack->out || repack->force,
		    repack->out ? NULL : &repack->status, repack->level, &err)) {
		vgt_cmd_error(shown, &err);
	} else {
		progress_begin(!repack->quiet && !repack->json);
		result = copy_records(repack, reader, &first, &trace);
		if (result < 0 && !new_trace_commit(&trace, &err)) {
			vgt_cmd_error(shown, &err);
			result = VGT_EXIT_TROUBLE;
		} else if (result < 0) {
			progress_end();
			report(repack, reader, &trace);
			result = VGT_EXIT_OK;
		}
	}
	progress_end();
	new_trace_finish(&trace);
	return result;
}

/* A level is an option of one digit, and a second one is its value. */
static bool parse_level(int digit, const char *rest, int *level)
{
	char text[8];
	uint64_t number;
	if ((size_t)snprintf(text, sizeof(text), "%c%s", digit, rest ? rest : "") >=
			sizeof(text) ||
		!vgt_text_number(text, 1, LEVEL_MAX, &number)) {
		return false;
	}
	*level = (int)number;
	return true;
}

/* An exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct repack *repack)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"force", no_argument, NULL, OPTION_FORCE},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	bool level_is_good = true;
	repack->level = LEVEL_DEFAULT;
	for (int option;
		(option = getopt_long(argc, argv, ":0::1::2::3::4::5::6::7::8::9::o:qh",
			 options, NULL)) != -1;) {
		if (option < 256 && isdigit(option)) {
			level_is_good = parse_level(option, optarg, &repack->level);
			continue;
		}
		switch (option) {
		case 'o':
			repack->out = optarg;
			break;
		case OPTION_FORCE:
			repack->force = true;
			break;
		case OPTION_JSON:
			repack->json = true;
			break;
		case 'q':
			repack->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_repack_help);
		default:
			return vgt_cmd_bad_option("repack", argv, options, option);
		}
	}
	if (!level_is_good) {
		return vgt_cmd_usage("repack", "the level must be -1 to -%d", LEVEL_MAX);
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("repack", "repack takes one trace");
	}
	repack->path = argv[optind];
	if (!repack->out && strcmp(repack->path, "-") == 0) {
		return vgt_cmd_usage("repack", "standard input cannot be replaced; use -o OUT");
	}
	if (repack->out && !vgt_cmd_may_write("repack", repack->path, repack->out)) {
		return VGT_EXIT_TROUBLE;
	}
	return -1;
}

int cmd_repack(int argc, char **argv)
{
	struct repack repack = {.path = "", .lock = -1};
	struct vgt_err err;
	int result = parse_options(argc, argv, &repack);
	if (result < 0 && !repack.out) {
		result = lock_source(&repack);
	}
	if (result < 0) {
		struct vgt_reader *reader = vgt_reader_open(repack.path, &err);
		if (repack.out && reader && strcmp(repack.path, "-") != 0 &&
			stat(repack.path, &repack.status)) {
			repack.status.st_size = 0;
		}
		result = reader ? rewrite(&repack, reader)
				: vgt_cmd_bad_trace(repack.path, &err);
		vgt_reader_close(reader);
	}
	if (repack.lock >= 0) {
		close(repack.lock);
	}
	return result;
}
