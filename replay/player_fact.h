/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_FACT_H
#define VGT_PLAYER_FACT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What `vgt-player --probe` has said about `key` (player_probe.h), in all of its output, the
 * last time; false: nothing, `value` is "" then.
 */
bool player_fact(const char *output, const char *key, char *value, size_t size);

#endif
