/* SPDX-License-Identifier: MIT */
#include "vgt_device.h"

#include "capture_facts.h"
#include "capture_start.h"
#include "vgt_capture.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A buffer for commands that is larger than this is not kept. */
#define BUFFER_KEPT (1u << 20)

struct vgt_device {
	struct vgt_device_options options;
	char *vmm;
	struct vgt_device *next; /* of all devices */

	struct vgt_capture *capture; /* NULL: nothing is recorded */
	char *name; /* of its trace; before the device is ready, of that to be */
	bool ready;
	bool initialised;
	struct capture_facts renderer;
	enum capture_offer offer;
	struct vgt_capsets weaker; /* LESS: the guest is offered no more */

	bool live;        /* the guest has made something since the last reset */
	bool reset;       /* and no command since */
	uint64_t command; /* number of the one that executes, or VGT_NO_COMMAND */
	bool creates;     /* a context or resource, if it succeeds */
	bool answers;     /* the virglrenderer function for it returns something */
	struct virtio_gpu_transfer_host_3d readback; /* where it is one; hdr.type 0 elsewhere */
	uint8_t *buffer;
	size_t room;
};

/* All devices, for the end of the process. */
static struct vgt_device *devices;
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((destructor)) static void end_all(void)
{
	pthread_mutex_lock(&devices_lock);
	for (struct vgt_device *device = devices; device; device = device->next) {
		vgt_capture_end(device->capture, NULL);
	}
	pthread_mutex_unlock(&devices_lock);
}

struct vgt_device *vgt_device_create(const struct vgt_device_options *options)
{
	struct vgt_device *device = calloc(1, sizeof(*device));
	if (!device) {
		return NULL;
	}
	device->options = *options;
	device->command = VGT_NO_COMMAND;
	device->vmm = strdup(options->vmm);
	if (!device->vmm) {
		free(device);
		return NULL;
	}
	pthread_mutex_lock(&devices_lock);
	device->next = devices;
	devices = device;
	pthread_mutex_unlock(&devices_lock);
	return device;
}

/* Starting and stopping */

static void record_facts(struct vgt_device *device)
{
	struct capture_facts facts = {0};
	char producer[256];
	snprintf(
		producer, sizeof(producer), "%s with vgt-capture %s", device->vmm, VGT_VERSION);
	capture_facts_add_process(&facts, producer, *(void **)&device->options.get_cap_set);
	capture_facts_put(&facts, device->capture);
	capture_facts_finish(&facts);
	if (device->initialised) {
		capture_facts_put(&device->renderer, device->capture);
	}
}

static bool stop(struct vgt_device *device, struct vgt_err *err)
{
	struct vgt_capture *capture = device->capture;
	device->capture = NULL;
	device->command = VGT_NO_COMMAND;
	free(device->name);
	device->name = NULL;
	return vgt_capture_destroy(capture, err);
}

static void on_message(void *opaque, const char *text)
{
	const struct vgt_device *device = opaque;
	device->options.warn("virtio-gpu: recording stopped: %s", text);
}

/* Another descriptor for what `fd:N` names, since that stays whose it is; -1 where it cannot
 * be. */
static int open_named(const char *number, struct vgt_err *err)
{
	char *end;
	const long fd = strtol(number, &end, 10);
	if (*number < '0' || *number > '9' || *end != '\0' || fd > INT_MAX) {
		vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "not a descriptor");
		return -1;
	}
	struct stat status;
	if (fstat((int)fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size != 0) {
		vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "the file is not empty");
		return -1;
	}
	const int own = fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0) {
		vgt_err_system(err, errno, "descriptor %ld", fd);
	}
	return own;
}

/* `name` NULL: as the environment says. */
static struct vgt_capture *create(struct vgt_device *device, const char *name,
	char path[CAPTURE_PATH_MAX], struct vgt_err *err)
{
	struct vgt_capture_options options = {
		.path = name,
		.message = on_message,
		.opaque = device,
	};
	capture_options_from_environment(&options);
	if (!name) {
		return capture_start_from_environment(options, path, err);
	}
	snprintf(path, CAPTURE_PATH_MAX, "%s", name);
	if (strncmp(name, "fd:", 3) == 0) {
		options.path = NULL;
		options.fd = open_named(name + 3, err);
		if (options.fd < 0) {
			return NULL;
		}
	}
	return vgt_capture_create(&options, err);
}

static bool start(struct vgt_device *device, const char *name, struct vgt_err *err)
{
	char path[CAPTURE_PATH_MAX];
	struct vgt_err why = {.code = VGT_ERR_SYSTEM, .message = "no memory to record"};
	if (device->live) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"the guest has contexts or resources, a trace that starts here could "
			"not be replayed: reset the guest, and start before its driver does");
	}
	struct vgt_capture *capture = create(device, name, path, &why);
	char *own_name = capture ? strdup(path) : NULL;
	if (!own_name) {
		vgt_capture_destroy(capture, NULL);
		return vgt_err_set(err, why.code, VGT_NO_OFFSET, "%s: %s", path, why.message);
	}
	stop(device, NULL);
	device->capture = capture;
	device->name = own_name;
	record_facts(device);
	void (*stand_aside)(void);
	*(void **)&stand_aside = dlsym(RTLD_DEFAULT, "vgt_preload_stand_aside");
	if (stand_aside) {
		stand_aside(); /* the interposer would record it all a second time */
	}
	return true;
}

bool vgt_device_ready(struct vgt_device *device, struct vgt_err *err)
{
	const char *file = getenv("VGT_CAPTURE_FILE");
	if (!device) {
		return true;
	}
	device->offer = capture_offer_from_environment(&device->weaker, err);
	if (device->offer == CAPTURE_OFFER_UNKNOWN) {
		return false;
	}
	device->ready = true;
	char *name = device->name;
	device->name = NULL;
	bool asked = name ? *name != '\0' : file && *file;
	bool good = !asked || start(device, name, err);
	free(name);
	return good;
}

static bool set_capture(struct vgt_device *device, const char *name, struct vgt_err *err)
{
	if (device->ready) {
		return *name ? start(device, name, err) : stop(device, err);
	}
	free(device->name);
	device->name = strdup(name);
	return device->name ||
	       vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory to record");
}

bool vgt_device_set(
	struct vgt_device *device, const char *property, const char *value, struct vgt_err *err)
{
	if (!device) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory to record");
	}
	if (strcmp(property, "capture") == 0) {
		return set_capture(device, value, err);
	}
	if (strcmp(property, "capture-mark") != 0) {
		return vgt_err_set(
			err, VGT_ERR_USAGE, VGT_NO_OFFSET, "cannot be set: %s", property);
	}
	if (!vgt_capture_is_recording(device->capture)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "nothing is recorded");
	}
	vgt_capture_mark(device->capture, value);
	return true;
}

void vgt_device_get(
	const struct vgt_device *device, const char *property, char *value, size_t size)
{
	value[0] = '\0';
	if (!device || !vgt_capture_is_recording(device->capture)) {
		return;
	}
	if (strcmp(property, "capture") == 0) {
		snprintf(value, size, "%s", device->name);
	} else if (strcmp(property, "capture-stats") == 0) {
		const struct vgt_capture_progress progress =
			vgt_capture_progress(device->capture);
		snprintf(value, size,
			"frames=%" PRIu64 " commands=%" PRIu64 " stream-bytes=%" PRIu64
			" file-bytes=%" PRIu64 " waits=%" PRIu64 " waited-ns=%" PRIu64,
			progress.frames, progress.commands, progress.stream_size,
			progress.written, progress.stalls, progress.stall_ns);
	}
}

void vgt_device_destroy(struct vgt_device *device)
{
	if (!device) {
		return;
	}
	pthread_mutex_lock(&devices_lock);
	struct vgt_device **at = &devices;
	while (*at != device) {
		at = &(*at)->next;
	}
	*at = device->next;
	pthread_mutex_unlock(&devices_lock);
	if (device->initialised) {
		vgt_capture_reset(device->capture, VGT_RESET_CLEANUP);
	}
	stop(device, NULL);
	capture_facts_finish(&device->renderer);
	vgt_capsets_finish(&device->weaker);
	free(device->buffer);
	free(device->vmm);
	free(device);
}

void vgt_device_initialised(struct vgt_device *device, int flags, int callbacks_version)
{
	if (!device || device->initialised) {
		return;
	}
	/* kept, for a recording may start when no context is current */
	capture_facts_finish(&device->renderer);
	capture_facts_add_init(&device->renderer, flags, callbacks_version);
	capture_facts_add_gl(&device->renderer);
	capture_facts_add_capsets(&device->renderer,
		device->offer == CAPTURE_OFFER_LESS ? &device->weaker : NULL,
		device->options.get_cap_set, device->options.fill_caps);
	device->initialised = true;
	capture_facts_put(&device->renderer, device->capture);
}

/* Commands */

/* Bytes [offset, offset + size) of what the guest sent; returns how many there are. */
static size_t iov_copy(
	const struct iovec *iov, size_t count, uint64_t offset, void *out, size_t size)
{
	size_t copied = 0;
	for (size_t i = 0; i < count && copied < size; i++) {
		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		size_t part = iov[i].iov_len - offset;
		part = part < size - copied ? part : size - copied;
		memcpy((char *)out + copied, (const char *)iov[i].iov_base + offset, part);
		copied += part;
		offset = 0;
	}
	return copied;
}

static uint64_t iov_size(const struct iovec *iov, size_t count)
{
	uint64_t size = 0;
	for (size_t i = 0; i < count; i++) {
		size += iov[i].iov_len;
	}
	return size;
}

static bool make_room(struct vgt_device *device, size_t size)
{
	if (size > device->room) {
		free(device->buffer);
		device->buffer = malloc(size);
		device->room = device->buffer ? size : 0;
	}
	return size <= device->room;
}

/* What matters of a command's type. */
static void note_type(struct vgt_device *device, uint32_t type)
{
	device->creates = false;
	device->answers = false;
	switch (type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		device->creates = true;
		device->answers = true;
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
	case VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB:
	case VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB:
		device->answers = true;
		break;
	default:
		break;
	}
}

/*
 * Copies a command into the buffer, once: the guest may change it meanwhile. Returns its size,
 * or 0 where it is none, with the first VGT_BAD_MAX bytes in the buffer.
 */
static size_t copy_command(struct vgt_device *device, uint32_t type, const struct iovec *iov,
	size_t count, uint64_t sent)
{
	struct virtio_gpu_ctrl_hdr *hdr = (void *)device->buffer;
	size_t have = iov_copy(iov, count, 0, hdr, VGT_BAD_MAX);
	if (have < sizeof(*hdr) || type > UINT16_MAX ||
		!vgt_record_is_command((uint16_t)type)) {
		return 0;
	}
	hdr->type = type; /* as it was read first */
	size_t structure = vgt_record_structure_size((uint16_t)type);
	if (have < structure) {
		return 0;
	}
	/* what the device takes for padding */
	struct virtio_gpu_cmd_submit *submit = (void *)hdr;
	uint32_t fences = submit->num_in_fences;
	if (type == VIRTIO_GPU_CMD_SUBMIT_3D) {
		submit->num_in_fences = 0;
	} else if (type == VIRTIO_GPU_CMD_CTX_CREATE && !device->options.context_init) {
		((struct virtio_gpu_ctx_create *)hdr)->context_init = 0;
	}
	if (!vgt_command_data_fits(hdr, sent - structure)) {
		if (type == VIRTIO_GPU_CMD_SUBMIT_3D) {
			submit->num_in_fences = fences;
		}
		return 0;
	}
	uint64_t size = vgt_command_size(hdr);
	if (size <= have) {
		/* nobody knows where an unknown command ends */
		return vgt_record_desc((uint16_t)type) ? size : have;
	}
	if (size > VGT_RECORD_MAX / 2) {
		vgt_capture_stop(device->capture, "a command too large for a trace");
		return 0;
	}
	uint8_t kept[VGT_BAD_MAX];
	memcpy(kept, hdr, have);
	if (!make_room(device, size)) {
		vgt_capture_stop(device->capture, "no memory for a command");
		return 0;
	}
	memcpy(device->buffer, kept, have);
	have += iov_copy(iov, count, have, device->buffer + have, size - have);
	return have == size ? size : 0;
}

/* Records what the guest sent; returns the command's number, or VGT_NO_COMMAND. */
static uint64_t record_command(struct vgt_device *device, uint32_t type, bool is_command,
	const struct iovec *iov, size_t count)
{
	const uint64_t sent = iov_size(iov, count);
	if (!make_room(device, VGT_BAD_MAX)) {
		return VGT_NO_COMMAND;
	}
	size_t size = copy_command(device, type, iov, count, sent);
	if (!size || !is_command) {
		vgt_capture_bad_command(device->capture, device->buffer, sent);
		return VGT_NO_COMMAND;
	}
	const struct virtio_gpu_ctrl_hdr *hdr = (void *)device->buffer;
	size_t structure = vgt_record_structure_size((uint16_t)type);
	uint64_t number = vgt_capture_command(device->capture, hdr, structure,
		device->buffer + structure, size - structure, 0);
	if (type == VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D) {
		memcpy(&device->readback, hdr, sizeof(device->readback));
	}
	if (device->room > BUFFER_KEPT) {
		free(device->buffer);
		device->buffer = NULL;
		device->room = 0;
	}
	return number;
}

void vgt_device_command(struct vgt_device *device, const struct iovec *iov, size_t count)
{
	uint32_t type = 0;
	if (!device) {
		return;
	}
	iov_copy(iov, count, 0, &type, sizeof(type));
	note_type(device, type);
	device->reset = false;
	device->command = VGT_NO_COMMAND;
	device->readback.hdr.type = 0;
	if (vgt_capture_is_recording(device->capture)) {
		device->command = record_command(device, type, true, iov, count);
	}
}

void vgt_device_cursor(struct vgt_device *device, const struct iovec *iov, size_t count)
{
	uint32_t type = 0;
	if (device && vgt_capture_is_recording(device->capture)) {
		iov_copy(iov, count, 0, &type, sizeof(type));
		record_command(device, type,
			type == VIRTIO_GPU_CMD_UPDATE_CURSOR ||
				type == VIRTIO_GPU_CMD_MOVE_CURSOR,
			iov, count);
	}
}

void vgt_device_offer(struct vgt_device *device, uint32_t capset_id, uint32_t *version,
	uint32_t *size, void *bytes)
{
	if (device && device->offer == CAPTURE_OFFER_LESS) {
		vgt_capsets_mask(&device->weaker, capset_id, version, size, bytes);
	}
}

void vgt_device_answer(struct vgt_device *device, const void *bytes, size_t size)
{
	if (device) {
		vgt_capture_answer(device->capture, device->command, bytes, size);
	}
}

void vgt_device_backing(
	struct vgt_device *device, uint32_t resource_id, const struct iovec *iov, size_t count)
{
	if (device) {
		vgt_capture_backing(device->capture, resource_id, iov, count);
	}
}

void vgt_device_done(struct vgt_device *device, int result, uint32_t error)
{
	if (!device) {
		return;
	}
	device->live |= device->creates && !error && !result;
	if (device->command == VGT_NO_COMMAND) {
		return;
	}
	if (error && !result) {
		vgt_capture_refused(device->capture, device->command, error);
	} else if (device->answers) {
		vgt_capture_response(device->capture, device->command, result);
		if (device->readback.hdr.type && !result) {
			vgt_capture_readback(
				device->capture, device->command, &device->readback, NULL, 0);
		}
	}
	device->command = VGT_NO_COMMAND;
}

/* Fences, reset */

void vgt_device_fence_created(struct vgt_device *device, uint32_t ctx_id, uint64_t fence_id)
{
	if (device) {
		const struct vgt_fence fence = {
			.event = VGT_FENCE_CREATED,
			.scope = VGT_FENCE_GLOBAL,
			.ctx_id = ctx_id,
			.fence_id = fence_id,
		};
		vgt_capture_fence(device->capture, &fence);
	}
}

void vgt_device_context_fence_created(struct vgt_device *device, uint32_t ctx_id,
	uint32_t flags, uint32_t ring_idx, uint64_t fence_id)
{
	if (device) {
		const struct vgt_fence fence = {
			.event = VGT_FENCE_CREATED,
			.scope = VGT_FENCE_CONTEXT,
			.ctx_id = ctx_id,
			.ring_idx = ring_idx,
			.flags = flags,
			.fence_id = fence_id,
		};
		vgt_capture_fence(device->capture, &fence);
	}
}

void vgt_device_poll(struct vgt_device *device)
{
	if (device) {
		vgt_capture_poll(device->capture, 0);
	}
}

/* Fences of before a reset may still retire behind it; on the trace they are gone. */
static void fence_retired(struct vgt_device *device, const struct vgt_fence *fence)
{
	if (device && !device->reset) {
		vgt_capture_fence(device->capture, fence);
	}
}

void vgt_device_fence_retired(struct vgt_device *device, uint64_t fence_id)
{
	const struct vgt_fence fence = {
		.event = VGT_FENCE_RETIRED,
		.scope = VGT_FENCE_GLOBAL,
		.fence_id = fence_id,
	};
	fence_retired(device, &fence);
}

void vgt_device_context_fence_retired(
	struct vgt_device *device, uint32_t ctx_id, uint32_t ring_idx, uint64_t fence_id)
{
	const struct vgt_fence fence = {
		.event = VGT_FENCE_RETIRED,
		.scope = VGT_FENCE_CONTEXT,
		.ctx_id = ctx_id,
		.ring_idx = ring_idx,
		.fence_id = fence_id,
	};
	fence_retired(device, &fence);
}

void vgt_device_reset(struct vgt_device *device)
{
	if (device) {
		device->live = false;
		device->reset = true;
		vgt_capture_reset(device->capture, VGT_RESET_DEVICE);
	}
}
