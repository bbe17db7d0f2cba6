/* SPDX-License-Identifier: MIT */
#ifndef VIRGL_ESCAPE_PUBLIC_H
#define VIRGL_ESCAPE_PUBLIC_H

struct pipe_screen;

/*
 * A screen of Mesa's virgl driver on a device that is reached by the escape ABI. The
 * environment variable VGT_TRANSPORT names the only transport to try. NULL: there is no driver
 * that answers, or its device has no virgl.
 *
 * Its flush_frontbuffer() takes an HDC as drawable: it reads the resource back and draws it
 * there.
 */
struct pipe_screen *virgl_escape_screen_create(void);

#endif
