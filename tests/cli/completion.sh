#!/bin/bash
# SPDX-License-Identifier: MIT
# Completion in bash, as bash calls it: with words and the number of the one that is completed.
# shellcheck disable=SC2088 # the completion has to see ~
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
file=$PWD/replay/vgt.bash-completion
package=/usr/share/bash-completion/bash_completion
mkdir "$TMP/files" "$TMP/files/dir" "$TMP/files/bin"
ROOT=$PWD
cd "$TMP/files"
touch a.vgt b.vgt 'with blank.vgt' a.png a.txt
ln -s /bin/true bin/recordable

# complete_with LIBRARY WORD...: what is offered for the last word, sorted; bash splits at "=".
complete_with() {
	# what bash offers only to a completion that runs in a terminal is missed here
	PATH=$TMP/files/bin:$PATH bash -c '
		[ -z "$1" ] || . "$1"
		. "$2"
		shift 2
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMP_LINE=$*
		COMP_POINT=${#COMP_LINE}
		_vgt "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}" | sort -u' bash "$1" "$file" "${@:2}"
}

# expect EXPECTED WORD...: the words offered, in a line.
expect() {
	local library expected=${1// /$'\n'}

	shift
	for library in "" ${package:+"$package"}; do
		expect_stdout "${expected//_/ }" complete_with "$library" "$VGT" "$@"
	done
}
[ -e "$package" ] || package=

commands=$("$VGT" help | sed -n '/^commands:$/,/^$/s/^  \([a-z]*\) .*/\1/p')
expect "${commands//$'\n'/ }" ""
expect "${commands//$'\n'/ }" help ""
expect "dump" du
expect "record recover" rec
expect "--help --version" -
expect "" nonsense ""
expect "" nonsense -
expect "" help dump ""

# All options of the help, for each command.
for command in $commands; do
	options=$("$VGT" help "$command" | sed '/^example/q' | grep -o -E '^ {2,6}-[^ ].*' | sed -E 's/^ +//; s/  .*//' |
		grep -o -E '(^|[ ,])--?[A-Za-z0-9][a-z0-9-]*=?' | tr -d ' ,' | sort -u)
	if [ "$command" != help ]; then
		expect_equal "options of $command" yes "$(grep -q -x -e --help <<<"$options" && echo yes)"
		expect "${options//$'\n'/ }" "$command" -
	fi
done
expect "--frame= --frames" replay --fra
expect "--verify" replay a.vgt --v
expect "" replay --nonsense

# Values.
expect "auto flush marker readback submit" replay --frame =
expect "submit" replay --frame = su
expect "draws" replay --drop = ""
for rule in auto marker flush readback submit; do
	expect_stdout_match "[ (]${rule}[,: ]" "$VGT" help replay
done
expect "dir" replay --out d
expect "" replay --out a
expect "" replay --frames ""
expect "a.png" compare --diff a
expect "psnr" compare --metric p
expect "--max --max-pixels" compare --max
expect "a.vgt" cut -o a
expect "a.vgt" cut -o = a
expect "a.png a.txt a.vgt" record --capset a
expect "a.png a.txt a.vgt" test --junit = a
expect "a.png a.txt a.vgt" test --junit a

# Files: traces and directories; all for a command that takes others.
expect "a.vgt b.vgt bin dir with_blank.vgt" info ""
expect "a.vgt" dump --full a
expect "a.png a.txt a.vgt" compare a
expect "with_blank.vgt" info w

# Tasks of the doctor: those that it knows.
tasks=$("$VGT" doctor nonsense 2>&1 | sed -n "s/.*: there are //p" | sed 's/ and /, /; s/, / /g')
expect "$(tr ' ' '\n' <<<"$tasks" | sort | tr '\n' ' ' | sed 's/ $//')" doctor ""
expect "record-gl record-vm" doctor -q rec

# A suite, and then the names of its tests.
mkdir dir/goldens
cp "$ROOT/traces/gears.vgt" dir/b.vgt
cp "$ROOT/traces/gears.vgt" dir/c.vgt
touch dir/manifest.json
expect "dir" test d
expect "dir/goldens dir/manifest.json" test dir/
rm dir/manifest.json
expect "b c" test dir ""
expect "b c" test --timeout 5 dir ""
expect "c" test dir b ""
expect "c" test -q dir c
HOME=$TMP/files expect "b c" test '~/dir' ""
expect "" test missing ""
ln -s "$VGT" bin/vgt
HOME=$TMP/files expect_stdout dump complete_with "" '~/bin/vgt' du

# The command that is recorded.
expect "recordable" record recordab
expect "recordable" record -- recordab
expect "recordable" record --gl --frames 3 recordab
expect "recordable" record -o out.vgt --max-size = 5 -- recordab
expect "a.vgt" record -o a
expect "a.png a.txt a.vgt" record --gl recordable a
expect "" record recordable --gl
expect "--gl" record --frames 3 --g

# A program that is not there, or says something else, has no completion.
expect_stdout "" complete_with "" "$TMP/missing" ""
expect_stdout "" complete_with "" /bin/echo replay -
