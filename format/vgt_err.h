/* SPDX-License-Identifier: MIT */
#ifndef VGT_ERR_H
#define VGT_ERR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How every fallible function of vgt reports: it returns false or NULL and fills the last
 * parameter, `struct vgt_err *err`, which may be NULL. No heap is involved; an error can be
 * copied. Messages are lower case, start with what is wrong and end without a full stop.
 */

enum vgt_err_code {
	VGT_ERR_NONE = 0,
	VGT_ERR_SYSTEM,    /* the operating system said no: open, read, write, memory */
	VGT_ERR_MALFORMED, /* the input breaks its format */
	VGT_ERR_TRUNCATED, /* the input ends too early */
	VGT_ERR_VERSION,   /* the input is of a version this code does not know */
	VGT_ERR_LIMIT,     /* the input asks for more than a documented limit */
	VGT_ERR_BUSY,      /* somebody else is using it */
	VGT_ERR_USAGE,     /* the caller asked for something that makes no sense */
	VGT_ERR_STOPPED,   /* ended because its caller said so: not a fault */
};

/* No place in the input belongs to this error. */
#define VGT_NO_OFFSET UINT64_MAX

struct vgt_err {
	enum vgt_err_code code;
	uint64_t offset;   /* byte of the input at which it was seen, or VGT_NO_OFFSET */
	char message[256]; /* NUL-terminated, cut where too long */
};

/* Fills *err (nothing where err is NULL) and returns false, so that callers can `return` it. */
__attribute__((format(printf, 4, 5))) bool vgt_err_set(
	struct vgt_err *err, enum vgt_err_code code, uint64_t offset, const char *format, ...);

/* The same with ": " and strerror(error_number) behind the message; code VGT_ERR_SYSTEM. */
__attribute__((format(printf, 3, 4))) bool vgt_err_system(
	struct vgt_err *err, int error_number, const char *format, ...);

/*
 * Whether what was read is at fault: a bad trace. Else it could not be got at, or was not to
 * be: trouble.
 */
bool vgt_err_is_of_trace(enum vgt_err_code code);

#endif
