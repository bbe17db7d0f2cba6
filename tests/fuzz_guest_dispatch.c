/* SPDX-License-Identifier: MIT */
#include "device_model.h"
#include "dispatch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * What programs may ask of the driver while the device is hostile: the bytes choose requests of
 * two clients, faults of the device, resets, memory that cannot be had. Whatever comes, the
 * driver breaks no rule of virtio, reads each byte of a request once, says the status that it
 * writes, and in the end nothing of it is left.
 */

#define CLIENTS   2u
#define HANDLES   64u
#define STEPS_MAX 256u

struct input {
	const uint8_t *at;
	size_t left;
};

struct fuzz {
	struct input input;
	struct vgt_dm *dm;
	struct vgt_gpu *gpu;
	struct vgt_client *clients[CLIENTS];
	uint32_t handles[HANDLES]; /* that somebody was given */
	uint32_t handle_count;
	bool gone; /* the device, for good */
	bool may_lie;
};

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static uint8_t take(struct input *input)
{
	if (!input->left) {
		return 0;
	}
	input->left--;
	return *input->at++;
}

static uint32_t take_dword(struct input *input)
{
	uint32_t value = 0;
	for (uint32_t i = 0; i < 4; i++) {
		value = value << 8 | take(input);
	}
	return value;
}

/* A small number, a handle, or anything. */
static uint32_t take_field(struct fuzz *fuzz)
{
	const uint8_t kind = take(&fuzz->input);
	if (kind < 0x60) {
		return kind;
	}
	if (kind < 0xe0 && fuzz->handle_count) {
		return fuzz->handles[kind % fuzz->handle_count];
	}
	return take_dword(&fuzz->input);
}

static uint64_t take_number(struct input *input)
{
	const uint8_t kind = take(input);
	return kind < 0xf0 ? kind : (uint64_t)take_dword(input) << (kind & 7) * 8;
}

/* Requests */

static const uint32_t sizes[] = {
	[VGT_ESCAPE_GET_VERSION] = sizeof(struct vgt_escape_get_version),
	[VGT_ESCAPE_GET_CAPSET_INFO] = sizeof(struct vgt_escape_get_capset_info),
	[VGT_ESCAPE_GET_CAPSET] = sizeof(struct vgt_escape_get_capset),
	[VGT_ESCAPE_CTX_CREATE] = sizeof(struct vgt_escape_ctx_create),
	[VGT_ESCAPE_CTX_DESTROY] = sizeof(struct vgt_escape_ctx_destroy),
	[VGT_ESCAPE_CTX_ATTACH_RESOURCE] = sizeof(struct vgt_escape_ctx_resource),
	[VGT_ESCAPE_CTX_DETACH_RESOURCE] = sizeof(struct vgt_escape_ctx_resource),
	[VGT_ESCAPE_RESOURCE_CREATE_3D] = sizeof(struct vgt_escape_resource_create_3d),
	[VGT_ESCAPE_RESOURCE_DESTROY] = sizeof(struct vgt_escape_resource),
	[VGT_ESCAPE_RESOURCE_ATTACH_BACKING] = sizeof(struct vgt_escape_attach_backing),
	[VGT_ESCAPE_RESOURCE_DETACH_BACKING] = sizeof(struct vgt_escape_resource),
	[VGT_ESCAPE_RESOURCE_MAP] = sizeof(struct vgt_escape_resource_map),
	[VGT_ESCAPE_RESOURCE_UNMAP] = sizeof(struct vgt_escape_resource),
	[VGT_ESCAPE_RESOURCE_BUSY] = sizeof(struct vgt_escape_resource_busy),
	[VGT_ESCAPE_TRANSFER_TO_HOST_3D] = sizeof(struct vgt_escape_transfer_3d),
	[VGT_ESCAPE_TRANSFER_FROM_HOST_3D] = sizeof(struct vgt_escape_transfer_3d),
	[VGT_ESCAPE_SUBMIT_3D] = sizeof(struct vgt_escape_submit_3d),
	[VGT_ESCAPE_FENCE_QUERY] = sizeof(struct vgt_escape_fence),
	[VGT_ESCAPE_FENCE_WAIT] = sizeof(struct vgt_escape_fence),
	[VGT_ESCAPE_GET_STATISTICS] = sizeof(struct vgt_escape_get_statistics),
	[VGT_ESCAPE_MARK] = sizeof(struct vgt_escape_mark),
};

/* The handle that a request has made, 0: none. */
static uint32_t made(const uint8_t *buffer)
{
	const struct vgt_escape_header *header = (const void *)buffer;
	if (header->status != VGT_ESCAPE_OK) {
		return 0;
	}
	switch (header->request) {
	case VGT_ESCAPE_CTX_CREATE:
		return ((const struct vgt_escape_ctx_create *)(const void *)buffer)->ctx;
	case VGT_ESCAPE_RESOURCE_CREATE_3D:
		return ((const struct vgt_escape_resource_create_3d *)(const void *)buffer)
			->resource;
	default:
		return 0;
	}
}

static void remember(struct fuzz *fuzz, uint32_t handle)
{
	if (handle && fuzz->handle_count < HANDLES) {
		fuzz->handles[fuzz->handle_count++] = handle;
	}
}

/* Carries out what lies in a buffer of its own. */
static void ask(struct fuzz *fuzz, uint8_t *bytes, uint32_t size)
{
	struct vgt_client *client = fuzz->clients[take(&fuzz->input) % CLIENTS];
	const struct vgt_escape_header *header = (const void *)bytes;
	if (!client) {
		return;
	}
	vgt_dm_caller_memory(fuzz->dm, (uintptr_t)bytes, size);
	vgt_dm_watch_copies(fuzz->dm, true);
	const enum vgt_escape_status status = vgt_dispatch(client, (uintptr_t)bytes, size);
	must(vgt_dm_bytes_read_twice(fuzz->dm) == 0);
	must(vgt_dm_bytes_written_twice(fuzz->dm) == 0);
	vgt_dm_watch_copies(fuzz->dm, false);
	must(status <= VGT_ESCAPE_UNSUPPORTED);
	if (size >= sizeof(*header) && header->magic == VGT_ESCAPE_MAGIC) {
		must(header->status == status);
		must(!header->response || header->response >> 8 == 0x11 ||
			header->response >> 8 == 0x12);
		must(status != VGT_ESCAPE_HOST_ERROR || header->response >> 8 == 0x12);
		remember(fuzz, made(bytes));
	}
}

/* A request in its form: the header is right, most of the time. */
static void ask_formed(struct fuzz *fuzz)
{
	struct input *input = &fuzz->input;
	const uint32_t number = 1 + take(input) % VGT_ESCAPE_MARK;
	const uint8_t odd = take(input);
	const uint32_t data = take(input);
	const uint32_t size = sizes[number] + (odd & 2 ? data * 8 : 0);
	uint8_t *bytes = calloc(1, size);
	struct vgt_escape_header *header = (void *)bytes;
	uint32_t *fields = (void *)bytes;
	must(bytes);
	*header = (struct vgt_escape_header){.magic = VGT_ESCAPE_MAGIC,
		.version = VGT_ESCAPE_VERSION,
		.request = (uint16_t)number,
		.size = odd & 4 ? data : size,
		.flags = odd & 1};
	/* of data not much, so that more requests fit into the input */
	const uint32_t filled = size < sizes[number] + 32 ? size : sizes[number] + 32;
	for (uint32_t i = sizeof(*header) / 4; i < filled / 4 && input->left; i++) {
		fields[i] = take_field(fuzz);
	}
	if (number == VGT_ESCAPE_SUBMIT_3D && !(odd & 8)) {
		/* with sizes that fit */
		struct vgt_escape_submit_3d *submit = (void *)bytes;
		submit->reserved = 0;
		submit->num_resources %= 8;
		const uint32_t list = (submit->num_resources + 1) / 2 * 8;
		submit->commands_size = size > sizeof(*submit) + list
						? size - (uint32_t)sizeof(*submit) - list
						: 0;
	}
	ask(fuzz, bytes, size);
	free(bytes);
}

static void ask_raw(struct fuzz *fuzz)
{
	struct input *input = &fuzz->input;
	const uint32_t size = take(input);
	uint8_t *bytes = malloc(size ? size : 1);
	must(bytes);
	for (uint32_t i = 0; i < size; i++) {
		bytes[i] = take(input);
	}
	ask(fuzz, bytes, size);
	free(bytes);
}

/* 2017's: handle and pointer are as they come. */
static void ask_2017(struct fuzz *fuzz)
{
	struct input *input = &fuzz->input;
	uint32_t words[8] = {1 + take(input) % 4, take_field(fuzz), take_field(fuzz), 0,
		take_field(fuzz), take_field(fuzz), take_field(fuzz), take_field(fuzz)};
	const uint32_t size = take(input) % (sizeof(words) + 1);
	uint8_t *bytes = malloc(size ? size : 1);
	must(bytes);
	memcpy(bytes, words, size);
	ask(fuzz, bytes, size);
	if (words[0] == 2 && size == 16) {
		memcpy(words, bytes, size);
		remember(fuzz, words[2]);
	}
	free(bytes);
}

/* The device */

/*
 * A device that answers for another command, or says that it has done or refused what it has
 * not, cannot be found out: the driver then frees what such a device may still use. So only
 * some inputs may do that, and of those nobody asks what the driver should not have done.
 */
static bool is_lie(enum vgt_dm_fault fault, uint64_t value)
{
	switch (fault) {
	case VGT_DM_USED_ID:
	case VGT_DM_USED_TWICE:
	case VGT_DM_USED_INDEX:
	case VGT_DM_RESPONSE_TYPE:
		return true;
	case VGT_DM_REFUSED:
		return value >> 8 == VIRTIO_GPU_RESP_OK_NODATA >> 8 ||
		       value == VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID ||
		       value == VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	default:
		return false;
	}
}

static void plant(struct fuzz *fuzz)
{
	struct input *input = &fuzz->input;
	const enum vgt_dm_fault fault = take(input) % VGT_DM_FAULTS;
	const uint8_t type = take(input);
	struct vgt_dm_plan plan = {
		.type = type & 0x80 ? (type & 0x40 ? 0x200u : 0x100u) + type % 16 : 0,
		.skip = take(input) % 8,
		.count = 1 + take(input) % 4,
		.value = take_number(input),
	};
	if (fault == VGT_DM_REFUSED || fault == VGT_DM_RESPONSE_TYPE) {
		plan.value += VIRTIO_GPU_RESP_OK_NODATA; /* around what means something */
	}
	if (is_lie(fault, plan.value) && !fuzz->may_lie) {
		return;
	}
	fuzz->gone |= fault == VGT_DM_GONE;
	vgt_dm_plant(fuzz->dm, fault, &plan);
}

static void open_clients(struct fuzz *fuzz)
{
	enum vgt_escape_status status;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (!fuzz->clients[i]) {
			fuzz->clients[i] = vgt_client_open(fuzz->gpu, NULL, &status);
		}
	}
}

static void close_client(struct fuzz *fuzz, uint32_t i)
{
	vgt_client_close(fuzz->clients[i]);
	fuzz->clients[i] = NULL;
}

static void step(struct fuzz *fuzz)
{
	struct input *input = &fuzz->input;
	switch (take(input) % 24) {
	case 0:
		vgt_dm_step(fuzz->dm);
		break;
	case 1:
		vgt_gpu_poll(fuzz->gpu);
		break;
	case 2:
		plant(fuzz);
		break;
	case 3:
		vgt_dm_set_fences(fuzz->dm, take(input) % 4, take(input) % 8);
		break;
	case 4:
		vgt_dm_release(fuzz->dm, take(input));
		break;
	case 5:
		vgt_dm_release_newest(fuzz->dm, take(input));
		break;
	case 6:
		close_client(fuzz, take(input) % CLIENTS);
		break;
	case 7:
		open_clients(fuzz);
		break;
	case 8:
		vgt_gpu_reset(fuzz->gpu);
		break;
	case 9:
		vgt_dm_fail_request(fuzz->dm, take(input) % 16, 1 + take(input) % 4);
		break;
	case 10:
		vgt_dm_answer_late(fuzz->dm);
		break;
	case 11:
		vgt_dm_ask_reset(fuzz->dm);
		break;
	case 12:
		ask_raw(fuzz);
		break;
	case 13:
		ask_2017(fuzz);
		break;
	default:
		ask_formed(fuzz);
		break;
	}
}

/* Nothing is left, but what a device has that cannot be reset. */
static void finish(struct fuzz *fuzz)
{
	for (uint32_t i = 0; i < VGT_DM_FAULTS; i++) {
		vgt_dm_plant(fuzz->dm, i, NULL);
	}
	vgt_dm_fail_request(fuzz->dm, 0, 0);
	if (take(&fuzz->input) % 2) {
		for (uint32_t i = 0; i < CLIENTS; i++) {
			close_client(fuzz, i);
		}
	}
	vgt_gpu_close(fuzz->gpu);
	const struct vgt_dm_usage usage = vgt_dm_usage(fuzz->dm);
	must(usage.allocations == 0 && usage.mappings == 0);
	must(usage.dmas == 0 || fuzz->gone);
	for (uint32_t i = 0; !fuzz->may_lie && vgt_dm_violation(fuzz->dm, i); i++) {
		fprintf(stderr, "violation: %s\n", vgt_dm_violation(fuzz->dm, i));
	}
	must(vgt_dm_violations(fuzz->dm) == 0 || fuzz->may_lie);
	vgt_dm_destroy(fuzz->dm);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz fuzz = {.input = {bytes, size}};
	struct vgt_gpu_limits limits = vgt_gpu_default_limits;
	enum vgt_escape_status status;
	const uint8_t form = take(&fuzz.input);
	fuzz.may_lie = form & 0x20;
	limits.requests = 4 + form % 4;
	limits.clients = 3;
	limits.contexts_max = 3;
	limits.resources_max = 6;
	limits.fences_max = 1 + form / 4 % 8;
	limits.backing_max = 1 << 16;
	const struct vgt_dm_options options = {
		.control_size = 16,
		.features = form & 0x80 ? UINT64_C(1) << 32 | VIRTIO_GPU_F_VIRGL : 0,
		.no_string_marker = form & 0x40,
	};
	fuzz.dm = vgt_dm_create(&options);
	fuzz.gpu = vgt_gpu_open(vgt_dm_platform(fuzz.dm), &limits, &status);
	must(fuzz.gpu);
	open_clients(&fuzz);
	for (uint32_t i = 0; i < STEPS_MAX && fuzz.input.left; i++) {
		step(&fuzz);
	}
	finish(&fuzz);
	return 0;
}
