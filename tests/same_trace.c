/* SPDX-License-Identifier: MIT */
/*
 * same_trace [--skip-queries] IN.vgt OUT.vgt: whether OUT, recorded while a driver issued the
 * commands of IN to a device, holds the same. Exit status 0 and lines with what was compared
 * and what was not; 1 with lines that name what differs by its addresses in IN and in OUT; 2
 * where a trace cannot be read.
 *
 * The same are:
 * - control commands, in their order, with all their fields, and resets between them; those of
 *   the cursor's queue in an order of their own, for a device may be faster with one queue;
 * - the virgl commands of a submit, dword by dword;
 * - numbers of resources and contexts up to a bijection: a creation pairs two, a destruction
 *   that succeeds parts them. What is not alive may be used as long as it is not alive in OUT;
 * - the length of a backing, not its addresses and segments;
 * - the guest memory that a command reads, wherever IN has some of it;
 * - fences: behind which command each is created, on which timeline, whether that fails; what
 *   has retired in IN has in OUT; in OUT fences retire in the order in which they were created;
 * - answers by their class: whether exact ones are success, what refused ones say, all of
 *   renderer-dependent ones where gl.renderer and the capsets are the same;
 * - frames: rule, resource, place and rectangle.
 *
 * Not compared are padding, times, polls, marks, META; of a command's header flags, fence_id
 * and ring_idx (FENCE records say it, also of recordings in which no command is flagged) and
 * ctx_id where the command has no context; numbers of fences and what a global fence has as
 * ctx_id (QEMU: the command's type); the id of a capset as long as it is virgl (0 to 2);
 * whether debug_name is followed by a NUL; resets before the first and behind the last command;
 * commands behind the end of IN that only take down what is there; with --skip-queries what a
 * driver asks for by itself: GET_DISPLAY_INFO, GET_CAPSET_INFO, GET_CAPSET and GET_EDID.
 */
#include "vgt_address.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "vgt_record_desc.h"
#include "vgt_tree.h"
#include "virgl_desc.h"
#include "virtio_gpu.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIFFERENCES_MAX 20

__attribute__((noreturn, format(printf, 1, 2))) static void trouble(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("same_trace: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

/* Room for one more of `size` bytes; arrays double. */
static void *grown(void *list, size_t count, size_t size)
{
	if ((count & (count - 1)) == 0) {
		list = realloc(list, (count ? count * 2 : 1) * size);
		if (!list) {
			trouble("no memory");
		}
	}
	return list;
}

/* Guest memory, or the IOV that describes it. */
struct memory {
	uint16_t type;
	struct vgt_mem mem;
	uint64_t size;        /* of an IOV: of all segments */
	const uint8_t *bytes; /* NULL of an IOV */
};

struct fence {
	struct vgt_fence created;
	uint64_t command;           /* the last one before it */
	bool failed, retired, late; /* late: behind one that was created later */
};

/* A control command or, between them, a reset or what is no command. */
struct step {
	uint16_t type, flags;
	uint64_t command;
	const void *payload;
	uint32_t size;
	struct vgt_response response[4]; /* by class */
	bool answered[4];
	size_t memory, fences, frames; /* how many had come before it */
	size_t steps;                  /* the same; of the cursor's commands */
};

struct trace {
	const char *path;
	struct step *steps;   /* and behind the last one of type 0 */
	struct step *cursors; /* the cursor queue's */
	struct memory *memory;
	struct fence *fences;
	struct vgt_frame *frames;
	size_t step_count, cursor_count, memory_count, fence_count, frame_count;
	char *renderer;
	uint8_t *capsets; /* all CAPSET records */
	size_t capsets_size;
	uint64_t queries, marks;
};

static void *kept(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	if (!copy) {
		trouble("no memory");
	}
	memcpy(copy, bytes, size);
	return copy;
}

static bool is_query(uint16_t type)
{
	return type == VIRTIO_GPU_CMD_GET_DISPLAY_INFO ||
	       type == VIRTIO_GPU_CMD_GET_CAPSET_INFO || type == VIRTIO_GPU_CMD_GET_CAPSET ||
	       type == VIRTIO_GPU_CMD_GET_EDID;
}

/* `record` NULL: the end. */
static void add_step(struct trace *trace, const struct vgt_record *record)
{
	trace->steps = grown(trace->steps, trace->step_count, sizeof(*trace->steps));
	struct step *step = &trace->steps[trace->step_count];
	*step = (struct step){.memory = trace->memory_count,
		.fences = trace->fence_count,
		.frames = trace->frame_count};
	if (record) {
		step->type = record->type;
		step->flags = record->flags;
		step->command = record->command;
		step->payload = kept(record->payload, record->size);
		step->size = record->size;
		trace->step_count++;
	}
}

static bool is_of_cursor(uint16_t type)
{
	return type == VIRTIO_GPU_CMD_UPDATE_CURSOR || type == VIRTIO_GPU_CMD_MOVE_CURSOR;
}

static void add_cursor(struct trace *trace, const struct vgt_record *record)
{
	trace->cursors = grown(trace->cursors, trace->cursor_count, sizeof(*trace->cursors));
	trace->cursors[trace->cursor_count++] = (struct step){.type = record->type,
		.command = record->command,
		.payload = kept(record->payload, record->size),
		.size = record->size,
		.steps = trace->step_count};
}

static void add_memory(struct trace *trace, const struct vgt_record *record)
{
	trace->memory = grown(trace->memory, trace->memory_count, sizeof(*trace->memory));
	struct memory *memory = &trace->memory[trace->memory_count++];
	*memory = (struct memory){.type = record->type};
	if (record->type == VGT_RECORD_IOV) {
		const struct vgt_iov *iov = record->payload;
		const uint32_t *lengths = (const void *)(iov + 1);
		for (uint32_t i = 0; i < iov->count; i++) {
			memory->size += lengths[i];
		}
		return;
	}
	memory->mem = *(const struct vgt_mem *)record->payload;
	memory->size = record->size - sizeof(memory->mem);
	memory->bytes = kept((const struct vgt_mem *)record->payload + 1, memory->size);
}

static bool same_timeline(const struct vgt_fence *a, const struct vgt_fence *b)
{
	return a->scope == b->scope &&
	       (a->scope == VGT_FENCE_GLOBAL ||
		       (a->ctx_id == b->ctx_id && a->ring_idx == b->ring_idx));
}

/* All up to this one have retired. */
static void retire(struct trace *trace, const struct vgt_fence *event)
{
	size_t i = trace->fence_count;
	while (i && !(same_timeline(&trace->fences[i - 1].created, event) &&
			    trace->fences[i - 1].created.fence_id == event->fence_id)) {
		i--;
	}
	if (!i) {
		return; /* of a time before the trace */
	}
	trace->fences[i - 1].late = trace->fences[i - 1].retired;
	for (; i; i--) {
		trace->fences[i - 1].retired |=
			same_timeline(&trace->fences[i - 1].created, event);
	}
}

static void add_fence(struct trace *trace, const struct vgt_record *record)
{
	const struct vgt_fence *event = record->payload;
	if (event->event == VGT_FENCE_CREATED) {
		trace->fences =
			grown(trace->fences, trace->fence_count, sizeof(*trace->fences));
		trace->fences[trace->fence_count++] =
			(struct fence){.created = *event, .command = record->command - 1};
	} else if (event->event == VGT_FENCE_RETIRED) {
		retire(trace, event);
	} else if (event->event == VGT_FENCE_FAILED && trace->fence_count) {
		trace->fences[trace->fence_count - 1].failed = true;
	}
}

static void add_response(struct trace *trace, const struct vgt_record *record)
{
	const struct vgt_response *response = record->payload;
	size_t i = trace->step_count;
	while (i && trace->steps[i - 1].command > response->command) {
		i--;
	}
	while (i && !vgt_record_is_command(trace->steps[i - 1].type)) {
		i--;
	}
	if (i && trace->steps[i - 1].command == response->command &&
		response->class <= VGT_RESPONSE_REFUSED) {
		trace->steps[i - 1].response[response->class] = *response;
		trace->steps[i - 1].answered[response->class] = true;
	}
}

static void add_meta(struct trace *trace, const struct vgt_record *record)
{
	const char *at = record->payload;
	const char *const end = at + record->size;
	for (const char *text; (text = vgt_meta_next(&at, end));) {
		const char *value = vgt_meta_value(text, "gl.renderer");
		if (value) {
			free(trace->renderer);
			trace->renderer = kept(value, strlen(value) + 1);
		}
	}
}

static void add_capset(struct trace *trace, const struct vgt_record *record)
{
	trace->capsets = realloc(trace->capsets, trace->capsets_size + record->size);
	if (!trace->capsets) {
		trouble("no memory");
	}
	memcpy(trace->capsets + trace->capsets_size, record->payload, record->size);
	trace->capsets_size += record->size;
}

static void add_record(struct trace *trace, const struct vgt_record *record, bool skip_queries)
{
	switch (record->type) {
	case VGT_RECORD_META:
		add_meta(trace, record);
		break;
	case VGT_RECORD_CAPSET:
		add_capset(trace, record);
		break;
	case VGT_RECORD_MEM:
	case VGT_RECORD_IOV:
		add_memory(trace, record);
		break;
	case VGT_RECORD_RESPONSE:
		add_response(trace, record);
		break;
	case VGT_RECORD_FENCE:
		add_fence(trace, record);
		break;
	case VGT_RECORD_FRAME:
		trace->frames =
			grown(trace->frames, trace->frame_count, sizeof(*trace->frames));
		trace->frames[trace->frame_count++] =
			*(const struct vgt_frame *)record->payload;
		break;
	case VGT_RECORD_RESET:
		if (trace->step_count) {
			add_step(trace, record);
		}
		break;
	case VGT_RECORD_BAD_COMMAND:
		add_step(trace, record);
		break;
	case VGT_RECORD_MARK:
		trace->marks++;
		break;
	default:
		if (is_of_cursor(record->type)) {
			add_cursor(trace, record);
		} else if (vgt_record_is_command(record->type)) {
			const bool skip = skip_queries && is_query(record->type);
			trace->queries += skip;
			if (!skip) {
				add_step(trace, record);
			}
		}
	}
}

static void read_trace(struct trace *trace, bool skip_queries)
{
	struct vgt_record record;
	struct vgt_err err;
	enum vgt_read next;
	struct vgt_reader *reader = vgt_reader_open(trace->path, &err);
	if (!reader) {
		trouble("%s: %s", trace->path, err.message);
	}
	while ((next = vgt_reader_next(reader, &record, &err)) == VGT_READ_RECORD) {
		add_record(trace, &record, skip_queries);
	}
	if (next == VGT_READ_ERROR) {
		trouble("%s: %s", trace->path, err.message);
	}
	const enum vgt_reader_end end = vgt_reader_end(reader);
	if (end != VGT_END_TAIL && end != VGT_END_RING) {
		trouble("%s: the end of the trace is missing", trace->path);
	}
	while (trace->step_count &&
		trace->steps[trace->step_count - 1].type == VGT_RECORD_RESET) {
		free((void *)trace->steps[--trace->step_count].payload);
	}
	add_step(trace, NULL);
	trace->steps[trace->step_count].command = vgt_reader_passed(reader).commands;
	vgt_reader_close(reader);
}

static struct trace in, out;
static bool same_renderer;

static struct {
	uint64_t commands, virgl, answers, memory, fences, frames, differences;
	uint64_t renderer, time, unanswered, dead, more_memory, taken_down;
} counts;

/* Where the comparison is: two steps, and in submits a virgl command. */
struct place {
	const struct step *a, *b;
	uint32_t virgl; /* VGT_NO_VIRGL_COMMAND: none */
	const char *name;
};

__attribute__((format(printf, 2, 3))) static void differ(
	const struct place *at, const char *format, ...)
{
	char a[VGT_ADDRESS_TEXT_SIZE], b[VGT_ADDRESS_TEXT_SIZE];
	va_list args;
	va_start(args, format);
	printf("%s and %s: %s: ", vgt_address_text(a, at->a->command, at->virgl),
		vgt_address_text(b, at->b->command, at->virgl), at->name);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	if (++counts.differences == DIFFERENCES_MAX) {
		printf("different: more than %d, the rest is not looked at\n",
			DIFFERENCES_MAX - 1);
		exit(1);
	}
}

/* The two directions of a bijection. */
struct half {
	uint64_t key, other;
	bool is_virgl; /* of contexts */
};

static struct pairs {
	void *of_in, *of_out;
} resources, contexts;

/* Only where both are free. */
static bool pair(struct pairs *pairs, uint64_t a, uint64_t b, bool is_virgl)
{
	if (vgt_tree_find(&pairs->of_in, a) || vgt_tree_find(&pairs->of_out, b)) {
		return false;
	}
	const struct half in_half = {a, b, is_virgl}, out_half = {b, a, is_virgl};
	if (!tsearch(kept(&in_half, sizeof(in_half)), &pairs->of_in, vgt_tree_compare) ||
		!tsearch(kept(&out_half, sizeof(out_half)), &pairs->of_out, vgt_tree_compare)) {
		trouble("no memory");
	}
	return true;
}

static bool are_paired(const struct pairs *pairs, uint64_t a, uint64_t b)
{
	const struct half *half = vgt_tree_find(&pairs->of_in, a);
	return half && half->other == b;
}

static bool neither_lives(const struct pairs *pairs, uint64_t a, uint64_t b)
{
	return !vgt_tree_find(&pairs->of_in, a) && !vgt_tree_find(&pairs->of_out, b);
}

static void drop(void **tree, uint64_t key)
{
	struct half *half = vgt_tree_find(tree, key);
	if (half) {
		tdelete(half, tree, vgt_tree_compare);
		free(half);
	}
}

static void part(struct pairs *pairs, uint64_t a, uint64_t b)
{
	if (are_paired(pairs, a, b)) {
		drop(&pairs->of_in, a);
		drop(&pairs->of_out, b);
	}
}

static void part_all(struct pairs *pairs)
{
	for (struct half *half; (half = vgt_tree_any(pairs->of_in));) {
		part(pairs, half->key, half->other);
	}
}

static struct pairs *pairs_of(const struct vgt_field *field)
{
	if (field->type != VGT_FIELD_HANDLE) {
		return NULL;
	}
	return field->handle == VGT_HANDLE_RESOURCE  ? &resources
	       : field->handle == VGT_HANDLE_CONTEXT ? &contexts
						     : NULL;
}

static bool same_id(const struct pairs *pairs, uint64_t a, uint64_t b)
{
	if (neither_lives(pairs, a, b)) {
		counts.dead += a || b;
		return (a == 0) == (b == 0);
	}
	return are_paired(pairs, a, b);
}

static bool is_accepted(const struct step *step)
{
	return !step->answered[VGT_RESPONSE_REFUSED] &&
	       step->response[VGT_RESPONSE_EXACT].result == 0;
}

static void compare_ids(const struct place *at, const struct vgt_value *a,
	const struct vgt_value *b, struct pairs *pairs)
{
	if (!(a->field->use & VGT_USE_DEFINE)) {
		if (!same_id(pairs, a->number, b->number)) {
			differ(at, "%s %" PRIu64 " is not %" PRIu64 " there", a->field->name,
				a->number, b->number);
		}
	} else if (!are_paired(pairs, a->number, b->number) &&
		   !pair(pairs, a->number, b->number, false)) {
		differ(at, "%s %" PRIu64 " or, there, %" PRIu64 " lives already",
			a->field->name, a->number, b->number);
	}
}

static void compare_values(
	const struct place *at, const struct vgt_value *a, const struct vgt_value *b)
{
	struct pairs *pairs = pairs_of(a->field);
	if (a->field != b->field || a->element != b->element || a->index != b->index) {
		differ(at, "%s is there %s", a->field->name, b->field->name);
	} else if (a->bytes && b->bytes) {
		if (a->size != b->size || memcmp(a->bytes, b->bytes, a->size) != 0) {
			differ(at, "%s differ", a->field->name);
		}
	} else if (pairs) {
		compare_ids(at, a, b, pairs);
	} else if (a->number != b->number) {
		differ(at, "%s is %#" PRIx64 " and %#" PRIx64, a->field->name, a->number,
			b->number);
	}
}

#define HEADER_DWORDS         (sizeof(struct virtio_gpu_ctrl_hdr) / sizeof(uint32_t))
#define DWORD_OF(type, field) (offsetof(struct virtio_gpu_##type, field) / sizeof(uint32_t))

/* Whether a control command's field is compared by itself. */
static bool is_compared(uint16_t type, const struct vgt_value *value)
{
	const uint32_t dword = value->dword;
	if (value->field->type == VGT_FIELD_PAD) {
		return false;
	}
	if (vgt_record_is_command(type) && dword < HEADER_DWORDS) {
		return value->field->type == VGT_FIELD_HANDLE;
	}
	switch (type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
		return false;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		return dword < DWORD_OF(resource_attach_backing, nr_entries);
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		return dword != DWORD_OF(resource_create_blob, nr_entries) &&
		       dword * sizeof(uint32_t) <
			       sizeof(struct virtio_gpu_resource_create_blob);
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		return value->field->type != VGT_FIELD_BYTES;
	default:
		return true;
	}
}

/* `type` 0: of a virgl command, whose padding is a guest's as all else. */
static bool next_value(struct vgt_walk *walk, uint16_t type, struct vgt_value *value)
{
	while (vgt_walk_next(walk, value)) {
		if (type == 0 || is_compared(type, value)) {
			return true;
		}
	}
	return false;
}

static void compare_layouts(const struct place *at, uint16_t type, const struct vgt_layout *a,
	const struct vgt_layout *b)
{
	struct vgt_walk walk_a, walk_b;
	struct vgt_value value_a, value_b;
	vgt_walk_begin(&walk_a, a);
	vgt_walk_begin(&walk_b, b);
	for (;;) {
		const bool more = next_value(&walk_a, type, &value_a);
		if (next_value(&walk_b, type, &value_b) != more) {
			differ(at, "longer in %s", more ? in.path : out.path);
			return;
		}
		if (!more) {
			return;
		}
		compare_values(at, &value_a, &value_b);
	}
}

static void compare_raw(
	const struct place *at, const void *a, size_t a_size, const void *b, size_t b_size)
{
	const size_t size = a_size < b_size ? a_size : b_size;
	for (size_t i = 0; i < size; i++) {
		if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i]) {
			differ(at, "byte %zu differs", i);
			return;
		}
	}
	if (a_size != b_size) {
		differ(at, "%zu bytes and %zu", a_size, b_size);
	}
}

static void compare_virgl_command(
	struct place at, const struct virgl_command *a, const struct virgl_command *b)
{
	struct vgt_layout layout_a, layout_b;
	const char *name = virgl_ccmd_name(a->op);
	at.name = name ? name : "unknown operation";
	counts.virgl++;
	if (a->dwords[0] != b->dwords[0]) {
		const char *other = virgl_ccmd_name(b->op);
		differ(&at, "there %s of %" PRIu32 " dwords, here of %" PRIu32,
			other ? other : "an unknown operation", b->length, a->length);
	} else if (virgl_desc_measure(a, &layout_a, NULL) &&
		   virgl_desc_measure(b, &layout_b, NULL)) {
		compare_layouts(&at, 0, &layout_a, &layout_b);
	} else {
		const size_t size = (a->length + (size_t)1) * sizeof(uint32_t);
		compare_raw(&at, a->dwords, size, b->dwords, size);
	}
}

/* The virgl commands, or the bytes of another context's. */
struct stream {
	const uint32_t *dwords;
	size_t size; /* bytes */
};

static struct stream stream_of(const struct step *step)
{
	const struct virtio_gpu_cmd_submit *submit = step->payload;
	const uint64_t *fences = (const void *)(submit + 1);
	return (struct stream){
		(const uint32_t *)(fences + submit->num_in_fences), submit->size};
}

static void compare_submits(struct place at)
{
	const struct stream a = stream_of(at.a), b = stream_of(at.b);
	const struct virtio_gpu_ctrl_hdr *hdr = at.a->payload;
	const struct half *context = vgt_tree_find(&contexts.of_in, hdr->ctx_id);
	if (a.size != b.size) {
		return; /* has been said */
	}
	const size_t count = context && context->is_virgl ? a.size / sizeof(uint32_t) : 0;
	size_t pos_a = 0, pos_b = 0;
	struct virgl_command command_a, command_b;
	const struct place submit = at;
	for (at.virgl = 0; virgl_command_next(a.dwords, count, &pos_a, &command_a) &&
			   virgl_command_next(b.dwords, count, &pos_b, &command_b);
		at.virgl++) {
		compare_virgl_command(at, &command_a, &command_b);
		if (pos_a != pos_b) {
			return; /* what follows is not the same commands */
		}
	}
	const size_t done = pos_a * sizeof(uint32_t);
	compare_raw(&submit, (const uint8_t *)a.dwords + done, a.size - done,
		(const uint8_t *)b.dwords + done, b.size - done);
}

static bool is_virgl(const struct virtio_gpu_ctx_create *create)
{
	return (create->context_init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK) <=
	       VIRTIO_GPU_CAPSET_VIRGL2;
}

static int name_length(const struct virtio_gpu_ctx_create *create)
{
	const size_t room = sizeof(create->debug_name);
	return (int)strnlen(create->debug_name, create->nlen < room ? create->nlen : room);
}

static void compare_contexts(const struct place *at)
{
	const struct virtio_gpu_ctx_create *a = at->a->payload, *b = at->b->payload;
	if (a->context_init != b->context_init && !(is_virgl(a) && is_virgl(b))) {
		differ(at, "context_init is %#" PRIx32 " and %#" PRIx32, a->context_init,
			b->context_init);
	}
	if (name_length(a) != name_length(b) ||
		memcmp(a->debug_name, b->debug_name, (size_t)name_length(a)) != 0) {
		differ(at, "debug_name is '%.*s' and '%.*s'", name_length(a), a->debug_name,
			name_length(b), b->debug_name);
	}
	struct half *half = vgt_tree_find(&contexts.of_in, a->hdr.ctx_id);
	if (half) {
		half->is_virgl = is_virgl(a);
	}
}

static uint64_t length_of(const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	uint64_t length = 0;
	for (uint32_t i = 0; i < count; i++) {
		length += entries[i].length;
	}
	return length;
}

static uint64_t backing_length(const struct step *step)
{
	if (step->type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB) {
		const struct virtio_gpu_resource_create_blob *blob = step->payload;
		return length_of((const void *)(blob + 1), blob->nr_entries);
	}
	const struct virtio_gpu_resource_attach_backing *attach = step->payload;
	return length_of((const void *)(attach + 1), attach->nr_entries);
}

static void compare_data(const struct place *at)
{
	switch (at->a->type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
		compare_contexts(at);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		if (backing_length(at->a) != backing_length(at->b)) {
			differ(at, "%" PRIu64 " bytes of backing and %" PRIu64,
				backing_length(at->a), backing_length(at->b));
		}
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		compare_submits(*at);
		break;
	default:
		break;
	}
}

static void compare_commands(const struct place *at)
{
	struct vgt_layout a, b;
	const struct vgt_desc *desc = vgt_record_desc(at->a->type);
	if ((at->a->flags ^ at->b->flags) & (VGT_RECORD_OWN_IOV | VGT_RECORD_IMPORTED)) {
		differ(at, "flags of the record are %#x and %#x", at->a->flags, at->b->flags);
	}
	if (desc && vgt_desc_measure(desc, at->a->payload, at->a->size, &a, NULL) &&
		vgt_desc_measure(desc, at->b->payload, at->b->size, &b, NULL)) {
		compare_layouts(at, at->a->type, &a, &b);
		compare_data(at);
	} else {
		compare_raw(at, at->a->payload, at->a->size, at->b->payload, at->b->size);
	}
}

/* The byte at `offset` of the same memory as OUT has it, and in *size how many follow. */
static const uint8_t *memory_there(
	const struct place *at, const struct memory *memory, uint64_t offset, uint64_t *size)
{
	for (size_t i = at->b == out.steps ? 0 : at->b[-1].memory; i < at->b->memory; i++) {
		const struct memory *there = &out.memory[i];
		if (there->type == memory->type && there->mem.flags == memory->mem.flags &&
			are_paired(
				&resources, memory->mem.resource_id, there->mem.resource_id) &&
			offset >= there->mem.offset &&
			offset - there->mem.offset < there->size) {
			*size = there->size - (offset - there->mem.offset);
			return there->bytes + (offset - there->mem.offset);
		}
	}
	return NULL;
}

static void compare_piece(const struct place *at, const struct memory *memory)
{
	for (uint64_t done = 0; done < memory->size;) {
		const uint64_t offset = memory->mem.offset + done;
		uint64_t size = 0;
		const uint8_t *there = memory_there(at, memory, offset, &size);
		if (!there) {
			differ(at,
				"guest memory of resource %" PRIu32 " from byte %" PRIu64
				" on is missing",
				memory->mem.resource_id, offset);
			return;
		}
		size = size < memory->size - done ? size : memory->size - done;
		for (uint64_t i = 0; i < size; i++) {
			if (memory->bytes[done + i] != there[i]) {
				differ(at,
					"guest memory of resource %" PRIu32 ": byte %" PRIu64
					" is %#x and %#x",
					memory->mem.resource_id, offset + i,
					memory->bytes[done + i], there[i]);
				return;
			}
		}
		done += size;
	}
	counts.memory += memory->size;
}

static uint64_t memory_of(const struct trace *trace, const struct step *step, uint16_t type)
{
	uint64_t size = 0;
	for (size_t i = step == trace->steps ? 0 : step[-1].memory; i < step->memory; i++) {
		size += trace->memory[i].type == type ? trace->memory[i].size : 0;
	}
	return size;
}

static void compare_memory(const struct place *at)
{
	for (size_t i = at->a == in.steps ? 0 : at->a[-1].memory; i < at->a->memory; i++) {
		if (in.memory[i].type == VGT_RECORD_MEM) {
			compare_piece(at, &in.memory[i]);
		}
	}
	const uint64_t own_a = memory_of(&in, at->a, VGT_RECORD_IOV),
		       own_b = memory_of(&out, at->b, VGT_RECORD_IOV);
	if (own_a != own_b) {
		differ(at, "%" PRIu64 " bytes of memory of its own and %" PRIu64, own_a, own_b);
	}
	const uint64_t all_a = memory_of(&in, at->a, VGT_RECORD_MEM),
		       all_b = memory_of(&out, at->b, VGT_RECORD_MEM);
	counts.more_memory += all_b > all_a ? all_b - all_a : 0;
}

static void compare_responses(
	const struct place *at, const struct vgt_response *a, const struct vgt_response *b)
{
	const bool refused = a->class == VGT_RESPONSE_REFUSED;
	counts.answers++;
	if (refused ? a->result != b->result : (a->result != 0) != (b->result != 0)) {
		differ(at, "the answer is %" PRId32 " and %" PRId32, a->result, b->result);
	} else if (a->size != b->size) {
		differ(at, "the answer has %" PRIu64 " bytes and %" PRIu64, a->size, b->size);
	} else if (a->digest != b->digest) {
		differ(at, "what the host wrote has the digest %016" PRIx64 " and %016" PRIx64,
			a->digest, b->digest);
	}
}

static bool is_answered(const struct step *step)
{
	for (int class = VGT_RESPONSE_EXACT; class <= VGT_RESPONSE_REFUSED; class ++) {
		if (step->answered[class]) {
			return true;
		}
	}
	return false;
}

static void compare_answers(const struct place *at)
{
	/* the recording ended while it ran */
	if ((at->a[1].type == 0 && !is_answered(at->a)) ||
		(at->b[1].type == 0 && !is_answered(at->b))) {
		counts.unanswered += is_answered(at->a) || is_answered(at->b);
		return;
	}
	for (int class = VGT_RESPONSE_EXACT; class <= VGT_RESPONSE_REFUSED; class ++) {
		if (!at->a->answered[class] && !at->b->answered[class]) {
			continue;
		}
		if (at->a->answered[class] != at->b->answered[class]) {
			differ(at, "only in %s there is an answer of class %d",
				at->a->answered[class] ? in.path : out.path, class);
		} else if (class == VGT_RESPONSE_TIME) {
			counts.time++;
		} else if (class == VGT_RESPONSE_RENDERER && !same_renderer) {
			counts.renderer++;
		} else {
			compare_responses(at, &at->a->response[class], &at->b->response[class]);
		}
	}
}

static void compare_fence(const struct place *at, const struct fence *a, const struct fence *b)
{
	counts.fences++;
	if (a->created.scope != b->created.scope ||
		(a->created.scope == VGT_FENCE_CONTEXT &&
			(a->created.ring_idx != b->created.ring_idx ||
				!same_id(&contexts, a->created.ctx_id, b->created.ctx_id)))) {
		differ(at, "its fence is of another timeline");
	} else if (a->failed != b->failed) {
		differ(at, "its fence was created only in %s", a->failed ? out.path : in.path);
	} else if (a->retired && !b->retired) {
		differ(at, "its fence has not retired in %s", out.path);
	}
	if (b->late) {
		differ(at, "in %s its fence retired behind a later one", out.path);
	}
}

static void compare_fences(const struct place *at)
{
	const size_t a = at->a[1].fences - at->a->fences, b = at->b[1].fences - at->b->fences;
	if (a != b) {
		differ(at, "%zu fences and %zu behind it", a, b);
	}
	for (size_t i = 0; i < a && i < b; i++) {
		compare_fence(
			at, &in.fences[at->a->fences + i], &out.fences[at->b->fences + i]);
	}
}

static void compare_frames(const struct place *at)
{
	const size_t a = at->a[1].frames - at->a->frames, b = at->b[1].frames - at->b->frames;
	if (a != b) {
		differ(at, "%zu frames end with it and %zu", a, b);
		return;
	}
	for (size_t i = 0; i < a; i++) {
		const struct vgt_frame *frame_a = &in.frames[at->a->frames + i],
				       *there = &out.frames[at->b->frames + i];
		struct vgt_frame frame_b = *there;
		frame_b.resource_id = frame_a->resource_id;
		counts.frames++;
		if (!same_id(&resources, frame_a->resource_id, there->resource_id) ||
			memcmp(frame_a, &frame_b, sizeof(frame_b)) != 0) {
			differ(at, "frame %zu has another rule, resource or place",
				at->a->frames + i);
		}
	}
}

/* Which ids live behind the command. */
static void settle(const struct place *at)
{
	const struct vgt_desc *desc = vgt_record_desc(at->a->type);
	struct vgt_layout a, b;
	struct vgt_walk walk_a, walk_b;
	struct vgt_value value_a, value_b;
	if (at->a->type == VGT_RECORD_RESET) {
		part_all(&resources);
		part_all(&contexts);
	}
	if (!desc || !vgt_desc_measure(desc, at->a->payload, at->a->size, &a, NULL) ||
		!vgt_desc_measure(desc, at->b->payload, at->b->size, &b, NULL)) {
		return;
	}
	vgt_walk_begin(&walk_a, &a);
	vgt_walk_begin(&walk_b, &b);
	while (next_value(&walk_a, at->a->type, &value_a) &&
		next_value(&walk_b, at->a->type, &value_b)) {
		struct pairs *pairs = pairs_of(value_a.field);
		const uint8_t ends = is_accepted(at->a) ? VGT_USE_DESTROY : VGT_USE_DEFINE;
		if (pairs && value_a.field->use & ends) {
			part(pairs, value_a.number, value_b.number);
		}
	}
}

/* False where what follows makes no sense any more. */
static bool compare_steps(const struct step *a, const struct step *b)
{
	const struct place at = {a, b, VGT_NO_VIRGL_COMMAND, vgt_record_name(a->type)};
	if (a->type != b->type) {
		differ(&at, "there %s",
			b->type ? vgt_record_name(b->type) : "is the end of the trace");
		return false;
	}
	counts.commands += vgt_record_is_command(a->type);
	compare_memory(&at);
	compare_commands(&at);
	compare_answers(&at);
	compare_fences(&at);
	compare_frames(&at);
	settle(&at);
	return true;
}

/* The cursor's commands that IN has before its step of this number, *count of them done. */
static void compare_cursors(size_t steps, size_t *count)
{
	for (; *count < in.cursor_count && in.cursors[*count].steps <= steps; ++*count) {
		const struct step *a = &in.cursors[*count], *b = &out.cursors[*count];
		struct place at = {a, a, VGT_NO_VIRGL_COMMAND, vgt_record_name(a->type)};
		if (*count >= out.cursor_count) {
			differ(&at, "%s has not so many of the cursor's", out.path);
			*count = in.cursor_count;
			return;
		}
		at.b = b;
		counts.commands++;
		if (a->type == b->type) {
			compare_commands(&at);
		} else {
			differ(&at, "there %s", vgt_record_name(b->type));
		}
	}
}

static bool takes_down(uint16_t type)
{
	return type == VIRTIO_GPU_CMD_RESOURCE_UNREF || type == VIRTIO_GPU_CMD_CTX_DESTROY ||
	       type == VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING ||
	       type == VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE;
}

static void compare_traces(void)
{
	const struct step *a = in.steps, *b = out.steps;
	size_t cursors = 0;
	for (; a->type; a++, b++) {
		compare_cursors((size_t)(a - in.steps), &cursors);
		if (!compare_steps(a, b)) {
			return;
		}
	}
	compare_cursors(in.step_count, &cursors);
	if (cursors < out.cursor_count) {
		const struct place at = {
			a, &out.cursors[cursors], VGT_NO_VIRGL_COMMAND, "the end of the trace"};
		differ(&at, "there %s", vgt_record_name(at.b->type));
	}
	for (; takes_down(b->type); b++) {
		counts.taken_down++;
	}
	if (b->type) {
		const struct place at = {a, b, VGT_NO_VIRGL_COMMAND, "the end of the trace"};
		differ(&at, "there %s", vgt_record_name(b->type));
	}
}

static void print_left_out(uint64_t count, const char *what)
{
	if (count) {
		printf("not compared: %" PRIu64 " %s\n", count, what);
	}
}

static int report(void)
{
	printf("%s: %" PRIu64 " commands, %" PRIu64 " virgl commands, %" PRIu64
	       " bytes of guest memory, %" PRIu64 " answers, %" PRIu64 " fences, %" PRIu64
	       " frames\n",
		counts.differences ? "different" : "the same", counts.commands, counts.virgl,
		counts.memory, counts.answers, counts.fences, counts.frames);
	print_left_out(counts.renderer,
		"answers that depend on the renderer: it or its capset is another");
	print_left_out(counts.time, "answers that depend on the time");
	print_left_out(counts.unanswered, "answers that came in one trace only, at its end");
	print_left_out(counts.dead, "uses of handles that name nothing");
	print_left_out(counts.more_memory, "bytes of guest memory that only OUT has");
	print_left_out(counts.taken_down, "commands of OUT that take down what IN leaves");
	print_left_out(in.queries, "queries of IN");
	print_left_out(out.queries, "queries of OUT");
	print_left_out(in.marks + out.marks, "marks");
	return counts.differences != 0;
}

int main(int argc, char **argv)
{
	const bool skip_queries = argc > 1 && strcmp(argv[1], "--skip-queries") == 0;
	if (argc - skip_queries != 3) {
		trouble("usage: same_trace [--skip-queries] IN.vgt OUT.vgt");
	}
	in.path = argv[1 + skip_queries];
	out.path = argv[2 + skip_queries];
	read_trace(&in, skip_queries);
	read_trace(&out, skip_queries);
	same_renderer = in.renderer && out.renderer && strcmp(in.renderer, out.renderer) == 0 &&
			in.capsets_size == out.capsets_size &&
			memcmp(in.capsets, out.capsets, in.capsets_size) == 0;
	compare_traces();
	return report();
}
