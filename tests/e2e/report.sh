#!/bin/bash
# SPDX-License-Identifier: MIT
# The page of `vgt test --html`, of real runs, used by a program as a person would in headless Chromium:
# report/click_through.mjs. SHOTS=DIR leaves pictures of it there.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

build=$(realpath "$(dirname "$VGT")")
stub=$build/tests/stub
traces=$PWD/traces
script=$PWD/tests/e2e/report/click_through.mjs
for needed in node npm pngtopnm pamcut jq; do
	command -v $needed >/dev/null || skip "no $needed"
done
CHROMIUM=$(command -v chromium || command -v chromium-browser) || skip "no chromium"
NODE_DIRECTORY=$(tests/npm_packages tests/e2e/report) || skip "no playwright-core"
export CHROMIUM NODE_DIRECTORY LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128
[ -z "${SHOTS:-}" ] || SHOTS=$(realpath "$SHOTS")
cd "$TMP"

vgt_test() {
	timeout 120 "$VGT" test -q "$@"
}

# A suite with all that may be on a page. Without draws, without a renderer that lives, with hostile text.
hostile='<img src=x onerror=hostile()>'
mkdir suite
for name in gears gears-es shadow desktop buffer texture; do
	cp -R "$traces/$name" "$traces/$name.vgt" suite/
done
for name in crash hostile resized bare; do
	cp "$traces/gears.vgt" "suite/$name.vgt"
done
mkdir suite/resized
cp "$traces/shadow/frame-0000.png" suite/resized/
cat >suite/manifest.json <<-END
	{"version": 1, "tolerance": {"threshold": 8, "max_pixels": "0.5%"},
	 "expect": [{"traces": "desktop", "result": "fail", "reason": "https://example.org/issues/7"},
		{"traces": "<img*", "result": "skip", "renderer": "none", "reason": "javascript:hostile()"}],
	 "traces": [{"name": "bare"}, {"name": "crash"}, {"name": "gears", "tags": ["window"]}, {"name": "gears-es"},
		{"name": "shadow", "tags": ["window", "texture"]}, {"name": "desktop"}, {"name": "buffer"}, {"name": "resized"},
		{"name": "$hostile", "file": "hostile.vgt", "shows": "</script><script>hostile()</script><!--<script>"}]}
END
mkdir alone
cp "$VGT" alone/vgt
printf '#!/bin/sh\nprintf "</script><img src=x onerror=hostile()>\\033[2J\\n" && kill -SEGV $$\n' >alone/vgt-player
chmod +x alone/vgt-player
expect_exit 0 vgt_test --out good suite bare gears-es
expect_exit 1 vgt_test --drop=draws --out bad suite gears shadow desktop buffer resized
expect_exit 1 env LD_LIBRARY_PATH="$stub" STUB_VIRGL_CRASH=1 ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_segv=0" \
	timeout 120 "$VGT" test -q --out crashed suite crash
expect_exit 1 timeout 120 alone/vgt test -q --out hostile suite "$hostile"
expect_exit 1 vgt_test --merge --html mixed.html good bad crashed hostile
expect_exit 0 [ "$(stat -c %s mixed.html)" -lt 4000000 ]

# What escapes nothing and forbids nothing: the positive control.
sed -e 's/\\u003c/</g' -e 's/<meta http-equiv="Content-Security-Policy"[^>]*>//' \
	-e 's|<a class="skip"|<img src="http://127.0.0.1:9/x" alt="">&|' mixed.html >spoilt.html
expect_exit 1 cmp -s mixed.html spoilt.html

# Of one run; of very many tests; of none; with pictures that are gone or no pictures.
rm suite/manifest.json
expect_exit 0 vgt_test --html passed.html suite gears shadow texture
many() { # COUNT: results of so many tests, of one more
	mkdir -p "many-$1"
	jq -c --argjson count "$1" 'if .event == "run" then .tests = $count + 1
		elif .event == "test" and .name == "gears-es" then . as $test | range($count) |
			$test + {name: "copy-\(.)", position: .}
		elif .event == "summary" then .tests = $count | .pass = $count else empty end' good/results.jsonl >"many-$1/results.jsonl"
	timeout 60 "$VGT" test --merge -q --html "many-$1.html" "many-$1" || true
}
expect_exit 0 many 400
expect_exit 0 many 0
# What differs where the host lacks something: nobody has expected it.
mkdir unjudged
jq -c 'if .name == "gears" then . + {verdict: "skip", lacks: "a format\n", reasons: (["answers", .reasons[]])} else . end' \
	bad/results.jsonl >unjudged/results.jsonl
expect_exit 1 vgt_test --merge --html unjudged.html unjudged
rm bad/gears/*.golden.png
echo "not a picture" >bad/gears/frame-0000.actual.png
expect_exit 1 vgt_test --merge --html gone.html bad

# What netpbm reads of the pictures, and where they differ most.
frame=10
rgb() { # FILE X Y
	pngtopnm "$1" 2>/dev/null | pamcut -left "$2" -top "$3" -width 1 -height 1 | pnmtoplainpnm | tail -n +4 |
		jq -cs .
}
place() { # X Y
	jq -cn --argjson x "$1" --argjson y "$2" --argjson golden "$(rgb suite/gears/frame-0010.png "$1" "$2")" \
		--argjson actual "$(rgb bad/gears/frame-0010.actual.png "$1" "$2")" '{$x, $y, $golden, $actual}'
}
read -r x y < <("$VGT" compare suite/gears/frame-0010.png bad/gears/frame-0010.actual.png |
	sed -n 's/.*largest difference [0-9]* ([a-z]* at \([0-9]*\),\([0-9]*\)).*/\1 \2/p')
CASE=$(jq -n --arg hostile "$hostile" --arg dir "$TMP" --argjson frame "{
	\"number\": $frame, \"width\": 300, \"worst\": {\"x\": $x, \"y\": $y}, \"height\": 300,
	\"places\": [$(place 0 0), $(place "$x" "$y"), $(place 100 200), $(place 299 299)], \"middle\": $(place 150 150)}" '{
	mixed: {file: "\($dir)/mixed.html", $hostile, $frame,
		order: ["crash", $hostile, "gears", "shadow", "buffer", "resized", "desktop", "bare", "gears-es"],
		headline: "6 of 9 tests to look at", environment: ["llvmpipe", "LP_NATIVE_VECTOR_WIDTH=128"],
		verdicts: {crash: "2 crashed", fail: "4 failed", known: "1 known failure", pass: "2 passed"}},
	spoilt: {file: "\($dir)/spoilt.html"},
	plain: {"all-passed": {file: "\($dir)/passed.html", headline: "All 3 tests passed"},
		many: {file: "\($dir)/many-400.html", headline: "All 400 tests passed"},
		none: {file: "\($dir)/many-0.html", headline: "No tests were run"},
		unjudged: {file: "\($dir)/unjudged.html", headline: "3 of 5 tests to look at"},
		gone: {file: "\($dir)/gone.html", headline: "4 of 5 tests to look at"}}}')
export CASE
expect_exit 0 timeout 600 node "$script"
tail -n 1 "$TMP/.stdout"
