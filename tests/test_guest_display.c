/* SPDX-License-Identifier: MIT */
#include "device_model.h"
#include "display.h"
#include "virtio_pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define FORMAT_B8G8R8X8 2u /* VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM */

struct bench {
	struct vgt_dm *dm;
	struct vgt_gpu *gpu;
	struct vgt_client *client;
	struct vgt_answer answer;
};

static struct bench bench_open(const struct vgt_dm_options *options)
{
	enum vgt_escape_status status;
	struct bench bench = {.dm = vgt_dm_create(options)};
	bench.gpu = vgt_gpu_open(vgt_dm_platform(bench.dm), NULL, &status);
	assert_non_null(bench.gpu);
	bench.client = vgt_client_open(bench.gpu, NULL, &status);
	assert_non_null(bench.client);
	return bench;
}

static void bench_close(struct bench *bench)
{
	vgt_client_close(bench->client);
	vgt_gpu_close(bench->gpu);
	if (vgt_dm_violation(bench->dm, 0)) {
		fail_msg("the driver is not sound: %s", vgt_dm_violation(bench->dm, 0));
	}
	assert_int_equal(vgt_dm_usage(bench->dm).allocations, 0);
	assert_int_equal(vgt_dm_usage(bench->dm).dmas, 0);
	vgt_dm_destroy(bench->dm);
}

static void plant(const struct bench *bench, enum vgt_dm_fault fault, uint64_t value)
{
	const struct vgt_dm_plan plan = {.count = 1, .value = value};
	vgt_dm_plant(bench->dm, fault, &plan);
}

static void monitors(void **state)
{
	(void)state;
	const struct vgt_dm_options options = {.num_scanouts = 2};
	struct bench bench = bench_open(&options);
	struct virtio_gpu_resp_display_info info;
	assert_int_equal(
		vgt_display_get_info(bench.client, &info, &bench.answer), VGT_ESCAPE_OK);
	assert_int_equal(bench.answer.response, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	assert_int_equal(info.pmodes[0].enabled, 1);
	assert_true(info.pmodes[0].r.width > 0);
	assert_int_equal(info.pmodes[2].enabled, 0);

	plant(&bench, VGT_DM_RESPONSE_TYPE, VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(vgt_display_get_info(bench.client, &info, &bench.answer),
		VGT_ESCAPE_HOST_INVALID);
	plant(&bench, VGT_DM_RESPONSE_SHORT, sizeof(info) - 1);
	assert_int_equal(vgt_display_get_info(bench.client, &info, &bench.answer),
		VGT_ESCAPE_HOST_INVALID);
	struct vgt_escape_get_statistics statistics = {.contexts = 0};
	assert_int_equal(vgt_client_get_statistics(bench.client, &statistics), VGT_ESCAPE_OK);
	assert_int_equal(statistics.device_invalid, 2);
	plant(&bench, VGT_DM_REFUSED, VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(vgt_display_get_info(bench.client, &info, &bench.answer),
		VGT_ESCAPE_HOST_ERROR);
	assert_int_equal(bench.answer.response, VIRTIO_GPU_RESP_ERR_UNSPEC);
	bench_close(&bench);
}

static void edid(void **state)
{
	(void)state;
	struct bench bench = bench_open(NULL);
	struct virtio_gpu_resp_edid resp;
	const size_t before = offsetof(struct virtio_gpu_resp_edid, edid);
	assert_int_equal(
		vgt_display_get_edid(bench.client, 0, &resp, &bench.answer), VGT_ESCAPE_OK);
	assert_true(resp.size >= 128);
	assert_memory_equal(resp.edid, "\0\xff\xff\xff\xff\xff\xff\0", 8);
	assert_int_equal(vgt_display_get_edid(bench.client, 1, &resp, &bench.answer),
		VGT_ESCAPE_BAD_PARAMETER);

	/* cut off within its data, or before its size; a size that no answer has room for */
	plant(&bench, VGT_DM_RESPONSE_SHORT, before + 127);
	assert_int_equal(vgt_display_get_edid(bench.client, 0, &resp, &bench.answer),
		VGT_ESCAPE_HOST_INVALID);
	plant(&bench, VGT_DM_RESPONSE_SHORT, 24);
	assert_int_equal(vgt_display_get_edid(bench.client, 0, &resp, &bench.answer),
		VGT_ESCAPE_HOST_INVALID);
	plant(&bench, VGT_DM_RESPONSE_RANDOM, 1);
	assert_int_equal(vgt_display_get_edid(bench.client, 0, &resp, &bench.answer),
		VGT_ESCAPE_HOST_INVALID);
	assert_true(resp.size > sizeof(resp.edid));
	bench_close(&bench);

	const struct vgt_dm_options without = {
		.features = VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL};
	bench = bench_open(&without);
	assert_int_equal(vgt_display_get_edid(bench.client, 0, &resp, &bench.answer),
		VGT_ESCAPE_UNSUPPORTED);
	assert_int_equal(vgt_dm_log_count(bench.dm, VIRTIO_GPU_CMD_GET_EDID), 0);
	bench_close(&bench);
}

static void picture(void **state)
{
	(void)state;
	const struct virtio_gpu_rect all = {.width = 64, .height = 32};
	struct bench bench = bench_open(NULL);
	struct vgt_client *client = bench.client;
	struct vgt_answer *answer = &bench.answer;
	uint32_t resource, resource_id;
	uint64_t address, size;
	assert_int_equal(vgt_display_create_2d(client, FORMAT_B8G8R8X8, 64, 32, false,
				 &resource, &resource_id, answer),
		VGT_ESCAPE_OK);
	assert_int_not_equal(resource, resource_id);
	assert_int_equal(vgt_display_transfer_2d(client, resource, &all, 0, false, answer),
		VGT_ESCAPE_BAD_STATE);
	assert_int_equal(vgt_client_attach_backing(client, resource, 64 * 32 * 4, answer),
		VGT_ESCAPE_OK);
	assert_int_equal(vgt_client_map(client, resource, &address, &size), VGT_ESCAPE_OK);
	memset((void *)(uintptr_t)address, 0x5a, size);
	assert_int_equal(
		vgt_display_transfer_2d(client, resource, &all, 64 * 32 * 4, false, answer),
		VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(vgt_display_transfer_2d(client, resource, &all, 0, true, answer),
		VGT_ESCAPE_OK);
	assert_int_equal(answer->fence, 1);
	assert_int_equal(
		vgt_display_set_scanout(client, 0, resource, &all, answer), VGT_ESCAPE_OK);
	assert_int_equal(
		vgt_display_flush(client, resource, &all, false, answer), VGT_ESCAPE_OK);

	struct vgt_dm_gpu *gpu = vgt_dm_gpu(bench.dm);
	const struct vgt_dm_resource *made = vgt_dm_gpu_resource(gpu, resource_id);
	assert_non_null(made);
	assert_true(made->is_2d);
	assert_int_equal(made->shadow[0], 0x5a);
	assert_int_equal(vgt_dm_gpu_scanout(gpu, 0).resource_id, resource_id);
	assert_int_equal(vgt_dm_gpu_scanout(gpu, 0).flushes, 1);
	const struct virtio_gpu_rect flushed = vgt_dm_gpu_scanout(gpu, 0).flushed;
	assert_memory_equal(&flushed, &all, sizeof(all));

	assert_int_equal(vgt_display_set_scanout(client, 1, resource, &all, answer),
		VGT_ESCAPE_BAD_PARAMETER);
	assert_int_equal(vgt_display_set_scanout(client, 0, 0, &all, answer), VGT_ESCAPE_OK);
	assert_int_equal(vgt_dm_gpu_scanout(gpu, 0).resource_id, 0);
	bench_close(&bench);
}

static void handles_are_checked(void **state)
{
	(void)state;
	const struct virtio_gpu_rect all = {.width = 64, .height = 32};
	const struct virtio_gpu_cursor_pos pos = {.x = 1};
	struct bench bench = bench_open(NULL);
	struct vgt_answer *answer = &bench.answer;
	enum vgt_escape_status status;
	struct vgt_client *other = vgt_client_open(bench.gpu, NULL, &status);
	uint32_t resource, resource_id;
	assert_int_equal(vgt_display_create_2d(bench.client, FORMAT_B8G8R8X8, 64, 32, false,
				 &resource, &resource_id, answer),
		VGT_ESCAPE_OK);
	vgt_dm_forget_log(bench.dm);
	assert_int_equal(vgt_display_transfer_2d(other, resource, &all, 0, false, answer),
		VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(vgt_display_set_scanout(other, 0, resource, &all, answer),
		VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(
		vgt_display_flush(other, resource, &all, false, answer), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(
		vgt_display_update_cursor(other, &pos, resource, 0, 0), VGT_ESCAPE_BAD_HANDLE);
	assert_int_equal(vgt_dm_log_size(bench.dm), 0);
	vgt_client_close(other);
	bench_close(&bench);
}

static void cursor(void **state)
{
	(void)state;
	struct bench bench = bench_open(NULL);
	struct virtio_gpu_cursor_pos pos = {.x = 3, .y = 4};
	uint32_t resource, resource_id;
	assert_int_equal(vgt_display_create_2d(bench.client, FORMAT_B8G8R8X8, 64, 64, false,
				 &resource, &resource_id, &bench.answer),
		VGT_ESCAPE_OK);
	assert_int_equal(
		vgt_display_update_cursor(bench.client, &pos, resource, 5, 6), VGT_ESCAPE_OK);
	while (vgt_dm_step(bench.dm)) {
	}
	struct virtio_gpu_update_cursor seen = vgt_dm_gpu_cursor(vgt_dm_gpu(bench.dm));
	assert_int_equal(seen.hdr.type, VIRTIO_GPU_CMD_UPDATE_CURSOR);
	assert_int_equal(seen.resource_id, resource_id);
	assert_int_equal(seen.hot_x, 5);
	assert_int_equal(seen.hot_y, 6);
	for (uint32_t i = 0; i < 50; i++) {
		pos.x = i;
		assert_int_equal(
			vgt_display_move_cursor(bench.client, &pos, resource), VGT_ESCAPE_OK);
	}
	while (vgt_dm_step(bench.dm)) {
	}
	seen = vgt_dm_gpu_cursor(vgt_dm_gpu(bench.dm));
	assert_int_equal(seen.hdr.type, VIRTIO_GPU_CMD_MOVE_CURSOR);
	assert_int_equal(seen.resource_id, resource_id);
	assert_int_equal(seen.pos.x, 49);
	assert_int_equal(seen.pos.y, 4);
	pos.scanout_id = 1;
	assert_int_equal(vgt_display_move_cursor(bench.client, &pos, resource),
		VGT_ESCAPE_BAD_PARAMETER);
	pos.scanout_id = 0;
	assert_int_equal(vgt_display_update_cursor(bench.client, &pos, 0, 0, 0), VGT_ESCAPE_OK);
	while (vgt_dm_step(bench.dm)) {
	}
	assert_int_equal(vgt_dm_gpu_cursor(vgt_dm_gpu(bench.dm)).resource_id, 0);
	bench_close(&bench);
}

static void lost_with_the_device(void **state)
{
	(void)state;
	const struct virtio_gpu_cursor_pos pos = {.x = 1};
	struct bench bench = bench_open(NULL);
	struct virtio_gpu_resp_display_info info;
	assert_int_equal(vgt_gpu_reset(bench.gpu), VGT_ESCAPE_OK);
	assert_int_equal(vgt_display_get_info(bench.client, &info, &bench.answer),
		VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(
		vgt_display_move_cursor(bench.client, &pos, 0), VGT_ESCAPE_DEVICE_LOST);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monitors),
		cmocka_unit_test(edid),
		cmocka_unit_test(picture),
		cmocka_unit_test(handles_are_checked),
		cmocka_unit_test(cursor),
		cmocka_unit_test(lost_with_the_device),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
