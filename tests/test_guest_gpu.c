/* SPDX-License-Identifier: MIT */
#include "device_model.h"
#include "gpu_private.h"
#include "virtio_gpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define MS                  UINT64_C(1000000)

/* The device in memory, opened; the lock is held by the test unless it says otherwise. */
struct bench {
	struct vgt_dm *dm;
	const struct vgt_platform *platform;
	struct vgt_gpu *gpu;
};

static const struct vgt_gpu_limits small_limits = {
	.requests = 4,
	.clients = 2,
	.device_timeout_ns = 1000 * MS,
	.queue_timeout_ns = 300 * MS,
	.contexts_max = 4,
	.resources_max = 16,
	.fences_max = 8,
	.submit_max = 1 << 16,
	.submit_resources_max = 16,
	.backing_max = 1 << 20,
};

static void lock(const struct bench *bench)
{
	bench->platform->lock(bench->platform->self);
}

static void unlock(const struct bench *bench)
{
	bench->platform->unlock(bench->platform->self);
}

static struct bench bench_with_model(const struct vgt_dm_options *options)
{
	struct bench bench = {.dm = vgt_dm_create(options)};
	bench.platform = vgt_dm_platform(bench.dm);
	return bench;
}

static enum vgt_escape_status bench_open(
	struct bench *bench, const struct vgt_gpu_limits *limits)
{
	enum vgt_escape_status status = VGT_ESCAPE_PENDING;
	bench->gpu = vgt_gpu_open(bench->platform, limits, &status);
	assert_int_equal(bench->gpu != NULL, status == VGT_ESCAPE_OK);
	return status;
}

static struct bench bench_open_with(
	const struct vgt_dm_options *options, const struct vgt_gpu_limits *limits)
{
	struct bench bench = bench_with_model(options);
	assert_int_equal(bench_open(&bench, limits), VGT_ESCAPE_OK);
	lock(&bench);
	return bench;
}

static void assert_sound(const struct bench *bench)
{
	const char *violation = vgt_dm_violation(bench->dm, 0);
	if (violation) {
		fail_msg("the driver is not sound: %s", violation);
	}
}

static void assert_nothing_held(const struct bench *bench)
{
	struct vgt_dm_usage usage = vgt_dm_usage(bench->dm);
	assert_int_equal(usage.allocations, 0);
	assert_int_equal(usage.dmas, 0);
}

static void bench_close(struct bench *bench)
{
	unlock(bench);
	vgt_gpu_close(bench->gpu);
	assert_sound(bench);
	assert_nothing_held(bench);
	vgt_dm_destroy(bench->dm);
}

/* Commands */

static enum vgt_escape_status get_display_info(const struct bench *bench, bool fenced,
	struct virtio_gpu_resp_display_info *info, struct vgt_gpu_command *result)
{
	struct virtio_gpu_ctrl_hdr head = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
	*result = (struct vgt_gpu_command){.head = &head,
		.head_size = sizeof(head),
		.fenced = fenced,
		.response = info,
		.response_size = sizeof(*info)};
	return vgt_gpu_call(bench->gpu, result);
}

/* Switches scanout 0 off, which is answered without data. */
static enum vgt_escape_status call_with(const struct bench *bench, bool fenced, void *response,
	uint32_t response_size, struct vgt_gpu_command *result)
{
	struct virtio_gpu_set_scanout head = {.hdr = {.type = VIRTIO_GPU_CMD_SET_SCANOUT}};
	struct vgt_gpu_command command = {.head = &head,
		.head_size = sizeof(head),
		.fenced = fenced,
		.response = response,
		.response_size = response_size};
	enum vgt_escape_status status = vgt_gpu_call(bench->gpu, &command);
	if (result) {
		*result = command;
	}
	return status;
}

static enum vgt_escape_status call(const struct bench *bench, bool fenced)
{
	return call_with(bench, fenced, NULL, 0, NULL);
}

static void assert_works(const struct bench *bench)
{
	struct virtio_gpu_resp_display_info info;
	struct vgt_gpu_command result;
	assert_false(vgt_gpu_is_lost(bench->gpu));
	assert_int_equal(get_display_info(bench, false, &info, &result), VGT_ESCAPE_OK);
	assert_int_equal(result.response_type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	assert_int_equal(result.response_written, sizeof(info));
	assert_int_equal(info.hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	assert_int_equal(info.pmodes[0].enabled, 1);
}

static void create_context(const struct bench *bench, uint32_t ctx_id)
{
	struct virtio_gpu_ctx_create head = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = ctx_id}};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	assert_int_equal(vgt_gpu_call(bench->gpu, &command), VGT_ESCAPE_OK);
}

/* What done functions leave behind. */
struct tally {
	uint32_t count, ok, lost, last_response;
	uint32_t order[64]; /* tags in the order in which they came */
};

struct tagged {
	struct tally *tally;
	uint32_t tag;
};

static void count_done(void *context, enum vgt_escape_status status, uint32_t response)
{
	const struct tagged *tagged = context;
	struct tally *tally = tagged->tally;
	tally->order[tally->count++ % ARRAY_LENGTH(tally->order)] = tagged->tag;
	tally->ok += status == VGT_ESCAPE_OK;
	tally->lost += status == VGT_ESCAPE_DEVICE_LOST;
	tally->last_response = response;
}

/* A submit of `size` bytes to context 1, each dword other than its neighbours. */
static enum vgt_escape_status submit(const struct bench *bench, uint32_t size, bool fenced,
	const struct tagged *tagged, struct vgt_gpu_command *result)
{
	struct virtio_gpu_cmd_submit head = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1}, .size = size};
	struct vgt_gpu_command command = {.head = &head,
		.head_size = sizeof(head),
		.fenced = fenced,
		.payload_size = size};
	assert_true(vgt_gpu_payload_alloc(bench->gpu, size, &command.payload));
	uint32_t *words = command.payload.address;
	for (uint32_t i = 0; i < size / 4; i++) {
		words[i] = i * 2654435761u;
	}
	enum vgt_escape_status status;
	if (tagged) {
		struct vgt_gpu_done done = {count_done, (void *)(uintptr_t)tagged};
		status = vgt_gpu_post(bench->gpu, &command, &done);
	} else {
		status = vgt_gpu_call(bench->gpu, &command);
	}
	assert_null(command.payload.address);
	if (result) {
		*result = command;
	}
	return status;
}

static void assert_submitted(const struct bench *bench, uint32_t size)
{
	uint32_t ctx_id, got;
	const uint32_t *words = vgt_dm_gpu_last_submit(vgt_dm_gpu(bench->dm), &ctx_id, &got);
	assert_int_equal(ctx_id, 1);
	assert_int_equal(got, size);
	for (uint32_t i = 0; i < size / 4; i++) {
		if (words[i] != i * 2654435761u) {
			fail_msg("dword %u of %u is wrong", i, size / 4);
		}
	}
}

/* Opening */

static void comes_up(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	assert_int_equal(vgt_gpu_features(bench.gpu), VGT_ESCAPE_FEATURE_VIRGL |
							      VGT_ESCAPE_FEATURE_EDID |
							      VGT_ESCAPE_FEATURE_CONTEXT_INIT);
	assert_int_equal(vgt_gpu_num_scanouts(bench.gpu), 1);
	assert_int_equal(vgt_gpu_num_capsets(bench.gpu), 2);
	assert_works(&bench);
	assert_int_equal(vgt_gpu_limits(bench.gpu)->requests, 128);
	assert_ptr_equal(vgt_gpu_platform(bench.gpu), bench.platform);
	bench_close(&bench);
	vgt_gpu_close(NULL);
}

static void takes_what_is_offered(void **state)
{
	(void)state;
	const uint64_t needed = VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL;
	const struct {
		uint64_t offered, features;
		enum vgt_escape_status status;
	} cases[] = {
		{needed, VGT_ESCAPE_FEATURE_VIRGL, VGT_ESCAPE_OK},
		{needed | VIRTIO_F_INDIRECT_DESC, VGT_ESCAPE_FEATURE_VIRGL, VGT_ESCAPE_OK},
		{needed | VIRTIO_F_EVENT_IDX, VGT_ESCAPE_FEATURE_VIRGL, VGT_ESCAPE_OK},
		{needed | VIRTIO_GPU_F_EDID | VIRTIO_GPU_F_RESOURCE_UUID,
			VGT_ESCAPE_FEATURE_VIRGL | VGT_ESCAPE_FEATURE_EDID, VGT_ESCAPE_OK},
		{needed | VIRTIO_GPU_F_RESOURCE_BLOB | VIRTIO_GPU_F_CONTEXT_INIT,
			VGT_ESCAPE_FEATURE_VIRGL | VGT_ESCAPE_FEATURE_RESOURCE_BLOB |
				VGT_ESCAPE_FEATURE_CONTEXT_INIT,
			VGT_ESCAPE_OK},
		{VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_EDID, 0, VGT_ESCAPE_UNSUPPORTED},
		{VIRTIO_GPU_F_VIRGL | VIRTIO_GPU_F_EDID, 0, VGT_ESCAPE_UNSUPPORTED},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct vgt_dm_options options = {.features = cases[i].offered};
		struct bench bench = bench_with_model(&options);
		assert_int_equal(bench_open(&bench, NULL), cases[i].status);
		if (bench.gpu) {
			assert_int_equal(vgt_gpu_features(bench.gpu), cases[i].features);
			lock(&bench);
			assert_works(&bench);
			unlock(&bench);
		}
		vgt_gpu_close(bench.gpu);
		assert_sound(&bench);
		assert_nothing_held(&bench);
		vgt_dm_destroy(bench.dm);
	}
}

static void does_not_come_up(void **state)
{
	(void)state;
	const struct vgt_dm_plan always = {.count = UINT32_MAX};
	const struct {
		enum vgt_dm_fault fault;
		enum vgt_escape_status status;
	} faults[] = {
		{VGT_DM_FEATURES_REFUSED, VGT_ESCAPE_UNSUPPORTED},
		{VGT_DM_GENERATION, VGT_ESCAPE_OK}, /* no reason to go round for ever */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		struct bench bench = bench_with_model(NULL);
		vgt_dm_plant(bench.dm, faults[i].fault, &always);
		assert_int_equal(bench_open(&bench, &small_limits), faults[i].status);
		assert_true(vgt_dm_struck(bench.dm, faults[i].fault) > 0);
		vgt_dm_plant(bench.dm, faults[i].fault, NULL);
		vgt_gpu_close(bench.gpu);
		assert_sound(&bench);
		assert_nothing_held(&bench);
		vgt_dm_destroy(bench.dm);
	}
}

static void is_another_device(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < 4; offset++) {
		struct bench bench = bench_with_model(NULL);
		vgt_dm_patch_config_space(bench.dm, offset, 0x77);
		assert_int_equal(bench_open(&bench, NULL), VGT_ESCAPE_UNSUPPORTED);
		assert_sound(&bench);
		assert_nothing_held(&bench);
		vgt_dm_destroy(bench.dm);
	}
}

static void limits_are_made_to_work(void **state)
{
	(void)state;
	const struct vgt_gpu_limits limits = {.requests = 0,
		.clients = UINT32_MAX,
		.device_timeout_ns = UINT64_MAX,
		.queue_timeout_ns = UINT64_MAX,
		.contexts_max = UINT32_MAX,
		.resources_max = UINT32_MAX,
		.fences_max = UINT32_MAX};
	struct bench bench = bench_open_with(NULL, &limits);
	assert_int_equal(vgt_gpu_limits(bench.gpu)->requests, 1);
	assert_int_equal(vgt_gpu_limits(bench.gpu)->fences_max, VGT_ESCAPE_FENCES_KEPT);
	assert_works(&bench);
	assert_int_equal(call(&bench, true), VGT_ESCAPE_OK);
	bench_close(&bench);
}

static void device_that_polls(void **state)
{
	(void)state;
	const uint64_t features[] = {VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL,
		VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL | VIRTIO_F_EVENT_IDX};
	for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
		const struct vgt_dm_options options = {.polls = true, .features = features[i]};
		struct bench bench = bench_open_with(&options, NULL);
		assert_works(&bench);
		assert_int_equal(vgt_dm_notifications(bench.dm), 0);
		bench_close(&bench);
	}
}

/* Each wait() for an answer ends by the interrupt, well before the driver looks by itself. */
static void interrupts_come(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	const struct vgt_platform *platform = bench.platform;
	for (int i = 0; i < 300; i++) {
		platform->wait(platform->self, 0); /* the last call's wake() is over */
		const uint64_t before = platform->now(platform->self);
		assert_int_equal(call(&bench, i % 2), VGT_ESCAPE_OK);
		assert_true(platform->now(platform->self) - before < VGT_GPU_LOOK_NS);
	}
	bench_close(&bench);
}

static void wants_two_queues(void **state)
{
	(void)state;
	const struct {
		uint16_t control, cursor;
		enum vgt_escape_status status;
	} cases[] = {
		{0, 16, VGT_ESCAPE_UNSUPPORTED},
		{2, 16, VGT_ESCAPE_UNSUPPORTED},
		{64, 0, VGT_ESCAPE_UNSUPPORTED},
		{4, 1, VGT_ESCAPE_OK},
		{1024, 1024, VGT_ESCAPE_OK},
		{32768, 32768, VGT_ESCAPE_OK},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct bench bench = bench_with_model(NULL);
		vgt_dm_set_queue(bench.dm, 0, cases[i].control, 0);
		vgt_dm_set_queue(bench.dm, 1, cases[i].cursor, 1);
		assert_int_equal(bench_open(&bench, NULL), cases[i].status);
		if (bench.gpu) {
			lock(&bench);
			assert_works(&bench);
			unlock(&bench);
		}
		vgt_gpu_close(bench.gpu);
		assert_sound(&bench);
		assert_nothing_held(&bench);
		vgt_dm_destroy(bench.dm);
	}
}

static void believes_no_large_counts(void **state)
{
	(void)state;
	struct vgt_dm_options options = {.num_scanouts = 16};
	struct bench bench = bench_with_model(&options);
	vgt_dm_set_num_capsets(bench.dm, UINT32_MAX);
	assert_int_equal(bench_open(&bench, NULL), VGT_ESCAPE_OK);
	lock(&bench);
	assert_int_equal(vgt_gpu_num_scanouts(bench.gpu), 16);
	assert_int_equal(vgt_gpu_num_capsets(bench.gpu), 64);
	bench_close(&bench);
}

static void out_of_memory_anywhere(void **state)
{
	(void)state;
	struct bench bench = bench_with_model(NULL);
	assert_int_equal(bench_open(&bench, NULL), VGT_ESCAPE_OK);
	uint64_t requests = vgt_dm_usage(bench.dm).requests;
	assert_true(requests >= 9);
	vgt_gpu_close(bench.gpu);
	for (uint64_t nth = 1; nth <= requests; nth++) {
		vgt_dm_fail_request(bench.dm, nth, 1);
		assert_int_equal(bench_open(&bench, NULL), VGT_ESCAPE_NO_MEMORY);
		assert_nothing_held(&bench);
		assert_sound(&bench);
	}
	vgt_dm_fail_request(bench.dm, 0, 0);
	assert_int_equal(bench_open(&bench, NULL), VGT_ESCAPE_OK);
	lock(&bench);
	assert_works(&bench);
	bench_close(&bench);
}

/* Commands and answers */

static void memory_is_constant(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	assert_works(&bench);
	uint64_t requests = vgt_dm_usage(bench.dm).requests;
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(call(&bench, i % 2), VGT_ESCAPE_OK);
	}
	assert_int_equal(vgt_dm_usage(bench.dm).requests, requests);
	bench_close(&bench);
}

static void response_is_what_was_written(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	struct virtio_gpu_resp_display_info info;
	struct vgt_gpu_command result;
	struct vgt_dm_plan plan = {.count = 1, .value = 40};
	memset(&info, 0xee, sizeof(info));
	vgt_dm_plant(bench.dm, VGT_DM_RESPONSE_SHORT, &plan);
	assert_int_equal(get_display_info(&bench, false, &info, &result), VGT_ESCAPE_OK);
	assert_int_equal(vgt_dm_struck(bench.dm, VGT_DM_RESPONSE_SHORT), 1);
	assert_int_equal(result.response_written, 40);
	static const char zero[sizeof(info)];
	assert_memory_equal((char *)&info + 40, zero, sizeof(info) - 40);
	assert_works(&bench);

	/* a response that is shorter than a header, and no multiple of four */
	unsigned char small[7];
	memset(small, 0xee, sizeof(small));
	assert_int_equal(call_with(&bench, false, small, 5, NULL), VGT_ESCAPE_OK);
	assert_memory_equal(small, "\0\x11\0\0\0\xee\xee", 7);
	bench_close(&bench);
}

/* A device that says that it has written, and has not, gives nobody an older answer. */
static void old_responses_are_wiped(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	const struct vgt_gpu_slot *slot = bench.gpu->control.free;
	const struct virtio_gpu_ctrl_hdr zero = {.type = 0};
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	create_context(&bench, 1);
	assert_memory_not_equal(slot->response, &zero, sizeof(zero));
	assert_ptr_equal(bench.gpu->control.free, slot);
	assert_int_equal(submit(&bench, 64, false, &tagged, NULL), VGT_ESCAPE_OK);
	assert_memory_equal(slot->response, &zero, sizeof(zero));
	while (tally.count < 1) {
		vgt_gpu_wait(bench.gpu, UINT64_MAX);
	}
	bench_close(&bench);
}

static void refusals_are_errors_of_the_host(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	for (uint32_t type = VIRTIO_GPU_RESP_ERR_UNSPEC;
		type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER; type++) {
		struct vgt_dm_plan plan = {.count = 2, .value = type};
		struct vgt_gpu_command result;
		vgt_dm_plant(bench.dm, VGT_DM_REFUSED, &plan);
		for (int fenced = 0; fenced < 2; fenced++) {
			assert_int_equal(call_with(&bench, fenced, NULL, 0, &result),
				VGT_ESCAPE_HOST_ERROR);
			assert_int_equal(result.response_type, type);
		}
		assert_works(&bench);
	}
	assert_int_equal(vgt_gpu_counters(bench.gpu).invalid, 0);
	bench_close(&bench);
}

static void fences_come_in_any_order(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	struct tally tally = {.count = 0};
	struct tagged tagged[8];
	create_context(&bench, 1);
	vgt_dm_forget_log(bench.dm);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_REVERSED, 0);
	for (uint32_t i = 0; i < 8; i++) {
		tagged[i] = (struct tagged){&tally, i};
		assert_int_equal(submit(&bench, 64, true, &tagged[i], NULL), VGT_ESCAPE_OK);
	}
	assert_int_equal(tally.count, 0);
	while (tally.count < 8) {
		vgt_gpu_wait(bench.gpu, UINT64_MAX);
	}
	assert_int_equal(tally.ok, 8);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(tally.order[i], 7 - i);
		assert_int_equal(vgt_dm_log(bench.dm, i).fence_id, i + 1);
		assert_true(vgt_dm_log(bench.dm, i).flags & VIRTIO_GPU_FLAG_FENCE);
	}
	bench_close(&bench);
}

static void fail_wait(void *context)
{
	(void)context;
	fail_msg("nothing was to be waited for");
}

static void waits_only_for_what_is_not_there(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	const struct vgt_platform *platform = bench.platform;
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	create_context(&bench, 1);
	vgt_dm_on_wait(bench.dm, fail_wait, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(submit(&bench, 64, i, &tagged, NULL), VGT_ESCAPE_OK);
	}
	while (vgt_dm_step(bench.dm)) {
	}
	assert_int_equal(tally.count, 0);
	vgt_gpu_wait(bench.gpu, UINT64_MAX);
	assert_int_equal(tally.ok, 2);
	vgt_gpu_wait(bench.gpu, platform->now(platform->self));
	vgt_dm_on_wait(bench.dm, NULL, NULL);
	uint64_t deadline = platform->now(platform->self) + MS;
	while (platform->now(platform->self) < deadline) {
		vgt_gpu_wait(bench.gpu, deadline);
	}
	assert_true(platform->now(platform->self) < deadline + MS);
	bench_close(&bench);
}

static uint32_t woken;
static void (*wake_of_model)(void *self);

static void count_wake(void *self)
{
	woken++;
	wake_of_model(self);
}

/* Others may wait for room, or for what this thread takes. */
static void answers_losses_and_resets_wake(void **state)
{
	(void)state;
	struct bench bench = bench_with_model(NULL);
	struct vgt_platform platform = *bench.platform;
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	wake_of_model = platform.wake;
	platform.wake = count_wake;
	bench.platform = &platform;
	assert_int_equal(bench_open(&bench, &small_limits), VGT_ESCAPE_OK);
	lock(&bench);
	create_context(&bench, 1);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	while (vgt_dm_step(bench.dm)) {
	}
	woken = 0;
	vgt_gpu_progress(bench.gpu);
	assert_int_equal(tally.ok, 1);
	assert_int_equal(woken, 1);
	vgt_gpu_progress(bench.gpu);
	assert_int_equal(woken, 1);

	vgt_dm_ask_reset(bench.dm);
	woken = 0;
	assert_int_equal(call(&bench, false), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(woken, 1);
	woken = 0;
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	assert_true(woken > 0);
	bench_close(&bench);
}

static void release_one(void *context)
{
	const struct bench *bench = context;
	vgt_dm_release(bench->dm, 1);
}

static void fence_numbers_fit_into_32_bits(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	struct vgt_gpu_command result;
	create_context(&bench, 1);
	vgt_dm_forget_log(bench.dm);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	bench.gpu->last_fence = UINT32_MAX - 2;
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	/* not before both have been answered; others may go */
	assert_int_equal(call(&bench, false), VGT_ESCAPE_OK);
	assert_int_equal(submit(&bench, 64, true, &tagged, &result), VGT_ESCAPE_BUSY);
	assert_int_equal(result.queue_waits, 1);
	vgt_dm_on_wait(bench.dm, release_one, &bench);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	assert_int_equal(tally.count, 2);
	while (tally.count < 3) {
		vgt_gpu_wait(bench.gpu, UINT64_MAX);
	}
	assert_int_equal(tally.ok, 3);
	assert_int_equal(vgt_dm_log(bench.dm, 0).fence_id, UINT32_MAX - 1);
	assert_int_equal(vgt_dm_log(bench.dm, 1).fence_id, UINT32_MAX);
	assert_int_equal(vgt_dm_log(bench.dm, 3).fence_id, 1);
	vgt_dm_on_wait(bench.dm, NULL, NULL);
	bench_close(&bench);
}

/* Payloads in as many pieces as a chain has room for, and one page more. */
static void payloads_of_many_sizes(void **state)
{
	(void)state;
	const uint64_t direct = VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL;
	const struct vgt_dm_options options[] = {
		{.control_size = 256},
		{.control_size = 16},
		{.control_size = 256, .features = direct},
		{.control_size = 16, .features = direct},
		{.control_size = 4, .features = direct},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
		struct bench bench = bench_open_with(&options[i], NULL);
		const uint32_t whole = (bench.gpu->chain_max - 2) * 4096;
		const uint32_t sizes[] = {4, 64, 4092, 4096, 4100, 8192, 12288, 65536,
			whole - 4, whole, whole + 4, 2 * whole, 2 * whole + 4, 1 << 20,
			4 << 20};
		create_context(&bench, 1);
		uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
		for (size_t k = 0; k < ARRAY_LENGTH(sizes); k++) {
			assert_int_equal(
				submit(&bench, sizes[k], k % 2, NULL, NULL), VGT_ESCAPE_OK);
			assert_submitted(&bench, sizes[k]);
			assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
		}
		struct vgt_dma none;
		assert_false(vgt_gpu_payload_alloc(bench.gpu, 0, &none));
		assert_null(none.address);
		assert_false(vgt_gpu_payload_alloc(bench.gpu, UINT64_C(1) << 32, &none));
		vgt_dm_fail_request(bench.dm, 1, 1);
		assert_false(vgt_gpu_payload_alloc(bench.gpu, 64, &none));
		bench_close(&bench);
	}
}

/* Memory that is not from vgt_gpu_payload_alloc() is refused where it is in too many pieces. */
static void payload_in_too_many_pieces(void **state)
{
	(void)state;
	const struct vgt_dm_options options = {.control_size = 4};
	struct bench bench = bench_open_with(&options, NULL);
	struct virtio_gpu_cmd_submit head = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1}, .size = 3 * 4096};
	struct vgt_gpu_command command = {
		.head = &head, .head_size = sizeof(head), .payload_size = head.size};
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	assert_true(bench.platform->dma_alloc(
		bench.platform->self, head.size, VGT_DMA_PAGE, &command.payload));
	assert_int_equal(vgt_gpu_call(bench.gpu, &command), VGT_ESCAPE_NO_MEMORY);
	assert_null(command.payload.address);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	assert_works(&bench);
	bench_close(&bench);
}

static void cursor_commands_come_back(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	for (uint32_t i = 0; i < 100; i++) {
		struct virtio_gpu_update_cursor head = {
			.hdr = {.type = VIRTIO_GPU_CMD_MOVE_CURSOR}, .pos = {.x = i}};
		struct vgt_gpu_command command = {
			.head = &head, .head_size = sizeof(head), .cursor = true};
		struct vgt_gpu_done done = {count_done, &tagged};
		assert_int_equal(
			vgt_gpu_post(bench.gpu, &command, i % 2 ? &done : NULL), VGT_ESCAPE_OK);
	}
	while (tally.count < 50) {
		vgt_gpu_wait(bench.gpu, UINT64_MAX);
	}
	assert_int_equal(tally.ok, 50);
	assert_int_equal(vgt_dm_log_count(bench.dm, VIRTIO_GPU_CMD_MOVE_CURSOR), 100);
	assert_int_equal(vgt_dm_gpu_cursor(vgt_dm_gpu(bench.dm)).pos.x, 99);
	bench_close(&bench);
}

/* Back-pressure */

static void full_queue(const struct vgt_dm_options *options, uint32_t room)
{
	struct bench bench = bench_open_with(options, &small_limits);
	const struct vgt_platform *platform = bench.platform;
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	struct vgt_gpu_command result;
	create_context(&bench, 1);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	for (uint32_t i = 0; i < room; i++) {
		assert_int_equal(submit(&bench, 64, true, &tagged, &result), VGT_ESCAPE_OK);
		assert_int_equal(result.queue_waits, 0);
	}
	uint64_t before = platform->now(platform->self);
	assert_int_equal(submit(&bench, 64, true, &tagged, &result), VGT_ESCAPE_BUSY);
	assert_true(platform->now(platform->self) - before >= small_limits.queue_timeout_ns);
	assert_int_equal(result.queue_waits, 1);
	assert_int_equal(
		vgt_dm_usage(bench.dm).dmas, dmas + room); /* and the refused one not */
	assert_int_equal(submit(&bench, 64, false, NULL, NULL), VGT_ESCAPE_BUSY);
	assert_false(vgt_gpu_is_lost(bench.gpu));

	vgt_dm_on_wait(bench.dm, release_one, &bench);
	assert_int_equal(submit(&bench, 64, true, &tagged, &result), VGT_ESCAPE_OK);
	assert_int_equal(result.queue_waits, 1);
	while (tally.count < room + 1) {
		vgt_gpu_wait(bench.gpu, UINT64_MAX);
	}
	assert_int_equal(tally.ok, room + 1);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	vgt_dm_on_wait(bench.dm, NULL, NULL);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_AT_ONCE, 0);
	assert_works(&bench);
	bench_close(&bench);
}

static void waits_for_a_request_slot(void **state)
{
	(void)state;
	full_queue(NULL, 4);
}

static void waits_for_descriptors(void **state)
{
	(void)state;
	const struct vgt_dm_options options = {
		.control_size = 8, .features = VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL};
	full_queue(&options, 2); /* of three descriptors each */
}

/* Hostility */

struct hostile {
	enum vgt_dm_fault fault;
	uint64_t value;
	bool fenced;
	enum vgt_escape_status status;
	bool lost;
	uint32_t invalid, timeouts; /* as counted */
};

static const struct hostile hostile[] = {
	{VGT_DM_USED_ID, 0xffffffff, false, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_ID, 256, true, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_ID_FREE, 0, false, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_TWICE, 0, false, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_LENGTH, 1, false, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_LENGTH, 0x80000000, true, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_INDEX, 1, false, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_USED_INDEX, 0x8000, false, VGT_ESCAPE_DEVICE_LOST, true, 1, 0},
	{VGT_DM_RESPONSE_SHORT, 0, false, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_SHORT, 23, false, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_SHORT, 24, false, VGT_ESCAPE_OK, false, 0, 0},
	{VGT_DM_RESPONSE_TYPE, 0, false, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_TYPE, 0x0100, false, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_TYPE, 0x1300, true, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_TYPE, 0x11100, false, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_TYPE, 0x11ff, false, VGT_ESCAPE_OK, false, 0, 0},
	{VGT_DM_RESPONSE_TYPE, 0x12ff, false, VGT_ESCAPE_HOST_ERROR, false, 0, 0},
	{VGT_DM_RESPONSE_FENCE, 1, true, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_FENCE, UINT64_C(1) << 32, true, VGT_ESCAPE_HOST_INVALID, false, 1, 0},
	{VGT_DM_RESPONSE_FLAGS, VIRTIO_GPU_FLAG_FENCE, true, VGT_ESCAPE_HOST_INVALID, false, 1,
		0},
	{VGT_DM_RESPONSE_RANDOM, 7, true, VGT_ESCAPE_OK, false, 0, 0},
	{VGT_DM_NO_ANSWER, 0, false, VGT_ESCAPE_DEVICE_LOST, true, 0, 1},
	{VGT_DM_NO_ANSWER, 0, true, VGT_ESCAPE_DEVICE_LOST, true, 0, 1},
	{VGT_DM_NEEDS_RESET, 0, false, VGT_ESCAPE_DEVICE_LOST, true, 0, 0},
	{VGT_DM_GONE, 0, false, VGT_ESCAPE_DEVICE_LOST, true, 0, 0},
};

static void device_does_what_it_must_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(hostile); i++) {
		const struct hostile *h = &hostile[i];
		struct vgt_dm_plan plan = {.count = 1, .value = h->value};
		struct bench bench = bench_open_with(NULL, &small_limits);
		struct virtio_gpu_resp_display_info info;
		struct vgt_gpu_command result;
		assert_works(&bench);
		vgt_dm_plant(bench.dm, h->fault, &plan);
		enum vgt_escape_status status =
			get_display_info(&bench, h->fenced, &info, &result);
		vgt_gpu_progress(bench.gpu);
		struct vgt_gpu_counters counters = vgt_gpu_counters(bench.gpu);
		if (vgt_dm_struck(bench.dm, h->fault) != 1 || status != h->status ||
			vgt_gpu_is_lost(bench.gpu) != h->lost ||
			counters.invalid != h->invalid || counters.timeouts != h->timeouts) {
			fail_msg("case %zu: status %d, lost %d, invalid %d, timeouts %d", i,
				(int)status, vgt_gpu_is_lost(bench.gpu), (int)counters.invalid,
				(int)counters.timeouts);
		}
		assert_int_equal(result.response_type != 0,
			status == VGT_ESCAPE_OK || status == VGT_ESCAPE_HOST_ERROR);
		if (h->fault == VGT_DM_GONE) {
			assert_int_equal(
				vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_DEVICE_LOST);
			assert_int_equal(call(&bench, false), VGT_ESCAPE_DEVICE_LOST);
			unlock(&bench);
			vgt_gpu_close(bench.gpu);
			assert_int_equal(vgt_dm_usage(bench.dm).allocations, 0);
			assert_sound(&bench);
			vgt_dm_destroy(bench.dm);
			continue;
		}
		if (h->lost) {
			assert_int_equal(call(&bench, false), VGT_ESCAPE_DEVICE_LOST);
			assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
		}
		assert_works(&bench);
		bench_close(&bench);
	}
}

/* The device forgets to ask for the notification: the next command is not seen by it. */
static void missed_notification(void **state)
{
	(void)state;
	const uint64_t late[] = {1, 0x7fff, 0x8000, 0xffff};
	for (size_t i = 0; i < ARRAY_LENGTH(late); i++) {
		const struct vgt_dm_plan once = {.count = 1, .value = late[i]};
		struct bench bench = bench_open_with(NULL, &small_limits);
		vgt_dm_plant(bench.dm, VGT_DM_AVAIL_EVENT, &once);
		assert_int_equal(call(&bench, false), VGT_ESCAPE_OK);
		assert_int_equal(vgt_dm_struck(bench.dm, VGT_DM_AVAIL_EVENT), 1);
		assert_int_equal(call(&bench, false), VGT_ESCAPE_DEVICE_LOST);
		assert_int_equal(vgt_gpu_counters(bench.gpu).timeouts, 1);
		assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
		assert_works(&bench);
		bench_close(&bench);
	}
}

static void late_answer(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, &small_limits);
	const struct vgt_platform *platform = bench.platform;
	const struct vgt_dm_plan once = {.count = 1};
	create_context(&bench, 1);
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	uint64_t before = platform->now(platform->self);
	vgt_dm_plant(bench.dm, VGT_DM_NO_ANSWER, &once);
	assert_int_equal(submit(&bench, 64, false, NULL, NULL), VGT_ESCAPE_DEVICE_LOST);
	assert_true(platform->now(platform->self) - before >= small_limits.device_timeout_ns);
	assert_int_equal(vgt_gpu_counters(bench.gpu).timeouts, 1);
	/* the payload may still be read */
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas + 1);
	assert_int_equal(vgt_dm_answer_late(bench.dm), 1);
	vgt_gpu_progress(bench.gpu);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	assert_true(vgt_gpu_is_lost(bench.gpu)); /* it is too late */
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	assert_works(&bench);
	bench_close(&bench);
}

/* A device with much to do: each wait one fenced command is answered, `gap_ns` after the one
 * before, and the one without fence last. */
struct backlog {
	const struct bench *bench;
	uint64_t gap_ns;
	uint32_t left;
};

static void answer_next(void *context)
{
	struct backlog *backlog = context;
	vgt_dm_advance(backlog->bench->dm, backlog->gap_ns);
	if (backlog->left > 0) {
		backlog->left -= vgt_dm_release(backlog->bench->dm, 1);
	} else {
		vgt_dm_answer_late(backlog->bench->dm);
	}
}

/* How long a call behind `count` commands took. */
static uint64_t call_behind(uint32_t count, uint64_t gap_ns, enum vgt_escape_status expected)
{
	struct vgt_gpu_limits limits = small_limits;
	limits.requests = 64;
	struct bench bench = bench_open_with(NULL, &limits);
	const struct vgt_platform *platform = bench.platform;
	struct backlog backlog = {.bench = &bench, .gap_ns = gap_ns, .left = count};
	const struct vgt_dm_plan late = {
		.type = VIRTIO_GPU_CMD_SET_SCANOUT, .count = UINT32_MAX};
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	create_context(&bench, 1);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	vgt_dm_plant(bench.dm, VGT_DM_NO_ANSWER, &late);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	}
	while (vgt_dm_step(bench.dm)) {
	}
	vgt_dm_on_wait(bench.dm, answer_next, &backlog);
	const uint64_t before = platform->now(platform->self);
	assert_int_equal(call(&bench, false), expected);
	const uint64_t after = platform->now(platform->self);
	vgt_dm_on_wait(bench.dm, NULL, NULL);
	assert_int_equal(vgt_gpu_is_lost(bench.gpu), expected != VGT_ESCAPE_OK);
	assert_int_equal(vgt_gpu_counters(bench.gpu).timeouts, expected != VGT_ESCAPE_OK);
	bench_close(&bench);
	return after - before;
}

/* The time runs from the last answer, but not for ever. */
static void late_behind_others(void **state)
{
	(void)state;
	const uint64_t timeout = small_limits.device_timeout_ns;
	assert_true(call_behind(3, timeout * 9 / 10, VGT_ESCAPE_OK) > 3 * timeout);
	const uint64_t endless = call_behind(60, timeout / 10, VGT_ESCAPE_DEVICE_LOST);
	assert_in_range(endless, 4 * timeout, 4 * timeout + timeout / 5);
}

static void late_answer_after_reset(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, &small_limits);
	const struct vgt_dm_plan once = {.count = 1};
	create_context(&bench, 1);
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	vgt_dm_plant(bench.dm, VGT_DM_NO_ANSWER, &once);
	assert_int_equal(submit(&bench, 64, true, NULL, NULL), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	assert_int_equal(vgt_dm_answer_late(bench.dm), 0);
	assert_works(&bench);
	bench_close(&bench);
}

/* Resets */

/* Whoever loses what is on the cursor queue has no cursor soon. */
static void cursor_commands_come_back_from_a_reset(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	struct virtio_gpu_update_cursor head = {.hdr = {.type = VIRTIO_GPU_CMD_MOVE_CURSOR}};
	for (uint32_t i = 0; i < 5 * VGT_GPU_CURSOR_REQUESTS; i++) {
		if (i && i % VGT_GPU_CURSOR_REQUESTS == 0) {
			assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
			assert_int_equal(tally.count, i);
			assert_int_equal(tally.lost, i);
		}
		struct vgt_gpu_command command = {
			.head = &head, .head_size = sizeof(head), .cursor = true};
		struct vgt_gpu_done done = {count_done, &tagged};
		assert_int_equal(vgt_gpu_post(bench.gpu, &command, &done), VGT_ESCAPE_OK);
	}
	bench_close(&bench);
}

static void reset_under_load(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	create_context(&bench, 1);
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	uint32_t epoch = vgt_gpu_epoch(bench.gpu);
	assert_int_equal(vgt_id_pool_take(vgt_gpu_context_ids(bench.gpu)), 1);
	assert_int_equal(vgt_id_pool_take(vgt_gpu_resource_ids(bench.gpu)), 1);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(submit(&bench, 8192, true, &tagged, NULL), VGT_ESCAPE_OK);
	}
	while (vgt_dm_step(bench.dm)) {
	}
	assert_int_equal(vgt_dm_held(bench.dm), 40);
	vgt_dm_release(bench.dm, 10);
	assert_int_equal(vgt_gpu_check(bench.gpu, epoch), VGT_ESCAPE_OK);
	unlock(&bench);
	assert_int_equal(vgt_gpu_reset(bench.gpu), VGT_ESCAPE_OK);
	lock(&bench);
	assert_int_equal(tally.count, 40);
	assert_int_equal(tally.ok + tally.lost, 40);
	assert_true(tally.lost >= 30);
	assert_int_equal(tally.last_response, 0);
	assert_int_equal(vgt_gpu_epoch(bench.gpu), epoch + 1);
	assert_int_equal(vgt_gpu_check(bench.gpu, epoch), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(vgt_gpu_check(bench.gpu, epoch + 1), VGT_ESCAPE_OK);
	assert_int_equal(vgt_gpu_counters(bench.gpu).resets, 1);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	assert_int_equal(vgt_id_pool_take(vgt_gpu_context_ids(bench.gpu)), 1);
	assert_int_equal(vgt_id_pool_take(vgt_gpu_resource_ids(bench.gpu)), 1);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_AT_ONCE, 0);
	assert_works(&bench);
	bench_close(&bench);
}

static void reset_once(void *context)
{
	struct bench *bench = context;
	vgt_dm_on_wait(bench->dm, NULL, NULL);
	vgt_gpu_reset(bench->gpu);
}

static void end_reset(void *context)
{
	struct bench *bench = context;
	bench->gpu->resetting = false;
}

/* Another thread is at it: one reset is enough for both. */
static void reset_during_a_reset(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, NULL);
	const uint64_t resets = vgt_dm_resets(bench.dm);
	bench.gpu->resetting = true;
	vgt_dm_on_wait(bench.dm, end_reset, &bench);
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	vgt_dm_on_wait(bench.dm, NULL, NULL);
	assert_int_equal(vgt_dm_resets(bench.dm), resets);
	assert_int_equal(vgt_gpu_counters(bench.gpu).resets, 0);
	bench_close(&bench);
}

static void reset_wakes_who_waits(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, &small_limits);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	struct vgt_gpu_command result;
	struct virtio_gpu_resp_display_info info;
	memset(&info, 0xee, sizeof(info));
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);

	/* for an answer */
	vgt_dm_on_wait(bench.dm, reset_once, &bench);
	assert_int_equal(
		get_display_info(&bench, true, &info, &result), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(result.response_type, 0);
	assert_int_equal(info.hdr.type, 0);

	/* for room: the device that comes up has it, but knows no context 1 */
	create_context(&bench, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	}
	vgt_dm_on_wait(bench.dm, reset_once, &bench);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(tally.lost, 4);
	assert_int_equal(tally.count, 4);
	assert_int_equal(vgt_gpu_counters(bench.gpu).timeouts, 0);
	assert_int_equal(vgt_gpu_counters(bench.gpu).resets, 2);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_AT_ONCE, 0);
	assert_works(&bench);
	bench_close(&bench);
}

static void reset_that_is_not_done(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, &small_limits);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	const struct vgt_dm_plan always = {.count = UINT32_MAX};
	create_context(&bench, 1);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	uint32_t epoch = vgt_gpu_epoch(bench.gpu);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	vgt_dm_plant(bench.dm, VGT_DM_NO_RESET, &always);
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_DEVICE_LOST);
	/* what it was given stays its own */
	assert_int_equal(tally.count, 0);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas + 2);
	assert_int_equal(vgt_gpu_epoch(bench.gpu), epoch);
	assert_true(vgt_gpu_is_lost(bench.gpu));
	assert_int_equal(call(&bench, false), VGT_ESCAPE_DEVICE_LOST);
	/* until it changes its mind */
	vgt_dm_plant(bench.dm, VGT_DM_NO_RESET, NULL);
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	assert_int_equal(tally.lost, 2);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_AT_ONCE, 0);
	assert_works(&bench);
	bench_close(&bench);
}

static void close_without_reset(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, &small_limits);
	struct tally tally = {.count = 0};
	struct tagged tagged = {&tally, 0};
	const struct vgt_dm_plan always = {.count = UINT32_MAX};
	create_context(&bench, 1);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	assert_int_equal(submit(&bench, 64, true, &tagged, NULL), VGT_ESCAPE_OK);
	uint64_t dmas = vgt_dm_usage(bench.dm).dmas;
	vgt_dm_plant(bench.dm, VGT_DM_NO_RESET, &always);
	unlock(&bench);
	vgt_gpu_close(bench.gpu);
	assert_int_equal(tally.count, 0);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	assert_int_equal(vgt_dm_usage(bench.dm).allocations, 0);
	assert_int_equal(bench_open(&bench, &small_limits), VGT_ESCAPE_DEVICE_LOST);
	assert_int_equal(vgt_dm_usage(bench.dm).dmas, dmas);
	assert_int_equal(vgt_dm_usage(bench.dm).allocations, 0);
	/* it still writes there, and to nobody else's memory */
	vgt_dm_release(bench.dm, 1);
	assert_sound(&bench);
	vgt_dm_destroy(bench.dm);
}

static uint32_t device_status(const struct bench *bench)
{
	const struct vgt_virtio_region *common = &bench->gpu->pci.common;
	return bench->platform->bar_read(
		bench->platform->self, common->bar, common->offset + 20, 1);
}

/* The host may come back with another renderer. */
static void reset_reads_the_configuration(void **state)
{
	(void)state;
	struct bench bench = bench_open_with(NULL, &small_limits);
	vgt_dm_set_num_capsets(bench.dm, 1);
	assert_int_equal(vgt_gpu_num_capsets(bench.gpu), 2);
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	assert_int_equal(vgt_gpu_num_capsets(bench.gpu), 1);
	vgt_dm_set_num_capsets(bench.dm, UINT32_MAX);
	assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
	assert_int_equal(vgt_gpu_num_capsets(bench.gpu), 64);
	assert_int_equal(vgt_gpu_num_scanouts(bench.gpu), 1);
	bench_close(&bench);
}

static void reset_of_another_device(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct bench bench = bench_open_with(NULL, &small_limits);
		if (i == 0) { /* shorter queues than clients were told */
			vgt_dm_set_queue(bench.dm, 0, 128, 0);
		} else if (i == 1) {
			vgt_dm_set_queue(bench.dm, 1, 0, 1);
		} else { /* EDID and more is gone */
			vgt_dm_set_features(bench.dm, VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL);
		}
		assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_DEVICE_LOST);
		assert_true(device_status(&bench) & VIRTIO_STATUS_FAILED);
		assert_int_equal(call(&bench, false), VGT_ESCAPE_DEVICE_LOST);
		if (i == 0) {
			vgt_dm_set_queue(bench.dm, 0, 256, 0);
			assert_int_equal(vgt_gpu_reset_locked(bench.gpu), VGT_ESCAPE_OK);
			assert_works(&bench);
		}
		bench_close(&bench);
	}
}

static void ask_reset(void *context)
{
	const struct bench *bench = context;
	vgt_dm_ask_reset(bench->dm);
}

static void vanish(void *context)
{
	const struct bench *bench = context;
	vgt_dm_vanish(bench->dm);
}

/* Noticed by who waits, well before any time-out. */
static void trouble_while_waiting(void **state)
{
	(void)state;
	void (*const troubles[])(void *) = {ask_reset, vanish};
	for (size_t i = 0; i < ARRAY_LENGTH(troubles); i++) {
		struct bench bench = bench_open_with(NULL, &small_limits);
		vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
		vgt_dm_on_wait(bench.dm, troubles[i], &bench);
		assert_int_equal(call(&bench, true), VGT_ESCAPE_DEVICE_LOST);
		assert_int_equal(vgt_gpu_counters(bench.gpu).timeouts, 0);
		vgt_dm_on_wait(bench.dm, NULL, NULL);
		unlock(&bench);
		vgt_gpu_close(bench.gpu);
		assert_int_equal(vgt_dm_usage(bench.dm).allocations, 0);
		assert_sound(&bench);
		vgt_dm_destroy(bench.dm);
	}
}

/* Threads */

struct worker {
	struct bench *bench;
	uint32_t ok, lost, other, posted;
	struct tally tally;
	bool resets;
};

#define WORKERS 4
#define ROUNDS  400

static void tally_status(struct worker *worker, enum vgt_escape_status status)
{
	worker->ok += status == VGT_ESCAPE_OK;
	worker->lost += status == VGT_ESCAPE_DEVICE_LOST;
	worker->other += status != VGT_ESCAPE_OK && status != VGT_ESCAPE_DEVICE_LOST;
}

static void *work(void *context)
{
	struct worker *worker = context;
	const struct bench *bench = worker->bench;
	struct tagged tagged = {&worker->tally, 0};
	for (uint32_t i = 0; i < ROUNDS; i++) {
		lock(bench);
		if (worker->resets && i % 50 == 49) {
			tally_status(worker, vgt_gpu_reset_locked(bench->gpu));
		} else if (i % 3 == 0) {
			tally_status(worker, call(bench, i % 2));
		} else {
			struct virtio_gpu_set_scanout head = {
				.hdr = {.type = VIRTIO_GPU_CMD_SET_SCANOUT}};
			struct vgt_gpu_command command = {
				.head = &head, .head_size = sizeof(head), .fenced = i % 2};
			struct vgt_gpu_done done = {count_done, &tagged};
			enum vgt_escape_status status =
				vgt_gpu_post(bench->gpu, &command, &done);
			worker->posted += status == VGT_ESCAPE_OK;
			tally_status(worker, status);
		}
		unlock(bench);
	}
	lock(bench);
	while (worker->tally.count < worker->posted) {
		vgt_gpu_wait(bench->gpu, UINT64_MAX);
	}
	unlock(bench);
	return NULL;
}

static void threads(bool resets)
{
	const struct vgt_dm_options options = {.threaded = true};
	struct vgt_gpu_limits limits = small_limits;
	limits.device_timeout_ns = limits.queue_timeout_ns = UINT64_MAX;
	struct bench bench = bench_open_with(&options, &limits);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_LATER, 2);
	unlock(&bench);
	struct worker workers[WORKERS];
	pthread_t ids[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.bench = &bench, .resets = resets && i < 2};
		assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(ids[i], NULL), 0);
		assert_int_equal(workers[i].other, 0);
		assert_int_equal(workers[i].ok + workers[i].lost, ROUNDS);
		assert_true(workers[i].ok > 0);
		assert_int_equal(workers[i].tally.count, workers[i].posted);
		assert_int_equal(
			workers[i].tally.ok + workers[i].tally.lost, workers[i].posted);
		assert_true(resets || workers[i].lost == 0);
	}
	lock(&bench);
	/* two that come together are one */
	uint64_t count = vgt_gpu_counters(bench.gpu).resets;
	assert_true(resets ? count >= ROUNDS / 50 && count <= 2 * ROUNDS / 50 : count == 0);
	assert_works(&bench);
	bench_close(&bench);
}

static void four_threads(void **state)
{
	(void)state;
	threads(false);
}

static void four_threads_and_resets(void **state)
{
	(void)state;
	threads(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_up),
		cmocka_unit_test(takes_what_is_offered),
		cmocka_unit_test(does_not_come_up),
		cmocka_unit_test(is_another_device),
		cmocka_unit_test(limits_are_made_to_work),
		cmocka_unit_test(device_that_polls),
		cmocka_unit_test(interrupts_come),
		cmocka_unit_test(wants_two_queues),
		cmocka_unit_test(believes_no_large_counts),
		cmocka_unit_test(out_of_memory_anywhere),
		cmocka_unit_test(memory_is_constant),
		cmocka_unit_test(response_is_what_was_written),
		cmocka_unit_test(old_responses_are_wiped),
		cmocka_unit_test(refusals_are_errors_of_the_host),
		cmocka_unit_test(fences_come_in_any_order),
		cmocka_unit_test(waits_only_for_what_is_not_there),
		cmocka_unit_test(answers_losses_and_resets_wake),
		cmocka_unit_test(fence_numbers_fit_into_32_bits),
		cmocka_unit_test(payloads_of_many_sizes),
		cmocka_unit_test(payload_in_too_many_pieces),
		cmocka_unit_test(cursor_commands_come_back),
		cmocka_unit_test(waits_for_a_request_slot),
		cmocka_unit_test(waits_for_descriptors),
		cmocka_unit_test(device_does_what_it_must_not),
		cmocka_unit_test(missed_notification),
		cmocka_unit_test(late_answer),
		cmocka_unit_test(late_behind_others),
		cmocka_unit_test(late_answer_after_reset),
		cmocka_unit_test(cursor_commands_come_back_from_a_reset),
		cmocka_unit_test(reset_under_load),
		cmocka_unit_test(reset_during_a_reset),
		cmocka_unit_test(reset_wakes_who_waits),
		cmocka_unit_test(reset_that_is_not_done),
		cmocka_unit_test(close_without_reset),
		cmocka_unit_test(reset_reads_the_configuration),
		cmocka_unit_test(reset_of_another_device),
		cmocka_unit_test(trouble_while_waiting),
		cmocka_unit_test(four_threads),
		cmocka_unit_test(four_threads_and_resets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
