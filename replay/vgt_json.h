/* SPDX-License-Identifier: MIT */
#ifndef VGT_JSON_H
#define VGT_JSON_H

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

/* What the commands' --json has in common. Without memory a member is null. */

/* Text from outside, made valid UTF-8 (vgt_cmd_utf8). */
void vgt_json_put_text(struct json_object *object, const char *key, const char *text);

/* At most INT64_MAX, as all that is counted here. */
void vgt_json_put_number(struct json_object *object, const char *key, uint64_t number);

/* One line of JSON lines; frees the object. */
void vgt_json_print(FILE *to, struct json_object *object);

#endif
