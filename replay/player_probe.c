/* SPDX-License-Identifier: MIT */
#include "player_probe.h"

#include <dlfcn.h>
#include <epoxy/egl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <virglrenderer.h>

#define PROBE_ALL "--probe"
#define PROBE_GL  "--probe=gl"

/* Not epoxy's, to link and load nothing that EGL does not bring. */
#define GL_VENDOR   0x1F00
#define GL_RENDERER 0x1F01
#define GL_VERSION  0x1F02

/* Written at once, and on a line of its own, whatever the libraries print. */
__attribute__((format(printf, 2, 3))) static void tell(const char *key, const char *format, ...)
{
	char value[512];
	char line[640];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	for (char *at = value; (at = strpbrk(at, "\r\n"));) {
		*at = ' ';
	}
	const int length =
		snprintf(line, sizeof(line), "\n" PLAYER_PROBE_PREFIX "%s %s\n", key, value);
	fflush(stdout);
	if (write(STDOUT_FILENO, line, (size_t)length) != length) {
		_exit(1); /* nobody listens */
	}
}

static bool lacks(const char *what, const char *why)
{
	tell("egl.lacks", "%s", what);
	tell("egl.error", "%s", why);
	return false;
}

static const char *egl_error(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "EGL error 0x%x", (unsigned)eglGetError());
	return text;
}

/* The strings of the API that a new context has. */
static bool tell_strings(const char *key)
{
	static const struct {
		const char *name;
		unsigned value;
	} strings[] = {
		{"renderer", GL_RENDERER}, {"version", GL_VERSION}, {"vendor", GL_VENDOR}};
	const unsigned char *(*get_string)(unsigned) =
		(const unsigned char *(*)(unsigned))eglGetProcAddress("glGetString");

	for (size_t i = 0; get_string && i < sizeof(strings) / sizeof(strings[0]); i++) {
		char full[32];
		const char *text = (const char *)get_string(strings[i].value);
		snprintf(full, sizeof(full), "%s.%s", key, strings[i].name);
		tell(full, "%s", text ? text : "");
	}
	return get_string != NULL;
}

static bool probe_api(EGLDisplay display, EGLenum api, const char *key)
{
	static const EGLint version_2[] = {EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE};
	const bool embedded = api == EGL_OPENGL_ES_API;
	bool good = false;

	tell("step", "making an %s context", embedded ? "OpenGL ES" : "OpenGL");
	EGLContext context = eglBindAPI(api)
				     ? eglCreateContext(display, EGL_NO_CONFIG_KHR,
					       EGL_NO_CONTEXT, embedded ? version_2 : NULL)
				     : EGL_NO_CONTEXT;
	if (context != EGL_NO_CONTEXT &&
		eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context)) {
		good = tell_strings(key);
		eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
	}
	if (context != EGL_NO_CONTEXT) {
		eglDestroyContext(display, context);
	}
	return good;
}

void *player_probe_display(struct player_probe_lack *lack)
{
	if (!dlopen("libEGL.so.1", RTLD_LAZY | RTLD_LOCAL)) {
		*lack = (struct player_probe_lack){"library", dlerror()};
		return NULL;
	}
	if (!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_MESA_platform_surfaceless") ||
		!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_platform_base")) {
		*lack = (struct player_probe_lack){
			"surfaceless", "no EGL_MESA_platform_surfaceless"};
		return NULL;
	}
	EGLDisplay display = eglGetPlatformDisplayEXT(
		EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
	if (display == EGL_NO_DISPLAY) {
		*lack = (struct player_probe_lack){"driver", egl_error()};
	}
	return display;
}

static bool probe_gl(void)
{
	struct player_probe_lack lack;
	tell("step", "loading libEGL.so.1");
	EGLDisplay display = player_probe_display(&lack);
	if (!display) {
		return lacks(lack.what, lack.why);
	}
	tell("step", "eglInitialize");
	if (!eglInitialize(display, NULL, NULL)) {
		return lacks("driver", egl_error());
	}
	tell("egl.vendor", "%s", eglQueryString(display, EGL_VENDOR));
	tell("egl.version", "%s", eglQueryString(display, EGL_VERSION));
	const bool good = probe_api(display, EGL_OPENGL_API, "gl");
	if (!good) {
		lacks("context", egl_error());
	}
	probe_api(display, EGL_OPENGL_ES_API, "gles");
	eglTerminate(display);
	return good;
}

static void tell_library(void)
{
	Dl_info info;
	char *path = NULL;

	/* there is no function that tells a version; the file's name often does */
	if (dladdr((void *)virgl_renderer_init, &info) && info.dli_fname) {
		path = realpath(info.dli_fname, NULL);
		tell("virglrenderer.library", "%s", path ? path : info.dli_fname);
		free(path);
	}
}

static void ignore_fence(void *cookie, uint32_t fence)
{
	(void)cookie;
	(void)fence;
}

static bool probe_renderer(void)
{
	static struct virgl_renderer_callbacks callbacks = {
		.version = 1, .write_fence = ignore_fence};

	tell_library();
	tell("step", "virgl_renderer_init");
	const int result = virgl_renderer_init(&callbacks,
		VIRGL_RENDERER_USE_EGL | VIRGL_RENDERER_USE_SURFACELESS, &callbacks);
	if (result) {
		tell("virglrenderer.error", "%d", result);
		return false;
	}
	for (uint32_t id = 1; id <= 2; id++) {
		uint32_t version = 0, size = 0;
		char key[32];
		virgl_renderer_get_cap_set(id, &version, &size);
		snprintf(key, sizeof(key), "virglrenderer.capset.%" PRIu32, id);
		if (size) {
			tell(key, "%" PRIu32, version);
		}
	}
	tell("step", "virgl_renderer_cleanup");
	virgl_renderer_cleanup(&callbacks);
	return true;
}

bool player_probe_wanted(const char *argument)
{
	return strcmp(argument, PROBE_ALL) == 0 || strcmp(argument, PROBE_GL) == 0;
}

int player_probe(const char *argument)
{
	tell("version", "%s", VGT_VERSION);
	bool good = probe_gl();
	if (strcmp(argument, PROBE_ALL) == 0) {
		/* whatever has failed so far: it is virglrenderer that counts */
		good = probe_renderer();
	}
	tell("done", "%s", "");
	return good ? 0 : 1;
}
