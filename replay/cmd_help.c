/* SPDX-License-Identifier: MIT */
#include "vgt_cmd.h"

#include <stdio.h>

const char cmd_help_help[] =
	"usage: vgt help [COMMAND]\n"
	"\n"
	"Without a COMMAND: lists the commands. With one: explains it, as does\n"
	"'vgt COMMAND --help'.\n";

static int print_list(void)
{
	fputs("usage: vgt COMMAND [ARGUMENT...]\n"
	      "\n"
	      "Records virtio-gpu 3D command streams on the host and plays them back.\n"
	      "\n"
	      "commands:\n",
		stdout);
	for (const struct vgt_cmd *cmd = vgt_cmd_table; cmd->name; cmd++) {
		printf("  %-10s%s\n", cmd->name, cmd->summary);
	}
	fputs("\n"
	      "'vgt help COMMAND' explains a command, 'vgt --version' names the version.\n"
	      "\n"
	      "exit status:\n"
	      "  0  good, or the same\n"
	      "  1  a difference, or a bad trace\n"
	      "  2  wrong usage, or trouble such as a file that cannot be read\n"
	      "  3  the renderer crashed or hung\n"
	      "  4  a difference, on a host that lacks what the recording's had\n"
	      "  5  the trace is truncated\n",
		stdout);
	return VGT_EXIT_OK;
}

int cmd_help(int argc, char **argv)
{
	static const struct option options[] = {
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};

	const int option = getopt_long(argc, argv, ":h", options, NULL);
	if (option == 'h') {
		return vgt_cmd_print_help(cmd_help_help);
	}
	if (option != -1) {
		return vgt_cmd_bad_option("help", argv, options, option);
	}
	if (argc - optind > 1) {
		return vgt_cmd_usage("help", "help takes one command, %d given", argc - optind);
	}
	if (optind >= argc) {
		return print_list();
	}
	const struct vgt_cmd *cmd = vgt_cmd_find(vgt_cmd_table, argv[optind]);
	if (!cmd) {
		return vgt_cmd_unknown(vgt_cmd_table, argv[optind]);
	}
	return vgt_cmd_print_help(cmd->help);
}
