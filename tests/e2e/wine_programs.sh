#!/bin/bash
# SPDX-License-Identifier: MIT
# Eight of the programs that `make check-wine` tries, of different kinds: threads that share, resizing, several colour
# buffers, accumulation, textures in shaders, multisampling, a core profile.
exec tests/wine_programs wglgears sharedtex_mt gears tests-drawbuffers redbook-accanti glsl-samplers glfw-msaa \
	freeglut-smooth_opengl3
