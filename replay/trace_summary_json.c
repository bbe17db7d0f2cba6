/* SPDX-License-Identifier: MIT */
#include "trace_summary_json.h"

#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_record_desc.h"
#include "virgl_caps.h"
#include "virgl_desc.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct json_object *add_object(struct json_object *object, const char *key)
{
	struct json_object *member = json_object_new_object();
	json_object_object_add(object, key, member);
	return member;
}

static struct json_object *add_array(struct json_object *object, const char *key)
{
	struct json_object *member = json_object_new_array();
	json_object_object_add(object, key, member);
	return member;
}

static struct json_object *add_entry(struct json_object *array)
{
	struct json_object *entry = json_object_new_object();
	json_object_array_add(array, entry);
	return entry;
}

/* Those that have no name are counted as one. */
static void add_count(struct json_object *object, const char *name, uint64_t count)
{
	struct json_object *others = NULL;
	if (count) {
		json_object_object_get_ex(object, name, &others);
		vgt_json_put_number(object, name, count + json_object_get_uint64(others));
	}
}

static void put_capsets(struct json_object *object, const struct trace_summary *summary)
{
	struct json_object *array = add_array(object, "capsets");
	for (size_t i = 0; i < summary->capset_count; i++) {
		const struct trace_capset *capset = &summary->capsets[i];
		const struct vgt_desc *desc = virgl_caps_desc(capset->id);
		struct json_object *entry = add_entry(array);
		vgt_json_put_number(entry, "id", capset->id);
		json_object_object_add(
			entry, "name", desc ? json_object_new_string(desc->name) : NULL);
		vgt_json_put_number(entry, "version", capset->version);
		vgt_json_put_number(entry, "bytes", capset->bytes);
		for (size_t fact = 0; fact < TRACE_FACTS; fact++) {
			if (!capset->known[fact]) {
				continue;
			}
			json_object_object_add(entry, trace_fact_name(fact),
				fact < TRACE_FACT_TESSELLATION
					? json_object_new_uint64(capset->fact[fact])
					: json_object_new_boolean(capset->fact[fact] != 0));
		}
		if (*capset->renderer) {
			vgt_json_put_text(entry, "renderer", capset->renderer);
		}
	}
}

static void put_size(struct json_object *object, const struct trace_size *size)
{
	vgt_json_put_number(object, "width", size->width);
	vgt_json_put_number(object, "height", size->height);
	json_object_object_add(object, "format",
		size->format ? json_object_new_string(vgt_format_name(size->format)) : NULL);
}

static void put_frames(struct json_object *object, const struct trace_summary *summary)
{
	const double rate = trace_summary_frame_rate(summary);
	if (summary->size_count) {
		put_size(add_object(object, "frame_size"), &summary->sizes[0]);
	} else {
		json_object_object_add(object, "frame_size", NULL);
	}
	struct json_object *sizes = add_array(object, "frame_sizes");
	for (size_t i = 0; i < summary->size_count; i++) {
		struct json_object *entry = add_entry(sizes);
		put_size(entry, &summary->sizes[i]);
		vgt_json_put_number(entry, "count", summary->sizes[i].frames);
	}
	struct json_object *rules = add_object(object, "frame_rules");
	for (size_t i = 0; i <= VGT_FRAME_MARKER; i++) {
		add_count(rules, trace_frame_rule_name((enum vgt_frame_rule)i),
			summary->frame_rules[i]);
	}
	json_object_object_add(
		object, "frame_rate", rate > 0 ? json_object_new_double(rate) : NULL);
	struct json_object *scanouts = add_array(object, "scanouts");
	for (size_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		const struct trace_scanout *scanout = &summary->scanouts[i];
		if (scanout->frames) {
			struct json_object *entry = add_entry(scanouts);
			vgt_json_put_number(entry, "id", i);
			vgt_json_put_number(entry, "width", scanout->width);
			vgt_json_put_number(entry, "height", scanout->height);
			vgt_json_put_number(entry, "count", scanout->frames);
		}
	}
}

static void put_contexts(struct json_object *object, const struct trace_summary *summary)
{
	struct json_object *contexts = add_object(object, "contexts");
	vgt_json_put_number(contexts, "created", summary->contexts_created);
	vgt_json_put_number(contexts, "sub_contexts", summary->sub_contexts_created);
	struct json_object *kinds = add_array(contexts, "kinds");
	for (size_t i = 0; i < summary->contexts_count; i++) {
		if (summary->contexts[i].created) {
			struct json_object *entry = add_entry(kinds);
			vgt_json_put_number(entry, "capset_id", summary->contexts[i].capset_id);
			vgt_json_put_text(entry, "name", summary->contexts[i].name);
			vgt_json_put_number(entry, "created", summary->contexts[i].created);
		}
	}
}

static void put_moved(
	struct json_object *object, const char *key, const struct trace_moved *moved)
{
	struct json_object *member = add_object(object, key);
	vgt_json_put_number(member, "count", moved->count);
	vgt_json_put_number(member, "bytes", moved->bytes);
}

static void put_work(struct json_object *object, const struct trace_summary *summary)
{
	struct json_object *resources = add_object(object, "resources");
	vgt_json_put_number(resources, "created", summary->resources_created);
	vgt_json_put_number(resources, "imported", summary->resources_imported);
	vgt_json_put_number(resources, "most", summary->resources_most);
	vgt_json_put_number(resources, "attached_bytes_most", summary->attached_most);
	vgt_json_put_number(resources, "recorded_bytes", summary->recorded);
	vgt_json_put_number(object, "submit_bytes", summary->submit_bytes);
	struct json_object *shaders = add_object(object, "shaders");
	for (uint32_t i = 0; i < PIPE_SHADER_TYPES; i++) {
		add_count(shaders, vgt_name_of(virgl_shader_stages, i), summary->shaders[i]);
	}
	vgt_json_put_number(object, "draws", summary->virgl[VIRGL_CCMD_DRAW_VBO]);
	vgt_json_put_number(object, "clears", trace_summary_clears(summary));
	vgt_json_put_number(object, "launches", summary->virgl[VIRGL_CCMD_LAUNCH_GRID]);
	struct json_object *transfers = add_object(object, "transfers");
	put_moved(transfers, "to_host", &summary->to_host);
	put_moved(transfers, "from_host", &summary->from_host);
}

static void put_fault(
	struct json_object *object, const char *key, const struct trace_fault *fault)
{
	struct json_object *member = add_object(object, key);
	vgt_json_put_number(member, "count", fault->count);
	json_object_object_add(
		member, "first", fault->count ? json_object_new_uint64(fault->first) : NULL);
}

static void put_faults(struct json_object *object, const struct trace_summary *summary)
{
	put_fault(object, "failed", &summary->failed);
	put_fault(object, "refused", &summary->refused);
	put_fault(object, "bad_commands", &summary->bad);
	put_fault(object, "failed_fences", &summary->bad_fences);
	vgt_json_put_number(object, "resets", summary->device_resets);
	struct json_object *marks = add_array(object, "marks");
	for (size_t i = 0; i < summary->mark_count; i++) {
		const struct trace_mark *mark = &summary->marks[i];
		struct json_object *entry = add_entry(marks);
		char text[TRACE_SUMMARY_MARK_LEN + 1] = "";
		memcpy(text, mark->text, mark->length);
		vgt_json_put_number(entry, "command", mark->command);
		vgt_json_put_text(entry, "text", text);
	}
	vgt_json_put_damage(object, summary->damaged ? &summary->damage : NULL);
	struct json_object *gaps = add_array(object, "gaps");
	for (size_t i = 0; i < summary->gap_count && i < TRACE_SUMMARY_GAPS; i++) {
		const struct trace_gap *gap = &summary->gaps[i];
		struct json_object *entry = add_entry(gaps);
		vgt_json_put_number(entry, "begin", gap->begin);
		vgt_json_put_number(entry, "end", gap->end);
		vgt_json_put_number(entry, "command", gap->command);
		vgt_json_put_number(entry, "commands_lost", gap->commands_lost);
		vgt_json_put_number(entry, "frames_lost", gap->frames_lost);
	}
}

static void put_counts(struct json_object *object, const struct trace_summary *summary)
{
	struct json_object *counts = add_object(object, "counts");
	for (uint32_t type = 0; type <= UINT16_MAX; type++) {
		if (summary->records[type]) {
			add_count(counts, vgt_record_name((uint16_t)type),
				summary->records[type]);
		}
	}
	struct json_object *virgl = add_object(object, "virgl");
	for (uint32_t op = 0; op <= UINT8_MAX; op++) {
		const char *name = virgl_ccmd_name((uint8_t)op);
		add_count(virgl, name ? name : "unknown", summary->virgl[op]);
	}
}

struct json_object *trace_summary_json(
	const struct trace_summary *summary, const char *path, int64_t file_bytes)
{
	struct json_object *object = json_object_new_object();
	char text[64];
	vgt_json_put_text(object, "path", path);
	snprintf(text, sizeof(text), "%u.%u", VGT_TRACE_MAJOR, summary->minor);
	vgt_json_put_text(object, "version", text);
	snprintf(text, sizeof(text), "%016" PRIx64, summary->trace_id);
	vgt_json_put_text(object, "trace_id", text);
	vgt_json_put_text(
		object, "end", summary->damaged ? "damage" : vgt_cmd_end_name(summary->end));
	json_object_object_add(object, "file_bytes",
		file_bytes < 0 ? NULL : json_object_new_int64(file_bytes));
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"stream_bytes", summary->all.stream_pos},
		{"chunks", summary->all.sequence}, {"records", summary->all.records},
		{"commands", summary->all.commands}, {"frames", summary->all.frames}};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		vgt_json_put_number(object, numbers[i].key, numbers[i].value);
	}
	json_object_object_add(
		object, "seconds", json_object_new_double((double)summary->last_ns / 1e9));
	put_capsets(object, summary);
	put_frames(object, summary);
	put_contexts(object, summary);
	put_work(object, summary);
	put_faults(object, summary);
	put_counts(object, summary);
	json_object_object_add(object, "meta", json_object_get(summary->meta));
	return object;
}
