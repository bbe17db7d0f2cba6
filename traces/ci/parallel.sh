#!/bin/bash
# GNU parallel: one trace a job, here or on several machines, one report at the end.
#   traces/ci/parallel.sh SUITE OUT [OPTION...]
# The options are parallel's: --sshlogin HOST,HOST and --workdir DIR where these see the same files, --joblog FILE,
# --resume-failed.
set -eu

if [ $# -lt 2 ]; then
	echo "usage: parallel.sh SUITE OUT [OPTION of parallel...]" >&2
	exit 2
fi
suite=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
shift 2
# its exit status says how many have failed: the report says which
vgt test --list --quiet "$suite" | parallel --quote "$@" vgt test --quiet --fetch --out "$out/{}" "$suite" {} || true
vgt test --merge --suite "$suite" --junit "$out/junit.xml" --html "$out/report.html" "$out"/*/
