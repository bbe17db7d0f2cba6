/* SPDX-License-Identifier: MIT */
#include "new_file.h"
#include "progress.h"
#include "trace_summary.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
const char cmd_recover_help[] =
	"usage: vgt recover [OPTION...] FILE\n"
	"\n"
	"Makes a whole trace of one whose recording was killed: what FILE holds, then\n"
	"what its ring still holds (the file named by ring.path in `vgt info`), then the\n"
	"tail. The ring is removed. A trace that is whole is left alone.\n"
	"\n"
	"  -o, --output OUT  write the recovered trace to the new file OUT and leave FILE\n"
	"                    and its ring as they are; needed where FILE is damaged\n"
	"                    inside, for then only what lies before the damage is kept\n"
	"      --force       replace OUT if it exists\n"
	"      --json        print one JSON object: path (of the whole trace), source (FILE),\n"
	"                    was_whole (nothing was to be recovered), ring_records (taken\n"
	"                    from the ring), torn_bytes (of a chunk, left out), file_bytes,\n"
	"                    records, commands, frames; commands_lost, frames_lost (in and\n"
	"                    behind the damage, as far as known), damage {message, byte} or\n"
	"                    null\n"
	"  -q, --quiet       no progress, no summary\n"
	"  -h, --help        print this\n"
	"\n"
	"exit status: 0 recovered or already whole; 1 FILE is no trace, or damaged and no\n"
	"-o given; 2 trouble, or the recording still runs.\n"
	"\n"
	"example: vgt recover crashed.vgt\n";
/* clang-format on */

enum {
	OPTION_FORCE = 256,
	OPTION_JSON,
};

struct recover {
	const char *path, *out; /* out NULL: in place */
	bool force, json, quiet;
	struct new_file file; /* for out */
	bool out_failed;      /* the error is about that */
};

static void on_passed(void *opaque, const struct vgt_reader *reader)
{
	const struct recover *recover = opaque;
	progress_reader(recover->path, reader);
}

static int create_out(void *opaque, struct vgt_err *err)
{
	struct recover *recover = opaque;
	recover->out_failed =
		!new_file_create(&recover->file, recover->out, recover->force, 0666, err);
	return recover->file.fd;
}

static bool make_whole(
	struct recover *recover, struct vgt_recovery *recovery, struct vgt_err *err)
{
	const struct vgt_recover_hooks hooks = {
		.opaque = recover,
		.passed = on_passed,
		.create = recover->out ? create_out : NULL,
	};
	progress_begin(!recover->quiet && !recover->json);
	bool good = vgt_recover_with(recover->path, &hooks, recovery, err);
	if (good && recover->out) {
		good = fsync(recover->file.fd) == 0
			       ? new_file_commit(&recover->file, err)
			       : vgt_err_system(err, errno, "cannot write the trace");
	}
	/* the trace has been read before there was a file for it */
	recover->out_failed |= !good && recover->file.fd >= 0;
	progress_end();
	new_file_finish(&recover->file);
	return good;
}

static int tell_failure(const struct recover *recover, const struct vgt_recovery *recovery,
	const struct vgt_err *err)
{
	vgt_cmd_error(recover->out_failed ? recover->out : recover->path, err);
	if (recovery->damaged && !recover->out && err->code == VGT_ERR_MALFORMED &&
		recovery->damage.offset > 0) {
		fprintf(stderr, "vgt: %s: use -o OUT to keep what lies before the damage\n",
			recover->path);
	}
	return vgt_err_is_of_trace(err->code) ? VGT_EXIT_DIFFERENT : VGT_EXIT_TROUBLE;
}

/* What stands behind the damage, and in it as far as that is known, and is not in the recovered
 * trace. */
struct left_out {
	uint64_t commands, frames;
};

static struct left_out find_left_out(
	const struct recover *recover, const struct vgt_recovery *recovery)
{
	struct left_out left = {0};
	struct vgt_reader *reader = vgt_reader_open(recover->path, NULL);
	struct trace_summary *summary = reader ? trace_summary_create() : NULL;
	struct vgt_err err;
	progress_begin(!recover->quiet && !recover->json);
	if (summary && trace_summary_read(summary, reader, recover->path, &err)) {
		const struct vgt_position *all = &summary->all;
		left.commands = all->commands > recovery->commands
					? all->commands - recovery->commands
					: 0;
		left.frames =
			all->frames > recovery->frames ? all->frames - recovery->frames : 0;
	}
	progress_end();
	trace_summary_destroy(summary);
	vgt_reader_close(reader);
	return left;
}

static void print_json(const struct recover *recover, const struct vgt_recovery *recovery,
	const struct left_out *left)
{
	const char *path = recover->out ? recover->out : recover->path;
	struct json_object *object = json_object_new_object();
	struct stat status;
	vgt_json_put_text(object, "path", path);
	vgt_json_put_text(object, "source", recover->path);
	json_object_object_add(
		object, "was_whole", json_object_new_boolean(recovery->was_whole));
	vgt_json_put_number(object, "ring_records", recovery->from_ring);
	vgt_json_put_number(object, "torn_bytes", recovery->torn);
	json_object_object_add(object, "file_bytes",
		stat(path, &status) == 0 ? json_object_new_int64(status.st_size) : NULL);
	vgt_json_put_number(object, "records", recovery->records);
	vgt_json_put_number(object, "commands", recovery->commands);
	vgt_json_put_number(object, "frames", recovery->frames);
	vgt_json_put_number(object, "commands_lost", left->commands);
	vgt_json_put_number(object, "frames_lost", left->frames);
	vgt_json_put_damage(object, recovery->damaged ? &recovery->damage : NULL);
	vgt_json_print(stdout, object);
}

static void print_summary(const struct recover *recover, const struct vgt_recovery *recovery,
	const struct left_out *left)
{
	const char *out = recover->out;
	if (recovery->was_whole) {
		fprintf(stderr, "vgt: %s: is whole, nothing to recover%s%s\n", recover->path,
			out ? "; copied to " : "", out ? out : "");
		return;
	}
	fprintf(stderr,
		"vgt: %s: recovered: %" PRIu64 " commands, %" PRIu64 " frames (%" PRIu64
		" records from the ring, %" PRIu64 " bytes of a torn chunk dropped)\n",
		out ? out : recover->path, recovery->commands, recovery->frames,
		recovery->from_ring, recovery->torn);
	if (left->commands || left->frames) {
		fprintf(stderr,
			"vgt: %s: %" PRIu64 " commands, %" PRIu64
			" frames in or behind the damage are left out\n",
			out ? out : recover->path, left->commands, left->frames);
	}
}

/* An exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct recover *recover)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"force", no_argument, NULL, OPTION_FORCE},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1;) {
		switch (option) {
		case 'o':
			recover->out = optarg;
			break;
		case OPTION_FORCE:
			recover->force = true;
			break;
		case OPTION_JSON:
			recover->json = true;
			break;
		case 'q':
			recover->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_recover_help);
		default:
			return vgt_cmd_bad_option("recover", argv, options, option);
		}
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("recover", "recover takes one trace");
	}
	recover->path = argv[optind];
	if (strcmp(recover->path, "-") == 0) {
		return vgt_cmd_usage("recover", "recover needs a file, not standard input");
	}
	if (recover->out && !vgt_cmd_may_write("recover", recover->path, recover->out)) {
		return VGT_EXIT_TROUBLE;
	}
	return -1;
}

int cmd_recover(int argc, char **argv)
{
	struct recover recover = {.file = {.fd = -1}};
	struct vgt_recovery recovery;
	struct vgt_err err;
	const int result = parse_options(argc, argv, &recover);
	if (result >= 0) {
		return result;
	}
	if (!make_whole(&recover, &recovery, &err)) {
		return tell_failure(&recover, &recovery, &err);
	}
	struct left_out left = {0};
	if (recovery.damaged) {
		vgt_cmd_error(recover.path, &recovery.damage);
		left = find_left_out(&recover, &recovery);
	}
	if (recover.json) {
		print_json(&recover, &recovery, &left);
	} else if (!recover.quiet) {
		print_summary(&recover, &recovery, &left);
	}
	return VGT_EXIT_OK;
}
