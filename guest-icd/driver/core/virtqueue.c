/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"

/* The fields in front of the ring, in both avail and used. */
enum {
	RING_FLAGS,
	RING_INDEX,
	RING_ENTRIES,
};

struct vgt_virtqueue_layout vgt_virtqueue_layout(uint16_t size)
{
	/* each ring has one field behind its entries, for VIRTIO_F_EVENT_IDX */
	const uint32_t fields = (RING_ENTRIES + 1) * (uint32_t)sizeof(uint16_t);
	const uint32_t avail = size * (uint32_t)sizeof(struct virtq_desc);
	const uint32_t avail_end = avail + fields + size * (uint32_t)sizeof(uint16_t);
	const uint32_t used = (avail_end + 3) & ~3u;
	return (struct vgt_virtqueue_layout){
		.avail = avail,
		.used = used,
		.size = used + fields + size * (uint32_t)sizeof(struct virtq_used_elem),
	};
}

void vgt_virtqueue_init(struct vgt_virtqueue *queue, uint16_t size, void *rings,
	struct vgt_virtqueue_slot *slots, bool event_idx)
{
	const struct vgt_virtqueue_layout layout = vgt_virtqueue_layout(size);
	unsigned char *bytes = rings;
	__builtin_memset(rings, 0, layout.size);
	*queue = (struct vgt_virtqueue){
		.size = size,
		.free_count = size,
		.event_idx = event_idx,
		.desc = rings,
		.avail = (void *)(bytes + layout.avail),
		.used = (void *)(bytes + layout.used),
		.slots = slots,
	};
	for (uint16_t i = 0; i < size; i++) {
		slots[i] = (struct vgt_virtqueue_slot){.next = (uint16_t)(i + 1)};
	}
}

static uint16_t place(const struct vgt_virtqueue *queue, uint64_t number)
{
	return (uint16_t)(number & (queue->size - 1u));
}

/* At most what the device can say that it has written. */
static uint32_t bytes_of(const struct vgt_segment *segments, uint32_t count)
{
	uint32_t bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (__builtin_add_overflow(bytes, segments[i].length, &bytes)) {
			return UINT32_MAX;
		}
	}
	return bytes;
}

/* Takes `count` descriptors, which there are, from the free ones, linked by slots[].next; they
 * are the next chain to be published. */
static uint16_t begin_chain(
	struct vgt_virtqueue *queue, uint16_t count, uint32_t writable, void *token)
{
	const uint16_t head = queue->free_head;
	for (uint16_t i = 0; i < count; i++) {
		queue->free_head = queue->slots[queue->free_head].next;
	}
	queue->free_count = (uint16_t)(queue->free_count - count);
	queue->slots[head].token = token;
	queue->slots[head].number = queue->added;
	queue->slots[head].writable = writable;
	queue->slots[head].count = count;
	queue->avail[RING_ENTRIES + place(queue, queue->added)] = head;
	queue->added++;
	return head;
}

static void *end_chain(struct vgt_virtqueue *queue, uint16_t head)
{
	const uint16_t count = queue->slots[head].count;
	void *const token = queue->slots[head].token;
	uint16_t tail = head;
	for (uint16_t i = 1; i < count; i++) {
		tail = queue->slots[tail].next;
	}
	queue->slots[tail].next = queue->free_head;
	queue->free_head = head;
	queue->free_count = (uint16_t)(queue->free_count + count);
	queue->slots[head].token = NULL;
	return token;
}

static struct virtq_desc describe(
	const struct vgt_segment *segment, bool write, bool last, uint16_t next)
{
	return (struct virtq_desc){
		.addr = segment->address,
		.len = segment->length,
		.flags = (uint16_t)((write ? VIRTQ_DESC_F_WRITE : 0) |
				    (last ? 0 : VIRTQ_DESC_F_NEXT)),
		.next = last ? 0 : next,
	};
}

/* Both parts of a chain; 0 where it has none or more than `max`. */
static uint16_t chain_length(uint32_t readable, uint32_t writable, uint16_t max)
{
	return readable <= max && writable <= max - readable ? (uint16_t)(readable + writable)
							     : 0;
}

bool vgt_virtqueue_add(struct vgt_virtqueue *queue, const struct vgt_segment *segments,
	uint32_t readable, uint32_t writable, void *token)
{
	const uint16_t count = chain_length(readable, writable, queue->free_count);
	if (queue->broken || !count) {
		return false;
	}
	uint16_t at = begin_chain(queue, count, bytes_of(segments + readable, writable), token);
	for (uint16_t i = 0; i < count; i++) {
		const uint16_t next = queue->slots[at].next;
		queue->desc[at] = describe(&segments[i], i >= readable, i + 1 == count, next);
		at = next;
	}
	return true;
}

bool vgt_virtqueue_add_indirect(struct vgt_virtqueue *queue, struct virtq_desc *table,
	uint64_t address, const struct vgt_segment *segments, uint32_t readable,
	uint32_t writable, void *token)
{
	const uint16_t count = chain_length(readable, writable, queue->size);
	if (queue->broken || !queue->free_count || !count) {
		return false;
	}
	for (uint16_t i = 0; i < count; i++) {
		table[i] = describe(
			&segments[i], i >= readable, i + 1 == count, (uint16_t)(i + 1));
	}
	const uint16_t head =
		begin_chain(queue, 1, bytes_of(segments + readable, writable), token);
	queue->desc[head] = (struct virtq_desc){
		.addr = address,
		.len = count * (uint32_t)sizeof(*table),
		.flags = VIRTQ_DESC_F_INDIRECT,
	};
	return true;
}

/* Behind the entries: the other side's index at which it is told. */
static uint16_t *used_event(const struct vgt_virtqueue *queue)
{
	return queue->avail + RING_ENTRIES + queue->size;
}

static const uint16_t *avail_event(const struct vgt_virtqueue *queue)
{
	const struct virtq_used_elem *const ring = (const void *)(queue->used + RING_ENTRIES);
	return (const void *)(ring + queue->size);
}

bool vgt_virtqueue_publish(struct vgt_virtqueue *queue)
{
	if (queue->broken || queue->published == queue->added) {
		return false;
	}
	const uint16_t old = (uint16_t)queue->published;
	const uint16_t index = (uint16_t)queue->added;
	queue->published = queue->added;
	/* This and what is read next are not moved: the device says what it wants and then
	   looks at the index once more (section 2.7.13.4.1), so that one of both sees the
	   other. */
	__atomic_store_n(&queue->avail[RING_INDEX], index, __ATOMIC_SEQ_CST);
	if (queue->event_idx) {
		const uint16_t event = __atomic_load_n(avail_event(queue), __ATOMIC_SEQ_CST);
		return (uint16_t)(index - event - 1) < (uint16_t)(index - old);
	}
	return !(__atomic_load_n(&queue->used[RING_FLAGS], __ATOMIC_SEQ_CST) &
		 VIRTQ_USED_F_NO_NOTIFY);
}

/* What the device has written at the place of the next answer. */
static struct virtq_used_elem used_elem(const struct vgt_virtqueue *queue)
{
	const struct virtq_used_elem *const ring = (const void *)(queue->used + RING_ENTRIES);
	const struct virtq_used_elem *const elem = &ring[place(queue, queue->taken)];
	return (struct virtq_used_elem){
		.id = __atomic_load_n(&elem->id, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&elem->len, __ATOMIC_RELAXED),
	};
}

static bool is_answer(const struct vgt_virtqueue *queue, struct virtq_used_elem elem)
{
	if (elem.id >= queue->size) {
		return false;
	}
	const struct vgt_virtqueue_slot *const slot = &queue->slots[elem.id];
	return slot->token && slot->number < queue->published && elem.len <= slot->writable;
}

/* How many answers there are to take, as the device says. Where there is none, it is asked to
 * interrupt at the next one, and whether that has come meanwhile. */
static uint16_t answers_ahead(struct vgt_virtqueue *queue)
{
	const uint16_t *const place = &queue->used[RING_INDEX];
	const uint16_t taken = (uint16_t)queue->taken;
	uint16_t index = __atomic_load_n(place, __ATOMIC_ACQUIRE);
	if (queue->event_idx && index == taken) {
		__atomic_store_n(used_event(queue), taken, __ATOMIC_SEQ_CST);
		index = __atomic_load_n(place, __ATOMIC_SEQ_CST);
	}
	return (uint16_t)(index - taken);
}

enum vgt_virtqueue_taken vgt_virtqueue_take(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	if (queue->broken) {
		return VGT_VIRTQUEUE_BROKEN;
	}
	const uint16_t ahead = answers_ahead(queue);
	if (!ahead) {
		return VGT_VIRTQUEUE_NOTHING;
	}
	const struct virtq_used_elem elem = used_elem(queue);
	if (ahead > queue->published - queue->taken || !is_answer(queue, elem)) {
		queue->broken = true;
		return VGT_VIRTQUEUE_BROKEN;
	}
	*token = end_chain(queue, (uint16_t)elem.id);
	*written = elem.len;
	queue->taken++;
	return VGT_VIRTQUEUE_TAKEN;
}

void *vgt_virtqueue_reclaim(struct vgt_virtqueue *queue)
{
	queue->broken = true;
	for (uint16_t i = 0; i < queue->size; i++) {
		if (queue->slots[i].token) {
			return end_chain(queue, i);
		}
	}
	return NULL;
}
