/* SPDX-License-Identifier: MIT */
#include "suite_kept.h"

#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last part of the directory's name, whatever leads to it. The caller frees it; NULL with
 * errno. */
static char *suite_name(const char *directory)
{
	char *path = realpath(directory, NULL);
	const char *name = path ? strrchr(path, '/') + 1 : NULL;
	char *copy = name ? strdup(*name ? name : "root") : NULL;
	free(path);
	return copy;
}

static bool is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0;
}

static bool take_default(struct suite_kept *kept, const char *directory, struct vgt_err *err)
{
	char *name = suite_name(directory);
	if (!name) {
		return vgt_err_system(err, errno, "cannot find the suite's directory");
	}
	kept->is_default = true;
	if (asprintf(&kept->path, SUITE_KEPT_DEFAULT "/%s", name) < 0) {
		kept->path = NULL;
	}
	free(name);
	if (!kept->path) {
		return vgt_err_system(err, ENOMEM, "cannot keep failures");
	}
	kept->had_default = is_there(SUITE_KEPT_DEFAULT);
	kept->had = is_there(kept->path);
	return true;
}

bool suite_kept_init(
	struct suite_kept *kept, const char *out, const char *directory, struct vgt_err *err)
{
	*kept = (struct suite_kept){0};
	if (!out) {
		return take_default(kept, directory, err);
	}
	kept->path = strdup(out);
	return kept->path || vgt_err_system(err, ENOMEM, "cannot keep failures");
}

/* As realpath(), also where the last parts are not there yet. The caller frees it; NULL: no
 * memory, or nothing of it can be found. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);
	const size_t length = strlen(path);
	char *copy = strdup(path), *resolved = NULL;

	if (real || !copy || !length || errno != ENOENT) {
		free(copy);
		return real;
	}
	copy[length - (copy[length - 1] == '/')] = '\0';
	char *slash = strrchr(copy, '/');
	char *above = NULL;
	if (slash != copy) {
		if (slash) {
			*slash = '\0';
		}
		above = resolve(slash ? copy : ".");
	}
	if (above && asprintf(&resolved, "%s/%s", above, slash ? slash + 1 : copy) < 0) {
		resolved = NULL;
	}
	free(above);
	free(copy);
	return resolved;
}

/* Whether this is `name`, or a path below it. */
static bool begins_with(const char *path, const char *name)
{
	const size_t length = strlen(name);
	return strncmp(path, name, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

bool suite_kept_allows(const struct suite *suite, const char *out, struct vgt_err *err)
{
	char *root = resolve(suite->directory), *path = resolve(out);
	const size_t length = root ? strlen(root) : 0;
	bool good = true;

	if (root && path && strcmp(root, path) == 0) {
		good = vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"is the suite itself; results need a directory of their own");
	}
	for (size_t i = 0; good && root && path && i < suite->manifest.count; i++) {
		if (begins_with(path, root) &&
			begins_with(path + length + (path[length] == '/'),
				suite->manifest.tests[i].name)) {
			good = vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
				"is for the goldens of a trace; results need a directory of "
				"their own");
		}
	}
	free(root);
	free(path);
	return good;
}

void suite_kept_finish(struct suite_kept *kept)
{
	if (kept->is_default && !kept->had) {
		rmdir(kept->path);
	}
	if (kept->is_default && !kept->had_default) {
		rmdir(SUITE_KEPT_DEFAULT);
	}
	free(kept->path);
	*kept = (struct suite_kept){0};
}

/* What all tests' directories are in. */
static int enter_out(const struct suite_kept *kept, bool make, struct vgt_err *err)
{
	if (!kept->is_default) {
		const int fd = open(kept->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			vgt_err_system(err, errno, "cannot open the directory");
		}
		return fd;
	}
	const int above = directory_enter(AT_FDCWD, SUITE_KEPT_DEFAULT, make, err);
	if (above < 0) {
		return -1;
	}
	const int fd = directory_enter(above, strchr(kept->path, '/') + 1, make, err);
	const int error = errno;
	close(above);
	errno = error;
	return fd;
}

static int enter_test(
	const struct suite_kept *kept, const char *name, bool make, struct vgt_err *err)
{
	const int out = enter_out(kept, make, err);
	if (out < 0) {
		return -1;
	}
	const int fd = directory_enter(out, name, make, err);
	const int error = errno;
	close(out);
	errno = error;
	return fd;
}

int suite_kept_open(const struct suite_kept *kept, const char *name, struct vgt_err *err)
{
	return enter_test(kept, name, true, err);
}

int suite_kept_read(const char *path, struct vgt_err *err)
{
	char *out = strdup(path);
	char *name = out ? strrchr(out, '/') : NULL;
	char *test;
	struct stat status;
	int fd = -1;

	if (name) {
		*name++ = '\0';
	}
	test = name ? strrchr(out, '/') : NULL;
	if (!test) {
		free(out);
		vgt_err_system(err, out ? EINVAL : ENOMEM, "cannot open");
		return -1;
	}
	*test++ = '\0';
	const int at = open(*out ? out : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0) {
		vgt_err_system(err, errno, "cannot open the directory");
	}
	const int directory = at < 0 ? -1 : directory_enter(at, test, false, err);
	if (directory >= 0) {
		fd = directory_read(directory, name, false, &status, err);
		close(directory);
	}
	if (at >= 0) {
		close(at);
	}
	free(out);
	return fd;
}

static bool is_ours(const char *name)
{
	static const char *const endings[] = {".actual.png", ".difference.png", ".golden.png"};
	const size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const size_t end = strlen(endings[i]);
		if (strncmp(name, "frame-", 6) == 0 && length > end &&
			strcmp(name + length - end, endings[i]) == 0) {
			return true;
		}
	}
	return strcmp(name, SUITE_KEPT_LOG) == 0;
}

/* Takes the descriptor over. How many there were. */
static unsigned remove_ours(int fd)
{
	const struct dirent *entry;
	unsigned removed = 0;
	DIR *dir = fdopendir(fd);

	if (!dir) {
		close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		removed +=
			is_ours(entry->d_name) && unlinkat(dirfd(dir), entry->d_name, 0) == 0;
	}
	closedir(dir);
	return removed;
}

bool suite_kept_clear(const struct suite_kept *kept, const char *name, struct vgt_err *err)
{
	const int fd = enter_test(kept, name, false, err);
	if (fd < 0) {
		return errno == ENOENT;
	}
	if (remove_ours(fd)) {
		const int out = enter_out(kept, false, NULL);
		if (out >= 0) {
			unlinkat(out, name, AT_REMOVEDIR); /* where it holds nothing else */
			close(out);
		}
	}
	return true;
}
