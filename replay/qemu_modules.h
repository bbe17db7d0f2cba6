/* SPDX-License-Identifier: MIT */
#ifndef VGT_QEMU_MODULES_H
#define VGT_QEMU_MODULES_H

#include <limits.h>

/* Who records where a command is QEMU: its virtio-gpu device, or nobody but the interposer. */

enum qemu_device {
	QEMU_NONE,     /* the command is not known to be a QEMU system emulator */
	QEMU_PLAIN,    /* its device does not record, and there are no modules for it */
	QEMU_SHADOWED, /* likewise, for QEMU_MODULE_DIR is set; there are modules in `directory`
			*/
	QEMU_MODULES,  /* it records where QEMU_MODULE_DIR is `directory` */
	QEMU_RECORDS,  /* it records: linked in, or a module in what QEMU_MODULE_DIR is already
			*/
};

struct qemu_modules {
	enum qemu_device device;
	char directory[PATH_MAX]; /* with QEMU_MODULES and QEMU_SHADOWED, absolute */
};

/*
 * Of a command as execvp() finds it. A QEMU that loads modules has a symbol qemu_stamp_STAMP,
 * and takes only modules that have it too; those of ours are where companion_find() looks, in
 * qemu/STAMP. Scripts that start QEMU are not looked into.
 */
void qemu_modules_find(struct qemu_modules *modules, const char *command);

#endif
