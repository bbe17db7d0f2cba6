/* SPDX-License-Identifier: MIT */
#ifndef VGT_CAPTURE_START_H
#define VGT_CAPTURE_START_H

#include "vgt_capsets.h"
#include "vgt_capture.h"

/*
 * How the environment steers a recording; `vgt record` sets it:
 *
 *   VGT_CAPTURE_FILE        the trace to create; %p is the process id, %% a percent sign.
 *                           Where the file exists, -PID is put before its suffix. Unset or
 *                           empty: nothing is recorded that nobody else asks for.
 *   VGT_CAPTURE_RING_DIR    directory of the ring instead of /dev/shm
 *   VGT_CAPTURE_RING_SIZE   bytes of the ring
 *   VGT_CAPTURE_FRAMES      recording ends after so many frames
 *   VGT_CAPTURE_MAX_SIZE    recording ends before the file has more bytes
 *   VGT_CAPTURE_SUBJECT     whose stream it is, where the process is a server for another
 *   VGT_CAPTURE_NO_CMDLINE  set: the command line is left out of the trace
 *   VGT_CAPTURE_CAPSET      a trace of a weaker host: the guest is offered no more than that
 * has, recorded or not
 */

/* Ring and limits. */
void capture_options_from_environment(struct vgt_capture_options *options);

#define CAPTURE_PATH_MAX 4200

/*
 * Starts a recording in VGT_CAPTURE_FILE, which must be set: options->path is ignored. `path`
 * is the name that the trace got, or that could not be created.
 */
struct vgt_capture *capture_start_from_environment(
	struct vgt_capture_options options, char path[CAPTURE_PATH_MAX], struct vgt_err *err);

/*
 * Reads what VGT_CAPTURE_CAPSET names into *weaker, which stays empty where it is unset or
 * empty. Returns whether the guest is to be offered less, or, with a reason in err, could not
 * be read. The caller frees *weaker.
 */
enum capture_offer {
	CAPTURE_OFFER_ALL,
	CAPTURE_OFFER_LESS,
	CAPTURE_OFFER_UNKNOWN,
};
enum capture_offer capture_offer_from_environment(
	struct vgt_capsets *weaker, struct vgt_err *err);

#endif
