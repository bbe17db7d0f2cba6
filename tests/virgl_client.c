/* SPDX-License-Identifier: MIT */

/*
 * A program that uses libvirglrenderer.so.1 as a VMM does, whose guests do the same work
 * whenever they get the same arguments: what a recorder is tried on. For each frame that a
 * guest presents (reads back whole) it prints `frame I context C xxh64 HEX`, the XXH64 (seed 0)
 * of its BGRA bytes.
 * --segments, --own-iov, --submit-bytes, --threads and --fork change how the work reaches the
 * renderer, not the pictures (threads and processes mix the order of the lines).
 *
 * Exit status: 0, 1 where the renderer did not do as it should (said on stderr; the guests go
 * on, as they would), 2 for trouble and usage.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#ifndef VIRGL_RENDERER_UNSTABLE_APIS
#define VIRGL_RENDERER_UNSTABLE_APIS
#endif
#include <virglrenderer.h>

#define MAX_CONTEXTS 64

/* virgl_hw.h, virgl_protocol.h and p_defines.h, which virglrenderer does not install */
enum {
	CAPSET_VIRGL = 1,
	CAPSET_VIRGL2 = 2,
	CAPS_CAPABILITY_BITS = 392,
	CAPS_CAPABILITY_BITS_V2 = 688,
	CAP_TRANSFER = 1 << 17,
	CAP_COPY_TRANSFER = 1 << 26,
	CAP_V2_COPY_TRANSFER_BOTH_DIRECTIONS = 1 << 7,

	TARGET_BUFFER = 0,
	TARGET_2D = 2,
	FORMAT_B8G8R8A8_UNORM = 1,
	FORMAT_B8G8R8X8_UNORM = 2,
	FORMAT_R32G32B32A32_FLOAT = 31,
	FORMAT_R8_UNORM = 64,
	BIND_RENDER_TARGET = 1 << 1,
	BIND_SAMPLER_VIEW = 1 << 3,
	BIND_VERTEX_BUFFER = 1 << 4,
	BIND_DISPLAY_TARGET = 1 << 7,
	BIND_CUSTOM = 1 << 17,
	BIND_STAGING = 1 << 19,
	RESOURCE_MAP_PERSISTENT = 1 << 1,
	RESOURCE_MAP_COHERENT = 1 << 2,

	CMD_NOP = 0,
	CMD_CREATE_OBJECT = 1,
	CMD_BIND_OBJECT = 2,
	CMD_DESTROY_OBJECT = 3,
	CMD_SET_VIEWPORT_STATE = 4,
	CMD_SET_FRAMEBUFFER_STATE = 5,
	CMD_SET_VERTEX_BUFFERS = 6,
	CMD_CLEAR = 7,
	CMD_DRAW_VBO = 8,
	CMD_RESOURCE_INLINE_WRITE = 9,
	CMD_RESOURCE_COPY_REGION = 17,
	CMD_SET_SUB_CTX = 28,
	CMD_CREATE_SUB_CTX = 29,
	CMD_BIND_SHADER = 31,
	CMD_TRANSFER3D = 43,
	CMD_END_TRANSFERS = 44,
	CMD_COPY_TRANSFER3D = 45,
	CMD_PIPE_RESOURCE_CREATE = 48,

	OBJECT_BLEND = 1,
	OBJECT_RASTERIZER = 2,
	OBJECT_DSA = 3,
	OBJECT_SHADER = 4,
	OBJECT_VERTEX_ELEMENTS = 5,
	OBJECT_SURFACE = 8,

	TRANSFER_TO_HOST = 1,
	TRANSFER_FROM_HOST = 2,
	COPY_TRANSFER3D_SYNCHRONIZED = 1 << 0,
	COPY_TRANSFER3D_READ_FROM_HOST = 1 << 1,
	CLEAR_COLOR0 = 1 << 2,
	PRIM_TRIANGLES = 4,
	SHADER_VERTEX = 0,
	SHADER_FRAGMENT = 1,
};

/* Handles of the objects in each guest's sub-context. */
enum {
	HANDLE_SURFACE = 1,
	HANDLE_BLEND,
	HANDLE_RASTERIZER,
	HANDLE_DSA,
	HANDLE_VERTEX_SHADER,
	HANDLE_FRAGMENT_SHADER,
	HANDLE_VERTEX_ELEMENTS,
};

/* Sizes that need not follow the window's. */
enum {
	BUFFER_BYTES = 4096,
	VERTICES_BYTES = 3 * 8 * 4,
	CUSTOM_SIDE = 8, /* a CUSTOM buffer holds 8x8 texels */
	CUSTOM_BYTES = CUSTOM_SIDE * CUSTOM_SIDE * 4,
	MAX_SIDE = 4096,
	MIN_SIDE = 32,
};

struct virgl_box {
	uint32_t x, y, z, w, h, d;
};

/* Counted around the calls that are control commands of virtio-gpu; see --progress. */
struct progress {
	_Atomic uint64_t returned;
	_Atomic uint64_t started;
};

static struct {
	uint64_t frames;
	unsigned contexts;
	unsigned segments;
	uint32_t width;
	uint32_t height;
	uint64_t seed;
	size_t submit_bytes;
	double loop_seconds;
	const char *progress;
	bool threads;
	bool fork;
	bool own_iov;
	bool blob;
	bool eleven;
	bool real;
	bool multi_init;
	bool clear_only;
} opt = {.frames = 3, .contexts = 1, .segments = 3, .width = 64, .height = 48, .seed = 1};

static struct {
	pthread_mutex_t lock; /* virglrenderer is not thread-safe */
	struct progress *progress;
	atomic_int failures;
	uint32_t last_fence;
	_Atomic uint32_t retired_fence;
	_Atomic uint64_t retired_context_fence[MAX_CONTEXTS + 1];
	bool can_transfer;
	bool can_copy_transfer;
	bool can_copy_back;
} vmm = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What virglrenderer 1.1 added: weak, as the library that this is linked with may be older. */
extern int client_submit_cmd2(void *buffer, int ctx_id, int ndw, uint64_t *in_fence_ids,
	uint32_t num_in_fences) __asm__("virgl_renderer_submit_cmd2") __attribute__((weak));
extern int client_resource_get_info_ext(int res_handle, void *info) __asm__(
	"virgl_renderer_resource_get_info_ext") __attribute__((weak));
extern int client_export_signalled_fence(void) __asm__("virgl_renderer_export_signalled_fence")
	__attribute__((weak));
extern void client_set_log_callback(
	void (*log_cb)(int level, const char *message, void *user_data), void *user_data,
	void (*free_cb)(void *user_data)) __asm__("virgl_set_log_callback")
	__attribute__((weak));

static void complain(const char *what, uint32_t id, int ret)
{
	atomic_fetch_add(&vmm.failures, 1);
	fprintf(stderr, "virgl_client: %s of %" PRIu32 ": %d\n", what, id, ret);
}

static void check(const char *what, uint32_t id, int ret)
{
	if (ret) {
		complain(what, id, ret);
	}
}

static void *must(void *memory)
{
	if (!memory) {
		perror("virgl_client");
		exit(2);
	}
	return memory;
}

/* Pseudo-random bytes (splitmix64), from a seed for every purpose: no order of use to get
 * wrong. */

struct rng {
	uint64_t state;
	uint64_t word;
	unsigned left; /* bytes of word that are still to be used */
};

static uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t rng_below(struct rng *rng, uint32_t limit)
{
	return (uint32_t)(rng_next(rng) % limit);
}

static uint8_t rng_byte(struct rng *rng)
{
	uint8_t byte;

	if (!rng->left) {
		rng->word = rng_next(rng);
		rng->left = 8;
	}
	byte = (uint8_t)rng->word;
	rng->word >>= 8;
	rng->left--;
	return byte;
}

static struct rng rng_for(uint32_t context, uint64_t frame, uint32_t purpose)
{
	struct rng rng = {.state = opt.seed};

	rng.state = rng_next(&rng) ^ context;
	rng.state = rng_next(&rng) ^ frame;
	rng.state = rng_next(&rng) ^ purpose;
	return rng;
}

enum purpose {
	PURPOSE_SEGMENTS,
	PURPOSE_CLEAR,
	PURPOSE_VERTICES,
	PURPOSE_BUFFER,
	PURPOSE_TEXTURE,
	PURPOSE_WINDOW,
	PURPOSE_STAGING,
	PURPOSE_CUSTOM,
	PURPOSE_INLINE,
	PURPOSE_PADDING,
	PURPOSE_OLD_BACKING,
};

/* Guest memory: a heap block for each segment, so that a step over its end does not go
 * unnoticed. */

struct guest_memory {
	struct iovec *iov;
	int num_iovs;
	size_t size;
};

static struct guest_memory guest_memory_create(size_t size, struct rng rng)
{
	struct guest_memory mem = {.size = size};
	size_t left = size;

	mem.num_iovs = (int)(opt.segments < size ? opt.segments : size);
	mem.iov = must(calloc((size_t)mem.num_iovs, sizeof(*mem.iov)));
	for (int i = 0; i < mem.num_iovs; i++) {
		const size_t others = (size_t)(mem.num_iovs - i - 1);
		const size_t mean = left / (others + 1);
		size_t len = left;

		/* odd lengths, at least a byte for each of the others */
		if (others) {
			len = 1 + rng_next(&rng) % (2 * mean - 1);
			len = len < left - others ? len : left - others;
		}
		mem.iov[i].iov_base = must(malloc(len));
		mem.iov[i].iov_len = len;
		left -= len;
	}
	return mem;
}

static void guest_memory_destroy(struct guest_memory *mem)
{
	for (int i = 0; i < mem->num_iovs; i++) {
		free(mem->iov[i].iov_base);
	}
	free(mem->iov);
	*mem = (struct guest_memory){0};
}

static void guest_memory_fill(const struct guest_memory *mem, struct rng rng)
{
	for (int i = 0; i < mem->num_iovs; i++) {
		uint8_t *bytes = mem->iov[i].iov_base;

		for (size_t n = 0; n < mem->iov[i].iov_len; n++) {
			bytes[n] = rng_byte(&rng);
		}
	}
}

static void guest_memory_copy(
	const struct guest_memory *mem, size_t offset, uint8_t *bytes, size_t n, bool to_guest)
{
	for (int i = 0; i < mem->num_iovs && n; i++) {
		uint8_t *base = mem->iov[i].iov_base;
		size_t len = mem->iov[i].iov_len;

		if (len <= offset) {
			offset -= len;
			continue;
		}
		len = len - offset < n ? len - offset : n;
		if (to_guest) {
			memcpy(base + offset, bytes, len);
		} else {
			memcpy(bytes, base + offset, len);
		}
		offset = 0;
		bytes += len;
		n -= len;
	}
}

/*
 * GL contexts belong to threads. Threads take turns with the real renderer by putting its
 * context down after each call, which only EGL can do, and making the renderer pick it up
 * again.
 */

static struct {
	unsigned (*bind_api)(unsigned api);
	void *(*get_current_display)(void);
	unsigned (*make_current)(void *display, void *draw, void *read, void *context);
} egl;

static void gl_load(void)
{
	void *library = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		fprintf(stderr, "virgl_client: %s\n", dlerror());
		exit(2);
	}
	*(void **)&egl.bind_api = must(dlsym(library, "eglBindAPI"));
	*(void **)&egl.get_current_display = must(dlsym(library, "eglGetCurrentDisplay"));
	*(void **)&egl.make_current = must(dlsym(library, "eglMakeCurrent"));
}

static void gl_pick_up(void)
{
	/* EGL_OPENGL_API: each thread starts with OpenGL ES */
	egl.bind_api(0x30a2);
	virgl_renderer_force_ctx_0();
}

static void gl_put_down(void)
{
	void *display = egl.get_current_display();

	if (display) {
		egl.make_current(display, NULL, NULL, NULL);
	}
}

/* Around every call of the renderer; counted: it is a control command. */

static void enter(bool counted)
{
	if (opt.threads) {
		pthread_mutex_lock(&vmm.lock);
		if (opt.real) {
			gl_pick_up();
		}
	}
	if (counted && vmm.progress) {
		atomic_fetch_add(&vmm.progress->started, 1);
	}
}

static void leave(bool counted)
{
	if (counted && vmm.progress) {
		atomic_fetch_add(&vmm.progress->returned, 1);
	}
	if (opt.threads) {
		if (opt.real) {
			gl_put_down();
		}
		pthread_mutex_unlock(&vmm.lock);
	}
}

/* The calls of a VMM. */

static void vmm_resource_create(struct virgl_renderer_resource_create_args *args)
{
	int ret;

	enter(true);
	ret = virgl_renderer_resource_create(args, NULL, 0);
	leave(true);
	check("resource_create", args->handle, ret);
}

static void vmm_resource_unref(uint32_t id)
{
	enter(true);
	virgl_renderer_resource_unref(id);
	leave(true);
}

static void vmm_ctx_attach(uint32_t ctx, uint32_t id)
{
	enter(true);
	virgl_renderer_ctx_attach_resource((int)ctx, (int)id);
	leave(true);
}

static void vmm_ctx_detach(uint32_t ctx, uint32_t id)
{
	enter(true);
	virgl_renderer_ctx_detach_resource((int)ctx, (int)id);
	leave(true);
}

static void vmm_attach_backing(uint32_t id, const struct guest_memory *mem)
{
	int ret;

	enter(true);
	ret = virgl_renderer_resource_attach_iov((int)id, mem->iov, mem->num_iovs);
	leave(true);
	check("resource_attach_iov", id, ret);
}

/* Hands back the memory, if the renderer does: true says that it no longer uses it. */
static bool vmm_detach_backing(uint32_t id, const struct guest_memory *mem)
{
	struct iovec *iov = NULL;
	int num_iovs = 0;

	enter(true);
	virgl_renderer_resource_detach_iov((int)id, &iov, &num_iovs);
	leave(true);
	if (iov != mem->iov || num_iovs != mem->num_iovs) {
		complain("resource_detach_iov", id, num_iovs);
		return false;
	}
	return true;
}

/* mem NULL: the attached backing */
static void vmm_write(uint32_t ctx, uint32_t id, struct virgl_box box, uint64_t offset,
	uint32_t stride, const struct guest_memory *mem)
{
	int ret;

	enter(true);
	ret = virgl_renderer_transfer_write_iov(id, ctx, 0, stride, 0, &box, offset,
		mem ? mem->iov : NULL, mem ? (unsigned)mem->num_iovs : 0);
	leave(true);
	check("transfer_write_iov", id, ret);
}

static void vmm_read(uint32_t ctx, uint32_t id, struct virgl_box box, uint64_t offset,
	uint32_t stride, const struct guest_memory *mem)
{
	int ret;

	enter(true);
	ret = virgl_renderer_transfer_read_iov(id, ctx, 0, stride, 0, &box, offset,
		mem ? mem->iov : NULL, mem ? mem->num_iovs : 0);
	leave(true);
	check("transfer_read_iov", id, ret);
}

static void vmm_submit(uint32_t ctx, const uint32_t *dwords, size_t n)
{
	/* as QEMU does, from memory of its own that is gone after the call */
	uint32_t *buffer = must(malloc(n * 4));
	int ret;

	memcpy(buffer, dwords, n * 4);
	enter(true);
	if (opt.eleven) {
		ret = client_submit_cmd2(buffer, (int)ctx, (int)n, NULL, 0);
	} else {
		ret = virgl_renderer_submit_cmd(buffer, (int)ctx, (int)n);
	}
	leave(true);
	free(buffer);
	check("submit_cmd", ctx, ret);
}

static void vmm_poll(void)
{
	enter(false);
	virgl_renderer_poll();
	leave(false);
}

static bool wait_for(
	_Atomic uint32_t *value, uint32_t wanted, _Atomic uint64_t *value64, uint64_t wanted64)
{
	const struct timespec pause = {.tv_nsec = 100000};

	/* half a minute: a software renderer on a busy machine takes its time */
	for (int i = 0; i < 300000; i++) {
		vmm_poll();
		if (value ? atomic_load(value) >= wanted : atomic_load(value64) >= wanted64) {
			return true;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Creates a fence, of either kind, behind all that the context has done; returns its id. */
static uint64_t vmm_create_fence(uint32_t ctx, bool per_context, uint64_t frame)
{
	uint64_t id;
	int ret;

	enter(false);
	if (per_context) {
		/* beyond 32 bits, which only this kind has */
		id = (UINT64_C(1) << 40) + frame;
		ret = virgl_renderer_context_create_fence(ctx, 0, 0, id);
	} else {
		id = ++vmm.last_fence;
		ret = virgl_renderer_create_fence((int)id, ctx);
	}
	leave(false);
	check("create_fence", ctx, ret);
	return ret ? 0 : id;
}

static void vmm_wait_fence(uint32_t ctx, bool per_context, uint64_t id)
{
	bool retired;

	if (!id) {
		return;
	}
	if (per_context) {
		retired = wait_for(NULL, 0, &vmm.retired_context_fence[ctx], id);
	} else {
		retired = wait_for(&vmm.retired_fence, (uint32_t)id, NULL, 0);
	}
	if (!retired) {
		complain("waiting for a fence", ctx, ETIMEDOUT);
	}
}

/* Fences may retire on a thread of the renderer. Those of one kind retire in order. */

static void on_fence(void *cookie, uint32_t fence)
{
	uint32_t old = atomic_load(&vmm.retired_fence);

	(void)cookie;
	while (old < fence && !atomic_compare_exchange_weak(&vmm.retired_fence, &old, fence)) {
	}
}

static void on_context_fence(
	void *cookie, uint32_t ctx_id, uint32_t ring_idx, uint64_t fence_id)
{
	(void)cookie;
	if (ctx_id > MAX_CONTEXTS || ring_idx) {
		complain("write_context_fence", ctx_id, (int)ring_idx);
		return;
	}
	atomic_store(&vmm.retired_context_fence[ctx_id], fence_id);
}

/* A command stream in the making. */

struct stream {
	uint32_t *dwords;
	size_t n;
	size_t capacity;
};

static void emit(struct stream *s, uint32_t dword)
{
	if (s->n == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 256;
		s->dwords = must(realloc(s->dwords, s->capacity * 4));
	}
	s->dwords[s->n++] = dword;
}

static void emit_float(struct stream *s, float value)
{
	uint32_t dword;

	memcpy(&dword, &value, 4);
	emit(s, dword);
}

static void emit_command(struct stream *s, uint32_t command, uint32_t object, uint32_t length)
{
	emit(s, command | object << 8 | length << 16);
}

static void emit_create(struct stream *s, uint32_t object, uint32_t handle, uint32_t length)
{
	emit_command(s, CMD_CREATE_OBJECT, object, length);
	emit(s, handle);
}

static void emit_bytes(struct stream *s, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i += 4) {
		uint32_t dword = 0;

		memcpy(&dword, p + i, n - i < 4 ? n - i : 4);
		emit(s, dword);
	}
}

static void emit_shader(struct stream *s, uint32_t handle, uint32_t type, const char *tgsi)
{
	const size_t bytes = strlen(tgsi) + 1;

	emit_create(s, OBJECT_SHADER, handle, (uint32_t)(5 + (bytes + 3) / 4));
	emit(s, type);
	emit(s, (uint32_t)bytes);
	emit(s, 300); /* tokens that the text may become */
	emit(s, 0);   /* streamout outputs */
	emit_bytes(s, tgsi, bytes);
	emit_command(s, CMD_BIND_SHADER, 0, 2);
	emit(s, handle);
	emit(s, type);
}

static void emit_fixed_function_state(struct stream *s)
{
	emit_create(s, OBJECT_BLEND, HANDLE_BLEND, 11);
	emit(s, 0);
	emit(s, 0);
	for (int i = 0; i < 8; i++) {
		emit(s, i ? 0 : 0xfu << 27); /* write all channels of colour buffer 0 */
	}
	emit_create(s, OBJECT_DSA, HANDLE_DSA, 5);
	for (int i = 0; i < 4; i++) {
		emit(s, 0);
	}
	emit_create(s, OBJECT_RASTERIZER, HANDLE_RASTERIZER, 9);
	emit(s, 1u << 1 | 1u << 29); /* depth clip, half pixel center */
	emit_float(s, 1.0f);         /* point size */
	emit(s, 0);
	emit(s, 0);
	emit_float(s, 1.0f); /* line width */
	emit(s, 0);
	emit(s, 0);
	emit(s, 0);
	emit_command(s, CMD_BIND_OBJECT, OBJECT_BLEND, 1);
	emit(s, HANDLE_BLEND);
	emit_command(s, CMD_BIND_OBJECT, OBJECT_DSA, 1);
	emit(s, HANDLE_DSA);
	emit_command(s, CMD_BIND_OBJECT, OBJECT_RASTERIZER, 1);
	emit(s, HANDLE_RASTERIZER);
}

/* Position and colour, four floats each. */
static void emit_vertex_elements(struct stream *s)
{
	emit_create(s, OBJECT_VERTEX_ELEMENTS, HANDLE_VERTEX_ELEMENTS, 9);
	for (uint32_t i = 0; i < 2; i++) {
		emit(s, i * 16);
		emit(s, 0);
		emit(s, 0);
		emit(s, FORMAT_R32G32B32A32_FLOAT);
	}
	emit_command(s, CMD_BIND_OBJECT, OBJECT_VERTEX_ELEMENTS, 1);
	emit(s, HANDLE_VERTEX_ELEMENTS);
}

/* What a guest's driver does once, in a sub-context as Mesa's does. */
static void emit_setup(struct stream *s)
{
	emit_command(s, CMD_CREATE_SUB_CTX, 0, 1);
	emit(s, 1);
	emit_command(s, CMD_SET_SUB_CTX, 0, 1);
	emit(s, 1);
	emit_fixed_function_state(s);
	emit_vertex_elements(s);
	emit_shader(s, HANDLE_VERTEX_SHADER, SHADER_VERTEX,
		"VERT\n"
		"DCL IN[0]\n"
		"DCL IN[1]\n"
		"DCL OUT[0], POSITION\n"
		"DCL OUT[1], COLOR\n"
		"  0: MOV OUT[1], IN[1]\n"
		"  1: MOV OUT[0], IN[0]\n"
		"  2: END\n");
	emit_shader(s, HANDLE_FRAGMENT_SHADER, SHADER_FRAGMENT,
		"FRAG\n"
		"DCL IN[0], COLOR, LINEAR\n"
		"DCL OUT[0], COLOR\n"
		"  0: MOV OUT[0], IN[0]\n"
		"  1: END\n");
}

/* The eleven dwords that the transfers of the stream have in common. */
static void emit_transfer(struct stream *s, uint32_t command, uint32_t length, uint32_t id,
	uint32_t stride, struct virgl_box box)
{
	emit_command(s, command, 0, length);
	emit(s, id);
	emit(s, 0); /* level */
	emit(s, 0); /* usage */
	emit(s, stride);
	emit(s, 0); /* layer stride */
	emit(s, box.x);
	emit(s, box.y);
	emit(s, box.z);
	emit(s, box.w);
	emit(s, box.h);
	emit(s, box.d);
}

/* Guests */

struct guest_resource {
	uint32_t id;
	uint32_t width;
	uint32_t height;
	struct guest_memory mem; /* its backing; none where num_iovs is 0 */
};

struct guest {
	uint32_t ctx;
	uint32_t format;
	uint32_t region_w; /* of the window, where each kind of transfer has its place */
	uint32_t region_h;
	uint64_t frame;
	bool set_up;
	bool has_surface;
	struct guest_resource window;
	struct guest_resource texture;
	struct guest_resource buffer;
	struct guest_resource staging;
	struct guest_resource custom;
	struct guest_resource host_blob;
	struct guest_resource guest_blob;
	uint8_t buffer_bytes[BUFFER_BYTES]; /* what the buffer must hold */
	uint8_t *pixels;
	struct stream stream;
	pthread_t thread;
};

static struct rng guest_rng(const struct guest *g, enum purpose purpose)
{
	return rng_for(g->ctx, g->frame, purpose);
}

static void guest_attach(struct guest *g, struct guest_resource *res, size_t size)
{
	struct rng rng = rng_for(g->ctx, g->frame * 16 + res->id % 16, PURPOSE_SEGMENTS);

	res->mem = guest_memory_create(size, rng);
	guest_memory_fill(&res->mem, guest_rng(g, PURPOSE_OLD_BACKING));
	vmm_attach_backing(res->id, &res->mem);
}

/* Memory that the renderer did not let go of stays until the process ends. */
static void guest_detach(struct guest_resource *res)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct guest_memory *lost;
	static size_t num_lost;

	if (!res->mem.num_iovs) {
		return;
	}
	if (vmm_detach_backing(res->id, &res->mem)) {
		guest_memory_destroy(&res->mem);
		return;
	}
	pthread_mutex_lock(&lock);
	lost = must(realloc(lost, (num_lost + 1) * sizeof(*lost)));
	lost[num_lost++] = res->mem;
	pthread_mutex_unlock(&lock);
	res->mem = (struct guest_memory){0};
}

/* The guest gives its memory another place. */
static void guest_move_backing(struct guest *g, struct guest_resource *res)
{
	const size_t size = res->mem.size;

	guest_detach(res);
	guest_attach(g, res, size);
}

static void guest_create_2d(
	const struct guest *g, const struct guest_resource *res, uint32_t bind)
{
	vmm_resource_create(&(struct virgl_renderer_resource_create_args){
		.handle = res->id,
		.target = TARGET_2D,
		.format = g->format,
		.bind = bind,
		.width = res->width,
		.height = res->height,
		.depth = 1,
		.array_size = 1,
	});
	vmm_ctx_attach(g->ctx, res->id);
}

static void guest_create_buffer(
	const struct guest *g, const struct guest_resource *res, uint32_t bind)
{
	vmm_resource_create(&(struct virgl_renderer_resource_create_args){
		.handle = res->id,
		.target = TARGET_BUFFER,
		.format = FORMAT_R8_UNORM,
		.bind = bind,
		.width = res->width,
		.height = 1,
		.depth = 1,
		.array_size = 1,
	});
	vmm_ctx_attach(g->ctx, res->id);
}

static void guest_destroy_resource(const struct guest *g, struct guest_resource *res)
{
	guest_detach(res);
	vmm_ctx_detach(g->ctx, res->id);
	vmm_resource_unref(res->id);
}

/* QEMU asks when a resource becomes a scanout; struct virgl_renderer_resource_info_ext begins
 * so. */
static void check_window_info(const struct guest *g)
{
	struct {
		int version;
		struct virgl_renderer_resource_info base;
		uint64_t rest[4];
	} ext;
	struct virgl_renderer_resource_info info = {0};
	int ret;

	enter(false);
	ret = virgl_renderer_resource_get_info((int)g->window.id, &info);
	leave(false);
	if (ret || info.width != g->window.width || info.height != g->window.height) {
		complain("resource_get_info", g->window.id, ret);
	}
	if (opt.eleven) {
		memset(&ext, 0, sizeof(ext));
		enter(false);
		ret = client_resource_get_info_ext((int)g->window.id, &ext);
		leave(false);
		if (ret || ext.base.width != g->window.width) {
			complain("resource_get_info_ext", g->window.id, ret);
		}
	}
}

static void guest_create_window(struct guest *g)
{
	g->window.width = opt.width;
	g->window.height = opt.height;
	guest_create_2d(
		g, &g->window, BIND_RENDER_TARGET | BIND_DISPLAY_TARGET | BIND_SAMPLER_VIEW);
	/* room for an offset and for gaps between rows */
	guest_attach(g, &g->window, 256 + (size_t)(opt.width * 4 + 64) * opt.height);
	check_window_info(g);
	g->has_surface = false;
}

/* The part of the texture that goes to the window is its top left corner. */
static void guest_create_texture(struct guest *g, uint32_t extra)
{
	g->texture.width = g->region_w + extra;
	g->texture.height = g->region_h + extra;
	guest_create_2d(g, &g->texture, BIND_SAMPLER_VIEW);
	guest_attach(
		g, &g->texture, 256 + (size_t)(g->texture.width * 4 + 64) * g->texture.height);
}

static void guest_create_host_blob(struct guest *g)
{
	struct virgl_renderer_resource_create_blob_args args = {
		.res_handle = g->host_blob.id,
		.ctx_id = g->ctx,
		.blob_mem = VIRGL_RENDERER_BLOB_MEM_HOST3D,
		.blob_flags = VIRGL_RENDERER_BLOB_FLAG_USE_MAPPABLE,
		.blob_id = 0x100 + g->ctx,
		.size = BUFFER_BYTES,
	};
	const uint32_t create[] = {CMD_PIPE_RESOURCE_CREATE | 11 << 16, TARGET_BUFFER,
		FORMAT_R8_UNORM, BIND_VERTEX_BUFFER, BUFFER_BYTES, 1, 1, 1, 0, 0,
		RESOURCE_MAP_PERSISTENT | RESOURCE_MAP_COHERENT, (uint32_t)args.blob_id};
	int ret;

	vmm_submit(g->ctx, create, sizeof(create) / sizeof(create[0]));
	enter(true);
	ret = virgl_renderer_resource_create_blob(&args);
	leave(true);
	check("resource_create_blob", args.res_handle, ret);
	vmm_ctx_attach(g->ctx, args.res_handle);
}

static void guest_create_guest_blob(struct guest *g)
{
	struct virgl_renderer_resource_create_blob_args args = {
		.res_handle = g->guest_blob.id,
		.ctx_id = g->ctx,
		.blob_mem = VIRGL_RENDERER_BLOB_MEM_GUEST,
		.size = BUFFER_BYTES,
	};
	int ret;

	g->guest_blob.mem = guest_memory_create(BUFFER_BYTES, guest_rng(g, PURPOSE_SEGMENTS));
	guest_memory_fill(&g->guest_blob.mem, guest_rng(g, PURPOSE_OLD_BACKING));
	args.iovecs = g->guest_blob.mem.iov;
	args.num_iovs = (uint32_t)g->guest_blob.mem.num_iovs;
	enter(true);
	ret = virgl_renderer_resource_create_blob(&args);
	leave(true);
	check("resource_create_blob", args.res_handle, ret);
	vmm_ctx_attach(g->ctx, args.res_handle);
}

static void guest_create_context(const struct guest *g)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "virgl_client %" PRIu32, g->ctx);
	enter(true);
	if (g->ctx % 2) {
		ret = virgl_renderer_context_create(g->ctx, (uint32_t)strlen(name), name);
	} else {
		ret = virgl_renderer_context_create_with_flags(
			g->ctx, CAPSET_VIRGL2, (uint32_t)strlen(name), name);
	}
	leave(true);
	check("context_create", g->ctx, ret);
}

static void guest_init(struct guest *g, uint32_t ctx, uint64_t first_frame)
{
	*g = (struct guest){.ctx = ctx, .frame = first_frame};
	g->format = ctx % 2 ? FORMAT_B8G8R8A8_UNORM : FORMAT_B8G8R8X8_UNORM;
	g->region_w = opt.width / 2 < 64 ? opt.width / 2 : 64;
	g->region_h = opt.height / 2 < 64 ? opt.height / 2 : 64;
	g->window.id = ctx * 16 + 1;
	g->texture.id = ctx * 16 + 2;
	g->buffer.id = ctx * 16 + 3;
	g->staging.id = ctx * 16 + 4;
	g->custom.id = ctx * 16 + 5;
	g->host_blob.id = ctx * 16 + 6;
	g->guest_blob.id = ctx * 16 + 7;
	g->pixels = must(malloc((size_t)opt.width * opt.height * 4));
}

static void guest_boot(struct guest *g)
{
	guest_create_context(g);
	guest_create_window(g);
	if (opt.clear_only) {
		return;
	}
	guest_create_texture(g, 0);
	g->buffer.width = BUFFER_BYTES;
	guest_create_buffer(g, &g->buffer, BIND_VERTEX_BUFFER);
	guest_attach(g, &g->buffer, BUFFER_BYTES + 512);
	g->staging.width = 256 + (g->region_w * 4 + 64) * g->region_h;
	guest_create_buffer(g, &g->staging, BIND_STAGING);
	guest_attach(g, &g->staging, g->staging.width);
	g->custom.width = CUSTOM_BYTES;
	guest_create_buffer(g, &g->custom, BIND_CUSTOM);
	guest_attach(g, &g->custom, CUSTOM_BYTES);
	if (opt.blob) {
		guest_create_host_blob(g);
		guest_create_guest_blob(g);
	}
}

static void guest_shut_down(struct guest *g)
{
	if (!opt.clear_only) {
		if (opt.blob) {
			guest_destroy_resource(g, &g->guest_blob);
			guest_destroy_resource(g, &g->host_blob);
		}
		guest_destroy_resource(g, &g->custom);
		guest_destroy_resource(g, &g->staging);
		guest_destroy_resource(g, &g->buffer);
		guest_destroy_resource(g, &g->texture);
	}
	guest_destroy_resource(g, &g->window);
	enter(true);
	virgl_renderer_context_destroy(g->ctx);
	leave(true);
}

static void guest_finish(struct guest *g)
{
	free(g->pixels);
	free(g->stream.dwords);
}

/* The work of a frame, in the order in which it happens. */

/* Now and then a resource comes back with the same id, or its backing moves. */
static void frame_rearrange(struct guest *g)
{
	if (g->frame % 7 == 3) {
		guest_destroy_resource(g, &g->texture);
		guest_create_texture(g, g->frame % 2 ? 8 : 0);
	}
	if (g->frame % 11 == 5) {
		guest_destroy_resource(g, &g->window);
		guest_create_window(g);
	}
	if (g->frame % 5 == 2) {
		guest_move_backing(g, &g->window);
		guest_move_backing(g, &g->buffer);
	}
	if (g->frame % 4 == 1) {
		/* the renderer carries its contents from the old place to the new one */
		guest_move_backing(g, &g->custom);
	}
}

/*
 * Writes a box whose bytes lie in guest memory at an offset, rows a stride apart: in the
 * backing, or with --own-iov in memory that exists for this one call while the backing holds
 * something else.
 */
static void upload(const struct guest *g, const struct guest_resource *res,
	struct virgl_box box, uint64_t offset, uint32_t stride,
	const struct guest_memory *content)
{
	uint8_t *bytes;

	if (opt.own_iov) {
		vmm_write(g->ctx, res->id, box, offset, stride, content);
		return;
	}
	bytes = must(malloc(content->size));
	guest_memory_copy(content, 0, bytes, content->size, false);
	guest_memory_copy(&res->mem, 0, bytes, content->size, true);
	free(bytes);
	vmm_write(g->ctx, res->id, box, offset, stride, NULL);
}

static void frame_upload_texture(const struct guest *g)
{
	const struct guest_resource *res = &g->texture;
	struct rng rng = guest_rng(g, PURPOSE_TEXTURE);
	struct virgl_box box = {.w = res->width, .h = res->height, .d = 1};
	const uint64_t offset = rng_below(&rng, 64) * 4;
	uint32_t stride = 0;
	struct guest_memory content;

	if (rng_below(&rng, 2)) {
		stride = res->width * 4 + rng_below(&rng, 16) * 4;
	}
	content = guest_memory_create(res->mem.size, guest_rng(g, PURPOSE_SEGMENTS));
	guest_memory_fill(&content, rng);
	upload(g, res, box, offset, stride, &content);
	/* and a part of it again, from elsewhere */
	box.x = rng_below(&rng, res->width / 2);
	box.y = rng_below(&rng, res->height / 2);
	box.w = 1 + rng_below(&rng, res->width / 2);
	box.h = 1 + rng_below(&rng, res->height / 2);
	upload(g, res, box, 64, box.w * 4 + 12, &content);
	guest_memory_destroy(&content);
}

static void make_vertices(const struct guest *g, float vertices[3][8])
{
	struct rng rng = guest_rng(g, PURPOSE_VERTICES);

	for (int i = 0; i < 3; i++) {
		vertices[i][0] = (i == 1 ? 0.9f : -0.9f) + (float)rng_below(&rng, 16) / 256.0f;
		vertices[i][1] = (i == 2 ? 0.9f : -0.9f) + (float)rng_below(&rng, 16) / 256.0f;
		vertices[i][2] = 0.0f;
		vertices[i][3] = 1.0f;
		for (int c = 4; c < 8; c++) {
			vertices[i][c] = (float)rng_byte(&rng) / 255.0f;
		}
	}
}

static void upload_buffer_range(
	struct guest *g, uint32_t x, const uint8_t *bytes, uint32_t n, uint32_t offset)
{
	struct guest_memory content =
		guest_memory_create(g->buffer.mem.size, guest_rng(g, PURPOSE_SEGMENTS));
	const struct virgl_box box = {.x = x, .w = n, .h = 1, .d = 1};

	guest_memory_fill(&content, guest_rng(g, PURPOSE_BUFFER));
	guest_memory_copy(&content, offset, (uint8_t *)(uintptr_t)bytes, n, true);
	upload(g, &g->buffer, box, offset, 0, &content);
	guest_memory_destroy(&content);
	memcpy(g->buffer_bytes + x, bytes, n);
}

static void frame_upload_buffer(struct guest *g)
{
	struct rng rng = guest_rng(g, PURPOSE_BUFFER);
	uint8_t bytes[BUFFER_BYTES];
	float vertices[3][8];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = rng_byte(&rng);
	}
	make_vertices(g, vertices);
	memcpy(bytes, vertices, VERTICES_BYTES);
	if (!g->set_up) {
		/* what GL has never seen is undefined */
		upload_buffer_range(g, 0, bytes, BUFFER_BYTES, 0);
		return;
	}
	upload_buffer_range(g, 0, bytes, VERTICES_BYTES, rng_below(&rng, 256));
	upload_buffer_range(g, 1024 + rng_below(&rng, 1024), bytes + 512,
		1 + rng_below(&rng, 1024), rng_below(&rng, 256));
}

static void emit_clear(struct stream *s, const struct guest *g)
{
	struct rng rng = guest_rng(g, PURPOSE_CLEAR);

	emit_command(s, CMD_CLEAR, 0, 8);
	emit(s, CLEAR_COLOR0);
	for (int i = 0; i < 4; i++) {
		/* exactly a byte, which no renderer can round another way */
		emit_float(s, (float)rng_byte(&rng) / 255.0f);
	}
	emit(s, 0); /* depth, a double */
	emit(s, 0x3ff00000);
	emit(s, 0); /* stencil */
}

static void emit_framebuffer(struct stream *s, struct guest *g)
{
	if (!g->has_surface) {
		if (g->set_up) { /* that of the window before */
			emit_command(s, CMD_DESTROY_OBJECT, OBJECT_SURFACE, 1);
			emit(s, HANDLE_SURFACE);
		}
		emit_create(s, OBJECT_SURFACE, HANDLE_SURFACE, 5);
		emit(s, g->window.id);
		emit(s, g->format);
		emit(s, 0); /* level */
		emit(s, 0); /* layers */
		g->has_surface = true;
	}
	emit_command(s, CMD_SET_FRAMEBUFFER_STATE, 0, 3);
	emit(s, 1);
	emit(s, 0);
	emit(s, HANDLE_SURFACE);
}

static void emit_viewport(struct stream *s)
{
	emit_command(s, CMD_SET_VIEWPORT_STATE, 0, 7);
	emit(s, 0);
	emit_float(s, (float)opt.width / 2.0f);
	emit_float(s, (float)opt.height / 2.0f);
	emit_float(s, 0.5f);
	emit_float(s, (float)opt.width / 2.0f);
	emit_float(s, (float)opt.height / 2.0f);
	emit_float(s, 0.5f);
}

static void emit_draw(struct stream *s, const struct guest *g)
{
	emit_command(s, CMD_SET_VERTEX_BUFFERS, 0, 3);
	emit(s, 32);
	emit(s, 0);
	emit(s, opt.blob ? g->host_blob.id : g->buffer.id);
	emit_command(s, CMD_DRAW_VBO, 0, 12);
	emit(s, 0); /* start */
	emit(s, 3); /* count */
	emit(s, PRIM_TRIANGLES);
	emit(s, 0); /* indexed */
	emit(s, 1); /* instances */
	emit(s, 0);
	emit(s, 0);
	emit(s, 0);
	emit(s, 0);
	emit(s, 0); /* min index */
	emit(s, 2); /* max index */
	emit(s, 0);
}

/* The top left of the window. */
static void emit_inline_write(struct stream *s, const struct guest *g)
{
	const struct virgl_box box = {.w = g->region_w / 2, .h = g->region_h / 2, .d = 1};
	struct rng rng = guest_rng(g, PURPOSE_INLINE);

	emit_transfer(
		s, CMD_RESOURCE_INLINE_WRITE, 11 + box.w * box.h, g->window.id, box.w * 4, box);
	for (uint32_t i = 0; i < box.w * box.h; i++) {
		emit(s, (uint32_t)rng_next(&rng));
	}
}

/* The vertices again, for a guest whose buffer is a blob. */
static void emit_inline_vertices(struct stream *s, const struct guest *g)
{
	const struct virgl_box box = {.w = VERTICES_BYTES, .h = 1, .d = 1};

	emit_transfer(
		s, CMD_RESOURCE_INLINE_WRITE, 11 + VERTICES_BYTES / 4, g->host_blob.id, 0, box);
	emit_bytes(s, g->buffer_bytes, VERTICES_BYTES);
}

/* From the window's own backing, to the right of the inline write. */
static void emit_transfer3d(struct stream *s, const struct guest *g)
{
	const struct virgl_box box = {
		.x = g->region_w, .w = g->region_w, .h = g->region_h, .d = 1};

	emit_transfer(s, CMD_TRANSFER3D, 13, g->window.id, g->region_w * 4 + 16, box);
	emit(s, 128); /* offset */
	emit(s, TRANSFER_TO_HOST);
	emit_command(s, CMD_END_TRANSFERS, 0, 0);
}

/* From the staging buffer and from the CUSTOM one, below. */
static void emit_copy_transfer3d(struct stream *s, const struct guest *g)
{
	struct virgl_box box = {.y = g->region_h, .w = g->region_w, .h = g->region_h, .d = 1};

	emit_transfer(s, CMD_COPY_TRANSFER3D, 14, g->window.id, g->region_w * 4 + 16, box);
	emit(s, g->staging.id);
	emit(s, 96); /* offset */
	emit(s, g->frame % 2 ? COPY_TRANSFER3D_SYNCHRONIZED : 0);
	box.w = CUSTOM_SIDE;
	box.h = CUSTOM_SIDE;
	emit_transfer(s, CMD_COPY_TRANSFER3D, 14, g->window.id, CUSTOM_SIDE * 4, box);
	emit(s, g->custom.id);
	emit(s, 0);
	emit(s, COPY_TRANSFER3D_SYNCHRONIZED);
}

/* Out of the buffer: to its own backing, and to the staging buffer's. */
static void emit_transfers_from_host(struct stream *s, const struct guest *g)
{
	const struct virgl_box box = {.x = 16, .w = 1000, .h = 1, .d = 1};

	if (vmm.can_transfer) {
		emit_transfer(s, CMD_TRANSFER3D, 13, g->buffer.id, 0, box);
		emit(s, 300);
		emit(s, TRANSFER_FROM_HOST);
	}
	if (vmm.can_copy_back) {
		emit_transfer(s, CMD_COPY_TRANSFER3D, 14, g->buffer.id, 0, box);
		emit(s, g->staging.id);
		emit(s, 40);
		emit(s, COPY_TRANSFER3D_SYNCHRONIZED | COPY_TRANSFER3D_READ_FROM_HOST);
	}
}

static void emit_copy_region(struct stream *s, const struct guest *g)
{
	emit_command(s, CMD_RESOURCE_COPY_REGION, 0, 13);
	emit(s, g->window.id);
	emit(s, 0);
	emit(s, g->region_w);
	emit(s, g->region_h);
	emit(s, 0);
	emit(s, g->texture.id);
	emit(s, 0);
	emit(s, 0);
	emit(s, 0);
	emit(s, 0);
	emit(s, g->region_w);
	emit(s, g->region_h);
	emit(s, 1);
}

/* NOPs with something in them: who walks the stream must believe their length. */
static void emit_padding(struct stream *s, const struct guest *g)
{
	struct rng rng = guest_rng(g, PURPOSE_PADDING);

	while (s->n < opt.submit_bytes / 4) {
		const size_t left = opt.submit_bytes / 4 - s->n - 1;
		const uint32_t length = left < 0xffff ? (uint32_t)left : 0xffff;

		emit_command(s, CMD_NOP, 0, length);
		for (uint32_t i = 0; i < length; i++) {
			emit(s, (uint32_t)rng_next(&rng));
		}
	}
}

static void frame_draw(struct guest *g)
{
	struct stream *s = &g->stream;

	s->n = 0;
	if (!g->set_up) {
		emit_setup(s);
	}
	emit_framebuffer(s, g);
	emit_clear(s, g);
	if (!opt.clear_only) {
		if (opt.blob) {
			emit_inline_vertices(s, g);
		}
		emit_viewport(s);
		emit_draw(s, g);
		emit_inline_write(s, g);
		if (vmm.can_transfer) {
			emit_transfer3d(s, g);
		}
		if (vmm.can_copy_transfer) {
			emit_copy_transfer3d(s, g);
		}
		emit_copy_region(s, g);
		if (g->frame % 4 == 2) {
			emit_transfers_from_host(s, g);
		}
	}
	emit_padding(s, g);
	vmm_submit(g->ctx, s->dwords, s->n);
	g->set_up = true;
}

/* What came back from the buffer must be what went into it. */
static void frame_check_transfers(const struct guest *g)
{
	uint8_t bytes[1000];

	if (g->frame % 4 != 2) {
		return;
	}
	if (vmm.can_transfer) {
		guest_memory_copy(&g->buffer.mem, 300, bytes, sizeof(bytes), false);
		if (memcmp(bytes, g->buffer_bytes + 16, sizeof(bytes))) {
			complain("TRANSFER3D from host", g->buffer.id, 0);
		}
	}
	if (vmm.can_copy_back) {
		guest_memory_copy(&g->staging.mem, 40, bytes, sizeof(bytes), false);
		if (memcmp(bytes, g->buffer_bytes + 16, sizeof(bytes))) {
			complain("COPY_TRANSFER3D from host", g->buffer.id, 0);
		}
	}
}

/* The guest looks into its blob. It never writes there: no control command would tell. */
static void frame_check_blob(const struct guest *g)
{
	uint32_t map_info;
	uint64_t size = 0;
	void *map = NULL;
	int ret;

	enter(true);
	ret = virgl_renderer_resource_map(g->host_blob.id, &map, &size);
	leave(true);
	check("resource_map", g->host_blob.id, ret);
	if (ret) {
		return;
	}
	enter(false);
	virgl_renderer_resource_get_map_info(g->host_blob.id, &map_info);
	leave(false);
	if (size < VERTICES_BYTES || memcmp(map, g->buffer_bytes, VERTICES_BYTES)) {
		complain("contents of a mapped blob", g->host_blob.id, 0);
	}
	enter(true);
	ret = virgl_renderer_resource_unmap(g->host_blob.id);
	leave(true);
	check("resource_unmap", g->host_blob.id, ret);
}

/* Reads the whole window back, which presents the frame, in one of three layouts. */
static void frame_present(struct guest *g)
{
	const struct virgl_box box = {.w = opt.width, .h = opt.height, .d = 1};
	const uint64_t offset = g->frame % 3 ? 128 : 0;
	const uint32_t stride = g->frame % 3 == 1 ? opt.width * 4 + 64 : 0;
	const size_t row = (size_t)opt.width * 4;
	struct guest_memory own = {0};
	const struct guest_memory *mem = &g->window.mem;

	if (opt.own_iov) {
		own = guest_memory_create(mem->size, guest_rng(g, PURPOSE_SEGMENTS));
		guest_memory_fill(&own, guest_rng(g, PURPOSE_OLD_BACKING));
		mem = &own;
	}
	vmm_read(g->ctx, g->window.id, box, offset, stride, opt.own_iov ? &own : NULL);
	for (uint32_t y = 0; y < opt.height; y++) {
		guest_memory_copy(mem, offset + y * (stride ? stride : row),
			g->pixels + y * row, row, false);
	}
	guest_memory_destroy(&own);
}

/* One write for a line: processes share the output, and it counts as soon as it is printed. */
static void frame_print(const struct guest *g)
{
	const uint64_t hash = XXH64(g->pixels, (size_t)opt.width * opt.height * 4, 0);
	char line[96];
	const int len = snprintf(line, sizeof(line),
		"frame %" PRIu64 " context %" PRIu32 " xxh64 %016" PRIx64 "\n", g->frame,
		g->ctx, hash);

	if (write(STDOUT_FILENO, line, (size_t)len) != len) {
		perror("virgl_client: standard output");
		exit(2);
	}
}

static void guest_frame(struct guest *g)
{
	const bool per_context = g->frame % 2;
	uint64_t fence;

	if (!opt.clear_only) {
		if (g->set_up) {
			frame_rearrange(g);
		}
		frame_upload_texture(g);
		frame_upload_buffer(g);
		guest_memory_fill(&g->staging.mem, guest_rng(g, PURPOSE_STAGING));
		if (g->frame % 4 == 3) {
			guest_memory_fill(&g->custom.mem, guest_rng(g, PURPOSE_CUSTOM));
		}
	}
	guest_memory_fill(&g->window.mem, guest_rng(g, PURPOSE_WINDOW));
	frame_draw(g);
	fence = vmm_create_fence(g->ctx, per_context, g->frame);
	if (!opt.clear_only) {
		frame_check_transfers(g);
		if (opt.blob && g->frame % 3 == 0) {
			frame_check_blob(g);
		}
	}
	frame_present(g);
	vmm_wait_fence(g->ctx, per_context, fence);
	frame_print(g);
	g->frame++;
}

/* The VMM around them. */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool goes_on(const struct guest *g, uint64_t first_frame, double start)
{
	return g->frame - first_frame < opt.frames || now() - start < opt.loop_seconds;
}

static void *guest_thread(void *arg)
{
	struct guest *g = arg;
	const uint64_t first_frame = g->frame;
	const double start = now();

	guest_boot(g);
	while (goes_on(g, first_frame, start)) {
		guest_frame(g);
	}
	guest_shut_down(g);
	return NULL;
}

static void run_threads(struct guest *guests, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (pthread_create(&guests[i].thread, NULL, guest_thread, &guests[i])) {
			fprintf(stderr, "virgl_client: cannot start a thread\n");
			exit(2);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(guests[i].thread, NULL);
	}
}

static void run_in_turn(struct guest *guests, unsigned n)
{
	const uint64_t first_frame = guests[0].frame;
	const double start = now();

	for (unsigned i = 0; i < n; i++) {
		guest_boot(&guests[i]);
	}
	while (goes_on(&guests[n - 1], first_frame, start)) {
		for (unsigned i = 0; i < n; i++) {
			guest_frame(&guests[i]);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		guest_shut_down(&guests[i]);
	}
}

static uint32_t caps_dword(const uint8_t *caps, uint32_t size, uint32_t offset)
{
	uint32_t dword = 0;

	if (offset + 4 <= size) {
		memcpy(&dword, caps + offset, 4);
	}
	return dword;
}

static void ask_capset(uint32_t set)
{
	uint32_t version = 0, size = 0, bits, bits_v2;
	uint8_t *caps;

	enter(true);
	virgl_renderer_get_cap_set(set, &version, &size);
	leave(true);
	if (!size) {
		complain("get_cap_set", set, 0);
		return;
	}
	caps = must(calloc(1, size));
	enter(true);
	virgl_renderer_fill_caps(set, version, caps);
	leave(true);
	if (set == CAPSET_VIRGL2) {
		bits = caps_dword(caps, size, CAPS_CAPABILITY_BITS);
		bits_v2 = caps_dword(caps, size, CAPS_CAPABILITY_BITS_V2);
		vmm.can_transfer = bits & CAP_TRANSFER;
		vmm.can_copy_transfer = bits & CAP_COPY_TRANSFER;
		vmm.can_copy_back = bits_v2 & CAP_V2_COPY_TRANSFER_BOTH_DIRECTIONS;
	}
	free(caps);
}

static void start_renderer(void)
{
	/* the renderer keeps the pointer */
	static struct virgl_renderer_callbacks callbacks = {
		.version = 3,
		.write_fence = on_fence,
		.write_context_fence = on_context_fence,
	};
	int flags = VIRGL_RENDERER_USE_EGL | VIRGL_RENDERER_USE_SURFACELESS;
	int ret;

	if (opt.threads) {
		flags |= VIRGL_RENDERER_THREAD_SYNC | VIRGL_RENDERER_ASYNC_FENCE_CB;
	}
	ret = virgl_renderer_init(&vmm, flags, &callbacks);
	if (ret) {
		fprintf(stderr, "virgl_client: init: %d\n", ret);
		exit(1);
	}
	virgl_renderer_get_poll_fd();
	if (opt.threads && opt.real) {
		gl_put_down();
	}
	ask_capset(CAPSET_VIRGL);
	ask_capset(CAPSET_VIRGL2);
}

static void stop_renderer(void)
{
	if (opt.threads && opt.real) {
		gl_pick_up();
	}
	if (opt.eleven) {
		const int fd = client_export_signalled_fence();

		if (fd >= 0) {
			close(fd);
		}
	}
	virgl_renderer_cleanup(&vmm);
	/* a renderer that starts anew counts fences anew */
	vmm.last_fence = 0;
	atomic_store(&vmm.retired_fence, 0);
	for (unsigned i = 0; i <= MAX_CONTEXTS; i++) {
		atomic_store(&vmm.retired_context_fence[i], 0);
	}
}

/* Init, all the work of contexts first..first+n-1, cleanup; returns the frame to go on with. */
static uint64_t run_once(uint32_t first, unsigned n, uint64_t first_frame)
{
	struct guest *guests = must(calloc(n, sizeof(*guests)));
	uint64_t next_frame;

	start_renderer();
	for (unsigned i = 0; i < n; i++) {
		guest_init(&guests[i], first + i, first_frame);
	}
	if (opt.threads) {
		run_threads(guests, n);
	} else {
		run_in_turn(guests, n);
	}
	next_frame = guests[0].frame;
	for (unsigned i = 0; i < n; i++) {
		guest_finish(&guests[i]);
	}
	stop_renderer();
	free(guests);
	return next_frame;
}

static void on_log(int level, const char *message, void *user_data)
{
	(void)level;
	(void)user_data;
	fprintf(stderr, "virgl_client: renderer: %s", message);
}

static int run(uint32_t first, unsigned n)
{
	uint64_t frame;

	if (opt.eleven) {
		client_set_log_callback(on_log, NULL, NULL);
	}
	if (opt.threads && opt.real) {
		gl_load();
	}
	frame = run_once(first, n, 0);
	if (opt.multi_init) {
		run_once(first, n, frame);
	}
	return atomic_load(&vmm.failures) ? 1 : 0;
}

/* A process for each context, forked while the renderer has not been touched. */
static int run_forked(void)
{
	int status, worst = 0;

	for (unsigned i = 0; i < opt.contexts; i++) {
		const pid_t pid = fork();

		if (pid < 0) {
			perror("virgl_client: fork");
			return 2;
		}
		if (pid == 0) {
			exit(run(i + 1, 1));
		}
	}
	while (wait(&status) > 0) {
		const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 2;

		worst = code > worst ? code : worst;
	}
	return worst;
}

/* Two counters that outlive this process: of calls that returned, and that were started. */
static void map_progress(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	void *map = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(*vmm.progress))) {
		map = mmap(
			NULL, sizeof(*vmm.progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (map == MAP_FAILED) {
		fprintf(stderr, "virgl_client: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	close(fd);
	vmm.progress = map;
}

static const char usage[] =
	"usage: virgl_client [OPTION]...\n"
	"  --frames N         frames of each context [3]\n"
	"  --contexts N       contexts [1]\n"
	"  --threads          a thread for each context, fences retire on another one\n"
	"  --fork             a process for each context, each with its own renderer\n"
	"  --size WxH         of the windows, from 32x32 [64x48]\n"
	"  --seed S           of all pseudo-random bytes [1]\n"
	"  --own-iov          transfers use memory of their own instead of the backing\n"
	"  --segments N       pieces in which guest memory comes [3]\n"
	"  --submit-bytes N   pad each frame's commands to that size with NOPs\n"
	"  --blob             draw from a blob resource, map it, and have a guest blob\n"
	"  --eleven           use what virglrenderer 1.1 added\n"
	"  --loop-seconds S   go on with more frames until S seconds are over\n"
	"  --real             the renderer is not the stub: its GL contexts belong to threads\n"
	"  --multi-init       start the renderer a second time, with as many frames again\n"
	"  --clear-only       no draws and transfers: frames of one colour\n"
	"  --progress FILE    keep two 64-bit counts in FILE: control commands returned, "
	"started\n";

static _Noreturn void die_usage(const char *what)
{
	fprintf(stderr, "virgl_client: %s\n%s", what, usage);
	exit(2);
}

static uint64_t parse_number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < min || value > max) {
		die_usage("a number makes no sense");
	}
	return value;
}

static void parse_size(const char *text)
{
	if (sscanf(text, "%" SCNu32 "x%" SCNu32, &opt.width, &opt.height) != 2) {
		die_usage("--size wants WxH");
	}
	if (opt.width < MIN_SIDE || opt.height < MIN_SIDE || opt.width > MAX_SIDE ||
		opt.height > MAX_SIDE) {
		die_usage("windows are 32x32 to 4096x4096");
	}
}

static void parse_option(int c)
{
	switch (c) {
	case 'n':
		opt.frames = parse_number(optarg, 0, UINT64_C(1) << 40);
		break;
	case 'c':
		opt.contexts = (unsigned)parse_number(optarg, 1, MAX_CONTEXTS);
		break;
	case 's':
		parse_size(optarg);
		break;
	case 'e':
		opt.seed = parse_number(optarg, 0, UINT64_MAX);
		break;
	case 'g':
		opt.segments = (unsigned)parse_number(optarg, 1, 1000000);
		break;
	case 'b':
		opt.submit_bytes = (size_t)parse_number(optarg, 0, 1 << 30);
		break;
	case 'l':
		opt.loop_seconds = strtod(optarg, NULL);
		break;
	case 'p':
		opt.progress = optarg;
		break;
	default:
		die_usage("unknown option");
	}
}

static void parse_options(int argc, char **argv)
{
	int flag = 0, c;
	const struct option options[] = {
		{"frames", required_argument, NULL, 'n'},
		{"contexts", required_argument, NULL, 'c'},
		{"size", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'e'},
		{"segments", required_argument, NULL, 'g'},
		{"submit-bytes", required_argument, NULL, 'b'},
		{"loop-seconds", required_argument, NULL, 'l'},
		{"progress", required_argument, NULL, 'p'},
		{"threads", no_argument, &flag, 1},
		{"fork", no_argument, &flag, 2},
		{"own-iov", no_argument, &flag, 3},
		{"blob", no_argument, &flag, 4},
		{"eleven", no_argument, &flag, 5},
		{"real", no_argument, &flag, 6},
		{"multi-init", no_argument, &flag, 7},
		{"clear-only", no_argument, &flag, 8},
		{0},
	};
	bool *const flags[] = {NULL, &opt.threads, &opt.fork, &opt.own_iov, &opt.blob,
		&opt.eleven, &opt.real, &opt.multi_init, &opt.clear_only};

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c) {
			parse_option(c);
		} else {
			*flags[flag] = true;
		}
	}
	if (optind != argc) {
		die_usage("no arguments but options");
	}
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	if (opt.eleven && (!client_submit_cmd2 || !client_resource_get_info_ext ||
				  !client_export_signalled_fence || !client_set_log_callback)) {
		fprintf(stderr, "virgl_client: --eleven: this virglrenderer is older\n");
		return 2;
	}
	if (opt.progress) {
		map_progress(opt.progress);
	}
	return opt.fork ? run_forked() : run(1, opt.contexts);
}
