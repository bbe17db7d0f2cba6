#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the device goes away in the middle of a Windows program, glReadPixels is an error and SwapBuffers FALSE: no old
# picture passes for a new one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. "$(dirname "$0")/wine/lib.sh"

make_rig
expect_exit 0 "$gcc" -std=c11 -O2 -Wall -Wextra -Wshadow -static -o "$TMP/run/lost.exe" tests/e2e/wine/lost.c -lopengl32 -lgdi32

record "$TMP/whole.vgt" "$wine" lost.exe 30
expect_stdout_match '^30 right, 0 unread, 0 unshown, 0 wrong' cat "$TMP/out"
for escapes in 100 101 102 103 104 130; do
	record "$TMP/$escapes.vgt" VGT_DEVICE_LOST_AT=$escapes timeout 60 "$wine" lost.exe 30
	cat "$TMP/out"
	expect_stdout 0 cat "$TMP/status"
	expect_stdout_match '^[1-9][0-9]* right, [1-9][0-9]* unread, [1-9][0-9]* unshown, 0 wrong' cat "$TMP/out"
done
