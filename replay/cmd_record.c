/* SPDX-License-Identifier: MIT */
#include "child.h"
#include "child_log.h"
#include "clock.h"
#include "companion.h"
#include "preload_library.h"
#include "private_display.h"
#include "private_vtest.h"
#include "progress.h"
#include "qemu_modules.h"
#include "record_capset.h"
#include "recorded_traces.h"
#include "recording_watch.h"
#include "ring_directory.h"
#include "vgt_cmd.h"
#include "vgt_json.h"
#include "vgt_recover.h"
#include "vgt_text.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
const char cmd_record_help[] =
	"usage: vgt record [OPTION...] [--] COMMAND [ARGUMENT...]\n"
	"       vgt record --gl [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
	"\n"
	"Runs COMMAND, which is or starts a user of libvirglrenderer.so (QEMU,\n"
	"vhost-user-gpu, virgl_test_server), and records what it asks of the renderer.\n"
	"With --gl, PROGRAM is any program that draws with Mesa's OpenGL: it gets a\n"
	"virgl_test_server of its own, which is recorded, and where DISPLAY is not set an\n"
	"X server of its own (Xvfb) too.\n"
	"\n"
	"Where COMMAND is QEMU and 'host-capture/qemu/build modules' has built modules for\n"
	"it, its virtio-gpu device records (unless QEMU_MODULE_DIR is set). Otherwise a\n"
	"library before libvirglrenderer does, which does not see the screen: such a trace\n"
	"of QEMU has no frames.\n"
	"\n"
	"  -o, --output FILE  the trace (default: the program's name and .vgt; where that\n"
	"                     exists NAME.1.vgt, NAME.2.vgt, ...)\n"
	"  --force            replace FILE if it exists\n"
	"  --frames N         record N frames, then end COMMAND\n"
	"  --duration S       record for S seconds (such as 2.5) from the first command\n"
	"                     on, then end COMMAND\n"
	"  --max-size B       end the recording, not COMMAND, before the trace is larger\n"
	"                     than B bytes; K, M and G behind the number are powers of\n"
	"                     1024\n"
	"  --keep-running     let COMMAND go on after --frames (not with --duration)\n"
	"  --no-cmdline       keep COMMAND's arguments out of the trace\n"
	"  --gl               record PROGRAM's OpenGL\n"
	"  --capset FILE      offer the guest only what another host has too, so that the\n"
	"                     trace replays there: FILE is a trace recorded on that host, or\n"
	"                     what 'vgt dump --capset --json' prints of one, as it is or\n"
	"                     edited. Of bits and formats what both have is offered, of\n"
	"                     limits the lesser; other capsets than virgl's are not\n"
	"  --json             print one JSON object at the end: traces [{path, whole,\n"
	"                     file_bytes, stream_bytes, commands, frames}], reason (why it\n"
	"                     ended: \"exited\" or \"killed\" is COMMAND; \"frames\",\n"
	"                     \"duration\", \"interrupted\"), exit_status and signal of\n"
	"                     COMMAND (the one that there is not is null). What COMMAND\n"
	"                     prints to standard output stands before it\n"
	"  -q, --quiet        no progress, no summary\n"
	"  -h, --help         print this\n"
	"\n"
	"COMMAND is ended by SIGTERM, and by SIGKILL where it still runs 5 seconds later;\n"
	"a trace that is unfinished then, or because COMMAND crashed, is completed from\n"
	"what was still in memory. Ctrl-C reaches COMMAND alone: vgt waits for it and\n"
	"finishes the trace; a second Ctrl-C is passed on as SIGTERM, a third as SIGKILL.\n"
	"Processes that COMMAND leaves behind are waited for as long as they record, then\n"
	"ended.\n"
	"\n"
	"Each process that initialises the renderer makes a trace: the first FILE, others\n"
	"NAME-PID.vgt beside it. Those in which nothing was drawn go when there are\n"
	"others; if one is left it is called FILE.\n"
	"\n"
	"--gl renders with Mesa's software renderer where there is no\n"
	"/dev/dri/renderD128, else with what EGL chooses. It needs virgl_test_server\n"
	"(Debian: virgl-server).\n"
	"\n"
	"exit status: 0 a trace was recorded, whatever the exit status of COMMAND;\n"
	"2 wrong usage, COMMAND cannot be run, nothing was recorded, or a trace is not\n"
	"whole.\n"
	"\n"
	"examples:\n"
	"  vgt record -o boot.vgt -- qemu-system-x86_64 -device virtio-vga-gl \\\n"
	"      -display sdl,gl=on disk.img\n"
	"  vgt record --gl --frames 300 glxgears\n"
	"  vgt record --gl -o build.vgt --duration 10 -- glmark2 -b build\n"
	"  vgt record --gl --capset traces/gears.vgt -o weak.vgt glxgears\n";
/* clang-format on */

#define TICK_MS       100   /* between two looks at a recording */
#define GRACE_MS      5000  /* from SIGTERM to SIGKILL */
#define DRAIN_MS      10000 /* for virglrenderer to clean up behind a client */
#define IDLE_MS       5000  /* without a recording until that is told */
#define LAST_WRITE_MS 2000  /* for a trace of enough frames to get its tail */
#define MAX_SIZE_MIN  4096

#define PRELOAD_LIBRARY "libvgt-preload.so"

struct request {
	const char *file; /* NULL: not given */
	bool force;
	uint64_t frames; /* 0: no limit, as the next two */
	uint64_t duration_ms;
	uint64_t max_size;
	bool no_cmdline;
	bool keep_running;
	bool json;
	bool quiet;
	bool gl;
	const char *capset; /* NULL: not given */
	char *const *command;
};

struct session {
	const struct request *request;
	struct vgt_record_target target;
	char *pattern;            /* for VGT_CAPTURE_FILE */
	char directory[PATH_MAX]; /* for rings and sockets; "" before it exists */
	bool keep_rings;          /* one of them is still needed */
	struct vgt_capsets weaker;
	char capset[PATH_MAX]; /* for VGT_CAPTURE_CAPSET; "": the guest is offered all */
	char preload[PATH_MAX];
	char vtest_library[PATH_MAX];
	struct qemu_modules qemu; /* QEMU_NONE with --gl */

	struct vgt_children children;
	struct vgt_child command;
	struct vgt_child_log log; /* with --gl, as the next two */
	struct vgt_private_vtest vtest;
	struct vgt_private_display display;
	struct vgt_recordings recordings;

	uint64_t started_ms; /* when COMMAND was */
	bool told_idle;
	uint64_t first_command_ms; /* when that was seen; 0: not yet */
	bool reached;              /* as many frames as asked for are recorded */
	uint64_t told_to_end_ms;   /* when COMMAND was; 0: not yet */
	uint64_t interrupted_ms;   /* the first Ctrl-C; 0: none */
	bool told_waiting;
	bool over; /* nothing is left to be recorded */
	bool server_crashed;
	bool recorder_died;

	const char *reason; /* why it is told to end; NULL: nobody does so */
	uint64_t rate_ms;   /* since when frames are counted for the rate */
	uint64_t rate_frames;
	double rate;
};

/* Messages */

__attribute__((format(printf, 2, 3))) static void say(
	struct session *session, const char *format, ...)
{
	va_list args;

	(void)session;
	progress_clear();
	fputs("vgt: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void show_library_line(void *opaque, const char *line)
{
	(void)opaque;
	progress_clear();
	fprintf(stderr, "%s\n", line);
}

static void show_server_line(void *opaque, const char *line)
{
	(void)opaque;
	progress_clear();
	fprintf(stderr, "  server| %s\n", line);
}

static void show_log(struct session *session)
{
	if (session->request->gl) {
		vgt_child_log_show_end(&session->log, show_server_line, session);
	}
}

static void show_progress(struct session *session)
{
	uint64_t frames = 0;
	uint64_t commands = 0;
	uint64_t written = 0;
	char size[32];
	const uint64_t now = clock_ms();

	if (!progress_due()) {
		return;
	}
	for (size_t i = 0; i < session->recordings.count; i++) {
		const struct vgt_ring_header *header = session->recordings.list[i].header;
		frames += atomic_load(&header->frames);
		commands += atomic_load(&header->commands);
		written += atomic_load(&header->written);
	}
	if (now >= session->rate_ms + 1000) {
		session->rate = (double)(frames - session->rate_frames) * 1000 /
				(double)(now - session->rate_ms);
		session->rate_ms = now;
		session->rate_frames = frames;
	}
	progress_show("%" PRIu64 " frames, %" PRIu64 " commands, %s, %.0f fps", frames,
		commands, vgt_text_size(size, written), session->rate);
}

/* What must be there before anything starts */

static bool make_loadable(const struct session *session, const char *name, char path[PATH_MAX])
{
	if (vgt_preload_make_loadable(path, name, session->directory)) {
		return true;
	}
	fprintf(stderr, "vgt: %s/%s: cannot link: %s\n", session->directory, name,
		strerror(errno));
	return false;
}

static void remove_directory(const struct session *session)
{
	char path[PATH_MAX + NAME_MAX + 2];
	const struct dirent *entry;
	DIR *directory = session->directory[0] ? opendir(session->directory) : NULL;

	if (!directory) {
		return;
	}
	while ((entry = readdir(directory))) {
		if (session->keep_rings && strstr(entry->d_name, ".ring")) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", session->directory, entry->d_name);
		unlink(path); /* refuses . and .. */
	}
	closedir(directory);
	rmdir(session->directory);
}

/* QEMU carries out much of what its guest asks for without virglrenderer. */
static void tell_what_lacks(struct session *session)
{
	const struct request *request = session->request;
	const enum qemu_device device = session->qemu.device;

	if ((device != QEMU_PLAIN && device != QEMU_SHADOWED) || request->quiet) {
		return;
	}
	say(session,
		"%s's device does not record: the trace will lack scanouts, flushes and the "
		"cursor, so have no frames (vgt replay --frame=submit); %s%s",
		request->command[0],
		device == QEMU_PLAIN
			? "'host-capture/qemu/build modules' builds one that does"
			: "QEMU_MODULE_DIR is set, without it QEMU would get that in ",
		session->qemu.directory);
	if (request->frames) {
		say(session, "warning: without frames --frames has no effect; use --duration");
	}
}

/* The recorder gets it as a file of its own: the one given may be a pipe, or be replaced. */
static bool write_capset(struct session *session)
{
	struct vgt_err err;

	if (!session->request->capset) {
		return true;
	}
	if (snprintf(session->capset, sizeof(session->capset), "%s/capset.vgt",
		    session->directory) >= (int)sizeof(session->capset)) {
		return false;
	}
	if (!record_capset_write(&session->weaker, session->capset, session->directory, &err)) {
		vgt_cmd_error(session->capset, &err);
		return false;
	}
	return true;
}

static bool prepare(struct session *session)
{
	const struct request *request = session->request;
	struct vgt_err err;

	if (!companion_find(PRELOAD_LIBRARY, session->preload, sizeof(session->preload)) ||
		(request->gl && !companion_find(VGT_VTEST_LIBRARY, session->vtest_library,
					sizeof(session->vtest_library)))) {
		return false;
	}
	if (!vgt_record_target_init(&session->target, request->file, request->command[0],
		    request->force, &err)) {
		say(session, "%s", err.message);
		return false;
	}
	session->pattern = vgt_record_target_pattern(&session->target);
	if (!session->pattern) {
		return false;
	}
	if (!vgt_ring_directory_make(session->directory, &err)) {
		say(session, "%s", err.message);
		return false;
	}
	if (!write_capset(session) ||
		!make_loadable(session, PRELOAD_LIBRARY, session->preload) ||
		!make_loadable(session, VGT_VTEST_LIBRARY, session->vtest_library)) {
		return false;
	}
	vgt_recordings_init(&session->recordings, session->directory);
	if (!request->gl) {
		qemu_modules_find(&session->qemu, request->command[0]);
		tell_what_lacks(session);
	}
	return true;
}

/* The environments of the processes; these functions run in the new process. */

static bool set_variable(const char *name, const char *value)
{
	return (value ? setenv(name, value, 1) : unsetenv(name)) == 0;
}

static bool set_number(const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return set_variable(name, number ? text : NULL);
}

static bool set_recorder(const struct session *session)
{
	switch (session->qemu.device) {
	case QEMU_MODULES:
		return set_variable("QEMU_MODULE_DIR", session->qemu.directory);
	case QEMU_RECORDS:
		return true;
	default:
		return vgt_preload_set(session->preload);
	}
}

static bool set_capture_environment(void *opaque)
{
	const struct session *session = opaque;
	const struct request *request = session->request;

	return set_recorder(session) && set_variable("VGT_CAPTURE_FILE", session->pattern) &&
	       set_variable("VGT_CAPTURE_RING_DIR", session->directory) &&
	       set_variable(
		       "VGT_CAPTURE_CAPSET", session->capset[0] ? session->capset : NULL) &&
	       set_number("VGT_CAPTURE_FRAMES", request->frames) &&
	       set_number("VGT_CAPTURE_MAX_SIZE", request->max_size) &&
	       set_number("VGT_CAPTURE_NO_CMDLINE", request->no_cmdline);
}

/* The server's trace says whose stream it is: the program's command line, not only its own. */
static bool set_subject(const struct request *request)
{
	char text[4096] = "";
	size_t used = 0;

	for (char *const *word = request->command; *word && used < sizeof(text) - 1; word++) {
		int length = snprintf(
			text + used, sizeof(text) - used, "%s%s", used ? " " : "", *word);
		used += length > 0 ? (size_t)length : 0;
	}
	return set_variable("VGT_CAPTURE_SUBJECT", request->no_cmdline ? NULL : text);
}

static bool set_server_environment(void *opaque)
{
	const struct session *session = opaque;

	return vgt_private_vtest_set_server() && set_subject(session->request) &&
	       set_capture_environment(opaque);
}

static bool set_program_environment(void *opaque)
{
	const struct session *session = opaque;

	return vgt_private_vtest_set_client(&session->vtest, session->vtest_library) &&
	       set_variable("VGT_CAPTURE_FILE", NULL) &&
	       (!session->display.name[0] || set_variable("DISPLAY", session->display.name));
}

/* Starting */

static bool start_servers(struct session *session)
{
	struct vgt_children *children = &session->children;
	const char *display = getenv("DISPLAY");
	const bool needs_display = !display || !*display;
	char path[PATH_MAX + 16];
	struct vgt_err err;

	snprintf(path, sizeof(path), "%s/log", session->directory);
	/* Both at once, then wait for both. */
	if (vgt_child_log_open(&session->log, path, &err) &&
		vgt_private_vtest_start(&session->vtest, children, session->directory,
			session->log.fd, set_server_environment, session, &err) &&
		(!needs_display || vgt_private_display_start(&session->display, children,
					   session->log.fd, &err)) &&
		vgt_private_vtest_wait(&session->vtest, children, &err) &&
		(!needs_display ||
			vgt_private_display_wait(&session->display, children, &err))) {
		return true;
	}
	say(session, "%s", err.message);
	if (session->log.fd >= 0 && err.code != VGT_ERR_STOPPED) {
		show_log(session);
	}
	return false;
}

/* What strerror() says of the failed exec is not always about the program. */
static const char *run_error(const char *program, int error)
{
	struct stat status;

	if (error == ENOENT && !strchr(program, '/')) {
		return "not found in PATH";
	}
	if (error == ENOENT && access(program, F_OK) == 0) {
		return "the interpreter that its first line names does not exist";
	}
	if (error == EACCES && stat(program, &status) == 0 && S_ISDIR(status.st_mode)) {
		return "is a directory";
	}
	return strerror(error);
}

static bool start_command(struct session *session)
{
	const struct request *request = session->request;
	const struct vgt_child_spec spec = {
		.argv = request->command,
		.prepare = request->gl ? set_program_environment : set_capture_environment,
		.opaque = session,
		.output = -1,
		.pass = -1,
		.dies_with_vgt = request->gl, /* its server does, too */
	};
	struct vgt_err err;

	if (!vgt_record_target_clear(&session->target, &err)) {
		say(session, "%s", err.message);
		return false;
	}
	const int error = vgt_child_start(&session->children, &session->command, &spec);
	session->started_ms = clock_ms();
	if (error) {
		say(session, "cannot run %s: %s", request->command[0],
			run_error(request->command[0], error));
	}
	return error == 0;
}

/* While it runs */

static void give_reason(struct session *session, const char *reason)
{
	if (!session->reason) {
		session->reason = reason;
	}
}

static void tell_to_end(struct session *session)
{
	if (!session->told_to_end_ms) {
		session->told_to_end_ms = clock_ms();
		vgt_child_signal(&session->command, SIGTERM);
	}
}

/* What the user wants by Ctrl-C and kill; SIGKILL too, where patience has come to its end. */
static void obey_signals(struct session *session)
{
	const struct vgt_children *children = &session->children;
	const uint64_t now = clock_ms();

	if (children->interrupts + children->terminations > 0) {
		give_reason(session, "interrupted");
	}
	if (children->interrupts && !session->interrupted_ms) {
		session->interrupted_ms = now;
	}
	if (children->interrupts >= 2 || children->terminations >= 1) {
		tell_to_end(session);
	}
	if (children->interrupts >= 3 || children->terminations >= 2 ||
		(session->told_to_end_ms && now >= session->told_to_end_ms + GRACE_MS)) {
		vgt_child_signal(&session->command, SIGKILL);
	}
	if (session->interrupted_ms && !session->told_to_end_ms && !session->told_waiting &&
		session->command.running && now >= session->interrupted_ms + 1000) {
		session->told_waiting = true;
		say(session, "waiting for %s to end; Ctrl-C again ends it",
			session->request->command[0]);
	}
}

/* Whether that recording is complete by --frames. */
static bool has_enough_frames(const struct session *session, struct vgt_recording *recording)
{
	const uint64_t limit = session->request->frames;
	const uint64_t now = clock_ms();

	if (!limit || atomic_load(&recording->header->frames) < limit) {
		return false;
	}
	if (!recording->full_since_ms) {
		recording->full_since_ms = now;
	}
	/* The interposer ends the trace by itself, which is better than a killed one. */
	return recording->state != VGT_RECORDING_LIVE ||
	       now >= recording->full_since_ms + LAST_WRITE_MS;
}

/* Where it stopped early, the interposer has said so and why. */
static void tell_of_death(struct session *session, struct vgt_recording *recording)
{
	if (recording->state != VGT_RECORDING_DIED || recording->told) {
		return;
	}
	recording->told = true;
	if (!session->told_to_end_ms && !session->interrupted_ms) {
		session->recorder_died = true;
		say(session, "warning: process %" PRIu32 ", which was recorded, has died",
			recording->header->pid);
	}
}

static void look_at_recordings(struct session *session)
{
	vgt_recordings_look(&session->recordings);
	for (size_t i = 0; i < session->recordings.count; i++) {
		struct vgt_recording *recording = &session->recordings.list[i];
		if (!session->first_command_ms &&
			atomic_load(&recording->header->commands) > 0) {
			session->first_command_ms = clock_ms();
		}
		session->reached = has_enough_frames(session, recording) || session->reached;
		tell_of_death(session, recording);
	}
}

/* A recording may begin and end between two looks; its trace tells of it. */
static void look_at_missed(struct session *session)
{
	const struct request *request = session->request;
	struct vgt_recorded_traces traces;

	if (!session->recordings.missed || (!request->frames && !request->duration_ms)) {
		return;
	}
	session->recordings.missed = false;
	if (!vgt_recorded_find(&traces, &session->target, session->directory, NULL)) {
		return;
	}
	for (size_t i = 0; i < traces.count; i++) {
		struct vgt_recorded_trace *trace = &traces.list[i];
		if (!trace->has_tail ||
			vgt_recordings_find(&session->recordings, trace->trace_id) ||
			!vgt_recorded_measure(trace, &session->target, NULL, NULL)) {
			continue;
		}
		if (trace->commands && !session->first_command_ms) {
			session->first_command_ms = clock_ms();
		}
		if (request->frames && trace->frames >= request->frames) {
			session->reached = true;
		}
	}
	vgt_recorded_finish(&traces);
}

static void heed_limits(struct session *session)
{
	const struct request *request = session->request;

	if (session->reached && !request->keep_running) {
		give_reason(session, "frames");
		tell_to_end(session);
	}
	if (request->duration_ms && session->first_command_ms &&
		clock_ms() >= session->first_command_ms + request->duration_ms) {
		give_reason(session, "duration");
		tell_to_end(session);
	}
}

static void look_at_server(struct session *session)
{
	struct vgt_child *server = &session->vtest.server;

	if (!session->request->gl) {
		return;
	}
	vgt_child_log_relay(&session->log, show_library_line, session);
	if (server->pid && !server->running && !session->server_crashed) {
		session->server_crashed = true;
		say(session, "warning: virgl_test_server has died");
	}
}

/* Who waits for a program that will never be recorded should know it before its end. */
static void tell_idle(struct session *session)
{
	if (session->told_idle || session->recordings.count || session->request->quiet ||
		session->qemu.device != QEMU_NONE ||
		clock_ms() < session->started_ms + IDLE_MS) {
		return;
	}
	session->told_idle = true;
	say(session, "nothing is recorded yet: %s has %s", session->request->command[0],
		session->request->gl ? "not connected to virgl_test_server"
				     : "not called virgl_renderer_init (to record an ordinary "
				       "OpenGL program use 'vgt record --gl'); Ctrl-C ends it");
}

static void tick(struct session *session)
{
	vgt_children_wait(&session->children, TICK_MS);
	obey_signals(session);
	look_at_recordings(session);
	look_at_missed(session);
	look_at_server(session);
	heed_limits(session);
	tell_idle(session);
	show_progress(session);
}

/* Ending */

static bool may_still_record(struct session *session)
{
	return !session->over && !session->told_to_end_ms && !session->interrupted_ms &&
	       vgt_recordings_live(&session->recordings) > 0;
}

/* Waits for what COMMAND has left behind while it records, then ends it. */
static void end_orphans(struct session *session)
{
	const uint64_t since = clock_ms();
	uint64_t ending = 0;
	uint64_t asked = 0;
	bool told = false;

	while (vgt_children_orphans(&session->children, 0) > 0) {
		const uint64_t now = clock_ms();
		if (!ending && may_still_record(session)) {
			if (!told && now >= since + 2000) {
				told = true;
				say(session,
					"%s has ended but left a process that is recorded; "
					"Ctrl-C ends it",
					session->request->command[0]);
			}
		} else if (ending && now >= ending + 2 * GRACE_MS) {
			say(session, "warning: %s has left a process that cannot be ended",
				session->request->command[0]);
			return; /* another user's, such as sudo's */
		} else if (ending && now >= ending + GRACE_MS) {
			vgt_children_orphans(&session->children, SIGKILL);
		} else if (now >= asked + 1000) {
			/* again, for the children of those that have ended since */
			asked = now;
			ending = ending ? ending : now;
			vgt_children_orphans(&session->children, SIGTERM);
		}
		tick(session);
	}
}

static void end_servers(struct session *session)
{
	const struct vgt_children *children = &session->children;
	const unsigned signals = children->interrupts + children->terminations;
	const uint64_t until = clock_ms() + DRAIN_MS;

	/* Each client's process sees the closed connection, and finishes its trace. */
	while (session->command.pid && vgt_child_offspring(&session->vtest.server) > 0 &&
		clock_ms() < until &&
		children->interrupts + children->terminations == signals) {
		tick(session);
	}
	vgt_private_vtest_end(&session->vtest, &session->children);
	session->over = true;
	end_orphans(session);
	vgt_private_display_end(&session->display, &session->children);
}

static void run(struct session *session)
{
	session->rate_ms = clock_ms();
	progress_begin(!session->request->quiet && !session->request->json);
	while (session->command.running) {
		tick(session);
	}
	end_orphans(session);
	look_at_recordings(session);
}

static void tell_command_status(struct session *session)
{
	const char *name = session->request->command[0];
	const int status = session->command.status;

	if (session->told_to_end_ms || session->interrupted_ms) {
		return;
	}
	if (WIFSIGNALED(status)) {
		say(session, "warning: %s was killed by signal %d (%s)", name, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) != 0) {
		say(session, "warning: %s exited with status %d", name, WEXITSTATUS(status));
	}
}

/* The traces, when all is over */

static bool has_rings(const struct session *session)
{
	const struct dirent *entry;
	bool found = false;
	DIR *directory = opendir(session->directory);

	while (directory && !found && (entry = readdir(directory))) {
		found = strstr(entry->d_name, ".ring") != NULL;
	}
	if (directory) {
		closedir(directory);
	}
	return found;
}

static bool complete(struct session *session, const struct vgt_recorded_trace *trace)
{
	struct vgt_recovery recovery;
	struct vgt_err err;
	char *path = vgt_recorded_path(&session->target, trace->name);
	char *shown = vgt_recorded_shown(&session->target, trace->name);
	const bool good = path && shown && vgt_recover(path, NULL, &recovery, &err);

	if (good && !recovery.was_whole) {
		say(session,
			"%s was not finished: recovered, with %" PRIu64 " record%s from memory",
			shown, recovery.from_ring, recovery.from_ring == 1 ? "" : "s");
	} else if (!good && path && shown) {
		session->keep_rings = true;
		say(session, "%s is not whole: %s", shown, err.message);
		say(session, "(when that is mended 'vgt recover' makes it so%s%s)",
			has_rings(session) ? "; its end is kept in " : "",
			has_rings(session) ? session->directory : "");
	}
	free(path);
	free(shown);
	return good;
}

/* That recording if its counters agree with its trace, which may lack its last records. */
static const struct vgt_recording *exact_recording(
	const struct session *session, const struct vgt_recorded_trace *trace)
{
	const struct vgt_recording *recording =
		vgt_recordings_find(&session->recordings, trace->trace_id);

	if (!recording || !trace->has_tail ||
		atomic_load(&recording->header->state) != VGT_RING_FINISHED) {
		return NULL;
	}
	return recording;
}

/* Makes the traces whole and counts what is in them. False: at least one stays damaged. */
static bool complete_all(struct session *session, struct vgt_recorded_traces *traces)
{
	bool good = true;
	struct vgt_err err;

	for (size_t i = 0; i < traces->count; i++) {
		struct vgt_recorded_trace *trace = &traces->list[i];
		const struct vgt_recording *exact = exact_recording(session, trace);
		trace->whole = trace->has_tail || complete(session, trace);
		good = good && trace->whole;
		if (!vgt_recorded_measure(trace, &session->target, exact, &err)) {
			say(session, "%s%s: %s", session->target.shown, trace->name,
				err.message);
			good = false;
		}
	}
	return good;
}

/*
 * Connections that only asked what the renderer can do are of no use beside others, and where
 * not one command came, because the renderer could not start, there is no use in any.
 */
static void drop_idle(struct session *session, struct vgt_recorded_traces *traces)
{
	bool some = false;

	for (size_t i = 0; i < traces->count; i++) {
		some = some || traces->list[i].submits;
	}
	for (size_t i = traces->count; i-- > 0;) {
		const struct vgt_recorded_trace *trace = &traces->list[i];
		if (trace->has_tail && (trace->commands == 0 || (some && !trace->submits))) {
			vgt_recorded_drop(traces, &session->target, i);
		}
	}
}

static void name_only(struct session *session, struct vgt_recorded_trace *trace)
{
	struct vgt_err err;

	if (strcmp(trace->name, session->target.name) != 0 &&
		!vgt_recorded_claim_name(trace, &session->target, &err)) {
		say(session, "warning: %s%s %s", session->target.shown, trace->name,
			err.message);
	}
}

static void summarise(struct session *session, const struct vgt_recorded_trace *trace)
{
	char size[32];
	char raw[32];

	if (!trace->submits) {
		say(session, "warning: %s%s: %s", session->target.shown, trace->name,
			trace->frames ? "no OpenGL, only what a processor has drawn"
				      : "nothing was drawn");
	}
	if (session->request->capset && !trace->masked) {
		say(session,
			"warning: %s%s: the guest was offered all: what recorded it does not "
			"know --capset (QEMU's modules: 'host-capture/qemu/build modules')",
			session->target.shown, trace->name);
	}
	if (session->request->quiet || session->request->json) {
		return;
	}
	fprintf(stderr,
		"recorded %s%s: %" PRIu64 " frame%s, %" PRIu64 " command%s, %s (%s raw)\n",
		session->target.shown, trace->name, trace->frames,
		trace->frames == 1 ? "" : "s", trace->commands, trace->commands == 1 ? "" : "s",
		vgt_text_size(size, trace->size), vgt_text_size(raw, trace->raw));
}

/* `initialised`: there was a trace, without a command in it. */
static void tell_nothing(struct session *session, bool initialised)
{
	const char *name = session->request->command[0];

	if (initialised) {
		say(session, "nothing was recorded: the renderer got no command");
	} else if (session->request->gl) {
		say(session, "nothing was recorded: %s has not connected to virgl_test_server",
			name);
		say(session, "(programs that are linked statically or set-uid, or do not use "
			     "Mesa's OpenGL, never will)");
	} else if (session->qemu.device >= QEMU_MODULES) {
		say(session, "nothing was recorded: %s never had a virtio-gpu device with GL",
			name);
		say(session, "(such as -device virtio-vga-gl, with -display sdl,gl=on)");
	} else {
		say(session, "nothing was recorded: %s never called virgl_renderer_init", name);
		say(session, "(to record an ordinary OpenGL program use 'vgt record --gl')");
	}
}

static bool is_one_of(
	const struct vgt_recorded_traces *traces, const struct vgt_recording *recording)
{
	for (size_t i = 0; i < traces->count; i++) {
		if (traces->list[i].trace_id == recording->header->trace_id) {
			return true;
		}
	}
	return false;
}

/*
 * Recordings whose traces are not where vgt wanted them: the user of a device may choose a file
 * at any time. Adds those that are to be found to `count`. False: one of them is not whole.
 */
static bool tell_elsewhere(
	struct session *session, const struct vgt_recorded_traces *traces, size_t *count)
{
	bool good = true;

	for (size_t i = 0; i < session->recordings.count; i++) {
		const struct vgt_recording *recording = &session->recordings.list[i];
		if (is_one_of(traces, recording)) {
			continue;
		}
		*count += 1;
		say(session,
			"%s recorded %" PRIu64 " frames, %" PRIu64
			" commands into another file than %s%s, as its device's 'capture' says",
			session->request->command[0], atomic_load(&recording->header->frames),
			atomic_load(&recording->header->commands), session->target.shown,
			session->target.name);
	}
	if (*count && has_rings(session)) {
		session->keep_rings = true;
		good = false;
		say(session,
			"that trace is not whole: 'vgt recover' makes it so; its end is kept "
			"in %s",
			session->directory);
	}
	return good;
}

/* Removes the trace that was replaced, or puts it back. */
static void settle(struct session *session, bool replaced)
{
	struct vgt_err err;

	if (!vgt_record_target_settle(&session->target, replaced, &err)) {
		say(session, "warning: %s", err.message);
	}
}

static void put_trace(const struct session *session, json_object *traces,
	const struct vgt_recorded_trace *trace)
{
	json_object *object = json_object_new_object();
	char *shown = vgt_recorded_shown(&session->target, trace->name);

	vgt_json_put_text(object, "path", shown ? shown : trace->name);
	json_object_object_add(object, "whole", json_object_new_boolean(trace->whole));
	vgt_json_put_number(object, "file_bytes", trace->size);
	vgt_json_put_number(object, "stream_bytes", trace->raw);
	vgt_json_put_number(object, "commands", trace->commands);
	vgt_json_put_number(object, "frames", trace->frames);
	json_object_array_add(traces, object);
	free(shown);
}

static void print_json(const struct session *session, const struct vgt_recorded_traces *traces)
{
	const int status = session->command.status;
	const bool killed = WIFSIGNALED(status);
	json_object *object = json_object_new_object();
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < traces->count; i++) {
		put_trace(session, list, &traces->list[i]);
	}
	json_object_object_add(object, "traces", list);
	vgt_json_put_text(object, "reason",
		session->reason ? session->reason
		: killed        ? "killed"
				: "exited");
	json_object_object_add(object, "exit_status",
		killed ? NULL : json_object_new_int(WEXITSTATUS(status)));
	json_object_object_add(
		object, "signal", killed ? json_object_new_int(WTERMSIG(status)) : NULL);
	vgt_json_print(stdout, object);
}

static int conclude(struct session *session)
{
	struct vgt_recorded_traces traces;
	struct vgt_err err;

	progress_end();
	tell_command_status(session);
	if (!vgt_recorded_find(&traces, &session->target, session->directory, &err)) {
		say(session, "%s: %s", session->target.directory, err.message);
		session->keep_rings = true;
		return VGT_EXIT_TROUBLE;
	}
	const bool initialised = traces.count > 0;
	bool good = complete_all(session, &traces);
	size_t elsewhere = 0;
	good = tell_elsewhere(session, &traces, &elsewhere) && good;
	drop_idle(session, &traces);
	if (traces.count == 0 && elsewhere == 0) {
		tell_nothing(session, initialised);
		good = false;
	}
	if (traces.count == 0 || session->server_crashed || session->recorder_died) {
		show_log(session);
	}
	settle(session, traces.count > 0);
	if (traces.count == 1) {
		name_only(session, &traces.list[0]);
	}
	for (size_t i = 0; i < traces.count; i++) {
		summarise(session, &traces.list[i]);
	}
	if (session->request->json) {
		print_json(session, &traces);
	}
	vgt_recorded_finish(&traces);
	return good ? VGT_EXIT_OK : VGT_EXIT_TROUBLE;
}

static int record_with_children(struct session *session)
{
	int code = VGT_EXIT_TROUBLE;
	const bool started =
		(!session->request->gl || start_servers(session)) && start_command(session);

	if (started) {
		run(session);
	}
	if (session->request->gl) {
		end_servers(session);
	}
	if (started) {
		code = conclude(session);
	}
	settle(session, false);
	return code;
}

static int record(const struct request *request)
{
	struct session session = {.request = request, .log.fd = -1};
	int code = VGT_EXIT_TROUBLE;
	struct vgt_err err;

	session.display.number_fd = -1;
	/* before signals are collected: a pipe may keep it waiting */
	if (request->capset && !record_capset_read(&session.weaker, request->capset, &err)) {
		vgt_cmd_error(request->capset, &err);
		return VGT_EXIT_TROUBLE;
	}
	/* before a directory is made, so that no signal leaves it behind */
	if (!vgt_children_init(&session.children, &err)) {
		say(&session, "%s", err.message);
		vgt_capsets_finish(&session.weaker);
		return VGT_EXIT_TROUBLE;
	}
	if (prepare(&session)) {
		code = record_with_children(&session);
	}
	vgt_child_log_close(&session.log);
	vgt_recordings_finish(&session.recordings);
	remove_directory(&session);
	vgt_record_target_finish(&session.target);
	vgt_capsets_finish(&session.weaker);
	free(session.pattern);
	vgt_children_finish(&session.children);
	return code;
}

/* The command line */

/* "12", "12K", "12M", "12G". */
static bool parse_size(const char *text, uint64_t *size)
{
	static const char suffixes[] = "KMG";
	const size_t digits = strspn(text, "0123456789");
	char number[24];
	unsigned shift = 0;

	if (digits >= sizeof(number)) {
		return false;
	}
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (text[digits]) {
		const char upper = (char)(text[digits] & ~0x20);
		const char *suffix = strchr(suffixes, upper);
		if (!upper || !suffix || text[digits + 1]) {
			return false;
		}
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (!vgt_text_number(number, 1, UINT64_MAX >> (shift + 1), size)) {
		return false;
	}
	*size <<= shift;
	return true;
}

/* "12" or "12.5" seconds, in ms; independent of the locale. */
static bool parse_seconds(const char *text, uint64_t *ms)
{
	const size_t whole = strspn(text, "0123456789");
	char digits[24];

	if (whole > 10) {
		return false;
	}
	memcpy(digits, text, whole);
	memcpy(digits + whole, "000", 4);
	text += whole;
	if (*text == '.') {
		const size_t places = strspn(text + 1, "0123456789");
		memcpy(digits + whole, text + 1, places < 3 ? places : 3);
		text += places ? places + 1 : 0;
	}
	return whole > 0 && !*text && vgt_text_number(digits, 1, UINT64_MAX, ms);
}

static bool check_request(const struct request *request, int arguments)
{
	if (arguments == 0) {
		vgt_cmd_usage("record", "record needs a command to run");
	} else if (!*request->command[0]) {
		vgt_cmd_usage("record", "the command is empty");
	} else if (request->file && strcmp(request->file, "-") == 0) {
		vgt_cmd_usage("record", "a trace cannot be recorded to standard output");
	} else if (request->duration_ms && request->keep_running) {
		vgt_cmd_usage("record", "--duration and --keep-running exclude each other");
	} else {
		return true;
	}
	return false;
}

/* An exit code, or -1: go on, with argv[optind] the command. */
static int parse_options(struct request *request, int argc, char **argv)
{
	enum {
		OPTION_FORCE = 256,
		OPTION_FRAMES,
		OPTION_DURATION,
		OPTION_MAX_SIZE,
		OPTION_NO_CMDLINE,
		OPTION_KEEP_RUNNING,
		OPTION_GL,
		OPTION_CAPSET,
		OPTION_JSON,
	};
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"force", no_argument, NULL, OPTION_FORCE},
		{"frames", required_argument, NULL, OPTION_FRAMES},
		{"duration", required_argument, NULL, OPTION_DURATION},
		{"max-size", required_argument, NULL, OPTION_MAX_SIZE},
		{"no-cmdline", no_argument, NULL, OPTION_NO_CMDLINE},
		{"keep-running", no_argument, NULL, OPTION_KEEP_RUNNING},
		{"gl", no_argument, NULL, OPTION_GL},
		{"capset", required_argument, NULL, OPTION_CAPSET},
		{"json", no_argument, NULL, OPTION_JSON},
		{"quiet", no_argument, NULL, 'q'},
		VGT_CMD_HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+:o:qh", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			request->file = optarg;
			break;
		case OPTION_FORCE:
			request->force = true;
			break;
		case OPTION_FRAMES:
			if (!vgt_cmd_number("record", "--frames", optarg, 1, UINT64_MAX,
				    &request->frames)) {
				return VGT_EXIT_TROUBLE;
			}
			break;
		case OPTION_DURATION:
			if (!parse_seconds(optarg, &request->duration_ms)) {
				return vgt_cmd_usage("record",
					"--duration must be a number of seconds such as 2.5, "
					"not '%s'",
					optarg);
			}
			break;
		case OPTION_MAX_SIZE:
			if (!parse_size(optarg, &request->max_size) ||
				request->max_size < MAX_SIZE_MIN) {
				return vgt_cmd_usage("record",
					"--max-size must be at least %d bytes, such as 100M, "
					"not '%s'",
					MAX_SIZE_MIN, optarg);
			}
			break;
		case OPTION_NO_CMDLINE:
			request->no_cmdline = true;
			break;
		case OPTION_KEEP_RUNNING:
			request->keep_running = true;
			break;
		case OPTION_GL:
			request->gl = true;
			break;
		case OPTION_CAPSET:
			request->capset = optarg;
			break;
		case OPTION_JSON:
			request->json = true;
			break;
		case 'q':
			request->quiet = true;
			break;
		case 'h':
			return vgt_cmd_print_help(cmd_record_help);
		default:
			return vgt_cmd_bad_option("record", argv, options, option);
		}
	}
	request->command = argv + optind;
	return check_request(request, argc - optind) ? -1 : VGT_EXIT_TROUBLE;
}

int cmd_record(int argc, char **argv)
{
	struct request request = {0};
	const int code = parse_options(&request, argc, argv);

	return code >= 0 ? code : record(&request);
}
