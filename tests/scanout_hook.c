/* SPDX-License-Identifier: MIT */
/*
 * libscanout-hook.so, for tests: stands by LD_PRELOAD before the capture library that is linked
 * into QEMU's virtio-gpu-gl module, and looks at each command before that does. At each
 * RESOURCE_FLUSH it reads the texture of the resource, by GL and not by virglrenderer, and
 * appends a line to the file VGT_SCANOUT_LOG:
 *
 *     flush N resource R WxH HASH
 *
 * N counts RESOURCE_FLUSH from 0; HASH is that of `vgt replay`: XXH64 of width, height and RGB.
 */
#include "vgt_device.h"
#include "virtio_gpu.h"

#include <dlfcn.h>
#include <epoxy/gl.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virglrenderer.h>
#include <xxhash.h>

#define MODULE "hw-display-virtio-gpu-gl.so"

typedef void (*command_function)(
	struct vgt_device *device, const struct iovec *iov, size_t count);

/* Finds the module among the loaded files: its name goes to `opaque`, PATH_MAX bytes. */
static int find_module(struct dl_phdr_info *info, size_t size, void *opaque)
{
	(void)size;
	if (!info->dlpi_name || !strstr(info->dlpi_name, MODULE)) {
		return 0;
	}
	snprintf(opaque, PATH_MAX, "%s", info->dlpi_name);
	return 1;
}

static command_function find_real(void)
{
	char path[PATH_MAX];
	command_function real = NULL;
	void *module = dl_iterate_phdr(find_module, path)
			       ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD)
			       : NULL;
	if (module) {
		*(void **)&real = dlsym(module, "vgt_device_command");
	}
	if (!real) {
		fprintf(stderr, "scanout-hook: no " MODULE " with a capture library\n");
		abort();
	}
	return real;
}

/* The texture's rows as they lie in it. */
static void read_texture(unsigned texture, int width, int height, uint8_t *rgba)
{
	GLint framebuffer = 0, alignment = 4, buffer = 0, row_length = 0;
	GLuint own = 0;
	glGetIntegerv(GL_READ_FRAMEBUFFER_BINDING, &framebuffer);
	glGetIntegerv(GL_PACK_ALIGNMENT, &alignment);
	glGetIntegerv(GL_PACK_ROW_LENGTH, &row_length);
	glGetIntegerv(GL_PIXEL_PACK_BUFFER_BINDING, &buffer);
	glGenFramebuffers(1, &own);
	glBindFramebuffer(GL_READ_FRAMEBUFFER, own);
	glFramebufferTexture2D(
		GL_READ_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
	glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
	glPixelStorei(GL_PACK_ALIGNMENT, 1);
	glPixelStorei(GL_PACK_ROW_LENGTH, 0);
	glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
	glPixelStorei(GL_PACK_ALIGNMENT, alignment);
	glPixelStorei(GL_PACK_ROW_LENGTH, row_length);
	glBindBuffer(GL_PIXEL_PACK_BUFFER, (GLuint)buffer);
	glBindFramebuffer(GL_READ_FRAMEBUFFER, (GLuint)framebuffer);
	glDeleteFramebuffers(1, &own);
}

/* Of the picture as QEMU shows it: a texture with Y_0_TOP has its last row on top
 * (dpy_gl_scanout_texture, egl_fb_blit). */
static uint64_t hash_picture(
	const uint8_t *rgba, uint32_t width, uint32_t height, bool last_row_first)
{
	const uint32_t size[2] = {width, height};
	XXH64_state_t *state = XXH64_createState();
	XXH64_reset(state, 0);
	XXH64_update(state, size, sizeof(size));
	for (uint32_t y = 0; y < height; y++) {
		const uint8_t *row =
			rgba + 4 * (size_t)width * (last_row_first ? height - 1 - y : y);
		for (uint32_t x = 0; x < width; x++) {
			XXH64_update(state, row + 4 * (size_t)x, 3);
		}
	}
	uint64_t hash = XXH64_digest(state);
	XXH64_freeState(state);
	return hash;
}

static void log_flush(uint32_t resource_id)
{
	static FILE *log;
	static unsigned flushes;
	struct virgl_renderer_resource_info info = {0};
	const char *path = getenv("VGT_SCANOUT_LOG");
	if (!log) {
		log = path ? fopen(path, "we") : NULL;
	}
	if (log && virgl_renderer_resource_get_info((int)resource_id, &info) == 0) {
		uint8_t *rgba = calloc((size_t)info.width * info.height, 4);
		if (!rgba) {
			abort();
		}
		virgl_renderer_force_ctx_0();
		read_texture(info.tex_id, (int)info.width, (int)info.height, rgba);
		fprintf(log, "flush %u resource %u %ux%u %016" PRIx64 "\n", flushes,
			resource_id, info.width, info.height,
			hash_picture(rgba, info.width, info.height,
				info.flags & VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP));
		fflush(log);
		free(rgba);
	}
	flushes++;
}

void vgt_device_command(struct vgt_device *device, const struct iovec *iov, size_t count)
{
	static command_function real;
	struct virtio_gpu_resource_flush flush;
	size_t copied = 0;
	if (!real) {
		real = find_real();
	}
	for (size_t i = 0; i < count && copied < sizeof(flush); i++) {
		size_t part = iov[i].iov_len < sizeof(flush) - copied ? iov[i].iov_len
								      : sizeof(flush) - copied;
		memcpy((char *)&flush + copied, iov[i].iov_base, part);
		copied += part;
	}
	if (copied == sizeof(flush) && flush.hdr.type == VIRTIO_GPU_CMD_RESOURCE_FLUSH) {
		log_flush(flush.resource_id);
	}
	real(device, iov, count);
}

/* In the place of the interposer's: a test has the same run recorded by both. */
void vgt_preload_stand_aside(void);
void vgt_preload_stand_aside(void)
{
}
