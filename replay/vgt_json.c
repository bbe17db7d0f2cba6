/* SPDX-License-Identifier: MIT */
#include "vgt_json.h"

#include "vgt_cmd.h"

#include <stdlib.h>

void vgt_json_put_text(struct json_object *object, const char *key, const char *text)
{
	char *utf8 = vgt_cmd_utf8(text);

	json_object_object_add(object, key, utf8 ? json_object_new_string(utf8) : NULL);
	free(utf8);
}

void vgt_json_put_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)number));
}

void vgt_json_print(FILE *to, struct json_object *object)
{
	fprintf(to, "%s\n",
		json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
