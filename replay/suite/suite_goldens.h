/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_GOLDENS_H
#define VGT_SUITE_GOLDENS_H

#include "suite_manifest.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The goldens of one test: which frames have some, and which those are for one renderer. They
 * lie in levels: the directory of the renderer's key, that of what it inherits, and so on, last
 * the test's own directory, for all renderers. The first level that has any picture of a frame
 * decides. There may be several approved pictures of a frame: frame-0010.png, frame-0010.2.png,
 * frame-0010.3.png; it is to be like one of them.
 */

#define SUITE_VARIANT_MAX 99 /* of the names */

struct suite_picture {
	uint64_t number; /* of the frame */
	size_t level;
	unsigned variant; /* 1: frame-0010.png, 2: frame-0010.2.png */
};

struct suite_golden {
	uint64_t number;
	const struct suite_picture *pictures; /* of the level that decides, by variant */
	size_t count;
	bool seen; /* for the user of the list */
};

struct suite_goldens {
	struct suite_golden *list; /* by number */
	size_t count;
	char **directories; /* of the levels; one need not be there */
	size_t level_count;
	struct suite_picture *pictures; /* of all levels, by number, level and variant */
	size_t picture_count;
};

/*
 * Lists those in `directory`, the test's, for the renderers of `key` (NULL: for those without).
 * Directories that are not there have none. False: one cannot be read, they hold more than
 * `max`, or a name that is meant to be one and is not: "frame-7.png" for "frame-0007.png"; the
 * message has the path. Nothing is held then.
 */
bool suite_goldens_open(struct suite_goldens *goldens, const char *directory,
	const struct suite_key *key, size_t max, struct vgt_err *err);
void suite_goldens_finish(struct suite_goldens *goldens);

/* NULL where the frame has none. */
struct suite_golden *suite_goldens_for(const struct suite_goldens *goldens, uint64_t number);

/* Room for the name of any. */
#define SUITE_GOLDEN_NAME_SIZE 48

/* "frame-0010.2.png"; returns `name`. */
const char *suite_golden_name(
	char name[SUITE_GOLDEN_NAME_SIZE], uint64_t number, unsigned variant);

/* Whether a file of this name is a golden, or meant to be one. */
bool suite_is_golden_name(const char *name);

/* The caller frees it; NULL: no memory. */
char *suite_picture_path(
	const struct suite_goldens *goldens, const struct suite_picture *picture);

/* RANGES of vgt_ranges_parse() with all of them, and with others only where these would be too
 * many ranges. The caller frees it; NULL: no memory. There must be one at least. */
char *suite_goldens_ranges(const struct suite_goldens *goldens);

#endif
