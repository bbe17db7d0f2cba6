/* SPDX-License-Identifier: MIT */
/*
 * A capset file as `vgt record --capset` takes it: JSON. What is taken is whole: it
 * is the same again when it is masked by itself.
 */
#include "capset_json.h"
#include "vgt_capsets.h"
#include "virgl_caps.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool good)
{
	if (!good) {
		abort();
	}
}

static void mask(const struct vgt_capsets *weaker, const struct vgt_capset_bytes *capset)
{
	uint32_t version = capset->version, size = capset->size;
	uint8_t *caps = malloc(size);
	must(caps != NULL);
	memcpy(caps, capset->bytes, size);
	vgt_capsets_mask(weaker, capset->id, &version, &size, caps);
	must(version == (size ? capset->version : 0) && size <= capset->size);
	must(memcmp(caps, capset->bytes, size) == 0);
	uint32_t same = capset->size;
	version = UINT32_MAX;
	vgt_capsets_mask(weaker, capset->id, &version, &same, NULL);
	must(same == size);
	free(caps);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct vgt_capsets capsets;
	struct vgt_err err;
	char *text = malloc(size + 1); /* ends where it ends, for the sanitizer */
	must(text != NULL);
	memcpy(text, bytes, size);
	text[size] = '\0';
	if (!capset_json_read(&capsets, text, size, &err)) {
		must(err.code == VGT_ERR_MALFORMED && strncmp(err.message, "line ", 5) == 0);
		must(!capsets.list[0].bytes && !capsets.list[1].bytes);
		free(text);
		return 0;
	}
	must(capsets.list[0].size || capsets.list[1].size);
	for (size_t i = 0; i < VGT_CAPSETS_MAX; i++) {
		if (capsets.list[i].size) {
			mask(&capsets, &capsets.list[i]);
		}
	}
	vgt_capsets_finish(&capsets);
	free(text);
	return 0;
}
