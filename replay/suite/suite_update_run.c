/* SPDX-License-Identifier: MIT */
#include "suite_update.h"

#include "interrupt.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_text.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Showing */

static void print_part(const char *word, const char *text)
{
	if (text) {
		printf("        %s ", word);
		vgt_text_puts(stdout, text);
		putchar('\n');
	}
}

static void print_change(const struct suite_change *change)
{
	printf("%-7s ", suite_change_name(change->kind));
	vgt_text_puts(stdout, change->file);
	fputs(": ", stdout);
	vgt_text_puts(stdout, change->why ? change->why : "");
	putchar('\n');
	print_part("from", change->picture);
	print_part("difference", change->difference);
	print_part("note:", change->note);
}

static void print_change_json(const struct suite_change *change)
{
	struct json_object *object = json_object_new_object();

	vgt_json_put_text(object, "event", "approval");
	vgt_json_put_text(object, "name", change->test->name);
	vgt_json_put_number(object, "frame", change->number);
	vgt_json_put_text(object, "change", suite_change_name(change->kind));
	vgt_json_put_text(object, "file", change->file);
	vgt_json_put_optional(object, "for", change->level ? change->level->name : NULL);
	vgt_json_put_optional(object, "why", change->why);
	vgt_json_put_optional(object, "picture", change->picture);
	vgt_json_put_optional(object, "difference", change->difference);
	vgt_json_put_optional(object, "note", change->note);
	json_object_object_add(object, "named", json_object_new_boolean(change->named));
	vgt_json_print(stdout, object);
}

static void print_plan(const struct suite_update *update, bool json)
{
	for (size_t i = 0; i < update->count; i++) {
		if (json) {
			print_change_json(&update->changes[i]);
		} else {
			print_change(&update->changes[i]);
		}
	}
	fflush(stdout);
	for (size_t i = 0; i < update->blocked_count; i++) {
		fputs("vgt: ", stderr);
		vgt_text_puts(stderr, update->blocked[i]);
		fputc('\n', stderr);
	}
}

/* Asking */

/* The first letter of a line; 'q' at the end of the input, or when a signal was noted. */
static char read_answer(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char first = '\0', letter = '\0';

	while (letter != '\n') {
		/* not SA_RESTART's affair whether a signal is seen */
		while (!interrupt_noted() && poll(&input, 1, 200) == 0) {
		}
		if (interrupt_noted() || read(STDIN_FILENO, &letter, 1) != 1) {
			return 'q';
		}
		first = first ? first : letter;
	}
	return first;
}

/* 'y', 'n', 'a' or 'q'. */
static char ask(const struct suite_change *change)
{
	for (;;) {
		fputs("approve ", stderr);
		vgt_text_puts(stderr, change->file);
		fprintf(stderr,
			" (%s)? [y]es, [n]o, [a]ll, [q]uit: ", suite_change_name(change->kind));
		const char answer = read_answer();
		if (answer && strchr("ynaq", answer)) {
			return answer;
		}
	}
}

/* What is said of a frame is for all its pictures. */
static bool same_frame(const struct suite_change *a, const struct suite_change *b)
{
	return a->test == b->test && a->number == b->number;
}

static void ask_all(struct suite_update *update)
{
	char answer = 'n';

	for (size_t i = 0; i < update->count; i++) {
		struct suite_change *change = &update->changes[i];
		const bool next = i == 0 || !same_frame(change, change - 1);
		if (next && answer != 'a' && answer != 'q') {
			answer = ask(change);
		}
		change->wanted = answer == 'y' || answer == 'a';
	}
}

static void choose(struct suite_update *update, bool json)
{
	if (!update->name_count && !json && update->count && isatty(STDIN_FILENO) &&
		isatty(STDERR_FILENO)) {
		ask_all(update);
		return;
	}
	for (size_t i = 0; i < update->count; i++) {
		update->changes[i].wanted = update->changes[i].named;
	}
}

/* Telling */

/* The first test that has no goldens yet, or NULL. */
static const char *without_goldens(const struct suite_results *results)
{
	for (size_t i = 0; i < results->count; i++) {
		if (results->list[i].verdict == SUITE_PASS && !results->list[i].has_goldens) {
			return results->list[i].name;
		}
	}
	return NULL;
}

static void say_done(
	const struct suite_update *update, const struct suite_results *results, size_t left)
{
	const char *suite = results->runs[0].suite;

	fprintf(stderr, "vgt: %s: ", suite);
	if (!update->count) {
		const char *name = without_goldens(results);
		fputs("nothing to approve", stderr);
		if (name) {
			fputs("; for a trace without goldens name frames, such as ", stderr);
			vgt_text_puts(stderr, name);
			fputs(":0", stderr);
		}
		fputc('\n', stderr);
		return;
	}
	if (!update->written && !update->removed && !update->name_count) {
		fprintf(stderr,
			"nothing is approved; name what you have looked at: "
			"vgt test --update %s NAME[:FRAMES]...\n",
			suite);
		return;
	}
	fprintf(stderr, "%zu golden%s written", update->written,
		update->written == 1 ? "" : "s");
	if (update->removed) {
		fprintf(stderr, ", %zu removed", update->removed);
	}
	if (left) {
		fprintf(stderr, ", %zu left as %s", left, left == 1 ? "it is" : "they are");
	}
	fputc('\n', stderr);
}

static void print_summary_json(const struct suite_update *update, size_t left)
{
	struct json_object *object = json_object_new_object();

	vgt_json_put_text(object, "event", "update");
	vgt_json_put_number(object, "written", update->written);
	vgt_json_put_number(object, "removed", update->removed);
	vgt_json_put_number(object, "left", left);
	vgt_json_print(stdout, object);
}

int suite_update_run(
	struct suite_update *update, const struct suite_results *results, bool json)
{
	struct vgt_err err;
	size_t left = 0;

	if (!suite_update_plan(update, results)) {
		fputs("vgt: no memory for the update\n", stderr);
		return VGT_EXIT_TROUBLE;
	}
	print_plan(update, json);
	choose(update, json);
	if (interrupt_noted()) {
		return VGT_EXIT_DIFFERENT; /* nothing is written then */
	}
	const bool good = suite_update_apply(update, &err);
	if (!good) {
		fputs("vgt: ", stderr);
		vgt_text_puts(stderr, err.message);
		fputc('\n', stderr);
	}
	for (size_t i = 0; i < update->count; i++) {
		left += !update->changes[i].done;
	}
	if (json) {
		print_summary_json(update, left);
	} else {
		say_done(update, results, left);
	}
	return !good                       ? VGT_EXIT_TROUBLE
	       : left || update->unsettled ? VGT_EXIT_DIFFERENT
					   : VGT_EXIT_OK;
}
