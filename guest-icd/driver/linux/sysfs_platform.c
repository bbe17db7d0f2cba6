/* SPDX-License-Identifier: MIT */
#include "sysfs_platform.h"

#include "virtio_pci.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PCI_DEVICES "/sys/bus/pci/devices"

enum {
	PCI_VENDOR_ID = 0,
	PCI_DEVICE_ID = 2,
	PCI_COMMAND = 4,
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_MASTER = 1 << 2,
	PCI_COMMAND_INTX_DISABLE = 1 << 10,
	PCI_BASE_ADDRESS_0 = 0x10,
	PCI_BASE_ADDRESS_IO = 1 << 0,
	BARS = 6,
	PAGE = 4096,
	HUGE_PAGE = 2 << 20,
	PAGES_OF_HUGE_PAGE = HUGE_PAGE / PAGE,
};

/* While the device was notified so short a time ago, waiting does not sleep; and how long it
 * sleeps then. */
#define SPIN_NS  UINT64_C(100000)
#define SLEEP_NS UINT64_C(50000)

/* Pages of which each is at an address of its own; from the pool or locked. */
struct dma_memory {
	bool is_of_pool;
	uint64_t count;
	uint64_t addresses[]; /* physical */
};

struct vgt_sysfs {
	struct vgt_platform platform;
	char directory[300];
	char address[64];
	int config;
	int pagemap;
	bool is_on; /* its bus mastering was turned on here */
	uint8_t *bars[BARS];
	uint64_t bar_sizes[BARS];
	pthread_mutex_t lock;
	uint64_t spin_until; /* by now(), with the lock held */
	/* the rest: with this lock held */
	pthread_mutex_t memory_lock;
	uint8_t *pool;
	uint64_t pool_pages;
	bool *pool_taken;         /* of each page */
	uint64_t *pool_addresses; /* of each huge page */
	uint64_t moved_pages;
};

__attribute__((format(printf, 2, 3))) static bool fail(
	struct vgt_sysfs_error *error, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(error->text, sizeof(error->text), format, list);
	va_end(list);
	return false;
}

/* Configuration space and BARs */

static uint32_t all_bits(uint32_t width)
{
	return width == 1 ? UINT8_MAX : width == 2 ? UINT16_MAX : UINT32_MAX;
}

static uint32_t config_read(void *self, uint32_t offset, uint32_t width)
{
	const struct vgt_sysfs *sysfs = self;
	uint32_t value = 0;
	if (pread(sysfs->config, &value, width, offset) != (ssize_t)width) {
		return all_bits(width);
	}
	return value;
}

static uint64_t bar_size(void *self, uint32_t bar)
{
	const struct vgt_sysfs *sysfs = self;
	return bar < BARS ? sysfs->bar_sizes[bar] : 0;
}

static volatile void *bar_at(
	const struct vgt_sysfs *sysfs, uint32_t bar, uint64_t offset, uint32_t width)
{
	const uint64_t size = bar < BARS ? sysfs->bar_sizes[bar] : 0;
	return width <= size && offset <= size - width ? sysfs->bars[bar] + offset : NULL;
}

static uint32_t bar_read(void *self, uint32_t bar, uint64_t offset, uint32_t width)
{
	volatile void *at = bar_at(self, bar, offset, width);
	uint32_t value = all_bits(width);
	if (at) {
		value = width == 1   ? *(volatile uint8_t *)at
			: width == 2 ? *(volatile uint16_t *)at
				     : *(volatile uint32_t *)at;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return value;
}

static uint64_t now(void *self)
{
	(void)self;
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void bar_write(void *self, uint32_t bar, uint64_t offset, uint32_t width, uint32_t value)
{
	struct vgt_sysfs *sysfs = self;
	volatile void *at = bar_at(sysfs, bar, offset, width);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!at) {
		return;
	}
	if (width == 1) {
		*(volatile uint8_t *)at = (uint8_t)value;
	} else if (width == 2) {
		*(volatile uint16_t *)at = (uint16_t)value;
	} else {
		*(volatile uint32_t *)at = value;
	}
	sysfs->spin_until = now(sysfs) + SPIN_NS;
}

/* Memory */

static void *allocate(void *self, size_t size)
{
	(void)self;
	return calloc(1, size ? size : 1);
}

static void release(void *self, void *memory)
{
	(void)self;
	free(memory);
}

/* Where `count` pages lie, which must be there. */
static bool find_addresses(
	const struct vgt_sysfs *sysfs, const uint8_t *at, uint64_t count, uint64_t *addresses)
{
	const size_t size = count * sizeof(*addresses);
	if (pread(sysfs->pagemap, addresses, size,
		    (off_t)((uintptr_t)at / PAGE * sizeof(*addresses))) != (ssize_t)size) {
		return false;
	}
	for (uint64_t i = 0; i < count; i++) {
		/* bit 63: present; bits 0 to 54: the frame, 0 for whoever may not know it */
		const uint64_t frame = addresses[i] & ((UINT64_C(1) << 55) - 1);
		if (!(addresses[i] >> 63) || !frame) {
			return false;
		}
		addresses[i] = frame * PAGE;
	}
	return true;
}

/* The first of `count` free pages that follow each other in the pool, not across the end of a
 * huge page unless they begin with one; the pool's length where there are none. */
static uint64_t pool_find(const struct vgt_sysfs *sysfs, uint64_t count)
{
	uint64_t at = 0;
	while (count <= sysfs->pool_pages && at <= sysfs->pool_pages - count) {
		const uint64_t in_huge_page = at % PAGES_OF_HUGE_PAGE;
		if (in_huge_page && in_huge_page + count > PAGES_OF_HUGE_PAGE) {
			at += PAGES_OF_HUGE_PAGE - in_huge_page;
			continue;
		}
		uint64_t free_pages = 0;
		while (free_pages < count && !sysfs->pool_taken[at + free_pages]) {
			free_pages++;
		}
		if (free_pages == count) {
			return at;
		}
		at += free_pages + 1;
	}
	return sysfs->pool_pages;
}

static uint8_t *pool_take(struct vgt_sysfs *sysfs, struct dma_memory *memory)
{
	pthread_mutex_lock(&sysfs->memory_lock);
	const uint64_t at = pool_find(sysfs, memory->count);
	if (at < sysfs->pool_pages) {
		memset(sysfs->pool_taken + at, true, memory->count);
	}
	pthread_mutex_unlock(&sysfs->memory_lock);
	if (at == sysfs->pool_pages) {
		return NULL;
	}
	for (uint64_t i = 0; i < memory->count; i++) {
		memory->addresses[i] = sysfs->pool_addresses[(at + i) / PAGES_OF_HUGE_PAGE] +
				       (at + i) % PAGES_OF_HUGE_PAGE * PAGE;
	}
	memset(sysfs->pool + at * PAGE, 0, memory->count * PAGE);
	return sysfs->pool + at * PAGE;
}

/* Touched in another order than they lie in, pages get frames that do not follow each other. */
static void touch_scattered(uint8_t *at, uint64_t count)
{
	for (uint64_t first = 0; first < 3; first++) {
		for (uint64_t i = first; i < count; i += 3) {
			*(volatile uint8_t *)(at + i * PAGE) = 0;
		}
	}
}

static uint8_t *pages_take(struct vgt_sysfs *sysfs, struct dma_memory *memory)
{
	const size_t size = memory->count * PAGE;
	uint8_t *at =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) {
		return NULL;
	}
	/* the kernel must not make a huge page of them later: they would move */
	(void)madvise(at, size, MADV_NOHUGEPAGE);
	touch_scattered(at, memory->count);
	if (mlock(at, size) || !find_addresses(sysfs, at, memory->count, memory->addresses)) {
		munmap(at, size);
		return NULL;
	}
	return at;
}

static bool dma_alloc(void *self, uint64_t size, uint64_t run, struct vgt_dma *dma)
{
	struct vgt_sysfs *sysfs = self;
	*dma = (struct vgt_dma){0};
	if (!size || size > SIZE_MAX / 2 || run > HUGE_PAGE) {
		return false;
	}
	const uint64_t count = (size + PAGE - 1) / PAGE;
	struct dma_memory *memory =
		malloc(sizeof(*memory) + count * sizeof(memory->addresses[0]));
	if (!memory) {
		return false;
	}
	/* a single page cannot lie scattered, and the pool has one without a system call */
	*memory = (struct dma_memory){.is_of_pool = run > PAGE || count == 1, .count = count};
	uint8_t *at = memory->is_of_pool ? pool_take(sysfs, memory) : NULL;
	if (!at && run <= PAGE) {
		memory->is_of_pool = false;
		at = pages_take(sysfs, memory);
	}
	if (!at) {
		free(memory);
		return false;
	}
	*dma = (struct vgt_dma){.address = at, .size = size, .cookie = (uintptr_t)memory};
	return true;
}

static struct dma_memory *memory_of(const struct vgt_dma *dma)
{
	return (struct dma_memory *)(uintptr_t)dma->cookie;
}

static void count_moved_pages(struct vgt_sysfs *sysfs, const struct vgt_dma *dma)
{
	const struct dma_memory *memory = memory_of(dma);
	const uint8_t *at = dma->address;
	uint64_t moved = 0;
	for (uint64_t i = 0; i < memory->count; i++) {
		uint64_t address;
		moved += !find_addresses(sysfs, at + i * PAGE, 1, &address) ||
			 address != memory->addresses[i];
	}
	pthread_mutex_lock(&sysfs->memory_lock);
	sysfs->moved_pages += moved;
	pthread_mutex_unlock(&sysfs->memory_lock);
}

static void dma_free(void *self, struct vgt_dma *dma)
{
	struct vgt_sysfs *sysfs = self;
	if (!dma->address) {
		return;
	}
	struct dma_memory *memory = memory_of(dma);
	if (memory->is_of_pool) {
		const uint64_t at =
			(uint64_t)((const uint8_t *)dma->address - sysfs->pool) / PAGE;
		pthread_mutex_lock(&sysfs->memory_lock);
		memset(sysfs->pool_taken + at, false, memory->count);
		pthread_mutex_unlock(&sysfs->memory_lock);
	} else {
		count_moved_pages(sysfs, dma);
		munmap(dma->address, memory->count * PAGE);
	}
	free(memory);
	*dma = (struct vgt_dma){0};
}

static uint64_t dma_address(
	void *self, const struct vgt_dma *dma, uint64_t offset, uint64_t *run)
{
	(void)self;
	const struct dma_memory *memory = memory_of(dma);
	uint64_t end = offset / PAGE + 1;
	while (end < memory->count &&
		memory->addresses[end] == memory->addresses[end - 1] + PAGE) {
		end++;
	}
	const uint64_t last = end * PAGE < dma->size ? end * PAGE : dma->size;
	*run = last - offset;
	return memory->addresses[offset / PAGE] + offset % PAGE;
}

/* The caller: this process, whose addresses may be wrong all the same. */

static bool copy_in(void *self, void *caller, void *to, uint64_t from, size_t size)
{
	(void)self;
	(void)caller;
	const struct iovec local = {to, size};
	const struct iovec remote = {(void *)(uintptr_t)from, size};
	return from <= UINTPTR_MAX &&
	       process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static bool copy_out(void *self, void *caller, uint64_t to, const void *from, size_t size)
{
	(void)self;
	(void)caller;
	const struct iovec local = {(void *)(uintptr_t)from, size};
	const struct iovec remote = {(void *)(uintptr_t)to, size};
	return to <= UINTPTR_MAX &&
	       process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static bool map(void *self, void *caller, const struct vgt_dma *dma, uint64_t *address)
{
	(void)self;
	(void)caller;
	*address = (uintptr_t)dma->address;
	return true;
}

static void unmap(void *self, void *caller, const struct vgt_dma *dma, uint64_t address)
{
	(void)self;
	(void)caller;
	(void)dma;
	(void)address;
}

/* Lock and time */

static void take_lock(void *self)
{
	struct vgt_sysfs *sysfs = self;
	pthread_mutex_lock(&sysfs->lock);
}

static void give_lock(void *self)
{
	struct vgt_sysfs *sysfs = self;
	pthread_mutex_unlock(&sysfs->lock);
}

/* Nobody takes the device's interrupts: who waits looks again soon. */
static void wait_a_little(void *self, uint64_t timeout_ns)
{
	struct vgt_sysfs *sysfs = self;
	const bool spins = now(sysfs) < sysfs->spin_until;
	const struct timespec pause = {
		.tv_nsec = (long)(timeout_ns < SLEEP_NS ? timeout_ns : SLEEP_NS)};
	give_lock(sysfs);
	if (spins) {
		sched_yield();
	} else {
		nanosleep(&pause, NULL);
	}
	take_lock(sysfs);
}

static void wake(void *self)
{
	/* they wake up by themselves */
	(void)self;
}

/* Opening */

static bool write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0) {
		close(fd);
	}
	return written;
}

static unsigned long read_number(const char *path)
{
	char text[32] = "";
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		const ssize_t size = read(fd, text, sizeof(text) - 1);
		text[size > 0 ? size : 0] = '\0';
		close(fd);
	}
	return strtoul(text, NULL, 10);
}

static bool open_pool(struct vgt_sysfs *sysfs, uint64_t size, struct vgt_sysfs_error *error)
{
	static const char *const path = "/proc/sys/vm/nr_hugepages";
	const unsigned long count = (size + HUGE_PAGE - 1) / HUGE_PAGE;
	char text[32];
	/* may fail where others hold some: the mapping below tells whether it did */
	snprintf(text, sizeof(text), "%lu", read_number(path) + count);
	(void)write_file(path, text);
	void *pool = mmap(NULL, count * HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (pool == MAP_FAILED) {
		return fail(error, "no %lu huge pages of 2 MiB: %s", count, strerror(errno));
	}
	sysfs->pool = pool;
	sysfs->pool_pages = count * PAGES_OF_HUGE_PAGE;
	sysfs->pool_taken = calloc(sysfs->pool_pages, sizeof(*sysfs->pool_taken));
	sysfs->pool_addresses = calloc(count, sizeof(*sysfs->pool_addresses));
	if (!sysfs->pool_taken || !sysfs->pool_addresses) {
		return fail(error, "no memory");
	}
	for (unsigned long i = 0; i < count; i++) {
		/* a page that nobody has written to may be one of zeroes that is shared */
		*(volatile uint8_t *)(sysfs->pool + i * HUGE_PAGE) = 0;
		if (!find_addresses(
			    sysfs, sysfs->pool + i * HUGE_PAGE, 1, &sysfs->pool_addresses[i])) {
			return fail(error, "/proc/self/pagemap does not tell addresses");
		}
	}
	return true;
}

static bool open_memory(struct vgt_sysfs *sysfs, uint64_t pool, struct vgt_sysfs_error *error)
{
	sysfs->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (sysfs->pagemap < 0) {
		return fail(error, "/proc/self/pagemap: %s", strerror(errno));
	}
	if (!open_pool(sysfs, pool, error)) {
		return false;
	}
	/* after huge pages were made, for which the kernel may have to compact; a kernel
	   without compaction has no such file */
	(void)write_file("/proc/sys/vm/compact_unevictable_allowed", "0");
	return true;
}

static bool open_bar(struct vgt_sysfs *sysfs, uint32_t bar, struct vgt_sysfs_error *error)
{
	char path[sizeof(sysfs->directory) + 16];
	struct stat status;
	const uint32_t base = config_read(sysfs, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
	snprintf(path, sizeof(path), "%s/resource%u", sysfs->directory, bar);
	const int fd =
		base & PCI_BASE_ADDRESS_IO ? -1 : open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0) {
		/* ports, the upper half of the BAR before, or none */
		return true;
	}
	void *at = MAP_FAILED;
	if (fstat(fd, &status) == 0) {
		at = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0);
	}
	const int why = errno;
	close(fd);
	if (at == MAP_FAILED) {
		return fail(error, "%s: %s", path, strerror(why));
	}
	sysfs->bars[bar] = at;
	sysfs->bar_sizes[bar] = (uint64_t)status.st_size;
	return true;
}

static bool set_command(struct vgt_sysfs *sysfs, uint16_t clear, uint16_t set)
{
	const uint16_t command =
		(uint16_t)((config_read(sysfs, PCI_COMMAND, 2) & ~(uint32_t)clear) | set);
	return pwrite(sysfs->config, &command, sizeof(command), PCI_COMMAND) == sizeof(command);
}

static bool open_device(struct vgt_sysfs *sysfs, struct vgt_sysfs_error *error)
{
	if (!set_command(sysfs, 0,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)) {
		return fail(error, "%s: memory access and bus mastering stay off: %s",
			sysfs->address, strerror(errno));
	}
	sysfs->is_on = true;
	for (uint32_t bar = 0; bar < BARS; bar++) {
		if (!open_bar(sysfs, bar, error)) {
			return false;
		}
	}
	return true;
}

/* Opens the configuration space of this device where it is a virtio-gpu that no driver has.
 * *error stays as it is where it is another device. */
static bool open_config(
	struct vgt_sysfs *sysfs, const char *address, struct vgt_sysfs_error *error)
{
	char path[sizeof(sysfs->directory) + 16];
	char driver[PATH_MAX];
	snprintf(sysfs->address, sizeof(sysfs->address), "%.63s", address);
	snprintf(sysfs->directory, sizeof(sysfs->directory), PCI_DEVICES "/%s", sysfs->address);
	snprintf(path, sizeof(path), "%s/config", sysfs->directory);
	sysfs->config = open(path, O_RDWR | O_CLOEXEC);
	if (sysfs->config < 0) {
		return fail(error, "%s: %s", path, strerror(errno));
	}
	if (config_read(sysfs, PCI_VENDOR_ID, 2) != VIRTIO_PCI_VENDOR ||
		config_read(sysfs, PCI_DEVICE_ID, 2) != VIRTIO_PCI_DEVICE_GPU) {
		return false;
	}
	snprintf(path, sizeof(path), "%s/driver", sysfs->directory);
	const ssize_t length = readlink(path, driver, sizeof(driver) - 1);
	if (length > 0) {
		driver[length] = '\0';
		const char *slash = strrchr(driver, '/');
		return fail(error, "%s: the driver %.60s has it: echo %s >%s/unbind",
			sysfs->address, slash ? slash + 1 : driver, sysfs->address, path);
	}
	return true;
}

static bool find_device(
	struct vgt_sysfs *sysfs, const char *address, struct vgt_sysfs_error *error)
{
	if (address) {
		fail(error, "%s: not a virtio-gpu (1af4:1050)", address);
		return open_config(sysfs, address, error);
	}
	fail(error, "no virtio-gpu (1af4:1050) in " PCI_DEVICES);
	DIR *directory = opendir(PCI_DEVICES);
	const struct dirent *entry;
	bool found = false;
	while (directory && !found && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.') {
			found = open_config(sysfs, entry->d_name, error);
			if (!found && sysfs->config >= 0) {
				close(sysfs->config);
				sysfs->config = -1;
			}
		}
	}
	if (directory) {
		closedir(directory);
	}
	return found;
}

struct vgt_sysfs *vgt_sysfs_open(
	const char *address, uint64_t pool, struct vgt_sysfs_error *error)
{
	struct vgt_sysfs *sysfs = calloc(1, sizeof(*sysfs));
	if (!sysfs) {
		fail(error, "no memory");
		return NULL;
	}
	sysfs->config = sysfs->pagemap = -1;
	pthread_mutex_init(&sysfs->lock, NULL);
	pthread_mutex_init(&sysfs->memory_lock, NULL);
	sysfs->platform = (struct vgt_platform){
		.self = sysfs,
		.config_read = config_read,
		.bar_size = bar_size,
		.bar_read = bar_read,
		.bar_write = bar_write,
		.alloc = allocate,
		.free = release,
		.dma_alloc = dma_alloc,
		.dma_free = dma_free,
		.dma_address = dma_address,
		.copy_in = copy_in,
		.copy_out = copy_out,
		.map = map,
		.unmap = unmap,
		.now = now,
		.lock = take_lock,
		.unlock = give_lock,
		.wait = wait_a_little,
		.wake = wake,
	};
	if (!find_device(sysfs, address, error) || !open_memory(sysfs, pool, error) ||
		!open_device(sysfs, error)) {
		vgt_sysfs_close(sysfs);
		return NULL;
	}
	return sysfs;
}

void vgt_sysfs_close(struct vgt_sysfs *sysfs)
{
	if (!sysfs) {
		return;
	}
	for (uint32_t bar = 0; bar < BARS; bar++) {
		if (sysfs->bars[bar]) {
			munmap(sysfs->bars[bar], sysfs->bar_sizes[bar]);
		}
	}
	if (sysfs->is_on) {
		(void)set_command(sysfs, PCI_COMMAND_MASTER, 0);
	}
	if (sysfs->config >= 0) {
		close(sysfs->config);
	}
	if (sysfs->pool) {
		munmap(sysfs->pool, sysfs->pool_pages * PAGE);
	}
	if (sysfs->pagemap >= 0) {
		close(sysfs->pagemap);
	}
	free(sysfs->pool_taken);
	free(sysfs->pool_addresses);
	pthread_mutex_destroy(&sysfs->lock);
	pthread_mutex_destroy(&sysfs->memory_lock);
	free(sysfs);
}

const struct vgt_platform *vgt_sysfs_platform(const struct vgt_sysfs *sysfs)
{
	return &sysfs->platform;
}

const char *vgt_sysfs_address(const struct vgt_sysfs *sysfs)
{
	return sysfs->address;
}

uint64_t vgt_sysfs_moved_pages(const struct vgt_sysfs *sysfs)
{
	return sysfs->moved_pages;
}
