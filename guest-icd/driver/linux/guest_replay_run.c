/* SPDX-License-Identifier: MIT */
#include "guest_replay_run.h"

#include "dispatch.h"
#include "display.h"
#include "guest_replay_objects.h"
#include "vgt_reader.h"
#include "vgt_record_desc.h"
#include "virgl_cmd.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Lines about commands that go otherwise; more are counted only. */
#define COMPLAINTS_MAX 20
/* How much room there is for a capset: those of virglrenderer 1.1 have less than 2 KiB. */
#define CAPSET_MAX 65536u

/* A command as the trace has it, and what the trace says of its outcome. */
struct command {
	uint64_t number;
	uint16_t type;
	uint16_t flags; /* of the record */
	bool fenced;
	bool refused;     /* by the recording's device */
	bool failed;      /* in the recording's renderer, which some devices do not tell */
	bool has_retired; /* before the next command */
	uint64_t digest;  /* of what the renderer wrote; 0: not known */
	struct vgt_fence fence; /* of a fenced one, as the trace names it */
	uint64_t number_here;   /* of its fence */
};

struct run {
	const char *path;
	struct vgt_gpu *gpu;
	struct vgt_client *client; /* NULL: none since the last reset */
	struct guest_replay_objects resources, contexts;
	/* A command waits until the records behind it have said how it went. */
	bool holds;
	struct command held;
	uint64_t payload_room;
	uint8_t *payload;
	uint8_t *request; /* a buffer for requests that are longer than a structure */
	uint64_t request_room;
	uint32_t *list; /* of the submit's resources */
	uint32_t list_count, list_room;
	uint64_t own_iov;                              /* bytes of the last IOV record */
	struct command fences[VGT_ESCAPE_FENCES_KEPT]; /* not known to have retired, a ring */
	uint32_t first_fence, fence_count, fences_max;
	struct vgt_answer answer; /* to the last request */
	uint64_t commands, submits, submit_bytes, failures;
	enum guest_replay_spoil spoil; /* what is still to be done wrong */
	const char *mark;
	enum guest_replay_status status;
	bool ends;
};

/* Messages */

static void say(const struct run *run, const struct command *command, const char *text)
{
	fprintf(stderr, "guest-replay: %s: ", run->path);
	if (command) {
		fprintf(stderr, "@%" PRIu64 " %s: ", command->number,
			vgt_record_name(command->type));
	}
	fprintf(stderr, "%s\n", text);
}

/* Something went otherwise; the replay goes on. */
__attribute__((format(printf, 3, 4))) static void complain(
	struct run *run, const struct command *command, const char *format, ...)
{
	char text[300];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	run->status = GUEST_REPLAY_DIFFERENT;
	if (run->failures++ < COMPLAINTS_MAX) {
		say(run, command, text);
	}
}

__attribute__((format(printf, 4, 5))) static void end(struct run *run,
	enum guest_replay_status status, const struct command *command, const char *format, ...)
{
	char text[300];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	run->status = status;
	run->ends = true;
	say(run, command, text);
}

/* The held command is one that the driver's interface has no words for. */
static void end_inexpressible(struct run *run, const char *what)
{
	end(run, GUEST_REPLAY_INEXPRESSIBLE, &run->held, "%s cannot be expressed", what);
}

static const char *status_name(enum vgt_escape_status status)
{
	static const char *const names[] = {
		[VGT_ESCAPE_OK] = "done",
		[VGT_ESCAPE_PENDING] = "pending",
		[VGT_ESCAPE_TIMED_OUT] = "timed out",
		[VGT_ESCAPE_BAD_REQUEST] = "bad request",
		[VGT_ESCAPE_BAD_VERSION] = "bad version",
		[VGT_ESCAPE_UNKNOWN_REQUEST] = "unknown request",
		[VGT_ESCAPE_BUFFER_TOO_SMALL] = "buffer too small",
		[VGT_ESCAPE_BAD_ADDRESS] = "bad address",
		[VGT_ESCAPE_BAD_HANDLE] = "bad handle",
		[VGT_ESCAPE_BAD_PARAMETER] = "bad parameter",
		[VGT_ESCAPE_BAD_STATE] = "bad state",
		[VGT_ESCAPE_OVER_LIMIT] = "over a limit",
		[VGT_ESCAPE_NO_MEMORY] = "no memory",
		[VGT_ESCAPE_BUSY] = "the device's queue stays full",
		[VGT_ESCAPE_HOST_ERROR] = "the device refuses it",
		[VGT_ESCAPE_HOST_INVALID] = "the device's answer is invalid",
		[VGT_ESCAPE_DEVICE_LOST] = "the device is lost",
		[VGT_ESCAPE_UNSUPPORTED] = "unsupported",
	};
	return status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown status";
}

/* Requests */

static bool client_is_open(struct run *run)
{
	enum vgt_escape_status status = VGT_ESCAPE_OK;
	if (!run->client && !run->ends) {
		run->client = vgt_client_open(run->gpu, NULL, &status);
		if (!run->client) {
			end(run, GUEST_REPLAY_TROUBLE, NULL, "no client: %s",
				status_name(status));
		}
	}
	return run->client != NULL;
}

/* `header` begins a request of `size` bytes. */
static enum vgt_escape_status escape(struct run *run, struct vgt_escape_header *header,
	enum vgt_escape_request request, uint64_t size, bool fenced)
{
	*header = (struct vgt_escape_header){
		.magic = VGT_ESCAPE_MAGIC,
		.version = VGT_ESCAPE_VERSION,
		.request = (uint16_t)request,
		.size = (uint32_t)size,
		.flags = fenced ? VGT_ESCAPE_FLAG_FENCE : 0,
	};
	const enum vgt_escape_status status =
		vgt_dispatch(run->client, (uintptr_t)header, (uint32_t)size);
	run->answer = (struct vgt_answer){header->response, header->fence};
	return status;
}

/* A buffer of so many bytes, zeroed; NULL, and the replay ends. */
static void *request_buffer(struct run *run, uint64_t size)
{
	if (size > run->request_room) {
		free(run->request);
		run->request = malloc(size);
		run->request_room = run->request ? size : 0;
	}
	if (!run->request) {
		end(run, GUEST_REPLAY_TROUBLE, NULL, "no memory");
		return NULL;
	}
	return memset(run->request, 0, size);
}

/* How a command went, as the trace has it or not. */
static void check_answer(struct run *run, const struct command *command,
	enum vgt_escape_status status, uint32_t response)
{
	if (status == VGT_ESCAPE_DEVICE_LOST) {
		end(run, GUEST_REPLAY_TROUBLE, command, "%s", status_name(status));
	} else if (status == VGT_ESCAPE_OK && command->refused) {
		complain(run, command, "the device takes what the recording's refused");
	} else if (status != VGT_ESCAPE_OK && !command->refused && !command->failed) {
		complain(run, command, "%s (response 0x%" PRIx32 ")", status_name(status),
			response);
	}
}

/* Fences */

static const struct command *oldest_fence(const struct run *run)
{
	return &run->fences[run->first_fence];
}

/* Waits for the oldest of those that are not known to have retired. */
static void settle_oldest(struct run *run)
{
	const struct command *oldest = oldest_fence(run);
	struct vgt_escape_fence request = {
		.wanted = oldest->number_here, .timeout_ns = VGT_ESCAPE_TIMEOUT_MAX};
	const enum vgt_escape_status status =
		escape(run, &request.header, VGT_ESCAPE_FENCE_WAIT, sizeof(request), false);
	if (status == VGT_ESCAPE_TIMED_OUT) {
		end(run, GUEST_REPLAY_TROUBLE, oldest, "its fence does not retire");
	} else {
		check_answer(run, oldest, status, run->answer.response);
	}
	run->first_fence = (run->first_fence + 1) % VGT_ESCAPE_FENCES_KEPT;
	run->fence_count--;
}

/* Waits for this one of the driver's fences and all before it. */
static void settle(struct run *run, uint64_t fence)
{
	while (run->fence_count && oldest_fence(run)->number_here <= fence && !run->ends) {
		settle_oldest(run);
	}
}

static void remember_fence(struct run *run, const struct command *command)
{
	run->fences[(run->first_fence + run->fence_count) % VGT_ESCAPE_FENCES_KEPT] = *command;
	run->fence_count++;
}

static bool is_same_fence(const struct vgt_fence *a, const struct vgt_fence *b)
{
	if (a->scope == VGT_FENCE_GLOBAL && b->scope == VGT_FENCE_GLOBAL) {
		/* what reports that one has retired knows 32 bits of it */
		return (uint32_t)a->fence_id == (uint32_t)b->fence_id;
	}
	return a->scope == b->scope && a->ctx_id == b->ctx_id && a->ring_idx == b->ring_idx &&
	       a->fence_id == b->fence_id;
}

/* In the trace this fence, and so all before it, has retired. */
static void fence_has_retired(struct run *run, const struct vgt_fence *fence)
{
	if (run->holds && run->held.fenced && is_same_fence(&run->held.fence, fence)) {
		run->held.has_retired = true;
		return;
	}
	for (uint32_t i = run->fence_count; i > 0; i--) {
		const struct command *command =
			&run->fences[(run->first_fence + i - 1) % VGT_ESCAPE_FENCES_KEPT];
		if (is_same_fence(&command->fence, fence)) {
			settle(run, command->number_here);
			return;
		}
	}
}

/* Requests that may be fenced, and whether this one is; there is room for its fence then. */
static bool begin_fenced(struct run *run)
{
	if (run->held.fenced && run->fence_count == run->fences_max) {
		settle_oldest(run);
	}
	return run->held.fenced;
}

/* The held command was sent, or not. True where it was, so that what it does counts. */
static bool finish(struct run *run, enum vgt_escape_status status)
{
	if (status == VGT_ESCAPE_OK && run->held.fenced) {
		/* how it went is known when its fence retires */
		run->held.number_here = run->answer.fence;
		remember_fence(run, &run->held);
		return true;
	}
	check_answer(run, &run->held, status, run->answer.response);
	return status == VGT_ESCAPE_OK;
}

/* Contexts and resources */

static void mark(struct run *run, uint32_t ctx)
{
	const size_t size = strlen(run->mark);
	struct vgt_escape_mark *request = request_buffer(run, sizeof(*request) + size);
	if (!request) {
		return;
	}
	request->ctx = ctx;
	request->text_size = (uint32_t)size;
	memcpy(request + 1, run->mark, size);
	const enum vgt_escape_status status =
		escape(run, &request->header, VGT_ESCAPE_MARK, sizeof(*request) + size, false);
	if (status != VGT_ESCAPE_OK) {
		complain(run, &run->held, "its mark: %s", status_name(status));
	}
}

static void create_context(struct run *run, const struct virtio_gpu_ctx_create *command)
{
	struct vgt_escape_ctx_create request = {
		.capset_id = command->context_init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK,
		.name_size = command->nlen < sizeof(request.name) ? command->nlen
								  : sizeof(request.name)};
	if (request.capset_id > VIRTIO_GPU_CAPSET_VIRGL2 ||
		command->context_init & ~VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK) {
		end_inexpressible(run, "a context that does not speak virgl");
		return;
	}
	if (guest_replay_find(&run->contexts, command->hdr.ctx_id)) {
		end_inexpressible(run, "a second context of the same number");
		return;
	}
	memcpy(request.name, command->debug_name, request.name_size);
	if (!finish(run, escape(run, &request.header, VGT_ESCAPE_CTX_CREATE, sizeof(request),
				 false))) {
		return;
	}
	struct guest_replay_object *context =
		guest_replay_add(&run->contexts, command->hdr.ctx_id);
	if (!context) {
		end(run, GUEST_REPLAY_TROUBLE, NULL, "no memory");
		return;
	}
	context->handle = request.ctx;
	if (run->mark) {
		mark(run, request.ctx);
	}
}

static void destroy_context(struct run *run, uint32_t id)
{
	struct vgt_escape_ctx_destroy request = {
		.ctx = guest_replay_handle(&run->contexts, id)};
	if (finish(run, escape(run, &request.header, VGT_ESCAPE_CTX_DESTROY, sizeof(request),
				false))) {
		guest_replay_remove(&run->contexts, id);
	}
}

static void context_resource(struct run *run, const struct virtio_gpu_ctx_resource *command)
{
	struct vgt_escape_ctx_resource request = {
		.ctx = guest_replay_handle(&run->contexts, command->hdr.ctx_id),
		.resource = guest_replay_handle(&run->resources, command->resource_id)};
	finish(run, escape(run, &request.header,
			    command->hdr.type == VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE
				    ? VGT_ESCAPE_CTX_ATTACH_RESOURCE
				    : VGT_ESCAPE_CTX_DETACH_RESOURCE,
			    sizeof(request), false));
}

static bool may_create_resource(struct run *run, uint32_t id)
{
	if (run->held.flags & VGT_RECORD_IMPORTED) {
		end_inexpressible(run, "a resource that was imported");
	} else if (id == 0) {
		end_inexpressible(run, "resource 0");
	} else if (guest_replay_find(&run->resources, id)) {
		end_inexpressible(run, "a second resource of the same number");
	}
	return !run->ends;
}

static void add_resource(struct run *run, uint32_t id, uint32_t handle, uint32_t device_id)
{
	struct guest_replay_object *resource = guest_replay_add(&run->resources, id);
	if (!resource) {
		end(run, GUEST_REPLAY_TROUBLE, NULL, "no memory");
		return;
	}
	resource->handle = handle;
	resource->device_id = device_id;
}

static void create_2d(struct run *run, const struct virtio_gpu_resource_create_2d *command)
{
	uint32_t resource = 0, device_id = 0;
	if (may_create_resource(run, command->resource_id) &&
		finish(run, vgt_display_create_2d(run->client, command->format, command->width,
				    command->height, begin_fenced(run), &resource, &device_id,
				    &run->answer))) {
		add_resource(run, command->resource_id, resource, device_id);
	}
}

static void create_3d(struct run *run, const struct virtio_gpu_resource_create_3d *command)
{
	struct vgt_escape_resource_create_3d request = {.target = command->target,
		.format = command->format,
		.bind = command->bind,
		.width = command->width,
		.height = command->height,
		.depth = command->depth,
		.array_size = command->array_size,
		.last_level = command->last_level,
		.nr_samples = command->nr_samples,
		.resource_flags = command->flags};
	if (may_create_resource(run, command->resource_id) &&
		finish(run, escape(run, &request.header, VGT_ESCAPE_RESOURCE_CREATE_3D,
				    sizeof(request), begin_fenced(run)))) {
		add_resource(run, command->resource_id, request.resource, request.resource_id);
	}
}

static void destroy_resource(struct run *run, uint32_t id)
{
	struct vgt_escape_resource request = {
		.resource = guest_replay_handle(&run->resources, id)};
	if (finish(run, escape(run, &request.header, VGT_ESCAPE_RESOURCE_DESTROY,
				sizeof(request), false))) {
		guest_replay_remove(&run->resources, id);
	}
}

/* Backings */

/* Attaches a backing of `size` bytes and maps it. */
static enum vgt_escape_status attach(
	struct run *run, struct guest_replay_object *resource, uint32_t handle, uint64_t size)
{
	struct vgt_escape_attach_backing attaching = {.resource = handle, .size = size};
	struct vgt_escape_resource_map mapping = {.resource = handle};
	enum vgt_escape_status status = escape(run, &attaching.header,
		VGT_ESCAPE_RESOURCE_ATTACH_BACKING, sizeof(attaching), false);
	if (status != VGT_ESCAPE_OK || !resource) {
		return status;
	}
	status = escape(run, &mapping.header, VGT_ESCAPE_RESOURCE_MAP, sizeof(mapping), false);
	if (status == VGT_ESCAPE_OK) {
		resource->memory = (uint8_t *)(uintptr_t)mapping.address;
		resource->size = mapping.size;
	}
	return status;
}

static enum vgt_escape_status detach(
	struct run *run, struct guest_replay_object *resource, uint32_t handle)
{
	struct vgt_escape_resource request = {.resource = handle};
	const enum vgt_escape_status status = escape(run, &request.header,
		VGT_ESCAPE_RESOURCE_DETACH_BACKING, sizeof(request), false);
	if (status == VGT_ESCAPE_OK && resource) {
		resource->memory = NULL;
		resource->size = 0;
	}
	return status;
}

static void attach_backing(
	struct run *run, const struct virtio_gpu_resource_attach_backing *command)
{
	const struct virtio_gpu_mem_entry *entries = (const void *)(command + 1);
	struct guest_replay_object *resource =
		guest_replay_find(&run->resources, command->resource_id);
	uint64_t size = 0;
	for (uint32_t i = 0; i < command->nr_entries; i++) {
		size += entries[i].length;
	}
	if (size == 0) {
		end_inexpressible(run, "a backing without memory");
		return;
	}
	finish(run, attach(run, resource, resource ? resource->handle : GUEST_REPLAY_NOTHING,
			    size));
}

static void detach_backing(struct run *run, uint32_t id)
{
	struct guest_replay_object *resource = guest_replay_find(&run->resources, id);
	finish(run, detach(run, resource, resource ? resource->handle : GUEST_REPLAY_NOTHING));
}

/* A transfer with memory of its own goes over the backing, and one without over one that is
 * attached for it. False where the backing is too short. */
static bool begin_own_iov(struct run *run, struct guest_replay_object *resource)
{
	if (!resource->memory && run->own_iov) {
		resource->is_own =
			attach(run, resource, resource->handle, run->own_iov) == VGT_ESCAPE_OK;
	}
	return resource->size >= run->own_iov;
}

static void finish_own_iov(struct run *run, struct guest_replay_object *resource)
{
	if (resource->is_own) {
		settle(run, UINT64_MAX);
		(void)detach(run, resource, resource->handle);
		resource->is_own = false;
	}
	run->own_iov = 0;
}

/* Whoever writes to guest memory waits for what the device does with it. */
static void await_idle(struct run *run, const struct guest_replay_object *resource)
{
	struct vgt_escape_resource_busy request = {.resource = resource->handle};
	const enum vgt_escape_status status =
		escape(run, &request.header, VGT_ESCAPE_RESOURCE_BUSY, sizeof(request), false);
	if (status != VGT_ESCAPE_OK) {
		end(run, GUEST_REPLAY_TROUBLE, NULL, "resource %" PRIu64 ": %s", resource->id,
			status_name(status));
	} else if (request.busy) {
		settle(run, request.fence);
	}
}

static void write_memory(struct run *run, const struct vgt_mem *mem, uint64_t size)
{
	struct guest_replay_object *resource =
		guest_replay_find(&run->resources, mem->resource_id);
	if (resource && mem->flags & VGT_MEM_OWN_IOV) {
		(void)begin_own_iov(run, resource);
	}
	if (!resource || !resource->memory || mem->offset > resource->size ||
		size > resource->size - mem->offset) {
		complain(run, NULL,
			"%" PRIu64 " bytes of guest memory at %" PRIu64
			" lie outside the backing of resource %" PRIu32,
			size, mem->offset, mem->resource_id);
		return;
	}
	await_idle(run, resource);
	memcpy(resource->memory + mem->offset, mem + 1, size);
	if (run->spoil == GUEST_REPLAY_SPOIL_BYTE && size) {
		resource->memory[mem->offset] ^= UINT8_MAX;
		run->spoil = GUEST_REPLAY_SPOIL_NOTHING;
	}
}

/* Transfers and submits */

static void transfer_2d(struct run *run, const struct virtio_gpu_transfer_to_host_2d *command)
{
	const bool fenced = begin_fenced(run);
	finish(run, vgt_display_transfer_2d(run->client,
			    guest_replay_handle(&run->resources, command->resource_id),
			    &command->r, command->offset, fenced, &run->answer));
}

static void transfer_3d(struct run *run, const struct virtio_gpu_transfer_host_3d *command)
{
	const bool fenced = begin_fenced(run);
	const uint32_t ctx_id = command->hdr.ctx_id;
	const bool own = run->held.flags & VGT_RECORD_OWN_IOV;
	struct guest_replay_object *resource =
		guest_replay_find(&run->resources, command->resource_id);
	struct vgt_escape_transfer_3d request = {
		.ctx = ctx_id ? guest_replay_handle(&run->contexts, ctx_id) : 0,
		.resource = resource ? resource->handle : GUEST_REPLAY_NOTHING,
		.x = command->box.x,
		.y = command->box.y,
		.z = command->box.z,
		.w = command->box.w,
		.h = command->box.h,
		.d = command->box.d,
		.offset = command->offset,
		.level = command->level,
		.stride = command->stride,
		.layer_stride = command->layer_stride};
	if (own && resource && !begin_own_iov(run, resource)) {
		end_inexpressible(run, "memory of its own that is longer than the backing");
		return;
	}
	finish(run, escape(run, &request.header,
			    command->hdr.type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D
				    ? VGT_ESCAPE_TRANSFER_TO_HOST_3D
				    : VGT_ESCAPE_TRANSFER_FROM_HOST_3D,
			    sizeof(request), fenced));
	if (own && resource) {
		finish_own_iov(run, resource);
	}
}

static void list_resource(void *opaque, struct guest_replay_object *resource)
{
	struct run *run = opaque;
	if (resource->listed == run->held.number + 1 || run->ends) {
		return;
	}
	if (run->list_count == run->list_room) {
		const uint32_t room = run->list_room ? 2 * run->list_room : 64;
		uint32_t *list = realloc(run->list, room * sizeof(*list));
		if (!list) {
			end(run, GUEST_REPLAY_TROUBLE, NULL, "no memory");
			return;
		}
		run->list = list;
		run->list_room = room;
	}
	resource->listed = run->held.number + 1;
	run->list[run->list_count++] = resource->handle;
}

static void spoil_draw(struct run *run, uint32_t *dwords, size_t count)
{
	struct virgl_command command;
	size_t at = 0;
	while (run->spoil == GUEST_REPLAY_SPOIL_DRAW &&
		virgl_command_next(dwords, count, &at, &command)) {
		if (command.op == VIRGL_CCMD_DRAW_VBO) {
			dwords[at - command.length - 1] =
				VIRGL_CMD0(VIRGL_CCMD_NOP, 0, command.length);
			run->spoil = GUEST_REPLAY_SPOIL_NOTHING;
		}
	}
}

/* `command` lies in run->payload, which is ours. */
static void submit(struct run *run, const struct virtio_gpu_cmd_submit *command)
{
	uint32_t *dwords = (uint32_t *)(void *)(run->payload + sizeof(*command));
	if (command->num_in_fences || command->size == 0 || command->size % 4) {
		end_inexpressible(run, command->num_in_fences ? "a submit that waits for fences"
							      : "its number of bytes");
		return;
	}
	spoil_draw(run, dwords, command->size / 4);
	run->list_count = 0;
	guest_replay_rewrite(&run->resources, dwords, command->size / 4, list_resource, run);
	const uint64_t list_size = ((uint64_t)run->list_count * 4 + 7) & ~UINT64_C(7);
	const uint64_t size = sizeof(struct vgt_escape_submit_3d) + list_size + command->size;
	struct vgt_escape_submit_3d *request = run->ends ? NULL : request_buffer(run, size);
	if (!request) {
		return;
	}
	request->ctx = guest_replay_handle(&run->contexts, command->hdr.ctx_id);
	request->num_resources = run->list_count;
	request->commands_size = command->size;
	if (run->list_count) {
		memcpy(request + 1, run->list, run->list_count * sizeof(*run->list));
	}
	memcpy((uint8_t *)(request + 1) + list_size, dwords, command->size);
	const bool fenced = begin_fenced(run);
	run->submits++;
	run->submit_bytes += command->size;
	finish(run, escape(run, &request->header, VGT_ESCAPE_SUBMIT_3D, size, fenced));
}

/* The device's data */

static void get_capset_info(struct run *run, const struct virtio_gpu_get_capset_info *command)
{
	struct vgt_escape_get_capset_info request = {.capset_index = command->capset_index};
	finish(run, escape(run, &request.header, VGT_ESCAPE_GET_CAPSET_INFO, sizeof(request),
			    false));
}

static void get_capset(struct run *run, const struct virtio_gpu_get_capset *command)
{
	const uint64_t size = sizeof(struct vgt_escape_get_capset) + CAPSET_MAX;
	struct vgt_escape_get_capset *request = request_buffer(run, size);
	if (!request) {
		return;
	}
	request->capset_id = command->capset_id;
	request->capset_version = command->capset_version;
	if (finish(run, escape(run, &request->header, VGT_ESCAPE_GET_CAPSET, size, false)) &&
		run->held.digest &&
		XXH64(request + 1, request->capset_size, 0) != run->held.digest) {
		printf("guest-replay: %s: capset %" PRIu32 " is not the recording's\n",
			run->path, command->capset_id);
	}
}

static void get_edid(struct run *run, const struct virtio_gpu_get_edid *command)
{
	struct virtio_gpu_resp_edid edid;
	finish(run, vgt_display_get_edid(run->client, command->scanout, &edid, &run->answer));
}

static void get_display_info(struct run *run)
{
	struct virtio_gpu_resp_display_info info;
	finish(run, vgt_display_get_info(run->client, &info, &run->answer));
}

/* Scanouts and cursor */

/* Of commands in which 0 means none. */
static uint32_t handle_or_none(const struct run *run, uint32_t id)
{
	return id ? guest_replay_handle(&run->resources, id) : 0;
}

static void set_scanout(struct run *run, const struct virtio_gpu_set_scanout *command)
{
	finish(run,
		vgt_display_set_scanout(run->client, command->scanout_id,
			handle_or_none(run, command->resource_id), &command->r, &run->answer));
}

static void flush(struct run *run, const struct virtio_gpu_resource_flush *command)
{
	const bool fenced = begin_fenced(run);
	finish(run, vgt_display_flush(run->client,
			    guest_replay_handle(&run->resources, command->resource_id),
			    &command->r, fenced, &run->answer));
}

static void cursor(struct run *run, const struct virtio_gpu_update_cursor *command)
{
	const uint32_t resource = handle_or_none(run, command->resource_id);
	enum vgt_escape_status status;
	if (command->hdr.type == VIRTIO_GPU_CMD_MOVE_CURSOR) {
		status = vgt_display_move_cursor(run->client, &command->pos, resource);
	} else {
		status = vgt_display_update_cursor(
			run->client, &command->pos, resource, command->hot_x, command->hot_y);
	}
	run->answer = (struct vgt_answer){0};
	finish(run, status);
}

/* Commands */

static bool may_be_fenced(uint16_t type)
{
	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		return true;
	default:
		return false;
	}
}

static void execute(struct run *run)
{
	const void *payload = run->payload;
	const struct virtio_gpu_ctrl_hdr *hdr = payload;
	switch (run->held.type) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO:
		get_display_info(run);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		create_2d(run, payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		destroy_resource(
			run, ((const struct virtio_gpu_resource_unref *)payload)->resource_id);
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT:
		set_scanout(run, payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		flush(run, payload);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		transfer_2d(run, payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		attach_backing(run, payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		detach_backing(run, ((const struct virtio_gpu_resource_detach_backing *)payload)
					    ->resource_id);
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO:
		get_capset_info(run, payload);
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET:
		get_capset(run, payload);
		break;
	case VIRTIO_GPU_CMD_GET_EDID:
		get_edid(run, payload);
		break;
	case VIRTIO_GPU_CMD_CTX_CREATE:
		create_context(run, payload);
		break;
	case VIRTIO_GPU_CMD_CTX_DESTROY:
		destroy_context(run, hdr->ctx_id);
		break;
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		context_resource(run, payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		create_3d(run, payload);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		transfer_3d(run, payload);
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		submit(run, payload);
		break;
	case VIRTIO_GPU_CMD_UPDATE_CURSOR:
	case VIRTIO_GPU_CMD_MOVE_CURSOR:
		cursor(run, payload);
		break;
	default:
		end_inexpressible(run, "this command");
		break;
	}
}

static void hold(struct run *run, const struct vgt_record *record)
{
	const struct virtio_gpu_ctrl_hdr *hdr = record->payload;
	if (record->size > run->payload_room) {
		free(run->payload);
		run->payload = malloc(record->size);
		run->payload_room = run->payload ? record->size : 0;
	}
	if (!run->payload) {
		end(run, GUEST_REPLAY_TROUBLE, NULL, "no memory");
		return;
	}
	memcpy(run->payload, record->payload, record->size);
	run->holds = true;
	run->held = (struct command){.number = record->command,
		.type = record->type,
		.flags = record->flags,
		.fenced = hdr->flags & VIRTIO_GPU_FLAG_FENCE,
		.fence = {.fence_id = hdr->fence_id}};
}

/* Issues the command that waits. */
static void issue_held(struct run *run)
{
	const struct virtio_gpu_ctrl_hdr *hdr = (const void *)run->payload;
	if (!run->holds || !client_is_open(run)) {
		return;
	}
	run->holds = false;
	run->commands++;
	run->answer = (struct vgt_answer){0};
	if (hdr->flags & VIRTIO_GPU_FLAG_INFO_RING_IDX ||
		(run->held.fenced && !may_be_fenced(run->held.type))) {
		end_inexpressible(run, "its fence");
		return;
	}
	execute(run);
	if (run->held.has_retired) {
		settle(run, run->held.number_here);
	}
}

/* Records */

static void handle_response(struct run *run, const struct vgt_response *response)
{
	if (!run->holds || response->command != run->held.number) {
		return;
	}
	if (response->class == VGT_RESPONSE_REFUSED) {
		run->held.refused = true;
	} else if (response->class == VGT_RESPONSE_EXACT) {
		run->held.failed = response->result != 0;
	} else if (response->class == VGT_RESPONSE_RENDERER) {
		run->held.digest = response->digest;
	}
}

static void handle_fence(struct run *run, const struct vgt_fence *fence)
{
	if (fence->event == VGT_FENCE_RETIRED) {
		fence_has_retired(run, fence);
	} else if (fence->event == VGT_FENCE_CREATED && run->holds &&
		   may_be_fenced(run->held.type)) {
		/* the interposer's commands have no flag; theirs are the fences behind them */
		run->held.fenced = true;
		run->held.fence = *fence;
	}
}

static void handle_iov(struct run *run, const struct vgt_iov *iov)
{
	const uint32_t *lengths = (const void *)(iov + 1);
	run->own_iov = 0;
	for (uint32_t i = 0; i < iov->count; i++) {
		run->own_iov += lengths[i];
	}
}

static void close_client(struct run *run)
{
	settle(run, UINT64_MAX);
	vgt_client_close(run->client);
	run->client = NULL;
	run->fence_count = 0;
	guest_replay_remove_all(&run->resources);
	guest_replay_remove_all(&run->contexts);
}

/* The device forgets all, and so does its client. */
static void reset(struct run *run)
{
	settle(run, UINT64_MAX);
	const enum vgt_escape_status status = vgt_gpu_reset(run->gpu);
	close_client(run);
	if (status != VGT_ESCAPE_OK) {
		end(run, GUEST_REPLAY_TROUBLE, NULL, "reset: %s", status_name(status));
	}
}

static void handle_record(struct run *run, const struct vgt_record *record)
{
	if (vgt_record_is_command(record->type)) {
		issue_held(run);
		if (!run->ends) {
			hold(run, record);
		}
		return;
	}
	switch (record->type) {
	case VGT_RECORD_RESPONSE:
		handle_response(run, record->payload);
		break;
	case VGT_RECORD_FENCE:
		handle_fence(run, record->payload);
		break;
	case VGT_RECORD_MEM:
		issue_held(run);
		if (!run->ends && client_is_open(run)) {
			write_memory(
				run, record->payload, record->size - sizeof(struct vgt_mem));
		}
		break;
	case VGT_RECORD_IOV:
		issue_held(run);
		handle_iov(run, record->payload);
		break;
	case VGT_RECORD_RESET:
		issue_held(run);
		if (!run->ends) {
			reset(run);
		}
		break;
	case VGT_RECORD_BAD_COMMAND:
		issue_held(run);
		if (!run->ends) {
			end(run, GUEST_REPLAY_INEXPRESSIBLE, NULL,
				"@%" PRIu64 ": what is no command cannot be expressed",
				record->command);
		}
		break;
	default:
		break;
	}
}

static void run_records(struct run *run, struct vgt_reader *reader)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read read = VGT_READ_RECORD;
	while (!run->ends &&
		(read = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		handle_record(run, &record);
	}
	if (!run->ends) {
		issue_held(run);
	}
	if (read == VGT_READ_ERROR) {
		end(run,
			vgt_err_is_of_trace(err.code) ? GUEST_REPLAY_DIFFERENT
						      : GUEST_REPLAY_TROUBLE,
			NULL, "%s", err.message);
	} else if (read == VGT_READ_END && vgt_reader_end(reader) == VGT_END_CUT) {
		complain(run, NULL, "the end of the trace is missing");
	}
}

/* How many fences the driver lets this client have. */
static void ask_limits(struct run *run)
{
	struct vgt_escape_get_version version = {0};
	if (client_is_open(run)) {
		const enum vgt_escape_status status = escape(
			run, &version.header, VGT_ESCAPE_GET_VERSION, sizeof(version), false);
		if (status != VGT_ESCAPE_OK || version.fences_max == 0) {
			end(run, GUEST_REPLAY_TROUBLE, NULL, "the driver's version: %s",
				status_name(status));
		}
	}
	run->fences_max = version.fences_max < VGT_ESCAPE_FENCES_KEPT ? version.fences_max
								      : VGT_ESCAPE_FENCES_KEPT;
}

enum guest_replay_status guest_replay_run(
	struct vgt_gpu *gpu, const char *path, const struct guest_replay_options *options)
{
	struct run run = {
		.path = path, .gpu = gpu, .spoil = options->spoil, .mark = options->mark};
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	if (!reader) {
		end(&run, GUEST_REPLAY_TROUBLE, NULL, "%s", err.message);
		return run.status;
	}
	ask_limits(&run);
	run_records(&run, reader);
	close_client(&run);
	vgt_reader_close(reader);
	printf("guest-replay: %s: %" PRIu64 " commands, %" PRIu64 " submits, %" PRIu64
	       " bytes, %" PRIu64 " failed\n",
		path, run.commands, run.submits, run.submit_bytes, run.failures);
	free(run.payload);
	free(run.request);
	free(run.list);
	return run.status;
}
