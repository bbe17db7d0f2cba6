/* SPDX-License-Identifier: MIT */
#include "device_model.h"

#include "model_private.h"
#include "virtio_pci.h"
#include "virtqueue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG_MAX      (1u << 20)
#define COMMAND_MAX  (UINT64_C(1) << 28)
#define RESPONSE_MAX (1u << 20)
#define ALL_ONES     UINT32_MAX
#define NO_VECTOR    0xffffu
#define IDLE_NS      20000

#define USED_NO_NOTIFY     1u
#define AVAIL_NO_INTERRUPT 1u

/* The one BAR, as QEMU lays it out. */
#define MODEL_BAR     4u
#define COMMON_OFFSET 0x0000u
#define ISR_OFFSET    0x1000u
#define DEVICE_OFFSET 0x2000u
#define NOTIFY_OFFSET 0x3000u
#define REGION_SIZE   0x1000u
#define BAR_SIZE      0x4000u
#define NOTIFY_STEP   4u /* notify_off_multiplier */

void dm_violation(struct vgt_dm *dm, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	pthread_mutex_lock(&dm->violation_mutex);
	if (dm->violation_count < sizeof(dm->violations) / sizeof(dm->violations[0])) {
		va_start(arguments, format);
		if (vasprintf(&text, format, arguments) < 0) {
			abort();
		}
		va_end(arguments);
		dm->violations[dm->violation_count] = text;
	}
	dm->violation_count++;
	pthread_mutex_unlock(&dm->violation_mutex);
}

/* Whether this fault comes true now, for a command of `type` or, where it is about no command,
 * type 0. */
static bool strikes(struct vgt_dm *dm, enum vgt_dm_fault fault, uint32_t type)
{
	struct vgt_dm_plan *plan = &dm->faults[fault].plan;
	if (plan->count == 0 || (plan->type && plan->type != type)) {
		return false;
	}
	if (plan->skip) {
		plan->skip--;
		return false;
	}
	plan->count -= plan->count != UINT32_MAX;
	dm->faults[fault].struck++;
	return true;
}

static uint64_t value_of(const struct vgt_dm *dm, enum vgt_dm_fault fault)
{
	return dm->faults[fault].plan.value;
}

/* Chains: what the device has taken */

static void free_chain(struct dm_chain *chain)
{
	free(chain->command);
	free(chain->response);
	free(chain);
}

static void forget_chains(struct vgt_dm *dm)
{
	while (dm->chains) {
		struct dm_chain *chain = dm->chains;
		dm->chains = chain->next;
		free_chain(chain);
	}
}

static bool segment_overlaps(struct dm_segment segment, uint64_t address, uint64_t size)
{
	return segment.length && segment.address < address + size &&
	       address < segment.address + segment.length;
}

static bool chain_uses(const struct dm_chain *chain, uint64_t address, uint64_t size)
{
	if (segment_overlaps(chain->table, address, size)) {
		return true;
	}
	for (uint32_t i = 0; i < chain->readable + chain->writable; i++) {
		if (segment_overlaps(chain->segments[i], address, size)) {
			return true;
		}
	}
	return false;
}

static uint32_t ring_size(uint32_t part, uint16_t size)
{
	return part == 0 ? 16u * size : part == 1 ? 6u + 2u * size : 6u + 8u * size;
}

static bool queue_uses(const struct dm_queue *queue, uint64_t address, uint64_t size)
{
	const uint64_t parts[] = {queue->desc, queue->avail, queue->used};
	for (uint32_t i = 0; queue->is_enabled && i < 3; i++) {
		struct dm_segment part = {
			.address = parts[i], .length = ring_size(i, queue->size)};
		if (segment_overlaps(part, address, size)) {
			return true;
		}
	}
	return false;
}

bool dm_uses(const struct vgt_dm *dm, uint64_t address, uint64_t size)
{
	for (const struct dm_chain *chain = dm->chains; chain; chain = chain->next) {
		if (chain_uses(chain, address, size)) {
			return true;
		}
	}
	for (uint32_t i = 0; i < DM_QUEUES; i++) {
		if (queue_uses(&dm->queues[i], address, size)) {
			return true;
		}
	}
	return dm->executor.uses && dm->executor.uses(dm->executor.context, address, size);
}

static struct dm_chain *new_chain(struct vgt_dm *dm, uint16_t queue, uint16_t head)
{
	struct dm_chain *chain = dm_must(malloc(sizeof(*chain)));
	struct dm_chain **last = &dm->chains;
	memset(chain, 0, offsetof(struct dm_chain, descriptors));
	chain->queue = queue;
	chain->head = head;
	chain->entry = UINT32_MAX;
	while (*last) {
		last = &(*last)->next;
	}
	*last = chain;
	return chain;
}

static void remove_chain(struct vgt_dm *dm, struct dm_chain *chain)
{
	struct dm_chain **place = &dm->chains;
	while (*place != chain) {
		place = &(*place)->next;
	}
	*place = chain->next;
	for (uint16_t i = 0; i < chain->descriptor_count; i++) {
		dm->queues[chain->queue].in_flight[chain->descriptors[i]] = false;
	}
	free_chain(chain);
}

static bool driver_broke(struct vgt_dm *dm, uint16_t queue, const char *text)
{
	dm_violation(dm, "queue %u: %s", queue, text);
	dm->queues[queue].is_broken = true;
	return false;
}

/* Section 2.7.4.2 and 2.7.5: readable parts first, none empty, all within the DMA memory. */
static bool add_segment(
	struct vgt_dm *dm, struct dm_chain *chain, const struct virtq_desc *desc)
{
	bool writes = (desc->flags & VIRTQ_DESC_F_WRITE) != 0;
	const struct dm_queue *queue = &dm->queues[chain->queue];
	if (chain->readable + chain->writable == queue->size) {
		return driver_broke(dm, chain->queue, "a chain is longer than the queue");
	}
	if (chain->writable && !writes) {
		return driver_broke(dm, chain->queue, "a readable part behind a writable one");
	}
	if (!dm_memory(dm, desc->addr, desc->len, "a descriptor")) {
		dm->queues[chain->queue].is_broken = true;
		return false;
	}
	chain->segments[chain->readable + chain->writable] =
		(struct dm_segment){.address = desc->addr, .length = desc->len};
	*(writes ? &chain->writable : &chain->readable) += 1;
	*(writes ? &chain->writable_bytes : &chain->readable_bytes) += desc->len;
	return true;
}

/* Section 2.7.5.3. */
static bool add_table(struct vgt_dm *dm, struct dm_chain *chain, const struct virtq_desc *outer)
{
	uint32_t count = outer->len / sizeof(*outer), at = 0, seen = 0;
	if (!(dm->accepted & VIRTIO_F_INDIRECT_DESC)) {
		return driver_broke(dm, chain->queue, "an indirect table was not agreed on");
	}
	if (outer->flags & VIRTQ_DESC_F_NEXT) {
		return driver_broke(dm, chain->queue, "an indirect table with a next one");
	}
	if (outer->len == 0 || outer->len % sizeof(*outer)) {
		return driver_broke(dm, chain->queue, "an indirect table of odd length");
	}
	const struct virtq_desc *table =
		dm_memory(dm, outer->addr, outer->len, "an indirect table");
	if (!table) {
		dm->queues[chain->queue].is_broken = true;
		return false;
	}
	chain->table = (struct dm_segment){.address = outer->addr, .length = outer->len};
	for (;;) {
		struct virtq_desc desc = table[at];
		if (desc.flags & VIRTQ_DESC_F_INDIRECT) {
			return driver_broke(dm, chain->queue, "an indirect table in a table");
		}
		if (!add_segment(dm, chain, &desc)) {
			return false;
		}
		if (!(desc.flags & VIRTQ_DESC_F_NEXT)) {
			return true;
		}
		if (desc.next >= count || ++seen == count) {
			return driver_broke(
				dm, chain->queue, "an indirect table leaves itself or turns");
		}
		at = desc.next;
	}
}

static bool add_descriptors(struct vgt_dm *dm, struct dm_chain *chain)
{
	struct dm_queue *queue = &dm->queues[chain->queue];
	uint16_t at = chain->head;
	for (;;) {
		if (at >= queue->size) {
			return driver_broke(dm, chain->queue, "a descriptor beyond the queue");
		}
		if (queue->in_flight[at]) {
			return driver_broke(
				dm, chain->queue, "a descriptor that is in use already");
		}
		const struct virtq_desc *ring = dm_memory(
			dm, queue->desc, ring_size(0, queue->size), "the descriptor table");
		if (!ring) {
			queue->is_broken = true;
			return false;
		}
		struct virtq_desc desc = ring[at];
		queue->in_flight[at] = true;
		chain->descriptors[chain->descriptor_count++] = at;
		if (desc.flags & VIRTQ_DESC_F_INDIRECT) {
			return add_table(dm, chain, &desc);
		}
		if (!add_segment(dm, chain, &desc)) {
			return false;
		}
		if (!(desc.flags & VIRTQ_DESC_F_NEXT)) {
			return true;
		}
		at = desc.next;
	}
}

/* Copies between a chain's readable or writable part and a buffer. */
static bool copy_segments(struct vgt_dm *dm, const struct dm_segment *segments, uint32_t count,
	uint8_t *buffer, uint64_t size, bool to_guest)
{
	for (uint32_t i = 0; size && i < count; i++) {
		uint64_t part = segments[i].length < size ? segments[i].length : size;
		uint8_t *memory = dm_memory(dm, segments[i].address, part, "a buffer in use");
		if (!memory) {
			return false;
		}
		memcpy(to_guest ? memory : buffer, to_guest ? buffer : memory, part);
		buffer += part;
		size -= part;
	}
	return true;
}

static void log_chain(struct vgt_dm *dm, struct dm_chain *chain)
{
	const struct virtio_gpu_ctrl_hdr *header = &chain->header;
	const struct virtio_gpu_resource_attach_backing *backing = (const void *)chain->command;
	if (dm->log_size == LOG_MAX) {
		return;
	}
	if (dm->log_size == dm->log_capacity) {
		dm->log_capacity = dm->log_capacity ? dm->log_capacity * 2 : 256;
		dm->log = dm_must(realloc(dm->log, dm->log_capacity * sizeof(dm->log[0])));
	}
	bool has_entries = header->type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING &&
			   chain->readable_bytes >= sizeof(*backing);
	chain->entry = dm->log_size++;
	dm->log[chain->entry] = (struct vgt_dm_entry){
		.queue = chain->queue,
		.type = header->type,
		.flags = header->flags,
		.ctx_id = header->ctx_id,
		.fence_id = header->fence_id,
		.resource_id = dm_resource_of(chain->command, (uint32_t)chain->readable_bytes),
		.size = (uint32_t)chain->readable_bytes,
		.entries = has_entries ? backing->nr_entries : 0,
	};
}

/* Section 2.7: what the device may write is nobody else's. */
static void check_overlap(struct vgt_dm *dm, const struct dm_chain *chain)
{
	for (const struct dm_chain *other = dm->chains; other; other = other->next) {
		const struct dm_chain *pair[] = {chain, other, chain};
		for (uint32_t k = 0; other != chain && k < 2; k++) {
			const struct dm_segment *writable =
				pair[k]->segments + pair[k]->readable;
			for (uint32_t i = 0; i < pair[k]->writable; i++) {
				if (chain_uses(pair[k + 1], writable[i].address,
					    writable[i].length)) {
					dm_violation(dm,
						"queue %u: a buffer that a chain in "
						"flight uses",
						chain->queue);
					return;
				}
			}
		}
	}
}

static bool take_command(struct vgt_dm *dm, struct dm_chain *chain)
{
	if (!add_descriptors(dm, chain)) {
		return false;
	}
	if (chain->readable_bytes < sizeof(chain->header) ||
		chain->readable_bytes > COMMAND_MAX) {
		return driver_broke(dm, chain->queue, "a command of no sensible length");
	}
	if (chain->queue == 0 && chain->writable_bytes < sizeof(chain->header)) {
		return driver_broke(dm, chain->queue, "no room for a response");
	}
	check_overlap(dm, chain);
	chain->command = dm_must(malloc(chain->readable_bytes));
	if (!copy_segments(dm, chain->segments, chain->readable, chain->command,
		    chain->readable_bytes, false)) {
		return false;
	}
	memcpy(&chain->header, chain->command, sizeof(chain->header));
	log_chain(dm, chain);
	return true;
}

static bool has_event_idx(const struct vgt_dm *dm)
{
	return dm->accepted & VIRTIO_F_EVENT_IDX;
}

/* Section 2.7.10: behind the used ring stands which entry the device wants to be told of; one
 * that it has already comes no more. */
static void ask_notification(struct vgt_dm *dm, uint16_t index)
{
	struct dm_queue *queue = &dm->queues[index];
	uint16_t *used = dm_memory(dm, queue->used, ring_size(2, queue->size), "the used ring");
	uint16_t event = dm->polls ? queue->avail_index - 1u : queue->avail_index;
	if (index == 0 && strikes(dm, VGT_DM_AVAIL_EVENT, 0)) {
		event += (uint16_t)value_of(dm, VGT_DM_AVAIL_EVENT);
	}
	if (used) {
		__atomic_store_n(&used[2 + 4 * queue->size], event, __ATOMIC_SEQ_CST);
	}
}

static bool take_entries(struct vgt_dm *dm, uint16_t index, const uint16_t *avail)
{
	struct dm_queue *queue = &dm->queues[index];
	uint16_t until = __atomic_load_n(&avail[1], __ATOMIC_SEQ_CST);
	uint16_t count = (uint16_t)(until - queue->avail_index);
	if (count > queue->size) {
		return driver_broke(dm, index, "the available index jumps");
	}
	for (; queue->avail_index != until && !queue->is_broken; queue->avail_index++) {
		uint16_t head = avail[2 + queue->avail_index % queue->size];
		struct dm_chain *chain = new_chain(dm, index, head);
		if (!take_command(dm, chain)) {
			chain->state = DM_CHAIN_BAD;
		}
	}
	return count > 0;
}

/* Takes all that the driver has offered; what is not sound stays with the device for ever. It
 * looks again after it has asked for a notification, and comes back for nothing else. */
static void take_chains(struct vgt_dm *dm, uint16_t index)
{
	struct dm_queue *queue = &dm->queues[index];
	uint16_t *avail = !queue->is_enabled || queue->is_broken
				  ? NULL
				  : dm_memory(dm, queue->avail, ring_size(1, queue->size),
					    "the available ring");
	bool any = avail;
	if (avail && has_event_idx(dm) && __atomic_load_n(&avail[0], __ATOMIC_RELAXED)) {
		driver_broke(dm, index, "flags of the available ring and event indices");
	}
	while (any && !queue->is_broken) {
		any = take_entries(dm, index, avail) && has_event_idx(dm);
		if (any) {
			ask_notification(dm, index);
		}
	}
}

/* Answers */

static void interrupt(struct vgt_dm *dm, uint8_t isr)
{
	dm->isr |= isr;
	dm_event(dm);
}

static void put_used(
	struct vgt_dm *dm, uint16_t index, uint32_t type, uint32_t id, uint32_t length)
{
	struct dm_queue *queue = &dm->queues[index];
	uint16_t *used = dm_memory(dm, queue->used, ring_size(2, queue->size), "the used ring");
	if (used) {
		uint32_t *element =
			(uint32_t *)(used + 2) + queue->used_index % queue->size * 2;
		__atomic_store_n(&element[0], id, __ATOMIC_RELAXED);
		__atomic_store_n(&element[1], length, __ATOMIC_RELAXED);
		queue->used_index++;
		if (index == 0 && strikes(dm, VGT_DM_USED_INDEX, type)) {
			queue->used_index += (uint16_t)value_of(dm, VGT_DM_USED_INDEX);
		}
		__atomic_store_n(&used[1], queue->used_index, __ATOMIC_SEQ_CST);
	}
}

static uint32_t free_descriptor(const struct dm_queue *queue)
{
	uint32_t i = 0;
	while (i < queue->size && queue->in_flight[i]) {
		i++;
	}
	return i;
}

/* Faults of a response: its bytes, then how many of them are written. */
static void spoil_response(struct vgt_dm *dm, struct dm_chain *chain)
{
	struct virtio_gpu_ctrl_hdr header;
	uint32_t type = chain->header.type;
	memcpy(&header, chain->response, sizeof(header));
	if (strikes(dm, VGT_DM_RESPONSE_TYPE, type)) {
		header.type = (uint32_t)value_of(dm, VGT_DM_RESPONSE_TYPE);
	}
	if (strikes(dm, VGT_DM_RESPONSE_FENCE, type)) {
		header.fence_id += value_of(dm, VGT_DM_RESPONSE_FENCE);
	}
	if (strikes(dm, VGT_DM_RESPONSE_FLAGS, type)) {
		header.flags ^= (uint32_t)value_of(dm, VGT_DM_RESPONSE_FLAGS);
	}
	memcpy(chain->response, &header, sizeof(header));
	if (strikes(dm, VGT_DM_RESPONSE_RANDOM, type)) {
		uint32_t state = (uint32_t)value_of(dm, VGT_DM_RESPONSE_RANDOM) | 1;
		for (uint32_t i = sizeof(header); i < chain->response_size; i++) {
			state = state * 1664525u + 1013904223u;
			chain->response[i] = (uint8_t)(state >> 24);
		}
	}
	if (strikes(dm, VGT_DM_RESPONSE_SHORT, type)) {
		uint64_t size = value_of(dm, VGT_DM_RESPONSE_SHORT);
		chain->response_size =
			size < chain->response_size ? (uint32_t)size : chain->response_size;
	}
}

static void answer_used(struct vgt_dm *dm, const struct dm_chain *chain)
{
	const struct dm_queue *queue = &dm->queues[chain->queue];
	uint32_t type = chain->header.type, id = chain->head, length = chain->response_size;
	bool is_control = chain->queue == 0;
	if (is_control && strikes(dm, VGT_DM_USED_LENGTH, type)) {
		length = (uint32_t)(chain->writable_bytes + value_of(dm, VGT_DM_USED_LENGTH));
	}
	if (is_control && strikes(dm, VGT_DM_USED_ID, type)) {
		id = (uint32_t)value_of(dm, VGT_DM_USED_ID);
	}
	if (is_control && strikes(dm, VGT_DM_USED_ID_FREE, type)) {
		id = free_descriptor(queue);
	}
	put_used(dm, chain->queue, type, id, length);
	if (is_control && strikes(dm, VGT_DM_USED_TWICE, type)) {
		put_used(dm, chain->queue, type, id, length);
	}
}

/* Section 2.7.7: whether the driver wants an interrupt for the answers from `old` on. */
static bool wants_interrupt(struct vgt_dm *dm, const struct dm_queue *queue, uint16_t old)
{
	const uint16_t *avail =
		dm_memory(dm, queue->avail, ring_size(1, queue->size), "the available ring");
	if (!avail) {
		return false;
	}
	if (has_event_idx(dm)) {
		uint16_t event = __atomic_load_n(&avail[2 + queue->size], __ATOMIC_SEQ_CST);
		return (uint16_t)(event - old) < (uint16_t)(queue->used_index - old);
	}
	return !(__atomic_load_n(&avail[0], __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT);
}

/* Answers a chain as it was executed, and forgets it. */
static void answer_chain(struct vgt_dm *dm, struct dm_chain *chain)
{
	const struct dm_queue *queue = &dm->queues[chain->queue];
	const uint16_t old = queue->used_index;
	if (chain->response_size >= sizeof(chain->header)) {
		spoil_response(dm, chain);
	}
	copy_segments(dm, chain->segments + chain->readable, chain->writable, chain->response,
		chain->response_size, true);
	answer_used(dm, chain);
	if (wants_interrupt(dm, queue, old)) {
		interrupt(dm, 1);
	}
	if (chain->entry < dm->log_size) {
		dm->log[chain->entry].answered = true;
	}
	remove_chain(dm, chain);
}

/* Execution */

static void stop_until_reset(struct vgt_dm *dm)
{
	dm->is_stopped = true;
	atomic_fetch_or(&dm->status, VIRTIO_STATUS_NEEDS_RESET);
	dm->config_generation++;
	interrupt(dm, 2);
}

static void vanish(struct vgt_dm *dm)
{
	dm->is_stopped = true;
	atomic_store(&dm->is_gone, true);
	dm_event(dm);
}

/* Section 5.7.6.7: what the response has of the command. */
static void finish_response(struct vgt_dm *dm, struct dm_chain *chain)
{
	struct virtio_gpu_ctrl_hdr header;
	if (chain->response_size >= sizeof(header)) {
		memcpy(&header, chain->response, sizeof(header));
		if (chain->entry < dm->log_size) {
			dm->log[chain->entry].response_type = header.type;
		}
		if (chain->header.flags & VIRTIO_GPU_FLAG_FENCE) {
			header.flags |= VIRTIO_GPU_FLAG_FENCE;
			header.fence_id = chain->header.fence_id;
			header.ctx_id = chain->header.ctx_id;
		}
		memcpy(chain->response, &header, sizeof(header));
	}
}

static void execute(struct vgt_dm *dm, struct dm_chain *chain)
{
	uint32_t type = chain->header.type;
	uint32_t room = chain->writable_bytes < RESPONSE_MAX ? (uint32_t)chain->writable_bytes
							     : RESPONSE_MAX;
	chain->response = dm_must(calloc(1, room + sizeof(chain->header)));
	if (chain->queue == 0 && strikes(dm, VGT_DM_REFUSED, type)) {
		struct virtio_gpu_ctrl_hdr header = {
			.type = (uint32_t)value_of(dm, VGT_DM_REFUSED)};
		memcpy(chain->response, &header, sizeof(header));
		chain->response_size = sizeof(header);
	} else {
		chain->response_size = dm->executor.execute(dm->executor.context, dm,
			chain->queue, chain->command, (uint32_t)chain->readable_bytes,
			chain->response, room);
	}
	finish_response(dm, chain);
}

static void execute_and_answer(struct vgt_dm *dm, struct dm_chain *chain)
{
	uint32_t type = chain->header.type;
	if (chain->queue == 0 && strikes(dm, VGT_DM_NEEDS_RESET, type)) {
		stop_until_reset(dm);
		return;
	}
	if (chain->queue == 0 && strikes(dm, VGT_DM_GONE, type)) {
		vanish(dm);
		return;
	}
	execute(dm, chain);
	if (chain->queue == 0 && strikes(dm, VGT_DM_NO_ANSWER, type)) {
		chain->state = DM_CHAIN_KEPT;
	} else if ((chain->header.flags & VIRTIO_GPU_FLAG_FENCE) &&
		   (dm->executor.is_done || dm->fences != VGT_DM_FENCES_AT_ONCE)) {
		chain->state = DM_CHAIN_HELD;
		chain->steps = dm->fence_steps;
		chain->fence =
			dm->executor.fence ? dm->executor.fence(dm->executor.context) : 0;
	} else {
		answer_chain(dm, chain);
	}
}

static bool execute_taken(struct vgt_dm *dm)
{
	bool any = false;
	struct dm_chain *next;
	for (struct dm_chain *chain = dm->chains; chain && !dm->is_stopped; chain = next) {
		next = chain->next;
		if (chain->state == DM_CHAIN_TAKEN) {
			execute_and_answer(dm, chain);
			any = true;
		}
	}
	return any;
}

static uint32_t count_chains(const struct vgt_dm *dm, enum dm_chain_state state)
{
	uint32_t count = 0;
	for (const struct dm_chain *chain = dm->chains; chain; chain = chain->next) {
		count += chain->state == state;
	}
	return count;
}

static struct dm_chain *chain_in(
	const struct vgt_dm *dm, enum dm_chain_state state, bool newest)
{
	struct dm_chain *found = NULL;
	for (struct dm_chain *chain = dm->chains; chain && (newest || !found);
		chain = chain->next) {
		found = chain->state == state ? chain : found;
	}
	return found;
}

static uint32_t answer_some(
	struct vgt_dm *dm, enum dm_chain_state state, uint32_t count, bool newest)
{
	uint32_t answered = 0;
	struct dm_chain *chain;
	while (answered < count && !dm->is_stopped &&
		(chain = chain_in(dm, state, newest)) != NULL) {
		answer_chain(dm, chain);
		answered++;
	}
	return answered;
}

/* One step of VGT_DM_FENCES_LATER. True where time must not jump over it. */
static bool age_fences(struct vgt_dm *dm)
{
	bool any = false;
	struct dm_chain *next;
	for (struct dm_chain *chain = dm->chains; chain; chain = next) {
		next = chain->next;
		if (chain->state == DM_CHAIN_HELD) {
			any = true;
			if (chain->steps == 0) {
				answer_chain(dm, chain);
			} else {
				chain->steps--;
			}
		}
	}
	return any;
}

/* Answers what the executor is done with; of what it has to wait for, the oldest is enough. */
static bool ask_executor(struct vgt_dm *dm, enum vgt_dm_patience patience)
{
	bool any = false;
	struct dm_chain *next;
	for (struct dm_chain *chain = dm->chains; chain && !dm->is_stopped; chain = next) {
		next = chain->next;
		if (chain->state == DM_CHAIN_HELD) {
			if (dm->executor.is_done(dm->executor.context, chain->fence,
				    any ? VGT_DM_LOOK : patience)) {
				answer_chain(dm, chain);
				any = true;
			}
		}
	}
	return any;
}

bool dm_await_executor(struct vgt_dm *dm)
{
	return dm->executor.is_done && ask_executor(dm, VGT_DM_WAIT);
}

bool dm_step(struct vgt_dm *dm)
{
	bool any = false;
	if (atomic_load(&dm->is_gone)) {
		return false;
	}
	if (dm->executor.is_done) {
		any |= ask_executor(dm, VGT_DM_ASK);
	} else if (dm->fences == VGT_DM_FENCES_LATER && !dm->is_stopped) {
		any |= age_fences(dm);
	}
	for (uint16_t i = 0; i < DM_QUEUES; i++) {
		if (atomic_exchange_explicit(
			    &dm->queues[i].is_notified, false, memory_order_relaxed) ||
			dm->polls) {
			take_chains(dm, i);
		}
	}
	bool executed = execute_taken(dm);
	if (dm->fences == VGT_DM_FENCES_REVERSED && !dm->executor.is_done && !executed) {
		any |= answer_some(dm, DM_CHAIN_HELD, UINT32_MAX, true) > 0;
	}
	return any || executed;
}

/* Registers */

static void reset(struct vgt_dm *dm)
{
	forget_chains(dm);
	for (uint16_t i = 0; i < DM_QUEUES; i++) {
		struct dm_queue *queue = &dm->queues[i];
		queue->size = queue->size_max;
		queue->is_enabled = queue->is_broken = false;
		queue->desc = queue->avail = queue->used = 0;
		queue->avail_index = queue->used_index = 0;
		memset(queue->in_flight, 0, sizeof(queue->in_flight));
		atomic_store(&queue->is_notified, false);
		dm->queue_vector[i] = NO_VECTOR;
	}
	dm->accepted = 0;
	dm->device_feature_select = dm->driver_feature_select = 0;
	dm->queue_select = 0;
	dm->config_vector = NO_VECTOR;
	dm->isr = 0;
	dm->is_stopped = atomic_load(&dm->is_gone);
	dm->features_seen = false;
	dm->resets++;
	if (dm->executor.reset) {
		dm->executor.reset(dm->executor.context);
	}
}

/* About registers, where nobody has told the driver wrong ones. */
static void misuse(struct vgt_dm *dm, const char *text)
{
	if (!dm->is_damaged) {
		dm_violation(dm, "%s", text);
	}
}

/* Whether FEATURES_OK may stay set. */
static bool features_are_fine(struct vgt_dm *dm)
{
	if (dm->accepted & ~dm->offered) {
		misuse(dm, "the driver accepts features that were not offered");
		return false;
	}
	return (dm->accepted & VIRTIO_F_VERSION_1) != 0 &&
	       !strikes(dm, VGT_DM_FEATURES_REFUSED, 0);
}

/* Section 3.1.1: each step only after those before it. */
static void check_status_order(struct vgt_dm *dm, uint8_t old, uint8_t added)
{
	const uint8_t order[][2] = {
		{VIRTIO_STATUS_DRIVER, VIRTIO_STATUS_ACKNOWLEDGE},
		{VIRTIO_STATUS_FEATURES_OK, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER},
		{VIRTIO_STATUS_DRIVER_OK, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
						  VIRTIO_STATUS_FEATURES_OK},
	};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		uint8_t together = i == 0 ? added : 0; /* these two may come at once */
		if ((added & order[i][0]) && ((old | together) & order[i][1]) != order[i][1]) {
			misuse(dm, "a device status is set before those that it needs");
		}
	}
	if ((added & VIRTIO_STATUS_DRIVER_OK) && !dm->features_seen) {
		misuse(dm, "DRIVER_OK without a look whether FEATURES_OK has stayed");
	}
}

static void write_status(struct vgt_dm *dm, uint8_t value)
{
	uint8_t old = atomic_load(&dm->status);
	uint8_t mine = old & VIRTIO_STATUS_NEEDS_RESET;
	if (value == 0) {
		if (!strikes(dm, VGT_DM_NO_RESET, 0)) {
			reset(dm);
			atomic_store(&dm->is_resetting, true);
		}
		return;
	}
	if (old & ~value & ~mine) {
		misuse(dm, "a bit of the device status is cleared without a reset");
	}
	check_status_order(dm, old, value & (uint8_t)~old);
	if ((value & ~old & VIRTIO_STATUS_FEATURES_OK)) {
		dm->features_seen = false;
		if (!features_are_fine(dm)) {
			value &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
		}
	}
	atomic_store(&dm->status, value | mine);
}

/* Without the mutex: nothing but this ties a driver's look at it to the device's thread. The
 * first read after a reset has the old status, as a device has that takes its time. */
static uint8_t read_status(struct vgt_dm *dm)
{
	if (atomic_exchange_explicit(&dm->is_resetting, false, memory_order_relaxed)) {
		return atomic_exchange_explicit(&dm->status, 0, memory_order_relaxed);
	}
	return atomic_load_explicit(&dm->status, memory_order_relaxed);
}

static struct dm_queue *selected(struct vgt_dm *dm)
{
	return dm->queue_select < DM_QUEUES ? &dm->queues[dm->queue_select] : NULL;
}

/* struct virtio_pci_common_cfg of section 4.1.4.3; a 64-bit field is two of 32. */
enum common_field {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_MSIX_VECTOR = 0x10,
	NUM_QUEUES = 0x12,
	DEVICE_STATUS = 0x14,
	CONFIG_GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_MSIX_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
	COMMON_END = 0x38,
};

static uint32_t width_of(uint64_t field)
{
	return field >= COMMON_END                                    ? 0
	       : field < CONFIG_MSIX_VECTOR || field >= QUEUE_DESC    ? 4
	       : field == DEVICE_STATUS || field == CONFIG_GENERATION ? 1
								      : 2;
}

static uint32_t half_of(uint64_t number, uint64_t which)
{
	return which == 0 ? (uint32_t)number : which == 1 ? (uint32_t)(number >> 32) : 0;
}

static void set_half(uint64_t *number, uint64_t which, uint32_t value)
{
	uint64_t kept = which == 0 ? *number & ~UINT64_C(0xffffffff) : *number & 0xffffffff;
	*number = kept | (uint64_t)value << (which == 0 ? 0 : 32);
}

static uint8_t read_generation(struct vgt_dm *dm)
{
	if (strikes(dm, VGT_DM_GENERATION, 0)) {
		dm->config_generation++;
	}
	return dm->config_generation;
}

static uint32_t read_queue_field(
	const struct vgt_dm *dm, const struct dm_queue *queue, uint64_t field)
{
	switch (field) {
	case QUEUE_SIZE:
		return queue->size;
	case QUEUE_MSIX_VECTOR:
		return dm->queue_vector[dm->queue_select];
	case QUEUE_ENABLE:
		return queue->is_enabled;
	case QUEUE_NOTIFY_OFF:
		return queue->notify_off;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		return half_of(queue->desc, (field - QUEUE_DESC) / 4);
	case QUEUE_DRIVER:
	case QUEUE_DRIVER + 4:
		return half_of(queue->avail, (field - QUEUE_DRIVER) / 4);
	default:
		return half_of(queue->used, (field - QUEUE_DEVICE) / 4);
	}
}

static uint32_t read_common(struct vgt_dm *dm, uint64_t field)
{
	const struct dm_queue *queue = selected(dm);
	switch (field) {
	case DEVICE_FEATURE_SELECT:
		return dm->device_feature_select;
	case DEVICE_FEATURE:
		return half_of(dm->offered, dm->device_feature_select);
	case DRIVER_FEATURE_SELECT:
		return dm->driver_feature_select;
	case DRIVER_FEATURE:
		return half_of(dm->accepted, dm->driver_feature_select);
	case CONFIG_MSIX_VECTOR:
		return dm->config_vector;
	case NUM_QUEUES:
		return DM_QUEUES;
	case CONFIG_GENERATION:
		return read_generation(dm);
	case QUEUE_SELECT:
		return dm->queue_select;
	default:
		return queue ? read_queue_field(dm, queue, field) : 0;
	}
}

static void write_features(struct vgt_dm *dm, uint32_t value)
{
	if (atomic_load(&dm->status) & VIRTIO_STATUS_FEATURES_OK) {
		misuse(dm, "features are changed after FEATURES_OK");
	} else if (dm->driver_feature_select < 2) {
		set_half(&dm->accepted, dm->driver_feature_select, value);
	} else if (value) {
		misuse(dm, "features beyond 64 are accepted");
	}
}

/* Section 2.7: where the parts of a queue may lie. */
static void check_rings(struct vgt_dm *dm, const struct dm_queue *queue)
{
	const uint64_t parts[] = {queue->desc, queue->avail, queue->used};
	const uint64_t alignment[] = {16, 2, 4};
	for (uint32_t i = 0; i < 3; i++) {
		if (parts[i] % alignment[i]) {
			misuse(dm, "a part of a queue is not aligned");
		}
		(void)dm_memory(dm, parts[i], ring_size(i, queue->size), "a part of a queue");
	}
}

static void enable_queue(struct vgt_dm *dm, struct dm_queue *queue, uint32_t value)
{
	if (value != 1 || queue->is_enabled) {
		misuse(dm, "queue_enable is written other than 1, or again");
		return;
	}
	if (queue->size == 0 || queue->size > DM_QUEUE_SIZE) {
		misuse(dm, "a queue is enabled that is not there, or longer than this can");
		return;
	}
	check_rings(dm, queue);
	queue->is_enabled = true;
	uint16_t *used = dm_memory(dm, queue->used, ring_size(2, queue->size), "the used ring");
	if (used && has_event_idx(dm)) {
		ask_notification(dm, dm->queue_select);
	} else if (used && dm->polls) {
		__atomic_store_n(&used[0], USED_NO_NOTIFY, __ATOMIC_RELAXED);
	}
}

static void write_queue_field(
	struct vgt_dm *dm, struct dm_queue *queue, uint64_t field, uint32_t value)
{
	uint8_t status = atomic_load(&dm->status);
	if (!(status & VIRTIO_STATUS_FEATURES_OK) || (status & VIRTIO_STATUS_DRIVER_OK) ||
		!dm->features_seen) {
		misuse(dm, "a queue is set up at another time than between FEATURES_OK, "
			   "looked at, and DRIVER_OK");
	}
	if (queue->is_enabled && field != QUEUE_ENABLE) {
		misuse(dm, "a queue is changed that is enabled");
		return;
	}
	switch (field) {
	case QUEUE_SIZE:
		if (value == 0 || value > queue->size_max || (value & (value - 1))) {
			misuse(dm, "a queue size that is no power of two, or too big");
			return;
		}
		queue->size = (uint16_t)value;
		return;
	case QUEUE_MSIX_VECTOR:
		dm->queue_vector[dm->queue_select] = (uint16_t)value;
		return;
	case QUEUE_ENABLE:
		enable_queue(dm, queue, value);
		return;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		set_half(&queue->desc, (field - QUEUE_DESC) / 4, value);
		return;
	case QUEUE_DRIVER:
	case QUEUE_DRIVER + 4:
		set_half(&queue->avail, (field - QUEUE_DRIVER) / 4, value);
		return;
	case QUEUE_DEVICE:
	case QUEUE_DEVICE + 4:
		set_half(&queue->used, (field - QUEUE_DEVICE) / 4, value);
		return;
	default:
		misuse(dm, "a register is written that can only be read");
	}
}

static void write_common(struct vgt_dm *dm, uint64_t field, uint32_t value)
{
	if (atomic_load(&dm->is_resetting) && !(field == DEVICE_STATUS && value == 0)) {
		misuse(dm, "the driver goes on before the device has said that it is reset");
		(void)read_status(dm);
	}
	switch (field) {
	case DEVICE_FEATURE_SELECT:
		dm->device_feature_select = value;
		return;
	case DRIVER_FEATURE_SELECT:
		dm->driver_feature_select = value;
		return;
	case DRIVER_FEATURE:
		write_features(dm, value);
		return;
	case CONFIG_MSIX_VECTOR:
		dm->config_vector = (uint16_t)value;
		return;
	case DEVICE_STATUS:
		write_status(dm, (uint8_t)value);
		return;
	case QUEUE_SELECT:
		dm->queue_select = (uint16_t)value;
		return;
	default:
		if (field < QUEUE_SELECT) {
			misuse(dm, "a register is written that can only be read");
		} else if (!selected(dm)) {
			misuse(dm, "a queue is set up that is not there");
		} else {
			write_queue_field(dm, selected(dm), field, value);
		}
	}
}

static uint32_t read_device(struct vgt_dm *dm, uint64_t offset, uint32_t width)
{
	uint32_t value = 0;
	if (width != 4 || offset % 4) {
		misuse(dm, "the device's configuration is read other than by dwords");
	}
	if (offset <= sizeof(dm->config) - width) {
		memcpy(&value, (const uint8_t *)&dm->config + offset, width);
	}
	return value;
}

static void write_device(struct vgt_dm *dm, uint64_t offset, uint32_t width, uint32_t value)
{
	if (!(atomic_load(&dm->status) & VIRTIO_STATUS_FEATURES_OK)) {
		misuse(dm, "the device's configuration is written before FEATURES_OK");
	}
	if (offset != offsetof(struct virtio_gpu_config, events_clear) || width != 4) {
		misuse(dm, "of the device's configuration other than events_clear is written");
		return;
	}
	dm->config.events_read &= ~value;
}

static void work_eagerly(struct vgt_dm *dm)
{
	if (dm->eager) {
		(void)execute_taken(dm);
		(void)(dm->executor.is_done && ask_executor(dm, VGT_DM_LOOK));
	}
}

/* Takes the mutex itself where it must: a notification alone orders nothing. */
static void notify(struct vgt_dm *dm, uint64_t offset, uint32_t width, uint32_t value)
{
	bool is_good = value < DM_QUEUES && width == 2 &&
		       offset == (uint64_t)dm->queues[value].notify_off * NOTIFY_STEP &&
		       !atomic_load_explicit(&dm->is_resetting, memory_order_relaxed) &&
		       (atomic_load_explicit(&dm->status, memory_order_relaxed) &
			       VIRTIO_STATUS_DRIVER_OK);
	atomic_fetch_add_explicit(&dm->notifications, 1, memory_order_relaxed);
	if (is_good) {
		atomic_store_explicit(
			&dm->queues[value].is_notified, true, memory_order_relaxed);
	}
	if (!is_good || !dm->threaded) {
		pthread_mutex_lock(&dm->mutex);
		if (!is_good) {
			misuse(dm,
				"a notification at a wrong place, of a wrong queue or before "
				"DRIVER_OK");
		} else if (!atomic_load(&dm->is_gone)) {
			take_chains(dm, (uint16_t)value);
			work_eagerly(dm);
		}
		pthread_mutex_unlock(&dm->mutex);
	}
}

/* What is not there reads as this. */
static uint32_t ones(uint32_t width)
{
	return width == 1 || width == 2 ? ALL_ONES >> (32 - 8 * width) : ALL_ONES;
}

uint32_t dm_config_read(void *self, uint32_t offset, uint32_t width)
{
	struct vgt_dm *dm = self;
	uint32_t value = ALL_ONES;
	pthread_mutex_lock(&dm->mutex);
	bool is_right = (width == 1 || width == 2 || width == 4) && offset % width == 0;
	if (!is_right) {
		dm_violation(dm, "config_read() of %u bytes at %u", width, offset);
	} else if (!atomic_load(&dm->is_gone) && offset <= sizeof(dm->config_space) - width) {
		value = 0;
		memcpy(&value, dm->config_space + offset, width);
	} else {
		value = ones(width);
	}
	pthread_mutex_unlock(&dm->mutex);
	return value;
}

uint64_t dm_bar_size(void *self, uint32_t bar)
{
	struct vgt_dm *dm = self;
	pthread_mutex_lock(&dm->mutex);
	if (bar > 5) {
		dm_violation(dm, "bar_size() of BAR %u", bar);
	}
	uint64_t size = bar > 5 ? 0 : dm->bar_sizes[bar];
	pthread_mutex_unlock(&dm->mutex);
	return size;
}

/* What the contract of the platform forbids, whatever the configuration space says. */
static bool is_in_bar(struct vgt_dm *dm, uint32_t bar, uint64_t offset, uint32_t width)
{
	bool ok = bar <= 5 && (width == 1 || width == 2 || width == 4) && offset % width == 0 &&
		  dm->bar_sizes[bar] >= width && offset <= dm->bar_sizes[bar] - width;
	if (!ok) {
		dm_violation(dm, "access to BAR %u at 0x%llx, %u bytes", bar,
			(unsigned long long)offset, width);
	}
	return ok;
}

static uint32_t read_register(struct vgt_dm *dm, uint64_t offset, uint32_t width)
{
	uint64_t within = offset % REGION_SIZE;
	switch (offset - within) {
	case COMMON_OFFSET:
		if (width != width_of(within)) {
			misuse(dm, "a register is read at a wrong place or width");
			return 0;
		}
		return within == DEVICE_STATUS ? read_status(dm) : read_common(dm, within);
	case ISR_OFFSET: {
		uint8_t isr = dm->isr;
		dm->isr = 0;
		return within == 0 ? isr : 0;
	}
	case DEVICE_OFFSET:
		return read_device(dm, within, width);
	default:
		misuse(dm, "a register is read where there is none");
		return 0;
	}
}

uint32_t dm_bar_read(void *self, uint32_t bar, uint64_t offset, uint32_t width)
{
	struct vgt_dm *dm = self;
	uint32_t value = ones(width);
	if (atomic_load_explicit(&dm->is_gone, memory_order_relaxed)) {
		return value;
	}
	if (bar == MODEL_BAR && offset == COMMON_OFFSET + DEVICE_STATUS && width == 1 &&
		(atomic_load_explicit(&dm->status, memory_order_relaxed) &
			VIRTIO_STATUS_DRIVER_OK)) {
		return read_status(dm);
	}
	pthread_mutex_lock(&dm->mutex);
	if (is_in_bar(dm, bar, offset, width)) {
		value = bar == MODEL_BAR ? read_register(dm, offset, width) : 0;
		bool is_status = bar == MODEL_BAR && offset == COMMON_OFFSET + DEVICE_STATUS;
		dm->features_seen |= is_status && (value & VIRTIO_STATUS_FEATURES_OK);
	}
	pthread_mutex_unlock(&dm->mutex);
	return value;
}

static void write_register(struct vgt_dm *dm, uint64_t offset, uint32_t width, uint32_t value)
{
	uint64_t within = offset % REGION_SIZE;
	switch (offset - within) {
	case COMMON_OFFSET:
		if (width != width_of(within)) {
			misuse(dm, "a register is written at a wrong place or width");
		} else {
			write_common(dm, within, value);
		}
		return;
	case DEVICE_OFFSET:
		write_device(dm, within, width, value);
		return;
	default:
		misuse(dm, "a register is written where there is none");
	}
}

void dm_bar_write(void *self, uint32_t bar, uint64_t offset, uint32_t width, uint32_t value)
{
	struct vgt_dm *dm = self;
	if (atomic_load_explicit(&dm->is_gone, memory_order_relaxed)) {
		return;
	}
	if (bar == MODEL_BAR && offset >= NOTIFY_OFFSET &&
		offset + width <= dm->bar_sizes[MODEL_BAR]) {
		notify(dm, offset - NOTIFY_OFFSET, width, value);
		return;
	}
	pthread_mutex_lock(&dm->mutex);
	if (is_in_bar(dm, bar, offset, width) && bar == MODEL_BAR) {
		write_register(dm, offset, width, value);
	}
	pthread_mutex_unlock(&dm->mutex);
}

/* Set up */

static void put_capability(
	uint8_t *space, uint8_t at, uint8_t next, uint8_t type, uint32_t offset, uint32_t size)
{
	const uint8_t head[] = {0x09, next, (uint8_t)(type == 2 || type == 5 ? 20 : 16), type,
		type == 5 ? 0 : MODEL_BAR};
	const uint32_t step = NOTIFY_STEP;
	memcpy(space + at, head, sizeof(head));
	memcpy(space + at + 8, &offset, sizeof(offset));
	memcpy(space + at + 12, &size, sizeof(size));
	if (type == 2) {
		memcpy(space + at + 16, &step, sizeof(step));
	}
}

/* Section 4.1.2 and 4.1.4; the list begins with one that is none of virtio's, as QEMU's does.
 */
static void fill_config_space(uint8_t *space)
{
	static const uint8_t start[] = {
		0xf4, 0x1a, 0x50, 0x10, 0x06, 0x00, 0x10, 0x00, 0x01, 0x00, 0x80, 0x03};
	static const uint8_t msix[] = {0x11, 0x84, 0x02, 0x00, 0x01};
	memcpy(space, start, sizeof(start));
	space[0x20] = 0x0c; /* BAR 4: memory of 64 bits */
	space[0x2c] = 0xf4;
	space[0x2d] = 0x1a;
	space[0x2e] = 0x00;
	space[0x2f] = 0x11;
	space[0x34] = 0x98;
	memcpy(space + 0x98, msix, sizeof(msix));
	put_capability(space, 0x84, 0x70, 5, 0, 0);
	put_capability(space, 0x70, 0x60, 2, NOTIFY_OFFSET, REGION_SIZE);
	put_capability(space, 0x60, 0x50, 4, DEVICE_OFFSET, REGION_SIZE);
	put_capability(space, 0x50, 0x40, 3, ISR_OFFSET, REGION_SIZE);
	put_capability(space, 0x40, 0x00, 1, COMMON_OFFSET, REGION_SIZE);
}

/* Whether there may be anything to do; without the mutex, so that only the rings order what the
 * driver and the device do to memory. */
static bool has_work(struct vgt_dm *dm)
{
	bool any = dm->polls;
	for (uint32_t i = 0; i < DM_QUEUES; i++) {
		any |= atomic_load_explicit(&dm->queues[i].is_notified, memory_order_relaxed);
	}
	return any;
}

static void *device_thread(void *argument)
{
	struct vgt_dm *dm = argument;
	const struct timespec idle = {.tv_nsec = IDLE_NS};
	bool any = false;
	while (!atomic_load_explicit(&dm->stop, memory_order_relaxed)) {
		if (any || has_work(dm)) {
			pthread_mutex_lock(&dm->mutex);
			any = dm_step(dm) || count_chains(dm, DM_CHAIN_HELD) > 0;
			pthread_mutex_unlock(&dm->mutex);
		}
		if (!any) {
			nanosleep(&idle, NULL);
		}
	}
	return NULL;
}

static uint16_t or_else(uint16_t value, uint16_t otherwise)
{
	return value ? value : otherwise;
}

static void init_device(struct vgt_dm *dm, const struct vgt_dm_options *options)
{
	uint64_t all = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
		       VIRTIO_GPU_F_VIRGL | VIRTIO_GPU_F_EDID | VIRTIO_GPU_F_CONTEXT_INIT;
	dm->threaded = options->threaded;
	dm->polls = options->polls;
	dm->eager = options->eager;
	dm->offered = options->features ? options->features : all;
	dm->config.num_scanouts = options->num_scanouts ? options->num_scanouts : 1;
	dm->config.num_capsets = 2;
	dm->bar_sizes[MODEL_BAR] = BAR_SIZE;
	dm->queues[0].size_max = or_else(options->control_size, 256);
	dm->queues[1].size_max = or_else(options->cursor_size, 16);
	for (uint16_t i = 0; i < DM_QUEUES; i++) {
		dm->queues[i].notify_off = i;
		dm->queues[i].size = dm->queues[i].size_max;
		dm->queue_vector[i] = NO_VECTOR;
	}
	dm->config_vector = NO_VECTOR;
	fill_config_space(dm->config_space);
}

static void init_executor(struct vgt_dm *dm, const struct vgt_dm_options *options)
{
	if (options->executor) {
		dm->executor = *options->executor;
		return;
	}
	struct vgt_dm_gpu_options gpu = {.num_scanouts = dm->config.num_scanouts,
		.num_capsets = dm->config.num_capsets,
		.no_string_marker = options->no_string_marker};
	dm->gpu = vgt_dm_gpu_create(&gpu);
	dm->executor = vgt_dm_gpu_executor(dm->gpu);
}

struct vgt_dm *vgt_dm_create(const struct vgt_dm_options *options)
{
	static const struct vgt_dm_options none;
	struct vgt_dm *dm = dm_must(calloc(1, sizeof(*dm)));
	pthread_mutex_init(&dm->mutex, NULL);
	pthread_mutex_init(&dm->violation_mutex, NULL);
	dm_host_init(dm);
	init_device(dm, options ? options : &none);
	init_executor(dm, options ? options : &none);
	if (dm->threaded && pthread_create(&dm->thread, NULL, device_thread, dm) != 0) {
		abort();
	}
	return dm;
}

void vgt_dm_destroy(struct vgt_dm *dm)
{
	if (!dm) {
		return;
	}
	if (dm->threaded) {
		atomic_store(&dm->stop, true);
		pthread_join(dm->thread, NULL);
	}
	forget_chains(dm);
	vgt_dm_gpu_destroy(dm->gpu);
	vgt_dm_forget_violations(dm);
	dm_host_finish(dm);
	free(dm->log);
	pthread_mutex_destroy(&dm->violation_mutex);
	pthread_mutex_destroy(&dm->mutex);
	free(dm);
}

/* What tests ask and tell */

bool vgt_dm_step(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	bool any = dm_step(dm);
	pthread_mutex_unlock(&dm->mutex);
	return any;
}

uint32_t vgt_dm_violations(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->violation_mutex);
	uint32_t count = dm->violation_count;
	pthread_mutex_unlock(&dm->violation_mutex);
	return count;
}

const char *vgt_dm_violation(struct vgt_dm *dm, uint32_t index)
{
	pthread_mutex_lock(&dm->violation_mutex);
	const char *text = index < sizeof(dm->violations) / sizeof(dm->violations[0])
				   ? dm->violations[index]
				   : NULL;
	pthread_mutex_unlock(&dm->violation_mutex);
	return text;
}

void vgt_dm_forget_violations(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->violation_mutex);
	for (size_t i = 0; i < sizeof(dm->violations) / sizeof(dm->violations[0]); i++) {
		free(dm->violations[i]);
		dm->violations[i] = NULL;
	}
	dm->violation_count = 0;
	pthread_mutex_unlock(&dm->violation_mutex);
}

struct vgt_dm_gpu *vgt_dm_gpu(struct vgt_dm *dm)
{
	return dm->gpu;
}

uint32_t vgt_dm_log_size(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	uint32_t size = dm->log_size;
	pthread_mutex_unlock(&dm->mutex);
	return size;
}

struct vgt_dm_entry vgt_dm_log(struct vgt_dm *dm, uint32_t index)
{
	struct vgt_dm_entry entry = {0};
	pthread_mutex_lock(&dm->mutex);
	if (index < dm->log_size) {
		entry = dm->log[index];
	}
	pthread_mutex_unlock(&dm->mutex);
	return entry;
}

uint32_t vgt_dm_log_count(struct vgt_dm *dm, uint32_t type)
{
	uint32_t count = 0;
	pthread_mutex_lock(&dm->mutex);
	for (uint32_t i = 0; i < dm->log_size; i++) {
		count += dm->log[i].type == type;
	}
	pthread_mutex_unlock(&dm->mutex);
	return count;
}

void vgt_dm_forget_log(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	dm->log_size = 0;
	for (struct dm_chain *chain = dm->chains; chain; chain = chain->next) {
		chain->entry = UINT32_MAX;
	}
	pthread_mutex_unlock(&dm->mutex);
}

uint64_t vgt_dm_notifications(struct vgt_dm *dm)
{
	return atomic_load(&dm->notifications);
}

uint64_t vgt_dm_resets(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	uint64_t resets = dm->resets;
	pthread_mutex_unlock(&dm->mutex);
	return resets;
}

uint32_t vgt_dm_in_flight(struct vgt_dm *dm)
{
	uint32_t count = 0;
	pthread_mutex_lock(&dm->mutex);
	for (const struct dm_chain *chain = dm->chains; chain; chain = chain->next) {
		count++;
	}
	pthread_mutex_unlock(&dm->mutex);
	return count;
}

void vgt_dm_set_fences(struct vgt_dm *dm, enum vgt_dm_fences policy, uint32_t steps)
{
	pthread_mutex_lock(&dm->mutex);
	dm->fences = policy;
	dm->fence_steps = steps;
	if (policy == VGT_DM_FENCES_AT_ONCE) {
		(void)answer_some(dm, DM_CHAIN_HELD, UINT32_MAX, false);
	}
	pthread_mutex_unlock(&dm->mutex);
}

uint32_t vgt_dm_held(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	uint32_t count = count_chains(dm, DM_CHAIN_HELD);
	pthread_mutex_unlock(&dm->mutex);
	return count;
}

static uint32_t answer_locked(
	struct vgt_dm *dm, enum dm_chain_state state, uint32_t count, bool newest)
{
	pthread_mutex_lock(&dm->mutex);
	uint32_t answered = answer_some(dm, state, count, newest);
	pthread_mutex_unlock(&dm->mutex);
	return answered;
}

uint32_t vgt_dm_release(struct vgt_dm *dm, uint32_t count)
{
	return answer_locked(dm, DM_CHAIN_HELD, count, false);
}

uint32_t vgt_dm_release_newest(struct vgt_dm *dm, uint32_t count)
{
	return answer_locked(dm, DM_CHAIN_HELD, count, true);
}

uint32_t vgt_dm_answer_late(struct vgt_dm *dm)
{
	return answer_locked(dm, DM_CHAIN_KEPT, UINT32_MAX, false);
}

void vgt_dm_plant(struct vgt_dm *dm, enum vgt_dm_fault fault, const struct vgt_dm_plan *plan)
{
	pthread_mutex_lock(&dm->mutex);
	dm->faults[fault].plan = plan ? *plan : (struct vgt_dm_plan){0};
	pthread_mutex_unlock(&dm->mutex);
}

uint32_t vgt_dm_struck(struct vgt_dm *dm, enum vgt_dm_fault fault)
{
	pthread_mutex_lock(&dm->mutex);
	uint32_t struck = dm->faults[fault].struck;
	pthread_mutex_unlock(&dm->mutex);
	return struck;
}

void vgt_dm_ask_reset(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	stop_until_reset(dm);
	pthread_mutex_unlock(&dm->mutex);
}

void vgt_dm_vanish(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	vanish(dm);
	pthread_mutex_unlock(&dm->mutex);
}

void vgt_dm_patch_config_space(struct vgt_dm *dm, uint32_t offset, uint8_t value)
{
	pthread_mutex_lock(&dm->mutex);
	dm->config_space[offset % sizeof(dm->config_space)] = value;
	dm->is_damaged = true;
	pthread_mutex_unlock(&dm->mutex);
}

uint32_t vgt_dm_capability(struct vgt_dm *dm, uint8_t cfg_type)
{
	static const uint8_t at[] = {0, 0x40, 0x70, 0x50, 0x60, 0x84};
	(void)dm;
	return cfg_type < sizeof(at) ? at[cfg_type] : 0;
}

void vgt_dm_set_bar_size(struct vgt_dm *dm, uint32_t bar, uint64_t size)
{
	pthread_mutex_lock(&dm->mutex);
	dm->bar_sizes[bar % 6] = size;
	dm->is_damaged = true;
	pthread_mutex_unlock(&dm->mutex);
}

void vgt_dm_set_features(struct vgt_dm *dm, uint64_t features)
{
	pthread_mutex_lock(&dm->mutex);
	dm->offered = features;
	pthread_mutex_unlock(&dm->mutex);
}

void vgt_dm_set_queue(struct vgt_dm *dm, uint16_t queue, uint16_t size, uint16_t notify_off)
{
	pthread_mutex_lock(&dm->mutex);
	dm->queues[queue % DM_QUEUES].size_max = size;
	dm->queues[queue % DM_QUEUES].size = size;
	dm->queues[queue % DM_QUEUES].notify_off = notify_off;
	pthread_mutex_unlock(&dm->mutex);
}

void vgt_dm_set_num_capsets(struct vgt_dm *dm, uint32_t num_capsets)
{
	pthread_mutex_lock(&dm->mutex);
	dm->config.num_capsets = num_capsets;
	if (dm->gpu) {
		dm_gpu_set_num_capsets(dm->gpu, num_capsets);
	}
	dm->config_generation++;
	interrupt(dm, 2);
	pthread_mutex_unlock(&dm->mutex);
}

void vgt_dm_raise_display_event(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->mutex);
	dm->config.events_read |= 1;
	dm->config_generation++;
	interrupt(dm, 2);
	pthread_mutex_unlock(&dm->mutex);
}
