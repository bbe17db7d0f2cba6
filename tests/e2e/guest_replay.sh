#!/bin/bash
# The guest's driver core in a real guest: guest-replay, process 1 of a virtual machine, issues the commands of each
# sample trace through the escape ABI to QEMU's virtio-gpu-gl, which records them. What QEMU recorded must be the
# same as what was issued, and replayed it must show the goldens.
#
# tests/e2e/guest_replay.sh [NAME...]
#   NAME    a trace of traces/manifest.json; without any, all but those of the ICD: their markers name resources by the
#           device's numbers, in a text, which guest-replay does not translate into those of the device that it finds
# QEMU=..., QEMU_MODULE_DIR=..., DEVICE=virtio-gpu-gl-pci change what runs.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/guest/static_guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest/static_guest.sh"

# The driver asks for the capsets' sizes by itself.
same() {
	build/tests/same_trace --skip-queries "$@"
}

# make_initramfs DIRECTORY TRACE...: DIRECTORY/initramfs, with the program and the traces.
make_initramfs() {
	local directory=$1

	shift
	mkdir "$directory/root"
	strip -o "$directory/root/init" build/guest-replay
	cp "$@" "$directory/root"
	(cd "$directory/root" && find . | cpio --quiet -o -H newc -R 0:0) >"$directory/initramfs"
}

# boot NAME OUT [OPTION...]: issues the trace, QEMU records to OUT. The console is in OUT.console, what QEMU says in
# OUT.qemu. Returns QEMU's status. Two outputs of this size are what the guests of the sample traces had.
boot() {
	local name=$1 out=$2

	shift 2
	static_guest_run 120 "$kernel" "$TMP/initramfs" \
		"${DEVICE:-virtio-vga-gl},xres=640,yres=480,max_outputs=2,capture=$out" \
		"-- $* /$name.vgt" 2>"$out.qemu" | tr -d '\r' >"$out.console"
	return "${PIPESTATUS[0]}"
}

# went_well OUT: the guest says so; else false, and the end of what it and QEMU said.
went_well() {
	if grep -q '^guest-replay: exit 0$' "$1.console"; then
		return 0
	fi
	tail -n 15 "$1.console"
	tail -n 5 "$1.qemu"
	return 1
}

# make_suite DIRECTORY NAME...: a suite of what QEMU recorded, with the goldens and rules of traces/.
make_suite() {
	local directory=$1 name

	shift
	for name in "$@"; do
		ln -s "$PWD/traces/$name" "$directory/$name"
	done
	# "expect" names traces that need not be among these
	jq --arg names " $* " 'del(.expect) | del(.traces[] | .sha256, .bytes) |
		.traces |= map(select(.name as $name | $names | contains(" \($name) ")))' \
		traces/manifest.json >"$directory/manifest.json"
}

for program in "${QEMU:-qemu-system-x86_64}" cpio jq strip; do
	command -v "$program" >/dev/null || skip "$program is missing (make check-all installs it)"
done
kernel=$(tests/e2e/guest/build) || exit $?
kernel=$kernel/vmlinux
QEMU_MODULE_DIR=${QEMU_MODULE_DIR:-$(host-capture/qemu/build modules 2>"$TMP/modules")} ||
	skip "the modules cannot be built: $(tail -n 1 "$TMP/modules")"
export QEMU_MODULE_DIR

names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(jq -r '.traces[] | select(.tags | index("windows-guest") | not).name' \
	traces/manifest.json)
files=("${names[@]/#/traces/}")
make_initramfs "$TMP" "${files[@]/%/.vgt}"
mkdir "$TMP/suite" "$TMP/spoiled"
make_suite "$TMP/suite" "${names[@]}"
for name in "${names[@]}"; do
	leave=()
	# QEMU 7.2 aborts when a second output goes, as it does when the device is reset
	if "$VGT" dump "traces/$name.vgt" | grep -q 'SET_SCANOUT .*scanout_id=[1-9]'; then
		leave=(--leave)
	fi
	expect_exit 0 boot "$name" "$TMP/suite/$name.vgt" "${leave[@]}"
	expect_exit 0 went_well "$TMP/suite/$name.vgt"
	expect_exit 0 same "traces/$name.vgt" "$TMP/suite/$name.vgt"
	echo "$name: $(head -n 1 "$TMP/.stdout")"
done
# the pages of backings lie scattered
expect_stdout_match 'RESOURCE_ATTACH_BACKING .* nr_entries=[1-9][0-9]' "$VGT" dump "$TMP/suite/${names[0]}.vgt"
# where this host lacks what the recording's had, vgt test says so
expect_exit 0 "$VGT" test --out "$TMP/out" "$TMP/suite"
cat "$TMP/.stdout"

# a mark of the guest is in the host's trace
expect_exit 0 boot "${names[0]}" "$TMP/marked.vgt" --mark=landmark
expect_exit 0 went_well "$TMP/marked.vgt"
expect_stdout_match ' SEND_STRING_MARKER .*landmark' "$VGT" dump "$TMP/marked.vgt"

# positive control: both find one draw that was left out, and the comparison one byte
spoiled=${names[0]}
make_suite "$TMP/spoiled" "$spoiled"
expect_exit 0 boot "$spoiled" "$TMP/byte.vgt" --spoil=byte
expect_exit 1 same "traces/$spoiled.vgt" "$TMP/byte.vgt"
expect_stdout_match ': guest memory of resource' same "traces/$spoiled.vgt" "$TMP/byte.vgt"
expect_exit 0 boot "$spoiled" "$TMP/spoiled/$spoiled.vgt" --spoil=draw
expect_exit 1 same "traces/$spoiled.vgt" "$TMP/spoiled/$spoiled.vgt"
expect_stdout_match ': DRAW_VBO: there NOP ' same "traces/$spoiled.vgt" "$TMP/spoiled/$spoiled.vgt"
expect_exit 1 "$VGT" test --out "$TMP/out" "$TMP/spoiled"
