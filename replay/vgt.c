/* SPDX-License-Identifier: MIT */
/* The command line of vgt: finds the subcommand, runs it, and sees its output off. */
#include "progress.h"
#include "vgt_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef VGT_VERSION
#define VGT_VERSION "unknown" /* the Makefile says it */
#endif

const struct vgt_cmd vgt_cmd_table[] = {
	{"compare", cmd_compare, "compare two PNG files or two directories of frames",
		cmd_compare_help},
	{"cut", cmd_cut, "write the first frames of a trace as a trace", cmd_cut_help},
	{"doctor", cmd_doctor, "say what of vgt works on this machine, and what is missing",
		cmd_doctor_help},
	{"dump", cmd_dump, "print the commands of a trace", cmd_dump_help},
	{"help", cmd_help, "list the commands, or explain one", cmd_help_help},
	{"info", cmd_info, "say what a trace holds", cmd_info_help},
	{"record", cmd_record, "run a program and record its command stream", cmd_record_help},
	{"recover", cmd_recover, "repair a trace whose recording was cut off",
		cmd_recover_help},
	{"repack", cmd_repack, "compress a trace again, smaller", cmd_repack_help},
	{"replay", cmd_replay, "play a trace and keep or check its frames", cmd_replay_help},
	{"shaders", cmd_shaders, "list the shaders of a trace, write their TGSI to files",
		cmd_shaders_help},
	{"test", cmd_test, "replay a suite of traces and compare frames with goldens",
		cmd_test_help},
	{"verify", cmd_verify, "check a trace's file and protocol, without GL",
		cmd_verify_help},
	{NULL, NULL, NULL, NULL},
};

/*
 * A missing standard stream's number would go to the next file opened, and output to stdout
 * into that file. So the number is taken, by something that fails when used.
 */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
			const int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
			if (open("/dev/null", mode) != fd) {
				exit(VGT_EXIT_TROUBLE);
			}
		}
	}
}

/* The exit code in the light of whether stdout took all that was printed. */
static int close_stdout(int code)
{
	const bool failed_before = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) == 0 && !failed_before) {
		return code;
	}
	if (errno == EPIPE) {
		return VGT_EXIT_TROUBLE; /* the reader has seen enough, not our news to tell */
	}
	fprintf(stderr, "vgt: cannot write to standard output%s%s\n", errno ? ": " : "",
		errno ? strerror(errno) : "");
	return VGT_EXIT_TROUBLE;
}

static int run_command(int argc, char **argv)
{
	const struct vgt_cmd *cmd = vgt_cmd_find(vgt_cmd_table, argv[0]);

	if (!cmd) {
		return vgt_cmd_unknown(vgt_cmd_table, argv[0]);
	}
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		return vgt_cmd_print_help(cmd->help);
	}
	optind = 0; /* glibc: start afresh with this argv */
	return cmd->run(argc, argv);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		VGT_CMD_HELP_OPTION,
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	static char help[] = "help";
	char *help_argv[] = {help, NULL};

	/* '+': what follows the command belongs to the command. */
	const int option = getopt_long(argc, argv, "+:hV", options, NULL);
	switch (option) {
	case -1:
		break;
	case 'h':
		return run_command(1, help_argv);
	case 'V':
		puts("vgt " VGT_VERSION);
		return VGT_EXIT_OK;
	default:
		return vgt_cmd_bad_option(NULL, argv, options, option);
	}
	if (optind >= argc) {
		fputs("usage: vgt COMMAND [ARGUMENT...]\n"
		      "try 'vgt help' for the list of commands\n",
			stderr);
		return VGT_EXIT_TROUBLE;
	}
	return run_command(argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	hold_standard_streams();
	/* `vgt ... | head` shall end quietly, also below a parent that ignores the signal. */
	signal(SIGPIPE, SIG_DFL);
	const int code = run(argc, argv);
	progress_end(); /* whatever way the command ended */
	return close_stdout(code);
}
