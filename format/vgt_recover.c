/* SPDX-License-Identifier: MIT */
#include "vgt_recover.h"

#include "vgt_reader.h"
#include "vgt_ring.h"
#include "vgt_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end, or to the damage, which is noted; false only where nothing can be
 * recovered. */
static bool survey(struct vgt_reader *reader, const struct vgt_recover_hooks *hooks,
	struct vgt_recovery *recovery, uint64_t *last_time_ns, struct vgt_err *err)
{
	struct vgt_record record;
	enum vgt_read next;
	while ((next = vgt_reader_next(reader, &record, &recovery->damage)) ==
		VGT_READ_RECORD) {
		*last_time_ns = record.time_ns;
		if (hooks->passed) {
			hooks->passed(hooks->opaque, reader);
		}
	}
	recovery->damaged = next == VGT_READ_ERROR;
	if (recovery->damaged && vgt_reader_whole(reader).sequence == 0) {
		*err = recovery->damage;
		return false;
	}
	if (!recovery->damaged && vgt_reader_end(reader) == VGT_END_RECORDING) {
		return vgt_err_set(err, VGT_ERR_BUSY, VGT_NO_OFFSET, "is still being recorded");
	}
	return true;
}

static bool copy_bytes(int from, int to, uint64_t size, struct vgt_err *err)
{
	char buffer[65536];
	off_t at = 0;
	while ((uint64_t)at < size) {
		uint64_t left = size - (uint64_t)at;
		ssize_t got =
			pread(from, buffer, left < sizeof(buffer) ? left : sizeof(buffer), at);
		ssize_t put = got > 0 ? pwrite(to, buffer, (size_t)got, at) : got;
		if (put <= 0) {
			return vgt_err_system(
				err, put == 0 ? EIO : errno, "cannot copy the trace");
		}
		at += put; /* less than was to be written: the next time says why */
	}
	return true;
}

/* Takes the lock of the file, if it can be had. A reader holds it for a moment, the recorded
 * program as long as it lives; not every file system has locks. */
static bool is_taken(int fd)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
			return false;
		}
		usleep(10000);
	}
	return true;
}

/* Opens the file that becomes the whole trace, holding the intact chunks and nothing behind
 * them. */
static int open_target(const char *path, const struct vgt_recover_hooks *hooks, uint64_t intact,
	struct vgt_err *err)
{
	int from = open(path, (hooks->create ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (from < 0) {
		vgt_err_system(err, errno,
			hooks->create ? "cannot open the trace" : "cannot change the trace");
		return -1;
	}
	if (!hooks->create) {
		if (is_taken(from)) {
			vgt_err_set(
				err, VGT_ERR_BUSY, VGT_NO_OFFSET, "is still being recorded");
			close(from);
			return -1;
		}
		if (ftruncate(from, (off_t)intact)) {
			vgt_err_system(err, errno, "cannot cut the trace");
			close(from);
			return -1;
		}
		return from;
	}
	int to = hooks->create(hooks->opaque, err);
	if (to >= 0 && !copy_bytes(from, to, intact, err)) {
		to = -1;
	}
	close(from);
	return to;
}

static bool append_rest(struct vgt_sink *sink, const struct vgt_reader *reader,
	uint64_t time_ns, struct vgt_recovery *recovery, struct vgt_err *err)
{
	const struct vgt_position at = vgt_reader_whole(reader);
	sink->at = at;
	sink->minor = vgt_reader_minor(reader);
	const struct vgt_index *chunks = vgt_reader_chunks(reader);
	for (size_t i = 0; i < at.sequence; i++) {
		if (!vgt_index_add(&sink->index, &chunks->entries[i])) {
			return vgt_err_system(err, ENOMEM, "cannot index the trace");
		}
	}
	uint64_t size;
	const void *records = vgt_reader_ring_records(reader, &size);
	const struct {
		struct vgt_record_header header;
		char text[24];
	} end = {
		{sizeof(struct vgt_record_header) + sizeof("end.reason=recovered"),
			VGT_RECORD_META, 0, time_ns},
		"end.reason=recovered",
	};
	/* beyond the limit of chunks the trace ends as the recorder would have ended it */
	struct vgt_err failure;
	if (size && !vgt_sink_write(sink, records, size, &failure) &&
		failure.code != VGT_ERR_LIMIT) {
		*err = failure;
		return false;
	}
	recovery->from_ring = sink->at.records - at.records;
	/* the last of VGT_CHUNKS_MAX chunks can only be the recorder's own end */
	bool ended =
		sink->index.count == VGT_CHUNKS_MAX
			? vgt_sink_tail(sink, err)
			: vgt_sink_close(sink, &end, vgt_record_span(end.header.size), err);
	if (!ended) {
		return false;
	}
	recovery->records = sink->at.records;
	recovery->commands = sink->at.commands;
	recovery->frames = sink->at.frames;
	return true;
}

bool vgt_recover_with(const char *path, const struct vgt_recover_hooks *hooks,
	struct vgt_recovery *recovery, struct vgt_err *err)
{
	const bool in_place = !hooks->create;
	struct vgt_err local;
	err = err ? err : &local;
	*recovery = (struct vgt_recovery){0};
	struct vgt_reader *reader = vgt_reader_open(path, err);
	if (!reader) {
		return false;
	}
	bool good = false;
	int ring = -1, target = -1;
	struct vgt_sink sink = {.fd = -1};
	uint64_t last_time_ns = 0;
	if (!survey(reader, hooks, recovery, &last_time_ns, err)) {
		goto done;
	}
	struct vgt_position at = vgt_reader_whole(reader);
	recovery->was_whole = !recovery->damaged && vgt_reader_end(reader) == VGT_END_TAIL;
	if (recovery->was_whole) {
		recovery->records = at.records;
		recovery->commands = at.commands;
		recovery->frames = at.frames;
		struct stat status;
		good = in_place;
		if (!in_place && stat(path, &status) != 0) {
			vgt_err_system(err, errno, "cannot copy the trace");
		} else if (!in_place) {
			target = open_target(path, hooks, (uint64_t)status.st_size, err);
			good = target >= 0;
		}
		goto done;
	}
	if (recovery->damaged && in_place) {
		*err = recovery->damage;
		goto done;
	}
	recovery->torn = vgt_reader_torn(reader);
	uint64_t ring_size;
	bool has_ring = vgt_reader_ring_records(reader, &ring_size) != NULL ||
			(!recovery->damaged && vgt_reader_end(reader) == VGT_END_RING);
	if (has_ring) {
		ring = vgt_ring_claim(
			vgt_reader_ring_path(reader), vgt_reader_trace_id(reader), err);
		if (ring < 0) {
			goto done;
		}
	}
	target = open_target(path, hooks, at.file_pos, err);
	if (target < 0 || !vgt_sink_init(&sink, target, vgt_reader_trace_id(reader), 1, err) ||
		!append_rest(&sink, reader, last_time_ns, recovery, err)) {
		goto done;
	}
	good = true;
	if (has_ring && in_place) {
		unlink(vgt_reader_ring_path(reader));
	}
done:
	if (sink.fd >= 0) {
		vgt_sink_finish(&sink);
	}
	if (in_place && target >= 0 && close(target) && good) {
		good = vgt_err_system(err, errno, "cannot write the trace");
	}
	if (ring >= 0) {
		close(ring);
	}
	vgt_reader_close(reader);
	return good;
}

/* A file that is to be new, for vgt_recover(). */
struct out {
	const char *path;
	int fd;
};

static int create_out(void *opaque, struct vgt_err *err)
{
	struct out *out = opaque;
	out->fd = open(out->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (out->fd < 0) {
		vgt_err_system(err, errno, "cannot create %s", out->path);
	}
	return out->fd;
}

bool vgt_recover(
	const char *path, const char *out, struct vgt_recovery *recovery, struct vgt_err *err)
{
	struct out file = {out, -1};
	const struct vgt_recover_hooks hooks = {
		.opaque = &file, .create = out ? create_out : NULL};
	bool good = vgt_recover_with(path, &hooks, recovery, err);
	if (file.fd >= 0 && close(file.fd) && good) {
		good = vgt_err_system(err, errno, "cannot write the trace");
	}
	if (out && file.fd >= 0 && !good) {
		unlink(out);
	}
	return good;
}
