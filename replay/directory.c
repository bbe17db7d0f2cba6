/* SPDX-License-Identifier: MIT */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int step(int at, const char *name, struct vgt_err *err)
{
	struct stat status;
	const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const int error = errno;

	if (fd < 0 && fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(status.st_mode)) {
		vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"%.100s is a link, which is not followed", name);
	} else if (fd < 0) {
		vgt_err_system(err, error, "cannot open the directory");
	}
	errno = error;
	return fd;
}

int directory_enter(int at, const char *name, bool make, struct vgt_err *err)
{
	if (make && mkdirat(at, name, 0777) != 0 && errno != EEXIST) {
		vgt_err_system(err, errno, "cannot make the directory");
		return -1;
	}
	return step(at, name, err);
}

int directory_read(
	int at, const char *name, bool follow, struct stat *status, struct vgt_err *err)
{
	/* O_NONBLOCK: a pipe in its place is no reason to wait */
	const int fd =
		openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));

	if (fd < 0 && errno == ELOOP && !follow) {
		vgt_err_set(
			err, VGT_ERR_USAGE, VGT_NO_OFFSET, "is a link, which is not followed");
	} else if (fd < 0 || fstat(fd, status) != 0) {
		vgt_err_system(err, errno, "cannot open");
	} else if (!S_ISREG(status->st_mode)) {
		vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "is no regular file");
	} else {
		return fd;
	}
	if (fd >= 0) {
		close(fd);
	}
	return -1;
}

bool directory_make_above(const char *path, struct vgt_err *err)
{
	char above[PATH_MAX] = "";

	if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above)) {
		return vgt_err_system(err, ENAMETOOLONG, "cannot make the directory");
	}
	for (char *slash = above; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(above, 0777) != 0 && errno != EEXIST) {
			return vgt_err_system(
				err, errno, "cannot make the directory %.150s", above);
		}
		*slash = '/';
	}
	return true;
}
