/* SPDX-License-Identifier: MIT */
#include "suite_result_json.h"

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

/* What was kept is in the test's directory. */
static void must_be_kept(const struct suite_result *result, const char *path)
{
	const size_t length = strlen(result->name);

	if (path) {
		must(strncmp(path, "out/", 4) == 0);
		must(strncmp(path + 4, result->name, length) == 0 && path[4 + length] == '/');
		const char *name = path + 5 + length;
		must(*name && !strchr(name, '/') && strcmp(name, "..") != 0);
	}
}

static void check_result(const struct suite_result *result)
{
	must(*result->name && !strchr(result->name, '/') && strcmp(result->name, "..") != 0);
	must(result->verdict < SUITE_VERDICTS);
	must(result->reason_count <= SUITE_REASONS_MAX);
	must_be_kept(result, result->log);
	for (size_t i = 0; i < result->frame_count; i++) {
		must_be_kept(result, result->frames[i].golden_copy);
		must_be_kept(result, result->frames[i].actual);
		must_be_kept(result, result->frames[i].difference);
	}
}

static char *text_of(struct json_object *object)
{
	char *text = strdup(json_object_to_json_string(object));

	must(text != NULL);
	json_object_put(object);
	return text;
}

/* What was read is written, read, and written again the same. */
static void check_round_trip(const struct suite_result *result)
{
	struct suite_result again;
	struct json_object *object = suite_result_to_json(result, "out");

	must(suite_result_from_json(&again, object, "out", NULL, NULL));
	char *first = text_of(object);
	char *second = text_of(suite_result_to_json(&again, "out"));
	must(strcmp(first, second) == 0);
	free(first);
	free(second);
	suite_result_finish(&again);
}

/* Any line as a result: refused with a message, or good in every part. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct vgt_err err = {0};
	struct suite_result result;
	struct suite_results runs = {0};
	struct json_object *object = suite_result_json_parse((const char *)bytes, size, &err);

	if (!object) {
		must(err.code != VGT_ERR_NONE && err.message[0]);
		return 0;
	}
	if (suite_result_from_json(&result, object, "out", NULL, &err)) {
		check_result(&result);
		check_round_trip(&result);
		suite_result_finish(&result);
	} else {
		must(err.message[0] && !result.name);
	}
	struct suite_information *run = suite_results_add_run(&runs);
	must(run != NULL);
	if (suite_information_from_json(run, object, &err)) {
		must(run->vgt && run->digest && run->shard >= 1 && run->shard <= run->shards);
		json_object_put(suite_information_to_json(run));
	}
	suite_summary_from_json(run, object, &err);
	suite_results_finish(&runs);
	json_object_put(object);
	return 0;
}
