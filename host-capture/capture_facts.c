/* SPDX-License-Identifier: MIT */
#include "capture_facts.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 4096

extern char **environ;

__attribute__((format(printf, 3, 4))) static void facts_add(
	struct capture_facts *facts, const char *key, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	char *own_key = strdup(key), *own_text = strdup(text);
	if (facts->count == CAPTURE_FACTS_MAX || !own_key || !own_text) {
		free(own_key);
		free(own_text);
		return;
	}
	facts->list[facts->count++] = (struct vgt_capture_fact){own_key, own_text};
}

void capture_facts_put(const struct capture_facts *facts, struct vgt_capture *capture)
{
	vgt_capture_meta(capture, facts->list, facts->count);
	for (size_t i = 0; i < VGT_CAPSETS_MAX; i++) {
		const struct vgt_capset_bytes *capset = &facts->capsets.list[i];
		if (capset->size) {
			vgt_capture_capset(capture, capset->id, capset->version, capset->bytes,
				capset->size);
		}
	}
}

void capture_facts_finish(struct capture_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++) {
		free((char *)facts->list[i].key);
		free((char *)facts->list[i].value);
	}
	vgt_capsets_finish(&facts->capsets);
	*facts = (struct capture_facts){0};
}

/* The arguments, separated by blanks. */
static void add_cmdline(struct capture_facts *facts)
{
	char text[TEXT_MAX];
	FILE *file = fopen("/proc/self/cmdline", "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file) {
		fclose(file);
	}
	while (length && text[length - 1] == '\0') {
		length--;
	}
	for (size_t i = 0; i < length; i++) {
		text[i] = text[i] ? text[i] : ' ';
	}
	text[length] = '\0';
	if (length) {
		facts_add(facts, "cmdline", "%s", text);
	}
}

/* Variables that change what virglrenderer, Mesa or the GL driver under them do. */
static void add_environment(struct capture_facts *facts)
{
	static const char *const prefixes[] = {"VREND_", "VIRGL_", "VIRGLRENDERER_", "MESA_",
		"LIBGL_", "GALLIUM_", "LP_", "EGL_", "GBM_", "__GL_", "__EGL_", "NOUVEAU_",
		"RADEON_", "AMD_", "INTEL_"};
	for (char **variable = environ; variable && *variable; variable++) {
		for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
			const char *equals = strchr(*variable, '=');
			if (!equals ||
				strncmp(*variable, prefixes[i], strlen(prefixes[i])) != 0) {
				continue;
			}
			char key[256];
			snprintf(key, sizeof(key), "env.%.*s", (int)(equals - *variable),
				*variable);
			facts_add(facts, key, "%s", equals + 1);
			break;
		}
	}
}

void capture_facts_add_process(
	struct capture_facts *facts, const char *producer, const void *virglrenderer_function)
{
	facts_add(facts, "producer", "%s", producer);
	facts_add(facts, "program", "%s", program_invocation_short_name);
	if (!getenv("VGT_CAPTURE_NO_CMDLINE")) {
		add_cmdline(facts);
	}
	const char *subject = getenv("VGT_CAPTURE_SUBJECT");
	if (subject && *subject) {
		facts_add(facts, "subject", "%s", subject);
	}
	struct utsname system;
	if (uname(&system) == 0) {
		facts_add(facts, "system", "%s %s %s", system.sysname, system.release,
			system.machine);
	}
	time_t now = time(NULL);
	struct tm utc;
	char text[32];
	if (gmtime_r(&now, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc)) {
		facts_add(facts, "time", "%s", text);
	}
	/* virglrenderer has no function that tells its version; its file name does */
	Dl_info library;
	if (dladdr(virglrenderer_function, &library) && library.dli_fname) {
		char *file = realpath(library.dli_fname, NULL);
		const char *name = file ? file : library.dli_fname;
		const char *slash = strrchr(name, '/');
		facts_add(facts, "virglrenderer.library", "%s", slash ? slash + 1 : name);
		free(file);
	}
	add_environment(facts);
}

void capture_facts_add_init(struct capture_facts *facts, int flags, int callbacks_version)
{
	facts_add(facts, "init.flags", "0x%x", (unsigned)flags);
	facts_add(facts, "init.callbacks", "%d", callbacks_version);
}

typedef const unsigned char *(*get_string_function)(unsigned name);
typedef void (*any_function)(void);
typedef any_function (*get_proc_function)(const char *name);

/* glGetString of whichever of EGL and GLX the process has loaded; nothing is loaded for this.
 */
static get_string_function find_get_string(void)
{
	static const struct {
		const char *library;
		const char *get_proc;
	} ways[] = {{"libEGL.so.1", "eglGetProcAddress"},
		{"libGL.so.1", "glXGetProcAddressARB"},
		{"libGLX.so.0", "glXGetProcAddressARB"}};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		void *handle = dlopen(ways[i].library, RTLD_LAZY | RTLD_NOLOAD);
		if (!handle) {
			continue;
		}
		get_proc_function get_proc;
		*(void **)&get_proc = dlsym(handle, ways[i].get_proc);
		get_string_function get_string =
			get_proc ? (get_string_function)get_proc("glGetString") : NULL;
		dlclose(handle); /* still held by whoever loaded it */
		if (get_string) {
			return get_string;
		}
	}
	return NULL;
}

void capture_facts_add_gl(struct capture_facts *facts)
{
	static const struct {
		unsigned name; /* of gl.h */
		const char *key;
	} strings[] = {{0x1f00, "gl.vendor"}, {0x1f01, "gl.renderer"}, {0x1f02, "gl.version"},
		{0x8b8c, "gl.shading_language_version"}};
	get_string_function get_string = find_get_string();
	for (size_t i = 0; get_string && i < sizeof(strings) / sizeof(strings[0]); i++) {
		/* NULL where no context is current */
		const char *text = (const char *)get_string(strings[i].name);
		if (text) {
			facts_add(facts, strings[i].key, "%s", text);
		}
	}
}

void capture_facts_add_capsets(struct capture_facts *facts, const struct vgt_capsets *weaker,
	void (*get_cap_set)(uint32_t set, uint32_t *max_ver, uint32_t *max_size),
	void (*fill_caps)(uint32_t set, uint32_t version, void *caps))
{
	static const uint32_t ids[] = {VIRTIO_GPU_CAPSET_VIRGL, VIRTIO_GPU_CAPSET_VIRGL2};
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint32_t version = 0, size = 0;
		get_cap_set(ids[i], &version, &size);
		void *bytes = size && size <= VGT_RECORD_MAX / 2 ? calloc(1, size) : NULL;
		if (!bytes) {
			continue;
		}
		fill_caps(ids[i], version, bytes);
		if (weaker) {
			vgt_capsets_mask(weaker, ids[i], &version, &size, bytes);
		}
		vgt_capsets_put(&facts->capsets, ids[i], version, bytes, size, NULL);
		free(bytes);
	}
	if (weaker) {
		facts_add(facts, "capset.masked", "yes");
	}
}
