#!/bin/bash
# A guest that sends what no sane driver would: tests/e2e/hostile_guest.c, process 1 of a virtual machine,
# drives QEMU's virtio-gpu-gl from userspace. What the host answered is compared with the trace.
#
# tests/e2e/hostile.sh [CASES]
#   CASES    names of hostile_guest.c's table, separated by commas; all without those that the stock host
#            cannot stand
# QEMU=..., QEMU_MODULE_DIR=..., DEVICE=virtio-gpu-gl-pci, KEEP=1 (no device reset between cases), SEED=... (of
# the random submits), REPEAT=... (rounds) and SECONDS_MAX=... change what runs.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/guest/static_guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest/static_guest.sh"

# hostile_build DIRECTORY: the guest's program and its initramfs, DIRECTORY/initramfs.
hostile_build() {
	mkdir -p "$1/root"
	gcc -std=c11 -Os -s -static -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror \
		-Iformat -o "$1/root/init" tests/e2e/hostile_guest.c
	(cd "$1/root" && echo init | cpio --quiet -o -H newc -R 0:0) >"$1/initramfs"
}

# hostile_run KERNEL INITRAMFS CASES CONSOLE [COMMAND...]: boots the guest, under COMMAND if given (env, vgt
# record); the serial console is written to CONSOLE, what QEMU says to CONSOLE.qemu. Returns QEMU's status.
hostile_run() {
	local kernel=$1 initramfs=$2 cases=$3 console=$4

	shift 4
	static_guest_run "${SECONDS_MAX:-300}" "$kernel" "$initramfs" "${DEVICE:-virtio-vga-gl}" \
		"cases=$cases${KEEP:+ keep=1}${SEED:+ seed=$SEED}${REPEAT:+ repeat=$REPEAT}" "$@" \
		2>"$console.qemu" | tr -d '\r' | sed -u 's/^.*hostile: /hostile: /' >"$console"
	return "${PIPESTATUS[0]}"
}

# hostile_requests CONSOLE: each request that reached a queue and was not one of a loop, in the order of
# sending: CASE.NUMBER QUEUE TYPE BYTES ANSWER.
hostile_requests() {
	sed -n 's/^hostile: \([a-z0-9_]*\.[0-9]* c[a-z]* [^ ]* [0-9]* [^ :]*\): .*/\1/p' "$1"
}

# hostile_last_case CONSOLE: the case that did not end; nothing where all did.
hostile_last_case() {
	awk '$2 == "begin" { name = $3 } $2 == "end" { name = "" } END { print name }' "$1"
}

# hostile_is_good CONSOLE: all cases ended, and the device drew, showed and gave back the right pixels before
# and after them. Else false, and the end of what the guest and QEMU said.
hostile_is_good() {
	local last

	last=$(hostile_last_case "$1")
	if [ -z "$last" ] && ! grep -q '^hostile: trouble' "$1" &&
		[ "$(grep -c '^hostile: sane 0x[0-9a-f]* good$' "$1")" -ge 2 ] &&
		! grep -q '^hostile: sane 0x[0-9a-f]* bad$' "$1" &&
		grep -q '^hostile: done [0-9]* cases, device good$' "$1"; then
		return 0
	fi
	echo "QEMU or the device ended in case ${last:-(none)}"
	tail -n 15 "$1"
	tail -n 15 "$1.qemu"
	return 1
}

# hostile_commands TRACE: what a recording by the device holds of each command, in order: TYPE, and for one that is
# none its BYTES too.
hostile_commands() {
	"$VGT" dump --json --full "$1" | jq -r 'if .at and .virgl_command == null then
			"\(.fields.hdr.type // .dwords[0])"
		elif .type == "BAD_COMMAND" then
			"\(.fields.bytes.hex[0:8]) \(.fields.size)"
		else empty end' |
		awk 'NF == 1 { printf "0x%04x\n", $1 }
			NF == 2 && length($1) < 8 { print "-", $2 }
			NF == 2 && length($1) == 8 {
				print "0x" substr($1, 7, 2) substr($1, 5, 2) substr($1, 3, 2) substr($1, 1, 2), $2
			}' | sed 's/^0x0000\(....\)/0x\1/'
}

# hostile_compare_trace CONSOLE TRACE: prints each request that the trace of a patched QEMU lacks. It holds all that
# reached the device, in the order of sending, with those that were sent in loops in between. Of the cursor queue,
# which QEMU serves by itself, only what came counts.
hostile_compare_trace() {
	hostile_commands "$2" >"$TMP/commands"
	for queue in control cursor; do
		# no answer was possible: the queue broke, or a reset came before
		hostile_requests "$1" | awk -v queue=$queue '{
				split($1, id, ".")
				if (!(id[1] in cases)) cases[id[1]] = ++count
			}
			$2 == queue && $5 != "lost" && $5 != "any" { print cases[id[1]], id[2], $0 }' |
			sort -k 1,1n -k 2,2n | cut -d " " -f 3- | awk -v trace="$TMP/commands" '
			BEGIN { while ((getline line < trace) > 0) has[++count] = line }
			{
				for (at++; at <= count; at++) {
					split(has[at], one, " ")
					if (one[1] == $3 && (one[2] == "" || one[2] == $4)) break
				}
				if (at > count) { print; exit }
			}'
	done
}

hostile_main() {
	local cases=${1:-all} program kernel

	for program in "${QEMU:-qemu-system-x86_64}" gcc cpio jq; do
		command -v "$program" >/dev/null || skip "$program is missing (make check-all installs it)"
	done
	kernel=$(tests/e2e/guest/build) || exit $?
	kernel=$kernel/vmlinux
	hostile_build "$TMP"

	# under the interposer, which QEMU as it is in Debian stands as it stands it alone
	expect_exit 0 hostile_run "$kernel" "$TMP/initramfs" "$cases" "$TMP/preload" \
		env VGT_CAPTURE_FILE="$TMP/preload.vgt" LD_PRELOAD="$PWD/build/libvgt-preload.so"
	expect_exit 0 hostile_is_good "$TMP/preload"
	expect_exit 0 "$VGT" info "$TMP/preload.vgt"

	# recorded by QEMU: the same answers, and all of it is on the trace
	QEMU_MODULE_DIR=$(host-capture/qemu/build modules 2>"$TMP/modules") ||
		skip "the modules cannot be built: $(tail -n 1 "$TMP/modules")"
	export QEMU_MODULE_DIR
	DEVICE=virtio-vga-gl,capture=$TMP/hostile.vgt \
		expect_exit 0 hostile_run "$kernel" "$TMP/initramfs" "$cases" "$TMP/device"
	expect_exit 0 hostile_is_good "$TMP/device"
	expect_equal "answers of the device" "$(hostile_requests "$TMP/preload")" \
		"$(hostile_requests "$TMP/device")"
	expect_equal "end of the trace" tail "$("$VGT" info --json "$TMP/hostile.vgt" | jq -r .end)"
	expect_stdout "" hostile_compare_trace "$TMP/device" "$TMP/hostile.vgt"
	# the comparison finds what is missing
	sed '0,/^hostile: sane.5 control 0x0207/s//hostile: sane.5 control 0x0206/' "$TMP/device" >"$TMP/other"
	[ "$cases" != all ] || expect_stdout_match '^[a-z_]+\.[0-9]+ control ' hostile_compare_trace "$TMP/other" "$TMP/hostile.vgt"
	# a replay comes to its end
	"$VGT" replay -q "$TMP/hostile.vgt" >"$TMP/frames" || expect_exit 1 "$VGT" replay -q "$TMP/hostile.vgt"
	expect_exit 0 [ "$(wc -l <"$TMP/frames")" -ge 2 ]
}

# sourced, it only defines the functions
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	hostile_main "$@"
fi
