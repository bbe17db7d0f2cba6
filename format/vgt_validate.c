/* SPDX-License-Identifier: MIT */
#include "vgt_validate.h"

#include "vgt_model.h"
#include "vgt_record_desc.h"
#include "vgt_transfer.h"
#include "virgl_desc.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames that one command may end before further ones are no longer compared. */
#define FRAMES_MAX 64

/* So many of the last commands are known to be answered or not. */
#define ANSWERED_MAX 256

struct vgt_validator {
	void (*report)(void *opaque, const struct vgt_violation *violation);
	void *opaque;
	struct vgt_model *model;

	uint64_t command;       /* being fed, or next */
	uint32_t virgl_command; /* being fed, or VGT_NO_VIRGL_COMMAND */
	const char *name;       /* of what is being fed */
	uint32_t ctx_id;        /* whose virgl command is being fed */
	size_t walked;          /* dwords of the submit that commands took */
	bool continues;         /* what is being fed is a further part of a long shader */

	uint64_t iov_size; /* bytes of the last IOV's memory, until a command has used it */
	uint32_t attach_resource; /* of the last RESOURCE_ATTACH_BACKING, 0: none */

	uint64_t last_command;               /* that was fed */
	struct vgt_frame frames[FRAMES_MAX]; /* that it ended, by the rule */
	size_t frame_count, frames_seen;

	struct {
		uint64_t command;
		uint32_t classes; /* a bit for each of its responses' */
	} answered[ANSWERED_MAX];
};

__attribute__((format(printf, 2, 3))) static void violation(
	struct vgt_validator *validator, const char *format, ...)
{
	char message[320];
	int length = snprintf(message, sizeof(message), "%s: ", validator->name);
	va_list args;
	va_start(args, format);
	vsnprintf(message + length, sizeof(message) - (size_t)length, format, args);
	va_end(args);
	const struct vgt_violation found = {
		validator->command, validator->virgl_command, message};
	validator->report(validator->opaque, &found);
}

/* Handles */

static bool in_submit(const struct vgt_validator *validator)
{
	return validator->virgl_command != VGT_NO_VIRGL_COMMAND;
}

static bool lives(struct vgt_validator *validator, enum vgt_handle_kind kind, uint32_t handle)
{
	struct vgt_model *model = validator->model;
	switch (kind) {
	case VGT_HANDLE_RESOURCE:
		return vgt_model_resource(model, handle) != NULL;
	case VGT_HANDLE_CONTEXT:
		return vgt_model_has_context(model, handle);
	case VGT_HANDLE_SUB_CONTEXT:
		return vgt_model_has_sub_context(model, validator->ctx_id, handle);
	case VGT_HANDLE_SCANOUT:
		return handle < VIRTIO_GPU_MAX_SCANOUTS;
	case VGT_HANDLE_VIDEO_CODEC:
	case VGT_HANDLE_VIDEO_BUFFER:
		return vgt_model_has_video_object(model, validator->ctx_id, kind, handle);
	case VGT_HANDLE_BLOB:
		return false; /* ids of what is to become a resource are not followed */
	default:
		return vgt_model_object(model, validator->ctx_id, handle) != NULL;
	}
}

/* What is used must exist, and be of the kind. */
static void check_use(
	struct vgt_validator *validator, const struct vgt_field *field, uint32_t handle)
{
	const char *kind = vgt_handle_kind_name(field->handle);
	if (!lives(validator, field->handle, handle)) {
		violation(validator, "%s is %s %" PRIu32 ", which does not exist", field->name,
			kind, handle);
	} else if (field->handle == VGT_HANDLE_RESOURCE) {
		if (in_submit(validator) &&
			!vgt_model_is_attached(validator->model, validator->ctx_id, handle)) {
			violation(validator,
				"%s is resource %" PRIu32
				", which is not attached to context %" PRIu32,
				field->name, handle, validator->ctx_id);
		}
	} else if (field->handle < VGT_HANDLE_OBJECT) {
		const struct vgt_object *object =
			vgt_model_object(validator->model, validator->ctx_id, handle);
		if (object->type != field->handle) {
			violation(validator, "%s is %s %" PRIu32 ", a %s expected", field->name,
				vgt_handle_kind_name(object->type), handle, kind);
		}
	}
}

static void check_handle(
	struct vgt_validator *validator, const struct vgt_field *field, uint32_t handle)
{
	const char *kind = vgt_handle_kind_name(field->handle);
	if (vgt_model_overflowed(validator->model)) {
		return;
	}
	bool can_be_zero =
		field->handle == VGT_HANDLE_SUB_CONTEXT || field->handle == VGT_HANDLE_SCANOUT;
	if (handle == 0 && !can_be_zero) {
		if (!(field->use & VGT_USE_OR_NONE)) {
			violation(validator, "%s is 0, %s %s expected", field->name,
				field->handle == VGT_HANDLE_OBJECT ? "an" : "a", kind);
		}
	} else if (!(field->use & VGT_USE_DEFINE) || validator->continues) {
		check_use(validator, field, handle);
	} else if (lives(validator, field->handle, handle)) {
		if (field->handle < VGT_HANDLE_OBJECT) {
			/* one namespace: it may be of another kind */
			kind = vgt_handle_kind_name(
				vgt_model_object(validator->model, validator->ctx_id, handle)
					->type);
		}
		violation(validator, "%s is %s %" PRIu32 ", which exists already", field->name,
			kind, handle);
	}
}

/* Fields */

static void check_flags(struct vgt_validator *validator, const struct vgt_value *value)
{
	uint64_t unnamed = value->number;
	for (const struct vgt_name *name = value->field->names; name->name; name++) {
		unnamed &= ~(uint64_t)name->value;
	}
	if (unnamed) {
		violation(validator, "%s has unknown bits 0x%" PRIx64, value->field->name,
			unnamed);
	}
}

static void check_value(struct vgt_validator *validator, const struct vgt_value *value)
{
	const struct vgt_field *field = value->field;
	switch ((enum vgt_field_type)field->type) {
	case VGT_FIELD_HANDLE:
		check_handle(validator, field, (uint32_t)value->number);
		break;
	case VGT_FIELD_FORMAT:
		if (!vgt_format_get((uint32_t)value->number)) {
			violation(validator, "%s %" PRIu64 " is unknown", field->name,
				value->number);
		}
		break;
	case VGT_FIELD_ENUM:
		if (field->strict && !vgt_name_of(field->names, (uint32_t)value->number)) {
			violation(validator, "%s %" PRIu64 " is unknown", field->name,
				value->number);
		}
		break;
	case VGT_FIELD_FLAGS:
		if (field->strict) {
			check_flags(validator, value);
		}
		break;
	default:
		if (field->below && value->number >= field->below) {
			violation(validator, "%s is %" PRIu64 ", less than %u expected",
				field->name, value->number, field->below);
		}
		break;
	}
}

/* Slots from `first` on: as many as the part behind sets must be there. */
static void check_slots(struct vgt_validator *validator, const struct vgt_layout *layout,
	const struct vgt_value *first)
{
	const struct vgt_part *part = first->part + 1;
	uint32_t count = layout->part[part - layout->desc->parts].count;
	if (count && first->number + count > part->max) {
		violation(validator, "%s %" PRIu64 " and %" PRIu32 " times %s, there are %u",
			first->field->name, first->number, count, part->name, part->max);
	} else {
		check_value(validator, first);
	}
}

/* Of what has been measured. */
static void check_fields(struct vgt_validator *validator, const struct vgt_layout *layout)
{
	struct vgt_walk walk;
	struct vgt_value value;
	vgt_walk_begin(&walk, layout);
	while (vgt_walk_next(&walk, &value)) {
		if (value.field->type == VGT_FIELD_SLOT) {
			check_slots(validator, layout, &value);
		} else {
			check_value(validator, &value);
		}
	}
}

/* What could not be measured; the message has the name already. */
static void malformed(struct vgt_validator *validator, const struct vgt_err *err)
{
	const struct vgt_violation found = {
		validator->command, validator->virgl_command, err->message};
	validator->report(validator->opaque, &found);
}

static void check_payload(struct vgt_validator *validator, const struct vgt_desc *desc,
	const struct vgt_record *record)
{
	struct vgt_layout layout;
	struct vgt_err err;
	validator->name = desc->name;
	if (vgt_desc_measure(desc, record->payload, record->size, &layout, &err)) {
		check_fields(validator, &layout);
	} else {
		malformed(validator, &err);
	}
}

/* Transfers */

/* Of a resource's backing: the model's feeder keeps it. */
struct backing {
	uint64_t size;
	uint64_t command; /* that attached it */
};

static void add_backing(struct vgt_resource *resource, uint64_t size, uint64_t command)
{
	struct backing *backing = calloc(1, sizeof(*backing));
	if (backing) {
		backing->size = size;
		backing->command = command;
	}
	resource->user = backing;
}

static uint64_t sum_of(const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < count; i++) {
		sum += entries[i].length;
	}
	return sum;
}

static void on_gone(void *opaque, struct vgt_resource *resource)
{
	(void)opaque;
	free(resource->user);
	resource->user = NULL;
}

static void check_memory(
	struct vgt_validator *validator, const struct vgt_transfer *transfer, uint64_t size)
{
	struct vgt_err err;
	if (!vgt_transfer_check(transfer, size, &err)) {
		violation(validator, "%s", err.message);
	}
}

static void check_transfer(struct vgt_validator *validator, const struct vgt_transfer *transfer)
{
	const struct backing *backing = transfer->memory->user;
	if (backing) {
		check_memory(validator, transfer, backing->size);
	} else {
		violation(
			validator, "resource %" PRIu32 " has no backing", transfer->memory->id);
	}
}

static void on_transfer(void *opaque, const struct vgt_transfer *transfer)
{
	check_transfer(opaque, transfer);
}

/* The data of a RESOURCE_INLINE_WRITE lies in the command. */
static void check_inline_write(
	struct vgt_validator *validator, const struct virgl_command *command)
{
	const uint32_t *dwords = command->dwords;
	struct vgt_transfer write = {
		.resource = vgt_model_resource(
			validator->model, dwords[VIRGL_RESOURCE_IW_RES_HANDLE]),
		.level = dwords[VIRGL_RESOURCE_IW_LEVEL],
		.stride = dwords[VIRGL_RESOURCE_IW_STRIDE],
		.layer_stride = dwords[VIRGL_RESOURCE_IW_LAYER_STRIDE],
		.to_host = true,
	};
	memcpy(&write.box, dwords + VIRGL_RESOURCE_IW_X, sizeof(write.box));
	if (write.resource) {
		check_memory(validator, &write,
			(command->length - (VIRGL_RESOURCE_IW_DATA_START - 1)) * UINT64_C(4));
	}
}

/* Virgl commands */

static void check_bound(struct vgt_validator *validator, enum pipe_shader_type stage)
{
	if (!vgt_model_overflowed(validator->model) &&
		!vgt_model_bound_shader(validator->model, validator->ctx_id, stage)) {
		violation(validator, "no %s shader is bound",
			vgt_name_of(virgl_shader_stages, stage));
	}
}

static void on_virgl(
	void *opaque, uint32_t ctx_id, const struct virgl_command *command, uint32_t number)
{
	struct vgt_validator *validator = opaque;
	validator->virgl_command = number;
	validator->ctx_id = ctx_id;
	validator->walked += command->length + 1;
	struct vgt_layout layout;
	struct vgt_err err;
	bool measured = virgl_desc_measure(command, &layout, &err);
	if (!layout.desc) {
		validator->name = "virgl command";
		violation(validator, "operation %u, object type %u is unknown", command->op,
			command->object);
		return;
	}
	validator->name = layout.desc->name;
	if (!measured) {
		malformed(validator, &err);
		return;
	}
	validator->continues =
		command->op == VIRGL_CCMD_CREATE_OBJECT &&
		command->object == VIRGL_OBJECT_SHADER &&
		(command->dwords[VIRGL_OBJ_SHADER_OFFSET] & VIRGL_OBJ_SHADER_OFFSET_CONT);
	check_fields(validator, &layout);
	switch (command->op) {
	case VIRGL_CCMD_DRAW_VBO:
		/* vrend_select_program */
		check_bound(validator, PIPE_SHADER_VERTEX);
		check_bound(validator, PIPE_SHADER_FRAGMENT);
		break;
	case VIRGL_CCMD_LAUNCH_GRID:
		check_bound(validator, PIPE_SHADER_COMPUTE);
		break;
	case VIRGL_CCMD_RESOURCE_INLINE_WRITE:
		check_inline_write(validator, command);
		break;
	default:
		break;
	}
}

/* What is left of a submit where its last command runs past the end. */
static void check_submit_end(
	struct vgt_validator *validator, const struct virtio_gpu_cmd_submit *submit)
{
	size_t count = submit->size / sizeof(uint32_t);
	if (!vgt_model_context_is_virgl(validator->model, submit->hdr.ctx_id)) {
		return;
	}
	if (validator->walked < count) {
		const uint32_t *dwords = virtio_gpu_submit_commands(submit, submit + 1);
		const uint32_t header = dwords[validator->walked];
		const char *name = virgl_ccmd_name(header & 0xff);
		validator->virgl_command++;
		validator->name = name ? name : "virgl command";
		violation(validator,
			"is cut short: %" PRIu32 " dwords announced, %zu are there",
			header >> 16, count - validator->walked - 1);
		validator->virgl_command = VGT_NO_VIRGL_COMMAND;
	}
	if (submit->size % sizeof(uint32_t)) {
		validator->virgl_command = VGT_NO_VIRGL_COMMAND;
		validator->name = "SUBMIT_3D";
		violation(validator, "ends within a dword: %" PRIu32 " bytes", submit->size);
	}
}

/* Control commands */

/* Levels and samples. */
static void check_levels(struct vgt_validator *validator,
	const struct virtio_gpu_resource_create_3d *create, const char *name)
{
	const uint32_t target = create->target;
	const uint64_t levels = create->last_level + UINT64_C(1);
	if (create->nr_samples > 1 &&
		((target != PIPE_TEXTURE_2D && target != PIPE_TEXTURE_2D_ARRAY) ||
			create->last_level)) {
		violation(validator,
			"a %s with %" PRIu64 " levels cannot have %" PRIu32 " samples", name,
			levels, create->nr_samples);
	}
	if (!create->last_level) {
		return;
	}
	uint32_t most = 0; /* floor(log2(size)) + 1; the renderer lets one too many pass */
	for (uint32_t size = create->width | create->height; size; size >>= 1) {
		most++;
	}
	if (target == PIPE_BUFFER || target == PIPE_TEXTURE_RECT) {
		violation(validator, "a %s has one level, not %" PRIu64, name, levels);
	} else if (create->last_level > most) {
		violation(validator,
			"%" PRIu32 "x%" PRIu32 " texels cannot have %" PRIu64 " levels",
			create->width, create->height, levels);
	}
}

/* Bind flags that make a buffer where they stand alone. */
static bool is_buffer_bind(uint32_t bind)
{
	switch (bind) {
	case 0:
	case VIRGL_BIND_CUSTOM:
	case VIRGL_BIND_STAGING:
	case VIRGL_BIND_INDEX_BUFFER:
	case VIRGL_BIND_STREAM_OUTPUT:
	case VIRGL_BIND_VERTEX_BUFFER:
	case VIRGL_BIND_CONSTANT_BUFFER:
	case VIRGL_BIND_QUERY_BUFFER:
	case VIRGL_BIND_COMMAND_ARGS:
	case VIRGL_BIND_SHADER_BUFFER:
		return true;
	default:
		return false;
	}
}

/* What bind flags and target have to do with each other, and the size that follows. */
static void check_bind(struct vgt_validator *validator,
	const struct virtio_gpu_resource_create_3d *create, const char *name)
{
	const uint32_t texture_binds = VIRGL_BIND_SAMPLER_VIEW | VIRGL_BIND_DEPTH_STENCIL |
				       VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_CURSOR |
				       VIRGL_BIND_SHARED | VIRGL_BIND_LINEAR;
	const uint32_t target = create->target;
	const bool is_buffer = is_buffer_bind(create->bind);
	const bool is_cube = target == PIPE_TEXTURE_CUBE || target == PIPE_TEXTURE_CUBE_ARRAY;
	if (is_buffer && target != PIPE_BUFFER) {
		violation(validator, "a %s cannot have bind 0x%" PRIx32 ", which is a buffer's",
			name, create->bind);
		return;
	}
	if (!is_buffer && !(create->bind & texture_binds)) {
		violation(validator, "bind 0x%" PRIx32 " is neither a buffer's nor a texture's",
			create->bind);
		return;
	}
	if (is_buffer || target == PIPE_TEXTURE_1D || target == PIPE_TEXTURE_1D_ARRAY) {
		if (create->height != 1 || create->depth != 1) {
			violation(validator,
				"a %s has height and depth 1, not %" PRIu32 " and %" PRIu32,
				name, create->height, create->depth);
		}
	} else if (target != PIPE_BUFFER && target != PIPE_TEXTURE_3D && create->depth != 1) {
		violation(validator, "a %s has depth 1, not %" PRIu32, name, create->depth);
	}
	if (is_cube && create->width != create->height) {
		violation(validator, "a %s has square faces, not %" PRIu32 "x%" PRIu32, name,
			create->width, create->height);
	}
}

/* check_resource_valid, as far as it does not depend on the host */
static void check_resource(
	struct vgt_validator *validator, const struct virtio_gpu_resource_create_3d *create)
{
	const uint32_t target = create->target;
	const char *name = vgt_name_of(virgl_texture_targets, target);
	bool is_array = target == PIPE_TEXTURE_1D_ARRAY || target == PIPE_TEXTURE_2D_ARRAY;
	bool is_cube = target == PIPE_TEXTURE_CUBE || target == PIPE_TEXTURE_CUBE_ARRAY;
	if (!name) {
		return; /* has been told */
	}
	check_levels(validator, create, name);
	if ((create->flags & VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP) && target != PIPE_TEXTURE_2D &&
		target != PIPE_TEXTURE_RECT) {
		violation(validator, "a %s cannot have the flag Y_0_TOP", name);
	}
	if ((is_cube && (create->array_size % 6 ||
				(target == PIPE_TEXTURE_CUBE && create->array_size != 6))) ||
		(!is_cube && !is_array && create->array_size > 1)) {
		violation(validator, "a %s cannot have array_size %" PRIu32, name,
			create->array_size);
	}
	if (target != PIPE_BUFFER && !create->width) {
		violation(validator, "width is 0");
	}
	check_bind(validator, create, name);
}

static void check_control_transfer(
	struct vgt_validator *validator, const struct vgt_record *record)
{
	struct virtio_gpu_transfer_host_3d as_3d;
	const struct virtio_gpu_transfer_host_3d *command = record->payload;
	if (record->type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D) {
		as_3d = vgt_transfer_2d_as_3d(record->payload);
		command = &as_3d;
	}
	struct vgt_transfer transfer = vgt_transfer_of(validator->model, command);
	if (!transfer.resource) {
		return;
	}
	if (record->flags & VGT_RECORD_OWN_IOV) {
		check_memory(validator, &transfer, validator->iov_size);
	} else {
		check_transfer(validator, &transfer);
	}
}

static void attach_backing(struct vgt_validator *validator, const struct vgt_record *record)
{
	const struct virtio_gpu_resource_attach_backing *attach = record->payload;
	const struct virtio_gpu_mem_entry *entries = (const void *)(attach + 1);
	struct vgt_resource *resource =
		vgt_model_resource(validator->model, attach->resource_id);
	if (!resource) {
		return;
	}
	if (resource->user) {
		violation(validator, "resource %" PRIu32 " has a backing already",
			attach->resource_id);
		return;
	}
	add_backing(resource, sum_of(entries, attach->nr_entries), record->command);
	validator->attach_resource = attach->resource_id;
}

static void drop_backing(struct vgt_validator *validator, uint32_t resource_id)
{
	struct vgt_resource *resource = vgt_model_resource(validator->model, resource_id);
	if (resource) {
		on_gone(NULL, resource);
	}
}

/* What a blob brings with it. */
static void attach_blob(struct vgt_validator *validator, const struct vgt_record *record)
{
	const struct virtio_gpu_resource_create_blob *blob = record->payload;
	const struct virtio_gpu_mem_entry *entries = (const void *)(blob + 1);
	struct vgt_resource *resource = vgt_model_resource(validator->model, blob->resource_id);
	if (resource && blob->nr_entries) {
		add_backing(resource, sum_of(entries, blob->nr_entries), record->command);
	}
}

/* Before the command executes. */
static void check_command(struct vgt_validator *validator, const struct vgt_record *record)
{
	const struct vgt_desc *desc = vgt_record_desc(record->type);
	if (!desc) {
		validator->name = "control command";
		violation(validator, "type 0x%04x is unknown", record->type);
		return;
	}
	check_payload(validator, desc, record);
	switch (record->type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D: {
		const struct virtio_gpu_resource_create_3d as_3d =
			vgt_model_2d_as_3d(record->payload);
		check_resource(validator, &as_3d);
		break;
	}
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		check_resource(validator, record->payload);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		check_control_transfer(validator, record);
		break;
	default:
		break;
	}
}

/* Storage that came from elsewhere: nobody knows its size. */
static void attach_imported(
	struct vgt_validator *validator, uint32_t resource_id, uint64_t command)
{
	struct vgt_resource *resource = vgt_model_resource(validator->model, resource_id);
	if (resource && !resource->user) {
		add_backing(resource, UINT64_MAX, command);
	}
}

/* When it has executed. */
static void follow_command(struct vgt_validator *validator, const struct vgt_record *record)
{
	switch (record->type) {
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		check_submit_end(validator, record->payload);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		if (record->flags & VGT_RECORD_IMPORTED) {
			const struct virtio_gpu_resource_create_3d *create = record->payload;
			attach_imported(validator, create->resource_id, record->command);
		}
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		attach_backing(validator, record);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		attach_blob(validator, record);
		if (record->flags & VGT_RECORD_IMPORTED) {
			const struct virtio_gpu_resource_create_blob *blob = record->payload;
			attach_imported(validator, blob->resource_id, record->command);
		}
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		drop_backing(validator,
			((const struct virtio_gpu_resource_detach_backing *)record->payload)
				->resource_id);
		break;
	default:
		break;
	}
	if (record->flags & VGT_RECORD_OWN_IOV) {
		validator->iov_size = 0;
	}
}

/* Frames */

static void on_frame(void *opaque, const struct vgt_frame *frame)
{
	struct vgt_validator *validator = opaque;
	if (validator->frame_count < FRAMES_MAX) {
		validator->frames[validator->frame_count] = *frame;
	}
	validator->frame_count++;
}

static void check_frame(struct vgt_validator *validator, const struct vgt_frame *frame)
{
	size_t number = validator->frames_seen++;
	if (vgt_model_overflowed(validator->model)) {
		return; /* the model does not know what is shown */
	}
	if (number >= validator->frame_count) {
		violation(validator, "no frame ends with the command before it");
	} else if (number < FRAMES_MAX &&
		   memcmp(frame, &validator->frames[number], sizeof(*frame)) != 0) {
		violation(validator, "is not what the commands before it say");
	}
}

/* Told where the frames ended. */
static void check_frames_recorded(struct vgt_validator *validator)
{
	if (validator->frames_seen < validator->frame_count &&
		!vgt_model_overflowed(validator->model)) {
		const size_t missing = validator->frame_count - validator->frames_seen;
		const uint64_t here = validator->command;
		validator->command = validator->last_command;
		validator->name = "FRAME";
		violation(validator, "%zu that ended with this command %s not recorded",
			missing, missing == 1 ? "is" : "are");
		validator->command = here;
	}
	validator->frame_count = validator->frames_seen = 0;
}

/* Records */

/* A command has one response of each class. */
static void check_answered(struct vgt_validator *validator, const struct vgt_response *response)
{
	size_t slot = response->command % ANSWERED_MAX;
	uint32_t class = response->class < 32 ? 1u << response->class : 0;
	if (validator->answered[slot].command < response->command) {
		validator->answered[slot].command = response->command;
		validator->answered[slot].classes = 0;
	} else if (validator->answered[slot].command > response->command) {
		return; /* too long ago */
	}
	if (validator->answered[slot].classes & class) {
		violation(validator,
			"answers @%" PRIu64 ", which has a response of this class already",
			response->command);
	}
	validator->answered[slot].classes |= class;
}

/* virtio 1.2, section 5.7.6.7, without the prefix that all have. */
static const char *error_name(int32_t type)
{
	switch (type) {
	case VIRTIO_GPU_RESP_ERR_UNSPEC:
		return "UNSPEC";
	case VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY:
		return "OUT_OF_MEMORY";
	case VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID:
		return "INVALID_SCANOUT_ID";
	case VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID:
		return "INVALID_RESOURCE_ID";
	case VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID:
		return "INVALID_CONTEXT_ID";
	case VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER:
		return "INVALID_PARAMETER";
	default:
		return "an unknown error";
	}
}

static void check_bad_command(struct vgt_validator *validator, const struct vgt_record *record)
{
	const struct vgt_bad_command *bad = record->payload;
	uint32_t type;
	if (record->size >= sizeof(*bad) + sizeof(type)) {
		memcpy(&type, bad + 1, sizeof(type));
		violation(validator,
			"%" PRIu64 " bytes of type 0x%04" PRIx32 " (%s) are no command",
			bad->size, type,
			type <= UINT16_MAX ? vgt_record_name((uint16_t)type) : "unknown");
	} else {
		violation(validator, "%" PRIu64 " bytes are no command", bad->size);
	}
}

static void check_response(struct vgt_validator *validator, const struct vgt_response *response)
{
	if (response->command >= validator->command) {
		violation(validator, "answers @%" PRIu64 ", which has not been given",
			response->command);
		return;
	}
	check_answered(validator, response);
	if (response->result) {
		/* told where it was asked */
		uint64_t here = validator->command;
		validator->command = response->command;
		validator->name = "response";
		if (response->class == VGT_RESPONSE_REFUSED) {
			violation(validator, "the device refused it: %s",
				error_name(response->result));
		} else {
			violation(validator, "the host refused it with %" PRId32,
				response->result);
		}
		validator->command = here;
	}
	/* where its resource was refused as well, an older one has the id again and its backing
	 */
	const struct vgt_resource *resource =
		vgt_model_resource(validator->model, validator->attach_resource);
	const struct backing *backing = resource ? resource->user : NULL;
	if (response->result && backing && backing->command == response->command) {
		drop_backing(validator, validator->attach_resource);
	}
}

static void check_guest_memory(struct vgt_validator *validator, const struct vgt_record *record)
{
	const struct vgt_mem *mem = record->payload;
	const struct vgt_resource *resource =
		vgt_model_resource(validator->model, mem->resource_id);
	const struct backing *backing = resource ? resource->user : NULL;
	uint64_t size = mem->flags & VGT_MEM_OWN_IOV ? validator->iov_size
						     : (backing ? backing->size : 0);
	uint64_t bytes = record->size - sizeof(*mem);
	if (!vgt_model_overflowed(validator->model) &&
		(mem->offset > size || bytes > size - mem->offset)) {
		violation(validator,
			"%" PRIu64 " bytes at %" PRIu64 " of resource %" PRIu32
			", whose memory has %" PRIu64,
			bytes, mem->offset, mem->resource_id, size);
	}
}

static void check_record(struct vgt_validator *validator, const struct vgt_record *record)
{
	validator->name = vgt_record_name(record->type);
	switch (record->type) {
	case VGT_RECORD_FRAME:
		/* all of it is what the commands say, or not */
		check_frame(validator, record->payload);
		break;
	case VGT_RECORD_RESPONSE:
		check_payload(validator, vgt_record_desc(record->type), record);
		check_response(validator, record->payload);
		break;
	case VGT_RECORD_BAD_COMMAND:
		check_bad_command(validator, record);
		break;
	case VGT_RECORD_FENCE:
	case VGT_RECORD_RESET:
		check_payload(validator, vgt_record_desc(record->type), record);
		break;
	case VGT_RECORD_MEM:
		check_guest_memory(validator, record);
		break;
	case VGT_RECORD_IOV: {
		const struct vgt_iov *iov = record->payload;
		const uint32_t *lengths = (const void *)(iov + 1);
		validator->iov_size = 0;
		for (uint32_t i = 0; i < iov->count; i++) {
			validator->iov_size += lengths[i];
		}
		break;
	}
	default:
		break;
	}
}

void vgt_validator_feed(struct vgt_validator *validator, const struct vgt_record *record)
{
	bool is_command = vgt_record_is_command(record->type);
	validator->command = record->command;
	validator->virgl_command = VGT_NO_VIRGL_COMMAND;
	validator->walked = 0;
	validator->continues = false;
	if (is_command) {
		check_frames_recorded(validator);
		validator->last_command = record->command;
		check_command(validator, record);
	} else {
		check_record(validator, record);
	}
	vgt_model_feed(
		validator->model, record->type, record->payload, record->size, record->command);
	if (is_command) {
		follow_command(validator, record);
	}
}

void vgt_validator_end(struct vgt_validator *validator)
{
	validator->virgl_command = VGT_NO_VIRGL_COMMAND;
	check_frames_recorded(validator);
}

struct vgt_validator *vgt_validator_create(
	void (*report)(void *opaque, const struct vgt_violation *violation), void *opaque)
{
	struct vgt_validator *validator = calloc(1, sizeof(*validator));
	if (!validator) {
		return NULL;
	}
	const struct vgt_model_hooks hooks = {.opaque = validator,
		.virgl = on_virgl,
		.transfer = on_transfer,
		.frame = on_frame,
		.gone = on_gone};
	validator->report = report;
	validator->opaque = opaque;
	validator->model = vgt_model_create(VGT_FRAME_AUTO, &hooks);
	if (!validator->model) {
		free(validator);
		return NULL;
	}
	return validator;
}

void vgt_validator_destroy(struct vgt_validator *validator)
{
	if (validator) {
		vgt_model_destroy(validator->model);
		free(validator);
	}
}

bool vgt_validator_overflowed(const struct vgt_validator *validator)
{
	return vgt_model_overflowed(validator->model);
}
