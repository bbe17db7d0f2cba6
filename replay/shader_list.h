/* SPDX-License-Identifier: MIT */
#ifndef SHADER_LIST_H
#define SHADER_LIST_H

#include "vgt_model.h"
#include "vgt_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The shaders of a trace: every CREATE_OBJECT SHADER, what drew with it, and when it went. The
 * parts of a long shader are put together as virglrenderer does (vrend_create_shader): the
 * first one says how many bytes follow, each other one where it goes on, which must be where
 * the one before has ended, and the last dword holds a NUL. What the renderer refuses is listed
 * with what is there. (Whether it understands a complete text is not looked at.)
 *
 * Behind a refusal virglrenderer gives the whole context up; here the others are still listed,
 * each by itself.
 *
 * Memory: what is listed of SHADER_LIST_MAX shaders, SHADER_LIST_TEXT_MAX bytes of those whose
 * last part has not come yet, and the model's. One thread at a time.
 */

/* Shaders beyond this number are counted, not listed. */
#define SHADER_LIST_MAX 100000u

/* Text of unfinished shaders, all together. A real one has some ten thousand bytes. */
#define SHADER_LIST_TEXT_MAX (64u << 20)

/* An address: @command or @command.virgl_command. */
struct shader_place {
	uint64_t command;       /* VGT_ADDRESS_OPEN: nowhere */
	uint32_t virgl_command; /* or VGT_NO_VIRGL_COMMAND */
};

enum shader_state {
	SHADER_UNFINISHED = 0, /* parts are missing, they may come yet */
	SHADER_COMPLETE,
	SHADER_INCOMPLETE, /* `problem` says why; the text is what is there */
};

struct shader {
	uint32_t number; /* in order of creation, from 0 */
	uint32_t ctx_id, sub_ctx_id, handle;
	enum pipe_shader_type stage;
	enum shader_state state;
	char problem[96];
	struct shader_place created; /* by its first part */
	struct shader_place first_draw, last_draw;
	/* by whatever ended it: DESTROY_OBJECT, an object of the same handle, the end of its
	   sub-context or context, a part that the renderer refuses; for a reset the command
	   behind it */
	struct shader_place destroyed;
	uint32_t stream_outputs;
	uint32_t parts;
	uint64_t bytes, lines; /* of the text, NUL and what is behind it not counted */
	uint64_t digest;       /* XXH64 of the text */
	uint64_t binds;        /* BIND_SHADER */
	uint64_t draws;        /* DRAW_VBO, or for compute shaders LAUNCH_GRID */
	/* the first complete one with this text, by size and digest; NULL: this is the first.
	   Known from shader_list_finish on */
	const struct shader *same_as;
	/* private: */
	uint64_t declared, received; /* bytes, padding included */
	uint64_t room;               /* bytes of `text` */
	char *text;
};

struct shader_list_hooks {
	void *opaque;
	/* There will be no more of this shader's text than these shader->bytes, not
	   NUL-terminated. Once for each shader, in order of completion; may be NULL */
	void (*text)(void *opaque, const struct shader *shader, const char *text);
	/* A command that is refused and makes no shader; may be NULL */
	void (*problem)(void *opaque, const struct shader_place *place, const char *message);
};

struct shader_list;

/* NULL: out of memory. */
struct shader_list *shader_list_create(const struct shader_list_hooks *hooks);
void shader_list_destroy(struct shader_list *list);

/* The next record of the trace, as vgt_reader_next gives it. */
void shader_list_feed(struct shader_list *list, const struct vgt_record *record);

/* No more records come: settles what has not been completed and finds equal texts. False: no
 * memory for the latter. */
bool shader_list_finish(struct shader_list *list);

size_t shader_list_count(const struct shader_list *list);
/* The list's, valid as long as it. */
const struct shader *shader_list_at(const struct shader_list *list, size_t number);

/* Creations that are not in the list because it was full, or for want of memory. */
uint64_t shader_list_unlisted(const struct shader_list *list);

/* Objects were not followed (vgt_model_overflowed): shaders may be missing. */
bool shader_list_overflowed(const struct shader_list *list);

/* "@12.4", "-" for nowhere. */
#define SHADER_PLACE_SIZE 36
void shader_place_print(const struct shader_place *place, char text[SHADER_PLACE_SIZE]);

#endif
