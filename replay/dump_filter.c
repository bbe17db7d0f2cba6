/* SPDX-License-Identifier: MIT */
#include "dump_filter.h"

#include "vgt_record_desc.h"
#include "vgt_text.h"
#include "virgl_desc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool dump_filter_is_set(const struct dump_filter *filter)
{
	return filter->op_count || filter->draw || filter->clear || filter->has_ctx ||
	       filter->has_res;
}

/* Names */

/* "CREATE_OBJECT BLEND" is found by each word and by both. */
static bool name_matches(const char *name, const char *wanted)
{
	const char *blank = strchr(name, ' ');
	return strcasecmp(name, wanted) == 0 ||
	       (blank && (strcasecmp(blank + 1, wanted) == 0 ||
				 (strlen(wanted) == (size_t)(blank - name) &&
					 strncasecmp(name, wanted, strlen(wanted)) == 0)));
}

/* The n-th name of all commands and records. */
static const char *name_at(size_t n)
{
	const struct vgt_desc *desc;
	uint16_t type;
	for (size_t i = 0; (desc = virgl_desc_at(i)); i++) {
		if (n-- == 0) {
			return desc->name;
		}
	}
	desc = vgt_record_desc_at(n, &type);
	return desc ? desc->name : NULL;
}

static bool check_name(const char *wanted, struct vgt_err *err)
{
	const char *meant = NULL;
	const char *name;
	for (size_t n = 0; (name = name_at(n)); n++) {
		if (name_matches(name, wanted)) {
			return true;
		}
		if (!meant && strcasestr(name, wanted)) {
			meant = name;
		}
	}
	return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "no command is called '%s'%s%s%s",
		wanted, meant ? ", did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static bool add_ops(struct dump_filter *filter, const char *list, struct vgt_err *err)
{
	char *rest;
	if (filter->op_names) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"only one op= is taken, with commas between the names");
	}
	filter->op_names = strdup(list);
	for (char *name = filter->op_names ? strtok_r(filter->op_names, ",", &rest) : NULL;
		name; name = strtok_r(NULL, ",", &rest)) {
		if (!check_name(name, err)) {
			return false;
		}
		if (filter->op_count == DUMP_FILTER_OPS_MAX) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"op= has more than %d names", DUMP_FILTER_OPS_MAX);
		}
		filter->ops[filter->op_count++] = name;
	}
	return filter->op_count || vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
					   "op= needs the name of a command");
}

static bool add_id(
	const char *name, const char *text, bool *has, uint32_t *id, struct vgt_err *err)
{
	uint64_t number;
	if (*has) {
		return vgt_err_set(
			err, VGT_ERR_USAGE, VGT_NO_OFFSET, "only one %s= is taken", name);
	}
	if (!vgt_text_number(text, 0, UINT32_MAX, &number)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"%s= must be a number, not '%s'", name, text);
	}
	*has = true;
	*id = (uint32_t)number;
	return true;
}

bool dump_filter_add(struct dump_filter *filter, const char *word, struct vgt_err *err)
{
	if (strcmp(word, "draw") == 0) {
		return filter->draw = true;
	}
	if (strcmp(word, "clear") == 0) {
		return filter->clear = true;
	}
	if (strncmp(word, "op=", 3) == 0) {
		return add_ops(filter, word + 3, err);
	}
	if (strncmp(word, "ctx=", 4) == 0) {
		return add_id("ctx", word + 4, &filter->has_ctx, &filter->ctx_id, err);
	}
	if (strncmp(word, "res=", 4) == 0) {
		return add_id("res", word + 4, &filter->has_res, &filter->resource_id, err);
	}
	const char *name;
	for (size_t n = 0; (name = name_at(n)); n++) {
		if (name_matches(name, word)) {
			return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"'%s' is no filter, did you mean 'op=%s'?", word, word);
		}
	}
	return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
		"'%s' is neither an address nor a filter", word);
}

void dump_filter_finish(struct dump_filter *filter)
{
	free(filter->op_names);
}

/* Asking */

static bool op_passes(const struct dump_filter *filter, const struct dump_subject *subject)
{
	if (!filter->op_count && !filter->draw && !filter->clear) {
		return true;
	}
	const int op = subject->op;
	bool draws = op == VIRGL_CCMD_DRAW_VBO || op == VIRGL_CCMD_LAUNCH_GRID;
	bool clears = op == VIRGL_CCMD_CLEAR || op == VIRGL_CCMD_CLEAR_TEXTURE ||
		      op == VIRGL_CCMD_CLEAR_SURFACE;
	if ((filter->draw && draws) || (filter->clear && clears)) {
		return true;
	}
	for (size_t i = 0; subject->name && i < filter->op_count; i++) {
		if (name_matches(subject->name, filter->ops[i])) {
			return true;
		}
	}
	return false;
}

static bool names_resource(
	const struct dump_subject *subject, uint32_t resource_id, struct vgt_model *model)
{
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, subject->layout);
	while (vgt_walk_next(&walk, &value)) {
		if (bound_state_resource_of(model, subject->ctx_id, &value) == resource_id) {
			return true;
		}
	}
	return false;
}

static bool has_resource(void *opaque, const struct bound_command *command)
{
	const uint32_t wanted = *(const uint32_t *)opaque;
	for (size_t i = 0; i < command->resource_count; i++) {
		if (command->resources[i] == wanted) {
			return true;
		}
	}
	return false;
}

/* By itself, or by what is bound where it works with that. */
static bool uses_resource(const struct dump_subject *subject, uint32_t resource_id,
	struct vgt_model *model, struct bound_state *bound)
{
	if (!resource_id || !subject->layout) {
		return false;
	}
	return names_resource(subject, resource_id, model) ||
	       (bound && subject->op >= 0 &&
		       bound_state_each(bound, model, subject->ctx_id, (uint8_t)subject->op,
			       has_resource, &resource_id));
}

bool dump_filter_passes(const struct dump_filter *filter, const struct dump_subject *subject,
	struct vgt_model *model, struct bound_state *bound)
{
	if (!dump_filter_is_set(filter)) {
		return true;
	}
	/* records of no command are asked for by name, or for their resource */
	if (!subject->is_command && !filter->op_count && !filter->has_res) {
		return false;
	}
	return op_passes(filter, subject) &&
	       (!filter->has_ctx ||
		       (subject->is_command && filter->ctx_id == subject->ctx_id)) &&
	       (!filter->has_res || uses_resource(subject, filter->resource_id, model, bound));
}
