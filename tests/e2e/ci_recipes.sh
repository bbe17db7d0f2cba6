#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # lib.sh sets cli_status
# traces/ci/gitlab-ci.yml, run by gitlab-ci-local (npm) in a repository that holds a small suite, jobs isolated from each
# other; the schema of GitHub Actions for the workflow, which tests/cli/ci_recipes.sh runs.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

for needed in git jq node rsync xmllint; do
	command -v $needed >/dev/null || skip "no $needed"
done
programs=$(tests/npm_packages tests/e2e/ci_recipes 2>"$TMP/npm") || skip "$(cat "$TMP/npm")"
programs=$programs/node_modules/.bin
junit=$PWD/tests/junit.xsd
recipes=$PWD/traces/ci
export PATH=${VGT%/*}:$PATH LIBGL_ALWAYS_SOFTWARE=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

mkdir -p "$TMP/good/suite"
for name in compute feedback occlusion; do
	cp -R "traces/$name" "traces/$name.vgt" "$TMP/good/suite"
done
jq '.traces |= map(select(.name | IN("compute", "feedback", "occlusion"))) | del(.expect)' traces/manifest.json \
	>"$TMP/good/suite/manifest.json"
cd "$TMP"
cp good/suite/feedback/frame-0001.png other.png

repository() { # DIRECTORY
	cp "$recipes/gitlab-ci.yml" "$1/.gitlab-ci.yml"
	git -C "$1" init -q -b main
	git -C "$1" add -A
	git -C "$1" -c user.name=nobody -c user.email=nobody@localhost commit -q -m suite
}
pipeline() { # DIRECTORY
	(cd "$1" && timeout 300 "$programs/gitlab-ci-local" --force-shell-executor --shell-isolation --no-color)
}
verdicts() {
	sed -n 's/^ \(PASS\|WARN\|FAIL\) *\(replay\|report\).*/\1 \2/p' .stdout | sort | uniq -c | xargs
}
tests_of() { # FILE: how many, and how many failed
	expect_exit 0 xmllint --noout --schema "$junit" "$1"
	echo "$(xmllint --xpath 'string(/testsuites/@tests)' "$1") $(xmllint --xpath 'string(/testsuites/@failures)' "$1")"
}

cp -R good bad
repository good
expect_exit 0 pipeline good
expect_equal "jobs" "4 PASS replay 1 PASS report" "$(verdicts)"
expect_equal "tests and failures" "3 0" "$(tests_of good/.gitlab-ci-local/builds/report/junit.xml)"

cp other.png bad/suite/feedback/frame-0000.png
repository bad
expect_exit 1 pipeline bad
expect_equal "jobs" "1 FAIL report 3 PASS replay 1 WARN replay" "$(verdicts)"
expect_exit 0 grep -q feedback bad/.gitlab-ci-local/artifacts/report/report.html

expect_exit 0 "$programs/action-validator" "$recipes/github-actions.yml"
sed 's/runs-on:/run-on:/' "$recipes/github-actions.yml" >wrong.yml
expect_exit 1 "$programs/action-validator" wrong.yml
