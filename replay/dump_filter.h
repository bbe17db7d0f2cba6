/* SPDX-License-Identifier: MIT */
#ifndef VGT_DUMP_FILTER_H
#define VGT_DUMP_FILTER_H

#include "bound_state.h"
#include "vgt_desc.h"
#include "vgt_err.h"
#include "vgt_model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which commands and records `vgt dump` shows. */

#define DUMP_FILTER_OPS_MAX 64

struct dump_filter {
	const char *ops[DUMP_FILTER_OPS_MAX]; /* names; the word's, which must stay */
	size_t op_count;
	bool draw, clear;
	bool has_ctx, has_res;
	uint32_t ctx_id, resource_id;
	char *op_names; /* private */
};

/*
 * Adds a word of the command line: draw, clear, op=NAME[,NAME...], ctx=N, res=N. False, code
 * USAGE: none of these, an unknown name, or what can be asked for once only.
 */
bool dump_filter_add(struct dump_filter *filter, const char *word, struct vgt_err *err);
void dump_filter_finish(struct dump_filter *filter);

bool dump_filter_is_set(const struct dump_filter *filter);

/* What may be shown. */
struct dump_subject {
	const char *name; /* NULL: unknown */
	int op;           /* enum virgl_ccmd, or -1 for a record */
	bool is_command;  /* or virgl command; other records have no context */
	uint32_t ctx_id;
	const struct vgt_layout *layout; /* NULL: cannot be measured */
};

/* `bound` is what resources draws find bound, NULL: not known. */
bool dump_filter_passes(const struct dump_filter *filter, const struct dump_subject *subject,
	struct vgt_model *model, struct bound_state *bound);

#endif
