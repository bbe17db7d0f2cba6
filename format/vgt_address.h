/* SPDX-License-Identifier: MIT */
#ifndef VGT_ADDRESS_H
#define VGT_ADDRESS_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Addresses as every tool prints and accepts them (FORMAT.md, "Numbers and addresses"), a list
 * with commas between:
 *
 *   12  10-20  10-                     frames
 *   @1042  @100-@200  @100-200  @100-  control commands
 *   @1042.17                           virgl command 17 of the SUBMIT_3D @1042
 *   @33.9-@33.12  @33.9-12  @33.9-     virgl commands of one SUBMIT_3D
 */

#define VGT_ADDRESSES_MAX 64

/* To the end, as the end of a range; no such address, of vgt_addresses_first(). */
#define VGT_ADDRESS_OPEN UINT64_MAX

/* The highest number of a virgl command. */
#define VGT_ADDRESS_VIRGL_MAX (UINT32_MAX - 1)

struct vgt_address_range {
	bool commands;        /* of control commands, else of frames */
	uint64_t first, last; /* inclusive; last may be VGT_ADDRESS_OPEN */
	/*
	 * Only these virgl commands of @first, which is @last then, too; inclusive, to the end
	 * up to VGT_ADDRESS_VIRGL_MAX. Both VGT_NO_VIRGL_COMMAND: all of each.
	 */
	uint32_t virgl_first, virgl_last;
};

/* Plain data; all zero is the empty list. */
struct vgt_addresses {
	struct vgt_address_range range[VGT_ADDRESSES_MAX];
	size_t count;
};

/*
 * Adds what `text` lists. False with VGT_ERR_USAGE and the list as it was: not of the grammar,
 * backwards, from the virgl commands of one submit to those of another, or more than
 * VGT_ADDRESSES_MAX in all. The message has the wrong text in it.
 */
bool vgt_addresses_add(struct vgt_addresses *addresses, const char *text, struct vgt_err *err);

/* How much of a control command is asked for. */
enum vgt_asked {
	VGT_ASKED_NOT,
	VGT_ASKED_PART, /* some of its virgl commands */
	VGT_ASKED_ALL,
};

/* `frame` is the one that the command belongs to: the number of the next FRAME,
 * vgt_record.frame.
 */
enum vgt_asked vgt_addresses_ask(
	const struct vgt_addresses *addresses, uint64_t frame, uint64_t command);

/* Whether this virgl command of the command is asked for, by itself or with all of it. */
bool vgt_addresses_contain(const struct vgt_addresses *addresses, uint64_t frame,
	uint64_t command, uint32_t virgl_command);

/*
 * The lowest frame and the lowest command, VGT_ADDRESS_OPEN where the list has none of the
 * kind: what vgt_reader_seek() takes.
 */
void vgt_addresses_first(
	const struct vgt_addresses *addresses, uint64_t *frame, uint64_t *command);

/* Whether nothing from this frame and this command on is asked for, so that one can stop. */
bool vgt_addresses_passed(
	const struct vgt_addresses *addresses, uint64_t frame, uint64_t command);

/* Room for any address, its NUL included. */
#define VGT_ADDRESS_TEXT_SIZE 33

/* Prints "@1042", or "@1042.17" where virgl_command is not VGT_NO_VIRGL_COMMAND; returns
 * `text`. */
const char *vgt_address_text(
	char text[VGT_ADDRESS_TEXT_SIZE], uint64_t command, uint32_t virgl_command);

/* A list of frames only, for what knows no others. */
struct vgt_ranges {
	struct vgt_addresses frames;
};

/* As vgt_addresses_add() to an empty list; commands are refused. */
bool vgt_ranges_parse(struct vgt_ranges *ranges, const char *text, struct vgt_err *err);

bool vgt_ranges_contain(const struct vgt_ranges *ranges, uint64_t number);

/* The largest number in any range; VGT_ADDRESS_OPEN where one is open. */
uint64_t vgt_ranges_last(const struct vgt_ranges *ranges);

#endif
