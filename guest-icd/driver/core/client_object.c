/* SPDX-License-Identifier: MIT */
#include "client_private.h"

#include "id_pool.h"
#include "virtio_gpu.h"

/* What destroys an object: CTX_DESTROY is a prefix of the other. */
static struct virtio_gpu_resource_unref destroying(const struct vgt_object *object)
{
	if (object->kind == VGT_OBJECT_CONTEXT) {
		return (struct virtio_gpu_resource_unref){
			.hdr = {.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = object->id}};
	}
	return (struct virtio_gpu_resource_unref){
		.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_UNREF}, .resource_id = object->id};
}

static uint32_t destroying_size(const struct vgt_object *object)
{
	return object->kind == VGT_OBJECT_CONTEXT ? sizeof(struct virtio_gpu_ctx_destroy)
						  : sizeof(struct virtio_gpu_resource_unref);
}

/*
 * Whether after this answer to its destruction the device does not know the object. Others, and
 * none at all, leave that open. QEMU's device with virglrenderer refuses only what it does not
 * know, with an ERR_INVALID_*; the one with rutabaga says ERR_UNSPEC, but what it has refused
 * to create it does not have.
 */
static bool is_gone_after(
	struct vgt_object *object, enum vgt_escape_status status, uint32_t response)
{
	return status == VGT_ESCAPE_OK ||
	       (status == VGT_ESCAPE_HOST_ERROR &&
		       (response == VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID ||
			       response == VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID ||
			       (object->refused && !vgt_resource_of(object)->backing)));
}

/* Creating */

static struct vgt_id_pool *ids_of(const struct vgt_client *client, enum vgt_object_kind kind)
{
	return kind == VGT_OBJECT_CONTEXT ? vgt_gpu_context_ids(client->gpu)
					  : vgt_gpu_resource_ids(client->gpu);
}

static bool is_at_limit(const struct vgt_client *client, enum vgt_object_kind kind)
{
	const struct vgt_gpu_limits *const limits = vgt_gpu_limits(client->gpu);
	return client->objects[kind] >= (kind == VGT_OBJECT_CONTEXT ? limits->contexts_max
								    : limits->resources_max) ||
	       vgt_handle_table_is_full(&client->table[kind]);
}

struct vgt_object *vgt_object_create(struct vgt_client *client, enum vgt_object_kind kind,
	size_t size, enum vgt_escape_status *status)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	if (is_at_limit(client, kind)) {
		*status = VGT_ESCAPE_OVER_LIMIT;
		return NULL;
	}
	*status = VGT_ESCAPE_NO_MEMORY;
	struct vgt_object *const object = platform->alloc(platform->self, size);
	if (!object) {
		return NULL;
	}
	const uint32_t id = vgt_id_pool_take(ids_of(client, kind));
	const uint32_t handle = id ? vgt_handle_table_add(&client->table[kind], object) : 0;
	if (!handle) {
		vgt_id_pool_give(ids_of(client, kind), id);
		platform->free(platform->self, object);
		return NULL;
	}
	*object = (struct vgt_object){
		.client = client,
		.handle = handle,
		.id = id,
		.kind = kind,
		.hidden = true,
	};
	client->objects[kind]++;
	*status = VGT_ESCAPE_OK;
	return object;
}

void vgt_object_created(struct vgt_object *object, enum vgt_escape_status status)
{
	object->hidden = false;
	if (status != VGT_ESCAPE_OK) {
		/* Refused or not sent; an answer that makes no sense leaves it open. */
		vgt_object_leave(object,
			status != VGT_ESCAPE_HOST_INVALID && status != VGT_ESCAPE_DEVICE_LOST);
	}
}

/* Looking up */

static struct vgt_object *find(struct vgt_use *use, enum vgt_object_kind kind, uint32_t handle)
{
	struct vgt_object *const object =
		vgt_handle_table_get(&use->client->table[kind], handle);
	if (!object || object->hidden) {
		return NULL;
	}
	vgt_use_name(use, object);
	return object;
}

struct vgt_object *vgt_use_context(struct vgt_use *use, uint32_t handle)
{
	return find(use, VGT_OBJECT_CONTEXT, handle);
}

struct vgt_resource *vgt_use_resource(struct vgt_use *use, uint32_t handle)
{
	struct vgt_object *const object = find(use, VGT_OBJECT_RESOURCE, handle);
	return object ? vgt_resource_of(object) : NULL;
}

struct vgt_memory *vgt_use_memory(struct vgt_use *use, uint32_t handle)
{
	struct vgt_object *const object = find(use, VGT_OBJECT_MEMORY, handle);
	return object ? vgt_memory_of(object) : NULL;
}

/* Freeing */

static void free_alone(struct vgt_object *object, bool quiet)
{
	struct vgt_client *const client = object->client;
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	if (object->link) {
		*object->link = object->next;
		if (object->next) {
			object->next->link = object->link;
		}
	}
	if (object->kind == VGT_OBJECT_MEMORY) {
		struct vgt_dma *const dma = &vgt_memory_of(object)->dma;
		client->backing -= vgt_memory_charge(dma->size);
		if (quiet) {
			platform->dma_free(platform->self, dma);
		}
	} else if (!vgt_client_is_stale(client)) {
		/* after a reset all numbers are free anyway */
		vgt_id_pool_give(ids_of(client, object->kind), object->id);
	}
	client->objects[object->kind]--;
	platform->free(platform->self, object);
}

void vgt_object_free(struct vgt_object *object, bool quiet)
{
	struct vgt_memory *const backing =
		object->kind == VGT_OBJECT_RESOURCE ? vgt_resource_of(object)->backing : NULL;
	if (backing) {
		free_alone(&backing->object, quiet);
	}
	free_alone(object, quiet);
}

void vgt_object_free_unused(struct vgt_object *object)
{
	const struct vgt_client *const client = object->client;
	const struct vgt_use *const oldest = client->uses.next;
	const bool used = oldest != &client->uses && oldest->ticket <= object->ticket;
	const bool gone =
		vgt_client_is_stale(client) || (object->gone && !vgt_gpu_is_lost(client->gpu));
	if (gone && !used) {
		vgt_object_free(object, true);
	}
}

void vgt_object_leave(struct vgt_object *object, bool gone)
{
	struct vgt_client *const client = object->client;
	if (object->handle) {
		vgt_handle_table_remove(&client->table[object->kind], object->handle);
	}
	if (object->kind == VGT_OBJECT_RESOURCE) {
		vgt_resource_unmap(vgt_resource_of(object));
	}
	object->gone = gone;
	object->next = client->leaving;
	object->link = &client->leaving;
	if (object->next) {
		object->next->link = &object->next;
	}
	client->leaving = object;
	vgt_object_free_unused(object);
}

/* Destroying */

enum vgt_escape_status vgt_object_destroy(struct vgt_object *object, struct vgt_answer *answer)
{
	struct vgt_client *const client = object->client;
	const struct virtio_gpu_resource_unref head = destroying(object);
	struct vgt_gpu_command command = {.head = &head, .head_size = destroying_size(object)};
	if (vgt_gpu_check(client->gpu, client->epoch) != VGT_ESCAPE_OK) {
		vgt_object_leave(object, false);
		return VGT_ESCAPE_OK;
	}
	struct vgt_use use = {.client = client};
	object->hidden = true;
	const enum vgt_escape_status status = vgt_use_send(&use, &command, false, answer);
	if (status == VGT_ESCAPE_BUSY || status == VGT_ESCAPE_NO_MEMORY) {
		object->hidden = false;
	} else {
		vgt_object_leave(object, is_gone_after(object, status, answer->response));
	}
	return status;
}

static void destroyed(void *context, enum vgt_escape_status status, uint32_t response)
{
	struct vgt_object *const object = context;
	struct vgt_client *const client = object->client;
	object->gone = is_gone_after(object, status, response);
	if (!object->gone && status != VGT_ESCAPE_DEVICE_LOST) {
		vgt_gpu_lose(client->gpu);
	}
	vgt_object_free_unused(object);
	vgt_client_free_over(client);
}

enum vgt_escape_status vgt_object_post_destroy(struct vgt_object *object)
{
	struct vgt_client *const client = object->client;
	const struct virtio_gpu_resource_unref head = destroying(object);
	const struct vgt_gpu_done done = {.function = destroyed, .context = object};
	struct vgt_gpu_command command = {.head = &head, .head_size = destroying_size(object)};
	if (object->kind == VGT_OBJECT_MEMORY) {
		vgt_object_leave(object, true);
		return VGT_ESCAPE_OK;
	}
	enum vgt_escape_status status = vgt_gpu_check(client->gpu, client->epoch);
	if (status == VGT_ESCAPE_OK) {
		status = vgt_gpu_post(client->gpu, &command, &done);
	}
	if (status == VGT_ESCAPE_OK || status == VGT_ESCAPE_DEVICE_LOST) {
		vgt_object_leave(object, false);
		return VGT_ESCAPE_OK;
	}
	return status;
}
