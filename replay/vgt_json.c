/* SPDX-License-Identifier: MIT */
#include "vgt_json.h"

#include "vgt_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

void vgt_json_put_text(struct json_object *object, const char *key, const char *text)
{
	char *utf8 = vgt_text_utf8(text);

	json_object_object_add(object, key, utf8 ? json_object_new_string(utf8) : NULL);
	free(utf8);
}

void vgt_json_put_optional(struct json_object *object, const char *key, const char *text)
{
	if (text) {
		vgt_json_put_text(object, key, text);
	}
}

void vgt_json_put_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

void vgt_json_put_measure(struct json_object *object, const char *key, double number)
{
	char text[32];
	json_object *value = NULL;

	if (isfinite(number)) {
		/* json-c would print 0.1 as 0.10000000000000001 */
		snprintf(text, sizeof(text), "%.9g", number);
		value = json_object_new_double_s(number, text);
	}
	json_object_object_add(object, key, value);
}

/*
 * json-c escapes what stands before U+0020 and leaves DEL and U+0080 to U+009F as they are: of
 * these, terminals make commands, too. They can only stand in strings.
 */
void vgt_json_write(FILE *to, struct json_object *object, int flags)
{
	const char *text =
		json_object_to_json_string_ext(object, flags | JSON_C_TO_STRING_NOSLASHESCAPE);
	text = text ? text : "null";
	const char *written = text;

	for (const char *at = text; *at; at++) {
		const unsigned char next = (unsigned char)at[1];
		const bool two_bytes = *at == '\xc2' && next >= 0x80 && next < 0xa0;
		if (*at != '\x7f' && !two_bytes) {
			continue;
		}
		fwrite(written, 1, (size_t)(at - written), to);
		fprintf(to, "\\u%04x", two_bytes ? next : 0x7fu);
		at += two_bytes;
		written = at + 1;
	}
	fprintf(to, "%s\n", written);
}

void vgt_json_print(FILE *to, struct json_object *object)
{
	vgt_json_write(to, object, JSON_C_TO_STRING_PLAIN);
	json_object_put(object);
}

void vgt_json_put_position(struct json_object *object, const struct vgt_position *at)
{
	vgt_json_put_number(object, "stream_bytes", at->stream_pos);
	vgt_json_put_number(object, "chunks", at->sequence);
	vgt_json_put_number(object, "records", at->records);
	vgt_json_put_number(object, "commands", at->commands);
	vgt_json_put_number(object, "frames", at->frames);
}

void vgt_json_put_damage(struct json_object *object, const struct vgt_err *damage)
{
	struct json_object *where = NULL;
	if (damage) {
		where = json_object_new_object();
		vgt_json_put_text(where, "message", damage->message);
		json_object_object_add(where, "byte",
			damage->offset == VGT_NO_OFFSET
				? NULL
				: json_object_new_uint64(damage->offset));
	}
	json_object_object_add(object, "damage", where);
}
