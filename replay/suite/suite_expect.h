/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_EXPECT_H
#define VGT_SUITE_EXPECT_H

#include "suite_manifest.h"
#include "suite_renderer.h"

#include <stdbool.h>
#include <stdint.h>

/* What a manifest says of one renderer. A renderer that is not known matches only patterns that
 * match anything. */

/* The first of "renderers" that matches, or NULL: the goldens for all renderers are its. */
const struct suite_key *suite_key_for(
	const struct suite_manifest *manifest, const struct suite_renderer *renderer);

/* The first of "expect" that matches, or NULL: the test is expected to pass. */
const struct suite_expectation *suite_expectation_for(const struct suite_manifest *manifest,
	const struct suite_renderer *renderer, const struct suite_test *test);

/* Whether a difference in this frame is among what is expected. */
bool suite_expectation_has_frame(const struct suite_expectation *expectation, uint64_t frame);

#endif
