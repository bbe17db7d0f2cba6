#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # jq and shells of their own expand; lib.sh sets -e
# What the commands that make something say of it: --json, the same names in all of them and as vgt info
# has them; --quiet, nothing; the summary else.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "no program jq"
traces=$PWD/traces
build=$(dirname "$VGT")
client=$build/tests/virgl_client
stub=$build/tests/stub
cd "$TMP"
cp "$traces/gears.vgt" good.vgt
head -c 10000 good.vgt >cut.vgt

# as_info FIELD...: what is in ./result of these is what vgt info says of the trace that it names.
as_info() {
	local path seen

	path=$(jq -r .path result)
	seen=$("$VGT" info --json "$path" | jq -c '[$ARGS.positional[] as $name | .[$name]]' --args "$@")
	expect_stdout "$seen" jq -c '[$ARGS.positional[] as $name | .[$name]]' result --args "$@"
	expect_exit 0 jq -e 'all(.file_bytes, .records, .commands; . > 0)' result
}

# result COMMAND...: one object on stdout, in ./result, nothing on stderr.
result() {
	expect_exit 0 "$@"
	cp .stdout result
	[ ! -s .stderr ] || fail "nothing on stderr" "$@"
	expect_stdout 1 jq -s length result
}

result "$VGT" cut --json --frames 0-9 -o new.vgt good.vgt
expect_stdout '["new.vgt","good.vgt",10]' jq -c '[.path, .source, .frames]' result
as_info file_bytes stream_bytes chunks records commands frames
result "$VGT" repack --json -3 -o packed.vgt good.vgt
expect_stdout "[\"packed.vgt\",\"good.vgt\",$(stat -c %s good.vgt),\"tail\",0]" \
	jq -c '[.path, .source, .source_bytes, .source_end, .torn_bytes]' result
as_info file_bytes stream_bytes chunks records commands frames
expect_exit 0 bash -c '"$0" repack --json -3 -o piped.vgt - <cut.vgt >result 2>err' "$VGT"
expect_stdout '["-",null,"cut",true]' jq -c '[.source, .source_bytes, .source_end, .torn_bytes > 0]' result
as_info file_bytes stream_bytes chunks records commands frames
cp good.vgt packed.vgt
result "$VGT" repack --json packed.vgt
expect_stdout '["packed.vgt","packed.vgt"]' jq -c '[.path, .source]' result
as_info file_bytes stream_bytes chunks records commands frames

result "$VGT" recover --json -o whole.vgt cut.vgt
expect_stdout '["whole.vgt","cut.vgt",false,0,true,null]' \
	jq -c '[.path, .source, .was_whole, .ring_records, .torn_bytes > 0, .damage]' result
as_info file_bytes records commands frames
result "$VGT" recover --json good.vgt
expect_stdout '["good.vgt",true,0]' jq -c '[.path, .was_whole, .torn_bytes]' result
as_info file_bytes records commands frames
{ head -c 15000 good.vgt && printf xxxxxxxx && tail -c +15009 good.vgt; } >damaged.vgt
expect_exit 0 "$VGT" recover --json --force -o whole.vgt damaged.vgt
cp .stdout result
expect_exit 0 jq -e '.damage.message and .damage.byte > 0' result
expect_stderr_match "^vgt: damaged.vgt: chunk is damaged" "$VGT" recover --json --force -o whole.vgt damaged.vgt
as_info file_bytes records commands frames
# An error leaves stdout empty.
expect_stdout "" "$VGT" cut --json --frames 0-9 -o new.vgt good.vgt
expect_exit 2 "$VGT" cut --json --frames 0-9 -o new.vgt good.vgt

# A recording: what was recorded, and why it ended. The interposer, sanitized, needs a program that is.
if ! ldd "$VGT" | grep -q 'lib[at]san'; then
	export LD_LIBRARY_PATH=$stub
	work=("$client" --size 64x64 --frames 5)
	expect_exit 0 "$VGT" record --json -o recorded.vgt "${work[@]}" --contexts 1
	grep -v "^frame" .stdout >all
	jq '.traces[0]' all >result
	expect_stdout '[1,"recorded.vgt",true,"exited",0,null]' \
		jq -c '[(.traces | length), .traces[0].path, .traces[0].whole, .reason, .exit_status, .signal]' all
	seen=$("$VGT" info --json recorded.vgt | jq -c '[.file_bytes, .stream_bytes, .commands, .frames]')
	expect_stdout "$seen" jq -c '[.file_bytes, .stream_bytes, .commands, .frames]' result
	expect_exit 0 "$VGT" record --json --frames 2 --force -o recorded.vgt \
		sh -c '"$@" >/dev/null; exec sleep 100' sh "${work[@]}"
	cp .stdout result
	expect_stdout '["frames",2,null,15]' \
		jq -c '[.reason, .traces[0].frames, .exit_status, .signal]' result
	cli_run "$VGT" record --json --force -o recorded.vgt sh -c 'kill -SEGV $$'
	cp .stdout result
	expect_stdout '[0,"killed",null,11]' jq -c '[(.traces | length), .reason, .exit_status, .signal]' result
	cli_run "$VGT" record --json --force -o recorded.vgt sh -c 'exit 3'
	cp .stdout result
	expect_stdout '[0,"exited",3,null]' jq -c '[(.traces | length), .reason, .exit_status, .signal]' result
	unset LD_LIBRARY_PATH
fi

# Quiet, and not.
rm -f new.vgt
for command in "verify good.vgt" "shaders good.vgt" "cut --frames 0-1 --force -o new.vgt good.vgt" \
	"repack --force -3 -o new.vgt good.vgt" "recover --force -o new.vgt cut.vgt" "recover good.vgt"; do
	for quiet in -q --quiet; do
		# shellcheck disable=SC2086
		expect_stderr "" "$VGT" ${command%% *} $quiet ${command#* }
	done
	# shellcheck disable=SC2086
	expect_stderr_match "^vgt: .*[0-9a-z]" "$VGT" $command
done
# in all helps, in the same place, by the same words
for command in compare cut record recover repack replay shaders verify; do
	expect_stdout_match "^  -q, --quiet +no progress, no summary" "$VGT" help $command
	[ "$(grep -A 1 -e "-q, --quiet" .stdout | grep -c -e "-h, --help")" -eq 1 ] ||
		fail "before --help" "$VGT" help $command
	expect_stdout_match "^ +--json " "$VGT" help $command
done
