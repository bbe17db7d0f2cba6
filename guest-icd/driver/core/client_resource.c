/* SPDX-License-Identifier: MIT */
#include "client_private.h"

#include "virtio_gpu.h"

#define ENTRIES_MAX      16384u /* QEMU's virtio_gpu_create_mapping_iov() takes no more */
#define ENTRY_LENGTH_MAX (UINT32_C(1) << 30)

/* Commands that name one resource */

enum vgt_escape_status vgt_use_send_resource(struct vgt_use *use, struct vgt_resource *resource,
	struct vgt_gpu_command *command, bool fenced, struct vgt_answer *answer)
{
	const enum vgt_escape_status status = vgt_use_send(use, command, fenced, answer);
	if (fenced && status == VGT_ESCAPE_OK) {
		resource->fence = answer->fence;
	}
	return status;
}

enum vgt_escape_status vgt_use_create_resource(struct vgt_use *use,
	struct vgt_gpu_command *command, uint32_t *id, bool fenced, uint32_t *handle,
	struct vgt_answer *answer)
{
	enum vgt_escape_status status;
	struct vgt_object *const object = vgt_object_create(
		use->client, VGT_OBJECT_RESOURCE, sizeof(struct vgt_resource), &status);
	if (!object) {
		return status;
	}
	vgt_use_name(use, object);
	use->creates = object;
	*id = object->id;
	*handle = object->handle;
	status = vgt_use_send_resource(use, vgt_resource_of(object), command, fenced, answer);
	vgt_object_created(object, status);
	return status;
}

enum vgt_escape_status vgt_client_resource_create_3d(struct vgt_client *client,
	struct vgt_escape_resource_create_3d *request, bool fenced, struct vgt_answer *answer)
{
	struct virtio_gpu_resource_create_3d head = {
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D},
		.target = request->target,
		.format = request->format,
		.bind = request->bind,
		.width = request->width,
		.height = request->height,
		.depth = request->depth,
		.array_size = request->array_size,
		.last_level = request->last_level,
		.nr_samples = request->nr_samples,
		.flags = request->resource_flags,
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	struct vgt_use use;
	uint32_t handle = 0;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = vgt_use_create_resource(
			&use, &command, &head.resource_id, fenced, &handle, answer);
	}
	vgt_client_end(&use);
	const bool good = status == VGT_ESCAPE_OK;
	request->resource = good ? handle : 0;
	request->resource_id = good ? head.resource_id : 0;
	return status;
}

enum vgt_escape_status vgt_client_resource_destroy(
	struct vgt_client *client, uint32_t resource, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	vgt_client_begin(client, &use);
	enum vgt_escape_status status = VGT_ESCAPE_BAD_HANDLE;
	struct vgt_resource *const found = vgt_use_resource(&use, resource);
	if (found) {
		status = found->changing ? VGT_ESCAPE_BAD_STATE
					 : vgt_object_destroy(&found->object, answer);
	}
	vgt_client_end(&use);
	return status;
}

/* Memory */

/* So long that QEMU takes all of it. */
static uint64_t run_for(uint64_t size)
{
	uint64_t run = VGT_DMA_PAGE;
	while (run * ENTRIES_MAX < size) {
		run <<= 1;
	}
	return run;
}

struct vgt_memory *vgt_memory_create(
	struct vgt_client *client, uint64_t size, enum vgt_escape_status *status)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	const uint64_t max = vgt_gpu_limits(client->gpu)->backing_max;
	if (size > max || vgt_memory_charge(size) > max - client->backing) {
		*status = VGT_ESCAPE_OVER_LIMIT;
		return NULL;
	}
	client->backing += vgt_memory_charge(size);
	platform->unlock(platform->self);
	struct vgt_memory *memory = platform->alloc(platform->self, sizeof(*memory));
	if (memory && !platform->dma_alloc(platform->self, size, run_for(size), &memory->dma)) {
		platform->free(platform->self, memory);
		memory = NULL;
	}
	platform->lock(platform->self);
	if (!memory) {
		client->backing -= vgt_memory_charge(size);
		*status = VGT_ESCAPE_NO_MEMORY;
		return NULL;
	}
	memory->object = (struct vgt_object){
		.client = client, .kind = VGT_OBJECT_MEMORY, .hidden = true};
	client->objects[VGT_OBJECT_MEMORY]++;
	*status = VGT_ESCAPE_OK;
	return memory;
}

/* Writes where the memory lies, or, with entries NULL, only counts. 0: in too many pieces. */
static uint32_t list_entries(const struct vgt_platform *platform, const struct vgt_dma *dma,
	struct virtio_gpu_mem_entry *entries)
{
	uint32_t count = 0;
	for (uint64_t offset = 0, run = 0; offset < dma->size; offset += run) {
		const uint64_t address =
			platform->dma_address(platform->self, dma, offset, &run);
		const uint64_t left = dma->size - offset;
		run = run < left ? run : left;
		run = run < ENTRY_LENGTH_MAX ? run : ENTRY_LENGTH_MAX;
		if (!run || count == ENTRIES_MAX) {
			return 0;
		}
		if (entries) {
			entries[count] = (struct virtio_gpu_mem_entry){
				.addr = address, .length = (uint32_t)run};
		}
		count++;
	}
	return count;
}

static enum vgt_escape_status send_attach(struct vgt_use *use, struct vgt_resource *resource,
	const struct vgt_memory *memory, struct vgt_answer *answer)
{
	struct vgt_gpu *const gpu = use->client->gpu;
	const struct vgt_platform *const platform = vgt_gpu_platform(gpu);
	const uint32_t count = list_entries(platform, &memory->dma, NULL);
	const uint32_t size = count * (uint32_t)sizeof(struct virtio_gpu_mem_entry);
	const struct virtio_gpu_resource_attach_backing head = {
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING},
		.resource_id = resource->object.id,
		.nr_entries = count,
	};
	struct vgt_gpu_command command = {
		.head = &head, .head_size = sizeof(head), .payload_size = size};
	if (!count || !vgt_gpu_payload_alloc(gpu, size, &command.payload)) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	list_entries(platform, &memory->dma, command.payload.address);
	return vgt_use_send(use, &command, false, answer);
}

static enum vgt_escape_status attach(struct vgt_use *use, struct vgt_resource *resource,
	uint64_t size, struct vgt_answer *answer)
{
	struct vgt_client *const client = use->client;
	enum vgt_escape_status status;
	struct vgt_memory *const memory = vgt_memory_create(client, size, &status);
	if (!memory) {
		return status;
	}
	status = vgt_gpu_check(client->gpu, client->epoch); /* the lock had been given up */
	const bool lost = status != VGT_ESCAPE_OK;
	if (!lost) {
		status = send_attach(use, resource, memory, answer);
	}
	if (status == VGT_ESCAPE_OK) {
		resource->backing = memory;
	} else {
		vgt_object_leave(
			&memory->object, lost || (status != VGT_ESCAPE_DEVICE_LOST &&
							 status != VGT_ESCAPE_HOST_INVALID));
	}
	return status;
}

enum vgt_escape_status vgt_client_attach_backing(
	struct vgt_client *client, uint32_t resource, uint64_t size, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	if (!size) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_resource *const found =
		status == VGT_ESCAPE_OK ? vgt_use_resource(&use, resource) : NULL;
	if (status == VGT_ESCAPE_OK && !found) {
		status = VGT_ESCAPE_BAD_HANDLE;
	} else if (found && (found->changing || found->backing)) {
		status = VGT_ESCAPE_BAD_STATE;
	} else if (found) {
		found->changing = true;
		status = attach(&use, found, size, answer);
		found->changing = false;
	}
	vgt_client_end(&use);
	return status;
}

static enum vgt_escape_status detach(
	struct vgt_use *use, struct vgt_resource *resource, struct vgt_answer *answer)
{
	const struct virtio_gpu_resource_detach_backing head = {
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING},
		.resource_id = resource->object.id,
	};
	struct vgt_gpu_command command = {.head = &head, .head_size = sizeof(head)};
	const enum vgt_escape_status status = vgt_use_send(use, &command, false, answer);
	if (status == VGT_ESCAPE_OK) {
		struct vgt_memory *const memory = resource->backing;
		vgt_resource_unmap(resource);
		resource->backing = NULL;
		/* others may have named the resource meanwhile */
		memory->object.ticket = resource->object.ticket;
		vgt_object_leave(&memory->object, true);
	}
	return status;
}

/* The resource, if it has a backing that nobody is changing. */
static struct vgt_resource *find_backed(
	struct vgt_use *use, uint32_t handle, enum vgt_escape_status *status)
{
	struct vgt_resource *const resource = vgt_use_resource(use, handle);
	if (!resource) {
		*status = VGT_ESCAPE_BAD_HANDLE;
		return NULL;
	}
	if (resource->changing || !resource->backing) {
		*status = VGT_ESCAPE_BAD_STATE;
		return NULL;
	}
	return resource;
}

enum vgt_escape_status vgt_client_detach_backing(
	struct vgt_client *client, uint32_t resource, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_resource *const found =
		status == VGT_ESCAPE_OK ? find_backed(&use, resource, &status) : NULL;
	if (found) {
		found->changing = true;
		status = detach(&use, found, answer);
		found->changing = false;
	}
	vgt_client_end(&use);
	return status;
}

/* Mapping */

enum vgt_escape_status vgt_client_map(
	struct vgt_client *client, uint32_t resource, uint64_t *address, uint64_t *size)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	struct vgt_use use;
	*address = *size = 0;
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_resource *const found =
		status == VGT_ESCAPE_OK ? find_backed(&use, resource, &status) : NULL;
	if (found && found->mapped) {
		status = VGT_ESCAPE_BAD_STATE;
	} else if (found && !platform->map(platform->self, client->caller, &found->backing->dma,
				    &found->address)) {
		status = VGT_ESCAPE_NO_MEMORY;
	} else if (found) {
		found->mapped = true;
		client->mapped++;
		*address = found->address;
		*size = found->backing->dma.size;
	}
	vgt_client_end(&use);
	return status;
}

void vgt_resource_unmap(struct vgt_resource *resource)
{
	struct vgt_client *const client = resource->object.client;
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	if (resource->mapped) {
		platform->unmap(platform->self, client->caller, &resource->backing->dma,
			resource->address);
		resource->mapped = false;
		client->mapped--;
	}
}

enum vgt_escape_status vgt_client_unmap(struct vgt_client *client, uint32_t resource)
{
	struct vgt_use use;
	vgt_client_begin(client, &use);
	struct vgt_resource *const found = vgt_use_resource(&use, resource);
	const enum vgt_escape_status status = !found           ? VGT_ESCAPE_BAD_HANDLE
					      : !found->mapped ? VGT_ESCAPE_BAD_STATE
							       : VGT_ESCAPE_OK;
	if (status == VGT_ESCAPE_OK) {
		vgt_resource_unmap(found);
	}
	vgt_client_end(&use);
	return status;
}

enum vgt_escape_status vgt_client_busy(
	struct vgt_client *client, uint32_t resource, uint32_t *busy, uint64_t *fence)
{
	struct vgt_use use;
	*busy = 0;
	*fence = 0;
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_resource *const found =
		status == VGT_ESCAPE_OK ? vgt_use_resource(&use, resource) : NULL;
	if (found) {
		vgt_gpu_progress(client->gpu);
		*fence = found->fence;
		*busy = found->fence > client->fences.retired;
	} else if (status == VGT_ESCAPE_OK) {
		status = VGT_ESCAPE_BAD_HANDLE;
	}
	vgt_client_end(&use);
	return status;
}
