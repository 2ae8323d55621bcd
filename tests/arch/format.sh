#!/usr/bin/env bash
# Every own C++ file is as clang-format 14 would have it.
#   format.sh SOURCE_DIR          check;   format.sh SOURCE_DIR --fix   format in place
set -euo pipefail
cd "$1"
command -v clang-format >/dev/null || { echo "SKIPPED: clang-format is not installed"; exit 77; }
mode=(--dry-run -Werror)
[ "${2:-}" = --fix ] && mode=(-i)
find aggregator server clients tests \( -name '*.h' -o -name '*.cc' \) -print0 |
  xargs -0 -P "$(nproc)" -n 20 clang-format "${mode[@]}"
