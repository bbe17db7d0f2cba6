/* SPDX-License-Identifier: MIT */
#include "suite_attempt.h"

#include "trace_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN_BYTES_MAX (64 << 20) /* that are copied to what is kept */

void suite_attempt_find(
	struct suite_attempt *attempt, enum suite_verdict verdict, const char *format, ...)
{
	char *reason;
	va_list args;

	va_start(args, format);
	const int length = vasprintf(&reason, format, args);
	va_end(args);
	attempt->failures += verdict == SUITE_FAIL;
	attempt->errors += verdict == SUITE_ERROR;
	if (verdict > attempt->result->verdict) {
		attempt->result->verdict = verdict;
	}
	if (length < 0) {
		attempt->no_memory = true;
		return;
	}
	suite_result_add_reason(
		attempt->result, reason, verdict == SUITE_CRASH || verdict == SUITE_HANG);
}

enum suite_verdict suite_attempt_verdict(const struct vgt_err *err)
{
	return vgt_err_is_of_trace(err->code) ? SUITE_FAIL : SUITE_ERROR;
}

/* Keeping what failed */

/* The path in the test's directory, as people are told it. */
static char *kept_path(const struct suite_attempt *attempt, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s%s%s", attempt->runner->kept.path, attempt->test->name,
		       *name ? "/" : "", name) < 0
		       ? NULL
		       : path;
}

static void keep_failed(
	struct suite_attempt *attempt, const char *name, const struct vgt_err *err)
{
	if (!attempt->result->out_failed) {
		char *path = kept_path(attempt, name);
		suite_attempt_find(
			attempt, SUITE_ERROR, "%s: %s", path ? path : name, err->message);
		free(path);
	}
	attempt->result->out_failed = true;
}

/* Writes one file into the test's directory, by `write`; its path, or NULL. */
static char *keep(struct suite_attempt *attempt, const char *name,
	bool (*write)(const void *what, int directory, const char *name, struct vgt_err *err),
	const void *what)
{
	struct vgt_err err;

	if (attempt->result->out_failed) {
		return NULL;
	}
	const int directory =
		suite_kept_open(&attempt->runner->kept, attempt->test->name, &err);
	if (directory < 0) {
		keep_failed(attempt, "", &err);
		return NULL;
	}
	struct stat status;
	/* what an earlier run has kept is gone (suite_kept_clear()) */
	const bool good = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0
				  ? vgt_err_set(&err, VGT_ERR_USAGE, VGT_NO_OFFSET,
					    "is there again: another run keeps its failures in "
					    "the same directory, give each an --out")
				  : write(what, directory, name, &err);
	close(directory);
	if (!good) {
		keep_failed(attempt, name, &err);
	}
	return good ? kept_path(attempt, name) : NULL;
}

static bool write_picture(
	const void *what, int directory, const char *name, struct vgt_err *err)
{
	char path[80];
	/* by the descriptor, so that no path leads elsewhere meanwhile */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", directory, name);
	return vgt_image_write_png(what, path, false, err);
}

char *suite_attempt_keep_picture(struct suite_attempt *attempt, const struct vgt_image *image,
	uint64_t number, const char *kind)
{
	char name[48];

	snprintf(name, sizeof(name), "frame-%04" PRIu64 ".%s.png", number, kind);
	return keep(attempt, name, write_picture, image);
}

char *suite_attempt_keep_actual(
	struct suite_attempt *attempt, const struct vgt_image *image, uint64_t number)
{
	return attempt->kept++ <
			       (attempt->runner->update ? SUITE_FRAMES_MAX : SUITE_REASONS_MAX)
		       ? suite_attempt_keep_picture(attempt, image, number, "actual")
		       : NULL;
}

/* The bytes of a file that is open already, from its beginning. */
static bool write_copy(const void *what, int directory, const char *name, struct vgt_err *err)
{
	const int from = *(const int *)what;
	char block[1 << 16];
	ssize_t got = 0;
	off_t at = 0;
	const int to = openat(
		directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	bool good = to >= 0;

	while (good && (got = pread(from, block, sizeof(block), at)) > 0) {
		good = write(to, block, (size_t)got) == got;
		at += got;
	}
	if (!good || got < 0) {
		vgt_err_system(err, errno, "cannot write");
	}
	if (to >= 0) {
		close(to);
	}
	return good && got == 0;
}

char *suite_attempt_keep_golden(struct suite_attempt *attempt, const struct suite_frame *frame)
{
	char name[48];
	struct stat status;
	const int fd = trace_store_open(frame->golden, &status, NULL);

	if (fd < 0 || status.st_size > GOLDEN_BYTES_MAX) {
		if (fd >= 0) {
			close(fd);
		}
		return NULL;
	}
	snprintf(name, sizeof(name), "frame-%04" PRIu64 ".golden.png", frame->number);
	char *path = keep(attempt, name, write_copy, &fd);
	close(fd);
	return path;
}

static void append_line(void *opaque, const char *line)
{
	fprintf(opaque, "%s\n", line);
}

void suite_attempt_keep_log(struct suite_attempt *attempt)
{
	struct suite_result *result = attempt->result;
	struct stat status;
	size_t size = 0;

	if (fstat(attempt->log.fd, &status) != 0 || status.st_size == 0) {
		return;
	}
	FILE *to = open_memstream(&result->log_end, &size);
	if (to) {
		vgt_child_log_show_end(&attempt->log, append_line, to);
		fclose(to);
	}
	result->log = keep(attempt, SUITE_KEPT_LOG, write_copy, &attempt->log.fd);
}

void suite_attempt_clear_kept(struct suite_attempt *attempt)
{
	struct vgt_err err;

	if (!suite_kept_clear(&attempt->runner->kept, attempt->test->name, &err)) {
		keep_failed(attempt, "", &err);
	}
}
