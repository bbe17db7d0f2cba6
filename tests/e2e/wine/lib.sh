# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For tests with Windows programs under Wine: source tests/cli/lib.sh first, then this, in the repository's root,
# then call make_rig. Sets wine, wineserver, gcc (of Windows programs) and icd (what guest-icd/icd/build has built).

wine=/usr/lib/wine/wine64
wineserver=/usr/lib/wine/wineserver # the package wine64 brings no other into PATH
gcc=x86_64-w64-mingw32-gcc-posix
icd=build/icd/x86_64

# A prefix takes half a minute and 700 MB, so it is kept; what is tried is beside the programs, not in there. Each test
# has a registry of its own and so a wineserver: programs of others, on other displays, share neither desktop nor end.
make_prefix() {
	local cache

	cache=${XDG_CACHE_HOME:-$HOME/.cache}/vgt/wine-$("$wine" --version)
	mkdir -p "$cache"
	export WINEPREFIX=$cache/prefix WINEARCH=win64 WINEDEBUG=-all
	(
		flock 9
		[ ! -e "$cache/made" ] || exit 0
		rm -rf "$WINEPREFIX"
		# set -e does not hold here
		WINEDLLOVERRIDES='mscoree,mshtml=' timeout 300 "$wine" wineboot -i 9>&- &&
			timeout 120 $wineserver -w && # which writes the registry when it ends
			touch "$cache/made"
	) 9>"$cache/lock" >"$TMP/wineboot" 2>&1 || {
		cat "$TMP/wineboot" >&2
		exit 1
	}
	mkdir "$TMP/prefix"
	cp "$WINEPREFIX"/{system,user,userdef}.reg "$WINEPREFIX/.update-timestamp" "$TMP/prefix"
	cp -a "$WINEPREFIX/dosdevices" "$TMP/prefix"
	ln -s "$WINEPREFIX/drive_c" "$TMP/prefix"
	WINEPREFIX=$TMP/prefix
	# shellcheck disable=SC2034 # lib.sh's
	cli_at_end=stop_wine
}

# Wine's server outlives programs by some seconds and then writes to the prefix, which is gone by then, or just going.
stop_wine() {
	$wineserver -k || true # there may be none
}

# make_rig: skips where anything is missing; then $TMP/run has the ICD and the rig's gdi32.dll, for programs that are
# put beside them, and there is a prefix.
make_rig() {
	local program file

	for program in Xvfb virgl_test_server "$wine" "$gcc"; do
		command -v "$program" >/dev/null || skip "$program is missing (make check-all installs it)"
	done
	for file in vgticd.dll opengl32.dll icdinfo.exe; do
		[ -e "$icd/$file" ] || skip "there is no $icd/$file: guest-icd/icd/build makes it"
	done
	use_plain_libraries
	make_prefix
	expect_exit 0 tests/e2e/wine/build "$TMP/run"
	cp "$icd"/{vgticd.dll,opengl32.dll,icdinfo.exe} "$TMP/run"
}

# keep_running: for tests of many programs: they share an X server, and Wine's own processes go on between them, which
# saves two seconds and more each.
keep_running() {
	mkfifo "$TMP/display"
	Xvfb -displayfd 3 -screen 0 1280x1024x24 -nolisten tcp 3>"$TMP/display" >/dev/null 2>&1 &
	rig_x=$!
	# shellcheck disable=SC2034 # lib.sh's
	cli_at_end=stop_running
	if ! read -r rig_display <"$TMP/display"; then # once it is there
		echo "Xvfb did not start" >&2
		exit 1
	fi
	rig_display=:$rig_display
	$wineserver -p60 || true # it may be running
}

stop_running() {
	stop_wine
	kill "$rig_x" 2>/dev/null || true # a Ctrl-C has ended it, too
}

# record TRACE [VARIABLE=VALUE...] PROGRAM [ARGUMENT...]: in $TMP/run; the program's output goes to $TMP/out and
# $TMP/err, its exit status to $TMP/status. RECORD_OPTIONS is an array of more options for vgt record. Wine's own
# OpenGL must not draw on the server that is recorded. What VGT_SHOWN, VGT_FRAMES, VGT_TIMES do: present.h.
record() {
	local trace=$1

	shift
	rm -f "$TMP"/{out,err,status} # of a run before
	# shellcheck disable=SC2016
	(cd "$TMP/run" && export DISPLAY="${rig_display:-}" && timeout -k 5 120 "$VGT" record --quiet --gl -o "$trace" \
		${RECORD_OPTIONS[@]+"${RECORD_OPTIONS[@]}"} -- \
		env -u GALLIUM_DRIVER -u LIBGL_ALWAYS_SOFTWARE -u LD_PRELOAD \
		WINEDLLOVERRIDES='gdi32,gdi32_w,opengl32=n,b;mscoree,mshtml=' \
		bash -c 'tmp=$1 && shift && env "$@" >"$tmp/out" 2>"$tmp/err"; echo $? >"$tmp/status"' bash "$TMP" "$@")
}

# hashes TRACE [OPTION...]: size and hash of each frame that is replayed
hashes() {
	"$VGT" replay --quiet "${@:2}" "$1" | awk '{print $4, $NF}'
}
