#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154,SC2164 # shell() expands; lib.sh sets cli_status, and -e
# Traces rewritten: vgt repack and vgt cut. What they write is what they read, they replace a file
# whole or not at all, and leave nothing else behind.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128

traces=$PWD/traces
mkdir "$TMP/work"
cd "$TMP/work"
cp "$traces/gears.vgt" good.vgt

# expect_files NAME...: just these are in the directory.
expect_files() {
	expect_stdout "$(printf '%s\n' "$@" | sort)" ls -A
}

# records FILE: its record stream without CHUNK records, which begin where VGTCHUNK stands less 16.
records() {
	zstd -dcq "$1" >"$TMP/stream"
	local begin=0 at places

	mapfile -t places < <(grep -abo VGTCHUNK "$TMP/stream" | cut -d : -f 1)
	for at in "${places[@]}"; do
		tail -c +$((begin + 1)) "$TMP/stream" | head -c $((at - 16 - begin))
		begin=$((at + 64))
	done
	tail -c +$((begin + 1)) "$TMP/stream"
}

# same_records A B
same_records() {
	records "$1" >"$TMP/records.1"
	records "$2" >"$TMP/records.2"
	expect_exit 0 cmp "$TMP/records.1" "$TMP/records.2"
}

shell() {
	timeout 60 bash -c "$1" "$VGT" "$2"
}

trace_id() {
	"$VGT" info "$1" | sed -n 's/.*, id //p'
}

# Repack in place: smaller, whole, the same records, the same mode, nothing beside it.
cp good.vgt x.vgt
chmod 640 x.vgt
expect_exit 0 "$VGT" repack -1 x.vgt
fast=$(stat -c %s x.vgt)
expect_stderr_match "^vgt: x.vgt: $fast -> [0-9]+ bytes \([0-9.]+ %\)$" "$VGT" repack x.vgt
expect_stdout "" "$VGT" repack x.vgt
small=$(stat -c %s x.vgt)
expect_exit 0 [ "$small" -lt "$fast" ]
expect_stdout 640 stat -c %a x.vgt
expect_files good.vgt x.vgt
same_records good.vgt x.vgt
expect_exit 0 zstd -q -t x.vgt
expect_exit 0 "$VGT" info x.vgt
expect_stdout "$(trace_id good.vgt)" trace_id x.vgt
expect_stderr "" "$VGT" repack --quiet -19 x.vgt
expect_exit 0 [ "$(stat -c %s x.vgt)" -eq "$small" ]

# The level, as other compressors take it; through a symbolic link, which stays one.
ln -s x.vgt link.vgt
expect_exit 0 "$VGT" repack -q -1 -9 link.vgt
expect_exit 0 [ -L link.vgt ]
nine=$(stat -c %s x.vgt)
expect_exit 0 [ "$nine" -lt "$fast" ]
expect_exit 0 "$VGT" repack -q link.vgt -9
expect_exit 0 [ "$(stat -c %s x.vgt)" -eq "$nine" ]
rm link.vgt

# Into another file, from a pipe too.
expect_exit 0 "$VGT" repack -o y.vgt good.vgt
same_records good.vgt y.vgt
expect_exit 0 cmp "$traces/gears.vgt" good.vgt
expect_stderr "vgt: y.vgt: exists; use --force to replace it" "$VGT" repack -o y.vgt good.vgt
expect_exit 2 "$VGT" repack -o y.vgt good.vgt
expect_exit 0 "$VGT" repack --force -1 -o y.vgt good.vgt
expect_exit 0 [ "$(stat -c %s y.vgt)" -eq "$fast" ]
rm y.vgt
expect_stderr "vgt: y.vgt: $fast bytes" shell 'cat "$1" | "$0" repack -1 -o y.vgt -' good.vgt
same_records good.vgt y.vgt
rm x.vgt y.vgt

# The same frames and answers as before.
expect_exit 0 "$VGT" replay --quiet --verify good.vgt
frames=$(cat "$TMP/.stdout")
cp good.vgt x.vgt
expect_exit 0 "$VGT" repack -q x.vgt
expect_stdout "$frames" "$VGT" replay --quiet --verify x.vgt
expect_exit 0 "$VGT" replay --quiet --verify x.vgt

# A cut: the first frames of it, a trace of its own, each command answered as in the whole.
expect_stderr_match "^vgt: cut.vgt: 5 frames, [0-9]+ commands, [0-9]+ bytes$" \
	"$VGT" cut good.vgt --frames 0-4 -o cut.vgt
expect_exit 0 "$VGT" info cut.vgt
expect_stdout_match "^FRAME +5$" "$VGT" info --all cut.vgt
expect_stdout_match "^end.reason +cut$" "$VGT" info --all cut.vgt
expect_exit 1 shell '"$0" info --all "$1" | grep -q ring.path' cut.vgt
expect_exit 0 [ "$(trace_id cut.vgt)" != "$(trace_id good.vgt)" ]
expect_stdout "$(head -n 5 <<<"$frames")" "$VGT" replay --quiet --verify cut.vgt
expect_exit 0 "$VGT" replay --quiet --verify cut.vgt
# its records are those of the whole up to some point, but for the ring's name and the end
records good.vgt >"$TMP/records.1"
records cut.vgt >"$TMP/records.2"
first=$((($(od -An -tu4 -N4 "$TMP/records.1") + 7) / 8 * 8)) # META ring.path
end=$(($(stat -c %s "$TMP/records.2") - 32)) # META end.reason=cut
expect_exit 0 cmp -n "$end" "$TMP/records.2" <(tail -c +$((first + 1)) "$TMP/records.1")
expect_exit 0 "$VGT" repack -q cut.vgt
expect_stdout "$(head -n 5 <<<"$frames")" "$VGT" replay --quiet --verify cut.vgt
# all of it, and a cut of a cut
last=$(($(wc -l <<<"$frames") - 1))
expect_exit 0 "$VGT" cut -q good.vgt --frames 0-$last -o all.vgt
expect_stdout "$frames" "$VGT" replay --quiet --verify all.vgt
expect_exit 0 shell '"$0" cut -q - --frames 0 --force -o all.vgt <"$1"' cut.vgt
expect_stdout "$(head -n 1 <<<"$frames")" "$VGT" replay --quiet --verify all.vgt
expect_stderr "vgt: good.vgt: there is no frame $((last + 1)): the trace has $((last + 1)) frames" \
	"$VGT" cut good.vgt --frames 0-$((last + 1)) -o none.vgt
expect_exit 2 "$VGT" cut good.vgt --frames 0-$((last + 1)) -o none.vgt
rm all.vgt cut.vgt x.vgt
expect_files good.vgt

# A trace without tail is repaired; damage is left alone, and so is what is no trace.
# chunks_end FILE: where its tail begins (a skippable frame that has VGTINDEX)
chunks_end() {
	echo $(($(grep -abo VGTINDEX "$1" | tail -n 1 | cut -d : -f 1) - 8))
}
size=$(stat -c %s good.vgt)
end=$(chunks_end good.vgt)
head -c "$end" good.vgt >cut.vgt
expect_exit 5 "$VGT" info cut.vgt
expect_stderr "vgt: cut.vgt: the end was missing; it has its tail now" "$VGT" repack -q cut.vgt
expect_exit 0 "$VGT" info cut.vgt
expect_stdout_match "^end.reason +recovered$" "$VGT" info --all cut.vgt
records good.vgt >"$TMP/records.1"
records cut.vgt >"$TMP/records.2"
expect_exit 0 cmp -n "$(stat -c %s "$TMP/records.1")" "$TMP/records.1" "$TMP/records.2"
rm cut.vgt

# refused STATUS REGEX COMMAND...: this exit status, one line, and no file touched.
refused() {
	local status=$1 expected="^vgt: $2\$" before

	shift 2
	before=$(find . -mindepth 1 -printf '%p %y %m %s %T@ %C@\n' | sort)
	expect_exit "$status" "$@"
	[ ! -s "$TMP/.stdout" ] || fail "nothing on stdout" "$@"
	grep -Eq "$expected" "$TMP/.stderr" || fail "on stderr: $expected" "$@"
	[ "$(grep -vc '^try ' "$TMP/.stderr")" -eq 1 ] || fail "one line" "$@"
	[ "$(find . -mindepth 1 -printf '%p %y %m %s %T@ %C@\n' | sort)" = "$before" ] ||
		fail "no file changed" "$@"
}

cp good.vgt bad.vgt
printf 'abcd' | dd of=bad.vgt bs=1 seek=$((size * 85 / 100)) conv=notrunc status=none
printf 'this is text, and not so little' >text.vgt
: >empty.vgt
mkdir directory
for file in bad.vgt text.vgt empty.vgt; do
	refused 1 "$file: .*[a-z].* \(byte [0-9]+\)" "$VGT" repack $file
	refused 1 "$file: .*[a-z].* \(byte [0-9]+\)" "$VGT" repack -o new.vgt $file
	refused 1 "$file: .*[a-z].* \(byte [0-9]+\)" \
		"$VGT" cut --frames "0-$last" -o new.vgt $file
done
# damage behind the cut is none of its business
expect_exit 0 "$VGT" cut -q --frames 0 -o new.vgt bad.vgt
rm new.vgt
for command in "repack" "repack -o new.vgt" "cut --frames 0-1 -o new.vgt"; do
	# shellcheck disable=SC2086
	{
		refused 2 "missing.vgt: cannot open the trace: No such file or directory" \
			"$VGT" $command missing.vgt
		refused 2 "directory: is a directory" "$VGT" $command directory
	}
done
for command in "repack" "cut --frames 0-1"; do
	# shellcheck disable=SC2086
	{
		refused 2 "bad.vgt: exists; use --force to replace it" \
			"$VGT" $command -o bad.vgt good.vgt
		refused 2 "directory: is a directory" "$VGT" $command --force -o directory good.vgt
		refused 2 "none/x.vgt: cannot create: No such file or directory" \
			"$VGT" $command -o none/x.vgt good.vgt
		refused 2 "/dev/null: is not a file" "$VGT" $command --force -o /dev/null good.vgt
	}
done

# What lies behind the last whole chunk is not lost in place; elsewhere it is left out, and told.
for torn in $((size - 1 - end)) $((size - 1000 - end)) 1; do
	head -c $((end + torn)) good.vgt >torn.vgt
	if [ "$torn" -lt 0 ]; then
		torn="[1-9][0-9]*"
	fi
	refused 2 "torn.vgt: ends within a chunk: $torn bytes would be lost; use -o OUT, or \`vgt recover\`" \
		"$VGT" repack torn.vgt
	expect_stderr_match \
		"^vgt: new.vgt: the end was missing; it has its tail now \($torn bytes of a torn chunk left out\)$" \
		"$VGT" repack -q -o new.vgt torn.vgt
	expect_exit 0 "$VGT" info new.vgt
	expect_stdout_match "^end.reason +recovered$" "$VGT" info --all new.vgt
	records new.vgt | head -c -40 >"$TMP/records.2" # without META end.reason=recovered
	expect_exit 0 cmp -n "$(stat -c %s "$TMP/records.2")" "$TMP/records.1" "$TMP/records.2"
	rm new.vgt torn.vgt
done

# No trace over itself, by whatever name, and none to standard output.
ln -s good.vgt link.vgt
ln good.vgt hard.vgt
mkdir beside
for out in good.vgt ./good.vgt link.vgt hard.vgt beside/../good.vgt "$PWD/good.vgt"; do
	for command in "repack" "cut --frames 0" "repack --force" "cut --frames 0 --force"; do
		# shellcheck disable=SC2086
		{
			refused 2 "OUT is FILE: '$out' would replace its own source" \
				"$VGT" $command -o "$out" good.vgt
			refused 2 "OUT is FILE: '$out' would replace its own source" \
				shell "\"\$0\" $command -o '$out' - <\"\$1\"" good.vgt
		}
	done
	refused 2 "OUT is FILE: '$out' would replace its own source" \
		"$VGT" recover -o "$out" good.vgt
done
refused 2 "OUT is FILE: 'good.vgt' would replace its own source" \
	"$VGT" cut --frames 0 --force -o good.vgt link.vgt
rm -r link.vgt hard.vgt beside
for command in "repack" "cut --frames 0" "repack --force" "cut --frames 0 --force" recover; do
	# shellcheck disable=SC2086
	{
		refused 2 "a trace cannot be written to standard output" \
			"$VGT" $command -o - good.vgt
		refused 2 "OUT is empty" "$VGT" $command -o "" good.vgt
	}
done

# Wrong usage.
refused 2 "standard input cannot be replaced; use -o OUT" "$VGT" repack -
refused 2 "cut needs a new file, -o OUT" "$VGT" cut --frames 0-1 good.vgt
refused 2 "cut needs --frames 0-N" "$VGT" cut -o new.vgt good.vgt
for range in 1 1-2 10- 0-1,3-4 1,0; do
	refused 2 "--frames must be one range that begins at 0, not '$range': .*" \
		"$VGT" cut --frames $range -o new.vgt good.vgt
done
refused 2 "--frames must have an end, like 0-9, not '0-'" \
	"$VGT" cut --frames 0- -o new.vgt good.vgt
for range in x "" 2-1 @5 0-@5; do
	refused 2 "'$range' is .*range.*" "$VGT" cut --frames "$range" -o new.vgt good.vgt
done
for level in -0 -20 -99 -999999999999; do
	refused 2 "the level must be -1 to -19" "$VGT" repack $level good.vgt
done
for command in repack "cut --frames 0 -o new.vgt"; do
	# shellcheck disable=SC2086
	{
		refused 2 "${command%% *} takes one trace" "$VGT" $command
		refused 2 "${command%% *} takes one trace" "$VGT" $command good.vgt good.vgt
		refused 2 "unknown option '--frobnicate'" \
			"$VGT" $command --frobnicate good.vgt
		expect_stdout_match "^usage: vgt ${command%% *} " "$VGT" ${command%% *} --help
	}
done

# Interrupted: FILE as it was, and nothing beside it. The pipe holds it up in the middle.
rm -r bad.vgt text.vgt empty.vgt directory
mkfifo pipe
for number in INT TERM HUP; do
	for command in "repack -q" "cut -q --frames 0-$last"; do
		# shellcheck disable=SC2086
		env --default-signal=$number "$VGT" $command --force -o good.vgt - <pipe &
		vgt=$!
		exec 9>pipe
		head -c 17000 good.vgt >&9
		for ((i = 0; i < 100; i++)); do
			set -- .vgt-*.tmp
			[ ! -e "$1" ] || break
			sleep 0.05
		done
		expect_exit 0 [ -e "$1" ]
		kill -$number $vgt
		status=0
		wait $vgt || status=$?
		exec 9>&-
		expect_exit 0 [ $status -gt 128 ]
		expect_files good.vgt pipe
		expect_exit 0 cmp "$traces/gears.vgt" good.vgt
	done
done
rm pipe

# While it is being recorded: who holds the file's lock records.
refused 2 "good.vgt: is still being recorded" flock good.vgt "$VGT" repack good.vgt

# No room: said, and nothing is left.
refused 2 "x.vgt: cannot write the trace: File too large" \
	shell 'ulimit -f 8; "$0" repack -o x.vgt "$1"' good.vgt
expect_files good.vgt
