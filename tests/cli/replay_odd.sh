#!/bin/bash
# SPDX-License-Identifier: MIT
# Traces that are legal but odd (tests/mktrace.c), replayed on the stub renderer: no hang, no
# crash.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
build=$(dirname "$VGT")
export LD_LIBRARY_PATH=$build/tests/stub${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

for name in dead-fence denied-create; do
	expect_exit 0 "$build/tests/mktrace" "$name" "$TMP/$name.vgt"
	expect_exit 0 zstd -q -t "$TMP/$name.vgt"
done
expect_exit 0 "$VGT" replay --quiet --timeout 5 "$TMP/dead-fence.vgt"
expect_exit 0 "$VGT" replay --quiet --timeout 5 --verify "$TMP/denied-create.vgt"
