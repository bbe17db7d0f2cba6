/* SPDX-License-Identifier: MIT */
#include "new_file.h"

#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX        40 /* as Linux has it */
#define FD_OF_CALLER_MAX 9  /* what a shell's redirection can name */

static bool tell_exists(struct vgt_err *err)
{
	return vgt_err_set(
		err, VGT_ERR_USAGE, VGT_NO_OFFSET, "exists; use --force to replace it");
}

static bool may_be_there(const char *path, bool replace, struct vgt_err *err)
{
	struct stat status;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			S_ISDIR(status.st_mode) ? "is a directory" : "is not a file");
	}
	return replace || lstat(path, &status) != 0 || tell_exists(err);
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

/*
 * The file that is to be replaced or made: behind all links, also where these lead to none yet.
 * The caller frees it; NULL with errno.
 */
static char *behind_links(const char *path)
{
	char *at = realpath(path, NULL), target[PATH_MAX];
	if (at || errno != ENOENT) {
		return at;
	}
	at = strdup(path);
	for (int links = 0; at && links < LINKS_MAX; links++) {
		const ssize_t length = readlink(at, target, sizeof(target) - 1);
		if (length < 0) {
			return at; /* does not exist */
		}
		target[length] = '\0';
		const char *slash = *target == '/' ? NULL : strrchr(at, '/');
		char *next;
		if (asprintf(&next, "%.*s%s", slash ? (int)(slash - at) + 1 : 0, at, target) <
			0) {
			next = NULL;
		}
		free(at);
		at = next;
	}
	errno = at ? ELOOP : ENOMEM;
	free(at);
	return NULL;
}

bool new_file_create(
	struct new_file *file, const char *path, bool replace, mode_t mode, struct vgt_err *err)
{
	*file = (struct new_file){.fd = -1, .replace = replace};
	if (!may_be_there(path, replace, err)) {
		return false;
	}
	file->path = behind_links(path);
	if (!file->path || !name_temporary(file)) {
		return vgt_err_system(err, errno, "cannot create");
	}
	/* a limit of the file size shall be an error */
	signal(SIGXFSZ, SIG_IGN);
	interrupt_file(file->temporary);
	file->fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return file->fd >= 0 || vgt_err_system(err, errno, "cannot create");
}

/* A descriptor of the caller's by which the same file can be written, -1 where there is none.
 */
static int find_open(const struct stat *wanted)
{
	struct stat status;
	for (int fd = STDOUT_FILENO; fd <= FD_OF_CALLER_MAX; fd++) {
		const int flags = fcntl(fd, F_GETFL);
		if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && fstat(fd, &status) == 0 &&
			status.st_dev == wanted->st_dev && status.st_ino == wanted->st_ino) {
			return fd;
		}
	}
	return -1;
}

bool new_file_is_stream(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && !S_ISDIR(status.st_mode) &&
	       (!S_ISREG(status.st_mode) || find_open(&status) >= 0);
}

bool new_file_can_write(const char *path, struct vgt_err *err)
{
	struct new_file file;

	if (new_file_is_stream(path)) {
		/* to open and close a pipe would be all that its reader sees */
		return access(path, W_OK) == 0 || vgt_err_system(err, errno, "cannot write");
	}
	const bool good = new_file_create(&file, path, true, 0666, err);
	new_file_finish(&file);
	return good;
}

bool new_file_create_or_append(struct new_file *file, const char *path, struct vgt_err *err)
{
	struct stat status;
	if (!new_file_is_stream(path)) {
		return new_file_create(file, path, true, 0666, err);
	}
	*file = (struct new_file){.fd = -1};
	/* by what is open, for that has the place that is written next */
	const int fd = stat(path, &status) == 0 ? find_open(&status) : -1;
	file->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0)
			   : open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
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
	if (!file->temporary) {
		return true; /* a stream */
	}
	if (!file->replace) {
		failed = renameat2(
			AT_FDCWD, file->temporary, AT_FDCWD, file->path, RENAME_NOREPLACE);
		if (failed && errno == EEXIST) {
			return tell_exists(err);
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
