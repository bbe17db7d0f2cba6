/* SPDX-License-Identifier: MIT */
/*
 * The winsys of Mesa's virgl driver over the escape ABI: virgl_winsys.h carried out by requests
 * of vgt_escape.h. One client and one context of the device per screen; Gallium's contexts are
 * sub-contexts of that, as they are with virgl on Linux.
 *
 * A fence of a client is a number that only grows, so what a resource waits for is the number
 * of the last request that it was in, and most questions whether it is busy need no escape.
 */
#include <windows.h>

#include "escape_transport.h"
#include "virgl_escape_public.h"

/* virgl's headers need what they do not include */
#include "c11/threads.h"
#include "pipe/p_state.h"
#include "util/format/u_format.h"
#include "util/os_time.h"
#include "util/set.h"
#include "util/u_atomic.h"
#include "util/u_debug.h"
#include "util/u_inlines.h"
#include "util/u_math.h"
#include "util/u_memory.h"
#include "util/u_process.h"

#include "virgl/virgl_public.h"
#include "virgl/virgl_winsys.h"
#include "virgl_resource_cache.h"

#define CAPSET_VIRGL  1u
#define CAPSET_VIRGL2 2u
#define CAPSET_MAX    65536u /* bytes; no device has as many */

#define CACHE_USECS 1000000u

/* Of one submit's list; more is legal, but need not be told. */
#define LIST_MAX 4096u

/* How often a request is tried while there is no room in the device's queue, for 5 s each time:
 * as long as who waits without end waits for a fence. */
#define BUSY_TRIES 12

#define COMPLAINTS_MAX 16

struct virgl_hw_res {
	struct pipe_reference reference;
	struct virgl_resource_cache_entry cache_entry;
	uint32_t handle;      /* for requests */
	uint32_t resource_id; /* for virgl commands */
	enum pipe_format format;
	uint32_t bind, width, height;
	uint64_t size;  /* bytes that the backing has, or will have */
	void *map;      /* NULL: no backing yet */
	bool is_dead;   /* map is memory of this process, for the device is lost */
	uint64_t fence; /* of the last request that used it, 0: none */
	int references; /* of command buffers that are not submitted yet */
};

struct escape_winsys {
	struct virgl_winsys base;
	struct escape_transport *transport;
	uint32_t ctx;
	uint32_t list_max;
	struct virgl_drm_caps caps;
	int lost;    /* nothing but destroying makes sense any more */
	int refused; /* commands or data did not get there or back: pictures may be wrong */
	int complaints;

	mtx_t mutex; /* recursive; of all that follows, and of fence and map of resources */
	uint64_t retired;
	struct virgl_resource_cache cache;
};

struct escape_fence {
	struct pipe_reference reference;
	uint64_t number;
};

/*
 * Room for the request comes first, so that it can be put right before the commands however
 * long the list of resources is.
 */
struct escape_cmd_buf {
	struct virgl_cmd_buf base; /* buf points behind the room */
	struct escape_winsys *winsys;
	struct set *resources; /* struct virgl_hw_res, a reference each */
	uint8_t *memory;
};

#define ROOM (sizeof(struct vgt_escape_submit_3d) + LIST_MAX * sizeof(uint32_t))

static struct escape_winsys *escape_winsys(struct virgl_winsys *winsys)
{
	return (struct escape_winsys *)winsys;
}

/* Of a request that failed; not for ever, for a program that nobody draws for goes on. */
static void complain(struct escape_winsys *winsys, const char *request,
	enum vgt_escape_status status, uint32_t response)
{
	if (status == VGT_ESCAPE_DEVICE_LOST) {
		p_atomic_set(&winsys->lost, 1);
	}
	if (p_atomic_inc_return(&winsys->complaints) > COMPLAINTS_MAX) {
		return;
	}
	_debug_printf("vgt: %s failed: status %u, response 0x%x\n", request, status, response);
}

/* Whether a picture is wrong without it. */
static bool carries_content(enum vgt_escape_request request)
{
	return request == VGT_ESCAPE_SUBMIT_3D || request == VGT_ESCAPE_TRANSFER_TO_HOST_3D ||
	       request == VGT_ESCAPE_TRANSFER_FROM_HOST_3D;
}

/* A request without data of its own behind the structure. */
#define CALL(winsys, request, flags, structure) \
	call(winsys, #request, VGT_ESCAPE_##request, flags, &(structure), sizeof(structure))

static enum vgt_escape_status call_patiently(struct escape_winsys *winsys,
	enum vgt_escape_request request, uint32_t flags, void *buffer, uint32_t size)
{
	for (int i = 0; i < BUSY_TRIES; i++) {
		enum vgt_escape_status status =
			escape_call(winsys->transport, request, flags, buffer, size);
		if (status != VGT_ESCAPE_BUSY) {
			return status;
		}
	}
	return VGT_ESCAPE_DEVICE_LOST;
}

/* What only waits to be used again counts against the client's limits. */
static void drop_cache(struct escape_winsys *winsys)
{
	mtx_lock(&winsys->mutex);
	virgl_resource_cache_flush(&winsys->cache);
	mtx_unlock(&winsys->mutex);
}

static bool call(struct escape_winsys *winsys, const char *name,
	enum vgt_escape_request request, uint32_t flags, void *buffer, uint32_t size)
{
	const struct vgt_escape_header *header = buffer;
	bool destroys =
		request == VGT_ESCAPE_RESOURCE_DESTROY || request == VGT_ESCAPE_CTX_DESTROY;
	enum vgt_escape_status status;

	if (p_atomic_read(&winsys->lost) && !destroys) {
		return false;
	}
	status = call_patiently(winsys, request, flags, buffer, size);
	if ((status == VGT_ESCAPE_OVER_LIMIT || status == VGT_ESCAPE_NO_MEMORY) && !destroys) {
		drop_cache(winsys);
		status = call_patiently(winsys, request, flags, buffer, size);
	}
	if (status != VGT_ESCAPE_OK) {
		complain(winsys, name, status, header->response);
		if (carries_content(request)) {
			p_atomic_set(&winsys->refused, 1);
		}
	}
	return status == VGT_ESCAPE_OK;
}

/* Fences */

/* Whether the fence has retired in that time; also where there is no device any more that could
 * retire it. */
static bool wait_fence(struct escape_winsys *winsys, uint64_t number, uint64_t timeout_ns)
{
	struct vgt_escape_fence fence = {
		.wanted = number,
		.timeout_ns = MIN2(timeout_ns, VGT_ESCAPE_TIMEOUT_MAX),
	};
	enum vgt_escape_status status;
	bool retired;

	mtx_lock(&winsys->mutex);
	retired = number <= winsys->retired;
	mtx_unlock(&winsys->mutex);
	if (retired || p_atomic_read(&winsys->lost)) {
		return true;
	}
	status = escape_call(winsys->transport,
		timeout_ns ? VGT_ESCAPE_FENCE_WAIT : VGT_ESCAPE_FENCE_QUERY, 0, &fence,
		sizeof(fence));
	if (status == VGT_ESCAPE_TIMED_OUT && timeout_ns >= VGT_ESCAPE_TIMEOUT_MAX) {
		/* who waits without end must not: a driver's own patience ends before */
		status = VGT_ESCAPE_DEVICE_LOST;
	}
	switch (status) {
	case VGT_ESCAPE_HOST_ERROR:
	case VGT_ESCAPE_HOST_INVALID:
		complain(winsys, "fenced request", status, fence.header.response);
		break;
	case VGT_ESCAPE_OK:
	case VGT_ESCAPE_PENDING:
	case VGT_ESCAPE_TIMED_OUT:
		break;
	default:
		complain(winsys, "FENCE_WAIT", status, fence.header.response);
		/* whoever waited goes on, without knowing what was drawn */
		p_atomic_set(&winsys->refused, 1);
		return true;
	}
	if (fence.failed) {
		p_atomic_set(&winsys->refused, 1);
	}
	mtx_lock(&winsys->mutex);
	winsys->retired = MAX2(winsys->retired, fence.retired);
	mtx_unlock(&winsys->mutex);
	return number <= fence.retired;
}

/* A number of 0 has retired from the beginning. */
static struct pipe_fence_handle *create_fence(uint64_t number)
{
	struct escape_fence *fence = CALLOC_STRUCT(escape_fence);
	if (fence) {
		pipe_reference_init(&fence->reference, 1);
		fence->number = number;
	}
	return (struct pipe_fence_handle *)fence;
}

static bool escape_fence_wait(
	struct virgl_winsys *winsys, struct pipe_fence_handle *handle, uint64_t timeout)
{
	const struct escape_fence *fence = (struct escape_fence *)handle;
	return wait_fence(escape_winsys(winsys), fence->number, timeout);
}

static void escape_fence_reference(struct virgl_winsys *winsys, struct pipe_fence_handle **to,
	struct pipe_fence_handle *from)
{
	struct escape_fence *old = (struct escape_fence *)*to;
	struct escape_fence *new = (struct escape_fence *)from;

	(void)winsys;
	if (pipe_reference(old ? &old->reference : NULL, new ? &new->reference : NULL)) {
		FREE(old);
	}
	*to = from;
}

static int escape_fence_get_fd(struct virgl_winsys *winsys, struct pipe_fence_handle *fence)
{
	(void)winsys;
	(void)fence;
	return -1; /* PIPE_CAP_NATIVE_FENCE_FD is not offered */
}

/* Resources */

/* The kinds that programs make and drop all the time, as virgl's winsys on Linux has it. */
static bool is_cached(uint32_t bind)
{
	switch (bind) {
	case 0:
	case VIRGL_BIND_CONSTANT_BUFFER:
	case VIRGL_BIND_CUSTOM:
	case VIRGL_BIND_DEPTH_STENCIL:
	case VIRGL_BIND_INDEX_BUFFER:
	case VIRGL_BIND_RENDER_TARGET:
	case VIRGL_BIND_STAGING:
	case VIRGL_BIND_VERTEX_BUFFER:
		return true;
	default:
		return false;
	}
}

static struct virgl_hw_res *entry_resource(struct virgl_resource_cache_entry *entry)
{
	return (struct virgl_hw_res *)((char *)entry -
				       offsetof(struct virgl_hw_res, cache_entry));
}

/* The mapping and the backing go with it. */
static void destroy_resource(struct escape_winsys *winsys, struct virgl_hw_res *res)
{
	struct vgt_escape_resource request = {.resource = res->handle};
	if (res->is_dead) {
		FREE(res->map);
	}
	if (res->handle) {
		CALL(winsys, RESOURCE_DESTROY, 0, request);
	}
	FREE(res);
}

static boolean escape_resource_is_busy(struct virgl_winsys *base, struct virgl_hw_res *res)
{
	return !wait_fence(escape_winsys(base), p_atomic_read(&res->fence), 0);
}

static void escape_resource_wait(struct virgl_winsys *base, struct virgl_hw_res *res)
{
	wait_fence(escape_winsys(base), p_atomic_read(&res->fence), PIPE_TIMEOUT_INFINITE);
}

static bool cached_is_busy(struct virgl_resource_cache_entry *entry, void *user_data)
{
	struct escape_winsys *winsys = user_data;
	return escape_resource_is_busy(&winsys->base, entry_resource(entry));
}

static void cached_release(struct virgl_resource_cache_entry *entry, void *user_data)
{
	destroy_resource(user_data, entry_resource(entry));
}

/*
 * A size of 0: it never has a backing. Mesa does not live long without memory for its buffers:
 * where the device is lost they have some that nobody reads, until the program ends.
 */
static void *map_resource(struct escape_winsys *winsys, struct virgl_hw_res *res)
{
	struct vgt_escape_attach_backing attach = {.resource = res->handle, .size = res->size};
	struct vgt_escape_resource_map map = {.resource = res->handle};

	mtx_lock(&winsys->mutex);
	if (!res->map && res->size && CALL(winsys, RESOURCE_ATTACH_BACKING, 0, attach) &&
		CALL(winsys, RESOURCE_MAP, 0, map)) {
		res->map = (void *)(uintptr_t)map.address;
	}
	if (!res->map && res->size && p_atomic_read(&winsys->lost)) {
		res->map = CALLOC(1, res->size);
		res->is_dead = true;
	}
	mtx_unlock(&winsys->mutex);
	return res->map;
}

static void *escape_resource_map(struct virgl_winsys *base, struct virgl_hw_res *res)
{
	return map_resource(escape_winsys(base), res);
}

/*
 * Rows of what goes to a window are 4-byte aligned, as GDI wants them. virgl asks for one byte
 * only where it has other ways to read and write a texture, but presenting reads all of it.
 */
static uint32_t present_stride(const struct virgl_hw_res *res)
{
	return align(util_format_get_stride(res->format, res->width), 4);
}

static uint64_t backing_size(const struct virgl_hw_res *res, uint32_t size)
{
	if (!(res->bind & (VIRGL_BIND_DISPLAY_TARGET | VIRGL_BIND_SCANOUT))) {
		return size;
	}
	return MAX2((uint64_t)size, (uint64_t)present_stride(res) * res->height);
}

static struct virgl_hw_res *create_resource(
	struct escape_winsys *winsys, const struct virgl_resource_params *params)
{
	struct vgt_escape_resource_create_3d create = {
		.target = params->target,
		.format = pipe_to_virgl_format(params->format),
		.bind = params->bind,
		.width = params->width,
		.height = params->height,
		.depth = params->depth,
		.array_size = params->array_size,
		.last_level = params->last_level,
		.nr_samples = params->nr_samples,
	};
	struct vgt_escape_ctx_resource attach = {.ctx = winsys->ctx};
	struct virgl_hw_res *res = CALLOC_STRUCT(virgl_hw_res);

	if (!res || (!CALL(winsys, RESOURCE_CREATE_3D, 0, create) &&
			    !p_atomic_read(&winsys->lost))) {
		FREE(res);
		return NULL;
	}
	pipe_reference_init(&res->reference, 1);
	virgl_resource_cache_entry_init(&res->cache_entry, *params);
	res->handle = create.resource;
	res->resource_id = create.resource_id;
	res->format = params->format;
	res->bind = params->bind;
	res->width = params->width;
	res->height = params->height;
	res->size = backing_size(res, params->size);
	attach.resource = res->handle;
	if (!CALL(winsys, CTX_ATTACH_RESOURCE, 0, attach) && !p_atomic_read(&winsys->lost)) {
		goto error;
	}
	/* Commands write into buffers, queries for one, that nobody may have mapped yet;
	   textures are only transferred to and from what was mapped. */
	if (params->target == PIPE_BUFFER && !map_resource(winsys, res)) {
		goto error;
	}
	return res;
error:
	destroy_resource(winsys, res);
	return NULL;
}

static struct virgl_hw_res *escape_resource_create(struct virgl_winsys *base,
	enum pipe_texture_target target, const void *map_front_private, uint32_t format,
	uint32_t bind, uint32_t width, uint32_t height, uint32_t depth, uint32_t array_size,
	uint32_t last_level, uint32_t nr_samples, uint32_t flags, uint32_t size)
{
	struct escape_winsys *winsys = escape_winsys(base);
	struct virgl_resource_cache_entry *entry = NULL;
	struct virgl_resource_params params;

	(void)map_front_private;
	/* they are compared as bytes */
	memset(&params, 0, sizeof(params));
	params.size = size;
	params.bind = bind;
	params.format = format;
	params.flags = flags;
	/* the WGL frontend says 1 for what the host knows as 0 */
	params.nr_samples = nr_samples > 1 ? nr_samples : 0;
	params.width = width;
	params.height = height;
	params.depth = depth;
	params.array_size = array_size;
	params.last_level = last_level;
	params.target = target;
	if (is_cached(bind)) {
		mtx_lock(&winsys->mutex);
		entry = virgl_resource_cache_remove_compatible(&winsys->cache, params);
		mtx_unlock(&winsys->mutex);
	}
	if (entry) {
		pipe_reference_init(&entry_resource(entry)->reference, 1);
		return entry_resource(entry);
	}
	return create_resource(winsys, &params);
}

static void escape_resource_reference(
	struct virgl_winsys *base, struct virgl_hw_res **to, struct virgl_hw_res *from)
{
	struct escape_winsys *winsys = escape_winsys(base);
	struct virgl_hw_res *old = *to;

	if (pipe_reference(old ? &old->reference : NULL, from ? &from->reference : NULL)) {
		if (is_cached(old->bind)) {
			mtx_lock(&winsys->mutex);
			virgl_resource_cache_add(&winsys->cache, &old->cache_entry);
			mtx_unlock(&winsys->mutex);
		} else {
			destroy_resource(winsys, old);
		}
	}
	*to = from;
}

/* Nothing is shared with other processes. */
static struct virgl_hw_res *escape_resource_create_from_handle(struct virgl_winsys *winsys,
	struct winsys_handle *handle, uint32_t *plane, uint32_t *stride, uint32_t *plane_offset,
	uint64_t *modifier, uint32_t *blob_mem)
{
	(void)winsys, (void)handle, (void)plane, (void)stride, (void)plane_offset;
	(void)modifier, (void)blob_mem;
	return NULL;
}

static boolean escape_resource_get_handle(struct virgl_winsys *winsys, struct virgl_hw_res *res,
	uint32_t stride, struct winsys_handle *handle)
{
	(void)winsys, (void)res, (void)stride, (void)handle;
	return FALSE;
}

static uint32_t escape_resource_get_storage_size(
	struct virgl_winsys *winsys, struct virgl_hw_res *res)
{
	(void)winsys;
	return (uint32_t)res->size;
}

/* Transfers */

static struct vgt_escape_transfer_3d make_transfer(struct escape_winsys *winsys,
	const struct virgl_hw_res *res, const struct pipe_box *box, uint32_t offset,
	uint32_t level)
{
	/* without strides: virgl has levels in memory as the host assumes them */
	return (struct vgt_escape_transfer_3d){
		.ctx = winsys->ctx,
		.resource = res->handle,
		.x = box->x,
		.y = box->y,
		.z = box->z,
		.w = box->width,
		.h = box->height,
		.d = box->depth,
		.offset = offset,
		.level = level,
	};
}

static void use_resource(struct escape_winsys *winsys, struct virgl_hw_res *res, uint64_t fence)
{
	mtx_lock(&winsys->mutex);
	res->fence = MAX2(res->fence, fence);
	mtx_unlock(&winsys->mutex);
}

static int escape_transfer_put(struct virgl_winsys *base, struct virgl_hw_res *res,
	const struct pipe_box *box, uint32_t stride, uint32_t layer_stride, uint32_t offset,
	uint32_t level)
{
	struct escape_winsys *winsys = escape_winsys(base);
	struct vgt_escape_transfer_3d put = make_transfer(winsys, res, box, offset, level);

	(void)stride, (void)layer_stride;
	if (!CALL(winsys, TRANSFER_TO_HOST_3D, VGT_ESCAPE_FLAG_FENCE, put)) {
		return -1;
	}
	use_resource(winsys, res, put.header.fence);
	return 0;
}

/* Who reads back waits for it at once; without a fence QEMU answers as soon as it is done, and
 * not when it next looks after fences. */
static int escape_transfer_get(struct virgl_winsys *base, struct virgl_hw_res *res,
	const struct pipe_box *box, uint32_t stride, uint32_t layer_stride, uint32_t offset,
	uint32_t level)
{
	struct escape_winsys *winsys = escape_winsys(base);
	struct vgt_escape_transfer_3d get = make_transfer(winsys, res, box, offset, level);

	(void)stride, (void)layer_stride;
	return CALL(winsys, TRANSFER_FROM_HOST_3D, 0, get) ? 0 : -1;
}

/* Presenting */

struct bitmap_info {
	BITMAPINFOHEADER header;
	DWORD masks[3]; /* red, green, blue */
};

/* Of what has more bits than GDI knows, pbuffers of floating point numbers, nothing can be
 * shown. */
static bool is_presentable(const struct virgl_hw_res *res)
{
	return util_format_get_blocksizebits(res->format) <= 32;
}

static struct bitmap_info describe_bitmap(const struct virgl_hw_res *res)
{
	const struct util_format_description *format = util_format_description(res->format);
	struct bitmap_info info = {
		.header = {
			.biSize = sizeof(BITMAPINFOHEADER),
			.biWidth = (LONG)res->width,
			.biHeight = -(LONG)res->height, /* the first row is the upper one */
			.biPlanes = 1,
			.biBitCount = (WORD)format->block.bits,
			.biCompression = BI_BITFIELDS,
		}};
	for (unsigned i = 0; i < 3; i++) {
		const struct util_format_channel_description *channel =
			&format->channel[format->swizzle[i]];
		info.masks[i] = (DWORD)(((UINT64_C(1) << channel->size) - 1) << channel->shift);
	}
	return info;
}

/* A trace of the host knows its frames by this marker, where the host has markers. */
static void mark_frame(struct escape_winsys *winsys, const struct virgl_hw_res *res)
{
	struct {
		struct vgt_escape_mark mark;
		char text[32];
	} request = {.mark.ctx = winsys->ctx};

	if (!(winsys->caps.caps.v2.capability_bits_v2 & VIRGL_CAP_V2_STRING_MARKER)) {
		return;
	}
	request.mark.text_size = (uint32_t)snprintf(
		request.text, sizeof(request.text), "vgt:frame %u", res->resource_id);
	call(winsys, "MARK", VGT_ESCAPE_MARK, 0, &request,
		(uint32_t)sizeof(request.mark) + request.mark.text_size);
}

static void escape_flush_frontbuffer(struct virgl_winsys *base, struct virgl_hw_res *res,
	unsigned level, unsigned layer, void *drawable, struct pipe_box *sub_box)
{
	struct escape_winsys *winsys = escape_winsys(base);
	const struct pipe_box box = {
		.width = (int)res->width, .height = (int16_t)res->height, .depth = 1};
	struct vgt_escape_transfer_3d get = make_transfer(winsys, res, &box, 0, level);
	struct bitmap_info info;

	(void)layer, (void)sub_box;
	if (!is_presentable(res)) {
		return;
	}
	info = describe_bitmap(res);
	if (present_stride(res) != util_format_get_stride(res->format, res->width)) {
		get.stride = present_stride(res);
	}
	mark_frame(winsys, res);
	if (map_resource(winsys, res) && CALL(winsys, TRANSFER_FROM_HOST_3D, 0, get)) {
		StretchDIBits(drawable, 0, 0, (int)res->width, (int)res->height, 0, 0,
			(int)res->width, (int)res->height, res->map, (BITMAPINFO *)&info,
			DIB_RGB_COLORS, SRCCOPY);
	}
}

/* Command buffers */

static struct escape_cmd_buf *escape_cmd_buf(struct virgl_cmd_buf *buf)
{
	return (struct escape_cmd_buf *)buf;
}

static struct virgl_cmd_buf *escape_cmd_buf_create(struct virgl_winsys *base, uint32_t dwords)
{
	struct escape_cmd_buf *buf = CALLOC_STRUCT(escape_cmd_buf);
	if (!buf) {
		return NULL;
	}
	buf->winsys = escape_winsys(base);
	buf->resources = _mesa_pointer_set_create(NULL);
	buf->memory = CALLOC(1, ROOM + (size_t)dwords * 4);
	if (!buf->resources || !buf->memory) {
		_mesa_set_destroy(buf->resources, NULL);
		FREE(buf->memory);
		FREE(buf);
		return NULL;
	}
	buf->base.buf = (uint32_t *)(buf->memory + ROOM);
	return &buf->base;
}

/* They were used by the request with this fence, 0: by none. */
static void release_resources(struct escape_cmd_buf *buf, uint64_t fence)
{
	struct escape_winsys *winsys = buf->winsys;

	mtx_lock(&winsys->mutex);
	set_foreach(buf->resources, entry)
	{
		struct virgl_hw_res *res = (struct virgl_hw_res *)entry->key;
		res->fence = MAX2(res->fence, fence);
	}
	mtx_unlock(&winsys->mutex);
	set_foreach(buf->resources, entry)
	{
		struct virgl_hw_res *res = (struct virgl_hw_res *)entry->key;
		p_atomic_dec(&res->references);
		escape_resource_reference(&winsys->base, &res, NULL);
	}
	_mesa_set_clear(buf->resources, NULL);
}

static void escape_cmd_buf_destroy(struct virgl_cmd_buf *base)
{
	struct escape_cmd_buf *buf = escape_cmd_buf(base);

	release_resources(buf, 0);
	_mesa_set_destroy(buf->resources, NULL);
	FREE(buf->memory);
	FREE(buf);
}

static void escape_emit_res(struct virgl_winsys *base, struct virgl_cmd_buf *cmd_buf,
	struct virgl_hw_res *res, boolean write_buffer)
{
	struct escape_cmd_buf *buf = escape_cmd_buf(cmd_buf);
	struct virgl_hw_res *reference = NULL;
	bool found;

	if (write_buffer) {
		cmd_buf->buf[cmd_buf->cdw++] = res->resource_id;
	}
	if (_mesa_set_search_or_add(buf->resources, res, &found) && !found) {
		escape_resource_reference(base, &reference, res);
		p_atomic_inc(&res->references);
	}
}

static boolean escape_res_is_referenced(
	struct virgl_winsys *base, struct virgl_cmd_buf *buf, struct virgl_hw_res *res)
{
	(void)base, (void)buf;
	return p_atomic_read(&res->references) != 0;
}

/* The request with the commands of `buf`, in front of which it lies; *size is all of it. */
static struct vgt_escape_submit_3d *make_submit(struct escape_cmd_buf *buf, uint32_t *size)
{
	uint32_t count = MIN2(buf->resources->entries, buf->winsys->list_max);
	uint32_t list = align(count * (uint32_t)sizeof(uint32_t), 8);
	uint8_t *memory = buf->memory + ROOM - list - sizeof(struct vgt_escape_submit_3d);
	struct vgt_escape_submit_3d *submit = (struct vgt_escape_submit_3d *)memory;
	uint32_t *handles = (uint32_t *)(submit + 1);

	*submit = (struct vgt_escape_submit_3d){
		.ctx = buf->winsys->ctx,
		.num_resources = count,
		.commands_size = buf->base.cdw * 4,
	};
	if (count % 2) {
		handles[count] = 0;
	}
	set_foreach(buf->resources, entry)
	{
		if (!count) {
			break;
		}
		handles[--count] = ((const struct virgl_hw_res *)entry->key)->handle;
	}
	*size = (uint32_t)sizeof(*submit) + list + submit->commands_size;
	return submit;
}

static int escape_submit_cmd(struct virgl_winsys *base, struct virgl_cmd_buf *cmd_buf,
	struct pipe_fence_handle **fence)
{
	struct escape_winsys *winsys = escape_winsys(base);
	struct escape_cmd_buf *buf = escape_cmd_buf(cmd_buf);
	struct vgt_escape_submit_3d *submit;
	uint64_t number = 0;
	uint32_t size;
	int result = 0;

	if (cmd_buf->cdw) {
		submit = make_submit(buf, &size);
		if (call(winsys, "SUBMIT_3D", VGT_ESCAPE_SUBMIT_3D, VGT_ESCAPE_FLAG_FENCE,
			    submit, size)) {
			number = submit->header.fence;
		} else {
			result = -1;
		}
	}
	release_resources(buf, number);
	cmd_buf->cdw = 0;
	if (fence) {
		*fence = create_fence(number);
	}
	return result;
}

/* The device */

/* Reads capset `id` into `caps`, as far as it fits. What `size` and the answer say is only as
 * true as the device is sound. */
static bool read_capset(struct escape_winsys *winsys, uint32_t id, uint32_t version,
	uint32_t size, union virgl_caps *caps)
{
	struct vgt_escape_get_capset *get =
		size <= CAPSET_MAX ? CALLOC(1, sizeof(*get) + align(size, 8)) : NULL;
	bool read;

	if (!get) {
		return false;
	}
	get->capset_id = id;
	get->capset_version = version;
	read = call(winsys, "GET_CAPSET", VGT_ESCAPE_GET_CAPSET, 0, get,
		(uint32_t)sizeof(*get) + align(size, 8));
	if (read) {
		memcpy(caps, get + 1, MIN3(get->capset_size, size, sizeof(*caps)));
	}
	FREE(get);
	return read;
}

/* VIRGL2 where the device has it, else VIRGL. */
static bool read_best_capset(struct escape_winsys *winsys, uint32_t num_capsets)
{
	uint32_t best_id = 0, best_version = 0, best_size = 0;

	virgl_ws_fill_new_caps_defaults(&winsys->caps);
	for (uint32_t i = 0; i < num_capsets; i++) {
		struct vgt_escape_get_capset_info info = {.capset_index = i};
		if (!CALL(winsys, GET_CAPSET_INFO, 0, info)) {
			return false;
		}
		if ((info.capset_id == CAPSET_VIRGL || info.capset_id == CAPSET_VIRGL2) &&
			info.capset_id > best_id) {
			best_id = info.capset_id;
			best_version = info.capset_max_version;
			best_size = info.capset_max_size;
		}
	}
	return best_id &&
	       read_capset(winsys, best_id, best_version, best_size, &winsys->caps.caps);
}

static bool escape_is_lost(struct virgl_winsys *base)
{
	struct escape_winsys *winsys = escape_winsys(base);
	return p_atomic_read(&winsys->lost) || p_atomic_read(&winsys->refused);
}

static int escape_get_caps(struct virgl_winsys *base, struct virgl_drm_caps *caps)
{
	*caps = escape_winsys(base)->caps;
	return 0;
}

static bool create_context(struct escape_winsys *winsys)
{
	struct vgt_escape_ctx_create create = {.capset_id = 0};
	const char *name = util_get_process_name();

	create.name_size = name ? (uint32_t)MIN2(strlen(name), sizeof(create.name) - 1) : 0;
	if (name) {
		memcpy(create.name, name, create.name_size);
	}
	if (!CALL(winsys, CTX_CREATE, 0, create)) {
		return false;
	}
	winsys->ctx = create.ctx;
	return true;
}

static void escape_destroy(struct virgl_winsys *base)
{
	struct escape_winsys *winsys = escape_winsys(base);
	struct vgt_escape_ctx_destroy destroy = {.ctx = winsys->ctx};

	mtx_lock(&winsys->mutex);
	virgl_resource_cache_flush(&winsys->cache);
	mtx_unlock(&winsys->mutex);
	if (winsys->ctx) {
		CALL(winsys, CTX_DESTROY, 0, destroy);
	}
	escape_transport_close(winsys->transport);
	mtx_destroy(&winsys->mutex);
	FREE(winsys);
}

static const struct virgl_winsys functions = {
	.supports_fences = 0, /* as file descriptors */
	.supports_encoded_transfers = 1,
	.supports_coherent = 0,
	.destroy = escape_destroy,
	.transfer_put = escape_transfer_put,
	.transfer_get = escape_transfer_get,
	.resource_create = escape_resource_create,
	.resource_reference = escape_resource_reference,
	.resource_map = escape_resource_map,
	.resource_wait = escape_resource_wait,
	.resource_is_busy = escape_resource_is_busy,
	.resource_create_from_handle = escape_resource_create_from_handle,
	.resource_get_handle = escape_resource_get_handle,
	.resource_get_storage_size = escape_resource_get_storage_size,
	.cmd_buf_create = escape_cmd_buf_create,
	.cmd_buf_destroy = escape_cmd_buf_destroy,
	.emit_res = escape_emit_res,
	.submit_cmd = escape_submit_cmd,
	.res_is_referenced = escape_res_is_referenced,
	.get_caps = escape_get_caps,
	.fence_wait = escape_fence_wait,
	.fence_reference = escape_fence_reference,
	.flush_frontbuffer = escape_flush_frontbuffer,
	.fence_get_fd = escape_fence_get_fd,
	.is_lost = escape_is_lost,
};

static struct escape_winsys *create_winsys(void)
{
	struct vgt_escape_get_version version = {.features = 0};
	struct escape_winsys *winsys = CALLOC_STRUCT(escape_winsys);

	if (!winsys) {
		return NULL;
	}
	winsys->base = functions;
	mtx_init(&winsys->mutex, mtx_plain | mtx_recursive);
	virgl_resource_cache_init(
		&winsys->cache, CACHE_USECS, cached_is_busy, cached_release, winsys);
	winsys->transport = escape_transport_open(debug_get_option("VGT_TRANSPORT", NULL));
	if (winsys->transport && CALL(winsys, GET_VERSION, 0, version) &&
		read_best_capset(winsys, version.num_capsets) && create_context(winsys)) {
		winsys->list_max = MIN2(version.submit_resources_max, LIST_MAX);
		return winsys;
	}
	escape_destroy(&winsys->base);
	return NULL;
}

struct pipe_screen *virgl_escape_screen_create(void)
{
	struct escape_winsys *winsys = create_winsys();
	struct pipe_screen *screen;

	if (!winsys) {
		return NULL;
	}
	screen = virgl_create_screen(&winsys->base, NULL);
	if (!screen) {
		escape_destroy(&winsys->base);
	}
	return screen;
}
