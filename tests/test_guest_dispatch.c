/* SPDX-License-Identifier: MIT */
/*
 * Requests as they come from programs: right ones, wrong ones in every way, and those of 2017.
 * In all of these tests the buffer lies alone in the caller's memory, and each byte of it
 * becomes another as soon as the driver has read it: what is read twice is not the same any
 * more.
 */
#include "guest_world.h"

#include "dispatch.h"
#include "virgl_cmd.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#define OK        VGT_ESCAPE_OK
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))
#define PAGE      4096u

#define REQUEST(structure, name, number) \
	struct vgt_escape_##structure name = {.header = HEADER(number, sizeof(name))}
#define HEADER(number, bytes) \
	{ \
		.magic = VGT_ESCAPE_MAGIC, .version = VGT_ESCAPE_VERSION, \
		.request = VGT_ESCAPE_##number, .size = (bytes) \
	}

static struct world world;
static struct vgt_client *client;

static void spoil(void *context, uint64_t from, size_t size)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)from;
	(void)context;
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 0xa5;
	}
}

static int open_world(void **state)
{
	(void)state;
	world = world_open(NULL, NULL);
	client = world_client(&world);
	vgt_dm_on_copy_in(world.dm, spoil, NULL);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	vgt_dm_on_copy_in(world.dm, NULL, NULL);
	vgt_client_close(client);
	expect_idle(&world);
	expect_empty_device(&world);
	world_close(&world);
	return 0;
}

/* Has `size` bytes carried out, which become the answer: what the driver has not written is as
 * the request had it. */
static enum vgt_escape_status ask_as(struct vgt_client *asking, void *request, uint32_t size)
{
	uint8_t *buffer =
		malloc(size ? size : 1); /* of its own, so that ASan watches its end */
	memcpy(buffer, request, size);
	vgt_dm_caller_memory(world.dm, (uintptr_t)buffer, size ? size : 1);
	vgt_dm_watch_copies(world.dm, true);
	const enum vgt_escape_status status = vgt_dispatch(asking, (uintptr_t)buffer, size);
	assert_int_equal(vgt_dm_bytes_read_twice(world.dm), 0);
	assert_int_equal(vgt_dm_bytes_written_twice(world.dm), 0);
	vgt_dm_watch_copies(world.dm, false);
	vgt_dm_caller_memory(world.dm, 0, 0);
	memcpy(request, buffer, size);
	free(buffer);
	return status;
}

/* The same for the current protocol: the status that is returned is the one in the header. */
static enum vgt_escape_status ask_bytes(void *request, uint32_t size)
{
	const enum vgt_escape_status status = ask_as(client, request, size);
	const struct vgt_escape_header *header = request;
	assert_int_equal(header->status, status);
	assert_int_equal(header->version, VGT_ESCAPE_VERSION);
	return status;
}

#define ask(request) ask_bytes((request), sizeof(*(request)))

static uint32_t make_context(void)
{
	REQUEST(ctx_create, request, CTX_CREATE);
	assert_int_equal(ask(&request), OK);
	assert_int_equal(request.header.response, VIRTIO_GPU_RESP_OK_NODATA);
	return request.ctx;
}

static uint32_t make_resource(uint32_t *id)
{
	REQUEST(resource_create_3d, request, RESOURCE_CREATE_3D);
	request.bind = 1 << 4;
	request.format = 64;
	request.width = PAGE;
	request.height = request.depth = request.array_size = 1;
	assert_int_equal(ask(&request), OK);
	if (id) {
		*id = request.resource_id;
	}
	return request.resource;
}

static enum vgt_escape_status ask_resource(uint16_t number, uint32_t resource)
{
	REQUEST(resource, request, RESOURCE_DESTROY);
	request.header.request = number;
	request.resource = resource;
	return ask(&request);
}

static enum vgt_escape_status attach(uint32_t resource, uint64_t size)
{
	REQUEST(attach_backing, request, RESOURCE_ATTACH_BACKING);
	request.resource = resource;
	request.size = size;
	return ask(&request);
}

/* A submit of two NOPs, with one resource. */
struct submit {
	struct vgt_escape_submit_3d request;
	uint32_t list[2];
	uint32_t commands[2];
};

static struct submit make_submit(uint32_t ctx, uint32_t resource, bool fenced)
{
	struct submit submit = {.request = {.header = HEADER(SUBMIT_3D, sizeof(submit)),
					.ctx = ctx,
					.num_resources = 1,
					.commands_size = 8},
		.list = {resource},
		.commands = {0x11, 0x22}};
	submit.request.header.flags = fenced ? VGT_ESCAPE_FLAG_FENCE : 0;
	return submit;
}

static enum vgt_escape_status wait_for(uint64_t fence)
{
	REQUEST(fence, request, FENCE_WAIT);
	request.wanted = fence;
	request.timeout_ns = 1000000000;
	return ask(&request);
}

/* All requests, as a program sends them */

static void test_program(void **state)
{
	(void)state;
	REQUEST(get_version, version, GET_VERSION);
	assert_int_equal(ask(&version), OK);
	assert_true(version.features & VGT_ESCAPE_FEATURE_VIRGL);
	assert_int_equal(version.submit_max, world_limits().submit_max);
	REQUEST(get_capset_info, info, GET_CAPSET_INFO);
	assert_int_equal(ask(&info), OK);
	assert_int_equal(info.header.response, VIRTIO_GPU_RESP_OK_CAPSET_INFO);

	struct {
		struct vgt_escape_get_capset request;
		uint8_t bytes[2000];
	} capset = {.request = {.header = HEADER(GET_CAPSET, sizeof(capset)),
			    .capset_id = info.capset_id}};
	memset(capset.bytes, 0x77, sizeof(capset.bytes));
	uint32_t size;
	const void *expected = vgt_dm_gpu_capset(vgt_dm_gpu(world.dm), info.capset_id, &size);
	assert_int_equal(ask(&capset), OK);
	assert_int_equal(capset.request.capset_size, size);
	assert_memory_equal(capset.bytes, expected, size);
	assert_int_equal(capset.bytes[size], 0x77);

	const uint32_t ctx = make_context();
	uint32_t id;
	const uint32_t resource = make_resource(&id);
	assert_int_equal(attach(resource, PAGE), OK);
	REQUEST(resource_map, map, RESOURCE_MAP);
	map.resource = resource;
	assert_int_equal(ask(&map), OK);
	assert_int_equal(map.size, PAGE);
	*(uint32_t *)(uintptr_t)map.address = 0x12345678;
	REQUEST(ctx_resource, both, CTX_ATTACH_RESOURCE);
	both.ctx = ctx;
	both.resource = resource;
	assert_int_equal(ask(&both), OK);
	REQUEST(transfer_3d, transfer, TRANSFER_TO_HOST_3D);
	transfer.ctx = ctx;
	transfer.resource = resource;
	transfer.w = PAGE;
	transfer.h = transfer.d = 1;
	assert_int_equal(ask(&transfer), OK);
	assert_int_equal(
		*(const uint32_t *)(const void *)vgt_dm_gpu_resource(vgt_dm_gpu(world.dm), id)
			 ->shadow,
		0x12345678);
	struct submit submit = make_submit(ctx, resource, true);
	assert_int_equal(ask(&submit), OK);
	assert_int_equal(submit.request.header.fence, 1);
	assert_int_equal(submit.request.header.response, 0);
	*(uint32_t *)(uintptr_t)map.address = 0;
	transfer.header =
		(struct vgt_escape_header)HEADER(TRANSFER_FROM_HOST_3D, sizeof(transfer));
	transfer.header.flags = VGT_ESCAPE_FLAG_FENCE;
	assert_int_equal(ask(&transfer), OK);
	REQUEST(fence, fence, FENCE_QUERY);
	fence.wanted = 2;
	assert_int_equal(wait_for(2), OK);
	assert_int_equal(ask(&fence), OK);
	assert_int_equal(fence.retired, 2);
	assert_int_equal(fence.header.response, VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(*(uint32_t *)(uintptr_t)map.address, 0x12345678);
	const uint32_t *commands =
		vgt_dm_gpu_last_submit(vgt_dm_gpu(world.dm), &(uint32_t){0}, &size);
	assert_int_equal(size, 8);
	assert_int_equal(commands[0], 0x11);
	assert_int_equal(commands[1], 0x22);

	struct {
		struct vgt_escape_mark request;
		char text[8];
	} mark = {.request = {.header = HEADER(MARK, sizeof(mark) - 1),
			  .ctx = ctx,
			  .text_size = 7},
		.text = "a mark!"};
	assert_int_equal(ask(&mark), OK);
	commands = vgt_dm_gpu_last_submit(vgt_dm_gpu(world.dm), &(uint32_t){0}, &size);
	assert_memory_equal(commands + VIRGL_SEND_STRING_MARKER_OFFSET, "a mark!", 8);

	REQUEST(resource_busy, busy, RESOURCE_BUSY);
	busy.resource = resource;
	assert_int_equal(ask(&busy), OK);
	assert_int_equal(busy.fence, 2);
	assert_int_equal(busy.busy, 0);
	REQUEST(get_statistics, statistics, GET_STATISTICS);
	assert_int_equal(ask(&statistics), OK);
	assert_int_equal(statistics.contexts, 1);
	assert_int_equal(statistics.resources, 1);
	assert_int_equal(statistics.mapped, 1);
	assert_int_equal(statistics.submits, 1);
	assert_int_equal(statistics.submit_bytes, 8);
	assert_int_equal(statistics.transfers, 2);
	assert_int_equal(statistics.host_errors, 0);

	assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_UNMAP, resource), OK);
	assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_DETACH_BACKING, resource), OK);
	both.header = (struct vgt_escape_header)HEADER(CTX_DETACH_RESOURCE, sizeof(both));
	assert_int_equal(ask(&both), OK);
	assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource), OK);
	REQUEST(ctx_destroy, destroy, CTX_DESTROY);
	destroy.ctx = ctx;
	assert_int_equal(ask(&destroy), OK);
	assert_int_equal(
		ask_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource), VGT_ESCAPE_BAD_HANDLE);
}

/* What is wrong with a request */

static const struct shape {
	uint16_t request;
	uint32_t size;
	uint32_t reserved[2]; /* offsets of what must be 0; 0: none */
	bool fence, data;
} shapes[] = {
	{VGT_ESCAPE_GET_VERSION, sizeof(struct vgt_escape_get_version), {0}, false, true},
	{VGT_ESCAPE_GET_CAPSET_INFO, sizeof(struct vgt_escape_get_capset_info), {0}, false,
		false},
	{VGT_ESCAPE_GET_CAPSET, sizeof(struct vgt_escape_get_capset),
		{offsetof(struct vgt_escape_get_capset, reserved)}, false, true},
	{VGT_ESCAPE_CTX_CREATE, sizeof(struct vgt_escape_ctx_create),
		{offsetof(struct vgt_escape_ctx_create, reserved)}, false, false},
	{VGT_ESCAPE_CTX_DESTROY, sizeof(struct vgt_escape_ctx_destroy),
		{offsetof(struct vgt_escape_ctx_destroy, reserved)}, false, false},
	{VGT_ESCAPE_CTX_ATTACH_RESOURCE, sizeof(struct vgt_escape_ctx_resource), {0}, false,
		false},
	{VGT_ESCAPE_CTX_DETACH_RESOURCE, sizeof(struct vgt_escape_ctx_resource), {0}, false,
		false},
	{VGT_ESCAPE_RESOURCE_CREATE_3D, sizeof(struct vgt_escape_resource_create_3d), {0}, true,
		false},
	{VGT_ESCAPE_RESOURCE_DESTROY, sizeof(struct vgt_escape_resource),
		{offsetof(struct vgt_escape_resource, reserved)}, false, false},
	{VGT_ESCAPE_RESOURCE_ATTACH_BACKING, sizeof(struct vgt_escape_attach_backing),
		{offsetof(struct vgt_escape_attach_backing, reserved)}, false, false},
	{VGT_ESCAPE_RESOURCE_DETACH_BACKING, sizeof(struct vgt_escape_resource),
		{offsetof(struct vgt_escape_resource, reserved)}, false, false},
	{VGT_ESCAPE_RESOURCE_MAP, sizeof(struct vgt_escape_resource_map),
		{offsetof(struct vgt_escape_resource_map, reserved)}, false, false},
	{VGT_ESCAPE_RESOURCE_UNMAP, sizeof(struct vgt_escape_resource),
		{offsetof(struct vgt_escape_resource, reserved)}, false, false},
	{VGT_ESCAPE_RESOURCE_BUSY, sizeof(struct vgt_escape_resource_busy), {0}, false, false},
	{VGT_ESCAPE_TRANSFER_TO_HOST_3D, sizeof(struct vgt_escape_transfer_3d),
		{offsetof(struct vgt_escape_transfer_3d, reserved)}, true, false},
	{VGT_ESCAPE_TRANSFER_FROM_HOST_3D, sizeof(struct vgt_escape_transfer_3d),
		{offsetof(struct vgt_escape_transfer_3d, reserved)}, true, false},
	{VGT_ESCAPE_SUBMIT_3D, sizeof(struct vgt_escape_submit_3d),
		{offsetof(struct vgt_escape_submit_3d, reserved)}, true, true},
	/* a query has no time */
	{VGT_ESCAPE_FENCE_QUERY, sizeof(struct vgt_escape_fence),
		{offsetof(struct vgt_escape_fence, timeout_ns),
			offsetof(struct vgt_escape_fence, timeout_ns) + 4},
		false, false},
	{VGT_ESCAPE_FENCE_WAIT, sizeof(struct vgt_escape_fence), {0}, false, false},
	{VGT_ESCAPE_GET_STATISTICS, sizeof(struct vgt_escape_get_statistics), {0}, false,
		false},
	{VGT_ESCAPE_MARK, sizeof(struct vgt_escape_mark), {0}, false, true},
};

/* All zeros behind the header: no handle is right. */
static struct vgt_escape_header *blank(uint8_t *buffer, const struct shape *shape)
{
	struct vgt_escape_header *header = (void *)buffer;
	memset(buffer, 0, 256);
	header->magic = VGT_ESCAPE_MAGIC;
	header->version = VGT_ESCAPE_VERSION;
	header->request = shape->request;
	header->size = shape->size;
	return header;
}

static void test_sizes(void **state)
{
	uint64_t room[32];
	uint8_t *buffer = (uint8_t *)room;
	(void)state;
	assert_int_equal(COUNT(shapes), VGT_ESCAPE_MARK);
	for (size_t i = 0; i < COUNT(shapes); i++) {
		const struct shape *shape = &shapes[i];
		for (uint32_t size = 0; size <= shape->size + 16; size++) {
			const bool good =
				size == shape->size || (size > shape->size && shape->data);
			/* in the header, and the buffer has room */
			blank(buffer, shape)->size = size;
			const enum vgt_escape_status status = ask_bytes(buffer, 256);
			assert_true(good || status == VGT_ESCAPE_BAD_REQUEST);
			assert_true(!good || size != shape->size ||
				    status != VGT_ESCAPE_BAD_REQUEST || shape->fence ||
				    shape->data);
			/* of the buffer, and the header says the right one */
			blank(buffer, shape);
			if (size < shape->size) {
				assert_int_equal(
					ask_as(client, buffer, size), VGT_ESCAPE_BAD_REQUEST);
			}
		}
		blank(buffer, shape)->size = UINT32_MAX;
		assert_int_equal(ask_bytes(buffer, 256), VGT_ESCAPE_BAD_REQUEST);
	}
}

static void test_flags(void **state)
{
	uint64_t room[32];
	uint8_t *buffer = (uint8_t *)room;
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint32_t bit = 0; bit < 32; bit++) {
			const bool legal = bit == 0 && shapes[i].fence;
			struct vgt_escape_header *header = blank(buffer, &shapes[i]);
			header->flags = UINT32_C(1) << bit;
			if (!legal) {
				assert_int_equal(
					ask_bytes(buffer, 256), VGT_ESCAPE_BAD_REQUEST);
				assert_int_equal(header->fence, 0);
			}
		}
	}
	assert_int_equal(vgt_dm_log_size(world.dm), 0);
}

static void test_reserved(void **state)
{
	uint64_t room[32];
	uint8_t *buffer = (uint8_t *)room;
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint32_t k = 0; k < 2 && shapes[i].reserved[k]; k++) {
			for (uint32_t byte = 0; byte < 4; byte++) {
				blank(buffer, &shapes[i]);
				buffer[shapes[i].reserved[k] + byte] = 0x40;
				assert_int_equal(
					ask_bytes(buffer, 256), VGT_ESCAPE_BAD_REQUEST);
			}
		}
	}
	assert_int_equal(vgt_dm_log_size(world.dm), 0);
}

static void test_headers(void **state)
{
	uint64_t room[32];
	uint8_t *buffer = (uint8_t *)room;
	(void)state;
	for (uint32_t request = 0; request <= UINT16_MAX; request++) {
		blank(buffer, &shapes[0])->request = (uint16_t)request;
		if (request < VGT_ESCAPE_GET_VERSION || request > VGT_ESCAPE_MARK) {
			assert_int_equal(ask_bytes(buffer, 256), VGT_ESCAPE_UNKNOWN_REQUEST);
		}
	}
	for (uint32_t version = 0; version < 4; version++) {
		blank(buffer, &shapes[1])->version = (uint16_t)version;
		assert_true((ask_bytes(buffer, 256) == VGT_ESCAPE_BAD_VERSION) ==
			    (version != VGT_ESCAPE_VERSION));
		/* the one that is never refused for it */
		blank(buffer, &shapes[0])->version = (uint16_t)version;
		assert_int_equal(ask_bytes(buffer, 256), OK);
	}
	for (uint32_t bit = 0; bit < 32; bit++) {
		blank(buffer, &shapes[0])->magic ^= UINT32_C(1) << bit;
		assert_int_equal(ask_bytes(buffer, 256), VGT_ESCAPE_BAD_REQUEST);
	}
	/* what is out is written, always */
	struct vgt_escape_header *const header = blank(buffer, &shapes[0]);
	header->magic = 0x11111111;
	header->status = header->response = UINT32_MAX;
	header->fence = UINT64_MAX;
	assert_int_equal(ask_bytes(buffer, 256), VGT_ESCAPE_BAD_REQUEST);
	assert_int_equal(header->response, 0);
	assert_int_equal(header->fence, 0);
	/* request 0 of nobody */
	memset(buffer, 0, 256);
	assert_int_equal(ask_bytes(buffer, 256), VGT_ESCAPE_BAD_REQUEST);
}

/* Memory that the caller does not have: nothing happens, or its end takes care of it. */
static void test_addresses(void **state)
{
	(void)state;
	static uint8_t page[2 * PAGE];
	const uintptr_t end = (uintptr_t)page + PAGE;
	vgt_dm_on_copy_in(world.dm, NULL, NULL);
	vgt_dm_caller_memory(world.dm, (uintptr_t)page, PAGE);
	const struct submit submit = make_submit(0x4000, 0x4000, false);
	for (uint32_t inside = 0; inside < sizeof(submit); inside++) {
		memcpy((void *)(end - inside), &submit, sizeof(submit));
		vgt_dm_caller_memory(world.dm, (uintptr_t)page, PAGE);
		assert_int_equal(vgt_dispatch(client, end - inside, sizeof(submit)),
			VGT_ESCAPE_BAD_ADDRESS);
	}
	const uint64_t bad[] = {0, 8, UINT64_MAX, UINT64_MAX - 63, UINT64_C(1) << 63};
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(vgt_dispatch(client, bad[i], 64), VGT_ESCAPE_BAD_ADDRESS);
		assert_int_equal(
			vgt_dispatch(client, bad[i], UINT32_MAX), VGT_ESCAPE_BAD_ADDRESS);
	}
	assert_int_equal(vgt_dm_log_size(world.dm), 0);
	/* readable, not writable */
	REQUEST(ctx_create, request, CTX_CREATE);
	memcpy(page, &request, sizeof(request));
	vgt_dm_bad_memory(world.dm, (uintptr_t)page, PAGE, false, true);
	assert_int_equal(
		vgt_dispatch(client, (uintptr_t)page, sizeof(request)), VGT_ESCAPE_BAD_ADDRESS);
	/* its handle is told to nobody: it is given up */
	const uint64_t dmas = vgt_dm_usage(world.dm).dmas;
	memcpy(page, &(const uint32_t[4]){2, PAGE}, 16);
	assert_int_equal(vgt_dispatch(client, (uintptr_t)page, 16), VGT_ESCAPE_BAD_ADDRESS);
	assert_int_equal(vgt_dm_usage(world.dm).dmas, dmas);
	vgt_dm_bad_memory(world.dm, 0, 0, false, false);
	vgt_dm_caller_memory(world.dm, 0, 0);
}

static void test_submits(void **state)
{
	(void)state;
	const uint32_t ctx = make_context();
	const uint32_t resource = make_resource(NULL);
	const struct {
		uint32_t num_resources, commands_size;
		enum vgt_escape_status status;
	} cases[] = {
		{1, 8, OK},
		{0, 16, OK},
		{2, 8, VGT_ESCAPE_BAD_HANDLE}, /* the second is what was padding */
		{3, 0, VGT_ESCAPE_BAD_PARAMETER},
		{4, 0, VGT_ESCAPE_BAD_PARAMETER},
		{1, 4, VGT_ESCAPE_BAD_REQUEST},
		{1, 12, VGT_ESCAPE_BAD_REQUEST},
		{0, 8, VGT_ESCAPE_BAD_REQUEST},
		{5, 8, VGT_ESCAPE_BAD_REQUEST},
		{UINT32_MAX, 8, VGT_ESCAPE_BAD_REQUEST},
		{UINT32_MAX, 16, VGT_ESCAPE_BAD_REQUEST},
		{0x80000000, 16, VGT_ESCAPE_BAD_REQUEST},
		{1, UINT32_MAX, VGT_ESCAPE_BAD_REQUEST},
		{0, UINT32_MAX - 47, VGT_ESCAPE_BAD_REQUEST},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct submit submit = make_submit(ctx, resource, false);
		submit.request.num_resources = cases[i].num_resources;
		submit.request.commands_size = cases[i].commands_size;
		assert_int_equal(ask(&submit), cases[i].status);
	}
	struct submit submit = make_submit(ctx, resource, false);
	submit.list[1] = 1; /* padding */
	assert_int_equal(ask(&submit), VGT_ESCAPE_BAD_REQUEST);
	submit = make_submit(ctx, resource, false);
	submit.request.header.size = sizeof(submit) - 2;
	submit.request.commands_size = 6;
	assert_int_equal(ask(&submit), VGT_ESCAPE_BAD_PARAMETER);
	submit = make_submit(resource + 1, resource, true);
	assert_int_equal(ask(&submit), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(submit.request.header.fence, 0);
}

static void test_big_submits(void **state)
{
	(void)state;
	const struct vgt_gpu_limits limits = world_limits();
	const uint32_t ctx = make_context();
	const uint32_t resource = make_resource(NULL);
	const struct {
		uint32_t num_resources, commands_size;
		enum vgt_escape_status status;
	} cases[] = {
		{limits.submit_resources_max, limits.submit_max, OK},
		{limits.submit_resources_max + 1, 8, VGT_ESCAPE_OVER_LIMIT},
		{0, limits.submit_max + 4, VGT_ESCAPE_OVER_LIMIT},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const uint32_t list = (cases[i].num_resources + 1) / 2 * 8;
		const uint32_t size = (uint32_t)sizeof(struct vgt_escape_submit_3d) + list +
				      cases[i].commands_size;
		uint32_t *bytes = calloc(1, size);
		struct vgt_escape_submit_3d *request = (void *)bytes;
		*request = (struct vgt_escape_submit_3d){.header = HEADER(SUBMIT_3D, size),
			.ctx = ctx,
			.num_resources = cases[i].num_resources,
			.commands_size = cases[i].commands_size};
		for (uint32_t k = 0; k < cases[i].num_resources; k++) {
			bytes[sizeof(*request) / 4 + k] = resource;
		}
		uint8_t *commands = (uint8_t *)bytes + sizeof(*request) + list;
		for (uint32_t k = 0; k < cases[i].commands_size; k++) {
			commands[k] = (uint8_t)(k * 13 + k / 256);
		}
		uint8_t *copy = malloc(cases[i].commands_size);
		memcpy(copy, commands, cases[i].commands_size);
		assert_int_equal(ask_bytes(bytes, size), cases[i].status);
		if (cases[i].status == OK) {
			uint32_t submitted;
			assert_memory_equal(vgt_dm_gpu_last_submit(vgt_dm_gpu(world.dm),
						    &(uint32_t){0}, &submitted),
				copy, cases[i].commands_size);
			assert_int_equal(submitted, cases[i].commands_size);
		}
		free(copy);
		free(bytes);
	}
}

static struct flood {
	uint8_t buffer[48 + 65536]; /* submit_max */
	uint32_t calls, refused;
	uint64_t most; /* of DMA memory */
} flood;

static enum vgt_escape_status send_flood(void)
{
	return vgt_dispatch(client, (uintptr_t)flood.buffer, sizeof(flood.buffer));
}

/* One more thread, which does the same, while this one has just read its commands. */
static void flood_once(void *context, uint64_t from, size_t size)
{
	(void)context;
	(void)from;
	if (size == 65536 && flood.calls < 100) {
		const uint64_t bytes = vgt_dm_usage(world.dm).dma_bytes;
		flood.most = bytes > flood.most ? bytes : flood.most;
		flood.calls++;
		flood.refused += send_flood() == VGT_ESCAPE_OVER_LIMIT;
	}
}

/* Threads alone do not give a program more memory that is pinned. */
static void test_many_submits(void **state)
{
	const struct vgt_gpu_limits limits = world_limits();
	(void)state;
	const struct vgt_escape_submit_3d request = {
		.header = HEADER(SUBMIT_3D, sizeof(flood.buffer)),
		.ctx = make_context(),
		.commands_size = limits.submit_max};
	assert_int_equal(limits.submit_max, 65536);
	const uint64_t before = vgt_dm_usage(world.dm).dma_bytes;
	memcpy(flood.buffer, &request, sizeof(request));
	vgt_dm_on_copy_in(world.dm, flood_once, NULL);
	assert_int_equal(send_flood(), OK);
	vgt_dm_on_copy_in(world.dm, NULL, NULL);
	assert_int_equal(flood.most - before, limits.fences_max * limits.submit_max);
	assert_int_equal(flood.calls, limits.fences_max);
	assert_int_equal(flood.refused, 1);
	assert_int_equal(send_flood(), OK); /* nothing is left of it */
}

static void test_texts(void **state)
{
	(void)state;
	const uint32_t ctx = make_context();
	REQUEST(ctx_create, context, CTX_CREATE);
	context.name_size = 65;
	assert_int_equal(ask(&context), VGT_ESCAPE_BAD_PARAMETER);
	context.name_size = UINT32_MAX;
	assert_int_equal(ask(&context), VGT_ESCAPE_BAD_PARAMETER);
	context = (struct vgt_escape_ctx_create){
		.header = HEADER(CTX_CREATE, sizeof(context)), .name_size = 3, .name = "a\0b"};
	assert_int_equal(ask(&context), VGT_ESCAPE_BAD_PARAMETER);
	struct mark {
		struct vgt_escape_mark request;
		char text[264];
	};
	const struct {
		uint32_t text_size, data_size;
		enum vgt_escape_status status;
	} cases[] = {{1, 1, OK}, {256, 256, OK}, {257, 257, VGT_ESCAPE_BAD_PARAMETER},
		{0, 0, VGT_ESCAPE_BAD_PARAMETER}, {5, 4, VGT_ESCAPE_BAD_REQUEST},
		{4, 5, VGT_ESCAPE_BAD_REQUEST}, {UINT32_MAX, 8, VGT_ESCAPE_BAD_REQUEST}};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mark mark = {
			.request = {.header = HEADER(
					    MARK, sizeof(mark.request) + cases[i].data_size),
				.ctx = ctx,
				.text_size = cases[i].text_size}};
		memset(mark.text, 't', sizeof(mark.text));
		assert_int_equal(ask(&mark), cases[i].status);
	}
	struct mark mark = {.request = {.header = HEADER(MARK, sizeof(mark.request) + 3),
				    .ctx = ctx,
				    .text_size = 3},
		.text = "a\0b"};
	assert_int_equal(ask(&mark), VGT_ESCAPE_BAD_PARAMETER);
}

static void test_small_capset_buffers(void **state)
{
	struct {
		struct vgt_escape_get_capset request;
		uint8_t bytes[2000];
	} capset;
	uint32_t size;
	(void)state;
	vgt_dm_gpu_capset(vgt_dm_gpu(world.dm), VIRTIO_GPU_CAPSET_VIRGL2, &size);
	for (uint32_t room = 0; room <= size; room += room + 8 < size ? 8 : 1) {
		memset(&capset, 0x77, sizeof(capset));
		capset.request = (struct vgt_escape_get_capset){
			.header = HEADER(GET_CAPSET, sizeof(capset.request) + room),
			.capset_id = VIRTIO_GPU_CAPSET_VIRGL2};
		const enum vgt_escape_status status = ask(&capset);
		assert_int_equal(status, room < size ? VGT_ESCAPE_BUFFER_TOO_SMALL : OK);
		assert_int_equal(capset.request.capset_size, size);
		assert_int_equal(capset.bytes[room < size ? 0 : room], 0x77);
	}
}

static void note_bytes(void *context)
{
	uint64_t *bytes = context;
	*bytes = vgt_dm_usage(world.dm).bytes;
}

/* The driver's memory goes by what a capset may be, not by what the caller says. */
static void test_big_capset_buffer(void **state)
{
	static struct {
		struct vgt_escape_get_capset request;
		uint8_t bytes[1 << 20];
	} capset = {.request = {.header = HEADER(GET_CAPSET, sizeof(capset)),
			    .capset_id = VIRTIO_GPU_CAPSET_VIRGL2}};
	uint64_t bytes = 0;
	(void)state;
	const uint64_t before = vgt_dm_usage(world.dm).bytes;
	vgt_dm_on_wait(world.dm, note_bytes, &bytes);
	assert_int_equal(ask(&capset), OK);
	vgt_dm_on_wait(world.dm, NULL, NULL);
	assert_in_range(bytes, before + 1, before + 4 * PAGE);
}

/* Handles of others */

static void test_two_clients(void **state)
{
	struct vgt_client *first = client, *other = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context();
	const uint32_t resource = make_resource(NULL);
	assert_int_equal(attach(resource, PAGE), OK);
	struct submit submit = make_submit(ctx, resource, true);
	assert_int_equal(ask(&submit), OK);
	client = other;
	/* nothing of the first, by its handles or by its fences */
	assert_int_equal(
		ask_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_DETACH_BACKING, resource),
		VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(attach(resource, PAGE), VGT_ESCAPE_BAD_HANDLE);
	REQUEST(resource_map, map, RESOURCE_MAP);
	map.resource = resource;
	assert_int_equal(ask(&map), VGT_ESCAPE_BAD_HANDLE);
	submit = make_submit(ctx, resource, false);
	assert_int_equal(ask(&submit), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(wait_for(1), VGT_ESCAPE_BAD_PARAMETER);
	const uint32_t own = make_context();
	submit = make_submit(own, resource, false);
	assert_int_equal(ask(&submit), VGT_ESCAPE_BAD_HANDLE);
	REQUEST(ctx_resource, both, CTX_ATTACH_RESOURCE);
	both.ctx = own;
	both.resource = resource;
	assert_int_equal(ask(&both), VGT_ESCAPE_BAD_HANDLE);
	/* and its own fences are its own */
	const uint32_t own_resource = make_resource(NULL);
	submit = make_submit(own, own_resource, true);
	assert_int_equal(ask(&submit), OK);
	assert_int_equal(submit.request.header.fence, 1);
	assert_int_equal(wait_for(1), OK);
	client = first;
	assert_int_equal(wait_for(1), OK);
	vgt_client_close(other);
	assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_DETACH_BACKING, resource), OK);
}

static void test_forged_handles(void **state)
{
	(void)state;
	const uint32_t resource = make_resource(NULL);
	for (uint32_t bit = 0; bit < 32; bit++) {
		assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_DETACH_BACKING,
					 resource ^ UINT32_C(1) << bit),
			VGT_ESCAPE_BAD_HANDLE);
	}
	/* of another kind, and one that was destroyed and whose place is another's now */
	const uint32_t ctx = make_context();
	struct submit submit = make_submit(ctx, ctx, false);
	submit.list[0] = make_resource(NULL);
	assert_int_equal(ask(&submit), OK);
	assert_int_equal(ask_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource), OK);
	make_resource(NULL);
	assert_int_equal(
		ask_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource), VGT_ESCAPE_BAD_HANDLE);
}

/* Each allocation fails in turn */

static void send_all(void)
{
	union {
		struct vgt_escape_header header;
		uint8_t bytes[2400];
	} request;
	uint32_t ctx = 0, resource = 0;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		const uint16_t order[] = {4, 8, 10, 12, 6, 15, 17, 19, 21, 3, 16, 14, 20, 18,
			13, 7, 11, 9, 5, 1, 2};
		const struct shape *shape = &shapes[order[i] - 1];
		blank(request.bytes, shape);
		uint32_t *field = (void *)(request.bytes + sizeof(request.header));
		uint32_t size = shape->size;
		request.header.flags = shape->fence ? VGT_ESCAPE_FLAG_FENCE : 0;
		switch (shape->request) {
		case VGT_ESCAPE_RESOURCE_CREATE_3D:
			field[3] = field[4] = field[5] = field[6] = 1;
			break;
		case VGT_ESCAPE_SUBMIT_3D:
			*(struct submit *)(void *)&request = make_submit(ctx, resource, true);
			size = sizeof(struct submit);
			break;
		case VGT_ESCAPE_MARK:
			field[1] = 8;
			memset(field + 2, 'm', 8);
			size += 8;
			field[0] = ctx;
			break;
		case VGT_ESCAPE_GET_CAPSET:
			field[0] = VIRTIO_GPU_CAPSET_VIRGL2;
			size = sizeof(request);
			break;
		case VGT_ESCAPE_CTX_CREATE:
			break;
		case VGT_ESCAPE_RESOURCE_ATTACH_BACKING:
			field[0] = resource;
			field[2] = 3 * PAGE;
			break;
		case VGT_ESCAPE_FENCE_QUERY:
		case VGT_ESCAPE_FENCE_WAIT:
			field[0] = 1;
			break;
		case VGT_ESCAPE_CTX_ATTACH_RESOURCE:
		case VGT_ESCAPE_CTX_DETACH_RESOURCE:
		case VGT_ESCAPE_TRANSFER_TO_HOST_3D:
		case VGT_ESCAPE_TRANSFER_FROM_HOST_3D:
			field[0] = ctx;
			field[1] = resource;
			break;
		default:
			field[0] = shape->request == VGT_ESCAPE_CTX_DESTROY ? ctx : resource;
			field[0] = shape->request == VGT_ESCAPE_GET_CAPSET_INFO ? 0 : field[0];
			break;
		}
		request.header.size = size;
		const enum vgt_escape_status status = ask_bytes(&request, size);
		if (shape->request == VGT_ESCAPE_CTX_CREATE) {
			ctx = status == OK ? field[18] : 0;
		} else if (shape->request == VGT_ESCAPE_RESOURCE_CREATE_3D) {
			resource = status == OK ? field[10] : 0;
		}
	}
}

static void test_out_of_memory(void **state)
{
	(void)state;
	uint64_t before = vgt_dm_usage(world.dm).requests;
	send_all();
	REQUEST(get_statistics, statistics, GET_STATISTICS);
	assert_int_equal(ask(&statistics), OK);
	assert_int_equal(statistics.host_errors, 0);
	const uint64_t requests = vgt_dm_usage(world.dm).requests - before;
	assert_true(requests > 10);
	for (uint64_t nth = 1; nth <= requests; nth++) {
		vgt_dm_fail_request(world.dm, nth, 1);
		send_all();
		vgt_dm_fail_request(world.dm, nth, UINT64_MAX);
		send_all();
		vgt_dm_fail_request(world.dm, 0, 0);
		world_settle(&world);
		/* what was made is gone, and counts no more */
		statistics.header =
			(struct vgt_escape_header)HEADER(GET_STATISTICS, sizeof(statistics));
		assert_int_equal(ask(&statistics), OK);
		assert_int_equal(statistics.contexts, 0);
		assert_int_equal(statistics.resources, 0);
		assert_int_equal(statistics.backing_bytes, 0);
		expect_empty_device(&world);
	}
}

/* Each fault of the older protocols */

static enum vgt_escape_status ask_2017(void *request, uint32_t size)
{
	return ask_as(client, request, size);
}

struct allocate_2017 {
	uint32_t command, size;
	uint64_t handle;
};

static uint64_t allocate_2017(uint32_t size)
{
	struct allocate_2017 request = {.command = 2, .size = size};
	assert_int_equal(ask_2017(&request, sizeof(request)), OK);
	return request.handle;
}

struct update_2017 {
	uint32_t command, padding;
	uint64_t handle;
	uint32_t size, data_32;
	uint64_t data_64;
};

struct free_2017 {
	uint32_t command, padding;
	uint64_t handle;
};

static enum vgt_escape_status free_2017(uint64_t handle)
{
	struct free_2017 request = {.command = 4, .handle = handle};
	return ask_2017(&request, sizeof(request));
}

/* UPDATE with the 16 bytes of FREE: neither frees, nor takes what lies behind for a pointer. */
static void fault_2017_free_sends_update(void **state)
{
	(void)state;
	const uint64_t handle = allocate_2017(PAGE);
	struct free_2017 request = {.command = 3, .handle = handle};
	assert_int_equal(ask_2017(&request, sizeof(request)), VGT_ESCAPE_BAD_REQUEST);
	assert_int_equal(free_2017(handle), OK);
	assert_int_equal(free_2017(handle), VGT_ESCAPE_BAD_HANDLE);
}

/* 24 bytes of a 32-bit caller against 32: each is read as what it is. */
static void fault_2017_pointer_in_the_abi(void **state)
{
	(void)state;
	static uint8_t data[64];
	const uint64_t handle = allocate_2017(PAGE);
	struct update_2017 request = {.command = 3,
		.handle = handle,
		.size = sizeof(data),
		.data_64 = (uintptr_t)data};
	vgt_dm_caller_memory(world.dm, 0, 0);
	assert_int_equal(vgt_dispatch(client, (uintptr_t)&request, sizeof(request)), OK);
	assert_int_equal(data[0], 0xa5); /* it was read, and then spoilt */
	/* the shorter one has its pointer at 20, and what is there is no address here */
	request = (struct update_2017){.command = 3,
		.handle = handle,
		.size = sizeof(data),
		.data_32 = 16,
		.data_64 = (uintptr_t)data};
	assert_int_equal(vgt_dispatch(client, (uintptr_t)&request, 24), VGT_ESCAPE_BAD_ADDRESS);
	void *const low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	assert_ptr_not_equal(low, MAP_FAILED);
	request = (struct update_2017){.command = 3,
		.handle = handle,
		.size = sizeof(data),
		.data_32 = (uint32_t)(uintptr_t)low};
	assert_int_equal(vgt_dispatch(client, (uintptr_t)&request, 24), OK);
	assert_int_equal(*(uint8_t *)low, 0xa5);
	munmap(low, PAGE);
	for (uint32_t size = 4; size <= sizeof(request); size++) {
		request = (struct update_2017){.command = 3, .handle = handle};
		if (size != 24 && size != 32) {
			assert_int_equal(ask_2017(&request, size), VGT_ESCAPE_BAD_REQUEST);
		}
	}
	assert_int_equal(free_2017(handle), OK);
}

static void fault_2017_sizes_of_the_wrong_struct(void **state)
{
	(void)state;
	for (uint32_t size = 4; size < 64; size++) {
		uint32_t request[16] = {2, PAGE};
		if (size != 16) {
			assert_int_equal(ask_2017(request, size), VGT_ESCAPE_BAD_REQUEST);
			memset(request, 0, sizeof(request));
			request[0] = 4;
			assert_int_equal(ask_2017(request, size), VGT_ESCAPE_BAD_REQUEST);
		}
	}
	/* nor is more written than was allocated */
	const uint64_t handle = allocate_2017(16);
	static uint8_t data[PAGE];
	struct update_2017 request = {
		.command = 3, .handle = handle, .size = 17, .data_64 = (uintptr_t)data};
	vgt_dm_caller_memory(world.dm, 0, 0);
	assert_int_equal(vgt_dispatch(client, (uintptr_t)&request, sizeof(request)),
		VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(free_2017(handle), OK);
}

static void fault_2017_status_always_success(void **state)
{
	(void)state;
	struct allocate_2017 request = {.command = 2};
	assert_int_equal(ask_2017(&request, sizeof(request)), VGT_ESCAPE_BAD_PARAMETER);
	request = (struct allocate_2017){.command = 2, .size = UINT32_MAX};
	assert_int_equal(ask_2017(&request, sizeof(request)), VGT_ESCAPE_OVER_LIMIT);
	/* its structure, the memory, the table of handles */
	for (uint64_t nth = 1; nth <= 3; nth++) {
		request = (struct allocate_2017){.command = 2, .size = PAGE};
		vgt_dm_fail_request(world.dm, nth, 1);
		assert_int_equal(ask_2017(&request, sizeof(request)), VGT_ESCAPE_NO_MEMORY);
		vgt_dm_fail_request(world.dm, 0, 0);
	}
	REQUEST(get_statistics, statistics, GET_STATISTICS);
	assert_int_equal(ask(&statistics), OK);
	assert_int_equal(statistics.backing_bytes, 0);
	assert_int_equal(free_2017(1), VGT_ESCAPE_BAD_HANDLE);
}

static void fault_2017_kernel_pointers_as_handles(void **state)
{
	(void)state;
	const uint64_t handle = allocate_2017(PAGE);
	assert_in_range(handle, 1, UINT32_MAX);
	for (uint32_t bit = 0; bit < 64; bit++) {
		assert_int_equal(free_2017(handle ^ UINT64_C(1) << bit), VGT_ESCAPE_BAD_HANDLE);
	}
	/* of others */
	struct vgt_client *first = client;
	client = world_client(&world);
	assert_int_equal(free_2017(handle), VGT_ESCAPE_BAD_HANDLE);
	vgt_client_close(client);
	client = first;
	assert_int_equal(free_2017(handle), OK);
	/* the driver takes care of what nobody frees: close_world() */
	allocate_2017(PAGE);
}

static void fault_2017_commands_passed_through(void **state)
{
	(void)state;
	struct {
		uint32_t command;
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_mem_entry entry;
	} request = {.command = 1,
		.attach = {.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING},
			.resource_id = 1,
			.nr_entries = 1},
		.entry = {.addr = 0, .length = PAGE}};
	make_resource(NULL);
	vgt_dm_forget_log(world.dm);
	assert_int_equal(ask_2017(&request, sizeof(request)), VGT_ESCAPE_UNSUPPORTED);
	for (uint32_t size = 4; size < sizeof(request); size++) {
		request.command = 1;
		assert_int_equal(ask_2017(&request, size), VGT_ESCAPE_UNSUPPORTED);
	}
	assert_int_equal(vgt_dm_log_size(world.dm), 0);
}

static void fault_2017_no_fences(void **state)
{
	(void)state;
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	struct submit submit = make_submit(make_context(), make_resource(NULL), true);
	assert_int_equal(ask(&submit), OK);
	REQUEST(fence, fence, FENCE_QUERY);
	fence.wanted = submit.request.header.fence;
	assert_int_equal(ask(&fence), VGT_ESCAPE_PENDING);
	world_settle(&world);
	vgt_dm_release(world.dm, 1);
	assert_int_equal(wait_for(1), OK);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_AT_ONCE, 0);
}

static void fault_2017_no_readback(void **state)
{
	(void)state;
	const uint32_t resource = make_resource(NULL);
	assert_int_equal(attach(resource, PAGE), OK);
	REQUEST(resource_map, map, RESOURCE_MAP);
	map.resource = resource;
	assert_int_equal(ask(&map), OK);
	memset(vgt_dm_gpu_resource(vgt_dm_gpu(world.dm), 1)->shadow, 0x42, PAGE);
	REQUEST(transfer_3d, transfer, TRANSFER_FROM_HOST_3D);
	transfer.resource = resource;
	transfer.w = PAGE;
	transfer.h = transfer.d = 1;
	assert_int_equal(ask(&transfer), OK);
	assert_int_equal(((uint8_t *)(uintptr_t)map.address)[PAGE - 1], 0x42);
}

static void fault_2017_no_capsets(void **state)
{
	(void)state;
	REQUEST(get_version, version, GET_VERSION);
	assert_int_equal(ask(&version), OK);
	assert_true(version.num_capsets > 0);
	test_small_capset_buffers(state);
}

static void fault_2017_no_error_codes(void **state)
{
	(void)state;
	const struct vgt_dm_plan plan = {
		.count = 1, .value = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY};
	vgt_dm_plant(world.dm, VGT_DM_REFUSED, &plan);
	REQUEST(ctx_create, request, CTX_CREATE);
	assert_int_equal(ask(&request), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(request.header.response, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
}

/* sizeof a pointer is 4 or 8: a buffer of that size gets no further than its magic. */
static void fault_viogpu3d_size_of_a_pointer(void **state)
{
	uint64_t room[32];
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		blank((uint8_t *)room, &shapes[i])->size = 8;
		assert_int_equal(ask_as(client, room, 8), VGT_ESCAPE_BAD_REQUEST);
		blank((uint8_t *)room, &shapes[i])->size = 4;
		assert_int_equal(ask_as(client, room, 4), VGT_ESCAPE_BAD_REQUEST);
	}
}

/* What the request says of its data must lie within the buffer. */
static void fault_viogpu3d_data_length_unchecked(void **state)
{
	(void)state;
	test_submits(state);
}

/* Any number for a capset: it is compared, and is no index and no shift. */
static void fault_viogpu3d_unbounded_capset(void **state)
{
	(void)state;
	const uint32_t numbers[] = {0, 3, 31, 32, 63, 64, 0x7fffffff, 0x80000000, UINT32_MAX};
	for (size_t i = 0; i < COUNT(numbers); i++) {
		REQUEST(get_capset, capset, GET_CAPSET);
		capset.capset_id = numbers[i];
		assert_int_equal(ask(&capset), VGT_ESCAPE_BAD_PARAMETER);
		REQUEST(get_capset_info, info, GET_CAPSET_INFO);
		info.capset_index = numbers[i] | 0x40;
		assert_int_equal(ask(&info), VGT_ESCAPE_BAD_PARAMETER);
	}
	/* nor is what the device says of their number */
	vgt_dm_set_num_capsets(world.dm, UINT32_MAX);
	assert_int_equal(vgt_gpu_reset(world.gpu), OK);
	vgt_client_close(client);
	client = world_client(&world);
	REQUEST(get_capset, capset, GET_CAPSET);
	capset.capset_id = 99;
	assert_true(ask(&capset) != OK);
}

static void fault_viogpu3d_unprobed_pointer(void **state)
{
	test_addresses(state);
}

/* 24 against 20 bytes: tests/e2e/escape_layout.sh compares all offsets; here: no structure has
 * a tail that 32 bits would not have. */
static void fault_viogpu3d_24_against_20_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		assert_int_equal(shapes[i].size % 8, 0);
	}
	assert_int_equal(sizeof(struct vgt_escape_submit_3d), 48);
	assert_int_equal(offsetof(struct vgt_escape_transfer_3d, offset) % 8, 0);
}

static void fault_viogpu3d_host_errors_dropped(void **state)
{
	(void)state;
	const struct vgt_dm_plan plan = {.type = VIRTIO_GPU_CMD_SUBMIT_3D,
		.count = 1,
		.value = VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID};
	vgt_dm_plant(world.dm, VGT_DM_REFUSED, &plan);
	struct submit submit = make_submit(make_context(), make_resource(NULL), true);
	assert_int_equal(ask(&submit), OK);
	REQUEST(fence, fence, FENCE_WAIT);
	fence.wanted = 1;
	fence.timeout_ns = VGT_ESCAPE_TIMEOUT_MAX;
	assert_int_equal(ask(&fence), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(fence.header.response, VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	assert_int_equal(fence.failed, 1);
	REQUEST(get_statistics, statistics, GET_STATISTICS);
	assert_int_equal(ask(&statistics), OK);
	assert_int_equal(statistics.host_errors, 1);
}

static void fault_viogpu3d_waits_without_time_out(void **state)
{
	(void)state;
	const uint64_t before = world.platform->now(world.platform->self);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	struct submit submit = make_submit(make_context(), make_resource(NULL), true);
	assert_int_equal(ask(&submit), OK);
	assert_int_equal(wait_for(1), VGT_ESCAPE_TIMED_OUT);
	REQUEST(fence, fence, FENCE_WAIT);
	fence.wanted = 1;
	fence.timeout_ns = UINT64_MAX;
	assert_int_equal(ask(&fence), VGT_ESCAPE_BAD_PARAMETER);
	/* without a fence, on a device that never answers */
	const struct vgt_dm_plan plan = {.count = UINT32_MAX};
	vgt_dm_plant(world.dm, VGT_DM_NO_ANSWER, &plan);
	REQUEST(ctx_create, context, CTX_CREATE);
	assert_int_equal(ask(&context), VGT_ESCAPE_DEVICE_LOST);
	const uint64_t passed = world.platform->now(world.platform->self) - before;
	assert_in_range(passed, vgt_gpu_default_limits.device_timeout_ns,
		2 * vgt_gpu_default_limits.device_timeout_ns);
	vgt_dm_plant(world.dm, VGT_DM_NO_ANSWER, NULL);
	assert_int_equal(vgt_gpu_reset(world.gpu), OK);
}

/* The control: a dispatcher that reads twice is found. */
static void test_control(void **state)
{
	uint32_t word = 1, copy;
	(void)state;
	vgt_dm_watch_copies(world.dm, true);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(world.platform->copy_in(
			world.platform->self, NULL, &copy, (uintptr_t)&word, sizeof(word)));
	}
	assert_int_equal(vgt_dm_bytes_read_twice(world.dm), 4);
	assert_int_equal(word, 1); /* spoilt twice */
	vgt_dm_watch_copies(world.dm, false);
}

/* Two clients at once, two threads each, and resets meanwhile: for SANITIZE=thread */

struct worker {
	pthread_t thread;
	struct vgt_client *client;
	uint32_t state;
	const uint32_t *shared; /* handles that the other thread of the client has, too */
	bool resets;            /* somebody does, meanwhile */
};

static uint32_t draw(struct worker *worker)
{
	worker->state = worker->state * 1664525 + 1013904223;
	return worker->state >> 8;
}

static enum vgt_escape_status work_resource(
	struct worker *worker, uint16_t number, uint32_t resource)
{
	REQUEST(resource, request, RESOURCE_DESTROY);
	request.header.request = number;
	request.resource = resource;
	return vgt_dispatch(worker->client, (uintptr_t)&request, sizeof(request));
}

static void work_once(struct worker *worker)
{
	const uint32_t ctx = worker->shared[0];
	const uint32_t resource = worker->shared[1 + draw(worker) % 3];
	const bool fenced = draw(worker) % 2;
	struct submit submit = make_submit(ctx, resource, fenced);
	REQUEST(transfer_3d, transfer, TRANSFER_TO_HOST_3D);
	REQUEST(attach_backing, backing, RESOURCE_ATTACH_BACKING);
	REQUEST(fence, fence, FENCE_WAIT);
	REQUEST(resource_map, map, RESOURCE_MAP);
	REQUEST(resource_create_3d, create, RESOURCE_CREATE_3D);
	REQUEST(get_version, version, GET_VERSION);
	assert_int_equal(
		vgt_dispatch(worker->client, (uintptr_t)&version, sizeof(version)), OK);
	switch (draw(worker) % 8) {
	case 0:
		backing.resource = resource;
		backing.size = PAGE;
		vgt_dispatch(worker->client, (uintptr_t)&backing, sizeof(backing));
		break;
	case 1:
		work_resource(worker, VGT_ESCAPE_RESOURCE_DETACH_BACKING, resource);
		break;
	case 2:
	case 3:
		transfer.resource = resource;
		transfer.header.flags = fenced ? VGT_ESCAPE_FLAG_FENCE : 0;
		transfer.w = transfer.h = transfer.d = 1;
		vgt_dispatch(worker->client, (uintptr_t)&transfer, sizeof(transfer));
		break;
	case 4:
		map.resource = resource;
		vgt_dispatch(worker->client, (uintptr_t)&map, sizeof(map));
		work_resource(worker, VGT_ESCAPE_RESOURCE_UNMAP, resource);
		break;
	case 5:
		create.width = create.height = create.depth = create.array_size = 1;
		create.header.flags = fenced ? VGT_ESCAPE_FLAG_FENCE : 0;
		vgt_dispatch(worker->client, (uintptr_t)&create, sizeof(create));
		work_resource(worker, VGT_ESCAPE_RESOURCE_DESTROY, create.resource);
		break;
	default:
		if (vgt_dispatch(worker->client, (uintptr_t)&submit, sizeof(submit)) != OK) {
			assert_true(worker->resets);
		}
		fence.wanted = submit.request.header.fence;
		fence.timeout_ns = 1000000000;
		vgt_dispatch(worker->client, (uintptr_t)&fence, sizeof(fence));
		break;
	}
}

static void *work(void *context)
{
	struct worker *worker = context;
	for (uint32_t i = 0; i < 300; i++) {
		work_once(worker);
	}
	return NULL;
}

static void run_threads(uint32_t resets)
{
	const struct vgt_dm_options options = {.threaded = true};
	struct world threaded = world_open(&options, NULL);
	struct vgt_client *clients[2];
	uint32_t shared[2][4];
	struct worker workers[4];
	for (uint32_t i = 0; i < 2; i++) {
		clients[i] = world_client(&threaded);
		REQUEST(ctx_create, context, CTX_CREATE);
		assert_int_equal(
			vgt_dispatch(clients[i], (uintptr_t)&context, sizeof(context)), OK);
		shared[i][0] = context.ctx;
		for (uint32_t k = 1; k < 4; k++) {
			REQUEST(resource_create_3d, create, RESOURCE_CREATE_3D);
			create.width = create.height = create.depth = create.array_size = 1;
			assert_int_equal(
				vgt_dispatch(clients[i], (uintptr_t)&create, sizeof(create)),
				OK);
			shared[i][k] = create.resource;
		}
	}
	for (uint32_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){.client = clients[i / 2],
			.state = i,
			.shared = shared[i / 2],
			.resets = resets != 0};
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < resets; i++) {
		assert_int_equal(vgt_gpu_reset(threaded.gpu), OK);
	}
	for (uint32_t i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
	}
	vgt_client_close(clients[0]);
	vgt_client_close(clients[1]);
	world_close(&threaded);
}

static void test_threads(void **state)
{
	(void)state;
	run_threads(0);
}

/* The clients are lost with the first one, and end as they were. */
static void test_threads_and_resets(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		run_threads(2);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_program),
		TEST(test_sizes),
		TEST(test_flags),
		TEST(test_reserved),
		TEST(test_headers),
		TEST(test_addresses),
		TEST(test_submits),
		TEST(test_big_submits),
		TEST(test_many_submits),
		TEST(test_texts),
		TEST(test_small_capset_buffers),
		TEST(test_big_capset_buffer),
		TEST(test_two_clients),
		TEST(test_forged_handles),
		TEST(test_out_of_memory),
		TEST(fault_2017_free_sends_update),
		TEST(fault_2017_pointer_in_the_abi),
		TEST(fault_2017_sizes_of_the_wrong_struct),
		TEST(fault_2017_status_always_success),
		TEST(fault_2017_kernel_pointers_as_handles),
		TEST(fault_2017_commands_passed_through),
		TEST(fault_2017_no_fences),
		TEST(fault_2017_no_readback),
		TEST(fault_2017_no_capsets),
		TEST(fault_2017_no_error_codes),
		TEST(fault_viogpu3d_size_of_a_pointer),
		TEST(fault_viogpu3d_data_length_unchecked),
		TEST(fault_viogpu3d_unbounded_capset),
		TEST(fault_viogpu3d_unprobed_pointer),
		TEST(fault_viogpu3d_24_against_20_bytes),
		TEST(fault_viogpu3d_host_errors_dropped),
		TEST(fault_viogpu3d_waits_without_time_out),
		TEST(test_control),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_threads_and_resets),
	};
	return cmocka_run_group_tests_name("guest_dispatch", tests, NULL, NULL);
}
