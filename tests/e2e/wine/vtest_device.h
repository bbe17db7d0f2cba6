/* SPDX-License-Identifier: MIT */
#ifndef VGT_VTEST_DEVICE_H
#define VGT_VTEST_DEVICE_H

#include "model_gpu.h"

/*
 * What executes the commands of a model device (device_model.h) by virgl_test_server: control
 * commands become messages of vtest, and a resource's backing becomes the memory that the
 * server shares, so that nothing is copied and the server reads what a submit tells it to read
 * there.
 *
 * A connection of vtest is one context and its resources, and no other context can have these.
 * So each context of the device has a connection of its own; a resource gets to the server when
 * it is attached to its first context, and is refused to others, which stderr is told, too.
 * When its context is destroyed, it can only be destroyed.
 */

struct vtest_device;

/* Contexts that may live at a time; others are refused (OUT_OF_MEMORY). */
#define VTEST_DEVICE_CONTEXTS 64u

/* NULL: nobody listens at the socket `path`. */
struct vtest_device *vtest_device_create(const char *path);
void vtest_device_destroy(struct vtest_device *device); /* NULL is nothing */
struct vgt_dm_executor vtest_device_executor(struct vtest_device *device);
/* The file of the server's memory that is mapped at this backing; -1: there is none. Not while
 * the device works. */
int vtest_device_file(const struct vtest_device *device, const void *backing);

#endif
