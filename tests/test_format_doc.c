/* SPDX-License-Identifier: MIT */
/*
 * format/FORMAT.md against the code: its tables against the headers, its example against what
 * the sink writes and the reader reads. Run from the repository root, or compiled with
 * VGT_SOURCE_DIR.
 */
#include "vgt_index.h"
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"
#include "vgt_ring.h"
#include "vgt_sink.h"
#include "vgt_trace.h"
#include "virgl_api.h"
#include "virgl_cmd.h"
#include "virtio_gpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#ifndef VGT_SOURCE_DIR
#define VGT_SOURCE_DIR "."
#endif

#define EXAMPLE_ID  UINT64_C(0x0123456789abcdef)
#define EXAMPLE_MAX 4096
#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))

struct bytes {
	uint8_t data[EXAMPLE_MAX];
	size_t size;
};

static void append(struct bytes *to, const void *data, size_t size)
{
	assert_true(size <= sizeof(to->data) - to->size);
	memcpy(to->data + to->size, data, size);
	to->size += size;
}

static bool same(const struct bytes *a, const struct bytes *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* The document */

static FILE *open_document(void)
{
	FILE *file = fopen(VGT_SOURCE_DIR "/format/FORMAT.md", "re");
	assert_non_null(file);
	return file;
}

/* Adds the bytes of `OFFSET: XX XX  comment`; the offset must be where they come to stand. */
static void parse_hex_line(struct bytes *block, size_t begin, const char *line)
{
	char *at;
	unsigned long offset = strtoul(line, &at, 16);
	assert_int_equal(*at, ':');
	assert_int_equal(offset, block->size - begin);
	at++;
	while (at[0] == ' ' && at[1] != ' ' && at[1] != '\n') {
		char *end;
		uint8_t byte = (uint8_t)strtoul(at + 1, &end, 16);
		assert_ptr_equal(end, at + 3);
		append(block, &byte, 1);
		at = end;
	}
	assert_true(at[0] == '\n' || at[0] == ' ');
}

/* Appends the block that is fenced as "```hex NAME". */
static void read_block(struct bytes *block, const char *name)
{
	FILE *file = open_document();
	char line[256], fence[64];
	size_t begin = block->size;
	bool inside = false, seen = false;
	snprintf(fence, sizeof(fence), "```hex %s\n", name);
	while (fgets(line, sizeof(line), file)) {
		if (!inside) {
			inside = strcmp(line, fence) == 0;
			seen = seen || inside;
		} else if (strncmp(line, "```", 3) == 0) {
			inside = false;
		} else if (line[0] != '\n') {
			parse_hex_line(block, begin, line);
		}
	}
	fclose(file);
	assert_true(seen && !inside);
}

/* All blocks, which are the whole file. */
static void read_example(struct bytes *file)
{
	static const char *const blocks[] = {
		"frame-begin", "records", "frame-end", "index", "seek-table"};
	for (size_t i = 0; i < COUNT(blocks); i++) {
		read_block(file, blocks[i]);
	}
}

/* The same example from the structures of the headers */

static void put(
	struct bytes *stream, uint16_t type, uint64_t time_ns, const void *payload, size_t size)
{
	static const uint8_t zeros[8];
	struct vgt_record_header header = {
		.size = (uint32_t)(sizeof(header) + size),
		.type = type,
		.time_ns = time_ns,
	};
	append(stream, &header, sizeof(header));
	append(stream, payload, size);
	append(stream, zeros, vgt_record_span(header.size) - header.size);
}

static void put_response(struct bytes *stream, uint64_t time_ns, uint64_t command)
{
	const struct vgt_response response = {.command = command, .class = VGT_RESPONSE_EXACT};
	put(stream, VGT_RECORD_RESPONSE, time_ns, &response, sizeof(response));
}

static const struct vgt_frame example_frame = {
	.rule = VGT_FRAME_MARKER,
	.scanout_id = VGT_NO_SCANOUT,
	.virgl_command = 1,
};

/* Everything behind the CHUNK record. */
static void make_records(struct bytes *stream)
{
	static const char meta[] = "producer=example";
	put(stream, VGT_RECORD_META, 0, meta, sizeof(meta));

	const struct virtio_gpu_ctx_create create = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = 1},
		.nlen = 4,
		.debug_name = "demo",
	};
	put(stream, VIRTIO_GPU_CMD_CTX_CREATE, 1000000, &create, sizeof(create));
	put_response(stream, 1500000, 0);

	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t clear[2];
		float color[4];
		double depth;
		uint32_t stencil;
		uint32_t marker[2];
		char text[12];
	} command = {
		.submit = {.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1},
			.size = sizeof(command) - sizeof(command.submit)},
		.clear = {VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8), 4},
		.color = {0, 0.5f, 1, 1},
		.depth = 1,
		.marker = {VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), 9},
		.text = "vgt:frame",
	};
	_Static_assert(sizeof(command) == sizeof(struct virtio_gpu_cmd_submit) + 56, "packed");
	put(stream, VIRTIO_GPU_CMD_SUBMIT_3D, 2000000, &command, sizeof(command));
	put(stream, VGT_RECORD_FRAME, 2100000, &example_frame, sizeof(example_frame));
	put_response(stream, 2500000, 1);
	put(stream, VGT_RECORD_MARK, 3000000, "done", 4);
}

/* What the code makes of them: the file, taken apart again. */
struct written {
	struct bytes stream; /* decompressed */
	struct bytes index;  /* the index frame */
};

static void take_apart(struct written *written, const struct bytes *file)
{
	static uint8_t content[EXAMPLE_MAX];
	for (size_t at = 0; at < file->size;) {
		const uint8_t *frame = file->data + at;
		size_t size = ZSTD_findFrameCompressedSize(frame, file->size - at);
		uint32_t magic;
		assert_false(ZSTD_isError(size));
		memcpy(&magic, frame, sizeof(magic));
		if (magic == ZSTD_MAGICNUMBER) {
			size_t length = ZSTD_decompress(content, sizeof(content), frame, size);
			assert_false(ZSTD_isError(length));
			append(&written->stream, content, length);
		} else if (magic == VGT_SKIPPABLE_INDEX) {
			append(&written->index, frame, size);
		} else {
			assert_int_equal(magic, VGT_SKIPPABLE_SEEK);
			assert_int_equal(at + size, file->size);
		}
		at += size;
	}
}

static void write_example(struct written *written)
{
	struct bytes records = {.size = 0}, file = {.size = 0};
	struct vgt_sink sink;
	struct vgt_err err;
	int fd = memfd_create("example", MFD_CLOEXEC);
	assert_true(fd >= 0);
	make_records(&records);
	assert_true(vgt_sink_init(&sink, fd, EXAMPLE_ID, 1, &err));
	assert_true(vgt_sink_write(&sink, records.data, records.size, &err));
	assert_true(vgt_sink_tail(&sink, &err));
	vgt_sink_finish(&sink);
	ssize_t size = pread(fd, file.data, sizeof(file.data), 0);
	assert_true(size > 0);
	file.size = (size_t)size;
	close(fd);
	*written = (struct written){.stream.size = 0};
	take_apart(written, &file);
}

static struct vgt_reader *open_bytes(const struct bytes *file)
{
	struct vgt_err err;
	int fd = memfd_create("example", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, file->data, file->size, 0), file->size);
	struct vgt_reader *reader = vgt_reader_open_fd(fd, &err);
	assert_non_null(reader);
	return reader;
}

/* Whether the file is whole and holds exactly these records. */
static bool reads_as(const struct bytes *file, const struct bytes *records)
{
	struct vgt_reader *reader = open_bytes(file);
	struct bytes read = {.size = 0};
	struct vgt_record record;
	enum vgt_read next;
	while ((next = vgt_reader_next(reader, &record, NULL)) == VGT_READ_RECORD) {
		put(&read, record.type, record.time_ns, record.payload, record.size);
	}
	bool good = next == VGT_READ_END && vgt_reader_end(reader) == VGT_END_TAIL &&
		    vgt_reader_trace_id(reader) == EXAMPLE_ID && same(&read, records);
	vgt_reader_close(reader);
	return good;
}

static void test_example_is_what_is_written(void **state)
{
	(void)state;
	struct written written;
	struct bytes stream = {.size = 0}, index = {.size = 0};
	write_example(&written);
	read_block(&stream, "records");
	read_block(&index, "index");
	assert_true(same(&stream, &written.stream));
	assert_true(same(&index, &written.index));
	/* positive control: each byte counts */
	for (size_t i = 0; i < stream.size; i++) {
		stream.data[i] ^= 1;
		assert_false(same(&stream, &written.stream));
		stream.data[i] ^= 1;
	}
	index.data[index.size - 1] ^= 1;
	assert_false(same(&index, &written.index));
}

static void test_example_tail_belongs_to_it(void **state)
{
	(void)state;
	struct bytes chunk = {.size = 0}, stream = {.size = 0}, tail = {.size = 0};
	struct vgt_index index = {
		.totals = {.records = 7, .commands = 2, .frames = 1},
	};
	read_block(&chunk, "frame-begin");
	read_block(&chunk, "records");
	read_block(&chunk, "frame-end");
	read_block(&stream, "records");
	read_block(&tail, "index");
	read_block(&tail, "seek-table");
	index.totals.stream_size =
		stream.size - sizeof(struct vgt_record_header) - sizeof(struct vgt_chunk);
	assert_true(vgt_index_add(&index, &(struct vgt_index_entry){0}));
	size_t size;
	uint8_t *expected = vgt_index_encode(&index, EXAMPLE_ID, chunk.size, &size);
	assert_non_null(expected);
	assert_int_equal(size, tail.size);
	assert_memory_equal(expected, tail.data, size);
	free(expected);
	vgt_index_finish(&index);
}

static void test_example_is_read_back(void **state)
{
	(void)state;
	struct bytes file = {.size = 0}, records = {.size = 0};
	read_example(&file);
	make_records(&records);
	assert_true(reads_as(&file, &records));
	/* positive control: no byte of the file can change unseen */
	for (size_t i = 0; i < file.size; i++) {
		file.data[i] ^= 1;
		if (reads_as(&file, &records)) {
			fail_msg("byte %zu of the example can change unseen", i);
		}
		file.data[i] ^= 1;
	}
}

static void test_example_has_the_annotated_records(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint64_t time_ns, command, frame;
	} expected[] = {
		{"META", 0, 0, 0},
		{"CTX_CREATE", 1000000, 0, 0},
		{"RESPONSE", 1500000, 1, 0},
		{"SUBMIT_3D", 2000000, 1, 0},
		{"FRAME", 2100000, 2, 0},
		{"RESPONSE", 2500000, 2, 1},
		{"MARK", 3000000, 2, 1},
	};
	struct bytes file = {.size = 0};
	struct vgt_record record;
	read_example(&file);
	struct vgt_reader *reader = open_bytes(&file);
	for (size_t i = 0; i < COUNT(expected); i++) {
		assert_int_equal(vgt_reader_next(reader, &record, NULL), VGT_READ_RECORD);
		assert_string_equal(vgt_record_name(record.type), expected[i].name);
		assert_int_equal(record.number, i);
		assert_int_equal(record.time_ns, expected[i].time_ns);
		assert_int_equal(record.command, expected[i].command);
		assert_int_equal(record.frame, expected[i].frame);
	}
	assert_int_equal(vgt_reader_next(reader, &record, NULL), VGT_READ_END);
	assert_int_equal(vgt_reader_end(reader), VGT_END_TAIL);
	vgt_reader_close(reader);
}

static void keep_frame(void *opaque, const struct vgt_frame *frame)
{
	append(opaque, frame, sizeof(*frame));
}

static void test_example_frame_follows_from_its_commands(void **state)
{
	(void)state;
	struct bytes file = {.size = 0}, frames = {.size = 0};
	struct vgt_record record;
	const struct vgt_model_hooks hooks = {.opaque = &frames, .frame = keep_frame};
	struct vgt_model *model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	assert_non_null(model);
	read_example(&file);
	struct vgt_reader *reader = open_bytes(&file);
	while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
		vgt_model_feed(model, record.type, record.payload, record.size, record.command);
	}
	assert_int_equal(frames.size, sizeof(example_frame));
	assert_memory_equal(frames.data, &example_frame, sizeof(example_frame));
	vgt_reader_close(reader);
	vgt_model_destroy(model);
}

/* Tables */

/* Calls `row` with each line and the heading that it stands under. */
static void each_line(
	void (*row)(void *opaque, const char *heading, const char *line), void *opaque)
{
	FILE *file = open_document();
	char line[1024], heading[128] = "";
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#') {
			snprintf(heading, sizeof(heading), "%.*s",
				(int)strcspn(line + strspn(line, "# "), "\n"),
				line + strspn(line, "# "));
		} else {
			row(opaque, heading, line);
		}
	}
	fclose(file);
}

static bool shape_is_good(uint16_t type, size_t size)
{
	static _Alignas(8) uint8_t payload[256];
	memset(payload, 0, sizeof(payload));
	if (vgt_record_is_command(type)) {
		memcpy(payload, &(uint32_t){type}, sizeof(uint32_t));
	}
	return vgt_record_check(type, payload, size, NULL);
}

static void check_type_row(void *opaque, const char *heading, const char *line)
{
	unsigned *rows = opaque, type, size;
	char name[64];
	if (sscanf(line, "| `0x%x` | %63[A-Z0-9_] | %u |", &type, name, &size) != 3) {
		return;
	}
	assert_string_equal(heading, type < 0x8000 ? "Control commands" : "Record types");
	assert_string_equal(vgt_record_name((uint16_t)type), name);
	if (!shape_is_good((uint16_t)type, size) ||
		(size && shape_is_good((uint16_t)type, size - 1))) {
		fail_msg("%s is not at least %u bytes long", name, size);
	}
	++*rows;
}

static void test_types(void **state)
{
	(void)state;
	unsigned rows = 0, types = 0;
	each_line(check_type_row, &rows);
	for (uint32_t type = 0; type <= UINT16_MAX; type++) {
		types += strcmp(vgt_record_name((uint16_t)type), "unknown") != 0;
	}
	assert_int_equal(rows, types);
}

#define FIELD(heading, structure, field) \
	{ \
		heading, #field, offsetof(struct structure, field), \
			sizeof(((struct structure *)0)->field) \
	}

static const struct {
	const char *heading;
	const char *field;
	size_t offset, size;
} fields[] = {
	FIELD("CHUNK", vgt_chunk, magic),
	FIELD("CHUNK", vgt_chunk, major),
	FIELD("CHUNK", vgt_chunk, minor),
	FIELD("CHUNK", vgt_chunk, reserved),
	FIELD("CHUNK", vgt_chunk, trace_id),
	FIELD("CHUNK", vgt_chunk, sequence),
	FIELD("CHUNK", vgt_chunk, stream_pos),
	FIELD("CHUNK", vgt_chunk, first_record),
	FIELD("CHUNK", vgt_chunk, first_command),
	FIELD("CHUNK", vgt_chunk, first_frame),
	FIELD("Record header", vgt_record_header, size),
	FIELD("Record header", vgt_record_header, type),
	FIELD("Record header", vgt_record_header, flags),
	FIELD("Record header", vgt_record_header, time_ns),
	FIELD("CAPSET", vgt_capset, id),
	FIELD("CAPSET", vgt_capset, version),
	FIELD("MEM", vgt_mem, resource_id),
	FIELD("MEM", vgt_mem, flags),
	FIELD("MEM", vgt_mem, offset),
	FIELD("RESPONSE", vgt_response, command),
	FIELD("RESPONSE", vgt_response, result),
	FIELD("RESPONSE", vgt_response, class),
	FIELD("RESPONSE", vgt_response, digest),
	FIELD("RESPONSE", vgt_response, size),
	FIELD("FENCE", vgt_fence, event),
	FIELD("FENCE", vgt_fence, scope),
	FIELD("FENCE", vgt_fence, ctx_id),
	FIELD("FENCE", vgt_fence, ring_idx),
	FIELD("FENCE", vgt_fence, flags),
	FIELD("FENCE", vgt_fence, fence_id),
	FIELD("FENCE", vgt_fence, result),
	FIELD("FENCE", vgt_fence, reserved),
	FIELD("FRAME", vgt_frame, rule),
	FIELD("FRAME", vgt_frame, scanout_id),
	FIELD("FRAME", vgt_frame, resource_id),
	FIELD("FRAME", vgt_frame, virgl_command),
	FIELD("FRAME", vgt_frame, x),
	FIELD("FRAME", vgt_frame, y),
	FIELD("FRAME", vgt_frame, width),
	FIELD("FRAME", vgt_frame, height),
	FIELD("POLL", vgt_poll, ctx_id),
	FIELD("POLL", vgt_poll, reserved),
	FIELD("RESET", vgt_reset, kind),
	FIELD("RESET", vgt_reset, reserved),
	FIELD("IOV", vgt_iov, count),
	FIELD("IOV", vgt_iov, reserved),
	FIELD("BAD_COMMAND", vgt_bad_command, size),
	FIELD("Index header", vgt_index_header, magic),
	FIELD("Index header", vgt_index_header, trace_id),
	FIELD("Index header", vgt_index_header, chunks),
	FIELD("Index header", vgt_index_header, stream_size),
	FIELD("Index header", vgt_index_header, records),
	FIELD("Index header", vgt_index_header, commands),
	FIELD("Index header", vgt_index_header, frames),
	FIELD("Index entry", vgt_index_entry, file_pos),
	FIELD("Index entry", vgt_index_entry, stream_pos),
	FIELD("Index entry", vgt_index_entry, first_record),
	FIELD("Index entry", vgt_index_entry, first_command),
	FIELD("Index entry", vgt_index_entry, first_frame),
	FIELD("Ring header", vgt_ring_header, magic),
	FIELD("Ring header", vgt_ring_header, trace_id),
	FIELD("Ring header", vgt_ring_header, size),
	FIELD("Ring header", vgt_ring_header, head),
	FIELD("Ring header", vgt_ring_header, tail),
	FIELD("Ring header", vgt_ring_header, records),
	FIELD("Ring header", vgt_ring_header, commands),
	FIELD("Ring header", vgt_ring_header, frames),
	FIELD("Ring header", vgt_ring_header, written),
	FIELD("Ring header", vgt_ring_header, stalls),
	FIELD("Ring header", vgt_ring_header, stall_ns),
	FIELD("Ring header", vgt_ring_header, state),
	FIELD("Ring header", vgt_ring_header, pid),
};

/* Rows come in the order of the list. */
static void check_field_row(void *opaque, const char *heading, const char *line)
{
	size_t *row = opaque;
	unsigned offset, size;
	char name[32];
	if (sscanf(line, "| %u | %u | `%31[a-z_]` |", &offset, &size, name) != 3) {
		return;
	}
	assert_true(*row < COUNT(fields));
	assert_string_equal(heading, fields[*row].heading);
	assert_string_equal(name, fields[*row].field);
	if (offset != fields[*row].offset || size != fields[*row].size) {
		fail_msg("%s.%s lies at %zu and has %zu bytes", heading, name,
			fields[*row].offset, fields[*row].size);
	}
	++*row;
}

static void test_structures(void **state)
{
	(void)state;
	size_t rows = 0;
	each_line(check_field_row, &rows);
	assert_int_equal(rows, COUNT(fields));
}

#define LIMIT(name) \
	{ \
#name, name \
	}

static const struct {
	const char *name;
	uint64_t value;
} limits[] = {
	LIMIT(VGT_RECORD_MAX),
	LIMIT(VGT_MEM_MAX),
	LIMIT(VGT_BAD_MAX),
	LIMIT(VGT_SEGMENTS_MAX),
	LIMIT(VGT_CHUNK_TARGET),
	LIMIT(VGT_CHUNK_MAX),
	LIMIT(VGT_CHUNKS_MAX),
	LIMIT(VGT_RING_HEADER),
	LIMIT(VGT_RING_MIN),
	LIMIT(VGT_RING_MAX),
	LIMIT(VGT_RING_PATH_MAX),
	LIMIT(VGT_MODEL_OBJECTS_MAX),
	LIMIT(VIRTIO_GPU_MAX_SCANOUTS),
};

static void check_limit_row(void *opaque, const char *heading, const char *line)
{
	size_t *row = opaque;
	uint64_t value;
	char name[64];
	if (strcmp(heading, "Limits") != 0 ||
		sscanf(line, "| `%63[A-Z_]` | %" SCNu64 " |", name, &value) != 2) {
		return;
	}
	assert_true(*row < COUNT(limits));
	assert_string_equal(name, limits[*row].name);
	assert_int_equal(value, limits[*row].value);
	++*row;
}

static void test_limits(void **state)
{
	(void)state;
	size_t rows = 0;
	each_line(check_limit_row, &rows);
	assert_int_equal(rows, COUNT(limits));
}

static void check_rule_row(void *opaque, const char *heading, const char *line)
{
	static const char *const names[] = {
		[VGT_FRAME_SUBMIT] = "submit",
		[VGT_FRAME_READBACK] = "readback",
		[VGT_FRAME_FLUSH] = "flush",
		[VGT_FRAME_MARKER] = "marker",
	};
	unsigned *rows = opaque, rule;
	char name[16];
	if (strcmp(heading, "Frames") != 0 ||
		sscanf(line, "| %u | %15[a-z] |", &rule, name) != 2) {
		return;
	}
	assert_in_range(rule, VGT_FRAME_SUBMIT, VGT_FRAME_MARKER);
	assert_string_equal(name, names[rule]);
	++*rows;
}

static void test_rules(void **state)
{
	(void)state;
	unsigned rows = 0;
	each_line(check_rule_row, &rows);
	assert_int_equal(rows, VGT_FRAME_MARKER);
}

/* Calls */

#define NAME(result, name, parameters) "virgl_renderer_" #name,
static const char *const interposed[] = {VIRGL_API_LIST(NAME)};

struct call_rows {
	unsigned recorded, all;
};

static void check_call_row(void *opaque, const char *heading, const char *line)
{
	struct call_rows *rows = opaque;
	char name[64];
	if (strcmp(heading, "virglrenderer calls") != 0 ||
		sscanf(line, "| `virgl_%57[a-z0-9_]`", name) != 1) {
		return;
	}
	rows->all++;
	for (size_t i = 0; i < COUNT(interposed); i++) {
		if (strcmp(interposed[i] + strlen("virgl_"), name) == 0) {
			rows->recorded++;
			return;
		}
	}
	/* what is not looked behind cannot be recorded */
	assert_non_null(strstr(line, " | none: "));
}

static void test_calls(void **state)
{
	(void)state;
	struct call_rows rows = {0, 0};
	each_line(check_call_row, &rows);
	assert_int_equal(rows.recorded, COUNT(interposed));
	/* what virglrenderer 0.10.4 exports, and four of 1.1 */
	assert_int_equal(rows.all, 41 + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_is_what_is_written),
		cmocka_unit_test(test_example_tail_belongs_to_it),
		cmocka_unit_test(test_example_is_read_back),
		cmocka_unit_test(test_example_has_the_annotated_records),
		cmocka_unit_test(test_example_frame_follows_from_its_commands),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_structures),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
