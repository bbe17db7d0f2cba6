/* SPDX-License-Identifier: MIT */
/*
 * cube [FRAMES]: a cube with a texture, lit from the side; OpenGL 1.1 with its matrices,
 * display lists and lights.
 */
#include "demo_window.h"

#include <GL/gl.h>

#define TEXTURE_SIZE 64

/* A frame around squares of two colours. */
static void create_texture(void)
{
	static unsigned char texels[TEXTURE_SIZE][TEXTURE_SIZE][3];

	for (int y = 0; y < TEXTURE_SIZE; y++) {
		for (int x = 0; x < TEXTURE_SIZE; x++) {
			bool is_frame = x < 4 || y < 4 || x >= TEXTURE_SIZE - 4 ||
					y >= TEXTURE_SIZE - 4;
			bool is_odd = (x / 8 + y / 8) % 2;
			texels[y][x][0] = is_frame ? 255 : is_odd ? 230 : 60;
			texels[y][x][1] = is_frame ? 255 : is_odd ? 120 : 110;
			texels[y][x][2] = is_frame ? 255 : is_odd ? 40 : 200;
		}
	}
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB, TEXTURE_SIZE, TEXTURE_SIZE, 0, GL_RGB,
		GL_UNSIGNED_BYTE, texels);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
	glEnable(GL_TEXTURE_2D);
}

/* The face in front; the others are turned from there. */
static void draw_face(void)
{
	glNormal3f(0, 0, 1);
	glBegin(GL_QUADS);
	glTexCoord2f(0, 0);
	glVertex3f(-1, -1, 1);
	glTexCoord2f(1, 0);
	glVertex3f(1, -1, 1);
	glTexCoord2f(1, 1);
	glVertex3f(1, 1, 1);
	glTexCoord2f(0, 1);
	glVertex3f(-1, 1, 1);
	glEnd();
}

static GLuint create_cube(void)
{
	GLuint list = glGenLists(1);

	glNewList(list, GL_COMPILE);
	for (int face = 0; face < 4; face++) {
		draw_face();
		glRotatef(90, 0, 1, 0);
	}
	glRotatef(90, 1, 0, 0);
	draw_face();
	glRotatef(180, 1, 0, 0);
	draw_face();
	glEndList();
	return list;
}

static GLuint start(void)
{
	static const float light_from[] = {2, 3, 4, 0}, ambient[] = {0.3f, 0.3f, 0.3f, 1};

	create_texture();
	glEnable(GL_DEPTH_TEST);
	glEnable(GL_CULL_FACE);
	glEnable(GL_LIGHTING);
	glEnable(GL_LIGHT0);
	glLightfv(GL_LIGHT0, GL_POSITION, light_from);
	glLightModelfv(GL_LIGHT_MODEL_AMBIENT, ambient);
	return create_cube();
}

static void draw(const struct demo_window *window, GLuint cube, long frame)
{
	double aspect = window->height ? (double)window->width / window->height : 1;

	glViewport(0, 0, window->width, window->height);
	glMatrixMode(GL_PROJECTION);
	glLoadIdentity();
	glFrustum(-aspect, aspect, -1, 1, 2, 20);
	glMatrixMode(GL_MODELVIEW);
	glLoadIdentity();
	glTranslatef(0, 0, -5);
	glRotatef((float)(3 * frame % 360), 0, 1, 0);
	glRotatef((float)(2 * frame % 360), 1, 0, 0);
	glClearColor(0.05f, 0.05f, 0.1f, 1);
	glClear(GL_COLOR_BUFFER_BIT | GL_DEPTH_BUFFER_BIT);
	glCallList(cube);
}

int main(int argc, char **argv)
{
	long frames = demo_frames(argc, argv);
	struct demo_window window;
	GLuint cube;

	if (!demo_open(&window, "cube", 0, 320, 240, 0, NULL)) {
		return 1;
	}
	cube = start();
	for (long frame = 0; frame < frames && demo_next(&window); frame++) {
		draw(&window, cube, frame);
		demo_show(&window);
	}
	demo_close(&window);
	return 0;
}
