/* SPDX-License-Identifier: MIT */
#ifndef TRACE_SUMMARY_H
#define TRACE_SUMMARY_H

#include "vgt_model.h"
#include "vgt_reader.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that there is to say of a trace as a whole, gathered in one pass: what recorded it and
 * where, what was offered, made, moved and shown, and what went wrong. Nothing is printed here.
 *
 * Texts come from the trace as they are: whoever shows them makes them harmless first.
 */

/* What is kept of a trace at most, so that none can claim all memory; the rest is only counted.
 */
#define TRACE_SUMMARY_CAPSETS  16u
#define TRACE_SUMMARY_CONTEXTS 64u
#define TRACE_SUMMARY_SIZES    64u
#define TRACE_SUMMARY_MARKS    16u
#define TRACE_SUMMARY_GAPS     64u
#define TRACE_SUMMARY_MARK_LEN 80u

/* What a virgl capset says of what matters most; trace_fact_name() has their names. */
enum trace_fact {
	TRACE_FACT_GLSL_LEVEL,
	TRACE_FACT_MAX_SAMPLES,
	TRACE_FACT_MAX_RENDER_TARGETS,
	TRACE_FACT_MAX_TEXTURE_2D,
	/* the following are 0 or 1 */
	TRACE_FACT_TESSELLATION,
	TRACE_FACT_GEOMETRY,
	TRACE_FACT_COMPUTE,
	TRACE_FACT_GLES, /* the host draws with GL ES */
	TRACE_FACTS,
};

/* "glsl_level" */
const char *trace_fact_name(enum trace_fact fact);

/* The first CAPSET of each id. */
struct trace_capset {
	uint32_t id, version, bytes;
	bool known[TRACE_FACTS]; /* an older capset says less, an unknown one nothing */
	uint32_t fact[TRACE_FACTS];
	char renderer[65]; /* of the host as virglrenderer names it, "" where it does not */
};

/* Contexts that were created alike. */
struct trace_contexts {
	uint64_t created;
	uint32_t capset_id; /* of context_init; 0 is virgl, too */
	char name[65];      /* the debug name */
};

struct trace_size {
	uint64_t frames;
	uint32_t width, height;
	uint32_t format; /* enum virgl_formats, 0 where the resource did not live */
};

struct trace_scanout {
	uint64_t frames;
	uint32_t width, height; /* of its last frame */
};

struct trace_mark {
	uint64_t command; /* the next one */
	size_t length;
	char text[TRACE_SUMMARY_MARK_LEN]; /* the first bytes, no NUL */
};

/* A part of the file that cannot be read. */
struct trace_gap {
	uint64_t begin, end; /* bytes of the file */
	uint64_t command;    /* the first that is lost */
	uint64_t commands_lost, frames_lost;
};

/* How often something happened, and the first command of it. */
struct trace_fault {
	uint64_t count;
	uint64_t first;
};

struct trace_moved {
	uint64_t count;
	uint64_t bytes; /* of guest memory, at most so many */
};

struct trace_summary {
	uint64_t trace_id;
	uint16_t minor;
	enum vgt_reader_end end;
	bool ring_unseen;        /* still recorded, and what its ring holds cannot be seen */
	struct vgt_position all; /* that there is; of a damaged trace the lost is counted too */
	uint64_t last_ns;        /* of the last record */
	bool damaged;
	struct vgt_err damage; /* the first */
	bool stopped;          /* nothing behind the last damage could be read */

	uint64_t records[UINT16_MAX + 1]; /* by type */
	uint64_t virgl[UINT8_MAX + 1];    /* virgl commands, by operation */
	struct json_object *meta;         /* {key: text}, valid UTF-8 */
	struct trace_capset capsets[TRACE_SUMMARY_CAPSETS];
	size_t capset_count;

	uint64_t contexts_created, sub_contexts_created; /* sub-context 0 is not counted */
	struct trace_contexts contexts[TRACE_SUMMARY_CONTEXTS];
	size_t contexts_count;

	/* resources, and guest memory attached to them: now, and at the most */
	uint64_t resources_created, resources_imported, resources, resources_most;
	uint64_t attached, attached_most; /* bytes */
	uint64_t recorded;                /* bytes of guest memory in the trace */

	uint64_t submit_bytes;
	uint64_t shaders[PIPE_SHADER_TYPES];
	struct trace_moved to_host, from_host;

	uint64_t frame_rules[VGT_FRAME_MARKER + 1];
	uint64_t first_frame_ns, last_frame_ns;
	struct trace_size sizes[TRACE_SUMMARY_SIZES]; /* the most frequent first */
	size_t size_count;
	struct trace_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];

	struct trace_fault failed;     /* answers other than success, but for: */
	struct trace_fault refused;    /* by the device */
	struct trace_fault bad;        /* BAD_COMMAND; `first`: the next command */
	struct trace_fault bad_fences; /* that could not be created; the same */
	uint64_t device_resets;        /* RESET 1 */
	struct trace_mark marks[TRACE_SUMMARY_MARKS];
	size_t mark_count;
	struct trace_gap gaps[TRACE_SUMMARY_GAPS];
	uint64_t gap_count; /* with those that are not kept */
	uint64_t commands_lost, frames_lost;

	bool left_out;   /* more of something than is kept, other than marks and gaps */
	bool overflowed; /* more objects than are followed: some things were not counted */

	struct trace_summary_work *work; /* private */
};

/* NULL: out of memory. */
struct trace_summary *trace_summary_create(void);
void trace_summary_destroy(struct trace_summary *summary);

/*
 * Reads all of the trace, going on behind damage where the reader can; `reader` is at its
 * start. True: there is a summary, which may be of a damaged trace (summary->damaged). False:
 * not a trace, nothing of it can be read, or it cannot be read any further (VGT_ERR_SYSTEM,
 * BUSY). `shown` is what the trace is called in the progress line (progress.h).
 */
bool trace_summary_read(struct trace_summary *summary, struct vgt_reader *reader,
	const char *shown, struct vgt_err *err);

/* From the first frame to the last; 0 where they have no times. */
double trace_summary_frame_rate(const struct trace_summary *summary);

/* CLEAR and its kin. */
uint64_t trace_summary_clears(const struct trace_summary *summary);

/* What ended a frame, "other" where that was no rule (VGT_FRAME_AUTO). */
const char *trace_frame_rule_name(enum vgt_frame_rule rule);

/* The value of this key of META, NULL where there is none. The summary's. */
const char *trace_summary_meta(const struct trace_summary *summary, const char *key);

#endif
