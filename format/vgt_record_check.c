/* SPDX-License-Identifier: MIT */
#include "vgt_record_check.h"

#include "vgt_record_desc.h"
#include "vgt_trace.h"
#include "virtio_gpu.h"

#include <string.h>

/* Bytes of the structure with which a payload begins. */
static size_t structure_size(const struct vgt_desc *desc)
{
	size_t size = 0;
	for (const struct vgt_part *part = desc->parts; part->kind == VGT_PART_TIMES; part++) {
		size += part->max * vgt_part_dwords(part) * sizeof(uint32_t);
	}
	return size;
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
	uint16_t type, const void *payload, size_t size, uint64_t room, const char **what)
{
	switch (type) {
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
	const struct vgt_desc *desc = vgt_record_desc(type);
	if (!desc) {
		/* an unknown command still has the header that all commands share */
		if (vgt_record_is_command(type) && size < sizeof(struct virtio_gpu_ctrl_hdr)) {
			return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
				"command 0x%04x has %zu bytes, fewer than its header", type,
				size);
		}
		return true;
	}
	size_t least = structure_size(desc);
	if (size < least) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s has %zu bytes, %zu expected", desc->name, size, least);
	}
	if (vgt_record_is_command(type) &&
		((const struct virtio_gpu_ctrl_hdr *)payload)->type != type) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s carries another command type", desc->name);
	}
	const char *what;
	if (!counted_fits(type, payload, size, size - least, &what)) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s has an illegal %s", desc->name, what);
	}
	return true;
}
