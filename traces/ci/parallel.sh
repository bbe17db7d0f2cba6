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
tests=$(vgt test --list "$suite" | wc -l)
# how many have failed is parallel's exit status: the report says which
seq "$tests" | parallel "$@" vgt test --quiet --fetch --shard "{}/$tests" --out "$out/{}" "$suite" || true
vgt test --merge --suite "$suite" --junit "$out/junit.xml" --html "$out/report.html" "$out"/*/
