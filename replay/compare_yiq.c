/* SPDX-License-Identifier: MIT */
/*
 * The colours' distance of Kotsarenko and Ramos, "Measuring perceived color difference using
 * YIQ NTSC transmission color space in mobile applications" (2010), and the detector of
 * Vysniauskas, "Anti-aliased pixel and intensity slope detector" (2009), with the rules, and in
 * double precision the order of operations, of pixelmatch 7.2, so that both count the same
 * pixels.
 */
#include "compare_metrics.h"
#include "compare_rows.h"
#include "processor.h"

#include <math.h>
#include <string.h>

#define CHANNELS 4

/* The largest distance of two colours, squared as all distances are here. */
#define LARGEST 35215.0

static const double luma_of[3] = {0.29889531, 0.58662247, 0.11448223};
static const double in_phase_of[3] = {0.59597799, -0.27417610, -0.32180189};
static const double quadrature_of[3] = {0.21147017, -0.52261711, 0.31114694};
#define LUMA_WEIGHT       0.5053
#define IN_PHASE_WEIGHT   0.299
#define QUADRATURE_WEIGHT 0.1957

/* One picture, as the detector walks it. */
struct view {
	const uint8_t *rgba;
	int64_t width, height;
	int64_t mask; /* of a row's number: which place it has */
	/* What is shown where pixels are ignored; NULL: nothing is ignored. */
	const struct view *shown;
	const struct vgt_tolerance *tolerance;
};

static const uint8_t *pixel_at(const struct view *view, int64_t x, int64_t y)
{
	if (view->shown && compare_is_ignored(view->tolerance, x, y)) {
		view = view->shown;
	}
	return view->rgba + ((y & view->mask) * view->width + x) * CHANNELS;
}

/* Where the pixel would be in the whole picture. */
static size_t byte_of(const struct view *view, int64_t x, int64_t y)
{
	return (size_t)(y * view->width + x) * CHANNELS;
}

static uint32_t bits_of(const uint8_t *pixel)
{
	uint32_t bits;

	memcpy(&bits, pixel, sizeof(bits));
	return bits;
}

/* What is behind translucent pixels at this place: a pattern, so that no colour hides in it. */
static void backdrop_at(size_t byte, double backdrop[3])
{
	const uint64_t golden = (uint64_t)((double)byte / 1.618033988749895);
	const uint64_t squared = (uint64_t)((double)byte / 2.618033988749895);

	backdrop[0] = 48 + 159 * (int)(byte % 2);
	backdrop[1] = 48 + 159 * (int)(golden % 2);
	backdrop[2] = 48 + 159 * (int)(squared % 2);
}

/* The difference of two colours, where needed over what is behind them at the place `byte`. */
static void colour_difference(
	const uint8_t *a, const uint8_t *b, size_t byte, double difference[3])
{
	if (a[VGT_CHANNEL_ALPHA] == 255 && b[VGT_CHANNEL_ALPHA] == 255) {
		for (int i = 0; i < 3; i++) {
			difference[i] = a[i] - b[i];
		}
		return;
	}
	const int alpha_a = a[VGT_CHANNEL_ALPHA];
	const int alpha_b = b[VGT_CHANNEL_ALPHA];
	double backdrop[3];
	backdrop_at(byte, backdrop);
	for (int i = 0; i < 3; i++) {
		difference[i] =
			(a[i] * alpha_a - b[i] * alpha_b - backdrop[i] * (alpha_a - alpha_b)) /
			255;
	}
}

static double project(const double difference[3], const double axis[3])
{
	return difference[0] * axis[0] + difference[1] * axis[1] + difference[2] * axis[2];
}

static double distance(const uint8_t *a, const uint8_t *b, size_t byte)
{
	double difference[3];

	colour_difference(a, b, byte, difference);
	const double y = project(difference, luma_of);
	const double i = project(difference, in_phase_of);
	const double q = project(difference, quadrature_of);
	return LUMA_WEIGHT * y * y + IN_PHASE_WEIGHT * i * i + QUADRATURE_WEIGHT * q * q;
}

/* How much brighter a is than b. */
static double brightness(const uint8_t *a, const uint8_t *b, size_t byte)
{
	double difference[3];

	if (bits_of(a) == bits_of(b)) {
		return 0;
	}
	colour_difference(a, b, byte, difference);
	return project(difference, luma_of);
}

/* The 3x3 pixels around one, fewer at the border. */
struct neighbours {
	int64_t x0, y0, x1, y1;
	bool at_border;
};

static struct neighbours neighbours_of(const struct view *view, int64_t x, int64_t y)
{
	return (struct neighbours){
		.x0 = x > 0 ? x - 1 : 0,
		.y0 = y > 0 ? y - 1 : 0,
		.x1 = x < view->width - 1 ? x + 1 : x,
		.y1 = y < view->height - 1 ? y + 1 : y,
		.at_border = x == 0 || y == 0 || x == view->width - 1 || y == view->height - 1,
	};
}

/* Whether more than 2 neighbours have the pixel's colour; the border counts as one. */
static bool has_siblings(const struct view *view, int64_t x, int64_t y)
{
	const struct neighbours around = neighbours_of(view, x, y);
	const uint32_t colour = bits_of(pixel_at(view, x, y));
	int equal = around.at_border - 1; /* it will meet itself */

	for (int64_t row = around.y0; row <= around.y1; row++) {
		for (int64_t column = around.x0; column <= around.x1; column++) {
			equal += bits_of(pixel_at(view, column, row)) == colour;
		}
	}
	return equal > 2;
}

struct extreme {
	double brightness;
	int64_t x, y;
};

/* The brightest and the darkest neighbour; false where more than 2 are equal in brightness. */
static bool find_extremes(const struct view *view, int64_t x, int64_t y, struct extreme *darker,
	struct extreme *brighter)
{
	const struct neighbours around = neighbours_of(view, x, y);
	const uint8_t *centre = pixel_at(view, x, y);
	const size_t byte = byte_of(view, x, y);
	int equal = around.at_border;

	*darker = *brighter = (struct extreme){0};
	for (int64_t column = around.x0; column <= around.x1; column++) {
		for (int64_t row = around.y0; row <= around.y1; row++) {
			if (column == x && row == y) {
				continue;
			}
			const double here =
				brightness(centre, pixel_at(view, column, row), byte);
			equal += here == 0;
			if (equal > 2) {
				return false;
			}
			if (here < darker->brightness) {
				*darker = (struct extreme){here, column, row};
			} else if (here > brighter->brightness) {
				*brighter = (struct extreme){here, column, row};
			}
		}
	}
	return true;
}

/* Whether the pixel of `view` lies on a slope between two plain areas of both pictures. */
static bool is_antialiased(
	const struct view *view, const struct view *other, int64_t x, int64_t y)
{
	struct extreme darker, brighter;

	if (!find_extremes(view, x, y, &darker, &brighter) || darker.brightness == 0 ||
		brighter.brightness == 0) {
		return false;
	}
	return (has_siblings(view, darker.x, darker.y) &&
		       has_siblings(other, darker.x, darker.y)) ||
	       (has_siblings(view, brighter.x, brighter.y) &&
		       has_siblings(other, brighter.x, brighter.y));
}

/* Sieves: most pixels are equal or close, which 32-bit floats see with a margin; the others are
 * candidates, to be measured in double precision. */

#define PIECE 512

static inline __attribute__((always_inline)) uint32_t sieve(const uint8_t *restrict a,
	const uint8_t *restrict b, size_t pixels, float limit, uint32_t *restrict candidates)
{
	uint32_t any = 0;

	for (size_t x = 0; x < pixels; x++) {
		uint32_t pa, pb;
		memcpy(&pa, a + x * CHANNELS, sizeof(pa));
		memcpy(&pb, b + x * CHANNELS, sizeof(pb));
		/* by bytes of the word, whose order is that of the samples or the reverse */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		const int32_t red = (int32_t)(pa & 255) - (int32_t)(pb & 255);
		const int32_t green = (int32_t)(pa >> 8 & 255) - (int32_t)(pb >> 8 & 255);
		const int32_t blue = (int32_t)(pa >> 16 & 255) - (int32_t)(pb >> 16 & 255);
		const uint32_t translucent = (pa & pb) < 0xff000000u;
#else
		const int32_t red = (int32_t)(pa >> 24) - (int32_t)(pb >> 24);
		const int32_t green = (int32_t)(pa >> 16 & 255) - (int32_t)(pb >> 16 & 255);
		const int32_t blue = (int32_t)(pa >> 8 & 255) - (int32_t)(pb >> 8 & 255);
		const uint32_t translucent = (pa & pb & 255) < 255;
#endif
		const float r = (float)red, g = (float)green, u = (float)blue;
		const float y = r * 0.29889531f + g * 0.58662247f + u * 0.11448223f;
		const float i = r * 0.59597799f - g * 0.27417610f - u * 0.32180189f;
		const float q = r * 0.21147017f - g * 0.52261711f + u * 0.31114694f;
		const float far = 0.5053f * y * y + 0.299f * i * i + 0.1957f * q * q;
		candidates[x] = (uint32_t)(pa != pb) & ((uint32_t)(far > limit) | translucent);
		any |= candidates[x];
	}
	return any;
}

static uint32_t sieve_portable(
	const uint8_t *a, const uint8_t *b, size_t pixels, float limit, uint32_t *candidates)
{
	return sieve(a, b, pixels, limit, candidates);
}

PROCESSOR_AVX2 static uint32_t sieve_avx2(
	const uint8_t *a, const uint8_t *b, size_t pixels, float limit, uint32_t *candidates)
{
	return sieve(a, b, pixels, limit, candidates);
}

/* Whether there is a candidate among these pixels. */
static bool find_candidates(const uint8_t *a, const uint8_t *b, size_t pixels, double limit,
	uint32_t candidates[PIECE])
{
	if (memcmp(a, b, pixels * CHANNELS) == 0) {
		return false;
	}
	/* a hundred times the error of the floats */
	const float less = (float)(limit * (1 - 1e-4) - 1e-4);
	return (processor_has_avx2() ? sieve_avx2 : sieve_portable)(
		a, b, pixels, less, candidates);
}

struct search {
	struct view a, b;
	double limit;
	bool count_antialiased;
	struct vgt_comparison *result;
	uint8_t *marks;
};

static void judge_pixel(struct search *search, uint32_t x, uint32_t y)
{
	const size_t byte = byte_of(&search->a, x, y);
	enum compare_mark mark = COMPARE_MARK_BEYOND;

	if (distance(pixel_at(&search->a, x, y), pixel_at(&search->b, x, y), byte) <=
		search->limit) {
		return;
	}
	if (!search->count_antialiased &&
		(is_antialiased(&search->a, &search->b, x, y) ||
			is_antialiased(&search->b, &search->a, x, y))) {
		mark = COMPARE_MARK_ANTIALIASED;
		search->result->pixels_antialiased++;
	} else {
		search->result->pixels_beyond++;
		compare_include(&search->result->beyond, x, x + 1, y);
	}
	if (search->marks) {
		search->marks[byte / CHANNELS] = (uint8_t)mark;
	}
}

static void search_span(struct search *search, struct compare_span span, uint32_t y)
{
	uint32_t candidates[PIECE];

	for (uint32_t x = span.begin; x < span.end; x += PIECE) {
		const uint32_t pixels = span.end - x < PIECE ? span.end - x : PIECE;
		if (!find_candidates(pixel_at(&search->a, x, y), pixel_at(&search->b, x, y),
			    pixels, search->limit, candidates)) {
			continue;
		}
		for (uint32_t i = 0; i < pixels; i++) {
			if (candidates[i]) {
				judge_pixel(search, x + i, y);
			}
		}
	}
}

void compare_yiq_row(const struct compare_yiq *yiq, uint32_t y)
{
	const struct vgt_tolerance *tolerance = yiq->tolerance;
	const int64_t mask = (int64_t)yiq->places - 1; /* all ones for 0 */
	struct search search = {
		.a = {yiq->a, yiq->width, yiq->height, mask, NULL, NULL},
		.b = {yiq->b, yiq->width, yiq->height, mask,
			tolerance->ignored_count > 0 ? &search.a : NULL, tolerance},
		.limit = LARGEST * tolerance->yiq_threshold * tolerance->yiq_threshold,
		.count_antialiased = tolerance->count_antialiased,
		.result = yiq->result,
		.marks = yiq->marks,
	};
	struct compare_span spans[VGT_IGNORED_MAX + 1];
	const size_t count = compare_spans(tolerance, yiq->width, y, spans);

	for (size_t i = 0; i < count; i++) {
		search_span(&search, spans[i], y);
	}
}

void compare_yiq(const struct vgt_image *a, const struct vgt_image *b,
	const struct vgt_tolerance *tolerance, struct vgt_comparison *result, uint8_t *marks)
{
	const struct compare_yiq yiq = {
		.a = a->rgba,
		.b = b->rgba,
		.width = a->width,
		.height = a->height,
		.tolerance = tolerance,
		.result = result,
		.marks = marks,
	};

	result->pixels_beyond = 0;
	result->pixels_antialiased = 0;
	result->beyond = (struct vgt_area){0};
	for (uint32_t y = 0; y < a->height; y++) {
		compare_yiq_row(&yiq, y);
	}
	result->value = (double)result->pixels_beyond;
}
