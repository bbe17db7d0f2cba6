#!/bin/bash
# SPDX-License-Identifier: MIT
# icdinfo.exe's answers for programs, and its arguments; how the adapter is found on several versions of Windows.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. "$(dirname "$0")/wine/lib.sh"

make_rig

# icdinfo STATUS [VARIABLE=VALUE...] [ARGUMENT...]: what it says to $TMP/said and $TMP/err
icdinfo() {
	local status=$1 variables=()

	shift
	while [[ ${1:-} = *=* ]]; do
		variables+=("$1")
		shift
	done
	# a trace without commands is none for vgt record
	record "$TMP/info.vgt" "${variables[@]}" "$wine" icdinfo.exe "$@" 2>/dev/null || true
	rm -f "$TMP/info.vgt"
	tr -d '\r' <"$TMP/out" >"$TMP/said"
	expect_stdout "$status" cat "$TMP/status"
}

icdinfo 0 --json
expect_stdout 'd3dkmt version 1 null right' jq -r '"\(.transport) \(.["escape ABI"]) \(.["registered ICD"]) \(.["test triangle"])"' "$TMP/said"
expect_stdout_match '\\vgticd\.dll$' jq -r .ICD "$TMP/said"
expect_stdout_match '^virgl ' jq -r '.["GL renderer"]' "$TMP/said"
icdinfo 1 VGT_TRANSPORT=nothing GALLIUM_DRIVER=softpipe --json
expect_stdout 'null softpipe right' jq -r '"\(.transport) \(.["GL renderer"]) \(.["test triangle"])"' "$TMP/said"
expect_stdout_match '^icdinfo: VGT_TRANSPORT is neither d3dkmt nor device: nothing' cat "$TMP/err"
icdinfo 2 GALLIUM_DRIVER=llvmpipe
expect_stdout_match '^icdinfo: GALLIUM_DRIVER is neither virgl nor softpipe: llvmpipe' cat "$TMP/err"
icdinfo 0 --help
expect_stdout_match '^usage: icdinfo \[--json\]' cat "$TMP/said"
icdinfo 2 --jsno
expect_stdout_match '^icdinfo: unknown argument: --jsno' cat "$TMP/err"
# Wine's own opengl32.dll, without an ICD, has a version
mv "$TMP/run/opengl32.dll" "$TMP/ours.dll"
icdinfo 1 --json
expect_stdout_match '^null [0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$' jq -r '"\(.ICD) \(.["opengl32.dll version"])"' "$TMP/said"
mv "$TMP/ours.dll" "$TMP/run/opengl32.dll"

expect_exit 0 "$gcc" -std=c11 -O2 -Wall -Wextra -Wshadow -static -o "$TMP/adapters.exe" -Iguest-icd/icd -Iguest-icd/escape \
	tests/e2e/wine/adapters.c guest-icd/icd/escape_transport.c guest-icd/icd/escape_device.c -lcfgmgr32
(cd "$TMP" && timeout 60 "$wine" adapters.exe) | tr -d '\r' >"$TMP/found"
expect_stdout '10 17: adapter 00000000:00000011, Grafik ü; 1 open, then 0
10 20: none; 0 open, then 0
8 15: adapter 00000000:0000000f; 1 open, then 0
8 17: none; 0 open, then 0
7 4: adapter 00000000:00000004; 1 open, then 0
7 1: none; 0 open, then 0
older 0: none; 0 open, then 0' cat "$TMP/found"
