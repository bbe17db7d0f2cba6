/* SPDX-License-Identifier: MIT */
/*
 * icdinfo: whose OpenGL a program in this directory gets, and whether it draws. Says which
 * opengl32.dll and which ICD were loaded, how the escape driver is reached and what it offers,
 * what OpenGL says of itself, and checks the pixels of a triangle.
 *
 * Exit status: 0 the virtio-gpu device draws, and rightly; 1 it does not; 2 wrong usage, or
 * there is no OpenGL to ask.
 */
#include <windows.h>

#include <GL/gl.h>
#include <psapi.h>
#include <winver.h>

#include "escape_transport.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE         64 /* pixels of the test's window */
#define MODULES_MAX  1024u
#define RENDERER     "virgl" /* what Mesa's driver calls itself, before the host's renderer */
#define WINDOW_CLASS "icdinfo"

enum status { STATUS_FINE = 0, STATUS_BAD = 1, STATUS_TROUBLE = 2 };

struct colour {
	GLubyte rgb[3];
};

static const struct colour background = {{51, 102, 153}};
static const struct colour foreground = {{255, 153, 51}};

static void complain(const char *what, const char *details)
{
	fprintf(stderr, "icdinfo: %s%s%s\n", what, *details ? ": " : "", details);
}

static enum status system_trouble(const char *what)
{
	fprintf(stderr, "icdinfo: %s failed: error %lu\n", what, GetLastError());
	return STATUS_TROUBLE;
}

/* Rows of a name and a value, or the members of a JSON object. */

static bool as_json;
static bool has_rows;

static void print_json(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte == '"' || byte == '\\') {
			printf("\\%c", byte);
		} else if (byte < ' ') {
			printf("\\u%04x", byte);
		} else {
			putchar(byte);
		}
	}
	putchar('"');
}

/* `value` is UTF-8; NULL: there is none. */
static void print_row(const char *name, const char *value)
{
	if (!as_json) {
		printf("%-20s %s\n", name, value ? value : "none");
		return;
	}
	fputs(has_rows ? ",\n\t" : "{\n\t", stdout);
	has_rows = true;
	print_json(name);
	fputs(": ", stdout);
	if (value) {
		print_json(value);
	} else {
		fputs("null", stdout);
	}
}

static void print_format(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void print_format(const char *name, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_row(name, text);
}

static void print_wide(const char *name, const WCHAR *text)
{
	char utf8[4 * MAX_PATH] = "";

	WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8, sizeof(utf8) - 1, NULL, NULL);
	print_row(name, utf8);
}

/* The file's version, where it says one: Windows' own DLLs do, Mesa's do not. */
static void print_file_version(const char *name, const WCHAR *path)
{
	DWORD size = GetFileVersionInfoSizeW(path, NULL);
	void *data = size ? calloc(size, 1) : NULL;
	VS_FIXEDFILEINFO *info = NULL;
	UINT length = 0;

	if (data && GetFileVersionInfoW(path, 0, size, data) &&
		VerQueryValueW(data, L"\\", (void **)&info, &length) &&
		length >= sizeof(*info)) {
		print_format(name, "%lu.%lu.%lu.%lu", info->dwFileVersionMS >> 16,
			info->dwFileVersionMS & 0xffff, info->dwFileVersionLS >> 16,
			info->dwFileVersionLS & 0xffff);
	}
	free(data);
}

static void print_module(const char *name, const char *version, HMODULE module)
{
	WCHAR path[MAX_PATH] = L"";

	if (!module) {
		print_row(name, NULL);
		return;
	}
	GetModuleFileNameW(module, path, MAX_PATH);
	print_wide(name, path);
	print_file_version(version, path);
}

/* What the registry has for Windows' opengl32.dll. */
static void print_registered(void)
{
	WCHAR name[MAX_PATH] = L"";
	DWORD size = sizeof(name) - sizeof(*name);

	if (RegGetValueW(HKEY_LOCAL_MACHINE,
		    L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\OpenGLDrivers\\MSOGL",
		    L"DLL", RRF_RT_REG_SZ, NULL, name, &size) == ERROR_SUCCESS) {
		print_wide("registered ICD", name);
	} else {
		print_row("registered ICD", NULL);
	}
}

static bool is_icd(HMODULE module)
{
	return module && GetProcAddress(module, "DrvSetPixelFormat") &&
	       GetProcAddress(module, "DrvCopyContext");
}

/*
 * The module that has the entry points of an ICD; NULL where Windows' own OpenGL draws. Mesa's
 * opengl32.dll has them, too, and goes on to those of the ICD.
 */
static HMODULE find_icd(HMODULE opengl)
{
	static HMODULE modules[MODULES_MAX];
	DWORD size = 0;

	if (!EnumProcessModules(GetCurrentProcess(), modules, sizeof(modules), &size)) {
		return NULL;
	}
	for (size_t i = 0; i < size / sizeof(HMODULE) && i < MODULES_MAX; i++) {
		if (modules[i] != opengl && is_icd(modules[i])) {
			return modules[i];
		}
	}
	return is_icd(opengl) ? opengl : NULL;
}

/* The driver */

static void print_capsets(struct escape_transport *transport, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct vgt_escape_get_capset_info info = {.capset_index = i};
		char name[32];

		if (escape_call(transport, VGT_ESCAPE_GET_CAPSET_INFO, 0, &info,
			    sizeof(info)) == VGT_ESCAPE_OK) {
			snprintf(name, sizeof(name), "capset %u", info.capset_id);
			print_format(name, "version %u, %u bytes", info.capset_max_version,
				info.capset_max_size);
		}
	}
}

static void print_version(const struct vgt_escape_get_version *version)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} features[] = {
		{VGT_ESCAPE_FEATURE_VIRGL, " virgl"},
		{VGT_ESCAPE_FEATURE_EDID, " edid"},
		{VGT_ESCAPE_FEATURE_RESOURCE_BLOB, " resource-blob"},
		{VGT_ESCAPE_FEATURE_CONTEXT_INIT, " context-init"},
	};
	char text[80] = "";

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		strcat(text, version->features & features[i].bit ? features[i].name : "");
	}
	print_format("escape ABI", "version %u", version->header.version);
	print_row("device features", text + strspn(text, " "));
	print_format("limits",
		"%u contexts, %u resources, %u fences in flight, %llu MiB of backing",
		version->contexts_max, version->resources_max, version->fences_max,
		(unsigned long long)(version->backing_max >> 20));
	print_format("limits of a submit", "%u KiB of commands, %u resources",
		version->submit_max >> 10, version->submit_resources_max);
}

static void print_health(struct escape_transport *transport)
{
	struct vgt_escape_get_statistics statistics = {.contexts = 0};

	if (escape_call(transport, VGT_ESCAPE_GET_STATISTICS, 0, &statistics,
		    sizeof(statistics)) == VGT_ESCAPE_OK) {
		print_format("device", "%llu resets, %llu timeouts, %llu invalid answers",
			(unsigned long long)statistics.device_resets,
			(unsigned long long)statistics.device_timeouts,
			(unsigned long long)statistics.device_invalid);
	}
}

static enum status ask_driver(void)
{
	const char *wanted = getenv("VGT_TRANSPORT");
	struct escape_transport *transport = escape_transport_open(wanted);
	struct vgt_escape_get_version version = {.features = 0};

	print_row("transport", transport ? transport->name : NULL);
	if (!transport) {
		if (wanted && *wanted && strcmp(wanted, "d3dkmt") != 0 &&
			strcmp(wanted, "device") != 0) {
			complain("VGT_TRANSPORT is neither d3dkmt nor device", wanted);
		} else if (wanted && *wanted) {
			complain("no driver speaks the escape ABI by VGT_TRANSPORT", wanted);
		} else {
			complain("no display adapter and no device speaks the escape ABI",
				"is the driver of the virtio-gpu device installed?");
		}
		return STATUS_BAD;
	}
	print_row("reached by", transport->where);
	if (escape_call(transport, VGT_ESCAPE_GET_VERSION, 0, &version, sizeof(version)) ==
		VGT_ESCAPE_OK) {
		print_version(&version);
		print_capsets(transport, version.num_capsets);
		print_health(transport);
	}
	escape_transport_close(transport);
	return STATUS_FINE;
}

/* OpenGL */

static bool is_colour(const GLubyte *pixel, const struct colour *colour)
{
	for (int i = 0; i < 3; i++) {
		if (abs(pixel[i] - colour->rgb[i]) > 1) {
			return false;
		}
	}
	return true;
}

/* The lower left half of the picture; whose the diagonal's pixels are is not asked. */
static enum status check_picture(const GLubyte *pixels)
{
	for (int y = 0; y < SIDE; y++) {
		for (int x = 0; x < SIDE; x++) {
			const struct colour *wanted =
				x + y < SIDE - 2 ? &foreground : &background;
			const GLubyte *pixel = pixels + 4 * (y * SIDE + x);
			if (abs(x + y - (SIDE - 1)) > 1 && !is_colour(pixel, wanted)) {
				print_format("test triangle",
					"wrong: pixel %d,%d is %u,%u,%u instead of %u,%u,%u", x,
					y, pixel[0], pixel[1], pixel[2], wanted->rgb[0],
					wanted->rgb[1], wanted->rgb[2]);
				complain("the test triangle has wrong pixels", "");
				return STATUS_BAD;
			}
		}
	}
	print_row("test triangle", "right");
	return STATUS_FINE;
}

static enum status draw_triangle(HDC dc)
{
	static GLubyte pixels[4 * SIDE * SIDE];

	glViewport(0, 0, SIDE, SIDE);
	glDisable(GL_DITHER);
	glClearColor((float)background.rgb[0] / 255, (float)background.rgb[1] / 255,
		(float)background.rgb[2] / 255, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glColor3ubv(foreground.rgb);
	glBegin(GL_TRIANGLES);
	glVertex2f(-1, -1);
	glVertex2f(1, -1);
	glVertex2f(-1, 1);
	glEnd();
	glReadPixels(0, 0, SIDE, SIDE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
	GLenum error = glGetError();
	if (error != GL_NO_ERROR) {
		print_format("test triangle", "GL error 0x%04x", error);
		fprintf(stderr, "icdinfo: the test triangle was not drawn: GL error 0x%04x\n",
			error);
		return STATUS_BAD;
	}
	if (!SwapBuffers(dc)) {
		(void)system_trouble("SwapBuffers");
		return STATUS_BAD;
	}
	return check_picture(pixels);
}

static enum status ask_opengl(HDC dc)
{
	const char *renderer = (const char *)glGetString(GL_RENDERER);
	HMODULE opengl = GetModuleHandleA("opengl32.dll");

	print_module("opengl32.dll", "opengl32.dll version", opengl);
	print_module("ICD", "ICD version", find_icd(opengl));
	print_registered();
	print_row("GL version", (const char *)glGetString(GL_VERSION));
	print_row("GLSL version", (const char *)glGetString(0x8b8c)); /* 2.0's */
	print_row("GL vendor", (const char *)glGetString(GL_VENDOR));
	print_row("GL renderer", renderer);
	enum status status = draw_triangle(dc);
	if (!renderer || strncmp(renderer, RENDERER, strlen(RENDERER)) != 0) {
		complain("OpenGL is not drawn by the virtio-gpu device, but by",
			renderer ? renderer : "something without a name");
		return STATUS_BAD;
	}
	return status;
}

/* Why there is no pixel format: the ICD says only that there is none. */
static enum status no_format(void)
{
	const char *driver = getenv("GALLIUM_DRIVER");
	enum status status = system_trouble("SetPixelFormat");

	if (driver && *driver && strcmp(driver, RENDERER) != 0 &&
		strcmp(driver, "softpipe") != 0) {
		complain("GALLIUM_DRIVER is neither virgl nor softpipe", driver);
	}
	return status;
}

static enum status with_context(HDC dc)
{
	const PIXELFORMATDESCRIPTOR wanted = {
		.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.iPixelType = PFD_TYPE_RGBA,
		.cColorBits = 24,
	};
	int format = ChoosePixelFormat(dc, &wanted);

	if (!format || !SetPixelFormat(dc, format, &wanted)) {
		return no_format();
	}
	HGLRC context = wglCreateContext(dc);
	if (!context) {
		return system_trouble("wglCreateContext");
	}
	enum status status =
		wglMakeCurrent(dc, context) ? ask_opengl(dc) : system_trouble("wglMakeCurrent");
	wglMakeCurrent(NULL, NULL);
	wglDeleteContext(context);
	return status;
}

/* In a window that is never shown. */
static enum status with_window(void)
{
	const WNDCLASSA class = {
		.style = CS_OWNDC,
		.lpfnWndProc = DefWindowProcA,
		.hInstance = GetModuleHandleA(NULL),
		.lpszClassName = WINDOW_CLASS,
	};
	RegisterClassA(&class);
	HWND window = CreateWindowA(WINDOW_CLASS, "icdinfo", WS_POPUP, 0, 0, SIDE, SIDE, NULL,
		NULL, class.hInstance, NULL);
	if (!window) {
		return system_trouble("CreateWindow");
	}
	HDC dc = GetDC(window);
	enum status status = dc ? with_context(dc) : system_trouble("GetDC");
	if (dc) {
		ReleaseDC(window, dc);
	}
	DestroyWindow(window);
	return status;
}

static void print_usage(FILE *file)
{
	fputs("usage: icdinfo [--json]\n"
	      "Which OpenGL programs in this directory get, and whether it draws.\n"
	      "Exit status: 0 the virtio-gpu device draws, and rightly; 1 it does not; 2 wrong "
	      "usage,\n"
	      "or there is no OpenGL to ask.\n"
	      "Environment: VGT_TRANSPORT=d3dkmt|device and GALLIUM_DRIVER=virgl|softpipe, as "
	      "for the\n"
	      "ICD.\n",
		file);
}

static enum status print_all(void)
{
	print_row("program", sizeof(void *) == 8 ? "64-bit" : "32-bit");
	enum status driver = ask_driver();
	enum status opengl = with_window();
	if (as_json) {
		puts("\n}");
	}
	return opengl > driver ? opengl : driver;
}

int main(int argc, char **argv)
{
	UINT code_page = GetConsoleOutputCP();

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return STATUS_FINE;
	}
	as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
	if (argc != 1 && !as_json) {
		complain("unknown argument", argv[argc - 1]);
		print_usage(stderr);
		return STATUS_TROUBLE;
	}
	SetConsoleOutputCP(CP_UTF8);
	enum status status = print_all();
	fflush(stdout);
	SetConsoleOutputCP(code_page);
	return status;
}
