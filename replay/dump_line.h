/* SPDX-License-Identifier: MIT */
#ifndef VGT_DUMP_LINE_H
#define VGT_DUMP_LINE_H

#include "bound_state.h"
#include "describe.h"
#include "vgt_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What `vgt dump` prints: one record or virgl command, as a line of text or of JSON, on stdout.
 */

struct dump_line {
	struct describe how;
	bool json;
	bool show_time;
	bool show_frame;     /* a heading where the frame changes: lines are left out */
	uint64_t last_frame; /* of the last heading, UINT64_MAX: none */
};

/* A virgl command of the record's submit. */
struct dump_virgl {
	uint32_t number;
	const struct virgl_command *command;
	const struct vgt_desc *desc;     /* NULL: unknown */
	const struct vgt_layout *layout; /* NULL: cannot be read, `error` says why */
	const char *error;
};

/* `bound`: what is in force is shown too where it is not NULL. */
void dump_line_virgl(struct dump_line *line, const struct vgt_record *record,
	const struct dump_virgl *virgl, struct bound_state *bound);

/* `layout` NULL: it cannot be read, `error` says why. */
void dump_line_record(struct dump_line *line, const struct vgt_record *record,
	const struct vgt_layout *layout, const char *error);

/* Dwords at the end of a submit that are no command. */
void dump_line_rest(struct dump_line *line, const struct vgt_record *record, uint32_t number,
	const uint32_t *dwords, size_t count);

/* What damage has taken out of the trace. */
void dump_line_gap(struct dump_line *line, const struct vgt_gap *gap);

void dump_line_capset(struct dump_line *line, const struct vgt_record *record);

#endif
