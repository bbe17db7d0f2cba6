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

/* Whether this is a golden's name; *good: in the form that the player gives to its pictures. */
static bool parse_name(const char *name, uint64_t *number, bool *good)
{
	char digits[24], canonical[40];
	const size_t length = strlen(name), around = strlen(PREFIX) + strlen(SUFFIX);

	if (length <= around || length - around >= sizeof(digits) ||
		strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
		strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0) {
		return false;
	}
	memcpy(digits, name + strlen(PREFIX), length - around);
	digits[length - around] = '\0';
	if (!vgt_text_number(digits, 0, VGT_ADDRESS_OPEN - 1, number)) {
		return false;
	}
	snprintf(canonical, sizeof(canonical), PREFIX "%04" PRIu64 SUFFIX, *number);
	*good = strcmp(name, canonical) == 0;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct suite_golden *left = a, *right = b;
	return left->number < right->number ? -1 : left->number > right->number;
}

static bool add(
	struct suite_goldens *goldens, const char *name, size_t max, struct vgt_err *err)
{
	uint64_t number;
	bool good;

	if (!parse_name(name, &number, &good)) {
		return true;
	}
	if (!good) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
			"%s must be named " PREFIX "%04" PRIu64 SUFFIX, name, number);
	}
	if (goldens->count == max) {
		return vgt_err_set(
			err, VGT_ERR_LIMIT, VGT_NO_OFFSET, "has more than %zu goldens", max);
	}
	struct suite_golden *list =
		realloc(goldens->list, (goldens->count + 1) * sizeof(*list));
	if (!list) {
		return vgt_err_system(err, ENOMEM, "cannot list the goldens");
	}
	goldens->list = list;
	list[goldens->count++] = (struct suite_golden){.number = number};
	return true;
}

bool suite_goldens_list(
	struct suite_goldens *goldens, const char *directory, size_t max, struct vgt_err *err)
{
	const struct dirent *entry;
	DIR *dir = opendir(directory);
	bool good = true;

	*goldens = (struct suite_goldens){0};
	if (!dir) {
		return errno == ENOENT ||
		       vgt_err_system(err, errno, "cannot read the directory");
	}
	while (good && (entry = readdir(dir))) {
		good = add(goldens, entry->d_name, max, err);
	}
	closedir(dir);
	if (!good) {
		suite_goldens_finish(goldens);
	} else if (goldens->count) {
		qsort(goldens->list, goldens->count, sizeof(*goldens->list), by_number);
	}
	return good;
}

void suite_goldens_finish(struct suite_goldens *goldens)
{
	free(goldens->list);
	*goldens = (struct suite_goldens){0};
}

struct suite_golden *suite_goldens_find(const struct suite_goldens *goldens, uint64_t number)
{
	const struct suite_golden key = {.number = number};
	return goldens->count ? bsearch(&key, goldens->list, goldens->count,
					sizeof(*goldens->list), by_number)
			      : NULL;
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
