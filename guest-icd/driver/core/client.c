/* SPDX-License-Identifier: MIT */
#include "client_private.h"

/* Opening */

static bool is_full(struct vgt_gpu *gpu)
{
	uint32_t count = 0;
	for (const struct vgt_client *client = *vgt_gpu_clients(gpu); client;
		client = client->next) {
		count++;
	}
	return count >= vgt_gpu_limits(gpu)->clients;
}

static void init(struct vgt_client *client, struct vgt_gpu *gpu, void *caller)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(gpu);
	const struct vgt_gpu_limits *const limits = vgt_gpu_limits(gpu);
	const uint32_t max[VGT_OBJECT_KINDS] = {
		[VGT_OBJECT_CONTEXT] = limits->contexts_max,
		[VGT_OBJECT_RESOURCE] = limits->resources_max,
		[VGT_OBJECT_MEMORY] = limits->resources_max,
	};
	client->gpu = gpu;
	client->caller = caller;
	client->epoch = vgt_gpu_epoch(gpu);
	for (uint32_t kind = 0; kind < VGT_OBJECT_KINDS; kind++) {
		vgt_handle_table_init(&client->table[kind], platform, max[kind]);
	}
	client->uses.next = client->uses.previous = &client->uses;
	vgt_fence_timeline_init(&client->fences);
	client->fences_max = limits->fences_max;
	for (uint32_t i = client->fences_max; i-- > 0;) {
		client->fenced[i].next = client->free;
		client->free = &client->fenced[i];
	}
}

/* Sends what destroys the client's contexts and resources; false where the queue has no room
 * for all of it, with `wait` not even after a while. */
static bool drain(struct vgt_client *client, bool wait)
{
	enum vgt_escape_status status = VGT_ESCAPE_OK;
	client->draining = true;
	for (uint32_t kind = 0; kind < VGT_OBJECT_KINDS && status == VGT_ESCAPE_OK; kind++) {
		uint32_t place = 0;
		struct vgt_object *object;
		while (status == VGT_ESCAPE_OK &&
			(object = vgt_handle_table_next(&client->table[kind], &place))) {
			status = wait || vgt_gpu_room(client->gpu)
					 ? vgt_object_post_destroy(object)
					 : VGT_ESCAPE_BUSY;
		}
	}
	client->draining = false;
	vgt_client_free_over(client);
	return status == VGT_ESCAPE_OK;
}

static bool has_objects(const struct vgt_client *client)
{
	uint32_t used = 0;
	for (uint32_t kind = 0; kind < VGT_OBJECT_KINDS; kind++) {
		used += vgt_handle_table_used(&client->table[kind]);
	}
	return used != 0;
}

static struct vgt_client *find_undrained(struct vgt_gpu *gpu)
{
	struct vgt_client *client = *vgt_gpu_clients(gpu);
	while (client && !(client->closed && !client->draining && has_objects(client))) {
		client = client->next;
	}
	return client;
}

void vgt_clients_drain(struct vgt_gpu *gpu, bool wait)
{
	struct vgt_client *closed;
	do { /* the list may be another after each */
		closed = find_undrained(gpu);
	} while (closed && drain(closed, wait));
}

static enum vgt_escape_status ready(struct vgt_gpu *gpu)
{
	vgt_gpu_progress(gpu);
	if (vgt_gpu_is_lost(gpu) && vgt_gpu_reset_locked(gpu) != VGT_ESCAPE_OK) {
		return VGT_ESCAPE_DEVICE_LOST;
	}
	vgt_clients_drain(gpu, true);
	if (vgt_gpu_is_lost(gpu)) {
		return VGT_ESCAPE_DEVICE_LOST;
	}
	return is_full(gpu) ? VGT_ESCAPE_OVER_LIMIT : VGT_ESCAPE_OK;
}

struct vgt_client *vgt_client_open(
	struct vgt_gpu *gpu, void *caller, enum vgt_escape_status *status)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(gpu);
	const size_t size = sizeof(struct vgt_client) +
			    vgt_gpu_limits(gpu)->fences_max * sizeof(struct vgt_fenced);
	struct vgt_client *client = platform->alloc(platform->self, size);
	if (!client) {
		*status = VGT_ESCAPE_NO_MEMORY;
		return NULL;
	}
	platform->lock(platform->self);
	*status = ready(gpu);
	if (*status == VGT_ESCAPE_OK) {
		init(client, gpu, caller);
		client->next = *vgt_gpu_clients(gpu);
		*vgt_gpu_clients(gpu) = client;
	}
	platform->unlock(platform->self);
	if (*status != VGT_ESCAPE_OK) {
		platform->free(platform->self, client);
		return NULL;
	}
	return client;
}

struct vgt_gpu *vgt_client_gpu(const struct vgt_client *client)
{
	return client->gpu;
}

void *vgt_client_caller(const struct vgt_client *client)
{
	return client->caller;
}

/* Closing */

static void unmap_all(struct vgt_client *client)
{
	const struct vgt_handle_table *const table = &client->table[VGT_OBJECT_RESOURCE];
	uint32_t place = 0;
	struct vgt_resource *resource;
	while (client->mapped && (resource = vgt_handle_table_next(table, &place))) {
		vgt_resource_unmap(resource);
	}
}

/* Whether the device was to destroy something and may have it still; before drain(). */
static bool is_in_doubt(const struct vgt_client *client)
{
	const struct vgt_object *object = client->leaving;
	while (object && object->gone) {
		object = object->next;
	}
	return object != NULL;
}

void vgt_client_close(struct vgt_client *client)
{
	if (!client) {
		return;
	}
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	platform->lock(platform->self);
	client->closed = true;
	unmap_all(client);
	if (is_in_doubt(client)) {
		vgt_gpu_lose(client->gpu);
	}
	drain(client, true);
	platform->unlock(platform->self);
}

static void free_client(struct vgt_client *client)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	struct vgt_client **link = vgt_gpu_clients(client->gpu);
	while (*link != client) {
		link = &(*link)->next;
	}
	*link = client->next;
	for (uint32_t kind = 0; kind < VGT_OBJECT_KINDS; kind++) {
		vgt_handle_table_finish(&client->table[kind]);
	}
	platform->free(platform->self, client);
}

/* Freeing */

bool vgt_client_is_stale(const struct vgt_client *client)
{
	return vgt_gpu_epoch(client->gpu) != client->epoch;
}

static bool is_over(const struct vgt_client *client)
{
	return client->closed && !client->draining && !client->leaving &&
	       client->uses.next == &client->uses && !has_objects(client);
}

void vgt_client_free_over(struct vgt_client *client)
{
	if (is_over(client)) {
		free_client(client);
	}
}

static void free_unused(struct vgt_client *client)
{
	struct vgt_object *next;
	for (struct vgt_object *object = client->leaving; object; object = next) {
		next = object->next;
		vgt_object_free_unused(object);
	}
}

void vgt_clients_reset(struct vgt_gpu *gpu)
{
	struct vgt_client *next;
	for (struct vgt_client *client = *vgt_gpu_clients(gpu); client; client = next) {
		next = client->next;
		free_unused(client);
		if (client->closed && !client->draining) {
			drain(client, true); /* sends nothing */
		}
	}
}

void vgt_clients_free(struct vgt_gpu *gpu, bool quiet)
{
	struct vgt_client *client;
	while ((client = *vgt_gpu_clients(gpu))) {
		unmap_all(client);
		for (uint32_t kind = 0; kind < VGT_OBJECT_KINDS; kind++) {
			uint32_t place = 0;
			struct vgt_object *object;
			while ((object = vgt_handle_table_next(&client->table[kind], &place))) {
				vgt_object_leave(object, false);
			}
		}
		while (client->leaving) {
			vgt_object_free(client->leaving, quiet);
		}
		free_client(client);
	}
}

/* Uses */

static void link_use(struct vgt_use *use, struct vgt_use *previous)
{
	use->previous = previous;
	use->next = previous->next;
	use->next->previous = use;
	previous->next = use;
}

/* What waited for the oldest use may be freed now. */
static void end_use(struct vgt_use *use)
{
	struct vgt_client *const client = use->client;
	const bool oldest = client->uses.next == use;
	use->previous->next = use->next;
	use->next->previous = use->previous;
	if (oldest) {
		free_unused(client);
		vgt_client_free_over(client);
	}
}

void vgt_use_name(struct vgt_use *use, struct vgt_object *object)
{
	struct vgt_client *const client = use->client;
	if (!use->ticket) {
		use->ticket = ++client->tickets;
		link_use(use, client->uses.previous);
	}
	object->ticket = use->ticket;
}

enum vgt_escape_status vgt_client_begin(struct vgt_client *client, struct vgt_use *use)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	platform->lock(platform->self);
	*use = (struct vgt_use){.client = client};
	return vgt_gpu_check(client->gpu, client->epoch);
}

void vgt_client_end(struct vgt_use *use)
{
	const struct vgt_platform *const platform = vgt_gpu_platform(use->client->gpu);
	if (use->ticket) {
		end_use(use);
	}
	platform->unlock(platform->self);
}

/* Sending */

/* Whether there is a number left for a fence, and room in the queue also for other clients: one
 * with more commands under way than are free waits. */
static bool has_turn(const struct vgt_client *client, bool fenced)
{
	const uint32_t room = vgt_gpu_room(client->gpu);
	if (!fenced) {
		return client->calls <= room;
	}
	return vgt_fence_timeline_pending(&client->fences) + client->sending <
		       client->fences_max &&
	       client->in_flight + client->sending <= room;
}

static enum vgt_escape_status wait_for_turn(struct vgt_client *client, bool fenced)
{
	struct vgt_gpu *const gpu = client->gpu;
	const struct vgt_platform *const platform = vgt_gpu_platform(gpu);
	uint64_t deadline = 0;
	vgt_gpu_progress(gpu);
	while (!has_turn(client, fenced)) {
		const uint64_t now = platform->now(platform->self);
		if (!deadline) {
			client->queue_waits++;
			deadline = now + vgt_gpu_limits(gpu)->queue_timeout_ns;
		}
		if (now >= deadline) {
			return VGT_ESCAPE_BUSY;
		}
		vgt_gpu_wait(gpu, deadline);
		if (vgt_gpu_check(gpu, client->epoch) != VGT_ESCAPE_OK) {
			return VGT_ESCAPE_DEVICE_LOST;
		}
	}
	return VGT_ESCAPE_OK;
}

static void count_answer(struct vgt_client *client, enum vgt_escape_status status)
{
	client->host_errors += status == VGT_ESCAPE_HOST_ERROR;
}

static void fence_done(void *context, enum vgt_escape_status status, uint32_t response_type)
{
	struct vgt_fenced *const fenced = context;
	struct vgt_client *const client = fenced->use.client;
	count_answer(client, status);
	if (fenced->use.creates) {
		fenced->use.creates->refused = status == VGT_ESCAPE_HOST_ERROR;
	}
	vgt_fence_timeline_answer(&client->fences, fenced->fence, status, response_type);
	client->in_flight--;
	fenced->next = client->free;
	client->free = fenced;
	end_use(&fenced->use);
}

static enum vgt_escape_status post_fenced(
	struct vgt_use *use, struct vgt_gpu_command *command, struct vgt_answer *answer)
{
	struct vgt_client *const client = use->client;
	struct vgt_fenced *const fenced = client->free;
	const struct vgt_gpu_done done = {.function = fence_done, .context = fenced};
	client->free = fenced->next;
	client->sending++;
	command->fenced = true;
	const enum vgt_escape_status status = vgt_gpu_post(client->gpu, command, &done);
	client->sending--;
	if (status != VGT_ESCAPE_OK) {
		fenced->next = client->free;
		client->free = fenced;
		return status;
	}
	/* Only now, so that the numbers are in the order of the ring. */
	fenced->fence = vgt_fence_timeline_add(&client->fences);
	fenced->use = (struct vgt_use){
		.client = client, .ticket = use->ticket, .creates = use->creates};
	link_use(&fenced->use, use);
	client->in_flight++;
	answer->fence = fenced->fence;
	return VGT_ESCAPE_OK;
}

enum vgt_escape_status vgt_use_send(struct vgt_use *use, struct vgt_gpu_command *command,
	bool fenced, struct vgt_answer *answer)
{
	struct vgt_client *const client = use->client;
	const struct vgt_platform *const platform = vgt_gpu_platform(client->gpu);
	/* After an earlier command of the same use the device may be another one, where the
	   numbers are somebody else's. */
	enum vgt_escape_status status = vgt_gpu_check(client->gpu, client->epoch);
	if (status == VGT_ESCAPE_OK) {
		status = wait_for_turn(client, fenced);
	}
	if (status != VGT_ESCAPE_OK) {
		if (command->payload.address) {
			platform->dma_free(platform->self, &command->payload);
		}
		return status;
	}
	if (fenced) {
		status = post_fenced(use, command, answer);
	} else {
		client->calls++;
		status = vgt_gpu_call(client->gpu, command);
		client->calls--;
		answer->response = command->response_type;
		count_answer(client, status);
	}
	client->queue_waits += command->queue_waits;
	return status;
}

/* Fences */

static void fill_fence(const struct vgt_client *client, struct vgt_escape_fence *request)
{
	request->retired = client->fences.retired;
	request->failed = client->fences.failed;
}

static enum vgt_escape_status await(struct vgt_client *client, struct vgt_escape_fence *request,
	uint64_t timeout_ns, struct vgt_answer *answer)
{
	struct vgt_gpu *const gpu = client->gpu;
	const struct vgt_platform *const platform = vgt_gpu_platform(gpu);
	const uint64_t deadline = platform->now(platform->self) + timeout_ns;
	vgt_gpu_progress(gpu);
	for (;;) {
		const enum vgt_escape_status status = vgt_fence_timeline_look(
			&client->fences, request->wanted, &answer->response);
		fill_fence(client, request);
		if (vgt_gpu_check(gpu, client->epoch) != VGT_ESCAPE_OK) {
			answer->response = 0;
			return VGT_ESCAPE_DEVICE_LOST;
		}
		if (status != VGT_ESCAPE_PENDING || !timeout_ns) {
			return status;
		}
		if (platform->now(platform->self) >= deadline) {
			return VGT_ESCAPE_TIMED_OUT;
		}
		vgt_gpu_wait(gpu, deadline);
	}
}

enum vgt_escape_status vgt_client_fence(struct vgt_client *client,
	struct vgt_escape_fence *request, uint64_t timeout_ns, struct vgt_answer *answer)
{
	struct vgt_use use;
	*answer = (struct vgt_answer){.fence = 0};
	if (timeout_ns > VGT_ESCAPE_TIMEOUT_MAX) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	enum vgt_escape_status status = vgt_client_begin(client, &use);
	if (status == VGT_ESCAPE_OK) {
		status = await(client, request, timeout_ns, answer);
	}
	vgt_client_end(&use);
	return status;
}

/* Figures */

enum vgt_escape_status vgt_client_get_version(
	struct vgt_client *client, struct vgt_escape_get_version *request)
{
	const struct vgt_gpu_limits *const limits = vgt_gpu_limits(client->gpu);
	request->features = vgt_gpu_features(client->gpu);
	request->num_capsets = vgt_gpu_num_capsets(client->gpu);
	request->contexts_max = limits->contexts_max;
	request->resources_max = limits->resources_max;
	request->fences_max = limits->fences_max;
	request->backing_max = limits->backing_max;
	request->submit_max = limits->submit_max;
	request->submit_resources_max = limits->submit_resources_max;
	return VGT_ESCAPE_OK;
}

enum vgt_escape_status vgt_client_get_statistics(
	struct vgt_client *client, struct vgt_escape_get_statistics *request)
{
	struct vgt_use use;
	vgt_client_begin(client, &use);
	vgt_gpu_progress(client->gpu);
	const struct vgt_gpu_counters device = vgt_gpu_counters(client->gpu);
	request->contexts = vgt_handle_table_used(&client->table[VGT_OBJECT_CONTEXT]);
	request->resources = vgt_handle_table_used(&client->table[VGT_OBJECT_RESOURCE]);
	request->backing_bytes = client->backing;
	request->mapped = client->mapped;
	request->in_flight = client->in_flight;
	request->submits = client->submits;
	request->submit_bytes = client->submit_bytes;
	request->transfers = client->transfers;
	request->host_errors = client->host_errors;
	request->queue_waits = client->queue_waits;
	request->device_resets = device.resets;
	request->device_timeouts = device.timeouts;
	request->device_invalid = device.invalid;
	vgt_client_end(&use);
	return VGT_ESCAPE_OK;
}
