/* SPDX-License-Identifier: MIT */
#ifndef VGT_ID_POOL_H
#define VGT_ID_POOL_H

#include "platform.h"

/* Numbers from 1 on, the lowest free one first: some hosts keep contexts in small arrays. */
struct vgt_id_pool {
	const struct vgt_platform *platform;
	uint32_t *words; /* a bit for each number, set: taken */
	uint32_t count;  /* of words */
	uint32_t max;    /* the highest number */
	uint32_t first;  /* no word before this one has a free bit */
};

void vgt_id_pool_init(
	struct vgt_id_pool *pool, const struct vgt_platform *platform, uint32_t max);
void vgt_id_pool_finish(struct vgt_id_pool *pool);
/* 0: none is left, or no memory to remember it. */
uint32_t vgt_id_pool_take(struct vgt_id_pool *pool);
void vgt_id_pool_give(struct vgt_id_pool *pool, uint32_t id);

#endif
