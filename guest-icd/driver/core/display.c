/* SPDX-License-Identifier: MIT */
#include "display.h"

#include "client_private.h"

static bool has_scanout(const struct vgt_client *client, uint32_t scanout)
{
	return scanout < vgt_gpu_num_scanouts(client->gpu);
}

/* Sends a command that names nothing that the client holds. */
static enum vgt_escape_status call(
	struct vgt_client *client, struct vgt_gpu_command *command, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = vgt_use_send(&use, command, false, answer);
	}
	vgt_client_end(&use);
	return status;
}

enum vgt_escape_status vgt_display_get_info(struct vgt_client *client,
	struct virtio_gpu_resp_display_info *info, struct vgt_answer *answer)
{
	struct virtio_gpu_ctrl_hdr head = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
	struct vgt_gpu_command command = {.head = &head,
		.head_size = sizeof(head),
		.response = info,
		.response_size = sizeof(*info),
		.success = VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
		.success_size = sizeof(*info)};
	return call(client, &command, answer);
}

enum vgt_escape_status vgt_display_get_edid(struct vgt_client *client, uint32_t scanout,
	struct virtio_gpu_resp_edid *edid, struct vgt_answer *answer)
{
	const uint32_t before = offsetof(struct virtio_gpu_resp_edid, edid);
	*answer = (struct vgt_answer){.fence = 0};
	if (!(vgt_gpu_features(client->gpu) & VGT_ESCAPE_FEATURE_EDID)) {
		return VGT_ESCAPE_UNSUPPORTED;
	}
	if (!has_scanout(client, scanout)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	struct virtio_gpu_get_edid head = {
		.hdr = {.type = VIRTIO_GPU_CMD_GET_EDID}, .scanout = scanout};
	struct vgt_gpu_command command = {.head = &head,
		.head_size = sizeof(head),
		.response = edid,
		.response_size = sizeof(*edid),
		.success = VIRTIO_GPU_RESP_OK_EDID,
		.success_size = before};
	enum vgt_escape_status status = call(client, &command, answer);
	if (status == VGT_ESCAPE_OK &&
		(edid->size > sizeof(edid->edid) ||
			edid->size > command.response_written - before)) {
		return VGT_ESCAPE_HOST_INVALID;
	}
	return status;
}

enum vgt_escape_status vgt_display_create_2d(struct vgt_client *client, uint32_t format,
	uint32_t width, uint32_t height, bool fenced, uint32_t *resource, uint32_t *resource_id,
	struct vgt_answer *answer)
{
	struct virtio_gpu_resource_create_2d head = {
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D},
		.format = format,
		.width = width,
		.height = height,
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = vgt_use_create_resource(
			&use, &command, &head.resource_id, fenced, resource, answer);
		*resource_id = head.resource_id;
	}
	vgt_client_end(&use);
	return status;
}

/*
 * Sends a command that names one resource, whose number is written to *id, which lies in
 * command->head. `offset`, NULL where there is none, has to lie in the resource's backing.
 */
static enum vgt_escape_status send_with_resource(struct vgt_client *client,
	struct vgt_gpu_command *command, uint32_t handle, uint32_t *id, const uint64_t *offset,
	bool fenced, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		struct vgt_resource *resource = vgt_use_resource(&use, handle);
		if (!resource) {
			status = VGT_ESCAPE_BAD_HANDLE;
		} else if (offset && !resource->backing) {
			status = VGT_ESCAPE_BAD_STATE;
		} else if (offset && *offset >= resource->backing->dma.size) {
			status = VGT_ESCAPE_BAD_PARAMETER;
		} else {
			*id = resource->object.id;
			status = vgt_use_send_resource(&use, resource, command, fenced, answer);
		}
	}
	vgt_client_end(&use);
	return status;
}

enum vgt_escape_status vgt_display_transfer_2d(struct vgt_client *client, uint32_t resource,
	const struct virtio_gpu_rect *rect, uint64_t offset, bool fenced,
	struct vgt_answer *answer)
{
	struct virtio_gpu_transfer_to_host_2d head = {
		.hdr = {.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D},
		.r = *rect,
		.offset = offset,
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	return send_with_resource(
		client, &command, resource, &head.resource_id, &offset, fenced, answer);
}

enum vgt_escape_status vgt_display_set_scanout(struct vgt_client *client, uint32_t scanout,
	uint32_t resource, const struct virtio_gpu_rect *rect, struct vgt_answer *answer)
{
	*answer = (struct vgt_answer){.fence = 0};
	if (!has_scanout(client, scanout)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	struct virtio_gpu_set_scanout head = {
		.hdr = {.type = VIRTIO_GPU_CMD_SET_SCANOUT},
		.r = *rect,
		.scanout_id = scanout,
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	return resource ? send_with_resource(client, &command, resource, &head.resource_id,
				  NULL, false, answer)
			: call(client, &command, answer);
}

enum vgt_escape_status vgt_display_flush(struct vgt_client *client, uint32_t resource,
	const struct virtio_gpu_rect *rect, bool fenced, struct vgt_answer *answer)
{
	struct virtio_gpu_resource_flush head = {
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, .r = *rect};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	return send_with_resource(
		client, &command, resource, &head.resource_id, NULL, fenced, answer);
}

/*
 * Nobody waits until the device has taken a cursor command: it names no memory of ours, and a
 * resource that is destroyed meanwhile is then one that the device does not find.
 */
static enum vgt_escape_status post_cursor(
	struct vgt_client *client, struct virtio_gpu_update_cursor *head, uint32_t handle)
{
	struct vgt_gpu_command command = {
		.head = head, .head_size = sizeof(*head), .cursor = true};
	if (!has_scanout(client, head->pos.scanout_id)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	struct vgt_use use;
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK && handle) {
		const struct vgt_resource *resource = vgt_use_resource(&use, handle);
		status = resource ? VGT_ESCAPE_OK : VGT_ESCAPE_BAD_HANDLE;
		head->resource_id = resource ? resource->object.id : 0;
	}
	if (status == VGT_ESCAPE_OK) {
		status = vgt_gpu_post(client->gpu, &command, NULL);
		client->queue_waits += command.queue_waits;
	}
	vgt_client_end(&use);
	return status;
}

enum vgt_escape_status vgt_display_update_cursor(struct vgt_client *client,
	const struct virtio_gpu_cursor_pos *pos, uint32_t resource, uint32_t hot_x,
	uint32_t hot_y)
{
	struct virtio_gpu_update_cursor head = {
		.hdr = {.type = VIRTIO_GPU_CMD_UPDATE_CURSOR},
		.pos = *pos,
		.hot_x = hot_x,
		.hot_y = hot_y,
	};
	return post_cursor(client, &head, resource);
}

enum vgt_escape_status vgt_display_move_cursor(
	struct vgt_client *client, const struct virtio_gpu_cursor_pos *pos, uint32_t resource)
{
	struct virtio_gpu_update_cursor head = {
		.hdr = {.type = VIRTIO_GPU_CMD_MOVE_CURSOR}, .pos = *pos};
	return post_cursor(client, &head, resource);
}
