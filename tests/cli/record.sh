#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # the shells of the recorded commands expand; lib.sh sets -e
# vgt record: the command line, and recordings of a real program where the host can draw one.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# A sanitized interposer cannot be loaded into programs that are not, so that one runs beside
# the plain libraries.
libraries=$(dirname "$VGT")
if ldd "$VGT" | grep -q 'lib[at]san'; then
	libraries=$PWD/build
fi
mkdir "$TMP/bin"
cp "$VGT" "$TMP/bin/vgt"
for library in libvgt-preload.so libvgt-vtest.so; do
	[ -e "$libraries/$library" ] || { echo "cli/record: no $libraries/$library" >&2; exit 1; }
	ln -s "$libraries/$library" "$TMP/bin/"
done
BARE=$VGT # without libraries beside it
VGT=$TMP/bin/vgt
mkdir "$TMP/bare"
cp "$BARE" "$TMP/bare/vgt"
BARE=$TMP/bare/vgt

mkdir "$TMP/work"
ROOT=$PWD
cd "$TMP/work"
unset DISPLAY WAYLAND_DISPLAY VGT_CAPTURE_FILE

# expect_files NAME...: just these are in the directory.
expect_files() {
	expect_stdout "$(printf '%s\n' "$@")" ls -A
}

# Wrong usage.
expect_exit 2 "$VGT" record
expect_stderr "vgt: record needs a command to run
try 'vgt help record'" "$VGT" record
expect_exit 2 "$VGT" record --
expect_stderr_match "^vgt: the command is empty$" "$VGT" record ""
expect_stderr_match "^vgt: unknown option '--frobnicate'$" \
	"$VGT" record --frobnicate true
expect_stderr_match "^vgt: option '--output' needs a value$" "$VGT" record -o
expect_stderr_match "^vgt: option '--gl' takes no value$" "$VGT" record --gl=1 true
for wrong in 0 -1 x 1.5 ""; do
	expect_exit 2 "$VGT" record --frames "$wrong" true
	expect_stderr_match "^vgt: --frames must be a number from 1 on, not '$wrong'$" \
		"$VGT" record --frames "$wrong" true
done
for wrong in 0 0.0 -1 x 1x 1.2.3 . .5 5. 1e3 ""; do
	expect_exit 2 "$VGT" record --duration "$wrong" true
	expect_stderr_match "^vgt: --duration must be a number of seconds such as 2.5, not '$wrong'$" \
		"$VGT" record --duration "$wrong" true
done
for wrong in 0 100 3K -1 K 1T 1KB 1.5M 99999999999G ""; do
	expect_exit 2 "$VGT" record --max-size "$wrong" true
	expect_stderr_match "^vgt: --max-size must be at least 4096 bytes, such as 100M, not '$wrong'$" \
		"$VGT" record --max-size "$wrong" true
done
expect_stderr_match "^vgt: --duration and --keep-running exclude each other$" \
	"$VGT" record --duration 1 --keep-running true
expect_stderr_match "^vgt: a trace cannot be recorded to standard output$" \
	"$VGT" record -o - true

# The help; behind the command an option is the command's.
expect_stdout_match "^usage: vgt record" "$VGT" record -q --help
expect_stdout "--help" "$VGT" record printf '%s\n' --help
expect_stdout "-o" "$VGT" record -- printf '%s\n' -o

# Outputs that cannot be. The command does not run then.
expect_stderr "vgt: none/x.vgt: cannot create: No such file or directory" \
	"$VGT" record -o none/x.vgt touch ran
expect_exit 2 "$VGT" record -o none/x.vgt touch ran
expect_exit 2 "$VGT" record -o /proc/x.vgt touch ran
expect_stderr_match "^vgt: /proc/x.vgt: cannot create: " "$VGT" record -o /proc/x.vgt touch ran
expect_stderr "vgt: /dev/null: is not a file" "$VGT" record --force -o /dev/null touch ran
expect_exit 2 "$VGT" record -o "" touch ran
expect_exit 2 "$VGT" record -o ./ touch ran
expect_exit 2 "$VGT" record -o .. touch ran
if [ "$(id -u)" -ne 0 ]; then
	mkdir closed
	chmod a-w closed
	expect_stderr "vgt: closed/x.vgt: cannot create: Permission denied" \
		"$VGT" record -o closed/x.vgt touch ran
	rmdir closed
fi
echo old >old.vgt
expect_exit 2 "$VGT" record -o old.vgt touch ran
expect_stderr "vgt: old.vgt: exists; use --force to replace it" \
	"$VGT" record -o old.vgt touch ran
expect_files old.vgt

# Commands that cannot be run, and such that record nothing; what --force would replace stays.
expect_exit 2 "$VGT" record ./missing
expect_stderr "vgt: cannot run ./missing: No such file or directory" "$VGT" record ./missing
expect_stderr "vgt: cannot run old.vgt: not found in PATH" "$VGT" record old.vgt
expect_exit 2 "$VGT" record ./old.vgt
expect_stderr "vgt: cannot run ./old.vgt: Permission denied" "$VGT" record ./old.vgt
expect_exit 2 "$VGT" record --force -o old.vgt true
expect_stderr "vgt: nothing was recorded: true never called virgl_renderer_init
vgt: (to record an ordinary OpenGL program use 'vgt record --gl')" \
	"$VGT" record --force -o old.vgt true
expect_stderr_match "^vgt: warning: sh exited with status 5$" "$VGT" record sh -c 'exit 5'
expect_stderr_match "^vgt: warning: sh was killed by signal 15 \\(Terminated\\)$" \
	"$VGT" record sh -c 'kill $$'
expect_exit 2 "$VGT" record --force -o old.vgt ./missing
expect_stdout "old" cat old.vgt
expect_files old.vgt
# What the command has put in its place is not overwritten.
expect_stderr_match "^vgt: warning: old.vgt: cannot be put back, it is now .*: File exists$" \
	"$VGT" record --force -o old.vgt sh -c 'echo new >old.vgt'
expect_stdout "new" cat old.vgt
expect_stdout "old" sh -c "cat .old.vgt.old-*"
rm .old.vgt.old-* old.vgt

# What the command finds in its environment; the directory is gone afterwards.
expect_stdout "$TMP/work/a%%b.vgt 7 1048576 1" "$VGT" record -o a%b.vgt --frames 7 \
	--max-size 1M --no-cmdline sh -c \
	'echo $VGT_CAPTURE_FILE $VGT_CAPTURE_FRAMES $VGT_CAPTURE_MAX_SIZE $VGT_CAPTURE_NO_CMDLINE'
expect_stdout "none" "$VGT" record -o a.vgt sh -c 'echo ${VGT_CAPTURE_FRAMES-none}'
cli_run "$VGT" record sh -c 'test -d "$VGT_CAPTURE_RING_DIR" && echo "$VGT_CAPTURE_RING_DIR"'
expect_exit 1 test -d "$(cat "$TMP/.stdout")/"
expect_stdout "$TMP/bin/libvgt-preload.so" "$VGT" record sh -c 'echo $LD_PRELOAD'
if ! ls /usr/*/lib*/vgt /usr/lib*/vgt >"$TMP/.stdout" 2>&1; then
	expect_exit 2 "$BARE" record true
	expect_stderr_match "^vgt: libvgt-preload.so not found in " "$BARE" record true
fi

# QEMU: a file with a stamp in it, and modules for it; here a shell, which shows what it finds.
unset QEMU_MODULE_DIR
stamp=0123456789abcdef0123456789abcdef01234567
modules=$TMP/bin/qemu/$stamp
show='echo "${QEMU_MODULE_DIR-none} ${LD_PRELOAD-none}"'
shell=$(realpath /bin/sh)
fake() { # FILE TEXT...: a program that holds these texts
	local file=$1

	shift
	cp "$shell" "$file"
	printf '%s\0' "$@" >>"$file"
}
mkdir qemu
fake qemu/qemu-system-x qemu_stamp_ qemu_stamp_0123 "qemu_stamp_$stamp"
lacks="the trace will lack scanouts, flushes and the cursor, so have no frames \\(vgt replay --frame=submit\\)"

expect_stdout "none $TMP/bin/libvgt-preload.so" "$VGT" record qemu/qemu-system-x -c "$show"
expect_stderr_match "^vgt: qemu/qemu-system-x's device does not record: $lacks; 'host-capture/qemu/build modules' builds one that does$" \
	"$VGT" record qemu/qemu-system-x -c "$show"
expect_stderr_match "^vgt: warning: without frames --frames has no effect; use --duration$" \
	"$VGT" record --frames 3 qemu/qemu-system-x -c "$show"
expect_stderr "vgt: nothing was recorded: qemu/qemu-system-x never called virgl_renderer_init
vgt: (to record an ordinary OpenGL program use 'vgt record --gl')" \
	"$VGT" record -q --frames 3 qemu/qemu-system-x -c "$show"
mkdir -p "$modules"
expect_stdout "none $TMP/bin/libvgt-preload.so" "$VGT" record qemu/qemu-system-x -c "$show"
touch "$modules/hw-display-virtio-gpu-gl.so"
expect_stdout "$modules none" "$VGT" record qemu/qemu-system-x -c "$show"
expect_stderr "vgt: nothing was recorded: qemu/qemu-system-x never had a virtio-gpu device with GL
vgt: (such as -device virtio-vga-gl, with -display sdl,gl=on)" \
	"$VGT" record --frames 3 qemu/qemu-system-x -c "$show"
expect_stdout "$TMP/work/a.vgt" \
	"$VGT" record -o a.vgt qemu/qemu-system-x -c 'echo "$VGT_CAPTURE_FILE"'
# Found in PATH, behind what cannot be run; by another name; of an installation.
mkdir -p path/qemu-system-x path2
touch path2/qemu-system-x
expect_stdout "$modules none" env PATH="/nowhere:$PWD/path:$PWD/path2:$PWD/qemu:$PATH" \
	"$VGT" record qemu-system-x -c "$show"
ln -s qemu/qemu-system-x vm
expect_stdout "$modules none" "$VGT" record ./vm -c "$show"
mkdir -p "$TMP/prefix/bin" "$TMP/prefix/lib"
cp "$VGT" "$TMP/prefix/bin/vgt"
ln -s "$TMP/bin" "$TMP/prefix/lib/vgt"
expect_stdout "$TMP/prefix/bin/../lib/vgt/qemu/$stamp none" \
	"$TMP/prefix/bin/vgt" record ./vm -c "$show"
rm -r path path2
# What its user has built, for a vgt that comes without modules.
mkdir -p "$TMP/cache/vgt/qemu" "$TMP/home/.cache"
mv "$modules" "$TMP/cache/vgt/qemu"
ln -s "$TMP/cache/vgt" "$TMP/home/.cache/vgt"
expect_stdout "$TMP/cache/vgt/qemu/$stamp none" \
	env XDG_CACHE_HOME="$TMP/cache" "$TMP/prefix/bin/vgt" record ./vm -c "$show"
expect_stdout "$TMP/home/.cache/vgt/qemu/$stamp none" \
	env -u XDG_CACHE_HOME HOME="$TMP/home" "$TMP/prefix/bin/vgt" record ./vm -c "$show"
mv "$TMP/cache/vgt/qemu/$stamp" "$modules"
# A user's QEMU_MODULE_DIR stays; there may be a device that records in it.
mkdir user
expect_stdout "$PWD/user $TMP/bin/libvgt-preload.so" env QEMU_MODULE_DIR="$PWD/user" \
	"$VGT" record ./vm -c "$show"
expect_stderr_match "^vgt: ./vm's device does not record: $lacks; QEMU_MODULE_DIR is set, without it QEMU would get that in $modules$" \
	env QEMU_MODULE_DIR="$PWD/user" "$VGT" record ./vm -c "$show"
fake user/hw-display-virtio-gpu-gl.so VGT_CAPTURE_FILE
expect_stdout "$PWD/user none" env QEMU_MODULE_DIR="$PWD/user" "$VGT" record ./vm -c "$show"
# The device is linked in; a stamp without modules; a script.
fake qemu/qemu-system-y VGT_CAPTURE_FILE
expect_stdout "none none" "$VGT" record qemu/qemu-system-y -c "$show"
fake vm2 "qemu_stamp_${stamp%7}8"
expect_stderr_match "^vgt: ./vm2's device does not record: " "$VGT" record ./vm2 -c "$show"
printf '#!/bin/sh\n%s\n' "$show" >qemu/qemu-system-z
chmod +x qemu/qemu-system-z
expect_stdout "none $TMP/bin/libvgt-preload.so" "$VGT" record qemu/qemu-system-z
expect_stderr_match "^vgt: qemu/qemu-system-z's device does not record: " \
	"$VGT" record qemu/qemu-system-z
rm -r qemu user vm vm2 "$modules"

# A VMM whose device records, under the interposer, which stands aside.
cat >vmm.c <<'C'
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vgt_device.h>
#include <virglrenderer.h>
static void warn(const char *format, ...)
{
	(void)format;
}
int main(int argc, char **argv)
{
	const struct vgt_device_options options = {
		.vmm = "vmm",
		.get_cap_set = virgl_renderer_get_cap_set,
		.fill_caps = virgl_renderer_fill_caps,
		.warn = warn,
	};
	struct virgl_renderer_callbacks callbacks = {.version = 1};
	unsigned command[6] = {0x100}; /* GET_DISPLAY_INFO */
	const struct iovec iov = {command, sizeof(command)};
	struct vgt_device *device = vgt_device_create(&options);
	if (argc > 1) {
		vgt_device_set(device, "capture", argv[1], NULL);
	}
	if (!vgt_device_ready(device, NULL) ||
		virgl_renderer_init(device, VIRGL_RENDERER_USE_SURFACELESS, &callbacks)) {
		return 1;
	}
	vgt_device_initialised(device, VIRGL_RENDERER_USE_SURFACELESS, 1);
	virgl_renderer_context_create(1, 1, "c");
	vgt_device_command(device, &iov, 1);
	vgt_device_done(device, 0, 0);
	usleep(argc > 1 ? 300000 : 0); /* seen by vgt while it records */
	if (argc > 2) {
		raise(SIGKILL);
	}
	vgt_device_destroy(device);
	virgl_renderer_cleanup(device);
	return 0;
}
C
# shellcheck disable=SC2046
cc -I"$ROOT/host-capture" -I"$ROOT/format" vmm.c -o vmm "$libraries/libvgt-capture.so" \
	-Wl,-rpath,"$libraries" $(pkg-config --cflags --libs virglrenderer)
rm vmm.c
export LD_LIBRARY_PATH=$libraries/tests/stub
expect_stderr_match "^recorded x.vgt: 0 frames, 1 command," "$VGT" record -o x.vgt ./vmm
expect_stdout_match "^producer  *vmm with vgt-capture" "$VGT" info x.vgt
expect_files vmm x.vgt
# It records where its user says, which need not be what vgt says.
elsewhere="./vmm recorded 0 frames, 1 commands? into another file than x.vgt, as its device's 'capture' says"
expect_exit 0 "$VGT" record --force -o x.vgt ./vmm x2.vgt
expect_files vmm x.vgt x2.vgt
rm x2.vgt
expect_stderr_match "^vgt: $elsewhere$" "$VGT" record --force -o x.vgt ./vmm x2.vgt
rm x.vgt x2.vgt
expect_exit 2 "$VGT" record -o x.vgt ./vmm y.vgt kill
expect_stderr_match "^vgt: that trace is not whole: 'vgt recover' makes it so; its end is kept in /" \
	"$VGT" record -o x.vgt ./vmm z.vgt kill
expect_files vmm y.vgt z.vgt
for trace in y.vgt z.vgt; do
	ring=$("$VGT" info --all $trace | sed -n 's/^ring.path  *//p')
	expect_exit 0 "$VGT" recover $trace
	expect_stdout_match "^GET_DISPLAY_INFO  *1$" "$VGT" info --all $trace
	rmdir "$(dirname "$ring")"
done
unset LD_LIBRARY_PATH
rm vmm y.vgt z.vgt
expect_files

# Signals to vgt are passed on, and nothing the command leaves behind stays.
"$VGT" record sh -c 'echo $$ >pid; exec sleep 100' 2>/dev/null &
until [ -s pid ]; do sleep 0.05; done
kill $!
wait $! || true
expect_exit 1 kill -0 "$(cat pid)"
expect_exit 2 "$VGT" record sh -c 'setsid sleep 100 & echo $! >pid'
expect_exit 1 kill -0 "$(cat pid)"
rm pid
expect_files

# Recordings, where there is what they need.
for tool in virgl_test_server Xvfb glxgears; do
	if [ -z "$(command -v $tool)" ]; then
		echo "cli/record: SKIPPED all recordings: no $tool" >&2
		[ "${CI:-}" != true ] || exit 1
		exit 0
	fi
done

expect_exit 2 "$VGT" record --gl ./missing
expect_stderr "vgt: cannot run ./missing: No such file or directory" "$VGT" record --gl ./missing
expect_exit 2 "$VGT" record --gl true
expect_stderr_match "^vgt: nothing was recorded: true has not connected to virgl_test_server$" \
	"$VGT" record --gl true
mkdir path
ln -s "$(command -v true)" path/
expect_stderr "vgt: virgl_test_server not found: apt install virgl-server" \
	env PATH="$PWD/path" "$VGT" record --gl true
ln -s "$(command -v virgl_test_server)" path/
expect_stderr "vgt: Xvfb not found: apt install xvfb (or set DISPLAY)" \
	env PATH="$PWD/path" "$VGT" record --gl true
rm -r path
expect_files

# Keeps what was started for it: socket, display, and the processes beside it.
spy='echo "$VGT_VTEST_SOCKET" >../socket; echo "$DISPLAY" >../display
for stat in /proc/[0-9]*/stat; do
	{ read -r pid name state parent rest <$stat; } 2>/dev/null || continue
	[ "$parent" != $PPID ] || echo "$pid"
done >../pids
exec glxgears'

# expect_clean: nothing of that is left.
expect_clean() {
	expect_exit 1 test -e "$(cat ../socket)"
	expect_exit 1 test -e "$(dirname "$(cat ../socket)")"
	expect_exit 0 test "$(wc -l <../pids)" -eq 3
	while read -r pid; do
		expect_exit 1 kill -0 "$pid"
		# the display's number may be another's by now, but not the server
		expect_stdout "" find /tmp -maxdepth 1 -name '.X*-lock' -exec grep -l "^ *$pid$" {} +
	done <../pids
}

expect_stderr_match "^recorded sh.vgt: 10 frames, [0-9]+ commands, [0-9.]+ KB \\([0-9.]+ KB raw\\)$" \
	"$VGT" record --gl --frames 10 sh -c "$spy"
expect_clean
expect_files sh.vgt
if command -v zstd >/dev/null; then
	expect_exit 0 zstd -tq sh.vgt
fi
expect_stderr "" "$VGT" record --gl --frames 2 -q glxgears
expect_stderr_match "^recorded glxgears.1.vgt: 2 frames" "$VGT" record --gl --frames 2 glxgears
expect_files glxgears.1.vgt glxgears.vgt sh.vgt
rm ./*

echo old >new.vgt
expect_stderr_match "^recorded new.vgt: 2 frames" \
	"$VGT" record --gl --force -o new.vgt --frames 2 glxgears
expect_exit 0 "$VGT" record --gl -o duration.vgt --duration 0.5 glxgears
expect_stderr_match "^vgt: recording stopped: .*size limit" \
	"$VGT" record --gl -o size.vgt --max-size 20K timeout 2 glxgears
expect_exit 0 test "$(stat -c %s size.vgt)" -le 20480
expect_stderr_match "^recorded on.vgt: 2 frames" \
	"$VGT" record --gl -o on.vgt --frames 2 --keep-running timeout 1 glxgears
expect_files duration.vgt new.vgt on.vgt size.vgt
rm ./*

# Two at once, in one directory under one name.
"$VGT" record --gl --frames 20 -q glxgears &
expect_exit 0 "$VGT" record --gl --frames 20 -q glxgears
expect_exit 0 wait $!
expect_files glxgears.1.vgt glxgears.vgt
rm ./*

# Ctrl-C, which reaches the program and vgt, ends the program.
set -m
"$VGT" record --gl -o int.vgt sh -c "$spy" 2>../stderr &
set +m
until [ -s int.vgt ]; do sleep 0.05; done
sleep 1
kill -INT -- -$!
expect_exit 0 wait $!
expect_exit 0 grep -q "^recorded int.vgt: " ../stderr
expect_clean
expect_files int.vgt

# The process that renders is killed: the trace has what it did.
"$VGT" record --gl -o kill.vgt sh -c "$spy" 2>../stderr &
until [ -s kill.vgt ]; do sleep 0.05; done
sleep 1
for stat in /proc/[0-9]*/stat; do
	{ read -r pid name _ parent _ <"$stat"; } 2>/dev/null || continue
	if [ "$name" = "(virgl_test_serv)" ] && grep -qx "$parent" ../pids; then
		kill -KILL "$pid"
	fi
done
sleep 1
kill $! 2>/dev/null || true # Mesa's client has crashed, most likely
expect_exit 0 wait $!
expect_exit 0 grep -Eq "^vgt: kill.vgt was not finished: recovered, with [0-9]+ records" ../stderr
expect_exit 0 grep -Eq "^recorded kill.vgt: [0-9]+ frames" ../stderr
expect_clean
expect_files int.vgt kill.vgt
