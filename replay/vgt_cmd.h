/* SPDX-License-Identifier: MIT */
#ifndef VGT_CMD_H
#define VGT_CMD_H

#include "vgt_err.h"
#include "vgt_reader.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What the subcommands of the binary `vgt` share. A subcommand NAME lives in cmd_NAME.c, which
 * defines cmd_NAME() and cmd_NAME_help[], and has a line in the table in vgt.c.
 *
 * The conventions:
 * - argv[0] is the subcommand's name; the return value is the exit code, one of the below.
 * - getopt_long() parses options. The option string starts with ':' (or "+:" where the command
 *   runs another), so that vgt_cmd_bad_option() words the errors. main() has reset optind.
 * - main() answers `vgt NAME --help`; for a --help further back there is VGT_CMD_HELP_OPTION,
 *   which needs an h in the option string.
 * - Data goes to stdout; progress, summary and errors go to stderr. A command need not check
 *   each printf(): main() finds out whether stdout took it all.
 * - SIGPIPE kills, as any filter; a command that writes to a child it may lose ignores it.
 */

enum vgt_exit {
	VGT_EXIT_OK = 0,        /* done; the same; a good trace */
	VGT_EXIT_DIFFERENT = 1, /* differs; a bad trace */
	VGT_EXIT_TROUBLE = 2,   /* wrong usage, or trouble, such as a missing file */
	VGT_EXIT_RENDERER = 3,  /* the renderer crashed or hung */
	VGT_EXIT_CAPSET = 4,    /* differs, on a host that lacks what the recording's had */
	VGT_EXIT_TRUNCATED = 5, /* the trace ends too early; what is there is good */
};

struct vgt_cmd {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* one line for `vgt help` */
	const char *help;    /* all of `vgt help NAME`, ends with a newline */
};

/* All subcommands, sorted by name, ended by an entry without a name. In vgt.c. */
extern const struct vgt_cmd vgt_cmd_table[];

int cmd_compare(int argc, char **argv);
int cmd_cut(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_repack(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_shaders(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_verify(int argc, char **argv);

extern const char cmd_compare_help[];
extern const char cmd_cut_help[];
extern const char cmd_doctor_help[];
extern const char cmd_dump_help[];
extern const char cmd_help_help[];
extern const char cmd_info_help[];
extern const char cmd_record_help[];
extern const char cmd_recover_help[];
extern const char cmd_repack_help[];
extern const char cmd_replay_help[];
extern const char cmd_shaders_help[];
extern const char cmd_test_help[];
extern const char cmd_verify_help[];

/* NULL where there is no such command. */
const struct vgt_cmd *vgt_cmd_find(const struct vgt_cmd *table, const char *name);

/* The command that someone who typed `name` has most likely meant, or NULL. */
const struct vgt_cmd *vgt_cmd_guess(const struct vgt_cmd *table, const char *name);

/* Complains that `name` is no command and names the one meant, if any; VGT_EXIT_TROUBLE. */
int vgt_cmd_unknown(const struct vgt_cmd *table, const char *name);

/*
 * Wrong usage: prints `vgt: MESSAGE` and `try 'vgt help NAME'` (`try 'vgt help'` where name is
 * NULL) to stderr and returns VGT_EXIT_TROUBLE.
 */
__attribute__((format(printf, 2, 3))) int vgt_cmd_usage(
	const char *name, const char *format, ...);

/* An entry of a struct option table; its case does `return vgt_cmd_print_help(HELP)`. */
#define VGT_CMD_HELP_OPTION \
	{ \
		"help", no_argument, NULL, 'h' \
	}
int vgt_cmd_print_help(const char *help); /* to stdout; VGT_EXIT_OK */

/*
 * What getopt_long() disliked when it returned '?' or ':' (`result`), as vgt_cmd_usage() would
 * say it; VGT_EXIT_TROUBLE. `name` may be NULL.
 */
int vgt_cmd_bad_option(
	const char *name, char *const *argv, const struct option *options, int result);

/* The same for an option's value; a wrong one is reported with `option` ("--threshold"). */
bool vgt_cmd_number(const char *name, const char *option, const char *text, uint64_t min,
	uint64_t max, uint64_t *value);

/* Trouble: `vgt: PATH: MESSAGE` to stderr, with ` (byte N)` where the error has a place. */
void vgt_cmd_error(const char *path, const struct vgt_err *err);

/* The same for a trace that cannot be read; returns VGT_EXIT_DIFFERENT where that is the
 * trace's fault, else VGT_EXIT_TROUBLE. */
int vgt_cmd_bad_trace(const char *path, const struct vgt_err *err);

/*
 * The exit code for a trace that was read to its end without a fault: VGT_EXIT_OK, or
 * VGT_EXIT_TRUNCATED where the end is missing, which is told unless `quiet`.
 */
int vgt_cmd_trace_end(const char *path, const struct vgt_reader *reader, bool quiet);

/* Makes a directory for output, or takes one that is there; false: it cannot be written, told.
 */
bool vgt_cmd_make_directory(const char *path);

/*
 * Whether a trace made of `path` may be put at `out`, be it that a file is there to be
 * replaced. False, told as wrong usage of the command `name`: `out` is the file `path` by this
 * or another name, or it is "-" or empty. `path` may be "-".
 */
bool vgt_cmd_may_write(const char *name, const char *path, const char *out);

/* "tail", "ring", "recording", "cut": what --json calls the end of a trace. */
const char *vgt_cmd_end_name(enum vgt_reader_end end);

#endif
