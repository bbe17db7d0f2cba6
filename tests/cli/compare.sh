#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2164 # shell() expands; lib.sh sets -e
# vgt's frame (help, typos, closed output) and vgt compare. MKPNG makes the pictures.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

MKPNG=$(realpath "${MKPNG:-build/tests/mkpng}")
[ -x "$MKPNG" ] || { echo "cli/compare: no program $MKPNG, build it or set MKPNG" >&2; exit 1; }
cd "$TMP"

# What a shell makes of a command line with redirections; "$VGT" is $0 there.
shell() {
	bash -c "$1" "$VGT"
}

# The frame.
expect_stdout "vgt 0.1.0" "$VGT" --version
expect_exit 2 "$VGT"
expect_stderr_match "^usage: vgt COMMAND" "$VGT"
expect_exit 0 "$VGT" help
expect_exit 0 "$VGT" --help
expect_stderr "" "$VGT" --help
for command in compare help info record recover replay; do
	expect_stdout_match "^  $command +[a-z]" "$VGT" help
	expect_stdout_match "^usage: vgt $command" "$VGT" help "$command"
	expect_stdout "$("$VGT" help "$command")" "$VGT" "$command" --help
	expect_exit 0 "$VGT" "$command" --help
done
expect_exit 2 "$VGT" replya
expect_stderr "vgt: no such command 'replya', did you mean 'replay'?" "$VGT" replya
expect_stderr "vgt: no such command 'Compare', did you mean 'compare'?" "$VGT" help Compare
expect_stderr "vgt: no such command 'frobnicate'
try 'vgt help'" "$VGT" frobnicate
expect_exit 2 "$VGT" --frobnicate
expect_stderr "vgt: unknown option '--frobnicate'
try 'vgt help'" "$VGT" --frobnicate
expect_exit 2 "$VGT" help compare replay

# An output that cannot be written is trouble; a reader that has seen enough is not.
expect_exit 2 shell '"$0" help >/dev/full'
expect_stderr "vgt: cannot write to standard output: No space left on device" \
	shell '"$0" help >/dev/full'
expect_exit 2 shell '"$0" help >&-'
expect_stderr "vgt: cannot write to standard output: Bad file descriptor" shell '"$0" help >&-'
expect_stdout "usage: vgt COMMAND [ARGUMENT...]" shell '"$0" help | head -n 1'
expect_stderr "" shell '"$0" help | head -n 0'
expect_stderr "" shell 'trap "" PIPE; "$0" help | head -n 0'

# Two files.
"$MKPNG" a.png 300x300 102030ff
"$MKPNG" same.png 300x300 102030ff
"$MKPNG" b.png 300x300 102030ff 12,200,40x30 102055ff 5,5,1x1 112030ff
"$MKPNG" wild.png 300x300 102030ff 12,200,40x30 f0f030ff 5,5,1x1 f02030ff
"$MKPNG" wide.png 301x300 102030ff

expect_exit 0 "$VGT" compare a.png same.png
expect_stdout "same.png: identical" "$VGT" compare a.png same.png
expect_exit 1 "$VGT" compare a.png b.png # the positive control
expect_stdout "b.png: differs: 1201 of 90000 pixels beyond 0, in 47x225 pixels at 5,5; \
largest difference 37 (blue at 12,200), mean 0.123" "$VGT" compare a.png b.png
expect_stderr "" "$VGT" compare a.png b.png
expect_stdout_match "^b.png: differs: 1200 of 90000 pixels beyond 1," \
	"$VGT" compare --threshold 1 a.png b.png
expect_exit 0 "$VGT" compare --threshold 37 a.png b.png
expect_stdout_match "^b.png: same within tolerance: 0 of 90000 pixels beyond 37;" \
	"$VGT" compare --threshold 37 a.png b.png
expect_exit 1 "$VGT" compare --threshold 36 a.png b.png
expect_exit 0 "$VGT" compare --max-pixels 1201 a.png b.png
expect_exit 1 "$VGT" compare --max-pixels 1200 a.png b.png
expect_exit 0 "$VGT" compare --max-pixels 1.3345% a.png b.png
expect_exit 1 "$VGT" compare --max-pixels 1.3344% a.png b.png
expect_exit 0 "$VGT" compare --threshold 1 --max-pixels 1200 a.png b.png
expect_exit 1 "$VGT" compare --threshold 255 --max-pixels 100% a.png wide.png
expect_stdout "wide.png: differs: 300x300 pixels against 301x300" "$VGT" compare a.png wide.png
expect_stdout "" "$VGT" compare -q a.png b.png
expect_exit 1 "$VGT" compare a.png b.png --quiet
expect_exit 0 shell '"$0" compare -q <(cat a.png) <(cat same.png)'

# A pipe with a name is opened once: who writes into it would be told that nobody reads.
mkfifo pipe
for metric in difference yiq ssim flip; do
	for _ in 1 2 3 4 5 6 7 8; do
		(set +e; exec cat a.png >pipe) &
		expect_exit 0 timeout 30 "$VGT" compare -q --metric $metric pipe same.png
		wait $!
	done
done

# --diff: 135 and up where pixels differ, at most 63 elsewhere.
expect_exit 1 "$VGT" compare --diff diff.png a.png b.png
"$MKPNG" expected.png 300x300 1c1c1cff 12,200,40x30 0000ffff 5,5,1x1 870000ff
expect_stdout_match "^expected.png: same within tolerance:" \
	"$VGT" compare --threshold 21 diff.png expected.png
expect_exit 0 "$VGT" compare --diff diff.png a.png same.png
expect_exit 2 "$VGT" compare --diff none/diff.png a.png b.png
expect_stderr "vgt: none/diff.png: cannot create: No such file or directory" \
	"$VGT" compare --diff none/diff.png a.png b.png
expect_exit 1 "$VGT" compare --diff never.png a.png wide.png
expect_stderr "vgt: never.png: not written, the sizes differ" \
	"$VGT" compare --diff never.png a.png wide.png
expect_exit 1 test -e never.png

# Each metric: what it measures, and that its limit is one.
"$MKPNG" near.png 300x300 102030ff 12,200,40x30 112030ff # by 1 in red
expect_exit 1 "$VGT" compare --metric exact a.png near.png
expect_stdout "near.png: differs: 1200 of 90000 pixels differ, in 40x30 pixels at 12,200; largest \
difference 1 (red at 12,200), mean 0.00333" "$VGT" compare --metric exact a.png near.png
expect_exit 0 "$VGT" compare --metric mean --max 0.0034 a.png near.png
expect_exit 1 "$VGT" compare --metric mean --max 0.0033 a.png near.png
expect_exit 0 "$VGT" compare --metric psnr --min 71 a.png near.png # 1200 * 1^2 / 270000: 71.65 dB
expect_exit 1 "$VGT" compare --metric psnr --min 72 a.png near.png
expect_exit 0 "$VGT" compare --metric yiq a.png near.png
expect_exit 1 "$VGT" compare --metric yiq --threshold 0 a.png near.png
expect_exit 0 "$VGT" compare --metric yiq --threshold 0 --max-pixels 1200 a.png near.png
expect_exit 0 "$VGT" compare --metric ssim --min 0.99 a.png near.png
expect_exit 1 "$VGT" compare --metric ssim --min 0.999999 a.png near.png
expect_exit 0 "$VGT" compare --metric flip --max 0.01 a.png near.png
expect_exit 1 "$VGT" compare --metric flip --max 0.0001 a.png near.png
for metric in exact mean psnr yiq ssim flip; do
	expect_exit 0 "$VGT" compare --metric $metric a.png same.png
	expect_stdout "same.png: identical" "$VGT" compare --metric $metric a.png same.png
	expect_exit 1 "$VGT" compare --metric $metric a.png wild.png
	expect_exit 1 "$VGT" compare --metric $metric a.png wide.png
	expect_exit 0 "$VGT" compare --metric $metric --ignore 5,5,1x1 --ignore 12,200,40x30 a.png wild.png
	expect_stdout "wild.png: identical outside the 1201 ignored pixels" \
		"$VGT" compare --metric $metric --ignore 5,5,1x1 --ignore 12,200,40x30 a.png wild.png
	expect_stdout_match '"verdict":"identical",.*"pixels_ignored":1201' \
		shell '"$0" compare --json --metric '$metric' --ignore 5,5,1x1 --ignore 12,200,40x30 a.png wild.png | jq -c .pairs[]'
	expect_exit 1 "$VGT" compare --metric $metric --ignore 5,5,1x1 --ignore 12,200,40x29 a.png wild.png
	expect_stderr "vgt: a.png: nothing to compare: all of 300x300 pixels is ignored" \
		"$VGT" compare --metric $metric --ignore 0,0,200x300 --ignore 100,0,999x999 a.png wild.png
	expect_stdout_match '"metric":"'$metric'"' "$VGT" compare --json --metric $metric a.png wild.png
done
expect_stdout_match "^  yiq +1201  pixels beyond 0.1 of the largest distance" \
	"$VGT" compare --metric all a.png wild.png
expect_exit 1 "$VGT" compare --metric all a.png b.png
expect_exit 0 "$VGT" compare --metric all a.png same.png
expect_stdout_match '"psnr":40.2885917' "$VGT" compare --json --metric all a.png b.png

# FLIP's error map is black where nothing differs.
expect_exit 1 "$VGT" compare --metric flip --diff map.png a.png b.png
"$MKPNG" black.png 300x300 000004ff
expect_exit 0 "$VGT" compare --ignore 0,170,90x90 --ignore 0,0,40x40 map.png black.png
expect_exit 1 "$VGT" compare --ignore 0,0,40x40 map.png black.png

# What is ignored is blue.
expect_exit 0 "$VGT" compare --ignore 0,0,100x300 --diff diff.png a.png wild.png
"$MKPNG" expected.png 300x300 080808ff 0,0,100x300 080860ff
expect_stdout_match "^expected.png: same within tolerance:" \
	"$VGT" compare --threshold 2 diff.png expected.png

expect_stderr_match "^vgt: --metric must be difference, exact, mean, psnr, yiq, ssim, flip or all, not 'yqi'$" \
	"$VGT" compare --metric yqi a.png b.png
expect_stderr_match "^vgt: --max belongs to metrics mean and flip, not yiq$" \
	"$VGT" compare --max 1 --metric yiq a.png b.png
expect_stderr_match "^vgt: --threshold must be a number from 0 to 1, not '8'$" \
	"$VGT" compare --threshold 8 --metric yiq a.png b.png
expect_stderr_match "^vgt: --ppd must be a number of pixels per degree from 1 to 1000, not '0'$" \
	"$VGT" compare --metric flip --ppd 0 a.png b.png
expect_stderr_match "^vgt: --metric all works on two files, not on directories$" \
	"$VGT" compare --metric all . .
for wrong in "" 1,2 1,2,3 1,2,3x 1,2,0x4 1,2,3x4x -1,0,2x2 "1, 2,3x4" 1234567,0,1x1; do
	expect_stderr_match "^vgt: --ignore must be an area such as 0,16,640x32 \(X,Y,WxH\), not '$wrong'$" \
		"$VGT" compare --ignore "$wrong" a.png b.png
done
mapfile -t many < <(for i in {0..32}; do printf -- '--ignore\n%d,0,1x1\n' "$i"; done)
expect_stderr_match "^vgt: --ignore has more than 32 areas$" "$VGT" compare "${many[@]}" a.png b.png

# Trouble with files.
expect_exit 2 "$VGT" compare a.png missing.png
expect_stderr "vgt: missing.png: cannot open: No such file or directory" \
	"$VGT" compare a.png missing.png
echo "this is text" >text.png
expect_exit 2 "$VGT" compare text.png a.png
expect_stderr "vgt: text.png: not a PNG file" "$VGT" compare text.png a.png
head -c 60 a.png >cut.png
expect_exit 2 "$VGT" compare a.png cut.png
expect_stderr "vgt: cut.png: truncated PNG, the file ends too early (byte 60)" \
	"$VGT" compare a.png cut.png

# Wrong usage.
expect_exit 2 "$VGT" compare
expect_stderr_match "^try 'vgt help compare'$" "$VGT" compare
expect_exit 2 "$VGT" compare a.png
expect_exit 2 "$VGT" compare a.png a.png a.png
expect_stderr_match "^vgt: --threshold must be a whole number from 0 to 255, not '256'$" \
	"$VGT" compare --threshold 256 a.png a.png
for wrong in "" -1 " 1" 1x 0x10 99999999999999999999 1.5 % 101% 100.0001% 1.% 1.23456% 5%%; do
	expect_exit 2 "$VGT" compare --max-pixels "$wrong" a.png a.png
done
expect_stderr_match "^vgt: option '--threshold' needs a value$" "$VGT" compare --threshold
expect_stderr_match "^vgt: option '--json' takes no value$" "$VGT" compare --json=1 a.png a.png
expect_stderr_match "^vgt: unknown option '-x'$" "$VGT" compare -x a.png a.png
expect_exit 2 "$VGT" compare --json -q a.png a.png

# Two directories.
mkdir good new empty empty2
for i in 0 1 2; do
	cp a.png good/frame-000$i.png
	cp a.png new/frame-000$i.png
done
echo "no frame" >good/notes.txt
expect_exit 0 "$VGT" compare good new
expect_stderr "vgt: 0 of 3 frames differ" "$VGT" compare good new
cp b.png new/frame-0001.png
cp a.png good/frame-0003.png
cp a.png new/frame-0004.png
expect_exit 1 "$VGT" compare good new/
expect_stdout "frame-0000.png: identical
frame-0001.png: differs: 1201 of 90000 pixels beyond 0, in 47x225 pixels at 5,5; largest difference 37 \
(blue at 12,200), mean 0.123
frame-0002.png: identical
only in good: frame-0003.png
only in new: frame-0004.png" "$VGT" compare good new
expect_stderr "vgt: 1 of 5 frames differ, 2 only on one side" "$VGT" compare good new
expect_stderr "" "$VGT" compare -q good new
cp cut.png new/frame-0002.png
expect_exit 2 "$VGT" compare good new
expect_stderr "vgt: new/frame-0002.png: truncated PNG, the file ends too early (byte 60)
vgt: 1 of 5 frames differ, 2 only on one side, 1 could not be compared" "$VGT" compare good new
expect_exit 2 "$VGT" compare good a.png
expect_stderr_match "^vgt: good is a directory and a.png is not$" "$VGT" compare a.png good
expect_exit 2 "$VGT" compare empty empty2
expect_stderr "vgt: nothing to compare: no PNG file in empty nor in empty2" \
	"$VGT" compare empty empty2
expect_exit 1 "$VGT" compare good empty
expect_exit 2 "$VGT" compare --diff diff.png good new

# Directories in them; a link to one is not followed.
mkdir -p deep/a/b deep2/a/b
cp a.png deep/a/b/x.png
cp b.png deep2/a/b/x.png
cp a.png deep2/a/only.png
ln -s .. deep/a/up
expect_exit 1 "$VGT" compare deep deep2
expect_stdout_match "^a/b/x.png: differs: 1201 " "$VGT" compare deep deep2
expect_stdout_match "^only in deep2: a/only.png$" "$VGT" compare deep deep2
expect_stderr "vgt: 1 of 2 frames differ, 1 only on one side" "$VGT" compare deep deep2
ln -s deep link
expect_exit 0 "$VGT" compare deep link

# What Git LFS has put in the place of a file.
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n' 0 >lfs.png
expect_stderr 'vgt: lfs.png: is a Git LFS pointer, `git lfs pull` brings the file' "$VGT" compare a.png lfs.png
expect_stderr_match "^vgt: lfs.png: is a Git LFS pointer" "$VGT" compare --metric ssim a.png lfs.png
expect_stderr_match "^vgt: lfs.png: is a Git LFS pointer" "$VGT" info lfs.png

# JSON.
expect_stdout '{
  "a":"a.png",
  "b":"b.png",
  "metric":"difference",
  "threshold":1,
  "max_pixels":null,
  "max_percent":0.07,
  "limit":null,
  "ignore":[
  ],
  "same":false,
  "frames":1,
  "different":1,
  "unreadable":0,
  "pairs":[
    {
      "name":"b.png",
      "verdict":"differs",
      "pixels":90000,
      "pixels_ignored":0,
      "pixels_beyond":1200,
      "pixels_antialiased":0,
      "value":1200,
      "psnr":40.2885917,
      "largest":{
        "difference":37,
        "channel":"blue",
        "x":12,
        "y":200
      },
      "mean":0.123336111,
      "area":{
        "x":12,
        "y":200,
        "width":40,
        "height":30
      }
    }
  ]
}' "$VGT" compare --json --threshold 1 --max-pixels 0.07% a.png b.png
expect_stdout_match '"error":"truncated PNG' "$VGT" compare --json good new
expect_stdout_match '"side":"b"' "$VGT" compare --json good new
for verdict in identical differs only-in-a only-in-b unreadable; do
	expect_stdout_match "\"verdict\":\"$verdict\"" "$VGT" compare --json good new
done
expect_stdout_match '"verdict":"size-differs"' "$VGT" compare --json a.png wide.png
cp a.png $'bad\xff.png'
expect_stdout_match $'"name":"bad\xef\xbf\xbd.png"' "$VGT" compare --json a.png $'bad\xff.png'
