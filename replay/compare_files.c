/* SPDX-License-Identifier: MIT */
#include "compare_files.h"

#include "compare_metrics.h"
#include "compare_rows.h"
#include "png_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_BYTES (128u << 10) /* of rows that one thread hands to the other */
#define BATCHES     4
#define CHANNELS    4

/* The rows of b, which a thread of its own decodes: it fills batches, from which they are taken
 * in turn. */
struct feed {
	struct png_rows *rows;
	size_t pitch;
	uint32_t height, batch_rows;
	uint8_t *bytes; /* of all batches */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t filled, taken; /* batches */
	bool failed;            /* behind those that are filled */
	bool unwanted;          /* nobody takes any more */
	struct vgt_err err;
};

static uint8_t *batch_at(const struct feed *feed, uint64_t batch)
{
	return feed->bytes + batch % BATCHES * feed->batch_rows * feed->pitch;
}

static bool wait_for_room(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	while (feed->filled - feed->taken == BATCHES && !feed->unwanted) {
		pthread_cond_wait(&feed->changed, &feed->lock);
	}
	const bool wanted = !feed->unwanted;
	pthread_mutex_unlock(&feed->lock);
	return wanted;
}

static void tell_filled(struct feed *feed, bool good)
{
	pthread_mutex_lock(&feed->lock);
	feed->filled += good;
	feed->failed = !good;
	pthread_cond_signal(&feed->changed);
	pthread_mutex_unlock(&feed->lock);
}

static void *fill(void *argument)
{
	struct feed *feed = argument;
	bool good = true;

	for (uint32_t y = 0; y < feed->height && good && wait_for_room(feed);) {
		uint8_t *row = batch_at(feed, feed->filled);
		const uint32_t end = feed->height - y > feed->batch_rows ? y + feed->batch_rows
									 : feed->height;
		for (; y < end && good; y++, row += feed->pitch) {
			good = png_rows_read(feed->rows, row, &feed->err);
		}
		tell_filled(feed, good);
	}
	return NULL;
}

/* Row y; NULL where it cannot be read. */
static const uint8_t *take_row(struct feed *feed, uint32_t y)
{
	const uint64_t batch = y / feed->batch_rows;

	if (y % feed->batch_rows == 0) {
		pthread_mutex_lock(&feed->lock);
		feed->taken = batch; /* the one before is free */
		pthread_cond_signal(&feed->changed);
		while (feed->filled <= batch && !feed->failed) {
			pthread_cond_wait(&feed->changed, &feed->lock);
		}
		const bool there = feed->filled > batch;
		pthread_mutex_unlock(&feed->lock);
		if (!there) {
			return NULL;
		}
	}
	return batch_at(feed, batch) + y % feed->batch_rows * feed->pitch;
}

static bool init_feed(struct feed *feed, struct png_rows *rows)
{
	*feed = (struct feed){
		.rows = rows,
		.pitch = png_rows_pitch(rows),
		.height = png_rows_height(rows),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	feed->batch_rows = (uint32_t)(BATCH_BYTES / feed->pitch);
	feed->batch_rows = feed->batch_rows > 0 ? feed->batch_rows : 1;
	feed->bytes = malloc(BATCHES * feed->batch_rows * feed->pitch);
	return feed->bytes != NULL;
}

static void stop_feed(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	feed->unwanted = true;
	pthread_cond_signal(&feed->changed);
	pthread_mutex_unlock(&feed->lock);
}

/* To 16 bits, where only the other picture has these. */
static const void *as_deep(const void *row, size_t samples, bool is_deep, uint16_t *room)
{
	const uint8_t *const narrow = row;

	if (is_deep) {
		return row;
	}
	for (size_t i = 0; i < samples; i++) {
		room[i] = (uint16_t)(narrow[i] * 257);
	}
	return room;
}

/* What one comparison by rows needs. */
struct pass {
	struct compare_files *files;
	struct png_rows *a, *b; /* b NULL: has the same bytes */
	struct feed feed;
	struct compare_rows rows;
	uint8_t *row; /* of a */
	/* For yiq, the last rows of both, and what it finds in them. */
	struct compare_yiq yiq;
	struct vgt_comparison yiq_found;
	uint8_t *last_a, *last_b;
	uint16_t *deep; /* a row of that which is widened, where one is */
};

/* Row y among the last of a picture, with 8 bits. */
static void keep_row(const struct pass *pass, const struct png_rows *rows, const void *row,
	uint8_t *last, uint32_t y)
{
	const size_t samples = (size_t)pass->yiq.width * CHANNELS;
	const uint16_t *const deep = row;
	uint8_t *const to = last + y % COMPARE_YIQ_PLACES * samples;

	if (png_rows_sample_bits(rows) == 8) {
		memcpy(to, row, samples);
		return;
	}
	for (size_t i = 0; i < samples; i++) {
		to[i] = vgt_image_rounded(deep[i]);
	}
}

static void compare_row(struct pass *pass, const void *given_b, uint32_t y)
{
	const size_t samples = (size_t)png_rows_width(pass->a) * CHANNELS;
	const void *row_a = pass->row;
	const void *row_b = given_b;

	if (pass->deep) {
		row_a = as_deep(
			row_a, samples, png_rows_sample_bits(pass->a) == 16, pass->deep);
		row_b = as_deep(
			row_b, samples, png_rows_sample_bits(pass->b) == 16, pass->deep);
	}
	compare_rows_add(&pass->rows, row_a, row_b, y);
	if (pass->last_a) {
		keep_row(pass, pass->a, pass->row, pass->last_a, y);
		keep_row(pass, pass->b ? pass->b : pass->a, given_b, pass->last_b, y);
		if (y >= COMPARE_YIQ_AROUND) {
			compare_yiq_row(&pass->yiq, y - COMPARE_YIQ_AROUND);
		}
	}
}

/* The last rows, which have none below them. */
static void end_yiq(struct pass *pass)
{
	struct vgt_comparison *result = &pass->files->comparison;
	const struct vgt_comparison *found = &pass->yiq_found;
	const uint32_t height = pass->yiq.height;

	for (uint32_t y = height > COMPARE_YIQ_AROUND ? height - COMPARE_YIQ_AROUND : 0;
		y < height; y++) {
		compare_yiq_row(&pass->yiq, y);
	}
	result->pixels_beyond = found->pixels_beyond;
	result->pixels_antialiased = found->pixels_antialiased;
	result->beyond = found->beyond;
	result->value = (double)found->pixels_beyond;
}

static bool begin_yiq(struct pass *pass, const struct vgt_tolerance *tolerance)
{
	const size_t size = (size_t)pass->files->width_a * CHANNELS * COMPARE_YIQ_PLACES;

	pass->last_a = malloc(size);
	pass->last_b = malloc(size);
	pass->yiq = (struct compare_yiq){
		.a = pass->last_a,
		.b = pass->last_b,
		.width = pass->files->width_a,
		.height = pass->files->height_a,
		.places = COMPARE_YIQ_PLACES,
		.tolerance = tolerance,
		.result = &pass->yiq_found,
	};
	return pass->last_a && pass->last_b;
}

/* All of a, even where b has failed: an error of a is told first. */
static bool compare_all(struct pass *pass, struct vgt_err *err)
{
	const uint32_t height = png_rows_height(pass->a);
	bool good = true;

	for (uint32_t y = 0; y < height; y++) {
		if (!png_rows_read(pass->a, pass->row, err)) {
			return false;
		}
		const void *row_b = !pass->b ? pass->row
				    : good   ? take_row(&pass->feed, y)
					     : NULL;
		good = row_b != NULL;
		if (good) {
			compare_row(pass, row_b, y);
		}
	}
	if (!good) {
		pass->files->wrong_in_b = true;
	}
	return good;
}

/* The same with the thread for b around it. */
static bool compare_both(struct pass *pass, struct vgt_err *err)
{
	pthread_t thread;

	if (!pass->b) {
		return compare_all(pass, err);
	}
	if (!init_feed(&pass->feed, pass->b)) {
		return vgt_err_system(err, ENOMEM, "cannot compare");
	}
	const int error = pthread_create(&thread, NULL, fill, &pass->feed);
	if (error) {
		free(pass->feed.bytes);
		return vgt_err_system(err, error, "cannot compare");
	}
	const bool good = compare_all(pass, err);
	stop_feed(&pass->feed);
	pthread_join(thread, NULL);
	if (pass->files->wrong_in_b && err) {
		*err = pass->feed.err;
	}
	free(pass->feed.bytes);
	return good;
}

static bool run_pass(
	struct pass *pass, const struct vgt_tolerance *tolerance, struct vgt_err *err)
{
	struct compare_files *files = pass->files;
	const unsigned bits_a = png_rows_sample_bits(pass->a);
	const unsigned bits_b = pass->b ? png_rows_sample_bits(pass->b) : bits_a;
	const unsigned bits = bits_a > bits_b ? bits_a : bits_b;
	const size_t samples = (size_t)files->width_a * CHANNELS;

	pass->row = malloc(png_rows_pitch(pass->a));
	pass->deep = bits_a != bits_b ? malloc(samples * sizeof(*pass->deep)) : NULL;
	if (!pass->row || (bits_a != bits_b && !pass->deep) ||
		(tolerance->metric == VGT_METRIC_YIQ && !begin_yiq(pass, tolerance))) {
		return vgt_err_system(err, ENOMEM, "cannot compare");
	}
	compare_rows_begin(&pass->rows, tolerance, files->width_a, bits, &files->comparison);
	if (!compare_both(pass, err)) {
		return false;
	}
	if (!compare_rows_compared(&pass->rows, files->height_a, err)) {
		return false;
	}
	compare_rows_end(&pass->rows);
	if (tolerance->metric == VGT_METRIC_YIQ) {
		end_yiq(pass);
	}
	return true;
}

/* Whether both are regular files with the same bytes. What can be read only once is not. */
static bool have_same_bytes(int a, int b)
{
	enum { PIECE = 64 << 10 };
	struct stat status_a, status_b;
	uint8_t *bytes = NULL;
	bool same = fstat(a, &status_a) == 0 && fstat(b, &status_b) == 0 &&
		    S_ISREG(status_a.st_mode) && S_ISREG(status_b.st_mode) &&
		    status_a.st_size == status_b.st_size &&
		    (bytes = malloc((size_t)PIECE * 2)) != NULL;

	for (off_t at = 0; same && at < status_a.st_size;) {
		const ssize_t got = pread(a, bytes, PIECE, at);
		same = got > 0 && pread(b, bytes + PIECE, (size_t)got, at) == got &&
		       memcmp(bytes, bytes + PIECE, (size_t)got) == 0;
		at += got;
	}
	free(bytes);
	return same;
}

/* For a file that is not regular -1: a pipe can be opened only once, by who reads it. */
static int open_regular(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode)
		       ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
		       : -1;
}

static bool are_same_files(const char *path_a, const char *path_b)
{
	const int a = open_regular(path_a);
	const int b = open_regular(path_b);
	const bool same = a >= 0 && b >= 0 && have_same_bytes(a, b);

	if (a >= 0) {
		close(a);
	}
	if (b >= 0) {
		close(b);
	}
	return same;
}

bool compare_files_can_by_rows(
	const struct compare_files *files, const struct vgt_tolerance *tolerance)
{
	switch (tolerance->metric) {
	case VGT_METRIC_DIFFERENCE:
	case VGT_METRIC_EXACT:
	case VGT_METRIC_MEAN:
	case VGT_METRIC_PSNR:
	case VGT_METRIC_YIQ:
		return true;
	default:
		break;
	}
	return are_same_files(files->path_a, files->path_b);
}

/* Opens both up to their headers, b only where it has other bytes. */
static bool open_both(struct pass *pass, struct vgt_err *err)
{
	struct compare_files *files = pass->files;
	FILE *file_a = fopen(files->path_a, "rbe");
	const int error_a = errno;
	FILE *file_b = fopen(files->path_b, "rbe");
	const int error_b = errno;
	const bool same = file_a && file_b && have_same_bytes(fileno(file_a), fileno(file_b));

	errno = error_a;
	pass->a = png_rows_open(file_a, err);
	if (!pass->a || same) {
		if (file_b) {
			fclose(file_b);
		}
		return pass->a != NULL;
	}
	errno = error_b;
	pass->b = png_rows_open(file_b, err);
	files->wrong_in_b = !pass->b;
	return pass->b != NULL;
}

static void take_sizes(struct pass *pass)
{
	const struct png_rows *b = pass->b ? pass->b : pass->a;
	struct compare_files *files = pass->files;

	files->width_a = png_rows_width(pass->a);
	files->height_a = png_rows_height(pass->a);
	files->width_b = png_rows_width(b);
	files->height_b = png_rows_height(b);
}

bool compare_files_by_rows(
	struct compare_files *files, const struct vgt_tolerance *tolerance, struct vgt_err *err)
{
	struct pass pass = {.files = files};
	bool good = open_both(&pass, err);

	files->comparison =
		(struct vgt_comparison){.metric = tolerance->metric, .size_differs = true};
	if (good) {
		take_sizes(&pass);
		if (files->width_a == files->width_b && files->height_a == files->height_b) {
			good = run_pass(&pass, tolerance, err);
		}
	}
	free(pass.row);
	free(pass.deep);
	free(pass.last_a);
	free(pass.last_b);
	png_rows_close(pass.a);
	png_rows_close(pass.b);
	return good;
}

/* One picture, for a thread. */
struct reading {
	const char *path;
	struct vgt_image *image;
	bool good;
	struct vgt_err err;
};

static void *read_one(void *argument)
{
	struct reading *reading = argument;

	reading->good = vgt_image_read_png(reading->image, reading->path, &reading->err);
	return NULL;
}

bool compare_files_read(struct compare_files *files, struct vgt_image *a, struct vgt_image *b,
	struct vgt_err *err)
{
	struct reading reading_a = {.path = files->path_a, .image = a};
	struct reading reading_b = {.path = files->path_b, .image = b};
	pthread_t thread;
	const bool apart = pthread_create(&thread, NULL, read_one, &reading_b) == 0;

	read_one(&reading_a);
	if (apart) {
		pthread_join(thread, NULL);
	} else {
		read_one(&reading_b);
	}
	files->width_a = a->width;
	files->height_a = a->height;
	files->width_b = b->width;
	files->height_b = b->height;
	if (reading_a.good && reading_b.good) {
		return true;
	}
	files->wrong_in_b = reading_a.good;
	if (err) {
		*err = reading_a.good ? reading_b.err : reading_a.err;
	}
	vgt_image_finish(a);
	vgt_image_finish(b);
	return false;
}
