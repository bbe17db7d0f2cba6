/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <cfgmgr32.h>
#include <winioctl.h>

#include "device_file.h"
#include "driver.h"
#include "vgt_escape_windows.h"

#include <stdlib.h>
#include <string.h>

#define PATH       "\\\\?\\ROOT#VGT#0000#{1af6381b-c495-448b-bc71-6193bc513fe1}"
#define FILES      256u
#define BUFFER_MAX (64u << 20) /* of one request, which the system keeps a copy of */

/* An open file; the handle is that of an event, for it has to be one of the system's. */
struct file {
	HANDLE handle; /* NULL: a free place */
	struct vgt_client *client;
};

static SRWLOCK lock = SRWLOCK_INIT;
static struct file files[FILES];

/* NULL: it is not one of this device. */
static struct vgt_client *find_client(HANDLE handle)
{
	struct vgt_client *found = NULL;
	AcquireSRWLockShared(&lock);
	for (uint32_t i = 0; handle && i < FILES && !found; i++) {
		found = files[i].handle == handle ? files[i].client : NULL;
	}
	ReleaseSRWLockShared(&lock);
	return found;
}

static HANDLE open_file(void)
{
	HANDLE handle = INVALID_HANDLE_VALUE;
	uint32_t i = 0;

	AcquireSRWLockExclusive(&lock);
	while (i < FILES && files[i].handle) {
		i++;
	}
	struct vgt_client *client = i < FILES ? driver_open_client(NULL, NULL) : NULL;
	if (client) {
		handle = CreateEventA(NULL, TRUE, FALSE, NULL);
		files[i] = (struct file){.handle = handle, .client = client};
	}
	ReleaseSRWLockExclusive(&lock);
	if (!client) {
		SetLastError(ERROR_NO_SYSTEM_RESOURCES);
	}
	return handle;
}

static void close_file(HANDLE handle)
{
	struct vgt_client *client = NULL;

	AcquireSRWLockExclusive(&lock);
	for (uint32_t i = 0; handle && i < FILES && !client; i++) {
		if (files[i].handle == handle) {
			client = files[i].client;
			files[i] = (struct file){.handle = NULL};
		}
	}
	ReleaseSRWLockExclusive(&lock);
	if (client) {
		driver_close_client(client);
	}
}

/* For a request that does not hold its answer. */
static DWORD error_of(enum vgt_escape_status status)
{
	switch (status) {
	case VGT_ESCAPE_OK:
		return 0;
	case VGT_ESCAPE_BAD_ADDRESS:
		return ERROR_NOACCESS;
	case VGT_ESCAPE_UNSUPPORTED:
		return ERROR_NOT_SUPPORTED;
	default:
		return ERROR_INVALID_PARAMETER;
	}
}

/* Error of the system; 0: none. */
static DWORD control(struct vgt_client *client, DWORD code, const void *in, DWORD in_size,
	void *out, DWORD out_size)
{
	enum vgt_escape_status status;
	void *buffer;
	DWORD error = 0;

	if (code != VGT_ESCAPE_IOCTL) {
		return ERROR_INVALID_FUNCTION;
	}
	if (in_size != out_size || in_size > BUFFER_MAX) {
		return ERROR_INVALID_PARAMETER;
	}
	buffer = malloc(in_size ? in_size : 1);
	if (!buffer) {
		return ERROR_NO_SYSTEM_RESOURCES;
	}
	if (!driver_copy(buffer, in, in_size)) {
		error = ERROR_NOACCESS;
	} else if (!driver_dispatch(client, buffer, in_size, &status)) {
		error = error_of(status);
	}
	if (!error && !driver_copy(out, buffer, out_size)) {
		error = ERROR_NOACCESS;
	}
	free(buffer);
	return error;
}

/* What modules get instead of the functions that they import */

static HANDLE WINAPI create_file(LPCSTR path, DWORD access, DWORD share,
	LPSECURITY_ATTRIBUTES security, DWORD disposition, DWORD flags, HANDLE template)
{
	if (path && strcmp(path, PATH) == 0 && !getenv("VGT_WINEDEVICE")) {
		return open_file();
	}
	return CreateFileA(path, access, share, security, disposition, flags, template);
}

static BOOL WINAPI device_io_control(HANDLE handle, DWORD code, LPVOID in, DWORD in_size,
	LPVOID out, DWORD out_size, LPDWORD written, LPOVERLAPPED overlapped)
{
	struct vgt_client *client = find_client(handle);
	DWORD error;

	if (!client) {
		return DeviceIoControl(
			handle, code, in, in_size, out, out_size, written, overlapped);
	}
	error = control(client, code, in, in_size, out, out_size);
	if (written) {
		*written = error ? 0 : out_size;
	}
	if (overlapped && !error) {
		overlapped->Internal = 0;
		overlapped->InternalHigh = out_size;
		if (overlapped->hEvent) {
			SetEvent(overlapped->hEvent);
		}
	}
	SetLastError(error);
	return !error;
}

static BOOL WINAPI get_overlapped_result(
	HANDLE handle, LPOVERLAPPED overlapped, LPDWORD written, BOOL wait)
{
	if (!find_client(handle)) {
		return GetOverlappedResult(handle, overlapped, written, wait);
	}
	*written = (DWORD)overlapped->InternalHigh;
	return TRUE;
}

static BOOL WINAPI close_handle(HANDLE handle)
{
	close_file(handle);
	return CloseHandle(handle);
}

static BOOL is_ours(const GUID *class)
{
	static const GUID ours = VGT_ESCAPE_INTERFACE;
	return memcmp(class, &ours, sizeof(ours)) == 0;
}

static CONFIGRET WINAPI list_size(PULONG size, LPGUID class, DEVINSTID_A device, ULONG flags)
{
	(void)device, (void)flags;
	*size = is_ours(class) ? sizeof(PATH) + 1 : 1;
	return CR_SUCCESS;
}

static CONFIGRET WINAPI list(
	LPGUID class, DEVINSTID_A device, PCHAR buffer, ULONG size, ULONG flags)
{
	(void)device, (void)flags;
	if (size < (is_ours(class) ? sizeof(PATH) + 1 : 1)) {
		return CR_BUFFER_SMALL;
	}
	memset(buffer, 0, size);
	if (is_ours(class)) {
		memcpy(buffer, PATH, sizeof(PATH));
	}
	return CR_SUCCESS;
}

/* Import tables */

static const struct {
	const char *name;
	void *function;
} functions[] = {
	{"CM_Get_Device_Interface_ListA", (void *)list},
	{"CM_Get_Device_Interface_List_SizeA", (void *)list_size},
	{"CloseHandle", (void *)close_handle},
	{"CreateFileA", (void *)create_file},
	{"DeviceIoControl", (void *)device_io_control},
	{"GetOverlappedResult", (void *)get_overlapped_result},
};

/* Calls visit() with each function that the module imports by name. */
static void walk_imports(HMODULE module,
	void (*visit)(void *context, const char *name, void **function), void *context)
{
	const uint8_t *base = (const uint8_t *)module;
	const IMAGE_NT_HEADERS *nt =
		(const IMAGE_NT_HEADERS *)(base + ((const IMAGE_DOS_HEADER *)base)->e_lfanew);
	const IMAGE_DATA_DIRECTORY *directory =
		&nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
	const IMAGE_IMPORT_DESCRIPTOR *dll =
		(const IMAGE_IMPORT_DESCRIPTOR *)(base + directory->VirtualAddress);

	for (; directory->Size && dll->Name && dll->OriginalFirstThunk; dll++) {
		const IMAGE_THUNK_DATA *names =
			(const IMAGE_THUNK_DATA *)(base + dll->OriginalFirstThunk);
		void **addresses = (void **)(uintptr_t)(base + dll->FirstThunk);
		for (; names->u1.AddressOfData; names++, addresses++) {
			if (!IMAGE_SNAP_BY_ORDINAL(names->u1.Ordinal)) {
				visit(context,
					(const char *)((const IMAGE_IMPORT_BY_NAME
								       *)(base +
									  names->u1
										  .AddressOfData))
						->Name,
					addresses);
			}
		}
	}
}

static void look_for_list(void *context, const char *name, void **function)
{
	(void)function;
	*(bool *)context |= strcmp(name, functions[0].name) == 0;
}

static void replace(void *context, const char *name, void **function)
{
	DWORD old;
	(void)context;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strcmp(name, functions[i].name) == 0 &&
			VirtualProtect(function, sizeof(*function), PAGE_READWRITE, &old)) {
			*function = functions[i].function;
			VirtualProtect(function, sizeof(*function), old, &old);
		}
	}
}

static void patch(HMODULE module)
{
	bool asks_for_devices = false;
	walk_imports(module, look_for_list, &asks_for_devices);
	if (asks_for_devices) {
		walk_imports(module, replace, NULL);
	}
}

/* Of ntdll.dll, "LdrRegisterDllNotification" in Microsoft's documentation; what it tells of
 * loading and of unloading has the same layout. */
struct notification {
	ULONG flags;
	const void *full_name, *base_name;
	PVOID base;
	ULONG size;
};

static VOID CALLBACK module_comes(ULONG reason, const struct notification *data, PVOID context)
{
	(void)context;
	if (reason == 1) { /* LDR_DLL_NOTIFICATION_REASON_LOADED */
		patch(data->base);
	}
}

void device_file_install(void)
{
	typedef LONG(NTAPI * register_function)(ULONG flags,
		VOID(CALLBACK * function)(ULONG, const struct notification *, PVOID),
		PVOID context, PVOID * cookie);
	const register_function register_notification =
		(register_function)(void *)GetProcAddress(
			GetModuleHandleA("ntdll.dll"), "LdrRegisterDllNotification");
	PVOID cookie;

	patch(GetModuleHandleA(NULL));
	if (register_notification) {
		register_notification(0, module_comes, NULL, &cookie);
	}
}
