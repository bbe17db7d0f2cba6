/* SPDX-License-Identifier: MIT */
#include "companion.h"
#include "frame_rule.h"
#include "interrupt.h"
#include "player_run.h"
#include "player_window.h"
#include "progress.h"
#include "terminal.h"
#include "vgt_address.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_reader.h"
#include "vgt_text.h"
#include "virgl_format.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* clang-format off */
const char cmd_replay_help[] =
	"usage: vgt replay [OPTION...] FILE\n"
	"\n"
	"Plays a trace on this machine's virglrenderer, without a display, and prints a\n"
	"line for each frame: its number, the command that it ends with, size, resource,\n"
	"the rule that made it (of a flush, with the scanout), and a hash of its picture.\n"
	"FILE may be - for standard input.\n"
	"\n"
	"  --frames RANGE  only these frames: 12, 10-20, 10-, 10-20,30 (all); the replay\n"
	"                  ends behind the last of them\n"
	"  --frame=RULE    what a frame is: auto (as recorded: the strongest sign seen so\n"
	"                  far of marker, flush, readback), or only marker, flush,\n"
	"                  readback, or submit: every submit that drew, for programs that\n"
	"                  never present\n"
	"  -o, --out DIR   write each picture to DIR/frame-NNNN.png; DIR is made if need\n"
	"                  be\n"
	"  --alpha         keep the alpha channel, which a screen does not show\n"
	"  --no-pictures   take no pictures, for measuring the renderer alone\n"
	"  --verify        compare the renderer's answers with those recorded: return\n"
	"                  values always, readback where GL renderer and capset are the\n"
	"                  same\n"
	"  --need-capset   play nothing where this host's capset lacks a bit, format or\n"
	"                  limit that the guest was offered; without it the replay says so\n"
	"                  and goes on, for the trace may not use it\n"
	"  --loop N        play it N times, each in a process of its own (1)\n"
	"  --window        show the frames in a window (of X, also of Xvfb), see below\n"
	"  --window-memory MIB  keep so many MiB of pictures for steps back (256)\n"
	"  --timeout S     the renderer hangs when one call takes longer (60)\n"
	"  --step          give the renderer one virgl command at a time, so that a crash\n"
	"                  is reported with its virgl command\n"
	"  --drop=draws    leave out all DRAW_VBO: the pictures must change\n"
	"  --json          one JSON object a line: {\"event\": \"renderer\"|\"frame\"|\n"
	"                  \"unshown\"|\"problem\"|\"log\"|\"note\"|\"lack\"|\"failed\"|\n"
	"                  \"end\", ...}; lack is what this host's capset lacks, in text;\n"
	"                  frames have number, command, hash, width, height, resource,\n"
	"                  format, rule, scanout (null where the rule is not flush), file;\n"
	"                  the end has commands, frames, pictures, responses {compared,\n"
	"                  differing, not_compared_renderer, not_compared_time}, wall_ns,\n"
	"                  renderer_ns, picture_ns, trace (\"tail\", \"ring\",\n"
	"                  \"recording\", \"cut\")\n"
	"  -q, --quiet     no progress, no summary, no log of the renderer\n"
	"  -h, --help      print this\n"
	"\n"
	"Interrupted, it says how many frames were played; files that it has written are\n"
	"whole.\n"
	"\n"
	"In the window frames follow one another at the recorded pace; a pause of more\n"
	"than 2 s is shortened to that. The title has the number of the frame, the command\n"
	"that it ends with (as vgt dump takes it) and the speed. Frames that were shown\n"
	"are kept while --window-memory has room; to go back to others, the trace is played\n"
	"from its start again, which a pipe does not allow; a picture that is not the same\n"
	"again is a problem. A frame's line is printed when its picture is first taken;\n"
	"frames that are jumped over have none. --out is where the key s saves. At its end\n"
	"the replay stays at the last frame. Closed before it has come to the end of the\n"
	"trace, it does not know whether that is missing (exit status 5). Keys:\n"
	"\n"
	PLAYER_WINDOW_KEYS
	"\n"
	"exit status: 0 played; 1 bad trace, or an answer differs (--verify); 2 trouble,\n"
	"such as no EGL; 3 the renderer crashed or hung (its address is reported); 4 a\n"
	"command or answer differs, but this host lacks what the recording's had, or\n"
	"--need-capset was given and it does; 5 played, but the end of the trace is\n"
	"missing.\n"
	"\n"
	"example: vgt replay --frames 10-12 --out frames traces/gears.vgt\n";
/* clang-format on */

struct replay {
	const char *path;
	uint64_t loops;
	bool quiet, json, window;
	const char *window_memory;
	char player[PATH_MAX]; /* the program */
	struct player_run_options play;
	struct vgt_ranges ranges;          /* of play.frames */
	uint64_t all_commands, all_frames; /* of the trace; 0: not known */
	uint64_t runs, frames;             /* that are over; of all runs */
	uint64_t problems, logs;           /* of the run in progress */
};

/* Messages that one run prints at most, so that a bad trace does not flood a log. */
#define MESSAGES_MAX 20

/* Output */

static void print_address(FILE *to, const struct player_event *event)
{
	char text[VGT_ADDRESS_TEXT_SIZE];
	fputs(vgt_address_text(text, event->command, event->virgl_command), to);
}

/* A text of the player, which may be the renderer's or the trace's, as the rest of a line. */
static void end_line(FILE *to, const char *text)
{
	vgt_text_puts(to, text);
	fputc('\n', to);
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
		fputs(kind, stderr);
		end_line(stderr, event->text);
	} else if (*count == MESSAGES_MAX + 1) {
		fprintf(stderr, "vgt: %s: more of these are not shown\n", replay->path);
	}
}

static void print_frame(const struct player_event *event)
{
	printf("frame %-4" PRIu64 " ", event->frame.number);
	print_address(stdout, event);
	printf("  %ux%u  res %u %s  %s", event->frame.width, event->frame.height,
		event->frame.resource_id, vgt_format_name(event->frame.format),
		frame_rule_name(event->frame.rule));
	if (event->frame.rule == VGT_FRAME_FLUSH) {
		printf(" scanout %u", event->frame.scanout_id);
	}
	printf("  %016" PRIx64 "%s", event->frame.digest, event->text[0] ? "  " : "");
	end_line(stdout, event->text);
}

static void print_event(struct replay *replay, const struct player_event *event)
{
	uint64_t once = 0;
	switch (event->kind) {
	case PLAYER_RENDERER:
		if (!replay->quiet) {
			fputs("vgt: renderer: ", stderr);
			end_line(stderr, event->text);
		}
		break;
	case PLAYER_FRAME:
		print_frame(event);
		break;
	case PLAYER_UNSHOWN:
		printf("frame %-4" PRIu64 " ", event->frame.number);
		print_address(stdout, event);
		fputs("  no picture: ", stdout);
		end_line(stdout, event->text);
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
			fprintf(stderr, "vgt: %s: ", replay->path);
			end_line(stderr, event->text);
		}
		break;
	case PLAYER_LACK:
		if (!replay->quiet || replay->play.need_capset) {
			fprintf(stderr, "vgt: %s: this host's capset: ", replay->path);
			end_line(stderr, event->text);
		}
		break;
	case PLAYER_FAILED:
		print_message(replay, event, "", &once);
		break;
	default:
		break;
	}
}

static void put_frame(struct json_object *object, const struct player_event *event)
{
	char hash[17];
	snprintf(hash, sizeof(hash), "%016" PRIx64, event->frame.digest);
	vgt_json_put_number(object, "number", event->frame.number);
	vgt_json_put_number(object, "width", event->frame.width);
	vgt_json_put_number(object, "height", event->frame.height);
	vgt_json_put_number(object, "resource", event->frame.resource_id);
	vgt_json_put_text(object, "format", vgt_format_name(event->frame.format));
	vgt_json_put_text(object, "rule", frame_rule_name(event->frame.rule));
	json_object_object_add(object, "scanout",
		event->frame.rule == VGT_FRAME_FLUSH
			? json_object_new_uint64(event->frame.scanout_id)
			: NULL);
	if (event->kind == PLAYER_FRAME) {
		vgt_json_put_text(object, "hash", hash);
	}
}

static void put_summary(struct json_object *object, const struct player_event *event)
{
	vgt_json_put_number(object, "commands", event->summary.commands);
	vgt_json_put_number(object, "frames", event->summary.frames);
	vgt_json_put_number(object, "pictures", event->summary.pictures);
	struct json_object *responses = json_object_new_object();
	vgt_json_put_number(responses, "compared", event->summary.compared);
	vgt_json_put_number(responses, "differing", event->summary.differing);
	vgt_json_put_number(
		responses, "not_compared_renderer", event->summary.not_compared_renderer);
	vgt_json_put_number(responses, "not_compared_time", event->summary.not_compared_time);
	json_object_object_add(object, "responses", responses);
	vgt_json_put_number(object, "wall_ns", event->summary.wall_ns);
	vgt_json_put_number(object, "renderer_ns", event->summary.renderer_ns);
	vgt_json_put_number(object, "picture_ns", event->summary.picture_ns);
	vgt_json_put_text(object, "trace", vgt_cmd_end_name(event->summary.end));
}

static void print_json(const struct player_event *event)
{
	static const char *const names[] = {"", "renderer", "frame", "unshown", "problem",
		"log", "note", "lack", "failed", "end"};
	struct json_object *object = json_object_new_object();
	vgt_json_put_text(object, "event", names[event->kind]);
	if (event->kind != PLAYER_RENDERER && event->kind != PLAYER_END &&
		event->command != PLAYER_NO_COMMAND) {
		vgt_json_put_number(object, "command", event->command);
		if (event->virgl_command != PLAYER_NO_VIRGL_COMMAND) {
			vgt_json_put_number(object, "virgl_command", event->virgl_command);
		}
	}
	if (event->kind == PLAYER_FRAME || event->kind == PLAYER_UNSHOWN) {
		put_frame(object, event);
	}
	if (event->kind == PLAYER_END) {
		put_summary(object, event);
	} else if (event->text[0]) {
		vgt_json_put_text(
			object, event->kind == PLAYER_FRAME ? "file" : "text", event->text);
	}
	vgt_json_print(stdout, object);
}

static void print_not_compared(uint64_t count, const char *why)
{
	if (count) {
		fprintf(stderr, ", %" PRIu64 " not compared (%s)", count, why);
	}
}

static void print_speed(const struct replay *replay, const struct player_event *end)
{
	double seconds = (double)end->summary.wall_ns / 1e9;
	fprintf(stderr, "vgt: %s: replayed %" PRIu64 " frames, %" PRIu64 " commands in %.2f s",
		replay->path, end->summary.frames, end->summary.commands, seconds);
	if (end->summary.frames && seconds > 0) {
		fprintf(stderr, " (%.0f fps)", (double)end->summary.frames / seconds);
	}
	if (replay->play.verify) {
		fprintf(stderr, "; %" PRIu64 " answers compared, %" PRIu64 " differ",
			end->summary.compared, end->summary.differing);
		print_not_compared(end->summary.not_compared_renderer,
			"they depend on the renderer, and this is another or offers another "
			"capset");
		print_not_compared(end->summary.not_compared_time, "they depend on time");
	}
	fputc('\n', stderr);
}

static void print_summary(const struct replay *replay, const struct player_event *end)
{
	/* what a window takes is the user's time */
	if (!replay->window) {
		print_speed(replay, end);
	}
	if (!end->summary.frames && replay->play.rule == VGT_FRAME_AUTO) {
		fprintf(stderr,
			"vgt: %s: nothing was presented; --frame=submit shows every submit "
			"that drew\n",
			replay->path);
	}
}

/* Playing */

/*
 * The frames that are asked for and that a trace of so many frames has not, from the first to
 * the last; of a range without end none is missed.
 */
static bool find_missing(
	const struct replay *replay, uint64_t frames, uint64_t *first, uint64_t *last)
{
	const struct vgt_addresses *asked = &replay->ranges.frames;
	*first = UINT64_MAX;
	*last = 0;
	for (size_t i = 0; i < asked->count; i++) {
		const struct vgt_address_range *range = &asked->range[i];
		if (range->last != VGT_ADDRESS_OPEN && range->last >= frames) {
			const uint64_t from = range->first > frames ? range->first : frames;
			*first = from < *first ? from : *first;
			*last = range->last > *last ? range->last : *last;
		}
	}
	return *first <= *last;
}

/* What a play that has shown some of them says at its end. */
static bool note_missing(
	const struct replay *replay, const struct player_event *end, struct player_event *note)
{
	const uint64_t frames = end->summary.frames;
	uint64_t first, last;
	char to[32] = "";
	if (!replay->frames || replay->runs || end->summary.closed ||
		!find_missing(replay, frames, &first, &last)) {
		return false;
	}
	if (last > first) {
		snprintf(to, sizeof(to), " to %" PRIu64, last);
	}
	*note = (struct player_event){.kind = PLAYER_NOTE,
		.command = PLAYER_NO_COMMAND,
		.virgl_command = PLAYER_NO_VIRGL_COMMAND};
	snprintf(note->text, sizeof(note->text),
		"there is no frame %" PRIu64 "%s: the trace has %" PRIu64 " frame%s", first, to,
		frames, frames == 1 ? "" : "s");
	return true;
}

static void on_event(void *opaque, const struct player_event *event)
{
	struct replay *replay = opaque;
	struct player_event note;
	if (event->kind == PLAYER_END && note_missing(replay, event, &note)) {
		on_event(opaque, &note);
	}
	const bool frame = event->kind == PLAYER_FRAME || event->kind == PLAYER_UNSHOWN;
	replay->frames += frame;
	/* with the second frame's line there is no progress, or the line is not for here */
	if (!frame || replay->frames == 1) {
		progress_clear();
	}
	if (replay->json) {
		print_json(event);
	} else {
		print_event(replay, event);
	}
}

static int tell_no_frame(const struct replay *replay, uint64_t frames)
{
	fprintf(stderr, "vgt: %s: there is no frame %s: the trace has %" PRIu64 " frames\n",
		replay->path, replay->play.frames, frames);
	return VGT_EXIT_TROUBLE;
}

/* The exit code that a play comes to, after telling what its events did not. */
static int judge(const struct replay *replay, const struct player_result *result)
{
	switch (result->outcome) {
	case PLAYER_CRASHED:
	case PLAYER_HUNG:
		fprintf(stderr, "vgt: %s: %s\n", replay->path, result->place);
		return VGT_EXIT_RENDERER;
	case PLAYER_NOT_FOUND:
		/* why, ld.so or exec() has said */
		fputs("vgt: vgt-player cannot start\n", stderr);
		return VGT_EXIT_TROUBLE;
	case PLAYER_GAVE_UP:
		return result->status;
	case PLAYER_ENDED:
		break;
	}
	const uint32_t end = result->end.summary.end;
	if (replay->play.frames && !replay->play.no_pictures && !result->shown &&
		!result->end.summary.closed) {
		return tell_no_frame(replay, result->end.summary.frames);
	}
	if (result->problems || result->end.summary.differing) {
		if (!result->lacks) {
			return VGT_EXIT_DIFFERENT;
		}
		fprintf(stderr,
			"vgt: %s: differs, which need not be a fault: this host lacks what the "
			"recording's had\n",
			replay->path);
		return VGT_EXIT_CAPSET;
	}
	if (end == VGT_END_CUT || end == VGT_END_RING) {
		fprintf(stderr,
			"vgt: %s: the end of the trace is missing (see `vgt help recover`)\n",
			replay->path);
		return VGT_EXIT_TRUNCATED;
	}
	return VGT_EXIT_OK;
}

/* Lines on the terminal say how far it is, from the first on. */
static bool has_other_progress(const struct replay *replay)
{
	return replay->frames && !replay->play.no_pictures && !vgt_terminal_lacks_stdout();
}

static void show_progress(const struct replay *replay, const struct player_run *run)
{
	const uint64_t all = replay->all_commands * replay->loops;
	const uint64_t at = replay->all_commands * replay->runs + player_run_command(run);
	char percent[16] = "", of[32] = "";
	if (has_other_progress(replay) || !progress_due()) {
		return;
	}
	if (all) {
		snprintf(percent, sizeof(percent), "%.0f %%, ",
			at < all ? 100.0 * (double)at / (double)all : 100);
	}
	if (replay->all_frames && !replay->play.frames) {
		snprintf(of, sizeof(of), " of %" PRIu64, replay->all_frames * replay->loops);
	}
	if (!replay->frames) {
		progress_show("%s: %s%" PRIu64 " commands", replay->path, percent, at);
	} else {
		progress_show("%s: %s%" PRIu64 "%s frames", replay->path, percent,
			replay->frames, of);
	}
}

static void tell_interruption(const struct replay *replay)
{
	const char *out = replay->frames ? replay->play.out : NULL;
	fflush(stdout);
	fprintf(stderr, "vgt: %s: interrupted after %" PRIu64 " frame%s%s%s\n", replay->path,
		replay->frames, replay->frames == 1 ? "" : "s", out ? ", which are in " : "",
		out ? out : "");
}

static int play_once(struct replay *replay)
{
	struct player_run run;
	struct player_result result;
	struct vgt_err err;
	int number;
	replay->problems = replay->logs = 0;
	if (!player_run_start(&run, &replay->play, &err)) {
		fprintf(stderr, "vgt: %s\n", err.message);
		return VGT_EXIT_TROUBLE;
	}
	while (!interrupt_noted() && player_run_wait(&run, 200)) {
		show_progress(replay, &run);
	}
	progress_clear();
	const uint64_t command = player_run_command(&run);
	player_run_finish(&run, &result);
	replay->runs++;
	if ((number = interrupt_noted())) {
		if (number != SIGPIPE) {
			tell_interruption(replay);
		}
		interrupt_die(number);
	}
	const int code = judge(replay, &result);
	if (result.outcome == PLAYER_ENDED && code != VGT_EXIT_TROUBLE && !replay->quiet &&
		!replay->json) {
		print_summary(replay, &result.end);
	}
	if (result.outcome == PLAYER_GAVE_UP && code == VGT_EXIT_DIFFERENT && !replay->quiet &&
		!replay->json && (command || replay->frames)) {
		fprintf(stderr,
			"vgt: %s: replayed %" PRIu64 " frame%s, %" PRIu64
			" commands before that\n",
			replay->path, replay->frames, replay->frames == 1 ? "" : "s", command);
	}
	return code;
}

/* What was read of it is gone for the player. */
static bool can_read_twice(const char *path)
{
	struct stat status;
	return strcmp(path, "-") != 0 &&
	       (stat(path, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

/* Said here, the reason why a trace cannot be opened comes without an address. */
static int check_trace(struct replay *replay)
{
	const char *path = replay->path;
	struct vgt_record record;
	struct vgt_err err;
	struct vgt_reader *reader = vgt_reader_open(path, &err);
	if (!reader) {
		vgt_cmd_error(path, &err);
		return VGT_EXIT_TROUBLE;
	}
	const bool good = vgt_reader_next(reader, &record, &err) != VGT_READ_ERROR;
	if (good && vgt_reader_totals(reader, &replay->all_commands, &replay->all_frames) &&
		replay->play.rule != VGT_FRAME_AUTO) {
		replay->all_frames = 0; /* counted by the recording's rule */
	}
	vgt_reader_close(reader);
	return good ? VGT_EXIT_OK : vgt_cmd_bad_trace(path, &err);
}

static uint64_t first_frame(const struct vgt_ranges *ranges)
{
	uint64_t frame, command;
	vgt_addresses_first(&ranges->frames, &frame, &command);
	return frame;
}

/* Checks what can be checked before anything starts. */
static int check_arguments(struct replay *replay)
{
	struct vgt_err err;
	const bool twice = can_read_twice(replay->path);
	if (replay->play.frames &&
		!vgt_ranges_parse(&replay->ranges, replay->play.frames, &err)) {
		return vgt_cmd_usage("replay", "%s", err.message);
	}
	if (replay->loops > 1 && !twice) {
		return vgt_cmd_usage("replay", "--loop cannot read %s again",
			strcmp(replay->path, "-") == 0 ? "standard input" : "a pipe");
	}
	if (replay->window && replay->loops > 1) {
		return vgt_cmd_usage("replay",
			"--loop and --window do not go together: space at the last frame plays "
			"from the first");
	}
	if (replay->window && replay->play.no_pictures) {
		return vgt_cmd_usage("replay", "--no-pictures and --window do not go together");
	}
	if (replay->window_memory && !replay->window) {
		return vgt_cmd_usage("replay", "--window-memory is of use with --window only");
	}
	if (replay->window) {
		replay->play.window = replay->window_memory ? replay->window_memory : "256";
	}
	if (!companion_find("vgt-player", replay->player, sizeof(replay->player))) {
		return VGT_EXIT_TROUBLE;
	}
	int result = twice ? check_trace(replay) : VGT_EXIT_OK;
	if (result == VGT_EXIT_OK && replay->play.frames && replay->all_frames &&
		first_frame(&replay->ranges) >= replay->all_frames) {
		result = tell_no_frame(replay, replay->all_frames);
	}
	if (result == VGT_EXIT_OK && replay->play.out) {
		result = vgt_cmd_make_directory(replay->play.out) ? VGT_EXIT_OK
								  : VGT_EXIT_TROUBLE;
	}
	return result;
}

/* --frame and --frames are easily taken for one another. */
static int tell_no_rule(const char *text)
{
	struct vgt_ranges ranges;
	if (vgt_ranges_parse(&ranges, text, NULL)) {
		return vgt_cmd_usage("replay",
			"no such rule '%s': " FRAME_RULE_NAMES "; did you mean --frames %s?",
			text, text);
	}
	return vgt_cmd_usage("replay", "no such rule '%s': " FRAME_RULE_NAMES, text);
}

/* Of --frames without its value the trace is taken for that. */
static int tell_no_trace(const char *frames)
{
	struct vgt_ranges ranges;
	if (frames && !vgt_ranges_parse(&ranges, frames, NULL)) {
		return vgt_cmd_usage("replay",
			"replay takes one trace: '--frames' took '%s' as its range", frames);
	}
	return vgt_cmd_usage("replay", "replay takes one trace");
}

/* An exit code, or -1: go on, with argv[optind] the trace. */
static int parse_options(struct replay *replay, int argc, char **argv)
{
	static const struct option options[] = {
		{"frames", required_argument, NULL, 'f'},
		{"frame", required_argument, NULL, 'r'},
		{"out", required_argument, NULL, 'o'},
		{"alpha", no_argument, NULL, 'a'},
		{"no-pictures", no_argument, NULL, 'n'},
		{"verify", no_argument, NULL, 'v'},
		{"need-capset", no_argument, NULL, 'c'},
		{"loop", required_argument, NULL, 'l'},
		{"window", no_argument, NULL, 'w'},
		{"window-memory", required_argument, NULL, 'm'},
		{"timeout", required_argument, NULL, 't'},
		{"step", no_argument, NULL, 's'},
		{"drop", required_argument, NULL, 'd'},
		{"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	uint64_t timeout_s, window_mib;
	for (int option; (option = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1;) {
		switch (option) {
		case 'f':
			replay->play.frames = optarg;
			break;
		case 'r':
			if (!frame_rule_parse(optarg, &replay->play.rule)) {
				return tell_no_rule(optarg);
			}
			break;
		case 'o':
			replay->play.out = optarg;
			break;
		case 'a':
			replay->play.alpha = true;
			break;
		case 'n':
			replay->play.no_pictures = true;
			break;
		case 'v':
			replay->play.verify = true;
			break;
		case 'c':
			replay->play.need_capset = true;
			break;
		case 'l':
			if (!vgt_cmd_number(
				    "replay", "--loop", optarg, 1, 1000000, &replay->loops)) {
				return VGT_EXIT_TROUBLE;
			}
			break;
		case 'w':
			replay->window = true;
			break;
		case 'm':
			if (!vgt_cmd_number("replay", "--window-memory", optarg, 1, 65536,
				    &window_mib)) {
				return VGT_EXIT_TROUBLE;
			}
			replay->window_memory = optarg;
			break;
		case 't':
			if (!vgt_cmd_number(
				    "replay", "--timeout", optarg, 1, 86400, &timeout_s)) {
				return VGT_EXIT_TROUBLE;
			}
			replay->play.timeout_ms = timeout_s * 1000;
			break;
		case 's':
			replay->play.step = true;
			break;
		case 'd':
			if (strcmp(optarg, "draws") != 0) {
				return vgt_cmd_usage("replay", "--drop knows only 'draws'");
			}
			replay->play.drop_draws = true;
			break;
		case 'q':
			replay->quiet = true;
			break;
		case 'j':
			replay->json = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_replay_help);
		default:
			return vgt_cmd_bad_option("replay", argv, options, option);
		}
	}
	if (argc == optind) {
		return tell_no_trace(replay->play.frames);
	}
	if (argc - optind != 1) {
		return vgt_cmd_usage("replay", "replay takes one trace");
	}
	return -1;
}

int cmd_replay(int argc, char **argv)
{
	struct replay replay = {
		.loops = 1, .play = {.timeout_ms = 60000, .output = -1, .event = on_event}};
	int result = parse_options(&replay, argc, argv);
	if (result >= 0) {
		return result;
	}
	replay.path = replay.play.path = argv[optind];
	replay.play.player = replay.player;
	replay.play.opaque = &replay;
	setvbuf(stdout, NULL, _IOLBF, 0); /* a frame is seen when it is there */
	result = check_arguments(&replay);
	interrupt_note();
	progress_begin(!replay.quiet && !replay.json);
	for (uint64_t i = 0; i < replay.loops && result == VGT_EXIT_OK; i++) {
		result = play_once(&replay);
	}
	progress_end();
	return result;
}
