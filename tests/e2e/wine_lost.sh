#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the device goes away or refuses in the middle of a Windows program, glReadPixels is an error and SwapBuffers FALSE: no old
# picture passes for a new one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. "$(dirname "$0")/wine/lib.sh"

make_rig
expect_exit 0 "$gcc" -std=c11 -O2 -Wall -Wextra -Wshadow -static -o "$TMP/run/lost.exe" tests/e2e/wine/lost.c -lopengl32 -lgdi32

record "$TMP/whole.vgt" "$wine" lost.exe 30
expect_stdout_match '^30 right, 0 unread, 0 unshown, 0 wrong' cat "$TMP/out"

# goes_wrong VARIABLE=VALUE: some frames are right and shown, the others are not, and none is wrong
goes_wrong() {
	record "$TMP/wrong.vgt" "$1" VGT_SHOWN="$TMP/shown" timeout 60 "$wine" lost.exe 30
	rm "$TMP/wrong.vgt"
	echo "$1: $(cat "$TMP/out")"
	expect_stdout 0 cat "$TMP/status"
	expect_stdout_match '^[1-9][0-9]* right, [1-9][0-9]* unread, [1-9][0-9]* unshown, 0 wrong' cat "$TMP/out"
	# one may have been shown just before SwapBuffers found out
	right=$(sed 's/ .*//' "$TMP/out")
	expect_exit 0 test "$(($(wc -l <"$TMP/shown") - right))" -ge 0 -a "$(($(wc -l <"$TMP/shown") - right))" -le 1
	rm "$TMP/shown"
}

for requests in 100 101 102 103 104 130; do
	goes_wrong VGT_DEVICE_LOST_AT=$requests
done
goes_wrong VGT_DEVICE_RESET_AT=110
# each frame is read twice: by glReadPixels, if not in a submit, and to be shown
goes_wrong VGT_READS_REFUSED=20
goes_wrong VGT_READS_REFUSED=21
