/* SPDX-License-Identifier: MIT */
#include "handle_table.h"

#define INDEXES        (UINT32_C(1) << VGT_HANDLE_INDEX_BITS)
#define GENERATION_MAX (UINT32_MAX >> VGT_HANDLE_INDEX_BITS)
#define CAPACITY_MIN   16u
#define NONE           UINT32_MAX

void vgt_handle_table_init(
	struct vgt_handle_table *table, const struct vgt_platform *platform, uint32_t max)
{
	*table = (struct vgt_handle_table){
		.platform = platform,
		.max = max < INDEXES ? max : INDEXES,
		.free_head = NONE,
	};
}

void vgt_handle_table_finish(struct vgt_handle_table *table)
{
	table->platform->free(table->platform->self, table->entries);
	vgt_handle_table_init(table, table->platform, 0);
}

static bool grow(struct vgt_handle_table *table)
{
	const struct vgt_platform *const platform = table->platform;
	const uint32_t capacity = table->capacity ? table->capacity * 2 : CAPACITY_MIN;
	struct vgt_handle_entry *const entries =
		platform->alloc(platform->self, capacity * sizeof(*entries));
	if (!entries) {
		return false;
	}
	if (table->entries) {
		__builtin_memcpy(entries, table->entries, table->count * sizeof(*entries));
	}
	platform->free(platform->self, table->entries);
	table->entries = entries;
	table->capacity = capacity;
	return true;
}

/* An entry that is free; its generation is that of its last use. */
static uint32_t take_entry(struct vgt_handle_table *table)
{
	const uint32_t index = table->free_head;
	if (index != NONE) {
		table->free_head = table->entries[index].next;
		return index;
	}
	if (table->count == table->capacity && !grow(table)) {
		return NONE;
	}
	return table->count++;
}

uint32_t vgt_handle_table_add(struct vgt_handle_table *table, void *object)
{
	if (vgt_handle_table_is_full(table)) {
		return 0;
	}
	const uint32_t index = take_entry(table);
	if (index == NONE) {
		return 0;
	}
	struct vgt_handle_entry *const entry = &table->entries[index];
	entry->object = object;
	entry->generation++; /* from 1 on, so that no handle is 0 */
	table->used++;
	return entry->generation << VGT_HANDLE_INDEX_BITS | index;
}

bool vgt_handle_table_is_full(const struct vgt_handle_table *table)
{
	return table->used == table->max ||
	       (table->free_head == NONE && table->count == INDEXES);
}

static struct vgt_handle_entry *find(const struct vgt_handle_table *table, uint32_t handle)
{
	const uint32_t index = handle % INDEXES;
	if (index >= table->count) {
		return NULL;
	}
	struct vgt_handle_entry *const entry = &table->entries[index];
	const bool same = entry->generation == handle >> VGT_HANDLE_INDEX_BITS;
	return entry->object && same ? entry : NULL;
}

void *vgt_handle_table_get(const struct vgt_handle_table *table, uint32_t handle)
{
	const struct vgt_handle_entry *const entry = find(table, handle);
	return entry ? entry->object : NULL;
}

void *vgt_handle_table_remove(struct vgt_handle_table *table, uint32_t handle)
{
	struct vgt_handle_entry *const entry = find(table, handle);
	if (!entry) {
		return NULL;
	}
	void *const object = entry->object;
	entry->object = NULL;
	table->used--;
	if (entry->generation < GENERATION_MAX) {
		entry->next = table->free_head;
		table->free_head = handle % INDEXES;
	}
	return object;
}

void *vgt_handle_table_next(const struct vgt_handle_table *table, uint32_t *place)
{
	while (*place < table->count) {
		void *const object = table->entries[(*place)++].object;
		if (object) {
			return object;
		}
	}
	return NULL;
}

uint32_t vgt_handle_table_used(const struct vgt_handle_table *table)
{
	return table->used;
}
