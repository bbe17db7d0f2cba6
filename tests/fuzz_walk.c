/* SPDX-License-Identifier: MIT */
#include "vgt_desc.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"
#include "vgt_trace.h"
#include "vgt_validate.h"
#include "virgl_caps.h"
#include "virgl_cmd.h"
#include "virgl_desc.h"
#include "virtio_gpu.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* Walks */

/* Reads what a value points at; the sum keeps the reads alive. */
static void read_bytes(const struct vgt_value *value, const uint8_t *begin, size_t size)
{
	static volatile uint8_t sum;
	const uint8_t *at = value->bytes;
	must(at >= begin && value->size <= size && (size_t)(at - begin) <= size - value->size);
	for (uint32_t i = 0; i < value->size; i++) {
		sum = (uint8_t)(sum + at[i]);
	}
}

/* Every bit once and in order, and none outside of `size` bytes at `dwords`. */
static void check_values(const struct vgt_layout *layout, const uint32_t *dwords, size_t size)
{
	uint64_t bit = layout->desc->first * UINT64_C(32);
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		size_t part = (size_t)(value.part - layout->desc->parts);
		must(part < VGT_PARTS_MAX && value.field->name);
		must(value.dword == bit / 32 && bit < size * UINT64_C(8));
		if (value.field->bits == 0) {
			must(bit % 32 == 0 && value.bytes == dwords + value.dword);
			must(value.size && value.size == layout->part[part].count);
			read_bytes(&value, (const uint8_t *)dwords, size);
			bit += (value.size + UINT64_C(3)) / 4 * 32;
			continue;
		}
		must(value.element < layout->part[part].count);
		must(value.index < (value.field->count ? value.field->count : 1u));
		must(value.field->bits >= 64 || value.number >> value.field->bits == 0);
		if (value.bytes) {
			must(value.size * 8 == value.field->bits && value.number == 0);
			read_bytes(&value, (const uint8_t *)dwords, size);
		}
		bit += value.field->bits;
	}
	must(!vgt_walk_next(&walk, &value));
	/* what fills up the last dword is no value; a capset may be longer or end anywhere */
	must(layout->desc->growable || (bit / 8 >= size && bit / 8 - size < 4));
}

/* As large as it is, so that a read behind it is seen. */
static void *copy_of(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	must(copy != NULL);
	if (size) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

static void check_walk(const struct vgt_desc *desc, const void *bytes, size_t size)
{
	uint32_t *dwords = copy_of(bytes, size);
	struct vgt_layout layout;
	struct vgt_err err = {0};
	bool good = vgt_desc_measure(desc, dwords, size, &layout, &err);
	must(good == vgt_desc_measure(desc, dwords, size, &layout, NULL));
	if (good) {
		check_values(&layout, dwords, size);
	} else {
		must(err.code == VGT_ERR_MALFORMED && strlen(err.message) > strlen(desc->name));
		must(memchr(err.message, '\0', sizeof(err.message)) != NULL);
	}
	free(dwords);
}

static void check_submit(const void *bytes, size_t count)
{
	uint32_t *dwords = copy_of(bytes, count * sizeof(*dwords));
	struct virgl_command command;
	size_t at = 0, before = 0;
	while (virgl_command_next(dwords, count, &at, &command)) {
		must(at == before + command.length + 1 && at <= count);
		const struct vgt_desc *desc = virgl_desc_of(&command);
		if (desc) {
			check_walk(desc, dwords + before, (command.length + 1) * 4);
		}
		before = at;
	}
	free(dwords);
}

/* Records */

struct trace {
	struct vgt_validator *validator;
	uint64_t number, command, frame;
};

static void on_violation(void *opaque, const struct vgt_violation *violation)
{
	const struct trace *trace = opaque;
	/* of a command that has been given, or of what stands behind the last */
	must(violation->command <= trace->command);
	must(violation->message && strlen(violation->message) > 8);
}

/* What vgt_reader_next would have handed out. */
static void feed(
	struct trace *trace, uint16_t type, uint16_t flags, const void *payload, size_t size)
{
	const struct vgt_desc *desc = vgt_record_desc(type);
	void *copy = copy_of(payload, size);
	if (desc) {
		check_walk(desc, copy, size);
	}
	if (vgt_record_check(type, copy, size, NULL)) {
		const struct vgt_record record = {
			.type = type,
			.flags = flags,
			.size = (uint32_t)size,
			.payload = copy,
			.number = trace->number++,
			.command = trace->command,
			.frame = trace->frame,
		};
		if (type == VIRTIO_GPU_CMD_SUBMIT_3D) {
			const struct virtio_gpu_cmd_submit *submit = copy;
			check_submit(virtio_gpu_submit_commands(submit, submit + 1),
				submit->size / 4);
		}
		vgt_validator_feed(trace->validator, &record);
		trace->command += vgt_record_is_command(type);
		trace->frame += type == VGT_RECORD_FRAME;
	}
	free(copy);
}

/* Records as they lie in a trace. */
static void feed_records(struct trace *trace, const uint8_t *bytes, size_t size)
{
	struct vgt_record_header header;
	while (size >= sizeof(header)) {
		memcpy(&header, bytes, sizeof(header));
		if (header.size < sizeof(header) || vgt_record_span(header.size) > size) {
			return;
		}
		feed(trace, header.type, header.flags, bytes + sizeof(header),
			header.size - sizeof(header));
		bytes += vgt_record_span(header.size);
		size -= vgt_record_span(header.size);
	}
}

/* Traces that get deep: bytes choose commands and their small numbers. */

struct source {
	const uint8_t *at, *end;
};

static uint8_t take(struct source *source)
{
	return source->at < source->end ? *source->at++ : 0;
}

/* Small numbers are what handles, slots and counts are; 0xff is followed by a whole dword. */
static uint32_t take_dword(struct source *source)
{
	uint32_t number = take(source);
	if (number == 0xff) {
		for (unsigned i = 0; i < 4; i++) {
			number = number << 8 | take(source);
		}
	}
	return number;
}

enum { DWORDS_MAX = 300 };

/* A length that is legal for most operations: what is always there, and some of what repeats.
 */
static uint32_t choose_length(uint8_t op, uint8_t object, uint32_t choice)
{
	const struct virgl_command command = {.op = op, .object = object};
	const struct vgt_desc *desc = virgl_desc_of(&command);
	const struct vgt_part *part = desc ? desc->parts : NULL;
	uint32_t length = 0;
	if (!desc || choice >= 240) {
		return choice % 16;
	}
	for (; part->kind == VGT_PART_TIMES; part++) {
		length += part->max * vgt_part_dwords(part);
	}
	for (; part->kind && choice % 4; part++) {
		uint32_t element = vgt_part_dwords(part);
		length += choice % 4 * (element ? element : 1);
		choice /= 4;
	}
	return length;
}

static void make_submit(struct trace *trace, struct source *source)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t dwords[DWORDS_MAX];
	} command = {
		{{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = take(source) % 4}, 0, 0}, {0}};
	uint32_t count = 0;
	for (unsigned commands = take(source) % 16; commands > 0; commands--) {
		/* most operations, and now and then one that there is not */
		uint8_t op = take(source) % 70, object = take(source) % 13;
		uint32_t length = choose_length(op, object, take(source));
		if (count + 1 + length > DWORDS_MAX) {
			break;
		}
		command.dwords[count++] = VIRGL_CMD0(op, object, length);
		for (uint32_t i = 0; i < length; i++) {
			command.dwords[count++] = take_dword(source);
		}
	}
	/* sometimes cut short */
	uint32_t cut = take(source);
	command.submit.size = count * 4 - (cut < 16 && cut <= count * 4 ? cut : 0);
	feed(trace, VIRTIO_GPU_CMD_SUBMIT_3D, 0, &command,
		sizeof(command.submit) + command.submit.size);
}

/* A record of any type, its dwords taken one by one. */
static void make_record(struct trace *trace, struct source *source)
{
	uint16_t type;
	uint32_t payload[64] = {0};
	if (!vgt_record_desc_at(take(source) % 40, &type)) {
		return;
	}
	uint16_t flags = take(source) & 3;
	uint32_t size = take(source);
	unsigned begin = 0;
	if (vgt_record_is_command(type)) {
		payload[0] = type;
		payload[4] = take(source) % 4; /* hdr.ctx_id */
		begin = 6;
	}
	for (unsigned i = begin; i < size / 4; i++) {
		payload[i] = take_dword(source);
	}
	feed(trace, type, flags, payload, size);
}

/* Contexts 1 and 2 and four resources with backing, attached to both. */
static void make_start(struct trace *trace)
{
	for (uint32_t id = 1; id <= 2; id++) {
		const struct virtio_gpu_ctx_create create = {
			{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}, .nlen = 0};
		feed(trace, VIRTIO_GPU_CMD_CTX_CREATE, 0, &create, sizeof(create));
	}
	static const uint8_t targets[] = {
		PIPE_BUFFER, PIPE_TEXTURE_2D, PIPE_TEXTURE_3D, PIPE_TEXTURE_CUBE};
	for (uint32_t id = 1; id <= 4; id++) {
		uint32_t target = targets[id - 1];
		const struct virtio_gpu_resource_create_3d create = {
			{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, id, target,
			target ? 1 : 64,
			VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SHARED | VIRGL_BIND_CUSTOM, 16,
			target ? 16 : 1, target == PIPE_TEXTURE_3D ? 4 : 1,
			target == PIPE_TEXTURE_CUBE ? 6 : 1, target ? 2 : 0, 0, 0, 0};
		feed(trace, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0, &create, sizeof(create));
		const struct {
			struct virtio_gpu_resource_attach_backing attach;
			struct virtio_gpu_mem_entry entry;
		} backing = {{{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, id, 1},
			{0, 4096, 0}};
		feed(trace, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0, &backing,
			sizeof(backing));
		for (uint32_t ctx_id = 1; ctx_id <= 2; ctx_id++) {
			const struct virtio_gpu_ctx_resource attach = {
				{.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, .ctx_id = ctx_id},
				id, 0};
			feed(trace, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 0, &attach,
				sizeof(attach));
		}
	}
}

static void make_records(struct trace *trace, const uint8_t *bytes, size_t size)
{
	struct source source = {bytes, bytes + size};
	make_start(trace);
	while (source.at < source.end) {
		if (take(&source) & 1) {
			make_record(trace, &source);
		} else {
			make_submit(trace, &source);
		}
	}
}

/*
 * The first byte says what the others are: the dwords of a submit, the payload of a record (its
 * type first), the records of a trace, a capset, or choices from which a trace is made.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct trace trace = {0};
	uint16_t type;
	if (size < 3) {
		return 0;
	}
	trace.validator = vgt_validator_create(on_violation, &trace);
	must(trace.validator != NULL);
	switch (bytes[0] % 5) {
	case 0:
		check_submit(bytes + 1, (size - 1) / 4);
		break;
	case 1:
		memcpy(&type, bytes + 1, sizeof(type));
		make_start(&trace);
		feed(&trace, type, 0, bytes + 3, size - 3);
		break;
	case 2:
		feed_records(&trace, bytes + 1, size - 1);
		break;
	case 3:
		check_walk(virgl_caps_desc(1 + bytes[1] % 2), bytes + 2, size - 2);
		break;
	default:
		make_records(&trace, bytes + 1, size - 1);
		break;
	}
	vgt_validator_overflowed(trace.validator);
	vgt_validator_destroy(trace.validator);
	return 0;
}
