/* SPDX-License-Identifier: MIT */
#include "suite_goldens.h"

#include "vgt_address.h"
#include "vgt_text.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "frame-"
#define SUFFIX ".png"

const char *suite_golden_name(
	char name[SUITE_GOLDEN_NAME_SIZE], uint64_t number, unsigned variant)
{
	const int length = snprintf(name, SUITE_GOLDEN_NAME_SIZE, PREFIX "%04" PRIu64, number);

	if (variant > 1) {
		snprintf(name + length, SUITE_GOLDEN_NAME_SIZE - (size_t)length, ".%u" SUFFIX,
			variant);
	} else {
		snprintf(name + length, SUITE_GOLDEN_NAME_SIZE - (size_t)length, SUFFIX);
	}
	return name;
}

/* Whether this is a golden's name: with one number or two, whatever their form. */
static bool parse_name(const char *name, uint64_t *number, uint64_t *variant)
{
	char digits[SUITE_GOLDEN_NAME_SIZE];
	const size_t length = strlen(name), around = strlen(PREFIX) + strlen(SUFFIX);

	if (length <= around || length - around >= sizeof(digits) ||
		strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
		strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0) {
		return false;
	}
	memcpy(digits, name + strlen(PREFIX), length - around);
	digits[length - around] = '\0';
	char *dot = strchr(digits, '.');
	*variant = 1;
	if (dot) {
		*dot = '\0';
	}
	return vgt_text_number(digits, 0, VGT_ADDRESS_OPEN - 1, number) &&
	       (!dot || vgt_text_number(dot + 1, 0, UINT64_MAX, variant));
}

bool suite_is_golden_name(const char *name)
{
	uint64_t number, variant;
	return parse_name(name, &number, &variant);
}

static bool refuse_name(struct vgt_err *err, const char *directory, const char *name,
	uint64_t number, bool has_variant)
{
	char good[SUITE_GOLDEN_NAME_SIZE];

	suite_golden_name(good, number, 1);
	if (!has_variant) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%.120s: %.60s must be named %s", directory, name, good);
	}
	return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
		"%.120s: %.60s must be named %s, or for one more picture %.*s.2" SUFFIX
		" to %d" SUFFIX,
		directory, name, good, (int)(strlen(good) - strlen(SUFFIX)), good,
		SUITE_VARIANT_MAX);
}

static bool add(struct suite_goldens *goldens, size_t level, const char *name, size_t max,
	struct vgt_err *err)
{
	const char *directory = goldens->directories[level];
	char canonical[SUITE_GOLDEN_NAME_SIZE] = "";
	uint64_t number, variant;

	if (!parse_name(name, &number, &variant)) {
		return true;
	}
	if (variant >= 1 && variant <= SUITE_VARIANT_MAX) {
		suite_golden_name(canonical, number, (unsigned)variant);
	}
	if (strcmp(name, canonical) != 0) {
		const bool has_variant = strchr(name, '.') != strrchr(name, '.');
		return refuse_name(err, directory, name, number, has_variant);
	}
	if (goldens->picture_count == max) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"%.120s: has more than %zu goldens", directory, max);
	}
	struct suite_picture *pictures =
		realloc(goldens->pictures, (goldens->picture_count + 1) * sizeof(*pictures));
	if (!pictures) {
		return vgt_err_system(err, ENOMEM, "cannot list the goldens");
	}
	goldens->pictures = pictures;
	pictures[goldens->picture_count++] = (struct suite_picture){
		.number = number, .level = level, .variant = (unsigned)variant};
	return true;
}

static bool list_level(
	struct suite_goldens *goldens, size_t level, size_t max, struct vgt_err *err)
{
	const char *directory = goldens->directories[level];
	const struct dirent *entry;
	DIR *dir = opendir(directory);
	bool good = true;

	if (!dir) {
		return errno == ENOENT ||
		       vgt_err_system(
			       err, errno, "%.120s: cannot read the directory", directory);
	}
	while (good && (entry = readdir(dir))) {
		good = add(goldens, level, entry->d_name, max, err);
	}
	closedir(dir);
	return good;
}

static int by_place(const void *a, const void *b)
{
	const struct suite_picture *left = a, *right = b;

	if (left->number != right->number) {
		return left->number < right->number ? -1 : 1;
	}
	if (left->level != right->level) {
		return left->level < right->level ? -1 : 1;
	}
	return left->variant < right->variant ? -1 : left->variant > right->variant;
}

/* Of each frame the pictures that decide. */
static bool choose(struct suite_goldens *goldens, struct vgt_err *err)
{
	struct suite_picture *pictures = goldens->pictures;

	goldens->list = calloc(goldens->picture_count + 1, sizeof(*goldens->list));
	if (!goldens->list) {
		return vgt_err_system(err, ENOMEM, "cannot list the goldens");
	}
	if (goldens->picture_count) {
		qsort(pictures, goldens->picture_count, sizeof(*pictures), by_place);
	}
	for (size_t i = 0, first = 0; i < goldens->picture_count; i++) {
		if (i == 0 || pictures[i].number != pictures[first].number) {
			first = i;
			goldens->list[goldens->count++] = (struct suite_golden){
				.number = pictures[i].number, .pictures = &pictures[i]};
		}
		goldens->list[goldens->count - 1].count +=
			pictures[i].level == pictures[first].level;
	}
	return true;
}

static bool name_levels(
	struct suite_goldens *goldens, const char *directory, const struct suite_key *key)
{
	size_t count = 1;

	for (const struct suite_key *at = key; at; at = at->inherits) {
		count++;
	}
	goldens->directories = calloc(count, sizeof(*goldens->directories));
	for (; goldens->directories && key; key = key->inherits) {
		char **to = &goldens->directories[goldens->level_count++];
		if (asprintf(to, "%s/%s", directory, key->name) < 0) {
			*to = NULL;
			return false;
		}
	}
	if (!goldens->directories) {
		return false;
	}
	goldens->directories[goldens->level_count++] = strdup(directory);
	return goldens->directories[goldens->level_count - 1] != NULL;
}

bool suite_goldens_open(struct suite_goldens *goldens, const char *directory,
	const struct suite_key *key, size_t max, struct vgt_err *err)
{
	*goldens = (struct suite_goldens){0};
	bool good = name_levels(goldens, directory, key) ||
		    vgt_err_system(err, ENOMEM, "cannot list the goldens");
	for (size_t level = 0; good && level < goldens->level_count; level++) {
		good = list_level(goldens, level, max, err);
	}
	if (!good || !choose(goldens, err)) {
		suite_goldens_finish(goldens);
		return false;
	}
	return true;
}

void suite_goldens_finish(struct suite_goldens *goldens)
{
	for (size_t i = 0; i < goldens->level_count; i++) {
		free(goldens->directories[i]);
	}
	free(goldens->directories);
	free(goldens->pictures);
	free(goldens->list);
	*goldens = (struct suite_goldens){0};
}

static int by_number(const void *a, const void *b)
{
	const struct suite_golden *left = a, *right = b;
	return left->number < right->number ? -1 : left->number > right->number;
}

struct suite_golden *suite_goldens_for(const struct suite_goldens *goldens, uint64_t number)
{
	const struct suite_golden key = {.number = number};
	return goldens->count ? bsearch(&key, goldens->list, goldens->count,
					sizeof(*goldens->list), by_number)
			      : NULL;
}

char *suite_picture_path(
	const struct suite_goldens *goldens, const struct suite_picture *picture)
{
	char name[SUITE_GOLDEN_NAME_SIZE], *path;

	suite_golden_name(name, picture->number, picture->variant);
	return asprintf(&path, "%s/%s", goldens->directories[picture->level], name) < 0 ? NULL
											: path;
}

char *suite_goldens_ranges(const struct suite_goldens *goldens)
{
	const struct suite_golden *list = goldens->list;
	const size_t last = goldens->count - 1;
	size_t size, ranges = 0;
	char *text;
	FILE *to = open_memstream(&text, &size);

	if (!to) {
		return NULL;
	}
	for (size_t first = 0, next; first <= last; first = next) {
		next = first + 1;
		while (next <= last && list[next].number == list[next - 1].number + 1) {
			next++;
		}
		fprintf(to, "%s%" PRIu64, ranges++ ? "," : "", list[first].number);
		if (next > first + 1) {
			fprintf(to, "-%" PRIu64, list[next - 1].number);
		}
	}
	if (fclose(to) != 0) {
		return NULL;
	}
	if (ranges > VGT_ADDRESSES_MAX) {
		free(text);
		if (asprintf(&text, "%" PRIu64 "-%" PRIu64, list[0].number, list[last].number) <
			0) {
			return NULL;
		}
	}
	return text;
}
