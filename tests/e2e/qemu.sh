#!/bin/bash
# A guest in QEMU, recorded by QEMU: Debian's binary with our modules (host-capture/qemu), and a Linux guest that
# draws with Mesa's virgl driver (tests/e2e/guest). No GPU, KVM or X server.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

HOOK=$(realpath build/tests/libscanout-hook.so)
PRELOAD=$(realpath build/libvgt-preload.so)

command -v socat >/dev/null || skip "socat is missing (make check-all installs it)"
GUEST=$(tests/e2e/guest/build) || exit $?
QEMU_MODULE_DIR=$(host-capture/qemu/build modules 2>"$TMP/modules") ||
	skip "the modules cannot be built: $(tail -n 1 "$TMP/modules")"
export QEMU_MODULE_DIR

# What the player is to be the same as.
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128

CUBE="kmscube -D /dev/dri/card0"
qemu= # the process
passed=0 # bytes of the console
cli_at_end=end_qemu

end_qemu() {
	[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
}

# The text console has no cursor: the kernel would draw it while the host reads, and then recorder and renderer may
# see different bytes.
#
# boot DEVICE COMMAND [QEMU-ARGUMENT...]: starts the guest and does not wait for it. The console is in
# $TMP/console, QEMU's output in $TMP/qemu, its monitor at $TMP/qmp, orders go to $TMP/orders.
boot() {
	local device=$1 command=$2

	shift 2
	passed=0
	rm -f "$TMP/console" "$TMP/orders" "$TMP/qmp"
	tests/e2e/guest/run --guest "$GUEST" --device "$device" --serial "$TMP/console" --orders "$TMP/orders" \
		--qmp "$TMP/qmp" --append vt.global_cursor_default=0 "$command" -- "$@" >"$TMP/qemu" 2>&1 &
	qemu=$!
}

# Whether that line is on the console, behind what `restart` has left there.
on_console() {
	tail -c "+$((passed + 1))" "$TMP/console" 2>/dev/null | grep -a -q "^GUEST $1"
}

# console TEXT: waits until that line is on the console.
console() {
	local i

	cli_checks=$((cli_checks + 1))
	for ((i = 0; i < 1800; i++)); do
		! on_console "$1" || return 0
		kill -0 "$qemu" 2>/dev/null || break
		sleep 0.1
	done
	# it may have been the last thing that QEMU did
	! on_console "$1" || return 0
	echo "e2e/qemu: no 'GUEST $1' on the console:" >&2
	grep -a '^GUEST' "$TMP/console" >&2
	tail -n 20 "$TMP/qemu" >&2
	exit 1
}

# Resets the machine; what is on the console does not count any more.
restart() {
	passed=$(wc -c <"$TMP/console")
	expect_stdout '{"return": {}}' qmp system_reset
}

# ended STATUS: waits for QEMU to end with it.
ended() {
	local status=0

	wait "$qemu" || status=$?
	qemu=
	cli_checks=$((cli_checks + 1))
	[ $status -eq "$1" ] && return
	echo "e2e/qemu: QEMU ended with $status and not with $1:" >&2
	tail -n 20 "$TMP/qemu" >&2
	exit 1
}

# qmp COMMAND [KEY VALUE]...: prints the answer.
qmp() {
	local command=$1 arguments='{}' answer

	shift
	while [ $# -gt 0 ]; do
		arguments=$(jq -c --arg key "$1" --arg value "$2" '. + {($key): $value}' <<<"$arguments")
		shift 2
	done
	coproc SOCAT { exec socat - "UNIX-CONNECT:$TMP/qmp" 2>/dev/null; }
	# shellcheck disable=SC2154
	exec 8<&"${SOCAT[0]}" 9>&"${SOCAT[1]}"
	read -r -t 20 answer <&8
	echo '{"execute":"qmp_capabilities"}' >&9
	read -r -t 20 answer <&8
	jq -n -c --arg command "$command" --argjson arguments "$arguments" \
		'{execute: $command, arguments: $arguments}' >&9
	while read -r -t 20 answer <&8; do
		[[ $answer = *'"event"'* ]] || break
	done
	exec 8<&- 9>&-
	# it may have ended already, and then is not known any more
	if [ -n "${SOCAT_PID:-}" ]; then
		kill "$SOCAT_PID" 2>/dev/null || true
		wait "$SOCAT_PID" 2>/dev/null || true
	fi
	echo "${answer%$'\r'}"
}

# qom set PROPERTY VALUE, qom get PROPERTY: of the device with id=gpu.
qom() {
	local action=$1 property=$2

	shift 2
	qmp "qom-$action" path /machine/peripheral/gpu property "$property" ${1+value "$1"}
}

# counted TRACE TYPE: how many records of a type.
counted() {
	"$VGT" info --json "$1" | jq ".counts.$2 // 0"
}

# whole TRACE [END]: ended as it should, and nothing in it breaks the protocol.
whole() {
	expect_equal "end of $1" "${2:-tail}" "$("$VGT" info --json "$1" | jq -r .end)"
	expect_exit $((${2:+5} + 0)) "$VGT" verify "$1"
}

# replays TRACE: every answer of the renderer is the recorded one; the frames are in $TMP/frames.
replays() {
	expect_exit 0 "$VGT" replay --verify "$1"
	cp "$TMP/.stdout" "$TMP/frames"
	cp "$TMP/.stderr" "$TMP/summary"
	expect_exit 0 grep -E '[1-9][0-9]* answers compared, 0 differ' "$TMP/summary"
}

# The hashes of the pictures, one a line.
hashes() {
	grep -o -E '\b[0-9a-f]{16}\b' "$1"
}

# 300 frames. What the guest's screen was at each flush, read by GL in the live QEMU, is what a replay shows; and an
# interposer in the same QEMU has recorded the same.
draw() {
	LD_PRELOAD=$HOOK:$PRELOAD VGT_SCANOUT_LOG=$TMP/live VGT_CAPTURE_FILE=$TMP/interposer.vgt \
		boot "virtio-vga-gl,capture=$TMP/draw.vgt" "$CUBE -c 300"
	console "done: 0"
	ended 0
	whole "$TMP/draw.vgt"
	# one submit a frame and one more, six sides of a cube, a flip each
	expect_stdout 301 counted "$TMP/draw.vgt" SUBMIT_3D
	expect_equal draws 1800 "$("$VGT" dump "$TMP/draw.vgt" op=DRAW_VBO | grep -c DRAW_VBO)"
	expect_exit 0 [ "$(counted "$TMP/draw.vgt" SET_SCANOUT)" -ge 300 ]
	expect_equal flushes "$(wc -l <"$TMP/live")" "$(counted "$TMP/draw.vgt" RESOURCE_FLUSH)"
	# each fenced command has its fence, and the last retires them all
	"$VGT" dump --json "$TMP/draw.vgt" >"$TMP/records"
	jq -c 'select(.fields.hdr.flags // [] | index("FENCE")).fields.hdr.fence_id' "$TMP/records" >"$TMP/fenced"
	jq -c 'select(.type == "FENCE" and .fields.event == "created").fields.fence_id' "$TMP/records" >"$TMP/created"
	jq -c 'select(.type == "FENCE" and .fields.event == "retired").fields.fence_id' "$TMP/records" >"$TMP/retired"
	expect_exit 0 [ "$(wc -l <"$TMP/fenced")" -ge 300 ]
	expect_exit 0 diff "$TMP/fenced" "$TMP/created"
	expect_equal "the last fence" "$(sort -n "$TMP/created" | tail -n 1)" "$(sort -n "$TMP/retired" | tail -n 1)"

	replays "$TMP/draw.vgt"
	hashes "$TMP/live" >"$TMP/live.hashes"
	hashes "$TMP/frames" >"$TMP/replayed.hashes"
	expect_exit 0 [ "$(sort -u "$TMP/live.hashes" | wc -l)" -gt 290 ]
	expect_exit 0 diff "$TMP/live.hashes" "$TMP/replayed.hashes"
	# the comparison finds what is broken on purpose
	"$VGT" replay -q --drop=draws "$TMP/draw.vgt" >"$TMP/frames"
	hashes "$TMP/frames" >"$TMP/replayed.hashes"
	expect_exit 0 [ "$(diff "$TMP/live.hashes" "$TMP/replayed.hashes" | grep -c '^<')" -gt 290 ]

	expect_exit 0 build/tests/same_stream "$TMP/draw.vgt" "$TMP/interposer.vgt"
	cat "$TMP/.stdout"
	expect_exit 1 build/tests/same_stream "$TMP/draw.vgt" traces/gears.vgt
}

# What the user says while the guest runs.
control() {
	boot virtio-vga-gl,id=gpu "$CUBE -c 40; await go; $CUBE -c 20; await more"
	console "waits: go"
	expect_stdout '{"return": ""}' qom get capture
	expect_stdout_match 'nothing is recorded' qom set capture-mark "too early"
	expect_stdout_match 'the guest has contexts or resources' qom set capture "$TMP/control.vgt"
	expect_exit 1 [ -e "$TMP/control.vgt" ]

	restart
	expect_stdout '{"return": {}}' qom set capture "$TMP/control.vgt"
	console "ready: boot 2"
	console "waits: go"
	expect_stdout '{"return": "'"$TMP/control.vgt"'"}' qom get capture
	expect_stdout '{"return": {}}' qom set capture-mark "bug starts here"
	expect_stdout_match '"frames=[4-9][0-9] commands=[0-9]+ stream-bytes=[0-9]+ file-bytes=[0-9]+ ' \
		qom get capture-stats
	# refused, and the recording goes on
	expect_stdout_match 'the guest has contexts or resources' qom set capture "$TMP/other.vgt"
	echo go >"$TMP/orders"
	console "waits: more"
	expect_stdout '{"return": {}}' qom set capture ""
	expect_stdout '{"return": ""}' qom get capture-stats
	whole "$TMP/control.vgt"
	expect_stdout_match 'MARK text="bug starts here"' "$VGT" dump "$TMP/control.vgt" op=MARK
	replays "$TMP/control.vgt"
	expect_exit 0 [ "$(wc -l <"$TMP/frames")" -ge 60 ]

	restart
	expect_stdout_match 'File exists' qom set capture "$TMP/control.vgt"
	expect_stdout '{"return": {}}' qom set capture "$TMP/second.vgt"
	console "waits: go"
	expect_stdout '{"return": {}}' qmp quit
	ended 0
	whole "$TMP/second.vgt"
	replays "$TMP/second.vgt"
	expect_exit 0 [ "$(wc -l <"$TMP/frames")" -ge 40 ]
}

# The guest resets its machine in mid-recording; then QEMU is killed.
reset() {
	boot "virtio-vga-gl,capture=$TMP/reset.vgt" \
		"if [ \$boot = 1 ]; then $CUBE </run/nothing & sleep 2; reboot; fi; $CUBE -c 50; $CUBE </run/nothing &
		sleep 1; await death"
	console "reboots"
	console "waits: death"
	kill -KILL "$qemu"
	ended 137
	whole "$TMP/reset.vgt" ring
	expect_exit 0 "$VGT" recover "$TMP/reset.vgt"
	whole "$TMP/reset.vgt"
	expect_stdout 1 counted "$TMP/reset.vgt" RESET
	replays "$TMP/reset.vgt"
	expect_exit 0 [ "$(wc -l <"$TMP/frames")" -ge 50 ]
}

# Two scanouts, other modes, a cursor; a confined QEMU that was handed an open file, ended by SIGTERM.
scanouts() {
	boot "virtio-vga-gl,max_outputs=2,capture=fd:3" \
		"echo on >/sys/class/drm/card0-Virtual-2/status
		sleep 3 | modetest -M virtio_gpu -s 34:1024x768 -C
		modetest -M virtio_gpu -s 34:800x600 -s 39:640x480 -v </run/nothing & sleep 4; await end" \
		-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny 3>"$TMP/scanouts.vgt"
	console "waits: end"
	kill -TERM "$qemu"
	ended 0
	whole "$TMP/scanouts.vgt"
	replays "$TMP/scanouts.vgt"
	expect_exit 0 grep -q 1024x768 "$TMP/frames"
	expect_exit 0 grep -q 800x600 "$TMP/frames"
	expect_exit 0 grep -q 640x480 "$TMP/frames"
	expect_stdout_match 'scanout_id=1 ' "$VGT" dump "$TMP/scanouts.vgt" op=FRAME
	expect_exit 0 [ "$(counted "$TMP/scanouts.vgt" UPDATE_CURSOR)" -ge 1 ]
	expect_exit 0 [ "$(counted "$TMP/scanouts.vgt" MOVE_CURSOR)" -ge 1 ]
}

# The disk is full before the guest has done: it does not notice.
disk_full() {
	mkdir "$TMP/small"
	if ! mount -t tmpfs -o size=64k none "$TMP/small" 2>/dev/null; then
		echo "e2e/qemu: SKIPPED (not permitted): a small file system"
		return
	fi
	cli_at_end="end_qemu; umount $TMP/small"
	boot "virtio-vga-gl,capture=$TMP/small/full.vgt" "$CUBE -c 300; glmark2-es2-drm --off-screen -b build:nframes=5"
	console "done: 0"
	ended 0
	expect_exit 0 grep -q "recording stopped: .*No space left on device" "$TMP/qemu"
	cp "$TMP/small/full.vgt" "$TMP/full.vgt"
	umount "$TMP/small"
	cli_at_end=end_qemu
	# what the disk did not take is in the ring
	expect_exit 0 "$VGT" recover "$TMP/full.vgt"
	whole "$TMP/full.vgt"
	replays "$TMP/full.vgt"
}

# refused REGEX DEVICE [QEMU-ARGUMENT...]
refused() {
	local text=$1 device=$2

	shift 2
	expect_stderr_match "$text" tests/e2e/guest/run --guest "$GUEST" --device "$device" true -- "$@"
	[ "$cli_status" -eq 1 ] || fail "exit status 1" "$device"
}

# What cannot be is said at once, by a QEMU that then does not start.
refusals() {
	refused 'at most one virtio-gpu-gl-device device is permitted' virtio-vga-gl -device virtio-gpu-gl-pci
	echo mine >"$TMP/exists.vgt"
	refused 'capture: .*/exists.vgt: cannot create the trace: File exists' \
		"virtio-vga-gl,capture=$TMP/exists.vgt"
	expect_stdout mine cat "$TMP/exists.vgt"
	refused 'capture: .*/where.vgt: cannot create the trace: No such file' \
		"virtio-vga-gl,capture=$TMP/no/where.vgt"
	refused 'capture: fd:77: descriptor 77: Bad file descriptor' virtio-vga-gl,capture=fd:77
}

[ $# -gt 0 ] || set -- refusals draw control reset scanouts disk_full
for part; do
	$part
	echo "e2e/qemu: $part"
done
