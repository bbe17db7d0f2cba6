/* SPDX-License-Identifier: MIT */
/*
 * What a VMM's thread pays for the calls of vgt_device.h: bench_device MODE TRACE KIND OUT
 * gives the device the commands of a trace as QEMU does, several times, with a reset between,
 *
 *   MODE record   while it records into OUT,
 *        idle     while it exists and records nothing,
 *        copy     or only copies the bytes that a trace holds, which is the least that a
 *                 recorder can do,
 *
 * and does so inside measured() for those of a KIND: submit, to-host, from-host, other
 * (commands), fence (also polls). tests/bench counts the instructions of measured() with
 * callgrind. Prints how many there were, their bytes, and those of guest memory.
 *
 * Commands lie as a Linux guest's: the structure in a segment, what follows it, and guest
 * memory, in pages of 4096 bytes of which no two are neighbours. TRACE `screen` is none: a
 * guest without 3D that draws whole screens of 1280x800.
 */
#include "vgt_device.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "virtio_gpu.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE         4096u
#define STREAM_BYTES (16u << 20) /* a trace is repeated until it has given so many */
#define ROUNDS_MAX   5u

enum kind {
	SUBMIT,
	TO_HOST,
	FROM_HOST,
	OTHER,
	FENCE,
	KINDS,
};

static const char *const kind_names[KINDS] = {
	"submit", "to-host", "from-host", "other", "fence"};

/* Memory in pages. */
struct pages {
	struct iovec *iov;
	size_t count;
};

struct backing {
	uint32_t resource_id;
	struct pages pages;
	struct backing *next;
};

/* A command, with what the device does on its account, or a fence or poll. */
struct step {
	enum kind kind;
	struct pages sent;
	void *bytes; /* the same in a piece */
	size_t size;
	size_t memory; /* bytes of guest memory in the trace because of it */
	uint64_t number;
	int32_t result;
	uint32_t error;
	size_t answer;
	const struct backing *backing;
	struct vgt_fence fence; /* event 0: a poll */
};

static struct step *steps;
static size_t step_count;
static struct backing *backings;
static size_t memory_pending, memory_max, stream_size;

static void *allocate(size_t size)
{
	void *bytes = aligned_alloc(PAGE, (size + PAGE) / PAGE * PAGE);
	if (!bytes) {
		fprintf(stderr, "bench_device: no memory\n");
		exit(2);
	}
	memset(bytes, 0, size);
	return bytes;
}

/* Appends pages of `size` bytes in all, copied from `bytes` unless that is NULL. */
static void add_pages(struct pages *pages, const uint8_t *bytes, size_t size)
{
	const size_t more = (size + PAGE - 1) / PAGE;
	uint8_t *memory = allocate(2 * more * PAGE);
	pages->iov = realloc(pages->iov, (pages->count + more + 1) * sizeof(*pages->iov));
	for (size_t at = 0; at < size; at += PAGE, memory += 2 * PAGE) {
		const size_t part = size - at < PAGE ? size - at : PAGE;
		if (bytes) {
			memcpy(memory, bytes + at, part);
		}
		pages->iov[pages->count++] = (struct iovec){memory, part};
	}
}

static const struct backing *find_backing(uint32_t resource_id)
{
	const struct backing *backing = backings;
	while (backing && backing->resource_id != resource_id) {
		backing = backing->next;
	}
	return backing;
}

static const struct backing *add_backing(
	const struct virtio_gpu_resource_attach_backing *attach)
{
	const struct virtio_gpu_mem_entry *entries = (const void *)(attach + 1);
	struct backing *backing = allocate(sizeof(*backing));
	backing->resource_id = attach->resource_id;
	for (uint32_t i = 0; i < attach->nr_entries; i++) {
		add_pages(&backing->pages, NULL, entries[i].length);
	}
	backing->next = backings;
	backings = backing;
	return backing;
}

static void fill_backing(const struct vgt_mem *mem, size_t size)
{
	const struct backing *backing = find_backing(mem->resource_id);
	const uint8_t *bytes = (const void *)(mem + 1);
	uint64_t offset = mem->offset;
	memory_pending += size;
	for (size_t i = 0; backing && i < backing->pages.count && size; i++) {
		const struct iovec *page = &backing->pages.iov[i];
		if (offset >= page->iov_len) {
			offset -= page->iov_len;
			continue;
		}
		size_t part = page->iov_len - offset;
		part = part < size ? part : size;
		memcpy((uint8_t *)page->iov_base + offset, bytes, part);
		bytes += part;
		size -= part;
		offset = 0;
	}
}

static enum kind kind_of(uint32_t type)
{
	switch (type) {
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		return SUBMIT;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
		return TO_HOST;
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		return FROM_HOST;
	default:
		return OTHER;
	}
}

static struct step *add_step(enum kind kind)
{
	steps = realloc(steps, (step_count + 1) * sizeof(*steps));
	struct step *step = &steps[step_count++];
	*step = (struct step){.kind = kind, .number = UINT64_MAX};
	return step;
}

static struct step *add_command(const void *bytes, size_t size)
{
	const struct virtio_gpu_ctrl_hdr *hdr = bytes;
	const size_t structure = vgt_record_structure_size((uint16_t)hdr->type);
	struct step *step = add_step(kind_of(hdr->type));
	step->bytes = allocate(size);
	memcpy(step->bytes, bytes, size);
	step->size = size;
	step->memory = memory_pending;
	add_pages(&step->sent, bytes, structure);
	add_pages(&step->sent, (const uint8_t *)bytes + structure, size - structure);
	if (hdr->type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING) {
		step->backing = add_backing(bytes);
	}
	memory_max = memory_max > memory_pending ? memory_max : memory_pending;
	stream_size += size + memory_pending;
	memory_pending = 0;
	return step;
}

static void add_response(const struct vgt_response *response)
{
	size_t i = step_count;
	while (i && steps[i - 1].number != response->command) {
		i--;
	}
	if (!i) {
		return;
	}
	struct step *step = &steps[i - 1];
	if (response->class == VGT_RESPONSE_REFUSED) {
		step->error = (uint32_t)response->result;
	} else if (response->class == VGT_RESPONSE_EXACT) {
		step->result = response->result;
	} else if (step->kind == OTHER) {
		step->answer = response->size;
	}
}

static void add_record(const struct vgt_record *record)
{
	if (vgt_record_is_command(record->type)) {
		add_command(record->payload, record->size)->number = record->command;
		return;
	}
	switch (record->type) {
	case VGT_RECORD_MEM:
		fill_backing(record->payload, record->size - sizeof(struct vgt_mem));
		break;
	case VGT_RECORD_RESPONSE:
		add_response(record->payload);
		break;
	case VGT_RECORD_FENCE:
		add_step(FENCE)->fence = *(const struct vgt_fence *)record->payload;
		break;
	case VGT_RECORD_POLL:
		add_step(FENCE);
		break;
	default:
		break;
	}
}

static void load_trace(const char *path)
{
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	struct vgt_record record;
	enum vgt_read read = VGT_READ_ERROR;
	while (reader && (read = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		add_record(&record);
	}
	vgt_reader_close(reader);
	if (read != VGT_READ_END) {
		fprintf(stderr, "bench_device: %s: %s\n", path, err.message);
		exit(2);
	}
}

static void make_screen(void)
{
	static const struct virtio_gpu_rect all = {.width = 1280, .height = 800};
	static struct {
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_mem_entry entry;
	} attach = {
		.attach = {{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, 1},
		.entry = {.length = 1280 * 800 * 4},
	};
	const struct virtio_gpu_resource_create_2d create = {
		{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 1, 2, all.width, all.height};
	const struct virtio_gpu_set_scanout scanout = {
		{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, all, 0, 1};
	const struct virtio_gpu_transfer_to_host_2d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, .r = all, .resource_id = 1};
	const struct virtio_gpu_resource_flush flush = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH, .r = all, .resource_id = 1};
	add_command(&create, sizeof(create));
	add_command(&attach, sizeof(attach));
	add_command(&scanout, sizeof(scanout));
	for (unsigned i = 0; i < 4; i++) {
		memory_pending = attach.entry.length;
		add_command(&transfer, sizeof(transfer));
		add_command(&flush, sizeof(flush));
	}
}

/* Playing */

static struct vgt_device *device; /* NULL: only copy */
static uint8_t *copy_to, *copy_from;

static inline void play(const struct step *step)
{
	static const uint8_t answer[64 << 10];
	const struct vgt_fence *fence = &step->fence;
	if (!device) {
		memcpy(copy_to, step->bytes, step->size);
		memcpy(copy_to + step->size, copy_from, step->memory);
		__asm__ volatile("" : : "r"(copy_to) : "memory");
	} else if (step->kind != FENCE) {
		vgt_device_command(device, step->sent.iov, step->sent.count);
		if (step->backing && !step->result && !step->error) {
			vgt_device_backing(device, step->backing->resource_id,
				step->backing->pages.iov, step->backing->pages.count);
		}
		if (step->answer) {
			vgt_device_answer(device, answer, step->answer);
		}
		vgt_device_done(device, step->result, step->error);
	} else if (fence->event == VGT_FENCE_CREATED) {
		vgt_device_fence_created(device, fence->ctx_id, fence->fence_id);
	} else if (fence->event == VGT_FENCE_RETIRED) {
		vgt_device_fence_retired(device, fence->fence_id);
	} else {
		vgt_device_poll(device);
	}
}

__attribute__((noinline)) void measured(const struct step *step);
__attribute__((noinline)) void measured(const struct step *step)
{
	play(step);
	__asm__ volatile("" : : : "memory"); /* this is a function of its own */
}

static void warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static void get_cap_set(uint32_t set, uint32_t *max_ver, uint32_t *max_size)
{
	(void)set;
	*max_ver = *max_size = 0;
}

static void make_device(const char *trace)
{
	static const struct vgt_device_options options = {
		.vmm = "bench_device", .get_cap_set = get_cap_set, .warn = warn};
	struct vgt_err err;
	unsetenv("VGT_CAPTURE_FILE");
	/* large enough that nothing ever waits for the writer's thread */
	setenv("VGT_CAPTURE_RING_SIZE", "268435456", 1);
	device = vgt_device_create(&options);
	if (trace) {
		unlink(trace);
		vgt_device_set(device, "capture", trace, &err);
	}
	if (!device || !vgt_device_ready(device, &err)) {
		fprintf(stderr, "bench_device: %s\n", err.message);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	enum kind kind = 0;
	while (argc == 5 && kind < KINDS && strcmp(argv[3], kind_names[kind]) != 0) {
		kind++;
	}
	if (argc != 5 || kind == KINDS) {
		fprintf(stderr, "usage: bench_device record|idle|copy TRACE KIND OUT\n");
		return 2;
	}
	if (strcmp(argv[2], "screen") == 0) {
		make_screen();
	} else {
		load_trace(argv[2]);
	}
	if (strcmp(argv[1], "copy") != 0) {
		make_device(strcmp(argv[1], "record") == 0 ? argv[4] : NULL);
	}
	copy_to = allocate(VGT_RECORD_MAX + memory_max);
	copy_from = allocate(memory_max);

	size_t rounds = stream_size ? STREAM_BYTES / stream_size : 1;
	rounds = rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds ? rounds : 1;
	uint64_t count = 0, bytes = 0, memory = 0;
	for (size_t round = 0; round < rounds; round++) {
		for (const struct step *step = steps; step != steps + step_count; step++) {
			if (step->kind == kind) {
				measured(step);
				count++;
				bytes += step->size;
				memory += step->memory;
			} else if (device) {
				play(step);
			}
		}
		vgt_device_reset(device);
	}
	char stats[256] = "";
	if (device) {
		vgt_device_get(device, "capture-stats", stats, sizeof(stats));
	}
	printf("steps %" PRIu64 " bytes %" PRIu64 " memory %" PRIu64 " rounds %zu %s\n", count,
		bytes, memory, rounds, stats);
	vgt_device_destroy(device);
	unlink(argv[4]);
	return 0;
}
