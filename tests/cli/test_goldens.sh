#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # jq expands
# `vgt test` with goldens for one renderer and for all, inherited, and several of one frame; and what is
# said of those that cannot be used. The replay is the stub's; the renderer is what EGL has: llvmpipe, or
# softpipe where the environment says so.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
mkpng=$(realpath "${MKPNG:-build/tests/mkpng}")
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
for needed in "$client" "$mkpng" "$build/vgt-player" "$build/libvgt-preload.so" \
	"$build/tests/stub/libvirglrenderer.so.1"; do
	[ -e "$needed" ] || { echo "cli/test_goldens: no $needed, build it" >&2; exit 1; }
done
command -v jq >/dev/null || skip "no jq"
export LIBGL_ALWAYS_SOFTWARE=1 MESA_SHADER_CACHE_DISABLE=1 LD_LIBRARY_PATH=$build/tests/stub
# renderer_is NAME [VARIABLE...]: whether EGL gives this one
renderer_is() {
	env "${@:2}" "$build/vgt-player" --probe 2>/dev/null | grep -q "^vgt-probe: gl.renderer $1"
}
unset GALLIUM_DRIVER
renderer_is llvmpipe || skip "the renderer is not llvmpipe"
renderer_is softpipe GALLIUM_DRIVER=softpipe || skip "no softpipe"
cd "$TMP"
export TMPDIR=$TMP

vgt_test() {
	timeout 60 "$VGT" test --out "$TMP/out" "$@"
}
soft() {
	GALLIUM_DRIVER=softpipe vgt_test "$@"
}

# A trace with three goldens, and pictures that none of its frames is like.
mkdir -p master/one
ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout 60 env LD_PRELOAD="$preload" \
	VGT_CAPTURE_FILE=master/one.vgt "$client" --frames 4 >/dev/null
timeout 60 "$VGT" replay --quiet --frames 0-2 --out master/one master/one.vgt >/dev/null
size=$("$VGT" replay --json --quiet --frames 0 master/one.vgt 2>/dev/null |
	jq -r 'select(.event == "frame") | "\(.width)x\(.height)"')
"$mkpng" wrong.png "$size" 336699ff
"$mkpng" small.png 8x8 336699ff
suite() { # [MEMBERS]: of the manifest, beside the traces
	rm -rf suite
	cp -R master suite
	echo '{"version": 1, "traces": [{"name": "one", "frames": "0-2"}]'"${1:+, $1}"'}' >suite/manifest.json
}
keys='"renderers": [
	{"name": "soft", "renderer": "softpipe*", "inherits": "mesa"},
	{"name": "mesa", "version": "*Mesa*", "virglrenderer": "libvirglrenderer.so.1*"}]'

# The level that decides: the renderer's own, what it inherits, the one for all.
suite "$keys"
expect_exit 0 vgt_test suite
expect_exit 0 soft suite
mkdir suite/one/mesa
cp wrong.png suite/one/mesa/frame-0001.png
for run in vgt_test soft; do
	expect_stdout_match '^FAIL  one: frame 1 ' $run suite
	expect_equal "frames that fail by $run" 1 "$(grep -c 'frame [0-9]* (@' "$TMP/.stdout")"
	expect_stdout_match 'golden suite/one/mesa/frame-0001.png' $run suite
done
mkdir suite/one/soft
mv suite/one/frame-0001.png suite/one/soft/
expect_exit 0 soft suite
expect_exit 1 vgt_test suite
mv suite/one/mesa/frame-0001.png suite/one/
expect_exit 0 soft suite
expect_stdout_match 'golden suite/one/frame-0001.png' vgt_test suite
# a golden for one renderer only is none for others
rm suite/one/frame-0001.png
expect_exit 0 soft suite
expect_stdout_match '^FAIL  one: frame 1 \(@[0-9]+\): has no golden' vgt_test suite
# which renderers a name is for: version and library too
for pattern in '"version": "*Mesa 1.*"' '"virglrenderer": "libvirglrenderer.so.1.*"' '"renderer": "softpipe"'; do
	suite '"renderers": [{"name": "mesa", '"$pattern"'}]'
	mkdir suite/one/mesa
	cp wrong.png suite/one/mesa/frame-0001.png
	expect_exit 0 vgt_test suite
done
# a directory of goldens that nothing names: they would be missed by nobody
strays() { # MESSAGE: whatever is selected, and nothing is run; --list is no run
	expect_stderr "vgt: $1" vgt_test suite
	expect_equal "status" 2 "$cli_status"
	expect_equal "output" "" "$(cat "$TMP/.stdout")"
	expect_exit 2 vgt_test --update suite one
	expect_exit 0 "$VGT" test --list suite
}
strays_are="has goldens, but none of the manifest's \"renderers\" has that name"
suite
mkdir suite/one/mesa
expect_exit 0 vgt_test suite
cp wrong.png suite/one/mesa/frame-0001.png
strays "suite/one/mesa: $strays_are"
rm suite/manifest.json
strays "suite/one/mesa: $strays_are"
suite
mv suite/one suite/on
strays "suite/on: has goldens, but no trace has that name"
rm suite/manifest.json
strays "suite/on: has goldens, but no trace has that name"
# not where a trace has it that the manifest leaves out, or in a manifest beside the suite's
cp suite/one.vgt suite/on.vgt
expect_stderr_match '^vgt: suite: 2 of 2 passed, 1 without goldens in ' vgt_test suite
echo '{"version": 1, "traces": [{"name": "one"}]}' >suite/some.json
rm suite/on.vgt
expect_stderr_match '^vgt: suite/some.json: 1 of 1 passed, 1 without goldens in ' vgt_test suite/some.json
expect_equal "JSON" "1 1" "$(vgt_test --json suite/some.json 2>/dev/null |
	jq -r 'select(.event == "summary") | "\(.pass) \(.without_goldens)"')"
# a renderer that does not say what it is: only patterns for anything match
suite '"renderers": [{"name": "known", "renderer": "?*"}, {"name": "any"}]'
mkdir suite/one/known suite/one/any
cp wrong.png suite/one/known/frame-0000.png
cp wrong.png suite/one/any/frame-0002.png
expect_stdout_match '^FAIL  one: frame 0 ' vgt_test suite
mkdir alone
cp "$VGT" alone/vgt
printf '#!/bin/sh\n[ "$1" != --probe ] || kill -SEGV $$\nexec "%s" "$@"\n' "$build/vgt-player" >alone/vgt-player
chmod +x alone/vgt-player
expect_stdout_match '^FAIL  one: frame 2 ' timeout 60 alone/vgt test --out "$TMP/out" suite
expect_equal "status" 1 "$cli_status"

# Several approved pictures: one must be like it, in whatever order; else the nearest is told.
suite
mv suite/one/frame-0001.png suite/one/frame-0001.3.png
cp small.png suite/one/frame-0001.png
cp wrong.png suite/one/frame-0001.2.png
expect_exit 0 vgt_test suite
timeout 60 "$VGT" test --json --out out suite 2>/dev/null >json
expect_equal "which one it is like" "suite/one/frame-0001.3.png true like frame-0001.3.png of 3 approved pictures" \
	"$(jq -r 'select(.event == "test") | .frames[1] | "\(.golden) \(.same) \(.note)"' json)"
expect_equal "the others have no choice" "null null" \
	"$(jq -r 'select(.event == "test") | "\(.frames[0].note) \(.frames[2].note)"' json)"
rm suite/one/frame-0001.3.png
expect_stdout_match '^FAIL  one: frame 1 \(@[0-9]+\): [0-9]+ of [0-9]+ pixels' vgt_test suite
expect_stdout_match 'golden suite/one/frame-0001.2.png' vgt_test suite
rm suite/one/frame-0001.2.png
expect_stdout_match "^FAIL  one: frame 1 .*: $size pixels, its golden has 8x8" vgt_test suite
# those of the level that decides only
suite "$keys"
mkdir suite/one/mesa
mv suite/one/frame-0001.png suite/one/frame-0001.2.png
cp wrong.png suite/one/mesa/frame-0001.png
expect_exit 1 vgt_test suite
mv suite/one/frame-0001.2.png suite/one/mesa/
expect_exit 0 vgt_test suite
expect_exit 0 soft suite

# Goldens that cannot be used.
bad() { # REGEX: what is said, as an error, and nothing is changed
	find suite -type f -exec sha256sum {} + | sort >before
	expect_stdout_match "$1" vgt_test suite
	expect_equal "status of $1" 2 "$cli_status"
	expect_equal "the suite" "$(cat before)" "$(find suite -type f -exec sha256sum {} + | sort)"
}
suite
cp wrong.png suite/one/frame-0001.1.png
bad '^ERROR one: suite/one: frame-0001.1.png must be named frame-0001.png, or '
suite
cp wrong.png suite/one/frame-0001.100.png
bad '^ERROR one: suite/one: frame-0001.100.png must be named frame-0001.png, or '
suite
cp wrong.png suite/one/frame-1.2.png
bad '^ERROR one: suite/one: frame-1.2.png must be named frame-0001.png, or '
suite "$keys"
mkdir suite/one/mesa
cp wrong.png suite/one/mesa/frame-00001.png
bad '^ERROR one: suite/one/mesa: frame-00001.png must be named frame-0001.png$'
suite "$keys"
echo >suite/one/mesa
bad '^ERROR one: suite/one/mesa: cannot read the directory: Not a directory$'
suite
rm suite/one/frame-0001.png
mkfifo suite/one/frame-0001.png
bad '^ERROR one: suite/one/frame-0001.png: is no regular file$'
rm suite/one/frame-0001.png
mkdir suite/one/frame-0001.png
bad '^ERROR one: suite/one/frame-0001.png: is no regular file$'
# a broken one beside a good one is an error as well: whoever approved it looks in vain
suite
mv suite/one/frame-0001.png suite/one/frame-0001.2.png
echo none >suite/one/frame-0001.png
expect_stdout_match '^FAIL  one: suite/one/frame-0001.png: ' vgt_test suite
expect_equal "status" 1 "$cli_status"

# Manifests that cannot be used.
suite '"expect": [{"traces": "on", "result": "fail", "reason": "r"}]'
expect_stderr "vgt: suite/manifest.json: expect[0]: traces: no trace has a name like 'on'" vgt_test suite
expect_equal "status" 2 "$cli_status"
suite '"renderers": [{"name": "a", "inherits": "b"}, {"name": "b", "inherits": "a"}]'
expect_stderr "vgt: suite/manifest.json: renderer b: inherits: leads back to itself" vgt_test suite
suite '"renderers": [{"name": "../x"}]'
expect_exit 2 vgt_test suite
