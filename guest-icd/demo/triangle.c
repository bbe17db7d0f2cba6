/* SPDX-License-Identifier: MIT */
/*
 * triangle [FRAMES]: a triangle that turns in a window, what the proof of concept of 2017 drew.
 * Each frame is turned by a degree, whatever the time, so that all runs draw the same; so it is
 * with the other demonstrations. Ends after so many frames, or when its window is closed.
 */
#include "demo_window.h"

#include <GL/gl.h>

static void draw(const struct demo_window *window, long frame)
{
	glViewport(0, 0, window->width, window->height);
	glClearColor(0.1f, 0.1f, 0.2f, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glLoadIdentity();
	glRotatef((float)(frame % 360), 0, 0, 1);
	glBegin(GL_TRIANGLES);
	glColor3f(1, 0, 0);
	glVertex2f(0, 0.8f);
	glColor3f(0, 1, 0);
	glVertex2f(-0.7f, -0.4f);
	glColor3f(0, 0, 1);
	glVertex2f(0.7f, -0.4f);
	glEnd();
}

int main(int argc, char **argv)
{
	long frames = demo_frames(argc, argv);
	struct demo_window window;

	if (!demo_open(&window, "triangle", 0, 320, 240, 0, NULL)) {
		return 1;
	}
	for (long frame = 0; frame < frames && demo_next(&window); frame++) {
		draw(&window, frame);
		demo_show(&window);
	}
	demo_close(&window);
	return 0;
}
