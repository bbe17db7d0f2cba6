/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_sink.h"
#include "vgt_transfer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* So many records make a chunk, so that small inputs have several. */
#define RECORDS_PER_CHUNK 5

static bool record_at(
	const uint8_t *bytes, size_t size, size_t at, struct vgt_record_header *header)
{
	if (size - at < sizeof(*header)) {
		return false;
	}
	memcpy(header, bytes + at, sizeof(*header));
	return header->size >= sizeof(*header) && vgt_record_span(header->size) <= size - at &&
	       header->type != VGT_RECORD_CHUNK;
}

/* Writes the bytes as chunks with right headers and checksums; what is no record ends the last.
 */
static void write_chunks(int fd, const uint8_t *bytes, size_t size)
{
	struct vgt_sink sink;
	if (!vgt_sink_init(&sink, fd, 1, 1, NULL)) {
		abort();
	}
	for (size_t begin = 0; begin < size;) {
		struct vgt_position counted = sink.at;
		struct vgt_record_header header;
		size_t end = begin;
		for (unsigned i = 0; i < RECORDS_PER_CHUNK; i++) {
			if (end == size || !record_at(bytes, size, end, &header)) {
				end = size;
				break;
			}
			vgt_position_count(&counted, header.type);
			end += vgt_record_span(header.size);
		}
		if (!vgt_sink_begin(&sink, end - begin, NULL) ||
			!vgt_sink_feed(&sink, bytes + begin, end - begin, NULL)) {
			abort();
		}
		sink.at.records = counted.records;
		sink.at.commands = counted.commands;
		sink.at.frames = counted.frames;
		begin = end;
	}
	if (!vgt_sink_tail(&sink, NULL)) {
		abort();
	}
	vgt_sink_finish(&sink);
}

static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	struct vgt_transfer_rows rows;
	(void)opaque;
	vgt_transfer_extent(transfer);
	vgt_transfer_rows(transfer, &rows);
}

/* Where each record begins in the input, as far as the trace could be read. */
#define SEEN_MAX 4096
static size_t begins[SEEN_MAX];

static struct vgt_reader *reopen(int fd)
{
	lseek(fd, 0, SEEK_SET);
	struct vgt_reader *reader = vgt_reader_open_fd(dup(fd), NULL);
	if (!reader) {
		abort();
	}
	return reader;
}

static void must_be_in_place(
	const struct vgt_record *record, const uint8_t *bytes, uint64_t count)
{
	if (record->number < count && record->number < SEEN_MAX &&
		memcmp(record->payload, bytes + begins[record->number] + 16, record->size) !=
			0) {
		abort();
	}
}

/* Seeks here and there; all chunks are good as far as their frames go, so only bad records stop
 * it. */
static void seek_about(int fd, const uint8_t *bytes, size_t size, uint64_t count)
{
	struct vgt_reader *reader = reopen(fd);
	struct vgt_record record;
	struct vgt_err err = {0};
	for (size_t i = 0; i < 6 && i < size; i++) {
		const uint64_t frame = i % 3 == 1 ? VGT_SEEK_NONE : bytes[size - 1 - i] % 8;
		const uint64_t command = i % 3 == 0 ? VGT_SEEK_NONE : bytes[i] % 32;
		if (!vgt_reader_seek(reader, frame, command, &err)) {
			continue;
		}
		const struct vgt_position at = vgt_reader_passed(reader);
		if (at.frames < frame && at.commands < command) {
			abort();
		}
		if (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
			must_be_in_place(&record, bytes, count);
		}
	}
	vgt_reader_close(reader);
}

/* One byte of the file is flipped: past that come the records that were put, in their places.
 */
static void read_past(int fd, const uint8_t *bytes, size_t size, uint64_t count)
{
	uint8_t byte;
	const off_t end = lseek(fd, 0, SEEK_END);
	const off_t at = size > 1 ? (bytes[0] * 256 + bytes[1]) % end : 0;
	if (pread(fd, &byte, 1, at) != 1) {
		abort();
	}
	byte ^= 0xff;
	if (pwrite(fd, &byte, 1, at) != 1) {
		abort();
	}
	struct vgt_reader *reader = reopen(fd);
	struct vgt_record record;
	struct vgt_gap gap;
	do {
		while (vgt_reader_next(reader, &record, NULL) == VGT_READ_RECORD) {
			must_be_in_place(&record, bytes, count);
		}
	} while (vgt_reader_resync(reader, &gap, NULL));
	vgt_reader_close(reader);
}

/* Any bytes as the records of a trace: what a checksum would never let through by accident. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	if (fd < 0) {
		abort();
	}
	write_chunks(fd, bytes, size);
	struct vgt_err err = {0};
	struct vgt_reader *reader = reopen(fd);
	const struct vgt_model_hooks hooks = {.transfer = on_transfer};
	struct vgt_model *models[] = {vgt_model_create(VGT_FRAME_AUTO, &hooks),
		vgt_model_create(VGT_FRAME_SUBMIT, NULL)};
	struct vgt_record record;
	enum vgt_read next;
	if (!models[0] || !models[1]) {
		abort();
	}
	size_t passed = 0;
	uint64_t count = 0;
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		/* what comes out is what went in, in its place */
		if (!vgt_record_check(record.type, record.payload, record.size, NULL) ||
			memcmp(record.payload, bytes + passed + 16, record.size) != 0) {
			abort();
		}
		if (count < SEEN_MAX) {
			begins[count] = passed;
		}
		count++;
		passed += vgt_record_span(16 + record.size);
		for (unsigned i = 0; i < 2; i++) {
			vgt_model_feed(models[i], record.type, record.payload, record.size,
				record.command);
		}
	}
	if (next == VGT_READ_END && (passed != size || (size && vgt_reader_end(reader)))) {
		abort();
	}
	vgt_reader_close(reader);
	vgt_model_destroy(models[0]);
	vgt_model_destroy(models[1]);
	if (count) {
		seek_about(fd, bytes, size, count);
		read_past(fd, bytes, size, count);
	}
	close(fd);
	return 0;
}
