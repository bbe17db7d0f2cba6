/* SPDX-License-Identifier: MIT */
#include "dispatch.h"

#include "client_private.h"
#include "dispatch_2017.h"

/* A request as it was read: what follows works on this copy only. */
union request {
	struct vgt_escape_header header;
	struct vgt_escape_get_version get_version;
	struct vgt_escape_get_capset_info get_capset_info;
	struct vgt_escape_get_capset get_capset;
	struct vgt_escape_ctx_create ctx_create;
	struct vgt_escape_ctx_destroy ctx_destroy;
	struct vgt_escape_ctx_resource ctx_resource;
	struct vgt_escape_resource_create_3d resource_create_3d;
	struct vgt_escape_resource resource;
	struct vgt_escape_attach_backing attach_backing;
	struct vgt_escape_resource_map resource_map;
	struct vgt_escape_resource_busy resource_busy;
	struct vgt_escape_transfer_3d transfer_3d;
	struct vgt_escape_submit_3d submit_3d;
	struct vgt_escape_fence fence;
	struct vgt_escape_get_statistics get_statistics;
	struct vgt_escape_mark mark;
};

struct dispatch {
	struct vgt_client *client;
	const struct vgt_platform *platform;
	uint64_t data; /* where what lies behind the structure begins, in the caller */
	uint32_t data_size;
	bool fenced;
	struct vgt_answer answer;
	union request request;
	void *out; /* structure and data of the answer, NULL: the structure is all */
	uint32_t out_size;
};

static bool copy_in(const struct dispatch *dispatch, void *to, uint64_t from, size_t size)
{
	return dispatch->platform->copy_in(
		dispatch->platform->self, vgt_client_caller(dispatch->client), to, from, size);
}

static void *alloc(const struct dispatch *dispatch, size_t size)
{
	return dispatch->platform->alloc(dispatch->platform->self, size);
}

static void release(const struct dispatch *dispatch, void *memory)
{
	dispatch->platform->free(dispatch->platform->self, memory);
}

/* The requests, in the order of their numbers */

static enum vgt_escape_status get_version(struct dispatch *dispatch)
{
	return vgt_client_get_version(dispatch->client, &dispatch->request.get_version);
}

static enum vgt_escape_status get_capset_info(struct dispatch *dispatch)
{
	return vgt_client_get_capset_info(
		dispatch->client, &dispatch->request.get_capset_info, &dispatch->answer);
}

static enum vgt_escape_status get_capset(struct dispatch *dispatch)
{
	struct vgt_escape_get_capset *const request = &dispatch->request.get_capset;
	const uint32_t room =
		dispatch->data_size < VGT_CAPSET_MAX ? dispatch->data_size : VGT_CAPSET_MAX;
	if (request->reserved) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	dispatch->out = alloc(dispatch, sizeof(*request) + room);
	if (!dispatch->out) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	const enum vgt_escape_status status = vgt_client_get_capset(dispatch->client, request,
		(char *)dispatch->out + sizeof(*request), room, &dispatch->answer);
	dispatch->out_size = (uint32_t)sizeof(*request);
	dispatch->out_size += status == VGT_ESCAPE_OK ? request->capset_size : 0;
	return status;
}

static bool has_nul(const char *text, uint32_t size)
{
	bool found = false;
	for (uint32_t i = 0; i < size; i++) {
		found |= text[i] == '\0';
	}
	return found;
}

static enum vgt_escape_status ctx_create(struct dispatch *dispatch)
{
	struct vgt_escape_ctx_create *const request = &dispatch->request.ctx_create;
	if (request->reserved) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (request->name_size > VGT_ESCAPE_NAME_MAX ||
		has_nul(request->name, request->name_size)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	return vgt_client_ctx_create(dispatch->client, request, &dispatch->answer);
}

static enum vgt_escape_status ctx_destroy(struct dispatch *dispatch)
{
	const struct vgt_escape_ctx_destroy *const request = &dispatch->request.ctx_destroy;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_ctx_destroy(
					   dispatch->client, request->ctx, &dispatch->answer);
}

static enum vgt_escape_status ctx_attach(struct dispatch *dispatch)
{
	const struct vgt_escape_ctx_resource *const request = &dispatch->request.ctx_resource;
	return vgt_client_ctx_attach(
		dispatch->client, request->ctx, request->resource, &dispatch->answer);
}

static enum vgt_escape_status ctx_detach(struct dispatch *dispatch)
{
	const struct vgt_escape_ctx_resource *const request = &dispatch->request.ctx_resource;
	return vgt_client_ctx_detach(
		dispatch->client, request->ctx, request->resource, &dispatch->answer);
}

static enum vgt_escape_status resource_create_3d(struct dispatch *dispatch)
{
	return vgt_client_resource_create_3d(dispatch->client,
		&dispatch->request.resource_create_3d, dispatch->fenced, &dispatch->answer);
}

static enum vgt_escape_status resource_destroy(struct dispatch *dispatch)
{
	const struct vgt_escape_resource *const request = &dispatch->request.resource;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_resource_destroy(dispatch->client,
					   request->resource, &dispatch->answer);
}

static enum vgt_escape_status attach_backing(struct dispatch *dispatch)
{
	const struct vgt_escape_attach_backing *const request =
		&dispatch->request.attach_backing;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_attach_backing(dispatch->client,
					   request->resource, request->size, &dispatch->answer);
}

static enum vgt_escape_status detach_backing(struct dispatch *dispatch)
{
	const struct vgt_escape_resource *const request = &dispatch->request.resource;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_detach_backing(dispatch->client,
					   request->resource, &dispatch->answer);
}

static enum vgt_escape_status resource_map(struct dispatch *dispatch)
{
	struct vgt_escape_resource_map *const request = &dispatch->request.resource_map;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_map(dispatch->client, request->resource,
					   &request->address, &request->size);
}

static enum vgt_escape_status resource_unmap(struct dispatch *dispatch)
{
	const struct vgt_escape_resource *const request = &dispatch->request.resource;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_unmap(dispatch->client, request->resource);
}

static enum vgt_escape_status resource_busy(struct dispatch *dispatch)
{
	struct vgt_escape_resource_busy *const request = &dispatch->request.resource_busy;
	return vgt_client_busy(
		dispatch->client, request->resource, &request->busy, &request->fence);
}

static enum vgt_escape_status transfer(struct dispatch *dispatch, bool to_host)
{
	const struct vgt_escape_transfer_3d *const request = &dispatch->request.transfer_3d;
	return request->reserved ? VGT_ESCAPE_BAD_REQUEST
				 : vgt_client_transfer_3d(dispatch->client, request, to_host,
					   dispatch->fenced, &dispatch->answer);
}

static enum vgt_escape_status transfer_to_host_3d(struct dispatch *dispatch)
{
	return transfer(dispatch, true);
}

static enum vgt_escape_status transfer_from_host_3d(struct dispatch *dispatch)
{
	return transfer(dispatch, false);
}

/* The list with its padding. */
static uint64_t list_size(const struct vgt_escape_submit_3d *request)
{
	return ((uint64_t)request->num_resources + 1) / 2 * 8;
}

static enum vgt_escape_status check_submit(const struct dispatch *dispatch)
{
	const struct vgt_escape_submit_3d *const request = &dispatch->request.submit_3d;
	const struct vgt_gpu_limits *const limits =
		vgt_gpu_limits(vgt_client_gpu(dispatch->client));
	if (request->reserved ||
		list_size(request) + request->commands_size != dispatch->data_size) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (!request->commands_size || request->commands_size % 4) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	if (request->num_resources > limits->submit_resources_max ||
		request->commands_size > limits->submit_max) {
		return VGT_ESCAPE_OVER_LIMIT;
	}
	return VGT_ESCAPE_OK;
}

/* *list is NULL where it is empty. */
static enum vgt_escape_status read_list(const struct dispatch *dispatch, uint32_t **list)
{
	const struct vgt_escape_submit_3d *const request = &dispatch->request.submit_3d;
	const size_t size = (size_t)list_size(request);
	*list = NULL;
	if (!size) {
		return VGT_ESCAPE_OK;
	}
	*list = alloc(dispatch, size);
	if (!*list) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	if (!copy_in(dispatch, *list, dispatch->data, size)) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	const bool padded = request->num_resources % 2;
	return padded && (*list)[request->num_resources] ? VGT_ESCAPE_BAD_REQUEST
							 : VGT_ESCAPE_OK;
}

/* So much of a client's commands lies in memory that nobody may swap out, besides what the
 * queue holds, however many threads it has. */
static enum vgt_escape_status charge_commands(const struct dispatch *dispatch, uint32_t size)
{
	struct vgt_client *const client = dispatch->client;
	const struct vgt_gpu_limits *const limits = vgt_gpu_limits(client->gpu);
	const uint64_t max = limits->fences_max * vgt_memory_charge(limits->submit_max);
	dispatch->platform->lock(dispatch->platform->self);
	const bool good = vgt_memory_charge(size) <= max - client->commands;
	client->commands += good ? vgt_memory_charge(size) : 0;
	dispatch->platform->unlock(dispatch->platform->self);
	return good ? VGT_ESCAPE_OK : VGT_ESCAPE_OVER_LIMIT;
}

static void discharge_commands(const struct dispatch *dispatch, uint32_t size)
{
	dispatch->platform->lock(dispatch->platform->self);
	dispatch->client->commands -= vgt_memory_charge(size);
	dispatch->platform->unlock(dispatch->platform->self);
}

/* Straight into the memory that the device will read: nobody looks at them on the way. */
static enum vgt_escape_status read_commands(
	const struct dispatch *dispatch, struct vgt_dma *commands)
{
	const struct vgt_escape_submit_3d *const request = &dispatch->request.submit_3d;
	if (!vgt_gpu_payload_alloc(
		    vgt_client_gpu(dispatch->client), request->commands_size, commands)) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	if (!copy_in(dispatch, commands->address, dispatch->data + list_size(request),
		    request->commands_size)) {
		dispatch->platform->dma_free(dispatch->platform->self, commands);
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	return VGT_ESCAPE_OK;
}

/* After its commands have been charged. */
static enum vgt_escape_status read_and_submit(struct dispatch *dispatch)
{
	const struct vgt_escape_submit_3d *const request = &dispatch->request.submit_3d;
	struct vgt_dma commands = {.address = NULL};
	uint32_t *list = NULL;
	enum vgt_escape_status status = read_list(dispatch, &list);
	if (status == VGT_ESCAPE_OK) {
		status = read_commands(dispatch, &commands);
	}
	if (status == VGT_ESCAPE_OK) {
		status = vgt_client_submit_3d(dispatch->client, request->ctx, list,
			request->num_resources, &commands, request->commands_size,
			dispatch->fenced, &dispatch->answer);
	}
	release(dispatch, list);
	return status;
}

static enum vgt_escape_status submit_3d(struct dispatch *dispatch)
{
	const uint32_t size = dispatch->request.submit_3d.commands_size;
	enum vgt_escape_status status = check_submit(dispatch);
	if (status == VGT_ESCAPE_OK) {
		status = charge_commands(dispatch, size);
	}
	if (status == VGT_ESCAPE_OK) {
		status = read_and_submit(dispatch);
		discharge_commands(dispatch, size);
	}
	return status;
}

static enum vgt_escape_status fence_query(struct dispatch *dispatch)
{
	struct vgt_escape_fence *const request = &dispatch->request.fence;
	return request->timeout_ns
		       ? VGT_ESCAPE_BAD_REQUEST
		       : vgt_client_fence(dispatch->client, request, 0, &dispatch->answer);
}

static enum vgt_escape_status fence_wait(struct dispatch *dispatch)
{
	struct vgt_escape_fence *const request = &dispatch->request.fence;
	return vgt_client_fence(
		dispatch->client, request, request->timeout_ns, &dispatch->answer);
}

static enum vgt_escape_status get_statistics(struct dispatch *dispatch)
{
	return vgt_client_get_statistics(dispatch->client, &dispatch->request.get_statistics);
}

static enum vgt_escape_status mark(struct dispatch *dispatch)
{
	const struct vgt_escape_mark *const request = &dispatch->request.mark;
	char text[VGT_ESCAPE_MARK_MAX];
	if (request->text_size != dispatch->data_size) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (!request->text_size || request->text_size > sizeof(text)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	if (!copy_in(dispatch, text, dispatch->data, request->text_size)) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	if (has_nul(text, request->text_size)) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	return vgt_client_mark(
		dispatch->client, request->ctx, text, request->text_size, &dispatch->answer);
}

static const struct entry {
	enum vgt_escape_status (*function)(struct dispatch *dispatch);
	uint32_t size;  /* of the structure */
	uint32_t flags; /* that may be set */
	bool data;      /* header.size may be more than that */
} entries[] = {
	[VGT_ESCAPE_GET_VERSION] = {get_version, sizeof(struct vgt_escape_get_version), 0,
		true},
	[VGT_ESCAPE_GET_CAPSET_INFO] = {get_capset_info,
		sizeof(struct vgt_escape_get_capset_info), 0, false},
	[VGT_ESCAPE_GET_CAPSET] = {get_capset, sizeof(struct vgt_escape_get_capset), 0, true},
	[VGT_ESCAPE_CTX_CREATE] = {ctx_create, sizeof(struct vgt_escape_ctx_create), 0, false},
	[VGT_ESCAPE_CTX_DESTROY] = {ctx_destroy, sizeof(struct vgt_escape_ctx_destroy), 0,
		false},
	[VGT_ESCAPE_CTX_ATTACH_RESOURCE] = {ctx_attach, sizeof(struct vgt_escape_ctx_resource),
		0, false},
	[VGT_ESCAPE_CTX_DETACH_RESOURCE] = {ctx_detach, sizeof(struct vgt_escape_ctx_resource),
		0, false},
	[VGT_ESCAPE_RESOURCE_CREATE_3D] = {resource_create_3d,
		sizeof(struct vgt_escape_resource_create_3d), VGT_ESCAPE_FLAG_FENCE, false},
	[VGT_ESCAPE_RESOURCE_DESTROY] = {resource_destroy, sizeof(struct vgt_escape_resource),
		0, false},
	[VGT_ESCAPE_RESOURCE_ATTACH_BACKING] = {attach_backing,
		sizeof(struct vgt_escape_attach_backing), 0, false},
	[VGT_ESCAPE_RESOURCE_DETACH_BACKING] = {detach_backing,
		sizeof(struct vgt_escape_resource), 0, false},
	[VGT_ESCAPE_RESOURCE_MAP] = {resource_map, sizeof(struct vgt_escape_resource_map), 0,
		false},
	[VGT_ESCAPE_RESOURCE_UNMAP] = {resource_unmap, sizeof(struct vgt_escape_resource), 0,
		false},
	[VGT_ESCAPE_RESOURCE_BUSY] = {resource_busy, sizeof(struct vgt_escape_resource_busy), 0,
		false},
	[VGT_ESCAPE_TRANSFER_TO_HOST_3D] = {transfer_to_host_3d,
		sizeof(struct vgt_escape_transfer_3d), VGT_ESCAPE_FLAG_FENCE, false},
	[VGT_ESCAPE_TRANSFER_FROM_HOST_3D] = {transfer_from_host_3d,
		sizeof(struct vgt_escape_transfer_3d), VGT_ESCAPE_FLAG_FENCE, false},
	[VGT_ESCAPE_SUBMIT_3D] = {submit_3d, sizeof(struct vgt_escape_submit_3d),
		VGT_ESCAPE_FLAG_FENCE, true},
	[VGT_ESCAPE_FENCE_QUERY] = {fence_query, sizeof(struct vgt_escape_fence), 0, false},
	[VGT_ESCAPE_FENCE_WAIT] = {fence_wait, sizeof(struct vgt_escape_fence), 0, false},
	[VGT_ESCAPE_GET_STATISTICS] = {get_statistics, sizeof(struct vgt_escape_get_statistics),
		0, false},
	[VGT_ESCAPE_MARK] = {mark, sizeof(struct vgt_escape_mark), 0, true},
};

static const struct entry *find_entry(uint32_t request)
{
	const uint32_t count = sizeof(entries) / sizeof(entries[0]);
	return request < count && entries[request].function ? &entries[request] : NULL;
}

/* In the order that ESCAPE.md promises. `entry` is NULL where there is no such request. */
static enum vgt_escape_status check_header(
	const struct vgt_escape_header *header, const struct entry *entry, uint32_t buffer_size)
{
	if (header->magic != VGT_ESCAPE_MAGIC) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (header->version != VGT_ESCAPE_VERSION &&
		header->request != VGT_ESCAPE_GET_VERSION) {
		return VGT_ESCAPE_BAD_VERSION;
	}
	if (!entry) {
		return VGT_ESCAPE_UNKNOWN_REQUEST;
	}
	const bool fits = header->size <= buffer_size && header->size >= entry->size &&
			  (header->size == entry->size || entry->data);
	return fits && !(header->flags & ~entry->flags) ? VGT_ESCAPE_OK
							: VGT_ESCAPE_BAD_REQUEST;
}

/* Reads the rest of the structure and carries the request out; *size becomes that of the
 * answer. */
static enum vgt_escape_status carry_out(
	struct dispatch *dispatch, uint64_t address, uint32_t buffer_size, uint32_t *size)
{
	union request *const request = &dispatch->request;
	const uint32_t read = sizeof(request->header);
	const struct entry *const entry = find_entry(request->header.request);
	const enum vgt_escape_status status =
		check_header(&request->header, entry, buffer_size);
	if (status != VGT_ESCAPE_OK) {
		return status;
	}
	if (!copy_in(dispatch, (char *)request + read, address + read, entry->size - read)) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	*size = entry->size;
	dispatch->data = address + entry->size;
	dispatch->data_size = request->header.size - entry->size;
	dispatch->fenced = request->header.flags & VGT_ESCAPE_FLAG_FENCE;
	return entry->function(dispatch);
}

/* False where it cannot be written. */
static bool write_answer(struct dispatch *dispatch, uint64_t address, uint32_t size,
	enum vgt_escape_status status)
{
	struct vgt_escape_header *const header = &dispatch->request.header;
	const void *from = &dispatch->request;
	header->version = VGT_ESCAPE_VERSION;
	header->status = status;
	header->response = dispatch->answer.response;
	header->fence = dispatch->answer.fence;
	if (dispatch->out) {
		__builtin_memcpy(dispatch->out, &dispatch->request, size);
		from = dispatch->out;
		size = dispatch->out_size;
	}
	return dispatch->platform->copy_out(dispatch->platform->self,
		vgt_client_caller(dispatch->client), address, from, size);
}

enum vgt_escape_status vgt_dispatch(struct vgt_client *client, uint64_t address, uint32_t size)
{
	struct dispatch dispatch = {
		.client = client,
		.platform = vgt_gpu_platform(vgt_client_gpu(client)),
	};
	struct vgt_escape_header *const header = &dispatch.request.header;
	const uint32_t first = sizeof(header->magic);
	if (size < first) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (address > UINT64_MAX - size ||
		!copy_in(&dispatch, &header->magic, address, first)) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	if (vgt_is_request_2017(header->magic)) {
		return vgt_dispatch_2017(client, address, size, header->magic);
	}
	if (size < sizeof(*header)) {
		return VGT_ESCAPE_BAD_REQUEST;
	}
	if (!copy_in(&dispatch, (char *)header + first, address + first,
		    sizeof(*header) - first)) {
		return VGT_ESCAPE_BAD_ADDRESS;
	}
	uint32_t answer_size = sizeof(*header);
	enum vgt_escape_status status = carry_out(&dispatch, address, size, &answer_size);
	if (!write_answer(&dispatch, address, answer_size, status)) {
		status = VGT_ESCAPE_BAD_ADDRESS;
	}
	release(&dispatch, dispatch.out);
	return status;
}
