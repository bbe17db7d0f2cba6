/* SPDX-License-Identifier: MIT */
#include "vgt_record_check.h"

#include "vgt_trace.h"
#include "virtio_gpu.h"

#include <string.h>

struct record_shape {
	uint16_t type;
	uint16_t size; /* of the structure */
	const char *name;
};

#define COMMAND(name, structure) \
	{ \
		VIRTIO_GPU_CMD_##name, sizeof(struct structure), #name \
	}
#define RECORD(name, size) \
	{ \
		VGT_RECORD_##name, size, #name \
	}

static const struct record_shape shapes[] = {
	COMMAND(GET_DISPLAY_INFO, virtio_gpu_ctrl_hdr),
	COMMAND(RESOURCE_CREATE_2D, virtio_gpu_resource_create_2d),
	COMMAND(RESOURCE_UNREF, virtio_gpu_resource_unref),
	COMMAND(SET_SCANOUT, virtio_gpu_set_scanout),
	COMMAND(RESOURCE_FLUSH, virtio_gpu_resource_flush),
	COMMAND(TRANSFER_TO_HOST_2D, virtio_gpu_transfer_to_host_2d),
	COMMAND(RESOURCE_ATTACH_BACKING, virtio_gpu_resource_attach_backing),
	COMMAND(RESOURCE_DETACH_BACKING, virtio_gpu_resource_detach_backing),
	COMMAND(GET_CAPSET_INFO, virtio_gpu_get_capset_info),
	COMMAND(GET_CAPSET, virtio_gpu_get_capset),
	COMMAND(GET_EDID, virtio_gpu_get_edid),
	COMMAND(RESOURCE_ASSIGN_UUID, virtio_gpu_resource_unref),
	COMMAND(RESOURCE_CREATE_BLOB, virtio_gpu_resource_create_blob),
	COMMAND(SET_SCANOUT_BLOB, virtio_gpu_set_scanout_blob),
	COMMAND(CTX_CREATE, virtio_gpu_ctx_create),
	COMMAND(CTX_DESTROY, virtio_gpu_ctx_destroy),
	COMMAND(CTX_ATTACH_RESOURCE, virtio_gpu_ctx_resource),
	COMMAND(CTX_DETACH_RESOURCE, virtio_gpu_ctx_resource),
	COMMAND(RESOURCE_CREATE_3D, virtio_gpu_resource_create_3d),
	COMMAND(TRANSFER_TO_HOST_3D, virtio_gpu_transfer_host_3d),
	COMMAND(TRANSFER_FROM_HOST_3D, virtio_gpu_transfer_host_3d),
	COMMAND(SUBMIT_3D, virtio_gpu_cmd_submit),
	COMMAND(RESOURCE_MAP_BLOB, virtio_gpu_resource_map_blob),
	COMMAND(RESOURCE_UNMAP_BLOB, virtio_gpu_resource_unmap_blob),
	COMMAND(UPDATE_CURSOR, virtio_gpu_update_cursor),
	COMMAND(MOVE_CURSOR, virtio_gpu_update_cursor),
	RECORD(CHUNK, sizeof(struct vgt_chunk)),
	RECORD(META, 0),
	RECORD(CAPSET, sizeof(struct vgt_capset)),
	RECORD(MEM, sizeof(struct vgt_mem)),
	RECORD(RESPONSE, sizeof(struct vgt_response)),
	RECORD(FENCE, sizeof(struct vgt_fence)),
	RECORD(FRAME, sizeof(struct vgt_frame)),
	RECORD(MARK, 0),
	RECORD(POLL, sizeof(struct vgt_poll)),
	RECORD(SNAPSHOT, 0),
	RECORD(RESET, sizeof(struct vgt_reset)),
	RECORD(IOV, sizeof(struct vgt_iov)),
};

static const struct record_shape *find_shape(uint16_t type)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (shapes[i].type == type) {
			return &shapes[i];
		}
	}
	return NULL;
}

const char *vgt_record_name(uint16_t type)
{
	const struct record_shape *shape = find_shape(type);
	return shape ? shape->name : "unknown";
}

static bool entries_fit(uint32_t nr_entries, uint64_t room)
{
	return nr_entries <= VGT_SEGMENTS_MAX &&
	       nr_entries <= room / sizeof(struct virtio_gpu_mem_entry);
}

bool vgt_command_data_fits(const struct virtio_gpu_ctrl_hdr *hdr, uint64_t room)
{
	switch (hdr->type) {
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING: {
		const struct virtio_gpu_resource_attach_backing *attach = (const void *)hdr;
		return entries_fit(attach->nr_entries, room);
	}
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB: {
		const struct virtio_gpu_resource_create_blob *blob = (const void *)hdr;
		return entries_fit(blob->nr_entries, room);
	}
	case VIRTIO_GPU_CMD_SUBMIT_3D: {
		const struct virtio_gpu_cmd_submit *submit = (const void *)hdr;
		uint64_t fences = (uint64_t)submit->num_in_fences * sizeof(uint64_t);
		return fences <= room && submit->size <= room - fences;
	}
	default:
		return true;
	}
}

/* What a structure counts must lie in the payload behind it. */
static bool counted_fits(
	const void *payload, size_t size, const struct record_shape *shape, const char **what)
{
	uint64_t room = size - shape->size;
	switch (shape->type) {
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		*what = "nr_entries";
		return vgt_command_data_fits(payload, room);
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		*what = "size";
		return vgt_command_data_fits(payload, room);
	case VGT_RECORD_IOV: {
		const struct vgt_iov *iov = payload;
		*what = "count";
		return iov->reserved == 0 && iov->count <= VGT_SEGMENTS_MAX &&
		       room / sizeof(uint32_t) >= iov->count;
	}
	case VGT_RECORD_META:
		*what = "text";
		return size > 0 && ((const char *)payload)[size - 1] == '\0';
	case VGT_RECORD_MEM:
		*what = "size";
		return room <= VGT_MEM_MAX;
	case VGT_RECORD_FENCE:
		*what = "reserved";
		return ((const struct vgt_fence *)payload)->reserved == 0;
	case VGT_RECORD_POLL:
		*what = "reserved";
		return ((const struct vgt_poll *)payload)->reserved == 0;
	case VGT_RECORD_RESET:
		*what = "reserved";
		return ((const struct vgt_reset *)payload)->reserved == 0;
	default:
		return true;
	}
}

bool vgt_record_check(uint16_t type, const void *payload, size_t size, struct vgt_err *err)
{
	const struct record_shape *shape = find_shape(type);
	if (!shape) {
		/* an unknown command still has the header that all commands share */
		if (vgt_record_is_command(type) && size < sizeof(struct virtio_gpu_ctrl_hdr)) {
			return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
				"command 0x%04x has %zu bytes, fewer than its header", type,
				size);
		}
		return true;
	}
	if (size < shape->size) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s has %zu bytes, %u expected", shape->name, size, shape->size);
	}
	if (vgt_record_is_command(type) &&
		((const struct virtio_gpu_ctrl_hdr *)payload)->type != type) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s carries another command type", shape->name);
	}
	const char *what;
	if (!counted_fits(payload, size, shape, &what)) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s has an illegal %s", shape->name, what);
	}
	return true;
}
