/* SPDX-License-Identifier: MIT */
#include "vgt_ring.h"

#include "vgt_scan.h"
#include "vgt_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct vgt_ring_header) <= VGT_RING_HEADER, "the header is one page");

static uint64_t ring_legal_size(uint64_t wanted)
{
	uint64_t size = VGT_RING_MIN;
	while (size < wanted && size < VGT_RING_MAX) {
		size *= 2;
	}
	return size;
}

static bool ring_map(struct vgt_ring *ring, struct vgt_err *err)
{
	ring->header =
		mmap(NULL, VGT_RING_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->header == MAP_FAILED) {
		ring->header = NULL;
		return vgt_err_system(err, errno, "cannot map the ring %s", ring->path);
	}
	size_t span = (size_t)ring->size * 2;
	uint8_t *data = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED) {
		return vgt_err_system(
			err, errno, "cannot reserve %zu bytes for the ring", span);
	}
	ring->data = data;
	for (unsigned half = 0; half < 2; half++) {
		void *at = mmap(data + half * ring->size, ring->size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, ring->fd, VGT_RING_HEADER);
		if (at == MAP_FAILED) {
			return vgt_err_system(err, errno, "cannot map the ring %s", ring->path);
		}
	}
	return true;
}

/* Locks a new ring file and gives it its space. */
static bool ring_allocate(struct vgt_ring *ring, struct vgt_err *err)
{
	int error = 0;
	if (flock(ring->fd, LOCK_EX | LOCK_NB)) {
		error = errno;
	} else {
		error = posix_fallocate(ring->fd, 0, (off_t)(VGT_RING_HEADER + ring->size));
	}
	if (error) {
		vgt_err_system(err, error, "cannot allocate %" PRIu64 " bytes for the ring %s",
			VGT_RING_HEADER + ring->size, ring->path);
		vgt_ring_finish(ring, true);
		return false;
	}
	return true;
}

/* *forbidden: this process may not create a file there. */
static bool ring_create_in(struct vgt_ring *ring, uint64_t trace_id, const char *directory,
	bool *forbidden, struct vgt_err *err)
{
	*forbidden = false;
	/* absolute, for the trace names it and may be read from elsewhere */
	char *absolute = realpath(directory, NULL);
	if (!absolute) {
		return vgt_err_system(err, errno, "cannot put the ring into %s", directory);
	}
	int length = snprintf(ring->path, sizeof(ring->path), "%s/vgt-%016" PRIx64 ".ring",
		absolute, trace_id);
	free(absolute);
	if (length < 0 || (size_t)length >= sizeof(ring->path)) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"directory name for the ring is too long: %s", directory);
	}
	ring->fd = open(ring->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (ring->fd < 0) {
		*forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
		return vgt_err_system(err, errno, "cannot create the ring %s", ring->path);
	}
	return ring_allocate(ring, err);
}

/* Without a name: a confined process may be allowed no file but the one that it was given. */
static bool ring_create_unnamed(struct vgt_ring *ring, struct vgt_err *err)
{
	ring->path[0] = '\0';
	ring->fd = memfd_create("vgt-ring", MFD_CLOEXEC);
	return ring->fd >= 0 ? ring_allocate(ring, err)
			     : vgt_err_system(err, errno, "cannot create a ring in memory");
}

bool vgt_ring_create(struct vgt_ring *ring, uint64_t trace_id, uint64_t size,
	const char *directory, const char *fallback, struct vgt_err *err)
{
	const uint64_t legal = ring_legal_size(size);
	bool forbidden;
	*ring = (struct vgt_ring){.fd = -1, .size = legal};
	bool created = ring_create_in(
		ring, trace_id, directory ? directory : "/dev/shm", &forbidden, err);
	if (!created && !directory && fallback) {
		ring->size = legal;
		created = ring_create_in(ring, trace_id, fallback, &forbidden, err);
	}
	if (!created && !directory && forbidden) {
		ring->size = legal;
		created = ring_create_unnamed(ring, err);
	}
	if (!created) {
		return false;
	}
	if (!ring_map(ring, err)) {
		vgt_ring_finish(ring, true);
		return false;
	}
	ring->header->trace_id = trace_id;
	ring->header->size = ring->size;
	ring->header->pid = (uint32_t)getpid();
	/* last: a file without the magic is not a ring yet */
	memcpy(ring->header->magic, VGT_RING_MAGIC, sizeof(ring->header->magic));
	return true;
}

void vgt_ring_finish(struct vgt_ring *ring, bool remove_file)
{
	if (ring->data) {
		munmap(ring->data, (size_t)ring->size * 2);
	}
	if (ring->header) {
		munmap(ring->header, VGT_RING_HEADER);
	}
	if (ring->fd >= 0) {
		if (remove_file && ring->path[0]) {
			unlink(ring->path);
		}
		close(ring->fd);
	}
	*ring = (struct vgt_ring){.fd = -1};
}

/*
 * Opens what a trace calls its ring. The name comes from untrusted input: only a regular file
 * with the ring's magic and the trace's id is accepted, and never written to.
 */
static int ring_open(const char *path, uint64_t trace_id, struct vgt_ring_header *header,
	struct vgt_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		vgt_err_system(err, errno, "cannot open the ring %s", path);
		return -1;
	}
	struct stat status;
	bool legal = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		     pread(fd, header, sizeof(*header), 0) == (ssize_t)sizeof(*header) &&
		     memcmp(header->magic, VGT_RING_MAGIC, sizeof(header->magic)) == 0 &&
		     header->size == ring_legal_size(header->size) &&
		     (uint64_t)status.st_size >= VGT_RING_HEADER + header->size;
	if (!legal || header->trace_id != trace_id) {
		vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "%s is not %s", path,
			legal ? "the ring of this trace" : "a ring");
		close(fd);
		return -1;
	}
	return fd;
}

/* Copies [from, to) out of the data, around its end. */
static bool ring_copy_out(int fd, uint64_t ring_size, uint8_t *out, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t at = from % ring_size;
		uint64_t part = ring_size - at < to - from ? ring_size - at : to - from;
		if (vgt_scan_read(fd, out, part, VGT_RING_HEADER + at) != part) {
			return false;
		}
		out += part;
		from += part;
	}
	return true;
}

bool vgt_ring_snapshot_read(struct vgt_ring_snapshot *snapshot, const char *path,
	uint64_t trace_id, uint64_t from, struct vgt_err *err)
{
	*snapshot = (struct vgt_ring_snapshot){.start = from};
	struct vgt_ring_header header;
	int fd = ring_open(path, trace_id, &header, err);
	if (fd < 0) {
		return false;
	}
	const uint64_t ring_size = header.size; /* what is read again is not checked again */
	snapshot->in_use = flock(fd, LOCK_SH | LOCK_NB) != 0;
	/* again, now that it is known whether anybody may still publish */
	bool again = pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header);
	if (!snapshot->in_use) {
		flock(fd, LOCK_UN);
	}
	if (!again) {
		vgt_err_set(
			err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "cannot read the ring %s", path);
		goto error;
	}
	if (header.tail > from) {
		vgt_err_set(err, snapshot->in_use ? VGT_ERR_BUSY : VGT_ERR_TRUNCATED,
			VGT_NO_OFFSET, "the trace file ends before the ring %s begins", path);
		goto error;
	}
	uint64_t size = header.head > from ? header.head - from : 0;
	if (header.head > header.tail && header.head - header.tail > ring_size) {
		vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"the ring %s has impossible positions", path);
		goto error;
	}
	if (size) {
		snapshot->records = malloc(size);
		if (!snapshot->records) {
			vgt_err_system(err, ENOMEM, "cannot read the ring %s", path);
			goto error;
		}
		snapshot->size = size;
		if (!ring_copy_out(fd, ring_size, snapshot->records, from, from + size)) {
			vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
				"cannot read the ring %s", path);
			goto error;
		}
	}
	/* a producer reuses the space before the tail: what was copied is good if the tail
	   still stands where the copy began */
	struct vgt_ring_header after;
	if (pread(fd, &after, sizeof(after), 0) != (ssize_t)sizeof(after) ||
		after.tail > from) {
		vgt_err_set(err, VGT_ERR_BUSY, VGT_NO_OFFSET,
			"the recording overtook the reading of the ring %s", path);
		goto error;
	}
	close(fd);
	return true;
error:
	close(fd);
	bool in_use = snapshot->in_use;
	vgt_ring_snapshot_finish(snapshot);
	snapshot->in_use = in_use;
	return false;
}

void vgt_ring_snapshot_finish(struct vgt_ring_snapshot *snapshot)
{
	free(snapshot->records);
	*snapshot = (struct vgt_ring_snapshot){0};
}

bool vgt_ring_in_use(const char *path, uint64_t trace_id)
{
	struct vgt_ring_header header;
	int fd = ring_open(path, trace_id, &header, NULL);
	if (fd < 0) {
		return false;
	}
	bool in_use = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return in_use;
}

int vgt_ring_claim(const char *path, uint64_t trace_id, struct vgt_err *err)
{
	struct vgt_ring_header header;
	int fd = ring_open(path, trace_id, &header, err);
	if (fd < 0) {
		return -1;
	}
	/* a reader holds it for a moment, the recorded program as long as it lives */
	for (unsigned tries = 0; tries < 20; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			return fd;
		}
		usleep(10000);
	}
	vgt_err_set(err, VGT_ERR_BUSY, VGT_NO_OFFSET,
		"still being recorded by process %" PRIu32 " (ring %s)", header.pid, path);
	close(fd);
	return -1;
}

const struct vgt_ring_header *vgt_ring_watch(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		return NULL;
	}
	struct stat status;
	void *header = MAP_FAILED;
	if (fstat(fd, &status) == 0 && status.st_size >= (off_t)VGT_RING_HEADER) {
		header = mmap(NULL, VGT_RING_HEADER, PROT_READ, MAP_SHARED, fd, 0);
	}
	close(fd);
	if (header == MAP_FAILED) {
		return NULL;
	}
	const struct vgt_ring_header *ring = header;
	if (memcmp(ring->magic, VGT_RING_MAGIC, sizeof(ring->magic)) != 0) {
		vgt_ring_unwatch(ring);
		return NULL;
	}
	return ring;
}

void vgt_ring_unwatch(const struct vgt_ring_header *header)
{
	if (header) {
		munmap((void *)header, VGT_RING_HEADER);
	}
}
