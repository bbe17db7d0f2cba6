#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # the shells on the terminal expand; lib.sh sets -e
# The line on the terminal that says how far long work is: there where somebody waits for it, gone
# before anything else is printed, and nowhere else.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

has_terminals || skip "no terminals can be made"
build=$(dirname "$VGT")
mkdir "$TMP/work"
cd "$TMP/work"
"$build/tests/mktrace" long long.vgt
mkfifo pipe
end_feeding() {
	exec 9>&-
}
cli_at_end=end_feeding
clear=$'\r\033[K'
export VGT

# slow UNTIL COMMAND: the command, on a terminal, gets a trace by and by as its standard input, until the
# file `terminal` has a line that matches, or where that is empty for longer than it takes for progress
# to appear; then the rest. It may show $VGT to be interrupted by the number in the file `pid`.
slow() {
	local until=$1 part

	rm -f terminal pid
	script -qefc "echo \$\$ >pid; exec $2" terminal </dev/null >/dev/null &
	terminal=$!
	exec 9>pipe
	for ((part = 0; part < 25; part++)); do
		tail -c +$((part * 1000000 + 1)) long.vgt | head -c 1000000 >&9 2>/dev/null || break
		if [ "$until" ]; then
			! grep -aqE -e "$until" terminal || break
			sleep 0.1
		elif [ $part -lt 2 ]; then
			sleep 0.4
		else
			break
		fi
	done
	if [ "${3:-}" ]; then
		kill "$3" "$(cat pid)"
	else
		tail -c +$(((part + 1) * 1000000 + 1)) long.vgt >&9 2>/dev/null || true
	fi
	exec 9>&-
	wait $terminal || true
	# without what script says of itself
	sed -e 1d -e '$d' terminal | tr -d '\n' >seen
	cli_checks=$((cli_checks + 1))
}

shell() {
	bash -c "$1"
}

export TERM=xterm
shown='-: [0-9]+ frames, [0-9]+ commands'

# Shown, and gone before the summary: what stands after the last clearing is that alone.
for command in "verify -" "shaders -" "dump - >out" "repack -1 --force -o new.vgt -" \
	"cut --force --frames 0-1999 -o new.vgt -"; do
	slow "$shown" "\$VGT $command <pipe"
	expect_exit 0 grep -aqE -e "$shown" seen
	text=$(<seen)
	echo "${text//"$clear"/$'\n'}" >pieces
	expect_stdout "" shell "grep -aE -e '$shown' pieces | grep -avE '^$shown\$'"
	expect_exit 1 grep -aqE -e "$shown" <(tail -n 1 pieces)
done

# vgt replay on the way to the first frame that is asked for, whose line is whole, as are those behind it.
shown='-: [0-9]+ commands'
slow "$shown" "env LD_LIBRARY_PATH='$build/tests/stub' \$VGT replay --frames 1990- - <pipe"
expect_exit 0 grep -aqE -e "$shown" seen
tr '\r' '\n' <terminal >pieces
expect_stdout "" shell "grep -aE -e '$shown' pieces | grep -avE '$shown\$'"
expect_equal "the first frame's line" 1 "$(grep -acE $'^(\033\\[K)?frame 1990 @[0-9.]+  no picture: nothing is shown$' pieces)"
shown='-: [0-9]+ frames, [0-9]+ commands'

"$build/tests/mktrace" all-faults faults.vgt

# Ctrl-C leaves the terminal a clean line.
slow "$shown" 'env --default-signal=INT $VGT verify - <pipe' -INT
expect_exit 0 grep -aqE -e "$shown" seen
expect_equal "the end of the line" "$clear" "$(tail -c 4 seen)"

# Not where it is not wanted, or cannot be.
for command in 'TERM=dumb $VGT verify -' '$VGT verify -q -' '$VGT verify --json -' \
	'$VGT dump -q - >out' '$VGT repack -q -1 --force -o new.vgt -' \
	'$VGT cut --json --force --frames 0-1999 -o new.vgt -' \
	'$VGT dump --no-pager - | cat >out' '$VGT verify - 2>err'; do
	slow "" "env ${command//\$VGT/$VGT} <pipe"
	expect_exit 1 grep -aqE -e "$shown" seen
done
expect_exit 1 grep -aqF "$clear" err

# vgt test, with a renderer that waits until the line is there, and one that only takes its time; a name
# that is too long for the terminal is cut.
mkdir suite
name=$(printf 'n%.0s' {1..95})
cp faults.vgt "suite/$name.vgt"
cp "$VGT" ./
cat >vgt-player <<-'EOF'
	#!/bin/sh
	[ "$1" != --probe ] || exit 1
	for try in $(seq ${TRIES:-100}); do
		! grep -aq '\[0/1\]: nnn' terminal || break
		sleep 0.1
	done
	exit 1
EOF
chmod +x vgt-player
on_suite() { # COMMAND LINE
	expect_exit 1 script -qefc "$1" terminal
	sed -e 1d -e '$d' terminal | tr -d '\n' >seen
}
on_suite "stty cols 60 && ./vgt test suite"
text=$(<seen)
echo "${text//"$clear"/$'\n'}" >pieces
expect_stdout "[0/1]: $(head -c 52 <<<"$name")" shell 'sed -n "/^\[0/{p;q}" pieces'
expect_exit 0 grep -aq "CRASH.* $name: " pieces
for command in 'TERM=dumb ./vgt test suite' './vgt test -q suite' './vgt test --json suite' \
	'./vgt test suite 2>err'; do
	on_suite "env TRIES=8 $command"
	expect_exit 1 grep -aqF "$clear" seen
	expect_exit 1 grep -aqF '[0/1]' seen
done

# Quick work shows none.
expect_exit 1 script -qefc "$VGT verify faults.vgt" terminal
expect_exit 1 grep -aqF "$clear" terminal

# Colours: on a terminal that has them, unless NO_COLOR says something.
coloured() { # STATUS VARIABLE...: whether vgt dump shows colours
	local status=$1

	shift
	expect_exit 0 script -qefc "env $* '$VGT' dump --no-pager faults.vgt @0" terminal
	expect_exit "$status" grep -aqF $'\033[' terminal
}
coloured 0 TERM=xterm
coloured 0 TERM=xterm NO_COLOR=
coloured 1 TERM=xterm NO_COLOR=1
coloured 1 TERM=dumb
coloured 1 -u TERM
expect_exit 0 "$VGT" dump faults.vgt @0
expect_exit 1 grep -aqF $'\033[' "$TMP/.stdout"
