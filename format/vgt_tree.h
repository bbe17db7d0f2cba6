/* SPDX-License-Identifier: MIT */
#ifndef VGT_TREE_H
#define VGT_TREE_H

#include <search.h>
#include <stddef.h>
#include <stdint.h>

/* Trees of tsearch(3) whose objects begin with their key, a uint64_t: one comparison for all.
 */

static inline int vgt_tree_compare(const void *a, const void *b)
{
	uint64_t key_a = *(const uint64_t *)a;
	uint64_t key_b = *(const uint64_t *)b;
	return (key_a > key_b) - (key_a < key_b);
}

/* NULL where there is none. */
static inline void *vgt_tree_find(void *const *tree, uint64_t key)
{
	void *const *node = tfind(&key, tree, vgt_tree_compare);
	return node ? *node : NULL;
}

/* Any object, NULL where the tree is empty: the root, whose node begins with the object's
 * pointer. */
static inline void *vgt_tree_any(void *tree)
{
	/* the analyzer does not know that tdelete() has taken out what was freed */
	return tree ? *(void **)tree : NULL; /* NOLINT(clang-analyzer-unix.Malloc) */
}

#endif
