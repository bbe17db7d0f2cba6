/* SPDX-License-Identifier: MIT */
/* Files, devices, room and environment. */
#include "companion.h"
#include "doctor.h"
#include "find_program.h"
#include "ring_directory.h"
#include "vgt_text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

/* The group of a file, from /etc/group: other sources may make one wait. */
static bool group_of(const char *path, char *name, size_t size)
{
	struct stat status;
	const struct group *group;
	bool found = false;
	FILE *file = stat(path, &status) == 0 ? fopen("/etc/group", "re") : NULL;

	while (file && !found && (group = fgetgrent(file))) {
		found = group->gr_gid == status.st_gid;
		if (found) {
			snprintf(name, size, "%s", group->gr_name);
		}
	}
	if (file) {
		fclose(file);
	}
	return found;
}

bool doctor_device(struct doctor_task *task, const char *name, const char *path)
{
	char group[64];

	if (access(path, F_OK) != 0) {
		return false;
	}
	const int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		close(fd);
		doctor_add(task, DOCTOR_OK, name, "%s", path);
		return true;
	}
	const int error = errno;
	const bool grouped = error == EACCES && group_of(path, group, sizeof(group)) &&
			     strcmp(group, "root") != 0;
	struct doctor_finding *finding = doctor_add(task, DOCTOR_LIMITED, name,
		"%s cannot be opened: %s%s%s", path, strerror(error),
		grouped ? "; it belongs to the group " : "", grouped ? group : "");
	finding->remedy =
		grouped ? "add yourself to that group (adduser USER GROUP) and log in again"
			: NULL;
	return true;
}

static void add_current(struct doctor_task *task)
{
	char path[PATH_MAX], free_text[VGT_TEXT_SIZE];
	const uint64_t room = vgt_ring_directory_room(".");

	if (!getcwd(path, sizeof(path))) {
		doctor_add(task, DOCTOR_LIMITED, "current directory", "is gone: %s",
			strerror(errno))
			->remedy = "cd elsewhere";
	} else if (access(".", W_OK) != 0) {
		doctor_add(task, DOCTOR_LIMITED, "current directory",
			"%s: no trace goes there: %s", path, strerror(errno))
			->remedy = "cd elsewhere, or vgt record -o FILE";
	} else {
		doctor_add(task, room < VGT_RING_ROOM ? DOCTOR_LIMITED : DOCTOR_OK,
			"current directory", "%s, %s free", path,
			vgt_text_size(free_text, room));
	}
}

/* Where commands wait for the writer. */
static void add_rings(struct doctor_task *task)
{
	char directory[PATH_MAX], free_text[VGT_TEXT_SIZE], wanted[VGT_TEXT_SIZE];
	struct vgt_err err;
	const uint64_t room = vgt_ring_directory_room("/dev/shm");

	vgt_text_size(free_text, room);
	if (!vgt_ring_directory_make(directory, &err)) {
		doctor_add(task, DOCTOR_MISSING, "ring buffers", "%s", err.message)->remedy =
			"export TMPDIR=DIRECTORY";
		return;
	}
	rmdir(directory);
	*strrchr(directory, '/') = '\0';
	if (strcmp(directory, "/dev/shm") == 0) {
		doctor_add(task, DOCTOR_OK, "ring buffers", "in /dev/shm, %s free", free_text);
	} else {
		doctor_add(task, DOCTOR_LIMITED, "ring buffers",
			"in %s, for /dev/shm has %s free and %s are wanted: recording may be "
			"slower",
			directory, free_text, vgt_text_size(wanted, VGT_RING_ROOM))
			->remedy = "enlarge /dev/shm (for a container, --shm-size=256m)";
	}
}

bool doctor_companion(struct doctor_task *task, const char *name, char path[PATH_MAX])
{
	if (companion_look(name, path, PATH_MAX)) {
		doctor_add(task, DOCTOR_OK, name, "%s", path);
		return true;
	}
	path[0] = '\0';
	doctor_add(task, DOCTOR_MISSING, name,
		"not found beside vgt, nor where make install puts it")
		->remedy = "make, or make install, in vgt's source";
	return false;
}

void doctor_recorder(struct doctor_task *task)
{
	char path[PATH_MAX];

	doctor_companion(task, "libvgt-preload.so", path);
	add_rings(task);
	add_current(task);
}

static void add_system(struct doctor_task *task)
{
	struct utsname names;
	char line[256], name[128] = "";
	FILE *file = fopen("/etc/os-release", "re");

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "PRETTY_NAME=%*[\"]%127[^\"\n]", name);
	}
	if (file) {
		fclose(file);
	}
	if (uname(&names) == 0) {
		doctor_add(task, DOCTOR_NOTE, "system", "%s%s%s %s %s", name,
			name[0] ? ", " : "", names.sysname, names.release, names.machine);
	}
}

/* The variables that steer the loader, Mesa, virglrenderer, QEMU and vgt. */
static void add_environment(struct doctor_task *task)
{
	static const char *const beginnings[] = {"DISPLAY=", "EGL_", "GALLIUM_", "LD_",
		"LIBGL_", "LP_", "MESA_", "QEMU_MODULE_DIR=", "TMPDIR=", "VGT_", "VIRGL_",
		"VREND_", "VTEST_", "WAYLAND_DISPLAY=", "__EGL_", "__GLX_"};
	unsigned count = 0;

	for (char **entry = environ; *entry && count < 32; entry++) {
		for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
			if (strncmp(*entry, beginnings[i], strlen(beginnings[i])) == 0) {
				doctor_add(task, DOCTOR_NOTE, "environment", "%.300s", *entry);
				count++;
			}
		}
	}
}

static void add_program(struct doctor_task *task, const char *name, const char *program)
{
	char path[PATH_MAX];

	doctor_add(task, DOCTOR_NOTE, name, "%s (not needed yet)",
		vgt_find_program(program, path) ? path : "not found");
}

void doctor_machine(struct doctor_task *task)
{
	char path[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[length > 0 ? length : 0] = '\0';
	doctor_add(task, DOCTOR_NOTE, "vgt", "%s, %s", VGT_VERSION, path);
	add_system(task);
	add_environment(task);
	/* for the Windows driver that is to come */
	add_program(task, "Wine", "wine");
	add_program(task, "mingw-w64", "x86_64-w64-mingw32-gcc");
}
