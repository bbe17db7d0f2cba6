/* SPDX-License-Identifier: MIT */
#ifndef VGT_VTEST_H
#define VGT_VTEST_H

#include "virtio_gpu.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A connection to virgl_test_server, protocol version 2: vtest_protocol.h of virglrenderer. One
 * connection is one context of the renderer, which all its resources are attached to. Once
 * anything fails, everything does. One thread at a time.
 */

struct vtest;

/* NULL: nobody listens there, or speaks version 2. `name` is for people who look at the server.
 */
struct vtest *vtest_connect(const char *path, const char *name);
void vtest_close(struct vtest *vtest); /* NULL is nothing */
bool vtest_is_broken(const struct vtest *vtest);

/* The capset VIRGL2: in *size how long it is. NULL where it could not be had; else the
 * connection's. */
const void *vtest_capset(const struct vtest *vtest, uint32_t *size);

/*
 * The server wants to know when a resource is made how much memory it will have, which only
 * its backing tells later: the most that it can be. Pages that are never touched cost nothing.
 */
uint64_t vtest_most_memory(const struct virtio_gpu_resource_create_3d *args);
/* Makes a resource with `size` bytes of memory, of which *fd is the file; -1: with size 0. */
bool vtest_resource_create(struct vtest *vtest,
	const struct virtio_gpu_resource_create_3d *args, uint32_t size, int *fd);
bool vtest_resource_unref(struct vtest *vtest, uint32_t resource_id);
/* The memory is read or written at args->offset; strides of 0 are those of the level. */
bool vtest_transfer(
	struct vtest *vtest, const struct virtio_gpu_transfer_host_3d *args, bool to_host);
bool vtest_submit(struct vtest *vtest, const void *commands, uint32_t size);

/*
 * Transfers and submits are done in their order: how many were sent, and how many of these are
 * known to be done.
 */
uint64_t vtest_sent(const struct vtest *vtest);
uint64_t vtest_done(const struct vtest *vtest);
/* Whether the first `number` of them are done, as far as is known, or with `wait` when they
 * are. */
bool vtest_is_done(struct vtest *vtest, uint64_t number, bool wait);
/* Makes that known, some time, of what was sent so far. */
bool vtest_ask(struct vtest *vtest);
/* Until all has been done that was sent. */
bool vtest_wait(struct vtest *vtest);

#endif
