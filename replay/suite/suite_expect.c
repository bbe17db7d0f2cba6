/* SPDX-License-Identifier: MIT */
#include "suite_expect.h"

#include "vgt_address.h"

#include <fnmatch.h>
#include <stddef.h>

static bool matches(const char *pattern, const char *text)
{
	return !pattern || fnmatch(pattern, text, 0) == 0;
}

static bool pattern_matches(
	const struct suite_pattern *pattern, const struct suite_renderer *renderer)
{
	return matches(pattern->renderer, renderer->renderer) &&
	       matches(pattern->version, renderer->gl_version) &&
	       matches(pattern->virglrenderer, renderer->virglrenderer);
}

const struct suite_key *suite_key_for(
	const struct suite_manifest *manifest, const struct suite_renderer *renderer)
{
	for (size_t i = 0; i < manifest->key_count; i++) {
		if (pattern_matches(&manifest->keys[i].pattern, renderer)) {
			return &manifest->keys[i];
		}
	}
	return NULL;
}

const struct suite_expectation *suite_expectation_for(const struct suite_manifest *manifest,
	const struct suite_renderer *renderer, const struct suite_test *test)
{
	for (size_t i = 0; i < manifest->expectation_count; i++) {
		const struct suite_expectation *expectation = &manifest->expectations[i];
		if (matches(expectation->traces, test->name) &&
			pattern_matches(&expectation->pattern, renderer)) {
			return expectation;
		}
	}
	return NULL;
}

bool suite_expectation_has_frame(const struct suite_expectation *expectation, uint64_t frame)
{
	struct vgt_ranges ranges;
	return !expectation->frames || (vgt_ranges_parse(&ranges, expectation->frames, NULL) &&
					       vgt_ranges_contain(&ranges, frame));
}
