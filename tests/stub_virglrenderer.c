/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for libvirglrenderer.so.1 that needs no GL: everything happens in plain memory and
 * depends only on the calls. It keeps the rules of virglrenderer 0.10.4 that a recorder or a
 * replayer can trip over (who may reuse an id, who returns EINVAL, when guest memory is
 * written), and makes a picture in which every command counts: CLEAR and the transfers put
 * their bytes there, DRAW_VBO XORs in a value made from every command dword the context has
 * seen so far.
 *
 * Build it with -fPIC -shared -Wl,-soname,libvirglrenderer.so.1 and without
 * -fno-semantic-interposition: like the real library it calls some of its own exported
 * functions through the PLT, where an interposer meets them a second time.
 *
 *   STUB_VIRGL_LOG=FILE      appends a line per call: pid, function, arguments
 *   STUB_VIRGL_CRASH=N       SIGSEGV in the Nth submit of the process (from 0); init: in
 *                            virgl_renderer_init()
 *   STUB_VIRGL_HANG=N        the Nth submit, or init, never returns
 *   STUB_VIRGL_EXIT=N        the Nth submit, or init, is exit(127)
 *   STUB_VIRGL_FAIL=NAME[:N] the function fails with EINVAL, always or at its Nth call from
 *                            0; one without a result does nothing then, but cleanup cleans up
 *   STUB_VIRGL_LESS          set: the capsets have glsl_level 130 and no COPY_IMAGE
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef VIRGL_RENDERER_UNSTABLE_APIS
#define VIRGL_RENDERER_UNSTABLE_APIS
#endif
#include <virglrenderer.h>

#define PREFIX "virgl_renderer_"

/* Larger resources fail to be created: the stub must not eat the memory of a test machine. */
#define MAX_STORE_BYTES ((uint64_t)256 << 20)

/* virgl_hw.h and virgl_protocol.h; spelled out here as virglrenderer does not install them. */
enum {
	CAPSET_VIRGL = 1,
	CAPSET_VIRGL2 = 2,
	CAPSET_VIRGL_SIZE = 308,
	CAPSET_VIRGL2_SIZE = 1376,

	TARGET_BUFFER = 0,
	TARGET_1D = 1,
	TARGET_2D = 2,
	TARGET_3D = 3,
	TARGET_CUBE = 4,
	TARGET_RECT = 5,
	TARGET_1D_ARRAY = 6,
	TARGET_2D_ARRAY = 7,
	TARGET_CUBE_ARRAY = 8,
	TARGET_MAX,

	FORMAT_B8G8R8A8_UNORM = 1,
	FORMAT_B8G8R8X8_UNORM = 2,
	FORMAT_MAX = 322,

	BIND_SAMPLER_VIEW = 1 << 3,
	BIND_VERTEX_BUFFER = 1 << 4,
	BIND_INDEX_BUFFER = 1 << 5,
	BIND_CONSTANT_BUFFER = 1 << 6,
	BIND_COMMAND_ARGS = 1 << 8,
	BIND_STREAM_OUTPUT = 1 << 11,
	BIND_SHADER_BUFFER = 1 << 14,
	BIND_QUERY_BUFFER = 1 << 15,
	BIND_CURSOR = 1 << 16,
	BIND_CUSTOM = 1 << 17,
	BIND_STAGING = 1 << 19,
	/* depth/stencil, render target, sampler view, cursor, shared, linear: a texture */
	BIND_TEXTURE_MASK = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 16 | 1 << 20 | 1 << 22,

	RESOURCE_Y_0_TOP = 1 << 0,
	RESOURCE_MAP_PERSISTENT = 1 << 1,
	RESOURCE_MAP_COHERENT = 1 << 2,

	CMD_NOP = 0,
	CMD_CREATE_OBJECT = 1,
	CMD_DESTROY_OBJECT = 3,
	CMD_SET_FRAMEBUFFER_STATE = 5,
	CMD_SET_VERTEX_BUFFERS = 6,
	CMD_CLEAR = 7,
	CMD_DRAW_VBO = 8,
	CMD_RESOURCE_INLINE_WRITE = 9,
	CMD_RESOURCE_COPY_REGION = 17,
	CMD_SET_SUB_CTX = 28,
	CMD_CREATE_SUB_CTX = 29,
	CMD_DESTROY_SUB_CTX = 30,
	CMD_TRANSFER3D = 43,
	CMD_COPY_TRANSFER3D = 45,
	CMD_PIPE_RESOURCE_CREATE = 48,
	CMD_PIPE_RESOURCE_SET_TYPE = 49,
	CMD_SEND_STRING_MARKER = 51,
	/* 62 in 0.10.4, 63 since CLEAR_SURFACE came */
	CMD_MAX = 63,

	OBJECT_SURFACE = 8,
	OBJECT_MSAA_SURFACE = 11,
	OBJECT_MAX = 12,

	CLEAR_COLOR0 = 1 << 2,
	TRANSFER_TO_HOST = 1,
	TRANSFER_FROM_HOST = 2,
	COPY_TRANSFER3D_READ_FROM_HOST = 1 << 1,
};

struct virgl_box {
	uint32_t x, y, z, w, h, d;
};

/* A resource as GL would hold it. */
struct store {
	unsigned refs;
	struct virgl_renderer_resource_create_args args;
	uint32_t tex_id;
	uint32_t block; /* bytes per texel */
	uint8_t *bytes; /* NULL for STAGING, which lives in guest memory only */
	/* by resource_attach_iov(); an iovec given at creation never gets here, as upstream */
	const struct iovec *iov;
	int num_iovs;
	uint32_t blob_id; /* of a store that waits in its context for resource_create_blob */
	struct store *next;
};

/* What a resource id stands for; store is NULL for a guest blob and for an imported one. */
struct resource {
	uint32_t id;
	struct store *store;
	const struct iovec *iov;
	int num_iovs;
	void *priv;
	void *mapped;
	uint64_t map_size;
	uint32_t map_info;
	uint32_t fd_type;
	int fd;
	struct resource *next;
};

struct surface {
	uint32_t handle;
	uint32_t level;
	struct store *store;
	struct surface *next;
};

struct sub_context {
	uint32_t id;
	struct surface *surfaces;
	struct store *cbuf0;
	uint32_t cbuf0_level;
	uint32_t vertex_buffer;
	struct sub_context *next;
};

/* What a context may name in its command stream; holds no reference, as upstream. */
struct attachment {
	uint32_t id;
	struct store *store;
	struct attachment *next;
};

struct context {
	uint32_t id;
	uint32_t capset_id;
	bool in_error;
	uint64_t hash; /* of every command so far */
	struct sub_context *subs;
	struct sub_context *sub;
	struct attachment *attachments;
	struct store *blobs;
	struct context *next;
};

struct fence {
	bool per_context;
	uint32_t ctx_id;
	uint32_t ring_idx;
	uint64_t id;
	struct fence *next;
};

struct transfer {
	uint32_t level;
	uint32_t stride;
	uint32_t layer_stride;
	int32_t x, y, z, w, h, d;
	uint64_t offset;
	const struct iovec *iov;
	int num_iovs;
};

static struct {
	bool initialized;
	bool vrend;
	void *cookie;
	int flags;
	const struct virgl_renderer_callbacks *cbs;
	struct resource *resources;
	struct context *contexts;
	const struct context *current; /* NULL is context 0 */
	uint32_t next_tex_id;
} state;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct fence *first;
	struct fence **last;
	pthread_t thread;
	bool threaded;
	bool stop;
	int eventfd;
} fences = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .eventfd = -1};

/* The controls, read once. */

static struct {
	int log_fd;
	long crash_at;
	long hang_at;
	long exit_at;
	const char *fail_name;
	long fail_at;
	atomic_long fail_calls;
	atomic_long submits;
} control = {.log_fd = -1, .crash_at = -1, .hang_at = -1, .exit_at = -1, .fail_at = -1};

static pthread_once_t control_once = PTHREAD_ONCE_INIT;

#define AT_INIT (-2)

static long control_number(const char *name)
{
	const char *text = getenv(name);

	if (text && strcmp(text, "init") == 0) {
		return AT_INIT;
	}
	return text ? strtol(text, NULL, 10) : -1;
}

static void control_read_fail(const char *text)
{
	static char name[80];
	char *colon;

	snprintf(name, sizeof(name), "%s",
		strncmp(text, PREFIX, strlen(PREFIX)) ? text : text + strlen(PREFIX));
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		control.fail_at = strtol(colon + 1, NULL, 10);
	}
	control.fail_name = name;
}

static void control_read(void)
{
	const char *log = getenv("STUB_VIRGL_LOG");
	const char *fail = getenv("STUB_VIRGL_FAIL");

	if (log) {
		control.log_fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	}
	control.crash_at = control_number("STUB_VIRGL_CRASH");
	control.hang_at = control_number("STUB_VIRGL_HANG");
	control.exit_at = control_number("STUB_VIRGL_EXIT");
	if (fail) {
		control_read_fail(fail);
	}
}

/* One write, so that lines of several processes and threads never mix. */
static void log_call(const char *name, const char *arguments)
{
	char line[1200];
	int len;

	len = snprintf(line, sizeof(line), "%ld %s%s%s\n", (long)getpid(), name,
		*arguments ? " " : "", arguments);
	if (write(control.log_fd, line, (size_t)len) < 0) {
		control.log_fd = -1;
	}
}

static bool chosen_to_fail(const char *name)
{
	const char *bare = strncmp(name, PREFIX, strlen(PREFIX)) ? name : name + strlen(PREFIX);
	long n;

	if (!control.fail_name || strcmp(control.fail_name, bare)) {
		return false;
	}
	n = atomic_fetch_add(&control.fail_calls, 1);
	return control.fail_at < 0 || control.fail_at == n;
}

/* Every exported function starts here. True: this call has been chosen to fail. */
__attribute__((format(printf, 2, 3))) static bool called(
	const char *name, const char *format, ...)
{
	char arguments[1024];
	va_list ap;

	pthread_once(&control_once, control_read);
	if (control.log_fd >= 0) {
		va_start(ap, format);
		vsnprintf(arguments, sizeof(arguments), format, ap);
		va_end(ap);
		log_call(name, arguments);
	}
	return chosen_to_fail(name);
}

/* For functions without arguments. */
static bool called_plain(const char *name)
{
	return called(name, "%s", "");
}

static void end_or_hang_at(long n)
{
	if (n == control.exit_at) {
		exit(127);
	}
	if (n == control.crash_at) {
		raise(SIGSEGV);
		abort();
	}
	while (n == control.hang_at) {
		pause();
	}
}

static void count_submit(void)
{
	end_or_hang_at(atomic_fetch_add(&control.submits, 1));
}

/* Segment lengths of an iovec for the log, cut where there are many. */
static const char *describe_iov(char text[256], const struct iovec *iov, int num_iovs)
{
	size_t len = 0;
	int i;

	if (!iov) {
		return "none";
	}
	len += (size_t)snprintf(text, 256, "%d[", num_iovs);
	for (i = 0; i < num_iovs && len < 220; i++) {
		len += (size_t)snprintf(
			text + len, 256 - len, "%s%zu", i ? "," : "", iov[i].iov_len);
	}
	snprintf(text + len, 256 - len, "%s]", i < num_iovs ? ",..." : "");
	return text;
}

static const char *describe_box(char text[80], const struct virgl_box *box)
{
	if (!box) {
		return "none";
	}
	snprintf(text, 80,
		"%" PRIu32 ",%" PRIu32 ",%" PRIu32 "+%" PRIu32 "x%" PRIu32 "x%" PRIu32, box->x,
		box->y, box->z, box->w, box->h, box->d);
	return text;
}

/* FNV-1a by dwords, and a finisher that makes all bits depend on all bits. */

static uint64_t hash_dwords(uint64_t hash, const uint32_t *dwords, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ dwords[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static uint64_t hash_finish(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

/* Guest memory (iov.c) */

static size_t iov_size(const struct iovec *iov, int num_iovs)
{
	size_t size = 0;

	for (int i = 0; i < num_iovs; i++) {
		size += iov[i].iov_len;
	}
	return size;
}

/* Copies between bytes and guest memory; returns how much there was room for. */
static size_t iov_copy(const struct iovec *iov, int num_iovs, size_t offset, uint8_t *bytes,
	size_t n, bool to_guest)
{
	size_t done = 0;

	for (int i = 0; i < num_iovs && done < n; i++) {
		size_t len;

		if (iov[i].iov_len <= offset) {
			offset -= iov[i].iov_len;
			continue;
		}
		len = iov[i].iov_len - offset;
		if (len > n - done) {
			len = n - done;
		}
		if (to_guest) {
			memcpy((uint8_t *)iov[i].iov_base + offset, bytes + done, len);
		} else {
			memcpy(bytes + done, (uint8_t *)iov[i].iov_base + offset, len);
		}
		done += len;
		offset = 0;
	}
	return done;
}

/* vrend_copy_iovec(): between two pieces of guest memory, -1 where one is missing or short. */
static int iov_to_iov(const struct iovec *src, int num_src, size_t src_offset,
	const struct iovec *dst, int num_dst, size_t dst_offset, size_t n)
{
	uint8_t *bytes;
	int ret = -1;

	if (!src || !dst) {
		return -1;
	}
	if (src == dst && src_offset == dst_offset) {
		return 0;
	}
	bytes = malloc(n ? n : 1);
	if (bytes && iov_copy(src, num_src, src_offset, bytes, n, false) == n &&
		iov_copy(dst, num_dst, dst_offset, bytes, n, true) == n) {
		ret = 0;
	}
	free(bytes);
	return ret;
}

/* Stores */

static uint32_t minify(uint32_t size, uint32_t level)
{
	size >>= level;
	return size ? size : 1;
}

static uint32_t store_layers(const struct store *store)
{
	const uint32_t n =
		store->args.target == TARGET_3D ? store->args.depth : store->args.array_size;

	return n ? n : 1;
}

static size_t store_size(const struct store *store)
{
	const struct virgl_renderer_resource_create_args *a = &store->args;

	if (a->target == TARGET_BUFFER) {
		return a->width;
	}
	return (size_t)a->width * (a->height ? a->height : 1) * store_layers(store) *
	       store->block;
}

static bool is_pure_buffer_bind(uint32_t bind)
{
	switch (bind) {
	case 0:
	case BIND_CUSTOM:
	case BIND_STAGING:
	case BIND_INDEX_BUFFER:
	case BIND_STREAM_OUTPUT:
	case BIND_VERTEX_BUFFER:
	case BIND_CONSTANT_BUFFER:
	case BIND_QUERY_BUFFER:
	case BIND_COMMAND_ARGS:
	case BIND_SHADER_BUFFER:
		return true;
	default:
		return false;
	}
}

static bool texture_args_valid(const struct virgl_renderer_resource_create_args *a)
{
	const uint32_t max = a->target == TARGET_3D ? 2048 : 16384;

	if (!(a->bind & BIND_TEXTURE_MASK)) {
		return false;
	}
	if (a->target == TARGET_BUFFER) {
		/* the only mixed bind for which upstream knows a buffer target */
		return a->bind & BIND_SAMPLER_VIEW;
	}
	if (a->width > max || a->height > max || (a->target == TARGET_3D && a->depth > max)) {
		return false;
	}
	if (a->target == TARGET_1D || a->target == TARGET_1D_ARRAY) {
		return a->height == 1 && a->depth == 1;
	}
	if (a->target == TARGET_CUBE || a->target == TARGET_CUBE_ARRAY) {
		return a->depth == 1 && a->width == a->height;
	}
	return a->height && (a->target == TARGET_3D ? a->depth > 0 : a->depth == 1);
}

static bool array_size_valid(const struct virgl_renderer_resource_create_args *a)
{
	switch (a->target) {
	case TARGET_CUBE:
		return a->array_size == 6;
	case TARGET_CUBE_ARRAY:
		return a->array_size && a->array_size % 6 == 0 && a->array_size <= 2048;
	case TARGET_1D_ARRAY:
	case TARGET_2D_ARRAY:
		return a->array_size && a->array_size <= 2048;
	default:
		return a->array_size <= 1;
	}
}

static uint32_t max_last_level(const struct virgl_renderer_resource_create_args *a)
{
	uint32_t size = a->width > a->height ? a->width : a->height;
	uint32_t level = 1;

	if (a->target == TARGET_BUFFER || a->target == TARGET_RECT || a->nr_samples > 1) {
		return 0;
	}
	while (size >>= 1) {
		level++;
	}
	return level;
}

/* check_resource_valid() of vrend_renderer.c */
static bool create_args_valid(const struct virgl_renderer_resource_create_args *a)
{
	if (a->target >= TARGET_MAX || a->format >= FORMAT_MAX) {
		return false;
	}
	if (a->nr_samples > 1 && a->target != TARGET_2D && a->target != TARGET_2D_ARRAY) {
		return false;
	}
	if (a->last_level > max_last_level(a)) {
		return false;
	}
	if (a->flags & ~(uint32_t)(RESOURCE_Y_0_TOP | RESOURCE_MAP_PERSISTENT |
				   RESOURCE_MAP_COHERENT)) {
		return false;
	}
	if (a->flags & RESOURCE_Y_0_TOP && a->target != TARGET_2D && a->target != TARGET_RECT) {
		return false;
	}
	if (!array_size_valid(a) || (a->target != TARGET_BUFFER && !a->width)) {
		return false;
	}
	if (is_pure_buffer_bind(a->bind)) {
		return a->target == TARGET_BUFFER && a->height == 1 && a->depth == 1;
	}
	return texture_args_valid(a);
}

static struct store *store_create(const struct virgl_renderer_resource_create_args *args)
{
	struct store *store;
	size_t size;

	if (!create_args_valid(args)) {
		return NULL;
	}
	store = calloc(1, sizeof(*store));
	if (!store) {
		return NULL;
	}
	store->refs = 1;
	store->args = *args;
	store->block = args->target == TARGET_BUFFER ? 1 : 4;
	store->tex_id = ++state.next_tex_id;
	/* cannot overflow: the sides are at most 2^14, the layers 2^11, the texel 2^2 */
	size = store_size(store);
	if (args->bind == BIND_STAGING) {
		return store;
	}
	if (size <= MAX_STORE_BYTES) {
		store->bytes = calloc(1, size ? size : 1);
	}
	if (!store->bytes) {
		free(store);
		return NULL;
	}
	return store;
}

static void store_unref(struct store *store)
{
	if (store && --store->refs == 0) {
		free(store->bytes);
		free(store);
	}
}

/* vrend_pipe_resource_attach_iov(): a CUSTOM buffer moves into guest memory, overwriting it */
static void store_attach_iov(struct store *store, const struct iovec *iov, int num_iovs)
{
	store->iov = iov;
	store->num_iovs = num_iovs;
	if (store->args.bind == BIND_CUSTOM) {
		iov_copy(iov, num_iovs, 0, store->bytes, store->args.width, true);
	}
}

/* vrend_pipe_resource_detach_iov(): and back */
static void store_detach_iov(struct store *store)
{
	if (store->args.bind == BIND_CUSTOM) {
		iov_copy(
			store->iov, store->num_iovs, 0, store->bytes, store->args.width, false);
	}
	store->iov = NULL;
	store->num_iovs = 0;
}

static bool store_mappable(const struct store *store)
{
	return store->bytes && store->args.target == TARGET_BUFFER &&
	       store->args.bind != BIND_CUSTOM &&
	       store->args.flags & (RESOURCE_MAP_PERSISTENT | RESOURCE_MAP_COHERENT);
}

/* Transfers (vrend_renderer.c). Widths of the variables as upstream, which truncates too. */

static bool transfer_box_valid(const struct store *store, const struct transfer *t)
{
	const struct virgl_renderer_resource_create_args *a = &store->args;
	int64_t width, height, depth;

	if (t->level > a->last_level || t->x < 0 || t->y < 0) {
		return false;
	}
	width = minify(a->width, t->level);
	height = minify(a->height, t->level);
	depth = a->target == TARGET_3D ? minify(a->depth, t->level) : a->array_size;
	if (t->w < 0 || t->h < 0 || (a->target == TARGET_3D && t->d < 0)) {
		return false;
	}
	return (int64_t)t->x + t->w <= width && (int64_t)t->y + t->h <= height &&
	       t->d <= depth && t->z <= depth && (int64_t)t->z + t->d <= depth;
}

/* check_iov_bounds() */
static bool transfer_fits_iov(const struct store *store, const struct transfer *t)
{
	const uint32_t iovsize = (uint32_t)iov_size(t->iov, t->num_iovs);
	const uint64_t w = t->w > 0 ? (uint32_t)t->w : 1;
	const uint64_t h = t->h > 0 ? (uint32_t)t->h : 1;
	const uint64_t d = t->d > 0 ? (uint32_t)t->d : 1;
	uint32_t stride, layer_stride, size;

	stride = minify(store->args.width, t->level) * store->block;
	if (t->stride) {
		if (t->stride < (uint32_t)t->w * store->block) {
			return false;
		}
		stride = t->stride;
	}
	layer_stride = stride * minify(store->args.height, t->level);
	if (t->layer_stride) {
		if (t->layer_stride < stride * (uint32_t)t->h) {
			return false;
		}
		layer_stride = t->layer_stride;
	}
	size = (uint32_t)((d - 1) * layer_stride + (h - 1) * stride + w * store->block);
	return iovsize >= t->offset && iovsize >= size && iovsize >= t->offset + size;
}

static void transfer_rows(struct store *store, const struct transfer *t, bool to_guest)
{
	const struct virgl_renderer_resource_create_args *a = &store->args;
	const size_t row = (size_t)t->w * store->block;
	uint32_t stride = t->stride ? t->stride : a->width * store->block;
	uint32_t layer_stride = t->layer_stride;

	/* write_transfer_data() knows no layer stride */
	if (!layer_stride || to_guest) {
		layer_stride = stride * a->height;
	}
	for (int32_t d = 0; d < t->d && t->z >= 0; d++) {
		uint8_t *layer =
			store->bytes + (size_t)(t->z + d) * a->width * a->height * store->block;

		for (int32_t y = 0; y < t->h; y++) {
			uint8_t *texels =
				layer +
				((size_t)(t->y + y) * a->width + (size_t)t->x) * store->block;
			const size_t offset =
				(uint32_t)(t->offset + (uint64_t)d * layer_stride +
					   (uint64_t)y * stride);

			iov_copy(t->iov, t->num_iovs, offset, texels, row, to_guest);
		}
	}
}

/* vrend_renderer_transfer_write_iov(), after the bounds are known to be good */
static int store_write(struct store *store, const struct transfer *t)
{
	const bool guest_only = !store->bytes || store->args.bind == BIND_CUSTOM;

	if (guest_only && store->iov) {
		return iov_to_iov(t->iov, t->num_iovs, t->offset, store->iov, store->num_iovs,
			(size_t)t->x, (size_t)t->w);
	}
	if (!store->bytes || t->level) {
		return 0;
	}
	if (store->args.target == TARGET_BUFFER) {
		iov_copy(t->iov, t->num_iovs, t->offset, store->bytes + t->x, (size_t)t->w,
			false);
		return 0;
	}
	if (store_layers(store) == 1 && t->d != 1 && t->num_iovs > 1) {
		return EINVAL;
	}
	transfer_rows(store, t, false);
	return 0;
}

/* vrend_renderer_transfer_send_iov() */
static int store_read(struct store *store, const struct transfer *t)
{
	if (!store->bytes || (store->args.bind == BIND_CUSTOM && store->iov)) {
		return iov_to_iov(store->iov, store->num_iovs, (size_t)t->x, t->iov,
			t->num_iovs, t->offset, (size_t)t->w);
	}
	if (t->level) {
		return 0;
	}
	if (store->args.target == TARGET_BUFFER) {
		iov_copy(t->iov, t->num_iovs, t->offset, store->bytes + t->x, (size_t)t->w,
			true);
		return 0;
	}
	transfer_rows(store, t, true);
	return 0;
}

/* Contexts */

/* vrend_hw_switch_context(): a context in error runs on only as long as nobody else ran. */
static bool context_switch(const struct context *ctx)
{
	if (ctx != state.current && ctx && ctx->in_error) {
		return false;
	}
	state.current = ctx;
	return true;
}

static struct context *context_find(uint32_t id)
{
	struct context *ctx = state.contexts;

	while (ctx && ctx->id != id) {
		ctx = ctx->next;
	}
	return id ? ctx : NULL;
}

static struct store *context_store(const struct context *ctx, uint32_t id)
{
	for (const struct attachment *a = ctx->attachments; a; a = a->next) {
		if (a->id == id) {
			return a->store;
		}
	}
	return NULL;
}

static void context_detach(struct context *ctx, uint32_t id)
{
	for (struct attachment **p = &ctx->attachments; *p; p = &(*p)->next) {
		if ((*p)->id == id) {
			struct attachment *a = *p;

			*p = a->next;
			free(a);
			return;
		}
	}
}

static void context_attach(struct context *ctx, const struct resource *res)
{
	struct attachment *a;

	/* untyped blobs stay invisible to the command stream */
	if (!res->store) {
		return;
	}
	context_detach(ctx, res->id);
	a = calloc(1, sizeof(*a));
	if (a) {
		a->id = res->id;
		a->store = res->store;
		a->next = ctx->attachments;
		ctx->attachments = a;
	}
}

static struct sub_context *context_find_sub(const struct context *ctx, uint32_t id)
{
	struct sub_context *sub = ctx->subs;

	while (sub && sub->id != id) {
		sub = sub->next;
	}
	return sub;
}

static bool context_add_sub(struct context *ctx, uint32_t id)
{
	struct sub_context *sub = calloc(1, sizeof(*sub));

	if (!sub) {
		return false;
	}
	sub->id = id;
	sub->next = ctx->subs;
	ctx->subs = sub;
	return true;
}

static void sub_context_remove_surface(struct sub_context *sub, uint32_t handle)
{
	for (struct surface **p = &sub->surfaces; *p; p = &(*p)->next) {
		if ((*p)->handle == handle) {
			struct surface *surface = *p;

			*p = surface->next;
			store_unref(surface->store);
			free(surface);
			return;
		}
	}
}

static void sub_context_set_cbuf0(struct sub_context *sub, struct store *store, uint32_t level)
{
	if (store) {
		store->refs++;
	}
	store_unref(sub->cbuf0);
	sub->cbuf0 = store;
	sub->cbuf0_level = level;
}

static void sub_context_destroy(struct sub_context *sub)
{
	while (sub->surfaces) {
		sub_context_remove_surface(sub, sub->surfaces->handle);
	}
	sub_context_set_cbuf0(sub, NULL, 0);
	free(sub);
}

static void context_remove_sub(struct context *ctx, uint32_t id)
{
	for (struct sub_context **p = &ctx->subs; *p; p = &(*p)->next) {
		if ((*p)->id == id) {
			struct sub_context *sub = *p;

			*p = sub->next;
			if (ctx->sub == sub) {
				ctx->sub = context_find_sub(ctx, 0);
			}
			sub_context_destroy(sub);
			return;
		}
	}
}

static struct context *context_create(uint32_t id, uint32_t capset_id)
{
	struct context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx || !context_add_sub(ctx, 0)) {
		free(ctx);
		return NULL;
	}
	ctx->id = id;
	ctx->capset_id = capset_id;
	ctx->sub = ctx->subs;
	ctx->hash = UINT64_C(0xcbf29ce484222325) ^ id;
	ctx->next = state.contexts;
	state.contexts = ctx;
	return ctx;
}

static void context_destroy(struct context *ctx)
{
	if (state.current == ctx) {
		state.current = NULL;
	}
	while (ctx->subs) {
		struct sub_context *sub = ctx->subs;

		ctx->subs = sub->next;
		sub_context_destroy(sub);
	}
	while (ctx->attachments) {
		context_detach(ctx, ctx->attachments->id);
	}
	while (ctx->blobs) {
		struct store *store = ctx->blobs;

		ctx->blobs = store->next;
		store_unref(store);
	}
	free(ctx);
}

static struct store *context_take_blob(struct context *ctx, uint32_t blob_id)
{
	/* upstream appends and takes the first that matches */
	for (struct store **p = &ctx->blobs; *p; p = &(*p)->next) {
		if ((*p)->blob_id == blob_id) {
			struct store *store = *p;

			*p = store->next;
			store->next = NULL;
			return store;
		}
	}
	return NULL;
}

/* Resources */

static struct resource *resource_find(uint32_t id)
{
	struct resource *res = state.resources;

	while (res && res->id != id) {
		res = res->next;
	}
	return id ? res : NULL;
}

static void resource_free(struct resource *res)
{
	store_unref(res->store);
	if (res->fd >= 0) {
		close(res->fd);
	}
	free(res);
}

/* Contexts forget it too, as in virgl_renderer_resource_unref(). */
static void resource_remove(uint32_t id)
{
	for (struct context *ctx = state.contexts; ctx; ctx = ctx->next) {
		context_detach(ctx, id);
	}
	for (struct resource **p = &state.resources; *p; p = &(*p)->next) {
		if ((*p)->id == id) {
			struct resource *res = *p;

			*p = res->next;
			resource_free(res);
			return;
		}
	}
}

/* A resource that has the id already is replaced: only blobs demand a fresh one. Takes the
 * store. */
static struct resource *resource_add(
	uint32_t id, struct store *store, const struct iovec *iov, int num_iovs)
{
	struct resource *res = calloc(1, sizeof(*res));

	if (!res) {
		store_unref(store);
		return NULL;
	}
	resource_remove(id);
	res->id = id;
	res->store = store;
	res->iov = iov;
	res->num_iovs = num_iovs;
	res->fd = -1;
	if (store && store_mappable(store)) {
		res->map_info = VIRGL_RENDERER_MAP_CACHE_CACHED;
	}
	res->next = state.resources;
	state.resources = res;
	return res;
}

static int transfer_run(
	const struct context *ctx, struct store *store, struct transfer *t, int mode)
{
	if (!t->iov || !t->num_iovs) {
		t->iov = store->iov;
		t->num_iovs = store->num_iovs;
	}
	if (!context_switch(ctx)) {
		return EINVAL;
	}
	if (!transfer_box_valid(store, t) || !transfer_fits_iov(store, t)) {
		return EINVAL;
	}
	return mode == TRANSFER_TO_HOST ? store_write(store, t) : store_read(store, t);
}

static int transfer_in_context(
	struct context *ctx, struct store *store, struct transfer *t, int mode)
{
	int ret = EINVAL;

	if (store && ((t->iov && t->num_iovs) || store->iov)) {
		ret = transfer_run(ctx, store, t, mode);
	}
	if (ret == EINVAL) {
		ctx->in_error = true;
	}
	return ret;
}

/* The command stream (vrend_decode.c); dw[0] is the header, length does not count it. */

static int fail_context(struct context *ctx)
{
	ctx->in_error = true;
	return EINVAL;
}

static int do_create_object(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	const uint32_t type = dw[0] >> 8 & 0xff;
	struct surface *surface;
	struct store *store;

	if (length < 1 || !dw[1] || !type || type >= OBJECT_MAX) {
		return EINVAL;
	}
	if (type != OBJECT_SURFACE && type != OBJECT_MSAA_SURFACE) {
		/* one namespace: whatever it is, it replaces a surface of that handle */
		sub_context_remove_surface(ctx->sub, dw[1]);
		return 0;
	}
	if (length != (type == OBJECT_SURFACE ? 5 : 6)) {
		return EINVAL;
	}
	store = context_store(ctx, dw[2]);
	if (!store) {
		return fail_context(ctx);
	}
	surface = calloc(1, sizeof(*surface));
	if (!surface) {
		return ENOMEM;
	}
	sub_context_remove_surface(ctx->sub, dw[1]);
	surface->handle = dw[1];
	surface->store = store;
	surface->level = dw[4];
	surface->next = ctx->sub->surfaces;
	store->refs++;
	ctx->sub->surfaces = surface;
	return 0;
}

static int do_destroy_object(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	if (length != 1) {
		return EINVAL;
	}
	sub_context_remove_surface(ctx->sub, dw[1]);
	return 0;
}

static const struct surface *find_surface(const struct sub_context *sub, uint32_t handle)
{
	const struct surface *surface = sub->surfaces;

	while (surface && surface->handle != handle) {
		surface = surface->next;
	}
	return surface;
}

static int do_set_framebuffer_state(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	const struct surface *surface = NULL;

	if (length < 2 || dw[1] > 8 || length != 2 + dw[1]) {
		return EINVAL;
	}
	for (uint32_t i = 0; i < dw[1]; i++) {
		if (dw[3 + i] && !find_surface(ctx->sub, dw[3 + i])) {
			/* reported, but not returned */
			ctx->in_error = true;
			return 0;
		}
	}
	if (dw[1] && dw[3]) {
		surface = find_surface(ctx->sub, dw[3]);
	}
	sub_context_set_cbuf0(
		ctx->sub, surface ? surface->store : NULL, surface ? surface->level : 0);
	return 0;
}

static int do_set_vertex_buffers(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	if (length % 3) {
		return EINVAL;
	}
	ctx->sub->vertex_buffer = length ? dw[3] : 0;
	return 0;
}

/* The bytes behind cbuf 0 that are pictures, or NULL; only level 0 is kept. */
static uint8_t *framebuffer_bytes(const struct context *ctx)
{
	const struct store *store = ctx->sub->cbuf0;

	if (!store || store->args.target == TARGET_BUFFER || ctx->sub->cbuf0_level) {
		return NULL;
	}
	return store->bytes;
}

static uint8_t unorm8(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	/* written so that NaN becomes 0 */
	if (!(value > 0.0f)) {
		return 0;
	}
	return value >= 1.0f ? 255 : (uint8_t)(value * 255.0f + 0.5f);
}

static int do_clear(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	uint8_t texel[4];
	uint8_t *bytes;
	size_t size;

	if (length != 8) {
		return EINVAL;
	}
	bytes = framebuffer_bytes(ctx);
	if (ctx->in_error || !bytes || !(dw[1] & CLEAR_COLOR0)) {
		return 0;
	}
	texel[0] = unorm8(dw[4]);
	texel[1] = unorm8(dw[3]);
	texel[2] = unorm8(dw[2]);
	texel[3] = unorm8(dw[5]);
	size = store_size(ctx->sub->cbuf0);
	for (size_t i = 0; i + 4 <= size; i += 4) {
		memcpy(bytes + i, texel, 4);
	}
	return 0;
}

/* What the draw "shades" with: all commands so far and the vertices. */
static uint64_t draw_value(const struct context *ctx)
{
	const struct store *vertices = context_store(ctx, ctx->sub->vertex_buffer);
	uint64_t hash = ctx->hash;

	if (vertices && vertices->bytes) {
		hash = hash_bytes(hash, vertices->bytes, store_size(vertices));
	}
	return hash_finish(hash);
}

/* A right-angled triangle; where it lies and what it XORs comes from the value. */
static void draw_triangle(struct store *store, uint8_t *bytes, uint64_t value)
{
	const uint32_t width = store->args.width;
	const uint32_t height = store->args.height;
	const uint32_t x0 = (uint32_t)(value >> 32 & 0xff) * (width / 2) / 256;
	const uint32_t y0 = (uint32_t)(value >> 40 & 0xff) * (height / 2) / 256;
	const uint32_t w = (width + 1) / 2;
	const uint32_t h = (height + 1) / 2;
	const uint32_t texel = (uint32_t)value | 1;

	for (uint32_t y = 0; y < h; y++) {
		const uint32_t span = (uint32_t)((uint64_t)w * (y + 1) / h);

		for (uint32_t x = 0; x < span; x++) {
			uint8_t *p = bytes + ((size_t)(y0 + y) * width + x0 + x) * 4;
			uint32_t old;

			memcpy(&old, p, 4);
			old ^= texel;
			memcpy(p, &old, 4);
		}
	}
}

static int do_draw_vbo(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	uint8_t *bytes;

	(void)dw;
	if (length != 12 && length != 14 && length != 20) {
		return EINVAL;
	}
	bytes = framebuffer_bytes(ctx);
	if (!ctx->in_error && bytes && ctx->sub->cbuf0->args.height) {
		draw_triangle(ctx->sub->cbuf0, bytes, draw_value(ctx));
	}
	return 0;
}

/* The eleven dwords that the three transfers of the stream share. */
static struct transfer decode_transfer(const uint32_t *dw)
{
	return (struct transfer){
		.level = dw[2],
		.stride = dw[4],
		.layer_stride = dw[5],
		.x = (int32_t)dw[6],
		.y = (int32_t)dw[7],
		.z = (int32_t)dw[8],
		.w = (int32_t)dw[9],
		.h = (int32_t)dw[10],
		.d = (int32_t)dw[11],
	};
}

static int do_inline_write(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	struct transfer t;
	struct iovec iov;
	struct store *store;

	if (length < 12) {
		return EINVAL;
	}
	t = decode_transfer(dw);
	iov.iov_base = (void *)(uintptr_t)(dw + 12);
	iov.iov_len = (size_t)(length - 11) * 4;
	t.iov = &iov;
	t.num_iovs = 1;
	store = context_store(ctx, dw[1]);
	if (!store || !transfer_box_valid(store, &t) || !transfer_fits_iov(store, &t)) {
		return fail_context(ctx);
	}
	return store_write(store, &t);
}

static int do_transfer3d(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	struct transfer t;

	if (length < 13 || (dw[13] != TRANSFER_TO_HOST && dw[13] != TRANSFER_FROM_HOST)) {
		return EINVAL;
	}
	t = decode_transfer(dw);
	t.offset = dw[12];
	return transfer_in_context(ctx, context_store(ctx, dw[1]), &t, (int)dw[13]);
}

static int do_copy_transfer3d(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	const struct store *guest;
	struct store *store;
	struct transfer t;

	if (length != 14) {
		return EINVAL;
	}
	t = decode_transfer(dw);
	t.offset = dw[13];
	store = context_store(ctx, dw[1]);
	guest = context_store(ctx, dw[12]);
	if (!store || !guest || !guest->iov) {
		return fail_context(ctx);
	}
	t.iov = guest->iov;
	t.num_iovs = guest->num_iovs;
	if (!transfer_box_valid(store, &t) || !transfer_fits_iov(store, &t)) {
		return fail_context(ctx);
	}
	return dw[14] & COPY_TRANSFER3D_READ_FROM_HOST ? store_read(store, &t)
						       : store_write(store, &t);
}

/* Both boxes in bounds, same kind of texel, level 0: else GL would complain and do nothing. */
static bool copy_region_valid(
	const struct store *dst, const uint32_t *dw, const struct store *src)
{
	struct transfer to = {.level = dw[2],
		.x = (int32_t)dw[3],
		.y = (int32_t)dw[4],
		.z = (int32_t)dw[5],
		.w = (int32_t)dw[11],
		.h = (int32_t)dw[12],
		.d = (int32_t)dw[13]};
	struct transfer from = {.level = dw[7],
		.x = (int32_t)dw[8],
		.y = (int32_t)dw[9],
		.z = (int32_t)dw[10],
		.w = (int32_t)dw[11],
		.h = (int32_t)dw[12],
		.d = (int32_t)dw[13]};

	return dst->bytes && src->bytes && dst->block == src->block && !to.level &&
	       !from.level && to.z >= 0 && from.z >= 0 && transfer_box_valid(dst, &to) &&
	       transfer_box_valid(src, &from);
}

static size_t texel_offset(const struct store *store, uint32_t x, uint32_t y, uint32_t z)
{
	const struct virgl_renderer_resource_create_args *a = &store->args;

	return (((size_t)z * a->height + y) * a->width + x) * store->block;
}

static int do_copy_region(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	struct store *dst;
	const struct store *src;

	if (length != 13) {
		return EINVAL;
	}
	dst = context_store(ctx, dw[1]);
	src = context_store(ctx, dw[6]);
	if (!dst || !src) {
		ctx->in_error = true;
		return 0;
	}
	if (ctx->in_error || !copy_region_valid(dst, dw, src)) {
		return 0;
	}
	for (uint32_t z = 0; z < dw[13]; z++) {
		for (uint32_t y = 0; y < dw[12]; y++) {
			memmove(dst->bytes + texel_offset(dst, dw[3], dw[4] + y, dw[5] + z),
				src->bytes + texel_offset(src, dw[8], dw[9] + y, dw[10] + z),
				(size_t)dw[11] * dst->block);
		}
	}
	return 0;
}

static int do_sub_context(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	const uint32_t cmd = dw[0] & 0xff;
	struct sub_context *sub;

	if (length != 1) {
		return EINVAL;
	}
	sub = context_find_sub(ctx, dw[1]);
	if (cmd == CMD_SET_SUB_CTX && sub) {
		ctx->sub = sub;
	} else if (cmd == CMD_CREATE_SUB_CTX && !sub) {
		context_add_sub(ctx, dw[1]);
	} else if (cmd == CMD_DESTROY_SUB_CTX && dw[1]) {
		/* sub-context 0 stays for the life of the context */
		context_remove_sub(ctx, dw[1]);
	}
	return 0;
}

static int do_pipe_resource_create(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	struct virgl_renderer_resource_create_args args;
	struct store *store;
	struct store **last = &ctx->blobs;

	if (length != 11) {
		return EINVAL;
	}
	args = (struct virgl_renderer_resource_create_args){
		.target = dw[1],
		.format = dw[2],
		.bind = dw[3],
		.width = dw[4],
		.height = dw[5],
		.depth = dw[6],
		.array_size = dw[7],
		.last_level = dw[8],
		.nr_samples = dw[9],
		.flags = dw[10],
	};
	store = store_create(&args);
	if (!store) {
		return EINVAL;
	}
	store->blob_id = dw[11];
	while (*last) {
		last = &(*last)->next;
	}
	*last = store;
	return 0;
}

static int do_pipe_resource_set_type(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	if (length < 10 || length % 2 || length > 16) {
		return EINVAL;
	}
	/* no dma-buf becomes a texture here, so only typed resources pass */
	return context_store(ctx, dw[1]) ? 0 : fail_context(ctx);
}

static int execute(struct context *ctx, const uint32_t *dw, uint32_t length)
{
	const uint32_t cmd = dw[0] & 0xff;

	if (cmd != CMD_NOP && cmd != CMD_SEND_STRING_MARKER) {
		ctx->hash = hash_dwords(ctx->hash, dw, (size_t)length + 1);
	}
	switch (cmd) {
	case CMD_CREATE_OBJECT:
		return do_create_object(ctx, dw, length);
	case CMD_DESTROY_OBJECT:
		return do_destroy_object(ctx, dw, length);
	case CMD_SET_FRAMEBUFFER_STATE:
		return do_set_framebuffer_state(ctx, dw, length);
	case CMD_SET_VERTEX_BUFFERS:
		return do_set_vertex_buffers(ctx, dw, length);
	case CMD_CLEAR:
		return do_clear(ctx, dw, length);
	case CMD_DRAW_VBO:
		return do_draw_vbo(ctx, dw, length);
	case CMD_RESOURCE_INLINE_WRITE:
		return do_inline_write(ctx, dw, length);
	case CMD_RESOURCE_COPY_REGION:
		return do_copy_region(ctx, dw, length);
	case CMD_SET_SUB_CTX:
	case CMD_CREATE_SUB_CTX:
	case CMD_DESTROY_SUB_CTX:
		return do_sub_context(ctx, dw, length);
	case CMD_TRANSFER3D:
		return do_transfer3d(ctx, dw, length);
	case CMD_COPY_TRANSFER3D:
		return do_copy_transfer3d(ctx, dw, length);
	case CMD_PIPE_RESOURCE_CREATE:
		return do_pipe_resource_create(ctx, dw, length);
	case CMD_PIPE_RESOURCE_SET_TYPE:
		return do_pipe_resource_set_type(ctx, dw, length);
	default:
		return 0;
	}
}

/* vrend_decode_ctx_submit_cmd(): what came before a bad command has been executed */
static int submit(struct context *ctx, const uint32_t *dw, uint32_t total)
{
	uint32_t offset = 0;

	if (!context_switch(ctx)) {
		return EINVAL;
	}
	while (offset < total) {
		const uint32_t length = dw[offset] >> 16;
		int ret;

		if ((dw[offset] & 0xff) >= CMD_MAX) {
			return EINVAL;
		}
		if (length >= total - offset) {
			/* runs over the end: an error of the context, but no error code */
			ctx->in_error = true;
			return 0;
		}
		ret = execute(ctx, dw + offset, length);
		if (ret) {
			ctx->in_error = ctx->in_error || ret == EINVAL;
			return ret;
		}
		offset += length + 1;
	}
	return 0;
}

/* Fences */

static void fence_retire(const struct fence *fence)
{
	if (!fence->per_context) {
		state.cbs->write_fence(state.cookie, (uint32_t)fence->id);
	} else if (state.cbs->version >= 3 && state.cbs->write_context_fence) {
		state.cbs->write_context_fence(
			state.cookie, fence->ctx_id, fence->ring_idx, fence->id);
	}
}

static struct fence *fence_pop_locked(void)
{
	struct fence *fence = fences.first;

	if (fence) {
		fences.first = fence->next;
		if (!fences.first) {
			fences.last = &fences.first;
		}
	}
	return fence;
}

/* All that are queued, in order; unlike upstream, fences that could be merged are not. */
static void fences_retire_all(void)
{
	struct fence *fence;

	do {
		pthread_mutex_lock(&fences.lock);
		fence = fence_pop_locked();
		pthread_mutex_unlock(&fences.lock);
		if (fence) {
			fence_retire(fence);
			free(fence);
		}
	} while (fence);
}

static void *fence_thread(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&fences.lock);
	while (!fences.stop) {
		struct fence *fence = fence_pop_locked();

		if (!fence) {
			pthread_cond_wait(&fences.wake, &fences.lock);
			continue;
		}
		/* the callback may take locks of its own */
		pthread_mutex_unlock(&fences.lock);
		fence_retire(fence);
		free(fence);
		pthread_mutex_lock(&fences.lock);
	}
	pthread_mutex_unlock(&fences.lock);
	return NULL;
}

static int fence_add(const struct fence *wanted)
{
	struct fence *fence = malloc(sizeof(*fence));
	const uint64_t one = 1;

	if (!fence) {
		return ENOMEM;
	}
	*fence = *wanted;
	fence->next = NULL;
	pthread_mutex_lock(&fences.lock);
	*fences.last = fence;
	fences.last = &fence->next;
	pthread_cond_signal(&fences.wake);
	pthread_mutex_unlock(&fences.lock);
	if (fences.eventfd >= 0 && write(fences.eventfd, &one, sizeof(one)) < 0) {
		return errno;
	}
	return 0;
}

/* Of one context, or all where ctx_id is 0: they go without having retired. */
static void fences_drop(uint32_t ctx_id)
{
	struct fence **p = &fences.first;

	pthread_mutex_lock(&fences.lock);
	while (*p) {
		struct fence *fence = *p;

		if (ctx_id && !(fence->per_context && fence->ctx_id == ctx_id)) {
			p = &fence->next;
			continue;
		}
		*p = fence->next;
		free(fence);
	}
	fences.last = p;
	pthread_mutex_unlock(&fences.lock);
}

static int fences_start(void)
{
	const int both = VIRGL_RENDERER_THREAD_SYNC | VIRGL_RENDERER_ASYNC_FENCE_CB;
	int ret;

	fences.first = NULL;
	fences.last = &fences.first;
	fences.stop = false;
	if (!(state.flags & VIRGL_RENDERER_THREAD_SYNC)) {
		return 0;
	}
	fences.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fences.eventfd < 0) {
		return errno;
	}
	if ((state.flags & both) != both) {
		return 0;
	}
	ret = pthread_create(&fences.thread, NULL, fence_thread, NULL);
	fences.threaded = ret == 0;
	return ret;
}

static void fences_stop(void)
{
	if (fences.threaded) {
		pthread_mutex_lock(&fences.lock);
		fences.stop = true;
		pthread_cond_signal(&fences.wake);
		pthread_mutex_unlock(&fences.lock);
		pthread_join(fences.thread, NULL);
		fences.threaded = false;
	}
	fences_drop(0);
	if (fences.eventfd >= 0) {
		close(fences.eventfd);
		fences.eventfd = -1;
	}
}

/* Capability sets: offsets of struct virgl_caps_v1 and virgl_caps_v2 */

static void caps_put(uint8_t *caps, size_t offset, uint32_t value)
{
	memcpy(caps + offset, &value, sizeof(value));
}

static void caps_put_float(uint8_t *caps, size_t offset, float value)
{
	memcpy(caps + offset, &value, sizeof(value));
}

static void caps_fill_v1(uint8_t *caps, uint32_t version, bool less)
{
	caps_put(caps, 0, version);
	/* sampler, render, depthstencil and vertexbuffer format masks */
	for (size_t i = 0; i < 4 * 16; i++) {
		caps_put(caps, 4 + i * 4, 0xffffffff);
	}
	caps_put(caps, 260, 0x0007ffff);       /* bset, up to ubo */
	caps_put(caps, 264, less ? 130 : 330); /* glsl_level */
	caps_put(caps, 268, 256);              /* max_texture_array_layers */
	caps_put(caps, 272, 4);                /* max_streamout_buffers */
	caps_put(caps, 276, 1);                /* max_dual_source_render_targets */
	caps_put(caps, 280, 8);                /* max_render_targets */
	caps_put(caps, 284, 4);                /* max_samples */
	caps_put(caps, 288, 0x3fff);           /* prim_mask */
	caps_put(caps, 292, 65536);            /* max_tbo_size */
	caps_put(caps, 296, 12);               /* max_uniform_blocks */
	caps_put(caps, 300, 16);               /* max_viewports */
	caps_put(caps, 304, 4);                /* max_texture_gather_components */
}

static void caps_fill_v2(uint8_t *caps, bool less)
{
	for (size_t i = 0; i < 8; i++) {
		/* aliased and smooth point size and line width, minimum and maximum */
		caps_put_float(caps, 308 + i * 4, i & 1 ? 64.0f : 1.0f);
	}
	caps_put_float(caps, 340, 15.0f); /* max_texture_lod_bias */
	caps_put(caps, 356, 16);          /* max_vertex_attribs */
	/* TRANSFER, COPY_TRANSFER, ARB_BUFFER_STORAGE, COPY_IMAGE, TEXTURE_VIEW */
	caps_put(caps, 392, 1u << 17 | 1u << 26 | 1u << 31 | (less ? 0u : 1u << 3) | 1u << 1);
	caps_put(caps, 484, 16384); /* max_texture_2d_size */
	caps_put(caps, 488, 2048);  /* max_texture_3d_size */
	caps_put(caps, 492, 16384); /* max_texture_cube_size */
	caps_put(caps, 556, 14);    /* host_feature_check_version */
	for (size_t i = 0; i < 16; i++) {
		caps_put(caps, 560 + i * 4, 0xffffffff); /* supported_readback_formats */
	}
	caps_put(caps, 624,
		1u << FORMAT_B8G8R8A8_UNORM | 1u << FORMAT_B8G8R8X8_UNORM); /* scanout */
	caps_put(caps, 688,
		1u << 4 | 1u << 7); /* STRING_MARKER, COPY_TRANSFER_BOTH_DIRECTIONS */
	memcpy(caps + 696, "stub_virglrenderer", sizeof("stub_virglrenderer"));
	caps_put_float(caps, 760, 16.0f); /* max_anisotropy */
	caps_put(caps, 764, 16);          /* max_texture_image_units */
	caps_put(caps, 1372, 65536);      /* max_uniform_block_size */
}

/* From here on, the exported functions in the order of virglrenderer.h. */

static bool call_from_upstream(
	const struct virgl_renderer_callbacks *cbs, void *cookie, int flags)
{
	if (flags & VIRGL_RENDERER_USE_EGL && cbs->version >= 2 && cbs->get_drm_fd) {
		const int fd = cbs->get_drm_fd(cookie);

		/* the renderer owns it */
		if (fd >= 0) {
			close(fd);
		}
	}
	return cookie != NULL;
}

int virgl_renderer_init(void *cookie, int flags, struct virgl_renderer_callbacks *cbs)
{
	const bool fail = called("virgl_renderer_init", "cookie=%s flags=0x%x version=%d",
		cookie ? "set" : "null", (unsigned)flags, cbs ? cbs->version : 0);
	int ret = EINVAL;

	end_or_hang_at(AT_INIT);
	if (getenv("VIRGL_DISABLE_MT")) {
		flags &= ~VIRGL_RENDERER_THREAD_SYNC;
	}
	if (state.initialized &&
		(state.cookie != cookie || state.flags != flags || state.cbs != cbs)) {
		return -EBUSY;
	}
	if (!state.initialized) {
		if (!cbs || cbs->version < 1 ||
			cbs->version > VIRGL_RENDERER_CALLBACKS_VERSION) {
			return -1;
		}
		state.cookie = cookie;
		state.flags = flags;
		state.cbs = cbs;
		state.initialized = true;
	}
	if (fail) {
		goto fail;
	}
	if (!state.vrend && !(flags & VIRGL_RENDERER_NO_VIRGL)) {
		if (!call_from_upstream(cbs, cookie, flags)) {
			ret = -1;
			goto fail;
		}
		ret = fences_start();
		if (ret) {
			goto fail;
		}
		state.vrend = true;
	}
	return 0;

fail:
	virgl_renderer_cleanup(NULL);
	return ret;
}

void virgl_renderer_poll(void)
{
	uint64_t count;

	if (called_plain("virgl_renderer_poll") || !state.vrend) {
		return;
	}
	if (fences.eventfd >= 0 && read(fences.eventfd, &count, sizeof(count)) < 0) {
		/* nothing has been signalled since the last poll */
	}
	if (fences.threaded) {
		return;
	}
	if (fences.eventfd < 0) {
		state.current = NULL;
	}
	fences_retire_all();
}

void *virgl_renderer_get_cursor_data(uint32_t resource_id, uint32_t *width, uint32_t *height)
{
	const bool fail = called("virgl_renderer_get_cursor_data", "res=%" PRIu32, resource_id);
	const struct resource *res = resource_find(resource_id);
	const struct virgl_renderer_resource_create_args *a;
	uint8_t *data;
	size_t row;

	if (fail || !res || !res->store || !width || !height) {
		return NULL;
	}
	a = &res->store->args;
	if (a->width > 128 || a->height > 128 || a->target != TARGET_2D) {
		return NULL;
	}
	*width = a->width;
	*height = a->height;
	row = (size_t)a->width * 4;
	data = malloc(row * a->height);
	for (uint32_t y = 0; data && y < a->height; y++) {
		/* upside down, as GL has it */
		memcpy(data + row * (a->height - 1 - y), res->store->bytes + row * y, row);
	}
	return data;
}

void virgl_renderer_get_rect(int resource_id, struct iovec *iov, unsigned int num_iovs,
	uint32_t offset, int x, int y, int width, int height)
{
	char text[256];
	const bool fail = called("virgl_renderer_get_rect",
		"res=%d iov=%s offset=%" PRIu32 " rect=%d,%d+%dx%d", resource_id,
		describe_iov(text, iov, (int)num_iovs), offset, x, y, width, height);
	const struct resource *res = resource_find((uint32_t)resource_id);
	struct transfer t = {.x = x,
		.y = y,
		.w = width,
		.h = height,
		.d = 1,
		.offset = offset,
		.iov = iov,
		.num_iovs = (int)num_iovs};

	if (fail || !res || !res->store) {
		return;
	}
	t.stride = res->store->args.width * res->store->block;
	if ((iov && num_iovs) || res->store->iov) {
		transfer_run(NULL, res->store, &t, TRANSFER_FROM_HOST);
	}
}

int virgl_renderer_get_fd_for_texture(uint32_t tex_id, int *fd)
{
	(void)fd;
	return called("virgl_renderer_get_fd_for_texture", "tex=%" PRIu32, tex_id) ? EINVAL
										   : -1;
}

int virgl_renderer_get_fd_for_texture2(uint32_t tex_id, int *fd, int *stride, int *offset)
{
	(void)fd;
	(void)stride;
	(void)offset;
	return called("virgl_renderer_get_fd_for_texture2", "tex=%" PRIu32, tex_id) ? EINVAL
										    : -1;
}

static int create_resource(const struct virgl_renderer_resource_create_args *args,
	const struct iovec *iov, uint32_t num_iovs)
{
	struct store *store;

	if (!state.vrend || args->handle == 0) {
		return EINVAL;
	}
	store = store_create(args);
	if (!store) {
		return EINVAL;
	}
	return resource_add(args->handle, store, iov, (int)num_iovs) ? 0 : -ENOMEM;
}

static bool called_create(
	const char *name, const struct virgl_renderer_resource_create_args *a, const char *rest)
{
	return called(name,
		"res=%" PRIu32 " target=%" PRIu32 " format=%" PRIu32 " bind=0x%" PRIx32
		" size=%" PRIu32 "x%" PRIu32 "x%" PRIu32 " array=%" PRIu32
		" last_level=%" PRIu32 " samples=%" PRIu32 " flags=0x%" PRIx32 " %s",
		a->handle, a->target, a->format, a->bind, a->width, a->height, a->depth,
		a->array_size, a->last_level, a->nr_samples, a->flags, rest);
}

int virgl_renderer_resource_create(
	struct virgl_renderer_resource_create_args *args, struct iovec *iov, uint32_t num_iovs)
{
	char text[256], rest[264];

	snprintf(rest, sizeof(rest), "iov=%s", describe_iov(text, iov, (int)num_iovs));
	if (called_create("virgl_renderer_resource_create", args, rest)) {
		return EINVAL;
	}
	return create_resource(args, iov, num_iovs);
}

int virgl_renderer_resource_import_eglimage(
	struct virgl_renderer_resource_create_args *args, void *image)
{
	const char *rest = image ? "image=set" : "image=null";

	if (called_create("virgl_renderer_resource_import_eglimage", args, rest)) {
		return EINVAL;
	}
	return create_resource(args, NULL, 0);
}

void virgl_renderer_resource_unref(uint32_t res_handle)
{
	if (!called("virgl_renderer_resource_unref", "res=%" PRIu32, res_handle)) {
		resource_remove(res_handle);
	}
}

void virgl_renderer_resource_set_priv(uint32_t res_handle, void *priv)
{
	const bool fail =
		called("virgl_renderer_resource_set_priv", "res=%" PRIu32, res_handle);
	struct resource *res = resource_find(res_handle);

	if (!fail && res) {
		res->priv = priv;
	}
}

void *virgl_renderer_resource_get_priv(uint32_t res_handle)
{
	const bool fail =
		called("virgl_renderer_resource_get_priv", "res=%" PRIu32, res_handle);
	const struct resource *res = resource_find(res_handle);

	return !fail && res ? res->priv : NULL;
}

__attribute__((noinline)) int virgl_renderer_context_create_with_flags(
	uint32_t ctx_id, uint32_t ctx_flags, uint32_t nlen, const char *name)
{
	const uint32_t capset_id = ctx_flags & VIRGL_RENDERER_CONTEXT_FLAG_CAPSET_ID_MASK;
	const struct context *ctx;

	/* the name need not be terminated */
	if (called("virgl_renderer_context_create_with_flags",
		    "ctx=%" PRIu32 " flags=0x%" PRIx32 " name=%.*s", ctx_id, ctx_flags,
		    nlen > 64 ? 64 : (int)nlen, name ? name : "")) {
		return EINVAL;
	}
	if (ctx_id == 0 || ctx_flags & ~(uint32_t)VIRGL_RENDERER_CONTEXT_FLAG_CAPSET_ID_MASK) {
		return EINVAL;
	}
	ctx = context_find(ctx_id);
	if (ctx) {
		return ctx->capset_id == capset_id ? 0 : EINVAL;
	}
	if (!state.vrend || (capset_id != CAPSET_VIRGL && capset_id != CAPSET_VIRGL2)) {
		return EINVAL;
	}
	return context_create(ctx_id, capset_id) ? 0 : ENOMEM;
}

int virgl_renderer_context_create(uint32_t handle, uint32_t nlen, const char *name)
{
	if (called("virgl_renderer_context_create", "ctx=%" PRIu32 " name=%.*s", handle,
		    nlen > 64 ? 64 : (int)nlen, name ? name : "")) {
		return EINVAL;
	}
	return virgl_renderer_context_create_with_flags(handle, CAPSET_VIRGL2, nlen, name);
}

void virgl_renderer_context_destroy(uint32_t handle)
{
	if (called("virgl_renderer_context_destroy", "ctx=%" PRIu32, handle)) {
		return;
	}
	for (struct context **p = &state.contexts; *p; p = &(*p)->next) {
		if ((*p)->id == handle) {
			struct context *ctx = *p;

			*p = ctx->next;
			fences_drop(handle);
			context_destroy(ctx);
			return;
		}
	}
}

/* Not worth its time where nobody reads it. */
static uint64_t hash_for_log(const void *buffer, int ndw)
{
	if (control.log_fd < 0 || !buffer || ndw <= 0) {
		return 0;
	}
	return hash_finish(hash_dwords(0, buffer, (size_t)ndw));
}

int virgl_renderer_submit_cmd(void *buffer, int ctx_id, int ndw)
{
	const bool fail = called("virgl_renderer_submit_cmd", "ctx=%d ndw=%d hash=%016" PRIx64,
		ctx_id, ndw, hash_for_log(buffer, ndw));
	struct context *ctx = context_find((uint32_t)ctx_id);

	count_submit();
	if (fail || !ctx || ndw < 0 || (unsigned)ndw > UINT32_MAX / sizeof(uint32_t)) {
		return EINVAL;
	}
	return submit(ctx, buffer, (uint32_t)ndw);
}

static int transfer_call(uint32_t handle, uint32_t ctx_id, struct transfer *t, int mode)
{
	struct resource *res = resource_find(handle);
	struct context *ctx = context_find(ctx_id);

	if (!res || (ctx_id && !ctx)) {
		return EINVAL;
	}
	if (ctx) {
		return transfer_in_context(ctx, context_store(ctx, handle), t, mode);
	}
	if (!res->store || !((t->iov && t->num_iovs) || res->store->iov)) {
		return EINVAL;
	}
	return transfer_run(NULL, res->store, t, mode);
}

static bool called_transfer(const char *name, uint32_t handle, uint32_t ctx_id,
	const struct virgl_box *box, const struct transfer *t)
{
	char iov[256], text[80];

	return called(name,
		"res=%" PRIu32 " ctx=%" PRIu32 " level=%" PRIu32 " stride=%" PRIu32
		" layer_stride=%" PRIu32 " box=%s offset=%" PRIu64 " iov=%s",
		handle, ctx_id, t->level, t->stride, t->layer_stride, describe_box(text, box),
		t->offset, describe_iov(iov, t->iov, t->num_iovs));
}

static void transfer_set_box(struct transfer *t, const struct virgl_box *box)
{
	t->x = (int32_t)box->x;
	t->y = (int32_t)box->y;
	t->z = (int32_t)box->z;
	t->w = (int32_t)box->w;
	t->h = (int32_t)box->h;
	t->d = (int32_t)box->d;
}

int virgl_renderer_transfer_read_iov(uint32_t handle, uint32_t ctx_id, uint32_t level,
	uint32_t stride, uint32_t layer_stride, struct virgl_box *box, uint64_t offset,
	struct iovec *iov, int iovec_cnt)
{
	struct transfer t = {.level = level,
		.stride = stride,
		.layer_stride = layer_stride,
		.offset = offset,
		.iov = iov,
		.num_iovs = iovec_cnt};

	if (called_transfer("virgl_renderer_transfer_read_iov", handle, ctx_id, box, &t) ||
		!box) {
		return EINVAL;
	}
	transfer_set_box(&t, box);
	return transfer_call(handle, ctx_id, &t, TRANSFER_FROM_HOST);
}

int virgl_renderer_transfer_write_iov(uint32_t handle, uint32_t ctx_id, int level,
	uint32_t stride, uint32_t layer_stride, struct virgl_box *box, uint64_t offset,
	struct iovec *iovec, unsigned int iovec_cnt)
{
	struct transfer t = {.level = (uint32_t)level,
		.stride = stride,
		.layer_stride = layer_stride,
		.offset = offset,
		.iov = iovec,
		.num_iovs = (int)iovec_cnt};

	if (called_transfer("virgl_renderer_transfer_write_iov", handle, ctx_id, box, &t) ||
		!box) {
		return EINVAL;
	}
	transfer_set_box(&t, box);
	return transfer_call(handle, ctx_id, &t, TRANSFER_TO_HOST);
}

void virgl_renderer_get_cap_set(uint32_t set, uint32_t *max_ver, uint32_t *max_size)
{
	const bool fail = called("virgl_renderer_get_cap_set", "set=%" PRIu32, set);

	*max_ver = 0;
	*max_size = 0;
	if (!fail && (set == CAPSET_VIRGL || set == CAPSET_VIRGL2)) {
		*max_ver = set;
		*max_size = set == CAPSET_VIRGL ? CAPSET_VIRGL_SIZE : CAPSET_VIRGL2_SIZE;
	}
}

void virgl_renderer_fill_caps(uint32_t set, uint32_t version, void *caps)
{
	const bool fail = called(
		"virgl_renderer_fill_caps", "set=%" PRIu32 " version=%" PRIu32, set, version);

	if (fail || !caps || !state.vrend || version > set) {
		return;
	}
	const bool less = getenv("STUB_VIRGL_LESS") != NULL;
	if (set == CAPSET_VIRGL) {
		memset(caps, 0, CAPSET_VIRGL_SIZE);
		caps_fill_v1(caps, set, less);
	} else if (set == CAPSET_VIRGL2) {
		memset(caps, 0, CAPSET_VIRGL2_SIZE);
		caps_fill_v1(caps, set, less);
		caps_fill_v2(caps, less);
	}
}

int virgl_renderer_resource_attach_iov(int res_handle, struct iovec *iov, int num_iovs)
{
	char text[256];
	const bool fail = called("virgl_renderer_resource_attach_iov", "res=%d iov=%s",
		res_handle, describe_iov(text, iov, num_iovs));
	struct resource *res = resource_find((uint32_t)res_handle);

	if (fail || !res || res->iov) {
		return EINVAL;
	}
	res->iov = iov;
	res->num_iovs = num_iovs;
	if (res->store) {
		store_attach_iov(res->store, iov, num_iovs);
	}
	return 0;
}

void virgl_renderer_resource_detach_iov(int res_handle, struct iovec **iov, int *num_iovs)
{
	const bool fail = called("virgl_renderer_resource_detach_iov", "res=%d", res_handle);
	struct resource *res = resource_find((uint32_t)res_handle);

	if (fail || !res) {
		return;
	}
	if (iov) {
		*iov = (struct iovec *)(uintptr_t)res->iov;
	}
	if (num_iovs) {
		*num_iovs = res->num_iovs;
	}
	if (!res->iov) {
		return;
	}
	if (res->store) {
		store_detach_iov(res->store);
	}
	res->iov = NULL;
	res->num_iovs = 0;
}

int virgl_renderer_create_fence(int client_fence_id, uint32_t ctx_id)
{
	if (called("virgl_renderer_create_fence", "fence=%d ctx=%" PRIu32, client_fence_id,
		    ctx_id) ||
		!state.vrend) {
		return EINVAL;
	}
	return fence_add(&(struct fence){.id = (uint32_t)client_fence_id});
}

void virgl_renderer_force_ctx_0(void)
{
	if (!called_plain("virgl_renderer_force_ctx_0")) {
		state.current = NULL;
	}
}

void virgl_renderer_ctx_attach_resource(int ctx_id, int res_handle)
{
	const bool fail = called(
		"virgl_renderer_ctx_attach_resource", "ctx=%d res=%d", ctx_id, res_handle);
	struct context *ctx = context_find((uint32_t)ctx_id);
	const struct resource *res = resource_find((uint32_t)res_handle);

	if (!fail && ctx && res) {
		context_attach(ctx, res);
	}
}

void virgl_renderer_ctx_detach_resource(int ctx_id, int res_handle)
{
	const bool fail = called(
		"virgl_renderer_ctx_detach_resource", "ctx=%d res=%d", ctx_id, res_handle);
	struct context *ctx = context_find((uint32_t)ctx_id);
	const struct resource *res = resource_find((uint32_t)res_handle);

	if (!fail && ctx && res) {
		context_detach(ctx, res->id);
	}
}

virgl_debug_callback_type virgl_set_debug_callback(virgl_debug_callback_type cb)
{
	static virgl_debug_callback_type current;
	const virgl_debug_callback_type old = current;

	called("virgl_set_debug_callback", "cb=%s", cb ? "set" : "null");
	current = cb;
	return old;
}

static uint32_t fourcc_of(uint32_t format)
{
	switch (format) {
	case FORMAT_B8G8R8A8_UNORM:
		return 'A' | 'R' << 8 | '2' << 16 | '4' << 24;
	case FORMAT_B8G8R8X8_UNORM:
		return 'X' | 'R' << 8 | '2' << 16 | '4' << 24;
	default:
		return 0;
	}
}

static int get_info(int res_handle, struct virgl_renderer_resource_info *info)
{
	const struct resource *res = resource_find((uint32_t)res_handle);
	const struct virgl_renderer_resource_create_args *a;

	if (!res || !res->store || !info) {
		return EINVAL;
	}
	a = &res->store->args;
	*info = (struct virgl_renderer_resource_info){
		.handle = (uint32_t)res_handle,
		.virgl_format = a->format,
		.width = a->width,
		.height = a->height,
		.depth = a->depth,
		.flags = a->flags & RESOURCE_Y_0_TOP,
		.tex_id = res->store->tex_id,
		.stride = a->width * res->store->block,
		.drm_fourcc = (int)fourcc_of(a->format),
	};
	return 0;
}

int virgl_renderer_resource_get_info(int res_handle, struct virgl_renderer_resource_info *info)
{
	if (called("virgl_renderer_resource_get_info", "res=%d", res_handle)) {
		return EINVAL;
	}
	return get_info(res_handle, info);
}

static void forget_everything(void)
{
	fences_drop(0);
	state.current = NULL;
	while (state.contexts) {
		struct context *ctx = state.contexts;

		state.contexts = ctx->next;
		context_destroy(ctx);
	}
	while (state.resources) {
		resource_remove(state.resources->id);
	}
}

__attribute__((noinline)) void virgl_renderer_cleanup(void *cookie)
{
	called("virgl_renderer_cleanup", "cookie=%s", cookie ? "set" : "null");
	if (fences.last) {
		fences_stop();
		forget_everything();
	}
	memset(&state, 0, sizeof(state));
}

void virgl_renderer_reset(void)
{
	/* upstream loses its fence thread here; the stub keeps it */
	if (!called_plain("virgl_renderer_reset") && fences.last) {
		forget_everything();
	}
}

int virgl_renderer_get_poll_fd(void)
{
	return called_plain("virgl_renderer_get_poll_fd") ? -1 : fences.eventfd;
}

static int export_query(struct virgl_renderer_export_query *query)
{
	const struct resource *res = resource_find(query->in_resource_id);

	if (query->hdr.size != sizeof(*query) || !res || query->in_export_fds) {
		return -EINVAL;
	}
	query->out_num_fds = res->store ? 0 : 1;
	query->out_fourcc = 0;
	query->out_modifier = UINT64_C(0x00ffffffffffffff); /* DRM_FORMAT_MOD_INVALID */
	if (!res->store) {
		query->out_fds[0] = -1;
		query->out_strides[0] = 0;
		query->out_offsets[0] = 0;
	}
	return 0;
}

int virgl_renderer_execute(void *execute_args, uint32_t execute_size)
{
	struct virgl_renderer_supported_structures *supported = execute_args;
	const struct virgl_renderer_hdr *hdr = execute_args;

	if (called("virgl_renderer_execute", "stype=%" PRIu32 " size=%" PRIu32, hdr->stype,
		    execute_size)) {
		return EINVAL;
	}
	if (hdr->stype_version != 0) {
		return -EINVAL;
	}
	if (hdr->stype == VIRGL_RENDERER_STRUCTURE_TYPE_EXPORT_QUERY &&
		execute_size == sizeof(struct virgl_renderer_export_query)) {
		return export_query(execute_args);
	}
	if (hdr->stype != VIRGL_RENDERER_STRUCTURE_TYPE_SUPPORTED_STRUCTURES ||
		execute_size != sizeof(*supported) || hdr->size != sizeof(*supported)) {
		return -EINVAL;
	}
	supported->out_supported_structures_mask = 0;
	if (supported->in_stype_version == 0) {
		supported->out_supported_structures_mask =
			VIRGL_RENDERER_STRUCTURE_TYPE_EXPORT_QUERY |
			VIRGL_RENDERER_STRUCTURE_TYPE_SUPPORTED_STRUCTURES;
	}
	return 0;
}

static int create_guest_blob(const struct virgl_renderer_resource_create_blob_args *args)
{
	struct resource *res =
		resource_add(args->res_handle, NULL, args->iovecs, (int)args->num_iovs);

	if (!res) {
		return -ENOMEM;
	}
	res->map_info = VIRGL_RENDERER_MAP_CACHE_CACHED;
	return 0;
}

static int create_host_blob(const struct virgl_renderer_resource_create_blob_args *args)
{
	struct context *ctx = context_find(args->ctx_id);
	struct store *store = ctx ? context_take_blob(ctx, (uint32_t)args->blob_id) : NULL;
	struct resource *res;

	if (!store) {
		return -EINVAL;
	}
	store->blob_id = 0;
	res = resource_add(args->res_handle, store, args->iovecs, (int)args->num_iovs);
	if (!res) {
		return -ENOMEM;
	}
	res->map_size = args->size;
	return 0;
}

int virgl_renderer_resource_create_blob(
	const struct virgl_renderer_resource_create_blob_args *args)
{
	const bool guest = args->blob_mem == VIRGL_RENDERER_BLOB_MEM_GUEST ||
			   args->blob_mem == VIRGL_RENDERER_BLOB_MEM_HOST3D_GUEST;
	char text[256];

	if (called("virgl_renderer_resource_create_blob",
		    "res=%" PRIu32 " ctx=%" PRIu32 " mem=%" PRIu32 " flags=0x%" PRIx32
		    " id=%" PRIu64 " size=%" PRIu64 " iov=%s",
		    args->res_handle, args->ctx_id, args->blob_mem, args->blob_flags,
		    args->blob_id, args->size,
		    describe_iov(text, args->iovecs, (int)args->num_iovs))) {
		return EINVAL;
	}
	if (!guest && args->blob_mem != VIRGL_RENDERER_BLOB_MEM_HOST3D) {
		return -EINVAL;
	}
	if (args->res_handle == 0 || resource_find(args->res_handle) || args->size == 0) {
		return -EINVAL;
	}
	if (guest ? iov_size(args->iovecs, (int)args->num_iovs) < args->size
		  : args->num_iovs > 0) {
		return -EINVAL;
	}
	if (args->blob_mem == VIRGL_RENDERER_BLOB_MEM_GUEST) {
		return create_guest_blob(args);
	}
	return create_host_blob(args);
}

static void *map_bytes(const struct resource *res, uint64_t *size)
{
	void *map = NULL;

	if (res->store) {
		*size = store_size(res->store);
		return store_mappable(res->store) ? res->store->bytes : NULL;
	}
	if (res->fd >= 0 && res->fd_type != VIRGL_RENDERER_BLOB_FD_TYPE_OPAQUE) {
		*size = res->map_size;
		map = mmap(NULL, res->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, res->fd, 0);
	}
	return map == MAP_FAILED ? NULL : map;
}

int virgl_renderer_resource_map(uint32_t res_handle, void **map, uint64_t *out_size)
{
	const bool fail = called("virgl_renderer_resource_map", "res=%" PRIu32, res_handle);
	struct resource *res = resource_find(res_handle);
	uint64_t size = 0;

	if (fail) {
		return EINVAL;
	}
	if (!res || res->mapped) {
		return -EINVAL;
	}
	res->mapped = map_bytes(res, &size);
	if (!res->mapped) {
		return -EINVAL;
	}
	res->map_size = size;
	*map = res->mapped;
	*out_size = size;
	return 0;
}

int virgl_renderer_resource_unmap(uint32_t res_handle)
{
	const bool fail = called("virgl_renderer_resource_unmap", "res=%" PRIu32, res_handle);
	struct resource *res = resource_find(res_handle);

	if (fail) {
		return EINVAL;
	}
	if (!res || !res->mapped) {
		return -EINVAL;
	}
	if (!res->store) {
		munmap(res->mapped, res->map_size);
	}
	res->mapped = NULL;
	return 0;
}

int virgl_renderer_resource_get_map_info(uint32_t res_handle, uint32_t *map_info)
{
	const bool fail =
		called("virgl_renderer_resource_get_map_info", "res=%" PRIu32, res_handle);
	const struct resource *res = resource_find(res_handle);

	if (fail) {
		return EINVAL;
	}
	if (!res || !(res->map_info & VIRGL_RENDERER_MAP_CACHE_MASK)) {
		return -EINVAL;
	}
	*map_info = res->map_info;
	return 0;
}

int virgl_renderer_resource_export_blob(uint32_t res_id, uint32_t *fd_type, int *fd)
{
	const bool fail = called("virgl_renderer_resource_export_blob", "res=%" PRIu32, res_id);
	const struct resource *res = resource_find(res_id);

	if (fail) {
		return EINVAL;
	}
	/* only what came as a file descriptor can leave as one */
	if (!res || res->fd < 0) {
		return -EINVAL;
	}
	*fd = fcntl(res->fd, F_DUPFD_CLOEXEC, 0);
	*fd_type = res->fd_type;
	return *fd >= 0 ? 0 : -EINVAL;
}

int virgl_renderer_resource_import_blob(
	const struct virgl_renderer_resource_import_blob_args *args)
{
	const bool fail = called("virgl_renderer_resource_import_blob",
		"res=%" PRIu32 " mem=%" PRIu32 " fd_type=%" PRIu32 " size=%" PRIu64,
		args->res_handle, args->blob_mem, args->fd_type, args->size);
	struct resource *res;

	if (fail) {
		return EINVAL;
	}
	if (args->res_handle == 0 || resource_find(args->res_handle) || args->fd < 0 ||
		!args->size) {
		return -EINVAL;
	}
	if (args->blob_mem != VIRGL_RENDERER_BLOB_MEM_HOST3D &&
		args->blob_mem != VIRGL_RENDERER_BLOB_MEM_GUEST_VRAM) {
		return -EINVAL;
	}
	if (args->fd_type < VIRGL_RENDERER_BLOB_FD_TYPE_DMABUF ||
		args->fd_type > VIRGL_RENDERER_BLOB_FD_TYPE_SHM) {
		return -EINVAL;
	}
	res = resource_add(args->res_handle, NULL, NULL, 0);
	if (!res) {
		return -ENOMEM;
	}
	res->fd = args->fd;
	res->fd_type = args->fd_type;
	res->map_size = args->size;
	return 0;
}

/* The id has 32 bits before virglrenderer 1.1, which no caller notices. */
int export_fence(uint64_t client_fence_id, int *fd) __asm__("virgl_renderer_export_fence");
int export_fence(uint64_t client_fence_id, int *fd)
{
	(void)fd;
	return called("virgl_renderer_export_fence", "fence=%" PRIu32,
		       (uint32_t)client_fence_id)
		       ? EINVAL
		       : -EINVAL;
}

int virgl_renderer_context_create_fence(
	uint32_t ctx_id, uint32_t flags, uint32_t ring_idx, uint64_t fence_id)
{
	if (called("virgl_renderer_context_create_fence",
		    "ctx=%" PRIu32 " flags=0x%" PRIx32 " ring=%" PRIu32 " fence=%" PRIu64,
		    ctx_id, flags, ring_idx, fence_id)) {
		return EINVAL;
	}
	if (!context_find(ctx_id) || ring_idx) {
		return -EINVAL;
	}
	return fence_add(&(struct fence){
		.per_context = true, .ctx_id = ctx_id, .ring_idx = ring_idx, .id = fence_id});
}

void virgl_renderer_context_poll(uint32_t ctx_id)
{
	/* upstream retires those of the other contexts too */
	if (!called("virgl_renderer_context_poll", "ctx=%" PRIu32, ctx_id) &&
		context_find(ctx_id) && !fences.threaded) {
		fences_retire_all();
	}
}

int virgl_renderer_context_get_poll_fd(uint32_t ctx_id)
{
	const bool fail = called("virgl_renderer_context_get_poll_fd", "ctx=%" PRIu32, ctx_id);

	return !fail && context_find(ctx_id) ? fences.eventfd : -1;
}

/*
 * What virglrenderer 1.x added. The assembler names keep these apart from the prototypes of a
 * header that has them, whose types differ from release to release.
 */

struct stub_resource_info_ext {
	int version;
	struct virgl_renderer_resource_info base;
	bool has_dmabuf_export;
	int planes;
	uint64_t modifiers;
	void *d3d_tex2d;
};

VIRGL_EXPORT int stub_submit_cmd2(void *buffer, int ctx_id, int ndw, uint64_t *in_fence_ids,
	uint32_t num_in_fences) __asm__("virgl_renderer_submit_cmd2");
VIRGL_EXPORT int stub_export_signalled_fence(void) __asm__(
	"virgl_renderer_export_signalled_fence");
VIRGL_EXPORT int stub_resource_get_info_ext(int res_handle,
	struct stub_resource_info_ext *info) __asm__("virgl_renderer_resource_get_info_ext");
VIRGL_EXPORT void stub_set_log_callback(
	void (*log_cb)(int level, const char *message, void *user_data), void *user_data,
	void (*free_cb)(void *user_data)) __asm__("virgl_set_log_callback");

int stub_submit_cmd2(
	void *buffer, int ctx_id, int ndw, uint64_t *in_fence_ids, uint32_t num_in_fences)
{
	const bool fail = called("virgl_renderer_submit_cmd2",
		"ctx=%d ndw=%d hash=%016" PRIx64 " fences=%" PRIu32 " first=%" PRIu64, ctx_id,
		ndw, hash_for_log(buffer, ndw), num_in_fences,
		num_in_fences ? in_fence_ids[0] : 0);
	struct context *ctx = context_find((uint32_t)ctx_id);

	count_submit();
	if (fail || !ctx) {
		return EINVAL;
	}
	if ((uintptr_t)buffer & 3) {
		return EFAULT;
	}
	if (ndw < 0 || (unsigned)ndw > UINT32_MAX / sizeof(uint32_t)) {
		return EINVAL;
	}
	/* vrend contexts do not share fences */
	if (num_in_fences) {
		return -EINVAL;
	}
	return submit(ctx, buffer, (uint32_t)ndw);
}

int stub_export_signalled_fence(void)
{
	called_plain("virgl_renderer_export_signalled_fence");
	return -1;
}

int stub_resource_get_info_ext(int res_handle, struct stub_resource_info_ext *info)
{
	int ret;

	if (called("virgl_renderer_resource_get_info_ext", "res=%d", res_handle) || !info) {
		return EINVAL;
	}
	ret = get_info(res_handle, &info->base);
	if (ret) {
		return ret;
	}
	info->version = 0;
	info->has_dmabuf_export = false;
	info->planes = 1;
	info->modifiers = 0;
	info->d3d_tex2d = NULL;
	return 0;
}

void stub_set_log_callback(void (*log_cb)(int level, const char *message, void *user_data),
	void *user_data, void (*free_cb)(void *user_data))
{
	static void *old_data;
	static void (*old_free)(void *user_data);

	called("virgl_set_log_callback", "cb=%s", log_cb ? "set" : "null");
	if (old_free) {
		old_free(old_data);
	}
	old_free = free_cb;
	old_data = user_data;
}
