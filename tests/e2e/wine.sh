#!/bin/bash
# SPDX-License-Identifier: MIT
# A Windows program under Wine draws through the ICD, the escape ABI and the driver core, is recorded, and what its
# window was given is what the trace replays. Needs what guest-icd/icd/build has built.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/e2e/wine/lib.sh
. tests/e2e/wine/lib.sh

frames=40

make_rig
expect_exit 0 guest-icd/demo/build x86_64 "$TMP/run"
expect_exit 0 "$gcc" -std=c11 -O2 -static -o "$TMP/run/queries.exe" tests/e2e/wine/queries.c -lopengl32 -lgdi32

# the ICD is the one in use, by way of the escape ABI, and what it draws is right
expect_exit 0 record "$TMP/info.vgt" "$wine" icdinfo.exe
tr -d '\r' <"$TMP/out" >"$TMP/info"
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^transport +d3dkmt$' cat "$TMP/info"
expect_stdout_match '^ICD .*\\vgticd\.dll$' cat "$TMP/info"
expect_stdout_match '^GL renderer +virgl ' cat "$TMP/info"
expect_stdout_match '^test triangle +right$' cat "$TMP/info"
# positive controls: the device goes away after its capset was read; there is no device
record "$TMP/lost.vgt" VGT_DEVICE_LOST_AT=20 "$wine" icdinfo.exe 2>/dev/null || true
expect_stdout 1 cat "$TMP/status"
expect_stdout_match 'the test triangle was not drawn: GL error 0x0505' cat "$TMP/err"
record "$TMP/none.vgt" VGT_VTEST_SOCKET=/nowhere "$wine" icdinfo.exe 2>/dev/null || true
expect_stdout 1 cat "$TMP/status"
# by the other transport, too
expect_exit 0 record "$TMP/device.vgt" VGT_TRANSPORT=device "$wine" icdinfo.exe
expect_stdout 0 cat "$TMP/status"
tr -d '\r' <"$TMP/out" >"$TMP/info"
expect_stdout_match '^transport +device$' cat "$TMP/info"
expect_stdout_match '^test triangle +right$' cat "$TMP/info"

# each picture that the window was given is a frame, and the same
expect_exit 0 record "$TMP/triangle.vgt" VGT_SHOWN="$TMP/shown" "$wine" triangle.exe "$frames"
expect_stdout 0 cat "$TMP/status"
expect_exit 1 grep 'driver core' "$TMP/err"
hashes "$TMP/triangle.vgt" >"$TMP/replayed"
expect_stdout "$frames" sh -c "sort -u '$TMP/shown' | wc -l"
expect_exit 0 cmp "$TMP/shown" "$TMP/replayed"
expect_exit 0 "$VGT" replay --quiet --verify "$TMP/triangle.vgt"
# what the rig is told to do: only the ICD's pictures are counted, softpipe's as well
expect_exit 0 record "$TMP/few.vgt" VGT_FRAMES=7 VGT_TIMES="$TMP/times" VGT_SHOWN="$TMP/few" \
	"$wine" triangle.exe "$frames"
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^7 0\.[0-9]*[1-9]' cat "$TMP/times"
expect_exit 0 cmp "$TMP/few" <(head -n 7 "$TMP/shown")
record "$TMP/soft.vgt" GALLIUM_DRIVER=softpipe VGT_FRAMES=7 VGT_SHOWN="$TMP/soft" "$wine" triangle.exe "$frames" \
	2>/dev/null || true
expect_stdout 7 sh -c "grep -c '^[0-9]*x[0-9]* [0-9a-f]\{16\}$' '$TMP/soft'"
# by the other transport, too
expect_exit 0 record "$TMP/file.vgt" VGT_TRANSPORT=device VGT_SHOWN="$TMP/file" "$wine" triangle.exe "$frames"
expect_exit 0 cmp "$TMP/shown" "$TMP/file"
# without the hop, by which it is measured, the same pictures
expect_exit 0 record "$TMP/no_hop.vgt" VGT_NO_HOP=1 VGT_SHOWN="$TMP/no_hop" "$wine" triangle.exe "$frames"
expect_exit 0 cmp "$TMP/shown" "$TMP/no_hop"
# positive control: without the triangle no frame is the window's
hashes "$TMP/triangle.vgt" --drop=draws >"$TMP/without"
expect_stdout "$frames" sh -c "wc -l <'$TMP/without'"
expect_exit 1 grep -q -x -F -f "$TMP/shown" "$TMP/without"

# a device that goes away ends the waits for its queries, and programs that ask are told of it
expect_exit 0 record "$TMP/queries.vgt" "$wine" queries.exe 60
expect_stdout_match '^60 of 60, no reset' cat "$TMP/out"
expect_exit 0 record "$TMP/queries_no_hop.vgt" VGT_NO_HOP=1 "$wine" queries.exe 60
expect_stdout_match '^60 of 60, no reset' cat "$TMP/out"
expect_exit 0 record "$TMP/gone.vgt" VGT_DEVICE_LOST_AT=200 timeout 60 "$wine" queries.exe 60
expect_stdout 0 cat "$TMP/status"
expect_stdout_match '^([1-9]|[1-5][0-9]) of 60, a reset' cat "$TMP/out"
