/* SPDX-License-Identifier: MIT */
#include "suite_fetch.h"

#include "interrupt.h"
#include "trace_store.h"
#include "vgt_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* "vgt: NAME: " */
static void begin_message(const struct suite_test *test)
{
	fputs("vgt: ", stderr);
	vgt_text_puts(stderr, test->name);
	fputs(": ", stderr);
}

static bool fetch_trace(const struct suite *suite, const struct suite_test *test)
{
	struct vgt_err err;
	char *path = suite_trace_path(suite, test, &err);
	bool good = path != NULL;

	if (good && !trace_store_check(path, test->sha256, test->bytes, NULL) &&
		!interrupt_noted()) {
		begin_message(test);
		fprintf(stderr, "fetching %" PRIu64 " bytes from ", test->bytes);
		vgt_text_puts(stderr, test->url);
		fputc('\n', stderr);
		good = trace_store_fetch(
			test->url, suite->directory, path, test->sha256, test->bytes, &err);
	}
	if (!good && !interrupt_noted()) {
		begin_message(test);
		fputs("cannot be fetched: ", stderr);
		vgt_text_puts(stderr, err.message);
		fputc('\n', stderr);
	}
	free(path);
	return good;
}

bool suite_fetch(const struct suite *suite, const struct suite_selected *selected)
{
	bool good = true;

	for (size_t i = 0; i < selected->count && !interrupt_noted(); i++) {
		const struct suite_test *test = selected->list[i];
		good = (!test->url || fetch_trace(suite, test)) && good;
	}
	return good;
}
