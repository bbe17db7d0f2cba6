/* SPDX-License-Identifier: MIT */
#ifndef VGT_LFS_H
#define VGT_LFS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A repository with Git LFS has small text files in the place of the large ones until these are
 * fetched: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 */

/* How such a pointer begins; later versions of the specification keep this. */
#define VGT_LFS_BEGIN "version https://git-lfs."
#define VGT_LFS_SIZE  (sizeof(VGT_LFS_BEGIN) - 1)

/* What to tell of one. */
#define VGT_LFS_MESSAGE "is a Git LFS pointer, `git lfs pull` brings the file"

/* Whether these are the first bytes of a pointer. */
bool vgt_lfs_is_pointer(const void *bytes, size_t size);

#endif
