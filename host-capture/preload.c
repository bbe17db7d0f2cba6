/* SPDX-License-Identifier: MIT */
/*
 * libvgt-preload.so: stands before libvirglrenderer.so.1 by LD_PRELOAD and records what the
 * program asks of it, steered by the environment (capture_start.h).
 *
 * FORMAT.md, "virglrenderer calls", says which call becomes which records.
 */
#include "capture_facts.h"
#include "capture_start.h"
#include "vgt_capture.h"
#include "virgl_api.h"
#include "virgl_cmd.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <virglrenderer.h>

/* The last version whose callbacks are known here, virglrenderer 0.10.4 to 1.1. */
#define CALLBACKS_KNOWN 4

/* submit_cmd2 is of 1.1; compiling against an older header needs its declaration. */
int virgl_renderer_submit_cmd2(
	void *buffer, int ctx_id, int ndw, uint64_t *in_fence_ids, uint32_t num_in_fences);

#define FUNCTION_POINTER(result, name, parameters) result(*name) parameters;
static struct {
	VIRGL_API_LIST(FUNCTION_POINTER)
} real;

static _Atomic(struct vgt_capture *) capture;

/*
 * Called by vgt_device.c, which looks for this symbol, in a VMM whose device records: that sees
 * more than the calls do, and once is enough.
 */
void vgt_preload_stand_aside(void);
static atomic_bool standing_aside;

void vgt_preload_stand_aside(void)
{
	atomic_store(&standing_aside, true);
}

/* The program's callbacks and those that virglrenderer gets in their place. */
static struct virgl_renderer_callbacks *program_callbacks;
static struct virgl_renderer_callbacks our_callbacks;

/*
 * libvirglrenderer calls some of its own exported functions through the PLT, so they arrive
 * here a second time: what is called within a call is not the program's.
 */
static __thread int depth;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "vgt: %s\n", text);
}

/* The functions behind us */

static void *find_real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);
	if (!function) {
		/* loaded by dlopen into a scope of its own, as QEMU's modules do */
		void *library = dlopen("libvirglrenderer.so.1", RTLD_LAZY | RTLD_NOLOAD);
		function = library ? dlsym(library, name) : NULL;
	}
	return function;
}

static void find_all_real(void)
{
#define FIND_REAL(result, name, parameters) \
	*(void **)&real.name = find_real("virgl_renderer_" #name);
	VIRGL_API_LIST(FIND_REAL)
}

/* What the guest is offered no more than; NULL: it is offered all. */
static const struct vgt_capsets *weaker;

static void find_weaker(void)
{
	static struct vgt_capsets capsets;
	struct vgt_err err;
	switch (capture_offer_from_environment(&capsets, &err)) {
	case CAPTURE_OFFER_ALL:
		break;
	case CAPTURE_OFFER_UNKNOWN:
		say("%s: the guest is offered no capset", err.message);
		weaker = &capsets;
		break;
	case CAPTURE_OFFER_LESS:
		weaker = &capsets;
		break;
	}
}

static const struct vgt_capsets *get_weaker(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, find_weaker);
	return weaker;
}

static void need_real(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, find_all_real);
}

/* For a function that this libvirglrenderer does not have; nobody can have linked against it.
 */
static void need_function(void *function, const char *name)
{
	if (!function) {
		say("libvirglrenderer has no virgl_renderer_%s", name);
		abort();
	}
}

/*
 * Enters a wrapper: finds the function behind it, and returns the capture where the call is the
 * program's and is to be recorded, else NULL.
 */
#define ENTER(name) \
	(need_real(), need_function(*(void **)&real.name, #name), \
		depth ? NULL : atomic_load_explicit(&capture, memory_order_acquire))

/* Calls the function behind. */
#define REAL(call) (depth++, (call))
#define DONE()     (depth--)

/* Starting and ending a trace */

static atomic_bool told; /* why the recording stopped */

static void on_message(void *opaque, const char *text)
{
	(void)opaque;
	atomic_store(&told, true);
	say("recording stopped: %s (the program goes on, the trace is valid up to here)", text);
}

static struct vgt_capture *start_capture(void)
{
	struct vgt_capture_options options = {.message = on_message};
	char path[CAPTURE_PATH_MAX];
	struct vgt_err err;
	atomic_store(&told, false);
	capture_options_from_environment(&options);
	struct vgt_capture *started = capture_start_from_environment(options, path, &err);
	if (!started) {
		say("%s: nothing is recorded: %s", path, err.message);
	}
	return started;
}

static void tell_not_whole(const struct vgt_err *err)
{
	if (err->code == VGT_ERR_SYSTEM && !atomic_exchange(&told, true)) {
		say("the trace is not whole: %s", err->message);
	}
}

static void end_capture(void)
{
	struct vgt_capture *ended = atomic_exchange(&capture, NULL);
	struct vgt_err err;
	if (!vgt_capture_destroy(ended, &err)) {
		tell_not_whole(&err);
	}
}

/*
 * A program that ends without virgl_renderer_cleanup still gets a tail. Nothing is freed: its
 * fence threads run on and may be inside the capture.
 */
__attribute__((destructor)) static void at_exit(void)
{
	struct vgt_err err;
	if (!vgt_capture_end(atomic_load(&capture), &err)) {
		tell_not_whole(&err);
	}
}

/* Callbacks */

static void fence_retired(uint16_t scope, uint32_t ctx_id, uint32_t ring_idx, uint64_t fence_id)
{
	const struct vgt_fence fence = {
		.event = VGT_FENCE_RETIRED,
		.scope = scope,
		.ctx_id = ctx_id,
		.ring_idx = ring_idx,
		.fence_id = fence_id,
	};
	vgt_capture_fence(atomic_load(&capture), &fence);
}

/* What the program does inside its callback is the program's again: the depth is set aside. */
static void on_write_fence(void *cookie, uint32_t fence_id)
{
	fence_retired(VGT_FENCE_GLOBAL, 0, 0, fence_id);
	int outer = depth;
	depth = 0;
	program_callbacks->write_fence(cookie, fence_id);
	depth = outer;
}

static void on_write_context_fence(
	void *cookie, uint32_t ctx_id, uint32_t ring_idx, uint64_t fence_id)
{
	fence_retired(VGT_FENCE_CONTEXT, ctx_id, ring_idx, fence_id);
	int outer = depth;
	depth = 0;
	program_callbacks->write_context_fence(cookie, ctx_id, ring_idx, fence_id);
	depth = outer;
}

/* The program's structure is as long as its version says. */
static struct virgl_renderer_callbacks *wrap_callbacks(
	struct virgl_renderer_callbacks *callbacks)
{
	if (!callbacks || callbacks->version < 1 || callbacks->version > CALLBACKS_KNOWN) {
		if (callbacks && callbacks->version > CALLBACKS_KNOWN) {
			say("callbacks of version %d are unknown: retired fences are not "
			    "recorded",
				callbacks->version);
		}
		return callbacks;
	}
	program_callbacks = callbacks;
	our_callbacks = (struct virgl_renderer_callbacks){
		.version = callbacks->version,
		.write_fence = callbacks->write_fence ? on_write_fence : NULL,
		.create_gl_context = callbacks->create_gl_context,
		.destroy_gl_context = callbacks->destroy_gl_context,
		.make_current = callbacks->make_current,
	};
	if (callbacks->version >= 2) {
		our_callbacks.get_drm_fd = callbacks->get_drm_fd;
	}
	if (callbacks->version >= 3) {
		our_callbacks.write_context_fence =
			callbacks->write_context_fence ? on_write_context_fence : NULL;
		our_callbacks.get_server_fd = callbacks->get_server_fd;
	}
	if (callbacks->version >= 4) {
		our_callbacks.get_egl_display = callbacks->get_egl_display;
	}
	return &our_callbacks;
}

/* Renderer */

int virgl_renderer_init(void *cookie, int flags, struct virgl_renderer_callbacks *cb)
{
	struct vgt_capture *running = ENTER(init);
	const char *pattern = getenv("VGT_CAPTURE_FILE");
	if (depth || running || !pattern || !*pattern || atomic_load(&standing_aside)) {
		/* virglrenderer lets a program initialise again with the same arguments */
		bool same = running && cb == program_callbacks;
		int result = REAL(real.init(cookie, flags, same ? &our_callbacks : cb));
		DONE();
		return result;
	}
	struct vgt_capture *started = start_capture();
	struct capture_facts facts = {0};
	capture_facts_add_process(&facts, "vgt-preload " VGT_VERSION, *(void **)&real.init);
	capture_facts_add_init(&facts, flags, cb ? cb->version : 0);
	capture_facts_put(&facts, started);
	capture_facts_finish(&facts);
	atomic_store(&capture, started);
	int result = REAL(real.init(cookie, flags, started ? wrap_callbacks(cb) : cb));
	if (result == 0 && started) {
		capture_facts_add_gl(&facts);
		capture_facts_add_capsets(
			&facts, get_weaker(), real.get_cap_set, real.fill_caps);
		capture_facts_put(&facts, started);
		capture_facts_finish(&facts);
	}
	DONE();
	if (result) {
		say("virgl_renderer_init returned %d", result);
		end_capture();
	}
	return result;
}

void virgl_renderer_cleanup(void *cookie)
{
	struct vgt_capture *to = ENTER(cleanup);
	vgt_capture_reset(to, VGT_RESET_CLEANUP);
	REAL(real.cleanup(cookie));
	DONE();
	if (to) {
		end_capture();
	}
}

void virgl_renderer_reset(void)
{
	struct vgt_capture *to = ENTER(reset);
	vgt_capture_reset(to, VGT_RESET_DEVICE);
	REAL(real.reset());
	DONE();
}

void virgl_renderer_poll(void)
{
	struct vgt_capture *to = ENTER(poll);
	vgt_capture_poll(to, 0);
	REAL(real.poll());
	DONE();
}

void virgl_renderer_context_poll(uint32_t ctx_id)
{
	struct vgt_capture *to = ENTER(context_poll);
	vgt_capture_poll(to, ctx_id);
	REAL(real.context_poll(ctx_id));
	DONE();
}

/* Capsets */

void virgl_renderer_get_cap_set(uint32_t set, uint32_t *max_ver, uint32_t *max_size)
{
	/* a VMM asks this to build its configuration, often before init: no command */
	(void)ENTER(get_cap_set);
	REAL(real.get_cap_set(set, max_ver, max_size));
	if (depth == 1 && get_weaker()) {
		vgt_capsets_mask(get_weaker(), set, max_ver, max_size, NULL);
	}
	DONE();
}

/* Fills what virgl_renderer_get_cap_set has promised, no more: the program's memory may end
 * there. Returns how much that is. */
static uint32_t fill_masked(uint32_t set, uint32_t version, void *caps)
{
	uint32_t max_version = 0, size = 0;
	real.get_cap_set(set, &max_version, &size);
	void *bytes = calloc(1, size ? size : 1);
	if (!bytes) {
		return 0;
	}
	real.fill_caps(set, version, bytes);
	vgt_capsets_mask(get_weaker(), set, &max_version, &size, bytes);
	memcpy(caps, bytes, size);
	free(bytes);
	return size;
}

void virgl_renderer_fill_caps(uint32_t set, uint32_t version, void *caps)
{
	struct vgt_capture *to = ENTER(fill_caps);
	const struct virtio_gpu_get_capset command = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET,
		.capset_id = set,
		.capset_version = version,
	};
	uint64_t number = vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
	uint32_t max_version = 0, size = 0;
	depth++;
	if (depth == 1 && caps && get_weaker()) {
		size = fill_masked(set, version, caps);
	} else {
		real.fill_caps(set, version, caps);
		if (to) {
			real.get_cap_set(set, &max_version, &size);
		}
	}
	vgt_capture_answer(to, number, caps, size);
	DONE();
}

/* Contexts */

/* virgl_renderer_context_create names no capset: context_init is 0, as in the command of old
 * guests. */
static uint64_t record_context(
	struct vgt_capture *to, uint32_t id, uint32_t init, uint32_t nlen, const char *name)
{
	struct virtio_gpu_ctx_create command = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id},
		.nlen = nlen < sizeof(command.debug_name) ? nlen : sizeof(command.debug_name),
		.context_init = init,
	};
	if (name) {
		memcpy(command.debug_name, name, command.nlen);
	}
	return vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
}

int virgl_renderer_context_create(uint32_t handle, uint32_t nlen, const char *name)
{
	struct vgt_capture *to = ENTER(context_create);
	uint64_t number = to ? record_context(to, handle, 0, nlen, name) : VGT_NO_COMMAND;
	int result = REAL(real.context_create(handle, nlen, name));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

int virgl_renderer_context_create_with_flags(
	uint32_t ctx_id, uint32_t ctx_flags, uint32_t nlen, const char *name)
{
	struct vgt_capture *to = ENTER(context_create_with_flags);
	uint64_t number =
		to ? record_context(to, ctx_id, ctx_flags, nlen, name) : VGT_NO_COMMAND;
	int result = REAL(real.context_create_with_flags(ctx_id, ctx_flags, nlen, name));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

void virgl_renderer_context_destroy(uint32_t handle)
{
	struct vgt_capture *to = ENTER(context_destroy);
	const struct virtio_gpu_ctx_destroy command = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = handle},
	};
	vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
	REAL(real.context_destroy(handle));
	DONE();
}

static uint64_t record_submit(struct vgt_capture *to, int ctx_id, const void *buffer, int ndw)
{
	uint32_t size = ndw > 0 ? (uint32_t)ndw * 4 : 0;
	const struct virtio_gpu_cmd_submit command = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = (uint32_t)ctx_id},
		.size = size,
	};
	return vgt_capture_command(to, &command, sizeof(command), buffer, size, 0);
}

int virgl_renderer_submit_cmd(void *buffer, int ctx_id, int ndw)
{
	struct vgt_capture *to = ENTER(submit_cmd);
	uint64_t number = record_submit(to, ctx_id, buffer, ndw);
	int result = REAL(real.submit_cmd(buffer, ctx_id, ndw));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

/*
 * Fences to wait for are recorded as the command has them since Linux 6.6: between the
 * structure and the virgl commands.
 */
static uint64_t record_submit_fences(struct vgt_capture *to, int ctx_id, const void *buffer,
	int ndw, const uint64_t *fences, uint32_t count)
{
	size_t size = ndw > 0 ? (size_t)ndw * 4 : 0;
	size_t skip = count * sizeof(*fences);
	char *data = malloc(skip + size + 1);
	if (!data) {
		return VGT_NO_COMMAND;
	}
	memcpy(data, fences, skip);
	memcpy(data + skip, buffer, size);
	const struct virtio_gpu_cmd_submit command = {
		.hdr = {.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = (uint32_t)ctx_id},
		.size = (uint32_t)size,
		.num_in_fences = count,
	};
	uint64_t number =
		vgt_capture_command(to, &command, sizeof(command), data, skip + size, 0);
	free(data);
	return number;
}

int virgl_renderer_submit_cmd2(
	void *buffer, int ctx_id, int ndw, uint64_t *in_fence_ids, uint32_t num_in_fences)
{
	struct vgt_capture *to = ENTER(submit_cmd2);
	uint64_t number = VGT_NO_COMMAND;
	if (to && num_in_fences) {
		number = record_submit_fences(
			to, ctx_id, buffer, ndw, in_fence_ids, num_in_fences);
	} else {
		number = record_submit(to, ctx_id, buffer, ndw);
	}
	int result = REAL(real.submit_cmd2(buffer, ctx_id, ndw, in_fence_ids, num_in_fences));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

/* Resources */

/* Segments as the command has them; guest addresses are not known here and not recorded. */
static struct virtio_gpu_mem_entry *entries_of(const struct iovec *iov, uint32_t count)
{
	struct virtio_gpu_mem_entry *entries = calloc(count ? count : 1, sizeof(*entries));
	for (uint32_t i = 0; entries && i < count; i++) {
		entries[i].length = (uint32_t)iov[i].iov_len;
	}
	return entries;
}

static uint64_t record_attach(
	struct vgt_capture *to, uint32_t resource_id, const struct iovec *iov, uint32_t count)
{
	struct virtio_gpu_mem_entry *entries = entries_of(iov, count);
	const struct virtio_gpu_resource_attach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = resource_id,
		.nr_entries = count,
	};
	uint64_t number = VGT_NO_COMMAND;
	if (entries) {
		number = vgt_capture_command(
			to, &command, sizeof(command), entries, count * sizeof(*entries), 0);
	}
	free(entries);
	return number;
}

static uint64_t record_create(struct vgt_capture *to,
	const struct virgl_renderer_resource_create_args *args, uint16_t flags)
{
	const struct virtio_gpu_resource_create_3d command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = args->handle,
		.target = args->target,
		.format = args->format,
		.bind = args->bind,
		.width = args->width,
		.height = args->height,
		.depth = args->depth,
		.array_size = args->array_size,
		.last_level = args->last_level,
		.nr_samples = args->nr_samples,
		.flags = args->flags,
	};
	return vgt_capture_command(to, &command, sizeof(command), NULL, 0, flags);
}

int virgl_renderer_resource_create(
	struct virgl_renderer_resource_create_args *args, struct iovec *iov, uint32_t num_iovs)
{
	struct vgt_capture *to = ENTER(resource_create);
	uint64_t number = to ? record_create(to, args, 0) : VGT_NO_COMMAND;
	uint64_t attach = to && iov && num_iovs ? record_attach(to, args->handle, iov, num_iovs)
						: VGT_NO_COMMAND;
	int result = REAL(real.resource_create(args, iov, num_iovs));
	DONE();
	vgt_capture_response(to, number, result);
	if (to && iov && num_iovs) {
		vgt_capture_response(to, attach, result);
		if (result == 0) {
			vgt_capture_backing(to, args->handle, iov, num_iovs);
		}
	}
	return result;
}

int virgl_renderer_resource_import_eglimage(
	struct virgl_renderer_resource_create_args *args, void *image)
{
	struct vgt_capture *to = ENTER(resource_import_eglimage);
	uint64_t number = to ? record_create(to, args, VGT_RECORD_IMPORTED) : VGT_NO_COMMAND;
	int result = REAL(real.resource_import_eglimage(args, image));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

int virgl_renderer_resource_create_blob(
	const struct virgl_renderer_resource_create_blob_args *args)
{
	struct vgt_capture *to = ENTER(resource_create_blob);
	uint64_t number = VGT_NO_COMMAND;
	struct virtio_gpu_mem_entry *entries =
		to ? entries_of(args->iovecs, args->num_iovs) : NULL;
	if (entries) {
		const struct virtio_gpu_resource_create_blob command = {
			.hdr = {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
				.ctx_id = args->ctx_id},
			.resource_id = args->res_handle,
			.blob_mem = args->blob_mem,
			.blob_flags = args->blob_flags,
			.nr_entries = args->num_iovs,
			.blob_id = args->blob_id,
			.size = args->size,
		};
		number = vgt_capture_command(to, &command, sizeof(command), entries,
			args->num_iovs * sizeof(*entries), 0);
		free(entries);
	}
	int result = REAL(real.resource_create_blob(args));
	DONE();
	vgt_capture_response(to, number, result);
	if (result == 0 && args->num_iovs) {
		vgt_capture_backing(to, args->res_handle, args->iovecs, args->num_iovs);
	}
	return result;
}

int virgl_renderer_resource_import_blob(
	const struct virgl_renderer_resource_import_blob_args *args)
{
	struct vgt_capture *to = ENTER(resource_import_blob);
	const struct virtio_gpu_resource_create_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		.resource_id = args->res_handle,
		.blob_mem = args->blob_mem,
		.size = args->size,
	};
	uint64_t number = vgt_capture_command(
		to, &command, sizeof(command), NULL, 0, VGT_RECORD_IMPORTED);
	int result = REAL(real.resource_import_blob(args));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

void virgl_renderer_resource_unref(uint32_t res_handle)
{
	struct vgt_capture *to = ENTER(resource_unref);
	const struct virtio_gpu_resource_unref command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF,
		.resource_id = res_handle,
	};
	vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
	REAL(real.resource_unref(res_handle));
	DONE();
}

int virgl_renderer_resource_attach_iov(int res_handle, struct iovec *iov, int num_iovs)
{
	struct vgt_capture *to = ENTER(resource_attach_iov);
	uint32_t count = num_iovs > 0 ? (uint32_t)num_iovs : 0;
	uint64_t number =
		to ? record_attach(to, (uint32_t)res_handle, iov, count) : VGT_NO_COMMAND;
	int result = REAL(real.resource_attach_iov(res_handle, iov, num_iovs));
	DONE();
	vgt_capture_response(to, number, result);
	if (result == 0) {
		vgt_capture_backing(to, (uint32_t)res_handle, iov, count);
	}
	return result;
}

void virgl_renderer_resource_detach_iov(int res_handle, struct iovec **iov, int *num_iovs)
{
	struct vgt_capture *to = ENTER(resource_detach_iov);
	const struct virtio_gpu_resource_detach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		.resource_id = (uint32_t)res_handle,
	};
	vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
	REAL(real.resource_detach_iov(res_handle, iov, num_iovs));
	DONE();
}

int virgl_renderer_resource_map(uint32_t res_handle, void **map, uint64_t *out_size)
{
	struct vgt_capture *to = ENTER(resource_map);
	const struct virtio_gpu_resource_map_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
		.resource_id = res_handle,
	};
	uint64_t number = vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
	int result = REAL(real.resource_map(res_handle, map, out_size));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

int virgl_renderer_resource_unmap(uint32_t res_handle)
{
	struct vgt_capture *to = ENTER(resource_unmap);
	const struct virtio_gpu_resource_unmap_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
		.resource_id = res_handle,
	};
	uint64_t number = vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
	int result = REAL(real.resource_unmap(res_handle));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

static void record_ctx_resource(
	struct vgt_capture *to, uint32_t type, int ctx_id, int res_handle)
{
	const struct virtio_gpu_ctx_resource command = {
		.hdr = {.type = type, .ctx_id = (uint32_t)ctx_id},
		.resource_id = (uint32_t)res_handle,
	};
	vgt_capture_command(to, &command, sizeof(command), NULL, 0, 0);
}

void virgl_renderer_ctx_attach_resource(int ctx_id, int res_handle)
{
	struct vgt_capture *to = ENTER(ctx_attach_resource);
	record_ctx_resource(to, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx_id, res_handle);
	REAL(real.ctx_attach_resource(ctx_id, res_handle));
	DONE();
}

void virgl_renderer_ctx_detach_resource(int ctx_id, int res_handle)
{
	struct vgt_capture *to = ENTER(ctx_detach_resource);
	record_ctx_resource(to, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ctx_id, res_handle);
	REAL(real.ctx_detach_resource(ctx_id, res_handle));
	DONE();
}

/* Transfers */

static uint64_t record_transfer(struct vgt_capture *to,
	const struct virtio_gpu_transfer_host_3d *command, const struct iovec *iov,
	size_t count)
{
	return iov && count ? vgt_capture_transfer_iov(to, command, iov, count, 0)
			    : vgt_capture_command(to, command, sizeof(*command), NULL, 0, 0);
}

int virgl_renderer_transfer_write_iov(uint32_t handle, uint32_t ctx_id, int level,
	uint32_t stride, uint32_t layer_stride, struct virgl_box *box, uint64_t offset,
	struct iovec *iov, unsigned int iov_count)
{
	struct vgt_capture *to = ENTER(transfer_write_iov);
	uint64_t number = VGT_NO_COMMAND;
	if (to) {
		const struct virtio_gpu_transfer_host_3d command = {
			.hdr = {.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, .ctx_id = ctx_id},
			.box = {box->x, box->y, box->z, box->w, box->h, box->d},
			.offset = offset,
			.resource_id = handle,
			.level = (uint32_t)level,
			.stride = stride,
			.layer_stride = layer_stride,
		};
		number = record_transfer(to, &command, iov, iov_count);
	}
	int result = REAL(real.transfer_write_iov(
		handle, ctx_id, level, stride, layer_stride, box, offset, iov, iov_count));
	DONE();
	vgt_capture_response(to, number, result);
	return result;
}

int virgl_renderer_transfer_read_iov(uint32_t handle, uint32_t ctx_id, uint32_t level,
	uint32_t stride, uint32_t layer_stride, struct virgl_box *box, uint64_t offset,
	struct iovec *iov, int iov_count)
{
	struct vgt_capture *to = ENTER(transfer_read_iov);
	uint64_t number = VGT_NO_COMMAND;
	size_t count = iov && iov_count > 0 ? (size_t)iov_count : 0;
	struct virtio_gpu_transfer_host_3d command;
	if (to) {
		command = (struct virtio_gpu_transfer_host_3d){
			.hdr = {.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, .ctx_id = ctx_id},
			.box = {box->x, box->y, box->z, box->w, box->h, box->d},
			.offset = offset,
			.resource_id = handle,
			.level = level,
			.stride = stride,
			.layer_stride = layer_stride,
		};
		number = record_transfer(to, &command, iov, count);
	}
	int result = REAL(real.transfer_read_iov(
		handle, ctx_id, level, stride, layer_stride, box, offset, iov, iov_count));
	DONE();
	vgt_capture_response(to, number, result);
	if (to && result == 0) {
		vgt_capture_readback(to, number, &command, count ? iov : NULL, count);
	}
	return result;
}

/* Fences */

/* Recorded before the fence is made; a second record says where that failed. */
static void fence_failed(struct vgt_capture *to, struct vgt_fence fence, int result)
{
	if (result) {
		fence.event = VGT_FENCE_FAILED;
		fence.result = result;
		vgt_capture_fence(to, &fence);
	}
}

int virgl_renderer_create_fence(int client_fence_id, uint32_t ctx_id)
{
	struct vgt_capture *to = ENTER(create_fence);
	const struct vgt_fence fence = {
		.event = VGT_FENCE_CREATED,
		.scope = VGT_FENCE_GLOBAL,
		.ctx_id = ctx_id,
		.fence_id = (uint32_t)client_fence_id,
	};
	vgt_capture_fence(to, &fence);
	int result = REAL(real.create_fence(client_fence_id, ctx_id));
	DONE();
	fence_failed(to, fence, result);
	return result;
}

int virgl_renderer_context_create_fence(
	uint32_t ctx_id, uint32_t flags, uint32_t ring_idx, uint64_t fence_id)
{
	struct vgt_capture *to = ENTER(context_create_fence);
	const struct vgt_fence fence = {
		.event = VGT_FENCE_CREATED,
		.scope = VGT_FENCE_CONTEXT,
		.ctx_id = ctx_id,
		.ring_idx = ring_idx,
		.flags = flags,
		.fence_id = fence_id,
	};
	vgt_capture_fence(to, &fence);
	int result = REAL(real.context_create_fence(ctx_id, flags, ring_idx, fence_id));
	DONE();
	fence_failed(to, fence, result);
	return result;
}
