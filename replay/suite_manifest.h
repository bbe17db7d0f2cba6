/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_MANIFEST_H
#define VGT_SUITE_MANIFEST_H

#include "compare.h"
#include "vgt_err.h"
#include "vgt_trace.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a suite's manifest says, in memory. It is JSON, because json-c is here already, and
 * because programs write manifests as well as people do. `vgt help test` describes it.
 *
 * A manifest is hostile input: what does not follow the description is refused, with the trace
 * and the key, or for a fault of JSON with the line. Names and files cannot lead out of the
 * suite's directory, and the environment is limited to what only changes how Mesa draws.
 */

#define SUITE_MANIFEST_MAX (1u << 20)          /* bytes */
#define SUITE_BYTES_MAX    (UINT64_C(1) << 40) /* of one trace */

/* Goldens whose last bits depend on the processor: a channel may differ by 8, and 0.5 % of the
 * pixels by more. */
#define SUITE_TOLERANCE \
	(struct vgt_tolerance) \
	{ \
		.threshold = 8, .max_millionth = 5000 \
	}

/* One trace and what is expected of it. NULL where the manifest does not say. */
struct suite_test {
	const char *name;    /* also of the directory with its goldens */
	const char *refused; /* NULL, or why it cannot be run: its name is none */
	const char *file;    /* the trace, in the suite's directory; NULL: NAME.vgt */
	const char *url;     /* whence it is fetched: then it is not in the directory */
	const char *sha256;  /* 64 lower-case hexadecimal digits */
	uint64_t bytes;      /* 0 where the manifest does not say */
	const char *frames;  /* RANGES of vgt_ranges_parse(); NULL: those with goldens */
	enum vgt_frame_rule rule;
	struct vgt_tolerance tolerance;
	const char **tags;
	size_t tag_count;
	const char *program, *recorded, *shows, *license; /* for people */
};

struct suite_variable {
	const char *name, *value;
};

struct suite_manifest {
	struct suite_test *tests; /* in the manifest's order */
	size_t count;
	struct suite_variable *environment;
	size_t variable_count;
	struct json_object *json; /* private: owns all text */
};

/* `text` need not end with a NUL. On failure the manifest is left empty. */
bool suite_manifest_parse(
	struct suite_manifest *manifest, const char *text, size_t size, struct vgt_err *err);

/*
 * The same for what json-c has in memory, of a directory's files: a test whose name a manifest
 * could not have is `refused`, for it is nobody's mistake, and the others can be run. Takes the
 * object over, also on failure.
 */
bool suite_manifest_take_listed(
	struct suite_manifest *manifest, struct json_object *json, struct vgt_err *err);

/* Frees what it holds; an empty one is fine. */
void suite_manifest_finish(struct suite_manifest *manifest);

bool suite_test_has_tag(const struct suite_test *test, const char *tag);

#endif
