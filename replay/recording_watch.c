/* SPDX-License-Identifier: MIT */
#include "recording_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The time of a directory's change is as coarse as the kernel's tick, at most 10 ms. */
#define TICK_NS INT64_C(20000000)

void vgt_recordings_init(struct vgt_recordings *recordings, const char *directory)
{
	*recordings = (struct vgt_recordings){.directory = directory};
}

void vgt_recordings_finish(struct vgt_recordings *recordings)
{
	for (size_t i = 0; i < recordings->count; i++) {
		vgt_ring_unwatch(recordings->list[i].header);
	}
	free(recordings->list);
	*recordings = (struct vgt_recordings){0};
}

static bool is_ring_name(const char *name)
{
	const size_t length = strlen(name);

	return length > 9 && length < sizeof(((struct vgt_recording *)0)->name) &&
	       strncmp(name, "vgt-", 4) == 0 && strcmp(name + length - 5, ".ring") == 0;
}

static bool is_known(const struct vgt_recordings *recordings, const char *name)
{
	for (size_t i = 0; i < recordings->count; i++) {
		if (strcmp(recordings->list[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool ring_path(
	const struct vgt_recordings *recordings, const char *name, char path[VGT_RING_PATH_MAX])
{
	const int length =
		snprintf(path, VGT_RING_PATH_MAX, "%s/%s", recordings->directory, name);

	return length > 0 && length < (int)VGT_RING_PATH_MAX;
}

/* Takes a ring up, unless it is still being made: the next look will. */
static void add(struct vgt_recordings *recordings, const char *name)
{
	char path[VGT_RING_PATH_MAX];
	const struct vgt_ring_header *header =
		ring_path(recordings, name, path) ? vgt_ring_watch(path) : NULL;
	struct vgt_recording *list = NULL;

	if (header) {
		list = realloc(recordings->list, (recordings->count + 1) * sizeof(*list));
	}
	if (!list) {
		vgt_ring_unwatch(header);
		recordings->missed = true;
		return;
	}
	recordings->list = list;
	list[recordings->count] = (struct vgt_recording){.header = header};
	memcpy(list[recordings->count].name, name, strlen(name) + 1); /* is_ring_name() */
	recordings->count++;
}

static void find_new(struct vgt_recordings *recordings)
{
	DIR *directory = opendir(recordings->directory);
	const struct dirent *entry;

	if (!directory) {
		return;
	}
	while ((entry = readdir(directory))) {
		if (is_ring_name(entry->d_name) && !is_known(recordings, entry->d_name)) {
			add(recordings, entry->d_name);
		}
	}
	closedir(directory);
}

static enum vgt_recording_state look_at(
	const struct vgt_recordings *recordings, const struct vgt_recording *recording)
{
	char path[VGT_RING_PATH_MAX];

	if (atomic_load(&recording->header->state) != VGT_RING_RECORDING) {
		return VGT_RECORDING_ENDED;
	}
	/* Its lock says more than its pid, which may be a zombie's or of another namespace. */
	ring_path(recordings, recording->name, path);
	if (!vgt_ring_in_use(path, recording->header->trace_id) &&
		(access(path, F_OK) == 0 || kill((pid_t)recording->header->pid, 0) != 0)) {
		/* Between the two questions it may have ended properly. */
		return atomic_load(&recording->header->state) == VGT_RING_RECORDING
			       ? VGT_RECORDING_DIED
			       : VGT_RECORDING_ENDED;
	}
	return VGT_RECORDING_LIVE;
}

/* Whether the directory may have changed since the last look. */
static bool has_changed(struct vgt_recordings *recordings)
{
	struct stat status;
	struct timespec now;

	if (stat(recordings->directory, &status) != 0) {
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	const int64_t age = (int64_t)(now.tv_sec - status.st_mtim.tv_sec) * 1000000000 +
			    now.tv_nsec - status.st_mtim.tv_nsec;
	const bool changed = status.st_mtim.tv_sec != recordings->changed.tv_sec ||
			     status.st_mtim.tv_nsec != recordings->changed.tv_nsec;
	/* Another change within the same tick would look like none: then look again. */
	recordings->changed = age > TICK_NS ? status.st_mtim : (struct timespec){0};
	return changed;
}

void vgt_recordings_look(struct vgt_recordings *recordings)
{
	if (has_changed(recordings)) {
		recordings->missed = true;
	}
	find_new(recordings);
	for (size_t i = 0; i < recordings->count; i++) {
		struct vgt_recording *recording = &recordings->list[i];
		if (recording->state == VGT_RECORDING_LIVE) {
			recording->state = look_at(recordings, recording);
		}
	}
}

size_t vgt_recordings_live(const struct vgt_recordings *recordings)
{
	size_t live = 0;

	for (size_t i = 0; i < recordings->count; i++) {
		live += recordings->list[i].state == VGT_RECORDING_LIVE;
	}
	return live;
}

const struct vgt_recording *vgt_recordings_find(
	const struct vgt_recordings *recordings, uint64_t trace_id)
{
	for (size_t i = 0; i < recordings->count; i++) {
		if (recordings->list[i].header->trace_id == trace_id) {
			return &recordings->list[i];
		}
	}
	return NULL;
}
