/* SPDX-License-Identifier: MIT */
#include "child_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX   (1u << 20)
#define LOG_HEAD  (LOG_MAX / 2) /* stays of one that is longer */
#define LOG_END   4096          /* of this, too, the whole lines */
#define LOG_LINES 10

bool vgt_child_log_open(struct vgt_child_log *log, const char *path, struct vgt_err *err)
{
	/* Appending: after the file was cut writers go on at its new end. */
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

static void write_all(int fd, const char *text, size_t size)
{
	ssize_t written;

	while (size && (written = write(fd, text, size)) > 0) {
		text += written;
		size -= (size_t)written;
	}
}

/* Takes the middle out. What others write meanwhile may be lost with it. */
static void shorten(struct vgt_child_log *log)
{
	char text[LOG_END];
	const off_t size = lseek(log->fd, 0, SEEK_END);
	const ssize_t got =
		size < LOG_END ? -1 : pread(log->fd, text, sizeof(text), size - LOG_END);
	const char *line = got > 0 ? memchr(text, '\n', (size_t)got) : NULL;
	const char *end = line ? line + 1 : text;
	const size_t end_size = line ? (size_t)(text + got - end) : 0;

	if (size < 0 || ftruncate(log->fd, LOG_HEAD) != 0) {
		return;
	}
	const uint64_t not_seen = (uint64_t)size - log->seen;
	log->left_out += (uint64_t)size - LOG_HEAD - log->line_size - end_size;
	const int line_size = dprintf(
		log->fd, "\n[vgt has left out %" PRIu64 " bytes here]\n", log->left_out);
	log->line_size = line_size > 0 ? (uint64_t)line_size : 0;
	write_all(log->fd, end, end_size);
	log->seen = (uint64_t)lseek(log->fd, 0, SEEK_END) -
		    (not_seen < end_size ? not_seen : end_size);
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
	if (log->seen > LOG_MAX) {
		shorten(log);
	}
}

void vgt_child_log_show_end(const struct vgt_child_log *log,
	void (*show)(void *opaque, const char *line), void *opaque)
{
	char text[LOG_END + 1];
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
