/* SPDX-License-Identifier: MIT */
#include "record_capset.h"

#include "capset_json.h"
#include "vgt_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define JSON_MAX (1u << 20) /* what dump prints has 20 KB */

/* Up to JSON_MAX + 1 bytes, ended by a NUL; NULL: they cannot be read. */
static char *read_beginning(const char *path, size_t *size, bool *is_file, struct vgt_err *err)
{
	struct stat status;
	FILE *file = fopen(path, "re");
	char *text = malloc(JSON_MAX + 2);
	bool good = file && text;
	if (good) {
		*size = fread(text, 1, JSON_MAX + 1, file);
		text[*size] = '\0';
		good = !ferror(file);
		*is_file = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
	}
	if (!good) {
		vgt_err_system(err, errno, "cannot read");
		free(text);
		text = NULL;
	}
	if (file) {
		fclose(file);
	}
	return text;
}

bool record_capset_read(struct vgt_capsets *capsets, const char *path, struct vgt_err *err)
{
	static const char zstd[4] = "\x28\xb5\x2f\xfd";
	size_t size = 0;
	bool is_file = false, good = false;
	char *text = read_beginning(path, &size, &is_file, err);
	if (!text) {
		return false;
	}
	if (size >= sizeof(zstd) && memcmp(text, zstd, sizeof(zstd)) == 0) {
		good = is_file ? vgt_capsets_read(capsets, path, err)
			       : vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
					 "a trace must be a file here");
	} else if (size > JSON_MAX) {
		vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"neither a trace nor capsets: it has more than %u bytes", JSON_MAX);
	} else {
		good = capset_json_read(capsets, text, size, err);
	}
	free(text);
	return good;
}

bool record_capset_write(const struct vgt_capsets *capsets, const char *path,
	const char *directory, struct vgt_err *err)
{
	const struct vgt_writer_options options = {.path = path, .ring_directory = directory};
	struct vgt_writer *writer = vgt_writer_create(&options, err);
	if (!writer) {
		return false;
	}
	for (size_t i = 0; i < VGT_CAPSETS_MAX; i++) {
		const struct vgt_capset_bytes *capset = &capsets->list[i];
		struct vgt_capset header = {.id = capset->id, .version = capset->version};
		const struct iovec parts[] = {
			{&header, sizeof(header)}, {capset->bytes, capset->size}};
		if (capset->size) {
			vgt_writer_put(writer, VGT_RECORD_CAPSET, 0, parts, 2);
		}
	}
	return vgt_writer_finish(writer, err);
}
