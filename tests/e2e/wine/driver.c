/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include "device_model.h"
#include "dispatch.h"
#include "dispatch_2017.h"
#include "vtest_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static struct vgt_gpu *gpu; /* NULL: there is no device */
static struct vgt_dm *model;
static struct vtest_device *device;
static struct vgt_platform platform;
static const struct driver_mapper *mapper; /* NULL: clients are of this process */
static unsigned long lost_at, reset_at;    /* number of a request; 0: never */
static volatile LONG requests;

/* Memory that may not be there */

/* Where a thread goes on that copies, after an access violation; NULL: it does not. */
static __thread void *volatile *on_fault;

static __attribute__((noreturn)) void go_on(void)
{
	void *volatile *place = on_fault;
	on_fault = NULL;
	__builtin_longjmp((void **)place, 1);
}

static LONG CALLBACK catch_fault(EXCEPTION_POINTERS *exception)
{
	if (!on_fault ||
		exception->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION) {
		return EXCEPTION_CONTINUE_SEARCH;
	}
	/* as if go_on() had been called, out of reach of what the copying has on the stack */
	exception->ContextRecord->Rip = (uintptr_t)go_on;
	exception->ContextRecord->Rsp =
		((exception->ContextRecord->Rsp - 512) & ~UINT64_C(15)) - sizeof(void *);
	return EXCEPTION_CONTINUE_EXECUTION;
}

__attribute__((noinline)) bool driver_copy(void *to, const void *from, size_t size)
{
	void *place[5];
	if (__builtin_setjmp(place)) {
		return false;
	}
	on_fault = place;
	__asm__ volatile("" ::: "memory");
	memcpy(to, from, size);
	__asm__ volatile("" ::: "memory");
	on_fault = NULL;
	return true;
}

static bool copy_in(void *self, void *caller, void *to, uint64_t from, size_t size)
{
	(void)self, (void)caller;
	return driver_copy(to, (const void *)(uintptr_t)from, size);
}

static bool copy_out(void *self, void *caller, uint64_t to, const void *from, size_t size)
{
	(void)self, (void)caller;
	return driver_copy((void *)(uintptr_t)to, from, size);
}

static bool map(void *self, void *caller, const struct vgt_dma *dma, uint64_t *address)
{
	int fd = vtest_device_file(device, dma->address);
	(void)self;
	return fd >= 0 && mapper->map(caller, fd, dma->size, address);
}

static void unmap(void *self, void *caller, const struct vgt_dma *dma, uint64_t address)
{
	(void)self, (void)dma;
	mapper->unmap(caller, address);
}

/* The device */

/* 0: there is no such variable. */
static unsigned long number_of(const char *variable)
{
	const char *text = getenv(variable);
	return text ? strtoul(text, NULL, 10) : 0;
}

static void plan_trouble(void)
{
	lost_at = number_of("VGT_DEVICE_LOST_AT");
	reset_at = number_of("VGT_DEVICE_RESET_AT");
	if (getenv("VGT_READS_REFUSED")) {
		vgt_dm_plant(model, VGT_DM_REFUSED,
			&(struct vgt_dm_plan){
				.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
				.skip = number_of("VGT_READS_REFUSED"),
				.count = UINT32_MAX,
				.value = VIRTIO_GPU_RESP_ERR_UNSPEC,
			});
	}
}

static BOOL CALLBACK open_device(PINIT_ONCE once_, PVOID parameter, PVOID *context)
{
	const char *path = getenv("VGT_VTEST_SOCKET");
	enum vgt_escape_status status;

	(void)once_, (void)context;
	device = path ? vtest_device_create(path) : NULL;
	if (!device) {
		fprintf(stderr, "gdi32: no vtest server at %s\n",
			path ? path : "VGT_VTEST_SOCKET");
		return TRUE;
	}
	struct vgt_dm_executor executor = vtest_device_executor(device);
	model = vgt_dm_create(&(struct vgt_dm_options){.eager = true, .executor = &executor});
	plan_trouble();
	AddVectoredExceptionHandler(TRUE, catch_fault);
	platform = *vgt_dm_platform(model);
	platform.copy_in = copy_in;
	platform.copy_out = copy_out;
	mapper = parameter;
	if (mapper) {
		platform.map = map;
		platform.unmap = unmap;
	}
	gpu = vgt_gpu_open(&platform, NULL, &status);
	if (!gpu) {
		fprintf(stderr, "gdi32: the driver core did not open: status %d\n", status);
	}
	return TRUE;
}

struct vgt_client *driver_open_client(const struct driver_mapper *mapper_, void *caller)
{
	enum vgt_escape_status status;
	InitOnceExecuteOnce(&once, open_device, (PVOID)(uintptr_t)mapper_, NULL);
	return gpu ? vgt_client_open(gpu, caller, &status) : NULL;
}

void driver_close_client(struct vgt_client *client)
{
	vgt_client_close(client);
}

bool driver_dispatch(struct vgt_client *client, const void *request, uint32_t size,
	enum vgt_escape_status *status)
{
	struct vgt_escape_header header = {.magic = 0};
	bool is_whole = size >= sizeof(header) && driver_copy(&header, request, sizeof(header));

	unsigned long number = (unsigned long)InterlockedIncrement(&requests);
	if (number == lost_at) {
		vgt_dm_vanish(model);
	} else if (number == reset_at) {
		vgt_dm_ask_reset(model);
	}
	/* A device works while nobody waits for it; this one has no thread of its own, so who
	   only asks whether it is done gives it the time. */
	if (header.request == VGT_ESCAPE_FENCE_QUERY ||
		header.request == VGT_ESCAPE_RESOURCE_BUSY) {
		vgt_dm_step(model);
	}
	*status = vgt_dispatch(client, (uintptr_t)request, size);
	return is_whole && *status != VGT_ESCAPE_BAD_ADDRESS &&
	       !vgt_is_request_2017(header.magic);
}

void driver_tell_violations(void)
{
	const char *violation;

	for (uint32_t i = 0; model && (violation = vgt_dm_violation(model, i)) != NULL; i++) {
		fprintf(stderr, "gdi32: driver core: %s\n", violation);
	}
}
