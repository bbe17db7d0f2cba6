/* SPDX-License-Identifier: MIT */
#include "id_pool.h"

#define WORD_BITS 32u
#define WORDS_MIN 4u

void vgt_id_pool_init(
	struct vgt_id_pool *pool, const struct vgt_platform *platform, uint32_t max)
{
	*pool = (struct vgt_id_pool){.platform = platform, .max = max};
}

void vgt_id_pool_finish(struct vgt_id_pool *pool)
{
	pool->platform->free(pool->platform->self, pool->words);
	*pool = (struct vgt_id_pool){.platform = pool->platform};
}

/* Twice as many words, but no more than `max` needs. */
static bool grow(struct vgt_id_pool *pool)
{
	const struct vgt_platform *const platform = pool->platform;
	const uint32_t most = pool->max / WORD_BITS + (pool->max % WORD_BITS ? 1 : 0);
	const uint32_t wanted = pool->count ? pool->count * 2 : WORDS_MIN;
	const uint32_t count = wanted < most ? wanted : most;
	if (count == pool->count) {
		return false;
	}
	uint32_t *const words = platform->alloc(platform->self, count * sizeof(*words));
	if (!words) {
		return false;
	}
	if (pool->words) {
		__builtin_memcpy(words, pool->words, pool->count * sizeof(*words));
	}
	platform->free(platform->self, pool->words);
	pool->words = words;
	pool->count = count;
	return true;
}

uint32_t vgt_id_pool_take(struct vgt_id_pool *pool)
{
	while (pool->first < pool->count && pool->words[pool->first] == UINT32_MAX) {
		pool->first++;
	}
	if (pool->first == pool->count && !grow(pool)) {
		return 0;
	}
	uint32_t *const word = &pool->words[pool->first];
	const uint32_t bit = (uint32_t)__builtin_ctz(~*word);
	const uint32_t below = pool->first * WORD_BITS + bit;
	if (below >= pool->max) {
		return 0;
	}
	*word |= UINT32_C(1) << bit;
	return below + 1;
}

void vgt_id_pool_give(struct vgt_id_pool *pool, uint32_t id)
{
	const uint32_t below = id - 1;
	const uint32_t index = below / WORD_BITS;
	if (!id || index >= pool->count) {
		return;
	}
	pool->words[index] &= ~(UINT32_C(1) << below % WORD_BITS);
	if (index < pool->first) {
		pool->first = index;
	}
}
