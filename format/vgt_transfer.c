/* SPDX-License-Identifier: MIT */
#include "vgt_transfer.h"

#include "virgl_cmd.h"
#include "virgl_format.h"

#include <inttypes.h>

struct vgt_transfer vgt_transfer_of(
	struct vgt_model *model, const struct virtio_gpu_transfer_host_3d *command)
{
	struct vgt_resource *resource = vgt_model_resource(model, command->resource_id);
	return (struct vgt_transfer){
		.resource = resource,
		.memory = resource,
		.box = command->box,
		.offset = command->offset,
		.level = command->level,
		.stride = command->stride,
		.layer_stride = command->layer_stride,
		.to_host = command->hdr.type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
	};
}

struct virtio_gpu_transfer_host_3d vgt_transfer_2d_as_3d(
	const struct virtio_gpu_transfer_to_host_2d *command)
{
	return (struct virtio_gpu_transfer_host_3d){
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.box = {command->r.x, command->r.y, 0, command->r.width, command->r.height, 1},
		.offset = command->offset,
		.resource_id = command->resource_id,
	};
}

/* Size of a dimension at a mipmap level (u_minify). */
static uint32_t minify(uint32_t size, uint32_t level)
{
	uint32_t small = level < 32 ? size >> level : 0;
	return small ? small : 1;
}

static bool fits(uint32_t at, uint32_t size, uint32_t limit)
{
	return at <= limit && size <= limit - at;
}

/* check_transfer_bounds */
static bool box_is_legal(const struct vgt_transfer *transfer)
{
	const struct vgt_resource *resource = transfer->resource;
	const struct virtio_gpu_box *box = &transfer->box;
	uint32_t layers = resource->target == PIPE_TEXTURE_3D
				  ? minify(resource->depth, transfer->level)
				  : resource->array_size;
	return transfer->level <= resource->last_level &&
	       fits(box->x, box->w, minify(resource->width, transfer->level)) &&
	       fits(box->y, box->h, minify(resource->height, transfer->level)) &&
	       fits(box->z, box->d, layers);
}

static uint64_t at_least_one(uint32_t size)
{
	return size ? size : 1;
}

struct layout {
	uint64_t row;          /* bytes of a row of the box */
	uint64_t rows;         /* of blocks */
	uint64_t stride;       /* in force */
	uint64_t layer_stride; /* in force */
};

static struct layout layout_of(
	const struct vgt_transfer *transfer, const struct vgt_format *format)
{
	const struct vgt_resource *resource = transfer->resource;
	uint32_t width = minify(resource->width, transfer->level);
	uint32_t height = minify(resource->height, transfer->level);
	struct layout layout = {
		.row = (uint64_t)vgt_format_blocks(
			       (uint32_t)at_least_one(transfer->box.w), format->block_width) *
		       format->block_bytes,
		.rows = vgt_format_blocks(
			(uint32_t)at_least_one(transfer->box.h), format->block_height),
		.stride = transfer->stride,
		.layer_stride = transfer->layer_stride,
	};
	if (!layout.stride) {
		layout.stride = (uint64_t)vgt_format_blocks(width, format->block_width) *
				format->block_bytes;
	}
	if (!layout.layer_stride) {
		layout.layer_stride =
			layout.stride * vgt_format_blocks(height, format->block_height);
	}
	return layout;
}

/* The row of the table where its block size can be relied on, NULL where not. */
static const struct vgt_format *sized_format(const struct vgt_transfer *transfer)
{
	const struct vgt_format *format = vgt_format_get(transfer->resource->format);
	return format && format->kind != VGT_FORMAT_PLANAR && format->block_bytes ? format
										  : NULL;
}

/* Bytes from the first to the last that the rows of all layers touch; false: absurdly many. */
static bool span_of(
	const struct vgt_transfer *transfer, const struct layout *layout, uint64_t *span)
{
	uint64_t layers = at_least_one(transfer->box.d);
	uint64_t rows;
	return !__builtin_mul_overflow(layers - 1, layout->layer_stride, span) &&
	       !__builtin_mul_overflow(layout->rows - 1, layout->stride, &rows) &&
	       !__builtin_add_overflow(*span, rows, span) &&
	       !__builtin_add_overflow(*span, layout->row, span);
}

uint64_t vgt_transfer_extent(const struct vgt_transfer *transfer)
{
	const struct vgt_format *format = sized_format(transfer);
	if (!format) {
		return UINT64_MAX;
	}
	if (!box_is_legal(transfer)) {
		return 0;
	}
	struct layout layout = layout_of(transfer, format);
	uint64_t layers = at_least_one(transfer->box.d);
	uint64_t span, packed;
	/* a resource of absurd size: all there is */
	if (!span_of(transfer, &layout, &span) ||
		__builtin_mul_overflow(layout.rows * layers, layout.row, &packed)) {
		return UINT64_MAX;
	}
	return span > packed ? span : packed;
}

bool vgt_transfer_check(
	const struct vgt_transfer *transfer, uint64_t memory_size, struct vgt_err *err)
{
	const struct vgt_format *format = sized_format(transfer);
	const struct virtio_gpu_box *box = &transfer->box;
	if (!format) {
		return true;
	}
	if (!box_is_legal(transfer)) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"box %" PRIu32 ",%" PRIu32 ",%" PRIu32 " %" PRIu32 "x%" PRIu32
			"x%" PRIu32 " at level %" PRIu32 " lies outside the resource",
			box->x, box->y, box->z, box->w, box->h, box->d, transfer->level);
	}
	struct layout layout = layout_of(transfer, format);
	if (layout.stride < layout.row && box->w) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"stride %" PRIu64 " is less than a row of %" PRIu64 " bytes",
			layout.stride, layout.row);
	}
	if (layout.layer_stride < layout.rows * layout.stride && box->h) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"layer_stride %" PRIu64 " is less than %" PRIu64 " rows of %" PRIu64
			" bytes",
			layout.layer_stride, layout.rows, layout.stride);
	}
	uint64_t end;
	if (!span_of(transfer, &layout, &end) ||
		__builtin_add_overflow(end, transfer->offset, &end) || end > memory_size) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"needs guest memory from byte %" PRIu64 " to %" PRIu64
			", there are %" PRIu64,
			transfer->offset, end, memory_size);
	}
	return true;
}

bool vgt_transfer_rows(const struct vgt_transfer *transfer, struct vgt_transfer_rows *rows)
{
	const struct vgt_format *format = sized_format(transfer);
	if (!format || !box_is_legal(transfer) || !transfer->box.w || !transfer->box.h ||
		!transfer->box.d) {
		return false;
	}
	struct layout layout = layout_of(transfer, format);
	*rows = (struct vgt_transfer_rows){
		transfer->offset, layout.stride, layout.row, (uint32_t)layout.rows};
	return true;
}
