/* SPDX-License-Identifier: MIT */
#include "child_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX   (1u << 20)
#define LOG_LINES 10

bool vgt_child_log_open(struct vgt_child_log *log, const char *path, struct vgt_err *err)
{
	/* Appending: after the file was emptied writers go on at its new end. */
	*log = (struct vgt_child_log){
		.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600)};
	return log->fd >= 0 || vgt_err_system(err, errno, "cannot create %s", path);
}

void vgt_child_log_close(struct vgt_child_log *log)
{
	if (log->fd >= 0) {
		close(log->fd);
		log->fd = -1;
	}
}

static bool is_ours(const char *line)
{
	return strncmp(line, "vgt: ", 5) == 0;
}

void vgt_child_log_relay(
	struct vgt_child_log *log, void (*show)(void *opaque, const char *line), void *opaque)
{
	char text[4096 + 1];
	ssize_t size;

	while ((size = pread(log->fd, text, sizeof(text) - 1, (off_t)log->seen)) > 0) {
		text[size] = '\0';
		char *line = text;
		char *end;
		while ((end = memchr(line, '\n', (size_t)(text + size - line)))) {
			*end = '\0';
			if (is_ours(line)) {
				show(opaque, line);
			}
			line = end + 1;
		}
		if (line == text && (size_t)size < sizeof(text) - 1) {
			break; /* a line that is not complete yet */
		}
		log->seen += line == text ? (uint64_t)size : (uint64_t)(line - text);
	}
	if (log->seen > LOG_MAX && ftruncate(log->fd, 0) == 0) {
		log->seen = 0;
	}
}

void vgt_child_log_show_end(const struct vgt_child_log *log,
	void (*show)(void *opaque, const char *line), void *opaque)
{
	char text[4096 + 1];
	const char *lines[LOG_LINES];
	size_t count = 0;
	char *rest = NULL;
	const off_t size = lseek(log->fd, 0, SEEK_END);
	const off_t from = size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0;
	const ssize_t got = pread(log->fd, text, sizeof(text) - 1, from);

	text[got > 0 ? got : 0] = '\0';
	for (char *line = strtok_r(text, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest)) {
		if (!is_ours(line)) {
			lines[count++ % LOG_LINES] = line;
		}
	}
	for (size_t i = count > LOG_LINES ? count - LOG_LINES : 0; i < count; i++) {
		show(opaque, lines[i % LOG_LINES]);
	}
}
