/* SPDX-License-Identifier: MIT */
#include "vgt_err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool vgt_err_set(
	struct vgt_err *err, enum vgt_err_code code, uint64_t offset, const char *format, ...)
{
	if (err) {
		va_list args;
		err->code = code;
		err->offset = offset;
		va_start(args, format);
		vsnprintf(err->message, sizeof(err->message), format, args);
		va_end(args);
	}
	return false;
}

bool vgt_err_system(struct vgt_err *err, int error_number, const char *format, ...)
{
	if (err) {
		va_list args;
		err->code = VGT_ERR_SYSTEM;
		err->offset = VGT_NO_OFFSET;
		va_start(args, format);
		int used = vsnprintf(err->message, sizeof(err->message), format, args);
		va_end(args);
		if (used >= 0 && (size_t)used < sizeof(err->message)) {
			snprintf(err->message + used, sizeof(err->message) - (size_t)used,
				": %s", strerror(error_number));
		}
	}
	return false;
}

bool vgt_err_is_of_trace(enum vgt_err_code code)
{
	switch (code) {
	case VGT_ERR_MALFORMED:
	case VGT_ERR_TRUNCATED:
	case VGT_ERR_VERSION:
	case VGT_ERR_LIMIT:
		return true;
	case VGT_ERR_NONE:
	case VGT_ERR_SYSTEM:
	case VGT_ERR_BUSY:
	case VGT_ERR_USAGE:
	case VGT_ERR_STOPPED:
		break;
	}
	return false;
}
