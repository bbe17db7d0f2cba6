/* SPDX-License-Identifier: MIT */
#include "dispatch.h"
