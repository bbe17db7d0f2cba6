#!/bin/bash
# SPDX-License-Identifier: MIT
# Our demonstration programs for Windows: each picture that a window was given is a frame of the trace, and the same,
# and two runs are the same. Needs what guest-icd/icd/build has built.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. tests/e2e/wine/lib.sh

frames=24

# show PROGRAM WINDOWS: records it into $TMP/PROGRAM.vgt; what was shown, in order, goes to $TMP/PROGRAM.shown
show() {
	rm -f "$TMP/$1.vgt"
	expect_exit 0 record "$TMP/$1.vgt" VGT_SHOWN="$TMP/shown" "$wine" "$1.exe" "$frames"
	expect_stdout 0 cat "$TMP/status"
	expect_exit 1 grep 'driver core' "$TMP/err"
	sort "$TMP/shown" >"$TMP/$1.shown"
	expect_stdout "$((frames * $2))" sh -c "wc -l <'$TMP/$1.shown'"
}

make_rig
keep_running
expect_exit 0 guest-icd/demo/build x86_64 "$TMP/run"
for demo in 'triangle 1' 'cube 1' 'instances 1' 'threads 3'; do
	read -r program windows <<<"$demo"
	show "$program" "$windows"
	# each frame is another
	expect_stdout "$((frames * windows))" sh -c "sort -u '$TMP/shown' | wc -l"
	expect_exit 0 "$VGT" replay --quiet --verify "$TMP/$program.vgt"
	awk '{print $4, $NF}' "$TMP/.stdout" | sort >"$TMP/replayed"
	expect_exit 0 cmp "$TMP/$program.shown" "$TMP/replayed"
	cp "$TMP/$program.shown" "$TMP/first"
	show "$program" "$windows"
	expect_exit 0 cmp "$TMP/first" "$TMP/$program.shown"
done
# positive control: another number of frames, and a replay without draws
expect_exit 0 record "$TMP/fewer.vgt" VGT_SHOWN="$TMP/fewer" "$wine" cube.exe 3
expect_stdout 3 sh -c "wc -l <'$TMP/fewer'"
expect_exit 1 cmp -s "$TMP/cube.shown" <(sort "$TMP/fewer")
hashes "$TMP/cube.vgt" --drop=draws >"$TMP/without"
expect_exit 1 grep -q -x -F -f "$TMP/cube.shown" "$TMP/without"
expect_exit 2 guest-icd/demo/build alpha
