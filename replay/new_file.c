/* SPDX-License-Identifier: MIT */
#include "new_file.h"

#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static bool may_be_there(const char *path, bool replace, struct vgt_err *err)
{
	struct stat status;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			S_ISDIR(status.st_mode) ? "is a directory" : "is not a file");
	}
	return replace || lstat(path, &status) != 0 ||
	       vgt_err_set(
		       err, VGT_ERR_USAGE, VGT_NO_OFFSET, "exists; use --force to replace it");
}

/* A name of its own, so that long names have room, too. */
static bool name_temporary(struct new_file *file)
{
	const char *slash = strrchr(file->path, '/');
	const int directory = slash ? (int)(slash - file->path) + 1 : 0;
	uint64_t number = 0;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		return false;
	}
	if (asprintf(&file->temporary, "%.*s.vgt-%016" PRIx64 ".tmp", directory, file->path,
		    number) < 0) {
		file->temporary = NULL;
		errno = ENOMEM;
	}
	return file->temporary != NULL;
}

bool new_file_create(
	struct new_file *file, const char *path, bool replace, mode_t mode, struct vgt_err *err)
{
	*file = (struct new_file){.fd = -1, .replace = replace};
	if (!may_be_there(path, replace, err)) {
		return false;
	}
	file->path = realpath(path, NULL);
	if (!file->path) {
		file->path = strdup(path); /* does not exist yet */
	}
	if (!file->path || !name_temporary(file)) {
		return vgt_err_system(err, errno, "cannot create");
	}
	/* a limit of the file size shall be an error */
	signal(SIGXFSZ, SIG_IGN);
	interrupt_file(file->temporary);
	file->fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return file->fd >= 0 || vgt_err_system(err, errno, "cannot create");
}

FILE *new_file_stream(const struct new_file *file, struct vgt_err *err)
{
	const int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!stream) {
		vgt_err_system(err, errno, "cannot create");
		if (fd >= 0) {
			close(fd);
		}
	}
	return stream;
}

/* The name is given, and nobody else's file replaced where that was not asked for. */
bool new_file_commit(struct new_file *file, struct vgt_err *err)
{
	int failed = -1;
	if (!file->replace) {
		failed = renameat2(
			AT_FDCWD, file->temporary, AT_FDCWD, file->path, RENAME_NOREPLACE);
		if (failed && errno == EEXIST) {
			return may_be_there(file->path, false, err);
		}
	}
	/* not every file system knows how not to replace */
	if (failed && (file->replace || errno == EINVAL || errno == ENOSYS)) {
		failed = rename(file->temporary, file->path);
	}
	if (failed) {
		return vgt_err_system(err, errno, "cannot put the new file in place");
	}
	interrupt_file(NULL);
	free(file->temporary);
	file->temporary = NULL;
	return true;
}

void new_file_finish(struct new_file *file)
{
	if (file->fd >= 0) {
		close(file->fd);
	}
	if (file->temporary) {
		unlink(file->temporary);
		interrupt_file(NULL);
	}
	free(file->temporary);
	free(file->path);
	*file = (struct new_file){.fd = -1};
}
