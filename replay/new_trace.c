/* SPDX-License-Identifier: MIT */
#include "new_trace.h"

#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static bool set_owner_and_mode(
	const struct new_trace *trace, const struct stat *like, struct vgt_err *err)
{
	/* only root may give files away; the mode comes last, for that clears bits */
	int ignored = fchown(trace->file.fd, like->st_uid, like->st_gid);
	(void)ignored;
	return fchmod(trace->file.fd, like->st_mode & 07777) == 0 ||
	       vgt_err_system(err, errno, "cannot set the mode");
}

bool new_trace_create(struct new_trace *trace, const char *path, bool replace,
	const struct stat *like, int level, struct vgt_err *err)
{
	*trace = (struct new_trace){.shown = path, .file = {.fd = -1}, .sink = {.fd = -1}};
	return new_file_create(&trace->file, path, replace, like ? 0600 : 0666, err) &&
	       (!like || set_owner_and_mode(trace, like, err)) &&
	       vgt_sink_init(&trace->sink, trace->file.fd, 0, level, err);
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
	struct vgt_reader *reader = vgt_reader_open(trace->file.temporary, err);
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
		progress_reader(trace->shown, reader);
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
	if (fsync(trace->file.fd) || fstat(trace->file.fd, &status)) {
		return vgt_err_system(err, errno, "cannot write the trace");
	}
	if (!read_back(trace, err) || !new_file_commit(&trace->file, err)) {
		return false;
	}
	trace->file_size = (uint64_t)status.st_size;
	sync_directory(trace->file.path);
	return true;
}

uint64_t new_trace_size(const struct new_trace *trace)
{
	return trace->file_size;
}

void new_trace_finish(struct new_trace *trace)
{
	if (!trace->shown) {
		return;
	}
	if (trace->sink.cctx) {
		vgt_sink_finish(&trace->sink);
	}
	new_file_finish(&trace->file);
	free(trace->records);
	*trace = (struct new_trace){.file = {.fd = -1}};
}
