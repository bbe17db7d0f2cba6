#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # bash -c expands
# `vgt info`: what it says of a good trace, of damaged, cut and odd ones, of a recording that runs and
# of one that was killed, and of what is no trace.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
for needed in "$client" "$build/tests/mktrace" "$build/libvgt-preload.so"; do
	[ -e "$needed" ] || { echo "cli/info: no $needed" >&2; exit 1; }
done
command -v jq >/dev/null || skip "no jq"
cp traces/{gears,shadow,windows-gears}.vgt "$TMP/"
compute=$PWD/traces/compute.vgt
cd "$TMP"

shell() {
	timeout 60 bash -c "$1" "$VGT" "${@:2}"
}

# json FILTER FILE...: of what --json says.
json() {
	local filter=$1

	shift
	{ timeout 60 "$VGT" info --json "$@" || true; } 2>/dev/null | jq -c "$filter"
}

# A good trace, word for word.
expect_exit 0 "$VGT" info gears.vgt
expect_stderr "" "$VGT" info gears.vgt
expect_stdout "trace          gears.vgt
version        1.0, id cc03cd5f83596be9
state          whole
size           18.2 KB, 271.4 KB uncompressed (14.9 times)
recorded       2026-11-22T22:42:18Z, 0.268 s, ended: frame limit
producer       vgt-preload 0.1.0
program        glxgears (over virgl_test_server)
command line   glxgears
host           Linux 6.18.44-fc-v657 x86_64, libvirglrenderer.so.1.7.7
gl             llvmpipe (LLVM 15.0.6, 256 bits), 4.5 (Core Profile) Mesa 22.3.6
environment    LIBGL_ALWAYS_SOFTWARE=1
capsets        1 (VIRGL) version 1, 308 bytes; 2 (VIRGL2) version 2, 1.4 KB
offered        GLSL 450, 4 samples, 8 render targets, 2D textures to 16384, geometry, tessellation, compute (all: vgt dump --capset)
frames         20 by readback, 187.2 per second
frame size     300x300 B8G8R8X8_UNORM
contexts       1: VIRGL \"glxgears\"; 1 sub-context
resources      24 created, at most 24 at once and 2.3 MB of guest memory attached
guest memory   25.4 KB in the trace
commands       135, 40 submits of 222.1 KB
work           240 draws, 20 clears, 0 launches
shaders        3: 2 VERTEX, 1 FRAGMENT
transfers      1 to the host, 25.4 KB; 20 from it, 7.2 MB" "$VGT" info gears.vgt

# As JSON; the numbers are those that `vgt dump` and `vgt shaders` show one by one.
"$VGT" info --json gears.vgt >json
expect_stdout '{"path":"gears.vgt","version":"1.0","trace_id":"cc03cd5f83596be9","end":"tail","file_bytes":18191,"stream_bytes":271392,"chunks":5,"records":462,"commands":135,"frames":20}' \
	jq -c 'with_entries(select(.key | IN("path", "version", "trace_id", "end", "file_bytes",
		"stream_bytes", "chunks", "records", "commands", "frames")))' json
expect_stdout '{"frame_size":{"width":300,"height":300,"format":"B8G8R8X8_UNORM"},"frame_sizes":[{"width":300,"height":300,"format":"B8G8R8X8_UNORM","count":20}],"frame_rules":{"readback":20},"scanouts":[],"contexts":{"created":1,"sub_contexts":1,"kinds":[{"capset_id":0,"name":"glxgears","created":1}]},"resources":{"created":24,"imported":0,"most":24,"attached_bytes_most":2293024,"recorded_bytes":25392},"submit_bytes":222108,"shaders":{"VERTEX":2,"FRAGMENT":1},"draws":240,"clears":20,"launches":0,"transfers":{"to_host":{"count":1,"bytes":25392},"from_host":{"count":20,"bytes":7200000}},"failed":{"count":0,"first":null},"refused":{"count":0,"first":null},"bad_commands":{"count":0,"first":null},"failed_fences":{"count":0,"first":null},"resets":0,"marks":[],"damage":null,"gaps":[]}' \
	jq -c 'with_entries(select(.key | IN("path", "version", "trace_id", "end", "file_bytes",
		"stream_bytes", "chunks", "records", "commands", "frames", "seconds", "capsets",
		"frame_rate", "counts", "virgl", "meta") | not))' json
expect_stdout '{"id":2,"name":"VIRGL2","version":2,"bytes":1376,"glsl_level":450,"max_samples":4,"max_render_targets":8,"max_texture_2d_size":16384,"tessellation":true,"geometry":true,"compute":true,"host_is_gles":false,"renderer":"LLVMPIPE (LLVM 15.0.6, 256 bits)"}' \
	jq -c '.capsets[1]' json
expect_stdout '[1,"VIRGL"]' jq -c '.capsets[0] | [.id, .name]' json
expect_stdout glxgears jq -r .meta.subject json
expect_stdout true jq '.seconds > 0.2 and .frame_rate > 100' json
for trace in gears.vgt shadow.vgt; do
	"$VGT" info --json $trace >json
	"$VGT" dump --json --all $trace >records
	for op in DRAW_VBO CLEAR BLIT SET_SUB_CTX SET_VERTEX_BUFFERS; do
		expect_stdout "$(jq -s "map(select(.type == \"$op\" and .virgl_command != null)) |
			length" records)" jq ".virgl.$op // 0" json
	done
	expect_stdout "$(jq -s 'map(select(.record != null)) | group_by(.type) |
		map({(.[0].type): length}) | add' records)" jq -S .counts json
	expect_stdout "$(jq .draws json)" jq '.virgl.DRAW_VBO' json
	expect_stdout "$("$VGT" shaders --json $trace 2>/dev/null | jq -s "map(select(.stage)) | length")" \
		jq '.shaders | add' json
	expect_stdout "$(jq -s 'map(select(.type == "SUBMIT_3D" and .record != null) |
		.fields.size) | add' records)" jq .submit_bytes json
done

expect_stdout "$("$VGT" dump --json --all gears.vgt | jq -s 'map(
	select(.type == "RESOURCE_ATTACH_BACKING") | .fields.entry | map(.length) | add) | add')" \
	json .resources.attached_bytes_most gears.vgt # nothing is detached in it

# The program is not what starts it: env -u NAME NAME=VALUE wine64 wglgears.exe.
expect_stdout_match '^program +wglgears\.exe \(over' "$VGT" info windows-gears.vgt
expect_stdout_match '^command line +env -u .* /usr/lib/wine/wine64 wglgears.exe$' "$VGT" info windows-gears.vgt

# The program is not its environment; the server's command line is in --all.
expect_stdout "program        shader_runner (over virgl_test_server)
command line   $(json .meta.subject "$compute" | jq -r .)" shell '"$0" info "$1" | grep -E "^(program|command line) "' "$compute"
expect_stdout_match '^cmdline +virgl_test_server --use-egl-surfaceless ' "$VGT" info --all gears.vgt
expect_exit 1 shell '"$0" info gears.vgt | grep -e "--use-egl-surfaceless"'

# --all has all notes uncut, and counts.
expect_stdout_match '^ring\.path +/dev/shm/vgt-record-JJsfTS/vgt-cc03cd5f83596be9\.ring$' \
	"$VGT" info --all gears.vgt
expect_stdout_match '^TRANSFER_FROM_HOST_3D +20$' "$VGT" info -a gears.vgt
expect_stdout_match '^DRAW_VBO +240$' "$VGT" info -a gears.vgt
expect_exit 1 shell '"$0" info gears.vgt | grep -e ring.path -e DRAW_VBO'

# The positive control: five frames of it are less, and it shows.
expect_exit 0 "$VGT" cut -q gears.vgt --frames 0-4 -o five.vgt
expect_stdout_match '^work +60 draws, 5 clears, 0 launches$' "$VGT" info five.vgt
expect_stdout_match '^frames +5 by readback, ' "$VGT" info five.vgt
expect_stdout_match ', ended: cut$' "$VGT" info five.vgt

# From standard input, from pipes.
expect_stdout "$("$VGT" info gears.vgt | sed 's/gears.vgt/-/')" shell '"$0" info - <gears.vgt'
expect_stdout_match '^size +271.4 KB uncompressed$' shell 'cat gears.vgt | "$0" info -'
expect_stdout "[null,\"tail\",240]" \
	shell 'cat gears.vgt | "$0" info --json - | jq -c "[.file_bytes, .end, .draws]"'
mkfifo fifo
expect_stdout "240" shell 'cat gears.vgt >fifo & "$0" info --json fifo | jq .draws'
expect_exit 0 shell 'set -o pipefail; "$0" info --all gears.vgt | { head -n 1; cat >/dev/null; }'

# Several: a block each, or a line each; what is wrong with one does not keep the others away.
expect_stdout "$("$VGT" info gears.vgt; echo; "$VGT" info five.vgt)" \
	"$VGT" info gears.vgt five.vgt
expect_stdout $'["gears.vgt",20]\n["missing.vgt",5]' \
	shell 'cp five.vgt missing.vgt; "$0" info --json gears.vgt missing.vgt |
		while read -r line; do jq -c "[.path, .frames]" <<<"$line"; done; rm missing.vgt'
expect_exit 2 "$VGT" info missing.vgt gears.vgt
expect_stdout "$("$VGT" info gears.vgt)" "$VGT" info missing.vgt gears.vgt
expect_stderr "vgt: missing.vgt: cannot open the trace: No such file or directory" \
	"$VGT" info missing.vgt gears.vgt

# What is no trace: one line.
: >empty.vgt
echo "this is text, and not so little of it that it would be less than a header" >text.vgt
while read -r status file message; do
	expect_exit "$status" "$VGT" info "$file"
	expect_stdout "" "$VGT" info "$file"
	expect_stdout "" "$VGT" info --json "$file"
	expect_stderr "vgt: $file: $message" "$VGT" info "$file"
done <<'FILES'
1 empty.vgt is empty (byte 0)
1 text.vgt not a vgt trace (byte 0)
2 . is a directory
2 missing.vgt cannot open the trace: No such file or directory
FILES
expect_exit 2 "$VGT" info
expect_stderr "vgt: info takes a trace
try 'vgt help info'" "$VGT" info
expect_stderr_match "^vgt: unknown option '--jason', did you mean '--json'[?]$" "$VGT" info --jason gears.vgt

# Damage in the middle: what stands before and behind it is there, what is lost is said.
size=$(stat -c %s shadow.vgt)
flip() { # FROM TO OFFSET
	cp "$1" "$2"
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((0x$(od -An -tx1 -j "$3" -N 1 "$1" | tr -d ' ') ^ 16)))" |
		dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}
flip shadow.vgt flip.vgt $((size / 2))
expect_exit 1 "$VGT" info flip.vgt
expect_exit 1 "$VGT" info --json flip.vgt
expect_stderr_match '^vgt: flip\.vgt: chunk is damaged: .* \(byte [0-9]+\)$' "$VGT" info flip.vgt
expect_stdout_match '^state +damaged: chunk is damaged: ' "$VGT" info flip.vgt
gap=$({ "$VGT" dump --json flip.vgt 2>/dev/null || true; } |
	jq -c 'select(.type == "gap") | del(.type)')
expect_stdout "[$gap]" json .gaps flip.vgt
expect_stdout_match "^gaps +bytes $(jq -r '"\(.begin) to \(.end)"' <<<"$gap"): commands @$(jq .command \
	<<<"$gap") to @[0-9]+ and $(jq .frames_lost <<<"$gap") frames? are lost$" "$VGT" info flip.vgt
lost=$(jq .frames_lost <<<"$gap")
expect_stdout "[\"damage\",$("$VGT" info --json shadow.vgt | jq -c '[.frames, .commands]'),true]" \
	json "[.end, [.frames, .commands], .damage.byte == .gaps[0].begin]" flip.vgt
expect_stdout $((20 - lost)) json .counts.FRAME flip.vgt
expect_stdout_match "^frames +$((20 - lost)) by readback" "$VGT" info flip.vgt
# draws behind the gap are counted, though nobody knows the contexts there
expect_stdout "$({ "$VGT" dump --json flip.vgt 2>/dev/null || true; } |
	jq -s 'map(select(.type == "DRAW_VBO")) | length')" json .draws flip.vgt
# a pipe cannot be searched
expect_exit 1 shell 'cat flip.vgt | "$0" info -'
expect_stdout_match '^state +damaged: .*; what follows is not read$' \
	shell 'cat flip.vgt | "$0" info -'
# the last chunks: how much was in them the tail says
mapfile -t begins < <(grep -aboP '\x28\xb5\x2f\xfd' shadow.vgt | cut -d : -f 1)
expect_equal "chunks found" "$(json .chunks shadow.vgt)" ${#begins[@]}
flip shadow.vgt last.vgt $((begins[-1] + 40))
flip last.vgt end.vgt $((begins[-2] + 400))
expect_exit 1 "$VGT" info end.vgt
expect_stdout_match '^state +damaged: .*; what follows is not read$' "$VGT" info end.vgt
expect_stdout true json ".gaps | length == 1 and .[0].frames_lost > 0 and
	.[0].begin == ${begins[-2]}" end.vgt
expect_stdout "$(json '[.frames, .commands]' shadow.vgt)" \
	json '[.gaps[0].frames_lost + .counts.FRAME, .commands]' end.vgt

# Cut.
head -c $((size / 2)) shadow.vgt >cut.vgt
expect_exit 5 "$VGT" info cut.vgt
expect_stderr "" "$VGT" info cut.vgt
expect_stdout_match '^state +cut: its end is missing \(see `vgt help recover`\)$' "$VGT" info cut.vgt
expect_stdout '["cut",null,[]]' json '[.end, .damage, .gaps]' cut.vgt
expect_exit 5 shell 'cat cut.vgt | "$0" info -'

# Odd ones: what was refused or failed was not made.
for name in refused denied-create; do
	expect_exit 0 "$build/tests/mktrace" $name $name.vgt
done
expect_stdout_match '^trouble +4 refused by the device \(first @3\), 1 no command at all \(first @6\)$' \
	"$VGT" info refused.vgt
expect_stdout '[{"count":4,"first":3},{"count":1,"first":6},1,1,64]' \
	json '[.refused, .bad_commands, .resources.created, .resources.most,
		.resources.attached_bytes_most]' refused.vgt
expect_stdout_match '^trouble +1 failed \(first @3\)$' "$VGT" info denied-create.vgt
expect_stdout '[{"count":1,"first":3},1,1,{"count":1,"bytes":64}]' \
	json '[.failed, .resources.created, .resources.most, .transfers.to_host]' denied-create.vgt

# Text from outside cannot steer the terminal, and long text is cut short.
export LD_LIBRARY_PATH=$build/tests/stub
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
long=$(printf 'x%.0s' {1..400})
LD_PRELOAD=$preload VGT_CAPTURE_FILE=odd.vgt VREND_A=$'\033[2J\n' VREND_LONG=$long \
	VGT_CAPTURE_SUBJECT=$'\302\233sub' "$client" --frames 1 >/dev/null
expect_stdout_match '^program +\?sub \(over virgl_client\)$' "$VGT" info odd.vgt
expect_stdout_match '^environment .*VREND_A=\?\[2J\?' "$VGT" info odd.vgt
expect_stdout_match 'VREND_LONG=x{300} \[\.\.\.\]' "$VGT" info odd.vgt
expect_stdout_match '^env\.VREND_LONG +x{400}$' "$VGT" info --all odd.vgt
for format in "" --all --json; do
	# shellcheck disable=SC2086
	expect_exit 0 "$VGT" info $format odd.vgt
	expect_exit 1 grep -Pq '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$TMP/.stdout"
done

# A recording that runs: held still, so that it is always the same. Then its ring is out of reach,
# as that of a confined QEMU always is; then it is killed.
record() { # TRACE
	LD_PRELOAD=$preload VGT_CAPTURE_FILE=$1 VGT_CAPTURE_RING_DIR=$TMP \
		"$client" --loop-seconds 100 --contexts 2 >/dev/null 2>&1 &
	pid=$!
	disown
	cli_at_end="kill -KILL $pid"
	until [ "$(json '.frames > 1' "$1")" = true ]; do sleep 0.05; done
	kill -STOP $pid
	until [ "$(cut -d ' ' -f 3 <"/proc/$pid/stat")" = T ]; do sleep 0.01; done
}
killed() {
	kill -KILL $pid
	while kill -0 $pid 2>/dev/null; do sleep 0.01; done
	cli_at_end=
}
record live.vgt
expect_exit 0 "$VGT" info live.vgt
expect_stderr "" "$VGT" info live.vgt
expect_stdout_match '^state +still being recorded$' "$VGT" info live.vgt
expect_stdout_match '^recorded +20..-..-..T..:..:..Z, [0-9.]+ s so far$' "$VGT" info live.vgt
expect_stdout '"recording"' json .end live.vgt
frames=$(json .frames live.vgt)
ring=$(json -r live.vgt | jq -r '.meta["ring.path"]')
mv "$ring" away
expect_exit 0 "$VGT" info live.vgt
expect_stdout_match '^state +still being recorded; what is not in the file yet cannot be seen$' \
	"$VGT" info live.vgt
expect_stdout '"recording"' json .end live.vgt
expect_exit 2 "$VGT" recover live.vgt
expect_stderr "vgt: live.vgt: is still being recorded" "$VGT" recover live.vgt
mv away "$ring"
killed
expect_exit 5 "$VGT" info live.vgt
expect_stdout_match '^state +its recording was killed; the rest is in its ring \(see `vgt help recover`\)$' \
	"$VGT" info live.vgt
expect_stdout "[\"ring\",$frames]" json '[.end, .frames]' live.vgt
mv "$ring" away
expect_stdout '"cut"' json .end live.vgt
mv away "$ring"
expect_exit 0 "$VGT" recover live.vgt
expect_stdout_match '^state +whole$' "$VGT" info live.vgt
expect_stdout_match ', ended: recovered$' "$VGT" info live.vgt
expect_stdout "$frames" json .frames live.vgt
