/* SPDX-License-Identifier: MIT */
#include "dispatch_2017.h"

#include "client_private.h"

enum command {
	COMMAND_TRANSFER = 1,
	COMMAND_ALLOCATE,
	COMMAND_UPDATE,
	COMMAND_FREE,
};

/* Without the command, which has been read: `size` of ALLOCATE, else padding. */
struct allocate {
	uint32_t size;
	uint64_t handle;
} __attribute__((packed));

struct free {
	uint32_t padding;
	uint64_t handle;
} __attribute__((packed));

struct update {
	uint32_t padding;
	uint64_t handle;
	uint32_t size;
	uint32_t data_32; /* of a 32-bit caller; else padding */
	uint64_t data_64;
} __attribute__((packed));

#define COMMAND_SIZE   ((uint32_t)sizeof(uint32_t))
#define UPDATE_32_SIZE ((uint32_t)offsetof(struct update, data_64))

bool vgt_is_request_2017(uint32_t command)
{
	return command >= COMMAND_TRANSFER && command <= COMMAND_FREE;
}

/* The memory of a handle: they are ours, with nothing in the upper half. */
static struct vgt_memory *find(struct vgt_use *use, uint64_t handle)
{
	return handle <= UINT32_MAX ? vgt_use_memory(use, (uint32_t)handle) : NULL;
}

static enum vgt_escape_status create(struct vgt_client *client, uint32_t size, uint64_t *handle)
{
	struct vgt_use use;
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_handle_table *const table = &client->table[VGT_OBJECT_MEMORY];
	struct vgt_memory *const memory =
		status == VGT_ESCAPE_OK ? vgt_memory_create(client, size, &status) : NULL;
	if (memory) {
		memory->object.handle = vgt_handle_table_add(table, memory);
		memory->object.hidden = false;
		*handle = memory->object.handle;
		if (!memory->object.handle) {
			status = vgt_handle_table_is_full(table) ? VGT_ESCAPE_OVER_LIMIT
								 : VGT_ESCAPE_NO_MEMORY;
			vgt_object_leave(&memory->object, true);
		}
	}
	vgt_client_end(&use);
	return status;
}

static enum vgt_escape_status destroy(struct vgt_client *client, uint64_t handle)
{
	struct vgt_use use;
	vgt_client_begin(client, &use);
	struct vgt_memory *const memory = find(&use, handle);
	if (memory) {
		vgt_object_leave(&memory->object, true);
	}
	vgt_client_end(&use);
	return memory ? VGT_ESCAPE_OK : VGT_ESCAPE_BAD_HANDLE;
}

static enum vgt_escape_status write(
	struct vgt_client *client, uint64_t handle, uint64_t from, uint32_t size)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	struct vgt_use use;
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	struct vgt_memory *const memory = status == VGT_ESCAPE_OK ? find(&use, handle) : NULL;
	if (status == VGT_ESCAPE_OK && !memory) {
		status = VGT_ESCAPE_BAD_HANDLE;
	} else if (memory && size > memory->dma.size) {
		status = VGT_ESCAPE_BAD_PARAMETER;
	} else if (memory) {
		/* it stays while the use lasts, even without the lock */
		platform->unlock(platform->self);
		const bool good = platform->copy_in(
			platform->self, client->caller, memory->dma.address, from, size);
		platform->lock(platform->self);
		status = good ? VGT_ESCAPE_OK : VGT_ESCAPE_BAD_ADDRESS;
	}
	vgt_client_end(&use);
	return status;
}

/* Reads what follows the command. */
static bool copy_in(struct vgt_client *client, void *to, uint64_t address, uint32_t size)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	return platform->copy_in(
		platform->self, client->caller, to, address + COMMAND_SIZE, size);
}

static enum vgt_escape_status dispatch_allocate(
	struct vgt_client *client, uint64_t address, uint32_t size)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	struct allocate request;
	if (size != COMMAND_SIZE + sizeof(request)) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (!copy_in(client, &request, address, sizeof(request))) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	if (!request.size) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	uint64_t handle = 0;
	enum vgt_escape_status status = create(client, request.size, &handle);
	if (status == VGT_ESCAPE_OK &&
		!platform->copy_out(platform->self, client->caller,
			address + COMMAND_SIZE + offsetof(struct allocate, handle), &handle,
			sizeof(handle))) {
		destroy(client, handle);
		status = VGT_ESCAPE_BAD_ADDRESS;
	}
	return status;
}

/* 24 bytes come from a 32-bit caller, 32 from another. */
static enum vgt_escape_status dispatch_update(
	struct vgt_client *client, uint64_t address, uint32_t size)
{
	struct update request = {.padding = 0};
	const uint32_t rest = size - COMMAND_SIZE;
	if (rest != UPDATE_32_SIZE && rest != sizeof(request)) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (!copy_in(client, &request, address, rest)) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	return write(client, request.handle,
		rest == UPDATE_32_SIZE ? request.data_32 : request.data_64, request.size);
}

static enum vgt_escape_status dispatch_free(
	struct vgt_client *client, uint64_t address, uint32_t size)
{
	struct free request;
	if (size != COMMAND_SIZE + sizeof(request)) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (!copy_in(client, &request, address, sizeof(request))) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	return destroy(client, request.handle);
}

enum vgt_escape_status vgt_dispatch_2017(
	struct vgt_client *client, uint64_t address, uint32_t size, uint32_t command)
{
	switch (command) {
	case COMMAND_ALLOCATE:
		return dispatch_allocate(client, address, size);
	case COMMAND_UPDATE:
		return dispatch_update(client, address, size);
	case COMMAND_FREE:
		return dispatch_free(client, address, size);
	default:
		/* TRANSFER: any command at all, for any context or resource, at any address */
		return VGT_ESCAPE_UNSUPPORTED;
	}
}
