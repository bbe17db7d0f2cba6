#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # shell() expands
# vgt shaders: the table, JSON, the files of -o, and what may go wrong with each. How shaders are
# put together from parts is tested by tests/test_shader_list.c.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

gears=traces/gears.vgt
desktop=traces/desktop.vgt
out=$TMP/out

# What a shell makes of a command line with redirections; "$VGT" is $0 there, a file $1.
shell() {
	timeout 60 bash -c "$1" "$VGT" "$2"
}

# The table.
table='#  created  ctx  sub  handle  stage     bytes  lines  so  bound  draws  first draw  last draw  destroyed
0  @15.9      1    1       3  FRAGMENT    132      7   0      1    240  @15.33      @129.59    -
1  @15.11     1    1       4  VERTEX      867     26   0     60    120  @15.33      @129.50    -
2  @15.37     1    1       9  VERTEX      871     27   0     60    120  @15.44      @129.59    -'
expect_exit 0 "$VGT" shaders $gears
expect_stdout "$table" "$VGT" shaders $gears
expect_stderr "vgt: $gears: 3 shaders, 3 different texts" "$VGT" shaders $gears
expect_stderr "" "$VGT" shaders --quiet $gears
expect_stderr "vgt: traces/shadow.vgt: 6 shaders, 6 different texts" "$VGT" shaders traces/shadow.vgt
expect_stderr "vgt: $desktop: 18 shaders, 4 different texts" "$VGT" shaders $desktop
expect_stdout_match '^ 2 .* VERTEX +226 .* same as @39\.8$' "$VGT" shaders $desktop
expect_stdout_match '^17 .* FRAGMENT +2279 .* same as @39\.61$' "$VGT" shaders $desktop
expect_exit 0 shell '! "$0" shaders "$1" 2>&1 | grep " \$"' $desktop

# JSON lines.
expect_exit 0 shell '"$0" shaders --json "$1" | jq -es "length == 4"' $gears
expect_stdout "shader shader shader end" \
	shell '"$0" shaders --json "$1" | jq -sr "map(.event) | join(\" \")"' $gears
expect_stdout '{"number":1,"created":"@15.11","context":1,"sub_context":1,"handle":4,"stage":"VERTEX","bytes":867,"lines":26,"parts":1,"stream_outputs":0,"bound":60,"draws":120,"first_draw":"@15.33","last_draw":"@129.50","destroyed":null,"same_as":null,"xxh64":"4dbac4f9ffe3e3bf","complete":true,"problem":null}' \
	shell '"$0" shaders --json "$1" | jq -c "select(.number == 1) | del(.event)"' $gears
expect_stdout '{"event":"end","end":"tail","shaders":18,"texts":4,"incomplete":0,"unlisted":0,"damage":null}' \
	shell '"$0" shaders --json "$1" | tail -n 1' $desktop
expect_stdout '["@39.8","@39.58","@39.61"]' \
	shell '"$0" shaders --json "$1" | jq -sc "map(.same_as | strings) | unique_by(.[4:] | tonumber)"' $desktop

# From a pipe; a reader that has seen enough.
expect_stdout "$table" shell '"$0" shaders - <"$1"' $gears
expect_stdout "$table" shell 'cat "$1" | "$0" shaders -' $gears
expect_stdout "$table" shell '"$0" shaders /dev/stdin <"$1"' $gears
expect_stdout "${table%%
*}" shell '"$0" shaders --quiet "$1" | head -n 1' $gears
expect_stderr "" shell '"$0" shaders --quiet --json "$1" | head -n 1' $desktop

# The files: what the guest sent, and both lists.
expect_stderr "vgt: $desktop: 18 shaders, 4 different texts; 18 files and the list in $out" \
	"$VGT" shaders -o "$out" $desktop
expect_stdout "$("$VGT" shaders --quiet $desktop)" cat "$out/index.txt"
expect_stdout "$("$VGT" shaders --quiet --json $desktop | grep '"shader"')" \
	jq -c 'del(.file)' "$out/index.jsonl"
expect_stdout "$(ls "$out")" shell 'jq -r .file "$1/index.jsonl"; cd "$1"; ls index*' "$out"
expect_exit 0 [ -s "$out/00017-@39.171-ctx1-handle42-fragment.tgsi" ]
for file in "$out"/*.tgsi; do
	name=$(basename "$file")
	# no NUL, no padding, the size of the table
	expect_stdout "$(jq "select(.file == \"$name\").bytes" "$out/index.jsonl")" stat -c %s "$file"
	expect_exit 1 grep -qP '\0' "$file"
	expect_stdout_match '^ *[0-9]+: END$' tail -n 1 "$file"
	case $name in
	*-vertex.tgsi) expect_stdout VERT head -n 1 "$file" ;;
	*-fragment.tgsi) expect_stdout FRAG head -n 1 "$file" ;;
	*) expect_exit 0 false ;;
	esac
done
expect_exit 0 cmp "$out"/00000-*.tgsi "$out"/00002-*.tgsi
expect_exit 1 cmp "$out"/00003-*.tgsi "$out"/00005-*.tgsi
expect_stdout "$(head -n 2 <<<"$table")" shell '"$0" shaders -o "$1" --quiet traces/gears.vgt | head -n 2' "$TMP/gears"

# Files that are there are kept, unless --force says otherwise.
before=$(find "$out" -printf '%p %s %T@\n' | sort)
expect_exit 2 "$VGT" shaders -o "$out" $desktop
expect_stderr "vgt: $out/index.txt: exists; use --force to replace it" \
	"$VGT" shaders -o "$out" $gears
expect_stdout "" "$VGT" shaders -o "$out" $gears
expect_stdout "$before" shell 'find "$1" -printf "%p %s %T@\n" | sort' "$out"
rm "$out/index.txt"
expect_exit 2 "$VGT" shaders -o "$out" $desktop
expect_stderr "vgt: $out/00000-@39.8-ctx1-handle5-vertex.tgsi: exists; use --force to replace it" \
	"$VGT" shaders -o "$out" $desktop
echo old >"$out/00000-@39.8-ctx1-handle5-vertex.tgsi"
expect_exit 0 "$VGT" shaders -o "$out" --force --json $desktop
expect_exit 0 cmp "$out"/00000-*.tgsi "$out"/00002-*.tgsi
expect_stdout "$("$VGT" shaders --quiet $desktop)" cat "$out/index.txt"

# Places that cannot be written.
expect_exit 2 "$VGT" shaders -o "$TMP/none/none" $gears
expect_stderr "vgt: $TMP/none/none: cannot make the directory: No such file or directory" \
	"$VGT" shaders -o "$TMP/none/none" $gears
: >"$TMP/file"
expect_exit 2 "$VGT" shaders -o "$TMP/file" $gears
expect_stderr "vgt: $TMP/file: is not a directory" "$VGT" shaders -o "$TMP/file" $gears
expect_exit 2 "$VGT" shaders -o /proc $gears
expect_stderr_match "^vgt: .*/proc.*: [A-Z]" "$VGT" shaders -o /proc $gears
mkdir "$out.full"
ln -s /dev/full "$out.full/index.txt"
expect_exit 2 "$VGT" shaders -o "$out.full" $gears
expect_stderr "vgt: $out.full/index.txt: is not a file" \
	"$VGT" shaders --force -o "$out.full" $gears
expect_stdout "$out.full/index.txt" find "$out.full" ! -type d
expect_exit 2 shell '"$0" shaders "$1" >/dev/full' $gears

# A cut trace, a damaged one: what came before is listed.
size=$(stat -c %s $desktop)
head -c $((size * 15 / 16)) $desktop >"$TMP/cut.vgt"
expect_exit 5 "$VGT" shaders "$TMP/cut.vgt"
expect_stdout_match '^17 .* same as @39\.61$' "$VGT" shaders "$TMP/cut.vgt"
expect_stderr_match "^vgt: $TMP/cut.vgt: the end of the trace is missing" "$VGT" shaders "$TMP/cut.vgt"
cp $desktop "$TMP/damaged.vgt"
printf xxxxxxxx | dd of="$TMP/damaged.vgt" bs=1 seek=$((size * 15 / 16)) conv=notrunc status=none
expect_exit 1 "$VGT" shaders -o "$TMP/damaged" "$TMP/damaged.vgt"
expect_stdout_match '^17 .* same as @39\.61$' cat "$TMP/damaged/index.txt"
expect_exit 0 [ "$(find "$TMP/damaged" -name '*.tgsi' | wc -l)" -eq 18 ]
expect_stderr_match "^vgt: $TMP/damaged.vgt: chunk is damaged.*byte [0-9]+" "$VGT" shaders "$TMP/damaged.vgt"
expect_stdout '["damage",true,18]' \
	shell '"$0" shaders --json "$1" | jq -c "select(.event == \"end\") | [.end, (.damage.byte > 0), .shaders]"' \
	"$TMP/damaged.vgt"
# what is no trace leaves no directory
expect_exit 1 "$VGT" shaders -o "$TMP/never" "$TMP/file"
expect_stderr "vgt: $TMP/file: is empty (byte 0)" "$VGT" shaders -o "$TMP/never" "$TMP/file"
expect_exit 2 "$VGT" shaders -o "$TMP/never" "$TMP/none.vgt"
expect_exit 1 [ -e "$TMP/never" ]
# before the first shader
head -c $((size / 2)) $desktop >"$TMP/cut.vgt"
expect_exit 5 "$VGT" shaders "$TMP/cut.vgt"
expect_stdout "" "$VGT" shaders "$TMP/cut.vgt"
expect_stderr_match "^vgt: .*: 0 shaders, 0 different texts$" "$VGT" shaders "$TMP/cut.vgt"

# Wrong usage, help.
usage() {
	expect_exit 2 "${@:2}"
	expect_stderr "vgt: $1
try 'vgt help shaders'" "${@:2}"
}
usage "shaders takes one trace" "$VGT" shaders
usage "shaders takes one trace" "$VGT" shaders $gears $gears
usage "--force needs --out DIR, whose files it replaces" "$VGT" shaders --force $gears
usage "option '--out' needs a value" "$VGT" shaders $gears -o
usage "unknown option '--frobnicate'" "$VGT" shaders --frobnicate $gears
usage "unknown option '-x'" "$VGT" shaders -x $gears
expect_stdout_match '^  shaders +list' "$VGT" help
expect_stdout "$("$VGT" help shaders)" "$VGT" shaders -h
