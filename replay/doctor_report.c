/* SPDX-License-Identifier: MIT */
#include "doctor.h"
#include "find_program.h"
#include "terminal.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_WIDTH 18

struct doctor_finding *doctor_add(struct doctor_task *task, enum doctor_status status,
	const char *name, const char *format, ...)
{
	va_list args;

	assert(task->count < DOCTOR_FINDINGS_MAX);
	struct doctor_finding *finding = &task->findings[task->count];
	*finding = (struct doctor_finding){.status = status, .name = name};
	if (task->interrupted) {
		return finding;
	}
	task->count++;
	va_start(args, format);
	if (vasprintf(&finding->text, format, args) < 0) {
		finding->text = NULL;
	}
	va_end(args);
	return finding;
}

void doctor_task_finish(struct doctor_task *task)
{
	for (size_t i = 0; i < task->count; i++) {
		free(task->findings[i].text);
	}
	task->count = 0;
}

enum doctor_status doctor_verdict(const struct doctor_task *task)
{
	enum doctor_status worst = DOCTOR_OK;

	for (size_t i = 0; i < task->count; i++) {
		const enum doctor_status status = task->findings[i].status;
		worst = status > worst && status != DOCTOR_NOTE ? status : worst;
	}
	return task->interrupted && worst != DOCTOR_MISSING ? DOCTOR_UNKNOWN : worst;
}

static const char *status_word(enum doctor_status status)
{
	static const char *const words[] = {"ok", "note", "limited", "missing"};
	return words[status];
}

static const char *verdict_words(enum doctor_status verdict)
{
	static const char *const words[] = {[DOCTOR_OK] = "works",
		[DOCTOR_LIMITED] = "works, with limits",
		[DOCTOR_MISSING] = "does not work",
		[DOCTOR_UNKNOWN] = "not known: interrupted"};
	return words[verdict];
}

/* Text */

static void print_coloured(enum doctor_status status, const char *text)
{
	static const char *const colours[] = {
		"\033[32m", "", "\033[33m", "\033[31m", "\033[33m"};
	const bool coloured = vgt_terminal_has_colours();

	printf("%s%s%s", coloured ? colours[status] : "", text, coloured ? "\033[0m" : "");
}

static void print_line(const char *text)
{
	vgt_text_print(stdout, text, strlen(text));
	putchar('\n');
}

static const char *text_of(const struct doctor_finding *finding)
{
	return finding->text ? finding->text : "(no memory to say what)";
}

static bool is_same(const char *text, const char *other)
{
	return text && other && strcmp(text, other) == 0;
}

/* Whether the task lacks what the finding has a package or a remedy for. */
static bool is_wanted(const struct doctor_finding *finding)
{
	return finding->status >= DOCTOR_LIMITED;
}

/* Whether a finding before that one has the same package or remedy. */
static bool is_told(const struct doctor_task *task, size_t at)
{
	const struct doctor_finding *finding = &task->findings[at];

	for (size_t i = 0; i < at; i++) {
		if (is_wanted(&task->findings[i]) &&
			(is_same(task->findings[i].package, finding->package) ||
				is_same(task->findings[i].remedy, finding->remedy))) {
			return true;
		}
	}
	return false;
}

static const char *packages_are(void)
{
	char apt[PATH_MAX];

	return vgt_find_program("apt", apt) ? "apt install" : "Debian's packages:";
}

/* What to type: one line for all packages, and one for each other remedy. */
static void print_remedies(const struct doctor_task *task)
{
	bool begun = false;

	for (size_t i = 0; i < task->count; i++) {
		const char *package = task->findings[i].package;
		if (package && is_wanted(&task->findings[i]) && !is_told(task, i)) {
			if (!begun) {
				printf("  -> %s", packages_are());
			}
			begun = true;
			printf(" %s", package);
		}
	}
	if (begun) {
		putchar('\n');
	}
	for (size_t i = 0; i < task->count; i++) {
		if (task->findings[i].remedy && is_wanted(&task->findings[i]) &&
			!is_told(task, i)) {
			fputs("  -> ", stdout);
			print_line(task->findings[i].remedy);
		}
	}
}

static void print_verdict(const struct doctor_task *task)
{
	const enum doctor_status verdict = doctor_verdict(task);

	printf("%s: ", task->title);
	print_coloured(verdict, verdict_words(verdict));
	if (verdict <= DOCTOR_LIMITED && task->remark) {
		printf(", %s", task->remark);
	}
	putchar('\n');
	for (size_t i = 0; i < task->count; i++) {
		const struct doctor_finding *finding = &task->findings[i];
		if (is_wanted(finding)) {
			printf("  %s: ", finding->name);
			print_line(text_of(finding));
		}
	}
	print_remedies(task);
}

static void print_details(const struct doctor_task *task)
{
	printf("\n%s\n", task->title);
	for (size_t i = 0; i < task->count; i++) {
		const struct doctor_finding *finding = &task->findings[i];
		char word[16];
		snprintf(word, sizeof(word), "%-8s", status_word(finding->status));
		fputs("  ", stdout);
		print_coloured(finding->status, word);
		printf(" %-*s ", NAME_WIDTH, finding->name);
		print_line(text_of(finding));
		if (finding->package && !is_wanted(finding)) {
			printf("  %*s -> %s %s\n", 8 + NAME_WIDTH + 1, "", packages_are(),
				finding->package);
		}
	}
}

void doctor_print(const struct doctor_task *tasks, size_t count,
	const struct doctor_task *machine, bool quiet)
{
	for (size_t i = 0; i < count; i++) {
		if (!quiet || doctor_verdict(&tasks[i]) != DOCTOR_OK) {
			print_verdict(&tasks[i]);
		}
	}
	for (size_t i = 0; i < count && !quiet; i++) {
		print_details(&tasks[i]);
	}
	if (machine && !quiet) {
		print_details(machine);
	}
}

/* JSON */

static void put_text(struct json_object *object, const char *key, const char *text)
{
	if (text) {
		vgt_json_put_text(object, key, text);
	} else {
		json_object_object_add(object, key, NULL);
	}
}

static struct json_object *json_findings(const struct doctor_task *task)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < task->count; i++) {
		const struct doctor_finding *finding = &task->findings[i];
		struct json_object *object = json_object_new_object();
		put_text(object, "name", finding->name);
		put_text(object, "status", status_word(finding->status));
		put_text(object, "text", finding->text);
		put_text(object, "package", finding->package);
		put_text(object, "remedy", finding->remedy);
		json_object_array_add(list, object);
	}
	return list;
}

void doctor_print_json(
	const struct doctor_task *tasks, size_t count, const struct doctor_task *machine)
{
	static const char *const verdicts[] = {[DOCTOR_OK] = "works",
		[DOCTOR_LIMITED] = "limited",
		[DOCTOR_MISSING] = "fails",
		[DOCTOR_UNKNOWN] = "unknown"};
	struct json_object *all = json_object_new_object();
	struct json_object *list = json_object_new_array();

	put_text(all, "vgt", VGT_VERSION);
	for (size_t i = 0; i < count; i++) {
		struct json_object *object = json_object_new_object();
		put_text(object, "task", tasks[i].name);
		put_text(object, "verdict", verdicts[doctor_verdict(&tasks[i])]);
		put_text(object, "remark", tasks[i].remark);
		json_object_object_add(object, "findings", json_findings(&tasks[i]));
		json_object_array_add(list, object);
	}
	json_object_object_add(all, "tasks", list);
	json_object_object_add(all, "machine", machine ? json_findings(machine) : NULL);
	vgt_json_write(stdout, all, JSON_C_TO_STRING_PLAIN);
	json_object_put(all);
}
