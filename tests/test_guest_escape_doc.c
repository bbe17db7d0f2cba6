/* SPDX-License-Identifier: MIT */
/* guest-icd/escape/ESCAPE.md against the code: its tables against the header, its example
 * against what the dispatcher does with it. Run from the repository root, or compiled with
 * VGT_SOURCE_DIR. */
#include "guest_world.h"

#include "dispatch.h"

#include <stdio.h>

#ifndef VGT_SOURCE_DIR
#define VGT_SOURCE_DIR "."
#endif

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static char document[1 << 16];

static int read_document(void **state)
{
	FILE *file = fopen(VGT_SOURCE_DIR "/guest-icd/escape/ESCAPE.md", "r");
	(void)state;
	assert_non_null(file);
	const size_t size = fread(document, 1, sizeof(document) - 1, file);
	assert_true(size > 0 && size < sizeof(document) - 1);
	fclose(file);
	return 0;
}

/* How many times the document has this line. */
static unsigned count_lines(const char *line)
{
	unsigned count = 0;
	const size_t length = strlen(line);
	for (const char *at = document; (at = strstr(at, line)); at += length) {
		count += (at == document || at[-1] == '\n') && at[length] == '\n';
	}
	return count;
}

static unsigned count_starts(const char *start)
{
	unsigned count = 0;
	for (const char *at = document; (at = strstr(at, start)); at++) {
		count += at == document || at[-1] == '\n';
	}
	return count;
}

#define STATUS(name) \
	{ \
		VGT_ESCAPE_##name, #name \
	}

static void test_statuses(void **state)
{
	static const struct {
		unsigned number;
		const char *name;
	} statuses[] = {STATUS(OK), STATUS(PENDING), STATUS(TIMED_OUT), STATUS(BAD_REQUEST),
		STATUS(BAD_VERSION), STATUS(UNKNOWN_REQUEST), STATUS(BUFFER_TOO_SMALL),
		STATUS(BAD_ADDRESS), STATUS(BAD_HANDLE), STATUS(BAD_PARAMETER),
		STATUS(BAD_STATE), STATUS(OVER_LIMIT), STATUS(NO_MEMORY), STATUS(BUSY),
		STATUS(HOST_ERROR), STATUS(HOST_INVALID), STATUS(DEVICE_LOST),
		STATUS(UNSUPPORTED)};
	char line[128];
	(void)state;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		snprintf(line, sizeof(line), "| %u | %s | ", statuses[i].number,
			statuses[i].name);
		assert_int_equal(count_starts(line), 1);
	}
	/* the control: another number is not there */
	assert_int_equal(count_starts("| 17 | OK | "), 0);
}

#define REQUEST(name, structure, fence) \
	{ \
		VGT_ESCAPE_##name, #name, sizeof(struct vgt_escape_##structure), fence \
	}

static void test_requests(void **state)
{
	static const struct {
		unsigned number;
		const char *name;
		size_t size;
		bool fence;
	} requests[] = {REQUEST(GET_VERSION, get_version, false),
		REQUEST(GET_CAPSET_INFO, get_capset_info, false),
		REQUEST(GET_CAPSET, get_capset, false), REQUEST(CTX_CREATE, ctx_create, false),
		REQUEST(CTX_DESTROY, ctx_destroy, false),
		REQUEST(CTX_ATTACH_RESOURCE, ctx_resource, false),
		REQUEST(CTX_DETACH_RESOURCE, ctx_resource, false),
		REQUEST(RESOURCE_CREATE_3D, resource_create_3d, true),
		REQUEST(RESOURCE_DESTROY, resource, false),
		REQUEST(RESOURCE_ATTACH_BACKING, attach_backing, false),
		REQUEST(RESOURCE_DETACH_BACKING, resource, false),
		REQUEST(RESOURCE_MAP, resource_map, false),
		REQUEST(RESOURCE_UNMAP, resource, false),
		REQUEST(RESOURCE_BUSY, resource_busy, false),
		REQUEST(TRANSFER_TO_HOST_3D, transfer_3d, true),
		REQUEST(TRANSFER_FROM_HOST_3D, transfer_3d, true),
		REQUEST(SUBMIT_3D, submit_3d, true), REQUEST(FENCE_QUERY, fence, false),
		REQUEST(FENCE_WAIT, fence, false),
		REQUEST(GET_STATISTICS, get_statistics, false), REQUEST(MARK, mark, false)};
	char line[128];
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		snprintf(line, sizeof(line), "| %u | %s | %zu | %s|", requests[i].number,
			requests[i].name, requests[i].size, requests[i].fence ? "yes " : "");
		assert_int_equal(count_lines(line), 1);
	}
}

static void test_limits(void **state)
{
	const struct vgt_gpu_limits *limits = &vgt_gpu_default_limits;
	char line[128];
	(void)state;
	const struct {
		const char *name;
		uint64_t value;
		const char *unit;
	} told[] = {{"contexts_max", limits->contexts_max, ""},
		{"resources_max", limits->resources_max, ""},
		{"backing_max", limits->backing_max >> 30, " GiB"},
		{"fences_max", limits->fences_max, ""},
		{"submit_max", limits->submit_max >> 20, " MiB"},
		{"submit_resources_max", limits->submit_resources_max, ""}};
	for (size_t i = 0; i < COUNT(told); i++) {
		snprintf(line, sizeof(line), "| `%s` | %u%s | ", told[i].name,
			(unsigned)told[i].value, told[i].unit);
		assert_int_equal(count_starts(line), 1);
	}
	assert_int_equal(limits->clients, 64);
	assert_int_equal(limits->requests, 128);
	assert_int_equal(limits->queue_timeout_ns / 1000000000, 5);
	assert_int_equal(limits->device_timeout_ns / 1000000000, 30);
}

/* The bytes behind a heading of the example. */
static size_t read_example(const char *heading, uint8_t *bytes, size_t room)
{
	size_t size = 0;
	const char *at = strstr(document, heading);
	assert_non_null(at);
	at = strchr(at, '\n') + 1;
	while (*at != '`') {
		unsigned offset, byte;
		int used;
		assert_int_equal(sscanf(at, "%x:%n", &offset, &used), 1);
		assert_int_equal(offset, size);
		at += used;
		for (unsigned i = 0; i < 16; i++) {
			assert_int_equal(sscanf(at, "%x%n", &byte, &used), 1);
			assert_true(size < room);
			bytes[size++] = (uint8_t)byte;
			at += used;
		}
		at = strchr(at, '\n') + 1;
	}
	return size;
}

static void test_example(void **state)
{
	struct world world = world_open(NULL, NULL);
	struct vgt_client *client = world_client(&world);
	struct vgt_escape_ctx_create context = {.name_size = 0};
	struct vgt_escape_resource_create_3d resource = {
		.width = 1, .height = 1, .depth = 1, .array_size = 1};
	struct vgt_answer answer;
	uint8_t request[64], expected[64];
	(void)state;
	assert_int_equal(vgt_client_ctx_create(client, &context, &answer), 0);
	assert_int_equal(vgt_client_resource_create_3d(client, &resource, false, &answer), 0);
	assert_int_equal(read_example("request, 64 bytes", request, 64), 64);
	memcpy(expected, request, sizeof(expected));
	assert_int_equal(read_example("answer, 48 bytes", expected, 64), 48);
	assert_memory_not_equal(request, expected, 48);
	assert_int_equal(vgt_dispatch(client, (uintptr_t)request, sizeof(request)), 0);
	assert_memory_equal(request, expected, sizeof(request));
	vgt_client_close(client);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_example),
	};
	return cmocka_run_group_tests_name("guest_escape_doc", tests, read_document, NULL);
}
