/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRTQUEUE_H
#define VGT_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The driver's side of a split virtqueue: virtio 1.2, section 2.7. It works on memory only;
 * whoever owns the queue tells the device where the rings are and notifies it.
 *
 * The device is not trusted. What it has written is read once and checked, and nothing that the
 * driver has written to the rings is ever read back: what is in flight is known from `slots`.
 */

#define VGT_VIRTQUEUE_SIZE_MAX 1024u

/* Memory for the device, at a physical address. */
struct vgt_segment {
	uint64_t address;
	uint32_t length; /* bytes, not 0 */
};

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags; /* VIRTQ_DESC_F_* */
	uint16_t next;
};

struct virtq_used_elem {
	uint32_t id;
	uint32_t len;
};

#define VIRTQ_DESC_F_NEXT     1u
#define VIRTQ_DESC_F_WRITE    2u
#define VIRTQ_DESC_F_INDIRECT 4u

#define VIRTQ_USED_F_NO_NOTIFY 1u

/* What the driver remembers of one descriptor. */
struct vgt_virtqueue_slot {
	void *token;       /* of the chain that begins here; NULL: none does */
	uint64_t number;   /* of that chain, from 0 on in the order in which they were added */
	uint32_t writable; /* bytes of that chain that the device may write */
	uint16_t count;    /* descriptors of that chain */
	uint16_t next;     /* descriptor of the chain, or free one */
};

/* All fields are private. */
struct vgt_virtqueue {
	uint16_t size;
	uint16_t free_head, free_count;
	bool broken, event_idx;
	/* chains so far; in the rings stand the lower 16 bits of them */
	uint64_t added, published, taken;
	struct virtq_desc *desc;
	uint16_t *avail; /* flags, index, ring[size], used_event */
	uint16_t *used;  /* flags, index, struct virtq_used_elem[size], avail_event */
	struct vgt_virtqueue_slot *slots;
};

/* Where the three parts lie from the rings' start, and how long they are all together; each is
 * aligned as section 2.7 asks. The start is aligned to 16 bytes. */
struct vgt_virtqueue_layout {
	uint32_t avail, used, size;
};
struct vgt_virtqueue_layout vgt_virtqueue_layout(uint16_t size);

/*
 * Begins with an empty queue of `size` descriptors, a power of two up to
 * VGT_VIRTQUEUE_SIZE_MAX. `rings` and `slots` (as many as descriptors) are the caller's and
 * live as long as the queue; both are overwritten. With event_idx (VIRTIO_F_EVENT_IDX was
 * agreed on) each side says with which entry it wants to be told; else the device interrupts at
 * each answer.
 */
void vgt_virtqueue_init(struct vgt_virtqueue *queue, uint16_t size, void *rings,
	struct vgt_virtqueue_slot *slots, bool event_idx);

/*
 * Offers a chain: first `readable` segments that the device reads, then `writable` that it
 * writes; at least one in all. `token`, not NULL, comes back when the device is done. False,
 * with nothing changed, where the descriptors do not suffice or the queue is broken. The device
 * sees it with the next vgt_virtqueue_publish().
 */
bool vgt_virtqueue_add(struct vgt_virtqueue *queue, const struct vgt_segment *segments,
	uint32_t readable, uint32_t writable, void *token);

/*
 * Writes such a chain to a table of its own (section 2.7.5.3) and offers it with one
 * descriptor. `table` has room for readable + writable descriptors, lies at `address` for the
 * device, and is left alone until the token comes back. No chain may be longer than the queue
 * (section 2.7.5.3.1): then false, too.
 */
bool vgt_virtqueue_add_indirect(struct vgt_virtqueue *queue, struct virtq_desc *table,
	uint64_t address, const struct vgt_segment *segments, uint32_t readable,
	uint32_t writable, void *token);

/* Shows the device what has been added; true where it wants to be notified of it (section
 * 2.7.10). The worst that a device can do there is not to be notified. */
bool vgt_virtqueue_publish(struct vgt_virtqueue *queue);

enum vgt_virtqueue_taken {
	VGT_VIRTQUEUE_NOTHING = 0,
	VGT_VIRTQUEUE_TAKEN,
	VGT_VIRTQUEUE_BROKEN, /* the device wrote what it must not; only a reset helps */
};

/*
 * Takes one answer: the token, and how many bytes the device says that it has written to the
 * writable segments. Broken is a used index that is ahead of what was published, an id that
 * does not begin a chain that was published and not answered, more bytes written than writable;
 * and it stays so. After NOTHING the device interrupts at the next answer (section 2.7.7),
 * maybe not at those behind it: take until there is nothing, then wait.
 */
enum vgt_virtqueue_taken vgt_virtqueue_take(
	struct vgt_virtqueue *queue, void **token, uint32_t *written);

/* One token after the other of what was added and has not come back, in any order, NULL when
 * there is none left. For after a reset, when the device has forgotten them: until
 * vgt_virtqueue_init() the queue is broken. */
void *vgt_virtqueue_reclaim(struct vgt_virtqueue *queue);

#endif
