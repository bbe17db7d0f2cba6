/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Two threads, one the driver and one the device, that sleep as virtio says: each asks to be
 * told before it does and looks once more. Where both sleep, something has been lost.
 */

#define RACE_SIZE     8u
#define RACE_REQUESTS 100000u

struct request {
	uint64_t question, answer;
	struct virtq_desc table[2];
};

static struct race {
	struct vgt_virtqueue queue;
	struct vgt_virtqueue_slot slots[RACE_SIZE];
	union {
		struct virtq_desc desc[RACE_SIZE];
		unsigned char bytes[256];
	} rings;
	struct request requests[RACE_SIZE];
	bool (*publish)(struct vgt_virtqueue *queue);
	enum vgt_virtqueue_taken (*take)(
		struct vgt_virtqueue *queue, void **token, uint32_t *written);
	pthread_mutex_t mutex; /* of the next three */
	pthread_cond_t changed;
	bool told[2], asleep[2]; /* by enum side */
	bool stuck;
	uint64_t notifications, interrupts; /* each counted by whom it comes from */
} race;

enum side { DRIVER, DEVICE };

static void race_tell(enum side side)
{
	pthread_mutex_lock(&race.mutex);
	race.told[side] = true;
	pthread_cond_broadcast(&race.changed);
	pthread_mutex_unlock(&race.mutex);
}

/* False where nobody is left to wake this side. */
static bool race_sleep(enum side side)
{
	pthread_mutex_lock(&race.mutex);
	race.asleep[side] = true;
	while (!race.told[side] && !race.stuck) {
		const enum side other = side == DRIVER ? DEVICE : DRIVER;
		if (race.asleep[other] && !race.told[other]) {
			race.stuck = true;
			pthread_cond_broadcast(&race.changed);
		} else {
			pthread_cond_wait(&race.changed, &race.mutex);
		}
	}
	race.asleep[side] = race.told[side] = false;
	const bool goes_on = !race.stuck;
	pthread_mutex_unlock(&race.mutex);
	return goes_on;
}

static bool race_is_asleep(enum side side)
{
	pthread_mutex_lock(&race.mutex);
	const bool is = race.asleep[side] && !race.told[side];
	pthread_mutex_unlock(&race.mutex);
	return is;
}

/* The side has gone: it is asleep for good. */
static void race_leave(enum side side)
{
	pthread_mutex_lock(&race.mutex);
	race.asleep[side] = true;
	race.told[side] = false;
	pthread_cond_broadcast(&race.changed);
	pthread_mutex_unlock(&race.mutex);
}

static uint16_t *used_event(void)
{
	return race.queue.avail + 2 + race.queue.size;
}

static uint16_t *avail_event(void)
{
	return race.queue.used + 2 + 4 * race.queue.size;
}

/* Asks for notifications, and sleeps unless there is something now. */
static bool device_sleeps(uint16_t seen_index)
{
	uint16_t *const flags = &race.queue.used[0];
	bool goes_on = true;
	if (race.queue.event_idx) {
		__atomic_store_n(avail_event(), seen_index, __ATOMIC_SEQ_CST);
	} else {
		__atomic_store_n(flags, 0, __ATOMIC_SEQ_CST);
	}
	if (__atomic_load_n(&race.queue.avail[1], __ATOMIC_SEQ_CST) == seen_index) {
		goes_on = race_sleep(DEVICE);
	}
	if (!race.queue.event_idx) {
		__atomic_store_n(flags, VIRTQ_USED_F_NO_NOTIFY, __ATOMIC_SEQ_CST);
	}
	return goes_on;
}

/* The answers from `old` on are there. */
static void device_interrupts(uint16_t old, uint16_t used_index)
{
	const uint16_t event = __atomic_load_n(used_event(), __ATOMIC_SEQ_CST);
	if (!race.queue.event_idx || (uint16_t)(event - old) < (uint16_t)(used_index - old)) {
		race.interrupts++;
		race_tell(DRIVER);
	}
}

/* The descriptors of a chain of two, wherever they are. */
static uint64_t race_answer(uint16_t head)
{
	const struct virtq_desc *first = &race.rings.desc[head];
	const struct virtq_desc *table = race.rings.desc;
	if (first->flags & VIRTQ_DESC_F_INDIRECT) {
		table = (const void *)(uintptr_t)first->addr;
		first = table;
	}
	const struct virtq_desc *const second = &table[first->next];
	const uint64_t question = *(const uint64_t *)(uintptr_t)first->addr;
	*(uint64_t *)(uintptr_t)second->addr = ~question;
	return question;
}

static void *race_device(void *unused)
{
	(void)unused;
	uint16_t *const avail = race.queue.avail;
	uint16_t *const used = race.queue.used;
	struct virtq_used_elem *const ring = (void *)(used + 2);
	uint16_t seen_index = 0;
	uint16_t used_index = 0;
	uint32_t answered = 0;
	bool goes_on = true;
	while (answered < RACE_REQUESTS && goes_on) {
		const uint16_t index = __atomic_load_n(&avail[1], __ATOMIC_SEQ_CST);
		if (index == seen_index) {
			goes_on = device_sleeps(seen_index);
			continue;
		}
		/* Taken in order, for an answer makes room for a new entry; the newest is
		   answered first. */
		uint16_t heads[RACE_SIZE];
		uint32_t count = 0;
		const uint16_t old = used_index;
		while (seen_index != index) {
			heads[count++] = avail[2 + seen_index++ % RACE_SIZE];
		}
		while (count) {
			const uint16_t head = heads[--count];
			const uint64_t question = race_answer(head);
			ring[used_index % RACE_SIZE].id = head;
			ring[used_index % RACE_SIZE].len = (uint32_t)(question % 8);
			used_index++;
			answered++;
			__atomic_store_n(&used[1], used_index, __ATOMIC_SEQ_CST);
		}
		device_interrupts(old, used_index);
	}
	race_leave(DEVICE);
	return NULL;
}

static bool race_add(uint64_t question)
{
	struct request *request = race.requests;
	while (request < race.requests + RACE_SIZE && request->question) {
		request++;
	}
	if (request == race.requests + RACE_SIZE) {
		return false;
	}
	const struct vgt_segment segments[] = {
		{(uintptr_t)&request->question, sizeof(request->question)},
		{(uintptr_t)&request->answer, sizeof(request->answer)}};
	request->question = question;
	const bool added = question % 3
				   ? vgt_virtqueue_add_indirect(&race.queue, request->table,
					     (uintptr_t)request->table, segments, 1, 1, request)
				   : vgt_virtqueue_add(&race.queue, segments, 1, 1, request);
	if (!added) {
		request->question = 0;
	}
	return added;
}

#define RACE_TAKEN 3u /* at a time, so that more is asked before there is nothing */

static uint64_t race_take(void)
{
	void *token;
	uint32_t written;
	uint64_t count = 0;
	enum vgt_virtqueue_taken taken;
	while (count < RACE_TAKEN && (taken = race.take(&race.queue, &token, &written))) {
		struct request *const request = token;
		assert_int_equal(taken, VGT_VIRTQUEUE_TAKEN);
		assert_int_equal(request->answer, ~request->question);
		assert_int_equal(written, request->question % 8);
		request->question = 0;
		count++;
	}
	return count;
}

static void race_publish(void)
{
	if (race.publish(&race.queue)) {
		race.notifications++;
		race_tell(DEVICE);
	}
}

/* Whether all requests were answered. */
static bool run_race(bool event_idx, bool (*publish)(struct vgt_virtqueue *queue),
	enum vgt_virtqueue_taken (*take)(
		struct vgt_virtqueue *queue, void **token, uint32_t *written))
{
	pthread_t device;
	uint64_t asked = 0;
	uint64_t taken = 0;
	bool goes_on = true;
	race = (struct race){.publish = publish, .take = take};
	assert_true(vgt_virtqueue_layout(RACE_SIZE).size <= sizeof(race.rings));
	vgt_virtqueue_init(&race.queue, RACE_SIZE, &race.rings, race.slots, event_idx);
	pthread_mutex_init(&race.mutex, NULL);
	pthread_cond_init(&race.changed, NULL);
	assert_int_equal(pthread_create(&device, NULL, race_device, NULL), 0);
	while (taken < RACE_REQUESTS && goes_on) {
		while (asked < RACE_REQUESTS && race_add(asked + 1)) {
			asked++;
			if (asked % 2) {
				race_publish();
			}
		}
		race_publish();
		const uint64_t now = race_take();
		taken += now;
		if (now < RACE_TAKEN && taken < asked) {
			goes_on = race_sleep(DRIVER);
		}
	}
	race_leave(DRIVER);
	assert_int_equal(pthread_join(device, NULL), 0);
	assert_int_equal(goes_on, !race.stuck);
	pthread_cond_destroy(&race.changed);
	pthread_mutex_destroy(&race.mutex);
	print_message("%llu requests, %llu notifications, %llu interrupts%s\n",
		(unsigned long long)taken, (unsigned long long)race.notifications,
		(unsigned long long)race.interrupts, goes_on ? "" : ", stuck");
	return taken == RACE_REQUESTS && race.queue.free_count == RACE_SIZE;
}

static void test_two_threads(void **state)
{
	(void)state;
	assert_true(run_race(false, vgt_virtqueue_publish, vgt_virtqueue_take));
	assert_true(run_race(true, vgt_virtqueue_publish, vgt_virtqueue_take));
}

/* Positive controls: the driver goes to sleep, or leaves the device asleep, for ever. */

/* Looks at what the device asks for, and only then shows it what there is. */
static bool publish_looks_first(struct vgt_virtqueue *queue)
{
	const uint16_t event = __atomic_load_n(avail_event(), __ATOMIC_SEQ_CST);
	const uint16_t old = (uint16_t)queue->published;
	while (!race_is_asleep(DEVICE)) {
		sched_yield();
	}
	(void)vgt_virtqueue_publish(queue);
	return (uint16_t)(event - old) < (uint16_t)(queue->published - old);
}

static bool publish_without_wrap(struct vgt_virtqueue *queue)
{
	const uint64_t old = queue->published;
	(void)vgt_virtqueue_publish(queue);
	const uint16_t event = __atomic_load_n(avail_event(), __ATOMIC_SEQ_CST);
	return event >= old && event < queue->published;
}

/* Asks for the interrupt, and does not look again. */
static enum vgt_virtqueue_taken take_looks_first(
	struct vgt_virtqueue *queue, void **token, uint32_t *written)
{
	const uint16_t index = __atomic_load_n(&queue->used[1], __ATOMIC_SEQ_CST);
	if (index == (uint16_t)queue->taken) {
		while (!race_is_asleep(DEVICE)) { /* until it has answered all */
			sched_yield();
		}
		__atomic_store_n(used_event(), index, __ATOMIC_SEQ_CST);
		return VGT_VIRTQUEUE_NOTHING;
	}
	return vgt_virtqueue_take(queue, token, written);
}

static void test_lost_wakeups_are_found(void **state)
{
	(void)state;
	assert_false(run_race(true, publish_looks_first, vgt_virtqueue_take));
	assert_false(run_race(true, publish_without_wrap, vgt_virtqueue_take));
	assert_false(run_race(true, vgt_virtqueue_publish, take_looks_first));
}

/*
 * The driver shows a chain while the device asks for the notification and looks once more: it
 * sees the chain or is told. Processors do move a load in front of a store.
 */

#define ORDER_ROUNDS 100000u
/* times that these are done until something is lost that may be; ThreadSanitizer's atomics are
   calls, with much between them */
#ifdef __SANITIZE_THREAD__
#define ORDER_TRIES 0
#else
#define ORDER_TRIES 100
#endif

static uint32_t order_turn; /* of both, counted on by the driver; the device is done with it */
static uint32_t order_done;
static bool order_seen;

static void wait_for(const uint32_t *turn, uint32_t value)
{
	for (uint32_t spins = 0; __atomic_load_n(turn, __ATOMIC_ACQUIRE) != value; spins++) {
		if (spins % 1024 == 1023) {
			sched_yield();
		}
	}
}

static void *order_device(void *unused)
{
	for (uint32_t i = 1; i <= ORDER_ROUNDS; i++) {
		wait_for(&order_turn, i);
		for (volatile uint32_t pause = 0; pause < i % 32; pause++) {
		}
		__atomic_store_n(avail_event(), (uint16_t)(i - 1), __ATOMIC_SEQ_CST);
		order_seen =
			__atomic_load_n(&race.queue.avail[1], __ATOMIC_SEQ_CST) == (uint16_t)i;
		__atomic_store_n(&order_done, i, __ATOMIC_RELEASE);
	}
	return unused;
}

/* How many chains were neither seen nor told of. */
static uint32_t run_order(bool (*publish)(struct vgt_virtqueue *queue))
{
	const struct vgt_segment segment = {1, 1};
	pthread_t device;
	uint32_t lost = 0;
	order_turn = order_done = 0;
	vgt_virtqueue_init(&race.queue, 1, &race.rings, race.slots, true);
	assert_int_equal(pthread_create(&device, NULL, order_device, NULL), 0);
	for (uint32_t i = 1; i <= ORDER_ROUNDS; i++) {
		void *token;
		uint32_t written;
		assert_true(vgt_virtqueue_add(&race.queue, &segment, 1, 0, &race));
		__atomic_store_n(&order_turn, i, __ATOMIC_RELEASE);
		const bool told = publish(&race.queue);
		wait_for(&order_done, i);
		lost += !told && !order_seen;
		race.queue.used[1] = (uint16_t)i;
		assert_int_equal(
			vgt_virtqueue_take(&race.queue, &token, &written), VGT_VIRTQUEUE_TAKEN);
	}
	assert_int_equal(pthread_join(device, NULL), 0);
	return lost;
}

static bool publish_unordered(struct vgt_virtqueue *queue)
{
	const uint16_t old = (uint16_t)queue->published;
	queue->published = queue->added;
	__atomic_store_n(&queue->avail[1], (uint16_t)queue->published, __ATOMIC_RELEASE);
	const uint16_t event = __atomic_load_n(avail_event(), __ATOMIC_ACQUIRE);
	return event == old;
}

static void test_order(void **state)
{
	(void)state;
	assert_int_equal(run_order(vgt_virtqueue_publish), 0);
	cpu_set_t processors;
	uint32_t lost = 0;
	assert_int_equal(sched_getaffinity(0, sizeof(processors), &processors), 0);
	const int tries = CPU_COUNT(&processors) > 1 ? ORDER_TRIES : 0;
	for (int i = 0; i < tries && !lost; i++) {
		lost = run_order(publish_unordered);
	}
	print_message("without the order %u of %u are lost\n", lost, ORDER_ROUNDS);
	assert_true(lost || !tries);
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
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_lost_wakeups_are_found),
		cmocka_unit_test(test_order),
	};
	return cmocka_run_group_tests_name("guest_race", tests, group_setup, NULL);
}
