/* SPDX-License-Identifier: MIT */
#ifndef VGT_ESCAPE_WINDOWS_H
#define VGT_ESCAPE_WINDOWS_H

/*
 * What the transport DeviceIoControl of ESCAPE.md needs beside vgt_escape.h, for driver and
 * callers: the class of the device interface, {1af6381b-c495-448b-bc71-6193bc513fe1}, and the
 * control code. windows.h and winioctl.h, or a kernel's headers, come first.
 */

#define VGT_ESCAPE_INTERFACE \
	{ \
		0x1af6381b, 0xc495, 0x448b, \
		{ \
			0xbc, 0x71, 0x61, 0x93, 0xbc, 0x51, 0x3f, 0xe1 \
		} \
	}

/* Input and output buffer are the same, and as long. */
#define VGT_ESCAPE_IOCTL \
	CTL_CODE(FILE_DEVICE_UNKNOWN, 0x845, METHOD_BUFFERED, FILE_READ_DATA | FILE_WRITE_DATA)

#endif
