/* SPDX-License-Identifier: MIT */
#include "vgt_reader.h"
#include "vgt_recover.h"
#include "vgt_ring.h"
#include "vgt_sink.h"
#include "vgt_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include <cmocka.h>

#define THREADS 4
#define KIB     1024u
#define MIB     (1024u * 1024u)

/* One directory per run; every trace and most rings lie in it. */
static char directory[] = "/tmp/vgt-test-trace-XXXXXX";

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int group_setup(void **state)
{
	(void)state;
	alarm(600); /* whatever hangs shall fail */
	return mkdtemp(directory) ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in the directory at which nothing lies yet; the caller's for ever. */
static const char *fresh_path(void)
{
	static char paths[512][64];
	static unsigned used;
	assert_true(used < 512);
	snprintf(paths[used], sizeof(paths[used]), "%s/%u.vgt", directory, used);
	return paths[used++];
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/*
 * Test records: a stamp that says who put it, then bytes that follow from the stamp. Type and
 * flags follow from the number too, so that the reader can tell whether anything was mixed up.
 */
struct stamp {
	uint32_t thread;
	uint32_t number;
	uint32_t size;
	uint32_t zero[5];
};

static uint16_t type_of(uint32_t number)
{
	static const uint16_t types[] = {
		VGT_RECORD_MARK, 0x7000, VGT_RECORD_FRAME, 0xf000, VGT_RECORD_MARK};
	return types[number % 5];
}

static void fill_record(uint8_t *bytes, uint32_t thread, uint32_t number, uint32_t size)
{
	const struct stamp stamp = {thread, number, size, {0}};
	uint32_t seed = thread * 7919 + number * 31 + 1;
	memcpy(bytes, &stamp, sizeof(stamp));
	for (uint32_t i = sizeof(stamp); i < size; i++) {
		bytes[i] = (uint8_t)next_random(&seed);
	}
}

/* Puts test record `number`, gathered from three parts. */
static bool put(struct vgt_writer *writer, uint32_t thread, uint32_t number, uint32_t size)
{
	size = size < sizeof(struct stamp) ? sizeof(struct stamp) : size;
	uint8_t *bytes = malloc(size);
	fill_record(bytes, thread, number, size);
	uint32_t first = (number * 13) % size;
	const struct iovec parts[] = {{bytes, first}, {NULL, 0}, {bytes + first, size - first}};
	bool good = vgt_writer_put(writer, type_of(number), (uint16_t)number, parts, 3);
	free(bytes);
	return good;
}

/* What a trace held, seen by reading it. */
struct contents {
	enum vgt_read last;
	enum vgt_reader_end end;
	struct vgt_err err;
	uint64_t records, commands, frames;
	uint64_t whole_records;     /* in whole chunks of the file */
	uint32_t next[THREADS + 1]; /* number that each thread's next test record must have */
	uint64_t bad;               /* records that are not what was put */
	uint64_t backwards;         /* records with a time before that of the one before */
	char meta[2048];            /* all META, newlines between */
	char ring[VGT_RING_PATH_MAX];
};

static bool is_as_put(struct contents *contents, const struct vgt_record *record)
{
	struct stamp stamp;
	if (record->size < sizeof(stamp)) {
		return false;
	}
	memcpy(&stamp, record->payload, sizeof(stamp));
	if (stamp.thread > THREADS || stamp.size != record->size ||
		stamp.number != contents->next[stamp.thread]) {
		return false;
	}
	contents->next[stamp.thread]++;
	uint8_t *wanted = malloc(stamp.size);
	fill_record(wanted, stamp.thread, stamp.number, stamp.size);
	bool same = memcmp(wanted, record->payload, stamp.size) == 0 &&
		    record->type == type_of(stamp.number) &&
		    record->flags == (uint16_t)stamp.number;
	free(wanted);
	return same;
}

static void note_meta(struct contents *contents, const struct vgt_record *record)
{
	const char *text = record->payload;
	const char *end = text + record->size;
	for (; text < end; text += strlen(text) + 1) {
		size_t used = strlen(contents->meta);
		snprintf(contents->meta + used, sizeof(contents->meta) - used, "%s\n", text);
	}
}

static void read_from(struct vgt_reader *reader, struct contents *contents)
{
	struct vgt_record record;
	uint64_t time_ns = 0;
	memset(contents, 0, sizeof(*contents));
	while ((contents->last = vgt_reader_next(reader, &record, &contents->err)) ==
		VGT_READ_RECORD) {
		if (record.number != contents->records || record.frame != contents->frames ||
			record.command != contents->commands) {
			contents->bad++;
		}
		contents->records++;
		contents->commands += vgt_record_is_command(record.type);
		contents->frames += record.type == VGT_RECORD_FRAME;
		contents->backwards += record.time_ns < time_ns;
		time_ns = record.time_ns;
		if (record.type == VGT_RECORD_META) {
			note_meta(contents, &record);
		} else {
			contents->bad += !is_as_put(contents, &record);
		}
	}
	contents->end = vgt_reader_end(reader);
	contents->whole_records = vgt_reader_whole(reader).records;
	snprintf(contents->ring, sizeof(contents->ring), "%s", vgt_reader_ring_path(reader));
}

static struct contents read_trace(const char *path)
{
	struct contents contents = {.last = VGT_READ_ERROR};
	struct vgt_reader *reader = vgt_reader_open(path, &contents.err);
	if (reader) {
		read_from(reader, &contents);
		vgt_reader_close(reader);
	}
	return contents;
}

/* Reads a trace that must be whole and as it was put. */
static struct contents read_whole(const char *path)
{
	struct contents contents = read_trace(path);
	if (contents.last != VGT_READ_END) {
		fail_msg("%s", contents.err.message);
	}
	assert_int_equal(contents.end, VGT_END_TAIL);
	assert_int_equal(contents.bad, 0);
	assert_int_equal(contents.backwards, 0);
	return contents;
}

static uint8_t *file_bytes(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	assert_true(fd >= 0 && fstat(fd, &status) == 0);
	uint8_t *bytes = malloc((size_t)status.st_size + 1);
	*size = 0;
	ssize_t got;
	while ((got = read(fd, bytes + *size, (size_t)status.st_size - *size)) > 0) {
		*size += (size_t)got;
	}
	close(fd);
	return bytes;
}

static uint64_t file_hash(const char *path)
{
	size_t size;
	uint8_t *bytes = file_bytes(path, &size);
	uint64_t hash = XXH64(bytes, size, 0);
	free(bytes);
	return hash;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static uint64_t file_size(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static struct vgt_writer *start(const char *path, uint64_t ring_size)
{
	struct vgt_err err;
	const struct vgt_writer_options options = {
		.path = path, .ring_size = ring_size, .ring_directory = directory};
	struct vgt_writer *writer = vgt_writer_create(&options, &err);
	if (!writer) {
		fail_msg("%s", err.message);
	}
	return writer;
}

static void finish(struct vgt_writer *writer)
{
	struct vgt_err err;
	if (!vgt_writer_finish(writer, &err)) {
		fail_msg("%s", err.message);
	}
}

/* A chunk's content ends when it reaches the target, never after another record behind that. */
static void check_chunk(const uint8_t *content, uint64_t size)
{
	uint64_t at = sizeof(struct vgt_record_header) + sizeof(struct vgt_chunk);
	uint64_t opening = at, before_last = at;
	assert_true(size > at && size <= VGT_CHUNK_MAX);
	while (at < size) {
		struct vgt_record_header header;
		memcpy(&header, content + at, sizeof(header));
		before_last = at;
		at += vgt_record_span(header.size);
	}
	assert_int_equal(at, size);
	assert_true(before_last - opening < VGT_CHUNK_TARGET);
}

/*
 * What `zstd -t` asks, all frames good, and by hand what the seekable format asks: the table
 * lists every frame before it. Returns the number of chunks.
 */
static size_t check_zstd(const char *path)
{
	size_t size;
	uint8_t *bytes = file_bytes(path, &size);
	uint32_t table[4096][2];
	size_t frames = 0, chunks = 0, at = 0;
	uint64_t content = 0;
	while (at < size) {
		size_t frame = ZSTD_findFrameCompressedSize(bytes + at, size - at);
		unsigned long long inside = ZSTD_getFrameContentSize(bytes + at, size - at);
		uint32_t magic;
		assert_false(ZSTD_isError(frame));
		memcpy(&magic, bytes + at, sizeof(magic));
		if (magic == ZSTD_MAGICNUMBER) {
			uint8_t *records = malloc(inside);
			assert_int_equal(
				ZSTD_decompress(records, inside, bytes + at, frame), inside);
			check_chunk(records, inside);
			free(records);
			content += inside;
			chunks++;
		} else {
			inside = 0;
		}
		assert_true(frames < 4096);
		table[frames][0] = (uint32_t)frame;
		table[frames++][1] = (uint32_t)inside;
		at += frame;
	}
	assert_int_equal(frames, chunks + 2);
	uint8_t *all = malloc(content);
	assert_int_equal(ZSTD_decompress(all, content, bytes, size), content);
	free(all);

	const uint8_t *seek = bytes + size - 9;
	uint32_t count, magic;
	memcpy(&count, seek, 4);
	memcpy(&magic, seek + 5, 4);
	assert_int_equal(magic, VGT_SEEK_MAGIC);
	assert_int_equal(seek[4], 0);
	assert_int_equal(count, frames - 1);
	assert_memory_equal(seek - (size_t)count * 8, table, (size_t)count * 8);
	free(bytes);
	return chunks;
}

static void test_round_trip(void **state)
{
	(void)state;
	static const uint32_t extremes[] = {0, 1, 40, 41, 47, 48, 49, 65519, 65520, 65521};
	const char *path = fresh_path();
	uint32_t seed = 1;
	struct vgt_writer *writer = start(path, 0);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t size = i < 10 ? extremes[i] : next_random(&seed) % 4000;
		assert_true(put(writer, 0, i, size));
	}
	assert_true(vgt_writer_is_recording(writer));
	struct vgt_writer_counts counts = vgt_writer_counts(writer);
	assert_int_equal(counts.records, 3001);
	assert_int_equal(counts.commands, 600);
	assert_int_equal(counts.frames, 600);
	finish(writer);

	struct contents contents = read_whole(path);
	assert_int_equal(contents.records, 3002); /* with META at both ends */
	assert_int_equal(contents.commands, 600);
	assert_int_equal(contents.frames, 600);
	assert_int_equal(contents.next[0], 3000);
	assert_non_null(strstr(contents.meta, "end.reason=finished\n"));
	assert_false(exists(contents.ring));
	assert_true(check_zstd(path) > 10);
}

/* A trace by descriptor, the ring in /dev/shm; empty records; nothing but META. */
static void test_descriptor(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer_options options = {
		.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), .level = 3};
	struct vgt_writer *writer = vgt_writer_create(&options, NULL);
	assert_non_null(writer);
	assert_true(vgt_writer_put(writer, VGT_RECORD_MARK, 0, NULL, 0));
	finish(writer);
	struct contents contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_TAIL);
	assert_int_equal(contents.records, 3);
	assert_int_equal(contents.bad, 1); /* the empty one carries no stamp */
	assert_non_null(strstr(contents.meta, "ring.path=/dev/shm/vgt-"));

	const char *bare = fresh_path();
	finish(start(bare, 0));
	assert_int_equal(read_whole(bare).records, 2);
	check_zstd(bare);
}

/* The checks of this file find what is broken on purpose. */
static void test_positive_control(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	assert_true(put(writer, 0, 0, 100));
	assert_true(put(writer, 0, 2, 100)); /* number 1 is missing */
	uint8_t bytes[100];
	fill_record(bytes, 1, 0, sizeof(bytes));
	bytes[99] ^= 1;
	const struct iovec part = {bytes, sizeof(bytes)};
	assert_true(vgt_writer_put(writer, type_of(0), 0, &part, 1));
	finish(writer);
	struct contents contents = read_trace(path);
	assert_int_equal(contents.last, VGT_READ_END);
	assert_int_equal(contents.bad, 2);
}

struct producer {
	struct vgt_writer *writer;
	uint32_t thread;
	uint32_t count;
	uint32_t size;  /* up to which sizes are drawn */
	uint32_t large; /* every so many records one of a MiB, 0: never */
	uint32_t put;   /* how many were taken */
};

static void *produce(void *opaque)
{
	struct producer *producer = opaque;
	uint32_t seed = producer->thread + 77;
	for (uint32_t i = 0; i < producer->count; i++) {
		bool large = producer->large && i % producer->large == 0;
		uint32_t size = large ? MIB + i : next_random(&seed) % producer->size;
		if (!put(producer->writer, producer->thread, i, size)) {
			break;
		}
		producer->put++;
	}
	return NULL;
}

static void run_producers(struct producer *producers)
{
	pthread_t threads[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
}

static void test_threads(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	struct producer producers[THREADS];
	for (uint32_t i = 0; i < THREADS; i++) {
		producers[i] = (struct producer){writer, i, 3000, 1000, 0, 0};
	}
	run_producers(producers);
	assert_int_equal(vgt_writer_counts(writer).records, THREADS * 3000 + 1);
	finish(writer);
	struct contents contents = read_whole(path);
	assert_int_equal(contents.records, THREADS * 3000 + 2);
	check_zstd(path);
}

/* Records that are larger than the ring, several in a row. */
static void test_larger_than_ring(void **state)
{
	(void)state;
	static const uint32_t sizes[] = {MIB, MIB + 1, 64 * KIB, 64 * KIB - 16, 64 * KIB - 15,
		64 * KIB + 1, 100, 3 * MIB + 5, 100, 100, 128 * KIB};
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 1);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_true(put(writer, 0, i, sizes[i]));
	}
	finish(writer);
	assert_int_equal(read_whole(path).next[0], sizeof(sizes) / sizeof(sizes[0]));
	check_zstd(path);
}

static void test_larger_than_ring_among_threads(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 64 * KIB);
	struct producer producers[THREADS] = {
		{writer, 0, 6, 1, 1, 0},
		{writer, 1, 12, 40 * KIB, 3, 0},
		{writer, 2, 3000, 300, 0, 0},
		{writer, 3, 300, 20 * KIB, 0, 0},
	};
	run_producers(producers);
	finish(writer);
	struct contents contents = read_whole(path);
	for (uint32_t i = 0; i < THREADS; i++) {
		assert_int_equal(contents.next[i], producers[i].count);
	}
	check_zstd(path);
}

/* The largest record there may be, and one byte more. */
static void test_record_limit(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, MIB);
	uint32_t size = VGT_RECORD_MAX - (uint32_t)sizeof(struct vgt_record_header);
	uint8_t *zeros = calloc(1, size);
	struct iovec part = {zeros, size};
	assert_true(vgt_writer_put(writer, VGT_RECORD_MARK, 0, &part, 1));
	assert_true(put(writer, 0, 0, 10));
	part.iov_len++; /* refused before it is read */
	assert_false(vgt_writer_put(writer, VGT_RECORD_MARK, 0, &part, 1));
	assert_false(vgt_writer_is_recording(writer));
	assert_false(put(writer, 0, 1, 10));
	struct vgt_err err;
	assert_false(vgt_writer_finish(writer, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	free(zeros);
	struct contents contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_TAIL);
	assert_int_equal(contents.bad, 1);
	assert_int_equal(contents.last, VGT_READ_END);
}

/* 40 KiB at a time do not fit twice into 64 KiB: the second has to wait. */
static void test_full_ring_waits(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 64 * KIB);
	for (uint32_t i = 0; i < 50; i++) {
		assert_true(put(writer, 0, i, 40 * KIB));
	}
	finish(writer);
	struct contents contents = read_whole(path);
	assert_int_equal(contents.next[0], 50);
	const char *stalls = strstr(contents.meta, "stats.stalls=");
	const char *stall_ns = strstr(contents.meta, "stats.stall_ns=");
	assert_non_null(stalls);
	assert_non_null(stall_ns);
	assert_true(strtoull(stalls + strlen("stats.stalls="), NULL, 10) > 0);
	assert_true(strtoull(stall_ns + strlen("stats.stall_ns="), NULL, 10) > 0);
}

static void test_flush(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	vgt_writer_flush(writer);
	for (uint32_t i = 0; i < 20; i++) {
		assert_true(put(writer, 0, i, 300));
		vgt_writer_flush(writer);
		/* the ring says what the file has */
		struct contents contents = read_trace(path);
		const struct vgt_ring_header *ring = vgt_ring_watch(contents.ring);
		assert_non_null(ring);
		assert_int_equal(contents.end, VGT_END_RECORDING);
		assert_int_equal(contents.whole_records, i + 2);
		assert_int_equal(ring->tail, ring->head);
		assert_int_equal(ring->written, file_size(path));
		assert_int_equal(ring->records, i + 2);
		assert_int_equal(ring->state, VGT_RING_RECORDING);
		assert_int_equal(ring->pid, (uint32_t)getpid());
		vgt_ring_unwatch(ring);
	}
	finish(writer);
	assert_int_equal(read_whole(path).next[0], 20);
	assert_int_equal(check_zstd(path), 22);
}

/* Who watches sees the end after the ring's file has gone. */
static void test_watch(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	assert_true(put(writer, 0, 0, 100));
	const struct vgt_ring_header *ring = vgt_ring_watch(read_trace(path).ring);
	assert_non_null(ring);
	assert_int_equal(ring->records, 2);
	finish(writer);
	assert_int_equal(ring->state, VGT_RING_FINISHED);
	assert_int_equal(ring->written, file_size(path));
	vgt_ring_unwatch(ring);
	vgt_ring_unwatch(NULL);
	assert_null(vgt_ring_watch(path));
	assert_null(vgt_ring_watch("/nonexistent"));
}

struct stopped {
	_Atomic unsigned calls;
	struct vgt_err err;
};

static void on_stopped(void *opaque, const struct vgt_err *err)
{
	struct stopped *stopped = opaque;
	stopped->err = *err;
	stopped->calls++;
}

static void limited_recording(uint32_t size)
{
	const char *path = fresh_path();
	const uint64_t limit = 400000;
	struct stopped stopped = {0};
	const struct vgt_writer_options options = {.path = path,
		.ring_size = 64 * KIB,
		.ring_directory = directory,
		.max_size = limit,
		.stopped = on_stopped,
		.opaque = &stopped};
	struct vgt_writer *writer = vgt_writer_create(&options, NULL);
	assert_non_null(writer);
	uint32_t count = 0;
	while (put(writer, 0, count, size)) {
		assert_true(file_size(path) <= limit);
		count++;
		assert_true(count < limit);
	}
	assert_false(vgt_writer_is_recording(writer));
	vgt_writer_flush(writer);
	struct vgt_err err;
	assert_false(vgt_writer_finish(writer, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	assert_int_equal(stopped.calls, 1);
	assert_int_equal(stopped.err.code, VGT_ERR_LIMIT);
	assert_true(file_size(path) <= limit);
	struct contents contents = read_whole(path);
	assert_true(contents.next[0] <= count);
	assert_non_null(strstr(contents.meta, "end.reason=the trace has reached its size"));
	assert_false(exists(contents.ring));
	if (size < 10000) {
		/* most of what was allowed has been used */
		assert_true(file_size(path) > limit / 2);
	}
	check_zstd(path);
}

static void test_max_size(void **state)
{
	(void)state;
	limited_recording(5000);
	limited_recording(30 * KIB);
	limited_recording(MIB);

	const char *path = fresh_path();
	struct vgt_err err;
	const struct vgt_writer_options options = {.path = path, .max_size = 100};
	assert_null(vgt_writer_create(&options, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	assert_false(exists(path));
}

/* Watches a file's size while a recording runs into its limit. */
struct size_watch {
	const char *path;
	_Atomic bool stop;
	uint64_t largest;
};

static void *watch_size(void *opaque)
{
	struct size_watch *watch = opaque;
	while (!watch->stop) {
		uint64_t size = file_size(watch->path);
		watch->largest = size > watch->largest ? size : watch->largest;
	}
	return NULL;
}

static void test_max_size_at_every_moment(void **state)
{
	(void)state;
	const char *path = fresh_path();
	const uint64_t limit = 3 * MIB;
	struct size_watch watch = {.path = path};
	pthread_t thread;
	const struct vgt_writer_options options = {.path = path,
		.ring_size = 64 * KIB,
		.ring_directory = directory,
		.max_size = limit};
	struct vgt_writer *writer = vgt_writer_create(&options, NULL);
	assert_non_null(writer);
	assert_int_equal(pthread_create(&thread, NULL, watch_size, &watch), 0);
	assert_true(put(writer, 0, 0, MIB));
	assert_false(put(writer, 0, 1, 16 * MIB));
	assert_false(vgt_writer_finish(writer, NULL));
	watch.stop = true;
	pthread_join(thread, NULL);
	assert_true(watch.largest <= limit);
	assert_int_equal(read_whole(path).next[0], 1);
}

static void test_stop(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct stopped stopped = {0};
	const struct vgt_writer_options options = {.path = path,
		.ring_directory = directory,
		.stopped = on_stopped,
		.opaque = &stopped};
	struct vgt_writer *writer = vgt_writer_create(&options, NULL);
	assert_non_null(writer);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_true(put(writer, 0, i, 500));
	}
	vgt_writer_stop(writer, "enough now");
	vgt_writer_stop(writer, "another reason");
	assert_false(vgt_writer_is_recording(writer));
	assert_false(put(writer, 0, 1000, 500));
	assert_false(put(writer, 0, 1000, 40 * MIB));
	vgt_writer_flush(writer);
	assert_int_equal(vgt_writer_counts(writer).records, 1001);
	finish(writer);
	assert_int_equal(stopped.calls, 0);
	struct contents contents = read_whole(path);
	assert_int_equal(contents.next[0], 1000);
	assert_non_null(strstr(contents.meta, "end.reason=enough now\n"));
}

/* Stopping while others put: exactly what was taken is in the trace. */
static void test_stop_among_threads(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		const char *path = fresh_path();
		struct vgt_writer *writer = start(path, 64 * KIB);
		struct producer producers[THREADS] = {
			{writer, 0, 100000, 300, 0, 0},
			{writer, 1, 100000, 30 * KIB, 20, 0},
			{writer, 2, 100000, 300 * KIB, 0, 0},
		};
		pthread_t threads[3];
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(
				pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
		}
		usleep(round * 500);
		vgt_writer_stop(writer, "enough now");
		for (unsigned i = 0; i < 3; i++) {
			pthread_join(threads[i], NULL);
		}
		finish(writer);
		struct contents contents = read_whole(path);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(contents.next[i], producers[i].put);
		}
		unlink(path);
	}
}

static void test_create_errors(void **state)
{
	(void)state;
	const char *path = fresh_path();
	finish(start(path, 0));
	uint64_t hash = file_hash(path);
	struct vgt_err err;
	struct vgt_writer_options options = {.path = path, .ring_directory = directory};
	assert_null(vgt_writer_create(&options, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	assert_int_equal(file_hash(path), hash);

	options.path = "/nonexistent/x.vgt";
	assert_null(vgt_writer_create(&options, &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);

	options.path = fresh_path();
	options.ring_directory = "/nonexistent";
	assert_null(vgt_writer_create(&options, &err));
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_false(exists(options.path));
	assert_null(vgt_writer_create(&options, NULL));

	assert_true(vgt_writer_finish(NULL, &err));
	char rings[64];
	snprintf(rings, sizeof(rings), "%s/rings", directory);
	assert_int_equal(mkdir(rings, 0700), 0);
	options = (struct vgt_writer_options){
		.fd = open("/dev/full", O_WRONLY | O_CLOEXEC), .ring_directory = rings};
	assert_null(vgt_writer_create(&options, &err));
	assert_int_equal(rmdir(rings), 0); /* no ring is left in it */
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_non_null(strstr(err.message, strerror(ENOSPC)));
}

/* Children report by their exit status: cmocka's assertions belong to the parent. */
static void child_must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "in the child: not so: %s\n", what);
		_exit(1);
	}
}

static int wait_for(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_fork(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		const char *path = fresh_path();
		struct vgt_writer *writer = start(path, 64 * KIB);
		uint32_t number = 0;
		for (; number < 100; number++) {
			assert_true(put(writer, 0, number, 1000));
		}
		fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			child_must(!vgt_writer_is_recording(writer), "the writer is inert");
			child_must(!put(writer, 1, 0, 100), "nothing is recorded");
			child_must(!put(writer, 1, 0, MIB), "nothing large is recorded");
			vgt_writer_stop(writer, "the child says so");
			vgt_writer_flush(writer);
			if (way == 0) {
				child_must(vgt_writer_finish(writer, NULL), "it only frees");
			} else if (way == 1) {
				_Exit(0);
			}
			_exit(0);
		}
		for (; number < 200; number++) {
			assert_true(put(writer, 0, number, 1000));
		}
		assert_int_equal(wait_for(child), 0);
		for (; number < 300; number++) {
			assert_true(put(writer, 0, number, 1000));
		}
		assert_true(vgt_writer_is_recording(writer));
		struct contents running = read_trace(path);
		assert_int_equal(running.end, VGT_END_RECORDING);
		assert_int_equal(running.next[0], 300);
		finish(writer);
		assert_int_equal(read_whole(path).next[0], 300);
	}
}

/* The end without the freeing, for threads that may be about to put. */
static void test_end(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 64 * KIB);
	struct vgt_err err;
	assert_true(put(writer, 0, 0, 1000));
	assert_true(vgt_writer_end(writer, &err));
	struct contents contents = read_whole(path);
	assert_int_equal(contents.next[0], 1);
	assert_false(exists(contents.ring));
	assert_false(vgt_writer_is_recording(writer));
	assert_false(put(writer, 0, 1, 1000));
	assert_false(put(writer, 0, 1, MIB));
	vgt_writer_stop(writer, "too late");
	vgt_writer_flush(writer);
	assert_true(vgt_writer_end(writer, &err));
	finish(writer);
	assert_true(vgt_writer_end(NULL, &err));
	assert_int_equal(read_whole(path).next[0], 1);
}

/* What was put before a record that exceeds the limit is in the trace, however full the ring.
 */
static void test_record_limit_keeps(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, MIB);
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(put(writer, 0, i, 1000));
	}
	const struct iovec too_large = {NULL, VGT_RECORD_MAX};
	assert_false(vgt_writer_put(writer, VGT_RECORD_MARK, 0, &too_large, 1));
	assert_false(vgt_writer_finish(writer, NULL));
	assert_int_equal(read_whole(path).next[0], 100);
}

/* A recorder is killed while a child that it forked lives on: the child holds no lock. */
static void test_fork_and_kill(void **state)
{
	(void)state;
	const char *path = fresh_path();
	int go[2], alive[2];
	char byte = 0;
	assert_int_equal(pipe(go) | pipe(alive), 0);
	pid_t recorder = fork();
	if (recorder == 0) {
		const struct vgt_writer_options options = {
			.path = path, .ring_directory = directory};
		struct vgt_writer *writer = vgt_writer_create(&options, NULL);
		for (uint32_t i = 0; i < 100; i++) {
			child_must(writer && put(writer, 0, i, 1000), "a record is put");
		}
		close(go[1]);
		if (fork() == 0) {
			child_must(write(alive[1], &byte, 1) == 1, "the child lives");
			child_must(read(go[0], &byte, 1) == 1, "the child lives on");
			child_must(write(alive[1], &byte, 1) == 1, "to tell");
			_exit(0);
		}
		pause();
	}
	close(alive[1]);
	assert_int_equal(read(alive[0], &byte, 1), 1);
	struct contents contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_RECORDING);
	kill(recorder, SIGKILL);
	assert_true(WIFSIGNALED(wait_for(recorder)));

	contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_RING);
	assert_int_equal(contents.next[0], 100);
	struct vgt_recovery recovery;
	struct vgt_err err;
	if (!vgt_recover(path, NULL, &recovery, &err)) {
		fail_msg("%s", err.message);
	}
	assert_int_equal(read_whole(path).next[0], 100);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(read(alive[0], &byte, 1), 1);
	close(go[0]);
	close(go[1]);
	close(alive[0]);
}

/* Seeking: each frame and each command, in every kind of trace. */

/* What a trace holds, record by record, as reading it from the start gives it. */
struct listed {
	uint64_t frame, command, time_ns, digest;
};

struct list {
	struct listed *at;
	size_t count;
	uint64_t frames, commands;
};

static struct listed list_record(const struct vgt_record *record)
{
	return (struct listed){record->frame, record->command, record->time_ns,
		XXH64(record->payload, record->size, record->type)};
}

static struct list list_trace(const char *path)
{
	struct list list = {.count = 0};
	struct vgt_reader *reader = vgt_reader_open(path, NULL);
	struct vgt_record record;
	assert_non_null(reader);
	while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
		list.at = realloc(list.at, (list.count + 1) * sizeof(*list.at));
		list.at[list.count++] = list_record(&record);
	}
	list.frames = vgt_reader_passed(reader).frames;
	list.commands = vgt_reader_passed(reader).commands;
	vgt_reader_close(reader);
	return list;
}

/* What comes out from here on, at most so many records, is what the list has. */
static void expect_from(
	struct vgt_reader *reader, const struct list *list, size_t first, size_t count)
{
	struct vgt_record record;
	struct vgt_err err;
	for (size_t i = first; i < list->count && i < first + count; i++) {
		if (vgt_reader_next(reader, &record, &err) != VGT_READ_RECORD) {
			fail_msg("record %zu: %s", i, err.message);
		}
		const struct listed seen = list_record(&record);
		assert_int_equal(record.number, i);
		assert_memory_equal(&seen, &list->at[i], sizeof(seen));
	}
}

static void must_seek(struct vgt_reader *reader, uint64_t frame, uint64_t command)
{
	struct vgt_err err;
	if (!vgt_reader_seek(reader, frame, command, &err)) {
		fail_msg("seek: %s", err.message);
	}
}

static void expect_beyond(struct vgt_reader *reader, const struct list *list)
{
	char text[256];
	struct vgt_err err;
	assert_false(vgt_reader_seek(reader, list->frames + 1, VGT_SEEK_NONE, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	snprintf(text, sizeof(text),
		"there is no frame %" PRIu64 ": the trace has %" PRIu64 " frames and %" PRIu64
		" commands",
		list->frames + 1, list->frames, list->commands);
	assert_string_equal(err.message, text);
	assert_false(vgt_reader_seek(reader, VGT_SEEK_NONE, list->commands + 1, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	assert_false(vgt_reader_seek(reader, list->frames + 5, list->commands + 5, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
}

/* Seeks to each frame and command of the trace, in no order, and reads on a little. */
static void seek_everywhere(const char *path, const struct list *list)
{
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	uint32_t seed = 5;
	assert_non_null(reader);
	/* the first record of each frame and command */
	size_t *frame = calloc(list->frames + 1, sizeof(*frame));
	size_t *command = calloc(list->commands + 1, sizeof(*command));
	frame[list->frames] = command[list->commands] = list->count;
	for (size_t i = list->count; i-- > 0;) {
		frame[list->at[i].frame] = i;
		command[list->at[i].command] = i;
	}
	for (uint64_t i = 0; i < list->frames + list->commands; i++) {
		const uint64_t f = next_random(&seed) % (list->frames + 1);
		const uint64_t c = next_random(&seed) % (list->commands + 1);
		must_seek(reader, f, VGT_SEEK_NONE);
		expect_from(reader, list, frame[f], 3);
		must_seek(reader, VGT_SEEK_NONE, c);
		expect_from(reader, list, command[c], 3);
		must_seek(reader, f, c);
		expect_from(reader, list, frame[f] < command[c] ? frame[f] : command[c], 3);
	}
	for (uint64_t i = list->frames + 1; i-- > 0;) {
		must_seek(reader, i, VGT_SEEK_NONE);
		expect_from(reader, list, frame[i], 1);
	}
	for (uint64_t i = 0; i <= list->commands; i++) {
		must_seek(reader, VGT_SEEK_NONE, i);
		expect_from(reader, list, command[i], 1);
	}
	expect_beyond(reader, list);
	must_seek(reader, list->frames - 1, VGT_SEEK_NONE);
	expect_from(reader, list, frame[list->frames - 1], list->count);
	struct vgt_record record;
	assert_int_equal(vgt_reader_next(reader, &record, &err), VGT_READ_END);
	must_seek(reader, 0, VGT_SEEK_NONE);
	expect_from(reader, list, 0, list->count);
	assert_int_equal(vgt_reader_next(reader, &record, &err), VGT_READ_END);
	vgt_reader_close(reader);
	free(frame);
	free(command);
}

/* Many chunks of odd sizes: records put between flushes, a large one among them. */
static void put_chunks(struct vgt_writer *writer, uint32_t count)
{
	uint32_t seed = 9;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t size = i == count / 2 ? 300 * KIB : next_random(&seed) % 3000;
		assert_true(put(writer, 0, i, size));
		if (next_random(&seed) % 7 == 0) {
			vgt_writer_flush(writer);
		}
	}
}

static void copy_file(const char *from, const char *to, size_t left_out)
{
	size_t size;
	uint8_t *bytes = file_bytes(from, &size);
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && left_out < size);
	assert_int_equal(write(fd, bytes, size - left_out), size - left_out);
	close(fd);
	free(bytes);
}

static void test_seek(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	put_chunks(writer, 300);
	/* while it is being recorded */
	struct list list = list_trace(path);
	assert_int_equal(list.count, 301);
	seek_everywhere(path, &list);
	free(list.at);
	finish(writer);

	list = list_trace(path);
	assert_int_equal(list.count, 302);
	assert_int_equal(list.frames, 60);
	assert_int_equal(list.commands, 60);
	seek_everywhere(path, &list);

	/* without tail, with part of it, with a torn chunk at the end */
	const size_t tail = (size_t)vgt_index_size(check_zstd(path));
	for (size_t left_out = 1; left_out < tail; left_out += tail / 5) {
		const char *cut = fresh_path();
		copy_file(path, cut, left_out);
		seek_everywhere(cut, &list);
		assert_int_equal(read_trace(cut).end, VGT_END_CUT);
		unlink(cut);
	}
	const char *torn = fresh_path();
	copy_file(path, torn, tail + 20);
	struct list shorter = list_trace(torn);
	assert_true(shorter.count < list.count);
	seek_everywhere(torn, &shorter);
	free(shorter.at);
	free(list.at);
}

/* With the rest in the ring of a killed recording. */
static void test_seek_into_ring(void **state)
{
	(void)state;
	const char *path = fresh_path();
	pid_t child = fork();
	if (child == 0) {
		const struct vgt_writer_options options = {
			.path = path, .ring_directory = directory};
		struct vgt_writer *writer = vgt_writer_create(&options, NULL);
		child_must(writer != NULL, "recording begins");
		for (uint32_t i = 0; i < 100; i++) {
			child_must(put(writer, 0, i, 100), "a record is put");
			if (i == 30 || i == 60) {
				vgt_writer_flush(writer);
			}
		}
		kill(getpid(), SIGKILL);
	}
	assert_true(WIFSIGNALED(wait_for(child)));
	struct contents contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_RING);
	struct list list = list_trace(path);
	assert_int_equal(list.count, 101);
	seek_everywhere(path, &list);
	free(list.at);
	unlink(contents.ring);
}

/* A seek does not decompress what lies before: that may be damaged. */
static void test_seek_over_damage(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	put_chunks(writer, 300);
	finish(writer);
	struct list list = list_trace(path);
	struct vgt_reader *reader = vgt_reader_open(path, NULL);
	struct vgt_err err;
	must_seek(reader, 30, VGT_SEEK_NONE);
	const struct vgt_index *index = vgt_reader_chunks(reader);
	const size_t chunks = index->count;
	const size_t here = (size_t)vgt_reader_whole(reader).sequence;
	assert_true(here > 2 && here + 2 < chunks);
	/* the checksums of all chunks before, but the first */
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	for (size_t i = 2; i <= here; i++) {
		const off_t checksum = (off_t)index->entries[i].file_pos - 4;
		assert_int_equal(pwrite(fd, "abcd", 4, checksum), 4);
	}
	close(fd);
	vgt_reader_close(reader);
	for (unsigned way = 0; way < 2; way++) {
		reader = vgt_reader_open(path, &err);
		must_seek(reader, 30, VGT_SEEK_NONE);
		const uint64_t number = vgt_reader_passed(reader).records;
		assert_true(list.at[number].frame == 30 && list.at[number - 1].frame == 29);
		expect_from(reader, &list, number, list.count);
		/* and where it does go, it sees the damage */
		assert_false(vgt_reader_seek(reader, 5, VGT_SEEK_NONE, &err));
		assert_int_equal(err.code, VGT_ERR_MALFORMED);
		must_seek(reader, 30, VGT_SEEK_NONE);
		vgt_reader_close(reader);
		/* the same without tail */
		assert_int_equal(truncate(path, (off_t)(file_size(path) - 1)), 0);
	}
	free(list.at);
}

static void test_seek_in_pipe(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(put(writer, 0, i, 100));
	}
	finish(writer);
	struct list list = list_trace(path);
	size_t size;
	uint8_t *bytes = file_bytes(path, &size);
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], bytes, size), size); /* a pipe holds 64 KiB */
	close(ends[1]);
	free(bytes);
	struct vgt_err err;
	struct vgt_gap gap;
	struct vgt_reader *reader = vgt_reader_open_fd(ends[0], &err);
	must_seek(reader, 0, VGT_SEEK_NONE);
	expect_from(reader, &list, 0, 2);
	must_seek(reader, 7, VGT_SEEK_NONE);
	const size_t number = (size_t)vgt_reader_passed(reader).records;
	assert_true(list.at[number].frame == 7 && list.at[number - 1].frame == 6);
	expect_from(reader, &list, number, 5);
	assert_false(vgt_reader_seek(reader, 3, VGT_SEEK_NONE, &err));
	assert_string_equal(err.message, "cannot go back in a pipe");
	expect_from(reader, &list, number + 5, 5);
	assert_false(vgt_reader_resync(reader, &gap, &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	expect_beyond(reader, &list);
	vgt_reader_close(reader);
	free(list.at);
}

/* A recording grows under a reader that has come to its end. */
static void test_seek_while_recording(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 0);
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	for (uint32_t i = 0; i < 60; i += 5) {
		for (uint32_t k = 0; k < 5; k++) {
			assert_true(put(writer, 0, i + k, 200));
		}
		if (i % 2) {
			vgt_writer_flush(writer);
		}
		must_seek(reader, i / 5, VGT_SEEK_NONE);
		assert_int_equal(vgt_reader_passed(reader).frames, i / 5);
		assert_false(vgt_reader_seek(reader, i / 5 + 2, VGT_SEEK_NONE, &err));
		assert_int_equal(err.code, VGT_ERR_USAGE);
	}
	finish(writer);
	struct list list = list_trace(path);
	must_seek(reader, 3, VGT_SEEK_NONE);
	expect_from(reader, &list, (size_t)vgt_reader_passed(reader).records, list.count);
	struct vgt_record record;
	assert_int_equal(vgt_reader_next(reader, &record, &err), VGT_READ_END);
	assert_int_equal(vgt_reader_end(reader), VGT_END_TAIL);
	vgt_reader_close(reader);
	free(list.at);
}

/* The last of VGT_CHUNKS_MAX chunks is kept for the end. */
static void test_chunk_limit(void **state)
{
	(void)state;
	const struct vgt_record_header record = {sizeof(record), VGT_RECORD_MARK, 0, 0};
	struct vgt_err err;
	struct vgt_sink sink;
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && vgt_sink_init(&sink, fd, 1, 1, &err));
	while (sink.index.count < VGT_CHUNKS_MAX - 2) {
		assert_true(vgt_index_add(&sink.index, &(struct vgt_index_entry){0}));
	}
	assert_true(vgt_sink_write(&sink, &record, sizeof(record), &err));
	const off_t end = (off_t)sink.at.file_pos;
	assert_false(vgt_sink_write(&sink, &record, sizeof(record), &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	assert_int_equal(lseek(fd, 0, SEEK_END), end);

	/* without room for the tail there is no last chunk either */
	struct rlimit old, limit;
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){(rlim_t)end + 4096, old.rlim_max};
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_false(vgt_sink_close(&sink, &record, sizeof(record), &err));
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, handler);
	assert_int_equal(err.code, VGT_ERR_SYSTEM);
	assert_int_equal(lseek(fd, 0, SEEK_END), end);

	assert_true(vgt_sink_close(&sink, &record, sizeof(record), &err));
	assert_int_equal(sink.index.count, VGT_CHUNKS_MAX);
	assert_true(lseek(fd, 0, SEEK_END) > end);
	vgt_sink_finish(&sink);
	close(fd);
}

/* Runs until it is killed. `count` is shared: records up to it have been taken. */
static void record_until_killed(const char *path, unsigned round, _Atomic uint32_t *count)
{
	const struct vgt_writer_options options = {.path = path,
		.ring_size = round % 3 ? 64 * KIB : MIB,
		.ring_directory = directory};
	struct vgt_writer *writer = vgt_writer_create(&options, NULL);
	child_must(writer, "recording begins");
	uint32_t seed = round + 1;
	for (uint32_t i = 0;; i++) {
		uint32_t size = next_random(&seed) % 4000;
		if (round % 2 && i % 50 == 49) {
			size = 200 * KIB; /* streams through the small ring */
		}
		child_must(put(writer, 0, i, size), "the record is taken");
		*count = i + 1;
		if (i > 100000) {
			pause();
		}
	}
}

static void kill_round(unsigned round, _Atomic uint32_t *count)
{
	const char *path = fresh_path();
	uint32_t seed = round * 101 + 7;
	*count = 0;
	pid_t child = fork();
	if (child == 0) {
		record_until_killed(path, round, count);
	}
	while (*count == 0) {
		usleep(100);
	}
	usleep(next_random(&seed) % 20000);
	kill(child, SIGKILL);
	assert_true(WIFSIGNALED(wait_for(child)));
	uint32_t taken = *count;

	struct contents dead = read_trace(path);
	uint64_t file = file_hash(path), ring = file_hash(dead.ring);
	assert_int_equal(dead.last, VGT_READ_END);
	assert_int_equal(dead.end, VGT_END_RING);
	assert_int_equal(dead.bad + dead.backwards, 0);
	/* one more may have been taken and not counted yet */
	assert_in_range(dead.next[0], taken, taken + 1);
	dead = read_trace(path);
	assert_in_range(dead.next[0], taken, taken + 1);
	assert_int_equal(file_hash(path), file);
	assert_int_equal(file_hash(dead.ring), ring);

	/* into another file: trace and ring stay */
	const char *out = fresh_path();
	struct vgt_recovery recovery;
	struct vgt_err err;
	assert_true(vgt_recover(path, out, &recovery, &err));
	assert_false(recovery.was_whole || recovery.damaged);
	assert_int_equal(read_whole(out).next[0], dead.next[0]);
	assert_int_equal(recovery.records, dead.records + 1);
	assert_int_equal(recovery.from_ring, dead.records - dead.whole_records);
	assert_int_equal(file_hash(path), file);
	assert_int_equal(file_hash(dead.ring), ring);
	assert_false(vgt_recover(path, out, &recovery, &err)); /* it exists */
	assert_int_equal(file_size(out), file_size(out));

	/* in place */
	assert_true(vgt_recover(path, NULL, &recovery, &err));
	struct contents contents = read_whole(path);
	assert_int_equal(contents.next[0], dead.next[0]);
	assert_int_equal(contents.records, recovery.records);
	assert_int_equal(contents.commands, recovery.commands);
	assert_int_equal(contents.frames, recovery.frames);
	assert_non_null(strstr(contents.meta, "end.reason=recovered\n"));
	assert_false(exists(dead.ring));
	check_zstd(path);
	assert_int_equal(file_hash(path), file_hash(out));

	file = file_hash(path);
	assert_true(vgt_recover(path, NULL, &recovery, &err));
	assert_true(recovery.was_whole);
	assert_int_equal(recovery.records, contents.records);
	assert_int_equal(file_hash(path), file);
	unlink(path);
	unlink(out);
}

static void test_kill(void **state)
{
	(void)state;
	_Atomic uint32_t *count =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(count != MAP_FAILED);
	for (unsigned round = 0; round < 20; round++) {
		kill_round(round, count);
	}
	munmap(count, 4096);
}

/* The ring of a killed recording is gone: what the file has, and it says so. */
static void test_ring_lost(void **state)
{
	(void)state;
	const char *path = fresh_path();
	pid_t child = fork();
	if (child == 0) {
		const struct vgt_writer_options options = {
			.path = path, .ring_directory = directory};
		struct vgt_writer *writer = vgt_writer_create(&options, NULL);
		child_must(writer && put(writer, 0, 0, 100), "one record is put");
		vgt_writer_flush(writer);
		child_must(put(writer, 0, 1, 100), "a second one is put");
		kill(getpid(), SIGKILL);
	}
	assert_true(WIFSIGNALED(wait_for(child)));
	struct contents contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_RING);
	assert_int_equal(contents.next[0], 2);
	assert_int_equal(unlink(contents.ring), 0);
	uint64_t in_file = contents.whole_records - 1; /* the first is META */
	assert_true(in_file >= 1);
	contents = read_trace(path);
	assert_int_equal(contents.end, VGT_END_CUT);
	assert_int_equal(contents.next[0], in_file);
	struct vgt_recovery recovery;
	assert_true(vgt_recover(path, NULL, &recovery, NULL));
	assert_int_equal(recovery.from_ring, 0);
	assert_int_equal(read_whole(path).next[0], in_file);
}

static void test_recover_while_recording(void **state)
{
	(void)state;
	const char *path = fresh_path(), *out = fresh_path();
	struct vgt_writer *writer = start(path, 64 * KIB);
	for (uint32_t i = 0; i < 200; i++) {
		assert_true(put(writer, 0, i, 700));
		struct vgt_recovery recovery;
		struct vgt_err err;
		assert_false(vgt_recover(path, i % 2 ? out : NULL, &recovery, &err));
		assert_int_equal(err.code, VGT_ERR_BUSY);
		assert_false(exists(out));
	}
	finish(writer);
	assert_int_equal(read_whole(path).next[0], 200);
}

static void test_read_while_recording(void **state)
{
	(void)state;
	const char *path = fresh_path();
	struct vgt_writer *writer = start(path, 256 * KIB);
	struct producer producers[THREADS] = {
		{writer, 0, 20000, 400, 0, 0},
		{writer, 1, 30, 3000, 3, 0},
	};
	pthread_t threads[2];
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	uint64_t before = 0;
	for (unsigned i = 0; i < 50; i++) {
		struct contents contents = read_trace(path);
		if (contents.last == VGT_READ_ERROR) {
			fail_msg("%s", contents.err.message);
		}
		assert_int_equal(contents.end, VGT_END_RECORDING);
		assert_int_equal(contents.bad + contents.backwards, 0);
		assert_true(contents.records >= before);
		before = contents.records;
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	struct contents contents = read_trace(path);
	assert_int_equal(contents.next[0], 20000);
	assert_int_equal(contents.next[1], 30);
	finish(writer);
	contents = read_whole(path);
	assert_int_equal(contents.next[0], 20000);
	assert_int_equal(contents.next[1], 30);
}

/* Reads and recovers all the time while a recording comes to its end: it is never taken for cut
 * off, and never harmed. */
struct onlooker {
	const char *path;
	_Atomic bool stop;
	unsigned wrong;
};

static void *look_on(void *opaque)
{
	struct onlooker *onlooker = opaque;
	while (!onlooker->stop) {
		struct contents contents = read_trace(onlooker->path);
		onlooker->wrong +=
			contents.last != VGT_READ_END || contents.bad ||
			(contents.end != VGT_END_RECORDING && contents.end != VGT_END_TAIL);
		struct vgt_recovery recovery;
		struct vgt_err err;
		onlooker->wrong += vgt_recover(onlooker->path, NULL, &recovery, &err)
					   ? !recovery.was_whole
					   : err.code != VGT_ERR_BUSY;
	}
	return NULL;
}

static void test_onlooker_at_the_end(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		const char *path = fresh_path();
		struct vgt_writer *writer = start(path, 64 * KIB);
		struct onlooker onlooker = {.path = path};
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, look_on, &onlooker), 0);
		for (uint32_t i = 0; i < 40; i++) {
			assert_true(put(writer, 0, i, 3000));
		}
		usleep(round % 10 * 50);
		finish(writer);
		usleep(1000);
		onlooker.stop = true;
		pthread_join(thread, NULL);
		assert_int_equal(onlooker.wrong, 0);
		assert_int_equal(read_whole(path).next[0], 40);
		unlink(path);
	}
}

/*
 * In a child: records until writing fails; then the trace at `path` must be sound, and not one
 * record that was put may be lost once `make_room` has been called.
 */
static void record_until_error(const char *path, int error, void (*make_room)(void))
{
	struct stopped stopped = {0};
	struct vgt_err err;
	const struct vgt_writer_options options = {.path = path,
		.ring_size = 64 * KIB,
		.ring_directory = directory,
		.stopped = on_stopped,
		.opaque = &stopped};
	struct vgt_writer *writer = vgt_writer_create(&options, &err);
	child_must(writer, "recording begins");
	uint32_t count = 0;
	while (count < 10000 && put(writer, 0, count, count % 7 == 6 ? 100 * KIB : 3000)) {
		count++;
	}
	child_must(count > 10 && count < 10000, "writing failed at some point");
	child_must(!put(writer, 0, count, 10), "later records are dropped");
	child_must(!vgt_writer_finish(writer, &err), "finishing says that it failed");
	child_must(err.code == VGT_ERR_SYSTEM && strstr(err.message, strerror(error)),
		"the reason is the right one");
	child_must(stopped.calls == 1, "one message");
	child_must(strcmp(stopped.err.message, err.message) == 0, "the same message");
	struct contents contents = read_trace(path);
	child_must(contents.last == VGT_READ_END, "the trace is valid");
	child_must(contents.bad == 0 && contents.next[0] == count, "it holds what was put");
	bool kept = contents.end == VGT_END_RING;
	child_must(exists(contents.ring) == kept, "the ring stays where it is needed");
	child_must((contents.whole_records < contents.records) == kept, "it holds the rest");
	child_must(!kept || strstr(err.message, contents.ring), "the message names it");
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	read_from(reader, &contents);
	child_must(vgt_reader_torn(reader) == 0, "no torn chunk");
	vgt_reader_close(reader);

	make_room();
	struct vgt_recovery recovery;
	child_must(vgt_recover(path, NULL, &recovery, &err), "it can be recovered");
	child_must(recovery.from_ring > 0 || !kept, "from the ring");
	contents = read_trace(path);
	child_must(
		contents.last == VGT_READ_END && contents.end == VGT_END_TAIL, "it is whole");
	child_must(contents.bad == 0 && contents.next[0] == count, "nothing is lost");
	child_must(!exists(contents.ring), "the ring is gone");
}

static void lift_file_size_limit(void)
{
	struct rlimit rlimit;
	child_must(getrlimit(RLIMIT_FSIZE, &rlimit) == 0, "there is a limit");
	rlimit.rlim_cur = rlimit.rlim_max;
	child_must(setrlimit(RLIMIT_FSIZE, &rlimit) == 0, "the limit is lifted");
}

static void test_file_size_limit(void **state)
{
	(void)state;
	for (rlim_t limit = 200000; limit < 400000; limit += 23456) {
		const char *path = fresh_path();
		pid_t child = fork();
		if (child == 0) {
			struct rlimit rlimit;
			getrlimit(RLIMIT_FSIZE, &rlimit);
			rlimit.rlim_cur = limit;
			child_must(setrlimit(RLIMIT_FSIZE, &rlimit) == 0, "the limit is set");
			record_until_error(path, EFBIG, lift_file_size_limit);
			_exit(0);
		}
		assert_int_equal(wait_for(child), 0);
	}
}

/* Under a limit that does not even allow the ring, recording fails and the program goes on. */
static void test_file_size_limit_of_ring(void **state)
{
	(void)state;
	const char *path = fresh_path();
	pid_t child = fork();
	if (child == 0) {
		const struct rlimit rlimit = {100, 100};
		child_must(setrlimit(RLIMIT_FSIZE, &rlimit) == 0, "the limit is set");
		const struct vgt_writer_options options = {.path = path};
		struct vgt_err err;
		child_must(!vgt_writer_create(&options, &err), "recording does not begin");
		child_must(err.code == VGT_ERR_SYSTEM, "the system said no");
		child_must(!exists(path), "nothing is left");
		_exit(0);
	}
	assert_int_equal(wait_for(child), 0);
}

#define CHILD_SKIPS 77

static char mounted[64];

static void enlarge_disk(void)
{
	child_must(mount("tmpfs", mounted, "tmpfs", MS_REMOUNT, "size=100m") == 0,
		"there is room again");
}

static void test_disk_full(void **state)
{
	(void)state;
	char path[80];
	snprintf(mounted, sizeof(mounted), "%s/full", directory);
	snprintf(path, sizeof(path), "%s/x.vgt", mounted);
	assert_int_equal(mkdir(mounted, 0700), 0);
	pid_t child = fork();
	if (child == 0) {
		/* a mount namespace of its own goes with the child */
		if (unshare(CLONE_NEWNS) ||
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
			mount("tmpfs", mounted, "tmpfs", 0, "size=300k")) {
			_exit(CHILD_SKIPS);
		}
		record_until_error(path, ENOSPC, enlarge_disk);
		_exit(0);
	}
	int status = wait_for(child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPS) {
		print_message("SKIPPED (not permitted): test_disk_full: may not mount a tmpfs "
			      "here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_positive_control),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_larger_than_ring),
		cmocka_unit_test(test_larger_than_ring_among_threads),
		cmocka_unit_test(test_record_limit),
		cmocka_unit_test(test_full_ring_waits),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_max_size),
		cmocka_unit_test(test_max_size_at_every_moment),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_among_threads),
		cmocka_unit_test(test_create_errors),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_record_limit_keeps),
		cmocka_unit_test(test_fork_and_kill),
		cmocka_unit_test(test_chunk_limit),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_seek_into_ring),
		cmocka_unit_test(test_seek_over_damage),
		cmocka_unit_test(test_seek_in_pipe),
		cmocka_unit_test(test_seek_while_recording),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_ring_lost),
		cmocka_unit_test(test_recover_while_recording),
		cmocka_unit_test(test_read_while_recording),
		cmocka_unit_test(test_onlooker_at_the_end),
		cmocka_unit_test(test_file_size_limit),
		cmocka_unit_test(test_file_size_limit_of_ring),
		cmocka_unit_test(test_disk_full),
	};
	return cmocka_run_group_tests_name("trace", tests, group_setup, group_teardown);
}
