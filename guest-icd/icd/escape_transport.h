/* SPDX-License-Identifier: MIT */
#ifndef VGT_ESCAPE_TRANSPORT_H
#define VGT_ESCAPE_TRANSPORT_H

#include "vgt_escape.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The ways from a Windows program to the escape driver: ESCAPE.md, "Transports". Each transport
 * is one client of the driver or, with D3DKMTEscape, the client that this process has there.
 */

struct escape_transport {
	const char *name; /* "d3dkmt" or "device" */
	char where[160];  /* which adapter or device, for people */
	/* Carries the request in `buffer` there and its answer back. False where the system
	   says that it was not; then the buffer may be as it was. Any number of threads. */
	bool (*escape)(struct escape_transport *transport, void *buffer, uint32_t size);
	void (*close)(struct escape_transport *transport); /* frees it, too */
};

/*
 * The first driver that answers GET_VERSION with a version that we speak, and there 3D: of all
 * adapters of the system, then of all devices with the driver's interface. `name` is the only
 * transport to try, NULL or "" both. NULL: there is none.
 */
struct escape_transport *escape_transport_open(const char *name);
/* NULL is nothing. */
void escape_transport_close(struct escape_transport *transport);

/* The single ways, for escape_transport_open(). */
struct escape_transport *escape_d3dkmt_open(void);
struct escape_transport *escape_device_open(void);
/* Whether it is our driver that answers. */
bool escape_transport_answers(struct escape_transport *transport);

/*
 * Fills in the header of the request in `buffer`, which is `size` bytes of structure and data,
 * and carries it out. Returns the status; DEVICE_LOST, too, where no answer came back.
 */
enum vgt_escape_status escape_call(struct escape_transport *transport,
	enum vgt_escape_request request, uint32_t flags, void *buffer, uint32_t size);

#endif
