/* SPDX-License-Identifier: MIT */
#ifndef VGT_FENCE_TIMELINE_H
#define VGT_FENCE_TIMELINE_H

#include "vgt_escape.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The fences of one client, numbered from 1 in the order in which they were sent. The device
 * may answer in any order; a fence has retired when it and all before it have been answered.
 */
struct vgt_fence_timeline {
	uint64_t newest;  /* last number given */
	uint64_t retired; /* this one and all before it */
	uint64_t failed;  /* answered with another status than OK */
	struct {
		bool answered;
		uint8_t status; /* enum vgt_escape_status */
		uint32_t response;
	} kept[VGT_ESCAPE_FENCES_KEPT]; /* of fence n at n % VGT_ESCAPE_FENCES_KEPT */
};

void vgt_fence_timeline_init(struct vgt_fence_timeline *timeline);
/* The next number; 0 where so many are unanswered that none could be kept. */
uint64_t vgt_fence_timeline_add(struct vgt_fence_timeline *timeline);
void vgt_fence_timeline_answer(struct vgt_fence_timeline *timeline, uint64_t fence,
	enum vgt_escape_status status, uint32_t response);
/* How many have not retired. */
uint64_t vgt_fence_timeline_pending(const struct vgt_fence_timeline *timeline);
/* PENDING; or the status of a retired fence with its response: OK and 0 where it is no longer
 * kept; BAD_PARAMETER for one that was never given. */
enum vgt_escape_status vgt_fence_timeline_look(
	const struct vgt_fence_timeline *timeline, uint64_t fence, uint32_t *response);

#endif
