/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_transfer.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	struct vgt_transfer_rows rows;
	(void)opaque;
	vgt_transfer_extent(transfer);
	vgt_transfer_rows(transfer, &rows);
}

/* Any bytes as a trace, read to the end with the model behind the reader. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size) {
		abort();
	}
	struct vgt_err err = {0};
	struct vgt_reader *reader = vgt_reader_open_fd(fd, &err);
	const struct vgt_model_hooks hooks = {.transfer = on_transfer};
	struct vgt_model *model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	struct vgt_record record;
	enum vgt_read next;
	if (!reader || !model) {
		abort();
	}
	uint64_t number = 0;
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		if (record.number != number++ ||
			!vgt_record_check(record.type, record.payload, record.size, NULL)) {
			abort();
		}
		vgt_model_feed(model, record.type, record.payload, record.size, record.command);
	}
	if (next == VGT_READ_ERROR && !err.message[0]) {
		abort();
	}
	vgt_reader_close(reader);
	vgt_model_destroy(model);
	return 0;
}
