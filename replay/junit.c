/* SPDX-License-Identifier: MIT */
#include "junit.h"

#include "new_file.h"
#include "vgt_text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <mxml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		if (frame->actual && frame->golden) {
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
	if (good && strcmp(element, "skipped") != 0) {
		mxmlElementSetAttr(node, "type", suite_verdict_name(result->verdict));
		good = add_text(node, details);
	}
	free(details);
	return good;
}

/* The element of a test that did not simply pass; NULL: it has none. */
static const char *element_of(enum suite_verdict verdict)
{
	switch (verdict) {
	case SUITE_PASS:
	case SUITE_FLAKY:
		return NULL;
	case SUITE_KNOWN:
	case SUITE_SKIP:
		return "skipped";
	case SUITE_ERROR:
		return "error";
	default:
		return "failure";
	}
}

/* For GitLab, which shows these files; it takes paths from the project's directory, which is
 * the one it works in. */
static void print_attachment(FILE *to, const char *path)
{
	char here[PATH_MAX];
	const size_t length = getcwd(here, sizeof(here)) ? strlen(here) : 0;

	if (path) {
		const bool below =
			length && strncmp(path, here, length) == 0 && path[length] == '/';
		fprintf(to, "[[ATTACHMENT|%s]]\n", below ? path + length + 1 : path);
	}
}

static void print_attachments(FILE *to, const struct suite_result *result)
{
	for (size_t i = 0; i < result->frame_count; i++) {
		const struct suite_frame *frame = &result->frames[i];
		print_attachment(to, frame->actual);
		print_attachment(to, frame->golden_copy);
		print_attachment(to, frame->difference);
	}
}

/* What a test that passed after all said before, what is kept, or what the renderer printed. */
static bool add_output(mxml_node_t *testcase, const struct suite_result *result)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to) {
		return false;
	}
	if (result->verdict == SUITE_FLAKY) {
		print_details(to, result);
	}
	print_attachments(to, result);
	fputs(result->log_end ? result->log_end : "", to);
	fclose(to);
	bool good = text != NULL;
	if (good && *text) {
		mxml_node_t *out = mxmlNewElement(testcase, "system-out");
		good = out && add_text(out, text);
	}
	free(text);
	return good;
}

static bool add_test(mxml_node_t *suite, const struct suite_result *result)
{
	mxml_node_t *testcase = mxmlNewElement(suite, "testcase");
	const char *element = element_of(result->verdict);

	if (!testcase || !set_text(testcase, "name", result->name) ||
		!set_text(testcase, "classname", mxmlElementGetAttr(suite, "name"))) {
		return false;
	}
	mxmlElementSetAttrf(testcase, "time", "%.3f", result->seconds);
	return (!element || add_verdict(testcase, element, result)) &&
	       add_output(testcase, result);
}

/* Tests that were to be run and have no result, whose names are not known here. */
static bool add_missing(mxml_node_t *suite, const struct suite_results *results)
{
	const struct suite_tally tally = suite_results_tally(results);
	struct suite_result missing = {.verdict = SUITE_ERROR};
	char *reason, name[] = "tests that were not run";

	if (tally.total <= results->count) {
		return true;
	}
	if (asprintf(&reason, "%zu of %zu tests have no result%s", tally.total - results->count,
		    tally.total, tally.interrupted ? ": the run was interrupted" : "") < 0) {
		return false;
	}
	missing.name = name;
	missing.reasons[missing.reason_count++] = reason;
	const bool good = add_test(suite, &missing);
	free(reason);
	return good;
}

static const char *of_run(const struct suite_information *run, size_t property)
{
	const char *const values[] = {run->vgt, run->renderer, run->gl_version,
		run->virglrenderer, run->cpu, run->kernel, run->drop};

	return values[property];
}
static const char *const property_names[] = {
	"vgt", "renderer", "gl_version", "virglrenderer", "cpu", "kernel", "drop"};
#define PROPERTIES (sizeof(property_names) / sizeof(property_names[0]))

static bool is_said(const struct suite_results *results, size_t run, size_t property)
{
	for (size_t i = 0; i < run; i++) {
		const char *other = of_run(&results->runs[i], property);
		if (other && strcmp(other, of_run(&results->runs[run], property)) == 0) {
			return true;
		}
	}
	return false;
}

/* Where it was run; of several runs all that differs. */
static bool add_properties(mxml_node_t *suite, const struct suite_results *results)
{
	mxml_node_t *properties = NULL;
	bool good = true;

	for (size_t i = 0; good && i < results->run_count * PROPERTIES; i++) {
		const size_t run = i / PROPERTIES;
		const size_t property = i % PROPERTIES;
		const char *value = of_run(&results->runs[run], property);
		if (!value || is_said(results, run, property)) {
			continue;
		}
		properties = properties ? properties : mxmlNewElement(suite, "properties");
		mxml_node_t *node = properties ? mxmlNewElement(properties, "property") : NULL;
		good = node && set_text(node, "name", property_names[property]) &&
		       set_text(node, "value", value);
	}
	return good;
}

/* Each element that holds others, and each that ends, on a line of its own. */
static const char *layout(mxml_node_t *node, int where)
{
	const char *name = mxmlGetElement(node);
	const bool holds = strcmp(name, "testsuites") == 0 || strcmp(name, "testsuite") == 0 ||
			   strcmp(name, "testcase") == 0 || strcmp(name, "properties") == 0;

	switch (where) {
	case MXML_WS_AFTER_OPEN:
		return holds || *name == '?' ? "\n" : NULL;
	case MXML_WS_AFTER_CLOSE:
		return "\n";
	default:
		return NULL;
	}
}

static void set_counts(const struct suite_results *results, mxml_node_t *node)
{
	const struct suite_tally tally = suite_results_tally(results);
	const size_t *verdicts = tally.verdicts;

	/* those without a result are one test that is an error */
	const size_t missing = tally.total > results->count;
	mxmlElementSetAttrf(node, "tests", "%zu", results->count + missing);
	mxmlElementSetAttrf(node, "failures", "%zu",
		verdicts[SUITE_FAIL] + verdicts[SUITE_CRASH] + verdicts[SUITE_HANG] +
			verdicts[SUITE_FIXED]);
	mxmlElementSetAttrf(node, "errors", "%zu", verdicts[SUITE_ERROR] + missing);
	mxmlElementSetAttrf(node, "time", "%.3f", tally.seconds);
	/* Jenkins' schema has it there only. */
	if (strcmp(mxmlGetElement(node), "testsuite") == 0) {
		mxmlElementSetAttrf(
			node, "skipped", "%zu", verdicts[SUITE_SKIP] + verdicts[SUITE_KNOWN]);
	}
}

/* NULL: no memory. */
static mxml_node_t *make_document(const struct suite_results *results)
{
	mxml_node_t *document = mxmlNewXML("1.0"); /* says encoding="utf-8" */
	mxml_node_t *suites = document ? mxmlNewElement(document, "testsuites") : NULL;
	mxml_node_t *suite = suites ? mxmlNewElement(suites, "testsuite") : NULL;
	const char *date = results->runs[0].date;
	bool good = suite && set_text(suite, "name", results->runs[0].suite) &&
		    (!date || set_text(suite, "timestamp", date)) &&
		    add_properties(suite, results);

	for (size_t i = 0; good && i < results->count; i++) {
		good = add_test(suite, &results->list[i]);
	}
	good = good && add_missing(suite, results);
	if (!good) {
		mxmlDelete(document);
		return NULL;
	}
	set_counts(results, suites);
	set_counts(results, suite);
	return document;
}

static bool save(mxml_node_t *document, const struct new_file *file, struct vgt_err *err)
{
	FILE *to = new_file_stream(file, err);

	if (!to) {
		return false;
	}
	mxmlSetWrapMargin(0);
	bool good = mxmlSaveFile(document, to, layout) == 0 && !ferror(to);
	good = fclose(to) == 0 && good;
	return good || vgt_err_system(err, errno, "cannot write");
}

bool junit_write(const struct suite_results *results, const char *path, struct vgt_err *err)
{
	struct new_file file;
	mxml_node_t *document = make_document(results);

	if (!document) {
		return vgt_err_system(err, ENOMEM, "cannot write");
	}
	const bool good = new_file_create_or_append(&file, path, err) &&
			  save(document, &file, err) && new_file_commit(&file, err);
	new_file_finish(&file);
	mxmlDelete(document);
	return good;
}
