/* SPDX-License-Identifier: MIT */
#include "vgt_reader.h"
#include "vgt_recover.h"
#include "vgt_ring.h"
#include "vgt_sink.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * The input is one byte of modes, two of length, so many bytes for the trace behind its first
 * chunk (which names the ring), and the rest for the ring. Modes:
 */
#define MODE_RECORDS \
	(1u << 0) /* the trace's bytes are records of a valid chunk, else raw file */
#define MODE_RING \
	(1u << 1)          /* the ring's begin with head and tail, counted from the file's \
			    * end, then its records; else the raw file's header, then data */
#define MODE_OUT (1u << 2) /* into another file */

#define TRACE_ID 77u

static char directory[] = "/tmp/vgt-fuzz-recover-XXXXXX";
static char trace_path[64], ring_path[64], out_path[64];

static void cleanup(void)
{
	unlink(trace_path);
	unlink(ring_path);
	unlink(out_path);
	rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!mkdtemp(directory)) {
		abort();
	}
	snprintf(trace_path, sizeof(trace_path), "%s/x.vgt", directory);
	snprintf(ring_path, sizeof(ring_path), "%s/x.ring", directory);
	snprintf(out_path, sizeof(out_path), "%s/out.vgt", directory);
	atexit(cleanup);
	return 0;
}

static void must(bool good)
{
	if (!good) {
		abort();
	}
}

/* Writes the trace; returns the stream position where its intact part ends. */
static uint64_t write_trace(const uint8_t *bytes, size_t size, bool as_records)
{
	struct {
		struct vgt_record_header header;
		char text[80];
	} meta = {{.type = VGT_RECORD_META}, ""};
	int fd = open(trace_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0);
	int length = snprintf(meta.text, sizeof(meta.text), "ring.path=%s", ring_path);
	meta.header.size = (uint32_t)(sizeof(meta.header) + (size_t)length + 1);
	struct vgt_sink sink;
	must(vgt_sink_init(&sink, fd, TRACE_ID, 1, NULL) &&
		vgt_sink_write(&sink, &meta, vgt_record_span(meta.header.size), NULL));
	if (as_records && size) {
		must(vgt_sink_begin(&sink, size, NULL) &&
			vgt_sink_feed(&sink, bytes, size, NULL));
	} else {
		must(pwrite(fd, bytes, size, (off_t)sink.at.file_pos) == (ssize_t)size);
	}
	uint64_t end = sink.at.stream_pos;
	vgt_sink_finish(&sink);
	close(fd);
	return end;
}

static void write_ring(const uint8_t *bytes, size_t size, uint64_t from, bool well_formed)
{
	struct vgt_ring_header header = {
		.magic = VGT_RING_MAGIC, .trace_id = TRACE_ID, .size = VGT_RING_MIN};
	int fd = open(ring_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && ftruncate(fd, VGT_RING_HEADER + VGT_RING_MIN) == 0);
	uint64_t at = 0;
	size_t used = 0;
	if (well_formed) {
		uint64_t positions[2] = {0};
		used = size < sizeof(positions) ? size : sizeof(positions);
		memcpy(positions, bytes, used);
		header.head = from + positions[0];
		header.tail = from + positions[1];
		at = from % VGT_RING_MIN;
	} else {
		used = size < sizeof(header) ? size : sizeof(header);
		memcpy(&header, bytes, used);
	}
	size_t left = size - used < VGT_RING_MIN - at ? size - used : VGT_RING_MIN - at;
	must(pwrite(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
		pwrite(fd, bytes + used, left, (off_t)(VGT_RING_HEADER + at)) == (ssize_t)left);
	close(fd);
}

/* Reads a trace that has been recovered: it must be whole. */
static void read_whole(const char *path, uint64_t records)
{
	struct vgt_reader *reader = vgt_reader_open(path, NULL);
	struct vgt_record record;
	enum vgt_read next;
	must(reader);
	uint64_t count = 0;
	while ((next = vgt_reader_next(reader, &record, NULL)) == VGT_READ_RECORD) {
		count++;
	}
	must(next == VGT_READ_END && vgt_reader_end(reader) == VGT_END_TAIL);
	must(count == records);
	vgt_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 3) {
		return 0;
	}
	unsigned modes = bytes[0];
	size_t length = bytes[1] | (size_t)bytes[2] << 8;
	bytes += 3;
	size -= 3;
	length = length < size ? length : size;
	uint64_t end = write_trace(bytes, length, modes & MODE_RECORDS);
	write_ring(bytes + length, size - length, end, modes & MODE_RING);
	unlink(out_path);

	struct vgt_recovery recovery;
	struct vgt_err err = {0};
	const char *out = modes & MODE_OUT ? out_path : NULL;
	if (vgt_recover(trace_path, out, &recovery, &err)) {
		read_whole(out ? out : trace_path, recovery.records);
	} else {
		must(err.code != VGT_ERR_NONE && err.message[0]);
		must(access(out_path, F_OK) != 0);
	}
	/* in place, and once more: then it is whole */
	if (vgt_recover(trace_path, NULL, &recovery, &err)) {
		read_whole(trace_path, recovery.records);
		must(vgt_recover(trace_path, NULL, &recovery, &err) && recovery.was_whole);
	}
	return 0;
}
