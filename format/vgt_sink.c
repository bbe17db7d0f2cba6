/* SPDX-License-Identifier: MIT */
#include "vgt_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

bool vgt_sink_init(
	struct vgt_sink *sink, int fd, uint64_t trace_id, int level, struct vgt_err *err)
{
	*sink = (struct vgt_sink){.fd = fd, .trace_id = trace_id, .minor = VGT_TRACE_MINOR};
	sink->cctx = ZSTD_createCCtx();
	/* room for the usual chunk, so that it reaches the file in one write */
	sink->out_capacity = ZSTD_compressBound(2 * VGT_CHUNK_TARGET);
	sink->out = malloc(sink->out_capacity);
	if (!sink->cctx || !sink->out) {
		vgt_sink_finish(sink);
		return vgt_err_set(
			err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory for the compressor");
	}
	ZSTD_CCtx_setParameter(sink->cctx, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(sink->cctx, ZSTD_c_checksumFlag, 1);
	return true;
}

void vgt_sink_finish(struct vgt_sink *sink)
{
	ZSTD_freeCCtx(sink->cctx);
	free(sink->out);
	vgt_index_finish(&sink->index);
	*sink = (struct vgt_sink){.fd = -1};
}

uint64_t vgt_sink_cut(const void *records, uint64_t size)
{
	const uint8_t *bytes = records;
	uint64_t end = 0;
	while (end < size && end < VGT_CHUNK_TARGET) {
		struct vgt_record_header header;
		memcpy(&header, bytes + end, sizeof(header));
		end += vgt_record_span(header.size);
	}
	return end;
}

static bool sink_write(
	struct vgt_sink *sink, const void *bytes, size_t size, struct vgt_err *err)
{
	const uint8_t *at = bytes;
	while (size) {
		ssize_t written = pwrite(sink->fd, at, size, (off_t)sink->at.file_pos);
		if (written < 0) {
			if (errno == EINTR) {
				continue;
			}
			return vgt_err_system(err, errno, "cannot write the trace");
		}
		at += written;
		size -= (size_t)written;
		sink->at.file_pos += (uint64_t)written;
	}
	return true;
}

/* Bytes at most of a closing chunk and the tail behind so many chunks. */
static uint64_t tail_size(uint64_t chunks)
{
	return 1024 + vgt_index_size(chunks);
}

/* Whether the file may grow by so many bytes and still take the tail. */
static bool sink_has_room(const struct vgt_sink *sink, size_t size, struct vgt_err *err)
{
	if (sink->max_size &&
		sink->at.file_pos + size + tail_size(sink->index.count + 2) > sink->max_size) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"the trace has reached its size limit of %" PRIu64 " bytes",
			sink->max_size);
	}
	return true;
}

static bool sink_compress(struct vgt_sink *sink, const void *bytes, size_t size,
	ZSTD_EndDirective how, struct vgt_err *err)
{
	ZSTD_inBuffer in = {bytes, size, 0};
	size_t left;
	do {
		ZSTD_outBuffer out = {sink->out, sink->out_capacity, sink->out_used};
		left = ZSTD_compressStream2(sink->cctx, &out, &in, how);
		if (ZSTD_isError(left)) {
			return vgt_err_set(err, VGT_ERR_SYSTEM, VGT_NO_OFFSET,
				"cannot compress: %s", ZSTD_getErrorName(left));
		}
		sink->out_used = out.pos;
		if (out.pos == out.size || how == ZSTD_e_end) {
			sink->out_used = 0;
			if (!sink_has_room(sink, out.pos, err) ||
				!sink_write(sink, sink->out, out.pos, err)) {
				return false;
			}
		}
	} while (how == ZSTD_e_continue ? in.pos < in.size : left > 0);
	return true;
}

void vgt_sink_abandon(struct vgt_sink *sink)
{
	sink->at = sink->chunk;
	sink->chunk_left = 0;
	sink->out_used = 0;
	/* what a failed write left behind would be a damaged chunk; nothing more can be done
	   where even this fails */
	int ignored = ftruncate(sink->fd, (off_t)sink->at.file_pos);
	(void)ignored;
}

bool vgt_sink_begin(struct vgt_sink *sink, uint64_t size, struct vgt_err *err)
{
	sink->chunk = sink->at;
	sink->chunk_left = size;
	/* the last one is kept for the end, or there could be none */
	if (sink->index.count >= VGT_CHUNKS_MAX - (sink->closing ? 0 : 1)) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"the trace has reached its limit of %u chunks", VGT_CHUNKS_MAX);
	}
	struct {
		struct vgt_record_header header;
		struct vgt_chunk chunk;
	} open = {
		.header = {.size = sizeof(open), .type = VGT_RECORD_CHUNK},
		.chunk = {.magic = VGT_CHUNK_MAGIC,
			.major = VGT_TRACE_MAJOR,
			.minor = sink->minor,
			.trace_id = sink->trace_id,
			.sequence = sink->at.sequence,
			.stream_pos = sink->at.stream_pos,
			.first_record = sink->at.records,
			.first_command = sink->at.commands,
			.first_frame = sink->at.frames},
	};
	_Static_assert(sizeof(open) % 8 == 0, "a record ends on 8 bytes");
	ZSTD_CCtx_reset(sink->cctx, ZSTD_reset_session_only);
	ZSTD_CCtx_setPledgedSrcSize(sink->cctx, sizeof(open) + size);
	/* in a block of its own, so that it is had without decompressing the chunk */
	if (!sink_compress(sink, &open, sizeof(open), ZSTD_e_flush, err)) {
		vgt_sink_abandon(sink);
		return false;
	}
	return true;
}

static bool sink_end(struct vgt_sink *sink, struct vgt_err *err)
{
	const struct vgt_position *chunk = &sink->chunk;
	struct vgt_index_entry entry = {chunk->file_pos, chunk->stream_pos, chunk->records,
		chunk->commands, chunk->frames};
	if (!vgt_index_add(&sink->index, &entry)) {
		vgt_sink_abandon(sink);
		return vgt_err_set(
			err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory for the index");
	}
	sink->at.sequence++;
	return true;
}

bool vgt_sink_feed(struct vgt_sink *sink, const void *bytes, uint64_t size, struct vgt_err *err)
{
	sink->chunk_left -= size;
	sink->at.stream_pos += size;
	bool last = sink->chunk_left == 0;
	if (!sink_compress(sink, bytes, size, last ? ZSTD_e_end : ZSTD_e_continue, err)) {
		vgt_sink_abandon(sink);
		return false;
	}
	return !last || sink_end(sink, err);
}

bool vgt_sink_write(
	struct vgt_sink *sink, const void *records, uint64_t size, struct vgt_err *err)
{
	const uint8_t *bytes = records;
	while (size) {
		uint64_t part = vgt_sink_cut(bytes, size);
		if (!vgt_sink_begin(sink, part, err)) {
			return false;
		}
		for (uint64_t at = 0; at < part;) {
			struct vgt_record_header header;
			memcpy(&header, bytes + at, sizeof(header));
			vgt_position_count(&sink->at, header.type);
			at += vgt_record_span(header.size);
		}
		if (!vgt_sink_feed(sink, bytes, part, err)) {
			return false;
		}
		bytes += part;
		size -= part;
	}
	return true;
}

bool vgt_sink_tail(struct vgt_sink *sink, struct vgt_err *err)
{
	sink->index.totals = (struct vgt_index_header){
		.stream_size = sink->at.stream_pos,
		.records = sink->at.records,
		.commands = sink->at.commands,
		.frames = sink->at.frames,
	};
	sink->chunk = sink->at;
	size_t size;
	uint8_t *tail =
		vgt_index_encode(&sink->index, sink->trace_id, sink->at.file_pos, &size);
	if (!tail) {
		return vgt_err_set(
			err, VGT_ERR_SYSTEM, VGT_NO_OFFSET, "no memory for the index");
	}
	bool written = sink_write(sink, tail, size, err);
	free(tail);
	if (!written) {
		vgt_sink_abandon(sink);
	}
	return written;
}

bool vgt_sink_close(
	struct vgt_sink *sink, const void *records, uint64_t size, struct vgt_err *err)
{
	const struct vgt_position end = sink->at;
	const size_t chunks = sink->index.count;
	sink->closing = true;
	bool good = vgt_sink_write(sink, records, size, err) && vgt_sink_tail(sink, err);
	sink->closing = false;
	if (!good) {
		sink->index.count = chunks;
		sink->chunk = end;
		vgt_sink_abandon(sink);
	}
	return good;
}
