/* SPDX-License-Identifier: MIT */
/*
 * The gdi32.dll that goes beside a Windows program under Wine: all of Wine's own, which it
 * forwards to as gdi32_w.dll, but
 *
 * - its D3DKMT functions have an adapter whose kernel-mode driver is driver.h's, in this
 * process; with VGT_NO_HOP=1 that is left out (no_hop.h),
 * - the same driver has a device for DeviceIoControl (device_file.h),
 * - its StretchDIBits is present.h's.
 *
 * Of a driver's code only what is Windows' own is not there.
 */
#include "../../../guest-icd/icd/d3dkmt.h"

#include "device_file.h"
#include "driver.h"
#include "no_hop.h"
#include "present.h"

#include <stdlib.h>
#include <string.h>

#define OUR_ADAPTER         0x40000002u /* the first of them is somebody else's */
#define OTHER_ADAPTER       0x40000001u
#define STATUS_SUCCESS_     ((NTSTATUS)0)
#define STATUS_ACCESS_      ((NTSTATUS)0xc0000005) /* STATUS_ACCESS_VIOLATION */
#define STATUS_INVALID_     ((NTSTATUS)0xc000000d) /* STATUS_INVALID_PARAMETER */
#define STATUS_UNSUPPORTED_ ((NTSTATUS)0xc00000bb) /* STATUS_NOT_SUPPORTED */

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static struct no_hop *no_hop;     /* NULL: not asked for */
static struct vgt_client *client; /* of this process; NULL: there is no device */

static BOOL CALLBACK open_driver(PINIT_ONCE once_, PVOID parameter, PVOID *context)
{
	const char *path = getenv("VGT_VTEST_SOCKET"), *direct = getenv("VGT_NO_HOP");

	(void)once_, (void)parameter, (void)context;
	if (path && direct && strcmp(direct, "1") == 0) {
		no_hop = no_hop_open(path);
	} else {
		client = driver_open_client(NULL, NULL);
	}
	return TRUE;
}

__declspec(dllexport) NTSTATUS APIENTRY D3DKMTEscape(const D3DKMT_ESCAPE *escape)
{
	enum vgt_escape_status status;

	InitOnceExecuteOnce(&once, open_driver, NULL, NULL);
	if (!escape || escape->hAdapter != OUR_ADAPTER || (!client && !no_hop)) {
		return STATUS_INVALID_;
	}
	if (escape->Type != D3DKMT_ESCAPE_DRIVERPRIVATE) {
		return STATUS_UNSUPPORTED_;
	}
	if (no_hop) {
		no_hop_escape(no_hop, escape->pPrivateDriverData);
		return STATUS_SUCCESS_;
	}
	if (driver_dispatch(client, escape->pPrivateDriverData, escape->PrivateDriverDataSize,
		    &status)) {
		return STATUS_SUCCESS_;
	}
	switch (status) {
	case VGT_ESCAPE_OK:
		return STATUS_SUCCESS_;
	case VGT_ESCAPE_BAD_ADDRESS:
		return STATUS_ACCESS_;
	case VGT_ESCAPE_UNSUPPORTED:
		return STATUS_UNSUPPORTED_;
	default:
		return STATUS_INVALID_;
	}
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

/* What the driver core did wrong is a finding, whatever the program does. */
BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
	(void)instance, (void)reserved;
	if (reason == DLL_PROCESS_ATTACH) {
		device_file_install();
	} else if (reason == DLL_PROCESS_DETACH) {
		present_end();
		driver_tell_violations();
	}
	return TRUE;
}
