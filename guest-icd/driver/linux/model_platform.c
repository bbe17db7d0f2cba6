/* SPDX-License-Identifier: MIT */
#include "model_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALLOCATION_MAGIC UINT64_C(0x6d6f64656c206f6b)
#define FIRST_ADDRESS    (UINT64_C(7) << 44)
#define DMA_MAX          (UINT64_C(1) << 40)
#define NAP_NS           20000
#define TICK_NS          1000u /* a look at the clock that does not run by itself */

/* Memory of the driver */

/* Counts a request; false where it is to fail. */
static bool may_allocate(struct dm_host *host)
{
	host->usage.requests++;
	return host->usage.requests < host->fail_from || host->usage.requests >= host->fail_to;
}

static void *host_alloc(void *self, size_t size)
{
	struct vgt_dm *dm = self;
	struct dm_host *host = &dm->host;
	struct dm_allocation *made = NULL;
	pthread_mutex_lock(&dm->host.mutex);
	if (may_allocate(host) && size <= SIZE_MAX - sizeof(*made)) {
		made = calloc(1, sizeof(*made) + size);
	}
	if (made) {
		made->size = size;
		made->magic = ALLOCATION_MAGIC;
		made->next = &host->allocations;
		made->previous = host->allocations.previous;
		made->previous->next = made;
		made->next->previous = made;
		host->usage.allocations++;
		host->usage.bytes += size;
	}
	pthread_mutex_unlock(&dm->host.mutex);
	return made ? made + 1 : NULL;
}

static void host_free(void *self, void *memory)
{
	struct vgt_dm *dm = self;
	struct dm_allocation *made = memory ? (struct dm_allocation *)memory - 1 : NULL;
	if (!made) {
		return;
	}
	pthread_mutex_lock(&dm->host.mutex);
	if (made->magic != ALLOCATION_MAGIC) {
		dm_violation(dm, "free() of what alloc() did not give out");
	} else {
		made->magic = 0;
		made->previous->next = made->next;
		made->next->previous = made->previous;
		dm->host.usage.allocations--;
		dm->host.usage.bytes -= made->size;
		free(made);
	}
	pthread_mutex_unlock(&dm->host.mutex);
}

/* Gaps of 1 to 8 pages: no two pieces ever lie side by side. */
static uint64_t next_address(struct dm_host *host, uint64_t size)
{
	host->scatter = host->scatter * 1664525u + 1013904223u;
	uint64_t pages = (size + VGT_DMA_PAGE - 1) / VGT_DMA_PAGE + 1 + (host->scatter >> 29);
	host->next_address -= pages * VGT_DMA_PAGE;
	return host->next_address;
}

static void keep_dma(struct dm_host *host, struct dm_dma *dma)
{
	if (host->dma_count == host->dma_capacity) {
		host->dma_capacity = host->dma_capacity ? host->dma_capacity * 2 : 64;
		host->dmas = dm_must(realloc(host->dmas, host->dma_capacity * sizeof(void *)));
	}
	host->dmas[host->dma_count++] = dma;
}

static struct dm_dma *make_dma(struct dm_host *host, uint64_t size, uint64_t run)
{
	uint64_t count = (size + run - 1) / run;
	/* its last page is its own, too, for an executor may put others in their place */
	void *heap = calloc(1, size + 2 * VGT_DMA_PAGE);
	if (!heap) {
		return NULL;
	}
	struct dm_dma *dma = dm_must(calloc(1, sizeof(*dma)));
	*dma = (struct dm_dma){.is_live = true, .size = size, .run = run, .heap = heap};
	dma->memory = (uint8_t *)(((uintptr_t)heap + VGT_DMA_PAGE - 1) &
				  ~(uintptr_t)(VGT_DMA_PAGE - 1));
	dma->pieces = dm_must(calloc(count, sizeof(dma->pieces[0])));
	dma->high = host->next_address;
	for (uint64_t i = 0; i < count; i++) {
		dma->pieces[i] = next_address(host, i + 1 < count ? run : size - i * run);
	}
	dma->low = host->next_address;
	keep_dma(host, dma);
	return dma;
}

static void count_dma(struct dm_host *host, int64_t number, int64_t size)
{
	pthread_mutex_lock(&host->mutex);
	host->usage.dmas += (uint64_t)number;
	host->usage.dma_bytes += (uint64_t)size;
	pthread_mutex_unlock(&host->mutex);
}

static bool may_dma_alloc(struct vgt_dm *dm, uint64_t size, uint64_t run)
{
	if (size == 0 || run < VGT_DMA_PAGE || (run & (run - 1)) != 0) {
		dm_violation(dm, "dma_alloc() of %llu bytes in runs of %llu",
			(unsigned long long)size, (unsigned long long)run);
		return false;
	}
	pthread_mutex_lock(&dm->host.mutex);
	bool may = may_allocate(&dm->host);
	pthread_mutex_unlock(&dm->host.mutex);
	return may && size <= DMA_MAX;
}

static bool host_dma_alloc(void *self, uint64_t size, uint64_t run, struct vgt_dma *dma)
{
	struct vgt_dm *dm = self;
	const struct dm_dma *made = NULL;
	*dma = (struct vgt_dma){0};
	if (may_dma_alloc(dm, size, run)) {
		pthread_mutex_lock(&dm->mutex);
		made = make_dma(&dm->host, size, run);
		pthread_mutex_unlock(&dm->mutex);
	}
	if (made) {
		count_dma(&dm->host, 1, (int64_t)size);
		*dma = (struct vgt_dma){
			.address = made->memory, .size = size, .cookie = (uintptr_t)made};
	}
	return made != NULL;
}

/* NULL and a violation where there is no such memory. What is said of it does not change as
 * long as the driver may ask. */
static struct dm_dma *find_dma(struct vgt_dm *dm, const struct vgt_dma *dma, const char *what)
{
	struct dm_dma *found = (struct dm_dma *)(uintptr_t)dma->cookie;
	if (!found || !found->is_live || dma->address != found->memory ||
		dma->size != found->size) {
		dm_violation(dm, "%s of memory that dma_alloc() did not give out%s", what,
			found && !found->is_live ? ", or which was freed" : "");
		return NULL;
	}
	return found;
}

static void drop_dma(struct dm_dma *dma)
{
	dma->is_live = false;
	free(dma->heap);
	free(dma->pieces);
	dma->heap = NULL;
	dma->pieces = NULL;
}

static bool is_mapped(struct vgt_dm *dm, const struct dm_dma *dma)
{
	pthread_mutex_lock(&dm->host.mutex);
	bool mapped = dma->mappings > 0;
	pthread_mutex_unlock(&dm->host.mutex);
	return mapped;
}

static void host_dma_free(void *self, struct vgt_dma *dma)
{
	struct vgt_dm *dm = self;
	if (!dma->address) {
		return;
	}
	pthread_mutex_lock(&dm->mutex);
	struct dm_dma *found = find_dma(dm, dma, "dma_free()");
	if (found && is_mapped(dm, found)) {
		dm_violation(dm, "dma_free() of memory that is mapped");
	}
	if (found && dm_uses(dm, found->low, found->high - found->low)) {
		dm_violation(dm, "dma_free() of memory that the device may use");
	}
	if (found) {
		count_dma(&dm->host, -1, -(int64_t)found->size);
		drop_dma(found);
	}
	pthread_mutex_unlock(&dm->mutex);
	*dma = (struct vgt_dma){0};
}

static uint64_t host_dma_address(
	void *self, const struct vgt_dma *dma, uint64_t offset, uint64_t *run)
{
	struct vgt_dm *dm = self;
	uint64_t address = 0;
	*run = 0;
	const struct dm_dma *found = find_dma(dm, dma, "dma_address()");
	if (found && offset < found->size) {
		uint64_t left = found->size - offset, within = offset % found->run;
		address = found->pieces[offset / found->run] + within;
		*run = found->run - within < left ? found->run - within : left;
	} else if (found) {
		dm_violation(dm, "dma_address() behind the end");
	}
	return address;
}

/* What the address belongs to; NULL: nothing ever did. */
static const struct dm_dma *dma_at(const struct dm_host *host, uint64_t address)
{
	size_t low = 0, high = host->dma_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (host->dmas[middle]->low <= address) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low < host->dma_count && address < host->dmas[low]->high ? host->dmas[low]
									: NULL;
}

/* NULL where not all of it lies in one piece. */
static void *memory_in(const struct dm_dma *dma, uint64_t address, uint64_t size)
{
	uint64_t count = (dma->size + dma->run - 1) / dma->run;
	uint64_t low = 0, high = count;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (dma->pieces[middle] <= address) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	if (low == count) {
		return NULL;
	}
	uint64_t within = address - dma->pieces[low];
	uint64_t left = dma->size - low * dma->run;
	uint64_t length = left < dma->run ? left : dma->run;
	return within < length && size <= length - within
		       ? dma->memory + low * dma->run + within
		       : NULL;
}

void *dm_memory(struct vgt_dm *dm, uint64_t address, uint64_t size, const char *what)
{
	const struct dm_dma *dma = dma_at(&dm->host, address);
	void *memory = dma && dma->is_live ? memory_in(dma, address, size) : NULL;
	if (!memory || size == 0) {
		dm_violation(dm, "%s at 0x%llx, %llu bytes: %s", what,
			(unsigned long long)address, (unsigned long long)size,
			dma && !dma->is_live ? "the memory was freed"
			: size == 0          ? "nothing there"
					     : "no memory of dma_alloc()");
		return NULL;
	}
	return memory;
}

void *vgt_dm_memory(struct vgt_dm *dm, uint64_t address, uint64_t size)
{
	return dm_memory(dm, address, size, "memory named by a command");
}

/* The caller's memory */

static bool overlaps(struct dm_range a, uint64_t from, uint64_t size)
{
	return a.size && size && a.from < from + size && from < a.from + a.size;
}

static bool lies_in(uint64_t start, uint64_t length, uint64_t from, uint64_t size)
{
	return from >= start && from - start <= length && size <= length - (from - start);
}

static bool is_in_mapping(const struct dm_host *host, uint64_t from, uint64_t size)
{
	for (const struct dm_dma *dma = host->mapped; dma; dma = dma->next_mapped) {
		if (lies_in((uintptr_t)dma->memory, dma->size, from, size)) {
			return true;
		}
	}
	return false;
}

static bool is_callers(const struct dm_host *host, uint64_t from, uint64_t size)
{
	return from >= VGT_DMA_PAGE && size <= UINT64_MAX - from &&
	       (host->caller.size == 0 ||
		       lies_in(host->caller.from, host->caller.size, from, size) ||
		       is_in_mapping(host, from, size));
}

static void watch(struct dm_ranges *ranges, uint64_t from, uint64_t size)
{
	uint64_t end = from + size;
	for (size_t i = 0; i < ranges->count; i++) {
		const struct dm_range *range = &ranges->list[i];
		if (overlaps(*range, from, size)) {
			uint64_t low = range->from > from ? range->from : from;
			uint64_t high = range->from + range->size;
			ranges->twice += (high < end ? high : end) - low;
		}
	}
	if (ranges->count == ranges->capacity) {
		ranges->capacity = ranges->capacity ? ranges->capacity * 2 : 64;
		ranges->list = dm_must(
			realloc(ranges->list, ranges->capacity * sizeof(ranges->list[0])));
	}
	ranges->list[ranges->count++] = (struct dm_range){.from = from, .size = size};
}

static bool may_copy(struct vgt_dm *dm, uint64_t address, size_t size, bool in)
{
	struct dm_host *host = &dm->host;
	pthread_mutex_lock(&dm->host.mutex);
	bool ok = is_callers(host, address, size) &&
		  !((in ? host->bad_to_read : host->bad_to_write) &&
			  overlaps(host->bad, address, size));
	if (ok && host->watching) {
		watch(in ? &host->read : &host->written, address, size);
	}
	pthread_mutex_unlock(&dm->host.mutex);
	return ok;
}

static bool host_copy_in(void *self, void *caller, void *to, uint64_t from, size_t size)
{
	struct vgt_dm *dm = self;
	(void)caller;
	if (size == 0) {
		return true;
	}
	if (!may_copy(dm, from, size, true)) {
		return false;
	}
	memcpy(to, (const void *)(uintptr_t)from, size);
	pthread_mutex_lock(&dm->host.mutex);
	void (*function)(void *, uint64_t, size_t) = dm->host.on_copy_in;
	void *context = dm->host.on_copy_in_context;
	pthread_mutex_unlock(&dm->host.mutex);
	if (function) {
		function(context, from, size);
	}
	return true;
}

static bool host_copy_out(void *self, void *caller, uint64_t to, const void *from, size_t size)
{
	(void)caller;
	if (size == 0) {
		return true;
	}
	if (!may_copy(self, to, size, false)) {
		return false;
	}
	memcpy((void *)(uintptr_t)to, from, size);
	return true;
}

static bool host_map(void *self, void *caller, const struct vgt_dma *dma, uint64_t *address)
{
	struct vgt_dm *dm = self;
	(void)caller;
	pthread_mutex_lock(&dm->host.mutex);
	struct dm_dma *found = find_dma(dm, dma, "map()");
	bool ok = found && may_allocate(&dm->host);
	if (ok) {
		if (found->mappings++ == 0) {
			found->next_mapped = dm->host.mapped;
			dm->host.mapped = found;
		}
		dm->host.usage.mappings++;
		*address = (uintptr_t)found->memory;
	}
	pthread_mutex_unlock(&dm->host.mutex);
	return ok;
}

static void remove_mapped(struct dm_host *host, struct dm_dma *dma)
{
	struct dm_dma **place = &host->mapped;
	while (*place != dma) {
		place = &(*place)->next_mapped;
	}
	*place = dma->next_mapped;
}

static void host_unmap(void *self, void *caller, const struct vgt_dma *dma, uint64_t address)
{
	struct vgt_dm *dm = self;
	(void)caller;
	pthread_mutex_lock(&dm->host.mutex);
	struct dm_dma *found = find_dma(dm, dma, "unmap()");
	if (found && found->mappings && address == (uintptr_t)found->memory) {
		if (--found->mappings == 0) {
			remove_mapped(&dm->host, found);
		}
		dm->host.usage.mappings--;
	} else if (found) {
		dm_violation(dm, "unmap() of what is not mapped there");
	}
	pthread_mutex_unlock(&dm->host.mutex);
}

/* Lock and clock */

static _Thread_local char this_thread; /* its address is the thread's name */

static bool holds_lock(struct vgt_dm *dm)
{
	return atomic_load_explicit(&dm->host.owner, memory_order_relaxed) == &this_thread;
}

static void take_lock(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->host.lock);
	atomic_store_explicit(&dm->host.owner, &this_thread, memory_order_relaxed);
}

static void give_lock(struct vgt_dm *dm)
{
	atomic_store_explicit(&dm->host.owner, NULL, memory_order_relaxed);
	pthread_mutex_unlock(&dm->host.lock);
}

static void host_lock(void *self)
{
	struct vgt_dm *dm = self;
	if (holds_lock(dm)) {
		dm_violation(dm, "lock() by who has it");
		dm->host.nested++;
		return;
	}
	take_lock(dm);
}

static void host_unlock(void *self)
{
	struct vgt_dm *dm = self;
	if (!holds_lock(dm)) {
		dm_violation(dm, "unlock() by who has it not");
	} else if (dm->host.nested) {
		dm->host.nested--;
	} else {
		give_lock(dm);
	}
}

static uint64_t real_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t host_now(void *self)
{
	struct vgt_dm *dm = self;
	if (dm->threaded) {
		return real_clock();
	}
	pthread_mutex_lock(&dm->mutex);
	uint64_t now = dm->host.clock += TICK_NS;
	pthread_mutex_unlock(&dm->mutex);
	return now;
}

void dm_event(struct vgt_dm *dm)
{
	atomic_fetch_add_explicit(&dm->host.events, 1, memory_order_relaxed);
}

static void host_wake(void *self)
{
	dm_event(self);
}

static uint64_t events(struct dm_host *host)
{
	return atomic_load_explicit(&host->events, memory_order_relaxed);
}

/* Whether there was any up to `now` since somebody asked last. */
static bool event_was(struct dm_host *host, uint64_t now)
{
	return atomic_exchange_explicit(&host->events_seen, now, memory_order_relaxed) != now;
}

/* Not by a condition variable, which would order what the rings must order. */
static void sleep_until_event(struct dm_host *host, uint64_t seen, uint64_t timeout_ns)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	uint64_t begin = real_clock();
	while (events(host) == seen && real_clock() - begin < timeout_ns) {
		nanosleep(&nap, NULL);
	}
}

/* One thread: the device works until it interrupts; time passes where it does not. */
static void work_instead(struct vgt_dm *dm, uint64_t timeout_ns)
{
	struct dm_host *host = &dm->host;
	pthread_mutex_lock(&dm->mutex);
	bool worked, any;
	do {
		worked = dm_step(dm);
		any = event_was(host, events(host));
	} while (worked && !any);
	if (!any && dm_await_executor(dm)) {
		any = event_was(host, events(host));
	}
	if (!any) {
		uint64_t left = UINT64_MAX - host->clock;
		host->clock += timeout_ns < left ? timeout_ns : left;
	}
	pthread_mutex_unlock(&dm->mutex);
}

static void call_on_wait(struct vgt_dm *dm)
{
	struct dm_host *host = &dm->host;
	pthread_mutex_lock(&dm->host.mutex);
	void (*function)(void *) = host->in_on_wait ? NULL : host->on_wait;
	void *context = host->on_wait_context;
	host->in_on_wait |= function != NULL;
	pthread_mutex_unlock(&dm->host.mutex);
	if (function) {
		function(context);
		pthread_mutex_lock(&dm->host.mutex);
		host->in_on_wait = false;
		pthread_mutex_unlock(&dm->host.mutex);
	}
}

static void host_wait(void *self, uint64_t timeout_ns)
{
	struct vgt_dm *dm = self;
	if (!holds_lock(dm)) {
		dm_violation(dm, "wait() without the lock");
		return;
	}
	/* still with the lock: an event of before is one that the driver may not have seen */
	uint64_t seen = events(&dm->host);
	bool is_late = dm->threaded && event_was(&dm->host, seen);
	give_lock(dm);
	call_on_wait(dm);
	if (dm->threaded && !is_late) {
		sleep_until_event(&dm->host, seen, timeout_ns);
	} else if (!dm->threaded) {
		work_instead(dm, timeout_ns);
	}
	take_lock(dm);
}

/* Set up, and what tests ask for */

void dm_host_init(struct vgt_dm *dm)
{
	struct dm_host *host = &dm->host;
	host->platform = (struct vgt_platform){
		.self = dm,
		.config_read = dm_config_read,
		.bar_size = dm_bar_size,
		.bar_read = dm_bar_read,
		.bar_write = dm_bar_write,
		.alloc = host_alloc,
		.free = host_free,
		.dma_alloc = host_dma_alloc,
		.dma_free = host_dma_free,
		.dma_address = host_dma_address,
		.copy_in = host_copy_in,
		.copy_out = host_copy_out,
		.map = host_map,
		.unmap = host_unmap,
		.now = host_now,
		.lock = host_lock,
		.unlock = host_unlock,
		.wait = host_wait,
		.wake = host_wake,
	};
	host->next_address = FIRST_ADDRESS;
	host->allocations.next = host->allocations.previous = &host->allocations;
	pthread_mutex_init(&host->lock, NULL);
	pthread_mutex_init(&host->mutex, NULL);
}

void dm_host_finish(struct vgt_dm *dm)
{
	struct dm_host *host = &dm->host;
	for (size_t i = 0; i < host->dma_count; i++) {
		free(host->dmas[i]->heap);
		free(host->dmas[i]->pieces);
		free(host->dmas[i]);
	}
	free(host->dmas);
	while (host->allocations.next != &host->allocations) {
		struct dm_allocation *made = host->allocations.next;
		host->allocations.next = made->next;
		free(made);
	}
	free(host->read.list);
	free(host->written.list);
	pthread_mutex_destroy(&host->mutex);
	pthread_mutex_destroy(&host->lock);
}

const struct vgt_platform *vgt_dm_platform(struct vgt_dm *dm)
{
	return &dm->host.platform;
}

struct vgt_dm_usage vgt_dm_usage(struct vgt_dm *dm)
{
	pthread_mutex_lock(&dm->host.mutex);
	struct vgt_dm_usage usage = dm->host.usage;
	pthread_mutex_unlock(&dm->host.mutex);
	return usage;
}

void vgt_dm_fail_request(struct vgt_dm *dm, uint64_t nth, uint64_t count)
{
	pthread_mutex_lock(&dm->host.mutex);
	struct dm_host *host = &dm->host;
	host->fail_from = nth ? host->usage.requests + nth : 0;
	host->fail_to = !nth                                   ? 0
			: count < UINT64_MAX - host->fail_from ? host->fail_from + count
							       : UINT64_MAX;
	pthread_mutex_unlock(&dm->host.mutex);
}

void vgt_dm_bad_memory(struct vgt_dm *dm, uint64_t from, uint64_t size, bool read, bool write)
{
	pthread_mutex_lock(&dm->host.mutex);
	dm->host.bad = (struct dm_range){.from = from, .size = size};
	dm->host.bad_to_read = read;
	dm->host.bad_to_write = write;
	pthread_mutex_unlock(&dm->host.mutex);
}

void vgt_dm_caller_memory(struct vgt_dm *dm, uint64_t from, uint64_t size)
{
	pthread_mutex_lock(&dm->host.mutex);
	dm->host.caller = (struct dm_range){.from = from, .size = size};
	pthread_mutex_unlock(&dm->host.mutex);
}

void vgt_dm_on_copy_in(struct vgt_dm *dm,
	void (*function)(void *context, uint64_t from, size_t size), void *context)
{
	pthread_mutex_lock(&dm->host.mutex);
	dm->host.on_copy_in = function;
	dm->host.on_copy_in_context = context;
	pthread_mutex_unlock(&dm->host.mutex);
}

void vgt_dm_watch_copies(struct vgt_dm *dm, bool on)
{
	pthread_mutex_lock(&dm->host.mutex);
	dm->host.watching = on;
	dm->host.read.count = dm->host.written.count = 0;
	dm->host.read.twice = dm->host.written.twice = 0;
	pthread_mutex_unlock(&dm->host.mutex);
}

static uint64_t get(struct vgt_dm *dm, const uint64_t *number)
{
	pthread_mutex_lock(&dm->host.mutex);
	uint64_t value = *number;
	pthread_mutex_unlock(&dm->host.mutex);
	return value;
}

uint64_t vgt_dm_bytes_read_twice(struct vgt_dm *dm)
{
	return get(dm, &dm->host.read.twice);
}

uint64_t vgt_dm_bytes_written_twice(struct vgt_dm *dm)
{
	return get(dm, &dm->host.written.twice);
}

void vgt_dm_on_wait(struct vgt_dm *dm, void (*function)(void *context), void *context)
{
	pthread_mutex_lock(&dm->host.mutex);
	dm->host.on_wait = function;
	dm->host.on_wait_context = context;
	pthread_mutex_unlock(&dm->host.mutex);
}

void vgt_dm_advance(struct vgt_dm *dm, uint64_t ns)
{
	pthread_mutex_lock(&dm->mutex);
	dm->host.clock += ns;
	pthread_mutex_unlock(&dm->mutex);
}
