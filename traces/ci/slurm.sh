#!/bin/bash
# Slurm: one trace a job, as many at once as the cluster gives, one report at the end.
#   traces/ci/slurm.sh SUITE OUT     OUT: a directory that all machines see
# The jobs are an array, the report a job that waits for all of them.
set -eu

case $# in
2)
	suite=$(realpath "$1")
	mkdir -p "$2"
	out=$(realpath "$2")
	tests=$(vgt test --list "$suite" | wc -l)
	array=$(sbatch --parsable --array="1-$tests" --job-name=replay --cpus-per-task=2 --output="$out/%a.log" \
		"$0" one "$suite" "$out")
	sbatch --dependency="afterany:$array" --job-name=replay-report --output="$out/report.log" \
		"$0" report "$suite" "$out"
	;;
3)
	suite=$2 out=$3
	case $1 in
	one)
		vgt test --fetch --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --out "$out/$SLURM_ARRAY_TASK_ID" "$suite"
		;;
	report) vgt test --merge --suite "$suite" --junit "$out/junit.xml" --html "$out/report.html" "$out"/*/ ;;
	esac
	;;
*)
	echo "usage: slurm.sh SUITE OUT" >&2
	exit 2
	;;
esac
