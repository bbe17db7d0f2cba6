/* SPDX-License-Identifier: MIT */
#include "vgt_device.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"
#include "vgt_validate.h"
#include "virtio_gpu.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * What a hostile guest does to a device that records: the bytes choose the calls, the commands
 * and where the pieces of each lie. Then the trace must be whole, hold what was sent, in order,
 * and nothing that breaks the format.
 */

#define GIVEN_MAX 4096

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *input)
{
	if (!input->left) {
		return 0;
	}
	input->left--;
	return *input->at++;
}

/* So many bytes, zeros behind the end. */
static void take_all(struct input *input, void *to, size_t size)
{
	const size_t have = size < input->left ? size : input->left;
	memset(to, 0, size);
	memcpy(to, input->at, have);
	input->at += have;
	input->left -= have;
}

/* Of all that was given while something was recorded. */
static struct {
	uint64_t size;
	uint32_t type;
} given[GIVEN_MAX];
static size_t given_count;

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void on_warn(const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
}

static void get_cap_set(uint32_t set, uint32_t *max_ver, uint32_t *max_size)
{
	*max_ver = set;
	*max_size = 8;
}

static void fill_caps(uint32_t set, uint32_t version, void *caps)
{
	memset(caps, (int)(set + version), 8);
}

/* A dword, small as a rule, since it is the count or the id of something. */
static uint32_t take_word(struct input *input)
{
	uint32_t word = take(input);
	if (word == 0xff) {
		take_all(input, &word, sizeof(word));
	}
	return word;
}

#define COMMAND_MAX 65536

/*
 * A byte chooses a type of vgt_record_desc_at, those of records that are no commands included,
 * or none. Its structure follows, dword by dword, then any bytes; some at the end may be cut
 * off.
 */
static size_t make_command(struct input *input, uint8_t command[COMMAND_MAX])
{
	uint16_t type;
	size_t size = 0;
	if (vgt_record_desc_at(take(input), &type)) {
		const size_t structure = vgt_record_structure_size(type);
		for (; size < structure; size += sizeof(uint32_t)) {
			const uint32_t word = size ? take_word(input) : type;
			memcpy(command + size, &word, sizeof(word));
		}
	}
	size_t more = take(input);
	more = more == 0xff ? (size_t)take(input) * 128 : more;
	take_all(input, command + size, more);
	size += more;
	const size_t cut = take(input);
	return size - (cut < size ? cut : size);
}

static void give(struct vgt_device *device, struct input *input, bool recording)
{
	static uint8_t command[COMMAND_MAX];
	struct iovec iov[64];
	size_t count = 0, done = 0;
	const size_t size = make_command(input, command);
	while (done < size) {
		/* the last piece takes the rest */
		size_t part = take(input);
		part = part < size - done && part != 0xff && count < 63 ? part : size - done;
		iov[count].iov_base = malloc(part ? part : 1);
		iov[count].iov_len = part;
		must(iov[count].iov_base);
		memcpy(iov[count++].iov_base, command + done, part);
		done += part;
	}
	if (take(input) & 1) {
		vgt_device_cursor(device, iov, count);
	} else {
		vgt_device_command(device, iov, count);
	}
	if (recording && given_count < GIVEN_MAX) {
		given[given_count].type = 0;
		memcpy(&given[given_count].type, command, size < 4 ? size : 4);
		given[given_count++].size = size;
	}
	for (size_t i = 0; i < count; i++) {
		free(iov[i].iov_base);
	}
}

/* Memory of the guest, which it changes while it is used. */
static uint8_t memory[65536];

static void give_backing(struct vgt_device *device, struct input *input)
{
	struct iovec iov[32];
	const size_t count = take(input) % 32;
	for (size_t i = 0; i < count; i++) {
		const size_t at = (size_t)take(input) * 128;
		iov[i] = (struct iovec){memory + at, (size_t)take(input) * 128};
	}
	vgt_device_backing(device, take(input), iov, count);
}

static bool is_recording(const struct vgt_device *device)
{
	char value[64];
	vgt_device_get(device, "capture", value, sizeof(value));
	return value[0];
}

static void call(struct vgt_device *device, struct input *input)
{
	char text[64];
	uint8_t answer[8];
	const uint8_t what = take(input);
	memory[input->left % sizeof(memory)] += what;
	switch (what % 16) {
	case 0:
		vgt_device_initialised(device, what, take(input));
		break;
	case 1:
		give_backing(device, input);
		break;
	case 2:
		take_all(input, answer, sizeof(answer));
		vgt_device_answer(device, answer, sizeof(answer));
		break;
	case 3:
		vgt_device_fence_created(device, take(input), take(input));
		break;
	case 4:
		vgt_device_context_fence_created(
			device, take(input), take(input), take(input), take(input));
		break;
	case 5:
		vgt_device_fence_retired(device, take(input));
		vgt_device_context_fence_retired(device, take(input), take(input), take(input));
		break;
	case 6:
		vgt_device_poll(device);
		break;
	case 7:
		if (what & 128) {
			vgt_device_reset(device);
		}
		break;
	case 8:
		snprintf(text, sizeof(text), "mark %d", what);
		vgt_device_set(device, "capture-mark", text, NULL);
		vgt_device_get(device, "capture-stats", text, 1 + what % sizeof(text));
		break;
	default:
		give(device, input, is_recording(device));
		if (what & 64) {
			vgt_device_done(device, what & 32 ? 22 : 0, what & 128 ? 0x1200 : 0);
		}
		break;
	}
}

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	(void)opaque;
	must(violation->message[0]);
}

/* A record of what was sent, or of its beginning. */
static void must_be_given(const struct vgt_record *record, size_t index)
{
	must(index < given_count);
	if (record->type == VGT_RECORD_BAD_COMMAND) {
		const struct vgt_bad_command *bad = record->payload;
		const size_t kept = bad->size < VGT_BAD_MAX ? bad->size : VGT_BAD_MAX;
		must(bad->size == given[index].size);
		must(record->size == sizeof(*bad) + kept);
		must(memcmp(bad + 1, &given[index].type, kept < 4 ? kept : 4) == 0);
	} else {
		must(record->type == given[index].type);
		must(record->size <= given[index].size);
	}
}

static void read_back(int fd)
{
	struct vgt_record record;
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open_fd(fd, &err);
	struct vgt_validator *validator = vgt_validator_create(on_violation, NULL);
	enum vgt_read next;
	size_t index = 0;
	must(reader && validator);
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		must(vgt_record_check(record.type, record.payload, record.size, NULL));
		vgt_validator_feed(validator, &record);
		if (vgt_record_is_command(record.type) ||
			record.type == VGT_RECORD_BAD_COMMAND) {
			must_be_given(&record, index++);
		}
	}
	must(next == VGT_READ_END && vgt_reader_end(reader) == VGT_END_TAIL);
	must(index == given_count || given_count == GIVEN_MAX);
	vgt_validator_end(validator);
	vgt_validator_destroy(validator);
	vgt_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	const struct vgt_device_options options = {
		.vmm = "fuzz",
		.get_cap_set = get_cap_set,
		.fill_caps = fill_caps,
		.warn = on_warn,
	};
	char name[32];
	const int fd = memfd_create("trace", MFD_CLOEXEC);
	must(fd >= 0);
	setenv("VGT_CAPTURE_RING_SIZE", "65536", 1);
	snprintf(name, sizeof(name), "fd:%d", fd);
	given_count = 0;
	struct vgt_device *device = vgt_device_create(&options);
	must(vgt_device_set(device, "capture", name, NULL) && vgt_device_ready(device, NULL));
	while (input.left) {
		call(device, &input);
	}
	vgt_device_destroy(device);
	lseek(fd, 0, SEEK_SET);
	read_back(fd);
	return 0;
}
