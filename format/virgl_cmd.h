/* SPDX-License-Identifier: MIT */
#ifndef VGT_VIRGL_CMD_H
#define VGT_VIRGL_CMD_H

#include <stddef.h>
#include <stdint.h>

/*
 * The virgl commands inside SUBMIT_3D, as virglrenderer's virgl_protocol.h numbers them. A
 * command is one header dword and `length` dwords behind it.
 */

enum virgl_ccmd {
	VIRGL_CCMD_NOP = 0,
	VIRGL_CCMD_CREATE_OBJECT = 1,
	VIRGL_CCMD_BIND_OBJECT,
	VIRGL_CCMD_DESTROY_OBJECT,
	VIRGL_CCMD_SET_VIEWPORT_STATE,
	VIRGL_CCMD_SET_FRAMEBUFFER_STATE,
	VIRGL_CCMD_SET_VERTEX_BUFFERS,
	VIRGL_CCMD_CLEAR,
	VIRGL_CCMD_DRAW_VBO,
	VIRGL_CCMD_RESOURCE_INLINE_WRITE,
	VIRGL_CCMD_SET_SAMPLER_VIEWS,
	VIRGL_CCMD_SET_INDEX_BUFFER,
	VIRGL_CCMD_SET_CONSTANT_BUFFER,
	VIRGL_CCMD_SET_STENCIL_REF,
	VIRGL_CCMD_SET_BLEND_COLOR,
	VIRGL_CCMD_SET_SCISSOR_STATE,
	VIRGL_CCMD_BLIT,
	VIRGL_CCMD_RESOURCE_COPY_REGION,
	VIRGL_CCMD_BIND_SAMPLER_STATES,
	VIRGL_CCMD_BEGIN_QUERY,
	VIRGL_CCMD_END_QUERY,
	VIRGL_CCMD_GET_QUERY_RESULT,
	VIRGL_CCMD_SET_POLYGON_STIPPLE,
	VIRGL_CCMD_SET_CLIP_STATE,
	VIRGL_CCMD_SET_SAMPLE_MASK,
	VIRGL_CCMD_SET_STREAMOUT_TARGETS,
	VIRGL_CCMD_SET_RENDER_CONDITION,
	VIRGL_CCMD_SET_UNIFORM_BUFFER,
	VIRGL_CCMD_SET_SUB_CTX,
	VIRGL_CCMD_CREATE_SUB_CTX,
	VIRGL_CCMD_DESTROY_SUB_CTX,
	VIRGL_CCMD_BIND_SHADER,
	VIRGL_CCMD_SET_TESS_STATE,
	VIRGL_CCMD_SET_MIN_SAMPLES,
	VIRGL_CCMD_SET_SHADER_BUFFERS,
	VIRGL_CCMD_SET_SHADER_IMAGES,
	VIRGL_CCMD_MEMORY_BARRIER,
	VIRGL_CCMD_LAUNCH_GRID,
	VIRGL_CCMD_SET_FRAMEBUFFER_STATE_NO_ATTACH,
	VIRGL_CCMD_TEXTURE_BARRIER,
	VIRGL_CCMD_SET_ATOMIC_BUFFERS,
	VIRGL_CCMD_SET_DEBUG_FLAGS,
	VIRGL_CCMD_GET_QUERY_RESULT_QBO,
	VIRGL_CCMD_TRANSFER3D,
	VIRGL_CCMD_END_TRANSFERS,
	VIRGL_CCMD_COPY_TRANSFER3D,
	VIRGL_CCMD_SET_TWEAKS,
	VIRGL_CCMD_CLEAR_TEXTURE,
	VIRGL_CCMD_PIPE_RESOURCE_CREATE,
	VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE,
	VIRGL_CCMD_GET_MEMORY_INFO,
	VIRGL_CCMD_SEND_STRING_MARKER,
	VIRGL_CCMD_LINK_SHADER,
	VIRGL_CCMD_CREATE_VIDEO_CODEC,
	VIRGL_CCMD_DESTROY_VIDEO_CODEC,
	VIRGL_CCMD_CREATE_VIDEO_BUFFER,
	VIRGL_CCMD_DESTROY_VIDEO_BUFFER,
	VIRGL_CCMD_BEGIN_FRAME,
	VIRGL_CCMD_DECODE_MACROBLOCK,
	VIRGL_CCMD_DECODE_BITSTREAM,
	VIRGL_CCMD_ENCODE_BITSTREAM,
	VIRGL_CCMD_END_FRAME,
	VIRGL_CCMD_CLEAR_SURFACE,
	VIRGL_CCMD_GET_PIPE_RESOURCE_LAYOUT,
};

enum virgl_object_type {
	VIRGL_OBJECT_NULL = 0,
	VIRGL_OBJECT_BLEND,
	VIRGL_OBJECT_RASTERIZER,
	VIRGL_OBJECT_DSA,
	VIRGL_OBJECT_SHADER,
	VIRGL_OBJECT_VERTEX_ELEMENTS,
	VIRGL_OBJECT_SAMPLER_VIEW,
	VIRGL_OBJECT_SAMPLER_STATE,
	VIRGL_OBJECT_SURFACE,
	VIRGL_OBJECT_QUERY,
	VIRGL_OBJECT_STREAMOUT_TARGET,
	VIRGL_OBJECT_MSAA_SURFACE,
};

/* virgl_hw.h */
#define VIRGL_BIND_DEPTH_STENCIL   (1u << 0)
#define VIRGL_BIND_RENDER_TARGET   (1u << 1)
#define VIRGL_BIND_SAMPLER_VIEW    (1u << 3)
#define VIRGL_BIND_VERTEX_BUFFER   (1u << 4)
#define VIRGL_BIND_INDEX_BUFFER    (1u << 5)
#define VIRGL_BIND_CONSTANT_BUFFER (1u << 6)
#define VIRGL_BIND_DISPLAY_TARGET  (1u << 7)
#define VIRGL_BIND_COMMAND_ARGS    (1u << 8)
#define VIRGL_BIND_STREAM_OUTPUT   (1u << 11)
#define VIRGL_BIND_SHADER_BUFFER   (1u << 14)
#define VIRGL_BIND_QUERY_BUFFER    (1u << 15)
#define VIRGL_BIND_CURSOR          (1u << 16)
#define VIRGL_BIND_CUSTOM          (1u << 17)
#define VIRGL_BIND_SCANOUT         (1u << 18)
#define VIRGL_BIND_STAGING         (1u << 19)
#define VIRGL_BIND_SHARED          (1u << 20)
#define VIRGL_BIND_LINEAR          (1u << 22)

/* enum pipe_texture_target of Gallium */
enum pipe_texture_target {
	PIPE_BUFFER = 0,
	PIPE_TEXTURE_1D,
	PIPE_TEXTURE_2D,
	PIPE_TEXTURE_3D,
	PIPE_TEXTURE_CUBE,
	PIPE_TEXTURE_RECT,
	PIPE_TEXTURE_1D_ARRAY,
	PIPE_TEXTURE_2D_ARRAY,
	PIPE_TEXTURE_CUBE_ARRAY,
};

/* enum pipe_shader_type of Gallium */
enum pipe_shader_type {
	PIPE_SHADER_VERTEX = 0,
	PIPE_SHADER_FRAGMENT,
	PIPE_SHADER_GEOMETRY,
	PIPE_SHADER_TESS_CTRL,
	PIPE_SHADER_TESS_EVAL,
	PIPE_SHADER_COMPUTE,
	PIPE_SHADER_TYPES,
};

/* dword positions, counted from the header dword as 0 (virgl_protocol.h) */
#define VIRGL_OBJ_CREATE_HANDLE  1
#define VIRGL_OBJ_DESTROY_HANDLE 1
#define VIRGL_OBJ_SHADER_TYPE    2
/* a first part: bytes of text in all; a further one: where its text goes on */
#define VIRGL_OBJ_SHADER_OFFSET         3
#define VIRGL_OBJ_SHADER_OFFSET_CONT    (1u << 31)
#define VIRGL_OBJ_SHADER_SO_NUM_OUTPUTS 5
/* surfaces, sampler views and stream output targets begin alike */
#define VIRGL_OBJ_SURFACE_RES_HANDLE 2
#define VIRGL_OBJ_SURFACE_FORMAT     3
#define VIRGL_OBJ_QUERY_TYPE_INDEX   2
#define VIRGL_OBJ_QUERY_RES_HANDLE   4

#define VIRGL_BIND_SHADER_HANDLE 1
#define VIRGL_BIND_SHADER_TYPE   2

#define VIRGL_SET_FRAMEBUFFER_STATE_NR_CBUFS    1
#define VIRGL_SET_FRAMEBUFFER_STATE_CBUF_HANDLE 3

#define VIRGL_SUB_CTX_ID 1

/* RESOURCE_INLINE_WRITE, TRANSFER3D and COPY_TRANSFER3D begin alike */
#define VIRGL_RESOURCE_IW_RES_HANDLE   1
#define VIRGL_RESOURCE_IW_LEVEL        2
#define VIRGL_RESOURCE_IW_STRIDE       4
#define VIRGL_RESOURCE_IW_LAYER_STRIDE 5
#define VIRGL_RESOURCE_IW_X            6
#define VIRGL_RESOURCE_IW_DATA_START   12

#define VIRGL_TRANSFER3D_DATA_OFFSET 12
#define VIRGL_TRANSFER3D_DIRECTION   13
#define VIRGL_TRANSFER_TO_HOST       1
#define VIRGL_TRANSFER_FROM_HOST     2

#define VIRGL_COPY_TRANSFER3D_SRC_RES_HANDLE       12
#define VIRGL_COPY_TRANSFER3D_SRC_RES_OFFSET       13
#define VIRGL_COPY_TRANSFER3D_FLAGS                14
#define VIRGL_COPY_TRANSFER3D_FLAGS_READ_FROM_HOST (1u << 1)

#define VIRGL_PIPE_RES_SET_TYPE_RES_HANDLE 1
#define VIRGL_PIPE_RES_SET_TYPE_FORMAT     2
#define VIRGL_PIPE_RES_SET_TYPE_BIND       3
#define VIRGL_PIPE_RES_SET_TYPE_WIDTH      4
#define VIRGL_PIPE_RES_SET_TYPE_HEIGHT     5

#define VIRGL_SEND_STRING_MARKER_STRING_SIZE 1
#define VIRGL_SEND_STRING_MARKER_OFFSET      2

#define VIRGL_CMD_BLIT_SIZE 21

#define VIRGL_VIDEO_OBJECT_HANDLE   1 /* creation and destruction of codecs and buffers */
#define VIRGL_DECODE_BS_DSC_HANDLE  3
#define VIRGL_DECODE_BS_BUF_HANDLE  4
#define VIRGL_ENCODE_BS_DESC_HANDLE 4

/* virgl_hw.h: what the transfer functions of virglrenderer take; its public header only names
 * it */
struct virgl_box {
	uint32_t x, y, z;
	uint32_t w, h, d;
};

#define VIRGL_CMD0(cmd, obj, len) \
	((uint32_t)(cmd) | ((uint32_t)(obj) << 8) | ((uint32_t)(len) << 16))

/* One virgl command; the dwords belong to the buffer that is walked. */
struct virgl_command {
	const uint32_t *dwords; /* dwords[0] is the header, dwords[1..length] its arguments */
	uint32_t length;        /* dwords behind the header */
	uint8_t op;             /* enum virgl_ccmd, or unknown */
	uint8_t object; /* enum virgl_object_type where op is one of the object commands */
};

/*
 * Reads the command at dword `*pos` of `count` and moves *pos behind it. False at the end of
 * the buffer and where the command's length runs past it; *pos < count tells the second from
 * the first (vrend_decode_ctx_submit_cmd stops there too). The whole command lies inside the
 * buffer, so any of dwords[0..length] may be read.
 */
static inline _Bool virgl_command_next(
	const uint32_t *dwords, size_t count, size_t *pos, struct virgl_command *command)
{
	if (*pos >= count) {
		return 0;
	}
	uint32_t header = dwords[*pos];
	uint32_t length = header >> 16;
	if (length >= count - *pos) {
		return 0;
	}
	command->dwords = dwords + *pos;
	command->length = length;
	command->op = header & 0xff;
	command->object = (header >> 8) & 0xff;
	*pos += (size_t)length + 1;
	return 1;
}

#endif
