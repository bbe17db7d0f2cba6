/* SPDX-License-Identifier: MIT */
#ifndef VGT_WINE_DRIVER_H
#define VGT_WINE_DRIVER_H

#include "client.h"

#include <stdbool.h>

/*
 * The escape driver of the rig: dispatcher and driver core, in the program's process, on a
 * model device that virgl_test_server draws for (vtest_device.h). The socket is
 * VGT_VTEST_SOCKET's. What goes wrong on purpose:
 *
 *   VGT_DEVICE_LOST_AT=N   the device is gone from the Nth request on
 *   VGT_DEVICE_RESET_AT=N  it asks for a reset at the Nth request
 *   VGT_READS_REFUSED=N    it refuses to transfer from the host, but for the first N times
 *
 * Any number of threads. Nothing is ever given back but clients.
 */

/* Where clients of other processes find the memory of resources. */
struct driver_mapper {
	/* Of the file `fd`, in the process that `caller` stands for; false: it could not be. */
	bool (*map)(void *caller, int fd, uint64_t size, uint64_t *address);
	void (*unmap)(void *caller, uint64_t address);
};

/* mapper NULL: the client is of this process. All clients have the same. NULL: there is no
 * device, which stderr is told the first time, or no room for a client. */
struct vgt_client *driver_open_client(const struct driver_mapper *mapper, void *caller);
/* No other call of the client may be under way. */
void driver_close_client(struct vgt_client *client);

/* vgt_dispatch(); `request` may lie anywhere, or nowhere. False where it does not hold the
 * answer: it cannot, and *status is all that there is. */
bool driver_dispatch(struct vgt_client *client, const void *request, uint32_t size,
	enum vgt_escape_status *status);

/* Of this process's memory; false where it is not there, or cannot be written. */
bool driver_copy(void *to, const void *from, size_t size);

/* On stderr, what the driver core did wrong to the device. */
void driver_tell_violations(void);

#endif
