/* SPDX-License-Identifier: MIT */
#include "player_window.h"

#include "clock.h"
#include "vgt_text.h"

#include <SDL2/SDL.h>
#include <SDL2/SDL_syswm.h>
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Frames kept at most, however small they are, as they are searched one by one. */
#define KEPT_MAX 4096
/* Frames kept at most before the one that is gone to, for steps back from it. */
#define KEPT_BEFORE 32
/* Frames whose digests are known: 16 MiB. */
#define DIGESTS_MAX (UINT64_C(1) << 20)
/* A recorded pause is not waited for longer. */
#define PAUSE_MAX_NS (UINT64_C(2) * 1000000000)
/* How often the parent is told that waiting is no hang, and the user is looked at meanwhile. */
#define HEARTBEAT_MS 200
#define WAIT_MS      5
#define POLL_NS      (UINT64_C(20) * 1000000)
/* How often the title changes while frames run. */
#define TITLE_NS (UINT64_C(100) * 1000000)
/* A window that has no frame yet opens all the same after this, to say so. */
#define OPEN_NS (UINT64_C(500) * 1000000)
#define NONE    UINT64_MAX
#define DIGITS  18

struct speed {
	const char *name;
	uint64_t times, of; /* the recorded pace by times/of; times 0: do not wait */
};

static const struct speed speeds[] = {{"1/8x", 1, 8}, {"1/4x", 1, 4}, {"1/2x", 1, 2},
	{"1x", 1, 1}, {"2x", 2, 1}, {"4x", 4, 1}, {"8x", 8, 1}, {"as fast as it can", 0, 1}};
#define SPEEDS     (sizeof(speeds) / sizeof(speeds[0]))
#define SPEED_ONCE 3

struct kept {
	struct player_event event;
	struct vgt_image image; /* empty: event.text says why */
	uint64_t time_ns;
	uint64_t used; /* when it was shown or came, for throwing out */
};

struct digest {
	uint64_t digest;
	bool known;
};

struct player_window {
	struct player_window_options options;
	SDL_Window *window;   /* NULL: not open yet */
	SDL_Surface *picture; /* the current frame's, in the window's pixel format */
	bool covers;          /* full screen without a window manager; left for this place: */
	SDL_Rect uncovered;
	uint64_t created_ns;

	struct kept *kept[KEPT_MAX];
	size_t kept_count;
	uint64_t memory; /* of their pixels */
	uint64_t uses;
	struct digest *digests;
	uint64_t digest_count;

	uint64_t played; /* number of the frame that the renderer makes next */
	uint64_t bound;  /* no frame from here on, or NONE: not known */
	struct kept *current;
	uint64_t goal; /* to be shown next; the current one's number: stay */
	bool asked;    /* by a key: at once, else when its time has come */
	bool paused;
	size_t speed;
	char typed[DIGITS + 1];
	bool ended; /* the trace, or the range, has been played to its end */
	const char *end_problem;
	enum player_window_order order;

	uint64_t due_ns; /* when the current frame was to be shown */
	uint64_t polled_ns, titled_ns;
	uint64_t shown_ns;  /* when a frame was last shown, 0: none since the pace changed */
	double interval_ns; /* from frame to frame, smoothed */
};

/* What Xlib does when its server goes is exit(). */
static struct player_window *in_display;

static void on_exit_inside(void)
{
	if (in_display) {
		const struct player_window_options *options = &in_display->options;
		in_display = NULL;
		options->fail(options->opaque, "the display of the window is gone");
	}
}

/* Hanging from here on is the display's fault, not the renderer's. */
static void enter_display(struct player_window *window)
{
	in_display = window;
	window->options.progress->in_display = 1;
}

static void leave_display(void)
{
	in_display->options.progress->in_display = 0;
	in_display = NULL;
}

/* The frames of the range */

static uint64_t next_in(const struct player_window *window, uint64_t number)
{
	const struct vgt_addresses *frames = &window->options.frames->frames;
	uint64_t best = NONE;
	for (size_t i = 0; i < frames->count; i++) {
		const struct vgt_address_range *range = &frames->range[i];
		const uint64_t from = number > range->first ? number : range->first;
		if (from <= range->last && from < best) {
			best = from;
		}
	}
	return best < window->bound ? best : NONE;
}

static uint64_t previous_in(const struct player_window *window, uint64_t number)
{
	const struct vgt_addresses *frames = &window->options.frames->frames;
	uint64_t best = NONE;
	for (size_t i = 0; i < frames->count; i++) {
		const struct vgt_address_range *range = &frames->range[i];
		const uint64_t to = number < range->last ? number : range->last;
		if (to >= range->first && (best == NONE || to > best)) {
			best = to;
		}
	}
	return best;
}

/* That frame, or else the nearest behind it, or else the last. */
static uint64_t nearest(const struct player_window *window, uint64_t number)
{
	const uint64_t next = next_in(window, number);
	return next != NONE ? next : previous_in(window, window->bound - 1);
}

static uint64_t last_frame(const struct player_window *window)
{
	/* where the end is not known: far behind it, as far as the range goes */
	return window->bound ? previous_in(window, window->bound - 1) : NONE;
}

/* Pictures that are kept */

static uint64_t pixel_bytes(const struct vgt_image *image)
{
	return (uint64_t)image->width * image->height * 4;
}

static struct kept *find_kept(const struct player_window *window, uint64_t number)
{
	for (size_t i = 0; i < window->kept_count; i++) {
		if (window->kept[i]->event.frame.number == number) {
			return window->kept[i];
		}
	}
	return NULL;
}

static void drop_kept(struct player_window *window, size_t at)
{
	struct kept *kept = window->kept[at];
	window->memory -= pixel_bytes(&kept->image);
	window->kept[at] = window->kept[--window->kept_count];
	vgt_image_finish(&kept->image);
	free(kept);
}

/* Throws out those not used for longest, but neither the one shown nor `fresh`. */
static void make_room(struct player_window *window, const struct kept *fresh)
{
	while (window->kept_count == KEPT_MAX || window->memory > window->options.memory) {
		size_t oldest = window->kept_count;
		for (size_t i = 0; i < window->kept_count; i++) {
			const struct kept *kept = window->kept[i];
			if (kept != window->current && kept != fresh &&
				(oldest == window->kept_count ||
					kept->used < window->kept[oldest]->used)) {
				oldest = i;
			}
		}
		if (oldest == window->kept_count) {
			break;
		}
		drop_kept(window, oldest);
	}
}

static struct kept *keep(struct player_window *window, const struct player_event *event,
	struct vgt_image *image, uint64_t time_ns)
{
	struct kept *kept = find_kept(window, event->frame.number);
	if (kept) {
		vgt_image_finish(image);
		return kept;
	}
	kept = malloc(sizeof(*kept));
	if (!kept) {
		window->options.fail(window->options.opaque, "no memory for a frame");
		return NULL;
	}
	*kept = (struct kept){
		.event = *event, .image = *image, .time_ns = time_ns, .used = ++window->uses};
	*image = (struct vgt_image){0};
	window->memory += pixel_bytes(&kept->image);
	window->kept[window->kept_count++] = kept;
	make_room(window, kept);
	return kept;
}

/* In place of a frame that the player left out, as where the device refused its command. */
static struct kept *keep_left_out(struct player_window *window, uint64_t number)
{
	struct player_event event = {.kind = PLAYER_UNSHOWN,
		.command = PLAYER_NO_COMMAND,
		.virgl_command = PLAYER_NO_VIRGL_COMMAND,
		.frame = {.number = number},
		.text = "the device refused its command"};
	return keep(window, &event, &(struct vgt_image){0},
		window->current ? window->current->time_ns : 0);
}

/* How many frames before the one that is gone to are kept on the way. */
static uint64_t kept_before(const struct player_window *window)
{
	const uint64_t bytes = window->current ? pixel_bytes(&window->current->image) : 0;
	const uint64_t room = window->options.memory / 2 / (bytes ? bytes : 1);
	return room < KEPT_BEFORE ? room : KEPT_BEFORE;
}

/*
 * The renderer has come to frame `frames`. If the one that is gone to lies before it and did
 * not come, it never does: going back for it would be for ever.
 */
static void pass_frames(struct player_window *window, uint64_t frames)
{
	if (window->played <= window->goal && window->goal < frames &&
		!find_kept(window, window->goal)) {
		keep_left_out(window, window->goal);
	}
	window->played = frames;
}

static bool window_wants(const struct player_window *window, uint64_t number)
{
	/* any frame may be the last where the end is not known; those of a pipe come once */
	const bool near = number >= window->goal ||
			  window->goal - number <= kept_before(window) ||
			  window->goal >= NONE - 1 || !window->options.can_start_again;
	return window->order == PLAYER_WINDOW_GO_ON && near && !find_kept(window, number);
}

static enum player_window_seen window_seen(
	struct player_window *window, uint64_t number, uint64_t digest)
{
	if (number >= DIGESTS_MAX) {
		return PLAYER_WINDOW_NEW;
	}
	if (number >= window->digest_count) {
		const uint64_t wanted = (number + 1) * 2;
		const uint64_t count = wanted < DIGESTS_MAX ? wanted : DIGESTS_MAX;
		struct digest *digests =
			realloc(window->digests, count * sizeof(*window->digests));
		if (!digests) {
			return PLAYER_WINDOW_NEW;
		}
		memset(digests + window->digest_count, 0,
			(count - window->digest_count) * sizeof(*digests));
		window->digests = digests;
		window->digest_count = count;
	}
	struct digest *first = &window->digests[number];
	if (!first->known) {
		*first = (struct digest){digest, true};
		return PLAYER_WINDOW_NEW;
	}
	return first->digest == digest ? PLAYER_WINDOW_SAME : PLAYER_WINDOW_DIFFERENT;
}

/* The title */

static bool is_at_end(const struct player_window *window)
{
	return window->current &&
	       next_in(window, window->current->event.frame.number + 1) == NONE;
}

static void put_frame(FILE *to, const struct player_window *window)
{
	const struct player_event *event = &window->current->event;
	char address[VGT_ADDRESS_TEXT_SIZE];
	fprintf(to, " - frame %" PRIu64, event->frame.number);
	if (window->options.total != PLAYER_WINDOW_UNKNOWN) {
		fprintf(to, "/%" PRIu64, window->options.total);
	}
	if (event->command != PLAYER_NO_COMMAND) {
		fprintf(to, " %s",
			vgt_address_text(address, event->command, event->virgl_command));
	}
	if (event->frame.rule == VGT_FRAME_FLUSH) {
		fprintf(to, " scanout %" PRIu32, event->frame.scanout_id);
	}
	if (event->kind == PLAYER_UNSHOWN) {
		fprintf(to, " - no picture: %s", event->text);
	}
}

static void put_way(FILE *to, const struct player_window *window)
{
	if (window->goal >= NONE - 1) {
		fprintf(to, " - going to the last frame: at %" PRIu64, window->played);
	} else {
		fprintf(to, " - going to frame %" PRIu64 ": %" PRIu64 " %%", window->goal,
			window->goal ? window->played * 100 / window->goal : 0);
	}
}

static void put_state(FILE *to, const struct player_window *window)
{
	if (!window->current ||
		(window->asked && window->goal > window->played &&
			!find_kept(window, window->goal)) ||
		window->order == PLAYER_WINDOW_START_AGAIN) {
		put_way(to, window);
	} else if (window->paused) {
		fputs(" - paused", to);
	} else {
		fprintf(to, " - %.1f fps",
			window->interval_ns > 0 ? 1e9 / window->interval_ns : 0);
	}
	fprintf(to, " - %s", speeds[window->speed].name);
	if (window->typed[0]) {
		fprintf(to, " - jump: %s_", window->typed);
	}
	if (window->end_problem && is_at_end(window)) {
		fprintf(to, " - the trace ends here: %s", window->end_problem);
	}
}

static void set_title(struct player_window *window)
{
	char text[512] = "";
	if (!window->window) {
		return;
	}
	FILE *to = fmemopen(text, sizeof(text) - 1, "w");
	if (!to) {
		return;
	}
	const char *slash = strrchr(window->options.path, '/');
	const char *name = slash ? slash + 1 : window->options.path;
	vgt_text_print(to, name, strlen(name));
	if (window->current) {
		put_frame(to, window);
	}
	put_state(to, window);
	fclose(to);
	SDL_SetWindowTitle(window->window, text);
	window->titled_ns = clock_ns();
}

/* Drawing */

__attribute__((noreturn)) static void cannot_open(struct player_window *window)
{
	char text[200];
	const char *display = getenv("DISPLAY");
	if (display && display[0]) {
		snprintf(text, sizeof(text),
			"cannot open a window: %.60s (DISPLAY is '%.40s'; Xvfb is a display "
			"without a screen)",
			SDL_GetError(), display);
	} else {
		snprintf(text, sizeof(text),
			"cannot open a window: DISPLAY is not set; Xvfb is a display without "
			"a screen");
	}
	leave_display();
	window->options.fail(window->options.opaque, text);
	abort();
}

/* As large as the picture, where the display has room for that. */
static void open_window(struct player_window *window, int width, int height)
{
	SDL_Rect room;
	if (SDL_GetDisplayUsableBounds(0, &room) == 0 && room.w > 0 && room.h > 0 &&
		(width > room.w || height > room.h)) {
		if ((int64_t)width * room.h > (int64_t)height * room.w) {
			height = (int)((int64_t)height * room.w / width);
			width = room.w;
		} else {
			width = (int)((int64_t)width * room.h / height);
			height = room.h;
		}
	}
	width = width > 0 ? width : 1;
	height = height > 0 ? height : 1;
	if (window->window) {
		SDL_SetWindowSize(window->window, width, height);
		return;
	}
	window->window = SDL_CreateWindow("vgt", SDL_WINDOWPOS_UNDEFINED,
		SDL_WINDOWPOS_UNDEFINED, width, height, SDL_WINDOW_RESIZABLE);
	if (!window->window) {
		cannot_open(window);
	}
}

/* The largest rectangle of the picture's shape in the middle of the window. */
static SDL_Rect place_of(const SDL_Surface *picture, const SDL_Surface *screen)
{
	SDL_Rect place = {0, 0, screen->w, screen->h};
	if ((int64_t)picture->w * screen->h > (int64_t)picture->h * screen->w) {
		place.h = (int)((int64_t)picture->h * screen->w / picture->w);
	} else {
		place.w = (int)((int64_t)picture->w * screen->h / picture->h);
	}
	place.h = place.h > 0 ? place.h : 1;
	place.w = place.w > 0 ? place.w : 1;
	place.x = (screen->w - place.w) / 2;
	place.y = (screen->h - place.h) / 2;
	return place;
}

static void draw(struct player_window *window)
{
	SDL_Surface *screen = window->window ? SDL_GetWindowSurface(window->window) : NULL;
	if (!screen) {
		/* it is being resized; the next event draws */
		return;
	}
	SDL_FillRect(screen, NULL, SDL_MapRGB(screen->format, 0, 0, 0));
	if (window->picture) {
		SDL_Rect place = place_of(window->picture, screen);
		/* what is enlarged keeps its pixels to be looked at; what is reduced would lose
		   lines */
		if (place.w < window->picture->w && screen->format->BytesPerPixel == 4) {
			SDL_SoftStretchLinear(window->picture, NULL, screen, &place);
		} else {
			SDL_BlitScaled(window->picture, NULL, screen, &place);
		}
	}
	SDL_UpdateWindowSurface(window->window);
}

static void make_picture(struct player_window *window)
{
	const struct vgt_image *image = &window->current->image;
	SDL_FreeSurface(window->picture);
	window->picture = NULL;
	SDL_Surface *screen = SDL_GetWindowSurface(window->window);
	if (!screen || !image->rgba) {
		return;
	}
	SDL_Surface *rgba = SDL_CreateRGBSurfaceWithFormatFrom(image->rgba, (int)image->width,
		(int)image->height, 32, (int)image->width * 4, SDL_PIXELFORMAT_RGBA32);
	if (rgba) {
		window->picture = SDL_ConvertSurface(rgba, screen->format, 0);
		SDL_FreeSurface(rgba);
	}
	if (window->picture) {
		SDL_SetSurfaceBlendMode(window->picture, SDL_BLENDMODE_NONE);
	}
}

static void count_shown(struct player_window *window, uint64_t now)
{
	if (window->shown_ns) {
		const double interval = (double)(now - window->shown_ns);
		window->interval_ns = window->interval_ns > 0
					      ? window->interval_ns * 0.9 + interval * 0.1
					      : interval;
	}
	window->shown_ns = now;
}

static void count_afresh(struct player_window *window)
{
	window->shown_ns = 0;
	window->interval_ns = 0;
	window->due_ns = clock_ns();
}

static void show(struct player_window *window, struct kept *kept)
{
	const uint64_t now = clock_ns();
	const bool first = !window->current;
	kept->used = ++window->uses;
	window->current = kept;
	make_room(window, kept); /* of the one shown before */
	if (first) {
		const bool pixels = kept->image.rgba != NULL;
		open_window(window, pixels ? (int)kept->image.width : 640,
			pixels ? (int)kept->image.height : 480);
		count_afresh(window);
	}
	make_picture(window);
	draw(window);
	window->asked = false;
	window->paused |= window->ended && is_at_end(window);
	count_shown(window, now);
	if (window->paused || now - window->titled_ns > TITLE_NS) {
		set_title(window);
	}
}

/* What the user does */

static void go_to(struct player_window *window, uint64_t number)
{
	if (number == NONE) {
		return;
	}
	window->goal = number;
	window->asked = true;
	window->paused = true;
	window->order = PLAYER_WINDOW_GO_ON;
}

static void step(struct player_window *window, int by)
{
	/* a second press counts from where the first one goes */
	uint64_t number = window->current && !window->asked
				  ? window->current->event.frame.number
				  : window->goal;
	if (number >= NONE - 1) {
		return; /* on the way to the last frame, of which nobody knows the number */
	}
	for (; by > 0; by--) {
		const uint64_t next = next_in(window, number + 1);
		number = next != NONE ? next : number;
	}
	for (; by < 0; by++) {
		const uint64_t previous = number ? previous_in(window, number - 1) : NONE;
		number = previous != NONE ? previous : number;
	}
	go_to(window, number);
}

static void toggle_pause(struct player_window *window)
{
	window->paused = !window->paused;
	if (window->paused) {
		/* not the frame that would have come next */
		if (window->current && !window->asked) {
			window->goal = window->current->event.frame.number;
		}
	} else {
		if (is_at_end(window)) {
			window->goal = next_in(window, 0);
			window->asked = true;
		}
		count_afresh(window);
	}
}

/* Stays where the way has led by now. */
static void stop_going(struct player_window *window)
{
	if (window->current && window->order != PLAYER_WINDOW_START_AGAIN) {
		const uint64_t next = next_in(window, window->played);
		if (next != NONE && next < window->goal) {
			window->goal = next;
		}
	}
}

static void type_digit(struct player_window *window, char digit)
{
	const size_t length = strlen(window->typed);
	if (length < DIGITS) {
		window->typed[length] = digit;
		window->typed[length + 1] = '\0';
	}
}

static void change_speed(struct player_window *window, int by)
{
	if (by < 0 ? window->speed > 0 : window->speed + 1 < SPEEDS) {
		window->speed = by < 0 ? window->speed - 1 : window->speed + 1;
		count_afresh(window);
	}
}

/* Makes an empty file that was not there. */
static bool reserve(char *path, size_t size, const struct player_window *window)
{
	const char *directory = window->options.out ? window->options.out : ".";
	for (unsigned copy = 1; copy < 10000; copy++) {
		char suffix[16] = "";
		if (copy > 1) {
			snprintf(suffix, sizeof(suffix), "-%u", copy);
		}
		const int length = snprintf(path, size, "%s/frame-%04" PRIu64 "%s.png",
			directory, window->current->event.frame.number, suffix);
		if (length < 0 || (size_t)length >= size) {
			errno = ENAMETOOLONG;
			return false;
		}
		const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (file >= 0) {
			close(file);
			return true;
		}
		if (errno != EEXIST) {
			return false;
		}
	}
	return false;
}

static void save_picture(struct player_window *window)
{
	char path[1024], text[sizeof(((struct player_event *)NULL)->text)];
	struct vgt_err err;
	if (!window->current || !window->current->image.rgba) {
		snprintf(text, sizeof(text), "no picture to save");
	} else if (!reserve(path, sizeof(path), window)) {
		snprintf(text, sizeof(text), "cannot write %.160s: %.40s", path,
			strerror(errno));
	} else if (!vgt_image_write_png(
			   &window->current->image, path, window->options.alpha, &err)) {
		unlink(path);
		snprintf(text, sizeof(text), "%.100s: %.100s", path, err.message);
	} else {
		snprintf(text, sizeof(text), "wrote %.200s", path);
	}
	window->options.note(window->options.opaque, text);
}

/* Whether there is a window manager, which full screen is asked of. */
static bool is_managed(const struct player_window *window)
{
	SDL_SysWMinfo info;
	Atom type = None;
	int format;
	unsigned long count, left;
	unsigned char *value = NULL;
	SDL_VERSION(&info.version);
	if (!SDL_GetWindowWMInfo(window->window, &info) || info.subsystem != SDL_SYSWM_X11) {
		return true;
	}
	Display *display = info.info.x11.display;
	XGetWindowProperty(display, DefaultRootWindow(display),
		XInternAtom(display, "_NET_SUPPORTING_WM_CHECK", False), 0, 1, False, XA_WINDOW,
		&type, &format, &count, &left, &value);
	if (value) {
		XFree(value);
	}
	return type == XA_WINDOW;
}

static void set_place(struct player_window *window, const SDL_Rect *place)
{
	SDL_SetWindowPosition(window->window, place->x, place->y);
	SDL_SetWindowSize(window->window, place->w, place->h);
}

static bool is_full_screen(const struct player_window *window)
{
	return window->covers ||
	       SDL_GetWindowFlags(window->window) & SDL_WINDOW_FULLSCREEN_DESKTOP;
}

static void leave_full_screen(struct player_window *window)
{
	if (window->covers) {
		window->covers = false;
		set_place(window, &window->uncovered);
	} else {
		SDL_SetWindowFullscreen(window->window, 0);
	}
}

static void toggle_full_screen(struct player_window *window)
{
	SDL_Rect *place = &window->uncovered, display;
	if (is_full_screen(window)) {
		leave_full_screen(window);
	} else if (is_managed(window)) {
		SDL_SetWindowFullscreen(window->window, SDL_WINDOW_FULLSCREEN_DESKTOP);
	} else if (SDL_GetDisplayBounds(0, &display) == 0) {
		/* SDL would believe in a size that the window does not get */
		SDL_GetWindowPosition(window->window, &place->x, &place->y);
		SDL_GetWindowSize(window->window, &place->w, &place->h);
		window->covers = true;
		set_place(window, &display);
	}
}

static void show_pixel_for_pixel(struct player_window *window)
{
	if (window->current && window->current->image.rgba) {
		leave_full_screen(window);
		SDL_RestoreWindow(window->window);
		SDL_SetWindowSize(window->window, (int)window->current->image.width,
			(int)window->current->image.height);
	}
}

static void escape(struct player_window *window)
{
	if (window->typed[0]) {
		window->typed[0] = '\0';
	} else if (window->asked && window->current) {
		stop_going(window);
	} else if (is_full_screen(window)) {
		leave_full_screen(window);
	} else {
		window->order = PLAYER_WINDOW_CLOSED;
	}
}

static void press_enter(struct player_window *window)
{
	if (window->typed[0]) {
		go_to(window, nearest(window, strtoull(window->typed, NULL, 10)));
		window->typed[0] = '\0';
	}
}

/* Keys without a character. */
static void on_key(struct player_window *window, SDL_Keycode key)
{
	switch (key) {
	case SDLK_RIGHT:
		step(window, 1);
		break;
	case SDLK_LEFT:
		step(window, -1);
		break;
	case SDLK_PAGEDOWN:
		step(window, 10);
		break;
	case SDLK_PAGEUP:
		step(window, -10);
		break;
	case SDLK_HOME:
		go_to(window, next_in(window, 0));
		break;
	case SDLK_END:
		go_to(window, last_frame(window));
		break;
	case SDLK_RETURN:
	case SDLK_KP_ENTER:
		press_enter(window);
		break;
	case SDLK_BACKSPACE:
		if (window->typed[0]) {
			window->typed[strlen(window->typed) - 1] = '\0';
		}
		break;
	case SDLK_ESCAPE:
		escape(window);
		break;
	case SDLK_F1:
		fputs("keys of the window:\n" PLAYER_WINDOW_KEYS, stderr);
		break;
	default:
		break;
	}
}

/* Keys with a character, wherever the keyboard has it. */
static void on_character(struct player_window *window, char character)
{
	if (character >= '0' && character <= '9') {
		type_digit(window, character);
		return;
	}
	switch (character) {
	case ' ':
		toggle_pause(window);
		break;
	case '.':
		step(window, 1);
		break;
	case ',':
		step(window, -1);
		break;
	case '+':
	case '=':
		change_speed(window, 1);
		break;
	case '-':
		change_speed(window, -1);
		break;
	case 's':
		save_picture(window);
		break;
	case 'z':
		show_pixel_for_pixel(window);
		break;
	case 'f':
		toggle_full_screen(window);
		break;
	case 'h':
		on_key(window, SDLK_F1);
		break;
	case 'q':
		window->order = PLAYER_WINDOW_CLOSED;
		break;
	default:
		break;
	}
}

static void on_event(struct player_window *window, const SDL_Event *event)
{
	switch (event->type) {
	case SDL_QUIT:
		window->order = PLAYER_WINDOW_CLOSED;
		break;
	case SDL_WINDOWEVENT:
		if (event->window.event == SDL_WINDOWEVENT_EXPOSED ||
			event->window.event == SDL_WINDOWEVENT_SIZE_CHANGED) {
			draw(window);
		}
		return;
	case SDL_KEYDOWN:
		on_key(window, event->key.keysym.sym);
		break;
	case SDL_TEXTINPUT:
		for (const char *at = event->text.text; *at; at++) {
			on_character(window, *at);
		}
		break;
	default:
		return;
	}
	set_title(window);
}

/* Waits for the user, at most so long, and does what he wants. */
static void take_events(struct player_window *window, int timeout_ms)
{
	SDL_Event event;
	atomic_fetch_add_explicit(&window->options.progress->calls, 1, memory_order_relaxed);
	if (timeout_ms > HEARTBEAT_MS) {
		timeout_ms = HEARTBEAT_MS;
	}
	/* not SDL_WaitEventTimeout(): to be woken it sends events to its own window, be it gone
	 */
	const uint64_t until = clock_ns() + (uint64_t)timeout_ms * 1000000;
	bool there = SDL_PollEvent(&event);
	while (!there && clock_ns() < until) {
		SDL_Delay(timeout_ms < WAIT_MS ? (Uint32)timeout_ms : WAIT_MS);
		there = SDL_PollEvent(&event);
	}
	for (; there && window->order != PLAYER_WINDOW_CLOSED; there = SDL_PollEvent(&event)) {
		on_event(window, &event);
	}
}

/* Going from frame to frame */

/* When a frame that follows the current one is to be shown. */
static uint64_t due_of(const struct player_window *window, const struct kept *kept)
{
	const struct speed *speed = &speeds[window->speed];
	if (!speed->times || kept->time_ns <= window->current->time_ns) {
		return 0;
	}
	uint64_t pause = kept->time_ns - window->current->time_ns;
	/* before it is multiplied: a trace may name any time */
	pause = pause > PAUSE_MAX_NS * 8 ? PAUSE_MAX_NS * 8 : pause;
	pause = pause * speed->of / speed->times;
	return window->due_ns + (pause > PAUSE_MAX_NS ? PAUSE_MAX_NS : pause);
}

/* Shows a frame that is there, or waits for its time. */
static void show_in_time(struct player_window *window, struct kept *kept)
{
	const uint64_t now = clock_ns();
	const uint64_t due = window->asked || !window->current ? 0 : due_of(window, kept);
	if (due > now) {
		take_events(window, (int)((due - now) / 1000000 + 1));
		return;
	}
	/* where it is late, the next one is not hurried */
	window->due_ns = due && now - due < 100000000u ? due : now;
	show(window, kept);
}

/* The wanted frame is not there: says what the player is to do. True: it needs the player. */
static bool ask_for_goal(struct player_window *window)
{
	if (window->goal >= window->bound) {
		/* without any, the trace is played to its end to say so */
		window->goal = last_frame(window);
		return window->goal == NONE;
	}
	if (window->goal >= window->played || !window->current) {
		window->order = PLAYER_WINDOW_GO_ON;
		return true;
	}
	if (window->options.can_start_again) {
		window->order = PLAYER_WINDOW_START_AGAIN;
		window->played = 0;
		set_title(window);
		return true;
	}
	char text[sizeof(((struct player_event *)NULL)->text)];
	snprintf(text, sizeof(text),
		"frame %" PRIu64 " is not kept any more, and a pipe cannot be read again "
		"(--window-memory keeps more)",
		window->goal);
	window->options.note(window->options.opaque, text);
	window->goal = window->current->event.frame.number;
	window->asked = false;
	window->paused = true;
	set_title(window);
	return false;
}

/* Shows frames until the player is needed: `order` says for what. */
static void run(struct player_window *window)
{
	enter_display(window);
	while (window->order == PLAYER_WINDOW_GO_ON) {
		if (!window->current || window->goal != window->current->event.frame.number) {
			struct kept *kept = find_kept(window, window->goal);
			if (kept) {
				show_in_time(window, kept);
			} else if (ask_for_goal(window)) {
				break;
			}
		} else if (window->paused) {
			window->asked = false;
			take_events(window, HEARTBEAT_MS);
		} else {
			const uint64_t next = next_in(window, window->goal + 1);
			if (next != NONE) {
				window->goal = next;
			} else if (window->ended) {
				window->paused = true;
				set_title(window);
			} else {
				break; /* the rest of the trace */
			}
			/* so that no stretch of kept frames keeps the user waiting */
			take_events(window, 0);
		}
	}
	leave_display();
}

static void window_show(struct player_window *window, const struct player_event *event,
	struct vgt_image *image, uint64_t time_ns)
{
	const uint64_t number = event->frame.number;
	if (window->order != PLAYER_WINDOW_GO_ON) {
		vgt_image_finish(image);
		return;
	}
	pass_frames(window, number);
	keep(window, event, image, time_ns);
	window->played = number + 1;
	if (number >= window->goal) {
		run(window);
	}
}

static enum player_window_order window_poll(struct player_window *window, uint64_t frames)
{
	const uint64_t now = clock_ns();
	if (window->order != PLAYER_WINDOW_GO_ON) {
		return window->order;
	}
	pass_frames(window, frames);
	if (now - window->polled_ns < POLL_NS) {
		return PLAYER_WINDOW_GO_ON;
	}
	window->polled_ns = now;
	enter_display(window);
	if (!window->window && now - window->created_ns > OPEN_NS) {
		open_window(window, 640, 480);
		draw(window);
	}
	take_events(window, 0);
	if (now - window->titled_ns > TITLE_NS) {
		set_title(window);
	}
	leave_display();
	run(window);
	return window->order;
}

static enum player_window_order window_end(
	struct player_window *window, uint64_t frames, const char *why)
{
	if (window->order != PLAYER_WINDOW_GO_ON) {
		return window->order;
	}
	window->bound = frames;
	window->ended = true;
	window->end_problem = why;
	if (window->options.total == PLAYER_WINDOW_UNKNOWN && !why &&
		vgt_ranges_last(window->options.frames) >= frames) {
		window->options.total = frames;
	}
	if (last_frame(window) == NONE) {
		return PLAYER_WINDOW_GO_ON;
	}
	pass_frames(window, frames);
	run(window);
	window->end_problem = NULL;
	return window->order;
}

static void window_started(struct player_window *window)
{
	window->order = PLAYER_WINDOW_GO_ON;
	window->played = 0;
}

static struct player_window *window_create(const struct player_window_options *options)
{
	struct player_window *window = calloc(1, sizeof(*window));
	if (!window) {
		return NULL;
	}
	window->options = *options;
	window->bound = options->total;
	window->speed = SPEED_ONCE;
	window->created_ns = clock_ns();
	window->goal = nearest(window, 0);
	/* Xlib alone: SDL draws with GL elsewhere. Ctrl-C ends vgt and this as ever. */
	SDL_SetHintWithPriority(SDL_HINT_VIDEODRIVER, "x11", SDL_HINT_OVERRIDE);
	SDL_SetHintWithPriority(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0", SDL_HINT_OVERRIDE);
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
	atexit(on_exit_inside);
	enter_display(window);
	if (SDL_Init(SDL_INIT_VIDEO) != 0) {
		cannot_open(window);
	}
	SDL_StartTextInput();
	leave_display();
	return window;
}

static void window_destroy(struct player_window *window)
{
	if (!window) {
		return;
	}
	enter_display(window);
	SDL_FreeSurface(window->picture);
	SDL_DestroyWindow(window->window);
	SDL_Quit();
	leave_display();
	while (window->kept_count) {
		drop_kept(window, window->kept_count - 1);
	}
	free(window->digests);
	free(window);
}

const struct player_window_functions player_window_functions = {
	.create = window_create,
	.destroy = window_destroy,
	.wants = window_wants,
	.seen = window_seen,
	.show = window_show,
	.poll = window_poll,
	.end = window_end,
	.started = window_started,
};
