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
		struct vgt_sink_position counted = sink.at;
		struct vgt_record_header header;
		size_t end = begin;
		for (unsigned i = 0; i < RECORDS_PER_CHUNK; i++) {
			if (end == size || !record_at(bytes, size, end, &header)) {
				end = size;
				break;
			}
			vgt_sink_position_count(&counted, header.type);
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

/* Any bytes as the records of a trace: what a checksum would never let through by accident. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	if (fd < 0) {
		abort();
	}
	write_chunks(fd, bytes, size);
	struct vgt_err err = {0};
	struct vgt_reader *reader = vgt_reader_open_fd(fd, &err);
	const struct vgt_model_hooks hooks = {.transfer = on_transfer};
	struct vgt_model *models[] = {vgt_model_create(VGT_FRAME_AUTO, &hooks),
		vgt_model_create(VGT_FRAME_SUBMIT, NULL)};
	struct vgt_record record;
	enum vgt_read next;
	if (!reader || !models[0] || !models[1]) {
		abort();
	}
	size_t passed = 0;
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		/* what comes out is what went in, in its place */
		if (!vgt_record_check(record.type, record.payload, record.size, NULL) ||
			memcmp(record.payload, bytes + passed + 16, record.size) != 0) {
			abort();
		}
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
	return 0;
}
