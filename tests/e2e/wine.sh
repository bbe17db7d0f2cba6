#!/bin/bash
# SPDX-License-Identifier: MIT
# A Windows program under Wine draws through the ICD, the escape ABI and the driver core, is recorded, and what its
# window was given is what the trace replays. Needs what guest-icd/icd/build has built.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

wine=/usr/lib/wine/wine64
gcc=x86_64-w64-mingw32-gcc-posix
icd=build/icd/x86_64
frames=40

for program in Xvfb virgl_test_server "$wine" "$gcc"; do
	command -v "$program" >/dev/null || skip "$program is missing (make check-all installs it)"
done
for file in vgticd.dll opengl32.dll icdinfo.exe; do
	[ -e "$icd/$file" ] || skip "there is no $icd/$file: guest-icd/icd/build makes it, in 20 minutes"
done
use_plain_libraries

# A prefix takes half a minute and 700 MB, so it is kept; what is tried is beside the programs, not in there.
make_prefix() {
	local cache

	cache=${XDG_CACHE_HOME:-$HOME/.cache}/vgt/wine-$("$wine" --version)
	mkdir -p "$cache"
	export WINEPREFIX=$cache/prefix WINEARCH=win64 WINEDEBUG=-all
	(
		flock 9
		[ ! -e "$cache/made" ] || exit 0
		rm -rf "$WINEPREFIX"
		WINEDLLOVERRIDES='mscoree,mshtml=' timeout 300 "$wine" wineboot -i 9>&-
		touch "$cache/made"
	) 9>"$cache/lock" >"$TMP/wineboot" 2>&1 || fail_prefix
}

fail_prefix() {
	cat "$TMP/wineboot" >&2
	exit 1
}

# record TRACE [VARIABLE=VALUE...] PROGRAM [ARGUMENT...]: the program's output goes to $TMP/out and $TMP/err, its exit
# status to $TMP/status. Wine's own OpenGL must not draw on the server that is recorded.
record() {
	local trace=$1

	shift
	# shellcheck disable=SC2016
	(cd "$TMP/run" && unset DISPLAY && timeout -k 5 120 "$VGT" record --quiet --gl -o "$trace" -- \
		env -u GALLIUM_DRIVER -u LIBGL_ALWAYS_SOFTWARE -u LD_PRELOAD \
		WINEDLLOVERRIDES='gdi32,gdi32_w,opengl32=n,b;mscoree,mshtml=' \
		bash -c 'tmp=$1 && shift && env "$@" >"$tmp/out" 2>"$tmp/err"; echo $? >"$tmp/status"' bash "$TMP" "$@")
}

# hashes TRACE [OPTION...]: size and hash of each frame that is replayed
hashes() {
	"$VGT" replay --quiet "${@:2}" "$1" | awk '{print $4, $NF}'
}

make_prefix
expect_exit 0 tests/e2e/wine/build "$TMP/run"
cp "$icd"/{vgticd.dll,opengl32.dll,icdinfo.exe} "$TMP/run"
for source in guest-icd/demo/triangle.c tests/e2e/wine/queries.c; do
	expect_exit 0 "$gcc" -std=c11 -O2 -static -o "$TMP/run/$(basename "$source" .c).exe" "$source" -lopengl32 -lgdi32
done

# the ICD is the one in use, by way of the escape ABI, and what it draws is right
expect_exit 0 record "$TMP/info.vgt" "$wine" icdinfo.exe
tr -d '\r' <"$TMP/out" >"$TMP/info"
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^transport +d3dkmt$' cat "$TMP/info"
expect_stdout_match '^ICD .*\\vgticd\.dll$' cat "$TMP/info"
expect_stdout_match '^GL renderer +virgl ' cat "$TMP/info"
expect_stdout_match '^test triangle +right$' cat "$TMP/info"
# positive controls: the device goes away after its capset was read; there is no device
record "$TMP/lost.vgt" VGT_DEVICE_LOST_AT=20 "$wine" icdinfo.exe 2>/dev/null || true
expect_stdout 1 cat "$TMP/status"
expect_stdout_match 'wrong pixels' cat "$TMP/err"
record "$TMP/none.vgt" VGT_TRANSPORT=device "$wine" icdinfo.exe 2>/dev/null || true
expect_stdout 1 cat "$TMP/status"

# each picture that the window was given is a frame, and the same
expect_exit 0 record "$TMP/triangle.vgt" VGT_SHOWN="$TMP/shown" "$wine" triangle.exe "$frames"
expect_stdout 0 cat "$TMP/status"
expect_exit 1 grep 'driver core' "$TMP/err"
hashes "$TMP/triangle.vgt" >"$TMP/replayed"
expect_stdout "$frames" sh -c "sort -u '$TMP/shown' | wc -l"
expect_exit 0 cmp "$TMP/shown" "$TMP/replayed"
expect_exit 0 "$VGT" replay --quiet --verify "$TMP/triangle.vgt"
# positive control: without the triangle no frame is the window's
hashes "$TMP/triangle.vgt" --drop=draws >"$TMP/without"
expect_stdout "$frames" sh -c "wc -l <'$TMP/without'"
expect_exit 1 grep -q -x -F -f "$TMP/shown" "$TMP/without"

# a device that goes away ends the waits for its queries, and programs that ask are told of it
expect_exit 0 record "$TMP/queries.vgt" "$wine" queries.exe 60
expect_stdout_match '^60 of 60, no reset' cat "$TMP/out"
expect_exit 0 record "$TMP/gone.vgt" VGT_DEVICE_LOST_AT=200 timeout 60 "$wine" queries.exe 60
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^([1-9]|[1-5][0-9]) of 60, a reset' cat "$TMP/out"
