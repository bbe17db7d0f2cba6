/* SPDX-License-Identifier: MIT */
#include "vgt_index.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A skippable frame: magic and size of the content, both uint32_t (RFC 8878, section 3.1.2). */
#define SKIPPABLE_HEADER 8u
/* The zstd seekable format: per frame its compressed and decompressed size, then the footer. */
#define SEEK_ENTRY  8u
#define SEEK_FOOTER 9u

bool vgt_index_add(struct vgt_index *index, const struct vgt_index_entry *entry)
{
	if (index->count == index->capacity) {
		size_t capacity = index->capacity ? index->capacity * 2 : 64;
		void *entries = realloc(index->entries, capacity * sizeof(*index->entries));
		if (!entries) {
			return false;
		}
		index->entries = entries;
		index->capacity = capacity;
	}
	index->entries[index->count++] = *entry;
	return true;
}

void vgt_index_finish(struct vgt_index *index)
{
	free(index->entries);
	*index = (struct vgt_index){0};
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

uint8_t *vgt_index_encode(
	const struct vgt_index *index, uint64_t trace_id, uint64_t file_pos, size_t *size)
{
	size_t entries = index->count * sizeof(*index->entries);
	size_t content = sizeof(index->totals) + entries + sizeof(XXH64_hash_t);
	/* the seek table lists the chunks and the index frame itself */
	size_t seek = (index->count + 1) * SEEK_ENTRY + SEEK_FOOTER;
	uint8_t *bytes = malloc(2 * SKIPPABLE_HEADER + content + seek);
	if (!bytes) {
		return NULL;
	}
	uint8_t *at = put_u32(put_u32(bytes, VGT_SKIPPABLE_INDEX), (uint32_t)content);
	const uint8_t *hashed = at;
	struct vgt_index_header header = index->totals;
	memcpy(header.magic, VGT_INDEX_MAGIC, sizeof(header.magic));
	header.trace_id = trace_id;
	header.chunks = index->count;
	memcpy(at, &header, sizeof(header));
	at += sizeof(header);
	if (entries) {
		memcpy(at, index->entries, entries);
	}
	at += entries;
	uint64_t hash = XXH64(hashed, (size_t)(at - hashed), 0);
	memcpy(at, &hash, sizeof(hash));
	at += sizeof(hash);

	at = put_u32(put_u32(at, VGT_SKIPPABLE_SEEK), (uint32_t)seek);
	for (size_t i = 0; i < index->count; i++) {
		const struct vgt_index_entry *entry = &index->entries[i];
		bool last = i + 1 == index->count;
		uint64_t end = last ? file_pos : entry[1].file_pos;
		uint64_t stream_end = last ? index->totals.stream_size : entry[1].stream_pos;
		uint64_t records = stream_end - entry->stream_pos;
		at = put_u32(at, (uint32_t)(end - entry->file_pos));
		at = put_u32(at, (uint32_t)(records + sizeof(struct vgt_record_header) +
					    sizeof(struct vgt_chunk)));
	}
	at = put_u32(put_u32(at, (uint32_t)(SKIPPABLE_HEADER + content)), 0);
	at = put_u32(at, (uint32_t)index->count + 1);
	*at++ = 0; /* descriptor: no checksums in the table, the frames carry them */
	at = put_u32(at, VGT_SEEK_MAGIC);
	*size = (size_t)(at - bytes);
	return bytes;
}
