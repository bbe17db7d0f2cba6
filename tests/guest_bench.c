/* SPDX-License-Identifier: MIT */
/*
 * What a way to a virtio-gpu device costs, measured in the guest: `escape` is the dispatcher
 * and driver core on sysfs_platform.h, `drm` Linux's virtio-gpu driver. Process 1 of a virtual
 * machine without any other program (tests/bench): measures escape while no driver has the
 * device, loads /modules/ *.ko in the order of their names, measures drm, powers off.
 *
 * Both do the same: a submit of 160 bytes of virgl commands that names one resource, and
 * transfers of all of that resource, a texture of 4 MiB. Each figure is a line on the console,
 * `bench: WAY NAME VALUE`, the last line is `bench: done` or `bench: failed: WHY`:
 *
 *   latency_ms      a fenced submit until its fence has retired: median; latency_p10_ms and
 *                   latency_p90_ms
 *   clear_ms        the same of a submit that clears the texture, which the host's renderer has
 *                   not done when QEMU first asks for the fence; clear_p10_ms, clear_p90_ms
 *   batch_per_s     fenced submits, BATCH of them, then the wait for all
 *   issue_us        until one of those is with the device
 *   unfenced_per_s  submits that wait for the device's answer (escape only: Linux fences all)
 *   up_mb_s, down_mb_s                     transfers to and from the host, BATCH_TRANSFERS
 * fenced ones, then the wait for all up_single_mb_s, down_single_mb_s       each fenced and
 * waited for up_unfenced_mb_s, down_unfenced_mb_s   as unfenced_per_s
 */
#include "dispatch.h"
#include "sysfs_platform.h"
#include "virgl_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <virtgpu_drm.h>

#define LATENCIES       200
#define BATCH           64
#define BATCHES         40
#define UNFENCED        2000
#define BATCH_TRANSFERS 8
#define TRANSFERS       40 /* of each kind */

#define SIDE  1024 /* of the texture, texels of 4 bytes */
#define BYTES (4 * SIDE * SIDE)
#define BIND  (VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SAMPLER_VIEW)

#define FORMAT_B8G8R8A8_UNORM 1

#define SURFACE 1 /* handle */

enum work {
	BLEND, /* SET_BLEND_COLOR, eight times */
	SET_UP,
	CLEAR,
	TO_HOST,
	FROM_HOST,
};

#define BLEND_COLOR VIRGL_CMD0(VIRGL_CCMD_SET_BLEND_COLOR, 0, 4), 0, 0, 0, 0

static uint32_t blend[] = {BLEND_COLOR, BLEND_COLOR, BLEND_COLOR, BLEND_COLOR, BLEND_COLOR,
	BLEND_COLOR, BLEND_COLOR, BLEND_COLOR};
static uint32_t set_up[] = {VIRGL_CMD0(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5),
	SURFACE, 0 /* the texture */, FORMAT_B8G8R8A8_UNORM, 0, 0,
	VIRGL_CMD0(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3), 1, 0, SURFACE};
static uint32_t clear[] = {
	VIRGL_CMD0(VIRGL_CCMD_CLEAR, 0, 8), 1 << 2 /* colour buffer 0 */, 0, 0, 0, 0, 0, 0, 0};

/* The virgl commands of a submit. */
static const struct {
	uint32_t *dwords;
	uint32_t size; /* bytes */
} streams[] = {
	[BLEND] = {blend, sizeof(blend)},
	[SET_UP] = {set_up, sizeof(set_up)},
	[CLEAR] = {clear, sizeof(clear)},
};

__attribute__((noreturn)) static void leave(void)
{
	fflush(NULL);
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("bench: failed: ");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	leave();
}

struct way {
	const char *name;
	uint32_t (*open)(void); /* returns the device's number of the texture */
	/* fenced: returns when it is with the device; else with the device's answer */
	void (*start)(enum work work, bool fenced);
	void (*wait)(void); /* until all that was started has retired */
	void (*close)(void);
	bool has_unfenced;
};

/* escape */

static struct vgt_sysfs *sysfs;
static struct vgt_gpu *gpu;
static struct vgt_client *client;
static uint32_t escape_ctx, escape_resource;
static uint64_t escape_fence;

static void ask(void *request, size_t size, enum vgt_escape_request code, uint32_t flags)
{
	struct vgt_escape_header *header = request;
	*header = (struct vgt_escape_header){
		.magic = VGT_ESCAPE_MAGIC,
		.version = VGT_ESCAPE_VERSION,
		.request = (uint16_t)code,
		.size = (uint32_t)size,
		.flags = flags,
	};
	const enum vgt_escape_status status =
		vgt_dispatch(client, (uintptr_t)request, (uint32_t)size);
	if (status != VGT_ESCAPE_OK) {
		fail("escape: request %d: status %d, response %#x", code, status,
			header->response);
	}
}

static uint32_t escape_open(void)
{
	struct vgt_sysfs_error error;
	enum vgt_escape_status status = VGT_ESCAPE_OK;
	sysfs = vgt_sysfs_open(NULL, 32 << 20, &error);
	if (!sysfs) {
		fail("escape: %s", error.text);
	}
	gpu = vgt_gpu_open(vgt_sysfs_platform(sysfs), NULL, &status);
	client = gpu ? vgt_client_open(gpu, NULL, &status) : NULL;
	if (!client) {
		fail("escape: the device does not come up: status %d", status);
	}
	struct vgt_escape_ctx_create create = {.name_size = 5, .name = "bench"};
	ask(&create, sizeof(create), VGT_ESCAPE_CTX_CREATE, 0);
	struct vgt_escape_resource_create_3d texture = {
		.target = PIPE_TEXTURE_2D,
		.format = FORMAT_B8G8R8A8_UNORM,
		.bind = BIND,
		.width = SIDE,
		.height = SIDE,
		.depth = 1,
		.array_size = 1,
	};
	ask(&texture, sizeof(texture), VGT_ESCAPE_RESOURCE_CREATE_3D, 0);
	struct vgt_escape_attach_backing backing = {
		.resource = texture.resource, .size = BYTES};
	ask(&backing, sizeof(backing), VGT_ESCAPE_RESOURCE_ATTACH_BACKING, 0);
	struct vgt_escape_ctx_resource use = {.ctx = create.ctx, .resource = texture.resource};
	ask(&use, sizeof(use), VGT_ESCAPE_CTX_ATTACH_RESOURCE, 0);
	escape_ctx = create.ctx;
	escape_resource = texture.resource;
	return texture.resource_id;
}

struct escape_submit {
	struct vgt_escape_submit_3d submit;
	uint32_t resources[2]; /* one, and padding */
	uint32_t commands[sizeof(blend) / sizeof(blend[0])];
};

static void escape_submit(enum work work, uint32_t flags)
{
	struct escape_submit request = {.submit = {.ctx = escape_ctx,
						.num_resources = 1,
						.commands_size = streams[work].size},
		.resources = {escape_resource}};
	memcpy(request.commands, streams[work].dwords, streams[work].size);
	ask(&request, offsetof(struct escape_submit, commands) + streams[work].size,
		VGT_ESCAPE_SUBMIT_3D, flags);
	escape_fence = request.submit.header.fence;
}

static void escape_start(enum work work, bool fenced)
{
	const uint32_t flags = fenced ? VGT_ESCAPE_FLAG_FENCE : 0;
	if (work < TO_HOST) {
		escape_submit(work, flags);
		return;
	}
	struct vgt_escape_transfer_3d transfer = {
		.ctx = escape_ctx,
		.resource = escape_resource,
		.w = SIDE,
		.h = SIDE,
		.d = 1,
	};
	ask(&transfer, sizeof(transfer),
		work == TO_HOST ? VGT_ESCAPE_TRANSFER_TO_HOST_3D
				: VGT_ESCAPE_TRANSFER_FROM_HOST_3D,
		flags);
	escape_fence = transfer.header.fence;
}

static void escape_wait(void)
{
	struct vgt_escape_fence fence = {
		.wanted = escape_fence, .timeout_ns = VGT_ESCAPE_TIMEOUT_MAX};
	ask(&fence, sizeof(fence), VGT_ESCAPE_FENCE_WAIT, 0);
}

static void escape_close(void)
{
	vgt_client_close(client);
	vgt_gpu_close(gpu);
	if (vgt_sysfs_moved_pages(sysfs)) {
		fail("escape: the kernel has moved pages");
	}
	vgt_sysfs_close(sysfs);
}

/* drm */

static int card = -1;
static uint32_t drm_handle;

static void control(unsigned long request, void *argument, const char *name)
{
	if (ioctl(card, request, argument) < 0) {
		fail("drm: %s: %s", name, strerror(errno));
	}
}

static void load_modules(void)
{
	glob_t found;
	if (glob("/modules/*.ko", 0, NULL, &found) != 0) {
		fail("drm: no modules");
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0) {
			fail("drm: %s: %s", found.gl_pathv[i], strerror(errno));
		}
		close(fd);
	}
	globfree(&found);
}

static uint32_t drm_open(void)
{
	load_modules();
	for (int tries = 0; card < 0 && tries < 100; tries++) {
		usleep(100000);
		card = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
	}
	struct drm_virtgpu_resource_create texture = {
		.target = PIPE_TEXTURE_2D,
		.format = FORMAT_B8G8R8A8_UNORM,
		.bind = BIND,
		.width = SIDE,
		.height = SIDE,
		.depth = 1,
		.array_size = 1,
		.size = BYTES,
	};
	control(DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &texture, "RESOURCE_CREATE");
	drm_handle = texture.bo_handle;
	return texture.res_handle;
}

static void drm_start(enum work work, bool fenced)
{
	(void)fenced; /* all are */
	if (work < TO_HOST) {
		struct drm_virtgpu_execbuffer submit = {
			.size = streams[work].size,
			.command = (uintptr_t)streams[work].dwords,
			.bo_handles = (uintptr_t)&drm_handle,
			.num_bo_handles = 1,
		};
		control(DRM_IOCTL_VIRTGPU_EXECBUFFER, &submit, "EXECBUFFER");
	} else {
		/* the same structure in both directions */
		struct drm_virtgpu_3d_transfer_to_host transfer = {
			.bo_handle = drm_handle, .box = {.w = SIDE, .h = SIDE, .d = 1}};
		control(work == TO_HOST ? DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST
					: DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST,
			&transfer, "TRANSFER");
	}
}

static void drm_wait(void)
{
	struct drm_virtgpu_3d_wait wait = {.handle = drm_handle};
	control(DRM_IOCTL_VIRTGPU_WAIT, &wait, "WAIT");
}

static void drm_close(void)
{
	close(card);
}

/* measuring */

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare_numbers(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print(const struct way *way, const char *name, double value)
{
	printf("bench: %s %s %.3f\n", way->name, name, value);
	fflush(stdout);
}

static void measure_latency(const struct way *way, const char *name, enum work work)
{
	static const struct {
		const char *suffix;
		int tenths;
	} parts[] = {{"_ms", 5}, {"_p10_ms", 1}, {"_p90_ms", 9}};
	double times[LATENCIES];
	char text[64];
	for (int i = 0; i < LATENCIES; i++) {
		const double begin = seconds();
		way->start(work, true);
		way->wait();
		times[i] = (seconds() - begin) * 1e3;
	}
	qsort(times, LATENCIES, sizeof(times[0]), compare_numbers);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", name, parts[i].suffix);
		print(way, text, times[LATENCIES * parts[i].tenths / 10]);
	}
}

static void measure_batches(const struct way *way)
{
	double issue = 0;
	const double begin = seconds();
	for (int batch = 0; batch < BATCHES; batch++) {
		const double batch_begin = seconds();
		for (int i = 0; i < BATCH; i++) {
			way->start(BLEND, true);
		}
		issue += seconds() - batch_begin;
		way->wait();
	}
	const double count = (double)BATCHES * BATCH;
	print(way, "batch_per_s", count / (seconds() - begin));
	print(way, "issue_us", issue / count * 1e6);
}

static void measure_unfenced(const struct way *way)
{
	const double begin = seconds();
	for (int i = 0; i < UNFENCED; i++) {
		way->start(BLEND, false);
	}
	print(way, "unfenced_per_s", UNFENCED / (seconds() - begin));
}

/* `batch` 0: unfenced */
static void measure_transfers(
	const struct way *way, const char *name, enum work work, int batch)
{
	const double begin = seconds();
	for (int i = 1; i <= TRANSFERS; i++) {
		way->start(work, batch != 0);
		if (batch && i % batch == 0) {
			way->wait();
		}
	}
	print(way, name, (double)TRANSFERS * BYTES / 1e6 / (seconds() - begin));
}

static void measure(const struct way *way)
{
	set_up[2] = way->open();
	way->start(SET_UP, true);
	/* what the first time costs more */
	way->start(TO_HOST, true);
	way->start(FROM_HOST, true);
	way->wait();
	measure_latency(way, "latency", BLEND);
	measure_latency(way, "clear", CLEAR);
	measure_batches(way);
	measure_transfers(way, "up_mb_s", TO_HOST, BATCH_TRANSFERS);
	measure_transfers(way, "down_mb_s", FROM_HOST, BATCH_TRANSFERS);
	measure_transfers(way, "up_single_mb_s", TO_HOST, 1);
	measure_transfers(way, "down_single_mb_s", FROM_HOST, 1);
	if (way->has_unfenced) {
		measure_unfenced(way);
		measure_transfers(way, "up_unfenced_mb_s", TO_HOST, 0);
		measure_transfers(way, "down_unfenced_mb_s", FROM_HOST, 0);
	}
	way->close();
}

int main(void)
{
	static const struct way ways[] = {
		{"escape", escape_open, escape_start, escape_wait, escape_close, true},
		{"drm", drm_open, drm_start, drm_wait, drm_close, false},
	};
	if (getpid() != 1) {
		fprintf(stderr, "guest_bench: only as process 1 of a virtual machine\n");
		return 2;
	}
	if (mount("proc", "/proc", "proc", 0, "") || mount("sys", "/sys", "sysfs", 0, "") ||
		mount("dev", "/dev", "devtmpfs", 0, "")) {
		fail("mount: %s", strerror(errno));
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		measure(&ways[i]);
	}
	printf("bench: done\n");
	leave();
}
