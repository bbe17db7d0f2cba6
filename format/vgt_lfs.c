/* SPDX-License-Identifier: MIT */
#include "vgt_lfs.h"

#include <string.h>

bool vgt_lfs_is_pointer(const void *bytes, size_t size)
{
	return size >= VGT_LFS_SIZE && memcmp(bytes, VGT_LFS_BEGIN, VGT_LFS_SIZE) == 0;
}
