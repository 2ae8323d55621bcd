#!/usr/bin/env bash
# Installs the Debian 12 packages that unipresence needs: the one list of them.
#
#   bash deploy/install_dependencies.sh build          # to build and run
#   bash deploy/install_dependencies.sh build test     # to run the tests as well
#
# Does nothing when all are there. Needs root or sudo otherwise.
set -euo pipefail

build=(
  ca-certificates ccache cmake g++ git ninja-build pkg-config
  cppzmq-dev libabsl-dev libasio-dev libboost-dev libcli11-dev libfmt-dev libgrpc++-dev
  libprotobuf-dev libsodium-dev libspdlog-dev libsqlite3-dev libssl-dev libyaml-cpp-dev libzmq3-dev
  nlohmann-json3-dev prometheus-cpp-dev protobuf-compiler protobuf-compiler-grpc
)
test=(
  clang clang-format clang-tidy libclang-rt-14-dev lld
  libbenchmark-dev libgmock-dev libgtest-dev librapidcheck-dev
  iproute2 nftables prometheus python3-grpcio python3-protobuf python3-pytest python3-yaml
  python3-zmq sqlite3
)

wanted=()
for group in "$@"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install_dependencies.sh: '$group' is no group of packages; say build or test" >&2; exit 2 ;;
  esac
done
((${#wanted[@]})) || { echo "install_dependencies.sh: say build, or build test" >&2; exit 2; }

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    missing+=("$package")
done
((${#missing[@]})) || { echo "all ${#wanted[@]} packages are installed"; exit 0; }

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null ||
    { echo "missing: ${missing[*]}; install them as root, there is no sudo here" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing ${#missing[@]} of ${#wanted[@]} packages: ${missing[*]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 "$@"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Packages with a service (prometheus) must not start it: tests start their own.
no_start=$(mktemp -d)
printf '#!/bin/sh\nexit 101\n' >"$no_start/policy-rc.d"
chmod +x "$no_start/policy-rc.d"
policy=/usr/sbin/policy-rc.d
placed=false
if [ ! -e "$policy" ]; then
  "${as_root[@]}" cp "$no_start/policy-rc.d" "$policy" && placed=true
fi
status=0
{ apt update && apt install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || status=$?
$placed && "${as_root[@]}" rm -f "$policy"
rm -rf "$no_start"
if [ "$status" != 0 ]; then
  tail -n 30 "$log" >&2
  exit "$status"
fi
