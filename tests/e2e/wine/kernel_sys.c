/* SPDX-License-Identifier: MIT */
/*
 * vgt.sys for Wine's winedevice, which carries a kernel-mode driver's IRPs from the programs'
 * processes to another one: the device of the escape driver, a client for each open file. What
 * it does with requests is in kernel_driver.c, a library of its own, for winedevice takes a
 * module that imports kernel32.dll for no driver.
 */
#include <wdm.h>

#include "kernel_driver.h"
#include "vgt_escape_windows.h"

/* missing in wdm.h */
PEPROCESS NTAPI IoGetRequestorProcess(PIRP irp);
HANDLE NTAPI PsGetProcessId(PEPROCESS process);

static NTSTATUS complete(IRP *irp, NTSTATUS status, ULONG written)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = written;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS NTAPI create(DEVICE_OBJECT *device, IRP *irp)
{
	FILE_OBJECT *file = IoGetCurrentIrpStackLocation(irp)->FileObject;
	const HANDLE process = PsGetProcessId(IoGetRequestorProcess(irp));
	(void)device;
	file->FsContext = kernel_driver_open((uint32_t)(ULONG_PTR)process);
	return complete(
		irp, file->FsContext ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, 0);
}

static NTSTATUS NTAPI close(DEVICE_OBJECT *device, IRP *irp)
{
	(void)device;
	kernel_driver_close(IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext);
	return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI control(DEVICE_OBJECT *device, IRP *irp)
{
	const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	const ULONG size = stack->Parameters.DeviceIoControl.InputBufferLength;

	(void)device;
	if (stack->Parameters.DeviceIoControl.IoControlCode != VGT_ESCAPE_IOCTL) {
		return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	}
	if (stack->Parameters.DeviceIoControl.OutputBufferLength != size) {
		return complete(irp, STATUS_INVALID_PARAMETER, 0);
	}
	switch (kernel_driver_control(
		stack->FileObject->FsContext, irp->AssociatedIrp.SystemBuffer, size)) {
	case KERNEL_DRIVER_ANSWERED:
		return complete(irp, STATUS_SUCCESS, size);
	case KERNEL_DRIVER_UNSUPPORTED:
		return complete(irp, STATUS_NOT_SUPPORTED, 0);
	default:
		return complete(irp, STATUS_INVALID_PARAMETER, 0);
	}
}

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path)
{
	UNICODE_STRING name, link;
	DEVICE_OBJECT *device;
	NTSTATUS status;

	(void)path;
	RtlInitUnicodeString(&name, L"\\Device\\vgt");
	RtlInitUnicodeString(
		&link, L"\\??\\ROOT#VGT#0000#{1af6381b-c495-448b-bc71-6193bc513fe1}");
	status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
	if (status != STATUS_SUCCESS) {
		return status;
	}
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	driver->MajorFunction[IRP_MJ_CREATE] = create;
	driver->MajorFunction[IRP_MJ_CLOSE] = close;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
	return IoCreateSymbolicLink(&link, &name);
}
