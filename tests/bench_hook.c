/* SPDX-License-Identifier: MIT */
/*
 * What recording a submit costs the thread that submits: records the submits of a trace again,
 * each REPEAT times, or, with "copy", only copies their bytes, which is the least that a
 * recorder can do. tests/bench counts the instructions of vgt_capture_command and of
 * copy_submit with callgrind.
 */
#include "vgt_capture.h"
#include "vgt_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPEAT 20

__attribute__((noinline)) void copy_submit(void *to, const void *from, size_t size);
__attribute__((noinline)) void copy_submit(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	/* the copy is not to be optimised away */
	__asm__ volatile("" : : "r"(to) : "memory");
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bench_hook record|copy TRACE OUT\n");
		return 2;
	}
	bool copy = strcmp(argv[1], "copy") == 0;
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(argv[2], &err);
	const struct vgt_capture_options options = {.path = argv[3]};
	unlink(argv[3]);
	struct vgt_capture *capture = vgt_capture_create(&options, &err);
	char *buffer = malloc(VGT_RECORD_MAX);
	if (!reader || !capture || !buffer) {
		fprintf(stderr, "bench_hook: %s\n", err.message);
		return 2;
	}
	struct vgt_record record;
	uint64_t submits = 0, bytes = 0;
	while (vgt_reader_next(reader, &record, &err) == VGT_READ_RECORD) {
		if (!vgt_record_is_command(record.type)) {
			continue;
		}
		if (record.type != VIRTIO_GPU_CMD_SUBMIT_3D) {
			/* contexts and resources, so that the submits mean something */
			if (record.type == VIRTIO_GPU_CMD_CTX_CREATE) {
				vgt_capture_command(
					capture, record.payload, record.size, NULL, 0, 0);
			}
			continue;
		}
		const struct virtio_gpu_cmd_submit *submit = record.payload;
		for (unsigned i = 0; i < REPEAT; i++) {
			if (copy) {
				copy_submit(buffer, submit, record.size);
			} else {
				vgt_capture_command(capture, submit, sizeof(*submit),
					submit + 1, record.size - sizeof(*submit), 0);
			}
			submits++;
			bytes += record.size;
		}
	}
	printf("submits %llu bytes %llu\n", (unsigned long long)submits,
		(unsigned long long)bytes);
	vgt_capture_destroy(capture, NULL);
	vgt_reader_close(reader);
	free(buffer);
	unlink(argv[3]);
	return 0;
}
