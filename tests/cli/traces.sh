#!/bin/bash
# SPDX-License-Identifier: MIT
# The traces that come with the source, on the real renderer: frames match their goldens, a replay
# repeats itself to the bit, every recorded answer is seen again, and dropped draws are noticed. The manifest names
# just these files, and nothing in them is of the machine that recorded.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || skip "jq is missing (make check installs it)"
export LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128

# manifest FILTER: of each trace in it, sorted.
manifest() {
	jq -r ".traces[] | $1" traces/manifest.json | sort
}

expect_equal "traces and their sizes" "$(stat -c '%n %s' traces/*.vgt | sort)" \
	"$(manifest '"traces/\(.name).vgt \(.bytes)"')"
expect_equal "their goldens" "$(printf '%s\n' traces/*/frame-*.png)" \
	"$(manifest '"traces/" + .name + "/frame-" + (.frames | split(",")[] | "000\(.)"[-4:]) + ".png"')"
manifest '"\(.sha256)  traces/\(.name).vgt"' >"$TMP/sums"
expect_exit 0 sha256sum --quiet -c "$TMP/sums"
expect_equal "what is missing in an entry" "" \
	"$(manifest 'select([.program, .recorded, .shows, .license, .tags[]] | any(. == null or . == "")).name')"

# The manifest sets what the replays need.
expect_exit 0 env -u LIBGL_ALWAYS_SOFTWARE -u LP_NATIVE_VECTOR_WIDTH "$VGT" test traces
expect_exit 1 "$VGT" test --drop=draws --json --out "$TMP/out" traces
cp "$TMP/.stdout" "$TMP/dropped"

for trace in traces/*.vgt; do
	expect_exit 0 zstd -q -t "$trace"
	expect_exit 0 [ "$(stat -c %s "$trace")" -lt 300000 ]
	zstd -q -d -c "$trace" >"$TMP/records"
	expect_exit 1 grep -a -q -E '/(root|home|Users)/' "$TMP/records"
	rule=$(jq -r --arg name "$(basename "$trace" .vgt)" '.traces[] | select(.name == $name) | .rule // "auto"' \
		traces/manifest.json)
	expect_exit 0 "$VGT" replay --quiet --frame="$rule" --verify "$trace"
	first=$(cat "$TMP/.stdout")
	expect_exit 0 [ -n "$first" ]
	expect_stdout "$first" "$VGT" replay --quiet --frame="$rule" --step "$trace"
	# two have no draws: of compute only, and of 2D resources only
	"$VGT" dump "$trace" op=DRAW_VBO >"$TMP/draws"
	differ=$(jq --arg name "$(basename "$trace" .vgt)" \
		'select(.name == $name) | .frames | any(.same | not) | if . then 1 else 0 end' "$TMP/dropped")
	expect_equal "noticed in $trace" "$(grep -c DRAW_VBO "$TMP/draws" | sed 's/[1-9].*/1/')" "$differ"
done

# What the manifest knows of softpipe: with nothing skipped all is as expected, and no entry is too many.
if env GALLIUM_DRIVER=softpipe "$(dirname "$VGT")/vgt-player" --probe 2>/dev/null | grep -q 'gl.renderer softpipe'; then
	mapfile -t known < <(for glob in $(jq -r '.expect[] | select(.renderer == "softpipe*").traces' traces/manifest.json); do
		manifest .name | while read -r name; do
			# shellcheck disable=SC2254 # a glob
			case $name in $glob) echo "$name" ;; esac
		done
	done | sort)
	expect_exit 0 env GALLIUM_DRIVER=softpipe "$VGT" test --no-skip --out "$TMP/out" traces "${known[@]}"
	expect_equal "known of softpipe" "${known[*]}" "$(sed -n 's/^known \([a-z-]*\): .*/\1/p' "$TMP/.stdout" | sort | xargs)"
	mkdir "$TMP/unknown"
	cp -R traces/tessellation traces/tessellation.vgt "$TMP/unknown"
	jq 'del(.expect) | .traces |= map(select(.name == "tessellation"))' traces/manifest.json >"$TMP/unknown/manifest.json"
	expect_exit 1 env GALLIUM_DRIVER=softpipe "$VGT" test --no-skip --out "$TMP/out" "$TMP/unknown"
fi

# On a host that lacks what a trace needs it is skipped, unless something else is wrong; where the trace does not need
# that it passes.
weak() {
	env MESA_GL_VERSION_OVERRIDE=3.2 MESA_EXTENSION_OVERRIDE=-GL_ARB_tessellation_shader "$@"
}
expect_exit 0 weak "$VGT" test -j 1 --out "$TMP/out" traces tessellation gears
expect_equal "on a host without tessellation" "pass gears skip tessellation" \
	"$(sed -n 's/^\([a-z]*\)  \([a-z]*\): .*/\1 \2/p' "$TMP/.stdout" | xargs)"
expect_stdout_match '^skip  tessellation: differs, but this host has less than the recording.s: ' \
	weak "$VGT" test --out "$TMP/out" traces tessellation
expect_exit 1 weak "$VGT" test --no-skip --out "$TMP/out" traces tessellation
mkdir "$TMP/suite"
cp -R traces/tessellation traces/tessellation.vgt "$TMP/suite"
cp traces/tessellation/frame-0000.png "$TMP/suite/tessellation/frame-0007.png"
expect_exit 1 weak "$VGT" test --out "$TMP/out" "$TMP/suite"

# A host that offers less than the recording's is told apart, in words.
expect_stderr_match 'capset: lacks has_tessellation_shaders$' env MESA_GL_VERSION_OVERRIDE=3.2 \
	MESA_EXTENSION_OVERRIDE=-GL_ARB_tessellation_shader \
	"$VGT" replay --no-pictures traces/gears.vgt
