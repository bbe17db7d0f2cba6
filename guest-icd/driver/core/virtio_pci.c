/* SPDX-License-Identifier: MIT */
#include "virtio_pci.h"
