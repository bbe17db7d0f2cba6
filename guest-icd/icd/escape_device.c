/* SPDX-License-Identifier: MIT */
/*
 * DeviceIoControl on the escape driver's device interface. The file is opened for overlapped
 * operation, for a file that is not lets only one thread be in it at a time, and a wait for a
 * fence would keep all others out.
 */
#include <windows.h>

#include <cfgmgr32.h>
#include <winioctl.h>

#include "escape_transport.h"
#include "vgt_escape_windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct device {
	struct escape_transport base;
	HANDLE file; /* INVALID_HANDLE_VALUE: none */
};

static bool device_escape(struct escape_transport *transport, void *buffer, uint32_t size)
{
	struct device *device = (struct device *)transport;
	OVERLAPPED overlapped = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
	DWORD written = 0;
	bool done = false;

	if (overlapped.hEvent) {
		done = DeviceIoControl(device->file, VGT_ESCAPE_IOCTL, buffer, size, buffer,
			       size, NULL, &overlapped) ||
		       GetLastError() == ERROR_IO_PENDING;
		done = done && GetOverlappedResult(device->file, &overlapped, &written, TRUE);
		CloseHandle(overlapped.hEvent);
	}
	return done && written >= sizeof(struct vgt_escape_header);
}

static void device_close(struct escape_transport *transport)
{
	struct device *device = (struct device *)transport;
	if (device->file != INVALID_HANDLE_VALUE) {
		CloseHandle(device->file);
	}
	free(device);
}

static bool ask(struct device *device, const char *path)
{
	device->file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE,
		FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED,
		NULL);
	if (device->file == INVALID_HANDLE_VALUE) {
		return false;
	}
	if (escape_transport_answers(&device->base)) {
		snprintf(device->base.where, sizeof(device->base.where), "%s", path);
		return true;
	}
	CloseHandle(device->file);
	device->file = INVALID_HANDLE_VALUE;
	return false;
}

/* The interfaces' paths, each with a NUL, and one more behind the last; NULL: there are none.
 */
static char *list_interfaces(void)
{
	GUID guid = VGT_ESCAPE_INTERFACE;
	ULONG size = 0;
	char *paths = NULL;

	if (CM_Get_Device_Interface_List_SizeA(
		    &size, &guid, NULL, CM_GET_DEVICE_INTERFACE_LIST_PRESENT) == CR_SUCCESS &&
		size > 1) {
		paths = calloc(size, 1);
	}
	if (paths && CM_Get_Device_Interface_ListA(&guid, NULL, paths, size,
			     CM_GET_DEVICE_INTERFACE_LIST_PRESENT) != CR_SUCCESS) {
		free(paths);
		paths = NULL;
	}
	return paths;
}

struct escape_transport *escape_device_open(void)
{
	struct device *device = calloc(1, sizeof(*device));
	char *paths = list_interfaces();

	if (!device || !paths) {
		free(device);
		free(paths);
		return NULL;
	}
	device->base.name = "device";
	device->base.escape = device_escape;
	device->base.close = device_close;
	device->file = INVALID_HANDLE_VALUE;
	for (const char *path = paths; *path; path += strlen(path) + 1) {
		if (ask(device, path)) {
			free(paths);
			return &device->base;
		}
	}
	free(paths);
	device_close(&device->base);
	return NULL;
}
