/* SPDX-License-Identifier: MIT */
/* Whether `vgt record -- qemu-system-x86_64 ...` can record a virtual machine here. */
#include "debian_packages.h"
#include "doctor.h"
#include "find_program.h"
#include "qemu_modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QEMU   "qemu-system-x86_64"
#define DEVICE "virtio-vga-gl"

static bool set_modules(void *opaque)
{
	const struct qemu_modules *modules = opaque;

	return modules->device != QEMU_MODULES ||
	       setenv("QEMU_MODULE_DIR", modules->directory, 1) == 0;
}

static bool run_qemu(
	struct doctor *doctor, char *option, char *argument, const struct qemu_modules *modules)
{
	static char program[] = QEMU;
	char *argv[] = {program, option, argument, NULL};

	return doctor_run(doctor, argv, set_modules, (void *)modules);
}

static struct doctor_finding *add_failure(const struct doctor *doctor, struct doctor_task *task,
	const char *name, const char *what)
{
	char how[256], last[256];

	doctor_last_line(doctor->result.output, last, sizeof(last));
	struct doctor_finding *finding = doctor_add(task, DOCTOR_MISSING, name, "%s%s%s%s",
		what, vgt_run_describe(&doctor->result, doctor->timeout_ms, how, sizeof(how)),
		last[0] ? ": " : "", last);
	finding->package = DEBIAN_QEMU_GUI;
	return finding;
}

/* False: it does not even say its version. */
static bool add_version(
	struct doctor *doctor, struct doctor_task *task, const struct qemu_modules *modules)
{
	static char option[] = "--version";
	char path[PATH_MAX];

	if (!vgt_find_program(QEMU, path)) {
		doctor_add(task, DOCTOR_MISSING, "QEMU", QEMU " not found in PATH")->package =
			DEBIAN_QEMU;
		return false;
	}
	if (!run_qemu(doctor, option, NULL, modules)) {
		add_failure(doctor, task, "QEMU", QEMU " --version ")->package = DEBIAN_QEMU;
		return false;
	}
	doctor_add(task, DOCTOR_OK, "QEMU", "%s, %.*s", path,
		(int)strcspn(doctor->result.output, "\n"), doctor->result.output);
	return true;
}

/* What the device can record by itself; `listed`: its properties. */
static void add_recorder(
	struct doctor_task *task, const struct qemu_modules *modules, const char *listed)
{
	const bool records = strstr(listed, "capture=") != NULL;

	switch (modules->device) {
	case QEMU_MODULES:
	case QEMU_RECORDS:
		if (records) {
			doctor_add(task, DOCTOR_OK, "device's recorder", "%s",
				modules->device == QEMU_MODULES ? modules->directory
								: "in this QEMU");
		} else {
			doctor_add(task, DOCTOR_LIMITED, "device's recorder",
				"the modules in %s are not taken by this QEMU: a trace will "
				"have no frames of its own",
				modules->directory)
				->remedy = "host-capture/qemu/build modules";
		}
		break;
	case QEMU_SHADOWED:
		doctor_add(task, DOCTOR_LIMITED, "device's recorder",
			"QEMU_MODULE_DIR hides the modules in %s: a trace will have no frames "
			"of its own",
			modules->directory)
			->remedy = "unset QEMU_MODULE_DIR";
		break;
	default:
		doctor_add(task, DOCTOR_LIMITED, "device's recorder",
			"no modules that record for this QEMU: a trace will have no frames of "
			"its own (vgt replay --frame=submit)")
			->remedy = "host-capture/qemu/build modules (in vgt's source; QEMU 7.2 "
				   "and 10.0)";
		break;
	}
}

static void add_device(
	struct doctor *doctor, struct doctor_task *task, const struct qemu_modules *modules)
{
	static char option[] = "-device", argument[] = DEVICE ",help";

	if (run_qemu(doctor, option, argument, modules)) {
		doctor_add(task, DOCTOR_OK, "3D device", "-device " DEVICE);
		add_recorder(task, modules, doctor->result.output);
	} else {
		add_failure(doctor, task, "3D device", "-device " DEVICE ",help ");
	}
}

static bool has_line(const char *text, const char *line)
{
	const size_t length = strlen(line);

	while (text) {
		if (strncmp(text, line, length) == 0 &&
			(text[length] == '\n' || text[length] == '\0')) {
			return true;
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

/* Without a render node, QEMU needs a window, or what SDL has in place of one. */
static void add_window(struct doctor_task *task)
{
	static const char *const names[] = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value && *value) {
			doctor_add(task, DOCTOR_OK, "window", "%s=%s", names[i], value);
			return;
		}
	}
	doctor_add(task, DOCTOR_LIMITED, "window",
		"no DISPLAY: without SDL_VIDEODRIVER=offscreen, -display sdl,gl=on fails")
		->remedy = "export SDL_VIDEODRIVER=offscreen";
}

/* Those displays of QEMU that bring OpenGL, which the device needs. */
static void add_displays(struct doctor *doctor, struct doctor_task *task,
	const struct qemu_modules *modules, bool has_gpu)
{
	static char option[] = "-display", argument[] = "help";
	static const char *const kinds[][2] = {
		{"sdl", "sdl,gl=on"}, {"gtk", "gtk,gl=on"}, {"egl-headless", "egl-headless"}};
	char text[64] = "";

	if (!run_qemu(doctor, option, argument, modules)) {
		add_failure(doctor, task, "display with GL", "-display help ");
		return;
	}
	/* the last one opens a render node */
	for (size_t i = 0; i < (has_gpu ? 3 : 2); i++) {
		if (has_line(doctor->result.output, kinds[i][0])) {
			const size_t used = strlen(text);
			snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "",
				kinds[i][1]);
		}
	}
	if (text[0]) {
		doctor_add(task, DOCTOR_OK, "display with GL", "-display %s", text);
	} else {
		doctor_add(task, DOCTOR_MISSING, "display with GL",
			"this QEMU has neither sdl nor gtk%s",
			has_gpu ? " nor egl-headless" : "")
			->package = DEBIAN_QEMU_GUI;
	}
	if (!has_gpu) {
		add_window(task);
	}
}

void doctor_record_vm(struct doctor *doctor, struct doctor_task *task)
{
	struct qemu_modules modules;

	qemu_modules_find(&modules, QEMU);
	if (add_version(doctor, task, &modules)) {
		add_device(doctor, task, &modules);
		add_displays(doctor, task, &modules, doctor_add_gpus(task) > 0);
	}
	doctor_recorder(task);
	if (!doctor_device(task, "KVM", "/dev/kvm")) {
		doctor_add(task, DOCTOR_LIMITED, "KVM",
			"no /dev/kvm: guests are emulated, which is slow");
	}
}
