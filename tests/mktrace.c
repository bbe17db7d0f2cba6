/* SPDX-License-Identifier: MIT */
/*
 * Writes traces that no well-behaved program records, for tests of the player: mktrace CASE
 * FILE. dead-fence     a context is destroyed while its fence is in flight denied-create  a
 * living resource's id is used again for a creation that the host refuses segments backings of
 * a million empty segments each
 */
#include "vgt_capture.h"

#include "virgl_cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vgt_capture *capture;

static void put(const void *command, size_t size, int32_t result)
{
	vgt_capture_response(
		capture, vgt_capture_command(capture, command, size, NULL, 0, 0), result);
}

static void create_context(uint32_t id)
{
	const struct virtio_gpu_ctx_create command = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}};
	put(&command, sizeof(command), 0);
}

static void create_resource(uint32_t id, uint32_t format, int32_t result)
{
	const struct virtio_gpu_resource_create_3d command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = id,
		.target = PIPE_TEXTURE_2D,
		.format = format,
		.bind = VIRGL_BIND_SAMPLER_VIEW,
		.width = 4,
		.height = 4,
		.depth = 1,
		.array_size = 1};
	put(&command, sizeof(command), result);
}

static void attach(uint32_t id, uint32_t count, uint32_t length)
{
	static uint8_t memory[4096];
	struct virtio_gpu_mem_entry *entries = calloc(count, sizeof(*entries));
	struct iovec *iov = calloc(count, sizeof(*iov));
	for (uint32_t i = 0; entries && iov && i < count; i++) {
		entries[i].length = length;
		iov[i] = (struct iovec){memory, length};
	}
	const struct virtio_gpu_resource_attach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = id,
		.nr_entries = count};
	uint64_t number = vgt_capture_command(
		capture, &command, sizeof(command), entries, count * sizeof(*entries), 0);
	vgt_capture_response(capture, number, 0);
	vgt_capture_backing(capture, id, iov, count);
	free(entries);
	free(iov);
}

static void dead_fence(void)
{
	create_context(1);
	const struct vgt_fence fence = {.event = VGT_FENCE_CREATED,
		.scope = VGT_FENCE_CONTEXT,
		.ctx_id = 1,
		.fence_id = 7};
	vgt_capture_fence(capture, &fence);
	const struct virtio_gpu_ctx_destroy destroy = {
		.hdr = {.type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = 1}};
	vgt_capture_command(capture, &destroy, sizeof(destroy), NULL, 0, 0);
}

static void denied_create(void)
{
	create_context(1);
	create_resource(1, 1, 0);
	attach(1, 1, 64);
	create_resource(1, 9999, 22);
	const struct virtio_gpu_transfer_host_3d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.box = {.w = 4, .h = 4, .d = 1},
		.resource_id = 1};
	put(&transfer, sizeof(transfer), 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(void);
	} cases[] = {{"dead-fence", dead_fence}, {"denied-create", denied_create}};
	struct vgt_err err;
	const struct vgt_capture_options options = {.path = argc == 3 ? argv[2] : ""};
	capture = argc == 3 ? vgt_capture_create(&options, &err) : NULL;
	if (!capture) {
		fprintf(stderr, "mktrace: %s\n", argc == 3 ? err.message : "usage: CASE FILE");
		return 2;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].write();
		}
	}
	return vgt_capture_destroy(capture, NULL) ? 0 : 2;
}
