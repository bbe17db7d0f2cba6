/* SPDX-License-Identifier: MIT */
#ifndef VGT_WINE_PRESENT_H
#define VGT_WINE_PRESENT_H

/*
 * The rig's StretchDIBits(), by which the ICD gives its pictures to windows. Those that
 * vgticd.dll gives, and only they, are counted, whatever their format. In the environment:
 *
 *   VGT_SHOWN=FILE  a line for each: width, "x", height, and the hash that `vgt replay` prints
 *                   of the same picture
 *   VGT_FRAMES=N    ends the program by ExitProcess(0) as soon as the Nth has been shown
 *   VGT_TIMES=FILE  at the end of the program "PICTURES SECONDS", from when the first had been
 *                   shown until the last had
 *   VGT_REDRAW=1    a window is told to draw itself again when it has been shown a picture, as
 * if it had been covered, for programs that draw only then
 *
 * Any number of threads and windows; the lines are in the order in which the pictures were
 * shown.
 */

/* When the process ends and no other thread runs any more. */
void present_end(void);

#endif
