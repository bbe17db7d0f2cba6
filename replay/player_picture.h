/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_PICTURE_H
#define VGT_PLAYER_PICTURE_H

#include "png_image.h"
#include "vgt_err.h"
#include "vgt_model.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The picture of a frame: reads the resource from the renderer as a guest would, so that
 * Y_0_TOP is honoured, resolves multisampling by a BLIT in a context of the player's own, and
 * converts.
 */

/* Contexts and resources of the player's own; a trace may not use them. */
#define PLAYER_OWN_CONTEXT  0xfffffff0u
#define PLAYER_OWN_RESOURCE 0xfffffff0u

/* The rectangle of `frame` of level 0, layer 0. False: why there is no picture. */
bool player_picture_take(struct vgt_image *image, const struct vgt_resource *resource,
	const struct vgt_frame *frame, struct vgt_err *err);

/* XXH64 over width, height (little-endian uint32_t each) and the RGB, with alpha RGBA, bytes.
 */
uint64_t player_picture_digest(const struct vgt_image *image, bool with_alpha);

#endif
