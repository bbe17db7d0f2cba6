/* SPDX-License-Identifier: MIT */
#include "virtio_pci.h"

/* PCI Local Bus Specification 3.0, 6.1 and 6.7 */
enum {
	PCI_VENDOR_ID = 0x00,
	PCI_DEVICE_ID = 0x02,
	PCI_STATUS = 0x06,
	PCI_CAPABILITY_LIST = 0x34,
	PCI_CONFIG_HEADER_SIZE = 0x40, /* capabilities lie behind it */
	PCI_CONFIG_SIZE = 0x100,
};
#define PCI_STATUS_CAP_LIST 0x10u
#define PCI_CAP_ID_VNDR     0x09u
#define PCI_CAPS_MAX        ((PCI_CONFIG_SIZE - PCI_CONFIG_HEADER_SIZE) / 4) /* 48 */
#define PCI_BARS            6u

/* struct virtio_pci_cap, section 4.1.4 */
enum {
	CAP_VNDR = 0,
	CAP_NEXT = 1,
	CAP_LEN = 2,
	CAP_CFG_TYPE = 3,
	CAP_BAR = 4,
	CAP_OFFSET = 8,
	CAP_LENGTH = 12,
	CAP_SIZE = 16,
	CAP_NOTIFY_OFF_MULTIPLIER = 16,
	CAP_NOTIFY_SIZE = 20,
};

enum {
	VIRTIO_PCI_CAP_COMMON_CFG = 1,
	VIRTIO_PCI_CAP_NOTIFY_CFG = 2,
	VIRTIO_PCI_CAP_DEVICE_CFG = 4,
};

/* struct virtio_pci_common_cfg, section 4.1.4.3 */
enum {
	DEVICE_FEATURE_SELECT = 0,
	DEVICE_FEATURE = 4,
	DRIVER_FEATURE_SELECT = 8,
	DRIVER_FEATURE = 12,
	DEVICE_STATUS = 20,
	CONFIG_GENERATION = 21,
	QUEUE_SELECT = 22,
	QUEUE_SIZE = 24,
	QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30,
	QUEUE_DESC = 32,
	QUEUE_DRIVER = 40,
	QUEUE_DEVICE = 48,
	COMMON_CFG_SIZE = 56,
};

#define NOTIFY_SIZE     2u  /* bytes of a notification */
#define DEVICE_CFG_SIZE 16u /* struct virtio_gpu_config */
#define CONFIG_TRIES    100
#define RESET_POLL_NS   UINT64_C(1000000)

/* What makes a capability sound that says where a structure lies. */
struct kind {
	uint32_t cap_size, align, length_min;
};
static const struct kind common_kind = {CAP_SIZE, 4, COMMON_CFG_SIZE};
static const struct kind notify_kind = {CAP_NOTIFY_SIZE, NOTIFY_SIZE, NOTIFY_SIZE};
static const struct kind device_kind = {CAP_SIZE, 4, DEVICE_CFG_SIZE};

static uint32_t pci_read(const struct vgt_platform *platform, uint32_t offset, uint32_t width)
{
	return platform->config_read(platform->self, offset, width);
}

/* False, with nothing changed, where the region is known already or this is not sound. */
static bool take_region(const struct vgt_platform *platform, uint32_t at,
	const struct kind *kind, struct vgt_virtio_region *region)
{
	const uint32_t cap_size = pci_read(platform, at + CAP_LEN, 1);
	const uint32_t bar = pci_read(platform, at + CAP_BAR, 1);
	const uint32_t offset = pci_read(platform, at + CAP_OFFSET, 4);
	const uint32_t length = pci_read(platform, at + CAP_LENGTH, 4);
	if (region->length || cap_size < kind->cap_size || cap_size > PCI_CONFIG_SIZE - at ||
		bar >= PCI_BARS || offset % kind->align || length < kind->length_min ||
		(uint64_t)offset + length > platform->bar_size(platform->self, bar)) {
		return false;
	}
	*region = (struct vgt_virtio_region){.bar = bar, .offset = offset, .length = length};
	return true;
}

static void take_cap(struct vgt_virtio_pci *pci, uint32_t at)
{
	const struct vgt_platform *const platform = pci->platform;
	const uint32_t multiplier = pci_read(platform, at + CAP_NOTIFY_OFF_MULTIPLIER, 4);
	switch (pci_read(platform, at + CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		take_region(platform, at, &common_kind, &pci->common);
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		if (multiplier % NOTIFY_SIZE == 0 &&
			take_region(platform, at, &notify_kind, &pci->notify)) {
			pci->notify_multiplier = multiplier;
		}
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		take_region(platform, at, &device_kind, &pci->device);
		break;
	}
}

static void take_caps(struct vgt_virtio_pci *pci)
{
	const struct vgt_platform *const platform = pci->platform;
	if (!(pci_read(platform, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST)) {
		return;
	}
	/* the lower two bits are reserved */
	uint32_t at = pci_read(platform, PCI_CAPABILITY_LIST, 1) & 0xfcu;
	for (uint32_t i = 0; i < PCI_CAPS_MAX && at >= PCI_CONFIG_HEADER_SIZE; i++) {
		if (pci_read(platform, at + CAP_VNDR, 1) == PCI_CAP_ID_VNDR) {
			take_cap(pci, at);
		}
		at = pci_read(platform, at + CAP_NEXT, 1) & 0xfcu;
	}
}

bool vgt_virtio_pci_find(struct vgt_virtio_pci *pci, const struct vgt_platform *platform)
{
	*pci = (struct vgt_virtio_pci){.platform = platform};
	if (pci_read(platform, PCI_VENDOR_ID, 2) != VIRTIO_PCI_VENDOR ||
		pci_read(platform, PCI_DEVICE_ID, 2) != VIRTIO_PCI_DEVICE_GPU) {
		return false;
	}
	take_caps(pci);
	return pci->common.length && pci->notify.length && pci->device.length;
}

static uint32_t read_from(const struct vgt_virtio_pci *pci,
	const struct vgt_virtio_region *region, uint32_t offset, uint32_t width)
{
	return pci->platform->bar_read(
		pci->platform->self, region->bar, region->offset + offset, width);
}

static uint32_t common_read(const struct vgt_virtio_pci *pci, uint32_t offset, uint32_t width)
{
	return read_from(pci, &pci->common, offset, width);
}

static void common_write(
	const struct vgt_virtio_pci *pci, uint32_t offset, uint32_t width, uint32_t value)
{
	pci->platform->bar_write(pci->platform->self, pci->common.bar,
		pci->common.offset + offset, width, value);
}

/* Section 4.1.3.1: a field of 64 bits is written as two of 32. */
static void common_write64(const struct vgt_virtio_pci *pci, uint32_t offset, uint64_t value)
{
	common_write(pci, offset, 4, (uint32_t)value);
	common_write(pci, offset + 4, 4, (uint32_t)(value >> 32));
}

static uint32_t read_status(const struct vgt_virtio_pci *pci)
{
	return common_read(pci, DEVICE_STATUS, 1);
}

/* Section 2.1.1: the driver clears no bit but by a reset. */
static void add_status(const struct vgt_virtio_pci *pci, uint32_t status)
{
	common_write(pci, DEVICE_STATUS, 1, read_status(pci) | status);
}

bool vgt_virtio_pci_reset(struct vgt_virtio_pci *pci, uint64_t timeout_ns)
{
	const struct vgt_platform *const platform = pci->platform;
	const uint64_t begin = platform->now(platform->self);
	common_write(pci, DEVICE_STATUS, 1, 0);
	while (read_status(pci)) {
		const uint64_t spent = platform->now(platform->self) - begin;
		if (spent >= timeout_ns) {
			return false;
		}
		const uint64_t left = timeout_ns - spent;
		platform->wait(platform->self, left < RESET_POLL_NS ? left : RESET_POLL_NS);
	}
	return true;
}

static uint64_t read_features(const struct vgt_virtio_pci *pci)
{
	common_write(pci, DEVICE_FEATURE_SELECT, 4, 0);
	const uint64_t low = common_read(pci, DEVICE_FEATURE, 4);
	common_write(pci, DEVICE_FEATURE_SELECT, 4, 1);
	const uint64_t high = common_read(pci, DEVICE_FEATURE, 4);
	return high << 32 | low;
}

static void write_features(const struct vgt_virtio_pci *pci, uint64_t features)
{
	common_write(pci, DRIVER_FEATURE_SELECT, 4, 0);
	common_write(pci, DRIVER_FEATURE, 4, (uint32_t)features);
	common_write(pci, DRIVER_FEATURE_SELECT, 4, 1);
	common_write(pci, DRIVER_FEATURE, 4, (uint32_t)(features >> 32));
}

static bool agree(struct vgt_virtio_pci *pci, uint64_t wanted, uint64_t needed)
{
	const uint64_t offered = read_features(pci);
	if (needed & ~offered) {
		return false;
	}
	pci->features = offered & wanted;
	write_features(pci, pci->features);
	add_status(pci, VIRTIO_STATUS_FEATURES_OK);
	return (read_status(pci) & VIRTIO_STATUS_FEATURES_OK) && !vgt_virtio_pci_is_lost(pci);
}

bool vgt_virtio_pci_negotiate(struct vgt_virtio_pci *pci, uint64_t wanted, uint64_t needed)
{
	needed |= VIRTIO_F_VERSION_1;
	add_status(pci, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(pci, VIRTIO_STATUS_DRIVER);
	if (!agree(pci, wanted | needed, needed)) {
		pci->features = 0;
		vgt_virtio_pci_fail(pci);
		return false;
	}
	return true;
}

uint64_t vgt_virtio_pci_features(const struct vgt_virtio_pci *pci)
{
	return pci->features;
}

uint16_t vgt_virtio_pci_queue_size(const struct vgt_virtio_pci *pci, uint16_t queue)
{
	if (queue >= VGT_VIRTIO_PCI_QUEUES) {
		return 0;
	}
	common_write(pci, QUEUE_SELECT, 2, queue);
	const uint32_t size = common_read(pci, QUEUE_SIZE, 2);
	return size ? (uint16_t)(1u << (31 - __builtin_clz(size))) : 0;
}

/* Section 4.1.4.4: where the selected queue is notified. */
static bool find_notify(const struct vgt_virtio_pci *pci, uint64_t *offset)
{
	const uint64_t within =
		(uint64_t)common_read(pci, QUEUE_NOTIFY_OFF, 2) * pci->notify_multiplier;
	*offset = pci->notify.offset + within;
	return within <= pci->notify.length - NOTIFY_SIZE;
}

bool vgt_virtio_pci_queue_enable(struct vgt_virtio_pci *pci, uint16_t queue, uint16_t size,
	uint64_t desc, uint64_t avail, uint64_t used)
{
	if (queue >= VGT_VIRTIO_PCI_QUEUES) {
		return false;
	}
	common_write(pci, QUEUE_SELECT, 2, queue);
	if (!find_notify(pci, &pci->notify_offset[queue])) {
		return false;
	}
	common_write(pci, QUEUE_SIZE, 2, size);
	common_write64(pci, QUEUE_DESC, desc);
	common_write64(pci, QUEUE_DRIVER, avail);
	common_write64(pci, QUEUE_DEVICE, used);
	common_write(pci, QUEUE_ENABLE, 2, 1);
	return true;
}

void vgt_virtio_pci_queue_notify(const struct vgt_virtio_pci *pci, uint16_t queue)
{
	pci->platform->bar_write(pci->platform->self, pci->notify.bar,
		pci->notify_offset[queue], NOTIFY_SIZE, queue);
}

void vgt_virtio_pci_ready(struct vgt_virtio_pci *pci)
{
	add_status(pci, VIRTIO_STATUS_DRIVER_OK);
}

void vgt_virtio_pci_fail(struct vgt_virtio_pci *pci)
{
	add_status(pci, VIRTIO_STATUS_FAILED);
}

bool vgt_virtio_pci_is_lost(const struct vgt_virtio_pci *pci)
{
	/* set, too, where there is no device and all bits are read as set */
	return read_status(pci) & VIRTIO_STATUS_NEEDS_RESET;
}

uint32_t vgt_virtio_pci_config(const struct vgt_virtio_pci *pci, uint32_t offset)
{
	if (offset % 4 != 0 || offset > pci->device.length - 4) {
		return 0;
	}
	uint32_t value = 0;
	for (uint32_t i = 0; i < CONFIG_TRIES; i++) {
		const uint32_t generation = common_read(pci, CONFIG_GENERATION, 1);
		value = read_from(pci, &pci->device, offset, 4);
		if (common_read(pci, CONFIG_GENERATION, 1) == generation) {
			break;
		}
	}
	return value;
}
