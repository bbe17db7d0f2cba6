/* SPDX-License-Identifier: MIT */
#include "suite_results.h"

#include <stdlib.h>
#include <string.h>

struct suite_tally suite_results_tally(const struct suite_results *results)
{
	struct suite_tally tally = {0};

	for (size_t i = 0; i < results->count; i++) {
		const struct suite_result *result = &results->list[i];
		tally.verdicts[result->verdict]++;
		tally.not_fetched += result->not_fetched;
		tally.without_goldens += result->verdict == SUITE_PASS && !result->has_goldens;
		tally.out_failed |= result->out_failed;
	}
	for (size_t i = 0; i < results->run_count; i++) {
		const struct suite_information *run = &results->runs[i];
		tally.total += run->tests;
		tally.interrupted |= run->interrupted;
		tally.trouble |= run->trouble;
		tally.seconds += run->seconds;
	}
	return tally;
}

struct suite_information *suite_results_add_run(struct suite_results *results)
{
	struct suite_information *runs =
		realloc(results->runs, (results->run_count + 1) * sizeof(*runs));

	if (!runs) {
		return NULL;
	}
	results->runs = runs;
	runs[results->run_count] =
		(struct suite_information){.shard = 1, .shards = 1, .jobs = 1};
	return &runs[results->run_count++];
}

static void finish_run(struct suite_information *run)
{
	for (size_t i = 0; i < run->environment_count; i++) {
		free(run->environment[i].name);
		free(run->environment[i].value);
	}
	free(run->environment);
	free(run->vgt);
	free(run->suite);
	free(run->digest);
	free(run->renderer);
	free(run->gl_version);
	free(run->virglrenderer);
	free(run->cpu);
	free(run->kernel);
	free(run->date);
	free(run->drop);
	free(run->from);
}

void suite_results_remove_last_run(struct suite_results *results)
{
	finish_run(&results->runs[--results->run_count]);
}

bool suite_results_add(struct suite_results *results, struct suite_result *result)
{
	struct suite_result *list =
		realloc(results->list, (results->count + 1) * sizeof(*list));

	if (!list) {
		suite_result_finish(result);
		return false;
	}
	results->list = list;
	list[results->count++] = *result;
	*result = (struct suite_result){0};
	return true;
}

static int by_position(const void *a, const void *b)
{
	const struct suite_result *left = a, *right = b;

	if (left->position != right->position) {
		return left->position < right->position ? -1 : 1;
	}
	return strcmp(left->name, right->name);
}

void suite_results_sort(struct suite_results *results)
{
	if (results->count) {
		qsort(results->list, results->count, sizeof(*results->list), by_position);
	}
}

void suite_results_finish(struct suite_results *results)
{
	for (size_t i = 0; i < results->run_count; i++) {
		finish_run(&results->runs[i]);
	}
	for (size_t i = 0; i < results->count; i++) {
		suite_result_finish(&results->list[i]);
	}
	free(results->runs);
	free(results->list);
	*results = (struct suite_results){0};
}
