#!/bin/bash
# SPDX-License-Identifier: MIT
# The escape driver in another process, where Wine runs kernel-mode drivers: Mesa's ICD reaches it by the system's
# CreateFile and DeviceIoControl, and draws in memory that the driver maps into the program.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. "$(dirname "$0")/wine/lib.sh"

frames=40

make_rig
expect_exit 0 tests/e2e/wine/build "$TMP/run" kernel
expect_exit 0 guest-icd/demo/build x86_64 "$TMP/run"

# The prefix gets files of its own, for the driver's are among them. What is in windows is never written to.
own=$WINEPREFIX
shared=$(realpath "$own/drive_c")
rm "$own/drive_c"
cp -al "$shared" "$own" 2>/dev/null || cp -a "$shared" "$own" # of another file system
mkdir "$own/drive_c/vgt"
cp "$TMP"/run/{vgt.sys,vgtdrv.dll} "$own/drive_c/vgt"

# with_driver WINE PROGRAM...: with the driver of C:\vgt in Wine's kernel, until all of Wine ends
cat >"$TMP/run/with_driver" <<'END'
#!/bin/bash
set -eu
wine=$1
shift
trap 'timeout 60 "${wine%/*}/wineserver" -k' EXIT
echo "$VGT_VTEST_SOCKET" >"$WINEPREFIX/drive_c/vgt/socket"
"$wine" sc create vgt type= kernel binPath= 'C:\vgt\vgt.sys' >/dev/null 2>&1 || true
"$wine" sc start vgt >/dev/null
"$wine" "$@"
END
chmod +x "$TMP/run/with_driver"

expect_exit 0 record "$TMP/info.vgt" VGT_TRANSPORT=device VGT_WINEDEVICE=1 ./with_driver "$wine" icdinfo.exe
tr -d '\r' <"$TMP/out" >"$TMP/info"
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^transport +device$' cat "$TMP/info"
expect_stdout_match '^test triangle +right$' cat "$TMP/info"

# the pictures are those of the other transport
expect_exit 0 record "$TMP/kernel.vgt" VGT_SHOWN="$TMP/kernel" VGT_TRANSPORT=device VGT_WINEDEVICE=1 \
	./with_driver "$wine" triangle.exe "$frames"
expect_exit 0 record "$TMP/d3dkmt.vgt" VGT_SHOWN="$TMP/d3dkmt" VGT_TRANSPORT=d3dkmt "$wine" triangle.exe "$frames"
expect_stdout "$frames" sh -c "wc -l <'$TMP/kernel'"
expect_exit 0 cmp "$TMP/kernel" "$TMP/d3dkmt"
expect_exit 0 cmp "$TMP/kernel" <(hashes "$TMP/kernel.vgt")

# positive control: without the driver there is no such file
rm "$own/drive_c/vgt/vgt.sys"
record "$TMP/none.vgt" VGT_TRANSPORT=device VGT_WINEDEVICE=1 "$wine" icdinfo.exe 2>/dev/null || true
expect_stdout 1 cat "$TMP/status"
