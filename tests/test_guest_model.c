/* SPDX-License-Identifier: MIT */
/* The device model of the driver core's tests, by a driver of a few lines that can be wrong. */
#include "device_model.h"
#include "virgl_capset.h"
#include "virtio_pci.h"
#include "virtqueue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND        UINT64_C(1000000000)
#define ENTRIES       8u /* of the control queue */
#define AVAIL_AT      128u
#define USED_AT       256u
#define RESPONSE_AT   2048u

/* Fields of the common configuration that the tests name. */
#define DEVICE_FEATURE        0x04
#define DRIVER_FEATURE_SELECT 0x08
#define DRIVER_FEATURE        0x0c
#define DEVICE_STATUS         0x14
#define CONFIG_GENERATION     0x15
#define QUEUE_SELECT          0x16
#define QUEUE_SIZE            0x18
#define QUEUE_ENABLE          0x1c
#define QUEUE_NOTIFY_OFF      0x1e
#define QUEUE_DESC            0x20

struct bench {
	struct vgt_dm *dm;
	const struct vgt_platform *platform;
	uint64_t common, notify, device; /* in the BAR */
	uint32_t bar;
	struct vgt_dma rings, memory;
	uint16_t avail, used;
};

static uint32_t config(const struct bench *bench, uint32_t offset, uint32_t width)
{
	return bench->platform->config_read(bench->platform->self, offset, width);
}

static uint32_t read_at(const struct bench *bench, uint64_t offset, uint32_t width)
{
	return bench->platform->bar_read(bench->platform->self, bench->bar, offset, width);
}

static void write_at(const struct bench *bench, uint64_t offset, uint32_t width, uint32_t value)
{
	bench->platform->bar_write(bench->platform->self, bench->bar, offset, width, value);
}

static uint32_t get(const struct bench *bench, uint32_t field, uint32_t width)
{
	return read_at(bench, bench->common + field, width);
}

static void set(const struct bench *bench, uint32_t field, uint32_t width, uint32_t value)
{
	write_at(bench, bench->common + field, width, value);
}

static void set_address(const struct bench *bench, uint32_t field, uint64_t address)
{
	set(bench, field, 4, (uint32_t)address);
	set(bench, field + 4, 4, (uint32_t)(address >> 32));
}

static uint64_t address_of(
	const struct bench *bench, const struct vgt_dma *dma, uint64_t offset)
{
	uint64_t run;
	return bench->platform->dma_address(bench->platform->self, dma, offset, &run);
}

static void dma_alloc(const struct bench *bench, uint64_t size, struct vgt_dma *dma)
{
	assert_true(bench->platform->dma_alloc(bench->platform->self, size, 4096, dma));
}

static void notify(const struct bench *bench)
{
	write_at(bench, bench->notify, 2, 0);
}

/* Finds the structures: the capabilities are where the list says. */
static struct bench bench_with(const struct vgt_dm_options *options)
{
	struct bench bench = {.dm = vgt_dm_create(options)};
	bench.platform = vgt_dm_platform(bench.dm);
	assert_int_equal(config(&bench, 0, 4), VIRTIO_PCI_DEVICE_GPU << 16 | VIRTIO_PCI_VENDOR);
	assert_true(config(&bench, 6, 2) & 0x10);
	uint32_t found = 0;
	for (uint32_t at = config(&bench, 0x34, 1); at; at = config(&bench, at + 1, 1)) {
		uint32_t type = config(&bench, at + 3, 1);
		if (config(&bench, at, 1) != 0x09) {
			continue;
		}
		found |= 1u << type;
		assert_int_equal(vgt_dm_capability(bench.dm, (uint8_t)type), at);
		uint64_t *place = type == 1   ? &bench.common
				  : type == 2 ? &bench.notify
					      : &bench.device;
		if (type == 1 || type == 2 || type == 4) {
			bench.bar = config(&bench, at + 4, 1);
			*place = config(&bench, at + 8, 4);
		}
	}
	assert_int_equal(found, 0x3e);
	assert_true(bench.platform->bar_size(bench.platform->self, bench.bar) > bench.notify);
	return bench;
}

static void reset(struct bench *bench)
{
	set(bench, DEVICE_STATUS, 1, 0);
	while (get(bench, DEVICE_STATUS, 1) != 0) {
	}
}

static void negotiate(struct bench *bench, uint64_t features)
{
	set(bench, DEVICE_STATUS, 1, VIRTIO_STATUS_ACKNOWLEDGE);
	set(bench, DEVICE_STATUS, 1, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		set(bench, DRIVER_FEATURE_SELECT, 4, i);
		set(bench, DRIVER_FEATURE, 4, (uint32_t)(features >> (32 * i)));
	}
	set(bench, DEVICE_STATUS, 1,
		VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
}

static void give_queue(struct bench *bench)
{
	dma_alloc(bench, 4096, &bench->rings);
	dma_alloc(bench, 4096, &bench->memory);
	set(bench, QUEUE_SELECT, 2, 0);
	set(bench, QUEUE_SIZE, 2, ENTRIES);
	for (uint32_t i = 0; i < 3; i++) {
		const uint64_t offsets[] = {0, AVAIL_AT, USED_AT};
		set_address(bench, QUEUE_DESC + 8 * i,
			address_of(bench, &bench->rings, offsets[i]));
	}
	set(bench, QUEUE_ENABLE, 2, 1);
}

#define FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_GPU_F_VIRGL)

static void be_ready(struct bench *bench)
{
	set(bench, DEVICE_STATUS, 1, 0xf);
}

static struct bench bench_ready_with(const struct vgt_dm_options *options, uint64_t features)
{
	struct bench bench = bench_with(options);
	reset(&bench);
	negotiate(&bench, features);
	assert_int_equal(get(&bench, DEVICE_STATUS, 1), 0xb);
	give_queue(&bench);
	be_ready(&bench);
	return bench;
}

static struct bench bench_ready(const struct vgt_dm_options *options)
{
	return bench_ready_with(options, FEATURES);
}

/* Gives all back and expects that nothing was wrong, or so many things. */
static void finish(struct bench *bench, uint32_t violations)
{
	reset(bench);
	bench->platform->dma_free(bench->platform->self, &bench->rings);
	bench->platform->dma_free(bench->platform->self, &bench->memory);
	if (violations == 0 && vgt_dm_violation(bench->dm, 0)) {
		fail_msg("%s", vgt_dm_violation(bench->dm, 0));
	}
	assert_int_equal(vgt_dm_violations(bench->dm), violations);
	assert_int_equal(vgt_dm_usage(bench->dm).dmas, 0);
	vgt_dm_destroy(bench->dm);
}

static struct virtq_desc *descriptors(const struct bench *bench)
{
	return bench->rings.address;
}

static void put(const struct bench *bench, uint32_t at, const struct vgt_dma *dma,
	uint64_t offset, uint32_t length, uint16_t flags)
{
	descriptors(bench)[at] = (struct virtq_desc){.addr = address_of(bench, dma, offset),
		.len = length,
		.flags = flags,
		.next = (uint16_t)(at + 1)};
}

static void offer(struct bench *bench, uint16_t head)
{
	uint16_t *avail = (uint16_t *)((uint8_t *)bench->rings.address + AVAIL_AT);
	avail[2 + bench->avail % ENTRIES] = head;
	__atomic_store_n(&avail[1], ++bench->avail, __ATOMIC_RELEASE);
}

static uint16_t *used_ring(const struct bench *bench)
{
	return (uint16_t *)((uint8_t *)bench->rings.address + USED_AT);
}

static uint16_t avail_event(const struct bench *bench)
{
	return __atomic_load_n(&used_ring(bench)[2 + 4 * ENTRIES], __ATOMIC_SEQ_CST);
}

static void set_used_event(const struct bench *bench, uint16_t event)
{
	uint16_t *avail = (uint16_t *)((uint8_t *)bench->rings.address + AVAIL_AT);
	__atomic_store_n(&avail[2 + ENTRIES], event, __ATOMIC_SEQ_CST);
}

static uint16_t used_index(const struct bench *bench)
{
	return __atomic_load_n(&used_ring(bench)[1], __ATOMIC_ACQUIRE);
}

static const uint32_t *used_element(const struct bench *bench, uint16_t index)
{
	return (const uint32_t *)(used_ring(bench) + 2) + index % ENTRIES * 2;
}

/* Sends what lies at `offset` of the memory, as descriptors head and head + 1. */
static void send_from(struct bench *bench, uint16_t head, uint64_t offset, uint32_t size)
{
	put(bench, head, &bench->memory, offset, size, VIRTQ_DESC_F_NEXT);
	put(bench, head + 1u, &bench->memory, RESPONSE_AT + offset, 512, VIRTQ_DESC_F_WRITE);
	offer(bench, head);
	notify(bench);
}

static const void *response(const struct bench *bench)
{
	return (const uint8_t *)bench->memory.address + RESPONSE_AT;
}

static uint32_t call(struct bench *bench, const void *command, uint32_t size)
{
	memcpy(bench->memory.address, command, size);
	send_from(bench, 0, 0, size);
	vgt_dm_step(bench->dm);
	bench->used++;
	assert_int_equal(used_index(bench), bench->used);
	return ((const struct virtio_gpu_ctrl_hdr *)response(bench))->type;
}

#define HEADER(command, context) \
	{ \
		.type = VIRTIO_GPU_CMD_##command, .ctx_id = (context) \
	}
#define CALL(bench, command) call((bench), &(command), sizeof(command))

static void get_display_info(struct bench *bench)
{
	const struct virtio_gpu_ctrl_hdr get_info = HEADER(GET_DISPLAY_INFO, 0);
	assert_int_equal(CALL(bench, get_info), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
}

static void test_sound_driver(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	assert_int_equal(read_at(&bench, bench.device + 8, 4), 1);
	assert_int_equal(read_at(&bench, bench.device + 12, 4), 2);
	for (uint32_t i = 0; i < 70000; i++) { /* the indices turn over */
		get_display_info(&bench);
	}
	assert_int_equal(used_element(&bench, (uint16_t)(bench.used - 1))[0], 0);
	assert_int_equal(used_element(&bench, (uint16_t)(bench.used - 1))[1],
		sizeof(struct virtio_gpu_resp_display_info));
	assert_int_equal(vgt_dm_notifications(bench.dm), 70000);
	assert_int_equal(vgt_dm_log_count(bench.dm, VIRTIO_GPU_CMD_GET_DISPLAY_INFO), 70000);
	const struct vgt_dm_entry entry = vgt_dm_log(bench.dm, 69999);
	assert_int_equal(entry.response_type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	assert_true(entry.answered);
	assert_int_equal(vgt_dm_resets(bench.dm), 1);
	finish(&bench, 0);
}

/* Each of the following does one thing that a driver must not. */

static void wrong_status_order(struct bench *bench)
{
	reset(bench);
	set(bench, DEVICE_STATUS, 1, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_FEATURES_OK);
}

static void wrong_status_cleared(struct bench *bench)
{
	set(bench, DEVICE_STATUS, 1, VIRTIO_STATUS_ACKNOWLEDGE);
}

static void wrong_driver_ok_unseen(struct bench *bench)
{
	reset(bench);
	negotiate(bench, FEATURES);
	be_ready(bench);
}

static void wrong_feature_not_offered(struct bench *bench)
{
	reset(bench);
	negotiate(bench, FEATURES | VIRTIO_GPU_F_RESOURCE_BLOB);
	assert_int_equal(get(bench, DEVICE_STATUS, 1), 0x3);
}

static void wrong_features_late(struct bench *bench)
{
	set(bench, DRIVER_FEATURE, 4, 0);
}

static void wrong_reset_not_awaited(struct bench *bench)
{
	set(bench, DEVICE_STATUS, 1, 0);
	set(bench, DEVICE_STATUS, 1, VIRTIO_STATUS_ACKNOWLEDGE);
}

static void wrong_queue_early(struct bench *bench)
{
	reset(bench);
	set(bench, QUEUE_SELECT, 2, 0);
	set(bench, QUEUE_SIZE, 2, ENTRIES);
}

static void wrong_queue_size(struct bench *bench)
{
	reset(bench);
	negotiate(bench, FEATURES);
	(void)get(bench, DEVICE_STATUS, 1);
	set(bench, QUEUE_SIZE, 2, 24);
}

static void wrong_queue_changed(struct bench *bench)
{
	reset(bench);
	negotiate(bench, FEATURES);
	(void)get(bench, DEVICE_STATUS, 1);
	bench->platform->dma_free(bench->platform->self, &bench->rings);
	bench->platform->dma_free(bench->platform->self, &bench->memory);
	give_queue(bench);
	set(bench, QUEUE_DESC, 4, 0);
}

static void wrong_queue_address(struct bench *bench)
{
	reset(bench);
	negotiate(bench, FEATURES);
	(void)get(bench, DEVICE_STATUS, 1);
	set(bench, QUEUE_SIZE, 2, ENTRIES);
	for (uint32_t i = 0; i < 3; i++) {
		set_address(bench, QUEUE_DESC + 8 * i,
			address_of(bench, &bench->rings, i == 1 ? 4094 : 512 * i));
	}
	set(bench, QUEUE_ENABLE, 2, 1);
}

static void wrong_queue_alignment(struct bench *bench)
{
	reset(bench);
	negotiate(bench, FEATURES);
	(void)get(bench, DEVICE_STATUS, 1);
	set(bench, QUEUE_SIZE, 2, ENTRIES);
	for (uint32_t i = 0; i < 3; i++) {
		set_address(bench, QUEUE_DESC + 8 * i,
			address_of(bench, &bench->rings, i ? 512 * i : 8));
	}
	set(bench, QUEUE_ENABLE, 2, 1);
}

static void wrong_width(struct bench *bench)
{
	(void)get(bench, DEVICE_STATUS, 2);
}

static void wrong_place(struct bench *bench)
{
	(void)read_at(bench, 0x4000, 4);
}

static void wrong_register(struct bench *bench)
{
	set(bench, CONFIG_GENERATION, 1, 1);
}

static void wrong_config_write(struct bench *bench)
{
	write_at(bench, bench->device + 12, 4, 1);
}

static void wrong_notified_queue(struct bench *bench)
{
	write_at(bench, bench->notify, 2, 1);
}

static void wrong_notified_early(struct bench *bench)
{
	reset(bench);
	notify(bench);
}

static void wrong_config_space(struct bench *bench)
{
	(void)config(bench, 3, 2);
}

static void wrong_available_index(struct bench *bench)
{
	bench->avail = ENTRIES;
	offer(bench, 0);
	notify(bench);
}

static void wrong_head(struct bench *bench)
{
	offer(bench, ENTRIES);
	notify(bench);
}

static void wrong_head_twice(struct bench *bench)
{
	send_from(bench, 0, 0, 24);
	offer(bench, 0);
	notify(bench);
}

static void wrong_circle(struct bench *bench)
{
	put(bench, 0, &bench->memory, 0, 24, VIRTQ_DESC_F_NEXT);
	descriptors(bench)[0].next = 0;
	offer(bench, 0);
	notify(bench);
}

static void wrong_order(struct bench *bench)
{
	put(bench, 0, &bench->memory, RESPONSE_AT, 24, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE);
	put(bench, 1, &bench->memory, 0, 24, 0);
	offer(bench, 0);
	notify(bench);
}

static void wrong_empty(struct bench *bench)
{
	put(bench, 0, &bench->memory, 0, 0, 0);
	offer(bench, 0);
	notify(bench);
}

static void wrong_memory(struct bench *bench)
{
	send_from(bench, 0, 0, 24);
	put(bench, 2, &bench->memory, 4090, 24, 0);
	offer(bench, 2);
	notify(bench);
}

static void wrong_freed_memory(struct bench *bench)
{
	struct vgt_dma extra;
	dma_alloc(bench, 4096, &extra);
	put(bench, 0, &extra, 0, 24, 0);
	bench->platform->dma_free(bench->platform->self, &extra);
	offer(bench, 0);
	notify(bench);
}

static void wrong_free(struct bench *bench)
{
	send_from(bench, 0, 0, 24);
	bench->platform->dma_free(bench->platform->self, &bench->memory);
}

static void wrong_free_of_rings(struct bench *bench)
{
	bench->platform->dma_free(bench->platform->self, &bench->rings);
}

static void wrong_shared_response(struct bench *bench)
{
	memset(bench->memory.address, 0, 4096);
	send_from(bench, 0, 0, 24);
	send_from(bench, 2, 100, 24);
}

static void wrong_no_room(struct bench *bench)
{
	put(bench, 0, &bench->memory, 0, 24, 0);
	offer(bench, 0);
	notify(bench);
}

/* An indirect table in the memory: two parts, changed by the caller before it is sent. */
static struct virtq_desc *table_of(struct bench *bench)
{
	const struct virtq_desc *ring = descriptors(bench);
	struct virtq_desc *table = bench->memory.address;
	put(bench, 0, &bench->memory, 1024, 24, VIRTQ_DESC_F_NEXT);
	put(bench, 1, &bench->memory, RESPONSE_AT, 512, VIRTQ_DESC_F_WRITE);
	memcpy(table, ring, 2 * sizeof(*table));
	const struct virtio_gpu_ctrl_hdr get_info = HEADER(GET_DISPLAY_INFO, 0);
	memcpy((uint8_t *)bench->memory.address + 1024, &get_info, sizeof(get_info));
	put(bench, 0, &bench->memory, 0, 2 * sizeof(*table), VIRTQ_DESC_F_INDIRECT);
	return table;
}

static void offer_table(struct bench *bench)
{
	offer(bench, 0);
	notify(bench);
}

static void wrong_table_not_agreed(struct bench *bench)
{
	reset(bench);
	bench->platform->dma_free(bench->platform->self, &bench->rings);
	bench->platform->dma_free(bench->platform->self, &bench->memory);
	negotiate(bench, FEATURES & ~VIRTIO_F_INDIRECT_DESC);
	(void)get(bench, DEVICE_STATUS, 1);
	give_queue(bench);
	be_ready(bench);
	(void)table_of(bench);
	offer_table(bench);
}

static void wrong_table_next(struct bench *bench)
{
	(void)table_of(bench);
	descriptors(bench)[0].flags |= VIRTQ_DESC_F_NEXT;
	offer_table(bench);
}

static void wrong_table_length(struct bench *bench)
{
	(void)table_of(bench);
	descriptors(bench)[0].len = 24;
	offer_table(bench);
}

static void wrong_table_in_table(struct bench *bench)
{
	table_of(bench)[1].flags = VIRTQ_DESC_F_INDIRECT;
	offer_table(bench);
}

static void wrong_table_left(struct bench *bench)
{
	table_of(bench)[0].next = 2;
	offer_table(bench);
}

static void wrong_chain_length(struct bench *bench)
{
	struct virtq_desc *table = table_of(bench);
	for (uint16_t i = 0; i < 32; i++) {
		table[i] = table[0];
		table[i].next = (uint16_t)(i + 1);
	}
	descriptors(bench)[0].len = 32 * sizeof(*table);
	offer_table(bench);
}

static void wrong_command_size(struct bench *bench)
{
	struct virtio_gpu_resource_unref unref = {.hdr = HEADER(RESOURCE_UNREF, 0)};
	(void)call(bench, &unref, sizeof(unref.hdr));
}

static void wrong_command(struct bench *bench)
{
	const struct virtio_gpu_ctrl_hdr hdr = HEADER(MOVE_CURSOR, 0);
	assert_int_equal(CALL(bench, hdr), VIRTIO_GPU_RESP_ERR_UNSPEC);
}

static void wrong_lock(struct bench *bench)
{
	bench->platform->lock(bench->platform->self);
	bench->platform->lock(bench->platform->self);
	bench->platform->unlock(bench->platform->self);
	bench->platform->unlock(bench->platform->self);
}

static void wrong_unlock(struct bench *bench)
{
	bench->platform->unlock(bench->platform->self);
}

static void wrong_wait(struct bench *bench)
{
	bench->platform->wait(bench->platform->self, 1);
}

static void wrong_unmap(struct bench *bench)
{
	bench->platform->unmap(bench->platform->self, NULL, &bench->memory, 4096);
}

static void wrong_free_mapped(struct bench *bench)
{
	struct vgt_dma extra;
	uint64_t address;
	dma_alloc(bench, 4096, &extra);
	assert_true(bench->platform->map(bench->platform->self, NULL, &extra, &address));
	bench->platform->dma_free(bench->platform->self, &extra);
}

static void wrong_dma_twice(struct bench *bench)
{
	struct vgt_dma extra, again;
	dma_alloc(bench, 4096, &extra);
	again = extra;
	bench->platform->dma_free(bench->platform->self, &extra);
	bench->platform->dma_free(bench->platform->self, &again);
}

static void wrong_run(struct bench *bench)
{
	struct vgt_dma extra;
	assert_false(bench->platform->dma_alloc(bench->platform->self, 4096, 100, &extra));
}

static void wrong_offset(struct bench *bench)
{
	(void)address_of(bench, &bench->memory, 4096);
}

static const struct {
	void (*function)(struct bench *bench);
	const char *text; /* part of the violation */
} wrongs[] = {
	{wrong_status_order, "before those that it needs"},
	{wrong_status_cleared, "cleared without a reset"},
	{wrong_driver_ok_unseen, "without a look"},
	{wrong_feature_not_offered, "not offered"},
	{wrong_features_late, "after FEATURES_OK"},
	{wrong_reset_not_awaited, "before the device has said"},
	{wrong_queue_early, "at another time"},
	{wrong_queue_size, "no power of two"},
	{wrong_queue_changed, "changed that is enabled"},
	{wrong_queue_address, "a part of a queue at"},
	{wrong_queue_alignment, "not aligned"},
	{wrong_width, "wrong place or width"},
	{wrong_place, "access to BAR 4 at 0x4000"},
	{wrong_register, "only be read"},
	{wrong_config_write, "other than events_clear"},
	{wrong_notified_queue, "a notification"},
	{wrong_notified_early, "before DRIVER_OK"},
	{wrong_config_space, "config_read() of 2 bytes at 3"},
	{wrong_available_index, "index jumps"},
	{wrong_head, "beyond the queue"},
	{wrong_head_twice, "in use already"},
	{wrong_circle, "in use already"},
	{wrong_order, "behind a writable"},
	{wrong_empty, "nothing there"},
	{wrong_memory, "no memory of dma_alloc()"},
	{wrong_freed_memory, "the memory was freed"},
	{wrong_free, "the device may use"},
	{wrong_free_of_rings, "the device may use"},
	{wrong_shared_response, "a buffer that a chain in flight uses"},
	{wrong_no_room, "no room"},
	{wrong_table_not_agreed, "not agreed on"},
	{wrong_table_next, "with a next one"},
	{wrong_table_length, "odd length"},
	{wrong_table_in_table, "table in a table"},
	{wrong_table_left, "leaves itself"},
	{wrong_chain_length, "longer than the queue"},
	{wrong_command_size, "24 bytes long, 32 expected"},
	{wrong_command, "is none of queue 0"},
	{wrong_lock, "lock() by who has it"},
	{wrong_unlock, "unlock() by who has it not"},
	{wrong_wait, "wait() without the lock"},
	{wrong_unmap, "unmap()"},
	{wrong_free_mapped, "that is mapped"},
	{wrong_dma_twice, "did not give out, or which was freed"},
	{wrong_run, "in runs of 100"},
	{wrong_offset, "behind the end"},
};

static void test_each_violation_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(wrongs); i++) {
		struct bench bench = bench_ready(NULL);
		assert_int_equal(vgt_dm_violations(bench.dm), 0);
		wrongs[i].function(&bench);
		const char *found = vgt_dm_violation(bench.dm, 0);
		if (!found || !strstr(found, wrongs[i].text)) {
			fail_msg("%s: %s", wrongs[i].text, found ? found : "not found");
		}
		if (vgt_dm_violation(bench.dm, 1)) {
			fail_msg("%s: and %s", found, vgt_dm_violation(bench.dm, 1));
		}
		vgt_dm_destroy(bench.dm);
	}
}

static void test_indirect_and_polling(void **state)
{
	(void)state;
	struct bench bench = bench_ready(&(struct vgt_dm_options){.polls = true});
	assert_int_equal(used_ring(&bench)[0], 1);
	(void)table_of(&bench);
	offer(&bench, 0); /* nobody notifies */
	assert_true(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 1);
	assert_int_equal(vgt_dm_notifications(bench.dm), 0);
	finish(&bench, 0);
}

static void test_no_notification_no_work(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	(void)table_of(&bench);
	offer(&bench, 0);
	assert_false(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 0);
	notify(&bench);
	assert_int_equal(vgt_dm_in_flight(bench.dm), 1);
	assert_true(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 1);
	assert_int_equal(vgt_dm_in_flight(bench.dm), 0);
	finish(&bench, 0);
}

#define EVENT_FEATURES (FEATURES | VIRTIO_F_EVENT_IDX)

static void test_events_polling(void **state)
{
	(void)state;
	struct bench bench =
		bench_ready_with(&(struct vgt_dm_options){.polls = true}, EVENT_FEATURES);
	assert_int_equal(used_ring(&bench)[0], 0);
	assert_int_equal(avail_event(&bench), 0xffff);
	(void)table_of(&bench);
	offer(&bench, 0);
	assert_true(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 1);
	assert_int_equal(avail_event(&bench), 0);
	finish(&bench, 0);
}

/* How long a wait() takes, by the model's clock. */
static uint64_t time_waited(const struct bench *bench)
{
	const struct vgt_platform *platform = bench->platform;
	platform->lock(platform->self);
	const uint64_t begin = platform->now(platform->self);
	platform->wait(platform->self, 30 * SECOND);
	const uint64_t end = platform->now(platform->self);
	platform->unlock(platform->self);
	return end - begin;
}

static void test_events(void **state)
{
	(void)state;
	struct bench bench = bench_ready_with(NULL, EVENT_FEATURES);
	assert_int_equal(avail_event(&bench), 0);
	(void)table_of(&bench);
	for (uint16_t i = 0; i < 4; i++) {
		assert_int_equal(avail_event(&bench), i);
		offer(&bench, 0);
		assert_false(vgt_dm_step(bench.dm)); /* nobody has notified */
		notify(&bench);
		assert_int_equal(avail_event(&bench), i + 1);
		/* an interrupt at the first, the third and the fourth answer */
		set_used_event(&bench, i < 3 ? i / 2 * 2 : i);
		const uint64_t waited = time_waited(&bench);
		assert_int_equal(used_index(&bench), i + 1);
		assert_int_equal(waited < SECOND, i != 1);
	}
	/* an event too late is asked for */
	const struct vgt_dm_plan once = {.count = 1, .value = 1};
	vgt_dm_plant(bench.dm, VGT_DM_AVAIL_EVENT, &once);
	offer(&bench, 0);
	notify(&bench);
	assert_int_equal(avail_event(&bench), 6);
	finish(&bench, 0);
}

static void test_events_and_flags(void **state)
{
	(void)state;
	struct bench bench = bench_ready_with(NULL, EVENT_FEATURES);
	uint16_t *avail = (uint16_t *)((uint8_t *)bench.rings.address + AVAIL_AT);
	avail[0] = 1;
	(void)table_of(&bench);
	offer(&bench, 0);
	notify(&bench);
	assert_non_null(strstr(vgt_dm_violation(bench.dm, 0), "flags of the available ring"));
	finish(&bench, 1);
}

/* virtio-gpu */

static void test_contexts_and_resources(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	const struct vgt_dm_gpu *gpu = vgt_dm_gpu(bench.dm);
	const struct virtio_gpu_ctx_create create = {
		.hdr = HEADER(CTX_CREATE, 3), .nlen = 4, .debug_name = "name"};
	assert_int_equal(CALL(&bench, create), VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(CALL(&bench, create), VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	assert_string_equal(vgt_dm_gpu_context(gpu, 3)->debug_name, "name");
	assert_null(vgt_dm_gpu_context(gpu, 2));

	struct virtio_gpu_resource_create_3d buffer = {.hdr = HEADER(RESOURCE_CREATE_3D, 0),
		.resource_id = 7,
		.width = 64,
		.height = 1,
		.depth = 1,
		.array_size = 1};
	assert_int_equal(CALL(&bench, buffer), VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(CALL(&bench, buffer), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	buffer.resource_id = 0;
	assert_int_equal(CALL(&bench, buffer), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	const struct virtio_gpu_ctx_resource attach = {
		.hdr = HEADER(CTX_ATTACH_RESOURCE, 3), .resource_id = 7};
	assert_int_equal(CALL(&bench, attach), VIRTIO_GPU_RESP_OK_NODATA);
	assert_true(vgt_dm_gpu_is_attached(gpu, 3, 7));
	assert_int_equal(vgt_dm_gpu_unknown_ids(gpu), 0);

	const struct virtio_gpu_resource_unref unref = {
		.hdr = HEADER(RESOURCE_UNREF, 0), .resource_id = 7};
	assert_int_equal(CALL(&bench, unref), VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(vgt_dm_gpu_resources(gpu), 0);
	assert_int_equal(vgt_dm_gpu_attachments(gpu), 0);
	assert_int_equal(CALL(&bench, unref), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(vgt_dm_gpu_unknown_ids(gpu), 1);
	assert_int_equal(vgt_dm_log(bench.dm, 5).resource_id, 7);

	assert_int_equal(vgt_dm_gpu_contexts(gpu), 1);
	reset(&bench);
	assert_int_equal(vgt_dm_gpu_contexts(gpu), 0);
	finish(&bench, 0);
}

/* A backing of two pages that lie apart, and a picture in it. */
static void attach_backing(struct bench *bench, const struct vgt_dma *dma)
{
	struct {
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_mem_entry entries[2];
	} both = {.attach = {.hdr = HEADER(RESOURCE_ATTACH_BACKING, 0),
			  .resource_id = 1,
			  .nr_entries = 2}};
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t run;
		both.entries[i].addr = bench->platform->dma_address(
			bench->platform->self, dma, i * 4096u, &run);
		both.entries[i].length = (uint32_t)run;
		assert_int_equal(run, 4096);
	}
	assert_true(both.entries[1].addr != both.entries[0].addr + 4096);
	assert_int_equal(CALL(bench, both), VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(CALL(bench, both), VIRTIO_GPU_RESP_ERR_UNSPEC);
}

static void test_transfers(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	struct vgt_dma backing;
	dma_alloc(&bench, 8192, &backing);
	const struct virtio_gpu_resource_create_2d create = {
		.hdr = HEADER(RESOURCE_CREATE_2D, 0),
		.resource_id = 1,
		.format = 1,
		.width = 40,
		.height = 50};
	assert_int_equal(CALL(&bench, create), VIRTIO_GPU_RESP_OK_NODATA);
	attach_backing(&bench, &backing);

	uint8_t *bytes = backing.address;
	for (uint32_t i = 0; i < 8000; i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	}
	struct virtio_gpu_transfer_host_3d transfer = {.hdr = HEADER(TRANSFER_TO_HOST_3D, 0),
		.resource_id = 1,
		.box = {.x = 10, .y = 5, .w = 20, .h = 40, .d = 1},
		.offset = 5 * 160 + 10 * 4};
	assert_int_equal(CALL(&bench, transfer), VIRTIO_GPU_RESP_OK_NODATA);
	const struct vgt_dm_resource *resource = vgt_dm_gpu_resource(vgt_dm_gpu(bench.dm), 1);
	assert_int_equal(resource->shadow_size, 8000);
	assert_int_equal(resource->shadow[0], 0);
	for (uint32_t y = 5; y < 45; y++) {
		assert_memory_equal(resource->shadow + y * 160 + 40, bytes + y * 160 + 40, 80);
	}
	memset(bytes, 0, 8192);
	transfer.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
	transfer.box = (struct virtio_gpu_box){.w = 40, .h = 50, .d = 1};
	transfer.offset = 100;
	assert_int_equal(CALL(&bench, transfer), VIRTIO_GPU_RESP_OK_NODATA);
	assert_memory_equal(bytes + 100, resource->shadow, 8000);
	transfer.offset = 193; /* one byte too far: passed over */
	assert_int_equal(CALL(&bench, transfer), VIRTIO_GPU_RESP_OK_NODATA);
	assert_memory_equal(bytes + 100, resource->shadow, 8000);

	bench.platform->dma_free(bench.platform->self, &backing);
	assert_non_null(strstr(vgt_dm_violation(bench.dm, 0), "the device may use"));
	finish(&bench, 1);
}

static void test_capsets(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct bench bench =
			bench_ready(&(struct vgt_dm_options){.no_string_marker = i == 1});
		uint32_t size = 0;
		const uint8_t *capset = vgt_dm_gpu_capset(
			vgt_dm_gpu(bench.dm), VIRTIO_GPU_CAPSET_VIRGL2, &size);
		uint32_t bits;
		assert_true(size > VIRGL_CAPS_V2_CAPABILITY_BITS_V2);
		memcpy(&bits, capset + VIRGL_CAPS_V2_CAPABILITY_BITS_V2, sizeof(bits));
		assert_int_equal((bits & VIRGL_CAP_V2_STRING_MARKER) != 0, i == 0);
		const struct virtio_gpu_get_capset_info get_info = {
			.hdr = HEADER(GET_CAPSET_INFO, 0), .capset_index = 1};
		assert_int_equal(CALL(&bench, get_info), VIRTIO_GPU_RESP_OK_CAPSET_INFO);
		const struct virtio_gpu_resp_capset_info *info = response(&bench);
		assert_int_equal(info->capset_id, VIRTIO_GPU_CAPSET_VIRGL2);
		assert_int_equal(info->capset_max_size, size);
		struct virtio_gpu_get_capset get_capset = {
			.hdr = HEADER(GET_CAPSET, 0), .capset_id = VIRTIO_GPU_CAPSET_VIRGL};
		assert_int_equal(CALL(&bench, get_capset), VIRTIO_GPU_RESP_OK_CAPSET);
		get_capset.capset_id = 9;
		assert_int_equal(
			CALL(&bench, get_capset), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
		finish(&bench, 0);
	}
}

static uint64_t shown_bytes;

static void on_submit(void *context, uint32_t ctx_id, const void *commands, uint32_t size)
{
	(void)commands;
	assert_int_equal(ctx_id, 3);
	*(uint64_t *)context += size;
}

static void test_submit(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	struct vgt_dm_gpu *gpu = vgt_dm_gpu(bench.dm);
	struct {
		struct virtio_gpu_cmd_submit submit;
		char bytes[8];
	} both = {.submit = {.hdr = HEADER(SUBMIT_3D, 3), .size = 8}, .bytes = "virgl!!"};
	uint32_t ctx = 0, size = 0;
	assert_null(vgt_dm_gpu_last_submit(gpu, &ctx, &size));
	vgt_dm_gpu_on_submit(gpu, on_submit, &shown_bytes);
	assert_int_equal(CALL(&bench, both), VIRTIO_GPU_RESP_OK_NODATA);
	assert_memory_equal(vgt_dm_gpu_last_submit(gpu, &ctx, &size), "virgl!!", 8);
	assert_int_equal(ctx, 3);
	assert_int_equal(size, 8);
	assert_int_equal(shown_bytes, 8);
	assert_int_equal(vgt_dm_gpu_unknown_ids(gpu), 1); /* there is no context 3 */
	both.submit.size = 12;
	assert_int_equal(CALL(&bench, both), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(vgt_dm_gpu_submits(gpu), 1);
	finish(&bench, 0);
}

static void test_scanout(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	const struct virtio_gpu_rect all = {.width = 40, .height = 50};
	const struct virtio_gpu_resource_create_2d create = {
		.hdr = HEADER(RESOURCE_CREATE_2D, 0),
		.resource_id = 1,
		.format = 1,
		.width = 40,
		.height = 50};
	struct virtio_gpu_set_scanout scanout = {
		.hdr = HEADER(SET_SCANOUT, 0), .r = all, .resource_id = 1};
	const struct virtio_gpu_resource_flush flush = {
		.hdr = HEADER(RESOURCE_FLUSH, 0), .r = all, .resource_id = 1};
	assert_int_equal(CALL(&bench, scanout), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(CALL(&bench, create), VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(CALL(&bench, scanout), VIRTIO_GPU_RESP_OK_NODATA);
	assert_int_equal(CALL(&bench, flush), VIRTIO_GPU_RESP_OK_NODATA);
	const struct vgt_dm_scanout shown = vgt_dm_gpu_scanout(vgt_dm_gpu(bench.dm), 0);
	assert_int_equal(shown.resource_id, 1);
	assert_int_equal(shown.flushes, 1);
	assert_int_equal(shown.flushed.height, 50);
	scanout.scanout_id = 1;
	assert_int_equal(CALL(&bench, scanout), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	finish(&bench, 0);
}

/* Another device behind the rings: it adds 1 to the type, and writes down who was there. */
struct adder {
	uint32_t executed, resets;
	uint32_t done, asks, waits; /* of those it has executed */
	const void *seen;           /* the guest memory that it asked for */
	uint64_t address;
};

static uint32_t adder_execute(void *context, struct vgt_dm *dm, uint32_t queue,
	const void *command, uint32_t size, void *answer, uint32_t room)
{
	struct adder *adder = context;
	struct virtio_gpu_ctrl_hdr hdr;
	assert_int_equal(queue, 0);
	assert_int_equal(size, sizeof(hdr));
	assert_int_equal(room, 512);
	memcpy(&hdr, command, sizeof(hdr));
	hdr.type++;
	memcpy(answer, &hdr, sizeof(hdr));
	adder->executed++;
	adder->seen = vgt_dm_memory(dm, adder->address, 16);
	return sizeof(hdr);
}

static void adder_reset(void *context)
{
	((struct adder *)context)->resets++;
}

static bool adder_uses(void *context, uint64_t address, uint64_t size)
{
	const struct adder *adder = context;
	return adder->address >= address && adder->address - address < size;
}

static void test_another_executor(void **state)
{
	(void)state;
	struct adder adder = {0};
	const struct vgt_dm_executor executor = {.context = &adder,
		.execute = adder_execute,
		.reset = adder_reset,
		.uses = adder_uses};
	struct bench bench = bench_ready(&(struct vgt_dm_options){.executor = &executor});
	struct vgt_dma extra;
	dma_alloc(&bench, 4096, &extra);
	adder.address = address_of(&bench, &extra, 80);
	const struct virtio_gpu_ctrl_hdr hdr = {.type = 41};
	assert_int_equal(CALL(&bench, hdr), 42);
	assert_int_equal(adder.executed, 1);
	assert_ptr_equal(adder.seen, (uint8_t *)extra.address + 80);
	assert_null(vgt_dm_gpu(bench.dm));
	assert_int_equal(adder.resets, 1);
	assert_int_equal(vgt_dm_violations(bench.dm), 0);
	bench.platform->dma_free(bench.platform->self, &extra);
	assert_int_equal(vgt_dm_violations(bench.dm), 1); /* it uses that */
	assert_int_equal(CALL(&bench, hdr), 42);
	assert_null(adder.seen);
	finish(&bench, 2);
}

/* Fences */

/* Sends three fenced commands, as descriptors 0, 2 and 4. */
static void send_fenced(struct bench *bench)
{
	for (uint16_t i = 0; i < 3; i++) {
		/* the fence 2^32 + i: all of it comes back */
		struct virtio_gpu_ctrl_hdr hdr = HEADER(CTX_DESTROY, 0);
		hdr.flags = VIRTIO_GPU_FLAG_FENCE;
		hdr.fence_id = (UINT64_C(1) << 32) + i;
		memcpy((uint8_t *)bench->memory.address + 600u * i, &hdr, sizeof(hdr));
		send_from(bench, (uint16_t)(2 * i), 600u * i, sizeof(hdr));
	}
}

static uint64_t fence_answered(const struct bench *bench, uint16_t index)
{
	const uint32_t *element = used_element(bench, index);
	const struct virtio_gpu_ctrl_hdr *hdr =
		(const void *)((const uint8_t *)response(bench) + element[0] / 2 * 600);
	assert_int_equal(hdr->flags, VIRTIO_GPU_FLAG_FENCE);
	assert_int_equal(hdr->fence_id >> 32, 1);
	return (uint32_t)hdr->fence_id;
}

static void test_fences_held(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_HELD, 0);
	send_fenced(&bench);
	assert_true(vgt_dm_step(bench.dm));
	assert_false(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 0);
	assert_int_equal(vgt_dm_held(bench.dm), 3);
	assert_int_equal(vgt_dm_release_newest(bench.dm, 1), 1);
	assert_int_equal(vgt_dm_release(bench.dm, 9), 2);
	assert_int_equal(fence_answered(&bench, 0), 2);
	assert_int_equal(fence_answered(&bench, 1), 0);
	assert_int_equal(fence_answered(&bench, 2), 1);
	finish(&bench, 0);
}

static void test_fences_later_and_reversed(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_LATER, 2);
	send_fenced(&bench);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(used_index(&bench), 0);
		assert_true(vgt_dm_step(bench.dm));
	}
	assert_int_equal(used_index(&bench), 3);
	assert_int_equal(fence_answered(&bench, 0), 0);

	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_REVERSED, 0);
	send_fenced(&bench);
	assert_true(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 3);
	assert_true(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 6);
	assert_int_equal(fence_answered(&bench, 3), 2);
	assert_int_equal(fence_answered(&bench, 5), 0);
	finish(&bench, 0);
}

static uint64_t adder_fence(void *context)
{
	return ((const struct adder *)context)->executed;
}

static bool adder_is_done(void *context, uint64_t fence, enum vgt_dm_patience patience)
{
	struct adder *adder = context;
	adder->asks += patience == VGT_DM_ASK;
	if (patience == VGT_DM_WAIT && adder->done < fence) {
		adder->done = (uint32_t)fence;
		adder->waits++;
	}
	return fence <= adder->done;
}

/* Of an executor that takes its time: it begins with the notification, and is asked. */
static void test_fences_of_executor(void **state)
{
	(void)state;
	struct adder adder = {0};
	const struct vgt_dm_executor executor = {.context = &adder,
		.execute = adder_execute,
		.fence = adder_fence,
		.is_done = adder_is_done};
	struct bench bench =
		bench_ready(&(struct vgt_dm_options){.eager = true, .executor = &executor});
	const struct vgt_platform *platform = bench.platform;
	adder.address = address_of(&bench, &bench.memory, 0);
	send_fenced(&bench);
	assert_int_equal(adder.executed, 3);
	assert_int_equal(adder.asks, 0);
	assert_false(vgt_dm_step(bench.dm));
	assert_int_equal(adder.asks, 3);
	assert_int_equal(used_index(&bench), 0);
	adder.done = 1;
	assert_true(vgt_dm_step(bench.dm));
	assert_int_equal(used_index(&bench), 1);
	assert_int_equal(fence_answered(&bench, 0), 0);
	assert_int_equal(adder.waits, 0);
	uint64_t before = platform->now(platform->self);
	platform->lock(platform->self);
	platform->wait(platform->self, 60 * SECOND); /* ends with the interrupt of before */
	assert_int_equal(adder.waits, 0);
	platform->wait(platform->self, 60 * SECOND); /* ends with the oldest */
	platform->unlock(platform->self);
	assert_true(platform->now(platform->self) - before < SECOND);
	assert_int_equal(adder.waits, 1);
	assert_int_equal(used_index(&bench), 2);
	assert_int_equal(fence_answered(&bench, 1), 1);
	finish(&bench, 0);
}

/* Faults */

static struct bench bench_with_fault(enum vgt_dm_fault fault, uint64_t value)
{
	struct bench bench = bench_ready(NULL);
	vgt_dm_plant(bench.dm, fault,
		&(struct vgt_dm_plan){.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
			.skip = 1,
			.count = 1,
			.value = value});
	get_display_info(&bench);
	assert_int_equal(vgt_dm_struck(bench.dm, fault), 0);
	send_from(&bench, 0, 0, sizeof(struct virtio_gpu_ctrl_hdr));
	vgt_dm_step(bench.dm);
	return bench;
}

static void finish_fault(struct bench *bench, enum vgt_dm_fault fault)
{
	assert_int_equal(vgt_dm_struck(bench->dm, fault), 1);
	finish(bench, 0);
}

static void test_faults_of_used(void **state)
{
	(void)state;
	const struct {
		enum vgt_dm_fault fault;
		uint64_t value;
		uint16_t index;
		uint32_t id, length;
	} cases[] = {
		{VGT_DM_USED_ID, 0x10001, 2, 0x10001, 408},
		{VGT_DM_USED_ID_FREE, 0, 2, 2, 408},
		{VGT_DM_USED_TWICE, 0, 3, 0, 408},
		{VGT_DM_USED_LENGTH, 3, 2, 0, 515},
		{VGT_DM_USED_INDEX, 100, 102, 0, 408},
		{VGT_DM_RESPONSE_SHORT, 5, 2, 0, 5},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct bench bench = bench_with_fault(cases[i].fault, cases[i].value);
		assert_int_equal(used_index(&bench), cases[i].index);
		assert_int_equal(used_element(&bench, 1)[0], cases[i].id);
		assert_int_equal(used_element(&bench, 1)[1], cases[i].length);
		finish_fault(&bench, cases[i].fault);
	}
}

static void test_faults_of_responses(void **state)
{
	(void)state;
	const struct virtio_gpu_ctrl_hdr *hdr;
	struct bench bench = bench_with_fault(VGT_DM_RESPONSE_TYPE, 0x4711);
	hdr = response(&bench);
	assert_int_equal(hdr->type, 0x4711);
	finish_fault(&bench, VGT_DM_RESPONSE_TYPE);

	bench = bench_with_fault(VGT_DM_RESPONSE_FENCE, 77);
	hdr = response(&bench);
	assert_int_equal(hdr->fence_id, 77);
	finish_fault(&bench, VGT_DM_RESPONSE_FENCE);

	bench = bench_with_fault(VGT_DM_RESPONSE_FLAGS, VIRTIO_GPU_FLAG_FENCE);
	hdr = response(&bench);
	assert_int_equal(hdr->flags, VIRTIO_GPU_FLAG_FENCE);
	finish_fault(&bench, VGT_DM_RESPONSE_FLAGS);

	bench = bench_with_fault(VGT_DM_REFUSED, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	hdr = response(&bench);
	assert_int_equal(hdr->type, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(used_element(&bench, 1)[1], sizeof(*hdr));
	finish_fault(&bench, VGT_DM_REFUSED);

	bench = bench_with_fault(VGT_DM_RESPONSE_RANDOM, 1);
	const struct virtio_gpu_resp_display_info *info = response(&bench);
	assert_int_equal(info->hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	assert_true(info->pmodes[15].flags != 0);
	finish_fault(&bench, VGT_DM_RESPONSE_RANDOM);
}

static void test_late_answer(void **state)
{
	(void)state;
	struct bench bench = bench_with_fault(VGT_DM_NO_ANSWER, 0);
	assert_int_equal(used_index(&bench), 1);
	assert_int_equal(vgt_dm_in_flight(bench.dm), 1);
	assert_int_equal(vgt_dm_answer_late(bench.dm), 1);
	assert_int_equal(used_index(&bench), 2);
	finish_fault(&bench, VGT_DM_NO_ANSWER);

	bench = bench_with_fault(VGT_DM_NO_ANSWER, 0);
	reset(&bench);
	assert_int_equal(vgt_dm_answer_late(bench.dm), 0);
	finish_fault(&bench, VGT_DM_NO_ANSWER);
}

static void test_lost_devices(void **state)
{
	(void)state;
	struct bench bench = bench_with_fault(VGT_DM_NEEDS_RESET, 0);
	assert_int_equal(used_index(&bench), 1);
	assert_int_equal(get(&bench, DEVICE_STATUS, 1), 0xf | VIRTIO_STATUS_NEEDS_RESET);
	assert_false(vgt_dm_step(bench.dm));
	finish_fault(&bench, VGT_DM_NEEDS_RESET);

	bench = bench_with_fault(VGT_DM_GONE, 0);
	assert_int_equal(get(&bench, DEVICE_STATUS, 1), 0xff);
	assert_int_equal(config(&bench, 0, 4), UINT32_MAX);
	assert_int_equal(config(&bench, 0, 2), 0xffff);
	bench.platform->dma_free(bench.platform->self, &bench.rings);
	assert_int_equal(vgt_dm_violations(bench.dm), 1);
	vgt_dm_destroy(bench.dm);
}

static void test_faults_of_registers(void **state)
{
	(void)state;
	const struct vgt_dm_plan always = {.count = UINT32_MAX}, once = {.count = 1};
	struct bench bench = bench_with(NULL);
	reset(&bench);
	vgt_dm_plant(bench.dm, VGT_DM_FEATURES_REFUSED, &once);
	negotiate(&bench, FEATURES);
	assert_int_equal(get(&bench, DEVICE_STATUS, 1), 0x3);
	vgt_dm_destroy(bench.dm);

	bench = bench_ready(NULL);
	vgt_dm_plant(bench.dm, VGT_DM_NO_RESET, &always);
	set(&bench, DEVICE_STATUS, 1, 0);
	assert_int_equal(get(&bench, DEVICE_STATUS, 1), 0xf);
	assert_int_equal(get(&bench, DEVICE_STATUS, 1), 0xf);
	vgt_dm_plant(bench.dm, VGT_DM_NO_RESET, NULL);
	vgt_dm_plant(bench.dm, VGT_DM_GENERATION, &always);
	uint32_t first = get(&bench, CONFIG_GENERATION, 1);
	assert_int_not_equal(first, get(&bench, CONFIG_GENERATION, 1));
	vgt_dm_plant(bench.dm, VGT_DM_GENERATION, NULL);
	first = get(&bench, CONFIG_GENERATION, 1);
	assert_int_equal(first, get(&bench, CONFIG_GENERATION, 1));
	vgt_dm_set_num_capsets(bench.dm, 5);
	assert_int_not_equal(first, get(&bench, CONFIG_GENERATION, 1));
	assert_int_equal(read_at(&bench, bench.device + 12, 4), 5);
	vgt_dm_raise_display_event(bench.dm);
	assert_int_equal(read_at(&bench, bench.device, 4), 1);
	write_at(&bench, bench.device + 4, 4, 1);
	assert_int_equal(read_at(&bench, bench.device, 4), 0);
	finish(&bench, 0);
}

static void test_changed_device(void **state)
{
	(void)state;
	struct bench bench = bench_with(NULL);
	const uint32_t at = vgt_dm_capability(bench.dm, 1);
	vgt_dm_patch_config_space(bench.dm, at + 4, 9);
	assert_int_equal(config(&bench, at + 4, 1), 9);
	vgt_dm_set_bar_size(bench.dm, bench.bar, 0x1000);
	assert_int_equal(bench.platform->bar_size(bench.platform->self, bench.bar), 0x1000);
	vgt_dm_set_queue(bench.dm, 0, 4, 3);
	vgt_dm_set_queue(bench.dm, 1, 0, 0);
	vgt_dm_set_features(bench.dm, VIRTIO_F_VERSION_1);
	set(&bench, QUEUE_SELECT, 2, 0);
	assert_int_equal(get(&bench, QUEUE_SIZE, 2), 4);
	assert_int_equal(get(&bench, QUEUE_NOTIFY_OFF, 2), 3);
	set(&bench, QUEUE_SELECT, 2, 1);
	assert_int_equal(get(&bench, QUEUE_SIZE, 2), 0);
	set(&bench, QUEUE_SELECT, 2, 2);
	assert_int_equal(get(&bench, QUEUE_SIZE, 2), 0);
	assert_int_equal(get(&bench, DEVICE_FEATURE, 4), 0);
	/* what it was told wrong it may use wrong, but within the BAR */
	(void)get(&bench, DEVICE_STATUS, 4);
	assert_int_equal(vgt_dm_violations(bench.dm), 0);
	(void)read_at(&bench, bench.device, 4);
	assert_int_equal(vgt_dm_violations(bench.dm), 1);
	vgt_dm_destroy(bench.dm);
}

/* The platform */

static void test_allocations(void **state)
{
	(void)state;
	struct bench bench = bench_with(NULL);
	const struct vgt_platform *platform = bench.platform;
	struct vgt_dma dma;
	uint64_t address;
	vgt_dm_fail_request(bench.dm, 2, 2);
	uint8_t *memory = platform->alloc(platform->self, 100);
	assert_non_null(memory);
	assert_int_equal(memory[99], 0);
	assert_null(platform->alloc(platform->self, 1));
	assert_false(platform->dma_alloc(platform->self, 10000, 8192, &dma));
	assert_null(dma.address);
	assert_true(platform->dma_alloc(platform->self, 10000, 8192, &dma));
	vgt_dm_fail_request(bench.dm, 1, 1);
	assert_false(platform->map(platform->self, NULL, &dma, &address));
	assert_true(platform->map(platform->self, NULL, &dma, &address));
	assert_ptr_equal((void *)(uintptr_t)address, dma.address);
	const struct vgt_dm_usage usage = vgt_dm_usage(bench.dm);
	assert_int_equal(usage.allocations, 1);
	assert_int_equal(usage.bytes, 100);
	assert_int_equal(usage.dmas, 1);
	assert_int_equal(usage.dma_bytes, 10000);
	assert_int_equal(usage.mappings, 1);
	assert_int_equal(usage.requests, 6);
	uint64_t run;
	(void)platform->dma_address(platform->self, &dma, 100, &run);
	assert_int_equal(run, 8092);
	(void)platform->dma_address(platform->self, &dma, 8192, &run);
	assert_int_equal(run, 1808);
	assert_int_equal(vgt_dm_violations(bench.dm), 0);
	vgt_dm_destroy(bench.dm); /* frees what is left */
}

static void change_first_byte(void *context, uint64_t from, size_t size)
{
	(void)from;
	(void)size;
	*(char *)context = 'X';
}

static void test_copies(void **state)
{
	(void)state;
	struct bench bench = bench_with(NULL);
	const struct vgt_platform *platform = bench.platform;
	char caller[16] = "abcdefghijklmno", mine[16] = {0};
	const uint64_t at = (uintptr_t)caller;
	vgt_dm_watch_copies(bench.dm, true);
	assert_true(platform->copy_in(platform->self, NULL, mine, at, 4));
	assert_true(platform->copy_in(platform->self, NULL, mine + 4, at + 4, 12));
	assert_int_equal(vgt_dm_bytes_read_twice(bench.dm), 0);
	assert_memory_equal(mine, caller, sizeof(mine));
	assert_true(platform->copy_in(platform->self, NULL, mine, at + 3, 2));
	assert_int_equal(vgt_dm_bytes_read_twice(bench.dm), 2);
	assert_true(platform->copy_out(platform->self, NULL, at, "ABCD", 4));
	assert_int_equal(vgt_dm_bytes_written_twice(bench.dm), 0);
	assert_memory_equal(caller, "ABCDe", 5);

	assert_false(platform->copy_in(platform->self, NULL, mine, 16, 4));
	assert_false(platform->copy_in(platform->self, NULL, mine, UINT64_MAX - 1, 4));
	assert_true(platform->copy_in(platform->self, NULL, mine, 0, 0));
	vgt_dm_bad_memory(bench.dm, at + 8, 1, true, false);
	assert_true(platform->copy_in(platform->self, NULL, mine, at, 8));
	assert_false(platform->copy_in(platform->self, NULL, mine, at, 9));
	assert_true(platform->copy_out(platform->self, NULL, at, mine, 9));
	vgt_dm_bad_memory(bench.dm, 0, 0, false, false);
	vgt_dm_caller_memory(bench.dm, at, 8);
	assert_true(platform->copy_in(platform->self, NULL, mine, at, 8));
	assert_false(platform->copy_in(platform->self, NULL, mine, at + 1, 8));

	vgt_dm_on_copy_in(bench.dm, change_first_byte, caller);
	assert_true(platform->copy_in(platform->self, NULL, mine, at, 8));
	assert_int_equal(mine[0], 'A');
	assert_int_equal(caller[0], 'X');
	assert_int_equal(vgt_dm_violations(bench.dm), 0);
	vgt_dm_destroy(bench.dm);
}

static void count_wait(void *context)
{
	struct bench *bench = context;
	bench->used++;
	/* the lock is free meanwhile */
	bench->platform->lock(bench->platform->self);
	bench->platform->unlock(bench->platform->self);
}

static void test_clock(void **state)
{
	(void)state;
	struct bench bench = bench_ready(NULL);
	const struct vgt_platform *platform = bench.platform;
	uint64_t begin = platform->now(platform->self);
	platform->lock(platform->self);
	platform->wait(platform->self, 30 * SECOND); /* nothing to do */
	assert_true(platform->now(platform->self) - begin >= 30 * SECOND);
	begin = platform->now(platform->self);
	(void)table_of(&bench);
	offer_table(&bench);
	vgt_dm_on_wait(bench.dm, count_wait, &bench);
	platform->wait(platform->self, 30 * SECOND); /* the device works */
	assert_int_equal(bench.used, 1);
	assert_int_equal(used_index(&bench), 1);
	platform->wake(platform->self);
	platform->wait(platform->self, 30 * SECOND);
	assert_true(platform->now(platform->self) - begin < SECOND);
	vgt_dm_advance(bench.dm, SECOND);
	assert_true(platform->now(platform->self) - begin >= SECOND);
	platform->unlock(platform->self);
	finish(&bench, 0);
}

/* A device that is a thread: the rings are all that orders its memory and the driver's. */
static void run_threaded(uint64_t features)
{
	struct bench bench =
		bench_ready_with(&(struct vgt_dm_options){.threaded = true}, features);
	const struct vgt_platform *platform = bench.platform;
	vgt_dm_set_fences(bench.dm, VGT_DM_FENCES_LATER, 1);
	platform->lock(platform->self);
	for (uint16_t i = 0; i < 500; i++) {
		struct virtio_gpu_ctrl_hdr hdr = HEADER(GET_DISPLAY_INFO, 0);
		hdr.flags = i % 2 ? VIRTIO_GPU_FLAG_FENCE : 0;
		memcpy(bench.memory.address, &hdr, sizeof(hdr));
		memset((uint8_t *)bench.memory.address + RESPONSE_AT, 0, 512);
		send_from(&bench, 0, 0, sizeof(hdr));
		while (used_index(&bench) != (uint16_t)(i + 1)) {
			set_used_event(&bench, i);
			if (used_index(&bench) == i) {
				platform->wait(platform->self, 60 * SECOND);
			}
		}
		const struct virtio_gpu_resp_display_info *info = response(&bench);
		assert_int_equal(info->hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
		assert_int_equal(info->hdr.flags, hdr.flags);
	}
	platform->unlock(platform->self);
	finish(&bench, 0);
}

static void test_threaded(void **state)
{
	(void)state;
	run_threaded(FEATURES);
	run_threaded(EVENT_FEATURES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_driver),
		cmocka_unit_test(test_each_violation_is_found),
		cmocka_unit_test(test_indirect_and_polling),
		cmocka_unit_test(test_no_notification_no_work),
		cmocka_unit_test(test_events_polling),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_and_flags),
		cmocka_unit_test(test_contexts_and_resources),
		cmocka_unit_test(test_transfers),
		cmocka_unit_test(test_capsets),
		cmocka_unit_test(test_submit),
		cmocka_unit_test(test_scanout),
		cmocka_unit_test(test_another_executor),
		cmocka_unit_test(test_fences_held),
		cmocka_unit_test(test_fences_later_and_reversed),
		cmocka_unit_test(test_fences_of_executor),
		cmocka_unit_test(test_faults_of_used),
		cmocka_unit_test(test_faults_of_responses),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_lost_devices),
		cmocka_unit_test(test_faults_of_registers),
		cmocka_unit_test(test_changed_device),
		cmocka_unit_test(test_allocations),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_threaded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
