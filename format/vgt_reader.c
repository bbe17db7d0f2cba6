/* SPDX-License-Identifier: MIT */
#include "vgt_reader.h"

#include "vgt_record_check.h"
#include "vgt_ring.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define READER_INPUT (128u << 10)
/* How often a running recording may overtake the reading of its ring before that is an error.
 */
#define READER_RETRIES 1000

#define ZSTD_FRAME_HEADER_MAX 18u
#define FRAME_HAS_CHECKSUM \
	0x04u /* in the descriptor byte behind the magic, RFC 8878, 3.1.1.1.1 */

struct vgt_reader {
	int fd;
	bool seekable;
	/* bytes read from the file and not yet used: input[input_at..input_end) */
	uint8_t *input;
	size_t input_at, input_end;
	uint64_t file_pos; /* of input[input_at] */
	bool eof;

	ZSTD_DCtx *dctx;
	uint8_t *chunk; /* the records of the current chunk, or of the ring */
	size_t chunk_capacity;
	size_t at, end; /* what of it is left */
	uint64_t chunk_file_pos;
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

	struct vgt_reader_position position; /* of the next record */
	struct vgt_reader_position whole;    /* end of the last whole chunk */
	struct vgt_index index;
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
	size_t there = reader_fill(reader, ZSTD_FRAME_HEADER_MAX, err);
	if (reader->failed) {
		return FRAME_ERROR;
	}
	const uint8_t *header = reader->input + reader->input_at;
	unsigned long long size = ZSTD_getFrameContentSize(header, there);
	if (size == ZSTD_CONTENTSIZE_ERROR && there < ZSTD_FRAME_HEADER_MAX) {
		return FRAME_EOF;
	}
	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
		return frame_error(err, begin, "chunk does not say its size");
	}
	if (!(header[4] & FRAME_HAS_CHECKSUM)) {
		return frame_error(err, begin, "chunk has no checksum");
	}
	if (size > VGT_CHUNK_MAX) {
		vgt_err_set(err, VGT_ERR_LIMIT, begin,
			"chunk of %llu bytes exceeds the limit of %u", size, VGT_CHUNK_MAX);
		return FRAME_ERROR;
	}
	if (size > reader->chunk_capacity) {
		free(reader->chunk);
		reader->chunk_capacity = 0;
		reader->chunk = malloc(size);
		if (!reader->chunk) {
			vgt_err_system(err, ENOMEM, "cannot hold a chunk of %llu bytes", size);
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
	reader->chunk_file_pos = begin;
	return FRAME_CHUNK;
}

/*
 * The tail says again what the chunks said: it must be, byte by byte, what a writer would put
 * behind them.
 */
static enum frame read_tail(struct vgt_reader *reader, struct vgt_err *err)
{
	uint64_t begin = reader->file_pos;
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

static bool open_chunk(struct vgt_reader *reader, struct vgt_err *err)
{
	uint64_t begin = reader->chunk_file_pos;
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
	const struct vgt_reader_position *here = &reader->position;
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
	struct vgt_index_entry entry = {begin, chunk.stream_pos, chunk.first_record,
		chunk.first_command, chunk.first_frame};
	if (reader->index.count >= VGT_CHUNKS_MAX) {
		return vgt_err_set(err, VGT_ERR_LIMIT, begin, "trace has more than %u chunks",
			VGT_CHUNKS_MAX);
	}
	if (!vgt_index_add(&reader->index, &entry)) {
		return vgt_err_system(err, ENOMEM, "cannot index the trace");
	}
	reader->at = sizeof(header) + sizeof(chunk);
	reader->position.sequence++;
	return true;
}

static enum frame read_frame(struct vgt_reader *reader, struct vgt_err *err)
{
	uint64_t begin = reader->file_pos;
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
	return frame_error(err, begin,
		reader->opened ? "neither a chunk nor the tail" : "not a vgt trace");
}

/* The ring */

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
		return true;
	}
	if (!vgt_ring_snapshot_read(&snapshot, reader->ring_path, reader->trace_id,
		    reader->position.stream_pos, &ring_err)) {
		/* gone with the end of the recording, which wrote to the file before that; else
		   long gone, or another machine's: the trace is cut */
		struct stat status;
		bool changed = ring_err.code == VGT_ERR_BUSY ||
			       (fstat(reader->fd, &status) == 0 &&
				       (uint64_t)status.st_size != reader->file_pos);
		return !changed || !reader->seekable;
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
	if (lseek(reader->fd, (off_t)reader->whole.file_pos, SEEK_SET) < 0) {
		return vgt_err_system(err, errno, "cannot read the trace again");
	}
	reader->input_at = reader->input_end = 0;
	reader->file_pos = reader->whole.file_pos;
	reader->eof = false;
	reader->torn = 0;
	usleep(1000);
	return true;
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
static void note_meta(struct vgt_reader *reader, const char *text, size_t size)
{
	static const char key[] = "ring.path=";
	const char *end = text + size;
	while (text < end) {
		size_t length = strnlen(text, (size_t)(end - text));
		if (length >= sizeof(key) && strncmp(text, key, sizeof(key) - 1) == 0 &&
			length - (sizeof(key) - 1) < sizeof(reader->ring_path)) {
			memcpy(reader->ring_path, text + sizeof(key) - 1,
				length - (sizeof(key) - 1) + 1);
		}
		text += length + 1;
	}
}

static bool take_record(
	struct vgt_reader *reader, struct vgt_record *record, struct vgt_err *err)
{
	uint64_t where = reader->from_ring ? VGT_NO_OFFSET : reader->chunk_file_pos;
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
	reader->position.records++;
	reader->position.commands += vgt_record_is_command(header.type);
	reader->position.frames += header.type == VGT_RECORD_FRAME;
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
	reader->seekable = S_ISREG(status.st_mode);
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

struct vgt_reader_position vgt_reader_passed(const struct vgt_reader *reader)
{
	return reader->position;
}

struct vgt_reader_position vgt_reader_whole(const struct vgt_reader *reader)
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
