/* SPDX-License-Identifier: MIT */
#include "vgt_address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Any text as ranges of frames: refused with a message, or of the documented form. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	memcpy(text, bytes, size);
	text[size] = '\0';
	struct vgt_ranges ranges;
	struct vgt_err err = {0};
	if (!vgt_ranges_parse(&ranges, text, &err)) {
		if (err.code != VGT_ERR_USAGE || !err.message[0] ||
			!memchr(err.message, '\0', sizeof(err.message))) {
			abort();
		}
	} else {
		uint64_t last = vgt_ranges_last(&ranges);
#ifdef FUZZ_CONTROL
		/* broken on purpose: tests/fuzz must find it */
		if (ranges.count == 3 && last == UINT64_MAX) {
			abort();
		}
#endif
		if (ranges.count == 0 || ranges.count > VGT_RANGES_MAX ||
			text[strspn(text, "0123456789-,")] != '\0' ||
			!vgt_ranges_contain(&ranges, last)) {
			abort();
		}
		for (size_t i = 0; i < ranges.count; i++) {
			if (ranges.range[i].first > ranges.range[i].last ||
				ranges.range[i].last > last) {
				abort();
			}
		}
	}
	free(text);
	return 0;
}
