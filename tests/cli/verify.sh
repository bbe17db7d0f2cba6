#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # bash -c expands
# `vgt verify` as its user meets it: good traces, traces with one fault each (tests/mktrace.c), files
# that are damaged, and wrong usage.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
build=$(dirname "$VGT")
export VGT TMP

# json_lines FILE: each line is a JSON object; by its looks where no parser is installed.
json_lines() {
	if command -v jq >/dev/null; then
		jq -e -c 'has("event")' "$1" >"$TMP/parsed" || return 1
		[ "$(grep -c '^true$' "$TMP/parsed")" -eq "$(grep -c '' "$1")" ]
	else
		[ "$(grep -vc '^{"event":".*}$' "$1")" -eq 0 ]
	fi
}

# piped SCRIPT ARGUMENT: a shell with pipes whose every part must succeed but by SIGPIPE.
piped() {
	timeout 60 bash -c "$1" bash "$2"
}

# Good ones: nothing on stdout, a summary on stderr.
for trace in traces/*.vgt; do
	expect_exit 0 "$VGT" verify "$trace"
	expect_stdout "" "$VGT" verify "$trace"
	expect_stderr_match "^vgt: $trace: [1-9][0-9]* commands, [0-9]+ frames, no violation$" \
		"$VGT" verify "$trace"
	expect_stderr "" "$VGT" verify --quiet "$trace"
	expect_exit 0 "$VGT" verify --json "$trace"
	cp "$TMP/.stdout" "$TMP/json"
	expect_exit 0 json_lines "$TMP/json"
	expect_stdout_match '^\{"event":"end","end":"tail",.*"violations":0,"handles_checked":true,"damage":null\}$' \
		"$VGT" verify --json "$trace"
done

# One fault each: its address and what is wrong, nothing else.
faults=(
	"no-surface|@3.1: SET_FRAMEBUFFER_STATE: cbuf is surface 7, which does not exist"
	"no-shader|@1.3: DRAW_VBO: no FRAGMENT shader is bound"
	"no-resource|@4.1: CREATE_OBJECT SAMPLER_VIEW: res_handle is resource 1, which does not exist"
	"cut-short|@1.2: DRAW_VBO: is cut short: 12 dwords announced, 3 are there"
	"past-backing|@2: TRANSFER_TO_HOST_3D: needs guest memory from byte 0 to 64, there are 63"
)
for fault in "${faults[@]}"; do
	name=${fault%%|*}
	trace=$TMP/$name.vgt
	message=${fault#*|}
	expect_exit 0 "$build/tests/mktrace" "$name" "$trace"
	expect_exit 1 "$VGT" verify "$trace"
	expect_stdout "$trace: $message" "$VGT" verify "$trace"
	expect_stderr_match "^vgt: $trace: [0-9]+ commands, 0 frames, 1 violation$" \
		"$VGT" verify "$trace"
	expect_stderr "" "$VGT" verify --quiet "$trace"
	expect_exit 1 "$VGT" verify --quiet "$trace"
	expect_stdout "-: $message" piped '"$VGT" verify - <"$1"' "$trace"
done

# As JSON; null where the fault is not in a submit.
"$VGT" verify --quiet --json "$TMP/no-shader.vgt" >"$TMP/json" || true
expect_exit 0 json_lines "$TMP/json"
expect_stdout '{"event":"violation","command":1,"virgl_command":3,"message":"DRAW_VBO: no FRAGMENT shader is bound"}
{"event":"end","end":"tail","records":6,"commands":2,"frames":0,"violations":1,"handles_checked":true,"damage":null}' \
	cat "$TMP/json"
expect_stdout_match '^\{"event":"violation","command":2,"virgl_command":null,"message":"TRANSFER_TO_HOST_3D: ' \
	"$VGT" verify --json "$TMP/past-backing.vgt"

# Many: 100 are shown, or as many as asked for, all are counted.
many=$TMP/all-faults.vgt
expect_exit 0 "$build/tests/mktrace" all-faults "$many"
count() {
	{ "$VGT" verify "$@" "$many" || true; } 2>/dev/null | wc -l
}
expect_stdout 100 count
expect_stdout 1 count --max 1
expect_stdout 7 count --max=7
expect_stdout 4000 count --max 0
expect_stdout 4000 count --max 18446744073709551615
expect_stdout 8 count --json --max 7
expect_exit 1 "$VGT" verify --max 1 "$many"
expect_stderr "vgt: $many: 3999 further violations are not shown
vgt: $many: 2 commands, 0 frames, 4000 violations" "$VGT" verify --max 1 "$many"
expect_stderr_match "commands, 0 frames, 4000 violations$" "$VGT" verify --max 0 "$many"
expect_stdout_match '"violations":4000,' "$VGT" verify --json --max 1 "$many"
expect_stdout_match "^$many: @1.3999: virgl command: operation 200, object type 0 is unknown$" \
	"$VGT" verify --max 0 "$many"

# Who reads a line is not told of a broken pipe.
expect_stderr "" piped '"$VGT" verify --quiet --max 0 "$1" | head -n 1 >/dev/null' "$many"
expect_stdout "$many: @1.0: virgl command: operation 200, object type 0 is unknown" \
	piped '"$VGT" verify --quiet --max 0 "$1" | head -n 1' "$many"
expect_stdout 141 piped '"$VGT" verify --quiet --max 0 "$1" | head -n 1 >/dev/null
	echo ${PIPESTATUS[0]}' "$many"
expect_exit 2 piped '"$VGT" verify --max 0 "$1" >/dev/full' "$many"
expect_stderr_match "^vgt: cannot write to standard output" \
	piped '"$VGT" verify --quiet --max 0 "$1" >/dev/full' "$many"

# From a pipe, where one cannot seek.
expect_exit 0 piped 'cat "$1" | "$VGT" verify -' traces/gears.vgt
expect_stderr "$("$VGT" verify traces/gears.vgt 2>&1 | sed 's|traces/gears.vgt|-|')" \
	piped 'cat "$1" | "$VGT" verify -' traces/gears.vgt

# Without its end: 5, and 1 where there is a violation besides.
size=$(stat -c %s traces/gears.vgt)
head -c $((size - 10)) traces/gears.vgt >"$TMP/cut.vgt"
expect_exit 5 "$VGT" verify "$TMP/cut.vgt"
expect_stderr_match "^vgt: $TMP/cut.vgt: the end of the trace is missing \(see \`vgt help recover\`\)$" \
	"$VGT" verify "$TMP/cut.vgt"
expect_stderr "" "$VGT" verify --quiet "$TMP/cut.vgt"
expect_exit 5 "$VGT" verify --quiet "$TMP/cut.vgt"
expect_stdout_match '^\{"event":"end","end":"cut",.*"handles_checked":false,"damage":null\}$' \
	"$VGT" verify --json "$TMP/cut.vgt"
for ((i = 1; i < 8; i++)); do
	head -c $((size * i / 8)) traces/gears.vgt >"$TMP/cut.vgt"
	expect_exit 5 piped '"$VGT" verify --quiet "$1"' "$TMP/cut.vgt"
done
head -c $(($(stat -c %s "$many") - 10)) "$many" >"$TMP/cut.vgt"
expect_exit 1 "$VGT" verify "$TMP/cut.vgt"

# One byte flipped: where, and what was found before.
flip() { # FILE BYTE
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
cp traces/desktop.vgt "$TMP/flipped.vgt"
flip "$TMP/flipped.vgt" 40000
expect_exit 1 "$VGT" verify "$TMP/flipped.vgt"
expect_stdout "" "$VGT" verify "$TMP/flipped.vgt"
expect_stderr_match "^vgt: $TMP/flipped.vgt: chunk is damaged: .* \(byte [1-9][0-9]*\)$" \
	"$VGT" verify "$TMP/flipped.vgt"
expect_stderr_match "^vgt: $TMP/flipped.vgt: [1-9][0-9]* commands, [0-9]+ frames, no violation up to the damage$" \
	"$VGT" verify "$TMP/flipped.vgt"
expect_stderr_match "chunk is damaged: .* \(byte [1-9][0-9]*\)$" "$VGT" verify --quiet "$TMP/flipped.vgt"
expect_stdout_match '^\{"event":"end","end":"damage",.*"handles_checked":false,"damage":\{"message":"chunk is damaged: .*","byte":[1-9][0-9]*\}\}$' \
	"$VGT" verify --json "$TMP/flipped.vgt"
"$VGT" verify --quiet --json "$TMP/flipped.vgt" >"$TMP/json" 2>/dev/null || true
expect_exit 0 json_lines "$TMP/json"
for ((i = 0; i < 16; i++)); do
	cp traces/gears.vgt "$TMP/flipped.vgt"
	flip "$TMP/flipped.vgt" $((size * (2 * i + 1) / 32))
	expect_exit 1 "$VGT" verify "$TMP/flipped.vgt"
	expect_stderr_match "\(byte [0-9]+\)$" "$VGT" verify "$TMP/flipped.vgt"
done

# Wrong usage: one clear line, and where it is usage, one with what to try.
wrong() { # REGEX COMMAND...
	local expected="^vgt: $1\$"

	shift
	expect_exit 2 "$@"
	[ ! -s "$TMP/.stdout" ] || fail "nothing on stdout" "$@"
	head -n 1 "$TMP/.stderr" | grep -Eq -e "$expected" || fail "on stderr: $expected" "$@"
	[ "$(tail -n +2 "$TMP/.stderr" | grep -vc "^try 'vgt help\( verify\)\?'$")" -eq 0 ] ||
		fail "one line" "$@"
}
wrong "verify takes one trace" "$VGT" verify
wrong "verify takes one trace" "$VGT" verify traces/gears.vgt traces/desktop.vgt
wrong "$TMP/missing.vgt: cannot open the trace: No such file or directory" \
	"$VGT" verify "$TMP/missing.vgt"
wrong "$TMP: is a directory" "$VGT" verify "$TMP"
for number in x "" -1 1.5 18446744073709551616 "1 "; do
	wrong "--max must be a number .*, not '$number'" "$VGT" verify --max "$number" traces/gears.vgt
done
wrong "option '--max' needs a value" "$VGT" verify traces/gears.vgt --max
wrong "option '--json' takes no value" "$VGT" verify --json=1 traces/gears.vgt
wrong "unknown option '--frobnicate'" "$VGT" verify --frobnicate traces/gears.vgt
wrong "unknown option '-x'" "$VGT" verify -x traces/gears.vgt
wrong ".*'verfy'.*verify.*" "$VGT" verfy traces/gears.vgt
: >"$TMP/empty.vgt"
expect_exit 1 "$VGT" verify "$TMP/empty.vgt"
expect_stderr "vgt: $TMP/empty.vgt: is empty (byte 0)" "$VGT" verify "$TMP/empty.vgt"
echo "this is text, and not so little of it that it would be less than a header" >"$TMP/text.vgt"
expect_exit 1 "$VGT" verify "$TMP/text.vgt"
expect_stderr "vgt: $TMP/text.vgt: not a vgt trace (byte 0)" "$VGT" verify "$TMP/text.vgt"
expect_stdout '{"event":"end","end":"damage","records":0,"commands":0,"frames":0,"violations":0,"handles_checked":false,"damage":{"message":"not a vgt trace","byte":0}}' \
	"$VGT" verify --json "$TMP/text.vgt"
expect_stdout_match "^usage: vgt verify " "$VGT" help verify
expect_stdout "$("$VGT" help verify)" "$VGT" verify --help
expect_stdout_match "^  verify " "$VGT" help
