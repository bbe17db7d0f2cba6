#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # lib.sh sets cli_status
# A suite with each verdict that there is, and renderers made to fail: real traces on llvmpipe, of which one differs, one
# crashes and one hangs (tests/stub_virglrenderer.c), softpipe against llvmpipe's goldens, draws dropped. Verdicts, exit
# status, addresses, JUnit, JSON and HTML, in one process, in several, and joined from shards.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

for needed in jq xmllint; do
	command -v $needed >/dev/null || skip "no $needed"
done
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128
build=$(dirname "$VGT")
junit=$PWD/tests/junit.xsd
mkdir "$TMP/bin" "$TMP/suite"
for name in fails fixed flaky crashes hangs known passes; do
	cp traces/gears.vgt "$TMP/suite/$name.vgt"
	cp -R traces/gears "$TMP/suite/$name"
done
for name in lacks tessellation; do
	cp traces/tessellation.vgt "$TMP/suite/$name.vgt"
	cp -R traces/tessellation "$TMP/suite/$name"
done
mkdir "$TMP/real"
for name in gears kmscube texture; do
	cp -R "traces/$name" "traces/$name.vgt" "$TMP/real"
done
cd "$TMP"
for name in fails known; do
	cp suite/$name/frame-0010.png suite/$name/frame-0019.png
done
cp "$VGT" bin/vgt
# The renderer that each trace finds.
cat >bin/vgt-player <<EOF
#!/bin/sh
for argument; do
	case \$argument in
	*/crashes.vgt) export LD_LIBRARY_PATH=$build/tests/stub STUB_VIRGL_CRASH=3 ;;
	*/hangs.vgt) export LD_LIBRARY_PATH=$build/tests/stub STUB_VIRGL_HANG=4 ;;
	*/flaky.vgt) mkdir $TMP/was_here 2>/dev/null && export LD_LIBRARY_PATH=$build/tests/stub STUB_VIRGL_CRASH=5 ;;
	*/lacks.vgt) export GALLIUM_DRIVER=softpipe ;;
	esac
done
exec $build/vgt-player "\$@"
EOF
chmod +x bin/vgt-player
cat >suite/manifest.json <<'EOF'
{"version": 1,
 "traces": [{"name": "passes"}, {"name": "fails"}, {"name": "crashes"}, {"name": "hangs"}, {"name": "known"},
	{"name": "fixed"}, {"name": "flaky"}, {"name": "lacks", "rule": "submit"}, {"name": "absent"},
	{"name": "tessellation", "rule": "submit"}],
 "expect": [{"traces": "known", "frames": "19", "result": "fail", "reason": "its golden is another frame's"},
	{"traces": "fixed", "result": "crash", "reason": "it crashed once"},
	{"traces": "flaky", "result": "flaky", "retries": 1, "reason": "its first run crashes"}]}
EOF

# the Nth submit of gears, from 0, as the stub counts them
submit() {
	"$VGT" dump suite/passes.vgt | sed -n 's/^\(@[0-9]*\) SUBMIT_3D.*/\1/p' | sed -n "$(($1 + 1))p"
}
vgt_test() {
	rm -rf was_here
	timeout 120 bin/vgt test --timeout 2 "$@"
}
verdicts='absent error crashes crash fails fail fixed fixed flaky flaky hangs hang known known lacks skip passes pass
tessellation pass'
verdicts_of() { # FILE of JSON lines
	jq -r 'select(.event == "test") | "\(.name) \(.verdict)"' "$1" | sort | xargs
}
check_junit() { # FILE
	expect_exit 0 xmllint --noout --schema "$junit" "$1"
	xpath() { xmllint --xpath "$2" "$1"; }
	expect_equal "tests, failures, errors, skipped" "10 4 1 2" "$(for count in tests failures errors skipped; do
		xpath "$1" "string(/testsuites/testsuite/@$count)"
	done | xargs)"
	expect_equal "types of failures" "crash fail fixed hang" \
		"$(xpath "$1" '//failure/@type' | sed 's/ type="\(.*\)"/\1/' | sort | xargs)"
	expect_equal "where it crashed" 1 \
		"$(xpath "$1" "count(//testcase[@name='crashes']/failure[contains(@message, '$(submit 3): renderer crashed')])")"
	expect_equal "where it hung" 1 \
		"$(xpath "$1" "count(//testcase[@name='hangs']/failure[contains(@message, '$(submit 4): renderer hung')])")"
}
check_html() {
	local text
	for text in crashes hangs known "its golden is another frame" "it crashed once" "has_tessellation_shaders" \
		"$(submit 3)" "$(submit 4)" llvmpipe iVBORw0KGgo; do
		grep -q -F -e "$text" "$1" || { echo "no '$text' in $1" >&2 && exit 1; }
		cli_checks=$((cli_checks + 1))
	done
	# self-contained
	expect_exit 1 grep -E -q '(src|href)="?(https?:|//)' "$1"
}

# One after the other; two at a time; three shards that are joined.
for jobs in 1 2; do
	expect_exit 2 vgt_test -j $jobs --json --junit junit-$jobs.xml --html report-$jobs.html --out out-$jobs suite
	expect_equal "verdicts" "$(xargs <<<"$verdicts")" "$(verdicts_of .stdout)"
	expect_equal "one line each" 12 "$(wc -l <.stdout)"
	check_junit junit-$jobs.xml
	check_html report-$jobs.html
	expect_exit 0 test -s out-$jobs/fails/frame-0019.actual.png
	expect_exit 0 "$VGT" compare out-$jobs/fails/frame-0019.actual.png suite/passes/frame-0019.png
	expect_equal "attempts" 2 "$(jq 'select(.name == "flaky").attempts' out-$jobs/results.jsonl)"
	expect_equal "the command that crashed" true \
		"$(jq 'select(.name == "crashes").commands | contains("SUBMIT_3D")' out-$jobs/results.jsonl)"
done
mkdir shards
for shard in 1 2 3; do
	vgt_test -q --shard $shard/3 --out shards/$shard suite >/dev/null 2>&1 || true
done
expect_exit 2 bin/vgt test --merge --suite suite --json --junit merged.xml --html merged.html shards/*
expect_equal "verdicts" "$(xargs <<<"$verdicts")" "$(verdicts_of .stdout)"
check_junit merged.xml
check_html merged.html
rm -r shards/2
expect_exit 2 bin/vgt test --merge --suite suite shards/*
# what failed only, without what could not be run
expect_exit 1 vgt_test --out out --filter '!absent' suite
expect_exit 0 vgt_test --out out --filter passes --filter known --filter flaky --filter lacks suite
expect_exit 1 vgt_test --out out --no-skip --filter lacks suite

# softpipe: within the tolerance of the suite, but not to the bit; then its own goldens, which are nobody else's.
export GALLIUM_DRIVER=softpipe
expect_exit 0 "$VGT" test real
printf '{"version": 1, "tolerance": {"metric": "exact"}, %s, "traces": [%s]}' \
	'"renderers": [{"name": "softpipe", "renderer": "softpipe*"}]' \
	'{"name": "gears"}, {"name": "kmscube"}, {"name": "texture"}' >real/manifest.json
find real -type f -exec sha256sum {} + >before
# its capset lacks what the recording's had, which may be why it differs
expect_exit 0 "$VGT" test --out out --json real
expect_equal "verdicts" "skip skip skip" "$(jq -r 'select(.event == "test").verdict' .stdout | xargs)"
expect_exit 1 "$VGT" test --out out --no-skip --json --html report.html real
cp .stdout seen.json
expect_equal "what differs" "gears kmscube texture" \
	"$(jq -r 'select(.event == "test" and any(.frames[]; .same | not)).name' seen.json | sort | xargs)"
expect_equal "renderer" softpipe "$(jq -r 'select(.event == "run").renderer' seen.json)"
expect_exit 0 grep -q softpipe report.html
expect_exit 1 "$VGT" test --out out --update real
expect_exit 0 sha256sum --quiet -c before
expect_exit 0 "$VGT" test --out out --update real gears kmscube texture
expect_exit 0 sha256sum --quiet -c before
expect_exit 0 test -s real/gears/softpipe/frame-0010.png
expect_exit 0 "$VGT" test --out out --no-skip real
export GALLIUM_DRIVER=llvmpipe
expect_exit 0 "$VGT" test --out out --no-skip real
rm -r real/texture/softpipe
expect_exit 1 env GALLIUM_DRIVER=softpipe "$VGT" test --out out --no-skip real

# Draws dropped.
expect_exit 1 "$VGT" test --out out --drop=draws --json real
expect_equal "all fail" "fail fail fail" "$(jq -r 'select(.event == "test").verdict' .stdout | xargs)"
