/* SPDX-License-Identifier: MIT */
#include "dispatch_2017.h"
