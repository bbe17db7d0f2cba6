/* SPDX-License-Identifier: MIT */
#ifndef VGT_FIND_PROGRAM_H
#define VGT_FIND_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* The file that execvp() takes for `name`; false: none. */
bool vgt_find_program(const char *name, char path[PATH_MAX]);

#endif
