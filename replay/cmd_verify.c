/* SPDX-License-Identifier: MIT */
#include "progress.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_trace.h"
#include "vgt_validate.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_DEFAULT 100

/* clang-format off */
const char cmd_verify_help[] =
	"usage: vgt verify [OPTION...] FILE\n"
	"\n"
	"Checks a trace without GL: that the file is whole and undamaged, and that its\n"
	"commands keep the rules of virtio-gpu and virgl. A violation is one line with its\n"
	"address, @COMMAND or @COMMAND.VIRGL_COMMAND: wrong lengths, unknown commands and\n"
	"values, handles of what does not exist, was destroyed or is of another kind,\n"
	"transfers beyond the resource or its memory, draws without shaders, refusals by\n"
	"the host. `vgt dump FILE ADDRESS` shows what stands there. FILE may be - for\n"
	"standard input.\n"
	"\n"
	"  --max N      show no more than N violations, count the others (100; 0: all)\n"
	"  --json       JSON lines: {\"event\":\"violation\", \"command\", \"virgl_command\" or\n"
	"               null, \"message\"}, and last {\"event\":\"end\", \"end\" (\"tail\", \"ring\",\n"
	"               \"recording\", \"cut\", \"damage\"), \"records\", \"commands\", \"frames\",\n"
	"               \"violations\", \"handles_checked\", \"damage\" {\"message\", \"byte\"}\n"
	"               or null}; handles_checked is false where handles were not checked to\n"
	"               the end: it is missing or behind the damage, or there were more\n"
	"               objects than are followed\n"
	"  -q, --quiet  no progress, no summary\n"
	"  -h, --help   print this\n"
	"\n"
	"exit status: 0 no violation; 1 violations, or a damaged file; 2 trouble; 5 no\n"
	"violation, but the end of the trace is missing (see `vgt help recover`).\n"
	"\n"
	"example: vgt verify traces/gears.vgt\n";
/* clang-format on */

struct verify {
	const char *path;
	bool json;
	bool quiet;
	uint64_t max;
	uint64_t violations;
};

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	struct verify *verify = opaque;
	const bool in_submit = violation->virgl_command != VGT_NO_VIRGL_COMMAND;
	char address[VGT_ADDRESS_TEXT_SIZE];
	if (verify->violations++ >= verify->max) {
		return;
	}
	if (verify->json) {
		struct json_object *object = json_object_new_object();
		vgt_json_put_text(object, "event", "violation");
		vgt_json_put_number(object, "command", violation->command);
		json_object_object_add(object, "virgl_command",
			in_submit ? json_object_new_int64(violation->virgl_command) : NULL);
		vgt_json_put_text(object, "message", violation->message);
		vgt_json_print(stdout, object);
		return;
	}
	progress_clear();
	printf("%s: %s: %s\n", verify->path,
		vgt_address_text(address, violation->command, violation->virgl_command),
		violation->message);
}

/* What there is to say when all has been read; `damage` is NULL where there is none. */
static void print_end(const struct verify *verify, const struct vgt_reader *reader,
	bool overflowed, const struct vgt_err *damage)
{
	struct vgt_position at = vgt_reader_passed(reader);
	const bool at_end = !damage && vgt_reader_end(reader) != VGT_END_CUT;
	if (verify->json) {
		struct json_object *object = json_object_new_object();
		vgt_json_put_text(object, "event", "end");
		vgt_json_put_text(object, "end",
			damage ? "damage" : vgt_cmd_end_name(vgt_reader_end(reader)));
		vgt_json_put_number(object, "records", at.records);
		vgt_json_put_number(object, "commands", at.commands);
		vgt_json_put_number(object, "frames", at.frames);
		vgt_json_put_number(object, "violations", verify->violations);
		json_object_object_add(object, "handles_checked",
			json_object_new_boolean(at_end && !overflowed));
		vgt_json_put_damage(object, damage);
		vgt_json_print(stdout, object);
	}
	fflush(stdout);
	if (verify->quiet || at.records == 0) {
		return; /* of what is no trace there is nothing to sum up */
	}
	if (verify->violations > verify->max) {
		fprintf(stderr, "vgt: %s: %" PRIu64 " further violations are not shown\n",
			verify->path, verify->violations - verify->max);
	}
	if (overflowed) {
		fprintf(stderr,
			"vgt: %s: has more objects than are followed: handles were not all "
			"checked\n",
			verify->path);
	}
	fprintf(stderr, "vgt: %s: %" PRIu64 " commands, %" PRIu64 " frames, ", verify->path,
		at.commands, at.frames);
	if (verify->violations) {
		fprintf(stderr, "%" PRIu64 " violation%s", verify->violations,
			verify->violations == 1 ? "" : "s");
	} else {
		fputs("no violation", stderr);
	}
	fprintf(stderr, "%s\n", damage ? " up to the damage" : "");
}

static int verify_trace(
	struct verify *verify, struct vgt_reader *reader, struct vgt_validator *validator)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	progress_begin(!verify->quiet && !verify->json);
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		vgt_validator_feed(validator, &record);
		progress_reader(verify->path, reader);
	}
	progress_end();
	if (next == VGT_READ_END && vgt_reader_end(reader) == VGT_END_TAIL) {
		vgt_validator_end(validator);
	}
	const bool overflowed = vgt_validator_overflowed(validator);
	if (next == VGT_READ_ERROR) {
		int result = vgt_cmd_bad_trace(verify->path, &err);
		if (result == VGT_EXIT_DIFFERENT) {
			print_end(verify, reader, overflowed, &err);
		}
		return result;
	}
	print_end(verify, reader, overflowed, NULL);
	int result = vgt_cmd_trace_end(verify->path, reader, verify->quiet);
	return verify->violations ? VGT_EXIT_DIFFERENT : result;
}

/* An exit code, or -1: go on, with argv[optind] the trace. */
static int parse_options(int argc, char **argv, struct verify *verify)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"max", required_argument, NULL, 'm'},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":qh", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			verify->json = true;
			break;
		case 'm':
			if (!vgt_cmd_number(
				    "verify", "--max", optarg, 0, UINT64_MAX, &verify->max)) {
				return VGT_EXIT_TROUBLE;
			}
			verify->max = verify->max ? verify->max : UINT64_MAX;
			break;
		case 'q':
			verify->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_verify_help);
		default:
			return vgt_cmd_bad_option("verify", argv, options, option);
		}
	}
	return argc - optind == 1 ? -1 : vgt_cmd_usage("verify", "verify takes one trace");
}

int cmd_verify(int argc, char **argv)
{
	struct verify verify = {.max = SHOWN_DEFAULT};
	int result = parse_options(argc, argv, &verify);
	if (result >= 0) {
		return result;
	}
	verify.path = argv[optind];
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(verify.path, &err);
	if (!reader) {
		vgt_cmd_error(verify.path, &err);
		return VGT_EXIT_TROUBLE;
	}
	struct vgt_validator *validator = vgt_validator_create(on_violation, &verify);
	if (validator) {
		result = verify_trace(&verify, reader, validator);
	} else {
		fputs("vgt: no memory for the trace\n", stderr);
		result = VGT_EXIT_TROUBLE;
	}
	vgt_validator_destroy(validator);
	vgt_reader_close(reader);
	return result;
}
