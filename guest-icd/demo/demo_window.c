/* SPDX-License-Identifier: MIT */
#include "demo_window.h"

#include <GL/gl.h>

#include <GL/wglext.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

long demo_frames(int argc, char **argv)
{
	char *end = "";
	long frames = argc > 1 ? strtol(argv[1], &end, 10) : LONG_MAX;

	if (argc > 2 || *end || frames <= 0) {
		fprintf(stderr, "usage: %s [FRAMES]\n", argv[0]);
		exit(2);
	}
	return frames;
}

static LRESULT CALLBACK on_message(HWND handle, UINT message, WPARAM word, LPARAM value)
{
	struct demo_window *window =
		(struct demo_window *)GetWindowLongPtrA(handle, GWLP_USERDATA);

	switch (message) {
	case WM_SIZE:
		if (window) {
			window->width = LOWORD(value);
			window->height = HIWORD(value);
		}
		return 0;
	case WM_KEYDOWN:
		if (word != VK_ESCAPE) {
			break;
		}
		/* fallthrough */
	case WM_CLOSE:
		if (window) {
			window->is_open = false;
		}
		return 0;
	}
	return DefWindowProcA(handle, message, word, value);
}

static HWND create_window(struct demo_window *window, int x, int width, int height)
{
	const WNDCLASSA class = {
		.style = CS_OWNDC,
		.lpfnWndProc = on_message,
		.hInstance = GetModuleHandleA(NULL),
		.hCursor = LoadCursorA(NULL, IDC_ARROW),
		.lpszClassName = "vgt-demo",
	};
	RECT rect = {.right = width, .bottom = height};
	HWND handle;

	RegisterClassA(&class);
	AdjustWindowRect(&rect, WS_OVERLAPPEDWINDOW, FALSE);
	handle = CreateWindowA(class.lpszClassName, window->title, WS_OVERLAPPEDWINDOW, x, 0,
		rect.right - rect.left, rect.bottom - rect.top, NULL, NULL, class.hInstance,
		NULL);
	if (handle) {
		SetWindowLongPtrA(handle, GWLP_USERDATA, (LONG_PTR)window);
		ShowWindow(handle, SW_SHOWNORMAL);
	}
	return handle;
}

static bool set_pixel_format(HDC dc)
{
	const PIXELFORMATDESCRIPTOR wanted = {
		.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.iPixelType = PFD_TYPE_RGBA,
		.cColorBits = 24,
		.cDepthBits = 24,
	};
	int format = ChoosePixelFormat(dc, &wanted);
	return format && SetPixelFormat(dc, format, &wanted);
}

/* WGL's way: it takes a context to ask for a better one. */
static HGLRC create_core_context(HDC dc, int version, HGLRC share)
{
	const int attributes[] = {WGL_CONTEXT_MAJOR_VERSION_ARB, version / 10,
		WGL_CONTEXT_MINOR_VERSION_ARB, version % 10, WGL_CONTEXT_PROFILE_MASK_ARB,
		WGL_CONTEXT_CORE_PROFILE_BIT_ARB, 0};
	HGLRC first = wglCreateContext(dc), context = NULL;

	if (first && wglMakeCurrent(dc, first)) {
		PFNWGLCREATECONTEXTATTRIBSARBPROC create =
			(PFNWGLCREATECONTEXTATTRIBSARBPROC)(void *)wglGetProcAddress(
				"wglCreateContextAttribsARB");
		context = create ? create(dc, share, attributes) : NULL;
		wglMakeCurrent(NULL, NULL);
	}
	wglDeleteContext(first);
	return context;
}

static HGLRC create_context(HDC dc, int version, HGLRC share)
{
	HGLRC context =
		version ? create_core_context(dc, version, share) : wglCreateContext(dc);

	if (context && share && !version && !wglShareLists(share, context)) {
		wglDeleteContext(context);
		return NULL;
	}
	return context;
}

bool demo_open(struct demo_window *window, const char *title, int x, int width, int height,
	int version, HGLRC share)
{
	*window = (struct demo_window){
		.title = title, .width = width, .height = height, .is_open = true};
	window->handle = create_window(window, x, width, height);
	window->dc = window->handle ? GetDC(window->handle) : NULL;
	window->context = window->dc && set_pixel_format(window->dc)
				  ? create_context(window->dc, version, share)
				  : NULL;
	if (!window->context || !wglMakeCurrent(window->dc, window->context)) {
		fprintf(stderr, "%s: no OpenGL in a window: error %lu\n", title,
			GetLastError());
		demo_close(window);
		return false;
	}
	printf("%s: %s\n", title, (const char *)glGetString(GL_RENDERER));
	return true;
}

bool demo_next(struct demo_window *window)
{
	MSG message;

	while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) {
		TranslateMessage(&message);
		DispatchMessageA(&message);
	}
	return window->is_open;
}

void demo_show(const struct demo_window *window)
{
	SwapBuffers(window->dc);
}

void demo_close(struct demo_window *window)
{
	wglMakeCurrent(NULL, NULL);
	wglDeleteContext(window->context);
	if (window->handle) {
		ReleaseDC(window->handle, window->dc);
		DestroyWindow(window->handle);
	}
	*window = (struct demo_window){.title = NULL};
}

PROC demo_function(const char *name)
{
	PROC function = wglGetProcAddress(name);

	if (!function) {
		fprintf(stderr, "this OpenGL has no %s\n", name);
		exit(1);
	}
	return function;
}
