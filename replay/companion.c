/* SPDX-License-Identifier: MIT */
#include "companion.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool companion_find(const char *name, char *path, size_t size)
{
	char exe[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(exe, '/');
	int directory = slash ? (int)(slash - exe) : 0;
	snprintf(path, size, "%.*s/%s", directory, exe, name);
	if (access(path, R_OK) == 0) {
		return true;
	}
	char installed[PATH_MAX];
	snprintf(installed, sizeof(installed), "%s/%s", VGT_LIBDIR, name);
	if (access(installed, R_OK) != 0) {
		return false;
	}
	snprintf(path, size, "%s", installed);
	return true;
}
