/* SPDX-License-Identifier: MIT */
#include "fence_timeline.h"

/* `answered` is set only from a fence's answer until it retires: nothing is left to be cleared
 * when the place comes to its next fence. */

void vgt_fence_timeline_init(struct vgt_fence_timeline *timeline)
{
	__builtin_memset(timeline, 0, sizeof(*timeline));
}

uint64_t vgt_fence_timeline_add(struct vgt_fence_timeline *timeline)
{
	if (vgt_fence_timeline_pending(timeline) == VGT_ESCAPE_FENCES_KEPT) {
		return 0;
	}
	return ++timeline->newest;
}

void vgt_fence_timeline_answer(struct vgt_fence_timeline *timeline, uint64_t fence,
	enum vgt_escape_status status, uint32_t response)
{
	if (fence <= timeline->retired || fence > timeline->newest ||
		timeline->kept[fence % VGT_ESCAPE_FENCES_KEPT].answered) {
		return;
	}
	timeline->kept[fence % VGT_ESCAPE_FENCES_KEPT].answered = true;
	timeline->kept[fence % VGT_ESCAPE_FENCES_KEPT].status = (uint8_t)status;
	timeline->kept[fence % VGT_ESCAPE_FENCES_KEPT].response = response;
	timeline->failed += status != VGT_ESCAPE_OK;
	while (timeline->kept[(timeline->retired + 1) % VGT_ESCAPE_FENCES_KEPT].answered) {
		timeline->retired++;
		timeline->kept[timeline->retired % VGT_ESCAPE_FENCES_KEPT].answered = false;
	}
}

uint64_t vgt_fence_timeline_pending(const struct vgt_fence_timeline *timeline)
{
	return timeline->newest - timeline->retired;
}

enum vgt_escape_status vgt_fence_timeline_look(
	const struct vgt_fence_timeline *timeline, uint64_t fence, uint32_t *response)
{
	*response = 0;
	if (!fence || fence > timeline->newest) {
		return VGT_ESCAPE_BAD_PARAMETER;
	}
	if (fence > timeline->retired) {
		return VGT_ESCAPE_PENDING;
	}
	if (timeline->newest - fence >= VGT_ESCAPE_FENCES_KEPT) {
		return VGT_ESCAPE_OK;
	}
	*response = timeline->kept[fence % VGT_ESCAPE_FENCES_KEPT].response;
	return (enum vgt_escape_status)timeline->kept[fence % VGT_ESCAPE_FENCES_KEPT].status;
}
