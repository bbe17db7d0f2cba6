/* SPDX-License-Identifier: MIT */
#ifndef VGT_GUEST_WORLD_H
#define VGT_GUEST_WORLD_H

#include "client.h"
#include "device_model.h"
#include "gpu_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A device model and the driver core on it, for the tests of clients and dispatcher; after
 * cmocka.h's own headers. */

struct world {
	struct vgt_dm *dm;
	const struct vgt_platform *platform;
	struct vgt_gpu *gpu;
	struct vgt_dm_usage idle; /* with the device up and no client */
};

static inline struct vgt_gpu_limits world_limits(void)
{
	struct vgt_gpu_limits limits = vgt_gpu_default_limits;
	limits.contexts_max = 4;
	limits.resources_max = 64;
	limits.backing_max = 1 << 20;
	limits.fences_max = 8;
	limits.clients = 4;
	limits.submit_max = 1 << 16;
	limits.submit_resources_max = 32;
	return limits;
}

static inline struct world world_open(
	const struct vgt_dm_options *options, const struct vgt_gpu_limits *limits)
{
	enum vgt_escape_status status;
	const struct vgt_gpu_limits small = world_limits();
	struct world world = {.dm = vgt_dm_create(options)};
	world.platform = vgt_dm_platform(world.dm);
	world.gpu = vgt_gpu_open(world.platform, limits ? limits : &small, &status);
	assert_non_null(world.gpu);
	world.idle = vgt_dm_usage(world.dm);
	return world;
}

static inline void expect_no_violations(struct vgt_dm *dm)
{
	for (uint32_t i = 0; vgt_dm_violation(dm, i); i++) {
		print_error("violation: %s\n", vgt_dm_violation(dm, i));
	}
	assert_int_equal(vgt_dm_violations(dm), 0);
}

/* The device does all that it has to do, and the driver hears of it. */
static inline void world_settle(const struct world *world)
{
	while (vgt_dm_step(world->dm)) {
	}
	vgt_gpu_poll(world->gpu);
}

/* Nothing of any client is left in the driver. */
static inline void expect_idle(const struct world *world)
{
	world_settle(world);
	const struct vgt_dm_usage usage = vgt_dm_usage(world->dm);
	assert_int_equal(usage.dma_bytes, world->idle.dma_bytes);
	assert_int_equal(usage.dmas, world->idle.dmas);
	assert_int_equal(usage.mappings, 0);
	/* the pools of numbers may have grown */
	assert_true(usage.allocations <= world->idle.allocations + 2);
}

static inline void expect_empty_device(const struct world *world)
{
	assert_int_equal(vgt_dm_gpu_contexts(vgt_dm_gpu(world->dm)), 0);
	assert_int_equal(vgt_dm_gpu_resources(vgt_dm_gpu(world->dm)), 0);
	assert_int_equal(vgt_dm_gpu_backings(vgt_dm_gpu(world->dm)), 0);
}

static inline void world_close(struct world *world)
{
	vgt_gpu_close(world->gpu);
	const struct vgt_dm_usage usage = vgt_dm_usage(world->dm);
	assert_int_equal(usage.allocations, 0);
	assert_int_equal(usage.dmas, 0);
	assert_int_equal(usage.mappings, 0);
	expect_no_violations(world->dm);
	vgt_dm_destroy(world->dm);
}

static inline struct vgt_client *world_client(const struct world *world)
{
	enum vgt_escape_status status;
	struct vgt_client *client = vgt_client_open(world->gpu, NULL, &status);
	assert_non_null(client);
	assert_int_equal(status, VGT_ESCAPE_OK);
	return client;
}

#endif
