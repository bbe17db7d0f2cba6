/* SPDX-License-Identifier: MIT */
/*
 * In the guest of tests/qemu10, on its virtio-gpu driver, what kmscube does not use: blobs of
 * both sides, mapped, and a context with a ring, which has fences of its own. Says `blobs:
 * STEP: OUTCOME` of each step; exit status 0 where all were good.
 */
#include <drm/virtgpu_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOB_SIZE     65536
#define CAPSET_VIRGL2 2

static int card;

static int report(const char *step, int result)
{
	printf("blobs: %s: %s\n", step, result < 0 ? strerror(errno) : "good");
	fflush(stdout);
	return result;
}

static int init_context(void)
{
	struct drm_virtgpu_context_set_param parameters[] = {
		{VIRTGPU_CONTEXT_PARAM_CAPSET_ID, CAPSET_VIRGL2},
		{VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 1}, /* virgl contexts have no more */
	};
	struct drm_virtgpu_context_init init = {
		.num_params = 2, .ctx_set_params = (uintptr_t)parameters};

	return report(
		"context with a ring", ioctl(card, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &init));
}

/* A submit of a NOP whose fence is on the ring; waits for it. */
static int submit(const char *step)
{
	uint32_t nop = 0;
	struct drm_virtgpu_execbuffer submit = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.size = sizeof(nop),
		.command = (uintptr_t)&nop,
		.fence_fd = -1,
		.ring_idx = 0,
	};
	struct pollfd fence;

	if (report(step, ioctl(card, DRM_IOCTL_VIRTGPU_EXECBUFFER, &submit)) < 0) {
		return -1;
	}
	fence = (struct pollfd){.fd = submit.fence_fd, .events = POLLIN};
	if (poll(&fence, 1, 10000) == 0) {
		errno = ETIMEDOUT;
		return report("its fence", -1);
	}
	close(submit.fence_fd);
	return report("its fence", 0);
}

/* Makes a blob, maps, writes and reads it, and lets it go. */
static int use_blob(const char *step, uint32_t memory, uint64_t id)
{
	/* PIPE_RESOURCE_CREATE: a buffer, R8_UNORM, VERTEX_BUFFER, mapped persistently and
	 * coherently */
	uint32_t create[] = {
		(11u << 16) | 48, 0, 64, 0x10, BLOB_SIZE, 1, 1, 1, 0, 0, 0x6, (uint32_t)id};
	struct drm_virtgpu_resource_create_blob blob = {
		.blob_mem = memory,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_MAPPABLE,
		.size = BLOB_SIZE,
		.blob_id = id,
	};
	struct drm_virtgpu_map map = {0};
	struct drm_virtgpu_3d_wait wait = {0};
	struct drm_gem_close end = {0};
	uint8_t *bytes;

	if (id) {
		blob.cmd = (uintptr_t)create;
		blob.cmd_size = sizeof(create);
	}
	if (report(step, ioctl(card, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &blob)) < 0) {
		return -1;
	}
	map.handle = wait.handle = end.handle = blob.bo_handle;
	if (report("its map", ioctl(card, DRM_IOCTL_VIRTGPU_MAP, &map)) < 0) {
		return -1;
	}
	bytes = mmap(
		NULL, BLOB_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (report("its mmap", bytes == MAP_FAILED ? -1 : 0) < 0) {
		return -1;
	}
	memset(bytes, 0x5a, BLOB_SIZE);
	errno = EIO;
	if (report("its bytes", bytes[BLOB_SIZE - 1] == 0x5a ? 0 : -1) < 0) {
		return -1;
	}
	munmap(bytes, BLOB_SIZE);
	if (report("its wait", ioctl(card, DRM_IOCTL_VIRTGPU_WAIT, &wait)) < 0) {
		return -1;
	}
	return report("its end", ioctl(card, DRM_IOCTL_GEM_CLOSE, &end));
}

int main(void)
{
	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	return report("card", card) < 0 || init_context() < 0 || submit("submit") < 0 ||
	       use_blob("guest blob", VIRTGPU_BLOB_MEM_GUEST, 0) < 0 ||
	       use_blob("host blob", VIRTGPU_BLOB_MEM_HOST3D, 1) < 0 ||
	       use_blob("host blob again", VIRTGPU_BLOB_MEM_HOST3D, 2) < 0 ||
	       submit("last submit") < 0;
}
