/* SPDX-License-Identifier: MIT */
#include "vgt_capture.h"

#include "vgt_model.h"
#include "vgt_record_check.h"
#include "vgt_transfer.h"
#include "vgt_writer.h"
#include "virgl_cmd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

struct vgt_capture {
	struct vgt_writer *writer;
	struct vgt_model *model;
	void (*message)(void *opaque, const char *text);
	void *opaque;
	uint64_t commands; /* number of the next one */
	uint64_t frames;
	uint64_t max_frames;
	bool polled; /* nothing was put by this thread since the last POLL of `polled_ctx` */
	uint32_t polled_ctx;
	/* frames that ended with the command being recorded; they follow it */
	struct vgt_frame *pending;
	size_t pending_count, pending_capacity;
	XXH64_state_t *hash;
};

/* Guest memory behind a resource: vgt_resource.user. */
struct backing {
	uint64_t size; /* bytes in all segments */
	size_t count;
	struct iovec iov[];
};

/* A place in segments, so that rows one behind the other are found without starting again. */
struct iov_cursor {
	const struct iovec *iov;
	size_t count;
	size_t segment;
	uint64_t start; /* offset at which `segment` begins */
};

/* Calls `take` with each run of memory in [offset, offset + size) of the segments. */
static void iov_walk(struct iov_cursor *cursor, uint64_t offset, uint64_t size,
	void (*take)(void *opaque, const void *bytes, size_t size), void *opaque)
{
	if (offset < cursor->start) {
		cursor->segment = 0;
		cursor->start = 0;
	}
	while (cursor->segment < cursor->count && size) {
		const struct iovec *iov = &cursor->iov[cursor->segment];
		uint64_t skip = offset - cursor->start;
		if (skip >= iov->iov_len) {
			cursor->start += iov->iov_len;
			cursor->segment++;
			continue;
		}
		size_t run = iov->iov_len - skip < size ? iov->iov_len - skip : size;
		take(opaque, (const char *)iov->iov_base + skip, run);
		offset += run;
		size -= run;
	}
}

/* Records */

static bool put(struct vgt_capture *capture, uint16_t type, uint16_t flags, const void *bytes,
	size_t size)
{
	struct iovec part = {(void *)bytes, size};
	return vgt_writer_put(capture->writer, type, flags, &part, 1);
}

void vgt_capture_stop(struct vgt_capture *capture, const char *reason)
{
	if (!vgt_capture_is_recording(capture)) {
		return;
	}
	vgt_writer_stop(capture->writer, reason);
	if (capture->message) {
		capture->message(capture->opaque, reason);
	}
}

/* Whether there is anything to do; ends the recording where its frames are complete. */
static bool begin(struct vgt_capture *capture)
{
	if (!capture || !vgt_writer_is_recording(capture->writer)) {
		return false;
	}
	if (capture->max_frames && capture->frames >= capture->max_frames) {
		vgt_writer_stop(capture->writer, "frame limit");
		return false;
	}
	capture->polled = false;
	return true;
}

/* Pages of guest memory are rarely neighbours: so many make one MEM record. */
#define MEM_PARTS 256

struct mem_run {
	struct vgt_capture *capture;
	struct vgt_mem mem;
	uint64_t size;
	struct iovec parts[1 + MEM_PARTS];
	size_t count; /* of parts, mem included */
};

static void put_mem_run(struct mem_run *run)
{
	if (run->size) {
		vgt_writer_put(run->capture->writer, VGT_RECORD_MEM, 0, run->parts, run->count);
	}
	run->mem.offset += run->size;
	run->size = 0;
	run->count = 1;
}

static void add_to_mem_run(void *opaque, const void *bytes, size_t size)
{
	struct mem_run *run = opaque;
	const char *at = bytes;
	while (size) {
		size_t room = VGT_MEM_MAX - run->size;
		size_t part = size < room ? size : room;
		run->parts[run->count++] = (struct iovec){(void *)at, part};
		run->size += part;
		at += part;
		size -= part;
		if (run->size == VGT_MEM_MAX || run->count == 1 + MEM_PARTS) {
			put_mem_run(run);
		}
	}
}

static void put_mem(struct vgt_capture *capture, uint32_t resource_id, uint32_t flags,
	const struct iovec *iov, size_t count, uint64_t offset, uint64_t size)
{
	struct mem_run run = {
		.capture = capture, .mem = {resource_id, flags, offset}, .count = 1};
	struct iov_cursor cursor = {.iov = iov, .count = count};
	run.parts[0] = (struct iovec){&run.mem, sizeof(run.mem)};
	iov_walk(&cursor, offset, size, add_to_mem_run, &run);
	put_mem_run(&run);
}

static void put_backing_mem(struct vgt_capture *capture, const struct vgt_resource *memory,
	uint64_t offset, uint64_t size)
{
	const struct backing *backing = memory->user;
	if (backing) {
		put_mem(capture, memory->id, 0, backing->iov, backing->count, offset, size);
	}
}

/* The model's hooks */

/*
 * Gaps between rows are recorded too, for some paths of the renderer read them (FORMAT.md,
 * "Guest memory"). But a guest chooses the stride, and its backing may be the same page a
 * thousand times: what costs it one command must not keep the VMM busy for minutes.
 */
#define GAPS_MAX (256u << 20)

static bool is_mostly_gaps(const struct vgt_transfer *transfer, uint64_t extent)
{
	const struct backing *backing = transfer->memory->user;
	struct vgt_transfer_rows rows;
	if (!backing || transfer->offset >= backing->size) {
		return false;
	}
	if (extent > backing->size - transfer->offset) {
		extent = backing->size - transfer->offset;
	}
	return extent > GAPS_MAX && vgt_transfer_rows(transfer, &rows) &&
	       extent / 16 > rows.bytes * rows.count * transfer->box.d;
}

static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	if (!transfer->to_host) {
		return;
	}
	const uint64_t extent = vgt_transfer_extent(transfer);
	if (is_mostly_gaps(transfer, extent)) {
		vgt_capture_stop(opaque, "a transfer of rows that lie too far apart");
	} else {
		put_backing_mem(opaque, transfer->memory, transfer->offset, extent);
	}
}

static void on_frame(void *opaque, const struct vgt_frame *frame)
{
	struct vgt_capture *capture = opaque;
	if (capture->pending_count == capture->pending_capacity) {
		size_t capacity = capture->pending_capacity ? capture->pending_capacity * 2 : 4;
		void *pending = realloc(capture->pending, capacity * sizeof(*capture->pending));
		if (!pending) {
			return;
		}
		capture->pending = pending;
		capture->pending_capacity = capacity;
	}
	capture->pending[capture->pending_count++] = *frame;
}

static void on_gone(void *opaque, struct vgt_resource *resource)
{
	(void)opaque;
	free(resource->user);
	resource->user = NULL;
}

/* Commands */

/* A 2D transfer is a box at level 0 with the strides of the whole
 * (virgl_cmd_transfer_to_host_2d). */
static struct vgt_transfer transfer_of_2d(
	struct vgt_capture *capture, const struct virtio_gpu_transfer_to_host_2d *command)
{
	struct vgt_resource *resource =
		vgt_model_resource(capture->model, command->resource_id);
	return (struct vgt_transfer){
		.resource = resource,
		.memory = resource,
		.box = {command->r.x, command->r.y, 0, command->r.width, command->r.height, 1},
		.offset = command->offset,
		.to_host = true,
	};
}

/* What the command will read of guest memory, apart from transfers inside a submit. */
static void put_read_memory(struct vgt_capture *capture, const struct virtio_gpu_ctrl_hdr *hdr)
{
	struct vgt_transfer transfer;
	switch (hdr->type) {
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
		transfer = vgt_transfer_of(
			capture->model, (const struct virtio_gpu_transfer_host_3d *)hdr);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		transfer = transfer_of_2d(
			capture, (const struct virtio_gpu_transfer_to_host_2d *)hdr);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING: {
		/* a CUSTOM resource lives in its backing and is fetched from it at the end
		   (vrend_pipe_resource_detach_iov) */
		const struct virtio_gpu_resource_detach_backing *detach = (const void *)hdr;
		const struct vgt_resource *resource =
			vgt_model_resource(capture->model, detach->resource_id);
		if (resource && resource->bind == VIRGL_BIND_CUSTOM) {
			put_backing_mem(capture, resource, 0, resource->width);
		}
		return;
	}
	default:
		return;
	}
	if (transfer.resource) {
		on_transfer(capture, &transfer);
	}
}

/* The command itself, then what follows from it. Returns its number. */
static uint64_t put_command(struct vgt_capture *capture,
	const struct virtio_gpu_ctrl_hdr *command, size_t size, const void *data,
	size_t data_size, uint16_t flags)
{
	uint64_t number = capture->commands;
	struct iovec parts[] = {{(void *)command, size}, {(void *)data, data_size}};
	if (!vgt_writer_put(capture->writer, (uint16_t)command->type, flags, parts, 2)) {
		return VGT_NO_COMMAND;
	}
	capture->commands++;
	if (command->type != VIRTIO_GPU_CMD_SUBMIT_3D) {
		vgt_model_feed(capture->model, (uint16_t)command->type, command, size, number);
	}
	for (size_t i = 0; i < capture->pending_count; i++) {
		put(capture, VGT_RECORD_FRAME, 0, &capture->pending[i],
			sizeof(struct vgt_frame));
		capture->frames++;
	}
	capture->pending_count = 0;
	return number;
}

static void drop_backing(struct vgt_capture *capture, uint32_t resource_id)
{
	struct vgt_resource *resource = vgt_model_resource(capture->model, resource_id);
	if (resource) {
		on_gone(capture, resource);
	}
}

uint64_t vgt_capture_command(struct vgt_capture *capture, const void *command, size_t size,
	const void *data, size_t data_size, uint16_t flags)
{
	const struct virtio_gpu_ctrl_hdr *hdr = command;
	/* what does not fit is a guest's mistake that a VMM refuses; no trace can hold it */
	if (!begin(capture) || !vgt_command_data_fits(hdr, data_size)) {
		return VGT_NO_COMMAND;
	}
	if (hdr->type == VIRTIO_GPU_CMD_SUBMIT_3D) {
		const struct virtio_gpu_cmd_submit *submit = command;
		/* one walk finds memory to record, objects and frames */
		vgt_model_submit(capture->model, hdr->ctx_id,
			virtio_gpu_submit_commands(submit, data),
			submit->size / sizeof(uint32_t));
	} else {
		put_read_memory(capture, hdr);
	}
	uint64_t number = put_command(capture, hdr, size, data, data_size, flags);
	if (hdr->type == VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING) {
		const struct virtio_gpu_resource_detach_backing *detach = command;
		drop_backing(capture, detach->resource_id);
	}
	return number;
}

uint64_t vgt_capture_transfer_iov(struct vgt_capture *capture,
	const struct virtio_gpu_transfer_host_3d *command, const struct iovec *iov,
	size_t count, uint16_t flags)
{
	if (!begin(capture)) {
		return VGT_NO_COMMAND;
	}
	struct vgt_iov own = {.count = (uint32_t)count};
	uint32_t *lengths = malloc((count ? count : 1) * sizeof(*lengths));
	if (!lengths || count > VGT_SEGMENTS_MAX) {
		vgt_capture_stop(capture, lengths ? "a transfer with too many segments"
						  : "no memory for a transfer");
		free(lengths);
		return VGT_NO_COMMAND;
	}
	for (size_t i = 0; i < count; i++) {
		lengths[i] = (uint32_t)iov[i].iov_len;
	}
	struct iovec parts[] = {{&own, sizeof(own)}, {lengths, count * sizeof(*lengths)}};
	vgt_writer_put(capture->writer, VGT_RECORD_IOV, 0, parts, 2);
	free(lengths);
	struct vgt_transfer transfer = vgt_transfer_of(capture->model, command);
	if (transfer.resource && transfer.to_host) {
		put_mem(capture, command->resource_id, VGT_MEM_OWN_IOV, iov, count,
			transfer.offset, vgt_transfer_extent(&transfer));
	}
	return put_command(
		capture, &command->hdr, sizeof(*command), NULL, 0, flags | VGT_RECORD_OWN_IOV);
}

void vgt_capture_backing(struct vgt_capture *capture, uint32_t resource_id,
	const struct iovec *iov, size_t count)
{
	if (!begin(capture)) {
		return;
	}
	drop_backing(capture, resource_id);
	struct vgt_resource *resource = vgt_model_resource(capture->model, resource_id);
	if (!resource || !count) {
		return;
	}
	struct backing *backing = malloc(sizeof(*backing) + count * sizeof(*iov));
	if (!backing) {
		vgt_capture_stop(capture, "no memory for a backing");
		return;
	}
	backing->size = 0;
	for (size_t i = 0; i < count; i++) {
		backing->size += iov[i].iov_len;
	}
	backing->count = count;
	memcpy(backing->iov, iov, count * sizeof(*iov));
	resource->user = backing;
}

/* Results */

static void put_response(struct vgt_capture *capture, const struct vgt_response *response)
{
	if (response->command != VGT_NO_COMMAND &&
		put(capture, VGT_RECORD_RESPONSE, 0, response, sizeof(*response))) {
		vgt_model_feed(capture->model, VGT_RECORD_RESPONSE, response, sizeof(*response),
			capture->commands);
	}
}

void vgt_capture_response(struct vgt_capture *capture, uint64_t command, int32_t result)
{
	if (capture) {
		put_response(capture, &(struct vgt_response){
					      .command = command,
					      .result = result,
					      .class = VGT_RESPONSE_EXACT,
				      });
	}
}

void vgt_capture_refused(struct vgt_capture *capture, uint64_t command, uint32_t error)
{
	if (capture) {
		put_response(capture, &(struct vgt_response){
					      .command = command,
					      .result = (int32_t)error,
					      .class = VGT_RESPONSE_REFUSED,
				      });
	}
}

void vgt_capture_bad_command(struct vgt_capture *capture, const void *bytes, uint64_t size)
{
	if (begin(capture)) {
		struct vgt_bad_command bad = {size};
		struct iovec parts[] = {{&bad, sizeof(bad)},
			{(void *)bytes, size < VGT_BAD_MAX ? size : VGT_BAD_MAX}};
		vgt_writer_put(capture->writer, VGT_RECORD_BAD_COMMAND, 0, parts, 2);
	}
}

void vgt_capture_answer(
	struct vgt_capture *capture, uint64_t command, const void *bytes, size_t size)
{
	if (capture) {
		put_response(capture, &(struct vgt_response){
					      .command = command,
					      .class = VGT_RESPONSE_RENDERER,
					      .digest = XXH64(bytes, size, 0),
					      .size = size,
				      });
	}
}

static void hash_run(void *opaque, const void *bytes, size_t size)
{
	XXH64_update(opaque, bytes, size);
}

void vgt_capture_readback(struct vgt_capture *capture, uint64_t command,
	const struct virtio_gpu_transfer_host_3d *transfer, const struct iovec *iov,
	size_t count)
{
	if (!capture || !vgt_writer_is_recording(capture->writer)) {
		return;
	}
	struct vgt_transfer move = vgt_transfer_of(capture->model, transfer);
	struct vgt_transfer_rows rows;
	if (!move.resource || !vgt_transfer_rows(&move, &rows)) {
		return;
	}
	const struct backing *backing = move.resource->user;
	if (!iov && backing) {
		iov = backing->iov;
		count = backing->count;
	}
	if (!iov) {
		return;
	}
	XXH64_reset(capture->hash, 0);
	struct iov_cursor cursor = {.iov = iov, .count = count};
	for (uint32_t row = 0; row < rows.count; row++) {
		iov_walk(&cursor, rows.offset + row * rows.stride, rows.bytes, hash_run,
			capture->hash);
	}
	put_response(capture, &(struct vgt_response){
				      .command = command,
				      .class = VGT_RESPONSE_RENDERER,
				      .digest = XXH64_digest(capture->hash),
				      .size = rows.count * rows.bytes,
			      });
}

/* Everything else */

void vgt_capture_fence(struct vgt_capture *capture, const struct vgt_fence *fence)
{
	if (capture) {
		put(capture, VGT_RECORD_FENCE, 0, fence, sizeof(*fence));
		if (fence->event == VGT_FENCE_CREATED) {
			/* what polls wait for has changed */
			capture->polled = false;
		}
	}
}

void vgt_capture_poll(struct vgt_capture *capture, uint32_t ctx_id)
{
	if (!capture || (capture->polled && capture->polled_ctx == ctx_id) || !begin(capture)) {
		return;
	}
	const struct vgt_poll poll = {.ctx_id = ctx_id};
	put(capture, VGT_RECORD_POLL, 0, &poll, sizeof(poll));
	capture->polled = true;
	capture->polled_ctx = ctx_id;
}

void vgt_capture_reset(struct vgt_capture *capture, enum vgt_reset_kind kind)
{
	if (begin(capture)) {
		const struct vgt_reset reset = {.kind = kind};
		put(capture, VGT_RECORD_RESET, 0, &reset, sizeof(reset));
		vgt_model_feed(capture->model, VGT_RECORD_RESET, &reset, sizeof(reset),
			capture->commands);
	}
}

void vgt_capture_mark(struct vgt_capture *capture, const char *text)
{
	if (capture) {
		put(capture, VGT_RECORD_MARK, 0, text, strlen(text));
	}
}

void vgt_capture_meta(
	struct vgt_capture *capture, const struct vgt_capture_fact *facts, size_t count)
{
	if (!capture || !count) {
		return;
	}
	struct iovec *parts = calloc(count * 3, sizeof(*parts));
	if (!parts) {
		return;
	}
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		parts[used++] = (struct iovec){(void *)facts[i].key, strlen(facts[i].key)};
		parts[used++] = (struct iovec){"=", 1};
		parts[used++] =
			(struct iovec){(void *)facts[i].value, strlen(facts[i].value) + 1};
	}
	vgt_writer_put(capture->writer, VGT_RECORD_META, 0, parts, used);
	free(parts);
}

void vgt_capture_capset(struct vgt_capture *capture, uint32_t id, uint32_t version,
	const void *bytes, size_t size)
{
	if (capture) {
		struct vgt_capset capset = {id, version};
		struct iovec parts[] = {{&capset, sizeof(capset)}, {(void *)bytes, size}};
		vgt_writer_put(capture->writer, VGT_RECORD_CAPSET, 0, parts, 2);
	}
}

bool vgt_capture_is_recording(const struct vgt_capture *capture)
{
	return capture && vgt_writer_is_recording(capture->writer);
}

struct vgt_capture_progress vgt_capture_progress(const struct vgt_capture *capture)
{
	if (!capture) {
		return (struct vgt_capture_progress){0};
	}
	const struct vgt_writer_progress progress = vgt_writer_progress(capture->writer);
	return (struct vgt_capture_progress){
		.commands = progress.commands,
		.frames = progress.frames,
		.stream_size = progress.stream_size,
		.written = progress.written,
		.stalls = progress.stalls,
		.stall_ns = progress.stall_ns,
	};
}

static void on_stopped(void *opaque, const struct vgt_err *err)
{
	struct vgt_capture *capture = opaque;
	if (capture->message) {
		capture->message(capture->opaque, err->message);
	}
}

static void capture_free(struct vgt_capture *capture)
{
	if (capture) {
		vgt_model_destroy(capture->model);
		XXH64_freeState(capture->hash);
		free(capture->pending);
		free(capture);
	}
}

struct vgt_capture *vgt_capture_create(
	const struct vgt_capture_options *options, struct vgt_err *err)
{
	struct vgt_capture *capture = calloc(1, sizeof(*capture));
	const struct vgt_model_hooks hooks = {
		.opaque = capture, .transfer = on_transfer, .frame = on_frame, .gone = on_gone};
	if (!capture) {
		goto error_memory;
	}
	capture->model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	capture->hash = XXH64_createState();
	if (!capture->model || !capture->hash) {
		goto error_memory;
	}
	capture->message = options->message;
	capture->opaque = options->opaque;
	capture->max_frames = options->max_frames;
	const struct vgt_writer_options writer = {
		.path = options->path,
		.fd = options->fd,
		.ring_size = options->ring_size,
		.ring_directory = options->ring_directory,
		.max_size = options->max_size,
		.stopped = on_stopped,
		.opaque = capture,
	};
	capture->writer = vgt_writer_create(&writer, err);
	if (!capture->writer) {
		goto error;
	}
	return capture;
error_memory:
	vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory for a recording");
	if (!options->path) {
		close(options->fd);
	}
error:
	capture_free(capture);
	return NULL;
}

bool vgt_capture_end(struct vgt_capture *capture, struct vgt_err *err)
{
	return !capture || vgt_writer_end(capture->writer, err);
}

bool vgt_capture_destroy(struct vgt_capture *capture, struct vgt_err *err)
{
	if (!capture) {
		return true;
	}
	bool good = vgt_writer_finish(capture->writer, err);
	capture_free(capture);
	return good;
}
