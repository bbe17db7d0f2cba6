/* SPDX-License-Identifier: MIT */
#ifndef VGT_WINE_NO_HOP_H
#define VGT_WINE_NO_HOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The escape requests that the ICD's winsys uses, answered straight from virgl_test_server,
 * without dispatcher, driver core, rings and device: what those cost is the difference. It
 * believes what it is told, and is for measuring only. Any number of threads.
 */

struct no_hop;

/* NULL: nobody listens at that socket. */
struct no_hop *no_hop_open(const char *path);
/* Of a request of vgt_escape.h, all of it; the answer is written over it. */
void no_hop_escape(struct no_hop *no_hop, void *request);

#endif
