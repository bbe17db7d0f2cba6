/* SPDX-License-Identifier: MIT */
/*
 * hostile FRAMES [alone|wrong|own]: a well-behaved client, Mesa's ICD, draws FRAMES pictures in
 * a window, while another thread, by an open file of the escape driver's device that is a
 * client of its own, asks for what no driver may give. What each request must be answered with
 * is in ESCAPE.md; others are told on stderr, and the exit status is 1. The hostile one goes
 * through all of its cases at least once while pictures are drawn.
 *
 * alone: nobody is hostile. Controls: wrong: one case expects what is not so; own: what the
 * hostile one destroys is the well-behaved client's own context, by its own transport.
 */
#include <windows.h>

#include <GL/gl.h>
#include <cfgmgr32.h>
#include <winioctl.h>

#include "../../../guest-icd/icd/d3dkmt.h"
#include "vgt_escape.h"
#include "vgt_escape_windows.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH  320
#define HEIGHT 240

/* Instead of a status: the system's error, the ABI has no answer. */
#define SYSTEM 0x10000
#define INDEX  0x3fffu /* of a handle, the place in its client's table */

#define OTHERS_CONTEXTS  2
#define OTHERS_RESOURCES 9

static const char *const status_names[] = {"OK", "PENDING", "TIMED_OUT", "BAD_REQUEST",
	"BAD_VERSION", "UNKNOWN_REQUEST", "BUFFER_TOO_SMALL", "BAD_ADDRESS", "BAD_HANDLE",
	"BAD_PARAMETER", "BAD_STATE", "OVER_LIMIT", "NO_MEMORY", "BUSY", "HOST_ERROR",
	"HOST_INVALID", "DEVICE_LOST", "UNSUPPORTED"};

static int cases, rounds, wrong; /* the hostile thread's */
static atomic_int progress;      /* cases so far, of all rounds */
static atomic_bool drawn;        /* all pictures are */
static HANDLE mine, others;      /* files: the hostile client's, and one that it robs */
static uint32_t my_ctx, my_resource, others_ctx, others_resource;

static const char *name_of(int status, char *text)
{
	if (status >= 0 && status < (int)(sizeof(status_names) / sizeof(*status_names))) {
		return status_names[status];
	}
	sprintf(text, status & SYSTEM ? "error %d of the system" : "status %d",
		status & ~SYSTEM);
	return text;
}

static void tell(const char *what, const char *expected, const char *seen)
{
	cases += rounds == 0;
	atomic_fetch_add(&progress, 1);
	if (strcmp(expected, seen) != 0) {
		wrong++;
		fprintf(stderr, "hostile: %s: %s expected, %s seen\n", what, expected, seen);
	}
}

static void expect(const char *what, int expected, int seen)
{
	char texts[2][64];
	tell(what, name_of(expected, texts[0]), name_of(seen, texts[1]));
}

static void expect_number(const char *what, uint64_t expected, uint64_t seen)
{
	char texts[2][32];
	sprintf(texts[0], "%llu", expected);
	sprintf(texts[1], "%llu", seen);
	tell(what, texts[0], texts[1]);
}

/* Requests */

static int control(HANDLE file, void *in, uint32_t in_size, void *out, uint32_t out_size)
{
	DWORD written;
	return DeviceIoControl(
		       file, VGT_ESCAPE_IOCTL, in, in_size, out, out_size, &written, NULL)
		       ? 0
		       : SYSTEM | (int)GetLastError();
}

static void fill_header(void *request, uint16_t number, uint32_t size)
{
	*(struct vgt_escape_header *)request = (struct vgt_escape_header){
		.magic = VGT_ESCAPE_MAGIC,
		.version = VGT_ESCAPE_VERSION,
		.request = number,
		.size = size,
		.status = UINT32_MAX,
	};
}

/* As it is. */
static int send_raw(HANDLE file, void *request, uint32_t size)
{
	int error = control(file, request, size, request, size);
	return error ? error : (int)((const struct vgt_escape_header *)request)->status;
}

static int send_sized(HANDLE file, uint16_t number, void *request, uint32_t size)
{
	fill_header(request, number, size);
	return send_raw(file, request, size);
}

#define SEND(file, request, structure) \
	send_sized(file, VGT_ESCAPE_##request, &(structure), sizeof(structure))

static int on_resource(uint16_t number, uint32_t resource)
{
	struct vgt_escape_resource request = {.resource = resource};
	return send_sized(mine, number, &request, sizeof(request));
}

static uint32_t make_resource(HANDLE file)
{
	struct vgt_escape_resource_create_3d create = {
		.format = 64, /* R8_UNORM, a buffer of bytes */
		.width = 4096,
		.height = 1,
		.depth = 1,
		.array_size = 1,
	};
	return SEND(file, RESOURCE_CREATE_3D, create) == VGT_ESCAPE_OK ? create.resource : 0;
}

static uint32_t make_context(HANDLE file)
{
	struct vgt_escape_ctx_create create = {.capset_id = 0};
	return SEND(file, CTX_CREATE, create) == VGT_ESCAPE_OK ? create.ctx : 0;
}

/* A submit with what its header says, and `size` bytes behind it; the first is `handle`. */
static int submit(uint32_t ctx, uint32_t count, uint32_t bytes, uint32_t handle, uint32_t size)
{
	const uint32_t all = (uint32_t)sizeof(struct vgt_escape_submit_3d) + size;
	struct vgt_escape_submit_3d *request = calloc(1, all);
	*request = (struct vgt_escape_submit_3d){
		.ctx = ctx, .num_resources = count, .commands_size = bytes};
	if (size) {
		*(uint32_t *)(request + 1) = handle;
	}
	int status = send_sized(mine, VGT_ESCAPE_SUBMIT_3D, request, all);
	free(request);
	return status;
}

static int transfer(uint32_t ctx, uint32_t resource, uint64_t offset)
{
	struct vgt_escape_transfer_3d request = {
		.ctx = ctx, .resource = resource, .w = 1, .h = 1, .d = 1, .offset = offset};
	return SEND(mine, TRANSFER_TO_HOST_3D, request);
}

static int attach_backing(uint32_t resource, uint64_t size)
{
	struct vgt_escape_attach_backing request = {.resource = resource, .size = size};
	return SEND(mine, RESOURCE_ATTACH_BACKING, request);
}

static int map(uint32_t resource)
{
	struct vgt_escape_resource_map request = {.resource = resource};
	return SEND(mine, RESOURCE_MAP, request);
}

static int destroy_context(uint32_t ctx)
{
	struct vgt_escape_ctx_destroy request = {.ctx = ctx};
	return SEND(mine, CTX_DESTROY, request);
}

static int wait_fence(uint16_t number, uint64_t wanted, uint64_t timeout_ns)
{
	struct vgt_escape_fence request = {.wanted = wanted, .timeout_ns = timeout_ns};
	return send_sized(mine, number, &request, sizeof(request));
}

/* The cases */

static void garbage_headers(void)
{
	struct vgt_escape_get_statistics request = {.header = {.magic = 0}};
	const struct {
		const char *what;
		size_t at;
		uint32_t value;
		int expected;
	} tries[] = {
		{"magic of 0xffffffff", offsetof(struct vgt_escape_header, magic), UINT32_MAX,
			VGT_ESCAPE_BAD_REQUEST},
		{"version 99", offsetof(struct vgt_escape_header, version),
			VGT_ESCAPE_GET_STATISTICS << 16 | 99, VGT_ESCAPE_BAD_VERSION},
		{"request 0", offsetof(struct vgt_escape_header, version), VGT_ESCAPE_VERSION,
			VGT_ESCAPE_UNKNOWN_REQUEST},
		{"request 65535", offsetof(struct vgt_escape_header, version),
			0xffff0000u | VGT_ESCAPE_VERSION, VGT_ESCAPE_UNKNOWN_REQUEST},
		{"size of 0xffffffff", offsetof(struct vgt_escape_header, size), UINT32_MAX,
			VGT_ESCAPE_BAD_REQUEST},
		{"size of 0", offsetof(struct vgt_escape_header, size), 0,
			VGT_ESCAPE_BAD_REQUEST},
		{"all flags", offsetof(struct vgt_escape_header, flags), UINT32_MAX,
			VGT_ESCAPE_BAD_REQUEST},
		{"a fence where none is", offsetof(struct vgt_escape_header, flags),
			VGT_ESCAPE_FLAG_FENCE, VGT_ESCAPE_BAD_REQUEST},
	};
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		fill_header(&request, VGT_ESCAPE_GET_STATISTICS, sizeof(request));
		memcpy((uint8_t *)&request + tries[i].at, &tries[i].value, 4);
		expect(tries[i].what, tries[i].expected,
			send_raw(mine, &request, sizeof(request)));
	}
	struct vgt_escape_resource reserved = {.resource = my_resource, .reserved = 1};
	expect("a reserved field", VGT_ESCAPE_BAD_REQUEST,
		SEND(mine, RESOURCE_UNMAP, reserved));
}

static void truncated_buffers(void)
{
	struct vgt_escape_submit_3d request = {.ctx = my_ctx};
	struct vgt_escape_get_capset capset = {.capset_id = 2};

	for (uint32_t size = 0; size < sizeof(request); size += 4) {
		fill_header(&request, VGT_ESCAPE_SUBMIT_3D, sizeof(request));
		expect("a buffer that ends too early",
			size < sizeof(struct vgt_escape_header)
				? SYSTEM | ERROR_INVALID_PARAMETER
				: VGT_ESCAPE_BAD_REQUEST,
			send_raw(mine, &request, size));
	}
	expect("a capset without room", VGT_ESCAPE_BUFFER_TOO_SMALL,
		SEND(mine, GET_CAPSET, capset));
	fill_header(&request, VGT_ESCAPE_SUBMIT_3D, sizeof(request));
	expect("less out than in", SYSTEM | ERROR_INVALID_PARAMETER,
		control(mine, &request, sizeof(request), &request, 32));
	expect("a request of 2017", SYSTEM | ERROR_NOT_SUPPORTED,
		(request.header.magic = 1, send_raw(mine, &request, sizeof(request))));
}

/* Of a context and a resource that are not this client's: the requests that name one. */
static void bad_handles(const char *what, uint32_t ctx, uint32_t resource)
{
	static const uint16_t requests[] = {VGT_ESCAPE_RESOURCE_DESTROY,
		VGT_ESCAPE_RESOURCE_DETACH_BACKING, VGT_ESCAPE_RESOURCE_UNMAP};
	struct vgt_escape_ctx_resource pair = {.ctx = my_ctx, .resource = resource};
	struct vgt_escape_resource_busy busy = {.resource = resource};
	const int expected = VGT_ESCAPE_BAD_HANDLE;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		expect(what, expected, on_resource(requests[i], resource));
	}
	expect(what, expected, SEND(mine, RESOURCE_BUSY, busy));
	expect(what, expected, SEND(mine, CTX_ATTACH_RESOURCE, pair));
	expect(what, expected, attach_backing(resource, 4096));
	expect(what, expected, map(resource));
	expect(what, expected, transfer(0, resource, 0));
	expect(what, expected, transfer(ctx, my_resource, 0));
	expect(what, expected, submit(ctx, 0, 4, 0, 4));
	expect(what, expected, submit(my_ctx, 1, 4, resource, 12));
	expect(what, expected, destroy_context(ctx));
}

static void used_after_destroying(void)
{
	uint32_t ctx = make_context(mine), resource = make_resource(mine);
	uint32_t again;

	expect("destroying a resource", VGT_ESCAPE_OK,
		on_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource));
	expect("destroying a context", VGT_ESCAPE_OK, destroy_context(ctx));
	bad_handles("what was destroyed", ctx, resource);
	/* its place, but not its handle, is given out again */
	again = make_resource(mine);
	expect_number("a resource in the place of another", resource & INDEX, again & INDEX);
	bad_handles("whose place is another's now", ctx, resource);
	on_resource(VGT_ESCAPE_RESOURCE_DESTROY, again);
}

static void wrong_states(void)
{
	uint32_t resource = make_resource(mine);

	expect("mapping nothing", VGT_ESCAPE_BAD_STATE, map(resource));
	expect("a transfer of nothing", VGT_ESCAPE_BAD_STATE, transfer(0, resource, 0));
	expect("a backing", VGT_ESCAPE_OK, attach_backing(resource, 4096));
	expect("a second backing", VGT_ESCAPE_BAD_STATE, attach_backing(resource, 4096));
	expect("unmapping what is not mapped", VGT_ESCAPE_BAD_STATE,
		on_resource(VGT_ESCAPE_RESOURCE_UNMAP, resource));
	expect("mapping", VGT_ESCAPE_OK, map(resource));
	expect("mapping twice", VGT_ESCAPE_BAD_STATE, map(resource));
	expect("a transfer behind the end", VGT_ESCAPE_BAD_PARAMETER,
		transfer(0, resource, 4096));
	expect("a transfer far behind the end", VGT_ESCAPE_BAD_PARAMETER,
		transfer(0, resource, UINT64_MAX));
	expect("freeing the backing", VGT_ESCAPE_OK,
		on_resource(VGT_ESCAPE_RESOURCE_DETACH_BACKING, resource));
	expect("freeing it twice", VGT_ESCAPE_BAD_STATE,
		on_resource(VGT_ESCAPE_RESOURCE_DETACH_BACKING, resource));
	on_resource(VGT_ESCAPE_RESOURCE_DESTROY, resource);
}

static void huge_counts(void)
{
	struct vgt_escape_ctx_create named = {.name_size = UINT32_MAX};
	struct vgt_escape_mark mark = {.ctx = my_ctx, .text_size = UINT32_MAX};
	uint32_t *resources = calloc(16385, sizeof(*resources)), made = 0;

	expect("all counts at most", VGT_ESCAPE_BAD_REQUEST,
		submit(my_ctx, UINT32_MAX, 0xfffffffc, 0, 8));
	/* the list is 8 and the sum is 16, in 32 bits */
	expect("a list of 4 GiB and 8 bytes", VGT_ESCAPE_BAD_REQUEST,
		submit(my_ctx, 0x40000001 * 2u, 8, 0, 16));
	expect("commands that make the sum 8", VGT_ESCAPE_BAD_REQUEST,
		submit(my_ctx, 2, UINT32_MAX - 7, 0, 0));
	expect("no commands", VGT_ESCAPE_BAD_PARAMETER, submit(my_ctx, 0, 0, 0, 0));
	expect("half a command", VGT_ESCAPE_BAD_PARAMETER, submit(my_ctx, 0, 6, 0, 6));
	expect("a list of 4098", VGT_ESCAPE_OVER_LIMIT,
		submit(my_ctx, 4098, 4, 0, 4098 * 4 + 4));
	expect("commands of 4 MiB and 4 bytes", VGT_ESCAPE_OVER_LIMIT,
		submit(my_ctx, 0, (4 << 20) + 4, 0, (4 << 20) + 4));
	expect("a name of 4 GiB", VGT_ESCAPE_BAD_PARAMETER, SEND(mine, CTX_CREATE, named));
	expect("a mark of 4 GiB", VGT_ESCAPE_BAD_REQUEST, SEND(mine, MARK, mark));
	expect("no backing", VGT_ESCAPE_BAD_PARAMETER, attach_backing(my_resource, 0));
	expect("a backing of all memory", VGT_ESCAPE_OVER_LIMIT,
		attach_backing(my_resource, UINT64_MAX));
	expect("a backing of 1 GiB and a byte", VGT_ESCAPE_OVER_LIMIT,
		attach_backing(my_resource, (UINT64_C(1) << 30) + 1));
	while (made < 16385 && (resources[made] = make_resource(mine)) != 0) {
		made++;
	}
	struct vgt_escape_resource_create_3d more = {.width = 1, .height = 1, .depth = 1};
	expect("more resources than a client has", VGT_ESCAPE_OVER_LIMIT,
		SEND(mine, RESOURCE_CREATE_3D, more));
	expect_number("so many before that", 16384 - 1, made);
	while (made) {
		on_resource(VGT_ESCAPE_RESOURCE_DESTROY, resources[--made]);
	}
	free(resources);
}

static void endless_waits(void)
{
	struct vgt_escape_resource_create_3d create = {.width = 1, .height = 1, .depth = 1};

	expect("a fence of the future", VGT_ESCAPE_BAD_PARAMETER,
		wait_fence(VGT_ESCAPE_FENCE_WAIT, 1000000, VGT_ESCAPE_TIMEOUT_MAX));
	expect("the last of all fences, without end", VGT_ESCAPE_BAD_PARAMETER,
		wait_fence(VGT_ESCAPE_FENCE_WAIT, UINT64_MAX, UINT64_MAX));
	expect("asking for it", VGT_ESCAPE_BAD_PARAMETER,
		wait_fence(VGT_ESCAPE_FENCE_QUERY, UINT64_MAX, 0));
	expect("asking with a time", VGT_ESCAPE_BAD_REQUEST,
		wait_fence(VGT_ESCAPE_FENCE_QUERY, 1, 1));
	fill_header(&create, VGT_ESCAPE_RESOURCE_CREATE_3D, sizeof(create));
	create.header.flags = VGT_ESCAPE_FLAG_FENCE;
	expect("a fence", VGT_ESCAPE_OK, send_raw(mine, &create, sizeof(create)));
	expect("it without end", VGT_ESCAPE_BAD_PARAMETER,
		wait_fence(VGT_ESCAPE_FENCE_WAIT, create.header.fence, UINT64_MAX));
	expect("the one behind it", VGT_ESCAPE_BAD_PARAMETER,
		wait_fence(VGT_ESCAPE_FENCE_WAIT, create.header.fence + 1,
			VGT_ESCAPE_TIMEOUT_MAX));
	expect("it for a while", VGT_ESCAPE_OK,
		wait_fence(VGT_ESCAPE_FENCE_WAIT, create.header.fence, VGT_ESCAPE_TIMEOUT_MAX));
	on_resource(VGT_ESCAPE_RESOURCE_DESTROY, create.resource);
}

/* By the other transport, which has no copy of the buffer: the driver gets these addresses. */
static int escape_at(D3DKMT_HANDLE adapter, void *buffer, uint32_t size)
{
	const D3DKMT_ESCAPE escape = {.hAdapter = adapter,
		.Type = D3DKMT_ESCAPE_DRIVERPRIVATE,
		.pPrivateDriverData = buffer,
		.PrivateDriverDataSize = size};
	const PFND3DKMT_ESCAPE function = (PFND3DKMT_ESCAPE)(void *)GetProcAddress(
		GetModuleHandleA("gdi32.dll"), "D3DKMTEscape");
	NTSTATUS status = function(&escape);
	return status < 0 ? SYSTEM | (status & 0xffff)
			  : (int)((const struct vgt_escape_header *)buffer)->status;
}

static D3DKMT_HANDLE find_adapter(void)
{
	const PFND3DKMT_ENUMADAPTERS function = (PFND3DKMT_ENUMADAPTERS)(void *)GetProcAddress(
		GetModuleHandleA("gdi32.dll"), "D3DKMTEnumAdapters");
	D3DKMT_ENUMADAPTERS all = {.NumAdapters = 0};
	struct vgt_escape_get_version version;

	function(&all);
	for (ULONG i = 0; i < all.NumAdapters; i++) {
		fill_header(&version, VGT_ESCAPE_GET_VERSION, sizeof(version));
		if (escape_at(all.Adapters[i].hAdapter, &version, sizeof(version)) == 0) {
			return all.Adapters[i].hAdapter;
		}
	}
	return 0;
}

static void bad_memory(void)
{
	const uint32_t size = sizeof(struct vgt_escape_get_version);
	const int access = SYSTEM | 0x0005; /* STATUS_ACCESS_VIOLATION */
	const D3DKMT_HANDLE adapter = find_adapter();
	/* two pages, of which the second is not there; read-only ones */
	uint8_t *pages = VirtualAlloc(NULL, 8192, MEM_RESERVE, PAGE_READWRITE);
	uint8_t *constant = VirtualAlloc(NULL, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	uint8_t good[sizeof(struct vgt_escape_get_version)];
	DWORD old;

	VirtualAlloc(pages, 4096, MEM_COMMIT, PAGE_READWRITE);
	fill_header(constant, VGT_ESCAPE_GET_VERSION, size);
	fill_header(pages + 4096 - size, VGT_ESCAPE_GET_VERSION, size);
	fill_header(good, VGT_ESCAPE_GET_VERSION, size);
	VirtualProtect(constant, 4096, PAGE_READONLY, &old);
	expect("an escape at the end of a page", VGT_ESCAPE_OK,
		escape_at(adapter, pages + 4096 - size, size));
	fill_header(pages + 4096 - 40, VGT_ESCAPE_GET_VERSION, size);
	expect("an escape that leaves its page", access,
		escape_at(adapter, pages + 4096 - 40, size));
	expect("an escape in no page", access, escape_at(adapter, pages + 4096, size));
	expect("an escape at 0", access, escape_at(adapter, NULL, size));
	expect("an escape of 4 GiB", access, escape_at(adapter, pages + 4092, UINT32_MAX));
	expect("an escape that cannot be answered", access, escape_at(adapter, constant, size));
	expect("a request in no page", SYSTEM | ERROR_NOACCESS,
		control(mine, pages + 4096, size, good, size));
	expect("an answer in no page", SYSTEM | ERROR_NOACCESS,
		control(mine, good, size, pages + 4096, size));
	expect("an answer to where none can be", SYSTEM | ERROR_NOACCESS,
		control(mine, good, size, constant, size));
	VirtualFree(constant, 0, MEM_RELEASE);
	VirtualFree(pages, 0, MEM_RELEASE);
}

static HANDLE open_device(void)
{
	GUID guid = VGT_ESCAPE_INTERFACE;
	char path[256] = "";
	CM_Get_Device_Interface_ListA(&guid, NULL, path, sizeof(path), 0);
	return CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
}

/* All that there are, so that nobody else gets one. */
static void many_clients(void)
{
	HANDLE files[70];
	int opened = 0;

	while (opened < 70 && (files[opened] = open_device()) != INVALID_HANDLE_VALUE) {
		opened++;
	}
	expect_number("a client too many", TRUE, opened >= 50 && opened < 64);
	while (opened) {
		CloseHandle(files[--opened]);
	}
}

/* What the host makes of it is its business, but others must not notice. */
static void garbage_commands(void)
{
	uint32_t ctx = make_context(mine);

	expect("garbage commands", VGT_ESCAPE_OK, submit(ctx, 0, 4096, 0xdeadbeef, 4096));
	destroy_context(ctx);
	expect("the context of before", VGT_ESCAPE_BAD_HANDLE, submit(ctx, 0, 4, 0, 4));
}

/* What was robbed has all that it had. */
static void nothing_was_taken(void)
{
	struct vgt_escape_get_statistics has = {.header = {.magic = 0}};

	expect("the other client", VGT_ESCAPE_OK, SEND(others, GET_STATISTICS, has));
	expect_number("its contexts", OTHERS_CONTEXTS, has.contexts);
	expect_number("its resources", OTHERS_RESOURCES, has.resources);
	expect_number("resets of the device", 1, has.device_resets <= 1);
	expect_number("what the device did wrong", 0, has.device_invalid + has.device_timeouts);
}

static void be_hostile_once(void)
{
	my_ctx = make_context(mine);
	my_resource = make_resource(mine);
	expect_number("a context and a resource", TRUE, my_ctx && my_resource);
	garbage_headers();
	truncated_buffers();
	bad_handles("what is another client's", others_ctx, others_resource);
	bad_handles("handles of 0 and 0xffffffff", UINT32_MAX, 0);
	used_after_destroying();
	wrong_states();
	endless_waits();
	bad_memory();
	many_clients();
	garbage_commands();
	huge_counts();
	nothing_was_taken();
	on_resource(VGT_ESCAPE_RESOURCE_DESTROY, my_resource);
	destroy_context(my_ctx);
}

static DWORD WINAPI be_hostile(void *unused)
{
	(void)unused;
	mine = open_device();
	others = open_device();
	/* handles are numbers of their client: the last ones are none that the hostile one has
	 */
	for (int i = 0; i < OTHERS_CONTEXTS; i++) {
		others_ctx = make_context(others);
	}
	for (int i = 0; i < OTHERS_RESOURCES; i++) {
		others_resource = make_resource(others);
	}
	for (bool more = true; more; rounds++) {
		be_hostile_once();
		more = !atomic_load(&drawn);
	}
	CloseHandle(mine);
	CloseHandle(others);
	return 0;
}

static DWORD WINAPI destroy_own(void *unused)
{
	const D3DKMT_HANDLE adapter = find_adapter();
	(void)unused;
	for (uint32_t generation = 1; generation < 4; generation++) {
		struct vgt_escape_ctx_destroy destroy = {.ctx = generation << 14};
		fill_header(&destroy, VGT_ESCAPE_CTX_DESTROY, sizeof(destroy));
		escape_at(adapter, &destroy, sizeof(destroy));
	}
	return 0;
}

/* The well-behaved client */

static HDC open_window(void)
{
	const WNDCLASSA class = {
		.style = CS_OWNDC,
		.lpfnWndProc = DefWindowProcA,
		.lpszClassName = "hostile",
	};
	const PIXELFORMATDESCRIPTOR wanted = {
		.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.cColorBits = 24,
	};
	RegisterClassA(&class);
	HWND window = CreateWindowA("hostile", "hostile", WS_POPUP | WS_VISIBLE, 0, 0, WIDTH,
		HEIGHT, NULL, NULL, NULL, NULL);
	HDC dc = window ? GetDC(window) : NULL;
	int format = dc ? ChoosePixelFormat(dc, &wanted) : 0;
	HGLRC context =
		format && SetPixelFormat(dc, format, &wanted) ? wglCreateContext(dc) : NULL;
	return context && wglMakeCurrent(dc, context) ? dc : NULL;
}

/* A fan of textured triangles; each picture's texture is uploaded anew. */
static void draw(int frame)
{
	uint32_t texels[64];

	for (uint32_t i = 0; i < 64; i++) {
		texels[i] = (i * 2654435761u) ^ (uint32_t)frame * 40503u;
	}
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, 8, 8, 0, GL_RGBA, GL_UNSIGNED_BYTE, texels);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glEnable(GL_TEXTURE_2D);
	glClearColor((float)(frame % 7) / 7, 0.2f, 0.3f, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glLoadIdentity();
	glRotatef((float)frame, 0, 0, 1);
	glBegin(GL_TRIANGLE_FAN);
	for (int i = 0; i < 5; i++) {
		glTexCoord2f((float)(i & 1), (float)(i >> 1));
		glVertex2f(i % 3 * 0.4f - 0.4f, i / 3 * 0.8f - 0.4f);
	}
	glEnd();
}

int main(int argc, char **argv)
{
	const int frames = argc > 1 ? atoi(argv[1]) : 0;
	const char *mode = argc > 2 ? argv[2] : "";
	const bool alone = strcmp(mode, "alone") == 0, own = strcmp(mode, "own") == 0;
	HDC dc = open_window();
	HANDLE thread = NULL;

	if (!dc) {
		fprintf(stderr, "hostile: no OpenGL in a window: error %lu\n", GetLastError());
		return 2;
	}
	if (strcmp(mode, "wrong") == 0) {
		struct vgt_escape_get_version version = {.features = 0};
		mine = open_device();
		expect("a version that is told", VGT_ESCAPE_BAD_REQUEST,
			SEND(mine, GET_VERSION, version));
	} else if (!alone && !own) {
		thread = CreateThread(NULL, 0, be_hostile, NULL, 0, NULL);
	}
	for (int frame = 0; frame < frames; frame++) {
		/* some cases between two pictures, so that all fall among them */
		while (thread && atomic_load(&progress) < frame * 3) {
			SwitchToThread();
		}
		if (own && frame == frames / 2) {
			destroy_own(NULL);
		}
		draw(frame);
		SwapBuffers(dc);
	}
	atomic_store(&drawn, true);
	if (thread) {
		WaitForSingleObject(thread, INFINITE);
	}
	printf("%d cases, %d rounds, %d wrong\n", cases, rounds, wrong);
	return wrong ? 1 : 0;
}
