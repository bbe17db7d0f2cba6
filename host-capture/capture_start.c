/* SPDX-License-Identifier: MIT */
#include "capture_start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t number_from_environment(const char *name)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : 0;
}

/* Expands %p and %%. */
static void expand_pattern(const char *pattern, char *path, size_t size)
{
	size_t used = 0;
	for (; *pattern && used + 16 < size; pattern++) {
		if (*pattern == '%' && pattern[1] == 'p') {
			used += (size_t)snprintf(path + used, size - used, "%d", (int)getpid());
			pattern++;
		} else {
			pattern += *pattern == '%' && pattern[1] == '%';
			path[used++] = *pattern;
		}
	}
	path[used] = '\0';
}

/* A second name for the same trace: NAME-PID.vgt, NAME-PID.1.vgt, ... */
static void vary_path(const char *path, unsigned attempt, char *varied, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');
	int stem = dot ? (int)(dot - path) : (int)strlen(path);
	char number[16] = "";
	if (attempt > 1) {
		snprintf(number, sizeof(number), ".%u", attempt - 1);
	}
	snprintf(
		varied, size, "%.*s-%d%s%s", stem, path, (int)getpid(), number, dot ? dot : "");
}

void capture_options_from_environment(struct vgt_capture_options *options)
{
	options->ring_size = number_from_environment("VGT_CAPTURE_RING_SIZE");
	options->ring_directory = getenv("VGT_CAPTURE_RING_DIR");
	options->max_size = number_from_environment("VGT_CAPTURE_MAX_SIZE");
	options->max_frames = number_from_environment("VGT_CAPTURE_FRAMES");
}

struct vgt_capture *capture_start_from_environment(
	struct vgt_capture_options options, char path[CAPTURE_PATH_MAX], struct vgt_err *err)
{
	char wanted[CAPTURE_PATH_MAX - 64];
	const char *pattern = getenv("VGT_CAPTURE_FILE");
	expand_pattern(pattern ? pattern : "", wanted, sizeof(wanted));
	snprintf(path, CAPTURE_PATH_MAX, "%s", wanted);
	options.path = path;
	for (unsigned attempt = 1;; attempt++) {
		struct vgt_err why;
		struct vgt_capture *capture = vgt_capture_create(&options, &why);
		if (capture || why.code != VGT_ERR_USAGE || attempt > 100) {
			if (!capture) {
				*err = why;
			}
			return capture;
		}
		vary_path(wanted, attempt, path, CAPTURE_PATH_MAX);
	}
}

enum capture_offer capture_offer_from_environment(
	struct vgt_capsets *weaker, struct vgt_err *err)
{
	const char *path = getenv("VGT_CAPTURE_CAPSET");
	struct vgt_err why;
	*weaker = (struct vgt_capsets){0};
	if (!path || !*path) {
		return CAPTURE_OFFER_ALL;
	}
	if (vgt_capsets_read(weaker, path, &why)) {
		return CAPTURE_OFFER_LESS;
	}
	vgt_err_set(err, why.code, VGT_NO_OFFSET, "VGT_CAPTURE_CAPSET: %.150s: %s", path,
		why.message);
	return CAPTURE_OFFER_UNKNOWN;
}
