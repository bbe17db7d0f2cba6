/* SPDX-License-Identifier: MIT */
#ifndef VGT_JSON_H
#define VGT_JSON_H

#include "vgt_err.h"
#include "vgt_index.h"
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

/* What the commands' --json has in common. Without memory a member, or all of it, is null. */

/* Text from outside, made valid UTF-8 (vgt_text_utf8). */
void vgt_json_put_text(struct json_object *object, const char *key, const char *text);

/* The same; NULL is left out. */
void vgt_json_put_optional(struct json_object *object, const char *key, const char *text);

void vgt_json_put_number(struct json_object *object, const char *key, uint64_t number);

/* With the 9 digits that mean something, and whole numbers without a fraction; null where it is
 * not finite. */
void vgt_json_put_measure(struct json_object *object, const char *key, double number);

/*
 * The object's text by json-c's `flags` (JSON_C_TO_STRING_...) and the end of a line. Control
 * characters in strings, those of C1 included, are written as \u escapes.
 */
void vgt_json_write(FILE *to, struct json_object *object, int flags);

/* One line of JSON lines; frees the object. */
void vgt_json_print(FILE *to, struct json_object *object);

/* "stream_bytes", "chunks", "records", "commands", "frames" before this place. */
void vgt_json_put_position(struct json_object *object, const struct vgt_position *at);

/* "damage": {"message", "byte" or null}, or null where there is none. */
void vgt_json_put_damage(struct json_object *object, const struct vgt_err *damage);

#endif
