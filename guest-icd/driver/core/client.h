/* SPDX-License-Identifier: MIT */
#ifndef VGT_CLIENT_H
#define VGT_CLIENT_H

#include "gpu.h"

/*
 * What one program holds of the device: contexts, resources, backing memory, fences. Handles
 * are a client's own; a handle of another client, or one that was destroyed, is BAD_HANDLE. The
 * functions are the requests of vgt_escape.h with the statuses that are named there, called by
 * any number of threads; they take the lock themselves.
 *
 * The limits are of a client, and `clients` is of the device: the core does not know which
 * clients are the same program's. Who opens them sees to it that no program has so many that
 * others get none.
 */

struct vgt_client;

/* What comes back besides the status. */
struct vgt_answer {
	uint32_t response; /* VIRTIO_GPU_RESP_* where the device answered, else 0 */
	uint64_t fence;    /* of a fenced request */
};

/* `caller` is what the platform's copy and map functions get. NULL: *status is OVER_LIMIT,
 * NO_MEMORY or DEVICE_LOST. */
struct vgt_client *vgt_client_open(
	struct vgt_gpu *gpu, void *caller, enum vgt_escape_status *status);

/*
 * Destroys all that the client holds, as when its program has died in the middle of anything;
 * no other call of the client may be under way. Memory that the device may still use is freed
 * when it has answered, so the client may live on within the core for that long. NULL is
 * nothing.
 */
void vgt_client_close(struct vgt_client *client);

struct vgt_gpu *vgt_client_gpu(const struct vgt_client *client);
void *vgt_client_caller(const struct vgt_client *client);

/* request->header stays as it is. */
enum vgt_escape_status vgt_client_get_version(
	struct vgt_client *client, struct vgt_escape_get_version *request);
enum vgt_escape_status vgt_client_get_capset_info(struct vgt_client *client,
	struct vgt_escape_get_capset_info *request, struct vgt_answer *answer);
/* `capset` has room for `room` bytes; request->capset_size says how many it is. */
enum vgt_escape_status vgt_client_get_capset(struct vgt_client *client,
	struct vgt_escape_get_capset *request, void *capset, uint32_t room,
	struct vgt_answer *answer);

enum vgt_escape_status vgt_client_ctx_create(struct vgt_client *client,
	struct vgt_escape_ctx_create *request, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_ctx_destroy(
	struct vgt_client *client, uint32_t ctx, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_ctx_attach(
	struct vgt_client *client, uint32_t ctx, uint32_t resource, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_ctx_detach(
	struct vgt_client *client, uint32_t ctx, uint32_t resource, struct vgt_answer *answer);

enum vgt_escape_status vgt_client_resource_create_3d(struct vgt_client *client,
	struct vgt_escape_resource_create_3d *request, bool fenced, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_resource_destroy(
	struct vgt_client *client, uint32_t resource, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_attach_backing(
	struct vgt_client *client, uint32_t resource, uint64_t size, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_detach_backing(
	struct vgt_client *client, uint32_t resource, struct vgt_answer *answer);
enum vgt_escape_status vgt_client_map(
	struct vgt_client *client, uint32_t resource, uint64_t *address, uint64_t *size);
enum vgt_escape_status vgt_client_unmap(struct vgt_client *client, uint32_t resource);
enum vgt_escape_status vgt_client_busy(
	struct vgt_client *client, uint32_t resource, uint32_t *busy, uint64_t *fence);

/* to_host: TRANSFER_TO_HOST_3D, else TRANSFER_FROM_HOST_3D */
enum vgt_escape_status vgt_client_transfer_3d(struct vgt_client *client,
	const struct vgt_escape_transfer_3d *request, bool to_host, bool fenced,
	struct vgt_answer *answer);

/* `resources` are `num_resources` handles; `commands` (vgt_gpu_payload_alloc) with their
 * `size` bytes are taken in any case. */
enum vgt_escape_status vgt_client_submit_3d(struct vgt_client *client, uint32_t ctx,
	const uint32_t *resources, uint32_t num_resources, struct vgt_dma *commands,
	uint32_t size, bool fenced, struct vgt_answer *answer);

/* timeout_ns 0: a query. */
enum vgt_escape_status vgt_client_fence(struct vgt_client *client,
	struct vgt_escape_fence *request, uint64_t timeout_ns, struct vgt_answer *answer);

enum vgt_escape_status vgt_client_get_statistics(
	struct vgt_client *client, struct vgt_escape_get_statistics *request);

/* `text` is `size` bytes, 1 to VGT_ESCAPE_MARK_MAX. */
enum vgt_escape_status vgt_client_mark(struct vgt_client *client, uint32_t ctx,
	const char *text, uint32_t size, struct vgt_answer *answer);

#endif
