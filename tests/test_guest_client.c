/* SPDX-License-Identifier: MIT */
#include "guest_world.h"

#include "id_pool.h"
#include "virgl_capset.h"
#include "virgl_cmd.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

/* What clients hold, and that nothing of it is freed too early, too late or not at all. The
 * device model reports memory that is freed while the device may use it. */

#define OK        VGT_ESCAPE_OK
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))
#define PAGE      4096u
#define SECOND    UINT64_C(1000000000)

static struct vgt_answer answer;

/* Short forms of the calls */

static uint32_t make_context(struct vgt_client *client)
{
	struct vgt_escape_ctx_create request = {.name_size = 4, .name = "test"};
	assert_int_equal(vgt_client_ctx_create(client, &request, &answer), OK);
	assert_int_not_equal(request.ctx, 0);
	return request.ctx;
}

static const struct vgt_escape_resource_create_3d buffer = {
	.bind = 1 << 4, .width = PAGE, .height = 1, .depth = 1, .array_size = 1, .format = 64};

static uint32_t make_resource(struct vgt_client *client)
{
	struct vgt_escape_resource_create_3d request = buffer;
	assert_int_equal(vgt_client_resource_create_3d(client, &request, false, &answer), OK);
	assert_int_not_equal(request.resource, 0);
	return request.resource;
}

static uint32_t make_backed(struct vgt_client *client, uint64_t size)
{
	const uint32_t resource = make_resource(client);
	assert_int_equal(vgt_client_attach_backing(client, resource, size, &answer), OK);
	return resource;
}

static enum vgt_escape_status submit(struct vgt_client *client, uint32_t ctx,
	const uint32_t *resources, uint32_t count, bool fenced)
{
	struct vgt_dma commands;
	const uint32_t nop[2] = {0, 0};
	if (!vgt_gpu_payload_alloc(vgt_client_gpu(client), sizeof(nop), &commands)) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	memcpy(commands.address, nop, sizeof(nop));
	return vgt_client_submit_3d(
		client, ctx, resources, count, &commands, sizeof(nop), fenced, &answer);
}

static enum vgt_escape_status transfer(
	struct vgt_client *client, uint32_t ctx, uint32_t resource, bool to_host, bool fenced)
{
	const struct vgt_escape_transfer_3d request = {
		.ctx = ctx, .resource = resource, .w = PAGE, .h = 1, .d = 1};
	return vgt_client_transfer_3d(client, &request, to_host, fenced, &answer);
}

static enum vgt_escape_status wait_for(
	struct vgt_client *client, uint64_t fence, uint64_t timeout_ns)
{
	struct vgt_escape_fence request = {.wanted = fence};
	return vgt_client_fence(client, &request, timeout_ns, &answer);
}

static struct vgt_escape_get_statistics statistics(struct vgt_client *client)
{
	struct vgt_escape_get_statistics request = {.contexts = 0};
	assert_int_equal(vgt_client_get_statistics(client, &request), OK);
	return request;
}

static uint32_t log_count(const struct world *world, uint32_t type)
{
	return vgt_dm_log_count(world->dm, type);
}

static void plant(const struct world *world, enum vgt_dm_fault fault, uint32_t type,
	uint32_t count, uint64_t value)
{
	const struct vgt_dm_plan plan = {.type = type, .count = count, .value = value};
	vgt_dm_plant(world->dm, fault, &plan);
}

/* What reaches the device */

static void test_commands(void **state)
{
	struct world world = world_open(NULL, NULL);
	const struct vgt_dm_gpu *device = vgt_dm_gpu(world.dm);
	struct vgt_client *client = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context(client);
	assert_string_equal(vgt_dm_gpu_context(device, 1)->debug_name, "test");
	assert_int_equal(vgt_dm_gpu_context(device, 1)->nlen, 4);
	const uint32_t resource = make_backed(client, PAGE);
	assert_int_equal(vgt_dm_gpu_resource(device, 1)->created.width, PAGE);
	assert_int_equal(vgt_dm_gpu_resource(device, 1)->backing_size, PAGE);
	assert_int_equal(vgt_client_ctx_attach(client, ctx, resource, &answer), OK);
	assert_true(vgt_dm_gpu_is_attached(device, 1, 1));
	assert_int_equal(answer.response, VIRTIO_GPU_RESP_OK_NODATA);

	/* bytes go there and come back */
	uint64_t address, size;
	assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
	assert_int_equal(size, PAGE);
	uint8_t *bytes = (uint8_t *)(uintptr_t)address;
	for (uint32_t i = 0; i < PAGE; i++) {
		assert_int_equal(bytes[i], 0);
		bytes[i] = (uint8_t)(i * 7);
	}
	assert_int_equal(transfer(client, ctx, resource, true, false), OK);
	assert_memory_equal(vgt_dm_gpu_resource(device, 1)->shadow, bytes, PAGE);
	memset(bytes, 0, PAGE);
	assert_int_equal(transfer(client, 0, resource, false, true), OK);
	assert_int_equal(answer.fence, 1);
	assert_int_equal(wait_for(client, 1, SECOND), OK);
	assert_int_equal(bytes[200], (uint8_t)(200 * 7));

	assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
	assert_int_equal(answer.fence, 2);
	assert_int_equal(wait_for(client, 2, SECOND), OK);
	uint32_t ctx_id, bytes_submitted;
	assert_non_null(vgt_dm_gpu_last_submit(device, &ctx_id, &bytes_submitted));
	assert_int_equal(ctx_id, 1);
	assert_int_equal(bytes_submitted, 8);

	assert_int_equal(vgt_client_unmap(client, resource), OK);
	assert_int_equal(vgt_client_ctx_detach(client, ctx, resource, &answer), OK);
	assert_false(vgt_dm_gpu_is_attached(device, 1, 1));
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), OK);
	assert_int_equal(vgt_dm_gpu_backings(device), 0);
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
	assert_int_equal(vgt_client_ctx_destroy(client, ctx, &answer), OK);
	expect_empty_device(&world);
	assert_int_equal(vgt_client_ctx_destroy(client, ctx, &answer), VGT_ESCAPE_BAD_HANDLE);
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

static void test_names(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_ctx_create request = {.name_size = VGT_ESCAPE_NAME_MAX};
	(void)state;
	memset(request.name, 'n', sizeof(request.name));
	assert_int_equal(vgt_client_ctx_create(client, &request, &answer), OK);
	const struct vgt_dm_context *context = vgt_dm_gpu_context(vgt_dm_gpu(world.dm), 1);
	assert_int_equal(context->nlen, 63);
	assert_int_equal(strlen(context->debug_name), 63);
	request.name_size = 3; /* what is behind it is not the host's business */
	assert_int_equal(vgt_client_ctx_create(client, &request, &answer), OK);
	context = vgt_dm_gpu_context(vgt_dm_gpu(world.dm), 2);
	assert_string_equal(context->debug_name, "nnn");
	request.name_size = 65;
	assert_int_equal(
		vgt_client_ctx_create(client, &request, &answer), VGT_ESCAPE_BAD_PARAMETER);
	vgt_client_close(client);
	world_close(&world);
}

static void test_context_init(void **state)
{
	static const struct {
		bool feature;
		uint32_t capset_id;
		enum vgt_escape_status status;
		uint32_t context_init;
	} cases[] = {
		{false, 0, OK, 0},
		{false, 1, OK, 0},
		{false, 2, OK, 0},
		{false, 3, VGT_ESCAPE_UNSUPPORTED, 0},
		{true, 0, OK, 0},
		{true, 1, OK, 1},
		{true, 2, OK, 2},
		{true, 0x100, VGT_ESCAPE_UNSUPPORTED, 0},
		{true, UINT32_MAX, VGT_ESCAPE_UNSUPPORTED, 0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct vgt_dm_options options = {
			.features = UINT64_C(1) << 32 | VIRTIO_GPU_F_VIRGL |
				    (cases[i].feature ? VIRTIO_GPU_F_CONTEXT_INIT : 0)};
		struct world world = world_open(&options, NULL);
		struct vgt_client *client = world_client(&world);
		struct vgt_escape_ctx_create request = {.capset_id = cases[i].capset_id};
		assert_int_equal(
			vgt_client_ctx_create(client, &request, &answer), cases[i].status);
		if (cases[i].status == OK) {
			assert_int_equal(
				vgt_dm_gpu_context(vgt_dm_gpu(world.dm), 1)->context_init,
				cases[i].context_init);
		}
		vgt_client_close(client);
		world_close(&world);
	}
}

static void test_capsets(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_get_version version;
	struct vgt_escape_get_capset_info info = {.capset_index = 0};
	struct vgt_escape_get_capset request = {.capset_id = VIRTIO_GPU_CAPSET_VIRGL2};
	static uint8_t bytes[8192];
	uint32_t size;
	(void)state;
	assert_int_equal(vgt_client_get_version(client, &version), OK);
	assert_true(version.num_capsets >= 2);
	const void *capset =
		vgt_dm_gpu_capset(vgt_dm_gpu(world.dm), VIRTIO_GPU_CAPSET_VIRGL2, &size);
	for (uint32_t i = 0; i < version.num_capsets; i++) {
		info.capset_index = i;
		assert_int_equal(vgt_client_get_capset_info(client, &info, &answer), OK);
	}
	info.capset_index = version.num_capsets;
	assert_int_equal(
		vgt_client_get_capset_info(client, &info, &answer), VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(
		vgt_client_get_capset(client, &request, bytes, sizeof(bytes), &answer), OK);
	assert_int_equal(request.capset_size, size);
	assert_memory_equal(bytes, capset, size);
	assert_int_equal(vgt_client_get_capset(client, &request, bytes, size - 1, &answer),
		VGT_ESCAPE_BUFFER_TOO_SMALL);
	assert_int_equal(request.capset_size, size);
	request.capset_version = 1000;
	assert_int_equal(vgt_client_get_capset(client, &request, bytes, sizeof(bytes), &answer),
		VGT_ESCAPE_BAD_PARAMETER);
	request = (struct vgt_escape_get_capset){.capset_id = 77};
	assert_int_equal(vgt_client_get_capset(client, &request, bytes, sizeof(bytes), &answer),
		VGT_ESCAPE_BAD_PARAMETER);
	/* what the device says of a capset is data, and it must be there */
	plant(&world, VGT_DM_RESPONSE_SHORT, VIRTIO_GPU_CMD_GET_CAPSET_INFO, 1, 30);
	info.capset_index = 0;
	assert_int_equal(
		vgt_client_get_capset_info(client, &info, &answer), VGT_ESCAPE_HOST_INVALID);
	plant(&world, VGT_DM_RESPONSE_TYPE, VIRTIO_GPU_CMD_GET_CAPSET, 1,
		VIRTIO_GPU_RESP_OK_NODATA);
	request = (struct vgt_escape_get_capset){.capset_id = VIRTIO_GPU_CAPSET_VIRGL};
	assert_int_equal(vgt_client_get_capset(client, &request, bytes, sizeof(bytes), &answer),
		VGT_ESCAPE_HOST_INVALID);
	vgt_client_close(client);
	world_close(&world);
}

static void test_marks(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	uint32_t size, ctx_id;
	(void)state;
	const uint32_t ctx = make_context(client);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(vgt_client_mark(client, ctx, "hello", 5, &answer), OK);
	}
	/* asked for once */
	assert_int_equal(log_count(&world, VIRTIO_GPU_CMD_GET_CAPSET), 1);
	const uint32_t *dwords = vgt_dm_gpu_last_submit(vgt_dm_gpu(world.dm), &ctx_id, &size);
	assert_int_equal(size, 16);
	assert_int_equal(dwords[0], VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 3));
	assert_int_equal(dwords[1], 5);
	assert_memory_equal(&dwords[2], "hello\0\0", 8);
	assert_int_equal(
		vgt_client_mark(client, ctx + 1, "hello", 5, &answer), VGT_ESCAPE_BAD_HANDLE);
	vgt_client_close(client);
	world_close(&world);

	const struct vgt_dm_options options = {.no_string_marker = true};
	world = world_open(&options, NULL);
	client = world_client(&world);
	assert_int_equal(vgt_client_mark(client, make_context(client), "hello", 5, &answer),
		VGT_ESCAPE_UNSUPPORTED);
	assert_int_equal(log_count(&world, VIRTIO_GPU_CMD_SUBMIT_3D), 0);
	vgt_client_close(client);
	world_close(&world);
}

/* So many pieces as QEMU takes, even where the memory lies in the smallest. */
static void test_entries(void **state)
{
	struct vgt_gpu_limits limits = world_limits();
	limits.backing_max = UINT64_C(1) << 30;
	struct world world = world_open(NULL, &limits);
	struct vgt_client *client = world_client(&world);
	const uint64_t sizes[] = {1, PAGE, PAGE + 1, UINT64_C(16384) * PAGE,
		UINT64_C(16384) * PAGE + 1, UINT64_C(130) << 20};
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		const uint32_t resource = make_resource(client);
		vgt_dm_forget_log(world.dm);
		assert_int_equal(
			vgt_client_attach_backing(client, resource, sizes[i], &answer), OK);
		const struct vgt_dm_entry entry = vgt_dm_log(world.dm, 0);
		assert_int_equal(entry.type, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING);
		assert_in_range(entry.entries, 1, 16384);
		assert_int_equal(
			vgt_dm_gpu_resource(vgt_dm_gpu(world.dm), 1)->backing_size, sizes[i]);
		assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
	}
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

/* Limits */

static void test_quotas(void **state)
{
	const struct vgt_gpu_limits limits = world_limits();
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_ctx_create context = {.name_size = 0};
	struct vgt_escape_resource_create_3d resource = buffer;
	uint32_t ctx = 0, resources[64];
	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < limits.contexts_max; i++) {
			ctx = make_context(client);
		}
		assert_int_equal(vgt_client_ctx_create(client, &context, &answer),
			VGT_ESCAPE_OVER_LIMIT);
		assert_int_equal(context.ctx, 0);
		assert_int_equal(vgt_client_ctx_destroy(client, ctx, &answer), OK);
		ctx = make_context(client);
		for (uint32_t i = 0; i < limits.resources_max; i++) {
			resources[i] = make_resource(client);
		}
		assert_int_equal(
			vgt_client_resource_create_3d(client, &resource, false, &answer),
			VGT_ESCAPE_OVER_LIMIT);
		assert_int_equal(vgt_client_attach_backing(
					 client, resources[0], limits.backing_max + 1, &answer),
			VGT_ESCAPE_OVER_LIMIT);
		assert_int_equal(
			vgt_client_attach_backing(client, resources[0], UINT64_MAX, &answer),
			VGT_ESCAPE_OVER_LIMIT);
		assert_int_equal(vgt_client_attach_backing(client, resources[0],
					 limits.backing_max - PAGE, &answer),
			OK);
		/* less than a page counts as a page */
		assert_int_equal(
			vgt_client_attach_backing(client, resources[1], 1, &answer), OK);
		assert_int_equal(vgt_client_attach_backing(client, resources[2], 1, &answer),
			VGT_ESCAPE_OVER_LIMIT);
		assert_int_equal(statistics(client).backing_bytes, limits.backing_max);
		assert_int_equal(vgt_client_detach_backing(client, resources[0], &answer), OK);
		assert_int_equal(statistics(client).backing_bytes, PAGE);
		for (uint32_t i = 0; i < limits.resources_max; i++) {
			assert_int_equal(
				vgt_client_resource_destroy(client, resources[i], &answer), OK);
		}
		assert_int_equal(statistics(client).backing_bytes, 0);
		vgt_client_close(client);
		expect_idle(&world);
		expect_empty_device(&world);
		client = world_client(&world);
	}
	vgt_client_close(client);
	world_close(&world);
}

/* Limits hold for what is destroyed, too, until the device has done with it. */
static void test_quotas_of_what_leaves(void **state)
{
	struct vgt_gpu_limits limits = world_limits();
	(void)state;
	limits.resources_max = 2;
	limits.backing_max = PAGE + PAGE / 2; /* one page: another is none that is whole */
	struct world world = world_open(NULL, &limits);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_resource_create_3d resource = buffer;
	const uint32_t ctx = make_context(client);
	const uint32_t used = make_backed(client, PAGE);
	const uint32_t other = make_resource(client);
	assert_int_equal(
		vgt_client_attach_backing(client, other, 1, &answer), VGT_ESCAPE_OVER_LIMIT);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	assert_int_equal(submit(client, ctx, &used, 1, true), OK);
	assert_int_equal(vgt_client_resource_destroy(client, used, &answer), OK);
	assert_int_equal(vgt_client_resource_create_3d(client, &resource, false, &answer),
		VGT_ESCAPE_OVER_LIMIT);
	assert_int_equal(
		vgt_client_attach_backing(client, other, 1, &answer), VGT_ESCAPE_OVER_LIMIT);
	world_settle(&world);
	assert_int_equal(vgt_dm_release(world.dm, 1), 1);
	world_settle(&world);
	make_resource(client);
	assert_int_equal(vgt_client_attach_backing(client, other, 1, &answer), OK);
	vgt_client_close(client);
	world_close(&world);
}

static void test_clients_max(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *clients[4];
	enum vgt_escape_status status;
	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		clients[i] = world_client(&world);
	}
	assert_null(vgt_client_open(world.gpu, NULL, &status));
	assert_int_equal(status, VGT_ESCAPE_OVER_LIMIT);
	vgt_client_close(clients[2]);
	clients[2] = world_client(&world);
	for (uint32_t i = 0; i < 4; i++) {
		vgt_client_close(clients[i]);
	}
	vgt_client_close(NULL);
	expect_idle(&world);
	world_close(&world);
}

static void test_states(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	uint64_t address, size;
	(void)state;
	const uint32_t resource = make_resource(client);
	const enum vgt_escape_status bad = VGT_ESCAPE_BAD_STATE;
	assert_int_equal(vgt_client_map(client, resource, &address, &size), bad);
	assert_int_equal(vgt_client_unmap(client, resource), bad);
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), bad);
	assert_int_equal(transfer(client, 0, resource, true, false), bad);
	assert_int_equal(vgt_client_attach_backing(client, resource, 0, &answer),
		VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer), OK);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer), bad);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), bad);
	assert_int_equal(statistics(client).mapped, 1);
	const struct vgt_escape_transfer_3d outside = {.resource = resource, .offset = PAGE};
	assert_int_equal(vgt_client_transfer_3d(client, &outside, true, false, &answer),
		VGT_ESCAPE_BAD_PARAMETER);
	/* the end of the backing is the end of the mapping */
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), OK);
	assert_int_equal(statistics(client).mapped, 0);
	assert_int_equal(vgt_dm_usage(world.dm).mappings, 0);
	assert_int_equal(vgt_client_unmap(client, resource), bad);
	/* and so are the ends of the resource and of the client */
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer), OK);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
	assert_int_equal(vgt_dm_usage(world.dm).mappings, 0);
	const uint32_t other = make_backed(client, PAGE);
	assert_int_equal(vgt_client_map(client, other, &address, &size), OK);
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

/* Fences */

static void test_fences(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	uint32_t busy;
	uint64_t fence;
	(void)state;
	const uint32_t ctx = make_context(client);
	const uint32_t resource = make_backed(client, PAGE);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	assert_int_equal(wait_for(client, 0, 0), VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(wait_for(client, 1, 0), VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
	assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
	assert_int_equal(answer.fence, 2);
	assert_int_equal(wait_for(client, 1, 0), VGT_ESCAPE_PENDING);
	assert_int_equal(wait_for(client, 1, SECOND), VGT_ESCAPE_TIMED_OUT);
	assert_int_equal(
		wait_for(client, 1, VGT_ESCAPE_TIMEOUT_MAX + 1), VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(vgt_client_busy(client, resource, &busy, &fence), OK);
	assert_int_equal(busy, 1);
	assert_int_equal(fence, 2);
	assert_int_equal(statistics(client).in_flight, 2);
	/* the second first: nothing retires */
	assert_int_equal(vgt_dm_release_newest(world.dm, 1), 1);
	assert_int_equal(wait_for(client, 2, 0), VGT_ESCAPE_PENDING);
	assert_int_equal(statistics(client).in_flight, 1);
	assert_int_equal(vgt_client_busy(client, resource, &busy, &fence), OK);
	assert_int_equal(busy, 1);
	assert_int_equal(vgt_dm_release(world.dm, 1), 1);
	assert_int_equal(wait_for(client, 1, SECOND), OK);
	assert_int_equal(answer.response, VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(wait_for(client, 2, 0), OK);
	assert_int_equal(vgt_client_busy(client, resource, &busy, &fence), OK);
	assert_int_equal(busy, 0);
	vgt_client_close(client);
	world_close(&world);
}

/* The answer to a fenced command is that of its fence, and none is forgotten. */
static void test_failed_fences(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_resource_create_3d resource = buffer;
	struct vgt_escape_fence request = {.wanted = 1};
	(void)state;
	plant(&world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 1,
		VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(vgt_client_resource_create_3d(client, &resource, true, &answer), OK);
	assert_int_equal(answer.fence, 1);
	assert_int_equal(answer.response, 0);
	assert_int_equal(
		vgt_client_fence(client, &request, SECOND, &answer), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(answer.response, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(request.failed, 1);
	assert_int_equal(request.retired, 1);
	assert_int_equal(statistics(client).host_errors, 1);
	/* the handle goes like others; the device does not know it */
	assert_int_equal(vgt_client_resource_destroy(client, resource.resource, &answer),
		VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(answer.response, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	const uint32_t ctx = make_context(client);
	for (uint32_t i = 0; i < VGT_ESCAPE_FENCES_KEPT + 1; i++) {
		assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
		assert_int_equal(wait_for(client, answer.fence, SECOND), OK);
	}
	assert_int_equal(vgt_client_fence(client, &request, 0, &answer), OK);
	assert_int_equal(
		answer.response, 0); /* what it was is no longer kept, that it was is */
	assert_int_equal(request.failed, 1);
	/* without a fence; the device has got it, and it counts */
	const uint64_t submits = statistics(client).submits;
	plant(&world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_SUBMIT_3D, 1,
		VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(submit(client, ctx, NULL, 0, false), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(answer.response, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(statistics(client).submits, submits + 1);
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

static void release_one(void *context)
{
	const struct world *world = context;
	vgt_dm_release(world->dm, 1);
}

/* A client that sends more than the device answers waits, and is told in the end. */
static void test_back_pressure(void **state)
{
	const struct vgt_gpu_limits limits = world_limits();
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context(client);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	for (uint32_t i = 0; i < limits.fences_max; i++) {
		assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
	}
	const uint64_t before = world.platform->now(world.platform->self);
	assert_int_equal(submit(client, ctx, NULL, 0, true), VGT_ESCAPE_BUSY);
	assert_int_equal(answer.fence, 0);
	assert_true(
		world.platform->now(world.platform->self) - before >= limits.queue_timeout_ns);
	assert_int_equal(statistics(client).queue_waits, 1);
	/* unfenced ones go on */
	assert_int_equal(submit(client, ctx, NULL, 0, false), OK);
	vgt_dm_on_wait(world.dm, release_one, &world);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
		assert_int_equal(answer.fence, limits.fences_max + 1 + i);
	}
	assert_int_equal(wait_for(client, answer.fence, SECOND), OK);
	assert_int_equal(statistics(client).in_flight, 0);
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

/* Memory */

/* Detached or destroyed while commands that name it are under way: the model reports it if it
 * goes too early. */
static void test_kept_while_used(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context(client);
	for (uint32_t destroy = 0; destroy < 2; destroy++) {
		const uint32_t resource = make_backed(client, PAGE);
		vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
		assert_int_equal(transfer(client, ctx, resource, false, true), OK);
		assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
		world_settle(&world);
		if (destroy) {
			assert_int_equal(
				vgt_client_resource_destroy(client, resource, &answer), OK);
		} else {
			assert_int_equal(
				vgt_client_detach_backing(client, resource, &answer), OK);
			/* another may come */
			assert_int_equal(
				vgt_client_attach_backing(client, resource, PAGE, &answer), OK);
			assert_int_equal(
				vgt_client_detach_backing(client, resource, &answer), OK);
			assert_int_equal(
				vgt_client_resource_destroy(client, resource, &answer), OK);
		}
		assert_true(statistics(client).backing_bytes >= PAGE);
		assert_true(vgt_dm_usage(world.dm).dmas > world.idle.dmas);
		/* what was sent before is over when all of that has been answered */
		assert_int_equal(vgt_dm_release_newest(world.dm, 1), 1);
		assert_true(statistics(client).backing_bytes >= PAGE);
		assert_int_equal(vgt_dm_release(world.dm, 1), 1);
		assert_int_equal(statistics(client).backing_bytes, 0);
		vgt_dm_set_fences(world.dm, VGT_DM_FENCES_AT_ONCE, 0);
		assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas);
	}
	vgt_client_close(client);
	world_close(&world);
}

/* The rest of clients that were closed goes with the reset, which the next one does. */
static void expect_lost_until_open(const struct world *world)
{
	assert_true(vgt_gpu_is_lost(world->gpu));
	struct vgt_client *next = world_client(world);
	assert_false(vgt_gpu_is_lost(world->gpu));
	assert_int_equal(vgt_dm_usage(world->dm).dmas, world->idle.dmas);
	make_backed(next, PAGE);
	vgt_client_close(next);
	expect_idle(world);
}

/* What the device says when something is destroyed decides whether its number and memory are
 * free: after an answer that leaves it open they stay until the reset. */
static void test_doubtful_answers(void **state)
{
	static const uint32_t types[] = {
		VIRTIO_GPU_RESP_ERR_UNSPEC, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, 0, 0x1234};
	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct world world = world_open(NULL, NULL);
		struct vgt_client *client = world_client(&world);
		const uint32_t resource = make_backed(client, PAGE);
		plant(&world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1, types[i]);
		assert_int_equal(vgt_client_resource_destroy(client, resource, &answer),
			types[i] >> 8 == 0x12 ? VGT_ESCAPE_HOST_ERROR
					      : VGT_ESCAPE_HOST_INVALID);
		assert_int_equal(vgt_client_resource_destroy(client, resource, &answer),
			VGT_ESCAPE_BAD_HANDLE);
		assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas + 1);
		/* its number is not given again */
		struct vgt_escape_resource_create_3d request = buffer;
		assert_int_equal(
			vgt_client_resource_create_3d(client, &request, false, &answer), OK);
		assert_int_equal(request.resource_id, 2);
		assert_false(vgt_gpu_is_lost(world.gpu));
		vgt_client_close(client);
		assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas + 1);
		expect_lost_until_open(&world);
		world_close(&world);
	}
}

/* Clients whose contexts the device does not destroy do not use up `clients`. */
static void test_refused_destruction(void **state)
{
	static const struct {
		uint32_t type;
		bool by_request, lost;
	} cases[] = {
		{VIRTIO_GPU_RESP_ERR_UNSPEC, false, true},
		{VIRTIO_GPU_RESP_ERR_UNSPEC, true, true},
		{0x1234, false, true},
		{0x1234, true, true},
		{VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, false, false},
		{VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, true, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world world = world_open(NULL, NULL);
		struct vgt_client *clients[4];
		/* what it does not know it does not have */
		plant(&world, cases[i].lost ? VGT_DM_REFUSED : VGT_DM_RESPONSE_TYPE,
			VIRTIO_GPU_CMD_CTX_DESTROY, 4, cases[i].type);
		for (uint32_t j = 0; j < 4; j++) {
			clients[j] = world_client(&world);
			const uint32_t ctx = make_context(clients[j]);
			if (cases[i].by_request) {
				vgt_client_ctx_destroy(clients[j], ctx, &answer);
			}
		}
		assert_false(vgt_gpu_is_lost(world.gpu));
		for (uint32_t j = 0; j < 4; j++) {
			vgt_client_close(clients[j]);
		}
		world_settle(&world);
		if (cases[i].lost) {
			expect_lost_until_open(&world);
		}
		assert_false(vgt_gpu_is_lost(world.gpu));
		expect_idle(&world);
		world_close(&world);
	}
}

/* The refusal comes with the answers that the next client takes. */
static void test_refused_unseen(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *clients[4];
	(void)state;
	plant(&world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_CTX_DESTROY, 4,
		VIRTIO_GPU_RESP_ERR_UNSPEC);
	for (uint32_t i = 0; i < 4; i++) {
		clients[i] = world_client(&world);
		make_context(clients[i]);
	}
	for (uint32_t i = 0; i < 4; i++) {
		vgt_client_close(clients[i]);
	}
	while (vgt_dm_step(world.dm)) {
	}
	assert_false(vgt_gpu_is_lost(world.gpu));
	vgt_client_close(world_client(&world));
	expect_idle(&world);
	world_close(&world);
}

static uint32_t make_refused(
	const struct world *world, struct vgt_client *client, enum vgt_dm_fault fault)
{
	struct vgt_escape_resource_create_3d request = buffer;
	plant(world, fault, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 1, VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(vgt_client_resource_create_3d(client, &request, true, &answer), OK);
	assert_int_equal(wait_for(client, answer.fence, SECOND), VGT_ESCAPE_HOST_ERROR);
	plant(world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1,
		VIRTIO_GPU_RESP_ERR_UNSPEC);
	return request.resource;
}

/* A device that says ERR_UNSPEC of what it does not know: no program can have it reset so. */
static void test_refused_and_destroyed(void **state)
{
	(void)state;
	for (int by_request = 0; by_request < 2; by_request++) {
		struct world world = world_open(NULL, NULL);
		struct vgt_client *client = world_client(&world);
		const uint32_t resource = make_refused(&world, client, VGT_DM_REFUSED);
		if (by_request) {
			assert_int_equal(vgt_client_resource_destroy(client, resource, &answer),
				VGT_ESCAPE_HOST_ERROR);
			assert_int_equal(vgt_id_pool_take(vgt_gpu_resource_ids(world.gpu)), 1);
		}
		vgt_client_close(client);
		expect_idle(&world);
		assert_int_equal(vgt_dm_struck(world.dm, VGT_DM_REFUSED), 2);
		assert_false(vgt_gpu_is_lost(world.gpu));
		world_close(&world);
	}
	/* it has lied, and has memory */
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	const uint32_t resource = make_refused(&world, client, VGT_DM_RESPONSE_TYPE);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer), OK);
	assert_int_equal(
		vgt_client_resource_destroy(client, resource, &answer), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas + 1);
	vgt_client_close(client);
	assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas + 1);
	expect_lost_until_open(&world);
	world_close(&world);
}

static void test_refused_creation(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_resource_create_3d request = buffer;
	struct vgt_escape_ctx_create context = {.name_size = 0};
	(void)state;
	plant(&world, VGT_DM_REFUSED, 0, 3, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(vgt_client_resource_create_3d(client, &request, false, &answer),
		VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(answer.response, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(request.resource, 0);
	assert_int_equal(request.resource_id, 0);
	assert_int_equal(
		vgt_client_ctx_create(client, &context, &answer), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(context.ctx, 0);
	assert_int_equal(statistics(client).resources, 0);
	assert_int_equal(statistics(client).contexts, 0);
	/* the third: a backing */
	vgt_dm_plant(world.dm, VGT_DM_REFUSED, NULL);
	const uint32_t resource = make_resource(client);
	plant(&world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 1,
		VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer),
		VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(statistics(client).backing_bytes, 0);
	/* attached, but the answer makes no sense: the device may have it */
	plant(&world, VGT_DM_RESPONSE_TYPE, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 1, 5);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer),
		VGT_ESCAPE_HOST_INVALID);
	assert_int_equal(statistics(client).backing_bytes, PAGE);
	vgt_client_close(client);
	assert_int_equal(vgt_gpu_reset(world.gpu), OK);
	expect_idle(&world);
	world_close(&world);
}

/* What another thread does while a call waits without the lock */

struct meanwhile {
	struct world world;
	struct vgt_client *client;
	uint32_t ctx, resource;
	void (*act)(struct vgt_client *client, uint32_t resource);
	bool done;
};

static void act_meanwhile(void *context)
{
	struct meanwhile *meanwhile = context;
	if (!meanwhile->done) {
		const struct vgt_answer kept = answer;
		meanwhile->done = true;
		meanwhile->act(meanwhile->client, meanwhile->resource);
		answer = kept;
	}
}

static void begin_meanwhile(
	struct meanwhile *meanwhile, void (*act)(struct vgt_client *client, uint32_t resource))
{
	meanwhile->act = act;
	meanwhile->done = false;
	vgt_dm_on_wait(meanwhile->world.dm, act_meanwhile, meanwhile);
}

static void expect_changing(struct vgt_client *client, uint32_t resource)
{
	const enum vgt_escape_status bad = VGT_ESCAPE_BAD_STATE;
	uint64_t address, size;
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer), bad);
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), bad);
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), bad);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), bad);
}

static void expect_destroyed(struct vgt_client *client, uint32_t resource)
{
	assert_int_equal(
		vgt_client_resource_destroy(client, resource, &answer), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer),
		VGT_ESCAPE_BAD_HANDLE);
}

static void detach_it(struct vgt_client *client, uint32_t resource)
{
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), OK);
}

static void destroy_it(struct vgt_client *client, uint32_t resource)
{
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
}

static void test_meanwhile(void **state)
{
	struct meanwhile m = {.world = world_open(NULL, NULL)};
	struct vgt_client *client = m.client = world_client(&m.world);
	(void)state;
	const uint32_t ctx = make_context(client);
	m.resource = make_resource(client);
	begin_meanwhile(&m, expect_changing);
	assert_int_equal(vgt_client_attach_backing(client, m.resource, PAGE, &answer), OK);
	assert_true(m.done);
	begin_meanwhile(&m, expect_changing);
	assert_int_equal(vgt_client_detach_backing(client, m.resource, &answer), OK);
	assert_true(m.done);
	begin_meanwhile(&m, expect_destroyed);
	assert_int_equal(vgt_client_resource_destroy(client, m.resource, &answer), OK);
	assert_true(m.done);
	/* what the call has named stays until it returns */
	m.resource = make_backed(client, PAGE);
	begin_meanwhile(&m, destroy_it);
	assert_int_equal(transfer(client, ctx, m.resource, false, false), OK);
	assert_true(m.done);
	vgt_client_close(client);
	expect_idle(&m.world);
	world_close(&m.world);
}

/* What was not made leaves nothing, not even its number; what may have been made keeps it. */
static void test_numbers_of_what_failed(void **state)
{
	(void)state;
	for (uint64_t nth = 1; nth <= 4; nth++) {
		struct world world = world_open(NULL, NULL);
		struct vgt_client *client = world_client(&world);
		struct vgt_escape_resource_create_3d resource = buffer;
		vgt_dm_fail_request(world.dm, nth, 1);
		if (vgt_client_resource_create_3d(client, &resource, false, &answer) == OK) {
			assert_int_equal(nth, 4); /* the object, its number and its handle */
		} else {
			vgt_dm_fail_request(world.dm, 0, 0);
			resource = buffer;
			assert_int_equal(vgt_client_resource_create_3d(
						 client, &resource, false, &answer),
				OK);
		}
		vgt_dm_fail_request(world.dm, 0, 0);
		assert_int_equal(resource.resource_id, 1);
		/* made, though the answer made no sense */
		plant(&world, VGT_DM_RESPONSE_TYPE, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 1, 0);
		resource = buffer;
		assert_int_equal(
			vgt_client_resource_create_3d(client, &resource, false, &answer),
			VGT_ESCAPE_HOST_INVALID);
		resource = buffer;
		assert_int_equal(
			vgt_client_resource_create_3d(client, &resource, false, &answer), OK);
		assert_int_equal(resource.resource_id, 3);
		vgt_client_close(client);
		world_close(&world);
	}
}

/* The host refuses to give the memory back: it stays the resource's. */
static void test_refused_detaching(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	uint64_t address, size;
	(void)state;
	const uint32_t resource = make_backed(client, PAGE);
	vgt_dm_fail_request(world.dm, 1, 1);
	assert_int_equal(
		vgt_client_map(client, resource, &address, &size), VGT_ESCAPE_NO_MEMORY);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
	plant(&world, VGT_DM_REFUSED, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1,
		VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(
		vgt_client_detach_backing(client, resource, &answer), VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(statistics(client).backing_bytes, PAGE);
	assert_int_equal(statistics(client).mapped, 1);
	assert_int_equal(transfer(client, 0, resource, true, false), OK);
	assert_int_equal(transfer(client, 7, resource, true, false), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), OK);
	assert_int_equal(statistics(client).backing_bytes, 0);
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

/* The command that was given up may still be carried out: what it named stays until the reset,
 * even where the device has said that the backing is detached. */
static void test_lost_while_detached(void **state)
{
	struct meanwhile m = {.world = world_open(NULL, NULL)};
	struct vgt_client *client = m.client = world_client(&m.world);
	(void)state;
	m.resource = make_backed(client, PAGE);
	plant(&m.world, VGT_DM_NO_ANSWER, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1, 0);
	begin_meanwhile(&m, detach_it);
	assert_int_equal(transfer(client, 0, m.resource, false, false), VGT_ESCAPE_DEVICE_LOST);
	assert_true(m.done);
	vgt_dm_on_wait(m.world.dm, NULL, NULL);
	assert_int_equal(vgt_dm_usage(m.world.dm).dmas, m.world.idle.dmas + 1);
	assert_int_equal(vgt_gpu_reset(m.world.gpu), OK);
	assert_int_equal(vgt_dm_usage(m.world.dm).dmas, m.world.idle.dmas);
	vgt_client_close(client);
	expect_idle(&m.world);
	world_close(&m.world);
}

/* The end of a client */

static void test_killed_in_mid_submit(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_client *other = world_client(&world);
	uint64_t address, size;
	(void)state;
	const uint32_t ctx = make_context(client);
	const uint32_t other_ctx = make_context(other);
	const uint32_t resource = make_backed(client, PAGE);
	const uint32_t other_resource = make_backed(other, PAGE);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
	}
	const uint64_t dmas = vgt_dm_usage(world.dm).dmas;
	vgt_client_close(client);
	assert_int_equal(vgt_dm_usage(world.dm).mappings, 0);
	world_settle(&world);
	/* nothing of it on the device any more, but its memory is held by what is under way */
	assert_int_equal(vgt_dm_gpu_contexts(vgt_dm_gpu(world.dm)), 1);
	assert_int_equal(vgt_dm_gpu_resources(vgt_dm_gpu(world.dm)), 1);
	assert_int_equal(vgt_dm_usage(world.dm).dmas, dmas);
	assert_int_equal(submit(other, other_ctx, &other_resource, 1, true), OK);
	world_settle(&world);
	assert_int_equal(vgt_dm_release_newest(world.dm, 1), 1);
	assert_int_equal(wait_for(other, answer.fence, SECOND), OK);
	assert_int_equal(vgt_dm_release(world.dm, 5), 5);
	world_settle(&world);
	assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas + 1);
	vgt_client_close(other);
	world_settle(&world);
	expect_empty_device(&world);
	world_close(&world);
}

/* A queue that stays full keeps what a closed client had, until the next one is opened. */
static void test_closed_on_a_full_queue(void **state)
{
	struct vgt_gpu_limits limits = world_limits();
	limits.requests = 4;
	struct world world = world_open(NULL, &limits);
	struct vgt_client *client = world_client(&world);
	struct vgt_client *other = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context(client);
	const uint32_t other_ctx = make_context(other);
	uint64_t address, size;
	make_backed(client, PAGE);
	assert_int_equal(
		vgt_client_map(client, make_backed(client, PAGE), &address, &size), OK);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(
			submit(i % 2 ? client : other, i % 2 ? ctx : other_ctx, NULL, 0, true),
			OK);
	}
	assert_int_equal(vgt_client_ctx_destroy(other, other_ctx, &answer), VGT_ESCAPE_BUSY);
	assert_int_equal(statistics(other).contexts, 1); /* nothing was sent */
	vgt_client_close(client);
	assert_int_equal(vgt_dm_usage(world.dm).mappings, 0);
	assert_int_equal(vgt_dm_gpu_resources(vgt_dm_gpu(world.dm)), 2);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_AT_ONCE, 0);
	vgt_dm_release(world.dm, 4);
	client = world_client(&world);
	world_settle(&world);
	assert_int_equal(vgt_dm_gpu_resources(vgt_dm_gpu(world.dm)), 0);
	assert_int_equal(vgt_client_ctx_destroy(other, other_ctx, &answer), OK);
	vgt_client_close(client);
	vgt_client_close(other);
	expect_idle(&world);
	expect_empty_device(&world);
	world_close(&world);
}

/* It goes as soon as there is room, and somebody looks: no client need be opened. */
static void test_closed_and_polled(void **state)
{
	struct vgt_gpu_limits limits = world_limits();
	limits.requests = 4;
	struct world world = world_open(NULL, &limits);
	struct vgt_client *clients[2] = {world_client(&world), world_client(&world)};
	(void)state;
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t ctx = make_context(clients[i]);
		make_backed(clients[i], PAGE);
		make_backed(clients[i], PAGE);
		assert_int_equal(submit(clients[i], ctx, NULL, 0, true), OK);
		assert_int_equal(submit(clients[i], ctx, NULL, 0, true), OK);
	}
	vgt_client_close(clients[0]);
	vgt_client_close(clients[1]);
	assert_int_equal(vgt_dm_gpu_resources(vgt_dm_gpu(world.dm)), 4);
	vgt_gpu_poll(world.gpu); /* there is no room: does not wait for it */
	assert_int_equal(vgt_dm_held(world.dm), 4);
	vgt_dm_release(world.dm, 1);
	for (uint32_t i = 0; i < 6; i++) {
		vgt_gpu_poll(world.gpu);
		vgt_dm_step(world.dm);
	}
	assert_int_equal(vgt_dm_gpu_resources(vgt_dm_gpu(world.dm)), 0);
	vgt_dm_release(world.dm, 3);
	expect_idle(&world);
	expect_empty_device(&world);
	world_close(&world);
}

/* A client that floods the queue leaves room to others. */
static void test_fair_share(void **state)
{
	struct vgt_gpu_limits limits = world_limits();
	limits.requests = 12;
	limits.fences_max = 16;
	struct world world = world_open(NULL, &limits);
	struct vgt_client *greedy = world_client(&world);
	struct vgt_client *other = world_client(&world);
	uint32_t count = 0;
	(void)state;
	const uint32_t ctx = make_context(greedy);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	while (count < 16 && submit(greedy, ctx, NULL, 0, true) == OK) {
		count++;
	}
	assert_int_equal(count, 7);
	assert_int_equal(statistics(greedy).queue_waits, 1);
	const uint32_t other_ctx = make_context(other);
	assert_int_equal(submit(other, other_ctx, NULL, 0, true), OK);
	assert_int_equal(statistics(other).queue_waits, 0);
	make_resource(greedy); /* what needs no fence goes on */
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_AT_ONCE, 0);
	vgt_dm_release(world.dm, 8);
	assert_int_equal(submit(greedy, ctx, NULL, 0, true), OK);
	vgt_client_close(greedy);
	vgt_client_close(other);
	expect_idle(&world);
	world_close(&world);
}

static void *create_context(void *client)
{
	struct vgt_escape_ctx_create request = {.name_size = 0};
	struct vgt_answer own;
	return vgt_client_ctx_create(client, &request, &own) == OK ? client : NULL;
}

/* So does one that floods it from many threads. */
static void test_fair_share_of_threads(void **state)
{
	const struct vgt_dm_options options = {.threaded = true};
	struct vgt_gpu_limits limits = world_limits();
	limits.requests = 4;
	limits.queue_timeout_ns = SECOND / 100;
	struct world world = world_open(&options, &limits);
	struct vgt_client *greedy = world_client(&world);
	struct vgt_client *other = world_client(&world);
	struct vgt_escape_get_capset_info info = {.capset_index = 0};
	pthread_t threads[3];
	void *created;
	(void)state;
	plant(&world, VGT_DM_NO_ANSWER, VIRTIO_GPU_CMD_CTX_CREATE, UINT32_MAX, 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, create_context, greedy), 0);
		while (vgt_dm_struck(world.dm, VGT_DM_NO_ANSWER) <= i) {
			sched_yield();
		}
	}
	assert_int_equal(vgt_client_get_capset_info(greedy, &info, &answer), VGT_ESCAPE_BUSY);
	assert_int_equal(vgt_client_get_capset_info(other, &info, &answer), OK);
	vgt_dm_answer_late(world.dm);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &created), 0);
		assert_ptr_equal(created, greedy);
	}
	assert_int_equal(vgt_client_get_capset_info(greedy, &info, &answer), OK);
	vgt_client_close(greedy);
	vgt_client_close(other);
	world_close(&world);
}

/* The device is lost */

static void expect_lost(struct vgt_client *client, uint32_t ctx, uint32_t resource)
{
	const enum vgt_escape_status lost = VGT_ESCAPE_DEVICE_LOST;
	struct vgt_escape_ctx_create context = {.name_size = 0};
	struct vgt_escape_resource_create_3d create = buffer;
	struct vgt_escape_get_capset_info info = {.capset_index = 0};
	struct vgt_escape_get_capset capset = {.capset_id = 2};
	uint64_t address, size;
	uint32_t busy;
	assert_int_equal(vgt_client_ctx_create(client, &context, &answer), lost);
	assert_int_equal(vgt_client_resource_create_3d(client, &create, false, &answer), lost);
	assert_int_equal(vgt_client_resource_create_3d(client, &create, true, &answer), lost);
	assert_int_equal(vgt_client_attach_backing(client, resource, PAGE, &answer), lost);
	assert_int_equal(vgt_client_detach_backing(client, resource, &answer), lost);
	assert_int_equal(vgt_client_ctx_attach(client, ctx, resource, &answer), lost);
	assert_int_equal(vgt_client_ctx_detach(client, ctx, resource, &answer), lost);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), lost);
	assert_int_equal(vgt_client_busy(client, resource, &busy, &address), lost);
	assert_int_equal(transfer(client, ctx, resource, true, false), lost);
	assert_int_equal(submit(client, ctx, &resource, 1, true), lost);
	assert_int_equal(wait_for(client, 1, 0), lost);
	assert_int_equal(wait_for(client, 1, SECOND), lost);
	assert_int_equal(vgt_client_mark(client, ctx, "x", 1, &answer), lost);
	assert_int_equal(vgt_client_get_capset_info(client, &info, &answer), lost);
	assert_int_equal(vgt_client_get_capset(client, &capset, NULL, 0, &answer), lost);
	assert_int_equal(answer.response, 0);
	assert_int_equal(answer.fence, 0);
}

static void test_device_that_never_answers(void **state)
{
	const struct vgt_gpu_limits limits = world_limits();
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_client *closed = world_client(&world);
	uint64_t address, size;
	(void)state;
	const uint32_t ctx = make_context(client);
	const uint32_t resource = make_backed(client, PAGE);
	make_backed(closed, PAGE);
	make_context(closed);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
	plant(&world, VGT_DM_NO_ANSWER, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, UINT32_MAX, 0);
	const uint64_t before = world.platform->now(world.platform->self);
	assert_int_equal(transfer(client, ctx, resource, false, false), VGT_ESCAPE_DEVICE_LOST);
	assert_true(
		world.platform->now(world.platform->self) - before >= limits.device_timeout_ns);
	expect_lost(client, ctx, resource);
	const uint32_t commands = vgt_dm_log_size(world.dm);
	vgt_client_close(closed);
	/* all that is left to do is done here, and the memory stays until the reset */
	assert_int_equal(vgt_client_unmap(client, resource), OK);
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
	assert_int_equal(vgt_client_ctx_destroy(client, ctx, &answer), OK);
	assert_int_equal(vgt_dm_log_size(world.dm), commands);
	assert_int_equal(statistics(client).device_timeouts, 1);
	assert_int_equal(statistics(client).resources, 0);
	assert_true(vgt_dm_usage(world.dm).dmas >= world.idle.dmas + 2);
	vgt_dm_plant(world.dm, VGT_DM_NO_ANSWER, NULL);
	/* the next client resets it */
	struct vgt_client *next = world_client(&world);
	assert_int_equal(vgt_dm_usage(world.dm).dmas, world.idle.dmas);
	assert_int_equal(statistics(next).device_resets, 1);
	make_backed(next, PAGE);
	expect_lost(client, ctx, resource);
	vgt_client_close(client);
	vgt_client_close(next);
	expect_idle(&world);
	world_close(&world);
}

static void test_reset_under_load(void **state)
{
	struct world world = world_open(NULL, NULL);
	(void)state;
	for (uint32_t round = 0; round < 3; round++) {
		struct vgt_client *client = world_client(&world);
		struct vgt_client *closed = world_client(&world);
		const uint32_t ctx = make_context(client);
		const uint32_t closed_ctx = make_context(closed);
		const uint32_t resource = make_backed(client, PAGE);
		const uint32_t closed_resource = make_backed(closed, PAGE);
		uint64_t address, size;
		assert_int_equal(vgt_client_map(client, resource, &address, &size), OK);
		vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
		for (uint32_t i = 0; i < 4; i++) {
			assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
			assert_int_equal(
				transfer(closed, closed_ctx, closed_resource, false, true), OK);
		}
		if (round == 1) {
			world_settle(&world);
		}
		vgt_client_close(closed);
		if (round == 2) {
			world_settle(&world);
			assert_int_equal(
				vgt_client_resource_destroy(client, resource, &answer), OK);
		}
		assert_int_equal(vgt_gpu_reset(world.gpu), OK);
		vgt_dm_set_fences(world.dm, VGT_DM_FENCES_AT_ONCE, 0);
		expect_lost(client, ctx, resource);
		if (round != 2) {
			/* the memory is still there for its program */
			memset((void *)(uintptr_t)address, 1, size);
		}
		struct vgt_client *next = world_client(&world);
		struct vgt_escape_resource_create_3d request = buffer;
		assert_int_equal(
			vgt_client_resource_create_3d(next, &request, false, &answer), OK);
		assert_int_equal(request.resource_id, 1); /* all numbers are free again */
		/* the end of the old one takes nothing from the new one */
		vgt_client_close(client);
		assert_int_equal(
			vgt_client_resource_create_3d(next, &request, false, &answer), OK);
		assert_int_equal(request.resource_id, 2);
		vgt_client_close(next);
		expect_idle(&world);
		expect_empty_device(&world);
	}
	world_close(&world);
}

static void reset_it(void *context)
{
	const struct world *world = context;
	static bool once;
	if (!once) {
		once = true;
		assert_int_equal(vgt_gpu_reset(world->gpu), OK);
	}
}

/* A reset while a client waits for room: what it wanted to send was of the old device. */
static void test_reset_while_waiting(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context(client);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	for (uint32_t i = 0; i < world_limits().fences_max; i++) {
		assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
	}
	world_settle(&world);
	vgt_dm_forget_log(world.dm);
	vgt_dm_on_wait(world.dm, reset_it, &world);
	assert_int_equal(submit(client, ctx, NULL, 0, true), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(log_count(&world, VIRTIO_GPU_CMD_SUBMIT_3D), 0);
	vgt_dm_on_wait(world.dm, NULL, NULL);
	vgt_client_close(client);
	expect_idle(&world);
	world_close(&world);
}

struct takeover {
	const struct world *world;
	struct vgt_client *next; /* NULL: not yet */
	uint32_t ctx;
};

/* The answer that somebody waits for is there, but before he runs the device is reset, and
 * another client gets the numbers. */
static void take_over(void *context)
{
	struct takeover *takeover = context;
	if (!takeover->next) {
		world_settle(takeover->world);
		assert_int_equal(vgt_gpu_reset(takeover->world->gpu), OK);
		takeover->next = world_client(takeover->world);
		takeover->ctx = make_context(takeover->next);
	}
}

/* Who waits for a fence hears at once that the device is lost. */
static void test_lost_while_waiting_for_a_fence(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	(void)state;
	const uint32_t ctx = make_context(client);
	plant(&world, VGT_DM_NEEDS_RESET, VIRTIO_GPU_CMD_SUBMIT_3D, 1, 0);
	assert_int_equal(submit(client, ctx, NULL, 0, true), OK);
	const uint64_t before = world.platform->now(world.platform->self);
	assert_int_equal(wait_for(client, answer.fence, 10 * SECOND), VGT_ESCAPE_DEVICE_LOST);
	assert_true(world.platform->now(world.platform->self) - before < SECOND);
	vgt_client_close(client);
	world_close(&world);
}

static void release_and_submit(void *context)
{
	struct meanwhile *m = context;
	if (!m->done) {
		m->done = true;
		assert_int_equal(vgt_dm_release(m->world.dm, 8), 8);
		assert_int_equal(submit(m->client, m->ctx, NULL, 0, true), OK);
	}
}

/* A command waits for its turn, and another one, which was begun later, is sent before it: what
 * the first has named stays until the first has been answered. */
static void test_overtaken(void **state)
{
	struct meanwhile m = {.world = world_open(NULL, NULL)};
	struct vgt_client *client = m.client = world_client(&m.world);
	(void)state;
	m.ctx = make_context(client);
	m.resource = make_backed(client, PAGE);
	vgt_dm_set_fences(m.world.dm, VGT_DM_FENCES_HELD, 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(submit(client, m.ctx, NULL, 0, true), OK);
	}
	world_settle(&m.world);
	vgt_dm_on_wait(m.world.dm, release_and_submit, &m);
	assert_int_equal(transfer(client, m.ctx, m.resource, false, true), OK);
	assert_true(m.done);
	vgt_dm_on_wait(m.world.dm, NULL, NULL);
	world_settle(&m.world);
	const uint64_t dmas = vgt_dm_usage(m.world.dm).dmas;
	vgt_client_close(client);
	world_settle(&m.world);
	assert_int_equal(vgt_dm_usage(m.world.dm).dmas, dmas);
	assert_int_equal(vgt_dm_release(m.world.dm, 8), 2);
	expect_idle(&m.world);
	world_close(&m.world);
}

/* A request of several commands ends with the device that it began with. */
static void test_reset_between_commands(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct takeover takeover = {.world = &world};
	(void)state;
	const uint32_t ctx = make_context(client);
	vgt_dm_on_wait(world.dm, take_over, &takeover);
	assert_int_equal(vgt_client_mark(client, ctx, "x", 1, &answer), VGT_ESCAPE_DEVICE_LOST);
	vgt_dm_on_wait(world.dm, NULL, NULL);
	assert_int_equal(log_count(&world, VIRTIO_GPU_CMD_SUBMIT_3D), 0);
	/* the number would have been right */
	assert_int_equal(submit(takeover.next, takeover.ctx, NULL, 0, false), OK);
	vgt_client_close(client);
	vgt_client_close(takeover.next);
	expect_idle(&world);
	expect_empty_device(&world);
	world_close(&world);
}

/* It does not even answer a reset: what it was given is never freed. */
static void test_device_that_is_beyond_reset(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	enum vgt_escape_status status;
	(void)state;
	const uint32_t ctx = make_context(client);
	const uint32_t resource = make_backed(client, PAGE);
	assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
	plant(&world, VGT_DM_NO_RESET, 0, UINT32_MAX, 0);
	assert_int_equal(vgt_gpu_reset(world.gpu), VGT_ESCAPE_DEVICE_LOST);
	expect_lost(client, ctx, resource);
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
	vgt_client_close(client);
	assert_null(vgt_client_open(world.gpu, NULL, &status));
	assert_int_equal(status, VGT_ESCAPE_DEVICE_LOST);
	vgt_gpu_close(world.gpu);
	const struct vgt_dm_usage usage = vgt_dm_usage(world.dm);
	assert_int_equal(usage.allocations, 0);
	assert_true(usage.dmas >= world.idle.dmas + 1);
	expect_no_violations(world.dm);
	vgt_dm_destroy(world.dm);
}

/* vgt_gpu_close() with clients that are still open. */
static void test_closed_with_clients(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	uint64_t address, size;
	(void)state;
	const uint32_t ctx = make_context(client);
	const uint32_t resource = make_backed(client, PAGE);
	vgt_client_map(client, resource, &address, &size);
	vgt_dm_set_fences(world.dm, VGT_DM_FENCES_HELD, 0);
	assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
	assert_int_equal(transfer(client, ctx, resource, false, true), OK);
	world_close(&world);
}

/* All of memory and time */

static void scenario(const struct world *world, bool may_fail)
{
	enum vgt_escape_status status;
	uint64_t address, size;
	struct vgt_client *client = vgt_client_open(world->gpu, NULL, &status);
	assert_true(client ? status == OK : may_fail && status == VGT_ESCAPE_NO_MEMORY);
	if (!client) {
		return;
	}
	struct vgt_escape_ctx_create context = {.name_size = 0};
	struct vgt_escape_resource_create_3d resource = buffer;
	vgt_client_ctx_create(client, &context, &answer);
	vgt_client_resource_create_3d(client, &resource, false, &answer);
	vgt_client_attach_backing(client, resource.resource, PAGE * 5, &answer);
	vgt_client_map(client, resource.resource, &address, &size);
	vgt_client_ctx_attach(client, context.ctx, resource.resource, &answer);
	transfer(client, context.ctx, resource.resource, true, true);
	submit(client, context.ctx, &resource.resource, 1, true);
	submit(client, context.ctx, &resource.resource, 1, false);
	vgt_client_mark(client, context.ctx, "mark", 4, &answer);
	status = transfer(client, context.ctx, resource.resource, false, false);
	assert_true(may_fail || status == OK);
	vgt_client_detach_backing(client, resource.resource, &answer);
	vgt_client_attach_backing(client, resource.resource, PAGE, &answer);
	vgt_client_resource_create_3d(client, &resource, true, &answer);
	vgt_client_close(client);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	uint64_t requests = 1;
	for (uint64_t nth = 1; nth <= requests; nth++) {
		for (uint64_t count = 1; count <= 2; count++) {
			struct world world = world_open(NULL, NULL);
			const uint64_t before = vgt_dm_usage(world.dm).requests;
			scenario(&world, false);
			requests = vgt_dm_usage(world.dm).requests - before;
			vgt_dm_fail_request(world.dm, nth, count == 1 ? 1 : UINT64_MAX);
			scenario(&world, true);
			vgt_dm_fail_request(world.dm, 0, 0);
			scenario(&world, false);
			world_settle(&world);
			expect_empty_device(&world);
			world_close(&world);
		}
	}
	assert_true(requests > 10);
}

static void test_constant_memory(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_dm_usage usage = {.bytes = 0};
	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		const uint32_t ctx = make_context(client);
		const uint32_t resource = make_backed(client, PAGE);
		assert_int_equal(submit(client, ctx, &resource, 1, true), OK);
		assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
		assert_int_equal(vgt_client_ctx_destroy(client, ctx, &answer), OK);
		if (i % 100 == 0) { /* and other clients come and go */
			struct vgt_client *other = world_client(&world);
			make_backed(other, PAGE);
			vgt_client_close(other);
		}
		world_settle(&world);
		if (i == 200) {
			usage = vgt_dm_usage(world.dm);
		} else if (i > 200) {
			const struct vgt_dm_usage now = vgt_dm_usage(world.dm);
			assert_int_equal(now.bytes, usage.bytes);
			assert_int_equal(now.dma_bytes, usage.dma_bytes);
		}
	}
	vgt_client_close(client);
	expect_idle(&world);
	expect_empty_device(&world);
	world_close(&world);
}

/* The control: memory that is freed while the device has it is found by the model. */
static void test_control(void **state)
{
	struct world world = world_open(NULL, NULL);
	const struct vgt_platform *platform = world.platform;
	struct vgt_client *client = world_client(&world);
	struct vgt_dma dma;
	(void)state;
	const uint32_t resource = make_resource(client);
	assert_true(platform->dma_alloc(platform->self, PAGE, PAGE, &dma));
	const struct {
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_mem_entry entry;
	} head = {
		.attach = {.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING},
			.resource_id = 1,
			.nr_entries = 1},
		.entry = {.addr = platform->dma_address(
				  platform->self, &dma, 0, &(uint64_t){0}),
			.length = PAGE},
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	platform->lock(platform->self);
	assert_int_equal(vgt_gpu_call(world.gpu, &command), OK);
	platform->dma_free(platform->self, &dma);
	platform->unlock(platform->self);
	assert_int_equal(vgt_dm_violations(world.dm), 1);
	vgt_dm_forget_violations(world.dm);
	assert_int_equal(vgt_client_resource_destroy(client, resource, &answer), OK);
	vgt_client_close(client);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_context_init),
		cmocka_unit_test(test_capsets),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_quotas),
		cmocka_unit_test(test_quotas_of_what_leaves),
		cmocka_unit_test(test_clients_max),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_fences),
		cmocka_unit_test(test_failed_fences),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_kept_while_used),
		cmocka_unit_test(test_doubtful_answers),
		cmocka_unit_test(test_refused_destruction),
		cmocka_unit_test(test_refused_unseen),
		cmocka_unit_test(test_refused_and_destroyed),
		cmocka_unit_test(test_refused_creation),
		cmocka_unit_test(test_meanwhile),
		cmocka_unit_test(test_numbers_of_what_failed),
		cmocka_unit_test(test_refused_detaching),
		cmocka_unit_test(test_lost_while_detached),
		cmocka_unit_test(test_killed_in_mid_submit),
		cmocka_unit_test(test_closed_on_a_full_queue),
		cmocka_unit_test(test_closed_and_polled),
		cmocka_unit_test(test_fair_share),
		cmocka_unit_test(test_fair_share_of_threads),
		cmocka_unit_test(test_device_that_never_answers),
		cmocka_unit_test(test_reset_under_load),
		cmocka_unit_test(test_reset_while_waiting),
		cmocka_unit_test(test_lost_while_waiting_for_a_fence),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_reset_between_commands),
		cmocka_unit_test(test_device_that_is_beyond_reset),
		cmocka_unit_test(test_closed_with_clients),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_constant_memory),
		cmocka_unit_test(test_control),
	};
	return cmocka_run_group_tests_name("guest_client", tests, NULL, NULL);
}
