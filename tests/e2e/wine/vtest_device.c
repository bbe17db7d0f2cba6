/* SPDX-License-Identifier: MIT */
#include "vtest_device.h"

#include "device_model.h"
#include "linux_call.h"

#include <stdlib.h>
#include <string.h>

#define RESOURCES 65536u
#define PAGE      UINT64_C(4096)
#define CAPS_V1   308u /* bytes of struct virgl_caps_v1, which v2 begins with */

struct resource {
	bool is_live;
	int fd;         /* the server's memory for it, -1: none */
	uint64_t size;  /* of that */
	uint8_t *pages; /* where it is mapped: the driver's backing; NULL: nowhere */
	uint64_t pages_size;
};

struct vtest_device {
	struct vtest *vtest;
	uint32_t contexts; /* that live: one may */
	struct resource resources[RESOURCES];
};

struct answer {
	void *memory;
	uint32_t room, written;
};

static void put(struct answer *answer, uint32_t type, const void *data, uint32_t size)
{
	struct virtio_gpu_ctrl_hdr *header = answer->memory;
	if (sizeof(*header) + size > answer->room) {
		type = VIRTIO_GPU_RESP_ERR_UNSPEC;
		size = 0;
	}
	header->type = type;
	if (size) {
		memcpy(header + 1, data, size);
	}
	answer->written = (uint32_t)sizeof(*header) + size;
}

static struct resource *resource_of(struct vtest_device *device, uint32_t id)
{
	struct resource *resource = id < RESOURCES ? &device->resources[id] : NULL;
	return resource && resource->is_live ? resource : NULL;
}

/* Replaces the pages by others, the server's or, with fd -1, new ones of this process. */
static bool map_pages(uint8_t *pages, uint64_t size, int fd)
{
	uint64_t flags = LINUX_MAP_FIXED |
			 (fd < 0 ? LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS : LINUX_MAP_SHARED);
	return linux_call(LINUX_MMAP, (uintptr_t)pages, size, LINUX_PROT_READ_WRITE, flags,
		       (uint64_t)(int64_t)fd, 0) == (int64_t)(uintptr_t)pages;
}

static void detach(struct resource *resource)
{
	if (resource->pages) {
		map_pages(resource->pages, resource->pages_size, -1);
		resource->pages = NULL;
	}
}

static void drop(struct vtest_device *device, uint32_t id)
{
	struct resource *resource = &device->resources[id];
	detach(resource);
	if (resource->fd >= 0) {
		linux_call(LINUX_CLOSE, (uint64_t)resource->fd, 0, 0, 0, 0, 0);
	}
	resource->is_live = false;
	vtest_resource_unref(device->vtest, id);
}

static uint32_t create_resource(
	struct vtest_device *device, const struct virtio_gpu_resource_create_3d *args)
{
	struct resource *resource;
	if (!args->resource_id || args->resource_id >= RESOURCES ||
		device->resources[args->resource_id].is_live) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	resource = &device->resources[args->resource_id];
	*resource = (struct resource){.is_live = true, .size = vtest_most_memory(args)};
	return vtest_resource_create(
		       device->vtest, args, (uint32_t)resource->size, &resource->fd)
		       ? VIRTIO_GPU_RESP_OK_NODATA
		       : VIRTIO_GPU_RESP_ERR_UNSPEC;
}

/* Where the entries lie, which the model gives out side by side in this process; NULL: not so.
 */
static uint8_t *find_pages(struct vgt_dm *dm, const struct virtio_gpu_mem_entry *entries,
	uint32_t count, uint64_t *size)
{
	uint8_t *pages = NULL;
	*size = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *piece = vgt_dm_memory(dm, entries[i].addr, entries[i].length);
		if (!piece || (i && piece != pages + *size)) {
			return NULL;
		}
		pages = i ? pages : piece;
		*size += entries[i].length;
	}
	return pages;
}

static uint32_t attach_backing(struct vtest_device *device, struct vgt_dm *dm,
	const struct virtio_gpu_resource_attach_backing *args, uint32_t size)
{
	struct resource *resource = resource_of(device, args->resource_id);
	uint64_t length;
	uint8_t *pages;

	if (!resource || resource->pages) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if ((size - sizeof(*args)) / sizeof(struct virtio_gpu_mem_entry) < args->nr_entries) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	pages = find_pages(
		dm, (const struct virtio_gpu_mem_entry *)(args + 1), args->nr_entries, &length);
	length = (length + PAGE - 1) & ~(PAGE - 1);
	if (!pages || length > resource->size || resource->fd < 0 ||
		!map_pages(pages, length, resource->fd)) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	resource->pages = pages;
	resource->pages_size = length;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t transfer(struct vtest_device *device,
	const struct virtio_gpu_transfer_host_3d *args, bool to_host)
{
	const struct resource *resource = resource_of(device, args->resource_id);
	if (!resource) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	/* vtest cannot say them */
	if (args->stride || args->layer_stride) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	return vtest_transfer(device->vtest, args, to_host) &&
			       (to_host || vtest_wait(device->vtest))
		       ? VIRTIO_GPU_RESP_OK_NODATA
		       : VIRTIO_GPU_RESP_ERR_UNSPEC;
}

static uint32_t submit(
	struct vtest_device *device, const struct virtio_gpu_cmd_submit *args, uint32_t size)
{
	if (args->num_in_fences || args->size > size - sizeof(*args) || args->size % 4) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	return vtest_submit(device->vtest, args + 1, args->size) ? VIRTIO_GPU_RESP_OK_NODATA
								 : VIRTIO_GPU_RESP_ERR_UNSPEC;
}

static uint32_t create_context(struct vtest_device *device)
{
	if (device->contexts) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	device->contexts++;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static void get_capset_info(struct vtest_device *device,
	const struct virtio_gpu_get_capset_info *args, struct answer *answer)
{
	struct virtio_gpu_resp_capset_info info = {.capset_id = args->capset_index + 1};
	uint32_t size;
	vtest_capset(device->vtest, &size);
	info.capset_max_version = info.capset_id == VIRTIO_GPU_CAPSET_VIRGL ? 1 : 2;
	info.capset_max_size = info.capset_id == VIRTIO_GPU_CAPSET_VIRGL ? CAPS_V1 : size;
	put(answer, VIRTIO_GPU_RESP_OK_CAPSET_INFO, &info.capset_id,
		sizeof(info) - sizeof(info.hdr));
}

static void get_capset(struct vtest_device *device, const struct virtio_gpu_get_capset *args,
	struct answer *answer)
{
	uint32_t size;
	const void *capset = vtest_capset(device->vtest, &size);
	put(answer, VIRTIO_GPU_RESP_OK_CAPSET, capset,
		args->capset_id == VIRTIO_GPU_CAPSET_VIRGL && size > CAPS_V1 ? CAPS_V1 : size);
}

static void get_display_info(struct answer *answer)
{
	struct virtio_gpu_resp_display_info info = {.hdr = {.type = 0}};
	info.pmodes[0].r = (struct virtio_gpu_rect){.width = 1024, .height = 768};
	info.pmodes[0].enabled = 1;
	put(answer, VIRTIO_GPU_RESP_OK_DISPLAY_INFO, info.pmodes, sizeof(info.pmodes));
}

/* Bytes of the command's structure, 0: there is no such command. */
static uint32_t size_of(uint32_t type)
{
	switch (type) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO:
	case VIRTIO_GPU_CMD_CTX_DESTROY:
		return sizeof(struct virtio_gpu_ctrl_hdr);
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO:
		return sizeof(struct virtio_gpu_get_capset_info);
	case VIRTIO_GPU_CMD_GET_CAPSET:
		return sizeof(struct virtio_gpu_get_capset);
	case VIRTIO_GPU_CMD_CTX_CREATE:
		return sizeof(struct virtio_gpu_ctx_create);
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		return sizeof(struct virtio_gpu_ctx_resource);
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		return sizeof(struct virtio_gpu_resource_create_3d);
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		return sizeof(struct virtio_gpu_resource_unref);
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		return sizeof(struct virtio_gpu_resource_attach_backing);
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		return sizeof(struct virtio_gpu_resource_detach_backing);
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		return sizeof(struct virtio_gpu_transfer_host_3d);
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		return sizeof(struct virtio_gpu_cmd_submit);
	default:
		return 0;
	}
}

static uint32_t unref(struct vtest_device *device, uint32_t id)
{
	if (!resource_of(device, id)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	drop(device, id);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t detach_backing(struct vtest_device *device, uint32_t id)
{
	struct resource *resource = resource_of(device, id);
	if (!resource || !resource->pages) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	/* what was sent may still use it */
	vtest_wait(device->vtest);
	detach(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Of commands whose answer is a header; 0: it is another one. */
static uint32_t execute_plain(
	struct vtest_device *device, struct vgt_dm *dm, const void *command, uint32_t size)
{
	const struct virtio_gpu_ctrl_hdr *header = command;
	switch (header->type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
		return create_context(device);
	case VIRTIO_GPU_CMD_CTX_DESTROY:
		device->contexts--;
		return VIRTIO_GPU_RESP_OK_NODATA;
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		return VIRTIO_GPU_RESP_OK_NODATA; /* the server attaches by itself */
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		return create_resource(device, command);
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		return unref(device,
			((const struct virtio_gpu_resource_unref *)command)->resource_id);
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		return attach_backing(device, dm, command, size);
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		return detach_backing(
			device, ((const struct virtio_gpu_resource_detach_backing *)command)
					->resource_id);
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
		return transfer(device, command, true);
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		return transfer(device, command, false);
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		return submit(device, command, size);
	default:
		return 0;
	}
}

static uint32_t execute(void *context, struct vgt_dm *dm, uint32_t queue, const void *command,
	uint32_t size, void *response, uint32_t room)
{
	struct vtest_device *device = context;
	const struct virtio_gpu_ctrl_hdr *header = command;
	struct answer answer = {.memory = response, .room = room};
	uint32_t needed = size_of(header->type);

	if (queue != 0 || !needed || size < needed || vtest_is_broken(device->vtest)) {
		put(&answer, VIRTIO_GPU_RESP_ERR_UNSPEC, NULL, 0);
		return answer.written;
	}
	switch (header->type) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO:
		get_display_info(&answer);
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO:
		get_capset_info(device, command, &answer);
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET:
		get_capset(device, command, &answer);
		break;
	default:
		put(&answer, execute_plain(device, dm, command, size), NULL, 0);
	}
	return answer.written;
}

static uint64_t fence(void *context)
{
	const struct vtest_device *device = context;
	return vtest_sent(device->vtest);
}

/* What a server does that is not there any more is done. */
static bool is_done(void *context, uint64_t number, bool wait)
{
	struct vtest_device *device = context;
	return vtest_is_done(device->vtest, number, wait) || vtest_is_broken(device->vtest);
}

static void reset(void *context)
{
	struct vtest_device *device = context;
	for (uint32_t id = 0; id < RESOURCES; id++) {
		if (device->resources[id].is_live) {
			drop(device, id);
		}
	}
	device->contexts = 0;
}

static bool uses(void *context, uint64_t address, uint64_t size)
{
	/* what it keeps are mappings, which go with the backing */
	(void)context, (void)address, (void)size;
	return false;
}

struct vtest_device *vtest_device_create(struct vtest *vtest)
{
	struct vtest_device *device = calloc(1, sizeof(*device));
	if (device) {
		device->vtest = vtest;
	}
	return device;
}

void vtest_device_destroy(struct vtest_device *device)
{
	if (device) {
		reset(device);
		free(device);
	}
}

struct vgt_dm_executor vtest_device_executor(struct vtest_device *device)
{
	return (struct vgt_dm_executor){.context = device,
		.execute = execute,
		.fence = fence,
		.is_done = is_done,
		.reset = reset,
		.uses = uses};
}
