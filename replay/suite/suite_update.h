/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_UPDATE_H
#define VGT_SUITE_UPDATE_H

#include "suite.h"
#include "suite_renderer.h"
#include "suite_results.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Approving what a suite's run has shown: its pictures become goldens, of this host's renderer
 * where the manifest names it, else of all. First it is found out what would change, for people
 * to look at; only what they have named, or confirm then, is written. Nothing is approved of a
 * test that crashed, hung, or could not be run to its end.
 */

enum suite_update_mode {
	SUITE_UPDATE_REPLACE, /* the picture takes the place of what is approved there */
	SUITE_UPDATE_ADD,     /* it is approved beside that */
};

enum suite_change_kind {
	SUITE_CHANGE_NEW, /* there is none at this level */
	SUITE_CHANGE_REPLACE,
	SUITE_CHANGE_ADD,
	SUITE_CHANGE_REMOVE,
};

/* "new", "replace", "add" or "remove". */
const char *suite_change_name(enum suite_change_kind kind);

/* One golden that would change. */
struct suite_change {
	enum suite_change_kind kind;
	const struct suite_test *test;
	const struct suite_key *level; /* whose it is; NULL: for all renderers */
	uint64_t number;               /* of the frame */
	unsigned variant;              /* of its pictures, as suite_golden_name() has it */
	char *file;                    /* the golden's path */
	char *picture, *difference;    /* to look at, or NULL */
	char *why;                     /* what differs */
	char *note;                    /* whom else it concerns, or NULL */
	bool named;                    /* on the command line */
	bool wanted, done;             /* wanted: named or confirmed; done: it is written */
};

/* What the command line names: a test, and which frames of it. */
struct suite_update_name {
	const struct suite_test *test;
	const char *frames; /* RANGES of vgt_ranges_parse(); NULL: all */
};

struct suite_update {
	enum suite_update_mode mode;
	const struct suite *suite;
	const struct suite_renderer *renderer; /* of this host */
	const struct suite_key *key;           /* of that; NULL: it has none */
	/* private, or for showing: */
	struct suite_update_name *names;
	size_t name_count;
	char **texts;                 /* of the names */
	struct suite_change *changes; /* by test, as the results are, and frame */
	size_t count;
	char **blocked; /* for people: why something is not approved */
	size_t blocked_count;
	size_t written, removed;
	bool unsettled; /* a test fails for what no golden changes */
};

/*
 * Takes the NAME[:FRAMES] of the command line, ended by NULL, and leaves the names in their
 * place, which live as long as `update`. False with VGT_ERR_USAGE: FRAMES that cannot have
 * goldens. A name that is no test's stays as it is, for the caller to complain.
 */
bool suite_update_take_names(struct suite_update *update, char **names, struct vgt_err *err);

/* Which frames of this test are named that need not have goldens so far; NULL: none. */
const char *suite_update_frames(
	const struct suite_update *update, const struct suite_test *test);

/* Finds out what would change, by the results of the suite. False: no memory. */
bool suite_update_plan(struct suite_update *update, const struct suite_results *results);

/*
 * Writes what is wanted. Each file appears whole or not at all, and no link is followed below
 * the suite's directory. False: *err, with the path; what was written before that is done.
 */
bool suite_update_apply(struct suite_update *update, struct vgt_err *err);

/* Prints the plan, asks on a terminal for what is not named, applies, and says what was done.
 * An exit status: 0 all of it is written and nothing else fails, 1, or 2 after trouble. */
int suite_update_run(
	struct suite_update *update, const struct suite_results *results, bool json);

void suite_update_finish(struct suite_update *update);

#endif
