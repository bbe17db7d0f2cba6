/* SPDX-License-Identifier: MIT */
#include "kernel_driver.h"

#include "driver.h"
#include "linux_call.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winternl.h>

/* of ntdll.dll; winternl.h lacks them */
NTSTATUS NTAPI NtCreateSection(HANDLE *section, ACCESS_MASK access,
	OBJECT_ATTRIBUTES *attributes, LARGE_INTEGER *size, ULONG protection, ULONG flags,
	HANDLE file);
NTSTATUS NTAPI NtMapViewOfSection(HANDLE section, HANDLE process, void **address,
	ULONG_PTR zero_bits, SIZE_T commit, LARGE_INTEGER *offset, SIZE_T *size, ULONG inherit,
	ULONG type, ULONG protection);
NTSTATUS NTAPI NtUnmapViewOfSection(HANDLE process, void *address);

#define VIEW_UNMAP 2u

/* The file of a descriptor of this process. */
static NTSTATUS open_descriptor(int fd, HANDLE *file)
{
	WCHAR path[64];
	UNICODE_STRING name = {.Buffer = path};
	OBJECT_ATTRIBUTES attributes;
	IO_STATUS_BLOCK io;

	name.Length =
		(USHORT)(2 * swprintf(path, sizeof(path) / sizeof(*path),
				     L"\\??\\unix\\proc\\%d\\fd\\%d",
				     (int)linux_call(LINUX_GETPID, 0, 0, 0, 0, 0, 0), fd));
	name.MaximumLength = name.Length;
	InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
	return NtCreateFile(file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &io,
		NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN,
		FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static HANDLE open_process(const void *caller)
{
	return OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)(uintptr_t)caller);
}

static bool map_in_caller(void *caller, int fd, uint64_t size, uint64_t *address)
{
	HANDLE process = open_process(caller), file = NULL, section = NULL;
	LARGE_INTEGER offset = {.QuadPart = 0};
	SIZE_T length = size;
	void *base = NULL;
	bool mapped = process && open_descriptor(fd, &file) >= 0 &&
		      NtCreateSection(&section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READWRITE,
			      SEC_COMMIT, file) >= 0 &&
		      NtMapViewOfSection(section, process, &base, 0, 0, &offset, &length,
			      VIEW_UNMAP, 0, PAGE_READWRITE) >= 0;

	*address = (uintptr_t)base;
	CloseHandle(section);
	CloseHandle(file);
	CloseHandle(process);
	return mapped;
}

/* Of a process that has ended nothing is mapped any more. */
static void unmap_in_caller(void *caller, uint64_t address)
{
	HANDLE process = open_process(caller);
	if (process) {
		NtUnmapViewOfSection(process, (void *)(uintptr_t)address);
		CloseHandle(process);
	}
}

static const struct driver_mapper mapper = {.map = map_in_caller, .unmap = unmap_in_caller};

static void read_socket(void)
{
	char line[256] = "VGT_VTEST_SOCKET=";
	const size_t begin = strlen(line);
	FILE *file = fopen("C:\\vgt\\socket", "r");

	if (file && fgets(line + begin, (int)(sizeof(line) - begin), file)) {
		line[strcspn(line, "\r\n")] = '\0';
		_putenv(line);
	}
	if (file) {
		fclose(file);
	}
}

void *kernel_driver_open(uint32_t process)
{
	read_socket();
	return driver_open_client(&mapper, (void *)(uintptr_t)process);
}

void kernel_driver_close(void *client)
{
	driver_close_client(client);
}

enum kernel_driver_result kernel_driver_control(void *client, void *buffer, uint32_t size)
{
	enum vgt_escape_status status;

	if (driver_dispatch(client, buffer, size, &status)) {
		return KERNEL_DRIVER_ANSWERED;
	}
	return status == VGT_ESCAPE_OK            ? KERNEL_DRIVER_ANSWERED
	       : status == VGT_ESCAPE_UNSUPPORTED ? KERNEL_DRIVER_UNSUPPORTED
						  : KERNEL_DRIVER_INVALID;
}
