/* SPDX-License-Identifier: MIT */
#include "bound_state.h"
#include "dump_filter.h"
#include "dump_line.h"
#include "progress.h"
#include "terminal.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_desc.h"
#include "virgl_desc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
const char cmd_dump_help[] =
	"usage: vgt dump [OPTION...] FILE [ADDRESS | FILTER]...\n"
	"       vgt dump --capset [--json] FILE\n"
	"\n"
	"Prints the records of a trace with the names of the protocol, virgl commands with\n"
	"what their handles are. FILE may be - for standard input.\n"
	"\n"
	"An ADDRESS is frames (12, 10-20, 10-), control commands (@1042, @100-@200) or virgl\n"
	"commands of one submit (@1042.17, @1042.17-30); several are joined. A FILTER leaves\n"
	"only commands which\n"
	"  op=NAME[,NAME...]  are called so: DRAW_VBO, CREATE_OBJECT, BLEND, SUBMIT_3D, MEM\n"
	"  ctx=N              belong to context N\n"
	"  res=N              use resource N, an object made of it, or, if they draw, launch\n"
	"                     or clear, find either of them bound\n"
	"  draw, clear        draw or launch a grid; clear something\n"
	"and with several filters, that pass all of them (draw, clear and op= together: one).\n"
	"\n"
	"To know what handles are, what stands before the first address is read too, where\n"
	"that is not more than 256 MiB of records or --state or res= need it. Else, and with\n"
	"--seek, it is skipped: vgt goes to the address at once, and says nothing of what was\n"
	"made or bound before.\n"
	"\n"
	"  --state       with each draw, launch and clear what it finds: the commands that set\n"
	"                the state in force, where they stand\n"
	"  --full        all of shaders, data, raw commands and long arrays, not only how much\n"
	"  --all         also polls, fences and the host's answers where they say no more than\n"
	"                done (in JSON they always are)\n"
	"  --time        the time of each record, in seconds from the start\n"
	"  --seek, --from-start   skip what stands before the address, or read it, however\n"
	"                much it is\n"
	"  --capset      the capsets that the guest was offered, every limit and bit; with\n"
	"                --json for 'vgt record --capset'\n"
	"  --no-pager    on a terminal, do not use $PAGER; NO_COLOR=1 turns colours off\n"
	"  --json        JSON lines, see below\n"
	"  -q, --quiet   no progress (there is some where stdout is a file)\n"
	"  -h, --help    print this\n"
	"\n"
	"JSON lines: one object for each record or virgl command with\n"
	"  at             \"@COMMAND\" or \"@COMMAND.VIRGL_COMMAND\", of commands only\n"
	"  record, command, virgl_command, frame   numbers; virgl_command of virgl commands,\n"
	"                 record of records; command and frame of other records: the next\n"
	"  time_ns        of records\n"
	"  ctx_id         of virgl commands\n"
	"  type           name, for example \"DRAW_VBO\" or \"RESPONSE\"; null if unknown\n"
	"  op, object     of virgl commands: the numbers in their header\n"
	"  fields         {name: value}; enumerations and formats by name or, unknown, number;\n"
	"                 flags an array of names; dwords whose type the command does not say\n"
	"                 (colours, constants) as integers; floats numbers or\n"
	"                 \"nan\", \"inf\", \"-inf\"; digests and trace ids hexadecimal text;\n"
	"                 text {\"text\"} or, long and not --full, {\"bytes\"}; data {\"bytes\",\n"
	"                 with --full \"hex\"}; what is repeated an array, of objects\n"
	"                 where it has several fields; without --full its first 256\n"
	"  handles        [{field, kind, id, use: [define, read, write, destroy], is}]\n"
	"  state          with --state: [{at, command, virgl_command, type, fields, handles}]\n"
	"  error, bytes, dwords   instead of fields, where a command cannot be understood\n"
	"Where the file is damaged one line {\"type\": \"gap\", begin, end (bytes), command,\n"
	"commands_lost, frames_lost}. With --capset {id, version, bytes, fields} for each.\n"
	"\n"
	"exit status: 0 done; 1 the trace is damaged (what lies behind the damage is shown\n"
	"too); 2 trouble, such as no such address; 5 the end of the trace was asked for and is\n"
	"missing.\n"
	"\n"
	"example: vgt dump traces/gears.vgt 3 draw\n";
/* clang-format on */

/* Records before an address are read rather than skipped up to so many bytes. */
#define READ_BEFORE_MAX (256u << 20)

struct dump {
	const char *path;
	bool all, capset, state, use_pager, quiet;
	bool seek, from_start; /* as asked for */
	struct vgt_addresses addresses;
	struct dump_filter filter;

	struct vgt_reader *reader;
	struct vgt_model *model;
	struct bound_state *bound; /* NULL: nobody asks */
	struct dump_line line;
	const struct vgt_record *record; /* being shown */
	enum vgt_asked asked;            /* of it */
	uint32_t virgl_count;            /* of its submit, so far */
	size_t walked;                   /* dwords that these took */
	uint64_t last_frame;             /* to which the last command belongs */
	bool missed;                     /* an address that does not exist, told */
	bool shown;                      /* something */
};

/* Virgl commands */

static void show_virgl(struct dump *dump, const struct virgl_command *command, uint32_t number)
{
	struct vgt_layout layout;
	struct vgt_err err;
	bool good = virgl_desc_measure(command, &layout, &err);
	const struct dump_virgl virgl = {
		.number = number,
		.command = command,
		.desc = layout.desc,
		.layout = good ? &layout : NULL,
		.error = good ? NULL : err.message,
	};
	const struct dump_subject subject = {
		.name = layout.desc ? layout.desc->name : NULL,
		.op = command->op,
		.is_command = true,
		.ctx_id = dump->line.how.ctx_id,
		.layout = virgl.layout,
	};
	if (dump_filter_passes(&dump->filter, &subject, dump->model, dump->bound)) {
		dump->shown = true;
		dump_line_virgl(
			&dump->line, dump->record, &virgl, dump->state ? dump->bound : NULL);
	}
}

static bool is_asked(const struct dump *dump, uint32_t number)
{
	return dump->asked == VGT_ASKED_ALL ||
	       (dump->asked == VGT_ASKED_PART &&
		       vgt_addresses_contain(&dump->addresses, dump->record->frame,
			       dump->record->command, number));
}

/* The model's hook: the command is next. */
static void on_virgl(
	void *opaque, uint32_t ctx_id, const struct virgl_command *command, uint32_t number)
{
	struct dump *dump = opaque;
	dump->line.how.ctx_id = ctx_id;
	dump->virgl_count = number + 1;
	dump->walked += command->length + (size_t)1;
	if (is_asked(dump, number)) {
		show_virgl(dump, command, number);
	}
	if (dump->bound) {
		bound_state_feed(dump->bound, dump->model, ctx_id, command,
			dump->record->command, number);
	}
}

/* A submit of a context that is not known: taken for virgl. */
static void walk_submit(
	struct dump *dump, uint32_t ctx_id, const uint32_t *dwords, size_t count)
{
	struct virgl_command command;
	size_t at = 0;
	for (uint32_t number = 0; virgl_command_next(dwords, count, &at, &command); number++) {
		on_virgl(dump, ctx_id, &command, number);
	}
}

/* What is left of the submit where its last command runs past the end. */
static void show_rest(struct dump *dump, const uint32_t *dwords, size_t count)
{
	const struct dump_subject rest = {
		.name = virgl_ccmd_name(dwords[dump->walked] & 0xff),
		.op = (int)(dwords[dump->walked] & 0xff),
		.is_command = true,
		.ctx_id = dump->line.how.ctx_id,
	};
	uint32_t number = dump->virgl_count++;
	if (is_asked(dump, number) &&
		dump_filter_passes(&dump->filter, &rest, dump->model, dump->bound)) {
		dump_line_rest(&dump->line, dump->record, number, dwords + dump->walked,
			count - dump->walked);
	}
}

static void take_submit(struct dump *dump, const struct vgt_record *record)
{
	const struct virtio_gpu_cmd_submit *submit = record->payload;
	const uint32_t *dwords = virtio_gpu_submit_commands(submit, submit + 1);
	const size_t count = submit->size / sizeof(uint32_t);
	const uint32_t ctx_id = submit->hdr.ctx_id;
	const bool known = vgt_model_has_context(dump->model, ctx_id);
	dump->line.how.ctx_id = ctx_id;
	if (!known) {
		walk_submit(dump, ctx_id, dwords, count);
	}
	vgt_model_feed(
		dump->model, record->type, record->payload, record->size, record->command);
	if (dump->walked < count &&
		(!known || vgt_model_context_is_virgl(dump->model, ctx_id))) {
		show_rest(dump, dwords, count);
	}
}

/* Records */

/* What people can do without: polls, fences, answers of a host that did as it was told. */
static bool says_little(const struct vgt_record *record)
{
	const struct vgt_response *response = record->payload;
	return record->type == VGT_RECORD_POLL || record->type == VGT_RECORD_FENCE ||
	       (record->type == VGT_RECORD_RESPONSE && response->result == 0 &&
		       response->digest == 0);
}

static void show_record(struct dump *dump)
{
	const struct vgt_record *record = dump->record;
	if (!dump->line.json && !dump->all && !dump->filter.op_count && says_little(record)) {
		return;
	}
	const struct vgt_desc *desc = vgt_record_desc(record->type);
	const struct virtio_gpu_ctrl_hdr *hdr = record->payload;
	bool is_command = vgt_record_is_command(record->type);
	struct vgt_layout layout;
	struct vgt_err err = {.message = "unknown type"};
	bool good =
		desc && vgt_desc_measure(desc, record->payload, record->size, &layout, &err);
	const struct dump_subject subject = {
		.name = desc ? desc->name : NULL,
		.op = -1,
		.is_command = is_command,
		.ctx_id = is_command ? hdr->ctx_id : 0,
		.layout = good ? &layout : NULL,
	};
	dump->line.how.ctx_id = subject.ctx_id;
	if (dump_filter_passes(&dump->filter, &subject, dump->model, dump->bound)) {
		dump->shown = true;
		dump_line_record(&dump->line, record, subject.layout, err.message);
	}
}

/* How much of a record is asked for. */
static enum vgt_asked ask(struct dump *dump, const struct vgt_record *record)
{
	uint64_t command = record->command;
	uint64_t frame = record->frame;
	if (!dump->addresses.count) {
		return VGT_ASKED_ALL;
	}
	if (vgt_record_is_command(record->type)) {
		dump->last_frame = frame;
	} else if (record->type == VGT_RECORD_RESPONSE) {
		const struct vgt_response *response = record->payload;
		/* belongs to what it answers */
		frame = response->command + 1 == command ? dump->last_frame : frame;
		command = response->command;
	} else if (record->type == VGT_RECORD_FRAME && command) {
		command--;
	}
	return vgt_addresses_ask(&dump->addresses, frame, command);
}

/* Whether nothing asked for follows: answers may stand behind the last command. */
static bool is_behind(const struct dump *dump, const struct vgt_record *record)
{
	return dump->addresses.count &&
	       (vgt_record_is_command(record->type) || record->type == VGT_RECORD_MEM ||
		       record->type == VGT_RECORD_IOV) &&
	       vgt_addresses_passed(&dump->addresses, record->frame, record->command);
}

/* A virgl command was asked for that the command does not have. */
static void check_addresses(struct dump *dump, const struct vgt_record *record)
{
	for (size_t i = 0; i < dump->addresses.count; i++) {
		const struct vgt_address_range *range = &dump->addresses.range[i];
		if (!range->commands || range->first != record->command ||
			range->virgl_first == VGT_NO_VIRGL_COMMAND ||
			range->virgl_first < dump->virgl_count) {
			continue;
		}
		dump->missed = true;
		progress_clear();
		fflush(stdout);
		if (record->type == VIRTIO_GPU_CMD_SUBMIT_3D) {
			fprintf(stderr,
				"vgt: %s: there is no @%" PRIu64 ".%" PRIu32 ": @%" PRIu64
				" has %" PRIu32 " virgl commands\n",
				dump->path, record->command, range->virgl_first,
				record->command, dump->virgl_count);
		} else {
			fprintf(stderr,
				"vgt: %s: there is no @%" PRIu64 ".%" PRIu32 ": @%" PRIu64
				" is no SUBMIT_3D\n",
				dump->path, record->command, range->virgl_first,
				record->command);
		}
	}
}

static void take_record(struct dump *dump, const struct vgt_record *record)
{
	const struct virtio_gpu_ctrl_hdr *hdr = record->payload;
	dump->record = record;
	dump->asked = ask(dump, record);
	dump->virgl_count = 0;
	dump->walked = 0;
	if (dump->asked == VGT_ASKED_ALL) {
		show_record(dump);
	}
	if (record->type == VIRTIO_GPU_CMD_SUBMIT_3D) {
		take_submit(dump, record);
	} else {
		vgt_model_feed(dump->model, record->type, record->payload, record->size,
			record->command);
	}
	if (dump->asked == VGT_ASKED_PART && vgt_record_is_command(record->type)) {
		check_addresses(dump, record);
	}
	if (dump->bound && record->type == VIRTIO_GPU_CMD_CTX_DESTROY) {
		bound_state_forget(dump->bound, hdr->ctx_id);
	} else if (dump->bound && record->type == VGT_RECORD_RESET) {
		bound_state_forget_all(dump->bound);
	}
}

/* The trace */

/* Behind damage nothing is known of what was made before. */
static bool skip_damage(struct dump *dump)
{
	static const struct vgt_reset reset = {.kind = VGT_RESET_CLEANUP};
	struct vgt_gap gap;
	if (!vgt_reader_resync(dump->reader, &gap, NULL)) {
		return false;
	}
	dump_line_gap(&dump->line, &gap);
	dump->line.how.complete = false;
	vgt_model_feed(dump->model, VGT_RECORD_RESET, &reset, sizeof(reset), 0);
	if (dump->bound) {
		bound_state_forget_all(dump->bound);
	}
	return true;
}

/* A trace too damaged to seek in is read from its start instead. */
static int read_instead(struct dump *dump, const struct vgt_err *why)
{
	struct vgt_err err;
	int result = vgt_cmd_bad_trace(dump->path, why);
	if (result != VGT_EXIT_DIFFERENT || strcmp(dump->path, "-") == 0) {
		return result;
	}
	vgt_reader_close(dump->reader);
	dump->reader = vgt_reader_open(dump->path, &err);
	return dump->reader ? result : vgt_cmd_bad_trace(dump->path, &err);
}

/* Goes to the first address where what stands before it is too much, or not wanted. */
static int go_to_address(struct dump *dump)
{
	uint64_t frame, command;
	struct vgt_err err;
	struct stat status;
	const bool is_file =
		stat(strcmp(dump->path, "-") == 0 ? "/dev/stdin" : dump->path, &status) == 0 &&
		S_ISREG(status.st_mode);
	if (!dump->addresses.count || dump->from_start || (!is_file && !dump->seek)) {
		return VGT_EXIT_OK;
	}
	vgt_addresses_first(&dump->addresses, &frame, &command);
	if (!vgt_reader_seek(dump->reader, frame, command, &err)) {
		return read_instead(dump, &err);
	}
	uint64_t before = vgt_reader_passed(dump->reader).stream_pos;
	if (!before) {
		return VGT_EXIT_OK;
	}
	if (!dump->seek && (before <= READ_BEFORE_MAX || dump->bound) &&
		vgt_reader_seek(dump->reader, 0, 0, NULL)) {
		return VGT_EXIT_OK;
	}
	dump->line.how.complete = false;
	if (!dump->seek) {
		fprintf(stderr,
			"vgt: %s: %" PRIu64 " MiB before the address are skipped; "
			"--from-start reads them, to know what handles are\n",
			dump->path, before >> 20);
	}
	return VGT_EXIT_OK;
}

static int dump_capsets(struct dump *dump)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	while ((next = vgt_reader_next(dump->reader, &record, &err)) == VGT_READ_RECORD) {
		if (record.type == VGT_RECORD_CAPSET) {
			dump_line_capset(&dump->line, &record);
		} else if (vgt_record_is_command(record.type)) {
			break; /* they stand in front */
		}
	}
	return next == VGT_READ_ERROR ? vgt_cmd_bad_trace(dump->path, &err) : VGT_EXIT_OK;
}

static int dump_trace(struct dump *dump)
{
	struct vgt_record record;
	struct vgt_err err;
	int result = go_to_address(dump);
	if (result == VGT_EXIT_TROUBLE) {
		return result;
	}
	for (;;) {
		enum vgt_read next = vgt_reader_next(dump->reader, &record, &err);
		progress_reader(dump->path, dump->reader);
		if (next == VGT_READ_RECORD) {
			if (is_behind(dump, &record)) {
				break;
			}
			take_record(dump, &record);
			continue;
		}
		/* a chunk without an end may have others behind it */
		if (next == VGT_READ_END &&
			(vgt_reader_end(dump->reader) != VGT_END_CUT ||
				!vgt_reader_torn(dump->reader) || !skip_damage(dump))) {
			int end = vgt_cmd_trace_end(dump->path, dump->reader, false);
			result = result == VGT_EXIT_OK ? end : result;
			break;
		}
		if (next == VGT_READ_ERROR) {
			result = vgt_cmd_bad_trace(dump->path, &err);
			if (result == VGT_EXIT_TROUBLE || !skip_damage(dump)) {
				break;
			}
		}
		result = VGT_EXIT_DIFFERENT;
	}
	if (!dump->shown && !dump->missed && dump_filter_is_set(&dump->filter) &&
		!dump->quiet) {
		fflush(stdout);
		fprintf(stderr, "vgt: %s: nothing passes the filter\n", dump->path);
	}
	return dump->missed ? VGT_EXIT_TROUBLE : result;
}

/* The command line */

static bool parse_word(struct dump *dump, const char *word)
{
	struct vgt_err err;
	bool good = *word == '@' || (*word >= '0' && *word <= '9')
			    ? vgt_addresses_add(&dump->addresses, word, &err)
			    : dump_filter_add(&dump->filter, word, &err);
	if (!good) {
		vgt_cmd_usage("dump", "%s%s", err.message,
			access(word, F_OK) == 0 ? " (FILE comes first)" : "");
	}
	return good;
}

/* An exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct dump *dump)
{
	enum { ALL = 256, CAPSET, FROM_START, FULL, JSON, NO_PAGER, SEEK, STATE, TIME };
	static const struct option options[] = {
		{"all", no_argument, NULL, ALL},
		{"capset", no_argument, NULL, CAPSET},
		{"from-start", no_argument, NULL, FROM_START},
		{"full", no_argument, NULL, FULL},
		{"json", no_argument, NULL, JSON},
		{"no-pager", no_argument, NULL, NO_PAGER},
		{"quiet", no_argument, NULL, 'q'},
		{"seek", no_argument, NULL, SEEK},
		{"state", no_argument, NULL, STATE},
		{"time", no_argument, NULL, TIME},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":qh", options, NULL)) != -1;) {
		switch (option) {
		case ALL:
			dump->all = true;
			break;
		case CAPSET:
			dump->capset = true;
			break;
		case FROM_START:
			dump->from_start = true;
			break;
		case FULL:
			dump->line.how.full = true;
			break;
		case JSON:
			dump->line.json = true;
			break;
		case NO_PAGER:
			dump->use_pager = false;
			break;
		case 'q':
			dump->quiet = true;
			break;
		case SEEK:
			dump->seek = true;
			break;
		case STATE:
			dump->state = true;
			break;
		case TIME:
			dump->line.show_time = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_dump_help);
		default:
			return vgt_cmd_bad_option("dump", argv, options, option);
		}
	}
	if (argc == optind) {
		return vgt_cmd_usage("dump", "dump takes a trace");
	}
	if (dump->seek && dump->from_start) {
		return vgt_cmd_usage("dump", "--seek and --from-start exclude each other");
	}
	dump->path = argv[optind++];
	if (dump->capset && argc > optind) {
		return vgt_cmd_usage("dump", "--capset takes a trace and nothing else");
	}
	for (; optind < argc; optind++) {
		if (!parse_word(dump, argv[optind])) {
			return VGT_EXIT_TROUBLE;
		}
	}
	return -1;
}

static int run(struct dump *dump)
{
	struct vgt_err err;
	const struct vgt_model_hooks hooks = {.opaque = dump, .virgl = on_virgl};
	struct dump_line *line = &dump->line;
	const bool needs_state = dump->state || dump->filter.has_res;
	dump->reader = vgt_reader_open(dump->path, &err);
	if (!dump->reader) {
		return vgt_cmd_bad_trace(dump->path, &err);
	}
	dump->model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	dump->bound = needs_state ? bound_state_create() : NULL;
	if (!dump->model || (needs_state && !dump->bound)) {
		fputs("vgt: no memory for the trace\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	line->how.out = stdout;
	line->how.palette = !line->json && vgt_terminal_has_colours() ? &describe_coloured
								      : &describe_plain;
	line->how.model = dump->model;
	line->how.complete = true;
	line->how.multiline = dump->capset;
	line->show_frame = dump_filter_is_set(&dump->filter) && !line->json;
	line->last_frame = UINT64_MAX;
	if (dump->use_pager) {
		vgt_pager_start();
	}
	progress_begin(!dump->quiet && !line->json && vgt_terminal_lacks_stdout());
	int result = dump->capset ? dump_capsets(dump) : dump_trace(dump);
	progress_end();
	vgt_pager_finish();
	return result;
}

int cmd_dump(int argc, char **argv)
{
	struct dump *dump = calloc(1, sizeof(*dump));
	if (!dump) {
		fputs("vgt: no memory\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	dump->use_pager = true;
	int result = parse_options(argc, argv, dump);
	if (result < 0) {
		result = run(dump);
	}
	bound_state_destroy(dump->bound);
	vgt_model_destroy(dump->model);
	vgt_reader_close(dump->reader);
	dump_filter_finish(&dump->filter);
	free(dump);
	return result;
}
