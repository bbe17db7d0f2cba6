/* SPDX-License-Identifier: MIT */
#ifndef VGT_ESCAPE_H
#define VGT_ESCAPE_H

#include <stdint.h>

/*
 * The escape ABI: what a guest's user-mode driver asks of the kernel-mode driver of a
 * virtio-gpu device. ESCAPE.md says in words what this file says in C: transports, rules,
 * limits, and who validates what.
 *
 * A request is one buffer, read and then overwritten by the driver: a structure of this file,
 * which opens with struct vgt_escape_header, and for some requests data behind it. Numbers are
 * little-endian, every field lies at a multiple of its size, nothing is a pointer, every
 * structure is a multiple of 8 bytes long without implicit padding: the layout is one for
 * 32-bit and 64-bit callers. Fields called `reserved` must be 0.
 *
 * (in) is what the caller fills in, (out) what the driver does. What is (out) counts only where
 * the status is VGT_ESCAPE_OK or the comment says so.
 */

#define VGT_ESCAPE_MAGIC   UINT32_C(0x45544756) /* the bytes "VGTE" */
#define VGT_ESCAPE_VERSION UINT16_C(1)

enum vgt_escape_request {
	VGT_ESCAPE_GET_VERSION = 1,         /* struct vgt_escape_get_version */
	VGT_ESCAPE_GET_CAPSET_INFO,         /* struct vgt_escape_get_capset_info */
	VGT_ESCAPE_GET_CAPSET,              /* struct vgt_escape_get_capset */
	VGT_ESCAPE_CTX_CREATE,              /* struct vgt_escape_ctx_create */
	VGT_ESCAPE_CTX_DESTROY,             /* struct vgt_escape_ctx_destroy */
	VGT_ESCAPE_CTX_ATTACH_RESOURCE,     /* struct vgt_escape_ctx_resource */
	VGT_ESCAPE_CTX_DETACH_RESOURCE,     /* struct vgt_escape_ctx_resource */
	VGT_ESCAPE_RESOURCE_CREATE_3D,      /* struct vgt_escape_resource_create_3d */
	VGT_ESCAPE_RESOURCE_DESTROY,        /* struct vgt_escape_resource */
	VGT_ESCAPE_RESOURCE_ATTACH_BACKING, /* struct vgt_escape_attach_backing */
	VGT_ESCAPE_RESOURCE_DETACH_BACKING, /* struct vgt_escape_resource */
	VGT_ESCAPE_RESOURCE_MAP,            /* struct vgt_escape_resource_map */
	VGT_ESCAPE_RESOURCE_UNMAP,          /* struct vgt_escape_resource */
	VGT_ESCAPE_RESOURCE_BUSY,           /* struct vgt_escape_resource_busy */
	VGT_ESCAPE_TRANSFER_TO_HOST_3D,     /* struct vgt_escape_transfer_3d */
	VGT_ESCAPE_TRANSFER_FROM_HOST_3D,   /* struct vgt_escape_transfer_3d */
	VGT_ESCAPE_SUBMIT_3D,               /* struct vgt_escape_submit_3d */
	VGT_ESCAPE_FENCE_QUERY,             /* struct vgt_escape_fence */
	VGT_ESCAPE_FENCE_WAIT,              /* struct vgt_escape_fence */
	VGT_ESCAPE_GET_STATISTICS,          /* struct vgt_escape_get_statistics */
	VGT_ESCAPE_MARK,                    /* struct vgt_escape_mark */
};

/* Every request is answered by one of these, in header.status. */
enum vgt_escape_status {
	VGT_ESCAPE_OK = 0,
	VGT_ESCAPE_PENDING,     /* the fence has not retired yet (query, wait of 0 ns) */
	VGT_ESCAPE_TIMED_OUT,   /* the fence did not retire in the time that was given */
	VGT_ESCAPE_BAD_REQUEST, /* magic, size, flags or reserved fields are wrong */
	VGT_ESCAPE_BAD_VERSION, /* header.version says which one the driver speaks */
	VGT_ESCAPE_UNKNOWN_REQUEST,
	VGT_ESCAPE_BUFFER_TOO_SMALL, /* for what would be written behind the structure */
	VGT_ESCAPE_BAD_ADDRESS,      /* the caller's memory cannot be read or written */
	VGT_ESCAPE_BAD_HANDLE,       /* never given to this client, or destroyed since */
	VGT_ESCAPE_BAD_PARAMETER,
	VGT_ESCAPE_BAD_STATE,    /* backing attached twice, mapped without backing, ... */
	VGT_ESCAPE_OVER_LIMIT,   /* of what one client may hold; see get_version */
	VGT_ESCAPE_NO_MEMORY,    /* of the guest */
	VGT_ESCAPE_BUSY,         /* the device's queue stayed full; nothing was sent */
	VGT_ESCAPE_HOST_ERROR,   /* the device refused: header.response says with what */
	VGT_ESCAPE_HOST_INVALID, /* the device answered what no device may answer */
	VGT_ESCAPE_DEVICE_LOST,  /* broken, hung or reset: open the driver anew */
	VGT_ESCAPE_UNSUPPORTED,  /* by this device, or a 2017 request that cannot be checked */
};

/* header.flags */
/*
 * The request is sent with VIRTIO_GPU_FLAG_FENCE and the call returns at once: header.fence is
 * its number, and FENCE_QUERY and FENCE_WAIT have the device's answer. Without it the call
 * returns with the device's answer. Legal for RESOURCE_CREATE_3D, TRANSFER_*_3D and SUBMIT_3D.
 */
#define VGT_ESCAPE_FLAG_FENCE (UINT32_C(1) << 0)

struct vgt_escape_header {
	uint32_t magic;    /* (in) VGT_ESCAPE_MAGIC */
	uint16_t version;  /* (in) VGT_ESCAPE_VERSION; (out) the driver's */
	uint16_t request;  /* (in) enum vgt_escape_request */
	uint32_t size;     /* (in) bytes of structure and data, all within the buffer */
	uint32_t flags;    /* (in) VGT_ESCAPE_FLAG_* */
	uint32_t status;   /* (out) enum vgt_escape_status; always */
	uint32_t response; /* (out) VIRTIO_GPU_RESP_* where the device answered, else 0; always
			    */
	/* (out) with FLAG_FENCE: the request's fence; the first fence of a client is 1, the
	   next 2, and they retire in this order. 0 where nothing was sent. */
	uint64_t fence;
};

/* get_version.features: what the device has agreed to */
#define VGT_ESCAPE_FEATURE_VIRGL         (UINT64_C(1) << 0)
#define VGT_ESCAPE_FEATURE_EDID          (UINT64_C(1) << 1)
#define VGT_ESCAPE_FEATURE_RESOURCE_BLOB (UINT64_C(1) << 2)
#define VGT_ESCAPE_FEATURE_CONTEXT_INIT  (UINT64_C(1) << 3)

/* Never refused for header.version, so that it can be asked for it. */
struct vgt_escape_get_version {
	struct vgt_escape_header header;
	uint64_t features;      /* (out) VGT_ESCAPE_FEATURE_* */
	uint32_t num_capsets;   /* (out) */
	uint32_t contexts_max;  /* (out) of one client at a time, as all that follow */
	uint32_t resources_max; /* (out) */
	uint32_t fences_max;    /* (out) fenced requests that the device has not answered */
	uint64_t backing_max;   /* (out) bytes of backing memory */
	uint32_t submit_max;    /* (out) bytes of commands in one submit */
	uint32_t submit_resources_max; /* (out) entries of one submit's resource list */
};

struct vgt_escape_get_capset_info {
	struct vgt_escape_header header;
	uint32_t capset_index;       /* (in) below num_capsets */
	uint32_t capset_id;          /* (out) VIRTIO_GPU_CAPSET_* */
	uint32_t capset_max_version; /* (out) */
	uint32_t capset_max_size;    /* (out) bytes */
};

/* The capset is written behind the structure, as far as header.size reaches: BUFFER_TOO_SMALL
 * where it is longer than that, with capset_size set and nothing written. */
struct vgt_escape_get_capset {
	struct vgt_escape_header header;
	uint32_t capset_id;      /* (in) */
	uint32_t capset_version; /* (in) */
	uint32_t capset_size;    /* (out) bytes */
	uint32_t reserved;
};

#define VGT_ESCAPE_NAME_MAX 64u

struct vgt_escape_ctx_create {
	struct vgt_escape_header header;
	uint32_t capset_id;             /* (in) 0: virgl; others need FEATURE_CONTEXT_INIT */
	uint32_t name_size;             /* (in) bytes of name, at most 64; no NUL is needed */
	char name[VGT_ESCAPE_NAME_MAX]; /* (in) for people who debug the host */
	uint32_t ctx;                   /* (out) handle */
	uint32_t reserved;
};

struct vgt_escape_ctx_destroy {
	struct vgt_escape_header header;
	uint32_t ctx; /* (in) */
	uint32_t reserved;
};

struct vgt_escape_ctx_resource {
	struct vgt_escape_header header;
	uint32_t ctx;      /* (in) */
	uint32_t resource; /* (in) */
};

/* Values are Gallium's and virgl's: struct virtio_gpu_resource_create_3d, virtio 1.2, 5.7.6.8.
 */
struct vgt_escape_resource_create_3d {
	struct vgt_escape_header header;
	uint32_t target;         /* (in) */
	uint32_t format;         /* (in) */
	uint32_t bind;           /* (in) */
	uint32_t width;          /* (in) */
	uint32_t height;         /* (in) */
	uint32_t depth;          /* (in) */
	uint32_t array_size;     /* (in) */
	uint32_t last_level;     /* (in) */
	uint32_t nr_samples;     /* (in) */
	uint32_t resource_flags; /* (in) VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP, VIRGL_RESOURCE_* */
	uint32_t resource;       /* (out) handle, for requests */
	uint32_t resource_id;    /* (out) the device's number, for virgl commands */
};

/* RESOURCE_DESTROY, RESOURCE_DETACH_BACKING, RESOURCE_UNMAP */
struct vgt_escape_resource {
	struct vgt_escape_header header;
	uint32_t resource; /* (in) */
	uint32_t reserved;
};

/* The driver allocates the memory, zeroed. A resource has one backing at a time. */
struct vgt_escape_attach_backing {
	struct vgt_escape_header header;
	uint32_t resource; /* (in) */
	uint32_t reserved;
	uint64_t size; /* (in) bytes, not 0 */
};

/* The resource's backing in the caller's address space, once at a time, until RESOURCE_UNMAP,
 * RESOURCE_DETACH_BACKING, RESOURCE_DESTROY or the end of the client. */
struct vgt_escape_resource_map {
	struct vgt_escape_header header;
	uint32_t resource; /* (in) */
	uint32_t reserved;
	uint64_t address; /* (out) in the caller; below 2^32 for a 32-bit caller */
	uint64_t size;    /* (out) bytes */
};

/* Whether a fenced request that names the resource has yet to retire. */
struct vgt_escape_resource_busy {
	struct vgt_escape_header header;
	uint32_t resource; /* (in) */
	uint32_t busy;     /* (out) 0 or 1 */
	uint64_t fence;    /* (out) the last fence that it was used by, 0: none */
};

/* struct virtio_gpu_transfer_host_3d. `offset` is where the box begins in the backing. */
struct vgt_escape_transfer_3d {
	struct vgt_escape_header header;
	uint32_t ctx;          /* (in) 0: none */
	uint32_t resource;     /* (in) */
	uint32_t x, y, z;      /* (in) */
	uint32_t w, h, d;      /* (in) */
	uint64_t offset;       /* (in) bytes, within the backing */
	uint32_t level;        /* (in) */
	uint32_t stride;       /* (in) bytes of a row, 0: as the level has it */
	uint32_t layer_stride; /* (in) bytes of a layer, 0: as the level has it */
	uint32_t reserved;
};

/*
 * Behind the structure: num_resources handles, padded to a multiple of 8 bytes, then
 * `commands_size` bytes of virgl commands, a multiple of 4. The list is what RESOURCE_BUSY goes
 * by, and each of it stays alive until the submit has been answered; the host itself checks
 * which resources the context may use.
 */
struct vgt_escape_submit_3d {
	struct vgt_escape_header header;
	uint32_t ctx;           /* (in) */
	uint32_t num_resources; /* (in) */
	uint32_t commands_size; /* (in) bytes, not 0 */
	uint32_t reserved;
};

/* FENCE_QUERY, FENCE_WAIT. PENDING or TIMED_OUT: `retired` and `failed` count, too. */
struct vgt_escape_fence {
	struct vgt_escape_header header; /* response: what the device said of that request */
	uint64_t wanted;                 /* (in) a fence that this client was given */
	uint64_t timeout_ns; /* (in) of FENCE_WAIT; at most VGT_ESCAPE_TIMEOUT_MAX */
	uint64_t retired; /* (out) the newest fence for which it and all before have retired */
	/* (out) how many fenced requests of this client the device has refused so far: what is
	   said about a fence is kept for the last 256 only, this is never forgotten */
	uint64_t failed;
};

#define VGT_ESCAPE_TIMEOUT_MAX (UINT64_C(60) * 1000 * 1000 * 1000) /* 60 s */
#define VGT_ESCAPE_FENCES_KEPT 256u

struct vgt_escape_get_statistics {
	struct vgt_escape_header header;
	/* (out) this client, now */
	uint32_t contexts;
	uint32_t resources;
	uint64_t backing_bytes;
	uint32_t mapped;    /* resources that are mapped */
	uint32_t in_flight; /* fenced requests that the device has not answered */
	/* (out) this client, since it was opened */
	uint64_t submits;
	uint64_t submit_bytes;
	uint64_t transfers;
	uint64_t host_errors; /* requests that the device refused, fenced ones included */
	uint64_t queue_waits; /* times that it waited for room in the device's queue */
	/* (out) the device, all clients, since the driver was loaded */
	uint64_t device_resets;
	uint64_t device_timeouts;
	uint64_t device_invalid; /* answers that no device may give */
};

#define VGT_ESCAPE_MARK_MAX 256u

/*
 * Behind the structure: text_size bytes of UTF-8 without NUL. The driver sends them to the
 * context as the virgl command SEND_STRING_MARKER, where a trace of the host has them.
 * UNSUPPORTED where the host's capset lacks VIRGL_CAP_STRING_MARKER.
 */
struct vgt_escape_mark {
	struct vgt_escape_header header;
	uint32_t ctx;       /* (in) */
	uint32_t text_size; /* (in) bytes, 1 to 256 */
};

#endif
