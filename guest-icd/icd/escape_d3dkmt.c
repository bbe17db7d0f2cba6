/* SPDX-License-Identifier: MIT */
/*
 * D3DKMTEscape: private data to the kernel-mode driver of a display adapter. Which adapter is
 * ours only the driver knows, so each is asked.
 */
#include "d3dkmt.h"
#include "escape_transport.h"

#include <stdio.h>
#include <stdlib.h>

struct d3dkmt {
	struct escape_transport base;
	HMODULE gdi32;
	PFND3DKMT_ESCAPE escape;
	/* NULL where they are not there */
	PFND3DKMT_ENUMADAPTERS2 enum_adapters2; /* since Windows 10 */
	PFND3DKMT_ENUMADAPTERS enum_adapters;   /* since Windows 8 */
	PFND3DKMT_OPENADAPTERFROMHDC open_adapter;
	PFND3DKMT_CLOSEADAPTER close_adapter;
	PFND3DKMT_QUERYADAPTERINFO query_adapter;
	D3DKMT_HANDLE adapter;
};

static bool d3dkmt_escape(struct escape_transport *transport, void *buffer, uint32_t size)
{
	struct d3dkmt *d3dkmt = (struct d3dkmt *)transport;
	const D3DKMT_ESCAPE escape = {
		.hAdapter = d3dkmt->adapter,
		.Type = D3DKMT_ESCAPE_DRIVERPRIVATE,
		.pPrivateDriverData = buffer,
		.PrivateDriverDataSize = size,
	};
	return d3dkmt->escape(&escape) >= 0;
}

static void close_adapter(struct d3dkmt *d3dkmt, D3DKMT_HANDLE adapter)
{
	const D3DKMT_CLOSEADAPTER close = {.hAdapter = adapter};
	if (d3dkmt->close_adapter) {
		d3dkmt->close_adapter(&close);
	}
}

static void d3dkmt_close(struct escape_transport *transport)
{
	struct d3dkmt *d3dkmt = (struct d3dkmt *)transport;
	if (d3dkmt->adapter) {
		close_adapter(d3dkmt, d3dkmt->adapter);
	}
	if (d3dkmt->gdi32) {
		FreeLibrary(d3dkmt->gdi32);
	}
	free(d3dkmt);
}

/* What people call the adapter, in UTF-8; "" where that cannot be had. */
static void name_adapter(
	const struct d3dkmt *d3dkmt, D3DKMT_HANDLE adapter, char *name, int size)
{
	D3DKMT_ADAPTERREGISTRYINFO info = {.AdapterString = L""};
	const D3DKMT_QUERYADAPTERINFO query = {
		.hAdapter = adapter,
		.Type = KMTQAITYPE_ADAPTERREGISTRYINFO,
		.pPrivateDriverData = &info,
		.PrivateDriverDataSize = sizeof(info),
	};
	if (!d3dkmt->query_adapter || d3dkmt->query_adapter(&query) < 0 ||
		!WideCharToMultiByte(
			CP_UTF8, 0, info.AdapterString, -1, name, size, NULL, NULL)) {
		*name = '\0';
	}
}

/* Takes the adapter over if it is ours, else closes it. */
static bool ask(struct d3dkmt *d3dkmt, D3DKMT_HANDLE adapter, LUID luid)
{
	char name[100];

	d3dkmt->adapter = adapter;
	if (escape_transport_answers(&d3dkmt->base)) {
		name_adapter(d3dkmt, adapter, name, sizeof(name));
		snprintf(d3dkmt->base.where, sizeof(d3dkmt->base.where),
			"adapter %08lx:%08lx%s%s", (unsigned long)luid.HighPart,
			(unsigned long)luid.LowPart, *name ? ", " : "", name);
		return true;
	}
	d3dkmt->adapter = 0;
	close_adapter(d3dkmt, adapter);
	return false;
}

/* Until one is ours; all others are closed. */
static bool ask_each(struct d3dkmt *d3dkmt, const D3DKMT_ADAPTERINFO *adapters, ULONG count)
{
	bool found = false;

	for (ULONG i = 0; i < count; i++) {
		if (found) {
			close_adapter(d3dkmt, adapters[i].hAdapter);
		} else {
			found = ask(d3dkmt, adapters[i].hAdapter, adapters[i].AdapterLuid);
		}
	}
	return found;
}

static bool ask_all2(struct d3dkmt *d3dkmt)
{
	D3DKMT_ENUMADAPTERS2 all = {.NumAdapters = 0};
	bool found = false;

	if (!d3dkmt->enum_adapters2 || d3dkmt->enum_adapters2(&all) < 0) {
		return false;
	}
	/* some more, for they come and go */
	ULONG room = all.NumAdapters + MAX_ENUM_ADAPTERS;
	all.NumAdapters = room;
	all.pAdapters = calloc(room, sizeof(*all.pAdapters));
	if (all.pAdapters && d3dkmt->enum_adapters2(&all) >= 0) {
		found = ask_each(
			d3dkmt, all.pAdapters, all.NumAdapters < room ? all.NumAdapters : room);
	}
	free(all.pAdapters);
	return found;
}

static bool ask_all(struct d3dkmt *d3dkmt)
{
	D3DKMT_ENUMADAPTERS all = {.NumAdapters = 0};

	return d3dkmt->enum_adapters && d3dkmt->enum_adapters(&all) >= 0 &&
	       ask_each(d3dkmt, all.Adapters,
		       all.NumAdapters < MAX_ENUM_ADAPTERS ? all.NumAdapters
							   : MAX_ENUM_ADAPTERS);
}

/* The adapter of each display, where they cannot be enumerated. */
static bool ask_displays(struct d3dkmt *d3dkmt)
{
	DISPLAY_DEVICEA display = {.cb = sizeof(display)};

	for (DWORD i = 0; d3dkmt->open_adapter && EnumDisplayDevicesA(NULL, i, &display, 0);
		i++) {
		D3DKMT_OPENADAPTERFROMHDC open = {
			.hDc = CreateDCA(display.DeviceName, NULL, NULL, NULL)};
		bool found = open.hDc && d3dkmt->open_adapter(&open) >= 0 &&
			     ask(d3dkmt, open.hAdapter, open.AdapterLuid);
		if (open.hDc) {
			DeleteDC(open.hDc);
		}
		if (found) {
			return true;
		}
		display.cb = sizeof(display);
	}
	return false;
}

/* By way of void *, for the functions are of other types. */
static void *find(HMODULE module, const char *name)
{
	return (void *)(uintptr_t)GetProcAddress(module, name);
}

struct escape_transport *escape_d3dkmt_open(void)
{
	struct d3dkmt *d3dkmt = calloc(1, sizeof(*d3dkmt));
	if (!d3dkmt) {
		return NULL;
	}
	d3dkmt->base.name = "d3dkmt";
	d3dkmt->base.escape = d3dkmt_escape;
	d3dkmt->base.close = d3dkmt_close;
	d3dkmt->gdi32 = LoadLibraryA("gdi32.dll");
	if (!d3dkmt->gdi32) {
		goto error;
	}
	d3dkmt->escape = (PFND3DKMT_ESCAPE)find(d3dkmt->gdi32, "D3DKMTEscape");
	d3dkmt->enum_adapters2 =
		(PFND3DKMT_ENUMADAPTERS2)find(d3dkmt->gdi32, "D3DKMTEnumAdapters2");
	d3dkmt->enum_adapters =
		(PFND3DKMT_ENUMADAPTERS)find(d3dkmt->gdi32, "D3DKMTEnumAdapters");
	d3dkmt->open_adapter =
		(PFND3DKMT_OPENADAPTERFROMHDC)find(d3dkmt->gdi32, "D3DKMTOpenAdapterFromHdc");
	d3dkmt->close_adapter =
		(PFND3DKMT_CLOSEADAPTER)find(d3dkmt->gdi32, "D3DKMTCloseAdapter");
	d3dkmt->query_adapter =
		(PFND3DKMT_QUERYADAPTERINFO)find(d3dkmt->gdi32, "D3DKMTQueryAdapterInfo");
	if (d3dkmt->escape && (ask_all2(d3dkmt) || ask_all(d3dkmt) || ask_displays(d3dkmt))) {
		return &d3dkmt->base;
	}
error:
	d3dkmt_close(&d3dkmt->base);
	return NULL;
}
