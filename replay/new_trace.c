/* SPDX-License-Identifier: MIT */
#include "new_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

static const int deadly[] = {SIGHUP, SIGINT, SIGTERM};

/* What a signal must not leave behind. */
static const char *volatile unfinished;

static void on_signal(int number)
{
	if (unfinished) {
		unlink(unfinished);
	}
	signal(number, SIG_DFL);
	raise(number);
}

/* Signals that the caller ignores, as nohup does, stay ignored. */
static void catch_signals(void (*handler)(int))
{
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		struct sigaction action;
		if (sigaction(deadly[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
			action = (struct sigaction){.sa_handler = handler};
			sigaction(deadly[i], &action, NULL);
		}
	}
	/* a file size limit shall be an error */
	signal(SIGXFSZ, SIG_IGN);
}

static bool may_be_there(const char *path, bool replace, struct vgt_err *err)
{
	struct stat status;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "is not a file");
	}
	return replace || lstat(path, &status) != 0 ||
	       vgt_err_set(
		       err, VGT_ERR_USAGE, VGT_NO_OFFSET, "exists; use --force to replace it");
}

static bool open_temporary(
	struct new_trace *trace, const struct stat *like, struct vgt_err *err)
{
	uint64_t number = 0;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number) ||
		asprintf(&trace->temporary, "%s.%016" PRIx64 ".tmp", trace->path, number) < 0) {
		trace->temporary = NULL;
		return vgt_err_system(err, errno, "cannot create");
	}
	unfinished = trace->temporary;
	catch_signals(on_signal);
	trace->fd = open(
		trace->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, like ? 0600 : 0666);
	if (trace->fd < 0) {
		return vgt_err_system(err, errno, "cannot create");
	}
	if (like) {
		/* only root may give files away; the mode comes last, for that clears bits */
		int ignored = fchown(trace->fd, like->st_uid, like->st_gid);
		(void)ignored;
		if (fchmod(trace->fd, like->st_mode & 07777)) {
			return vgt_err_system(err, errno, "cannot set the mode");
		}
	}
	return true;
}

bool new_trace_create(struct new_trace *trace, const char *path, bool replace,
	const struct stat *like, int level, struct vgt_err *err)
{
	*trace = (struct new_trace){.fd = -1, .replace = replace, .sink = {.fd = -1}};
	if (!may_be_there(path, replace, err)) {
		return false;
	}
	/* a symbolic link stays one */
	trace->path = realpath(path, NULL);
	if (!trace->path) {
		trace->path = strdup(path);
	}
	if (!trace->path) {
		return vgt_err_system(err, ENOMEM, "cannot create");
	}
	return open_temporary(trace, like, err) &&
	       vgt_sink_init(&trace->sink, trace->fd, 0, level, err);
}

static bool make_room(struct new_trace *trace, size_t span, struct vgt_err *err)
{
	if (trace->capacity - trace->size >= span) {
		return true;
	}
	const size_t capacity = trace->size + span + VGT_CHUNK_TARGET;
	uint8_t *records = realloc(trace->records, capacity);
	if (!records) {
		return vgt_err_system(err, ENOMEM, "cannot hold a record");
	}
	trace->records = records;
	trace->capacity = capacity;
	return true;
}

bool new_trace_put(
	struct new_trace *trace, const struct vgt_record *record, struct vgt_err *err)
{
	const struct vgt_record_header header = {(uint32_t)sizeof(header) + record->size,
		record->type, record->flags, record->time_ns};
	const size_t span = (size_t)vgt_record_span(header.size);
	if (!make_room(trace, span, err)) {
		return false;
	}
	uint8_t *to = trace->records + trace->size;
	memcpy(to, &header, sizeof(header));
	if (record->size) {
		memcpy(to + sizeof(header), record->payload, record->size);
	}
	memset(to + header.size, 0, span - header.size);
	trace->digest = XXH64(to, span, trace->digest);
	trace->last_time_ns = record->time_ns;
	trace->size += span;
	if (trace->size < VGT_CHUNK_TARGET) {
		return true;
	}
	const size_t size = trace->size;
	trace->size = 0;
	return vgt_sink_write(&trace->sink, trace->records, size, err);
}

bool new_trace_put_meta(struct new_trace *trace, const char *text, struct vgt_err *err)
{
	const struct vgt_record record = {.type = VGT_RECORD_META,
		.size = (uint32_t)strlen(text) + 1,
		.time_ns = trace->last_time_ns,
		.payload = text};
	return new_trace_put(trace, &record, err);
}

/* What is in the file is what was put: it may be about to replace the only copy. */
static bool read_back(const struct new_trace *trace, struct vgt_err *err)
{
	struct vgt_record record;
	struct vgt_reader *reader = vgt_reader_open(trace->temporary, err);
	enum vgt_read next = VGT_READ_ERROR;
	uint64_t digest = 0;
	static const uint8_t zeros[8];
	while (reader && (next = vgt_reader_next(reader, &record, err)) == VGT_READ_RECORD) {
		const struct vgt_record_header header = {(uint32_t)sizeof(header) + record.size,
			record.type, record.flags, record.time_ns};
		const size_t padding = (size_t)vgt_record_span(header.size) - header.size;
		/* as new_trace_put() has it: one record, in one piece */
		XXH64_state_t *state = XXH64_createState();
		if (!state) {
			next = VGT_READ_ERROR;
			vgt_err_system(err, ENOMEM, "cannot read it back");
			break;
		}
		XXH64_reset(state, digest);
		XXH64_update(state, &header, sizeof(header));
		XXH64_update(state, record.payload, record.size);
		XXH64_update(state, zeros, padding);
		digest = XXH64_digest(state);
		XXH64_freeState(state);
	}
	const bool whole = next == VGT_READ_END && vgt_reader_end(reader) == VGT_END_TAIL;
	vgt_reader_close(reader);
	if (next == VGT_READ_ERROR) {
		return false;
	}
	return (whole && digest == trace->digest) ||
	       vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
		       "what was written does not read back the same");
}

/* So that the name survives a crash, too; where that is not possible it is not. */
static void sync_directory(const char *path)
{
	char *directory = strdup(path);
	if (directory) {
		char *slash = strrchr(directory, '/');
		if (slash) {
			slash[1] = '\0';
		}
		int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			fsync(fd);
			close(fd);
		}
	}
	free(directory);
}

/* The name is given, and nobody else's file replaced where that was not asked for. */
static bool put_in_place(const struct new_trace *trace, struct vgt_err *err)
{
	int failed = -1;
	if (!trace->replace) {
		failed = renameat2(
			AT_FDCWD, trace->temporary, AT_FDCWD, trace->path, RENAME_NOREPLACE);
		if (failed && errno == EEXIST) {
			return may_be_there(trace->path, false, err);
		}
	}
	/* not every file system knows how not to replace */
	if (failed && (trace->replace || errno == EINVAL || errno == ENOSYS)) {
		failed = rename(trace->temporary, trace->path);
	}
	return !failed || vgt_err_system(err, errno, "cannot put the new trace in place");
}

bool new_trace_commit(struct new_trace *trace, struct vgt_err *err)
{
	const bool ended =
		trace->size ? vgt_sink_close(&trace->sink, trace->records, trace->size, err)
			    : vgt_sink_tail(&trace->sink, err);
	if (!ended) {
		return false;
	}
	trace->size = 0;
	struct stat status;
	if (fsync(trace->fd) || fstat(trace->fd, &status)) {
		return vgt_err_system(err, errno, "cannot write the trace");
	}
	if (!read_back(trace, err) || !put_in_place(trace, err)) {
		return false;
	}
	unfinished = NULL;
	free(trace->temporary);
	trace->temporary = NULL;
	trace->file_size = (uint64_t)status.st_size;
	sync_directory(trace->path);
	return true;
}

uint64_t new_trace_size(const struct new_trace *trace)
{
	return trace->file_size;
}

void new_trace_finish(struct new_trace *trace)
{
	if (!trace->path) {
		return;
	}
	if (trace->sink.cctx) {
		vgt_sink_finish(&trace->sink);
	}
	if (trace->fd >= 0) {
		close(trace->fd);
	}
	if (trace->temporary) {
		unlink(trace->temporary);
	}
	unfinished = NULL;
	catch_signals(SIG_DFL);
	free(trace->temporary);
	free(trace->records);
	free(trace->path);
	*trace = (struct new_trace){.fd = -1};
}
