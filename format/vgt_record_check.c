/* SPDX-License-Identifier: MIT */
#include "vgt_record_check.h"

#include "vgt_record_desc.h"
#include "vgt_trace.h"
#include "virtio_gpu.h"

#include <string.h>

size_t vgt_record_structure_size(uint16_t type)
{
	const struct vgt_desc *desc = vgt_record_desc(type);
	size_t size = 0;
	if (!desc) {
		/* an unknown command still has the header that all commands share */
		return vgt_record_is_command(type) ? sizeof(struct virtio_gpu_ctrl_hdr) : 0;
	}
	for (const struct vgt_part *part = desc->parts; part->kind == VGT_PART_TIMES; part++) {
		size += part->max * vgt_part_dwords(part) * sizeof(uint32_t);
	}
	return size;
}

/* Bytes of what a command's structure counts; false where that is beyond the limits. */
static bool counted_size(const struct virtio_gpu_ctrl_hdr *hdr, uint64_t *size)
{
	uint32_t entries = 0;
	*size = 0;
	switch (hdr->type) {
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		entries = ((const struct virtio_gpu_resource_attach_backing *)hdr)->nr_entries;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		entries = ((const struct virtio_gpu_resource_create_blob *)hdr)->nr_entries;
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D: {
		const struct virtio_gpu_cmd_submit *submit = (const void *)hdr;
		*size = (uint64_t)submit->num_in_fences * sizeof(uint64_t) + submit->size;
		return true;
	}
	default:
		return true;
	}
	*size = (uint64_t)entries * sizeof(struct virtio_gpu_mem_entry);
	return entries <= VGT_SEGMENTS_MAX;
}

bool vgt_command_data_fits(const struct virtio_gpu_ctrl_hdr *hdr, uint64_t room)
{
	uint64_t size;
	return counted_size(hdr, &size) && size <= room;
}

uint64_t vgt_command_size(const struct virtio_gpu_ctrl_hdr *hdr)
{
	uint64_t size;
	counted_size(hdr, &size);
	return vgt_record_structure_size((uint16_t)hdr->type) + size;
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
	case VGT_RECORD_BAD_COMMAND:
		*what = "size";
		return room <= VGT_BAD_MAX &&
		       room <= ((const struct vgt_bad_command *)payload)->size;
	default:
		return true;
	}
}

bool vgt_record_check(uint16_t type, const void *payload, size_t size, struct vgt_err *err)
{
	const struct vgt_desc *desc = vgt_record_desc(type);
	size_t least = vgt_record_structure_size(type);
	if (!desc) {
		return size >= least ||
		       vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			       "command 0x%04x has %zu bytes, fewer than its header", type,
			       size);
	}
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
