/* SPDX-License-Identifier: MIT */
#include "doctor.h"
#include "interrupt.h"
#include "vgt_cmd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const char cmd_doctor_help[] =
	"usage: vgt doctor [OPTION...] [TASK...]\n"
	"\n"
	"Says what of vgt works on this machine, what is missing, and which package of\n"
	"Debian brings it. The programs that vgt needs are found and tried out: the\n"
	"renderer is started, a client draws through virgl_test_server, QEMU is asked for\n"
	"its devices and displays. Nothing is installed or changed. No guest is started:\n"
	"whether QEMU's window gets OpenGL is not known.\n"
	"\n"
	"The tasks (all):\n"
	"  replay     play traces (vgt replay)\n"
	"  record-gl  record an OpenGL program (vgt record --gl)\n"
	"  record-vm  record a virtual machine (vgt record -- qemu-system-x86_64 ...)\n"
	"\n"
	"  -q, --quiet    only what does not work or has limits, and no details\n"
	"  --timeout S    a program hangs when it takes longer (10)\n"
	"  --json         one JSON object: {\"vgt\": version, \"tasks\": [{\"task\",\n"
	"                 \"verdict\": \"works\"|\"limited\"|\"fails\"|\"unknown\"\n"
	"                 (interrupted), \"remark\", \"findings\": [...]}], \"machine\":\n"
	"                 [...]}; a finding has name, status (\"ok\", \"note\", \"limited\":\n"
	"                 works less well, \"missing\": does not work), text, and what\n"
	"                 helps: package (of Debian) and remedy, null where nothing is\n"
	"                 known; remark may be null, machine is where tasks are named\n"
	"  -h, --help     print this\n"
	"\n"
	"For a bug report give all of its output: it holds versions, paths, and the\n"
	"environment variables that change rendering.\n"
	"\n"
	"exit status: 0 all tasks work, be it with limits; 1 at least one does not;\n"
	"2 wrong usage or trouble. An interrupt prints what was found so far and ends\n"
	"vgt by that signal (130 for Ctrl-C).\n"
	"\n"
	"example: vgt doctor -q replay || exit 77\n";
/* clang-format on */

bool doctor_is_stopped(const struct doctor *doctor)
{
	return doctor->children.interrupts + doctor->children.terminations > 0;
}

bool doctor_run(
	struct doctor *doctor, char *const *argv, bool (*prepare)(void *opaque), void *opaque)
{
	vgt_run_program(
		&doctor->result, &doctor->children, argv, prepare, opaque, doctor->timeout_ms);
	doctor->task->interrupted |= doctor->result.stopped;
	return vgt_run_succeeded(&doctor->result);
}

struct check {
	bool wanted;
	void (*run)(struct doctor *doctor, struct doctor_task *task);
	struct doctor_task task;
};

struct request {
	struct check *checks;
	size_t count;
	bool all; /* no task was named */
	bool json, quiet;
	uint64_t timeout_s;
};

/* False: it cannot. *signal is what came meanwhile, 0 where nothing did. */
static bool run_checks(const struct request *request, int *signal)
{
	static struct doctor doctor;
	struct vgt_err err;

	if (!vgt_children_init(&doctor.children, &err)) {
		fprintf(stderr, "vgt: %s\n", err.message);
		return false;
	}
	doctor.timeout_ms = (unsigned)request->timeout_s * 1000;
	for (size_t i = 0; i < request->count; i++) {
		struct check *check = &request->checks[i];
		doctor.task = &check->task;
		if (doctor_is_stopped(&doctor)) {
			check->task.interrupted = true;
		} else if (check->wanted) {
			check->run(&doctor, &check->task);
		}
	}
	vgt_children_finish(&doctor.children);
	*signal = doctor.children.terminations ? SIGTERM
		  : doctor.children.interrupts ? SIGINT
					       : 0;
	return true;
}

static int report(const struct request *request)
{
	static struct doctor_task machine = {.name = "machine", .title = "this machine"};
	struct doctor_task tasks[8];
	size_t count = 0;
	int code = VGT_EXIT_OK;

	for (size_t i = 0; i < request->count; i++) {
		if (request->checks[i].wanted) {
			tasks[count++] = request->checks[i].task;
			if (doctor_verdict(&request->checks[i].task) == DOCTOR_MISSING) {
				code = VGT_EXIT_DIFFERENT;
			}
		}
	}
	if (request->all) {
		doctor_machine(&machine);
	}
	if (request->json) {
		doctor_print_json(tasks, count, request->all ? &machine : NULL);
	} else {
		doctor_print(tasks, count, request->all ? &machine : NULL, request->quiet);
	}
	doctor_task_finish(&machine);
	return code;
}

static bool want(struct request *request, const char *name)
{
	for (size_t i = 0; i < request->count; i++) {
		if (strcmp(request->checks[i].task.name, name) == 0) {
			request->checks[i].wanted = true;
			return true;
		}
	}
	vgt_cmd_usage(
		"doctor", "no task '%s': there are replay, record-gl and record-vm", name);
	return false;
}

/* An exit code, or -1: go on. */
static int parse_options(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{"quiet", no_argument, NULL, 'q'},
		{"timeout", required_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			request->quiet = true;
			break;
		case 't':
			if (!vgt_cmd_number("doctor", "--timeout", optarg, 1, 3600,
				    &request->timeout_s)) {
				return VGT_EXIT_TROUBLE;
			}
			break;
		case 'j':
			request->json = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_doctor_help);
		default:
			return vgt_cmd_bad_option("doctor", argv, options, option);
		}
	}
	request->all = optind == argc;
	for (size_t i = 0; i < request->count; i++) {
		request->checks[i].wanted = request->all;
	}
	for (int i = optind; i < argc; i++) {
		if (!want(request, argv[i])) {
			return VGT_EXIT_TROUBLE;
		}
	}
	if (request->quiet && request->json) {
		return vgt_cmd_usage("doctor", "--quiet and --json exclude each other");
	}
	return -1;
}

int cmd_doctor(int argc, char **argv)
{
	static struct check checks[] = {
		{.run = doctor_replay, .task = {.name = "replay", .title = "replay traces"}},
		{.run = doctor_record_gl,
			.task = {.name = "record-gl", .title = "record an OpenGL program"}},
		{.run = doctor_record_vm,
			.task = {.name = "record-vm", .title = "record a virtual machine"}},
	};
	struct request request = {
		.checks = checks,
		.count = sizeof(checks) / sizeof(checks[0]),
		.timeout_s = 10,
	};
	int signal = 0;
	int code = parse_options(&request, argc, argv);

	if (code < 0) {
		code = run_checks(&request, &signal) ? report(&request) : VGT_EXIT_TROUBLE;
		for (size_t i = 0; i < request.count; i++) {
			doctor_task_finish(&checks[i].task);
		}
	}
	if (signal) {
		fflush(stdout);
		fputs("vgt: interrupted\n", stderr);
		interrupt_die(signal);
	}
	return code;
}
