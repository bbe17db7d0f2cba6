/* SPDX-License-Identifier: MIT */
#include "gpu_command.h"
