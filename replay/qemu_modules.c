/* SPDX-License-Identifier: MIT */
#include "qemu_modules.h"

#include "cache_path.h"
#include "companion.h"
#include "find_program.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP_SYMBOL "qemu_stamp_"
#define STAMP_LENGTH 40
#define MODULE_NAME  "hw-display-virtio-gpu-gl.so"
/* what vgt_device.c asks the environment for, where that is linked in; else its library */
#define RECORDS_MARK    "VGT_CAPTURE_FILE"
#define RECORDS_LIBRARY "libvgt-capture.so"

struct binary {
	const char *bytes; /* NULL: none */
	size_t size;
};

/* An ELF file. */
static struct binary binary_open(const char *path)
{
	struct binary binary = {0};
	struct stat status;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		status.st_size >= 4) {
		void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED && memcmp(bytes, "\177ELF", 4) == 0) {
			binary = (struct binary){bytes, (size_t)status.st_size};
		} else if (bytes != MAP_FAILED) {
			munmap(bytes, (size_t)status.st_size);
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return binary;
}

static void binary_close(struct binary binary)
{
	if (binary.bytes) {
		munmap((void *)binary.bytes, binary.size);
	}
}

static const char *binary_search(struct binary binary, const char *from, const char *text)
{
	const char *end = binary.bytes + binary.size;

	return memmem(from, (size_t)(end - from), text, strlen(text));
}

static bool binary_records(struct binary binary)
{
	return binary.bytes && (binary_search(binary, binary.bytes, RECORDS_MARK) ||
				       binary_search(binary, binary.bytes, RECORDS_LIBRARY));
}

static bool binary_stamp(struct binary binary, char stamp[STAMP_LENGTH + 1])
{
	const char *end = binary.bytes + binary.size;
	const char *at = binary.bytes;

	while (at && (at = binary_search(binary, at, STAMP_SYMBOL))) {
		at += strlen(STAMP_SYMBOL);
		const size_t left = (size_t)(end - at);
		snprintf(stamp, STAMP_LENGTH + 1, "%.*s",
			left < STAMP_LENGTH ? (int)left : STAMP_LENGTH, at);
		if (strspn(stamp, "0123456789abcdef") == STAMP_LENGTH) {
			return true;
		}
	}
	return false;
}

static bool has_emulator_name(const char *command)
{
	const char *slash = strrchr(command, '/');

	return strncmp(slash ? slash + 1 : command, "qemu-system-", 12) == 0;
}

/* Whether QEMU finds a device that records where its user has it look. */
static bool directory_records(const char *directory)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/" MODULE_NAME, directory) >= PATH_MAX) {
		return false;
	}
	const struct binary module = binary_open(path);
	const bool records = binary_records(module);
	binary_close(module);
	return records;
}

static bool find_directory(char directory[PATH_MAX], const char *stamp)
{
	char name[128];

	/* beside vgt; or what 'host-capture/qemu/build modules' keeps for every vgt of the user
	 */
	snprintf(name, sizeof(name), "qemu/%s/" MODULE_NAME, stamp);
	const bool found =
		companion_look(name, directory, PATH_MAX) ||
		(vgt_cache_path(directory, PATH_MAX, name) && access(directory, R_OK) == 0);
	directory[found ? strlen(directory) - strlen("/" MODULE_NAME) : 0] = '\0';
	return found;
}

static enum qemu_device device_of(
	struct binary binary, char directory[PATH_MAX], const char *command)
{
	const char *users = getenv("QEMU_MODULE_DIR");
	char stamp[STAMP_LENGTH + 1];
	const bool stamped = binary_stamp(binary, stamp);

	if (!stamped && !has_emulator_name(command)) {
		return QEMU_NONE;
	}
	if (binary_records(binary) || (stamped && users && directory_records(users))) {
		return QEMU_RECORDS;
	}
	if (!stamped || !find_directory(directory, stamp)) {
		return QEMU_PLAIN;
	}
	return users ? QEMU_SHADOWED : QEMU_MODULES;
}

void qemu_modules_find(struct qemu_modules *modules, const char *command)
{
	char path[PATH_MAX];

	*modules = (struct qemu_modules){.device = QEMU_NONE};
	if (vgt_find_program(command, path)) {
		const struct binary binary = binary_open(path);
		modules->device = device_of(binary, modules->directory, command);
		binary_close(binary);
	}
}
