/* SPDX-License-Identifier: MIT */
#include "preload_library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool vgt_preload_make_loadable(char path[PATH_MAX], const char *name, const char *directory)
{
	char link[PATH_MAX];

	if (!strpbrk(path, " :$")) {
		return true;
	}
	if (snprintf(link, sizeof(link), "%s/%s", directory, name) >= (int)sizeof(link)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (symlink(path, link) != 0) {
		return false;
	}
	memcpy(path, link, strlen(link) + 1);
	return true;
}

bool vgt_preload_set(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *value;

	if (asprintf(&value, "%s%s%s", library, others && *others ? ":" : "",
		    others ? others : "") < 0) {
		return false;
	}
	const bool good = setenv("LD_PRELOAD", value, 1) == 0;
	free(value);
	return good;
}
