/* SPDX-License-Identifier: MIT */
#ifndef VGT_DESC_H
#define VGT_DESC_H

#include "vgt_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A protocol as data: a description is a list of parts, a part a list of fields, and one walker
 * reads them all. Virgl commands (virgl_desc.h), virtio-gpu control commands and the trace's
 * own records (vgt_record_desc.h) and capsets (virgl_caps.h) are described so.
 *
 * Positions are never written down: they follow from the widths before. Numbers are
 * little-endian and lie in dwords of 32 bits, a field of fewer bits from the lowest free bit
 * on; no field straddles a dword, and one of more bits begins with a dword.
 *
 * Descriptions are constant data; any number of threads may walk them.
 */

enum vgt_field_type {
	VGT_FIELD_UINT = 0,
	VGT_FIELD_SLOT, /* first of the slots that the repeated part behind sets, `max` in all;
			   where that sets none, only `below` says which are legal */
	VGT_FIELD_INT,  /* two's complement of the field's width */
	VGT_FIELD_HEX,  /* a number that people read in hexadecimal */
	VGT_FIELD_BOOL, /* 0 or anything else */
	VGT_FIELD_FLOAT,
	VGT_FIELD_DOUBLE,
	VGT_FIELD_ENUM,
	VGT_FIELD_FLAGS,
	VGT_FIELD_FORMAT, /* enum virgl_formats */
	VGT_FIELD_HANDLE,
	VGT_FIELD_WORD,        /* integer or float, as something outside the command says */
	VGT_FIELD_PAD,         /* nobody reads it */
	VGT_FIELD_ZERO,        /* reserved: must be 0 */
	VGT_FIELD_STRING,      /* text, ended by a NUL or by its size */
	VGT_FIELD_WORDS,       /* dwords of the meaning of WORD, as many as there are */
	VGT_FIELD_BYTES,       /* of unknown meaning */
	VGT_FIELD_FORMAT_MASK, /* one bit for each of enum virgl_formats */
};

/* What a handle names. The first are enum virgl_object_type, of one namespace. */
enum vgt_handle_kind {
	VGT_HANDLE_NOTHING = 0,
	VGT_HANDLE_BLEND,
	VGT_HANDLE_RASTERIZER,
	VGT_HANDLE_DSA,
	VGT_HANDLE_SHADER,
	VGT_HANDLE_VERTEX_ELEMENTS,
	VGT_HANDLE_SAMPLER_VIEW,
	VGT_HANDLE_SAMPLER_STATE,
	VGT_HANDLE_SURFACE,
	VGT_HANDLE_QUERY,
	VGT_HANDLE_STREAMOUT_TARGET,
	VGT_HANDLE_OBJECT = 16, /* any of these */
	VGT_HANDLE_RESOURCE,
	VGT_HANDLE_CONTEXT,
	VGT_HANDLE_SUB_CONTEXT,
	VGT_HANDLE_SCANOUT,
	VGT_HANDLE_BLOB,
	VGT_HANDLE_VIDEO_CODEC,
	VGT_HANDLE_VIDEO_BUFFER,
};

/* What a command does with what a handle names; a combination of these. */
#define VGT_USE_DEFINE  (1u << 0)
#define VGT_USE_READ    (1u << 1)
#define VGT_USE_WRITE   (1u << 2)
#define VGT_USE_DESTROY (1u << 3)
#define VGT_USE_OR_NONE (1u << 4) /* 0 is legal and names nothing */

/* Of two hosts, which one can more by this limit. */
enum vgt_better {
	VGT_BETTER_NEITHER = 0, /* not a limit */
	VGT_BETTER_MORE,        /* or more bits of it */
	VGT_BETTER_LESS,
};

/* A value of an enumeration or the bits of a flag. A list ends with a NULL name. */
struct vgt_name {
	const char *name;
	uint32_t value;
};

struct vgt_field {
	const char *name; /* NULL ends a list */
	uint8_t type;     /* enum vgt_field_type */
	uint8_t handle;   /* HANDLE: enum vgt_handle_kind */
	uint8_t use;      /* HANDLE: VGT_USE_* */
	uint16_t bits;    /* of one; 0 in DATA parts, whose size only the command knows */
	uint16_t count;   /* so many in a row; 0 is 1 */
	uint16_t below; /* UINT, SLOT: the renderer refuses this and what is more; 0: nothing */
	bool strict;    /* ENUM, FLAGS: the renderer refuses what has no name */
	const struct vgt_name *names; /* ENUM and FLAGS */
	uint8_t better;               /* limits: enum vgt_better */
};

enum vgt_part_kind {
	VGT_PART_TIMES = 1,    /* `max` times */
	VGT_PART_IF,           /* once, where dword `count_at` is not 0 */
	VGT_PART_OPTIONAL,     /* once, where the command goes on */
	VGT_PART_COUNTED,      /* as often as dword `count_at` says */
	VGT_PART_REST,         /* to the end */
	VGT_PART_DATA,         /* one field of at least `min` dwords, to the end */
	VGT_PART_DATA_COUNTED, /* one field, as many bytes as dword `count_at` says */
};

struct vgt_part {
	uint8_t kind;     /* enum vgt_part_kind; 0 ends a list */
	uint8_t count_at; /* dword, counted as in the specification */
	uint16_t min; /* COUNTED and REST: how often it is legal; DATA and DATA_COUNTED: dwords
		       */
	uint16_t max; /* 0: as often as fits */
	const char *name; /* of what is repeated: "viewport" */
	const struct vgt_field *fields;
};

struct vgt_desc {
	const char *name; /* NULL where there is no description */
	const struct vgt_part *parts;
	uint8_t first; /* dword at which the parts begin: 1 behind the header of a virgl command
			*/
	uint8_t least; /* legal dwords, the header not counted, where parts would do with fewer
			*/
	bool growable; /* later versions are longer: may end behind any field */
};

/* For tables. Lists are ended by the macro. */
#define VGT_FIELDS(...) \
	(const struct vgt_field[]) \
	{ \
		__VA_ARGS__, \
		{ \
			0 \
		} \
	}
#define VGT_PARTS(...) \
	(const struct vgt_part[]) \
	{ \
		__VA_ARGS__, \
		{ \
			0 \
		} \
	}
#define VGT_ONCE(...) \
	{ \
		.kind = VGT_PART_TIMES, .max = 1, .fields = VGT_FIELDS(__VA_ARGS__) \
	}
#define VGT_TIMES(n, what, ...) \
	{ \
		.kind = VGT_PART_TIMES, .max = (n), .name = (what), \
		.fields = VGT_FIELDS(__VA_ARGS__) \
	}
#define VGT_IF(at, ...) \
	{ \
		.kind = VGT_PART_IF, .count_at = (at), .max = 1, \
		.fields = VGT_FIELDS(__VA_ARGS__) \
	}
#define VGT_OPTIONAL(...) \
	{ \
		.kind = VGT_PART_OPTIONAL, .max = 1, .fields = VGT_FIELDS(__VA_ARGS__) \
	}
#define VGT_COUNTED(at, most, what, ...) \
	{ \
		.kind = VGT_PART_COUNTED, .count_at = (at), .max = (most), .name = (what), \
		.fields = VGT_FIELDS(__VA_ARGS__) \
	}
#define VGT_REST(least, most, what, ...) \
	{ \
		.kind = VGT_PART_REST, .min = (least), .max = (most), .name = (what), \
		.fields = VGT_FIELDS(__VA_ARGS__) \
	}
#define VGT_DATA(least, field) \
	{ \
		.kind = VGT_PART_DATA, .min = (least), .fields = VGT_FIELDS(field) \
	}
#define VGT_DATA_COUNTED(at, least, field) \
	{ \
		.kind = VGT_PART_DATA_COUNTED, .count_at = (at), .min = (least), \
		.fields = VGT_FIELDS(field) \
	}
/* Bytes behind what is described, which nobody reads. */
#define VGT_IGNORED VGT_DATA(0, VGT_PADDING(0))

#define VGT_PADDING(width) \
	{ \
		.name = "padding", .type = VGT_FIELD_PAD, .bits = (width) \
	}

#define VGT_PARTS_MAX 5

/* Where the parts of one command lie: measured before any field is read. */
struct vgt_layout {
	const struct vgt_desc *desc;
	const uint32_t *dwords;
	size_t size; /* bytes that may be read */
	struct {
		uint32_t at;    /* first dword */
		uint32_t count; /* elements; of DATA: bytes */
	} part[VGT_PARTS_MAX];
};

/*
 * Measures `size` bytes at `dwords` (aligned to 4, header included where there is one) against
 * the description: every part must be there and nothing more. Whoever walks the layout then
 * cannot leave the bytes. False, code MALFORMED: the message says what is wrong, without an
 * address.
 */
bool vgt_desc_measure(const struct vgt_desc *desc, const uint32_t *dwords, size_t size,
	struct vgt_layout *layout, struct vgt_err *err);

/* One field of one element, as the walker hands it out. */
struct vgt_value {
	const struct vgt_part *part;
	const struct vgt_field *field;
	uint32_t element;  /* number within a repeated part */
	uint32_t index;    /* number within a row */
	uint32_t dword;    /* where it begins */
	uint32_t bit;      /* its lowest in that dword */
	uint64_t number;   /* the bits, not sign-extended; of types with a size: 0 */
	const void *bytes; /* of STRING, WORDS, BYTES, FORMAT_MASK, and of PAD in a DATA part;
			      else NULL */
	uint32_t size;     /* of those, bytes */
};

struct vgt_walk {
	const struct vgt_layout *layout; /* must live as long */
	/* private: */
	const struct vgt_part *part;
	const struct vgt_field *field;
	uint32_t element, index, dword, bit;
};

void vgt_walk_begin(struct vgt_walk *walk, const struct vgt_layout *layout);
/* The next field in the order in which they lie; false behind the last. */
bool vgt_walk_next(struct vgt_walk *walk, struct vgt_value *value);

/* Puts another number of the field's width in the place of the value's; of types with a size:
 * nothing. `dwords` begin where the walked layout's do. */
void vgt_value_store(const struct vgt_value *value, uint32_t *dwords, uint64_t number);

/* The name of an enumeration's value, NULL where it has none. */
const char *vgt_name_of(const struct vgt_name *names, uint32_t value);

/* "resource", "sampler view"; of a kind other than NOTHING. */
const char *vgt_handle_kind_name(enum vgt_handle_kind kind);

/* Dwords of one element of a part (0 for DATA parts), and of all fields if all were there. */
uint32_t vgt_part_dwords(const struct vgt_part *part);

/* The one legal length in dwords, header not counted; 0 where the parts leave a choice. */
uint32_t vgt_desc_only_length(const struct vgt_desc *desc);

/* Legal lengths in dwords, header not counted, as text: "12, 14 or 20", "1 + 6 each". */
void vgt_desc_lengths(const struct vgt_desc *desc, char *text, size_t size);

#endif
