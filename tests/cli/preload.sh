#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2164 # lib.sh sets cli_status, and -e
# The interposer between virgl_client and the stub of virglrenderer: what is on the trace is what
# the stub logged, and the program does not notice. With a sanitizer's build, VGT_PRELOAD_FIRST
# names the library that must be preloaded before it.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
export LD_LIBRARY_PATH=$build/tests/stub
for needed in "$client" "$build/libvgt-preload.so" "$LD_LIBRARY_PATH/libvirglrenderer.so.1"; do
	[ -e "$needed" ] || { echo "cli/preload: no $needed, build it" >&2; exit 1; }
done
cd "$TMP"

plain() {
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout 60 "$client" "$@"
}

# recorded TRACE ARGUMENT...: the client under the interposer.
recorded() {
	local trace=$1

	shift
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout 60 env LD_PRELOAD="$preload" \
		VGT_CAPTURE_FILE="$trace" "$client" "$@"
}

# count RECORD TRACE...: how many the traces hold together.
count() {
	local record=$1 trace

	shift
	for trace in "$@"; do
		"$VGT" info --all "$trace"
	done | awk -v record="$record" '$1 == record { n += $2 } END { print n + 0 }'
}

commands_of() { # TRACE...
	local trace

	for trace in "$@"; do
		"$VGT" info --json "$trace"
	done | sed -n 's/^ *"commands":\([0-9]*\),*$/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

# fact KEY TRACE
fact() {
	"$VGT" info --json "$2" | jq -r --arg key "$1" '.meta[$key] // ""'
}

# calls LOG NAME...: how often the functions were called.
calls() {
	local log=$1 name sum=0

	shift
	for name in "$@"; do
		sum=$((sum + $(grep -c "^[0-9]* virgl_renderer_$name\( \|$\)" "$log" || true)))
	done
	echo $sum
}

# agree LOG TRACE...: every call is on the traces, once. In the log are besides: the
# context_create_with_flags that context_create makes of itself, and at each init the two
# fill_caps of the interposer.
agree() {
	local log=$1 total=0 record functions n

	shift
	while read -r record functions; do
		# shellcheck disable=SC2086 # several functions
		n=$(calls "$log" $functions)
		[ "$record" != GET_CAPSET ] || n=$((n - 2 * $(calls "$log" init)))
		expect_equal "$record in $*" "$n" "$(count "$record" "$@")"
		total=$((total + n))
	done <<-EOF
		CTX_CREATE context_create_with_flags
		CTX_DESTROY context_destroy
		CTX_ATTACH_RESOURCE ctx_attach_resource
		CTX_DETACH_RESOURCE ctx_detach_resource
		RESOURCE_CREATE_3D resource_create
		RESOURCE_CREATE_BLOB resource_create_blob
		RESOURCE_UNREF resource_unref
		RESOURCE_ATTACH_BACKING resource_attach_iov
		RESOURCE_DETACH_BACKING resource_detach_iov
		RESOURCE_MAP_BLOB resource_map
		RESOURCE_UNMAP_BLOB resource_unmap
		TRANSFER_TO_HOST_3D transfer_write_iov
		TRANSFER_FROM_HOST_3D transfer_read_iov
		SUBMIT_3D submit_cmd submit_cmd2
		GET_CAPSET fill_caps
	EOF
	expect_equal "commands in $*" $total "$(commands_of "$@")"
	expect_equal "RESET in $*" "$(calls "$log" cleanup)" "$(count RESET "$@")"
	expect_equal "FENCE (created, retired) in $*" \
		$((2 * $(calls "$log" create_fence context_create_fence))) \
		"$(count FENCE "$@")"
	expect_equal "CAPSET in $*" $((2 * $(calls "$log" init))) "$(count CAPSET "$@")"
	expect_equal "IOV in $*" "$(grep -c 'transfer_.*iov=[0-9]' "$log" || true)" \
		"$(count IOV "$@")"
}

whole() { # TRACE...
	local trace

	for trace in "$@"; do
		expect_stdout_match '^state +whole$' "$VGT" info "$trace"
		expect_equal "$trace: ring removed" absent \
			"$([ -e "$(fact ring.path "$trace")" ] && echo present || echo absent)"
	done
}

# The log as the program's doing: without the polls, whose number is up to the clock, the process,
# the number of a fence, which threads take by turns, and what the interposer asks for: the size of
# capsets at any time, two capsets within init.
log_of_program() { # LOG RECORDED
	awk -v recorded="$2" '
		$2 == "virgl_renderer_poll" || $2 == "virgl_renderer_get_cap_set" { next }
		$2 == "virgl_renderer_init" && recorded { skip[$1] = 2 }
		$2 == "virgl_renderer_fill_caps" && skip[$1] { skip[$1]--; next }
		{ sub(/^[0-9]+ /, ""); sub(/_create_fence fence=[0-9]+/, "_create_fence"); print }' \
		"$1"
}

# undisturbed NAME ORDER ARGUMENT...: runs the client without and with the interposer (traces
# NAME*.vgt, log NAME.log). ORDER is cat or sort.
undisturbed() {
	local name=$1 order=$2 status=0 traces

	shift 2
	STUB_VIRGL_LOG=$name.plain.log plain "$@" >"$name.plain.out" 2>"$name.plain.err" ||
		status=$?
	expect_equal "exit status of $*" 0 $status
	STUB_VIRGL_LOG=$name.log recorded "$name-%p.vgt" "$@" >"$name.out" 2>"$name.err" ||
		status=$?
	expect_equal "exit status of recorded $*" 0 $status
	expect_equal "stderr of recorded $*" "" "$(cat "$name.plain.err" "$name.err")"
	expect_equal "output of recorded $*" "$($order "$name.plain.out")" \
		"$($order "$name.out")"
	expect_equal "calls of recorded $*" "$(log_of_program "$name.plain.log" 0 | $order)" \
		"$(log_of_program "$name.log" 1 | $order)"
	traces=("$name"-*.vgt)
	whole "${traces[@]}"
	agree "$name.log" "${traces[@]}"
	expect_equal "frames of $*" "$(wc -l <"$name.out")" "$(count FRAME "${traces[@]}")"
}

undisturbed one cat --frames 12
undisturbed contexts cat --contexts 4 --frames 8
undisturbed threads sort --threads --contexts 4 --frames 8
undisturbed own_iov cat --own-iov --frames 8
undisturbed segments cat --segments 40 --frames 8
undisturbed one_segment cat --segments 1 --frames 8
undisturbed blob cat --blob --contexts 2 --frames 8
undisturbed eleven cat --eleven --blob --frames 4
undisturbed clear_only cat --clear-only --frames 4
undisturbed big cat --size 300x200 --submit-bytes 300000 --frames 3
undisturbed nothing cat --frames 0
VGT_CAPTURE_RING_SIZE=65536 undisturbed ring cat --size 400x300 --submit-bytes 300000 --frames 6

# The stub calls itself through the PLT, in context_create. Else the above says nothing.
expect_equal "context_create calls context_create_with_flags" 2 \
	"$(calls contexts.log context_create)"
expect_equal "context_create calls context_create_with_flags" 4 \
	"$(calls contexts.log context_create_with_flags)"

# init that fails cleans up behind itself: the program's cleanup it is not.
plain_error=$(STUB_VIRGL_FAIL=init plain --frames 1 2>&1) && exit 1
status=0
STUB_VIRGL_LOG=initfail.log STUB_VIRGL_FAIL=init recorded initfail2.vgt --frames 1 \
	>initfail.out 2>initfail.err || status=$?
expect_equal "exit status where init fails" 1 $status
expect_equal "stderr where init fails" "vgt: virgl_renderer_init returned 22
$plain_error" "$(cat initfail.err)"
expect_equal "cleanup within init" 1 "$(calls initfail.log cleanup)"
expect_equal "RESET where init fails" 0 "$(count RESET initfail2.vgt)"
whole initfail2.vgt

# A process each, a trace each.
undisturbed fork sort --fork --contexts 4 --frames 4
pids=$(cut -d ' ' -f 1 fork.log | sort -u)
expect_equal "processes" 4 "$(echo "$pids" | wc -l)"
for pid in $pids; do
	grep "^$pid " fork.log >fork.one.log
	agree fork.one.log "fork-$pid.vgt"
done
expect_equal "traces of processes" 4 "$(find . -name 'fork-*.vgt' | wc -l)"
cli_run recorded same.vgt --fork --contexts 4 --frames 2
[ "$cli_status" -eq 0 ] || fail "exit status 0" recorded same.vgt --fork
expect_equal "traces of processes that share a name" 4 "$(find . -name 'same*.vgt' | wc -l)"
whole same*.vgt

# A renderer that starts anew starts a trace.
undisturbed again cat --multi-init --frames 3
expect_equal "traces of two inits" 2 "$(find . -name 'again-*.vgt' | wc -l)"
for trace in again-*.vgt; do
	expect_equal "frames of $trace" 3 "$(count FRAME "$trace")"
done
undisturbed again_fork sort --multi-init --fork --contexts 2 --frames 3
expect_equal "traces of two inits in two processes" 4 \
	"$(find . -name 'again_fork-*.vgt' | wc -l)"

# %% and %p.
expect_exit 0 recorded '100%%-%p.vgt' --frames 1
expect_equal "traces named with percent signs" 1 "$(find . -name '100%-[0-9]*.vgt' | wc -l)"

# Without VGT_CAPTURE_FILE, or with an empty one, nothing is recorded.
mkdir none
in_none() {
	(cd none && "$@")
}
expect_stdout "$(cat one.plain.out)" in_none env LD_PRELOAD="$preload" \
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" "$client" --frames 12
expect_stdout "$(cat one.plain.out)" in_none recorded "" --frames 12
expect_equal "files without VGT_CAPTURE_FILE" "" "$(ls none)"
rmdir none

# An existing file stays as it is.
echo precious >exists.vgt
expect_stderr "" recorded exists.vgt --frames 1
expect_equal "the file that existed" precious "$(cat exists.vgt)"
expect_equal "its neighbour" 1 "$(find . -name 'exists-[0-9]*.vgt' | wc -l)"
whole exists-*.vgt
echo precious >noext
expect_stderr "" recorded noext --frames 1
expect_equal "its neighbour without suffix" 1 "$(find . -name 'noext-[0-9]*' | wc -l)"

# What is said about a recording.
MESA_EXTENSION_OVERRIDE=-GL_x VREND_DEBUG=shader LP_NATIVE_VECTOR_WIDTH=128 SECRET=s \
	recorded facts.vgt --frames 1 >/dev/null
for line in "env.MESA_EXTENSION_OVERRIDE +-GL_x" "env.VREND_DEBUG +shader" "program +virgl_client" \
	"env.LP_NATIVE_VECTOR_WIDTH +128" "producer +vgt-preload .*" "init.flags +0x9" \
	"cmdline +$client --frames 1" "init.callbacks +3" "time +20..-..-..T.*Z" \
	"virglrenderer.library +libvirglrenderer.so.1.*" "end.reason +finished"; do
	expect_stdout_match "^$line$" "$VGT" info --all facts.vgt
done
expect_equal "other variables" "" "$("$VGT" info --all facts.vgt | grep -e SECRET -e HOME -e PATH || true)"
VGT_CAPTURE_NO_CMDLINE=1 recorded quiet.vgt --frames 1 >/dev/null
expect_equal "the command line" "" "$(fact cmdline quiet.vgt)"
expect_equal "the program" virgl_client "$(fact program quiet.vgt)"

# Limits.
expect_stdout "$(cat one.plain.out)" env VGT_CAPTURE_FRAMES=3 LD_PRELOAD="$preload" \
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" VGT_CAPTURE_FILE=frames.vgt "$client" --frames 12
expect_equal "stderr with a frame limit" "" "$(cat .stderr)"
expect_equal "frames with a frame limit" 3 "$(count FRAME frames.vgt)"
expect_equal "why it ended" "frame limit" "$(fact end.reason frames.vgt)"
whole frames.vgt
plain --frames 60 --size 256x256 >big.out
for limit in 1000000 1500000; do
	VGT_CAPTURE_MAX_SIZE=$limit recorded size$limit.vgt --frames 60 --size 256x256 \
		>size.out 2>size.err
	expect_equal "output with a size limit" "$(cat big.out)" "$(cat size.out)"
	expect_equal "stderr with a size limit" "vgt: recording stopped: the trace has reached \
its size limit of $limit bytes (the program goes on, the trace is valid up to here)" "$(cat size.err)"
	whole size$limit.vgt
	bytes=$(stat -c %s size$limit.vgt)
	expect_equal "$bytes bytes with a limit of $limit" fits \
		"$([ "$bytes" -le $limit ] && [ "$bytes" -ge $((limit / 2)) ] && echo fits)"
done

# Nowhere to write to: one message, nothing else.
expect_exit 0 recorded none/none/x.vgt --frames 12
expect_stderr "vgt: none/none/x.vgt: nothing is recorded: cannot create the trace: \
No such file or directory" recorded none/none/x.vgt --frames 12
expect_stdout "$(cat one.plain.out)" recorded none/none/x.vgt --frames 12
expect_exit 0 recorded one.out/x.vgt --frames 12
expect_stderr "vgt: one.out/x.vgt: nothing is recorded: cannot create the trace: \
Not a directory" recorded one.out/x.vgt --frames 12
if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 555 readonly
	expect_stderr "vgt: readonly/x.vgt: nothing is recorded: cannot create the trace: \
Permission denied" recorded readonly/x.vgt --frames 12
	expect_stdout "$(cat one.plain.out)" recorded readonly/x.vgt --frames 12
fi
export VGT_CAPTURE_RING_DIR=none/none
expect_exit 0 recorded ringdir.vgt --frames 12
expect_stderr "vgt: ringdir.vgt: nothing is recorded: cannot put the ring into none/none: \
No such file or directory" recorded ringdir.vgt --frames 12
expect_stdout "$(cat one.plain.out)" recorded ringdir.vgt --frames 12
expect_equal "no trace without a ring" absent "$([ -e ringdir.vgt ] && echo present || echo absent)"
