#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # jq and shell() expand
# `vgt test --update`: what it would approve is shown before anything is written, and only what is named,
# or confirmed on a terminal, becomes a golden; never of what crashed, hung or broke off; nothing outside
# of the suite, and nothing by halves. The replay is the stub's.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
mkpng=$(realpath "${MKPNG:-build/tests/mkpng}")
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
for needed in "$client" "$mkpng" "$build/vgt-player" "$build/libvgt-preload.so" \
	"$build/tests/stub/libvirglrenderer.so.1"; do
	[ -e "$needed" ] || { echo "cli/test_update: no $needed, build it" >&2; exit 1; }
done
command -v jq >/dev/null || skip "no jq"
export LIBGL_ALWAYS_SOFTWARE=1 MESA_SHADER_CACHE_DISABLE=1 LD_LIBRARY_PATH=$build/tests/stub
unset GALLIUM_DRIVER
# A crash is to be one, not a sanitizer's report.
export ASAN_OPTIONS="$ASAN_OPTIONS:handle_segv=0:handle_abort=0"
cd "$TMP"
export TMPDIR=$TMP

update() { # [--update=add] ARGUMENT...
	case ${1-} in
	--update*) timeout 60 "$VGT" test --out out "$@" ;;
	*) timeout 60 "$VGT" test --update --out out "$@" ;;
	esac
}
passes() {
	expect_exit 0 timeout 60 "$VGT" test --quiet --out out suite
}
# The last command has printed such a line.
saw() { # stdout|stderr REGEX
	cli_checks=$((cli_checks + 1))
	grep -Eq -e "$2" "$TMP/.$1" || fail "on $1 a line like: $2" "the last command"
}

# Two traces; of one the goldens of frames 1 and 2 are wrong, frame 0 and the other trace are as they are to be.
mkdir -p master/one master/two
for trace in "one --frames 4" "two --contexts 2 --frames 3"; do
	# shellcheck disable=SC2086 # name and arguments
	set -- $trace
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout 60 env LD_PRELOAD="$preload" \
		VGT_CAPTURE_FILE="master/$1.vgt" "$client" "${@:2}" >/dev/null
done
timeout 60 "$VGT" replay --quiet --frames 0-3 --out good master/one.vgt >/dev/null
timeout 60 "$VGT" replay --quiet --frames 1 --out master/two master/two.vgt >/dev/null
size=$("$VGT" replay --json --quiet --frames 0 master/one.vgt 2>/dev/null |
	jq -r 'select(.event == "frame") | "\(.width)x\(.height)"')
"$mkpng" wrong.png "$size" 336699ff
cp good/frame-0000.png master/one/
cp wrong.png master/one/frame-0001.png
cp wrong.png master/one/frame-0002.png
suite() { # [MEMBERS]: of a manifest, beside the traces; none without
	rm -rf suite out
	cp -R master suite
	[ -z "${1-}" ] || echo '{"version": 1, '"$1"'}' >suite/manifest.json
}
pictures() { # all but the traces, with what is in them
	(cd "${1:-suite}" && find . ! -name '*.vgt' -type f -exec sha256sum {} + | sort)
}
unchanged() { # WHAT
	expect_equal "$1: what the suite has" "$before" "$(pictures)"
	expect_equal "$1: temporary files" "" "$(find . -name '*.tmp' -o -name 'vgt-test-*')"
}
same() { # GOLDEN PICTURE: the same pixels, and like all goldens without alpha
	expect_exit 0 "$VGT" compare --quiet "$1" "$2"
	expect_equal "colour type of $1" 2 "$(od -An -tu1 -j25 -N1 "$1" | tr -d ' ')"
}

# Nobody has named anything and there is no terminal: it shows, and writes nothing.
suite
before=$(pictures)
expect_exit 1 update suite
expect_equal "what would be written" "replace suite/one/frame-0001.png
replace suite/one/frame-0002.png" "$(sed -n 's/^\(replace\|new\|add\|remove\) *\([^:]*\): .*/\1 \2/p' "$TMP/.stdout")"
expect_equal "what to look at" "from out/one/frame-0001.actual.png
difference out/one/frame-0001.difference.png
from out/one/frame-0002.actual.png
difference out/one/frame-0002.difference.png" "$(sed -n 's/^        //p' "$TMP/.stdout")"
expect_equal "the end" "vgt: suite: nothing is approved; name what you have looked at: vgt test --update suite NAME[:FRAMES]..." \
	"$(tail -n 1 "$TMP/.stderr")"
unchanged "shown only"

# A frame, then all of a trace; afterwards the same run passes.
expect_exit 1 update suite one:1
expect_equal "the end" "vgt: suite: 1 golden written, 1 left as it is" "$(tail -n 1 "$TMP/.stderr")"
same suite/one/frame-0001.png good/frame-0001.png
expect_exit 0 cmp wrong.png suite/one/frame-0002.png
expect_exit 0 cmp master/one/frame-0000.png suite/one/frame-0000.png
expect_exit 0 update suite one
expect_equal "the end" "vgt: suite: 1 golden written" "$(tail -n 1 "$TMP/.stderr")"
same suite/one/frame-0002.png good/frame-0002.png
passes
before=$(pictures)
expect_exit 0 update suite one two
expect_equal "the end" "vgt: suite: nothing to approve" "$(tail -n 1 "$TMP/.stderr")"
expect_exit 0 update suite
unchanged "nothing to approve"
# with several processes
suite
expect_exit 0 update --jobs 2 suite one two
passes

# Beside what is approved, at the next free number; and in its place, whatever there is.
suite
expect_exit 0 update --update=add suite one:1,2
expect_equal "the goldens" "frame-0000.png frame-0001.2.png frame-0001.png frame-0002.2.png frame-0002.png" \
	"$(cd suite/one && echo *)"
expect_exit 0 cmp wrong.png suite/one/frame-0001.png
same suite/one/frame-0001.2.png good/frame-0001.png
passes
cp wrong.png suite/one/frame-0001.2.png
cp wrong.png suite/one/frame-0001.4.png
expect_exit 0 update --update=add suite one
same suite/one/frame-0001.3.png good/frame-0001.png
passes
cp wrong.png suite/one/frame-0001.3.png
expect_exit 0 update --update=replace suite one
expect_equal "what became of four" "replace suite/one/frame-0001.png
remove suite/one/frame-0001.2.png
remove suite/one/frame-0001.3.png
remove suite/one/frame-0001.4.png" "$(sed -n 's/^\(replace\|new\|add\|remove\) *\([^:]*\): .*/\1 \2/p' "$TMP/.stdout")"
expect_equal "the end" "vgt: suite: 1 golden written, 3 removed" "$(tail -n 1 "$TMP/.stderr")"
passes

# The first goldens: those that a manifest lists, or that the command line names.
suite '"traces": [{"name": "first", "file": "one.vgt", "frames": "0,3"}]'
expect_stdout_match '^new     suite/first/frame-0003.png: has no golden$' update suite first
expect_equal "status" 0 "$cli_status"
same suite/first/frame-0003.png good/frame-0003.png
passes
suite
rm -r suite/one
expect_exit 0 update suite one
expect_equal "how to start" "vgt: suite: nothing to approve; for a trace without goldens name frames, such as one:0" \
	"$(tail -n 1 "$TMP/.stderr")"
expect_exit 1 [ -e suite/one ]
expect_stdout_match '^new   one: frame 3 .*has no golden' update suite one:3
rm -r suite/one
expect_exit 0 update suite one:0,2-3
expect_equal "the goldens" "frame-0000.png frame-0002.png frame-0003.png" "$(cd suite/one && echo *)"
expect_exit 0 update suite one:1
passes
expect_equal "the goldens" 4 "$(find suite/one -name '*.png' | wc -l)"

# Frames that are no more.
suite
cp good/frame-0001.png good/frame-0002.png suite/one/
cp wrong.png suite/one/frame-0007.png
cp wrong.png suite/one/frame-0007.2.png
before=$(pictures)
expect_exit 1 update suite
unchanged "a frame that is no more, shown"
expect_stdout_match '^remove  suite/one/frame-0007.png: the trace has 4 frames$' update suite one:7
expect_equal "status" 0 "$cli_status"
passes
expect_equal "the goldens" "frame-0000.png frame-0001.png frame-0002.png" "$(cd suite/one && echo *)"
echo '{"version": 1, "traces": [{"name": "one", "frames": "0,2"}]}' >suite/manifest.json
expect_stdout_match "^remove  suite/one/frame-0001.png: the manifest's frames are 0,2$" update suite one
passes

# For this renderer, where the manifest names it, and not over what others inherit.
keys='"renderers": [{"name": "soft", "renderer": "softpipe*", "inherits": "here"}, {"name": "here", "renderer": "?*"}]'
suite '"traces": [{"name": "one", "frames": "0-2"}], '"$keys"
expect_exit 0 update suite one
expect_equal "for one renderer" "new suite/one/here/frame-0001.png
new suite/one/here/frame-0002.png" "$(sed -n 's/^\(replace\|new\|add\|remove\) *\([^:]*\): .*/\1 \2/p' "$TMP/.stdout")"
expect_equal "what that means" "note: instead of the inherited suite/one/frame-0001.png; also for soft" \
	"$(sed -n 's/^        \(note\)/\1/p' "$TMP/.stdout" | head -n 1)"
expect_equal "the others'" "$(pictures master)" "$(pictures | grep -v -e /here/ -e manifest)"
passes
before=$(pictures)
cp wrong.png suite/one/here/frame-0001.png
expect_exit 0 update suite one
saw stdout '^replace suite/one/here/frame-0001.png'
unchanged "replaced in its level"
# nowhere where it is not known which one it is
mkdir mute
cp "$VGT" mute/vgt
printf '#!/bin/sh\n[ "$1" != --probe ] || exit 1\nexec "%s" "$@"\n' "$build/vgt-player" >mute/vgt-player
chmod +x mute/vgt-player
rm -r suite/one/here
before=$(pictures)
expect_stderr_match '^vgt: one: nothing is approved: the renderer does not say what it is' \
	timeout 60 mute/vgt test --update --out out suite one
expect_equal "status" 1 "$cli_status"
unchanged "a renderer that is not known"
# where it does not name it, for all that inherit
suite '"traces": [{"name": "one", "frames": "0-2"}], "renderers": [{"name": "other", "renderer": "none"}]'
expect_stdout_match '^        note: for all renderers; also for other$' update suite one
expect_equal "the goldens" "frame-0000.png frame-0001.png frame-0002.png" "$(cd suite/one && echo *)"
passes
# a known failure
suite '"traces": [{"name": "one"}], "expect": [{"traces": "one", "result": "fail", "reason": "a bug"}]'
expect_stdout_match '^        note: expected to fail: a bug$' update suite
expect_stdout_match '^        note: expected to fail: a bug; this host lacks what the recording.s had$' env STUB_VIRGL_LESS=1 \
	timeout 60 "$VGT" test --update --out out suite
expect_equal "status" 1 "$cli_status"

# Never what crashed, hung, broke off, or whose golden cannot be read.
refused() { # REGEX STATUS COMMAND...: nothing is written
	local regex=$1 status=$2

	shift 2
	before=$(pictures)
	expect_stderr_match "$regex" "$@"
	expect_equal "status of $regex" "$status" "$cli_status"
	expect_equal "what would be written by $*" "" "$(grep -E '^(replace|new|add|remove) ' "$TMP/.stdout")"
	unchanged "$regex"
}
suite
for n in 1 2; do
	refused '^vgt: one: nothing is approved: it crashed$' 1 env STUB_VIRGL_CRASH=$n "$VGT" test --update --out out suite one
done
refused '^vgt: one: nothing is approved: it hung$' 1 env STUB_VIRGL_HANG=2 "$VGT" test --timeout 1 --update --out out suite one
refused '^vgt: one: nothing is approved: it could not be run' 2 env STUB_VIRGL_FAIL=init "$VGT" test --update --out out suite one
suite '"traces": [{"name": "one"}], "expect": [{"traces": "one", "result": "crash", "reason": "a bug"}]'
refused '^vgt: one: nothing is approved: it crashed or hung, as expected$' 0 \
	env STUB_VIRGL_CRASH=2 "$VGT" test --update --out out suite one
suite
cp good/frame-0002.png suite/one/
echo none >suite/one/frame-0001.png
# a golden that is damaged cannot get worse: it is replaced where it is named
before=$(pictures)
expect_exit 1 update suite
saw stdout '^replace suite/one/frame-0001.png: its golden is damaged$'
unchanged "a damaged golden, shown"
expect_exit 0 update --update=add suite one:1
expect_equal "the end" "vgt: suite: 1 golden written" "$(tail -n 1 "$TMP/.stderr")"
same suite/one/frame-0001.png good/frame-0001.png
passes
suite
cp good/frame-0002.png suite/one/
: >suite/one/frame-0001.2.png
expect_exit 0 update suite one
passes
# no directory to keep pictures in
suite
mkdir out
: >out/one
before=$(pictures)
expect_exit 2 update suite one
saw stderr '^vgt: one: frame 1: not approved: its picture could not be kept$'
expect_exit 1 grep -e unreadable -e 'no golden changes' "$TMP/.stderr"
unchanged "no pictures"
suite
echo more >>suite/one.vgt
refused '^vgt: suite: nothing to approve$' 1 update suite one
# what differs beside the frames is told, and still differs
suite '"traces": [{"name": "one", "frames": "0-2,9"}]'
expect_exit 1 update suite one
saw stderr '^vgt: one: fails for what no golden changes, too$'
cp wrong.png suite/one/frame-0001.png

# Nothing behind a link, nothing by halves.
mkdir -p aim
cp wrong.png aim/frame-0001.png
suite
rm suite/one/frame-0001.png
ln -s "$TMP/aim/frame-0001.png" suite/one/frame-0001.png
expect_stderr_match '^vgt: suite/one/frame-0001.png: is a link, which is not followed$' update suite one:1
expect_equal "status" 2 "$cli_status"
expect_exit 0 [ -L suite/one/frame-0001.png ]
suite
mv suite/one elsewhere
ln -s ../elsewhere suite/one
expect_stderr_match '^vgt: suite/one/frame-0001.png: one is a link, which is not followed$' update suite one
expect_equal "status" 2 "$cli_status"
expect_exit 0 cmp wrong.png elsewhere/frame-0001.png
suite '"traces": [{"name": "one", "frames": "0-2"}], '"$keys"
ln -s "$TMP/aim" suite/one/here
rm suite/one/frame-0001.png aim/*
expect_stderr_match '^vgt: suite/one/here/frame-0001.png: here is a link, which is not followed$' update suite one
expect_equal "behind the link" "" "$(ls -A aim)"
suite
rm suite/one/frame-0001.png
mkfifo suite/one/frame-0001.png
expect_exit 1 update suite one
saw stderr '^vgt: one: frame 1: not approved: its golden is unreadable; remove it first$'
expect_exit 0 [ -p suite/one/frame-0001.png ]
same suite/one/frame-0002.png good/frame-0002.png
# a directory that cannot be written, a disk that is full
suite
before=$(pictures)
if [ "$(id -u)" -ne 0 ]; then
	chmod 555 suite/one
	expect_stderr_match '^vgt: suite/one/frame-0001.png: cannot create: Permission denied$' update suite one
	chmod 755 suite/one
	expect_equal "status" 2 "$cli_status"
	unchanged "an unwritable directory"
fi
if unshare -rm true 2>/dev/null; then
	cat >small-disk <<-'EOF'
		mount -t tmpfs -o size=16k none suite/one && cp master/one/frame-000[12].png suite/one/ || exit 77
		[ -z "$1" ] || mount -o remount,ro suite/one
		head -c 65536 /dev/zero >suite/one/rest 2>/dev/null
		"$VGT" test --update --out out suite one:1 >.out 2>.err
		echo "status $?"
		cmp master/one/frame-0001.png suite/one/frame-0001.png && ls -A suite/one
		cat .err
	EOF
	for disk in "|No space left on device" "ro|Read-only file system"; do
		cli_run timeout 60 env VGT="$VGT" unshare -rm bash small-disk "${disk%|*}"
		if [ "$cli_status" -ne 77 ]; then
			expect_equal "on a disk with $disk" "status 2
frame-0001.png
frame-0002.png
vgt: suite/one/frame-0001.png: cannot" "$(sed -e '/^rest$/d' -e '/ passed/d' -e '/ left as /d' -e 's/\(: cannot\) .*/\1/' "$TMP/.stdout")"
			saw stdout ": ${disk#*|}$"
		fi
	done
fi

# On a terminal each is asked for: no, all, quit, and end of input; Ctrl-C leaves all as it is.
answer() { # ANSWERS: what they come to
	suite
	printf '%b' "$1" | TERM=xterm timeout 60 script -qec "$VGT test --update --out out suite" /dev/null >typescript || true
	for frame in 1 2; do
		cmp -s wrong.png suite/one/frame-000$frame.png || echo -n "$frame "
	done
}
if has_terminals; then
	for case in 'n\ny\n|2 ' 'y\nq\n|1 ' 'a\n|1 2 ' 'q\n|' '|' 'x\n\nn\na\n|2 ' 'y\ny\n|1 2 ' 'y\n\003|'; do
		expect_equal "answered ${case%|*}" "${case##*|}" "$(answer "${case%|*}")"
	done
	answer 'n\ny\n' >/dev/null
	expect_stdout_match 'approve suite/one/frame-0001.png \(replace\)\? \[y\]es, \[n\]o, \[a\]ll, \[q\]uit:' cat typescript
	# what it would be comes before the first question
	expect_equal "shown before it is asked" "replace replace approve" \
		"$(grep -o -a -e '^replace' -e '^approve' typescript | head -n 3 | xargs)"
	# what is named is not asked for
	suite
	expect_exit 1 on_terminal "$VGT test --update --out out suite one:2"
	expect_equal "questions" 0 "$(grep -c '^approve' .stdout)"
	same suite/one/frame-0002.png good/frame-0002.png
	expect_exit 0 cmp wrong.png suite/one/frame-0001.png
fi

# JSON.
suite
expect_exit 1 update --json suite one:1
expect_equal "JSON" '{"event":"approval","name":"one","frame":1,"change":"replace","file":"suite/one/frame-0001.png","picture":"out/one/frame-0001.actual.png","difference":"out/one/frame-0001.difference.png","named":true}
{"event":"approval","name":"one","frame":2,"change":"replace","file":"suite/one/frame-0002.png","picture":"out/one/frame-0002.actual.png","difference":"out/one/frame-0002.difference.png","named":false}
{"event":"update","written":1,"removed":0,"left":1}' \
	"$(jq -c 'select(.event == "approval" or .event == "update") | del(.why)' .stdout)"

# Usage.
suite '"traces": [{"name": "one", "frames": "0-2"}, {"name": "two:2", "file": "two.vgt"}]'
before=$(pictures)
expect_stderr_match "^vgt: suite: no such trace 'oen', did you mean 'one'\?$" update suite oen
expect_stderr_match "^vgt: suite: no such trace 'oen:1', did you mean 'one'\?$" update suite oen:1
expect_stderr_match "^vgt: suite: no such trace 'o\*'; globs are for --filter$" update suite 'o*'
expect_stderr "vgt: suite: one:x: frames are such as 0,10-20, at most 64 ranges" update suite one:x
expect_equal "status" 2 "$cli_status"
expect_stderr_match "^vgt: suite: one: frame 3 is not among the manifest's frames 0-2: add it there first$" update suite one:3
expect_equal "status" 2 "$cli_status"
expect_stderr_match "^vgt: suite: one is named twice: all its frames belong in one list$" update suite one:1 one:2
expect_exit 0 update suite two:2
expect_stderr_match "^vgt: --update is replace or add, not 'all'$" update --update=all suite
expect_exit 2 update --drop=draws suite
expect_exit 2 update --list suite
expect_exit 2 update --merge suite
unchanged "wrong usage"
