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
		{"12", {false, 12, 12, ALL, ALL}},
		{"0", {false, 0, 0, ALL, ALL}},
		{"007", {false, 7, 7, ALL, ALL}},
		{"10-20", {false, 10, 20, ALL, ALL}},
		{"10-10", {false, 10, 10, ALL, ALL}},
		{"10-", {false, 10, OPEN, ALL, ALL}},
		{"@1042", {true, 1042, 1042, ALL, ALL}},
		{"@1042.17", {true, 1042, 1042, 17, 17}},
		{"@1042.0", {true, 1042, 1042, 0, 0}},
		{"@0.4294967294", {true, 0, 0, UINT32_MAX - 1, UINT32_MAX - 1}},
		{"@100-@200", {true, 100, 200, ALL, ALL}},
		{"@100-200", {true, 100, 200, ALL, ALL}},
		{"@100-", {true, 100, OPEN, ALL, ALL}},
		{"@33.9-@33.12", {true, 33, 33, 9, 12}},
		{"@33.9-12", {true, 33, 33, 9, 12}},
		{"@33.9-9", {true, 33, 33, 9, 9}},
		{"@33.9-", {true, 33, 33, 9, UINT32_MAX - 1}},
		{"@33.0-", {true, 33, 33, 0, UINT32_MAX - 1}},
		{"@033.09-@33.012", {true, 33, 33, 9, 12}},
		{"@0.0-4294967294", {true, 0, 0, 0, UINT32_MAX - 1}},
		{"18446744073709551614", {false, UINT64_MAX - 1, UINT64_MAX - 1, ALL, ALL}},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct vgt_addresses addresses = parse(cases[i].text);
		const struct vgt_address_range *range = &addresses.range[0];
		if (addresses.count != 1 || range->commands != cases[i].range.commands ||
			range->first != cases[i].range.first ||
			range->last != cases[i].range.last ||
			range->virgl_first != cases[i].range.virgl_first ||
			range->virgl_last != cases[i].range.virgl_last) {
			fail_msg("%s is taken for something else", cases[i].text);
		}
	}
	const struct vgt_addresses mixed = parse("12,@1042.17,@100-,3-4,@7.1-,@7.2-3");
	assert_int_equal(mixed.count, 6);
	assert_false(mixed.range[0].commands);
	assert_int_equal(mixed.range[1].virgl_first, 17);
	assert_int_equal(mixed.range[2].last, OPEN);
	assert_int_equal(mixed.range[3].last, 4);
	assert_int_equal(mixed.range[4].virgl_last, VGT_ADDRESS_VIRGL_MAX);
	assert_int_equal(mixed.range[5].virgl_last, 3);
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
		{"@1-@2.3", "'@1-@2.3' is not an address"},
		{"@1-@1.3", "'@1-@1.3' is not an address"},
		{"@1-2.3", "'@1-2.3' is not an address"},
		{"@1.2-@1", "'@1.2-@1' is not an address"},
		{"@1.2-@", "'@1.2-@' is not an address"},
		{"@1.2-@1.", "'@1.2-@1.' is not an address"},
		{"@1.2-1.5", "'@1.2-1.5' is not an address"},
		{"@1.2-.5", "'@1.2-.5' is not an address"},
		{"@1.2--", "'@1.2--' is not an address"},
		{"@1.2-3-4", "'@1.2-3-4' is not an address"},
		{"@1.2-@1.3-", "'@1.2-@1.3-' is not an address"},
		{"@1.2-x", "'@1.2-x' is not an address"},
		{"@0.1-4294967295", "'@0.1-4294967295' is not an address"},
		{"1.2-3", "'1.2-3' is not an address"},
		{"@33.9-@34.2", "'@33.9-@34.2' is a range across submits"},
		{"7,@33.9-@32.12,8", "'@33.9-@32.12' is a range across submits"},
		{"@33.9-@33.8", "'@33.9-@33.8' is a range that runs backwards"},
		{"@33.9-8", "'@33.9-8' is a range that runs backwards"},
		{"@33-32", "'@33-32' is a range that runs backwards"},
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

static void test_virgl_ranges(void **state)
{
	(void)state;
	const struct vgt_addresses addresses = parse("@33.9-@33.12,@33.20-,@40.3-4");
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 32), VGT_ASKED_NOT);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 33), VGT_ASKED_PART);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 34), VGT_ASKED_NOT);
	assert_int_equal(vgt_addresses_ask(&addresses, 0, 40), VGT_ASKED_PART);
	static const struct {
		uint64_t command;
		uint32_t virgl_command;
		bool contained;
	} cases[] = {
		{33, 8, false},
		{33, 9, true},
		{33, 11, true},
		{33, 12, true},
		{33, 13, false},
		{33, 19, false},
		{33, 20, true},
		{33, VGT_ADDRESS_VIRGL_MAX, true},
		{33, ALL, false},
		{34, 10, false},
		{40, 2, false},
		{40, 3, true},
		{40, 4, true},
		{40, 5, false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (vgt_addresses_contain(&addresses, 0, cases[i].command,
			    cases[i].virgl_command) != cases[i].contained) {
			fail_msg("case %zu", i);
		}
	}
	uint64_t frame, command;
	vgt_addresses_first(&addresses, &frame, &command);
	assert_int_equal(frame, OPEN);
	assert_int_equal(command, 33);
	assert_false(vgt_addresses_passed(&addresses, 0, 40));
	assert_true(vgt_addresses_passed(&addresses, 0, 41));
	const struct vgt_addresses open = parse("@33.0-");
	assert_int_equal(vgt_addresses_ask(&open, 0, 33), VGT_ASKED_PART);
	assert_true(vgt_addresses_passed(&open, 0, 34));
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
	static const char *const commands[] = {"@5", "5,@5.1", "@5.1-", "@5-", "@"};
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

static void test_text(void **state)
{
	(void)state;
	static const struct {
		uint64_t command;
		uint32_t virgl_command;
		const char *text;
	} cases[] = {
		{0, ALL, "@0"},
		{1042, ALL, "@1042"},
		{1042, 0, "@1042.0"},
		{1042, 17, "@1042.17"},
		{UINT64_MAX, VGT_ADDRESS_VIRGL_MAX, "@18446744073709551615.4294967294"},
	};
	char text[VGT_ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ptr_equal(
			vgt_address_text(text, cases[i].command, cases[i].virgl_command), text);
		assert_string_equal(text, cases[i].text);
	}
	/* and they are read back */
	const struct vgt_addresses addresses = parse(vgt_address_text(text, 1042, 17));
	assert_int_equal(addresses.range[0].first, 1042);
	assert_int_equal(addresses.range[0].virgl_first, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_virgl_ranges),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_frames_only),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
