#!/usr/bin/env bash
# Builds the benchmarks with optimisation and runs them all.
#   bash tests/bench/run.sh [OUT_DIR] [end_to_end_bench options]
# Tables go to stdout, a .json of each to OUT_DIR (default build-bench).
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-build-bench}
shift || true
cmake -S . -B build-bench -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build-bench --target ami_parse_bench channel_bench engine_bench follower_bench unary_bench end_to_end_bench
mkdir -p "$out"
for name in ami_parse channel engine follower; do
  "build-bench/${name}_bench" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true \
    --benchmark_enable_random_interleaving=true \
    --benchmark_out="$out/$name.json" --benchmark_out_format=json
done
build-bench/unary_bench build-bench/unipresenced --json "$out/unary.json"
build-bench/end_to_end_bench --json "$out/end_to_end.json" "$@"
