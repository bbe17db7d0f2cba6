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
 * A manifest is hostile input: what does not follow the description is refused, with the trace,
 * renderer or expectation and the key, or for a fault of JSON with the line. Names and files
 * cannot lead out of the suite's directory, and the environment is limited to what only changes
 * how Mesa draws.
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

/* Which renderers: globs of fnmatch() for what struct suite_renderer has; NULL: any. */
struct suite_pattern {
	const char *renderer, *version, *virglrenderer;
};

#define SUITE_KEYS_MAX 64

/* Renderers with goldens of their own, in NAME/KEY/ beside NAME/frame-NNNN.png. */
struct suite_key {
	const char *name; /* a directory's, and none of a golden */
	struct suite_pattern pattern;
	const struct suite_key *inherits; /* NULL: the goldens for all renderers. No cycle. */
	const char *inherits_name;        /* of that, NULL the same */
};

enum suite_expected {
	SUITE_EXPECT_FAIL,
	SUITE_EXPECT_CRASH,
	SUITE_EXPECT_HANG,
	SUITE_EXPECT_SKIP,  /* it is not run */
	SUITE_EXPECT_FLAKY, /* it is run again where it does not pass */
	SUITE_EXPECTED,
};

/* "fail", "crash", "hang", "skip" or "flaky". */
const char *suite_expected_name(enum suite_expected expected);

#define SUITE_EXPECTATIONS_MAX 1000
#define SUITE_RETRIES          2 /* of what is flaky, where the manifest does not say */
#define SUITE_RETRIES_MAX      10

/* A known failure. */
struct suite_expectation {
	const char *traces; /* glob of names; there is one that matches */
	struct suite_pattern pattern;
	enum suite_expected expected;
	unsigned retries;   /* SUITE_EXPECT_FLAKY: after the first run, else 0 */
	const char *frames; /* RANGES of vgt_ranges_parse(), of what fails or is flaky; NULL:
			       anything may differ */
	const char *reason; /* text or URL */
};

struct suite_manifest {
	struct suite_test *tests; /* in the manifest's order */
	size_t count;
	struct suite_variable *environment;
	size_t variable_count;
	struct suite_key *keys; /* in the manifest's order, as are these: */
	size_t key_count;
	struct suite_expectation *expectations;
	size_t expectation_count;
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
