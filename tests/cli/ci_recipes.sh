#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # shell() expands; lib.sh sets cli_status
# traces/ci: the workflow of GitHub Actions, the scripts for GNU parallel and Slurm, the list of known failures, each run
# here with a small suite that passes and with one that does not. tests/e2e/ci_recipes.sh runs GitLab's.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

for needed in jq parallel python3 xmllint; do
	command -v $needed >/dev/null || skip "no $needed"
done
python3 -c 'import yaml' 2>/dev/null || skip "no module yaml for python3"
recipes=$PWD/traces/ci
junit=$PWD/tests/junit.xsd
workflow=$PWD/tests/run_workflow.py
export PATH=${VGT%/*}:$PATH LIBGL_ALWAYS_SOFTWARE=1

# Three traces of the sample suite, of which one that differs has another's golden.
mkdir "$TMP/good"
for name in compute feedback occlusion; do
	cp -R "traces/$name" "traces/$name.vgt" "$TMP/good"
done
jq '.traces |= map(select(.name | IN("compute", "feedback", "occlusion"))) | del(.expect)' traces/manifest.json >"$TMP/good/manifest.json"
cd "$TMP"
cp -R good bad
cp bad/feedback/frame-0001.png bad/feedback/frame-0000.png
tests_of() { # FILE: how many, and how many failed
	expect_exit 0 xmllint --noout --schema "$junit" "$1"
	echo "$(xmllint --xpath 'string(/testsuites/@tests)' "$1") $(xmllint --xpath 'string(/testsuites/@failures)' "$1")"
}

# The workflow: four shards of three tests, so that one has none.
on_github() { # SUITE
	mkdir -p "repository-$1" "work-$1"
	cp -R "$1" "repository-$1/suite"
	timeout 120 "$workflow" "$recipes/github-actions.yml" "repository-$1" "work-$1"
}
expect_exit 0 on_github good
expect_equal "jobs" "replay-1: passed replay-2: passed replay-3: passed replay-4: passed report: passed" \
	"$(grep -E '^(replay-.|report): ' .stdout | xargs)"
expect_equal "tests and failures" "3 0" "$(tests_of work-good/artifacts/replay-report/junit.xml)"
expect_exit 1 on_github bad
expect_equal "jobs" "replay-1: passed replay-2: passed replay-3: passed replay-4: passed report: failed" \
	"$(grep -E '^(replay-.|report): ' .stdout | xargs)"
expect_equal "tests and failures" "3 1" "$(tests_of work-bad/artifacts/replay-report/junit.xml)"
expect_exit 0 grep -q '^FAIL  feedback: frame 0 ' work-bad/report.summary
expect_exit 0 grep -q 'feedback' work-bad/artifacts/replay-report/report.html
# what cannot be run is no success of the shards either
echo '{' >good/manifest.json
mv repository-good unused && rm -r work-good
expect_exit 1 on_github good
expect_equal "jobs" "replay-1: failed replay-2: failed replay-3: failed replay-4: failed report: failed" \
	"$(grep -E '^(replay-.|report): ' .stdout | xargs)"
cp unused/suite/manifest.json good/manifest.json

# GNU parallel
expect_exit 0 timeout 60 "$recipes/parallel.sh" good parallel-good
expect_equal "tests and failures" "3 0" "$(tests_of parallel-good/junit.xml)"
expect_exit 1 timeout 60 "$recipes/parallel.sh" bad parallel-bad --joblog joblog
expect_equal "tests and failures" "3 1" "$(tests_of parallel-bad/junit.xml)"
expect_equal "one job a test" 3 "$(tail -n +2 joblog | wc -l)"
expect_exit 2 "$recipes/parallel.sh" good

# Slurm: an sbatch that runs the array's jobs at once, and what depends on it behind it
mkdir bin
cat >bin/sbatch <<'EOF'
#!/bin/bash
set -u
count=1
output=/dev/stdout
while [[ ${1:-} = --* ]]; do
	case $1 in
	--array=1-*) count=${1#--array=1-} ;;
	--dependency=afterany:17 | --cpus-per-task=* | --job-name=*) ;;
	--parsable) echo 17 ;;
	--output=*) output=${1#--output=} ;;
	*) echo "sbatch: unknown $1" >&2 && exit 2 ;;
	esac
	shift
done
for ((i = 1; i <= count; i++)); do
	SLURM_ARRAY_TASK_ID=$i SLURM_ARRAY_TASK_COUNT=$count "$@" >"${output//%a/$i}" 2>&1
	echo $? >>statuses
done
EOF
chmod +x bin/sbatch
PATH=$TMP/bin:$PATH
expect_exit 0 timeout 60 "$recipes/slurm.sh" good slurm-good
expect_equal "statuses" "0 0 0 0" "$(xargs <statuses)"
expect_equal "tests and failures" "3 0" "$(tests_of slurm-good/junit.xml)"
rm statuses
expect_exit 0 timeout 60 "$recipes/slurm.sh" bad slurm-bad
expect_equal "statuses" "0 1 0 1" "$(xargs <statuses)"
expect_equal "tests and failures" "3 1" "$(tests_of slurm-bad/junit.xml)"
expect_exit 2 "$recipes/slurm.sh" good

# The stanzas for Mesa and virglrenderer are YAML, with options that there are; the list of failures becomes a manifest.
text=$recipes/mesa-or-virglrenderer.md
block() { # LANGUAGE: all blocks of it
	sed -n '/^```'"$1"'$/,/^```$/{/^```/!p}' "$text"
}
block yaml >stanzas.yml
expect_stdout "llvmpipe-vgt-traces vgt-traces" python3 -c '
import sys, yaml
print(*sorted(yaml.safe_load(open("stanzas.yml"))))'
tr ' ' '\n' <stanzas.yml | grep -e '^--' | sort -u >options
expect_exit 0 [ -s options ]
while read -r option; do
	expect_exit 0 grep -q -e "$option" <("$VGT" help test)
done <options
cat >llvmpipe-fails.txt <<'EOF'
# an "issue"
feedback,Fail

occlusion,Crash
EOF
expect_exit 0 bash -c "$(block sh)"
jq --slurpfile expect <(echo '['; cat .stdout; echo ']') '. + {expect: $expect[0]}' bad/manifest.json >new.json
expect_equal "expectations" 'feedback,fail,an "issue" occlusion,crash,of llvmpipe-fails.txt' \
	"$(jq -r '.expect[] | "\(.traces),\(.result),\(.reason)"' new.json | paste -sd ' ')"
cp new.json bad/manifest.json
expect_exit 1 vgt test --out out bad
expect_stdout_match '^FIXED occlusion: ' vgt test --out out bad
expect_stdout_match '^known feedback: .*an "issue"' vgt test --out out bad
