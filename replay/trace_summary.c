/* SPDX-License-Identifier: MIT */
#include "trace_summary.h"

#include "frame_rule.h"
#include "progress.h"
#include "vgt_json.h"
#include "vgt_ring.h"
#include "vgt_text.h"
#include "vgt_transfer.h"
#include "virgl_caps.h"

#include <stdlib.h>
#include <string.h>

#define META_KEYS_MAX  1000
#define META_BYTES_MAX (4u << 20)

/* What is needed while reading only. */
struct trace_summary_work {
	struct vgt_model *model;
	const struct vgt_record *record; /* being taken */
	size_t meta_bytes;
	uint64_t own_iov; /* bytes of the last IOV */
	/* the last command whose failure takes back what it was counted for */
	uint64_t pending_command;
	uint16_t pending_type;     /* 0: none */
	size_t pending_contexts;   /* CTX_CREATE: which */
	bool pending_imported;     /* RESOURCE_CREATE_*: from elsewhere */
	uint32_t pending_resource; /* RESOURCE_ATTACH_BACKING: of which, */
	uint64_t pending_attached; /* and what it had before */
};

/* META */

static void add_meta(struct trace_summary *summary, const char *key, const char *text)
{
	size_t *bytes = &summary->work->meta_bytes;
	char *key_utf8 = vgt_text_utf8(key);
	const bool known = key_utf8 && json_object_object_get_ex(summary->meta, key_utf8, NULL);

	*bytes += strlen(key) + strlen(text);
	if (*bytes > META_BYTES_MAX ||
		(!known && json_object_object_length(summary->meta) >= META_KEYS_MAX)) {
		summary->left_out = true;
	} else if (key_utf8) {
		vgt_json_put_text(summary->meta, key_utf8, text);
	}
	free(key_utf8);
}

static void take_meta(struct trace_summary *summary, const struct vgt_record *record)
{
	const char *at = record->payload;
	const char *const end = at + record->size;
	const char *text;
	while ((text = vgt_meta_next(&at, end))) {
		const char *equals = strchr(text, '=');
		char key[256];
		if (equals && (size_t)(equals - text) < sizeof(key)) {
			memcpy(key, text, (size_t)(equals - text));
			key[equals - text] = '\0';
			add_meta(summary, key, equals + 1);
		}
	}
}

const char *trace_summary_meta(const struct trace_summary *summary, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(summary->meta, key, &value)
		       ? json_object_get_string(value)
		       : NULL;
}

/* Capsets */

/* Where the facts stand: a field of the capset or, of flags, one of its names. */
static const struct {
	const char *name, *field, *flag;
	bool is_bool;
} fact_sources[TRACE_FACTS] = {
	[TRACE_FACT_GLSL_LEVEL] = {"glsl_level", "glsl_level", NULL, false},
	[TRACE_FACT_MAX_SAMPLES] = {"max_samples", "max_samples", NULL, false},
	[TRACE_FACT_MAX_RENDER_TARGETS] = {"max_render_targets", "max_render_targets", NULL,
		false},
	[TRACE_FACT_MAX_TEXTURE_2D] = {"max_texture_2d_size", "max_texture_2d_size", NULL,
		false},
	[TRACE_FACT_TESSELLATION] = {"tessellation", "has_tessellation_shaders", NULL, true},
	[TRACE_FACT_GEOMETRY] = {"geometry", "max_geom_output_vertices", NULL, true},
	[TRACE_FACT_COMPUTE] = {"compute", "capability_bits", "COMPUTE_SHADER", true},
	[TRACE_FACT_GLES] = {"host_is_gles", "capability_bits", "HOST_IS_GLES", true},
};

const char *trace_fact_name(enum trace_fact fact)
{
	return fact_sources[fact].name;
}

static uint32_t flag_value(const struct vgt_name *names, const char *flag)
{
	for (; names && names->name; names++) {
		if (strcmp(names->name, flag) == 0) {
			return names->value;
		}
	}
	return 0;
}

static void take_fact(struct trace_capset *capset, const struct vgt_value *value)
{
	for (size_t i = 0; i < TRACE_FACTS; i++) {
		if (strcmp(fact_sources[i].field, value->field->name) != 0) {
			continue;
		}
		uint32_t number = (uint32_t)value->number;
		if (fact_sources[i].flag) {
			number &= flag_value(value->field->names, fact_sources[i].flag);
		}
		capset->known[i] = true;
		capset->fact[i] = fact_sources[i].is_bool ? number != 0 : number;
	}
	if (strcmp(value->field->name, "renderer") == 0 && value->bytes) {
		const size_t room = sizeof(capset->renderer) - 1;
		memcpy(capset->renderer, value->bytes, value->size < room ? value->size : room);
	}
}

static void take_capset(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct vgt_capset *offered = record->payload;
	for (size_t i = 0; i < summary->capset_count; i++) {
		if (summary->capsets[i].id == offered->id) {
			return;
		}
	}
	if (summary->capset_count == TRACE_SUMMARY_CAPSETS) {
		summary->left_out = true;
		return;
	}
	struct trace_capset *capset = &summary->capsets[summary->capset_count++];
	capset->id = offered->id;
	capset->version = offered->version;
	capset->bytes = record->size - (uint32_t)sizeof(*offered);
	const struct vgt_desc *desc = virgl_caps_desc(capset->id);
	struct vgt_layout layout;
	struct vgt_walk walk;
	struct vgt_value value;
	if (desc && vgt_desc_measure(
			    desc, (const void *)(offered + 1), capset->bytes, &layout, NULL)) {
		vgt_walk_begin(&walk, &layout);
		while (vgt_walk_next(&walk, &value)) {
			take_fact(capset, &value);
		}
	}
}

/* Virgl commands */

static void count_shader(struct trace_summary *summary, const struct virgl_command *command)
{
	/* a further part of a long one is no shader of its own */
	if (command->object == VIRGL_OBJECT_SHADER &&
		command->length >= VIRGL_OBJ_SHADER_OFFSET &&
		!(command->dwords[VIRGL_OBJ_SHADER_OFFSET] & VIRGL_OBJ_SHADER_OFFSET_CONT) &&
		command->dwords[VIRGL_OBJ_SHADER_TYPE] < PIPE_SHADER_TYPES) {
		summary->shaders[command->dwords[VIRGL_OBJ_SHADER_TYPE]]++;
	}
}

/* The model's hook: the command is next. */
static void on_virgl(
	void *opaque, uint32_t ctx_id, const struct virgl_command *command, uint32_t number)
{
	struct trace_summary *summary = opaque;
	(void)number;
	summary->virgl[command->op]++;
	if (command->op == VIRGL_CCMD_CREATE_OBJECT) {
		count_shader(summary, command);
	} else if (command->op == VIRGL_CCMD_CREATE_SUB_CTX &&
		   command->length >= VIRGL_SUB_CTX_ID) {
		summary->sub_contexts_created += !vgt_model_has_sub_context(
			summary->work->model, ctx_id, command->dwords[VIRGL_SUB_CTX_ID]);
	}
}

uint64_t trace_summary_clears(const struct trace_summary *summary)
{
	return summary->virgl[VIRGL_CCMD_CLEAR] + summary->virgl[VIRGL_CCMD_CLEAR_TEXTURE] +
	       summary->virgl[VIRGL_CCMD_CLEAR_SURFACE];
}

static void take_submit(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct virtio_gpu_cmd_submit *submit = record->payload;
	summary->submit_bytes += submit->size;
	/* behind a gap it is not known what was created before: taken for virgl */
	if (summary->gap_count &&
		!vgt_model_has_context(summary->work->model, submit->hdr.ctx_id)) {
		const uint32_t *dwords = virtio_gpu_submit_commands(submit, submit + 1);
		struct virgl_command command;
		for (size_t at = 0; virgl_command_next(
			     dwords, submit->size / sizeof(uint32_t), &at, &command);) {
			on_virgl(summary, submit->hdr.ctx_id, &command, 0);
		}
	}
}

/* Contexts */

static void take_back_later(struct trace_summary *summary, const struct vgt_record *record)
{
	summary->work->pending_command = record->command;
	summary->work->pending_type = record->type;
}

static void create_context(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct virtio_gpu_ctx_create *create = record->payload;
	if (vgt_model_has_context(summary->work->model, create->hdr.ctx_id)) {
		return; /* legal, and changes nothing */
	}
	struct trace_contexts alike = {
		.capset_id = create->context_init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK};
	const size_t room = sizeof(create->debug_name);
	memcpy(alike.name, create->debug_name, create->nlen < room ? create->nlen : room);
	size_t i = 0;
	while (i < summary->contexts_count &&
		(summary->contexts[i].capset_id != alike.capset_id ||
			strcmp(summary->contexts[i].name, alike.name) != 0)) {
		i++;
	}
	if (i == summary->contexts_count && i < TRACE_SUMMARY_CONTEXTS) {
		summary->contexts[summary->contexts_count++] = alike;
	}
	if (i < summary->contexts_count) {
		summary->contexts[i].created++;
	} else {
		summary->left_out = true;
	}
	summary->contexts_created++;
	summary->work->pending_contexts = i;
	take_back_later(summary, record);
}

/* Resources and their guest memory: vgt_resource.user has the number of bytes, on the heap */

static uint64_t attached_to(const struct vgt_resource *resource)
{
	return resource->user ? *(const uint64_t *)resource->user : 0;
}

static void set_attached(
	struct trace_summary *summary, struct vgt_resource *resource, uint64_t bytes)
{
	summary->attached -= attached_to(resource);
	if (!resource->user) {
		resource->user = malloc(sizeof(bytes));
	}
	if (resource->user) {
		memcpy(resource->user, &bytes, sizeof(bytes));
		summary->attached += bytes;
	}
}

static void on_gone(void *opaque, struct vgt_resource *resource)
{
	struct trace_summary *summary = opaque;
	summary->attached -= attached_to(resource);
	summary->resources--;
	free(resource->user);
	resource->user = NULL;
}

/* When it is known what came of the command before. */
static void note_most(struct trace_summary *summary)
{
	if (summary->resources > summary->resources_most) {
		summary->resources_most = summary->resources;
	}
	if (summary->attached > summary->attached_most) {
		summary->attached_most = summary->attached;
	}
}

static uint64_t sum_of(const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		bytes += entries[i].length;
	}
	return bytes;
}

/* The model has it. */
static void created_resource(
	struct trace_summary *summary, const struct vgt_record *record, uint32_t id)
{
	struct vgt_resource *resource = vgt_model_resource(summary->work->model, id);
	summary->resources_created++;
	summary->work->pending_imported = (record->flags & VGT_RECORD_IMPORTED) != 0;
	summary->resources_imported += summary->work->pending_imported;
	take_back_later(summary, record);
	if (!resource) {
		return; /* one more than are followed */
	}
	summary->resources++;
	if (record->type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB) {
		const struct virtio_gpu_resource_create_blob *create = record->payload;
		set_attached(summary, resource,
			sum_of((const void *)(create + 1), create->nr_entries));
	}
}

static void attach(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct virtio_gpu_resource_attach_backing *command = record->payload;
	struct vgt_resource *resource =
		vgt_model_resource(summary->work->model, command->resource_id);
	if (resource) {
		summary->work->pending_resource = command->resource_id;
		summary->work->pending_attached = attached_to(resource);
		take_back_later(summary, record);
		set_attached(summary, resource,
			sum_of((const void *)(command + 1), command->nr_entries));
	}
}

static void detach(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct virtio_gpu_resource_detach_backing *command = record->payload;
	struct vgt_resource *resource =
		vgt_model_resource(summary->work->model, command->resource_id);
	if (resource) {
		set_attached(summary, resource, 0);
	}
}

/* The command before has failed: what it was counted for has not happened. */
static void take_back(struct trace_summary *summary)
{
	struct trace_summary_work *work = summary->work;
	struct vgt_resource *resource;
	switch (work->pending_type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
		summary->contexts_created--;
		if (work->pending_contexts < summary->contexts_count) {
			summary->contexts[work->pending_contexts].created--;
		}
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		resource = vgt_model_resource(work->model, work->pending_resource);
		if (resource) {
			set_attached(summary, resource, work->pending_attached);
		}
		break;
	default: /* a resource; that it lives the model takes back */
		summary->resources_created--;
		summary->resources_imported -= work->pending_imported;
		break;
	}
	work->pending_type = 0;
}

/* Transfers */

static void count_transfer(struct trace_summary *summary, const struct vgt_transfer *transfer,
	uint64_t memory_size)
{
	struct trace_moved *moved = transfer->to_host ? &summary->to_host : &summary->from_host;
	const uint64_t extent = transfer->resource ? vgt_transfer_extent(transfer) : 0;
	const uint64_t there =
		memory_size > transfer->offset ? memory_size - transfer->offset : 0;
	moved->count++;
	moved->bytes += extent < there ? extent : there;
}

/* The model's hook: one inside a submit. */
static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	count_transfer(opaque, transfer, attached_to(transfer->memory));
}

static void take_transfer(struct trace_summary *summary, const struct vgt_record *record)
{
	struct virtio_gpu_transfer_host_3d as_3d;
	const struct virtio_gpu_transfer_host_3d *command = record->payload;
	if (record->type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D) {
		as_3d = vgt_transfer_2d_as_3d(record->payload);
		command = &as_3d;
	}
	const struct vgt_transfer transfer = vgt_transfer_of(summary->work->model, command);
	count_transfer(summary, &transfer,
		record->flags & VGT_RECORD_OWN_IOV ? summary->work->own_iov
		: transfer.memory                  ? attached_to(transfer.memory)
						   : 0);
}

static void take_iov(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct vgt_iov *iov = record->payload;
	const uint32_t *lengths = (const void *)(iov + 1);
	summary->work->own_iov = 0;
	for (uint32_t i = 0; i < iov->count; i++) {
		summary->work->own_iov += lengths[i];
	}
}

/* Frames */

static void count_size(struct trace_summary *summary, const struct trace_size *size)
{
	for (size_t i = 0; i < summary->size_count; i++) {
		struct trace_size *known = &summary->sizes[i];
		if (known->width == size->width && known->height == size->height &&
			known->format == size->format) {
			known->frames++;
			return;
		}
	}
	if (summary->size_count < TRACE_SUMMARY_SIZES) {
		summary->sizes[summary->size_count++] = *size;
	} else {
		summary->left_out = true;
	}
}

static void take_frame(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct vgt_frame *frame = record->payload;
	const struct vgt_resource *resource =
		frame->resource_id
			? vgt_model_resource(summary->work->model, frame->resource_id)
			: NULL;
	const struct trace_size size = {.frames = 1,
		.width = frame->width,
		.height = frame->height,
		.format = resource ? resource->format : 0};
	summary->frame_rules[frame->rule <= VGT_FRAME_MARKER ? frame->rule : VGT_FRAME_AUTO]++;
	if (frame->scanout_id < VIRTIO_GPU_MAX_SCANOUTS) {
		struct trace_scanout *scanout = &summary->scanouts[frame->scanout_id];
		scanout->frames++;
		scanout->width = frame->width;
		scanout->height = frame->height;
	}
	if (summary->records[VGT_RECORD_FRAME] == 1) {
		summary->first_frame_ns = record->time_ns;
	}
	summary->last_frame_ns = record->time_ns;
	count_size(summary, &size);
}

double trace_summary_frame_rate(const struct trace_summary *summary)
{
	const uint64_t frames = summary->records[VGT_RECORD_FRAME];
	return frames > 1 && summary->last_frame_ns > summary->first_frame_ns
		       ? (double)(frames - 1) * 1e9 /
				 (double)(summary->last_frame_ns - summary->first_frame_ns)
		       : 0;
}

const char *trace_frame_rule_name(enum vgt_frame_rule rule)
{
	return rule == VGT_FRAME_AUTO ? "other" : frame_rule_name(rule);
}

static int more_frames(const void *a, const void *b)
{
	const struct trace_size *first = a, *second = b;
	return first->frames < second->frames ? 1 : first->frames > second->frames ? -1 : 0;
}

/* What went wrong, and notes */

static void count_fault(struct trace_fault *fault, uint64_t command)
{
	if (!fault->count++) {
		fault->first = command;
	}
}

static void take_response(struct trace_summary *summary, const struct vgt_record *record)
{
	const struct vgt_response *response = record->payload;
	if (!response->result) {
		return;
	}
	count_fault(
		response->class == VGT_RESPONSE_REFUSED ? &summary->refused : &summary->failed,
		response->command);
	if (summary->work->pending_type &&
		response->command == summary->work->pending_command) {
		take_back(summary);
	}
}

static void take_mark(struct trace_summary *summary, const struct vgt_record *record)
{
	if (summary->mark_count < TRACE_SUMMARY_MARKS) {
		struct trace_mark *mark = &summary->marks[summary->mark_count++];
		mark->command = record->command;
		mark->length =
			record->size < sizeof(mark->text) ? record->size : sizeof(mark->text);
		memcpy(mark->text, record->payload, mark->length);
	}
}

/* Records */

/* What the model has not been fed yet is about to happen. */
static void take_before(struct trace_summary *summary, const struct vgt_record *record)
{
	switch (record->type) {
	case VIRTIO_GPU_CMD_CTX_CREATE:
		create_context(summary, record);
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		take_submit(summary, record);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		take_transfer(summary, record);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		attach(summary, record);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		detach(summary, record);
		break;
	case VGT_RECORD_META:
		take_meta(summary, record);
		break;
	case VGT_RECORD_CAPSET:
		take_capset(summary, record);
		break;
	case VGT_RECORD_MEM:
		summary->recorded += record->size - sizeof(struct vgt_mem);
		break;
	case VGT_RECORD_IOV:
		take_iov(summary, record);
		break;
	case VGT_RECORD_RESPONSE:
		take_response(summary, record);
		break;
	case VGT_RECORD_FENCE:
		if (((const struct vgt_fence *)record->payload)->event == VGT_FENCE_FAILED) {
			count_fault(&summary->bad_fences, record->command);
		}
		break;
	case VGT_RECORD_FRAME:
		take_frame(summary, record);
		break;
	case VGT_RECORD_MARK:
		take_mark(summary, record);
		break;
	case VGT_RECORD_RESET:
		summary->device_resets +=
			((const struct vgt_reset *)record->payload)->kind == VGT_RESET_DEVICE;
		break;
	case VGT_RECORD_BAD_COMMAND:
		count_fault(&summary->bad, record->command);
		break;
	default:
		break;
	}
}

static void take_after(struct trace_summary *summary, const struct vgt_record *record)
{
	switch (record->type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		/* all have the id in the same place */
		created_resource(summary, record,
			((const struct virtio_gpu_resource_create_2d *)record->payload)
				->resource_id);
		break;
	default:
		break;
	}
}

static void take_record(struct trace_summary *summary, const struct vgt_record *record)
{
	summary->records[record->type]++;
	summary->last_ns = record->time_ns;
	if (vgt_record_is_command(record->type)) {
		note_most(summary);
	}
	take_before(summary, record);
	vgt_model_feed(summary->work->model, record->type, record->payload, record->size,
		record->command);
	take_after(summary, record);
}

/* The trace */

static void add_gap(struct trace_summary *summary, const struct trace_gap *gap)
{
	if (summary->gap_count < TRACE_SUMMARY_GAPS) {
		summary->gaps[summary->gap_count] = *gap;
	}
	summary->gap_count++;
	summary->commands_lost += gap->commands_lost;
	summary->frames_lost += gap->frames_lost;
}

/* Goes on behind the damage. Nothing is known there of what was made before. */
static bool skip_damage(struct trace_summary *summary, struct vgt_reader *reader)
{
	static const struct vgt_reset reset = {.kind = VGT_RESET_CLEANUP};
	struct vgt_gap gap;
	if (!vgt_reader_resync(reader, &gap, NULL)) {
		return false;
	}
	const struct trace_gap lost = {.begin = gap.begin,
		.end = gap.end,
		.command = gap.before.commands,
		.commands_lost = gap.after.commands - gap.before.commands,
		.frames_lost = gap.after.frames - gap.before.frames};
	note_most(summary);
	add_gap(summary, &lost);
	summary->work->pending_type = 0;
	vgt_model_feed(summary->work->model, VGT_RECORD_RESET, &reset, sizeof(reset), 0);
	return true;
}

static void note_damage(struct trace_summary *summary, const struct vgt_err *damage)
{
	if (!summary->damaged) {
		summary->damaged = true;
		summary->damage = *damage;
	}
}

/* Nothing good follows; the tail may say how much there was. */
static void count_lost_end(struct trace_summary *summary, const struct vgt_reader *reader,
	const struct vgt_err *damage)
{
	struct vgt_position *all = &summary->all;
	const struct vgt_index *chunks = vgt_reader_chunks(reader);
	const struct vgt_index_header *totals = &chunks->totals;
	if (!chunks->count || totals->records <= all->records ||
		totals->commands < all->commands || totals->frames < all->frames) {
		return;
	}
	const uint64_t last = chunks->entries[chunks->count - 1].file_pos;
	const struct trace_gap lost = {.begin = damage->offset,
		.end = last > damage->offset ? last : damage->offset,
		.command = all->commands,
		.commands_lost = totals->commands - all->commands,
		.frames_lost = totals->frames - all->frames};
	add_gap(summary, &lost);
	all->sequence = chunks->count;
	all->stream_pos = totals->stream_size;
	all->records = totals->records;
	all->commands = totals->commands;
	all->frames = totals->frames;
}

static bool read_records(struct trace_summary *summary, struct vgt_reader *reader,
	const char *shown, struct vgt_err *err)
{
	struct vgt_record record;
	for (;;) {
		switch (vgt_reader_next(reader, &record, err)) {
		case VGT_READ_RECORD:
			take_record(summary, &record);
			progress_reader(shown, reader);
			continue;
		case VGT_READ_END:
			/* a chunk without an end may have others behind it */
			if (vgt_reader_end(reader) != VGT_END_CUT || !vgt_reader_torn(reader) ||
				!skip_damage(summary, reader)) {
				return true;
			}
			vgt_err_set(err, VGT_ERR_MALFORMED,
				summary->gaps[(summary->gap_count - 1) % TRACE_SUMMARY_GAPS]
					.begin,
				"chunk is damaged: it has no end");
			note_damage(summary, err);
			continue;
		case VGT_READ_ERROR:
			break;
		}
		if (!vgt_err_is_of_trace(err->code)) {
			return false;
		}
		if (err->code == VGT_ERR_VERSION || !skip_damage(summary, reader)) {
			if (!vgt_reader_passed(reader).records) {
				return false; /* no trace at all */
			}
			note_damage(summary, err);
			summary->stopped = true;
			return true;
		}
		note_damage(summary, err);
	}
}

bool trace_summary_read(struct trace_summary *summary, struct vgt_reader *reader,
	const char *shown, struct vgt_err *err)
{
	if (!read_records(summary, reader, shown, err)) {
		return false;
	}
	note_most(summary);
	qsort(summary->sizes, summary->size_count, sizeof(summary->sizes[0]), more_frames);
	summary->trace_id = vgt_reader_trace_id(reader);
	summary->minor = vgt_reader_minor(reader);
	summary->all = vgt_reader_passed(reader);
	if (summary->stopped) {
		count_lost_end(summary, reader, err);
	}
	summary->end = vgt_reader_end(reader);
	summary->ring_unseen =
		summary->end == VGT_END_RECORDING &&
		!vgt_ring_in_use(vgt_reader_ring_path(reader), summary->trace_id);
	summary->overflowed = vgt_model_overflowed(summary->work->model);
	return true;
}

struct trace_summary *trace_summary_create(void)
{
	struct trace_summary *summary = calloc(1, sizeof(*summary));
	struct trace_summary_work *work = calloc(1, sizeof(*work));
	if (!summary || !work) {
		free(summary);
		free(work);
		return NULL;
	}
	const struct vgt_model_hooks hooks = {
		.opaque = summary,
		.virgl = on_virgl,
		.transfer = on_transfer,
		.gone = on_gone,
	};
	summary->work = work;
	work->model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	summary->meta = json_object_new_object();
	if (!work->model || !summary->meta) {
		trace_summary_destroy(summary);
		return NULL;
	}
	return summary;
}

void trace_summary_destroy(struct trace_summary *summary)
{
	if (summary) {
		vgt_model_destroy(summary->work->model);
		json_object_put(summary->meta);
		free(summary->work);
		free(summary);
	}
}
