/* SPDX-License-Identifier: MIT */
#include "interrupt.h"
#include "new_file.h"
#include "progress.h"
#include "shader_list.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "virgl_desc.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const char cmd_shaders_help[] =
	"usage: vgt shaders [-o DIR] [OPTION...] FILE\n"
	"\n"
	"Lists the shaders of a trace in order of creation: where each was created, by\n"
	"context, sub-context (sub) and handle, its stage, bytes and lines of its TGSI,\n"
	"its stream outputs (so), how often it was bound, how many draws (or compute\n"
	"launches) used it, the first and the last of them, and where it was destroyed.\n"
	"Notes say which shaders have the same text, and what is wrong with one that the\n"
	"renderer does not accept: parts that are missing or do not fit. Whether the TGSI\n"
	"itself is good is not looked at. FILE may be - for standard input.\n"
	"\n"
	"  -o, --out DIR  write each text, as the guest sent it, to a file in DIR, such as\n"
	"                 00003-@12.4-ctx1-handle7-vertex.tgsi: number, address, context,\n"
	"                 handle, stage; .tgsi.part where it is incomplete. The list goes to\n"
	"                 DIR/index.txt and, as JSON lines, DIR/index.jsonl, too. DIR is made\n"
	"                 if need be\n"
	"  --force        overwrite files of these names\n"
	"  --json         JSON lines: {\"event\":\"shader\", \"number\", \"created\" (\"@12.4\"),\n"
	"                 \"context\", \"sub_context\", \"handle\", \"stage\", \"bytes\", \"lines\",\n"
	"                 \"parts\", \"stream_outputs\", \"bound\", \"draws\", \"first_draw\",\n"
	"                 \"last_draw\", \"destroyed\", \"same_as\" (addresses or null), \"xxh64\",\n"
	"                 \"complete\", \"problem\" (or null), with -o \"file\"};\n"
	"                 {\"event\":\"problem\", \"address\", \"message\"} for commands that make\n"
	"                 no shader; and last {\"event\":\"end\", \"end\" (\"tail\", \"ring\",\n"
	"                 \"recording\", \"cut\", \"damage\"), \"shaders\", \"texts\" (different ones),\n"
	"                 \"incomplete\", \"unlisted\", \"damage\" {\"message\", \"byte\"} or null}\n"
	"  -q, --quiet    no progress, no summary\n"
	"  -h, --help     print this\n"
	"\n"
	"At most 100000 shaders are listed, and 64 MiB of unfinished ones kept.\n"
	"\n"
	"exit status: 0 listed, incomplete shaders or not; 1 a damaged file, what lies before\n"
	"the damage is listed; 2 trouble; 5 listed, but the end of the trace is missing (see\n"
	"`vgt help recover`).\n"
	"\n"
	"example: vgt shaders -o shaders traces/gears.vgt\n";
/* clang-format on */

#define INDEX_TEXT "index.txt"
#define INDEX_JSON "index.jsonl"

/* Messages about commands that make no shader, so that a bad trace does not flood a log. */
#define MESSAGES_MAX 20

struct shaders {
	const char *path;
	const char *out; /* NULL: none */
	bool force, json, quiet;
	bool failed; /* to write there; said already */
	uint64_t files, problems;
	struct shader_list *list;
};

/* Files */

static void out_failed(struct shaders *shaders, const char *path, const struct vgt_err *err)
{
	vgt_cmd_error(path, err);
	shaders->failed = true;
}

/* On the heap; NULL has been reported. */
static char *path_in_out(struct shaders *shaders, const char *name)
{
	char *path;
	if (asprintf(&path, "%s/%s", shaders->out, name) >= 0) {
		return path;
	}
	fputs("vgt: no memory for a path\n", stderr);
	shaders->failed = true;
	return NULL;
}

/* Makes the directory if need be and sees to it that the list can go there. */
static bool open_out(struct shaders *shaders)
{
	struct new_file file = {.fd = -1};
	struct vgt_err err;
	shaders->failed = !vgt_cmd_make_directory(shaders->out);
	char *path = shaders->failed ? NULL : path_in_out(shaders, INDEX_TEXT);
	if (path && !new_file_create(&file, path, shaders->force, 0666, &err)) {
		out_failed(shaders, path, &err);
	}
	new_file_finish(&file);
	free(path);
	return !shaders->failed;
}

/* Puts a file into the directory, all of it or nothing. */
static bool write_out(struct shaders *shaders, const char *name,
	void (*print)(FILE *to, const void *opaque), const void *opaque)
{
	char *path = path_in_out(shaders, name);
	struct new_file file = {.fd = -1};
	FILE *stream = NULL;
	struct vgt_err err;
	if (!path) {
		return false;
	}
	if (new_file_create(&file, path, shaders->force, 0666, &err)) {
		stream = new_file_stream(&file, &err);
	}
	bool good = stream != NULL;
	if (stream) {
		print(stream, opaque);
		errno = 0;
		const bool failed = ferror(stream) != 0;
		if (fclose(stream) != 0 || failed) {
			good = vgt_err_system(&err, errno ? errno : EIO, "cannot write");
		}
	}
	good = good && new_file_commit(&file, &err);
	if (!good) {
		out_failed(shaders, path, &err);
	}
	new_file_finish(&file);
	free(path);
	return good;
}

#define FILE_NAME_SIZE 128

static void file_name(const struct shader *shader, char name[FILE_NAME_SIZE])
{
	char place[SHADER_PLACE_SIZE];
	char stage[16];
	shader_place_print(&shader->created, place);
	snprintf(stage, sizeof(stage), "%s", vgt_name_of(virgl_shader_stages, shader->stage));
	for (char *letter = stage; *letter; letter++) {
		*letter = (char)tolower((unsigned char)*letter);
	}
	snprintf(name, FILE_NAME_SIZE,
		"%05" PRIu32 "-%s-ctx%" PRIu32 "-handle%" PRIu32 "-%s.tgsi%s", shader->number,
		place, shader->ctx_id, shader->handle, stage,
		shader->state == SHADER_COMPLETE ? "" : ".part");
}

struct text {
	const char *text;
	uint32_t bytes;
};

static void print_text(FILE *to, const void *opaque)
{
	const struct text *text = opaque;
	fwrite(text->text, 1, text->bytes, to);
}

static void on_text(void *opaque, const struct shader *shader, const char *text)
{
	struct shaders *shaders = opaque;
	const struct text content = {text, shader->bytes};
	char name[FILE_NAME_SIZE];
	if (!shaders->out || shaders->failed) {
		return;
	}
	file_name(shader, name);
	shaders->files += write_out(shaders, name, print_text, &content);
}

/* JSON */

static void put_place(
	struct json_object *object, const char *key, const struct shader_place *place)
{
	char text[SHADER_PLACE_SIZE];
	if (!place || place->command == VGT_ADDRESS_OPEN) {
		json_object_object_add(object, key, NULL);
		return;
	}
	shader_place_print(place, text);
	vgt_json_put_text(object, key, text);
}

static void print_shader_json(
	const struct shaders *shaders, FILE *to, const struct shader *shader)
{
	struct json_object *object = json_object_new_object();
	const bool complete = shader->state == SHADER_COMPLETE;
	char text[FILE_NAME_SIZE];
	vgt_json_put_text(object, "event", "shader");
	vgt_json_put_number(object, "number", shader->number);
	put_place(object, "created", &shader->created);
	vgt_json_put_number(object, "context", shader->ctx_id);
	vgt_json_put_number(object, "sub_context", shader->sub_ctx_id);
	vgt_json_put_number(object, "handle", shader->handle);
	vgt_json_put_text(object, "stage", vgt_name_of(virgl_shader_stages, shader->stage));
	vgt_json_put_number(object, "bytes", shader->bytes);
	vgt_json_put_number(object, "lines", shader->lines);
	vgt_json_put_number(object, "parts", shader->parts);
	vgt_json_put_number(object, "stream_outputs", shader->stream_outputs);
	vgt_json_put_number(object, "bound", shader->binds);
	vgt_json_put_number(object, "draws", shader->draws);
	put_place(object, "first_draw", &shader->first_draw);
	put_place(object, "last_draw", &shader->last_draw);
	put_place(object, "destroyed", &shader->destroyed);
	put_place(object, "same_as", shader->same_as ? &shader->same_as->created : NULL);
	snprintf(text, sizeof(text), "%016" PRIx64, shader->digest);
	vgt_json_put_text(object, "xxh64", text);
	json_object_object_add(object, "complete", json_object_new_boolean(complete));
	if (complete) {
		json_object_object_add(object, "problem", NULL);
	} else {
		vgt_json_put_text(object, "problem", shader->problem);
	}
	if (shaders->out) {
		file_name(shader, text);
		vgt_json_put_text(object, "file", text);
	}
	vgt_json_print(to, object);
}

static void on_problem(void *opaque, const struct shader_place *place, const char *message)
{
	struct shaders *shaders = opaque;
	char address[SHADER_PLACE_SIZE];
	shader_place_print(place, address);
	if (shaders->json) {
		struct json_object *object = json_object_new_object();
		vgt_json_put_text(object, "event", "problem");
		vgt_json_put_text(object, "address", address);
		vgt_json_put_text(object, "message", message);
		vgt_json_print(stdout, object);
	} else if (shaders->problems < MESSAGES_MAX) {
		progress_clear();
		fprintf(stderr, "vgt: %s: %s: %s\n", shaders->path, address, message);
	} else if (shaders->problems == MESSAGES_MAX) {
		fprintf(stderr, "vgt: %s: more of these are not shown\n", shaders->path);
	}
	shaders->problems++;
}

/* The table */

enum column {
	NUMBER,
	CREATED,
	CONTEXT,
	SUB_CONTEXT,
	HANDLE,
	STAGE,
	BYTES,
	LINES,
	STREAM_OUTPUTS,
	BOUND,
	DRAWS,
	FIRST_DRAW,
	LAST_DRAW,
	DESTROYED,
	COLUMNS,
};

static const struct {
	const char *title;
	bool left; /* else numbers, which stand below each other by their last digit */
} columns[COLUMNS] = {
	[NUMBER] = {"#", false},
	[CREATED] = {"created", true},
	[CONTEXT] = {"ctx", false},
	[SUB_CONTEXT] = {"sub", false},
	[HANDLE] = {"handle", false},
	[STAGE] = {"stage", true},
	[BYTES] = {"bytes", false},
	[LINES] = {"lines", false},
	[STREAM_OUTPUTS] = {"so", false},
	[BOUND] = {"bound", false},
	[DRAWS] = {"draws", false},
	[FIRST_DRAW] = {"first draw", true},
	[LAST_DRAW] = {"last draw", true},
	[DESTROYED] = {"destroyed", true},
};

struct row {
	char cell[COLUMNS][SHADER_PLACE_SIZE];
};

static void set_number(struct row *row, enum column column, uint64_t number)
{
	snprintf(row->cell[column], SHADER_PLACE_SIZE, "%" PRIu64, number);
}

static struct row row_of(const struct shader *shader)
{
	struct row row;
	set_number(&row, NUMBER, shader->number);
	shader_place_print(&shader->created, row.cell[CREATED]);
	set_number(&row, CONTEXT, shader->ctx_id);
	set_number(&row, SUB_CONTEXT, shader->sub_ctx_id);
	set_number(&row, HANDLE, shader->handle);
	snprintf(row.cell[STAGE], SHADER_PLACE_SIZE, "%s",
		vgt_name_of(virgl_shader_stages, shader->stage));
	set_number(&row, BYTES, shader->bytes);
	set_number(&row, LINES, shader->lines);
	set_number(&row, STREAM_OUTPUTS, shader->stream_outputs);
	set_number(&row, BOUND, shader->binds);
	set_number(&row, DRAWS, shader->draws);
	shader_place_print(&shader->first_draw, row.cell[FIRST_DRAW]);
	shader_place_print(&shader->last_draw, row.cell[LAST_DRAW]);
	shader_place_print(&shader->destroyed, row.cell[DESTROYED]);
	return row;
}

static void print_row(
	FILE *to, const struct row *row, const int widths[COLUMNS], const char *note)
{
	int owed = 0; /* spaces, which nobody needs at the end of a line */
	for (int i = 0; i < COLUMNS; i++) {
		const char *cell = row->cell[i];
		const int pad = widths[i] - (int)strlen(cell);
		owed += columns[i].left ? 0 : pad;
		fprintf(to, "%*s%s", owed, "", cell);
		owed = (columns[i].left ? pad : 0) + 2;
	}
	fprintf(to, *note ? "%*s%s\n" : "\n", owed, "", note);
}

static void print_table(const struct shaders *shaders, FILE *to)
{
	const size_t count = shader_list_count(shaders->list);
	int widths[COLUMNS];
	struct row row;
	for (int i = 0; i < COLUMNS; i++) {
		widths[i] = (int)strlen(columns[i].title);
	}
	for (size_t number = 0; number < count; number++) {
		row = row_of(shader_list_at(shaders->list, number));
		for (int i = 0; i < COLUMNS; i++) {
			const int width = (int)strlen(row.cell[i]);
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	for (int i = 0; i < COLUMNS; i++) {
		snprintf(row.cell[i], SHADER_PLACE_SIZE, "%s", columns[i].title);
	}
	print_row(to, &row, widths, "");
	for (size_t number = 0; number < count; number++) {
		const struct shader *shader = shader_list_at(shaders->list, number);
		char note[16 + sizeof(shader->problem)] = "";
		if (shader->same_as) {
			char place[SHADER_PLACE_SIZE];
			shader_place_print(&shader->same_as->created, place);
			snprintf(note, sizeof(note), "same as %s", place);
		} else if (shader->state != SHADER_COMPLETE) {
			snprintf(note, sizeof(note), "INCOMPLETE: %s", shader->problem);
		}
		row = row_of(shader);
		print_row(to, &row, widths, note);
	}
}

static void print_list(FILE *to, const void *opaque)
{
	const struct shaders *shaders = opaque;
	print_table(shaders, to);
}

static void print_json_list(FILE *to, const void *opaque)
{
	const struct shaders *shaders = opaque;
	for (size_t i = 0; i < shader_list_count(shaders->list); i++) {
		print_shader_json(shaders, to, shader_list_at(shaders->list, i));
	}
}

/* The end */

struct totals {
	uint64_t shaders, incomplete, repeated;
};

static struct totals add_up(const struct shader_list *list)
{
	struct totals totals = {.shaders = shader_list_count(list)};
	for (size_t i = 0; i < totals.shaders; i++) {
		const struct shader *shader = shader_list_at(list, i);
		totals.incomplete += shader->state != SHADER_COMPLETE;
		totals.repeated += shader->same_as != NULL;
	}
	return totals;
}

static void print_end_json(const struct shaders *shaders, const struct totals *totals,
	const struct vgt_reader *reader, const struct vgt_err *damage)
{
	struct json_object *object = json_object_new_object();
	vgt_json_put_text(object, "event", "end");
	vgt_json_put_text(
		object, "end", damage ? "damage" : vgt_cmd_end_name(vgt_reader_end(reader)));
	vgt_json_put_number(object, "shaders", totals->shaders);
	vgt_json_put_number(
		object, "texts", totals->shaders - totals->incomplete - totals->repeated);
	vgt_json_put_number(object, "incomplete", totals->incomplete);
	vgt_json_put_number(object, "unlisted", shader_list_unlisted(shaders->list));
	vgt_json_put_damage(object, damage);
	vgt_json_print(stdout, object);
}

static void print_summary(const struct shaders *shaders, const struct totals *totals)
{
	const uint64_t unlisted = shader_list_unlisted(shaders->list);
	if (unlisted) {
		fprintf(stderr, "vgt: %s: %" PRIu64 " further shaders are not listed\n",
			shaders->path, unlisted);
	}
	if (shader_list_overflowed(shaders->list)) {
		fprintf(stderr,
			"vgt: %s: has more objects than are followed: shaders may be missing\n",
			shaders->path);
	}
	fprintf(stderr, "vgt: %s: %" PRIu64 " shader%s, %" PRIu64 " different text%s",
		shaders->path, totals->shaders, totals->shaders == 1 ? "" : "s",
		totals->shaders - totals->incomplete - totals->repeated,
		totals->shaders - totals->incomplete - totals->repeated == 1 ? "" : "s");
	if (totals->incomplete) {
		fprintf(stderr, ", %" PRIu64 " incomplete", totals->incomplete);
	}
	if (shaders->out) {
		fprintf(stderr, "; %" PRIu64 " file%s and the list in %s", shaders->files,
			shaders->files == 1 ? "" : "s", shaders->out);
	}
	fputc('\n', stderr);
}

/* Prints and writes all that was found. `damage` is NULL where there is none. */
static void finish(
	struct shaders *shaders, const struct vgt_reader *reader, const struct vgt_err *damage)
{
	if (!shader_list_finish(shaders->list)) {
		fputs("vgt: no memory to find equal texts\n", stderr);
	}
	const struct totals totals = add_up(shaders->list);
	if (totals.shaders || shaders->json) {
		(shaders->json ? print_json_list : print_list)(stdout, shaders);
	}
	if (shaders->json) {
		print_end_json(shaders, &totals, reader, damage);
	}
	if (shaders->out && write_out(shaders, INDEX_JSON, print_json_list, shaders)) {
		write_out(shaders, INDEX_TEXT, print_list, shaders);
	}
	interrupt_message(NULL);
	fflush(stdout);
	if (!shaders->quiet && !shaders->failed) {
		print_summary(shaders, &totals);
	}
}

static int list_trace(struct shaders *shaders, struct vgt_reader *reader)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next = vgt_reader_next(reader, &record, &err);
	if (next == VGT_READ_ERROR) {
		return vgt_cmd_bad_trace(shaders->path, &err);
	}
	/* only for what is a trace */
	if (shaders->out && !open_out(shaders)) {
		return VGT_EXIT_TROUBLE;
	}
	if (shaders->out) {
		interrupt_message("vgt: interrupted: not all shaders are written, the list is "
				  "not\n");
	}
	progress_begin(!shaders->quiet && !shaders->json);
	while (next == VGT_READ_RECORD && !shaders->failed) {
		shader_list_feed(shaders->list, &record);
		progress_reader(shaders->path, reader);
		next = vgt_reader_next(reader, &record, &err);
	}
	progress_end();
	if (shaders->failed) {
		return VGT_EXIT_TROUBLE;
	}
	finish(shaders, reader, next == VGT_READ_ERROR ? &err : NULL);
	const int result = next == VGT_READ_ERROR
				   ? vgt_cmd_bad_trace(shaders->path, &err)
				   : vgt_cmd_trace_end(shaders->path, reader, shaders->quiet);
	return shaders->failed ? VGT_EXIT_TROUBLE : result;
}

/* An exit code, or -1: go on, with argv[optind] the trace. */
static int parse_options(int argc, char **argv, struct shaders *shaders)
{
	static const struct option options[] = {
		{"out", required_argument, NULL, 'o'},
		{"force", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1;) {
		switch (option) {
		case 'o':
			shaders->out = optarg;
			break;
		case 'f':
			shaders->force = true;
			break;
		case 'j':
			shaders->json = true;
			break;
		case 'q':
			shaders->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_shaders_help);
		default:
			return vgt_cmd_bad_option("shaders", argv, options, option);
		}
	}
	if (shaders->force && !shaders->out) {
		return vgt_cmd_usage(
			"shaders", "--force needs --out DIR, whose files it replaces");
	}
	return argc - optind == 1 ? -1 : vgt_cmd_usage("shaders", "shaders takes one trace");
}

int cmd_shaders(int argc, char **argv)
{
	struct shaders shaders = {.out = NULL};
	int result = parse_options(argc, argv, &shaders);
	if (result >= 0) {
		return result;
	}
	shaders.path = argv[optind];
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(shaders.path, &err);
	if (!reader) {
		vgt_cmd_error(shaders.path, &err);
		return VGT_EXIT_TROUBLE;
	}
	const struct shader_list_hooks hooks = {&shaders, on_text, on_problem};
	shaders.list = shader_list_create(&hooks);
	if (shaders.list) {
		result = list_trace(&shaders, reader);
	} else {
		fputs("vgt: no memory for the trace\n", stderr);
		result = VGT_EXIT_TROUBLE;
	}
	shader_list_destroy(shaders.list);
	vgt_reader_close(reader);
	return result;
}
