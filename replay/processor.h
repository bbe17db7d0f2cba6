/* SPDX-License-Identifier: MIT */
#ifndef VGT_PROCESSOR_H
#define VGT_PROCESSOR_H

#include <stdbool.h>

/*
 * A function in two ways, of which the processor chooses: the loops are written once, in an
 * inline function, and compiled for any processor of the architecture and, with PROCESSOR_AVX2,
 * for those with AVX2. Without fused multiplications (-ffp-contract=off) both give the same
 * numbers.
 */
#if defined(__x86_64__) || defined(__i386__)
#define PROCESSOR_AVX2 __attribute__((target("avx2")))
#else
#define PROCESSOR_AVX2
#endif

/* Whether to call what has PROCESSOR_AVX2. */
bool processor_has_avx2(void);

/* For tests and for measuring: with false the answer above is no, as on other processors. */
void processor_allow_avx2(bool allowed);

#endif
