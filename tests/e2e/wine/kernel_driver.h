/* SPDX-License-Identifier: MIT */
#ifndef VGT_WINE_KERNEL_DRIVER_H
#define VGT_WINE_KERNEL_DRIVER_H

#include <stdint.h>

/*
 * driver.h's escape driver for other processes, in winedevice's: what is mapped is mapped in
 * the caller's. VGT_VTEST_SOCKET is the first line of C:\vgt\socket, for winedevice has an
 * environment of its own.
 */

enum kernel_driver_result {
	KERNEL_DRIVER_ANSWERED, /* in the buffer */
	KERNEL_DRIVER_UNSUPPORTED,
	KERNEL_DRIVER_INVALID,
};

/* A client of the process with this number; NULL: no device, or no room. */
__declspec(dllexport) void *kernel_driver_open(uint32_t process);
__declspec(dllexport) void kernel_driver_close(void *client);
/* `buffer` is the system's copy of a request. */
__declspec(dllexport) enum kernel_driver_result
	kernel_driver_control(void *client, void *buffer, uint32_t size);

#endif
