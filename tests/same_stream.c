/* SPDX-License-Identifier: MIT */
/*
 * same_stream DEVICE.vgt INTERPOSER.vgt: whether two recordings of the same run, one by a VMM's
 * device and one by the interposer, hold the same commands, guest memory, results and fences
 * after the normalisation of FORMAT.md. Exit status 0 and one line with what was compared; 1
 * with the place of the first difference; 2 where a trace cannot be read.
 */
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record as both sides would have it. */
struct item {
	uint16_t type;
	uint64_t command; /* number in its trace */
	size_t size;
	uint8_t *bytes;
};

struct items {
	struct item *list;
	size_t count, room;
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static void add(
	struct items *items, uint16_t type, uint64_t command, const void *bytes, size_t size)
{
	if (items->count == items->room) {
		items->room = items->room ? items->room * 2 : 1024;
		items->list = realloc(items->list, items->room * sizeof(*items->list));
	}
	struct item item = {type, command, size, malloc(size ? size : 1)};
	if (!items->list || !item.bytes) {
		fail("no memory");
	}
	memcpy(item.bytes, bytes, size);
	items->list[items->count++] = item;
}

/* What an interposer cannot see, or sees at other times. */
static bool is_left_out(uint16_t type)
{
	switch (type) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO:
	case VIRTIO_GPU_CMD_SET_SCANOUT:
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO:
	case VIRTIO_GPU_CMD_GET_EDID:
	case VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID:
	case VIRTIO_GPU_CMD_SET_SCANOUT_BLOB:
	case VIRTIO_GPU_CMD_UPDATE_CURSOR:
	case VIRTIO_GPU_CMD_MOVE_CURSOR:
	case VGT_RECORD_META:
	case VGT_RECORD_FRAME:
	case VGT_RECORD_MARK:
	case VGT_RECORD_POLL: /* left out where nothing came in between, which depends on that
			       */
	case VGT_RECORD_BAD_COMMAND:
		return true;
	default:
		return false;
	}
}

/* Whether the header's context is the command's; elsewhere a guest may write anything. */
static bool has_context(uint16_t type)
{
	return type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB ||
	       (type >= VIRTIO_GPU_CMD_CTX_CREATE &&
		       type < VIRTIO_GPU_CMD_RESOURCE_CREATE_3D) ||
	       (type > VIRTIO_GPU_CMD_RESOURCE_CREATE_3D && type <= VIRTIO_GPU_CMD_SUBMIT_3D);
}

static void add_header(struct items *items, const struct vgt_record *record)
{
	struct item *item = &items->list[items->count - 1];
	struct virtio_gpu_ctrl_hdr *hdr = (void *)item->bytes;
	*hdr = (struct virtio_gpu_ctrl_hdr){
		.type = item->type, .ctx_id = has_context(record->type) ? hdr->ctx_id : 0};
}

static void add_command(struct items *items, const struct vgt_record *record)
{
	if (record->type == VIRTIO_GPU_CMD_RESOURCE_CREATE_2D) {
		const struct virtio_gpu_resource_create_3d as_3d =
			vgt_model_2d_as_3d(record->payload);
		add(items, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, record->command, &as_3d,
			sizeof(as_3d));
	} else if (record->type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D) {
		const struct virtio_gpu_transfer_to_host_2d *flat = record->payload;
		const struct virtio_gpu_transfer_host_3d as_3d = {
			.box = {flat->r.x, flat->r.y, 0, flat->r.width, flat->r.height, 1},
			.offset = flat->offset,
			.resource_id = flat->resource_id,
		};
		add(items, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, record->command, &as_3d,
			sizeof(as_3d));
	} else {
		add(items, record->type, record->command, record->payload,
			(size_t)vgt_command_size(record->payload));
	}
	add_header(items, record);
	struct item *item = &items->list[items->count - 1];
	if (item->type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING) {
		struct virtio_gpu_resource_attach_backing *attach = (void *)item->bytes;
		struct virtio_gpu_mem_entry *entries = (void *)(attach + 1);
		for (uint32_t i = 0; i < attach->nr_entries; i++) {
			entries[i].addr = 0;
			entries[i].padding = 0;
		}
	}
	/* QEMU detaches before it destroys */
	if (item->type == VIRTIO_GPU_CMD_RESOURCE_UNREF && items->count > 1) {
		struct item *before = item - 1;
		const struct virtio_gpu_resource_unref *unref = (void *)item->bytes;
		const struct virtio_gpu_resource_detach_backing *detach = (void *)before->bytes;
		if (before->type == VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING &&
			detach->resource_id == unref->resource_id) {
			free(before->bytes);
			*before = *item;
			items->count--;
		}
	}
}

/* The place of the command among those kept takes the place of its number. */
static void add_response(struct items *items, const struct vgt_record *record)
{
	struct vgt_response response = *(const struct vgt_response *)record->payload;
	size_t i = items->count;
	while (i && !(vgt_record_is_command(items->list[i - 1].type) &&
			    items->list[i - 1].command == response.command)) {
		i--;
	}
	if (!i) {
		return; /* of a command that is left out */
	}
	if (response.class == VGT_RESPONSE_REFUSED) {
		/* the last thing that happened: no interposer has seen it */
		items->count = i - 1;
		return;
	}
	response.command = 0;
	response.result = response.result != 0;
	add(items, record->type, record->command, &response, sizeof(response));
}

static struct items read_trace(const char *path)
{
	struct items items = {0};
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	size_t commands = 0;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	if (!reader) {
		fail("%s: %s", path, err.message);
	}
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		/* the device's recorder, in the same process, asks for the capsets before the
		   guest has sent anything else that an interposer sees */
		bool early = record.type == VIRTIO_GPU_CMD_GET_CAPSET && !commands;
		if (is_left_out(record.type) || early) {
			continue;
		}
		commands += vgt_record_is_command(record.type);
		if (vgt_record_is_command(record.type)) {
			add_command(&items, &record);
		} else if (record.type == VGT_RECORD_RESPONSE) {
			add_response(&items, &record);
		} else {
			add(&items, record.type, record.command, record.payload, record.size);
		}
	}
	if (next == VGT_READ_ERROR) {
		fail("%s: %s", path, err.message);
	}
	vgt_reader_close(reader);
	/* QEMU resets the renderer with the first command behind a reset of the device */
	while (items.count && items.list[items.count - 1].type == VGT_RECORD_RESET) {
		free(items.list[--items.count].bytes);
	}
	return items;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fail("usage: same_stream DEVICE.vgt INTERPOSER.vgt");
	}
	static struct items device, interposer;
	device = read_trace(argv[1]);
	interposer = read_trace(argv[2]);
	uint64_t bytes = 0;
	size_t commands = 0,
	       both = device.count < interposer.count ? device.count : interposer.count;
	for (size_t i = 0; i < both; i++) {
		const struct item *a = &device.list[i], *b = &interposer.list[i];
		if (a->type != b->type || a->size != b->size ||
			memcmp(a->bytes, b->bytes, a->size) != 0) {
			printf("different: %s of %zu bytes at @%" PRIu64
			       ", %s of %zu bytes at @%" PRIu64 "\n",
				vgt_record_name(a->type), a->size, a->command,
				vgt_record_name(b->type), b->size, b->command);
			return 1;
		}
		bytes += a->size;
		commands += vgt_record_is_command(a->type);
	}
	if (device.count != interposer.count) {
		printf("different: %zu and %zu records\n", device.count, interposer.count);
		return 1;
	}
	printf("the same: %zu commands, %zu records, %" PRIu64 " bytes\n", commands, both,
		bytes);
	return 0;
}
