#!/bin/bash
# SPDX-License-Identifier: MIT
# The OpenGL ICD for Windows builds, and the DLLs are what Windows takes for one: entry points, nothing beside Windows'
# own DLLs, the registration. What is ours of it compiles for 32-bit programs too. Other tests use what this has built;
# the first time takes long.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

command -v apt-get >/dev/null || skip "the ICD is built from Debian's source of Mesa: apt-get is missing"
build=guest-icd/icd/build
icd=build/icd/x86_64
objdump=x86_64-w64-mingw32-objdump

exports() {
	"$objdump" -p "$1" | sed -n '/\[Ordinal\/Name Pointer\] Table/,/^$/s/^\t\[ *[0-9]*\] //p' | sort
}

# lacks FILE NAMES: of the sorted names in a file, those that FILE does not export
lacks() {
	comm -23 "$2" <(exports "$1")
}

# imports FILE: the DLLs that it needs and that are not Windows' own
imports() {
	"$objdump" -p "$1" | sed -n 's/^\tDLL Name: //p' | tr '[:upper:]' '[:lower:]' |
		grep -v -x -F -e{advapi32,cfgmgr32,gdi32,kernel32,msvcrt,opengl32,psapi,user32,version}.dll
}

# every function that Windows calls in an ICD of version 2
entry_points() {
	printf 'Drv%s\n' CopyContext CreateContext CreateLayerContext DeleteContext DescribeLayerPlane \
		DescribePixelFormat GetLayerPaletteEntries GetProcAddress RealizeLayerPalette ReleaseContext \
		SetContext SetLayerPaletteEntries SetPixelFormat ShareLists SwapBuffers SwapLayerBuffers ValidateVersion |
		sort
}

expect_exit 0 "$build" x86_64
for file in vgticd.dll opengl32.dll icdinfo.exe; do
	expect_stdout_match 'file format pei-x86-64$' "$objdump" -f "$icd/$file"
done

entry_points >"$TMP/entry_points"
expect_stdout "" lacks "$icd/vgticd.dll" "$TMP/entry_points"
# positive control
(echo DrvAnother && cat "$TMP/entry_points") >"$TMP/more"
expect_stdout DrvAnother lacks "$icd/vgticd.dll" "$TMP/more"

# all of OpenGL 1.1 and of wgl, as far as Wine has it
wine=/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/opengl32.dll
if [ -e $wine ]; then
	exports $wine >"$TMP/opengl"
	expect_exit 0 test "$(wc -l <"$TMP/opengl")" -gt 350
	# none of them is documented
	expect_stdout $'glDebugEntry\nwglGetDefaultProcAddress' lacks "$icd/opengl32.dll" "$TMP/opengl"
else
	echo "e2e/icd: SKIPPED: $wine is missing, so opengl32.dll's exports are not compared with it"
fi

for file in vgticd.dll icdinfo.exe; do
	expect_stdout "" imports "$icd/$file"
done
expect_stdout vgticd.dll imports "$icd/opengl32.dll"
# positive control: a program that is not linked statically
cat >"$TMP/threads.c" <<-EOF
	#include <pthread.h>
	int main(void) { return (int)pthread_self() == 0; }
EOF
expect_exit 0 x86_64-w64-mingw32-gcc-posix -o "$TMP/threads.exe" "$TMP/threads.c" -pthread
expect_stdout libwinpthread-1.dll imports "$TMP/threads.exe"

# the registration names what was built
tr -d '\r' <"$icd/vgticd.reg" >"$TMP/reg"
expect_stdout vgticd.dll sed -n 's/^"DLL"="\(.*\)"$/\1/p' "$TMP/reg"
expect_stdout_match '^\[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\OpenGLDrivers\\MSOGL\]$' cat "$TMP/reg"

expect_exit 0 "$build" check-i686
# positive control: an address is no 64-bit number there
mkdir "$TMP/tree"
cp -a guest-icd .ci "$TMP/tree"
sed -i 's/(void \*)(uintptr_t)map\.address/(void *)map.address/' "$TMP/tree/guest-icd/icd/virgl_escape_winsys.c"
expect_exit 1 cmp guest-icd/icd/virgl_escape_winsys.c "$TMP/tree/guest-icd/icd/virgl_escape_winsys.c"
expect_stderr_match 'int-to-pointer-cast' "$TMP/tree/guest-icd/icd/build" check-i686
expect_exit 2 "$build" x86-64
