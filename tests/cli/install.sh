#!/bin/bash
# SPDX-License-Identifier: MIT
# make install: what is installed works from where it was put, a program can be built against
# libvgt-capture with pkg-config, and uninstall leaves no file behind.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
prefix=$TMP/prefix
unset MAKEFLAGS MAKELEVEL

# QEMU's modules are installed where host-capture/qemu/build has made some.
modules=build/qemu/$(printf '%040d' $$)
cli_at_end='remove_modules'
remove_modules() {
	rm -f "$modules/module.so"
	[ ! -d "$modules" ] || rmdir --ignore-fail-on-non-empty "$modules" build/qemu
}
mkdir -p "$modules"
echo module >"$modules/module.so"

expect_exit 0 make -s install PREFIX="$prefix"
expect_stdout_match '^vgt 0' "$prefix/bin/vgt" --version
expect_stdout module cat "$prefix/lib/vgt/${modules#build/}/module.so"
expect_exit 0 env LIBGL_ALWAYS_SOFTWARE=1 "$prefix/bin/vgt" replay --quiet --frames 0 traces/gears.vgt

cat >"$TMP/program.c" <<'C'
#include <vgt_capture.h>
#include <vgt_device.h>
int main(int argc, char **argv)
{
	struct vgt_capture_options options = {.path = argv[argc - 1]};
	struct vgt_capture *capture = vgt_capture_create(&options, 0);
	vgt_capture_mark(capture, "hello");
	vgt_device_destroy(0);
	return !capture || !vgt_capture_destroy(capture, 0);
}
C
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
# shellcheck disable=SC2046
expect_exit 0 cc "$TMP/program.c" $(pkg-config --cflags --libs vgt-capture) -o "$TMP/program"
expect_exit 0 "$TMP/program" "$TMP/own.vgt"
expect_stdout_match '^MARK  *1$' "$prefix/bin/vgt" info "$TMP/own.vgt"

expect_exit 0 make -s uninstall PREFIX="$prefix"
expect_stdout '' find "$prefix" -type f
