#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154,SC2164 # shell() expands; lib.sh sets cli_status, and -e
# What virgl_client did with the stub of virglrenderer is recorded, and replayed on the stub: the
# same calls, answers and pictures; and what is said where the stub fails, crashes or hangs.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$VGT")
client=$build/tests/virgl_client
preload="${VGT_PRELOAD_FIRST:+$VGT_PRELOAD_FIRST }$build/libvgt-preload.so"
export LD_LIBRARY_PATH=$build/tests/stub
for needed in "$client" "$build/vgt-player" "$build/libvgt-preload.so" \
	"$build/tests/mktrace" "$LD_LIBRARY_PATH/libvirglrenderer.so.1"; do
	[ -e "$needed" ] || { echo "cli/replay_stub: no $needed, build it" >&2; exit 1; }
done
cd "$TMP"

# A crash is to be one, not a sanitizer's report.
export ASAN_OPTIONS="$ASAN_OPTIONS:handle_segv=0:handle_abort=0"

# record NAME ARGUMENT...: NAME.vgt, and NAME.log of the stub.
record() {
	local name=$1

	shift
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" STUB_VIRGL_LOG="$name.log" timeout 60 \
		env LD_PRELOAD="$preload" VGT_CAPTURE_FILE="$name.vgt" "$client" "$@" >"$name.out"
}

replay() {
	timeout 60 "$VGT" replay "$@"
}

# What a shell makes of a command line with redirections; "$VGT" is $0 there.
shell() {
	timeout 60 bash -c "$1" "$VGT"
}

# address LOG REGEX N: of the Nth command (from 0) among those that match, by counting in the
# stub's log what the interposer records as a control command.
address() {
	awk -v regex="$2" -v n="$3" '
		$2 == "virgl_renderer_init" { skip = 2; next } # the interposer asks for capsets
		$2 == "virgl_renderer_fill_caps" && skip { skip--; next }
		$2 ~ /_(init|cleanup|poll|get_cap_set|get_poll_fd|get_info|get_map_info)$/ { next }
		$2 ~ /_(create_fence|context_create_fence)$/ { next }
		$2 ~ /_context_create_with_flags$/ && inner { inner = 0; next }
		$2 ~ /_context_create$/ { inner = 1 }
		$0 ~ regex && n-- == 0 { print "@" command + 0; exit }
		{ command++ }' "$1"
}

# The calls that a replay repeats: no questions, no polls, and by one function where there are
# two for a submit. A blob is mapped for the guest only.
calls() { # LOG
	awk '
		$2 ~ /_(init|cleanup|reset|poll|get_cap_set|fill_caps|get_poll_fd)$/ { next }
		$2 ~ /_(get_info|get_map_info|get_info_ext|resource_map|resource_unmap)$/ { next }
		$2 ~ /_(export_signalled_fence|force_ctx_0)$/ || $2 ~ /^virgl_set_/ { next }
		{ sub(/^[0-9]+ /, ""); sub(/_submit_cmd2/, "_submit_cmd"); sub(/ fences=0.*/, "")
		  print }' "$1"
}

# The recordings, and what each is for itself: replayed, it makes the same calls with the same
# arguments, gets the same answers, and shows the same pictures every time and in every way.
faithful() { # NAME ARGUMENT...
	local name=$1 frames

	shift
	record "$name" "$@"
	frames=$(grep -c ^frame "$name.out")
	expect_exit 0 replay "$name.vgt"
	cp .stdout "$name.frames"
	expect_equal "frames of $name" "$frames" "$(grep -c '^frame .*  [0-9a-f]\{16\}$' .stdout)"
	expect_stderr_match \
		"^vgt: $name.vgt: replayed $frames frames, [0-9]+ commands in [0-9.]+ s" \
		replay "$name.vgt"
	expect_stdout "$(cat "$name.frames")" replay "$name.vgt"
	expect_stdout "$(cat "$name.frames")" replay --step "$name.vgt"
	expect_stdout "$(cat "$name.frames")" replay --verify "$name.vgt"
	expect_equal "status of --verify" 0 "$cli_status"
	expect_equal "--verify" "0 differ" \
		"$(sed -n 's/.* answers compared, //p' .stderr)"
	cp .stderr "$name.verified"
	# every answer of the recording but those about mappings, which a replay has no use for
	expect_equal "answers compared" \
		"$("$VGT" info --all "$name.vgt" | awk '$1 == "RESPONSE" { n += $2 }
			$1 ~ /^RESOURCE_(MAP|UNMAP)_BLOB$/ { n -= $2 } END { print n }')" \
		"$(sed -n 's/.*; \([0-9]*\) answers compared.*/\1/p' "$name.verified")"
	expect_exit 0 env STUB_VIRGL_LOG="$name.replay.log" "$VGT" replay --no-pictures "$name.vgt"
	expect_equal "calls of $name" "$(calls "$name.log")" "$(calls "$name.replay.log")"
}

faithful plain --frames 8
faithful contexts --contexts 3 --frames 8
faithful threads --threads --contexts 4 --frames 6
faithful own_iov --own-iov --contexts 2 --frames 8
faithful segments --segments 33 --frames 8
faithful blob --blob --contexts 2 --frames 8
faithful eleven --eleven --blob --frames 8
faithful clear --clear-only --frames 4
faithful big --size 500x300 --submit-bytes 300000 --frames 4

expect_equal "different pictures" 8 "$(awk '{ print $NF }' plain.frames | sort -u | wc -l)"

# The positive control: without draws it is not the same.
expect_exit 0 replay --drop=draws plain.vgt
expect_equal "pictures without draws" "" \
	"$(grep -Fxf <(awk '{ print $NF }' plain.frames) <(awk '{ print $NF }' .stdout) || true)"
expect_exit 1 replay --drop=draws --verify plain.vgt
expect_stderr_match "^vgt: plain.vgt: $(address plain.log _transfer_read_iov 3): the answer of \
12288 bytes differs from the recording's$" replay --drop=draws --verify plain.vgt
expect_stderr_match " answers compared, 8 differ$" replay --drop=draws --verify plain.vgt
expect_exit 0 replay --drop=draws --verify clear.vgt # which has none

# --frames
expect_stdout "$(sed -n 3p plain.frames)" replay --frames 2 plain.vgt
expect_stdout "$(sed -n 3,5p plain.frames)" replay --frames 2-4 plain.vgt
expect_stdout "$(sed -n '1p;3,4p;8p' plain.frames)" replay --frames 0,2-3,7 plain.vgt
expect_stdout "$(sed -n '7,$p' plain.frames)" replay --frames 6- plain.vgt
expect_stdout "" replay --frames 100- plain.vgt
# What there is not of them is told; without an end nothing is missing.
missing() { # RANGES TEXT
	expect_exit 0 replay --frames "$1" plain.vgt
	expect_equal "note of --frames $1" "$2" "$(sed -n 's/^vgt: plain.vgt: \(there is no .*\)/\1/p' .stderr)"
}
missing 6-50 "there is no frame 8 to 50: the trace has 8 frames"
missing 2,9 "there is no frame 9: the trace has 8 frames"
missing 6-7 ""
missing 6- ""
expect_exit 0 replay --quiet --json --frames 6-50 plain.vgt
expect_equal "a note in JSON" \
	'{"event":"note","text":"there is no frame 8 to 50: the trace has 8 frames"}' "$(grep note .stdout)"
expect_stderr "" replay --quiet --frames 6-50 plain.vgt
# One letter, and a value that is missing.
expect_stderr_match "^vgt: no such rule '10-12': .*; did you mean --frames 10-12[?]$" replay --frame 10-12 plain.vgt
expect_exit 1 grep -q "did you mean" <("$VGT" replay --frame flash plain.vgt 2>&1)
expect_stderr_match "^vgt: replay takes one trace: '--frames' took 'plain.vgt' as its range$" replay --frames plain.vgt
expect_stderr_match "^vgt: replay takes one trace$" replay --frames 3
# The replay ends behind the last of them.
expect_stderr_match "replayed 3 frames," replay --frames 2 plain.vgt

# --frame=submit: the client draws with each submit.
expect_exit 0 replay --frame=submit plain.vgt
expect_equal "frames by submit" "$(seq -f 'frame %g submit' 0 7)" \
	"$(sed 's/^\(frame [0-9]*\) .*  \([a-z]*\)  [0-9a-f]*$/\1 \2/' .stdout)"
expect_stdout "" replay --frame=flush plain.vgt

# --out, --alpha
expect_exit 0 replay --out pictures contexts.vgt
expect_equal "files of --out" "$(seq -f 'frame-%04g.png' 0 23)" "$(ls pictures)"
expect_exit 0 replay -o pictures2 --frames 4-5 contexts.vgt
expect_equal "files of --out" "frame-0004.png
frame-0005.png" "$(ls pictures2)"
expect_exit 0 "$VGT" compare pictures/frame-0004.png pictures2/frame-0004.png
expect_exit 1 "$VGT" compare pictures/frame-0004.png pictures/frame-0005.png
expect_exit 0 replay --alpha -o pictures3 --frames 3-4 contexts.vgt
expect_exit 1 "$VGT" compare pictures/frame-0003.png pictures3/frame-0003.png
expect_exit 0 "$VGT" compare pictures/frame-0004.png pictures3/frame-0004.png # XRGB has none

# --quiet, --loop, --no-pictures
expect_stderr "" replay --quiet plain.vgt
expect_stdout "$(cat plain.frames plain.frames plain.frames)" replay --loop 3 plain.vgt
expect_equal "summaries of --loop" 3 "$(grep -c 'replayed 8 frames' .stderr)"
expect_stdout "" replay --no-pictures plain.vgt
expect_exit 2 replay --loop 2 -

# --json
json_lines() { # FILE
	if echo '{}' | python3 -m json.tool --json-lines >/dev/null 2>&1; then
		python3 -m json.tool --json-lines <"$1" >/dev/null
	else
		[ "$(grep -vc '^{"event":".*}$' "$1")" -eq 0 ]
	fi
}
expect_exit 0 replay --json --verify -o pictures4 plain.vgt
cp .stdout json
expect_exit 0 json_lines json
expect_equal "events" "1 end 8 frame 1 renderer" \
	"$(sed 's/^{"event":"\([a-z]*\)".*/\1/' json | sort | uniq -c | xargs)"
expect_equal "hashes in JSON" "$(awk '{ print $NF }' plain.frames)" \
	"$(sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p' json)"
expect_equal "commands in JSON" "$(awk '{ sub(/@/, "", $3); print $3 }' plain.frames)" \
	"$(sed -n 's/^{"event":"frame","command":\([0-9]*\),.*/\1/p' json)"
expect_equal "the end in JSON" 1 "$(grep -c '"differing":0.*"trace":"tail"' json)"
expect_exit 1 replay --json --verify --drop=draws plain.vgt
cp .stdout json
expect_exit 0 json_lines json
expect_equal "problems in JSON" 8 "$(grep -c '"event":"problem","command":[0-9]' json)"

# Frames of two screens are told apart; others have none.
scanouts=$OLDPWD/traces/scanouts.vgt
gears=$OLDPWD/traces/gears.vgt
expect_exit 0 replay --quiet "$scanouts"
expect_equal "scanouts" "11 flush scanout 0, 3 flush scanout 1, " \
	"$(grep -o 'flush scanout [0-9]*  ' .stdout | sort | uniq -c | awk '{ printf "%s %s %s %s, ", $1, $2, $3, $4 }')"
expect_exit 0 replay --quiet --json "$scanouts"
expect_equal "scanouts in JSON" "11 \"scanout\":0 3 \"scanout\":1" \
	"$(grep -o '"scanout":[a-z0-9]*' .stdout | sort | uniq -c | xargs -d '\n' | tr -s ' ' | sed 's/^ //')"
expect_exit 0 replay --quiet --json --frames 0 plain.vgt
expect_equal "no scanout" 1 "$(grep -c '"event":"frame".*"scanout":null' .stdout)"

# Crashes.
for n in 0 4; do
	at=$(address plain.log _submit_cmd $n)
	expect_exit 3 env STUB_VIRGL_CRASH=$n "$VGT" replay plain.vgt
	expect_equal "message" "vgt: plain.vgt: $at: renderer crashed (Segmentation fault) in \
SUBMIT_3D (--step tells the virgl command)" "$(grep -v renderer: .stderr)"
	expect_equal "frames before the crash" "$(head -n $n plain.frames)" "$(cat .stdout)"
done
# With --step each virgl command is a submit: the one to name is known from the log of --step,
# where a run of submits is one of the trace.
expect_exit 0 env STUB_VIRGL_LOG=step.log "$VGT" replay --step --no-pictures plain.vgt
awk '$2 ~ /_submit_cmd$/ { print run + 0, at + 0; at++; next } at { run++; at = 0 }' \
	step.log >step.places
expect_equal "submits of --step" 8 "$(cut -d ' ' -f 1 step.places | sort -u | wc -l)"
for n in 0 7 25 40; do
	read -r run at < <(sed -n "$((n + 1))p" step.places)
	expect_exit 3 env STUB_VIRGL_CRASH=$n "$VGT" replay --step plain.vgt
	expect_equal "message with --step" "vgt: plain.vgt: \
$(address plain.log _submit_cmd "$run").$at: renderer crashed (Segmentation fault) in SUBMIT_3D" \
		"$(grep -v renderer: .stderr)"
done
expect_exit 3 env STUB_VIRGL_CRASH=4 "$VGT" replay --loop 3 --quiet plain.vgt
expect_equal "messages of a --loop that crashes" 1 "$(wc -l <.stderr)"

# A pipe can be read once only; a player that is missing or cannot start is told apart.
expect_exit 0 "$VGT" replay --quiet <(cat plain.vgt)
expect_exit 2 "$VGT" replay --loop 2 <(cat plain.vgt)
expect_stderr "vgt: -: is empty (byte 0)" "$VGT" replay -
expect_equal "status of an empty pipe" 1 "$cli_status"
mkdir alone
cp "$VGT" alone/vgt
expect_stderr_match '^vgt: vgt-player not found in .*/alone or ' \
	alone/vgt replay plain.vgt
printf '#!/bin/sh\nexit 127\n' >alone/vgt-player
chmod +x alone/vgt-player
expect_stderr "vgt: vgt-player cannot start" alone/vgt replay plain.vgt
expect_exit 3 env STUB_VIRGL_EXIT=4 "$VGT" replay --quiet plain.vgt # not the same as an exit like that
expect_equal "message" "vgt: plain.vgt: $(address plain.log _submit_cmd 4): renderer ended the player (exit 127) in \
SUBMIT_3D (--step tells the virgl command)" "$(cat .stderr)"

# What a renderer that has lost its way may write: a kind of event that there is not, a frame by no rule.
head -c 508 /dev/zero | tr '\0' '\377' >rest
printf '#!/bin/sh\ncat kind rest >&3; exec sleep 60\n' >alone/vgt-player
for kind in '\0\0\0\0' '\012\0\0\0' '\0\0\0\377' '\002\0\0\0' '\003\0\0\0'; do
	printf '%b' "$kind" >kind
	for format in --quiet --json; do
		expect_exit 3 timeout 20 alone/vgt replay $format plain.vgt
		expect_equal "message" "vgt: plain.vgt: renderer broke the player (it wrote something that is no event) \
outside of any command" "$(cat .stderr)"
	done
done
printf '\002\0\0\0' >kind # the control: a frame that might be one
head -c 508 /dev/zero >rest
expect_stdout_match '^frame 0 .* auto ' timeout 20 alone/vgt replay --timeout 1 plain.vgt
expect_equal "message" "vgt: plain.vgt: renderer hung for 1 s outside of any command" "$(cat .stderr)"
# What the renderer logs or is called does not steer the terminal.
printf '#!/bin/sh\ncat event >&3; exec sleep 60\n' >alone/vgt-player
while IFS=$'\t' read -r kind before; do
	{
		printf '%b\0\0\0' "$kind"
		head -c 12 /dev/zero | tr '\0' '\377'
		head -c 96 /dev/zero
		printf '\033[31mred\nnew'
		head -c 221 /dev/zero
	} >event
	expect_exit 3 timeout 20 alone/vgt replay --timeout 1 plain.vgt
	expect_equal "message" "$before ?[31mred?new" "$(head -n 1 .stderr)"
done <<'EOF'
\001	vgt: renderer:
\005	vgt: plain.vgt: renderer says:
\006	vgt: plain.vgt:
EOF
chmod -x alone/vgt-player
expect_stderr_match 'alone/vgt-player: Permission denied$' alone/vgt replay plain.vgt

# Hangs.
expect_exit 3 env STUB_VIRGL_HANG=3 timeout 20 "$VGT" replay --timeout 1 plain.vgt
expect_equal "message" "vgt: plain.vgt: $(address plain.log _submit_cmd 3): renderer hung for 1 s \
in SUBMIT_3D (--step tells the virgl command)" "$(grep -v renderer: .stderr)"
expect_exit 3 env STUB_VIRGL_HANG=25 timeout 20 "$VGT" replay --step --timeout 1 plain.vgt
read -r run at < <(sed -n 26p step.places)
expect_equal "message with --step" "vgt: plain.vgt: $(address plain.log _submit_cmd "$run").$at: \
renderer hung for 1 s in SUBMIT_3D" "$(grep -v renderer: .stderr)"

# Functions that fail.
while read -r function n; do
	at=$(address plain.log "_$function " "$n")
	expect_exit 1 env STUB_VIRGL_FAIL="$function:$n" "$VGT" replay --verify --no-pictures \
		plain.vgt
	expect_equal "first message about $function" "vgt: plain.vgt: $at: the renderer returns \
22, the recording's returned 0" "$(grep -v renderer: .stderr | head -n 1)"
done <<-EOF
	context_create 0
	submit_cmd 2
	resource_create 1
	resource_attach_iov 3
	transfer_write_iov 6
	transfer_read_iov 4
EOF
expect_exit 0 env STUB_VIRGL_FAIL=transfer_read_iov:4 "$VGT" replay --no-pictures plain.vgt
# and those that failed in the recording, too, are as they should be
ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" STUB_VIRGL_FAIL=resource_attach_iov:1 LD_PRELOAD="$preload" \
	VGT_CAPTURE_FILE=failing.vgt "$client" --frames 3 >failing.out 2>failing.err || true
expect_exit 0 env STUB_VIRGL_FAIL=resource_attach_iov:1 "$VGT" replay --verify failing.vgt
expect_exit 1 replay --verify failing.vgt

# What the recording's device refused, the renderer does not get; the control is the same trace
# without the refusals. The creation is of a living id, and takes its backing away.
calls_of_trace() { # NAME: and leaves the summary in NAME.err
	expect_exit 0 "$build/tests/mktrace" "$1" "$1.vgt"
	STUB_VIRGL_LOG="$1.log" timeout 60 "$VGT" replay --verify --step "$1.vgt" \
		>"$1.out" 2>"$1.err" || true
	calls "$1.log" | sed 's/^virgl_renderer_\([a-z_]*\).*/\1/'
}
calls_of_trace refused >refused.calls
expect_equal "calls of refused" "context_create
context_create_with_flags
resource_create
resource_attach_iov
transfer_write_iov" "$(cat refused.calls)"
expect_equal "frames of refused" "" "$(cat refused.out)"
expect_equal "answers of refused" "replayed 0 frames, 9 commands; 4 answers compared, 0 differ" "$(sed -n 's/^.*: \(replayed.*\) in [0-9.]* s/\1/p' refused.err)"
calls_of_trace not-refused >not-refused.calls
expect_equal "calls of not-refused" "context_create
context_create_with_flags
resource_create
resource_attach_iov
resource_create
transfer_write_iov
submit_cmd
context_destroy" "$(cat not-refused.calls)"
expect_equal "frames of not-refused" 1 "$(wc -l <not-refused.out)"
expect_equal "answers of not-refused" "vgt: not-refused.vgt: @4: the renderer returns 22, the \
recording's returned 0" "$(grep -e returns not-refused.err)"
expect_exit 0 replay --quiet --verify refused.vgt
expect_exit 1 replay --quiet --verify not-refused.vgt

# The renderer does not start.
expect_exit 2 env STUB_VIRGL_FAIL=init "$VGT" replay plain.vgt
expect_equal "lines where init fails" 1 "$(wc -l <.stderr)"
expect_stderr_match "^vgt: plain.vgt: .*virglrenderer does not start \(22\): " \
	env STUB_VIRGL_FAIL=init "$VGT" replay plain.vgt
expect_stdout "" env STUB_VIRGL_FAIL=init "$VGT" replay plain.vgt
mkdir no-egl
touch no-egl/libEGL.so.1
expect_stderr "vgt: plain.vgt: no EGL that draws without a window: $PWD/no-egl/libEGL.so.1: file too short: \
apt install libegl1 libgl1-mesa-dri" env LD_LIBRARY_PATH="$PWD/no-egl:$LD_LIBRARY_PATH" "$VGT" replay --quiet plain.vgt
expect_equal "status without libEGL" 2 "$cli_status"

# A recording that was killed is replayed to its last command, and recovered.
: >killed.out
ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" LD_PRELOAD="$preload" VGT_CAPTURE_FILE=killed.vgt \
	"$client" --loop-seconds 60 >killed.out 2>&1 &
pid=$!
for _ in $(seq 600); do
	[ "$(wc -l <killed.out)" -lt 20 ] || break
	sleep 0.1
done
expect_stdout_match '^state +still being recorded$' "$VGT" info killed.vgt
expect_exit 2 "$VGT" recover killed.vgt
kill -9 $pid
wait $pid 2>/dev/null || true
frames=$(wc -l <killed.out)
expect_exit 5 replay killed.vgt
cp .stdout killed.frames
seen=$(wc -l <killed.frames)
expect_equal "frames of the killed ($seen of $frames)" all \
	"$([ "$seen" -ge "$frames" ] && [ "$seen" -le $((frames + 1)) ] && echo all)"
expect_equal "message" "vgt: killed.vgt: the end of the trace is missing (see \`vgt help recover\`)" \
	"$(grep -v -e renderer: -e replayed .stderr)"
expect_exit 5 replay --verify killed.vgt
expect_exit 5 shell '"$0" replay - <killed.vgt'
expect_exit 0 replay --frames 0-5 killed.vgt
expect_exit 5 "$VGT" info killed.vgt
expect_exit 0 "$VGT" recover -o copy.vgt killed.vgt
expect_exit 5 "$VGT" info killed.vgt
expect_exit 0 "$VGT" recover killed.vgt
expect_exit 0 replay --verify killed.vgt
expect_stdout "$(cat killed.frames)" replay killed.vgt
expect_stdout "$(cat killed.frames)" replay copy.vgt
expect_stderr "vgt: killed.vgt: is whole, nothing to recover" "$VGT" recover killed.vgt
expect_exit 0 "$VGT" info killed.vgt

# A damaged one is played up to there, and it is said how far that was.
head -c 15000 "$gears" >damaged.vgt
printf 'no chunk' >>damaged.vgt
tail -c +15009 "$gears" >>damaged.vgt
expect_exit 1 replay damaged.vgt
expect_equal "frames before the damage" 10 "$(grep -c ^frame .stdout)"
expect_equal "what is said of them" "vgt: damaged.vgt: replayed 10 frames, 76 commands before that" "$(tail -n 1 .stderr)"
expect_equal "what is before that" 1 "$(grep -c '^vgt: damaged.vgt: @76: .* (byte [0-9]*)$' .stderr)"
expect_exit 0 "$VGT" recover -o recovered.vgt damaged.vgt
expect_equal "what recover leaves out" \
	"vgt: recovered.vgt: 59 commands, 10 frames in or behind the damage are left out" "$(tail -n 1 .stderr)"
expect_exit 0 "$VGT" recover --json --force -o recovered.vgt damaged.vgt
expect_equal "lost" 1 "$(grep -c '"commands":76,"frames":10,"commands_lost":59,"frames_lost":10,' .stdout)"
expect_exit 0 replay --quiet recovered.vgt

# Standard input and output.
expect_stdout "$(cat plain.frames)" shell '"$0" replay - <plain.vgt'
expect_stdout "$(cat plain.frames)" shell 'cat plain.vgt | "$0" replay -'
expect_stdout "$("$VGT" info plain.vgt | sed 's/^\(trace  *\).*/\1-/; /^size/d')" \
	shell 'set -o pipefail; cat plain.vgt | "$0" info - | sed /^size/d'
expect_equal "status of info -" 0 "$cli_status"
expect_stdout "$(head -n 2 plain.frames)" shell '"$0" replay plain.vgt | head -n 2'
expect_stdout "$(head -n 1 plain.frames)" shell 'trap "" PIPE; "$0" replay --quiet plain.vgt | head -n 1'
"$build/tests/mktrace" long long.vgt
expect_stderr "" shell '"$0" replay --quiet long.vgt | head -n 1'
expect_exit 2 shell '"$0" replay --quiet plain.vgt >/dev/full'
