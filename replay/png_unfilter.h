/* SPDX-License-Identifier: MIT */
#ifndef VGT_PNG_UNFILTER_H
#define VGT_PNG_UNFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may be written and read behind the end of a row. */
#define PNG_UNFILTER_ROOM 8

/*
 * Undoes a filter of PNG (section 9 of its specification) for pixels of 3 or 4 bytes:
 * `filtered` becomes `row`, of `size` bytes, which is at least one pixel; `above` is the row
 * before it, zeros for the first. False: there is no such filter.
 */
bool png_unfilter(uint8_t filter, const uint8_t *filtered, const uint8_t *above, uint8_t *row,
	size_t size, size_t pixel_size);

/* RGB to RGBA, opaque but where the colour is `transparent` (NULL: nowhere). */
void png_widen(const uint8_t *rgb, uint8_t *rgba, size_t pixels, const uint8_t *transparent);

#endif
