#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154,SC2164 # bash -c expands; lib.sh sets cli_status, and -e
# What befalls a recording: its program is killed, the disk is full, files may not grow further, there
# is no room for the ring. The program must not notice, and the trace must be good up to there.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
for needed in "$client" "$build/libvgt-preload.so" "$(command -v zstd || echo "program zstd")"; do
	[ -e "$needed" ] || { echo "cli/crash_safety: no $needed" >&2; exit 1; }
done

# SIGKILL: no command is lost, and the control loses some.
expect_stdout "20 kills: commands lost 0" timeout 300 tests/kill_storm 20
expect_exit 0 timeout 300 tests/kill_storm --control 10

export LD_LIBRARY_PATH=$build/tests/stub
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
cd "$TMP"
work=(--size 256x128 --contexts 2 --frames 40)
timeout 60 "$client" "${work[@]}" >plain.out

# ./recorded TRACE: a program, for it also runs in namespaces.
cat >recorded <<-EOF
	#!/bin/bash
	exec timeout 60 env LD_PRELOAD="$preload" VGT_CAPTURE_FILE="\$1" "$client" ${work[*]}
EOF
chmod +x recorded

# stopped REASON TRACE COMMAND...: the program's output and exit status are as ever, one message says
# why recording stopped, and the trace is good so far. Records that the file lacks are kept in the
# ring, which the message names then; with room again the trace is made whole.
stopped() {
	local reason=$1 trace=$2 ring end

	shift 2
	expect_stdout "$(cat plain.out)" "$@"
	[ "$cli_status" -eq 0 ] || fail "exit status 0" "$@"
	ring=$(sed -n 's/.*; the rest is kept in \(.*\.ring\) (.*/\1/p' .stderr)
	[ "$(cat .stderr)" = "vgt: recording stopped: cannot write the trace: $reason\
${ring:+; the rest is kept in $ring} (the program goes on, the trace is valid up to here)" ] ||
		fail "one message: $reason" "$@"
	expect_exit 0 zstd -q -t "$trace"
	end="cannot write the trace: $reason"
	if [ "$ring" ]; then
		end=recovered
		expect_exit 0 test -e "$ring"
		expect_exit 0 "$VGT" recover "$trace"
		expect_exit 1 test -e "$ring"
	fi
	expect_exit 0 "$VGT" info --all "$trace"
	grep -Eq "^end.reason +$end$" .stdout || fail "the reason" "$@"
	grep -Eq "^state +whole$" .stdout || fail "a whole trace" "$@"
	grep -Eq "^FRAME +[1-9]" .stdout || fail "some frames" "$@"
	expect_exit 0 timeout 60 "$VGT" replay --verify --quiet "$trace"
	[ "$(grep -c ^frame .stdout)" -lt 80 ] || fail "not all frames" "$@"
}

# not_started REGEX COMMAND...: nothing can be recorded from the start.
not_started() {
	local expected=$1

	shift
	expect_stdout "$(cat plain.out)" "$@"
	[ "$cli_status" -eq 0 ] || fail "exit status 0" "$@"
	[ "$(grep -c '' .stderr)" -eq 1 ] || fail "one message" "$@"
	grep -Eq "^vgt: .*nothing is recorded: $expected$" .stderr || fail "on stderr: $expected" "$@"
}

# Files may not grow beyond a size (RLIMIT_FSIZE, in KiB). The ring is a file, too.
limited() { # KIB COMMAND...
	(ulimit -f "$1" && shift && "$@")
}
export VGT_CAPTURE_RING_SIZE=65536
stopped "File too large" limit.vgt limited 600 ./recorded limit.vgt
VGT_CAPTURE_RING_SIZE=1048576 stopped "File too large" limit2.vgt limited 1100 ./recorded limit2.vgt
VGT_CAPTURE_RING_SIZE=1048576 not_started \
	"cannot allocate [0-9]+ bytes for the ring .*: File too large" \
	limited 600 ./recorded limit3.vgt
expect_exit 1 test -e limit3.vgt

# No room: a file system of SIZE, seen by these commands only, is mounted on DIRECTORY. What is in
# full/ in the end is copied to after/.
mkdir full after
new_mounts=(--mount)
[ "$(id -u)" -eq 0 ] || new_mounts+=(--user --map-root-user)
with_room() { # SIZE DIRECTORY COMMAND...
	rm -rf after/*
	unshare "${new_mounts[@]}" bash -c '
		mount -t tmpfs -o size="$1" none "$2" || exit 98
		shift 2
		"$@"
		status=$?
		ls -A full >after/files
		cp full/*.vgt after/ 2>/dev/null
		exit $status' bash "$@"
}
if ! with_room 100k full true 2>/dev/null; then
	echo "cli/crash_safety: SKIPPED (not permitted): full disks, for want of a mount" >&2
	exit 0
fi

stopped "No space left on device" after/disk.vgt with_room 700k full ./recorded full/disk.vgt
expect_stdout disk.vgt cat after/files

# The ring has no room where it was told to be.
export VGT_CAPTURE_RING_SIZE=1048576
VGT_CAPTURE_RING_DIR=full not_started \
	"cannot allocate [0-9]+ bytes for the ring .*/full/vgt-.*.ring: No space left on device" \
	with_room 700k full ./recorded ring.vgt
expect_exit 1 test -e ring.vgt
expect_stdout "" cat after/files

# Where it was not, it goes beside the trace, and without room there nothing is recorded.
expect_stdout "$(cat plain.out)" with_room 700k /dev/shm ./recorded fallback.vgt
[ ! -s .stderr ] || fail "nothing on stderr" ./recorded fallback.vgt
expect_stdout_match "^ring.path +$(realpath .)/vgt-[0-9a-f]*.ring$" "$VGT" info --all fallback.vgt
expect_exit 0 timeout 60 "$VGT" replay --verify --quiet fallback.vgt
expect_stdout "" find . -name '*.ring'
cat >with_no_room <<-'EOF'
	#!/bin/bash
	mount -t tmpfs -o size=64k none full && exec "$@"
EOF
cat >with_a_big_file <<-'EOF'
	#!/bin/bash
	dd if=/dev/zero of=full/big bs=4k count=100 2>/dev/null
	exec "$@"
EOF
chmod +x with_no_room with_a_big_file
not_started "cannot allocate [0-9]+ bytes for the ring .*: No space left on device" \
	with_room 700k /dev/shm ./with_no_room ./recorded full/both.vgt
expect_stdout "" cat after/files

# The disk is full before the first byte.
not_started "cannot write the trace: No space left on device" \
	with_room 64k full ./with_a_big_file ./recorded full/nothing.vgt
expect_stdout "big" cat after/files
