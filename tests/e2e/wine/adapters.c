/* SPDX-License-Identifier: MIT */
/*
 * How escape_d3dkmt.c finds the adapter that is ours, on the Windows versions that have other
 * functions for it: each way alone, with functions of our own instead of gdi32.dll's. Adapters
 * that were opened are closed, each once.
 */
#include <windows.h>

#define LoadLibraryA        fake_load
#define FreeLibrary         fake_free
#define GetProcAddress      fake_function
#define EnumDisplayDevicesA fake_display
#define CreateDCA           fake_create_dc
#define DeleteDC            fake_delete_dc

static HMODULE fake_load(LPCSTR name);
static BOOL fake_free(HMODULE module);
static FARPROC fake_function(HMODULE module, LPCSTR name);
static BOOL fake_display(LPCSTR device, DWORD index, PDISPLAY_DEVICEA display, DWORD flags);
static HDC fake_create_dc(LPCSTR driver, LPCSTR device, LPCSTR output, const DEVMODEA *initial);
static BOOL fake_delete_dc(HDC dc);

#include "escape_d3dkmt.c"

#include <string.h>

#define ADAPTERS 20 /* more than D3DKMTEnumAdapters can tell of */

static const char *const *functions; /* that gdi32.dll has; NULL behind the last */
static ULONG ours;                   /* index of our adapter; ADAPTERS: there is none */
static int is_open[ADAPTERS];
static int wrong; /* adapters closed that were not open, device contexts left */

static HMODULE fake_load(LPCSTR name)
{
	return strcmp(name, "gdi32.dll") == 0 ? (HMODULE)(uintptr_t)1 : NULL;
}

static BOOL fake_free(HMODULE module)
{
	return module != NULL;
}

static void open_adapter(D3DKMT_ADAPTERINFO *info, ULONG i)
{
	*info = (D3DKMT_ADAPTERINFO){.hAdapter = i + 1, .AdapterLuid = {.LowPart = i}};
	is_open[i]++;
}

static NTSTATUS APIENTRY enum_adapters2(D3DKMT_ENUMADAPTERS2 *all)
{
	if (all->pAdapters && all->NumAdapters < ADAPTERS) {
		return (NTSTATUS)0xc0000023; /* STATUS_BUFFER_TOO_SMALL */
	}
	for (ULONG i = 0; all->pAdapters && i < ADAPTERS; i++) {
		open_adapter(&all->pAdapters[i], i);
	}
	all->NumAdapters = ADAPTERS;
	return 0;
}

static NTSTATUS APIENTRY enum_adapters(D3DKMT_ENUMADAPTERS *all)
{
	for (ULONG i = 0; i < MAX_ENUM_ADAPTERS; i++) {
		open_adapter(&all->Adapters[i], i);
	}
	all->NumAdapters = MAX_ENUM_ADAPTERS;
	return 0;
}

static BOOL fake_display(LPCSTR device, DWORD index, PDISPLAY_DEVICEA display, DWORD flags)
{
	(void)device, (void)flags;
	sprintf(display->DeviceName, "%lu", index);
	return index < ADAPTERS;
}

/* That of the third display cannot be opened. */
static HDC fake_create_dc(LPCSTR driver, LPCSTR device, LPCSTR output, const DEVMODEA *initial)
{
	(void)device, (void)output, (void)initial;
	unsigned long index = strtoul(driver, NULL, 10);

	wrong += index != 2;
	return index == 2 ? NULL : (HDC)(uintptr_t)(index + 1);
}

static BOOL fake_delete_dc(HDC dc)
{
	(void)dc;
	wrong--;
	return TRUE;
}

/* The second display's adapter cannot. */
static NTSTATUS APIENTRY open_from_hdc(D3DKMT_OPENADAPTERFROMHDC *open)
{
	ULONG i = (ULONG)(uintptr_t)open->hDc - 1;
	D3DKMT_ADAPTERINFO info;

	if (i == 1) {
		return (NTSTATUS)0xc000000d; /* STATUS_INVALID_PARAMETER */
	}
	open_adapter(&info, i);
	open->hAdapter = info.hAdapter;
	open->AdapterLuid = info.AdapterLuid;
	return 0;
}

static NTSTATUS APIENTRY close_one(const D3DKMT_CLOSEADAPTER *close)
{
	wrong += --is_open[close->hAdapter - 1] < 0;
	return 0;
}

static NTSTATUS APIENTRY query(const D3DKMT_QUERYADAPTERINFO *query)
{
	D3DKMT_ADAPTERREGISTRYINFO *info = query->pPrivateDriverData;

	if (query->Type != KMTQAITYPE_ADAPTERREGISTRYINFO ||
		query->PrivateDriverDataSize != sizeof(*info)) {
		return (NTSTATUS)0xc000000d;
	}
	wcscpy(info->AdapterString, L"Grafik \x00fc");
	return 0;
}

/* Others say neither yes nor no. */
static NTSTATUS APIENTRY escape(const D3DKMT_ESCAPE *escape)
{
	struct vgt_escape_get_version *version = escape->pPrivateDriverData;

	if (escape->hAdapter == ours + 1) {
		version->header.status = VGT_ESCAPE_OK;
		version->features = VGT_ESCAPE_FEATURE_VIRGL;
	}
	return 0;
}

static FARPROC fake_function(HMODULE module, LPCSTR name)
{
	static const struct {
		const char *name;
		void *function;
	} all[] = {
		{"D3DKMTCloseAdapter", (void *)close_one},
		{"D3DKMTEnumAdapters", (void *)enum_adapters},
		{"D3DKMTEnumAdapters2", (void *)enum_adapters2},
		{"D3DKMTEscape", (void *)escape},
		{"D3DKMTOpenAdapterFromHdc", (void *)open_from_hdc},
		{"D3DKMTQueryAdapterInfo", (void *)query},
	};
	(void)module;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		for (const char *const *has = functions; *has; has++) {
			if (strcmp(all[i].name, name) == 0 && strcmp(*has, name) == 0) {
				return (FARPROC)(uintptr_t)all[i].function;
			}
		}
	}
	return NULL;
}

static int count_open(void)
{
	int count = wrong != 0;
	for (size_t i = 0; i < ADAPTERS; i++) {
		count += is_open[i];
	}
	return count;
}

/* A line: what was found, and how many adapters were open then and are in the end. */
static void try_one(const char *what, const char *const *has, ULONG index)
{
	functions = has;
	ours = index;
	struct escape_transport *transport = escape_d3dkmt_open();
	printf("%s %lu: %s; %d open", what, index, transport ? transport->where : "none",
		count_open());
	if (transport) {
		transport->close(transport);
	}
	printf(", then %d\n", count_open());
}

int main(void)
{
	static const char *const windows10[] = {"D3DKMTEscape", "D3DKMTCloseAdapter",
		"D3DKMTEnumAdapters2", "D3DKMTEnumAdapters", "D3DKMTQueryAdapterInfo", NULL};
	static const char *const windows8[] = {
		"D3DKMTEscape", "D3DKMTCloseAdapter", "D3DKMTEnumAdapters", NULL};
	static const char *const windows7[] = {
		"D3DKMTEscape", "D3DKMTCloseAdapter", "D3DKMTOpenAdapterFromHdc", NULL};
	static const char *const older[] = {NULL};

	try_one("10", windows10, 17);
	try_one("10", windows10, ADAPTERS);
	try_one("8", windows8, 15);
	try_one("8", windows8, 17);
	try_one("7", windows7, 4);
	try_one("7", windows7, 1);
	try_one("older", older, 0);
	return 0;
}
