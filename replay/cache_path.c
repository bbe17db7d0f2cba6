/* SPDX-License-Identifier: MIT */
#include "cache_path.h"

#include <stdio.h>
#include <stdlib.h>

bool vgt_cache_path(char *path, size_t size, const char *name)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int length = -1;

	if (cache && *cache == '/') { /* others are void, says the specification */
		length = snprintf(path, size, "%s/vgt/%s", cache, name);
	} else if (home && *home) {
		length = snprintf(path, size, "%s/.cache/vgt/%s", home, name);
	}
	return length >= 0 && (size_t)length < size;
}
