#!/bin/bash
# SPDX-License-Identifier: MIT
# Planted differences: which of the metrics of vgt compare catch and which forgive them. `make bench BENCH=planted`
# puts odiff and pixelmatch beside them.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/planted_stages.sh
. tests/planted_stages.sh

planted=$(realpath "$(dirname "${MKPNG:-build/tests/mkpng}")/planted")
[ -x "$planted" ] || { echo "cli/planted: no program $planted, build it" >&2; exit 1; }
frame=$PWD/traces/texture/frame-0010.png
cd "$TMP"
mkdir pictures
"$planted" pictures 320x240 "$frame"

for ((i = 0; i < ${#planted_stages[@]}; i += 3)); do
	read -r -a options <<<"${planted_stages[i + 1]}"
	expect_exit 0 "$VGT" compare "${options[@]}" pictures/golden.png pictures/equal.png
	for kind in "${planted_kinds[@]}"; do
		caught=0
		[[ " ${planted_stages[i + 2]} " != *" $kind "* ]] || caught=1
		expect_exit $caught "$VGT" compare "${options[@]}" pictures/golden.png "pictures/$kind.png"
	done
done

# Only what was planted differs: where it is, it is found.
expect_stdout_match ' 1 of 76800 pixels differ, in 1x1 pixels at 165,129;' \
	"$VGT" compare --metric exact pictures/golden.png pictures/pixel.png
expect_stdout_match ' in [0-9]+x1 pixels at [0-9]+,123;' \
	"$VGT" compare --metric exact pictures/golden.png pictures/row.png
expect_exit 0 "$VGT" compare --metric exact --ignore 165,129,1x1 pictures/golden.png pictures/pixel.png
expect_exit 1 "$VGT" compare --metric exact --ignore 166,129,1x1 pictures/golden.png pictures/pixel.png
