/* SPDX-License-Identifier: MIT */
#include "trace_store.h"

#include "cache_path.h"
#include "child.h"
#include "debian_packages.h"
#include "directory.h"
#include "interrupt.h"
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sha2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 65536

char *trace_store_path(const char *sha256, struct vgt_err *err)
{
	char name[128], place[PATH_MAX];

	snprintf(name, sizeof(name), "traces/%.64s.vgt", sha256);
	if (!vgt_cache_path(place, sizeof(place), name)) {
		vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			"no place for fetched traces: neither XDG_CACHE_HOME nor HOME is set");
		return NULL;
	}
	char *path = strdup(place);
	if (!path) {
		vgt_err_system(err, ENOMEM, "cannot find the place of fetched traces");
	}
	return path;
}

static bool stopped(struct vgt_err *err)
{
	return vgt_err_set(err, VGT_ERR_STOPPED, VGT_NO_OFFSET, "interrupted");
}

int trace_store_open(const char *path, struct stat *status, struct vgt_err *err)
{
	return directory_read(AT_FDCWD, path, true, status, err);
}

/* Reads it all; what was read goes into the digest, and where `to` is one, there. */
static bool read_all(int fd, int to, char hex[SHA256_DIGEST_STRING_LENGTH], struct vgt_err *err)
{
	static uint8_t block[BLOCK];
	SHA2_CTX digest;
	ssize_t got;

	SHA256Init(&digest);
	while (!interrupt_noted() && (got = read(fd, block, sizeof(block))) != 0) {
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return vgt_err_system(err, errno, "cannot read");
		}
		SHA256Update(&digest, block, (size_t)got);
		errno = ENOSPC; /* what a short write stands for */
		if (to >= 0 && write(to, block, (size_t)got) != got) {
			return vgt_err_system(err, errno, "cannot write");
		}
	}
	SHA256End(&digest, hex);
	return !interrupt_noted() || stopped(err);
}

static bool check_size(const struct stat *status, uint64_t bytes, struct vgt_err *err)
{
	return !bytes || (uint64_t)status->st_size == bytes ||
	       vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
		       "has %" PRIu64 " bytes, the manifest says %" PRIu64,
		       (uint64_t)status->st_size, bytes);
}

static bool check_digest(const char *hex, const char *sha256, struct vgt_err *err)
{
	return strcmp(hex, sha256) == 0 ||
	       vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET,
		       "has the SHA-256 %s, the manifest says %s", hex, sha256);
}

bool trace_store_check(
	const char *path, const char *sha256, uint64_t bytes, struct vgt_err *err)
{
	char hex[SHA256_DIGEST_STRING_LENGTH] = "";
	struct stat status;
	const int fd = trace_store_open(path, &status, err);
	const bool good =
		fd >= 0 && check_size(&status, bytes, err) &&
		(!sha256 || (read_all(fd, -1, hex, err) && check_digest(hex, sha256, err)));

	if (fd >= 0) {
		close(fd);
	}
	return good;
}

/* Fetching */

/* What %XX stands for in a URL; -1: it does not follow that form, or ends the text. */
static int decode_escape(const char *at)
{
	char digits[3] = {at[1], at[1] ? at[2] : '\0', '\0'};
	const int value = strspn(digits, "0123456789abcdefABCDEF") == 2
				  ? (int)strtol(digits, NULL, 16)
				  : 0;
	return value ? value : -1;
}

/* The path of a file: URL (RFC 8089) of this machine. The caller frees it; NULL: *err. */
static char *path_of_url(const char *url, struct vgt_err *err)
{
	const char *at = url + strlen("file:");
	at += strncmp(at, "//localhost/", 12) == 0 ? 11 : strncmp(at, "///", 3) == 0 ? 2 : 0;
	char *const path = malloc(strlen(at) + 1);
	char *to = path;
	int byte = 0;

	for (; path && byte >= 0 && *at; at += byte >= 0 && *at == '%' ? 3 : 1) {
		byte = *at == '%' ? decode_escape(at) : (unsigned char)*at;
		*to++ = (char)byte;
	}
	if (!path) {
		vgt_err_system(err, ENOMEM, "cannot copy");
		return NULL;
	}
	*to = '\0';
	if (byte < 0 || path[0] != '/' || path[1] == '/') {
		vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET, "must be file:///PATH");
		free(path);
		return NULL;
	}
	return path;
}

static char *local_path(const char *url, const char *directory, struct vgt_err *err)
{
	char *path;

	if (strncmp(url, "file:", 5) == 0) {
		return path_of_url(url, err);
	}
	if (asprintf(&path, "%s%s%s", *url == '/' ? "" : directory, *url == '/' ? "" : "/",
		    url) < 0) {
		vgt_err_system(err, ENOMEM, "cannot copy");
		return NULL;
	}
	return path;
}

static bool copy_file(
	const char *path, const struct new_file *file, uint64_t bytes, struct vgt_err *err)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];
	struct stat status;
	const int in = trace_store_open(path, &status, err);
	const bool good =
		in >= 0 && check_size(&status, bytes, err) && read_all(in, file->fd, hex, err);

	if (in >= 0) {
		close(in);
	}
	return good;
}

static bool copy_local(const char *url, const char *directory, const struct new_file *file,
	uint64_t bytes, struct vgt_err *err)
{
	char *path = local_path(url, directory, err);
	const bool good = path && copy_file(path, file, bytes, err);
	free(path);
	return good;
}

static bool is_remote(const char *url)
{
	return url[strcspn(url, ":/")] == ':' && strncmp(url, "file:", 5) != 0;
}

/* In curl before it starts: whatever the server sends, the file ends there. */
static bool limit_file(void *opaque)
{
	const uint64_t *bytes = opaque;
	const struct rlimit limit = {(rlim_t)*bytes, (rlim_t)*bytes};

	signal(SIGXFSZ, SIG_IGN); /* a write that fails is enough */
	return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static bool judge_curl(const struct vgt_child *curl, uint64_t bytes, struct vgt_err *err)
{
	enum { WRITE_ERROR = 23, TOO_LARGE = 63 }; /* curl(1), "exit codes" */
	const int code = WIFEXITED(curl->status) ? WEXITSTATUS(curl->status) : -1;

	if (code == 0) {
		return true;
	}
	if (code == WRITE_ERROR || code == TOO_LARGE) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"is larger than the %" PRIu64
			" bytes of the manifest, or the disk is full",
			bytes);
	}
	return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "curl failed (exit %d)", code);
}

static bool run_curl(
	const char *url, const char *temporary, uint64_t bytes, struct vgt_err *err)
{
	char size[24];
	/* https: stays https:, and no server sends curl to a file of this machine */
	const char *protocols = strncmp(url, "https:", 6) == 0 ? "=https" : "=http,https";
	const char *const argv[] = {"curl", "-q", "--fail", "--location", "--globoff",
		"--no-progress-meter", "--proto", protocols, "--proto-redir", protocols,
		"--max-redirs", "10", "--max-filesize", size, "--connect-timeout", "30",
		"--speed-limit", "1", "--speed-time", "60", "--output", temporary, "--url", url,
		NULL};
	const struct vgt_child_spec spec = {.argv = (char *const *)argv,
		.prepare = limit_file,
		.opaque = &bytes,
		.output = -1,
		.pass = -1,
		.dies_with_vgt = true};
	struct vgt_children children;
	struct vgt_child curl;

	snprintf(size, sizeof(size), "%" PRIu64, bytes);
	if (!vgt_children_init(&children, err)) {
		return false;
	}
	const int error = vgt_child_start(&children, &curl, &spec);
	while (!error && curl.running && !interrupt_noted() && !children.interrupts &&
		!children.terminations) {
		vgt_children_wait(&children, 1000);
	}
	vgt_child_end(&children, &curl, 1000);
	vgt_children_finish(&children);
	if (children.interrupts || children.terminations) {
		raise(children.interrupts ? SIGINT : SIGTERM); /* to be noted */
	}
	if (interrupt_noted()) {
		return stopped(err);
	}
	if (error == ENOENT) {
		return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
			"curl not found: apt install " DEBIAN_CURL);
	}
	return error ? vgt_err_system(err, error, "cannot start curl")
		     : judge_curl(&curl, bytes, err);
}

bool trace_store_fetch(const char *url, const char *directory, const char *path,
	const char *sha256, uint64_t bytes, struct vgt_err *err)
{
	struct new_file file = {.fd = -1};
	const bool good = directory_make_above(path, err) &&
			  new_file_create(&file, path, true, 0666, err) &&
			  (is_remote(url) ? run_curl(url, file.temporary, bytes, err)
					  : copy_local(url, directory, &file, bytes, err)) &&
			  trace_store_check(file.temporary, sha256, bytes, err) &&
			  new_file_commit(&file, err);

	new_file_finish(&file);
	return good;
}
