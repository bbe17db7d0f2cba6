/* SPDX-License-Identifier: MIT */
#include "vgt_capture.h"
#include "vgt_reader.h"
#include "virgl_cmd.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define PRESENTABLE (VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SCANOUT)
#define FORMAT_BGRA 1u

static char directory[] = "/tmp/vgt-test-capture-XXXXXX";
static char trace_path[64];

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
	snprintf(trace_path, sizeof(trace_path), "%s/x.vgt", mkdtemp(directory));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What lies in the trace between the writer's own first and last META. */
static struct seen {
	uint16_t type;
	uint16_t flags;
	uint32_t size;
	uint8_t *payload;
	uint64_t command;
} seen[256];
static size_t seen_count;
static char end_reason[256];

static void forget(void)
{
	for (size_t i = 0; i < seen_count; i++) {
		free(seen[i].payload);
	}
	seen_count = 0;
}

static void read_back(void)
{
	struct vgt_reader *reader = vgt_reader_open(trace_path, NULL);
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	assert_non_null(reader);
	forget();
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		assert_true(seen_count < COUNT(seen));
		uint8_t *payload = malloc(record.size + 1);
		memcpy(payload, record.payload, record.size);
		seen[seen_count++] = (struct seen){
			record.type, record.flags, record.size, payload, record.command};
	}
	assert_int_equal(next, VGT_READ_END);
	assert_int_equal(vgt_reader_end(reader), VGT_END_TAIL);
	vgt_reader_close(reader);
	assert_int_equal(unlink(trace_path), 0);
	/* the writer's own */
	assert_int_equal(seen[0].type, VGT_RECORD_META);
	assert_int_equal(seen[seen_count - 1].type, VGT_RECORD_META);
	snprintf(end_reason, sizeof(end_reason), "%s", (char *)seen[--seen_count].payload);
	free(seen[seen_count].payload);
	free(seen[0].payload);
	memmove(seen, seen + 1, --seen_count * sizeof(seen[0]));
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

static void assert_mem(size_t index, uint32_t resource, uint32_t flags, uint64_t offset,
	const void *bytes, size_t size)
{
	assert_true(index < seen_count);
	assert_int_equal(seen[index].type, VGT_RECORD_MEM);
	assert_int_equal(seen[index].size, sizeof(struct vgt_mem) + size);
	const struct vgt_mem *mem = (const void *)seen[index].payload;
	assert_int_equal(mem->resource_id, resource);
	assert_int_equal(mem->flags, flags);
	assert_int_equal(mem->offset, offset);
	assert_memory_equal(mem + 1, bytes, size);
}

/* The same, of what [offset, offset + size) of these segments holds. */
static void assert_mem_of(size_t index, uint32_t resource, uint32_t flags,
	const struct iovec *iov, uint64_t offset, size_t size)
{
	uint8_t *joined = malloc(size);
	assert_non_null(joined);
	uint64_t start = 0;
	for (size_t filled = 0; filled < size; start += iov++->iov_len) {
		for (size_t i = 0; i < iov->iov_len && filled < size; i++) {
			if (start + i >= offset) {
				joined[filled++] = ((const uint8_t *)iov->iov_base)[i];
			}
		}
	}
	assert_mem(index, resource, flags, offset, joined, size);
	free(joined);
}

static void assert_response(
	size_t index, uint64_t command, int32_t result, uint64_t digest, uint64_t size)
{
	assert_true(index < seen_count);
	assert_int_equal(seen[index].type, VGT_RECORD_RESPONSE);
	const struct vgt_response *response = (const void *)seen[index].payload;
	assert_int_equal(response->command, command);
	assert_int_equal(response->result, result);
	assert_int_equal(response->digest, digest);
	assert_int_equal(response->size, size);
	assert_int_equal(response->class, size ? VGT_RESPONSE_RENDERER : VGT_RESPONSE_EXACT);
}

static void assert_frame(size_t index, enum vgt_frame_rule rule, uint32_t resource)
{
	assert_true(index < seen_count);
	assert_int_equal(seen[index].type, VGT_RECORD_FRAME);
	const struct vgt_frame *frame = (const void *)seen[index].payload;
	assert_int_equal(frame->rule, rule);
	assert_int_equal(frame->resource_id, resource);
}

/* Recording */

static struct vgt_capture *start(void)
{
	const struct vgt_capture_options options = {
		.path = trace_path, .ring_directory = directory};
	struct vgt_err err;
	struct vgt_capture *capture = vgt_capture_create(&options, &err);
	if (!capture) {
		fail_msg("%s", err.message);
	}
	return capture;
}

static void finish(struct vgt_capture *capture)
{
	struct vgt_err err;
	if (!vgt_capture_destroy(capture, &err)) {
		fail_msg("%s", err.message);
	}
	read_back();
}

static uint64_t create_context(struct vgt_capture *capture, uint32_t id)
{
	const struct virtio_gpu_ctx_create create = {
		{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}, .context_init = 0};
	return vgt_capture_command(capture, &create, sizeof(create), NULL, 0, 0);
}

static uint64_t create_texture(
	struct vgt_capture *capture, uint32_t id, uint32_t bind, uint32_t size)
{
	const struct virtio_gpu_resource_create_3d create = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, PIPE_TEXTURE_2D, FORMAT_BGRA,
		bind, size, size, 1, 1, 0, 0, 0, 0};
	return vgt_capture_command(capture, &create, sizeof(create), NULL, 0, 0);
}

static uint64_t create_buffer(
	struct vgt_capture *capture, uint32_t id, uint32_t bind, uint32_t size)
{
	const struct virtio_gpu_resource_create_3d create = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, PIPE_BUFFER, 64, bind, size, 1,
		1, 1, 0, 0, 0, 0};
	return vgt_capture_command(capture, &create, sizeof(create), NULL, 0, 0);
}

static uint64_t attach(
	struct vgt_capture *capture, uint32_t resource, const struct iovec *iov, uint32_t count)
{
	const struct virtio_gpu_resource_attach_backing command = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, resource, count};
	struct virtio_gpu_mem_entry *entries = calloc(count, sizeof(*entries));
	assert_non_null(entries);
	for (uint32_t i = 0; i < count; i++) {
		entries[i].length = (uint32_t)iov[i].iov_len;
	}
	uint64_t number = vgt_capture_command(
		capture, &command, sizeof(command), entries, count * sizeof(entries[0]), 0);
	free(entries);
	vgt_capture_response(capture, number, 0);
	vgt_capture_backing(capture, resource, iov, count);
	return number;
}

static uint64_t detach(struct vgt_capture *capture, uint32_t resource)
{
	const struct virtio_gpu_resource_detach_backing command = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING}, resource, 0};
	return vgt_capture_command(capture, &command, sizeof(command), NULL, 0, 0);
}

static uint64_t submit(
	struct vgt_capture *capture, uint32_t ctx_id, const uint32_t *dwords, size_t count)
{
	const struct virtio_gpu_cmd_submit command = {
		{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = ctx_id}, (uint32_t)count * 4, 0};
	return vgt_capture_command(capture, &command, sizeof(command), dwords, count * 4, 0);
}

#define SUBMIT(capture, ctx_id, ...) \
	submit(capture, ctx_id, (const uint32_t[]){__VA_ARGS__}, \
		COUNT(((const uint32_t[]){__VA_ARGS__})))
#define MARKER VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 4), 9, 0x3a746776, 0x6d617266, 0x65
#define DRAW   VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 0)

static struct virtio_gpu_transfer_host_3d transfer_of(uint32_t type, uint32_t resource,
	struct virtio_gpu_box box, uint64_t offset, uint32_t stride)
{
	return (struct virtio_gpu_transfer_host_3d){
		{.type = type}, box, offset, resource, 0, stride, 0};
}

static uint8_t guest[3 * VGT_MEM_MAX];

static void fill_guest(void)
{
	for (size_t i = 0; i < sizeof(guest); i++) {
		guest[i] = (uint8_t)(i * 7 + (i >> 8) * 3);
	}
}

/* The backing of a transfer lies in segments: one MEM record holds what they make together. */
static void test_backing_in_segments(void **state)
{
	(void)state;
	fill_guest();
	/* 16x16 texels of 4 bytes: 1024 bytes, out of order in memory */
	const struct iovec iov[] = {
		{guest + 5000, 100}, {guest + 1000, 0}, {guest, 600}, {guest + 9000, 324}};
	struct vgt_capture *capture = start();
	create_texture(capture, 1, PRESENTABLE, 16);
	attach(capture, 1, iov, COUNT(iov));
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 16, 16, 1}, 0, 0);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	/* rows 1 and 2 of 8 texels at offset 64: 64 + 32 bytes, across the first border */
	transfer.box = (struct virtio_gpu_box){0, 1, 0, 8, 2, 1};
	transfer.offset = 64;
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	/* beyond the backing there is nothing to record; nor of a box that is refused */
	transfer.offset = 1000;
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	transfer.offset = UINT64_MAX;
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	transfer.offset = 0;
	transfer.box.w = 17;
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		VGT_RECORD_RESPONSE, VGT_RECORD_MEM, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		VGT_RECORD_MEM, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, VGT_RECORD_MEM,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	assert_mem_of(3, 1, 0, iov, 0, 1024);
	assert_mem_of(5, 1, 0, iov, 64, 96);
	assert_mem(7, 1, 0, 1000, guest + 9300, 24);
}

/* More than a MEM record holds is split. */
static void test_large_transfer(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec iov = {guest, 2 * VGT_MEM_MAX + 10};
	struct vgt_capture *capture = start();
	create_buffer(capture, 1, 0, 3 * VGT_MEM_MAX);
	attach(capture, 1, &iov, 1);
	const struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 3 * VGT_MEM_MAX, 1, 1}, 5, 0);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	finish(capture);
	assert_int_equal(seen_count, 7);
	assert_mem(3, 1, 0, 5, guest + 5, VGT_MEM_MAX);
	assert_mem(4, 1, 0, 5 + VGT_MEM_MAX, guest + 5 + VGT_MEM_MAX, VGT_MEM_MAX);
	assert_mem(5, 1, 0, 5 + 2 * VGT_MEM_MAX, guest + 5 + 2 * VGT_MEM_MAX, 5);
}

/* So many segments that are not empty make one MEM record at most: vgt_capture.c. */
#define MEM_PARTS 256u

static void upload_all(
	struct vgt_capture *capture, const struct iovec *iov, uint32_t count, uint32_t size)
{
	create_buffer(capture, 1, 0, size);
	attach(capture, 1, iov, count);
	const struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, size, 1, 1}, 0, 0);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
}

static void test_many_segments(void **state)
{
	(void)state;
	fill_guest();
	static const uint32_t counts[] = {
		1, MEM_PARTS - 1, MEM_PARTS, MEM_PARTS + 1, 2 * MEM_PARTS, 3 * MEM_PARTS + 7};
	for (size_t i = 0; i < COUNT(counts); i++) {
		/* backwards through memory, each behind an empty one */
		struct iovec iov[2 * (3 * MEM_PARTS + 7)];
		uint32_t ends[3 * MEM_PARTS + 8] = {0};
		for (uint32_t j = 0; j < counts[i]; j++) {
			uint8_t *at = guest + sizeof(guest) - 50 * (j + 1);
			iov[2 * j] = (struct iovec){at, 0};
			iov[2 * j + 1] = (struct iovec){at, 1 + j % 40};
			ends[j + 1] = ends[j] + 1 + j % 40;
		}
		struct vgt_capture *capture = start();
		upload_all(capture, iov, 2 * counts[i], ends[counts[i]]);
		finish(capture);
		uint32_t parts = 0;
		size_t index = 3;
		while (parts < counts[i]) {
			uint32_t left = counts[i] - parts;
			uint32_t next = parts + (left < MEM_PARTS ? left : MEM_PARTS);
			assert_mem_of(
				index++, 1, 0, iov, ends[parts], ends[next] - ends[parts]);
			parts = next;
		}
		assert_int_equal(seen_count, index + 1);
	}
}

/* A record that is full ends within a segment, and none is empty. */
static void test_segments_beyond_mem_max(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec uneven[] = {
		{guest + 2000000, 600000}, {guest + 77, 600000}, {guest + 1000001, 900000}};
	struct vgt_capture *capture = start();
	upload_all(capture, uneven, COUNT(uneven), 2100000);
	finish(capture);
	assert_int_equal(seen_count, 7);
	assert_mem_of(3, 1, 0, uneven, 0, VGT_MEM_MAX);
	assert_mem_of(4, 1, 0, uneven, VGT_MEM_MAX, VGT_MEM_MAX);
	assert_mem_of(5, 1, 0, uneven, 2 * VGT_MEM_MAX, 2100000 - 2 * VGT_MEM_MAX);
	const struct iovec even[] = {
		{guest + VGT_MEM_MAX, VGT_MEM_MAX / 2}, {guest, VGT_MEM_MAX / 2}};
	capture = start();
	upload_all(capture, even, COUNT(even), VGT_MEM_MAX);
	finish(capture);
	assert_int_equal(seen_count, 5);
	assert_mem_of(3, 1, 0, even, 0, VGT_MEM_MAX);
}

static void test_own_iov(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec backing = {guest, 1024};
	const struct iovec own[] = {{guest + 3000, 40}, {guest + 2000, 400}};
	struct vgt_capture *capture = start();
	create_texture(capture, 1, PRESENTABLE, 16);
	attach(capture, 1, &backing, 1);
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 4, 4, 1}, 8, 16);
	uint64_t number = vgt_capture_transfer_iov(capture, &transfer, own, 2, 0);
	assert_int_equal(number, 2);
	/* from the host nothing is read; of an unknown resource neither */
	transfer.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
	vgt_capture_transfer_iov(capture, &transfer, own, 2, 0);
	transfer.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D;
	transfer.resource_id = 99;
	vgt_capture_transfer_iov(capture, &transfer, own, 0, 0);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		VGT_RECORD_RESPONSE, VGT_RECORD_IOV, VGT_RECORD_MEM,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, VGT_RECORD_IOV,
		VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, VGT_RECORD_IOV,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	const uint32_t iov[] = {2, 0, 40, 400};
	assert_int_equal(seen[3].size, sizeof(iov));
	assert_memory_equal(seen[3].payload, iov, sizeof(iov));
	assert_mem_of(4, 1, VGT_MEM_OWN_IOV, own, 8, 64);
	assert_int_equal(seen[5].flags, VGT_RECORD_OWN_IOV);
	assert_int_equal(seen[7].flags, VGT_RECORD_OWN_IOV);
	assert_int_equal(seen[8].size, sizeof(struct vgt_iov));
}

static void test_transfer_2d(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec backing = {guest, 1024};
	const struct virtio_gpu_resource_create_2d create = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 1, FORMAT_BGRA, 16, 16};
	const struct virtio_gpu_transfer_to_host_2d transfer = {
		{.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D}, {2, 3, 4, 2}, 200, 1, 0};
	struct vgt_capture *capture = start();
	vgt_capture_command(capture, &create, sizeof(create), NULL, 0, 0);
	attach(capture, 1, &backing, 1);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	finish(capture);
	assert_int_equal(seen_count, 5);
	assert_mem(3, 1, 0, 200, guest + 200, 64 + 16);
	assert_int_equal(seen[4].type, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D);
}

static void test_transfers_in_submit(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec first = {guest, 1024};
	const struct iovec second[] = {{guest + 4000, 100}, {guest + 8000, 1000}};
	struct vgt_capture *capture = start();
	create_context(capture, 1);
	create_texture(capture, 1, PRESENTABLE, 16);
	create_buffer(capture, 2, 0, 1100);
	attach(capture, 1, &first, 1);
	attach(capture, 2, second, 2);
	/* TRANSFER3D of texture 1, then COPY_TRANSFER3D from the memory of buffer 2 */
	uint64_t number = SUBMIT(capture, 1, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0,
		0, 0, 0, 0, 0, 16, 1, 1, 128, VIRGL_TRANSFER_TO_HOST,
		VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), 1, 0, 0, 16, 0, 0, 0, 0, 4, 4, 1,
		2, 90, 0);
	assert_int_equal(number, 5);
	/* to the guest nothing is read */
	SUBMIT(capture, 1, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0, 0, 0, 0, 0, 0, 16,
		1, 1, 128, VIRGL_TRANSFER_FROM_HOST,
		VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), 1, 0, 0, 16, 0, 0, 0, 0, 4, 4, 1,
		2, 90, VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST);
	/* a context that does not speak virgl is not walked */
	const struct virtio_gpu_ctx_create venus = {
		{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = 2}, .context_init = 4};
	vgt_capture_command(capture, &venus, sizeof(venus), NULL, 0, 0);
	SUBMIT(capture, 2, VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0, 0, 0, 0, 0, 0, 16,
		1, 1, 128, VIRGL_TRANSFER_TO_HOST);
	/* fences in front of the commands */
	struct virtio_gpu_cmd_submit fenced = {
		{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1}, 14 * 4, 1};
	const uint32_t data[] = {VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 1), 7,
		VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0,
		VIRGL_TRANSFER_TO_HOST};
	vgt_capture_command(capture, &fenced, sizeof(fenced), data, sizeof(data), 0);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		VGT_RECORD_RESPONSE, VGT_RECORD_MEM, VGT_RECORD_MEM, VIRTIO_GPU_CMD_SUBMIT_3D,
		VIRTIO_GPU_CMD_SUBMIT_3D, VIRTIO_GPU_CMD_CTX_CREATE, VIRTIO_GPU_CMD_SUBMIT_3D,
		VGT_RECORD_MEM, VIRTIO_GPU_CMD_SUBMIT_3D);
	assert_mem(7, 1, 0, 128, guest + 128, 64);
	assert_mem_of(8, 2, 0, second, 90, 64);
	assert_mem(13, 1, 0, 0, guest, 4);
	assert_int_equal(seen[14].size, sizeof(fenced) + sizeof(data));
	assert_memory_equal(seen[14].payload + sizeof(fenced), data, sizeof(data));
}

/* A CUSTOM resource is fetched from its backing when that goes. */
static void test_custom_detach(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec iov[] = {{guest, 100}, {guest + 500, 100}};
	struct vgt_capture *capture = start();
	create_buffer(capture, 1, VIRGL_BIND_CUSTOM, 150);
	create_buffer(capture, 2, VIRGL_BIND_SAMPLER_VIEW, 150);
	attach(capture, 1, iov, 2);
	attach(capture, 2, iov, 2);
	detach(capture, 1);
	detach(capture, 2);
	detach(capture, 1); /* there is none any more */
	detach(capture, 99);
	/* after that, memory is no longer touched */
	const struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 2,
			(struct virtio_gpu_box){0, 0, 0, 100, 1, 1}, 0, 0);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, VGT_RECORD_RESPONSE,
		VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, VGT_RECORD_RESPONSE, VGT_RECORD_MEM,
		VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	assert_mem_of(6, 1, 0, iov, 0, 150);
}

/* Memory is forgotten with its resource: by unref, by a refused creation, by reset. */
static void test_backing_goes(void **state)
{
	(void)state;
	const struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 10, 1, 1}, 0, 0);
	const struct virtio_gpu_resource_unref unref = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_UNREF}, 1, 0};
	for (unsigned way = 0; way < 5; way++) {
		/* freed as soon as it may be, so that AddressSanitizer sees a late read */
		struct iovec iov = {malloc(10), 10};
		memset(iov.iov_base, 1, 10);
		struct vgt_capture *capture = start();
		uint64_t number = create_buffer(capture, 1, 0, 10);
		vgt_capture_backing(capture, 99, &iov, 1);
		/* the last one counts */
		const struct iovec other = {NULL, 10};
		vgt_capture_backing(capture, 1, &other, 1);
		vgt_capture_backing(capture, 1, NULL, 0);
		vgt_capture_backing(capture, 1, &iov, 1);
		vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
		if (way == 0) {
			vgt_capture_command(capture, &unref, sizeof(unref), NULL, 0, 0);
		} else if (way == 1) {
			vgt_capture_response(capture, number, 22);
		} else if (way == 2) {
			vgt_capture_reset(capture, VGT_RESET_DEVICE);
		} else if (way == 3) {
			detach(capture, 1);
		} else {
			vgt_capture_backing(capture, 1, NULL, 0);
		}
		free(iov.iov_base);
		if (way < 3) {
			create_buffer(capture, 1, 0, 10);
		}
		vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
		finish(capture);
		size_t mem = 0;
		for (size_t i = 0; i < seen_count; i++) {
			mem += seen[i].type == VGT_RECORD_MEM;
		}
		assert_int_equal(mem, 1);
	}
}

static void test_order_and_numbers(void **state)
{
	(void)state;
	struct vgt_capture *capture = start();
	const struct vgt_capture_fact facts[] = {{"producer", "test"}, {"empty", ""}};
	assert_true(vgt_capture_is_recording(capture));
	vgt_capture_meta(capture, facts, 2);
	vgt_capture_meta(capture, NULL, 0);
	vgt_capture_capset(capture, 2, 1, "capset", 6);
	assert_int_equal(create_context(capture, 1), 0);
	vgt_capture_response(capture, 0, 0);
	assert_int_equal(create_texture(capture, 1, PRESENTABLE, 16), 1);
	vgt_capture_mark(capture, "a mark");
	vgt_capture_response(capture, 1, -5);
	vgt_capture_response(capture, VGT_NO_COMMAND, -6);
	const struct vgt_fence fence = {
		.event = VGT_FENCE_CREATED, .scope = VGT_FENCE_CONTEXT, .fence_id = 44};
	vgt_capture_fence(capture, &fence);
	assert_int_equal(SUBMIT(capture, 1, DRAW), 2);
	vgt_capture_answer(capture, 2, "answer", 6);
	vgt_capture_reset(capture, VGT_RESET_CLEANUP);
	assert_int_equal(create_context(capture, 1), 3);
	finish(capture);
	ASSERT_TYPES(VGT_RECORD_META, VGT_RECORD_CAPSET, VIRTIO_GPU_CMD_CTX_CREATE,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VGT_RECORD_MARK,
		VGT_RECORD_RESPONSE, VGT_RECORD_FENCE, VIRTIO_GPU_CMD_SUBMIT_3D,
		VGT_RECORD_RESPONSE, VGT_RECORD_RESET, VIRTIO_GPU_CMD_CTX_CREATE);
	assert_int_equal(seen[0].size, 14 + 7);
	assert_memory_equal(seen[0].payload, "producer=test\0empty=", 21);
	assert_memory_equal(seen[1].payload, "\2\0\0\0\1\0\0\0capset", 14);
	assert_int_equal(seen[2].command, 0);
	assert_int_equal(seen[4].command, 1);
	assert_int_equal(seen[8].command, 2);
	assert_int_equal(seen[11].command, 3);
	assert_response(3, 0, 0, 0, 0);
	assert_int_equal(seen[5].size, 6);
	assert_response(6, 1, -5, 0, 0);
	assert_memory_equal(seen[7].payload, &fence, sizeof(fence));
	assert_response(9, 2, 0, XXH64("answer", 6, 0), 6);
	assert_int_equal(seen[10].payload[0], VGT_RESET_CLEANUP);
}

/* What the device kept to itself, and what a guest sent that is no command. */
static void test_refused_and_bad(void **state)
{
	(void)state;
	fill_guest();
	struct vgt_capture *capture = start();
	uint64_t number = create_texture(capture, 1, PRESENTABLE, 16);
	vgt_capture_refused(capture, number, 0x1203);
	vgt_capture_refused(capture, VGT_NO_COMMAND, 0x1203);
	vgt_capture_bad_command(capture, NULL, 0);
	vgt_capture_bad_command(capture, guest, VGT_BAD_MAX);
	vgt_capture_bad_command(capture, guest, UINT64_MAX);
	/* it is not counted, and the resource is not there */
	const struct iovec iov = {guest, 1024};
	assert_int_equal(attach(capture, 1, &iov, 1), 1);
	const struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 4, 4, 1}, 0, 0);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VGT_RECORD_RESPONSE,
		VGT_RECORD_BAD_COMMAND, VGT_RECORD_BAD_COMMAND, VGT_RECORD_BAD_COMMAND,
		VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, VGT_RECORD_RESPONSE,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	const struct vgt_response refused = {
		.command = 0, .result = 0x1203, .class = VGT_RESPONSE_REFUSED};
	assert_memory_equal(seen[1].payload, &refused, sizeof(refused));
	static const uint64_t sizes[] = {0, VGT_BAD_MAX, UINT64_MAX};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		const size_t kept = sizes[i] ? VGT_BAD_MAX : 0;
		assert_int_equal(seen[2 + i].size, sizeof(struct vgt_bad_command) + kept);
		assert_memory_equal(seen[2 + i].payload, &sizes[i], sizeof(sizes[i]));
		assert_memory_equal(seen[2 + i].payload + 8, guest, kept);
		assert_int_equal(seen[2 + i].command, 1);
	}
}

static void test_frames(void **state)
{
	(void)state;
	struct vgt_capture *capture = start();
	create_context(capture, 1);
	create_texture(capture, 1, PRESENTABLE, 16);
	const struct virtio_gpu_transfer_host_3d readback =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 16, 16, 1}, 0, 0);
	uint8_t pixels[1024] = {0};
	const struct iovec own = {pixels, sizeof(pixels)};
	uint64_t number = vgt_capture_transfer_iov(capture, &readback, &own, 1, 0);
	vgt_capture_response(capture, number, 0);
	const struct virtio_gpu_set_scanout scanout = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, 16, 16}, 0, 1};
	const struct virtio_gpu_resource_flush flush = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 16, 16}, 1, 0};
	vgt_capture_command(capture, &scanout, sizeof(scanout), NULL, 0, 0);
	vgt_capture_command(capture, &flush, sizeof(flush), NULL, 0, 0);
	vgt_capture_command(capture, &flush, sizeof(flush), NULL, 0, 0);
	SUBMIT(capture, 1, MARKER, DRAW, MARKER, MARKER, MARKER, MARKER);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		VGT_RECORD_IOV, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, VGT_RECORD_FRAME,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_SET_SCANOUT, VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		VGT_RECORD_FRAME, VIRTIO_GPU_CMD_RESOURCE_FLUSH, VIRTIO_GPU_CMD_SUBMIT_3D,
		VGT_RECORD_FRAME, VGT_RECORD_FRAME, VGT_RECORD_FRAME, VGT_RECORD_FRAME,
		VGT_RECORD_FRAME);
	assert_frame(4, VGT_FRAME_READBACK, 1);
	assert_frame(8, VGT_FRAME_FLUSH, 1);
	assert_frame(11, VGT_FRAME_MARKER, 0);
	assert_int_equal(((struct vgt_frame *)seen[15].payload)->virgl_command, 5);
}

/* The digest is of the rows that the renderer writes, not of what lies between them. */
static void test_digests(void **state)
{
	(void)state;
	fill_guest();
	const struct iovec backing[] = {{guest, 50}, {guest + 100, 2000}};
	struct vgt_capture *capture = start();
	create_texture(capture, 1, PRESENTABLE, 16);
	attach(capture, 1, backing, 2);
	/* 3 rows of 4 texels, 20 bytes from row to row, at offset 10 */
	struct virtio_gpu_transfer_host_3d readback =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 4, 3, 1}, 10, 20);
	uint8_t rows[48];
	memcpy(rows, guest + 10, 16);
	memcpy(rows + 16, guest + 30, 16);
	memcpy(rows + 32, guest + 100, 16);
	uint64_t digest = XXH64(rows, sizeof(rows), 0);
	vgt_capture_readback(capture, 5, &readback, NULL, 0);
	guest[26] ^= 1; /* gaps */
	guest[49] ^= 1;
	vgt_capture_readback(capture, 6, &readback, NULL, 0);
	guest[25] ^= 1; /* the last byte of the first row */
	vgt_capture_readback(capture, 7, &readback, NULL, 0);
	/* an iovec of its own; of several layers only the first */
	readback.offset = 0;
	readback.stride = 16;
	const struct iovec own = {guest + 500, 200};
	vgt_capture_readback(capture, 8, &readback, &own, 1);
	/* nothing can be said: no such resource, box outside, without backing */
	readback.resource_id = 99;
	vgt_capture_readback(capture, 9, &readback, NULL, 0);
	readback.resource_id = 1;
	readback.box.w = 17;
	vgt_capture_readback(capture, 10, &readback, NULL, 0);
	create_texture(capture, 2, PRESENTABLE, 16);
	readback.resource_id = 2;
	readback.box.w = 4;
	vgt_capture_readback(capture, 11, &readback, NULL, 0);
	finish(capture);
	assert_int_equal(seen_count, 8);
	assert_response(3, 5, 0, digest, 48);
	assert_response(4, 6, 0, digest, 48);
	/* the control: what is a row's does change it */
	assert_int_not_equal(((struct vgt_response *)seen[5].payload)->digest, digest);
	assert_response(6, 8, 0, XXH64(guest + 500, 48, 0), 48);
}

static void test_polls(void **state)
{
	(void)state;
	struct vgt_capture *capture = start();
	struct vgt_fence fence = {.event = VGT_FENCE_CREATED, .fence_id = 1};
	vgt_capture_poll(capture, 0);
	vgt_capture_poll(capture, 0);
	vgt_capture_poll(capture, 0);
	vgt_capture_poll(capture, 7);
	vgt_capture_poll(capture, 7);
	vgt_capture_poll(capture, 0);
	create_context(capture, 1);
	vgt_capture_poll(capture, 0);
	vgt_capture_poll(capture, 0);
	/* a fence lies between: the poll that retires it is another one */
	vgt_capture_fence(capture, &fence);
	vgt_capture_poll(capture, 0);
	vgt_capture_poll(capture, 0);
	/* that it has retired changes nothing for the next poll */
	fence.event = VGT_FENCE_RETIRED;
	vgt_capture_fence(capture, &fence);
	vgt_capture_poll(capture, 0);
	finish(capture);
	ASSERT_TYPES(VGT_RECORD_POLL, VGT_RECORD_POLL, VGT_RECORD_POLL,
		VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_POLL, VGT_RECORD_FENCE, VGT_RECORD_POLL,
		VGT_RECORD_FENCE);
	assert_int_equal(((struct vgt_poll *)seen[0].payload)->ctx_id, 0);
	assert_int_equal(((struct vgt_poll *)seen[1].payload)->ctx_id, 7);
	assert_int_equal(((struct vgt_poll *)seen[2].payload)->ctx_id, 0);
}

static unsigned messages;
static char message[256];

static void on_message(void *opaque, const char *text)
{
	assert_ptr_equal(opaque, &messages);
	messages++;
	snprintf(message, sizeof(message), "%s", text);
}

/* Every call, on a capture that takes none of it. */
static void call_everything(struct vgt_capture *capture)
{
	const struct vgt_capture_fact fact = {"key", "value"};
	const struct vgt_fence fence = {.event = VGT_FENCE_RETIRED};
	const struct iovec iov = {guest, 1024};
	const struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 16, 16, 1}, 0, 0);
	assert_false(vgt_capture_is_recording(capture));
	vgt_capture_meta(capture, &fact, 1);
	vgt_capture_capset(capture, 1, 1, "capset", 6);
	assert_true(create_context(capture, 1) == VGT_NO_COMMAND);
	assert_true(create_texture(capture, 1, PRESENTABLE, 16) == VGT_NO_COMMAND);
	attach(capture, 1, &iov, 1);
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	assert_true(vgt_capture_transfer_iov(capture, &transfer, &iov, 1, 0) == VGT_NO_COMMAND);
	SUBMIT(capture, 1, DRAW, MARKER);
	vgt_capture_response(capture, 0, 0);
	vgt_capture_refused(capture, 0, 0x1200);
	vgt_capture_bad_command(capture, "bad", 3);
	vgt_capture_stop(capture, "a second time");
	vgt_capture_answer(capture, 0, "answer", 6);
	vgt_capture_readback(capture, 0, &transfer, &iov, 1);
	vgt_capture_readback(capture, 0, &transfer, NULL, 0);
	vgt_capture_fence(capture, &fence);
	vgt_capture_poll(capture, 0);
	vgt_capture_mark(capture, "mark");
	detach(capture, 1);
	vgt_capture_reset(capture, VGT_RESET_DEVICE);
}

static void test_max_frames(void **state)
{
	(void)state;
	messages = 0;
	const struct vgt_capture_options options = {.path = trace_path,
		.ring_directory = directory,
		.max_frames = 3,
		.message = on_message,
		.opaque = &messages};
	struct vgt_capture *capture = vgt_capture_create(&options, NULL);
	assert_non_null(capture);
	create_context(capture, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(vgt_capture_is_recording(capture));
		uint64_t number = SUBMIT(capture, 1, DRAW, MARKER);
		/* what came of the last one belongs to it */
		vgt_capture_response(capture, number, 0);
	}
	SUBMIT(capture, 1, DRAW, MARKER);
	call_everything(capture);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_FRAME,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_FRAME,
		VGT_RECORD_RESPONSE, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_FRAME,
		VGT_RECORD_RESPONSE);
	assert_string_equal(end_reason, "end.reason=frame limit");
	assert_int_equal(messages, 0);
}

/* By the VMM: its reason is told once, and is in the trace. */
static void test_stopped(void **state)
{
	(void)state;
	messages = 0;
	const struct vgt_capture_options options = {.path = trace_path,
		.ring_directory = directory,
		.message = on_message,
		.opaque = &messages};
	struct vgt_capture *capture = vgt_capture_create(&options, NULL);
	assert_non_null(capture);
	create_context(capture, 1);
	SUBMIT(capture, 1, DRAW, MARKER);
	const struct vgt_capture_progress progress = vgt_capture_progress(capture);
	assert_int_equal(progress.commands, 2);
	assert_int_equal(progress.frames, 1);
	assert_true(progress.stream_size >= 112 + 64 + 48);
	assert_true(progress.written > 0);
	vgt_capture_stop(capture, "no reason");
	call_everything(capture);
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VIRTIO_GPU_CMD_SUBMIT_3D, VGT_RECORD_FRAME);
	assert_string_equal(end_reason, "end.reason=no reason");
	assert_int_equal(messages, 1);
	assert_string_equal(message, "no reason");
}

static void test_stopped_by_size(void **state)
{
	(void)state;
	fill_guest();
	messages = 0;
	const struct vgt_capture_options options = {.path = trace_path,
		.ring_directory = directory,
		.ring_size = 1,
		.max_size = 20000,
		.message = on_message,
		.opaque = &messages};
	struct vgt_capture *capture = vgt_capture_create(&options, NULL);
	assert_non_null(capture);
	uint8_t noise[2000];
	uint32_t seed = 1;
	for (unsigned i = 0; vgt_capture_is_recording(capture); i++) {
		assert_true(i < 1000000);
		for (size_t j = 0; j < sizeof(noise); j++) {
			seed = seed * 1664525 + 1013904223;
			noise[j] = (uint8_t)(seed >> 24);
		}
		vgt_capture_capset(capture, 1, 1, noise, sizeof(noise));
	}
	call_everything(capture);
	struct vgt_err err;
	assert_false(vgt_capture_destroy(capture, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	assert_int_equal(messages, 1);
	assert_string_equal(message, err.message);
	struct stat status;
	assert_int_equal(stat(trace_path, &status), 0);
	assert_true(status.st_size <= 20000);
	read_back();
}

/* A gigabyte of gaps between rows, which the guest has from one page. */
static void test_stopped_by_gaps(void **state)
{
	(void)state;
	enum { REPEATED = 1024 };
	static struct iovec same[REPEATED];
	messages = 0;
	const struct vgt_capture_options options = {.path = trace_path,
		.ring_directory = directory,
		.message = on_message,
		.opaque = &messages};
	for (size_t i = 0; i < REPEATED; i++) {
		same[i] = (struct iovec){guest, VGT_MEM_MAX};
	}
	struct vgt_capture *capture = vgt_capture_create(&options, NULL);
	assert_non_null(capture);
	create_texture(capture, 1, PRESENTABLE, 64);
	attach(capture, 1, same, REPEATED);
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_of(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1,
			(struct virtio_gpu_box){0, 0, 0, 1, 64, 1}, 0, 4 << 20);
	/* 252 MiB may be, and what ends with the memory */
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	transfer.stride = 16 << 20;
	transfer.offset = (REPEATED - 1) * (uint64_t)VGT_MEM_MAX;
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	assert_true(vgt_capture_is_recording(capture));
	transfer.offset = 0;
	vgt_capture_command(capture, &transfer, sizeof(transfer), NULL, 0, 0);
	assert_false(vgt_capture_is_recording(capture));
	assert_int_equal(messages, 1);
	assert_string_equal(message, "a transfer of rows that lie too far apart");
	vgt_capture_destroy(capture, NULL);
	assert_int_equal(unlink(trace_path), 0);
}

static void test_null_capture(void **state)
{
	(void)state;
	call_everything(NULL);
	assert_int_equal(vgt_capture_progress(NULL).stream_size, 0);
	assert_true(vgt_capture_destroy(NULL, NULL));
	struct vgt_err err;
	const struct vgt_capture_options options = {.path = "/nonexistent/x.vgt"};
	assert_null(vgt_capture_create(&options, &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
}

static void test_fork(void **state)
{
	(void)state;
	struct vgt_capture *capture = start();
	create_context(capture, 1);
	pid_t child = fork();
	if (child == 0) {
		if (vgt_capture_is_recording(capture)) {
			_exit(1);
		}
		create_texture(capture, 1, PRESENTABLE, 16);
		vgt_capture_mark(capture, "the child's");
		_exit(vgt_capture_destroy(capture, NULL) ? 0 : 2);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	vgt_capture_mark(capture, "the parent's");
	finish(capture);
	ASSERT_TYPES(VIRTIO_GPU_CMD_CTX_CREATE, VGT_RECORD_MARK);
	assert_int_equal(seen[1].size, strlen("the parent's"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backing_in_segments),
		cmocka_unit_test(test_large_transfer),
		cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_segments_beyond_mem_max),
		cmocka_unit_test(test_own_iov),
		cmocka_unit_test(test_transfer_2d),
		cmocka_unit_test(test_transfers_in_submit),
		cmocka_unit_test(test_custom_detach),
		cmocka_unit_test(test_backing_goes),
		cmocka_unit_test(test_order_and_numbers),
		cmocka_unit_test(test_refused_and_bad),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_polls),
		cmocka_unit_test(test_max_frames),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_stopped_by_size),
		cmocka_unit_test(test_stopped_by_gaps),
		cmocka_unit_test(test_null_capture),
		cmocka_unit_test(test_fork),
	};
	int failed = cmocka_run_group_tests_name("capture", tests, group_setup, group_teardown);
	forget();
	return failed;
}
