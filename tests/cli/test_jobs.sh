#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # jq and shell() expand; lib.sh sets cli_status and build
# `vgt test` with several tests at a time, parts of a suite, and failures that the manifest expects. The renderer is the
# stub's; what a test does is said by act/NAME, which a player of the test's own reads.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

use_stub_renderer
junit=$PWD/tests/junit.xsd
for needed in jq xmllint; do
	command -v $needed >/dev/null || skip "no $needed"
done
cd "$TMP"
mkdir tmp suite bin act state
export TMPDIR=$TMP/tmp

# One trace with its goldens under several names, and what one of its frames is not like.
stub_record suite/a --frames 4
timeout 60 "$VGT" replay --quiet --frames 0,2 --out suite/a suite/a.vgt >/dev/null
for name in b c d; do
	cp suite/a.vgt suite/$name.vgt
	cp -R suite/a suite/$name
done
"$build/tests/mkpng" wrong.png 64x48 336699ff
cp "$VGT" bin/vgt
VGT=$TMP/bin/vgt
cat >bin/vgt-player <<-END
	#!/bin/bash
	[ "\$1" != --probe ] || exec "$build/vgt-player" --probe
	name=\$(basename "\${@: -1}" .vgt)
	until_there() {
		for _ in \$(seq 400); do ! is_there "\$1" || return 0; sleep 0.05; done
		exit 99
	}
	is_there() { [ -e "$TMP/state/\$1" ]; }
	there() { : >"$TMP/state/\$1"; }
	rest() { echo \$\$ >>"$TMP/state/players" && there "\$1" && exec sleep 600; }
	[ ! -e "$TMP/act/\$name" ] || . "$TMP/act/\$name"
	exec "$build/vgt-player" "\$@"
END
chmod +x bin/vgt-player

vgt_test() {
	timeout 60 "$VGT" test "$@"
}
# does NAME TEXT: the player's part
does() {
	echo "$2" >"act/$1"
}
again() {
	rm -rf state act out vgt-test-out
	mkdir state act
}
verdicts() { # of stdout, in the order of the names
	sed -n 's/^\(pass\|flaky\|known\|skip\|FIXED\|ERROR\|FAIL\|CRASH\|HANG\) *\([a-z]*\): .*/\2 \1/p' "$TMP/.stdout" | sort |
		xargs
}
nothing_left() {
	expect_equal "temporary files of $1" "" "$(ls -A tmp)"
	if [ -e state/players ]; then
		while read -r player; do
			expect_exit 1 kill -0 "$player"
		done <state/players
	fi
}

# Two run at once: the first waits for the second, or for what is said of it. Text comes as they end, all else in the order of the suite.
two_at_once() {
	again
	does a 'until_there b'
	does b 'there b'
}
again
does a 'for _ in $(seq 400); do ! grep -q "^pass  b" "'"$TMP"'/.stdout" || break; sleep 0.05; done'
expect_exit 0 vgt_test -j 2 suite a b
expect_equal "text" "b a" "$(sed -n 's/^pass  \([a-z]\): 2 frames, .*/\1/p' "$TMP/.stdout" | xargs)"
two_at_once
expect_exit 0 vgt_test -j 2 --json --junit junit.xml --html page.html --out out suite
cp "$TMP/.stdout" lines
expect_equal "JSON" "run a b c d summary" "$(jq -r '.name // .event' lines | xargs)"
expect_equal "JUnit" "a b c d" "$(xmllint --xpath '//testcase/@name' junit.xml | xargs | sed 's/name=//g')"
expect_exit 0 grep -q '</html>' page.html
expect_equal "what --out has" "$(jq -c 'del(.seconds)' lines)" "$(jq -c 'del(.seconds)' out/results.jsonl)"
expect_equal "where it was run" '"0.1.0 suite 2 1 1 4"' \
	"$(jq -c 'select(.event == "run") | "\(.vgt) \(.suite) \(.jobs) \(.shard) \(.shards) \(.tests)"' lines |
		sed "s/$("$VGT" --version | sed 's/vgt //')/0.1.0/")"
nothing_left "two at once"
# the environment that changes pictures, and no more of it
expect_exit 0 env LP_NUM_THREADS=1 MESA_SHADER_CACHE_DIR=/home/someone VGT_SECRET=x "$VGT" test --json suite
expect_equal "environment" '"1" null null' "$(jq -r 'select(.event == "run").environment |
	"\(.LP_NUM_THREADS | tojson) \(.MESA_SHADER_CACHE_DIR) \(.VGT_SECRET)"' "$TMP/.stdout")"
# the control: one at a time does not come to its end so
two_at_once
does a 'is_there b || exit 99'
expect_exit 1 vgt_test -j 1 --json suite a b
again
for jobs in 1 2 7; do
	expect_exit 0 vgt_test -j $jobs --json suite
	jq -c 'del(.seconds, .date, .jobs)' "$TMP/.stdout" >jobs-$jobs
done
expect_exit 0 cmp jobs-1 jobs-2
expect_exit 0 cmp jobs-1 jobs-7
expect_exit 0 vgt_test suite
expect_stdout "" vgt_test --quiet suite

# Usage.
for option in "-j 0" "--jobs=x" "-j 5000" "--shard=0/2" "--shard=3/2" "--shard=1" "--shard=1/x" "--shard=/" "--shard=1/2/3" \
	"--html=wrong.png/page" "--junit=wrong.png/page" "--filter=z*" "--filter=!*" "--filter=tag:none" "--suite=suite" \
	--junit= --html= --out=; do
	# shellcheck disable=SC2086
	expect_exit 2 vgt_test $option suite
	expect_equal "lines of complaint about $option" 1 "$(grep -c '^vgt: ' "$TMP/.stderr")"
	expect_equal "stdout with $option" "" "$(cat "$TMP/.stdout")"
done
expect_exit 2 vgt_test --list --jobs 2 --html x suite

# A process that dies is an error of its test; its player goes with it.
for signal in KILL TERM SEGV; do
	again
	does b "kill -$signal \$PPID; rest b"
	expect_exit 2 vgt_test -j 2 suite
	expect_equal "verdicts after $signal" "a pass b ERROR c pass d pass" "$(verdicts)"
	expect_equal "reasons after $signal" 1 "$(grep -Ec \
		'^ERROR b: the process that ran it was ended \((Killed|Terminated|Segmentation fault)' "$TMP/.stdout")"
	nothing_left "$signal"
done

# Interrupts: all players end, what was done is told and written, nothing stays.
interrupt() { # SIGNAL JOBS; players b and c rest
	again
	does b 'rest b'
	does c 'rest c'
	set -m # so that SIGINT is not ignored, and there is a group of processes as a terminal has it
	(ulimit -c 0 && exec "$VGT" test -j "$2" --junit junit.xml --out out suite) >interrupted.out 2>interrupted.err &
	pid=$!
	set +m
	for _ in $(seq 400); do
		[ ! -e state/b ] || [ ! -e state/c ] || break
		sleep 0.05
	done
	[ -e state/b ] && [ -e state/c ]
	kill "-$1" -- "$([ "$1" = INT ] && echo "-$pid" || echo $pid)"
	status=0
	wait $pid || status=$?
}
for signal in INT TERM HUP; do
	interrupt $signal 3
	expect_equal "status after $signal" $((128 + $(kill -l $signal))) $status
	expect_exit 0 grep -Eq '^vgt: suite: [0-2] of 4 passed in .* s, interrupted$' interrupted.err
	nothing_left $signal
	expect_equal "its results" "$(grep -c '^pass' interrupted.out) true" \
		"$(jq -r 'select(.event == "test").verdict' out/results.jsonl | grep -c pass || true) $(
			jq 'select(.event == "summary").interrupted' out/results.jsonl)"
	expect_exit 0 xmllint --noout --schema "$junit" junit.xml
	expect_equal "what was not run, in JUnit" 1 "$(xmllint --xpath \
		'string(//error[../@name = "tests that were not run"]/@message)' junit.xml |
		grep -Ec '^[2-4] of 4 tests have no result: the run was interrupted$')"
	expect_exit 2 vgt_test --merge out
	expect_stderr_match '^vgt: out: has results of [0-2] of 4 tests: it was interrupted$' vgt_test --merge out
done
# vgt itself is killed: nobody can tidy up, but nothing goes on
interrupt KILL 3
for _ in $(seq 400); do
	# shellcheck disable=SC2046
	kill -0 $(cat state/players) 2>/dev/null || break
	sleep 0.05
done
while read -r player; do
	expect_exit 1 kill -0 "$player"
done <state/players
rm -rf tmp/*

# On a terminal there is a line that says what runs; elsewhere there is none.
if has_terminals; then
	again
	does b 'sleep 1'
	expect_stdout_match $'^\\[[0-9]/2\\]: (a, )?b\r' on_terminal "$VGT" test -j 2 suite a b
	expect_exit 0 vgt_test -j 2 suite a b
	expect_equal "progress in a pipe" 1 "$(wc -l <"$TMP/.stderr")"
fi

# Which tests.
names() {
	"$VGT" test --list --quiet "$@" suite | xargs
}
printf '{"version": 1, "traces": [{"name": "d", "tags": ["big"]}, {"name": "b", "tags": ["big", "x"]},
	{"name": "a", "tags": ["x"]}, {"name": "c"}]}' >suite/manifest.json
expect_equal "all" "d b a c" "$(names)"
expect_equal "a glob" "b a" "$(names --filter '[ab]')"
expect_equal "a tag" "d b" "$(names --filter tag:big)"
expect_equal "two" "d b a" "$(names --filter tag:big --filter a)"
expect_equal "two, by both options" "d b a" "$(names --tag big --filter a)"
expect_equal "left out" "d a c" "$(names --filter '!b')"
expect_equal "a tag left out" "d c" "$(names --filter '!tag:x')"
expect_equal "both" "d" "$(names --filter tag:big --filter '!tag:x')"
expect_equal "names and filters" "b" "$("$VGT" test --list --quiet --filter tag:big suite a b | xargs)"
expect_equal "the first part" "a c" "$(names --shard 1/2 | tr ' ' '\n' | sort | xargs)"
for shards in 1 2 3 4 9; do
	expect_equal "$shards parts" "a b c d" \
		"$(for shard in $(seq $shards); do names --shard "$shard/$shards"; done | tr ' ' '\n' | sort | xargs)"
done
expect_exit 0 vgt_test --shard 9/9 --out out suite
expect_stderr_match '^vgt: suite: 0 of 0 passed in ' vgt_test --shard 9/9 suite
expect_equal "why" "vgt: shard 9/9 has no tests" "$(head -n 1 "$TMP/.stderr")"

# What each verdict comes to.
again
does crash 'export STUB_VIRGL_CRASH=2'
does hang 'export STUB_VIRGL_HANG=2'
for name in crash hang fail weak; do
	cp suite/a.vgt suite/$name.vgt
	cp -R suite/a suite/$name
done
cp wrong.png suite/fail/frame-0002.png
cp wrong.png suite/weak/frame-0002.png
does weak 'export STUB_VIRGL_LESS=1'
suite_of() { # EXPECTATIONS NAME...
	printf '{"version": 1, "expect": [%s], "traces": [%s]}\n' "$1" "$(printf '{"name": "%s"},' "${@:2}" | sed 's/,$//')" \
		>suite/manifest.json
}
# expect_suite STATUS VERDICTS EXPECTATIONS NAME...
expect_suite() {
	suite_of "$3" "${@:4}"
	expect_exit "$1" vgt_test --timeout 1 --junit junit.xml --out out suite
	expect_equal "verdicts with $3" "$2" "$(verdicts)"
	cp "$TMP/.stdout" stdout
	cp "$TMP/.stderr" stderr
	expect_exit 0 xmllint --noout --schema "$junit" junit.xml
}
expect_suite 1 "a pass crash CRASH fail FAIL hang HANG weak skip" "" a crash fail hang weak
expect_equal "addresses" "CRASH HANG" "$(sed -n \
	's/^\([A-Z]*\) *[a-z]*: @39: renderer \(crashed (Segmentation fault)\|hung for 1 s\) in SUBMIT_3D.*/\1/p' stdout |
	sort | xargs)"
expect_exit 0 grep -Eq "^skip  weak: differs, but this host has less than the recording's: " stdout
expect_equal "where it differs" 1 "$(sed -n '/^skip  weak/,/^[a-zA-Z]/p' stdout | grep -c '^      frame 2 (@40): ')"
expect_equal "what is decoded" "@39 SUBMIT_3D|@39 SUBMIT_3D|  @39.9 DRAW_VBO" "$(for name in crash hang fail; do
	jq -r --arg name $name 'select(.name == $name).commands' out/results.jsonl | grep -Eo -m 1 '^@39 SUBMIT_3D|^ *@[0-9.]* DRAW_VBO'
done | sed 's/@[0-9.]* DRAW/@39.9 DRAW/' | paste -sd '|')"
expect_equal "lacks" 1 "$(jq -r 'select(.name == "weak").lacks' out/results.jsonl | grep -c glsl)"
expect_equal "JUnit" "1 3 0" "$(for count in 'failure[@type="crash"]' failure error; do
	xmllint --xpath "count(//testcase/$count)" junit.xml; done | xargs)"
expect_suite 0 "a pass crash known fail known hang known weak skip" '{"traces": "crash", "result": "crash", "reason": "bug 1"},
	{"traces": "hang", "result": "hang", "reason": "bug 2"}, {"traces": "fail", "result": "fail", "reason": "bug 3"}' \
	a crash fail hang weak
expect_exit 0 grep -q '^known crash: expected to crash: bug 1$' stdout
expect_equal "named" "vgt: known: crash, fail, hang" "$(grep '^vgt: known' stderr)"
expect_equal "known in JUnit" "4 0" "$(for count in skipped failure; do
	xmllint --xpath "count(//testcase/$count)" junit.xml; done | xargs)"
# what a host lacks excuses nothing where draws are left out, the manifest expects something else, or the golden
# that decides is this renderer's own; then it counts as failed with --no-skip, in all that is written
suite_of "" weak
expect_exit 1 vgt_test --drop=draws --out out suite
expect_exit 1 vgt_test --no-skip --json --junit junit.xml --html page.html --out out suite
expect_equal "not skipped" "fail 1 0" "$(jq -r 'select(.event == "test").verdict, (select(.event == "summary") | .fail, .skip)' \
	"$TMP/.stdout" | xargs)"
expect_equal "not skipped in JUnit" "1 0" "$(for count in failure skipped; do
	xmllint --xpath "count(//testcase/$count)" junit.xml; done | xargs)"
expect_stderr_match '^vgt: suite: 0 of 1 passed, 1 failed in ' vgt_test --no-skip --out out suite
expect_suite 1 "weak FAIL" '{"traces": "weak", "result": "crash", "reason": "bug"}' weak
expect_suite 0 "weak known" '{"traces": "weak", "result": "fail", "reason": "bug"}' weak
mkdir suite/weak/mine
printf '{"version": 1, "renderers": [{"name": "heir", "inherits": "mine"}, {"name": "mine"}],
	"traces": [{"name": "weak"}]}\n' >suite/manifest.json
expect_stdout_match '^skip  weak: ' vgt_test --out out suite
cp wrong.png suite/weak/mine/frame-0002.png
expect_stdout_match '^FAIL  weak: frame 2 ' vgt_test --out out suite
rm -r suite/weak/mine
# not as expected: worse, better, otherwise
any='{"traces": "*", "result": "fail", "reason": "bug"}'
expect_suite 1 "a FIXED crash CRASH fail known" "$any" a crash fail
expect_equal "named" 'vgt: fixed, to be taken out of "expect": a' "$(grep '^vgt: fixed' stderr)"
expect_equal "fixed in JUnit" "passes, but is expected to fail: bug (by the manifest's expect[0])" \
	"$(xmllint --xpath 'string(//testcase[@name="a"]/failure/@message)' junit.xml)"
expect_suite 1 "a FIXED" "$any" a
expect_suite 1 "fail FAIL" '{"traces": "fail", "result": "crash", "reason": "bug"}' fail
expect_exit 0 grep -q 'it is expected to crash: bug, but not to do this$' stdout
expect_suite 0 "crash skip" '{"traces": "crash", "result": "skip", "reason": "takes the machine down"}' crash
expect_exit 0 grep -q '^skip  crash: takes the machine down$' stdout
# another renderer than this one
expect_suite 1 "crash CRASH" '{"traces": "crash", "renderer": "Voodoo*", "result": "crash", "reason": "bug"}' crash
# only in these frames
expect_suite 0 "fail known" '{"traces": "fail", "result": "fail", "frames": "2", "reason": "bug"}' fail
expect_suite 1 "fail FAIL" '{"traces": "fail", "result": "fail", "frames": "0", "reason": "bug"}' fail
# an error is none of these
suite_of "$any" none
expect_exit 2 vgt_test suite

# Retries: only of what is flaky, until it passes or has had them.
flaky='{"traces": "a", "result": "flaky", "retries": 3, "reason": "race"}'
does a 'echo >>"'"$TMP"'/state/runs"; [ $(wc -l <"'"$TMP"'/state/runs") -ge 3 ] || export STUB_VIRGL_CRASH=1'
expect_suite 0 "a flaky b pass" "$flaky" a b
expect_exit 0 grep -Eq '^flaky a: passed at attempt 3; before that: @[0-9]*: renderer crashed .*; @[0-9]*: renderer crashed' stdout
expect_equal "named" "vgt: flaky: a" "$(grep '^vgt: flaky' stderr)"
expect_equal "attempts" "3 1" "$(jq 'select(.event == "test").attempts' out/results.jsonl | xargs)"
expect_equal "flaky in JUnit" 0 "$(xmllint --xpath 'count(//failure | //skipped | //error)' junit.xml)"
expect_equal "noted in JUnit" 1 "$(xmllint --xpath 'string(//testcase[@name="a"]/system-out)' junit.xml | grep -c '^passed at attempt 3')"
expect_equal "what is kept" "" "$(find out -path 'out/[ab]/*')"
rm state/runs
expect_suite 1 "a CRASH b pass" '{"traces": "a", "result": "flaky", "retries": 1, "reason": "race"}' a b
expect_exit 0 grep -q '^      no better in 2 attempts; expected to be flaky: race$' stdout
rm state/runs
expect_suite 1 "a CRASH b pass" "" a b
expect_equal "without an expectation there is one" 1 "$(wc -l <state/runs)"
nothing_left "expectations"
