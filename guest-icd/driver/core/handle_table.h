/* SPDX-License-Identifier: MIT */
#ifndef VGT_HANDLE_TABLE_H
#define VGT_HANDLE_TABLE_H

#include "platform.h"

/*
 * Handles of one client to objects of one kind: 32 bits, never 0, an index and a generation
 * that changes with each use of the place, so that a handle that was destroyed is found out. A
 * place whose generations are used up is not used again.
 */

#define VGT_HANDLE_INDEX_BITS 14u /* so that a table holds 16384 */

struct vgt_handle_entry {
	void *object; /* NULL: free */
	uint32_t generation;
	uint32_t next; /* free one */
};

/* All fields are private. */
struct vgt_handle_table {
	const struct vgt_platform *platform;
	struct vgt_handle_entry *entries;
	uint32_t count, capacity, max, free_head;
	uint32_t used;
};

/* max: how many at a time, up to 1 << VGT_HANDLE_INDEX_BITS. Nothing is allocated yet. */
void vgt_handle_table_init(
	struct vgt_handle_table *table, const struct vgt_platform *platform, uint32_t max);
void vgt_handle_table_finish(struct vgt_handle_table *table);
/* 0: full, or no memory (then vgt_handle_table_is_full() is false). */
uint32_t vgt_handle_table_add(struct vgt_handle_table *table, void *object);
bool vgt_handle_table_is_full(const struct vgt_handle_table *table);
/* NULL: no such handle. */
void *vgt_handle_table_get(const struct vgt_handle_table *table, uint32_t handle);
void *vgt_handle_table_remove(struct vgt_handle_table *table, uint32_t handle);
/* The objects one after the other: *place begins with 0. NULL behind the last. */
void *vgt_handle_table_next(const struct vgt_handle_table *table, uint32_t *place);
uint32_t vgt_handle_table_used(const struct vgt_handle_table *table);

#endif
