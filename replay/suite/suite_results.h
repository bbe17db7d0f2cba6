/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_RESULTS_H
#define VGT_SUITE_RESULTS_H

#include "suite_result.h"

#include <stdbool.h>
#include <stddef.h>

/* The results of a suite, of one run or joined from several, and where each was run. */

struct suite_environment {
	char *name, *value;
};

/* Of one run. Text that is not known is NULL. */
struct suite_information {
	char *vgt;                                   /* version */
	char *suite;                                 /* path, as the user has it */
	char *digest;                                /* which suite it is, whatever the path */
	char *renderer, *gl_version, *virglrenderer; /* of the host */
	char *cpu, *kernel;
	char *date;                            /* of its beginning: "2026-11-23T16:00:00Z" */
	struct suite_environment *environment; /* what changes the rendering and is set */
	size_t environment_count;
	char *drop;             /* what was left out: "draws"; NULL: nothing */
	unsigned jobs;          /* tests at a time */
	unsigned shard, shards; /* 1 of 1: all */
	size_t tests;           /* that were to be run; fewer were where it was interrupted */
	bool interrupted,
		trouble; /* the last: besides the tests, something could not be done */
	double seconds;  /* how long it took */
	char *from; /* the out directory that this was read from; NULL: it is of this run */
};

struct suite_results {
	struct suite_information *runs; /* one at least */
	size_t run_count;
	struct suite_result *list;
	size_t count;
};

/* How many there are of each verdict. */
struct suite_tally {
	size_t verdicts[SUITE_VERDICTS];
	size_t total; /* tests that were to be run */
	size_t not_fetched;
	size_t without_goldens; /* passed, but were only played */
	bool out_failed, interrupted, trouble;
	double seconds; /* of the runs */
};
struct suite_tally suite_results_tally(const struct suite_results *results);

/* Adds an empty one, to be filled; NULL: no memory. It may move the others. */
struct suite_information *suite_results_add_run(struct suite_results *results);
/* It has no results any more. */
void suite_results_remove_last_run(struct suite_results *results);
/* Takes the result over, in any case; false: no memory. */
bool suite_results_add(struct suite_results *results, struct suite_result *result);

/* Into the order of the suite. */
void suite_results_sort(struct suite_results *results);

void suite_results_finish(struct suite_results *results);

#endif
