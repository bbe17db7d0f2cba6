# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the tests of the command line, tests/cli/NAME.sh: source this first, then run checks from
# the repository's root. The first check that fails ends the test with exit status 1 and says
# what was expected and what was seen. Sets VGT (the binary, VGT=... in the environment chooses
# another) and TMP (a directory of the test's own, removed at the end).

set -eu
export LC_ALL=C

VGT=$(realpath "${VGT:-build/vgt}")
[ -x "$VGT" ] || { echo "cli: no program $VGT, build it or set VGT" >&2; exit 1; }
TMP=$(mktemp -d "${TMPDIR:-/tmp}/vgt-cli-XXXXXX")
cli_name=$(basename "$0" .sh)
cli_checks=0
cli_at_end=: # a command that stops what the test has started

# A sanitizer's report must not look like an exit status of vgt.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=99"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}halt_on_error=1:exitcode=99"

cli_end() {
	local status=$?

	trap - EXIT
	$cli_at_end
	rm -rf "$TMP"
	if [ $status -eq 77 ]; then # skip has said why
		exit 77
	fi
	if [ $status -ne 0 ]; then
		echo "cli/$cli_name: FAILED after $cli_checks checks" >&2
		exit $status
	fi
	if [ $cli_checks -eq 0 ]; then
		echo "cli/$cli_name: FAILED, nothing was checked" >&2
		exit 1
	fi
	echo "cli/$cli_name: $cli_checks checks passed"
}
trap cli_end EXIT
trap 'exit 1' HUP INT TERM

# skip WHY: ends the test, for something that it needs is missing; in CI that is a failure.
skip() {
	echo "$(basename "$(dirname "$0")")/$cli_name: SKIPPED: $1" >&2
	[ -z "${CI:-}" ] || exit 1
	exit 77
}

# use_plain_libraries: a sanitized library cannot be loaded into programs that are not, so VGT becomes a
# copy beside the libraries of the plain build, for vgt record. Call it in the repository's root.
use_plain_libraries() {
	local library player

	ldd "$VGT" | grep -q 'lib[at]san' || return 0
	player=$(dirname "$VGT")/vgt-player
	mkdir "$TMP/bin"
	cp "$VGT" "$TMP/bin/vgt"
	VGT=$TMP/bin/vgt
	ln -s "$player" "$TMP/bin/"
	for library in libvgt-preload.so libvgt-vtest.so; do
		ln -s "$PWD/build/$library" "$TMP/bin/"
	done
}

# use_stub_renderer: the stub virglrenderer takes the place of the system's, and a crash in it is one, not a
# sanitizer's report. Sets build (the directory). Call it in the repository's root.
use_stub_renderer() {
	local needed

	build=$(dirname "$VGT")
	export LD_LIBRARY_PATH=$build/tests/stub
	for needed in "$build/tests/virgl_client" "$build/tests/mkpng" "$build/vgt-player" "$build/libvgt-preload.so" \
		"$LD_LIBRARY_PATH/libvirglrenderer.so.1"; do
		[ -e "$needed" ] || { echo "cli/$cli_name: no $needed, build it" >&2; exit 1; }
	done
	export ASAN_OPTIONS="$ASAN_OPTIONS:handle_segv=0:handle_abort=0"
}

# stub_record NAME ARGUMENT...: NAME.vgt, of tests/virgl_client with these arguments
stub_record() {
	local name=$1

	shift
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout 60 env \
		LD_PRELOAD="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so" \
		VGT_CAPTURE_FILE="$name.vgt" "$build/tests/virgl_client" "$@" >/dev/null
}

# Files that may not be read or written: root may all the same, so that nobody tries.
as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# has_terminals: whether one can be had for on_terminal, which runs the line COMMAND... on one.
has_terminals() {
	command -v script >/dev/null && timeout 10 script -qec true /dev/null </dev/null >/dev/null 2>&1
}
on_terminal() {
	TERM=xterm timeout 60 script -qec "$*" /dev/null </dev/null
}

# fail EXPECTED COMMAND...: ends the test, after cli_run of that command.
fail() {
	local expected=$1 depth=0

	shift
	while [ "${BASH_SOURCE[depth]}" = "${BASH_SOURCE[0]}" ]; do
		depth=$((depth + 1))
	done
	{
		echo "${BASH_SOURCE[depth]}:${BASH_LINENO[depth - 1]}: check failed"
		echo "command:  $*"
		echo "expected: $expected"
		echo "seen:     exit status $cli_status"
		sed 's/^/  stdout| /' "$TMP/.stdout"
		sed 's/^/  stderr| /' "$TMP/.stderr"
	} >&2
	exit 1
}

# Runs a command; its exit status is in cli_status, its output in $TMP/.stdout and .stderr.
cli_run() {
	cli_status=0
	"$@" >"$TMP/.stdout" 2>"$TMP/.stderr" </dev/null || cli_status=$?
	cli_checks=$((cli_checks + 1))
}

# A crash is no output to be satisfied with, whatever it printed before.
cli_no_crash() {
	[ "$cli_status" -lt 99 ] || fail "no crash" "$@"
}

# expect_exit STATUS COMMAND...
expect_exit() {
	local expected=$1

	shift
	cli_run "$@"
	[ "$cli_status" -eq "$expected" ] || fail "exit status $expected" "$@"
}

# expect_stdout TEXT COMMAND...: exactly this text, line ends at the end aside.
expect_stdout() {
	local expected=$1

	shift
	cli_run "$@"
	cli_no_crash "$@"
	[ "$(cat "$TMP/.stdout")" = "$expected" ] || fail "on stdout: $expected" "$@"
}

# expect_stderr TEXT COMMAND...: the same for stderr.
expect_stderr() {
	local expected=$1

	shift
	cli_run "$@"
	cli_no_crash "$@"
	[ "$(cat "$TMP/.stderr")" = "$expected" ] || fail "on stderr: $expected" "$@"
}

# expect_stdout_match REGEX COMMAND...: a line that matches this extended expression.
expect_stdout_match() {
	local expected=$1

	shift
	cli_run "$@"
	cli_no_crash "$@"
	grep -Eq -e "$expected" "$TMP/.stdout" || fail "on stdout a line like: $expected" "$@"
}

# expect_stderr_match REGEX COMMAND...
expect_stderr_match() {
	local expected=$1

	shift
	cli_run "$@"
	cli_no_crash "$@"
	grep -Eq -e "$expected" "$TMP/.stderr" || fail "on stderr a line like: $expected" "$@"
}

# expect_equal WHAT EXPECTED SEEN: of two texts.
expect_equal() {
	cli_checks=$((cli_checks + 1))
	[ "$2" = "$3" ] || {
		echo "${BASH_SOURCE[1]}:${BASH_LINENO[0]}: $1: expected (<) and seen (>) differ:"
		diff <(echo "$2") <(echo "$3") | head -n 20
		exit 1
	} >&2
}
