/* SPDX-License-Identifier: MIT */
#ifndef VGT_VALIDATE_H
#define VGT_VALIDATE_H

#include "vgt_reader.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds what breaks the rules of virtio-gpu and virgl in the records of a trace, without GL:
 * wrong lengths, use of what does not exist or is of another kind, transfers beyond guest
 * memory, draws without shaders, and records that contradict each other. The rules are those by
 * which virglrenderer refuses a command or leaves it out; where it ignores a fault that only
 * shows a driver's mistake, such as a handle that is defined twice, that is told too.
 *
 * What is wrong with the file itself is the reader's to tell. One thread at a time.
 */

struct vgt_violation {
	uint64_t command; /* control command, or the next one where a record breaks a rule */
	uint32_t virgl_command; /* of its submit, or VGT_NO_VIRGL_COMMAND */
	const char *message;    /* begins with the name of the command or record */
};

struct vgt_validator;

/* `report` is called while records are fed; the violation is valid until it returns. NULL: out
 * of memory. */
struct vgt_validator *vgt_validator_create(
	void (*report)(void *opaque, const struct vgt_violation *violation), void *opaque);
void vgt_validator_destroy(struct vgt_validator *validator);

/* The next record of the trace, as vgt_reader_next hands it out, from the first on. */
void vgt_validator_feed(struct vgt_validator *validator, const struct vgt_record *record);

/* The trace is whole and ends here: what should have followed its last record does not. */
void vgt_validator_end(struct vgt_validator *validator);

/* Whether there were more objects than are followed (VGT_MODEL_OBJECTS_MAX): uses of handles
 * were then not checked to the end. */
bool vgt_validator_overflowed(const struct vgt_validator *validator);

#endif
