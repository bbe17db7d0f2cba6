/* SPDX-License-Identifier: MIT */
#include "junit.h"

#include "new_file.h"
#include "vgt_text.h"

#include <errno.h>
#include <inttypes.h>
#include <mxml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct junit {
	mxml_node_t *document, *suites, *suite;
	size_t tests, failures, errors, skipped;
	double seconds;
};

/*
 * Text from outside as XML 1.0 allows it (section 2.2, Char): UTF-8 without control characters
 * other than the ends of lines, without U+FFFE and U+FFFF. The caller frees it.
 */
static char *xml_text(const char *text)
{
	char *copy = vgt_text_utf8(text);

	for (char *at = copy; at && *at; at++) {
		const unsigned char *c = (const unsigned char *)at;
		if (*c < 0x20 && *c != '\n') {
			*at = '?';
		} else if (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe) {
			at[0] = at[1] = at[2] = '?';
		}
	}
	return copy;
}

static bool set_text(mxml_node_t *node, const char *name, const char *text)
{
	char *clean = xml_text(text);
	if (clean) {
		mxmlElementSetAttr(node, name, clean);
	}
	free(clean);
	return clean != NULL;
}

struct junit *junit_create(const char *suite)
{
	struct junit *junit = calloc(1, sizeof(*junit));

	if (!junit) {
		return NULL;
	}
	junit->document = mxmlNewXML("1.0"); /* says encoding="utf-8" */
	junit->suites = junit->document ? mxmlNewElement(junit->document, "testsuites") : NULL;
	junit->suite = junit->suites ? mxmlNewElement(junit->suites, "testsuite") : NULL;
	if (!junit->suite || !set_text(junit->suite, "name", suite)) {
		junit_destroy(junit);
		return NULL;
	}
	return junit;
}

void junit_destroy(struct junit *junit)
{
	if (junit) {
		mxmlDelete(junit->document);
		free(junit);
	}
}

/* All reasons, and where to look. */
static void print_details(FILE *to, const struct suite_result *result)
{
	for (size_t i = 0; i < result->reason_count; i++) {
		fprintf(to, "%s\n", result->reasons[i]);
	}
	if (result->more_reasons) {
		fprintf(to, "and %" PRIu64 " more\n", result->more_reasons);
	}
	for (size_t i = 0; i < result->frame_count; i++) {
		const struct suite_frame *frame = &result->frames[i];
		if (frame->actual) {
			fprintf(to, "look at %s, golden %s%s%s\n", frame->actual, frame->golden,
				frame->difference ? ", difference " : "",
				frame->difference ? frame->difference : "");
		}
	}
}

static bool add_text(mxml_node_t *parent, const char *text)
{
	char *clean = xml_text(text);
	mxml_node_t *node = clean ? mxmlNewOpaque(parent, clean) : NULL;
	free(clean);
	return node != NULL;
}

/* <failure message="the first reason" type="crash">all of them</failure> */
static bool add_verdict(
	mxml_node_t *testcase, const char *element, const struct suite_result *result)
{
	mxml_node_t *node = mxmlNewElement(testcase, element);
	char *details = NULL;
	size_t size;
	FILE *to = open_memstream(&details, &size);

	if (to) {
		print_details(to, result);
		fclose(to);
	}
	bool good = node && details &&
		    set_text(node, "message",
			    result->reason_count ? result->reasons[0] : "no memory");
	if (good && result->verdict != SUITE_SKIP) {
		mxmlElementSetAttr(node, "type", suite_verdict_name(result->verdict));
		good = add_text(node, details);
	}
	free(details);
	return good;
}

bool junit_add(
	struct junit *junit, const struct suite_test *test, const struct suite_result *result)
{
	mxml_node_t *testcase = mxmlNewElement(junit->suite, "testcase");
	bool good = testcase && set_text(testcase, "name", test->name) &&
		    set_text(testcase, "classname", mxmlElementGetAttr(junit->suite, "name"));

	if (!good) {
		return false;
	}
	mxmlElementSetAttrf(testcase, "time", "%.3f", result->seconds);
	junit->tests++;
	junit->seconds += result->seconds;
	switch (result->verdict) {
	case SUITE_PASS:
		break;
	case SUITE_SKIP:
		junit->skipped++;
		good = add_verdict(testcase, "skipped", result);
		break;
	case SUITE_ERROR:
		junit->errors++;
		good = add_verdict(testcase, "error", result);
		break;
	default:
		junit->failures++;
		good = add_verdict(testcase, "failure", result);
		break;
	}
	if (good && result->log_end && *result->log_end) {
		mxml_node_t *out = mxmlNewElement(testcase, "system-out");
		good = out && add_text(out, result->log_end);
	}
	return good;
}

/* Each element that holds others, and each that ends, on a line of its own. */
static const char *layout(mxml_node_t *node, int where)
{
	const char *name = mxmlGetElement(node);
	const bool holds = strcmp(name, "testsuites") == 0 || strcmp(name, "testsuite") == 0 ||
			   strcmp(name, "testcase") == 0;

	switch (where) {
	case MXML_WS_AFTER_OPEN:
		return holds || *name == '?' ? "\n" : NULL;
	case MXML_WS_AFTER_CLOSE:
		return "\n";
	default:
		return NULL;
	}
}

static void set_counts(const struct junit *junit, mxml_node_t *node)
{
	mxmlElementSetAttrf(node, "tests", "%zu", junit->tests);
	mxmlElementSetAttrf(node, "failures", "%zu", junit->failures);
	mxmlElementSetAttrf(node, "errors", "%zu", junit->errors);
	mxmlElementSetAttrf(node, "skipped", "%zu", junit->skipped);
	mxmlElementSetAttrf(node, "time", "%.3f", junit->seconds);
}

static bool save(const struct junit *junit, const struct new_file *file, struct vgt_err *err)
{
	FILE *to = new_file_stream(file, err);

	if (!to) {
		return false;
	}
	mxmlSetWrapMargin(0);
	bool good = mxmlSaveFile(junit->document, to, layout) == 0 && !ferror(to);
	good = fclose(to) == 0 && good;
	return good || vgt_err_system(err, errno, "cannot write");
}

bool junit_can_write(const char *path, struct vgt_err *err)
{
	struct new_file file;

	if (new_file_is_stream(path)) {
		/* to open and close a pipe would be all that its reader sees */
		return access(path, W_OK) == 0 || vgt_err_system(err, errno, "cannot write");
	}
	const bool good = new_file_create(&file, path, true, 0666, err);
	new_file_finish(&file);
	return good;
}

bool junit_write(struct junit *junit, const char *path, struct vgt_err *err)
{
	struct new_file file;

	set_counts(junit, junit->suites);
	set_counts(junit, junit->suite);
	const bool good = new_file_create_or_append(&file, path, err) &&
			  save(junit, &file, err) && new_file_commit(&file, err);
	new_file_finish(&file);
	return good;
}
