/* SPDX-License-Identifier: MIT */
#include "virtqueue.h"
