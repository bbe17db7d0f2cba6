#!/bin/bash
# SPDX-License-Identifier: MIT
# A hostile caller of the escape ABI gets the statuses that ESCAPE.md promises, and what Mesa's ICD draws in the same
# process, on the same driver and device, is what it draws alone.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. "$(dirname "$0")/wine/lib.sh"

frames=120

make_rig
expect_exit 0 "$gcc" -std=c11 -O2 -Wall -Wextra -Wshadow -static -Iguest-icd/escape -o "$TMP/run/hostile.exe" \
	tests/e2e/wine/hostile.c -lopengl32 -lgdi32 -lcfgmgr32

# draw NAME [MODE]: what hostile.exe shows goes to $TMP/NAME
draw() {
	record "$TMP/$1.vgt" VGT_SHOWN="$TMP/$1" timeout 60 "$wine" hostile.exe "$frames" "${@:2}"
}

expect_exit 0 draw alone alone
expect_stdout 0 cat "$TMP/status"
expect_stdout "$frames" sh -c "sort -u '$TMP/alone' | wc -l"

draw hostile
expect_stdout '' cat "$TMP/err"
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^1[0-9][0-9] cases, [1-9][0-9]* rounds, 0 wrong' cat "$TMP/out"
expect_exit 0 cmp "$TMP/alone" "$TMP/hostile"
expect_exit 0 cmp "$TMP/alone" <(hashes "$TMP/hostile.vgt")
expect_exit 0 "$VGT" verify "$TMP/hostile.vgt"

# positive controls: an expectation that is wrong; harm that the comparison sees
draw wrong wrong
expect_stdout 1 cat "$TMP/status"
expect_stdout_match '^hostile: a version that is told: BAD_REQUEST expected, OK seen' cat "$TMP/err"
draw own own
expect_exit 1 cmp "$TMP/alone" "$TMP/own"
