/* SPDX-License-Identifier: MIT */
#ifndef VGT_TRACE_H
#define VGT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The bytes of a trace: see FORMAT.md, which this file follows heading by heading. All
 * structures are little-endian and free of implicit padding.
 */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "traces are little-endian");

#define VGT_TRACE_MAJOR 1
#define VGT_TRACE_MINOR 1

/* Limits; a trace that exceeds one is malformed. */
#define VGT_RECORD_MAX   (64u << 20)  /* bytes of a record, header included */
#define VGT_MEM_MAX      (1u << 20)   /* guest memory in one MEM record; writers split */
#define VGT_SEGMENTS_MAX (1u << 20)   /* segments of a backing */
#define VGT_BAD_MAX      (4u << 10)   /* bytes kept of a command that is none */
#define VGT_CHUNK_TARGET (256u << 10) /* a writer ends a chunk when it holds so much */
#define VGT_CHUNKS_MAX   (1u << 20)
#define VGT_CHUNK_MAX    (VGT_RECORD_MAX + 2 * VGT_CHUNK_TARGET) /* content of a chunk */

struct vgt_record_header {
	uint32_t size;  /* header and payload; padding to 8 bytes is not counted */
	uint16_t type;  /* enum virtio_gpu_ctrl_type below 0x8000, else enum vgt_record_type */
	uint16_t flags; /* VGT_RECORD_* */
	uint64_t time_ns; /* CLOCK_MONOTONIC, from the start of the trace */
};

/* Bytes that a record of this size takes in the stream. */
static inline uint64_t vgt_record_span(uint32_t size)
{
	return ((uint64_t)size + 7) & ~UINT64_C(7);
}

/* A control command: its payload opens with struct virtio_gpu_ctrl_hdr. */
static inline bool vgt_record_is_command(uint16_t type)
{
	return type < 0x8000;
}

enum vgt_record_type {
	VGT_RECORD_CHUNK = 0x8000, /* struct vgt_chunk */
	VGT_RECORD_META,           /* "key=value" strings, each NUL-terminated */
	VGT_RECORD_CAPSET,         /* struct vgt_capset, then the capset's bytes */
	VGT_RECORD_MEM,            /* struct vgt_mem, then guest memory */
	VGT_RECORD_RESPONSE,       /* struct vgt_response */
	VGT_RECORD_FENCE,          /* struct vgt_fence */
	VGT_RECORD_FRAME,          /* struct vgt_frame */
	VGT_RECORD_MARK,           /* UTF-8 text, no NUL */
	VGT_RECORD_POLL,           /* struct vgt_poll */
	VGT_RECORD_SNAPSHOT,       /* reserved for the state of live objects */
	VGT_RECORD_RESET,          /* struct vgt_reset */
	VGT_RECORD_IOV,            /* struct vgt_iov, then uint32_t lengths[count] */
	VGT_RECORD_BAD_COMMAND,    /* struct vgt_bad_command, then its first bytes */
};

#define VGT_META_RING_PATH "ring.path" /* key of META: the ring of the recording */

/*
 * The string at *at of a META record's payload, which ends at `end`; *at moves behind it. NULL
 * at the end, or where no NUL ends the rest.
 */
static inline const char *vgt_meta_next(const char **at, const char *end)
{
	const char *text = *at;
	const char *nul =
		text < end ? (const char *)memchr(text, '\0', (size_t)(end - text)) : NULL;
	if (!nul) {
		return NULL;
	}
	*at = nul + 1;
	return text;
}

/* The value of such a string, NULL where it is of another key. */
static inline const char *vgt_meta_value(const char *text, const char *key)
{
	const size_t length = strlen(key);
	return strncmp(text, key, length) == 0 && text[length] == '=' ? text + length + 1
								      : NULL;
}

/* vgt_record_header.flags */
#define VGT_RECORD_OWN_IOV  (1u << 0) /* a transfer by the iovec of the IOV record before it */
#define VGT_RECORD_IMPORTED (1u << 1) /* a resource whose storage came from elsewhere */

#define VGT_CHUNK_MAGIC "VGTCHUNK"

struct vgt_chunk {
	char magic[8];
	uint16_t major;
	uint16_t minor;
	uint32_t reserved;
	uint64_t trace_id;      /* random; the ring and every chunk of a trace carry the same */
	uint64_t sequence;      /* of this chunk, from 0 */
	uint64_t stream_pos;    /* bytes of records before it in the trace, without CHUNKs */
	uint64_t first_record;  /* number of the record behind this one, without CHUNKs */
	uint64_t first_command; /* number that the next control command has */
	uint64_t first_frame;   /* number that the next FRAME has */
};

struct vgt_capset {
	uint32_t id;
	uint32_t version;
};

#define VGT_MEM_OWN_IOV (1u << 0) /* of the last IOV record's iovec, not of the backing */

struct vgt_mem {
	uint32_t resource_id;
	uint32_t flags;  /* VGT_MEM_* */
	uint64_t offset; /* bytes from the start of the backing or iovec */
};

/* How far a recorded response is bound to be seen again. */
enum vgt_response_class {
	VGT_RESPONSE_EXACT = 0,    /* on every host */
	VGT_RESPONSE_RENDERER = 1, /* where capset and renderer are the same */
	VGT_RESPONSE_TIME = 2,     /* never: timers, memory information */
	VGT_RESPONSE_REFUSED = 3,  /* by the device: the renderer never got the command */
};

struct vgt_response {
	uint64_t command; /* the control command that it answers */
	/* return value of the virglrenderer function; 0 is success. REFUSED: the type of the
	   device's response, VIRTIO_GPU_RESP_ERR_* */
	int32_t result;
	uint32_t class;  /* enum vgt_response_class */
	uint64_t digest; /* XXH64 with seed 0 of the bytes that the renderer wrote, or 0 */
	uint64_t size;   /* how many bytes that is, or 0 */
};

enum vgt_fence_event {
	VGT_FENCE_CREATED = 1, /* about to be created */
	VGT_FENCE_RETIRED = 2,
	VGT_FENCE_FAILED = 3, /* the creation just recorded returned `result` */
};

#define VGT_FENCE_GLOBAL  0 /* virgl_renderer_create_fence, the write_fence callback */
#define VGT_FENCE_CONTEXT 1 /* virgl_renderer_context_create_fence, write_context_fence */

struct vgt_fence {
	uint16_t event; /* enum vgt_fence_event */
	uint16_t scope; /* VGT_FENCE_GLOBAL or VGT_FENCE_CONTEXT */
	uint32_t ctx_id;
	uint32_t ring_idx;
	uint32_t flags; /* VIRGL_RENDERER_FENCE_FLAG_* */
	uint64_t fence_id;
	int32_t result;
	uint32_t reserved;
};

/* Which rule made a frame, weakest first; see FORMAT.md, "Frames". */
enum vgt_frame_rule {
	VGT_FRAME_AUTO = 0,     /* the strongest seen so far, of the last three */
	VGT_FRAME_SUBMIT = 1,   /* a submit that drew */
	VGT_FRAME_READBACK = 2, /* readback of a whole presentable resource */
	VGT_FRAME_FLUSH = 3,    /* RESOURCE_FLUSH of a scanned-out resource */
	VGT_FRAME_MARKER = 4,   /* string marker `vgt:frame` */
};

#define VGT_NO_SCANOUT       UINT32_MAX
#define VGT_NO_VIRGL_COMMAND UINT32_MAX

/* The picture is of resource_id as the control command before this record left it. */
struct vgt_frame {
	uint32_t rule;        /* enum vgt_frame_rule, not AUTO */
	uint32_t scanout_id;  /* or VGT_NO_SCANOUT */
	uint32_t resource_id; /* 0: nothing to look at */
	/* the frame ends behind this one of the submit, or with it: VGT_NO_VIRGL_COMMAND */
	uint32_t virgl_command;
	uint32_t x, y; /* rectangle of the resource, in texels, (0, 0) in its first row */
	uint32_t width, height;
};

struct vgt_poll {
	uint32_t ctx_id; /* 0: virgl_renderer_poll, else virgl_renderer_context_poll */
	uint32_t reserved;
};

enum vgt_reset_kind {
	VGT_RESET_DEVICE = 1,  /* virgl_renderer_reset */
	VGT_RESET_CLEANUP = 2, /* virgl_renderer_cleanup */
};

struct vgt_reset {
	uint32_t kind; /* enum vgt_reset_kind */
	uint32_t reserved;
};

struct vgt_iov {
	uint32_t count;
	uint32_t reserved;
};

/* What a guest sent in place of a command; the first VGT_BAD_MAX bytes at most follow. */
struct vgt_bad_command {
	uint64_t size; /* bytes that the guest sent in all */
};

/* The tail. Both parts are skippable frames of zstd. */

#define VGT_SKIPPABLE_INDEX 0x184d2a50u
#define VGT_SKIPPABLE_SEEK  0x184d2a5eu /* the zstd seekable format fixes this one */
#define VGT_SEEK_MAGIC      0x8f92eab1u

#define VGT_INDEX_MAGIC "VGTINDEX"

struct vgt_index_header {
	char magic[8];
	uint64_t trace_id;
	uint64_t chunks; /* entries that follow */
	uint64_t stream_size;
	uint64_t records;
	uint64_t commands;
	uint64_t frames;
};

/* then `chunks` times: */
struct vgt_index_entry {
	uint64_t file_pos; /* of the chunk's zstd frame */
	uint64_t stream_pos;
	uint64_t first_record;
	uint64_t first_command;
	uint64_t first_frame;
};
/* then XXH64 (seed 0) of all the bytes from the magic on */

#endif
