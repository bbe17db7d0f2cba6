/* SPDX-License-Identifier: MIT */
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_desc.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* clang-format off */
const char cmd_info_help[] =
	"usage: vgt info [--json] FILE\n"
	"\n"
	"Says what a trace is: how, when and on what it was recorded, how much it holds,\n"
	"whether it is whole. FILE may be - for standard input. A recording that still\n"
	"runs is read up to where it is.\n"
	"\n"
	"  --json      one JSON object: path, version, trace_id, end (\"tail\", \"ring\",\n"
	"              \"recording\", \"cut\"), file_bytes (null from a pipe), stream_bytes,\n"
	"              chunks, records, commands, frames, seconds, capsets [{id, version,\n"
	"              bytes}], frame_size {width, height, format} or null,\n"
	"              counts {record name: number}, meta {key: text}\n"
	"  -h, --help  print this\n"
	"\n"
	"exit status: 0 a whole trace, or one still being recorded; 1 a bad trace;\n"
	"2 trouble; 5 the end is missing (see `vgt help recover`).\n"
	"\n"
	"example: vgt info traces/gears.vgt\n";
/* clang-format on */

/* What is kept of a trace at most, so that none can claim all memory. */
#define CAPSETS_MAX    64
#define META_KEYS_MAX  1000
#define META_BYTES_MAX (4u << 20)

/* All there is to say, gathered in one pass. */
struct info {
	struct vgt_reader *reader;
	struct vgt_model *model;
	uint64_t counts[UINT16_MAX + 1]; /* of records, by their type */
	struct {
		uint32_t id, version, bytes;
	} capsets[CAPSETS_MAX]; /* the first of each id */
	size_t capset_count;
	struct json_object *meta;
	size_t meta_bytes;
	bool left_out;             /* there were more capsets or keys than fit */
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

static void add_meta(struct info *info, const char *key, const char *text)
{
	char *key_utf8 = vgt_cmd_utf8(key);
	const bool known = key_utf8 && json_object_object_get_ex(info->meta, key_utf8, NULL);

	info->meta_bytes += strlen(key) + strlen(text);
	if (info->meta_bytes > META_BYTES_MAX ||
		(!known && json_object_object_length(info->meta) >= META_KEYS_MAX)) {
		info->left_out = true;
	} else if (key_utf8) {
		vgt_json_put_text(info->meta, key_utf8, text);
	}
	free(key_utf8);
}

static void take_meta(struct info *info, const char *text, size_t size)
{
	const char *const end = text + size;
	for (const char *at = text; (text = vgt_meta_next(&at, end));) {
		const char *equals = strchr(text, '=');
		char key[256];
		if (equals && (size_t)(equals - text) < sizeof(key)) {
			memcpy(key, text, (size_t)(equals - text));
			key[equals - text] = '\0';
			add_meta(info, key, equals + 1);
		}
	}
}

static void take_capset(struct info *info, const struct vgt_capset *capset, uint32_t size)
{
	for (size_t i = 0; i < info->capset_count; i++) {
		if (info->capsets[i].id == capset->id) {
			return;
		}
	}
	if (info->capset_count == CAPSETS_MAX) {
		info->left_out = true;
		return;
	}
	const size_t i = info->capset_count++;
	info->capsets[i].id = capset->id;
	info->capsets[i].version = capset->version;
	info->capsets[i].bytes = size - (uint32_t)sizeof(*capset);
}

static void take_record(struct info *info, const struct vgt_record *record)
{
	info->counts[record->type]++;
	info->last_ns = record->time_ns;
	if (record->type == VGT_RECORD_META) {
		take_meta(info, record->payload, record->size);
	} else if (record->type == VGT_RECORD_CAPSET) {
		take_capset(info, record->payload, record->size);
	}
	vgt_model_feed(
		info->model, record->type, record->payload, record->size, record->command);
}

/* Sorted by type; those that have no name are counted as one. */
static struct json_object *json_counts(const struct info *info)
{
	struct json_object *object = json_object_new_object();

	for (size_t type = 0; type <= UINT16_MAX; type++) {
		if (info->counts[type]) {
			const char *name = vgt_record_name((uint16_t)type);
			struct json_object *others = NULL;
			json_object_object_get_ex(object, name, &others);
			vgt_json_put_number(object, name,
				info->counts[type] + (uint64_t)json_object_get_int64(others));
		}
	}
	return object;
}

static struct json_object *json_capsets(const struct info *info)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < info->capset_count; i++) {
		struct json_object *entry = json_object_new_object();
		vgt_json_put_number(entry, "id", info->capsets[i].id);
		vgt_json_put_number(entry, "version", info->capsets[i].version);
		vgt_json_put_number(entry, "bytes", info->capsets[i].bytes);
		json_object_array_add(array, entry);
	}
	return array;
}

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

/* One line, both of whose texts may be from outside. */
static void print_line(const char *name, const char *text)
{
	size_t column = vgt_cmd_print_text(stdout, name, strlen(name));
	do {
		putchar(' ');
	} while (++column < 23);
	vgt_cmd_print_text(stdout, text, strlen(text));
	putchar('\n');
}

static void print_info(const struct info *info, const char *path)
{
	uint64_t stream = vgt_reader_passed(info->reader).stream_pos;
	print_line("trace", path);
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
	struct json_object *counts = json_counts(info);
	json_object_object_foreach(counts, name, count)
	{
		printf("%-22s %" PRId64 "\n", name, json_object_get_int64(count));
	}
	json_object_put(counts);
	json_object_object_foreach(info->meta, key, value)
	{
		const char *text = json_object_get_string(value);
		print_line(key, text ? text : "");
	}
}

static void print_json(const struct info *info, const char *path)
{
	struct vgt_position at = vgt_reader_passed(info->reader);
	struct json_object *object = json_object_new_object();
	char text[64];
	vgt_json_put_text(object, "path", path);
	snprintf(text, sizeof(text), "%u.%u", VGT_TRACE_MAJOR, vgt_reader_minor(info->reader));
	vgt_json_put_text(object, "version", text);
	snprintf(text, sizeof(text), "%016" PRIx64, vgt_reader_trace_id(info->reader));
	vgt_json_put_text(object, "trace_id", text);
	vgt_json_put_text(object, "end", vgt_cmd_end_name(vgt_reader_end(info->reader)));
	json_object_object_add(object, "file_bytes",
		info->file_bytes < 0 ? NULL : json_object_new_int64(info->file_bytes));
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"stream_bytes", at.stream_pos}, {"chunks", at.sequence},
		{"records", at.records}, {"commands", at.commands}, {"frames", at.frames}};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		vgt_json_put_number(object, numbers[i].key, numbers[i].value);
	}
	json_object_object_add(
		object, "seconds", json_object_new_double((double)info->last_ns / 1e9));
	json_object_object_add(object, "capsets", json_capsets(info));
	struct json_object *size = NULL;
	if (info->has_shown) {
		size = json_object_new_object();
		vgt_json_put_number(size, "width", info->shown.width);
		vgt_json_put_number(size, "height", info->shown.height);
		vgt_json_put_text(size, "format", vgt_format_name(info->shown.format));
	}
	json_object_object_add(object, "frame_size", size);
	json_object_object_add(object, "counts", json_counts(info));
	json_object_object_add(object, "meta", json_object_get(info->meta));
	vgt_json_write(stdout, object, JSON_C_TO_STRING_PRETTY);
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
		return vgt_cmd_bad_trace(path, &err);
	}
	/* the report itself says how the trace ends */
	return vgt_cmd_trace_end(path, info->reader, true);
}

/* An exit code, or -1: go on, with argv[optind] the trace. */
static int parse_options(int argc, char **argv, bool *json)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			*json = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_info_help);
		default:
			return vgt_cmd_bad_option("info", argv, options, option);
		}
	}
	return argc - optind == 1 ? -1 : vgt_cmd_usage("info", "info takes one trace");
}

static int show(struct info *info, const char *path, bool json)
{
	struct stat status;
	if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
		info->file_bytes = status.st_size;
	}
	int result = read_all(info, path);
	if (result == VGT_EXIT_OK || result == VGT_EXIT_TRUNCATED) {
		(json ? print_json : print_info)(info, path);
		if (info->left_out) {
			fflush(stdout);
			fprintf(stderr, "vgt: %s: holds more capsets or metadata than shown\n",
				path);
		}
	}
	return result;
}

int cmd_info(int argc, char **argv)
{
	bool json = false;
	int result = parse_options(argc, argv, &json);
	if (result >= 0) {
		return result;
	}
	const char *path = argv[optind];
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	if (!reader) {
		vgt_cmd_error(path, &err);
		return VGT_EXIT_TROUBLE;
	}
	result = VGT_EXIT_TROUBLE;
	struct info *info = calloc(1, sizeof(*info));
	if (info) {
		const struct vgt_model_hooks hooks = {.opaque = info, .frame = on_frame};
		info->reader = reader;
		info->file_bytes = -1;
		info->model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
		info->meta = json_object_new_object();
		if (info->model && info->meta) {
			result = show(info, path, json);
		} else {
			fputs("vgt: no memory for the trace\n", stderr);
		}
		json_object_put(info->meta);
		vgt_model_destroy(info->model);
	}
	free(info);
	vgt_reader_close(reader);
	return result;
}
