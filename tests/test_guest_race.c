/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Two threads, one the driver and one the device, that sleep as virtio says: the device asks
 * for notifications before it does and looks once more. If one were lost, this would not end.
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
	sem_t notified, interrupted;
	uint64_t notifications; /* the driver's count */
} race;

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
	while (answered < RACE_REQUESTS) {
		const uint16_t index = __atomic_load_n(&avail[1], __ATOMIC_SEQ_CST);
		if (index == seen_index) {
			/* asks for notifications, and sleeps unless there is something now */
			__atomic_store_n(&used[0], 0, __ATOMIC_SEQ_CST);
			if (__atomic_load_n(&avail[1], __ATOMIC_SEQ_CST) == seen_index) {
				sem_wait(&race.notified);
			}
			__atomic_store_n(&used[0], VIRTQ_USED_F_NO_NOTIFY, __ATOMIC_SEQ_CST);
			continue;
		}
		/* Taken in order, for an answer makes room for a new entry; the newest is
		   answered first. */
		uint16_t heads[RACE_SIZE];
		uint32_t count = 0;
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
			__atomic_store_n(&used[1], used_index, __ATOMIC_RELEASE);
		}
		sem_post(&race.interrupted);
	}
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

static uint64_t race_take(void)
{
	void *token;
	uint32_t written;
	uint64_t count = 0;
	enum vgt_virtqueue_taken taken;
	while ((taken = vgt_virtqueue_take(&race.queue, &token, &written))) {
		struct request *const request = token;
		assert_int_equal(taken, VGT_VIRTQUEUE_TAKEN);
		assert_int_equal(request->answer, ~request->question);
		assert_int_equal(written, request->question % 8);
		request->question = 0;
		count++;
	}
	return count;
}

static void test_two_threads(void **state)
{
	(void)state;
	pthread_t device;
	uint64_t asked = 0;
	uint64_t taken = 0;
	assert_true(vgt_virtqueue_layout(RACE_SIZE).size <= sizeof(race.rings));
	vgt_virtqueue_init(&race.queue, RACE_SIZE, &race.rings, race.slots, true);
	sem_init(&race.notified, 0, 0);
	sem_init(&race.interrupted, 0, 0);
	assert_int_equal(pthread_create(&device, NULL, race_device, NULL), 0);
	while (taken < RACE_REQUESTS) {
		while (asked < RACE_REQUESTS && race_add(asked + 1)) {
			asked++;
			if (asked % 2 && vgt_virtqueue_publish(&race.queue)) {
				race.notifications++;
				sem_post(&race.notified);
			}
		}
		if (vgt_virtqueue_publish(&race.queue)) {
			race.notifications++;
			sem_post(&race.notified);
		}
		const uint64_t now = race_take();
		taken += now;
		if (!now) {
			sem_wait(&race.interrupted);
		}
	}
	assert_int_equal(pthread_join(device, NULL), 0);
	assert_int_equal(taken, asked);
	assert_int_equal(race.queue.free_count, RACE_SIZE);
	print_message("%u requests, %llu notifications\n", RACE_REQUESTS,
		(unsigned long long)race.notifications);
	sem_destroy(&race.notified);
	sem_destroy(&race.interrupted);
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
	};
	return cmocka_run_group_tests_name("guest_race", tests, group_setup, NULL);
}
