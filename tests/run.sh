#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests. The last lines are ctest's summary.
#
#   bash tests/run.sh [OPTION...] [-- CTEST_OPTION...]
#
#   --preset NAME     debug, release (default), asan-ubsan or tsan (CMakePresets.json)
#   -R REGEX          only tests whose name matches
#   -L LABEL          only tests of that label: asterisk, integration, simulation, arch, tsan, ...
#   --target TARGET   build only this: the name of a test, or tests_LABEL for the C++ tests of a label
#   --no-install      do not install packages
#   --no-asterisk     leave the tests on a real Asterisk out
#   -j N              jobs (default: the number of cores to build, twice that to test)
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
install=true
jobs=$(nproc)
test_jobs=$((jobs * 2))
ctest_options=()
targets=()
while (($#)); do
  case $1 in
    --preset) preset=$2; shift ;;
    -R | -L) ctest_options+=("$1" "$2"); shift ;;
    --target) targets+=(--target "$2"); shift ;;
    --no-install) install=false ;;
    --no-asterisk) ctest_options+=(-LE asterisk) ;;
    -j) jobs=$2; test_jobs=$2; shift ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --) shift; ctest_options+=("$@"); break ;;
    *) echo "run.sh: unknown option '$1'; --help lists them" >&2; exit 2 ;;
  esac
  shift
done

if $install; then
  echo "== packages"
  bash deploy/install_dependencies.sh build test
fi
echo "== build ($preset)"
build=build
[ "$preset" = release ] || build=build-$preset
mkdir -p "$build"
cmake --preset "$preset" >"$build/configure.log" 2>&1 ||
  { tail -n 40 "$build/configure.log" >&2; exit 1; }
# Ninja's own progress on a terminal; the end of its log if it fails elsewhere.
if [ -t 1 ]; then cmake --build "$build" -j "$jobs" "${targets[@]}"; else
  NINJA_STATUS='[%f/%t] ' cmake --build "$build" -j "$jobs" "${targets[@]}" >"$build/build.log" 2>&1 ||
    { tail -n 60 "$build/build.log" >&2; exit 1; }
  tail -n 1 "$build/build.log"
fi
# libzmq, gRPC and Abseil come from Debian, not instrumented: what happens inside them looks like races.
[ "$preset" != tsan ] ||
  export TSAN_OPTIONS="ignore_noninstrumented_modules=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
echo "== tests ($preset)"
ctest --test-dir "$build" -j "$test_jobs" --output-on-failure --no-tests=error "${ctest_options[@]}"
