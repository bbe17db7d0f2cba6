#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # lib.sh sets cli_status
# `vgt replay --window` on an X server of the test's own: what keys do, by the window's title, and that
# its pixels are those of the frames that are replayed without a window.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

for program in Xvfb xdotool xwdtopnm pnmcut pnmtopng; do
	command -v "$program" >/dev/null || skip "$program is missing (make check installs it)"
done
gears=$PWD/traces/gears.vgt
desktop=$PWD/traces/desktop.vgt
scanouts=$PWD/traces/scanouts.vgt
build=$(dirname "$VGT")
export LIBGL_ALWAYS_SOFTWARE=1
cd "$TMP"

# wait_for WHAT COMMAND...: until it succeeds.
wait_for() {
	local what=$1 until=$((SECONDS + 30))

	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || {
			echo "waited in vain for $what; the title is: $(title)"
			cat err
			exit 1
		} >&2
		sleep 0.02
	done
	cli_checks=$((cli_checks + 1))
}

Xvfb -displayfd 5 -fbdir "$TMP" -screen 0 1280x1024x24 -noreset -nolisten tcp 5>display 2>/dev/null &
x=$!
cli_at_end=end_all
player=
end_all() {
	# shellcheck disable=SC2086
	kill $player $x 2>/dev/null || true
	kill -CONT $x 2>/dev/null || true
	wait
}
wait_for "the X server" [ -s display ]
DISPLAY=:$(cat display)
export DISPLAY

# open ARGUMENT...: a replay in a window, in the background, its output in out and err.
open() {
	env --default-signal=INT "$VGT" replay --window "$@" >out 2>err &
	player=$!
	wait_for "a window" window_is_there
	wait_for "its focus" xdotool windowfocus "$window"
}
window_is_there() {
	window=$(xdotool search --onlyvisible --name '\.vgt' 2>/dev/null | tail -n 1)
	[ -n "$window" ]
}
window_is_gone() {
	! window_is_there
}

title() {
	xdotool getwindowname "$window" 2>/dev/null || true
}
title_is() {
	[[ $(title) =~ $1 ]]
}

# press KEY... REGEX: until the title is like this.
press() {
	local expected=${*: -1}

	xdotool key "${@:1:$#-1}"
	wait_for "'$expected' after ${*:1:$#-1}" title_is "$expected"
}

player_is_gone() {
	! kill -0 "$player" 2>/dev/null
}
# ended STATUS: the replay has ended by itself with this.
ended() {
	local status=0

	wait_for "its end" player_is_gone
	wait "$player" || status=$?
	player=
	[ "$1" = "$status" ] || cat err >&2
	expect_equal "exit status" "$1" "$status"
}

# What the X server shows of the window, as a PNG.
grab() {
	local X Y WIDTH HEIGHT

	eval "$(xdotool getwindowgeometry --shell "$window" | grep -E '^(X|Y|WIDTH|HEIGHT)=[0-9]+$')"
	xwdtopnm Xvfb_screen0 2>/dev/null | pnmcut "$X" "$Y" "$WIDTH" "$HEIGHT" |
		pnmtopng >"$1" 2>/dev/null
}
# shows N: the window has the pixels of this frame.
shows() {
	grab window.png
	expect_exit 0 "$VGT" compare "$(printf '%s/frame-%04d.png' frames "$1")" window.png
}

address() { # N
	awk -v n="$1" '$1 == "frame" && $2 == n { print $3 }' frames.txt
}

expect_exit 0 "$VGT" replay --out frames "$gears"
cp .stdout frames.txt

# All of it, then its last frame; a megabyte holds two.
open --window-memory 1 "$gears"
wait_for "the end" title_is "^gears\.vgt - frame 19/20 $(address 19) - paused - 1x$"
shows 19
# positive control
grab window.png
expect_exit 1 "$VGT" compare frames/frame-0018.png window.png

# Within the kept frames, and beyond them.
press Left "^gears\.vgt - frame 18/20 $(address 18) - paused"
shows 18
press Right "frame 19/20 .* paused"
shows 19
press Home "frame 0/20 $(address 0) - paused"
shows 0
press period "frame 1/20 .* paused"
shows 1
press comma "frame 0/20 .* paused"
shows 0
press Next "frame 10/20 .* paused"
shows 10
press Prior "frame 0/20 .* paused"
press End "frame 19/20 .* paused"
press Left Left Left "frame 16/20 .* paused"
shows 16

# Jumps.
press 1 3 "frame 16/20 .* - jump: 13_$"
press BackSpace "jump: 1_$"
press 2 "jump: 12_$"
press Return "frame 12/20 $(address 12) - paused - 1x$"
shows 12
press 9 9 9 Return "frame 19/20 .* paused - 1x$"
press 4 "jump: 4_$"
press Escape "frame 19/20 .* paused - 1x$"

# Speeds and pause: at an eighth of its pace, some of it is seen to go on.
press minus "paused - 1/2x$"
press minus minus minus "paused - 1/8x$"
press Home "frame 0/20 .* paused - 1/8x$"
press space "frame [1-9][0-9]*/20 @[0-9]+ - [0-9.]+ fps - 1/8x$"
press space "paused - 1/8x$"
press plus plus plus plus plus plus plus plus "paused - as fast as it can$"
press space "frame 19/20 .* paused"
press space "frame 19/20 .* paused" # from the first, and to the end again
press minus minus minus minus "1x$"

# Saved pictures are those of --out, and no file is written over.
press Home "frame 0/20 .* paused"
press 7 Return "frame 7/20 .* paused"
xdotool key s s
wait_for "two pictures" grep -q "wrote ./frame-0007-2.png$" err
expect_exit 0 grep -q "^vgt: $gears: wrote ./frame-0007.png$" err
for saved in frame-0007.png frame-0007-2.png; do
	expect_exit 0 "$VGT" compare frames/frame-0007.png $saved
	expect_exit 0 cmp frames/frame-0007.png $saved
done

# Larger, the picture keeps its shape and each of its pixels.
xdotool windowsize "$window" 640 480
grown() {
	grab window.png
	pngtopnm window.png | pnmcut 80 0 480 480 | pnmtopng 2>/dev/null >middle.png
	pngtopnm frames/frame-0007.png | pnmscale -nomix -xsize 480 -ysize 480 | pnmtopng 2>/dev/null >grown.png
	"$VGT" compare -q --max-pixels 3% grown.png middle.png >/dev/null 2>&1
}
wait_for "a larger picture" grown
press z "paused"
one_to_one() {
	grab window.png
	"$VGT" compare -q frames/frame-0007.png window.png >/dev/null 2>&1
}
wait_for "the picture as it is" one_to_one

# Full screen where no window manager is asked: all of it, and back, by f and by Escape.
covers() {
	grab window.png
	pngtopnm window.png | pnmcut 128 0 1024 1024 | pnmtopng 2>/dev/null >middle.png
	pngtopnm frames/frame-0007.png | pnmscale -nomix -xsize 1024 -ysize 1024 | pnmtopng 2>/dev/null >grown.png
	"$VGT" compare -q --max-pixels 3% grown.png middle.png >/dev/null 2>&1
}
for back in f Escape; do
	xdotool key f
	wait_for "full screen" covers
	xdotool key $back
	wait_for "the picture as it was" one_to_one
done

xdotool key h
wait_for "the keys" grep -q '^  space  *pause' err
press q "^$"
ended 0
expect_equal "lines of frames, each once" "$(sed 's/  frame-.*//' frames.txt)" "$(cat out)"

# A range; frames that are none by the rule; events for programs.
open --frames 3-5,8 --json --verify "$gears"
wait_for "the last of the range" title_is "frame 8/20 $(address 8) - paused"
press Left "frame 5/20 .* paused"
press 0 Return "frame 3/20 .* paused"
press 1 9 Return "frame 8/20 .* paused"
press Escape "^$"
ended 0
expect_equal "frames of the range" "3 4 5 8" \
	"$(sed -n 's/^{"event":"frame".*"number":\([0-9]*\),.*/\1/p' out | xargs)"
expect_exit 2 "$VGT" replay --window --frames 30- "$gears"
expect_stderr_match "there is no frame 30-: the trace has 20 frames$" "$VGT" replay --window --frames 30- "$gears"

# Where the number of frames is not known before the end.
open --frame=submit "$desktop"
wait_for "the end" title_is "^desktop\.vgt - frame [0-9]+/[0-9]+ @[0-9]+ - paused"
press Home "^desktop\.vgt - frame 0/"
press End "^desktop\.vgt - frame [1-9][0-9]*/.* - paused"
press q "^$"
ended 0

# A frame that was flushed has its scanout in the title.
open --frames 8-9 "$scanouts"
wait_for "the last of the range" title_is "^scanouts\.vgt - frame 9/14 @126 scanout 1 - paused"
press Left "frame 8/14 @126 scanout 0 - paused"
press q "^$"
ended 0

# A pipe is played once: what is not kept is gone, and that is told.
mkfifo pipe.vgt
cat "$gears" >pipe.vgt &
open --window-memory 1 pipe.vgt
wait_for "the end" title_is "^pipe\.vgt - frame 19/20 .* - paused"
press Left "frame 18/20 .* paused"
xdotool key Home
wait_for "a refusal" grep -q "frame 0 is not kept any more, and a pipe cannot be read again" err
press Right "frame 19/20 .* paused"
shows 19
press q "^$"
ended 0

# On the way to a last frame whose number nobody knows there is nothing to step back from.
mkfifo slow.vgt
exec 8<>slow.vgt
head -c 15000 "$gears" >&8
open --timeout 60 slow.vgt 8>&-
xdotool key End Left Prior
head -c -100 "$gears" | tail -c +15001 >&8
wait_for "the way to the end" title_is "^slow\.vgt - frame [0-9]+ @[0-9]+ - going to the last frame: at [0-9]+ - 1x$"
tail -c 100 "$gears" >&8
exec 8>&-
wait_for "the end" title_is "^slow\.vgt - frame 19/20 .* - paused"
press q "^$"
ended 0

# A display that does not answer is no renderer that hangs.
kill -STOP $x
expect_stderr "vgt: $gears: the display of the window does not answer" \
	timeout 30 "$VGT" replay --quiet --window --timeout 1 "$gears"
expect_equal "status of a display that hangs" 2 "$cli_status"
kill -CONT $x

# Ctrl-C.
open "$gears"
kill -INT "$player"
ended 130
wait_for "the window to go" window_is_gone

# Without SDL, and without the library that uses it, all goes but the window.
mkdir no-sdl
touch no-sdl/libSDL2-2.0.so.0
expect_stderr "vgt: $gears: cannot open a window: no-sdl/libSDL2-2.0.so.0: file too short: \
apt install libsdl2-2.0-0" env LD_LIBRARY_PATH=no-sdl "$VGT" replay --quiet --window "$gears"
expect_equal "status without SDL" 2 "$cli_status"
expect_exit 0 env LD_LIBRARY_PATH=no-sdl "$VGT" replay --quiet --frames 0 "$gears"
mkdir alone
cp "$VGT" "$build/vgt-player" alone/
expect_stderr "vgt: $gears: cannot open a window: vgt-window.so is not beside vgt-player" \
	alone/vgt replay --quiet --window "$gears"
expect_exit 0 alone/vgt replay --quiet --frames 0 "$gears"

# A renderer that hangs or crashes, or does not do the same again, in the second play of the trace; and a
# pause, however long, is no hang.
export LD_LIBRARY_PATH=$build/tests/stub
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
export ASAN_OPTIONS="$ASAN_OPTIONS:handle_segv=0:handle_abort=0"
ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout 60 env LD_PRELOAD="$preload" VGT_CAPTURE_FILE=stub.vgt \
	"$build/tests/virgl_client" --frames 8 --size 500x300 >/dev/null
is_past() {
	[ $SECONDS -ge "$1" ]
}
second() { # STATUS [VARIABLE=VALUE]: frame 6 of the second play is submit 14, frame 0 of the third 15
	[ $# = 1 ] || export "${2?}"
	open --timeout 1 --window-memory 1 stub.vgt
	wait_for "the end" title_is "frame 7/8 .* paused"
	[ $# = 2 ] || wait_for "what a hang is given" is_past $((SECONDS + 3))
	press Left "frame 6/8 .* paused"
	xdotool key Home
	if [ "$1" != 3 ]; then
		wait_for "frame 0" title_is "frame 0/8 .* paused"
		press q "^$"
	fi
	ended "$1"
	wait_for "the window to go" window_is_gone
	[ $# = 1 ] || unset "${2%%=*}"
}
second 0
second 3 STUB_VIRGL_CRASH=15
expect_exit 0 grep -Eq "^vgt: stub.vgt: @[0-9]+: renderer crashed \(.*\) in SUBMIT_3D" err
second 3 STUB_VIRGL_HANG=15
expect_exit 0 grep -Eq "^vgt: stub.vgt: @[0-9]+: renderer hung for 1 s in SUBMIT_3D" err
second 1 STUB_VIRGL_FAIL=submit_cmd:14
expect_exit 0 grep -Eq "^vgt: stub.vgt: @[0-9]+: frame 6 is another picture than when it was first played$" err
