/* SPDX-License-Identifier: MIT */
#include "companion.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct places {
	char beside[PATH_MAX], installed[PATH_MAX];
};

static bool look_in(struct places *places, const char *name, char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", places->beside, sizeof(places->beside) - 1);
	places->beside[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(places->beside, '/');
	if (slash) {
		*slash = '\0';
	}
	if (VGT_LIBDIR[0] == '/') {
		snprintf(places->installed, sizeof(places->installed), "%s", VGT_LIBDIR);
	} else {
		snprintf(places->installed, sizeof(places->installed), "%.*s/../%s",
			PATH_MAX - (int)sizeof("/../" VGT_LIBDIR), places->beside, VGT_LIBDIR);
	}
	const char *const all[] = {places->beside, places->installed};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int written = snprintf(path, size, "%s/%s", all[i], name);
		if (written > 0 && (size_t)written < size && access(path, R_OK) == 0) {
			return true;
		}
	}
	return false;
}

bool companion_find(const char *name, char *path, size_t size)
{
	struct places places;
	bool found = look_in(&places, name, path, size);
	if (!found) {
		fprintf(stderr, "vgt: %s not found in %s or %s\n", name, places.beside,
			places.installed);
	}
	return found;
}

bool companion_look(const char *name, char *path, size_t size)
{
	struct places places;
	return look_in(&places, name, path, size);
}
