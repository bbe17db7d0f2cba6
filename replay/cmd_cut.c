/* SPDX-License-Identifier: MIT */
#include "new_trace.h"
#include "progress.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* clang-format off */
const char cmd_cut_help[] =
	"usage: vgt cut --frames 0-N -o OUT [OPTION...] FILE\n"
	"\n"
	"Writes the beginning of a trace, up to the end of frame N, as a trace of its own:\n"
	"smaller to keep or to send. FILE stays as it is and may be - for standard input.\n"
	"A cut can only begin at frame 0: what a frame draws rests on all that came before\n"
	"it. To look at later frames alone, `vgt replay --frames` plays what they need.\n"
	"\n"
	"      --frames 0-N  up to and with frame N; 0 is the first frame alone\n"
	"  -o, --output OUT  the new file, another than FILE\n"
	"      --force       replace OUT if it exists\n"
	"      --json        print one JSON object: path (of the new trace), source (FILE),\n"
	"                    file_bytes, stream_bytes, chunks, records, commands, frames\n"
	"  -q, --quiet       no progress, no summary\n"
	"  -h, --help        print this\n"
	"\n"
	"exit status: 0 done; 1 FILE is no trace, or damaged before the end of frame N;\n"
	"2 trouble, such as no frame N.\n"
	"\n"
	"example: vgt cut --frames 0-9 -o start.vgt traces/gears.vgt\n";
/* clang-format on */

/* Of zstd: quick enough for any trace; `vgt repack` makes it smaller. */
#define LEVEL 9

enum {
	OPTION_FORCE = 256,
	OPTION_FRAMES,
	OPTION_JSON,
};

struct cut {
	const char *path, *out;
	uint64_t last; /* frame */
	bool force, json, quiet;
};

/* Whether the record has to do with what is executed next. The rest answers what has been. */
static bool begins_command(const struct vgt_record *record)
{
	const struct vgt_fence *fence = record->payload;
	switch (record->type) {
	case VGT_RECORD_IOV:
	case VGT_RECORD_MEM:
	case VGT_RECORD_POLL:
	case VGT_RECORD_RESET:
		return true;
	case VGT_RECORD_FENCE:
		return fence->event == VGT_FENCE_CREATED;
	default:
		return vgt_record_is_command(record->type);
	}
}

/* Puts a META record without its ring.path: the new trace has no ring. */
static bool put_meta(
	struct new_trace *trace, const struct vgt_record *record, struct vgt_err *err)
{
	char *kept = malloc(record->size);
	if (!kept) {
		return vgt_err_system(err, ENOMEM, "cannot hold a record");
	}
	const char *at = record->payload;
	const char *const end = at + record->size;
	size_t size = 0;
	for (const char *text; (text = vgt_meta_next(&at, end));) {
		if (!vgt_meta_value(text, VGT_META_RING_PATH)) {
			const size_t length = (size_t)(at - text);
			memcpy(kept + size, text, length);
			size += length;
		}
	}
	struct vgt_record changed = *record;
	changed.payload = kept;
	changed.size = (uint32_t)size;
	const bool good = size == 0 || new_trace_put(trace, &changed, err);
	free(kept);
	return good;
}

static bool put(struct new_trace *trace, const struct vgt_record *record, struct vgt_err *err)
{
	return record->type == VGT_RECORD_META ? put_meta(trace, record, err)
					       : new_trace_put(trace, record, err);
}

/* An exit code, or -1: all that belongs to it is in the new trace. */
static int copy_records(const struct cut *cut, struct vgt_reader *reader,
	const struct vgt_record *first, struct new_trace *trace)
{
	struct vgt_record record = *first;
	struct vgt_err err;
	enum vgt_read next = VGT_READ_RECORD;
	bool ended = false; /* frame N has */
	for (; next == VGT_READ_RECORD; next = vgt_reader_next(reader, &record, &err)) {
		if (ended && begins_command(&record)) {
			return -1;
		}
		if (!put(trace, &record, &err)) {
			vgt_cmd_error(cut->out, &err);
			return VGT_EXIT_TROUBLE;
		}
		ended |= record.type == VGT_RECORD_FRAME && record.frame == cut->last;
		progress_reader(cut->path, reader);
	}
	if (ended) {
		return -1; /* what is behind it does not matter, nor whether it is damaged */
	}
	if (next == VGT_READ_ERROR) {
		return vgt_cmd_bad_trace(cut->path, &err);
	}
	progress_clear();
	fprintf(stderr,
		"vgt: %s: there is no frame %" PRIu64 ": the trace has %" PRIu64 " frames\n",
		cut->path, cut->last, vgt_reader_passed(reader).frames);
	return VGT_EXIT_TROUBLE;
}

static bool end_trace(struct new_trace *trace, struct vgt_err *err)
{
	return new_trace_put_meta(trace, "end.reason=cut", err) && new_trace_commit(trace, err);
}

static void print_json(const struct cut *cut, const struct new_trace *trace)
{
	struct json_object *object = json_object_new_object();
	vgt_json_put_text(object, "path", cut->out);
	vgt_json_put_text(object, "source", cut->path);
	vgt_json_put_number(object, "file_bytes", new_trace_size(trace));
	vgt_json_put_position(object, &trace->sink.at);
	vgt_json_print(stdout, object);
}

static void report(const struct cut *cut, const struct new_trace *trace)
{
	const uint64_t frames = trace->sink.at.frames;
	if (cut->json) {
		print_json(cut, trace);
		return;
	}
	if (cut->quiet) {
		return;
	}
	if (frames > cut->last + 1) {
		fprintf(stderr,
			"vgt: %s: frame %" PRIu64
			" ends with the same command, so it has that, "
			"too\n",
			cut->out, frames - 1);
	}
	fprintf(stderr,
		"vgt: %s: %" PRIu64 " frames, %" PRIu64 " commands, %" PRIu64 " bytes\n",
		cut->out, frames, trace->sink.at.commands, new_trace_size(trace));
}

static int write_cut(const struct cut *cut, struct vgt_reader *reader)
{
	struct vgt_record first;
	struct vgt_err err;
	if (vgt_reader_next(reader, &first, &err) != VGT_READ_RECORD) {
		return vgt_cmd_bad_trace(cut->path, &err);
	}
	struct new_trace trace = {.file = {.fd = -1}};
	int result = VGT_EXIT_TROUBLE;
	if (!new_trace_create(&trace, cut->out, cut->force, NULL, LEVEL, &err)) {
		vgt_cmd_error(cut->out, &err);
	} else if (getrandom(&trace.sink.trace_id, sizeof(trace.sink.trace_id), 0) !=
		   sizeof(trace.sink.trace_id)) {
		vgt_err_system(&err, errno, "no random number for the trace");
		vgt_cmd_error(cut->out, &err);
	} else {
		trace.sink.minor = vgt_reader_minor(reader);
		progress_begin(!cut->quiet && !cut->json);
		result = copy_records(cut, reader, &first, &trace);
		if (result < 0 && !end_trace(&trace, &err)) {
			vgt_cmd_error(cut->out, &err);
			result = VGT_EXIT_TROUBLE;
		} else if (result < 0) {
			progress_end();
			report(cut, &trace);
			result = VGT_EXIT_OK;
		}
	}
	progress_end();
	new_trace_finish(&trace);
	return result;
}

/* An exit code, or -1: go on. */
static int parse_frames(struct cut *cut, const char *text)
{
	struct vgt_ranges ranges;
	struct vgt_err err;
	if (!vgt_ranges_parse(&ranges, text, &err)) {
		return vgt_cmd_usage("cut", "%s", err.message);
	}
	const struct vgt_address_range *range = &ranges.frames.range[0];
	if (ranges.frames.count != 1 || range->first != 0) {
		return vgt_cmd_usage("cut",
			"--frames must be one range that begins at 0, not '%s': frames rest on "
			"all that came before them",
			text);
	}
	if (range->last == VGT_ADDRESS_OPEN) {
		return vgt_cmd_usage(
			"cut", "--frames must have an end, like 0-9, not '%s'", text);
	}
	cut->last = range->last;
	return -1;
}

/* An exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct cut *cut)
{
	static const struct option options[] = {
		{"frames", required_argument, NULL, OPTION_FRAMES},
		{"output", required_argument, NULL, 'o'},
		{"force", no_argument, NULL, OPTION_FORCE},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	const char *frames = NULL;
	for (int option; (option = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1;) {
		switch (option) {
		case OPTION_FRAMES:
			frames = optarg;
			break;
		case 'o':
			cut->out = optarg;
			break;
		case OPTION_FORCE:
			cut->force = true;
			break;
		case OPTION_JSON:
			cut->json = true;
			break;
		case 'q':
			cut->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_cut_help);
		default:
			return vgt_cmd_bad_option("cut", argv, options, option);
		}
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("cut", "cut takes one trace");
	}
	cut->path = argv[optind];
	if (!frames || !cut->out) {
		return vgt_cmd_usage("cut",
			frames ? "cut needs a new file, -o OUT" : "cut needs --frames 0-N");
	}
	return vgt_cmd_may_write("cut", cut->path, cut->out) ? parse_frames(cut, frames)
							     : VGT_EXIT_TROUBLE;
}

int cmd_cut(int argc, char **argv)
{
	struct cut cut = {.path = ""};
	struct vgt_err err;
	int result = parse_options(argc, argv, &cut);
	if (result < 0) {
		struct vgt_reader *reader = vgt_reader_open(cut.path, &err);
		result = reader ? write_cut(&cut, reader) : vgt_cmd_bad_trace(cut.path, &err);
		vgt_reader_close(reader);
	}
	return result;
}
