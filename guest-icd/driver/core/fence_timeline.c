/* SPDX-License-Identifier: MIT */
#include "fence_timeline.h"
