/* SPDX-License-Identifier: MIT */
#include "suite_renderer.h"

#include "child.h"
#include "player_fact.h"
#include "run_program.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* As virglrenderer takes it: OpenGL, and OpenGL ES where there is none. */
static void take_api(struct suite_renderer *renderer, const char *output)
{
	const char *renderer_key = "gl.renderer", *version_key = "gl.version";
	char value[sizeof(renderer->renderer)];

	if (!player_fact(output, renderer_key, value, sizeof(value))) {
		renderer_key = "gles.renderer";
		version_key = "gles.version";
	}
	player_fact(output, renderer_key, renderer->renderer, sizeof(renderer->renderer));
	player_fact(output, version_key, renderer->gl_version, sizeof(renderer->gl_version));
}

static void take_library(struct suite_renderer *renderer, const char *output)
{
	char path[PATH_MAX];

	if (player_fact(output, "virglrenderer.library", path, sizeof(path))) {
		const char *slash = strrchr(path, '/');
		snprintf(renderer->virglrenderer, sizeof(renderer->virglrenderer), "%.255s",
			slash ? slash + 1 : path);
	}
}

void suite_renderer_find(
	struct suite_renderer *renderer, const char *player, unsigned timeout_ms)
{
	char *const argv[] = {(char *)player, (char *)"--probe", NULL};
	static struct vgt_run_result result; /* large */
	struct vgt_children children;

	*renderer = (struct suite_renderer){0};
	if (!vgt_children_init(&children, NULL)) {
		return;
	}
	vgt_run_program(&result, &children, argv, NULL, NULL, timeout_ms);
	vgt_children_finish(&children);
	if (!result.error) {
		take_api(renderer, result.output);
		take_library(renderer, result.output);
	}
	if (children.terminations) {
		raise(SIGTERM);
	} else if (children.interrupts) {
		raise(SIGINT);
	}
}
