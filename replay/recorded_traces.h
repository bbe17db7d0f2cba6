/* SPDX-License-Identifier: MIT */
#ifndef VGT_RECORDED_TRACES_H
#define VGT_RECORDED_TRACES_H

#include "recording_watch.h"
#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The trace files of one recording: where they go, which they are, and that they end up whole
 * and under their names.
 */

/* Where the traces go. */
struct vgt_record_target {
	char *directory; /* absolute */
	char *shown;     /* the same, as the user wrote it: "" or ending with a slash */
	char *name;      /* of the file */
	char *stem; /* where the name is vgt's choice, STEM.vgt, STEM.1.vgt, ...; else NULL */
	bool replaces;   /* a file that was there from the start */
	char *set_aside; /* what an existing file is called meanwhile, or NULL */
};

/*
 * Where -o FILE says, or with NULL a free name made of the program's. That something can be
 * created there is tried. An existing file is VGT_ERR_USAGE unless `force`. The message names
 * the file.
 */
bool vgt_record_target_init(struct vgt_record_target *target, const char *file,
	const char *program, bool force, struct vgt_err *err);

/*
 * Moves the file that is to be replaced out of the way; and back, or away for good. Where that
 * cannot be, the message says which file it is about and where it is now.
 */
bool vgt_record_target_clear(struct vgt_record_target *target, struct vgt_err *err);
bool vgt_record_target_settle(
	struct vgt_record_target *target, bool replaced, struct vgt_err *err);

/* The value of VGT_CAPTURE_FILE, on the heap; NULL without memory. */
char *vgt_record_target_pattern(const struct vgt_record_target *target);
void vgt_record_target_finish(struct vgt_record_target *target);

struct vgt_recorded_trace {
	char *name; /* of the file in the target's directory */
	uint64_t trace_id;
	bool has_tail; /* when it was found */
	bool whole;    /* the caller's note: it has its tail now */
	uint64_t frames, commands;
	uint64_t size; /* bytes of the file */
	uint64_t raw;  /* bytes of its records */
	bool submits;  /* there is a SUBMIT_3D in it */
	bool masked;   /* its guest was offered less than the host had */
};

struct vgt_recorded_traces {
	struct vgt_recorded_trace *list;
	size_t count;
};

/*
 * The traces whose rings are, or were, in ring_directory: no name proves that, they say it
 * themselves. Sorted by name; identity and has_tail are filled in.
 */
bool vgt_recorded_find(struct vgt_recorded_traces *traces,
	const struct vgt_record_target *target, const char *ring_directory,
	struct vgt_err *err);
void vgt_recorded_finish(struct vgt_recorded_traces *traces);

/*
 * Counts what is in a trace. `exact`, which may be NULL: that recording's counters are right
 * for it, so that it need not be read to its end.
 */
bool vgt_recorded_measure(struct vgt_recorded_trace *trace,
	const struct vgt_record_target *target, const struct vgt_recording *exact,
	struct vgt_err *err);

/* Removes the file of trace i, and its entry. */
void vgt_recorded_drop(
	struct vgt_recorded_traces *traces, const struct vgt_record_target *target, size_t i);

/*
 * Gives a trace the target's name, or the next free one where the name is vgt's choice. False,
 * without harm, where it was taken meanwhile.
 */
bool vgt_recorded_claim_name(struct vgt_recorded_trace *trace, struct vgt_record_target *target,
	struct vgt_err *err);

/* A name with the target's directory before it, on the heap; NULL without memory. */
char *vgt_recorded_path(const struct vgt_record_target *target, const char *name);
char *vgt_recorded_shown(const struct vgt_record_target *target, const char *name);

#endif
