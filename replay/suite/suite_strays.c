/* SPDX-License-Identifier: MIT */
#include "suite_strays.h"

#include "suite_goldens.h"
#include "vgt_text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 1000000 /* of all directories */

struct search {
	const struct suite *suite;
	const struct suite_test *test; /* whose directory is searched; NULL: the suite's */
	size_t entries;
	struct vgt_err *err;
};

static bool by_trace(const struct search *search, const char *name)
{
	const struct suite_manifest *manifest = &search->suite->manifest;
	char *trace;

	for (size_t i = 0; i < manifest->count; i++) {
		if (strcmp(manifest->tests[i].name, name) == 0) {
			return true;
		}
	}
	/* a trace that the manifest leaves out takes its goldens with it */
	if (asprintf(&trace, "%s/%s.vgt", search->suite->directory, name) < 0) {
		return false;
	}
	const bool there = access(trace, F_OK) == 0;
	free(trace);
	return there;
}

static bool by_renderer(const struct search *search, const char *name)
{
	const struct suite_manifest *manifest = &search->suite->manifest;

	for (size_t i = 0; i < manifest->key_count; i++) {
		if (strcmp(manifest->keys[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool count_entry(struct search *search)
{
	return ++search->entries <= ENTRIES_MAX ||
	       vgt_err_set(search->err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
		       "%.120s: more than %d files are there", search->suite->directory,
		       ENTRIES_MAX);
}

/* Whether there are no goldens in it; what is no directory has none. */
static bool has_none(struct search *search, const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	bool good = true;

	while (dir && good && (entry = readdir(dir))) {
		good = count_entry(search);
		if (good && suite_is_golden_name(entry->d_name)) {
			good = vgt_err_set(search->err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"%.160s: has goldens, but %s has that name",
				vgt_text_quote(path).text,
				search->test ? "none of the manifest's \"renderers\""
					     : "no trace");
		}
	}
	if (dir) {
		closedir(dir);
	}
	return good;
}

/* All directories in this one whose name is not `known`; a test says itself what is wrong with
 * its own. */
static bool search_in(struct search *search, const char *directory,
	bool (*known)(const struct search *search, const char *name))
{
	const struct dirent *entry;
	DIR *dir = opendir(directory);
	bool good = dir || search->test ||
		    vgt_err_system(
			    search->err, errno, "%.120s: cannot read the directory", directory);

	while (dir && good && (entry = readdir(dir))) {
		const bool may_be = entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
				    entry->d_type == DT_UNKNOWN;
		char *path;
		good = count_entry(search);
		if (!good || !may_be || entry->d_name[0] == '.' ||
			known(search, entry->d_name)) {
			continue;
		}
		if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0) {
			good = vgt_err_system(search->err, ENOMEM, "cannot open the suite");
		} else {
			good = has_none(search, path);
			free(path);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return good;
}

static bool has_all(const struct suite *suite)
{
	const char *path = suite->manifest_path;
	const char *slash = path ? strrchr(path, '/') : NULL;

	return !path || strcmp(slash ? slash + 1 : path, "manifest.json") == 0;
}

bool suite_strays_check(const struct suite *suite, struct vgt_err *err)
{
	struct search search = {.suite = suite, .err = err};
	bool good = !has_all(suite) || search_in(&search, suite->directory, by_trace);

	for (size_t i = 0; good && i < suite->manifest.count; i++) {
		search.test = &suite->manifest.tests[i];
		char *path = suite_goldens_path(suite, search.test);
		good = path ? search_in(&search, path, by_renderer)
			    : vgt_err_system(err, ENOMEM, "cannot open the suite");
		free(path);
	}
	return good;
}
