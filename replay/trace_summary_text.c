/* SPDX-License-Identifier: MIT */
#include "trace_summary_text.h"

#include "vgt_record_desc.h"
#include "vgt_text.h"
#include "virgl_caps.h"
#include "virgl_desc.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters of a text from outside that are shown, where not all are. */
#define SHOWN_MAX 300u

/* One file's report. */
struct info {
	const char *path;
	int64_t file_bytes; /* -1: a pipe */
	const struct trace_summary *summary;
	bool all; /* nothing is cut */
};

/* The name that a line begins with; from outside in --all only. */
static void print_name(const char *name, int width)
{
	int column = (int)vgt_text_print(stdout, name, strlen(name));
	do {
		putchar(' ');
	} while (++column < width);
}

#define WIDTH     15
#define WIDTH_ALL 27

__attribute__((format(printf, 2, 3))) static void print_line(
	const char *name, const char *format, ...)
{
	va_list args;
	print_name(name, WIDTH);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* Text from outside, of which only the beginning is shown where it is long. */
static void print_text(const struct info *info, const char *text)
{
	const size_t all = strlen(text);
	const size_t length = info->all ? all : vgt_text_cut(text, all, SHOWN_MAX);
	vgt_text_print(stdout, text, length);
	if (length < all) {
		fputs(" [...]", stdout);
	}
}

/* The values of several keys of META, as far as they are there, in a line. */
static void print_meta_line(
	const struct info *info, const char *name, const char *const *keys, const char *between)
{
	bool first = true;
	for (; *keys; keys++) {
		const char *text = trace_summary_meta(info->summary, *keys);
		if (!text || !*text) {
			continue;
		}
		if (first) {
			print_name(name, WIDTH);
		} else {
			fputs(between, stdout);
		}
		print_text(info, text);
		first = false;
	}
	if (!first) {
		putchar('\n');
	}
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static const char *end_text(const struct trace_summary *summary)
{
	switch (summary->end) {
	case VGT_END_TAIL:
		return "whole";
	case VGT_END_RING:
		return "its recording was killed; the rest is in its ring (see `vgt help "
		       "recover`)";
	case VGT_END_RECORDING:
		return summary->ring_unseen ? "still being recorded; what is not in the file "
					      "yet cannot be seen"
					    : "still being recorded";
	default:
		return "cut: its end is missing (see `vgt help recover`)";
	}
}

static void print_state(const struct trace_summary *summary)
{
	if (!summary->damaged) {
		print_line("state", "%s", end_text(summary));
	} else if (summary->stopped) {
		print_line("state", "damaged: %s; what follows is not read",
			summary->damage.message);
	} else if (summary->end != VGT_END_TAIL) {
		print_line(
			"state", "damaged: %s; %s", summary->damage.message, end_text(summary));
	} else {
		print_line("state", "damaged: %s", summary->damage.message);
	}
}

static void print_size(const struct info *info)
{
	const uint64_t stream = info->summary->all.stream_pos;
	char text[VGT_TEXT_SIZE], stream_text[VGT_TEXT_SIZE];
	if (info->file_bytes > 0) {
		print_line("size", "%s, %s uncompressed (%.1f times)",
			vgt_text_size(text, (uint64_t)info->file_bytes),
			vgt_text_size(stream_text, stream),
			(double)stream / (double)info->file_bytes);
	} else {
		print_line("size", "%s uncompressed", vgt_text_size(stream_text, stream));
	}
}

static void print_recorded(const struct info *info)
{
	const struct trace_summary *summary = info->summary;
	const char *time = trace_summary_meta(summary, "time");
	const char *reason = trace_summary_meta(summary, "end.reason");
	print_name("recorded", WIDTH);
	if (time) {
		print_text(info, time);
		fputs(", ", stdout);
	}
	printf("%.3f s%s", (double)summary->last_ns / 1e9,
		summary->end == VGT_END_RECORDING ? " so far" : "");
	if (reason && strcmp(reason, "finished") != 0) {
		fputs(", ended: ", stdout);
		print_text(info, reason);
	}
	putchar('\n');
}

static void print_stalls(const struct info *info)
{
	const char *stalls = trace_summary_meta(info->summary, "stats.stalls");
	const char *time = trace_summary_meta(info->summary, "stats.stall_ns");
	if (stalls && time && strcmp(stalls, "0") != 0) {
		print_name("stalls", WIDTH);
		print_text(info, stalls);
		printf(", %.3f s in all: the ring was full\n", strtod(time, NULL) / 1e9);
	}
}

static void print_environment(const struct info *info)
{
	size_t length = 0;
	json_object_object_foreach(info->summary->meta, key, value)
	{
		const char *text = json_object_get_string(value);
		if (strncmp(key, "env.", 4) != 0 || !text) {
			continue;
		}
		if (!length) {
			print_name("environment", WIDTH);
		} else if (length > SHOWN_MAX && !info->all) {
			fputs(" [...]", stdout);
			break;
		} else {
			putchar(' ');
		}
		print_text(info, key + 4);
		putchar('=');
		print_text(info, text);
		length += strlen(key) + strlen(text);
	}
	if (length) {
		putchar('\n');
	}
}

static void print_host(const struct info *info)
{
	static const char *const host[] = {"system", "virglrenderer.library", NULL};
	static const char *const gl[] = {"gl.renderer", "gl.version", NULL};
	const struct trace_summary *summary = info->summary;
	print_meta_line(info, "host", host, ", ");
	print_meta_line(info, "gl", gl, ", ");
	for (size_t i = 0; i < summary->capset_count; i++) {
		const char *renderer = summary->capsets[i].renderer;
		if (*renderer && !trace_summary_meta(summary, "gl.renderer")) {
			print_name("gl", WIDTH);
			print_text(info, renderer);
			putchar('\n');
			break;
		}
	}
	print_environment(info);
}

/* A fact that the last capset that knows it has. */
static bool find_fact(
	const struct trace_summary *summary, enum trace_fact fact, uint32_t *value)
{
	for (size_t i = summary->capset_count; i-- > 0;) {
		if (summary->capsets[i].known[fact]) {
			*value = summary->capsets[i].fact[fact];
			return true;
		}
	}
	return false;
}

static void print_facts(const struct trace_summary *summary)
{
	static const struct {
		enum trace_fact fact;
		const char *before, *after; /* the number; of a bit only `before` */
	} facts[] = {{TRACE_FACT_GLSL_LEVEL, "GLSL ", ""},
		{TRACE_FACT_MAX_SAMPLES, "", " samples"},
		{TRACE_FACT_MAX_RENDER_TARGETS, "", " render targets"},
		{TRACE_FACT_MAX_TEXTURE_2D, "2D textures to ", ""},
		{TRACE_FACT_GEOMETRY, "geometry", NULL},
		{TRACE_FACT_TESSELLATION, "tessellation", NULL},
		{TRACE_FACT_COMPUTE, "compute", NULL}, {TRACE_FACT_GLES, "GL ES host", NULL}};
	const char *between = "";
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		uint32_t value;
		if (!find_fact(summary, facts[i].fact, &value) || (!facts[i].after && !value)) {
			continue;
		}
		if (!*between) {
			print_name("offered", WIDTH);
		}
		printf("%s%s", between, facts[i].before);
		if (facts[i].after) {
			printf("%" PRIu32 "%s", value, facts[i].after);
		}
		between = ", ";
	}
	if (trace_summary_meta(summary, "capset.masked")) {
		if (!*between) {
			print_name("offered", WIDTH);
		}
		printf("%sless than the host has", between);
		between = ", ";
	}
	if (*between) {
		puts(" (all: vgt dump --capset)");
	}
}

static void print_capsets(const struct trace_summary *summary)
{
	for (size_t i = 0; i < summary->capset_count; i++) {
		const struct trace_capset *capset = &summary->capsets[i];
		const struct vgt_desc *desc = virgl_caps_desc(capset->id);
		char text[VGT_TEXT_SIZE];
		if (i == 0) {
			print_name("capsets", WIDTH);
		}
		printf("%s%" PRIu32 " (%s) version %" PRIu32 ", %s", i ? "; " : "", capset->id,
			desc ? desc->name : "unknown", capset->version,
			vgt_text_size(text, capset->bytes));
	}
	if (summary->capset_count) {
		putchar('\n');
	}
	print_facts(summary);
}

static void print_frames(const struct trace_summary *summary)
{
	const double rate = trace_summary_frame_rate(summary);
	const char *between = "";
	print_name("frames", WIDTH);
	for (size_t i = VGT_FRAME_MARKER + 1; i-- > 0;) {
		if (summary->frame_rules[i]) {
			printf("%s%" PRIu64 " by %s", between, summary->frame_rules[i],
				trace_frame_rule_name((enum vgt_frame_rule)i));
			between = ", ";
		}
	}
	if (!*between) {
		printf("%" PRIu64, summary->records[VGT_RECORD_FRAME]);
	}
	if (rate > 0) {
		printf(", %.1f per second", rate);
	}
	putchar('\n');
}

/* Sizes that are shown. */
#define SIZES_SHOWN 4u

static void print_sizes(const struct trace_summary *summary)
{
	const size_t shown =
		summary->size_count < SIZES_SHOWN ? summary->size_count : SIZES_SHOWN;
	for (size_t i = 0; i < shown; i++) {
		const struct trace_size *size = &summary->sizes[i];
		print_name(i ? "" : "frame size", WIDTH);
		printf("%" PRIu32 "x%" PRIu32 " %s", size->width, size->height,
			size->format ? vgt_format_name(size->format) : "of unknown format");
		if (summary->size_count > 1) {
			printf(", %" PRIu64 " frame%s", size->frames, plural(size->frames));
		}
		puts(i + 1 == shown && summary->size_count > shown ? "; and others" : "");
	}
	const char *between = "";
	for (uint32_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		const struct trace_scanout *scanout = &summary->scanouts[i];
		if (!scanout->frames) {
			continue;
		}
		if (!*between) {
			print_name("scanouts", WIDTH);
		}
		printf("%s%" PRIu32 ": %" PRIu32 "x%" PRIu32 ", %" PRIu64 " frame%s", between,
			i, scanout->width, scanout->height, scanout->frames,
			plural(scanout->frames));
		between = "; ";
	}
	if (*between) {
		putchar('\n');
	}
}

/* Kinds of contexts that are shown. */
#define CONTEXTS_SHOWN 6u

static void print_contexts(const struct info *info)
{
	const struct trace_summary *summary = info->summary;
	size_t shown = 0;
	print_name("contexts", WIDTH);
	printf("%" PRIu64, summary->contexts_created);
	for (size_t i = 0; i < summary->contexts_count; i++) {
		const struct trace_contexts *alike = &summary->contexts[i];
		if (!alike->created) {
			continue; /* refused */
		}
		fputs(shown ? ", " : ": ", stdout);
		if (shown++ == CONTEXTS_SHOWN && !info->all) {
			fputs("...", stdout);
			break;
		}
		if (alike->created > 1) {
			printf("%" PRIu64 " ", alike->created);
		}
		const struct vgt_desc *desc = virgl_caps_desc(
			alike->capset_id ? alike->capset_id : VIRTIO_GPU_CAPSET_VIRGL);
		if (desc) {
			fputs(desc->name, stdout);
		} else {
			printf("capset %" PRIu32, alike->capset_id);
		}
		if (*alike->name) {
			fputs(" \"", stdout);
			print_text(info, alike->name);
			putchar('"');
		}
	}
	if (summary->sub_contexts_created) {
		printf("; %" PRIu64 " sub-context%s", summary->sub_contexts_created,
			plural(summary->sub_contexts_created));
	}
	putchar('\n');
}

static void print_resources(const struct trace_summary *summary)
{
	char most[VGT_TEXT_SIZE], recorded[VGT_TEXT_SIZE];
	print_line("resources",
		"%" PRIu64 " created, at most %" PRIu64
		" at once and %s of guest memory attached%s",
		summary->resources_created, summary->resources_most,
		vgt_text_size(most, summary->attached_most),
		summary->resources_imported
			? "; some came from elsewhere, their content is missing"
			: "");
	print_line(
		"guest memory", "%s in the trace", vgt_text_size(recorded, summary->recorded));
}

static void print_work(const struct trace_summary *summary)
{
	const uint64_t *virgl = summary->virgl;
	const uint64_t cleared = trace_summary_clears(summary),
		       submits = summary->records[VIRTIO_GPU_CMD_SUBMIT_3D];
	char bytes[VGT_TEXT_SIZE];
	print_name("commands", WIDTH);
	printf("%" PRIu64, summary->all.commands);
	if (summary->commands_lost) {
		printf(" (%" PRIu64 " of them lost)", summary->commands_lost);
	}
	printf(", %" PRIu64 " submit%s of %s\n", submits, plural(submits),
		vgt_text_size(bytes, summary->submit_bytes));
	print_line("work", "%" PRIu64 " draw%s, %" PRIu64 " clear%s, %" PRIu64 " launch%s",
		virgl[VIRGL_CCMD_DRAW_VBO], plural(virgl[VIRGL_CCMD_DRAW_VBO]), cleared,
		plural(cleared), virgl[VIRGL_CCMD_LAUNCH_GRID],
		virgl[VIRGL_CCMD_LAUNCH_GRID] == 1 ? "" : "es");
	uint64_t shaders = 0;
	for (size_t i = 0; i < PIPE_SHADER_TYPES; i++) {
		shaders += summary->shaders[i];
	}
	print_name("shaders", WIDTH);
	printf("%" PRIu64, shaders);
	const char *between = ": ";
	for (uint32_t i = 0; i < PIPE_SHADER_TYPES; i++) {
		if (summary->shaders[i]) {
			printf("%s%" PRIu64 " %s", between, summary->shaders[i],
				vgt_name_of(virgl_shader_stages, i));
			between = ", ";
		}
	}
	putchar('\n');
}

static void print_transfers(const struct trace_summary *summary)
{
	char to_host[VGT_TEXT_SIZE], from_host[VGT_TEXT_SIZE];
	print_line("transfers", "%" PRIu64 " to the host, %s; %" PRIu64 " from it, %s",
		summary->to_host.count, vgt_text_size(to_host, summary->to_host.bytes),
		summary->from_host.count, vgt_text_size(from_host, summary->from_host.bytes));
}

/* What went wrong, each with the address of the first. */
static void print_faults(const struct trace_summary *summary)
{
	const struct {
		const struct trace_fault *fault;
		const char *what;
	} faults[] = {{&summary->failed, "failed"},
		{&summary->refused, "refused by the device"},
		{&summary->bad, "no command at all"},
		{&summary->bad_fences, "fences not created"}};
	const char *between = "";
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (!faults[i].fault->count) {
			continue;
		}
		if (!*between) {
			print_name("trouble", WIDTH);
		}
		printf("%s%" PRIu64 " %s (first @%" PRIu64 ")", between, faults[i].fault->count,
			faults[i].what, faults[i].fault->first);
		between = ", ";
	}
	if (*between) {
		putchar('\n');
	}
	if (summary->device_resets) {
		print_line("resets", "%" PRIu64, summary->device_resets);
	}
}

static void print_marks(const struct info *info)
{
	const struct trace_summary *summary = info->summary;
	const uint64_t count = summary->records[VGT_RECORD_MARK];
	const size_t shown = info->all || summary->mark_count < 4 ? summary->mark_count : 4;
	for (size_t i = 0; i < shown; i++) {
		const struct trace_mark *mark = &summary->marks[i];
		print_name(i ? "" : "marks", WIDTH);
		printf("@%" PRIu64 " ", mark->command);
		vgt_text_print(stdout, mark->text, mark->length);
		if (i + 1 == shown && count > shown) {
			printf(" (and %" PRIu64 " more)", count - shown);
		}
		putchar('\n');
	}
}

/* Gaps that are shown. */
#define GAPS_SHOWN 8u

static void print_gaps(const struct info *info)
{
	const struct trace_summary *summary = info->summary;
	const uint64_t most = info->all ? TRACE_SUMMARY_GAPS : GAPS_SHOWN;
	for (size_t i = 0; i < summary->gap_count && i < most; i++) {
		const struct trace_gap *gap = &summary->gaps[i];
		print_name(i ? "" : "gaps", WIDTH);
		printf("bytes %" PRIu64 " to %" PRIu64 ": ", gap->begin, gap->end);
		if (gap->commands_lost) {
			printf("commands @%" PRIu64 " to @%" PRIu64, gap->command,
				gap->command + gap->commands_lost - 1);
		} else {
			fputs("no command", stdout);
		}
		printf(" and %" PRIu64 " frame%s are lost\n", gap->frames_lost,
			plural(gap->frames_lost));
	}
	if (summary->gap_count > most) {
		print_line("",
			"in all %" PRIu64 " gaps, %" PRIu64 " commands, %" PRIu64 " frames",
			summary->gap_count, summary->commands_lost, summary->frames_lost);
	}
}

/* Whether this only starts the program that comes behind it in the command line. */
static bool is_launcher(const char *base, size_t length)
{
	static const char *const names[] = {"env", "wine", "wine64"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strlen(names[i]) == length && memcmp(base, names[i], length) == 0) {
			return true;
		}
	}
	return false;
}

/* The program's name in its command line, which may set its environment first: `env -u NAME
 * NAME=VALUE program`. */
static size_t find_program(const char *cmdline, const char **name)
{
	bool is_value = false;
	for (;;) {
		const size_t length = strcspn(cmdline, " ");
		const char *slash = memrchr(cmdline, '/', length);
		const char *base = slash ? slash + 1 : cmdline;
		const size_t rest = length - (size_t)(base - cmdline);
		const bool is_before = is_value || *cmdline == '-' ||
				       memchr(cmdline, '=', length) || is_launcher(base, rest);
		is_value = length == 2 &&
			   (memcmp(cmdline, "-u", 2) == 0 || memcmp(cmdline, "-C", 2) == 0);
		if (!is_before || !cmdline[length]) {
			*name = base;
			return rest;
		}
		cmdline += length + 1;
	}
}

/* What a reader takes for the program: not the server that works for it. */
static void print_program(const struct info *info)
{
	static const char *const program[] = {"program", NULL};
	static const char *const cmdline[] = {"cmdline", NULL};
	static const char *const subject[] = {"subject", NULL};
	const char *text = trace_summary_meta(info->summary, "subject");
	const char *server = trace_summary_meta(info->summary, "program"), *name;
	if (!text || !*text) {
		print_meta_line(info, "program", program, "");
		print_meta_line(info, "command line", cmdline, "");
		return;
	}
	const size_t length = find_program(text, &name);
	print_name("program", WIDTH);
	vgt_text_print(stdout, name, vgt_text_cut(name, length, SHOWN_MAX));
	if (server && *server) {
		fputs(" (over ", stdout);
		print_text(info, server);
		putchar(')');
	}
	putchar('\n');
	print_meta_line(info, "command line", subject, "");
}

/* What --all adds: notes as they are, and counts by name. */
static void print_all(const struct trace_summary *summary)
{
	putchar('\n');
	json_object_object_foreach(summary->meta, key, value)
	{
		const char *text = json_object_get_string(value);
		print_name(key, WIDTH_ALL);
		vgt_text_print(stdout, text ? text : "", text ? strlen(text) : 0);
		putchar('\n');
	}
	putchar('\n');
	for (uint32_t type = 0; type <= UINT16_MAX; type++) {
		if (summary->records[type]) {
			printf("%-*s %" PRIu64 "\n", WIDTH_ALL - 1,
				vgt_record_name((uint16_t)type), summary->records[type]);
		}
	}
	putchar('\n');
	for (uint32_t op = 0; op <= UINT8_MAX; op++) {
		const char *name = virgl_ccmd_name((uint8_t)op);
		if (summary->virgl[op]) {
			printf("%-*s %" PRIu64 "\n", WIDTH_ALL - 1, name ? name : "unknown",
				summary->virgl[op]);
		}
	}
}

void trace_summary_print(
	const struct trace_summary *summary, const char *path, int64_t file_bytes, bool all)
{
	const struct info report = {path, file_bytes, summary, all};
	const struct info *const info = &report;
	static const char *const producer[] = {"producer", NULL};
	print_name("trace", WIDTH);
	print_text(info, info->path);
	putchar('\n');
	print_line("version", "%u.%u, id %016" PRIx64, VGT_TRACE_MAJOR, summary->minor,
		summary->trace_id);
	print_state(summary);
	print_gaps(info);
	print_size(info);
	print_recorded(info);
	print_meta_line(info, "producer", producer, "");
	print_program(info);
	print_host(info);
	print_capsets(summary);
	print_frames(summary);
	print_sizes(summary);
	print_contexts(info);
	print_resources(summary);
	print_work(summary);
	print_transfers(summary);
	print_faults(summary);
	print_marks(info);
	print_stalls(info);
	if (info->all) {
		print_all(summary);
	}
}
