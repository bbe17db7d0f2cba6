/* SPDX-License-Identifier: MIT */
/*
 * An opengl32.dll that does what Windows' own does with an ICD, and Wine's does not: it finds
 * the ICD's name in the registry, loads it, and calls its Drv* functions and those of
 * OpenGL 1.1 in the table that DrvSetContext returns. What an ICD may rely on is told apart
 * from what Mesa's own opengl32.dll does, which calls it as a library. After "OpenGL ICDs" and
 * wgl functions in Microsoft's documentation. (Layers and fonts are left out.)
 */
#define _GDI32_    /* of wingdi.h's functions, gdi32.dll's are not defined here, but \
		      opengl32.dll's */
#include <windows.h>

#include <stdint.h>
#include <stdio.h>

#define EXPORT __declspec(dllexport)

#define DRIVERS_KEY "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\OpenGLDrivers"

#define ICD_VERSION   2u /* of the registration */
#define TABLE_ENTRIES 336

typedef ULONG driver_context; /* DHGLRC */

struct proc_table {
	int entries;
	PROC functions[TABLE_ENTRIES];
};

typedef VOID(APIENTRY *set_proc_table)(struct proc_table *table);

/* What is asked for by these names, in this order. */
static const char *const driver_names[] = {"DrvValidateVersion", "DrvSetCallbackProcs",
	"DrvDescribePixelFormat", "DrvSetPixelFormat", "DrvCreateLayerContext",
	"DrvDeleteContext", "DrvSetContext", "DrvReleaseContext", "DrvShareLists",
	"DrvGetProcAddress", "DrvSwapBuffers", "DrvSwapLayerBuffers", "DrvCopyContext"};

static struct {
	BOOL(APIENTRY *validate_version)(ULONG version);
	VOID(APIENTRY *set_callback_procs)(INT count, PROC *procs);
	LONG(APIENTRY *describe_pixel_format)
	(HDC dc, INT format, ULONG size, PIXELFORMATDESCRIPTOR *described);
	BOOL(APIENTRY *set_pixel_format)(HDC dc, LONG format);
	driver_context(APIENTRY *create_layer_context)(HDC dc, INT layer);
	BOOL(APIENTRY *delete_context)(driver_context context);
	struct proc_table *(APIENTRY *set_context)(
		HDC dc, driver_context context, set_proc_table callback);
	BOOL(APIENTRY *release_context)(driver_context context);
	BOOL(APIENTRY *share_lists)(driver_context one, driver_context other);
	PROC(APIENTRY *get_proc_address)(LPCSTR name);
	BOOL(APIENTRY *swap_buffers)(HDC dc);
	BOOL(APIENTRY *swap_layer_buffers)(HDC dc, UINT planes);
	BOOL(APIENTRY *copy_context)(driver_context from, driver_context to, UINT mask);
} driver;

/* A program's context: another number than the driver's. */
struct context {
	driver_context driver;
};

/* A window's format, which is Windows' to know. */
struct window {
	HWND handle;
	int format;
	struct window *next;
};

static SRWLOCK lock = SRWLOCK_INIT; /* of the list */
static struct window *windows;

static _Thread_local struct context *current;
static _Thread_local HDC current_dc;
static _Thread_local void *driver_value; /* what the driver keeps for the thread */

static INT_PTR WINAPI nothing(void)
{
	return 0;
}

/* The functions that a program calls: those of the table, of which an ICD has one. */
__attribute__((used)) PROC icd_functions[TABLE_ENTRIES];

#define ENTRY(number, name) \
	__asm__(".text\n.globl " #name "\n" #name ":\n\tjmp *icd_functions+8*" #number \
		"(%rip)\n" \
		".section .drectve\n.ascii \" -export:" #name "\"\n.text\n");
#include "gl_table.h"
#undef ENTRY

/* Whoever finds a driver wrong says so; tests look for it. */
static void complain(const char *what)
{
	fprintf(stderr, "opengl32: %s\n", what);
}

static VOID APIENTRY use_table(struct proc_table *table)
{
	if (table->entries != TABLE_ENTRIES) {
		complain("the table has other entries than OpenGL 1.1");
	} else {
		memcpy(icd_functions, table->functions, sizeof(icd_functions));
	}
}

/* What a driver may call. */

static VOID APIENTRY set_current_value(VOID *value)
{
	driver_value = value;
}

static VOID *APIENTRY get_current_value(VOID)
{
	return driver_value;
}

static driver_context APIENTRY get_driver_context(HGLRC context)
{
	return context ? ((const struct context *)context)->driver : 0;
}

static BOOL APIENTRY present_buffers(HDC dc, void *data)
{
	(void)dc, (void)data;
	complain("a driver that gives surfaces to the compositor");
	return FALSE;
}

static const PROC callbacks[] = {(PROC)(void *)set_current_value,
	(PROC)(void *)get_current_value, (PROC)(void *)get_driver_context, NULL,
	(PROC)(void *)present_buffers};

/* The first driver that is registered. */
static BOOL find_driver(char *dll, DWORD dll_size, DWORD *driver_version)
{
	char name[64];
	DWORD name_size = sizeof(name), version = 0, size = sizeof(version), flags = 0;
	HKEY drivers, key;
	BOOL found = FALSE;

	if (RegOpenKeyExA(HKEY_LOCAL_MACHINE, DRIVERS_KEY, 0, KEY_READ, &drivers)) {
		return FALSE;
	}
	if (!RegEnumKeyExA(drivers, 0, name, &name_size, NULL, NULL, NULL, NULL) &&
		!RegOpenKeyExA(drivers, name, 0, KEY_READ, &key)) {
		found = !RegGetValueA(key, NULL, "DLL", RRF_RT_REG_SZ, NULL, dll, &dll_size) &&
			!RegGetValueA(key, NULL, "Version", RRF_RT_REG_DWORD, NULL, &version,
				&size) &&
			!RegGetValueA(key, NULL, "DriverVersion", RRF_RT_REG_DWORD, NULL,
				driver_version, &size) &&
			!RegGetValueA(
				key, NULL, "Flags", RRF_RT_REG_DWORD, NULL, &flags, &size) &&
			version == ICD_VERSION;
		RegCloseKey(key);
	}
	RegCloseKey(drivers);
	return found;
}

static BOOL load_driver(const char *dll)
{
	PROC functions[sizeof(driver_names) / sizeof(driver_names[0])];
	HMODULE module = LoadLibraryA(dll);

	if (!module) {
		return FALSE;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		functions[i] = (PROC)GetProcAddress(module, driver_names[i]);
		if (!functions[i]) {
			return FALSE;
		}
	}
	_Static_assert(sizeof(functions) == sizeof(driver), "a name for each function");
	memcpy(&driver, functions, sizeof(driver));
	return TRUE;
}

static BOOL CALLBACK open_driver(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
	char dll[MAX_PATH];
	DWORD version;
	PROC procs[sizeof(callbacks) / sizeof(callbacks[0])];

	(void)once, (void)parameter, (void)context;
	for (size_t i = 0; i < TABLE_ENTRIES; i++) {
		icd_functions[i] = (PROC)nothing;
	}
	if (!find_driver(dll, sizeof(dll), &version)) {
		complain("no driver is registered");
	} else if (!load_driver(dll) || !driver.validate_version(version)) {
		complain("the registered driver is none");
		driver.describe_pixel_format = NULL;
	} else {
		memcpy(procs, callbacks, sizeof(procs));
		driver.set_callback_procs((INT)(sizeof(procs) / sizeof(procs[0])), procs);
	}
	return TRUE;
}

static BOOL has_driver(void)
{
	static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
	InitOnceExecuteOnce(&once, open_driver, NULL, NULL);
	return driver.describe_pixel_format != NULL;
}

/* Pixel formats, by way of which gdi32.dll's functions come here. */

EXPORT int WINAPI wglDescribePixelFormat(
	HDC dc, int format, UINT size, LPPIXELFORMATDESCRIPTOR described)
{
	return has_driver() ? driver.describe_pixel_format(dc, format, size, described) : 0;
}

static int difference(BYTE wanted, BYTE has)
{
	return has < wanted ? 1000 * (wanted - has) : has - wanted;
}

/* Less is better; -1: not at all. */
static int format_cost(const PIXELFORMATDESCRIPTOR *wanted, const PIXELFORMATDESCRIPTOR *format)
{
	const DWORD needed = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL;

	if ((wanted->dwFlags & needed & ~format->dwFlags) ||
		wanted->iPixelType != format->iPixelType ||
		(!(wanted->dwFlags & PFD_DOUBLEBUFFER_DONTCARE) &&
			((wanted->dwFlags ^ format->dwFlags) & PFD_DOUBLEBUFFER))) {
		return -1;
	}
	return difference(wanted->cColorBits, format->cColorBits) +
	       difference(wanted->cAlphaBits, format->cAlphaBits) +
	       difference(wanted->cDepthBits, format->cDepthBits) +
	       difference(wanted->cStencilBits, format->cStencilBits) +
	       difference(wanted->cAccumBits, format->cAccumBits);
}

EXPORT int WINAPI wglChoosePixelFormat(HDC dc, const PIXELFORMATDESCRIPTOR *wanted)
{
	PIXELFORMATDESCRIPTOR format;
	int count = wglDescribePixelFormat(dc, 1, sizeof(format), NULL), best = 0,
	    best_cost = 0;

	for (int i = 1; i <= count; i++) {
		int cost = wglDescribePixelFormat(dc, i, sizeof(format), &format)
				   ? format_cost(wanted, &format)
				   : -1;
		if (cost >= 0 && (!best || cost < best_cost)) {
			best = i;
			best_cost = cost;
		}
	}
	return best;
}

EXPORT int WINAPI wglGetPixelFormat(HDC dc)
{
	HWND handle = WindowFromDC(dc);
	int format = 0;

	AcquireSRWLockShared(&lock);
	for (const struct window *window = windows; window; window = window->next) {
		if (window->handle == handle) {
			format = window->format;
			break;
		}
	}
	ReleaseSRWLockShared(&lock);
	return format;
}

/* A handle that was another window's before comes first. */
static void keep_format(HWND handle, int format)
{
	struct window *window = HeapAlloc(GetProcessHeap(), 0, sizeof(*window));

	if (window) {
		AcquireSRWLockExclusive(&lock);
		*window = (struct window){handle, format, windows};
		windows = window;
		ReleaseSRWLockExclusive(&lock);
	}
}

EXPORT BOOL WINAPI wglSetPixelFormat(HDC dc, int format, const PIXELFORMATDESCRIPTOR *described)
{
	(void)described;
	if (!has_driver() || !driver.set_pixel_format(dc, format)) {
		return FALSE;
	}
	keep_format(WindowFromDC(dc), format);
	return TRUE;
}

EXPORT BOOL WINAPI wglSwapBuffers(HDC dc)
{
	return has_driver() && driver.swap_buffers(dc);
}

EXPORT BOOL WINAPI wglSwapLayerBuffers(HDC dc, UINT planes)
{
	return has_driver() && driver.swap_layer_buffers(dc, planes);
}

/* Contexts */

EXPORT HGLRC WINAPI wglCreateLayerContext(HDC dc, int layer)
{
	struct context *context;

	if (!has_driver()) {
		return NULL;
	}
	context = HeapAlloc(GetProcessHeap(), 0, sizeof(*context));
	if (context) {
		context->driver = driver.create_layer_context(dc, layer);
		if (!context->driver) {
			HeapFree(GetProcessHeap(), 0, context);
			context = NULL;
		}
	}
	return (HGLRC)context;
}

EXPORT HGLRC WINAPI wglCreateContext(HDC dc)
{
	return wglCreateLayerContext(dc, 0);
}

static BOOL release_current(void)
{
	BOOL released = !current || driver.release_context(current->driver);

	if (!released) {
		complain("a current context that cannot be released");
	}
	current = NULL;
	current_dc = NULL;
	return released;
}

EXPORT BOOL WINAPI wglMakeCurrent(HDC dc, HGLRC handle)
{
	struct context *context = (struct context *)handle;
	struct proc_table *table;

	if (!has_driver()) {
		return FALSE;
	}
	if (context != current || !context) {
		release_current();
	}
	if (!context) {
		return TRUE;
	}
	/* 0: it was deleted */
	table = context->driver ? driver.set_context(dc, context->driver, use_table) : NULL;
	if (!table) {
		current = NULL;
		return FALSE;
	}
	use_table(table);
	current = context;
	current_dc = dc;
	return TRUE;
}

/* The memory stays, for a program may ask for what it has deleted. */
EXPORT BOOL WINAPI wglDeleteContext(HGLRC handle)
{
	struct context *context = (struct context *)handle;
	driver_context deleted;

	if (!context || !context->driver) {
		return FALSE;
	}
	if (context == current) {
		release_current();
	}
	deleted = context->driver;
	context->driver = 0;
	return driver.delete_context(deleted);
}

EXPORT HGLRC WINAPI wglGetCurrentContext(VOID)
{
	return (HGLRC)current;
}

EXPORT HDC WINAPI wglGetCurrentDC(VOID)
{
	return current_dc;
}

EXPORT BOOL WINAPI wglShareLists(HGLRC one, HGLRC other)
{
	return has_driver() &&
	       driver.share_lists(get_driver_context(one), get_driver_context(other));
}

EXPORT BOOL WINAPI wglCopyContext(HGLRC from, HGLRC to, UINT mask)
{
	return has_driver() &&
	       driver.copy_context(get_driver_context(from), get_driver_context(to), mask);
}

/* Only with a current context, as Windows has it. */
EXPORT PROC WINAPI wglGetProcAddress(LPCSTR name)
{
	return current ? driver.get_proc_address(name) : NULL;
}
