/* SPDX-License-Identifier: MIT */
#include "gpu_private.h"

#include "virtio_gpu.h"

#define SCANOUTS_MAX     VIRTIO_GPU_MAX_SCANOUTS
#define CAPSETS_MAX      64u
#define CONTROL_SIZE_MIN 4u /* head, response and two pieces of payload */
#define IDS_MAX          (UINT32_C(1) << 24)
#define TIMEOUT_MAX      (UINT64_MAX / 2 / VGT_GPU_TIMEOUTS_MAX) /* a deadline is a time */

const struct vgt_gpu_limits vgt_gpu_default_limits = {
	.requests = 128,
	.clients = 64,
	.device_timeout_ns = UINT64_C(30) * 1000 * 1000 * 1000,
	.queue_timeout_ns = UINT64_C(5) * 1000 * 1000 * 1000,
	.contexts_max = 64,
	.resources_max = 16384,
	.fences_max = 64,
	.submit_max = UINT32_C(4) << 20,
	.submit_resources_max = 4096,
	.backing_max = UINT64_C(1) << 30,
};

static bool has_memory(const struct vgt_gpu_queue *queue)
{
	return queue->size != 0;
}

static uint64_t power_of_two_from(uint64_t size)
{
	uint64_t power = VGT_DMA_PAGE;
	while (power < size) {
		power <<= 1;
	}
	return power;
}

static uint16_t queue_size_within(uint16_t offered)
{
	uint16_t size = VGT_GPU_QUEUE_SIZE_MAX;
	while (size > offered) {
		size >>= 1;
	}
	return size;
}

/* The lowest slot is taken first. */
static void init_slots(struct vgt_gpu *gpu, struct vgt_gpu_queue *queue)
{
	const struct vgt_platform *platform = gpu->platform;
	for (uint32_t i = queue->requests; i-- > 0;) {
		struct vgt_gpu_slot *slot = &queue->slots[i];
		uint64_t at = i * VGT_GPU_SLOT_BYTES, run;
		slot->queue = queue;
		slot->head = (char *)queue->memory.address + at;
		slot->response = slot->head + VGT_DMA_PAGE;
		slot->head_address =
			platform->dma_address(platform->self, &queue->memory, at, &run);
		slot->response_address = platform->dma_address(
			platform->self, &queue->memory, at + VGT_DMA_PAGE, &run);
		slot->next = queue->free;
		queue->free = slot;
		queue->room++;
	}
}

/* All that commands on this queue will ever need, but for their payloads. */
static bool alloc_queue(
	struct vgt_gpu *gpu, struct vgt_gpu_queue *queue, uint16_t size, uint32_t requests)
{
	const struct vgt_platform *platform = gpu->platform;
	uint32_t rings = vgt_virtqueue_layout(size).size;
	queue->requests = requests < size ? requests : size;
	queue->ring_slots =
		platform->alloc(platform->self, size * sizeof(struct vgt_virtqueue_slot));
	queue->slots =
		platform->alloc(platform->self, queue->requests * sizeof(struct vgt_gpu_slot));
	if (!queue->ring_slots || !queue->slots ||
		!platform->dma_alloc(
			platform->self, rings, power_of_two_from(rings), &queue->rings) ||
		!platform->dma_alloc(platform->self, queue->requests * VGT_GPU_SLOT_BYTES,
			VGT_DMA_PAGE, &queue->memory)) {
		return false;
	}
	queue->size = size;
	init_slots(gpu, queue);
	return true;
}

static void free_queue(struct vgt_gpu *gpu, struct vgt_gpu_queue *queue, bool quiet)
{
	const struct vgt_platform *platform = gpu->platform;
	if (quiet && queue->rings.address) {
		platform->dma_free(platform->self, &queue->rings);
	}
	if (quiet && queue->memory.address) {
		platform->dma_free(platform->self, &queue->memory);
	}
	platform->free(platform->self, queue->slots);
	platform->free(platform->self, queue->ring_slots);
}

/* After a reset the queue is as long as it was, or the device does not come up. */
static enum vgt_escape_status start_queue(
	struct vgt_gpu *gpu, struct vgt_gpu_queue *queue, uint16_t size_min, uint32_t requests)
{
	const struct vgt_platform *platform = gpu->platform;
	uint16_t offered = vgt_virtio_pci_queue_size(&gpu->pci, queue->number);
	if (offered < (has_memory(queue) ? queue->size : size_min)) {
		return VGT_ESCAPE_UNSUPPORTED;
	}
	if (!has_memory(queue) &&
		!alloc_queue(gpu, queue, queue_size_within(offered), requests)) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	vgt_virtqueue_init(&queue->ring, queue->size, queue->rings.address, queue->ring_slots,
		vgt_virtio_pci_features(&gpu->pci) & VIRTIO_F_EVENT_IDX);
	struct vgt_virtqueue_layout layout = vgt_virtqueue_layout(queue->size);
	uint64_t run;
	uint64_t at = platform->dma_address(platform->self, &queue->rings, 0, &run);
	gpu->given = true;
	return vgt_virtio_pci_queue_enable(&gpu->pci, queue->number, queue->size, at,
		       at + layout.avail, at + layout.used)
		       ? VGT_ESCAPE_OK
		       : VGT_ESCAPE_UNSUPPORTED;
}

static enum vgt_escape_status start_queues(struct vgt_gpu *gpu)
{
	enum vgt_escape_status status =
		start_queue(gpu, &gpu->control, CONTROL_SIZE_MIN, gpu->limits.requests);
	if (status == VGT_ESCAPE_OK) {
		status = start_queue(gpu, &gpu->cursor, 1, VGT_GPU_CURSOR_REQUESTS);
	}
	return status;
}

static uint32_t id_max(uint32_t clients, uint32_t each)
{
	uint64_t max = (uint64_t)clients * each;
	return max < IDS_MAX ? (uint32_t)max : IDS_MAX;
}

static void init_ids(struct vgt_gpu *gpu)
{
	const struct vgt_gpu_limits *limits = &gpu->limits;
	vgt_id_pool_init(&gpu->context_ids, gpu->platform,
		id_max(limits->clients, limits->contexts_max));
	vgt_id_pool_init(&gpu->resource_ids, gpu->platform,
		id_max(limits->clients, limits->resources_max));
}

static void finish_ids(struct vgt_gpu *gpu)
{
	vgt_id_pool_finish(&gpu->context_ids);
	vgt_id_pool_finish(&gpu->resource_ids);
}

/*
 * True: the device has forgotten everything, and so do we. False: it may still carry out what
 * it was given, so all of that stays where it is, for good if no later reset succeeds: what
 * lies in that memory may change, but nobody else's does.
 */
static bool quieten(struct vgt_gpu *gpu)
{
	if (!vgt_virtio_pci_reset(&gpu->pci, gpu->limits.device_timeout_ns)) {
		return false;
	}
	gpu->given = false;
	vgt_gpu_end_all(gpu);
	gpu->epoch++;
	finish_ids(gpu);
	init_ids(gpu);
	vgt_clients_reset(gpu);
	return true;
}

static uint32_t config_within(const struct vgt_gpu *gpu, size_t offset, uint32_t max)
{
	uint32_t value = vgt_virtio_pci_config(&gpu->pci, (uint32_t)offset);
	return value < max ? value : max;
}

/* Clients look at them without the lock. */
static void read_config(struct vgt_gpu *gpu)
{
	__atomic_store_n(&gpu->num_scanouts,
		config_within(
			gpu, offsetof(struct virtio_gpu_config, num_scanouts), SCANOUTS_MAX),
		__ATOMIC_RELAXED);
	__atomic_store_n(&gpu->num_capsets,
		config_within(
			gpu, offsetof(struct virtio_gpu_config, num_capsets), CAPSETS_MAX),
		__ATOMIC_RELAXED);
}

static enum vgt_escape_status bring_up(struct vgt_gpu *gpu)
{
	const uint64_t needed = VIRTIO_F_VERSION_1 | VIRTIO_GPU_F_VIRGL;
	const uint64_t wanted = needed | VIRTIO_GPU_F_EDID | VIRTIO_GPU_F_RESOURCE_BLOB |
				VIRTIO_GPU_F_CONTEXT_INIT | VIRTIO_F_INDIRECT_DESC |
				VIRTIO_F_EVENT_IDX;
	bool first = gpu->agreed == 0;
	if (!quieten(gpu)) {
		return VGT_ESCAPE_DEVICE_LOST;
	}
	/* What was agreed on once stays so: clients have been told. */
	if (!vgt_virtio_pci_negotiate(
		    &gpu->pci, first ? wanted : gpu->agreed, first ? needed : gpu->agreed)) {
		return VGT_ESCAPE_UNSUPPORTED;
	}
	enum vgt_escape_status status = start_queues(gpu);
	if (status != VGT_ESCAPE_OK) {
		vgt_virtio_pci_fail(&gpu->pci);
		return status;
	}
	vgt_virtio_pci_ready(&gpu->pci);
	if (vgt_virtio_pci_is_lost(&gpu->pci)) {
		return VGT_ESCAPE_DEVICE_LOST;
	}
	if (first) { /* never again: it is read without the lock */
		gpu->agreed = vgt_virtio_pci_features(&gpu->pci);
	}
	read_config(gpu);
	return VGT_ESCAPE_OK;
}

static enum vgt_escape_status open_locked(struct vgt_gpu *gpu)
{
	if (!vgt_virtio_pci_find(&gpu->pci, gpu->platform)) {
		return VGT_ESCAPE_UNSUPPORTED;
	}
	enum vgt_escape_status status = bring_up(gpu);
	if (status != VGT_ESCAPE_OK) {
		return status;
	}
	gpu->chain_max = gpu->control.size < VGT_GPU_TABLE_LENGTH
				 ? gpu->control.size
				 : (uint32_t)VGT_GPU_TABLE_LENGTH;
	return VGT_ESCAPE_OK;
}

static void set_limits(struct vgt_gpu *gpu, const struct vgt_gpu_limits *limits)
{
	gpu->limits = *limits;
	if (gpu->limits.requests == 0) {
		gpu->limits.requests = 1;
	}
	if (gpu->limits.device_timeout_ns > TIMEOUT_MAX) {
		gpu->limits.device_timeout_ns = TIMEOUT_MAX;
	}
	if (gpu->limits.queue_timeout_ns > TIMEOUT_MAX) {
		gpu->limits.queue_timeout_ns = TIMEOUT_MAX;
	}
	if (gpu->limits.fences_max > VGT_ESCAPE_FENCES_KEPT) {
		gpu->limits.fences_max = VGT_ESCAPE_FENCES_KEPT;
	}
}

struct vgt_gpu *vgt_gpu_open(const struct vgt_platform *platform,
	const struct vgt_gpu_limits *limits, enum vgt_escape_status *status)
{
	struct vgt_gpu *gpu = platform->alloc(platform->self, sizeof(*gpu));
	if (!gpu) {
		*status = VGT_ESCAPE_NO_MEMORY;
		return NULL;
	}
	gpu->platform = platform;
	gpu->cursor.number = 1;
	set_limits(gpu, limits ? limits : &vgt_gpu_default_limits);
	init_ids(gpu);
	platform->lock(platform->self);
	*status = open_locked(gpu);
	platform->unlock(platform->self);
	if (*status != VGT_ESCAPE_OK) {
		vgt_gpu_close(gpu);
		return NULL;
	}
	return gpu;
}

void vgt_gpu_close(struct vgt_gpu *gpu)
{
	if (!gpu) {
		return;
	}
	const struct vgt_platform *platform = gpu->platform;
	platform->lock(platform->self);
	vgt_gpu_lose(gpu);
	bool quiet = !gpu->given || quieten(gpu);
	vgt_clients_free(gpu, quiet);
	platform->unlock(platform->self);
	/* Payloads on their way are given up, too, where it is not quiet. */
	free_queue(gpu, &gpu->control, quiet);
	free_queue(gpu, &gpu->cursor, quiet);
	finish_ids(gpu);
	platform->free(platform->self, gpu);
}

enum vgt_escape_status vgt_gpu_reset_locked(struct vgt_gpu *gpu)
{
	const struct vgt_platform *platform = gpu->platform;
	if (gpu->resetting) {
		while (gpu->resetting) {
			platform->wait(platform->self, VGT_GPU_LOOK_NS);
		}
	} else {
		gpu->resetting = true;
		gpu->counters.resets++;
		vgt_gpu_lose(gpu);
		gpu->lost = bring_up(gpu) != VGT_ESCAPE_OK;
		gpu->resetting = false;
		platform->wake(platform->self);
	}
	return gpu->lost ? VGT_ESCAPE_DEVICE_LOST : VGT_ESCAPE_OK;
}

enum vgt_escape_status vgt_gpu_reset(struct vgt_gpu *gpu)
{
	const struct vgt_platform *platform = gpu->platform;
	platform->lock(platform->self);
	enum vgt_escape_status status = vgt_gpu_reset_locked(gpu);
	platform->unlock(platform->self);
	return status;
}

void vgt_gpu_poll(struct vgt_gpu *gpu)
{
	const struct vgt_platform *platform = gpu->platform;
	platform->lock(platform->self);
	vgt_gpu_progress(gpu);
	vgt_clients_drain(gpu, false);
	platform->unlock(platform->self);
}

uint64_t vgt_gpu_features(const struct vgt_gpu *gpu)
{
	static const struct {
		uint64_t virtio, escape;
	} features[] = {
		{VIRTIO_GPU_F_VIRGL, VGT_ESCAPE_FEATURE_VIRGL},
		{VIRTIO_GPU_F_EDID, VGT_ESCAPE_FEATURE_EDID},
		{VIRTIO_GPU_F_RESOURCE_BLOB, VGT_ESCAPE_FEATURE_RESOURCE_BLOB},
		{VIRTIO_GPU_F_CONTEXT_INIT, VGT_ESCAPE_FEATURE_CONTEXT_INIT},
	};
	uint64_t agreed = 0;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		agreed |= gpu->agreed & features[i].virtio ? features[i].escape : 0;
	}
	return agreed;
}

uint32_t vgt_gpu_epoch(const struct vgt_gpu *gpu)
{
	return gpu->epoch;
}

bool vgt_gpu_is_lost(const struct vgt_gpu *gpu)
{
	return gpu->lost;
}

enum vgt_escape_status vgt_gpu_check(struct vgt_gpu *gpu, uint32_t epoch)
{
	return gpu->lost || gpu->epoch != epoch ? VGT_ESCAPE_DEVICE_LOST : VGT_ESCAPE_OK;
}

const struct vgt_platform *vgt_gpu_platform(const struct vgt_gpu *gpu)
{
	return gpu->platform;
}

const struct vgt_gpu_limits *vgt_gpu_limits(const struct vgt_gpu *gpu)
{
	return &gpu->limits;
}

uint32_t vgt_gpu_room(const struct vgt_gpu *gpu)
{
	return gpu->control.room;
}

uint32_t vgt_gpu_num_capsets(const struct vgt_gpu *gpu)
{
	return __atomic_load_n(&gpu->num_capsets, __ATOMIC_RELAXED);
}

uint32_t vgt_gpu_num_scanouts(const struct vgt_gpu *gpu)
{
	return __atomic_load_n(&gpu->num_scanouts, __ATOMIC_RELAXED);
}

struct vgt_gpu_counters vgt_gpu_counters(const struct vgt_gpu *gpu)
{
	return gpu->counters;
}

struct vgt_id_pool *vgt_gpu_context_ids(struct vgt_gpu *gpu)
{
	return &gpu->context_ids;
}

struct vgt_id_pool *vgt_gpu_resource_ids(struct vgt_gpu *gpu)
{
	return &gpu->resource_ids;
}

struct vgt_client **vgt_gpu_clients(struct vgt_gpu *gpu)
{
	return &gpu->clients;
}
