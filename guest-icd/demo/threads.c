/* SPDX-License-Identifier: MIT */
/*
 * threads [FRAMES]: three threads, each with a window and a context of its own, draw at the
 * same time. They share a texture, which the first has made before the others begin. Each
 * window has so many frames.
 */
#include "demo_window.h"

#include <GL/gl.h>

#define THREADS      3
#define WIDTH        200
#define TEXTURE_SIZE 32

struct painter {
	int number;
	long frames;
	GLuint texture;
	HGLRC share;   /* whose the texture is */
	HANDLE opened; /* set when there is a context, or there will be none */
	HANDLE begin;  /* set when all threads may draw */
	struct demo_window window;
};

static GLuint create_texture(void)
{
	static unsigned char texels[TEXTURE_SIZE][TEXTURE_SIZE][3];
	GLuint texture;

	for (int y = 0; y < TEXTURE_SIZE; y++) {
		for (int x = 0; x < TEXTURE_SIZE; x++) {
			texels[y][x][0] = (unsigned char)(x * 8);
			texels[y][x][1] = (unsigned char)(y * 8);
			texels[y][x][2] = (x ^ y) & 4 ? 255 : 0;
		}
	}
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB, TEXTURE_SIZE, TEXTURE_SIZE, 0, GL_RGB,
		GL_UNSIGNED_BYTE, texels);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	/* other contexts see it when it is there */
	glFinish();
	return texture;
}

/* A star of three to five beams. */
static void draw(const struct painter *painter, long frame)
{
	int beams = 3 + painter->number;

	glViewport(0, 0, painter->window.width, painter->window.height);
	glClearColor(0.1f * (float)painter->number, 0.1f, 0.15f, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glLoadIdentity();
	glRotatef((float)(frame * (painter->number + 1) % 360), 0, 0, 1);
	for (int i = 0; i < beams; i++) {
		glRotatef(360.0f / (float)beams, 0, 0, 1);
		glBegin(GL_TRIANGLES);
		glTexCoord2f(0, 0);
		glVertex2f(-0.3f, 0);
		glTexCoord2f(1, 0);
		glVertex2f(0.3f, 0);
		glTexCoord2f(0.5f, 1);
		glVertex2f(0, 0.9f);
		glEnd();
	}
}

static DWORD WINAPI paint(void *opaque)
{
	struct painter *painter = opaque;
	bool is_open = demo_open(&painter->window, "threads", painter->number * (WIDTH + 20),
		WIDTH, WIDTH, 0, painter->share);

	if (is_open && !painter->share) {
		painter->texture = create_texture();
	}
	SetEvent(painter->opened);
	if (!is_open) {
		return 1;
	}
	WaitForSingleObject(painter->begin, INFINITE);
	glBindTexture(GL_TEXTURE_2D, painter->texture);
	glEnable(GL_TEXTURE_2D);
	for (long frame = 0; frame < painter->frames && demo_next(&painter->window); frame++) {
		draw(painter, frame);
		demo_show(&painter->window);
	}
	demo_close(&painter->window);
	return 0;
}

int main(int argc, char **argv)
{
	static struct painter painters[THREADS];
	HANDLE threads[THREADS];
	DWORD failed, any_failed = 0;
	long frames = demo_frames(argc, argv);
	HANDLE begin = CreateEventA(NULL, TRUE, FALSE, NULL);

	/* one after the other, for the first context has the texture */
	for (int i = 0; i < THREADS; i++) {
		painters[i] = (struct painter){.number = i,
			.frames = frames,
			.texture = painters[0].texture,
			.share = painters[0].window.context,
			.opened = CreateEventA(NULL, TRUE, FALSE, NULL),
			.begin = begin};
		threads[i] = CreateThread(NULL, 0, paint, &painters[i], 0, NULL);
		WaitForSingleObject(painters[i].opened, INFINITE);
	}
	SetEvent(begin);
	WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
	for (int i = 0; i < THREADS; i++) {
		GetExitCodeThread(threads[i], &failed);
		any_failed |= failed;
	}
	return (int)any_failed;
}
