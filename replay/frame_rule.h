/* SPDX-License-Identifier: MIT */
#ifndef VGT_FRAME_RULE_H
#define VGT_FRAME_RULE_H

#include "vgt_trace.h"

#include <stdbool.h>

/* What ends a frame, by the words of --frame=RULE and of a suite's manifest. */

const char *frame_rule_name(enum vgt_frame_rule rule);

/* False where there is no such rule; *rule is untouched then. */
bool frame_rule_parse(const char *name, enum vgt_frame_rule *rule);

#define FRAME_RULE_NAMES "auto, marker, flush, readback or submit"

#endif
