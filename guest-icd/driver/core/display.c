/* SPDX-License-Identifier: MIT */
#include "display.h"
