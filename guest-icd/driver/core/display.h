/* SPDX-License-Identifier: MIT */
#ifndef VGT_DISPLAY_H
#define VGT_DISPLAY_H

#include "client.h"
#include "virtio_gpu.h"

/*
 * What only the kernel's display driver may ask of the device: 2D resources, scanouts, cursor,
 * the monitors' data; virtio 1.2, section 5.7.6.8 to 5.7.6.10. No escape request leads here.
 * The display driver is a client like others, and its 2D resources are handles like others
 * (attach_backing, map, ctx_attach, destroy of client.h). Statuses as there.
 */

/* Where the monitors are; `info` is the whole answer of the device. */
enum vgt_escape_status vgt_display_get_info(struct vgt_client *client,
	struct virtio_gpu_resp_display_info *info, struct vgt_answer *answer);
/* UNSUPPORTED without VGT_ESCAPE_FEATURE_EDID. */
enum vgt_escape_status vgt_display_get_edid(struct vgt_client *client, uint32_t scanout,
	struct virtio_gpu_resp_edid *edid, struct vgt_answer *answer);

enum vgt_escape_status vgt_display_create_2d(struct vgt_client *client, uint32_t format,
	uint32_t width, uint32_t height, bool fenced, uint32_t *resource, uint32_t *resource_id,
	struct vgt_answer *answer);
enum vgt_escape_status vgt_display_transfer_2d(struct vgt_client *client, uint32_t resource,
	const struct virtio_gpu_rect *rect, uint64_t offset, bool fenced,
	struct vgt_answer *answer);
/* resource 0 switches the scanout off. */
enum vgt_escape_status vgt_display_set_scanout(struct vgt_client *client, uint32_t scanout,
	uint32_t resource, const struct virtio_gpu_rect *rect, struct vgt_answer *answer);
enum vgt_escape_status vgt_display_flush(struct vgt_client *client, uint32_t resource,
	const struct virtio_gpu_rect *rect, bool fenced, struct vgt_answer *answer);

/* On the cursor queue, which the device does not answer. resource 0 hides the cursor; so does
 * a move in QEMU, which therefore names what update_cursor did. */
enum vgt_escape_status vgt_display_update_cursor(struct vgt_client *client,
	const struct virtio_gpu_cursor_pos *pos, uint32_t resource, uint32_t hot_x,
	uint32_t hot_y);
enum vgt_escape_status vgt_display_move_cursor(
	struct vgt_client *client, const struct virtio_gpu_cursor_pos *pos, uint32_t resource);

#endif
