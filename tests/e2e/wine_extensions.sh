#!/bin/bash
# SPDX-License-Identifier: MIT
# What OpenGL offers a Windows program through the ICD is what virgl offers a Linux program on the same host: version,
# GLSL version and extensions, of the compatibility and the core profile. WGL's own extensions are those that are
# explained here.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. "$(dirname "$0")/wine/lib.sh"

make_rig
flags=(-std=c11 -O2 -Wall -Wextra -Wshadow)
expect_exit 0 "$gcc" "${flags[@]}" -static -o "$TMP/run/extensions.exe" tests/e2e/wine/extensions.c -lopengl32 -lgdi32
# shellcheck disable=SC2046
expect_exit 0 cc "${flags[@]}" -o "$TMP/extensions" tests/e2e/wine/extensions.c $(pkg-config --cflags --libs sdl2 gl)

# windows_offers [VARIABLE=VALUE...]: into $TMP/windows, what is WGL's into $TMP/wgl
windows_offers() {
	record "$TMP/windows.vgt" "$@" "$wine" extensions.exe
	rm "$TMP/windows.vgt"
	expect_stdout_match '^renderer: virgl ' cat "$TMP/err"
	expect_stdout 0 cat "$TMP/status"
	tr -d '\r' <"$TMP/out" | sort >"$TMP/all"
	grep '^WGL ' "$TMP/all" >"$TMP/wgl"
	grep -v '^WGL ' "$TMP/all" >"$TMP/windows"
}

# What Mesa's WGL frontend offers with any driver, and what GLX on Linux calls the same. GLX has more, which the frontend
# lacks: sRGB and floating-point formats of windows, contexts without error checks or without a flush when they are
# released, the age of a back buffer, swap intervals below 0, textures from pixmaps, counters of the display's frames.
wgl_explained() {
	cat <<-EOF
		WGL_ARB_create_context GLX_ARB_create_context
		WGL_ARB_create_context_profile GLX_ARB_create_context_profile
		WGL_ARB_create_context_robustness GLX_ARB_create_context_robustness
		WGL_ARB_extensions_string part of GLX 1.1
		WGL_ARB_make_current_read part of GLX 1.3
		WGL_ARB_multisample GLX_ARB_multisample
		WGL_ARB_pbuffer part of GLX 1.3
		WGL_ARB_pixel_format part of GLX 1.3, framebuffer configurations
		WGL_ARB_render_texture of pbuffers: GLX does without, for there are framebuffer objects
		WGL_EXT_create_context_es2_profile GLX_EXT_create_context_es2_profile
		WGL_EXT_create_context_es_profile GLX_EXT_create_context_es_profile
		WGL_EXT_extensions_string part of GLX 1.1
		WGL_EXT_swap_control GLX_EXT_swap_control
	EOF
}

# shellcheck disable=SC2016
expect_exit 0 timeout 120 "$VGT" record --quiet --gl -o "$TMP/linux.vgt" -- \
	bash -c 'sort <("$0") >"$1"' "$TMP/extensions" "$TMP/linux"
expect_stderr_match '^renderer: virgl ' timeout 120 "$VGT" record --quiet --gl -o "$TMP/again.vgt" -- "$TMP/extensions"
expect_exit 0 test "$(grep -c '^core GL_' "$TMP/linux")" -gt 100

windows_offers
expect_exit 0 diff "$TMP/linux" "$TMP/windows"
expect_stdout "$(wgl_explained | sed 's/ .*//; s/^/WGL /')" cat "$TMP/wgl"

# positive controls: an extension less, another version of GLSL
windows_offers MESA_EXTENSION_OVERRIDE=-GL_EXT_texture_filter_anisotropic
expect_stdout $'compatibility GL_EXT_texture_filter_anisotropic\ncore GL_EXT_texture_filter_anisotropic' comm -23 "$TMP/linux" "$TMP/windows"
windows_offers MESA_GLSL_VERSION_OVERRIDE=420
expect_stdout_match '^> core GLSL: 4\.20$' diff "$TMP/linux" "$TMP/windows"
