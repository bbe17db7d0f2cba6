/* SPDX-License-Identifier: MIT */
#include "vtest.h"

#include "linux_call.h"
#include "virgl_cmd.h"

#include <stdlib.h>
#include <string.h>

enum vcmd {
	VCMD_RESOURCE_UNREF = 3,
	VCMD_SUBMIT_CMD = 6,
	VCMD_RESOURCE_BUSY_WAIT = 7,
	VCMD_CREATE_RENDERER = 8,
	VCMD_GET_CAPS2 = 9,
	VCMD_PING_PROTOCOL_VERSION = 10,
	VCMD_PROTOCOL_VERSION = 11,
	VCMD_RESOURCE_CREATE2 = 12,
	VCMD_TRANSFER_GET2 = 13,
	VCMD_TRANSFER_PUT2 = 14,
};

#define PROTOCOL_VERSION    2u
#define BUSY_WAIT_FLAG_WAIT 1u
#define CAPSET_MAX          65536u

#define PAGE        UINT64_C(4096)
#define BLOCK_BYTES 16u /* the largest that a texel or compressed block has */
#define SHARED_MAX  (UINT64_C(1) << 31)

struct vtest {
	int socket;
	bool broken;
	uint8_t *capset;
	uint32_t capset_size;
	uint64_t sent, done;
	uint64_t asked; /* whether the first so many are done; 0: no answer is under way */
};

static bool fail(struct vtest *vtest)
{
	vtest->broken = true;
	return false;
}

/* Both at once, for the server wakes up with the first byte. */
static bool write_all(struct vtest *vtest, struct linux_iovec header, struct linux_iovec data)
{
	struct linux_iovec pieces[2] = {header, data};
	while ((pieces[0].iov_len || pieces[1].iov_len) && !vtest->broken) {
		int64_t done = linux_call(
			LINUX_WRITEV, (uint64_t)vtest->socket, (uintptr_t)pieces, 2, 0, 0, 0);
		if (done <= 0) {
			return fail(vtest);
		}
		for (uint32_t i = 0; i < 2; i++) {
			uint64_t part = (uint64_t)done < pieces[i].iov_len ? (uint64_t)done
									   : pieces[i].iov_len;
			pieces[i].iov_base = (uint8_t *)pieces[i].iov_base + part;
			pieces[i].iov_len -= part;
			done -= (int64_t)part;
		}
	}
	return !vtest->broken;
}

static bool read_all(struct vtest *vtest, void *data, uint64_t size)
{
	uint8_t *at = data;
	while (size && !vtest->broken) {
		int64_t done = linux_call(LINUX_RECVFROM, (uint64_t)vtest->socket,
			(uintptr_t)at, size, LINUX_MSG_WAITALL, 0, 0);
		if (done <= 0) {
			return fail(vtest);
		}
		at += done;
		size -= (uint64_t)done;
	}
	return !vtest->broken;
}

/* `length` is in dwords, of CREATE_RENDERER in bytes. */
static bool send(struct vtest *vtest, enum vcmd command, uint32_t length, const void *data,
	uint32_t size)
{
	uint32_t header[2] = {length, command};
	return write_all(vtest,
		(struct linux_iovec){.iov_base = header, .iov_len = sizeof(header)},
		(struct linux_iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size});
}

static bool send_dwords(
	struct vtest *vtest, enum vcmd command, const uint32_t *data, uint32_t count)
{
	return send(vtest, command, count, data, count * 4);
}

/* An answer of `count` dwords to `command`, 0 or 1. */
static bool receive(struct vtest *vtest, enum vcmd command, uint32_t *data, uint32_t count)
{
	uint32_t answer[3];
	if (!read_all(vtest, answer, (2 + count) * sizeof(answer[0]))) {
		return false;
	}
	if (answer[0] != count || answer[1] != command) {
		return fail(vtest);
	}
	if (count) {
		*data = answer[2];
	}
	return true;
}

static int receive_fd(struct vtest *vtest)
{
	char byte;
	struct linux_iovec iovec = {.iov_base = &byte, .iov_len = 1};
	struct linux_cmsg_fd control = {.fd = -1};
	struct linux_msghdr message = {
		.msg_iov = &iovec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int64_t done = linux_call(
		LINUX_RECVMSG, (uint64_t)vtest->socket, (uintptr_t)&message, 0, 0, 0, 0);
	if (done <= 0 || control.cmsg_level != LINUX_SOL_SOCKET ||
		control.cmsg_type != LINUX_SCM_RIGHTS || control.fd < 0) {
		fail(vtest);
		return -1;
	}
	return control.fd;
}

/* Answers come in the order in which they were asked for: before another one is asked for, that
 * under way is taken. */
static bool take_answer(struct vtest *vtest)
{
	uint32_t busy;
	if (vtest->asked && receive(vtest, VCMD_RESOURCE_BUSY_WAIT, &busy, 1)) {
		vtest->done = vtest->asked;
	}
	vtest->asked = 0;
	return !vtest->broken;
}

static bool has_answer(const struct vtest *vtest)
{
	char byte;
	return linux_call(LINUX_RECVFROM, (uint64_t)vtest->socket, (uintptr_t)&byte, 1,
		       LINUX_MSG_PEEK | LINUX_MSG_DONTWAIT, 0, 0) != -LINUX_EAGAIN;
}

static bool negotiate(struct vtest *vtest)
{
	uint32_t version = PROTOCOL_VERSION;
	/* an old server does not answer the first, and would be waited for without the second
	 */
	return send_dwords(vtest, VCMD_PING_PROTOCOL_VERSION, NULL, 0) &&
	       receive(vtest, VCMD_PING_PROTOCOL_VERSION, NULL, 0) &&
	       send_dwords(vtest, VCMD_PROTOCOL_VERSION, &version, 1) &&
	       receive(vtest, VCMD_PROTOCOL_VERSION, &version, 1) &&
	       (version == PROTOCOL_VERSION || fail(vtest));
}

/* The answer says how many bytes it is, and one more, and as command the version. */
static bool read_capset(struct vtest *vtest)
{
	uint32_t header[2];
	if (!send_dwords(vtest, VCMD_GET_CAPS2, NULL, 0) ||
		!read_all(vtest, header, sizeof(header))) {
		return false;
	}
	if (header[1] != 2 || header[0] < 2 || header[0] > CAPSET_MAX) {
		return fail(vtest);
	}
	vtest->capset_size = header[0] - 1;
	vtest->capset = malloc(vtest->capset_size);
	return vtest->capset && read_all(vtest, vtest->capset, vtest->capset_size);
}

static int open_socket(const char *path)
{
	struct linux_sockaddr_un address = {.sun_family = LINUX_AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof(address.sun_path)) {
		return -1;
	}
	memcpy(address.sun_path, path, length);
	int64_t made = linux_call(LINUX_SOCKET, LINUX_AF_UNIX,
		LINUX_SOCK_STREAM | LINUX_SOCK_CLOEXEC, 0, 0, 0, 0);
	if (made >= 0 && linux_call(LINUX_CONNECT, (uint64_t)made, (uintptr_t)&address,
				 sizeof(address), 0, 0, 0) < 0) {
		linux_call(LINUX_CLOSE, (uint64_t)made, 0, 0, 0, 0, 0);
		made = -1;
	}
	return (int)made;
}

struct vtest *vtest_connect(const char *path, const char *name)
{
	struct vtest *vtest = calloc(1, sizeof(*vtest));
	uint32_t length = (uint32_t)strlen(name) + 1;
	if (!vtest) {
		return NULL;
	}
	vtest->socket = open_socket(path);
	if (vtest->socket >= 0 && send(vtest, VCMD_CREATE_RENDERER, length, name, length) &&
		negotiate(vtest) && read_capset(vtest)) {
		return vtest;
	}
	vtest_close(vtest);
	return NULL;
}

void vtest_close(struct vtest *vtest)
{
	if (vtest) {
		if (vtest->socket >= 0) {
			linux_call(LINUX_CLOSE, (uint64_t)vtest->socket, 0, 0, 0, 0, 0);
		}
		free(vtest->capset);
		free(vtest);
	}
}

bool vtest_is_broken(const struct vtest *vtest)
{
	return vtest->broken;
}

const void *vtest_capset(const struct vtest *vtest, uint32_t *size)
{
	*size = vtest->capset_size;
	return vtest->capset;
}

static uint64_t level_size(const struct virtio_gpu_resource_create_3d *args, uint32_t level)
{
	uint64_t width = args->width >> level, height = args->height >> level;
	uint64_t depth = args->depth >> level;
	return (width ? width : 1) * (height ? height : 1) * (depth ? depth : 1);
}

uint64_t vtest_most_memory(const struct virtio_gpu_resource_create_3d *args)
{
	uint64_t layers = args->array_size ? args->array_size : 1, size = 0;
	if (args->target == PIPE_BUFFER) {
		size = args->width;
	} else if (args->nr_samples <= 1) {
		for (uint32_t level = 0; level <= args->last_level && level < 16; level++) {
			size += level_size(args, level) * layers * BLOCK_BYTES;
		}
	}
	size = (size + PAGE - 1) & ~(PAGE - 1);
	return size < SHARED_MAX ? size : SHARED_MAX;
}

/*
 * virglrenderer makes a texture in whichever GL context is current, where it then has unbound
 * what was bound to the active unit, so that draws of the guest lose their texture. QEMU makes
 * its own context current before each command. vtest has no words for that; a sub-context that
 * no guest draws in, and which a guest leaves by SET_SUB_CTX before it draws, does as well.
 */
static bool leave_guest_state(struct vtest *vtest)
{
	static const uint32_t commands[] = {VIRGL_CMD0(VIRGL_CCMD_SET_SUB_CTX, 0, 1), 0};
	return vtest_submit(vtest, commands, sizeof(commands));
}

bool vtest_resource_create(struct vtest *vtest,
	const struct virtio_gpu_resource_create_3d *args, uint32_t size, int *fd)
{
	const uint32_t arguments[] = {
		args->resource_id,
		args->target,
		args->format,
		args->bind,
		args->width,
		args->height,
		args->depth,
		args->array_size,
		args->last_level,
		args->nr_samples,
		size,
	};
	*fd = -1;
	if (args->target != PIPE_BUFFER && !leave_guest_state(vtest)) {
		return false;
	}
	if (!take_answer(vtest) || !send_dwords(vtest, VCMD_RESOURCE_CREATE2, arguments,
					   sizeof(arguments) / sizeof(arguments[0]))) {
		return false;
	}
	if (size) {
		*fd = receive_fd(vtest);
	}
	return !vtest->broken;
}

bool vtest_resource_unref(struct vtest *vtest, uint32_t resource_id)
{
	return send_dwords(vtest, VCMD_RESOURCE_UNREF, &resource_id, 1);
}

static bool transfer_box(
	struct vtest *vtest, const struct virtio_gpu_transfer_host_3d *args, bool to_host)
{
	const uint32_t arguments[] = {
		args->resource_id,
		args->level,
		args->box.x,
		args->box.y,
		args->box.z,
		args->box.w,
		args->box.h,
		args->box.d,
		0, /* bytes that follow: none, they are in the memory */
		(uint32_t)args->offset,
	};
	vtest->sent++;
	return send_dwords(vtest, to_host ? VCMD_TRANSFER_PUT2 : VCMD_TRANSFER_GET2, arguments,
		sizeof(arguments) / sizeof(arguments[0]));
}

/* vtest cannot say strides: then each row is a transfer of its own. */
bool vtest_transfer(
	struct vtest *vtest, const struct virtio_gpu_transfer_host_3d *args, bool to_host)
{
	struct virtio_gpu_transfer_host_3d row = *args;
	bool sent = true;

	if (!args->stride && !args->layer_stride) {
		return transfer_box(vtest, args, to_host);
	}
	row.box.h = row.box.d = 1;
	for (uint32_t z = 0; sent && z < args->box.d; z++) {
		for (uint32_t y = 0; sent && y < args->box.h; y++) {
			row.box.y = args->box.y + y;
			row.box.z = args->box.z + z;
			row.offset = args->offset + (uint64_t)z * args->layer_stride +
				     (uint64_t)y * args->stride;
			sent = transfer_box(vtest, &row, to_host);
		}
	}
	return sent;
}

bool vtest_submit(struct vtest *vtest, const void *commands, uint32_t size)
{
	vtest->sent++;
	return send(vtest, VCMD_SUBMIT_CMD, size / 4, commands, size);
}

uint64_t vtest_sent(const struct vtest *vtest)
{
	return vtest->sent;
}

uint64_t vtest_done(const struct vtest *vtest)
{
	return vtest->done;
}

bool vtest_ask(struct vtest *vtest)
{
	static const uint32_t arguments[2] = {0, BUSY_WAIT_FLAG_WAIT};
	if (!vtest->asked && vtest->done < vtest->sent &&
		send_dwords(vtest, VCMD_RESOURCE_BUSY_WAIT, arguments, 2)) {
		vtest->asked = vtest->sent;
	}
	return !vtest->broken;
}

bool vtest_is_done(struct vtest *vtest, uint64_t number, bool wait)
{
	if (vtest->asked && !wait && vtest->done < number && has_answer(vtest)) {
		take_answer(vtest);
	}
	while (wait && vtest->done < number && vtest_ask(vtest)) {
		take_answer(vtest);
	}
	return vtest->done >= number && !vtest->broken;
}

bool vtest_wait(struct vtest *vtest)
{
	return vtest_is_done(vtest, vtest->sent, true);
}
