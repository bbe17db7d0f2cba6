/* SPDX-License-Identifier: MIT */
#include "find_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool vgt_find_program(const char *name, char path[PATH_MAX])
{
	const char *places = strchr(name, '/') ? "" : getenv("PATH");

	if (strchr(name, '/')) {
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	}
	for (places = places ? places : "/bin:/usr/bin";; places++) {
		const size_t length = strcspn(places, ":");
		struct stat status;
		const int written = snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, places,
			length ? "/" : "", name);
		if (written < PATH_MAX && access(path, X_OK) == 0 && stat(path, &status) == 0 &&
			S_ISREG(status.st_mode)) {
			return true;
		}
		places += length;
		if (!*places) {
			return false;
		}
	}
}
