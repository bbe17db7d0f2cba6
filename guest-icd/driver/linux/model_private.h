/* SPDX-License-Identifier: MIT */
#ifndef VGT_MODEL_PRIVATE_H
#define VGT_MODEL_PRIVATE_H

#include "device_model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/*
 * What the parts of the device model share: device_model.c is the virtio-pci device,
 * model_platform.c the memory and the clock under the driver.
 *
 * vgt_dm.mutex guards the device and where DMA memory lies, dm_host.mutex the platform's
 * numbers; functions called dm_...() want the first held. Order: the driver's lock, these two.
 * What a driver does all the time, notify, read the status, ask for an address, wait, takes
 * neither, and orders nothing: threaded, only the rings tie the driver's memory to the device,
 * so that ThreadSanitizer sees where they do not.
 */

/* One dma_alloc(). They are kept in the order in which they were made, which is that of falling
 * addresses; what has been freed stays, so that its use is told from that of a wrong address.
 */
struct dm_dma {
	bool is_live;
	uint32_t mappings; /* with the next guarded by dm_host.mutex */
	struct dm_dma *next_mapped;
	uint64_t low, high; /* everything of it, and nothing else, lies in [low, high) */
	uint64_t size, run;
	void *heap; /* what `memory` lies in */
	uint8_t *memory;
	uint64_t *pieces; /* address of each `run` bytes, falling */
};

/* In front of what alloc() gives out. */
struct dm_allocation {
	struct dm_allocation *next, *previous;
	uint64_t size, magic;
};

struct dm_range {
	uint64_t from, size;
};

struct dm_ranges {
	struct dm_range *list;
	size_t count, capacity;
	uint64_t twice; /* bytes */
};

struct dm_host { /* the platform's part */
	struct vgt_platform platform;

	/* guarded by vgt_dm.mutex */
	struct dm_dma **dmas;
	size_t dma_count, dma_capacity;
	uint64_t next_address;
	uint32_t scatter; /* state of the random gaps */
	uint64_t clock;

	/* guarded by this one, down to `lock` */
	pthread_mutex_t mutex;
	struct dm_allocation allocations; /* a ring */
	struct dm_dma *mapped;
	struct vgt_dm_usage usage;
	uint64_t fail_from, fail_to; /* usage.requests that fail, counted from 1 */
	struct dm_range bad, caller;
	bool bad_to_read, bad_to_write;
	bool watching;
	struct dm_ranges read, written;
	void (*on_copy_in)(void *context, uint64_t from, size_t size);
	void *on_copy_in_context;
	void (*on_wait)(void *context);
	void *on_wait_context;
	bool in_on_wait;

	pthread_mutex_t lock;        /* the driver's */
	_Atomic(const void *) owner; /* of that; NULL: nobody */
	uint32_t nested;             /* guarded by that */

	atomic_ullong events, events_seen; /* interrupts and calls of wake() */
};

#define DM_QUEUES     2u
#define DM_QUEUE_SIZE 1024u

struct dm_queue {
	uint16_t size_max, notify_off; /* the device's */
	uint16_t size;
	bool is_enabled;
	bool is_broken; /* the driver broke it: it is looked at no more */
	uint64_t desc, avail, used;
	uint16_t avail_index, used_index;
	bool in_flight[DM_QUEUE_SIZE]; /* descriptors */
	atomic_bool is_notified;       /* outside of the mutex */
};

struct dm_segment {
	uint64_t address;
	uint32_t length;
};

enum dm_chain_state {
	DM_CHAIN_TAKEN, /* not executed yet */
	DM_CHAIN_HELD,  /* executed, fenced */
	DM_CHAIN_KEPT,  /* executed, not answered by the fault NO_ANSWER */
	DM_CHAIN_BAD,   /* the driver's fault: never answered */
};

/* A command that the device has taken and not answered. */
struct dm_chain {
	struct dm_chain *next;
	enum dm_chain_state state;
	uint16_t queue, head;
	uint16_t descriptor_count;
	uint32_t readable, writable; /* segments */
	uint64_t readable_bytes, writable_bytes;
	struct dm_segment table; /* indirect; length 0: none */
	uint8_t *command, *response;
	uint32_t response_size;
	struct virtio_gpu_ctrl_hdr header;   /* of the command */
	uint32_t steps;                      /* until it is answered */
	uint64_t fence;                      /* the executor's number for it */
	uint32_t entry;                      /* of the log; UINT32_MAX: it is not there */
	uint16_t descriptors[DM_QUEUE_SIZE]; /* of the ring */
	struct dm_segment segments[DM_QUEUE_SIZE];
};

struct vgt_dm {
	pthread_mutex_t mutex;
	bool threaded, polls, eager;
	pthread_t thread;
	atomic_bool stop;

	struct dm_host host;

	/* the device */
	uint8_t config_space[256];
	bool is_damaged; /* its configuration is: what the driver then does to registers is
			    right */
	uint64_t bar_sizes[6];
	struct virtio_gpu_config config;
	uint8_t config_generation;
	uint8_t isr;
	uint64_t offered, accepted;
	uint32_t device_feature_select, driver_feature_select;
	uint16_t queue_select, config_vector, queue_vector[DM_QUEUES];
	atomic_uchar status;      /* read outside of the mutex */
	atomic_bool is_gone;      /* that, too */
	atomic_bool is_resetting; /* the driver has yet to see that status is 0; that, too */
	bool features_seen;       /* read the status after it wrote FEATURES_OK */
	bool is_stopped;          /* until the next reset */
	struct dm_queue queues[DM_QUEUES];
	struct dm_chain *chains; /* oldest first */
	uint64_t resets;
	atomic_ullong notifications;

	struct vgt_dm_executor executor;
	struct vgt_dm_gpu *gpu; /* the built-in one */

	enum vgt_dm_fences fences;
	uint32_t fence_steps;
	struct {
		struct vgt_dm_plan plan;
		uint32_t struck;
	} faults[VGT_DM_FAULTS];

	struct vgt_dm_entry *log;
	uint32_t log_size, log_capacity;

	pthread_mutex_t violation_mutex; /* inside of all others */
	char *violations[64];
	uint32_t violation_count;
};

/* Memory of the model itself, which must be there. */
static inline void *dm_must(void *memory)
{
	if (!memory) {
		abort();
	}
	return memory;
}

/* With or without any mutex. */
void dm_violation(struct vgt_dm *dm, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool dm_step(struct vgt_dm *dm);
/* Answers fenced commands that the executor is done with, and waits for the oldest. True where
 * there was one. */
bool dm_await_executor(struct vgt_dm *dm);
/* Whether the device may use memory of this range. */
bool dm_uses(const struct vgt_dm *dm, uint64_t address, uint64_t size);
/* Guest memory, NULL and a violation where it is none; `what` wants to use it. */
void *dm_memory(struct vgt_dm *dm, uint64_t address, uint64_t size, const char *what);
/* Tells those who wait. */
void dm_event(struct vgt_dm *dm);

void dm_host_init(struct vgt_dm *dm);
void dm_host_finish(struct vgt_dm *dm);
/* The registers, for the platform. */
uint32_t dm_config_read(void *self, uint32_t offset, uint32_t width);
uint64_t dm_bar_size(void *self, uint32_t bar);
uint32_t dm_bar_read(void *self, uint32_t bar, uint64_t offset, uint32_t width);
void dm_bar_write(void *self, uint32_t bar, uint64_t offset, uint32_t width, uint32_t value);

/* As the device's configuration says. */
void dm_gpu_set_num_capsets(struct vgt_dm_gpu *gpu, uint32_t num_capsets);
/* The resource that a command names, 0: none. */
uint32_t dm_resource_of(const void *command, uint32_t size);

#endif
