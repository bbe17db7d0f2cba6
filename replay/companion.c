/* SPDX-License-Identifier: MIT */
#include "companion.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool companion_find(const char *name, char *path, size_t size)
{
	char beside[PATH_MAX], moved[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", beside, sizeof(beside) - 1);
	beside[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(beside, '/');
	if (slash) {
		*slash = '\0';
	}
	snprintf(moved, sizeof(moved), "%.*s/../lib/vgt", PATH_MAX - 16, beside);
	const char *const places[] = {beside, moved, VGT_LIBDIR};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int written = snprintf(path, size, "%s/%s", places[i], name);
		if (written > 0 && (size_t)written < size && access(path, R_OK) == 0) {
			return true;
		}
	}
	fprintf(stderr, "vgt: %s not found in %s, %s or %s\n", name, beside, moved, VGT_LIBDIR);
	return false;
}
