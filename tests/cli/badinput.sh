#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154,SC2164 # shell() expands; lib.sh sets cli_status, and -e
# What is no trace, or a bad one, or cannot be read or written: one clear line, the right exit
# status, and no file is touched.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
export LD_LIBRARY_PATH=$build/tests/stub
for needed in "$client" "$build/vgt-player" "$build/libvgt-preload.so" \
	"$LD_LIBRARY_PATH/libvirglrenderer.so.1" "$(command -v zstd || echo "program zstd")"; do
	[ -e "$needed" ] || { echo "cli/badinput: no $needed" >&2; exit 1; }
done
mkdir "$TMP/work"
cd "$TMP/work"

# All files, with the times of their last change.
snapshot() {
	find . -printf '%p %y %m %s %T@ %C@\n' | sort
}

# one_line STATUS REGEX COMMAND...: this exit status, nothing on stdout, just this line on stderr
# (the regular expression is that of the whole line behind `vgt: `), for wrong usage with a `try`
# line, and all files stay as they are.
one_line() {
	local status=$1 expected="^vgt: $2\$" before lines tries

	shift 2
	before=$(snapshot)
	expect_exit "$status" "$@"
	[ ! -s "$TMP/.stdout" ] || fail "nothing on stdout" "$@"
	grep -Eq "$expected" "$TMP/.stderr" || fail "on stderr: $expected" "$@"
	lines=$(grep -c '' "$TMP/.stderr")
	tries=$(tail -n +2 "$TMP/.stderr" | grep -c "^try 'vgt help [a-z]*'\$" || true)
	[ "$lines" -eq 1 ] || [ "$lines$tries" = 21 ] || fail "one line on stderr" "$@"
	[ "$(snapshot)" = "$before" ] || fail "no file changed or created" "$@"
}

# damaged REGEX FILE: what `vgt info` says of a trace with something good in it. The report says so,
# too, and no file changes.
damaged() {
	local before

	before=$(snapshot)
	expect_exit 1 "$VGT" info "$2"
	grep -Eq "^vgt: $2: $1\$" "$TMP/.stderr" || fail "on stderr: $1" "$VGT" info "$2"
	grep -q "^state  *damaged: " "$TMP/.stdout" || fail "the state" "$VGT" info "$2"
	[ "$(grep -c '' "$TMP/.stderr")" -eq 1 ] || fail "one line on stderr" "$VGT" info "$2"
	[ "$(snapshot)" = "$before" ] || fail "no file changed or created" "$VGT" info "$2"
}

# usage REGEX COMMAND...: wrong usage, which has the `try` line.
usage() {
	one_line 2 "$@"
	[ "$(grep -c '^try ' "$TMP/.stderr")" -eq 1 ] || fail "a try line" "$@"
}

# not_a_trace STATUS REGEX FILE: what every command says about it.
not_a_trace() {
	one_line "$1" "$3: $2" "$VGT" info "$3"
	one_line "$1" "$3: $2" "$VGT" info --json "$3"
	one_line "$1" "$3: $2" timeout 60 "$VGT" replay "$3"
	one_line "$1" "$3: $2" timeout 60 "$VGT" replay --json --verify --out never "$3"
	one_line "$1" "$3: $2" "$VGT" recover "$3"
	one_line "$1" "$3: $2" "$VGT" recover -o never "$3"
}

shell() {
	timeout 60 bash -c "$1" "$VGT" "$2"
}

ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" LD_PRELOAD="$preload" VGT_CAPTURE_FILE=good.vgt \
	"$client" --size 512x256 --frames 9 >/dev/null
expect_exit 0 "$VGT" info good.vgt
expect_exit 0 "$VGT" replay good.vgt

# No file, or one of another kind.
not_a_trace 2 "cannot open the trace: No such file or directory" missing.vgt
not_a_trace 2 "cannot open the trace: Not a directory" good.vgt/x
not_a_trace 2 "is a directory" .
: >empty.vgt
not_a_trace 1 "is empty \(byte 0\)" empty.vgt
echo "this is text, and not so little of it that it would be less than a header" >text.vgt
not_a_trace 1 "not a vgt trace \(byte 0\)" text.vgt
echo x >short.vgt
one_line 1 "short.vgt: .*\(byte [0-9]\)" "$VGT" info short.vgt
"$VGT" replay --quiet --frames 0 -o png good.vgt >/dev/null
cp png/frame-0000.png picture.vgt
not_a_trace 1 "not a vgt trace \(byte 0\)" picture.vgt
zstd -q text.vgt -o zstd.vgt
not_a_trace 1 "not a vgt trace \(byte 0\)" zstd.vgt
head -c 1000000 /dev/zero | zstd -q - -o stream.vgt
not_a_trace 1 "chunk does not say its size \(byte 0\)" stream.vgt
head -c 100 good.vgt >start.vgt
not_a_trace 1 "ends within its first chunk \(byte 100\)" start.vgt
for file in text.vgt empty.vgt picture.vgt zstd.vgt start.vgt; do
	one_line 1 "-: .*\(byte [0-9]+\)" shell '"$0" info - <"$1"' $file
	one_line 1 "-: .*\(byte [0-9]+\)" shell '"$0" replay - <"$1"' $file
done

# Chunks taken apart, changed, and put together again. The stream is cut before each CHUNK record.
zstd -dc good.vgt >stream
mapfile -t begins < <(grep -abo VGTCHUNK stream | cut -d : -f 1)
chunks=${#begins[@]}
[ "$chunks" -ge 4 ] || { echo "cli/badinput: $chunks chunks are too few" >&2; exit 1; }
for ((i = 0; i < chunks; i++)); do
	begin=$((begins[i] - 16))
	end=$((i + 1 < chunks ? begins[i + 1] - 16 : $(stat -c %s stream)))
	tail -c +$((begin + 1)) stream | head -c $((end - begin)) >chunk.$i
done

# patch FILE OFFSET BYTES: as printf understands them.
patch() {
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# trace NAME CHUNK...: of these chunks, without tail.
trace() {
	local name=$1 chunk

	shift
	for chunk in "$@"; do
		zstd -q -c "$chunk"
	done >"$name"
}

# variant CHUNK OFFSET BYTES: the chunk of this number, changed, is in `changed`.
variant() {
	cp "chunk.$1" changed
	patch changed "$2" "$3"
}

trace cut.vgt chunk.*
expect_exit 5 "$VGT" info cut.vgt
expect_stderr "" "$VGT" info cut.vgt
expect_stdout_match "^state +cut: its end is missing \(see \`vgt help recover\`\)$" "$VGT" info cut.vgt
expect_exit 5 "$VGT" replay --quiet cut.vgt
expect_stderr "vgt: cut.vgt: the end of the trace is missing (see \`vgt help recover\`)" \
	"$VGT" replay --quiet cut.vgt
expect_stdout "$("$VGT" replay --quiet good.vgt)" "$VGT" replay --quiet cut.vgt

# Version: another major number is refused, a later minor one is read.
variant 0 24 '\2\0'
trace version.vgt changed chunk.[1-9]*
not_a_trace 1 "trace is of version 2.1, this reader knows 1 \(byte 0\)" version.vgt
for ((i = 0; i < chunks; i++)); do
	variant $i 26 '\7\0'
	cp changed minor.$i
done
trace minor.vgt minor.*
expect_exit 5 "$VGT" replay minor.vgt
expect_stdout_match "^version +1.7," "$VGT" info minor.vgt
trace mixed.vgt chunk.0 minor.1
damaged "chunk belongs to another trace \(byte [1-9][0-9]*\)" mixed.vgt

variant 0 16 'X'
trace magic.vgt changed chunk.[1-9]*
one_line 1 "magic.vgt: not a vgt trace \(byte 0\)" timeout 60 "$VGT" replay magic.vgt
one_line 1 "magic.vgt: not a vgt trace \(byte 0\)" "$VGT" recover magic.vgt
damaged "not a vgt trace \(byte 0\)" magic.vgt # but what follows is one

# bad_inside REGEX FILE: a good start, then damage. What lies before it can be kept.
bad_inside() {
	damaged "$1 \(byte [1-9][0-9]*\)" "$2"
	one_line 1 "$2: .*$1 \(byte [0-9]+\)" timeout 60 "$VGT" replay --quiet --no-pictures "$2"
	expect_exit 1 "$VGT" recover "$2"
	expect_stderr_match "^vgt: $2: $1 \(byte [1-9][0-9]*\)$" "$VGT" recover "$2"
	expect_stderr_match "^vgt: $2: use -o OUT to keep what lies before the damage$" \
		"$VGT" recover "$2"
	rm -f kept.vgt
	expect_exit 0 "$VGT" recover -o kept.vgt "$2"
	expect_exit 0 "$VGT" info kept.vgt
	expect_exit 0 timeout 60 "$VGT" replay --quiet kept.vgt
	rm kept.vgt
}

trace missing_chunk.vgt chunk.0 chunk.2
bad_inside "chunk 2 where chunk 1 was expected" missing_chunk.vgt
trace swapped.vgt chunk.0 chunk.2 chunk.1
bad_inside "chunk 2 where chunk 1 was expected" swapped.vgt
trace twice.vgt chunk.0 chunk.1 chunk.1
bad_inside "chunk 1 where chunk 2 was expected" twice.vgt
variant 1 80 '\377\377\377\377'
trace size.vgt chunk.0 changed
bad_inside "record [0-9]+ has an illegal size or type" size.vgt
variant 1 80 '\0\0\0\0'
trace size0.vgt chunk.0 changed
bad_inside "record [0-9]+ has an illegal size or type" size0.vgt
head -c 300 chunk.1 >changed
trace torn_record.vgt chunk.0 changed
damaged "record [0-9]+ .*\(byte [1-9][0-9]*\)" torn_record.vgt
trace other.vgt chunk.0
echo "this is text" >>other.vgt
bad_inside "neither a chunk nor the tail" other.vgt
trace nochecksum.vgt chunk.0
zstd -q -c --no-check chunk.1 >>nochecksum.vgt
bad_inside "chunk has no checksum" nochecksum.vgt
trace nosize.vgt chunk.0
zstd -q -c <chunk.1 >>nosize.vgt
bad_inside "chunk does not say its size" nosize.vgt
trace bomb.vgt chunk.0
truncate -s 100M zeros
zstd -q -c zeros >>bomb.vgt
rm zeros
damaged "chunk of 104857600 bytes exceeds the limit of [0-9]+ \(byte [0-9]+\)" bomb.vgt

# Text that would steer a terminal: as a '?' each, in JSON as it is but escaped. The key, too.
# ESC, DEL, U+009B, U+0085, U+00A0, U+202E, no UTF-8.
text=$(grep -abo "producer=vgt-preload " chunk.1 | head -n 1 | cut -d : -f 1)
variant 1 "$text" '\033\302\233x\177er=\302\205\302\240\342\200\256\377\303\251ay '
trace steers.vgt chunk.0 changed
expect_stdout_match $'^\\?\\?x\\?er +\\?\302\240\\?\357\277\275\303\251ay ' "$VGT" info --all steers.vgt
expect_stdout_match '^ *"\\u001b\\u009bx\\u007fer":"\\u0085'$'\302\240\342\200\256\357\277\275\303\251ay ' \
	"$VGT" info --json steers.vgt
if command -v jq >/dev/null; then
	expect_stdout true shell '"$0" info --json "$1" | jq ".meta | keys |
		any(. == \"\\u001b\\u009bx\\u007fer\")"' steers.vgt
fi
for format in "" --all --json; do
	# shellcheck disable=SC2086
	expect_exit 5 "$VGT" info $format steers.vgt
	expect_exit 1 grep -Pq '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$TMP/.stdout"
done

# One byte of the compressed data changed.
cp good.vgt flipped.vgt
middle=$(($(stat -c %s good.vgt) / 2))
patch flipped.vgt $middle "\\$(printf %o $((0x$(xxd -s $middle -l 1 -p good.vgt 2>/dev/null ||
	od -An -tx1 -j $middle -N 1 good.vgt | tr -d ' ') ^ 16)))"
bad_inside "chunk is damaged: .*" flipped.vgt

# The tail.
cp good.vgt behind.vgt
echo >>behind.vgt
bad_inside "data behind the tail" behind.vgt
cp good.vgt tail.vgt
patch tail.vgt $(($(stat -c %s good.vgt) - 12)) '\377'
bad_inside "tail does not match the chunks" tail.vgt

# Cut anywhere: never a crash, never a success, and what is recovered is whole.
size=$(stat -c %s good.vgt)
for ((i = 1; i < 20; i++)); do
	head -c $((size * i / 20)) good.vgt >some.vgt
	expect_exit 5 "$VGT" info some.vgt
	expect_exit 5 timeout 60 "$VGT" replay --quiet some.vgt
	expect_exit 0 "$VGT" recover some.vgt
	expect_exit 0 "$VGT" info some.vgt
	expect_exit 0 zstd -q -t some.vgt
done
head -c $((size - 1)) good.vgt >some.vgt
expect_exit 5 "$VGT" info some.vgt
expect_exit 0 "$VGT" recover some.vgt
expect_exit 0 "$VGT" info some.vgt

# What the player cannot play: a context of another capset (context_init is before the name).
name=$(grep -abo "virgl_client 1" chunk.1 | tail -n 1 | cut -d : -f 1)
variant 1 $((name - 4)) '\4'
trace venus.vgt chunk.0 changed
one_line 1 "venus.vgt: @[0-9]+: context 1 speaks capset 4, which is recorded but not replayed" \
	timeout 60 "$VGT" replay --quiet venus.vgt

# Files that may not be read or written.
chmod 755 "$TMP" .
cp good.vgt unreadable.vgt
chmod 0 unreadable.vgt
cp cut.vgt fixed.vgt
chmod 444 fixed.vgt
mkdir -m 555 readonly
if as_nobody test -x "$VGT" && as_nobody test -r good.vgt; then
	nobody_says() {
		as_nobody "$VGT" "$@"
	}
	one_line 2 "unreadable.vgt: cannot open the trace: Permission denied" \
		nobody_says info unreadable.vgt
	one_line 2 "unreadable.vgt: cannot open the trace: Permission denied" \
		nobody_says replay unreadable.vgt
	one_line 2 "unreadable.vgt: cannot open the trace: Permission denied" \
		nobody_says recover unreadable.vgt
	one_line 2 "readonly: cannot write there: Permission denied" \
		nobody_says replay --out readonly good.vgt
	one_line 2 "readonly/x: cannot make the directory: Permission denied" \
		nobody_says replay --out readonly/x good.vgt
	one_line 2 "fixed.vgt: cannot change the trace: Permission denied" \
		nobody_says recover fixed.vgt
	one_line 2 "readonly/x.vgt: cannot create: Permission denied" \
		nobody_says recover -o readonly/x.vgt cut.vgt
else
	echo "cli/badinput: not tried, nobody cannot come here: files without permission" >&2
fi
one_line 2 "none/none: cannot make the directory: No such file or directory" \
	"$VGT" replay --out none/none good.vgt
one_line 2 "text.vgt: is not a directory" "$VGT" replay --out text.vgt good.vgt
one_line 2 "text.vgt/x: cannot make the directory: Not a directory" \
	"$VGT" replay --out text.vgt/x good.vgt
one_line 2 "good.vgt: exists; use --force to replace it" "$VGT" recover -o good.vgt cut.vgt
one_line 2 "none/x.vgt: cannot create: No such file or directory" \
	"$VGT" recover -o none/x.vgt cut.vgt
one_line 2 "recover needs a file, not standard input" shell 'cat "$1" | "$0" recover -' cut.vgt
usage "recover needs a file, not standard input" "$VGT" recover -
usage "recover needs a file, not standard input" \
	shell 'cat "$1" | "$0" recover -o never -' cut.vgt
usage "a trace cannot be written to standard output" "$VGT" recover -o - cut.vgt
expect_exit 2 shell '"$0" info "$1" >/dev/full' good.vgt
expect_stderr "vgt: cannot write to standard output: No space left on device" \
	shell '"$0" info "$1" >/dev/full' good.vgt

# A pager that cannot be started: what it would have shown is shown. One that is no command, or a
# line of them; what is in LESS does not turn the colours into garbage.
if has_terminals; then
	chmod -x text.vgt
	expect_exit 0 "$VGT" dump good.vgt
	lines=$(wc -l <"$TMP/.stdout")
	for pager in ./missing ./text.vgt "./missing --option" "NO=such ./missing"; do
		expect_exit 0 on_terminal "NO_COLOR=1 PAGER='$pager' '$VGT' dump good.vgt"
		expect_exit 0 [ "$(wc -l <"$TMP/.stdout")" -ge "$lines" ]
		expect_stdout_match "^@3 " on_terminal "NO_COLOR=1 PAGER='$pager' '$VGT' dump good.vgt"
	done
	expect_stdout_match "^@3 " on_terminal "NO_COLOR=1 PAGER=' ' '$VGT' dump good.vgt @3"
	expect_stdout_match "^one: @3 " \
		on_terminal "NO_COLOR=1 PAGER='cat | sed s/^/one:\\ /' '$VGT' dump good.vgt @3"
	expect_stdout_match "^nothing" on_terminal "PAGER='echo nothing; exit 1' '$VGT' dump good.vgt @3"
	# one that is left early
	expect_exit 0 on_terminal "PAGER='head -n 1' '$VGT' dump --full good.vgt"
	if command -v less >/dev/null; then
		# it leaves at once where all fits
		for set in "unset PAGER LESS" "unset PAGER; export LESS=-S" \
			"unset LESS; export PAGER=less" "export LESS=-S PAGER=less"; do
			expect_stdout_match $'\033\\[33m@[0-9]+\033' \
				on_terminal "$set; '$VGT' dump good.vgt op=RESOURCE_UNREF"
		done
	fi
fi

# Wrong usage.
for range in x 9-3 - 1,,2 "," "" -1 1-2-3 1.5 99999999999999999999 "1 2"; do
	usage ".*range.*" "$VGT" replay --frames "$range" good.vgt
done
usage "no such rule 'vsync': auto, marker, flush, readback or submit" \
	"$VGT" replay --frame=vsync good.vgt
usage "--drop knows only 'draws'" "$VGT" replay --drop=frames good.vgt
for number in 0 -1 x "" 1x 1000001; do
	usage "--loop must be a number from 1 to 1000000, not '$number'" \
		"$VGT" replay --loop "$number" good.vgt
done
usage "--timeout must be a number from 1 to 86400, not '0'" "$VGT" replay --timeout 0 good.vgt
for command in info replay recover; do
	if [ $command != info ]; then # which takes several
		usage "$command takes one trace" "$VGT" $command
		usage "$command takes one trace" "$VGT" $command good.vgt good.vgt
	fi
	usage "unknown option '--frobnicate'" "$VGT" $command --frobnicate good.vgt
	usage "unknown option '-x'" "$VGT" $command -x good.vgt
done
usage "option '--out' needs a value" "$VGT" replay good.vgt --out
usage "option '--json' takes no value" "$VGT" info --json=1 good.vgt
usage "--loop cannot read standard input again" "$VGT" replay --loop 2 -
