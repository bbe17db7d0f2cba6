/* SPDX-License-Identifier: MIT */
#include "gpu_private.h"

#include "virtio_gpu.h"

#define HEADER_BYTES ((uint32_t)sizeof(struct virtio_gpu_ctrl_hdr))

void vgt_gpu_lose(struct vgt_gpu *gpu)
{
	if (!gpu->lost) {
		gpu->lost = true;
		gpu->platform->wake(gpu->platform->self);
	}
}

static struct vgt_gpu_queue *queue_of(
	struct vgt_gpu *gpu, const struct vgt_gpu_command *command)
{
	return command->cursor ? &gpu->cursor : &gpu->control;
}

/* Sending */

bool vgt_gpu_payload_alloc(struct vgt_gpu *gpu, uint64_t size, struct vgt_dma *payload)
{
	const struct vgt_platform *platform = gpu->platform;
	const uint64_t pieces = gpu->chain_max - 2;
	uint64_t run = VGT_DMA_PAGE;
	*payload = (struct vgt_dma){.address = NULL};
	if (size == 0 || size > UINT32_MAX) { /* section 2.7.4: a chain is not longer */
		return false;
	}
	while (run * pieces < size) {
		run <<= 1;
	}
	return platform->dma_alloc(platform->self, size, run, payload);
}

static void free_payload(struct vgt_gpu *gpu, struct vgt_dma *payload)
{
	if (payload->address) {
		gpu->platform->dma_free(gpu->platform->self, payload);
	}
}

/* What the device reads: the head, then the payload. 0: in too many pieces. */
static uint32_t readable_chain(struct vgt_gpu *gpu, const struct vgt_gpu_slot *slot,
	const struct vgt_gpu_command *command)
{
	const struct vgt_platform *platform = gpu->platform;
	const uint64_t size = command->payload.address ? command->payload_size : 0;
	uint32_t count = 0;
	gpu->segments[count++] = (struct vgt_segment){slot->head_address, command->head_size};
	for (uint64_t offset = 0, run = 0; offset < size; offset += run) {
		if (count == gpu->chain_max - 1) { /* the response comes, too */
			return 0;
		}
		uint64_t address =
			platform->dma_address(platform->self, &command->payload, offset, &run);
		run = run < size - offset ? run : size - offset;
		gpu->segments[count++] = (struct vgt_segment){address, (uint32_t)run};
	}
	return count;
}

/* What the device writes: room for the answer, never less than its header. */
static uint32_t writable_chain(struct vgt_gpu *gpu, const struct vgt_gpu_slot *slot,
	const struct vgt_gpu_command *command, uint32_t count)
{
	if (command->cursor) {
		return 0;
	}
	uint32_t size = command->response && command->response_size > HEADER_BYTES
				? command->response_size
				: HEADER_BYTES;
	gpu->segments[count] = (struct vgt_segment){slot->response_address, size};
	/* What it does not write is not somebody else's old answer. */
	__builtin_memset(slot->response, 0, size);
	return 1;
}

static void write_head(
	struct vgt_gpu_slot *slot, const struct vgt_gpu_command *command, uint64_t fence_id)
{
	struct virtio_gpu_ctrl_hdr *header = (void *)slot->head;
	__builtin_memcpy(slot->head, command->head, command->head_size);
	if (fence_id) {
		header->flags |= VIRTIO_GPU_FLAG_FENCE;
	}
	header->fence_id = fence_id;
}

/* The next fence's number, 0: there is none until those in flight have been answered. */
static uint64_t next_fence(struct vgt_gpu *gpu)
{
	if (gpu->last_fence < VGT_GPU_FENCE_MAX) {
		return gpu->last_fence + 1;
	}
	return gpu->fences == 0 ? 1 : 0;
}

static bool add_chain(
	struct vgt_gpu *gpu, struct vgt_gpu_slot *slot, uint32_t readable, uint32_t writable)
{
	struct vgt_virtqueue *ring = &slot->queue->ring;
	if (gpu->agreed & VIRTIO_F_INDIRECT_DESC) {
		return vgt_virtqueue_add_indirect(ring, (void *)(slot->head + VGT_GPU_HEAD_MAX),
			slot->head_address + VGT_GPU_HEAD_MAX, gpu->segments, readable,
			writable, slot);
	}
	return vgt_virtqueue_add(ring, gpu->segments, readable, writable, slot);
}

/* The free slot is under way. */
static void take_slot(struct vgt_gpu *gpu, struct vgt_gpu_slot *slot,
	struct vgt_gpu_command *command, uint64_t fence_id)
{
	struct vgt_gpu_queue *queue = slot->queue;
	queue->free = slot->next;
	queue->room--;
	slot->payload = command->payload;
	command->payload.address = NULL;
	slot->fence_id = fence_id;
	if (fence_id) {
		gpu->last_fence = fence_id;
		gpu->fences++;
	}
	if (vgt_virtqueue_publish(&queue->ring)) {
		vgt_virtio_pci_queue_notify(&gpu->pci, queue->number);
	}
}

/* BUSY: there is no room for the command now. */
static enum vgt_escape_status offer(
	struct vgt_gpu *gpu, struct vgt_gpu_command *command, struct vgt_gpu_slot **sent)
{
	struct vgt_gpu_slot *slot = queue_of(gpu, command)->free;
	uint64_t fence_id = command->fenced ? next_fence(gpu) : 0;
	if (!slot || (command->fenced && !fence_id)) {
		return VGT_ESCAPE_BUSY;
	}
	uint32_t readable = readable_chain(gpu, slot, command);
	if (readable == 0) {
		return VGT_ESCAPE_NO_MEMORY;
	}
	uint32_t writable = writable_chain(gpu, slot, command, readable);
	write_head(slot, command, fence_id);
	if (!add_chain(gpu, slot, readable, writable)) {
		return VGT_ESCAPE_BUSY;
	}
	take_slot(gpu, slot, command, fence_id);
	*sent = slot;
	return VGT_ESCAPE_OK;
}

/* Waits for room. Its numbers are of this epoch: it is not sent in another. */
static enum vgt_escape_status send_when_room(
	struct vgt_gpu *gpu, struct vgt_gpu_command *command, struct vgt_gpu_slot **sent)
{
	const struct vgt_platform *platform = gpu->platform;
	const uint32_t epoch = gpu->epoch;
	uint64_t deadline = 0;
	vgt_gpu_progress(gpu);
	for (;;) {
		enum vgt_escape_status status = vgt_gpu_check(gpu, epoch);
		if (status == VGT_ESCAPE_OK) {
			status = offer(gpu, command, sent);
		}
		if (status != VGT_ESCAPE_BUSY) {
			return status;
		}
		uint64_t now = platform->now(platform->self);
		if (deadline == 0) {
			command->queue_waits++;
			deadline = now + gpu->limits.queue_timeout_ns;
		}
		if (now >= deadline) {
			return VGT_ESCAPE_BUSY;
		}
		vgt_gpu_wait(gpu, deadline);
	}
}

static enum vgt_escape_status send_command(
	struct vgt_gpu *gpu, struct vgt_gpu_command *command, struct vgt_gpu_slot **sent)
{
	command->response_type = 0;
	command->response_written = 0;
	enum vgt_escape_status status = send_when_room(gpu, command, sent);
	if (status != VGT_ESCAPE_OK) {
		free_payload(gpu, &command->payload);
	}
	return status;
}

enum vgt_escape_status vgt_gpu_post(
	struct vgt_gpu *gpu, struct vgt_gpu_command *command, const struct vgt_gpu_done *done)
{
	struct vgt_gpu_slot *slot;
	enum vgt_escape_status status = send_command(gpu, command, &slot);
	if (status == VGT_ESCAPE_OK) {
		slot->waiter = NULL;
		slot->done = done ? *done : (struct vgt_gpu_done){.function = NULL};
	}
	return status;
}

/* Until when what was sent at `sent` may stay without answer, as far as is known now. */
static uint64_t answer_deadline(const struct vgt_gpu *gpu, uint64_t sent)
{
	const uint64_t timeout = gpu->limits.device_timeout_ns;
	const uint64_t last = sent + VGT_GPU_TIMEOUTS_MAX * timeout;
	const uint64_t deadline = (gpu->answered > sent ? gpu->answered : sent) + timeout;
	return deadline < last ? deadline : last;
}

enum vgt_escape_status vgt_gpu_call(struct vgt_gpu *gpu, struct vgt_gpu_command *command)
{
	const struct vgt_platform *platform = gpu->platform;
	struct vgt_gpu_waiter waiter = {.command = command};
	struct vgt_gpu_slot *slot;
	enum vgt_escape_status status = send_command(gpu, command, &slot);
	if (status != VGT_ESCAPE_OK) {
		return status;
	}
	slot->waiter = &waiter;
	slot->done.function = NULL;
	const uint64_t sent = platform->now(platform->self);
	vgt_gpu_progress(gpu);
	while (!waiter.over && !gpu->lost) {
		const uint64_t deadline = answer_deadline(gpu, sent);
		if (platform->now(platform->self) >= deadline) {
			gpu->counters.timeouts++;
			vgt_gpu_lose(gpu);
		} else {
			vgt_gpu_wait(gpu, deadline);
		}
	}
	if (!waiter.over) {
		slot->waiter = NULL; /* the slot stays the device's */
		return VGT_ESCAPE_DEVICE_LOST;
	}
	return waiter.status;
}

/* Answers */

/* Copies what the device may be writing to: each byte is read once. */
static void read_response(void *to, const char *from, uint32_t size)
{
	const uint32_t *words = (const void *)from;
	for (uint32_t at = 0; at < size; at += 4) {
		uint32_t word = __atomic_load_n(&words[at / 4], __ATOMIC_RELAXED);
		__builtin_memcpy((char *)to + at, &word, size - at < 4 ? size - at : 4);
	}
}

/*
 * Section 5.7.6.7. Of a fenced command the flag and the number must come back; what is in the
 * header of another's answer besides the type does not matter. ctx_id comes back from QEMU, but
 * the specification does not ask for it.
 */
static enum vgt_escape_status status_of(
	const struct vgt_gpu_slot *slot, const struct virtio_gpu_ctrl_hdr *header)
{
	if (slot->fence_id && (!(header->flags & VIRTIO_GPU_FLAG_FENCE) ||
				      header->fence_id != slot->fence_id)) {
		return VGT_ESCAPE_HOST_INVALID;
	}
	switch (header->type >> 8) {
	case VIRTIO_GPU_RESP_OK_NODATA >> 8:
		return VGT_ESCAPE_OK;
	case VIRTIO_GPU_RESP_ERR_UNSPEC >> 8:
		return VGT_ESCAPE_HOST_ERROR;
	default:
		return VGT_ESCAPE_HOST_INVALID;
	}
}

/* The header that was checked and what follows it. */
static void copy_response(const struct vgt_gpu_slot *slot, struct vgt_gpu_command *command,
	const struct virtio_gpu_ctrl_hdr *header, uint32_t written)
{
	command->response_type = header->type;
	command->response_written = written;
	if (!command->response) {
		return;
	}
	uint32_t size = written < command->response_size ? written : command->response_size;
	uint32_t first = size < HEADER_BYTES ? size : HEADER_BYTES;
	__builtin_memcpy(command->response, header, first);
	read_response((char *)command->response + first, slot->response + first, size - first);
}

/* The command is over: `header` is of a sound answer, else NULL. */
static void end_command(struct vgt_gpu *gpu, struct vgt_gpu_slot *slot,
	enum vgt_escape_status status, const struct virtio_gpu_ctrl_hdr *header,
	uint32_t written)
{
	struct vgt_gpu_waiter *waiter = slot->waiter;
	const struct vgt_gpu_done done = slot->done;
	if (waiter) {
		if (waiter->command->response) {
			__builtin_memset(
				waiter->command->response, 0, waiter->command->response_size);
		}
		if (header) {
			copy_response(slot, waiter->command, header, written);
		}
		waiter->status = status;
		waiter->over = true;
	}
	gpu->fences -= slot->fence_id != 0;
	free_payload(gpu, &slot->payload);
	slot->waiter = NULL;
	slot->next = slot->queue->free;
	slot->queue->free = slot;
	slot->queue->room++;
	if (done.function) {
		done.function(done.context, status, header ? header->type : 0);
	}
}

/* What is answered with data is answered with the right ones, and all of them. */
static bool is_expected(const struct vgt_gpu_command *command,
	const struct virtio_gpu_ctrl_hdr *header, uint32_t written)
{
	return command->success == 0 ||
	       (header->type == command->success && written >= command->success_size);
}

static void answered(struct vgt_gpu *gpu, struct vgt_gpu_slot *slot, uint32_t written)
{
	struct virtio_gpu_ctrl_hdr header;
	enum vgt_escape_status status = VGT_ESCAPE_HOST_INVALID;
	if (slot->queue == &gpu->cursor) {
		end_command(gpu, slot, VGT_ESCAPE_OK, NULL, 0);
		return;
	}
	if (written >= sizeof(header)) {
		read_response(&header, slot->response, sizeof(header));
		status = status_of(slot, &header);
	}
	if (status == VGT_ESCAPE_OK && slot->waiter &&
		!is_expected(slot->waiter->command, &header, written)) {
		status = VGT_ESCAPE_HOST_INVALID;
	}
	if (status == VGT_ESCAPE_HOST_INVALID) {
		gpu->counters.invalid++;
		end_command(gpu, slot, status, NULL, 0);
	} else {
		end_command(gpu, slot, status, &header, written);
	}
}

/* Whether there was any answer; no more than was in flight. */
static bool take_answers(struct vgt_gpu *gpu, struct vgt_gpu_queue *queue)
{
	void *slot;
	uint32_t written;
	for (bool any = false;; any = true) {
		switch (vgt_virtqueue_take(&queue->ring, &slot, &written)) {
		case VGT_VIRTQUEUE_TAKEN:
			answered(gpu, slot, written);
			break;
		case VGT_VIRTQUEUE_BROKEN:
			gpu->counters.invalid += !gpu->lost;
			vgt_gpu_lose(gpu);
			return any;
		case VGT_VIRTQUEUE_NOTHING:
			return any;
		}
	}
}

static bool take_all_answers(struct vgt_gpu *gpu)
{
	bool control = take_answers(gpu, &gpu->control);
	bool cursor = take_answers(gpu, &gpu->cursor);
	if (control) { /* the cursor queue says nothing of the other's commands */
		gpu->answered = gpu->platform->now(gpu->platform->self);
	}
	if (control || cursor) {
		gpu->platform->wake(gpu->platform->self);
	}
	return control || cursor;
}

void vgt_gpu_progress(struct vgt_gpu *gpu)
{
	take_all_answers(gpu);
}

static void end_all_of(struct vgt_gpu *gpu, struct vgt_gpu_queue *queue)
{
	void *slot;
	if (queue->size == 0) { /* not begun yet */
		return;
	}
	while ((slot = vgt_virtqueue_reclaim(&queue->ring))) {
		end_command(gpu, slot, VGT_ESCAPE_DEVICE_LOST, NULL, 0);
	}
}

void vgt_gpu_end_all(struct vgt_gpu *gpu)
{
	end_all_of(gpu, &gpu->control);
	end_all_of(gpu, &gpu->cursor);
	gpu->platform->wake(gpu->platform->self);
}

/* A register is read only now and then, as that costs a guest an exit. A lost device is left
 * alone. */
static void look_at_device(struct vgt_gpu *gpu)
{
	uint64_t now = gpu->platform->now(gpu->platform->self);
	if (!gpu->lost && now - gpu->looked >= VGT_GPU_LOOK_NS) {
		gpu->looked = now;
		if (vgt_virtio_pci_is_lost(&gpu->pci)) {
			vgt_gpu_lose(gpu);
		}
	}
}

void vgt_gpu_wait(struct vgt_gpu *gpu, uint64_t deadline)
{
	const struct vgt_platform *platform = gpu->platform;
	if (take_all_answers(gpu)) {
		return;
	}
	uint64_t now = platform->now(platform->self);
	if (now >= deadline) {
		return;
	}
	uint64_t time = deadline - now;
	platform->wait(platform->self, time < VGT_GPU_LOOK_NS ? time : VGT_GPU_LOOK_NS);
	if (!take_all_answers(gpu)) {
		look_at_device(gpu);
	}
}
