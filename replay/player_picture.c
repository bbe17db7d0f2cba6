/* SPDX-License-Identifier: MIT */
#include "player_picture.h"

#include "virgl_cmd.h"
#include "virgl_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <virglrenderer.h>
#include <xxhash.h>

/* A single-sampled copy of a multisampled resource, in a resource of our own. */
static bool resolve(const struct vgt_resource *resource, struct vgt_err *err)
{
	struct virgl_renderer_resource_create_args args = {
		.handle = PLAYER_OWN_RESOURCE,
		.target = PIPE_TEXTURE_2D,
		.format = resource->format,
		.bind = VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SAMPLER_VIEW,
		.width = resource->width,
		.height = resource->height,
		.depth = 1,
		.array_size = 1,
		.flags = resource->flags,
	};
	static const char name[] = "vgt-player";
	uint32_t w = resource->width, h = resource->height;
	/* virgl_protocol.h, "blit": mask RGBA, nearest; destination; source */
	uint32_t blit[1 + VIRGL_CMD_BLIT_SIZE] = {
		VIRGL_CMD0(VIRGL_CCMD_BLIT, 0, VIRGL_CMD_BLIT_SIZE), 0x0f, 0, 0,
		PLAYER_OWN_RESOURCE, 0, resource->format, 0, 0, 0, w, h, 1, resource->id, 0,
		resource->format, 0, 0, 0, w, h, 1};
	if (virgl_renderer_context_create(PLAYER_OWN_CONTEXT, sizeof(name) - 1, name) ||
		virgl_renderer_resource_create(&args, NULL, 0)) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			"the renderer gives no resource to resolve multisampling into");
	}
	virgl_renderer_ctx_attach_resource(PLAYER_OWN_CONTEXT, (int)resource->id);
	virgl_renderer_ctx_attach_resource((int)PLAYER_OWN_CONTEXT, (int)PLAYER_OWN_RESOURCE);
	if (virgl_renderer_submit_cmd(
		    blit, (int)PLAYER_OWN_CONTEXT, sizeof(blit) / sizeof(blit[0]))) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			"the renderer refuses to resolve multisampling");
	}
	return true;
}

static void drop_resolved(void)
{
	virgl_renderer_context_destroy(PLAYER_OWN_CONTEXT);
	virgl_renderer_resource_unref(PLAYER_OWN_RESOURCE);
}

/* All of level 0, layer 0, rows tightly packed. */
static bool read_texels(uint32_t resource_id, uint32_t width, uint32_t height, uint32_t stride,
	void *texels, struct vgt_err *err)
{
	struct virgl_box box = {0, 0, 0, width, height, 1};
	struct iovec iov = {texels, (size_t)stride * height};
	int result = virgl_renderer_transfer_read_iov(
		resource_id, 0, 0, stride, 0, &box, 0, &iov, 1);
	if (result) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			"the renderer does not read resource %u back: %d", resource_id, result);
	}
	return true;
}

static bool check(const struct vgt_resource *resource, const struct vgt_frame *frame,
	const struct vgt_format *format, struct vgt_err *err)
{
	if (!vgt_format_is_picture(format)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"format %s (%u) makes no picture", vgt_format_name(resource->format),
			resource->format);
	}
	if (resource->width > VGT_IMAGE_MAX_WIDTH || resource->height > VGT_IMAGE_MAX_HEIGHT ||
		frame->width == 0 || frame->height == 0 || frame->x > resource->width ||
		frame->y > resource->height || frame->width > resource->width - frame->x ||
		frame->height > resource->height - frame->y) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"rectangle %ux%u at %u,%u does not lie in the %ux%u resource",
			frame->width, frame->height, frame->x, frame->y, resource->width,
			resource->height);
	}
	return true;
}

bool player_picture_take(struct vgt_image *image, const struct vgt_resource *resource,
	const struct vgt_frame *frame, struct vgt_err *err)
{
	*image = (struct vgt_image){0};
	if (!resource) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "nothing is shown");
	}
	const struct vgt_format *format = vgt_format_get(resource->format);
	if (!check(resource, frame, format, err)) {
		return false;
	}
	uint32_t stride = resource->width * format->block_bytes;
	uint8_t *texels = calloc(resource->height, stride);
	uint8_t *rgba = malloc((size_t)frame->width * frame->height * 4);
	bool good = texels && rgba;
	if (!good) {
		vgt_err_system(err, ENOMEM, "no memory for a picture");
	} else if (resource->nr_samples > 1) {
		good = resolve(resource, err) &&
		       read_texels(PLAYER_OWN_RESOURCE, resource->width, resource->height,
			       stride, texels, err);
		drop_resolved();
	} else {
		good = read_texels(
			resource->id, resource->width, resource->height, stride, texels, err);
	}
	for (uint32_t y = 0; good && y < frame->height; y++) {
		vgt_format_row_to_rgba8(format,
			texels + (size_t)(frame->y + y) * stride +
				(size_t)frame->x * format->block_bytes,
			rgba + (size_t)y * frame->width * 4, frame->width);
	}
	free(texels);
	if (!good) {
		free(rgba);
		return false;
	}
	*image = (struct vgt_image){
		.width = frame->width, .height = frame->height, .rgba = rgba};
	return true;
}

uint64_t player_picture_digest(const struct vgt_image *image, bool with_alpha)
{
	XXH64_state_t *state = XXH64_createState();
	uint32_t size[] = {image->width, image->height};
	uint8_t row[VGT_IMAGE_MAX_WIDTH * 4];
	uint32_t bytes = with_alpha ? 4 : 3;
	if (!state) {
		return 0;
	}
	XXH64_reset(state, 0);
	XXH64_update(state, size, sizeof(size));
	for (uint32_t y = 0; y < image->height; y++) {
		const uint8_t *rgba = image->rgba + (size_t)y * image->width * 4;
		for (uint32_t x = 0; x < image->width; x++) {
			memcpy(row + (size_t)x * bytes, rgba + (size_t)x * 4, bytes);
		}
		XXH64_update(state, row, (size_t)image->width * bytes);
	}
	uint64_t digest = XXH64_digest(state);
	XXH64_freeState(state);
	return digest;
}
