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

#define CHUNK_OPENING (sizeof(struct vgt_record_header) + sizeof(struct vgt_chunk))

void vgt_position_count(struct vgt_position *position, uint16_t type)
{
	position->records++;
	position->commands += vgt_record_is_command(type);
	position->frames += type == VGT_RECORD_FRAME;
}

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
		at = put_u32(at, (uint32_t)(records + CHUNK_OPENING));
	}
	at = put_u32(put_u32(at, (uint32_t)(SKIPPABLE_HEADER + content)), 0);
	at = put_u32(at, (uint32_t)index->count + 1);
	*at++ = 0; /* descriptor: no checksums in the table, the frames carry them */
	at = put_u32(at, VGT_SEEK_MAGIC);
	*size = (size_t)(at - bytes);
	return bytes;
}

/* Bytes of the index frame and of the seek table behind so many chunks. */
static uint64_t index_frame_size(uint64_t chunks)
{
	return SKIPPABLE_HEADER + sizeof(struct vgt_index_header) +
	       chunks * sizeof(struct vgt_index_entry) + sizeof(XXH64_hash_t);
}

static uint64_t seek_table_size(uint64_t chunks)
{
	return SKIPPABLE_HEADER + (chunks + 1) * SEEK_ENTRY + SEEK_FOOTER;
}

uint64_t vgt_index_size(uint64_t chunks)
{
	return index_frame_size(chunks) + seek_table_size(chunks);
}

uint64_t vgt_index_find(const uint8_t footer[VGT_INDEX_FOOTER], uint64_t file_size)
{
	uint32_t frames, magic;
	memcpy(&frames, footer, sizeof(frames));
	memcpy(&magic, footer + 5, sizeof(magic));
	/* the table lists the index frame too, and there is at least one chunk */
	if (magic != VGT_SEEK_MAGIC || frames < 2 || frames - 1 > VGT_CHUNKS_MAX) {
		return 0;
	}
	const uint64_t size = vgt_index_size(frames - 1);
	return size < file_size ? size : 0;
}

/* Whether `later` can be the position where the chunk that begins at `entry` has ended. */
static bool follows(const struct vgt_index_entry *entry, const struct vgt_index_entry *later)
{
	const uint64_t stream = later->stream_pos - entry->stream_pos;
	const uint64_t records = later->first_record - entry->first_record;
	const uint64_t commands = later->first_command - entry->first_command;
	const uint64_t frames = later->first_frame - entry->first_frame;
	return later->file_pos > entry->file_pos && later->stream_pos > entry->stream_pos &&
	       stream % 8 == 0 && stream <= VGT_CHUNK_MAX - CHUNK_OPENING && records > 0 &&
	       records <= stream / sizeof(struct vgt_record_header) && commands <= records &&
	       frames <= records - commands;
}

static bool chunks_follow(const struct vgt_index *index, uint64_t file_pos)
{
	static const struct vgt_index_entry start;
	const struct vgt_index_entry end = {file_pos, index->totals.stream_size,
		index->totals.records, index->totals.commands, index->totals.frames};
	for (size_t i = 0; i < index->count; i++) {
		const bool last = i + 1 == index->count;
		if (!follows(&index->entries[i], last ? &end : &index->entries[i + 1])) {
			return false;
		}
	}
	return index->count && memcmp(&index->entries[0], &start, sizeof(start)) == 0;
}

static bool is_encoded_so(const struct vgt_index *index, const uint8_t *tail, size_t size,
	uint64_t file_pos, bool *no_memory)
{
	size_t expected_size;
	uint8_t *expected =
		vgt_index_encode(index, index->totals.trace_id, file_pos, &expected_size);
	*no_memory = !expected;
	const bool same =
		expected && expected_size == size && memcmp(expected, tail, size) == 0;
	free(expected);
	return same;
}

bool vgt_index_decode(struct vgt_index *index, const uint8_t *tail, size_t size,
	uint64_t file_pos, struct vgt_err *err)
{
	struct vgt_index decoded = {.count = 0};
	bool no_memory = false;
	if (size < vgt_index_size(1)) {
		goto damaged;
	}
	memcpy(&decoded.totals, tail + SKIPPABLE_HEADER, sizeof(decoded.totals));
	const uint64_t chunks = decoded.totals.chunks;
	if (chunks > VGT_CHUNKS_MAX || size != vgt_index_size(chunks)) {
		goto damaged;
	}
	decoded.entries = malloc(chunks * sizeof(*decoded.entries));
	if (!decoded.entries) {
		return vgt_err_set(
			err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory for the index");
	}
	decoded.count = decoded.capacity = chunks;
	memcpy(decoded.entries, tail + SKIPPABLE_HEADER + sizeof(decoded.totals),
		chunks * sizeof(*decoded.entries));
	/* magics, sizes, checksum and seek table all follow from the rest */
	if (!chunks_follow(&decoded, file_pos) ||
		!is_encoded_so(&decoded, tail, size, file_pos, &no_memory)) {
		goto damaged;
	}
	*index = decoded;
	return true;
damaged:
	vgt_index_finish(&decoded);
	return no_memory ? vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
				   "no memory for the index")
			 : vgt_err_set(err, VGT_ERR_MALFORMED, file_pos, "tail is damaged");
}
