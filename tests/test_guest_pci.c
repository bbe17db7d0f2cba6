/* SPDX-License-Identifier: MIT */
#include "virtio_pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/*
 * A device that is registers and nothing else. Each access must lie within a BAR, be aligned,
 * and hit a field of common_fields with its width: what does not is counted.
 */

#define COMMON_AT 0x1000u
#define NOTIFY_AT 0x3000u
#define DEVICE_AT 0x2000u
#define BAR       4u
#define BAR_SIZE  0x4000u

#define COMMON_CAP 0x40u
#define NOTIFY_CAP 0x54u
#define DEVICE_CAP 0x70u
#define EXTRA_CAP  0x90u /* in no list yet */

#define ALL_FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | 3u)

struct queue {
	uint16_t size, notify_off, enabled;
	uint32_t desc[2], driver[2], device[2];
};

static struct fake {
	uint8_t config[256];
	uint64_t bar_size[6];
	uint64_t features; /* offered */
	uint32_t device_select, driver_select;
	uint32_t driver_features[2];
	uint8_t status;
	uint16_t queue_select;
	struct queue queues[2];
	uint32_t device_config[4];
	uint8_t generation;
	/* what it does wrong */
	bool refuses_features, is_gone, needs_reset_early;
	uint32_t reads_until_reset; /* UINT32_MAX: never done */
	bool resetting;
	uint32_t generation_changes; /* so many reads of the configuration are torn */
	/* what was seen */
	uint32_t config_reads, device_reads, waits;
	uint32_t notified[4], notifications;
	uint64_t notified_at;
	uint8_t statuses[16];
	uint32_t status_writes;
	uint64_t now;
} fake;
static uint32_t bad_accesses; /* of a whole test */

static uint32_t all_set(uint32_t width)
{
	return width == 4 ? UINT32_MAX : (1u << 8 * width) - 1;
}

static uint32_t fake_config_read(void *self, uint32_t offset, uint32_t width)
{
	struct fake *const of = self;
	uint32_t value = 0;
	of->config_reads++;
	if (offset > sizeof(of->config) - width || of->is_gone) {
		return all_set(width);
	}
	memcpy(&value, of->config + offset, width);
	return value;
}

static uint64_t fake_bar_size(void *self, uint32_t bar)
{
	struct fake *const of = self;
	assert_in_range(bar, 0, 5);
	return of->bar_size[bar];
}

/* The 32-bit half of an address of a queue at this offset; NULL: there is none. */
static uint32_t *address_half(struct queue *queue, uint64_t offset)
{
	if (offset < 32 || offset >= 56 || offset % 4) {
		return NULL;
	}
	uint32_t *const parts[] = {queue->desc, queue->driver, queue->device};
	return &parts[(offset - 32) / 8][offset / 4 % 2];
}

static uint8_t read_status(struct fake *of)
{
	if (of->resetting && of->reads_until_reset != UINT32_MAX && !of->reads_until_reset--) {
		of->resetting = false;
		of->status = 0;
	}
	return of->status;
}

static uint32_t common_read(struct fake *of, uint64_t offset, uint32_t width)
{
	static const struct queue none;
	const struct queue *const queue =
		of->queue_select < COUNT(of->queues) ? &of->queues[of->queue_select] : &none;
	switch (offset << 8 | width) {
	case 4 << 8 | 4:
		return of->device_select > 1
			       ? 0
			       : (uint32_t)(of->features >> 32 * of->device_select);
	case 20 << 8 | 1:
		return read_status(of);
	case 21 << 8 | 1:
		return of->generation;
	case 24 << 8 | 2:
		return queue->size;
	case 30 << 8 | 2:
		return queue->notify_off;
	default:
		bad_accesses++;
		return 0;
	}
}

static uint32_t fake_bar_read(void *self, uint32_t bar, uint64_t offset, uint32_t width)
{
	struct fake *const of = self;
	if (of->is_gone) {
		return all_set(width);
	}
	if (bar == BAR && offset >= COMMON_AT && offset < COMMON_AT + 56) {
		return common_read(of, offset - COMMON_AT, width);
	}
	if (bar != BAR || width != 4 || offset % 4 || offset < DEVICE_AT ||
		offset >= DEVICE_AT + sizeof(of->device_config)) {
		bad_accesses++;
		return 0;
	}
	of->device_reads++;
	if (of->generation_changes) {
		of->generation_changes--;
		of->generation++;
		of->device_config[(offset - DEVICE_AT) / 4]++;
	}
	return of->device_config[(offset - DEVICE_AT) / 4];
}

static void write_status(struct fake *of, uint32_t value)
{
	if (of->status_writes < COUNT(of->statuses)) {
		of->statuses[of->status_writes++] = (uint8_t)value;
	}
	if (value == 0) {
		of->resetting = true;
		return;
	}
	/* section 2.1.1: no bit is cleared */
	bad_accesses += (of->status & ~value) != 0;
	of->status = (uint8_t)value;
	if (of->refuses_features) {
		of->status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	}
	if (of->needs_reset_early) {
		of->status |= VIRTIO_STATUS_NEEDS_RESET;
	}
}

static void common_write(struct fake *of, uint64_t offset, uint32_t width, uint32_t value)
{
	struct queue *const queue = &of->queues[of->queue_select % COUNT(of->queues)];
	uint32_t *const half = address_half(queue, offset);
	if (width == 4 && half) {
		*half = value;
		return;
	}
	switch (offset << 8 | width) {
	case 0 << 8 | 4:
		of->device_select = value;
		break;
	case 8 << 8 | 4:
		of->driver_select = value;
		break;
	case 12 << 8 | 4:
		of->driver_features[of->driver_select % 2] = value;
		break;
	case 20 << 8 | 1:
		write_status(of, value);
		break;
	case 22 << 8 | 2:
		of->queue_select = (uint16_t)value;
		break;
	case 24 << 8 | 2:
		queue->size = (uint16_t)value;
		break;
	case 28 << 8 | 2:
		queue->enabled = (uint16_t)value;
		break;
	default:
		bad_accesses++;
	}
}

static void fake_bar_write(
	void *self, uint32_t bar, uint64_t offset, uint32_t width, uint32_t value)
{
	struct fake *const of = self;
	const bool within = bar < 6 && offset + width <= of->bar_size[bar];
	if (bar == BAR && offset >= COMMON_AT && offset < COMMON_AT + 56) {
		common_write(of, offset - COMMON_AT, width, value);
	} else if (within && width == 2 && offset % 2 == 0 && value < COUNT(of->notified)) {
		of->notified[value]++;
		of->notifications++;
		of->notified_at = offset;
	} else {
		bad_accesses++;
	}
}

static uint64_t fake_now(void *self)
{
	return ((struct fake *)self)->now;
}

static void fake_wait(void *self, uint64_t timeout_ns)
{
	struct fake *const of = self;
	of->waits++;
	of->now += timeout_ns;
	assert_int_not_equal(timeout_ns, 0);
}

static const struct vgt_platform platform = {
	.self = &fake,
	.config_read = fake_config_read,
	.bar_size = fake_bar_size,
	.bar_read = fake_bar_read,
	.bar_write = fake_bar_write,
	.now = fake_now,
	.wait = fake_wait,
};

static void put(uint32_t offset, uint32_t width, uint32_t value)
{
	memcpy(fake.config + offset, &value, width);
}

static void put_cap(uint32_t at, uint8_t next, uint8_t type, uint32_t offset, uint32_t length)
{
	put(at, 1, 9);
	put(at + 1, 1, next);
	put(at + 2, 1, type == 2 ? 20 : 16);
	put(at + 3, 1, type);
	put(at + 4, 1, BAR);
	put(at + 8, 4, offset);
	put(at + 12, 4, length);
	if (type == 2) {
		put(at + 16, 4, 4); /* the multiplier */
	}
}

/* Laid out as QEMU's device is. */
static int begin(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	put(0, 2, VIRTIO_PCI_VENDOR);
	put(2, 2, VIRTIO_PCI_DEVICE_GPU);
	put(6, 2, 0x10);
	put(0x34, 1, COMMON_CAP);
	put_cap(COMMON_CAP, NOTIFY_CAP, 1, COMMON_AT, 0x1000);
	put_cap(NOTIFY_CAP, DEVICE_CAP, 2, NOTIFY_AT, 0x1000);
	put_cap(DEVICE_CAP, 0, 4, DEVICE_AT, 0x1000);
	fake.bar_size[BAR] = BAR_SIZE;
	fake.features = ALL_FEATURES;
	fake.queues[0] = (struct queue){.size = 256, .notify_off = 0};
	fake.queues[1] = (struct queue){.size = 16, .notify_off = 1};
	fake.device_config[2] = 1;
	fake.device_config[3] = 2;
	fake.now = UINT64_MAX - 500; /* the clock may wrap */
	return 0;
}

static void find(struct vgt_virtio_pci *pci)
{
	begin(NULL);
	assert_true(vgt_virtio_pci_find(pci, &platform));
}

static int no_bad_accesses(void **state)
{
	(void)state;
	const uint32_t bad = bad_accesses;
	bad_accesses = 0;
	return bad == 0 ? 0 : -1;
}

static void test_sound_device(void **state)
{
	(void)state;
	struct vgt_virtio_pci pci;
	find(&pci);
	fake.status = 0xf;
	assert_true(vgt_virtio_pci_reset(&pci, 1000));
	const uint64_t wanted = VIRTIO_F_INDIRECT_DESC | 1 | 1u << 4;
	assert_true(vgt_virtio_pci_negotiate(&pci, wanted, 1));
	const uint64_t agreed = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | 1;
	assert_true(vgt_virtio_pci_features(&pci) == agreed);
	assert_int_equal(fake.driver_features[0], (uint32_t)agreed);
	assert_int_equal(fake.driver_features[1], 1);
	assert_int_equal(vgt_virtio_pci_queue_size(&pci, 0), 256);
	assert_int_equal(vgt_virtio_pci_queue_size(&pci, 1), 16);
	assert_int_equal(vgt_virtio_pci_queue_size(&pci, 2), 0);
	assert_true(vgt_virtio_pci_queue_enable(&pci, 0, 64, UINT64_C(0x123456789a000),
		UINT64_C(0x223456789b000), UINT64_C(0x323456789c000)));
	assert_true(vgt_virtio_pci_queue_enable(&pci, 1, 16, 1, 2, 3));
	assert_false(vgt_virtio_pci_queue_enable(&pci, 2, 16, 1, 2, 3));
	const struct queue control = {.size = 64,
		.enabled = 1,
		.desc = {0x6789a000, 0x12345},
		.driver = {0x6789b000, 0x22345},
		.device = {0x6789c000, 0x32345}};
	assert_memory_equal(&fake.queues[0], &control, sizeof(control));
	assert_int_equal(fake.queues[1].enabled, 1);
	vgt_virtio_pci_ready(&pci);
	assert_false(vgt_virtio_pci_is_lost(&pci));
	vgt_virtio_pci_queue_notify(&pci, 0);
	assert_true(fake.notified[0] == 1 && fake.notified_at == NOTIFY_AT);
	vgt_virtio_pci_queue_notify(&pci, 1);
	assert_true(fake.notified[1] == 1 && fake.notified_at == NOTIFY_AT + 4);
	static const uint8_t statuses[] = {0, 1, 3, 11, 15};
	assert_int_equal(fake.status_writes, sizeof(statuses));
	assert_memory_equal(fake.statuses, statuses, sizeof(statuses));
	vgt_virtio_pci_fail(&pci);
	assert_int_equal(fake.status, 15 | VIRTIO_STATUS_FAILED);
}

/* What is wrong with the configuration space; where it says so, still good enough. */
struct damage {
	const char *what;
	struct {
		uint32_t offset, width, value;
	} writes[4];       /* width 0: none */
	uint64_t bar_size; /* 0: as it is */
	bool is_found;
};

static const struct damage damages[] = {
	{"nothing", {{0}}, 0, true},
	{"another vendor", {{0, 2, 0x8086}}, 0, false},
	{"a transitional device", {{2, 2, 0x1010}}, 0, false},
	{"another virtio device", {{2, 2, 0x1041}}, 0, false},
	{"no capability list", {{6, 2, 0}}, 0, false},
	{"an empty list", {{0x34, 1, 0}}, 0, false},
	{"a list in the header", {{0x34, 1, 0x3c}, {0x3c, 2, COMMON_CAP << 8 | 5}}, 0, false},
	{"reserved bits set in pointers",
		{{0x34, 1, COMMON_CAP | 3}, {COMMON_CAP + 1, 1, NOTIFY_CAP | 1}}, 0, true},
	{"a loop of one", {{COMMON_CAP + 1, 1, COMMON_CAP}}, 0, false},
	{"a loop of all", {{DEVICE_CAP + 1, 1, COMMON_CAP}}, 0, true},
	{"a loop without the last", {{NOTIFY_CAP + 1, 1, COMMON_CAP}}, 0, false},
	{"a pointer to the end", {{0x34, 1, 0xfc}, {0xfc, 1, 9}, {0xfd, 1, COMMON_CAP}}, 0,
		true},
	{"a capability over the end",
		{{0x34, 1, 0xf4}, {0xf4, 4, 0x01101009 | COMMON_CAP << 8}}, 0, false},
	{"a list that ends early", {{COMMON_CAP + 1, 1, 0}}, 0, false},
	{"another capability first",
		{{0x34, 1, EXTRA_CAP}, {EXTRA_CAP, 2, COMMON_CAP << 8 | 5}}, 0, true},
	{"no common structure", {{COMMON_CAP, 1, 5}}, 0, false},
	{"no notifications", {{NOTIFY_CAP + 3, 1, 3}}, 0, false},
	{"no configuration", {{DEVICE_CAP + 3, 1, 5}}, 0, false},
	{"a type unknown", {{COMMON_CAP + 3, 1, 0xff}}, 0, false},
	{"a capability too short", {{COMMON_CAP + 2, 1, 15}}, 0, false},
	{"a longer capability", {{COMMON_CAP + 2, 1, 40}}, 0, true},
	{"a capability longer than the space", {{DEVICE_CAP + 2, 1, 0x91}}, 0, false},
	{"one that ends with the space", {{DEVICE_CAP + 2, 1, 0x90}}, 0, true},
	{"no multiplier", {{NOTIFY_CAP + 2, 1, 19}}, 0, false},
	{"an odd multiplier", {{NOTIFY_CAP + 16, 4, 3}}, 0, false},
	{"multiplier 0", {{NOTIFY_CAP + 16, 4, 0}}, 0, true},
	{"BAR 6", {{COMMON_CAP + 4, 1, 6}}, 0, false},
	{"BAR 255", {{NOTIFY_CAP + 4, 1, 255}}, 0, false},
	{"a BAR that is not there", {{DEVICE_CAP + 4, 1, 0}}, 0, false},
	{"a length too small", {{COMMON_CAP + 12, 4, 55}}, 0, false},
	{"the least length", {{COMMON_CAP + 12, 4, 56}}, 0, true},
	{"notifications of one byte", {{NOTIFY_CAP + 12, 4, 1}}, 0, false},
	{"the least notifications", {{NOTIFY_CAP + 12, 4, 2}}, 0, true},
	{"a short configuration", {{DEVICE_CAP + 12, 4, 15}}, 0, false},
	{"the least configuration", {{DEVICE_CAP + 12, 4, 16}}, 0, true},
	{"length 0", {{DEVICE_CAP + 12, 4, 0}}, 0, false},
	{"the end of the BAR", {{NOTIFY_CAP + 12, 4, 0x1001}}, 0, false},
	{"a smaller BAR", {{0}}, BAR_SIZE - 1, false},
	{"no BAR", {{0}}, 1, false},
	{"behind the BAR", {{COMMON_CAP + 8, 4, BAR_SIZE}}, 0, false},
	{"an overflow of 32 bits",
		{{COMMON_CAP + 8, 4, 0xfffff000}, {COMMON_CAP + 12, 4, 0x2000}}, 0, false},
	{"the most", {{COMMON_CAP + 8, 4, UINT32_MAX}, {COMMON_CAP + 12, 4, UINT32_MAX}}, 0,
		false},
	{"a common structure not aligned", {{COMMON_CAP + 8, 4, COMMON_AT + 2}}, 0, false},
	{"notifications not aligned", {{NOTIFY_CAP + 8, 4, NOTIFY_AT - 1}}, 0, false},
	{"notifications aligned", {{NOTIFY_CAP + 8, 4, NOTIFY_AT - 2}}, 0, true},
	{"a configuration not aligned", {{DEVICE_CAP + 8, 4, DEVICE_AT + 2}}, 0, false},
	{"ones everywhere", {{6, 4, UINT32_MAX}, {COMMON_CAP, 4, UINT32_MAX}}, 0, false},
};

static void test_damaged_capabilities(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(damages); i++) {
		const struct damage *const damage = &damages[i];
		begin(NULL);
		for (size_t k = 0; k < COUNT(damage->writes); k++) {
			put(damage->writes[k].offset, damage->writes[k].width,
				damage->writes[k].value);
		}
		if (damage->bar_size) {
			fake.bar_size[BAR] = damage->bar_size;
		}
		struct vgt_virtio_pci pci;
		if (vgt_virtio_pci_find(&pci, &platform) != damage->is_found) {
			fail_msg("%s: should%s be found", damage->what,
				damage->is_found ? "" : " not");
		}
		assert_in_range(fake.config_reads, 1, 48 * 10);
	}
}

/* Each byte of the space, each value: it ends, and what is found lies where it may. */
static void test_every_byte(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < sizeof(fake.config); offset++) {
		for (uint32_t value = 0; value < 256; value++) {
			begin(NULL);
			put(offset, 1, value);
			struct vgt_virtio_pci pci;
			if (!vgt_virtio_pci_find(&pci, &platform)) {
				continue;
			}
			const struct vgt_virtio_region *const regions[] = {
				&pci.common, &pci.notify, &pci.device};
			for (size_t i = 0; i < COUNT(regions); i++) {
				assert_int_equal(regions[i]->bar, BAR);
				assert_true(
					regions[i]->length &&
					regions[i]->offset + regions[i]->length <= BAR_SIZE);
			}
			assert_in_range(fake.config_reads, 1, 48 * 10);
		}
	}
}

/* The first that is sound, neither an unsound one before it nor another behind it. */
static void test_first_sound_one(void **state)
{
	(void)state;
	struct vgt_virtio_pci pci;
	begin(NULL);
	put(0x34, 1, EXTRA_CAP);
	put_cap(EXTRA_CAP, COMMON_CAP, 1, COMMON_AT, BAR_SIZE);
	assert_true(vgt_virtio_pci_find(&pci, &platform));
	assert_int_equal(pci.common.length, 0x1000);
	begin(NULL);
	put(DEVICE_CAP + 1, 1, EXTRA_CAP);
	put_cap(EXTRA_CAP, 0xb0, 1, 0, 0x100);
	put_cap(0xb0, 0xd0, 2, 0x100, 0x100);
	put_cap(0xd0, 0, 4, 0x200, 0x100);
	put(0xb0 + 16, 4, 2);
	assert_true(vgt_virtio_pci_find(&pci, &platform));
	assert_int_equal(pci.common.offset, COMMON_AT);
	assert_int_equal(pci.notify.offset, NOTIFY_AT);
	assert_int_equal(pci.notify_multiplier, 4);
	assert_int_equal(pci.device.offset, DEVICE_AT);
}

static void test_gone_before(void **state)
{
	(void)state;
	struct vgt_virtio_pci pci;
	begin(NULL);
	fake.is_gone = true;
	assert_false(vgt_virtio_pci_find(&pci, &platform));
}

static void test_reset(void **state)
{
	(void)state;
	static const struct {
		uint32_t reads;
		uint64_t timeout_ns;
		bool is_done;
		uint32_t waits;
	} cases[] = {
		{0, 0, true, 0},
		{1, 0, false, 0},
		{3, UINT64_C(10000000), true, 3},
		{9, UINT64_MAX, true, 9},
		{UINT32_MAX, 0, false, 0},
		{UINT32_MAX, 1, false, 1},
		{UINT32_MAX, 999999, false, 1},
		{UINT32_MAX, UINT64_C(10000001), false, 11},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vgt_virtio_pci pci;
		find(&pci);
		fake.status = 0x4f;
		fake.reads_until_reset = cases[i].reads;
		const uint64_t begun = fake.now;
		assert_int_equal(
			vgt_virtio_pci_reset(&pci, cases[i].timeout_ns), cases[i].is_done);
		assert_int_equal(fake.waits, cases[i].waits);
		assert_true(fake.now - begun <= cases[i].timeout_ns);
		assert_int_equal(fake.status_writes, 1);
	}
	struct vgt_virtio_pci pci;
	find(&pci);
	fake.is_gone = true;
	assert_false(vgt_virtio_pci_reset(&pci, 5000000));
}

static void test_features_that_fail(void **state)
{
	(void)state;
	static const struct {
		uint64_t offered, needed;
		bool refuses, needs_reset;
	} cases[] = {
		{ALL_FEATURES & ~VIRTIO_F_VERSION_1, 0, false, false},
		{ALL_FEATURES & ~UINT64_C(1), 1, false, false},
		{0, 0, false, false},
		{ALL_FEATURES, UINT64_C(1) << 40, false, false},
		{ALL_FEATURES, 1, true, false},
		{ALL_FEATURES, 1, false, true},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vgt_virtio_pci pci;
		find(&pci);
		fake.features = cases[i].offered;
		fake.refuses_features = cases[i].refuses;
		fake.needs_reset_early = cases[i].needs_reset;
		assert_false(vgt_virtio_pci_negotiate(&pci, ALL_FEATURES, cases[i].needed));
		assert_true(fake.status & VIRTIO_STATUS_FAILED);
		assert_true(vgt_virtio_pci_features(&pci) == 0);
	}
	struct vgt_virtio_pci pci;
	find(&pci);
	fake.is_gone = true;
	assert_false(vgt_virtio_pci_negotiate(&pci, ALL_FEATURES, 1));
	assert_true(vgt_virtio_pci_is_lost(&pci));
	bad_accesses = 0; /* nobody is there to clear a bit */
}

static void test_needed_is_wanted(void **state)
{
	(void)state;
	struct vgt_virtio_pci pci;
	find(&pci);
	assert_true(vgt_virtio_pci_negotiate(&pci, 0, 2));
	assert_true(vgt_virtio_pci_features(&pci) == (VIRTIO_F_VERSION_1 | 2));
}

static void test_queue_sizes(void **state)
{
	(void)state;
	static const uint16_t sizes[][2] = {{0, 0}, {1, 1}, {2, 2}, {3, 2}, {100, 64},
		{1024, 1024}, {32768, 32768}, {65535, 32768}};
	struct vgt_virtio_pci pci;
	find(&pci);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		fake.queues[1].size = sizes[i][0];
		assert_int_equal(vgt_virtio_pci_queue_size(&pci, 1), sizes[i][1]);
	}
}

/* Notifications never go anywhere but into the structure for them. */
static void test_notify_offsets(void **state)
{
	(void)state;
	static const struct {
		uint32_t multiplier, length;
		uint16_t notify_off;
		bool is_within;
	} cases[] = {
		{4, 0x1000, 0, true}, {4, 0x1000, 0x3ff, true}, {4, 0x1000, 0x400, false},
		{4, 0x1000, 0xffff, false}, {2, 0x1000, 0x7ff, true}, {2, 0x1000, 0x800, false},
		{0, 2, 0xffff, true}, {0x1000, 0x1000, 0, true}, {0x1000, 0x1000, 1, false},
		{4, 6, 1, true}, {4, 5, 1, false}, {0xfffffffe, 0x1000, 0xffff, false},
		{0x80000000, 0x1000, 2, false}, /* 0 in 32 bits */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(NULL);
		put(NOTIFY_CAP + 12, 4, cases[i].length);
		put(NOTIFY_CAP + 16, 4, cases[i].multiplier);
		fake.queues[0].notify_off = cases[i].notify_off;
		struct vgt_virtio_pci pci;
		assert_true(vgt_virtio_pci_find(&pci, &platform));
		assert_int_equal(
			vgt_virtio_pci_queue_enable(&pci, 0, 2, 1, 2, 3), cases[i].is_within);
		assert_int_equal(fake.queues[0].enabled, cases[i].is_within);
		if (cases[i].is_within) {
			/* it is read once: what the device says later does not count */
			fake.queues[0].notify_off = 0xffff;
			vgt_virtio_pci_queue_notify(&pci, 0);
			assert_int_equal(fake.notified_at,
				NOTIFY_AT + cases[i].notify_off * cases[i].multiplier);
		}
	}
}

static void test_config(void **state)
{
	(void)state;
	struct vgt_virtio_pci pci;
	begin(NULL);
	put(DEVICE_CAP + 12, 4, 19);
	assert_true(vgt_virtio_pci_find(&pci, &platform));
	assert_int_equal(vgt_virtio_pci_config(&pci, 8), 1);
	assert_int_equal(vgt_virtio_pci_config(&pci, 12), 2);
	fake.device_reads = 0;
	static const uint32_t outside[] = {1, 2, 13, 16, 20, 0xfffffffc, UINT32_MAX};
	for (size_t i = 0; i < COUNT(outside); i++) {
		assert_int_equal(vgt_virtio_pci_config(&pci, outside[i]), 0);
	}
	assert_int_equal(fake.device_reads, 0);
	/* what is torn is read again */
	fake.generation_changes = 3;
	assert_int_equal(vgt_virtio_pci_config(&pci, 12), 5);
	assert_int_equal(fake.device_reads, 4);
	/* but not for ever */
	fake.generation_changes = UINT32_MAX;
	fake.device_reads = 0;
	vgt_virtio_pci_config(&pci, 12);
	assert_int_equal(fake.device_reads, 100);
}

static void test_lost(void **state)
{
	(void)state;
	struct vgt_virtio_pci pci;
	find(&pci);
	fake.status = 0xf;
	assert_false(vgt_virtio_pci_is_lost(&pci));
	fake.status = 0xf | VIRTIO_STATUS_NEEDS_RESET;
	assert_true(vgt_virtio_pci_is_lost(&pci));
	fake.status = 0xf;
	fake.is_gone = true;
	assert_true(vgt_virtio_pci_is_lost(&pci));
}

/* The control: what the fake device is to find, it finds. */
static void test_bad_accesses_are_found(void **state)
{
	(void)state;
	begin(NULL);
	fake.status = 3;
	fake_bar_write(&fake, BAR, COMMON_AT + 20, 1, 1);   /* clears a bit */
	fake_bar_write(&fake, BAR, COMMON_AT + 32, 8, 0);   /* 64 bits at once */
	fake_bar_write(&fake, BAR, BAR_SIZE, 2, 0);         /* behind the BAR */
	(void)fake_bar_read(&fake, BAR, COMMON_AT + 20, 4); /* another width */
	(void)fake_bar_read(&fake, 0, DEVICE_AT, 4);        /* another BAR */
	assert_int_equal(no_bad_accesses(NULL), -1);
	assert_int_equal(no_bad_accesses(NULL), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, no_bad_accesses)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sound_device),
		TEST(test_damaged_capabilities),
		TEST(test_every_byte),
		TEST(test_first_sound_one),
		TEST(test_gone_before),
		TEST(test_reset),
		TEST(test_features_that_fail),
		TEST(test_needed_is_wanted),
		TEST(test_queue_sizes),
		TEST(test_notify_offsets),
		TEST(test_config),
		TEST(test_lost),
		cmocka_unit_test(test_bad_accesses_are_found),
	};
	return cmocka_run_group_tests_name("guest_pci", tests, NULL, NULL);
}
