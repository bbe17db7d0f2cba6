/* SPDX-License-Identifier: MIT */
#include "tolerance.h"
#include "vgt_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const metric_names[VGT_METRIC_COUNT] = {
	[VGT_METRIC_DIFFERENCE] = "difference",
	[VGT_METRIC_EXACT] = "exact",
	[VGT_METRIC_MEAN] = "mean",
	[VGT_METRIC_PSNR] = "psnr",
	[VGT_METRIC_YIQ] = "yiq",
	[VGT_METRIC_SSIM] = "ssim",
	[VGT_METRIC_FLIP] = "flip",
};

const char *vgt_metric_name(enum vgt_metric metric)
{
	return (unsigned)metric < VGT_METRIC_COUNT ? metric_names[metric] : "unknown";
}

const char *vgt_channel_name(enum vgt_channel channel)
{
	static const char *const names[] = {"red", "green", "blue", "alpha"};

	return (unsigned)channel <= VGT_CHANNEL_ALPHA ? names[channel] : "unknown";
}

struct vgt_tolerance vgt_tolerance_of(enum vgt_metric metric)
{
	return (struct vgt_tolerance){
		.metric = metric,
		.yiq_threshold = 0.1,
		.pixels_per_degree = VGT_PIXELS_PER_DEGREE,
		.limit = metric == VGT_METRIC_PSNR   ? INFINITY
			 : metric == VGT_METRIC_SSIM ? 1
						     : 0,
	};
}

/* "12.5%" in millionths of the whole; the locale must not matter, and 0.07 not be rounded. */
static bool parse_percent(const char *text, uint32_t *millionth)
{
	uint64_t whole;
	uint64_t part = 0;
	char digits[16];
	const size_t length = strcspn(text, ".%");

	if (length >= sizeof(digits)) {
		return false;
	}
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (!vgt_text_number(digits, 0, 100, &whole)) {
		return false;
	}
	text += length;
	if (*text == '.') {
		const size_t places = strspn(text + 1, "0123456789");
		if (places == 0 || places > 4) {
			return false;
		}
		memcpy(digits, "0000", 5);
		memcpy(digits, text + 1, places);
		vgt_text_number(digits, 0, 9999, &part);
		text += 1 + places;
	}
	if (strcmp(text, "%") != 0 || whole * 10000 + part > 1000000) {
		return false;
	}
	*millionth = (uint32_t)(whole * 10000 + part);
	return true;
}

/* "-0.25", at most 15 digits, so that it is the nearest double; strtod() knows the locale. */
static bool parse_decimal(const char *text, double min, double max, double *value)
{
	const bool negative = *text == '-';
	const char *at = text + negative;
	uint64_t digits = 0;
	double scale = 1;
	size_t count = 0;
	bool point = false;

	for (; *at; at++) {
		if (*at == '.' && !point && count > 0) {
			point = true;
			continue;
		}
		if (*at < '0' || *at > '9' || ++count > 15) {
			return false;
		}
		digits = digits * 10 + (uint64_t)(*at - '0');
		scale *= point ? 10 : 1;
	}
	const double number = (negative ? -1 : 1) * ((double)digits / scale);
	if (count == 0 || at[-1] == '.' || number < min || number > max) {
		return false;
	}
	*value = number;
	return true;
}

/* At most 6 digits, which is all that fits a picture; moves on behind `end`. */
static bool parse_part(const char **text, char end, uint32_t *value)
{
	const size_t length = strspn(*text, "0123456789");

	if (length == 0 || length > 6 || (*text)[length] != end) {
		return false;
	}
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		*value = *value * 10 + (uint32_t)((*text)[i] - '0');
	}
	*text += length + (end != '\0');
	return true;
}

bool tolerance_parse_area(struct vgt_area *area, const char *text)
{
	struct vgt_area parsed;

	if (!parse_part(&text, ',', &parsed.x) || !parse_part(&text, ',', &parsed.y) ||
		!parse_part(&text, 'x', &parsed.width) ||
		!parse_part(&text, '\0', &parsed.height) || parsed.width == 0 ||
		parsed.height == 0) {
		return false;
	}
	*area = parsed;
	return true;
}

/* Taking words */

__attribute__((format(printf, 3, 4))) static bool refuse(
	struct tolerance_fault *fault, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->message, sizeof(fault->message), format, args);
	va_end(args);
	fault->key = key;
	return false;
}

static bool refuse_value(
	struct tolerance_fault *fault, const char *key, const char *wanted, const char *given)
{
	return refuse(fault, key, "must be %s, not '%s'", wanted, vgt_text_quote(given).text);
}

static bool take_metric(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	enum vgt_metric metric = 0;

	while (metric < VGT_METRIC_COUNT && strcmp(word, metric_names[metric]) != 0) {
		metric++;
	}
	if (metric == VGT_METRIC_COUNT) {
		return refuse_value(fault, "metric", TOLERANCE_METRICS " or flip", word);
	}
	if (metric != tolerance->metric) {
		struct vgt_tolerance fresh = vgt_tolerance_of(metric);
		memcpy(fresh.ignored, tolerance->ignored, sizeof(fresh.ignored));
		fresh.ignored_count = tolerance->ignored_count;
		*tolerance = fresh;
	}
	return true;
}

static bool take_threshold(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	uint64_t number;

	if (tolerance->metric == VGT_METRIC_YIQ) {
		return parse_decimal(word, 0, 1, &tolerance->yiq_threshold) ||
		       refuse_value(fault, "threshold", "a number from 0 to 1", word);
	}
	if (!vgt_text_number(word, 0, 255, &number)) {
		return refuse_value(fault, "threshold", "a whole number from 0 to 255", word);
	}
	tolerance->threshold = (uint8_t)number;
	return true;
}

static bool take_max_pixels(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	const bool percent = strchr(word, '%') != NULL;
	uint64_t pixels = 0;
	uint32_t millionth = 0;

	if (!(percent ? parse_percent(word, &millionth)
		      : vgt_text_number(word, 0, INT64_MAX, &pixels))) {
		return refuse_value(fault, "max_pixels",
			percent ? "from 0% to 100% with at most 4 decimals"
				: "a number of pixels, or a percentage such as 0.5%",
			word);
	}
	tolerance->max_pixels = pixels;
	tolerance->max_millionth = millionth;
	return true;
}

static bool take_max(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	const bool mean = tolerance->metric == VGT_METRIC_MEAN;

	return parse_decimal(word, 0, mean ? 255 : 1, &tolerance->limit) ||
	       refuse_value(fault, "max",
		       mean ? "a number from 0 to 255" : "a number from 0 to 1", word);
}

static bool take_min(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	const bool ssim = tolerance->metric == VGT_METRIC_SSIM;

	return parse_decimal(word, ssim ? -1 : 0, ssim ? 1 : 1000, &tolerance->limit) ||
	       refuse_value(fault, "min",
		       ssim ? "a number from -1 to 1" : "a number of dB from 0 to 1000", word);
}

static bool take_ppd(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	return parse_decimal(word, VGT_PPD_MIN, VGT_PPD_MAX, &tolerance->pixels_per_degree) ||
	       refuse_value(fault, "ppd", "a number of pixels per degree from 1 to 1000", word);
}

static bool take_antialiased(
	struct vgt_tolerance *tolerance, const char *word, struct tolerance_fault *fault)
{
	tolerance->count_antialiased = strcmp(word, "count") == 0;
	return tolerance->count_antialiased || strcmp(word, "ignore") == 0 ||
	       refuse_value(fault, "antialiased", "count or ignore", word);
}

static bool take_ignored(struct vgt_tolerance *tolerance, const struct tolerance_words *words,
	struct tolerance_fault *fault)
{
	if (words->ignore_count > VGT_IGNORED_MAX) {
		return refuse(fault, "ignore", "has more than %d areas", VGT_IGNORED_MAX);
	}
	for (size_t i = 0; i < words->ignore_count; i++) {
		if (!tolerance_parse_area(&tolerance->ignored[i], words->ignore[i])) {
			return refuse_value(fault, "ignore",
				"an area such as 0,16,640x32 (X,Y,WxH)", words->ignore[i]);
		}
	}
	if (words->ignore_count > 0) {
		tolerance->ignored_count = words->ignore_count;
	}
	return true;
}

#define ONLY(metric) (1u << (metric))

bool tolerance_take(struct vgt_tolerance *tolerance, const struct tolerance_words *words,
	struct tolerance_fault *fault)
{
	const struct {
		const char *key, *word;
		unsigned metrics; /* that know it */
		const char *of;
		bool (*take)(struct vgt_tolerance *tolerance, const char *word,
			struct tolerance_fault *fault);
	} takers[] = {
		{"threshold", words->threshold,
			ONLY(VGT_METRIC_DIFFERENCE) | ONLY(VGT_METRIC_YIQ),
			"s difference and yiq", take_threshold},
		{"max_pixels", words->max_pixels,
			ONLY(VGT_METRIC_DIFFERENCE) | ONLY(VGT_METRIC_YIQ),
			"s difference and yiq", take_max_pixels},
		{"max", words->max, ONLY(VGT_METRIC_MEAN) | ONLY(VGT_METRIC_FLIP),
			"s mean and flip", take_max},
		{"min", words->min, ONLY(VGT_METRIC_PSNR) | ONLY(VGT_METRIC_SSIM),
			"s psnr and ssim", take_min},
		{"ppd", words->ppd, ONLY(VGT_METRIC_FLIP), " flip", take_ppd},
		{"antialiased", words->antialiased, ONLY(VGT_METRIC_YIQ), " yiq",
			take_antialiased},
	};
	struct vgt_tolerance taken = *tolerance;

	if (words->metric && !take_metric(&taken, words->metric, fault)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		if (!takers[i].word) {
			continue;
		}
		if (!(takers[i].metrics & ONLY(taken.metric))) {
			return refuse(fault, takers[i].key, "belongs to metric%s, not %s",
				takers[i].of, vgt_metric_name(taken.metric));
		}
		if (!takers[i].take(&taken, takers[i].word, fault)) {
			return false;
		}
	}
	if (!take_ignored(&taken, words, fault)) {
		return false;
	}
	*tolerance = taken;
	return true;
}

/* Words for what is in memory */

/* " beyond 8" */
static void describe_beyond(char text[32], enum vgt_metric metric, double threshold)
{
	if (metric == VGT_METRIC_DIFFERENCE) {
		snprintf(text, 32, "beyond %.0f", threshold);
	} else if (metric == VGT_METRIC_YIQ) {
		snprintf(text, 32, "beyond %.4g in YIQ", threshold);
	} else {
		snprintf(text, 32, "differ");
	}
}

static void describe_pixels(
	char text[TOLERANCE_TEXT], const struct vgt_tolerance *tolerance, const char *beyond)
{
	const uint32_t millionth = tolerance->max_millionth;

	if (tolerance->max_pixels > 0 && millionth > 0) {
		snprintf(text, TOLERANCE_TEXT, "at most %" PRIu64 " pixels or %.6g%% %s",
			tolerance->max_pixels, millionth / 1e4, beyond);
	} else if (millionth > 0) {
		snprintf(text, TOLERANCE_TEXT, "at most %.6g%% of the pixels %s",
			millionth / 1e4, beyond);
	} else if (tolerance->max_pixels > 0) {
		snprintf(text, TOLERANCE_TEXT, "at most %" PRIu64 " pixel%s %s",
			tolerance->max_pixels, tolerance->max_pixels == 1 ? "" : "s", beyond);
	} else {
		snprintf(text, TOLERANCE_TEXT, "no pixel %s", beyond);
	}
}

const char *tolerance_describe(char text[TOLERANCE_TEXT], const struct vgt_tolerance *tolerance)
{
	char beyond[32];

	switch (tolerance->metric) {
	case VGT_METRIC_DIFFERENCE:
		describe_beyond(beyond, tolerance->metric, tolerance->threshold);
		describe_pixels(text, tolerance, beyond);
		break;
	case VGT_METRIC_YIQ:
		describe_beyond(beyond, tolerance->metric, tolerance->yiq_threshold);
		describe_pixels(text, tolerance, beyond);
		break;
	case VGT_METRIC_EXACT:
		snprintf(text, TOLERANCE_TEXT, "no pixel that differs");
		break;
	case VGT_METRIC_MEAN:
		snprintf(text, TOLERANCE_TEXT, "a mean difference of at most %.6g",
			tolerance->limit);
		break;
	case VGT_METRIC_PSNR:
		snprintf(text, TOLERANCE_TEXT, "a PSNR of at least %.6g dB", tolerance->limit);
		break;
	case VGT_METRIC_SSIM:
		snprintf(text, TOLERANCE_TEXT, "an SSIM of at least %.6g", tolerance->limit);
		break;
	case VGT_METRIC_FLIP:
		snprintf(text, TOLERANCE_TEXT,
			"a mean FLIP of at most %.6g at %.6g pixels per degree",
			tolerance->limit, tolerance->pixels_per_degree);
		break;
	}
	return text;
}

/* With no more digits than parse_decimal() takes, and none that says nothing. */
static void put_option(FILE *to, const char *option, double value, const char *unit)
{
	char text[64];

	snprintf(text, sizeof(text), "%.12f", value);
	for (size_t end = strlen(text); text[end - 1] == '0'; end--) {
		text[end - 1] = '\0';
	}
	text[strlen(text) - (text[strlen(text) - 1] == '.')] = '\0';
	fprintf(to, " --%s %s%s", option, text, unit);
}

static void put_pixels(FILE *to, const struct vgt_tolerance *tolerance)
{
	if (tolerance->max_millionth > 0) {
		put_option(to, "max-pixels", tolerance->max_millionth / 1e4, "%");
	} else if (tolerance->max_pixels > 0) {
		fprintf(to, " --max-pixels %" PRIu64, tolerance->max_pixels);
	}
}

static void put_limit(FILE *to, const struct vgt_tolerance *tolerance)
{
	const struct vgt_tolerance usual = vgt_tolerance_of(tolerance->metric);

	switch (tolerance->metric) {
	case VGT_METRIC_DIFFERENCE:
		put_option(to, "threshold", tolerance->threshold, "");
		put_pixels(to, tolerance);
		break;
	case VGT_METRIC_YIQ:
		put_option(to, "threshold", tolerance->yiq_threshold, "");
		put_pixels(to, tolerance);
		fputs(tolerance->count_antialiased ? " --antialiased count" : "", to);
		break;
	case VGT_METRIC_FLIP:
		put_option(to, "ppd", tolerance->pixels_per_degree, "");
		put_option(to, "max", tolerance->limit, "");
		break;
	case VGT_METRIC_MEAN:
		put_option(to, "max", tolerance->limit, "");
		break;
	case VGT_METRIC_PSNR:
	case VGT_METRIC_SSIM:
		if (tolerance->limit < usual.limit) {
			put_option(to, "min", tolerance->limit, "");
		}
		break;
	case VGT_METRIC_EXACT:
		break;
	}
}

char *tolerance_options(const struct vgt_tolerance *tolerance)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to) {
		return NULL;
	}
	fprintf(to, "--metric %s", vgt_metric_name(tolerance->metric));
	put_limit(to, tolerance);
	for (size_t i = 0; i < tolerance->ignored_count; i++) {
		const struct vgt_area *area = &tolerance->ignored[i];
		fprintf(to, " --ignore %" PRIu32 ",%" PRIu32 ",%" PRIu32 "x%" PRIu32, area->x,
			area->y, area->width, area->height);
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The value of the metric, where that is not the number of pixels: "SSIM 0.97, "; or empty. */
static void describe_value(char text[64], const struct vgt_comparison *comparison)
{
	text[0] = '\0';
	if (comparison->metric == VGT_METRIC_PSNR) {
		snprintf(text, 64, "PSNR %.6g dB, ", comparison->value);
	} else if (comparison->metric == VGT_METRIC_SSIM) {
		snprintf(text, 64, "SSIM %.6g, ", comparison->value);
	} else if (comparison->metric == VGT_METRIC_FLIP) {
		snprintf(text, 64, "mean FLIP %.6g, ", comparison->value);
	}
}

const char *comparison_describe(
	char text[TOLERANCE_TEXT], const struct vgt_comparison *comparison)
{
	const struct vgt_sample_difference *largest = &comparison->largest;
	const struct vgt_area *area = &comparison->beyond;
	char value[64], beyond[32], antialiased[64] = "", where[64] = "", of[96] = "";

	if (comparison->identical) {
		snprintf(text, TOLERANCE_TEXT, "identical");
		return text;
	}
	describe_value(value, comparison);
	describe_beyond(beyond, comparison->metric,
		comparison->metric == VGT_METRIC_YIQ ? comparison->yiq_threshold
						     : comparison->threshold);
	if (comparison->pixels_antialiased > 0) {
		snprintf(antialiased, sizeof(antialiased), " and %" PRIu64 " anti-aliased",
			comparison->pixels_antialiased);
	}
	if (area->height > 0) {
		snprintf(where, sizeof(where),
			", in %" PRIu32 "x%" PRIu32 " pixels at %" PRIu32 ",%" PRIu32,
			area->width, area->height, area->x, area->y);
	}
	snprintf(of, sizeof(of), "largest difference %.4g (%s at %" PRIu32 ",%" PRIu32 ")",
		largest->difference, vgt_channel_name(largest->channel), largest->x,
		largest->y);
	snprintf(text, TOLERANCE_TEXT,
		"%s%" PRIu64 " of %" PRIu64 " pixels %s%s%s; %s, mean %.3g", value,
		comparison->pixels_beyond, comparison->pixels, beyond, antialiased, where, of,
		comparison->mean);
	return text;
}
