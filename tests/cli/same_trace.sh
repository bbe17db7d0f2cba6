#!/bin/bash
# tests/same_trace, by which a trace that the guest's driver core has issued again is compared with the one that it
# was given: what is planted is found and named, and what may differ does not count.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

MKTRACE=build/tests/mktrace
SAME=build/tests/same_trace

"$MKTRACE" session "$TMP/in.vgt"

# finds CHANGE ADDRESSES REGEX: the session changed so differs there, in this.
finds() {
	rm -f "$TMP/$1.vgt"
	"$MKTRACE" "session-$1" "$TMP/$1.vgt"
	expect_exit 1 "$SAME" "$TMP/in.vgt" "$TMP/$1.vgt"
	expect_stdout_match "^$2: $3" "$SAME" "$TMP/in.vgt" "$TMP/$1.vgt"
	expect_stdout_match '^different: ' "$SAME" "$TMP/in.vgt" "$TMP/$1.vgt"
}

# passes CHANGE REGEX [OPTION]: it does not differ, and that is said.
passes() {
	rm -f "$TMP/$1.vgt"
	"$MKTRACE" "session-$1" "$TMP/$1.vgt"
	expect_exit 0 "$SAME" ${3:+"$3"} "$TMP/in.vgt" "$TMP/$1.vgt"
	expect_stdout_match "$2" "$SAME" ${3:+"$3"} "$TMP/in.vgt" "$TMP/$1.vgt"
}

expect_stdout "the same: 17 commands, 3 virgl commands, 128 bytes of guest memory, 12 answers, 2 fences, 2 frames" \
	"$SAME" "$TMP/in.vgt" "$TMP/in.vgt"

# other numbers, addresses and segments; a NUL behind the name
passes renamed '^the same: 17 commands, 3 virgl commands, 128 bytes'
# the answers of another renderer
passes renderer '^not compared: 2 answers that depend on the renderer'
passes query '^not compared: 2 queries of OUT$' --skip-queries

finds name "@1 and @1" "CTX_CREATE: debug_name is 'session' and 'sessio!'"
finds backing "@4 and @4" "RESOURCE_ATTACH_BACKING: 96 bytes of backing and 128"
finds memory "@8 and @8" "SUBMIT_3D: guest memory of resource 1: byte 20 is 0x14 and 0x15"
finds memory "@11 and @11" "TRANSFER_TO_HOST_3D: guest memory"
finds fences "@8 and @8" "SUBMIT_3D: 1 fences and 2 behind it"
finds retired "@8 and @8" "SUBMIT_3D: in .*/retired.vgt its fence retired behind a later one"
finds unretired "@9 and @9" "SUBMIT_3D: its fence has not retired"
finds swapped "@9.0 and @9.0" "RESOURCE_COPY_REGION: dst_res_handle 2 is not 1 there"
finds swapped "@9.0 and @9.0" "RESOURCE_COPY_REGION: src_res_handle 1 is not 2 there"
finds dword "@10.0 and @10.0" "SEND_STRING_MARKER: "
finds dropped "@10 and @10" "SUBMIT_3D: there TRANSFER_TO_HOST_3D"
finds offset "@11 and @11" "TRANSFER_TO_HOST_3D: offset is 0 and 0x10"
finds response "@11 and @11" "TRANSFER_TO_HOST_3D: the answer is 0 and 22"
finds refused "@11 and @11" "TRANSFER_TO_HOST_3D: only in .*/refused.vgt there is an answer of class 3"
finds digest "@12 and @12" "TRANSFER_FROM_HOST_3D: what the host wrote has the digest"
finds hidden "@14 and @14" "RESOURCE_FLUSH: 1 frames end with it and 0"
finds bad "@15 and @15" "RESOURCE_UNREF: there BAD_COMMAND"
finds again "@16 and @16" "CTX_DESTROY: there TRANSFER_TO_HOST_3D"
finds query "@1 and @1" "CTX_CREATE: there GET_CAPSET"

# the cursor's queue is another than that of the commands, so that the order of the two is no matter
for change in cursor cursor-early cursor-moved; do
	"$MKTRACE" "session-$change" "$TMP/$change.vgt"
done
expect_stdout_match '^the same: ' "$SAME" "$TMP/cursor.vgt" "$TMP/cursor-early.vgt"
expect_stdout_match '^the same: ' "$SAME" "$TMP/cursor-early.vgt" "$TMP/cursor.vgt"
expect_stdout_match ': UPDATE_CURSOR: x is 0 and 0x1$' "$SAME" "$TMP/cursor.vgt" "$TMP/cursor-moved.vgt"
expect_stdout_match ': UPDATE_CURSOR: .* has not so many' "$SAME" "$TMP/cursor.vgt" "$TMP/in.vgt"
expect_stdout_match ': the end of the trace: there UPDATE_CURSOR$' "$SAME" "$TMP/in.vgt" "$TMP/cursor.vgt"

# a trace that ends in the middle leaves things alive, which a driver takes down, and nobody else does
"$MKTRACE" session-left "$TMP/left.vgt"
expect_stdout_match '^not compared: 2 commands of OUT that take down' "$SAME" "$TMP/left.vgt" "$TMP/in.vgt"
expect_stdout_match '^@15 and @15: RESOURCE_UNREF: there is the end of the trace' "$SAME" "$TMP/in.vgt" "$TMP/left.vgt"
expect_stdout_match '^@15 and @16: the end of the trace: there TRANSFER_TO_HOST_3D' \
	"$SAME" "$TMP/left.vgt" "$TMP/again.vgt"

expect_exit 2 "$SAME" "$TMP/in.vgt"
expect_stderr_match 'no-such.vgt: ' "$SAME" "$TMP/in.vgt" "$TMP/no-such.vgt"
head -c 300 traces/gears.vgt >"$TMP/cut.vgt"
expect_exit 2 "$SAME" "$TMP/in.vgt" "$TMP/cut.vgt"

# real ones, also where they are compressed otherwise
for trace in traces/*.vgt; do
	"$VGT" repack -q -1 -o "$TMP/repacked.vgt" --force "$trace"
	expect_exit 0 "$SAME" "$trace" "$TMP/repacked.vgt"
	expect_exit 1 "$SAME" "$trace" "$TMP/in.vgt"
done
