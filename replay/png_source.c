/* SPDX-License-Identifier: MIT */
#include "png_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (256u << 10)

bool png_source_init(struct png_source *source, FILE *file)
{
	*source = (struct png_source){.file = file, .bytes = malloc(BUFFER_SIZE)};
	return source->bytes != NULL;
}

void png_source_finish(struct png_source *source)
{
	free(source->bytes);
	if (source->file) {
		fclose(source->file);
	}
	*source = (struct png_source){0};
}

static void read_on(struct png_source *source)
{
	ssize_t got;

	do {
		got = read(fileno(source->file), source->bytes + source->end,
			BUFFER_SIZE - source->end);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		source->ended = true;
		source->error_number = got < 0 ? errno : 0;
		return;
	}
	source->end += (size_t)got;
	source->offset += (uint64_t)got;
}

size_t png_source_peek(struct png_source *source, size_t wanted, const uint8_t **bytes)
{
	while (source->end - source->begin < wanted && !source->ended) {
		memmove(source->bytes, source->bytes + source->begin,
			source->end - source->begin);
		source->end -= source->begin;
		source->begin = 0;
		read_on(source);
	}
	*bytes = source->bytes + source->begin;
	return source->end - source->begin;
}

void png_source_take(struct png_source *source, size_t count)
{
	source->begin += count;
}

static uint64_t taken(const struct png_source *source)
{
	return source->offset - (source->end - source->begin);
}

bool png_source_ended(const struct png_source *source, struct vgt_err *err)
{
	if (source->error_number) {
		return vgt_err_system(err, source->error_number, "cannot read");
	}
	if (source->offset == 0) {
		return vgt_err_set(
			err, VGT_ERR_TRUNCATED, VGT_NO_OFFSET, "empty file, not a PNG");
	}
	return vgt_err_set(err, VGT_ERR_TRUNCATED, source->offset,
		"truncated PNG, the file ends too early");
}

bool png_source_damaged(const struct png_source *source, struct vgt_err *err, const char *what)
{
	return vgt_err_set(err, VGT_ERR_MALFORMED, taken(source), "damaged PNG: %s", what);
}
