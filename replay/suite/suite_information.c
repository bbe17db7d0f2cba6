/* SPDX-License-Identifier: MIT */
#include "suite_information.h"

#include <ctype.h>
#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

extern char **environ;

static char *find_kernel(void)
{
	struct utsname name;
	char *kernel = NULL;

	return uname(&name) == 0 && asprintf(&kernel, "%s %s %s", name.sysname, name.release,
					    name.machine) >= 0
		       ? kernel
		       : NULL;
}

/* "model name : ..." of the first processor; other machines than x86 may not have it. */
static char *find_cpu(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL, *found = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) > 0) {
		const char *colon = strchr(line, ':');
		if (colon && strncmp(line, "model name", 10) == 0) {
			const char *value = colon + 1 + strspn(colon + 1, " \t");
			found = strndup(value, strcspn(value, "\n"));
		}
	}
	free(line);
	if (file) {
		fclose(file);
	}
	return found;
}

static char *find_date(void)
{
	char text[32];
	const time_t now = time(NULL);
	struct tm broken;

	return gmtime_r(&now, &broken) &&
			       strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &broken)
		       ? strdup(text)
		       : NULL;
}

char *suite_digest(const struct suite *suite)
{
	char text[SHA256_DIGEST_STRING_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	for (size_t i = 0; i < suite->manifest.count; i++) {
		const struct suite_test *test = &suite->manifest.tests[i];
		const char *const parts[] = {test->name, test->sha256, test->frames};
		for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
			const char *word = parts[part] ? parts[part] : "";
			/* with the NUL, so that they stay apart */
			SHA256Update(&context, (const uint8_t *)word, strlen(word) + 1);
		}
	}
	return strdup(SHA256End(&context, text));
}

/* By what the names of variables begin with that Mesa and virglrenderer read. Those of caches
 * and logs change no picture, and have paths. */
static bool changes_rendering(const char *variable)
{
	static const char *const beginnings[] = {"LIBGL_", "MESA_", "GALLIUM_", "LP_", "EGL_",
		"VREND_", "VIRGL_", "SOFTPIPE_", "ST_DEBUG", "NIR_DEBUG", "__GLX_VENDOR",
		"__EGL_VENDOR"};
	const char *equals = strchr(variable, '=');
	const char *cache = strstr(variable, "_CACHE"), *log = strstr(variable, "_LOG");

	if (!equals || (cache && cache < equals) || (log && log < equals)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0) {
			return true;
		}
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct suite_environment *left = a, *right = b;
	return strcmp(left->name, right->name);
}

static bool gather_environment(struct suite_information *run)
{
	size_t count = 0;

	for (char **variable = environ; *variable; variable++) {
		count += changes_rendering(*variable);
	}
	run->environment = calloc(count + 1, sizeof(*run->environment));
	if (!run->environment) {
		return false;
	}
	for (char **variable = environ; *variable; variable++) {
		if (!changes_rendering(*variable)) {
			continue;
		}
		const size_t length = strcspn(*variable, "=");
		struct suite_environment *to = &run->environment[run->environment_count++];
		to->name = strndup(*variable, length);
		to->value = strdup(*variable + length + 1);
		if (!to->name || !to->value) {
			return false;
		}
	}
	qsort(run->environment, run->environment_count, sizeof(*run->environment), by_name);
	return true;
}

bool suite_information_gather(struct suite_information *run, const struct suite *suite,
	const char *path, struct vgt_err *err)
{
	run->vgt = strdup(VGT_VERSION);
	run->suite = strdup(path);
	run->digest = suite_digest(suite);
	run->cpu = find_cpu();
	run->kernel = find_kernel();
	run->date = find_date();
	return (run->vgt && run->suite && run->digest && gather_environment(run)) ||
	       vgt_err_system(err, ENOMEM, "cannot note where the tests run");
}
