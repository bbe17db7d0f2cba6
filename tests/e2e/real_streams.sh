#!/bin/bash
# What Mesa's driver really sends: each program of tests/programs is recorded, its trace is whole, follows
# the protocol as vgt knows it, and replays with the answers that the program got.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

# Every command of the trace is known, and has the form that the table of commands gives it.
walk_trace() {
	expect_exit 0 "$VGT" verify "$1"
	expect_exit 0 "$VGT" dump --json "$1"
}

check_whole() {
	expect_exit 0 "$VGT" info --json "$1"
	grep -q '"end": *"tail"' "$TMP/.stdout" || fail "a whole trace" "$VGT" info --json "$1"
	grep -q '"SUBMIT_3D": *[1-9]' "$TMP/.stdout" || fail "submits" "$VGT" info --json "$1"
}

# replay TRACE KINDS
replay() {
	local verify=(--verify)

	# what a program draws of a time that it has measured is no longer true
	[[ ,$2, != *,time,* ]] || verify=()
	expect_exit 0 "$VGT" replay --no-pictures --quiet "${verify[@]}" "$1"
}

status=0
tests/programs record "$TMP/streams" || status=$?
if [ $status -eq 77 ]; then
	# tests/programs has said what is missing
	[ -z "${CI:-}" ] || exit 1
elif [ $status -ne 0 ]; then
	exit 1
fi

failed=
while read -r name kinds _; do
	trace=$TMP/streams/$name.vgt
	[ -e "$trace" ] || continue
	# all of them, so that one report names every stream that is wrong
	(check_whole "$trace" && walk_trace "$trace" && replay "$trace" "$kinds") || failed="$failed $name"
	cli_checks=$((cli_checks + 1))
done < <(tests/programs list)
if [ $cli_checks -eq 0 ]; then
	exit 77
fi
[ -z "$failed" ] || { echo "e2e/real_streams: wrong:$failed" >&2; exit 1; }

# positive control: the answers of a trace without its draws are others
expect_exit 1 "$VGT" replay --no-pictures --quiet --verify --drop=draws "$TMP/streams/blit.vgt"
