/* SPDX-License-Identifier: MIT */
/*
 * instances [FRAMES]: OpenGL 3.3 with shaders. A pattern is drawn into a texture by way of a
 * framebuffer object; then 64 instances of a square have it, each at a place and turned by an
 * angle of its own.
 */
#include "demo_window.h"

#include <GL/gl.h>

#include <GL/glext.h>

#include <stdio.h>
#include <stdlib.h>

#define TEXTURE_SIZE 128

static struct {
	PFNGLCREATESHADERPROC create_shader;
	PFNGLSHADERSOURCEPROC shader_source;
	PFNGLCOMPILESHADERPROC compile_shader;
	PFNGLGETSHADERIVPROC get_shader;
	PFNGLGETSHADERINFOLOGPROC get_shader_log;
	PFNGLCREATEPROGRAMPROC create_program;
	PFNGLATTACHSHADERPROC attach_shader;
	PFNGLLINKPROGRAMPROC link_program;
	PFNGLUSEPROGRAMPROC use_program;
	PFNGLGETUNIFORMLOCATIONPROC get_uniform_location;
	PFNGLUNIFORM1FPROC uniform;
	PFNGLGENVERTEXARRAYSPROC gen_vertex_arrays;
	PFNGLBINDVERTEXARRAYPROC bind_vertex_array;
	PFNGLGENFRAMEBUFFERSPROC gen_framebuffers;
	PFNGLBINDFRAMEBUFFERPROC bind_framebuffer;
	PFNGLFRAMEBUFFERTEXTURE2DPROC framebuffer_texture;
	PFNGLGENERATEMIPMAPPROC generate_mipmap;
	PFNGLDRAWARRAYSINSTANCEDPROC draw_instances;
} gl;

static void find_functions(void)
{
	static const char *const names[] = {"glCreateShader", "glShaderSource",
		"glCompileShader", "glGetShaderiv", "glGetShaderInfoLog", "glCreateProgram",
		"glAttachShader", "glLinkProgram", "glUseProgram", "glGetUniformLocation",
		"glUniform1f", "glGenVertexArrays", "glBindVertexArray", "glGenFramebuffers",
		"glBindFramebuffer", "glFramebufferTexture2D", "glGenerateMipmap",
		"glDrawArraysInstanced"};
	PROC functions[sizeof(names) / sizeof(names[0])];

	_Static_assert(sizeof(functions) == sizeof(gl), "a name for each function");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		functions[i] = demo_function(names[i]);
	}
	memcpy(&gl, functions, sizeof(gl));
}

/* A square over all of the picture. */
static const char pattern_vertex[] =
	"#version 330\n"
	"out vec2 place;\n"
	"void main() {\n"
	"	place = vec2(gl_VertexID % 2, gl_VertexID / 2) * 2.0 - 1.0;\n"
	"	gl_Position = vec4(place, 0.0, 1.0);\n"
	"}\n";

/* Rings that run outwards. */
static const char pattern_fragment[] =
	"#version 330\n"
	"in vec2 place;\n"
	"out vec4 color;\n"
	"uniform float time;\n"
	"void main() {\n"
	"	float ring = step(0.5, fract(length(place) * 3.0 - time));\n"
	"	color = vec4(mix(vec3(0.1, 0.2, 0.5), vec3(1.0, 0.8, 0.2), ring), 1.0);\n"
	"}\n";

/* 8 by 8 squares, of which each turns the other way round than those beside it. */
static const char squares_vertex[] =
	"#version 330\n"
	"out vec2 texture_place;\n"
	"flat out int number;\n"
	"uniform float time;\n"
	"void main() {\n"
	"	ivec2 cell = ivec2(gl_InstanceID % 8, gl_InstanceID / 8);\n"
	"	float angle = ((cell.x + cell.y) % 2 * 2 - 1) * time * 6.2831853 / 4.0;\n"
	"	mat2 turn = mat2(cos(angle), sin(angle), -sin(angle), cos(angle));\n"
	"	texture_place = vec2(gl_VertexID % 2, gl_VertexID / 2);\n"
	"	number = gl_InstanceID;\n"
	"	vec2 corner = turn * (texture_place - 0.5) * 0.19;\n"
	"	gl_Position = vec4(corner + (vec2(cell) - 3.5) * 0.24, 0.0, 1.0);\n"
	"}\n";

static const char squares_fragment[] =
	"#version 330\n"
	"in vec2 texture_place;\n"
	"flat in int number;\n"
	"out vec4 color;\n"
	"uniform sampler2D pattern;\n"
	"void main() {\n"
	"	float share = float(number) / 63.0;\n"
	"	color = texture(pattern, texture_place) * vec4(1.0, share, 1.0 - share, 1.0);\n"
	"}\n";

static void attach_shader(GLuint program, GLenum type, const char *source)
{
	GLuint shader = gl.create_shader(type);
	GLint compiled = 0;
	char log[1000] = "";

	gl.shader_source(shader, 1, &source, NULL);
	gl.compile_shader(shader);
	gl.get_shader(shader, GL_COMPILE_STATUS, &compiled);
	if (!compiled) {
		gl.get_shader_log(shader, sizeof(log), NULL, log);
		fprintf(stderr, "instances: a shader: %s\n", log);
		exit(1);
	}
	gl.attach_shader(program, shader);
}

struct program {
	GLuint name;
	GLint time; /* the uniform of both */
};

static struct program create_program(const char *vertex, const char *fragment)
{
	struct program program = {.name = gl.create_program()};

	attach_shader(program.name, GL_VERTEX_SHADER, vertex);
	attach_shader(program.name, GL_FRAGMENT_SHADER, fragment);
	gl.link_program(program.name);
	program.time = gl.get_uniform_location(program.name, "time");
	return program;
}

struct scene {
	struct program pattern, squares;
	GLuint framebuffer;
};

/* The texture stays bound. */
static struct scene create_scene(void)
{
	struct scene scene = {
		.pattern = create_program(pattern_vertex, pattern_fragment),
		.squares = create_program(squares_vertex, squares_fragment),
	};
	GLuint texture, vertices;

	/* the shaders need no vertices, but the core profile an array */
	gl.gen_vertex_arrays(1, &vertices);
	gl.bind_vertex_array(vertices);
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, TEXTURE_SIZE, TEXTURE_SIZE, 0, GL_RGBA,
		GL_UNSIGNED_BYTE, NULL);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR_MIPMAP_LINEAR);
	gl.gen_framebuffers(1, &scene.framebuffer);
	gl.bind_framebuffer(GL_FRAMEBUFFER, scene.framebuffer);
	gl.framebuffer_texture(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
	return scene;
}

static void draw(const struct demo_window *window, const struct scene *scene, long frame)
{
	float time = (float)(frame % 240) / 60;

	gl.bind_framebuffer(GL_FRAMEBUFFER, scene->framebuffer);
	glViewport(0, 0, TEXTURE_SIZE, TEXTURE_SIZE);
	gl.use_program(scene->pattern.name);
	gl.uniform(scene->pattern.time, time);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	gl.generate_mipmap(GL_TEXTURE_2D);

	gl.bind_framebuffer(GL_FRAMEBUFFER, 0);
	glViewport(0, 0, window->width, window->height);
	glClearColor(0.1f, 0.1f, 0.1f, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	gl.use_program(scene->squares.name);
	gl.uniform(scene->squares.time, time);
	gl.draw_instances(GL_TRIANGLE_STRIP, 0, 4, 64);
}

int main(int argc, char **argv)
{
	long frames = demo_frames(argc, argv);
	struct demo_window window;
	struct scene scene;

	if (!demo_open(&window, "instances", 0, 320, 320, 33, NULL)) {
		return 1;
	}
	find_functions();
	scene = create_scene();
	for (long frame = 0; frame < frames && demo_next(&window); frame++) {
		draw(&window, &scene, frame);
		demo_show(&window);
	}
	demo_close(&window);
	return 0;
}
