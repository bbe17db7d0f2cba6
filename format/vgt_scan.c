/* SPDX-License-Identifier: MIT */
#include "vgt_scan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

/* RFC 8878, section 3.1.1: frame header, then blocks of 3 bytes header each, then a checksum.
 */
#define BLOCK_HEADER 3u
#define CHECKSUM     4u

#define HAS_CHECKSUM   0x04u
#define SINGLE_SEGMENT 0x20u

/* What trying a place costs beside the bytes: the decompressor's buffers. */
#define CHARGE 4096u

void vgt_scan_init(struct vgt_scan *scan, int fd, struct ZSTD_DCtx_s *dctx)
{
	scan->fd = fd;
	scan->dctx = dctx;
	scan->work = 0;
	scan->at = 0;
	scan->size = 0;
}

size_t vgt_scan_read(int fd, void *bytes, size_t size, uint64_t file_pos)
{
	uint8_t *to = bytes;
	size_t done = 0;
	while (done < size && file_pos <= INT64_MAX - size) {
		ssize_t got = pread(fd, to + done, size - done, (off_t)(file_pos + done));
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			break;
		}
		done += (size_t)got;
	}
	return done;
}

static void load(struct vgt_scan *scan, uint64_t file_pos)
{
	scan->at = file_pos;
	scan->size = vgt_scan_read(scan->fd, scan->window, sizeof(scan->window), file_pos);
	scan->work += scan->size;
}

/* What stands at a place: at least `wanted` bytes, at most a window of them; fewer at the end.
 */
static const uint8_t *look(
	struct vgt_scan *scan, uint64_t file_pos, size_t wanted, size_t *there)
{
	if (file_pos < scan->at || file_pos - scan->at > scan->size ||
		scan->size - (file_pos - scan->at) < wanted) {
		load(scan, file_pos);
	}
	*there = scan->size - (size_t)(file_pos - scan->at);
	return scan->window + (file_pos - scan->at);
}

bool vgt_scan_header_decode(struct vgt_scan_header *header, const uint8_t *bytes, size_t there)
{
	static const uint8_t dictionary_sizes[] = {0, 1, 2, 4};
	static const uint8_t content_sizes[] = {0, 2, 4, 8};
	uint32_t magic;
	if (there < 5) {
		return false;
	}
	memcpy(&magic, bytes, sizeof(magic));
	const unsigned long long size = ZSTD_getFrameContentSize(bytes, there);
	if (magic != ZSTD_MAGICNUMBER || size == ZSTD_CONTENTSIZE_ERROR) {
		return false;
	}
	const bool single = bytes[4] & SINGLE_SEGMENT;
	const uint8_t content = content_sizes[bytes[4] >> 6];
	header->size =
		5u + !single + dictionary_sizes[bytes[4] & 3] + (content ? content : single);
	header->has_checksum = bytes[4] & HAS_CHECKSUM;
	header->content_size = size == ZSTD_CONTENTSIZE_UNKNOWN ? VGT_SCAN_NONE : size;
	return header->size <= there;
}

static bool read_header(
	struct vgt_scan *scan, uint64_t file_pos, struct vgt_scan_header *header)
{
	size_t there;
	const uint8_t *at = look(scan, file_pos, VGT_SCAN_HEADER_MAX, &there);
	return vgt_scan_header_decode(header, at, there) && header->has_checksum &&
	       header->content_size <= VGT_CHUNK_MAX;
}

struct opening {
	struct vgt_record_header header;
	struct vgt_chunk chunk;
};

/* Decompresses as much of the frame as holds the CHUNK record. */
static bool read_opening(struct vgt_scan *scan, uint64_t file_pos, struct opening *opening)
{
	ZSTD_outBuffer out = {opening, sizeof(*opening), 0};
	ZSTD_DCtx_reset(scan->dctx, ZSTD_reset_session_only);
	while (out.pos < out.size) {
		size_t there;
		const uint8_t *at = look(scan, file_pos, 1, &there);
		ZSTD_inBuffer in = {at, there, 0};
		size_t left = ZSTD_decompressStream(scan->dctx, &out, &in);
		/* most of what it produces stays inside: as much as its input at least */
		scan->work += in.pos;
		file_pos += in.pos;
		if (ZSTD_isError(left) || there == 0 || (left == 0 && out.pos < out.size)) {
			return false;
		}
	}
	return true;
}

bool vgt_scan_chunk(struct vgt_scan *scan, uint64_t file_pos, struct vgt_chunk *chunk,
	struct vgt_scan_header *header)
{
	struct opening opening;
	if (!read_header(scan, file_pos, header) || header->content_size <= sizeof(opening)) {
		return false;
	}
	scan->work += CHARGE;
	if (!read_opening(scan, file_pos, &opening)) {
		return false;
	}
	*chunk = opening.chunk;
	return opening.header.type == VGT_RECORD_CHUNK && !opening.header.flags &&
	       !opening.header.time_ns && opening.header.size == sizeof(opening) &&
	       memcmp(chunk->magic, VGT_CHUNK_MAGIC, sizeof(chunk->magic)) == 0;
}

uint64_t vgt_scan_end(
	struct vgt_scan *scan, uint64_t file_pos, const struct vgt_scan_header *header)
{
	uint64_t at = file_pos + header->size;
	for (bool last = false; !last;) {
		size_t there;
		const uint8_t *bytes = look(scan, at, BLOCK_HEADER, &there);
		if (there < BLOCK_HEADER) {
			return 0;
		}
		const uint32_t block =
			bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
		enum {
			RAW,
			RLE,
			COMPRESSED,
			RESERVED,
		} type = block >> 1 & 3;
		if (type == RESERVED) {
			return 0;
		}
		last = block & 1;
		at += BLOCK_HEADER + (type == RLE ? 1 : block >> 3);
	}
	size_t there;
	look(scan, at, CHECKSUM, &there);
	return there < CHECKSUM ? 0 : at + CHECKSUM;
}

uint64_t vgt_scan_magic(struct vgt_scan *scan, uint64_t file_pos)
{
	static const uint8_t magic[4] = {ZSTD_MAGICNUMBER & 0xff, ZSTD_MAGICNUMBER >> 8 & 0xff,
		ZSTD_MAGICNUMBER >> 16 & 0xff, ZSTD_MAGICNUMBER >> 24};
	for (;;) {
		size_t there;
		const uint8_t *at = look(scan, file_pos, sizeof(magic), &there);
		if (there < sizeof(magic)) {
			return VGT_SCAN_NONE;
		}
		const uint8_t *found = memmem(at, there, magic, sizeof(magic));
		if (found) {
			return file_pos + (uint64_t)(found - at);
		}
		/* it may begin with the last bytes */
		file_pos += there - (sizeof(magic) - 1);
	}
}
