/* SPDX-License-Identifier: MIT */
#ifndef NEW_TRACE_H
#define NEW_TRACE_H

#include "new_file.h"
#include "vgt_err.h"
#include "vgt_reader.h"
#include "vgt_sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * A trace that a command makes out of another, record by record, as a file that appears when it
 * is whole (new_file.h). One at a time in a process. Memory: a chunk.
 */

struct new_trace {
	/* trace_id and minor are to be set before the first record, at and index may be read */
	struct vgt_sink sink;
	/* private: */
	const char *shown; /* its path */
	struct new_file file;
	uint64_t file_size; /* 0: not committed */
	uint8_t *records;   /* that are in no chunk yet */
	size_t size, capacity;
	uint64_t last_time_ns;
	uint64_t digest; /* over the records put */
};

/*
 * Begins a trace that is to be at `path`, which must live as long. VGT_ERR_USAGE: it exists and
 * `replace` is not set, or is no regular file. Its mode, and its owner where that may be, are
 * those of `like`, or where that is NULL what a new file has.
 */
bool new_trace_create(struct new_trace *trace, const char *path, bool replace,
	const struct stat *like, int level, struct vgt_err *err);

bool new_trace_put(
	struct new_trace *trace, const struct vgt_record *record, struct vgt_err *err);

/* A META record `text`, at the time of the last record. */
bool new_trace_put_meta(struct new_trace *trace, const char *text, struct vgt_err *err);

/*
 * Writes the tail, reads all of it back, and puts it in its place. On success as on failure the
 * trace is still to be finished.
 */
bool new_trace_commit(struct new_trace *trace, struct vgt_err *err);

/* Bytes of the file that was committed. */
uint64_t new_trace_size(const struct new_trace *trace);

/* Frees; removes what has not been committed. For a zeroed trace it does nothing. */
void new_trace_finish(struct new_trace *trace);

#endif
