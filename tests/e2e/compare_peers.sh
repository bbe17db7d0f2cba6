#!/bin/bash
# SPDX-License-Identifier: MIT
# vgt compare --metric yiq counts what pixelmatch counts, to the pixel, in pictures that are made here. Needs npm.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

cd "$(dirname "$0")/../.."
status=0
peers=$(tests/npm_packages tests/peers 2>"$TMP/why") || status=$?
[ $status -ne 77 ] || skip "$(cat "$TMP/why")"
[ $status -eq 0 ]
expect_exit 0 node "$peers/same_count.mjs" "$VGT" "$TMP" 40
expect_stdout_match '^opaque 522 332 56 0 counted 102$' node "$peers/same_count.mjs" "$VGT" "$TMP" 1

# The control: a vgt that counts with another threshold is found.
cat >"$TMP/wrong" <<END
#!/bin/bash
exec '$VGT' "\${@/#0.05/0.06}"
END
chmod +x "$TMP/wrong"
expect_exit 1 node "$peers/same_count.mjs" "$TMP/wrong" "$TMP" 1
