/* SPDX-License-Identifier: MIT */
#include "vgt_capsets.h"

#include "vgt_reader.h"
#include "virgl_caps.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct vgt_capset_bytes *slot_of(struct vgt_capsets *capsets, uint32_t id)
{
	return id == VIRTIO_GPU_CAPSET_VIRGL    ? &capsets->list[0]
	       : id == VIRTIO_GPU_CAPSET_VIRGL2 ? &capsets->list[1]
						: NULL;
}

const struct vgt_capset_bytes *vgt_capsets_find(const struct vgt_capsets *capsets, uint32_t id)
{
	const struct vgt_capset_bytes *slot = slot_of((struct vgt_capsets *)capsets, id);
	return slot && slot->size ? slot : NULL;
}

bool vgt_capsets_put(struct vgt_capsets *capsets, uint32_t id, uint32_t version,
	const void *bytes, uint32_t size, struct vgt_err *err)
{
	struct vgt_capset_bytes *slot = slot_of(capsets, id);
	if (!slot) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"capset %u is none of virgl's", (unsigned)id);
	}
	void *copy = malloc(size ? size : 1);
	if (!copy) {
		return vgt_err_system(err, ENOMEM, "cannot hold a capset");
	}
	memcpy(copy, bytes, size);
	free(slot->bytes);
	*slot = (struct vgt_capset_bytes){id, version, size, copy};
	return true;
}

void vgt_capsets_finish(struct vgt_capsets *capsets)
{
	for (size_t i = 0; i < VGT_CAPSETS_MAX; i++) {
		free(capsets->list[i].bytes);
	}
	*capsets = (struct vgt_capsets){0};
}

static bool take(
	struct vgt_capsets *capsets, const struct vgt_record *record, struct vgt_err *err)
{
	const struct vgt_capset *capset = record->payload;
	const uint32_t size = record->size - (uint32_t)sizeof(*capset);
	struct vgt_layout layout;
	const struct vgt_desc *desc = virgl_caps_desc(capset->id);
	if (!desc || vgt_capsets_find(capsets, capset->id)) {
		return true; /* the first counts */
	}
	return vgt_desc_measure(desc, (const void *)(capset + 1), size, &layout, err) &&
	       vgt_capsets_put(capsets, capset->id, capset->version, capset + 1, size, err);
}

static bool read_all(
	struct vgt_capsets *capsets, struct vgt_reader *reader, struct vgt_err *err)
{
	struct vgt_record record;
	enum vgt_read next;
	while ((next = vgt_reader_next(reader, &record, err)) == VGT_READ_RECORD &&
		!vgt_record_is_command(record.type)) {
		if (record.type == VGT_RECORD_CAPSET && !take(capsets, &record, err)) {
			return false;
		}
	}
	if (next == VGT_READ_ERROR) {
		return false;
	}
	return capsets->list[0].size || capsets->list[1].size ||
	       vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "the trace holds no capset");
}

bool vgt_capsets_read(struct vgt_capsets *capsets, const char *path, struct vgt_err *err)
{
	*capsets = (struct vgt_capsets){0};
	struct vgt_reader *reader = vgt_reader_open(path, err);
	const bool good = reader && read_all(capsets, reader, err);
	vgt_reader_close(reader);
	if (!good) {
		vgt_capsets_finish(capsets);
	}
	return good;
}

void vgt_capsets_mask(const struct vgt_capsets *weaker, uint32_t id, uint32_t *version,
	uint32_t *size, void *bytes)
{
	const struct vgt_capset_bytes *least = vgt_capsets_find(weaker, id);
	if (least && *version > least->version) {
		*version = least->version;
	}
	if (!least && slot_of((struct vgt_capsets *)weaker, id)) {
		least = &weaker->list[weaker->list[0].size ? 0 : 1];
	}
	/* how much is left does not depend on the content */
	void *own = bytes ? NULL : calloc(1, *size ? *size : 1);
	void *caps = bytes ? bytes : own;
	uint32_t left = 0;
	if (least && caps) {
		const uint32_t common = least->size < *size ? least->size : *size;
		left = (uint32_t)virgl_caps_mask(id, caps, *size, least->bytes, common);
	} else if (caps) {
		memset(caps, 0, *size);
	}
	*size = left;
	*version = left ? *version : 0;
	free(own);
}
