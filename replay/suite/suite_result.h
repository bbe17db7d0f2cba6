/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_RESULT_H
#define VGT_SUITE_RESULT_H

#include "compare.h"
#include "vgt_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What came of one test of a suite. It stands on its own, without the suite: it goes from the
 * process that ran the test to the one that reports it, and from machine to machine, as JSON
 * (suite_result_json.h).
 */

/* While a test runs the gravest stands: what could be found although something could not be
 * read, is found. */
enum suite_verdict {
	SUITE_PASS,
	SUITE_FLAKY, /* passed when it was tried again, as the manifest allows it to */
	SUITE_KNOWN, /* does what the manifest expects, which is not to pass */
	SUITE_SKIP,  /* not fetched; expected to; or differs where the host lacks something */
	SUITE_FIXED, /* passed, against what the manifest expects */
	SUITE_ERROR, /* it could not be run, or not all of it */
	SUITE_FAIL,  /* the trace is wrong, answers or frames differ */
	SUITE_CRASH, /* the renderer crashed or hung; the first reason says where */
	SUITE_HANG,
	SUITE_VERDICTS,
};

/* "pass", "flaky", "known", "skip", "fixed", "error", "fail", "crash" or "hang". */
const char *suite_verdict_name(enum suite_verdict verdict);
/* False where there is no such verdict. */
bool suite_verdict_parse(const char *name, enum suite_verdict *verdict);
/* Whether it makes the suite fail (exit status 1): fixed, fail, crash, hang. */
bool suite_verdict_is_bad(enum suite_verdict verdict);

/* A frame that was shown and is to have a golden. */
struct suite_frame {
	uint64_t number, command; /* and the address where it was shown */
	bool compared; /* else a reason says what is wrong with one of the pictures */
	bool same;     /* within the tolerance */
	struct vgt_comparison comparison;
	char *measured, *allowed; /* the same and the tolerance in words; NULL: not compared */
	char *note;               /* for people, or NULL: which of several goldens it equals */
	/* path in the suite; NULL: it has none. Of results that were read from a file it is a
	 * name only, on another machine perhaps, and not to be opened, but where it is here. */
	char *golden;
	bool golden_is_here;
	char *golden_copy, *actual, *difference; /* paths of what was kept, or NULL */
};

#define SUITE_REASONS_MAX 20   /* kept for each test */
#define SUITE_FRAMES_MAX  4096 /* goldens of one test */

struct suite_result {
	char *name;
	size_t position; /* in the suite */
	size_t run;      /* in struct suite_results: where it was run */
	char **tags;
	size_t tag_count;
	char *shows;     /* what the manifest says of it, or NULL */
	char *tolerance; /* of its frames, as options of vgt compare; NULL: not known */
	enum vgt_frame_rule rule;
	enum suite_verdict verdict;
	bool not_fetched; /* why it is skipped */
	bool out_failed;  /* something could not be kept; a reason says so */
	unsigned attempts;
	char *expected; /* the manifest's reason why it is not to pass; NULL: it is to */
	char *reasons[SUITE_REASONS_MAX];
	size_t reason_count;
	uint64_t more_reasons; /* that were not kept */
	struct suite_frame *frames;
	size_t frame_count;
	bool has_goldens;         /* else it was played and checked only */
	uint64_t played, answers; /* frames that were played, answers compared */
	double seconds;
	char *trace;             /* its path, NULL where there is none */
	bool only_frames_fail;   /* what is wrong is in frames of the list; not in JSON */
	uint64_t other_failures; /* reasons not to pass that no golden takes away */
	bool has_bad_frame;
	uint64_t bad_frame; /* the first that differs */
	char *commands;     /* lines of `vgt dump`: the command that crashed or hung, or the
			       draws of the first bad frame; NULL: none */
	char *renderer;     /* GL renderer of this host, NULL where it is not known */
	char *lacks;   /* what the host's capset lacks of the recording's, in lines; or NULL */
	char *log;     /* path of what was kept, NULL where nothing was printed, or it passed */
	char *log_end; /* the last lines of that, NULL where there are none */
};

/* Takes the reason over; NULL, for lack of memory, is counted with those that are not kept. Of
 * too many the last goes for one that is to be the first. */
void suite_result_add_reason(struct suite_result *result, char *reason, bool first);

/* What is skipped counts as failed. */
void suite_result_refuse_skip(struct suite_result *result);

void suite_result_finish(struct suite_result *result);

#endif
