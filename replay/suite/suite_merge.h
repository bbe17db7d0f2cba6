/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_MERGE_H
#define VGT_SUITE_MERGE_H

#include "suite.h"
#include "suite_results.h"
#include "suite_select.h"

#include <stdbool.h>

/*
 * Joins the results of several runs of one suite, from the directories that --out has made.
 * What is wrong is told on stderr and makes for trouble of the first run; what is good is taken
 * all the same: results that cannot be read, that are of another suite, of a test that has one
 * already, parts that are missing. Of runs by another version or renderer it is said only.
 *
 * `directories`: ended by NULL. False: there is nothing to report on.
 */
bool suite_merge(struct suite_results *results, char **directories);

/* Adds an error for each of these tests that has no result, lets the others' goldens be those
 * of this suite, and tells where the results are of another one. False: no memory, told. */
bool suite_merge_complete(struct suite_results *results, const struct suite *suite,
	const struct suite_selected *selected);

#endif
