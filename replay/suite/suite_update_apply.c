/* SPDX-License-Identifier: MIT */
#include "suite_update.h"

#include "directory.h"
#include "new_file.h"
#include "suite_goldens.h"
#include "trace_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory of the golden, made where it is not there; -1: *err. */
static int open_level(
	const struct suite *suite, const struct suite_change *change, struct vgt_err *err)
{
	const int at = open(suite->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0) {
		vgt_err_system(err, errno, "cannot open the suite's directory");
		return -1;
	}
	const int test = directory_enter(at, change->test->name, true, err);
	close(at);
	if (test < 0 || !change->level) {
		return test;
	}
	const int level = directory_enter(test, change->level->name, true, err);
	close(test);
	return level;
}

static bool copy_all(int to, int from, struct vgt_err *err)
{
	char block[65536];
	ssize_t got;

	while ((got = read(from, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const ssize_t put = write(to, block + at, (size_t)(got - at));
			if (put < 0) {
				return vgt_err_system(err, errno, "cannot write");
			}
			at += put;
		}
	}
	return got == 0 || vgt_err_system(err, errno, "cannot read the picture");
}

static bool write_golden(
	int directory, const char *name, const char *picture, struct vgt_err *err)
{
	char path[80];
	struct stat status;
	struct new_file file = {.fd = -1};

	/* new_file.h would write where it leads */
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(status.st_mode)) {
		return vgt_err_set(
			err, VGT_ERR_USAGE, VGT_NO_OFFSET, "is a link, which is not followed");
	}
	const int from = trace_store_open(picture, &status, err);
	if (from < 0) {
		return false;
	}
	/* by the descriptor, so that no path leads elsewhere meanwhile */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", directory, name);
	const bool good = new_file_create(&file, path, true, 0666, err) &&
			  copy_all(file.fd, from, err) && new_file_commit(&file, err);
	new_file_finish(&file);
	close(from);
	return good;
}

static bool apply(
	const struct suite *suite, const struct suite_change *change, struct vgt_err *err)
{
	char name[SUITE_GOLDEN_NAME_SIZE];
	const int directory = open_level(suite, change, err);

	if (directory < 0) {
		return false;
	}
	suite_golden_name(name, change->number, change->variant);
	const bool good = change->kind == SUITE_CHANGE_REMOVE
				  ? unlinkat(directory, name, 0) == 0 ||
					    vgt_err_system(err, errno, "cannot remove")
				  : write_golden(directory, name, change->picture, err);
	close(directory);
	return good;
}

bool suite_update_apply(struct suite_update *update, struct vgt_err *err)
{
	for (size_t i = 0; i < update->count; i++) {
		struct suite_change *change = &update->changes[i];
		struct vgt_err cause;
		if (!change->wanted || change->done) {
			continue;
		}
		if (!apply(update->suite, change, &cause)) {
			return vgt_err_set(err, cause.code, VGT_NO_OFFSET, "%.120s: %s",
				change->file, cause.message);
		}
		change->done = true;
		update->removed += change->kind == SUITE_CHANGE_REMOVE;
		update->written += change->kind != SUITE_CHANGE_REMOVE;
	}
	return true;
}
