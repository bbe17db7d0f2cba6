/* SPDX-License-Identifier: MIT */
#include "client_private.h"

#include "virgl_capset.h"
#include "virgl_cmd.h"
#include "virtio_gpu.h"

/* Transfers */

static enum vgt_escape_status transfer(struct vgt_use *use,
	const struct vgt_escape_transfer_3d *request, bool to_host, bool fenced,
	struct vgt_answer *answer)
{
	struct vgt_object *const context = vgt_use_context(use, request->ctx);
	struct vgt_resource *const resource = vgt_use_resource(use, request->resource);
	if (!resource || (request->ctx && !context)) {
		return VGT_ESCAPE_BAD_HANDLE;
	}
	if (!resource->backing) {
		return VGT_ESCAPE_BAD_STATE;
	}
	if (request->offset >= resource->backing->dma.size) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	const struct virtio_gpu_transfer_host_3d head = {
		.hdr = {.type = to_host ? VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D
					: VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
			.ctx_id = context ? context->id : 0},
		.box = {request->x, request->y, request->z, request->w, request->h, request->d},
		.offset = request->offset,
		.resource_id = resource->object.id,
		.level = request->level,
		.stride = request->stride,
		.layer_stride = request->layer_stride,
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	return vgt_use_send_resource(use, resource, &command, fenced, answer);
}

/* Whether the device has got it, for the counters. */
static bool was_sent(enum vgt_escape_status status, const struct vgt_answer *answer)
{
	return status == VGT_ESCAPE_OK || status == VGT_ESCAPE_HOST_INVALID || answer->response;
}

enum vgt_escape_status vgt_client_transfer_3d(struct vgt_client *client,
	const struct vgt_escape_transfer_3d *request, bool to_host, bool fenced,
	struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = transfer(&use, request, to_host, fenced, answer);
		client->transfers += was_sent(status, answer);
	}
	vgt_client_end(&use);
	return status;
}

/* Submits */

static bool name_resources(struct vgt_use *use, const uint32_t *resources, uint32_t count)
{
	bool found = true;
	for (uint32_t i = 0; i < count && found; i++) {
		found = vgt_use_resource(use, resources[i]) != NULL;
	}
	return found;
}

/* What was destroyed while the command waited for room is busy for nobody. */
static void mark_busy(
	struct vgt_client *client, const uint32_t *resources, uint32_t count, uint64_t fence)
{
	const struct vgt_handle_table *const table = &client->table[VGT_OBJECT_RESOURCE];
	for (uint32_t i = 0; i < count; i++) {
		struct vgt_resource *const resource = vgt_handle_table_get(table, resources[i]);
		if (resource) {
			resource->fence = fence;
		}
	}
}

static void free_commands(struct vgt_client *client, struct vgt_dma *commands)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	if (commands->address) {
		platform->dma_free(platform->self, commands);
	}
}

/* The commands are the device's afterwards, or freed. */
static enum vgt_escape_status send_commands(struct vgt_use *use,
	const struct vgt_object *context, struct vgt_dma *commands, uint32_t size, bool fenced,
	struct vgt_answer *answer)
{
	const struct virtio_gpu_cmd_submit head = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = context->id},
		.size = size,
	};
	struct vgt_gpu_command command = {
		.head = &head,
		.head_size = sizeof(head),
		.payload = *commands,
		.payload_size = size,
	};
	commands->address = NULL;
	return vgt_use_send(use, &command, fenced, answer);
}

enum vgt_escape_status vgt_client_submit_3d(struct vgt_client *client, uint32_t ctx,
	const uint32_t *resources, uint32_t num_resources, struct vgt_dma *commands,
	uint32_t size, bool fenced, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		struct vgt_object *const context = vgt_use_context(&use, ctx);
		status = VGT_ESCAPE_BAD_HANDLE;
		if (context && name_resources(&use, resources, num_resources)) {
			status = send_commands(&use, context, commands, size, fenced, answer);
		}
		if (was_sent(status, answer)) {
			client->submits++;
			client->submit_bytes += size;
		}
		if (status == VGT_ESCAPE_OK && fenced) {
			mark_busy(client, resources, num_resources, answer->fence);
		}
	}
	vgt_client_end(&use);
	free_commands(client, commands);
	return status;
}

/* Marks */

/* The device is asked once. */
static enum vgt_escape_status find_string_marker(struct vgt_use *use, struct vgt_answer *answer)
{
	struct vgt_client *const client = use->client;
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	uint32_t size = 0, bits = 0;
	if (client->string_marker != VGT_MARKER_UNKNOWN) {
		return VGT_ESCAPE_OK;
	}
	unsigned char *const capset = platform->alloc(platform->self, VGT_CAPSET_MAX);
	if (!capset) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	enum vgt_escape_status status = vgt_use_get_capset(
		use, VIRTIO_GPU_CAPSET_VIRGL2, 0, capset, VGT_CAPSET_MAX, &size, answer);
	if (status == VGT_ESCAPE_OK &&
		size >= VIRGL_CAPS_V2_CAPABILITY_BITS_V2 + sizeof(bits)) {
		__builtin_memcpy(
			&bits, capset + VIRGL_CAPS_V2_CAPABILITY_BITS_V2, sizeof(bits));
	}
	platform->free(platform->self, capset);
	if (status == VGT_ESCAPE_OK || status == VGT_ESCAPE_BAD_PARAMETER) {
		/* without such a capset, too */
		client->string_marker =
			bits & VIRGL_CAP_V2_STRING_MARKER ? VGT_MARKER_YES : VGT_MARKER_NO;
		status = VGT_ESCAPE_OK;
	}
	answer->response = 0;
	return status;
}

/* SEND_STRING_MARKER: header, bytes of the text, the text, filled up with 0. */
static enum vgt_escape_status send_mark(struct vgt_use *use, const struct vgt_object *context,
	const char *text, uint32_t size, struct vgt_answer *answer)
{
	const uint32_t length = 1 + (size + 3) / 4;
	const uint32_t bytes = (1 + length) * (uint32_t)sizeof(uint32_t);
	struct vgt_dma commands;
	if (!vgt_gpu_payload_alloc(use->client->gpu, bytes, &commands)) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	uint32_t *const dwords = commands.address;
	dwords[0] = VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, length);
	dwords[VIRGL_SEND_STRING_MARKER_STRING_SIZE] = size;
	__builtin_memcpy(dwords + VIRGL_SEND_STRING_MARKER_OFFSET, text, size);
	return send_commands(use, context, &commands, bytes, false, answer);
}

enum vgt_escape_status vgt_client_mark(struct vgt_client *client, uint32_t ctx,
	const char *text, uint32_t size, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_object *const context =
		status == VGT_ESCAPE_OK ? vgt_use_context(&use, ctx) : NULL;
	if (status == VGT_ESCAPE_OK && !context) {
		status = VGT_ESCAPE_BAD_HANDLE;
	}
	if (status == VGT_ESCAPE_OK) {
		status = find_string_marker(&use, answer);
	}
	if (status == VGT_ESCAPE_OK && client->string_marker == VGT_MARKER_NO) {
		status = VGT_ESCAPE_UNSUPPORTED;
	}
	if (status == VGT_ESCAPE_OK) {
		status = send_mark(&use, context, text, size, answer);
	}
	vgt_client_end(&use);
	return status;
}
