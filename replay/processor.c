/* SPDX-License-Identifier: MIT */
#include "processor.h"

static bool forbidden;

bool processor_has_avx2(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return !forbidden && __builtin_cpu_supports("avx2");
#else
	return false;
#endif
}

void processor_allow_avx2(bool allowed)
{
	forbidden = !allowed;
}
