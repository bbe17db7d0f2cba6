/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRGL_API_H
#define VGT_VIRGL_API_H

#include <stdint.h>

/*
 * Functions of virglrenderer that the interposer looks behind: everything that changes what the
 * guest can see. VIRGL_API(result, name, parameters). Functions that leave that alone
 * (get_info, get_poll_fd, get_fd_for_texture, export_*, get_map_info, priv, cursor data, rect,
 * execute, force_ctx_0, debug callback) are not interposed at all; FORMAT.md, "virglrenderer
 * calls".
 *
 * Declared in virglrenderer.h of 0.10.4 except for submit_cmd2, which is of 1.1.
 */
struct virgl_renderer_callbacks;
struct virgl_renderer_resource_create_args;
struct virgl_renderer_resource_create_blob_args;
struct virgl_renderer_resource_import_blob_args;
struct virgl_box;
struct iovec;

#define VIRGL_API_LIST(VIRGL_API) \
	VIRGL_API(int, init, (void *cookie, int flags, struct virgl_renderer_callbacks *cb)) \
	VIRGL_API(void, cleanup, (void *cookie)) \
	VIRGL_API(void, reset, (void)) \
	VIRGL_API(void, poll, (void)) \
	VIRGL_API(void, context_poll, (uint32_t ctx_id)) \
	VIRGL_API(void, get_cap_set, (uint32_t set, uint32_t * max_ver, uint32_t * max_size)) \
	VIRGL_API(void, fill_caps, (uint32_t set, uint32_t version, void *caps)) \
	VIRGL_API(int, context_create, (uint32_t handle, uint32_t nlen, const char *name)) \
	VIRGL_API(int, context_create_with_flags, \
		(uint32_t ctx_id, uint32_t ctx_flags, uint32_t nlen, const char *name)) \
	VIRGL_API(void, context_destroy, (uint32_t handle)) \
	VIRGL_API(int, submit_cmd, (void *buffer, int ctx_id, int ndw)) \
	VIRGL_API(int, submit_cmd2, \
		(void *buffer, int ctx_id, int ndw, uint64_t *in_fence_ids, \
			uint32_t num_in_fences)) \
	VIRGL_API(int, resource_create, \
		(struct virgl_renderer_resource_create_args * args, struct iovec * iov, \
			uint32_t num_iovs)) \
	VIRGL_API(int, resource_import_eglimage, \
		(struct virgl_renderer_resource_create_args * args, void *image)) \
	VIRGL_API(int, resource_create_blob, \
		(const struct virgl_renderer_resource_create_blob_args *args)) \
	VIRGL_API(int, resource_import_blob, \
		(const struct virgl_renderer_resource_import_blob_args *args)) \
	VIRGL_API(void, resource_unref, (uint32_t res_handle)) \
	VIRGL_API(int, resource_attach_iov, (int res_handle, struct iovec *iov, int num_iovs)) \
	VIRGL_API(void, resource_detach_iov, \
		(int res_handle, struct iovec **iov, int *num_iovs)) \
	VIRGL_API(int, resource_map, (uint32_t res_handle, void **map, uint64_t *out_size)) \
	VIRGL_API(int, resource_unmap, (uint32_t res_handle)) \
	VIRGL_API(void, ctx_attach_resource, (int ctx_id, int res_handle)) \
	VIRGL_API(void, ctx_detach_resource, (int ctx_id, int res_handle)) \
	VIRGL_API(int, transfer_write_iov, \
		(uint32_t handle, uint32_t ctx_id, int level, uint32_t stride, \
			uint32_t layer_stride, struct virgl_box *box, uint64_t offset, \
			struct iovec *iov, unsigned int iov_count)) \
	VIRGL_API(int, transfer_read_iov, \
		(uint32_t handle, uint32_t ctx_id, uint32_t level, uint32_t stride, \
			uint32_t layer_stride, struct virgl_box * box, uint64_t offset, \
			struct iovec * iov, int iov_count)) \
	VIRGL_API(int, create_fence, (int client_fence_id, uint32_t ctx_id)) \
	VIRGL_API(int, context_create_fence, \
		(uint32_t ctx_id, uint32_t flags, uint32_t ring_idx, uint64_t fence_id))

#endif
