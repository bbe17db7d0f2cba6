/* SPDX-License-Identifier: MIT */
#include "model_gpu.h"

#include "model_private.h"
#include "virgl_capset.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX         (1u << 20) /* of contexts and resources; beyond is OUT_OF_MEMORY */
#define BACKING_MAX    16384u     /* entries, as QEMU has it */
#define SHADOW_MAX     (UINT64_C(1) << 28)
#define SCANOUT_WIDTH  1280u
#define SCANOUT_HEIGHT 800u
#define CAPS_V1_DWORDS 77u
#define CAPS_V2_DWORDS 347u
#define EDID_SIZE      128u

/* enum pipe_texture_target */
#define PIPE_BUFFER       0u
#define PIPE_TEXTURE_2D   2u
#define PIPE_TEXTURE_RECT 5u

struct dm_context {
	struct vgt_dm_context is;
	bool *attached; /* of resource id */
	uint32_t attached_count;
};

struct dm_resource {
	struct vgt_dm_resource is;
	uint64_t low, high; /* the entries lie in [low, high) */
};

struct dm_table { /* by id; NULL: free */
	void **objects;
	uint32_t capacity, used;
};

struct vgt_dm_gpu {
	uint32_t num_scanouts, num_capsets;
	struct dm_table contexts, resources;
	uint32_t backings, attachments, unknown_ids;
	struct vgt_dm_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
	struct virtio_gpu_update_cursor cursor;
	uint32_t caps_v1[CAPS_V1_DWORDS], caps_v2[CAPS_V2_DWORDS];
	uint8_t *submit;
	uint32_t submit_ctx, submit_size;
	uint64_t submits, submit_bytes;
	void (*on_submit)(void *, uint32_t, const void *, uint32_t);
	void *on_submit_context;
};

/* One command under execution. */
struct dm_command {
	struct vgt_dm *dm;
	const void *bytes;
	uint32_t size;
	uint8_t *response;
	uint32_t room, written;
};

/* Tables */

static void *table_get(const struct dm_table *table, uint32_t id)
{
	return id < table->capacity ? table->objects[id] : NULL;
}

static void table_set(struct dm_table *table, uint32_t id, void *object)
{
	if (id >= table->capacity) {
		uint32_t capacity = id < 32 ? 64 : id * 2;
		table->objects =
			dm_must(realloc(table->objects, capacity * sizeof(table->objects[0])));
		memset(table->objects + table->capacity, 0,
			(capacity - table->capacity) * sizeof(table->objects[0]));
		table->capacity = capacity;
	}
	table->used += object != NULL;
	table->used -= table->objects[id] != NULL;
	table->objects[id] = object;
}

static struct dm_context *context_of(const struct vgt_dm_gpu *gpu, uint32_t id)
{
	return table_get(&gpu->contexts, id);
}

static struct dm_resource *resource_of(const struct vgt_dm_gpu *gpu, uint32_t id)
{
	return table_get(&gpu->resources, id);
}

static void detach(struct vgt_dm_gpu *gpu, struct dm_context *context, uint32_t resource)
{
	if (resource < context->attached_count && context->attached[resource]) {
		context->attached[resource] = false;
		gpu->attachments--;
	}
}

static void attach(struct vgt_dm_gpu *gpu, struct dm_context *context, uint32_t resource)
{
	if (resource >= context->attached_count) {
		uint32_t count = resource < 32 ? 64 : resource * 2;
		context->attached = dm_must(realloc(context->attached, count));
		memset(context->attached + context->attached_count, 0,
			count - context->attached_count);
		context->attached_count = count;
	}
	gpu->attachments += !context->attached[resource];
	context->attached[resource] = true;
}

static void drop_context(struct vgt_dm_gpu *gpu, struct dm_context *context)
{
	for (uint32_t i = 0; i < context->attached_count; i++) {
		detach(gpu, context, i);
	}
	table_set(&gpu->contexts, context->is.id, NULL);
	free(context->attached);
	free(context);
}

static void drop_backing(struct vgt_dm_gpu *gpu, struct dm_resource *resource)
{
	gpu->backings -= resource->is.entries != NULL;
	free(resource->is.entries);
	resource->is.entries = NULL;
	resource->is.nr_entries = 0;
	resource->is.backing_size = 0;
	resource->low = resource->high = 0;
}

static void drop_resource(struct vgt_dm_gpu *gpu, struct dm_resource *resource)
{
	uint32_t id = resource->is.created.resource_id;
	for (uint32_t i = 0; i < gpu->contexts.capacity; i++) {
		if (gpu->contexts.objects[i]) {
			detach(gpu, gpu->contexts.objects[i], id);
		}
	}
	for (uint32_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		if (gpu->scanouts[i].resource_id == id) {
			gpu->scanouts[i].resource_id = 0;
		}
	}
	drop_backing(gpu, resource);
	table_set(&gpu->resources, id, NULL);
	free(resource->is.shadow);
	free(resource);
}

static void gpu_reset(void *context)
{
	struct vgt_dm_gpu *gpu = context;
	for (uint32_t i = 0; i < gpu->contexts.capacity; i++) {
		if (gpu->contexts.objects[i]) {
			drop_context(gpu, gpu->contexts.objects[i]);
		}
	}
	for (uint32_t i = 0; i < gpu->resources.capacity; i++) {
		if (gpu->resources.objects[i]) {
			drop_resource(gpu, gpu->resources.objects[i]);
		}
	}
	memset(gpu->scanouts, 0, sizeof(gpu->scanouts));
	memset(&gpu->cursor, 0, sizeof(gpu->cursor));
}

static bool gpu_uses(void *context, uint64_t address, uint64_t size)
{
	const struct vgt_dm_gpu *gpu = context;
	for (uint32_t i = 0; i < gpu->resources.capacity; i++) {
		const struct dm_resource *resource = gpu->resources.objects[i];
		if (!resource || resource->low >= address + size || resource->high <= address) {
			continue;
		}
		for (uint32_t k = 0; k < resource->is.nr_entries; k++) {
			const struct virtio_gpu_mem_entry *entry = &resource->is.entries[k];
			if (entry->addr < address + size &&
				address < entry->addr + entry->length) {
				return true;
			}
		}
	}
	return false;
}

/* Responses */

static uint32_t answer(struct dm_command *command, const void *response, uint32_t size)
{
	uint32_t written = size < command->room ? size : command->room;
	if (written < size) {
		dm_violation(command->dm, "room for %u bytes of response, type 0x%x wants %u",
			command->room, ((const struct virtio_gpu_ctrl_hdr *)response)->type,
			size);
	}
	memcpy(command->response, response, written);
	command->written = written;
	return 0;
}

static struct dm_resource *known_resource(struct vgt_dm_gpu *gpu, uint32_t id)
{
	struct dm_resource *resource = resource_of(gpu, id);
	gpu->unknown_ids += resource == NULL;
	return resource;
}

static struct dm_context *known_context(struct vgt_dm_gpu *gpu, uint32_t id)
{
	struct dm_context *context = context_of(gpu, id);
	gpu->unknown_ids += context == NULL;
	return context;
}

/* The commands: each returns the type of its response, or 0 where it has written that. */

static uint32_t get_display_info(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	struct virtio_gpu_resp_display_info info = {
		.hdr.type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO};
	for (uint32_t i = 0; i < gpu->num_scanouts; i++) {
		info.pmodes[i].enabled = i == 0;
		info.pmodes[i].r.width = i == 0 ? SCANOUT_WIDTH : 0;
		info.pmodes[i].r.height = i == 0 ? SCANOUT_HEIGHT : 0;
	}
	return answer(command, &info, sizeof(info));
}

static uint32_t get_edid(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_get_edid *get = command->bytes;
	struct virtio_gpu_resp_edid edid = {
		.hdr.type = VIRTIO_GPU_RESP_OK_EDID, .size = EDID_SIZE};
	static const uint8_t start[] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x5a,
		0xf4, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x20, 0x01, 0x04};
	if (get->scanout >= gpu->num_scanouts) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	memcpy(edid.edid, start, sizeof(start));
	for (uint32_t i = 0; i < EDID_SIZE - 1; i++) {
		edid.edid[EDID_SIZE - 1] -= edid.edid[i];
	}
	return answer(command, &edid, sizeof(edid));
}

const void *vgt_dm_gpu_capset(const struct vgt_dm_gpu *gpu, uint32_t capset_id, uint32_t *size)
{
	if (capset_id == VIRTIO_GPU_CAPSET_VIRGL && gpu->num_capsets > 0) {
		*size = sizeof(gpu->caps_v1);
		return gpu->caps_v1;
	}
	if (capset_id == VIRTIO_GPU_CAPSET_VIRGL2 && gpu->num_capsets > 1) {
		*size = sizeof(gpu->caps_v2);
		return gpu->caps_v2;
	}
	*size = 0;
	return NULL;
}

static uint32_t get_capset_info(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_get_capset_info *get = command->bytes;
	struct virtio_gpu_resp_capset_info info = {.hdr.type = VIRTIO_GPU_RESP_OK_CAPSET_INFO};
	uint32_t id = get->capset_index < 2 ? get->capset_index + 1 : 0;
	if (vgt_dm_gpu_capset(gpu, id, &info.capset_max_size)) {
		info.capset_id = id;
		info.capset_max_version = id;
	}
	return answer(command, &info, sizeof(info));
}

static uint32_t get_capset(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_get_capset *get = command->bytes;
	struct {
		struct virtio_gpu_resp_capset response;
		uint8_t capset[sizeof(gpu->caps_v2)];
	} full = {.response.hdr.type = VIRTIO_GPU_RESP_OK_CAPSET};
	uint32_t size;
	const void *capset = vgt_dm_gpu_capset(gpu, get->capset_id, &size);
	if (!capset) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	memcpy(full.capset, capset, size);
	return answer(command, &full, sizeof(full.response) + size);
}

static uint32_t ctx_create(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_ctx_create *create = command->bytes;
	uint32_t id = create->hdr.ctx_id;
	if (id == 0 || id > ID_MAX || context_of(gpu, id)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	}
	struct dm_context *context = dm_must(calloc(1, sizeof(*context)));
	context->is = (struct vgt_dm_context){
		.id = id, .context_init = create->context_init, .nlen = create->nlen};
	memcpy(context->is.debug_name, create->debug_name, sizeof(context->is.debug_name));
	table_set(&gpu->contexts, id, context);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t ctx_destroy(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_ctx_destroy *destroy = command->bytes;
	struct dm_context *context = known_context(gpu, destroy->hdr.ctx_id);
	if (context) {
		drop_context(gpu, context);
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t ctx_attach_or_detach(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_ctx_resource *which = command->bytes;
	struct dm_context *context = known_context(gpu, which->hdr.ctx_id);
	if (context && known_resource(gpu, which->resource_id)) {
		(which->hdr.type == VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE ? attach : detach)(
			gpu, context, which->resource_id);
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static bool has_four_bytes(uint32_t format)
{
	static const uint32_t formats[] = {1, 2, 3, 4, 67, 68, 121, 134};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i] == format) {
			return true;
		}
	}
	return false;
}

/* 0: nothing is kept of such a resource. */
static uint64_t shadow_size(const struct virtio_gpu_resource_create_3d *create)
{
	uint64_t size = 0;
	if (create->target == PIPE_BUFFER) {
		size = create->width;
	} else if ((create->target == PIPE_TEXTURE_2D || create->target == PIPE_TEXTURE_RECT) &&
		   has_four_bytes(create->format) && create->nr_samples <= 1) {
		size = (uint64_t)create->width * create->height;
		size = size <= SHADOW_MAX ? size * 4 : 0;
	}
	return size <= SHADOW_MAX ? size : 0;
}

static uint32_t create_resource(
	struct vgt_dm_gpu *gpu, const struct virtio_gpu_resource_create_3d *create, bool is_2d)
{
	uint32_t id = create->resource_id;
	if (id == 0 || resource_of(gpu, id)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (id > ID_MAX) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	struct dm_resource *resource = dm_must(calloc(1, sizeof(*resource)));
	resource->is.created = *create;
	resource->is.is_2d = is_2d;
	resource->is.shadow_size = shadow_size(create);
	if (resource->is.shadow_size) {
		resource->is.shadow = dm_must(calloc(1, resource->is.shadow_size));
	}
	table_set(&gpu->resources, id, resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t resource_create_2d(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_resource_create_2d *create = command->bytes;
	struct virtio_gpu_resource_create_3d as_3d = {
		.hdr = create->hdr,
		.resource_id = create->resource_id,
		.target = PIPE_TEXTURE_2D,
		.format = create->format,
		.bind = 1u << 1, /* VIRGL_BIND_RENDER_TARGET */
		.width = create->width,
		.height = create->height,
		.depth = 1,
		.array_size = 1,
		.flags = VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP,
	};
	if (!has_four_bytes(create->format)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	return create_resource(gpu, &as_3d, true);
}

static uint32_t resource_create_3d(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	return create_resource(gpu, command->bytes, false);
}

static uint32_t resource_unref(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_resource_unref *unref = command->bytes;
	struct dm_resource *resource = known_resource(gpu, unref->resource_id);
	if (!resource) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	drop_resource(gpu, resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* The list behind the command, checked. */
static bool entries_are_memory(
	struct dm_command *command, const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!vgt_dm_memory(command->dm, entries[i].addr, entries[i].length)) {
			return false;
		}
	}
	return true;
}

static void set_backing(struct dm_resource *resource,
	const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	size_t size = count * sizeof(entries[0]);
	resource->is.entries = dm_must(malloc(size + 1));
	memcpy(resource->is.entries, entries, size);
	resource->is.nr_entries = count;
	resource->low = count ? UINT64_MAX : 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t end = entries[i].addr + entries[i].length;
		resource->is.backing_size += entries[i].length;
		resource->low =
			entries[i].addr < resource->low ? entries[i].addr : resource->low;
		resource->high = end > resource->high ? end : resource->high;
	}
}

static uint32_t attach_backing(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_resource_attach_backing *attach_to = command->bytes;
	const struct virtio_gpu_mem_entry *entries = (const void *)(attach_to + 1);
	uint64_t list = (uint64_t)attach_to->nr_entries * sizeof(entries[0]);
	struct dm_resource *resource = known_resource(gpu, attach_to->resource_id);
	if (!resource) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (resource->is.entries || attach_to->nr_entries > BACKING_MAX ||
		command->size - sizeof(*attach_to) != list ||
		!entries_are_memory(command, entries, attach_to->nr_entries)) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	set_backing(resource, entries, attach_to->nr_entries);
	gpu->backings++;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t detach_backing(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_resource_detach_backing *which = command->bytes;
	struct dm_resource *resource = known_resource(gpu, which->resource_id);
	if (!resource) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	drop_backing(gpu, resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Copies between a place of the backing and of the shadow, `size` bytes that are there. */
static void copy_backing(struct dm_command *command, struct dm_resource *resource,
	uint64_t offset, uint8_t *shadow, uint64_t size, bool to_shadow)
{
	for (uint32_t i = 0; size && i < resource->is.nr_entries; i++) {
		const struct virtio_gpu_mem_entry *entry = &resource->is.entries[i];
		if (offset >= entry->length) {
			offset -= entry->length;
			continue;
		}
		uint64_t part = entry->length - offset < size ? entry->length - offset : size;
		uint8_t *memory = vgt_dm_memory(command->dm, entry->addr + offset, part);
		if (!memory) {
			return;
		}
		memcpy(to_shadow ? shadow : memory, to_shadow ? memory : shadow, part);
		shadow += part;
		size -= part;
		offset = 0;
	}
}

/* What virglrenderer refuses it passes over, without a word in the response. */
static void transfer(struct dm_command *command, struct dm_resource *resource,
	const struct virtio_gpu_transfer_host_3d *what, bool to_shadow)
{
	const struct virtio_gpu_resource_create_3d *created = &resource->is.created;
	const struct virtio_gpu_box *box = &what->box;
	bool is_buffer = created->target == PIPE_BUFFER;
	uint32_t bytes = is_buffer ? 1 : 4, height = is_buffer ? 1 : created->height;
	uint64_t row = (uint64_t)box->w * bytes, pitch = (uint64_t)created->width * bytes;
	uint64_t stride = what->stride ? what->stride : pitch;
	if (!resource->is.shadow || what->level || box->z || box->d != 1 || !box->w ||
		!box->h || (uint64_t)box->x + box->w > created->width ||
		(uint64_t)box->y + box->h > height ||
		what->offset > resource->is.backing_size ||
		(box->h - 1) * stride + row > resource->is.backing_size - what->offset) {
		return;
	}
	for (uint32_t y = 0; y < box->h; y++) {
		copy_backing(command, resource, what->offset + y * stride,
			resource->is.shadow + (box->y + y) * pitch + (uint64_t)box->x * bytes,
			row, to_shadow);
	}
}

static uint32_t transfer_3d(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_transfer_host_3d *what = command->bytes;
	struct dm_resource *resource = known_resource(gpu, what->resource_id);
	if (what->hdr.ctx_id) {
		(void)known_context(gpu, what->hdr.ctx_id);
	}
	if (resource) {
		transfer(command, resource, what,
			what->hdr.type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t transfer_2d(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_transfer_to_host_2d *what = command->bytes;
	struct dm_resource *resource = known_resource(gpu, what->resource_id);
	struct virtio_gpu_transfer_host_3d as_3d = {
		.box = {.x = what->r.x,
			.y = what->r.y,
			.w = what->r.width,
			.h = what->r.height,
			.d = 1},
		.offset = what->offset,
	};
	if (resource) {
		transfer(command, resource, &as_3d, true);
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t submit_3d(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_cmd_submit *submit = command->bytes;
	uint64_t before = sizeof(*submit) + (uint64_t)submit->num_in_fences * sizeof(uint64_t);
	if (command->size < before || command->size - before != submit->size) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	(void)known_context(gpu, submit->hdr.ctx_id);
	gpu->submit = dm_must(realloc(gpu->submit, submit->size + 1u));
	memcpy(gpu->submit, (const uint8_t *)command->bytes + before, submit->size);
	gpu->submit_ctx = submit->hdr.ctx_id;
	gpu->submit_size = submit->size;
	gpu->submits++;
	gpu->submit_bytes += submit->size;
	if (gpu->on_submit) {
		gpu->on_submit(
			gpu->on_submit_context, submit->hdr.ctx_id, gpu->submit, submit->size);
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t set_scanout(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_set_scanout *set = command->bytes;
	if (set->scanout_id >= gpu->num_scanouts) {
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	}
	if (set->resource_id && !known_resource(gpu, set->resource_id)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	gpu->scanouts[set->scanout_id].resource_id = set->resource_id;
	gpu->scanouts[set->scanout_id].r = set->r;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t resource_flush(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	const struct virtio_gpu_resource_flush *flush = command->bytes;
	bool is_known = known_resource(gpu, flush->resource_id) != NULL;
	for (uint32_t i = 0; is_known && i < gpu->num_scanouts; i++) {
		if (gpu->scanouts[i].resource_id == flush->resource_id) {
			gpu->scanouts[i].flushes++;
			gpu->scanouts[i].flushed = flush->r;
		}
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t cursor(struct vgt_dm_gpu *gpu, struct dm_command *command)
{
	memcpy(&gpu->cursor, command->bytes, sizeof(gpu->cursor));
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* `resource_at`: where the command names a resource, 0: it does not. */
static const struct dm_command_kind {
	uint32_t type, queue, size, resource_at;
	bool has_more; /* data behind the structure */
	uint32_t (*execute)(struct vgt_dm_gpu *gpu, struct dm_command *command);
} kinds[] = {
#define SIZE(structure)     sizeof(struct virtio_gpu_##structure)
#define RESOURCE(structure) offsetof(struct virtio_gpu_##structure, resource_id)
	{VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0, SIZE(ctrl_hdr), 0, false, get_display_info},
	{VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0, SIZE(resource_create_2d),
		RESOURCE(resource_create_2d), false, resource_create_2d},
	{VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, SIZE(resource_unref), RESOURCE(resource_unref),
		false, resource_unref},
	{VIRTIO_GPU_CMD_SET_SCANOUT, 0, SIZE(set_scanout), RESOURCE(set_scanout), false,
		set_scanout},
	{VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0, SIZE(resource_flush), RESOURCE(resource_flush),
		false, resource_flush},
	{VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0, SIZE(transfer_to_host_2d),
		RESOURCE(transfer_to_host_2d), false, transfer_2d},
	{VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0, SIZE(resource_attach_backing),
		RESOURCE(resource_attach_backing), true, attach_backing},
	{VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, SIZE(resource_detach_backing),
		RESOURCE(resource_detach_backing), false, detach_backing},
	{VIRTIO_GPU_CMD_GET_CAPSET_INFO, 0, SIZE(get_capset_info), 0, false, get_capset_info},
	{VIRTIO_GPU_CMD_GET_CAPSET, 0, SIZE(get_capset), 0, false, get_capset},
	{VIRTIO_GPU_CMD_GET_EDID, 0, SIZE(get_edid), 0, false, get_edid},
	{VIRTIO_GPU_CMD_CTX_CREATE, 0, SIZE(ctx_create), 0, false, ctx_create},
	{VIRTIO_GPU_CMD_CTX_DESTROY, 0, SIZE(ctx_destroy), 0, false, ctx_destroy},
	{VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 0, SIZE(ctx_resource), RESOURCE(ctx_resource),
		false, ctx_attach_or_detach},
	{VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, 0, SIZE(ctx_resource), RESOURCE(ctx_resource),
		false, ctx_attach_or_detach},
	{VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0, SIZE(resource_create_3d),
		RESOURCE(resource_create_3d), false, resource_create_3d},
	{VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 0, SIZE(transfer_host_3d),
		RESOURCE(transfer_host_3d), false, transfer_3d},
	{VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 0, SIZE(transfer_host_3d),
		RESOURCE(transfer_host_3d), false, transfer_3d},
	{VIRTIO_GPU_CMD_SUBMIT_3D, 0, SIZE(cmd_submit), 0, true, submit_3d},
	{VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, SIZE(update_cursor), RESOURCE(update_cursor), false,
		cursor},
	{VIRTIO_GPU_CMD_MOVE_CURSOR, 1, SIZE(update_cursor), 0, false, cursor},
#undef SIZE
#undef RESOURCE
};

void dm_gpu_set_num_capsets(struct vgt_dm_gpu *gpu, uint32_t num_capsets)
{
	gpu->num_capsets = num_capsets;
}

static const struct dm_command_kind *kind_of(uint32_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == type) {
			return &kinds[i];
		}
	}
	return NULL;
}

uint32_t dm_resource_of(const void *command, uint32_t size)
{
	const struct dm_command_kind *kind =
		kind_of(((const struct virtio_gpu_ctrl_hdr *)command)->type);
	uint32_t id = 0;
	if (kind && kind->resource_at && size >= kind->size) {
		memcpy(&id, (const uint8_t *)command + kind->resource_at, sizeof(id));
	}
	return id;
}

static uint32_t gpu_execute(void *context, struct vgt_dm *dm, uint32_t queue, const void *bytes,
	uint32_t size, void *response, uint32_t room)
{
	const struct virtio_gpu_ctrl_hdr *header = bytes;
	struct dm_command command = {
		.dm = dm, .bytes = bytes, .size = size, .response = response, .room = room};
	const struct dm_command_kind *kind = kind_of(header->type);
	struct virtio_gpu_ctrl_hdr simple = {.type = VIRTIO_GPU_RESP_ERR_UNSPEC};
	if (!kind || kind->queue != queue) {
		dm_violation(dm, "command 0x%x is none of queue %u", header->type, queue);
	} else if (size < kind->size || (size > kind->size && !kind->has_more)) {
		dm_violation(dm, "command 0x%x is %u bytes long, %u expected", header->type,
			size, kind->size);
	} else {
		simple.type = kind->execute(context, &command);
	}
	if (simple.type && room) {
		answer(&command, &simple, sizeof(simple));
	}
	return command.written;
}

/* Plausible, and what Mesa would make of it: GL 3.3 and each format. */
static void fill_caps(uint32_t *caps, uint32_t dwords, uint32_t version)
{
	for (uint32_t i = 1; i <= 64; i++) {
		caps[i] = 0xffffffffu;
	}
	for (uint32_t i = 65; i < dwords; i++) {
		caps[i] = i;
	}
	caps[0] = version;
	caps[66] = 330; /* glsl_level */
}

struct vgt_dm_gpu *vgt_dm_gpu_create(const struct vgt_dm_gpu_options *options)
{
	struct vgt_dm_gpu *gpu = dm_must(calloc(1, sizeof(*gpu)));
	gpu->num_scanouts = options->num_scanouts < VIRTIO_GPU_MAX_SCANOUTS
				    ? options->num_scanouts
				    : VIRTIO_GPU_MAX_SCANOUTS;
	gpu->num_capsets = options->num_capsets;
	fill_caps(gpu->caps_v1, CAPS_V1_DWORDS, 1);
	fill_caps(gpu->caps_v2, CAPS_V2_DWORDS, 2);
	gpu->caps_v2[VIRGL_CAPS_V2_CAPABILITY_BITS_V2 / 4] =
		options->no_string_marker ? 0 : VIRGL_CAP_V2_STRING_MARKER;
	return gpu;
}

void vgt_dm_gpu_destroy(struct vgt_dm_gpu *gpu)
{
	if (gpu) {
		gpu_reset(gpu);
		free(gpu->contexts.objects);
		free(gpu->resources.objects);
		free(gpu->submit);
		free(gpu);
	}
}

struct vgt_dm_executor vgt_dm_gpu_executor(struct vgt_dm_gpu *gpu)
{
	return (struct vgt_dm_executor){
		.context = gpu, .execute = gpu_execute, .reset = gpu_reset, .uses = gpu_uses};
}

uint32_t vgt_dm_gpu_contexts(const struct vgt_dm_gpu *gpu)
{
	return gpu->contexts.used;
}

uint32_t vgt_dm_gpu_resources(const struct vgt_dm_gpu *gpu)
{
	return gpu->resources.used;
}

uint32_t vgt_dm_gpu_backings(const struct vgt_dm_gpu *gpu)
{
	return gpu->backings;
}

uint32_t vgt_dm_gpu_attachments(const struct vgt_dm_gpu *gpu)
{
	return gpu->attachments;
}

const struct vgt_dm_context *vgt_dm_gpu_context(const struct vgt_dm_gpu *gpu, uint32_t id)
{
	const struct dm_context *context = context_of(gpu, id);
	return context ? &context->is : NULL;
}

const struct vgt_dm_resource *vgt_dm_gpu_resource(const struct vgt_dm_gpu *gpu, uint32_t id)
{
	const struct dm_resource *resource = resource_of(gpu, id);
	return resource ? &resource->is : NULL;
}

bool vgt_dm_gpu_is_attached(const struct vgt_dm_gpu *gpu, uint32_t ctx_id, uint32_t resource_id)
{
	const struct dm_context *context = context_of(gpu, ctx_id);
	return context && resource_id < context->attached_count &&
	       context->attached[resource_id];
}

uint32_t vgt_dm_gpu_unknown_ids(const struct vgt_dm_gpu *gpu)
{
	return gpu->unknown_ids;
}

const void *vgt_dm_gpu_last_submit(
	const struct vgt_dm_gpu *gpu, uint32_t *ctx_id, uint32_t *size)
{
	*ctx_id = gpu->submit_ctx;
	*size = gpu->submit_size;
	return gpu->submit;
}

uint64_t vgt_dm_gpu_submits(const struct vgt_dm_gpu *gpu)
{
	return gpu->submits;
}

uint64_t vgt_dm_gpu_submit_bytes(const struct vgt_dm_gpu *gpu)
{
	return gpu->submit_bytes;
}

void vgt_dm_gpu_on_submit(struct vgt_dm_gpu *gpu,
	void (*function)(void *context, uint32_t ctx_id, const void *commands, uint32_t size),
	void *context)
{
	gpu->on_submit = function;
	gpu->on_submit_context = context;
}

struct vgt_dm_scanout vgt_dm_gpu_scanout(const struct vgt_dm_gpu *gpu, uint32_t scanout)
{
	return scanout < VIRTIO_GPU_MAX_SCANOUTS ? gpu->scanouts[scanout]
						 : (struct vgt_dm_scanout){0};
}

struct virtio_gpu_update_cursor vgt_dm_gpu_cursor(const struct vgt_dm_gpu *gpu)
{
	return gpu->cursor;
}
