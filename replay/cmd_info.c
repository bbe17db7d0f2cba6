/* SPDX-License-Identifier: MIT */
#include "vgt_cmd.h"
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char cmd_info_help[] =
	"usage: vgt info [--json] FILE\n"
	"\n"
	"Says what a trace is: how, when and on what it was recorded, how much it holds, "
	"whether\n"
	"it is whole. FILE may be - for standard input. A recording that still runs is read up "
	"to\n"
	"where it is.\n"
	"\n"
	"  --json  one JSON object: path, version, trace_id, end (\"tail\", \"ring\", "
	"\"recording\",\n"
	"          \"cut\"), file_bytes (null from a pipe), stream_bytes, chunks, records, "
	"commands,\n"
	"          frames, seconds, capsets [{id, version, bytes}], frame_size {width, "
	"height,\n"
	"          format} or null, counts {record name: number}, meta {key: text}\n"
	"\n"
	"Exit status: 0 a whole trace, or one still being recorded; 1 a bad trace; 2 trouble; "
	"5 the\n"
	"end is missing (see `vgt help recover`).\n"
	"\n"
	"example: vgt info traces/gears.vgt\n";

/* All there is to say, gathered in one pass. */
struct info {
	struct vgt_reader *reader;
	struct vgt_model *model;
	struct json_object *meta, *counts, *capsets;
	struct vgt_resource shown; /* of the last frame */
	bool has_shown;
	uint64_t last_ns;
	int64_t file_bytes; /* -1: a pipe */
};

static void on_frame(void *opaque, const struct vgt_frame *frame)
{
	struct info *info = opaque;
	const struct vgt_resource *resource =
		frame->resource_id ? vgt_model_resource(info->model, frame->resource_id) : NULL;
	if (resource) {
		info->shown = *resource;
		info->shown.width = frame->width;
		info->shown.height = frame->height;
		info->has_shown = true;
	}
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	char *key_utf8 = vgt_cmd_utf8(key), *text_utf8 = vgt_cmd_utf8(text);
	if (key_utf8 && text_utf8) {
		json_object_object_add(object, key_utf8, json_object_new_string(text_utf8));
	}
	free(key_utf8);
	free(text_utf8);
}

static void take_meta(struct info *info, const char *text, size_t size)
{
	for (const char *end = text + size; text < end; text += strlen(text) + 1) {
		const char *equals = strchr(text, '=');
		char key[256];
		if (equals && (size_t)(equals - text) < sizeof(key)) {
			memcpy(key, text, (size_t)(equals - text));
			key[equals - text] = '\0';
			add_text(info->meta, key, equals + 1);
		}
	}
}

static void take_record(struct info *info, const struct vgt_record *record)
{
	const char *name = vgt_record_name(record->type);
	struct json_object *count;
	int64_t before = json_object_object_get_ex(info->counts, name, &count)
				 ? json_object_get_int64(count)
				 : 0;
	json_object_object_add(info->counts, name, json_object_new_int64(before + 1));
	info->last_ns = record->time_ns;
	if (record->type == VGT_RECORD_META) {
		take_meta(info, record->payload, record->size);
	} else if (record->type == VGT_RECORD_CAPSET) {
		const struct vgt_capset *capset = record->payload;
		struct json_object *entry = json_object_new_object();
		json_object_object_add(entry, "id", json_object_new_int64(capset->id));
		json_object_object_add(
			entry, "version", json_object_new_int64(capset->version));
		json_object_object_add(entry, "bytes",
			json_object_new_int64((int64_t)(record->size - sizeof(*capset))));
		json_object_array_add(info->capsets, entry);
	}
	vgt_model_feed(
		info->model, record->type, record->payload, record->size, record->command);
}

static const char *const end_names[] = {"tail", "ring", "recording", "cut"};

static const char *end_text(enum vgt_reader_end end)
{
	switch (end) {
	case VGT_END_TAIL:
		return "whole";
	case VGT_END_RING:
		return "its recording was killed; the rest is in its ring (see `vgt help "
		       "recover`)";
	case VGT_END_RECORDING:
		return "still being recorded";
	default:
		return "cut: its end is missing (see `vgt help recover`)";
	}
}

/* Text of a trace on a terminal: control characters do not get there. */
static void print_text(const char *text)
{
	for (; *text; text++) {
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
	}
	putchar('\n');
}

static void print_info(const struct info *info, const char *path)
{
	uint64_t stream = vgt_reader_passed(info->reader).stream_pos;
	printf("%-22s ", "trace");
	print_text(path);
	printf("%-22s %u.%u, id %016" PRIx64 "\n", "version", VGT_TRACE_MAJOR,
		vgt_reader_minor(info->reader), vgt_reader_trace_id(info->reader));
	printf("%-22s %s\n", "state", end_text(vgt_reader_end(info->reader)));
	if (info->file_bytes >= 0) {
		printf("%-22s %" PRId64 " bytes, %" PRIu64 " uncompressed (%.1f times)\n",
			"size", info->file_bytes, stream,
			(double)stream / (double)info->file_bytes);
	} else {
		printf("%-22s %" PRIu64 " bytes uncompressed\n", "size", stream);
	}
	printf("%-22s %.3f s\n", "duration", (double)info->last_ns / 1e9);
	if (info->has_shown) {
		printf("%-22s %ux%u %s\n", "last frame", info->shown.width, info->shown.height,
			vgt_format_name(info->shown.format));
	}
	json_object_object_foreach(info->counts, name, count)
	{
		printf("%-22s %" PRId64 "\n", name, json_object_get_int64(count));
	}
	json_object_object_foreach(info->meta, key, value)
	{
		printf("%-22s ", key);
		print_text(json_object_get_string(value));
	}
}

static void print_json(const struct info *info, const char *path)
{
	struct vgt_reader_position at = vgt_reader_passed(info->reader);
	struct json_object *object = json_object_new_object();
	char text[64];
	add_text(object, "path", path);
	snprintf(text, sizeof(text), "%u.%u", VGT_TRACE_MAJOR, vgt_reader_minor(info->reader));
	add_text(object, "version", text);
	snprintf(text, sizeof(text), "%016" PRIx64, vgt_reader_trace_id(info->reader));
	add_text(object, "trace_id", text);
	add_text(object, "end", end_names[vgt_reader_end(info->reader)]);
	json_object_object_add(object, "file_bytes",
		info->file_bytes < 0 ? NULL : json_object_new_int64(info->file_bytes));
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"stream_bytes", at.stream_pos}, {"chunks", at.sequence},
		{"records", at.records}, {"commands", at.commands}, {"frames", at.frames}};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_object_object_add(object, numbers[i].key,
			json_object_new_int64((int64_t)numbers[i].value));
	}
	json_object_object_add(
		object, "seconds", json_object_new_double((double)info->last_ns / 1e9));
	json_object_object_add(object, "capsets", json_object_get(info->capsets));
	struct json_object *size = NULL;
	if (info->has_shown) {
		size = json_object_new_object();
		json_object_object_add(size, "width", json_object_new_int64(info->shown.width));
		json_object_object_add(
			size, "height", json_object_new_int64(info->shown.height));
		add_text(size, "format", vgt_format_name(info->shown.format));
	}
	json_object_object_add(object, "frame_size", size);
	json_object_object_add(object, "counts", json_object_get(info->counts));
	json_object_object_add(object, "meta", json_object_get(info->meta));
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static int read_all(struct info *info, const char *path)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	while ((next = vgt_reader_next(info->reader, &record, &err)) == VGT_READ_RECORD) {
		take_record(info, &record);
	}
	if (next == VGT_READ_ERROR) {
		vgt_cmd_error(path, &err);
		return err.code == VGT_ERR_SYSTEM ? VGT_EXIT_USAGE : VGT_EXIT_DIFFERENT;
	}
	switch (vgt_reader_end(info->reader)) {
	case VGT_END_TAIL:
	case VGT_END_RECORDING:
		return VGT_EXIT_OK;
	default:
		return VGT_EXIT_TRUNCATED;
	}
}

int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	bool json = false;
	for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_info_help);
		default:
			return vgt_cmd_bad_option("info", argv, options, option);
		}
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("info", "info takes one trace");
	}
	const char *path = argv[optind];
	struct info info = {.file_bytes = -1};
	struct vgt_err err;
	info.reader = vgt_reader_open(path, &err);
	if (!info.reader) {
		vgt_cmd_error(path, &err);
		return VGT_EXIT_USAGE;
	}
	const struct vgt_model_hooks hooks = {.opaque = &info, .frame = on_frame};
	info.model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	info.meta = json_object_new_object();
	info.counts = json_object_new_object();
	info.capsets = json_object_new_array();
	struct stat status;
	if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
		info.file_bytes = status.st_size;
	}
	int result = VGT_EXIT_USAGE;
	if (info.model && info.meta && info.counts && info.capsets) {
		result = read_all(&info, path);
		if (result == VGT_EXIT_OK || result == VGT_EXIT_TRUNCATED) {
			(json ? print_json : print_info)(&info, path);
		}
	}
	json_object_put(info.meta);
	json_object_put(info.counts);
	json_object_put(info.capsets);
	vgt_model_destroy(info.model);
	vgt_reader_close(info.reader);
	return result;
}
