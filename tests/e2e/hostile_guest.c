/* SPDX-License-Identifier: MIT */

/*
 * The hostile guest: process 1 of a virtual machine without any other program, which drives
 * QEMU's virtio-gpu-gl from userspace and sends it what no sane driver would. It maps the BARs
 * of the PCI device (no kernel driver is loaded), keeps its virtqueues in huge pages and polls.
 *
 * The kernel's command line says what to do; the kernel hands these to process 1 as
 * environment:
 *   cases=all        or names of cases, separated by commas; -NAME leaves one out
 *   seed=NUMBER      other random numbers
 *   repeat=NUMBER    so many rounds of these cases
 *   keep=1           no device reset between cases (the default resets after each of them)
 *
 * Each request that reaches a queue is a line on the console:
 *   hostile: CASE.NUMBER QUEUE TYPE BYTES ANSWER: what it was
 * NUMBER   the order of sending, from 1; a line is printed when its answer is known
 * QUEUE    `control` or `cursor`
 * TYPE     what the first four readable bytes said, `-` where there are fewer
 * BYTES    how many readable bytes the device was given
 * ANSWER   the type of the response; or `none` (the device answered a later request, but not
 *          this one), `empty` (the buffer came back without a response, as the cursor's do),
 *          `short` (there was no room for a type), `lost` (the queue broke), `any` (a matter of
 *          timing; the text says what it was this time)
 * Requests sent in a loop are one line, CASE.FIRST-LAST, without BYTES and with one answer for
 * all, or `mixed`. `hostile: CASE.NUMBER late ANSWER` follows where an answer comes after all.
 * `hostile: reset CASE` is a device reset, `hostile: begin CASE` precedes and `hostile: end
 * CASE` follows a case, and the last line is `hostile: done N cases, device good` (or `bad`).
 * Before the first case and behind the last one, `hostile: sane COLOUR good` says that the
 * device draws, shows and gives back the right pixels.
 *
 * Virtio 1.2, sections 2.7 (split virtqueues), 4.1.4 (PCI), 5.7 (GPU device).
 */

#define _GNU_SOURCE

#include "virgl_cmd.h"
#include "virtio_gpu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum {
	PCI_VENDOR_VIRTIO = 0x1af4,
	PCI_DEVICE_GPU = 0x1050,
	PCI_COMMAND = 4,
	PCI_COMMAND_MEMORY_MASTER = 6,
	PCI_CAPABILITIES = 0x34,
	PCI_CAPABILITY_VENDOR = 9,

	VIRTIO_PCI_CAP_COMMON_CFG = 1,
	VIRTIO_PCI_CAP_NOTIFY_CFG = 2,

	/* struct virtio_pci_common_cfg */
	COMMON_DEVICE_FEATURE_SELECT = 0,
	COMMON_DEVICE_FEATURE = 4,
	COMMON_DRIVER_FEATURE_SELECT = 8,
	COMMON_DRIVER_FEATURE = 12,
	COMMON_DEVICE_STATUS = 20,
	COMMON_QUEUE_SELECT = 22,
	COMMON_QUEUE_SIZE = 24,
	COMMON_QUEUE_ENABLE = 28,
	COMMON_QUEUE_NOTIFY_OFF = 30,
	COMMON_QUEUE_DESC = 32,
	COMMON_QUEUE_DRIVER = 40,
	COMMON_QUEUE_DEVICE = 48,

	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,

	VIRTIO_F_VERSION_1 = 1 << (32 - 32),

	VIRTQ_DESC_F_NEXT = 1,
	VIRTQ_DESC_F_WRITE = 2,
	VIRTQ_DESC_F_INDIRECT = 4,

	RESP_OK_NODATA = 0x1100,
	RESP_OK_DISPLAY_INFO = 0x1101,

	QUEUES = 2,
	QUEUE_CONTROL = 0,
	QUEUE_CURSOR = 1,
	QUEUE_MAX = 64,
	SEGMENTS_MAX = 8,

	PAGE = 4096,
	HUGE_PAGE = 2 << 20,
	RESPONSE_SIZE = 4096,
	FILLER = 0xee, /* of response buffers and of memory for readbacks */

	FORMAT_B8G8R8A8_UNORM = 1,
	FORMAT_R8_UNORM = 64,

	/* what most cases use */
	CTX = 1,
	RES = 5,
	RES_SIZE = 64,
	RES_BYTES = RES_SIZE * RES_SIZE * 4,
};

/* Answers which no device gives. */
#define ANSWER_NONE  0xffffff01u
#define ANSWER_EMPTY 0xffffff02u
#define ANSWER_LOST  0xffffff03u
#define ANSWER_SHORT 0xffffff04u
#define ANSWER_ANY   0xffffff05u

struct memory {
	uint8_t *at;
	uint64_t address; /* guest-physical, contiguous */
	size_t used;
};

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct virtq_used_elem {
	uint32_t id;
	uint32_t len;
};

struct segment {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
};

/* What the device holds, or has held. One for each descriptor that can be a chain's head. */
struct request {
	bool pending;   /* the device has it */
	bool abandoned; /* its line is printed */
	unsigned number;
	uint16_t descriptors[SEGMENTS_MAX];
	unsigned count;
	uint32_t type;
	uint32_t bytes;
	uint8_t *response;
	bool fenced;
	char text[120];
};

struct queue {
	const char *name;
	uint16_t index;
	uint16_t size;
	volatile struct virtq_desc *desc;
	volatile uint16_t *avail; /* flags, idx, ring[] */
	volatile uint16_t *used;  /* flags, idx, struct virtq_used_elem ring[] */
	uint16_t avail_idx;
	uint16_t used_idx;
	volatile uint16_t *notify;
	bool taken[QUEUE_MAX];
	struct request requests[QUEUE_MAX];
};

struct hostile_case {
	const char *name;
	void (*run)(void);
	/* not in `all`: the function of the stock host that crashes or hangs, and how */
	const char *upstream;
};

static char device_directory[300];
static volatile uint8_t *bars[6];
static volatile uint8_t *common;
static volatile uint8_t *notify_area;
static uint32_t notify_multiplier;
static uint64_t device_mmio; /* guest-physical address of the notify area */

static struct queue queues[QUEUES];
static struct memory rings;  /* one page each for the three parts of each queue */
static struct memory arena;  /* requests and responses */
static struct memory memory; /* backings */

static const char *case_name = "start";
static unsigned case_number;
static bool quiet; /* requests of a loop, which has one line */
static bool device_good = true;

/* Console */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[400];
	va_list list;

	va_start(list, format);
	int length = snprintf(line, sizeof(line), "hostile: ");
	length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, list);
	va_end(list);
	if (length > (int)sizeof(line) - 2) {
		length = (int)sizeof(line) - 2;
	}
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length) == length) {
		/* the next thing may be the end of QEMU */
		tcdrain(STDOUT_FILENO);
	}
}

static const char *answer_name(uint32_t answer)
{
	static char names[4][16];
	static unsigned turn;

	switch (answer) {
	case ANSWER_NONE:
		return "none";
	case ANSWER_EMPTY:
		return "empty";
	case ANSWER_LOST:
		return "lost";
	case ANSWER_SHORT:
		return "short";
	case ANSWER_ANY:
		return "any";
	default:
		turn = (turn + 1) % LENGTH(names);
		snprintf(names[turn], sizeof(names[turn]), "0x%04" PRIx32, answer);
		return names[turn];
	}
}

__attribute__((noreturn)) static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}

__attribute__((noreturn)) static void give_up(const char *what)
{
	say("trouble: %s: %s", what, strerror(errno));
	power_off();
}

/* `otherwise` where there is no such word, or 0. */
static unsigned long environment_number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	const unsigned long number = text ? strtoul(text, NULL, 0) : 0;
	return number ? number : otherwise;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Memory */

static uint64_t physical_address(const void *at)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	off_t where = (off_t)((uintptr_t)at / PAGE * sizeof(entry));

	if (fd < 0 || pread(fd, &entry, sizeof(entry), where) != sizeof(entry) ||
		!(entry >> 63)) {
		give_up("/proc/self/pagemap");
	}
	close(fd);
	return (entry & ((UINT64_C(1) << 55) - 1)) * PAGE + (uintptr_t)at % PAGE;
}

static void memory_init(struct memory *out)
{
	void *at = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (at == MAP_FAILED) {
		give_up("huge page");
	}
	memset(at, 0, HUGE_PAGE);
	out->at = at;
	out->address = physical_address(at);
	out->used = 0;
}

/* `size` bytes of the arena, which is empty again when the device holds no request. */
static uint8_t *arena_take(size_t size)
{
	size_t at = (arena.used + 63) & ~(size_t)63;
	if (size > HUGE_PAGE - at) {
		at = 0;
	}
	arena.used = at + size;
	return arena.at + at;
}

static uint64_t arena_address(const uint8_t *at)
{
	return arena.address + (uint64_t)(at - arena.at);
}

/* PCI */

static uint16_t load16(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static volatile uint8_t *common8(unsigned offset)
{
	return common + offset;
}

static volatile uint16_t *common16(unsigned offset)
{
	return (volatile uint16_t *)(volatile void *)(common + offset);
}

static volatile uint32_t *common32(unsigned offset)
{
	return (volatile uint32_t *)(volatile void *)(common + offset);
}

static void common_write64(unsigned offset, uint64_t value)
{
	*common32(offset) = (uint32_t)value;
	*common32(offset + 4) = (uint32_t)(value >> 32);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		give_up(path);
	}
	close(fd);
}

static volatile uint8_t *bar_map(unsigned bar)
{
	char path[320];
	struct stat status;

	if (bar >= LENGTH(bars)) {
		errno = EINVAL;
		give_up("number of a BAR");
	}
	if (bars[bar]) {
		return bars[bar];
	}
	snprintf(path, sizeof(path), "%s/resource%u", device_directory, bar);
	int fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0 || fstat(fd, &status)) {
		give_up(path);
	}
	void *at =
		mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		give_up(path);
	}
	close(fd);
	bars[bar] = at;
	return bars[bar];
}

/* Configuration space of the first virtio-gpu: its descriptor, or -1. */
static int device_find(uint8_t config[static 256])
{
	DIR *directory = opendir("/sys/bus/pci/devices");
	const struct dirent *entry;
	char path[320];

	while (directory && (entry = readdir(directory))) {
		snprintf(device_directory, sizeof(device_directory), "/sys/bus/pci/devices/%s",
			entry->d_name);
		snprintf(path, sizeof(path), "%s/config", device_directory);
		int fd = open(path, O_RDWR);
		if (fd >= 0 && pread(fd, config, 256, 0) >= 64 &&
			load16(config) == PCI_VENDOR_VIRTIO &&
			load16(config + 2) == PCI_DEVICE_GPU) {
			closedir(directory);
			return fd;
		}
		if (fd >= 0) {
			close(fd);
		}
	}
	errno = ENODEV;
	return -1;
}

static void device_map(void)
{
	uint8_t config[256] = {0};
	int fd = device_find(config);
	if (fd < 0) {
		give_up("virtio-gpu");
	}
	uint16_t command = load16(config + PCI_COMMAND) | PCI_COMMAND_MEMORY_MASTER;
	if (pwrite(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command)) {
		give_up("PCI command register");
	}
	close(fd);

	for (unsigned at = config[PCI_CAPABILITIES]; at && at < 240; at = config[at + 1]) {
		const uint8_t *capability = config + at;
		if (capability[0] != PCI_CAPABILITY_VENDOR) {
			continue;
		}
		unsigned bar = capability[4];
		uint32_t offset = load32(capability + 8);
		if (capability[3] == VIRTIO_PCI_CAP_COMMON_CFG) {
			common = bar_map(bar) + offset;
		} else if (capability[3] == VIRTIO_PCI_CAP_NOTIFY_CFG) {
			notify_area = bar_map(bar) + offset;
			notify_multiplier = load32(capability + 16);
			device_mmio = (load32(config + 0x10 + 4 * bar) & ~15u) + offset;
		}
	}
	if (!common || !notify_area) {
		errno = EPROTO;
		give_up("virtio capabilities");
	}
}

/* Virtqueues */

static uint8_t *ring_part(const struct queue *queue, unsigned part)
{
	return rings.at + ((size_t)queue->index * 4 + part) * PAGE;
}

static uint64_t ring_address(const struct queue *queue, unsigned part)
{
	return rings.address + ((uint64_t)queue->index * 4 + part) * PAGE;
}

static void queue_init(unsigned index)
{
	static const char *const names[QUEUES] = {"control", "cursor"};
	struct queue *queue = &queues[index];

	for (unsigned i = 0; i < QUEUE_MAX; i++) {
		queue->taken[i] = false;
		queue->requests[i].pending = false;
	}
	queue->avail_idx = 0;
	queue->used_idx = 0;
	queue->name = names[index];
	queue->index = (uint16_t)index;
	queue->desc = (void *)ring_part(queue, 0);
	queue->avail = (void *)ring_part(queue, 1);
	queue->used = (void *)ring_part(queue, 2);
	memset(ring_part(queue, 0), 0, (size_t)3 * PAGE);

	*common16(COMMON_QUEUE_SELECT) = queue->index;
	queue->size = *common16(COMMON_QUEUE_SIZE);
	if (queue->size > QUEUE_MAX) {
		queue->size = QUEUE_MAX;
	}
	*common16(COMMON_QUEUE_SIZE) = queue->size;
	common_write64(COMMON_QUEUE_DESC, ring_address(queue, 0));
	common_write64(COMMON_QUEUE_DRIVER, ring_address(queue, 1));
	common_write64(COMMON_QUEUE_DEVICE, ring_address(queue, 2));
	queue->notify =
		(volatile uint16_t *)(volatile void *)(notify_area +
						       *common16(COMMON_QUEUE_NOTIFY_OFF) *
							       notify_multiplier);
	*common16(COMMON_QUEUE_ENABLE) = 1;
}

static void device_reset(void)
{
	*common8(COMMON_DEVICE_STATUS) = 0;
	while (*common8(COMMON_DEVICE_STATUS)) {
	}
	*common8(COMMON_DEVICE_STATUS) = STATUS_ACKNOWLEDGE;
	*common8(COMMON_DEVICE_STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	*common32(COMMON_DRIVER_FEATURE_SELECT) = 0;
	*common32(COMMON_DRIVER_FEATURE) = VIRTIO_GPU_F_VIRGL;
	*common32(COMMON_DRIVER_FEATURE_SELECT) = 1;
	*common32(COMMON_DRIVER_FEATURE) = VIRTIO_F_VERSION_1;
	*common8(COMMON_DEVICE_STATUS) =
		STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
	queue_init(QUEUE_CONTROL);
	queue_init(QUEUE_CURSOR);
	*common8(COMMON_DEVICE_STATUS) =
		STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
	arena.used = 0;
}

static void device_reset_aloud(void)
{
	say("reset %s", case_name);
	device_reset();
}

static bool device_broken(void)
{
	return *common8(COMMON_DEVICE_STATUS) & STATUS_NEEDS_RESET;
}

static bool queue_idle(const struct queue *queue)
{
	for (unsigned i = 0; i < queue->size; i++) {
		if (queue->requests[i].pending) {
			return false;
		}
	}
	return true;
}

/* Descriptors which the device does not hold. */
static unsigned queue_room(const struct queue *queue)
{
	unsigned room = 0;
	for (unsigned i = 0; i < queue->size; i++) {
		room += !queue->taken[i];
	}
	return room;
}

static uint32_t request_answer(const struct request *request)
{
	if (!request->response) {
		return ANSWER_EMPTY;
	}
	uint32_t type = load32(request->response);
	if (type == FILLER * 0x01010101u) {
		return ANSWER_EMPTY;
	}
	return type >> 8 == FILLER * 0x010101u ? ANSWER_SHORT : type;
}

static void queue_collect(struct queue *queue)
{
	const volatile struct virtq_used_elem *ring = (const volatile void *)(queue->used + 2);

	__sync_synchronize();
	while (queue->used_idx != queue->used[1]) {
		uint32_t head = ring[queue->used_idx % queue->size].id % QUEUE_MAX;
		struct request *request = &queue->requests[head];
		queue->used_idx++;
		if (!request->pending) {
			say("used entry for descriptor %" PRIu32 ", which was not given", head);
			/* a queue whose memory was scribbled upon has 65,535 of them */
			queue->used_idx = queue->used[1];
			return;
		}
		request->pending = false;
		for (unsigned i = 0; i < request->count; i++) {
			queue->taken[request->descriptors[i]] = false;
		}
		if (request->abandoned) {
			say("%s.%u late %s", case_name, request->number,
				answer_name(request_answer(request)));
		}
	}
}

/* Waits for the device to return a request. */
static bool queue_wait(struct queue *queue, const struct request *request, double limit)
{
	double start = seconds();
	double asked = start;
	for (;;) {
		queue_collect(queue);
		double now = seconds();
		if (!request->pending || now - start > limit) {
			return !request->pending;
		}
		/* a register takes the host's lock: not all the time */
		if (now - asked > 0.005) {
			asked = now;
			if (device_broken()) {
				queue_collect(queue);
				return !request->pending;
			}
		}
	}
}

static int descriptor_take(struct queue *queue)
{
	for (int i = 0; i < queue->size; i++) {
		if (!queue->taken[i]) {
			queue->taken[i] = true;
			return i;
		}
	}
	return -1;
}

static void queue_kick(struct queue *queue, uint16_t head)
{
	queue->avail[2 + queue->avail_idx % queue->size] = head;
	__sync_synchronize();
	queue->avail[1] = ++queue->avail_idx;
	__sync_synchronize();
	*queue->notify = queue->index;
}

/* Fills a chain of descriptors, without showing it to the device: queue_kick(). */
static struct request *queue_fill(
	struct queue *queue, const struct segment *segments, unsigned count)
{
	int chain[SEGMENTS_MAX];
	for (unsigned i = 0; i < count; i++) {
		chain[i] = descriptor_take(queue);
		if (chain[i] < 0) {
			errno = ENOSPC;
			give_up("descriptors");
		}
	}
	struct request *request = &queue->requests[chain[0]];
	memset(request, 0, sizeof(*request));
	for (unsigned i = 0; i < count; i++) {
		volatile struct virtq_desc *desc = &queue->desc[chain[i]];
		desc->addr = segments[i].address;
		desc->len = segments[i].length;
		desc->flags = segments[i].flags | (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0);
		desc->next = i + 1 < count ? (uint16_t)chain[i + 1] : 0;
		request->descriptors[i] = (uint16_t)chain[i];
		if (!(segments[i].flags & VIRTQ_DESC_F_WRITE)) {
			request->bytes += segments[i].length;
		}
	}
	request->count = count;
	request->pending = true;
	request->number = ++case_number;
	return request;
}

static uint16_t request_head(const struct request *request)
{
	return request->descriptors[0];
}

/* Requests */

static void request_say(
	const struct queue *queue, const struct request *request, uint32_t answer)
{
	char type[16] = "-";

	if (quiet) {
		return;
	}
	if (request->bytes >= sizeof(uint32_t)) {
		snprintf(type, sizeof(type), "0x%04" PRIx32, request->type);
	}
	say("%s.%u %s %s %" PRIu32 " %s: %s", case_name, request->number, queue->name, type,
		request->bytes, answer_name(answer), request->text);
}

/* What this request was answered is a matter of timing. */
static void request_say_any(const struct queue *queue, struct request *request)
{
	size_t length = strlen(request->text);
	snprintf(request->text + length, sizeof(request->text) - length, " (%s)",
		answer_name(request->pending ? ANSWER_LOST : request_answer(request)));
	request_say(queue, request, ANSWER_ANY);
	request->abandoned = true;
}

/* Puts a request together: readable and writable bytes, either of which may be none at all. */
static struct request *request_prepare(
	unsigned index, const void *bytes, size_t size, uint32_t room, const char *text)
{
	struct queue *queue = &queues[index];
	struct segment segments[2];
	unsigned count = 0;
	uint8_t *response = NULL;

	if (queue_idle(&queues[QUEUE_CONTROL]) && queue_idle(&queues[QUEUE_CURSOR])) {
		arena.used = 0;
	}
	if (queue_room(queue) < LENGTH(segments)) {
		device_reset_aloud();
	}
	if (size) {
		uint8_t *copy = arena_take(size);
		memcpy(copy, bytes, size);
		segments[count++] = (struct segment){arena_address(copy), (uint32_t)size, 0};
	}
	if (room) {
		response = arena_take(room < 64 ? 64 : room);
		memset(response, FILLER, room < 64 ? 64 : room);
		segments[count++] =
			(struct segment){arena_address(response), room, VIRTQ_DESC_F_WRITE};
	}
	struct request *request = queue_fill(queue, segments, count);
	request->type = size >= sizeof(uint32_t) ? load32(bytes) : 0;
	request->fenced = size >= 2 * sizeof(uint32_t) &&
			  load32((const uint8_t *)bytes + 4) & VIRTIO_GPU_FLAG_FENCE;
	request->response = response;
	snprintf(request->text, sizeof(request->text), "%s", text);
	return request;
}

static struct request *request_post(
	unsigned index, const void *bytes, size_t size, uint32_t room, const char *text)
{
	struct request *request = request_prepare(index, bytes, size, room, text);
	queue_kick(&queues[index], request_head(request));
	return request;
}

static bool device_ping(void);

/*
 * Waits for the answer and prints the line. What is not answered while a later request without
 * a fence is, will only be answered by accident.
 */
static uint32_t request_finish(unsigned index, struct request *request)
{
	struct queue *queue = &queues[index];
	uint32_t answer = ANSWER_LOST;

	bool answered = queue_wait(queue, request, 0.3);
	if (!answered && !device_broken()) {
		answered = device_ping() && queue_wait(queue, request, request->fenced ? 3 : 0);
		answer = ANSWER_NONE;
	}
	if (answered) {
		answer = request_answer(request);
	}
	request_say(queue, request, answer);
	request->abandoned = !answered;
	return answer;
}

__attribute__((format(printf, 5, 6))) static uint32_t request_send(
	unsigned index, const void *bytes, size_t size, uint32_t room, const char *format, ...)
{
	char text[120];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	return request_finish(index, request_post(index, bytes, size, room, text));
}

#define COMMAND(structure, ...) \
	request_send(QUEUE_CONTROL, &(structure), sizeof(structure), RESPONSE_SIZE, __VA_ARGS__)

/* A command and what follows it. */
static uint32_t command_with(
	const void *command, size_t size, const void *data, size_t data_size, const char *text)
{
	uint8_t *both = malloc(size + data_size);
	if (!both) {
		give_up("memory");
	}
	memcpy(both, command, size);
	memcpy(both + size, data, data_size);
	uint32_t answer =
		request_send(QUEUE_CONTROL, both, size + data_size, RESPONSE_SIZE, "%s", text);
	free(both);
	return answer;
}

static bool device_ping(void)
{
	struct virtio_gpu_ctrl_hdr header = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
	struct queue *queue = &queues[QUEUE_CONTROL];
	struct request *request = request_post(QUEUE_CONTROL, &header, sizeof(header),
		RESPONSE_SIZE, "ping: does the device answer?");

	bool answered = queue_wait(queue, request, 20);
	request_say(queue, request, answered ? request_answer(request) : ANSWER_LOST);
	request->abandoned = !answered;
	return answered;
}

/* A loop of requests that is one line: begin, then end with how often it went around. */

static unsigned loop_first;
static uint32_t loop_answer;
static bool loop_mixed;

static void loop_begin(void)
{
	loop_first = case_number + 1;
	loop_answer = 0;
	loop_mixed = false;
	quiet = true;
}

static void loop_note(uint32_t answer)
{
	loop_mixed = loop_mixed || (loop_answer && loop_answer != answer);
	loop_answer = answer;
}

static void loop_end(uint32_t type, const char *text)
{
	quiet = false;
	say("%s.%u-%u control 0x%04" PRIx32 " - %s: %s", case_name, loop_first, case_number,
		type, loop_mixed ? "mixed" : answer_name(loop_answer), text);
}

/* Commands as they should be */

static struct virtio_gpu_ctrl_hdr header(uint32_t type, uint32_t ctx_id)
{
	return (struct virtio_gpu_ctrl_hdr){.type = type, .ctx_id = ctx_id};
}

static struct virtio_gpu_ctrl_hdr fenced(uint32_t type, uint32_t ctx_id, uint64_t fence_id)
{
	return (struct virtio_gpu_ctrl_hdr){
		.type = type,
		.flags = VIRTIO_GPU_FLAG_FENCE,
		.fence_id = fence_id,
		.ctx_id = ctx_id,
	};
}

static uint32_t ctx_create(uint32_t ctx_id)
{
	struct virtio_gpu_ctx_create create = {
		header(VIRTIO_GPU_CMD_CTX_CREATE, ctx_id),
		.nlen = 7,
		.debug_name = "hostile",
	};
	return COMMAND(create, "context %" PRIu32, ctx_id);
}

static uint32_t ctx_destroy(uint32_t ctx_id)
{
	struct virtio_gpu_ctx_destroy destroy = {header(VIRTIO_GPU_CMD_CTX_DESTROY, ctx_id)};
	return COMMAND(destroy, "context %" PRIu32, ctx_id);
}

static struct virtio_gpu_resource_create_3d create_3d(uint32_t resource_id)
{
	return (struct virtio_gpu_resource_create_3d){
		header(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0),
		.resource_id = resource_id,
		.target = PIPE_TEXTURE_2D,
		.format = FORMAT_B8G8R8A8_UNORM,
		.bind = VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SAMPLER_VIEW | VIRGL_BIND_SCANOUT,
		.width = RES_SIZE,
		.height = RES_SIZE,
		.depth = 1,
		.array_size = 1,
		.flags = VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP,
	};
}

static uint32_t resource_create(uint32_t resource_id)
{
	struct virtio_gpu_resource_create_3d create = create_3d(resource_id);
	return COMMAND(create, "resource %" PRIu32, resource_id);
}

/* Commands that name a resource and no more: unref, detach of backing, of a context. */
static uint32_t resource_command(uint32_t type, uint32_t ctx_id, uint32_t resource_id)
{
	struct virtio_gpu_ctx_resource command = {header(type, ctx_id), resource_id, 0};
	return COMMAND(command, "context %" PRIu32 ", resource %" PRIu32, ctx_id, resource_id);
}

static uint32_t resource_unref(uint32_t resource_id)
{
	return resource_command(VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, resource_id);
}

static uint32_t ctx_attach(uint32_t ctx_id, uint32_t resource_id)
{
	return resource_command(VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx_id, resource_id);
}

/* An attachment of `claimed` entries that brings `count`. */
static uint32_t backing_attach(uint32_t resource_id, uint32_t claimed,
	const struct virtio_gpu_mem_entry *entries, size_t count, const char *text)
{
	struct virtio_gpu_resource_attach_backing attach = {
		header(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0), resource_id, claimed};
	return command_with(&attach, sizeof(attach), entries, count * sizeof(*entries), text);
}

static uint32_t backing_attach_plain(uint32_t resource_id)
{
	struct virtio_gpu_mem_entry entry = {memory.address, RES_BYTES, 0};
	return backing_attach(resource_id, 1, &entry, 1, "backing of one piece");
}

static struct virtio_gpu_transfer_host_3d transfer_3d(uint32_t type, uint32_t resource_id)
{
	return (struct virtio_gpu_transfer_host_3d){
		header(type, CTX),
		.box = {0, 0, 0, RES_SIZE, RES_SIZE, 1},
		.resource_id = resource_id,
	};
}

/* Both ways, and what it does to the memory does not matter. */
static void transfer_both(uint32_t resource_id, const char *text)
{
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_3d(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, resource_id);
	COMMAND(transfer, "%s", text);
	transfer.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
	COMMAND(transfer, "%s", text);
}

static uint32_t scanout_set(uint32_t scanout_id, uint32_t resource_id)
{
	struct virtio_gpu_set_scanout set = {header(VIRTIO_GPU_CMD_SET_SCANOUT, 0),
		{0, 0, RES_SIZE, RES_SIZE}, scanout_id, resource_id};
	return COMMAND(set, "scanout %" PRIu32 ", resource %" PRIu32, scanout_id, resource_id);
}

static uint32_t resource_flush(uint32_t resource_id)
{
	struct virtio_gpu_resource_flush flush = {header(VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0),
		{0, 0, RES_SIZE, RES_SIZE}, resource_id, 0};
	return COMMAND(flush, "resource %" PRIu32, resource_id);
}

/* A submit that claims `size` bytes and brings `count` dwords. */
static uint32_t submit_claiming(
	uint32_t ctx_id, uint32_t size, const uint32_t *dwords, size_t count, const char *text)
{
	static uint64_t fence_id = 1000;
	struct virtio_gpu_cmd_submit submit = {
		fenced(VIRTIO_GPU_CMD_SUBMIT_3D, ctx_id, ++fence_id), .size = size};
	return command_with(&submit, sizeof(submit), dwords, count * sizeof(*dwords), text);
}

static uint32_t submit(uint32_t ctx_id, const uint32_t *dwords, size_t count, const char *text)
{
	return submit_claiming(
		ctx_id, (uint32_t)(count * sizeof(*dwords)), dwords, count, text);
}

static uint32_t float_bits(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Makes a surface of the resource and clears it. */
static uint32_t submit_clear(
	uint32_t ctx_id, uint32_t resource_id, const float rgba[static 4], const char *text)
{
	const uint32_t dwords[] = {
		VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5),
		1,
		resource_id,
		FORMAT_B8G8R8A8_UNORM,
		0,
		0,
		VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3),
		1,
		0,
		1,
		VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8),
		4,
		float_bits(rgba[0]),
		float_bits(rgba[1]),
		float_bits(rgba[2]),
		float_bits(rgba[3]),
		0,
		0,
		0,
	};
	return submit(ctx_id, dwords, LENGTH(dwords), text);
}

/* A context, and a resource with memory which it may use. */
static void setting_create(void)
{
	memset(memory.at, 0x55, RES_BYTES);
	ctx_create(CTX);
	resource_create(RES);
	backing_attach_plain(RES);
	ctx_attach(CTX, RES);
}

static void setting_destroy(void)
{
	ctx_destroy(CTX);
	resource_unref(RES);
}

/* Case: all is well */

static bool pixels_are(uint32_t bgra)
{
	for (size_t i = 0; i < RES_BYTES; i += sizeof(bgra)) {
		if (load32(memory.at + i) != bgra) {
			say("%s pixel %zu is 0x%08" PRIx32 ", 0x%08" PRIx32 " expected",
				case_name, i / 4, load32(memory.at + i), bgra);
			return false;
		}
	}
	return true;
}

/* Draws, shows and reads back a colour which it never drew before. */
static bool device_is_sane(void)
{
	static unsigned red;
	red += 51;
	const float rgba[4] = {(float)(red % 256) / 255, 0.4f, 0.6f, 1};
	const uint32_t bgra = 0xff006699 | (red % 256) << 16;
	struct virtio_gpu_transfer_host_3d readback =
		transfer_3d(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, RES);

	bool good = ctx_create(CTX) == RESP_OK_NODATA;
	good = resource_create(RES) == RESP_OK_NODATA && good;
	good = backing_attach_plain(RES) == RESP_OK_NODATA && good;
	good = ctx_attach(CTX, RES) == RESP_OK_NODATA && good;
	good = submit_clear(CTX, RES, rgba, "surface, clear") == RESP_OK_NODATA && good;
	good = scanout_set(0, RES) == RESP_OK_NODATA && good;
	good = resource_flush(RES) == RESP_OK_NODATA && good;
	memset(memory.at, FILLER, RES_BYTES);
	readback.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
	readback.hdr.fence_id = 999;
	good = COMMAND(readback, "readback of the clear") == RESP_OK_NODATA && good;
	good = pixels_are(bgra) && good;
	good = scanout_set(0, 0) == RESP_OK_NODATA && good;
	good = ctx_destroy(CTX) == RESP_OK_NODATA && good;
	good = resource_unref(RES) == RESP_OK_NODATA && good;
	say("sane 0x%08" PRIx32 " %s", bgra, good ? "good" : "bad");
	device_good = good;
	return good;
}

static void case_sane(void)
{
	device_is_sane();
}

/* Cases: sizes */

static const struct {
	uint32_t type;
	uint32_t size;
} structures[] = {
	{VIRTIO_GPU_CMD_GET_DISPLAY_INFO, sizeof(struct virtio_gpu_ctrl_hdr)},
	{VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, sizeof(struct virtio_gpu_resource_create_2d)},
	{VIRTIO_GPU_CMD_RESOURCE_UNREF, sizeof(struct virtio_gpu_resource_unref)},
	{VIRTIO_GPU_CMD_SET_SCANOUT, sizeof(struct virtio_gpu_set_scanout)},
	{VIRTIO_GPU_CMD_RESOURCE_FLUSH, sizeof(struct virtio_gpu_resource_flush)},
	{VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, sizeof(struct virtio_gpu_transfer_to_host_2d)},
	{VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		sizeof(struct virtio_gpu_resource_attach_backing)},
	{VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		sizeof(struct virtio_gpu_resource_detach_backing)},
	{VIRTIO_GPU_CMD_GET_CAPSET_INFO, sizeof(struct virtio_gpu_get_capset_info)},
	{VIRTIO_GPU_CMD_GET_CAPSET, sizeof(struct virtio_gpu_get_capset)},
	{VIRTIO_GPU_CMD_GET_EDID, sizeof(struct virtio_gpu_get_edid)},
	{VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, sizeof(struct virtio_gpu_resource_unref)},
	{VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, sizeof(struct virtio_gpu_resource_create_blob)},
	{VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, sizeof(struct virtio_gpu_set_scanout_blob)},
	{VIRTIO_GPU_CMD_CTX_CREATE, sizeof(struct virtio_gpu_ctx_create)},
	{VIRTIO_GPU_CMD_CTX_DESTROY, sizeof(struct virtio_gpu_ctx_destroy)},
	{VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, sizeof(struct virtio_gpu_ctx_resource)},
	{VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, sizeof(struct virtio_gpu_ctx_resource)},
	{VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, sizeof(struct virtio_gpu_resource_create_3d)},
	{VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, sizeof(struct virtio_gpu_transfer_host_3d)},
	{VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, sizeof(struct virtio_gpu_transfer_host_3d)},
	{VIRTIO_GPU_CMD_SUBMIT_3D, sizeof(struct virtio_gpu_cmd_submit)},
	{VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, sizeof(struct virtio_gpu_resource_map_blob)},
	{VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, sizeof(struct virtio_gpu_resource_unmap_blob)},
};

static void case_short_header(void)
{
	static const uint8_t sizes[] = {1, 3, 4, 8, 16, 20, 23};
	struct virtio_gpu_ctrl_hdr command = header(VIRTIO_GPU_CMD_CTX_CREATE, 0);

	for (size_t i = 0; i < LENGTH(sizes); i++) {
		request_send(QUEUE_CONTROL, &command, sizes[i], RESPONSE_SIZE,
			"%u bytes of a header", sizes[i]);
	}
	/* no readable byte at all */
	request_send(QUEUE_CONTROL, &command, 0, RESPONSE_SIZE, "nothing but a response");
	/* a fence that retires may answer the ones before */
	struct virtio_gpu_ctx_create create = {
		fenced(VIRTIO_GPU_CMD_CTX_CREATE, CTX, 1), .nlen = 0};
	COMMAND(create, "fenced, behind short ones");
	queue_collect(&queues[QUEUE_CONTROL]);
}

static void case_short_command(void)
{
	uint8_t bytes[256] = {0};

	for (size_t i = 0; i < LENGTH(structures); i++) {
		uint32_t size = structures[i].size;
		memcpy(bytes, &structures[i].type, sizeof(uint32_t));
		if (size == sizeof(struct virtio_gpu_ctrl_hdr)) {
			continue;
		}
		request_send(QUEUE_CONTROL, bytes, sizeof(struct virtio_gpu_ctrl_hdr),
			RESPONSE_SIZE, "header of %" PRIu32 " bytes", size);
		request_send(QUEUE_CONTROL, bytes, size - 1, RESPONSE_SIZE,
			"%" PRIu32 " bytes of %" PRIu32, size - 1, size);
	}
}

static void case_short_command_fenced(void)
{
	uint8_t bytes[256] = {0};
	struct virtio_gpu_ctrl_hdr command = fenced(0, CTX, 0);

	for (size_t i = 0; i < LENGTH(structures); i++) {
		command.type = structures[i].type;
		command.fence_id++;
		memcpy(bytes, &command, sizeof(command));
		if (structures[i].size == sizeof(struct virtio_gpu_ctrl_hdr)) {
			continue;
		}
		request_send(QUEUE_CONTROL, bytes, structures[i].size - 4, RESPONSE_SIZE,
			"%" PRIu32 " bytes of %" PRIu32, structures[i].size - 4,
			structures[i].size);
	}
}

static void case_zero_command(void)
{
	/* the structure of each command, all zero behind the type; then without a type */
	uint8_t bytes[PAGE] = {0};

	for (size_t i = 0; i < LENGTH(structures); i++) {
		memcpy(bytes, &structures[i].type, sizeof(uint32_t));
		request_send(QUEUE_CONTROL, bytes, structures[i].size, RESPONSE_SIZE,
			"zeros behind the type");
	}
	memset(bytes, 0, sizeof(bytes));
	request_send(QUEUE_CONTROL, bytes, 24, RESPONSE_SIZE, "zeros");
	request_send(QUEUE_CONTROL, bytes, 32, RESPONSE_SIZE, "zeros");
	request_send(QUEUE_CONTROL, bytes, sizeof(bytes), RESPONSE_SIZE, "zeros");
}

static void case_ones_command(void)
{
	uint8_t bytes[256];

	for (size_t i = 0; i < LENGTH(structures); i++) {
		memset(bytes, 0xff, sizeof(bytes));
		memcpy(bytes, &structures[i].type, sizeof(uint32_t));
		/* not fenced: no fence with such a number would ever retire */
		memset(bytes + 4, 0, sizeof(uint32_t));
		request_send(QUEUE_CONTROL, bytes, structures[i].size, RESPONSE_SIZE,
			"ones behind the type and flags");
	}
}

static void case_long_command(void)
{
	/* more than the structure: the rest is nobody's */
	uint8_t bytes[PAGE];

	for (size_t i = 0; i < LENGTH(structures); i++) {
		memset(bytes, 0, sizeof(bytes));
		memset(bytes + structures[i].size, 0xa5, sizeof(bytes) - structures[i].size);
		memcpy(bytes, &structures[i].type, sizeof(uint32_t));
		request_send(QUEUE_CONTROL, bytes, sizeof(bytes), RESPONSE_SIZE,
			"with garbage behind");
	}
}

static void case_submit_size(void)
{
	static const uint32_t nops[8] = {0};
	static const struct {
		uint32_t size;
		uint32_t dwords;
	} rows[] = {
		{0, 0},
		{0, 8},
		{1, 8},
		{2, 8},
		{3, 8},
		{5, 8},
		{31, 8},
		{32, 7},
		{36, 8},
		{4, 0},
		{4096, 8},
		{0x7fffffff, 8},
		{0x80000000, 8},
	};
	char text[80];

	setting_create();
	for (size_t i = 0; i < LENGTH(rows); i++) {
		snprintf(text, sizeof(text), "size 0x%" PRIx32 " of %" PRIu32, rows[i].size,
			rows[i].dwords * 4);
		submit_claiming(CTX, rows[i].size, nops, rows[i].dwords, text);
	}
	setting_destroy();
}

static void case_submit_size_huge(void)
{
	static const uint32_t nops[8] = {0};

	setting_create();
	submit_claiming(CTX, 128 << 20, nops, LENGTH(nops), "size 128 MiB of 32");
	submit_claiming(CTX, UINT32_MAX - 3, nops, LENGTH(nops), "size 0xfffffffc of 32");
	submit_claiming(CTX, UINT32_MAX, nops, LENGTH(nops), "size 0xffffffff of 32");
	setting_destroy();
}

static void case_submit_in_fences(void)
{
	static const uint32_t counts[] = {1, 2, 3, 0x20000000, UINT32_MAX};
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t dwords[4];
	} command = {{header(VIRTIO_GPU_CMD_SUBMIT_3D, CTX), .size = 16}, {0}};

	setting_create();
	for (size_t i = 0; i < LENGTH(counts); i++) {
		command.submit.num_in_fences = counts[i];
		COMMAND(command, "0x%" PRIx32 " fences to wait for, none there", counts[i]);
	}
	setting_destroy();
}

/* As much as a virtqueue takes in one command: many descriptors, 1 MiB of NOPs. */
static void case_submit_large(void)
{
	const uint32_t size = 1 << 20;
	uint32_t *nops = calloc(1, size);
	if (!nops) {
		give_up("memory");
	}
	setting_create();
	submit(CTX, nops, size / sizeof(*nops), "1 MiB of NOP");
	setting_destroy();
	free(nops);
}

/* Cases: types */

static void case_type_unknown(void)
{
	static const uint32_t types[] = {
		0x0000,
		0x0001,
		0x00ff,
		0x010e,
		0x01ff,
		0x020a,
		0x02ff,
		/* cursor commands are for the other queue */
		VIRTIO_GPU_CMD_UPDATE_CURSOR,
		VIRTIO_GPU_CMD_MOVE_CURSOR,
		0x0302,
		/* responses are not commands */
		RESP_OK_NODATA,
		0x1200,
		0x7fff,
	};
	uint8_t bytes[72] = {0};

	for (size_t i = 0; i < LENGTH(types); i++) {
		memcpy(bytes, &types[i], sizeof(types[i]));
		request_send(
			QUEUE_CONTROL, bytes, sizeof(bytes), RESPONSE_SIZE, "unknown type");
	}
}

/* Numbers that a trace gives its own records, and such as 16 bits cannot hold. */
static void case_type_reserved(void)
{
	static const uint32_t types[] = {
		0x8000,
		0x8001,
		0x8002,
		0x8003,
		0x8004,
		0x8005,
		0x8006,
		0x8007,
		0x8008,
		0x8009,
		0x800a,
		0x800b,
		0x800c,
		0x8fff,
		0xffff,
		0x10000 | VIRTIO_GPU_CMD_CTX_CREATE,
		0x10000 | VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		0x10000 | VIRTIO_GPU_CMD_SUBMIT_3D,
		0x18003,
		0x80000000 | VIRTIO_GPU_CMD_SUBMIT_3D,
		UINT32_MAX,
	};
	struct {
		struct virtio_gpu_ctrl_hdr hdr;
		uint8_t bytes[64];
	} command = {{0}, "VGTCHUNK\1"};

	for (size_t i = 0; i < LENGTH(types); i++) {
		command.hdr.type = types[i];
		command.hdr.flags = 0;
		COMMAND(command, "type that a trace or 16 bits cannot hold");
		command.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
		command.hdr.fence_id = i + 1;
		COMMAND(command, "fenced");
	}
}

/* Cases: backings */

static void case_backing_count(void)
{
	struct virtio_gpu_mem_entry entry = {memory.address, PAGE, 0};

	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, 0, &entry, 0, "0 entries");
	transfer_both(RES, "with 0 entries");
	backing_attach(RES, 0, &entry, 1, "0 entries, 1 there");
	backing_attach(RES, 1, &entry, 0, "1 entry, 0 there");
	backing_attach(RES, 2, &entry, 1, "2 entries, 1 there");
	backing_attach(RES, 16384, &entry, 1, "16384 entries, 1 there");
	backing_attach(RES, 16385, &entry, 1, "16385 entries, 1 there");
	backing_attach(RES, 0x10000001, &entry, 1, "0x10000001 entries, 1 there");
	backing_attach(RES, 0x80000000, &entry, 1, "0x80000000 entries, 1 there");
	backing_attach(RES, UINT32_MAX, &entry, 1, "0xffffffff entries, 1 there");
	transfer_both(RES, "without a backing");
	setting_destroy();
}

/* The same page 16384 times, which is all that the device takes, and once more. */
static void case_backing_many(void)
{
	const size_t count = 16385;
	struct virtio_gpu_mem_entry *entries = calloc(count, sizeof(*entries));
	if (!entries) {
		give_up("memory");
	}
	for (size_t i = 0; i < count; i++) {
		entries[i] = (struct virtio_gpu_mem_entry){memory.address, i % 2 ? 1 : 3, 0};
	}
	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, 16385, entries, 16385, "16385 entries of 1 and 3 bytes");
	backing_attach(RES, 16384, entries, 16384, "16384 entries of 1 and 3 bytes");
	transfer_both(RES, "with 16384 entries");
	setting_destroy();
	free(entries);
}

static void backing_try(struct virtio_gpu_mem_entry entry, const char *text)
{
	struct virtio_gpu_mem_entry entries[2] = {entry, {memory.address, RES_BYTES, 0}};

	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, 2, entries, 2, text);
	transfer_both(RES, text);
	setting_destroy();
}

static void case_backing_address(void)
{
	const struct {
		struct virtio_gpu_mem_entry entry;
		const char *text;
	} rows[] = {
		{{memory.address, 0, 0}, "an entry of 0 bytes"},
		{{0, 0, 0}, "an entry of zeros"},
		{{memory.address + 1, 7, 0}, "an entry of 7 bytes at an odd address"},
		{{memory.address, 64, UINT32_MAX}, "ones in the padding"},
		{{UINT64_C(0x800000000000), PAGE, 0}, "an address without memory"},
		{{0x20000000, PAGE, 0}, "the first address behind 512 MiB"},
		{{0x20000000 - PAGE, 2 * PAGE, 0}, "across the end of 512 MiB"},
		{{UINT64_MAX, 1, 0}, "the last address"},
		{{UINT64_MAX - 15, 64, 0}, "across the last address"},
		{{0xf0000, PAGE, 0}, "the firmware's ROM"},
		{{0xa0000, PAGE, 0}, "the VGA window"},
		{{memory.address, UINT32_MAX, 0}, "4 GiB of memory"},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		backing_try(rows[i].entry, rows[i].text);
	}
}

/* The registers of this very device as memory of a picture. */
static void case_backing_mmio(void)
{
	backing_try((struct virtio_gpu_mem_entry){device_mmio, 64, 0}, "the notify registers");
	backing_try((struct virtio_gpu_mem_entry){0xfee00000, PAGE, 0}, "the local APIC");
}

static void case_backing_overlap(void)
{
	const uint64_t base = memory.address;
	const struct virtio_gpu_mem_entry overlapping[] = {
		{base, RES_BYTES / 2, 0},
		{base + 100, RES_BYTES / 2, 0},
		{base, RES_BYTES / 2, 0},
		{base + 1, 3, 0},
	};
	const struct virtio_gpu_mem_entry backwards[] = {
		{base + 3 * PAGE, PAGE, 0},
		{base + 2 * PAGE, PAGE, 0},
		{base + PAGE, PAGE, 0},
		{base, PAGE, 0},
	};

	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, LENGTH(overlapping), overlapping, LENGTH(overlapping),
		"entries that overlap");
	transfer_both(RES, "entries that overlap");
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(
		RES, LENGTH(backwards), backwards, LENGTH(backwards), "entries backwards");
	transfer_both(RES, "entries backwards");
	/* two resources on one memory */
	resource_create(RES + 1);
	backing_attach_plain(RES + 1);
	ctx_attach(CTX, RES + 1);
	transfer_both(RES + 1, "memory of two resources");
	transfer_both(RES, "memory of two resources");
	resource_unref(RES + 1);
	setting_destroy();
}

/* The virtqueues are the picture: reading them is harmless. */
static void case_backing_queue(void)
{
	const struct virtio_gpu_mem_entry entries[] = {
		{rings.address, 8 * PAGE, 0}, {arena.address, RES_BYTES, 0}};
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_3d(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, RES);

	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(
		RES, LENGTH(entries), entries, LENGTH(entries), "the queues and all requests");
	COMMAND(transfer, "of the queues and this request");
	setting_destroy();
}

/* A readback over the command that asked for it. */
static void case_backing_command(void)
{
	const struct virtio_gpu_mem_entry entry = {arena.address, RES_BYTES, 0};
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_3d(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, RES);

	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, 1, &entry, 1, "all requests");
	COMMAND(transfer, "over this request and its response");
	transfer.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
	transfer.hdr.fence_id = 2;
	COMMAND(transfer, "over this request and its response, fenced");
	setting_destroy();
}

/* A readback over the queue that it came through: the device finds what it drew there. */
static void case_readback_into_queue(void)
{
	const struct virtio_gpu_mem_entry entry = {rings.address, 3 * PAGE, 0};
	const struct virtio_gpu_mem_entry both[] = {
		entry, {memory.address, RES_BYTES - 3 * PAGE, 0}};
	static const float white[4] = {1, 1, 1, 1};
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_3d(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, RES);

	setting_create();
	submit_clear(CTX, RES, white, "clear to white");
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, LENGTH(both), both, LENGTH(both), "the control queue");
	struct queue *queue = &queues[QUEUE_CONTROL];
	struct request *request = request_post(QUEUE_CONTROL, &transfer, sizeof(transfer),
		RESPONSE_SIZE, "over the control queue");
	queue_wait(queue, request, 0.3);
	request_say_any(queue, request);
	device_reset_aloud();
}

static void case_backing_twice(void)
{
	struct virtio_gpu_mem_entry entry = {memory.address + RES_BYTES, RES_BYTES, 0};
	struct virtio_gpu_mem_entry small = {memory.address, 16, 0};

	setting_create();
	backing_attach(RES, 1, &entry, 1, "a second backing");
	transfer_both(RES, "with two backings");
	backing_attach(RES, 1, &small, 1, "a third, small backing");
	transfer_both(RES, "with three backings");
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	transfer_both(RES, "without a backing");
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	backing_attach(RES, 1, &small, 1, "a backing smaller than the picture");
	transfer_both(RES, "beyond the backing");
	setting_destroy();
}

/* Cases: what does not exist, or twice */

static void dead_try(uint32_t resource_id)
{
	struct virtio_gpu_transfer_to_host_2d transfer = {
		header(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0), {0, 0, 8, 8}, 0, resource_id, 0};

	transfer_both(resource_id, "dead resource");
	COMMAND(transfer, "dead resource");
	resource_flush(resource_id);
	scanout_set(0, resource_id);
	resource_unref(resource_id);
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, resource_id);
	backing_attach_plain(resource_id);
	ctx_attach(CTX, resource_id);
	resource_command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, CTX, resource_id);
	resource_command(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, resource_id);
}

static void case_dead_resource(void)
{
	static const uint32_t ids[] = {0, 77, 0x80000000, UINT32_MAX, RES};

	setting_create();
	resource_unref(RES);
	for (size_t i = 0; i < LENGTH(ids); i++) {
		dead_try(ids[i]);
	}
	ctx_destroy(CTX);
}

static void case_dead_context(void)
{
	static const uint32_t ids[] = {0, 77, 0x80000000, UINT32_MAX, CTX};
	static const float black[4] = {0};

	setting_create();
	ctx_destroy(CTX);
	for (size_t i = 0; i < LENGTH(ids); i++) {
		ctx_destroy(ids[i]);
		ctx_attach(ids[i], RES);
		submit_clear(ids[i], RES, black, "in a dead context");
		struct virtio_gpu_transfer_host_3d transfer =
			transfer_3d(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, RES);
		transfer.hdr.ctx_id = ids[i];
		COMMAND(transfer, "in a dead context");
		resource_command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ids[i], RES);
	}
	resource_unref(RES);
}

static void case_twice(void)
{
	struct virtio_gpu_resource_create_2d create = {
		header(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0), RES, FORMAT_B8G8R8A8_UNORM, 8, 8};
	struct virtio_gpu_resource_create_3d other = create_3d(RES);

	setting_create();
	ctx_create(CTX);
	resource_create(RES);
	COMMAND(create, "resource %d again, of another size", RES);
	other.target = PIPE_BUFFER;
	other.height = 1;
	COMMAND(other, "resource %d again, a buffer", RES);
	ctx_attach(CTX, RES);
	ctx_attach(CTX, RES);
	transfer_both(RES, "the resource created first");
	resource_command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, CTX, RES);
	resource_command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, CTX, RES);
	resource_unref(RES);
	resource_unref(RES);
	ctx_destroy(CTX);
	ctx_destroy(CTX);
}

static void case_unref_attached(void)
{
	static const float colour[4] = {1, 0, 0, 1};
	static const uint32_t clear[] = {
		VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8), 4, 0, 0, 0, 0, 0, 0, 0};

	/* bound as framebuffer and attached to two contexts */
	setting_create();
	ctx_create(CTX + 1);
	ctx_attach(CTX + 1, RES);
	submit_clear(CTX, RES, colour, "surface, clear");
	resource_unref(RES);
	submit(CTX, clear, LENGTH(clear), "clear of the surface whose resource is gone");
	submit_clear(CTX + 1, RES, colour, "surface of the resource that is gone");
	resource_command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, CTX, RES);
	resource_create(RES);
	submit(CTX, clear, LENGTH(clear), "clear when the number is in use again");
	ctx_destroy(CTX + 1);
	ctx_destroy(CTX);
	resource_unref(RES);
}

static void case_unref_scanout(void)
{
	setting_create();
	scanout_set(0, RES);
	resource_flush(RES);
	resource_unref(RES);
	resource_flush(RES);
	scanout_set(0, RES);
	/* the host may show it before the next command */
	usleep(100000);
	resource_create(RES);
	resource_flush(RES);
	scanout_set(0, RES);
	resource_unref(RES);
	scanout_set(0, 0);
	ctx_destroy(CTX);
}

/* TRANSFER3D of the whole resource. */
static void submit_transfer(uint32_t resource_id, uint32_t direction, const char *text)
{
	const uint32_t dwords[] = {
		VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13),
		resource_id,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		RES_SIZE,
		RES_SIZE,
		1,
		0,
		direction,
	};
	submit(CTX, dwords, LENGTH(dwords), text);
}

static void case_unref_then_transfer(void)
{
	setting_create();
	submit_transfer(RES, VIRGL_TRANSFER_TO_HOST, "TRANSFER3D");
	submit_transfer(RES, VIRGL_TRANSFER_FROM_HOST, "TRANSFER3D back");
	resource_unref(RES);
	submit_transfer(RES, VIRGL_TRANSFER_TO_HOST, "TRANSFER3D, resource gone");
	ctx_destroy(CTX);

	setting_create();
	resource_command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, RES);
	submit_transfer(RES, VIRGL_TRANSFER_TO_HOST, "TRANSFER3D, backing gone");
	setting_destroy();

	setting_create();
	resource_command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, CTX, RES);
	submit_transfer(RES, VIRGL_TRANSFER_TO_HOST, "TRANSFER3D, detached from context");
	setting_destroy();
}

static void case_many_resources(void)
{
	enum {
		COUNT = 2000,
		FIRST = 1000,
	};

	loop_begin();
	for (uint32_t i = 0; i < COUNT; i++) {
		loop_note(resource_create(FIRST));
		loop_note(backing_attach_plain(FIRST));
		loop_note(resource_unref(FIRST));
	}
	loop_end(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, "create, attach, unref of one number");
	loop_begin();
	for (uint32_t i = 0; i < COUNT; i++) {
		loop_note(resource_create(FIRST + i));
	}
	loop_end(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, "create of 2000 numbers");
	loop_begin();
	for (uint32_t i = 0; i < COUNT; i++) {
		loop_note(resource_unref(FIRST + i));
	}
	loop_end(VIRTIO_GPU_CMD_RESOURCE_UNREF, "unref of 2000 numbers");
	loop_begin();
	for (uint32_t i = 0; i < 200; i++) {
		loop_note(ctx_create(FIRST + i));
	}
	loop_end(VIRTIO_GPU_CMD_CTX_CREATE, "200 contexts, left to the reset");
}

/* Cases: transfers */

static const struct {
	struct virtio_gpu_box box;
	uint64_t offset;
	uint32_t level;
	uint32_t stride;
	uint32_t layer_stride;
} transfers[] = {
	{{0, 0, 0, 0, 0, 0}, 0, 0, 0, 0},
	{{0, 0, 0, 65, 64, 1}, 0, 0, 0, 0},
	{{64, 64, 0, 1, 1, 1}, 0, 0, 0, 0},
	{{1, 0, 0, 64, 64, 1}, 0, 0, 0, 0},
	{{UINT32_MAX, 0, 0, 2, 1, 1}, 0, 0, 0, 0},
	{{0, 0, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX}, 0, 0, 0, 0},
	{{0, 0, 0, 0x80000000, 1, 1}, 0, 0, 0, 0},
	{{0, 0, 0, 0x40000000, 4, 1}, 0, 0, 0, 0},
	{{0, 0, 0, 64, 64, 2}, 0, 0, 0, 0},
	{{0, 0, 1, 64, 64, 1}, 0, 0, 0, 0},
	{{0, 0, 0, 64, 64, 1}, 1, 0, 0, 0},
	{{0, 0, 0, 64, 64, 1}, UINT64_MAX, 0, 0, 0},
	{{0, 0, 0, 64, 64, 1}, UINT64_C(0x100000000), 0, 0, 0},
	{{0, 0, 0, 1, 1, 1}, RES_BYTES, 0, 0, 0},
	{{0, 0, 0, 1, 1, 1}, RES_BYTES - 1, 0, 0, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 1, 0, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 99, 0, 0},
	{{0, 0, 0, 1, 1, 1}, 0, UINT32_MAX, 0, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 1, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 255, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 257, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, UINT32_MAX, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 0x80000000, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 0x04000000, 0},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 256, 1},
	{{0, 0, 0, 64, 64, 1}, 0, 0, 256, UINT32_MAX},
};

static void transfers_try(uint32_t type)
{
	setting_create();
	for (size_t i = 0; i < LENGTH(transfers); i++) {
		struct virtio_gpu_transfer_host_3d transfer = transfer_3d(type, RES);
		transfer.box = transfers[i].box;
		transfer.offset = transfers[i].offset;
		transfer.level = transfers[i].level;
		transfer.stride = transfers[i].stride;
		transfer.layer_stride = transfers[i].layer_stride;
		COMMAND(transfer, "transfer %zu of the table", i);
	}
	setting_destroy();
}

static void case_transfer_to_host(void)
{
	transfers_try(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
}

static void case_transfer_from_host(void)
{
	transfers_try(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
}

static void case_transfer_in_stream(void)
{
	setting_create();
	ctx_destroy(CTX);
	for (size_t i = 0; i < LENGTH(transfers) * 2; i++) {
		const struct virtio_gpu_box *box = &transfers[i / 2].box;
		const uint32_t dwords[] = {
			VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13),
			RES,
			transfers[i / 2].level,
			0,
			transfers[i / 2].stride,
			transfers[i / 2].layer_stride,
			box->x,
			box->y,
			box->z,
			box->w,
			box->h,
			box->d,
			(uint32_t)transfers[i / 2].offset,
			i % 2 ? VIRGL_TRANSFER_FROM_HOST : VIRGL_TRANSFER_TO_HOST,
		};
		char text[64];
		snprintf(text, sizeof(text), "TRANSFER3D %zu of the table, %s", i / 2,
			i % 2 ? "back" : "to host");
		/* an error ends a context */
		ctx_create(CTX);
		ctx_attach(CTX, RES);
		submit(CTX, dwords, LENGTH(dwords), text);
		ctx_destroy(CTX);
	}
	resource_unref(RES);
}

static void case_transfer_2d(void)
{
	static const struct {
		struct virtio_gpu_rect r;
		uint64_t offset;
	} rows[] = {
		{{0, 0, 64, 64}, 0},
		{{0, 0, 65, 65}, 0},
		{{64, 64, 1, 1}, 0},
		{{0, 0, 0, 0}, 0},
		{{UINT32_MAX, UINT32_MAX, 2, 2}, 0},
		{{0, 0, UINT32_MAX, UINT32_MAX}, 0},
		{{0, 0, 64, 64}, UINT64_MAX},
		{{0, 0, 64, 64}, RES_BYTES},
	};
	struct virtio_gpu_resource_create_2d create = {
		header(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0), RES, FORMAT_B8G8R8A8_UNORM,
		RES_SIZE, RES_SIZE};

	COMMAND(create, "resource %d", RES);
	backing_attach_plain(RES);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct virtio_gpu_transfer_to_host_2d transfer = {
			header(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0), rows[i].r,
			rows[i].offset, RES, 0};
		COMMAND(transfer, "row %zu", i);
	}
	resource_unref(RES);
}

/* Cases: malformed submits */

#define DWORDS(...) {__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

struct malformed {
	const char *text;
	uint32_t dwords[32];
	size_t count;
};

/* Each in a context of its own, as an error ends the context. */
static void malformed_try(const struct malformed *rows, size_t count)
{
	setting_create();
	ctx_destroy(CTX);
	for (size_t i = 0; i < count; i++) {
		ctx_create(CTX);
		ctx_attach(CTX, RES);
		submit(CTX, rows[i].dwords, rows[i].count, rows[i].text);
		ctx_destroy(CTX);
	}
	resource_unref(RES);
}

static void case_submit_malformed(void)
{
	static const struct malformed rows[] = {
		{"a header that counts 1 and ends", DWORDS(VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 1))},
		{"a header that counts 0xffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 0xffff), 4, 0, 0)},
		{"NOP that counts 0xffff", DWORDS(VIRGL_CMD0(VIRGL_CCMD_NOP, 0, 0xffff))},
		{"NOP that counts beyond the end", DWORDS(0, 0, VIRGL_CMD0(0, 0, 2), 0)},
		{"CLEAR of 0 dwords", DWORDS(VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 0))},
		{"a truncated last command",
			DWORDS(0, VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8), 4, 0, 0, 0, 0)},
		{"CLEAR of 7 dwords",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 7), 4, 0, 0, 0, 0, 0, 0)},
		{"CLEAR of 9 dwords",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 9), 4, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"operation 100", DWORDS(VIRGL_CMD0(100, 0, 0))},
		{"operation 200", DWORDS(VIRGL_CMD0(200, 0, 2), 1, 2)},
		{"operation 255", DWORDS(VIRGL_CMD0(255, 255, 0))},
		{"all ones", DWORDS(UINT32_MAX, UINT32_MAX, UINT32_MAX)},
		{"DRAW_VBO of 9 dwords", DWORDS(VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 9), 0, 3, 4,
						 0, 1, 0, 0, 0, 0)},
		{"DRAW_VBO without anything", DWORDS(VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 12), 0,
						      3, 4, 0, 1, 0, 0, 0, 0, 0, 2, 0)},
		{"DRAW_VBO of 0xffffffff, indexed",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 12), UINT32_MAX, UINT32_MAX,
				255, 1, UINT32_MAX, 1, 1, 1, 1, UINT32_MAX, UINT32_MAX,
				UINT32_MAX)},
		{"draw for a dead indirect buffer",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_DRAW_VBO, 0, 20), 0, 3, 4, 0, 1, 0, 0, 0,
				0, 0, 2, 0, 0, 0, 77, 0, 0, 1, 0, 0)},
		{"LAUNCH_GRID without a shader",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_LAUNCH_GRID, 0, 8), 1, 1, 1, 1, 1, 1, 0,
				0)},
		{"SET_SUB_CTX of none", DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SUB_CTX, 0, 1), 99)},
		{"DESTROY_SUB_CTX of 0",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_DESTROY_SUB_CTX, 0, 1), 0)},
		{"CREATE_SUB_CTX twice",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_SUB_CTX, 0, 1), 7,
				VIRGL_CMD0(VIRGL_CCMD_CREATE_SUB_CTX, 0, 1), 7,
				VIRGL_CMD0(VIRGL_CCMD_SET_SUB_CTX, 0, 1), 7,
				VIRGL_CMD0(VIRGL_CCMD_DESTROY_SUB_CTX, 0, 1), 7)},
		{"SEND_STRING_MARKER longer than the command",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SEND_STRING_MARKER, 0, 2), 4096,
				0x3a746776)},
		{"SET_FRAMEBUFFER_STATE of 0xffffffff surfaces",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3), UINT32_MAX,
				0, 1)},
		{"SET_VIEWPORT_STATE from slot 15, two",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_VIEWPORT_STATE, 0, 13), 15, 0, 0, 0, 0,
				0, 0, 0, 0, 0, 0, 0, 0)},
		{"SET_CONSTANT_BUFFER of shader 99",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_CONSTANT_BUFFER, 0, 3), 99, 99, 0)},
		{"BLIT of dead resources",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_BLIT, 0, 21), 0, 0, 0, 77, 0, 1, 0, 0, 0,
				1, 1, 1, 78, 0, 1, 0, 0, 0, 1, 1, 1)},
		{"RESOURCE_COPY_REGION onto itself, beyond",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_RESOURCE_COPY_REGION, 0, 13), RES, 99, 0,
				0, 0, RES, 99, 0, 0, 0, UINT32_MAX, 1, 1)},
		{"PIPE_RESOURCE_CREATE of zeros",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_PIPE_RESOURCE_CREATE, 0, 11), 0, 0, 0, 0,
				0, 0, 0, 0, 0, 0, 0)},
	};

	malformed_try(rows, LENGTH(rows));
}

static void case_submit_object(void)
{
	static const struct malformed rows[] = {
		{"CREATE_OBJECT without a handle",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_BLEND, 0))},
		{"CREATE_OBJECT of handle 0", DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT,
							     VIRGL_OBJECT_SAMPLER_STATE, 9),
						      0, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"CREATE_OBJECT of type 0",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, 0, 1), 9)},
		{"CREATE_OBJECT of type 12",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, 12, 2), 9, 9)},
		{"CREATE_OBJECT of type 255",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, 255, 2), 9, 9)},
		{"DESTROY_OBJECT of none",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_BLEND, 1),
				77)},
		{"DESTROY_OBJECT without a handle",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_BLEND, 0))},
		{"BIND_OBJECT of none",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_RASTERIZER, 1),
				77)},
		{"BIND_OBJECT of a surface",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_SURFACE, 1),
				77)},
		{"one handle, two objects, bound as a third",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_DSA, 5), 9, 0,
				0, 0, 0,
				VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_STATE,
					9),
				9, 0, 0, 0, 0, 0, 0, 0, 0,
				VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_BLEND, 1), 9)},
		{"SURFACE of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5), 9,
				77, 1, 0, 0)},
		{"SURFACE of an unknown format",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5), 9,
				RES, 0xffff, 0, 0)},
		{"SAMPLER_VIEW of a dead resource",
			DWORDS(VIRGL_CMD0(
				       VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_VIEW, 6),
				9, 77, 1, 0, 0, 0)},
		{"QUERY of type 255",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_QUERY, 4), 9,
				255, 0, RES)},
		{"QUERY of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_QUERY, 4), 9,
				0, 0, 77)},
		{"STREAMOUT_TARGET of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT,
				       VIRGL_OBJECT_STREAMOUT_TARGET, 4),
				9, 77, 0, 16)},
		{"VERTEX_ELEMENTS of 3 dwords", DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT,
							       VIRGL_OBJECT_VERTEX_ELEMENTS, 3),
							9, 0, 0)},
		{"SHADER of 4 dwords",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 4), 9,
				0, 16, 0)},
		{"SHADER of 4 GiB of text",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 7), 9,
				1, 0x7fffffff, 300, 0, 0x47415246, 0)},
		{"SHADER of more text than there is",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 7), 9,
				1, 65536, 300, 0, 0x47415246, 0)},
		{"SHADER that goes on, without a first part",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 7), 9,
				1, VIRGL_OBJ_SHADER_OFFSET_CONT | 4096, 300, 0, 0x47415246, 0)},
		{"SHADER of 0 bytes of text",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 7), 9,
				1, 0, 300, 0, 0x47415246, 0)},
		{"SHADER of stage 99",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 7), 9,
				99, 8, 300, 0, 0x47415246, 0)},
		{"SHADER without NUL",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 6), 9,
				1, 4, 300, 0, 0x47415246)},
		{"SHADER of 0xffffffff outputs",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 7), 9,
				0, 8, 300, UINT32_MAX, 0x47415246, 0)},
		{"BIND_SHADER of stage 99",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_BIND_SHADER, 0, 2), 0, 99)},
		{"LINK_SHADER of none",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_LINK_SHADER, 0, 6), 1, 2, 3, 4, 5, 6)},
	};

	malformed_try(rows, LENGTH(rows));
}

static void case_submit_transfer(void)
{
	static const struct malformed rows[] = {
		{"TRANSFER3D of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13), 77, 0, 0, 0, 0, 0, 0,
				0, 8, 8, 1, 0, 1)},
		{"TRANSFER3D in direction 3", DWORDS(VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 13),
						      RES, 0, 0, 0, 0, 0, 0, 0, 8, 8, 1, 0, 3)},
		{"TRANSFER3D of 12 dwords", DWORDS(VIRGL_CMD0(VIRGL_CCMD_TRANSFER3D, 0, 12),
						    RES, 0, 0, 0, 0, 0, 0, 0, 8, 8, 1, 0)},
		{"COPY_TRANSFER3D from a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), RES, 0, 0, 0, 0,
				0, 0, 0, 8, 8, 1, 77, 0, 0)},
		{"COPY_TRANSFER3D from itself, beyond",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_COPY_TRANSFER3D, 0, 14), RES, 0, 0, 0, 0,
				0, 0, 0, 64, 64, 1, RES, UINT32_MAX, 3)},
		{"RESOURCE_INLINE_WRITE beyond its data",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_RESOURCE_INLINE_WRITE, 0, 12), RES, 0, 0,
				0, 0, 0, 0, 0, 64, 64, 1, 0xff00ff00)},
		{"RESOURCE_INLINE_WRITE without data",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_RESOURCE_INLINE_WRITE, 0, 11), RES, 0, 0,
				0, 0, 0, 0, 0, 64, 64, 1)},
		{"RESOURCE_INLINE_WRITE of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_RESOURCE_INLINE_WRITE, 0, 12), 77, 0, 0, 0,
				0, 0, 0, 0, 1, 1, 1, 0)},
		{"GET_QUERY_RESULT of none",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_GET_QUERY_RESULT, 0, 2), 77, 1)},
		{"CLEAR_TEXTURE beyond",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CLEAR_TEXTURE, 0, 12), RES, 99, 0, 0, 0,
				UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0, 0, 0)},
		{"GET_MEMORY_INFO into a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_GET_MEMORY_INFO, 0, 1), 77)},
		{"SET_VERTEX_BUFFERS of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_VERTEX_BUFFERS, 0, 3), 16, 0, 77)},
		{"SET_UNIFORM_BUFFER of a dead resource",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_UNIFORM_BUFFER, 0, 5), 0, 0, 0, 64,
				77)},
	};

	malformed_try(rows, LENGTH(rows));
}

/* Slots and counts beyond what there is. */
static void case_submit_slots(void)
{
	static const struct malformed rows[] = {
		{"SET_VERTEX_BUFFERS, 10 of them",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_VERTEX_BUFFERS, 0, 30), 0, 0, RES, 0,
				0, RES, 0, 0, RES, 0, 0, RES, 0, 0, RES, 0, 0, RES, 0, 0, RES,
				0, 0, RES, 0, 0, RES, 0, 0, RES)},
		{"SET_SAMPLER_VIEWS of slot 31, two",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SAMPLER_VIEWS, 0, 4), 1, 31, 0, 0)},
		{"SET_SAMPLER_VIEWS of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SAMPLER_VIEWS, 0, 3), 1, UINT32_MAX,
				0)},
		{"SET_SAMPLER_VIEWS of shader 99",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SAMPLER_VIEWS, 0, 3), 99, 0, 0)},
		{"BIND_SAMPLER_STATES of slot 31, two",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_BIND_SAMPLER_STATES, 0, 4), 1, 31, 0, 0)},
		{"BIND_SAMPLER_STATES of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_BIND_SAMPLER_STATES, 0, 3), 1, UINT32_MAX,
				0)},
		{"SET_SCISSOR_STATE from slot 15, two",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SCISSOR_STATE, 0, 5), 15, 0, 0, 0, 0)},
		{"SET_SCISSOR_STATE from slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SCISSOR_STATE, 0, 3), UINT32_MAX, 0,
				0)},
		{"SET_VIEWPORT_STATE from slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_VIEWPORT_STATE, 0, 7), UINT32_MAX, 0,
				0, 0, 0, 0, 0)},
		{"SET_STREAMOUT_TARGETS, 20 of them",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_STREAMOUT_TARGETS, 0, 21), 0, 1, 2, 3,
				4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)},
		{"SET_SHADER_BUFFERS of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SHADER_BUFFERS, 0, 5), 1, UINT32_MAX,
				0, 64, RES)},
		{"SET_SHADER_IMAGES of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_SHADER_IMAGES, 0, 7), 1, UINT32_MAX, 1,
				0, 0, 0, RES)},
		{"SET_ATOMIC_BUFFERS of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_ATOMIC_BUFFERS, 0, 4), UINT32_MAX, 0,
				64, RES)},
		{"SET_UNIFORM_BUFFER of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_UNIFORM_BUFFER, 0, 5), 1, UINT32_MAX,
				0, 64, RES)},
		{"SET_CONSTANT_BUFFER of slot 0xffffffff",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_CONSTANT_BUFFER, 0, 6), 1, UINT32_MAX,
				1, 2, 3, 4)},
		{"SET_INDEX_BUFFER of a picture",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_INDEX_BUFFER, 0, 3), RES, 99,
				UINT32_MAX)},
		{"SET_FRAMEBUFFER_STATE of 9 surfaces",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 11), 9, 0, 1, 2,
				3, 4, 5, 6, 7, 8, 9)},
		{"VERTEX_ELEMENTS, 7 of unknown formats",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT,
				       VIRGL_OBJECT_VERTEX_ELEMENTS, 29),
				9, UINT32_MAX, UINT32_MAX, 99, 0xffff, 0, 0, 0, 9999, 0, 0, 0,
				0, 0, 0, 0, 322, 0, 0, 0, 500, 0, 0, 0, 1, 0, 0, 0, 1)},
		{"SURFACE of level 99, layers beyond",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5), 9,
				RES, 1, 99, UINT32_MAX,
				VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3), 1, 0, 9)},
		{"SAMPLER_VIEW of level 99, swizzles of 7",
			DWORDS(VIRGL_CMD0(
				       VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_VIEW, 6),
				9, RES, 1, UINT32_MAX, UINT32_MAX, UINT32_MAX,
				VIRGL_CMD0(VIRGL_CCMD_SET_SAMPLER_VIEWS, 0, 3), 1, 0, 9)},
		{"SAMPLER_STATE of ones, bound",
			DWORDS(VIRGL_CMD0(
				       VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_STATE, 9),
				9, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0, 0, 0,
				VIRGL_CMD0(VIRGL_CCMD_BIND_SAMPLER_STATES, 0, 3), 1, 0, 9)},
		{"BLEND of ones, bound",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_BLEND, 11), 9,
				UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
				UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
				VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_BLEND, 1), 9)},
		{"DSA of ones, bound",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_DSA, 5), 9,
				UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
				VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_DSA, 1), 9)},
		{"RASTERIZER of ones, bound",
			DWORDS(VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_RASTERIZER, 9),
				9, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
				UINT32_MAX, UINT32_MAX, UINT32_MAX,
				VIRGL_CMD0(VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_RASTERIZER, 1),
				9)},
	};

	malformed_try(rows, LENGTH(rows));
}

/* One good command in front of a bad one, and the context after an error. */
static void case_submit_error_sticks(void)
{
	static const uint32_t bad[] = {VIRGL_CMD0(200, 0, 0)};
	static const float colour[4] = {0, 1, 0, 1};

	setting_create();
	submit_clear(CTX, RES, colour, "surface, clear");
	submit(CTX, bad, LENGTH(bad), "operation 200");
	submit_clear(CTX, RES, colour, "the same surface and clear, after an error");
	transfer_both(RES, "after an error");
	setting_destroy();
}

/* Always the same numbers: of the xorshift kind. */
static uint32_t random_seed;

static uint32_t random_next(void)
{
	random_seed ^= random_seed << 13;
	random_seed ^= random_seed >> 17;
	random_seed ^= random_seed << 5;
	return random_seed;
}

static void random_start(void)
{
	random_seed = (uint32_t)environment_number("seed", 2463534242u);
}

/* Numbers without any sense. */
static void case_submit_garbage(void)
{
	uint32_t dwords[64];
	char text[32];

	random_start();
	setting_create();
	ctx_destroy(CTX);
	for (unsigned i = 0; i < 40; i++) {
		for (size_t j = 0; j < LENGTH(dwords); j++) {
			dwords[j] = random_next();
		}
		/* a known operation with a length that fits, so that more than the header
		 * is read */
		const uint32_t seed = random_next();
		dwords[0] = VIRGL_CMD0(1 + i, seed >> 28, 4 + (seed >> 8) % 16);
		snprintf(text, sizeof(text), "garbage, operation %u", 1 + i);
		ctx_create(CTX);
		ctx_attach(CTX, RES);
		submit(CTX, dwords, LENGTH(dwords), text);
		ctx_destroy(CTX);
	}
	resource_unref(RES);
}

/* A number that a command may well hold: small, a resource, a handle, or without sense. */
static uint32_t random_plausible(void)
{
	static const uint32_t rows[] = {0, 1, 2, 3, 4, RES, 8, 15, 16, 31, 32, 64, 255,
		0x3f800000, 0x80000000, UINT32_MAX};
	uint32_t value = random_next();
	return value % 32 ? rows[value / 32 % LENGTH(rows)] : random_next();
}

/* Commands of lengths that the renderer takes, so that it looks at their numbers. */
static const struct {
	uint8_t op, object;
	uint16_t length;
} shapes[] = {
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_BLEND, 11},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_RASTERIZER, 9},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_DSA, 5},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_VERTEX_ELEMENTS, 9},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_VIEW, 6},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_STATE, 9},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_QUERY, 4},
	{VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_STREAMOUT_TARGET, 4},
	{VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_BLEND, 1},
	{VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_RASTERIZER, 1},
	{VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_DSA, 1},
	{VIRGL_CCMD_BIND_OBJECT, VIRGL_OBJECT_VERTEX_ELEMENTS, 1},
	{VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_BLEND, 1},
	{VIRGL_CCMD_SET_VIEWPORT_STATE, 0, 7},
	{VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 4},
	{VIRGL_CCMD_SET_VERTEX_BUFFERS, 0, 6},
	{VIRGL_CCMD_CLEAR, 0, 8},
	{VIRGL_CCMD_DRAW_VBO, 0, 12},
	{VIRGL_CCMD_RESOURCE_INLINE_WRITE, 0, 14},
	{VIRGL_CCMD_SET_SAMPLER_VIEWS, 0, 4},
	{VIRGL_CCMD_SET_INDEX_BUFFER, 0, 3},
	{VIRGL_CCMD_SET_CONSTANT_BUFFER, 0, 6},
	{VIRGL_CCMD_SET_STENCIL_REF, 0, 1},
	{VIRGL_CCMD_SET_BLEND_COLOR, 0, 4},
	{VIRGL_CCMD_SET_SCISSOR_STATE, 0, 3},
	{VIRGL_CCMD_BLIT, 0, 21},
	{VIRGL_CCMD_RESOURCE_COPY_REGION, 0, 13},
	{VIRGL_CCMD_BIND_SAMPLER_STATES, 0, 4},
	{VIRGL_CCMD_BEGIN_QUERY, 0, 1},
	{VIRGL_CCMD_END_QUERY, 0, 1},
	{VIRGL_CCMD_GET_QUERY_RESULT, 0, 2},
	{VIRGL_CCMD_SET_POLYGON_STIPPLE, 0, 32},
	{VIRGL_CCMD_SET_CLIP_STATE, 0, 32},
	{VIRGL_CCMD_SET_SAMPLE_MASK, 0, 1},
	{VIRGL_CCMD_SET_STREAMOUT_TARGETS, 0, 3},
	{VIRGL_CCMD_SET_RENDER_CONDITION, 0, 3},
	{VIRGL_CCMD_SET_UNIFORM_BUFFER, 0, 5},
	{VIRGL_CCMD_CREATE_SUB_CTX, 0, 1},
	{VIRGL_CCMD_SET_SUB_CTX, 0, 1},
	{VIRGL_CCMD_DESTROY_SUB_CTX, 0, 1},
	{VIRGL_CCMD_BIND_SHADER, 0, 2},
	{VIRGL_CCMD_SET_TESS_STATE, 0, 6},
	{VIRGL_CCMD_SET_MIN_SAMPLES, 0, 1},
	{VIRGL_CCMD_SET_SHADER_BUFFERS, 0, 5},
	{VIRGL_CCMD_SET_SHADER_IMAGES, 0, 7},
	{VIRGL_CCMD_MEMORY_BARRIER, 0, 1},
	{VIRGL_CCMD_LAUNCH_GRID, 0, 8},
	{VIRGL_CCMD_SET_FRAMEBUFFER_STATE_NO_ATTACH, 0, 2},
	{VIRGL_CCMD_TEXTURE_BARRIER, 0, 1},
	{VIRGL_CCMD_SET_ATOMIC_BUFFERS, 0, 4},
	{VIRGL_CCMD_GET_QUERY_RESULT_QBO, 0, 6},
	{VIRGL_CCMD_TRANSFER3D, 0, 13},
	{VIRGL_CCMD_COPY_TRANSFER3D, 0, 14},
	{VIRGL_CCMD_SET_TWEAKS, 0, 2},
	{VIRGL_CCMD_CLEAR_TEXTURE, 0, 12},
	{VIRGL_CCMD_PIPE_RESOURCE_CREATE, 0, 11},
	{VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE, 0, 8},
	{VIRGL_CCMD_GET_MEMORY_INFO, 0, 1},
	{VIRGL_CCMD_LINK_SHADER, 0, 6},
};

/* Handles are 1 to 4: an object of any kind may answer to them. */
static size_t random_command(uint32_t *dwords)
{
	const size_t row = random_next() % LENGTH(shapes);
	dwords[0] = VIRGL_CMD0(shapes[row].op, shapes[row].object, shapes[row].length);
	for (size_t i = 1; i <= shapes[row].length; i++) {
		dwords[i] = random_plausible();
	}
	if (shapes[row].op == VIRGL_CCMD_CREATE_OBJECT) {
		dwords[VIRGL_OBJ_CREATE_HANDLE] = 1 + random_next() % 4;
	}
	return (size_t)shapes[row].length + 1;
}

/* Operations with numbers that half make sense, in contexts that live until an error. */
static void case_submit_random(void)
{
	struct {
		struct virtio_gpu_cmd_submit submit;
		uint32_t dwords[256];
	} command;

	random_start();
	setting_create();
	loop_begin();
	for (unsigned i = 0; i < 3000; i++) {
		size_t count = 0;
		if (i % 8 == 0) {
			ctx_destroy(CTX);
			ctx_create(CTX);
			ctx_attach(CTX, RES);
		}
		for (unsigned j = 0; j < 3; j++) {
			count += random_command(command.dwords + count);
		}
		command.submit = (struct virtio_gpu_cmd_submit){
			header(VIRTIO_GPU_CMD_SUBMIT_3D, CTX),
			.size = (uint32_t)(count * sizeof(uint32_t)),
		};
		loop_note(request_send(QUEUE_CONTROL, &command,
			sizeof(command.submit) + command.submit.size, RESPONSE_SIZE, "random"));
	}
	loop_end(VIRTIO_GPU_CMD_SUBMIT_3D, "random, with new contexts between");
	setting_destroy();
}

/* Cases: scanouts and cursors */

static void case_scanout_id(void)
{
	static const uint32_t ids[] = {1, 2, 15, 16, 17, 0x80000000, UINT32_MAX};

	setting_create();
	for (size_t i = 0; i < LENGTH(ids); i++) {
		scanout_set(ids[i], RES);
		scanout_set(ids[i], 0);
	}
	setting_destroy();
}

static void scanout_show(struct virtio_gpu_rect rect, uint32_t resource_id)
{
	struct virtio_gpu_set_scanout set = {
		header(VIRTIO_GPU_CMD_SET_SCANOUT, 0), rect, 0, resource_id};
	COMMAND(set, "%" PRIu32 "x%" PRIu32 " at (%" PRIu32 ", %" PRIu32 ")", rect.width,
		rect.height, rect.x, rect.y);
	resource_flush(resource_id);
}

static void scanouts_try(const struct virtio_gpu_rect *rects, size_t count)
{
	setting_create();
	for (size_t i = 0; i < count; i++) {
		scanout_show(rects[i], RES);
	}
	scanout_set(0, 0);
	setting_destroy();
}

static void case_scanout_rect(void)
{
	static const struct virtio_gpu_rect rects[] = {
		{0, 0, 0, 0},
		{0, 0, 64, 0},
		{0, 0, 1, 1},
		{0, 0, 65, 64},
		{64, 64, 64, 64},
		{UINT32_MAX, UINT32_MAX, 1, 1},
		{UINT32_MAX, UINT32_MAX, 64, 64},
		{0x80000000, 0, 16, 16},
		/* the last one stays after the reset: see case_reset_scanout_small */
		{0, 0, 640, 480},
	};

	scanouts_try(rects, LENGTH(rects));
}

static void case_scanout_rect_huge(void)
{
	static const struct virtio_gpu_rect rects[] = {
		{0, 0, 100000, 100000},
		{0, 0, 0x7fffffff, 0x7fffffff},
		{0, 0, UINT32_MAX, UINT32_MAX},
	};

	scanouts_try(rects, LENGTH(rects));
}

static void case_flush_rect(void)
{
	static const struct virtio_gpu_rect rects[] = {
		{0, 0, 0, 0},
		{0, 0, UINT32_MAX, UINT32_MAX},
		{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
		{64, 64, 1, 1},
		{0x80000000, 0x80000000, 0x80000000, 0x80000000},
	};

	setting_create();
	scanout_set(0, RES);
	for (size_t i = 0; i < LENGTH(rects); i++) {
		struct virtio_gpu_resource_flush flush = {
			header(VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0), rects[i], RES, 0};
		COMMAND(flush, "rectangle %zu", i);
	}
	scanout_set(0, 0);
	setting_destroy();
}

static void case_scanout_kind(void)
{
	struct virtio_gpu_resource_create_3d create = create_3d(RES);

	create.target = PIPE_BUFFER;
	create.format = FORMAT_R8_UNORM;
	create.bind = VIRGL_BIND_VERTEX_BUFFER;
	create.height = 1;
	COMMAND(create, "a vertex buffer");
	scanout_set(0, RES);
	resource_flush(RES);
	scanout_set(0, 0);
	resource_unref(RES);
	create = create_3d(RES);
	create.target = PIPE_TEXTURE_3D;
	create.depth = 4;
	COMMAND(create, "a picture with depth");
	scanout_set(0, RES);
	resource_flush(RES);
	scanout_set(0, 0);
	resource_unref(RES);
}

static void cursor_send(const void *bytes, size_t size, uint32_t room, const char *text)
{
	request_send(QUEUE_CURSOR, bytes, size, room, "%s", text);
}

static void case_cursor(void)
{
	struct virtio_gpu_update_cursor cursor = {
		header(VIRTIO_GPU_CMD_UPDATE_CURSOR, 0), .resource_id = RES};

	setting_create();
	cursor_send(&cursor, sizeof(cursor), 64, "a resource of 64x64");
	cursor_send(&cursor, sizeof(cursor), 0, "without room for a response");
	cursor.hot_x = UINT32_MAX;
	cursor.hot_y = 0x80000000;
	cursor.pos.x = UINT32_MAX;
	cursor.pos.y = UINT32_MAX;
	cursor_send(&cursor, sizeof(cursor), 64, "far away, hot spot outside");
	cursor.resource_id = 77;
	cursor_send(&cursor, sizeof(cursor), 64, "dead resource");
	cursor.resource_id = 0;
	cursor_send(&cursor, sizeof(cursor), 64, "no resource");
	cursor.pos.scanout_id = 1;
	cursor_send(&cursor, sizeof(cursor), 64, "scanout 1");
	cursor.pos.scanout_id = 77;
	cursor_send(&cursor, sizeof(cursor), 64, "scanout 77");
	cursor.pos.scanout_id = UINT32_MAX;
	cursor_send(&cursor, sizeof(cursor), 64, "scanout 0xffffffff");
	cursor = (struct virtio_gpu_update_cursor){
		header(VIRTIO_GPU_CMD_MOVE_CURSOR, 0), .resource_id = 0};
	cursor_send(&cursor, sizeof(cursor), 64, "move");
	cursor.pos.x = UINT32_MAX;
	cursor.resource_id = 77;
	cursor_send(&cursor, sizeof(cursor), 64, "move far away with a dead resource");
	cursor_send(&cursor, sizeof(cursor) - 1, 64, "short by a byte");
	cursor_send(&cursor, sizeof(cursor.hdr), 64, "a header only");
	cursor_send(&cursor, 3, 64, "3 bytes");
	cursor_send(&cursor, 0, 64, "nothing but a response");
	setting_destroy();
}

static void case_cursor_type(void)
{
	static const uint32_t types[] = {0, 0x0302, 0x03ff, 0x8000, 0x8004, 0x10300, UINT32_MAX,
		/* control commands are for the other queue */
		VIRTIO_GPU_CMD_GET_DISPLAY_INFO, VIRTIO_GPU_CMD_CTX_CREATE,
		VIRTIO_GPU_CMD_SUBMIT_3D, VIRTIO_GPU_CMD_RESOURCE_UNREF};
	struct virtio_gpu_update_cursor cursor = {.resource_id = RES};

	setting_create();
	for (size_t i = 0; i < LENGTH(types); i++) {
		cursor.hdr.type = types[i];
		cursor_send(&cursor, sizeof(cursor), 64, "not a cursor's type");
	}
	cursor.hdr = fenced(VIRTIO_GPU_CMD_UPDATE_CURSOR, CTX, 7);
	cursor_send(&cursor, sizeof(cursor), 64, "fenced");
	setting_destroy();
}

/* The number of a picture that is not 64x64, a buffer, and one that goes away. */
static void case_cursor_resource(void)
{
	struct virtio_gpu_update_cursor cursor = {
		header(VIRTIO_GPU_CMD_UPDATE_CURSOR, 0), .resource_id = RES};
	struct virtio_gpu_resource_create_3d create = create_3d(RES);

	create.width = 200;
	COMMAND(create, "200x64");
	cursor_send(&cursor, sizeof(cursor), 64, "a resource of 200x64");
	resource_unref(RES);
	cursor_send(&cursor, sizeof(cursor), 64, "a resource that is gone");
	create = create_3d(RES);
	create.target = PIPE_BUFFER;
	create.format = FORMAT_R8_UNORM;
	create.bind = VIRGL_BIND_VERTEX_BUFFER;
	create.height = 1;
	COMMAND(create, "a buffer of 64 bytes");
	cursor_send(&cursor, sizeof(cursor), 64, "a buffer of 64 bytes");
	resource_unref(RES);
	create = create_3d(RES);
	create.format = FORMAT_R8_UNORM;
	COMMAND(create, "64x64, one byte a texel");
	cursor_send(&cursor, sizeof(cursor), 64, "64x64, one byte a texel");
	resource_unref(RES);
}

/* Cases: fences */

static void case_fence_order(void)
{
	static const uint64_t ids[] = {5, 3, 9, 9, 4, 1, 0, 0, 9, 2, 100, 7};
	struct request *requests[LENGTH(ids)];
	char text[40];

	for (size_t i = 0; i < LENGTH(ids); i++) {
		struct virtio_gpu_ctx_create create = {
			fenced(VIRTIO_GPU_CMD_CTX_CREATE, CTX + (uint32_t)i, ids[i]),
			.nlen = 0};
		snprintf(text, sizeof(text), "fence %" PRIu64 ", all at once", ids[i]);
		requests[i] = request_post(
			QUEUE_CONTROL, &create, sizeof(create), RESPONSE_SIZE, text);
	}
	/* which are answered depends on when the host looks at its fences */
	usleep(300000);
	queue_collect(&queues[QUEUE_CONTROL]);
	for (size_t i = 0; i < LENGTH(ids); i++) {
		request_say_any(&queues[QUEUE_CONTROL], requests[i]);
	}
}

static void case_fence_id(void)
{
	static const uint64_t ids[] = {
		0x7fffffff,
		0x80000000,
		UINT32_MAX,
		0,
		1,
		UINT64_C(0x100000001),
		UINT64_C(0x8000000000000000),
		UINT64_MAX,
	};

	for (size_t i = 0; i < LENGTH(ids); i++) {
		struct virtio_gpu_ctx_create create = {
			fenced(VIRTIO_GPU_CMD_CTX_CREATE, CTX + (uint32_t)i, ids[i]),
			.nlen = 0};
		COMMAND(create, "fence 0x%" PRIx64, ids[i]);
	}
}

static void case_fence_ring(void)
{
	static const uint8_t rings_of_context[] = {0, 1, 63, 64, 255};
	static const uint32_t contexts[] = {CTX, 0, 77};

	ctx_create(CTX);
	for (size_t i = 0; i < LENGTH(rings_of_context) * LENGTH(contexts); i++) {
		struct virtio_gpu_cmd_submit submit_nothing = {
			fenced(VIRTIO_GPU_CMD_SUBMIT_3D, contexts[i % LENGTH(contexts)], 1 + i),
			.size = 0};
		submit_nothing.hdr.flags |= VIRTIO_GPU_FLAG_INFO_RING_IDX;
		submit_nothing.hdr.ring_idx = rings_of_context[i / LENGTH(contexts)];
		COMMAND(submit_nothing, "fence of ring %u, context %" PRIu32,
			submit_nothing.hdr.ring_idx, submit_nothing.hdr.ctx_id);
	}
	ctx_destroy(CTX);
}

static void case_fence_flags(void)
{
	static const uint32_t flags[] = {4, 0x80000000, UINT32_MAX - 1, UINT32_MAX};

	for (size_t i = 0; i < LENGTH(flags); i++) {
		struct virtio_gpu_ctx_create create = {
			fenced(VIRTIO_GPU_CMD_CTX_CREATE, CTX, 1 + i), .nlen = 0};
		create.hdr.flags = flags[i];
		memset(create.hdr.padding, 0xff, sizeof(create.hdr.padding));
		COMMAND(create, "flags 0x%" PRIx32, flags[i]);
	}
	/* a fence on what fails */
	struct virtio_gpu_set_scanout set = {
		fenced(VIRTIO_GPU_CMD_SET_SCANOUT, 0, 50), {0, 0, 8, 8}, 77, 77};
	COMMAND(set, "scanout 77, fenced");
	struct virtio_gpu_ctrl_hdr unknown = fenced(0x0fff, 0, 51);
	COMMAND(unknown, "unknown type, fenced");
}

/* Cases: contexts, capsets and absurd resources */

static void case_context(void)
{
	static const struct {
		uint32_t id, nlen, init;
	} rows[] = {
		{0, 7, 0},
		{UINT32_MAX, 7, 0},
		{0x80000000, 7, 0},
		{2, 0, 0},
		{3, 63, 0},
		{4, 64, 0},
		{5, 65, 0},
		{6, 4096, 0},
		{7, 0x7fffffff, 0},
		{8, UINT32_MAX, 0},
		{9, 7, 1},
		{10, 7, 2},
		{11, 7, 4},
		{12, 7, 0xff},
		{13, 7, UINT32_MAX},
	};
	struct virtio_gpu_ctx_create create;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		memset(&create, 'x', sizeof(create));
		create.hdr = header(VIRTIO_GPU_CMD_CTX_CREATE, rows[i].id);
		create.nlen = rows[i].nlen;
		create.context_init = rows[i].init;
		COMMAND(create, "context 0x%" PRIx32 ", name of 0x%" PRIx32 ", init 0x%" PRIx32,
			rows[i].id, rows[i].nlen, rows[i].init);
		ctx_destroy(rows[i].id);
	}
}

static void case_capset(void)
{
	static const struct {
		uint32_t id, version, room;
	} rows[] = {
		{1, 1, RESPONSE_SIZE},
		{2, 2, RESPONSE_SIZE},
		{0, 0, RESPONSE_SIZE},
		{3, 1, RESPONSE_SIZE},
		{7, 1, RESPONSE_SIZE},
		{UINT32_MAX, 1, RESPONSE_SIZE},
		{1, 0, RESPONSE_SIZE},
		{1, 99, RESPONSE_SIZE},
		{2, 0, RESPONSE_SIZE},
		{2, UINT32_MAX, RESPONSE_SIZE},
		{2, 2, 24},
		{2, 2, 23},
		{2, 2, 1},
		{2, 2, 100},
	};
	static const uint32_t indices[] = {0, 1, 2, 3, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < LENGTH(indices); i++) {
		struct virtio_gpu_get_capset_info info = {
			header(VIRTIO_GPU_CMD_GET_CAPSET_INFO, 0), indices[i], 0};
		COMMAND(info, "index 0x%" PRIx32, indices[i]);
	}
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct virtio_gpu_get_capset get = {
			header(VIRTIO_GPU_CMD_GET_CAPSET, 0), rows[i].id, rows[i].version};
		request_send(QUEUE_CONTROL, &get, sizeof(get), rows[i].room,
			"capset 0x%" PRIx32 " of version 0x%" PRIx32 ", room of %" PRIu32,
			rows[i].id, rows[i].version, rows[i].room);
	}
}

static void creates_try(const struct virtio_gpu_resource_create_3d *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct virtio_gpu_resource_create_3d create = rows[i];
		create.hdr = header(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0);
		create.resource_id = RES;
		COMMAND(create,
			"%" PRIu32 "x%" PRIu32 "x%" PRIu32 " target %" PRIu32 " format %" PRIu32
			" array %" PRIu32 " level %" PRIu32 " samples %" PRIu32,
			create.width, create.height, create.depth, create.target, create.format,
			create.array_size, create.last_level, create.nr_samples);
		transfer_both(RES, "of it");
		resource_unref(RES);
	}
}

/* A row of a table of resources: width, height and depth follow the first four. */
#define RESOURCE(target_, format_, bind_, w, h, d, array, level, samples) \
	{ \
		.target = (target_), .format = (format_), .bind = (bind_), .width = (w), \
		.height = (h), .depth = (d), .array_size = (array), .last_level = (level), \
		.nr_samples = (samples) \
	}

static void case_create_3d(void)
{
	enum {
		RT = VIRGL_BIND_RENDER_TARGET,
		VB = VIRGL_BIND_VERTEX_BUFFER,
	};
	static const struct virtio_gpu_resource_create_3d rows[] = {
		RESOURCE(2, 1, RT, 0, 0, 0, 0, 0, 0),
		RESOURCE(2, 1, RT, 0, 64, 1, 1, 0, 0),
		RESOURCE(2, 1, RT, 64, 64, 0, 0, 0, 0),
		RESOURCE(2, 1, RT, 64, 64, 2, 1, 0, 0),
		RESOURCE(2, 1, RT, 64, 64, 1, 2, 0, 0),
		RESOURCE(2, 1, RT, 64, 64, 1, 1, 7, 0),
		RESOURCE(2, 1, RT, 64, 64, 1, 1, 99, 0),
		RESOURCE(2, 1, RT, 64, 64, 1, 1, UINT32_MAX, 0),
		RESOURCE(2, 1, RT, 64, 64, 1, 1, 0, 3),
		RESOURCE(2, 1, RT, 64, 64, 1, 1, 0, 99),
		RESOURCE(2, 1, RT, 64, 64, 1, 1, 0, UINT32_MAX),
		RESOURCE(2, 0, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(2, 17, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(2, 9999, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(2, UINT32_MAX, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(9, 1, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(255, 1, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(UINT32_MAX, 1, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(2, 1, 0, 64, 64, 1, 1, 0, 0),
		RESOURCE(2, 1, UINT32_MAX, 64, 64, 1, 1, 0, 0),
		RESOURCE(PIPE_TEXTURE_CUBE, 1, RT, 64, 32, 1, 6, 0, 0),
		RESOURCE(PIPE_TEXTURE_CUBE, 1, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(PIPE_TEXTURE_CUBE_ARRAY, 1, RT, 64, 64, 1, 7, 0, 0),
		RESOURCE(PIPE_TEXTURE_1D, 1, RT, 64, 64, 1, 1, 0, 0),
		RESOURCE(PIPE_TEXTURE_RECT, 1, RT, 64, 64, 1, 1, 3, 0),
		RESOURCE(PIPE_BUFFER, FORMAT_R8_UNORM, VB, 64, 64, 64, 64, 0, 0),
		RESOURCE(PIPE_BUFFER, FORMAT_R8_UNORM, VB, 0, 1, 1, 1, 0, 0),
		RESOURCE(PIPE_BUFFER, 1, RT, 64, 1, 1, 1, 0, 0),
	};

	creates_try(rows, LENGTH(rows));
}

static void case_create_3d_huge(void)
{
	enum {
		RT = VIRGL_BIND_RENDER_TARGET,
		VB = VIRGL_BIND_VERTEX_BUFFER,
	};
	static const struct virtio_gpu_resource_create_3d rows[] = {
		RESOURCE(2, 1, RT, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0),
		RESOURCE(2, 1, RT, UINT32_MAX, 1, 1, 1, 0, 0),
		RESOURCE(2, 1, RT, 65536, 65536, 1, 1, 0, 0),
		RESOURCE(2, 1, RT, 0x80000000, 0x80000000, 1, 1, 0, 0),
		RESOURCE(PIPE_TEXTURE_3D, 1, RT, 65536, 65536, 65536, 1, 0, 0),
		RESOURCE(PIPE_TEXTURE_2D_ARRAY, 1, RT, 64, 64, 1, UINT32_MAX, 0, 0),
		RESOURCE(PIPE_TEXTURE_2D_ARRAY, 1, RT, 64, 64, 1, 65536, 0, 0),
		RESOURCE(PIPE_BUFFER, FORMAT_R8_UNORM, VB, UINT32_MAX, 1, 1, 1, 0, 0),
		RESOURCE(PIPE_BUFFER, FORMAT_R8_UNORM, VB, 0x80000000, 1, 1, 1, 0, 0),
		/* guest memory as resource */
		RESOURCE(PIPE_BUFFER, FORMAT_R8_UNORM, VIRGL_BIND_CUSTOM, UINT32_MAX, 1, 1, 1,
			0, 0),
		RESOURCE(PIPE_BUFFER, FORMAT_R8_UNORM, VIRGL_BIND_STAGING, UINT32_MAX, 1, 1, 1,
			0, 0),
	};

	creates_try(rows, LENGTH(rows));
}

static void case_create_2d(void)
{
	static const struct {
		uint32_t id, format, width, height;
	} rows[] = {
		{0, 1, 64, 64},
		{UINT32_MAX, 1, 64, 64},
		{RES, 0, 64, 64},
		{RES, 9999, 64, 64},
		{RES, 1, 0, 0},
		{RES, 1, UINT32_MAX, UINT32_MAX},
		{RES, 1, 65536, 65536},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct virtio_gpu_resource_create_2d create = {
			header(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0), rows[i].id,
			rows[i].format, rows[i].width, rows[i].height};
		COMMAND(create,
			"resource 0x%" PRIx32 " format %" PRIu32 " %" PRIu32 "x%" PRIu32,
			rows[i].id, rows[i].format, rows[i].width, rows[i].height);
		resource_flush(rows[i].id);
		resource_unref(rows[i].id);
	}
}

/* Features which were not negotiated. */
static void case_blob(void)
{
	static const uint32_t memories[] = {0, 1, 2, 3, 99};
	struct virtio_gpu_mem_entry entry = {memory.address, PAGE, 0};
	struct virtio_gpu_resource_map_blob map = {
		header(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, 0), RES, 0, 0};
	struct virtio_gpu_set_scanout_blob scanout = {
		header(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, 0),
		{0, 0, 64, 64},
		.resource_id = RES,
		.width = 64,
		.height = 64,
		.format = FORMAT_B8G8R8A8_UNORM,
		.strides = {256},
	};

	for (size_t i = 0; i < LENGTH(memories); i++) {
		struct virtio_gpu_resource_create_blob create = {
			header(VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, CTX),
			.resource_id = RES,
			.blob_mem = memories[i],
			.blob_flags = 1,
			.nr_entries = 1,
			.size = PAGE,
		};
		command_with(&create, sizeof(create), &entry, sizeof(entry), "blob of a page");
		create.nr_entries = UINT32_MAX;
		create.size = UINT64_MAX;
		command_with(
			&create, sizeof(create), &entry, sizeof(entry), "blob of everything");
		COMMAND(map, "at 0");
		map.offset = UINT64_MAX;
		COMMAND(map, "at the end");
		map.offset = 0;
		COMMAND(scanout, "blob scanout");
		scanout.scanout_id = 77;
		COMMAND(scanout, "blob scanout 77");
		scanout.scanout_id = 0;
		resource_command(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, RES);
		resource_command(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 0, RES);
		resource_unref(RES);
	}
}

static void case_edid(void)
{
	static const uint32_t ids[] = {0, 1, 15, 16, 77, UINT32_MAX};

	for (size_t i = 0; i < LENGTH(ids); i++) {
		struct virtio_gpu_get_edid get = {
			header(VIRTIO_GPU_CMD_GET_EDID, 0), ids[i], 0};
		COMMAND(get, "scanout 0x%" PRIx32, ids[i]);
	}
}

/* Cases: the queue itself */

/* Not in the arena, which other requests share. */
enum {
	RAW_COMMAND = HUGE_PAGE / 2,
	RAW_RESPONSE = RAW_COMMAND + PAGE,
};

static struct segment raw_command(void)
{
	struct virtio_gpu_ctrl_hdr command = header(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0);
	memcpy(memory.at + RAW_COMMAND, &command, sizeof(command));
	return (struct segment){memory.address + RAW_COMMAND, sizeof(command), 0};
}

static struct segment raw_response(uint32_t size)
{
	memset(memory.at + RAW_RESPONSE, FILLER, RESPONSE_SIZE);
	return (struct segment){memory.address + RAW_RESPONSE, size, VIRTQ_DESC_F_WRITE};
}

/* Sends descriptors as they stand; a queue that breaks over them is set up anew. */
static void raw_send(
	unsigned index, const struct segment *segments, unsigned count, const char *text)
{
	/* the response of one may have been written over it */
	raw_command();
	raw_response(RESPONSE_SIZE);
	struct request *request = queue_fill(&queues[index], segments, count);
	snprintf(request->text, sizeof(request->text), "%s", text);
	request->type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO;
	request->response = memory.at + RAW_RESPONSE;
	queue_kick(&queues[index], request_head(request));
	request_finish(index, request);
	if (device_broken()) {
		device_reset_aloud();
	}
}

static void case_descriptor(void)
{
	const uint64_t nowhere = UINT64_C(0x800000000000);
	const struct segment good = raw_command();
	const struct segment room = raw_response(RESPONSE_SIZE);
	struct segment bytes[SEGMENTS_MAX];

	for (unsigned i = 0; i < SEGMENTS_MAX - 1; i++) {
		bytes[i] = (struct segment){good.address + i, i == 6 ? 18 : 1, 0};
	}
	bytes[SEGMENTS_MAX - 1] = room;
	raw_send(0, bytes, SEGMENTS_MAX, "a command of single bytes");
	raw_send(0, (struct segment[]){good}, 1, "no room for a response");
	raw_send(0, (struct segment[]){good, raw_response(1)}, 2, "room of 1 byte");
	raw_send(0, (struct segment[]){good, raw_response(23)}, 2, "room of 23 bytes");
	raw_send(0, (struct segment[]){good, {good.address, RESPONSE_SIZE, VIRTQ_DESC_F_WRITE}},
		2, "the response over the command");
	raw_send(0, (struct segment[]){{good.address, 0, 0}, room}, 2, "0 bytes of command");
	raw_send(0, (struct segment[]){good, raw_response(0)}, 2, "0 bytes of response");
	raw_send(0, (struct segment[]){room, good}, 2, "writable before readable");
	raw_send(0, (struct segment[]){{nowhere, 24, 0}, room}, 2, "command nowhere");
	raw_send(0, (struct segment[]){good, {nowhere, 24, VIRTQ_DESC_F_WRITE}}, 2,
		"response nowhere");
	raw_send(0, (struct segment[]){{device_mmio, 24, 0}, room}, 2, "command in registers");
	raw_send(0, (struct segment[]){good, {device_mmio, 24, VIRTQ_DESC_F_WRITE}}, 2,
		"response into registers");
	raw_send(0, (struct segment[]){good, {0xf0000, 512, VIRTQ_DESC_F_WRITE}}, 2,
		"response into ROM");
	raw_send(0, (struct segment[]){{good.address, UINT32_MAX, 0}, room}, 2,
		"command of 4 GiB");
	raw_send(0, (struct segment[]){good, {room.address, UINT32_MAX, VIRTQ_DESC_F_WRITE}}, 2,
		"response of 4 GiB");
	raw_send(0, (struct segment[]){{good.address, 32, VIRTQ_DESC_F_INDIRECT}}, 1,
		"indirect, which was not negotiated");
	raw_send(0, (struct segment[]){{good.address, 24, 0xfff8}, room}, 2, "unknown flags");
}

static void raw_next(uint16_t next, const char *text)
{
	struct queue *queue = &queues[QUEUE_CONTROL];
	struct segment segments[] = {raw_command(), raw_response(RESPONSE_SIZE)};
	struct request *request = queue_fill(queue, segments, LENGTH(segments));
	volatile struct virtq_desc *last = &queue->desc[request->descriptors[1]];

	snprintf(request->text, sizeof(request->text), "%s", text);
	request->type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO;
	request->response = memory.at + RAW_RESPONSE;
	last->flags |= VIRTQ_DESC_F_NEXT;
	last->next = next;
	queue_kick(queue, request_head(request));
	request_finish(QUEUE_CONTROL, request);
	if (device_broken()) {
		device_reset_aloud();
	}
}

static void case_descriptor_chain(void)
{
	raw_next(0, "a chain that goes round");
	raw_next(QUEUE_MAX, "a chain that leaves the table");
	raw_next(UINT16_MAX, "a chain that leaves the table by far");
}

static void raw_ring(uint16_t head, uint16_t more, const char *text)
{
	struct queue *queue = &queues[QUEUE_CONTROL];
	struct segment segments[] = {raw_command(), raw_response(RESPONSE_SIZE)};
	struct request *request = queue_fill(queue, segments, LENGTH(segments));

	snprintf(request->text, sizeof(request->text), "%s", text);
	request->type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO;
	request->response = memory.at + RAW_RESPONSE;
	queue->avail_idx = (uint16_t)(queue->avail_idx + more);
	queue_kick(queue, head);
	request_finish(QUEUE_CONTROL, request);
	device_reset_aloud();
}

static void case_ring(void)
{
	raw_ring(QUEUE_MAX, 0, "a head behind the table");
	raw_ring(UINT16_MAX, 0, "a head far behind the table");
	raw_ring(0, QUEUE_MAX, "an index further ahead than the queue is long");
	raw_ring(0, 1, "an index one ahead: the same head twice");
}

/* Knocking at doors that are not there. */
static void case_notify(void)
{
	static const uint16_t indices[] = {2, 7, 255, UINT16_MAX};
	struct queue *queue = &queues[QUEUE_CONTROL];

	for (size_t i = 0; i < LENGTH(indices); i++) {
		*(queue->notify + indices[i] % 512 * (notify_multiplier / 2)) = indices[i];
		*queue->notify = indices[i];
		*common16(COMMON_QUEUE_SELECT) = indices[i];
		*common16(COMMON_QUEUE_ENABLE) = 1;
	}
	device_ping();
}

static void case_queue_nowhere(void)
{
	*common8(COMMON_DEVICE_STATUS) = 0;
	*common8(COMMON_DEVICE_STATUS) = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	for (uint16_t i = 0; i < QUEUES; i++) {
		*common16(COMMON_QUEUE_SELECT) = i;
		common_write64(COMMON_QUEUE_DESC, UINT64_C(0x800000000000));
		common_write64(COMMON_QUEUE_DRIVER, device_mmio);
		common_write64(COMMON_QUEUE_DEVICE, 0xf0000);
		*common16(COMMON_QUEUE_ENABLE) = 1;
	}
	*common8(COMMON_DEVICE_STATUS) =
		STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
	*queues[QUEUE_CONTROL].notify = 0;
	*queues[QUEUE_CURSOR].notify = 1;
	device_reset_aloud();
}

/* Cases: reset */

static void case_reset_outstanding(void)
{
	static const float colour[4] = {0, 0, 1, 1};
	struct virtio_gpu_transfer_host_3d transfer =
		transfer_3d(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, RES);

	for (unsigned round = 0; round < 3; round++) {
		struct request *requests[20];
		setting_create();
		submit_clear(CTX, RES, colour, "surface, clear");
		scanout_set(0, RES);
		for (unsigned i = 0; i < LENGTH(requests); i++) {
			transfer.hdr =
				fenced(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, CTX, 5000 + i);
			requests[i] = request_prepare(QUEUE_CONTROL, &transfer,
				sizeof(transfer), RESPONSE_SIZE, "fenced, before the reset");
		}
		/* the device learns of all of them at once */
		struct queue *queue = &queues[QUEUE_CONTROL];
		for (unsigned i = 0; i < LENGTH(requests); i++) {
			queue->avail[2 + queue->avail_idx++ % queue->size] =
				request_head(requests[i]);
		}
		__sync_synchronize();
		queue->avail[1] = queue->avail_idx;
		*queue->notify = 0;
		if (round == 1) {
			usleep(2000);
		}
		if (round == 2) {
			usleep(30000);
		}
		queue_collect(queue);
		for (unsigned i = 0; i < LENGTH(requests); i++) {
			request_say_any(queue, requests[i]);
		}
		device_reset_aloud();
		device_is_sane();
	}
}

/*
 * Of a virtio-vga-gl: a reset gives the console back to VGA, with a surface of the last
 * scanout's size, but VGA's vga_draw_text takes it for as large as its text, which has not
 * changed, and lets vga_draw_glyph9 draw the cursor's cell at each refresh: 9 pixels in each of
 * 16 rows, the first one 2048 bytes from the start of a surface of 1024. Surfaces of 64x64 have
 * room for the cell in which SeaBIOS leaves the cursor (column 0, line 2).
 */
static void case_reset_scanout_small(void)
{
	static const struct virtio_gpu_rect small = {0, 0, 16, 16};

	for (unsigned round = 0; round < 20; round++) {
		setting_create();
		scanout_show(small, RES);
		device_reset_aloud();
		/* the host draws when its time has come */
		usleep(100000);
	}
}

/* Resources, backings, scanouts and contexts that live across a reset, and their numbers. */
static void case_reset_live(void)
{
	static const float colour[4] = {0, 1, 1, 1};

	for (unsigned round = 0; round < 3; round++) {
		setting_create();
		submit_clear(CTX, RES, colour, "surface, clear");
		scanout_set(0, RES);
		resource_flush(RES);
		device_reset_aloud();
		if (round == 1) {
			/* at once again, before the renderer knows of the first */
			device_reset_aloud();
		}
		resource_flush(RES);
		transfer_both(RES, "of a resource from before the reset");
		submit_clear(CTX, RES, colour, "in a context from before the reset");
	}
}

/* The table. What the stock host cannot stand is not in `all`, and stands beside it. */
static const struct hostile_case cases[] = {
	{"sane", case_sane, NULL},
	{"short_header", case_short_header, NULL},
	{"short_command", case_short_command, NULL},
	{"short_command_fenced", case_short_command_fenced, NULL},
	{"zero_command", case_zero_command, NULL},
	{"ones_command", case_ones_command, NULL},
	{"long_command", case_long_command, NULL},
	{"submit_size", case_submit_size, NULL},
	{"submit_size_huge", case_submit_size_huge, NULL},
	{"submit_in_fences", case_submit_in_fences, NULL},
	{"submit_large", case_submit_large, NULL},
	{"type_unknown", case_type_unknown, NULL},
	{"type_reserved", case_type_reserved, NULL},
	{"backing_count", case_backing_count, NULL},
	{"backing_many", case_backing_many, NULL},
	{"backing_address", case_backing_address, NULL},
	{"backing_mmio", case_backing_mmio, NULL},
	{"backing_overlap", case_backing_overlap, NULL},
	{"backing_queue", case_backing_queue, NULL},
	{"backing_command", case_backing_command, NULL},
	{"readback_into_queue", case_readback_into_queue, NULL},
	{"backing_twice", case_backing_twice, NULL},
	{"dead_resource", case_dead_resource, NULL},
	{"dead_context", case_dead_context, NULL},
	{"twice", case_twice, NULL},
	{"unref_attached", case_unref_attached, NULL},
	{"unref_scanout", case_unref_scanout, NULL},
	{"unref_then_transfer", case_unref_then_transfer, NULL},
	{"many_resources", case_many_resources, NULL},
	{"transfer_to_host", case_transfer_to_host, NULL},
	{"transfer_from_host", case_transfer_from_host, NULL},
	{"transfer_in_stream", case_transfer_in_stream, NULL},
	{"transfer_2d", case_transfer_2d, NULL},
	{"submit_malformed", case_submit_malformed, NULL},
	{"submit_object", case_submit_object, NULL},
	{"submit_transfer", case_submit_transfer, NULL},
	{"submit_slots", case_submit_slots, NULL},
	{"submit_error_sticks", case_submit_error_sticks, NULL},
	{"submit_garbage", case_submit_garbage, NULL},
	{"submit_random", case_submit_random, NULL},
	{"scanout_id", case_scanout_id, NULL},
	{"scanout_rect", case_scanout_rect, NULL},
	/* QEMU 7.2 takes any size for its console's surface */
	{"scanout_rect_huge", case_scanout_rect_huge,
		"qemu_create_displaysurface: assertion `surface->image != NULL'"},
	{"flush_rect", case_flush_rect, NULL},
	{"scanout_kind", case_scanout_kind, NULL},
	{"cursor", case_cursor, NULL},
	{"cursor_type", case_cursor_type, NULL},
	{"cursor_resource", case_cursor_resource, NULL},
	{"fence_order", case_fence_order, NULL},
	{"fence_id", case_fence_id, NULL},
	{"fence_ring", case_fence_ring, NULL},
	{"fence_flags", case_fence_flags, NULL},
	{"context", case_context, NULL},
	{"capset", case_capset, NULL},
	{"create_3d", case_create_3d, NULL},
	{"create_3d_huge", case_create_3d_huge, NULL},
	{"create_2d", case_create_2d, NULL},
	{"blob", case_blob, NULL},
	{"edid", case_edid, NULL},
	{"descriptor", case_descriptor, NULL},
	{"descriptor_chain", case_descriptor_chain, NULL},
	{"ring", case_ring, NULL},
	{"notify", case_notify, NULL},
	{"queue_nowhere", case_queue_nowhere, NULL},
	{"reset_outstanding", case_reset_outstanding, NULL},
	{"reset_live", case_reset_live, NULL},
	/* QEMU 7.2 without a recorder; the source of 10.0 reads the same */
	{"reset_scanout_small", case_reset_scanout_small,
		"vga_draw_glyph9: writes behind the console's surface"},
};

static void case_begin(const char *name)
{
	case_name = name;
	case_number = 0;
	say("begin %s", name);
}

static void case_run(const struct hostile_case *row, bool keep)
{
	case_begin(row->name);
	row->run();
	queue_collect(&queues[QUEUE_CONTROL]);
	queue_collect(&queues[QUEUE_CURSOR]);
	bool broken = device_broken();
	bool alive = !broken && device_ping();
	if (!alive) {
		say("%s broke the queue", row->name);
	}
	if (!keep || !alive) {
		device_reset_aloud();
	}
	say("end %s", row->name);
}

static bool name_is(const char *name, const char *token, size_t length)
{
	return strlen(name) == length && memcmp(name, token, length) == 0;
}

/* Selects what one word of `cases=` names. */
static void cases_select_word(bool *selected, const char *word, size_t length)
{
	bool on = !(length && word[0] == '-');
	bool found = false;

	word += !on;
	length -= !on;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (name_is(cases[i].name, word, length) ||
			(name_is("all", word, length) && !cases[i].upstream)) {
			selected[i] = on;
			found = true;
		}
	}
	if (!found) {
		say("trouble: no case %.*s", (int)length, word);
	}
}

static void cases_select(bool *selected, const char *words)
{
	for (;;) {
		size_t length = strcspn(words, ",");
		cases_select_word(selected, words, length);
		if (!words[length]) {
			return;
		}
		words += length + 1;
	}
}

static void system_init(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY) {
		power_off();
	}
	int console = open("/dev/console", O_RDWR | O_NOCTTY);
	if (console < 0 || dup2(console, STDOUT_FILENO) < 0) {
		power_off();
	}
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sys", "/sys", "sysfs", 0, NULL)) {
		give_up("mount");
	}
	write_file("/proc/sys/vm/nr_hugepages", "4");
}

int main(void)
{
	bool selected[LENGTH(cases)] = {false};
	unsigned count = 0;

	system_init();
	const char *words = getenv("cases");
	bool keep = getenv("keep") != NULL;
	cases_select(selected, words ? words : "all");
	memory_init(&rings);
	memory_init(&arena);
	memory_init(&memory);
	device_map();
	device_reset();

	case_begin("first");
	device_is_sane();
	say("end first");
	const unsigned long rounds = environment_number("repeat", 1);
	for (size_t i = 0; i < LENGTH(cases) * rounds; i++) {
		if (selected[i % LENGTH(cases)]) {
			case_run(&cases[i % LENGTH(cases)], keep);
			count++;
		}
	}
	case_begin("last");
	device_reset_aloud();
	device_is_sane();
	say("end last");
	say("done %u cases, device %s", count, device_good ? "good" : "bad");
	power_off();
}
