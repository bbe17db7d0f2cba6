/* SPDX-License-Identifier: MIT */
#include "gpu.h"
