/* SPDX-License-Identifier: MIT */
#include "handle_table.h"
