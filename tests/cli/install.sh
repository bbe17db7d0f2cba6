#!/bin/bash
# SPDX-License-Identifier: MIT
# make install: what is installed works from where it was put, and from where it was moved to, a program can be
# built against libvgt-capture with pkg-config, and uninstall leaves what was there before, no more and no less.
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

# Others have files there, and empty directories.
mkdir -p "$prefix/share/man/man1" "$prefix/include" "$prefix/lib/others"
echo page >"$prefix/share/man/man1/other.1"
before=$(cd "$prefix" && find . | sort)

expect_exit 0 make -s install PREFIX="$prefix"
(umask 077 && expect_exit 0 make -s install PREFIX="$prefix")
expect_stdout '' find "$prefix" -type f ! -name made-directories ! -path '*/vgt/qemu/*' ! -perm -444
expect_stdout_match '^vgt 0' "$prefix/bin/vgt" --version
expect_stdout module cat "$prefix/lib/vgt/${modules#build/}/module.so"
expect_exit 0 env LIBGL_ALWAYS_SOFTWARE=1 "$prefix/bin/vgt" replay --quiet --frames 0 traces/gears.vgt
for file in man/man1/vgt.1 man/man1/vgt-replay.1 man/man5/vgt-trace.5 bash-completion/completions/vgt \
	doc/vgt/FORMAT.md doc/vgt/ESCAPE.md doc/vgt/README.md doc/vgt/LICENSE; do
	expect_exit 0 test -s "$prefix/share/$file"
done

# What the installed texts link to is there.
links() { # DIRECTORY
	(cd "$1" && grep -o '](\([^):#]*\))' -r . | sed 's/.*](\(.*\))$/\1/')
}
linked=$(links "$prefix/share/doc/vgt" | sort -u)
expect_equal "installed links" '../../../include/vgt/vgt_capture.h
../../../include/vgt/vgt_device.h
ESCAPE.md
FORMAT.md
qemu.md' "$linked"
for link in $linked; do
	expect_exit 0 test -s "$prefix/share/doc/vgt/$link"
done

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
expect_stdout_match '^marks  *@0 hello$' "$prefix/bin/vgt" info "$TMP/own.vgt"

expect_exit 0 make -s uninstall PREFIX="$prefix"
expect_equal "what uninstall leaves" "$before" "$(cd "$prefix" && find . | sort)"
expect_exit 0 make -s uninstall PREFIX="$prefix" # again: nothing to do
expect_equal "what uninstall leaves" "$before" "$(cd "$prefix" && find . | sort)"

# What it made itself goes, the prefix too; libraries elsewhere below the prefix are found from there.
other=(PREFIX="$TMP/new/prefix" LIBDIR="$TMP/new/prefix/lib/triplet")
cli_at_end='restore'
restore() {
	remove_modules
	make -s all
}
expect_exit 0 make -s install "${other[@]}"
mv "$TMP/new/prefix" "$TMP/new/moved"
expect_exit 0 env LIBGL_ALWAYS_SOFTWARE=1 "$TMP/new/moved/bin/vgt" replay --quiet --frames 0 traces/gears.vgt
expect_stderr_match 'cannot open a window: DISPLAY is not set' \
	env -u DISPLAY "$TMP/new/moved/bin/vgt" replay --window traces/gears.vgt
rm "$TMP/new/moved/lib/triplet/vgt/vgt-player"
expect_stderr_match 'not found in .*/moved/bin or .*/moved/bin/../lib/triplet/vgt$' \
	"$TMP/new/moved/bin/vgt" replay --frames 0 traces/gears.vgt
mv "$TMP/new/moved" "$TMP/new/prefix"
expect_exit 0 make -s uninstall "${other[@]}"
expect_stdout '' ls -A "$TMP/new"
stage="$TMP/odd|[st]*age.&\\1 \$HOME"
expect_exit 0 make -s install "${other[@]}" DESTDIR="${stage//\$/\$\$}"
expect_exit 0 test -x "$stage${other[0]#*=}/bin/vgt"
expect_exit 0 make -s uninstall "${other[@]}" DESTDIR="${stage//\$/\$\$}"
expect_stdout '' ls -A "$stage"

# Where a directory cannot be made, nothing is installed.
mkdir -p "$TMP/blocked/share"
echo file >"$TMP/blocked/share/bash-completion"
expect_exit 2 make -s install PREFIX="$TMP/blocked" LIBDIR="$TMP/blocked/lib/triplet"
cp "$TMP/.stderr" "$TMP/why"
expect_stdout_match "cannot .*directory.*bash-completion" cat "$TMP/why"
expect_stdout '' find "$TMP/blocked" -name 'vgt?*' -o -name '*.1'
