/* SPDX-License-Identifier: MIT */
#include "png_unfilter.h"

#include <string.h>

/* One pixel in vectors of 4 lanes, the last of which is nothing where it has 3 bytes. The
 * copies are of 4 bytes in any case: the next pixel, or the room behind, is overwritten. */
typedef uint8_t bytes __attribute__((vector_size(4)));
typedef int16_t lanes __attribute__((vector_size(8)));

static inline __attribute__((always_inline)) lanes load(const uint8_t *from)
{
	bytes narrow;

	memcpy(&narrow, from, sizeof(narrow));
	return __builtin_convertvector(narrow, lanes);
}

static inline __attribute__((always_inline)) void store(uint8_t *to, lanes wide)
{
	const bytes narrow = __builtin_convertvector(wide, bytes);

	memcpy(to, &narrow, sizeof(narrow));
}

static inline __attribute__((always_inline)) lanes magnitude(lanes value)
{
	const lanes sign = value >> 15;

	return (value ^ sign) - sign;
}

static inline __attribute__((always_inline)) lanes choose(lanes mask, lanes yes, lanes no)
{
	return (mask & yes) | (~mask & no);
}

static inline __attribute__((always_inline)) void undo_sub(
	const uint8_t *filtered, uint8_t *row, size_t size, size_t pixel_size)
{
	lanes left = {0};

	for (size_t i = 0; i < size; i += pixel_size) {
		left = (left + load(filtered + i)) & 255;
		store(row + i, left);
	}
}

static void undo_up(const uint8_t *restrict filtered, const uint8_t *restrict above,
	uint8_t *restrict row, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		row[i] = (uint8_t)(filtered[i] + above[i]);
	}
}

static inline __attribute__((always_inline)) void undo_average(const uint8_t *filtered,
	const uint8_t *above, uint8_t *row, size_t size, size_t pixel_size)
{
	lanes left = {0};

	for (size_t i = 0; i < size; i += pixel_size) {
		left = (load(filtered + i) + ((left + load(above + i)) >> 1)) & 255;
		store(row + i, left);
	}
}

static inline __attribute__((always_inline)) void undo_paeth(const uint8_t *filtered,
	const uint8_t *above, uint8_t *row, size_t size, size_t pixel_size)
{
	lanes left = {0}, corner = {0};

	for (size_t i = 0; i < size; i += pixel_size) {
		const lanes up = load(above + i);
		const lanes by_left = up - corner; /* how far the guess is from the left */
		const lanes by_up = left - corner;
		const lanes far_left = magnitude(by_left);
		const lanes far_up = magnitude(by_up);
		const lanes far_corner = magnitude(by_left + by_up);
		const lanes other = choose(far_up <= far_corner, up, corner);
		const lanes guess =
			choose((far_left <= far_up) & (far_left <= far_corner), left, other);
		left = (load(filtered + i) + guess) & 255;
		store(row + i, left);
		corner = up;
	}
}

/* With a constant size of pixels, for the compiler. */
static inline __attribute__((always_inline)) bool undo(uint8_t filter, const uint8_t *filtered,
	const uint8_t *above, uint8_t *row, size_t size, size_t pixel_size)
{
	switch (filter) {
	case 0:
		memcpy(row, filtered, size);
		return true;
	case 1:
		undo_sub(filtered, row, size, pixel_size);
		return true;
	case 2:
		undo_up(filtered, above, row, size);
		return true;
	case 3:
		undo_average(filtered, above, row, size, pixel_size);
		return true;
	case 4:
		undo_paeth(filtered, above, row, size, pixel_size);
		return true;
	default:
		return false;
	}
}

bool png_unfilter(uint8_t filter, const uint8_t *filtered, const uint8_t *above, uint8_t *row,
	size_t size, size_t pixel_size)
{
	return pixel_size == 3 ? undo(filter, filtered, above, row, size, 3)
			       : undo(filter, filtered, above, row, size, 4);
}

void png_widen(const uint8_t *rgb, uint8_t *rgba, size_t pixels, const uint8_t *transparent)
{
	for (size_t i = 0; i < pixels; i++) {
		memcpy(rgba + 4 * i, rgb + 3 * i, 4); /* one more, which alpha takes */
		rgba[4 * i + 3] = 255;
	}
	for (size_t i = 0; i < pixels && transparent; i++) {
		if (memcmp(rgb + 3 * i, transparent, 3) == 0) {
			rgba[4 * i + 3] = 0;
		}
	}
}
