/* SPDX-License-Identifier: MIT */
#ifndef VGT_PLATFORM_H
#define VGT_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that the driver core asks of the system under it. The core itself is freestanding C11: of
 * a C library it needs memcpy and memset only, it uses no floating point, does not recurse and
 * needs less than 4 KiB of stack.
 *
 * The compiler is gcc or clang, for __atomic_*, __builtin_* and __attribute__. For Windows that
 * is mingw-w64 or clang-cl; Microsoft's own, cl.exe, does not compile it.
 *
 * Every function gets `self`. wait() and wake() are called with the lock held, copy_in() and
 * copy_out() without it, the others with it or without.
 *
 * The core runs only in threads that may sleep: in a Windows driver at PASSIVE_LEVEL, so that
 * the lock is a mutex and not a spin lock, and memory may be allocated, mapped and freed under
 * it. An interrupt handler calls nothing of the core: it ends wait(), and has a thread call
 * vgt_gpu_poll().
 */

/* Memory that the device reads and writes, too: whole pages, zeroed, pinned. */
struct vgt_dma {
	void *address;   /* in the kernel; NULL: none */
	uint64_t size;   /* bytes, as asked for */
	uint64_t cookie; /* the platform's own */
};

#define VGT_DMA_PAGE UINT64_C(4096)

struct vgt_platform {
	void *self;

	/* The device's PCI configuration space, `width` is 1, 2 or 4 bytes, little-endian.
	   Memory access and bus mastering are on. All bits set outside of the space. */
	uint32_t (*config_read)(void *self, uint32_t offset, uint32_t width);
	/* Bytes of a memory BAR, 0 to 5; 0 where there is none. */
	uint64_t (*bar_size)(void *self, uint32_t bar);
	/* Device registers, within the BAR and aligned to `width`, in program order with each
	   other and with what this processor does to DMA memory. */
	uint32_t (*bar_read)(void *self, uint32_t bar, uint64_t offset, uint32_t width);
	void (*bar_write)(
		void *self, uint32_t bar, uint64_t offset, uint32_t width, uint32_t value);

	/* Zeroed memory, aligned for any type; NULL where there is none. */
	void *(*alloc)(void *self, size_t size);
	void (*free)(void *self, void *memory); /* NULL: nothing */

	/* DMA memory of `size` bytes that is contiguous for the device in pieces of at least
	   `run` bytes each, a power of two from VGT_DMA_PAGE on. False where there is none. */
	bool (*dma_alloc)(void *self, uint64_t size, uint64_t run, struct vgt_dma *dma);
	void (*dma_free)(void *self, struct vgt_dma *dma); /* and makes it none */
	/* Where the device finds the byte at `offset`, and in *run how many bytes from there on
	   lie contiguously, up to the end. */
	uint64_t (*dma_address)(
		void *self, const struct vgt_dma *dma, uint64_t offset, uint64_t *run);

	/* Copies from or to the address space of `caller`, whatever vgt_client_open() was
	   given. False where not all of it may be read or written; then anything of it may be
	   copied. */
	bool (*copy_in)(void *self, void *caller, void *to, uint64_t from, size_t size);
	bool (*copy_out)(void *self, void *caller, uint64_t to, const void *from, size_t size);
	/* Shows DMA memory to `caller`, readable and writable. False where that fails. */
	bool (*map)(void *self, void *caller, const struct vgt_dma *dma, uint64_t *address);
	void (*unmap)(void *self, void *caller, const struct vgt_dma *dma, uint64_t address);

	uint64_t (*now)(void *self); /* nanoseconds of a clock that never goes back */

	/* One lock for the device, held by one thread at a time; it does not nest. */
	void (*lock)(void *self);
	void (*unlock)(void *self);
	/* Gives up the lock, sleeps until the device interrupts, somebody calls wake() or
	   `timeout_ns` are over, and takes the lock again. May return earlier. */
	void (*wait)(void *self, uint64_t timeout_ns);
	void (*wake)(void *self);
};

#endif
