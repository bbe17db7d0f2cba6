#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2164 # lib.sh sets cli_status, and -e
# What a guest is offered: `vgt record --capset` makes it less, for a host that has less, and
# `vgt replay` says what a host lacks. On the stub of virglrenderer, and on the real one where a
# program can be recorded.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
stub=$build/tests/stub
traces=$PWD/traces
for needed in "$client" "$build/vgt-player" "$build/libvgt-preload.so" "$stub/libvirglrenderer.so.1"; do
	[ -e "$needed" ] || { echo "cli/capset: no $needed, build it" >&2; exit 1; }
done
cd "$TMP"

# vgt puts its interposer first, before a sanitizer's library.
export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"

# on_stub COMMAND...
on_stub() {
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" LD_LIBRARY_PATH=$stub timeout 60 "$@"
}

# capset TRACE: as JSON lines.
capset() {
	"$VGT" dump --capset --json "$1"
}

# changed EXPRESSION <JSON: the capsets with this done to each, as jq says it.
changed() {
	jq -c "$1" host.json
}

expect_exit 0 on_stub "$VGT" record -o host.vgt -- "$client" --frames 4
capset host.vgt >host.json
expect_equal "capsets" "1 308
2 1376" "$(jq -r '"\(.id) \(.bytes)"' host.json)"
expect_exit 1 grep -q -e masked -e "less than" <("$VGT" info host.vgt; "$VGT" info --json host.vgt)

# Recorded by its own capset, nothing is taken away; that it might have been is told.
expect_exit 0 on_stub "$VGT" record --capset host.json -o same.vgt -- "$client" --frames 4
expect_equal "by its own" "$(cat host.json)" "$(capset same.vgt)"
expect_stdout_match '^offered .* less than the host has ' "$VGT" info same.vgt
expect_exit 0 on_stub "$VGT" record --capset host.vgt -o same2.vgt -- "$client" --frames 4
expect_equal "by its own trace" "$(cat host.json)" "$(capset same2.vgt)"

# Of a weaker host, in a pipe and spread over lines; it has other things that this one has not.
lesser='.version = 1 | .fields.glsl_level = 150 | .fields.sampler -= ["B8G8R8A8_UNORM"]'
changed "$lesser | .fields.max_samples = 16 | if .id == 1 then . else .fields.renderer.text = \"other\" |
	.fields.capability_bits = [\"COPY_IMAGE\", \"QBO\"] end" >weak.json
changed "$lesser | if .id == 1 then . else .fields.capability_bits = [\"COPY_IMAGE\"] end" >expected.json
mkfifo pipe
jq . weak.json >pipe &
expect_exit 0 on_stub "$VGT" record --capset pipe -o weak.vgt -- "$client" --frames 4
wait $!
expect_equal "the lesser of both" "$(cat expected.json)" "$(capset weak.vgt)"
# the control: that is not what the host has
expect_exit 1 cmp -s host.json expected.json

# Whoever asks gets that, too: the answer on the trace is as long and has its digest.
expect_equal "answers" "308 1376" "$("$VGT" dump --json weak.vgt | jq -r \
	'select(.type == "RESPONSE" and .fields.size > 0 and .fields.size < 2000).fields.size' |
	head -n 2 | paste -s -d ' ')"
expect_exit 0 on_stub "$VGT" replay --verify weak.vgt
expect_equal "verified" "0 differ" "$(sed -n 's/.* answers compared, //p' .stderr)"
expect_exit 0 on_stub env STUB_VIRGL_FAIL=fill_caps:9 "$VGT" replay --verify weak.vgt

# An older host's capset is shorter, and may be the first alone.
changed 'if .id == 2 then .bytes = 560 | .fields |= (to_entries |
	.[: (map(.key == "host_feature_check_version") | index(true)) + 1] | from_entries)
	else . end' >short.json
expect_exit 0 on_stub "$VGT" record --capset short.json -o short.vgt -- "$client" --frames 2
expect_equal "short" "308 560" "$(capset short.vgt | jq .bytes | paste -s -d ' ')"
changed 'select(.id == 1)' >first.json
expect_exit 0 on_stub "$VGT" record --capset first.json -o first.vgt -- "$client" --frames 2
expect_equal "the first alone" "308 308" "$(capset first.vgt | jq .bytes | paste -s -d ' ')"
expect_exit 0 on_stub "$VGT" replay --verify first.vgt

# Without `vgt record`; a trace that cannot be read offers nothing.
on_stub env LD_PRELOAD="$build/libvgt-preload.so" VGT_CAPTURE_FILE=by-hand.vgt \
	VGT_CAPTURE_CAPSET=weak.vgt "$client" --frames 2 >/dev/null
expect_equal "by hand" "$(cat expected.json)" "$(capset by-hand.vgt)"

# A recorder that does not heed it, as QEMU's modules of before.
expect_stderr_match "^vgt: warning: heedless.vgt: the guest was offered all: " on_stub \
	"$VGT" record --capset weak.json -o heedless.vgt -- env -u VGT_CAPTURE_CAPSET "$client" --frames 2
expect_equal "heedless" "$(cat host.json)" "$(capset heedless.vgt)"

# Files that are wrong: one line with the file and the field; nothing is recorded or run.
wrong() { # MESSAGE SED-EXPRESSION
	sed -E "$2" host.json >bad.json
	expect_exit 1 cmp -s bad.json host.json
	expect_exit 2 "$VGT" record --capset bad.json -o bad.vgt touch ran
	expect_equal "$2" "vgt: bad.json: line $1" "$(cat .stderr)"
	expect_exit 1 [ -e bad.vgt -o -e ran ]
}
field="there is no such field"
wrong "1: fields.glsl_lvel: $field" 's/glsl_level/glsl_lvel/'
wrong "1: fields.glsl_level: is missing" 's/"glsl_level":[0-9]*,//'
wrong "1: fields.glsl_level: must be an integer" 's/"glsl_level":[0-9]*/"glsl_level":"330"/'
wrong "1: fields.glsl_level: must be from 0 to 4294967295" 's/"glsl_level":/&-/'
wrong "1: fields.glsl_level: must be from 0 to 4294967295" 's/"glsl_level":/&99999999999999999999/'
wrong "2: fields.min_texel_offset: must be from -2147483648 to 2147483647" \
	's/"min_texel_offset":/&2147483648/'
wrong "1: fields.sampler: there is no format 'FOO?[31m'" '1s/B8G8R8A8_UNORM/FOO\\u001b[31m/'
wrong "1: fields.sampler: must be from 0 to 511" '1s/"sampler":\[/&512,/'
wrong "1: fields.sampler: must be an array of names" '1s/"sampler":\[[^]]*\]/"sampler":"all"/'
wrong "2: fields.capability_bits: there is no flag 'TRANFSER'" 's/"TRANSFER"/"TRANFSER"/'
wrong "1: fields.prim_mask: must be a name or a number" '1s/"prim_mask":\[/&{},/'
wrong "1: fields.has_fp64: must be true or false" '1s/"has_fp64":(true|false)/"has_fp64":1/'
wrong "2: fields.max_anisotropy: must be a number or \"nan\", \"inf\", \"-inf\"" \
	's/"max_anisotropy":[0-9.]*/"max_anisotropy":true/'
wrong "2: fields.max_anisotropy: must be a number or \"nan\", \"inf\", \"-inf\": it is too large" \
	's/"max_anisotropy":[0-9.]*/"max_anisotropy":1e39/'
wrong "2: fields.renderer: is longer than 64 bytes" \
	"s/\"renderer\":\{\"text\":\"/&$(printf '%064d' 0)/"
wrong '2: fields.renderer: must be {"text": "..."}' 's/"renderer":\{"text"/"renderer":{"txt"/'
wrong "2: fields.max_compute_grid_size: must be an array" \
	's/"max_compute_grid_size":\[[^]]*\]/"max_compute_grid_size":5/'
wrong "2: fields.max_compute_grid_size: has too few entries" 's/"max_compute_grid_size":\[[0-9]*,/"max_compute_grid_size":[/'
wrong "2: fields.max_compute_grid_size: has more than 3 entries" 's/"max_compute_grid_size":\[/&1,/'
wrong "2: fields.video_caps[0].profile: must be from 0 to 255" 's/"profile":0/"profile":256/'
wrong "2: fields.video_caps[0].x: $field" 's/"profile":0/&,"x":1/'
wrong "2: fields.video_caps[0]: must be an object" 's/"video_caps":\[\{/"video_caps":[7,{/'
wrong "1: id: is missing" '1s/"id":1,//'
wrong "1: id: must be from 1 to 2" '1s/"id":1/"id":4/'
wrong "2: capset 1 is there twice" 's/"id":2/"id":1/'
wrong "1: version: must be an integer" '1s/"version":1/"version":"1"/'
wrong "1: bytes: VIRGL is 75 dwords long, 77 expected" '1s/"bytes":308/"bytes":300/'
wrong "2: fields.max_uniform_block_size: lies behind the capset's bytes" 's/"bytes":1376/"bytes":1372/'
wrong "2: fields.video_caps: has more than 9 entries" 's/"bytes":1376/"bytes":1000/'
wrong "2: bytes: must be from 4 to 65536" 's/"bytes":1376/"bytes":4000000000/'
wrong "1: field: $field" '1s/"fields"/"field"/'
wrong "1: fields: must be an object" '1s/"fields":.*/"fields":[]}/'
wrong "1: must be an object {id, version, bytes, fields}" '1s/.*/"id"/'
wrong "1: no capset is there" 's/.*//'
wrong "1: not JSON: unexpected character" '1s/^/?/'
expect_exit 0 test -e host.json
head -c 1000 host.json >bad.json
expect_stderr "vgt: bad.json: line 1: not JSON: it ends too early" "$VGT" record --capset bad.json true
expect_stderr "vgt: none: cannot read: No such file or directory" "$VGT" record --capset none true
expect_stderr "vgt: .: cannot read: Is a directory" "$VGT" record --capset . true
expect_stderr "vgt: /dev/zero: neither a trace nor capsets: it has more than 1048576 bytes" \
	"$VGT" record --capset /dev/zero true
head -c 200 host.vgt >bad.vgt
expect_exit 2 "$VGT" record --capset bad.vgt -o never.vgt true
expect_stderr_match "^vgt: bad.vgt: " "$VGT" record --capset bad.vgt true
expect_exit 2 "$VGT" record --capset
expect_exit 1 [ -e never.vgt ]

# A host that lacks something: told, played, and not held against the trace where it differs.
lacks="vgt: host.vgt: this host's capset: glsl_level is 130, the recording's was 330
vgt: host.vgt: this host's capset: capability_bits lacks COPY_IMAGE"
expect_exit 0 on_stub env STUB_VIRGL_LESS=1 "$VGT" replay host.vgt
expect_equal "what lacks" "$lacks" "$(grep capset: .stderr)"
expect_exit 1 on_stub env STUB_VIRGL_FAIL=transfer_write_iov:1 "$VGT" replay --verify host.vgt
expect_exit 4 on_stub env STUB_VIRGL_LESS=1 STUB_VIRGL_FAIL=transfer_write_iov:1 \
	"$VGT" replay --verify host.vgt
expect_equal "and why" 1 "$(grep -c 'differs, which need not be a fault: this host lacks' .stderr)"
expect_exit 3 on_stub env STUB_VIRGL_LESS=1 STUB_VIRGL_CRASH=1 "$VGT" replay host.vgt
expect_exit 4 on_stub env STUB_VIRGL_LESS=1 "$VGT" replay --need-capset host.vgt
expect_equal "nothing is played" "" "$(cat .stdout)"
expect_equal "and why" "$lacks
vgt: host.vgt: not played: this host lacks what the recording's had" "$(grep host.vgt .stderr)"
expect_exit 4 on_stub env STUB_VIRGL_LESS=1 "$VGT" replay --need-capset --json host.vgt
expect_equal "as JSON" "lack glsl_level is 130, the recording's was 330
lack capability_bits lacks COPY_IMAGE
failed not played: this host lacks what the recording's had" \
	"$(jq -r 'select(.event != "renderer") | "\(.event) \(.text)"' .stdout)"
# more is no lack; nor is less where the guest was not offered it
expect_exit 0 on_stub "$VGT" replay --need-capset host.vgt
on_stub env STUB_VIRGL_LESS=1 "$VGT" record -q -o less.vgt -- "$client" --frames 2 >/dev/null
expect_exit 0 on_stub "$VGT" replay --need-capset less.vgt
expect_equal "nothing lacks" "" "$(grep capset: .stderr || true)"
expect_exit 0 on_stub "$VGT" record --capset less.vgt -o made.vgt -- "$client" --frames 4
expect_exit 0 on_stub env STUB_VIRGL_LESS=1 "$VGT" replay --need-capset made.vgt

# The real renderer: Mesa in the guest believes it, and says so.
unset DISPLAY
export LIBGL_ALWAYS_SOFTWARE=1
if ! ldd "$VGT" | grep -q 'lib[at]san' && command -v glxgears virgl_test_server Xvfb >/dev/null; then
	version() { # ARGUMENT...
		timeout 60 "$VGT" record -q --force --gl --frames 2 -o gl.vgt "$@" -- stdbuf -oL glxgears -info |
			sed -n 's/^GL_VERSION *= \([0-9.]*\).*/\1/p'
	}
	plain=$(version)
	capset gl.vgt >gl.json
	jq -c '.fields.has_tessellation_shaders = false | .fields.glsl_level = 330' gl.json >weak.json
	masked=$(version --capset weak.json)
	expect_equal "GL version by weaker host" 3.3 "$masked"
	expect_exit 1 [ "$plain" = "$masked" ]
	expect_equal "offered" "$(cat weak.json)" "$(capset gl.vgt)"
	expect_exit 0 "$VGT" replay --verify --need-capset gl.vgt
	expect_equal "by its own host" "0 differ" "$(sed -n 's/.* answers compared, //p' .stderr)"
	expect_exit 0 env MESA_GL_VERSION_OVERRIDE=3.3 "$VGT" replay --quiet --no-pictures gl.vgt
	expect_exit 4 env MESA_GL_VERSION_OVERRIDE=3.2 MESA_EXTENSION_OVERRIDE=-GL_ARB_tessellation_shader \
		"$VGT" replay --need-capset "$traces/gears.vgt"
	expect_equal "named" 1 "$(grep -c "capset: lacks has_tessellation_shaders$" .stderr)"
fi

# A pipe on which nothing comes can be left.
mkfifo silent
expect_exit 124 timeout -k 5 1 "$VGT" record --capset silent -o never.vgt -- true
