/* SPDX-License-Identifier: MIT */
#include "vtest_device.h"

#include "device_model.h"
#include "linux_call.h"
#include "vtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOURCES 65536u
#define PAGE      UINT64_C(4096)
#define CAPS_V1   308u /* bytes of struct virgl_caps_v1, which v2 begins with */

struct connection {
	struct vtest *vtest; /* NULL: a free place */
	uint32_t ctx_id;     /* 0: of no context yet */
	uint64_t serial;     /* never used twice */
};

struct resource {
	bool is_live;
	struct virtio_gpu_resource_create_3d args;
	struct connection *connection; /* that has it; NULL: none, or none any more */
	bool was_attached;
	int fd;         /* the server's memory for it, -1: none */
	uint64_t size;  /* of that */
	uint8_t *pages; /* the driver's backing, NULL: none; fd is mapped there */
	uint64_t pages_size;
};

struct vtest_device {
	char *path;
	struct connection connections[VTEST_DEVICE_CONTEXTS];
	uint64_t serials;
	uint64_t fence; /* of the command executed last */
	uint8_t *capset;
	uint32_t capset_size;
	struct resource resources[RESOURCES];
};

/* A fence is a connection's serial and a number of its messages. */
#define NUMBER_BITS 40u
#define NUMBER_MASK ((UINT64_C(1) << NUMBER_BITS) - 1)

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

/* Connections */

static struct connection *connection_of(struct vtest_device *device, uint32_t ctx_id)
{
	for (uint32_t i = 0; ctx_id && i < VTEST_DEVICE_CONTEXTS; i++) {
		if (device->connections[i].vtest && device->connections[i].ctx_id == ctx_id) {
			return &device->connections[i];
		}
	}
	return NULL;
}

static struct connection *connect(struct vtest_device *device)
{
	uint32_t i = 0;
	while (i < VTEST_DEVICE_CONTEXTS && device->connections[i].vtest) {
		i++;
	}
	if (i == VTEST_DEVICE_CONTEXTS) {
		return NULL;
	}
	device->connections[i] = (struct connection){
		.vtest = vtest_connect(device->path, "wine"), .serial = ++device->serials};
	return device->connections[i].vtest ? &device->connections[i] : NULL;
}

static void disconnect(struct vtest_device *device, struct connection *connection)
{
	for (uint32_t id = 0; id < RESOURCES; id++) {
		if (device->resources[id].connection == connection) {
			device->resources[id].connection = NULL;
		}
	}
	vtest_close(connection->vtest);
	*connection = (struct connection){.vtest = NULL};
}

/* The first context takes the connection that the capset was asked on. */
static uint32_t create_context(struct vtest_device *device, uint32_t ctx_id)
{
	struct connection *connection = NULL;
	if (!ctx_id || connection_of(device, ctx_id)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	}
	for (uint32_t i = 0; !connection && i < VTEST_DEVICE_CONTEXTS; i++) {
		if (device->connections[i].vtest && !device->connections[i].ctx_id) {
			connection = &device->connections[i];
		}
	}
	connection = connection ? connection : connect(device);
	if (!connection) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	connection->ctx_id = ctx_id;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* The server's end of it goes, too, when it has done what was sent. */
static uint32_t destroy_context(struct vtest_device *device, uint32_t ctx_id)
{
	struct connection *connection = connection_of(device, ctx_id);
	if (!connection) {
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	}
	vtest_wait(connection->vtest);
	disconnect(device, connection);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Resources */

static void drop(struct vtest_device *device, uint32_t id)
{
	struct resource *resource = &device->resources[id];
	detach(resource);
	if (resource->fd >= 0) {
		linux_call(LINUX_CLOSE, (uint64_t)resource->fd, 0, 0, 0, 0, 0);
	}
	if (resource->connection) {
		vtest_resource_unref(resource->connection->vtest, id);
	}
	*resource = (struct resource){.is_live = false};
}

static uint32_t create_resource(
	struct vtest_device *device, const struct virtio_gpu_resource_create_3d *args)
{
	if (!args->resource_id || args->resource_id >= RESOURCES ||
		device->resources[args->resource_id].is_live) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	device->resources[args->resource_id] =
		(struct resource){.is_live = true, .args = *args, .fd = -1};
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* The server's memory becomes the backing, with what the backing holds. */
static bool map_backing(struct resource *resource)
{
	uint8_t *held = resource->pages_size > resource->size || resource->fd < 0
				? NULL
				: malloc(resource->pages_size);
	bool mapped = false;
	if (held) {
		memcpy(held, resource->pages, resource->pages_size);
		mapped = map_pages(resource->pages, resource->pages_size, resource->fd);
	}
	if (mapped) {
		memcpy(resource->pages, held, resource->pages_size);
	}
	free(held);
	return mapped;
}

static uint32_t attach_resource(
	struct vtest_device *device, uint32_t ctx_id, uint32_t resource_id)
{
	struct connection *connection = connection_of(device, ctx_id);
	struct resource *resource = resource_of(device, resource_id);
	if (!connection) {
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	}
	if (!resource) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (resource->connection == connection) {
		return VIRTIO_GPU_RESP_OK_NODATA;
	}
	if (resource->was_attached) {
		fprintf(stderr,
			"gdi32: resource %u is another context's: vtest cannot share it\n",
			resource_id);
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	resource->was_attached = true;
	resource->size = vtest_most_memory(&resource->args);
	if (!vtest_resource_create(connection->vtest, &resource->args, (uint32_t)resource->size,
		    &resource->fd)) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	resource->connection = connection;
	return !resource->pages || map_backing(resource) ? VIRTIO_GPU_RESP_OK_NODATA
							 : VIRTIO_GPU_RESP_ERR_UNSPEC;
}

/* The resource stays the connection's, for it can be attached to no other. */
static uint32_t detach_resource(
	struct vtest_device *device, uint32_t ctx_id, uint32_t resource_id)
{
	const struct connection *connection = connection_of(device, ctx_id);
	const struct resource *resource = resource_of(device, resource_id);
	return !connection ? VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
	       : !resource || resource->connection != connection
		       ? VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
		       : VIRTIO_GPU_RESP_OK_NODATA;
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
	if (!pages) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	resource->pages = pages;
	resource->pages_size = (length + PAGE - 1) & ~(PAGE - 1);
	if (resource->was_attached && !map_backing(resource)) {
		resource->pages = NULL;
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* What was sent to the connection last is what this command's fence waits for. */
static void set_fence(struct vtest_device *device, const struct connection *connection)
{
	device->fence = connection->serial << NUMBER_BITS | vtest_sent(connection->vtest);
}

static uint32_t transfer(struct vtest_device *device,
	const struct virtio_gpu_transfer_host_3d *args, bool to_host)
{
	const struct resource *resource = resource_of(device, args->resource_id);
	if (!resource || !resource->connection) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	struct vtest *vtest = resource->connection->vtest;
	bool done = vtest_transfer(vtest, args, to_host) && (to_host || vtest_wait(vtest));
	set_fence(device, resource->connection);
	return done ? VIRTIO_GPU_RESP_OK_NODATA : VIRTIO_GPU_RESP_ERR_UNSPEC;
}

static uint32_t submit(
	struct vtest_device *device, const struct virtio_gpu_cmd_submit *args, uint32_t size)
{
	const struct connection *connection = connection_of(device, args->hdr.ctx_id);
	if (!connection) {
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	}
	if (args->num_in_fences || args->size > size - sizeof(*args) || args->size % 4) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	bool sent = vtest_submit(connection->vtest, args + 1, args->size);
	set_fence(device, connection);
	return sent ? VIRTIO_GPU_RESP_OK_NODATA : VIRTIO_GPU_RESP_ERR_UNSPEC;
}

static void get_capset_info(struct vtest_device *device,
	const struct virtio_gpu_get_capset_info *args, struct answer *answer)
{
	struct virtio_gpu_resp_capset_info info = {.capset_id = args->capset_index + 1};
	info.capset_max_version = info.capset_id == VIRTIO_GPU_CAPSET_VIRGL ? 1 : 2;
	info.capset_max_size =
		info.capset_id == VIRTIO_GPU_CAPSET_VIRGL ? CAPS_V1 : device->capset_size;
	put(answer, VIRTIO_GPU_RESP_OK_CAPSET_INFO, &info.capset_id,
		sizeof(info) - sizeof(info.hdr));
}

static void get_capset(struct vtest_device *device, const struct virtio_gpu_get_capset *args,
	struct answer *answer)
{
	uint32_t size = device->capset_size;
	put(answer, VIRTIO_GPU_RESP_OK_CAPSET, device->capset,
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
	if (resource->connection) {
		vtest_wait(resource->connection->vtest);
	}
	detach(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Of commands whose answer is a header; 0: it is another one. */
static uint32_t execute_plain(
	struct vtest_device *device, struct vgt_dm *dm, const void *command, uint32_t size)
{
	const struct virtio_gpu_ctrl_hdr *header = command;
	const struct virtio_gpu_ctx_resource *pair = command;
	switch (header->type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
		return create_context(device, header->ctx_id);
	case VIRTIO_GPU_CMD_CTX_DESTROY:
		return destroy_context(device, header->ctx_id);
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
		return attach_resource(device, header->ctx_id, pair->resource_id);
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		return detach_resource(device, header->ctx_id, pair->resource_id);
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

	device->fence = 0;
	if (queue != 0 || !needed || size < needed) {
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
	return ((const struct vtest_device *)context)->fence;
}

/* What a server was to do that is not there any more is done. */
static bool is_done(void *context, uint64_t number, enum vgt_dm_patience patience)
{
	struct vtest_device *device = context;
	for (uint32_t i = 0; i < VTEST_DEVICE_CONTEXTS; i++) {
		const struct connection *connection = &device->connections[i];
		if (connection->vtest && connection->serial == number >> NUMBER_BITS) {
			if (patience == VGT_DM_ASK) {
				vtest_ask(connection->vtest);
			}
			return vtest_is_done(connection->vtest, number & NUMBER_MASK,
				       patience == VGT_DM_WAIT) ||
			       vtest_is_broken(connection->vtest);
		}
	}
	return true;
}

static void reset(void *context)
{
	struct vtest_device *device = context;
	for (uint32_t id = 0; id < RESOURCES; id++) {
		if (device->resources[id].is_live) {
			drop(device, id);
		}
	}
	for (uint32_t i = 0; i < VTEST_DEVICE_CONTEXTS; i++) {
		if (device->connections[i].ctx_id) {
			disconnect(device, &device->connections[i]);
		}
	}
}

static bool uses(void *context, uint64_t address, uint64_t size)
{
	/* what it keeps are mappings, which go with the backing */
	(void)context, (void)address, (void)size;
	return false;
}

struct vtest_device *vtest_device_create(const char *path)
{
	struct vtest_device *device = calloc(1, sizeof(*device));
	const struct connection *connection = NULL;
	if (!device) {
		return NULL;
	}
	device->path = strdup(path);
	connection = device->path ? connect(device) : NULL;
	if (connection) {
		const void *capset = vtest_capset(connection->vtest, &device->capset_size);
		device->capset = malloc(device->capset_size);
		if (device->capset) {
			memcpy(device->capset, capset, device->capset_size);
			return device;
		}
	}
	vtest_device_destroy(device);
	return NULL;
}

void vtest_device_destroy(struct vtest_device *device)
{
	if (!device) {
		return;
	}
	reset(device);
	for (uint32_t i = 0; i < VTEST_DEVICE_CONTEXTS; i++) {
		vtest_close(device->connections[i].vtest);
	}
	free(device->capset);
	free(device->path);
	free(device);
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

int vtest_device_file(const struct vtest_device *device, const void *backing)
{
	for (uint32_t id = 0; id < RESOURCES; id++) {
		if (device->resources[id].is_live && device->resources[id].pages == backing) {
			return device->resources[id].fd;
		}
	}
	return -1;
}
