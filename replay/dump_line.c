/* SPDX-License-Identifier: MIT */
#include "dump_line.h"

#include "vgt_address.h"
#include "vgt_json.h"
#include "vgt_record_desc.h"
#include "vgt_text.h"
#include "virgl_caps.h"
#include "virgl_desc.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* META keys and raw dwords in JSON where not all are asked for. */
#define JSON_KEYS 256u
#define JSON_RAW  64u

/* What lines begin with */

static void begin_line(struct dump_line *line, const struct vgt_record *record)
{
	if (line->show_frame && line->last_frame != record->frame) {
		printf("%sframe %" PRIu64 ":%s\n", line->how.palette->address, record->frame,
			line->how.palette->end);
		line->last_frame = record->frame;
	}
	if (line->show_time) {
		printf("%12.6f ", (double)record->time_ns / 1e9);
	}
}

static void print_virgl_address(
	const struct dump_line *line, uint64_t command, uint32_t number, const char *indent)
{
	char at[VGT_ADDRESS_TEXT_SIZE];
	printf("%s%s%s%s ", indent, line->how.palette->address,
		vgt_address_text(at, command, number), line->how.palette->end);
}

static void put_virgl_address(struct json_object *object, uint64_t command, uint32_t number)
{
	char at[VGT_ADDRESS_TEXT_SIZE];
	vgt_json_put_text(object, "at", vgt_address_text(at, command, number));
	vgt_json_put_number(object, "command", command);
	vgt_json_put_number(object, "virgl_command", number);
}

static void put_type(struct json_object *object, const char *name)
{
	if (name) {
		vgt_json_put_text(object, "type", name);
	} else {
		json_object_object_add(object, "type", NULL);
	}
}

static void put_fields(const struct dump_line *line, struct json_object *object,
	const struct vgt_layout *layout)
{
	struct json_object *handles = json_object_new_array();
	json_object_object_add(object, "fields", describe_json(&line->how, layout, handles));
	json_object_object_add(object, "handles", handles);
}

static void put_raw(const struct dump_line *line, struct json_object *object, const char *error,
	const uint32_t *dwords, size_t count)
{
	struct json_object *array = json_object_new_array();
	vgt_json_put_text(object, "error", error);
	vgt_json_put_number(object, "bytes", count * sizeof(uint32_t));
	for (size_t i = 0; i < count && (line->how.full || i < JSON_RAW); i++) {
		json_object_array_add(array, json_object_new_uint64(dwords[i]));
	}
	json_object_object_add(object, "dwords", array);
}

/* Virgl commands */

/* What is in force when the command executes. */
struct state_lines {
	const struct dump_line *line;
	struct json_object *array; /* NULL: as text */
};

static bool on_bound(void *opaque, const struct bound_command *bound)
{
	const struct state_lines *lines = opaque;
	const struct dump_line *line = lines->line;
	struct vgt_layout layout;
	if (!virgl_desc_measure(&bound->virgl, &layout, NULL)) {
		return false;
	}
	if (lines->array) {
		struct json_object *object = json_object_new_object();
		put_virgl_address(object, bound->command, bound->number);
		put_type(object, layout.desc->name);
		put_fields(line, object, &layout);
		json_object_array_add(lines->array, object);
		return false;
	}
	print_virgl_address(line, bound->command, bound->number, "      ");
	printf("%s", layout.desc->name);
	describe_fields(&line->how, &layout);
	putchar('\n');
	return false;
}

static void print_virgl(
	struct dump_line *line, const struct vgt_record *record, const struct dump_virgl *virgl)
{
	const struct virgl_command *command = virgl->command;
	const struct describe_palette *palette = line->how.palette;
	begin_line(line, record);
	print_virgl_address(line, record->command, virgl->number, "  ");
	if (virgl->desc) {
		printf("%s%s%s", palette->name, virgl->desc->name, palette->end);
	} else {
		printf("%soperation %u, object type %u, unknown%s", palette->wrong, command->op,
			command->object, palette->end);
	}
	if (virgl->layout) {
		describe_fields(&line->how, virgl->layout);
	} else {
		if (virgl->desc) {
			printf(" %s(%s)%s", palette->wrong, virgl->error, palette->end);
		}
		describe_raw(&line->how, command->dwords, command->length + (size_t)1);
	}
	putchar('\n');
}

static struct json_object *json_virgl(const struct dump_line *line,
	const struct vgt_record *record, const struct dump_virgl *virgl)
{
	const struct virgl_command *command = virgl->command;
	struct json_object *object = json_object_new_object();
	put_virgl_address(object, record->command, virgl->number);
	vgt_json_put_number(object, "frame", record->frame);
	vgt_json_put_number(object, "ctx_id", line->how.ctx_id);
	put_type(object, virgl->desc ? virgl->desc->name : NULL);
	vgt_json_put_number(object, "op", command->op);
	vgt_json_put_number(object, "object", command->object);
	if (virgl->layout) {
		put_fields(line, object, virgl->layout);
	} else {
		put_raw(line, object, virgl->error, command->dwords,
			command->length + (size_t)1);
	}
	return object;
}

void dump_line_virgl(struct dump_line *line, const struct vgt_record *record,
	const struct dump_virgl *virgl, struct bound_state *bound)
{
	struct state_lines lines = {.line = line};
	struct json_object *object = NULL;
	if (line->json) {
		object = json_virgl(line, record, virgl);
		lines.array = bound ? json_object_new_array() : NULL;
	} else {
		print_virgl(line, record, virgl);
	}
	if (bound) {
		bound_state_each(bound, line->how.model, line->how.ctx_id, virgl->command->op,
			on_bound, &lines);
	}
	if (line->json) {
		if (lines.array) {
			json_object_object_add(object, "state", lines.array);
		}
		vgt_json_print(stdout, object);
	}
}

void dump_line_rest(struct dump_line *line, const struct vgt_record *record, uint32_t number,
	const uint32_t *dwords, size_t count)
{
	char error[128];
	const char *name = virgl_ccmd_name(dwords[0] & 0xff);
	snprintf(error, sizeof(error), "cut short: %" PRIu32 " dwords announced, %zu are there",
		dwords[0] >> 16, count - 1);
	if (line->json) {
		struct json_object *object = json_object_new_object();
		put_virgl_address(object, record->command, number);
		vgt_json_put_number(object, "frame", record->frame);
		put_type(object, name);
		put_raw(line, object, error, dwords, count);
		vgt_json_print(stdout, object);
		return;
	}
	begin_line(line, record);
	print_virgl_address(line, record->command, number, "  ");
	printf("%s %s(%s)%s", name ? name : "unknown operation", line->how.palette->wrong,
		error, line->how.palette->end);
	describe_raw(&line->how, dwords, count);
	putchar('\n');
}

/* Records */

static void print_meta(const struct vgt_record *record)
{
	const char *at = record->payload;
	const char *end = at + record->size;
	const char *text;
	while ((text = vgt_meta_next(&at, end))) {
		printf("\n\t");
		vgt_text_puts(stdout, text);
	}
}

static void print_record_name(const struct dump_line *line, const struct vgt_record *record)
{
	const struct describe_palette *palette = line->how.palette;
	char at[VGT_ADDRESS_TEXT_SIZE];
	if (vgt_record_is_command(record->type)) {
		printf("%s%s%s ", palette->address,
			vgt_address_text(at, record->command, VGT_NO_VIRGL_COMMAND),
			palette->end);
	} else if (record->type == VGT_RECORD_FRAME) {
		printf("%sframe %" PRIu64 "%s (%s) ", palette->address, record->frame,
			palette->end,
			vgt_address_text(at, record->command ? record->command - 1 : 0,
				VGT_NO_VIRGL_COMMAND));
	} else {
		printf("  ");
	}
	if (vgt_record_desc(record->type)) {
		printf("%s%s%s", palette->name, vgt_record_name(record->type), palette->end);
	} else {
		printf("%stype 0x%04x, unknown%s", palette->wrong, record->type, palette->end);
	}
	printf("%s%s", record->flags & VGT_RECORD_OWN_IOV ? " OWN_IOV" : "",
		record->flags & VGT_RECORD_IMPORTED ? " IMPORTED" : "");
}

static void print_record(struct dump_line *line, const struct vgt_record *record,
	const struct vgt_layout *layout, const char *error)
{
	struct describe how = line->how;
	begin_line(line, record);
	print_record_name(line, record);
	if (record->type == VGT_RECORD_META) {
		print_meta(record);
	} else if (layout) {
		/* the commands of a submit follow, each on its line */
		how.sizes_only = record->type == VIRTIO_GPU_CMD_SUBMIT_3D &&
				 (!vgt_model_has_context(how.model, how.ctx_id) ||
					 vgt_model_context_is_virgl(how.model, how.ctx_id));
		describe_fields(&how, layout);
	} else {
		printf(" %s(%s)%s", how.palette->wrong, error, how.palette->end);
		describe_raw(&how, record->payload, record->size / sizeof(uint32_t));
	}
	putchar('\n');
}

static void json_meta(const struct dump_line *line, struct json_object *object,
	const struct vgt_record *record)
{
	struct json_object *fields = json_object_new_object();
	const char *at = record->payload;
	const char *end = at + record->size;
	const char *text;
	for (size_t keys = 0;
		(line->how.full || keys < JSON_KEYS) && (text = vgt_meta_next(&at, end));
		keys++) {
		const char *equals = strchr(text, '=');
		char *key = strndup(text, equals ? (size_t)(equals - text) : strlen(text));
		char *utf8 = key ? vgt_text_utf8(key) : NULL;
		if (utf8) {
			vgt_json_put_text(fields, utf8, equals ? equals + 1 : "");
		}
		free(utf8);
		free(key);
	}
	json_object_object_add(object, "fields", fields);
}

static void json_record(struct dump_line *line, const struct vgt_record *record,
	const struct vgt_layout *layout, const char *error)
{
	struct json_object *object = json_object_new_object();
	if (vgt_record_is_command(record->type)) {
		char at[VGT_ADDRESS_TEXT_SIZE];
		vgt_json_put_text(object, "at",
			vgt_address_text(at, record->command, VGT_NO_VIRGL_COMMAND));
	}
	vgt_json_put_number(object, "record", record->number);
	vgt_json_put_number(object, "command", record->command);
	vgt_json_put_number(object, "frame", record->frame);
	vgt_json_put_number(object, "time_ns", record->time_ns);
	put_type(object, vgt_record_desc(record->type) ? vgt_record_name(record->type) : NULL);
	if (record->type == VGT_RECORD_META) {
		json_meta(line, object, record);
	} else if (layout) {
		put_fields(line, object, layout);
	} else {
		put_raw(line, object, error, record->payload, record->size / sizeof(uint32_t));
	}
	vgt_json_print(stdout, object);
}

void dump_line_record(struct dump_line *line, const struct vgt_record *record,
	const struct vgt_layout *layout, const char *error)
{
	(line->json ? json_record : print_record)(line, record, layout, error);
}

void dump_line_gap(struct dump_line *line, const struct vgt_gap *gap)
{
	const uint64_t first = gap->before.commands, after = gap->after.commands;
	if (line->json) {
		struct json_object *object = json_object_new_object();
		vgt_json_put_text(object, "type", "gap");
		vgt_json_put_number(object, "begin", gap->begin);
		vgt_json_put_number(object, "end", gap->end);
		vgt_json_put_number(object, "command", first);
		vgt_json_put_number(object, "commands_lost", after - first);
		vgt_json_put_number(
			object, "frames_lost", gap->after.frames - gap->before.frames);
		vgt_json_print(stdout, object);
		return;
	}
	printf("%sbytes %" PRIu64 " to %" PRIu64 " are damaged: ", line->how.palette->wrong,
		gap->begin, gap->end);
	if (after > first) {
		char from[VGT_ADDRESS_TEXT_SIZE], to[VGT_ADDRESS_TEXT_SIZE];
		printf("commands %s to %s are lost",
			vgt_address_text(from, first, VGT_NO_VIRGL_COMMAND),
			vgt_address_text(to, after - 1, VGT_NO_VIRGL_COMMAND));
	} else {
		printf("no command is lost");
	}
	printf("%s\n", line->how.palette->end);
}

/* Capsets */

void dump_line_capset(struct dump_line *line, const struct vgt_record *record)
{
	const struct vgt_capset *capset = record->payload;
	const struct vgt_desc *desc = virgl_caps_desc(capset->id);
	size_t size = record->size - sizeof(*capset);
	struct vgt_layout layout;
	struct vgt_err err = {.message = "unknown capset"};
	bool good =
		desc && vgt_desc_measure(desc, (const void *)(capset + 1), size, &layout, &err);
	if (line->json) {
		struct json_object *object = json_object_new_object();
		vgt_json_put_number(object, "id", capset->id);
		vgt_json_put_number(object, "version", capset->version);
		vgt_json_put_number(object, "bytes", size);
		if (good) {
			json_object_object_add(
				object, "fields", describe_json(&line->how, &layout, NULL));
		} else {
			vgt_json_put_text(object, "error", err.message);
		}
		vgt_json_print(stdout, object);
		return;
	}
	printf("%scapset %" PRIu32 "%s (%s) version %" PRIu32 ", %zu bytes",
		line->how.palette->name, capset->id, line->how.palette->end,
		desc ? desc->name : "unknown", capset->version, size);
	if (good) {
		describe_fields(&line->how, &layout);
	} else {
		printf("\n  %s", err.message);
	}
	putchar('\n');
}
