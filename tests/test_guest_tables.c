/* SPDX-License-Identifier: MIT */
#include "fence_timeline.h"
#include "handle_table.h"
#include "id_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KEPT         VGT_ESCAPE_FENCES_KEPT

/* A platform that has memory and nothing else. */
static struct memory {
	uint32_t blocks, requests;
	bool none;
} memory;

static void *memory_alloc(void *self, size_t size)
{
	struct memory *const of = self;
	of->requests++;
	if (of->none) {
		return NULL;
	}
	of->blocks++;
	return calloc(1, size);
}

static void memory_free(void *self, void *block)
{
	struct memory *const of = self;
	of->blocks -= block != NULL;
	free(block);
}

static const struct vgt_platform platform = {
	.self = &memory, .alloc = memory_alloc, .free = memory_free};

static int no_memory_left(void **state)
{
	(void)state;
	const bool all_freed = memory.blocks == 0;
	memset(&memory, 0, sizeof(memory));
	return all_freed ? 0 : -1;
}

/*
 * Fences beside a reference, which keeps all of them for ever. It can be made wrong, so that
 * the comparison shows that it compares.
 */

#define FENCES_MAX 1100u

enum reference_fault {
	RIGHT,
	RETIRES_OUT_OF_ORDER,
	KEEPS_ONE_MORE,
	FORGETS_TO_COUNT,
	REFERENCE_FAULTS,
};

struct reference {
	enum reference_fault fault;
	uint64_t newest, failed;
	bool answered[FENCES_MAX];
	enum vgt_escape_status status[FENCES_MAX];
	uint32_t response[FENCES_MAX];
};

/* The newest that is answered with all before it. */
static uint64_t reference_retired(const struct reference *reference)
{
	uint64_t retired = 0;
	while (retired < reference->newest && reference->answered[retired + 1]) {
		retired++;
	}
	return retired;
}

static void reference_answer(struct reference *reference, uint64_t fence,
	enum vgt_escape_status status, uint32_t response)
{
	if (!fence || fence > reference->newest || reference->answered[fence]) {
		return;
	}
	reference->answered[fence] = true;
	reference->status[fence] = status;
	reference->response[fence] = response;
	reference->failed +=
		status != VGT_ESCAPE_OK && reference->fault != FORGETS_TO_COUNT ? 1 : 0;
}

static enum vgt_escape_status reference_look(
	const struct reference *reference, uint64_t fence, uint64_t retired, uint32_t *response)
{
	const uint64_t kept = reference->fault == KEEPS_ONE_MORE ? KEPT + 1 : KEPT;
	*response = 0;
	if (!fence || fence > reference->newest) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	if (fence > retired &&
		!(reference->fault == RETIRES_OUT_OF_ORDER && reference->answered[fence])) {
		return VGT_ESCAPE_PENDING;
	}
	if (fence + kept <= reference->newest) {
		return VGT_ESCAPE_OK;
	}
	*response = reference->response[fence];
	return reference->status[fence];
}

struct pair {
	struct vgt_fence_timeline timeline;
	struct reference reference;
};

static bool is_same_look(const struct pair *pair, uint64_t fence, uint64_t retired)
{
	uint32_t has = 1;
	uint32_t wanted = 2;
	return vgt_fence_timeline_look(&pair->timeline, fence, &has) ==
		       reference_look(&pair->reference, fence, retired, &wanted) &&
	       has == wanted;
}

/* Looked at are all fences around the ends of the window, or just all. */
static bool is_same(const struct pair *pair, bool all)
{
	const struct vgt_fence_timeline *const timeline = &pair->timeline;
	const uint64_t newest = pair->reference.newest;
	const uint64_t retired = reference_retired(&pair->reference);
	if (timeline->newest != newest || timeline->retired != retired ||
		timeline->failed != pair->reference.failed ||
		vgt_fence_timeline_pending(timeline) != newest - retired) {
		return false;
	}
	for (uint64_t fence = 0; fence <= newest + 2; fence++) {
		const bool is_near = fence + 9 > newest || fence < 2 ||
				     (fence + KEPT + 2 > newest && fence + KEPT < newest + 9);
		if ((all || is_near) && !is_same_look(pair, fence, retired)) {
			return false;
		}
	}
	return is_same_look(pair, UINT64_MAX, retired);
}

static bool add(struct pair *pair)
{
	const uint64_t pending = pair->reference.newest - reference_retired(&pair->reference);
	const uint64_t wanted = pending < KEPT ? pair->reference.newest + 1 : 0;
	if (wanted) {
		pair->reference.newest++;
	}
	return vgt_fence_timeline_add(&pair->timeline) == wanted;
}

static void answer(
	struct pair *pair, uint64_t fence, enum vgt_escape_status status, uint32_t response)
{
	reference_answer(&pair->reference, fence, status, response);
	vgt_fence_timeline_answer(&pair->timeline, fence, status, response);
}

static void begin_pair(struct pair *pair, uint64_t before, enum reference_fault fault)
{
	memset(pair, 0, sizeof(*pair));
	memset(&pair->timeline, 0xee, sizeof(pair->timeline));
	vgt_fence_timeline_init(&pair->timeline);
	pair->reference.fault = fault;
	for (uint64_t fence = 1; fence <= before; fence++) {
		assert_true(add(pair));
		answer(pair, fence, fence % 3 ? VGT_ESCAPE_OK : VGT_ESCAPE_HOST_ERROR,
			(uint32_t)fence);
	}
}

/* How the `index`th permutation answers: order[] is overwritten. */
static void permute(uint8_t *order, uint32_t count, uint32_t index)
{
	uint8_t left[8];
	for (uint8_t i = 0; i < count; i++) {
		left[i] = i;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t choice = index % (count - i);
		index /= count - i;
		order[i] = left[choice];
		memmove(left + choice, left + choice + 1, count - i - choice - 1);
	}
}

static uint32_t factorial(uint32_t number)
{
	return number < 2 ? 1 : number * factorial(number - 1);
}

/* `count` fences behind `before` others, answered in each order, each of them well or not. */
static bool try_all_orders(
	uint64_t before, uint32_t count, uint32_t masks, enum reference_fault fault)
{
	static struct pair start, pair;
	begin_pair(&start, before, fault);
	for (uint32_t i = 0; i < count; i++) {
		if (!add(&start) || !is_same(&start, false)) {
			return false;
		}
	}
	for (uint32_t run = 0; run < factorial(count) * masks; run++) {
		uint8_t order[8];
		permute(order, count, run / masks);
		pair = start;
		for (uint32_t i = 0; i < count; i++) {
			const bool refused = run % masks & 1u << order[i];
			answer(&pair, before + 1 + order[i],
				refused ? VGT_ESCAPE_HOST_ERROR : VGT_ESCAPE_OK, run + i);
			/* only the first answer counts */
			answer(&pair, before + 1 + order[i], VGT_ESCAPE_DEVICE_LOST, 77);
			if (!is_same(&pair, false)) {
				return false;
			}
		}
	}
	return true;
}

static void test_fence_orders(void **state)
{
	(void)state;
	for (uint32_t count = 1; count <= 6; count++) {
		assert_true(try_all_orders(0, count, 1u << count, RIGHT));
		assert_true(
			try_all_orders(KEPT - 3, count, count < 6 ? 1u << count : 2, RIGHT));
	}
	assert_true(try_all_orders(KEPT - 4, 7, 1, RIGHT));
}

/* At each place of the window. */
static void test_fence_wraps(void **state)
{
	(void)state;
	for (uint64_t before = 0; before <= 2 * KEPT + 1; before++) {
		assert_true(try_all_orders(before, 3, 8, RIGHT));
	}
}

static void test_fence_faults_are_found(void **state)
{
	(void)state;
	for (enum reference_fault fault = RIGHT + 1; fault < REFERENCE_FAULTS; fault++) {
		assert_false(try_all_orders(KEPT + 5, 3, 8, fault));
	}
}

/* All that can happen, in each order, up to so many steps. */
static void try_all_steps(const struct pair *from, uint32_t left)
{
	assert_true(is_same(from, false));
	if (!left) {
		return;
	}
	struct pair *const pair = malloc(sizeof(*pair));
	assert_non_null(pair);
	const uint64_t newest = from->reference.newest;
	const uint64_t first = reference_retired(&from->reference);
	*pair = *from;
	assert_true(add(pair));
	try_all_steps(pair, left - 1);
	for (uint64_t fence = first; fence <= newest + 1; fence++) {
		*pair = *from;
		answer(pair, fence, VGT_ESCAPE_OK, left);
		try_all_steps(pair, left - 1);
		*pair = *from;
		answer(pair, fence, VGT_ESCAPE_HOST_ERROR, left);
		try_all_steps(pair, left - 1);
	}
	free(pair);
}

static void test_fence_steps(void **state)
{
	(void)state;
	static struct pair pair;
	for (uint64_t before = KEPT - 2; before <= KEPT + 2; before++) {
		begin_pair(&pair, before, RIGHT);
		try_all_steps(&pair, 6);
	}
}

/* As many as are kept, answered in many orders; one more is refused, but room comes back. */
static void test_fence_window_is_full(void **state)
{
	(void)state;
	static struct pair pair;
	static const uint64_t steps[] = {1, 3, 85, 127, 255};
	for (size_t i = 0; i < COUNT(steps); i++) {
		const uint64_t before = 130 * i;
		begin_pair(&pair, before, RIGHT);
		for (uint32_t k = 0; k < KEPT + 2; k++) {
			assert_true(add(&pair));
		}
		assert_int_equal(vgt_fence_timeline_pending(&pair.timeline), KEPT);
		/* an odd step goes once through all of them */
		for (uint64_t k = 0; k < KEPT; k++) {
			const uint64_t fence = before + 1 + (7 + k * steps[i]) % KEPT;
			answer(&pair, fence, k % 2 ? VGT_ESCAPE_OK : VGT_ESCAPE_HOST_ERROR,
				(uint32_t)k);
			assert_true(is_same(&pair, true));
		}
		assert_int_equal(vgt_fence_timeline_pending(&pair.timeline), 0);
		assert_true(add(&pair) && is_same(&pair, true));
	}
}

/* Handles */

static int objects[20000];

static void test_handle_is_stale(void **state)
{
	(void)state;
	struct vgt_handle_table table;
	vgt_handle_table_init(&table, &platform, 4);
	assert_null(vgt_handle_table_get(&table, 0));
	assert_null(vgt_handle_table_get(&table, 1));
	assert_null(vgt_handle_table_remove(&table, UINT32_MAX));
	assert_int_equal(memory.requests, 0);
	const uint32_t first = vgt_handle_table_add(&table, &objects[0]);
	const uint32_t other = vgt_handle_table_add(&table, &objects[1]);
	assert_true(first && other && first != other);
	assert_ptr_equal(vgt_handle_table_get(&table, first), &objects[0]);
	assert_ptr_equal(vgt_handle_table_remove(&table, first), &objects[0]);
	assert_null(vgt_handle_table_get(&table, first));
	assert_null(vgt_handle_table_remove(&table, first));
	assert_int_equal(vgt_handle_table_used(&table), 1);
	const uint32_t second = vgt_handle_table_add(&table, &objects[2]);
	/* the same place */
	assert_int_equal((first ^ second) % (1u << VGT_HANDLE_INDEX_BITS), 0);
	assert_null(vgt_handle_table_get(&table, first));
	assert_ptr_equal(vgt_handle_table_get(&table, second), &objects[2]);
	/* every other value near to them is none */
	for (uint32_t i = 0; i < 1u << 20; i++) {
		if (i != second && i != other) {
			assert_null(vgt_handle_table_get(&table, i));
		}
	}
	vgt_handle_table_finish(&table);
	assert_null(vgt_handle_table_get(&table, second));
}

/* More uses of a place than there are generations: no handle comes twice, the first stays bad.
 */
static void test_handle_generations(void **state)
{
	(void)state;
	const uint32_t generations = UINT32_MAX >> VGT_HANDLE_INDEX_BITS;
	struct vgt_handle_table table;
	vgt_handle_table_init(&table, &platform, 1);
	const uint32_t first = vgt_handle_table_add(&table, &objects[0]);
	uint32_t last = first;
	for (uint32_t i = 1; i < generations; i++) {
		assert_non_null(vgt_handle_table_remove(&table, last));
		const uint32_t handle = vgt_handle_table_add(&table, &objects[0]);
		assert_int_equal(handle, last + (1u << VGT_HANDLE_INDEX_BITS));
		last = handle;
	}
	assert_non_null(vgt_handle_table_remove(&table, last));
	const uint32_t next = vgt_handle_table_add(&table, &objects[0]);
	assert_int_equal(next, first + 1); /* the next place, from its first generation on */
	assert_null(vgt_handle_table_get(&table, first));
	assert_null(vgt_handle_table_get(&table, last));
	assert_int_equal(vgt_handle_table_used(&table), 1);
	vgt_handle_table_finish(&table);
}

/* Places whose generations are used up are not there any more: at last none is. */
static void test_handle_places_run_out(void **state)
{
	(void)state;
	const uint32_t places = 1u << VGT_HANDLE_INDEX_BITS;
	struct vgt_handle_table table;
	vgt_handle_table_init(&table, &platform, UINT32_MAX);
	for (uint32_t i = 0; i < places; i++) {
		assert_false(vgt_handle_table_is_full(&table));
		assert_int_not_equal(vgt_handle_table_add(&table, &objects[i]), 0);
	}
	assert_true(vgt_handle_table_is_full(&table));
	assert_int_equal(vgt_handle_table_add(&table, &objects[places]), 0);
	/* aged by hand: 4 billion uses would take a minute */
	for (uint32_t i = 0; i < places; i++) {
		table.entries[i].generation = UINT32_MAX >> VGT_HANDLE_INDEX_BITS;
		const uint32_t handle =
			table.entries[i].generation << VGT_HANDLE_INDEX_BITS | i;
		assert_ptr_equal(vgt_handle_table_remove(&table, handle), &objects[i]);
		assert_true(vgt_handle_table_is_full(&table));
	}
	assert_int_equal(vgt_handle_table_used(&table), 0);
	assert_int_equal(vgt_handle_table_add(&table, &objects[0]), 0);
	vgt_handle_table_finish(&table);
}

static void test_handle_memory_is_constant(void **state)
{
	(void)state;
	struct vgt_handle_table table;
	vgt_handle_table_init(&table, &platform, 100);
	uint32_t handles[100];
	uint32_t requests = 0;
	for (uint32_t round = 0; round < 10000; round++) {
		const uint32_t count = 1 + round * 7 % 100;
		for (uint32_t i = 0; i < count; i++) {
			handles[i] = vgt_handle_table_add(&table, &objects[round % 7 + i]);
			assert_int_not_equal(handles[i], 0);
		}
		assert_int_equal(vgt_handle_table_used(&table), count);
		uint32_t place = 0;
		uint32_t found = 0;
		while (vgt_handle_table_next(&table, &place)) {
			found++;
		}
		assert_int_equal(found, count);
		for (uint32_t i = 0; i < count; i++) {
			assert_ptr_equal(vgt_handle_table_remove(&table, handles[i]),
				&objects[round % 7 + i]);
		}
		requests = round == 100 ? memory.requests : requests;
	}
	assert_int_equal(memory.requests, requests);
	assert_int_equal(memory.blocks, 1);
	vgt_handle_table_finish(&table);
}

static void test_handle_without_memory(void **state)
{
	(void)state;
	struct vgt_handle_table table;
	vgt_handle_table_init(&table, &platform, 1000);
	uint32_t handles[1000];
	uint32_t refused = 0;
	for (uint32_t i = 0; i < COUNT(handles); i++) {
		memory.none = true;
		handles[i] = vgt_handle_table_add(&table, &objects[i]);
		memory.none = false;
		if (!handles[i]) {
			refused++;
			assert_false(vgt_handle_table_is_full(&table));
			handles[i] = vgt_handle_table_add(&table, &objects[i]);
		}
	}
	assert_in_range(refused, 2, 20);
	assert_true(vgt_handle_table_is_full(&table));
	for (uint32_t i = 0; i < COUNT(handles); i++) {
		assert_ptr_equal(vgt_handle_table_get(&table, handles[i]), &objects[i]);
	}
	/* all may be removed while they are gone through */
	uint32_t place = 0;
	for (uint32_t i = 0; i < COUNT(handles); i++) {
		assert_ptr_equal(vgt_handle_table_next(&table, &place), &objects[i]);
		assert_non_null(vgt_handle_table_remove(&table, handles[i]));
	}
	assert_null(vgt_handle_table_next(&table, &place));
	vgt_handle_table_finish(&table);
}

/* Numbers */

static void test_id_lowest_first(void **state)
{
	(void)state;
	static const uint32_t maxima[] = {1, 31, 32, 33, 127, 128, 129, 1000};
	for (size_t m = 0; m < COUNT(maxima); m++) {
		struct vgt_id_pool pool;
		vgt_id_pool_init(&pool, &platform, maxima[m]);
		for (uint32_t id = 1; id <= maxima[m]; id++) {
			assert_int_equal(vgt_id_pool_take(&pool), id);
		}
		assert_int_equal(vgt_id_pool_take(&pool), 0);
		for (uint32_t id = maxima[m]; id >= 1; id--) {
			vgt_id_pool_give(&pool, id);
			assert_int_equal(vgt_id_pool_take(&pool), id);
			vgt_id_pool_give(&pool, id);
		}
		/* what was never given */
		vgt_id_pool_give(&pool, 0);
		vgt_id_pool_give(&pool, UINT32_MAX);
		vgt_id_pool_give(&pool, maxima[m] + 1);
		for (uint32_t id = 1; id <= maxima[m]; id++) {
			assert_int_equal(vgt_id_pool_take(&pool), id);
		}
		assert_int_equal(vgt_id_pool_take(&pool), 0);
		vgt_id_pool_finish(&pool);
	}
}

/* Beside an array of flags. */
static void test_id_random(void **state)
{
	(void)state;
	static bool taken[301];
	struct vgt_id_pool pool;
	uint64_t random = 1;
	uint32_t requests = 0;
	vgt_id_pool_init(&pool, &platform, COUNT(taken) - 1);
	for (uint32_t step = 0; step < 200000; step++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		/* more are taken than given, then the other way round */
		const bool take = (random >> 32) % 8 < (step / 2000 % 2 ? 5 : 3);
		const uint32_t id = (uint32_t)(random >> 40) % COUNT(taken);
		uint32_t lowest = 1;
		while (take && lowest < COUNT(taken) && taken[lowest]) {
			lowest++;
		}
		if (take) {
			lowest %= COUNT(taken);
			assert_int_equal(vgt_id_pool_take(&pool), lowest);
			taken[lowest] = lowest != 0;
		} else {
			vgt_id_pool_give(&pool, id);
			taken[id] = false;
		}
		requests = step == 100000 ? memory.requests : requests;
	}
	assert_int_equal(memory.requests, requests);
	vgt_id_pool_finish(&pool);
}

static void test_id_memory(void **state)
{
	(void)state;
	struct vgt_id_pool pool;
	vgt_id_pool_init(&pool, &platform, UINT32_MAX);
	assert_int_equal(memory.requests, 0);
	memory.none = true;
	assert_int_equal(vgt_id_pool_take(&pool), 0);
	memory.none = false;
	for (uint32_t id = 1; id <= 128; id++) {
		assert_int_equal(vgt_id_pool_take(&pool), id);
	}
	memory.none = true;
	assert_int_equal(vgt_id_pool_take(&pool), 0);
	vgt_id_pool_give(&pool, 77);
	assert_int_equal(vgt_id_pool_take(&pool), 77);
	memory.none = false;
	assert_int_equal(vgt_id_pool_take(&pool), 129);
	const uint32_t requests = memory.requests;
	for (uint32_t round = 0; round < 10000; round++) {
		assert_int_equal(vgt_id_pool_take(&pool), 130);
		vgt_id_pool_give(&pool, 130);
	}
	assert_int_equal(memory.requests, requests);
	vgt_id_pool_finish(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fence_orders),
		cmocka_unit_test(test_fence_wraps),
		cmocka_unit_test(test_fence_faults_are_found),
		cmocka_unit_test(test_fence_steps),
		cmocka_unit_test(test_fence_window_is_full),
		cmocka_unit_test_teardown(test_handle_is_stale, no_memory_left),
		cmocka_unit_test_teardown(test_handle_generations, no_memory_left),
		cmocka_unit_test_teardown(test_handle_places_run_out, no_memory_left),
		cmocka_unit_test_teardown(test_handle_memory_is_constant, no_memory_left),
		cmocka_unit_test_teardown(test_handle_without_memory, no_memory_left),
		cmocka_unit_test_teardown(test_id_lowest_first, no_memory_left),
		cmocka_unit_test_teardown(test_id_random, no_memory_left),
		cmocka_unit_test_teardown(test_id_memory, no_memory_left),
	};
	return cmocka_run_group_tests_name("guest_tables", tests, NULL, NULL);
}
