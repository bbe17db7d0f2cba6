/* SPDX-License-Identifier: MIT */
#include "id_pool.h"
