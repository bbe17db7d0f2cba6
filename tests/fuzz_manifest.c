/* SPDX-License-Identifier: MIT */
#include "suite_manifest.h"
#include "vgt_address.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool good)
{
	if (!good) {
		abort();
	}
}

/* A path of the suite's own: no way up, none to the root, no hidden file. */
static void must_stay_inside(const char *path)
{
	must(*path && *path != '/' && *path != '.' && !strstr(path, "/.") &&
		!strstr(path, "//"));
	for (const char *at = path; *at; at++) {
		must((unsigned char)*at >= 0x20 && *at != 0x7f);
	}
}

static void check_test(const struct suite_test *test)
{
	struct vgt_ranges ranges;

	must_stay_inside(test->name);
	must(!strchr(test->name, '/'));
	if (test->file) {
		must_stay_inside(test->file);
	}
	must(!test->url || (test->sha256 && test->bytes && !test->file));
	must(!test->sha256 || strlen(test->sha256) == 64);
	must(test->bytes <= SUITE_BYTES_MAX);
	must(!test->frames || vgt_ranges_parse(&ranges, test->frames, NULL));
	must(test->rule >= VGT_FRAME_AUTO && test->rule <= VGT_FRAME_MARKER);
	must(test->tolerance.max_millionth <= 1000000);
	for (size_t i = 0; i < test->tag_count; i++) {
		must(suite_test_has_tag(test, test->tags[i]));
	}
}

static void check_key(const struct suite_key *key)
{
	size_t levels = 0;

	must_stay_inside(key->name);
	must(!strchr(key->name, '/') && strncmp(key->name, "frame-", 6) != 0);
	for (const struct suite_key *at = key; at; at = at->inherits) {
		must(++levels <= SUITE_KEYS_MAX);
	}
}

static void check_expectation(
	const struct suite_manifest *manifest, const struct suite_expectation *expectation)
{
	const bool flaky = expectation->expected == SUITE_EXPECT_FLAKY;
	size_t matching = 0;

	must(expectation->reason && *expectation->reason);
	must(suite_expected_name(expectation->expected) != NULL);
	must(flaky ? expectation->retries >= 1 && expectation->retries <= SUITE_RETRIES_MAX
		   : !expectation->retries);
	for (size_t i = 0; i < manifest->count; i++) {
		matching += fnmatch(expectation->traces, manifest->tests[i].name, 0) == 0;
	}
	must(matching > 0);
}

/* Any text as a manifest: refused with a message that fits on a line, or as documented. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct suite_manifest manifest;
	struct vgt_err err = {0};

	if (suite_manifest_parse(&manifest, (const char *)bytes, size, &err)) {
		for (size_t i = 0; i < manifest.count; i++) {
			check_test(&manifest.tests[i]);
		}
		for (size_t i = 0; i < manifest.variable_count; i++) {
			must(strncmp(manifest.environment[i].name, "LD_", 3) != 0);
			must(manifest.environment[i].value != NULL);
		}
		for (size_t i = 0; i < manifest.key_count; i++) {
			check_key(&manifest.keys[i]);
		}
		for (size_t i = 0; i < manifest.expectation_count; i++) {
			check_expectation(&manifest, &manifest.expectations[i]);
		}
		suite_manifest_finish(&manifest);
	} else {
		must(err.code != VGT_ERR_NONE && err.message[0]);
		for (const char *at = err.message; *at; at++) {
			must(*at >= 0x20 && *at < 0x7f);
		}
	}
	must(!manifest.json && !manifest.tests && !manifest.count);
	return 0;
}
