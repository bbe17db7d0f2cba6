/* SPDX-License-Identifier: MIT */
/*
 * libvgt-vtest.so: leads Mesa's virgl client to another server. The vtest winsys of Mesa 22.3
 * connects to "/tmp/.virgl_test", whatever one wants (virgl_vtest_socket.c; later versions ask
 * VTEST_SOCKET_NAME). Preloaded into a program, this connects to $VGT_VTEST_SOCKET in its
 * place; all other connections pass.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char vtest_path[] = "/tmp/.virgl_test";

/* "" where nothing is to be replaced. The program may clear its environment, so it is kept. */
static struct sockaddr_un replacement = {.sun_family = AF_UNIX};

__attribute__((constructor)) static void read_environment(void)
{
	const char *path = getenv("VGT_VTEST_SOCKET");

	if (path && strlen(path) < sizeof(replacement.sun_path)) {
		memcpy(replacement.sun_path, path, strlen(path) + 1);
	}
}

static bool is_vtest(const struct sockaddr *address, socklen_t length)
{
	struct sockaddr_un wanted;
	const size_t path_at = offsetof(struct sockaddr_un, sun_path);

	if (!address || length <= path_at || length > sizeof(wanted)) {
		return false;
	}
	/* sun_path ends with a NUL, or with the address: unix(7) */
	memset(&wanted, 0, sizeof(wanted));
	memcpy(&wanted, address, length);
	return wanted.sun_family == AF_UNIX &&
	       strncmp(wanted.sun_path, vtest_path, sizeof(wanted.sun_path)) == 0;
}

/* glibc declares the address as a transparent union, which this is one member of. */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	typedef int connect_function(int, const struct sockaddr *, socklen_t);
	static _Atomic(connect_function *) real;
	connect_function *function = atomic_load(&real);

	if (!function) {
		*(void **)&function = dlsym(RTLD_NEXT, "connect");
		if (!function) {
			errno = ENOSYS;
			return -1;
		}
		atomic_store(&real, function);
	}
	if (replacement.sun_path[0] && is_vtest(address, length)) {
		address = (const struct sockaddr *)&replacement;
		length = sizeof(replacement);
	}
	return function(fd, address, length);
}
