/* SPDX-License-Identifier: MIT */
#include "vgt_cmd.h"
#include "vgt_recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const char cmd_recover_help[] =
	"usage: vgt recover [-o OUT] FILE\n"
	"\n"
	"Makes a whole trace of one whose recording was killed: what FILE holds, then\n"
	"what its ring still holds (the file named by ring.path in `vgt info`), then the\n"
	"tail. The ring is removed. A trace that is whole is left alone.\n"
	"\n"
	"  -o, --output OUT  write the recovered trace to the new file OUT and leave FILE\n"
	"                    and its ring as they are; needed where FILE is damaged\n"
	"                    inside, for then only what lies before the damage is kept\n"
	"  -h, --help        print this\n"
	"\n"
	"exit status: 0 recovered or already whole; 1 FILE is no trace, or damaged and no\n"
	"-o given; 2 trouble, or the recording still runs.\n"
	"\n"
	"example: vgt recover crashed.vgt\n";
/* clang-format on */

int cmd_recover(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	const char *out = NULL;
	for (int option; (option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
		switch (option) {
		case 'o':
			out = optarg;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_recover_help);
		default:
			return vgt_cmd_bad_option("recover", argv, options, option);
		}
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("recover", "recover takes one trace");
	}
	const char *path = argv[optind];
	if (strcmp(path, "-") == 0) {
		return vgt_cmd_usage("recover", "recover needs a file, not standard input");
	}
	if (out && !vgt_cmd_may_write("recover", path, out)) {
		return VGT_EXIT_TROUBLE;
	}
	struct vgt_recovery recovery;
	struct vgt_err err;
	if (!vgt_recover(path, out, &recovery, &err)) {
		vgt_cmd_error(path, &err);
		if (recovery.damaged && !out && err.code == VGT_ERR_MALFORMED &&
			recovery.damage.offset > 0) {
			fprintf(stderr,
				"vgt: %s: use -o OUT to keep what lies before the damage\n",
				path);
		}
		return err.code == VGT_ERR_SYSTEM || err.code == VGT_ERR_BUSY
			       ? VGT_EXIT_TROUBLE
			       : VGT_EXIT_DIFFERENT;
	}
	if (recovery.was_whole) {
		fprintf(stderr, "vgt: %s: is whole, nothing to recover%s%s\n", path,
			out ? "; copied to " : "", out ? out : "");
		return VGT_EXIT_OK;
	}
	if (recovery.damaged) {
		vgt_cmd_error(path, &recovery.damage);
	}
	fprintf(stderr,
		"vgt: %s: recovered: %" PRIu64 " commands, %" PRIu64 " frames (%" PRIu64
		" records from the ring, %" PRIu64 " bytes of a torn chunk dropped)\n",
		out ? out : path, recovery.commands, recovery.frames, recovery.from_ring,
		recovery.torn);
	return VGT_EXIT_OK;
}
