#!/bin/bash
# guest-replay --model: the commands of every sample trace go through the escape ABI, the driver core and its rings to
# the device in memory, which watches them. tests/e2e/guest_replay.sh does it with QEMU.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

REPLAY=$(dirname "$VGT")/guest-replay
MKTRACE=build/tests/mktrace

# what each says that it did is what is in the trace
for trace in traces/*.vgt; do
	"$VGT" dump --json "$trace" >"$TMP/records"
	counted=$(jq -r 'select(.at and .virgl_command == null) | [.type, .fields.size // 0] | @tsv' "$TMP/records" |
		awk '$1 == "SUBMIT_3D" { submits++; bytes += $2 }
			END { print NR " commands, " submits + 0 " submits, " bytes + 0 " bytes, 0 failed" }')
	expect_exit 0 "$REPLAY" --model "$trace"
	expect_equal "output of $trace" "guest-replay: $trace: $counted
guest-replay: 0 violations" "$(grep -v 'is not the recording' "$TMP/.stdout")"
	expect_equal "errors of $trace" "" "$(cat "$TMP/.stderr")"
done

# nothing is left of one for the next
expect_exit 0 "$REPLAY" --model traces/*.vgt traces/*.vgt
expect_stdout_match '^guest-replay: 0 violations$' "$REPLAY" --model traces/*.vgt

expect_exit 0 "$REPLAY" --model --mark=landmark traces/gears.vgt
expect_exit 1 "$REPLAY" --model --mark= traces/gears.vgt
expect_stderr_match ': @2 CTX_CREATE: its mark: bad parameter$' "$REPLAY" --model --mark= traces/gears.vgt

# what goes otherwise is found
"$MKTRACE" session-refused "$TMP/refused.vgt"
expect_exit 1 "$REPLAY" --model "$TMP/refused.vgt"
expect_stderr_match ': @[0-9]+ TRANSFER_TO_HOST_3D: the device takes what the recording.s refused$' \
	"$REPLAY" --model "$TMP/refused.vgt"

# what the ABI has no words for
"$MKTRACE" session-bad "$TMP/bad.vgt"
expect_exit 77 "$REPLAY" --model "$TMP/bad.vgt"
expect_stderr_match ': @[0-9]+: what is no command cannot be expressed$' "$REPLAY" --model "$TMP/bad.vgt"
"$MKTRACE" denied-create "$TMP/denied.vgt"
expect_exit 77 "$REPLAY" --model "$TMP/denied.vgt"
expect_stderr_match ': @3 RESOURCE_CREATE_3D: a second resource of the same number cannot be expressed$' \
	"$REPLAY" --model "$TMP/denied.vgt"

# the worst counts
expect_exit 2 "$REPLAY" --model "$TMP/bad.vgt" "$TMP/refused.vgt" "$TMP/no-such.vgt" traces/gears.vgt

: >"$TMP/empty.vgt"
head -c 5000 traces/gears.vgt >"$TMP/cut.vgt"
expect_exit 1 "$REPLAY" --model "$TMP/empty.vgt"
expect_exit 1 "$REPLAY" --model "$TMP/cut.vgt"
expect_exit 2 "$REPLAY" --model "$TMP"
expect_exit 2 "$REPLAY" --model "$TMP/no-such.vgt"
expect_stderr_match 'no-such.vgt: .*No such file' "$REPLAY" --model "$TMP/no-such.vgt"
expect_exit 2 "$REPLAY" --model
expect_exit 2 "$REPLAY" --no-such-option traces/gears.vgt
expect_exit 2 "$REPLAY" --model --device 0000:00:02.0 traces/gears.vgt
expect_exit 2 "$REPLAY" --device 0000:ff:1f.7 traces/gears.vgt
expect_stderr_match '^guest-replay: ' "$REPLAY" --device 0000:ff:1f.7 traces/gears.vgt
