/* SPDX-License-Identifier: MIT */
#include "compare_rows.h"

#include "processor.h"

#include <math.h>
#include <string.h>

#define CHANNELS 4

/* Ignored areas */

static void insert_span(struct compare_span *spans, size_t count, struct compare_span span)
{
	while (count > 0 && spans[count - 1].begin > span.begin) {
		spans[count] = spans[count - 1];
		count--;
	}
	spans[count] = span;
}

/* The parts of the row that are ignored, by their beginnings; these may overlap. */
static size_t ignored_spans(const struct vgt_tolerance *tolerance, uint32_t width, uint32_t y,
	struct compare_span spans[VGT_IGNORED_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < tolerance->ignored_count; i++) {
		const struct vgt_area *area = &tolerance->ignored[i];
		const uint64_t end = (uint64_t)area->x + area->width;
		if (y < area->y || y - area->y >= area->height || area->x >= width) {
			continue;
		}
		insert_span(spans, count++,
			(struct compare_span){area->x, end < width ? (uint32_t)end : width});
	}
	return count;
}

size_t compare_spans(const struct vgt_tolerance *tolerance, uint32_t width, uint32_t y,
	struct compare_span spans[VGT_IGNORED_MAX + 1])
{
	struct compare_span ignored[VGT_IGNORED_MAX];
	const size_t ignored_count = ignored_spans(tolerance, width, y, ignored);
	size_t count = 0;
	uint32_t x = 0;

	for (size_t i = 0; i < ignored_count; i++) {
		if (ignored[i].begin > x) {
			spans[count++] = (struct compare_span){x, ignored[i].begin};
		}
		x = ignored[i].end > x ? ignored[i].end : x;
	}
	if (x < width) {
		spans[count++] = (struct compare_span){x, width};
	}
	return count;
}

bool compare_is_ignored(const struct vgt_tolerance *tolerance, int64_t x, int64_t y)
{
	for (size_t i = 0; i < tolerance->ignored_count; i++) {
		const struct vgt_area *area = &tolerance->ignored[i];
		if (x >= area->x && x - area->x < area->width && y >= area->y &&
			y - area->y < area->height) {
			return true;
		}
	}
	return false;
}

/* Differences. The loops are free of branches and work on pieces that stay in the first cache,
 * so that the compiler makes vectors of them. */

#define PIECE 1024 /* pixels; the 32-bit sums of that many squares of 8 bits fit */

struct measure {
	uint64_t sum, colour_squares, alpha_squares;
	uint64_t beyond;
	unsigned largest;
};

static inline __attribute__((always_inline)) void measure_piece(struct measure *measure,
	const uint8_t *restrict a, const uint8_t *restrict b, size_t pixels, uint8_t threshold)
{
	uint8_t differences[PIECE * CHANNELS];
	const size_t samples = pixels * CHANNELS;
	uint32_t sum = 0, squares = 0, alpha_squares = 0, beyond = 0;
	uint8_t largest = 0;

	for (size_t i = 0; i < samples; i++) {
		differences[i] = (uint8_t)(a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);
	}
	for (size_t i = 0; i < samples; i++) {
		largest = differences[i] > largest ? differences[i] : largest;
	}
	for (size_t i = 0; i < samples; i++) {
		sum += differences[i];
	}
	for (size_t i = 0; i < samples; i++) {
		squares += (uint32_t)differences[i] * differences[i];
	}
	for (size_t i = 0; i < pixels; i++) {
		uint32_t pixel;
		memcpy(&pixel, differences + CHANNELS * i, sizeof(pixel));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		pixel >>= 24;
#else
		pixel &= 255;
#endif
		alpha_squares += pixel * pixel;
	}
	for (size_t i = 0; i < samples; i++) {
		differences[i] = differences[i] > threshold;
	}
	for (size_t i = 0; i < pixels; i++) {
		uint32_t pixel;
		memcpy(&pixel, differences + CHANNELS * i, sizeof(pixel));
		beyond += pixel != 0;
	}
	measure->sum += sum;
	measure->colour_squares += squares - alpha_squares;
	measure->alpha_squares += alpha_squares;
	measure->beyond += beyond;
	measure->largest = largest > measure->largest ? largest : measure->largest;
}

static void measure_piece_portable(struct measure *measure, const uint8_t *a, const uint8_t *b,
	size_t pixels, uint8_t threshold)
{
	measure_piece(measure, a, b, pixels, threshold);
}

PROCESSOR_AVX2 static void measure_piece_avx2(struct measure *measure, const uint8_t *a,
	const uint8_t *b, size_t pixels, uint8_t threshold)
{
	measure_piece(measure, a, b, pixels, threshold);
}

static void measure_8(struct measure *measure, const uint8_t *a, const uint8_t *b,
	size_t pixels, unsigned threshold)
{
	const bool fast = processor_has_avx2();

	while (pixels > 0) {
		const size_t piece = pixels < PIECE ? pixels : PIECE;
		(fast ? measure_piece_avx2 : measure_piece_portable)(
			measure, a, b, piece, (uint8_t)threshold);
		a += piece * CHANNELS;
		b += piece * CHANNELS;
		pixels -= piece;
	}
}

static unsigned difference_16(uint16_t a, uint16_t b)
{
	return (unsigned)(a > b ? a - b : b - a);
}

static unsigned pixel_difference_16(const uint16_t *a, const uint16_t *b)
{
	unsigned largest = 0;

	for (int channel = 0; channel < CHANNELS; channel++) {
		const unsigned here = difference_16(a[channel], b[channel]);
		largest = here > largest ? here : largest;
	}
	return largest;
}

/* Rare, and so without haste. */
static void measure_16(struct measure *measure, const uint16_t *a, const uint16_t *b,
	size_t pixels, unsigned threshold)
{
	for (size_t x = 0; x < pixels; x++, a += CHANNELS, b += CHANNELS) {
		for (int channel = 0; channel < CHANNELS; channel++) {
			const uint64_t here = difference_16(a[channel], b[channel]);
			measure->sum += here;
			*(channel == VGT_CHANNEL_ALPHA ? &measure->alpha_squares
						       : &measure->colour_squares) +=
				here * here;
		}
		const unsigned largest = pixel_difference_16(a, b);
		measure->beyond += largest > threshold;
		measure->largest = largest > measure->largest ? largest : measure->largest;
	}
}

/* Rows */

static bool is_deep(const struct compare_rows *rows)
{
	return rows->unit > 1;
}

static unsigned sample_difference(
	const struct compare_rows *rows, const void *a, const void *b, size_t sample)
{
	if (is_deep(rows)) {
		return difference_16(
			((const uint16_t *)a)[sample], ((const uint16_t *)b)[sample]);
	}
	const uint8_t *const a8 = a;
	const uint8_t *const b8 = b;
	return (unsigned)(a8[sample] > b8[sample] ? a8[sample] - b8[sample]
						  : b8[sample] - a8[sample]);
}

static bool is_beyond(const struct compare_rows *rows, const void *a, const void *b, uint32_t x)
{
	for (size_t channel = 0; channel < CHANNELS; channel++) {
		if (sample_difference(rows, a, b, (size_t)x * CHANNELS + channel) >
			rows->threshold) {
			return true;
		}
	}
	return false;
}

/* Notes the first sample of the span that differs by as much as `wanted`, which it contains. */
static void note_largest(struct compare_rows *rows, const void *a, const void *b, uint32_t y,
	struct compare_span span, unsigned wanted)
{
	size_t sample = (size_t)span.begin * CHANNELS;

	while (sample_difference(rows, a, b, sample) != wanted) {
		sample++;
	}
	rows->result->largest = (struct vgt_sample_difference){
		.difference = wanted / rows->unit,
		.x = (uint32_t)(sample / CHANNELS),
		.y = y,
		.channel = (enum vgt_channel)(sample % CHANNELS),
	};
}

void compare_include(struct vgt_area *area, uint32_t begin, uint32_t end, uint32_t y)
{
	if (area->height == 0) {
		*area = (struct vgt_area){begin, y, end - begin, 1};
		return;
	}
	const uint32_t old_end = area->x + area->width;
	area->x = begin < area->x ? begin : area->x;
	area->width = (end > old_end ? end : old_end) - area->x;
	area->height = y - area->y + 1;
}

/* Widens the area to a span where at least one pixel is beyond the threshold. */
static void include_span(struct compare_rows *rows, const void *a, const void *b, uint32_t y,
	struct compare_span span)
{
	while (!is_beyond(rows, a, b, span.begin)) {
		span.begin++;
	}
	while (!is_beyond(rows, a, b, span.end - 1)) {
		span.end--;
	}
	compare_include(&rows->result->beyond, span.begin, span.end, y);
}

static void add_span(struct compare_rows *rows, const void *a, const void *b, uint32_t y,
	struct compare_span span)
{
	const size_t pixel_size = CHANNELS * (is_deep(rows) ? sizeof(uint16_t) : 1);
	const uint8_t *const from_a = (const uint8_t *)a + span.begin * pixel_size;
	const uint8_t *const from_b = (const uint8_t *)b + span.begin * pixel_size;
	const size_t pixels = span.end - span.begin;
	struct vgt_comparison *result = rows->result;
	struct measure measure = {0};

	result->pixels += pixels;
	if (memcmp(from_a, from_b, pixels * pixel_size) == 0) {
		return;
	}
	result->identical = false;
	if (is_deep(rows)) {
		measure_16(&measure, (const uint16_t *)(const void *)from_a,
			(const uint16_t *)(const void *)from_b, pixels, rows->threshold);
	} else {
		measure_8(&measure, from_a, from_b, pixels, rows->threshold);
	}
	rows->sum += measure.sum;
	rows->colour_squares += measure.colour_squares;
	rows->alpha_squares += measure.alpha_squares;
	result->pixels_beyond += measure.beyond;
	if (measure.largest / rows->unit > result->largest.difference) {
		note_largest(rows, a, b, y, span, measure.largest);
	}
	if (measure.beyond > 0) {
		include_span(rows, a, b, y, span);
	}
}

void compare_rows_begin(struct compare_rows *rows, const struct vgt_tolerance *tolerance,
	uint32_t width, unsigned sample_bits, struct vgt_comparison *result)
{
	const unsigned threshold =
		tolerance->metric == VGT_METRIC_DIFFERENCE ? tolerance->threshold : 0;
	const unsigned unit = sample_bits == 16 ? 257 : 1;

	*rows = (struct compare_rows){
		.tolerance = tolerance,
		.result = result,
		.width = width,
		.threshold = threshold * unit,
		.unit = unit,
	};
	*result = (struct vgt_comparison){
		.metric = tolerance->metric,
		.threshold = (uint8_t)threshold,
		.yiq_threshold = tolerance->yiq_threshold,
		.identical = true,
	};
}

void compare_rows_add(struct compare_rows *rows, const void *a, const void *b, uint32_t y)
{
	struct compare_span spans[VGT_IGNORED_MAX + 1];
	const size_t count = compare_spans(rows->tolerance, rows->width, y, spans);

	for (size_t i = 0; i < count; i++) {
		add_span(rows, a, b, y, spans[i]);
	}
}

bool compare_rows_compared(
	const struct compare_rows *rows, uint32_t height, struct vgt_err *err)
{
	return rows->result->pixels > 0 || (uint64_t)rows->width * height == 0 ||
	       vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
		       "nothing to compare: all of %ux%u pixels is ignored", rows->width,
		       height);
}

/* Of 255, over the samples that count. */
static double decibels(const struct compare_rows *rows)
{
	const double squares = (double)rows->colour_squares + (double)rows->alpha_squares;
	const unsigned channels = rows->alpha_squares > 0 ? CHANNELS : CHANNELS - 1;
	const double peak = 255 * rows->unit;

	if (squares == 0) {
		return INFINITY;
	}
	return 10 * log10(peak * peak * ((double)rows->result->pixels * channels) / squares);
}

void compare_rows_end(struct compare_rows *rows)
{
	struct vgt_comparison *result = rows->result;

	result->psnr = decibels(rows);
	if (!result->identical) {
		result->mean =
			(double)rows->sum / rows->unit / (double)(result->pixels * CHANNELS);
	}
	switch (result->metric) {
	case VGT_METRIC_MEAN:
		result->value = result->mean;
		break;
	case VGT_METRIC_PSNR:
		result->value = result->psnr;
		break;
	case VGT_METRIC_SSIM: /* of equal pictures, as others are measured by it */
		result->value = 1;
		break;
	default:
		result->value = (double)result->pixels_beyond;
		break;
	}
}
