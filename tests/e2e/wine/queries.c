/* SPDX-License-Identifier: MIT */
/*
 * queries COUNT: so many pictures, each with an occlusion query that is waited for, and says
 * how many of them counted pixels. Of a device that goes away meanwhile the others count none,
 * but they end. The context wants to be told of resets, and it says whether it was.
 */
#include <windows.h>

#include <GL/gl.h>
#include <GL/glext.h>
#include <GL/wglext.h>

#include <stdio.h>
#include <stdlib.h>

#define SIDE 64

static PFNWGLCREATECONTEXTATTRIBSARBPROC create_context;
static PFNGLGENQUERIESPROC gen_queries;
static PFNGLBEGINQUERYPROC begin_query;
static PFNGLENDQUERYPROC end_query;
static PFNGLGETQUERYOBJECTUIVPROC get_query;
static PFNGLGETGRAPHICSRESETSTATUSARBPROC reset_status;

/* By way of void *, for the functions are of other types. */
static void *find(const char *name)
{
	return (void *)(uintptr_t)wglGetProcAddress(name);
}

static BOOL find_functions(void)
{
	create_context = (PFNWGLCREATECONTEXTATTRIBSARBPROC)find("wglCreateContextAttribsARB");
	gen_queries = (PFNGLGENQUERIESPROC)find("glGenQueries");
	begin_query = (PFNGLBEGINQUERYPROC)find("glBeginQuery");
	end_query = (PFNGLENDQUERYPROC)find("glEndQuery");
	get_query = (PFNGLGETQUERYOBJECTUIVPROC)find("glGetQueryObjectuiv");
	reset_status = (PFNGLGETGRAPHICSRESETSTATUSARBPROC)find("glGetGraphicsResetStatusARB");
	return create_context && gen_queries && begin_query && end_query && get_query &&
	       reset_status;
}

static HDC open_window(void)
{
	const WNDCLASSA class = {
		.style = CS_OWNDC,
		.lpfnWndProc = DefWindowProcA,
		.lpszClassName = "queries",
	};
	const PIXELFORMATDESCRIPTOR wanted = {
		.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.cColorBits = 24,
	};
	RegisterClassA(&class);
	HWND window = CreateWindowA("queries", "queries", WS_POPUP | WS_VISIBLE, 0, 0, SIDE,
		SIDE, NULL, NULL, NULL, NULL);
	HDC dc = window ? GetDC(window) : NULL;
	int format = dc ? ChoosePixelFormat(dc, &wanted) : 0;

	return format && SetPixelFormat(dc, format, &wanted) ? dc : NULL;
}

/* A context that wants to be told of resets, by way of one that does not. */
static BOOL open_context(HDC dc)
{
	static const int attributes[] = {WGL_CONTEXT_FLAGS_ARB,
		WGL_CONTEXT_ROBUST_ACCESS_BIT_ARB, WGL_CONTEXT_RESET_NOTIFICATION_STRATEGY_ARB,
		WGL_LOSE_CONTEXT_ON_RESET_ARB, 0};
	HGLRC plain = wglCreateContext(dc);

	if (!plain || !wglMakeCurrent(dc, plain) || !find_functions()) {
		return FALSE;
	}
	HGLRC robust = create_context(dc, NULL, attributes);
	return robust && wglMakeCurrent(dc, robust);
}

static BOOL counts_pixels(GLuint query)
{
	GLuint samples = 0;

	glClear(GL_COLOR_BUFFER_BIT);
	begin_query(GL_SAMPLES_PASSED, query);
	glRectf(-0.5f, -0.5f, 0.5f, 0.5f);
	end_query(GL_SAMPLES_PASSED);
	get_query(query, GL_QUERY_RESULT, &samples);
	return samples > 0;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;
	int counted = 0;
	GLuint query;
	HDC dc = open_window();

	if (!dc || !open_context(dc)) {
		fprintf(stderr, "queries: no context: error %lu\n", GetLastError());
		return 1;
	}
	gen_queries(1, &query);
	for (int i = 0; i < count; i++) {
		counted += counts_pixels(query);
		SwapBuffers(dc);
	}
	printf("%d of %d, %s\n", counted, count,
		reset_status() == GL_NO_ERROR ? "no reset" : "a reset");
	return 0;
}
