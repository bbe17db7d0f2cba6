/* SPDX-License-Identifier: MIT */
/*
 * The gdi32.dll that goes beside a Windows program under Wine: all of Wine's own, which it
 * forwards to as gdi32_w.dll, but its D3DKMT functions have an adapter whose kernel-mode driver
 * is the driver core, in this process, on a model device that virgl_test_server draws for. The
 * socket is VGT_VTEST_SOCKET's. Of the driver's code only what is Windows' own is not there.
 *
 * What a window is given is written down in the file VGT_SHOWN, a line for each picture: width,
 * "x", height, and the hash that `vgt replay` prints of the same picture.
 */
#define _GDI32_ /* functions of gdi32.dll are defined here */
#include "../../../guest-icd/icd/d3dkmt.h"

#include "device_model.h"
#include "dispatch.h"
#include "vtest_device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define OUR_ADAPTER         0x40000002u /* the first of them is somebody else's */
#define OTHER_ADAPTER       0x40000001u
#define STATUS_SUCCESS_     ((NTSTATUS)0)
#define STATUS_INVALID_     ((NTSTATUS)0xc000000d) /* STATUS_INVALID_PARAMETER */
#define STATUS_UNSUPPORTED_ ((NTSTATUS)0xc00000bb) /* STATUS_NOT_SUPPORTED */

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static struct vgt_client *client; /* NULL: there is no device */
static struct vgt_dm *model;
static unsigned long lost_at; /* the device is gone from this escape on; 0: never */
static volatile LONG escapes;

static BOOL CALLBACK open_device(PINIT_ONCE once_, PVOID parameter, PVOID *context)
{
	const char *path = getenv("VGT_VTEST_SOCKET");
	struct vtest *vtest = path ? vtest_connect(path, "wine") : NULL;
	struct vtest_device *device = vtest ? vtest_device_create(vtest) : NULL;
	enum vgt_escape_status status;

	(void)once_, (void)parameter, (void)context;
	if (!device) {
		fprintf(stderr, "gdi32: no vtest server at %s\n",
			path ? path : "VGT_VTEST_SOCKET");
		return TRUE;
	}
	struct vgt_dm_executor executor = vtest_device_executor(device);
	model = vgt_dm_create(&(struct vgt_dm_options){.executor = &executor});
	lost_at = strtoul(
		getenv("VGT_DEVICE_LOST_AT") ? getenv("VGT_DEVICE_LOST_AT") : "0", NULL, 10);
	struct vgt_gpu *gpu = vgt_gpu_open(vgt_dm_platform(model), NULL, &status);
	client = gpu ? vgt_client_open(gpu, NULL, &status) : NULL;
	if (!client) {
		fprintf(stderr, "gdi32: the driver core did not open: status %d\n", status);
	}
	return TRUE;
}

__declspec(dllexport) NTSTATUS APIENTRY D3DKMTEscape(const D3DKMT_ESCAPE *escape)
{
	InitOnceExecuteOnce(&once, open_device, NULL, NULL);
	if (!escape || escape->hAdapter != OUR_ADAPTER || !client) {
		return STATUS_INVALID_;
	}
	if (escape->Type != D3DKMT_ESCAPE_DRIVERPRIVATE) {
		return STATUS_UNSUPPORTED_;
	}
	if (lost_at && (unsigned long)InterlockedIncrement(&escapes) == lost_at) {
		vgt_dm_vanish(model);
	}
	vgt_dispatch(
		client, (uintptr_t)escape->pPrivateDriverData, escape->PrivateDriverDataSize);
	return STATUS_SUCCESS_;
}

__declspec(dllexport) NTSTATUS APIENTRY D3DKMTEnumAdapters(D3DKMT_ENUMADAPTERS *all)
{
	all->NumAdapters = 2;
	all->Adapters[0] =
		(D3DKMT_ADAPTERINFO){.hAdapter = OTHER_ADAPTER, .AdapterLuid = {.LowPart = 1}};
	all->Adapters[1] =
		(D3DKMT_ADAPTERINFO){.hAdapter = OUR_ADAPTER, .AdapterLuid = {.LowPart = 2}};
	return STATUS_SUCCESS_;
}

__declspec(dllexport) NTSTATUS APIENTRY D3DKMTCloseAdapter(const D3DKMT_CLOSEADAPTER *adapter)
{
	(void)adapter;
	return STATUS_SUCCESS_;
}

/* player_picture_digest(), of rows of B8G8R8 and a byte that is not looked at. */
static uint64_t digest(const uint8_t *bits, uint32_t width, uint32_t height)
{
	const uint32_t size[2] = {width, height};
	XXH64_state_t *state = XXH64_createState();

	XXH64_reset(state, 0);
	XXH64_update(state, size, sizeof(size));
	for (size_t i = 0; i < (size_t)width * height; i++) {
		const uint8_t rgb[3] = {bits[4 * i + 2], bits[4 * i + 1], bits[4 * i]};
		XXH64_update(state, rgb, sizeof(rgb));
	}
	uint64_t result = XXH64_digest(state);
	XXH64_freeState(state);
	return result;
}

/* The ICD's pictures have masks, those that Wine draws itself (of icons and cursors) have none.
 */
static void write_down(FILE *file, const BITMAPINFO *info, const uint8_t *bits)
{
	const BITMAPINFOHEADER *header = &info->bmiHeader;
	const DWORD *masks = (const DWORD *)info->bmiColors;

	if (header->biCompression != BI_BITFIELDS) {
		return;
	}
	if (header->biBitCount == 32 && header->biHeight < 0 && masks[0] == 0xff0000 &&
		masks[1] == 0xff00 && masks[2] == 0xff) {
		uint32_t width = (uint32_t)header->biWidth,
			 height = (uint32_t)-header->biHeight;
		fprintf(file, "%ux%u %016" PRIx64 "\n", width, height,
			digest(bits, width, height));
	} else {
		fprintf(file, "a picture of another format\n");
	}
	fflush(file);
}

typedef int(WINAPI *stretch_function)(HDC dc, int x, int y, int width, int height, int from_x,
	int from_y, int from_width, int from_height, const VOID *bits, const BITMAPINFO *info,
	UINT usage, DWORD operation);

static SRWLOCK shown_lock = SRWLOCK_INIT;
static FILE *shown;
static stretch_function stretch; /* Wine's */

__declspec(dllexport) int WINAPI StretchDIBits(HDC dc, int x, int y, int width, int height,
	int from_x, int from_y, int from_width, int from_height, const VOID *bits,
	const BITMAPINFO *info, UINT usage, DWORD operation)
{
	AcquireSRWLockExclusive(&shown_lock);
	if (!stretch) {
		stretch = (stretch_function)(void *)GetProcAddress(
			LoadLibraryA("gdi32_w.dll"), "StretchDIBits");
		shown = getenv("VGT_SHOWN") ? fopen(getenv("VGT_SHOWN"), "wb") : NULL;
	}
	if (shown) {
		write_down(shown, info, bits);
	}
	ReleaseSRWLockExclusive(&shown_lock);
	return stretch(dc, x, y, width, height, from_x, from_y, from_width, from_height, bits,
		info, usage, operation);
}

/* What the driver core did wrong is a finding, whatever the program does. */
BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
	(void)instance, (void)reserved;
	for (uint32_t i = 0; reason == DLL_PROCESS_DETACH && model; i++) {
		const char *violation = vgt_dm_violation(model, i);
		if (!violation) {
			break;
		}
		fprintf(stderr, "gdi32: driver core: %s\n", violation);
	}
	return TRUE;
}
