/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_transfer.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	struct vgt_transfer_rows rows;
	(void)opaque;
	vgt_transfer_extent(transfer);
	vgt_transfer_rows(transfer, &rows);
}

static void must(bool good)
{
	if (!good) {
		abort();
	}
}

/* Record by record what a pass over the input saw, by number. */
#define SEEN_MAX 4096

static struct seen {
	uint64_t digest, frame, command;
} seen[SEEN_MAX];

static struct seen look_at(const struct vgt_record *record)
{
	const uint64_t head[] = {record->type, record->flags, record->size, record->time_ns};
	return (struct seen){XXH64(record->payload, record->size, XXH64(head, sizeof(head), 0)),
		record->frame, record->command};
}

static struct vgt_reader *open_input(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	must(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	struct vgt_reader *reader = vgt_reader_open_fd(fd, NULL);
	must(reader);
	return reader;
}

/* To the end with the model behind the reader; how many records there are before any damage. */
static uint64_t read_all(const uint8_t *bytes, size_t size)
{
	struct vgt_err err = {0};
	struct vgt_reader *reader = open_input(bytes, size);
	const struct vgt_model_hooks hooks = {.transfer = on_transfer};
	struct vgt_model *model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	struct vgt_record record;
	enum vgt_read next;
	must(model);
	uint64_t number = 0;
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		must(record.number == number &&
			vgt_record_check(record.type, record.payload, record.size, NULL));
		if (number < SEEN_MAX) {
			seen[number] = look_at(&record);
		}
		number++;
		vgt_model_feed(model, record.type, record.payload, record.size, record.command);
	}
	must(next == VGT_READ_END || err.message[0]);
	vgt_reader_close(reader);
	vgt_model_destroy(model);
	return number;
}

/*
 * Seeks somewhere. What lies before the first damage is the same whichever way it is come by,
 * but where tail or headers lie about the numbers of chunks that were not read.
 */
static void seek_once(struct vgt_reader *reader, const uint8_t *bytes, size_t size, unsigned i,
	uint64_t intact)
{
	struct vgt_record record;
	struct vgt_err err = {0};
	const uint64_t target = size ? bytes[(size - 1) * i / 3] : 0;
	const uint64_t frame = i % 3 == 1 ? VGT_SEEK_NONE : target % 16;
	const uint64_t command = i % 3 == 0 ? VGT_SEEK_NONE : target;
	if (!vgt_reader_seek(reader, frame, command, &err)) {
		must(err.code != VGT_ERR_NONE && err.message[0]);
		return;
	}
	const struct vgt_position at = vgt_reader_passed(reader);
	must(at.frames >= frame || at.commands >= command || at.records == 0);
	if (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
		must(record.number == at.records && record.frame == at.frames &&
			record.command == at.commands);
		if (record.number < intact && record.number < SEEN_MAX) {
			const struct seen now = look_at(&record);
			must(now.digest == seen[record.number].digest &&
				now.frame == seen[record.number].frame &&
				now.command == seen[record.number].command);
		}
	}
}

/* Past all damage: numbers only grow, and each gap moves on in the file. Then back. */
static void read_past(const uint8_t *bytes, size_t size, uint64_t intact)
{
	struct vgt_reader *reader = open_input(bytes, size);
	struct vgt_record record;
	struct vgt_gap gap;
	struct vgt_err err = {0};
	uint64_t number = 0, file_pos = 0;
	for (;;) {
		if (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
			must(record.number == number++);
			continue;
		}
		must(number >= intact);
		if (!vgt_reader_resync(reader, &gap, &err)) {
			break;
		}
		must(gap.before.records == number && gap.after.records >= number &&
			gap.begin >= file_pos && gap.end >= gap.begin &&
			gap.after.file_pos == gap.end && gap.end < size &&
			gap.after.commands >= gap.before.commands &&
			gap.after.frames >= gap.before.frames);
		number = gap.after.records;
		file_pos = gap.end;
	}
	must(err.message[0]);
	for (unsigned i = 0; i < 4; i++) {
		seek_once(reader, bytes, size, i, intact);
	}
	vgt_reader_close(reader);
}

/* Here and there, also from behind damage. */
static void seek_about(const uint8_t *bytes, size_t size, uint64_t intact)
{
	struct vgt_reader *reader = open_input(bytes, size);
	struct vgt_record record;
	struct vgt_gap gap;
	for (unsigned i = 0; i < 8; i++) {
		seek_once(reader, bytes, size, i % 4, intact);
		if (i >= 4 && vgt_reader_resync(reader, &gap, NULL)) {
			must(vgt_reader_next(reader, &record, NULL) != VGT_READ_END);
		}
	}
	vgt_reader_close(reader);
}

/* Any bytes as a trace: read to the end, past damage, and in no order. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint64_t intact = read_all(bytes, size);
	read_past(bytes, size, intact);
	seek_about(bytes, size, intact);
	return 0;
}
