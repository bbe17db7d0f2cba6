/* SPDX-License-Identifier: MIT */
#include "vgt_address.h"
#include "vgt_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ALL          VGT_NO_VIRGL_COMMAND
#define OPEN         VGT_ADDRESS_OPEN

static struct vgt_addresses parse(const char *text)
{
	struct vgt_addresses addresses = {.count = 0};
	struct vgt_err err = {0};
	if (!vgt_addresses_add(&addresses, text, &err)) {
		fail_msg("%s: %s", text, err.message);
	}
	return addresses;
}

static void test_grammar(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		struct vgt_address_range range;
	} cases[] = {
		{"12", {false, 12, 12, ALL}},
		{"0", {false, 0, 0, ALL}},
		{"007", {false, 7, 7, ALL}},
		{"10-20", {false, 10, 20, ALL}},
		{"10-10", {false, 10, 10, ALL}},
		{"10-", {false, 10, OPEN, ALL}},
		{"@1042", {true, 1042, 1042, ALL}},
		{"@1042.17", {true, 1042, 1042, 17}},
		{"@1042.0", {true, 1042, 1042, 0}},
		{"@0.4294967294", {true, 0, 0, UINT32_MAX - 1}},
		{"@100-@200", {true, 100, 200, ALL}},
		{"@100-200", {true, 100, 200, ALL}},
		{"@100-", {true, 100, OPEN, ALL}},
		{"18446744073709551614", {false, UINT64_MAX - 1, UINT64_MAX - 1, ALL}},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct vgt_addresses addresses = parse(cases[i].text);
		const struct vgt_address_range *range = &addresses.range[0];
		if (addresses.count != 1 || range->commands != cases[i].range.commands ||
			range->first != cases[i].range.first ||
			range->last != cases[i].range.last ||
			range->virgl_command != cases[i].range.virgl_command) {
			fail_msg("%s is taken for something else", cases[i].text);
		}
	}
	const struct vgt_addresses mixed = parse("12,@1042.17,@100-,3-4");
	assert_int_equal(mixed.count, 4);
	assert_false(mixed.range[0].commands);
	assert_int_equal(mixed.range[1].virgl_command, 17);
	assert_int_equal(mixed.range[2].last, OPEN);
	assert_int_equal(mixed.range[3].last, 4);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *named;
	} cases[] = {
		{"", "''"},
		{"x", "'x'"},
		{"1,x,2", "'x'"},
		{"1,,2", "'1,,2'"},
		{",", "','"},
		{"1,", "'1,'"},
		{"-", "'-'"},
		{"-5", "'-5'"},
		{"1-2-3", "'1-2-3'"},
		{"9-3", "'9-3'"},
		{"4,@9-@3", "'@9-@3'"},
		{"1.5", "'1.5'"},
		{"1-@5", "'1-@5'"},
		{"@", "'@'"},
		{"@@1", "'@@1'"},
		{"@1.", "'@1.'"},
		{"@1.x", "'@1.x'"},
		{"@1.2.3", "'@1.2.3'"},
		{"@1.2-", "'@1.2-'"},
		{"@1.2-@1.5", "'@1.2-@1.5'"},
		{"@1-@2.3", "'@1-@2.3'"},
		{"@-5", "'@-5'"},
		{"@1-@", "'@1-@'"},
		{"@0.4294967295", "'@0.4294967295'"},
		{" 1", "' 1'"},
		{"1 2", "'1 2'"},
		{"+1", "'+1'"},
		{"18446744073709551615", "'18446744073709551615'"},
		{"99999999999999999999", "'99999999999999999999'"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vgt_addresses addresses = parse("7");
		struct vgt_err err = {0};
		if (vgt_addresses_add(&addresses, cases[i].text, &err)) {
			fail_msg("'%s' is taken", cases[i].text);
		}
		assert_int_equal(err.code, VGT_ERR_USAGE);
		assert_int_equal(addresses.count, 1);
		if (strncmp(err.message, cases[i].named, strlen(cases[i].named)) != 0) {
			fail_msg("'%s': %s", cases[i].text, err.message);
		}
		assert_false(vgt_addresses_add(&addresses, cases[i].text, NULL));
	}
	char text[1000];
	struct vgt_err err;
	struct vgt_addresses addresses = {.count = 0};
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(vgt_addresses_add(&addresses, text, &err));
	assert_non_null(strstr(err.message, "' is not an address"));
}

static void test_limit(void **state)
{
	(void)state;
	char text[4 * VGT_ADDRESSES_MAX + 4] = "1";
	struct vgt_err err;
	struct vgt_addresses addresses = {.count = 0};
	for (size_t i = 1; i < VGT_ADDRESSES_MAX; i++) {
		strcat(text, ",@2");
	}
	assert_true(vgt_addresses_add(&addresses, text, &err));
	assert_int_equal(addresses.count, VGT_ADDRESSES_MAX);
	assert_false(vgt_addresses_add(&addresses, "1", &err));
	assert_int_equal(err.code, VGT_ERR_USAGE);
	assert_int_equal(addresses.count, VGT_ADDRESSES_MAX);
	addresses.count = 0;
	strcat(text, ",3");
	assert_false(vgt_addresses_add(&addresses, text, &err));
	assert_int_equal(addresses.count, 0);
}

static void test_questions(void **state)
{
	(void)state;
	struct vgt_addresses addresses = parse("12,20-22,@1042.17");
	assert_true(vgt_addresses_add(&addresses, "@1042.19,@50-60", NULL));
	assert_int_equal(vgt_addresses_ask(&addresses, 12, 0), VGT_ASKED_ALL);
	assert_int_equal(vgt_addresses_ask(&addresses, 13, 0), VGT_ASKED_NOT);
	assert_int_equal(vgt_addresses_ask(&addresses, 20, 0), VGT_ASKED_ALL);
	assert_int_equal(vgt_addresses_ask(&addresses, 22, 0), VGT_ASKED_ALL);
	assert_int_equal(vgt_addresses_ask(&addresses, 23, 0), VGT_ASKED_NOT);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 49), VGT_ASKED_NOT);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 50), VGT_ASKED_ALL);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 60), VGT_ASKED_ALL);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 61), VGT_ASKED_NOT);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 1042), VGT_ASKED_PART);
	assert_int_equal(vgt_addresses_ask(&addresses, 12, 1042), VGT_ASKED_ALL);
	assert_int_equal(vgt_addresses_ask(&addresses, 1042, 12), VGT_ASKED_NOT);

	assert_true(vgt_addresses_contain(&addresses, 0, 1042, 17));
	assert_false(vgt_addresses_contain(&addresses, 0, 1042, 18));
	assert_true(vgt_addresses_contain(&addresses, 0, 1042, 19));
	assert_false(vgt_addresses_contain(&addresses, 0, 1042, ALL));
	assert_true(vgt_addresses_contain(&addresses, 12, 1042, 18));
	assert_true(vgt_addresses_contain(&addresses, 0, 55, 3));
	assert_false(vgt_addresses_contain(&addresses, 0, 17, 17));
}

static void test_bounds(void **state)
{
	(void)state;
	uint64_t frame, command;
	struct vgt_addresses addresses = parse("20-22,12,@1042.17,@50-60");
	vgt_addresses_first(&addresses, &frame, &command);
	assert_int_equal(frame, 12);
	assert_int_equal(command, 50);
	assert_false(vgt_addresses_passed(&addresses, 22, 5000));
	assert_false(vgt_addresses_passed(&addresses, 23, 1042));
	assert_true(vgt_addresses_passed(&addresses, 23, 1043));
	addresses = parse("@7-");
	vgt_addresses_first(&addresses, &frame, &command);
	assert_int_equal(frame, OPEN);
	assert_int_equal(command, 7);
	assert_false(vgt_addresses_passed(&addresses, UINT64_MAX - 1, UINT64_MAX - 1));
	addresses.count = 0;
	vgt_addresses_first(&addresses, &frame, &command);
	assert_int_equal(frame & command, OPEN);
	assert_true(vgt_addresses_passed(&addresses, 0, 0));
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 0), VGT_ASKED_NOT);
}

static void test_frames_only(void **state)
{
	(void)state;
	struct vgt_ranges ranges;
	struct vgt_err err;
	assert_true(vgt_ranges_parse(&ranges, "5,10-20", &err));
	assert_true(vgt_ranges_contain(&ranges, 5));
	assert_true(vgt_ranges_contain(&ranges, 10));
	assert_true(vgt_ranges_contain(&ranges, 20));
	assert_false(vgt_ranges_contain(&ranges, 4));
	assert_false(vgt_ranges_contain(&ranges, 21));
	assert_int_equal(vgt_ranges_last(&ranges), 20);
	assert_true(vgt_ranges_parse(&ranges, "10-,3", &err));
	assert_int_equal(vgt_ranges_last(&ranges), UINT64_MAX);
	assert_false(vgt_ranges_contain(&ranges, 5));
	static const char *const commands[] = {"@5", "5,@5.1", "@5-", "@"};
	for (size_t i = 0; i < COUNT(commands); i++) {
		assert_false(vgt_ranges_parse(&ranges, commands[i], &err));
		assert_int_equal(err.code, VGT_ERR_USAGE);
		assert_non_null(strstr(err.message, "is a command where a range of frames"));
		assert_non_null(strstr(err.message, "'@"));
	}
	assert_false(vgt_ranges_parse(&ranges, "5-3", &err));
	assert_string_equal(err.message, "'5-3' is a range that runs backwards");
	assert_false(vgt_ranges_parse(&ranges, "5x", &err));
	assert_string_equal(err.message, "'5x' is not a range of frames like 12 or 10-20,30");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_frames_only),
	};
	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
