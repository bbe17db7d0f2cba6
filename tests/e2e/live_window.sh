#!/bin/bash
# The pixels of the live window are those of the replayed frame: a windowed program is recorded, stopped
# in mid-run, and what its X server shows is compared with the last frames of the trace.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

for program in Xvfb virgl_test_server glxgears pgrep xwdtopnm pnmtopng; do
	command -v "$program" >/dev/null || skip "$program is missing (make check-all installs it)"
done

Xvfb -displayfd 5 -fbdir "$TMP" -screen 0 640x480x24 -nolisten tcp 5>"$TMP/display" 2>/dev/null &
x=$!
cli_at_end="kill $x"
for ((i = 0; i < 100; i++)); do
	[ -s "$TMP/display" ] && break
	sleep 0.1
done
DISPLAY=:$(cat "$TMP/display")
export DISPLAY

"$VGT" record --quiet -o "$TMP/live.vgt" --gl -- glxgears -geometry 300x300+40+30 >/dev/null 2>"$TMP/err" &
record=$!
sleep 3
gears=$(pgrep -P "$record" -x glxgears || true)
expect_exit 0 [ -n "$gears" ]
# stopped, it presents nothing more; the X server finishes what it was sent
kill -STOP "$gears"
sleep 1
cp "$TMP/Xvfb_screen0" "$TMP/screen.xwd"
kill -KILL "$gears"
wait "$record" || true

xwdtopnm "$TMP/screen.xwd" 2>/dev/null | pnmcut 40 30 300 300 | pnmtopng >"$TMP/window.png" 2>/dev/null
expect_exit 0 [ -s "$TMP/window.png" ]
frames=$("$VGT" info --json "$TMP/live.vgt" | sed -n 's/.*"frames": *\([0-9]*\).*/\1/p' | head -1)
expect_exit 0 [ "$frames" -gt 10 ]
expect_exit 0 "$VGT" replay --quiet --frames "$((frames - 2))-" --out "$TMP/frames" "$TMP/live.vgt"

# the program may have been stopped between reading its last frame back and showing it
same=
for frame in "$TMP"/frames/*.png; do
	"$VGT" compare -q "$TMP/window.png" "$frame" >/dev/null 2>&1 && same=$frame
done
expect_exit 0 [ -n "$same" ]

# positive control: a frame long before is another picture
expect_exit 0 "$VGT" replay --quiet --frames 0 --out "$TMP/first" "$TMP/live.vgt"
expect_exit 1 "$VGT" compare -q "$TMP/window.png" "$TMP/first/frame-0000.png"
