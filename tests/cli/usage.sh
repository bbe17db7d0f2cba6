#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # shells of their own expand; lib.sh sets -e
# Wrong invocations: each has its exit status and one clear line, which says what is wrong with what, and
# leaves every file as it was. The log is the table: command, status, message.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

MKPNG=$(realpath "${MKPNG:-build/tests/mkpng}")
traces=$PWD/traces
use_plain_libraries
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128
unset DISPLAY WAYLAND_DISPLAY VGT_CAPTURE_FILE
chmod 755 "$TMP"
mkdir "$TMP/work"
cd "$TMP/work"

# What the rows are about.
cp "$traces/gears.vgt" good.vgt
head -c 10000 good.vgt >cut.vgt
{ head -c 9000 good.vgt && printf xxxxxxxx && tail -c +9009 good.vgt; } >damaged.vgt
echo precious >keep.vgt
echo text >text.vgt
: >empty.vgt
"$MKPNG" a.png 4x4 102030ff
"$MKPNG" b.png 4x4 102030fe
"$MKPNG" big.png 1024x1024 102030ff
"$MKPNG" wide.png 8x4 102030ff
head -c 20 a.png >short.png
mkdir dir frames
cp a.png frames
ln -s none.vgt dangling.vgt
ln good.vgt same.vgt
printf '#!/nowhere\n' >script
chmod +x script
mkdir no-server no-x
ln -s "$(type -P true)" no-server
ln -s "$(type -P true)" no-x
if command -v virgl_test_server >/dev/null; then
	ln -s "$(command -v virgl_test_server)" no-x
fi

vgt() {
	timeout 60 "$VGT" "$@"
}

# All that is there, with kinds, rights and contents.
snapshot() {
	find . -printf '%p %y %m %l\n' | sort
	find . -type f -print0 | sort -z | xargs -0 sha256sum
}

# set_up: what there is now is what is to stay.
set_up() {
	files=$(snapshot)
}

# check STATUS PATTERN LINES COMMAND...: this exit status; on stderr one line `vgt: PATTERN` (an extended
# regular expression), and no more than so many lines besides, which say what to try; all files stay.
check() {
	local status=$1 pattern=$2 besides=$3 word shown=

	shift 3
	cli_run "$@"
	for word in "$@"; do
		shown+="${word:-\"\"} "
	done
	printf '%s\t%s\t%s\n' "$(sed "s|$VGT|vgt|g; s|$PWD/||g; s|as_nobody |(as nobody) |" <<<"$shown")" \
		"$cli_status" "$(grep -v '^try ' "$TMP/.stderr" | head -n 1)" >>"$TMP/table"
	[ "$cli_status" -eq "$status" ] || fail "exit status $status" "$@"
	grep -Exq -e "vgt: $pattern" "$TMP/.stderr" || fail "on stderr: vgt: $pattern" "$@"
	[ "$(grep -Evc "^(try 'vgt help( [a-z]+)?'( .*)?|vgt: \\(.*\\))$" "$TMP/.stderr")" -le $((1 + besides)) ] ||
		fail "one line on stderr" "$@"
	[ "$(snapshot)" = "$files" ] || fail "all files as they were" "$@"
}

# row STATUS PATTERN COMMAND...: nothing on stdout, either.
row() {
	local status=$1 pattern=$2

	shift 2
	check "$status" "$pattern" 0 "$@"
	[ ! -s "$TMP/.stdout" ] || fail "nothing on stdout" "$@"
}

set_up

# These must be noticed: another message, another status, a file replaced, one left, too many lines.
noticed() {
	set_up
	if (trap - EXIT && row "$@") >"$TMP/noticed" 2>&1; then
		echo "usage: not noticed: $*" >&2
		exit 1
	fi
	cli_checks=$((cli_checks + 1))
}
noticed 2 "another message" vgt recrod
noticed 1 "no such command 'recrod', did you mean 'record'\\?" vgt recrod
noticed 2 "no" bash -c 'echo "vgt: no" >&2; echo >>keep.vgt; exit 2'
noticed 2 "no" bash -c 'echo "vgt: no" >&2; echo >.vgt-1.tmp; exit 2'
noticed 2 "no" bash -c 'echo "vgt: no" >&2; chmod 600 keep.vgt; exit 2'
noticed 2 "no" bash -c 'echo "vgt: no" >&2; echo and on >&2; exit 2'
noticed 2 "no" bash -c 'echo "vgt: no" >&2; echo data; exit 2'
rm -f .vgt-1.tmp
echo precious >keep.vgt
chmod 644 keep.vgt
rm "$TMP/table"
set_up

# Commands and options
row 2 "no such command 'recrod', did you mean 'record'\\?" vgt recrod
row 2 "no such command 'repaly', did you mean 'replay'\\?" vgt repaly good.vgt
row 2 "no such command 'frobnicate'" vgt frobnicate
row 2 "no such command ''" vgt ""
row 2 "no such command 'dmup', did you mean 'dump'\\?" vgt help dmup
row 2 "help takes one command, 2 given" vgt help dump info
row 2 "unknown option '--frob'" vgt --frob
row 2 "unknown option '-x'" vgt -x
row 2 "option '--version' takes no value" vgt --version=1
row 2 "unknown option '--frobnicate'" vgt verify --frobnicate good.vgt
row 2 "unknown option '--quite', did you mean '--quiet'\\?" vgt verify --quite good.vgt
row 2 "unknown option '--treshold=3', did you mean '--threshold'\\?" vgt compare --treshold=3 a.png a.png
row 2 "option '--fr' is ambiguous: --frames, --frame" vgt replay --fr 1 good.vgt
row 2 "unknown option '-x'" vgt shaders -x good.vgt
row 2 "option '--out' needs a value" vgt replay good.vgt --out
row 2 "option '--output' needs a value" vgt recover good.vgt -o
row 2 "option '--json' takes no value" vgt verify --json=1 good.vgt

# Numbers, ranges and addresses
row 2 "--max must be a number from 0 on, not 'x'" vgt verify --max x good.vgt
row 2 "--max must be a number from 0 on, not '-1'" vgt verify --max -1 good.vgt
row 2 "--loop must be a number from 1 to 1000000, not '0'" vgt replay --loop 0 good.vgt
row 2 "--timeout must be a number from 1 to 86400, not '1e3'" vgt replay --timeout 1e3 good.vgt
row 2 "--threshold must be a whole number from 0 to 255, not '256'" vgt compare --threshold 256 a.png a.png
row 2 "--max-pixels must be from 0% to 100% with at most 4 decimals, not '101%'" \
	vgt compare --max-pixels 101% a.png a.png
row 2 "--max-pixels must be a number of pixels, or a percentage such as 0.5%, not 'few'" \
	vgt compare --max-pixels few a.png a.png
row 2 "--frames must be a number from 1 on, not '0'" vgt record --frames 0 true
row 2 "--duration must be a number of seconds such as 2.5, not '1m'" vgt record --duration 1m true
row 2 "--max-size must be at least 4096 bytes, such as 100M, not '1'" vgt record --max-size 1 true
row 2 "the level must be -1 to -19" vgt repack -20 good.vgt
row 2 "'9-3' is a range that runs backwards" vgt replay --frames 9-3 good.vgt
row 2 "'x' is not a range of frames like 12 or 10-20,30" vgt replay --frames x good.vgt
row 2 "--frames must be one range that begins at 0, not '3-9': .*" \
	vgt cut --frames 3-9 -o new.vgt good.vgt
row 2 "--frames must have an end, like 0-9, not '0-'" vgt cut --frames 0- -o new.vgt good.vgt
row 2 "'@x' is not an address like 12, 10-20, @1042, @1042.17 or @100-@200" vgt dump good.vgt @x
row 2 "no such rule 'vsync': auto, marker, flush, readback or submit" vgt replay --frame=vsync good.vgt
row 2 "--drop knows only 'draws'" vgt replay --drop=frames good.vgt
row 2 "no command is called 'FROB'" vgt dump good.vgt op=FROB
row 2 "ctx= must be a number, not 'x'" vgt dump good.vgt ctx=x
row 2 "'frob' is neither an address nor a filter" vgt dump good.vgt frob
row 2 "'good.vgt' is neither an address nor a filter \\(FILE comes first\\)" vgt dump 3 good.vgt

# Arguments that are missing, too many, or exclude each other
row 2 "verify takes one trace" vgt verify
row 2 "shaders takes one trace" vgt shaders good.vgt good.vgt
row 2 "dump takes a trace" vgt dump
row 2 "cut needs --frames 0-N" vgt cut good.vgt
row 2 "cut needs a new file, -o OUT" vgt cut --frames 0-3 good.vgt
row 2 "compare takes two PNG files or two directories, 1 argument given" vgt compare a.png
row 2 "--seek and --from-start exclude each other" vgt dump --seek --from-start good.vgt 1
row 2 "--capset takes a trace and nothing else" vgt dump --capset good.vgt 1
row 2 "--json prints and --quiet does not: choose one" vgt compare --json -q a.png a.png
row 2 "--diff works on two files, not on directories" vgt compare --diff d.png frames frames
row 2 "--force needs --out DIR, whose files it replaces" vgt shaders --force good.vgt
row 2 "--loop cannot read standard input again" vgt replay --loop 2 -
row 2 "--duration and --keep-running exclude each other" \
	vgt record --keep-running --duration 1 true
row 2 "standard input cannot be replaced; use -o OUT" vgt repack -
row 2 "recover needs a file, not standard input" vgt recover -

# What is no trace, by every command that reads one
for command in verify dump shaders repack recover replay "cut --frames 0-1 -o new.vgt"; do
	# shellcheck disable=SC2086
	{
		row 2 "none.vgt: cannot open the trace: No such file or directory" vgt $command none.vgt
		row 2 "dangling.vgt: cannot open the trace: No such file or directory" vgt $command dangling.vgt
		row 2 "'': cannot open the trace: No such file or directory" vgt $command ""
		row 2 "dir: is a directory" vgt $command dir
		row 1 "empty.vgt: is empty \\(byte 0\\)" vgt $command empty.vgt
		row 1 "text.vgt: not a vgt trace \\(byte 0\\)" vgt $command text.vgt
		row 1 "a.png: not a vgt trace \\(byte 0\\)" vgt $command a.png
	}
done
row 1 "-: is empty \\(byte 0\\)" vgt verify -

# Frames and commands that do not exist
row 2 "good.vgt: there is no frame 99: the trace has 20 frames and 135 commands" vgt dump good.vgt 99
row 2 "good.vgt: there is no command @999: the trace has 20 frames and 135 commands" \
	vgt dump good.vgt @999
row 2 "good.vgt: there is no @1.99: @1 is no SUBMIT_3D" vgt dump good.vgt @1.99
row 2 "good.vgt: there is no @39.9999: @39 has [0-9]+ virgl commands" vgt dump good.vgt @39.9999
row 2 "good.vgt: there is no frame 99: the trace has 20 frames" \
	vgt cut --frames 0-99 -o new.vgt good.vgt
row 2 "good.vgt: there is no frame 30-40: the trace has 20 frames" vgt replay --frames 30-40 good.vgt

# Pictures
row 2 "none.png: cannot open: No such file or directory" vgt compare a.png none.png
row 2 "text.vgt: not a PNG file" vgt compare a.png text.vgt
row 2 "empty.vgt: empty file, not a PNG" vgt compare empty.vgt a.png
row 2 "short.png: truncated PNG, the file ends too early \\(byte 20\\)" vgt compare a.png short.png
row 2 "frames is a directory and a.png is not" vgt compare a.png frames
row 2 "nothing to compare: no PNG file in dir nor in no-x" vgt compare dir no-x
row 2 "--diff needs the name of a file" vgt compare --diff "" a.png b.png
row 2 "--diff would replace 'b.png', which is compared" vgt compare --diff b.png a.png b.png
row 2 "--diff would replace './a.png', which is compared" vgt compare --diff ./a.png a.png b.png
check 2 "none/d.png: cannot create: No such file or directory" 0 vgt compare --diff none/d.png a.png b.png
check 2 "dir: is a directory" 0 vgt compare --diff dir a.png b.png
check 1 "d.png: not written, the sizes differ" 0 vgt compare --diff d.png a.png wide.png

# Outputs that are there, are the source, or cannot be
for command in "cut --frames 0-1" repack recover; do
	source=good.vgt
	[ "$command" != recover ] || source=cut.vgt
	# shellcheck disable=SC2086
	{
		row 2 "keep.vgt: exists; use --force to replace it" vgt $command -o keep.vgt $source
		row 2 "dangling.vgt: exists; use --force to replace it" vgt $command -o dangling.vgt $source
		row 2 "dir: is a directory" vgt $command --force -o dir $source
		row 2 "/dev/null: is not a file" vgt $command --force -o /dev/null $source
		row 2 "none/x.vgt: cannot create: No such file or directory" vgt $command -o none/x.vgt $source
		row 2 "keep.vgt/x.vgt: cannot create: Not a directory" vgt $command -o keep.vgt/x.vgt $source
		row 2 "a trace cannot be written to standard output" vgt $command -o - $source
		row 2 "OUT is empty" vgt $command -o "" $source
		row 2 "OUT is FILE: '\\./$source' would replace its own source" \
			vgt $command --force -o ./$source $source
	}
done
row 2 "OUT is FILE: 'same.vgt' would replace its own source" vgt repack --force -o same.vgt good.vgt
row 2 "cut.vgt: ends within a chunk: [0-9]+ bytes would be lost; use -o OUT, or \`vgt recover\`" \
	vgt repack cut.vgt
row 1 "damaged.vgt: .* \\(byte [0-9]+\\)" vgt repack damaged.vgt
row 1 "damaged.vgt: .* \\(byte [0-9]+\\)" vgt cut --frames 0-19 -o new.vgt damaged.vgt
check 1 "damaged.vgt: use -o OUT to keep what lies before the damage" 1 vgt recover damaged.vgt
row 2 "keep.vgt: is not a directory" vgt shaders -o keep.vgt good.vgt
row 2 "keep.vgt: is not a directory" vgt replay -o keep.vgt good.vgt
row 2 "none/none: cannot make the directory: No such file or directory" vgt replay -o none/none good.vgt
row 2 "none/none: cannot make the directory: No such file or directory" vgt shaders -o none/none good.vgt
mkdir listed
echo old >listed/index.txt
set_up
row 2 "listed/index.txt: exists; use --force to replace it" vgt shaders -o listed good.vgt
check 2 "cannot write to standard output: No space left on device" 0 bash -c "'$VGT' dump good.vgt >/dev/full"

# Recording
row 2 "record needs a command to run" vgt record
row 2 "the command is empty" vgt record ""
row 2 "cannot run ./none: No such file or directory" vgt record ./none
row 2 "cannot run none: not found in PATH" vgt record none
row 2 "cannot run ./text.vgt: Permission denied" vgt record ./text.vgt
row 2 "cannot run ./dir: is a directory" vgt record ./dir
row 2 "cannot run ./script: the interpreter that its first line names does not exist" vgt record ./script
row 2 "keep.vgt: exists; use --force to replace it" vgt record -o keep.vgt true
row 2 "dir: is a directory" vgt record --force -o dir true
row 2 "/dev/null: is not a file" vgt record --force -o /dev/null true
row 2 "none/x.vgt: cannot create: No such file or directory" vgt record -o none/x.vgt true
row 2 "a trace cannot be recorded to standard output" vgt record -o - true
row 2 "'dir/' is no name for a file" vgt record -o dir/ true
row 2 "unknown option '--frmes', did you mean '--frames'\\?" vgt record --frmes 3 true
row 2 "nothing was recorded: true never called virgl_renderer_init" vgt record --force -o keep.vgt true

# What the machine lacks: the server, the X server, a display, OpenGL
row 2 "virgl_test_server not found: apt install virgl-server" \
	env PATH="$PWD/no-server" "$VGT" record --gl true
if [ -e no-x/virgl_test_server ]; then
	row 2 "Xvfb not found: apt install xvfb \\(or set DISPLAY\\)" \
		env PATH="$PWD/no-x" "$VGT" record --gl true
	if command -v glxgears >/dev/null; then
		# the program says something, too
		check 2 "warning: glxgears exited with status 255" 2 env DISPLAY=:999 "$VGT" record --gl glxgears
	fi
else
	echo "cli/usage: SKIPPED: no virgl_test_server, for what lacks Xvfb" >&2
fi
row 2 "good.vgt: no EGL that draws without a window: no EGL_MESA_platform_surfaceless: apt install libegl1 libgl1-mesa-dri" \
	env __EGL_VENDOR_LIBRARY_DIRS="$PWD/dir" "$VGT" replay good.vgt

# Files without permission: root needs none, so that nobody tries.
cp cut.vgt fixed.vgt
cp a.png closed.png
cp good.vgt closed.vgt
cp "$(type -P true)" private
chmod 444 fixed.vgt
chmod 0 closed.vgt closed.png private
mkdir -m 555 readonly
set_up
if as_nobody test -x "$VGT" && as_nobody test -r good.vgt; then
	for command in verify dump shaders repack recover replay "cut --frames 0-1 -o new.vgt"; do
		# shellcheck disable=SC2086
		row 2 "closed.vgt: cannot open the trace: Permission denied" \
			as_nobody "$VGT" $command closed.vgt
	done
	row 2 "closed.png: cannot open: Permission denied" as_nobody "$VGT" compare a.png closed.png
	row 2 "fixed.vgt: cannot be replaced: Permission denied" as_nobody "$VGT" repack fixed.vgt
	row 2 "fixed.vgt: cannot change the trace: Permission denied" as_nobody "$VGT" recover fixed.vgt
	row 2 "readonly: cannot write there: Permission denied" \
		as_nobody "$VGT" replay -o readonly good.vgt
	row 2 "readonly/x: cannot make the directory: Permission denied" \
		as_nobody "$VGT" shaders -o readonly/x good.vgt
	row 2 "readonly/x.vgt: cannot create: Permission denied" \
		as_nobody "$VGT" cut --frames 0 -o readonly/x.vgt good.vgt
	row 2 "readonly/x.vgt: cannot create: Permission denied" \
		as_nobody "$VGT" recover -o readonly/x.vgt cut.vgt
	row 2 "readonly/x.vgt: cannot create: Permission denied" \
		as_nobody "$VGT" record -o readonly/x.vgt true
	check 2 "readonly/d.png: cannot create: Permission denied" 0 \
		as_nobody "$VGT" compare --diff readonly/d.png a.png b.png
	row 2 "cannot run ./private: Permission denied" as_nobody "$VGT" record -o /tmp/never.vgt ./private
else
	echo "cli/usage: not tried, nobody cannot come here: files without permission" >&2
fi

# No room: a file system of that size is mounted on full/, and what is in full/ afterwards counts as a
# file that was left behind. A limit on the size of files says the same.
row 2 "new.vgt: cannot write the trace: File too large" \
	bash -c "ulimit -f 8; '$VGT' repack -o new.vgt good.vgt"
row 2 "new.vgt: cannot write the trace: File too large" \
	bash -c "ulimit -f 1; '$VGT' recover -o new.vgt cut.vgt"
check 2 "d.png: cannot write: File too large" 0 \
	bash -c "ulimit -f 1; '$VGT' compare --diff d.png big.png big.png"
mkdir full
set_up
new_mounts=(--mount)
[ "$(id -u)" -eq 0 ] || new_mounts+=(--user --map-root-user)
with_room() { # SIZE COMMAND...
	unshare "${new_mounts[@]}" bash -c '
		mount -t tmpfs -o size="$1" none full || exit 98
		shift
		status=0
		"$@" || status=$?
		[ -z "$(ls -A full)" ] || { ls -A full >&2; exit 97; }
		exit $status' bash "$@"
}
if with_room 8k true 2>/dev/null; then
	row 2 "full/x.vgt: cannot write the trace: No space left on device" \
		with_room 8k "$VGT" repack -o full/x.vgt good.vgt
	row 2 "full/x.vgt: cannot copy the trace: No space left on device" \
		with_room 8k "$VGT" recover -o full/x.vgt good.vgt
	row 2 "full/x.vgt: cannot write the trace: No space left on device" \
		with_room 8k "$VGT" cut --frames 0-19 -o full/x.vgt good.vgt
else
	echo "cli/usage: SKIPPED (not permitted): full disks, for want of a mount" >&2
fi

expect_exit 0 test "$(wc -l <"$TMP/table")" -ge 50
sed 's/^/    /' "$TMP/table" | tr '\t' '|' | awk -F '|' '{ printf "%-70s %s  %s\n", $1, $2, $3 }'
