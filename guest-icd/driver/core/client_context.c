/* SPDX-License-Identifier: MIT */
#include "client_private.h"

#include "virtio_gpu.h"

/* Contexts */

/* context_init for a context of this capset. False: the device cannot make one. */
static bool context_init(
	const struct vgt_client *client, uint32_t capset_id, uint32_t *context_init)
{
	if (vgt_gpu_features(client->gpu) & VGT_ESCAPE_FEATURE_CONTEXT_INIT) {
		*context_init = capset_id;
		return capset_id <= VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK;
	}
	*context_init = 0;
	return capset_id == 0 || capset_id == VIRTIO_GPU_CAPSET_VIRGL ||
	       capset_id == VIRTIO_GPU_CAPSET_VIRGL2;
}

static enum vgt_escape_status create(struct vgt_use *use, struct virtio_gpu_ctx_create *head,
	uint32_t *handle, struct vgt_answer *answer)
{
	struct vgt_gpu_command command = {.head = head, .head_size = sizeof(*head)};
	enum vgt_escape_status status;
	struct vgt_object *const object = vgt_object_create(
		use->client, VGT_OBJECT_CONTEXT, sizeof(struct vgt_object), &status);
	if (!object) {
		return status;
	}
	vgt_use_name(use, object);
	head->hdr.ctx_id = object->id;
	*handle = object->handle;
	status = vgt_use_send(use, &command, false, answer);
	vgt_object_created(object, status);
	return status;
}

enum vgt_escape_status vgt_client_ctx_create(struct vgt_client *client,
	struct vgt_escape_ctx_create *request, struct vgt_answer *answer)
{
	struct virtio_gpu_ctx_create head = {.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE}};
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	request->ctx = 0;
	if (request->name_size > VGT_ESCAPE_NAME_MAX) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	if (!context_init(client, request->capset_id, &head.context_init)) {
		return VGT_ESCAPE_UNSUPPORTED;
	}
	/* The host prints it as a string: there is always a NUL. */
	head.nlen = request->name_size < sizeof(head.debug_name)
			    ? request->name_size
			    : (uint32_t)sizeof(head.debug_name) - 1;
	__builtin_memcpy(head.debug_name, request->name, head.nlen);
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	uint32_t handle = 0;
	if (status == VGT_ESCAPE_OK) {
		status = create(&use, &head, &handle, answer);
	}
	vgt_client_end(&use);
	request->ctx = status == VGT_ESCAPE_OK ? handle : 0;
	return status;
}

enum vgt_escape_status vgt_client_ctx_destroy(
	struct vgt_client *client, uint32_t ctx, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	vgt_client_begin(client, &use);
	struct vgt_object *const context = vgt_use_context(&use, ctx);
	const enum vgt_escape_status status =
		context ? vgt_object_destroy(context, answer) : VGT_ESCAPE_BAD_HANDLE;
	vgt_client_end(&use);
	return status;
}

static enum vgt_escape_status send_ctx_resource(struct vgt_client *client, uint32_t type,
	uint32_t ctx, uint32_t resource, struct vgt_answer *answer)
{
	struct virtio_gpu_ctx_resource head = {.hdr = {.type = type}};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		const struct vgt_object *const context = vgt_use_context(&use, ctx);
		const struct vgt_resource *const found = vgt_use_resource(&use, resource);
		if (context && found) {
			head.hdr.ctx_id = context->id;
			head.resource_id = found->object.id;
			status = vgt_use_send(&use, &command, false, answer);
		} else {
			status = VGT_ESCAPE_BAD_HANDLE;
		}
	}
	vgt_client_end(&use);
	return status;
}

enum vgt_escape_status vgt_client_ctx_attach(
	struct vgt_client *client, uint32_t ctx, uint32_t resource, struct vgt_answer *answer)
{
	return send_ctx_resource(
		client, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx, resource, answer);
}

enum vgt_escape_status vgt_client_ctx_detach(
	struct vgt_client *client, uint32_t ctx, uint32_t resource, struct vgt_answer *answer)
{
	return send_ctx_resource(
		client, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ctx, resource, answer);
}

/* Capsets */

static enum vgt_escape_status get_info(struct vgt_use *use, uint32_t index,
	struct virtio_gpu_resp_capset_info *info, struct vgt_answer *answer)
{
	const struct virtio_gpu_get_capset_info head = {
		.hdr = {.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO}, .capset_index = index};
	struct vgt_gpu_command command = {
		.head = &head,
		.head_size = sizeof(head),
		.response = info,
		.response_size = sizeof(*info),
		.success = VIRTIO_GPU_RESP_OK_CAPSET_INFO,
		.success_size = sizeof(*info),
	};
	return vgt_use_send(use, &command, false, answer);
}

enum vgt_escape_status vgt_client_get_capset_info(struct vgt_client *client,
	struct vgt_escape_get_capset_info *request, struct vgt_answer *answer)
{
	struct virtio_gpu_resp_capset_info info = {.capset_id = 0};
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	if (request->capset_index >= vgt_gpu_num_capsets(client->gpu)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = get_info(&use, request->capset_index, &info, answer);
	}
	vgt_client_end(&use);
	if (status == VGT_ESCAPE_OK) {
		request->capset_id = info.capset_id;
		request->capset_max_version = info.capset_max_version;
		request->capset_max_size = info.capset_max_size;
	}
	return status;
}

/* BAD_PARAMETER: the device has no such capset. */
static enum vgt_escape_status find_capset(struct vgt_use *use, uint32_t id, uint32_t version,
	uint32_t *size, struct vgt_answer *answer)
{
	const uint32_t count = vgt_gpu_num_capsets(use->client->gpu);
	for (uint32_t i = 0; i < count; i++) {
		struct virtio_gpu_resp_capset_info info;
		const enum vgt_escape_status status = get_info(use, i, &info, answer);
		if (status != VGT_ESCAPE_OK) {
			return status;
		}
		if (info.capset_id == id && info.capset_max_version >= version) {
			*size = info.capset_max_size;
			return VGT_ESCAPE_OK;
		}
	}
	answer->response = 0;
	return VGT_ESCAPE_BAD_PARAMETER;
}

static enum vgt_escape_status read_capset(struct vgt_use *use, uint32_t id, uint32_t version,
	void *capset, uint32_t *size, struct vgt_answer *answer)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(use->client->gpu);
	const struct virtio_gpu_get_capset head = {.hdr = {.type = VIRTIO_GPU_CMD_GET_CAPSET},
		.capset_id = id,
		.capset_version = version};
	const uint32_t header_size = sizeof(struct virtio_gpu_resp_capset);
	struct vgt_gpu_command command = {
		.head = &head,
		.head_size = sizeof(head),
		.response_size = header_size + *size,
		.success = VIRTIO_GPU_RESP_OK_CAPSET,
		.success_size = header_size,
	};
	command.response = platform->alloc(platform->self, command.response_size);
	if (!command.response) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	const enum vgt_escape_status status = vgt_use_send(use, &command, false, answer);
	if (status == VGT_ESCAPE_OK) {
		*size = command.response_written - header_size;
		__builtin_memcpy(capset, (char *)command.response + header_size, *size);
	}
	platform->free(platform->self, command.response);
	return status;
}

enum vgt_escape_status vgt_use_get_capset(struct vgt_use *use, uint32_t id, uint32_t version,
	void *capset, uint32_t room, uint32_t *size, struct vgt_answer *answer)
{
	enum vgt_escape_status status = find_capset(use, id, version, size, answer);
	if (status == VGT_ESCAPE_OK && *size > VGT_CAPSET_MAX) {
		status = VGT_ESCAPE_UNSUPPORTED;
	} else if (status == VGT_ESCAPE_OK && *size > room) {
		status = VGT_ESCAPE_BUFFER_TOO_SMALL;
	} else if (status == VGT_ESCAPE_OK) {
		status = read_capset(use, id, version, capset, size, answer);
	}
	return status;
}

enum vgt_escape_status vgt_client_get_capset(struct vgt_client *client,
	struct vgt_escape_get_capset *request, void *capset, uint32_t room,
	struct vgt_answer *answer)
{
	struct vgt_use use;
	uint32_t size = 0;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = vgt_use_get_capset(&use, request->capset_id, request->capset_version,
			capset, room, &size, answer);
	}
	vgt_client_end(&use);
	request->capset_size = size;
	return status;
}
