/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

/*
 * Every state that a small queue can get into is visited, and in each all that driver and
 * device may do next, and all that the device must not. Beside the queue there is a reference:
 * the chains in flight as a plain list.
 */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define SIZE_MAX_HERE 8u

/* The queue's functions, so that broken ones can take their place. */
struct functions {
	bool (*add)(struct vgt_virtqueue *queue, const struct vgt_segment *segments,
		uint32_t readable, uint32_t writable, void *token);
	bool (*add_indirect)(struct vgt_virtqueue *queue, struct virtq_desc *table,
		uint64_t address, const struct vgt_segment *segments, uint32_t readable,
		uint32_t writable, void *token);
	bool (*publish)(struct vgt_virtqueue *queue);
	enum vgt_virtqueue_taken (*take)(
		struct vgt_virtqueue *queue, void **token, uint32_t *written);
	void *(*reclaim)(struct vgt_virtqueue *queue);
};

static const struct functions sound = {
	.add = vgt_virtqueue_add,
	.add_indirect = vgt_virtqueue_add_indirect,
	.publish = vgt_virtqueue_publish,
	.take = vgt_virtqueue_take,
	.reclaim = vgt_virtqueue_reclaim,
};

enum chain_state { NOT_THERE, ADDED, SHOWN, ANSWERED };

struct chain {
	enum chain_state state;
	bool indirect;
	uint16_t head;
	uint16_t readable, writable; /* segments */
	uint32_t bytes;              /* writable ones */
	uint32_t written;            /* as it was answered */
};

/* Queue, memory and reference together: copied to come back to a state. */
struct world {
	struct vgt_virtqueue queue;
	struct vgt_virtqueue_slot slots[SIZE_MAX_HERE + 1];
	union {
		struct virtq_desc desc[SIZE_MAX_HERE];
		unsigned char bytes[256];
	} rings;
	struct virtq_desc tables[SIZE_MAX_HERE][SIZE_MAX_HERE + 1];
	struct chain chains[SIZE_MAX_HERE];
	/* chains by number: added and not published, answered and not taken, in order */
	uint8_t added[SIZE_MAX_HERE], answered[SIZE_MAX_HERE];
	uint8_t added_count, shown_count, answered_count;
	uint16_t avail_index, used_index; /* as the device has them */
	uint32_t chains_so_far;
};

static struct world world; /* the queue's pointers lead into it */
static const struct functions *functions;
static jmp_buf is_wrong;
static const char *what_is_wrong;

static void must(bool holds, const char *what)
{
	if (!holds) {
		what_is_wrong = what;
		longjmp(is_wrong, 1);
	}
}

/* The device's view of the rings, by the specification. */

static uint16_t *avail_ring(void)
{
	return (void *)(world.rings.bytes + vgt_virtqueue_layout(world.queue.size).avail);
}

static uint16_t *used_ring(void)
{
	return (void *)(world.rings.bytes + vgt_virtqueue_layout(world.queue.size).used);
}

static uint16_t *avail_event(void)
{
	return used_ring() + 2 + 4 * world.queue.size;
}

static struct virtq_used_elem *used_entry(uint16_t index)
{
	return (struct virtq_used_elem *)(void *)(used_ring() + 2) + index % world.queue.size;
}

static void device_writes(uint32_t id, uint32_t length)
{
	*used_entry(world.used_index) = (struct virtq_used_elem){.id = id, .len = length};
	world.used_index++;
	used_ring()[1] = world.used_index;
}

#define TABLE_ADDRESS UINT64_C(0x7f0000000000)

static struct vgt_segment segment_of(const struct chain *chain, uint32_t index)
{
	return (struct vgt_segment){
		.address = (uint64_t)(chain - world.chains + 1) << 32 | index << 12,
		.length = index * 3 + 1,
	};
}

/* Descriptors of the chain itself, and marks them in *used: none may be there already. */
static void check_chain(const struct chain *chain, uint32_t *used)
{
	const struct virtq_desc *table = world.rings.desc;
	uint32_t at = chain->head;
	must(at < world.queue.size, "a head outside of the table");
	if (chain->indirect) {
		const size_t index = (size_t)(chain - world.chains);
		must(!(*used & 1u << at), "a descriptor in two chains");
		*used |= 1u << at;
		must(table[at].flags == VIRTQ_DESC_F_INDIRECT &&
				table[at].addr == TABLE_ADDRESS + index &&
				table[at].len == 16u * (chain->readable + chain->writable),
			"the descriptor of a table");
		table = world.tables[index];
		at = 0;
	}
	for (uint32_t i = 0; i < (uint32_t)chain->readable + chain->writable; i++) {
		const bool last = i + 1u == (uint32_t)chain->readable + chain->writable;
		const struct vgt_segment segment = segment_of(chain, i);
		const uint32_t flags = (i >= chain->readable ? VIRTQ_DESC_F_WRITE : 0) |
				       (last ? 0 : VIRTQ_DESC_F_NEXT);
		must(at < world.queue.size, "a descriptor outside of the table");
		if (!chain->indirect) {
			must(!(*used & 1u << at), "a descriptor in two chains");
			*used |= 1u << at;
		}
		must(table[at].addr == segment.address && table[at].len == segment.length &&
				table[at].flags == flags,
			"a descriptor");
		at = table[at].next;
	}
}

static void check_free(uint32_t used)
{
	uint32_t at = world.queue.free_head;
	uint32_t count = 0;
	for (; count < world.queue.free_count; count++) {
		must(at < world.queue.size && !(used & 1u << at), "the free list");
		used |= 1u << at;
		at = world.slots[at].next;
	}
	must(used == (1u << world.queue.size) - 1, "a descriptor is lost");
}

/* What holds in each state. */
static void check_state(void)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < world.queue.size; i++) {
		const struct chain *const chain = &world.chains[i];
		/* what was answered is the driver's again only when it is taken */
		if (chain->state != NOT_THERE) {
			check_chain(chain, &used);
		}
	}
	check_free(used);
	must(avail_ring()[1] == world.avail_index, "the index that the device sees");
	must(!world.queue.broken, "broken without a reason");
}

/* What driver and device may do. */

static void begin(uint16_t size, bool event_idx)
{
	memset(&world, 0, sizeof(world));
	memset(&world.rings, 0xee, sizeof(world.rings));
	must(vgt_virtqueue_layout(size).size <= sizeof(world.rings), "the layout");
	vgt_virtqueue_init(&world.queue, size, &world.rings, world.slots, event_idx);
	must(avail_ring()[0] == 0 && used_ring()[0] == 0, "flags after the start");
	must(avail_ring()[2 + size] == 0 && *avail_event() == 0, "events after the start");
	/* behind the queue's slots something that looks like a chain */
	world.slots[size] = (struct vgt_virtqueue_slot){
		.token = &world, .writable = UINT32_MAX, .count = 1};
}

static bool try_add(struct chain *chain)
{
	struct vgt_segment segments[SIZE_MAX_HERE + 1];
	const size_t index = (size_t)(chain - world.chains);
	for (uint32_t i = 0; i < COUNT(segments); i++) {
		segments[i] = segment_of(chain, i);
	}
	return chain->indirect ? functions->add_indirect(&world.queue, world.tables[index],
					 TABLE_ADDRESS + index, segments, chain->readable,
					 chain->writable, chain)
			       : functions->add(&world.queue, segments, chain->readable,
					 chain->writable, chain);
}

static void do_add(uint16_t readable, uint16_t writable, bool indirect)
{
	const uint32_t needed = indirect ? 1 : readable + writable;
	const bool fits = needed <= world.queue.free_count &&
			  readable + writable <= world.queue.size && readable + writable > 0;
	uint32_t i = 0;
	while (i < world.queue.size && world.chains[i].state != NOT_THERE) {
		i++;
	}
	/* where there is no chain left, there is no descriptor, and the last chain will do */
	struct chain *const chain = &world.chains[i < world.queue.size ? i : i - 1];
	const struct chain before = *chain;
	*chain = (struct chain){.indirect = indirect,
		.readable = readable,
		.writable = writable,
		.state = ADDED};
	for (uint32_t s = readable; s < (uint32_t)readable + writable; s++) {
		chain->bytes += segment_of(chain, s).length;
	}
	must(try_add(chain) == fits, "what fits is added, nothing else");
	if (!fits) {
		*chain = before;
		return;
	}
	const uint16_t place = (uint16_t)(world.avail_index + world.added_count);
	chain->head = avail_ring()[2 + place % world.queue.size];
	world.added[world.added_count++] = (uint8_t)i;
	world.chains_so_far++;
}

/* What is not agreed on says the opposite. */
static void ask_notification(bool notify)
{
	const bool same = notify == world.queue.event_idx;
	used_ring()[0] = same ? VIRTQ_USED_F_NO_NOTIFY : 0;
	*avail_event() = (uint16_t)(world.avail_index - !same);
}

static void do_publish(bool notify)
{
	ask_notification(notify);
	const bool told = functions->publish(&world.queue);
	must(told == (notify && world.added_count), "whether to notify");
	for (uint32_t i = 0; i < world.added_count; i++) {
		const uint16_t place = world.avail_index++;
		struct chain *const chain = &world.chains[world.added[i]];
		must(avail_ring()[2 + place % world.queue.size] == chain->head,
			"an entry of the available ring");
		chain->state = SHOWN;
		world.shown_count++;
	}
	world.added_count = 0;
	used_ring()[0] = 0;
}

static void do_answer(uint8_t index, uint32_t written)
{
	struct chain *const chain = &world.chains[index];
	chain->state = ANSWERED;
	chain->written = written;
	world.shown_count--;
	world.answered[world.answered_count++] = index;
	device_writes(chain->head, written);
}

static void do_take(void)
{
	void *token = NULL;
	uint32_t written = 0;
	const enum vgt_virtqueue_taken taken = functions->take(&world.queue, &token, &written);
	if (!world.answered_count) {
		must(taken == VGT_VIRTQUEUE_NOTHING, "nothing is taken where nothing is");
		must(!world.queue.event_idx ||
				avail_ring()[2 + world.queue.size] == world.used_index,
			"the answer at which the device interrupts");
		return;
	}
	struct chain *const chain = &world.chains[world.answered[0]];
	must(taken == VGT_VIRTQUEUE_TAKEN && token == chain && written == chain->written,
		"the oldest answer is taken");
	chain->state = NOT_THERE;
	world.answered_count--;
	memmove(world.answered, world.answered + 1, world.answered_count);
}

/* What ends in each state; afterwards the state is as before. */

static void reclaim_all(void)
{
	for (;;) {
		struct chain *const chain = functions->reclaim(&world.queue);
		if (!chain) {
			break;
		}
		must(chain->state != NOT_THERE, "a token came back twice");
		chain->state = NOT_THERE;
	}
	for (uint32_t i = 0; i < world.queue.size; i++) {
		must(world.chains[i].state == NOT_THERE, "a token did not come back");
	}
	must(world.queue.free_count == world.queue.size, "a descriptor is lost by reclaim");
	struct chain more = {.readable = 1};
	must(!try_add(&more), "added to what was reclaimed");
}

static void must_be_broken(const char *what)
{
	void *token;
	uint32_t written;
	/* what was answered well before is taken; not where the index alone shows what is wrong
	 */
	while (world.answered_count && world.shown_count) {
		do_take();
	}
	must(functions->take(&world.queue, &token, &written) == VGT_VIRTQUEUE_BROKEN, what);
	used_ring()[1] = (uint16_t)world.queue.taken;
	must(functions->take(&world.queue, &token, &written) == VGT_VIRTQUEUE_BROKEN,
		"it stays broken");
	struct chain more = {.readable = 1};
	must(!try_add(&more), "added to what is broken");
	more.indirect = true;
	must(!functions->publish(&world.queue), "published what is broken");
	reclaim_all();
}

static bool is_shown_head(uint32_t id)
{
	for (uint32_t i = 0; i < world.queue.size; i++) {
		if (world.chains[i].state == SHOWN && world.chains[i].head == id) {
			return true;
		}
	}
	return false;
}

static void check_wrong_ids(const struct world *before)
{
	for (uint32_t i = 0; i < 4 * SIZE_MAX_HERE; i++) {
		const uint32_t base = (const uint32_t[]){
			0, UINT32_C(1) << 16, UINT32_C(1) << 31, 0u - SIZE_MAX_HERE}[i % 4];
		const uint32_t id = base + i / 4;
		if (!is_shown_head(id)) {
			device_writes(id, 0);
			must_be_broken("an id of no chain in flight");
			world = *before;
		}
	}
}

static void check_wrong_lengths(const struct world *before)
{
	for (uint32_t i = 0; i < world.queue.size; i++) {
		const struct chain *const chain = &world.chains[i];
		const uint32_t wrong[] = {chain->bytes + 1, chain->bytes + 65536, UINT32_MAX};
		for (uint32_t k = 0; k < COUNT(wrong) && chain->state == SHOWN; k++) {
			device_writes(chain->head, wrong[k]);
			must_be_broken("more written than is writable");
			world = *before;
		}
	}
}

/* The used index `ahead` of what has been taken. */
static void check_wrong_index(const struct world *before, uint32_t ahead)
{
	const uint32_t outstanding = world.shown_count + world.answered_count;
	if (ahead > outstanding && ahead < 65536) {
		used_ring()[1] = (uint16_t)(world.queue.taken + ahead);
		world.answered_count = 0;
		must_be_broken("a used index that is too far ahead");
		world = *before;
	}
}

static void check_wrong_indexes(const struct world *before, bool all)
{
	for (uint32_t ahead = 1; all && ahead < 65536; ahead++) {
		check_wrong_index(before, ahead);
	}
	for (uint32_t ahead = 1; ahead <= 2 * SIZE_MAX_HERE; ahead++) {
		check_wrong_index(before, ahead);
		check_wrong_index(before, 65536 - ahead);
		check_wrong_index(before, UINT32_C(1) << ahead);
	}
}

/* An avail_event `ahead` of what has been shown: told is who adds that entry. */
static void check_event(const struct world *before, uint32_t ahead)
{
	*avail_event() = (uint16_t)(world.avail_index + ahead);
	must(functions->publish(&world.queue) == ((uint16_t)ahead < world.added_count),
		"whether to notify at this event");
	world = *before;
}

static void check_events(const struct world *before, bool all)
{
	if (!world.queue.event_idx) {
		return;
	}
	for (uint32_t ahead = 0; all && ahead < 65536; ahead++) {
		check_event(before, ahead);
	}
	for (uint32_t ahead = 0; ahead <= 2 * SIZE_MAX_HERE; ahead++) {
		check_event(before, ahead);
		check_event(before, 65535 - ahead);
		check_event(before, 32760 + ahead);
	}
}

/* Everything is answered and taken, though the device overwrites what it was given. */
static void check_drain(const struct world *before)
{
	do_publish(true);
	for (uint8_t i = 0; i < world.queue.size; i++) {
		if (world.chains[i].state == SHOWN) {
			do_answer(i, world.chains[i].bytes);
		}
	}
	memset(world.rings.bytes, 0xff, vgt_virtqueue_layout(world.queue.size).used);
	while (world.answered_count) {
		do_take();
	}
	do_take();
	check_free(0);
	*avail_ring() = 0;
	do_add(world.queue.size, 0, false);
	do_add(1, 0, false);
	do_publish(true);
	check_state();
	world = *before;
}

static void check_what_ends(bool all)
{
	const struct world before = world;
	check_drain(&before);
	reclaim_all();
	world = before;
	check_wrong_ids(&before);
	check_wrong_lengths(&before);
	check_wrong_indexes(&before, all);
	check_events(&before, all);
	do_publish(false);
	world = before;
}

/* The states that have been seen, as hashes. */

static struct {
	uint64_t *hashes; /* 0: free */
	size_t size, count;
} seen;

static size_t find_seen(uint64_t hash)
{
	size_t at = hash & (seen.size - 1);
	while (seen.hashes[at] && seen.hashes[at] != hash) {
		at = (at + 1) & (seen.size - 1);
	}
	return at;
}

static void grow_seen(void)
{
	uint64_t *const old = seen.hashes;
	const size_t old_size = seen.size;
	seen.size = old_size ? old_size * 2 : 1024;
	seen.hashes = calloc(seen.size, sizeof(*seen.hashes));
	assert_non_null(seen.hashes);
	for (size_t i = 0; i < old_size; i++) {
		if (old[i]) {
			seen.hashes[find_seen(old[i])] = old[i];
		}
	}
	free(old);
}

/*
 * What makes a state: the indexes, the free list and every chain with its descriptors in order.
 * Tokens and addresses do not belong to it.
 */
static uint64_t hash_state(void)
{
	uint8_t key[16 + 8 * SIZE_MAX_HERE];
	size_t size = 0;
	key[size++] = (uint8_t)world.chains_so_far;
	key[size++] = world.shown_count;
	key[size++] = world.added_count;
	key[size++] = world.answered_count;
	for (uint32_t at = world.queue.free_head, i = 0; i < world.queue.free_count; i++) {
		key[size++] = (uint8_t)at;
		at = world.slots[at].next;
	}
	for (uint32_t i = 0; i < world.added_count; i++) {
		key[size++] = (uint8_t)world.chains[world.added[i]].head;
	}
	for (uint32_t i = 0; i < world.answered_count; i++) {
		const struct chain *const chain = &world.chains[world.answered[i]];
		key[size++] = (uint8_t)chain->head;
		key[size++] = (uint8_t)chain->written;
	}
	uint8_t by_head[SIZE_MAX_HERE][4] = {{0}};
	for (uint32_t i = 0; i < world.queue.size; i++) {
		const struct chain *const chain = &world.chains[i];
		uint32_t at = chain->head;
		if (chain->state == NOT_THERE) {
			continue;
		}
		by_head[chain->head][0] = (uint8_t)chain->state;
		by_head[chain->head][1] = (uint8_t)(chain->readable | chain->indirect << 7);
		by_head[chain->head][2] = (uint8_t)chain->writable;
		for (uint32_t k = 0; !chain->indirect && k < world.slots[chain->head].count;
			k++) {
			by_head[at][3] = (uint8_t)(world.slots[at].next + 1);
			at = world.slots[at].next;
		}
	}
	memcpy(key + size, by_head, sizeof(by_head));
	size += sizeof(by_head);
	return XXH3_64bits(key, size) | 1;
}

/* True where the state is new. */
static bool remember(void)
{
	if (2 * (seen.count + 1) > seen.size) {
		grow_seen();
	}
	const uint64_t hash = hash_state();
	const size_t at = find_seen(hash);
	if (seen.hashes[at]) {
		return false;
	}
	seen.hashes[at] = hash;
	seen.count++;
	return true;
}

struct states {
	struct world *worlds;
	size_t count, capacity;
};

static void push(struct states *states)
{
	check_state();
	if (!remember()) {
		return;
	}
	if (states->count == states->capacity) {
		states->capacity = states->capacity ? states->capacity * 2 : 64;
		states->worlds =
			realloc(states->worlds, states->capacity * sizeof(*states->worlds));
		assert_non_null(states->worlds);
	}
	states->worlds[states->count++] = world;
}

static void push_add(
	struct states *next, const struct world *from, uint16_t count, bool indirect)
{
	/* one of a single descriptor is for either side */
	for (uint16_t both = 0; both < (count == 1 ? 2 : 1); both++) {
		const uint16_t readable = both ? 1 : count / 2;
		do_add(readable, (uint16_t)(count - readable), indirect);
		push(next);
		world = *from;
	}
}

/* All that may come after this state. */
static void push_next(struct states *next, const struct world *from, uint32_t chains_max)
{
	for (uint16_t count = 0; count <= from->queue.size + 1; count++) {
		if (from->chains_so_far < chains_max || count > from->queue.free_count) {
			push_add(next, from, count, false);
		}
		const bool some = count <= 1 || count >= from->queue.size;
		if (some && (from->chains_so_far < chains_max || count > from->queue.size)) {
			push_add(next, from, count, true);
		}
	}
	do_publish(true);
	push(next);
	world = *from;
	do_take();
	push(next);
	world = *from;
	for (uint8_t i = 0; i < from->queue.size; i++) {
		for (uint32_t all = 0; all < 2 && from->chains[i].state == SHOWN; all++) {
			do_answer(i, all ? from->chains[i].bytes : 0);
			push(next);
			world = *from;
		}
	}
}

struct extent {
	uint16_t size;
	uint32_t begin;  /* chains that have gone through before */
	uint32_t chains; /* that may be added from there on */
	uint32_t steps;
	bool event_idx;
};

static void go_to_begin(const struct extent *extent)
{
	begin(extent->size, extent->event_idx);
	for (uint32_t i = 0; i < extent->begin; i++) {
		do_add(0, 1, false);
		do_publish(true);
		do_answer(0, 1);
		do_take();
	}
	world.chains_so_far = 0;
}

/* NULL, or what is wrong. */
static const char *explore(const struct functions *with, const struct extent *extent)
{
	struct states now = {.count = 0};
	struct states next = {.count = 0};
	struct states *volatile a = &now;
	struct states *volatile b = &next;
	functions = with;
	what_is_wrong = NULL;
	if (setjmp(is_wrong) == 0) {
		go_to_begin(extent);
		push(a);
		for (uint32_t step = 0; step < extent->steps && a->count; step++) {
			for (size_t i = 0; i < a->count; i++) {
				world = a->worlds[i];
				check_what_ends(seen.count < 20);
				push_next(b, &a->worlds[i], extent->chains);
			}
			struct states *const done = a;
			done->count = 0;
			a = b;
			b = done;
		}
	}
	if (!what_is_wrong) {
		print_message("size %u from chain %u on%s: %zu states%s\n", extent->size,
			extent->begin, extent->event_idx ? ", event_idx" : "", seen.count,
			a->count ? ", and more behind them" : "");
	}
	free(now.worlds);
	free(next.worlds);
	free(seen.hashes);
	memset(&seen, 0, sizeof(seen));
	return what_is_wrong;
}

static void explore_sound(const struct extent *extent)
{
	const char *const wrong = explore(&sound, extent);
	if (wrong) {
		fail_msg("size %u, from chain %u on: %s", extent->size, extent->begin, wrong);
	}
}

static void test_all_states(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		for (uint32_t before = 0; before <= 6; before++) {
			const uint32_t begin = 65536 - before;
			explore_sound(
				&(const struct extent){1, begin, 6, UINT32_MAX, event_idx});
			explore_sound(
				&(const struct extent){2, begin, 6, UINT32_MAX, event_idx});
		}
		explore_sound(&(const struct extent){8, 65535, 8, 5, event_idx});
	}
	explore_sound(&(const struct extent){4, 65534, 4, UINT32_MAX, true});
}

/* Positive controls: queues with a fault each, made of the sound one by lying to it. */

static bool publish_wraps_at_size(struct vgt_virtqueue *queue)
{
	const bool notify = vgt_virtqueue_publish(queue);
	queue->avail[1] &= (uint16_t)(queue->size - 1);
	return notify;
}

static bool publish_always_notifies(struct vgt_virtqueue *queue)
{
	const bool any = queue->published != queue->added;
	return vgt_virtqueue_publish(queue) || any;
}

static bool publish_heeds_flags(struct vgt_virtqueue *queue)
{
	return vgt_virtqueue_publish(queue) && !queue->used[0];
}

/* event < old instead of event <= old ... */
static bool publish_event_too_early(struct vgt_virtqueue *queue)
{
	*avail_event() -= 1;
	return vgt_virtqueue_publish(queue);
}

/* ... and event <= new instead of event < new */
static bool publish_event_too_late(struct vgt_virtqueue *queue)
{
	const bool any = queue->published != queue->added;
	return vgt_virtqueue_publish(queue) ||
	       (any && *avail_event() == (uint16_t)queue->published);
}

static bool publish_event_without_wrap(struct vgt_virtqueue *queue)
{
	const uint16_t old = (uint16_t)queue->published;
	const bool notify = vgt_virtqueue_publish(queue);
	return notify && *avail_event() >= old;
}

static enum vgt_virtqueue_taken take_does_not_ask(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	uint16_t *const used_event = queue->avail + 2 + queue->size;
	const uint16_t before = *used_event;
	const enum vgt_virtqueue_taken taken = vgt_virtqueue_take(queue, token, written);
	*used_event = before;
	return taken;
}

static enum vgt_virtqueue_taken take_without_index_check(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	const uint16_t index = queue->used[1];
	const uint64_t outstanding = queue->published - queue->taken;
	if ((uint16_t)(index - (uint16_t)queue->taken) > outstanding) {
		queue->used[1] = (uint16_t)(queue->taken + outstanding);
	}
	const enum vgt_virtqueue_taken taken = vgt_virtqueue_take(queue, token, written);
	queue->used[1] = index;
	return taken;
}

static struct virtq_used_elem *next_used(struct vgt_virtqueue *queue)
{
	return (struct virtq_used_elem *)(void *)(queue->used + 2) + queue->taken % queue->size;
}

static enum vgt_virtqueue_taken take_without_length_check(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	struct virtq_used_elem *const elem = next_used(queue);
	if (elem->id < queue->size && elem->len > queue->slots[elem->id].writable) {
		elem->len = queue->slots[elem->id].writable;
	}
	return vgt_virtqueue_take(queue, token, written);
}

static enum vgt_virtqueue_taken take_without_id_check(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	struct virtq_used_elem *const elem = next_used(queue);
	elem->id &= queue->size - 1u;
	return vgt_virtqueue_take(queue, token, written);
}

static enum vgt_virtqueue_taken take_unpublished(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	for (uint32_t i = 0; i < queue->size; i++) {
		queue->slots[i].number = 0;
	}
	return vgt_virtqueue_take(queue, token, written);
}

static enum vgt_virtqueue_taken take_compares_places(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	if (!queue->broken && (queue->used[1] - queue->taken) % queue->size == 0) {
		return VGT_VIRTQUEUE_NOTHING;
	}
	return vgt_virtqueue_take(queue, token, written);
}

static enum vgt_virtqueue_taken take_reads_descriptors(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	for (uint32_t i = 0; i < queue->size; i++) {
		if (queue->slots[i].token && queue->slots[i].count > 1) {
			queue->slots[i].next = queue->desc[i].next & (queue->size - 1);
		}
	}
	return vgt_virtqueue_take(queue, token, written);
}

static enum vgt_virtqueue_taken take_loses_descriptors(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	const uint16_t before = queue->free_count;
	const enum vgt_virtqueue_taken taken = vgt_virtqueue_take(queue, token, written);
	if (queue->free_count > before) {
		queue->free_count = (uint16_t)(before + 1);
	}
	return taken;
}

static bool add_always_direct(struct vgt_virtqueue *queue, struct virtq_desc *table,
	uint64_t address, const struct vgt_segment *segments, uint32_t readable,
	uint32_t writable, void *token)
{
	(void)table;
	(void)address;
	return vgt_virtqueue_add(queue, segments, readable, writable, token);
}

static void *reclaim_nothing(struct vgt_virtqueue *queue)
{
	(void)queue;
	return NULL;
}

static void test_faults_are_found(void **state)
{
	(void)state;
	struct functions broken[16];
	for (size_t i = 0; i < COUNT(broken); i++) {
		broken[i] = sound;
	}
	broken[0].publish = publish_wraps_at_size;
	broken[1].publish = publish_always_notifies;
	broken[2].take = take_without_index_check;
	broken[3].take = take_without_length_check;
	broken[4].take = take_without_id_check;
	broken[5].take = take_unpublished;
	broken[6].take = take_compares_places;
	broken[7].take = take_reads_descriptors;
	broken[8].take = take_loses_descriptors;
	broken[9].add_indirect = add_always_direct;
	broken[10].reclaim = reclaim_nothing;
	broken[11].publish = publish_heeds_flags;
	broken[12].publish = publish_event_too_early;
	broken[13].publish = publish_event_too_late;
	broken[14].publish = publish_event_without_wrap;
	broken[15].take = take_does_not_ask;
	for (size_t i = 0; i < COUNT(broken); i++) {
		const char *const wrong = explore(
			&broken[i], &(const struct extent){2, 65534, 6, UINT32_MAX, i > 10});
		if (!wrong) {
			fail_msg("fault %zu is not found", i);
		}
		print_message("fault %zu: %s\n", i, wrong);
	}
}

/* What a queue is made of, and what is asked of it only once. */

static void test_layout(void **state)
{
	(void)state;
	/* section 2.7: 16 * size, 6 + 2 * size, 6 + 8 * size bytes, aligned to 16, 2 and 4 */
	for (uint32_t size = 1; size <= VGT_VIRTQUEUE_SIZE_MAX; size *= 2) {
		const struct vgt_virtqueue_layout layout = vgt_virtqueue_layout((uint16_t)size);
		assert_int_equal(layout.avail, 16 * size);
		assert_in_range(layout.used, layout.avail + 6 + 2 * size,
			layout.avail + 6 + 2 * size + 3);
		assert_int_equal(layout.used % 4, 0);
		assert_int_equal(layout.size, layout.used + 6 + 8 * size);
	}
}

/* Numbers of descriptors and bytes that only just, or do not, fit into 32 bits. */
static void test_large_numbers(void **state)
{
	(void)state;
	static struct vgt_virtqueue_slot slots[4];
	static struct virtq_desc rings[10];
	assert_true(vgt_virtqueue_layout(4).size <= sizeof(rings));
	const struct vgt_segment segments[] = {{1, 1}, {2, UINT32_MAX}, {3, 2}};
	struct vgt_virtqueue queue;
	vgt_virtqueue_init(&queue, 4, rings, slots, false);
	assert_false(vgt_virtqueue_add(&queue, segments, UINT32_MAX, 2, &queue));
	assert_false(vgt_virtqueue_add(&queue, segments, 2, UINT32_MAX, &queue));
	assert_false(
		vgt_virtqueue_add_indirect(&queue, rings, 0, segments, UINT32_MAX, 2, &queue));
	assert_true(vgt_virtqueue_add(&queue, segments, 1, 2, &queue));
	assert_false(vgt_virtqueue_add(&queue, segments, 1, 2, &queue));
	assert_true(vgt_virtqueue_publish(&queue));
	/* more can be written than the device can say */
	struct virtq_used_elem *const elem = next_used(&queue);
	*elem = (struct virtq_used_elem){.id = queue.avail[2], .len = UINT32_MAX};
	queue.used[1] = 1;
	void *token;
	uint32_t written;
	assert_int_equal(vgt_virtqueue_take(&queue, &token, &written), VGT_VIRTQUEUE_TAKEN);
	assert_ptr_equal(token, &queue);
	assert_int_equal(written, UINT32_MAX);
}

static int group_setup(void **state)
{
	(void)state;
	alarm(300); /* whatever hangs shall fail */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_large_numbers),
		cmocka_unit_test(test_all_states),
		cmocka_unit_test(test_faults_are_found),
	};
	return cmocka_run_group_tests_name("guest_queue", tests, group_setup, NULL);
}
