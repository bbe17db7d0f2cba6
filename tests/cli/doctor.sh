#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # fakes expand what they are given; lib.sh sets -e
# vgt doctor: says that all is well where it is, and each thing that can be missing is found missing.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
libraries=$build
if ldd "$VGT" | grep -q 'lib[at]san'; then
	libraries=$PWD/build # a sanitized one cannot be preloaded
fi
stub=$build/tests/stub
for needed in "$build/vgt-player" "$libraries/libvgt-preload.so" "$libraries/libvgt-vtest.so" \
	"$stub/libvirglrenderer.so.1"; do
	[ -e "$needed" ] || { echo "cli/doctor: no $needed, build it" >&2; exit 1; }
done
command -v jq >/dev/null || skip "jq is missing"
command -v virgl_test_server >/dev/null || skip "virgl_test_server is missing"
command -v Xvfb >/dev/null || skip "Xvfb is missing"
ROOT=$PWD
timeout=$(command -v timeout)
# A crash is to be one, and Mesa leaks.
export ASAN_OPTIONS="$ASAN_OPTIONS:handle_segv=0:handle_abort=0:detect_leaks=0:verify_asan_link_order=0"
unset DISPLAY WAYLAND_DISPLAY SDL_VIDEODRIVER QEMU_MODULE_DIR VGT_CAPTURE_FILE NO_COLOR
cd "$TMP"

# place DIRECTORY: a vgt with all that belongs to it, to be taken away.
place() {
	mkdir -p "$1"
	cp "$VGT" "$1/vgt"
	ln -s "$build/vgt-player" "$build/vgt-window.so" "$libraries/libvgt-preload.so" \
		"$libraries/libvgt-vtest.so" "$1/"
}
place whole
vgt=$TMP/whole/vgt

# doctor [VARIABLE=VALUE...] ARGUMENT...: bounded by more than its own bounds, for loaded machines.
doctor() {
	local variables=()

	while [[ ${1:-} == *=* ]]; do
		variables+=("$1")
		shift
	done
	env "${variables[@]}" "$timeout" 100 "$vgt" doctor "$@"
}

# says TASK NAME STATUS REGEX [HELP]: in doctor.json there is such a finding; HELP is the
# package or begins the remedy that it names, "" where it must name none.
says() {
	cli_checks=$((cli_checks + 1))
	jq -e --arg task "$1" --arg name "$2" --arg status "$3" --arg text "$4" --arg help "${5-any}" '
		.tasks[] | select(.task == $task) | .findings[] |
		select(.name == $name and .status == $status and (.text | test($text))) |
		if $help == "any" then true
		elif $help == "" then .package == null and .remedy == null
		else .package == $help or ((.remedy // "") | startswith($help)) end' \
		doctor.json | grep -q true || {
		echo "${BASH_SOURCE[1]}:${BASH_LINENO[0]}: no finding: $*" >&2
		jq . doctor.json >&2
		exit 1
	}
}

# expect_json STATUS ARGUMENT...: of doctor, its output in doctor.json
expect_json() {
	local expected=$1

	shift
	expect_exit "$expected" doctor "$@" --json
	expect_equal "lines of JSON" 1 "$(wc -l <.stdout)"
	cp .stdout doctor.json
	expect_exit 0 jq -e '.vgt and (.tasks | length > 0) and
		([.tasks[] | .verdict] | all(. == "works" or . == "limited" or . == "fails"))' doctor.json
}

verdict() { # TASK
	jq -r --arg task "$1" '.tasks[] | select(.task == $task) | .verdict' doctor.json
}

# script FILE LINE...: a program
script() {
	local file=$1

	shift
	mkdir -p "$(dirname "$file")"
	{ echo '#!/bin/bash'; printf '%s\n' "$@"; } >"$file"
	chmod +x "$file"
}

# The command line.
expect_exit 2 doctor --frobnicate
expect_exit 2 doctor --json -q
for wrong in 0 -1 x 1.5 3601 ""; do
	expect_exit 2 doctor --timeout "$wrong"
done
expect_stderr "vgt: no task 'reply': there are replay, record-gl and record-vm
try 'vgt help doctor'" doctor reply
expect_exit 2 doctor reply
expect_stdout_match '^usage: vgt doctor' doctor --help

# Where all is there, all is well, and nothing is left to say.
expect_stdout "" doctor -q replay
expect_exit 0 doctor replay record-gl
cp .stdout whole.txt
while read -r line; do
	expect_equal "a line like $line" 1 "$(grep -Ec "$line" whole.txt)"
done <<-'EOF'
	^replay traces: works
	^  ok +virglrenderer +/.*/libvirglrenderer\.so\.1.*, offers VIRGL version [0-9]+, VIRGL2 version [0-9]+$
	^  ok +OpenGL +[^ ].*; [0-9.]+ .*;
	^  ok +Mesa's driver +virgl
	^  ok +display +DISPLAY is not set; vgt record starts /.*Xvfb$
EOF
expect_json 0 replay record-gl
expect_equal "tasks" "replay record-gl" "$(jq -r '[.tasks[].task] | join(" ")' doctor.json)"
expect_equal "missing" 0 "$(jq '[.tasks[].findings[] | select(.status == "missing")] | length' doctor.json)"
expect_equal "machine" null "$(jq .machine doctor.json)"
cli_run doctor MESA_DEBUG=$'hostile \e[31m\nname' --json
cp .stdout doctor.json
expect_equal "version" "$("$VGT" --version)" "vgt $(jq -r .vgt doctor.json)"
expect_equal "all tasks" "replay record-gl record-vm" "$(jq -r '[.tasks[].task] | join(" ")' doctor.json)"
expect_equal "variable" 1 "$(jq '[.machine[] | select(.text == "MESA_DEBUG=hostile \u001b[31m\nname")] | length' doctor.json)"
expect_stdout_match '^  note +environment +MESA_DEBUG=hostile \?\[31m\?name$' \
	doctor MESA_DEBUG=$'hostile \e[31m\nname'
expect_equal "controls" "" "$(grep $'\e' .stdout || true)"

# The same behind a path that LD_PRELOAD cannot hold.
place "a place: with \$HOME"
vgt="$TMP/a place: with \$HOME/vgt" expect_exit 0 doctor record-gl

# Quiet ends: a reader that has seen enough, a full disk, no environment.
expect_stdout 'replay traces: works, in software, without a GPU' \
	bash -c '"$0" doctor replay | sed "s/: works$/: works, in software, without a GPU/" | head -n 1' "$vgt"
expect_exit 2 bash -c '"$0" doctor replay >/dev/full' "$vgt"
expect_exit 0 env -i "ASAN_OPTIONS=$ASAN_OPTIONS" timeout 60 "$vgt" doctor replay

# Programs that are not there. What to type depends on whether apt is.
mkdir nothing apt
script apt/apt
expect_json 1 PATH="$TMP/nothing"
says record-gl virgl_test_server missing '^not found in PATH$' virgl-server
says record-gl display missing '^DISPLAY is not set, and Xvfb is not found in PATH$' xvfb
says record-vm QEMU missing '^qemu-system-x86_64 not found in PATH$' qemu-system-x86
expect_equal "verdicts" "works fails fails" "$(verdict replay) $(verdict record-gl) $(verdict record-vm)"
expect_stdout "record an OpenGL program: does not work
  virgl_test_server: not found in PATH
  display: DISPLAY is not set, and Xvfb is not found in PATH
  -> Debian's packages: virgl-server xvfb" doctor PATH="$TMP/nothing" -q record-gl
expect_stdout_match '^  -> apt install virgl-server xvfb$' doctor PATH="$TMP/apt" -q record-gl
# one that replaying does without, most of the time
says replay curl note '^not found in PATH: vgt test --fetch does not work$' curl
expect_stdout_match '^ {30}-> apt install curl$' doctor PATH="$TMP/apt" replay
expect_stdout '' doctor PATH="$TMP/apt" -q replay

# Every package that may be named is one of those that a build or a test installs, or comes with one of them. What
# the package of vgt asks for is seen in tests/e2e/deb.sh.
packages=$(sed -n 's/^#define DEBIAN_[A-Z0-9_]* *"\(.*\)"$/\1/p' "$ROOT/replay/debian_packages.h")
expect_equal "all packages are looked at" "$(grep -c '^#define DEBIAN_' "$ROOT/replay/debian_packages.h")" \
	"$(wc -l <<<"$packages")"
# named PACKAGE FILE: as a word of its own
named() {
	tr -s ' ,"' '\n' <"$2" | grep -Fqx -e "$1"
}
expect_exit 1 named libegl "$ROOT/.ci/deps"
for package in $packages; do
	development=${package%-[0-9]*}
	development=${development%[0-9]}-dev
	[[ $package != libsdl2* ]] || development=libsdl2-dev
	named "$package" "$ROOT/.ci/deps" || expect_exit 0 named "$development" "$ROOT/.ci/deps"
done

# A renderer that fails, crashes, hangs as it starts.
expect_json 0 LD_LIBRARY_PATH="$stub" replay
says replay virglrenderer ok "^$stub/libvirglrenderer.so.1, offers VIRGL version 1, VIRGL2 version 2$"
expect_json 1 LD_LIBRARY_PATH="$stub" STUB_VIRGL_FAIL=init replay
says replay renderer missing '^virglrenderer does not start \(virgl_renderer_init returned [-0-9]+\)' ""
expect_equal "verdict" fails "$(verdict replay)"
expect_json 1 LD_LIBRARY_PATH="$stub" STUB_VIRGL_CRASH=init replay
says replay renderer missing '^the renderer crashes when it starts \(Segmentation fault in virgl_renderer_init\)' ""
says replay OpenGL ok .
expect_json 1 LD_LIBRARY_PATH="$stub" STUB_VIRGL_HANG=init LIBGL_ALWAYS_SOFTWARE=1 --timeout 2 replay
says replay renderer missing '^the renderer hangs when it starts \(took longer than 2 s in virgl_renderer_init\)' ""
expect_stdout_match '^replay traces: does not work$' \
	doctor LD_LIBRARY_PATH="$stub" STUB_VIRGL_CRASH=init -q replay

# Parts of EGL and libraries that are not there. Where they lack, virglrenderer fails or crashes.
mkdir broken-egl broken-renderer broken-epoxy broken-sdl
touch broken-sdl/libSDL2-2.0.so.0 broken-egl/libEGL.so.1 broken-renderer/libvirglrenderer.so.1 broken-epoxy/libepoxy.so.0
expect_json 1 LD_LIBRARY_PATH="$TMP/broken-egl" replay
says replay EGL missing '^cannot be loaded \(.*libEGL.so.1: file too short\)$' libegl1
expect_json 1 __EGL_VENDOR_LIBRARY_FILENAMES="$TMP/none" replay
says replay EGL missing "Mesa's EGL is not found" libegl-mesa0
expect_json 1 LIBGL_DRIVERS_PATH="$TMP/none" replay
says replay EGL missing '^finds no driver that starts' libgl1-mesa-dri
expect_json 1 LD_LIBRARY_PATH="$TMP/broken-renderer" replay
says replay renderer missing '^vgt-player exited with status 127: .*libvirglrenderer.so.1: file too short$' libvirglrenderer1
expect_json 1 LD_LIBRARY_PATH="$TMP/broken-epoxy" replay
says replay renderer missing 'libepoxy.so.0: file too short$' libepoxy0
if [ -e "$build/vgt-window.so" ]; then
	expect_json 0 replay
	says replay --window ok "^$TMP/whole/vgt-window.so$" ""
	expect_json 0 LD_LIBRARY_PATH="$TMP/broken-sdl" replay
	says replay --window note '^does not work: .*libSDL2-2.0.so.0: file too short$' libsdl2-2.0-0
fi

# Each library that vgt-player is linked with, but those of the C compiler. vgt has some of them, too.
place unlinked
vgt=$TMP/unlinked/vgt
rm unlinked/vgt-player
script unlinked/vgt-player "LD_LIBRARY_PATH='$TMP/absent' exec '$build/vgt-player' \"\$@\""
mkdir absent
needed=$(readelf -d "$build/vgt-player" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' |
	grep -Ev '^(lib(c|m|dl|gcc_s|pthread|(a|t|ub)san)\.so|ld-)')
expect_equal "one of them" libvirglrenderer.so.1 "$(grep -x -F libvirglrenderer.so.1 <<<"$needed")"
for library in $needed; do
	touch "absent/$library"
	expect_json 1 replay
	says replay renderer missing "$library: file too short\$"
	package=$(jq -r '.tasks[0].findings[] | select(.name == "renderer") | .package' doctor.json)
	if command -v dpkg >/dev/null; then
		expect_stdout_match "/$library(\\.|\$)" dpkg -L "$package"
	else
		expect_exit 0 test "$package" != null
	fi
	rm "absent/$library"
done
vgt=$TMP/whole/vgt

# Files of vgt that are missing, or are another's.
libdir=$(strings -a "$VGT" 2>/dev/null | grep -m 1 '^/.*/vgt$' || true)
if ! ls /usr/*/lib*/vgt /usr/lib*/vgt ${libdir:+"$libdir"} >.stdout 2>&1; then
	place bare
	vgt=$TMP/bare/vgt
	rm bare/vgt-player bare/*.so
	expect_json 1 replay record-gl
	says replay vgt-player missing '^not found beside vgt' make
	says record-gl libvgt-preload.so missing '^not found beside vgt' make
	says record-gl libvgt-vtest.so missing '^not found beside vgt' make
	says record-gl "Mesa's driver" note '^not tried' ""
	says replay --window note '^does not work: no vgt-window.so beside vgt' ""
fi
place odd
vgt=$TMP/odd/vgt
rm odd/vgt-player
player() { # LINE...: the player is this
	script odd/vgt-player "$@"
}
real="exec '$build/vgt-player' \"\$@\""
player 'echo "vgt-player: started by vgt replay, not by hand" >&2; exit 2'
expect_json 1 replay
says replay renderer missing '^vgt-player exited with status 2: vgt-player: started by vgt replay' ""
player 'echo "vgt-probe: version 0.0.1"; echo "vgt-probe: done "'
expect_json 1 replay
says replay vgt-player missing '^is of version 0.0.1, vgt of version' "build or install both"
chmod -x odd/vgt-player
expect_json 1 replay
says replay renderer missing '^vgt-player cannot be started: Permission denied$' ""
player '[ "${LIBGL_ALWAYS_SOFTWARE:-}" = 1 ] || kill -SEGV $$' "$real"
expect_json 1 LIBGL_ALWAYS_SOFTWARE=0 replay
says replay renderer missing '; with LIBGL_ALWAYS_SOFTWARE=1 it starts$' "export LIBGL_ALWAYS_SOFTWARE=1"
says replay OpenGL ok llvmpipe
expect_exit 0 doctor LIBGL_ALWAYS_SOFTWARE=1 replay
player "echo 'vgt-probe: version 0.1.0'; echo \"vgt-probe: step one\"; echo \$\$ >'$TMP/pid'; yes \$'\\0\\x9b'"
expect_json 1 LIBGL_ALWAYS_SOFTWARE=1 --timeout 1 replay
says replay renderer missing '^the renderer hangs when it starts \(took longer than 1 s in one\)'
expect_equal "what is left of it" "" "$(ps -o pid= -p "$(cat pid)" || true)"

# Mesa's driver: a Mesa without it, and servers that do not serve. What was made is removed.
player 'echo "vgt-probe: gl.renderer llvmpipe"; echo "${VGT_VTEST_SOCKET%/*}" >'"'$TMP/directory'"
expect_json 1 record-gl
says record-gl "Mesa's driver" missing '^Mesa has no virpipe: programs would draw with llvmpipe$' libgl1-mesa-dri
expect_equal "its directory" "gone" "$(test -d "$(cat directory)" || echo gone)"
player "$real"
expect_json 1 LIBGL_DRIVERS_PATH="$TMP/none" record-gl
says record-gl "Mesa's driver" missing '^a program that draws through virgl_test_server exited with status 1' ""
says record-gl EGL missing '^finds no driver that starts' libgl1-mesa-dri
script server/virgl_test_server 'echo out of order; exit 3'
expect_json 1 PATH="$TMP/server:$PATH" record-gl
says record-gl virgl_test_server missing '^cannot start: out of order$'
script server/virgl_test_server "echo \$\$ >'$TMP/pid'; exec sleep 1000"
expect_json 1 PATH="$TMP/server:$PATH" --timeout 1 record-gl
says record-gl virgl_test_server missing '^takes no connections for 1 s'
expect_equal "what is left of it" "" "$(ps -o pid= -p "$(cat pid)" || true)"

# The display.
vgt=$TMP/whole/vgt
expect_json 1 DISPLAY=:65432 record-gl
says record-gl display missing '^DISPLAY=:65432, but no X server takes connections there$' "unset DISPLAY"
expect_json 0 DISPLAY=elsewhere:0 record-gl
says record-gl display note '^DISPLAY=elsewhere:0, not on this machine: not tried$'
mkfifo number
exec 3<>number
Xvfb -displayfd 3 -screen 0 16x16x24 -nolisten tcp 2>xvfb.log &
xvfb=$!
cli_at_end='kill $xvfb'
read -r -t 60 number <&3
exec 3<&-
expect_json 0 DISPLAY=":$number" record-gl
says record-gl display ok "^DISPLAY=:$number, an X server is there\$" ""
kill $xvfb
wait $xvfb || true
cli_at_end=:

# QEMU, of which this one answers as told; it has a stamp, and there are modules for it.
stamp=0123456789abcdef0123456789abcdef01234567
mkdir qemu
cat >qemu.c <<C
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
const char stamp[] = "qemu_stamp_$stamp";
int main(int argc, char **argv)
{
	const char *fault = getenv("FAKE_QEMU") ? getenv("FAKE_QEMU") : "";
	if (strcmp(fault, argv[1]) == 0) {
		printf("%s is out of order\n", argv[1]);
		return 1;
	}
	if (strcmp(fault, "crash") == 0) {
		raise(SIGSEGV);
	}
	while (strcmp(fault, "hang") == 0) {
		pause();
	}
	printf("%s%s\n", stamp[0] == 'q' ? "QEMU emulator version 7.2, fake" : "", argc > 3 ? "?" : "");
	if (strcmp(argv[1], "-device") == 0 && getenv("QEMU_MODULE_DIR") && !*fault) {
		puts("  capture=<str>");
	}
	puts(strcmp(fault, "plain") == 0 ? "none" : "sdl");
	return 0;
}
C
cc -o qemu/qemu-system-x86_64 qemu.c
export PATH=$TMP/qemu:$PATH
expect_json 0 record-vm
expect_equal "verdict" limited "$(verdict record-vm)"
says record-vm QEMU ok "^$TMP/qemu/qemu-system-x86_64, QEMU emulator version 7.2, fake$" ""
says record-vm "3D device" ok . ""
says record-vm "display with GL" ok '^-display sdl,gl=on$' ""
if ! ls /dev/dri/renderD* >.stdout 2>&1; then
	says record-vm window limited '^no DISPLAY: ' "export SDL_VIDEODRIVER=offscreen"
	expect_json 0 SDL_VIDEODRIVER=offscreen record-vm
	says record-vm window ok '^SDL_VIDEODRIVER=offscreen$' ""
fi
says record-vm "device's recorder" limited '^no modules that record for this QEMU' host-capture/qemu/build
mkdir -p "whole/qemu/$stamp"
touch "whole/qemu/$stamp/hw-display-virtio-gpu-gl.so"
expect_json 0 record-vm
says record-vm "device's recorder" ok "^$TMP/whole/qemu/$stamp$" ""
expect_json 0 FAKE_QEMU=old record-vm
says record-vm "device's recorder" limited 'are not taken by this QEMU' host-capture/qemu/build
expect_json 0 QEMU_MODULE_DIR="$TMP/none" record-vm
says record-vm "device's recorder" limited '^QEMU_MODULE_DIR hides the modules in' "unset QEMU_MODULE_DIR"
expect_json 1 FAKE_QEMU=--version record-vm
says record-vm QEMU missing '--version exited with status 1: --version is out of order$' qemu-system-x86
expect_json 1 FAKE_QEMU=crash record-vm
says record-vm QEMU missing '--version ended by signal 11 \(Segmentation fault\)$' qemu-system-x86
expect_json 1 FAKE_QEMU=hang --timeout 1 record-vm
says record-vm QEMU missing '--version took longer than 1 s$'
expect_json 1 FAKE_QEMU=-device record-vm
says record-vm "3D device" missing 'exited with status 1: -device is out of order$' qemu-system-gui
expect_json 1 FAKE_QEMU=-display record-vm
says record-vm "display with GL" missing 'exited with status 1' qemu-system-gui
expect_json 1 FAKE_QEMU=plain record-vm
says record-vm "display with GL" missing '^this QEMU has neither sdl nor gtk' qemu-system-gui

# A signal ends what hangs, and vgt, which has told before what it has found. What it did not get to is not known.
# interrupted SIGNAL STATUS ARGUMENT...
interrupted() {
	local doctor hung status=0

	FAKE_QEMU=hang timeout 60 bash -c 'trap - INT; exec "$0" doctor --timeout 50 "$@"' "$vgt" "${@:3}" >out 2>err &
	doctor=$!
	for _ in $(seq 300); do
		hung=$(pgrep -f "^qemu-system-x86_64 --version$" -P "$(pgrep -P $doctor || echo 0)" || true)
		[ -z "$hung" ] || break
		sleep 0.1
	done
	expect_equal "one that hangs" 1 "$(wc -w <<<"$hung")"
	kill "-$1" "$(pgrep -P $doctor)"
	wait $doctor || status=$?
	expect_equal "end by SIG$1" "$2 vgt: interrupted" "$status $(cat err)"
	expect_equal "what is left of it" "" "$(ps -o pid= -p "$hung" || true)"
}
interrupted TERM 143 --json record-gl record-vm
cp out doctor.json
expect_equal "verdicts" "works unknown" "$(verdict record-gl) $(verdict record-vm)"
says record-gl "Mesa's driver" ok ^virgl
expect_equal "QEMU, which was ended" 0 "$(jq '[.tasks[1].findings[] | select(.name == "QEMU")] | length' doctor.json)"
interrupted INT 130 replay record-vm
expect_equal "what was found" "replay traces: works, in software, without a GPU
record a virtual machine: not known: interrupted" "$(sed '/^$/q' out | sed '/^$/d; s/works$/&, in software, without a GPU/')"

# Directories: gone, not to be written, without room.
mkdir gone
expect_json 0 record-gl
says record-gl "current directory" ok "^$TMP, [0-9.]+ [KMG]B free$"
says record-gl "ring buffers" ok .
expect_exit 0 bash -c 'cd gone && rmdir ../gone && "$0" doctor --json record-gl' "$vgt"
cp .stdout doctor.json
says record-gl "current directory" limited '^is gone' "cd elsewhere"
# in a name space of its own, where this may mount
inside() {
	expect_exit "$1" unshare -rm bash -c "$2" "$vgt"
	cp .stdout doctor.json
}
if unshare -rm mount -t tmpfs none /mnt 2>.stderr; then
	inside 0 'mount -t tmpfs -o size=1m none /dev/shm && "$0" doctor --json record-gl'
	says record-gl "ring buffers" limited '^in /.*, for /dev/shm has 1.0 MB free and 67.1 MB are wanted' "enlarge /dev/shm"
	inside 1 'mount -t tmpfs -o ro none /dev/shm && mount --bind "$PWD" /mnt && mount -t tmpfs -o ro none /tmp &&
		PATH=/usr/bin:/bin && cd /mnt && TMPDIR=/proc whole/vgt doctor --json record-gl'
	says record-gl "ring buffers" missing '^no directory can be made in' "export TMPDIR"
	inside 0 'mkdir ro && mount -t tmpfs -o ro none ro && cd ro && "$0" doctor --json record-gl'
	says record-gl "current directory" limited '/ro: no trace goes there: Read-only file system$' "cd elsewhere"
	inside 0 'mkdir small && mount -t tmpfs -o size=1m none small && cd small && "$0" doctor --json record-gl'
	says record-gl "current directory" limited '/small, 1.0 MB free$'
fi
# Devices, which one who is nobody may not open.
if [ "$(id -u)" = 0 ] && [ -e /dev/kvm ] && [ "$(stat -c %A /dev/kvm)" = crw------- ] && chmod 755 "$TMP" &&
	as_nobody test -x "$(realpath "$vgt")" && as_nobody test -r "$libraries/libvgt-preload.so"; then
	expect_exit 0 as_nobody "$vgt" doctor --json record-vm
	cp .stdout doctor.json
	says record-vm KVM limited '^/dev/kvm cannot be opened: Permission denied'
else
	echo "cli/doctor: not tried, for want of a device or of nobody's way to vgt: a device without permission" >&2
fi
