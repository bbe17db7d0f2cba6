/* SPDX-License-Identifier: MIT */
#include "ring_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* A directory for a name as long as those of rings and sockets are allowed to be. */
static bool make_in(char directory[PATH_MAX], const char *parent)
{
	char *absolute = realpath(parent, NULL);
	bool good = false;

	if (absolute && strlen(absolute) < 64) {
		snprintf(directory, PATH_MAX, "%s/vgt-record-XXXXXX", absolute);
		good = mkdtemp(directory) != NULL;
	}
	if (!good) {
		directory[0] = '\0';
	}
	free(absolute);
	return good;
}

uint64_t vgt_ring_directory_room(const char *directory)
{
	struct statvfs status;

	return statvfs(directory, &status) == 0 ? (uint64_t)status.f_bavail * status.f_frsize
						: 0;
}

bool vgt_ring_directory_make(char directory[PATH_MAX], struct vgt_err *err)
{
	const char *temporary = getenv("TMPDIR");

	/* Containers tend to have a small /dev/shm. */
	if (vgt_ring_directory_room("/dev/shm") >= VGT_RING_ROOM &&
		make_in(directory, "/dev/shm")) {
		return true;
	}
	return (temporary && make_in(directory, temporary)) || make_in(directory, "/tmp") ||
	       vgt_err_system(
		       err, errno, "no directory can be made in /dev/shm, $TMPDIR or /tmp");
}
