/* SPDX-License-Identifier: MIT */
/*
 * Frames of a colour of their own, each read back before it is shown: lost COUNT. Where the
 * device goes away meanwhile, a picture is an error or right, never an old one. Prints how many
 * frames were right and shown, refused by glReadPixels, refused by SwapBuffers; 1 where one was
 * wrong.
 */
#include <windows.h>

#include <GL/gl.h>

#include <stdio.h>
#include <stdlib.h>

#define SIDE 64

static HDC dc;

static int make_context(void)
{
	const PIXELFORMATDESCRIPTOR wanted = {.nSize = sizeof(wanted),
		.nVersion = 1,
		.dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
		.cColorBits = 24};
	HWND window = CreateWindowA(
		"static", "lost", WS_POPUP, 0, 0, SIDE, SIDE, NULL, NULL, NULL, NULL);

	dc = GetDC(window);
	int format = ChoosePixelFormat(dc, &wanted);
	return format && SetPixelFormat(dc, format, &wanted) &&
	       wglMakeCurrent(dc, wglCreateContext(dc));
}

static int has_colour(const GLubyte *pixels, GLubyte red, GLubyte green)
{
	for (int i = 0; i < SIDE * SIDE; i++) {
		if (pixels[4 * i] != red || pixels[4 * i + 1] != green) {
			return 0;
		}
	}
	return 1;
}

int main(int argc, char **argv)
{
	static GLubyte pixels[4 * SIDE * SIDE];
	int count = argc == 2 ? atoi(argv[1]) : 0;
	int right = 0, unread = 0, unshown = 0, wrong = 0;

	if (count <= 0 || !make_context()) {
		fprintf(stderr, "usage: lost COUNT, with OpenGL\n");
		return 2;
	}
	for (int i = 1; i <= count; i++) {
		GLubyte red = (GLubyte)(i % 256), green = (GLubyte)(255 - i % 256);
		glClearColor(red / 255.0f, green / 255.0f, 0, 1);
		glClear(GL_COLOR_BUFFER_BIT);
		glReadPixels(0, 0, SIDE, SIDE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
		int read = glGetError() == GL_NO_ERROR;
		int shown = SwapBuffers(dc);
		unread += !read;
		unshown += !shown;
		wrong += read && !has_colour(pixels, red, green);
		right += read && shown;
	}
	printf("%d right, %d unread, %d unshown, %d wrong\n", right, unread, unshown, wrong);
	return wrong > 0;
}
