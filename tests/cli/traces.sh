#!/bin/bash
# SPDX-License-Identifier: MIT
# The traces that come with the source, on the real renderer: frames match their goldens, a replay
# repeats itself to the bit, every recorded answer is seen again, and dropped draws are noticed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128

expect_exit 0 traces/replay-all
expect_exit 1 traces/replay-all --drop=draws

for trace in traces/*.vgt; do
	expect_exit 0 zstd -q -t "$trace"
	expect_exit 0 [ "$(stat -c %s "$trace")" -lt 300000 ]
	expect_exit 0 "$VGT" replay --quiet "$trace"
	first=$(cat "$TMP/.stdout")
	expect_stdout "$first" "$VGT" replay --quiet --step "$trace"
	expect_stdout "$first" "$VGT" replay --quiet --verify "$trace"
done

# A host that offers less than the recording's is told apart, in words.
expect_stderr_match 'capset: lacks has_tessellation_shaders$' env MESA_GL_VERSION_OVERRIDE=3.2 \
	MESA_EXTENSION_OVERRIDE=-GL_ARB_tessellation_shader \
	"$VGT" replay --no-pictures traces/gears.vgt
