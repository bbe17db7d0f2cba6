/* SPDX-License-Identifier: MIT */
/*
 * wgl [--wrong] [CASE...]: what an ICD does with windows, pixel formats, contexts, threads and
 * pbuffers. Draws a pattern, and reads it back through OpenGL and from the window through GDI;
 * each case is a line, "ok CASE" or "FAIL CASE: what". Exit status 0: all are ok. --wrong draws
 * one pixel of each pattern in another colour, so that no case that looks at one may be ok.
 */
#include <windows.h>

#include <GL/gl.h>

#include <GL/glext.h>
#include <GL/wglext.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4

static BOOL draw_wrong;

/* Why a case failed; a thread's own. */
static _Thread_local char why[200];

__attribute__((format(gnu_printf, 1, 2))) static BOOL fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	return FALSE;
}

/* Functions that opengl32.dll does not have. */

static struct {
	PFNWGLCHOOSEPIXELFORMATARBPROC choose_pixel_format;
	PFNWGLGETPIXELFORMATATTRIBIVARBPROC get_pixel_format_attribute;
	PFNWGLCREATECONTEXTATTRIBSARBPROC create_context_attribs;
	PFNWGLCREATEPBUFFERARBPROC create_pbuffer;
	PFNWGLGETPBUFFERDCARBPROC get_pbuffer_dc;
	PFNWGLRELEASEPBUFFERDCARBPROC release_pbuffer_dc;
	PFNWGLDESTROYPBUFFERARBPROC destroy_pbuffer;
	PFNWGLQUERYPBUFFERARBPROC query_pbuffer;
	PFNWGLBINDTEXIMAGEARBPROC bind_tex_image;
	PFNWGLRELEASETEXIMAGEARBPROC release_tex_image;
	PFNWGLSWAPINTERVALEXTPROC swap_interval;
	PFNWGLGETSWAPINTERVALEXTPROC get_swap_interval;
	PFNGLGENBUFFERSPROC gen_buffers;
	PFNGLBINDBUFFERPROC bind_buffer;
	PFNGLBUFFERDATAPROC buffer_data;
	PFNGLGENFRAMEBUFFERSPROC gen_framebuffers;
	PFNGLBINDFRAMEBUFFERPROC bind_framebuffer;
	PFNGLFRAMEBUFFERTEXTURE2DPROC framebuffer_texture;
	PFNGLGETSTRINGIPROC get_string;
} gl;

/* With a current context. */
static BOOL find_functions(void)
{
	static const char *const names[] = {"wglChoosePixelFormatARB",
		"wglGetPixelFormatAttribivARB", "wglCreateContextAttribsARB",
		"wglCreatePbufferARB", "wglGetPbufferDCARB", "wglReleasePbufferDCARB",
		"wglDestroyPbufferARB", "wglQueryPbufferARB", "wglBindTexImageARB",
		"wglReleaseTexImageARB", "wglSwapIntervalEXT", "wglGetSwapIntervalEXT",
		"glGenBuffers", "glBindBuffer", "glBufferData", "glGenFramebuffers",
		"glBindFramebuffer", "glFramebufferTexture2D", "glGetStringi"};
	PROC functions[sizeof(names) / sizeof(names[0])];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		functions[i] = wglGetProcAddress(names[i]);
		if (!functions[i]) {
			return fail("there is no %s", names[i]);
		}
	}
	_Static_assert(sizeof(functions) == sizeof(gl), "a name for each function");
	memcpy(&gl, functions, sizeof(gl));
	return TRUE;
}

/* Windows */

struct window {
	HWND handle;
	HDC dc;
	int width, height;
	HGLRC context; /* that it was opened with, NULL: none */
};

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM word, LPARAM value)
{
	return DefWindowProcA(window, message, word, value);
}

static void handle_messages(void)
{
	MSG message;

	while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE)) {
		DispatchMessageA(&message);
	}
}

/* Without frame, so that it may have any size, and not activated, which makes Wine wait for a
 * window manager; none lies over another of up to 320x256. */
static BOOL open_window(struct window *window, unsigned place, int width, int height)
{
	*window = (struct window){.width = width, .height = height};
	window->handle = CreateWindowExA(WS_EX_TOOLWINDOW, "wgl", "wgl", WS_POPUP,
		(int)(place % 4) * 320, (int)(place / 4) * 256, width, height, NULL, NULL,
		GetModuleHandleA(NULL), NULL);
	ShowWindow(window->handle, SW_SHOWNOACTIVATE);
	window->dc = window->handle ? GetDC(window->handle) : NULL;
	handle_messages();
	return window->dc || fail("no window: error %lu", GetLastError());
}

static BOOL resize_window(struct window *window, int width, int height)
{
	window->width = width;
	window->height = height;
	SetWindowPos(window->handle, NULL, 0, 0, width, height,
		SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE);
	handle_messages();
	return TRUE;
}

static void close_window(struct window *window)
{
	if (window->context) {
		wglMakeCurrent(NULL, NULL);
		wglDeleteContext(window->context);
	}
	if (window->handle) {
		ReleaseDC(window->handle, window->dc);
		DestroyWindow(window->handle);
		handle_messages();
	}
	*window = (struct window){.handle = NULL};
}

static BOOL set_format(const struct window *window, DWORD flags, BYTE color_bits)
{
	const PIXELFORMATDESCRIPTOR wanted = {
		.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | flags,
		.iPixelType = PFD_TYPE_RGBA,
		.cColorBits = color_bits,
		.cDepthBits = 24,
	};
	int format = ChoosePixelFormat(window->dc, &wanted);

	return (format && SetPixelFormat(window->dc, format, &wanted)) ||
	       fail("no pixel format: error %lu", GetLastError());
}

static BOOL make_current(const struct window *window, HGLRC context)
{
	return wglMakeCurrent(window->dc, context) ||
	       fail("wglMakeCurrent: error %lu", GetLastError());
}

static BOOL create_context(struct window *window)
{
	window->context = wglCreateContext(window->dc);
	return window->context || fail("wglCreateContext: error %lu", GetLastError());
}

/* A window with a context that is current. */
static BOOL open_gl_window(
	struct window *window, unsigned place, int width, int height, DWORD flags)
{
	return open_window(window, place, width, height) && set_format(window, flags, 24) &&
	       create_context(window) && make_current(window, window->context);
}

/* Pictures: B8G8R8X8, the upper row first. */

struct picture {
	int width, height;
	uint32_t *pixels;
};

static BOOL create_picture(struct picture *picture, int width, int height)
{
	*picture = (struct picture){.width = width, .height = height};
	picture->pixels = calloc((size_t)width * (size_t)height, sizeof(*picture->pixels));
	return picture->pixels || fail("no memory");
}

/* What the window shows. */
static BOOL read_window(struct picture *picture, const struct window *window)
{
	const BITMAPINFO info = {.bmiHeader = {.biSize = sizeof(BITMAPINFOHEADER),
					 .biWidth = window->width,
					 .biHeight = -window->height,
					 .biPlanes = 1,
					 .biBitCount = 32}};
	HDC memory = CreateCompatibleDC(window->dc);
	void *bits = NULL;
	HBITMAP bitmap = CreateDIBSection(memory, &info, DIB_RGB_COLORS, &bits, NULL, 0);
	BOOL read = create_picture(picture, window->width, window->height) && bitmap;

	if (read) {
		SelectObject(memory, bitmap);
		read = BitBlt(
			memory, 0, 0, window->width, window->height, window->dc, 0, 0, SRCCOPY);
		GdiFlush();
		memcpy(picture->pixels, bits,
			(size_t)window->width * (size_t)window->height * 4);
	}
	DeleteDC(memory);
	DeleteObject(bitmap);
	return read || fail("the window cannot be read: error %lu", GetLastError());
}

static void turn_over(struct picture *picture)
{
	for (int y = 0; y < picture->height / 2; y++) {
		uint32_t *upper = picture->pixels + y * picture->width;
		uint32_t *lower = picture->pixels + (picture->height - 1 - y) * picture->width;
		for (int x = 0; x < picture->width; x++) {
			uint32_t pixel = upper[x];
			upper[x] = lower[x];
			lower[x] = pixel;
		}
	}
}

/* What the buffer has that glReadPixels reads. */
static BOOL read_buffer(struct picture *picture, int width, int height)
{
	GLenum error = glGetError();

	if (error != GL_NO_ERROR) {
		return fail("OpenGL error 0x%x", error);
	}
	if (!create_picture(picture, width, height)) {
		return FALSE;
	}
	glReadPixels(0, 0, width, height, GL_BGRA, GL_UNSIGNED_BYTE, picture->pixels);
	turn_over(picture);
	error = glGetError();
	return error == GL_NO_ERROR || fail("glReadPixels: 0x%x", error);
}

/* The pattern: four rectangles. */

static const uint32_t colors[4] = {
	0xff0000, 0x00ff00, 0x0000ff, 0xffffff}; /* below left, right, above left, right */

/* With its colours changed by `turn`; the pixel counts from above. */
static uint32_t pattern_color(int width, int height, unsigned turn, int x, int y)
{
	unsigned right = x >= width / 2, above = height - 1 - y >= height / 2;
	return colors[(right + 2 * above + turn) % 4];
}

static void clear_rectangle(int x, int y, int width, int height, uint32_t color)
{
	glScissor(x, y, width, height);
	glClearColor((float)(color >> 16 & 255) / 255, (float)(color >> 8 & 255) / 255,
		(float)(color & 255) / 255, 1);
	glClear(GL_COLOR_BUFFER_BIT);
}

static void draw_pattern(int width, int height, unsigned turn)
{
	int left = width / 2, below = height / 2;

	glEnable(GL_SCISSOR_TEST);
	clear_rectangle(0, 0, left, below, colors[turn % 4]);
	clear_rectangle(left, 0, width - left, below, colors[(turn + 1) % 4]);
	clear_rectangle(0, below, left, height - below, colors[(turn + 2) % 4]);
	clear_rectangle(left, below, width - left, height - below, colors[(turn + 3) % 4]);
	if (draw_wrong) {
		clear_rectangle(width - 1, height - 1, 1, 1, 0x808080);
	}
	glDisable(GL_SCISSOR_TEST);
}

static BOOL is_near(uint32_t a, uint32_t b, int tolerance)
{
	for (int shift = 0; shift < 24; shift += 8) {
		if (abs((int)(a >> shift & 255) - (int)(b >> shift & 255)) > tolerance) {
			return FALSE;
		}
	}
	return TRUE;
}

/* Whether it is the pattern; frees the picture. */
static BOOL check_pattern(
	struct picture *picture, unsigned turn, int tolerance, const char *what)
{
	BOOL is_right = TRUE;

	for (int y = 0; is_right && y < picture->height; y++) {
		for (int x = 0; is_right && x < picture->width; x++) {
			uint32_t found = picture->pixels[y * picture->width + x] & 0xffffff,
				 wanted = pattern_color(
					 picture->width, picture->height, turn, x, y);
			is_right =
				is_near(found, wanted, tolerance) ||
				fail("%s, %dx%d: pixel %d,%d is %06x, not %06x", what,
					picture->width, picture->height, x, y, found, wanted);
		}
	}
	free(picture->pixels);
	return is_right;
}

static BOOL check_window(const struct window *window, unsigned turn, int tolerance)
{
	struct picture picture;
	return read_window(&picture, window) &&
	       check_pattern(&picture, turn, tolerance, "window");
}

static BOOL check_buffer(int width, int height, unsigned turn, int tolerance)
{
	struct picture picture;
	return read_buffer(&picture, width, height) &&
	       check_pattern(&picture, turn, tolerance, "buffer");
}

static BOOL swap(const struct window *window)
{
	return SwapBuffers(window->dc) || fail("SwapBuffers: error %lu", GetLastError());
}

/* Draws in the current context, and looks at buffer and window. */
static BOOL show_pattern(const struct window *window, unsigned turn)
{
	glViewport(0, 0, window->width, window->height);
	draw_pattern(window->width, window->height, turn);
	return check_buffer(window->width, window->height, turn, 0) && swap(window) &&
	       check_window(window, turn, 0);
}

/* Cases. Each closes what it opens where it succeeds; what one leaves others must bear. */

static BOOL test_double_buffer(void)
{
	struct window window;

	if (!open_gl_window(&window, 0, 160, 120, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 8; turn++) {
		if (!show_pattern(&window, turn)) {
			return FALSE;
		}
		/* not before it is swapped */
		draw_pattern(window.width, window.height, turn + 1);
		glFinish();
		if (!check_window(&window, turn, 0)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* What is drawn shows at glFlush and glFinish; SwapBuffers does nothing. */
static BOOL test_single_buffer(void)
{
	struct window window;

	if (!open_gl_window(&window, 0, 161, 121, 0)) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 8; turn++) {
		draw_pattern(window.width, window.height, turn);
		turn % 2 ? glFlush() : glFinish();
		if (!check_window(&window, turn, 0) || !swap(&window) ||
			!check_window(&window, turn, 0) ||
			!check_buffer(window.width, window.height, turn, 0)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* A program may draw to the front buffer of a window that has two. */
static BOOL test_front_buffer(void)
{
	struct window window;

	if (!open_gl_window(&window, 0, 99, 77, PFD_DOUBLEBUFFER) ||
		!show_pattern(&window, 0)) {
		return FALSE;
	}
	glDrawBuffer(GL_FRONT);
	draw_pattern(window.width, window.height, 1);
	glFlush();
	if (!check_window(&window, 1, 0)) {
		return FALSE;
	}
	glDrawBuffer(GL_BACK);
	if (!show_pattern(&window, 2)) {
		return FALSE;
	}
	close_window(&window);
	return TRUE;
}

static BOOL test_resize(void)
{
	static const int sizes[][2] = {{320, 240}, {1, 1}, {2, 3}, {1, 200}, {333, 1}, {31, 33},
		{640, 480}, {1023, 7}, {257, 255}, {64, 64}};
	struct window window;

	if (!open_gl_window(&window, 0, 100, 100, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		/* two frames, for the two buffers */
		if (!resize_window(&window, sizes[i][0], sizes[i][1]) ||
			!show_pattern(&window, i) || !show_pattern(&window, i + 1)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* Drawing between two sizes and to a window without any is not seen, but must end well. */
static BOOL test_no_size(void)
{
	struct window window;

	if (!open_gl_window(&window, 0, 100, 100, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 3; turn++) {
		draw_pattern(100, 100, turn);
		resize_window(&window, 0, 0);
		swap(&window);
		draw_pattern(100, 100, turn);
		swap(&window);
		ShowWindow(window.handle, SW_SHOWMINNOACTIVE);
		handle_messages();
		draw_pattern(100, 100, turn);
		swap(&window);
		ShowWindow(window.handle, SW_SHOWNOACTIVATE);
		handle_messages();
		if (!resize_window(&window, 90, 80) || !show_pattern(&window, turn)) {
			return FALSE;
		}
		ShowWindow(window.handle, SW_HIDE);
		draw_pattern(100, 100, turn + 1);
		swap(&window);
		ShowWindow(window.handle, SW_SHOWNA);
		handle_messages();
		if (!show_pattern(&window, turn)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* One context, several windows. */
static BOOL test_windows(void)
{
	struct window windows[4];

	for (unsigned i = 0; i < 4; i++) {
		if (!open_window(&windows[i], i, 100 + 10 * (int)i, 80) ||
			!set_format(&windows[i], PFD_DOUBLEBUFFER, 24)) {
			return FALSE;
		}
	}
	if (!create_context(&windows[0])) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 4; turn++) {
		for (unsigned i = 0; i < 4; i++) {
			if (!make_current(&windows[i], windows[0].context) ||
				!show_pattern(&windows[i], turn + i)) {
				return FALSE;
			}
		}
		for (unsigned i = 0; i < 4; i++) {
			if (!check_window(&windows[i], turn + i, 0)) {
				return FALSE;
			}
		}
	}
	for (unsigned i = 4; i-- > 0;) {
		close_window(&windows[i]);
	}
	return TRUE;
}

/* Several contexts that take turns, in windows of their own and in each other's. */
static BOOL test_hopping(void)
{
	struct window windows[3];

	for (unsigned i = 0; i < 3; i++) {
		if (!open_gl_window(&windows[i], i, 70, 50 + (int)i, PFD_DOUBLEBUFFER)) {
			return FALSE;
		}
	}
	for (unsigned turn = 0; turn < 30; turn++) {
		const struct window *window = &windows[turn * 7 % 3];
		if (!make_current(window, windows[turn % 3].context) ||
			!show_pattern(window, turn)) {
			return FALSE;
		}
		if (turn % 5 == 0) {
			wglMakeCurrent(NULL, NULL);
		}
	}
	for (unsigned i = 0; i < 3; i++) {
		close_window(&windows[i]);
	}
	return TRUE;
}

/* Draws the bound texture and the bound buffer's four vertices by a display list. */
static BOOL draw_shared(
	const struct window *window, GLuint texture, GLuint buffer, GLuint list, unsigned turn)
{
	glBindTexture(GL_TEXTURE_2D, texture);
	gl.bind_buffer(GL_ARRAY_BUFFER, buffer);
	glEnable(GL_TEXTURE_2D);
	glEnableClientState(GL_VERTEX_ARRAY);
	glEnableClientState(GL_TEXTURE_COORD_ARRAY);
	glVertexPointer(2, GL_FLOAT, 16, (void *)0);
	glTexCoordPointer(2, GL_FLOAT, 16, (void *)8);
	glClearColor(0, 0, 0, 0);
	glClear(GL_COLOR_BUFFER_BIT);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	glDisable(GL_TEXTURE_2D);
	glCallList(list);
	GLenum error = glGetError();
	return (error == GL_NO_ERROR || fail("shared objects: 0x%x", error)) && swap(window) &&
	       check_window(window, turn, 0);
}

/* A texture of 2x2, the pattern; a buffer of four vertices; a list that draws --wrong's pixel.
 */
static void create_shared(
	const struct window *window, GLuint *texture, GLuint *buffer, GLuint *list)
{
	static const uint32_t texels[4] = {0xffff0000, 0xff00ff00, 0xff0000ff, 0xffffffff};
	static const float vertices[16] = {-1, -1, 0, 0, 1, -1, 1, 0, -1, 1, 0, 1, 1, 1, 1, 1};

	glGenTextures(1, texture);
	glBindTexture(GL_TEXTURE_2D, *texture);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, 2, 2, 0, GL_BGRA, GL_UNSIGNED_BYTE, texels);
	gl.gen_buffers(1, buffer);
	gl.bind_buffer(GL_ARRAY_BUFFER, *buffer);
	gl.buffer_data(GL_ARRAY_BUFFER, sizeof(vertices), vertices, GL_STATIC_DRAW);
	*list = glGenLists(1);
	glNewList(*list, GL_COMPILE);
	glEnable(GL_SCISSOR_TEST);
	clear_rectangle(
		window->width - 1, window->height - 1, 1, 1, draw_wrong ? 0x808080 : colors[3]);
	glDisable(GL_SCISSOR_TEST);
	glEndList();
	glFinish();
}

static BOOL test_sharing(void)
{
	struct window one, other;
	GLuint texture, buffer, list;

	if (!open_gl_window(&one, 0, 80, 60, PFD_DOUBLEBUFFER) ||
		!open_gl_window(&other, 1, 80, 60, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	if (!wglShareLists(one.context, other.context)) {
		return fail("wglShareLists: error %lu", GetLastError());
	}
	if (!make_current(&one, one.context)) {
		return FALSE;
	}
	create_shared(&one, &texture, &buffer, &list);
	if (!draw_shared(&one, texture, buffer, list, 0) ||
		!make_current(&other, other.context) ||
		!draw_shared(&other, texture, buffer, list, 0)) {
		return FALSE;
	}
	/* who made them is gone */
	wglDeleteContext(one.context);
	one.context = NULL;
	close_window(&one);
	for (int i = 0; i < 3; i++) {
		if (!draw_shared(&other, texture, buffer, list, 0)) {
			return FALSE;
		}
	}
	close_window(&other);
	return TRUE;
}

struct thread {
	HANDLE handle;
	unsigned number;
	BOOL is_right;
	char why[sizeof(why)];
};

static BOOL draw_in_thread(unsigned number)
{
	struct window window;

	if (!open_gl_window(&window, number, 60 + 10 * (int)number, 60, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 30; turn++) {
		if (!show_pattern(&window, turn + number)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

static DWORD WINAPI run_thread(void *opaque)
{
	struct thread *thread = opaque;

	thread->is_right = draw_in_thread(thread->number);
	memcpy(thread->why, why, sizeof(why));
	return 0;
}

static BOOL test_threads(void)
{
	struct thread threads[THREADS] = {{.number = 0}};
	BOOL is_right = TRUE;

	for (unsigned i = 0; i < THREADS; i++) {
		threads[i].number = i;
		threads[i].handle = CreateThread(NULL, 0, run_thread, &threads[i], 0, NULL);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		WaitForSingleObject(threads[i].handle, INFINITE);
		CloseHandle(threads[i].handle);
		if (!threads[i].is_right) {
			is_right = fail("thread %u: %.150s", i, threads[i].why);
		}
	}
	return is_right;
}

/* Windows lets any thread show what another has drawn. */
static DWORD WINAPI swap_in_thread(void *opaque)
{
	const struct window *window = opaque;
	return SwapBuffers(window->dc);
}

static BOOL test_swap_elsewhere(void)
{
	struct window window;
	DWORD swapped = 0;

	if (!open_gl_window(&window, 0, 75, 55, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 4; turn++) {
		draw_pattern(window.width, window.height, turn);
		glFinish();
		HANDLE thread = CreateThread(NULL, 0, swap_in_thread, &window, 0, NULL);
		/* the window's messages are this thread's to handle */
		while (MsgWaitForMultipleObjects(1, &thread, FALSE, INFINITE, QS_ALLINPUT) !=
			WAIT_OBJECT_0) {
			handle_messages();
		}
		GetExitCodeThread(thread, &swapped);
		CloseHandle(thread);
		if (!swapped) {
			return fail("SwapBuffers in another thread");
		}
		if (!check_window(&window, turn, 0)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* An attribute list of wglCreateContextAttribsARB, what is got, and the error where nothing is.
 */
struct attribs {
	int list[9];
	int major, minor;
	GLint profile, flags;
	DWORD error;
};

static BOOL check_attribs(const struct window *window, const struct attribs *attribs)
{
	GLint major = 0, minor = 0, profile = 0, flags = 0;
	HGLRC context;

	SetLastError(0);
	context = gl.create_context_attribs(window->dc, NULL, attribs->list);
	if (!context) {
		DWORD error = GetLastError();
		return (attribs->error && (error & 0xffff) == attribs->error) ||
		       fail("no context %d.%d: error 0x%lx", attribs->list[1], attribs->list[3],
			       error);
	}
	if (attribs->error) {
		return fail("a context %d.%d", attribs->list[1], attribs->list[3]);
	}
	if (!make_current(window, context)) {
		return FALSE;
	}
	glGetIntegerv(GL_MAJOR_VERSION, &major);
	glGetIntegerv(GL_MINOR_VERSION, &minor);
	glGetIntegerv(GL_CONTEXT_FLAGS, &flags);
	glGetIntegerv(GL_CONTEXT_PROFILE_MASK, &profile);
	if (major * 10 + minor < attribs->major * 10 + attribs->minor) {
		return fail("%d.%d is no %d.%d", major, minor, attribs->major, attribs->minor);
	}
	if ((attribs->profile && profile != attribs->profile) || flags != attribs->flags) {
		return fail("profile %d, flags %d of %d.%d", profile, flags, major, minor);
	}
	glBegin(GL_POINTS);
	glEnd();
	GLenum error = glGetError();
	if ((error != GL_NO_ERROR) != (profile == GL_CONTEXT_CORE_PROFILE_BIT)) {
		return fail("glBegin: 0x%x, profile %d", error, profile);
	}
	if (!show_pattern(window, (unsigned)attribs->minor)) {
		char reason[sizeof(why)];
		memcpy(reason, why, sizeof(why));
		return fail("context %d.%d, profile %d, flags %d: %.150s", major, minor,
			profile, flags, reason);
	}
	wglMakeCurrent(NULL, NULL);
	wglDeleteContext(context);
	return TRUE;
}

static BOOL test_attribs(void)
{
	enum {
		MAJOR = WGL_CONTEXT_MAJOR_VERSION_ARB,
		MINOR = WGL_CONTEXT_MINOR_VERSION_ARB,
		FLAGS = WGL_CONTEXT_FLAGS_ARB,
		PROFILE = WGL_CONTEXT_PROFILE_MASK_ARB,
		CORE = WGL_CONTEXT_CORE_PROFILE_BIT_ARB,
		COMPATIBILITY = WGL_CONTEXT_COMPATIBILITY_PROFILE_BIT_ARB,
		FORWARD = WGL_CONTEXT_FORWARD_COMPATIBLE_BIT_ARB,
		DEBUG = WGL_CONTEXT_DEBUG_BIT_ARB,
	};
	static const struct attribs all[] = {
		{{MAJOR, 1, MINOR, 1}, 1, 1, 0, 0, 0},
		{{MAJOR, 2, MINOR, 1}, 2, 1, 0, 0, 0},
		{{MAJOR, 3, MINOR, 2, PROFILE, CORE}, 3, 2, GL_CONTEXT_CORE_PROFILE_BIT, 0, 0},
		{{MAJOR, 3, MINOR, 3, PROFILE, COMPATIBILITY}, 3, 3,
			GL_CONTEXT_COMPATIBILITY_PROFILE_BIT, 0, 0},
		{{MAJOR, 4, MINOR, 3, PROFILE, CORE}, 4, 3, GL_CONTEXT_CORE_PROFILE_BIT, 0, 0},
		{{MAJOR, 3, MINOR, 2, PROFILE, CORE, FLAGS, DEBUG}, 3, 2,
			GL_CONTEXT_CORE_PROFILE_BIT, GL_CONTEXT_FLAG_DEBUG_BIT, 0},
		{{MAJOR, 3, MINOR, 2, PROFILE, CORE, FLAGS, FORWARD | DEBUG}, 3, 2,
			GL_CONTEXT_CORE_PROFILE_BIT,
			GL_CONTEXT_FLAG_DEBUG_BIT | GL_CONTEXT_FLAG_FORWARD_COMPATIBLE_BIT, 0},
		{{MAJOR, 9, MINOR, 9}, 0, 0, 0, 0, ERROR_INVALID_VERSION_ARB},
		{{MAJOR, 4, MINOR, 7}, 0, 0, 0, 0, ERROR_INVALID_VERSION_ARB},
		{{MAJOR, 0, MINOR, 0}, 0, 0, 0, 0, ERROR_INVALID_VERSION_ARB},
		{{MAJOR, 2, MINOR, 1, FLAGS, FORWARD}, 0, 0, 0, 0, ERROR_INVALID_VERSION_ARB},
		{{MAJOR, 3, MINOR, 2, PROFILE, 0x80}, 0, 0, 0, 0, ERROR_INVALID_PROFILE_ARB},
		{{MAJOR, 3, MINOR, 2, FLAGS, 0x4000}, 0, 0, 0, 0, ERROR_INVALID_PARAMETER},
		{{MAJOR, 3, MINOR, 2, 0x7777, 1}, 0, 0, 0, 0, ERROR_INVALID_PARAMETER},
	};
	struct window window;

	if (!open_gl_window(&window, 0, 66, 44, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!check_attribs(&window, &all[i])) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* A format of WGL_ARB_pixel_format for the attributes, 0: there is none. */
static int choose_format(const struct window *window, const int *attributes)
{
	int format = 0;
	UINT count = 0;

	return gl.choose_pixel_format(window->dc, attributes, NULL, 1, &format, &count) && count
		       ? format
		       : 0;
}

/* Draws to the current pbuffer; its lower row is the first. */
static BOOL draw_pbuffer(HPBUFFERARB pbuffer, int width, int height)
{
	int is_width = 0, is_height = 0;

	gl.query_pbuffer(pbuffer, WGL_PBUFFER_WIDTH_ARB, &is_width);
	gl.query_pbuffer(pbuffer, WGL_PBUFFER_HEIGHT_ARB, &is_height);
	if (is_width != width || is_height != height) {
		return fail("a pbuffer of %dx%d", is_width, is_height);
	}
	draw_pattern(width, height, 0);
	return check_buffer(width, height, 0, 0);
}

/* The pbuffer as texture of a rectangle that fills the window. */
static BOOL show_pbuffer(const struct window *window, HPBUFFERARB pbuffer)
{
	GLuint texture;

	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	if (!gl.bind_tex_image(pbuffer, WGL_FRONT_LEFT_ARB)) {
		return fail("wglBindTexImageARB: error %lu", GetLastError());
	}
	glViewport(0, 0, window->width, window->height);
	glEnable(GL_TEXTURE_2D);
	glBegin(GL_TRIANGLE_STRIP);
	for (int i = 0; i < 4; i++) {
		glTexCoord2i(i % 2, i / 2);
		glVertex2i(2 * (i % 2) - 1, 2 * (i / 2) - 1);
	}
	glEnd();
	glDisable(GL_TEXTURE_2D);
	return gl.release_tex_image(pbuffer, WGL_FRONT_LEFT_ARB) && swap(window) &&
	       check_window(window, 0, 0);
}

static BOOL test_pbuffer(void)
{
	/* as many bits of depth as the window has, which Mesa wants to bind it */
	static const int attributes[] = {WGL_DRAW_TO_PBUFFER_ARB, 1,
		WGL_BIND_TO_TEXTURE_RGBA_ARB, 1, WGL_RED_BITS_ARB, 8, WGL_ALPHA_BITS_ARB, 8,
		WGL_DEPTH_BITS_ARB, 24, WGL_DOUBLE_BUFFER_ARB, 0, 0};
	static const int texture[] = {WGL_TEXTURE_FORMAT_ARB, WGL_TEXTURE_RGBA_ARB,
		WGL_TEXTURE_TARGET_ARB, WGL_TEXTURE_2D_ARB, 0};
	struct window window;
	HPBUFFERARB pbuffer;
	HGLRC context;
	HDC dc;
	int format;

	if (!open_gl_window(&window, 0, 128, 64, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	format = choose_format(&window, attributes);
	pbuffer = format ? gl.create_pbuffer(window.dc, format, 64, 32, texture) : NULL;
	dc = pbuffer ? gl.get_pbuffer_dc(pbuffer) : NULL;
	context = dc ? wglCreateContext(dc) : NULL;
	if (!context) {
		return fail("no pbuffer: format %d, error %lu", format, GetLastError());
	}
	if (!wglMakeCurrent(dc, context) || !draw_pbuffer(pbuffer, 64, 32)) {
		return why[0] ? FALSE : fail("wglMakeCurrent of a pbuffer");
	}
	if (!make_current(&window, window.context) || !show_pbuffer(&window, pbuffer) ||
		!show_pattern(&window, 1)) {
		return FALSE;
	}
	wglDeleteContext(context);
	gl.release_pbuffer_dc(pbuffer, dc);
	if (!gl.destroy_pbuffer(pbuffer)) {
		return fail("wglDestroyPbufferARB: error %lu", GetLastError());
	}
	close_window(&window);
	return TRUE;
}

/* Values that 8 bits do not hold. (Beyond 1 Mesa clamps them.) Nothing of it can be shown. */
static BOOL test_float_pbuffer(void)
{
	static const int attributes[] = {WGL_DRAW_TO_PBUFFER_ARB, 1, WGL_PIXEL_TYPE_ARB,
		WGL_TYPE_RGBA_FLOAT_ARB, WGL_RED_BITS_ARB, 32, 0};
	struct window window;
	float pixel[4] = {0};

	if (!open_gl_window(&window, 0, 128, 64, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	int format = choose_format(&window, attributes);
	if (!format) {
		close_window(&window);
		return TRUE; /* they are not promised */
	}
	HPBUFFERARB pbuffer = gl.create_pbuffer(window.dc, format, 50, 40, NULL);
	HDC dc = pbuffer ? gl.get_pbuffer_dc(pbuffer) : NULL;
	HGLRC context = dc ? wglCreateContext(dc) : NULL;
	if (!context || !wglMakeCurrent(dc, context)) {
		return fail("no pbuffer of format %d: error %lu", format, GetLastError());
	}
	glClearColor(draw_wrong ? 0 : 0.3333f, 0.4444f, 0.5555f, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glFlush();
	SwapBuffers(dc);
	glClear(GL_COLOR_BUFFER_BIT);
	glReadPixels(49, 39, 1, 1, GL_RGBA, GL_FLOAT, pixel);
	if (pixel[0] != 0.3333f || pixel[1] != 0.4444f || pixel[2] != 0.5555f) {
		return fail("%g, %g, %g", pixel[0], pixel[1], pixel[2]);
	}
	wglMakeCurrent(NULL, NULL);
	wglDeleteContext(context);
	gl.release_pbuffer_dc(pbuffer, dc);
	gl.destroy_pbuffer(pbuffer);
	close_window(&window);
	return TRUE;
}

/* How many colours beside black and white a picture has; frees it. */
static int count_greys(struct picture *picture)
{
	int count = 0;

	for (int i = 0; i < picture->width * picture->height; i++) {
		uint32_t color = picture->pixels[i] & 0xffffff;
		count += color && color != 0xffffff;
	}
	free(picture->pixels);
	return count;
}

/* The edge of a triangle has greys where there are several samples, and nowhere else. */
static BOOL check_edge(const struct window *window, BOOL is_single, BOOL smooth)
{
	struct picture picture;
	int greys;

	glViewport(0, 0, window->width, window->height);
	glClearColor(0, 0, 0, 0);
	glClear(GL_COLOR_BUFFER_BIT);
	glColor3f(1, 1, 1);
	glBegin(GL_TRIANGLES);
	glVertex2f(-0.9f, -0.9f);
	glVertex2f(0.9f, -0.7f);
	glVertex2f(-0.3f, 0.9f);
	glEnd();
	if (is_single) {
		glFlush();
	} else if (!swap(window)) {
		return FALSE;
	}
	if (!read_window(&picture, window)) {
		return FALSE;
	}
	greys = count_greys(&picture);
	return (smooth ? greys > window->height : greys == 0) ||
	       fail("%d pixels are neither black nor white", greys);
}

static BOOL check_samples(int samples, BOOL is_single)
{
	const int attributes[] = {WGL_DRAW_TO_WINDOW_ARB, 1, WGL_SUPPORT_OPENGL_ARB, 1,
		WGL_DOUBLE_BUFFER_ARB, !is_single, WGL_RED_BITS_ARB, 8, WGL_DEPTH_BITS_ARB, 24,
		WGL_SAMPLE_BUFFERS_ARB, samples > 0, WGL_SAMPLES_ARB, samples, 0};
	const PIXELFORMATDESCRIPTOR any = {.nSize = sizeof(any)};
	struct window window;
	GLint found = 0;

	if (!open_window(&window, 0, 100, 90)) {
		return FALSE;
	}
	int format = choose_format(&window, attributes);
	if (!format || !SetPixelFormat(window.dc, format, &any)) {
		return fail("no format with %d samples: error %lu", samples, GetLastError());
	}
	if (!create_context(&window) || !make_current(&window, window.context)) {
		return FALSE;
	}
	glGetIntegerv(GL_SAMPLES, &found);
	if (found < samples) {
		return fail("%d samples, not %d", found, samples);
	}
	if (!check_edge(&window, is_single, samples > 0 && !draw_wrong) ||
		!check_edge(&window, is_single, samples > 0)) {
		return FALSE;
	}
	draw_pattern(window.width, window.height, 2);
	glFlush();
	if (!check_buffer(window.width, window.height, 2, 0) || !swap(&window) ||
		!check_window(&window, 2, 0)) {
		return FALSE;
	}
	close_window(&window);
	return TRUE;
}

static BOOL test_multisample(void)
{
	return check_samples(4, FALSE) && check_samples(0, FALSE) && check_samples(4, TRUE);
}

/* Of all formats for windows, one for each number and place of bits. */
static BOOL is_seen(const PIXELFORMATDESCRIPTOR *format, uint64_t *seen, unsigned *count)
{
	uint64_t key = (uint64_t)format->cRedBits | (uint64_t)format->cGreenBits << 8 |
		       (uint64_t)format->cBlueBits << 16 | (uint64_t)format->cAlphaBits << 24 |
		       (uint64_t)format->cRedShift << 32 | (uint64_t)format->cBlueShift << 40 |
		       (uint64_t)(format->dwFlags & PFD_DOUBLEBUFFER) << 48;

	for (unsigned i = 0; i < *count; i++) {
		if (seen[i] == key) {
			return TRUE;
		}
	}
	if (*count < 32) {
		seen[(*count)++] = key;
	}
	return FALSE;
}

static BOOL check_format(int format, const PIXELFORMATDESCRIPTOR *described)
{
	struct window window;
	BOOL is_right;

	/* an odd width, for rows that fill no dword */
	if (!open_window(&window, 0, 51, 35)) {
		return FALSE;
	}
	if (!SetPixelFormat(window.dc, format, described)) {
		return fail("SetPixelFormat(%d): error %lu", format, GetLastError());
	}
	if (!create_context(&window) || !make_current(&window, window.context)) {
		return FALSE;
	}
	draw_pattern(window.width, window.height, 3);
	glFlush();
	is_right = check_buffer(window.width, window.height, 3, 0) && swap(&window) &&
		   check_window(&window, 3, 0);
	if (!is_right) {
		char reason[sizeof(why)];
		memcpy(reason, why, sizeof(why));
		fail("format %d, %d bits: %.150s", format, described->cColorBits, reason);
	}
	close_window(&window);
	return is_right;
}

static BOOL test_formats(void)
{
	uint64_t seen[32];
	unsigned count = 0;
	struct window window;
	PIXELFORMATDESCRIPTOR format;

	if (!open_window(&window, 1, 50, 50)) {
		return FALSE;
	}
	int formats = DescribePixelFormat(window.dc, 1, sizeof(format), &format);
	for (int i = 1; i <= formats; i++) {
		if (!DescribePixelFormat(window.dc, i, sizeof(format), &format) ||
			!(format.dwFlags & PFD_DRAW_TO_WINDOW)) {
			return fail("format %d is not for windows", i);
		}
		if (!is_seen(&format, seen, &count) && !check_format(i, &format)) {
			return FALSE;
		}
	}
	close_window(&window);
	return count >= 4 || fail("only %u kinds of formats", count);
}

static BOOL test_swap_interval(void)
{
	struct window window;

	if (!open_gl_window(&window, 0, 40, 40, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	if (gl.swap_interval(-1)) {
		return fail("an interval of -1");
	}
	for (int interval = 3; interval >= 0; interval--) {
		if (!gl.swap_interval(interval) || gl.get_swap_interval() != interval) {
			return fail("interval %d is %d", interval, gl.get_swap_interval());
		}
		for (unsigned turn = 0; turn < 4; turn++) {
			if (!show_pattern(&window, turn)) {
				return FALSE;
			}
		}
	}
	close_window(&window);
	return TRUE;
}

static BOOL test_gdi(void)
{
	struct window window;
	RECT corner = {.right = 20, .bottom = 10};
	HBRUSH brush = CreateSolidBrush(RGB(1, 2, 3));

	if (!open_gl_window(&window, 0, 80, 60, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	for (unsigned turn = 0; turn < 4; turn++) {
		struct picture picture;
		if (!show_pattern(&window, turn)) {
			return FALSE;
		}
		/* over what OpenGL has drawn, until it draws again */
		FillRect(window.dc, &corner, brush);
		GdiFlush();
		if (!read_window(&picture, &window)) {
			return FALSE;
		}
		uint32_t inside = picture.pixels[9 * 80 + 19] & 0xffffff,
			 outside = picture.pixels[9 * 80 + 20] & 0xffffff;
		free(picture.pixels);
		if (inside != 0x010203 || outside != pattern_color(80, 60, turn, 20, 9)) {
			return fail("%06x beside %06x", inside, outside);
		}
	}
	DeleteObject(brush);
	close_window(&window);
	return TRUE;
}

/* SwapBuffers shows the window's back buffer, whatever is bound. */
static BOOL test_framebuffer_object(void)
{
	struct window window;
	GLuint texture, framebuffer;

	if (!open_gl_window(&window, 0, 110, 70, PFD_DOUBLEBUFFER)) {
		return FALSE;
	}
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, 64, 64, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	gl.gen_framebuffers(1, &framebuffer);
	for (unsigned turn = 0; turn < 6; turn++) {
		gl.bind_framebuffer(GL_FRAMEBUFFER, 0);
		draw_pattern(window.width, window.height, turn);
		gl.bind_framebuffer(GL_FRAMEBUFFER, framebuffer);
		gl.framebuffer_texture(
			GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
		draw_pattern(64, 64, turn + 2);
		if (!check_buffer(64, 64, turn + 2, 0) || !swap(&window) ||
			!check_window(&window, turn, 0) || !check_buffer(64, 64, turn + 2, 0)) {
			return FALSE;
		}
	}
	close_window(&window);
	return TRUE;
}

/* Windows and contexts that go while they are current. */
static BOOL test_gone(void)
{
	struct window window, other;
	HGLRC context;

	if (!open_gl_window(&window, 0, 45, 45, PFD_DOUBLEBUFFER) ||
		!open_gl_window(&other, 1, 45, 45, PFD_DOUBLEBUFFER) ||
		!make_current(&window, window.context) || !show_pattern(&window, 1)) {
		return FALSE;
	}
	DestroyWindow(window.handle);
	handle_messages();
	draw_pattern(45, 45, 2);
	glFinish();
	SwapBuffers(window.dc);
	/* the context is as good as before */
	if (!make_current(&other, window.context) || !show_pattern(&other, 3)) {
		return FALSE;
	}
	wglDeleteContext(window.context);
	draw_pattern(45, 45, 2);
	SwapBuffers(other.dc);
	context = window.context;
	if (wglMakeCurrent(other.dc, context)) {
		return fail("a context that was deleted is current");
	}
	if (!make_current(&other, other.context) || !show_pattern(&other, 0)) {
		return FALSE;
	}
	close_window(&other);
	return TRUE;
}

static DWORD WINAPI draw_until_the_end(void *opaque)
{
	struct window *window = opaque;

	if (open_gl_window(window, 1, 50, 50, PFD_DOUBLEBUFFER)) {
		for (unsigned turn = 0;; turn++) {
			draw_pattern(50, 50, turn);
			SwapBuffers(window->dc);
		}
	}
	return 0;
}

/* The last case: the program ends with everything current, and another thread draws. */
static BOOL test_leave(void)
{
	static struct window window, of_thread;

	CloseHandle(CreateThread(NULL, 0, draw_until_the_end, &of_thread, 0, NULL));
	return open_gl_window(&window, 0, 50, 50, PFD_DOUBLEBUFFER) && show_pattern(&window, 1);
}

static const struct test {
	const char *name;
	BOOL (*run)(void);
} tests[] = {
	{"double-buffer", test_double_buffer},
	{"single-buffer", test_single_buffer},
	{"front-buffer", test_front_buffer},
	{"resize", test_resize},
	{"no-size", test_no_size},
	{"windows", test_windows},
	{"hopping", test_hopping},
	{"sharing", test_sharing},
	{"threads", test_threads},
	{"swap-elsewhere", test_swap_elsewhere},
	{"attribs", test_attribs},
	{"pbuffer", test_pbuffer},
	{"float-pbuffer", test_float_pbuffer},
	{"multisample", test_multisample},
	{"formats", test_formats},
	{"swap-interval", test_swap_interval},
	{"gdi", test_gdi},
	{"framebuffer-object", test_framebuffer_object},
	{"gone", test_gone},
	{"leave", test_leave},
};

static BOOL is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], name) == 0) {
			return TRUE;
		}
	}
	return argc == 1;
}

static BOOL start(void)
{
	const WNDCLASSA class = {
		.style = CS_OWNDC,
		.lpfnWndProc = on_message,
		.hInstance = GetModuleHandleA(NULL),
		.lpszClassName = "wgl",
	};
	struct window window;

	RegisterClassA(&class);
	if (!open_gl_window(&window, 0, 32, 32, PFD_DOUBLEBUFFER) || !find_functions()) {
		return FALSE;
	}
	close_window(&window);
	return TRUE;
}

static BOOL is_known(const char *name)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(tests[i].name, name) == 0) {
			return TRUE;
		}
	}
	return FALSE;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc > 1 && strcmp(argv[1], "--wrong") == 0) {
		draw_wrong = TRUE;
		argv++;
		argc--;
	}
	for (int i = 1; i < argc; i++) {
		if (!is_known(argv[i])) {
			printf("FAIL %s: there is no such case\n", argv[i]);
			return 1;
		}
	}
	if (!start()) {
		printf("FAIL start: %s\n", why);
		return 1;
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!is_wanted(tests[i].name, argc, argv)) {
			continue;
		}
		why[0] = 0;
		if (tests[i].run()) {
			printf("ok %s\n", tests[i].name);
		} else {
			printf("FAIL %s: %s\n", tests[i].name, why);
			failed = 1;
		}
		fflush(stdout);
	}
	return failed;
}
