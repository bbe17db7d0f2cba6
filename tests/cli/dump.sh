#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # lib.sh sets cli_status
# `vgt dump`: text, JSON lines, addresses, filters, capsets, damage, pager.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

for needed in jq script; do
	command -v $needed >/dev/null || { echo "cli/dump: no program $needed" >&2; exit 1; }
done
gears=traces/gears.vgt

# Names, values and what handles are.
expect_stdout '  @15.6 SET_FRAMEBUFFER_STATE nr_cbufs=1 zsurf=2 [of res 2 Z32_UNORM 300x300] cbuf=(1 [of res 1 B8G8R8X8_UNORM 300x300 display target])
  @15.8 CLEAR buffers=DEPTH|COLOR0 color=(0, 0, 0, 0) depth=1 stencil=0
  @15.9 CREATE_OBJECT SHADER handle=3 type=FRAGMENT offset=133 num_tokens=17 so_num_outputs=0 text=<132 bytes, 7 lines>
  @15.10 LINK_SHADER vertex=0 fragment=3 [FRAGMENT] geometry=0 tess_ctrl=0 tess_eval=0 compute=0' \
	"$VGT" dump $gears @15.6 @15.8 @15.9,@15.10
expect_stdout_match '^	FRAG$' "$VGT" dump --full $gears @15.9
expect_stdout_match '^@3 RESOURCE_CREATE_3D resource_id=1 target=2D format=B8G8R8X8_UNORM bind=RENDER_TARGET.*width=300 height=300' \
	"$VGT" dump $gears @3
expect_stdout_match '^ +0\.[0-9]{6} @3 RESOURCE_CREATE_3D' "$VGT" dump --time $gears @3
expect_stdout_match '^	producer=vgt-preload' "$VGT" dump $gears

# Every command and record is there, and JSON says the same as text.
"$VGT" info --json $gears >"$TMP/info"
"$VGT" dump --json $gears >"$TMP/all"
expect_stdout "$(jq .records "$TMP/info")" jq -s 'map(select(.record != null)) | length' "$TMP/all"
expect_stdout "$(jq .commands "$TMP/info")" \
	jq -s 'map(select(.record != null and .at != null)) | length' "$TMP/all"
expect_stdout 0 jq -s 'map(select(.error != null or .type == null)) | length' "$TMP/all"
expect_stdout "$(jq -s 'map(select(.virgl_command != null)) | length' "$TMP/all")" \
	bash -c "'$VGT' dump $gears | grep -c '^  @'"
expect_stdout '{"nr_cbufs":1,"zsurf":2,"cbuf":[1]}' \
	jq -c 'select(.at == "@15.6").fields' "$TMP/all"
expect_stdout '{"field":"zsurf","kind":"surface","id":2,"use":["read"],"is":"of res 2 Z32_UNORM 300x300"}' \
	jq -c 'select(.at == "@15.6").handles[0]' "$TMP/all"
expect_stdout true jq 'select(.at == "@15.9").fields.text.text | startswith("FRAG\n")' \
	<("$VGT" dump --json --full $gears @15.9)

# Addresses: a frame has the commands behind the FRAME before; what is asked for is all that comes,
# and is the same whether what stands before was read or skipped.
expect_stdout '@129 @130 @131 @132 @133 @134' \
	jq -s -r 'map(select(.frame == 19 and .at != null and .virgl_command == null).at) | join(" ")' "$TMP/all"
expect_stdout "$(jq -c 'select(.virgl_command != null and .frame == 19) | [.at, .type, .fields]' "$TMP/all")" \
	jq -c 'select(.virgl_command != null) | [.at, .type, .fields]' <("$VGT" dump --json --seek $gears 19)
expect_stdout "$(jq -c 'select(.at != null and .virgl_command == null and .command >= 40 and .command <= 42).at' "$TMP/all")" \
	jq -c 'select(.at != null and .virgl_command == null).at' <("$VGT" dump --json $gears @40-@42)
expect_stdout_match ' RESPONSE command=134 .*digest=0x[0-9a-f]+' "$VGT" dump $gears @134
expect_stderr '' "$VGT" dump $gears 0-

# Filters: by name, context, resource; joined they narrow.
count() { "$VGT" dump "$gears" "$@" | grep -c '^  @'; }
names() { "$VGT" dump --json "$gears" "$@" | jq -r .type | sort -u | paste -sd' '; }
expect_stdout DRAW_VBO names draw
expect_stdout CLEAR names clear
expect_stdout 'CLEAR DRAW_VBO' names draw clear
expect_stdout 'BIND_OBJECT BLEND CLEAR CREATE_OBJECT BLEND DRAW_VBO' names draw op=blend,clear
expect_stdout 'BIND_OBJECT BLEND CREATE_OBJECT BLEND' names op=BLEND
expect_stdout SUBMIT_3D names op=submit_3d
expect_stdout MEM names op=MEM
expect_stdout 20 count clear ctx=1
expect_stdout 0 count clear ctx=2
expect_stdout_match '^  @15.4 CREATE_OBJECT SURFACE handle=1 res_handle=1 ' "$VGT" dump $gears res=1
expect_stdout_match '^  @15.6 SET_FRAMEBUFFER_STATE ' "$VGT" dump $gears res=1
expect_stdout_match '^frame 19 \(@134\) FRAME rule=readback .* resource_id=1 ' "$VGT" dump $gears res=1
expect_stdout '' "$VGT" dump $gears res=999
# A draw uses what it finds bound: the window, and the buffer that all vertices are in.
expect_stdout 240 count draw
expect_stdout 240 count draw res=1
expect_stdout 240 count draw res=3
expect_stdout 0 count draw res=4
expect_stdout 20 count clear res=1
# With a filter, the frame is said; what is given once only is refused twice.
expect_stdout_match '^frame 7:$' "$VGT" dump $gears clear
expect_stdout 20 bash -c "'$VGT' dump $gears clear | grep -c '^frame [0-9]*:$'"

# What a draw finds: the commands that set it, objects by what they were made with.
expect_stdout '@15.20 CREATE_OBJECT BLEND
@15.22 CREATE_OBJECT RASTERIZER
@15.6 SET_FRAMEBUFFER_STATE
@129.5 SET_CONSTANT_BUFFER
@129.3 BIND_SHADER
@15.14 BIND_SHADER' bash -c "'$VGT' dump --state $gears @129.9 | grep '^      @' |
	grep -e FRAMEBUFFER_STATE\\  -e BLEND\\  -e RASTERIZER -e BIND_SHADER -e CONSTANT |
	sed 's/^ *//; s/ [a-z].*//'"
expect_stdout "$("$VGT" dump --state $gears @129.9 | grep -c '^      @')" \
	jq '.state | length' <("$VGT" dump --json --state $gears @129.9)

# Capsets: every bit by name.
expect_stdout_match '^capset 1 .*308 bytes$' "$VGT" dump --capset $gears
expect_stdout_match '^  has_tessellation_shaders=1$' "$VGT" dump --capset $gears
expect_stdout_match '^  max_texture_2d_size=16384$' "$VGT" dump --capset $gears
expect_stdout '[1,2]' bash -c "'$VGT' dump --capset --json $gears | jq -s -c 'map(.id)'"
expect_stdout true jq -s '.[1].fields.sampler | index("B8G8R8A8_UNORM") != null' \
	<("$VGT" dump --capset --json $gears)

# From a pipe; a reader that has seen enough; an end that is missing; damage in the middle, past
# which it goes on.
expect_stdout "$("$VGT" dump $gears | cksum)" bash -c "cat $gears | '$VGT' dump - | cksum"
expect_stdout '  META' bash -c "'$VGT' dump $gears | head -1"
head -c 15000 $gears >"$TMP/cut.vgt"
expect_exit 5 "$VGT" dump "$TMP/cut.vgt"
expect_stderr_match 'the end of the trace is missing' "$VGT" dump "$TMP/cut.vgt"
"$VGT" info --json traces/desktop.vgt >"$TMP/info"
cp traces/desktop.vgt "$TMP/damaged.vgt"
printf 'xxxxxxxx' | dd of="$TMP/damaged.vgt" bs=1 seek=5000 conv=notrunc status=none
expect_exit 1 "$VGT" dump "$TMP/damaged.vgt"
expect_stderr_match 'damaged.vgt: .*damaged.*byte [0-9]+' "$VGT" dump "$TMP/damaged.vgt"
expect_stdout_match '^bytes [0-9]+ to [0-9]+ are damaged: commands @[0-9]+ to @[0-9]+ are lost' \
	"$VGT" dump "$TMP/damaged.vgt"
expect_stdout 1 jq -s 'map(select(.type == "gap" and .commands_lost > 0)) | length' \
	<("$VGT" dump --json "$TMP/damaged.vgt" 2>/dev/null)
expect_stdout_match "^@$(($(jq .commands "$TMP/info") - 1)) " "$VGT" dump "$TMP/damaged.vgt"
# where the damage makes it impossible to go to an address, what comes before it is read
cp $gears "$TMP/first.vgt"
printf x | dd of="$TMP/first.vgt" bs=1 seek=20 conv=notrunc status=none
expect_stdout 13 bash -c "'$VGT' dump '$TMP/first.vgt' 19 clear draw 2>/dev/null | grep -c '^  @'"
expect_exit 1 "$VGT" dump "$TMP/first.vgt" 19

# A submit whose last command runs past its end, as `vgt verify` says it.
"$(dirname "$VGT")/tests/mktrace" cut-short "$TMP/short.vgt"
at=$("$VGT" verify "$TMP/short.vgt" 2>/dev/null | sed -n 's/.*: \(@[0-9.]*\): .*cut short.*/\1/p')
expect_stdout_match "^  $at [A-Z_]+ \(cut short: [0-9]+ dwords announced, [0-9]+ are there\) [0-9a-f]{8}" \
	"$VGT" dump "$TMP/short.vgt" "$at"
expect_stdout_match 'cut short' jq -r .error <("$VGT" dump --json "$TMP/short.vgt" "$at")

# A filter that nothing passes says so, and what it would have printed is on neither stream.
expect_stderr "vgt: $gears: nothing passes the filter" "$VGT" dump $gears draw res=999
expect_stderr "" "$VGT" dump --quiet $gears draw res=999
expect_stderr "" "$VGT" dump $gears draw res=3

# A terminal gets colours and a pager, unless it says otherwise; others get neither.
has_terminals || skip "no terminals can be made"
expect_stdout_match 'paged: .*@3' on_terminal "PAGER=\"sed 's/^/paged: /'\" '$VGT' dump $gears @3"
expect_stdout_match '\[33m@3' on_terminal "PAGER=cat '$VGT' dump $gears @3"
expect_stdout_match '^@3 ' on_terminal "NO_COLOR=1 PAGER=cat '$VGT' dump $gears @3"
expect_stdout_match '\[33m@3' on_terminal "PAGER='sed s/^/paged:/' '$VGT' dump --no-pager $gears @3"
expect_stdout_match '^@3 ' env TERM=xterm PAGER='sed s/^/paged:/' "$VGT" dump $gears @3

# Wrong usage: one clear line.
wrong() {
	local expected=$1
	shift
	expect_exit 2 "$VGT" dump "$@"
	expect_stderr_match "^vgt: $expected" "$VGT" dump "$@"
	expect_stdout '' "$VGT" dump "$@"
}
wrong 'dump takes a trace'
wrong "nowhere.vgt: cannot open" nowhere.vgt
wrong "'drow' is neither an address nor a filter" $gears drow
wrong "no command is called 'DROW'" $gears op=DROW
wrong 'op= needs' $gears op=
wrong 'ctx= must be a number' $gears ctx=one
wrong 'res= must be a number' $gears res=-1
wrong 'only one res= is taken' $gears res=1 res=2
wrong "no command is called 'VIEWPORT', did you mean 'SET_VIEWPORT_STATE'" $gears op=VIEWPORT
wrong "'DRAW_VBO' is no filter, did you mean 'op=DRAW_VBO'" $gears DRAW_VBO
wrong "'traces/gears.vgt' is neither an address nor a filter .FILE comes first" 12 $gears
wrong '.*there is no @33.999: @33 has 60 virgl commands' $gears @33.999
wrong '.*there is no @3.0: @3 is no SUBMIT_3D' $gears @3.0
wrong '.*20-10' $gears 20-10
wrong '.*@x' $gears @x
wrong '.*20 frames' $gears 99
wrong '.*commands' $gears @99999
wrong '--seek and --from-start exclude each other' --seek --from-start $gears
wrong '--capset takes a trace and nothing else' --capset $gears 3
wrong "unknown option '--jsn', did you mean '--json'\?" --jsn $gears
