#!/usr/bin/env bash
# Drives a running server with the official Triton client, over HTTP and gRPC.
#
# Needs a build (dist/), Python 3.10 or newer, curl, a C compiler and, the first time only, PyPI, npm and apt. Steps: a
# virtual environment in .venv/interop, Azurite in .venv/azurite and Triton's C++ perf_analyzer in .venv/perf_analyzer,
# fixture models, an imitation of the CUDA driver, the server on free ports of the loopback interface, pytest, and down
# again.
# Arguments go to pytest: npm run test:interop -- -k digits, or test/interop/test_digits.py
# Without arguments it also checks that every client call has been made, and that test/interop/reached.json, which the
# table in docs/protocol.md is made from, is what the run has seen; NEREID_INTEROP_UPDATE=1 writes that file instead.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=test/interop
venv=.venv/interop
python="${PYTHON:-python3}"

step() { printf 'interop: %s\n' "$*"; }
fail() { printf 'interop: %s\n' "$*" >&2; exit 1; }

[ -f dist/server/main.js ] || fail "dist/server/main.js is missing: run 'npm run build' first"
command -v "$python" > /dev/null || fail "$python is missing: install Python 3.10 or newer, or set PYTHON"
command -v curl > /dev/null || fail "curl is missing: on Debian or Ubuntu, 'sudo apt-get install curl'"
command -v cc > /dev/null || fail "cc is missing: on Debian or Ubuntu, 'sudo apt-get install gcc libc6-dev'"

# The stamp is written last, so that an interrupted installation starts over. It holds the requirements and the
# interpreter: when both are unchanged, nothing is asked of the network.
wanted="$("$python" --version) $(cat "$here"/requirements*.txt | cksum)"
if [ "$(cat "$venv/installed" 2> /dev/null || true)" != "$wanted" ]; then
  step "installing $here/requirements*.txt into $venv"
  rm -rf "$venv"
  "$python" -m venv "$venv" \
    || fail "cannot make a virtual environment: on Debian or Ubuntu, 'sudo apt-get install python3-venv'"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$here/requirements-without-dependencies.txt"
  printf '%s\n' "$wanted" > "$venv/installed"
else
  step "using $venv as it is"
fi

# Azure's own emulator of its storage. The newest that runs on Node 20.
azurite=.venv/azurite
azurite_version=3.35.0
if [ "$(cat "$azurite/installed" 2> /dev/null || true)" != "$azurite_version" ]; then
  step "installing azurite $azurite_version into $azurite"
  rm -rf "$azurite"
  mkdir -p "$azurite"
  npm install --silent --prefix "$azurite" --no-save --ignore-scripts --omit=optional --no-audit --no-fund \
    "azurite@$azurite_version"
  printf '%s\n' "$azurite_version" > "$azurite/installed"
fi

# NVIDIA builds it for this alone.
triton_analyzer=.venv/perf_analyzer
if [ "$(uname -s) $(uname -m)" = "Linux x86_64" ]; then
  bash "$here/perf_analyzer/install.sh" "$triton_analyzer" "$venv/bin/python"
else
  triton_analyzer=
fi

work="$(mktemp -d)"
server_pid=
stop_all() {
  if [ -n "$server_pid" ] && kill -0 "$server_pid" 2> /dev/null; then
    step "stopping the server (pid $server_pid)"
    kill -TERM "$server_pid"
    # A server that does not stop by itself is a finding, but it must not outlive this script.
    for _ in $(seq 100); do
      kill -0 "$server_pid" 2> /dev/null || break
      sleep 0.1
    done
    if kill -0 "$server_pid" 2> /dev/null; then
      printf 'interop: the server did not stop within 10 s of SIGTERM; killing it\n' >&2
      kill -KILL "$server_pid"
      stop_code=1
    fi
  fi
  rm -rf "$work"
}
stop_code=0
trap stop_all EXIT

step "writing fixture models"
node dist/tools/make-fixture-repository.js "$work/fixtures" > /dev/null

step "building the imitation of the CUDA driver"
mkdir "$work/cuda"
cc -shared -fPIC -Wall -Werror -o "$work/cuda/libcuda.so.1" test/fixtures/cuda/imitated-driver.c

read -r http_port grpc_port metrics_port < <("$venv/bin/python" "$here/free_ports.py" 3)
step "starting the server: HTTP $http_port, gRPC $grpc_port, metrics $metrics_port"
# Without the GPUs of this machine, so that it is the same server everywhere.
CUDA_VISIBLE_DEVICES=-1 \
  node dist/server/main.js --model-repository=model_repository --model-repository="$work/fixtures" \
  --model-repository="$here/models" \
  --model-control-mode=explicit --load-model='*' --allow-client-shm=true --cache-config=local,size=10000000 \
  --trace-config=triton,file="$work/trace.json" \
  --metrics-config=summary_latencies=true --metrics-config=histogram_latencies=true \
  --http-address=127.0.0.1 --http-port="$http_port" --grpc-address=127.0.0.1 --grpc-port="$grpc_port" \
  --metrics-address=127.0.0.1 --metrics-port="$metrics_port" > "$work/server.log" 2>&1 &
server_pid=$!

for _ in $(seq 300); do
  kill -0 "$server_pid" 2> /dev/null || { cat "$work/server.log" >&2; fail "the server ended before it was ready"; }
  curl --silent --fail --max-time 2 "http://127.0.0.1:$http_port/v2/health/ready" > /dev/null && break
  sleep 0.1
done
curl --silent --fail --max-time 2 "http://127.0.0.1:$http_port/v2/health/ready" > /dev/null \
  || { cat "$work/server.log" >&2; fail "the server was not ready within 30 s"; }

test_code=0
# run_tests DIRECTORY RECORD ARGUMENT…: pytest in a process of its own: both client libraries define the same protobuf
# messages, and one process takes them only once; the SDKs of object storage bring TLS libraries that do not get on with
# those of Triton's client.
# Arguments that are files, FILE::TEST or folders choose among the tests; each runs in the process of its folder.
run_tests() {
  local directory=$1 record=$2 code=0 argument file chosen=
  local options=() paths=()
  shift 2
  for argument in "$@"; do
    file=${argument%%::*}
    if [ -d "$file" ]; then
      chosen=yes
      [ "${file%/}" != "$directory" ] || paths+=("$argument")
    elif [ -f "$file" ]; then
      chosen=yes
      [ "$(dirname "$file")" != "$directory" ] || paths+=("$argument")
    else
      options+=("$argument")
    fi
  done
  if [ -z "$chosen" ]; then paths=("$directory"); fi
  if [ ${#paths[@]} -eq 0 ]; then return; fi
  step "running pytest $directory"
  NEREID_HTTP="127.0.0.1:$http_port" NEREID_GRPC="127.0.0.1:$grpc_port" NEREID_METRICS="127.0.0.1:$metrics_port" \
    NEREID_TRACE_FILE="$work/trace.json" NEREID_CALLS_FILE="$work/$record" NEREID_AZURITE="$azurite" \
    NEREID_PERF_ANALYZER="$triton_analyzer" \
    NEREID_IMITATED_CUDA="$work/cuda" \
    PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 GRPC_VERBOSITY=NONE \
    "$venv/bin/python" -m pytest -c "$here/pytest.ini" --rootdir "$here" --confcutdir "$directory" ${options[@]+"${options[@]}"} "${paths[@]}" \
    || code=$?
  # 5: the arguments choose no test of this directory.
  if [ "$code" -ne 0 ] && { [ "$code" -ne 5 ] || [ $# -eq 0 ]; }; then test_code=$code; fi
}
run_tests "$here" calls-triton.json "$@"
run_tests "$here/kserve_client" calls-kserve.json "$@"
run_tests "$here/object_storage" calls-object-storage.json "$@"
run_tests "$here/cuda_memory" calls-cuda-memory.json "$@"
# Of no client's calls: it brings its own. A server of its own, too, so that nothing else is measured.
if [ -n "$triton_analyzer" ]; then
  run_tests "$here/perf_analyzer" calls-perf-analyzer.json "$@"
else
  printf '\ninterop: NOT RUN: %s. There is no C++ perf_analyzer for %s %s, only for Linux x86_64.\n\n' \
    "$here/perf_analyzer" "$(uname -s)" "$(uname -m)"
fi

if [ $# -eq 0 ] && [ "$test_code" -eq 0 ]; then
  step "checking which calls have been made"
  PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/check_calls.py" "$work" || test_code=1
fi

if ! kill -0 "$server_pid" 2> /dev/null; then
  printf 'interop: the server died during the tests\n' >&2
  test_code=1
fi
if [ "$test_code" -ne 0 ]; then
  printf 'interop: last lines of the server log\n' >&2
  tail -n 40 "$work/server.log" >&2
fi
stop_all
server_pid=
[ "$test_code" -eq 0 ] && test_code=$stop_code
exit "$test_code"
