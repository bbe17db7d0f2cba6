/* SPDX-License-Identifier: MIT */
#include "describe.h"
#include "terminal.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_desc.h"
#include "virgl_caps.h"
#include "virgl_desc.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* clang-format off */
const char cmd_dump_help[] =
	"usage: vgt dump [OPTION...] FILE [ADDRESS | FILTER]...\n"
	"       vgt dump --capset [--json] FILE\n"
	"\n"
	"Prints the records of a trace with the names of the protocol, virgl commands with\n"
	"what their handles are. FILE may be - for standard input.\n"
	"\n"
	"An ADDRESS is frames (12, 10-20, 10-), control commands (@1042, @100-@200) or a\n"
	"virgl command (@1042.17); several are joined. A FILTER leaves only commands which\n"
	"  op=NAME[,NAME...]  are called so: DRAW_VBO, CREATE_OBJECT, BLEND, SUBMIT_3D, MEM\n"
	"  ctx=N              belong to context N\n"
	"  res=N              use resource N, or an object made of it\n"
	"  draw, clear        draw or launch a grid; clear something\n"
	"and with several filters, that pass all of them (draw, clear and op= together: one).\n"
	"\n"
	"To know what handles are, what stands before the first address is read too, where\n"
	"that is not more than 256 MiB of records. Else, and with --seek, it is skipped: vgt\n"
	"goes to the address at once, and says nothing of handles made before.\n"
	"\n"
	"  --all         also polls and the host's answers where they say no more than done\n"
	"  --full        all of shaders, data and raw commands, not only how much\n"
	"  --json        JSON lines, see below\n"
	"  --time        the time of each record, in seconds from the start\n"
	"  --seek, --from-start   skip what stands before the address, or read it, however\n"
	"                much it is\n"
	"  --capset      the capsets that the guest was offered, every limit and bit\n"
	"  --no-pager    on a terminal, do not use $PAGER; NO_COLOR=1 turns colours off\n"
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
	"                 flags an array of names; floats numbers or \"nan\", \"inf\", \"-inf\";\n"
	"                 text {\"text\"} or, long and not --full, {\"bytes\"}; data {\"bytes\",\n"
	"                 with --full \"hex\"}; what is repeated an array, of objects\n"
	"                 where it has several fields\n"
	"  handles        [{field, kind, id, use: [define, read, write, destroy], is}]\n"
	"  error, dwords  instead of fields, where a command cannot be understood\n"
	"With --capset one object {id, version, fields} for each capset.\n"
	"\n"
	"exit status: 0 done; 1 the trace is damaged (what lies behind the damage is shown\n"
	"too); 2 trouble; 5 the end of the trace is missing.\n"
	"\n"
	"example: vgt dump traces/gears.vgt 3 draw\n";
/* clang-format on */

/* Records before an address are read rather than skipped up to so many bytes. */
#define READ_BEFORE_MAX (256u << 20)
#define OPS_MAX         64

struct filter {
	const char *ops[OPS_MAX]; /* names, as typed */
	size_t op_count;
	bool draw, clear;
	bool has_ctx, has_res;
	uint32_t ctx_id, resource_id;
};

struct dump {
	const char *path;
	bool json, all, show_time, capset, use_pager;
	bool seek, from_start; /* as asked for */
	struct vgt_addresses addresses;
	struct filter filter;
	char *op_names; /* the filter's, cut into words */

	struct vgt_reader *reader;
	struct vgt_model *model;
	struct describe how;
	const struct vgt_record *record; /* being shown */
	enum vgt_asked asked;            /* of it */
	uint64_t last_frame;             /* to which the last command belongs */
};

/* Filters */

static bool is_filtered(const struct filter *filter)
{
	return filter->op_count || filter->draw || filter->clear || filter->has_ctx ||
	       filter->has_res;
}

/* "CREATE_OBJECT BLEND" is found by each word and by both. */
static bool name_matches(const char *name, const char *wanted)
{
	const char *blank = strchr(name, ' ');
	return strcasecmp(name, wanted) == 0 ||
	       (blank && (strcasecmp(blank + 1, wanted) == 0 ||
				 (strlen(wanted) == (size_t)(blank - name) &&
					 strncasecmp(name, wanted, strlen(wanted)) == 0)));
}

static bool op_passes(const struct filter *filter, const char *name, int op)
{
	if (!filter->op_count && !filter->draw && !filter->clear) {
		return true;
	}
	bool draws = op == VIRGL_CCMD_DRAW_VBO || op == VIRGL_CCMD_LAUNCH_GRID;
	bool clears = op == VIRGL_CCMD_CLEAR || op == VIRGL_CCMD_CLEAR_TEXTURE ||
		      op == VIRGL_CCMD_CLEAR_SURFACE;
	if ((filter->draw && draws) || (filter->clear && clears)) {
		return true;
	}
	for (size_t i = 0; name && i < filter->op_count; i++) {
		if (name_matches(name, filter->ops[i])) {
			return true;
		}
	}
	return false;
}

static bool uses_resource(const struct dump *dump, const struct vgt_layout *layout)
{
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		if (value.field->type != VGT_FIELD_HANDLE) {
			continue;
		}
		uint32_t handle = (uint32_t)value.number;
		if (value.field->handle == VGT_HANDLE_RESOURCE) {
			if (handle == dump->filter.resource_id) {
				return true;
			}
		} else if (value.field->handle <= VGT_HANDLE_OBJECT) {
			const struct vgt_object *object =
				vgt_model_object(dump->model, dump->how.ctx_id, handle);
			if (object && object->resource_id == dump->filter.resource_id) {
				return true;
			}
		}
	}
	return false;
}

/* `op` is -1 where it is no virgl command; `layout` NULL where it could not be measured. */
static bool passes(const struct dump *dump, const char *name, int op, uint32_t ctx_id,
	const struct vgt_layout *layout)
{
	const struct filter *filter = &dump->filter;
	return op_passes(filter, name, op) && (!filter->has_ctx || filter->ctx_id == ctx_id) &&
	       (!filter->has_res ||
		       (filter->resource_id && layout && uses_resource(dump, layout)));
}

/* Lines */

static void print_time(const struct dump *dump)
{
	if (dump->show_time) {
		printf("%12.6f ", (double)dump->record->time_ns / 1e9);
	}
}

static void put_type(struct json_object *object, const char *name)
{
	if (name) {
		vgt_json_put_text(object, "type", name);
	} else {
		json_object_object_add(object, "type", NULL);
	}
}

static void put_fields(
	const struct dump *dump, struct json_object *object, const struct vgt_layout *layout)
{
	struct json_object *handles = json_object_new_array();
	json_object_object_add(object, "fields", describe_json(&dump->how, layout, handles));
	json_object_object_add(object, "handles", handles);
}

static void put_raw(
	struct json_object *object, const char *error, const uint32_t *dwords, size_t count)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		json_object_array_add(array, json_object_new_uint64(dwords[i]));
	}
	vgt_json_put_text(object, "error", error);
	json_object_object_add(object, "dwords", array);
}

/* Virgl commands */

struct virgl_line {
	uint32_t number;
	const char *name; /* NULL: unknown */
	const struct virgl_command *command;
	const struct vgt_layout *layout; /* NULL: cannot be read */
	const char *error;
};

static void print_virgl(const struct dump *dump, const struct virgl_line *line)
{
	const struct virgl_command *command = line->command;
	const struct describe_palette *palette = dump->how.palette;
	print_time(dump);
	printf("  %s@%" PRIu64 ".%" PRIu32 "%s ", palette->address, dump->record->command,
		line->number, palette->end);
	if (line->name) {
		printf("%s%s%s", palette->name, line->name, palette->end);
	} else {
		printf("%soperation %u, object type %u, unknown%s", palette->wrong, command->op,
			command->object, palette->end);
	}
	if (line->layout) {
		describe_fields(&dump->how, line->layout);
	} else {
		if (line->name) {
			printf(" %s(%s)%s", palette->wrong, line->error, palette->end);
		}
		describe_raw(&dump->how, command->dwords, command->length + (size_t)1);
	}
	putchar('\n');
}

static void json_virgl(const struct dump *dump, const struct virgl_line *line)
{
	char at[64];
	struct json_object *object = json_object_new_object();
	snprintf(at, sizeof(at), "@%" PRIu64 ".%" PRIu32, dump->record->command, line->number);
	vgt_json_put_text(object, "at", at);
	vgt_json_put_number(object, "command", dump->record->command);
	vgt_json_put_number(object, "virgl_command", line->number);
	vgt_json_put_number(object, "frame", dump->record->frame);
	vgt_json_put_number(object, "ctx_id", dump->how.ctx_id);
	put_type(object, line->name);
	vgt_json_put_number(object, "op", line->command->op);
	vgt_json_put_number(object, "object", line->command->object);
	if (line->layout) {
		put_fields(dump, object, line->layout);
	} else {
		put_raw(object, line->error, line->command->dwords,
			line->command->length + (size_t)1);
	}
	vgt_json_print(stdout, object);
}

/* The model's hook: the command is next. */
static void on_virgl(
	void *opaque, uint32_t ctx_id, const struct virgl_command *command, uint32_t number)
{
	struct dump *dump = opaque;
	if (dump->asked == VGT_ASKED_NOT ||
		(dump->asked == VGT_ASKED_PART &&
			!vgt_addresses_contain(&dump->addresses, dump->record->frame,
				dump->record->command, number))) {
		return;
	}
	dump->how.ctx_id = ctx_id;
	const struct vgt_desc *desc = virgl_desc_of(command);
	struct vgt_layout layout;
	struct vgt_err err = {.message = "unknown operation"};
	bool good = desc && vgt_desc_measure(desc, command->dwords,
				    (command->length + 1) * sizeof(uint32_t), &layout, &err);
	const struct virgl_line line = {
		.number = number,
		.name = desc ? desc->name : NULL,
		.command = command,
		.layout = good ? &layout : NULL,
		.error = err.message,
	};
	if (passes(dump, line.name, command->op, ctx_id, line.layout)) {
		(dump->json ? json_virgl : print_virgl)(dump, &line);
	}
}

/* A submit of a context whose creation has not been seen: taken for virgl. */
static void walk_submit(struct dump *dump, const struct virtio_gpu_cmd_submit *submit)
{
	const uint32_t *dwords = (const void *)((const char *)(submit + 1) +
						submit->num_in_fences * sizeof(uint64_t));
	struct virgl_command command;
	size_t at = 0;
	for (uint32_t number = 0;
		virgl_command_next(dwords, submit->size / sizeof(uint32_t), &at, &command);
		number++) {
		on_virgl(dump, submit->hdr.ctx_id, &command, number);
	}
}

/* Whether the context is known to speak something else than virgl. */
static bool is_opaque(const struct dump *dump, uint32_t ctx_id)
{
	return vgt_model_has_context(dump->model, ctx_id) &&
	       !vgt_model_context_is_virgl(dump->model, ctx_id);
}

/* Records */

static void print_meta(const struct dump *dump)
{
	const char *text = dump->record->payload;
	const char *end = text + dump->record->size;
	for (; text < end; text += strlen(text) + 1) {
		printf("\n\t");
		for (const char *c = text; *c; c++) {
			/* no escape sequence of a trace shall reach a terminal */
			putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
		}
	}
}

static void print_record(
	const struct dump *dump, const struct vgt_layout *layout, bool good, const char *error)
{
	const struct vgt_record *record = dump->record;
	const struct describe_palette *palette = dump->how.palette;
	print_time(dump);
	if (vgt_record_is_command(record->type)) {
		printf("%s@%" PRIu64 "%s ", palette->address, record->command, palette->end);
	} else if (record->type == VGT_RECORD_FRAME) {
		printf("%sframe %" PRIu64 "%s ", palette->address, record->frame, palette->end);
	} else {
		printf("  ");
	}
	if (vgt_record_desc(record->type)) {
		printf("%s%s%s", palette->name, vgt_record_name(record->type), palette->end);
	} else {
		printf("%stype 0x%04x, unknown%s", palette->wrong, record->type, palette->end);
	}
	if (record->flags & VGT_RECORD_OWN_IOV) {
		printf(" OWN_IOV");
	}
	if (record->flags & VGT_RECORD_IMPORTED) {
		printf(" IMPORTED");
	}
	if (record->type == VGT_RECORD_META) {
		print_meta(dump);
	} else if (good) {
		struct describe how = dump->how;
		/* the commands of a submit follow, each on its line */
		how.sizes_only = record->type == VIRTIO_GPU_CMD_SUBMIT_3D &&
				 !is_opaque(dump, how.ctx_id);
		describe_fields(&how, layout);
	} else {
		printf(" %s(%s)%s", palette->wrong, error, palette->end);
		describe_raw(&dump->how, record->payload, record->size / sizeof(uint32_t));
	}
	putchar('\n');
}

static void json_meta(struct json_object *object, const struct vgt_record *record)
{
	struct json_object *fields = json_object_new_object();
	const char *text = record->payload;
	const char *end = text + record->size;
	for (; text < end; text += strlen(text) + 1) {
		const char *equals = strchr(text, '=');
		char *key = strndup(text, equals ? (size_t)(equals - text) : strlen(text));
		char *utf8 = key ? vgt_cmd_utf8(key) : NULL;
		if (utf8) {
			vgt_json_put_text(fields, utf8, equals ? equals + 1 : "");
		}
		free(utf8);
		free(key);
	}
	json_object_object_add(object, "fields", fields);
}

static void json_record(
	const struct dump *dump, const struct vgt_layout *layout, bool good, const char *error)
{
	const struct vgt_record *record = dump->record;
	struct json_object *object = json_object_new_object();
	if (vgt_record_is_command(record->type)) {
		char at[32];
		snprintf(at, sizeof(at), "@%" PRIu64, record->command);
		vgt_json_put_text(object, "at", at);
	}
	vgt_json_put_number(object, "record", record->number);
	vgt_json_put_number(object, "command", record->command);
	vgt_json_put_number(object, "frame", record->frame);
	vgt_json_put_number(object, "time_ns", record->time_ns);
	put_type(object, vgt_record_desc(record->type) ? vgt_record_name(record->type) : NULL);
	if (record->type == VGT_RECORD_META) {
		json_meta(object, record);
	} else if (good) {
		put_fields(dump, object, layout);
	} else {
		put_raw(object, error, record->payload, record->size / sizeof(uint32_t));
	}
	vgt_json_print(stdout, object);
}

/* What people can do without: polls, and answers of a host that did as it was told. */
static bool says_little(const struct vgt_record *record)
{
	const struct vgt_response *response = record->payload;
	return record->type == VGT_RECORD_POLL ||
	       (record->type == VGT_RECORD_RESPONSE && response->result == 0 &&
		       response->digest == 0);
}

static void show_record(struct dump *dump)
{
	const struct vgt_record *record = dump->record;
	if (!dump->json && !dump->all && !dump->filter.op_count && says_little(record)) {
		return;
	}
	const struct vgt_desc *desc = vgt_record_desc(record->type);
	const struct virtio_gpu_ctrl_hdr *hdr = record->payload;
	struct vgt_layout layout;
	struct vgt_err err = {.message = "unknown type"};
	bool is_command = vgt_record_is_command(record->type);
	bool good =
		desc && vgt_desc_measure(desc, record->payload, record->size, &layout, &err);
	dump->how.ctx_id = is_command ? hdr->ctx_id : 0;
	/* with a filter, only what it was made for; other records have no context */
	if (is_filtered(&dump->filter) &&
		((!is_command && !dump->filter.op_count && !dump->filter.has_res) ||
			!passes(dump, desc ? desc->name : NULL, -1, dump->how.ctx_id,
				good ? &layout : NULL))) {
		return;
	}
	(dump->json ? json_record : print_record)(dump, &layout, good, err.message);
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

static void take_record(struct dump *dump, const struct vgt_record *record)
{
	const struct virtio_gpu_ctrl_hdr *hdr = record->payload;
	dump->record = record;
	dump->asked = ask(dump, record);
	if (dump->asked == VGT_ASKED_ALL) {
		show_record(dump);
	}
	if (record->type == VIRTIO_GPU_CMD_SUBMIT_3D && !dump->how.complete &&
		!vgt_model_has_context(dump->model, hdr->ctx_id)) {
		walk_submit(dump, record->payload);
	}
	vgt_model_feed(
		dump->model, record->type, record->payload, record->size, record->command);
}

/* Capsets */

static void show_capset(const struct dump *dump, const struct vgt_record *record)
{
	const struct vgt_capset *capset = record->payload;
	const struct vgt_desc *desc = virgl_caps_desc(capset->id);
	size_t size = record->size - sizeof(*capset);
	struct vgt_layout layout;
	struct vgt_err err = {.message = "unknown capset"};
	bool good =
		desc && vgt_desc_measure(desc, (const void *)(capset + 1), size, &layout, &err);
	if (dump->json) {
		struct json_object *object = json_object_new_object();
		vgt_json_put_number(object, "id", capset->id);
		vgt_json_put_number(object, "version", capset->version);
		vgt_json_put_number(object, "bytes", size);
		if (good) {
			json_object_object_add(
				object, "fields", describe_json(&dump->how, &layout, NULL));
		} else {
			vgt_json_put_text(object, "error", err.message);
		}
		vgt_json_print(stdout, object);
		return;
	}
	printf("%scapset %" PRIu32 "%s (%s) version %" PRIu32 ", %zu bytes",
		dump->how.palette->name, capset->id, dump->how.palette->end,
		desc ? desc->name : "unknown", capset->version, size);
	if (good) {
		describe_fields(&dump->how, &layout);
	} else {
		printf("\n  %s", err.message);
	}
	putchar('\n');
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
	fprintf(stderr,
		"vgt: %s: going on at byte %" PRIu64 ": commands @%" PRIu64 " to @%" PRIu64
		" are lost\n",
		dump->path, gap.end, gap.before.commands,
		gap.after.commands ? gap.after.commands - 1 : 0);
	dump->how.complete = false;
	vgt_model_feed(dump->model, VGT_RECORD_RESET, &reset, sizeof(reset), 0);
	return true;
}

/* Goes to the first address where what stands before it is too much, or not wanted. */
static int go_to_address(struct dump *dump)
{
	uint64_t frame, command;
	struct vgt_err err;
	if (!dump->addresses.count || dump->from_start) {
		return VGT_EXIT_OK;
	}
	vgt_addresses_first(&dump->addresses, &frame, &command);
	if (!vgt_reader_seek(dump->reader, frame, command, &err)) {
		return vgt_cmd_bad_trace(dump->path, &err);
	}
	uint64_t before = vgt_reader_passed(dump->reader).stream_pos;
	if (!before) {
		return VGT_EXIT_OK;
	}
	if (!dump->seek && before <= READ_BEFORE_MAX &&
		vgt_reader_seek(dump->reader, 0, 0, NULL)) {
		return VGT_EXIT_OK;
	}
	dump->how.complete = false;
	if (!dump->seek) {
		fprintf(stderr,
			"vgt: %s: %" PRIu64 " MiB before the address are skipped; "
			"--from-start reads them, to know what handles are\n",
			dump->path, before >> 20);
	}
	return VGT_EXIT_OK;
}

static int dump_trace(struct dump *dump)
{
	struct vgt_record record;
	struct vgt_err err;
	int result = go_to_address(dump);
	if (result != VGT_EXIT_OK) {
		return result;
	}
	for (;;) {
		enum vgt_read next = vgt_reader_next(dump->reader, &record, &err);
		if (next == VGT_READ_ERROR) {
			result = vgt_cmd_bad_trace(dump->path, &err);
			if (result == VGT_EXIT_TROUBLE || !skip_damage(dump)) {
				return result;
			}
			continue;
		}
		if (next == VGT_READ_END) {
			/* a chunk without an end may have others behind it */
			if (vgt_reader_end(dump->reader) == VGT_END_CUT &&
				vgt_reader_torn(dump->reader) && skip_damage(dump)) {
				result = VGT_EXIT_DIFFERENT;
				continue;
			}
			break;
		}
		if (dump->capset) {
			if (record.type == VGT_RECORD_CAPSET) {
				show_capset(dump, &record);
			} else if (vgt_record_is_command(record.type)) {
				return result; /* they stand in front */
			}
			continue;
		}
		if (is_behind(dump, &record)) {
			return result;
		}
		take_record(dump, &record);
	}
	return result == VGT_EXIT_OK ? vgt_cmd_trace_end(dump->path, dump->reader, false)
				     : result;
}

/* The command line */

static bool parse_ops(struct dump *dump, const char *list)
{
	struct filter *filter = &dump->filter;
	if (dump->op_names) {
		vgt_cmd_usage("dump", "only one op= is taken, with commas between the names");
		return false;
	}
	dump->op_names = strdup(list);
	char *rest;
	for (char *name = dump->op_names ? strtok_r(dump->op_names, ",", &rest) : NULL; name;
		name = strtok_r(NULL, ",", &rest)) {
		bool known = false;
		const struct vgt_desc *desc;
		uint16_t type;
		for (size_t n = 0; !known && (desc = virgl_desc_at(n)); n++) {
			known = name_matches(desc->name, name);
		}
		for (size_t n = 0; !known && (desc = vgt_record_desc_at(n, &type)); n++) {
			known = name_matches(desc->name, name);
		}
		if (!known || filter->op_count == OPS_MAX) {
			vgt_cmd_usage("dump",
				known ? "too many names in op=" : "no command is called '%s'",
				name);
			return false;
		}
		filter->ops[filter->op_count++] = name;
	}
	if (!filter->op_count) {
		vgt_cmd_usage("dump", "op= needs the name of a command");
	}
	return filter->op_count > 0;
}

static bool parse_id(const char *text, const char *option, bool *has, uint32_t *id)
{
	uint64_t number;
	if (!vgt_cmd_number("dump", option, text, 0, UINT32_MAX, &number)) {
		return false;
	}
	*has = true;
	*id = (uint32_t)number;
	return true;
}

static bool parse_word(struct dump *dump, const char *word)
{
	struct filter *filter = &dump->filter;
	struct vgt_err err;
	if (strcmp(word, "draw") == 0) {
		filter->draw = true;
	} else if (strcmp(word, "clear") == 0) {
		filter->clear = true;
	} else if (strncmp(word, "op=", 3) == 0) {
		return parse_ops(dump, word + 3);
	} else if (strncmp(word, "ctx=", 4) == 0) {
		return parse_id(word + 4, "ctx", &filter->has_ctx, &filter->ctx_id);
	} else if (strncmp(word, "res=", 4) == 0) {
		return parse_id(word + 4, "res", &filter->has_res, &filter->resource_id);
	} else if (*word != '@' && (*word < '0' || *word > '9')) {
		vgt_cmd_usage("dump", "'%s' is neither an address nor a filter", word);
		return false;
	} else if (!vgt_addresses_add(&dump->addresses, word, &err)) {
		vgt_cmd_usage("dump", "%s", err.message);
		return false;
	}
	return true;
}

/* An exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct dump *dump)
{
	enum { ALL = 256, CAPSET, FROM_START, FULL, JSON, NO_PAGER, SEEK, TIME };
	static const struct option options[] = {
		{"all", no_argument, NULL, ALL},
		{"capset", no_argument, NULL, CAPSET},
		{"from-start", no_argument, NULL, FROM_START},
		{"full", no_argument, NULL, FULL},
		{"json", no_argument, NULL, JSON},
		{"no-pager", no_argument, NULL, NO_PAGER},
		{"seek", no_argument, NULL, SEEK},
		{"time", no_argument, NULL, TIME},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
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
			dump->how.full = true;
			break;
		case JSON:
			dump->json = true;
			break;
		case NO_PAGER:
			dump->use_pager = false;
			break;
		case SEEK:
			dump->seek = true;
			break;
		case TIME:
			dump->show_time = true;
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
	dump->reader = vgt_reader_open(dump->path, &err);
	if (!dump->reader) {
		vgt_cmd_error(dump->path, &err);
		return VGT_EXIT_TROUBLE;
	}
	dump->model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	if (!dump->model) {
		fputs("vgt: no memory for the trace\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	dump->how.out = stdout;
	dump->how.palette = !dump->json && vgt_terminal_has_colours() ? &describe_coloured
								      : &describe_plain;
	dump->how.model = dump->model;
	dump->how.complete = true;
	dump->how.multiline = dump->capset;
	if (dump->use_pager) {
		vgt_pager_start();
	}
	int result = dump_trace(dump);
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
	vgt_model_destroy(dump->model);
	vgt_reader_close(dump->reader);
	free(dump->op_names);
	free(dump);
	return result;
}
