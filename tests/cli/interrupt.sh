#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # the recorded shell expands; lib.sh sets -e
# Ctrl-C, kill and hangup at several moments of each command: it dies of the signal, no process stays,
# no file that is not whole, and where it matters it says what is there now.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
mktrace=$build/tests/mktrace
MKPNG=$(realpath "${MKPNG:-build/tests/mkpng}")
use_plain_libraries
gears=$PWD/traces/gears.vgt
desktop=$PWD/traces/desktop.vgt
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128
unset DISPLAY WAYLAND_DISPLAY
mkdir "$TMP/work"
cd "$TMP/work"
shopt -s extglob
cli_at_end=end_all
vgt=

end_all() {
	exec 9>&-
	[ -z "$vgt" ] || kill -KILL -- "-$vgt" 2>/dev/null || true
}

"$mktrace" long long.vgt
head -c 30000000 long.vgt >cut.vgt
"$MKPNG" a.png 4096x4096 204060ff
"$MKPNG" b.png 4096x4096 806040ff
mkfifo pipe

# start COMMAND...: in a session of its own, with its output in ../out and ../err, its number in $vgt.
start() {
	rm -f ../out ../err
	setsid env --default-signal=INT,TERM,HUP,QUIT,PIPE "$@" >../out 2>../err </dev/null &
	vgt=$!
}

# start_fed BYTES FILE COMMAND...: the same, with a standard input that has so much of the file and
# then nothing for now. What is more than a pipe holds has been read.
start_fed() {
	local bytes=$1 file=$2

	shift 2
	rm -f ../out ../err
	setsid env --default-signal=INT,TERM,HUP,QUIT,PIPE "$@" >../out 2>../err <pipe &
	vgt=$!
	exec 9>pipe
	head -c "$bytes" "$file" >&9
}

# await COMMAND...: until it succeeds; with the command that is tested gone there is no hope.
await() {
	until "$@"; do
		kill -0 "$vgt" 2>/dev/null || "$@" || {
			echo "interrupt: ended before: $*" >&2
			cat ../err >&2
			exit 1
		}
	done
}

is_running() { # NAME: a process of the session is this program
	local stat

	for stat in $(in_session "$vgt"); do
		[ "$(cat "${stat%stat}comm" 2>/dev/null)" != "$1" ] || return 0
	done
	return 1
}

seen() { # PATTERN: of a file's name
	compgen -G "$1" >/dev/null
}

in_session() { # ID: the processes, but for those that are dead and waited for by nobody
	local stat rest

	for stat in /proc/[0-9]*/stat; do
		{ read -r rest <"$stat"; } 2>/dev/null || continue
		rest=${rest##*) }
		# state, parent, group, session
		# shellcheck disable=SC2086
		set -- $1 $rest
		[ "$5" != "$1" ] || [ "$2" = Z ] || echo "$stat"
	done
}

names() {
	find . -type f | sort
}

# interrupted SIGNAL STATUS MESSAGE: sends it; the exit status, what stderr has (a regular expression of
# the whole), what stays: the files of ../before.
interrupted() {
	local signal=$1 expected=$2 message=$3 status=0

	kill "-$signal" "$vgt" 2>/dev/null || true # the exit status tells
	wait "$vgt" || status=$?
	exec 9>&-
	expect_equal "exit status" "$expected" "$status"
	expect_equal "processes" "" "$(in_session "$vgt")"
	vgt=
	expect_equal "files" "$(cat ../before)" "$(names)"
	if ! [[ $(cat ../err) =~ ^$message$ ]]; then
		expect_equal "on stderr" "$message" "$(cat ../err)"
	fi
}

# What the checks above must not let pass: a program that leaves a file, one that leaves a process, one
# that takes the signal for its end.
names >../before
for wrong in 'echo >.vgt-1.tmp; exec sleep 100' 'sleep 100 & exec sleep 100' \
	'trap "exit 2" INT; sleep 100 & wait'; do
	start bash -c "echo ready; $wrong"
	await grep -qs ready ../out
	[ "$wrong" = "${wrong#echo}" ] || await seen ".vgt-1.tmp"
	if (trap - EXIT && interrupted INT 130 "") 2>/dev/null; then
		echo "interrupt: not noticed: $wrong" >&2
		exit 1
	fi
	end_all
	rm -f .vgt-1.tmp
done

for signal in INT TERM HUP; do
	status=$((128 + $(kill -l $signal)))

	# Waiting for the first byte; in the middle.
	for command in "verify -" "dump -" "shaders -o new -" "repack -o new.vgt -" \
		"cut --frames 0-1999 -o new.vgt -" "replay -"; do
		# shellcheck disable=SC2086
		start_fed 0 long.vgt "$VGT" $command
		case $command in
		replay*)
			await is_running vgt-player
			interrupted $signal $status "vgt: -: interrupted after 0 frames"
			;;
		*)
			await is_running vgt
			interrupted $signal $status ""
			;;
		esac
	done
	for command in "verify -" "dump -"; do
		# shellcheck disable=SC2086
		start_fed 1000000 long.vgt "$VGT" $command
		interrupted $signal $status ""
	done
	for command in "repack -1 -o new.vgt -" "cut --frames 0-1999 -o new.vgt -"; do
		# shellcheck disable=SC2086
		start_fed 1000000 long.vgt "$VGT" $command
		await seen ".vgt-*.tmp"
		interrupted $signal $status ""
	done
	start "$VGT" repack cut.vgt -o new.vgt
	await seen ".vgt-*.tmp"
	interrupted $signal $status ""

	# While it is copied: quick, so that it may be whole before the signal comes.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		start "$VGT" recover -o new.vgt cut.vgt
		await seen "@(.vgt-*.tmp|new.vgt)"
		kill -$signal "$vgt" 2>/dev/null || true
		seen_status=0
		wait "$vgt" || seen_status=$?
		[ $seen_status -eq 0 ] || break
		expect_exit 0 "$VGT" info new.vgt
		rm new.vgt
	done
	expect_equal "exit status of recover" $status "$seen_status"
	expect_equal "files of recover, try $try" "$(cat ../before)" "$(names)"

	start "$VGT" compare --diff d.png a.png b.png
	await seen ".vgt-*.tmp"
	interrupted $signal $status ""

	# Its files are whole: as those of one that has come to its end.
	rm -rf ../shaders
	expect_exit 0 "$VGT" shaders -q -o ../shaders "$desktop"
	start_fed 80000 "$desktop" "$VGT" shaders -o new -
	await seen "new/*-ctx1-*.tgsi"
	kill -$signal "$vgt"
	seen_status=0
	wait "$vgt" || seen_status=$?
	exec 9>&-
	expect_equal "exit status of shaders" $status "$seen_status"
	expect_equal "message of shaders" \
		"vgt: interrupted: not all shaders are written, the list is not" "$(cat ../err)"
	expect_equal "files of shaders" "" \
		"$(diff -rq new ../shaders | grep -v '^Only in ../shaders')"
	rm -r new
done

# Ctrl-\, and a reader who goes.
ulimit -c 0
for signal in QUIT PIPE; do
	start_fed 1000000 long.vgt "$VGT" repack -1 -o new.vgt -
	await seen ".vgt-*.tmp"
	interrupted $signal $((128 + $(kill -l $signal))) ""
done

# A link that leads nowhere yet is followed, one that leads to itself is not.
ln -s ../made.vgt link.vgt
ln -s loop.vgt loop.vgt
expect_exit 0 "$VGT" repack --force -o link.vgt "$gears"
expect_exit 0 [ -L link.vgt ]
expect_exit 0 "$VGT" info ../made.vgt
expect_stderr_match '^vgt: loop.vgt: cannot create: Too many levels' "$VGT" repack --force -o loop.vgt "$gears"
rm link.vgt loop.vgt ../made.vgt

# The player goes, too, and its pictures are whole. Where the renderer cannot start it is not tried.
if timeout 60 "$VGT" replay -q "$gears" >../out 2>&1; then
	for signal in INT TERM HUP; do
		start "$VGT" replay --loop 1000 -o ../frames "$gears"
		await grep -qs "^frame 2 " ../out
		interrupted $signal $((128 + $(kill -l $signal))) \
			".*vgt: $gears: interrupted after [1-9][0-9]* frames?, which are in ../frames"
		expect_stdout "" find ../frames ! -type d ! -name 'frame-00[0-9][0-9].png'
		expect_exit 0 "$VGT" compare ../frames ../frames
		rm -r ../frames
	done
	# As a terminal does it: to all at once.
	start "$VGT" replay --loop 1000 "$gears"
	await grep -qs "^frame 2 " ../out
	kill -INT -- "-$vgt"
	interrupted INT 130 ".*vgt: $gears: interrupted after [1-9][0-9]* frames?"
else
	echo "cli/interrupt: SKIPPED replay: it cannot start here" >&2
fi

# A recording ends its command, and takes the directory of its rings away.
for signal in INT TERM HUP; do
	start "$VGT" record -o new.vgt sh -c 'echo "$VGT_CAPTURE_RING_DIR" >../rings; exec sleep 100'
	await test -s ../rings
	if [ $signal = INT ]; then
		# the terminal's reaches the command; vgt is told, too, and waits for it
		kill -INT -- "-$vgt"
		interrupted CONT 2 "vgt: nothing was recorded: .*"
	else
		interrupted $signal 2 "vgt: nothing was recorded: .*"
	fi
	expect_exit 1 test -e "$(cat ../rings)"
	rm ../rings
done
