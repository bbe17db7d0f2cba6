/* SPDX-License-Identifier: MIT */
#include "suite_manifest.h"

#include "frame_rule.h"
#include "tolerance.h"
#include "vgt_address.h"
#include "vgt_text.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX      8   /* a manifest needs 5 */
#define NAME_MAX_BYTES 100 /* NAME_RULE says it, too */
#define NAME_RULE \
	"1 to 100 bytes without '/' or control characters and not begin with '.' or '-'"
#define FILE_MAX_BYTES 1000
#define GLOB_MAX_BYTES 200

/* Where the parser is, for messages. */
struct parse {
	struct suite_manifest *manifest;
	struct vgt_tolerance tolerance; /* where a trace has none of its own */
	bool listed;                    /* of a directory, written by nobody */
	const char *list, *word;        /* "traces", "trace": what it is in; NULL outside */
	size_t index;                   /* there */
	const char *name;               /* its name, NULL where that is not known */
	struct vgt_err *err;
};

/* Says what is wrong with `key` (NULL: with the whole) of what it is in, or of the manifest. */
__attribute__((format(printf, 3, 4))) static bool refuse(
	const struct parse *parse, const char *key, const char *format, ...)
{
	char message[160], where[80] = "";
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (parse->list && parse->name) {
		snprintf(where, sizeof(where), "%s %s: ", parse->word,
			vgt_text_quote(parse->name).text);
	} else if (parse->list) {
		snprintf(where, sizeof(where), "%s[%zu]: ", parse->list, parse->index);
	}
	return vgt_err_set(parse->err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "%s%s%s%s", where,
		key ? vgt_text_quote(key).text : "", key ? ": " : "", message);
}

static bool refuse_memory(const struct parse *parse)
{
	return vgt_err_system(parse->err, ENOMEM, "cannot hold the manifest");
}

/* Members: what may stand in an object, in the order in which it is taken. */

struct member {
	const char *key;
	json_type type;
	bool required;
	/* `into`: what the object is about, from `offset` on */
	bool (*take)(
		struct parse *parse, const char *key, struct json_object *value, void *into);
	size_t offset; /* in that; without take(): of a const char * */
};

static const struct member *find_member(const struct member *members, const char *key)
{
	while (members->key && strcmp(members->key, key) != 0) {
		members++;
	}
	return members->key ? members : NULL;
}

static const char *type_words(json_type type)
{
	static const char *const words[] = {
		[json_type_null] = "null",
		[json_type_boolean] = "true or false",
		[json_type_double] = "a number with a fraction",
		[json_type_int] = "a whole number",
		[json_type_object] = "an object",
		[json_type_array] = "an array",
		[json_type_string] = "a string",
	};
	return words[type];
}

static bool check_type(
	const struct parse *parse, const char *key, struct json_object *value, json_type type)
{
	if (!json_object_is_type(value, type)) {
		return refuse(parse, key, "must be %s, not %s", type_words(type),
			type_words(json_object_get_type(value)));
	}
	if (type == json_type_string && strlen(json_object_get_string(value)) !=
						(size_t)json_object_get_string_len(value)) {
		return refuse(parse, key, "has a character U+0000");
	}
	return true;
}

static bool take_member(
	struct parse *parse, const struct member *member, struct json_object *value, void *into)
{
	/* json_type_null: its take() checks; without one, a number is text like others */
	const bool number = json_object_is_type(value, json_type_int) ||
			    json_object_is_type(value, json_type_double);
	const json_type type = member->type == json_type_null && !member->take && !number
				       ? json_type_string
				       : member->type;
	if (type != json_type_null && !check_type(parse, member->key, value, type)) {
		return false;
	}
	if (member->take) {
		return member->take(parse, member->key, value, (char *)into + member->offset);
	}
	*(const char **)((char *)into + member->offset) = json_object_get_string(value);
	return true;
}

static bool take_members(struct parse *parse, struct json_object *object,
	const struct member *members, void *into)
{
	for (const struct member *member = members; member->key; member++) {
		struct json_object *value;
		const bool given = json_object_object_get_ex(object, member->key, &value);
		if (given && !take_member(parse, member, value, into)) {
			return false;
		}
		if (!given && member->required) {
			return refuse(parse, NULL, "has no \"%s\"", member->key);
		}
	}
	/* last: a newer version has other keys, but first of all another version */
	json_object_object_foreach(object, key, value)
	{
		(void)value;
		if (!find_member(members, key)) {
			return refuse(
				parse, NULL, "no such key '%s'", vgt_text_quote(key).text);
		}
	}
	return true;
}

/* Tolerance */

/* A number, or text as the command line has it. */
static bool take_word(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	if (!json_object_is_type(value, json_type_int) &&
		!json_object_is_type(value, json_type_double) &&
		!check_type(parse, key, value, json_type_string)) {
		return false;
	}
	*(const char **)into = json_object_get_string(value);
	return true;
}

static bool take_ignore(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct tolerance_words *words = into;
	const size_t count = json_object_array_length(value);

	for (size_t i = 0; i < count && i < VGT_IGNORED_MAX; i++) {
		struct json_object *area = json_object_array_get_idx(value, i);
		if (!check_type(parse, key, area, json_type_string)) {
			return false;
		}
		words->ignore[i] = json_object_get_string(area);
	}
	words->ignore_count = count;
	return true;
}

static bool take_tolerance(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
#define WORD(key) \
	{ \
#key, json_type_null, false, take_word, offsetof(struct tolerance_words, key) \
	}
	static const struct member members[] = {
		WORD(metric),
		WORD(threshold),
		WORD(max_pixels),
		WORD(max),
		WORD(min),
		WORD(ppd),
		WORD(antialiased),
		{"ignore", json_type_array, false, take_ignore, 0},
		{0},
	};
#undef WORD
	struct tolerance_words words = {0};
	struct tolerance_fault fault;
	(void)key;

	return take_members(parse, value, members, &words) &&
	       (tolerance_take(into, &words, &fault) ||
		       refuse(parse, fault.key, "%s", fault.message));
}

/* Lists of objects */

/* Where an array's objects go. */
struct list {
	const char *word; /* for one of them */
	void *items;      /* of allocate_items() */
	size_t *count, item_size;
	bool (*take)(struct parse *parse, struct json_object *object, void *item);
};

/* Room for the objects of an array; NULL with the error. */
static void *allocate_items(const struct parse *parse, const char *key,
	struct json_object *array, size_t item_size, size_t max)
{
	const size_t count = json_object_array_length(array);
	void *items = count > max ? NULL : calloc(count + 1, item_size);

	if (count > max) {
		refuse(parse, key, "has more than %zu", max);
	} else if (!items) {
		refuse_memory(parse);
	}
	return items;
}

static bool take_list(struct parse *parse, const char *key, struct json_object *array,
	const struct list *list)
{
	const size_t count = json_object_array_length(array);

	parse->list = key;
	parse->word = list->word;
	for (size_t i = 0; i < count; i++) {
		struct json_object *object = json_object_array_get_idx(array, i);
		parse->index = i;
		parse->name = NULL;
		++*list->count;
		if (!json_object_is_type(object, json_type_object)) {
			return refuse(parse, NULL, "must be an object");
		}
		if (!list->take(parse, object, (char *)list->items + i * list->item_size)) {
			return false;
		}
	}
	parse->list = NULL;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether no two have the same name; `item_size` apart, from the first's on. */
static bool names_differ(struct parse *parse, const char *key, const char *const *first,
	size_t count, size_t item_size)
{
	const char **names = calloc(count + 1, sizeof(*names));
	bool good = true;

	if (!names) {
		return refuse_memory(parse);
	}
	for (size_t i = 0; i < count; i++) {
		names[i] = *(const char *const *)((const char *)first + i * item_size);
	}
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 1; i < count && good; i++) {
		good = strcmp(names[i - 1], names[i]) != 0 ||
		       refuse(parse, key, "two have the name %s",
			       vgt_text_quote(names[i]).text);
	}
	free(names);
	return good;
}

#define TEXT(key, type, member) \
	{ \
		key, json_type_string, false, NULL, offsetof(type, member) \
	}

/* One trace */

/* A directory's or a file's name that can be on a line, and names nothing else. */
static bool is_component(const char *name, size_t length)
{
	if (length == 0 || length > NAME_MAX_BYTES || name[0] == '.' || name[0] == '-') {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/') {
			return false;
		}
	}
	return true;
}

static bool take_name(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	const char *name = json_object_get_string(value);

	const bool good = is_component(name, strlen(name));
	if (!good && !parse->listed) {
		return refuse(parse, key, "must be " NAME_RULE ", not '%s'",
			vgt_text_quote(name).text);
	}
	test->refused = good ? NULL : "is not run: a name must be " NAME_RULE;
	test->name = parse->name = name;
	return true;
}

static bool take_file(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	test->file = json_object_get_string(value);
	bool good = strlen(test->file) <= FILE_MAX_BYTES;

	for (const char *part = test->file; good && part;) {
		const size_t length = strcspn(part, "/");
		good = is_component(part, length);
		part = part[length] ? part + length + 1 : NULL;
	}
	return good ||
	       refuse(parse, key, "must be a path within the suite's directory, not '%s'",
		       vgt_text_quote(test->file).text);
}

static bool take_url(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	const size_t length = strcspn(json_object_get_string(value), ":/");
	test->url = json_object_get_string(value);

	if (!*test->url || strlen(test->url) > FILE_MAX_BYTES) {
		return refuse(parse, key, "must be 1 to %d bytes", FILE_MAX_BYTES);
	}
	for (const char *at = test->url; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f) {
			return refuse(parse, key, "has a control character");
		}
	}
	if (test->url[length] == ':' && strncmp(test->url, "https:", 6) != 0 &&
		strncmp(test->url, "http:", 5) != 0 && strncmp(test->url, "file:", 5) != 0) {
		return refuse(parse, key,
			"must be of https:, http: or file:, or a path, not '%s'",
			vgt_text_quote(test->url).text);
	}
	return true;
}

static bool take_sha256(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	test->sha256 = json_object_get_string(value);

	return (strlen(test->sha256) == 64 && strspn(test->sha256, "0123456789abcdef") == 64) ||
	       refuse(parse, key, "must be 64 lower-case hexadecimal digits, not '%s'",
		       vgt_text_quote(test->sha256).text);
}

static bool take_bytes(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	const int64_t bytes = json_object_get_int64(value);

	if (bytes < 1 || (uint64_t)bytes > SUITE_BYTES_MAX) {
		return refuse(parse, key, "must be from 1 to %" PRIu64, SUITE_BYTES_MAX);
	}
	test->bytes = (uint64_t)bytes;
	return true;
}

static bool check_frames(const struct parse *parse, const char *key, const char *frames)
{
	struct vgt_ranges ranges;

	return vgt_ranges_parse(&ranges, frames, NULL) ||
	       refuse(parse, key,
		       "must be frames such as \"0,10-20\", at most %d ranges, not '%s'",
		       VGT_ADDRESSES_MAX, vgt_text_quote(frames).text);
}

static bool take_frames(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;

	test->frames = json_object_get_string(value);
	return check_frames(parse, key, test->frames);
}

static bool take_rule(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;

	return frame_rule_parse(json_object_get_string(value), &test->rule) ||
	       refuse(parse, key, "must be " FRAME_RULE_NAMES ", not '%s'",
		       vgt_text_quote(json_object_get_string(value)).text);
}

static bool take_own_tolerance(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	return take_tolerance(parse, key, value, &test->tolerance);
}

static bool take_tags(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_test *test = into;
	const size_t count = json_object_array_length(value);

	test->tags = calloc(count + 1, sizeof(*test->tags));
	if (!test->tags) {
		return refuse_memory(parse);
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *tag = json_object_array_get_idx(value, i);
		if (!check_type(parse, key, tag, json_type_string)) {
			return false;
		}
		const char *text = json_object_get_string(tag);
		if (!is_component(text, strlen(text)) || strpbrk(text, " ,")) {
			return refuse(parse, key, "must be words, not '%s'",
				vgt_text_quote(text).text);
		}
		test->tags[test->tag_count++] = text;
	}
	return true;
}

static bool take_test(struct parse *parse, struct json_object *object, void *into)
{
	static const struct member members[] = {
		{"name", json_type_string, true, take_name, 0}, /* first: messages have it */
		{"file", json_type_string, false, take_file, 0},
		{"url", json_type_string, false, take_url, 0},
		{"sha256", json_type_string, false, take_sha256, 0},
		{"bytes", json_type_int, false, take_bytes, 0},
		{"frames", json_type_string, false, take_frames, 0},
		{"rule", json_type_string, false, take_rule, 0},
		{"tolerance", json_type_object, false, take_own_tolerance, 0},
		{"tags", json_type_array, false, take_tags, 0},
		TEXT("program", struct suite_test, program),
		TEXT("recorded", struct suite_test, recorded),
		TEXT("shows", struct suite_test, shows),
		TEXT("license", struct suite_test, license),
		{0},
	};
	struct suite_test *test = into;

	test->tolerance = parse->tolerance;
	if (!take_members(parse, object, members, test)) {
		return false;
	}
	if (test->url && test->file) {
		return refuse(parse, "url", "and \"file\" exclude each other");
	}
	if (test->url && (!test->sha256 || !test->bytes)) {
		return refuse(parse, "url", "needs \"sha256\" and \"bytes\"");
	}
	return true;
}

static bool take_traces(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_manifest *manifest = into;
	manifest->tests = allocate_items(parse, key, value, sizeof(*manifest->tests), SIZE_MAX);
	const struct list list = {.word = "trace",
		.items = manifest->tests,
		.count = &manifest->count,
		.item_size = sizeof(*manifest->tests),
		.take = take_test};

	return manifest->tests && take_list(parse, key, value, &list) &&
	       names_differ(parse, key, &manifest->tests->name, manifest->count,
		       sizeof(*manifest->tests));
}

/* Renderers */

#define PATTERN(type) \
	TEXT("renderer", type, pattern.renderer), TEXT("version", type, pattern.version), \
		TEXT("virglrenderer", type, pattern.virglrenderer)

static bool check_glob(const struct parse *parse, const char *key, const char *glob)
{
	return !glob || (*glob && strlen(glob) <= GLOB_MAX_BYTES) ||
	       refuse(parse, key, "must be 1 to %d bytes", GLOB_MAX_BYTES);
}

static bool check_pattern(const struct parse *parse, const struct suite_pattern *pattern)
{
	return check_glob(parse, "renderer", pattern->renderer) &&
	       check_glob(parse, "version", pattern->version) &&
	       check_glob(parse, "virglrenderer", pattern->virglrenderer);
}

static bool take_key_name(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_key *renderer = into;
	const char *name = json_object_get_string(value);

	if (!is_component(name, strlen(name)) || strncmp(name, "frame-", 6) == 0) {
		return refuse(parse, key, "must be " NAME_RULE " or \"frame-\", not '%s'",
			vgt_text_quote(name).text);
	}
	renderer->name = parse->name = name;
	return true;
}

static bool take_key(struct parse *parse, struct json_object *object, void *into)
{
	static const struct member members[] = {
		{"name", json_type_string, true, take_key_name, 0},
		PATTERN(struct suite_key),
		TEXT("inherits", struct suite_key, inherits_name),
		{0},
	};
	const struct suite_key *renderer = into;

	return take_members(parse, object, members, into) &&
	       check_pattern(parse, &renderer->pattern);
}

static struct suite_key *find_key(const struct suite_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->key_count; i++) {
		if (strcmp(manifest->keys[i].name, name) == 0) {
			return &manifest->keys[i];
		}
	}
	return NULL;
}

static bool find_inherited(struct parse *parse)
{
	const struct suite_manifest *manifest = parse->manifest;

	for (size_t i = 0; i < manifest->key_count; i++) {
		struct suite_key *key = &manifest->keys[i];
		parse->list = "renderers";
		parse->name = key->name;
		if (!key->inherits_name) {
			continue;
		}
		key->inherits = find_key(manifest, key->inherits_name);
		if (!key->inherits) {
			return refuse(parse, "inherits", "there is no renderer '%s'",
				vgt_text_quote(key->inherits_name).text);
		}
		/* those before are free of cycles, and their chains end */
		for (const struct suite_key *at = key; at; at = at->inherits) {
			if (at->inherits == key) {
				return refuse(parse, "inherits", "leads back to itself");
			}
		}
	}
	parse->list = NULL;
	return true;
}

static bool take_renderers(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_manifest *manifest = into;
	manifest->keys =
		allocate_items(parse, key, value, sizeof(*manifest->keys), SUITE_KEYS_MAX);
	const struct list list = {.word = "renderer",
		.items = manifest->keys,
		.count = &manifest->key_count,
		.item_size = sizeof(*manifest->keys),
		.take = take_key};

	return manifest->keys && take_list(parse, key, value, &list) &&
	       names_differ(parse, key, &manifest->keys->name, manifest->key_count,
		       sizeof(*manifest->keys)) &&
	       find_inherited(parse);
}

/* Expectations */

const char *suite_expected_name(enum suite_expected expected)
{
	static const char *const names[SUITE_EXPECTED] = {[SUITE_EXPECT_FAIL] = "fail",
		[SUITE_EXPECT_CRASH] = "crash",
		[SUITE_EXPECT_HANG] = "hang",
		[SUITE_EXPECT_SKIP] = "skip",
		[SUITE_EXPECT_FLAKY] = "flaky"};
	return names[expected];
}

static bool take_result(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_expectation *expectation = into;
	const char *text = json_object_get_string(value);

	for (int i = 0; i < SUITE_EXPECTED; i++) {
		if (strcmp(text, suite_expected_name((enum suite_expected)i)) == 0) {
			expectation->expected = (enum suite_expected)i;
			return true;
		}
	}
	return refuse(parse, key, "must be fail, crash, hang, skip or flaky, not '%s'",
		vgt_text_quote(text).text);
}

static bool take_retries(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_expectation *expectation = into;
	const int64_t retries = json_object_get_int64(value);

	if (retries < 1 || retries > SUITE_RETRIES_MAX) {
		return refuse(parse, key, "must be from 1 to %d", SUITE_RETRIES_MAX);
	}
	expectation->retries = (unsigned)retries;
	return true;
}

static bool take_expected_frames(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_expectation *expectation = into;

	expectation->frames = json_object_get_string(value);
	return check_frames(parse, key, expectation->frames);
}

/* What nobody would find in a list of failures otherwise: an entry that is of no use. */
static bool matches_a_trace(const struct parse *parse, const char *glob)
{
	const struct suite_manifest *manifest = parse->manifest;

	for (size_t i = 0; i < manifest->count; i++) {
		if (fnmatch(glob, manifest->tests[i].name, 0) == 0) {
			return true;
		}
	}
	return refuse(
		parse, "traces", "no trace has a name like '%s'", vgt_text_quote(glob).text);
}

static bool take_expectation(struct parse *parse, struct json_object *object, void *into)
{
	static const struct member members[] = {
		{"traces", json_type_string, true, NULL,
			offsetof(struct suite_expectation, traces)},
		PATTERN(struct suite_expectation),
		{"result", json_type_string, true, take_result, 0},
		{"retries", json_type_int, false, take_retries, 0},
		{"frames", json_type_string, false, take_expected_frames, 0},
		{"reason", json_type_string, true, NULL,
			offsetof(struct suite_expectation, reason)},
		{0},
	};
	struct suite_expectation *expectation = into;

	if (!take_members(parse, object, members, expectation)) {
		return false;
	}
	const bool flaky = expectation->expected == SUITE_EXPECT_FLAKY;
	if (!check_glob(parse, "traces", expectation->traces) ||
		!check_pattern(parse, &expectation->pattern)) {
		return false;
	}
	if (expectation->retries && !flaky) {
		return refuse(parse, "retries", "is only for what is flaky");
	}
	if (expectation->frames && !flaky && expectation->expected != SUITE_EXPECT_FAIL) {
		return refuse(parse, "frames", "is only for what fails or is flaky");
	}
	if (!*expectation->reason) {
		return refuse(parse, "reason", "is empty");
	}
	if (flaky && !expectation->retries) {
		expectation->retries = SUITE_RETRIES;
	}
	return matches_a_trace(parse, expectation->traces);
}

static bool take_expect(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_manifest *manifest = into;
	manifest->expectations = allocate_items(
		parse, key, value, sizeof(*manifest->expectations), SUITE_EXPECTATIONS_MAX);
	const struct list list = {.word = "expect",
		.items = manifest->expectations,
		.count = &manifest->expectation_count,
		.item_size = sizeof(*manifest->expectations),
		.take = take_expectation};

	return manifest->expectations && take_list(parse, key, value, &list);
}

/* The manifest */

static bool take_version(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	(void)into;
	return json_object_get_int64(value) == 1 ||
	       refuse(parse, key, "must be 1, the only one that this vgt knows");
}

static bool take_default_tolerance(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	(void)into;
	return take_tolerance(parse, key, value, &parse->tolerance);
}

/* What changes nothing but how Mesa draws: no variable that names a file or a library, for
 * these would let a manifest write and run what it likes. */
static bool is_allowed_variable(const char *name)
{
	static const char *const allowed[] = {"GALLIUM_DRIVER", "LIBGL_ALWAYS_SOFTWARE",
		"LP_NATIVE_VECTOR_WIDTH", "LP_NUM_THREADS", "MESA_EXTENSION_OVERRIDE",
		"MESA_GLES_VERSION_OVERRIDE", "MESA_GLSL_VERSION_OVERRIDE",
		"MESA_GL_VERSION_OVERRIDE"};
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (strcmp(name, allowed[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool take_environment(
	struct parse *parse, const char *key, struct json_object *value, void *into)
{
	struct suite_manifest *manifest = into;
	const int count = json_object_object_length(value);

	manifest->environment = calloc((size_t)count + 1, sizeof(*manifest->environment));
	if (!manifest->environment) {
		return refuse_memory(parse);
	}
	json_object_object_foreach(value, name, text)
	{
		if (!is_allowed_variable(name)) {
			return refuse(parse, key, "'%s' is none that a manifest may set",
				vgt_text_quote(name).text);
		}
		if (!check_type(parse, name, text, json_type_string)) {
			return false;
		}
		manifest->environment[manifest->variable_count++] =
			(struct suite_variable){name, json_object_get_string(text)};
	}
	return true;
}

static bool take_manifest(struct suite_manifest *manifest, struct json_object *json,
	bool listed, struct vgt_err *err)
{
	static const struct member members[] = {
		{"version", json_type_int, true, take_version,
			0}, /* first: others may change */
		{"environment", json_type_object, false, take_environment, 0},
		{"tolerance", json_type_object, false, take_default_tolerance, 0},
		{"traces", json_type_array, true, take_traces, 0},
		{"renderers", json_type_array, false, take_renderers, 0},
		{"expect", json_type_array, false, take_expect, 0}, /* behind the traces */
		{0},
	};
	struct parse parse = {.manifest = manifest,
		.tolerance = SUITE_TOLERANCE,
		.listed = listed,
		.err = err};

	*manifest = (struct suite_manifest){.json = json};
	if (json_object_is_type(json, json_type_object)
			? take_members(&parse, json, members, manifest)
			: refuse(&parse, NULL, "must be an object")) {
		return true;
	}
	suite_manifest_finish(manifest);
	return false;
}

bool suite_manifest_take_listed(
	struct suite_manifest *manifest, struct json_object *json, struct vgt_err *err)
{
	return take_manifest(manifest, json, true, err);
}

bool suite_manifest_parse(
	struct suite_manifest *manifest, const char *text, size_t size, struct vgt_err *err)
{
	*manifest = (struct suite_manifest){0};
	if (size > SUITE_MANIFEST_MAX) {
		return vgt_err_set(err, VGT_ERR_LIMIT, VGT_NO_OFFSET,
			"is larger than %u bytes, no manifest", SUITE_MANIFEST_MAX);
	}
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (!tokener) {
		return vgt_err_system(err, ENOMEM, "cannot hold the manifest");
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *json = json_tokener_parse_ex(tokener, text, (int)size);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (error == json_tokener_success) {
		/* json-c takes a NUL for the end of the text */
		end = vgt_text_skip_space(text, size, end);
		error = end == size ? error : json_tokener_error_parse_unexpected;
	}
	if (error == json_tokener_success) {
		return take_manifest(manifest, json, false, err);
	}
	json_object_put(json);
	return vgt_err_set(err, VGT_ERR_MALFORMED, VGT_NO_OFFSET, "line %zu: %s",
		vgt_text_line(text, end),
		error == json_tokener_continue ? "ends too early"
					       : json_tokener_error_desc(error));
}

void suite_manifest_finish(struct suite_manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++) {
		free(manifest->tests[i].tags);
	}
	free(manifest->tests);
	free(manifest->environment);
	free(manifest->keys);
	free(manifest->expectations);
	json_object_put(manifest->json);
	*manifest = (struct suite_manifest){0};
}

bool suite_test_has_tag(const struct suite_test *test, const char *tag)
{
	for (size_t i = 0; i < test->tag_count; i++) {
		if (strcmp(test->tags[i], tag) == 0) {
			return true;
		}
	}
	return false;
}
