/* SPDX-License-Identifier: MIT */
#ifndef VGT_SCAN_H
#define VGT_SCAN_H

#include "vgt_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Finds chunks in a file without decompressing them: the index of a trace that has no tail, and
 * what is intact behind damage. Only looks (pread), never moves the file's position. Nothing it
 * finds has been checked beyond what is said here. One thread per scan.
 */

struct vgt_scan {
	int fd;                   /* borrowed */
	struct ZSTD_DCtx_s *dctx; /* borrowed, and in any state afterwards */
	/*
	 * Bytes read and decompressed so far, and a charge for each chunk tried: who tries many
	 * places of a hostile file stops when this is too much.
	 */
	uint64_t work;
	/* private: what is known of the file, window[0..size) at byte `at` */
	uint64_t at;
	size_t size;
	uint8_t window[16384];
};

/*
 * A window onto a file must not outlive what a recording adds to it: begin a new scan then.
 * dctx may be NULL where only magics are looked for.
 */
void vgt_scan_init(struct vgt_scan *scan, int fd, struct ZSTD_DCtx_s *dctx);

#define VGT_SCAN_NONE UINT64_MAX

/* What a zstd frame header says. RFC 8878, section 3.1.1.1. */
struct vgt_scan_header {
	uint32_t size; /* of the frame header itself, magic included */
	bool has_checksum;
	uint64_t content_size; /* VGT_SCAN_NONE where it does not say */
};

/* No frame header is longer. */
#define VGT_SCAN_HEADER_MAX 18u

/* From the first bytes of a frame, as many as there are. False: they are no frame header, or
 * not all of it. */
bool vgt_scan_header_decode(struct vgt_scan_header *header, const uint8_t *bytes, size_t there);

/*
 * The CHUNK record of the chunk whose zstd frame begins at `file_pos`, decompressed no further
 * than that. False: there is none, or its frame has no checksum or too much in it. Its fields
 * are not checked, its record header and magic are.
 */
bool vgt_scan_chunk(struct vgt_scan *scan, uint64_t file_pos, struct vgt_chunk *chunk,
	struct vgt_scan_header *header);

/*
 * Where the frame whose header was found at `file_pos` ends, by the sizes of its blocks; 0
 * where it does not, within the file.
 */
uint64_t vgt_scan_end(
	struct vgt_scan *scan, uint64_t file_pos, const struct vgt_scan_header *header);

/* The next place at or behind `file_pos` where the magic of a zstd frame stands. */
uint64_t vgt_scan_magic(struct vgt_scan *scan, uint64_t file_pos);

/* Reads up to `size` bytes that stand at `file_pos`; returns how many there are, fewer at the
 * end of the file or where it cannot be read. */
size_t vgt_scan_read(int fd, void *bytes, size_t size, uint64_t file_pos);

#endif
