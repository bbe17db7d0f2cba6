#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # shell() expands; lib.sh sets cli_status
# `vgt test`: suites with and without manifest, what makes a test fail and how that is told, fetching, and
# what is left behind. The renderer is the stub; the suite that comes with the source is in traces.sh.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

use_stub_renderer
mkpng=$build/tests/mkpng
junit=$PWD/tests/junit.xsd
for needed in curl jq python3 xmllint; do
	command -v $needed >/dev/null || skip "no $needed"
done
cd "$TMP"
mkdir tmp work
export TMPDIR=$TMP/tmp XDG_CACHE_HOME=$TMP/cache
vgt_test() {
	timeout 60 "$VGT" test -j 1 "$@"
}

# What a shell makes of a command line with redirections; "$VGT" is $0 there.
shell() {
	timeout 60 bash -c "$1" "$VGT"
}

# Nothing of an earlier run, nothing of this one but what is said.
left_behind() { # WHAT EXPECTED
	expect_equal "$1: temporary files" "" "$(ls -A tmp)"
	expect_equal "$1: what is kept" "$2" "$(cd work && find . -type f | sort | sed 's|^\./||')"
	rm -rf work
	mkdir work
}

# Two traces, and a suite of them.
mkdir -p master/one master/two
stub_record master/one --frames 6
stub_record master/two --contexts 2 --frames 4
timeout 60 "$VGT" replay --quiet --frames 0,2-3 --out master/one master/one.vgt >/dev/null
timeout 60 "$VGT" replay --quiet --frames 1 --out master/two master/two.vgt >/dev/null
fresh() {
	rm -rf suite
	cp -R master suite
}
manifest() { # the members of the manifest but its version, by default two names
	fresh
	printf '{"version": 1, %s}\n' "${1:-"\"traces\": [{\"name\": \"one\"}, {\"name\": \"two\"}]"}" \
		>suite/manifest.json
}

# Without a manifest; with one; by its name.
fresh
cd work
expect_exit 0 vgt_test ../suite
expect_equal "results" "pass  one: 3 frames, N answers
pass  two: 1 frame, N answers" "$(sed 's/[0-9]* answers.*/N answers/' "$TMP/.stdout")"
expect_stderr_match '^vgt: \.\./suite: 2 of 2 passed in [0-9.]+ s$' vgt_test ../suite
expect_exit 0 vgt_test ../suite/
expect_stdout "" vgt_test --quiet ../suite
expect_stdout_match '^pass  two: ' vgt_test ../suite two
expect_equal "NAME selects" 1 "$(wc -l <"$TMP/.stdout")"
cd ..
left_behind "passed" ""
manifest
expect_exit 0 vgt_test suite
expect_exit 0 vgt_test suite/manifest.json two
expect_exit 0 shell 'cd suite && "$0" test -j 1 manifest.json'
manifest '"traces": [{"name": "one", "frames": "0,2-3", "rule": "auto", "tags": ["gl", "small"],
	"shows": "stripes"}, {"name": "again", "file": "one.vgt"}, {"name": "two", "tags": ["gl"]}]'
expect_stdout "one  [gl,small]  stripes
again
two  [gl]" vgt_test --list suite
expect_stdout "one  [gl,small]  stripes
two  [gl]" vgt_test --list --tag gl suite
expect_stdout "two  [gl]" vgt_test --list --tag gl suite two
expect_exit 2 vgt_test --tag blue suite
expect_stdout_match '^pass  again: no goldens, only played: 6 frames, [0-9]+ answers, ' vgt_test suite
expect_equal "status" 0 "$cli_status"

# Usage.
expect_exit 2 vgt_test
expect_stderr_match "^vgt: suite: no such trace 'onee', did you mean 'one'\?$" vgt_test suite onee
for typo in one.vgt suite/one.vgt ./onee.vgt; do
	expect_stderr "vgt: suite: no such trace '$typo', did you mean 'one'?" vgt_test suite $typo
done
expect_stderr_match "^vgt: missing: cannot open: No such file" vgt_test missing
expect_stderr_match "is a trace; test takes a directory" vgt_test suite/one.vgt
expect_stderr_match "^vgt: work: is no suite: neither manifest.json nor a trace" vgt_test work
expect_exit 2 vgt_test --json --quiet suite
expect_exit 2 vgt_test --drop=frames suite
expect_exit 2 vgt_test --timeout 0 suite
for option in --fetch --junit=x --out=x; do
	expect_stderr_match "^vgt: --list and ${option%=x} exclude each other$" vgt_test --list $option suite
	expect_equal "status" 2 "$cli_status"
done
expect_exit 2 vgt_test suite /etc
expect_exit 2 vgt_test /dev/null
expect_exit 2 env TMPDIR=/nowhere "$VGT" test -j 1 suite
expect_stderr_match '^vgt: /nowhere: cannot make a temporary directory: ' \
	env TMPDIR=/nowhere "$VGT" test -j 1 suite

# The positive control: without draws each trace fails, and the frames are kept.
fresh
cd work
expect_exit 1 vgt_test --drop=draws ../suite
expect_equal "verdicts" "FAIL one FAIL two" \
	"$(sed -n 's/^\(FAIL\)  \([a-z]*\): .*/\1 \2/p' "$TMP/.stdout" | xargs)"
expect_equal "frames that differ" 3 "$(grep -c 'frame [0-9]* (@[0-9]*): [0-9]* of [0-9]* pixels beyond 8, in .*; allowed: ' \
	"$TMP/.stdout")"
expect_exit 0 [ -s vgt-test-out/suite/one/frame-0002.actual.png ]
expect_exit 1 "$VGT" compare --threshold 8 ../suite/one/frame-0002.png \
	vgt-test-out/suite/one/frame-0002.actual.png
cd ..
left_behind "dropped draws" "$(printf 'vgt-test-out/suite/%s\n' one/frame-000{0,2}.{actual,difference,golden}.png \
	two/frame-0001.{actual,difference,golden}.png)"
expect_exit 1 vgt_test --drop=draws --out work/o --junit work/dropped.xml suite one
expect_equal "dropped, in the summary" 1 \
	"$(grep -Ec '^vgt: suite: 0 of 1 passed, 1 failed in [0-9.]+ s, with --drop=draws$' "$TMP/.stderr")"
expect_equal "dropped, in the results" draws "$(jq -r 'select(.event == "run").drop' work/o/results.jsonl)"
expect_equal "dropped, in JUnit" draws "$(xmllint --xpath 'string(//property[@name="drop"]/@value)' work/dropped.xml)"
rm work/dropped.xml
# what is told to look at is a command line, whatever the path
cp -R suite "it's a suite"
expect_exit 1 vgt_test --drop=draws --out work/o "it's a suite" one
line=$(sed -n 's/^ *look at it: vgt //p' "$TMP/.stdout")
expect_equal "a word of it in quotes" "dump 'it'\\''s a suite/one.vgt' 0 draw" "$line"
expect_exit 0 shell "\"\$0\" $line"
rm -r "it's a suite"
# the options of the tolerance, as they are told, give the verdict again
options=$(jq -r 'select(.event == "test").tolerance' work/o/results.jsonl)
expect_equal "options" "--metric difference --threshold 8 --max-pixels 0.5%" "$options"
# shellcheck disable=SC2086 # are words
expect_stdout_match ' pixels beyond 8, ' "$VGT" compare $options suite/one/frame-0002.png \
	work/o/one/frame-0002.actual.png
expect_exit 0 vgt_test --out work/o suite one
left_behind "what an earlier run has kept is gone" "o/results.jsonl"
# what other suites have kept stays, and what is the user's
fresh
cp -R suite other
cd work
expect_exit 1 vgt_test --drop=draws ../other one
mkdir -p vgt-test-out/suite/two o/one o/two
echo mine | tee o/one/log.txt >vgt-test-out/suite/notes
expect_exit 0 vgt_test ../suite
expect_exit 0 vgt_test --out o ../suite
expect_exit 0 [ -d o/two ]
expect_exit 0 [ -d vgt-test-out/suite/two ]
rm -r vgt-test-out
mkdir vgt-test-out
expect_exit 0 vgt_test ../suite
expect_exit 0 [ -d vgt-test-out ]
expect_exit 1 vgt_test --drop=draws ../other one
expect_exit 0 vgt_test ../suite
cd ..
left_behind "what is not of this suite" "o/one/log.txt
o/results.jsonl
$(printf 'vgt-test-out/other/one/frame-000%s.png\n' {0,2}.{actual,difference,golden})"
# links in its place: nothing behind them is changed
mkdir -p aim/one
touch aim/one/vgt-log.txt aim/one/frame-0000.actual.png aim/vgt-log.txt
find aim >before
for place in vgt-test-out vgt-test-out/suite vgt-test-out/suite/one; do
	mkdir -p "work/$(dirname $place)"
	ln -s "$TMP/aim" work/$place
	cd work
	for drop in "" --drop=draws; do
		expect_stdout_match " vgt-test-out/suite/one: $(basename $place) is a link, which is not followed$" \
			vgt_test $drop ../suite one
		expect_equal "status" 2 "$cli_status"
	done
	cd ..
	expect_equal "what a link leads to" "$(cat before)" "$(find aim)"
	expect_exit 0 [ -L work/$place ]
	left_behind "a link" ""
done
mkdir -p work/vgt-test-out/suite/one
for name in frame-0000.actual.png frame-0002.difference.png vgt-log.txt; do
	ln -s "$TMP/aim/one/$name" work/vgt-test-out/suite/one/
done
cd work
expect_exit 1 env STUB_VIRGL_CRASH=1 "$VGT" test -j 1 ../suite one
expect_exit 1 vgt_test --drop=draws ../suite one
cd ..
expect_equal "what links lead to" "$(cat before)" "$(find aim)"
expect_exit 0 [ ! -s aim/one/vgt-log.txt ]
rm -rf work/* other aim

# Goldens: another picture, another size, one that is missing, one too many, one that is none.
"$mkpng" other.png 32x16 ff0000ff
size=$("$VGT" replay --json --quiet --frames 0 suite/one.vgt 2>/dev/null |
	jq -r 'select(.event == "frame") | "\(.width)x\(.height)"')
"$mkpng" wrong.png "$size" 336699ff
expect_fail() { # REGEX
	cp "$TMP/.stdout" report 2>/dev/null || true
	expect_stdout_match "$1" vgt_test --out work/o suite one
	expect_equal "status of: $1" 1 "$cli_status"
}
cp wrong.png suite/one/frame-0003.png
expect_fail '^FAIL  one: frame 3 \(@[0-9]+\): [0-9]+ of [0-9]+ pixels beyond 8, in [0-9]+x[0-9]+ pixels at [0-9]+,[0-9]+; largest difference .*; allowed: at most 0.5% of the pixels beyond 8$'
expect_stdout_match '^      look at work/o/one/frame-0003.actual.png, golden suite/one/frame-0003.png,' \
	vgt_test --out work/o suite one
expect_stdout_match '^      look at it: vgt dump suite/one.vgt 3 draw$' vgt_test --out work/o suite one
expect_exit 0 "$VGT" dump suite/one.vgt 3 draw
expect_exit 0 "$VGT" compare master/one/frame-0003.png work/o/one/frame-0003.actual.png
cp other.png suite/one/frame-0003.png
expect_fail "^FAIL  one: frame 3 \(@[0-9]+\): $size pixels, its golden has 32x16"
: >suite/one/frame-0003.png
expect_fail '^FAIL  one: suite/one/frame-0003.png: '
# one whose pixels would need 1 GiB is not decoded
"$mkpng" suite/one/frame-0003.png 16384x16384 000000ff
if ! ldd "$VGT" | grep -q 'lib[at]san'; then
	expect_stdout_match "^FAIL  one: frame 3 \(@[0-9]+\): $size pixels, its golden has 16384x16384" \
		shell "ulimit -v 1000000; \"\$0\" test --out work/o suite one"
fi
# one that would never come
rm suite/one/frame-0003.png
mkfifo suite/one/frame-0003.png
expect_exit 2 vgt_test --out work/o suite one
expect_stdout_match '^ERROR one: suite/one/frame-0003.png: is no regular file$' \
	vgt_test --out work/o suite one
fresh
cp wrong.png suite/one/frame-0006.png
expect_fail '^FAIL  one: frame 6: is not in the trace, which has 6 frames$'
fresh
cp wrong.png suite/one/frame-7.png
expect_exit 2 vgt_test suite one
expect_stdout_match '^ERROR one: suite/one: frame-7.png must be named frame-0007.png$' vgt_test suite one
manifest '"traces": [{"name": "one", "frames": "0-3"}]'
expect_fail '^FAIL  one: frame 1 \(@[0-9]+\): has no golden; it shows work/o/one/frame-0001.actual.png$'
mkdir -p long
stub_record long/many --frames 30
printf '{"version": 1, "traces": [{"name": "many", "frames": "0-"}]}' >long/manifest.json
expect_exit 1 vgt_test --out work/long long
expect_equal "pictures that are kept" 20 "$(find work/long -name '*.png' | wc -l)"
manifest '"traces": [{"name": "one", "frames": "0"}]'
expect_fail '^FAIL  one: frame 2: has a golden, but is not among the manifest.s frames 0$'
manifest '"traces": [{"name": "one", "frames": "0,2-3,9"}]'
expect_fail '^FAIL  one: frame 9: is not in the trace, which has 6 frames$'

# The tolerance, of the suite and of one trace.
manifest '"tolerance": {"max_pixels": "100%"}, "traces": [{"name": "one"},
	{"name": "two", "tolerance": {"max_pixels": 0}}]'
cp wrong.png suite/one/frame-0000.png
cp "suite/two/frame-0001.png" keep.png
cp wrong.png suite/two/frame-0001.png
expect_exit 1 vgt_test --out work/o suite
expect_equal "tolerances" "pass one FAIL two" \
	"$(sed -n 's/^\([A-Za-z]*\)  \([a-z]*\): .*/\1 \2/p' "$TMP/.stdout" | xargs)"

# The trace: changed, damaged, cut, missing, a rule broken.
hash=$(sha256sum <master/one.vgt | cut -d ' ' -f 1)
bytes=$(stat -c %s master/one.vgt)
manifest '"traces": [{"name": "one", "sha256": "'"$hash"'", "bytes": '"$bytes"'}]'
expect_exit 0 vgt_test suite
cp suite/two.vgt suite/one.vgt
expect_fail '^FAIL  one: suite/one.vgt has changed: has [0-9]+ bytes, the manifest says [0-9]+$'
manifest '"traces": [{"name": "one", "sha256": "'"$hash"'"}]'
cp suite/two.vgt suite/one.vgt
expect_fail "^FAIL  one: suite/one.vgt has changed: has the SHA-256 [0-9a-f]+, the manifest says $hash$"
fresh
head -c $((bytes / 2)) master/one.vgt >suite/one.vgt
expect_fail '^FAIL  one: '
printf 'XXXX' | dd of=suite/one.vgt bs=1 seek=300 conv=notrunc status=none
expect_fail '^FAIL  one: '
: >suite/one.vgt
expect_fail '^FAIL  one: '
rm suite/one.vgt
mkfifo suite/one.vgt
expect_exit 2 vgt_test suite one
expect_stdout_match '^ERROR one: suite/one.vgt: is no regular file$' vgt_test suite one
manifest '"traces": [{"name": "none"}, {"name": "one"}]'
expect_exit 2 vgt_test suite
expect_stdout_match '^ERROR none: suite/none.vgt: cannot open: No such file' vgt_test suite
expect_stdout_match '^pass  one: ' vgt_test suite
mkdir -p rules
"$build/tests/mktrace" not-refused rules/broken.vgt
expect_exit 1 vgt_test --out work/o rules
expect_exit 1 "$VGT" verify rules/broken.vgt
expect_stdout_match "^FAIL  broken: $(sed -n '1s/^[^@]*//p' "$TMP/.stdout" | sed 's/[][().*]/./g')$" \
	vgt_test --out work/o rules

# Crash and hang: results of one test, the next is run.
fresh
rm -rf work/*
expect_exit 1 env STUB_VIRGL_CRASH=1 "$VGT" test -j 1 --out work/o suite
expect_equal "verdicts" "CRASH one CRASH two" \
	"$(sed -n 's/^\([A-Z]*\) \([a-z]*\): @[0-9]*: renderer crashed (Segmentation fault) in SUBMIT_3D.*/\1 \2/p' \
		"$TMP/.stdout" | xargs)"
expect_stderr_match '0 of 2 passed, 2 crashed in' env STUB_VIRGL_CRASH=1 "$VGT" test -j 1 --out work/o suite
expect_exit 1 env STUB_VIRGL_HANG=1 timeout 20 "$VGT" test -j 1 --timeout 1 --out work/o suite one
expect_equal "a hang" 1 "$(grep -c '^HANG  one: @[0-9]*: renderer hung for 1 s in SUBMIT_3D' "$TMP/.stdout")"
left_behind "crashes" "$(find work -type f | sed 's|^work/||')"
# the renderer does not start; a player that cannot
expect_exit 2 env STUB_VIRGL_FAIL=init "$VGT" test -j 1 suite one
expect_stdout_match '^ERROR one: .*virglrenderer does not start' env STUB_VIRGL_FAIL=init "$VGT" test -j 1 suite one
mkdir alone
cp "$VGT" alone/vgt
printf '#!/bin/sh\necho "<one>" && exit 127\n' >alone/vgt-player
chmod +x alone/vgt-player
expect_exit 2 alone/vgt test -j 1 --out work/o suite one
expect_stdout_match '^ERROR one: vgt-player cannot start$' alone/vgt test -j 1 --out work/o suite one
expect_stdout_match '^      the renderer printed \(kept in work/o/one/vgt-log.txt\):$' \
	alone/vgt test -j 1 --out work/o suite one
expect_stdout_match '^      \| <one>$' alone/vgt test -j 1 --out work/o suite one

# What is kept of a renderer that prints much: the beginning and the end.
printf '#!/bin/sh\necho first words\nseq -f "%%.0f and so on" 100000\necho last words\nexit 127\n' >alone/vgt-player
expect_stdout_match '^      \| last words$' alone/vgt test -j 1 --out work/o suite one
expect_equal "its beginning" "first words" "$(head -n 1 work/o/one/vgt-log.txt)"
expect_equal "its end" "last words" "$(tail -n 1 work/o/one/vgt-log.txt)"
expect_exit 0 [ "$(stat -c %s work/o/one/vgt-log.txt)" -le 1048576 ]
expect_exit 0 grep -Eqx '\[vgt has left out [0-9]{6,7} bytes here\]' work/o/one/vgt-log.txt

# --json
manifest '"traces": [{"name": "one"}, {"name": "two"}, {"name": "none"}]'
cp wrong.png suite/two/frame-0001.png
expect_exit 2 vgt_test --json --out work/o suite
expect_equal "--json" '"one pass 3 true" "two fail 1 false" "none error 0 "' \
	"$(jq -c 'select(.event == "test") | "\(.name) \(.verdict) \(.frames | length) \(
		.frames | map(.same | tostring) | unique | join(","))"' "$TMP/.stdout" | xargs -d '\n')"
expect_equal "the summary of --json" '[3,1,0,1,1,0,0,false]' "$(jq -c 'select(.event == "summary") |
	[.tests, .pass, .skip, .error, .fail, .crash, .hang, .interrupted]' "$TMP/.stdout")"
expect_equal "paths in JSON" "work/o/two/frame-0001.actual.png" \
	"$(jq -r 'select(.name == "two").frames[0].actual' "$TMP/.stdout")"
expect_equal "the place in JSON" "$("$VGT" replay --json --quiet --frames 1 suite/two.vgt 2>/dev/null |
	jq -c 'select(.event == "frame") | [.command, true]')" \
	"$(jq -c 'select(.name == "two").frames[0] | [.command, .area.width > 0]' "$TMP/.stdout")"

# --junit, also with hostile text in it
xpath() {
	xmllint --xpath "string($1)" results.xml
}
expect_exit 2 vgt_test --junit results.xml --out work/o suite
expect_exit 0 xmllint --noout --schema "$junit" results.xml
expect_equal "counts of JUnit" "3 1 1 0" \
	"$(for count in tests failures errors skipped; do xpath "/testsuites/testsuite/@$count"; done | xargs)"
expect_equal "tests of JUnit" 3 "$(xpath 'count(/testsuites/testsuite/testcase[@name and @classname and @time])')"
expect_equal "type of a failure" fail "$(xpath '//testcase[@name="two"]/failure/@type')"
expect_equal "reason of a failure" "frame 1 " \
	"$(xpath '//testcase[@name="two"]/failure/@message' | cut -d '(' -f 1)"
expect_equal "where to look" 1 "$(xpath '//testcase[@name="two"]/failure' |
	grep -c '^look at work/o/two/frame-0001.actual.png, golden .*, difference work/o/two/frame-0001.difference.png$')"
expect_equal "what GitLab shows" "$(printf '[[ATTACHMENT|work/o/two/frame-0001.%s.png]]\n' actual golden difference)" \
	"$(xpath '//testcase[@name="two"]/system-out' | grep ATTACHMENT)"
expect_equal "an error" 1 "$(xpath 'count(//testcase[@name="none"]/error)')"
expect_equal "a test that passed" 0 "$(xpath 'count(//testcase[@name="one"]/*)')"
hostile=$'a<b>&"\x27]]>\xef\xbf\xbe\xff'
mkdir odd
cp master/one.vgt "odd/$hostile.vgt"
printf '#!/bin/sh\nprintf "\\001<]]>&\\033[2J\\n" && kill -SEGV $$\n' >alone/vgt-player
expect_exit 1 alone/vgt test -j 1 --junit results.xml --out work/o odd
expect_exit 0 xmllint --noout --schema "$junit" results.xml
expect_equal "the name in JUnit" $'a<b>&"\x27]]>???\xef\xbf\xbd' "$(xpath '//testcase/@name')"
expect_equal "the output in JUnit" '?<]]>&?[2J' "$(xpath '//testcase/system-out')"
expect_equal "control characters on stdout" 0 "$(grep -c $'[\x01\x1b]' "$TMP/.stdout")"
expect_exit 1 alone/vgt test -j 1 --json --out work/o odd
expect_exit 0 jq . "$TMP/.stdout"
rm -r odd work/o
mkdir odd
cp -R master/two master/two.vgt odd/
expect_exit 1 vgt_test --drop=draws --junit results.xml --out "$TMP/work/o" odd
expect_equal "from the working directory" 1 \
	"$(xpath '//testcase/system-out' | grep -c '^\[\[ATTACHMENT|work/o/two/frame-0001.actual.png]]$')"
# names that a manifest could not have: the others are run
long=$(printf 'n%.0s' $(seq 101))
fresh
for name in -dash $'two\nlines' "$long"; do
	cp master/one.vgt "suite/$name.vgt"
done
expect_exit 2 vgt_test --out work/o suite
expect_equal "names that are none" "ERROR -dash|ERROR $long|pass  one|ERROR two?lines|pass  two" \
	"$(grep -v '^ ' "$TMP/.stdout" | cut -d : -f 1 | paste -sd '|')"
expect_equal "why" 3 "$(grep -c ': is not run: a name must be 1 to 100 bytes without ' "$TMP/.stdout")"
expect_exit 0 vgt_test suite one two
fresh
expect_exit 2 vgt_test --junit wrong.png/x/results.xml suite
expect_stderr_match '^vgt: wrong.png/x/results.xml: cannot make the directory wrong.png/x: Not a directory$' \
	vgt_test --junit wrong.png/x/results.xml suite
expect_exit 0 vgt_test --junit work/a/b/results.xml --html work/c/d/page.html --out work/e/f suite one
for made in a/b/results.xml c/d/page.html e/f/results.jsonl; do
	expect_exit 0 [ -s work/$made ]
done
rm -r work/[ace]
expect_exit 2 vgt_test --junit /dev/full suite one
expect_exit 0 shell '"$0" test -j 1 --quiet --junit /proc/self/fd/1 suite one 2>/dev/null | xmllint --noout -'
# a link stays one, whatever is behind it: so does /dev/stdout, also where that is a file
ln -s /proc/self/fd/1 work/stdout
expect_exit 0 vgt_test --quiet --junit work/stdout suite one
expect_exit 0 [ -L work/stdout ]
expect_exit 0 shell '"$0" test -j 1 --quiet --junit work/stdout suite one >redirected.xml'
expect_exit 0 xmllint --noout redirected.xml
# what is there stays
echo before >ci.log
expect_exit 0 shell '"$0" test -j 1 --junit /dev/stdout suite one >>ci.log'
expect_equal "a log that is appended to" "before pass <?xml </testsuites>" \
	"$(sed -n -e '1p;2s/ .*//p;3s/ .*//p' -e '$p' ci.log | xargs)"
expect_exit 0 shell '"$0" test -j 1 --junit /dev/fd/7 suite one 7>>ci.log'
expect_equal "another descriptor" 2 "$(grep -c '^</testsuites>$' ci.log)"
# a pipe with a name: its reader sees one document, not the end of none
mkfifo results.fifo
expect_exit 0 shell 'timeout 30 xmllint --noout - <results.fifo & "$0" test -j 1 --junit results.fifo suite one && wait $!'
ln -s ../linked.xml work/link.xml
expect_exit 0 vgt_test --junit work/link.xml suite one
expect_exit 0 [ -L work/link.xml ]
expect_exit 0 xmllint --noout --schema "$junit" linked.xml
expect_exit 2 vgt_test --junit work suite one

# Bad manifests: one error with the place, and nothing is run.
while IFS='|' read -r text message; do
	printf '%s' "$text" >suite/manifest.json
	expect_exit 2 vgt_test suite
	expect_equal "message for $text" "vgt: suite/manifest.json: $message" "$(cat "$TMP/.stderr")"
	expect_equal "output for $text" "" "$(cat "$TMP/.stdout")"
done <<-'EOF'
	|line 1: ends too early
	{|line 1: ends too early
	[]|must be an object
	{"version": 1, "traces": []} {}|line 1: unexpected character
	{"version": 1, "traces": [[[[[[[[[]]]]]]]]]}|line 1: nesting too deep
	{"traces": []}|has no "version"
	{"version": 3, "traces": []}|version: must be 1, the only one that this vgt knows
	{"version": 1}|has no "traces"
	{"version": 1, "traces": [{}]}|traces[0]: has no "name"
	{"version": 1, "traces": [{"name": 1}]}|traces[0]: name: must be a string, not a whole number
	{"version": 1, "traces": [{"name": "../x"}]}|traces[0]: name: must be 1 to 100 bytes without '/' or control characters and not begin with '.' or '-', not '../x'
	{"version": 1, "traces": [{"name": "a"}, {"name": "a"}]}|traces: two have the name a
	{"version": 1, "traces": [{"name": "a", "file": "../a.vgt"}]}|trace a: file: must be a path within the suite's directory, not '../a.vgt'
	{"version": 1, "traces": [{"name": "a", "golden": "x"}]}|trace a: no such key 'golden'
	{"version": 1, "traces": [{"name": "a", "frames": "0-"}, {"name": "b", "frames": "x"}]}|trace b: frames: must be frames such as "0,10-20", at most 64 ranges, not 'x'
	{"version": 1, "traces": [{"name": "a", "url": "a.vgt"}]}|trace a: url: needs "sha256" and "bytes"
	{"version": 1, "traces": [{"name": "a", "url": "javascript:x"}]}|trace a: url: must be of https:, http: or file:, or a path, not 'javascript:x'
	{"version": 1, "traces": [{"name": "a", "rule": 0}]}|trace a: rule: must be a string, not a whole number
	{"version": 1, "traces": [{"name": "a", "tolerance": {"threshold": 300}}]}|trace a: threshold: must be a whole number from 0 to 255, not '300'
	{"version": 1, "traces": [], "tolerance": {"max_pixels": "1,5%"}}|max_pixels: must be from 0% to 100% with at most 4 decimals, not '1,5%'
	{"version": 1, "traces": [], "environment": {"PATH": "/"}}|environment: 'PATH' is none that a manifest may set
EOF
head -c 1048577 /dev/zero | tr '\0' ' ' >suite/manifest.json
expect_stderr_match '^vgt: suite/manifest.json: is larger than 1048576 bytes' vgt_test suite
rm suite/manifest.json
mkdir suite/manifest.json
expect_stderr_match '^vgt: suite/manifest.json: is no regular file$' vgt_test suite
manifest '"traces": []'
expect_stderr_match '^vgt: suite: has no traces$' vgt_test suite

# The environment: set where it is not set already.
manifest '"environment": {"GALLIUM_DRIVER": "of the manifest"}, "traces": [{"name": "one"}]'
printf '#!/bin/sh\necho "<$GALLIUM_DRIVER>" && exit 1\n' >alone/vgt-player
expect_stdout_match '\| <of the manifest>$' alone/vgt test -j 1 --out work/o suite
expect_stdout_match '\| <mine>$' env GALLIUM_DRIVER=mine alone/vgt test -j 1 --out work/o suite
expect_stdout_match '\| <>$' env GALLIUM_DRIVER= alone/vgt test -j 1 --out work/o suite

# Fetching.
store=cache/vgt/traces/$hash.vgt
remote() { # URL [BYTES [SHA256]]: a suite of one and of a trace that is elsewhere
	manifest '"traces": [{"name": "two"}, {"name": "one", "url": "'"$1"'", "bytes": '"${2:-$bytes}"',
		"sha256": "'"${3:-$hash}"'"}]'
	rm -rf suite/one.vgt cache
}
cached() { # EXPECTED: all files that vgt has in the cache
	expect_equal "the cache" "$1" "$(find cache/vgt -type f 2>/dev/null)"
}
remote ../master/one.vgt
expect_exit 0 vgt_test suite
expect_stderr_match '1 of 2 passed, 1 skipped \(1 not fetched: --fetch\) in' vgt_test suite
expect_equal "traces that are not fetched are counted, not named" 1 "$(wc -l <"$TMP/.stdout")"
expect_stdout "skip  one: not fetched: --fetch brings it" vgt_test suite one
expect_equal "nothing was run" 2 "$cli_status"
expect_exit 1 vgt_test --no-skip suite
expect_stdout_match '^one  \(not fetched\)$' vgt_test --list suite
expect_exit 0 vgt_test --junit results.xml suite
expect_equal "skipped in JUnit" 1 "$(xpath 'count(//testcase[@name="one"]/skipped)')"
for url in ../master/one.vgt "$TMP/master/one.vgt" "file://$TMP/master/one.vgt" \
	"file:$TMP/master/%6fne.vgt"; do
	remote "$url"
	expect_exit 0 vgt_test --fetch suite
	expect_equal "messages" "vgt: one: fetching $bytes bytes from $url" "$(head -n 1 "$TMP/.stderr")"
	cached "$store"
	expect_exit 0 cmp "$store" master/one.vgt
	expect_stderr_match '^vgt: suite: 2 of 2 passed' vgt_test --fetch suite
	expect_equal "is fetched once" 1 "$(wc -l <"$TMP/.stderr")"
done
expect_stdout_match '^one  \(fetched\)$' vgt_test --list suite
cp master/two.vgt "$store"
expect_exit 1 vgt_test --out work/o suite
expect_exit 0 vgt_test --fetch suite
expect_exit 0 cmp "$store" master/one.vgt

# a name that steers terminals: U+009B is the CSI of ECMA-48
manifest '"traces": [{"name": "a\u009b2Jname", "url": "missing\u009b2J", "bytes": 1, "sha256": "'"$hash"'"}]'
expect_stderr_match '^vgt: a\?2Jname: fetching 1 bytes from missing\?2J$' vgt_test --fetch suite
expect_stderr_match '^vgt: a\?2Jname: cannot be fetched: ' vgt_test --fetch suite
expect_equal "control characters" 0 "$(cat "$TMP/.stdout" "$TMP/.stderr" | grep -c $'\xc2\x9b')"
expect_stderr "vgt: suite: no such trace 'a2Jname', did you mean 'a?2Jname'?" vgt_test suite a2Jname
mkdir -p www
cp master/one.vgt www/
head -c 1000000 /dev/zero >www/large
: >server.log
(cd www && exec python3 -u -m http.server --bind 127.0.0.1 0) >server.log 2>&1 &
server=$!
stop_server() {
	kill $server 2>/dev/null || true
	wait $server 2>/dev/null || true
}
cli_at_end=stop_server
for _ in $(seq 200); do
	port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' server.log)
	[ -z "$port" ] || break
	sleep 0.05
done
at=http://127.0.0.1:$port
remote "$at/one.vgt"
expect_exit 0 env no_proxy=127.0.0.1 "$VGT" test -j 1 --fetch suite
cached "$store"
refused() { # REGEX: --fetch fails with that, the other test is run, nothing is in the cache
	export no_proxy=127.0.0.1
	expect_stderr_match "^vgt: one: cannot be fetched: $1" vgt_test --fetch suite
	expect_equal "status of: $1" 2 "$cli_status"
	expect_equal "the other test" 1 "$(grep -c '^pass  two: ' "$TMP/.stdout")"
	cached ""
}
remote "$at/missing.vgt"
refused 'curl failed \(exit 22\)$'
remote "$at/large"
refused "is larger than the $bytes bytes of the manifest"
remote "file:///dev/zero"
refused 'is no regular file$'
mkfifo fifo
for url in "file://$TMP/fifo" "file:$TMP/fi%66o" "file://localhost$TMP/%66ifo" "$TMP/fifo"; do
	remote "$url"
	refused 'is no regular file$'
done
for url in file:one.vgt file://elsewhere/one.vgt "file://$TMP/a%00" "file://$TMP/a%2"; do
	remote "$url"
	refused 'must be file:///PATH$'
done
remote "$at/one.vgt" $((bytes + 1))
refused "has $bytes bytes, the manifest says $((bytes + 1))$"
remote "$at/one.vgt" "$bytes" "${hash//[0-4]/5}"
refused "has the SHA-256 $hash, the manifest says "
remote missing.vgt
refused 'cannot open: No such file'
remote ../master/two.vgt
refused "has [0-9]+ bytes, the manifest says $bytes$"
remote /dev/zero
refused 'is no regular file$'
remote "$at/one.vgt"
expect_stderr_match '^vgt: one: cannot be fetched: curl not found: apt install curl$' \
	env PATH="$TMP/tmp" "$VGT" test -j 1 --fetch suite
: >not-a-directory
remote ../master/one.vgt
expect_exit 2 env XDG_CACHE_HOME="$TMP/not-a-directory" "$VGT" test -j 1 --fetch suite
expect_stderr_match '^vgt: one: cannot be fetched: no place for fetched traces: ' \
	env -u XDG_CACHE_HOME -u HOME "$VGT" test -j 1 --fetch suite
expect_exit 0 env -u XDG_CACHE_HOME HOME="$TMP/home" "$VGT" test -j 1 --fetch suite
expect_exit 0 cmp "home/.cache/vgt/traces/$hash.vgt" master/one.vgt

# --out that cannot be written, or is the suite's own.
fresh
expect_exit 2 vgt_test --out not-a-directory suite
expect_stderr "vgt: not-a-directory: is not a directory" vgt_test --out not-a-directory suite
cp wrong.png suite/one/frame-0000.png
rm -rf work/o
mkdir -p work/o
: >work/o/one
expect_exit 2 vgt_test --out work/o suite
expect_stdout_match '^FAIL  one: work/o/one: cannot open the directory: Not a directory$' vgt_test --out work/o suite
rm -rf work/* suite
fresh
for out in suite ./suite/ "$TMP/work/../suite"; do
	expect_stderr "vgt: $out: is the suite itself; results need a directory of their own" vgt_test --out "$out" suite
	expect_equal "status" 2 "$cli_status"
done
for out in suite/one suite/one/results/new suite//two/; do
	expect_stderr "vgt: $out: is for the goldens of a trace; results need a directory of their own" \
		vgt_test --drop=draws --out $out suite
	expect_equal "status" 2 "$cli_status"
done
expect_exit 0 diff -r master suite
expect_exit 0 vgt_test --out suite/results suite
expect_exit 0 vgt_test --out suite-two/new suite
rm -r suite-two

# Interrupts: the test that runs is ended with its player, what was done is told, nothing stays.
mkdir -p slow/c
cp master/one.vgt slow/a.vgt
cp master/one.vgt slow/b.vgt
cp master/one/frame-000[03].png slow/c/
cp master/one.vgt slow/c.vgt
cat >alone/vgt-player <<-EOF
	#!/bin/sh
	[ "\$1" != --probe ] || exec "$build/vgt-player" --probe
	[ ! -e "$TMP/second" ] || { echo \$\$ >"$TMP/player.pid" && mv "$TMP/second" "$TMP/now"; exec sleep 600; }
	: >"$TMP/second"
	exec "$build/vgt-player" "\$@"
EOF
# with a frame that differs before, too
for run in "INT pass" "TERM pass" "INT FAIL" "QUIT FAIL"; do
	signal=${run% *}
	rm -rf second now slow/a
	kept=
	if [ "${run#* }" = FAIL ]; then
		mkdir slow/a
		cp wrong.png slow/a/frame-0000.png
		kept="$(printf 'vgt-test-out/slow/a/frame-0000.%s.png\n' actual difference golden)"
	fi
	set -m # so that SIGINT is not ignored, and there is a group of processes as a terminal has it
	(ulimit -c 0 && cd work && exec "$TMP/alone/vgt" test -j 1 --junit ../results.xml ../slow) \
		>interrupted.out 2>interrupted.err &
	pid=$!
	set +m
	for _ in $(seq 600); do
		[ ! -e now ] || break
		sleep 0.05
	done
	expect_exit 0 [ -e now ]
	# Ctrl-C is for the player, too
	kill -"$signal" -- "$([ "$signal" = INT ] && echo "-$pid" || echo $pid)"
	status=0
	wait $pid || status=$?
	expect_equal "status after $signal" $((128 + $(kill -l "$signal"))) $status
	expect_equal "what was done" "${run#* }  a" "$(sed -n '1s/:.*//p' interrupted.out)"
	expect_equal "the summary" 1 "$(grep -c '[01] of 3 passed.* in .* s, interrupted$' interrupted.err)"
	expect_equal "JUnit, with an error for those that were not run" 2 "$(xpath /testsuites/@tests)"
	expect_exit 1 kill -0 "$(cat player.pid)"
	left_behind "after $signal" "$kept"
done
expect_exit 0 shell '"$0" test -j 1 suite | head -n 1'
left_behind "a reader that goes" ""
expect_exit 2 shell '"$0" test -j 1 suite >/dev/full'
