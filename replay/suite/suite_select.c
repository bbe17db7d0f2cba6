/* SPDX-License-Identifier: MIT */
#include "suite_select.h"

#include "vgt_cmd.h"
#include "vgt_text.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define TAG_FILTER "tag:"

/* More machines than this have no use for one suite. */
#define SHARDS_MAX 1000000

bool suite_selection_parse_shard(struct suite_selection *selection, const char *text)
{
	uint64_t shard, shards;
	const char *slash = strchr(text, '/');
	char *first = slash ? strndup(text, (size_t)(slash - text)) : NULL;
	const bool good = first && vgt_text_number(slash + 1, 1, SHARDS_MAX, &shards) &&
			  vgt_text_number(first, 1, shards, &shard);

	free(first);
	if (good) {
		selection->shard = (unsigned)shard;
		selection->shards = (unsigned)shards;
	}
	return good;
}

/* The test that was meant, or NULL; also by the file of its trace. */
static const char *guess_name(const struct suite_manifest *manifest, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *stem = strdup(slash ? slash + 1 : name);
	struct vgt_cmd *table = calloc(manifest->count + 1, sizeof(*table));
	const struct vgt_cmd *guess = NULL;

	if (stem && table) {
		const size_t length = strlen(stem);
		if (length > 4 && strcmp(stem + length - 4, ".vgt") == 0) {
			stem[length - 4] = '\0';
		}
		for (size_t i = 0; i < manifest->count; i++) {
			table[i].name = manifest->tests[i].name;
		}
		guess = vgt_cmd_find(table, stem);
		guess = guess ? guess : vgt_cmd_guess(table, stem);
		char *colon = strrchr(stem, ':'); /* NAME:FRAMES of --update */
		if (!guess && colon) {
			*colon = '\0';
			guess = vgt_cmd_find(table, stem);
			guess = guess ? guess : vgt_cmd_guess(table, stem);
		}
	}
	const char *found = guess ? guess->name : NULL;
	free(table);
	free(stem);
	return found;
}

static bool unknown_name(
	const struct suite_manifest *manifest, const char *name, struct vgt_err *err)
{
	const char *guess = guess_name(manifest, name);

	if (strpbrk(name, "*?[")) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"no such trace '%.100s'; globs are for --filter", name);
	}
	return guess ? vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			       "no such trace '%.100s', did you mean '%.100s'?", name, guess)
		     : vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			       "no such trace '%.100s'; --list names them", name);
}

static bool is_named(const struct suite_test *test, char **names)
{
	for (; *names; names++) {
		if (strcmp(test->name, *names) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_test(const struct suite_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->count; i++) {
		if (strcmp(manifest->tests[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool matches(const char *filter, const struct suite_test *test)
{
	const size_t length = strlen(TAG_FILTER);

	return strncmp(filter, TAG_FILTER, length) == 0
		       ? suite_test_has_tag(test, filter + length)
		       : fnmatch(filter, test->name, 0) == 0;
}

static bool passes(const struct suite_selection *selection, const struct suite_test *test)
{
	bool wanted = true, found = false;

	for (size_t i = 0; i < selection->filter_count; i++) {
		const char *filter = selection->filters[i];
		if (filter[0] != '!') {
			wanted = false;
			found |= matches(filter, test);
		} else if (matches(filter + 1, test)) {
			return false;
		}
	}
	return wanted || found;
}

static int by_name(const void *a, const void *b)
{
	const struct suite_test *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

static int by_position(const void *a, const void *b)
{
	const struct suite_test *const *left = a, *const *right = b;
	return *left < *right ? -1 : *left > *right;
}

static void sort(struct suite_selected *selected, int (*order)(const void *a, const void *b))
{
	if (selected->count) {
		qsort(selected->list, selected->count, sizeof(struct suite_test *), order);
	}
}

static void take_shard(struct suite_selected *selected, const struct suite_selection *selection)
{
	const size_t all = selected->count;

	selected->all = all;
	if (selection->shards <= 1) {
		return;
	}
	sort(selected, by_name);
	selected->count = 0;
	for (size_t i = selection->shard - 1; i < all; i += selection->shards) {
		selected->list[selected->count++] = selected->list[i];
	}
	sort(selected, by_position);
}

bool suite_select(struct suite_selected *selected, const struct suite *suite,
	const struct suite_selection *selection, char **names, struct vgt_err *err)
{
	const struct suite_manifest *manifest = &suite->manifest;

	*selected = (struct suite_selected){0};
	for (char **name = names; *name; name++) {
		if (!is_test(manifest, *name)) {
			return unknown_name(manifest, *name, err);
		}
	}
	selected->list = calloc(manifest->count + 1, sizeof(struct suite_test *));
	if (!selected->list) {
		return vgt_err_system(err, ENOMEM, "cannot select traces");
	}
	for (size_t i = 0; i < manifest->count; i++) {
		const struct suite_test *test = &manifest->tests[i];
		if ((!*names || is_named(test, names)) && passes(selection, test)) {
			selected->list[selected->count++] = test;
		}
	}
	if (!selected->count) {
		suite_selected_finish(selected);
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "%s",
			selection->filter_count ? "no trace passes the filters; --list names "
						  "them with their tags"
						: "has no traces");
	}
	take_shard(selected, selection);
	return true;
}

void suite_selected_finish(struct suite_selected *selected)
{
	free(selected->list);
	*selected = (struct suite_selected){0};
}
