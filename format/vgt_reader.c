/* SPDX-License-Identifier: MIT */
#include "vgt_reader.h"

#include "vgt_lfs.h"
#include "vgt_record_check.h"
#include "vgt_ring.h"
#include "vgt_scan.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define READER_INPUT (128u << 10)
/* How often a running recording may overtake the reading of its ring before that is an error.
 */
#define READER_RETRIES 1000

struct vgt_reader {
	int fd;
	bool seekable;
	/* bytes read from the file and not yet used: input[input_at..input_end) */
	uint8_t *input;
	size_t input_at, input_end;
	uint64_t file_pos;  /* of input[input_at] */
	uint64_t frame_pos; /* of the zstd frame being read, or read last */
	bool eof;

	ZSTD_DCtx *dctx;
	uint8_t *chunk; /* the records of the current chunk, or of the ring */
	size_t chunk_capacity;
	size_t at, end; /* what of it is left */
	bool from_ring;

	bool opened; /* the first chunk has been seen */
	bool ended;
	bool failed;
	struct vgt_err error;
	enum vgt_reader_end how;
	uint64_t torn;
	uint64_t trace_id;
	uint16_t minor;
	char ring_path[VGT_RING_PATH_MAX];

	struct vgt_position position; /* of the next record */
	struct vgt_position whole;    /* end of the last whole chunk */
	struct vgt_index index;       /* of the chunks known, from the first on */
	bool index_whole;             /* it came from the tail: these are all */
	uint64_t no_tail;             /* size of the file when it had no good tail */
	bool gap;                     /* chunks between those and the position are not known */
	uint64_t search_work;         /* done by vgt_reader_resync() since the last move */
};

/* Input */

/* Has at least `wanted` bytes in the buffer if the file has them; returns how many there are.
 */
static size_t reader_fill(struct vgt_reader *reader, size_t wanted, struct vgt_err *err)
{
	if (reader->input_end - reader->input_at >= wanted) {
		return wanted;
	}
	memmove(reader->input, reader->input + reader->input_at,
		reader->input_end - reader->input_at);
	reader->input_end -= reader->input_at;
	reader->input_at = 0;
	while (reader->input_end < wanted && !reader->eof) {
		ssize_t got = read(reader->fd, reader->input + reader->input_end,
			READER_INPUT - reader->input_end);
		if (got < 0) {
			if (errno == EINTR) {
				continue;
			}
			vgt_err_system(err, errno, "cannot read the trace");
			reader->failed = true;
			break;
		}
		reader->eof = got == 0;
		reader->input_end += (size_t)got;
	}
	size_t there = reader->input_end - reader->input_at;
	return there < wanted ? there : wanted;
}

static void reader_consume(struct vgt_reader *reader, size_t size)
{
	reader->input_at += size;
	reader->file_pos += size;
}

static bool move_input(struct vgt_reader *reader, uint64_t file_pos, struct vgt_err *err)
{
	if (lseek(reader->fd, (off_t)file_pos, SEEK_SET) < 0) {
		return vgt_err_system(err, errno, "cannot move in the trace");
	}
	reader->input_at = reader->input_end = 0;
	reader->file_pos = file_pos;
	reader->eof = false;
	return true;
}

static uint32_t peek_u32(const struct vgt_reader *reader, size_t at)
{
	uint32_t value;
	memcpy(&value, reader->input + reader->input_at + at, sizeof(value));
	return value;
}

/* Chunks */

enum frame {
	FRAME_CHUNK,
	FRAME_TAIL,
	FRAME_EOF, /* the file ends here, perhaps within a frame */
	FRAME_ERROR,
};

static enum frame frame_error(struct vgt_err *err, uint64_t offset, const char *message)
{
	vgt_err_set(err, VGT_ERR_MALFORMED, offset, "%s", message);
	return FRAME_ERROR;
}

/* Decompresses the frame that begins at the input into reader->chunk. */
static enum frame read_zstd_frame(struct vgt_reader *reader, struct vgt_err *err)
{
	uint64_t begin = reader->file_pos;
	size_t there = reader_fill(reader, VGT_SCAN_HEADER_MAX, err);
	if (reader->failed) {
		return FRAME_ERROR;
	}
	struct vgt_scan_header header;
	const bool good =
		vgt_scan_header_decode(&header, reader->input + reader->input_at, there);
	if (!good && there < VGT_SCAN_HEADER_MAX) {
		return FRAME_EOF;
	}
	if (!good || header.content_size == VGT_SCAN_NONE) {
		return frame_error(err, begin, "chunk does not say its size");
	}
	if (!header.has_checksum) {
		return frame_error(err, begin, "chunk has no checksum");
	}
	const uint64_t size = header.content_size;
	if (size > VGT_CHUNK_MAX) {
		vgt_err_set(err, VGT_ERR_LIMIT, begin,
			"chunk of %" PRIu64 " bytes exceeds the limit of %u", size,
			VGT_CHUNK_MAX);
		return FRAME_ERROR;
	}
	if (size > reader->chunk_capacity) {
		free(reader->chunk);
		reader->chunk_capacity = 0;
		reader->chunk = malloc(size);
		if (!reader->chunk) {
			vgt_err_system(
				err, ENOMEM, "cannot hold a chunk of %" PRIu64 " bytes", size);
			return FRAME_ERROR;
		}
		reader->chunk_capacity = size;
	}
	ZSTD_DCtx_reset(reader->dctx, ZSTD_reset_session_only);
	ZSTD_outBuffer out = {reader->chunk, size, 0};
	for (;;) {
		if (reader_fill(reader, 1, err) == 0) {
			return reader->failed ? FRAME_ERROR : FRAME_EOF;
		}
		ZSTD_inBuffer in = {reader->input + reader->input_at,
			reader->input_end - reader->input_at, 0};
		size_t left = ZSTD_decompressStream(reader->dctx, &out, &in);
		reader_consume(reader, in.pos);
		if (ZSTD_isError(left)) {
			vgt_err_set(err, VGT_ERR_MALFORMED, begin, "chunk is damaged: %s",
				ZSTD_getErrorName(left));
			return FRAME_ERROR;
		}
		if (left == 0) {
			break;
		}
	}
	reader->at = 0;
	reader->end = out.pos;
	return FRAME_CHUNK;
}

static uint64_t input_size(const struct vgt_reader *reader)
{
	struct stat status;
	return fstat(reader->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* A tail behind a gap in what is known: it had been tried and was no good. */
static enum frame read_unknown_tail(struct vgt_reader *reader, struct vgt_err *err)
{
	const uint64_t begin = reader->file_pos, size = input_size(reader);
	return size < begin + vgt_index_size(reader->position.sequence)
		       ? FRAME_EOF
		       : frame_error(err, begin, "tail is damaged");
}

/*
 * The tail says again what the chunks said: it must be, byte by byte, what a writer would put
 * behind them.
 */
static enum frame read_tail(struct vgt_reader *reader, struct vgt_err *err)
{
	const uint64_t begin = reader->file_pos;
	if (reader->gap) {
		return read_unknown_tail(reader, err);
	}
	if (reader->index.count != reader->position.sequence) {
		return frame_error(err, begin, "tail where a chunk was expected");
	}
	reader->index.totals = (struct vgt_index_header){
		.stream_size = reader->position.stream_pos,
		.records = reader->position.records,
		.commands = reader->position.commands,
		.frames = reader->position.frames,
	};
	size_t size;
	uint8_t *expected = vgt_index_encode(&reader->index, reader->trace_id, begin, &size);
	if (!expected) {
		vgt_err_system(err, ENOMEM, "cannot check the tail");
		return FRAME_ERROR;
	}
	enum frame frame = FRAME_TAIL;
	for (size_t done = 0; done < size && frame == FRAME_TAIL;) {
		size_t part = size - done < READER_INPUT ? size - done : READER_INPUT;
		size_t there = reader_fill(reader, part, err);
		if (reader->failed) {
			frame = FRAME_ERROR;
		} else if (memcmp(reader->input + reader->input_at, expected + done, there) !=
			   0) {
			frame = frame_error(err, begin, "tail does not match the chunks");
		} else if (there < part) {
			frame = FRAME_EOF;
		}
		reader_consume(reader, there);
		done += there;
	}
	free(expected);
	if (frame == FRAME_TAIL && reader_fill(reader, 1, err)) {
		frame = frame_error(err, reader->file_pos, "data behind the tail");
	}
	return reader->failed ? FRAME_ERROR : frame;
}

/* The chunk that begins at frame_pos against what is known of it, or added to that. */
static bool index_chunk(
	struct vgt_reader *reader, const struct vgt_chunk *chunk, struct vgt_err *err)
{
	const uint64_t begin = reader->frame_pos;
	const struct vgt_index_entry entry = {begin, chunk->stream_pos, chunk->first_record,
		chunk->first_command, chunk->first_frame};
	if (chunk->sequence >= VGT_CHUNKS_MAX) {
		return vgt_err_set(err, VGT_ERR_LIMIT, begin, "trace has more than %u chunks",
			VGT_CHUNKS_MAX);
	}
	if (chunk->sequence < reader->index.count) {
		return memcmp(&reader->index.entries[chunk->sequence], &entry, sizeof(entry)) ==
			       0 ||
		       vgt_err_set(err, VGT_ERR_MALFORMED, begin,
			       "chunk %" PRIu64 " is not where the index has it",
			       chunk->sequence);
	}
	if (reader->index_whole) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, begin,
			"chunk %" PRIu64 " is not in the index", chunk->sequence);
	}
	return reader->gap || vgt_index_add(&reader->index, &entry) ||
	       vgt_err_system(err, ENOMEM, "cannot index the trace");
}

static bool open_chunk(struct vgt_reader *reader, struct vgt_err *err)
{
	const uint64_t begin = reader->frame_pos;
	struct vgt_record_header header;
	struct vgt_chunk chunk;
	if (reader->end <= sizeof(header) + sizeof(chunk)) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, begin,
			reader->opened ? "chunk is empty" : "not a vgt trace");
	}
	memcpy(&header, reader->chunk, sizeof(header));
	memcpy(&chunk, reader->chunk + sizeof(header), sizeof(chunk));
	if (header.type != VGT_RECORD_CHUNK || header.flags || header.time_ns ||
		header.size != sizeof(header) + sizeof(chunk) ||
		memcmp(chunk.magic, VGT_CHUNK_MAGIC, sizeof(chunk.magic)) != 0) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, begin,
			reader->opened ? "chunk has no CHUNK record" : "not a vgt trace");
	}
	if (chunk.major != VGT_TRACE_MAJOR) {
		return vgt_err_set(err, VGT_ERR_VERSION, begin,
			"trace is of version %u.%u, this reader knows %u", chunk.major,
			chunk.minor, VGT_TRACE_MAJOR);
	}
	if (!reader->opened) {
		reader->trace_id = chunk.trace_id;
		reader->minor = chunk.minor;
		reader->opened = true;
	}
	const struct vgt_position *here = &reader->position;
	if (chunk.reserved || chunk.minor != reader->minor ||
		chunk.trace_id != reader->trace_id) {
		return vgt_err_set(
			err, VGT_ERR_MALFORMED, begin, "chunk belongs to another trace");
	}
	if (chunk.sequence != here->sequence || chunk.stream_pos != here->stream_pos ||
		chunk.first_record != here->records || chunk.first_command != here->commands ||
		chunk.first_frame != here->frames) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, begin,
			"chunk %" PRIu64 " where chunk %" PRIu64 " was expected",
			chunk.sequence, here->sequence);
	}
	if (!index_chunk(reader, &chunk, err)) {
		return false;
	}
	reader->at = sizeof(header) + sizeof(chunk);
	reader->position.sequence++;
	return true;
}

static bool is_lfs_pointer(struct vgt_reader *reader)
{
	const size_t there = reader_fill(reader, VGT_LFS_SIZE, NULL);

	return vgt_lfs_is_pointer(reader->input + reader->input_at, there);
}

static enum frame read_frame(struct vgt_reader *reader, struct vgt_err *err)
{
	const uint64_t begin = reader->file_pos;
	reader->frame_pos = begin;
	size_t there = reader_fill(reader, 4, err);
	if (reader->failed) {
		return FRAME_ERROR;
	}
	if (there < 4) {
		return FRAME_EOF;
	}
	uint32_t magic = peek_u32(reader, 0);
	if (magic == ZSTD_MAGICNUMBER) {
		enum frame frame = read_zstd_frame(reader, err);
		if (frame == FRAME_CHUNK && !open_chunk(reader, err)) {
			return FRAME_ERROR;
		}
		return frame;
	}
	if (magic == VGT_SKIPPABLE_INDEX && reader->opened) {
		return read_tail(reader, err);
	}
	if (!reader->opened && is_lfs_pointer(reader)) {
		return frame_error(err, begin, VGT_LFS_MESSAGE);
	}
	return frame_error(err, begin,
		reader->opened ? "neither a chunk nor the tail" : "not a vgt trace");
}

/* The ring */

/* Whether the file has more than what has been read. */
static bool has_grown(const struct vgt_reader *reader)
{
	return reader->eof && input_size(reader) != reader->file_pos;
}

/* Whether the file's lock is held: it is being recorded into, or recovered. */
static bool is_locked(const struct vgt_reader *reader)
{
	char path[32];
	/* opened anew, for a lock belongs to what was opened: the descriptor may be another's
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", reader->fd);
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return false;
	}
	const bool locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

/*
 * There is no ring that this process can see: only the file's lock tells whether the recording
 * still runs. False: it has ended meanwhile, and the file has more now.
 */
static bool ask_lock(struct vgt_reader *reader)
{
	if (!reader->seekable) {
		return true;
	}
	if (is_locked(reader)) {
		reader->how = VGT_END_RECORDING;
		return true;
	}
	return !has_grown(reader);
}

/*
 * Makes what the ring has behind the file's end current, if there is a ring. False: the
 * recording went on meanwhile and the file has more now.
 */
static bool merge_ring(struct vgt_reader *reader)
{
	struct vgt_ring_snapshot snapshot;
	struct vgt_err ring_err;
	reader->how = VGT_END_CUT;
	if (!reader->ring_path[0]) {
		return ask_lock(reader);
	}
	if (!vgt_ring_snapshot_read(&snapshot, reader->ring_path, reader->trace_id,
		    reader->position.stream_pos, &ring_err)) {
		/* gone with the end of the recording, which wrote to the file before that; else
		   long gone, or another machine's: the trace is cut */
		return ring_err.code == VGT_ERR_BUSY ? !reader->seekable : ask_lock(reader);
	}
	if (!snapshot.in_use && reader->seekable && has_grown(reader)) {
		/* it had been opened before the recording ended */
		vgt_ring_snapshot_finish(&snapshot);
		return false;
	}
	reader->how = snapshot.in_use ? VGT_END_RECORDING : VGT_END_RING;
	if (snapshot.size) {
		free(reader->chunk);
		reader->chunk = snapshot.records;
		reader->chunk_capacity = snapshot.size;
		reader->at = 0;
		reader->end = snapshot.size;
		reader->from_ring = true;
	}
	return true;
}

/* Goes back to the end of the last whole chunk and forgets what was read behind it. */
static bool reread(struct vgt_reader *reader, struct vgt_err *err)
{
	if (!move_input(reader, reader->whole.file_pos, err)) {
		return false;
	}
	reader->torn = 0;
	usleep(1000);
	return true;
}

/* What is known of the chunks */

static bool read_at(
	const struct vgt_reader *reader, void *bytes, size_t size, uint64_t file_pos)
{
	return vgt_scan_read(reader->fd, bytes, size, file_pos) == size;
}

/* Whether the tail is that of the trace and agrees with the chunks seen so far. */
static bool is_our_tail(const struct vgt_reader *reader, const struct vgt_index *tail)
{
	const struct vgt_index *seen = &reader->index;
	return (!reader->opened || tail->totals.trace_id == reader->trace_id) &&
	       tail->count >= seen->count &&
	       (!seen->count || memcmp(tail->entries, seen->entries,
					seen->count * sizeof(*seen->entries)) == 0);
}

/*
 * Takes the index from a good tail, and whose trace it is where no chunk has said so; false:
 * there is no such tail. Looks at it once only, for it may be large; but a file that has grown
 * may have got one.
 */
static bool load_tail(struct vgt_reader *reader)
{
	struct vgt_index index = {.count = 0};
	uint8_t footer[VGT_INDEX_FOOTER];
	const uint64_t end = input_size(reader);
	if (reader->index_whole) {
		return true;
	}
	if (!reader->seekable || end == reader->no_tail || end < sizeof(footer) ||
		!read_at(reader, footer, sizeof(footer), end - sizeof(footer))) {
		return false;
	}
	const uint64_t size = vgt_index_find(footer, end);
	uint8_t *tail = size ? malloc(size) : NULL;
	const bool good = tail && read_at(reader, tail, size, end - size) &&
			  vgt_index_decode(&index, tail, size, end - size, NULL) &&
			  is_our_tail(reader, &index);
	free(tail);
	if (good) {
		vgt_index_finish(&reader->index);
		reader->index = index;
		reader->index_whole = true;
		reader->trace_id = index.totals.trace_id;
	} else {
		vgt_index_finish(&index);
		reader->no_tail = end;
	}
	return good;
}

/* Whether the header of the chunk is what can follow the chunks known, of which the last has so
 * many bytes of records. */
static bool chunk_follows(
	const struct vgt_reader *reader, const struct vgt_chunk *chunk, uint64_t stream_size)
{
	static const struct vgt_index_entry start;
	const size_t count = reader->index.count;
	const struct vgt_index_entry *last = count ? &reader->index.entries[count - 1] : &start;
	return chunk->major == VGT_TRACE_MAJOR && chunk->minor == reader->minor &&
	       chunk->trace_id == reader->trace_id && chunk->sequence == count &&
	       chunk->stream_pos == last->stream_pos + stream_size &&
	       chunk->first_record - last->first_record <=
		       stream_size / sizeof(struct vgt_record_header) &&
	       chunk->first_command >= last->first_command &&
	       chunk->first_frame >= last->first_frame &&
	       chunk->first_command - last->first_command +
			       (chunk->first_frame - last->first_frame) <=
		       chunk->first_record - last->first_record;
}

/* Adds to the index what follows the chunks known, as far as chunks follow; returns where they
 * end in the file, or VGT_SCAN_NONE: no memory. */
static uint64_t scan_chunks(struct vgt_reader *reader)
{
	struct vgt_scan scan;
	struct vgt_scan_header header;
	struct vgt_chunk chunk;
	uint64_t at = 0, stream_size = 0;
	size_t known = reader->index.count;
	if (known) {
		at = reader->index.entries[--known].file_pos;
	}
	vgt_scan_init(&scan, reader->fd, reader->dctx);
	for (; known < VGT_CHUNKS_MAX; known++) {
		if (!vgt_scan_chunk(&scan, at, &chunk, &header)) {
			break;
		}
		const uint64_t end = vgt_scan_end(&scan, at, &header);
		const bool is_new = known == reader->index.count;
		if (!end || (is_new && !chunk_follows(reader, &chunk, stream_size))) {
			break;
		}
		const struct vgt_index_entry entry = {at, chunk.stream_pos, chunk.first_record,
			chunk.first_command, chunk.first_frame};
		if (is_new && !vgt_index_add(&reader->index, &entry)) {
			return VGT_SCAN_NONE;
		}
		stream_size = header.content_size - sizeof(struct vgt_record_header) -
			      sizeof(struct vgt_chunk);
		at = end;
	}
	return at;
}

/* Fills the index from the tail or, without one, from the chunks. */
static bool know_chunks(struct vgt_reader *reader, struct vgt_err *err)
{
	if (load_tail(reader)) {
		return true;
	}
	const uint64_t end = scan_chunks(reader);
	if (end == VGT_SCAN_NONE) {
		return vgt_err_system(err, ENOMEM, "cannot index the trace");
	}
	if (!reader->index.count) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, 0,
			"first chunk is damaged and no tail says where the others lie");
	}
	uint32_t magic;
	if (!read_at(reader, &magic, sizeof(magic), end) || magic == ZSTD_MAGICNUMBER) {
		return true; /* the end, or what is seen when it is read */
	}
	if (magic != VGT_SKIPPABLE_INDEX) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, end, "neither a chunk nor the tail");
	}
	return input_size(reader) - end < vgt_index_size(reader->index.count) ||
	       vgt_err_set(
		       err, VGT_ERR_MALFORMED, end, "tail is damaged, or something follows it");
}

/* Makes the next chunk's records current. */
static enum vgt_read reader_advance(struct vgt_reader *reader, struct vgt_err *err)
{
	if (reader->from_ring) {
		reader->ended = true;
		return VGT_READ_END;
	}
	for (unsigned tries = 0; tries < READER_RETRIES; tries++) {
		switch (read_frame(reader, err)) {
		case FRAME_ERROR:
			return VGT_READ_ERROR;
		case FRAME_CHUNK:
			return VGT_READ_RECORD;
		case FRAME_TAIL:
			reader->how = VGT_END_TAIL;
			reader->ended = true;
			return VGT_READ_END;
		case FRAME_EOF:
			break;
		}
		reader_consume(reader, reader->input_end - reader->input_at);
		reader->torn = reader->file_pos - reader->whole.file_pos;
		if (!reader->opened) {
			vgt_err_set(err, VGT_ERR_TRUNCATED, reader->file_pos, "%s",
				reader->file_pos ? "ends within its first chunk" : "is empty");
			return VGT_READ_ERROR;
		}
		if (merge_ring(reader)) {
			if (reader->how == VGT_END_CUT && reader->torn && load_tail(reader)) {
				vgt_err_set(err, VGT_ERR_MALFORMED, reader->frame_pos,
					"chunk is damaged: it has no end");
				return VGT_READ_ERROR;
			}
			reader->ended = !reader->from_ring;
			return reader->ended ? VGT_READ_END : VGT_READ_RECORD;
		}
		if (!reread(reader, err)) {
			return VGT_READ_ERROR;
		}
	}
	vgt_err_set(err, VGT_ERR_BUSY, reader->file_pos,
		"the recording runs faster than it is read");
	return VGT_READ_ERROR;
}

/* Records */

/* Remembers the ring from the META record that names it. */
static void note_meta(struct vgt_reader *reader, const char *at, size_t size)
{
	const char *end = at + size;
	const char *text;
	while ((text = vgt_meta_next(&at, end))) {
		const char *path = vgt_meta_value(text, VGT_META_RING_PATH);
		size_t length = path ? strlen(path) : 0;
		if (length && length < sizeof(reader->ring_path)) {
			memcpy(reader->ring_path, path, length + 1);
		}
	}
}

static bool take_record(
	struct vgt_reader *reader, struct vgt_record *record, struct vgt_err *err)
{
	uint64_t where = reader->from_ring ? VGT_NO_OFFSET : reader->frame_pos;
	uint64_t number = reader->position.records;
	struct vgt_record_header header;
	size_t left = reader->end - reader->at;
	uint64_t span = 0;
	if (left >= sizeof(header)) {
		memcpy(&header, reader->chunk + reader->at, sizeof(header));
		span = vgt_record_span(header.size);
	}
	if (left < sizeof(header) || header.size < sizeof(header) ||
		header.size > VGT_RECORD_MAX || span > left ||
		header.type == VGT_RECORD_CHUNK) {
		return vgt_err_set(err, VGT_ERR_MALFORMED, where,
			"record %" PRIu64 " has an illegal size or type", number);
	}
	const uint8_t *payload = reader->chunk + reader->at + sizeof(header);
	const uint8_t *padding = reader->chunk + reader->at + header.size;
	size_t size = header.size - sizeof(header);
	struct vgt_err shape;
	if (!vgt_record_check(header.type, payload, size, &shape)) {
		return vgt_err_set(err, shape.code, where,
			"record %" PRIu64 " (before @%" PRIu64 "): %.160s", number,
			reader->position.commands, shape.message);
	}
	for (; padding < reader->chunk + reader->at + span; padding++) {
		if (*padding) {
			return vgt_err_set(err, VGT_ERR_MALFORMED, where,
				"record %" PRIu64 " has padding that is not zero", number);
		}
	}
	*record = (struct vgt_record){
		.type = header.type,
		.flags = header.flags,
		.size = (uint32_t)size,
		.time_ns = header.time_ns,
		.payload = payload,
		.number = number,
		.command = reader->position.commands,
		.frame = reader->position.frames,
	};
	if (header.type == VGT_RECORD_META) {
		note_meta(reader, (const char *)payload, size);
	}
	reader->at += span;
	reader->position.stream_pos += span;
	vgt_position_count(&reader->position, header.type);
	return true;
}

enum vgt_read vgt_reader_next(
	struct vgt_reader *reader, struct vgt_record *record, struct vgt_err *err)
{
	struct vgt_err local;
	if (!reader->failed && !reader->ended && reader->at == reader->end) {
		enum vgt_read next = reader_advance(reader, &local);
		if (next == VGT_READ_ERROR) {
			reader->failed = true;
			reader->error = local;
		}
	}
	if (reader->ended) {
		return VGT_READ_END;
	}
	if (!reader->failed) {
		if (take_record(reader, record, &local)) {
			if (reader->at == reader->end && !reader->from_ring) {
				reader->whole = reader->position;
				reader->whole.file_pos = reader->file_pos;
			}
			return VGT_READ_RECORD;
		}
		reader->failed = true;
		reader->error = local;
	}
	if (err) {
		*err = reader->error;
	}
	return VGT_READ_ERROR;
}

/* Moving */

/* Forgets what is current; the next frame is read from `position`. */
static bool move_to(
	struct vgt_reader *reader, struct vgt_position position, struct vgt_err *err)
{
	if (!move_input(reader, position.file_pos, err)) {
		return false;
	}
	reader->at = reader->end = 0;
	reader->from_ring = false;
	reader->ended = false;
	reader->failed = false;
	reader->how = VGT_END_TAIL;
	reader->torn = 0;
	reader->search_work = 0;
	reader->position = position;
	reader->whole = position;
	return true;
}

static bool move_to_chunk(struct vgt_reader *reader, size_t number, struct vgt_err *err)
{
	const struct vgt_index_entry *entry = &reader->index.entries[number];
	reader->gap = false;
	return move_to(reader,
		(struct vgt_position){entry->file_pos, number, entry->stream_pos,
			entry->first_record, entry->first_command, entry->first_frame},
		err);
}

/* The chunk which the first record of the frame or the command is in, or begins behind. */
static size_t find_chunk(const struct vgt_index *index, uint64_t frame, uint64_t command)
{
	size_t low = 0, high = index->count;
	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;
		const struct vgt_index_entry *entry = &index->entries[middle];
		if (entry->first_frame < frame && entry->first_command < command) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool no_such(uint64_t frame, uint64_t command, uint64_t frames, uint64_t commands,
	struct vgt_err *err)
{
	char asked[64];
	if (frame == VGT_SEEK_NONE) {
		snprintf(asked, sizeof(asked), "command @%" PRIu64, command);
	} else if (command == VGT_SEEK_NONE) {
		snprintf(asked, sizeof(asked), "frame %" PRIu64, frame);
	} else {
		snprintf(asked, sizeof(asked), "frame %" PRIu64 " and no command @%" PRIu64,
			frame, command);
	}
	return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
		"there is no %s: the trace has %" PRIu64 " frames and %" PRIu64 " commands",
		asked, frames, commands);
}

/* Reads on up to the record. */
static bool skip_to(
	struct vgt_reader *reader, uint64_t frame, uint64_t command, struct vgt_err *err)
{
	while (reader->position.frames < frame && reader->position.commands < command) {
		struct vgt_record record;
		switch (vgt_reader_next(reader, &record, err)) {
		case VGT_READ_RECORD:
			break;
		case VGT_READ_END:
			return no_such(frame, command, reader->position.frames,
				reader->position.commands, err);
		case VGT_READ_ERROR:
			return false;
		}
	}
	return true;
}

/* Whether the trace is known to have nothing that belongs to either. */
static bool lies_beyond(const struct vgt_reader *reader, uint64_t frame, uint64_t command)
{
	return reader->index_whole && frame > reader->index.totals.frames &&
	       command > reader->index.totals.commands;
}

bool vgt_reader_seek(
	struct vgt_reader *reader, uint64_t frame, uint64_t command, struct vgt_err *err)
{
	if (!reader->seekable) {
		const bool passed = reader->position.records > 0 &&
				    (reader->position.frames >= frame ||
					    reader->position.commands >= command);
		return passed ? vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
					"cannot go back in a pipe")
			      : skip_to(reader, frame, command, err);
	}
	struct vgt_record record;
	if (!reader->opened) {
		/* who it is, and where its ring lies */
		if (vgt_reader_next(reader, &record, err) != VGT_READ_RECORD ||
			!move_to_chunk(reader, 0, err)) {
			return false;
		}
	}
	if (!know_chunks(reader, err)) {
		return false;
	}
	if (lies_beyond(reader, frame, command)) {
		return no_such(frame, command, reader->index.totals.frames,
			reader->index.totals.commands, err);
	}
	return move_to_chunk(reader, find_chunk(&reader->index, frame, command), err) &&
	       skip_to(reader, frame, command, err);
}

/* So many bytes of work are done in the searches from one move to the next, beside that of
 * looking through the file once: far more than chance ever makes of a file, and a second or
 * two. */
#define SEARCH_WORK (UINT64_C(256) << 20)

/* Whether a chunk with this header may come behind the damage. */
static bool may_come_later(const struct vgt_reader *reader, const struct vgt_chunk *chunk)
{
	const struct vgt_position *here = &reader->position;
	const bool is_named = reader->opened || reader->index_whole;
	return (!is_named || chunk->trace_id == reader->trace_id) &&
	       (!reader->opened || chunk->minor == reader->minor) &&
	       chunk->major == VGT_TRACE_MAJOR && !chunk->reserved &&
	       chunk->sequence >= here->sequence && chunk->sequence < VGT_CHUNKS_MAX &&
	       chunk->stream_pos >= here->stream_pos && chunk->stream_pos % 8 == 0 &&
	       chunk->first_record >= here->records &&
	       chunk->first_record <= chunk->stream_pos / sizeof(struct vgt_record_header) &&
	       chunk->first_command >= here->commands && chunk->first_frame >= here->frames &&
	       chunk->first_command <= chunk->first_record &&
	       chunk->first_frame <= chunk->first_record - chunk->first_command;
}

/* Makes this chunk current. False: it is not good all through, or not what the tail has of it;
 * the reader is in between then. */
static bool read_found(
	struct vgt_reader *reader, uint64_t file_pos, const struct vgt_chunk *chunk)
{
	struct vgt_err ignored;
	reader->failed = false;
	reader->frame_pos = file_pos;
	if (!move_input(reader, file_pos, &ignored) ||
		read_zstd_frame(reader, &ignored) != FRAME_CHUNK) {
		return false;
	}
	reader->trace_id = chunk->trace_id;
	reader->minor = chunk->minor;
	reader->opened = true;
	reader->gap = !reader->index_whole && chunk->sequence != reader->index.count;
	reader->position = (struct vgt_position){file_pos, chunk->sequence, chunk->stream_pos,
		chunk->first_record, chunk->first_command, chunk->first_frame};
	reader->whole = reader->position;
	return open_chunk(reader, &ignored);
}

/* Makes the chunk at this place current, if there is one and it may come next; else the reader
 * stays as it is. */
static bool land_on(struct vgt_reader *reader, struct vgt_scan *scan, uint64_t file_pos)
{
	struct vgt_scan_header header;
	struct vgt_chunk chunk;
	if (!vgt_scan_chunk(scan, file_pos, &chunk, &header) ||
		!may_come_later(reader, &chunk)) {
		return false;
	}
	const uint64_t end = vgt_scan_end(scan, file_pos, &header);
	if (!end) {
		return false;
	}
	const uint64_t frame_pos = reader->frame_pos;
	const struct vgt_position position = reader->position, whole = reader->whole;
	const bool opened = reader->opened, gap = reader->gap, failed = reader->failed;
	if (read_found(reader, file_pos, &chunk)) {
		return true;
	}
	/* blocks may be empty: what was read has nothing to do with what it yields */
	scan->work += end - file_pos + header.content_size;
	reader->frame_pos = frame_pos;
	reader->position = position;
	reader->whole = whole;
	reader->opened = opened;
	reader->gap = gap;
	reader->failed = failed;
	return false;
}

/* Looks for the next good chunk from frame_pos on and makes it current. */
static bool find_good_chunk(struct vgt_reader *reader, struct vgt_err *err)
{
	const uint64_t begin = reader->frame_pos;
	const uint64_t limit = SEARCH_WORK + 2 * input_size(reader);
	struct vgt_scan scan;
	vgt_scan_init(&scan, reader->fd, reader->dctx);
	scan.work = reader->search_work;
	load_tail(reader);
	uint64_t at = begin;
	bool found = false;
	while (!found && scan.work <= limit &&
		(at = vgt_scan_magic(&scan, at)) != VGT_SCAN_NONE) {
		found = land_on(reader, &scan, at);
		at++;
	}
	reader->search_work = scan.work;
	return found ||
	       vgt_err_set(err, VGT_ERR_MALFORMED, at == VGT_SCAN_NONE ? begin : at,
		       at == VGT_SCAN_NONE ? "no good chunk follows the damage"
					   : "too much here looks like a chunk and is none");
}

bool vgt_reader_resync(struct vgt_reader *reader, struct vgt_gap *gap, struct vgt_err *err)
{
	const bool damaged = reader->failed && !reader->from_ring &&
			     reader->error.code != VGT_ERR_SYSTEM &&
			     reader->error.code != VGT_ERR_BUSY;
	const bool torn = reader->ended && reader->how == VGT_END_CUT && reader->torn;
	if (!reader->seekable || (!damaged && !torn)) {
		return vgt_err_set(err, VGT_ERR_USAGE, VGT_NO_OFFSET,
			reader->seekable ? "there is no damage to go past"
					 : "cannot go past damage in a pipe");
	}
	*gap = (struct vgt_gap){.begin = reader->frame_pos, .before = reader->position};
	if (!find_good_chunk(reader, err)) {
		return false;
	}
	reader->ended = false;
	reader->how = VGT_END_TAIL;
	reader->torn = 0;
	gap->end = reader->frame_pos;
	gap->after = reader->whole;
	return true;
}

/* Opening and questions */

struct vgt_reader *vgt_reader_open_fd(int fd, struct vgt_err *err)
{
	struct stat status;
	struct vgt_reader *reader = NULL;
	if (fstat(fd, &status)) {
		vgt_err_system(err, errno, "cannot open the trace");
		goto error;
	}
	if (S_ISDIR(status.st_mode)) {
		vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "is a directory");
		goto error;
	}
	reader = calloc(1, sizeof(*reader));
	if (!reader) {
		vgt_err_system(err, ENOMEM, "cannot open the trace");
		goto error;
	}
	reader->fd = fd;
	reader->seekable = S_ISREG(status.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
	reader->input = malloc(READER_INPUT);
	reader->dctx = ZSTD_createDCtx();
	if (!reader->input || !reader->dctx) {
		vgt_err_system(err, ENOMEM, "cannot open the trace");
		vgt_reader_close(reader);
		return NULL;
	}
	return reader;
error:
	close(fd);
	return NULL;
}

struct vgt_reader *vgt_reader_open(const char *path, struct vgt_err *err)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		vgt_err_system(err, errno, "cannot open the trace");
		return NULL;
	}
	return vgt_reader_open_fd(fd, err);
}

void vgt_reader_close(struct vgt_reader *reader)
{
	if (reader) {
		close(reader->fd);
		ZSTD_freeDCtx(reader->dctx);
		free(reader->input);
		free(reader->chunk);
		vgt_index_finish(&reader->index);
		free(reader);
	}
}

enum vgt_reader_end vgt_reader_end(const struct vgt_reader *reader)
{
	return reader->how;
}

uint64_t vgt_reader_trace_id(const struct vgt_reader *reader)
{
	return reader->trace_id;
}

uint16_t vgt_reader_minor(const struct vgt_reader *reader)
{
	return reader->minor;
}

const char *vgt_reader_ring_path(const struct vgt_reader *reader)
{
	return reader->ring_path;
}

struct vgt_position vgt_reader_passed(const struct vgt_reader *reader)
{
	return reader->position;
}

bool vgt_reader_totals(struct vgt_reader *reader, uint64_t *commands, uint64_t *frames)
{
	if (!load_tail(reader)) {
		return false;
	}
	*commands = reader->index.totals.commands;
	*frames = reader->index.totals.frames;
	return true;
}

uint64_t vgt_reader_file_size(const struct vgt_reader *reader)
{
	return reader->seekable ? input_size(reader) : 0;
}

struct vgt_position vgt_reader_whole(const struct vgt_reader *reader)
{
	return reader->whole;
}

const struct vgt_index *vgt_reader_chunks(const struct vgt_reader *reader)
{
	return &reader->index;
}

const void *vgt_reader_ring_records(const struct vgt_reader *reader, uint64_t *size)
{
	*size = reader->from_ring ? reader->at : 0;
	return reader->from_ring ? reader->chunk : NULL;
}

uint64_t vgt_reader_torn(const struct vgt_reader *reader)
{
	return reader->torn;
}
