/* SPDX-License-Identifier: MIT */
#include "frame_rule.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
	[VGT_FRAME_AUTO] = "auto",
	[VGT_FRAME_SUBMIT] = "submit",
	[VGT_FRAME_READBACK] = "readback",
	[VGT_FRAME_FLUSH] = "flush",
	[VGT_FRAME_MARKER] = "marker",
};

const char *frame_rule_name(enum vgt_frame_rule rule)
{
	return names[rule];
}

bool frame_rule_parse(const char *name, enum vgt_frame_rule *rule)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*rule = (enum vgt_frame_rule)i;
			return true;
		}
	}
	return false;
}
