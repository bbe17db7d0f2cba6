/* SPDX-License-Identifier: MIT */
/*
 * The gdi32.dll that goes beside a Windows program under Wine: all of Wine's own, which it
 * forwards to as gdi32_w.dll, but its D3DKMT functions have an adapter whose kernel-mode driver
 * is the driver core, in this process, on a model device that virgl_test_server draws for. The
 * socket is VGT_VTEST_SOCKET's. Of the driver's code only what is Windows' own is not there.
 * With VGT_NO_HOP=1 all that is left out (no_hop.h). Its StretchDIBits is in present.c.
 */
#include "../../../guest-icd/icd/d3dkmt.h"

#include "device_model.h"
#include "dispatch.h"
#include "no_hop.h"
#include "present.h"
#include "vtest_device.h"

#include <stdio.h>
#include <stdlib.h>

#define OUR_ADAPTER         0x40000002u /* the first of them is somebody else's */
#define OTHER_ADAPTER       0x40000001u
#define STATUS_SUCCESS_     ((NTSTATUS)0)
#define STATUS_INVALID_     ((NTSTATUS)0xc000000d) /* STATUS_INVALID_PARAMETER */
#define STATUS_UNSUPPORTED_ ((NTSTATUS)0xc00000bb) /* STATUS_NOT_SUPPORTED */

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static struct no_hop *no_hop;     /* by VGT_NO_HOP=1 instead of all that follows */
static struct vgt_client *client; /* NULL: there is no device */
static struct vgt_dm *model;
static unsigned long lost_at; /* the device is gone from this escape on; 0: never */
static volatile LONG escapes;

static BOOL CALLBACK open_device(PINIT_ONCE once_, PVOID parameter, PVOID *context)
{
	const char *path = getenv("VGT_VTEST_SOCKET"), *direct = getenv("VGT_NO_HOP");

	(void)once_, (void)parameter, (void)context;
	if (path && direct && strcmp(direct, "1") == 0) {
		no_hop = no_hop_open(path);
		return TRUE;
	}
	struct vtest *vtest = path ? vtest_connect(path, "wine") : NULL;
	struct vtest_device *device = vtest ? vtest_device_create(vtest) : NULL;
	enum vgt_escape_status status;

	if (!device) {
		fprintf(stderr, "gdi32: no vtest server at %s\n",
			path ? path : "VGT_VTEST_SOCKET");
		return TRUE;
	}
	struct vgt_dm_executor executor = vtest_device_executor(device);
	model = vgt_dm_create(&(struct vgt_dm_options){.eager = true, .executor = &executor});
	lost_at = strtoul(
		getenv("VGT_DEVICE_LOST_AT") ? getenv("VGT_DEVICE_LOST_AT") : "0", NULL, 10);
	struct vgt_gpu *gpu = vgt_gpu_open(vgt_dm_platform(model), NULL, &status);
	client = gpu ? vgt_client_open(gpu, NULL, &status) : NULL;
	if (!client) {
		fprintf(stderr, "gdi32: the driver core did not open: status %d\n", status);
	}
	return TRUE;
}

/* A device works while nobody waits for it; this one has no thread of its own, so who only asks
 * whether it is done gives it the time. */
static bool asks(const struct vgt_escape_header *header)
{
	return header->request == VGT_ESCAPE_FENCE_QUERY ||
	       header->request == VGT_ESCAPE_RESOURCE_BUSY;
}

__declspec(dllexport) NTSTATUS APIENTRY D3DKMTEscape(const D3DKMT_ESCAPE *escape)
{
	InitOnceExecuteOnce(&once, open_device, NULL, NULL);
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
	if (lost_at && (unsigned long)InterlockedIncrement(&escapes) == lost_at) {
		vgt_dm_vanish(model);
	}
	if (asks(escape->pPrivateDriverData)) {
		vgt_dm_step(model);
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

/* What the driver core did wrong is a finding, whatever the program does. */
static void tell_violations(void)
{
	const char *violation;

	for (uint32_t i = 0; model && (violation = vgt_dm_violation(model, i)) != NULL; i++) {
		fprintf(stderr, "gdi32: driver core: %s\n", violation);
	}
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
	(void)instance, (void)reserved;
	if (reason == DLL_PROCESS_DETACH) {
		present_end();
		tell_violations();
	}
	return TRUE;
}
