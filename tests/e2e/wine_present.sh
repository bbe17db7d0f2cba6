#!/bin/bash
# SPDX-License-Identifier: MIT
# Windows, pixel formats, contexts, threads and pbuffers of Windows programs: what is drawn is what the window shows and
# what the trace replays; and whatever a program is at when its device goes away, it neither hangs nor crashes.
# Needs what guest-icd/icd/build has built.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. tests/e2e/wine/lib.sh

# expect_cases COUNT: that many lines of wgl.exe say ok, and no other line is there
expect_cases() {
	expect_stdout "$1" grep -c '^ok ' "$TMP/out"
	expect_exit 1 grep -v '^ok ' "$TMP/out"
	expect_stdout 0 cat "$TMP/status"
	expect_exit 1 grep -e 'driver core' -e opengl32 "$TMP/err"
}

# expect_end N: where the device goes away at the Nth request, wgl.exe comes to its end, by itself
expect_end() {
	rm -f "$TMP"/{lost.vgt,out,status}
	record "$TMP/lost.vgt" VGT_DEVICE_LOST_AT="$1" timeout -k 5 60 "$wine" wgl.exe 2>/dev/null || true
	expect_stdout_match '^[01]$' cat "$TMP/status"
	expect_stdout_match '^(ok|FAIL) leave' cat "$TMP/out" "$TMP/err"
}

make_rig
keep_running
expect_exit 0 "$gcc" -std=c11 -O2 -Wall -Wextra -static -o "$TMP/run/wgl.exe" tests/e2e/wine/wgl.c -lopengl32 -lgdi32

expect_exit 0 record "$TMP/wgl.vgt" "$wine" wgl.exe
expect_cases 20

# positive control: a pixel that is drawn wrong is found in each case
record "$TMP/wrong.vgt" "$wine" wgl.exe --wrong 2>/dev/null || true
expect_stdout 1 cat "$TMP/status"
expect_stdout 20 grep -c '^FAIL ' "$TMP/out"
expect_exit 1 grep -v '^FAIL ' "$TMP/out"

# Each picture that a window was given is a frame, and the same; threads may be shown in another order than they are
# marked in. Not here: the last case, which is left while a thread draws, so that a picture may be marked and not shown,
# and the pictures of 16 bits, which fewer bits make equal in more ways than one.
expect_exit 0 record "$TMP/same.vgt" VGT_SHOWN="$TMP/shown" "$wine" wgl.exe double-buffer single-buffer front-buffer \
	resize no-size windows hopping sharing threads swap-elsewhere attribs pbuffer float-pbuffer multisample formats gdi \
	framebuffer-object gone
hashes "$TMP/same.vgt" >"$TMP/replayed"
expect_exit 0 test "$(sort -u "$TMP/shown" | wc -l)" -gt 50
expect_exit 0 cmp <(sort "$TMP/shown") <(sort "$TMP/replayed")
expect_exit 0 "$VGT" replay --quiet --verify "$TMP/same.vgt"

# the device goes away: before there is a screen, while contexts are made, in each case, in the middle of a picture
for number in 3 11 25 60 120 300 700 1200 2000; do
	expect_end "$number"
done

# The same through an opengl32.dll that does what Windows' own does: it finds the ICD in the registry and calls its
# Drv* functions. First without registration.
expect_exit 0 "$gcc" -std=c11 -O2 -Wall -Wextra -shared -static -o "$TMP/run/opengl32.dll" tests/e2e/wine/opengl32.c -lgdi32
record "$TMP/none.vgt" "$wine" wgl.exe 2>/dev/null || true
expect_stdout_match '^FAIL start: no pixel format' cat "$TMP/out"
cp "$icd/vgticd.reg" "$TMP/run"
rm -f "$TMP/none.vgt"
record "$TMP/none.vgt" "$wine" reg import vgticd.reg 2>/dev/null || true
expect_stdout 0 cat "$TMP/status"
expect_exit 0 record "$TMP/driver.vgt" "$wine" wgl.exe
expect_cases 20
