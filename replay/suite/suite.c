/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "trace_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".vgt"

/* Puts the path before the message. */
static bool about(struct vgt_err *err, const char *path, const struct vgt_err *cause)
{
	const enum vgt_err_code code = cause->code;
	return vgt_err_set(err, code, VGT_NO_OFFSET, "%.120s: %s", path, cause->message);
}

static bool no_memory(struct vgt_err *err)
{
	return vgt_err_system(err, ENOMEM, "cannot open the suite");
}

/* At most a manifest's size and one byte more, by which that is too large; the caller frees it.
 */
static char *read_text(int fd, size_t *size, struct vgt_err *err)
{
	char *text = malloc(SUITE_MANIFEST_MAX + 1);
	ssize_t got = text ? 1 : -1;

	*size = 0;
	while (got > 0 && *size < SUITE_MANIFEST_MAX + 1) {
		got = read(fd, text + *size, SUITE_MANIFEST_MAX + 1 - *size);
		*size += got > 0 ? (size_t)got : 0;
	}
	if (got >= 0) {
		return text;
	}
	vgt_err_system(err, errno, "cannot read the manifest");
	free(text);
	return NULL;
}

/* Of a regular file; the caller frees it. */
static char *read_manifest(const char *path, size_t *size, struct vgt_err *err)
{
	struct stat status;
	const int fd = trace_store_open(path, &status, err);
	char *text = fd < 0 ? NULL : read_text(fd, size, err);

	if (fd >= 0) {
		close(fd);
	}
	return text;
}

static bool open_manifest(struct suite *suite, struct vgt_err *err)
{
	struct vgt_err cause;
	size_t size;
	char *text = read_manifest(suite->manifest_path, &size, &cause);
	const bool good = text && suite_manifest_parse(&suite->manifest, text, size, &cause);

	free(text);
	return good || about(err, suite->manifest_path, &cause);
}

/* A directory without manifest */

static int is_trace(const struct dirent *entry)
{
	const size_t length = strlen(entry->d_name);
	return entry->d_name[0] != '.' && length > strlen(SUFFIX) &&
	       strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* By bytes: alphasort() depends on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What a manifest would say that has nothing but the names. */
static struct json_object *list_traces(struct dirent **entries, int count)
{
	struct json_object *json = json_object_new_object();
	struct json_object *traces = json_object_new_array();

	json_object_object_add(json, "version", json_object_new_int(1));
	json_object_object_add(json, "traces", traces);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		struct json_object *trace = json_object_new_object();
		json_object_object_add(trace, "name",
			json_object_new_string_len(name, (int)(strlen(name) - strlen(SUFFIX))));
		json_object_array_add(traces, trace);
	}
	return json;
}

static bool open_directory(struct suite *suite, struct vgt_err *err)
{
	struct dirent **entries;
	struct vgt_err cause;
	const int count = scandir(suite->directory, &entries, is_trace, by_name);

	if (count < 0) {
		vgt_err_system(&cause, errno, "cannot read the directory");
		return about(err, suite->directory, &cause);
	}
	bool good = count > 0;
	if (good) {
		good = suite_manifest_take_listed(
			&suite->manifest, list_traces(entries, count), &cause);
	} else {
		vgt_err_set(&cause, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"is no suite: neither manifest.json nor a trace (*.vgt) is there");
	}
	for (int i = 0; i < count; i++) {
		free(entries[i]);
	}
	free(entries);
	return good || about(err, suite->directory, &cause);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 || errno != ENOENT;
}

bool suite_open(struct suite *suite, const char *path, struct vgt_err *err)
{
	struct stat status;
	struct vgt_err cause;
	size_t length = strlen(path);
	bool good;

	*suite = (struct suite){0};
	if (stat(path, &status) != 0) {
		vgt_err_system(&cause, errno, "cannot open");
		return about(err, path, &cause);
	}
	if (!S_ISDIR(status.st_mode)) {
		suite->manifest_path = strdup(path);
		suite->directory = directory_of(path);
	} else {
		while (length > 1 && path[length - 1] == '/') {
			length--;
		}
		suite->directory = strndup(path, length);
		if (asprintf(&suite->manifest_path, "%.*s/manifest.json", (int)length, path) <
			0) {
			suite->manifest_path = NULL;
		}
	}
	if (!suite->directory || !suite->manifest_path) {
		good = no_memory(err);
	} else if (!S_ISDIR(status.st_mode) || is_there(suite->manifest_path)) {
		good = open_manifest(suite, err);
	} else {
		free(suite->manifest_path);
		suite->manifest_path = NULL;
		good = open_directory(suite, err);
	}
	if (!good) {
		suite_close(suite);
	}
	return good;
}

void suite_close(struct suite *suite)
{
	suite_manifest_finish(&suite->manifest);
	free(suite->directory);
	free(suite->manifest_path);
	*suite = (struct suite){0};
}

char *suite_trace_path(
	const struct suite *suite, const struct suite_test *test, struct vgt_err *err)
{
	char *path;

	if (test->url) {
		return trace_store_path(test->sha256, err);
	}
	if (asprintf(&path, "%s/%s%s", suite->directory, test->file ? test->file : test->name,
		    test->file ? "" : SUFFIX) < 0) {
		no_memory(err);
		return NULL;
	}
	return path;
}

char *suite_goldens_path(const struct suite *suite, const struct suite_test *test)
{
	char *path;
	return asprintf(&path, "%s/%s", suite->directory, test->name) < 0 ? NULL : path;
}
