/* SPDX-License-Identifier: MIT */
#ifndef VGT_D3DKMT_H
#define VGT_D3DKMT_H

#include <windows.h>

/*
 * Of d3dkmthk.h, which mingw-w64 does not have, what an escape takes: the names, layouts and
 * values are those of Microsoft's documentation ("Display kernel-mode thunks"). gdi32.dll
 * exports the functions; which of them depends on the version of Windows.
 */

typedef UINT D3DKMT_HANDLE;
typedef LONG NTSTATUS;

/* D3DKMT_ESCAPETYPE */
enum { D3DKMT_ESCAPE_DRIVERPRIVATE = 0 };

typedef struct _D3DKMT_ESCAPE {
	D3DKMT_HANDLE hAdapter;
	D3DKMT_HANDLE hDevice;
	INT Type;   /* D3DKMT_ESCAPETYPE */
	UINT Flags; /* D3DDDI_ESCAPEFLAGS */
	VOID *pPrivateDriverData;
	UINT PrivateDriverDataSize; /* bytes */
	D3DKMT_HANDLE hContext;
} D3DKMT_ESCAPE;

typedef struct _D3DKMT_ADAPTERINFO {
	D3DKMT_HANDLE hAdapter;
	LUID AdapterLuid;
	ULONG NumOfSources;
	BOOL bPrecisePresentRegionsPreferred;
} D3DKMT_ADAPTERINFO;

/* Windows 8 */
#define MAX_ENUM_ADAPTERS 16
typedef struct _D3DKMT_ENUMADAPTERS {
	ULONG NumAdapters;
	D3DKMT_ADAPTERINFO Adapters[MAX_ENUM_ADAPTERS];
} D3DKMT_ENUMADAPTERS;

/* Windows 10, where it also knows adapters without displays */
typedef struct _D3DKMT_ENUMADAPTERS2 {
	ULONG NumAdapters; /* in: room; out: how many, where pAdapters is NULL, too */
	D3DKMT_ADAPTERINFO *pAdapters; /* NULL: only how many */
} D3DKMT_ENUMADAPTERS2;

/* Windows Vista */
typedef struct _D3DKMT_OPENADAPTERFROMHDC {
	HDC hDc;
	D3DKMT_HANDLE hAdapter;
	LUID AdapterLuid;
	UINT VidPnSourceId; /* D3DDDI_VIDEO_PRESENT_SOURCE_ID */
} D3DKMT_OPENADAPTERFROMHDC;

typedef struct _D3DKMT_CLOSEADAPTER {
	D3DKMT_HANDLE hAdapter;
} D3DKMT_CLOSEADAPTER;

/* KMTQUERYADAPTERINFOTYPE */
enum { KMTQAITYPE_ADAPTERREGISTRYINFO = 8 };

typedef struct _D3DKMT_QUERYADAPTERINFO {
	D3DKMT_HANDLE hAdapter;
	INT Type; /* KMTQUERYADAPTERINFOTYPE */
	VOID *pPrivateDriverData;
	UINT PrivateDriverDataSize;
} D3DKMT_QUERYADAPTERINFO;

typedef struct _D3DKMT_ADAPTERREGISTRYINFO {
	WCHAR AdapterString[MAX_PATH]; /* what people call the adapter */
	WCHAR BiosString[MAX_PATH];
	WCHAR DacType[MAX_PATH];
	WCHAR ChipType[MAX_PATH];
} D3DKMT_ADAPTERREGISTRYINFO;

typedef NTSTATUS(APIENTRY *PFND3DKMT_ESCAPE)(const D3DKMT_ESCAPE *);
typedef NTSTATUS(APIENTRY *PFND3DKMT_ENUMADAPTERS)(D3DKMT_ENUMADAPTERS *);
typedef NTSTATUS(APIENTRY *PFND3DKMT_ENUMADAPTERS2)(D3DKMT_ENUMADAPTERS2 *);
typedef NTSTATUS(APIENTRY *PFND3DKMT_QUERYADAPTERINFO)(const D3DKMT_QUERYADAPTERINFO *);
typedef NTSTATUS(APIENTRY *PFND3DKMT_OPENADAPTERFROMHDC)(D3DKMT_OPENADAPTERFROMHDC *);
typedef NTSTATUS(APIENTRY *PFND3DKMT_CLOSEADAPTER)(const D3DKMT_CLOSEADAPTER *);

#endif
