/* SPDX-License-Identifier: MIT */
#include "vgt_model.h"

#include "vgt_tree.h"
#include "virgl_desc.h"

#include <stdlib.h>
#include <string.h>

/* Every object starts with its key: see vgt_tree.h. */
struct object {
	uint64_t key;
};

struct resource_object {
	uint64_t key; /* resource id */
	struct vgt_resource resource;
	void *attachments; /* to contexts, by context id */
};

/* A resource attached to a context: in the resource's tree and in the context's list. */
struct attachment {
	uint64_t key; /* context id */
	struct resource_object *resource;
	struct attachment *next, **link;
};

struct virgl_object {
	uint64_t key; /* handle */
	struct vgt_object object;
};

struct sub_context {
	uint64_t key; /* sub-context id */
	void *objects;
	uint32_t color_resource; /* behind colour buffer 0 of the bound framebuffer, 0: none */
	uint32_t shaders[PIPE_SHADER_TYPES]; /* bound, 0: none */
};

/* Video codecs and buffers have a namespace each, of the context. */
struct video_object {
	uint64_t key; /* handle, and in the upper half enum vgt_handle_kind */
};

struct context {
	uint64_t key; /* context id */
	bool is_virgl;
	void *sub_contexts;
	struct sub_context *current;
	struct attachment *attachments;
	void *video_objects;
};

struct scanout {
	uint32_t resource_id;
	struct virtio_gpu_rect rect;
	uint64_t frame_work;
};

/* Operations of which the model follows some. */
#define FOLLOWED_MAX 64

struct vgt_model {
	uint32_t only_length[FOLLOWED_MAX]; /* dwords of a virgl command, 0: to be measured */
	enum vgt_frame_rule rule;
	enum vgt_frame_rule strongest; /* seen so far, where rule is AUTO */
	struct vgt_model_hooks hooks;
	void *resources;
	void *contexts;
	size_t objects;
	bool overflowed; /* something was not followed */
	struct scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
	uint64_t work; /* counts whatever may have changed a picture */
	/* the last creation, until its response is known */
	uint64_t created_command;
	uint16_t created_type; /* 0: none */
	uint32_t created_id;
	struct resource_object
		*replaced; /* that had the id, and has it again where it is denied */
	/* the last scanout that was set, until its response is known */
	uint64_t set_command;
	uint32_t set_scanout; /* VIRTIO_GPU_MAX_SCANOUTS: none */
	struct scanout unset; /* what it was before */
};

/* Trees */

/* Adds a zeroed object of `size` bytes that is not there yet. NULL: no memory or too many. */
static void *tree_add(struct vgt_model *model, void **tree, uint64_t key, size_t size)
{
	struct object *object = model->objects < VGT_MODEL_OBJECTS_MAX ? calloc(1, size) : NULL;
	if (object) {
		object->key = key;
	}
	if (!object || !tsearch(object, tree, vgt_tree_compare)) {
		model->overflowed = true;
		free(object);
		return NULL;
	}
	model->objects++;
	return object;
}

static void tree_remove(struct vgt_model *model, void **tree, void *object)
{
	tdelete(object, tree, vgt_tree_compare);
	model->objects--;
}

/* Removes and frees all objects that own nothing. */
static void tree_clear(struct vgt_model *model, void **tree)
{
	void *object;
	while ((object = vgt_tree_any(*tree))) {
		tree_remove(model, tree, object);
		free(object);
	}
}

/* Attachments */

static void attachment_remove(struct vgt_model *model, struct attachment *attachment)
{
	*attachment->link = attachment->next;
	if (attachment->next) {
		attachment->next->link = attachment->link;
	}
	tree_remove(model, &attachment->resource->attachments, attachment);
	free(attachment);
}

static void attach(struct vgt_model *model, uint32_t ctx_id, uint32_t resource_id)
{
	struct context *context = vgt_tree_find(&model->contexts, ctx_id);
	struct resource_object *resource = vgt_tree_find(&model->resources, resource_id);
	if (!context || !resource || vgt_tree_find(&resource->attachments, ctx_id)) {
		return;
	}
	struct attachment *attachment =
		tree_add(model, &resource->attachments, ctx_id, sizeof(*attachment));
	if (attachment) {
		attachment->resource = resource;
		attachment->next = context->attachments;
		attachment->link = &context->attachments;
		if (attachment->next) {
			attachment->next->link = &attachment->next;
		}
		context->attachments = attachment;
	}
}

static void detach(struct vgt_model *model, uint32_t ctx_id, uint32_t resource_id)
{
	struct resource_object *resource = vgt_tree_find(&model->resources, resource_id);
	struct attachment *attachment =
		resource ? vgt_tree_find(&resource->attachments, ctx_id) : NULL;
	if (attachment) {
		attachment_remove(model, attachment);
	}
}

bool vgt_model_is_attached(struct vgt_model *model, uint32_t ctx_id, uint32_t resource_id)
{
	struct resource_object *resource = vgt_tree_find(&model->resources, resource_id);
	return resource && vgt_tree_find(&resource->attachments, ctx_id);
}

/* Resources */

static void detach_all(struct vgt_model *model, struct resource_object *object)
{
	struct attachment *attachment;
	while ((attachment = vgt_tree_any(object->attachments))) {
		attachment_remove(model, attachment);
	}
}

static void resource_remove(struct vgt_model *model, struct resource_object *object)
{
	detach_all(model, object);
	tree_remove(model, &model->resources, object);
	if (model->hooks.gone) {
		model->hooks.gone(model->hooks.opaque, &object->resource);
	}
	free(object);
}

struct vgt_resource *vgt_model_resource(struct vgt_model *model, uint32_t id)
{
	struct resource_object *object = vgt_tree_find(&model->resources, id);
	return object ? &object->resource : NULL;
}

/* A creation under the same id has succeeded: what had it is gone. */
static void forget_replaced(struct vgt_model *model)
{
	struct resource_object *object = model->replaced;
	if (object) {
		model->replaced = NULL;
		detach_all(model, object);
		if (model->hooks.gone) {
			model->hooks.gone(model->hooks.opaque, &object->resource);
		}
		free(object);
	}
}

/*
 * virglrenderer replaces a resource whose id is used again, if it accepts the creation at all
 * (virgl_renderer_resource_create_internal); until that is known the older one is set aside.
 */
static struct vgt_resource *resource_add(struct vgt_model *model, uint32_t id)
{
	forget_replaced(model);
	struct resource_object *object = vgt_tree_find(&model->resources, id);
	if (object) {
		tree_remove(model, &model->resources, object);
		model->replaced = object;
	}
	object = tree_add(model, &model->resources, id, sizeof(*object));
	if (!object) {
		return NULL;
	}
	object->resource.id = id;
	return &object->resource;
}

static void create_3d(
	struct vgt_model *model, const struct virtio_gpu_resource_create_3d *command)
{
	struct vgt_resource *resource = resource_add(model, command->resource_id);
	if (resource) {
		resource->target = command->target;
		resource->format = command->format;
		resource->bind = command->bind;
		resource->width = command->width;
		resource->height = command->height;
		resource->depth = command->depth;
		resource->array_size = command->array_size;
		resource->last_level = command->last_level;
		resource->nr_samples = command->nr_samples;
		resource->flags = command->flags;
	}
}

struct virtio_gpu_resource_create_3d vgt_model_2d_as_3d(
	const struct virtio_gpu_resource_create_2d *command)
{
	return (struct virtio_gpu_resource_create_3d){
		.hdr = command->hdr,
		.resource_id = command->resource_id,
		.target = PIPE_TEXTURE_2D,
		.format = command->format,
		.bind = VIRGL_BIND_RENDER_TARGET,
		.width = command->width,
		.height = command->height,
		.depth = 1,
		.array_size = 1,
		.flags = VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP,
	};
}

/* A blob is a run of bytes until PIPE_RESOURCE_SET_TYPE says more. */
static void create_blob(
	struct vgt_model *model, const struct virtio_gpu_resource_create_blob *command)
{
	struct vgt_resource *resource = resource_add(model, command->resource_id);
	if (resource) {
		resource->target = PIPE_BUFFER;
		resource->width =
			command->size > UINT32_MAX ? UINT32_MAX : (uint32_t)command->size;
		resource->height = resource->depth = resource->array_size = 1;
	}
}

/* Contexts */

static void sub_context_remove(
	struct vgt_model *model, struct context *context, struct sub_context *sub)
{
	tree_clear(model, &sub->objects);
	tree_remove(model, &context->sub_contexts, sub);
	if (context->current == sub) {
		context->current = vgt_tree_find(&context->sub_contexts, 0);
	}
	free(sub);
}

static void context_remove(struct vgt_model *model, struct context *context)
{
	struct sub_context *sub;
	while ((sub = vgt_tree_any(context->sub_contexts))) {
		sub_context_remove(model, context, sub);
	}
	for (struct attachment *at = context->attachments, *next; at; at = next) {
		next = at->next;
		attachment_remove(model, at);
	}
	tree_clear(model, &context->video_objects);
	tree_remove(model, &model->contexts, context);
	free(context);
}

static void context_create(struct vgt_model *model, const struct virtio_gpu_ctx_create *command)
{
	uint32_t capset = command->context_init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK;
	if (vgt_tree_find(&model->contexts, command->hdr.ctx_id)) {
		/* creating it again is legal and changes nothing */
		return;
	}
	struct context *context =
		tree_add(model, &model->contexts, command->hdr.ctx_id, sizeof(*context));
	if (context) {
		context->is_virgl = capset == 0 || capset == VIRTIO_GPU_CAPSET_VIRGL ||
				    capset == VIRTIO_GPU_CAPSET_VIRGL2;
		context->current =
			tree_add(model, &context->sub_contexts, 0, sizeof(*context->current));
	}
}

bool vgt_model_has_context(struct vgt_model *model, uint32_t ctx_id)
{
	return vgt_tree_find(&model->contexts, ctx_id) != NULL;
}

bool vgt_model_context_is_virgl(struct vgt_model *model, uint32_t ctx_id)
{
	const struct context *context = vgt_tree_find(&model->contexts, ctx_id);
	return context && context->is_virgl;
}

bool vgt_model_has_sub_context(struct vgt_model *model, uint32_t ctx_id, uint32_t id)
{
	struct context *context = vgt_tree_find(&model->contexts, ctx_id);
	return context && vgt_tree_find(&context->sub_contexts, id);
}

static struct sub_context *current_sub_context(struct vgt_model *model, uint32_t ctx_id)
{
	struct context *context = vgt_tree_find(&model->contexts, ctx_id);
	return context ? context->current : NULL;
}

uint32_t vgt_model_sub_context(struct vgt_model *model, uint32_t ctx_id)
{
	struct sub_context *sub = current_sub_context(model, ctx_id);
	return sub ? (uint32_t)sub->key : 0;
}

const struct vgt_object *vgt_model_object(
	struct vgt_model *model, uint32_t ctx_id, uint32_t handle)
{
	struct sub_context *sub = current_sub_context(model, ctx_id);
	struct virgl_object *object = sub ? vgt_tree_find(&sub->objects, handle) : NULL;
	return object ? &object->object : NULL;
}

uint32_t vgt_model_bound_shader(
	struct vgt_model *model, uint32_t ctx_id, enum pipe_shader_type stage)
{
	struct sub_context *sub = current_sub_context(model, ctx_id);
	return sub ? sub->shaders[stage] : 0;
}

static uint64_t video_key(enum vgt_handle_kind kind, uint32_t handle)
{
	return (uint64_t)kind << 32 | handle;
}

bool vgt_model_has_video_object(
	struct vgt_model *model, uint32_t ctx_id, enum vgt_handle_kind kind, uint32_t handle)
{
	struct context *context = vgt_tree_find(&model->contexts, ctx_id);
	return context && vgt_tree_find(&context->video_objects, video_key(kind, handle));
}

uint32_t vgt_model_scanout_of(const struct vgt_model *model, uint32_t resource_id)
{
	for (uint32_t i = 0; resource_id && i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		if (model->scanouts[i].resource_id == resource_id) {
			return i;
		}
	}
	return VGT_NO_SCANOUT;
}

bool vgt_model_overflowed(const struct vgt_model *model)
{
	return model->overflowed;
}

/* Frames */

static void report_frame(struct vgt_model *model, const struct vgt_frame *frame)
{
	if (model->rule == VGT_FRAME_AUTO) {
		/* once a stronger sign has been seen, weaker ones no longer make frames */
		if (frame->rule < model->strongest || frame->rule == VGT_FRAME_SUBMIT) {
			return;
		}
		model->strongest = frame->rule;
	} else if (frame->rule != model->rule) {
		return;
	}
	if (model->hooks.frame) {
		model->hooks.frame(model->hooks.opaque, frame);
	}
}

/* A frame that is all of a resource, or nothing to look at where it does not live. */
static void report_whole(struct vgt_model *model, enum vgt_frame_rule rule,
	uint32_t resource_id, uint32_t virgl_command)
{
	const struct vgt_resource *resource = vgt_model_resource(model, resource_id);
	struct vgt_frame frame = {
		.rule = rule,
		.scanout_id = VGT_NO_SCANOUT,
		.virgl_command = virgl_command,
	};
	if (resource) {
		frame.resource_id = resource_id;
		frame.width = resource->width;
		frame.height = resource->height;
	}
	report_frame(model, &frame);
}

static void flush(struct vgt_model *model, uint32_t resource_id)
{
	for (uint32_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		struct scanout *scanout = &model->scanouts[i];
		/* several dirty rectangles of one picture are one frame */
		if (resource_id == 0 || scanout->resource_id != resource_id ||
			scanout->frame_work == model->work) {
			continue;
		}
		scanout->frame_work = model->work;
		const struct vgt_frame frame = {
			.rule = VGT_FRAME_FLUSH,
			.scanout_id = i,
			.resource_id = resource_id,
			.virgl_command = VGT_NO_VIRGL_COMMAND,
			.x = scanout->rect.x,
			.y = scanout->rect.y,
			.width = scanout->rect.width,
			.height = scanout->rect.height,
		};
		report_frame(model, &frame);
	}
}

/* A vtest client presents by reading the whole window back. */
static void readback(struct vgt_model *model, const struct virtio_gpu_transfer_host_3d *command)
{
	struct vgt_resource *resource = vgt_model_resource(model, command->resource_id);
	const struct virtio_gpu_box *box = &command->box;
	if (!resource || !(resource->bind & VIRGL_BIND_RENDER_TARGET) ||
		!(resource->bind &
			(VIRGL_BIND_DISPLAY_TARGET | VIRGL_BIND_SCANOUT | VIRGL_BIND_SHARED)) ||
		(resource->target != PIPE_TEXTURE_2D &&
			resource->target != PIPE_TEXTURE_RECT) ||
		command->level || box->x || box->y || box->w != resource->width ||
		box->h != resource->height || resource->frame_work == model->work) {
		return;
	}
	resource->frame_work = model->work;
	report_whole(model, VGT_FRAME_READBACK, resource->id, VGT_NO_VIRGL_COMMAND);
}

/* What is behind the name of a marker that ends a frame, NULL where it is another marker. */
static const char *frame_marker(const struct virgl_command *command, size_t *length)
{
	static const char marker[] = "vgt:frame";
	size_t size = command->dwords[VIRGL_SEND_STRING_MARKER_STRING_SIZE];
	const char *text = (const char *)(command->dwords + VIRGL_SEND_STRING_MARKER_OFFSET);
	if (size < sizeof(marker) - 1 || memcmp(text, marker, sizeof(marker) - 1) != 0) {
		return NULL;
	}
	*length = size - (sizeof(marker) - 1);
	return text + sizeof(marker) - 1;
}

/* A blank, a decimal number, and then nothing or another blank. */
static bool parse_marked_resource(const char *text, size_t length, uint32_t *resource_id)
{
	uint64_t number = 0;
	size_t i = 1;
	if (length < 2 || text[0] != ' ') {
		return false;
	}
	for (; i < length && text[i] >= '0' && text[i] <= '9' && number <= UINT32_MAX; i++) {
		number = 10 * number + (uint64_t)(text[i] - '0');
	}
	if (i == 1 || number > UINT32_MAX || (i < length && text[i] != ' ')) {
		return false;
	}
	*resource_id = (uint32_t)number;
	return true;
}

static void set_scanout(struct vgt_model *model, uint32_t scanout_id, uint32_t resource_id,
	const struct virtio_gpu_rect *rect, uint64_t command)
{
	if (scanout_id < VIRTIO_GPU_MAX_SCANOUTS) {
		model->set_command = command;
		model->set_scanout = scanout_id;
		model->unset = model->scanouts[scanout_id];
		model->scanouts[scanout_id] = (struct scanout){
			.resource_id = resource_id,
			.rect = *rect,
			/* what a new scanout shows is a frame, drawn or not */
			.frame_work = UINT64_MAX,
		};
	}
}

/* Submits */

struct submit {
	struct vgt_model *model;
	struct context *context;
	uint32_t number; /* of the virgl command being fed */
	bool drew;
	uint32_t drawn_resource; /* colour buffer that was drawn to last */
};

/* What a CREATE_OBJECT says of its object. */
static struct vgt_object describe_object(const struct virgl_command *command)
{
	const uint32_t *dwords = command->dwords;
	struct vgt_object object = {.type = command->object};
	switch (command->object) {
	case VIRGL_OBJECT_MSAA_SURFACE:
		/* from here on it is a surface as any other */
		object.type = VIRGL_OBJECT_SURFACE;
		/* fallthrough */
	case VIRGL_OBJECT_SURFACE:
	case VIRGL_OBJECT_SAMPLER_VIEW:
	case VIRGL_OBJECT_STREAMOUT_TARGET:
		object.resource_id = dwords[VIRGL_OBJ_SURFACE_RES_HANDLE];
		object.detail = dwords[VIRGL_OBJ_SURFACE_FORMAT];
		break;
	case VIRGL_OBJECT_QUERY:
		object.resource_id = dwords[VIRGL_OBJ_QUERY_RES_HANDLE];
		object.detail = dwords[VIRGL_OBJ_QUERY_TYPE_INDEX] & 0xffff;
		break;
	case VIRGL_OBJECT_SHADER:
		object.detail = dwords[VIRGL_OBJ_SHADER_TYPE];
		break;
	default:
		break;
	}
	return object;
}

static void create_object(struct submit *submit, const struct virgl_command *command)
{
	struct sub_context *sub = submit->context->current;
	uint32_t handle = command->dwords[VIRGL_OBJ_CREATE_HANDLE];
	if (!sub || !handle) {
		return;
	}
	struct virgl_object *object = vgt_tree_find(&sub->objects, handle);
	if (!object) {
		object = tree_add(submit->model, &sub->objects, handle, sizeof(*object));
	}
	if (object) {
		/* one namespace: what had the handle is gone */
		object->object = describe_object(command);
	}
}

static void destroy_object(struct submit *submit, const struct virgl_command *command)
{
	struct sub_context *sub = submit->context->current;
	void *object =
		sub ? vgt_tree_find(&sub->objects, command->dwords[VIRGL_OBJ_DESTROY_HANDLE])
		    : NULL;
	if (object) {
		tree_remove(submit->model, &sub->objects, object);
		free(object);
	}
}

/* vrend_bind_shader: what does not exist or is of another stage changes nothing. A shader stays
 * bound where it is destroyed. */
static void bind_shader(struct submit *submit, const struct virgl_command *command)
{
	if (!submit->model->hooks.virgl) {
		return; /* nobody looks, and a recorder has better things to do */
	}
	struct sub_context *sub = submit->context->current;
	if (!sub) {
		return;
	}
	uint32_t handle = command->dwords[VIRGL_BIND_SHADER_HANDLE];
	uint32_t stage = command->dwords[VIRGL_BIND_SHADER_TYPE];
	const struct virgl_object *shader =
		handle ? vgt_tree_find(&sub->objects, handle) : NULL;
	if (stage < PIPE_SHADER_TYPES &&
		(!handle || (shader && shader->object.type == VIRGL_OBJECT_SHADER &&
				    shader->object.detail == stage))) {
		sub->shaders[stage] = handle;
	}
}

static void video_object(struct submit *submit, const struct virgl_command *command)
{
	bool lives = command->op == VIRGL_CCMD_CREATE_VIDEO_CODEC ||
		     command->op == VIRGL_CCMD_CREATE_VIDEO_BUFFER;
	bool is_codec = command->op == VIRGL_CCMD_CREATE_VIDEO_CODEC ||
			command->op == VIRGL_CCMD_DESTROY_VIDEO_CODEC;
	void **tree = &submit->context->video_objects;
	uint64_t key = video_key(is_codec ? VGT_HANDLE_VIDEO_CODEC : VGT_HANDLE_VIDEO_BUFFER,
		command->dwords[VIRGL_VIDEO_OBJECT_HANDLE]);
	void *object = vgt_tree_find(tree, key);
	if (lives && !object) {
		tree_add(submit->model, tree, key, sizeof(struct video_object));
	} else if (!lives && object) {
		tree_remove(submit->model, tree, object);
		free(object);
	}
}

static void set_framebuffer(struct submit *submit, const struct virgl_command *command)
{
	struct sub_context *sub = submit->context->current;
	if (!sub) {
		return;
	}
	sub->color_resource = 0;
	if (command->dwords[VIRGL_SET_FRAMEBUFFER_STATE_NR_CBUFS] > 0) {
		const struct virgl_object *surface = vgt_tree_find(&sub->objects,
			command->dwords[VIRGL_SET_FRAMEBUFFER_STATE_CBUF_HANDLE]);
		if (surface && surface->object.type == VIRGL_OBJECT_SURFACE) {
			sub->color_resource = surface->object.resource_id;
		}
	}
}

static void sub_context_command(struct submit *submit, const struct virgl_command *command)
{
	struct context *context = submit->context;
	uint32_t id = command->dwords[VIRGL_SUB_CTX_ID];
	struct sub_context *sub = vgt_tree_find(&context->sub_contexts, id);
	if (command->op == VIRGL_CCMD_CREATE_SUB_CTX) {
		/* as vrend_renderer_create_sub_ctx: the new one becomes current, and one that
		   exists does not */
		sub = sub ? NULL
			  : tree_add(submit->model, &context->sub_contexts, id, sizeof(*sub));
	}
	if (command->op == VIRGL_CCMD_DESTROY_SUB_CTX) {
		if (sub && id != 0) {
			sub_context_remove(submit->model, context, sub);
		}
	} else if (sub) {
		context->current = sub;
	}
}

static void transfer(struct submit *submit, const struct virgl_command *command)
{
	struct vgt_model *model = submit->model;
	bool copy = command->op == VIRGL_CCMD_COPY_TRANSFER3D;
	const uint32_t *dwords = command->dwords;
	if (!model->hooks.transfer) {
		return;
	}
	struct vgt_resource *resource =
		vgt_model_resource(model, dwords[VIRGL_RESOURCE_IW_RES_HANDLE]);
	struct vgt_transfer move = {
		.resource = resource,
		.memory = resource,
		.offset = dwords[VIRGL_TRANSFER3D_DATA_OFFSET],
		.level = dwords[VIRGL_RESOURCE_IW_LEVEL],
		.stride = dwords[VIRGL_RESOURCE_IW_STRIDE],
		.layer_stride = dwords[VIRGL_RESOURCE_IW_LAYER_STRIDE],
		.to_host = dwords[VIRGL_TRANSFER3D_DIRECTION] == VIRGL_TRANSFER_TO_HOST,
	};
	memcpy(&move.box, dwords + VIRGL_RESOURCE_IW_X, sizeof(move.box));
	if (copy) {
		move.memory =
			vgt_model_resource(model, dwords[VIRGL_COPY_TRANSFER3D_SRC_RES_HANDLE]);
		move.offset = dwords[VIRGL_COPY_TRANSFER3D_SRC_RES_OFFSET];
		move.to_host = !(dwords[VIRGL_COPY_TRANSFER3D_FLAGS] &
				 VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST);
	}
	if (move.resource && move.memory) {
		model->hooks.transfer(model->hooks.opaque, &move);
	}
}

static void read_buffer(struct vgt_model *model, uint32_t id)
{
	struct vgt_resource *resource = vgt_model_resource(model, id);
	if (resource && model->hooks.transfer) {
		const struct vgt_transfer move = {
			.resource = resource,
			.memory = resource,
			.box = {.w = resource->width, .h = 1, .d = 1},
			.to_host = true,
		};
		model->hooks.transfer(model->hooks.opaque, &move);
	}
}

/* Video decoding and encoding read whole buffers from guest memory (vrend_video.c). */
static void video_bitstream(struct submit *submit, const struct virgl_command *command)
{
	if (command->op == VIRGL_CCMD_ENCODE_BITSTREAM) {
		read_buffer(submit->model, command->dwords[VIRGL_ENCODE_BS_DESC_HANDLE]);
	} else {
		read_buffer(submit->model, command->dwords[VIRGL_DECODE_BS_DSC_HANDLE]);
		read_buffer(submit->model, command->dwords[VIRGL_DECODE_BS_BUF_HANDLE]);
	}
}

static void string_marker(struct submit *submit, const struct virgl_command *command)
{
	const struct sub_context *sub = submit->context->current;
	size_t length;
	const char *text = frame_marker(command, &length);
	if (text) {
		uint32_t shown = sub && sub->color_resource ? sub->color_resource
							    : submit->drawn_resource;
		parse_marked_resource(text, length, &shown);
		report_whole(submit->model, VGT_FRAME_MARKER, shown, submit->number);
	}
}

/* vrend_renderer_resource_set_type: an untyped blob becomes a texture. */
static void set_type(struct submit *submit, const struct virgl_command *command)
{
	struct vgt_resource *resource = vgt_model_resource(
		submit->model, command->dwords[VIRGL_PIPE_RES_SET_TYPE_RES_HANDLE]);
	if (resource && resource->format == 0) {
		resource->target = PIPE_TEXTURE_2D;
		resource->format = command->dwords[VIRGL_PIPE_RES_SET_TYPE_FORMAT];
		resource->bind = command->dwords[VIRGL_PIPE_RES_SET_TYPE_BIND];
		resource->width = command->dwords[VIRGL_PIPE_RES_SET_TYPE_WIDTH];
		resource->height = command->dwords[VIRGL_PIPE_RES_SET_TYPE_HEIGHT];
	}
}

/* Work: whatever may have changed a picture, legal or not (FORMAT.md, "Frames"). */
static void count_work(struct submit *submit, const struct virgl_command *command)
{
	const struct sub_context *sub = submit->context->current;
	switch (command->op) {
	case VIRGL_CCMD_DRAW_VBO:
	case VIRGL_CCMD_CLEAR:
	case VIRGL_CCMD_LAUNCH_GRID:
		submit->model->work++;
		submit->drew = true;
		if (sub && sub->color_resource) {
			submit->drawn_resource = sub->color_resource;
		}
		break;
	case VIRGL_CCMD_BLIT:
	case VIRGL_CCMD_RESOURCE_COPY_REGION:
	case VIRGL_CCMD_RESOURCE_INLINE_WRITE:
	case VIRGL_CCMD_CLEAR_TEXTURE:
	case VIRGL_CCMD_CLEAR_SURFACE:
	case VIRGL_CCMD_TRANSFER3D:
	case VIRGL_CCMD_COPY_TRANSFER3D:
		submit->model->work++;
		break;
	default:
		break;
	}
}

/* The commands that change or tell what the model follows, by operation. What the renderer
 * refuses for its length does nothing. */
static void (*const followers[])(struct submit *submit, const struct virgl_command *command) = {
	[VIRGL_CCMD_CREATE_OBJECT] = create_object,
	[VIRGL_CCMD_DESTROY_OBJECT] = destroy_object,
	[VIRGL_CCMD_SET_FRAMEBUFFER_STATE] = set_framebuffer,
	[VIRGL_CCMD_SET_SUB_CTX] = sub_context_command,
	[VIRGL_CCMD_CREATE_SUB_CTX] = sub_context_command,
	[VIRGL_CCMD_DESTROY_SUB_CTX] = sub_context_command,
	[VIRGL_CCMD_BIND_SHADER] = bind_shader,
	[VIRGL_CCMD_TRANSFER3D] = transfer,
	[VIRGL_CCMD_COPY_TRANSFER3D] = transfer,
	[VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE] = set_type,
	[VIRGL_CCMD_SEND_STRING_MARKER] = string_marker,
	[VIRGL_CCMD_CREATE_VIDEO_CODEC] = video_object,
	[VIRGL_CCMD_DESTROY_VIDEO_CODEC] = video_object,
	[VIRGL_CCMD_CREATE_VIDEO_BUFFER] = video_object,
	[VIRGL_CCMD_DESTROY_VIDEO_BUFFER] = video_object,
	[VIRGL_CCMD_DECODE_BITSTREAM] = video_bitstream,
	[VIRGL_CCMD_ENCODE_BITSTREAM] = video_bitstream,
};

_Static_assert(
	sizeof(followers) / sizeof(followers[0]) <= FOLLOWED_MAX, "only_length is short");

/* Where an operation has one legal length, it is looked up once: a recorder walks every command
 * and must not take long. */
static void learn_lengths(struct vgt_model *model)
{
	for (uint8_t op = 0; op < FOLLOWED_MAX; op++) {
		const struct virgl_command command = {.op = op};
		const struct vgt_desc *desc = virgl_desc_of(&command);
		model->only_length[op] = desc ? vgt_desc_only_length(desc) : 0;
	}
}

static bool is_legal(const struct vgt_model *model, const struct virgl_command *command)
{
	struct vgt_layout layout;
	const uint32_t only = model->only_length[command->op];
	return only ? command->length == only : virgl_desc_measure(command, &layout, NULL);
}

static void feed_virgl(struct submit *submit, const struct virgl_command *command)
{
	count_work(submit, command);
	if (command->op < sizeof(followers) / sizeof(followers[0]) && followers[command->op] &&
		is_legal(submit->model, command)) {
		followers[command->op](submit, command);
	}
}

void vgt_model_submit(
	struct vgt_model *model, uint32_t ctx_id, const uint32_t *dwords, size_t count)
{
	struct context *context = vgt_tree_find(&model->contexts, ctx_id);
	if (!context || !context->is_virgl) {
		model->work++;
		return;
	}
	struct submit submit = {.model = model, .context = context};
	struct virgl_command command;
	for (size_t at = 0; virgl_command_next(dwords, count, &at, &command); submit.number++) {
		if (model->hooks.virgl) {
			model->hooks.virgl(
				model->hooks.opaque, ctx_id, &command, submit.number);
		}
		feed_virgl(&submit, &command);
	}
	if (submit.drew) {
		report_whole(
			model, VGT_FRAME_SUBMIT, submit.drawn_resource, VGT_NO_VIRGL_COMMAND);
	}
}

/* Records */

static void reset(struct vgt_model *model)
{
	struct context *context;
	while ((context = vgt_tree_any(model->contexts))) {
		context_remove(model, context);
	}
	struct resource_object *object;
	while ((object = vgt_tree_any(model->resources))) {
		resource_remove(model, object);
	}
	forget_replaced(model);
	memset(model->scanouts, 0, sizeof(model->scanouts));
	model->created_type = 0;
	model->set_scanout = VIRTIO_GPU_MAX_SCANOUTS;
}

/* The host refused the last creation: it did not happen. */
static void deny_creation(struct vgt_model *model)
{
	if (model->created_type == VIRTIO_GPU_CMD_CTX_CREATE) {
		struct context *context = vgt_tree_find(&model->contexts, model->created_id);
		if (context) {
			context_remove(model, context);
		}
	} else if (model->created_type) {
		struct resource_object *object =
			vgt_tree_find(&model->resources, model->created_id);
		if (object) {
			resource_remove(model, object);
		}
		if (model->replaced &&
			tsearch(model->replaced, &model->resources, vgt_tree_compare)) {
			model->replaced = NULL;
			model->objects++;
		}
	}
	model->created_type = 0;
}

static void note_creation(struct vgt_model *model, uint16_t type, uint32_t id, uint64_t command)
{
	model->created_type = type;
	model->created_id = id;
	model->created_command = command;
}

static void unref(struct vgt_model *model, uint32_t id)
{
	struct resource_object *object = vgt_tree_find(&model->resources, id);
	if (object) {
		resource_remove(model, object);
	}
}

static void feed_submit(
	struct vgt_model *model, const struct virtio_gpu_cmd_submit *command, size_t size)
{
	if (size >= sizeof(*command) + command->num_in_fences * sizeof(uint64_t)) {
		vgt_model_submit(model, command->hdr.ctx_id,
			virtio_gpu_submit_commands(command, command + 1),
			command->size / sizeof(uint32_t));
	}
}

void vgt_model_feed(struct vgt_model *model, uint16_t type, const void *payload, size_t size,
	uint64_t command)
{
	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D: {
		const struct virtio_gpu_resource_create_2d *create = payload;
		const struct virtio_gpu_resource_create_3d as_3d = vgt_model_2d_as_3d(create);
		create_3d(model, &as_3d);
		note_creation(model, type, create->resource_id, command);
		break;
	}
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D: {
		const struct virtio_gpu_resource_create_3d *create = payload;
		create_3d(model, create);
		note_creation(model, type, create->resource_id, command);
		break;
	}
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB: {
		const struct virtio_gpu_resource_create_blob *create = payload;
		create_blob(model, create);
		note_creation(model, type, create->resource_id, command);
		break;
	}
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		unref(model, ((const struct virtio_gpu_resource_unref *)payload)->resource_id);
		break;
	case VIRTIO_GPU_CMD_CTX_CREATE: {
		const struct virtio_gpu_ctx_create *create = payload;
		if (!vgt_tree_find(&model->contexts, create->hdr.ctx_id)) {
			note_creation(model, type, create->hdr.ctx_id, command);
		}
		context_create(model, create);
		break;
	}
	case VIRTIO_GPU_CMD_CTX_DESTROY: {
		const struct virtio_gpu_ctx_destroy *destroy = payload;
		struct context *context = vgt_tree_find(&model->contexts, destroy->hdr.ctx_id);
		if (context) {
			context_remove(model, context);
		}
		break;
	}
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE: {
		const struct virtio_gpu_ctx_resource *pair = payload;
		if (type == VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE) {
			attach(model, pair->hdr.ctx_id, pair->resource_id);
		} else {
			detach(model, pair->hdr.ctx_id, pair->resource_id);
		}
		break;
	}
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
		model->work++;
		break;
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		readback(model, payload);
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT: {
		const struct virtio_gpu_set_scanout *set = payload;
		set_scanout(model, set->scanout_id, set->resource_id, &set->r, command);
		break;
	}
	case VIRTIO_GPU_CMD_SET_SCANOUT_BLOB: {
		const struct virtio_gpu_set_scanout_blob *set = payload;
		set_scanout(model, set->scanout_id, set->resource_id, &set->r, command);
		break;
	}
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		flush(model, ((const struct virtio_gpu_resource_flush *)payload)->resource_id);
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		feed_submit(model, payload, size);
		break;
	case VGT_RECORD_RESPONSE: {
		const struct vgt_response *response = payload;
		if (model->created_type && response->command == model->created_command) {
			if (response->result) {
				deny_creation(model);
			} else if (response->class == VGT_RESPONSE_EXACT) {
				forget_replaced(model);
			}
		}
		if (response->class == VGT_RESPONSE_REFUSED &&
			model->set_scanout < VIRTIO_GPU_MAX_SCANOUTS &&
			response->command == model->set_command) {
			model->scanouts[model->set_scanout] = model->unset;
			model->set_scanout = VIRTIO_GPU_MAX_SCANOUTS;
		}
		break;
	}
	case VGT_RECORD_RESET:
		reset(model);
		break;
	default:
		break;
	}
}

struct vgt_model *vgt_model_create(
	enum vgt_frame_rule rule, const struct vgt_model_hooks *hooks)
{
	struct vgt_model *model = calloc(1, sizeof(*model));
	if (model) {
		model->rule = rule;
		learn_lengths(model);
		model->set_scanout = VIRTIO_GPU_MAX_SCANOUTS;
		/* a resource that was never shown has frame_work 0 and must count as changed */
		model->work = 1;
		if (hooks) {
			model->hooks = *hooks;
		}
	}
	return model;
}

void vgt_model_destroy(struct vgt_model *model)
{
	if (model) {
		reset(model);
		free(model);
	}
}
