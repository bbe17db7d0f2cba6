/* SPDX-License-Identifier: MIT */
#ifndef VGT_VTEST_DEVICE_H
#define VGT_VTEST_DEVICE_H

#include "model_gpu.h"
#include "vtest.h"

/*
 * What executes the commands of a model device (device_model.h) by virgl_test_server: control
 * commands become messages of vtest, and a resource's backing becomes the memory that the
 * server shares, so that nothing is copied and the server reads what a submit tells it to read
 * there. The server has one context: so has the device.
 */

struct vtest_device;

/* `vtest` stays the caller's, and lives longer. */
struct vtest_device *vtest_device_create(struct vtest *vtest);
void vtest_device_destroy(struct vtest_device *device); /* NULL is nothing */
struct vgt_dm_executor vtest_device_executor(struct vtest_device *device);

#endif
