/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"
#include "vgt_recover.h"
#include "vgt_ring.h"
#include "vgt_sink.h"
#include "vgt_writer.h"
#include "virgl_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include <cmocka.h>

#define COUNT(array)    (sizeof(array) / sizeof(array)[0])
#define RECORDS_MAX     128
#define CHUNK_OPENING   (sizeof(struct vgt_record_header) + sizeof(struct vgt_chunk))
#define RING_HEADER     sizeof(struct vgt_ring_header)
#define MEMORY_LIMIT_KB (300 * 1024)

struct bytes {
	uint8_t *at;
	size_t size;
};

static void bytes_add(struct bytes *bytes, const void *more, size_t size)
{
	bytes->at = realloc(bytes->at, bytes->size + size + 1);
	if (size) {
		memcpy(bytes->at + bytes->size, more, size);
	}
	bytes->size += size;
}

static void bytes_free(struct bytes *bytes)
{
	free(bytes->at);
	*bytes = (struct bytes){0};
}

static struct bytes file_read(const char *path)
{
	struct bytes bytes = {0};
	char buffer[65536];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		bytes_add(&bytes, buffer, (size_t)got);
	}
	close(fd);
	return bytes;
}

static void file_write(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* The trace under test: one record of every type, in chunks of few records */

static char directory[] = "/tmp/vgt-test-corrupt-XXXXXX";
static char trace_path[64];
static struct bytes trace;   /* the file */
static struct bytes records; /* its records without CHUNK */
static uint64_t trace_id;
static size_t first_chunk_end;
static uint64_t digests[RECORDS_MAX]; /* of each record */
static size_t digest_count;
static uint64_t command_count;

/* clang-format off: one virgl command a line */
static const uint32_t virgl[] = {
	VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5),
	3,
	1,
	1,
	0,
	0,
	VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3),
	1,
	0,
	3,
	VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8),
	4,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13),
	1,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	4,
	4,
	1,
	0,
	1,
	VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14),
	1,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	4,
	4,
	1,
	2,
	0,
	0,
	VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4),
	9,
	0x3a746776,
	0x6d617266,
	0x65,
	VIRGL_CMD0(VIRGL_CCMD_CREATE_SUB_CTX, 0, 1),
	1,
	VIRGL_CMD0(VIRGL_CCMD_DESTROY_SUB_CTX, 0, 1),
	1,
	VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_SURFACE, 1),
	3,
};
/* clang-format on */

struct put_state {
	struct vgt_writer *writer;
	unsigned count;
};

static void put_more(struct put_state *put, uint16_t type, const void *bytes, size_t size,
	const void *data, size_t data_size)
{
	const struct iovec parts[] = {{(void *)bytes, size}, {(void *)data, data_size}};
	assert_true(vgt_writer_put(put->writer, type, 0, parts, 2));
	if (++put->count % 6 == 0) {
		vgt_writer_flush(put->writer);
	}
}

static void put_record(struct put_state *put, uint16_t type, const void *bytes, size_t size)
{
	put_more(put, type, bytes, size, NULL, 0);
}

/* A control command whose fields behind the header are all zero or of no interest. */
static void put_plain(struct put_state *put, uint16_t type, size_t size)
{
	union {
		struct virtio_gpu_ctrl_hdr hdr;
		uint32_t words[64];
	} command = {.words = {0}};
	command.hdr.type = type;
	command.hdr.ctx_id = 1;
	command.words[sizeof(command.hdr) / 4] = 9; /* often the resource */
	put_record(put, type, &command, size);
}

static void put_first_half(struct put_state *put)
{
	const struct virtio_gpu_ctx_create context = {
		{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = 1}, .debug_name = "test"};
	const struct virtio_gpu_resource_create_3d resource = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, 1, PIPE_TEXTURE_2D, 1,
		VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SCANOUT, 16, 16, 1, 1, 0, 0, 0, 0};
	const struct virtio_gpu_resource_create_2d flat = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 2, 1, 8, 8};
	const struct virtio_gpu_resource_attach_backing backing = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, 2};
	const struct virtio_gpu_mem_entry entries[] = {{0, 512, 0}, {0, 512, 0}};
	const struct virtio_gpu_resource_create_blob blob = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB}, 3, VIRTIO_GPU_BLOB_MEM_GUEST, 0,
		2, 7, 1024};
	const struct vgt_capset capset = {VIRTIO_GPU_CAPSET_VIRGL2, 2};
	put_record(put, VGT_RECORD_META, "producer=test\0x=y", 18);
	put_more(put, VGT_RECORD_CAPSET, &capset, sizeof(capset), "a capset", 8);
	put_record(put, VIRTIO_GPU_CMD_CTX_CREATE, &context, sizeof(context));
	put_record(put, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, &resource, sizeof(resource));
	put_record(put, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, &flat, sizeof(flat));
	put_more(put, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, &blob, sizeof(blob), entries,
		sizeof(entries));
	put_more(put, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, &backing, sizeof(backing),
		entries, sizeof(entries));
	put_plain(put, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
		sizeof(struct virtio_gpu_ctx_resource));
	put_plain(put, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, sizeof(struct virtio_gpu_ctrl_hdr));
	put_plain(
		put, VIRTIO_GPU_CMD_GET_CAPSET_INFO, sizeof(struct virtio_gpu_get_capset_info));
	put_plain(put, VIRTIO_GPU_CMD_GET_CAPSET, sizeof(struct virtio_gpu_get_capset));
	put_plain(put, VIRTIO_GPU_CMD_GET_EDID, sizeof(struct virtio_gpu_get_edid));
	put_plain(put, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
		sizeof(struct virtio_gpu_resource_unref));
	put_plain(put, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		sizeof(struct virtio_gpu_transfer_to_host_2d));
	put_plain(put, VIRTIO_GPU_CMD_UPDATE_CURSOR, sizeof(struct virtio_gpu_update_cursor));
	put_plain(put, VIRTIO_GPU_CMD_MOVE_CURSOR, sizeof(struct virtio_gpu_update_cursor));
	put_plain(put, VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
		sizeof(struct virtio_gpu_resource_map_blob));
	put_plain(put, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
		sizeof(struct virtio_gpu_resource_unmap_blob));
	put_plain(put, 0x7abc, sizeof(struct virtio_gpu_ctrl_hdr) + 5);
	put_record(put, 0xf00f, "of the future", 13);
}

static void put_second_half(struct put_state *put)
{
	struct virtio_gpu_set_scanout scanout = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, 16, 16}, 0, 1};
	struct virtio_gpu_set_scanout_blob scanout_blob = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB}, {0, 0, 16, 16}, 1, 1, 16, 16, 1, 0,
		{64}, {0}};
	struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 16, 16}, 1, 0};
	struct virtio_gpu_transfer_host_3d transfer = {
		{.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D}, {0, 0, 0, 4, 4, 1}, 0, 1, 0, 0,
		0};
	const struct {
		struct virtio_gpu_cmd_submit submit;
		uint64_t fence;
	} submit = {{{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1}, sizeof(virgl), 1}, 5};
	const struct {
		struct vgt_iov iov;
		uint32_t lengths[3];
	} iov = {{3, 0}, {64, 64, 128}};
	const struct vgt_mem mem = {1, 0, 0};
	const struct vgt_response response = {
		.command = 3, .class = VGT_RESPONSE_RENDERER, .digest = 7, .size = 4};
	const struct vgt_fence fence = {.event = VGT_FENCE_CREATED, .fence_id = 4};
	const struct vgt_frame frame = {
		VGT_FRAME_FLUSH, 0, 1, VGT_NO_VIRGL_COMMAND, 0, 0, 16, 16};
	const struct vgt_poll poll = {0, 0};
	const struct vgt_reset reset = {VGT_RESET_DEVICE, 0};
	const struct vgt_bad_command bad = {23};
	put_more(put, VGT_RECORD_MEM, &mem, sizeof(mem), "guest memory", 12);
	put_more(put, VIRTIO_GPU_CMD_SUBMIT_3D, &submit, sizeof(submit), virgl, sizeof(virgl));
	put_record(put, VIRTIO_GPU_CMD_SET_SCANOUT, &scanout, sizeof(scanout));
	put_record(put, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, &scanout_blob, sizeof(scanout_blob));
	put_record(put, VIRTIO_GPU_CMD_RESOURCE_FLUSH, &flush, sizeof(flush));
	put_record(put, VGT_RECORD_FRAME, &frame, sizeof(frame));
	put_record(put, VGT_RECORD_IOV, &iov, sizeof(iov));
	put_record(put, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, &transfer, sizeof(transfer));
	transfer.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
	put_record(put, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, &transfer, sizeof(transfer));
	put_record(put, VGT_RECORD_RESPONSE, &response, sizeof(response));
	put_more(put, VGT_RECORD_BAD_COMMAND, &bad, sizeof(bad), "no more than 23 bytes..", 23);
	put_record(put, VGT_RECORD_FENCE, &fence, sizeof(fence));
	put_record(put, VGT_RECORD_POLL, &poll, sizeof(poll));
	put_record(put, VGT_RECORD_MARK, "a mark", 6);
	put_record(put, VGT_RECORD_SNAPSHOT, "a snapshot", 10);
	put_plain(put, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		sizeof(struct virtio_gpu_resource_detach_backing));
	put_plain(put, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
		sizeof(struct virtio_gpu_ctx_resource));
	put_plain(put, VIRTIO_GPU_CMD_RESOURCE_UNREF, sizeof(struct virtio_gpu_resource_unref));
	put_plain(put, VIRTIO_GPU_CMD_CTX_DESTROY, sizeof(struct virtio_gpu_ctx_destroy));
	put_record(put, VGT_RECORD_RESET, &reset, sizeof(reset));
}

/* Reading whatever bytes */

struct outcome {
	enum vgt_read last;
	enum vgt_reader_end end;
	struct vgt_err err;
	size_t count;
	bool same;    /* every record is that of the trace under test at its place */
	size_t bad;   /* records that break the contract of vgt_reader_next */
	size_t whole; /* records in whole chunks */
	uint64_t torn;
};

static uint64_t digest_of(const struct vgt_record *record)
{
	const uint64_t head[] = {record->type, record->flags, record->size, record->time_ns};
	return XXH64(record->payload, record->size, XXH64(head, sizeof(head), 0));
}

/* Reads to the end as a tool would: with the model behind, all contracts checked. */
static struct outcome read_fd(int fd)
{
	struct outcome outcome = {.last = VGT_READ_ERROR, .same = true};
	struct vgt_reader *reader = vgt_reader_open_fd(fd, &outcome.err);
	struct vgt_model *model = vgt_model_create(VGT_FRAME_AUTO, NULL);
	struct vgt_record record;
	if (!reader) {
		vgt_model_destroy(model);
		return outcome;
	}
	while ((outcome.last = vgt_reader_next(reader, &record, &outcome.err)) ==
		VGT_READ_RECORD) {
		outcome.same = outcome.same && outcome.count < digest_count &&
			       digests[outcome.count] == digest_of(&record);
		outcome.bad +=
			!vgt_record_check(record.type, record.payload, record.size, NULL) ||
			(uintptr_t)record.payload % 8 != 0 || record.number != outcome.count;
		vgt_model_feed(model, record.type, record.payload, record.size, record.command);
		outcome.count++;
	}
	/* and it stays there */
	struct vgt_err again;
	outcome.bad += vgt_reader_next(reader, &record, &again) != outcome.last;
	outcome.end = vgt_reader_end(reader);
	outcome.whole = vgt_reader_whole(reader).records;
	outcome.torn = vgt_reader_torn(reader);
	vgt_reader_close(reader);
	vgt_model_destroy(model);
	return outcome;
}

static struct outcome read_bytes(const void *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	return read_fd(fd);
}

static struct outcome read_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return read_fd(fd);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void note_records(void)
{
	struct vgt_reader *reader = vgt_reader_open(trace_path, NULL);
	struct vgt_record record;
	assert_non_null(reader);
	while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
		const struct vgt_record_header header = {(uint32_t)sizeof(header) + record.size,
			record.type, record.flags, record.time_ns};
		bytes_add(&records, &header, sizeof(header));
		bytes_add(&records, record.payload, record.size);
		bytes_add(
			&records, "\0\0\0\0\0\0\0", vgt_record_span(header.size) - header.size);
		assert_true(digest_count < RECORDS_MAX);
		digests[digest_count++] = digest_of(&record);
	}
	assert_int_equal(vgt_reader_end(reader), VGT_END_TAIL);
	command_count = vgt_reader_passed(reader).commands;
	trace_id = vgt_reader_trace_id(reader);
	first_chunk_end = (size_t)vgt_reader_chunks(reader)->entries[1].file_pos;
	vgt_reader_close(reader);
}

static int group_setup(void **state)
{
	(void)state;
	alarm(300); /* whatever hangs shall fail */
	if (!mkdtemp(directory)) {
		return -1;
	}
	snprintf(trace_path, sizeof(trace_path), "%s/trace.vgt", directory);
	const struct vgt_writer_options options = {
		.path = trace_path, .ring_directory = directory};
	struct put_state put = {.writer = vgt_writer_create(&options, NULL)};
	assert_non_null(put.writer);
	put_first_half(&put);
	put_second_half(&put);
	assert_true(vgt_writer_finish(put.writer, NULL));
	trace = file_read(trace_path);
	note_records();
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	bytes_free(&trace);
	bytes_free(&records);
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_original(void **state)
{
	(void)state;
	struct outcome outcome = read_bytes(trace.at, trace.size);
	assert_int_equal(outcome.last, VGT_READ_END);
	assert_int_equal(outcome.end, VGT_END_TAIL);
	assert_int_equal(outcome.count, digest_count);
	assert_true(outcome.same);
	assert_int_equal(outcome.bad, 0);
	assert_true(trace.size < 8192);

	/* every type that there is lies in it */
	bool seen[65536] = {false};
	for (size_t at = 0; at < records.size;) {
		struct vgt_record_header header;
		memcpy(&header, records.at + at, sizeof(header));
		seen[header.type] = true;
		at += vgt_record_span(header.size);
	}
	for (unsigned type = 0; type < 65536; type++) {
		if (strcmp(vgt_record_name((uint16_t)type), "unknown") != 0 &&
			type != VGT_RECORD_CHUNK) {
			assert_true(seen[type]);
		}
	}
}

/* Reading so far is reading a prefix of what was put. */
static void assert_honest(const struct outcome *outcome, size_t where)
{
	if (outcome->bad || !outcome->same || outcome->count > digest_count) {
		fail_msg("byte %zu: records that were not put", where);
	}
	if (outcome->last == VGT_READ_END && outcome->end == VGT_END_TAIL &&
		outcome->count != digest_count) {
		fail_msg("byte %zu: taken for whole with records missing", where);
	}
	if (outcome->last == VGT_READ_END && outcome->end != VGT_END_TAIL &&
		outcome->end != VGT_END_CUT) {
		fail_msg("byte %zu: ends with %d", where, outcome->end);
	}
	if (outcome->last == VGT_READ_ERROR &&
		(!outcome->err.message[0] || !memchr(outcome->err.message, 0, 256))) {
		fail_msg("byte %zu: an error without a message", where);
	}
}

static void test_truncated(void **state)
{
	(void)state;
	char path[80];
	snprintf(path, sizeof(path), "%s/cut.vgt", directory);
	size_t records_before = 0;
	for (size_t size = 0; size < trace.size; size++) {
		struct outcome outcome = read_bytes(trace.at, size);
		assert_honest(&outcome, size);
		if (size < first_chunk_end) {
			assert_int_equal(outcome.last, VGT_READ_ERROR);
			assert_int_equal(outcome.err.code, VGT_ERR_TRUNCATED);
			continue;
		}
		assert_int_equal(outcome.last, VGT_READ_END);
		assert_int_equal(outcome.end, VGT_END_CUT);
		assert_int_equal(outcome.whole, outcome.count);
		assert_true(outcome.count >= records_before);
		records_before = outcome.count;
		if (size % 5 == 0) {
			struct vgt_recovery recovery;
			file_write(path, trace.at, size);
			assert_true(vgt_recover(path, NULL, &recovery, NULL));
			assert_false(recovery.was_whole || recovery.damaged);
			assert_int_equal(recovery.torn, outcome.torn);
			struct outcome whole = read_path(path);
			assert_int_equal(whole.last, VGT_READ_END);
			assert_int_equal(whole.end, VGT_END_TAIL);
			assert_int_equal(whole.count, outcome.count + 1);
		}
	}
	assert_int_equal(records_before, digest_count);
}

static void test_flipped(void **state)
{
	(void)state;
	static const uint8_t masks[] = {0xff, 1, 0x80};
	size_t unnoticed = 0, errors = 0;
	for (size_t i = 0; i < trace.size * COUNT(masks); i++) {
		size_t at = i / COUNT(masks);
		trace.at[at] ^= masks[i % COUNT(masks)];
		struct outcome outcome = read_bytes(trace.at, trace.size);
		trace.at[at] ^= masks[i % COUNT(masks)];
		assert_honest(&outcome, at);
		errors += outcome.last == VGT_READ_ERROR;
		/* a good tail says that nothing was cut off, whatever a frame says of its size
		 */
		assert_false(outcome.last == VGT_READ_END && outcome.end == VGT_END_CUT);
		unnoticed += outcome.last == VGT_READ_END && outcome.end == VGT_END_TAIL;
	}
	assert_true(errors > trace.size * 2);
	/* a descriptor byte has a bit that means nothing, and the like */
	assert_true(unnoticed < trace.size / 20);
}

/* Damage in place is not recovered, into another file up to the damage. */
static void test_flipped_recover(void **state)
{
	(void)state;
	char path[80], out[80];
	snprintf(path, sizeof(path), "%s/flipped.vgt", directory);
	snprintf(out, sizeof(out), "%s/flipped-out.vgt", directory);
	for (size_t at = 0; at < trace.size; at += 7) {
		struct vgt_recovery recovery;
		struct vgt_err err;
		trace.at[at] ^= 0xff;
		struct outcome before = read_bytes(trace.at, trace.size);
		file_write(path, trace.at, trace.size);
		bool good = vgt_recover(path, NULL, &recovery, &err);
		struct bytes after = file_read(path);
		if (before.last == VGT_READ_ERROR) {
			assert_false(good);
			assert_int_equal(after.size, trace.size);
			assert_memory_equal(after.at, trace.at, trace.size);
			good = vgt_recover(path, out, &recovery, &err);
			assert_int_equal(good, before.whole > 0);
		}
		bytes_free(&after);
		trace.at[at] ^= 0xff;
		if (good && before.last == VGT_READ_ERROR) {
			struct outcome whole = read_path(out);
			assert_true(recovery.damaged);
			assert_int_equal(whole.last, VGT_READ_END);
			assert_int_equal(whole.end, VGT_END_TAIL);
			assert_int_equal(whole.count, before.whole + 1);
			assert_int_equal(unlink(out), 0);
		}
		assert_int_not_equal(access(out, F_OK), 0);
	}
}

/* Seeking and going past damage, in whatever bytes */

static struct vgt_reader *open_bytes(const void *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	struct vgt_reader *reader = vgt_reader_open_fd(fd, NULL);
	assert_non_null(reader);
	return reader;
}

/* Whether the record is that of the trace under test of its number. */
static bool is_original(const struct vgt_record *record)
{
	return record->number < digest_count && digests[record->number] == digest_of(record);
}

/* Seeks to every command and frame; what comes is right, or there is an error. Returns how
 * many seeks failed. */
static size_t seek_all_with(struct vgt_reader *reader, size_t where)
{
	struct vgt_record record;
	size_t failed = 0;
	for (uint64_t i = 0; i < command_count + 2; i++) {
		struct vgt_err err = {0};
		/* the commands backwards, then two frames */
		const bool by_command = i < command_count;
		const uint64_t frame = by_command ? VGT_SEEK_NONE : i - command_count;
		const uint64_t command = by_command ? command_count - 1 - i : VGT_SEEK_NONE;
		if (!vgt_reader_seek(reader, frame, command, &err)) {
			failed++;
			if (err.code == VGT_ERR_NONE || !err.message[0]) {
				fail_msg("byte %zu: an error without a message", where);
			}
		} else if (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD &&
			   (!is_original(&record) ||
				   (record.frame != frame && record.command != command))) {
			fail_msg("byte %zu: a wrong record", where);
		}
	}
	return failed;
}

static size_t seek_all(const void *bytes, size_t size, size_t where)
{
	struct vgt_reader *reader = open_bytes(bytes, size);
	const size_t failed = seek_all_with(reader, where);
	vgt_reader_close(reader);
	return failed;
}

static size_t tail_begin(void)
{
	struct vgt_reader *reader = open_bytes(trace.at, trace.size);
	assert_true(vgt_reader_seek(reader, 0, VGT_SEEK_NONE, NULL));
	const size_t size = (size_t)vgt_index_size(vgt_reader_chunks(reader)->count);
	vgt_reader_close(reader);
	return trace.size - size;
}

/* No byte of the tail can change unseen, and without it the seeks are right all the same. */
static void test_seek_flipped_tail(void **state)
{
	(void)state;
	static const uint8_t masks[] = {0xff, 1, 0x80};
	const size_t begin = tail_begin();
	assert_int_equal(seek_all(trace.at, trace.size, 0), 0);
	for (size_t i = begin * COUNT(masks); i < trace.size * COUNT(masks); i++) {
		const size_t at = i / COUNT(masks);
		trace.at[at] ^= masks[i % COUNT(masks)];
		struct vgt_reader *reader = open_bytes(trace.at, trace.size);
		struct vgt_record record;
		struct vgt_err err;
		if (vgt_reader_seek(reader, VGT_SEEK_NONE, 3, &err)) {
			fail_msg("byte %zu of the tail can change unseen", at);
		}
		assert_int_equal(err.code, VGT_ERR_MALFORMED);
		assert_int_equal(err.offset, begin);
		/* it has not moved */
		assert_int_equal(vgt_reader_next(reader, &record, &err), VGT_READ_RECORD);
		assert_int_equal(record.number, 0);
		assert_true(is_original(&record));
		vgt_reader_close(reader);
		trace.at[at] ^= masks[i % COUNT(masks)];
	}
	/* more behind it, twice the tail, and less of it */
	struct bytes longer = {0};
	bytes_add(&longer, trace.at, trace.size);
	bytes_add(&longer, trace.at + begin, trace.size - begin);
	assert_int_equal(seek_all(longer.at, longer.size, longer.size), command_count + 2);
	assert_int_equal(seek_all(longer.at, trace.size + 1, longer.size), command_count + 2);
	bytes_free(&longer);
	for (size_t size = begin; size < trace.size; size++) {
		assert_int_equal(seek_all(trace.at, size, size), 0);
	}
}

static void test_seek_flipped(void **state)
{
	(void)state;
	for (size_t at = 0; at < trace.size; at++) {
		trace.at[at] ^= 0xff;
		seek_all(trace.at, trace.size, at);
		/* without the tail */
		seek_all(trace.at, trace.size - 1, at);
		trace.at[at] ^= 0xff;
	}
}

/* Tails that lie with a good checksum: whatever they say, no wrong record comes. */
static void test_seek_lying_tail(void **state)
{
	(void)state;
	static const uint64_t lies[] = {0, 1, 2, 8, 100, UINT32_MAX, UINT64_MAX};
	const size_t begin = tail_begin();
	struct vgt_reader *reader = open_bytes(trace.at, trace.size);
	assert_true(vgt_reader_seek(reader, 0, VGT_SEEK_NONE, NULL));
	const struct vgt_index *good = vgt_reader_chunks(reader);
	size_t refused = 0, all = 0;
	for (size_t i = 0; i < good->count * 5 + 4; i++) {
		for (size_t k = 0; k < 2 * COUNT(lies); k++) {
			struct vgt_index index = {.totals = good->totals};
			for (size_t n = 0; n < good->count; n++) {
				assert_true(vgt_index_add(&index, &good->entries[n]));
			}
			uint64_t *fields = (uint64_t *)index.entries;
			uint64_t *field = i < good->count * 5 ? &fields[i]
							      : &index.totals.stream_size +
									(i - good->count * 5);
			*field = k < COUNT(lies) ? *field + lies[k]
						 : *field - lies[k - COUNT(lies)];
			struct bytes file = {0};
			size_t size;
			uint8_t *tail = vgt_index_encode(&index, trace_id, begin, &size);
			bytes_add(&file, trace.at, begin);
			bytes_add(&file, tail, size);
			refused += seek_all(file.at, file.size, i) > 0;
			all++;
			bytes_free(&file);
			free(tail);
			vgt_index_finish(&index);
		}
	}
	vgt_reader_close(reader);
	assert_true(refused > all / 2);

	/* a count that does not fit, and one that is too large */
	struct bytes file = {0};
	bytes_add(&file, trace.at, trace.size);
	static const uint32_t counts[] = {
		0, 1, 2, VGT_CHUNKS_MAX, VGT_CHUNKS_MAX + 1, UINT32_MAX};
	for (size_t i = 0; i < COUNT(counts); i++) {
		memcpy(file.at + file.size - VGT_INDEX_FOOTER, &counts[i], 4);
		assert_int_equal(seek_all(file.at, file.size, i), command_count + 2);
	}
	bytes_free(&file);
}

struct past {
	size_t records, gaps;
	enum vgt_read last;
	enum vgt_reader_end end;
};

/* Reads to the end and past every damage, and seeks from there. */
static struct past read_past(const void *bytes, size_t size, size_t where)
{
	struct past past = {0};
	struct vgt_reader *reader = open_bytes(bytes, size);
	struct vgt_record record;
	struct vgt_gap gap;
	struct vgt_err err;
	uint64_t number = 0, file_pos = 0;
	for (;;) {
		past.last = vgt_reader_next(reader, &record, &err);
		if (past.last == VGT_READ_RECORD) {
			if (record.number != number || !is_original(&record)) {
				fail_msg(
					"byte %zu: record %zu is wrong", where, (size_t)number);
			}
			number++;
			past.records++;
			continue;
		}
		if (!vgt_reader_resync(reader, &gap, &err)) {
			break;
		}
		if (gap.begin < file_pos || gap.end < gap.begin ||
			gap.before.records != number || gap.after.records < number ||
			gap.after.file_pos != gap.end) {
			fail_msg("byte %zu: a wrong gap", where);
		}
		file_pos = gap.end;
		number = gap.after.records;
		past.gaps++;
		assert_true(past.gaps < 100);
	}
	/* and it stays there */
	assert_int_equal(vgt_reader_next(reader, &record, &err), past.last);
	past.end = vgt_reader_end(reader);
	seek_all_with(reader, where);
	vgt_reader_close(reader);
	return past;
}

static void test_resync_flipped(void **state)
{
	(void)state;
	const size_t begin = tail_begin();
	size_t gaps = 0, most = 0;
	for (size_t at = 0; at < trace.size; at++) {
		trace.at[at] ^= 0xff;
		for (unsigned cut = 0; cut < 2; cut++) {
			const size_t size = cut ? begin : trace.size;
			struct past past = read_past(trace.at, size, at);
			gaps += past.gaps;
			/* at most one chunk is lost */
			if (past.gaps == 1 && past.last == VGT_READ_END) {
				assert_int_equal(past.end, cut ? VGT_END_CUT : VGT_END_TAIL);
				assert_true(past.records + 10 > digest_count);
				most++;
			}
		}
		trace.at[at] ^= 0xff;
	}
	/* the control: that is what happens to nearly all, but for the last chunk */
	assert_true(most > begin);
	assert_true(gaps >= most);
	struct past past = read_past(trace.at, trace.size, 0);
	assert_int_equal(past.gaps, 0);
	assert_int_equal(past.records, digest_count);
}

/* Chunks missing, doubled, swapped, with anything between. */
static void test_resync_chunks(void **state)
{
	(void)state;
	struct vgt_reader *reader = open_bytes(trace.at, trace.size);
	struct vgt_err err;
	struct vgt_gap gap;
	assert_true(vgt_reader_seek(reader, 0, VGT_SEEK_NONE, NULL));
	const struct vgt_index *index = vgt_reader_chunks(reader);
	const struct vgt_index_entry *e = index->entries;
	assert_true(index->count >= 6);
	assert_false(vgt_reader_resync(reader, &gap, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);

	struct bytes file = {0};
	const size_t from_2 = (size_t)e[2].file_pos;
	bytes_add(&file, trace.at, e[1].file_pos);
	bytes_add(&file, trace.at + from_2, tail_begin() - from_2);
	struct past past = read_past(file.at, file.size, 1);
	assert_int_equal(past.gaps, 1);
	assert_int_equal(past.records, digest_count - (e[2].first_record - e[1].first_record));
	bytes_free(&file);

	/* 0 2 1 3...: the second one comes too late */
	bytes_add(&file, trace.at, e[1].file_pos);
	bytes_add(&file, trace.at + from_2, e[3].file_pos - e[2].file_pos);
	bytes_add(&file, trace.at + e[1].file_pos, from_2 - e[1].file_pos);
	bytes_add(&file, trace.at + e[3].file_pos, tail_begin() - e[3].file_pos);
	past = read_past(file.at, file.size, 2);
	assert_int_equal(past.gaps, 2);
	assert_int_equal(past.records, digest_count - (e[2].first_record - e[1].first_record));
	bytes_free(&file);

	/* foreign bytes between, a magic among them, and a tail that no longer fits */
	bytes_add(&file, trace.at, from_2);
	bytes_add(&file, "foreign \x28\xb5\x2f\xfd\x28\xb5\x2f\xfd bytes", 22);
	bytes_add(&file, trace.at + from_2, trace.size - from_2);
	past = read_past(file.at, file.size, 3);
	assert_int_equal(past.gaps, 1);
	assert_int_equal(past.records, digest_count);
	assert_int_equal(past.last, VGT_READ_ERROR);
	bytes_free(&file);

	/* the first chunk is gone: the tail says whose trace it is, or the chunk found */
	for (unsigned cut = 0; cut < 2; cut++) {
		bytes_add(&file, trace.at, cut ? tail_begin() : trace.size);
		memset(file.at, 0, e[1].file_pos);
		past = read_past(file.at, file.size, 4);
		assert_int_equal(past.gaps, 1);
		assert_int_equal(past.records, digest_count - e[1].first_record);
		assert_int_equal(past.end, cut ? VGT_END_CUT : VGT_END_TAIL);
		bytes_free(&file);
	}
	vgt_reader_close(reader);
}

/* Behind a first chunk that is gone: without a tail nobody knows what lies where. */
static void test_resync_seek(void **state)
{
	(void)state;
	struct bytes file = {0};
	bytes_add(&file, trace.at, trace.size);
	memset(file.at, 0, first_chunk_end);
	for (unsigned cut = 0; cut < 2; cut++) {
		struct vgt_reader *reader = open_bytes(file.at, cut ? tail_begin() : file.size);
		struct vgt_record record;
		struct vgt_gap gap;
		struct vgt_err err;
		assert_int_equal(vgt_reader_next(reader, &record, &err), VGT_READ_ERROR);
		assert_true(vgt_reader_resync(reader, &gap, &err));
		const uint64_t number = gap.after.records;
		assert_int_equal(vgt_reader_next(reader, &record, &err), VGT_READ_RECORD);
		const uint64_t last = command_count - 1;
		if (cut) {
			assert_false(vgt_reader_seek(reader, VGT_SEEK_NONE, last, &err));
			assert_int_equal(err.code, VGT_ERR_MALFORMED);
			assert_int_equal(err.offset, 0);
			/* it has not moved */
			assert_int_equal(
				vgt_reader_next(reader, &record, &err), VGT_READ_RECORD);
			assert_int_equal(record.number, number + 1);
		} else {
			assert_true(vgt_reader_seek(reader, 0, VGT_SEEK_NONE, &err));
			assert_int_equal(
				vgt_reader_next(reader, &record, &err), VGT_READ_ERROR);
			assert_true(vgt_reader_seek(reader, VGT_SEEK_NONE, last, &err));
			assert_int_equal(
				vgt_reader_next(reader, &record, &err), VGT_READ_RECORD);
			assert_int_equal(record.command, last);
		}
		assert_true(is_original(&record));
		vgt_reader_close(reader);
	}
	bytes_free(&file);
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Files in which every place looks like a chunk: the search gives up, soon. */
static void test_resync_hostile(void **state)
{
	(void)state;
	const size_t size = 24u << 20;
	/* the start of a frame with one compressed block of the largest size; of one with a raw
	   block, whose content follows */
	static const uint8_t starts[][16] = {
		{0x28, 0xb5, 0x2f, 0xfd},
		{0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0, 0, 1, 0, 0xfd, 0xff, 0x0f, 0, 0, 0, 0},
		{0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 0},
		{0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0, 0, 0, 4, 0, 0, 0x10, 0, 0, 0, 0},
	};
	for (size_t i = 0; i < COUNT(starts); i++) {
		const size_t step = i ? sizeof(starts[i]) : 4;
		struct bytes file = {0};
		bytes_add(&file, trace.at, first_chunk_end);
		const size_t begin = file.size;
		file.at = realloc(file.at, begin + size);
		file.size += size;
		for (size_t at = 0; at < size; at += step) {
			memcpy(file.at + begin + at, starts[i], step);
		}
		const uint64_t since = now_ms();
		struct past past = read_past(file.at, file.size, i);
		const uint64_t ms = now_ms() - since;
		assert_int_equal(past.gaps, 0);
		if (ms > 20000) {
			fail_msg("start %zu takes %u ms", i, (unsigned)ms);
		}
		print_message("start %zu: %u ms\n", i, (unsigned)ms);
		bytes_free(&file);
	}
}

/* Building hostile files */

static void add_frame(struct bytes *file, const void *content, size_t size, int checksum)
{
	size_t capacity = ZSTD_compressBound(size);
	uint8_t *frame = malloc(capacity);
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, checksum);
	size_t length = ZSTD_compress2(cctx, frame, capacity, content, size);
	assert_false(ZSTD_isError(length));
	bytes_add(file, frame, length);
	ZSTD_freeCCtx(cctx);
	free(frame);
}

struct opening {
	struct vgt_record_header header;
	struct vgt_chunk chunk;
};

static struct opening good_opening(void)
{
	return (struct opening){
		.header = {.size = sizeof(struct opening), .type = VGT_RECORD_CHUNK},
		.chunk = {.magic = VGT_CHUNK_MAGIC,
			.major = VGT_TRACE_MAJOR,
			.minor = VGT_TRACE_MINOR,
			.trace_id = 77},
	};
}

static void add_record(struct bytes *content, uint16_t type, const void *payload, size_t size)
{
	const struct vgt_record_header header = {(uint32_t)(sizeof(header) + size), type, 0, 0};
	bytes_add(content, &header, sizeof(header));
	bytes_add(content, payload, size);
	bytes_add(content, "\0\0\0\0\0\0\0", vgt_record_span(header.size) - header.size);
}

/*
 * Frames that look like chunks, each with all that follow it for its content, and so many empty
 * blocks behind them all, which belong to each one. They have no end, or a wrong checksum.
 */
static void add_nested(struct bytes *file, uint32_t count, size_t blocks, bool has_end)
{
	struct opening opening = good_opening();
	opening.chunk.trace_id = trace_id;
	opening.chunk.sequence = 1000;
	opening.chunk.stream_pos = 1u << 20;
	opening.chunk.first_record = 3000;
	opening.chunk.first_command = opening.chunk.first_frame = 1000;
	uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0, 0, 0, 0, sizeof(opening) << 3 & 0xff,
		sizeof(opening) >> 5, 0};
	const uint32_t size = sizeof(head) + sizeof(opening), block = size << 3;
	for (uint32_t i = count; i-- > 0;) {
		const uint32_t content = sizeof(opening) + i * size;
		memcpy(head + 5, &content, sizeof(content));
		bytes_add(file, head, sizeof(head));
		bytes_add(file, &opening, sizeof(opening));
		bytes_add(file, &block, i ? 3 : 0);
	}
	uint8_t *empty = calloc(blocks, 3);
	bytes_add(file, empty, blocks * 3);
	bytes_add(file, "\1\0\0sum?", has_end ? 7 : 0);
	free(empty);
}

/* What reading and trying cost is what counts, not what comes of it. */
static void test_resync_nested(void **state)
{
	(void)state;
	for (unsigned has_end = 0; has_end < 2; has_end++) {
		struct bytes file = {0};
		bytes_add(&file, trace.at, first_chunk_end);
		add_nested(&file, 1000, 700000, has_end);
		struct vgt_reader *reader = open_bytes(file.at, file.size);
		struct vgt_record record;
		struct vgt_gap gap;
		struct vgt_err err;
		while (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
		}
		assert_int_equal(vgt_reader_whole(reader).file_pos, first_chunk_end);
		assert_false(vgt_reader_resync(reader, &gap, &err));
		assert_string_equal(
			err.message, "too much here looks like a chunk and is none");
		vgt_reader_close(reader);
		bytes_free(&file);
	}
	/* some of them before each chunk: all the searches together count */
	struct vgt_reader *reader = open_bytes(trace.at, trace.size);
	assert_true(vgt_reader_seek(reader, 0, VGT_SEEK_NONE, NULL));
	const struct vgt_index *index = vgt_reader_chunks(reader);
	struct bytes file = {0};
	for (size_t i = 0; i + 1 < index->count; i++) {
		const uint64_t begin = index->entries[i].file_pos;
		bytes_add(&file, trace.at + begin, index->entries[i + 1].file_pos - begin);
		add_nested(&file, 20, 700000, true);
	}
	struct past past = read_past(file.at, file.size, 1);
	assert_in_range(past.gaps, 1, index->count - 3);
	assert_int_equal(past.last, VGT_READ_ERROR);
	vgt_reader_close(reader);
	bytes_free(&file);
}

/* Where the first chunk is gone, the tail says whose trace it is, not a chunk that lies in it.
 */
static void test_resync_foreign(void **state)
{
	(void)state;
	struct bytes file = {0}, foreign = {0}, content = {0};
	const struct opening opening = good_opening();
	bytes_add(&content, &opening, sizeof(opening));
	add_record(&content, VGT_RECORD_MARK, "foreign", 7);
	add_frame(&foreign, content.at, content.size, 1);
	assert_true(foreign.size < first_chunk_end);
	bytes_add(&file, trace.at, trace.size);
	memset(file.at, 0, first_chunk_end);
	memcpy(file.at + 1, foreign.at, foreign.size);
	struct past past = read_past(file.at, file.size, 0);
	assert_int_equal(past.gaps, 1);
	assert_int_equal(past.end, VGT_END_TAIL);
	bytes_free(&content);
	bytes_free(&foreign);
	bytes_free(&file);
}

/* Reads a file of one chunk with this opening and these records. */
static struct outcome read_chunk(const struct opening *opening, const struct bytes *content)
{
	struct bytes file = {0}, all = {0};
	bytes_add(&all, opening, sizeof(*opening));
	bytes_add(&all, content->at, content->size);
	add_frame(&file, all.at, all.size, 1);
	struct outcome outcome = read_bytes(file.at, file.size);
	assert_int_equal(outcome.bad, 0);
	bytes_free(&file);
	bytes_free(&all);
	return outcome;
}

static struct outcome read_records(const struct bytes *content)
{
	const struct opening opening = good_opening();
	return read_chunk(&opening, content);
}

static void expect_error(const struct outcome *outcome, enum vgt_err_code code, size_t count)
{
	assert_int_equal(outcome->last, VGT_READ_ERROR);
	assert_int_equal(outcome->err.code, code);
	assert_int_equal(outcome->count, count);
	assert_int_equal(outcome->bad, 0);
}

/* Every byte of the records flipped, with checksums that say it is right so. */
static void test_hostile_records(void **state)
{
	(void)state;
	static const uint8_t masks[] = {0xff, 1, 0x80};
	size_t different = 0, refused = 0;
	struct bytes content = {0};
	bytes_add(&content, records.at, records.size);
	for (size_t i = 0; i < content.size * COUNT(masks); i++) {
		uint8_t *at = &content.at[i / COUNT(masks)];
		*at ^= masks[i % COUNT(masks)];
		struct outcome outcome = read_records(&content);
		*at ^= masks[i % COUNT(masks)];
		different += !outcome.same;
		refused += outcome.last == VGT_READ_ERROR;
	}
	/* the control: behind the checksum flips do arrive, and some break a record's shape */
	assert_true(different > content.size);
	assert_true(refused > content.size / 10);
	struct outcome outcome = read_records(&content);
	assert_true(outcome.same && outcome.count == digest_count);
	bytes_free(&content);
}

/* The same for what opens a chunk: only what means nothing may pass. */
static void test_hostile_openings(void **state)
{
	(void)state;
	struct bytes content = {0};
	add_record(&content, VGT_RECORD_MARK, "x", 1);
	for (size_t i = 0; i < sizeof(struct opening); i++) {
		struct opening opening = good_opening();
		((uint8_t *)&opening)[i] ^= 1;
		struct outcome outcome = read_chunk(&opening, &content);
		size_t in_chunk = i - offsetof(struct opening, chunk);
		bool free_to_choose =
			i >= offsetof(struct opening, chunk) &&
			((in_chunk >= offsetof(struct vgt_chunk, minor) &&
				 in_chunk < offsetof(struct vgt_chunk, reserved)) ||
				(in_chunk >= offsetof(struct vgt_chunk, trace_id) &&
					in_chunk < offsetof(struct vgt_chunk, sequence)));
		if (free_to_choose) {
			assert_int_equal(outcome.last, VGT_READ_END);
		} else {
			assert_int_equal(outcome.last, VGT_READ_ERROR);
			assert_int_equal(outcome.count, 0);
		}
	}
	bytes_free(&content);
}

static void test_versions(void **state)
{
	(void)state;
	struct bytes content = {0};
	add_record(&content, VGT_RECORD_MARK, "x", 1);
	add_record(&content, 0xfeed, "of the future", 13);
	add_record(&content, VGT_RECORD_MARK, "y", 1);
	struct opening opening = good_opening();
	opening.chunk.minor = 999;
	struct outcome outcome = read_chunk(&opening, &content);
	assert_int_equal(outcome.last, VGT_READ_END);
	assert_int_equal(outcome.end, VGT_END_CUT);
	assert_int_equal(outcome.count, 3);
	opening.chunk.major = 2;
	outcome = read_chunk(&opening, &content);
	expect_error(&outcome, VGT_ERR_VERSION, 0);
	opening.chunk.major = 0;
	outcome = read_chunk(&opening, &content);
	expect_error(&outcome, VGT_ERR_VERSION, 0);

	/* a trace of a newer minor version can be recovered and stays of that version */
	char path[80];
	snprintf(path, sizeof(path), "%s/newer.vgt", directory);
	struct bytes file = {0}, all = {0};
	opening = good_opening();
	opening.chunk.minor = 999;
	bytes_add(&all, &opening, sizeof(opening));
	bytes_add(&all, content.at, content.size);
	add_frame(&file, all.at, all.size, 1);
	file_write(path, file.at, file.size);
	struct vgt_recovery recovery;
	assert_true(vgt_recover(path, NULL, &recovery, NULL));
	outcome = read_path(path);
	assert_int_equal(outcome.last, VGT_READ_END);
	assert_int_equal(outcome.end, VGT_END_TAIL);
	assert_int_equal(outcome.count, 4);
	bytes_free(&file);
	bytes_free(&all);
	bytes_free(&content);
}

static void test_not_a_trace(void **state)
{
	(void)state;
	struct vgt_err err;
	struct outcome outcome = read_bytes("", 0);
	expect_error(&outcome, VGT_ERR_TRUNCATED, 0);
	assert_null(vgt_reader_open(directory, &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_null(vgt_reader_open("/nonexistent", &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_null(vgt_reader_open("/nonexistent", NULL));
	outcome = read_bytes("#!/bin/sh\necho no trace at all\n", 31);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);

	struct bytes file = {0};
	char text[1000];
	memset(text, 'x', sizeof(text));
	add_frame(&file, text, sizeof(text), 1);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_free(&file);
	add_frame(&file, "", 0, 1);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_free(&file);

	/* the tail alone; a tail twice; two traces in a row; a trace in the middle of another
	 */
	uint32_t magic = VGT_SKIPPABLE_INDEX;
	const uint8_t *tail = memmem(trace.at, trace.size, &magic, sizeof(magic));
	assert_non_null(tail);
	size_t tail_size = trace.size - (size_t)(tail - trace.at);
	outcome = read_bytes(tail, tail_size);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_add(&file, trace.at, trace.size);
	bytes_add(&file, tail, tail_size);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_MALFORMED, digest_count);
	bytes_free(&file);
	bytes_add(&file, trace.at, trace.size - tail_size);
	bytes_add(&file, trace.at, trace.size);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_MALFORMED, digest_count);
	bytes_free(&file);
}

/* Chunks left out, twice, or in another order. */
static void test_chunk_order(void **state)
{
	(void)state;
	struct vgt_reader *reader = vgt_reader_open(trace_path, NULL);
	struct vgt_record record;
	while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
	}
	const struct vgt_index *index = vgt_reader_chunks(reader);
	assert_true(index->count >= 5);
	for (size_t i = 0; i + 1 < index->count; i++) {
		size_t begin = (size_t)index->entries[i].file_pos;
		size_t end = (size_t)index->entries[i + 1].file_pos;
		struct bytes file = {0};
		bytes_add(&file, trace.at, begin);
		bytes_add(&file, trace.at + end, trace.size - end);
		struct outcome outcome = read_bytes(file.at, file.size);
		expect_error(&outcome, VGT_ERR_MALFORMED, index->entries[i].first_record);
		assert_true(outcome.same);
		bytes_free(&file);
		bytes_add(&file, trace.at, end);
		bytes_add(&file, trace.at + begin, trace.size - begin);
		outcome = read_bytes(file.at, file.size);
		expect_error(&outcome, VGT_ERR_MALFORMED, index->entries[i + 1].first_record);
		bytes_free(&file);
	}
	vgt_reader_close(reader);
}

/* Sets the content size that a frame with a field of four bytes claims. */
static void claim_size(struct bytes *file, uint32_t size)
{
	bool single = file->at[4] & 0x20;
	assert_int_equal(file->at[4] >> 6, 2);
	memcpy(file->at + 5 + !single, &size, sizeof(size));
}

static void test_hostile_frames(void **state)
{
	(void)state;
	struct bytes file = {0}, content = {0};
	const struct opening opening = good_opening();
	bytes_add(&content, &opening, sizeof(opening));
	add_record(&content, VGT_RECORD_MARK, "x", 1);

	add_frame(&file, content.at, content.size, 0);
	struct outcome outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_free(&file);

	/* streamed, so without content size */
	uint8_t frame[1024];
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_contentSizeFlag, 0);
	size_t size = ZSTD_compress2(cctx, frame, sizeof(frame), content.at, content.size);
	assert_false(ZSTD_isError(size));
	ZSTD_freeCCtx(cctx);
	outcome = read_bytes(frame, size);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);

	/* one record of 70 MB of zeros: 7 KB of file */
	size = 70000000;
	struct bytes large = {0};
	bytes_add(&large, &opening, sizeof(opening));
	uint8_t *zeros = calloc(1, size);
	bytes_add(&large, zeros, size);
	free(zeros);
	add_frame(&file, large.at, large.size, 1);
	bytes_free(&large);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_LIMIT, 0);
	claim_size(&file, 1u << 30);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_LIMIT, 0);
	static const uint32_t claims[] = {0, 1, 88, 89, 104, 300, 70000, 1u << 20, 60u << 20};
	for (size_t i = 0; i < COUNT(claims); i++) {
		claim_size(&file, claims[i]);
		outcome = read_bytes(file.at, file.size);
		expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	}
	bytes_free(&file);

	/* claims more than it yields */
	uint8_t filler[70000] = {0};
	bytes_add(&content, filler, sizeof(filler));
	add_frame(&file, content.at, content.size, 1);
	claim_size(&file, VGT_CHUNK_MAX);
	outcome = read_bytes(file.at, file.size);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_free(&file);

	/* a header that says eight bytes of size */
	static const uint8_t huge[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe4, 255, 255, 255, 255, 255,
		255, 255, 127, 0, 0, 0, 0, 0};
	outcome = read_bytes(huge, sizeof(huge));
	expect_error(&outcome, VGT_ERR_LIMIT, 0);
	bytes_free(&content);
}

static void test_record_sizes(void **state)
{
	(void)state;
	static const uint32_t sizes[] = {0, 1, 8, 15, 17 + 8, 1000, VGT_RECORD_MAX,
		VGT_RECORD_MAX + 1, 0x7fffffff, 0xfffffff8, 0xfffffff9, 0xffffffff};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct bytes content = {0};
		add_record(&content, VGT_RECORD_MARK, "x", 1);
		const struct vgt_record_header header = {sizes[i], VGT_RECORD_MARK, 0, 0};
		bytes_add(&content, &header, sizeof(header));
		struct outcome outcome = read_records(&content);
		expect_error(&outcome, VGT_ERR_MALFORMED, 1);
		bytes_free(&content);
	}
	/* a chunk that ends inside a header, a CHUNK in its middle, padding that says something
	 */
	struct bytes content = {0};
	add_record(&content, VGT_RECORD_MARK, "x", 1);
	bytes_add(&content, "\x10\0\0\0\0\0\0\0", 8);
	struct outcome outcome = read_records(&content);
	expect_error(&outcome, VGT_ERR_MALFORMED, 1);
	bytes_free(&content);
	const struct opening opening = good_opening();
	add_record(&content, VGT_RECORD_CHUNK, &opening.chunk, sizeof(opening.chunk));
	outcome = read_records(&content);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_free(&content);
	add_record(&content, VGT_RECORD_MARK, "x", 1);
	content.at[content.size - 1] = 1;
	outcome = read_records(&content);
	expect_error(&outcome, VGT_ERR_MALFORMED, 0);
	bytes_free(&content);
}

static bool shape_is_good(uint16_t type, const void *payload, size_t size)
{
	struct bytes content = {0};
	add_record(&content, type, payload, size);
	struct outcome outcome = read_records(&content);
	bool good = vgt_record_check(type, payload, size, NULL);
	assert_int_equal(outcome.last, good ? VGT_READ_END : VGT_READ_ERROR);
	bytes_free(&content);
	return good;
}

static void test_lying_counts(void **state)
{
	(void)state;
	struct {
		struct virtio_gpu_resource_attach_backing command;
		struct virtio_gpu_mem_entry entries[2];
	} attach = {{{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, 2}, {{0}}};
	struct {
		struct virtio_gpu_resource_create_blob command;
		struct virtio_gpu_mem_entry entries[2];
	} blob = {
		{.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB}, .nr_entries = 2}, {{0}}};
	struct {
		struct vgt_iov iov;
		uint32_t lengths[2];
	} iov = {{2, 0}, {0}};
	struct {
		struct virtio_gpu_cmd_submit command;
		uint64_t fences[1];
		uint32_t dwords[2];
	} submit = {{{.type = VIRTIO_GPU_CMD_SUBMIT_3D}, 8, 1}, {0}, {0}};
	static const uint32_t lies[] = {3, 4, 0x10000000, 0x10000002, 0x20000001, 0x40000001,
		0x7fffffff, 0x80000000, 0xffffffff};
	const uint16_t attach_type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING;
	const uint16_t blob_type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB;
	const uint16_t submit_type = VIRTIO_GPU_CMD_SUBMIT_3D;
	assert_true(shape_is_good(attach_type, &attach, sizeof(attach)));
	assert_true(shape_is_good(blob_type, &blob, sizeof(blob)));
	assert_true(shape_is_good(VGT_RECORD_IOV, &iov, sizeof(iov)));
	assert_true(shape_is_good(submit_type, &submit, sizeof(submit)));
	for (size_t i = 0; i < COUNT(lies); i++) {
		attach.command.nr_entries = blob.command.nr_entries = lies[i];
		iov.iov.count = submit.command.num_in_fences = lies[i];
		assert_false(shape_is_good(attach_type, &attach, sizeof(attach)));
		assert_false(shape_is_good(blob_type, &blob, sizeof(blob)));
		assert_false(shape_is_good(VGT_RECORD_IOV, &iov, sizeof(iov)));
		assert_false(shape_is_good(submit_type, &submit, sizeof(submit)));
		submit.command.num_in_fences = 1;
		submit.command.size = lies[i] + 7;
		assert_int_equal(shape_is_good(submit_type, &submit, sizeof(submit)),
			submit.command.size <= 8);
		submit.command.size = 8;
	}
	submit.command.num_in_fences = 2;
	assert_false(shape_is_good(submit_type, &submit, sizeof(submit)));
	submit.command.size = 0;
	assert_true(shape_is_good(submit_type, &submit, sizeof(submit)));
	submit.command.hdr.type = VIRTIO_GPU_CMD_GET_EDID;
	assert_false(shape_is_good(submit_type, &submit, sizeof(submit)));
	iov.iov = (struct vgt_iov){1, 1};
	assert_false(shape_is_good(VGT_RECORD_IOV, &iov, sizeof(iov)));

	assert_false(shape_is_good(VGT_RECORD_META, "", 0));
	assert_false(shape_is_good(VGT_RECORD_META, "a=b", 3));
	assert_true(shape_is_good(VGT_RECORD_META, "a=b", 4));
	uint8_t *mem = calloc(1, sizeof(struct vgt_mem) + VGT_MEM_MAX + 1);
	assert_true(shape_is_good(VGT_RECORD_MEM, mem, sizeof(struct vgt_mem) + VGT_MEM_MAX));
	assert_false(
		shape_is_good(VGT_RECORD_MEM, mem, sizeof(struct vgt_mem) + VGT_MEM_MAX + 1));
	free(mem);

	struct {
		struct vgt_bad_command bad;
		uint8_t bytes[VGT_BAD_MAX + 1];
	} bad = {.bad = {0}};
	const size_t structure = sizeof(bad.bad);
	const uint16_t bad_type = VGT_RECORD_BAD_COMMAND;
	assert_true(shape_is_good(bad_type, &bad, structure));
	assert_false(shape_is_good(bad_type, &bad, structure - 1));
	assert_false(shape_is_good(bad_type, &bad, structure + 1));
	bad.bad.size = 24;
	assert_true(shape_is_good(bad_type, &bad, structure + 23));
	assert_true(shape_is_good(bad_type, &bad, structure + 24));
	assert_false(shape_is_good(bad_type, &bad, structure + 25));
	bad.bad.size = UINT64_MAX;
	assert_true(shape_is_good(bad_type, &bad, structure + VGT_BAD_MAX));
	assert_false(shape_is_good(bad_type, &bad, structure + VGT_BAD_MAX + 1));
}

/* What a command's structure and counts define, before anybody knows whether it is there. */
static void test_command_sizes(void **state)
{
	(void)state;
	const struct virtio_gpu_resource_attach_backing attach = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, UINT32_MAX};
	const struct virtio_gpu_resource_create_blob blob = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, .nr_entries = 3};
	const struct virtio_gpu_cmd_submit submit = {
		{.type = VIRTIO_GPU_CMD_SUBMIT_3D}, UINT32_MAX, UINT32_MAX};
	const struct virtio_gpu_ctx_create context = {.hdr.type = VIRTIO_GPU_CMD_CTX_CREATE};
	const struct virtio_gpu_ctrl_hdr unknown = {.type = 0x150};
	assert_true(vgt_command_size(&attach.hdr) == 32 + 16 * (uint64_t)UINT32_MAX);
	assert_true(vgt_command_size(&blob.hdr) == 56 + 16 * 3);
	assert_true(vgt_command_size(&submit.hdr) == 32 + 9 * (uint64_t)UINT32_MAX);
	assert_true(vgt_command_size(&context.hdr) == sizeof(context));
	assert_true(vgt_command_size(&unknown) == sizeof(unknown));
	assert_int_equal(vgt_record_structure_size(0x150), sizeof(unknown));
	assert_int_equal(vgt_record_structure_size(VGT_RECORD_META), 0);
	assert_int_equal(vgt_record_structure_size(VGT_RECORD_IOV), sizeof(struct vgt_iov));
	assert_int_equal(vgt_record_structure_size(VGT_RECORD_BAD_COMMAND),
		sizeof(struct vgt_bad_command));
	assert_int_equal(vgt_record_structure_size(0xf00f), 0);
}

/* Any type with any few bytes: refused or harmless. */
static void test_all_types(void **state)
{
	(void)state;
	static const uint32_t zeros[32];
	for (unsigned type = 0; type < 65536; type++) {
		for (size_t size = 0; size <= sizeof(zeros); size += 8) {
			struct vgt_err err = {0};
			bool good = vgt_record_check((uint16_t)type, zeros, size, &err);
			if (good == (err.code != VGT_ERR_NONE)) {
				fail_msg("type %u, %zu bytes", type, size);
			}
			if (good && type < 0x8000 &&
				size < sizeof(struct virtio_gpu_ctrl_hdr)) {
				fail_msg("command %u without a header", type);
			}
		}
	}
}

static void test_pipe(void **state)
{
	(void)state;
	for (unsigned cut = 0; cut < 2; cut++) {
		int ends[2];
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		size_t size = cut ? trace.size - 300 : trace.size; /* a pipe holds 64 KiB */
		assert_int_equal(write(ends[1], trace.at, size), size);
		close(ends[1]);
		struct outcome outcome = read_fd(ends[0]);
		assert_honest(&outcome, size);
		assert_int_equal(outcome.last, VGT_READ_END);
		assert_int_equal(outcome.end, cut ? VGT_END_CUT : VGT_END_TAIL);
	}
}

/* Rings */

static char dead_path[64]; /* a recording that was killed, */
static char ring_path[VGT_RING_PATH_MAX];
static struct bytes ring;
static uint64_t ring_from; /* stream position where its file ends */

/* Records half a trace, and three records that only the ring has; false where the writer's
 * thread was faster. */
static bool record_dead_trace(void)
{
	pid_t child = fork();
	if (child == 0) {
		const struct vgt_writer_options options = {
			.path = dead_path, .ring_size = 1, .ring_directory = directory};
		struct put_state put = {.writer = vgt_writer_create(&options, NULL)};
		if (!put.writer) {
			_exit(1);
		}
		put_first_half(&put);
		vgt_writer_flush(put.writer);
		/* the thread waits 100 ms for more before it writes */
		for (unsigned i = 0; i < 3; i++) {
			const struct iovec part = {"in the ring", 11};
			vgt_writer_put(put.writer, VGT_RECORD_MARK, 0, &part, 1);
		}
		kill(getpid(), SIGKILL);
	}
	int status;
	waitpid(child, &status, 0);
	struct vgt_reader *reader = vgt_reader_open(dead_path, NULL);
	struct vgt_record record;
	if (!reader) {
		return false;
	}
	while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
	}
	struct vgt_position whole = vgt_reader_whole(reader);
	snprintf(ring_path, sizeof(ring_path), "%s", vgt_reader_ring_path(reader));
	ring_from = whole.stream_pos;
	bool good = vgt_reader_passed(reader).records == whole.records + 3;
	vgt_reader_close(reader);
	return good;
}

static int ring_setup(void **state)
{
	(void)state;
	snprintf(dead_path, sizeof(dead_path), "%s/dead.vgt", directory);
	for (unsigned tries = 0; !record_dead_trace(); tries++) {
		if (tries == 50 || unlink(dead_path) || unlink(ring_path)) {
			return -1;
		}
	}
	ring = file_read(ring_path);
	return 0;
}

static int ring_teardown(void **state)
{
	(void)state;
	bytes_free(&ring);
	return unlink(dead_path) || unlink(ring_path);
}

static struct vgt_ring_header *ring_header(struct bytes *bytes)
{
	return (struct vgt_ring_header *)bytes->at;
}

/* Reads and recovers the dead trace with its ring as it stands. */
static struct outcome read_with_ring(void)
{
	static char out[80];
	snprintf(out, sizeof(out), "%s/dead-out.vgt", directory);
	struct outcome outcome = read_path(dead_path);
	assert_int_equal(outcome.bad, 0);
	assert_true(outcome.count >= outcome.whole);
	struct vgt_recovery recovery;
	struct vgt_err err;
	if (vgt_recover(dead_path, out, &recovery, &err)) {
		struct outcome whole = read_path(out);
		assert_int_equal(whole.last, VGT_READ_END);
		assert_int_equal(whole.end, VGT_END_TAIL);
		assert_int_equal(whole.count, outcome.count + 1);
		assert_int_equal(whole.count, recovery.records);
		assert_int_equal(unlink(out), 0);
	}
	assert_int_not_equal(access(out, F_OK), 0);
	return outcome;
}

/* The ring is not believed: the trace is cut where its file ends. */
static void expect_cut(const char *what)
{
	struct outcome outcome = read_with_ring();
	if (outcome.last != VGT_READ_END || outcome.end != VGT_END_CUT ||
		outcome.count != outcome.whole) {
		fail_msg("%s: not refused", what);
	}
}

static void expect_cut_with(struct vgt_ring_header header, const char *what)
{
	struct bytes changed = {0};
	bytes_add(&changed, ring.at, ring.size);
	memcpy(changed.at, &header, sizeof(header));
	file_write(ring_path, changed.at, changed.size);
	expect_cut(what);
	bytes_free(&changed);
}

static void test_ring_headers(void **state)
{
	(void)state;
	struct outcome outcome = read_with_ring();
	assert_int_equal(outcome.end, VGT_END_RING);
	assert_int_equal(outcome.count, outcome.whole + 3);

	const struct vgt_ring_header good = *ring_header(&ring);
	struct vgt_ring_header bad = good;
	bad.magic[7]++;
	expect_cut_with(bad, "wrong magic");
	bad = good;
	bad.trace_id++;
	expect_cut_with(bad, "wrong id");
	bad = good;
	bad.head = bad.tail + bad.size + 8;
	expect_cut_with(bad, "head too far");
	bad = good;
	bad.head = UINT64_MAX;
	expect_cut_with(bad, "head at the end of the world");
	bad = good;
	bad.tail = ring_from + 8;
	expect_cut_with(bad, "tail behind what the file has");
	bad = good;
	bad.tail = UINT64_MAX;
	expect_cut_with(bad, "tail at the end of the world");
	static const uint64_t sizes[] = {0, 4096, VGT_RING_MIN - 1, VGT_RING_MIN + 1,
		VGT_RING_MIN * 2, VGT_RING_MAX, (uint64_t)VGT_RING_MAX * 2, UINT64_MAX,
		UINT64_C(1) << 63};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		bad = good;
		bad.size = sizes[i];
		expect_cut_with(bad, "illegal size");
	}
	file_write(ring_path, ring.at, ring.size);
}

/* With head before tail or before the file's end the ring has nothing more. */
static void test_ring_without_news(void **state)
{
	(void)state;
	const uint64_t heads[] = {0, 8, ring_from, ring_from - 8};
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct vgt_ring_header header = *ring_header(&ring);
		header.head = heads[i];
		file_write(ring_path, ring.at, ring.size);
		int fd = open(ring_path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
		close(fd);
		struct outcome outcome = read_with_ring();
		assert_int_equal(outcome.last, VGT_READ_END);
		assert_int_equal(outcome.count, outcome.whole);
	}
	file_write(ring_path, ring.at, ring.size);
}

static void test_ring_files(void **state)
{
	(void)state;
	char aside[VGT_RING_PATH_MAX + 8];
	snprintf(aside, sizeof(aside), "%s.aside", ring_path);
	static const size_t sizes[] = {0, 1, 8, 87, 88, 4095, 4096, 4097, 65536};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		file_write(ring_path, ring.at, sizes[i]);
		expect_cut("short file");
		if (sizes[i] < VGT_RING_HEADER) {
			assert_null(vgt_ring_watch(ring_path));
		}
	}
	file_write(ring_path, ring.at, ring.size);
	assert_int_equal(rename(ring_path, aside), 0);
	expect_cut("no file");
	assert_int_equal(symlink(aside, ring_path), 0);
	expect_cut("symbolic link");
	assert_null(vgt_ring_watch(ring_path));
	assert_int_equal(unlink(ring_path), 0);
	assert_int_equal(mkfifo(ring_path, 0600), 0);
	expect_cut("FIFO");
	assert_null(vgt_ring_watch(ring_path));
	assert_int_equal(unlink(ring_path), 0);
	assert_int_equal(mkdir(ring_path, 0700), 0);
	expect_cut("directory");
	assert_null(vgt_ring_watch(ring_path));
	assert_int_equal(rmdir(ring_path), 0);
	assert_int_equal(symlink("/dev/zero", ring_path), 0);
	expect_cut("device");
	assert_int_equal(unlink(ring_path), 0);
	assert_int_equal(rename(aside, ring_path), 0);
	assert_int_equal(read_with_ring().end, VGT_END_RING);
}

static void test_ring_flipped(void **state)
{
	(void)state;
	static const uint8_t masks[] = {0xff, 1, 0x80};
	uint64_t data = VGT_RING_HEADER + ring_from % ring_header(&ring)->size;
	size_t cut = 0, rest = 0;
	for (size_t i = 0; i < (RING_HEADER + 100) * COUNT(masks); i++) {
		size_t at = i / COUNT(masks);
		at = at < RING_HEADER ? at : (size_t)data + at - RING_HEADER;
		uint8_t byte = ring.at[at] ^ masks[i % COUNT(masks)];
		int fd = open(ring_path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		struct outcome outcome = read_with_ring();
		assert_int_equal(pwrite(fd, &ring.at[at], 1, (off_t)at), 1);
		close(fd);
		cut += outcome.end == VGT_END_CUT;
		rest += outcome.end == VGT_END_RING;
	}
	assert_true(cut > 32 * COUNT(masks) && rest > 32 * COUNT(masks));
	/* a claim looks at the same things */
	struct vgt_err err;
	int fd = vgt_ring_claim(ring_path, ring_header(&ring)->trace_id, &err);
	assert_true(fd >= 0);
	assert_int_equal(vgt_ring_claim(ring_path, ring_header(&ring)->trace_id, &err), -1);
	assert_int_equal(err.code, VGT_ERR_BUSY);
	assert_int_equal(vgt_ring_claim(ring_path, 0, &err), -1);
	assert_int_equal(err.code, VGT_ERR_MALFORMED);
	close(fd);
}

/* The last one: what all of this has taken. Sanitizers have needs of their own. */
static void test_memory(void **state)
{
	(void)state;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rusage usage;
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	assert_true(usage.ru_maxrss < MEMORY_LIMIT_KB);
#endif
}

/* What fuzzing begins with: the trace, its records, and both halves for fuzz_recover. */
static int write_seeds(const char *to)
{
	char path[4096];
	struct bytes half = {0};
	size_t middle = 0;
	while (middle < records.size / 2) {
		struct vgt_record_header header;
		memcpy(&header, records.at + middle, sizeof(header));
		middle += vgt_record_span(header.size);
	}
	const uint8_t head[] = {3, (uint8_t)middle, (uint8_t)(middle >> 8)};
	const uint64_t positions[] = {records.size - middle, 0};
	bytes_add(&half, head, sizeof(head));
	bytes_add(&half, records.at, middle);
	bytes_add(&half, positions, sizeof(positions));
	bytes_add(&half, records.at + middle, records.size - middle);
	snprintf(path, sizeof(path), "%s/test.vgt", to);
	file_write(path, trace.at, trace.size);
	snprintf(path, sizeof(path), "%s/test.records", to);
	file_write(path, records.at, records.size);
	snprintf(path, sizeof(path), "%s/test.recover", to);
	file_write(path, half.at, half.size);
	bytes_free(&half);
	return 0;
}

/* `test_corrupt --seeds DIRECTORY` writes seeds for tests/fuzz instead. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_original),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_flipped_recover),
		cmocka_unit_test(test_seek_flipped_tail),
		cmocka_unit_test(test_seek_flipped),
		cmocka_unit_test(test_seek_lying_tail),
		cmocka_unit_test(test_resync_flipped),
		cmocka_unit_test(test_resync_chunks),
		cmocka_unit_test(test_resync_seek),
		cmocka_unit_test(test_resync_hostile),
		cmocka_unit_test(test_resync_nested),
		cmocka_unit_test(test_resync_foreign),
		cmocka_unit_test(test_hostile_records),
		cmocka_unit_test(test_hostile_openings),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_not_a_trace),
		cmocka_unit_test(test_chunk_order),
		cmocka_unit_test(test_hostile_frames),
		cmocka_unit_test(test_record_sizes),
		cmocka_unit_test(test_lying_counts),
		cmocka_unit_test(test_command_sizes),
		cmocka_unit_test(test_all_types),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test_setup_teardown(test_ring_headers, ring_setup, ring_teardown),
		cmocka_unit_test_setup_teardown(
			test_ring_without_news, ring_setup, ring_teardown),
		cmocka_unit_test_setup_teardown(test_ring_files, ring_setup, ring_teardown),
		cmocka_unit_test_setup_teardown(test_ring_flipped, ring_setup, ring_teardown),
		cmocka_unit_test(test_memory),
	};
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
		return group_setup(NULL) || write_seeds(argv[2]) || group_teardown(NULL);
	}
	return cmocka_run_group_tests_name("corrupt", tests, group_setup, group_teardown);
}
