/* SPDX-License-Identifier: MIT */
/*
 * triangle [FRAMES]: a triangle that turns in a window, what the proof of concept of 2017 drew.
 * Each frame is turned by a degree, whatever the time, so that all runs draw the same. Ends
 * after so many frames, or when its window is closed.
 */
#include <windows.h>

#include <GL/gl.h>

#include <stdio.h>
#include <stdlib.h>

#define WIDTH  320
#define HEIGHT 240

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM word, LPARAM value)
{
	if (message == WM_DESTROY) {
		PostQuitMessage(0);
		return 0;
	}
	return DefWindowProcA(window, message, word, value);
}

static HWND open_window(void)
{
	const WNDCLASSA class = {
		.style = CS_OWNDC,
		.lpfnWndProc = on_message,
		.hInstance = GetModuleHandleA(NULL),
		.lpszClassName = "triangle",
	};
	RECT rect = {.right = WIDTH, .bottom = HEIGHT};

	RegisterClassA(&class);
	AdjustWindowRect(&rect, WS_OVERLAPPEDWINDOW, FALSE);
	return CreateWindowA("triangle", "triangle", WS_OVERLAPPEDWINDOW | WS_VISIBLE,
		CW_USEDEFAULT, CW_USEDEFAULT, rect.right - rect.left, rect.bottom - rect.top,
		NULL, NULL, class.hInstance, NULL);
}

static HGLRC create_context(HDC dc)
{
	const PIXELFORMATDESCRIPTOR wanted = {
		.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.iPixelType = PFD_TYPE_RGBA,
		.cColorBits = 24,
	};
	int format = ChoosePixelFormat(dc, &wanted);

	return format && SetPixelFormat(dc, format, &wanted) ? wglCreateContext(dc) : NULL;
}

static void draw(int frame)
{
	glClearColor(0.1f, 0.1f, 0.2f, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glLoadIdentity();
	glRotatef((float)frame, 0, 0, 1);
	glBegin(GL_TRIANGLES);
	glColor3f(1, 0, 0);
	glVertex2f(0, 0.8f);
	glColor3f(0, 1, 0);
	glVertex2f(-0.7f, -0.4f);
	glColor3f(0, 0, 1);
	glVertex2f(0.7f, -0.4f);
	glEnd();
}

/* False: the window was closed. */
static BOOL handle_messages(void)
{
	MSG message;

	while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) {
		if (message.message == WM_QUIT) {
			return FALSE;
		}
		TranslateMessage(&message);
		DispatchMessageA(&message);
	}
	return TRUE;
}

int main(int argc, char **argv)
{
	long frames = argc > 1 ? strtol(argv[1], NULL, 10) : LONG_MAX;
	HWND window = open_window();
	HDC dc = window ? GetDC(window) : NULL;
	HGLRC context = dc ? create_context(dc) : NULL;

	if (!context || !wglMakeCurrent(dc, context)) {
		fprintf(stderr, "triangle: no OpenGL in a window: error %lu\n", GetLastError());
		return 1;
	}
	printf("%s\n", (const char *)glGetString(GL_RENDERER));
	for (int frame = 0; frame < frames && handle_messages(); frame++) {
		draw(frame);
		SwapBuffers(dc);
	}
	wglMakeCurrent(NULL, NULL);
	wglDeleteContext(context);
	return 0;
}
