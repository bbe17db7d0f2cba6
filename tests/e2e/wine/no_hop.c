/* SPDX-License-Identifier: MIT */
#include "no_hop.h"

#include "linux_call.h"
#include "vgt_escape.h"
#include "virgl_cmd.h"
#include "vtest.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define RESOURCES 65536u
#define CONTEXT   1u

struct memory {
	int fd; /* -1: none */
	uint64_t size;
	void *map; /* NULL: not mapped */
};

struct no_hop {
	struct vtest *vtest;
	SRWLOCK lock;
	uint32_t next; /* resource id, of which no number is used twice */
	/* by resource id, which is the handle, too */
	struct memory memory[RESOURCES];
};

static enum vgt_escape_status get_version(struct vgt_escape_get_version *version)
{
	version->features = VGT_ESCAPE_FEATURE_VIRGL;
	version->num_capsets = 1;
	version->submit_resources_max = 4096;
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status get_capset_info(
	struct no_hop *no_hop, struct vgt_escape_get_capset_info *info)
{
	vtest_capset(no_hop->vtest, &info->capset_max_size);
	info->capset_id = VIRTIO_GPU_CAPSET_VIRGL2;
	info->capset_max_version = 2;
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status get_capset(
	struct no_hop *no_hop, struct vgt_escape_get_capset *get)
{
	const void *capset = vtest_capset(no_hop->vtest, &get->capset_size);
	if (get->capset_size > get->header.size - sizeof(*get)) {
		return VGT_ESCAPE_BUFFER_TOO_SMALL;
	}
	memcpy(get + 1, capset, get->capset_size);
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status create(
	struct no_hop *no_hop, struct vgt_escape_resource_create_3d *request)
{
	const struct virtio_gpu_resource_create_3d args = {
		.resource_id = no_hop->next,
		.target = request->target,
		.format = request->format,
		.bind = request->bind,
		.width = request->width,
		.height = request->height,
		.depth = request->depth,
		.array_size = request->array_size,
		.last_level = request->last_level,
		.nr_samples = request->nr_samples,
	};
	struct memory *memory = &no_hop->memory[args.resource_id];

	if (args.resource_id == RESOURCES - 1) {
		return VGT_ESCAPE_OVER_LIMIT;
	}
	*memory = (struct memory){.size = vtest_most_memory(&args)};
	if (!vtest_resource_create(no_hop->vtest, &args, (uint32_t)memory->size, &memory->fd)) {
		return VGT_ESCAPE_DEVICE_LOST;
	}
	request->resource = request->resource_id = no_hop->next++;
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status destroy(
	struct no_hop *no_hop, const struct vgt_escape_resource *request)
{
	struct memory *memory = &no_hop->memory[request->resource];
	if (memory->map) {
		linux_call(LINUX_MUNMAP, (uintptr_t)memory->map, memory->size, 0, 0, 0, 0);
	}
	if (memory->fd >= 0) {
		linux_call(LINUX_CLOSE, (uint64_t)memory->fd, 0, 0, 0, 0, 0);
	}
	*memory = (struct memory){.fd = -1};
	vtest_resource_unref(no_hop->vtest, request->resource);
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status map(
	struct no_hop *no_hop, struct vgt_escape_resource_map *request)
{
	struct memory *memory = &no_hop->memory[request->resource];
	int64_t address =
		memory->fd < 0 ? -1
			       : linux_call(LINUX_MMAP, 0, memory->size, LINUX_PROT_READ_WRITE,
					 LINUX_MAP_SHARED, (uint64_t)memory->fd, 0);
	if (address < 0 && address > -4096) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	memory->map = (void *)(uintptr_t)address;
	request->address = (uint64_t)address;
	request->size = memory->size;
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status transfer(
	struct no_hop *no_hop, const struct vgt_escape_transfer_3d *request, bool to_host)
{
	const struct virtio_gpu_transfer_host_3d args = {
		.box = {request->x, request->y, request->z, request->w, request->h, request->d},
		.offset = request->offset,
		.resource_id = request->resource,
		.level = request->level,
		.stride = request->stride,
		.layer_stride = request->layer_stride,
	};
	return vtest_transfer(no_hop->vtest, &args, to_host) ? VGT_ESCAPE_OK
							     : VGT_ESCAPE_DEVICE_LOST;
}

static enum vgt_escape_status submit(
	struct no_hop *no_hop, const struct vgt_escape_submit_3d *request)
{
	const uint32_t *handles = (const uint32_t *)(request + 1);
	const uint32_t *commands = handles + (request->num_resources + 1) / 2 * 2;
	return vtest_submit(no_hop->vtest, commands, request->commands_size)
		       ? VGT_ESCAPE_OK
		       : VGT_ESCAPE_DEVICE_LOST;
}

static enum vgt_escape_status mark(struct no_hop *no_hop, const struct vgt_escape_mark *request)
{
	uint32_t dwords[2 + VGT_ESCAPE_MARK_MAX / 4] = {0};
	const uint32_t length = 1 + (request->text_size + 3) / 4;

	dwords[0] = VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, length);
	dwords[VIRGL_SEND_STRING_MARKER_STRING_SIZE] = request->text_size;
	memcpy(dwords + VIRGL_SEND_STRING_MARKER_OFFSET, request + 1, request->text_size);
	return vtest_submit(no_hop->vtest, dwords, (1 + length) * 4) ? VGT_ESCAPE_OK
								     : VGT_ESCAPE_DEVICE_LOST;
}

/* A fence is the number of the message. */
static enum vgt_escape_status fence(
	struct no_hop *no_hop, struct vgt_escape_fence *request, bool wait)
{
	bool done =
		vtest_ask(no_hop->vtest) && vtest_is_done(no_hop->vtest, request->wanted, wait);
	request->retired = vtest_done(no_hop->vtest);
	return vtest_is_broken(no_hop->vtest) ? VGT_ESCAPE_DEVICE_LOST
	       : done                         ? VGT_ESCAPE_OK
					      : VGT_ESCAPE_PENDING;
}

static enum vgt_escape_status answer(struct no_hop *no_hop, void *request)
{
	struct vgt_escape_header *header = request;
	switch (header->request) {
	case VGT_ESCAPE_GET_VERSION:
		return get_version(request);
	case VGT_ESCAPE_GET_CAPSET_INFO:
		return get_capset_info(no_hop, request);
	case VGT_ESCAPE_GET_CAPSET:
		return get_capset(no_hop, request);
	case VGT_ESCAPE_CTX_CREATE:
		((struct vgt_escape_ctx_create *)request)->ctx = CONTEXT;
		return VGT_ESCAPE_OK;
	case VGT_ESCAPE_CTX_DESTROY:
	case VGT_ESCAPE_CTX_ATTACH_RESOURCE:
	case VGT_ESCAPE_RESOURCE_ATTACH_BACKING:
		return VGT_ESCAPE_OK;
	case VGT_ESCAPE_RESOURCE_CREATE_3D:
		return create(no_hop, request);
	case VGT_ESCAPE_RESOURCE_DESTROY:
		return destroy(no_hop, request);
	case VGT_ESCAPE_RESOURCE_MAP:
		return map(no_hop, request);
	case VGT_ESCAPE_TRANSFER_TO_HOST_3D:
		return transfer(no_hop, request, true);
	case VGT_ESCAPE_TRANSFER_FROM_HOST_3D:
		return transfer(no_hop, request, false);
	case VGT_ESCAPE_SUBMIT_3D:
		return submit(no_hop, request);
	case VGT_ESCAPE_MARK:
		return mark(no_hop, request);
	case VGT_ESCAPE_FENCE_QUERY:
	case VGT_ESCAPE_FENCE_WAIT:
		return fence(no_hop, request, header->request == VGT_ESCAPE_FENCE_WAIT);
	default:
		return VGT_ESCAPE_UNKNOWN_REQUEST;
	}
}

struct no_hop *no_hop_open(const char *path)
{
	struct no_hop *no_hop = calloc(1, sizeof(*no_hop));
	if (no_hop) {
		no_hop->vtest = vtest_connect(path, "wine");
		no_hop->next = 1;
	}
	if (no_hop && !no_hop->vtest) {
		free(no_hop);
		return NULL;
	}
	return no_hop;
}

void no_hop_escape(struct no_hop *no_hop, void *request)
{
	struct vgt_escape_header *header = request;

	AcquireSRWLockExclusive(&no_hop->lock);
	header->version = VGT_ESCAPE_VERSION;
	header->response = 0;
	header->status = answer(no_hop, request);
	if (header->flags & VGT_ESCAPE_FLAG_FENCE) {
		header->fence = vtest_sent(no_hop->vtest);
	} else if (header->request == VGT_ESCAPE_TRANSFER_FROM_HOST_3D &&
		   header->status == VGT_ESCAPE_OK && !vtest_wait(no_hop->vtest)) {
		header->status = VGT_ESCAPE_DEVICE_LOST;
	}
	ReleaseSRWLockExclusive(&no_hop->lock);
}
