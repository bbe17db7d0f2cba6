/* SPDX-License-Identifier: MIT */
#include "recorded_traces.h"

#include "vgt_reader.h"
#include "vgt_trace.h"
#include "virtio_gpu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX      ".vgt"
#define NUMBERS_MAX 100000

__attribute__((format(printf, 1, 2))) static char *heap_print(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	const int length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? NULL : text;
}

char *vgt_recorded_path(const struct vgt_record_target *target, const char *name)
{
	return heap_print("%s/%s", target->directory, name);
}

char *vgt_recorded_shown(const struct vgt_record_target *target, const char *name)
{
	return heap_print("%s%s", target->shown, name);
}

/* The target */

static bool exists(const struct vgt_record_target *target, const char *name)
{
	struct stat status;
	char *path = vgt_recorded_path(target, name);
	const bool found = path && lstat(path, &status) == 0;

	free(path);
	return found;
}

/* Splits `file` into directory and name; false where it has no name. */
static bool split(struct vgt_record_target *target, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;

	target->shown = strndup(file, (size_t)(name - file));
	target->name = strdup(name);
	target->directory = realpath(slash ? target->shown : ".", NULL);
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* NAME.vgt of the program's name, or NAME.1.vgt, NAME.2.vgt, ... */
static char *free_name(const struct vgt_record_target *target, const char *stem)
{
	char *name = heap_print("%s" SUFFIX, stem);

	for (unsigned i = 1; name && i < NUMBERS_MAX && exists(target, name); i++) {
		free(name);
		name = heap_print("%s.%u" SUFFIX, stem, i);
	}
	return name;
}

/* Access rights say little to root or about a full disk: creates a file, and removes it. */
static bool try_directory(const struct vgt_record_target *target, struct vgt_err *err)
{
	char *path = vgt_recorded_path(target, ".vgt-record-XXXXXX");
	const int fd = path ? mkostemp(path, O_CLOEXEC) : -1;

	if (fd < 0) {
		vgt_err_system(err, errno, "%s%s: cannot create", target->shown, target->name);
	} else {
		close(fd);
		unlink(path);
	}
	free(path);
	return fd >= 0;
}

static bool check_existing(struct vgt_record_target *target, bool force, struct vgt_err *err)
{
	struct stat status;
	char *path = vgt_recorded_path(target, target->name);
	const bool found = path && lstat(path, &status) == 0;

	free(path);
	if (!found) {
		return true;
	}
	if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "%s%s: is %s",
			target->shown, target->name,
			S_ISDIR(status.st_mode) ? "a directory" : "not a file");
	}
	target->replaces = force;
	return force ||
	       vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
		       "%s%s: exists; use --force to replace it", target->shown, target->name);
}

bool vgt_record_target_init(struct vgt_record_target *target, const char *file,
	const char *program, bool force, struct vgt_err *err)
{
	const char *slash = strrchr(program, '/');

	*target = (struct vgt_record_target){0};
	if (!split(target, file ? file : "vgt" SUFFIX)) {
		vgt_err_set(
			err, VGT_ERR_USAGE, VGT_NO_OFFSET, "'%s' is no name for a file", file);
		goto error;
	}
	if (!target->directory || !target->shown || !target->name) {
		vgt_err_system(err, errno, "%s: cannot create", file ? file : "trace");
		goto error;
	}
	if (!file) {
		free(target->name);
		target->stem = strdup(slash && slash[1] ? slash + 1 : program);
		target->name = target->stem ? free_name(target, target->stem) : NULL;
		if (!target->name) {
			vgt_err_system(err, ENOMEM, "no name for the trace");
			goto error;
		}
	}
	if (!check_existing(target, force, err) || !try_directory(target, err)) {
		goto error;
	}
	return true;
error:
	vgt_record_target_finish(target);
	return false;
}

bool vgt_record_target_clear(struct vgt_record_target *target, struct vgt_err *err)
{
	/* what has come since is another recording's */
	if (!target->replaces || !exists(target, target->name)) {
		return true;
	}
	char *from = vgt_recorded_path(target, target->name);
	target->set_aside =
		heap_print("%s/.%s.old-%ld", target->directory, target->name, (long)getpid());
	const bool good = from && target->set_aside && rename(from, target->set_aside) == 0;
	if (!good) {
		vgt_err_system(err, errno, "%s%s: cannot replace", target->shown, target->name);
		free(target->set_aside);
		target->set_aside = NULL;
	}
	free(from);
	return good;
}

/* As renameat2() with RENAME_NOREPLACE, also where the file system cannot do that at once. */
static int rename_to_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS) {
		return -1;
	}
	if (access(to, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

bool vgt_record_target_settle(
	struct vgt_record_target *target, bool replaced, struct vgt_err *err)
{
	char *path = vgt_recorded_path(target, target->name);
	bool good = true;

	if (target->set_aside && replaced) {
		good = unlink(target->set_aside) == 0 ||
		       vgt_err_system(err, errno, "cannot remove the trace replaced, %s",
			       target->set_aside);
	} else if (target->set_aside) {
		good = (path && rename_to_new(target->set_aside, path) == 0) ||
		       vgt_err_system(err, path ? errno : ENOMEM,
			       "%s%s: cannot be put back, it is now %s", target->shown,
			       target->name, target->set_aside);
	}
	free(path);
	free(target->set_aside);
	target->set_aside = NULL;
	return good;
}

char *vgt_record_target_pattern(const struct vgt_record_target *target)
{
	char *path = vgt_recorded_path(target, target->name);
	char *pattern = path ? malloc(2 * strlen(path) + 1) : NULL;
	char *to = pattern;

	for (const char *from = path; pattern && from && *from; from++) {
		if (*from == '%') {
			*to++ = '%';
		}
		*to++ = *from;
	}
	if (pattern) {
		*to = '\0';
	}
	free(path);
	return pattern;
}

void vgt_record_target_finish(struct vgt_record_target *target)
{
	free(target->directory);
	free(target->shown);
	free(target->name);
	free(target->stem);
	free(target->set_aside);
	*target = (struct vgt_record_target){0};
}

/* The traces */

/* Whether a trace says that its ring is in this directory. */
static bool identify(
	struct vgt_recorded_trace *trace, const char *path, const char *ring_directory)
{
	const size_t length = strlen(ring_directory);
	struct vgt_record record;
	struct vgt_err err;
	bool good = false;
	struct vgt_reader *reader = vgt_reader_open(path, &err);

	/* The record that names it is the first but for those of the format. */
	if (reader && vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
		const char *ring = vgt_reader_ring_path(reader);
		good = strncmp(ring, ring_directory, length) == 0 && ring[length] == '/';
		trace->trace_id = vgt_reader_trace_id(reader);
	}
	vgt_reader_close(reader);
	return good;
}

/* The tail is written last, and its end is the magic of the seek table. */
static bool ends_with_tail(const char *path, uint64_t *size)
{
	uint32_t magic = 0;
	struct stat status;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = false;

	if (fd >= 0 && fstat(fd, &status) == 0) {
		*size = (uint64_t)status.st_size;
		good = pread(fd, &magic, sizeof(magic), status.st_size - 4) == 4 &&
		       magic == VGT_SEEK_MAGIC;
	}
	if (fd >= 0) {
		close(fd);
	}
	return good;
}

/* Adds the file if it is one of ours. False: no memory. */
static bool consider(struct vgt_recorded_traces *traces, const struct vgt_record_target *target,
	const char *name, const char *ring_directory)
{
	struct stat status;
	struct vgt_recorded_trace trace = {0};
	char *path = vgt_recorded_path(target, name);
	bool good = path != NULL;

	if (good && lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
		identify(&trace, path, ring_directory)) {
		struct vgt_recorded_trace *list =
			realloc(traces->list, (traces->count + 1) * sizeof(*list));
		traces->list = list ? list : traces->list;
		trace.has_tail = ends_with_tail(path, &trace.size);
		trace.name = strdup(name);
		good = list && trace.name;
		if (good) {
			list[traces->count++] = trace;
		} else {
			free(trace.name);
		}
	}
	free(path);
	return good;
}

static int by_name(const void *a, const void *b)
{
	const struct vgt_recorded_trace *trace_a = a;
	const struct vgt_recorded_trace *trace_b = b;

	return strcmp(trace_a->name, trace_b->name);
}

bool vgt_recorded_find(struct vgt_recorded_traces *traces,
	const struct vgt_record_target *target, const char *ring_directory, struct vgt_err *err)
{
	/* The interposer makes NAME-PID.vgt of NAME.vgt where that exists: all begin alike. */
	const char *dot = strrchr(target->name, '.');
	const size_t stem = dot ? (size_t)(dot - target->name) : strlen(target->name);
	DIR *directory = opendir(target->directory);
	const struct dirent *entry;
	bool good = true;

	*traces = (struct vgt_recorded_traces){0};
	if (!directory) {
		return vgt_err_system(err, errno, "cannot read the directory");
	}
	while (good && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, target->name, stem) == 0 &&
			(entry->d_name[stem] == '-' ||
				strcmp(entry->d_name, target->name) == 0)) {
			good = consider(traces, target, entry->d_name, ring_directory);
		}
	}
	closedir(directory);
	if (!good) {
		vgt_recorded_finish(traces);
		return vgt_err_system(err, ENOMEM, "cannot look for the traces");
	}
	if (traces->count) {
		qsort(traces->list, traces->count, sizeof(*traces->list), by_name);
	}
	return true;
}

void vgt_recorded_finish(struct vgt_recorded_traces *traces)
{
	for (size_t i = 0; i < traces->count; i++) {
		free(traces->list[i].name);
	}
	free(traces->list);
	*traces = (struct vgt_recorded_traces){0};
}

static bool says_masked(const struct vgt_record *record)
{
	const char *at = record->payload;
	const char *const end = at + record->size;
	const char *text;

	while ((text = vgt_meta_next(&at, end))) {
		if (vgt_meta_value(text, "capset.masked")) {
			return true;
		}
	}
	return false;
}

/* Reads as far as needed: to the first SUBMIT_3D, or to the end. */
static bool read_trace(struct vgt_recorded_trace *trace, struct vgt_reader *reader, bool to_end,
	struct vgt_err *err)
{
	struct vgt_record record;
	enum vgt_read next = VGT_READ_RECORD;

	trace->submits = false;
	trace->masked = false;
	while (next == VGT_READ_RECORD && (to_end || !trace->submits)) {
		next = vgt_reader_next(reader, &record, err);
		if (next == VGT_READ_RECORD && record.type == VGT_RECORD_META) {
			trace->masked |= says_masked(&record);
		}
		if (next == VGT_READ_RECORD && record.type == VIRTIO_GPU_CMD_SUBMIT_3D) {
			trace->submits = true;
		}
	}
	return next != VGT_READ_ERROR;
}

bool vgt_recorded_measure(struct vgt_recorded_trace *trace,
	const struct vgt_record_target *target, const struct vgt_recording *exact,
	struct vgt_err *err)
{
	char *path = vgt_recorded_path(target, trace->name);
	struct vgt_reader *reader = path ? vgt_reader_open(path, err) : NULL;
	const bool good = reader && read_trace(trace, reader, !exact, err);

	if (exact) {
		trace->frames = atomic_load(&exact->header->frames);
		trace->commands = atomic_load(&exact->header->commands);
		trace->raw = atomic_load(&exact->header->head);
	} else if (reader) {
		const struct vgt_position at = vgt_reader_passed(reader);
		trace->frames = at.frames;
		trace->commands = at.commands;
		trace->raw = at.stream_pos;
	}
	if (path) {
		trace->has_tail = ends_with_tail(path, &trace->size);
	}
	vgt_reader_close(reader);
	free(path);
	return good;
}

void vgt_recorded_drop(
	struct vgt_recorded_traces *traces, const struct vgt_record_target *target, size_t i)
{
	struct vgt_recorded_trace *trace = &traces->list[i];
	char *path = vgt_recorded_path(target, trace->name);

	if (path) {
		unlink(path);
	}
	free(path);
	free(trace->name);
	traces->count--;
	memmove(trace, trace + 1, (traces->count - i) * sizeof(*trace));
}

bool vgt_recorded_claim_name(
	struct vgt_recorded_trace *trace, struct vgt_record_target *target, struct vgt_err *err)
{
	char *from = vgt_recorded_path(target, trace->name);
	char *to = vgt_recorded_path(target, target->name);
	int result = from && to ? rename_to_new(from, to) : -1;

	for (unsigned tries = 0; result != 0 && errno == EEXIST && target->stem && tries < 100;
		tries++) {
		free(to);
		free(target->name);
		target->name = free_name(target, target->stem);
		to = target->name ? vgt_recorded_path(target, target->name) : NULL;
		result = to ? rename_to_new(from, to) : -1;
	}
	char *name = result == 0 ? strdup(target->name) : NULL;
	if (name) {
		free(trace->name);
		trace->name = name;
	} else {
		vgt_err_system(err, errno, "cannot be renamed to %s%s", target->shown,
			target->name ? target->name : "");
	}
	free(from);
	free(to);
	return name != NULL;
}
