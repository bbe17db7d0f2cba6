/* SPDX-License-Identifier: MIT */
#include "vgt_writer.h"

#include "vgt_ring.h"
#include "vgt_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Records wait at most so long in the ring before they are written, however few they are. */
#define WRITER_IDLE_NS 100000000

struct vgt_writer {
	pthread_mutex_t lock;
	pthread_cond_t work; /* to the thread: there is something to do */
	pthread_cond_t room; /* to producers: the tail has moved */
	pthread_t thread;

	struct vgt_ring ring;
	struct timespec start;
	unsigned fork_generation;
	struct vgt_writer *next; /* in `writers` */
	bool joined;             /* the thread; only who ends the trace looks at it */
	_Atomic bool recording;

	/* under the lock */
	uint64_t head; /* end of the published records */
	uint64_t tail; /* everything before it is in the file */
	struct vgt_position put;
	uint64_t streaming; /* span of a record larger than the ring that is passing through, or
			       0 */
	uint64_t fill;      /* while streaming: end of the bytes copied in */
	uint64_t taken;     /* while streaming: end of the bytes compressed */
	bool putting;       /* a producer is inside: waits for room or streams, perhaps */
	unsigned queued;    /* producers that wait until it is out */
	bool idle;          /* the thread waits for `work` */
	bool flush;
	bool finish;
	uint64_t stalls, stall_ns;
	struct vgt_err stop_reason; /* code is VGT_ERR_NONE while all is well */

	/* the thread's own */
	struct vgt_sink sink;
	void (*stopped)(void *opaque, const struct vgt_err *err);
	void *opaque;
};

static void close_descriptor(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

/*
 * A child of fork() shares ring and file with its parent but not the thread; its copy of a
 * writer must be inert. Counting forks costs nothing per record, getpid() would be a system
 * call.
 */
static unsigned fork_generation;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* All writers of the process, for fork(). The lock also guards their descriptors. */
static struct vgt_writer *writers;
static pthread_mutex_t writers_lock = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void)
{
	pthread_mutex_lock(&writers_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&writers_lock);
}

/*
 * The locks of ring and file must not outlive the recorded program in a child of it. A mapping
 * holds the lock as well as a descriptor does.
 */
static void after_fork_in_child(void)
{
	fork_generation++;
	for (struct vgt_writer *writer = writers; writer; writer = writer->next) {
		vgt_ring_finish(&writer->ring, false);
		close_descriptor(&writer->sink.fd);
	}
	writers = NULL;
	pthread_mutex_unlock(&writers_lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void writers_add(struct vgt_writer *writer)
{
	pthread_mutex_lock(&writers_lock);
	writer->next = writers;
	writers = writer;
	pthread_mutex_unlock(&writers_lock);
}

static void writers_remove(const struct vgt_writer *writer)
{
	pthread_mutex_lock(&writers_lock);
	struct vgt_writer **at = &writers;
	while (*at && *at != writer) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = writer->next;
	}
	pthread_mutex_unlock(&writers_lock);
}

static bool writer_is_mine(const struct vgt_writer *writer)
{
	return writer->fork_generation == fork_generation;
}

static uint64_t elapsed_ns(const struct timespec *start)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)(now.tv_sec - start->tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
	       (uint64_t)start->tv_nsec;
}

/* The writer's thread */

/* One whole record built in place, for the few that the writer itself has to say. */
struct text_record {
	struct vgt_record_header header;
	char text[1024];
	size_t length;
};

static void text_record_add(struct text_record *record, const char *key, const char *value)
{
	size_t room = sizeof(record->text) - record->length;
	int length = snprintf(record->text + record->length, room, "%s=%s", key, value);
	if (length >= 0 && (size_t)length + 1 <= room) {
		record->length += (size_t)length + 1;
	}
}

static uint64_t text_record_close(struct text_record *record, uint64_t time_ns)
{
	record->header.size = (uint32_t)(sizeof(record->header) + record->length);
	record->header.type = VGT_RECORD_META;
	record->header.time_ns = time_ns;
	return vgt_record_span(record->header.size);
}

/* Statistics and tail. Where this fails the file stays valid without. */
static void thread_write_end(struct vgt_writer *writer)
{
	struct text_record record = {0};
	char number[32];
	const struct vgt_err *reason = &writer->stop_reason;
	text_record_add(&record, "end.reason",
		reason->code == VGT_ERR_NONE ? "finished" : reason->message);
	snprintf(number, sizeof(number), "%" PRIu64, writer->stalls);
	text_record_add(&record, "stats.stalls", number);
	snprintf(number, sizeof(number), "%" PRIu64, writer->stall_ns);
	text_record_add(&record, "stats.stall_ns", number);
	uint64_t span = text_record_close(&record, elapsed_ns(&writer->start));
	struct vgt_err err;
	writer->sink.max_size = 0; /* the limit counted the tail in */
	if (!vgt_sink_close(&writer->sink, &record, span, &err) &&
		writer->stop_reason.code == VGT_ERR_NONE) {
		writer->stop_reason = err;
	}
}

/*
 * Ends the trace; true where the ring must stay. Records that could not be written are kept in
 * it, and the trace gets no tail, so that recovery takes them up. A limit gives them up.
 */
static bool thread_end(struct vgt_writer *writer)
{
	struct vgt_ring_header *header = writer->ring.header;
	const struct vgt_err reason = writer->stop_reason;
	bool rest = reason.code == VGT_ERR_SYSTEM && writer->head != writer->tail;
	bool keep = rest && writer->ring.path[0];
	if (keep) {
		vgt_err_set(&writer->stop_reason, reason.code, reason.offset,
			"%s; the rest is kept in %s", reason.message, writer->ring.path);
	} else {
		if (rest) {
			vgt_err_set(&writer->stop_reason, reason.code, reason.offset,
				"%s; the rest is lost, the ring has no file", reason.message);
		}
		/* what the file gets now takes their place in the stream */
		atomic_store(&header->head, writer->tail);
		thread_write_end(writer);
	}
	atomic_store(&header->written, writer->sink.at.file_pos);
	return keep;
}

/* Called with the lock held, on any thread. */
static void writer_stop(struct vgt_writer *writer, const struct vgt_err *err)
{
	if (writer->stop_reason.code == VGT_ERR_NONE) {
		writer->stop_reason = *err;
	}
	writer->recording = false;
	pthread_cond_broadcast(&writer->room);
	pthread_cond_signal(&writer->work);
}

/* Publishes how far the file has come. Called with the lock held. */
static void thread_advance(struct vgt_writer *writer, uint64_t tail)
{
	struct vgt_ring_header *header = writer->ring.header;
	writer->tail = tail;
	atomic_store_explicit(&header->tail, tail, memory_order_release);
	atomic_store_explicit(&header->written, writer->sink.at.file_pos, memory_order_relaxed);
	pthread_cond_broadcast(&writer->room);
}

/* Passes a record larger than the ring from the producer to the file, piece by piece. */
static bool thread_stream(struct vgt_writer *writer, struct vgt_err *err)
{
	uint64_t left = writer->streaming;
	pthread_mutex_unlock(&writer->lock);
	bool good = vgt_sink_begin(&writer->sink, left, err);
	pthread_mutex_lock(&writer->lock);
	bool first = true;
	while (good && left) {
		while (writer->fill == writer->taken && writer->recording) {
			pthread_cond_wait(&writer->work, &writer->lock);
		}
		if (writer->fill == writer->taken) {
			vgt_sink_abandon(&writer->sink);
			*err = writer->stop_reason;
			return false;
		}
		uint64_t from = writer->taken, size = writer->fill - from;
		pthread_mutex_unlock(&writer->lock);
		const uint8_t *bytes = writer->ring.data + from % writer->ring.size;
		if (first) {
			struct vgt_record_header header;
			memcpy(&header, bytes, sizeof(header));
			vgt_position_count(&writer->sink.at, header.type);
			first = false;
		}
		good = vgt_sink_feed(&writer->sink, bytes, size, err);
		left -= size;
		pthread_mutex_lock(&writer->lock);
		writer->taken += size;
		pthread_cond_broadcast(&writer->room);
	}
	return good;
}

/* Writes the next chunk. Called with the lock held, which it drops for the work. */
static bool thread_write(struct vgt_writer *writer, struct vgt_err *err)
{
	uint64_t tail = writer->tail;
	bool good;
	if (writer->streaming) {
		tail += writer->streaming;
		good = thread_stream(writer, err);
		writer->streaming = 0;
		if (good) {
			writer->head = tail;
		}
	} else {
		const uint8_t *records = writer->ring.data + tail % writer->ring.size;
		uint64_t size = vgt_sink_cut(records, writer->head - tail);
		tail += size;
		pthread_mutex_unlock(&writer->lock);
		good = vgt_sink_write(&writer->sink, records, size, err);
		pthread_mutex_lock(&writer->lock);
	}
	if (good) {
		thread_advance(writer, tail);
	}
	return good;
}

static struct timespec deadline(long ns)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ns;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return until;
}

/* Waits until there is a chunk's worth, or reason to write less. Called with the lock held. */
static void thread_wait(struct vgt_writer *writer)
{
	struct timespec until = deadline(WRITER_IDLE_NS);
	writer->idle = true;
	while (writer->head - writer->tail < VGT_CHUNK_TARGET && !writer->streaming &&
		!writer->flush && !writer->finish && writer->recording) {
		if (writer->head == writer->tail) {
			pthread_cond_wait(&writer->work, &writer->lock);
			until = deadline(WRITER_IDLE_NS);
		} else if (pthread_cond_timedwait(&writer->work, &writer->lock, &until) ==
			   ETIMEDOUT) {
			break;
		}
	}
	writer->idle = false;
}

static void *thread_main(void *opaque)
{
	struct vgt_writer *writer = opaque;
	bool written = true;
	pthread_mutex_lock(&writer->lock);
	while (writer->recording && !(writer->finish && writer->head == writer->tail)) {
		thread_wait(writer);
		struct vgt_err err;
		bool some = writer->head != writer->tail || writer->streaming;
		written = !some || !writer->recording || thread_write(writer, &err);
		if (!written) {
			writer->stop_reason = err;
			writer_stop(writer, &err);
		}
		if (writer->head == writer->tail && !writer->streaming) {
			writer->flush = false;
		}
	}
	writer->recording = false;
	writer->streaming = 0; /* not begun: its producer gives up */
	/* stopped by a producer's limit: what was put before it belongs to the trace */
	while (written && writer->head != writer->tail) {
		struct vgt_err err;
		written = thread_write(writer, &err);
		if (!written) {
			writer->stop_reason = err;
		}
	}
	bool keep = thread_end(writer);
	bool early = writer->stop_reason.code != VGT_ERR_NONE;
	pthread_mutex_lock(&writers_lock);
	close_descriptor(&writer->sink.fd);
	pthread_mutex_unlock(&writers_lock);
	if (!keep && writer->ring.path[0]) {
		unlink(writer->ring.path);
	}
	/* late, for whoever watches takes it for the end; but before the lock, whose release
	   without it means that the program died */
	atomic_store(&writer->ring.header->state, early ? VGT_RING_STOPPED : VGT_RING_FINISHED);
	flock(writer->ring.fd, LOCK_UN);
	pthread_cond_broadcast(&writer->room);
	pthread_mutex_unlock(&writer->lock);
	if (early && writer->stop_reason.code != VGT_ERR_STOPPED && writer->stopped) {
		writer->stopped(writer->opaque, &writer->stop_reason);
	}
	return NULL;
}

/* Producers */

static bool wait_for_room(struct vgt_writer *writer, uint64_t span)
{
	if (writer->ring.size - (writer->head - writer->tail) >= span) {
		return true;
	}
	struct timespec since;
	clock_gettime(CLOCK_MONOTONIC, &since);
	writer->stalls++;
	while (writer->recording && writer->ring.size - (writer->head - writer->tail) < span) {
		writer->flush = true;
		pthread_cond_signal(&writer->work);
		pthread_cond_wait(&writer->room, &writer->lock);
	}
	writer->stall_ns += elapsed_ns(&since);
	atomic_store(&writer->ring.header->stalls, writer->stalls);
	atomic_store(&writer->ring.header->stall_ns, writer->stall_ns);
	return writer->recording;
}

/* Copies one piece of a record that is larger than the ring. */
static bool stream_piece(struct vgt_writer *writer, const void *bytes, uint64_t size)
{
	const uint8_t *at = bytes;
	while (size) {
		while (writer->recording && writer->fill - writer->taken == writer->ring.size) {
			pthread_cond_wait(&writer->room, &writer->lock);
		}
		if (!writer->recording) {
			return false;
		}
		uint64_t room = writer->ring.size - (writer->fill - writer->taken);
		uint64_t part = size < room ? size : room;
		memcpy(writer->ring.data + writer->fill % writer->ring.size, at, part);
		at += part;
		size -= part;
		writer->fill += part;
		pthread_cond_signal(&writer->work);
	}
	return true;
}

/*
 * A record larger than the ring: once everything before it is in the file, it passes
 * through the ring in pieces, and it counts as put when it is in the file, for the ring never
 * holds it whole.
 */
static bool put_streaming(struct vgt_writer *writer, const struct vgt_record_header *header,
	const struct iovec *parts, size_t count)
{
	uint64_t span = vgt_record_span(header->size);
	uint64_t end = writer->head + span;
	static const uint8_t zeros[8];
	writer->fill = writer->taken = writer->head;
	writer->streaming = span;
	bool good = stream_piece(writer, header, sizeof(*header));
	for (size_t i = 0; good && i < count; i++) {
		good = stream_piece(writer, parts[i].iov_base, parts[i].iov_len);
	}
	if (good) {
		stream_piece(writer, zeros, span - header->size);
	}
	/* the thread ends it, well or not */
	while (writer->streaming) {
		pthread_cond_wait(&writer->room, &writer->lock);
	}
	return writer->head == end;
}

static bool put_in_ring(struct vgt_writer *writer, const struct vgt_record_header *header,
	const struct iovec *parts, size_t count)
{
	uint64_t span = vgt_record_span(header->size);
	uint8_t *to = writer->ring.data + writer->head % writer->ring.size;
	uint8_t *end = to + span;
	memcpy(to, header, sizeof(*header));
	to += sizeof(*header);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].iov_len) {
			memcpy(to, parts[i].iov_base, parts[i].iov_len);
			to += parts[i].iov_len;
		}
	}
	memset(to, 0, (size_t)(end - to));
	writer->head += span;
	return true;
}

bool vgt_writer_put(struct vgt_writer *writer, uint16_t type, uint16_t flags,
	const struct iovec *parts, size_t count)
{
	if (!vgt_writer_is_recording(writer)) {
		return false;
	}
	uint64_t size = sizeof(struct vgt_record_header);
	for (size_t i = 0; i < count; i++) {
		size += parts[i].iov_len;
	}
	pthread_mutex_lock(&writer->lock);
	/* nobody overtakes who waits for room, nor gets between the pieces of a large record */
	writer->queued++;
	while (writer->putting && writer->recording) {
		pthread_cond_wait(&writer->room, &writer->lock);
	}
	writer->queued--;
	bool good = false;
	if (size > VGT_RECORD_MAX) {
		struct vgt_err err;
		vgt_err_set(&err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"a record of %" PRIu64 " bytes exceeds the limit of %u", size,
			VGT_RECORD_MAX);
		writer_stop(writer, &err);
	} else if (writer->recording) {
		uint64_t span = vgt_record_span((uint32_t)size);
		bool streams = span > writer->ring.size;
		writer->putting = true;
		if (wait_for_room(writer, streams ? writer->ring.size : span)) {
			struct vgt_record_header header = {
				.size = (uint32_t)size,
				.type = type,
				.flags = flags,
				.time_ns = elapsed_ns(&writer->start),
			};
			good = streams ? put_streaming(writer, &header, parts, count)
				       : put_in_ring(writer, &header, parts, count);
		}
		writer->putting = false;
		if (writer->queued) {
			pthread_cond_broadcast(&writer->room);
		}
	}
	if (good) {
		struct vgt_ring_header *ring = writer->ring.header;
		vgt_position_count(&writer->put, type);
		atomic_store_explicit(
			&ring->records, writer->put.records, memory_order_relaxed);
		atomic_store_explicit(
			&ring->commands, writer->put.commands, memory_order_relaxed);
		atomic_store_explicit(&ring->frames, writer->put.frames, memory_order_relaxed);
		/* from here on the record survives this process */
		atomic_store_explicit(&ring->head, writer->head, memory_order_release);
		uint64_t pending = writer->head - writer->tail;
		if (writer->idle && (pending >= VGT_CHUNK_TARGET || pending <= size + 8)) {
			pthread_cond_signal(&writer->work);
		}
	}
	pthread_mutex_unlock(&writer->lock);
	return good;
}

void vgt_writer_stop(struct vgt_writer *writer, const char *reason)
{
	if (writer_is_mine(writer)) {
		struct vgt_err why;
		vgt_err_set(&why, VGT_ERR_STOPPED, VGT_NO_OFFSET, "%s", reason);
		pthread_mutex_lock(&writer->lock);
		writer_stop(writer, &why);
		pthread_mutex_unlock(&writer->lock);
	}
}

bool vgt_writer_is_recording(const struct vgt_writer *writer)
{
	return writer_is_mine(writer) && writer->recording;
}

struct vgt_writer_counts vgt_writer_counts(const struct vgt_writer *writer)
{
	return (struct vgt_writer_counts){
		writer->put.records, writer->put.commands, writer->put.frames};
}

void vgt_writer_flush(struct vgt_writer *writer)
{
	if (!writer_is_mine(writer)) {
		return;
	}
	pthread_mutex_lock(&writer->lock);
	uint64_t head = writer->head;
	while (writer->recording && writer->tail < head) {
		writer->flush = true;
		pthread_cond_signal(&writer->work);
		pthread_cond_wait(&writer->room, &writer->lock);
	}
	pthread_mutex_unlock(&writer->lock);
}

/* Creation and end */

/* The record that makes a trace recoverable: which ring belongs to it. */
static bool write_first_chunk(struct vgt_writer *writer, struct vgt_err *err)
{
	struct text_record record = {0};
	text_record_add(&record, VGT_META_RING_PATH, writer->ring.path);
	uint64_t span = text_record_close(&record, 0);
	if (!vgt_sink_write(&writer->sink, &record, span, err)) {
		return false;
	}
	writer->put = writer->sink.at;
	writer->head = span;
	atomic_store(&writer->ring.header->head, span);
	thread_advance(writer, span);
	return true;
}

static void writer_free(struct vgt_writer *writer)
{
	writers_remove(writer);
	vgt_sink_finish(&writer->sink);
	vgt_ring_finish(&writer->ring, false);
	pthread_cond_destroy(&writer->work);
	pthread_cond_destroy(&writer->room);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* The directory part of a path, "." where it has none; of a descriptor's file without path. */
static void directory_of(const char *path, int fd, char *directory, size_t size)
{
	char link[32], file[4096];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t got = path ? 0 : readlink(link, file, sizeof(file) - 1);
	if (!path && got > 0) {
		file[got] = '\0';
		path = file;
	}
	path = path ? path : "";
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 1;
	snprintf(directory, size, "%.*s", (int)(length ? length : 1), slash ? path : ".");
}

static bool start_thread(struct vgt_writer *writer, struct vgt_err *err)
{
	/* signals are the program's; and SIGXFSZ, left blocked, makes write() return EFBIG */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&writer->thread, NULL, thread_main, writer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error) {
		return vgt_err_system(err, error, "cannot start the writer's thread");
	}
	pthread_setname_np(writer->thread, "vgt-writer");
	return true;
}

static struct vgt_writer *writer_create(
	const struct vgt_writer_options *options, struct vgt_err *err)
{
	char fallback[VGT_RING_PATH_MAX];
	int fd = options->fd;
	if (options->path) {
		fd = open(options->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0) {
			int error = errno;
			vgt_err_system(err, error, "cannot create the trace");
			if (err && error == EEXIST) {
				err->code = VGT_ERR_USAGE;
			}
			return NULL;
		}
	}
	directory_of(options->path, fd, fallback, sizeof(fallback));
	struct vgt_writer *writer = calloc(1, sizeof(*writer));
	uint64_t trace_id = 0;
	if (!writer || getrandom(&trace_id, sizeof(trace_id), 0) != sizeof(trace_id)) {
		vgt_err_system(err, errno, "cannot start a trace");
		free(writer);
		goto error_file;
	}
	pthread_once(&fork_once, watch_forks);
	writer->fork_generation = fork_generation;
	writer->ring.fd = -1;
	writer->sink.fd = -1;
	writers_add(writer);
	/* for recovery, which may be unable to see the ring; not every file system has locks */
	flock(fd, LOCK_EX | LOCK_NB);
	writer->stopped = options->stopped;
	writer->opaque = options->opaque;
	clock_gettime(CLOCK_MONOTONIC, &writer->start);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->work, &monotonic);
	pthread_cond_init(&writer->room, NULL);
	pthread_condattr_destroy(&monotonic);

	if (!vgt_ring_create(&writer->ring, trace_id,
		    options->ring_size ? options->ring_size : VGT_WRITER_RING_SIZE,
		    options->ring_directory, fallback, err)) {
		goto error_writer;
	}
	if (!vgt_sink_init(
		    &writer->sink, fd, trace_id, options->level ? options->level : 1, err)) {
		goto error_ring;
	}
	writer->sink.max_size = options->max_size;
	writer->recording = true;
	if (!write_first_chunk(writer, err) || !start_thread(writer, err)) {
		goto error_ring;
	}
	return writer;

error_ring:
	if (writer->ring.fd >= 0 && writer->ring.path[0]) {
		unlink(writer->ring.path);
	}
error_writer:
	writer_free(writer);
error_file:
	close(fd);
	if (options->path) {
		unlink(options->path);
	}
	return NULL;
}

struct vgt_writer *vgt_writer_create(
	const struct vgt_writer_options *options, struct vgt_err *err)
{
	/* a file size limit shall be an error, not the death of the program by SIGXFSZ */
	sigset_t too_large, old;
	sigemptyset(&too_large);
	sigaddset(&too_large, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &too_large, &old);
	struct vgt_writer *writer = writer_create(options, err);
	if (!writer && !sigismember(&old, SIGXFSZ)) {
		sigtimedwait(&too_large, NULL, &(const struct timespec){0});
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return writer;
}

struct vgt_writer_progress vgt_writer_progress(const struct vgt_writer *writer)
{
	const struct vgt_ring_header *header = writer->ring.header;
	if (!header) {
		return (struct vgt_writer_progress){0};
	}
	return (struct vgt_writer_progress){
		.records = atomic_load(&header->records),
		.commands = atomic_load(&header->commands),
		.frames = atomic_load(&header->frames),
		.stream_size = atomic_load(&header->head),
		.written = atomic_load(&header->written),
		.stalls = atomic_load(&header->stalls),
		.stall_ns = atomic_load(&header->stall_ns),
	};
}

bool vgt_writer_end(struct vgt_writer *writer, struct vgt_err *err)
{
	if (!writer || !writer_is_mine(writer)) {
		return true;
	}
	if (!writer->joined) {
		pthread_mutex_lock(&writer->lock);
		writer->finish = true;
		pthread_cond_signal(&writer->work);
		pthread_mutex_unlock(&writer->lock);
		pthread_join(writer->thread, NULL);
		writer->joined = true;
	}
	enum vgt_err_code code = writer->stop_reason.code;
	bool good = code == VGT_ERR_NONE || code == VGT_ERR_STOPPED;
	if (!good && err) {
		*err = writer->stop_reason;
	}
	return good;
}

bool vgt_writer_finish(struct vgt_writer *writer, struct vgt_err *err)
{
	bool good = vgt_writer_end(writer, err);
	if (writer && writer_is_mine(writer)) {
		writer_free(writer);
	} else if (writer) {
		/* ring, file and thread are the parent's; locks may be in any state */
		vgt_sink_finish(&writer->sink);
		free(writer);
	}
	return good;
}
