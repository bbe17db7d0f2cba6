/* SPDX-License-Identifier: MIT */
#include "suite_expect.h"
#include "suite_manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHA256         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TRACE(members) "{\"version\":1,\"traces\":[{\"name\":\"gears\"," members "}]}"

#define WITH(key, list) \
	"{\"version\":1,\"traces\":[{\"name\":\"gears\"}],\"" key "\":[" list "]}"
#define RENDERERS(list) WITH("renderers", list)
#define EXPECT(list)    WITH("expect", list)

static bool parse(struct suite_manifest *manifest, const char *text, struct vgt_err *err)
{
	return suite_manifest_parse(manifest, text, strlen(text), err);
}

static void test_all_keys(void **state)
{
	struct suite_manifest manifest;
	struct vgt_err err = {0};
	(void)state;

	if (!parse(&manifest,
		    "{\"version\": 1, \"tolerance\": {\"threshold\": 3, \"max_pixels\": 17},\n"
		    " \"environment\": {\"LP_NATIVE_VECTOR_WIDTH\": \"128\"},\n"
		    " \"traces\": [{\"name\": \"gears\", \"file\": \"old/g.vgt\",\n"
		    "  \"sha256\": \"" SHA256 "\", \"bytes\": 18372, \"frames\": \"0,10-12\",\n"
		    "  \"rule\": \"flush\", \"tolerance\": {\"max_pixels\": \"0.25%\"},\n"
		    "  \"tags\": [\"gl\", \"small\"], \"program\": \"p\", \"recorded\": "
		    "\"r\",\n"
		    "  \"shows\": \"s\", \"license\": \"l\"},\n"
		    " {\"name\": \"big\", \"url\": \"https://example.org/b.vgt\",\n"
		    "  \"sha256\": \"" SHA256 "\", \"bytes\": 1}]}\n \n",
		    &err)) {
		fail_msg("%s", err.message);
	}
	assert_int_equal(manifest.count, 2);
	assert_int_equal(manifest.variable_count, 1);
	assert_string_equal(manifest.environment[0].name, "LP_NATIVE_VECTOR_WIDTH");
	assert_string_equal(manifest.environment[0].value, "128");
	const struct suite_test *test = &manifest.tests[0];
	assert_string_equal(test->name, "gears");
	assert_string_equal(test->file, "old/g.vgt");
	assert_null(test->url);
	assert_string_equal(test->sha256, SHA256);
	assert_int_equal(test->bytes, 18372);
	assert_string_equal(test->frames, "0,10-12");
	assert_int_equal(test->rule, VGT_FRAME_FLUSH);
	/* the trace's own limit on pixels, and what it leaves out from the suite */
	assert_int_equal(test->tolerance.threshold, 3);
	assert_int_equal(test->tolerance.max_pixels, 0);
	assert_int_equal(test->tolerance.max_millionth, 2500);
	assert_int_equal(test->tag_count, 2);
	assert_true(suite_test_has_tag(test, "small"));
	assert_false(suite_test_has_tag(test, "smal"));
	assert_string_equal(test->program, "p");
	assert_string_equal(test->recorded, "r");
	assert_string_equal(test->shows, "s");
	assert_string_equal(test->license, "l");
	test = &manifest.tests[1];
	assert_string_equal(test->url, "https://example.org/b.vgt");
	assert_int_equal(test->tolerance.max_pixels, 17);
	assert_int_equal(test->rule, VGT_FRAME_AUTO);
	assert_null(test->frames);
	suite_manifest_finish(&manifest);
	assert_int_equal(manifest.count, 0);
}

static void test_defaults(void **state)
{
	struct suite_manifest manifest;
	(void)state;

	assert_true(parse(&manifest, "{\"traces\":[{\"name\":\"a\"}],\"version\":1}", NULL));
	assert_int_equal(manifest.tests[0].tolerance.threshold, 8);
	assert_int_equal(manifest.tests[0].tolerance.max_millionth, 5000);
	assert_int_equal(manifest.tests[0].tolerance.max_pixels, 0);
	assert_null(manifest.tests[0].file);
	suite_manifest_finish(&manifest);
	assert_true(parse(&manifest, "{\"version\":1,\"traces\":[]}", NULL));
	assert_int_equal(manifest.count, 0);
	suite_manifest_finish(&manifest);
}

static void test_renderers(void **state)
{
	struct suite_manifest manifest;
	const struct suite_renderer llvmpipe = {"llvmpipe (LLVM 15.0.6, 128 bits)",
		"4.5 (Compatibility Profile) Mesa 22.3.6", "libvirglrenderer.so.1.7.7"};
	const struct suite_renderer softpipe = {"softpipe",
		"3.3 (Compatibility Profile) Mesa 22.3.6", "libvirglrenderer.so.1.7.7"};
	const struct suite_renderer newer = {"llvmpipe (LLVM 19.1.7, 128 bits)",
		"4.5 (Compatibility Profile) Mesa 25.0.7", "libvirglrenderer.so.1.8.10"};
	const struct suite_renderer unknown = {"", "", ""};
	struct vgt_err err = {0};
	(void)state;

	if (!parse(&manifest,
		    "{\"version\": 1, \"traces\": [],\n"
		    " \"renderers\": [{\"name\": \"soft\", \"renderer\": \"softpipe*\",\n"
		    "   \"inherits\": \"llvmpipe 22\"},\n"
		    "  {\"name\": \"old\", \"virglrenderer\": \"*.1.[0-6].*\"},\n"
		    "  {\"name\": \"llvmpipe 22\", \"renderer\": \"llvmpipe*\",\n"
		    "   \"version\": \"*Mesa 22.*\"}]}",
		    &err)) {
		fail_msg("%s", err.message);
	}
	assert_int_equal(manifest.key_count, 3);
	assert_ptr_equal(suite_key_for(&manifest, &softpipe), &manifest.keys[0]);
	assert_ptr_equal(suite_key_for(&manifest, &llvmpipe), &manifest.keys[2]);
	assert_null(suite_key_for(&manifest, &newer));
	assert_null(suite_key_for(&manifest, &unknown));
	assert_ptr_equal(manifest.keys[0].inherits, &manifest.keys[2]);
	assert_null(manifest.keys[2].inherits);
	suite_manifest_finish(&manifest);
	/* the first that matches; no pattern, or one for anything, matches what is not known */
	assert_true(parse(&manifest,
		"{\"version\":1,\"traces\":[],\"renderers\":[{\"name\":\"b\",\"renderer\":"
		"\"?*\"},{\"name\":\"c\",\"renderer\":\"*\"},{\"name\":\"a\"}]}",
		NULL));
	assert_string_equal(suite_key_for(&manifest, &llvmpipe)->name, "b");
	assert_string_equal(suite_key_for(&manifest, &unknown)->name, "c");
	suite_manifest_finish(&manifest);
}

static void test_expect(void **state)
{
	struct suite_manifest manifest;
	const struct suite_renderer llvmpipe = {"llvmpipe", "4.5 Mesa 22.3.6", "v"};
	const struct suite_renderer softpipe = {"softpipe", "3.3 Mesa 22.3.6", "v"};
	const struct suite_expectation *found;
	struct vgt_err err = {0};
	(void)state;

	if (!parse(&manifest,
		    "{\"version\": 1, \"expect\": [\n"
		    " {\"traces\": \"windows-*\", \"renderer\": \"softpipe*\",\n"
		    "  \"result\": \"skip\", \"reason\": \"slow\"},\n"
		    " {\"traces\": \"gears\", \"version\": \"* Mesa 22.*\",\n"
		    "  \"result\": \"fail\", \"frames\": \"3,10-\", \"reason\": \"edges\"},\n"
		    " {\"traces\": \"*\", \"renderer\": \"softpipe*\", \"result\": "
		    "\"flaky\",\n"
		    "  \"reason\": \"r\"},\n"
		    " {\"traces\": \"windows-a\", \"result\": \"flaky\", \"retries\": 10,\n"
		    "  \"reason\": \"r\"}],\n"
		    " \"traces\": [{\"name\": \"gears\"}, {\"name\": \"windows-a\"},\n"
		    "  {\"name\": \"cube\"}]}",
		    &err)) {
		fail_msg("%s", err.message);
	}
	const struct suite_test *gears = &manifest.tests[0], *windows = &manifest.tests[1],
				*cube = &manifest.tests[2];
	assert_int_equal(manifest.expectation_count, 4);
	found = suite_expectation_for(&manifest, &softpipe, windows);
	assert_int_equal(found->expected, SUITE_EXPECT_SKIP);
	assert_string_equal(found->reason, "slow");
	found = suite_expectation_for(&manifest, &softpipe, gears);
	assert_int_equal(found->expected, SUITE_EXPECT_FAIL);
	assert_int_equal(found->retries, 0);
	assert_true(suite_expectation_has_frame(found, 3));
	assert_false(suite_expectation_has_frame(found, 4));
	assert_true(suite_expectation_has_frame(found, 1000));
	found = suite_expectation_for(&manifest, &softpipe, cube);
	assert_int_equal(found->expected, SUITE_EXPECT_FLAKY);
	assert_int_equal(found->retries, SUITE_RETRIES);
	assert_true(suite_expectation_has_frame(found, 4));
	assert_null(suite_expectation_for(&manifest, &llvmpipe, cube));
	found = suite_expectation_for(&manifest, &llvmpipe, windows);
	assert_int_equal(found->retries, 10);
	suite_manifest_finish(&manifest);
}

/* What each is refused with, in full. */
static void test_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} table[] = {
		{"", "line 1: ends too early"},
		{"{\"version\":1,", "line 1: ends too early"},
		{"{\"version\":1,\n\n\"traces\":]}", "line 3: unexpected character"},
		{"{\"version\":1,\"traces\":[]} x", "line 1: unexpected character"},
		{"{\"version\":1,\"traces\":[]}{}", "line 1: unexpected character"},
		{"[]", "must be an object"},
		{"null\n", "must be an object"},
		{"[[[[[[[[[[]]]]]]]]]]", "line 1: nesting too deep"},
		{"{\"traces\":[]}", "has no \"version\""},
		{"{\"version\":1}", "has no \"traces\""},
		{"{\"version\":2,\"traces\":[]}",
			"version: must be 1, the only one that this vgt knows"},
		{"{\"version\":\"1\",\"traces\":[]}",
			"version: must be a whole number, not a string"},
		{"{\"version\":1,\"traces\":{}}", "traces: must be an array, not an object"},
		{"{\"version\":1,\"traces\":null}", "traces: must be an array, not null"},
		{"{\"version\":1,\"traces\":[1]}", "traces[0]: must be an object"},
		{"{\"version\":1,\"traces\":[{}]}", "traces[0]: has no \"name\""},
		{"{\"version\":1,\"traces\":[],\"trace\":1}", "no such key 'trace'"},
		{"{\"version\":1,\"traces\":[{\"name\":\"a\"},{\"name\":\"b\"},"
		 "{\"name\":\"a\"}]}",
			"traces: two have the name a"},
		{"{\"version\":1,\"traces\":[{\"name\":\"..\"}]}",
			"traces[0]: name: must be 1 to 100 bytes without '/' or control "
			"characters and not begin with '.' or '-', not '..'"},
		{"{\"version\":1,\"traces\":[{\"name\":\"a/b\"}]}",
			"traces[0]: name: must be 1 to 100 bytes without '/' or control "
			"characters and not begin with '.' or '-', not 'a/b'"},
		{"{\"version\":1,\"traces\":[{\"name\":\"a\\u001b[2J\"}]}",
			"traces[0]: name: must be 1 to 100 bytes without '/' or control "
			"characters and not begin with '.' or '-', not 'a?[2J'"},
		{"{\"version\":1,\"traces\":[{\"name\":\"a\\u0000b\"}]}",
			"traces[0]: name: has a character U+0000"},
		{TRACE("\"colour\":1"), "trace gears: no such key 'colour'"},
		{TRACE("\"file\":\"../x.vgt\""), "trace gears: file: must be a path within the "
						 "suite's directory, not '../x.vgt'"},
		{TRACE("\"file\":\"/x.vgt\""), "trace gears: file: must be a path within the "
					       "suite's directory, not '/x.vgt'"},
		{TRACE("\"file\":\"a//b\""), "trace gears: file: must be a path within the "
					     "suite's directory, not 'a//b'"},
		{TRACE("\"file\":\"a/\""),
			"trace gears: file: must be a path within the suite's directory, not "
			"'a/'"},
		{TRACE("\"url\":\"x\""), "trace gears: url: needs \"sha256\" and \"bytes\""},
		{TRACE("\"url\":\"ftp://x\""), "trace gears: url: must be of https:, http: or "
					       "file:, or a path, not 'ftp://x'"},
		{TRACE("\"url\":\"http://x\\n\""), "trace gears: url: has a control character"},
		{TRACE("\"url\":\"x\",\"file\":\"x\""),
			"trace gears: url: and \"file\" exclude each other"},
		{TRACE("\"sha256\":\"E3\""),
			"trace gears: sha256: must be 64 lower-case hexadecimal digits, not "
			"'E3'"},
		{TRACE("\"bytes\":0"), "trace gears: bytes: must be from 1 to 1099511627776"},
		{TRACE("\"bytes\":-1"), "trace gears: bytes: must be from 1 to 1099511627776"},
		{TRACE("\"bytes\":99999999999999999999999"),
			"trace gears: bytes: must be from 1 to 1099511627776"},
		{TRACE("\"bytes\":1.5"), "trace gears: bytes: must be a whole number, not a "
					 "number with a fraction"},
		{TRACE("\"frames\":\"5-3\""), "trace gears: frames: must be frames such as "
					      "\"0,10-20\", at most 64 ranges, not '5-3'"},
		{TRACE("\"frames\":\"@1\""), "trace gears: frames: must be frames such as "
					     "\"0,10-20\", at most 64 ranges, not '@1'"},
		{TRACE("\"frames\":3"),
			"trace gears: frames: must be a string, not a whole number"},
		{TRACE("\"rule\":\"vsync\""), "trace gears: rule: must be auto, marker, flush, "
					      "readback or submit, not 'vsync'"},
		{TRACE("\"tolerance\":8"),
			"trace gears: tolerance: must be an object, not a whole number"},
		{TRACE("\"tolerance\":{\"threshold\":256}"),
			"trace gears: threshold: must be a whole number from 0 to 255, not "
			"'256'"},
		{TRACE("\"tolerance\":{\"max_pixels\":\"101%\"}"),
			"trace gears: max_pixels: must be from 0% to 100% with at most 4 "
			"decimals, not '101%'"},
		{TRACE("\"tolerance\":{\"metric\":\"yqi\"}"),
			"trace gears: metric: must be difference, exact, mean, psnr, yiq, ssim "
			"or "
			"flip, not 'yqi'"},
		{TRACE("\"tolerance\":{\"metric\":\"yiq\",\"max\":0.5}"),
			"trace gears: max: belongs to metrics mean and flip, not yiq"},
		{TRACE("\"tolerance\":{\"ignore\":[\"0,0,64\"]}"),
			"trace gears: ignore: must be an area such as 0,16,640x32 (X,Y,WxH), "
			"not "
			"'0,0,64'"},
		{TRACE("\"tolerance\":{\"max_pixels\":true}"),
			"trace gears: max_pixels: must be a string, not true or false"},
		{TRACE("\"tolerance\":{\"threshold\":null}"),
			"trace gears: threshold: must be a string, not null"},
		{TRACE("\"tolerance\":{\"max\":\"1\\u0000\"}"),
			"trace gears: max: has a character U+0000"},
		{TRACE("\"tolerance\":{\"metric\":[\"exact\"]}"),
			"trace gears: metric: must be a string, not an array"},
		{TRACE("\"tolerance\":{\"max_pixel\":1}"),
			"trace gears: no such key 'max_pixel'"},
		{TRACE("\"tags\":\"gl\""), "trace gears: tags: must be an array, not a string"},
		{TRACE("\"tags\":[\"a b\"]"), "trace gears: tags: must be words, not 'a b'"},
		{TRACE("\"tags\":[null]"), "trace gears: tags: must be a string, not null"},
		{TRACE("\"shows\":[]"), "trace gears: shows: must be a string, not an array"},
		{"{\"version\":1,\"traces\":[],\"environment\":{\"LD_PRELOAD\":\"x\"}}",
			"environment: 'LD_PRELOAD' is none that a manifest may set"},
		{"{\"version\":1,\"traces\":[],\"environment\":{\"LIBGL_DRIVERS_PATH\":\"x\"}}",
			"environment: 'LIBGL_DRIVERS_PATH' is none that a manifest may set"},
		{"{\"version\":1,\"traces\":[],\"environment\":{\"LP_NUM_THREADS\":1}}",
			"LP_NUM_THREADS: must be a string, not a whole number"},
		{RENDERERS("1"), "renderers[0]: must be an object"},
		{RENDERERS("{\"renderer\":\"x\"}"), "renderers[0]: has no \"name\""},
		{RENDERERS("{\"name\":\"a\"},{\"name\":\"..\"}"),
			"renderers[1]: name: must be 1 to 100 bytes without '/' or control "
			"characters and not begin with '.' or '-' or \"frame-\", not '..'"},
		{RENDERERS("{\"name\":\"frame-0010.png\"}"),
			"renderers[0]: name: must be 1 to 100 bytes without '/' or control "
			"characters and not begin with '.' or '-' or \"frame-\", not "
			"'frame-0010.png'"},
		{RENDERERS("{\"name\":\"a\"},{\"name\":\"a\"}"),
			"renderers: two have the name a"},
		{RENDERERS("{\"name\":\"a\",\"render\":\"x\"}"),
			"renderer a: no such key 'render'"},
		{RENDERERS("{\"name\":\"a\",\"version\":4}"),
			"renderer a: version: must be a string, not a whole number"},
		{RENDERERS("{\"name\":\"a\",\"virglrenderer\":\"\"}"),
			"renderer a: virglrenderer: must be 1 to 200 bytes"},
		{RENDERERS("{\"name\":\"a\",\"inherits\":\"b\"}"),
			"renderer a: inherits: there is no renderer 'b'"},
		{RENDERERS("{\"name\":\"a\",\"inherits\":\"a\"}"),
			"renderer a: inherits: leads back to itself"},
		{RENDERERS("{\"name\":\"a\",\"inherits\":\"b\"},"
			   "{\"name\":\"b\",\"inherits\":\"c\"},"
			   "{\"name\":\"c\",\"inherits\":\"b\"}"),
			"renderer c: inherits: leads back to itself"},
		{EXPECT("[]"), "expect[0]: must be an object"},
		{EXPECT("{\"result\":\"fail\",\"reason\":\"x\"}"),
			"expect[0]: has no \"traces\""},
		{EXPECT("{\"traces\":\"*\",\"reason\":\"x\"}"), "expect[0]: has no \"result\""},
		{EXPECT("{\"traces\":\"*\",\"result\":\"fail\"}"),
			"expect[0]: has no \"reason\""},
		{EXPECT("{\"traces\":\"*\",\"result\":\"fail\",\"reason\":\"\"}"),
			"expect[0]: reason: is empty"},
		{EXPECT("{\"traces\":\"*\",\"result\":\"pass\",\"reason\":\"x\"}"),
			"expect[0]: result: must be fail, crash, hang, skip or flaky, not "
			"'pass'"},
		{EXPECT("{\"traces\":\"gaers\",\"result\":\"fail\",\"reason\":\"x\"}"),
			"expect[0]: traces: no trace has a name like 'gaers'"},
		{EXPECT("{\"traces\":\"gear?\",\"result\":\"skip\",\"reason\":\"x\"},"
			"{\"traces\":\"windows-*\",\"result\":\"skip\",\"reason\":\"x\"}"),
			"expect[1]: traces: no trace has a name like 'windows-*'"},
		{EXPECT("{\"traces\":\"*\",\"result\":\"fail\",\"reason\":\"x\","
			"\"retries\":1}"),
			"expect[0]: retries: is only for what is flaky"},
		{EXPECT("{\"traces\":\"*\",\"result\":\"flaky\",\"reason\":\"x\","
			"\"retries\":11}"),
			"expect[0]: retries: must be from 1 to 10"},
		{EXPECT("{\"traces\":\"*\",\"result\":\"crash\",\"reason\":\"x\","
			"\"frames\":\"1\"}"),
			"expect[0]: frames: is only for what fails or is flaky"},
		{EXPECT("{\"traces\":\"*\",\"result\":\"fail\",\"reason\":\"x\","
			"\"frames\":\"x\"}"),
			"expect[0]: frames: must be frames such as \"0,10-20\", at most 64 "
			"ranges, not 'x'"},
	};
	struct suite_manifest manifest;
	struct vgt_err err;
	(void)state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (parse(&manifest, table[i].text, &err)) {
			fail_msg("accepted: %s", table[i].text);
		}
		assert_string_equal(err.message, table[i].message);
		assert_int_equal(err.code, VGT_ERR_MALFORMED);
		assert_null(manifest.json);
		assert_int_equal(manifest.count, 0);
	}
}

static void test_not_text(void **state)
{
	static const char wrong[] = "{\"version\":1,\"traces\":[{\"name\":\"\xff\"}]}";
	static const char nul[] = "{\"version\":1\0,\"traces\":[]}";
	struct suite_manifest manifest;
	struct vgt_err err;
	(void)state;

	assert_false(parse(&manifest, wrong, &err));
	assert_string_equal(err.message, "line 1: invalid utf-8 string");
	assert_false(suite_manifest_parse(&manifest, nul, sizeof(nul) - 1, &err));
	static const char behind[] = "{\"version\":1,\"traces\":[]}\n\0 {";
	assert_false(suite_manifest_parse(&manifest, behind, sizeof(behind) - 1, &err));
	assert_string_equal(err.message, "line 2: unexpected character");
	/* every beginning of a good one is refused */
	static const char good[] = "{\"version\":1,\"traces\":[{\"name\":\"a\","
				   "\"tags\":[\"b\"],\"tolerance\":{\"threshold\":1}}]}";
	for (size_t size = 0; size < sizeof(good) - 1; size++) {
		assert_false(suite_manifest_parse(&manifest, good, size, &err));
	}
	assert_true(suite_manifest_parse(&manifest, good, sizeof(good) - 1, &err));
	suite_manifest_finish(&manifest);
}

static void test_large(void **state)
{
	struct suite_manifest manifest;
	struct vgt_err err;
	const size_t size = SUITE_MANIFEST_MAX + 1;
	char *text = malloc(size);
	(void)state;

	assert_non_null(text);
	memset(text, ' ', size);
	assert_false(suite_manifest_parse(&manifest, text, size, &err));
	assert_int_equal(err.code, VGT_ERR_LIMIT);
	/* and one byte less is read */
	static const char good[] = "{\"version\":1,\"traces\":[]}";
	memcpy(text + size - sizeof(good), good, sizeof(good) - 1);
	assert_true(suite_manifest_parse(&manifest, text, size - 1, &err));
	suite_manifest_finish(&manifest);
	free(text);
}

/* Two of very many are found without comparing each with each. */
static void test_many(void **state)
{
	const size_t count = 50000;
	struct suite_manifest manifest;
	struct vgt_err err;
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	(void)state;

	assert_non_null(to);
	fputs("{\"version\":1,\"traces\":[", to);
	for (size_t i = 0; i < count; i++) {
		fprintf(to, "{\"name\":\"%zu\"},", i);
	}
	fputs("{\"name\":\"77\"}]}", to);
	assert_int_equal(fclose(to), 0);
	assert_false(suite_manifest_parse(&manifest, text, size, &err));
	assert_string_equal(err.message, "traces: two have the name 77");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_renderers),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_text),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
