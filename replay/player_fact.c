/* SPDX-License-Identifier: MIT */
#include "player_fact.h"

#include "player_probe.h"

#include <stdio.h>
#include <string.h>

bool player_fact(const char *output, const char *key, char *value, size_t size)
{
	const char *at = output;
	const size_t length = strlen(key);
	bool found = false;

	value[0] = '\0';
	while ((at = strstr(at, PLAYER_PROBE_PREFIX))) {
		const bool begins = at == output || at[-1] == '\n';
		at += strlen(PLAYER_PROBE_PREFIX);
		if (begins && strncmp(at, key, length) == 0 && at[length] == ' ') {
			const char *text = at + length + 1;
			snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
			found = true;
		}
	}
	return found;
}
