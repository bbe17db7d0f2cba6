#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # jq expands; lib.sh sets cli_status and build
# `vgt test --merge`: runs of parts of a suite are reported as one run of all would be, and what is wrong with results
# from elsewhere is told. The renderer is the stub's.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

use_stub_renderer
for needed in jq xmllint; do
	command -v $needed >/dev/null || skip "no $needed"
done
cd "$TMP"
mkdir tmp suite bin
export TMPDIR=$TMP/tmp

# A suite with every verdict but two, which a player of the test's own brings about.
stub_record suite/pass --frames 4
timeout 60 "$VGT" replay --quiet --frames 0,2 --out suite/pass suite/pass.vgt >/dev/null
for name in crash exit fail fixed flaky known skip; do
	cp suite/pass.vgt suite/$name.vgt
	cp -R suite/pass suite/$name
done
"$build/tests/mkpng" wrong.png 64x48 336699ff
cp wrong.png suite/fail/frame-0002.png
cp wrong.png suite/known/frame-0000.png
printf '{"version": 1, "traces": [%s], "expect": [
	{"traces": "known", "result": "fail", "reason": "bug 1"}, {"traces": "fixed", "result": "fail", "reason": "bug 2"},
	{"traces": "skip", "result": "skip", "reason": "slow"}, {"traces": "flaky", "result": "flaky", "reason": "race"}]}\n' \
	"$(printf '{"name": "%s", "tags": ["small"]},' skip pass none known flaky fixed fail exit crash | sed 's/,$//')" >suite/manifest.json
cp "$VGT" bin/vgt
VGT=$TMP/bin/vgt
cat >bin/vgt-player <<-END
	#!/bin/bash
	[ "\$1" != --probe ] || exec "$build/vgt-player" --probe
	case \$(basename "\${@: -1}" .vgt) in
	crash) export STUB_VIRGL_CRASH=1 ;;
	exit) export STUB_VIRGL_EXIT=1 ;;
	flaky) rm "$TMP/first" 2>/dev/null && export STUB_VIRGL_CRASH=1 ;;
	esac
	exec "$build/vgt-player" "\$@"
END
chmod +x bin/vgt-player

vgt_test() {
	timeout 60 "$VGT" test "$@"
}
# run DIR OPTION...: a part of the suite
run() {
	: >first
	vgt_test --quiet --out "$@" suite >/dev/null 2>&1 || true
}
merge() {
	vgt_test --merge "$@"
}
# What differs from run to run: seconds, dates, the directories.
same_text() {
	sed -E -e 's|[0-9.]+ s|N s|g' -e 's|(whole\|part)[0-9]*/|OUT/|g'
}
same_lines() {
	jq -c 'select(.event != "run") | del(.seconds)' | sed -E 's|(whole\|part)[0-9]*/|OUT/|g'
}
same_xml() {
	sed -E -e 's| time="[0-9.]+"||g' -e 's| timestamp="[^"]*"||' -e 's|(whole\|part)[0-9]*/|OUT/|g'
}

# One run of all, and three of a part each, come to the same: text, JSON, JUnit, exit status.
: >first
status=0
vgt_test -j 1 --out whole --junit whole.xml suite >whole.text 2>whole.summary || status=$?
expect_equal "its status" 2 $status
expect_equal "its verdicts" "skip pass error known flaky fixed fail crash crash" \
	"$(jq -r 'select(.event == "test").verdict' whole/results.jsonl | xargs)"
: >first
expect_exit 2 vgt_test --json --out whole suite
same_lines <"$TMP/.stdout" >whole.lines
for part in 1 2 3; do
	run part$part -j $part --shard $part/3
done
expect_exit 2 merge --junit merged.xml --html merged.html part3 part1 part2
cp "$TMP/.stderr" merged.summary
expect_equal "text" "$(same_text <whole.text)" "$(same_text <"$TMP/.stdout")"
expect_equal "summary" "$(same_text <whole.summary)" "$(same_text <merged.summary)"
expect_equal "JUnit" "$(same_xml <whole.xml)" "$(same_xml <merged.xml)"
expect_exit 0 grep -q '</html>' merged.html
# where the suite is at hand, so are the goldens of what passed
expect_exit 0 grep -q 'It is where the test was run: ' merged.html
expect_exit 2 merge --suite suite --html merged.html part3 part1 part2
expect_exit 1 grep -q 'It is where the test was run: ' merged.html
expect_exit 2 merge --json part1 part2 part3
expect_equal "JSON" "$(cat whole.lines)" "$(same_lines <"$TMP/.stdout")"
expect_equal "runs" 3 "$(grep -c '"event":"run"' "$TMP/.stdout")"
expect_exit 2 merge whole/
expect_equal "one alone" "$(same_text <whole.text)" "$(same_text <"$TMP/.stdout")"
merge --json part1 part2 part3 >lines 2>/dev/null || true
for picture in golden_copy actual difference; do
	expect_exit 0 [ -s "$(jq -r --arg picture $picture 'select(.name == "fail").frames[1][$picture]' lines)" ]
done
rm first
# without what is an error or bad the exit status is that of the rest
run good1 --filter pass
run good2 --filter 'known' --filter skip
expect_exit 0 merge good1 good2
expect_stderr_match '^vgt: suite: 1 of 3 passed, 1 known, 1 skipped in ' merge good1 good2
expect_stdout "" merge -q good1
expect_exit 1 merge --no-skip good1 good2
run bad --filter fail --filter fixed
expect_exit 1 merge good1 bad

# One test a job: as GNU parallel spreads them, here or on other machines.
if command -v parallel >/dev/null; then
	mkdir -p jobs
	: >first
	"$VGT" test --list --quiet suite |
		timeout 60 parallel --will-cite -j 3 "$VGT" test --quiet -j 1 --out jobs/{} suite {} >/dev/null 2>&1 || true
	expect_exit 2 merge --suite suite jobs/*
	expect_equal "by GNU parallel" "$(same_text <whole.text)" "$(sed -E 's|jobs/[a-z]*/|OUT/|g' "$TMP/.stdout" | same_text)"
fi

# What is missing: a part, or with --suite any test; which tests are meant, filters say.
expect_exit 2 merge good1 part1
run most1 --shard 1/3 --filter '!exit' --filter '!none' --filter '!crash' --filter '!f*'
run most3 --shard 3/3 --filter '!exit' --filter '!none' --filter '!crash' --filter '!f*'
expect_stderr_match '^vgt: shard 2/3 is missing$' merge most1 most3
expect_equal "status of a missing part" 2 $cli_status
expect_exit 2 merge --suite suite --junit junit.xml good1 good2
expect_equal "errors" "none flaky fixed fail exit crash" \
	"$(sed -n 's/^ERROR \([a-z]*\): has no result$/\1/p' "$TMP/.stdout" | xargs)"
expect_equal "errors in JUnit" 6 "$(xmllint --xpath 'count(//error)' junit.xml)"
expect_exit 0 merge --suite suite --filter pass --filter known --filter skip good1 good2
expect_exit 2 merge --suite suite --filter pass --filter fail good1 good2
# of a run that was interrupted they are counted once
cp -R whole cut
sed -i '/"event":"test"/d; s/"interrupted":false/"interrupted":true/' cut/results.jsonl
count=$("$VGT" test --list -q suite | wc -l)
expect_stderr_match "^vgt: suite: 0 of $count passed, $count could not be run in .*, interrupted$" merge --suite suite cut

# What is twice, of another suite, of another version or renderer.
cp -R good1 again
expect_stderr_match '^vgt: pass: has results in good1 and in again; the first counts$' merge good1 again
expect_equal "status of results that are twice" 2 $cli_status
expect_equal "reported once" 1 "$(wc -l <"$TMP/.stdout")"
mkdir another
cp suite/pass.vgt another/other.vgt
vgt_test --out other another >/dev/null 2>&1
expect_stderr_match '^vgt: other: has results of another suite \(another\) than good1 \(suite\)$' merge good1 other
expect_equal "status of another suite" 2 $cli_status
expect_equal "its results are left out" "pass  pass" "$(cut -d : -f 1 "$TMP/.stdout")"
expect_exit 2 merge --suite another good1
expect_stderr_match '^vgt: another: is another suite than that of the results in good1$' merge --suite another good1
sed -i '1s/"vgt":"[^"]*"/"vgt":"0.0.9"/; 1s/"renderer":"[^"]*"/"renderer":"Voodoo\\u001b[2J"/' good2/results.jsonl
expect_exit 0 merge good1 good2
expect_stderr_match "^vgt: good2: note: vgt was 0.0.9, in good1 " merge good1 good2
expect_stderr_match "^vgt: good2: note: renderer was Voodoo\?\[2J, in good1 " merge good1 good2

# Usage.
expect_exit 2 merge
expect_stderr_match '^vgt: --merge takes directories' merge
expect_exit 2 merge missing
expect_stderr_match '^vgt: missing/results.jsonl: cannot open: No such file' merge missing
expect_exit 2 merge good1 missing
expect_stdout_match '^pass  pass: ' merge good1 missing
expect_exit 2 merge good1 --junit good1/results.jsonl/junit.xml
expect_exit 2 merge good1 --suite missing
expect_stderr_match '^vgt: --list and --merge exclude each other$' merge --list good1
for option in --fetch --jobs=2 --out=x --shard=1/2 --timeout=3 --filter=a --drop=draws; do
	expect_stderr_match "^vgt: --merge and ${option%=*} exclude each other$" merge good1 $option
	expect_equal "status" 2 $cli_status
done
expect_exit 2 vgt_test --suite suite suite

# Results from elsewhere are hostile: what is not as it should be is refused, with the line, and leads nowhere.
good=$(cat good1/results.jsonl)
head=$(sed -n 1p good1/results.jsonl)
line=$(sed -n 2p good1/results.jsonl)
tail=$(sed -n 3p good1/results.jsonl)
mkdir bad2
expect_bad() { # MESSAGE TEXT
	printf '%s' "$2" >bad2/results.jsonl
	expect_exit 2 merge bad2
	expect_equal "complaint about ${2:0:60}" 1 "$(grep -Ec "^vgt: bad2(/results.jsonl)?: $1" "$TMP/.stderr")"
	expect_equal "control characters" 0 "$(cat "$TMP/.stdout" "$TMP/.stderr" | grep -c $'[\x01-\x08\x1b]' || true)"
}
change() { # JQ: of the line of the test
	printf '%s\n%s\n%s\n' "$head" "$(jq -c "$1" <<<"$line")" "$tail"
}
expect_bad 'ends before the summary' ""
expect_bad 'ends before the summary' "$head"
expect_bad 'ends before the summary' "$head"$'\n'"$line"$'\n'
expect_bad 'line 2: is no object of JSON' "$head"$'\n'"${line:0:200}"
expect_bad 'line 1: is no object of JSON' "[]"
expect_bad 'line 1: is no object of JSON' $'\xff\xfe'
expect_bad 'line 1: is no object of JSON' "$(printf '[%.0s' $(seq 10000))"
expect_bad 'line 1: does not say where it was run' "$line"
expect_bad 'line 1: shard is out of range' "$(jq -c '.shard = 7' <<<"$head")"
expect_bad 'line 1: shards is of another type' "$(jq -c '.shards = "x"' <<<"$head")"
expect_bad 'line 1: digest is missing' "$(jq -c 'del(.digest)' <<<"$head")"
expect_bad 'line 1: environment is of another type' "$(jq -c '.environment = []' <<<"$head")"
expect_bad 'line 2: begins again' "$head"$'\n'"$head"
expect_bad 'line 4: is behind the summary' "$good"$'\n'"$line"
while IFS='|' read -r edit message; do
	expect_bad "line 2: $message" "$(change "$edit")"
done <<-'END'
	.verdict = "fine"|verdict is none that this vgt knows
	del(.verdict)|verdict is missing
	.name = "../../etc"|name is none
	.name = ".."|name is none
	.name = ""|name is none
	.name = "a\u0000b"|name holds a NUL
	.reasons = [1]|reasons is of something else than text
	.reasons = [limit(30; repeat("x"))]|reasons has too many elements
	.frames = [7]|frames is of something else than objects
	.frames = {}|frames is of another type
	.frames[0].number = -1|number is out of range
	.frames[0].number = 1.5|number is of another type
	.frames[0].actual = ".."|actual names no file
	.frames[0].actual = "x/"|actual names no file
	.frames[0].area = 3|area is of another type
	.seconds = -1|seconds is out of range
	.seconds = 1e300|seconds is out of range
	.position = 9999999999|position is out of range
	.rule = "vsync"|rule is none that this vgt knows
	.tags = "x"|tags is of another type
END
# the summary and the number of results
expect_bad 'has results of 0 of 1 tests' "$head"$'\n'"$tail"
# control characters in names and reasons
printf '%s' "$(change '.name = "a\u001b[2J" | .verdict = "fail" | .reasons = ["b\u001b[2J"]')" >bad2/results.jsonl
expect_stdout_match '^FAIL  a\?\[2J: b\?\[2J$' merge bad2
# and in what is of the run
printf '%s\n' "$(jq -c '.suite = "a\u001b[2J"' <<<"$head")" "$line" "$tail" >bad2/results.jsonl
expect_stderr_match '^vgt: a\?\[2J: 1 of 1 passed' merge bad2
# what would fill the memory
frames=$(printf '{},%.0s' $(seq 4000))
{
	printf '%s\n' "$head"
	for i in $(seq 251); do
		printf '{"event": "test", "name": "%d", "verdict": "pass", "frames": [%s]}\n' "$i" "${frames%,}"
	done
} >bad2/results.jsonl
expect_stderr_match '^vgt: bad2/results.jsonl: line 252: has too many frames with those before$' merge bad2
truncate -s 65M bad2/results.jsonl
expect_stderr_match '^vgt: bad2/results.jsonl: is too large$' merge bad2
# the page has no picture that a link leads to, nor waits for a pipe
run failed --filter fail
expect_exit 1 merge --html page.html failed
expect_exit 1 grep -q 'is not followed' page.html
mv failed/fail real
ln -s ../real failed/fail
expect_exit 1 merge --html page.html failed
expect_exit 0 grep -q 'frame-0002.actual.png: fail is a link, which is not followed' page.html
rm failed/fail
mkdir failed/fail
ln -s ../../real/frame-0002.actual.png failed/fail/
mkfifo failed/fail/frame-0002.golden.png
expect_exit 1 merge --html page.html failed
expect_exit 0 grep -q 'frame-0002.actual.png: is a link, which is not followed' page.html
expect_exit 0 grep -q 'frame-0002.golden.png: is no regular file' page.html
# a path is of the test's directory, whatever is said
printf '%s' "$(change '.verdict = "fail" | .frames[0] += {actual: "/etc/passwd", golden_copy: "../../x.png"}')" >bad2/results.jsonl
expect_exit 1 merge --json bad2
expect_equal "paths" "bad2/pass/passwd bad2/pass/x.png" \
	"$(jq -r 'select(.name == "pass").frames[0] | .actual, .golden_copy' "$TMP/.stdout" | xargs)"
# and a link or a pipe in the place of the file is none
rm bad2/results.jsonl
mkfifo bad2/results.jsonl
expect_exit 2 merge bad2
expect_stderr_match '^vgt: bad2/results.jsonl: is no regular file$' merge bad2
rm bad2/results.jsonl
mkdir bad2/results.jsonl
expect_exit 2 merge bad2
