/* SPDX-License-Identifier: MIT */
#ifndef VGT_CAPTURE_FACTS_H
#define VGT_CAPTURE_FACTS_H

#include "vgt_capsets.h"
#include "vgt_capture.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a trace says about the process that it is recorded in and its renderer: META and CAPSET
 * records. FORMAT.md, "META".
 */

#define CAPTURE_FACTS_MAX 128

/* Collected facts; all zero is an empty list. */
struct capture_facts {
	struct vgt_capture_fact list[CAPTURE_FACTS_MAX];
	size_t count;
	struct vgt_capsets capsets;
};

void capture_facts_put(const struct capture_facts *facts, struct vgt_capture *capture);
void capture_facts_finish(struct capture_facts *facts);

/*
 * Of the process: program, arguments (unless VGT_CAPTURE_NO_CMDLINE is set), system, time,
 * environment. `virglrenderer_function`: any one, whose library is named.
 */
void capture_facts_add_process(
	struct capture_facts *facts, const char *producer, const void *virglrenderer_function);

/* Arguments of virgl_renderer_init; a version of 0 means no callbacks. */
void capture_facts_add_init(struct capture_facts *facts, int flags, int callbacks_version);

/* Strings of the GL context that virgl_renderer_init has left current on this thread. */
void capture_facts_add_gl(struct capture_facts *facts);

/*
 * virgl's capsets as the guest is offered them, by virgl_renderer_get_cap_set and
 * virgl_renderer_fill_caps. `weaker`: no more than that has; NULL: all.
 */
void capture_facts_add_capsets(struct capture_facts *facts, const struct vgt_capsets *weaker,
	void (*get_cap_set)(uint32_t set, uint32_t *max_ver, uint32_t *max_size),
	void (*fill_caps)(uint32_t set, uint32_t version, void *caps));

#endif
