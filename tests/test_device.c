/* SPDX-License-Identifier: MIT */
#include "capture_facts.h"
#include "vgt_device.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"
#include "vgt_validate.h"
#include "virgl_cmd.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define PRESENTABLE (VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SCANOUT)
#define FORMAT_BGRA 1u

#define RESP_ERR_INVALID_SCANOUT_ID  0x1202
#define RESP_ERR_INVALID_RESOURCE_ID 0x1203

static char directory[] = "/tmp/vgt-test-device-XXXXXX";
static char trace_path[64], other_path[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int group_setup(void **state)
{
	(void)state;
	alarm(300); /* whatever hangs shall fail */
	unsetenv("VGT_CAPTURE_FILE");
	if (!mkdtemp(directory) || chdir(directory) != 0) {
		return -1;
	}
	snprintf(trace_path, sizeof(trace_path), "%s/x.vgt", directory);
	snprintf(other_path, sizeof(other_path), "%s/y.vgt", directory);
	return 0;
}

/* Each test has an empty directory. */
static int teardown(void **state)
{
	(void)state;
	unsetenv("VGT_CAPTURE_FILE");
	return chdir("/") != 0 || nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 ||
	       mkdir(directory, 0700) != 0 || chdir(directory) != 0;
}

static int group_teardown(void **state)
{
	(void)state;
	return chdir("/") != 0 || rmdir(directory) != 0;
}

static unsigned files_in_directory(const char *suffix)
{
	char command[256];
	snprintf(command, sizeof(command), "ls %s | grep -c -- '%s$'", directory, suffix);
	FILE *pipe = popen(command, "r");
	unsigned count = 0;
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &count), 1);
	pclose(pipe);
	return count;
}

/* Reading back */

/* A trace, without the META and CAPSET records. */
static struct seen {
	uint16_t type;
	uint32_t size;
	uint8_t *payload;
	uint64_t command;
} seen[1024];
static size_t seen_count;
static uint64_t seen_commands, seen_frames;
static struct {
	uint32_t id, version, size;
	uint8_t bytes[512];
} capsets[4];
static size_t capset_count;
static char facts[65536]; /* the strings of all META records, ended by an empty one */
static size_t facts_size;
static unsigned violations;
static char violated[512];

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	(void)opaque;
	if (strncmp(violation->message, "BAD_COMMAND: ", 13) == 0) {
		/* what a guest sends, and not what the recorder does with it */
		return;
	}
	violations++;
	snprintf(violated, sizeof(violated), "@%" PRIu64 ": %s", violation->command,
		violation->message);
}

static void forget(void)
{
	for (size_t i = 0; i < seen_count; i++) {
		free(seen[i].payload);
	}
	seen_count = capset_count = facts_size = 0;
	seen_commands = seen_frames = 0;
	violations = 0;
	violated[0] = '\0';
}

static void keep_record(const struct vgt_record *record)
{
	if (record->type == VGT_RECORD_META) {
		assert_true(facts_size + record->size < sizeof(facts));
		memcpy(facts + facts_size, record->payload, record->size);
		facts_size += record->size;
	} else if (record->type == VGT_RECORD_CAPSET) {
		assert_true(capset_count < COUNT(capsets));
		assert_true(record->size <= 8 + sizeof(capsets[0].bytes));
		memcpy(&capsets[capset_count].id, record->payload, 8);
		capsets[capset_count].size = record->size - 8;
		memcpy(capsets[capset_count++].bytes, (const uint8_t *)record->payload + 8,
			record->size - 8);
	} else {
		assert_true(seen_count < COUNT(seen));
		uint8_t *payload = malloc(record->size + 1);
		assert_non_null(payload);
		memcpy(payload, record->payload, record->size);
		seen[seen_count++] =
			(struct seen){record->type, record->size, payload, record->command};
		seen_commands += vgt_record_is_command(record->type);
		seen_frames += record->type == VGT_RECORD_FRAME;
	}
}

/* The value of a fact, the last one; NULL where it is none. */
static const char *fact(const char *key)
{
	const char *at = facts, *text, *value = NULL;
	while ((text = vgt_meta_next(&at, facts + facts_size))) {
		const char *this = vgt_meta_value(text, key);
		value = this ? this : value;
	}
	return value;
}

/* Reads a trace that must end so, removes it, and tells what breaks rules in it. */
static void read_ended(const char *path, enum vgt_reader_end end)
{
	struct vgt_reader *reader = vgt_reader_open(path, NULL);
	struct vgt_validator *validator = vgt_validator_create(on_violation, NULL);
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	assert_non_null(reader);
	assert_non_null(validator);
	forget();
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		vgt_validator_feed(validator, &record);
		keep_record(&record);
	}
	vgt_validator_end(validator);
	vgt_validator_destroy(validator);
	if (next != VGT_READ_END) {
		fail_msg("%s", err.message);
	}
	assert_int_equal(vgt_reader_end(reader), end);
	vgt_reader_close(reader);
	assert_int_equal(unlink(path), 0);
	/* nothing stays of the ring */
	const char *ring = fact("ring.path");
	assert_non_null(ring);
	assert_true(!*ring || access(ring, F_OK) != 0);
}

/* The same of a whole trace in which every rule is kept. */
static void read_back(const char *path)
{
	read_ended(path, VGT_END_TAIL);
	if (violations) {
		fail_msg("%u violations, the last: %s", violations, violated);
	}
}

static void assert_types(const uint16_t *types, size_t count)
{
	for (size_t i = 0; i < seen_count && i < count; i++) {
		if (seen[i].type != types[i]) {
			fail_msg("record %zu is 0x%x, not 0x%x", i, seen[i].type, types[i]);
		}
	}
	assert_int_equal(seen_count, count);
}

#define ASSERT_TYPES(...) \
	assert_types((const uint16_t[]){__VA_ARGS__}, COUNT(((const uint16_t[]){__VA_ARGS__})))

static void assert_record(size_t index, uint16_t type, const void *payload, size_t size)
{
	assert_true(index < seen_count);
	assert_int_equal(seen[index].type, type);
	assert_int_equal(seen[index].size, size);
	assert_memory_equal(seen[index].payload, payload, size);
}

static void assert_response(
	size_t index, uint64_t command, int32_t result, enum vgt_response_class class)
{
	const struct vgt_response expected = {
		.command = command, .result = result, .class = class};
	assert_record(index, VGT_RECORD_RESPONSE, &expected, sizeof(expected));
}

static void assert_bad(size_t index, const void *bytes, uint64_t size)
{
	const size_t kept = size < VGT_BAD_MAX ? size : VGT_BAD_MAX;
	assert_true(index < seen_count);
	assert_int_equal(seen[index].type, VGT_RECORD_BAD_COMMAND);
	assert_int_equal(seen[index].size, sizeof(struct vgt_bad_command) + kept);
	assert_memory_equal(seen[index].payload, &size, sizeof(size));
	assert_memory_equal(seen[index].payload + sizeof(size), bytes, kept);
}

/* The device, as a VMM drives it */

static unsigned warnings;
static char warning[512];

__attribute__((format(printf, 1, 2))) static void on_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(warning, sizeof(warning), format, args);
	va_end(args);
	warnings++;
}

static void fake_get_cap_set(uint32_t set, uint32_t *max_ver, uint32_t *max_size)
{
	*max_ver = set;
	*max_size = set == 1 ? 308 : 100;
}

static void fake_fill_caps(uint32_t set, uint32_t version, void *caps)
{
	memset(caps, (int)(16 * set + version), set == 1 ? 308 : 100);
}

static struct vgt_device *new_device(void)
{
	const struct vgt_device_options options = {
		.vmm = "QEMU 9.9",
		.get_cap_set = fake_get_cap_set,
		.fill_caps = fake_fill_caps,
		.warn = on_warn,
	};
	struct vgt_device *device = vgt_device_create(&options);
	assert_non_null(device);
	return device;
}

static void set_good(struct vgt_device *device, const char *property, const char *value)
{
	struct vgt_err err;
	if (!vgt_device_set(device, property, value, &err)) {
		fail_msg("%s", err.message);
	}
}

static void set_bad(struct vgt_device *device, const char *property, const char *value,
	enum vgt_err_code code, const char *message)
{
	struct vgt_err err = {0};
	assert_false(vgt_device_set(device, property, value, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, message)) {
		fail_msg("no '%s' in '%s'", message, err.message);
	}
	assert_false(vgt_device_set(device, property, value, NULL));
}

static void assert_property(
	const struct vgt_device *device, const char *property, const char *expected)
{
	char value[256];
	memset(value, 'x', sizeof(value));
	vgt_device_get(device, property, value, sizeof(value));
	assert_string_equal(value, expected);
}

/* One that is ready, as its user asked for with the property `capture`. */
static struct vgt_device *start(const char *name)
{
	struct vgt_device *device = new_device();
	struct vgt_err err;
	set_good(device, "capture", name);
	if (!vgt_device_ready(device, &err)) {
		fail_msg("%s", err.message);
	}
	return device;
}

static void finish(struct vgt_device *device)
{
	vgt_device_destroy(device);
	read_back(trace_path);
}

/*
 * A descriptor chain of pieces of every size, none and one byte among them, each as large as it
 * is for a sanitizer to see who reads behind it, and gone when the command has begun.
 */
static void give(struct vgt_device *device, const void *bytes, size_t size)
{
	static const size_t sizes[] = {0, 1, 7, 0, 0, 16, 1, 3, 64, 1000};
	struct iovec iov[300];
	size_t count = 0, done = 0;
	while (done < size) {
		size_t part = sizes[count % COUNT(sizes)];
		part = part < size - done && count < COUNT(iov) - 2 ? part : size - done;
		iov[count].iov_base = malloc(part ? part : 1);
		iov[count].iov_len = part;
		assert_non_null(iov[count].iov_base);
		memcpy(iov[count++].iov_base, (const uint8_t *)bytes + done, part);
		done += part;
	}
	iov[count++] = (struct iovec){NULL, 0};
	vgt_device_command(device, iov, count);
	for (size_t i = 0; i < count; i++) {
		free(iov[i].iov_base);
	}
}

static void give_done(
	struct vgt_device *device, const void *bytes, size_t size, int result, uint32_t error)
{
	give(device, bytes, size);
	vgt_device_done(device, result, error);
}

#define GIVE(device, command, result, error) \
	give_done(device, &(command), sizeof(command), result, error)

static void give_plain(struct vgt_device *device, uint32_t type)
{
	const struct virtio_gpu_ctrl_hdr hdr = {.type = type};
	GIVE(device, hdr, 0, 0);
}

static void create_context(struct vgt_device *device)
{
	const struct virtio_gpu_ctx_create create = {
		{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = 1}, .nlen = 4,
		.debug_name = "test"};
	GIVE(device, create, 0, 0);
}

static struct virtio_gpu_resource_create_3d texture(uint32_t id)
{
	return (struct virtio_gpu_resource_create_3d){
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, PIPE_TEXTURE_2D, FORMAT_BGRA,
		PRESENTABLE, 16, 16, 1, 1, 0, 0, 0, 0};
}

static struct virtio_gpu_transfer_host_3d transfer(uint32_t type)
{
	return (struct virtio_gpu_transfer_host_3d){
		.hdr = {.type = type}, .box = {0, 0, 0, 16, 16, 1}, .resource_id = 1};
}

static uint8_t guest[4096];
/* what backs resource 1: 1024 bytes of it */
static const struct iovec backing[] = {{guest + 3000, 24}, {guest, 600}, {guest + 1000, 400}};

static void fill_guest(uint8_t *joined)
{
	for (size_t i = 0; i < sizeof(guest); i++) {
		guest[i] = (uint8_t)(i * 7 + (i >> 8) * 3);
	}
	for (size_t i = 0; i < COUNT(backing); i++) {
		memcpy(joined, backing[i].iov_base, backing[i].iov_len);
		joined += backing[i].iov_len;
	}
}

static const struct {
	struct virtio_gpu_resource_attach_backing command;
	struct virtio_gpu_mem_entry entries[COUNT(backing)];
	char more[5]; /* that nobody counts */
} attach = {{{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, COUNT(backing)},
	{{0x1000, 24, 0}, {0x2000, 600, 0}, {0x3000, 400, 0}}, "more"};
#define ATTACH_SIZE (sizeof(attach.command) + sizeof(attach.entries))

static const struct clear_submit {
	struct virtio_gpu_cmd_submit command;
	uint32_t dwords[10]; /* the last is a NOP */
} submit = {{{.type = VIRTIO_GPU_CMD_SUBMIT_3D,
		     .flags = VIRTIO_GPU_FLAG_FENCE,
		     .fence_id = 77,
		     .ctx_id = 1},
		    40, 0x55555555},
	{VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8), 4, 0, 0, 0, 0, 0, 0, 0}};

/* What a guest does that shows a picture. */
static void work(struct vgt_device *device)
{
	const struct virtio_gpu_ctx_resource attach_resource = {
		{.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, .ctx_id = 1}, 1, 0};
	const struct virtio_gpu_resource_create_3d create = texture(1);
	create_context(device);
	GIVE(device, create, 0, 0);
	give(device, &attach, sizeof(attach));
	vgt_device_backing(device, 1, backing, COUNT(backing));
	vgt_device_done(device, 0, 0);
	GIVE(device, attach_resource, 0, 0);
	const struct virtio_gpu_transfer_host_3d upload =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	GIVE(device, upload, 0, 0);
}

#define WORK_TYPES \
	VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, \
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, \
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, VGT_RECORD_MEM, \
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, VGT_RECORD_RESPONSE
#define WORK_COUNT COUNT(((const uint16_t[]){WORK_TYPES}))

static void assert_mem(size_t index, const void *bytes, size_t size)
{
	const struct vgt_mem mem = {1, 0, 0};
	assert_true(index < seen_count);
	assert_int_equal(seen[index].type, VGT_RECORD_MEM);
	assert_int_equal(seen[index].size, sizeof(mem) + size);
	assert_memory_equal(seen[index].payload, &mem, sizeof(mem));
	assert_memory_equal(seen[index].payload + sizeof(mem), bytes, size);
}

static void test_facts(void **state)
{
	(void)state;
	/* the renderer starts before the recording, within it, or never */
	for (unsigned when = 0; when < 3; when++) {
		struct vgt_device *device = new_device();
		if (when == 0) {
			vgt_device_initialised(device, 0x9, 3);
		}
		set_good(device, "capture", trace_path);
		assert_true(vgt_device_ready(device, NULL));
		if (when == 1) {
			vgt_device_initialised(device, 0x9, 3);
		}
		finish(device);
		assert_string_equal(fact("producer"), "QEMU 9.9 with vgt-capture " VGT_VERSION);
		assert_string_equal(fact("program"), "test_device");
		assert_non_null(fact("system"));
		assert_non_null(fact("time"));
		assert_non_null(fact("virglrenderer.library"));
		assert_string_equal(fact("end.reason"), "finished");
		if (when == 2) {
			assert_null(fact("init.flags"));
			assert_int_equal(capset_count, 0);
			assert_int_equal(seen_count, 0);
			continue;
		}
		assert_string_equal(fact("init.flags"), "0x9");
		assert_string_equal(fact("init.callbacks"), "3");
		const struct vgt_reset cleanup = {.kind = VGT_RESET_CLEANUP};
		assert_int_equal(seen_count, 1);
		assert_record(0, VGT_RECORD_RESET, &cleanup, sizeof(cleanup));
		assert_int_equal(capset_count, 2);
		for (uint32_t i = 0; i < 2; i++) {
			uint8_t bytes[308];
			fake_fill_caps(i + 1, i + 1, bytes);
			assert_int_equal(capsets[i].id, i + 1);
			assert_int_equal(capsets[i].version, i + 1);
			assert_int_equal(capsets[i].size, i ? 100 : 308);
			assert_memory_equal(capsets[i].bytes, bytes, capsets[i].size);
		}
	}
}

static void test_memory_and_submit(void **state)
{
	(void)state;
	uint8_t joined[1024];
	fill_guest(joined);
	struct vgt_device *device = start(trace_path);
	vgt_device_reset(device);
	work(device);
	GIVE(device, submit, 0, 0);
	/* the same with more than the structures count */
	struct {
		struct clear_submit submit;
		uint8_t more[5000];
	} longer = {.submit = submit};
	GIVE(device, longer, 22, 0);
	/* the renderer's answer counts, not what the device makes of it */
	GIVE(device, submit, 22, 0x1205);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	ASSERT_TYPES(VGT_RECORD_RESET, WORK_TYPES, VIRTIO_GPU_CMD_SUBMIT_3D,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_RESPONSE,
		VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_RESPONSE);
	assert_int_equal(violations, 2); /* the failures */
	assert_record(5, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, &attach, ATTACH_SIZE);
	assert_mem(8, joined, sizeof(joined));
	struct clear_submit expected = submit;
	expected.command.num_in_fences = 0;
	for (size_t i = 0; i < 3; i++) {
		const size_t at = 1 + WORK_COUNT + 2 * i;
		assert_record(at, VIRTIO_GPU_CMD_SUBMIT_3D, &expected, sizeof(expected));
		assert_response(at + 1, 5 + i, i ? 22 : 0, VGT_RESPONSE_EXACT);
	}
}

/* Commands that have no result leave none; those that have, theirs; capsets a digest. */
static void test_responses(void **state)
{
	(void)state;
	const struct virtio_gpu_get_capset capset = {
		{.type = VIRTIO_GPU_CMD_GET_CAPSET}, VIRTIO_GPU_CAPSET_VIRGL2, 2};
	const struct virtio_gpu_get_capset_info info = {
		{.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO}, 1, 0};
	const struct virtio_gpu_update_cursor cursor = {
		{.type = VIRTIO_GPU_CMD_UPDATE_CURSOR}, {0, 5, 6, 0}, 0, 1, 2, 0};
	const struct virtio_gpu_update_cursor move = {
		{.type = VIRTIO_GPU_CMD_MOVE_CURSOR}, {0, 7, 8, 0}, 0, 0, 0, 0};
	const struct virtio_gpu_resource_create_2d flat = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 2, FORMAT_BGRA, 16, 16};
	struct vgt_device *device = start(trace_path);
	vgt_device_answer(device, "early", 5); /* nothing is asked */
	vgt_device_done(device, 1, 1);
	give_plain(device, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	GIVE(device, info, 0, 0);
	give(device, &capset, sizeof(capset));
	vgt_device_answer(device, "a capset", 8);
	vgt_device_done(device, 0, 0);
	vgt_device_done(device, 0, 0x1200); /* that was it already */
	const struct iovec cursor_iov = {(void *)&cursor, sizeof(cursor)};
	const struct iovec move_iov = {(void *)&move, sizeof(move)};
	const struct iovec flat_iov = {(void *)&flat, sizeof(flat)};
	vgt_device_cursor(device, &cursor_iov, 1);
	/* between the two calls for a command of the other queue */
	give(device, &flat, sizeof(flat));
	vgt_device_cursor(device, &move_iov, 1);
	vgt_device_cursor(device, &flat_iov, 1); /* none there */
	vgt_device_done(device, 0, 0);
	GIVE(device, info, 0, 0x1205);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	ASSERT_TYPES(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, VIRTIO_GPU_CMD_GET_CAPSET_INFO,
		VIRTIO_GPU_CMD_GET_CAPSET, VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_UPDATE_CURSOR,
		VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, VIRTIO_GPU_CMD_MOVE_CURSOR,
		VGT_RECORD_BAD_COMMAND, VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_GET_CAPSET_INFO,
		VGT_RECORD_RESPONSE);
	assert_int_equal(violations, 1);
	const struct vgt_response answer = {.command = 2,
		.class = VGT_RESPONSE_RENDERER,
		.digest = XXH64("a capset", 8, 0),
		.size = 8};
	assert_record(3, VGT_RECORD_RESPONSE, &answer, sizeof(answer));
	assert_record(4, VIRTIO_GPU_CMD_UPDATE_CURSOR, &cursor, sizeof(cursor));
	assert_record(6, VIRTIO_GPU_CMD_MOVE_CURSOR, &move, sizeof(move));
	assert_response(8, 4, 0, VGT_RESPONSE_EXACT);
	assert_response(10, 6, 0x1205, VGT_RESPONSE_REFUSED);
}

static void test_readback(void **state)
{
	(void)state;
	uint8_t joined[1024];
	struct vgt_device *device = start(trace_path);
	fill_guest(joined);
	work(device);
	const struct virtio_gpu_transfer_host_3d readback =
		transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
	GIVE(device, readback, 22, 0);
	give(device, &readback, sizeof(readback));
	memset(guest, 0x5a, sizeof(guest));
	memset(joined, 0x5a, sizeof(joined));
	vgt_device_done(device, 0, 0);
	/* not of the next command, which is none of these */
	GIVE(device, submit, 0, 0);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	ASSERT_TYPES(WORK_TYPES, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, VGT_RECORD_FRAME,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, VGT_RECORD_RESPONSE,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_RESPONSE);
	assert_response(WORK_COUNT + 2, 5, 22, VGT_RESPONSE_EXACT);
	assert_response(WORK_COUNT + 4, 6, 0, VGT_RESPONSE_EXACT);
	const struct vgt_response digest = {.command = 6,
		.class = VGT_RESPONSE_RENDERER,
		.digest = XXH64(joined, sizeof(joined), 0),
		.size = sizeof(joined)};
	assert_record(WORK_COUNT + 5, VGT_RECORD_RESPONSE, &digest, sizeof(digest));
}

/* What the device refuses changes nothing: the memory of the resource that it would have been
 * is still there, the scanout still off. */
static void test_refused(void **state)
{
	(void)state;
	uint8_t joined[1024];
	fill_guest(joined);
	struct virtio_gpu_resource_create_3d again = texture(1);
	again.width = again.height = 4;
	const struct virtio_gpu_set_scanout scanout = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, 16, 16}, 0, 1};
	const struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 16, 16}, 1, 0};
	const struct virtio_gpu_transfer_host_3d upload =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	struct vgt_device *device = start(trace_path);
	work(device);
	GIVE(device, again, 0, RESP_ERR_INVALID_RESOURCE_ID);
	GIVE(device, upload, 0, 0);
	GIVE(device, scanout, 0, RESP_ERR_INVALID_SCANOUT_ID);
	GIVE(device, flush, 0, 0);
	GIVE(device, scanout, 0, 0);
	GIVE(device, flush, 0, 0);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	ASSERT_TYPES(WORK_TYPES, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VGT_RECORD_RESPONSE,
		VGT_RECORD_MEM, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, VGT_RECORD_RESPONSE,
		VIRTIO_GPU_CMD_SET_SCANOUT, VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		VIRTIO_GPU_CMD_SET_SCANOUT, VIRTIO_GPU_CMD_RESOURCE_FLUSH, VGT_RECORD_FRAME);
	assert_response(WORK_COUNT + 1, 5, RESP_ERR_INVALID_RESOURCE_ID, VGT_RESPONSE_REFUSED);
	assert_mem(WORK_COUNT + 2, joined, sizeof(joined));
	assert_response(WORK_COUNT + 6, 7, RESP_ERR_INVALID_SCANOUT_ID, VGT_RESPONSE_REFUSED);
}

static void assert_fence(size_t index, uint16_t event, uint16_t scope, uint32_t ctx_id,
	uint32_t ring_idx, uint32_t flags, uint64_t fence_id)
{
	const struct vgt_fence fence = {.event = event,
		.scope = scope,
		.ctx_id = ctx_id,
		.ring_idx = ring_idx,
		.flags = flags,
		.fence_id = fence_id};
	assert_record(index, VGT_RECORD_FENCE, &fence, sizeof(fence));
}

static void test_fences_and_polls(void **state)
{
	(void)state;
	struct vgt_device *device = start(trace_path);
	vgt_device_poll(device);
	vgt_device_poll(device); /* again without anything between */
	create_context(device);
	GIVE(device, submit, 0, 0);
	vgt_device_fence_created(device, 1, 77);
	vgt_device_context_fence_created(device, 1, 1, 3, UINT64_MAX);
	vgt_device_poll(device);
	vgt_device_fence_retired(device, 77);
	vgt_device_context_fence_retired(device, 1, 3, UINT64_MAX);
	/* behind a reset fences of before are gone, until the guest comes back */
	vgt_device_fence_created(device, 1, 78);
	vgt_device_reset(device);
	vgt_device_fence_retired(device, 78);
	vgt_device_context_fence_retired(device, 1, 3, 78);
	create_context(device);
	vgt_device_fence_created(device, 1, 79);
	vgt_device_fence_retired(device, 79);
	finish(device);
	ASSERT_TYPES(VGT_RECORD_POLL, VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE,
		VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_RESPONSE, VGT_RECORD_FENCE,
		VGT_RECORD_FENCE, VGT_RECORD_POLL, VGT_RECORD_FENCE, VGT_RECORD_FENCE,
		VGT_RECORD_FENCE, VGT_RECORD_RESET, VIRTIO_GPU_CMD_CTX_CREATE,
		VGT_RECORD_RESPONSE, VGT_RECORD_FENCE, VGT_RECORD_FENCE);
	const struct vgt_poll poll = {0, 0};
	assert_record(7, VGT_RECORD_POLL, &poll, sizeof(poll));
	assert_fence(5, VGT_FENCE_CREATED, VGT_FENCE_GLOBAL, 1, 0, 0, 77);
	assert_fence(6, VGT_FENCE_CREATED, VGT_FENCE_CONTEXT, 1, 3, 1, UINT64_MAX);
	assert_fence(8, VGT_FENCE_RETIRED, VGT_FENCE_GLOBAL, 0, 0, 0, 77);
	assert_fence(9, VGT_FENCE_RETIRED, VGT_FENCE_CONTEXT, 1, 3, 0, UINT64_MAX);
	assert_fence(15, VGT_FENCE_RETIRED, VGT_FENCE_GLOBAL, 0, 0, 0, 79);
	const struct vgt_reset reset = {.kind = VGT_RESET_DEVICE};
	assert_record(11, VGT_RECORD_RESET, &reset, sizeof(reset));
}

/* What is none, as it was sent */

/* Gives bytes that must become a BAD_COMMAND; what the device does with them leaves nothing. */
static void give_bad(struct vgt_device *device, const void *bytes, size_t size)
{
	give(device, bytes, size);
	vgt_device_answer(device, "answer", 6);
	vgt_device_done(device, 0, 0x1200);
}

static void test_short_structures(void **state)
{
	(void)state;
	uint32_t words[64] = {0};
	const uint8_t *bytes = (const uint8_t *)words;
	const struct vgt_desc *desc;
	uint16_t type;
	size_t given = 0;
	struct vgt_device *device = start(trace_path);
	for (size_t n = 0; (desc = vgt_record_desc_at(n, &type)); n++) {
		if (!vgt_record_is_command(type)) {
			continue;
		}
		words[0] = type;
		const size_t size = vgt_record_structure_size(type);
		const size_t sizes[] = {0, 3, 4, 23, size - 1};
		for (size_t i = 0; i < COUNT(sizes); i++) {
			give_bad(device, bytes, sizes[i]);
		}
		/* the control: one byte more is the command, which counts nothing */
		give(device, bytes, size);
		given++;
	}
	assert_true(given > 20);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	size_t at = 0, commands = 0;
	for (size_t n = 0; (desc = vgt_record_desc_at(n, &type)); n++) {
		if (!vgt_record_is_command(type)) {
			continue;
		}
		words[0] = type;
		const size_t size = vgt_record_structure_size(type);
		const size_t sizes[] = {0, 3, 4, 23, size - 1};
		for (size_t i = 0; i < COUNT(sizes); i++, at++) {
			assert_bad(at, bytes, sizes[i]);
			assert_int_equal(seen[at].command, commands);
		}
		/* some of them make a frame, or something */
		assert_record(at++, type, bytes, size);
		commands++;
	}
	assert_int_equal(at, seen_count);
}

static void test_lying_commands(void **state)
{
	(void)state;
	struct {
		union {
			struct virtio_gpu_ctrl_hdr hdr;
			struct virtio_gpu_cmd_submit submit;
			struct virtio_gpu_resource_attach_backing attach;
			struct virtio_gpu_resource_create_blob blob;
		};
		uint8_t bytes[6000];
	} *lies = calloc(16, sizeof(*lies));
	size_t sizes[16], count = 0;
	assert_non_null(lies);
	memset(lies, 0xa5, 16 * sizeof(*lies));
	/* commands and entries that are not there, by one byte or by many */
	static const uint32_t submits[] = {100, 101, UINT32_MAX};
	for (size_t i = 0; i < COUNT(submits); i++, count++) {
		lies[count].submit = (struct virtio_gpu_cmd_submit){
			{.type = VIRTIO_GPU_CMD_SUBMIT_3D}, submits[i], 0};
		sizes[count] = sizeof(lies[count].submit) + 99;
	}
	static const uint32_t entries[] = {3, VGT_SEGMENTS_MAX, UINT32_MAX};
	for (size_t i = 0; i < COUNT(entries); i++, count++) {
		lies[count].attach = (struct virtio_gpu_resource_attach_backing){
			{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, entries[i]};
		sizes[count] = sizeof(lies[count].attach) + 47;
	}
	for (size_t i = 0; i < COUNT(entries); i++, count++) {
		lies[count].blob = (struct virtio_gpu_resource_create_blob){
			.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
			.nr_entries = entries[i]};
		sizes[count] = sizeof(lies[count].blob) + 47;
	}
	/* types that are none, short and longer than what is kept */
	static const uint32_t types[] = {VGT_RECORD_CHUNK, VGT_RECORD_BAD_COMMAND, 0xffff,
		0x10000 + VIRTIO_GPU_CMD_GET_DISPLAY_INFO, UINT32_MAX};
	for (size_t i = 0; i < COUNT(types); i++, count++) {
		lies[count].hdr = (struct virtio_gpu_ctrl_hdr){.type = types[i]};
		sizes[count] = i % 2 ? VGT_BAD_MAX + i : sizeof(lies[count].hdr);
	}
	struct vgt_device *device = start(trace_path);
	for (size_t i = 0; i < count; i++) {
		give_bad(device, &lies[i], sizes[i]);
	}
	vgt_device_command(device, NULL, 0);
	assert_true(count < 16);
	finish(device);
	assert_int_equal(seen_count, count + 1);
	assert_int_equal(seen_commands, 0);
	for (size_t i = 0; i < count; i++) {
		assert_bad(i, &lies[i], sizes[i]);
	}
	assert_bad(count, NULL, 0);
	free(lies);
}

/* More entries than a trace may have are none, even where they are there. */
static void test_too_many_entries(void **state)
{
	(void)state;
	const uint32_t most = VGT_SEGMENTS_MAX;
	const size_t size = sizeof(struct virtio_gpu_resource_attach_backing) +
			    (most + 1) * sizeof(struct virtio_gpu_mem_entry);
	struct virtio_gpu_resource_attach_backing *many = calloc(1, size);
	assert_non_null(many);
	many->hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING;
	struct vgt_device *device = start(trace_path);
	many->nr_entries = most;
	give_done(device, many, size, 0, 0x1200);
	many->nr_entries = most + 1;
	give_done(device, many, size, 0, 0x1200);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	ASSERT_TYPES(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, VGT_RECORD_RESPONSE,
		VGT_RECORD_BAD_COMMAND);
	assert_bad(2, many, size);
	many->nr_entries = most;
	assert_record(0, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, many, size - 16);
	free(many);
}

static void test_unknown_commands(void **state)
{
	(void)state;
	static const uint32_t types[] = {0, 0x0150, 0x7fff};
	static const size_t sizes[] = {24, 25, 100, VGT_BAD_MAX, VGT_BAD_MAX + 1, 9000};
	uint8_t bytes[9000];
	struct vgt_device *device = start(trace_path);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 13);
	}
	for (size_t i = 0; i < COUNT(types); i++) {
		memcpy(bytes, &types[i], sizeof(types[i]));
		for (size_t j = 0; j < COUNT(sizes); j++) {
			give_done(device, bytes, sizes[j], 0, j % 2 ? 0x1200 : 0);
		}
		give_bad(device, bytes, 23);
	}
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	size_t at = 0;
	for (size_t i = 0; i < COUNT(types); i++) {
		memcpy(bytes, &types[i], sizeof(types[i]));
		for (size_t j = 0; j < COUNT(sizes); j++) {
			const size_t kept = sizes[j] < VGT_BAD_MAX ? sizes[j] : VGT_BAD_MAX;
			assert_record(at++, (uint16_t)types[i], bytes, kept);
			if (j % 2) {
				assert_response(at++, i * COUNT(sizes) + j, 0x1200,
					VGT_RESPONSE_REFUSED);
			}
		}
		assert_bad(at++, bytes, 23);
	}
	assert_int_equal(at, seen_count);
}

/* The largest command that a trace holds, then one more byte. */
static void test_large_submits(void **state)
{
	(void)state;
	const size_t largest = VGT_RECORD_MAX / 2;
	struct virtio_gpu_cmd_submit *large = calloc(1, largest + 1);
	assert_non_null(large);
	large->hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D;
	large->size = (uint32_t)(largest - sizeof(*large));
	memset((uint8_t *)large + largest - 8, 0x77, 8);
	warnings = 0;
	struct vgt_device *device = start(trace_path);
	give_done(device, large, largest, 0, 0);
	assert_property(device, "capture", trace_path);
	assert_int_equal(warnings, 0);
	large->size++;
	give_done(device, large, largest + 1, 0, 0);
	assert_property(device, "capture", "");
	assert_property(device, "capture-stats", "");
	assert_int_equal(warnings, 1);
	assert_string_equal(
		warning, "virtio-gpu: recording stopped: a command too large for a trace");
	set_bad(device, "capture-mark", "x", VGT_ERR_USAGE, "nothing is recorded");
	/* the device goes on, and may record again */
	create_context(device);
	vgt_device_reset(device);
	set_good(device, "capture", other_path);
	create_context(device);
	vgt_device_destroy(device);
	read_ended(trace_path, VGT_END_TAIL);
	ASSERT_TYPES(VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_RESPONSE);
	large->size--;
	assert_record(0, VIRTIO_GPU_CMD_SUBMIT_3D, large, largest);
	assert_string_equal(fact("end.reason"), "a command too large for a trace");
	read_back(other_path);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE);
	assert_int_equal(warnings, 1);
	free(large);
}

/* Starting and stopping */

static void test_nothing_asked(void **state)
{
	(void)state;
	/* without environment, with an empty one, with an empty property that overrules it */
	for (unsigned way = 0; way < 3; way++) {
		struct vgt_device *device = new_device();
		if (way) {
			setenv("VGT_CAPTURE_FILE", way == 1 ? "" : trace_path, 1);
		}
		if (way == 2) {
			set_good(device, "capture", "");
		}
		assert_true(vgt_device_ready(device, NULL));
		vgt_device_initialised(device, 0, 0);
		work(device);
		GIVE(device, submit, 0, 0);
		assert_property(device, "capture", "");
		assert_property(device, "capture-stats", "");
		set_bad(device, "capture-mark", "x", VGT_ERR_USAGE, "nothing is recorded");
		set_good(device, "capture", "");
		vgt_device_destroy(device);
		assert_int_equal(files_in_directory(""), 0);
		unsetenv("VGT_CAPTURE_FILE");
	}
}

static void test_by_environment(void **state)
{
	(void)state;
	char pattern[128], path[128];
	snprintf(pattern, sizeof(pattern), "%s/e-%%p.vgt", directory);
	snprintf(path, sizeof(path), "%s/e-%d.vgt", directory, (int)getpid());
	setenv("VGT_CAPTURE_FILE", pattern, 1);
	for (unsigned with_property = 0; with_property < 2; with_property++) {
		struct vgt_device *device = new_device();
		if (with_property) {
			set_good(device, "capture", other_path);
			set_good(device, "capture", trace_path); /* the later one */
		}
		assert_property(device, "capture", "");
		assert_true(vgt_device_ready(device, NULL));
		assert_property(device, "capture", with_property ? trace_path : path);
		create_context(device);
		vgt_device_destroy(device);
		assert_int_equal(files_in_directory(""), 1);
		read_back(with_property ? trace_path : path);
		ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE);
	}
	/* two devices of a process have two files */
	setenv("VGT_CAPTURE_FILE", trace_path, 1);
	struct vgt_device *first = new_device(), *second = new_device();
	assert_true(vgt_device_ready(first, NULL));
	assert_true(vgt_device_ready(second, NULL));
	snprintf(path, sizeof(path), "%s/x-%d.vgt", directory, (int)getpid());
	assert_property(first, "capture", trace_path);
	assert_property(second, "capture", path);
	create_context(second);
	vgt_device_destroy(first);
	vgt_device_destroy(second);
	read_back(trace_path);
	assert_int_equal(seen_count, 0);
	read_back(path);
	assert_int_equal(seen_count, 2);
	/* and a failure is told */
	setenv("VGT_CAPTURE_FILE", "none/x.vgt", 1);
	struct vgt_device *device = new_device();
	struct vgt_err err;
	assert_false(vgt_device_ready(device, &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_string_equal(
		err.message, "none/x.vgt: cannot create the trace: No such file or directory");
	vgt_device_destroy(device);
}

static void test_by_descriptor(void **state)
{
	(void)state;
	char name[32];
	const int fd = open(trace_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	snprintf(name, sizeof(name), "fd:%d", fd);
	struct vgt_device *device = start(name);
	assert_property(device, "capture", name);
	create_context(device);
	set_good(device, "capture", "");
	/* still the caller's, with the trace in it */
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);
	assert_true(status.st_size > 100);
	assert_int_equal(close(fd), 0);
	vgt_device_destroy(device);
	read_back(trace_path);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE);
}

static void test_bad_descriptors(void **state)
{
	(void)state;
	char name[32];
	struct vgt_device *device = start("");
	/* no numbers: they shall not become files either */
	static const char *const names[] = {"fd:", "fd:x", "fd:3x", "fd:-1", "fd: 3", "fd:+3",
		"fd:2147483648", "fd:99999999999999999999"};
	for (size_t i = 0; i < COUNT(names); i++) {
		set_bad(device, "capture", names[i], VGT_ERR_USAGE, names[i]);
	}
	set_bad(device, "capture", "fd:987", VGT_ERR_SYSTEM,
		"fd:987: descriptor 987: Bad file descriptor");
	assert_int_equal(files_in_directory(""), 0);
	/* a file with such a name has another, too */
	set_good(device, "capture", "./fd:x");
	set_good(device, "capture", "");
	assert_int_equal(unlink("fd:x"), 0);

	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(name, sizeof(name), "fd:%d", fd);
	set_bad(device, "capture", name, VGT_ERR_SYSTEM, "cannot write the trace");
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	snprintf(name, sizeof(name), "fd:%d", ends[1]);
	set_bad(device, "capture", name, VGT_ERR_SYSTEM, "cannot write the trace");
	close(ends[0]);
	close(ends[1]);

	/* what is in a file stays */
	fd = open(trace_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	snprintf(name, sizeof(name), "fd:%d", fd);
	set_bad(device, "capture", name, VGT_ERR_USAGE, "is not empty");
	char bytes[16];
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 8);
	assert_memory_equal(bytes, "precious", 8);
	close(fd);
	fd = open(trace_path, O_RDONLY | O_CLOEXEC | O_TRUNC);
	snprintf(name, sizeof(name), "fd:%d", fd);
	set_bad(device, "capture", name, VGT_ERR_SYSTEM, "cannot write the trace");
	close(fd);
	assert_int_equal(files_in_directory("ring"), 0);
	vgt_device_destroy(device);
	assert_int_equal(unlink(trace_path), 0);
}

static void test_one_after_another(void **state)
{
	(void)state;
	struct vgt_device *device = start(trace_path);
	vgt_device_initialised(device, 0x9, 3);
	work(device);
	/* not in the middle; the old one goes on */
	set_bad(device, "capture", other_path, VGT_ERR_USAGE, "could not be replayed");
	assert_true(access(other_path, F_OK) != 0);
	assert_property(device, "capture", trace_path);
	GIVE(device, submit, 0, 0);
	vgt_device_reset(device);
	set_good(device, "capture", other_path);
	assert_property(device, "capture", other_path);
	/* the first is whole while the second runs */
	read_back(trace_path);
	ASSERT_TYPES(
		WORK_TYPES, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_RESPONSE, VGT_RECORD_RESET);
	assert_string_equal(fact("end.reason"), "finished");
	assert_int_equal(capset_count, 2);
	give_plain(device, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	/* that makes nothing; a context does */
	set_good(device, "capture", trace_path);
	create_context(device);
	set_good(device, "capture", "");
	assert_property(device, "capture", "");
	GIVE(device, submit, 0, 0);
	set_bad(device, "capture", "z.vgt", VGT_ERR_USAGE, "could not be replayed");
	vgt_device_destroy(device);
	read_back(other_path);
	ASSERT_TYPES(VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	assert_int_equal(capset_count, 2);
	assert_string_equal(fact("init.flags"), "0x9");
	read_back(trace_path);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE);
	assert_int_equal(files_in_directory(""), 0);
}

/* Each way to make something; a recording cannot start behind it until the guest is reset. */
static void test_start_while_live(void **state)
{
	(void)state;
	const struct virtio_gpu_resource_create_2d flat = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 2, FORMAT_BGRA, 16, 16};
	const struct virtio_gpu_resource_create_3d create = texture(1);
	const struct virtio_gpu_resource_create_blob blob = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, .resource_id = 3};
	struct vgt_device *device = start("");
	for (unsigned way = 0; way < 4; way++) {
		if (way == 0) {
			create_context(device);
		} else if (way == 1) {
			GIVE(device, flat, 0, 0);
		} else if (way == 2) {
			GIVE(device, create, 0, 0);
		} else {
			GIVE(device, blob, 0, 0);
		}
		set_bad(device, "capture", trace_path, VGT_ERR_USAGE, "reset the guest");
		assert_int_equal(files_in_directory(""), 0);
		vgt_device_reset(device);
		set_good(device, "capture", trace_path);
		set_good(device, "capture", "");
		read_back(trace_path);
	}
	vgt_device_destroy(device);
}

static void test_existing_file(void **state)
{
	(void)state;
	FILE *file = fopen(other_path, "w");
	assert_non_null(file);
	fputs("precious", file);
	fclose(file);
	struct vgt_device *device = start(trace_path);
	set_bad(device, "capture", other_path, VGT_ERR_USAGE, "File exists");
	set_bad(device, "capture", trace_path, VGT_ERR_USAGE, "File exists");
	set_bad(device, "capture", "none/x.vgt", VGT_ERR_SYSTEM,
		"none/x.vgt: cannot create the trace: No such file or directory");
	create_context(device); /* on the old one */
	finish(device);
	assert_int_equal(seen_count, 2);
	/* from the start on */
	struct vgt_err err;
	device = new_device();
	set_good(device, "capture", other_path);
	assert_false(vgt_device_ready(device, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	vgt_device_destroy(device);
	char text[16] = "";
	file = fopen(other_path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "precious");
}

static void test_properties(void **state)
{
	(void)state;
	struct vgt_device *device = start(trace_path);
	set_bad(device, "capture-stats", "x", VGT_ERR_USAGE, "capture-stats");
	set_bad(device, "capture2", "x", VGT_ERR_USAGE, "cannot be set: capture2");
	set_bad(device, "", "x", VGT_ERR_USAGE, "cannot be set");
	assert_property(device, "capture2", "");
	assert_property(device, "capture-mark", "");
	char small[8];
	memset(small, 'x', sizeof(small));
	vgt_device_get(device, "capture", small, 5);
	assert_string_equal(small, "/tmp");
	assert_int_equal(small[5], 'x');
	vgt_device_get(device, "capture", small, 1);
	assert_string_equal(small, "");
	set_good(device, "capture-mark", "here");
	create_context(device);
	set_good(device, "capture-mark", "");
	finish(device);
	ASSERT_TYPES(VGT_RECORD_MARK, VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE,
		VGT_RECORD_MARK);
	assert_record(0, VGT_RECORD_MARK, "here", 4);
	assert_int_equal(seen[3].size, 0);
}

static void test_statistics(void **state)
{
	(void)state;
	struct vgt_device *device = start(trace_path);
	const struct virtio_gpu_transfer_host_3d readback =
		transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
	char text[256];
	uint64_t frames, commands, stream, file, waits, waited;
	int end = 0;
	work(device);
	GIVE(device, readback, 0, 0);
	give_bad(device, "bad", 3);
	vgt_device_get(device, "capture-stats", text, sizeof(text));
	assert_int_equal(
		sscanf(text,
			"frames=%" SCNu64 " commands=%" SCNu64 " stream-bytes=%" SCNu64
			" file-bytes=%" SCNu64 " waits=%" SCNu64 " waited-ns=%" SCNu64 "%n",
			&frames, &commands, &stream, &file, &waits, &waited, &end),
		6);
	assert_int_equal(text[end], '\0');
	finish(device);
	assert_int_equal(frames, 1);
	assert_int_equal(frames, seen_frames);
	assert_int_equal(commands, 6);
	assert_int_equal(commands, seen_commands);
	assert_true(stream > 1024 && stream < 65536);
	assert_true(file > 0);
	assert_int_equal(waits, 0);
	assert_int_equal(waited, 0);
}

static void test_limits(void **state)
{
	(void)state;
	const struct virtio_gpu_transfer_host_3d upload =
		transfer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	const struct virtio_gpu_transfer_host_3d readback =
		transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
	warnings = 0;
	setenv("VGT_CAPTURE_FRAMES", "2", 1);
	struct vgt_device *device = start(trace_path);
	work(device);
	for (unsigned i = 0; i < 5; i++) {
		GIVE(device, upload, 0, 0);
		GIVE(device, readback, 0, 0);
	}
	unsetenv("VGT_CAPTURE_FRAMES");
	assert_property(device, "capture", "");
	set_good(device, "capture", "");
	vgt_device_destroy(device);
	read_back(trace_path);
	assert_int_equal(seen_frames, 2);
	assert_string_equal(fact("end.reason"), "frame limit");
	assert_int_equal(warnings, 0);
	/* another limit is worth a warning, and the trace good up to there */
	setenv("VGT_CAPTURE_MAX_SIZE", "5000", 1);
	device = start(trace_path);
	unsetenv("VGT_CAPTURE_MAX_SIZE");
	for (unsigned i = 0; i < 100000 && !warnings; i++) {
		char noise[64];
		snprintf(noise, sizeof(noise), "%" PRIx64, XXH64(&i, sizeof(i), 0));
		vgt_device_set(device, "capture-mark", noise, NULL);
	}
	struct vgt_err err;
	assert_false(vgt_device_set(device, "capture", "", &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	vgt_device_destroy(device);
	assert_int_equal(warnings, 1);
	assert_string_equal(warning, "virtio-gpu: recording stopped: the trace has reached its "
				     "size limit of 5000 bytes");
	struct stat status;
	assert_int_equal(stat(trace_path, &status), 0);
	assert_true(status.st_size <= 5000);
	assert_int_equal(unlink(trace_path), 0);
}

/* Every call on a device that records nothing: NULL, and one that was never ready. */
static void test_null(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct vgt_device *device = i ? new_device() : NULL;
		const struct virtio_gpu_transfer_host_3d readback =
			transfer(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
		vgt_device_initialised(device, 0x9, 3);
		work(device);
		GIVE(device, submit, 0, 0);
		GIVE(device, readback, 0, 0);
		give_bad(device, "bad", 3);
		vgt_device_fence_created(device, 1, 1);
		vgt_device_context_fence_created(device, 1, 1, 1, 1);
		vgt_device_poll(device);
		vgt_device_fence_retired(device, 1);
		vgt_device_context_fence_retired(device, 1, 1, 1);
		vgt_device_reset(device);
		assert_property(device, "capture", "");
		assert_property(device, "capture-stats", "");
		if (!device) {
			struct vgt_err err;
			assert_false(vgt_device_set(device, "capture", "x", &err));
			assert_int_equal(err.code, VGT_ERR_SYSTEM);
			assert_true(vgt_device_ready(device, &err));
		}
		vgt_device_destroy(device);
		assert_int_equal(files_in_directory(""), 0);
	}
}

/* Processes */

static int child_status(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* A VMM exits without a word to its devices. */
static void test_exit(void **state)
{
	(void)state;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct vgt_device *first = start(trace_path), *second = start(other_path);
		create_context(first);
		vgt_device_destroy(new_device());
		create_context(second);
		work(second);
		exit(0);
	}
	assert_int_equal(child_status(child), 0);
	read_back(trace_path);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE);
	read_ended(other_path, VGT_END_TAIL);
	assert_int_equal(seen_count, 2 + WORK_COUNT);
	/* the control: who is killed leaves no whole one */
	child = fork();
	if (child == 0) {
		create_context(start(trace_path));
		_exit(0);
	}
	assert_int_equal(child_status(child), 0);
	struct vgt_reader *reader = vgt_reader_open(trace_path, NULL);
	struct vgt_record record;
	assert_non_null(reader);
	while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
		const char *ring = vgt_reader_ring_path(reader);
		assert_string_not_equal(ring, "");
		if (record.type == VIRTIO_GPU_CMD_CTX_CREATE) {
			unlink(ring);
		}
	}
	assert_int_equal(vgt_reader_end(reader), VGT_END_RING);
	vgt_reader_close(reader);
}

/* A child of the VMM has no part in the recording. */
static void test_fork(void **state)
{
	(void)state;
	struct vgt_device *device = start(trace_path);
	create_context(device);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		char text[64];
		create_context(device);
		vgt_device_get(device, "capture", text, sizeof(text));
		vgt_device_reset(device);
		vgt_device_destroy(device);
		_exit(text[0] ? 1 : 0);
	}
	assert_int_equal(child_status(child), 0);
	give_plain(device, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	finish(device);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_RESPONSE,
		VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
}

/* From here on open() with O_CREAT fails so in this process, root or not. */
static bool forbid_files(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {COUNT(filter), filter};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum {
	CHILD_RECORDED = 0,
	CHILD_DID_NOT_START = 1,
	CHILD_NO_FILTER = 2,
	CHILD_DIED = 3,
};

/* A VMM that may create no files was given the trace as a descriptor. */
static int record_confined(int error, bool dies)
{
	char name[32];
	const int fd = open(trace_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	snprintf(name, sizeof(name), "fd:%d", fd);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct vgt_device *device = new_device();
		if (!forbid_files(error)) {
			_exit(CHILD_NO_FILTER);
		}
		vgt_device_set(device, "capture", name, NULL);
		if (!vgt_device_ready(device, NULL)) {
			_exit(CHILD_DID_NOT_START);
		}
		work(device);
		if (dies) {
			_exit(CHILD_DIED);
		}
		vgt_device_destroy(device);
		_exit(CHILD_RECORDED);
	}
	close(fd);
	int status = child_status(child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_ring_in_memory(void **state)
{
	(void)state;
	static const int forbidden[] = {EACCES, EPERM, EROFS};
	for (size_t i = 0; i < COUNT(forbidden); i++) {
		int status = record_confined(forbidden[i], false);
		if (status == CHILD_NO_FILTER) {
			skip(); /* a kernel without seccomp */
		}
		assert_int_equal(status, CHILD_RECORDED);
		assert_int_equal(files_in_directory(""), 1);
		read_back(trace_path);
		ASSERT_TYPES(WORK_TYPES);
		assert_string_equal(fact("ring.path"), "");
		assert_string_equal(fact("end.reason"), "finished");
	}
	/* where it dies, what has not reached the file is lost; what has is good */
	assert_int_equal(record_confined(EACCES, true), CHILD_DIED);
	read_ended(trace_path, VGT_END_CUT);
	/* a disk that is full is another matter, and a named directory is what was asked for */
	assert_int_equal(record_confined(ENOSPC, false), CHILD_DID_NOT_START);
	assert_int_equal(unlink(trace_path), 0);
	setenv("VGT_CAPTURE_RING_DIR", directory, 1);
	int status = record_confined(EACCES, false);
	unsetenv("VGT_CAPTURE_RING_DIR");
	assert_int_equal(status, CHILD_DID_NOT_START);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

/* The guest is offered no more than VGT_CAPTURE_CAPSET says, and the trace says what. */
static void test_offer(void **state)
{
	static const char key[] = "capset.masked";
	uint8_t bytes[308], all[308];
	uint32_t version = 2, size = 100;
	struct vgt_err err;

	(void)state;
	/* without: all */
	forget();
	struct vgt_device *device = start(trace_path);
	vgt_device_offer(device, 2, &version, &size, NULL);
	assert_int_equal(size, 100);
	vgt_device_initialised(device, 0, 1);
	vgt_device_destroy(device);

	/* that trace's capsets are all 0x11 and 0x22 */
	struct vgt_capsets weaker;
	assert_true(vgt_capsets_read(&weaker, trace_path, &err));
	char weak_path[4096];
	snprintf(weak_path, sizeof(weak_path), "%s.weak", trace_path);
	assert_int_equal(rename(trace_path, weak_path), 0);
	setenv("VGT_CAPTURE_CAPSET", weak_path, 1);
	device = start(trace_path);
	memset(all, 0xff, sizeof(all));
	version = 3;
	size = 200;
	vgt_device_offer(device, 2, &version, &size, NULL);
	assert_int_equal(version, 2);
	assert_int_equal(size, 68); /* the last format mask that fits in 100 bytes has gone */
	size = 308;
	version = 1;
	memcpy(bytes, all, sizeof(all));
	vgt_device_offer(device, 1, &version, &size, bytes);
	assert_int_equal(size, 308);
	assert_memory_equal(bytes, weaker.list[0].bytes, 308);
	size = 64;
	memcpy(bytes, all, sizeof(all));
	vgt_device_offer(device, 4, &version, &size, bytes); /* Venus */
	assert_int_equal(size, 0);
	assert_int_equal(version, 0);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[64], 0xff);
	vgt_device_initialised(device, 0, 1);
	vgt_device_destroy(device);
	vgt_capsets_finish(&weaker);
	assert_true(vgt_capsets_read(&weaker, trace_path, &err));
	assert_int_equal(weaker.list[1].size, 68);
	vgt_capsets_finish(&weaker);

	struct vgt_reader *reader = vgt_reader_open(trace_path, &err);
	struct vgt_record record;
	bool told = false;
	while (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
		told |= record.type == VGT_RECORD_META &&
			memmem(record.payload, record.size, key, sizeof(key) - 1);
	}
	assert_true(told);
	vgt_reader_close(reader);

	/* what cannot be read */
	setenv("VGT_CAPTURE_CAPSET", "none/x.vgt", 1);
	device = new_device();
	assert_false(vgt_device_ready(device, &err));
	assert_non_null(strstr(err.message, "VGT_CAPTURE_CAPSET: none/x.vgt: "));
	vgt_device_destroy(device);
	unsetenv("VGT_CAPTURE_CAPSET");
	unlink(weak_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_facts),
		TEST(test_memory_and_submit),
		TEST(test_responses),
		TEST(test_readback),
		TEST(test_refused),
		TEST(test_fences_and_polls),
		TEST(test_short_structures),
		TEST(test_lying_commands),
		TEST(test_too_many_entries),
		TEST(test_unknown_commands),
		TEST(test_large_submits),
		TEST(test_nothing_asked),
		TEST(test_by_environment),
		TEST(test_by_descriptor),
		TEST(test_bad_descriptors),
		TEST(test_one_after_another),
		TEST(test_start_while_live),
		TEST(test_existing_file),
		TEST(test_properties),
		TEST(test_statistics),
		TEST(test_limits),
		TEST(test_null),
		TEST(test_exit),
		TEST(test_fork),
		TEST(test_offer),
		TEST(test_ring_in_memory),
	};
	int failed = cmocka_run_group_tests_name("device", tests, group_setup, group_teardown);
	forget();
	return failed;
}
