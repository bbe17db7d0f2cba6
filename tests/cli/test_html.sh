#!/bin/bash
# SPDX-License-Identifier: MIT
# The page of `vgt test --html` as a file: whole in itself, with pictures that are what was compared, hostile text
# that cannot leave its element, and errors. How it is used is in e2e/report.sh.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128
traces=$PWD/traces
report=$PWD/replay/report
for needed in jq python3 pngtopnm; do
	command -v $needed >/dev/null || skip "no $needed"
done
cd "$TMP"

vgt_test() {
	timeout 120 "$VGT" test -q "$@"
}
data() { # FILE JQ-EXPRESSION
	sed -n 's|^<script type="application/json" id="data">\(.*\)|\1|p' "$1" | sed 's|</script>$||' | jq -r "$2"
}
picture() { # FILE NUMBER: as a PNG
	sed -n "s|^<script type=\"text/plain\" id=\"p$2\">\(.*\)</script>\$|\1|p" "$1" | base64 -d
}

# Hostile text stands in a manifest; a golden has samples of alpha and 16 bits.
mkdir suite
cp -R "$traces/gears" "$traces/gears.vgt" suite/
cp "$traces/gears.vgt" suite/alpha.vgt
mkdir suite/alpha
python3 - suite/alpha/frame-0000.png <<-'END'
	import struct, sys, zlib
	def chunk(kind, data):
	    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
	rows = (b"\0" + struct.pack(">4H", 200 * 257, 101 * 257, 51 * 257, 3 * 257) * 300) * 300
	open(sys.argv[1], "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", 300, 300, 16, 6, 0, 0, 0)) +
	    chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
END
cat >suite/manifest.json <<-'END'
	{"version": 1, "tolerance": {"threshold": 8, "max_pixels": "0.5%"}, "traces": [{"name": "gears"},
		{"name": "alpha", "shows": "</script><!--<script>\u009b2J\u2028"}]}
END
expect_exit 1 vgt_test --html report.html suite
expect_equal "it is one page" "<!doctype html> </html>" "$(sed -n -e 1p -e '$p' report.html | xargs)"
expect_equal "verdicts" "gears pass alpha fail" "$(data report.html '.tests[] | "\(.name) \(.verdict)"' | xargs)"
expect_equal "text" $'</script><!--<script>\xc2\x9b2J\xe2\x80\xa8' "$(data report.html '.tests[1].shows')"
ends() { # FILE: how many lines of the data have what could end their element
	sed -n 's|^<script type="application/json" id="data">||p' "$1" | grep -c '<'
}
expect_equal "which ends nothing" 0 "$(ends report.html)"
sed 's/\\u003c/</' report.html >spoilt.html
expect_equal "positive control" 1 "$(ends spoilt.html)"
expect_equal "it names nothing that is elsewhere" "" "$(sed '/id="p[0-9]*"/d' report.html | grep -Eo \
	'(src|href)="[^#"][^"]*"|url\([^)]*\)|@import' | grep -v '^href="data:,"$')"
expect_equal "marks of the template" 0 "$(sed '/<style>/,/<\/style>/d; /^<script/,/<\/script>/d' report.html | grep -c '@[A-Z]')"

# What may run is what vgt has put there, by its SHA-256.
for part in css:style js:script; do
	hash=$(python3 -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha256(open(sys.argv[1], "rb").read()).digest()).decode())' "$report/page.${part%:*}")
	expect_equal "the policy for ${part#*:}" 1 "$(grep -Fc "${part#*:}-src 'sha256-$hash'" report.html)"
done
expect_equal "all else is forbidden" 1 "$(grep -c "content=\"default-src 'none'; img-src blob: data:; style" report.html)"

# Pictures: the same one once, samples as they were compared.
expect_equal "golden and actual are one" 3 \
	"$(data report.html '[.tests[0].frames[].pictures | select(.golden == .actual and .golden != null)] | length')"
for number in 0 10 19; do
	golden=$(data report.html ".tests[0].frames[] | select(.number == $number).pictures.golden")
	picture report.html "$golden" | pngtopnm >seen.pnm 2>/dev/null
	pngtopnm "suite/gears/frame-00$(printf %02d $number).png" >golden.pnm 2>/dev/null
	expect_exit 0 cmp seen.pnm golden.pnm
done
picture report.html "$(data report.html '.tests[1].frames[0].pictures.golden')" >alpha.png
expect_equal "alpha, and 16 bits as 8" "200 101 51 3" "$(python3 - alpha.png <<-'END'
	import sys, zlib
	png = open(sys.argv[1], "rb").read()
	assert png[24] == 8 and png[25] == 6 and png[28] == 0
	at, data = 8, b""
	while at < len(png):
	    size = int.from_bytes(png[at:at + 4], "big")
	    data += png[at + 8:at + 8 + size] if png[at + 4:at + 8] == b"IDAT" else b""
	    at += size + 12
	print(*zlib.decompress(data)[1:5])
END
)"
expect_equal "a FLIP map" number "$(data report.html '.tests[1].frames[0].pictures | .flip, .flip_mean | type' | uniq)"

# What joined results do not have, and what is no picture.
expect_exit 1 vgt_test --out out suite
echo nonsense >out/alpha/frame-0000.actual.png
expect_exit 1 vgt_test --merge --html joined.html out
expect_equal "a golden elsewhere" "It is where the test was run: suite/gears/frame-0000.png" \
	"$(data joined.html '.tests[0].frames[0].pictures.golden')"
expect_equal "no picture" "out/alpha/frame-0000.actual.png: not a PNG file" \
	"$(data joined.html '.tests[1].frames[0].pictures.actual')"
# a path of a hostile result leads nowhere else
cp suite/gears/frame-0000.png secret.png
jq -c 'if .name == "alpha" then .frames[0] |= (.golden = "secret.png" | .golden_copy = "../../secret.png") else . end' \
	out/results.jsonl >changed && mv changed out/results.jsonl
expect_exit 1 vgt_test --merge --html joined.html out
expect_equal "a path that leads elsewhere" "out/alpha/secret.png: cannot open: No such file or directory" \
	"$(data joined.html '.tests[1].frames[0].pictures.golden')"

# Where it goes
expect_stderr_match '^vgt: suite/gears.vgt/report.html: cannot create: Not a directory$' \
	vgt_test --html suite/gears.vgt/report.html suite gears
expect_equal "status" 2 "$cli_status"
expect_exit 2 vgt_test --html suite suite gears
expect_exit 2 vgt_test --html /dev/full suite gears
echo before >report.html
expect_exit 2 vgt_test --html report.html suite none
expect_stdout before cat report.html
# shellcheck disable=SC2016
expect_exit 0 bash -c '"$0" test -q --html /dev/stdout suite gears 2>/dev/null | grep -qx "</html>"' "$VGT"
expect_equal "nothing else is left" "" "$(find . -name 'report.html?*' -o -name '.report.html*')"
