/* SPDX-License-Identifier: MIT */
#ifndef VGT_LINUX_CALL_H
#define VGT_LINUX_CALL_H

#include <stdint.h>

/*
 * System calls of Linux, x86-64, from a Windows program: Wine lets it make them, and that is
 * how a PE file gets at a unix socket and at the memory that comes through one. Structures are
 * Linux's, for a Windows compiler has none or others.
 */

enum linux_number {
	LINUX_CLOSE = 3,
	LINUX_MMAP = 9,
	LINUX_MUNMAP = 11,
	LINUX_WRITEV = 20,
	LINUX_GETPID = 39,
	LINUX_SOCKET = 41,
	LINUX_CONNECT = 42,
	LINUX_RECVFROM = 45,
	LINUX_RECVMSG = 47,
};

#define LINUX_EINTR  4
#define LINUX_EAGAIN 11

#define LINUX_PROT_READ_WRITE 3
#define LINUX_MAP_SHARED      0x01
#define LINUX_MAP_PRIVATE     0x02
#define LINUX_MAP_FIXED       0x10
#define LINUX_MAP_ANONYMOUS   0x20

#define LINUX_AF_UNIX      1
#define LINUX_SOCK_STREAM  1
#define LINUX_SOCK_CLOEXEC 02000000
#define LINUX_SOL_SOCKET   1
#define LINUX_SCM_RIGHTS   1
#define LINUX_MSG_PEEK     0x2
#define LINUX_MSG_DONTWAIT 0x40
#define LINUX_MSG_WAITALL  0x100

struct linux_sockaddr_un {
	uint16_t sun_family;
	char sun_path[108];
};

struct linux_iovec {
	void *iov_base;
	uint64_t iov_len;
};

struct linux_msghdr {
	void *msg_name;
	uint32_t msg_namelen;
	struct linux_iovec *msg_iov;
	uint64_t msg_iovlen;
	void *msg_control;
	uint64_t msg_controllen;
	int32_t msg_flags;
};

struct linux_cmsg_fd {
	uint64_t cmsg_len;
	int32_t cmsg_level;
	int32_t cmsg_type;
	int32_t fd;
	int32_t padding;
};

/* What the call returns, -errno where it fails; again and again while a signal interrupts it.
 */
static inline int64_t linux_call(enum linux_number number, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f)
{
	int64_t result;
	do {
		register uint64_t r10 __asm__("r10") = d;
		register uint64_t r8 __asm__("r8") = e;
		register uint64_t r9 __asm__("r9") = f;
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"((uint64_t)number), "D"(a), "S"(b), "d"(c), "r"(r10),
				 "r"(r8), "r"(r9)
				 : "rcx", "r11", "memory");
	} while (result == -LINUX_EINTR);
	return result;
}

#endif
