/* SPDX-License-Identifier: MIT */
/*
 * guest-replay [--model | --device ADDRESS] [--leave] [--mark=TEXT] [--spoil=draw |
 * --spoil=byte] TRACE...
 *
 * Issues the commands of traces, one after the other, to a virtio-gpu through the driver core:
 * to the PCI device at ADDRESS or the first that no kernel driver has (sysfs_platform.h), or
 * with --model to the device in memory (device_model.h), which also watches the driver. A test
 * program; guest_replay_run.h says what is done and what the exit statuses mean.
 *
 * --leave does not reset the device at the end: QEMU 7.2 aborts when its second output goes.
 *
 * As process 1 of a virtual machine it mounts what it needs, takes its arguments from the
 * kernel's command line (behind `--`), says `guest-replay: exit STATUS` and powers off.
 */
#include "device_model.h"
#include "guest_replay_run.h"
#include "sysfs_platform.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* For rings, commands and responses; backings come from elsewhere. */
#define POOL_SIZE (UINT64_C(64) << 20)
/* The model answers fenced commands so many of its steps later. */
#define FENCE_STEPS 5

enum { USAGE = GUEST_REPLAY_TROUBLE };

struct options {
	bool model;
	const char *address; /* NULL: the first device that is free */
	bool leave;
	struct guest_replay_options run;
	char *const *paths; /* NULL ends them */
};

static enum guest_replay_status worse(enum guest_replay_status a, enum guest_replay_status b)
{
	static const enum guest_replay_status order[] = {GUEST_REPLAY_TROUBLE,
		GUEST_REPLAY_DIFFERENT, GUEST_REPLAY_INEXPRESSIBLE, GUEST_REPLAY_SAME};
	size_t i = 0;
	while (order[i] != a && order[i] != b) {
		i++;
	}
	return order[i];
}

static enum guest_replay_status replay_all(
	const struct vgt_platform *platform, const struct options *options)
{
	enum guest_replay_status result = GUEST_REPLAY_SAME;
	enum vgt_escape_status status = VGT_ESCAPE_OK;
	struct vgt_gpu *gpu = vgt_gpu_open(platform, NULL, &status);
	if (!gpu) {
		fprintf(stderr, "guest-replay: the device does not come up (status %d)\n",
			(int)status);
		return GUEST_REPLAY_TROUBLE;
	}
	for (char *const *path = options->paths; *path; path++) {
		result = worse(result, guest_replay_run(gpu, *path, &options->run));
	}
	if (!options->leave) {
		vgt_gpu_close(gpu);
	}
	return result;
}

static enum guest_replay_status replay_on_model(const struct options *options)
{
	struct vgt_dm *model = vgt_dm_create(
		&(struct vgt_dm_options){.num_scanouts = VIRTIO_GPU_MAX_SCANOUTS});
	vgt_dm_set_fences(model, VGT_DM_FENCES_LATER, FENCE_STEPS);
	enum guest_replay_status result = replay_all(vgt_dm_platform(model), options);
	const uint32_t violations = vgt_dm_violations(model);
	const char *violation;
	for (uint32_t i = 0; (violation = vgt_dm_violation(model, i)); i++) {
		fprintf(stderr, "guest-replay: violation: %s\n", violation);
	}
	printf("guest-replay: %" PRIu32 " violations\n", violations);
	vgt_dm_destroy(model);
	return violations ? worse(result, GUEST_REPLAY_DIFFERENT) : result;
}

static enum guest_replay_status replay_on_device(const struct options *options)
{
	struct vgt_sysfs_error error;
	struct vgt_sysfs *sysfs = vgt_sysfs_open(options->address, POOL_SIZE, &error);
	if (!sysfs) {
		fprintf(stderr, "guest-replay: %s\n", error.text);
		return GUEST_REPLAY_TROUBLE;
	}
	printf("guest-replay: device %s\n", vgt_sysfs_address(sysfs));
	enum guest_replay_status result = replay_all(vgt_sysfs_platform(sysfs), options);
	const uint64_t moved = vgt_sysfs_moved_pages(sysfs);
	if (moved) {
		fprintf(stderr,
			"guest-replay: the kernel has moved %" PRIu64
			" pages that the device had\n",
			moved);
		result = GUEST_REPLAY_TROUBLE;
	}
	vgt_sysfs_close(sysfs);
	return result;
}

static bool parse(struct options *options, char *const *arguments)
{
	for (; *arguments && strncmp(*arguments, "--", 2) == 0; arguments++) {
		if (strcmp(*arguments, "--model") == 0) {
			options->model = true;
		} else if (strcmp(*arguments, "--device") == 0 && arguments[1]) {
			options->address = *++arguments;
		} else if (strcmp(*arguments, "--leave") == 0) {
			options->leave = true;
		} else if (strcmp(*arguments, "--spoil=draw") == 0) {
			options->run.spoil = GUEST_REPLAY_SPOIL_DRAW;
		} else if (strcmp(*arguments, "--spoil=byte") == 0) {
			options->run.spoil = GUEST_REPLAY_SPOIL_BYTE;
		} else if (strncmp(*arguments, "--mark=", 7) == 0) {
			options->run.mark = *arguments + 7;
		} else {
			return false;
		}
	}
	options->paths = arguments;
	return *arguments && !(options->model && options->address);
}

static int replay(char *const *arguments)
{
	struct options options = {0};
	if (!parse(&options, arguments)) {
		fputs("usage: guest-replay [--model | --device ADDRESS] [--leave] "
		      "[--mark=TEXT] "
		      "[--spoil=draw | --spoil=byte] TRACE...\n",
			stderr);
		return USAGE;
	}
	return (int)(options.model ? replay_on_model(&options) : replay_on_device(&options));
}

/* As process 1 */

__attribute__((noreturn)) static void power_off(void)
{
	fflush(NULL);
	/* what is on its way to the console is lost otherwise */
	tcdrain(STDOUT_FILENO);
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}

static bool prepare_system(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY) {
		return false;
	}
	const int console = open("/dev/console", O_RDWR | O_NOCTTY);
	if (console < 0 || dup2(console, STDOUT_FILENO) < 0 ||
		dup2(console, STDERR_FILENO) < 0) {
		return false;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sys", "/sys", "sysfs", 0, NULL)) {
		perror("guest-replay: mount");
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	(void)argc;
	if (getpid() != 1) {
		return replay(argv + 1);
	}
	if (prepare_system()) {
		printf("guest-replay: exit %d\n", replay(argv + 1));
	}
	power_off();
}
