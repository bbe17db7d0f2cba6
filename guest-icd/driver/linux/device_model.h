/* SPDX-License-Identifier: MIT */
#ifndef VGT_DEVICE_MODEL_H
#define VGT_DEVICE_MODEL_H

#include "model_gpu.h"
#include "platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A virtio-gpu device in memory, and the platform through which the driver core reaches it: for
 * tests. It follows virtio 1.2, sections 2, 4.1 and 5.7, watches that the driver does so too
 * (violations, below), and does on request what no device may do (faults, below).
 *
 * The device knows only memory that dma_alloc() has given out, at addresses that are scattered,
 * above 4 GiB and never used twice: what lies elsewhere, or was freed, is a violation.
 *
 * Alone (the default) all of it runs in one thread with a clock of its own: the device works in
 * wait() and in vgt_dm_step(); where a wait() brings no interrupt, the clock moves on to the
 * end of its timeout; each now() moves it on by 1 us. Threaded, a thread is the device and the
 * clock is real.
 *
 * Any function may be called from any thread, with the platform's lock or without, but not from
 * within the executor.
 */

struct vgt_dm;

struct vgt_dm_options {
	bool threaded;
	/* What the device offers, 0: VERSION_1, INDIRECT_DESC, EVENT_IDX, and of virtio-gpu
	   VIRGL, EDID and CONTEXT_INIT. */
	uint64_t features;
	uint16_t control_size, cursor_size; /* of the queues, a power of two; 0: 256, 16 */
	uint32_t num_scanouts;              /* 0: 1 */
	/* Asks for no notifications (VIRTQ_USED_F_NO_NOTIFY, or by avail_event), looks at the
	   queues by itself. */
	bool polls;
	/* Alone: works as soon as it is notified, too. */
	bool eager;
	bool no_string_marker; /* VIRGL2 lacks VIRGL_CAP_V2_STRING_MARKER */
	/* What executes the commands, copied; NULL: vgt_dm_gpu_executor(). */
	const struct vgt_dm_executor *executor;
};

/* options NULL: all 0. Memory and threads that cannot be had abort the program. */
struct vgt_dm *vgt_dm_create(const struct vgt_dm_options *options);
/* NULL is nothing. Frees also what the driver has not. */
void vgt_dm_destroy(struct vgt_dm *dm);
const struct vgt_platform *vgt_dm_platform(struct vgt_dm *dm);

/* Executes what the driver has notified of, answers fenced commands whose time has come. True
 * where anything happened. Not where it is threaded. */
bool vgt_dm_step(struct vgt_dm *dm);

/*
 * What the driver did that virtio, the platform's contract or common sense forbid: a text each,
 * the first 64 are kept. A sound driver has none, whatever the device does.
 */
uint32_t vgt_dm_violations(struct vgt_dm *dm);
/* NULL: there are not so many. Lives as long as the model. */
const char *vgt_dm_violation(struct vgt_dm *dm, uint32_t index);
void vgt_dm_forget_violations(struct vgt_dm *dm);

/* The built-in executor's state, for questions after live contexts and so on: model_gpu.h. NULL
 * with another executor. In a threaded model only while the device has nothing to do. */
struct vgt_dm_gpu *vgt_dm_gpu(struct vgt_dm *dm);

/* A command that the device took from a queue. */
struct vgt_dm_entry {
	uint32_t queue; /* 0: control, 1: cursor */
	uint32_t type, flags, ctx_id;
	uint64_t fence_id;
	uint32_t resource_id;   /* 0: the command names none */
	uint32_t size;          /* bytes that the device read, the header included */
	uint32_t entries;       /* ATTACH_BACKING */
	uint32_t response_type; /* as executed, before any fault; 0: without response */
	bool answered;
};
/* The commands in the order in which they were taken; at most the first 2^20 are kept. */
uint32_t vgt_dm_log_size(struct vgt_dm *dm);
struct vgt_dm_entry vgt_dm_log(struct vgt_dm *dm, uint32_t index);
uint32_t vgt_dm_log_count(struct vgt_dm *dm, uint32_t type); /* commands of a type */
void vgt_dm_forget_log(struct vgt_dm *dm);
/* Notifications that came, and resets that were done, since it was created. */
uint64_t vgt_dm_notifications(struct vgt_dm *dm);
uint64_t vgt_dm_resets(struct vgt_dm *dm);
/* Chains that the device has and has not answered, both queues. */
uint32_t vgt_dm_in_flight(struct vgt_dm *dm);

/* When fenced commands are answered. They are executed at once in any case. */
enum vgt_dm_fences {
	VGT_DM_FENCES_AT_ONCE = 0, /* the default */
	VGT_DM_FENCES_LATER,       /* after `steps` steps more */
	VGT_DM_FENCES_HELD,        /* by vgt_dm_release() only */
	VGT_DM_FENCES_REVERSED,    /* the newest first, in a step with no new command */
};
void vgt_dm_set_fences(struct vgt_dm *dm, enum vgt_dm_fences policy, uint32_t steps);
uint32_t vgt_dm_held(struct vgt_dm *dm); /* fenced commands that wait for their answer */
/* Answers up to `count` of them at once, oldest or newest first; says how many. */
uint32_t vgt_dm_release(struct vgt_dm *dm, uint32_t count);
uint32_t vgt_dm_release_newest(struct vgt_dm *dm, uint32_t count);

/* What the device may do wrong. */
enum vgt_dm_fault {
	/* answers on the control queue, `value` as named */
	VGT_DM_USED_ID,         /* used id = value */
	VGT_DM_USED_ID_FREE,    /* used id = a descriptor that begins no chain in flight */
	VGT_DM_USED_TWICE,      /* the answer is there twice */
	VGT_DM_USED_LENGTH,     /* says to have written `value` bytes more than there are */
	VGT_DM_USED_INDEX,      /* used index is `value` more than it should be */
	VGT_DM_RESPONSE_SHORT,  /* writes only `value` bytes, and says so */
	VGT_DM_RESPONSE_TYPE,   /* type = value, after it was executed */
	VGT_DM_RESPONSE_FENCE,  /* fence_id is `value` more */
	VGT_DM_RESPONSE_FLAGS,  /* the flags `value` are the other way round */
	VGT_DM_RESPONSE_RANDOM, /* random bytes behind the header; value: the seed */
	VGT_DM_REFUSED,         /* not executed, answered with the type `value` */
	VGT_DM_NO_ANSWER,       /* executed, but only vgt_dm_answer_late() answers */
	VGT_DM_AVAIL_EVENT,     /* asks for notification `value` entries too late */
	/* as soon as a command is taken, which is not executed any more */
	VGT_DM_NEEDS_RESET, /* DEVICE_NEEDS_RESET, and nothing more until a reset */
	VGT_DM_GONE,        /* all registers read as all bits set, for ever */
	/* whenever the driver does that */
	VGT_DM_NO_RESET,         /* a reset is not even begun */
	VGT_DM_FEATURES_REFUSED, /* FEATURES_OK does not stay */
	VGT_DM_GENERATION,       /* config_generation changes with each read of it */
	VGT_DM_FAULTS
};

struct vgt_dm_plan {
	uint32_t type;  /* only commands of this type; 0: all */
	uint32_t skip;  /* so many times it goes right first */
	uint32_t count; /* then so many times wrong; UINT32_MAX: always */
	uint64_t value;
};
/* Replaces the plan for this fault; NULL: none. */
void vgt_dm_plant(struct vgt_dm *dm, enum vgt_dm_fault fault, const struct vgt_dm_plan *plan);
/* How many times it has come true. */
uint32_t vgt_dm_struck(struct vgt_dm *dm, enum vgt_dm_fault fault);
/* Answers what NO_ANSWER has kept back, oldest first, rings and buffers as they were told,
 * unless a reset has been done since: says how many. */
uint32_t vgt_dm_answer_late(struct vgt_dm *dm);

/* At once, the device asks for a reset or is gone, as those faults do. */
void vgt_dm_ask_reset(struct vgt_dm *dm);
void vgt_dm_vanish(struct vgt_dm *dm);

/* Changes to the device, for before the driver finds it ... */
void vgt_dm_patch_config_space(struct vgt_dm *dm, uint32_t offset, uint8_t value);
/* Where the vendor capability of this cfg_type (1 to 5) lies in the configuration space. */
uint32_t vgt_dm_capability(struct vgt_dm *dm, uint8_t cfg_type);
void vgt_dm_set_bar_size(struct vgt_dm *dm, uint32_t bar, uint64_t size); /* for bar_size() */
void vgt_dm_set_features(struct vgt_dm *dm, uint64_t features);
void vgt_dm_set_queue(struct vgt_dm *dm, uint16_t queue, uint16_t size, uint16_t notify_off);
/* ... or at any time */
void vgt_dm_set_num_capsets(struct vgt_dm *dm, uint32_t num_capsets); /* events, generation */
void vgt_dm_raise_display_event(struct vgt_dm *dm);

/* The platform's side */

struct vgt_dm_usage {
	uint64_t allocations, bytes; /* alloc(), alive */
	uint64_t dmas, dma_bytes;    /* dma_alloc(), alive */
	uint64_t mappings;           /* map(), alive */
	uint64_t requests; /* alloc(), dma_alloc() and map() so far, failed ones too */
};
struct vgt_dm_usage vgt_dm_usage(struct vgt_dm *dm);
/* The nth of those requests from now on fails, and `count` - 1 after it; nth 0: none. */
void vgt_dm_fail_request(struct vgt_dm *dm, uint64_t nth, uint64_t count);

/*
 * The caller's memory is this process's, whatever `caller` is. A range may be bad for reading,
 * for writing or both; size 0: none is. Never good is the page at 0.
 */
void vgt_dm_bad_memory(struct vgt_dm *dm, uint64_t from, uint64_t size, bool read, bool write);
/* With size other than 0 nothing else is the caller's but this and what is mapped. */
void vgt_dm_caller_memory(struct vgt_dm *dm, uint64_t from, uint64_t size);
/* Called after each copy_in(), without any lock of the model; function NULL: none. */
void vgt_dm_on_copy_in(struct vgt_dm *dm,
	void (*function)(void *context, uint64_t from, size_t size), void *context);
/* From now on remembers what copy_in() reads and copy_out() writes. */
void vgt_dm_watch_copies(struct vgt_dm *dm, bool on);
uint64_t vgt_dm_bytes_read_twice(struct vgt_dm *dm);    /* since watching began */
uint64_t vgt_dm_bytes_written_twice(struct vgt_dm *dm); /* since watching began */

/* Called by each wait(), before the device works, with the platform's lock given up: what
 * another thread may do meanwhile. Not called while it is called. function NULL: none. */
void vgt_dm_on_wait(struct vgt_dm *dm, void (*function)(void *context), void *context);
/* The clock, unless it is threaded. */
void vgt_dm_advance(struct vgt_dm *dm, uint64_t ns);

#endif
