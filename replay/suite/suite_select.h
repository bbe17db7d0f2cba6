/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_SELECT_H
#define VGT_SUITE_SELECT_H

#include "suite.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>

/* Which tests of a suite are meant. */

struct suite_selection {
	/* GLOB of names, "tag:TAG", or either behind "!", which leaves out */
	const char **filters;
	size_t filter_count;
	unsigned shard, shards; /* the shard-th part of so many, from 1; 1 of 1: all */
};

struct suite_selected {
	const struct suite_test **list; /* of the suite, in its order */
	size_t count;
	size_t all; /* before it was parted */
};

/* "2/3"; false: it is none. */
bool suite_selection_parse_shard(struct suite_selection *selection, const char *text);

/*
 * `names`: ended by NULL; none: all. A test is selected where it is named, a filter that does
 * not leave out matches, where there is such a filter, and none that leaves out does. Parts are
 * by the order of the names, so that they do not change with the order in a manifest; one may
 * be empty. VGT_ERR_USAGE: a name is of no test, or nothing is selected; the
 * message may have names of a hostile manifest.
 */
bool suite_select(struct suite_selected *selected, const struct suite *suite,
	const struct suite_selection *selection, char **names, struct vgt_err *err);
void suite_selected_finish(struct suite_selected *selected);

#endif
