/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * A device that writes what it likes to the rings, whenever it likes. The bytes choose what the
 * driver adds and what the device writes; a plain list of chains says what is to come of it.
 */

#define QUEUE_MAX    64u
#define SEGMENTS_MAX 8u

struct input {
	const uint8_t *at;
	size_t left;
};

struct chain {
	enum { FREE, ADDED, SHOWN } state;
	uint16_t head, descriptors;
	uint32_t writable;
	struct virtq_desc table[SEGMENTS_MAX];
};

struct device {
	struct vgt_virtqueue queue;
	struct vgt_virtqueue_slot *slots;
	uint8_t *rings;
	struct vgt_virtqueue_layout layout;
	struct chain chains[QUEUE_MAX];
	uint32_t added, shown; /* chains */
	uint16_t avail, taken; /* indexes */
	bool broken;
};

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static uint32_t take(struct input *input, size_t size)
{
	uint32_t value = 0;
	const size_t have = size < input->left ? size : input->left;
	memcpy(&value, input->at, have);
	input->at += have;
	input->left -= have;
	return value;
}

static uint16_t *used_ring(struct device *device)
{
	return (void *)(device->rings + device->layout.used);
}

static struct virtq_used_elem *used_elem(struct device *device, uint32_t ahead)
{
	struct virtq_used_elem *const ring = (void *)(used_ring(device) + 2);
	return &ring[(device->taken + ahead) % device->queue.size];
}

static void begin(struct device *device, uint16_t size, bool event_idx)
{
	memset(device->chains, 0, sizeof(device->chains));
	device->added = 0;
	device->shown = 0;
	device->avail = 0;
	device->taken = 0;
	device->broken = false;
	vgt_virtqueue_init(&device->queue, size, device->rings, device->slots, event_idx);
}

static struct chain *free_chain(struct device *device)
{
	struct chain *chain = device->chains;
	while (chain < device->chains + QUEUE_MAX && chain->state != FREE) {
		chain++;
	}
	return chain < device->chains + QUEUE_MAX ? chain : NULL;
}

static void add(struct device *device, uint32_t choice, uint32_t length)
{
	struct chain *const chain = free_chain(device);
	const uint32_t readable = choice & 7;
	const uint32_t writable = choice >> 3 & 7;
	const bool indirect = choice & 64;
	const uint32_t count = readable + writable;
	if (!chain || count > SEGMENTS_MAX) {
		return;
	}
	struct vgt_segment segments[SEGMENTS_MAX];
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		segments[i] =
			(struct vgt_segment){.address = i + 1, .length = length ? length : 1};
		bytes += i >= readable ? segments[i].length : 0;
	}
	const uint16_t place = (uint16_t)(device->avail + device->added);
	const bool fits = !device->broken && count && count <= device->queue.size &&
			  (indirect ? 1 : count) <= device->queue.free_count;
	must(fits == (indirect ? vgt_virtqueue_add_indirect(&device->queue, chain->table, 1,
					 segments, readable, writable, chain)
			       : vgt_virtqueue_add(
					 &device->queue, segments, readable, writable, chain)));
	if (fits) {
		const uint16_t *const avail = (void *)(device->rings + device->layout.avail);
		chain->state = ADDED;
		chain->head = avail[2 + place % device->queue.size];
		chain->descriptors = (uint16_t)(indirect ? 1 : count);
		chain->writable = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
		device->added++;
	}
}

static bool wants_notification(struct device *device)
{
	const uint16_t event = used_ring(device)[2 + 4 * device->queue.size];
	return device->queue.event_idx ? (uint16_t)(event - device->avail) < device->added
				       : !(used_ring(device)[0] & VIRTQ_USED_F_NO_NOTIFY);
}

static void publish(struct device *device)
{
	const bool wants = wants_notification(device);
	const bool told = vgt_virtqueue_publish(&device->queue);
	must(told == (!device->broken && device->added && wants));
	for (uint32_t i = 0; !device->broken && i < QUEUE_MAX; i++) {
		if (device->chains[i].state == ADDED) {
			device->chains[i].state = SHOWN;
			device->shown++;
			device->avail++;
		}
	}
	if (!device->broken) {
		device->added = 0;
	}
}

/* The chain that this is an answer to; NULL: none. */
static struct chain *answered(struct device *device, struct virtq_used_elem elem)
{
	for (uint32_t i = 0; i < QUEUE_MAX; i++) {
		struct chain *const chain = &device->chains[i];
		if (chain->state == SHOWN && chain->head == elem.id) {
			return elem.len <= chain->writable ? chain : NULL;
		}
	}
	return NULL;
}

static void take_answer(struct device *device)
{
	const uint16_t ahead = (uint16_t)(used_ring(device)[1] - device->taken);
	const struct virtq_used_elem elem = *used_elem(device, 0);
	struct chain *const chain = answered(device, elem);
	enum vgt_virtqueue_taken expected = VGT_VIRTQUEUE_TAKEN;
	if (!ahead && !device->broken) {
		expected = VGT_VIRTQUEUE_NOTHING;
	} else if (device->broken || ahead > device->shown || !chain) {
		expected = VGT_VIRTQUEUE_BROKEN;
		device->broken = true;
	}
	void *token = NULL;
	uint32_t written = 0;
	must(vgt_virtqueue_take(&device->queue, &token, &written) == expected);
	if (expected == VGT_VIRTQUEUE_TAKEN) {
		must(token == chain && written == elem.len);
		chain->state = FREE;
		device->shown--;
		device->taken++;
	}
}

/* The device answers as it should: the chain that is next from `from` on. */
static void answer_well(struct device *device, uint32_t from, uint32_t length)
{
	const uint16_t ahead = (uint16_t)(used_ring(device)[1] - device->taken);
	for (uint32_t i = 0; i < QUEUE_MAX; i++) {
		const struct chain *const chain = &device->chains[(from + i) % QUEUE_MAX];
		if (chain->state == SHOWN) {
			used_elem(device, ahead)->id = chain->head;
			used_elem(device, ahead)->len =
				length < chain->writable ? length : chain->writable;
			used_ring(device)[1]++;
			return;
		}
	}
}

static void check_descriptors(const struct device *device)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < QUEUE_MAX; i++) {
		used += device->chains[i].state == FREE ? 0 : device->chains[i].descriptors;
	}
	must(used + device->queue.free_count == device->queue.size);
}

static void reset(struct device *device, uint16_t size)
{
	struct chain *chain;
	while ((chain = vgt_virtqueue_reclaim(&device->queue))) {
		must(chain->state != FREE);
		chain->state = FREE;
	}
	for (uint32_t i = 0; i < QUEUE_MAX; i++) {
		must(device->chains[i].state == FREE);
	}
	check_descriptors(device);
	begin(device, size, device->queue.event_idx);
}

static void step(struct device *device, struct input *input)
{
	const uint32_t choice = take(input, 1);
	const uint32_t value = take(input, 1);
	switch (choice % 12) {
	case 0:
	case 1:
		add(device, value, choice & 128 ? UINT32_MAX / 2 : choice);
		break;
	case 2:
		publish(device);
		break;
	case 3:
	case 4:
		answer_well(device, value, choice);
		break;
	case 5:
	case 6:
		take_answer(device);
		break;
	case 7:
		used_elem(device, value)->id = take(input, choice & 64 ? 1 : 4);
		break;
	case 8:
		used_elem(device, value)->len = take(input, 4);
		break;
	case 9:
		used_ring(device)[1] = (uint16_t)take(input, 2);
		break;
	case 10:
		/* any byte of the rings, those of the driver, too */
		device->rings[take(input, 2) % device->layout.size] = (uint8_t)value;
		break;
	case 11:
		if (value < 8) {
			reset(device, device->queue.size);
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {.at = bytes, .left = size};
	const uint32_t choice = take(&input, 1);
	const uint16_t length = (uint16_t)(1u << choice % 7);
	struct device *const device = calloc(1, sizeof(*device));
	/* just as long as they must be, so that what lies outside is found */
	device->layout = vgt_virtqueue_layout(length);
	device->rings = malloc(device->layout.size);
	device->slots = malloc(length * sizeof(*device->slots));
	begin(device, length, choice & 128);
	while (input.left) {
		step(device, &input);
		check_descriptors(device);
	}
	reset(device, length);
	free(device->slots);
	free(device->rings);
	free(device);
	return 0;
}
