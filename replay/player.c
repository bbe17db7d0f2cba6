/* SPDX-License-Identifier: MIT */
/*
 * vgt-player: executes a trace on virglrenderer (EGL, surfaceless) and tells its parent, `vgt
 * replay`, what it sees. It is a process of its own because the renderer may crash or hang on
 * what it is given.
 */
#include "clock.h"
#include "companion.h"
#include "debian_packages.h"
#include "player_backing.h"
#include "player_capset.h"
#include "player_picture.h"
#include "player_probe.h"
#include "player_protocol.h"
#include "player_window.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_model.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_transfer.h"
#include "virgl_caps.h"
#include "virgl_cmd.h"

#include <dlfcn.h>
#include <epoxy/gl.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virglrenderer.h>
#include <xxhash.h>

/* Fences that may be in flight before the player waits for the renderer. */
#define FENCES_IN_FLIGHT 64
/* Commands whose results are kept until their responses come. */
#define RESULTS_KEPT 64
/* The flags of the recording's virgl_renderer_init that change rendering or the capset. */
#define INIT_FLAGS_KEPT (VIRGL_RENDERER_USE_GLES | VIRGL_RENDERER_USE_EXTERNAL_BLOB)

struct options {
	struct vgt_ranges frames;
	enum vgt_frame_rule rule;
	const char *out; /* directory for pictures, NULL: none */
	bool hash;       /* take pictures at all */
	bool verify;
	bool alpha;
	bool step;       /* one virgl command per submit */
	bool drop_draws; /* leave DRAW_VBO out: a test switch */
	bool need_capset;
	uint64_t window; /* MiB of pictures that the window keeps, 0: no window */
};

/* What the renderer did for a command, until the recorded response is known. */
struct result {
	uint64_t command;
	int value;
	uint64_t digest, size; /* of what it wrote; size 0: nothing */
};

struct pending_frame {
	struct vgt_frame frame;
	uint64_t number;
};

struct player {
	struct options options;
	const char *path;
	struct vgt_reader *reader;
	const struct player_window_functions *window_library;
	struct player_window *window; /* NULL: none */
	uint64_t told; /* what commands before this one gave rise to was told, once */
	struct vgt_model *model;
	struct player_progress *progress;
	bool initialised;
	int init_flags;
	bool comparable; /* capset and renderer are those of the recording */
	bool masked;     /* the recording's guest was offered less than its host had */
	uint64_t lacks;  /* bits, formats and limits that this host lacks */
	char recorded_renderer[192];
	uint8_t *capset[3]; /* recorded, by id */
	uint32_t capset_size[3];

	struct player_backing *own_iov; /* for the next transfer */
	struct result results[RESULTS_KEPT];
	struct pending_frame *pending; /* that end with the record being executed */
	size_t pending_count, pending_capacity;
	uint64_t frames, frames_recorded, commands, pictures;
	uint64_t compared, differing;
	uint64_t not_compared_renderer, not_compared_time, not_compared_other;
	struct vgt_fence fences[FENCES_IN_FLIGHT + 1]; /* in flight, oldest first */
	size_t fence_count;
	uint64_t command; /* being executed */
	uint64_t time_ns; /* its record's */
	uint64_t renderer_ns, picture_ns;
	uint64_t entered;
};

static struct player *the_player; /* for virglrenderer's log callback, which has no cookie */

/* Events */

static void send_event(const struct player_event *event)
{
	if (write(PLAYER_EVENTS_FD, event, sizeof(*event)) != (ssize_t)sizeof(*event)) {
		/* nobody listens any more */
		_exit(1);
	}
}

/* Whether this was told already, of a part of the trace that is played again. */
static bool is_told(const struct player *player, const struct player_event *event)
{
	return (event->kind == PLAYER_PROBLEM || event->kind == PLAYER_LOG) &&
	       event->command < player->told;
}

static void tell_args(const struct player *player, enum player_event_kind kind,
	uint32_t virgl_command, const char *format, va_list args)
{
	struct player_event event = {
		.kind = kind,
		.command = player->commands ? player->command : PLAYER_NO_COMMAND,
		.virgl_command = virgl_command,
	};
	vsnprintf(event.text, sizeof(event.text), format, args);
	if (!is_told(player, &event)) {
		send_event(&event);
	}
}

__attribute__((format(printf, 4, 5))) static void tell(const struct player *player,
	enum player_event_kind kind, uint32_t virgl_command, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	tell_args(player, kind, virgl_command, format, args);
	va_end(args);
}

/* `status`: VGT_EXIT_DIFFERENT for a bad trace, VGT_EXIT_TROUBLE for trouble. */
__attribute__((noreturn, format(printf, 3, 4))) static void fail(
	const struct player *player, enum vgt_exit status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	tell_args(player, PLAYER_FAILED, PLAYER_NO_VIRGL_COMMAND, format, args);
	va_end(args);
	_exit(status);
}

/* As vgt_cmd_bad_trace() has it. */
__attribute__((noreturn)) static void fail_at(
	const struct player *player, const struct vgt_err *err)
{
	const enum vgt_exit status =
		vgt_err_is_of_trace(err->code) ? VGT_EXIT_DIFFERENT : VGT_EXIT_TROUBLE;
	if (err->offset == VGT_NO_OFFSET) {
		fail(player, status, "%s", err->message);
	}
	fail(player, status, "%s (byte %" PRIu64 ")", err->message, err->offset);
}

#define problem(player, ...) tell(player, PLAYER_PROBLEM, PLAYER_NO_VIRGL_COMMAND, __VA_ARGS__)
#define note(player, ...)    tell(player, PLAYER_NOTE, PLAYER_NO_VIRGL_COMMAND, __VA_ARGS__)

static void on_log(const char *format, va_list args)
{
	struct player_event event = {
		.kind = PLAYER_LOG,
		.command = the_player->command,
		.virgl_command = the_player->progress->virgl_command,
	};
	int length = vsnprintf(event.text, sizeof(event.text), format, args);
	if (length > 0 && (size_t)length < sizeof(event.text) &&
		event.text[length - 1] == '\n') {
		event.text[length - 1] = '\0';
	}
	/* what it says while starting up, or at each new context, is not about the trace */
	if (the_player->initialised && strncmp(event.text, "GLSL feature level", 18) != 0 &&
		!is_told(the_player, &event)) {
		send_event(&event);
	}
}

/* The renderer is entered and left: for the watchdog, and for the time spent in it. */
static void enter(struct player *player)
{
	atomic_fetch_add_explicit(&player->progress->calls, 1, memory_order_relaxed);
	player->entered = clock_ns();
}

static void leave(struct player *player)
{
	player->renderer_ns += clock_ns() - player->entered;
}

/* Starting the renderer */

/* Forgets the fences of a context that goes: virglrenderer frees them without a word. */
static void drop_fences(struct player *player, uint32_t ctx_id)
{
	size_t kept = 0;
	for (size_t i = 0; i < player->fence_count; i++) {
		if (player->fences[i].scope != VGT_FENCE_CONTEXT ||
			player->fences[i].ctx_id != ctx_id) {
			player->fences[kept++] = player->fences[i];
		}
	}
	player->fence_count = kept;
}

static bool same_timeline(
	const struct vgt_fence *fence, uint16_t scope, uint32_t ctx_id, uint32_t ring)
{
	return fence->scope == scope &&
	       (scope == VGT_FENCE_GLOBAL ||
		       (fence->ctx_id == ctx_id && fence->ring_idx == ring));
}

/* The global callback reports 32 bits. */
static bool fence_matches(const struct vgt_fence *fence, uint64_t fence_id)
{
	return fence->scope == VGT_FENCE_GLOBAL
		       ? (uint32_t)fence->fence_id == (uint32_t)fence_id
		       : fence->fence_id == fence_id;
}

/* Fences of a timeline retire in order, and virglrenderer may report only the last of several.
 */
static void fence_retired(struct player *player, uint16_t scope, uint32_t ctx_id, uint32_t ring,
	uint64_t fence_id)
{
	size_t end = player->fence_count;
	while (end > 0 && !(same_timeline(&player->fences[end - 1], scope, ctx_id, ring) &&
				  fence_matches(&player->fences[end - 1], fence_id))) {
		end--;
	}
	size_t kept = 0;
	for (size_t i = 0; i < player->fence_count; i++) {
		if (i >= end || !same_timeline(&player->fences[i], scope, ctx_id, ring)) {
			player->fences[kept++] = player->fences[i];
		}
	}
	player->fence_count = kept;
}

static void on_fence(void *cookie, uint32_t fence_id)
{
	fence_retired(cookie, VGT_FENCE_GLOBAL, 0, 0, fence_id);
}

static void on_context_fence(
	void *cookie, uint32_t ctx_id, uint32_t ring_idx, uint64_t fence_id)
{
	fence_retired(cookie, VGT_FENCE_CONTEXT, ctx_id, ring_idx, fence_id);
}

/* This host's capset, on the heap; `version` 0: the largest. */
static uint8_t *fill_capset(
	struct player *player, uint32_t id, uint32_t version, uint32_t *size)
{
	uint32_t largest = 0;
	*size = 0;
	enter(player);
	virgl_renderer_get_cap_set(id, &largest, size);
	uint8_t *bytes = calloc(1, *size ? *size : 1);
	if (bytes && *size) {
		virgl_renderer_fill_caps(id, version ? version : largest, bytes);
	}
	leave(player);
	return bytes;
}

/* What this host would have offered had it been told to offer no more than the recording's. */
static uint32_t mask_capset(
	const struct player *player, uint32_t id, uint8_t *bytes, uint32_t size)
{
	if (!player->masked || id > VIRTIO_GPU_CAPSET_VIRGL2 || !player->capset[id]) {
		return size;
	}
	return (uint32_t)virgl_caps_mask(
		id, bytes, size, player->capset[id], player->capset_size[id]);
}

static void tell_lack(void *opaque, const char *text)
{
	struct player *player = opaque;
	player->lacks++;
	tell(player, PLAYER_LACK, PLAYER_NO_VIRGL_COMMAND, "%s", text);
}

/* Whether this host offers what the recording's did; results can only be compared where it
 * does. */
static void compare_capsets(struct player *player, const char *renderer)
{
	player->comparable = strcmp(player->recorded_renderer, renderer) == 0;
	for (uint32_t id = VIRTIO_GPU_CAPSET_VIRGL; id <= VIRTIO_GPU_CAPSET_VIRGL2; id++) {
		uint32_t size = 0;
		uint8_t *host = player->capset[id] ? fill_capset(player, id, 0, &size) : NULL;
		/* the second capset begins like the first */
		if (host && (id == VIRTIO_GPU_CAPSET_VIRGL2 ||
				    !player->capset[VIRTIO_GPU_CAPSET_VIRGL2])) {
			player_capset_lacks(id, player->capset[id], player->capset_size[id],
				host, size, tell_lack, player);
		}
		if (player->capset[id] && (!host ||
						  mask_capset(player, id, host, size) !=
							  player->capset_size[id] ||
						  memcmp(host, player->capset[id],
							  player->capset_size[id]) != 0)) {
			player->comparable = false;
		}
		free(host);
	}
	if (player->lacks && player->options.need_capset) {
		fail(player, VGT_EXIT_CAPSET,
			"not played: this host lacks what the recording's had");
	}
}

static void init_renderer(struct player *player)
{
	static struct virgl_renderer_callbacks callbacks = {
		.version = 3,
		.write_fence = on_fence,
		.write_context_fence = on_context_fence,
	};
	int flags = VIRGL_RENDERER_USE_EGL | VIRGL_RENDERER_USE_SURFACELESS |
		    (player->init_flags & INIT_FLAGS_KEPT);
	struct player_probe_lack lack;
	/* virglrenderer 0.10.4 does not ask, and crashes */
	if (!player_probe_display(&lack)) {
		fail(player, VGT_EXIT_TROUBLE,
			"no EGL that draws without a window: %.120s: apt install " DEBIAN_EGL
			" " DEBIAN_MESA_DRIVERS,
			lack.why);
	}
	virgl_set_debug_callback(on_log);
	enter(player);
	int result = virgl_renderer_init(player, flags, &callbacks);
	leave(player);
	if (result) {
		fail(player, VGT_EXIT_TROUBLE,
			"virglrenderer does not start (%d): no EGL for a surfaceless display; "
			"without a GPU, LIBGL_ALWAYS_SOFTWARE=1 helps",
			result);
	}
	const char *renderer = (const char *)glGetString(GL_RENDERER);
	renderer = renderer ? renderer : "";
	tell(player, PLAYER_RENDERER, PLAYER_NO_VIRGL_COMMAND, "%.200s", renderer);
	compare_capsets(player, renderer);
	player->initialised = true;
}

/* Frames */

static void on_frame(void *opaque, const struct vgt_frame *frame)
{
	struct player *player = opaque;
	if (player->pending_count == player->pending_capacity) {
		size_t capacity = player->pending_capacity ? player->pending_capacity * 2 : 4;
		void *pending = realloc(player->pending, capacity * sizeof(*player->pending));
		if (!pending) {
			fail(player, VGT_EXIT_TROUBLE, "no memory for frames");
		}
		player->pending = pending;
		player->pending_capacity = capacity;
	}
	player->pending[player->pending_count++] =
		(struct pending_frame){*frame, player->frames++};
}

/* A frame is told of when it is first seen; seen again it must be the same. */
static void show_in_window(
	struct player *player, const struct player_event *event, struct vgt_image *image)
{
	const uint64_t number = event->frame.number;
	const enum player_window_seen seen = player->window_library->seen(
		player->window, number, event->kind == PLAYER_FRAME ? event->frame.digest : 0);
	if (seen == PLAYER_WINDOW_NEW) {
		send_event(event);
	} else if (seen == PLAYER_WINDOW_DIFFERENT) {
		struct player_event differs = *event;
		differs.kind = PLAYER_PROBLEM;
		snprintf(differs.text, sizeof(differs.text),
			"frame %" PRIu64 " is another picture than when it was first played",
			number);
		send_event(&differs);
	}
	player->window_library->show(player->window, event, image, player->time_ns);
}

static void show_frame(struct player *player, const struct pending_frame *shown)
{
	const struct vgt_frame *frame = &shown->frame;
	if (!player->options.hash ||
		!vgt_ranges_contain(&player->options.frames, shown->number)) {
		return;
	}
	if (player->window && !player->window_library->wants(player->window, shown->number)) {
		return;
	}
	const struct vgt_resource *resource =
		frame->resource_id ? vgt_model_resource(player->model, frame->resource_id)
				   : NULL;
	struct player_event event = {
		.kind = PLAYER_FRAME,
		.command = player->command,
		.virgl_command = frame->virgl_command,
		.frame = {.number = shown->number,
			.rule = frame->rule,
			.scanout_id = frame->scanout_id,
			.resource_id = frame->resource_id,
			.format = resource ? resource->format : 0,
			.width = frame->width,
			.height = frame->height},
	};
	struct vgt_image image;
	struct vgt_err err;
	uint64_t begin = clock_ns();
	atomic_fetch_add_explicit(&player->progress->calls, 1, memory_order_relaxed);
	if (player_picture_take(&image, resource, frame, &err)) {
		event.frame.digest = player_picture_digest(&image, player->options.alpha);
		if (player->options.out && !player->window) {
			snprintf(event.text, sizeof(event.text), "frame-%04" PRIu64 ".png",
				shown->number);
			char path[4096];
			snprintf(path, sizeof(path), "%s/%s", player->options.out, event.text);
			if (!vgt_image_write_png(&image, path, player->options.alpha, &err)) {
				fail(player, VGT_EXIT_TROUBLE, "%s: %s", path, err.message);
			}
		}
		player->pictures++;
	} else {
		event.kind = PLAYER_UNSHOWN;
		snprintf(event.text, sizeof(event.text), "%.200s", err.message);
	}
	player->picture_ns += clock_ns() - begin;
	if (player->window) {
		show_in_window(player, &event, &image);
	} else {
		send_event(&event);
		vgt_image_finish(&image);
	}
}

static void show_pending(struct player *player)
{
	for (size_t i = 0; i < player->pending_count; i++) {
		show_frame(player, &player->pending[i]);
	}
	player->pending_count = 0;
}

/* Results and responses */

static void keep_result(struct player *player, int value)
{
	player->results[player->command % RESULTS_KEPT] =
		(struct result){.command = player->command, .value = value};
}

static void verify_response(struct player *player, const struct vgt_response *response)
{
	const struct result *result = &player->results[response->command % RESULTS_KEPT];
	if (!player->options.verify) {
		return;
	}
	if (player->commands == 0 || result->command != response->command ||
		response->class > VGT_RESPONSE_TIME) {
		/* of a command that the renderer has no part in, or later than results are kept
		 */
		player->not_compared_other++;
		return;
	}
	if (response->class == VGT_RESPONSE_TIME) {
		player->not_compared_time++;
		return;
	}
	if (response->class == VGT_RESPONSE_RENDERER && !player->comparable) {
		player->not_compared_renderer++;
		return;
	}
	player->compared++;
	if (response->class == VGT_RESPONSE_EXACT) {
		if ((response->result == 0) != (result->value == 0)) {
			player->differing++;
			problem(player, "the renderer returns %d, the recording's returned %d",
				result->value, response->result);
		}
	} else if (result->value == 0 &&
		   (response->digest != result->digest || response->size != result->size)) {
		player->differing++;
		problem(player, "the answer of %" PRIu64 " bytes differs from the recording's",
			response->size);
	}
}

/* Digest of what a transfer from the host wrote: as the recorder computes it. */
static void digest_readback(struct player *player, const struct vgt_transfer *transfer,
	const struct player_backing *memory)
{
	struct vgt_transfer_rows rows;
	struct result *result = &player->results[player->command % RESULTS_KEPT];
	if (!player->options.verify || !memory || !vgt_transfer_rows(transfer, &rows)) {
		return;
	}
	XXH64_state_t *state = XXH64_createState();
	if (!state) {
		fail(player, VGT_EXIT_TROUBLE, "no memory for a digest");
	}
	XXH64_reset(state, 0);
	for (uint32_t row = 0; row < rows.count; row++) {
		uint64_t at = rows.offset + row * rows.stride;
		if (at < memory->size) {
			uint64_t left = memory->size - at;
			XXH64_update(state, memory->bytes + at,
				left < rows.bytes ? left : rows.bytes);
		}
	}
	result->digest = XXH64_digest(state);
	result->size = rows.count * rows.bytes;
	XXH64_freeState(state);
}

/* Commands */

/* The player needs one resource for itself. */
static void check_resource_id(const struct player *player, uint32_t id)
{
	if (id == PLAYER_OWN_RESOURCE) {
		fail(player, VGT_EXIT_DIFFERENT, "resource %u is reserved for the player", id);
	}
}

/* The model follows this renderer, not the recording's. */
static void feed_creation(
	struct player *player, uint16_t type, const void *command, size_t size)
{
	const struct vgt_response response = {
		.command = player->command,
		.result = player->results[player->command % RESULTS_KEPT].value,
	};
	vgt_model_feed(player->model, type, command, size, player->command);
	vgt_model_feed(player->model, VGT_RECORD_RESPONSE, &response, sizeof(response),
		player->command);
}

static void create_3d(
	struct player *player, const struct virtio_gpu_resource_create_3d *command)
{
	check_resource_id(player, command->resource_id);
	struct virgl_renderer_resource_create_args args = {
		.handle = command->resource_id,
		.target = command->target,
		.format = command->format,
		.bind = command->bind,
		.width = command->width,
		.height = command->height,
		.depth = command->depth,
		.array_size = command->array_size,
		.last_level = command->last_level,
		.nr_samples = command->nr_samples,
		.flags = command->flags,
	};
	enter(player);
	int result = virgl_renderer_resource_create(&args, NULL, 0);
	leave(player);
	keep_result(player, result);
	feed_creation(player, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, command, sizeof(*command));
}

static struct player_backing *backing_of(struct player *player, uint32_t resource_id)
{
	const struct vgt_resource *resource = vgt_model_resource(player->model, resource_id);
	return resource ? resource->user : NULL;
}

static struct player_backing *make_backing(
	struct player *player, const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	struct vgt_err err;
	struct player_backing *backing =
		player_backing_create(&entries->length, sizeof(*entries), count, &err);
	if (!backing) {
		fail_at(player, &err);
	}
	return backing;
}

static void create_blob(struct player *player,
	const struct virtio_gpu_resource_create_blob *command, uint16_t flags)
{
	check_resource_id(player, command->resource_id);
	if (flags & VGT_RECORD_IMPORTED) {
		problem(player, "resource %u was imported: its content is not in the trace",
			command->resource_id);
		return;
	}
	struct player_backing *backing = NULL;
	if (command->nr_entries) {
		backing =
			make_backing(player, (const void *)(command + 1), command->nr_entries);
	}
	const struct virgl_renderer_resource_create_blob_args args = {
		.res_handle = command->resource_id,
		.ctx_id = command->hdr.ctx_id,
		.blob_mem = command->blob_mem,
		.blob_flags = command->blob_flags,
		.blob_id = command->blob_id,
		.size = command->size,
		.iovecs = backing ? backing->iov : NULL,
		.num_iovs = command->nr_entries,
	};
	enter(player);
	int result = virgl_renderer_resource_create_blob(&args);
	leave(player);
	keep_result(player, result);
	feed_creation(player, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, command, sizeof(*command));
	struct vgt_resource *resource = vgt_model_resource(player->model, command->resource_id);
	if (result) {
		player_backing_destroy(backing);
	} else if (resource) {
		resource->user = backing;
	}
	/* else the model is full, and the renderer keeps what it was given */
}

static void attach_backing(
	struct player *player, const struct virtio_gpu_resource_attach_backing *command)
{
	struct vgt_resource *resource = vgt_model_resource(player->model, command->resource_id);
	struct player_backing *backing =
		command->nr_entries
			? make_backing(player, (const void *)(command + 1), command->nr_entries)
			: NULL;
	enter(player);
	/* NULL, as QEMU has it where there are no entries, leaves the resource without backing
	 */
	int result = virgl_renderer_resource_attach_iov((int)command->resource_id,
		backing ? backing->iov : NULL, backing ? (int)backing->count : 0);
	leave(player);
	keep_result(player, result);
	if (result) {
		player_backing_destroy(backing);
	} else if (!resource || resource->user) {
		/* the renderer holds it now, and what it held before is not known */
		fail(player, VGT_EXIT_DIFFERENT, "the renderer takes backing for resource %u",
			command->resource_id);
	} else {
		resource->user = backing;
	}
}

static void detach_backing(struct player *player, uint32_t resource_id)
{
	struct vgt_resource *resource = vgt_model_resource(player->model, resource_id);
	enter(player);
	virgl_renderer_resource_detach_iov((int)resource_id, NULL, NULL);
	leave(player);
	if (resource) {
		player_backing_destroy(resource->user);
		resource->user = NULL;
	}
}

static void create_context(struct player *player, const struct virtio_gpu_ctx_create *command)
{
	uint32_t nlen = command->nlen < sizeof(command->debug_name)
				? command->nlen
				: (uint32_t)sizeof(command->debug_name);
	uint32_t capset = command->context_init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK;
	if (command->hdr.ctx_id == PLAYER_OWN_CONTEXT) {
		fail(player, VGT_EXIT_DIFFERENT, "context %u is reserved for the player",
			PLAYER_OWN_CONTEXT);
	}
	if (capset > VIRTIO_GPU_CAPSET_VIRGL2) {
		fail(player, VGT_EXIT_DIFFERENT,
			"context %u speaks capset %u, which is recorded but not replayed",
			command->hdr.ctx_id, capset);
	}
	enter(player);
	int result = command->context_init
			     ? virgl_renderer_context_create_with_flags(command->hdr.ctx_id,
				       command->context_init, nlen, command->debug_name)
			     : virgl_renderer_context_create(
				       command->hdr.ctx_id, nlen, command->debug_name);
	leave(player);
	keep_result(player, result);
}

static struct virgl_box box_of(const struct virtio_gpu_box *box)
{
	return (struct virgl_box){box->x, box->y, box->z, box->w, box->h, box->d};
}

static void transfer_3d(struct player *player,
	const struct virtio_gpu_transfer_host_3d *command, uint16_t type, uint16_t flags)
{
	struct player_backing *own = flags & VGT_RECORD_OWN_IOV ? player->own_iov : NULL;
	struct iovec *iov = own ? own->iov : NULL;
	unsigned count = own ? (unsigned)own->count : 0;
	struct virgl_box box = box_of(&command->box);
	uint32_t ctx_id = command->hdr.ctx_id;
	int result;
	if (flags & VGT_RECORD_OWN_IOV && !own) {
		problem(player, "transfer with an iovec of its own, but no IOV record");
		return;
	}
	enter(player);
	if (type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D) {
		result = virgl_renderer_transfer_write_iov(command->resource_id, ctx_id,
			(int)command->level, command->stride, command->layer_stride, &box,
			command->offset, iov, count);
		leave(player);
		keep_result(player, result);
	} else {
		result = virgl_renderer_transfer_read_iov(command->resource_id, ctx_id,
			command->level, command->stride, command->layer_stride, &box,
			command->offset, iov, (int)count);
		leave(player);
		keep_result(player, result);
		struct vgt_resource *resource =
			vgt_model_resource(player->model, command->resource_id);
		if (result == 0 && resource) {
			const struct vgt_transfer transfer =
				vgt_transfer_of(player->model, command);
			digest_readback(player, &transfer, own ? own : resource->user);
		}
	}
	if (own) {
		player_backing_destroy(own);
		player->own_iov = NULL;
	}
}

static void transfer_2d(
	struct player *player, const struct virtio_gpu_transfer_to_host_2d *command)
{
	struct virgl_box box = {
		command->r.x, command->r.y, 0, command->r.width, command->r.height, 1};
	enter(player);
	int result = virgl_renderer_transfer_write_iov(
		command->resource_id, 0, 0, 0, 0, &box, command->offset, NULL, 0);
	leave(player);
	keep_result(player, result);
}

static void get_capset(struct player *player, const struct virtio_gpu_get_capset *command)
{
	uint32_t size = 0;
	uint8_t *bytes =
		fill_capset(player, command->capset_id, command->capset_version, &size);
	struct result *result = &player->results[player->command % RESULTS_KEPT];
	keep_result(player, 0);
	if (bytes && size) {
		result->size = mask_capset(player, command->capset_id, bytes, size);
		result->digest = XXH64(bytes, result->size, 0);
	}
	free(bytes);
}

/* Submits */

struct submit {
	struct player *player;
	uint32_t ctx_id;
	uint32_t *dwords;
	int result;
};

/* Hands dwords [from, to) to the renderer. */
static void submit_part(struct submit *submit, size_t from, size_t to)
{
	if (from < to || to == 0) {
		enter(submit->player);
		int result = virgl_renderer_submit_cmd(
			submit->dwords + from, (int)submit->ctx_id, (int)(to - from));
		leave(submit->player);
		submit->result = submit->result ? submit->result : result;
	}
}

/*
 * virgl_renderer_submit_cmd returns 0 for some streams that it stops reading: the lengths are
 * checked here. A submit is handed over whole, except that it is cut where a marker ends a
 * frame, and behind every command with --step; the renderer's state does not depend on where a
 * stream is cut.
 */
static void submit_3d(struct player *player, const struct virtio_gpu_cmd_submit *command)
{
	size_t count = command->size / sizeof(uint32_t);
	struct submit submit = {.player = player, .ctx_id = command->hdr.ctx_id};
	/* the record's bytes stay as they are: draws may be taken out */
	submit.dwords = malloc(count ? count * sizeof(uint32_t) : 1);
	if (!submit.dwords) {
		fail(player, VGT_EXIT_TROUBLE, "no memory for a submit");
	}
	memcpy(submit.dwords, virtio_gpu_submit_commands(command, command + 1),
		count * sizeof(uint32_t));
	vgt_model_submit(player->model, command->hdr.ctx_id, submit.dwords, count);

	size_t at = 0, submitted = 0, shown = 0;
	uint32_t number = 0;
	struct virgl_command virgl;
	for (; virgl_command_next(submit.dwords, count, &at, &virgl); number++) {
		if (player->options.drop_draws && virgl.op == VIRGL_CCMD_DRAW_VBO) {
			submit.dwords[at - virgl.length - 1] =
				VIRGL_CMD0(VIRGL_CCMD_NOP, 0, virgl.length);
		}
		bool frame_ends = shown < player->pending_count &&
				  player->pending[shown].frame.virgl_command == number;
		if (frame_ends || player->options.step) {
			player->progress->virgl_command =
				player->options.step ? number : PLAYER_NO_VIRGL_COMMAND;
			submit_part(&submit, submitted, at);
			submitted = at;
		}
		if (frame_ends) {
			show_frame(player, &player->pending[shown++]);
		}
	}
	if (at < count) {
		tell(player, PLAYER_PROBLEM, number,
			"virgl command of %u dwords runs past the end of the submit (%zu left)",
			(submit.dwords[at] >> 16) + 1, count - at);
	}
	if (submitted < count || count == 0) {
		submit_part(&submit, submitted, count);
	}
	player->progress->virgl_command = PLAYER_NO_VIRGL_COMMAND;
	free(submit.dwords);
	keep_result(player, submit.result);
	for (; shown < player->pending_count; shown++) {
		show_frame(player, &player->pending[shown]);
	}
	player->pending_count = 0;
}

/* Fences */

/* Not a sign of life for the watchdog: who waits for a fence polls for ever where it never
 * comes. */
static void poll_renderer(struct player *player, uint32_t ctx_id)
{
	player->entered = clock_ns();
	if (ctx_id) {
		virgl_renderer_context_poll(ctx_id);
	} else {
		virgl_renderer_poll();
	}
	leave(player);
}

/* Lets the oldest fence in flight retire, if it can. */
static void poll_fences(struct player *player)
{
	const struct vgt_fence *oldest = &player->fences[0];
	poll_renderer(player, oldest->scope == VGT_FENCE_CONTEXT ? oldest->ctx_id : 0);
}

static void create_fence(struct player *player, const struct vgt_fence *fence)
{
	int result;
	enter(player);
	if (fence->scope == VGT_FENCE_CONTEXT) {
		result = virgl_renderer_context_create_fence(
			fence->ctx_id, fence->flags, fence->ring_idx, fence->fence_id);
	} else {
		result = virgl_renderer_create_fence((int)fence->fence_id, fence->ctx_id);
	}
	leave(player);
	if (result || fence->scope > VGT_FENCE_CONTEXT) {
		return;
	}
	player->fences[player->fence_count++] = *fence;
	while (player->fence_count > FENCES_IN_FLIGHT) {
		poll_fences(player);
	}
}

static bool is_in_flight(const struct player *player, const struct vgt_fence *fence)
{
	for (size_t i = 0; i < player->fence_count; i++) {
		if (same_timeline(
			    &player->fences[i], fence->scope, fence->ctx_id, fence->ring_idx) &&
			fence_matches(&player->fences[i], fence->fence_id)) {
			return true;
		}
	}
	return false;
}

/*
 * What the guest did next may rely on it, such as reading what shaders have written: buffers
 * are read without waiting for the GPU.
 */
static void wait_for_fence(struct player *player, const struct vgt_fence *fence)
{
	while (is_in_flight(player, fence)) {
		poll_renderer(player, fence->scope == VGT_FENCE_CONTEXT ? fence->ctx_id : 0);
	}
}

/* Records */

static void handle_command(struct player *player, const struct vgt_record *record)
{
	const void *payload = record->payload;
	const struct virtio_gpu_ctrl_hdr *hdr = payload;
	if (!player->initialised) {
		init_renderer(player);
	}
	player->commands++;
	bool fed = false;
	switch (record->type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		create_3d(player, payload);
		fed = true;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D: {
		const struct virtio_gpu_resource_create_3d as_3d = vgt_model_2d_as_3d(payload);
		create_3d(player, &as_3d);
		fed = true;
		break;
	}
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		create_blob(player, payload, record->flags);
		fed = true;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		enter(player);
		virgl_renderer_resource_unref(
			((const struct virtio_gpu_resource_unref *)payload)->resource_id);
		leave(player);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		attach_backing(player, payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		detach_backing(
			player, ((const struct virtio_gpu_resource_detach_backing *)payload)
					->resource_id);
		break;
	case VIRTIO_GPU_CMD_CTX_CREATE:
		create_context(player, payload);
		break;
	case VIRTIO_GPU_CMD_CTX_DESTROY:
		enter(player);
		virgl_renderer_context_destroy(hdr->ctx_id);
		leave(player);
		drop_fences(player, hdr->ctx_id);
		break;
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
		enter(player);
		virgl_renderer_ctx_attach_resource((int)hdr->ctx_id,
			(int)((const struct virtio_gpu_ctx_resource *)payload)->resource_id);
		leave(player);
		break;
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		enter(player);
		virgl_renderer_ctx_detach_resource((int)hdr->ctx_id,
			(int)((const struct virtio_gpu_ctx_resource *)payload)->resource_id);
		leave(player);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		transfer_3d(player, payload, record->type, record->flags);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		transfer_2d(player, payload);
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		submit_3d(player, payload);
		fed = true;
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET:
		get_capset(player, payload);
		break;
	default:
		/* display, scanout, cursor, EDID, UUID, blob mappings: the renderer has no part
		   in them, though scanouts and flushes make frames */
		break;
	}
	if (!fed) {
		vgt_model_feed(
			player->model, record->type, payload, record->size, record->command);
		show_pending(player);
	}
}

static void handle_mem(struct player *player, const struct vgt_record *record)
{
	const struct vgt_mem *mem = record->payload;
	struct player_backing *backing = mem->flags & VGT_MEM_OWN_IOV
						 ? player->own_iov
						 : backing_of(player, mem->resource_id);
	size_t size = record->size - sizeof(*mem);
	if (!backing) {
		problem(player, "guest memory of resource %u, which has no backing",
			mem->resource_id);
	} else if (!player_backing_write(backing, mem->offset, mem + 1, size)) {
		problem(player,
			"guest memory at %" PRIu64 " lies outside the backing of resource %u",
			mem->offset, mem->resource_id);
	}
}

static void handle_iov(struct player *player, const struct vgt_iov *iov)
{
	struct vgt_err err;
	player_backing_destroy(player->own_iov);
	player->own_iov = player_backing_create(iov + 1, sizeof(uint32_t), iov->count, &err);
	if (!player->own_iov) {
		fail_at(player, &err);
	}
}

/* The recorder's frames must be those that the rule finds here. */
static void handle_frame(struct player *player)
{
	player->frames_recorded++;
	if (player->options.verify && player->options.rule == VGT_FRAME_AUTO &&
		player->frames_recorded > player->frames) {
		problem(player, "recorded frame %" PRIu64 " is none by the rule",
			player->frames_recorded - 1);
		player->frames = player->frames_recorded;
	}
}

static void handle_meta(struct player *player, const char *at, size_t size)
{
	const char *end = at + size;
	const char *text;
	while ((text = vgt_meta_next(&at, end))) {
		const char *flags = vgt_meta_value(text, "init.flags");
		const char *renderer = vgt_meta_value(text, "gl.renderer");
		if (flags) {
			player->init_flags = (int)strtoul(flags, NULL, 0);
		} else if (renderer) {
			snprintf(player->recorded_renderer, sizeof(player->recorded_renderer),
				"%s", renderer);
		}
		player->masked |= vgt_meta_value(text, "capset.masked") != NULL;
	}
}

static void handle_capset(struct player *player, const struct vgt_record *record)
{
	const struct vgt_capset *capset = record->payload;
	uint32_t size = record->size - (uint32_t)sizeof(*capset);
	if (capset->id < 3 && !player->capset[capset->id] && size) {
		player->capset[capset->id] = malloc(size);
		if (player->capset[capset->id]) {
			memcpy(player->capset[capset->id], capset + 1, size);
			player->capset_size[capset->id] = size;
		}
	}
}

static void reset(struct player *player, const struct vgt_record *record)
{
	if (player->initialised) {
		enter(player);
		virgl_renderer_reset();
		leave(player);
		/* what was in flight is gone with its contexts */
		player->fence_count = 0;
	}
	vgt_model_feed(
		player->model, record->type, record->payload, record->size, record->command);
}

static void handle_record(struct player *player, const struct vgt_record *record)
{
	player->command = record->command;
	player->time_ns = record->time_ns;
	atomic_store_explicit(
		&player->progress->command, record->command, memory_order_relaxed);
	atomic_store_explicit(&player->progress->type, record->type, memory_order_relaxed);
	if (vgt_record_is_command(record->type)) {
		handle_command(player, record);
		return;
	}
	/* what follows from a command has the command's address */
	switch (record->type) {
	case VGT_RECORD_META:
		handle_meta(player, record->payload, record->size);
		break;
	case VGT_RECORD_CAPSET:
		handle_capset(player, record);
		break;
	case VGT_RECORD_MEM:
		handle_mem(player, record);
		break;
	case VGT_RECORD_IOV:
		handle_iov(player, record->payload);
		break;
	case VGT_RECORD_RESPONSE: {
		const struct vgt_response *response = record->payload;
		player->command = response->command;
		verify_response(player, response);
		break;
	}
	case VGT_RECORD_FENCE: {
		const struct vgt_fence *fence = record->payload;
		if (!player->initialised) {
			break;
		}
		if (fence->event == VGT_FENCE_CREATED) {
			create_fence(player, fence);
		} else if (fence->event == VGT_FENCE_RETIRED) {
			wait_for_fence(player, fence);
		}
		break;
	}
	case VGT_RECORD_POLL:
		if (player->options.verify && player->initialised) {
			poll_renderer(
				player, ((const struct vgt_poll *)record->payload)->ctx_id);
		}
		break;
	case VGT_RECORD_FRAME:
		handle_frame(player);
		break;
	case VGT_RECORD_RESET:
		reset(player, record);
		break;
	default:
		/* minor versions only add records that may be skipped */
		break;
	}
}

/* The end */

static void on_gone(void *opaque, struct vgt_resource *resource)
{
	(void)opaque;
	player_backing_destroy(resource->user);
	resource->user = NULL;
}

/*
 * A command waits, with its frames, until the next record is seen, for that may say that the
 * recording's device refused it: then the renderer must not get it here either.
 */
struct held_command {
	struct vgt_record record; /* payload is `bytes` */
	void *bytes;
	size_t room;
	bool waits;
	unsigned frames;
};

static void hold_command(
	struct player *player, struct held_command *held, const struct vgt_record *record)
{
	if (!held->bytes || record->size > held->room) {
		free(held->bytes);
		held->room = record->size;
		held->bytes = malloc(held->room);
		if (!held->bytes) {
			fail(player, VGT_EXIT_TROUBLE, "no memory for a command");
		}
	}
	memcpy(held->bytes, record->payload, record->size);
	held->record = *record;
	held->record.payload = held->bytes;
	held->waits = true;
	held->frames = 0;
}

/* What another thread may have put between a command and its response. */
static bool may_stand_before_answer(const struct vgt_record *record)
{
	return record->type == VGT_RECORD_MARK || record->type == VGT_RECORD_META ||
	       (record->type == VGT_RECORD_FENCE &&
		       ((const struct vgt_fence *)record->payload)->event == VGT_FENCE_RETIRED);
}

/* Whether this record says that the held command was refused. */
static bool refuses(const struct held_command *held, const struct vgt_record *record)
{
	const struct vgt_response *response = record->payload;
	return record->type == VGT_RECORD_RESPONSE && response->class == VGT_RESPONSE_REFUSED &&
	       response->command == held->record.command;
}

static void release_command(struct player *player, struct held_command *held)
{
	if (held->waits) {
		held->waits = false;
		handle_record(player, &held->record);
		for (; held->frames; held->frames--) {
			handle_frame(player);
		}
	}
}

/* Plays to the end of the trace or of the range, or until the window wants something else. */
static enum vgt_read play_records(struct player *player, struct vgt_err *err)
{
	struct held_command held = {0};
	struct vgt_record record;
	enum vgt_read next;
	uint64_t last = vgt_ranges_last(&player->options.frames);
	while ((next = vgt_reader_next(player->reader, &record, err)) == VGT_READ_RECORD) {
		if (held.waits && refuses(&held, &record)) {
			/* its frames keep their numbers, without pictures */
			held.waits = false;
			player->commands++;
			player->frames += held.frames;
			player->frames_recorded += held.frames;
			continue;
		}
		if (held.waits && record.type == VGT_RECORD_FRAME) {
			held.frames++;
			continue;
		}
		if (!may_stand_before_answer(&record)) {
			release_command(player, &held);
		}
		if (player->frames > last ||
			(player->window && player->window_library->poll(player->window,
						   player->frames) != PLAYER_WINDOW_GO_ON)) {
			break;
		}
		if (vgt_record_is_command(record.type)) {
			hold_command(player, &held, &record);
		} else {
			handle_record(player, &record);
		}
	}
	release_command(player, &held);
	free(held.bytes);
	return next;
}

/* The reader at the first record, and an empty model. */
static void open_trace(struct player *player)
{
	const struct vgt_model_hooks hooks = {
		.opaque = player, .frame = on_frame, .gone = on_gone};
	struct vgt_err err;
	vgt_model_destroy(player->model);
	vgt_reader_close(player->reader);
	player->model = vgt_model_create(player->options.rule, &hooks);
	player->reader = vgt_reader_open(player->path, &err);
	if (!player->model || !player->reader) {
		fail(player, VGT_EXIT_TROUBLE, "%s", player->model ? err.message : "no memory");
	}
}

/* As VGT_RECORD_RESET, and nothing is known any more. */
static void start_again(struct player *player)
{
	if (player->initialised) {
		enter(player);
		virgl_renderer_reset();
		leave(player);
	}
	player->told = player->command > player->told ? player->command : player->told;
	player->fence_count = player->pending_count = 0;
	player->frames = player->frames_recorded = player->commands = 0;
	player->compared = player->differing = 0;
	player->not_compared_renderer = player->not_compared_time = 0;
	player->not_compared_other = 0;
	memset(player->results, 0, sizeof(player->results));
	player_backing_destroy(player->own_iov);
	player->own_iov = NULL;
	open_trace(player);
	player->window_library->started(player->window);
}

static void play(struct player *player)
{
	struct vgt_err err;
	enum vgt_read next;
	enum player_window_order order = PLAYER_WINDOW_GO_ON;
	uint64_t begin = clock_ns();
	do {
		if (order == PLAYER_WINDOW_START_AGAIN) {
			start_again(player);
		}
		next = play_records(player, &err);
		if (player->window) {
			order = player->window_library->end(player->window, player->frames,
				next == VGT_READ_ERROR ? err.message : NULL);
		}
	} while (order == PLAYER_WINDOW_START_AGAIN);
	if (player->window) {
		player->window_library->destroy(player->window);
		player->window = NULL;
	}
	if (next == VGT_READ_ERROR) {
		fail_at(player, &err);
	}
	player->progress->type = 0;
	if (player->initialised) {
		/* the renderer's work is done when its last fence is */
		while (player->fence_count) {
			poll_fences(player);
		}
		enter(player);
		glFinish();
		leave(player);
	}
	struct player_event event = {
		.kind = PLAYER_END,
		.command = player->commands,
		.virgl_command = PLAYER_NO_VIRGL_COMMAND,
		.summary = {.commands = player->commands,
			.frames = player->frames,
			.pictures = player->pictures,
			.compared = player->compared,
			.differing = player->differing,
			.not_compared_renderer = player->not_compared_renderer,
			.not_compared_time = player->not_compared_time,
			.not_compared_other = player->not_compared_other,
			.wall_ns = clock_ns() - begin,
			.renderer_ns = player->renderer_ns,
			.picture_ns = player->picture_ns,
			.end = next == VGT_READ_END ? vgt_reader_end(player->reader)
						    : VGT_END_TAIL,
			.closed = order == PLAYER_WINDOW_CLOSED},
	};
	if (player->initialised) {
		virgl_renderer_cleanup(player);
	}
	send_event(&event);
}

static void parse_options(struct player *player, int argc, char **argv)
{
	static const struct option table[] = {
		{"frames", required_argument, NULL, 'f'},
		{"rule", required_argument, NULL, 'r'},
		{"out", required_argument, NULL, 'o'},
		{"no-pictures", no_argument, NULL, 'n'},
		{"verify", no_argument, NULL, 'v'},
		{"alpha", no_argument, NULL, 'a'},
		{"step", no_argument, NULL, 's'},
		{"drop-draws", no_argument, NULL, 'd'},
		{"need-capset", no_argument, NULL, 'c'},
		{"window", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	struct options *options = &player->options;
	struct vgt_err err;
	options->hash = true;
	vgt_ranges_parse(&options->frames, "0-", NULL);
	for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		switch (option) {
		case 'f':
			if (!vgt_ranges_parse(&options->frames, optarg, &err)) {
				fail(player, VGT_EXIT_TROUBLE, "%s", err.message);
			}
			break;
		case 'r':
			options->rule = (enum vgt_frame_rule)atoi(optarg);
			break;
		case 'o':
			options->out = optarg;
			break;
		case 'n':
			options->hash = false;
			break;
		case 'v':
			options->verify = true;
			break;
		case 'a':
			options->alpha = true;
			break;
		case 's':
			options->step = true;
			break;
		case 'd':
			options->drop_draws = true;
			break;
		case 'c':
			options->need_capset = true;
			break;
		case 'w':
			options->window = strtoull(optarg, NULL, 10);
			break;
		default:
			fail(player, VGT_EXIT_TROUBLE,
				"vgt-player is of another version than vgt");
		}
	}
}

/* The window */

static void note_of_window(void *opaque, const char *text)
{
	note(opaque, "%s", text);
}

__attribute__((noreturn)) static void window_fails(void *opaque, const char *text)
{
	fail(opaque, VGT_EXIT_TROUBLE, "%s", text);
}

/* How many frames there are, by the tail or by looking; they are counted by another rule than
 * the recorder's only when they come. */
static uint64_t count_frames(const struct player *player)
{
	uint64_t frames = PLAYER_WINDOW_UNKNOWN;
	struct vgt_err err;
	if (player->options.rule != VGT_FRAME_AUTO) {
		return frames;
	}
	struct vgt_reader *reader = vgt_reader_open(player->path, &err);
	if (reader && !vgt_reader_seek(reader, VGT_SEEK_NONE - 1, VGT_SEEK_NONE, &err) &&
		err.code == VGT_ERR_USAGE) {
		const uint64_t by_tail = vgt_reader_chunks(reader)->totals.frames;
		const uint64_t passed = vgt_reader_passed(reader).frames;
		frames = by_tail > passed ? by_tail : passed;
	}
	vgt_reader_close(reader);
	return frames;
}

static const struct player_window_functions *load_window(const struct player *player)
{
	char path[PATH_MAX];
	if (!companion_look(PLAYER_WINDOW_LIBRARY, path, sizeof(path))) {
		fail(player, VGT_EXIT_TROUBLE,
			"cannot open a window: " PLAYER_WINDOW_LIBRARY
			" is not beside vgt-player");
	}
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const void *functions = library ? dlsym(library, "player_window_functions") : NULL;
	if (!functions) {
		fail(player, VGT_EXIT_TROUBLE,
			"cannot open a window: %.140s: apt install " DEBIAN_SDL, dlerror());
	}
	return functions;
}

static void open_window(struct player *player)
{
	player->window_library = load_window(player);
	struct stat status;
	const bool can_start_again = strcmp(player->path, "-") != 0 &&
				     stat(player->path, &status) == 0 &&
				     S_ISREG(status.st_mode);
	player->window = player->window_library->create(&(struct player_window_options){
		.path = player->path,
		.frames = &player->options.frames,
		.total = can_start_again ? count_frames(player) : PLAYER_WINDOW_UNKNOWN,
		.out = player->options.out,
		.memory = player->options.window << 20,
		.alpha = player->options.alpha,
		.can_start_again = can_start_again,
		.progress = player->progress,
		.note = note_of_window,
		.fail = window_fails,
		.opaque = player,
	});
	if (!player->window) {
		fail(player, VGT_EXIT_TROUBLE, "no memory for a window");
	}
}

int main(int argc, char **argv)
{
	static struct player player;
	if (argc == 2 && player_probe_wanted(argv[1])) {
		return player_probe(argv[1]);
	}
	the_player = &player;
	player.progress = mmap(NULL, sizeof(*player.progress), PROT_READ | PROT_WRITE,
		MAP_SHARED, PLAYER_PROGRESS_FD, 0);
	if (player.progress == MAP_FAILED) {
		fputs("vgt-player: started by `vgt replay`, not by hand\n", stderr);
		return 2;
	}
	player.progress->virgl_command = PLAYER_NO_VIRGL_COMMAND;
	player.progress->started = 1;
	parse_options(&player, argc, argv);
	player.path = argv[optind];
	open_trace(&player);
	if (player.options.window) {
		open_window(&player);
	}
	play(&player);
	/* after the renderer's cleanup, which may still look at them */
	vgt_model_destroy(player.model);
	player_backing_destroy(player.own_iov);
	vgt_reader_close(player.reader);
	free(player.pending);
	for (size_t id = 0; id < sizeof(player.capset) / sizeof(player.capset[0]); id++) {
		free(player.capset[id]);
	}
	return 0;
}
