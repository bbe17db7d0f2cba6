/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRGL_CAPS_H
#define VGT_VIRGL_CAPS_H

#include "vgt_desc.h"

/*
 * What a virgl host says that it can do: struct virgl_caps_v1 and virgl_caps_v2 of virgl_hw.h,
 * as the capsets VIRTIO_GPU_CAPSET_VIRGL and VIRTIO_GPU_CAPSET_VIRGL2 carry them. The second
 * begins like the first and has grown with virglrenderer; it is described up to 1.1.
 */

/* What describes the capset of this id; NULL for others than virgl's. It begins at dword 0. */
const struct vgt_desc *virgl_caps_desc(uint32_t capset_id);

enum virgl_caps_verdict {
	VIRGL_CAPS_OTHER = 0, /* a fact about the host, which nothing depends on */
	VIRGL_CAPS_BETTER,    /* the second can more */
	VIRGL_CAPS_WORSE,     /* the second lacks something that the first had */
};

struct virgl_caps_difference {
	enum virgl_caps_verdict verdict;
	/* The same field in both; NULL where that capset ends before it, which counts as 0. */
	const struct vgt_value *first;
	const struct vgt_value *second;
};

/*
 * Calls `found` for each field in which two capsets of one id differ, in their order: what a
 * trace's capset had and the host at hand lacks is WORSE. Both are measured by the same
 * description of virgl_caps_desc(). Fewer bits or formats are worse even where others are
 * more. Video capabilities are compared by number only, not by what each slot is about.
 */
void virgl_caps_compare(const struct vgt_layout *first, const struct vgt_layout *second,
	void (*found)(const struct virgl_caps_difference *difference, void *context),
	void *context);

/* True where the first has this bit (or format) and the second does not, and that is worse. */
bool virgl_caps_lacks(const struct virgl_caps_difference *difference, uint32_t bit);

/*
 * Makes of a host's capset, `size` bytes aligned to 4, what a guest may be offered whose stream
 * is to run on the host `weaker` too: of each bit, format and limit the lesser; facts stay the
 * host's, so do the video capabilities up to the lesser number. The result ends where the first
 * of the two does, and with the last field described; returns its size, 0 where one of the two
 * is no such capset. What is behind it becomes 0.
 *
 * Nothing ties the fields to each other: of two consistent capsets the result is what a host
 * would say that lacks what either lacks. With capsets made by hand a guest may be offered a
 * feature without the limits that belong to it.
 */
size_t virgl_caps_mask(
	uint32_t id, void *caps, size_t size, const void *weaker, size_t weaker_size);

#endif
