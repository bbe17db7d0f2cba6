# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by tests whose guest is one static program, process 1 of an initramfs.

# static_guest_run SECONDS KERNEL INITRAMFS DEVICE WORDS [COMMAND...]: boots it with this GPU, without a display and
# without a GPU of the host, WORDS on the kernel's command line, QEMU under COMMAND if given (env, vgt record). The
# guest's console is standard output. Returns QEMU's status, 124 where it took longer.
static_guest_run() {
	local seconds=$1 kernel=$2 initramfs=$3 device=$4 words=$5

	shift 5
	env -u DISPLAY -u WAYLAND_DISPLAY SDL_VIDEODRIVER=offscreen SDL_AUDIODRIVER=dummy \
		LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128 \
		timeout -k 5 "$seconds" "$@" "${QEMU:-qemu-system-x86_64}" \
		-M pc -accel tcg,thread=multi -cpu max -m 512 -nodefaults -no-user-config -vga none \
		-device "$device" -display sdl,gl=on -serial stdio -no-reboot \
		-kernel "$kernel" -initrd "$initramfs" -append "console=ttyS0 quiet panic=-1 $words" </dev/null
}
