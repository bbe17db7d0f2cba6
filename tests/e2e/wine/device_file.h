/* SPDX-License-Identifier: MIT */
#ifndef VGT_WINE_DEVICE_FILE_H
#define VGT_WINE_DEVICE_FILE_H

/*
 * The device of the escape driver, for DeviceIoControl: a device interface of the class
 * VGT_ESCAPE_INTERFACE, a file that can be opened, the one control code. Each open file is a
 * client of driver.h, and a request is copied to memory of the driver and back, as the system
 * does it with METHOD_BUFFERED.
 *
 * With VGT_WINEDEVICE=1 only the interface is found here, which Wine cannot: the file is then
 * that of kernel_sys.c's device, of another process.
 *
 * There is no kernel to ask for it, so modules of this process that import
 * CM_Get_Device_Interface_ListA() find other functions in their import tables: that one and its
 * _Size, CreateFileA(), DeviceIoControl(), GetOverlappedResult() and CloseHandle(), which hand
 * on to the system's what is not about this device. Requests are carried out in the caller's
 * thread, also where the file was opened for overlapped operation: any number at a time.
 */

/* For this process, now and whenever a module is loaded; from DllMain(). */
void device_file_install(void);

#endif
