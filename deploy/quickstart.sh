#!/usr/bin/env bash
# Installs what is missing, builds, and shows presence changing live: a simulated PBX with people who
# call each other, the server, and a logged-in client that watches. Ctrl-C ends all of it.
#
#   bash deploy/quickstart.sh [OPTION...]
#
#   --no-install     do not install packages
#   --no-build       do not build either: the programs are in the build folder
#   --seconds N      end after N seconds (default: at Ctrl-C)
#   --any-ports      take free ports, not the usual ones
#   --build-dir DIR  build folder (default: build)
#   --data DIR       where database, logs and sockets lie (default: BUILD_DIR/demo)
set -euo pipefail
cd "$(dirname "$0")/.."

install=true build=true seconds='' any_ports=false build_dir=build data=''
while (($#)); do
  case $1 in
    --no-install) install=false ;;
    --no-build) install=false build=false ;;
    --seconds) seconds=$2; shift ;;
    --any-ports) any_ports=true ;;
    --build-dir) build_dir=$2; shift ;;
    --data) data=$2; shift ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "quickstart.sh: unknown option '$1'; --help lists them" >&2; exit 2 ;;
  esac
  shift
done
data=${data:-$build_dir/demo}
programs=(unipresence-pbxsim unipresenced unipresence)

if $install; then
  echo "== packages"
  bash deploy/install_dependencies.sh build
fi
if $build; then
  echo "== build (a few minutes the first time)"
  # The folder that tests/run.sh builds in too: without the tests, unless it was configured with them.
  options=()
  grep -qs '^UNIPRESENCE_TESTS:[A-Z]*=ON' "$build_dir/CMakeCache.txt" ||
    options=(-DUNIPRESENCE_TESTS=OFF -DUNIPRESENCE_BENCHMARKS=OFF)
  mkdir -p "$build_dir"
  cmake --preset release -B "$build_dir" "${options[@]}" >"$build_dir/configure.log" 2>&1 ||
    { tail -n 40 "$build_dir/configure.log" >&2; exit 1; }
  cmake --build "$build_dir" --target "${programs[@]}"
fi
for program in "${programs[@]}"; do
  [ -x "$build_dir/$program" ] ||
    { echo "quickstart.sh: no $build_dir/$program; run without --no-build" >&2; exit 1; }
done

# --- the three programs ---

pids=()
stop() {
  trap - EXIT INT TERM
  # In reverse: the client, the server, the PBX.
  for ((i = ${#pids[@]} - 1; i >= 0; --i)); do
    kill "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
}
trap stop EXIT
trap 'echo; echo "== stopping"; exit 0' INT TERM

# give_up NAME: shows the end of a program's log and ends.
give_up() {
  echo "quickstart.sh: $1 does not run; the end of $data/$1.log:" >&2
  tail -n 20 "$data/$1.log" >&2
  exit 1
}

# start NAME COMMAND...: starts a program that prints one line of JSON once it listens, and sets
# `addresses` to that line.
start() {
  local name=$1
  shift
  : >"$data/$name.out"
  "$@" >"$data/$name.out" 2>"$data/$name.log" &
  pids+=($!)
  for _ in $(seq 300); do
    addresses=$(head -n 1 "$data/$name.out")
    [ -n "$addresses" ] && return
    kill -0 "${pids[-1]}" 2>/dev/null || give_up "$name"
    sleep 0.1
  done
  give_up "$name"
}

# address KEY: of the last started program.
address() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" <<<"$addresses"; }

mkdir -p "$data"
chmod 700 "$data"
cp deploy/demo/users.yaml "$data/users.yaml"

ami=127.0.0.1:5039
ports=()
if $any_ports; then
  ami=127.0.0.1:0
  ports=(--grpc.listen 127.0.0.1:0 --zeromq.publish 'tcp://127.0.0.1:*'
         --zeromq.snapshot 'tcp://127.0.0.1:*' --metrics.listen 127.0.0.1:0)
fi
start unipresence-pbxsim "$build_dir/unipresence-pbxsim" --listen "$ami" --pbx-name demo \
  --users-file "$data/users.yaml" --demo --verbose
sed "s/port: 5039/port: $(address ami | sed 's/.*://')/" deploy/demo/unipresenced.yaml \
  >"$data/unipresenced.yaml"
start unipresenced "$build_dir/unipresenced" --config "$data/unipresenced.yaml" \
  --store.path "$data/unipresence.db" "${ports[@]}"
server=$(address grpc)
metrics=$(address metrics)

export UNIPRESENCE_SERVER=$server
client=$build_dir/unipresence
# Three people are logged in, as if by their browsers; each session lives as long as its client.
for user in alice bob carol; do
  (umask 077 && echo "demo-$user" >"$data/$user.password")
  rm -f "$data/$user.session"
  "$client" --session-file "$data/$user.session" login "$user" \
    --password-file "$data/$user.password" --hold >"$data/login-$user.log" 2>&1 &
  pids+=($!)
done
export UNIPRESENCE_SESSION_FILE=$data/alice.session
for _ in $(seq 100); do
  "$client" get presence alice >/dev/null 2>&1 && break
  kill -0 "${pids[-3]}" 2>/dev/null || give_up login-alice
  sleep 0.1
done

cat <<TEXT
== alice, bob and carol are logged in; everybody's presence, live (Ctrl-C ends it)
   In another terminal, in this folder:
     export UNIPRESENCE_SERVER=$server UNIPRESENCE_SESSION_FILE=$data/alice.session
     $client list
     $client explain alice
     $client call 1001             # alice's deskphone rings, then bob's
     $client select deskphone      # alice's calls ring there now
     tail -f $data/unipresence-pbxsim.log    # what the phones do
     curl -s http://$metrics/metrics | grep ^unipresence
TEXT
"$client" watch &
watch=$!
pids+=("$watch")
if [ -n "$seconds" ]; then
  sleep "$seconds" &
  pids+=($!)
  wait $!
  kill -0 "$watch" 2>/dev/null || give_up unipresenced
else
  wait "$watch"
fi
