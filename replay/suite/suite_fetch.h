/* SPDX-License-Identifier: MIT */
#ifndef VGT_SUITE_FETCH_H
#define VGT_SUITE_FETCH_H

#include "suite_select.h"

#include <stdbool.h>

/* Brings the traces that a manifest names by URL, as far as they are selected and not there,
 * and says so on stderr. False: not all of them; which, has been told. A signal that is noted
 * (interrupt.h) ends it. */
bool suite_fetch(const struct suite *suite, const struct suite_selected *selected);

#endif
