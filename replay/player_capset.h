/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLAYER_CAPSET_H
#define VGT_PLAYER_CAPSET_H

#include <stddef.h>
#include <stdint.h>

/*
 * Says in words what this host's capset lacks of the recording's, one call for each limit or
 * set of bits or formats that is less: "max_samples is 4, the recording's was 8". Both are
 * aligned to 4 bytes.
 */
void player_capset_lacks(uint32_t id, const void *recorded, size_t recorded_size,
	const void *host, size_t host_size, void (*say)(void *opaque, const char *text),
	void *opaque);

#endif
