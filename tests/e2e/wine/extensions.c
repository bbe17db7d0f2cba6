/* SPDX-License-Identifier: MIT */
/*
 * What OpenGL offers a program, a line each: the profile, and version, GLSL version or the name
 * of an extension. For Windows, where the extensions of WGL come behind, and for Linux, with
 * SDL.
 */
#ifdef _WIN32
#include <windows.h>

#include <GL/gl.h>
#include <GL/glext.h>
#include <GL/wglext.h>
#else
#include <SDL2/SDL.h>
#include <SDL2/SDL_opengl.h>
#endif

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 64

static void *found(const char *name, void *function)
{
	if (!function) {
		fprintf(stderr, "extensions: there is no %s\n", name);
		exit(1);
	}
	return function;
}

#ifdef _WIN32
static HDC dc;

static void *find(const char *name)
{
	return found(name, (void *)(uintptr_t)wglGetProcAddress(name));
}

static void make_window(void)
{
	const PIXELFORMATDESCRIPTOR wanted = {.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.cColorBits = 24,
		.cDepthBits = 24};
	HWND window = CreateWindowA(
		"static", "extensions", WS_POPUP, 0, 0, SIDE, SIDE, NULL, NULL, NULL, NULL);

	dc = GetDC(window);
	int format = ChoosePixelFormat(dc, &wanted);
	if (format) {
		SetPixelFormat(dc, format, &wanted);
	}
}

static bool make_core_context(int version)
{
	const int attributes[] = {WGL_CONTEXT_MAJOR_VERSION_ARB, version / 10,
		WGL_CONTEXT_MINOR_VERSION_ARB, version % 10, WGL_CONTEXT_PROFILE_MASK_ARB,
		WGL_CONTEXT_CORE_PROFILE_BIT_ARB, 0};
	PFNWGLCREATECONTEXTATTRIBSARBPROC create =
		(PFNWGLCREATECONTEXTATTRIBSARBPROC)find("wglCreateContextAttribsARB");
	HGLRC context = create(dc, NULL, attributes);
	return context && wglMakeCurrent(dc, context);
}

static bool make_context(void)
{
	HGLRC context = wglCreateContext(dc);
	return context && wglMakeCurrent(dc, context);
}

static void print_window_system(void)
{
	PFNWGLGETEXTENSIONSSTRINGARBPROC get =
		(PFNWGLGETEXTENSIONSSTRINGARBPROC)find("wglGetExtensionsStringARB");
	const char *name = get(dc);

	for (size_t length; (length = strcspn(name, " ")) > 0; name += strspn(name, " ")) {
		printf("WGL %.*s\n", (int)length, name);
		name += length;
	}
}
#else
static SDL_Window *window;

static void *find(const char *name)
{
	return found(name, SDL_GL_GetProcAddress(name));
}

static void make_window(void)
{
	SDL_Init(SDL_INIT_VIDEO);
	window = SDL_CreateWindow("extensions", 0, 0, SIDE, SIDE, SDL_WINDOW_OPENGL);
}

static bool make_context(void)
{
	return window && SDL_GL_CreateContext(window);
}

static bool make_core_context(int version)
{
	SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, version / 10);
	SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, version % 10);
	SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_CORE);
	return make_context();
}

static void print_window_system(void)
{
}
#endif

static void print_profile(const char *profile)
{
	PFNGLGETSTRINGIPROC get_indexed = (PFNGLGETSTRINGIPROC)find("glGetStringi");
	GLint count = 0;

	printf("%s version: %s\n", profile, (const char *)glGetString(GL_VERSION));
	printf("%s GLSL: %s\n", profile,
		(const char *)glGetString(GL_SHADING_LANGUAGE_VERSION));
	glGetIntegerv(GL_NUM_EXTENSIONS, &count);
	for (GLint i = 0; i < count; i++) {
		printf("%s %s\n", profile, (const char *)get_indexed(GL_EXTENSIONS, (GLuint)i));
	}
}

/* The newest that there is. */
static bool make_newest_core_context(void)
{
	static const int versions[] = {46, 45, 44, 43, 42, 41, 40, 33, 32};

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		if (make_core_context(versions[i])) {
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	(void)argc, (void)argv; /* as SDL wants main() to be */
	make_window();
	if (!make_context()) {
		fprintf(stderr, "extensions: there is no context\n");
		return 1;
	}
	fprintf(stderr, "renderer: %s\n", (const char *)glGetString(GL_RENDERER));
	print_profile("compatibility");
	print_window_system();
	if (!make_newest_core_context()) {
		fprintf(stderr, "extensions: there is no core profile\n");
		return 1;
	}
	print_profile("core");
	return 0;
}
