/* SPDX-License-Identifier: MIT */
/*
 * Capsets: masking one by another, and the way from bytes to `vgt dump --capset --json` and
 * back. virgl_caps_compare itself is tested in test_desc.c.
 */
#include "capset_json.h"
#include "describe.h"
#include "vgt_capsets.h"
#include "virgl_caps.h"
#include "virgl_capset.h"
#include "virtio_gpu.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS  500
#define V1_SIZE 308u
#define V2_SIZE 1408u

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static struct vgt_layout measure(uint32_t id, const uint32_t *dwords, size_t size)
{
	struct vgt_layout layout;
	struct vgt_err err;
	if (!vgt_desc_measure(virgl_caps_desc(id), dwords, size, &layout, &err)) {
		fail_msg("%s", err.message);
	}
	return layout;
}

static uint32_t random_float(void)
{
	const float number =
		(float)(int32_t)random_number() / (float)(1u << random_number() % 31);
	uint32_t bits;
	memcpy(&bits, &number, sizeof(bits));
	return bits & 0x7fffffff ? bits : 0;
}

/* Any values in the fields, 0 in what is none. */
static void fill(uint32_t id, uint32_t *dwords, size_t size)
{
	struct vgt_walk walk;
	struct vgt_value value;
	memset(dwords, 0, V2_SIZE);
	const struct vgt_layout layout = measure(id, dwords, size);
	vgt_walk_begin(&walk, &layout);
	while (vgt_walk_next(&walk, &value)) {
		uint32_t *at = dwords + value.dword;
		uint32_t number;
		switch ((enum vgt_field_type)value.field->type) {
		case VGT_FIELD_PAD:
			break;
		case VGT_FIELD_STRING:
			snprintf((char *)at, value.size, "%u \xc3\xa9\x07\"", random_number());
			break;
		case VGT_FIELD_FORMAT_MASK:
			for (uint32_t i = 0; i < value.size / 4; i++) {
				at[i] = random_number();
			}
			break;
		default:
			number = value.field->type == VGT_FIELD_FLOAT ? random_float()
								      : random_number();
			/* a field that is not there is 0, and no maximum is less */
			if (value.field->better == VGT_BETTER_MORE &&
				value.field->type != VGT_FIELD_UINT) {
				number &= 0x7fffffff;
			}
			vgt_value_store(&value, dwords, number);
			break;
		}
	}
}

/* JSON */

static char *to_json(const struct vgt_capset_bytes *capset)
{
	const struct vgt_layout layout = measure(capset->id, capset->bytes, capset->size);
	const struct describe how = {.palette = &describe_plain};
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "id", json_object_new_int64(capset->id));
	json_object_object_add(object, "version", json_object_new_int64(capset->version));
	json_object_object_add(object, "bytes", json_object_new_int64(capset->size));
	json_object_object_add(object, "fields", describe_json(&how, &layout, NULL));
	char *text = strdup(json_object_to_json_string(object));
	json_object_put(object);
	assert_non_null(text);
	return text;
}

static void assert_returns(const struct vgt_capset_bytes *capset)
{
	struct vgt_capsets back;
	struct vgt_err err;
	char *text = to_json(capset);
	if (!capset_json_read(&back, text, strlen(text), &err)) {
		fail_msg("%s in %s", err.message, text);
	}
	const struct vgt_capset_bytes *same = vgt_capsets_find(&back, capset->id);
	assert_non_null(same);
	assert_int_equal(same->version, capset->version);
	assert_int_equal(same->size, capset->size);
	assert_memory_equal(same->bytes, capset->bytes, capset->size);
	vgt_capsets_finish(&back);
	free(text);
}

static void test_random_there_and_back(void **state)
{
	uint32_t dwords[V2_SIZE / 4];
	(void)state;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct vgt_capset_bytes capset = {
			.id = i % 2 + 1, .version = random_number(), .bytes = dwords};
		/* ends anywhere, also within a field */
		capset.size = capset.id == 1 ? V1_SIZE : 4 + random_number() % (V2_SIZE - 3);
		fill(capset.id, dwords, capset.size);
		assert_returns(&capset);
	}
}

/* Infinite limits; and what has no field is dropped, what is not legal as a number stays one.
 */
static void test_special_there_and_back(void **state)
{
	uint32_t dwords[V2_SIZE / 4 + 4];
	const struct vgt_capset_bytes capset = {2, 2, sizeof(dwords), dwords};
	struct vgt_capsets back;
	struct vgt_err err;
	(void)state;
	fill(2, dwords, V2_SIZE);
	memset(dwords + V2_SIZE / 4, 0, 16);
	dwords[77] = 0x7f800000;
	dwords[78] = 0xff800000;
	dwords[79] = 0x7fc00000;
	assert_returns(&capset);
	dwords[V2_SIZE / 4] = 7; /* of a later virglrenderer */
	char *text = to_json(&capset);
	assert_true(capset_json_read(&back, text, strlen(text), &err));
	assert_int_equal(back.list[1].size, sizeof(dwords));
	assert_memory_equal(back.list[1].bytes, dwords, V2_SIZE);
	assert_int_equal(((const uint32_t *)back.list[1].bytes)[V2_SIZE / 4], 0);
	vgt_capsets_finish(&back);
	free(text);
}

static void test_traces_there_and_back(void **state)
{
	glob_t traces;
	struct vgt_capsets capsets;
	struct vgt_err err;
	(void)state;
	assert_int_equal(glob("traces/*.vgt", 0, NULL, &traces), 0);
	assert_true(traces.gl_pathc > 2);
	for (size_t i = 0; i < traces.gl_pathc; i++) {
		if (!vgt_capsets_read(&capsets, traces.gl_pathv[i], &err)) {
			fail_msg("%s: %s", traces.gl_pathv[i], err.message);
		}
		for (size_t n = 0; n < VGT_CAPSETS_MAX; n++) {
			assert_int_equal(capsets.list[n].id, n + 1);
			assert_returns(&capsets.list[n]);
		}
		vgt_capsets_finish(&capsets);
	}
	globfree(&traces);
}

/* Masks */

struct tally {
	unsigned worse, better;
};

static void count(const struct virgl_caps_difference *difference, void *context)
{
	struct tally *tally = context;
	tally->worse += difference->verdict == VIRGL_CAPS_WORSE;
	tally->better += difference->verdict == VIRGL_CAPS_BETTER;
}

static struct tally compare(
	const uint32_t *first, size_t first_size, const uint32_t *second, size_t second_size)
{
	const struct vgt_layout a = measure(2, first, first_size);
	const struct vgt_layout b = measure(2, second, second_size);
	struct tally tally = {0};
	virgl_caps_compare(&a, &b, count, &tally);
	return tally;
}

static void test_mask_of_any(void **state)
{
	static uint32_t host[V2_SIZE / 4], weak[V2_SIZE / 4], masked[V2_SIZE / 4],
		other[V2_SIZE / 4];
	(void)state;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const size_t host_size = 4 + random_number() % (V2_SIZE - 3);
		const size_t weak_size = 4 + random_number() % (V2_SIZE - 3);
		fill(2, host, host_size);
		fill(2, weak, weak_size);
		memcpy(masked, host, sizeof(masked));
		const size_t size = virgl_caps_mask(2, masked, host_size, weak, weak_size);
		assert_true(size <= host_size && size <= weak_size && size % 4 == 0);
		/* both can what is left */
		assert_int_equal(compare(masked, size, host, host_size).worse, 0);
		assert_int_equal(compare(masked, size, weak, weak_size).worse, 0);
		/* and whatever more one of them can, the other cannot */
		memcpy(other, masked, sizeof(other));
		assert_int_equal(virgl_caps_mask(2, other, size, weak, weak_size), size);
		assert_memory_equal(other, masked, sizeof(other));
		memcpy(other, weak, sizeof(other));
		assert_int_equal(virgl_caps_mask(2, other, weak_size, host, host_size), size);
		const struct tally difference = compare(other, size, masked, size);
		assert_int_equal(difference.worse + difference.better, 0);
		/* the control: without the mask this would be seen */
		assert_true(size < 200 || compare(host, host_size, weak, weak_size).worse > 0);
	}
}

static uint32_t *at_field(uint32_t *dwords, const char *name)
{
	struct vgt_walk walk;
	struct vgt_value value;
	const struct vgt_layout layout = measure(2, dwords, V2_SIZE);
	vgt_walk_begin(&walk, &layout);
	while (vgt_walk_next(&walk, &value)) {
		if (strcmp(value.field->name, name) == 0) {
			return dwords + value.dword;
		}
	}
	fail_msg("no %s", name);
	return NULL;
}

static void test_mask_of_each_kind(void **state)
{
	static const struct {
		const char *field;
		uint32_t host, weak, masked;
	} cases[] = {
		{"glsl_level", 450, 330, 330},
		{"glsl_level", 330, 450, 330},
		{"max_version", 2, 1, 1},
		{"host_feature_check_version", 19, 14, 14},
		{"uniform_buffer_offset_alignment", 16, 256, 256},
		{"uniform_buffer_offset_alignment", 256, 16, 256},
		{"min_texel_offset", (uint32_t)-32, (uint32_t)-8, (uint32_t)-8},
		{"min_texel_offset", (uint32_t)-8, (uint32_t)-32, (uint32_t)-8},
		{"max_texel_offset", 31, 7, 7},
		{"max_texture_lod_bias", 0x41700000, 0x3f800000, 0x3f800000},
		{"min_smooth_line_width", 0x3f000000, 0x3f800000, 0x3f800000},
		{"sampler", 7, 14, 6},
		{"prim_mask", 0x7fff, 0x3fff, 0x3fff},
		{"indep_blend_enable", 3, 1, 1}, /* and its neighbour */
		/* HOST_IS_GLES and BGRA_SRGB_IS_EMULATED stay the host's */
		{"capability_bits", 1u << 19 | 5, 1u << 29 | 6, 1u << 19 | 4},
		{"capability_bits", 0, UINT32_MAX, 0},
		{"max_video_memory", 4096, 1, 4096},
		{"renderer", 'A', 'B', 'A'},
		{"sample_locations", 0x12345678, 1, 0x12345678},
		{"num_video_caps", 4, 0, 0},
	};
	uint32_t host[V2_SIZE / 4] = {0}, weak[V2_SIZE / 4] = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(host, 0, sizeof(host));
		*at_field(host, cases[i].field) = cases[i].host;
		*at_field(weak, cases[i].field) = cases[i].weak;
		assert_int_equal(virgl_caps_mask(2, host, V2_SIZE, weak, V2_SIZE), V2_SIZE);
		if (*at_field(host, cases[i].field) != cases[i].masked) {
			fail_msg("%s: %u", cases[i].field, *at_field(host, cases[i].field));
		}
		*at_field(host, cases[i].field) = 0;
		*at_field(weak, cases[i].field) = 0;
		for (size_t n = 0; n < V2_SIZE / 4; n++) {
			assert_int_equal(host[n], 0);
		}
	}
	/* no capset of that id */
	memset(host, 1, sizeof(host));
	assert_int_equal(virgl_caps_mask(1, host, V2_SIZE, weak, V1_SIZE), 0);
	assert_int_equal(host[0] | host[V2_SIZE / 4 - 1], 0);
	assert_int_equal(virgl_caps_mask(4, host, V2_SIZE, weak, V2_SIZE), 0);
}

/* Of several capsets. */
static void test_masks(void **state)
{
	uint32_t weak[V2_SIZE / 4] = {0}, caps[V2_SIZE / 4];
	struct vgt_capsets capsets = {0};
	uint32_t version = 2, size = V2_SIZE;
	(void)state;
	assert_false(vgt_capsets_put(&capsets, 4, 1, weak, 8, NULL));
	*at_field(weak, "glsl_level") = 330;
	*at_field(weak, "max_anisotropy") = 0x41800000;

	/* of the second only: what the first has in common with it */
	assert_true(vgt_capsets_put(&capsets, 2, 1, weak, V2_SIZE, NULL));
	memset(caps, 0x7f, sizeof(caps));
	vgt_capsets_mask(&capsets, 2, &version, &size, caps);
	assert_int_equal(version, 1);
	assert_int_equal(size, V2_SIZE);
	assert_int_equal(*at_field(caps, "glsl_level"), 330);
	memset(caps, 0x7f, sizeof(caps));
	version = 1;
	size = V1_SIZE;
	vgt_capsets_mask(&capsets, 1, &version, &size, caps);
	assert_int_equal(version, 1);
	assert_int_equal(size, V1_SIZE);
	assert_int_equal(*at_field(caps, "glsl_level"), 330);
	assert_int_equal(caps[V1_SIZE / 4], 0x7f7f7f7f);
	vgt_capsets_finish(&capsets);

	/* of the first only: the second ends with what the first has */
	assert_true(vgt_capsets_put(&capsets, 1, 1, weak, V1_SIZE, NULL));
	memset(caps, 0x7f, sizeof(caps));
	version = 2;
	size = V2_SIZE;
	vgt_capsets_mask(&capsets, 2, &version, &size, caps);
	assert_int_equal(version, 2);
	assert_int_equal(size, V1_SIZE);
	assert_int_equal(caps[V1_SIZE / 4], 0);
	version = 2;
	size = V2_SIZE;
	vgt_capsets_mask(&capsets, 2, &version, &size, NULL);
	assert_int_equal(size, V1_SIZE);
	/* none at all */
	size = 0;
	vgt_capsets_mask(&capsets, 2, &version, &size, NULL);
	assert_int_equal(size, 0);
	assert_int_equal(version, 0);
	vgt_capsets_finish(&capsets);
}

/* What the guest's driver knows of the capset is what the description says. */
static void test_string_marker(void **state)
{
	static const uint32_t dwords[V2_SIZE / 4];
	struct vgt_walk walk;
	struct vgt_value value;
	(void)state;
	const struct vgt_layout layout = measure(VIRTIO_GPU_CAPSET_VIRGL2, dwords, V2_SIZE);
	vgt_walk_begin(&walk, &layout);
	do {
		assert_true(vgt_walk_next(&walk, &value));
	} while (!value.field->name || strcmp(value.field->name, "capability_bits_v2") != 0);
	assert_int_equal(value.dword * 4, VIRGL_CAPS_V2_CAPABILITY_BITS_V2);
	const struct vgt_name *name = value.field->names;
	while (strcmp(name->name, "STRING_MARKER") != 0) {
		name++;
	}
	assert_int_equal(name->value, VIRGL_CAP_V2_STRING_MARKER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string_marker),
		cmocka_unit_test(test_random_there_and_back),
		cmocka_unit_test(test_special_there_and_back),
		cmocka_unit_test(test_traces_there_and_back),
		cmocka_unit_test(test_mask_of_any),
		cmocka_unit_test(test_mask_of_each_kind),
		cmocka_unit_test(test_masks),
	};
	return cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
