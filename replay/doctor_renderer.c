/* SPDX-License-Identifier: MIT */
/* Whether vgt-player can render here. */
#include "companion.h"
#include "debian_packages.h"
#include "doctor.h"
#include "find_program.h"
#include "player_fact.h"
#include "player_probe.h"
#include "vgt_cmd.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FACT_SIZE      512
#define WINDOW_LIBRARY "vgt-window.so"

/* vgt-player */

bool doctor_run_player(struct doctor *doctor, const char *argument,
	bool (*prepare)(void *opaque), void *opaque)
{
	char player[PATH_MAX];
	char *argv[] = {player, (char *)argument, NULL};

	if (!companion_look("vgt-player", player, sizeof(player))) {
		memset(&doctor->result, 0, sizeof(doctor->result));
		doctor->result.error = ENOENT;
		return false;
	}
	return doctor_run(doctor, argv, prepare, opaque);
}

bool doctor_fact(const struct vgt_run_result *result, const char *key, char *value, size_t size)
{
	return player_fact(result->output, key, value, size);
}

void doctor_last_line(const char *output, char *line, size_t size)
{
	const char *at = output;

	line[0] = '\0';
	while (*at) {
		const size_t length = strcspn(at, "\n");
		if (strspn(at, " \t\r") < length &&
			strncmp(at, PLAYER_PROBE_PREFIX, strlen(PLAYER_PROBE_PREFIX)) != 0) {
			snprintf(line, size, "%.*s", (int)length, at);
		}
		at += length + (at[length] == '\n');
	}
}

/* How it failed. */
static void describe_failure(const struct doctor *doctor, const struct vgt_run_result *result,
	char *text, size_t size)
{
	char how[FACT_SIZE], step[FACT_SIZE], value[FACT_SIZE], last[256];

	vgt_run_describe(result, doctor->timeout_ms, how, sizeof(how));
	doctor_last_line(result->output, last, sizeof(last));
	const char *comma = last[0] ? ": " : "";
	if (!doctor_fact(result, "version", value, sizeof(value))) {
		snprintf(text, size, "vgt-player %s%s%s", how, comma, last);
		return;
	}
	doctor_fact(result, "step", step, sizeof(step));
	if (result->timed_out) {
		snprintf(text, size, "the renderer hangs when it starts (%s in %s)", how, step);
	} else if (WIFSIGNALED(result->status)) {
		snprintf(text, size, "the renderer crashes when it starts (%s in %s)%s%s",
			strsignal(WTERMSIG(result->status)), step, comma, last);
	} else if (doctor_fact(result, "virglrenderer.error", value, sizeof(value))) {
		snprintf(text, size,
			"virglrenderer does not start (virgl_renderer_init returned %s)%s%s",
			value, comma, last);
	} else {
		snprintf(text, size, "vgt-player %s in %s%s%s", how, step, comma, last);
	}
}

#define LOADING_FAILED "error while loading shared libraries" /* ld.so's words */
#define SDL_LIBRARY    "libSDL2-2.0.so.0"

/* Of the library of vgt-player or its window that ld.so does not find, and names; or NULL. */
static const char *package_of_library(const struct vgt_run_result *result)
{
	static const struct {
		const char *library, *package;
	} packages[] = {
		{SDL_LIBRARY, DEBIAN_SDL},
		{"libepoxy.so.0", DEBIAN_EPOXY},
		{"libspng.so.0", DEBIAN_SPNG},
		{"libvirglrenderer.so.1", DEBIAN_VIRGLRENDERER},
		{"libxxhash.so.0", DEBIAN_XXHASH},
		{"libzstd.so.1", DEBIAN_ZSTD},
	};

	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
		if (strstr(result->output, packages[i].library) &&
			strstr(result->output, LOADING_FAILED)) {
			return packages[i].package;
		}
	}
	return NULL;
}

static bool is_software(const char *renderer)
{
	return strstr(renderer, "llvmpipe") || strstr(renderer, "softpipe") ||
	       strstr(renderer, "swrast") || strstr(renderer, "SWR");
}

/* Findings */

static void add_library(struct doctor_task *task, const struct vgt_run_result *result)
{
	char path[FACT_SIZE], first[FACT_SIZE], second[FACT_SIZE];

	if (!doctor_fact(result, "virglrenderer.library", path, sizeof(path))) {
		return;
	}
	if (doctor_fact(result, "virglrenderer.capset.1", first, sizeof(first)) &&
		doctor_fact(result, "virglrenderer.capset.2", second, sizeof(second))) {
		doctor_add(task, DOCTOR_OK, "virglrenderer",
			"%s, offers VIRGL version %s, VIRGL2 version %s", path, first, second);
	} else {
		doctor_add(task, DOCTOR_NOTE, "virglrenderer", "%s", path);
	}
}

void doctor_add_egl(struct doctor_task *task, const struct vgt_run_result *result)
{
	static const struct {
		const char *lacks, *text, *package;
	} kinds[] = {
		{"library", "cannot be loaded", DEBIAN_EGL},
		{"surfaceless", "cannot render without a display: Mesa's EGL is not found",
			DEBIAN_EGL_MESA},
		{"driver", "finds no driver that starts", DEBIAN_MESA_DRIVERS},
		{"context", "cannot make an OpenGL context", DEBIAN_MESA_DRIVERS},
	};
	char vendor[FACT_SIZE], version[FACT_SIZE], lacks[FACT_SIZE], error[FACT_SIZE];

	if (doctor_fact(result, "egl.vendor", vendor, sizeof(vendor)) &&
		doctor_fact(result, "egl.version", version, sizeof(version))) {
		doctor_add(task, DOCTOR_OK, "EGL", "%s, %s", version, vendor);
	}
	doctor_fact(result, "egl.lacks", lacks, sizeof(lacks));
	doctor_fact(result, "egl.error", error, sizeof(error));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(lacks, kinds[i].lacks) == 0) {
			/* virglrenderer has the last word */
			doctor_add(task,
				vgt_run_succeeded(result) ? DOCTOR_NOTE : DOCTOR_MISSING, "EGL",
				"%s (%s)", kinds[i].text, error)
				->package = kinds[i].package;
		}
	}
}

static void add_api(struct doctor_task *task, const struct vgt_run_result *result,
	const char *name, const char *key)
{
	static const char *const parts[] = {"renderer", "version", "vendor"};
	char values[3][FACT_SIZE];

	for (size_t i = 0; i < 3; i++) {
		char full[32];
		snprintf(full, sizeof(full), "%s.%s", key, parts[i]);
		doctor_fact(result, full, values[i], sizeof(values[i]));
	}
	if (values[0][0]) {
		doctor_add(
			task, DOCTOR_OK, name, "%s; %s; %s", values[0], values[1], values[2]);
	}
}

static void add_facts(struct doctor_task *task, const struct vgt_run_result *result)
{
	char value[FACT_SIZE];

	add_library(task, result);
	doctor_add_egl(task, result);
	add_api(task, result, "OpenGL", "gl");
	add_api(task, result, "OpenGL ES", "gles");
	if (doctor_fact(result, "version", value, sizeof(value)) &&
		strcmp(value, VGT_VERSION) != 0) {
		doctor_add(task, DOCTOR_MISSING, "vgt-player",
			"is of version %s, vgt of version %s", value, VGT_VERSION)
			->remedy = "build or install both together";
	}
}

size_t doctor_add_gpus(struct doctor_task *task)
{
	glob_t nodes;
	size_t count = 0;

	if (glob("/dev/dri/renderD*", 0, NULL, &nodes) == 0) {
		for (; count < nodes.gl_pathc && count < 8; count++) {
			doctor_device(task, "GPU", nodes.gl_pathv[count]);
		}
		globfree(&nodes);
	}
	if (!count) {
		doctor_add(task, DOCTOR_NOTE, "GPU", "none (no /dev/dri/renderD*)");
	}
	return count;
}

static bool set_software(void *opaque)
{
	(void)opaque;
	return setenv("LIBGL_ALWAYS_SOFTWARE", "1", 1) == 0;
}

static void add_success(struct doctor_task *task, const struct vgt_run_result *result)
{
	char renderer[FACT_SIZE];

	doctor_fact(result, "gl.renderer", renderer, sizeof(renderer));
	task->remark = is_software(renderer) ? "in software, without a GPU" : NULL;
	doctor_add(task, DOCTOR_OK, "renderer", "starts, %s",
		is_software(renderer) ? "draws in software" : "draws on a GPU");
	add_facts(task, result);
}

/* As is it has failed; does it in software? */
static void try_software(
	struct doctor *doctor, struct doctor_task *task, const struct vgt_run_result *first)
{
	char text[2 * FACT_SIZE + 512];
	const char *value = getenv("LIBGL_ALWAYS_SOFTWARE");
	const bool is_set = value && strcmp(value, "1") == 0; /* so it changes nothing */
	const bool works = !is_set && !doctor_is_stopped(doctor) &&
			   doctor_run_player(doctor, "--probe", set_software, NULL);

	describe_failure(doctor, first, text, sizeof(text));
	struct doctor_finding *finding = doctor_add(task, DOCTOR_MISSING, "renderer", "%s%s",
		text, works ? "; with LIBGL_ALWAYS_SOFTWARE=1 it starts" : "");
	finding->remedy = works ? "export LIBGL_ALWAYS_SOFTWARE=1" : NULL;
	finding->package = works ? NULL : package_of_library(first);
	add_facts(task, works ? &doctor->result : first);
}

/* In a process of its own, for what a library does when it is loaded is its own affair. */
static bool load_sdl(void *opaque)
{
	(void)opaque;
	if (!dlopen(SDL_LIBRARY, RTLD_NOW)) {
		printf(LOADING_FAILED ": %s\n", dlerror());
		fflush(stdout);
		_exit(VGT_EXIT_TROUBLE);
	}
	return true;
}

/* The window is a library that takes functions from vgt-player: only what it needs is tried. */
static void add_window(struct doctor *doctor, struct doctor_task *task)
{
	static char program[] = "/proc/self/exe", argument[] = "--version";
	char *const argv[] = {program, argument, NULL};
	char path[PATH_MAX], how[FACT_SIZE], last[256];

	if (!companion_look(WINDOW_LIBRARY, path, sizeof(path))) {
		doctor_add(task, DOCTOR_NOTE, "--window",
			"does not work: no " WINDOW_LIBRARY
			" beside vgt, nor where make install puts it");
	} else if (doctor_run(doctor, argv, load_sdl, NULL)) {
		doctor_add(task, DOCTOR_OK, "--window", "%s", path);
	} else {
		vgt_run_describe(&doctor->result, doctor->timeout_ms, how, sizeof(how));
		doctor_last_line(doctor->result.output, last, sizeof(last));
		doctor_add(task, DOCTOR_NOTE, "--window", "does not work: %s",
			last[0] ? last : how)
			->package = package_of_library(&doctor->result);
	}
}

static void add_curl(struct doctor_task *task)
{
	char path[PATH_MAX];

	if (vgt_find_program("curl", path)) {
		doctor_add(task, DOCTOR_OK, "curl", "%s", path);
	} else {
		doctor_add(task, DOCTOR_NOTE, "curl",
			"not found in PATH: vgt test --fetch does not work")
			->package = DEBIAN_CURL;
	}
}

void doctor_replay(struct doctor *doctor, struct doctor_task *task)
{
	char player[PATH_MAX];

	if (doctor_companion(task, "vgt-player", player)) {
		if (doctor_run_player(doctor, "--probe", NULL, NULL)) {
			add_success(task, &doctor->result);
		} else {
			const struct vgt_run_result first = doctor->result;
			try_software(doctor, task, &first);
		}
	}
	doctor_add_gpus(task);
	add_window(doctor, task);
	add_curl(task);
}
