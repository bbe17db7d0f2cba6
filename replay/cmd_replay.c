/* SPDX-License-Identifier: MIT */
#include "companion.h"
#include "player_protocol.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_reader.h"
#include "vgt_record_check.h"
#include "virgl_format.h"
#include "virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char cmd_replay_help[] =
	"usage: vgt replay [options] FILE\n"
	"\n"
	"Plays a trace on this machine's virglrenderer, without a window, and prints a line "
	"for\n"
	"each frame: its number, the command that it ends with, size, resource, the rule that "
	"made\n"
	"it, and a hash of its picture. FILE may be - for standard input.\n"
	"\n"
	"  --frames RANGE    only these frames: 12, 10-20, 10-, 10-20,30 (all); the replay "
	"ends\n"
	"                    behind the last of them\n"
	"  --frame=RULE      what a frame is: auto (as recorded: the strongest sign seen so "
	"far of\n"
	"                    marker, flush, readback), or only marker, flush, readback, or "
	"submit:\n"
	"                    every submit that drew, for programs that never present\n"
	"  -o, --out DIR     write each picture to DIR/frame-NNNN.png; DIR is made if need be\n"
	"  --alpha           keep the alpha channel, which a screen does not show\n"
	"  --no-pictures     take no pictures, for measuring the renderer alone\n"
	"  --verify          compare the renderer's answers with those recorded: return "
	"values\n"
	"                    always, readback where GL renderer and capset are the same\n"
	"  --loop N          play it N times, each in a process of its own (1)\n"
	"  --timeout S       the renderer hangs when one call takes longer (60)\n"
	"  --step            give the renderer one virgl command at a time, so that a crash "
	"is\n"
	"                    reported with its virgl command\n"
	"  --drop=draws      leave out all DRAW_VBO: the pictures must change\n"
	"  --quiet           no summary, no log of the renderer\n"
	"  --json            one JSON object a line: {\"event\": "
	"\"renderer\"|\"frame\"|\"unshown\"|\n"
	"                    \"problem\"|\"log\"|\"note\"|\"end\", ...}; frames have number, "
	"command, hash,\n"
	"                    width, height, resource, format, rule, file; the end has "
	"commands,\n"
	"                    frames, pictures, responses {compared, differing,\n"
	"                    not_compared_renderer, not_compared_time}, wall_ns, renderer_ns,\n"
	"                    picture_ns, trace (\"tail\", \"ring\", \"recording\", \"cut\")\n"
	"\n"
	"Exit status: 0 played; 1 bad trace, or an answer differs (--verify); 2 trouble, such "
	"as no\n"
	"EGL; 3 the renderer crashed or hung (its address is reported); 5 played, but the end "
	"of the\n"
	"trace is missing.\n"
	"\n"
	"example: vgt replay --frames 10-12 --out frames traces/gears.vgt\n";

static const char *const rule_names[] = {"auto", "submit", "readback", "flush", "marker"};
static const char *const end_names[] = {"tail", "ring", "recording", "cut"};

struct replay {
	const char *path;
	const char *frames; /* as given */
	enum vgt_frame_rule rule;
	const char *out;
	uint64_t loops, timeout_s;
	bool alpha, no_pictures, verify, step, drop_draws, quiet, json;

	/* of the run in progress */
	pid_t child;
	int events;
	struct player_progress *progress;
	bool ended, failed;
	bool hung;
	uint64_t problems, logs, shown;
	struct player_event summary;
};

/* Messages that one run prints at most, so that a bad trace does not flood a log. */
#define MESSAGES_MAX 20

/* Output */

static void print_address(FILE *to, const struct player_event *event)
{
	fprintf(to, "@%" PRIu64, event->command);
	if (event->virgl_command != PLAYER_NO_VIRGL_COMMAND) {
		fprintf(to, ".%" PRIu32, event->virgl_command);
	}
}

static void print_message(struct replay *replay, const struct player_event *event,
	const char *kind, uint64_t *count)
{
	if ((*count)++ < MESSAGES_MAX) {
		fprintf(stderr, "vgt: %s: ", replay->path);
		if (event->command != PLAYER_NO_COMMAND) {
			print_address(stderr, event);
			fputs(": ", stderr);
		}
		fprintf(stderr, "%s%s\n", kind, event->text);
	} else if (*count == MESSAGES_MAX + 1) {
		fprintf(stderr, "vgt: %s: more of these are not shown\n", replay->path);
	}
}

static void print_event(struct replay *replay, const struct player_event *event)
{
	uint64_t once = 0;
	switch (event->kind) {
	case PLAYER_RENDERER:
		if (!replay->quiet) {
			fprintf(stderr, "vgt: renderer: %s\n", event->text);
		}
		break;
	case PLAYER_FRAME:
		printf("frame %-4" PRIu64 " ", event->frame.number);
		print_address(stdout, event);
		printf("  %ux%u  res %u %s  %s  %016" PRIx64 "%s%s\n", event->frame.width,
			event->frame.height, event->frame.resource_id,
			vgt_format_name(event->frame.format), rule_names[event->frame.rule],
			event->frame.digest, event->text[0] ? "  " : "", event->text);
		break;
	case PLAYER_UNSHOWN:
		printf("frame %-4" PRIu64 " ", event->frame.number);
		print_address(stdout, event);
		printf("  no picture: %s\n", event->text);
		break;
	case PLAYER_PROBLEM:
		print_message(replay, event, "", &replay->problems);
		break;
	case PLAYER_LOG:
		if (!replay->quiet) {
			print_message(replay, event, "renderer says: ", &replay->logs);
		}
		break;
	case PLAYER_NOTE:
		if (!replay->quiet) {
			fprintf(stderr, "vgt: %s: %s\n", replay->path, event->text);
		}
		break;
	case PLAYER_FAILED:
		print_message(replay, event, "", &once);
		break;
	default:
		break;
	}
}

static void put_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)value));
}

static void put_text(struct json_object *object, const char *key, const char *text)
{
	char *utf8 = vgt_cmd_utf8(text);
	json_object_object_add(object, key, utf8 ? json_object_new_string(utf8) : NULL);
	free(utf8);
}

static void put_frame(struct json_object *object, const struct player_event *event)
{
	char hash[17];
	snprintf(hash, sizeof(hash), "%016" PRIx64, event->frame.digest);
	put_number(object, "number", event->frame.number);
	put_number(object, "width", event->frame.width);
	put_number(object, "height", event->frame.height);
	put_number(object, "resource", event->frame.resource_id);
	put_text(object, "format", vgt_format_name(event->frame.format));
	put_text(object, "rule", rule_names[event->frame.rule]);
	if (event->kind == PLAYER_FRAME) {
		put_text(object, "hash", hash);
	}
}

static void put_summary(struct json_object *object, const struct player_event *event)
{
	put_number(object, "commands", event->summary.commands);
	put_number(object, "frames", event->summary.frames);
	put_number(object, "pictures", event->summary.pictures);
	struct json_object *responses = json_object_new_object();
	put_number(responses, "compared", event->summary.compared);
	put_number(responses, "differing", event->summary.differing);
	put_number(responses, "not_compared_renderer", event->summary.not_compared_renderer);
	put_number(responses, "not_compared_time", event->summary.not_compared_time);
	json_object_object_add(object, "responses", responses);
	put_number(object, "wall_ns", event->summary.wall_ns);
	put_number(object, "renderer_ns", event->summary.renderer_ns);
	put_number(object, "picture_ns", event->summary.picture_ns);
	put_text(object, "trace", end_names[event->summary.end]);
}

static void print_json(const struct replay *replay, const struct player_event *event)
{
	static const char *const names[] = {
		"", "renderer", "frame", "unshown", "problem", "log", "note", "failed", "end"};
	struct json_object *object = json_object_new_object();
	put_text(object, "event", names[event->kind]);
	if (event->kind != PLAYER_RENDERER && event->kind != PLAYER_END &&
		event->command != PLAYER_NO_COMMAND) {
		put_number(object, "command", event->command);
		if (event->virgl_command != PLAYER_NO_VIRGL_COMMAND) {
			put_number(object, "virgl_command", event->virgl_command);
		}
	}
	if (event->kind == PLAYER_FRAME || event->kind == PLAYER_UNSHOWN) {
		put_frame(object, event);
	}
	if (event->kind == PLAYER_END) {
		put_summary(object, event);
	} else if (event->text[0]) {
		put_text(object, event->kind == PLAYER_FRAME ? "file" : "text", event->text);
	}
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	(void)replay;
}

static void print_summary(const struct replay *replay)
{
	const struct player_event *end = &replay->summary;
	double seconds = (double)end->summary.wall_ns / 1e9;
	fprintf(stderr, "vgt: %s: replayed %" PRIu64 " frames, %" PRIu64 " commands in %.2f s",
		replay->path, end->summary.frames, end->summary.commands, seconds);
	if (end->summary.frames && seconds > 0) {
		fprintf(stderr, " (%.0f fps)", (double)end->summary.frames / seconds);
	}
	if (replay->verify) {
		fprintf(stderr,
			"; %" PRIu64 " answers compared, %" PRIu64 " differ, %" PRIu64
			" not comparable",
			end->summary.compared, end->summary.differing,
			end->summary.not_compared_renderer + end->summary.not_compared_time);
	}
	fputc('\n', stderr);
	if (!end->summary.frames && replay->rule == VGT_FRAME_AUTO) {
		fprintf(stderr,
			"vgt: %s: nothing was presented; --frame=submit shows every submit "
			"that "
			"drew\n",
			replay->path);
	}
}

/* The child */

static void exec_player(const struct replay *replay, int events, int progress)
{
	char player[4096], rule[8];
	const char *argv[16];
	int argc = 0;
	snprintf(rule, sizeof(rule), "%d", (int)replay->rule);
	argv[argc++] = "vgt-player";
	if (replay->frames) {
		argv[argc++] = "--frames";
		argv[argc++] = replay->frames;
	}
	argv[argc++] = "--rule";
	argv[argc++] = rule;
	if (replay->out) {
		argv[argc++] = "--out";
		argv[argc++] = replay->out;
	}
	const struct {
		bool set;
		const char *option;
	} flags[] = {{replay->no_pictures, "--no-pictures"}, {replay->verify, "--verify"},
		{replay->alpha, "--alpha"}, {replay->step, "--step"},
		{replay->drop_draws, "--drop-draws"}};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].set) {
			argv[argc++] = flags[i].option;
		}
	}
	argv[argc++] = "--";
	argv[argc++] = replay->path;
	argv[argc] = NULL;
	/* dup2 to itself would keep FD_CLOEXEC: go through high numbers */
	int high_events = fcntl(events, F_DUPFD_CLOEXEC, 10);
	int high_progress = fcntl(progress, F_DUPFD_CLOEXEC, 10);
	if (high_events >= 0 && high_progress >= 0 &&
		dup2(high_events, PLAYER_EVENTS_FD) >= 0 &&
		dup2(high_progress, PLAYER_PROGRESS_FD) >= 0 &&
		companion_find("vgt-player", player, sizeof(player))) {
		/* the renderer prints to stdout, too, which is for data */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(player, (char *const *)argv);
	}
	_exit(127);
}

static bool start(struct replay *replay)
{
	int events[2], progress;
	progress = memfd_create("vgt-progress", MFD_CLOEXEC);
	if (progress < 0 || ftruncate(progress, sizeof(*replay->progress)) ||
		pipe2(events, O_CLOEXEC)) {
		fprintf(stderr, "vgt: cannot start the player: %s\n", strerror(errno));
		return false;
	}
	replay->progress = mmap(NULL, sizeof(*replay->progress), PROT_READ | PROT_WRITE,
		MAP_SHARED, progress, 0);
	fflush(NULL);
	replay->child = replay->progress == MAP_FAILED ? -1 : fork();
	if (replay->child == 0) {
		exec_player(replay, events[1], progress);
	}
	close(events[1]);
	close(progress);
	replay->events = events[0];
	if (replay->child < 0) {
		fprintf(stderr, "vgt: cannot start the player: %s\n", strerror(errno));
		close(events[0]);
		return false;
	}
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void take_event(struct replay *replay, const struct player_event *event)
{
	if (event->kind == PLAYER_END) {
		replay->ended = true;
		replay->summary = *event;
	}
	replay->failed |= event->kind == PLAYER_FAILED;
	replay->shown += event->kind == PLAYER_FRAME || event->kind == PLAYER_UNSHOWN;
	if (replay->json) {
		replay->problems += event->kind == PLAYER_PROBLEM;
		print_json(replay, event);
	} else {
		print_event(replay, event);
	}
}

/* Reads events until the child is done; kills it where it stops moving. */
static void watch(struct replay *replay)
{
	struct player_event event;
	size_t have = 0;
	uint64_t calls = 0, moved = now_ms();
	for (;;) {
		struct pollfd wait = {replay->events, POLLIN, 0};
		int ready = poll(&wait, 1, 200);
		if (ready > 0) {
			ssize_t got = read(
				replay->events, (char *)&event + have, sizeof(event) - have);
			if (got == 0 || (got < 0 && errno != EINTR)) {
				return;
			}
			have += got > 0 ? (size_t)got : 0;
			if (have == sizeof(event)) {
				event.text[sizeof(event.text) - 1] = '\0';
				take_event(replay, &event);
				have = 0;
			}
		}
		uint64_t now = now_ms(), seen = replay->progress->calls;
		if (seen != calls || ready > 0) {
			calls = seen;
			moved = now;
		} else if (now - moved > replay->timeout_s * 1000) {
			replay->hung = true;
			kill(replay->child, SIGKILL);
			return;
		}
	}
}

/* Where the child was when it died. */
static void print_place(const struct replay *replay, const char *what)
{
	const struct player_progress *progress = replay->progress;
	uint32_t type = progress->type;
	fprintf(stderr, "vgt: %s: ", replay->path);
	if (type) {
		fprintf(stderr, "@%" PRIu64, (uint64_t)progress->command);
		if (progress->virgl_command != PLAYER_NO_VIRGL_COMMAND) {
			fprintf(stderr, ".%" PRIu32, (uint32_t)progress->virgl_command);
		}
		fprintf(stderr, ": renderer %s in %s", what, vgt_record_name((uint16_t)type));
		if (!replay->step && type == VIRTIO_GPU_CMD_SUBMIT_3D) {
			fprintf(stderr, " (--step tells the virgl command)");
		}
	} else {
		fprintf(stderr, "renderer %s outside of any command", what);
	}
	fputc('\n', stderr);
}

static int finish(struct replay *replay)
{
	int status = 0;
	while (waitpid(replay->child, &status, 0) < 0 && errno == EINTR) {
	}
	close(replay->events);
	int result = VGT_EXIT_OK;
	char what[64];
	if (replay->hung) {
		snprintf(what, sizeof(what), "hung for %" PRIu64 " s", replay->timeout_s);
		print_place(replay, what);
		result = VGT_EXIT_RENDERER;
	} else if (WIFSIGNALED(status)) {
		snprintf(what, sizeof(what), "crashed (%s)", strsignal(WTERMSIG(status)));
		print_place(replay, what);
		result = VGT_EXIT_RENDERER;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		fprintf(stderr, "vgt: vgt-player not found beside vgt\n");
		result = VGT_EXIT_USAGE;
	} else if (replay->failed) {
		result = WEXITSTATUS(status);
	} else if (!replay->ended) {
		snprintf(what, sizeof(what), "ended the player (exit %d)", WEXITSTATUS(status));
		print_place(replay, what);
		result = VGT_EXIT_RENDERER;
	} else if (replay->frames && !replay->no_pictures && !replay->shown) {
		fprintf(stderr, "vgt: %s: no frame %s: there are %" PRIu64 "\n", replay->path,
			replay->frames, replay->summary.summary.frames);
		result = VGT_EXIT_USAGE;
	} else if (replay->problems || replay->summary.summary.differing) {
		result = VGT_EXIT_DIFFERENT;
	} else if (replay->summary.summary.end == VGT_END_CUT ||
		   replay->summary.summary.end == VGT_END_RING) {
		fprintf(stderr,
			"vgt: %s: the end of the trace is missing (see `vgt help recover`)\n",
			replay->path);
		result = VGT_EXIT_TRUNCATED;
	}
	munmap(replay->progress, sizeof(*replay->progress));
	return result;
}

static int play_once(struct replay *replay)
{
	replay->ended = replay->failed = replay->hung = false;
	replay->problems = replay->logs = replay->shown = 0;
	if (!start(replay)) {
		return VGT_EXIT_USAGE;
	}
	watch(replay);
	int result = finish(replay);
	if (replay->ended && !replay->quiet && !replay->json) {
		print_summary(replay);
	}
	return result;
}

/* Checks what can be checked before anything starts. */
static int check_arguments(const struct replay *replay)
{
	struct vgt_ranges ranges;
	struct vgt_err err;
	if (replay->frames && !vgt_ranges_parse(&ranges, replay->frames, &err)) {
		return vgt_cmd_usage("replay", "%s", err.message);
	}
	if (replay->loops > 1 && strcmp(replay->path, "-") == 0) {
		return vgt_cmd_usage("replay", "--loop cannot read standard input again");
	}
	/* said here, the reason comes without an address */
	struct vgt_reader *reader =
		strcmp(replay->path, "-") == 0 ? NULL : vgt_reader_open(replay->path, &err);
	if (!reader && strcmp(replay->path, "-") != 0) {
		vgt_cmd_error(replay->path, &err);
		return VGT_EXIT_USAGE;
	}
	struct vgt_record record;
	bool good = !reader || vgt_reader_next(reader, &record, &err) != VGT_READ_ERROR;
	vgt_reader_close(reader);
	if (!good) {
		vgt_cmd_error(replay->path, &err);
		return VGT_EXIT_DIFFERENT;
	}
	if (replay->out && mkdir(replay->out, 0777) && errno != EEXIST) {
		fprintf(stderr, "vgt: %s: cannot make the directory: %s\n", replay->out,
			strerror(errno));
		return VGT_EXIT_USAGE;
	}
	struct stat status;
	if (replay->out && stat(replay->out, &status) == 0 && !S_ISDIR(status.st_mode)) {
		fprintf(stderr, "vgt: %s: is not a directory\n", replay->out);
		return VGT_EXIT_USAGE;
	}
	if (replay->out && access(replay->out, W_OK | X_OK)) {
		fprintf(stderr, "vgt: %s: cannot write there: %s\n", replay->out,
			strerror(errno));
		return VGT_EXIT_USAGE;
	}
	return VGT_EXIT_OK;
}

static bool parse_rule(struct replay *replay, const char *name)
{
	for (size_t i = 0; i < sizeof(rule_names) / sizeof(rule_names[0]); i++) {
		if (strcmp(name, rule_names[i]) == 0) {
			replay->rule = (enum vgt_frame_rule)i;
			return true;
		}
	}
	return false;
}

int cmd_replay(int argc, char **argv)
{
	static const struct option options[] = {
		{"frames", required_argument, NULL, 'f'},
		{"frame", required_argument, NULL, 'r'},
		{"out", required_argument, NULL, 'o'},
		{"alpha", no_argument, NULL, 'a'},
		{"no-pictures", no_argument, NULL, 'n'},
		{"verify", no_argument, NULL, 'v'},
		{"loop", required_argument, NULL, 'l'},
		{"timeout", required_argument, NULL, 't'},
		{"step", no_argument, NULL, 's'},
		{"drop", required_argument, NULL, 'd'},
		{"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	struct replay replay = {.loops = 1, .timeout_s = 60};
	for (int option; (option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
		switch (option) {
		case 'f':
			replay.frames = optarg;
			break;
		case 'r':
			if (!parse_rule(&replay, optarg)) {
				return vgt_cmd_usage("replay",
					"no such rule '%s': auto, marker, flush, readback or "
					"submit",
					optarg);
			}
			break;
		case 'o':
			replay.out = optarg;
			break;
		case 'a':
			replay.alpha = true;
			break;
		case 'n':
			replay.no_pictures = true;
			break;
		case 'v':
			replay.verify = true;
			break;
		case 'l':
			if (!vgt_cmd_number(
				    "replay", "--loop", optarg, 1, 1000000, &replay.loops)) {
				return VGT_EXIT_USAGE;
			}
			break;
		case 't':
			if (!vgt_cmd_number("replay", "--timeout", optarg, 1, 86400,
				    &replay.timeout_s)) {
				return VGT_EXIT_USAGE;
			}
			break;
		case 's':
			replay.step = true;
			break;
		case 'd':
			if (strcmp(optarg, "draws") != 0) {
				return vgt_cmd_usage("replay", "--drop knows only 'draws'");
			}
			replay.drop_draws = true;
			break;
		case 'q':
			replay.quiet = true;
			break;
		case 'j':
			replay.json = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_replay_help);
		default:
			return vgt_cmd_bad_option("replay", argv, options, option);
		}
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("replay", "replay takes one trace");
	}
	replay.path = argv[optind];
	setvbuf(stdout, NULL, _IOLBF, 0); /* a frame is seen when it is there */
	int result = check_arguments(&replay);
	for (uint64_t i = 0; i < replay.loops && result == VGT_EXIT_OK; i++) {
		result = play_once(&replay);
	}
	return result;
}
